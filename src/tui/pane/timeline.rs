//! The timeline: what happened, newest at the bottom.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::paint::{Pen, cut, width};
use super::super::theme::Role;
use super::super::ui::{self, Ui};
use super::{empty, frame, mark, roomy, verdict, window};
use crate::cockpit::sift::Sift;
use crate::cockpit::{Command, Pane};
use crate::config::types::{Concern, HERE, THIRD_PARTY};
use crate::health::network::OFFLINE;
use crate::incident::digest::Fold;
use crate::incident::{Entry, EntryKind, NoteKind, Precision, Turned, duration};
use crate::text::counted;

/// Fewest columns of what a probe says that are worth reading.
const LEAST: u16 = 8;

/// Draws it; says which row each line of its list belongs to, where some take several.
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> (Rect, Vec<u16>) {
    let zone = ui.zone();
    let body = frame(ui, buf, area, Pane::Timeline, &[(&zone, ui.of(Role::Faint))]);
    let rows = ui.model.timeline_len();
    if rows == 0 {
        let filtered = !ui.model.view(Pane::Timeline).filter.is_empty();
        let hint = format!("press {} to write down what happens", ui.key(Command::Note));
        let all = format!("press {} to see all", ui.key(Command::Back));
        let lines = if filtered { ["no entries match", &all] } else { ["nothing yet", &hint] };
        empty(ui, buf, body, &lines);
        return (body, Vec::new());
    }
    let (top, cursor) = window(ui, Pane::Timeline, rows, body.height);
    let mut before = top.checked_sub(1).and_then(|row| ui.model.timeline_entry(row));
    // Where all rows are in sight, what is left of the pane goes to the long ones.
    let fits = rows <= usize::from(body.height);
    let mut several = if fits { roomy::wrapped(ui, body, rows) } else { Vec::new() };
    let (mut line, mut row, mut lines) = (0, top, Vec::new());
    while line < body.height {
        let Some(entry) = ui.model.timeline_entry(row) else { break };
        precision(ui, buf, body, line, &entry);
        let taken = if let Some(wrapped) = several.get_mut(row).and_then(Option::take) {
            author(ui, &mut Pen::new(buf, body, line), row, &entry);
            wrapped.draw(buf, body, line);
            wrapped.lines()
        } else {
            entry_row(ui, &mut Pen::new(buf, body, line), row, &entry, before.as_ref());
            1
        };
        let is_new = flashes(ui, row);
        for line in line..line + taken {
            if is_new {
                // Laid over it where it stands: nothing moves.
                let place = ui::row(body, line);
                buf.set_style(place, ui.of(Role::Selection).add_modifier(Modifier::BOLD));
            }
            mark(ui, buf, body, line, Pane::Timeline, row == cursor);
        }
        let place = u16::try_from(row - top).unwrap_or(u16::MAX);
        lines.extend(std::iter::repeat_n(place, usize::from(taken)));
        (line, row, before) = (line + taken, row + 1, Some(entry));
    }
    (body, lines)
}

/// Whether another machine wrote something of a row a moment ago.
fn flashes(ui: Ui<'_>, row: usize) -> bool {
    let flash = &ui.model.flash;
    let is_one = |entry: &Entry<'_>| flash.iter().any(|(id, _)| *id == entry.id);
    !flash.is_empty() && ui.model.timeline_entries(row).iter().any(is_one)
}

fn entry_row(ui: Ui<'_>, pen: &mut Pen<'_>, row: usize, entry: &Entry<'_>, before: Option<&Entry<'_>>) {
    author(ui, pen, row, entry);
    told(ui, pen, row, entry, before);
}

/// Who wrote an entry, at the right end.
fn author(ui: Ui<'_>, pen: &mut Pen<'_>, row: usize, entry: &Entry<'_>) {
    let is_fold = ui.model.timeline_fold(row).is_some();
    if !is_fold && beside(ui, entry, pen.room()) > 0 {
        pen.right(&shown_author(entry.author, pen.room()), ui.of(Role::Author));
        pen.right_gap(1);
    }
}

