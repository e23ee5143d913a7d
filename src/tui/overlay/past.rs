//! Looking back: what is left to do, what incidents came to, and all of them together.

use jiff::civil::Date;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::glyph;
use super::super::paint::{Pen, width, wrap};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row};
use super::document::{self, Line};
use super::{Shown, column, wide, window};
use crate::cockpit::Command;
use crate::cockpit::past::{Leaf, PastRow, PastView};
use crate::report::past::{By, Left, Past, Took, Trends, Unread, due, due_column, legend};
use crate::text::{counted, visible};

/// Most columns of what is read as text.
const COLUMNS: u16 = 132;
/// From so many columns on a row tells more than its text.
const ROOMY: u16 = 70;
/// Columns of a length of time in the list of incidents.
const LENGTH: u16 = 9;

/// ```text
/// ╭ History and follow-ups ─────────────────────────────────────────────╮
/// │ Follow-ups 2   Incidents 7   By month   By severity                 │
/// │ ✗ alert on the pool                         li          27 Nov 3d late│
/// │ · write the runbook                         nobody yet  no date       │
/// ╰──────────── x done  - drop  @ owner and date  r read the issues  esc ╯
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, view: PastView) -> Shown {
    let mut keys = match view.leaf {
        Leaf::FollowUps => vec![
            (Command::FollowUpDone, "done"),
            (Command::FollowUpDrop, "drop"),
            (Command::FollowUpAssign, "owner"),
            (Command::FollowUpSync, "issues"),
            (Command::Open, "incident"),
        ],
        Leaf::Incidents => vec![(Command::Open, "open")],
        Leaf::Months | Leaf::Severities => vec![(Command::Down, "scroll")],
    };
    keys.insert(1.min(keys.len() - 1), (Command::NextPane, "page"));
    keys.push((Command::Back, "back"));
    let inner = window(ui, buf, wide(area, area.height), "History and follow-ups", &keys);
    leaves(ui, &mut Pen::new(buf, inner, 0), view.leaf);
    let spaced = u16::from(inner.height > 8);
    let place = below(inner, 1 + spaced);
    if ui.model.past.found.is_none() {
        let (text, role) = if ui.model.past.asked.is_some() || !ui.model.listed {
            ("reading the incidents …".to_owned(), Role::Faint)
        } else {
            let key = ui.key(Command::Errors);
            (format!("✗ The incidents could not be read. [{key}] why"), Role::Bad)
        };
        Pen::new(buf, place, 0).put(&text, ui.of(role));
        return Shown { lines: place.height, top: 0, cursor: None, more: None };
    }
    match view.leaf {
        Leaf::FollowUps => follow_ups(ui, buf, place, view.cursor),
        Leaf::Incidents => incidents(ui, buf, place, view.cursor),
        Leaf::Months => together(ui, buf, place, By::Month, view.cursor),
        Leaf::Severities => together(ui, buf, place, By::Severity, view.cursor),
    }
}

/// The pages, with the one that is shown marked.
fn leaves(ui: Ui<'_>, pen: &mut Pen<'_>, shown: Leaf) {
    let left = ui.model.left_to_do().len();
    let rows = ui.model.past_rows().len();
    let narrow = pen.room() < ROOMY;
    for leaf in Leaf::ALL {
        let name = match leaf {
            Leaf::FollowUps if narrow => format!("Open {left}"),
            Leaf::FollowUps => format!("Follow-ups {left}"),
            Leaf::Incidents => format!("Incidents {rows}"),
            Leaf::Months if narrow => "Month".to_owned(),
            Leaf::Severities if narrow => "Sev.".to_owned(),
            Leaf::Months => "By month".to_owned(),
            Leaf::Severities => "By severity".to_owned(),
        };
        let role = if leaf == shown { Role::PhaseNow } else { Role::Muted };
        if leaf == shown {
            pen.put("▶ ", ui.of(Role::Accent));
        }
        pen.put(&name, ui.of(role)).gap(if narrow { 1 } else { 3 });
    }
}

/// Lines of rows, of which one has the cursor and tells more below it.
struct Rows<'a> {
    /// What is drawn on the line of a row.
    head: &'a dyn Fn(&mut Pen<'_>, usize),
    /// How many rows there are.
    count: usize,
    cursor: usize,
    /// What the row that the cursor is on tells below it, as it is wrapped.
    more: Vec<(String, Role)>,
}

