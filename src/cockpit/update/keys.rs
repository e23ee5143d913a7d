//! Which part of the program a key or the mouse is meant for.

use super::super::commands::{Command, Invoke, Scope};
use super::super::key::{Code, Key};
use super::super::model::{Model, Pane};
use super::super::msg::{Effect, EffectId, KeyPress, Mouse, MouseKind};
use super::super::overlay::Overlay;
use super::super::own;
use super::{Cx, confirm, invoke, move_by, overlays, present, run_view, windows};

/// After so many milliseconds without a key, one is a command again.
const PAUSE_MS: u64 = 500;
/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

/// Takes a key, and keeps what it did for a screen that is shared.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress) {
    let asked = present::before(cx.model, press);
    take(cx, press);
    present::after(cx.model, asked);
}

/// Takes a key: the top overlay first, then the focused pane, then everywhere.
fn take(cx: &mut Cx<'_>, press: KeyPress) {
    if run_view::takes_all(cx.model) {
        // What is typed for a command may be a password: it is kept nowhere.
        cx.model.last_key = None;
        return run_view::key(cx, press);
    }
    let before = cx.model.last_key.replace((press.key, press.at_ms));
    let once_more = std::mem::take(&mut cx.model.once_more);
    if before.is_none_or(|(_, at)| press.at_ms.saturating_sub(at) >= PAUSE_MS) {
        cx.model.before_burst = Some(stands(cx.model));
    }
    if confirm::is_quiet(press, before) {
        cx.model.keys_since = press.at_ms;
    }
    if always(cx, press.key) {
        return;
    }
    if is_babble(cx, press) || confirm::withheld(cx, press) || confirm::astray(cx, press, before, once_more) {
        return;
    }
    if !cx.model.overlays.is_empty() {
        overlays::key(cx, press, before);
        return;
    }
    match cx.model.keymap.find(scope(cx.model), press.key) {
        Some(command) if cx.model.hides_panes() && is_of_pane(command) => show_pane(cx, command, press.key),
        Some(command) => invoke::invoke(cx, &Invoke::from(command)),
        None => match own::pressed(cx.model, scope(cx.model), press.key) {
            Some(action) => invoke::invoke(cx, &action),
            None => windows::unknown(cx, press.key),
        },
    }
}

/// Whether a command is about what a pane shows.
fn is_of_pane(command: Command) -> bool {
    let own = [Scope::Timeline, Scope::Health, Scope::Hotfix, Scope::Checklist, Scope::Runs];
    let moves = command.is_motion() && command != Command::Back;
    own.contains(&command.spec().scope) || moves || command == Command::Filter || focuses(command)
}

/// Whether a command chooses the pane that has the focus.
fn focuses(command: Command) -> bool {
    use Command::{
        FocusChecklist, FocusHealth, FocusHotfix, FocusRuns, FocusTimeline, NextPane, PreviousPane,
    };
    matches!(
        command,
        FocusTimeline | FocusHealth | FocusHotfix | FocusChecklist | FocusRuns | NextPane | PreviousPane
    )
}

/// Shows the pane that a key is about, where none is drawn. What the key does has to be asked for again: nobody
/// saw what it would act on.
fn show_pane(cx: &mut Cx<'_>, command: Command, key: Key) {
    if focuses(command) {
        invoke::invoke(cx, &Invoke::from(command));
    }
    cx.model.zoom = true;
    if !focuses(command) && command != Command::Open {
        let pane = cx.model.focus.title().to_lowercase();
        cx.say(format!("this is the {pane}: press {key} again"));
    }
}

/// Takes a key in a terminal that is too small for more than to say so: it leaves, or does nothing, since
/// nobody sees what it would do.
pub(super) fn unseen(cx: &mut Cx<'_>, press: KeyPress) {
    // What is typed for a command may be a password.
    cx.model.last_key = (!run_view::takes_all(cx.model)).then_some((press.key, press.at_ms));
    cx.model.keys_since = press.at_ms;
    let quits = || cx.model.keymap.find(scope(cx.model), press.key) == Some(Command::Quit);
    if cx.model.overlays.is_empty() && quits() {
        invoke::invoke(cx, &Invoke::from(Command::Quit));
    } else {
        always(cx, press.key);
    }
}

/// Takes a key that means the same everywhere; tells whether it was one.
fn always(cx: &mut Cx<'_>, key: Key) -> bool {
    if key == Key::ctrl('c') {
        // Never swallowed: it closes what lies over the cockpit, then the cockpit.
        if cx.model.overlays.is_empty() {
            leave(cx);
        } else {
            overlays::drop_filter(cx.model);
            cx.model.asked_by = None;
            windows::leave_all(cx);
        }
        return true;
    }
    // It closes nothing and confirms nothing: what is open is there again after `fg`.
    let suspends = key.text().is_none() && cx.model.keymap.keys(Command::Suspend).contains(&key);
    if suspends {
        invoke::invoke(cx, &Invoke::from(Command::Suspend));
    }
    suspends
}

/// What is said before something half typed is lost.
const LOST: &str = "unsaved text would be lost: press it again to leave, or reopen its prompt";

