//! What usually breaks a service, with what is known of each; and everything odd that was noted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, row};
use super::{Shown, wide, window};
use crate::cockpit::overlay::CulpritsView;
use crate::cockpit::{Command, culprits};
use crate::hotfix::suspects::culprits::{Odd, Standing};
use crate::incident::CulpritVerdict;
use crate::text::visible;

/// Most columns of what is told below a row.
const COLUMNS: u16 = 110;

/// A line of the list; those of the row that the cursor is on are marked.
struct Line<'a> {
    /// Which row it belongs to, if any.
    row: Option<usize>,
    what: What<'a>,
}

enum What<'a> {
    /// With what speaks for it in one line, where it is not told below.
    Culprit(&'a Standing<'a>, bool),
    Detail(String, Role),
    Odd(&'a Odd),
    Heading(&'static str),
}

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: CulpritsView) -> Shown {
    let (culprits, odd) = culprits(ui.model);
    let columns = area.width.saturating_sub(4).min(COLUMNS);
    let none = format!("nothing yet: {} notes it", ui.keys(Command::Notes, Command::Problem));
    let lines = lines(&culprits, &odd, &none, view.cursor, columns.saturating_sub(6));
    let is_odd = view.cursor >= culprits.len();
    let mut keys = vec![
        (Command::RuleOut, "ruled out"),
        (Command::CulpritFound, "it was this"),
        (Command::Back, "back"),
    ];
    if is_odd {
        keys = vec![(Command::OddFollowUp, "make it a follow-up"), (Command::Back, "back")];
    }
    let wanted = (lines.len() as u16).saturating_add(2);
    let inner = window(ui, buf, wide(area, wanted), "What broke it?", &keys);
    let height = usize::from(inner.height);
    // The whole of the row that the cursor is on is in sight, its first line in any case.
    let of_row = |line: &Line<'_>| line.row == Some(view.cursor);
    let first = lines.iter().position(of_row).unwrap_or(0);
    let last = lines.iter().rposition(of_row).unwrap_or(first);
    let top = (last + 1).saturating_sub(height).min(first);
    for (at, line) in lines.iter().skip(top).take(height).enumerate() {
        let at = at as u16;
        draw_line(ui, &mut Pen::new(buf, inner, at), &line.what);
        let is_head = matches!(line.what, What::Culprit(..) | What::Odd(_));
        if is_head && line.row == Some(view.cursor) {
            let band = Rect { x: inner.x.saturating_sub(1), width: inner.width + 2, ..row(inner, at) };
            ui.select(buf, band);
        }
    }
    Shown { lines: inner.height, top, cursor: None, more: None }
}

/// `none` is said where nothing odd was noted.
fn lines<'a>(
    culprits: &'a [Standing<'a>],
    odd: &'a [Odd],
    none: &str,
    cursor: usize,
    columns: u16,
) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let detail = |lines: &mut Vec<Line<'a>>, index: usize, text: &str, role: Role| {
        let text = visible(text).into_owned();
        let wrapped: Vec<String> = wrap(&text, columns).into_iter().map(str::to_owned).collect();
        lines.extend(
            wrapped.into_iter().map(|line| Line { row: Some(index), what: What::Detail(line, role) }),
        );
    };
    for (index, one) in culprits.iter().enumerate() {
        lines.push(Line { row: Some(index), what: What::Culprit(one, index != cursor) });
        if index != cursor {
            continue;
        }
        detail(&mut lines, index, &one.culprit.hint, Role::Faint);
        if !one.said.is_empty() {
            detail(&mut lines, index, &format!("{}, {}", one.verdict.word(), one.said), Role::Author);
        }
        for evidence in &one.evidence {
            detail(&mut lines, index, evidence, Role::Text);
        }
        if one.evidence.is_empty() {
            detail(&mut lines, index, &one.otherwise, Role::Muted);
        }
    }
    lines.push(Line { row: None, what: What::Detail(String::new(), Role::Text) });
    lines.push(Line { row: None, what: What::Heading("Odd, noted on the way") });
    if odd.is_empty() {
        lines.push(Line { row: None, what: What::Detail(none.to_owned(), Role::Faint) });
    }
    for (index, one) in odd.iter().enumerate() {
        lines.push(Line { row: Some(culprits.len() + index), what: What::Odd(one) });
    }
    lines
}

fn draw_line(ui: Ui<'_>, pen: &mut Pen<'_>, line: &What<'_>) {
    match line {
        What::Culprit(one, in_one_line) => {
            let (glyph, role) = match one.verdict {
                CulpritVerdict::Open if one.evidence.is_empty() => ("·", Role::Faint),
                CulpritVerdict::Open => ("?", Role::Warn),
                CulpritVerdict::RuledOut => ("–", Role::Faint),
                CulpritVerdict::Found => ("●", Role::Bad),
            };
            let word = match one.verdict {
                CulpritVerdict::Open if !in_one_line => String::new(),
                CulpritVerdict::Open => match one.evidence.len() {
                    0 => String::new(),
                    1 => one.evidence[0].clone(),
                    n => format!("{}; {} more", one.evidence[0], n - 1),
                },
                verdict => verdict.word().to_owned(),
            };
            let text = if one.verdict == CulpritVerdict::RuledOut { Role::Muted } else { Role::Text };
            pen.put(glyph, ui.of(role)).gap(1).put(&one.culprit.title, ui.of(text)).gap(2);
            pen.put(&word, ui.of(if one.verdict == CulpritVerdict::Found { Role::Bad } else { Role::Muted }));
        }
        What::Odd(one) => {
            let end = if one.followed { "→ follow-up" } else { "" };
            if !end.is_empty() && width(end) + 8 < pen.room() {
                pen.right(end, ui.of(Role::Info));
                pen.right_gap(1);
            }
            pen.put("!", ui.of(Role::Warn)).gap(1).put(&one.text, ui.of(Role::Text)).gap(2);
            pen.put(&one.by, ui.of(Role::Author));
        }
        What::Detail(text, role) => {
            pen.gap(4).put(text, ui.of(*role));
        }
        What::Heading(text) => {
            pen.put(text, ui.of(Role::OverlayTitle));
        }
    }
}
