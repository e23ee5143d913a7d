//! The lines about plans that wait, approvals, gates and releases.

use super::super::apply::Fold;
use super::super::body::{Body, Decision, PlanAsked, PlanEnd, PlanResumed, RemoteState, WatchVerdict};
use super::super::record::Record;
use super::super::state::{EntryKind, PlanState, same_person, share_before};
use super::{finding, with_note, with_reason};

impl PlanState {
    /// The word for people, the same wherever a plan is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ended(PlanEnd::Cancelled) => "stopped",
            Self::Ended(PlanEnd::Unknown) => "outcome unknown",
            other => other.name(),
        }
    }
}

/// What such a record says, given the state before it.
pub(super) fn line(record: &Record, fold: &Fold) -> Option<(EntryKind, String)> {
    let line = match &record.body {
        // Nobody asked: it is kept for what was approved, and that has a line of its own.
        Body::PlanProposed(body) if body.by_vote => return None,
        Body::PlanProposed(body) => {
            let who = if body.by_assistant { " by an assistant" } else { "" };
            (EntryKind::Approval, format!("approval asked for{who}: {}", body.title))
        }
        Body::PlanResumed(PlanResumed { plan, step, decision })
        | Body::PlanAsked(PlanAsked { plan, step, run: _, decision }) => decided(fold, plan, *step, decision),
        Body::StepWaiting(body) if body.why.is_empty() => return None,
        Body::StepWaiting(body) => {
            let title = step_title(fold, &body.plan, body.step);
            let why = body.why.strip_prefix(title).map_or(body.why.as_str(), str::trim_start);
            (EntryKind::PlanWaiting, with_reason(format!("{title} waits"), why))
        }
        Body::RunWaiting(body) => {
            let title = fold.run_title(&body.run);
            match &body.waits.as_ref()?.question {
                Some(question) => (EntryKind::PlanWaiting, format!("{title} asks: {question}")),
                None => {
                    (EntryKind::PlanWaiting, format!("{title} has printed nothing for a while and may hang"))
                }
            }
        }
        Body::PipelineSeen(body) => {
            let kind = match body.state {
                RemoteState::Waiting => EntryKind::PlanWaiting,
                RemoteState::Failed | RemoteState::TimedOut => EntryKind::PlanFailed,
                RemoteState::Cancelled => EntryKind::Stopped,
                _ => EntryKind::PlanStarted,
            };
            let rerun = if body.attempt > 1 { format!(", attempt {},", body.attempt) } else { String::new() };
            (kind, with_reason(format!("{}{rerun} {}", body.name, body.state.word()), &body.note))
        }
        Body::CommitLearned(body) => {
            let short = body.commit.get(..7).unwrap_or(&body.commit);
            (EntryKind::PlanStarted, format!("{} is at {short} with what was pushed", body.branch))
        }
        Body::DeploymentReported(body) => {
            let (what, host, state) = (&body.environment, &body.host, body.state.word());
            if body.why.is_empty() {
                (EntryKind::Told, format!("deployment to {what} reported at {host}: {state}"))
            } else {
                let text = format!("deployment to {what} not reported at {host}: {state}");
                (EntryKind::Undelivered, with_reason(text, &body.why))
            }
        }
        Body::StepSkipped(body) => {
            let title = step_title(fold, &body.plan, body.step);
            (EntryKind::PassedOver, with_reason(format!("{title} skipped"), &body.reason))
        }
        Body::Approved(body) => {
            let what = if body.title.is_empty() { "the deploy" } else { &body.title };
            let text = format!("{} approved as {}: {what}", body.by, body.role);
            let unverified = body.verbal || !same_person(&body.by, &record.author.name);
            let how = match (body.verbal, unverified, body.how.is_empty()) {
                (_, false, _) => String::new(),
                (_, true, false) => format!("verbal, {}, unverified", body.how),
                (true, true, true) => "verbal, unverified".to_owned(),
                (false, true, true) => "unverified".to_owned(),
            };
            (EntryKind::Approval, with_note(text, &how))
        }
        Body::Rejected(body) => {
            let what = if body.title.is_empty() { "the deploy" } else { &body.title };
            let text = format!("{} rejected as {}: {what}", body.by, body.role);
            (EntryKind::Rejection, with_note(text, &body.reason))
        }
        Body::GatePassedOver(body) => {
            let text = with_note(format!("gate {} overridden", body.gate), &body.missing);
            (EntryKind::PassedOver, with_reason(text, &body.reason))
        }
        Body::LeaseTaken(body) => {
            let text = format!("{} taken over from {} ({})", body.target, body.holder, body.gone);
            (EntryKind::PassedOver, with_reason(text, &body.reason))
        }
        Body::Released(body) => {
            let short = body.commit.get(..7).unwrap_or(&body.commit);
            // A version that nobody tagged may be that of another commit.
            let named = !body.reference.is_empty() && !body.commit.starts_with(&body.reference);
            let reference = Some(body.reference.as_str()).filter(|_| named);
            let name = body.tag.as_deref().or(reference).or(body.version.as_deref()).unwrap_or_default();
            let back = if body.rollback { "back " } else { "" };
            let name = if name.is_empty() || body.commit.starts_with(name) {
                short.to_owned()
            } else {
                format!("{name} ({short})")
            };
            (EntryKind::Released, format!("{} is {back}on {name}", body.environment))
        }
        Body::MergeOwed(body) => {
            let text = format!("{} is still to be merged back into {}", body.tag, body.into);
            (EntryKind::PassedOver, with_reason(text, &body.why))
        }
        Body::MergePaid(body) => {
            let text = format!("{} has {}", body.into, body.tag);
            (EntryKind::PlanDone, with_reason(text, &body.why))
        }
        Body::ReleaseJudged(body) => {
            let (kind, word) = match body.verdict {
                WatchVerdict::Passed => (EntryKind::AlarmCleared, "passed its watch"),
                WatchVerdict::Failed => (EntryKind::AlarmRaised, "failed its watch"),
                WatchVerdict::Unknown => (EntryKind::AlarmUnknown, "could not be judged"),
            };
            let short = body.commit.get(..7).unwrap_or(&body.commit);
            if body.clears() {
                let text = format!("{short} was not at fault in {}", body.environment);
                return Some((EntryKind::PassedOver, with_reason(text, &body.why)));
            }
            if body.plan.is_empty() && body.verdict == WatchVerdict::Passed {
                return Some((kind, format!("{short} in {} is good: {}", body.environment, body.why)));
            }
            // What a person writes is theirs, whole.
            let why = if body.plan.is_empty() { &body.why } else { finding(&body.why) };
            (kind, with_reason(format!("{short} on {} {word}", body.environment), why))
        }
        _ => return None,
    };
    Some(line)
}

