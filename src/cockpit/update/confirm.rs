//! Whether a key confirms: the one place that every question of the cockpit asks.

use super::super::commands::{Command, Invoke, Scope};
use super::super::confirm::{Cancel, MOMENT_MS};
use super::super::key::{Code, Key};
use super::super::model::Model;
use super::super::msg::KeyPress;
use super::super::overlay::{Asks, DeclareStep, Field, Overlay, Preview, Purpose, Way};
use super::{Cx, windows};

/// A key pressed twice within this many milliseconds was held down, not meant.
const REPEAT_MS: u64 = 400;

/// A key that comes sooner than so many milliseconds after its question was on the screen cannot be an
/// answer to it: nobody has read it yet.
const SEEN_MS: u64 = 400;
/// A letter that comes sooner than so many milliseconds after another key belongs to a word that somebody
/// types, or to text that a slow line pastes byte by byte.
const QUIET_MS: u64 = 250;

/// What a confirmation is told that may not have been meant as one.
pub(super) const TOO_QUICK: &str = "that was too quick after the question: press it once more";
/// What one is told whose letters went on from keys that were pressed before the question was there.
pub(super) const TYPED_AHEAD: &str = "typed before this was on the screen: wait a moment, then type it";
/// What one is told that was read together with a key that cancels.
const CANCELLED: &str = "not confirmed: a key that cancels came with it";
/// What one is told that had to wait for its turn.
const LATE: &str = "not confirmed: the screen lagged; press it again if you mean it";

/// Whether a key may confirm something dangerous: the question had been on the screen long enough to be
/// read, no other key came right before it, and it is neither held down nor drummed.
pub(super) fn may_confirm(shown_ms: Option<u64>, press: KeyPress, before: Option<(Key, u64)>) -> bool {
    may_enter(shown_ms, press, before) && is_quiet(press, before)
}

/// Whether a key did not come right behind another one.
pub(super) fn is_quiet(press: KeyPress, before: Option<(Key, u64)>) -> bool {
    before.is_none_or(|(_, at)| press.at_ms.saturating_sub(at) >= QUIET_MS)
}

/// Whether what is typed since then may be the name that confirms: it does not go on from keys that were
/// pressed before the question was on the screen.
pub(super) fn may_type(shown_ms: Option<u64>, keys_since: u64) -> bool {
    shown_ms.is_some_and(|shown| keys_since > shown)
}

/// The same for Enter behind a reason that was typed: it may come right behind the last letter.
pub(super) fn may_enter(shown_ms: Option<u64>, press: KeyPress, before: Option<(Key, u64)>) -> bool {
    shown_ms.is_some_and(|shown| press.at_ms >= shown + SEEN_MS) && !repeated(press, before)
}

pub(super) fn repeated(press: KeyPress, before: Option<(Key, u64)>) -> bool {
    press.repeat
        || before.is_some_and(|(key, at)| key == press.key && press.at_ms.saturating_sub(at) < REPEAT_MS)
}

/// What one is told that comes behind letters which mean nothing to the question.
pub(super) const ASTRAY: &str = "not confirmed: other letters came first; press it once more, or esc";
/// What one is told whose letter means nothing to the question, by the key that answers it.
const EXPECTED: [&str; 2] = [
    "nothing is typed here: press ⏎ to go ahead, or esc",
    "nothing is typed here: press y to go ahead, or esc",
];
/// What one is told that came as pasted text does.
const AMID: &str = "not confirmed: it came with other text, as if pasted; press it alone";
/// What one is told that was pressed together with Ctrl.
const MODIFIED: &str = "not confirmed: press the key alone";

/// Withholds a key that would confirm something and came with one that cancels, amid other text, with
/// a modifier, or too late; says so, and tells whether it did.
pub(super) fn withheld(cx: &mut Cx<'_>, press: KeyPress) -> bool {
    // A letter with Ctrl or Alt is another key. Escape and a letter, pressed in the same moment, are
    // the letter with Alt.
    let plain = Key::plain(press.key.code);
    let Some(cancelled_by) = asked(cx.model, plain) else { return false };
    let why = if press.beside >= cancelled_by {
        CANCELLED
    } else if plain != press.key && matches!(plain.code, Code::Char(_)) {
        MODIFIED
    } else if press.amid && is_question(cx.model) {
        AMID
    } else if press.taken_ms.saturating_sub(press.at_ms) > MOMENT_MS {
        LATE
    } else {
        return false;
    };
    complain(cx, why);
    true
}