/// Columns that the author of an entry takes of a row of so many, with the gap before; 0: it is not named.
pub(super) fn beside(ui: Ui<'_>, entry: &Entry<'_>, room: u16) -> u16 {
    // An alarm is nobody's: whose cockpit saw it first does not matter.
    let is_named = !is_alarm(entry) && entry.author != ui.model.me && room > 44;
    let columns = width(&shown_author(entry.author, room));
    // A name may be long; what happened is worth more.
    if is_named && columns <= room / 4 || is_from_chat(entry.author) { columns + 1 } else { 0 }
}

/// Whether a name stands for somebody in a chat: `slack:maya`.
fn is_from_chat(author: &str) -> bool {
    author.starts_with("slack:")
}

/// An author as there is room for: of a name from a chat the end is cut, and never where it is from.
fn shown_author(author: &str, room: u16) -> Cow<'_, str> {
    match author.split_once(':') {
        Some((from, _)) if is_from_chat(author) && room <= 44 => Cow::Borrowed(from),
        Some(_) if is_from_chat(author) && width(author) > room / 4 => Cow::Owned(cut(author, room / 4)),
        _ => Cow::Borrowed(author),
    }
}

fn is_alarm(entry: &Entry<'_>) -> bool {
    entry.name == "alarm" && !entry.about.is_empty()
}

/// What a row says, and when.
pub(super) fn told(ui: Ui<'_>, pen: &mut Pen<'_>, row: usize, entry: &Entry<'_>, before: Option<&Entry<'_>>) {
    if let Some(fold) = ui.model.timeline_fold(row) {
        return folded(ui, pen, &fold, entry, before);
    }
    let is_alarm = is_alarm(entry);
    put_clock(ui, pen, entry);
    let void = ui.void(entry);
    let (symbol, role) = ui.glyph(entry);
    let taken_back = entry.retracted.is_some();
    let role = if taken_back { Role::Faint } else { role };
    pen.put(symbol, ui.of(role)).gap(1);
    put_day(ui, pen, entry, before);
    if entry.pinned {
        pen.put("★ ", ui.of(Role::Pinned));
    }
    if entry.original.is_some() && !taken_back {
        pen.put("amended ", ui.of(Role::Faint));
    }
    if void.is_some() {
        pen.put("does not count: ", ui.of(Role::Warn));
    }
    if let EntryKind::Note(kind) = entry.kind
        && kind != NoteKind::Note
        && !taken_back
    {
        pen.put(kind.label(), ui.of(role)).put(": ", ui.of(Role::Faint));
    }
    if is_alarm && !taken_back && entry.original.is_none() {
        return alarms(ui, pen, &ui.model.timeline_entries(row));
    }
    if let EntryKind::Check(_) = entry.kind {
        let entries = ui.model.timeline_entries(row);
        if entries.len() > 1 {
            return ticks(ui, pen, &entries);
        }
    }
    if let Some(why) = entry.retracted {
        return retracted(ui, pen, entry, why);
    }
    // What people wrote and what needs them stands out before what went as planned.
    let routine =
        !entry.about.is_empty() && matches!(entry.kind, EntryKind::PlanDone | EntryKind::PlanStarted);
    let text = if routine { Role::Muted } else { Role::Text };
    if let Some(why) = void {
        pen.put(&why, ui.of(Role::Muted)).put(" · ", ui.of(Role::Faint));
    }
    let (said, took) = apart(ui, entry, pen.room());
    if let Some(took) = took
        && pen.right(took, ui.of(Role::Muted))
    {
        pen.right_gap(1);
        pen.put(&said, ui.of(text));
    } else if !verdict::put(ui, pen, entry, text) {
        pen.put(ui.said(entry).trim_end(), ui.of(text));
    }
}

/// Tells whether the screen is wide enough for seconds.
pub(super) fn has_seconds(ui: Ui<'_>) -> bool {
    ui.model.size.0 >= 44
}

fn put_clock(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>) {
    let clock = if has_seconds(ui) && pen.room() > 36 { ui.clock(entry.at) } else { ui.minute(entry.at) };
    pen.put(&clock, ui.of(Role::Time)).gap(1);
}

fn put_day(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>, before: Option<&Entry<'_>>) {
    // The first row has none above it that tells its day.
    let day = before.map_or(ui.model.now, |before| before.at);
    if ui.date(day) != ui.date(entry.at) {
        pen.put(&ui.day(entry.at), ui.of(Role::Accent)).gap(1);
    }
}

