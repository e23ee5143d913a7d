//! What a key means in a window, by the keymap, and how far a motion goes: the same in every list.

use jiff::{SignedDuration, Timestamp};

use super::super::commands::{Command, Scope};
use super::super::edit::LineEdit;
use super::super::key::Key;
use super::super::model::Model;
use super::super::overlay::{Ask, Overlay, Purpose};
use super::{Cx, notes};

/// A motion to the first or last line: further than any list is long.
const FAR: isize = isize::MAX / 2;

/// What a key means in a window: a command of one of these scopes, else one that every window has.
/// What quits the cockpit closes a window.
pub(super) fn command(model: &Model, scopes: &[Scope], key: Key) -> Option<Command> {
    let own = scopes.iter().find_map(|scope| model.keymap.within(*scope, key));
    own.or_else(|| {
        let everywhere = model.keymap.within(Scope::Global, key)?;
        match everywhere {
            Command::Quit => Some(Command::Back),
            Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
            | Command::Open
            | Command::Back
            | Command::Help
            | Command::Filter
            | Command::NextPane
            | Command::PreviousPane
            | Command::Plan => Some(everywhere),
            _ => None,
        }
    })
}

/// The key of a command, as it is written in a text; empty: it has none.
pub(super) fn key(model: &Model, command: Command) -> String {
    model.keymap.key(command).map_or_else(String::new, |key| key.to_string())
}

/// How many lines a motion goes, where a page has so many; `None`: it is no motion.
pub(super) fn motion(command: Command, page: isize) -> Option<isize> {
    match command {
        Command::Up => Some(-1),
        Command::Down => Some(1),
        Command::PageUp => Some(-page),
        Command::PageDown => Some(page),
        Command::Top => Some(-FAR),
        Command::Bottom => Some(FAR),
        _ => None,
    }
}

/// Lines of a page of the top overlay: all but one of those it has room for.
pub(super) fn page(model: &Model) -> isize {
    isize::try_from(model.overlay_height.max(2) - 1).unwrap_or(1)
}

/// What is said of a key that means nothing.
const NOTHING: &str = "does nothing here";

/// What is said of text that is typed where there is no prompt.
const BABBLE: &str = "that looks like text:";

/// Says that text was typed where there is no prompt, and whether any of it was taken for a command.
pub(super) fn babble(cx: &mut Cx<'_>, did_nothing: bool) {
    let what = if did_nothing { "no command was run" } else { "the rest of it is ignored" };
    let note = key(cx.model, Command::Note);
    cx.say(format!("{BABBLE} {what}; to write a note, press {note}"));
}

/// Tells whether a word is about a key that the window on top did not take.
pub(super) fn is_about_a_key(word: &str) -> bool {
    word.contains(NOTHING)
        || word.starts_with(BABBLE)
        || [super::confirm::TOO_QUICK, super::confirm::ASTRAY].contains(&word)
}

/// Says that a key means nothing here. A letter that means nothing may be part of a text: what follows without
/// a pause is no command.
pub(super) fn unknown(cx: &mut Cx<'_>, key: Key) {
    // What is said of a key names this one.
    if cx.model.keymap.within(Scope::Global, key) == Some(Command::Help) {
        return super::invoke::invoke(cx, &Command::Help.into());
    }
    if key.text().is_some() {
        cx.model.babble = cx.model.last_key.map(|(_, at_ms)| at_ms);
    }
    // What failed, or was said a moment ago, is worth more than that.
    let moment = SignedDuration::from_secs(2);
    let worth_more = |(since, word): &(Timestamp, String)| {
        !word.contains(NOTHING) && (word.starts_with('✗') || cx.model.now.duration_since(*since) < moment)
    };
    if cx.model.word.as_ref().is_some_and(worth_more) {
        return;
    }
    let help = cx.model.keymap.key(Command::Help);
    let help = help.map_or_else(String::new, |key| format!("; {key} shows the keys"));
    cx.say(format!("{key} {NOTHING}{help}"));
}

/// What is said where a prompt is left with something in it.
const KEPT: &str = "what you typed is kept: open the prompt again to go on";

/// What is said where it is there again.
pub(super) const GIVEN_BACK: &str = "what you had typed is here again; ctrl-u clears it";

/// Leaves the window on top. What was typed into it is kept, and that is said.
pub(super) fn leave(cx: &mut Cx<'_>) {
    let top = cx.model.overlays.len().saturating_sub(1);
    let kept = keep_drafts(cx.model, top);
    cx.pop();
    if kept {
        cx.say(KEPT);
    }
}

