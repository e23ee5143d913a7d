//! The line of the scribe: a note, and what Tab makes of it instead.

use super::super::commands::{Command, Invoke};
use super::super::edit::LineEdit;
use super::super::model::Model;
use jiff::tz::TimeZone;

use super::super::overlay::{Act, Ask, Confirm, Overlay, Purpose, Scroll};
use super::Cx;
use crate::incident::NoteKind;
use crate::incident::import::{Row, Times, drafts, read_chat};
use crate::text::visible;

/// What a note can be, in the order of Tab.
const KINDS: [Command; 8] = [
    Command::Note,
    Command::Finding,
    Command::Decision,
    Command::Problem,
    Command::ActionTaken,
    Command::Well,
    Command::Better,
    Command::FollowUp,
];

/// The prompt of a kind of note; `None`: the command writes none.
fn prompt(command: Command) -> Option<Ask> {
    let kind = match command {
        Command::Note => NoteKind::Note,
        Command::Finding => NoteKind::Finding,
        Command::Decision => NoteKind::Decision,
        Command::Problem => NoteKind::Problem,
        Command::ActionTaken => NoteKind::Action,
        Command::Well => NoteKind::Well,
        Command::Better => NoteKind::Better,
        Command::FollowUp => {
            let example = "for example alert on the pool @li 2026-12-05";
            let label = "follow-up: what @who date";
            return Some(Ask::new(Purpose::FollowUp, label, example, LineEdit::default()));
        }
        _ => return None,
    };
    let placeholder = match kind {
        NoteKind::Note => "what should be remembered",
        NoteKind::Finding => "what was found out",
        NoteKind::Decision => "what was decided, and why",
        NoteKind::Problem => "what is odd, for the follow-up list",
        NoteKind::Action => "what was done by hand",
        NoteKind::Well => "what went well",
        NoteKind::Better => "what could be better next time",
    };
    Some(Ask::new(Purpose::Note(kind), kind.label(), placeholder, LineEdit::default()))
}

/// Asks for a note of the kind that a command writes.
pub(super) fn ask(cx: &mut Cx<'_>, command: Command) {
    if let Some(ask) = prompt(command) {
        cx.push(Overlay::Ask(ask));
    }
}

/// The prompts that a line for a note may have been left in, the one that is asked for first.
pub(super) fn prompts(purpose: &Purpose) -> Vec<Ask> {
    if *purpose != Purpose::Note(NoteKind::Note) {
        return Vec::new();
    }
    KINDS.into_iter().filter_map(prompt).collect()
}

/// Makes the line another kind of note; what was typed stays. Tells whether it is a note at all.
pub(super) fn turn(model: &mut Model, back: bool) -> bool {
    let Some(Overlay::Ask(ask)) = model.overlays.last_mut() else { return false };
    let is_this = |command: &Command| prompt(*command).is_some_and(|one| one.purpose == ask.purpose);
    let Some(here) = KINDS.iter().position(is_this) else { return false };
    let by = if back { KINDS.len() - 1 } else { 1 };
    let next = KINDS[(here + by) % KINDS.len()];
    if let Some(turned) = prompt(next) {
        let input = std::mem::take(&mut ask.input);
        *ask = Ask { input, ..turned };
        model.asked_by = Some(Invoke::from(next));
    }
    true
}

/// What pasted lines are said to be from.
const PASTED: &str = "pasted";
/// Characters of an entry that are shown of it before it is recorded.
const SHOWN: usize = 100;

/// Makes several lines of a chat, pasted into the line of a note, into entries with their times and authors, and
/// asks before they are recorded. Tells whether it did: what names no times is text like any other.
pub(super) fn paste(cx: &mut Cx<'_>, text: &str) -> bool {
    let model = &*cx.model;
    let is_note = match model.overlays.last() {
        Some(Overlay::Ask(ask)) => {
            matches!(ask.purpose, Purpose::Note(_)) && ask.input.text().trim().is_empty()
        }
        _ => false,
    };
    let Some(state) = model.incident().filter(|_| is_note) else { return false };
    let zone = &model.looks.zone;
    let times = Times { zone: zone.clone(), began: state.started_at, now: model.now };
    let Some(rows) = read_chat(text, &times) else { return false };
    let mut lines =
        vec![format!("As they were said, in {}:", zone.iana_name().unwrap_or("UTC")), String::new()];
    lines.extend(rows.iter().map(|row| shown(row, zone)));
    let (drafts, known) = drafts(state, PASTED, rows);
    if drafts.is_empty() {
        cx.say("nothing was recorded: these lines are in the timeline already");
        return true;
    }
    if known > 0 {
        lines.push(format!("\n{known} of them are in the timeline already."));
    }
    let count = drafts.len();
    let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    // Whoever goes back from the question finds the text in the line.
    if let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() {
        ask.input.insert(text.trim_end());
    }
    cx.push(Overlay::Confirm(Confirm {
        title: format!("Record {entries}?"),
        body: lines.join("\n"),
        claim: None,
        against: Vec::new(),
        yes: "record them".to_owned(),
        no: "back",
        act: Act::Append(drafts),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
    true
}

/// An entry on one line: `14:02 maya: pool is full`.
fn shown(row: &Row, zone: &TimeZone) -> String {
    let at = zone.to_datetime(row.at).strftime("%H:%M");
    let author = if row.author.is_empty() { String::new() } else { format!("{}: ", row.author) };
    let text: String = row.text.chars().take(SHOWN).collect();
    let cut = if row.text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    visible(&format!("{at} {author}{text}{cut}")).into_owned()
}