/// Rows of the program as one: how many, until when, and what went wrong among them.
fn folded(ui: Ui<'_>, pen: &mut Pen<'_>, fold: &Fold, entry: &Entry<'_>, before: Option<&Entry<'_>>) {
    put_clock(ui, pen, entry);
    pen.put("+", ui.of(Role::Muted)).gap(1);
    put_day(ui, pen, entry, before);
    pen.put(&format!("{} automatic entries", fold.rows), ui.of(Role::Muted));
    let failed = (fold.failures > 0).then(|| format!("{} failed", fold.failures));
    let alarms = (fold.alarms > 0).then(|| counted(fold.alarms, "alarm"));
    for bad in failed.into_iter().chain(alarms) {
        pen.put(", ", ui.of(Role::Faint)).put(&bad, ui.of(Role::Bad));
    }
    if let Some(last) = ui.model.timeline_line(fold.last) {
        let day = if ui.date(last.at) == ui.date(entry.at) { String::new() } else { ui.day(last.at) + " " };
        let until = format!(", until {day}{}", ui.minute(last.at));
        if width(&until) <= pen.room() && ui.minute(last.at) != ui.minute(entry.at) {
            pen.put(&until, ui.of(Role::Faint));
        }
    }
}

/// An entry that was taken back: what it said, struck out, and by whom and why.
fn retracted(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>, why: &str) {
    // Whoever wrote it stands at the right, or is who looks at it.
    let by = entry.retracted_by.filter(|by| !by.is_empty() && *by != entry.author);
    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
    let colon = if why.is_empty() { "" } else { ": " };
    let why = format!("retracted{by}{colon}{why}");
    let said = ui.said(entry);
    let said = said.trim_end();
    // Where both do not fit each has half, and what one does not need the other has.
    let room = pen.room().saturating_sub(3);
    let half = (room / 2).max(room.saturating_sub(width(&why)));
    pen.column_of(said, width(said).min(half), ui.of(Role::Retracted));
    pen.put(" · ", ui.of(Role::Faint)).put(&why, ui.of(Role::Muted));
}

/// Tells whether a row of so many columns holds all that an entry says, with how long it took at its right end.
pub(super) fn fits_apart(ui: Ui<'_>, entry: &Entry<'_>, room: u16) -> bool {
    let (said, took) = apart(ui, entry, room);
    took.is_some_and(|took| width(&said) + width(took) < room)
}

/// What a row says, and apart from it how long a plan took where that would be cut off behind it.
fn apart<'a>(ui: Ui<'_>, entry: &Entry<'a>, room: u16) -> (Cow<'a, str>, Option<&'a str>) {
    let text = entry.text.trim_end();
    let whole = (Cow::Borrowed(text), None);
    if entry.name != "plan-ended" || width(text) <= room {
        return whole;
    }
    let Some(plan) = ui.model.incident().and_then(|state| state.plan(entry.about)) else { return whole };
    let Some(took) = plan.ended_at.map(|end| duration(end.duration_since(plan.started_at))) else {
        return whole;
    };
    let Some(at) = text.find(&format!(" in {took}")) else { return whole };
    let (said, rest) = text.split_at(at);
    let Some((took, rest)) = rest.get(4..).and_then(|rest| rest.split_at_checked(took.len())) else {
        return whole;
    };
    (Cow::Owned(format!("{said}{rest}")), Some(took))
}

