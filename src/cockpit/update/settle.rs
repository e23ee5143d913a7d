//! Settling what a step stopped at: the conflicts of a merge, listed in the view of the plan and
//! opened in the user's editor.

use super::super::model::Model;
use super::super::msg::{Effect, EffectId};
use super::super::overlay::{Overlay, PlanView, Unsettled};
use super::Cx;
use crate::incident::PlanRun;
use crate::plan::Settle;

/// What a plan on the screen stopped at and a person can settle: index of the step, id of its
/// run, and how.
pub(super) fn of<'a>(view: &'a PlanView, run: &PlanRun) -> Option<(usize, String, &'a Settle)> {
    let (index, step) = view.unsettled_step(run)?;
    let settle = view.spec.as_ref()?.steps.get(index)?.settle.as_ref()?;
    Some((index, step.run.as_ref()?.id.clone(), settle))
}

/// The plan view nearest to the top, and its plan.
fn viewed(model: &Model) -> Option<(&PlanView, &PlanRun)> {
    let view = model.plan_view()?;
    Some((view, model.incident()?.plan(&view.plan)?))
}

fn view_mut(model: &mut Model) -> Option<&mut PlanView> {
    model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Plan(view) => Some(&mut **view),
        _ => None,
    })
}

/// Asks what is left to be settled, once for each time a step stopped.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    let wanted =
        viewed(cx.model).and_then(|(view, run)| of(view, run)).map(|(_, run, settle)| (run, settle.clone()));
    let known = viewed(cx.model).and_then(|(view, _)| view.unsettled.as_ref()).map(|left| left.run.clone());
    match wanted {
        Some((run, settle)) if known.as_ref() != Some(&run) => ask(cx, run, settle),
        None if known.is_some() => {
            if let Some(view) = view_mut(cx.model) {
                view.unsettled = None;
            }
        }
        _ => {}
    }
}

fn ask(cx: &mut Cx<'_>, run: String, settle: Settle) {
    let id = cx.effect("looking at what is left", Effect::LookLeft { settle: Box::new(settle) });
    if let Some(view) = view_mut(cx.model) {
        view.unsettled = Some(Unsettled { run, asked: Some(id), editing: None, files: None });
    }
}

/// An effect has ended that a view may wait for; what was edited is looked at again.
pub(super) fn ended(cx: &mut Cx<'_>, id: EffectId) {
    let Some(left) = view_mut(cx.model).and_then(|view| view.unsettled.as_mut()) else { return };
    if left.asked == Some(id) {
        left.asked = None;
    }
    if left.editing == Some(id) {
        // Asked for anew by `keep_up`.
        left.run.clear();
    }
}

/// What is left has become known.
pub(super) fn found(cx: &mut Cx<'_>, id: EffectId, files: Result<Vec<String>, String>) {
    let left = view_mut(cx.model).and_then(|view| view.unsettled.as_mut());
    if let Some(left) = left.filter(|left| left.asked == Some(id)) {
        left.asked = None;
        left.files = Some(files);
    }
}

/// Why nothing can be settled in an editor now; `None`: it can.
pub(super) fn blocked(model: &Model) -> Option<String> {
    let none = || Some("no plan on the screen stopped at conflicts".to_owned());
    let Some((view, run)) = viewed(model) else { return none() };
    if of(view, run).is_none() {
        return none();
    }
    match view.unsettled.as_ref().and_then(|left| left.files.as_ref()) {
        None => Some("looking for conflicts that are left".to_owned()),
        Some(Err(why)) => Some(why.clone()),
        Some(Ok(files)) if files.is_empty() => Some("no conflict is left: resume the plan".to_owned()),
        Some(Ok(_)) => None,
    }
}

/// Opens what is left in the editor.
pub(super) fn edit(cx: &mut Cx<'_>) {
    let Some((view, run)) = viewed(cx.model) else { return };
    let Some((_, _, settle)) = of(view, run) else { return };
    let Some(Ok(files)) = view.unsettled.as_ref().and_then(|left| left.files.clone()) else { return };
    let cwd = settle.place.clone();
    let id = cx.effect("editing", Effect::Edit { cwd, files });
    if let Some(left) = view_mut(cx.model).and_then(|view| view.unsettled.as_mut()) {
        left.editing = Some(id);
    }
}
