//! What comes before all that the procedure asks for: what the record alone does not know of.

use super::super::commands::Command;
use super::super::model::Model;
use super::super::overlay::Overlay;
use super::{keys_to, keys_to_answer, menus, windows};
use crate::incident::Next;

/// Getting the record to safety, where the journal was taken away: nothing is more pressing.
pub(super) fn gone(model: &Model) -> Option<(Next, String)> {
    let report = Command::Report;
    model.incident().filter(|_| model.journal_gone)?;
    let title = "nothing is saved. Export the record, then put the journal back".to_owned();
    let next = Next { action: report.spec().id, argument: String::new(), title, due_at: None, overdue: true };
    let export = windows::key(model, Command::ReportExport);
    let export = if matches!(model.overlays.last(), Some(Overlay::Report(_))) {
        export
    } else {
        format!("{} {export}", menus::path(model, &report.into()))
    };
    Some((next, export))
}

/// Going to another incident that is open, where the one on the screen is over.
pub(super) fn elsewhere(model: &Model) -> Option<(Next, String)> {
    model.incident().filter(|state| !state.is_open())?;
    let open = model.open_incidents().min_by_key(|line| (line.severity, line.declared_at))?;
    let title =
        format!("{} {} is open: {}", open.number, model.policy.severity_name(open.severity), open.title);
    let action = Command::Incidents.spec().id;
    let next = Next { action, argument: String::new(), title, due_at: None, overdue: true };
    Some((next, keys_to(model, action, "")))
}

/// Answering what a command asks: until somebody does, nothing goes on.
pub(super) fn asked(model: &Model) -> Option<(Next, String)> {
    let (run, question) = model.question()?;
    let (plan, _) = model.incident()?.run(run)?;
    let step = plan.steps.iter().position(|step| step.run.as_ref().is_some_and(|known| known.id == run));
    let program = step.and_then(|step| plan.program(step));
    let title = format!("{} asks: {question}", program.unwrap_or(&plan.title));
    let next =
        Next { action: "output.answer", argument: run.to_owned(), title, due_at: None, overdue: false };
    Some((next, keys_to_answer(model)))
}
