//! The error log: everything that failed, with what to do about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Role;
use super::super::ui::Ui;
use super::document::{self, Line};
use super::{Shown, wide, window};
use crate::cockpit::Command;
use crate::cockpit::overlay::Scroll;
use crate::text::visible_lines;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, scroll: Scroll) -> Shown {
    let place = wide(area, area.height);
    let inner = window(ui, buf, place, "Errors", &[(Command::Down, "scroll"), (Command::Back, "back")]);
    let lines = lines(ui);
    document::draw(buf, inner, scroll.top, lines.len(), |index| lines[index].clone())
}

fn lines(ui: Ui<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, failure) in &ui.model.failures {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(
            Line::of(&ui.clock(*at), ui.of(Role::Time))
                .with(" ✗ ", ui.of(Role::Bad))
                .with(&failure.doing, ui.of(Role::Text))
                .hanging(11),
        );
        let cause = visible_lines(&failure.cause);
        lines.extend(cause.lines().map(|line| indented(line, ui.of(Role::Muted))));
        for (place, hint) in visible_lines(&failure.hint).lines().enumerate() {
            let arrow = if place == 0 { "           → " } else { "             " };
            lines.push(Line::of(arrow, ui.of(Role::Accent)).with(hint, ui.of(Role::Text)).hanging(13));
        }
    }
    if let Some(why) = &ui.model.read_only {
        lines.push(Line::default());
        lines.push(Line::of("✗ nothing can be written: ", ui.of(Role::Overdue)).with(why, ui.of(Role::Text)));
    }
    if lines.is_empty() {
        lines.push(Line::of("nothing has failed", ui.of(Role::Muted)));
    }
    lines
}

fn indented(text: &str, style: ratatui::style::Style) -> Line {
    Line::of("           ", style).with(text, style).hanging(11)
}