/// Closes all windows. What was typed into them is kept, and that is said.
pub(super) fn leave_all(cx: &mut Cx<'_>) {
    let kept = keep_drafts(cx.model, 0);
    cx.model.overlays.clear();
    if kept {
        cx.say(KEPT);
    }
}

/// Keeps what is being typed in the open prompts from the one at `from` on, so that opening one again brings
/// it back. Tells whether there was anything to keep.
fn keep_drafts(model: &mut Model, from: usize) -> bool {
    let left = || model.overlays.iter().skip(from);
    let typed: Vec<(String, LineEdit)> = left().filter_map(|overlay| draft(model, overlay)).collect();
    let declaring = left().find_map(|overlay| match overlay {
        Overlay::Declare(declare) if !declare.changing && !declare.title.is_blank() => Some(declare.clone()),
        _ => None,
    });
    let any = !typed.is_empty() || declaring.is_some();
    model.drafts.lines.extend(typed);
    if declaring.is_some() {
        model.drafts.declare = declaring;
    }
    any
}

/// Gives a prompt that is opened what was typed into it before; tells whether there was anything.
pub(super) fn give_back(model: &mut Model, overlay: &mut Overlay) -> bool {
    if let Overlay::Declare(declare) = overlay
        && !declare.changing
        && let Some(kept) = model.drafts.declare.take()
    {
        *declare = kept;
        return true;
    }
    let own = place(model, overlay).and_then(|place| model.drafts.lines.remove(&place));
    let Some(kept) = own.or_else(|| turned_before(model, overlay)) else { return false };
    match overlay {
        Overlay::Ask(ask) => ask.input = kept,
        Overlay::Preview(preview) => preview.reason = kept,
        Overlay::Decide(decide) => decide.reason = Some(kept),
        _ => {}
    }
    true
}

/// A note that was made one of another kind before it was left is one of that kind again.
fn turned_before(model: &mut Model, overlay: &mut Overlay) -> Option<LineEdit> {
    let Overlay::Ask(Ask { purpose, .. }) = overlay else { return None };
    for prompt in notes::prompts(purpose).into_iter().map(Overlay::Ask) {
        let kept = place(model, &prompt).and_then(|place| model.drafts.lines.remove(&place));
        if kept.is_some() {
            *overlay = prompt;
            return kept;
        }
    }
    None
}

fn draft(model: &Model, overlay: &Overlay) -> Option<(String, LineEdit)> {
    let line = match overlay {
        Overlay::Ask(ask) => &ask.input,
        Overlay::Preview(preview) => &preview.reason,
        Overlay::Decide(decide) => decide.reason.as_ref()?,
        _ => return None,
    };
    let worth = !line.is_blank() && !line.is_suggested() && !is_recorded(model, overlay, line.text());
    place(model, overlay).filter(|_| worth).map(|place| (place, line.clone()))
}

/// Whether a text is what stands in the record: it was shown to be changed, and was not.
fn is_recorded(model: &Model, overlay: &Overlay, text: &str) -> bool {
    let (Overlay::Ask(ask), Some(state)) = (overlay, model.incident()) else { return false };
    match &ask.purpose {
        Purpose::Title => state.title == text,
        Purpose::Impact => state.impact == text,
        Purpose::Cause => state.cause == text,
        Purpose::Amend(id) => state.timeline.find(*id).is_some_and(|entry| entry.text == text),
        _ => false,
    }
}

/// What a prompt is known by, where what is typed into it is worth keeping.
fn place(model: &Model, overlay: &Overlay) -> Option<String> {
    // What was meant for one incident is not given to another.
    let incident = model.incident().map(|state| state.id);
    match overlay {
        Overlay::Ask(Ask {
            purpose: Purpose::Filter | Purpose::Find | Purpose::SuspectFilter | Purpose::ChangeFind,
            ..
        }) => None,
        // They are about the plan underneath, and about no other.
        Overlay::Ask(Ask { purpose: purpose @ (Purpose::Verbal | Purpose::Reject), .. }) => {
            let under = model.overlays.iter().rev().find_map(|overlay| match overlay {
                Overlay::Preview(preview) => Some(&preview.hash),
                _ => None,
            });
            under.map(|hash| format!("{incident:?} {purpose:?} {hash}"))
        }
        Overlay::Ask(ask) => Some(format!("{incident:?} {:?}", ask.purpose)),
        Overlay::Preview(preview) => Some(format!("override {} {}", preview.plan.target, preview.plan.title)),
        Overlay::Decide(decide) if decide.reason.is_some() => {
            Some(format!("decide {} {}", decide.plan, decide.choice.title))
        }
        _ => None,
    }
}