impl Rows<'_> {
    /// The row with the cursor is in sight with all that it tells, its first line in any case.
    fn draw(&self, ui: Ui<'_>, buf: &mut Buffer, place: Rect) -> Shown {
        let height = usize::from(place.height);
        let more = self.more.len().min(height.saturating_sub(1));
        let top = (self.cursor + more + 1).saturating_sub(height).min(self.cursor);
        let mut line = 0;
        for index in (top..self.count).take(height) {
            if line >= place.height {
                break;
            }
            (self.head)(&mut Pen::new(buf, place, line), index);
            if index != self.cursor {
                line += 1;
                continue;
            }
            let band = Rect { x: place.x.saturating_sub(1), width: place.width + 2, ..row(place, line) };
            ui.select(buf, band);
            line += 1;
            for (text, role) in self.more.iter().take(more) {
                Pen::new(buf, place, line).gap(4).put(text, ui.of(*role));
                line += 1;
            }
        }
        Shown { lines: place.height, top, cursor: None, more: None }
    }
}

/// Says why a list is empty.
fn empty(ui: Ui<'_>, buf: &mut Buffer, place: Rect, text: &str) {
    for (line, piece) in wrap(text, place.width).into_iter().enumerate() {
        Pen::new(buf, place, line as u16).put(piece, ui.of(Role::Faint));
    }
}

/// Wraps what a row tells below it.
fn wrapped(lines: Vec<(String, Role)>, columns: u16) -> Vec<(String, Role)> {
    let pieces = |(text, role): (String, Role)| {
        let clean = visible(&text).into_owned();
        let pieces: Vec<String> = wrap(&clean, columns).into_iter().map(str::to_owned).collect();
        pieces.into_iter().map(move |piece| (piece, role))
    };
    lines.into_iter().flat_map(pieces).collect()
}

fn follow_ups(ui: Ui<'_>, buf: &mut Buffer, place: Rect, cursor: usize) -> Shown {
    let left = ui.model.left_to_do();
    let today = ui.model.today();
    if left.is_empty() {
        let keys = ui.keys(Command::Notes, Command::FollowUp);
        let text = format!("No open follow-ups. In an incident {keys} adds a follow-up.");
        empty(ui, buf, place, &text);
        return Shown { lines: place.height, top: 0, cursor: None, more: None };
    }
    let more = left.get(cursor).map(|one| about(ui, one, today)).unwrap_or_default();
    let columns = Columns::of(&left, today);
    let head = |pen: &mut Pen<'_>, index: usize| {
        if let Some(one) = left.get(index) {
            follow_up(ui, pen, one, columns, today);
        }
    };
    let more = wrapped(more, place.width.saturating_sub(6));
    Rows { head: &head, count: left.len(), cursor, more }.draw(ui, buf, place)
}

/// Columns of a list of follow-ups, the same for all of its rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::tui) struct Columns {
    owner: u16,
    due: u16,
}

impl Columns {
    /// Columns that hold what a list of them says, names as far as they stay names.
    pub(in crate::tui) fn of(left: &[Left<'_>], today: Date) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = u16>| texts.max().unwrap_or_default();
        Self {
            owner: widest(&mut left.iter().map(|one| width(&visible(owner(one))))).min(16),
            due: widest(&mut left.iter().map(|one| width(&due_column(one.follow_up, today)))),
        }
    }
}

/// Who does it.
fn owner<'a>(one: &Left<'a>) -> &'a str {
    if one.follow_up.owner.is_empty() { "nobody yet" } else { &one.follow_up.owner }
}

/// A follow-up in one line: whether it is late, what, who and by when.
pub(in crate::tui) fn follow_up(
    ui: Ui<'_>,
    pen: &mut Pen<'_>,
    one: &Left<'_>,
    columns: Columns,
    today: Date,
) {
    let late = one.overdue_by(today).is_some();
    pen.put(if late { "✗" } else { "·" }, ui.of(if late { Role::Overdue } else { Role::Faint })).gap(1);
    let roomy = pen.room() >= ROOMY;
    let beside = if roomy { columns.owner + 2 + columns.due + 2 } else { columns.due + 1 };
    let room = pen.room().saturating_sub(beside);
    pen.column_of(&visible(&one.follow_up.text), room, ui.of(Role::Text));
    if roomy {
        let role = if one.follow_up.owner.is_empty() { Role::Warn } else { Role::Author };
        pen.gap(2).column_of(&visible(owner(one)), columns.owner, ui.of(role)).gap(1);
    }
    let role = if late { Role::Bad } else { Role::Muted };
    pen.gap(1).column_of(&due_column(one.follow_up, today), columns.due, ui.of(role));
}

