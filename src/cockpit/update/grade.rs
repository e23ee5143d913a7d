//! The page that says how a drill went: at its end, on the way out of it, and when it is asked for.

use super::super::commands::Command;
use super::super::key::{Code, Key};
use super::super::msg::{Effect, EffectId, Lessons};
use super::super::overlay::{GradeView, Overlay, Scroll};
use super::{Cx, ending, overlays};
use crate::drill::grade;
use crate::incident::Status;

/// Opens the page. What git and the scenario tell comes a moment later.
pub(super) fn open(cx: &mut Cx<'_>, leaving: bool) {
    let model = &cx.model;
    let Some(state) = model.incident().filter(|_| model.drill) else { return };
    let lines = grade::grade(state, &model.policy, &[], None, model.now);
    let (fix, limit) = (grade::fix_of(state), model.policy.hotfix_limit);
    let asked = Some(cx.effect("looking into the fix", Effect::Grade { fix, limit }));
    cx.push(Overlay::Grade(Box::new(GradeView { lines, scroll: Scroll::default(), asked, leaving })));
}

/// Takes in what the drill was about, and what its fix changes.
pub(super) fn found(cx: &mut Cx<'_>, id: EffectId, found: &Lessons) {
    let model = &mut *cx.model;
    let Some(state) = model.log.as_ref().map(crate::incident::Log::state) else { return };
    let lines = grade::grade(state, &model.policy, &found.lessons, found.change.as_ref(), model.now);
    let mut pages = model.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Grade(view) => Some(view),
        _ => None,
    });
    if let Some(view) = pages.find(|view| view.asked == Some(id)) {
        (view.lines, view.asked) = (lines, None);
    }
}

/// Opens the page where the drill came to its end just now, and nothing else is being read.
pub(super) fn at_the_end(cx: &mut Cx<'_>, before: Option<Status>) {
    let now = cx.model.incident().map(|state| state.status);
    let ends = matches!(now, Some(Status::Resolved | Status::Closed)) && now != before;
    if ends && cx.model.drill && cx.model.overlays.is_empty() {
        open(cx, false);
    }
}

/// Keys of the page: on the way out what leaves it leaves the drill, too.
pub(super) fn key(cx: &mut Cx<'_>, key: Key) {
    let leaving = matches!(cx.model.overlays.last(), Some(Overlay::Grade(view)) if view.leaving);
    let quits = cx.model.keymap.key(Command::Quit) == Some(key) || key.code == Code::Enter;
    if leaving && quits {
        cx.pop();
        return ending::ask_quit(cx);
    }
    overlays::document(cx, key);
}
