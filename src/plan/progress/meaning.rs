//! What a decision about a plan comes to, before it is made: in words, and in what is carried out.

use super::{Choice, RISK, undoing};
use crate::incident::{Decision, Outcome, PlanRun};
use crate::plan::Plan;

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meaning {
    /// What it does, a sentence each; a risk first.
    pub about: Vec<String>,
    /// What is carried out: number of the step, and the command.
    pub lines: Vec<(usize, String)>,
}

/// Tells what a decision comes to. Nothing is decided or carried out by that.
pub fn meaning(plan: &Plan, run: &PlanRun, choice: &Choice) -> Meaning {
    let line = |index: usize| plan.steps.get(index).map(|step| (index + 1, step.action.line()));
    let (mut about, mut lines) = (Vec::new(), Vec::new());
    match &choice.decision {
        Decision::Resume => {
            about.push("The plan goes on with what is left of it.".to_owned());
            lines.extend(concluded(plan, run, choice.step).or_else(|| line(choice.step)));
        }
        Decision::Retry => {
            about.push("This step runs once more, then the steps after it.".to_owned());
            lines.extend(line(choice.step));
        }
        Decision::Skip { .. } => {
            about.push("The step is skipped, with your reason in the record.".to_owned());
            lines.extend(line(choice.step));
            about.push(match line(choice.step + 1) {
                Some((number, next)) => format!("Next comes step {number}: {next}"),
                None => "Nothing comes after it.".to_owned(),
            });
        }
        Decision::Undo { to } => {
            let undoing = undoing(plan, run, *to);
            lines.extend(undoing.iter().filter_map(|(index, action)| Some((index + 1, (*action)?.line()))));
            about.push("These undo what was done, the last step first. Then the plan is over.".to_owned());
        }
        Decision::Review { approve, .. } => {
            let word = if *approve { "Approves" } else { "Rejects" };
            let note = run.steps.get(choice.step).and_then(|step| step.run.as_ref()?.remote.as_ref());
            let what = note.map_or("", |remote| remote.note.trim_start_matches("for "));
            let what = what.split(" (you may").next().unwrap_or_default();
            about.push(format!("{word} it there with your token: {what}. Your comment goes along."));
        }
        Decision::GiveUp => {
            about.push("Nothing more of this plan runs. What was done stays done, and its target is free for another plan.".to_owned());
        }
    }
    if choice.risky {
        about.insert(0, risk());
    }
    Meaning { about, lines }
}

/// What going on carries out in place of a step that had stopped at something to settle.
fn concluded(plan: &Plan, run: &PlanRun, step: usize) -> Option<(usize, String)> {
    let outcome = run.steps.get(step)?.run.as_ref()?.outcome.as_ref()?;
    let settle = plan.steps.get(step)?.settle.as_ref()?;
    (!matches!(outcome, Outcome::Unknown { .. })).then(|| (step + 1, settle.conclude.line()))
}

/// Why it is risky, as a sentence.
fn risk() -> String {
    let mut chars = RISK.chars();
    let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
