//! Commands that write a record, at once or after a question.

use super::super::commands::{Command, Invoke};
use super::super::edit::LineEdit;
use super::super::key::Key;
use super::super::model::{Model, Pane};
use super::super::msg::Item;
use super::super::overlay::{Act, Ask, Confirm, Menu, Overlay, Purpose, Scroll};
use super::invoke::{ask, cursor_row, entry_at_cursor};
use super::{Cx, ending, menus};
use crate::incident::{
    self, Body, CheckState, Claim, Closed, Entry, EntryKind, Mitigated, Phase, PhaseEntered, Pinned,
    RecordId, Resolved, State, Ticked,
};
use crate::text::counted;

/// Asks before something is recorded that people will believe, with what speaks against it.
pub(super) fn claim(
    cx: &mut Cx<'_>,
    title: &str,
    body: &str,
    yes: &str,
    claim: Option<Claim>,
    record: impl Into<Body>,
) {
    let model = &cx.model;
    let Some(state) = model.incident() else { return };
    let facts = super::facts_of(model);
    let against = claim.map(|claim| incident::against(claim, state, &model.policy, &facts, model.now));
    let open = against.as_ref().map_or(0, Vec::len);
    // The same number is asked a reason for.
    let title = if claim == Some(Claim::Resolved) && open > 0 {
        format!("{title} {} open", counted(open, "point"))
    } else {
        title.to_owned()
    };
    cx.push(Overlay::Confirm(Confirm {
        title,
        body: body.to_owned(),
        claim,
        against: against.unwrap_or_default(),
        yes: yes.to_owned(),
        no: "back",
        act: Act::Record(Box::new(record.into())),
        more: Vec::new(),
        lapsed: String::new(),
        shown_ms: None,
        scroll: Scroll::default(),
    }));
}

/// Commands that write a record, at once or after a question.
pub(super) fn record(cx: &mut Cx<'_>, invoke: &Invoke) {
    let Some(state) = cx.model.incident() else { return };
    let after: Vec<RecordId> = state.heads.iter().map(|head| head.record).collect();
    match invoke.command {
        Command::Mitigate => {
            let body = ending::served(cx.model);
            let title = "Are users served again?";
            claim(cx, title, body, "record it", Some(Claim::Mitigated), Mitigated { after });
        }
        Command::Resolve => {
            let body = "This records that the incident is over. It can be reopened.";
            let over = Resolved { after, ..Resolved::default() };
            claim(cx, "Is it over?", body, "resolve it", Some(Claim::Resolved), over);
        }
        Command::Close => {
            let open = cx.model.incident().map(State::follow_ups_open).unwrap_or_default();
            let (title, body) = if open.is_empty() {
                ("Is nothing left to do?", "This records that nothing is left to do.".to_owned())
            } else {
                let body = format!("Nothing else is left to do. What stays open can still be ended: {open}.");
                ("Close it with follow-ups open?", body)
            };
            claim(cx, title, &body, "close it", Some(Claim::Closed), Closed { after });
        }
        Command::Phase => {
            if let Some(phase) = Phase::ALL.into_iter().find(|phase| phase.name() == invoke.argument) {
                let title = format!("Enter the {} phase?", cx.model.policy.phase_name(phase));
                let body = "This records that the phase begins now. Its clock starts.";
                claim(cx, &title, body, "enter it", Some(Claim::Phase(phase)), PhaseEntered { phase });
            }
        }
        Command::Told if invoke.argument == "other" => {
            let purpose = Purpose::Told(String::new());
            ask(cx, purpose, "Who was told, and how?", "for example support by mail", String::new());
        }
        Command::Told => {
            let audience = invoke.argument.clone();
            let label = menus::told_question(cx.model, &audience);
            let placeholder = "for example status page, or omar by mail. flightdeck sends nothing";
            ask(cx, Purpose::Told(audience), &label, placeholder, String::new());
        }
        Command::Pass | Command::Fail | Command::NotApplicable | Command::Assign => tick(cx, invoke.command),
        Command::Amend | Command::Retract | Command::Pin => on_entry(cx, invoke),
        _ => {}
    }
}

