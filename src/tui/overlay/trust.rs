//! What `flightdeck.toml` would run, to be read before it is trusted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::Pen;
use super::super::theme::Role;
use super::super::ui::{Ui, below};
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::model::ConfigSource;
use crate::cockpit::overlay::Trust;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: Trust) -> Shown {
    let ConfigSource::Untrusted { hash, would_run } = &ui.model.config.source else {
        let inner = window(ui, buf, wide(area, 4), "Trust", &[(Command::Back, "back")]);
        Pen::new(buf, inner, 0).put("nothing to trust here", ui.of(Role::Muted));
        return Shown { lines: inner.height, ..Shown::default() };
    };
    let lines: Vec<Line> = would_run
        .iter()
        .map(|line| Line::of("• ", ui.of(Role::Faint)).with(line, ui.of(Role::Code)).hanging(2))
        .collect();
    let wanted = document::height(&lines, area.width.saturating_sub(4), area.height).saturating_add(7);
    let inner = window(ui, buf, wide(area, wanted), "Trust flightdeck.toml?", &[]);
    let (first, role) = if view.changed {
        ("▲ changed while this was open. Read it again; y says that you have.", Role::Warn)
    } else {
        ("Trusting it allows exactly this to run:", Role::Text)
    };
    Pen::new(buf, inner, 0).put(first, ui.of(role));
    let list = below(inner, 2);
    let list = Rect { height: list.height.saturating_sub(3), ..list };
    let shown = document::draw(buf, list, view.scroll.top, lines.len(), |index| lines[index].clone());
    let foot = below(inner, inner.height.saturating_sub(2));
    let fingerprint =
        format!("content {}; if it changes, you are asked again", hash.get(..12).unwrap_or(hash));
    Pen::new(buf, foot, 0).put(&fingerprint, ui.of(Role::Faint));
    let mut pen = Pen::new(buf, foot, 1);
    let yes = if view.changed { "I have read it" } else { "trust this content" };
    pen.put("y", ui.of(Role::Key)).gap(1).put(yes, ui.of(Role::Warn)).gap(4);
    pen.put("esc", ui.of(Role::Key)).gap(1).put("back", ui.of(Role::Text));
    shown
}