/// What a follow-up tells below its line.
fn about(ui: Ui<'_>, one: &Left<'_>, today: Date) -> Vec<(String, Role)> {
    let follow_up = one.follow_up;
    let owner = owner(one);
    let mut lines = Vec::new();
    let (columns, _) = ui.model.size;
    if columns < ROOMY + 8 {
        lines.push((follow_up.text.clone(), Role::Text));
        lines.push((format!("{owner}, {}", due(follow_up, today)), Role::Author));
    }
    lines.push((format!("of {}: {}", one.past.number, one.past.title), Role::Muted));
    if let Some(issue) = &follow_up.issue {
        let state = if issue.open { "open" } else { "closed" };
        lines.push((
            format!("issue #{} ({state} when it was read last) {}", issue.number, issue.url),
            Role::Info,
        ));
    }
    lines
}

fn incidents(ui: Ui<'_>, buf: &mut Buffer, place: Rect, cursor: usize) -> Shown {
    let rows = ui.model.past_rows();
    if rows.is_empty() {
        let text = "No incident was declared in this repository yet.";
        empty(ui, buf, place, text);
        return Shown { lines: place.height, top: 0, cursor: None, more: None };
    }
    let roomy = place.width >= ROOMY;
    let mut list = place;
    if roomy {
        heading(ui, &mut Pen::new(buf, place, 0));
        list = below(place, 1);
    }
    let more = match rows.get(cursor) {
        Some(PastRow::Read(past)) => past_details(ui, past),
        Some(PastRow::Unread(unread)) => {
            vec![(format!("its records cannot be read: {}: run flightdeck verify", unread.why), Role::Bad)]
        }
        None => Vec::new(),
    };
    let head = |pen: &mut Pen<'_>, index: usize| match rows.get(index) {
        Some(PastRow::Read(past)) => incident(ui, pen, past, roomy),
        Some(PastRow::Unread(one)) => unread(ui, pen, one),
        None => {}
    };
    let more = wrapped(more, list.width.saturating_sub(6));
    Rows { head: &head, count: rows.len(), cursor, more }.draw(ui, buf, list)
}

/// Columns at the right of the list: detect, mitigate, resolve, missed, open follow-ups.
const COUNTS: [(&str, u16); 5] =
    [("detect", LENGTH), ("mitigate", LENGTH), ("resolve", LENGTH), ("missed", 6), ("open", 4)];

fn heading(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let taken: u16 = COUNTS.iter().map(|(_, columns)| columns + 1).sum();
    let before = pen.room().saturating_sub(taken);
    pen.column_of("", before, ui.of(Role::Faint));
    for (name, columns) in COUNTS {
        pen.gap(1).column_right(name, columns, ui.of(Role::Faint));
    }
}

fn incident(ui: Ui<'_>, pen: &mut Pen<'_>, past: &Past, roomy: bool) {
    let role = glyph::status(past.status);
    let symbol = if past.is_open() { "●" } else { "✓" };
    let taken: u16 = if roomy { COUNTS.iter().map(|(_, columns)| columns + 1).sum() } else { 0 };
    let before = pen.room().saturating_sub(taken);
    let left = pen.room();
    pen.put(symbol, ui.of(role)).gap(1);
    let severity = ui.model.policy.severity_name(past.severity);
    pen.put(severity, ui.of(if past.is_open() { Role::from(past.severity) } else { Role::Muted })).gap(1);
    let number =
        if before > 44 { past.number.as_str() } else { past.number.rsplit('-').next().unwrap_or("") };
    pen.put(number, ui.of(Role::Muted)).gap(1);
    if before > 60 {
        pen.put(&past.declared_at.strftime("%Y-%m-%d").to_string(), ui.of(Role::Time)).gap(1);
    }
    let used = left - pen.room();
    pen.column_of(&visible(&past.title), before.saturating_sub(used + u16::from(roomy)), ui.of(Role::Text));
    if !roomy {
        return;
    }
    pen.gap(1);
    for ((_, took), (_, columns)) in past.lengths().iter().zip(COUNTS) {
        let role = match took {
            Took::Measured(_) => Role::Text,
            Took::Invalid(_) => Role::Bad,
            Took::NotYet | Took::NotRecorded => Role::Faint,
        };
        pen.gap(1).column_right(&took.said(), columns, ui.of(role));
    }
    let count = |count: usize| if count == 0 { "–".to_owned() } else { count.to_string() };
    let role = |count: usize, role| if count == 0 { Role::Faint } else { role };
    let (missed, open) = (past.missed.len(), past.follow_ups.len());
    pen.gap(1).column_right(&count(missed), COUNTS[3].1, ui.of(role(missed, Role::Warn)));
    pen.gap(1).column_right(&count(open), COUNTS[4].1, ui.of(role(open, Role::Info)));
}