/// Items that were ticked in a row: how many, then as many as there is room for.
fn ticks(ui: Ui<'_>, pen: &mut Pen<'_>, entries: &[Entry<'_>]) {
    let title =
        |entry: &Entry<'_>| entry.text.split_once(": ").map_or(entry.text, |(_, title)| title).to_owned();
    pen.put(&format!("{} items passed: ", entries.len()), ui.of(Role::Text));
    let room = pen.room();
    list(ui, pen, &entries.iter().map(title).collect::<Vec<_>>(), Role::Text, room);
}

/// What somebody else's service is at, said beside what fails of ours.
const BESIDE: &str = " · ";

/// Probes that turned together: what fails as far as there is room for, and how many more; behind it what is only near
/// its limit, and what others say of their services.
fn alarms(ui: Ui<'_>, pen: &mut Pen<'_>, entries: &[Entry<'_>]) {
    let Some(first) = entries.first() else { return };
    let fails = |entry: &Entry<'_>| entry.kind == EntryKind::AlarmRaised;
    let (word, style) = match first.kind {
        EntryKind::AlarmCleared => ("recovered", Role::Muted),
        EntryKind::AlarmUnknown => ("no data", Role::Text),
        _ if entries.iter().any(fails) => ("failing", Role::Text),
        _ if is_of_others(ui, first.about) => ("degraded", Role::Text),
        _ => ("near its limit", Role::Text),
    };
    let environment = ui.model.environment_of(first.about);
    let head = match (environment, first.kind) {
        ("", _) => format!("{word}: "),
        (HERE, EntryKind::AlarmCleared) => "this machine is online again: ".to_owned(),
        // It says so itself.
        (HERE, _) if first.text.contains(OFFLINE) => String::new(),
        // Some of its probes are well again; it need not be.
        (environment, EntryKind::AlarmCleared) if environment != THIRD_PARTY => {
            format!("{word} in {environment}: ")
        }
        (environment, _) => format!("{environment} {word}: "),
    };
    // Where nothing of the probes fits behind it, how many they are is said first.
    if width(&head) + LEAST > pen.room() {
        let of = if environment.is_empty() { String::new() } else { format!(" in {environment}") };
        pen.put(&format!("{} {word}{of}", entries.len()), ui.of(style));
        return;
    }
    pen.put(&head, ui.of(style));
    // Where it stands is said already.
    let bare = |part: String| match part.strip_prefix(environment).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) if !environment.is_empty() => rest.to_owned(),
        _ => part,
    };
    let told = |part: String| match part.find(OFFLINE).and_then(|at| part.get(at..)) {
        Some(offline) if environment == HERE => offline.to_owned(),
        _ => bare(part),
    };
    // As the team lists its probes: what users feel stands first there, whichever was asked first.
    let listed = |probe: &str| ui.model.config.config.probes.iter().position(|one| one.name == probe);
    let mut entries: Vec<&Entry<'_>> = entries.iter().collect();
    entries.sort_by_key(|entry| listed(entry.about).unwrap_or(usize::MAX));
    // What is ours and fails comes first.
    let is_ours = |entry: &&Entry<'_>| word != "failing" || (fails(entry) && !is_of_others(ui, entry.about));
    let (mut ours, mut beside): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) = entries.into_iter().partition(is_ours);
    if ours.is_empty() {
        std::mem::swap(&mut ours, &mut beside);
    }
    let sought = Sift::parse(&ui.model.view(Pane::Timeline).filter);
    let parts = |entries: &[&Entry<'_>]| {
        let mut parts: Vec<String> = entries.iter().map(|entry| told(part(ui, entry))).collect();
        // What somebody looks for is not hidden behind a number.
        parts.sort_by_key(|part| !part.to_lowercase().contains(sought.text()));
        parts
    };
    let mut ours = parts(&ours);
    let all = parts(&beside);
    let brief: Vec<String> = beside.iter().map(|entry| bare(brief(ui, entry))).collect();
    let apart = |parts: &[String]| if parts.is_empty() { 0 } else { taken(parts) + width(BESIDE) };
    if taken(&ours) + apart(&all) > pen.room() {
        // The numbers are worth more than their limits, which stand in the health pane.
        ours = ours.iter().map(|part| short(part).replace(" status ", " ")).collect();
    }
    // At least the first that fails and how many more there are.
    let least = ours.first().map_or(0, |first| width(first)) + if ours.len() > 1 { MORE } else { 0 };
    let one = |parts: &[String]| parts.first().map(|first| vec![first.clone()]).unwrap_or_default();
    let beside = [all, brief.clone(), one(&brief)];
    let wanted = taken(&ours).min(pen.room());
    let fits = |kept: u16| beside.iter().find(|parts| kept + apart(parts) <= pen.room());
    let beside = fits(wanted).or_else(|| fits(least)).cloned().unwrap_or_default();
    let kept = apart(&beside);
    let room = pen.room() - kept;
    let before = pen.column();
    list(ui, pen, &ours, style, room);
    if !beside.is_empty() && pen.column() > before {
        pen.put(BESIDE, ui.of(Role::Faint));
        let room = pen.room();
        list(ui, pen, &beside, Role::Muted, room);
    }
}