/// Says why nothing was confirmed, where it is read.
fn complain(cx: &mut Cx<'_>, why: &str) {
    let complaint = match cx.model.overlays.last_mut() {
        Some(Overlay::Preview(preview)) => Some(&mut preview.complaint),
        Some(Overlay::Decide(decide)) => Some(&mut decide.complaint),
        Some(Overlay::Ask(ask)) => Some(&mut ask.complaint),
        Some(Overlay::Declare(declare)) => Some(&mut declare.complaint),
        _ => None,
    };
    if let Some(complaint) = complaint {
        why.clone_into(complaint);
    }
    // What cancels may close the question before anybody reads what it says, so it outlives that.
    cx.say(why);
    (cx.said, cx.model.word_windows) = (false, 0);
}

/// Keeps what is typed at a question from answering it: once a letter was pressed that means nothing to a
/// question of yes or no, a later one is part of the same word, however slowly it is typed. Tells whether
/// the key was such an answer, and says so. Pressed once more by itself it is no word: that answers.
pub(super) fn astray(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>, once_more: bool) -> bool {
    let Some(shown) = yes_or_no(cx.model).filter(|shown| press.at_ms > *shown) else { return false };
    if asked(cx.model, press.key).is_some() {
        if cx.model.astray != Some(shown) {
            return false;
        }
        // The very next key, again by itself.
        let answers = matches!(press.key.code, Code::Enter | Code::Char('y')) && is_quiet(press, before);
        if answers && once_more {
            cx.model.astray = None;
            return false;
        }
        complain(cx, ASTRAY);
        cx.model.once_more = answers;
        return true;
    }
    if press.key.text().is_some() && !means(cx.model, press.key) {
        cx.model.astray = Some(shown);
        if asked(cx.model, Key::char('y')).is_some() {
            say_expected(cx);
        }
    }
    false
}

/// Says what a question waits for, where it has a line for that.
fn say_expected(cx: &mut Cx<'_>) {
    let [enter, yes] = EXPECTED;
    let (complaint, expected) = match cx.model.overlays.last_mut() {
        Some(Overlay::Preview(preview)) if preview.way() == Way::Enter => (&mut preview.complaint, enter),
        Some(Overlay::Preview(preview)) if preview.way() == Way::Yes => (&mut preview.complaint, yes),
        Some(Overlay::Decide(decide)) => (&mut decide.complaint, yes),
        _ => return,
    };
    expected.clone_into(complaint);
}

/// Since when a question of yes or no has been on the screen, if one is on top.
pub(super) fn yes_or_no(model: &Model) -> Option<u64> {
    match model.overlays.last()? {
        Overlay::Confirm(confirm) => confirm.shown_ms.filter(|_| confirm.lapsed.is_empty()),
        Overlay::Trust(trust) => trust.shown_ms,
        Overlay::Draft(draft) => draft.shown_ms,
        Overlay::Message(view) if view.may_be_sent() => view.shown_ms,
        Overlay::Decide(decide) if decide.asks() == Asks::Yes => decide.shown_ms,
        // While another plan has the target nothing is asked yet, and once it was overtaken no more.
        Overlay::Preview(preview) if preview.is_overtaken() || preview.holder(model).is_some() => None,
        Overlay::Preview(preview) if matches!(preview.way(), Way::Enter | Way::Yes | Way::Vote) => {
            preview.shown_ms
        }
        _ => None,
    }
}

/// Whether a key that confirms nothing does something else there. A letter that some other window knows is
/// a letter of a word here.
fn means(model: &Model, key: Key) -> bool {
    let command = |scopes: &[Scope]| windows::command(model, scopes, key);
    let reads = |command: Option<Command>| {
        let Some(command) = command else { return false };
        windows::motion(command, 1).is_some()
            || matches!(command, Command::Back | Command::Help | Command::Details)
    };
    match model.overlays.last() {
        Some(Overlay::Preview(preview)) if preview.way() == Way::Vote => {
            let command = command(&[Scope::Vote, Scope::Menu(Command::Approvals)]);
            reads(command) || matches!(command, Some(Command::Verbal | Command::Reject))
        }
        Some(Overlay::Preview(_)) => reads(command(&[Scope::Preview])),
        Some(Overlay::Trust(_) | Overlay::Draft(_)) => reads(command(&[])),
        Some(Overlay::Message(_)) => command(&[Scope::Message]).is_some(),
        Some(Overlay::Confirm(confirm)) if confirm.more.iter().any(|item| item.key == Some(key)) => true,
        _ => key == Key::char('n') || command(&[]) == Some(Command::Back),
    }
}