/// Leaves; where something half typed is kept, only when asked twice.
pub(super) fn leave(cx: &mut Cx<'_>) {
    if cx.model.drafts.any() && cx.model.word.as_ref().is_none_or(|(_, word)| word != LOST) {
        return cx.say(LOST);
    }
    cx.effect("leaving", Effect::Quit);
}

/// Whether a key belongs to a text that somebody types where there is no prompt: it began with a letter that
/// means nothing there, and goes on without a pause. Nothing of it is taken for a command.
fn is_babble(cx: &mut Cx<'_>, press: KeyPress) -> bool {
    // A question of yes or no has its own way with letters that mean nothing.
    let last = cx.model.babble.take().filter(|_| confirm::yes_or_no(cx.model).is_none());
    let Some(last) = last else { return false };
    let is_text = press.key.text().is_some() || matches!(press.key.code, Code::Enter | Code::Backspace);
    if !is_text || press.at_ms.saturating_sub(last) >= PAUSE_MS {
        return false;
    }
    cx.model.babble = Some(press.at_ms);
    // Its first letters may have opened them.
    cx.model.overlays.retain(|overlay| match overlay {
        Overlay::Menu(_) => false,
        Overlay::Message(view) => view.changed || view.editing || view.sent.is_some(),
        _ => true,
    });
    // One of its first letters may have done something.
    let did_nothing = cx.model.before_burst == Some(stands(cx.model));
    windows::babble(cx, did_nothing);
    true
}

/// What a key changes that does something: it asks for an effect, moves the focus or zooms.
fn stands(model: &Model) -> (EffectId, Pane, bool) {
    (model.next_effect, model.focus, model.zoom)
}

/// Where a key is pressed while no overlay is open.
pub(super) fn scope(model: &Model) -> Scope {
    if model.log.is_none() {
        return Scope::Start;
    }
    match model.focus {
        Pane::Timeline => Scope::Timeline,
        Pane::Health => Scope::Health,
        Pane::Hotfix => Scope::Hotfix,
        Pane::Checklist => Scope::Checklist,
        Pane::Runs => Scope::Runs,
    }
}

/// Takes the mouse: it focuses and scrolls, and never does more than that.
pub(super) fn mouse(cx: &mut Cx<'_>, mouse: Mouse) {
    let notch = match mouse.kind {
        MouseKind::Press => 0,
        MouseKind::ScrollUp => -NOTCH,
        MouseKind::ScrollDown => NOTCH,
    };
    if matches!(cx.model.overlays.last(), Some(Overlay::Run(_))) {
        run_view::scroll(cx, notch);
        return;
    }
    if !cx.model.overlays.is_empty() {
        overlays::scroll(cx.model, notch);
        return;
    }
    let Some(pane) = mouse.pane else { return };
    if notch != 0 {
        move_by(cx.model, pane, notch);
        return;
    }
    cx.model.focus = pane;
    if let Some(row) = mouse.row {
        let row = cx.model.view(pane).top + usize::from(row);
        if row < cx.model.rows(pane) {
            cx.model.view_mut(pane).cursor = Some(row);
        }
    }
}

/// Moves as a command says, in the focused pane or on the start screen.
pub(super) fn motion(cx: &mut Cx<'_>, command: Command) {
    if cx.model.log.is_none() {
        let last = cx.model.last_start_row();
        let row = &mut cx.model.start_row;
        *row = match command {
            Command::Up => row.saturating_sub(1),
            Command::Down => (*row + 1).min(last),
            Command::Top | Command::PageUp => 0,
            _ => last,
        };
        return;
    }
    let pane = cx.model.focus;
    let screenful = isize::try_from(cx.model.view(pane).height.max(2) - 1).unwrap_or(1);
    match command {
        Command::Up => move_by(cx.model, pane, -1),
        Command::Down => move_by(cx.model, pane, 1),
        Command::PageUp => move_by(cx.model, pane, -screenful),
        Command::PageDown => move_by(cx.model, pane, screenful),
        Command::Top => cx.model.view_mut(pane).cursor = Some(0),
        // A chart that stands still has an end of its own.
        Command::Bottom if pane == Pane::Health && cx.model.chart.still.take().is_some() => {}
        _ => {
            let last = cx.model.rows(pane).saturating_sub(1);
            cx.model.view_mut(pane).cursor = if pane == Pane::Timeline { None } else { Some(last) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Table;
    use super::Effect;

    #[test]
    fn a_sentence_that_is_typed_where_there_is_no_prompt_does_nothing() {
        for text in [
            "i think it is fine now⏎",
            "it is resolved⏎",
            "same here, seeing 503s⏎",
            "so the database is down and yes we should roll back⏎",
            "we think the cache is cold now⏎",
            "is it ok?⏎",
            "Anna is paged⏎",
            "can you look at grafana⏎",
            "yesterday it was fine⏎",
            "the deploy of 14:02 did it⏎",
            "maybe roll back first⏎",
        ] {
            let mut table = Table::open();
            let mut effects = table.talks(text);
            // Reading them is nothing that somebody would have to take back.
            effects.retain(|effect| *effect != Effect::ReadTemplates);
            assert!(effects.is_empty(), "{text}: {effects:?}");
            assert!(table.model.overlays.is_empty(), "{text}: {:?}", table.model.overlays);
            // After a pause keys are commands again.
            table.keys("n");
            assert_eq!(table.model.overlays.len(), 1, "{text}");
        }
    }
}