fn tick(cx: &mut Cx<'_>, command: Command) {
    let row = cx.model.view(Pane::Checklist).cursor.unwrap_or(0);
    let Some(item) = cx.model.checklist_rows().nth(row).map(|(_, item)| item.clone()) else { return };
    let tick = cx.model.incident().and_then(|state| state.ticks.get(&item.id)).cloned();
    let now = tick.as_ref().map_or(CheckState::Open, |tick| tick.state);
    let ask_note = |state| Purpose::Tick { item: item.id.clone(), state };
    match command {
        Command::Fail => {
            let label = format!("{} failed: what does not work?", item.title);
            ask(cx, ask_note(CheckState::Failed), &label, "for example a refund answers 502", String::new());
        }
        Command::Assign => {
            let given = cx.model.incident().and_then(|state| state.assigned.get(&item.id));
            let to = given.map_or("", |to| cx.model.policy.role_title(to)).to_owned();
            let label = format!("{}: who looks at it?", item.title);
            let input = LineEdit::suggesting(to);
            let none = "nobody: anyone may look at it";
            cx.push(Overlay::Ask(Ask::new(Purpose::Assign(item.id), label, none, input)));
        }
        Command::NotApplicable => {
            let label = format!("{} is not applicable: why?", item.title);
            ask(cx, ask_note(CheckState::Na), &label, "this service has none", String::new());
        }
        _ => {
            let state = if now == CheckState::Open { CheckState::Passed } else { CheckState::Open };
            let title = reopening(&item.title, now);
            let ticked = Ticked { item: item.id, title: item.title, state, note: String::new() };
            match tick.filter(|tick| tick.state != CheckState::Open) {
                // What somebody looked at is not wiped away by one key.
                Some(tick) => {
                    let colon = if tick.note.is_empty() { "" } else { ": " };
                    let did = match now {
                        CheckState::Failed => "saw it fail",
                        CheckState::Na => "marked it as not applicable",
                        CheckState::Passed | CheckState::Open => "ticked it",
                    };
                    let body = format!("{} {did}{colon}{}", tick.by, tick.note);
                    claim(cx, &title, &body, "reopen it", None, ticked);
                }
                None => cx.append(ticked),
            }
        }
    }
}

/// The question whether an item of the checklist is opened again, of one in such a state.
pub(super) fn reopening(item: &str, state: CheckState) -> String {
    let is = match state {
        CheckState::Failed => "failed",
        CheckState::Na => "is not applicable",
        CheckState::Passed => "is ticked",
        CheckState::Open => "is open",
    };
    format!("{item} {is}. Reopen it?")
}

fn on_entry(cx: &mut Cx<'_>, invoke: &Invoke) {
    let command = invoke.command;
    // One that was chosen is meant wherever it stands by now.
    let chosen: Option<RecordId> = invoke.argument.parse().ok();
    let Some(id) = chosen.or_else(|| entry_at_cursor(cx.model)) else { return };
    if chosen.is_none() && cx.model.timeline_fold(cursor_row(cx.model)).is_some() {
        let key = cx.model.keymap.key(Command::Fold).map_or_else(String::new, |key| format!(": {key}"));
        return cx.say(format!("this row is folded: unfold it first{key}"));
    }
    let several = entries_at_cursor(cx.model);
    let happened =
        cx.model.incident().and_then(|state| state.timeline.find(id)).is_some_and(|one| one.happened());
    if command == Command::Retract && happened {
        return cx.say("what a plan did or a probe saw cannot be retracted; write a note that says more");
    }
    // None of what is gathered in one row is a note, so there is nothing in it to amend.
    if chosen.is_none() && several.len() > 1 && command != Command::Amend {
        return ask_which(cx, command, &several);
    }
    let Some(entry) = cx.model.incident().and_then(|state| state.timeline.find(id)) else {
        return;
    };
    let (text, pinned) = (entry.text.to_owned(), entry.pinned);
    match command {
        Command::Pin => cx.append(Pinned { target: id, pinned: !pinned }),
        Command::Amend if !entry.is_note() => {
            cx.say("only notes can be amended; write a note that says more");
        }
        Command::Amend => {
            ask(cx, Purpose::Amend(id), "Amend: what should it say?", "the corrected text", text);
        }
        _ => {
            let label = format!("Retract “{}”: why?", short(&text));
            ask(cx, Purpose::Retract(id), &label, "for example it was another service", String::new());
        }
    }
}

/// The entries of the row under the cursor, where it gathers what stands for itself: items that were ticked in
/// a row, probes that turned together. A row about a plan is about the line that it shows.
fn entries_at_cursor(model: &Model) -> Vec<(RecordId, String)> {
    let entries = model.timeline_entries(cursor_row(model));
    let is_own = |entry: &Entry<'_>| entry.name == "alarm" || matches!(entry.kind, EntryKind::Check(_));
    if !entries.iter().all(is_own) {
        return Vec::new();
    }
    entries.iter().map(|entry| (entry.id, entry.text.trim_end().to_owned())).collect()
}

/// Asks which of several entries in one row is meant.
fn ask_which(cx: &mut Cx<'_>, command: Command, entries: &[(RecordId, String)]) {
    let keys = ('1'..='9').chain('a'..='z').map(Some).chain(std::iter::repeat(None));
    let item = |((id, text), key): (&(RecordId, String), Option<char>)| Item {
        key: key.map(Key::char),
        path: String::new(),
        label: text.clone(),
        disabled: None,
        invoke: Invoke { command, argument: id.to_string() },
    };
    let items = entries.iter().zip(keys).map(item).collect();
    let word = if command == Command::Pin { "Pin" } else { "Retract" };
    let note = format!("This row stands for {} entries.", entries.len());
    cx.push(Overlay::Menu(Menu {
        command,
        title: format!("{word} which?"),
        note,
        items,
        headings: Vec::new(),
        selected: 0,
    }));
}

/// The beginning of a text, for a title.
fn short(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("{}…", cut.trim_end()) } else { cut }
}