/// Whether what is open asks before something happens to the world, or before it is trusted.
pub(super) fn is_question(model: &Model) -> bool {
    let top = model.overlays.last();
    if let Some(Overlay::Message(view)) = top {
        return view.may_be_sent();
    }
    matches!(
        top,
        Some(
            Overlay::Confirm(_)
                | Overlay::Trust(_)
                | Overlay::Draft(_)
                | Overlay::Preview(_)
                | Overlay::Decide(_)
        )
    )
}

/// Which keys cancel what this key would confirm; `None`: it confirms nothing.
fn asked(model: &Model, key: Key) -> Option<Cancel> {
    let (enter, yes) = (key.code == Code::Enter, key == Key::char('y'));
    match model.overlays.last()? {
        Overlay::Confirm(_) | Overlay::Trust(_) | Overlay::Draft(_) => yes.then_some(Cancel::Question),
        Overlay::Message(view) if view.may_be_sent() => enter.then_some(Cancel::Question),
        Overlay::Preview(preview) if preview.is_overtaken() => None,
        Overlay::Preview(preview) => {
            let means = |scope, command| model.keymap.within(scope, key) == Some(command);
            let decides = means(Scope::Vote, Command::Verbal)
                || means(Scope::Menu(Command::Approvals), Command::Reject);
            previewed(preview, key, decides)
        }
        Overlay::Decide(decide) => match decide.asks() {
            Asks::Yes => yes.then_some(Cancel::Question),
            Asks::Reason | Asks::Word(_) => enter.then_some(Cancel::Anything),
        },
        Overlay::Declare(declare) => {
            (enter && declare.step == DeclareStep::Impact).then_some(Cancel::Anything)
        }
        Overlay::Ask(ask) => (enter && commits(&ask.purpose)).then_some(Cancel::Anything),
        Overlay::Menu(menu) => {
            let selected = menu.items.get(menu.selected).filter(|_| enter);
            let item = menu.items.iter().find(|item| item.key == Some(key)).or(selected)?;
            acts_at_once(&item.invoke).then_some(Cancel::Anything)
        }
        Overlay::Palette(palette) => {
            let item = palette.items.get(*palette.matches.get(palette.selected)?)?;
            (enter && acts_at_once(&item.invoke)).then_some(Cancel::Anything)
        }
        _ => None,
    }
}

fn previewed(preview: &Preview, key: Key, decides: bool) -> Option<Cancel> {
    let (enter, text) = (key.code == Code::Enter, key.text());
    match (preview.way(), preview.field) {
        (Way::Enter, _) => (enter || text == Some('y')).then_some(Cancel::Question),
        (Way::Yes, _) => (text == Some('y')).then_some(Cancel::Question),
        (Way::Vote, _) => (text == Some('y') || decides).then_some(Cancel::Question),
        (Way::Typed(_), _) | (Way::PassOver(_), Field::Target) => enter.then_some(Cancel::Anything),
        (Way::Blocked, _) | (Way::PassOver(_), Field::Keys | Field::Reason) => None,
    }
}

/// Whether Enter behind this line changes the record or the world. A note only adds to it, and what
/// was typed must not be lost to a slow screen.
pub(super) fn commits(purpose: &Purpose) -> bool {
    match purpose {
        Purpose::Note(_)
        | Purpose::HotfixName
        | Purpose::ReportBranch
        | Purpose::Filter
        | Purpose::Find
        | Purpose::SuspectFilter
        | Purpose::ChangeFind => false,
        Purpose::Severity(..)
        | Purpose::Title
        | Purpose::Began
        | Purpose::Impact
        | Purpose::Cause
        | Purpose::Role(_)
        | Purpose::Page
        | Purpose::Snooze(..)
        | Purpose::FollowUp
        | Purpose::Review
        | Purpose::FollowUpDone(..)
        | Purpose::FollowUpDrop(..)
        | Purpose::FollowUpAssign(..)
        | Purpose::Handoff(_)
        | Purpose::Task
        | Purpose::Propose
        | Purpose::TaskEnd(_)
        | Purpose::Object(_)
        | Purpose::Agree(_)
        | Purpose::Told(_)
        | Purpose::Reopen
        | Purpose::Resolve(_)
        | Purpose::Tick { .. }
        | Purpose::Assign(_)
        | Purpose::Culprit(_)
        | Purpose::OddFollowUp(_)
        | Purpose::Amend(_)
        | Purpose::Retract(_)
        | Purpose::TakeOver(_)
        | Purpose::NoRollback
        | Purpose::NoHotfix
        | Purpose::Live(_)
        | Purpose::Clear(..)
        | Purpose::Verbal
        | Purpose::Reject => true,
    }
}

/// Whether picking this row of a menu is the last question.
fn acts_at_once(invoke: &Invoke) -> bool {
    matches!(invoke.command, Command::DrillFix | Command::Prove)
}