fn unread(ui: Ui<'_>, pen: &mut Pen<'_>, one: &Unread) {
    pen.put("✗", ui.of(Role::Bad)).gap(1).put(&visible(&one.number), ui.of(Role::Muted)).gap(1);
    pen.put(&visible(&one.title), ui.of(Role::Text)).gap(2).put("cannot be read", ui.of(Role::Bad));
}

/// What an incident tells below its line.
fn past_details(ui: Ui<'_>, past: &Past) -> Vec<(String, Role)> {
    let when = format!("{} {}, {}", ui.moment(past.declared_at), ui.zone(), past.status.name());
    let mut lines = vec![(format!("declared {when}"), Role::Muted)];
    let role = |line: &str| match line {
        odd if odd.starts_with('▲') => Role::Warn,
        missed if missed.starts_with("missed") => Role::Warn,
        _ => Role::Text,
    };
    lines.extend(past.details().into_iter().map(|line| {
        let role = role(&line);
        (line, role)
    }));
    if !past.follow_ups.is_empty() {
        lines.push((format!("{} open", counted(past.follow_ups.len(), "follow-up")), Role::Info));
    }
    lines
}

fn together(ui: Ui<'_>, buf: &mut Buffer, place: Rect, by: By, top: usize) -> Shown {
    let Some(trends) = ui.model.trends(by) else {
        return Shown { lines: place.height, top: 0, cursor: None, more: None };
    };
    let place = column(place, COLUMNS);
    let lines = lines(ui, &trends, place.width);
    document::draw(buf, place, top, lines.len(), |line| lines[line].clone())
}

/// A table where there is room for one, else a few lines for each group; then what is said of all of them.
fn lines(ui: Ui<'_>, trends: &Trends, columns: u16) -> Vec<Line> {
    let of = |text: &str, role| Line::of(text, ui.of(role));
    if trends.count == 0 {
        return vec![of("No incident was declared in this repository yet.", Role::Faint)];
    }
    let mut lines = Vec::new();
    let table = trends.table();
    if table.iter().all(|line| width(line) <= columns) {
        let last = table.len() - 1;
        let role = |at: usize| match at {
            0 => Role::Faint,
            at if at == last => Role::PhaseNow,
            _ => Role::Text,
        };
        lines.extend(table.iter().enumerate().map(|(at, line)| of(line, role(at))));
    } else {
        for [name, count, detect, mitigate, resolve, missed] in trends.rows().iter().skip(1) {
            let incidents = if count == "1" { "incident" } else { "incidents" };
            lines.push(of(&format!("{name}  {count} {incidents}, {missed} clocks missed"), Role::PhaseNow));
            if count != "0" {
                for (what, took) in [("detect", detect), ("mitigate", mitigate), ("resolve", resolve)] {
                    lines.push(of(&format!("  {what:<9} {took}"), Role::Text).hanging(12));
                }
            }
        }
    }
    lines.push(Line::default());
    lines.extend(
        trends
            .drift_lines()
            .iter()
            .map(|(is_told, line)| of(line, if *is_told { Role::Text } else { Role::Faint }).hanging(2)),
    );
    lines.push(Line::default());
    lines.extend(legend(trends).iter().map(|line| of(line, Role::Muted).hanging(2)));
    if trends.by == By::Month {
        lines.push(of("by month of declaration, UTC", Role::Muted));
    }
    lines
}