/// Columns of how many more there are: `, 12 more`.
const MORE: u16 = 9;

/// Columns of several with commas between them.
fn taken(parts: &[String]) -> u16 {
    let columns: usize = parts.iter().map(|part| usize::from(width(part)) + 2).sum();
    u16::try_from(columns.saturating_sub(2)).unwrap_or(u16::MAX)
}

/// As many as so many columns hold, and how many more.
fn list(ui: Ui<'_>, pen: &mut Pen<'_>, parts: &[String], style: Role, room: u16) {
    let all = taken(parts);
    let end = pen.column() + room;
    let mut left = parts.len();
    for (index, part) in parts.iter().enumerate() {
        let room = end.saturating_sub(pen.column());
        let comma = if index > 0 { ", " } else { "" };
        let more = format!(", {left} more");
        let more = if width(&more) <= room { more } else { format!(" +{left}") };
        // Where not all fit, the first stands there in full before the others are counted.
        let kept = if all <= room || left == 1 { 0 } else { width(&more) };
        if index > 0 && width(part) + 2 + kept > room {
            pen.put(&more, ui.of(Role::Muted));
            return;
        }
        pen.put(comma, ui.of(Role::Faint)).put(part, ui.of(style));
        left -= 1;
    }
}

/// The same without what is expected: `errors 38.1 %`.
fn short(part: &str) -> &str {
    let cut = part.split_once(" (").or_else(|| part.split_once(", expected"));
    cut.map_or(part, |(before, _)| before)
}

/// What an alarm says of its probe: `errors 38.1 % (max 5 %)`.
fn part(ui: Ui<'_>, entry: &Entry<'_>) -> String {
    let turn = ui.model.incident().and_then(|state| state.turn(entry.id, entry.place));
    let why = turn.map_or("", |turn| turn.why(entry));
    match turn.map(|turn| turn.to) {
        Some(Turned::Failing | Turned::Warning) if !why.is_empty() => format!("{} {why}", entry.about),
        Some(Turned::Silent) if !why.is_empty() && why != "no data" => {
            format!("{} ({})", entry.about, why.trim_start_matches("no data: "))
        }
        _ => entry.about.to_owned(),
    }
}

/// The same in as few words as can be: `payment provider degraded`.
fn brief(ui: Ui<'_>, entry: &Entry<'_>) -> String {
    let word = match entry.kind {
        EntryKind::AlarmRaised => "down",
        _ if is_of_others(ui, entry.about) => "degraded",
        _ => "near its limit",
    };
    format!("{} {word}", entry.about)
}

/// Tells whether a probe says how somebody else's service is.
fn is_of_others(ui: Ui<'_>, name: &str) -> bool {
    let probe = ui.model.config.config.probes.iter().find(|probe| probe.name == name);
    probe.is_some_and(|probe| probe.concern() == Some(Concern::ThirdParty))
}

/// The mark of a time that is not exact, in the margin, so that times stay aligned.
fn precision(ui: Ui<'_>, buf: &mut Buffer, body: Rect, line: u16, entry: &Entry<'_>) {
    let mark = match entry.precision {
        Precision::Exact => return,
        Precision::About => "~",
        Precision::Before => "<",
    };
    let margin = Rect { x: body.x.saturating_sub(1), width: 1, ..body };
    Pen::new(buf, margin, line).put(mark, ui.of(Role::Warn));
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    let rows = ui.model.timeline_len();
    match rows.checked_sub(1).and_then(|last| ui.model.timeline_entry(last)) {
        Some(entry) => entry_row(ui, pen, rows.saturating_sub(1), &entry, None),
        None => {
            pen.put("nothing yet", ui.of(Role::Faint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_name_of_a_chat_is_from_is_never_cut_away() {
        for (room, shown) in [
            (160, "slack:Maximiliane Mustermann"),
            (64, "slack:Maximilia…"),
            (45, "slack:Maxi…"),
            (44, "slack"),
            (20, "slack"),
        ] {
            assert_eq!(shown_author("slack:Maximiliane Mustermann", room), shown, "{room}");
        }
        assert_eq!(shown_author("Maximiliane Mustermann", 45), "Maximiliane Mustermann");
    }
}
