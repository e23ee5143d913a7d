//! The words of a pull request that a person has to open, and the link to its form.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::Scroll;
use crate::hotfix::pull::ByHand;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, by_hand: &ByHand, scroll: Scroll) -> Shown {
    let place = wide(area, area.height);
    let mut keys = vec![(Command::PullText, "copy the words")];
    if by_hand.link.is_some() {
        keys.push((Command::PullLink, "copy the link"));
    }
    keys.push((Command::Back, "back"));
    let inner = window(ui, buf, place, "Open the pull request by hand", &keys);
    let lines = lines(ui, by_hand);
    document::draw(buf, inner, scroll.top, lines.len(), |index| lines[index].clone())
}

fn lines(ui: Ui<'_>, by_hand: &ByHand) -> Vec<Line> {
    let mut lines = vec![Line::of(&by_hand.why, ui.of(Role::Warn)), Line::default()];
    if let Some(link) = &by_hand.link {
        // The whole of it is copied; here it only says where it leads.
        let form = link.split('?').next().unwrap_or(link);
        lines.push(Line::of("→ ", ui.of(Role::Accent)).with(form, ui.of(Role::Code)).hanging(2));
        lines.push(Line::default());
    }
    lines.extend(by_hand.words().lines().map(|line| Line::of(line, ui.of(Role::Text))));
    lines
}