/// What somebody decided about a plan. The reason for passing a step over stands where that is
/// done.
fn decided(fold: &Fold, plan: &str, step: usize, decision: &Decision) -> (EntryKind, String) {
    let title = fold.plan(plan).map_or(plan, |plan| &plan.title);
    let step = step_title(fold, plan, step);
    match decision {
        Decision::Resume => (EntryKind::PlanStarted, format!("{title}: continue with {step}")),
        Decision::Retry => (EntryKind::PlanStarted, format!("{title}: retry {step}")),
        Decision::Skip { .. } => (EntryKind::PassedOver, format!("{title}: continue without {step}")),
        Decision::Undo { to } => {
            let titles = fold.plan(plan).into_iter().flat_map(|plan| &plan.steps).take(*to + 1);
            let text = match share_before(titles.map(|step| step.title.as_str())) {
                Some(left) => format!("{title}: undo, {left}"),
                None => format!("{title}: undo back to {}", step_title(fold, plan, *to)),
            };
            (EntryKind::Stopped, text)
        }
        Decision::Review { approve, comment, .. } => {
            let word = if *approve { "approved" } else { "rejected" };
            let kind = if *approve { EntryKind::Approval } else { EntryKind::Rejection };
            (kind, with_reason(format!("{word} {step} in the pipeline"), comment))
        }
        Decision::GiveUp => (EntryKind::Stopped, format!("{title}: abandon it")),
    }
}

fn step_title<'a>(fold: &'a Fold, plan: &'a str, step: usize) -> &'a str {
    fold.plan(plan).and_then(|plan| plan.steps.get(step)).map_or(plan, |step| &step.title)
}
