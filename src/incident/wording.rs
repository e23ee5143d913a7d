//! The lines of the timeline: what each record says to a reader.

mod messages;
mod plans;
mod team;

use jiff::{SignedDuration, Timestamp};

use super::apply::Fold;
use super::body::{
    Alarm, Body, CheckState, Declared, Outcome, PlanEnd, PlanEnded, Proof, Proved, Resolved, StepEnded,
    Ticked,
};
use super::clocks::audience;
use super::record::{Precision, Record};
use super::state::{EntryKind, Run, Turned};
use super::time::duration;
use super::timeline::Entry;

/// Between what a watch found and the figures behind it, and between those.
pub const BESIDE: &str = " · ";

/// What a watch found, as people say it: without the figures behind it.
pub fn finding(why: &str) -> &str {
    why.split(BESIDE).next().unwrap_or(why)
}

impl Outcome {
    /// The last words of a run that ended so: of a watch what it found.
    pub fn found<'a>(&self, summary: &'a str) -> &'a str {
        if matches!(self, Self::Met | Self::NotMet { .. }) { finding(summary) } else { summary }
    }
}

impl Run {
    /// Its last words: of a watch what it found.
    pub fn found(&self) -> &str {
        self.outcome.as_ref().map_or(&self.summary, |outcome| outcome.found(&self.summary))
    }
}

/// What the line of an update says.
pub const UPDATED: &str = "sent stakeholders an update";

/// What a line about a role says where an offer of it is answered by nobody any more; who it was made to follows.
pub const OFFER_ENDS: &str = ", which ends the offer to ";

/// The time a record's line stands at. A declaration stands where it was made, and so does a correction of
/// when the fault began; that is in its text.
pub(super) fn shown_at(record: &Record) -> (Timestamp, Precision) {
    match record.body {
        Body::Declared(_) | Body::Began(_) => (record.written_at(), Precision::Exact),
        _ => (record.occurred_at, record.precision),
    }
}

/// How far apart what happens and its being written down are where both are now.
const NOW: SignedDuration = SignedDuration::from_secs(2);

/// Where a record's line stands among the others: when it happened. What was written down as it
/// happened, by a clock that lags behind records its author had seen, stands after those.
pub(super) fn place(record: &Record) -> Timestamp {
    let (at, _) = shown_at(record);
    let lags = record.clock_ms < record.at.wall_ms;
    if !lags || at.duration_since(record.written_at()).abs() >= NOW {
        return at;
    }
    // What it follows may have happened at any moment of that millisecond.
    let last = record.at.timestamp().checked_add(SignedDuration::from_nanos(999_999));
    at.max(last.unwrap_or(Timestamp::MAX))
}

/// The name of a record's kind as it is listed; of a note, what it is about.
pub(super) fn name(body: &Body) -> &str {
    match body {
        Body::Noted(noted) => noted.kind.name(),
        Body::Imported(imported) => imported.kind.name(),
        _ => body.kind(),
    }
}

/// The line of an entry whose text was corrected.
pub(super) fn corrected(entry: &Entry<'_>, text: &str) -> String {
    match entry.name {
        // Their wording around the text stays.
        "title" | "impact" | "cause" | "follow-up" => format!("{}: {text}", entry.name),
        "proposal" => format!("proposed: {text}"),
        "declared" | "task" => match entry.text.split_once(": ") {
            Some((opening, _)) => format!("{opening}: {text}"),
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// What a record says, given the state before it; `None` where it says nothing by itself.
pub(super) fn line(record: &Record, fold: &Fold) -> Option<(EntryKind, String)> {
    let line = match &record.body {
        Body::Declared(body) => (EntryKind::Declared, declared(record, body, fold)),
        Body::SeverityChanged(body) => {
            let (new, old) = (body.severity.name(), fold.state().severity.name());
            let text =
                if new == old { format!("severity {new}") } else { format!("severity {new}, was {old}") };
            (EntryKind::Severity, with_reason(text, &body.reason))
        }
        Body::PhaseEntered(body) => (EntryKind::Phase, format!("phase {}", body.phase.name())),
        Body::RoleTaken(body) if body.person.is_empty() => (
            EntryKind::Role,
            format!("{} is open{}", body.role, team::ended_offer(fold.state(), &body.role, "")),
        ),
        Body::RoleTaken(body) => {
            let ends = team::ended_offer(fold.state(), &body.role, &body.person);
            (EntryKind::Role, format!("{} is {}{ends}", body.person, body.role))
        }
        Body::Began(body) => (EntryKind::Described, began(record, &body.reason, fold)),
        Body::Titled(body) => (EntryKind::Described, format!("title: {}", body.text)),
        Body::ImpactDescribed(body) => (EntryKind::Described, format!("impact: {}", body.text)),
        Body::CauseDescribed(body) => (EntryKind::Described, format!("cause: {}", body.text)),
        Body::Noted(body) => (EntryKind::Note(body.kind), body.text.clone()),
        Body::Paged(body) => (EntryKind::Paged, with_note(format!("paged {}", body.who), &body.how)),
        Body::Told(body) => {
            let by = if body.by.is_empty() { String::new() } else { format!("{} ", body.by) };
            let did = match body.audience.as_str() {
                audience::UPDATE => UPDATED.to_owned(),
                who => format!("told {who}"),
            };
            (EntryKind::Told, with_note(format!("{by}{did}"), &body.how))
        }
        Body::Ticked(body) => (EntryKind::Check(body.state), ticked(body)),
        Body::Alarm(body) => alarm(body)?,
        Body::PlanStarted(body) => (EntryKind::PlanStarted, body.title.clone()),
        Body::PlanProposed(_)
        | Body::PlanResumed(_)
        | Body::PlanAsked(_)
        | Body::StepWaiting(_)
        | Body::RunWaiting(_)
        | Body::PipelineSeen(_)
        | Body::CommitLearned(_)
        | Body::DeploymentReported(_)
        | Body::StepSkipped(_)
        | Body::Approved(_)
        | Body::Rejected(_)
        | Body::GatePassedOver(_)
        | Body::LeaseTaken(_)
        | Body::Released(_)
        | Body::MergeOwed(_)
        | Body::MergePaid(_)
        | Body::ReleaseJudged(_) => plans::line(record, fold)?,
        Body::StepEnded(body) => step_ended(body, fold)?,
        Body::StopAsked(body) => {
            let how = if body.kill { "kill" } else { "stop" };
            (EntryKind::Stopped, format!("asked to {how} {}", fold.run_title(&body.run)))
        }
        Body::Signalled(body) => {
            (EntryKind::Stopped, format!("{} sent to {}", body.signal, fold.run_title(&body.run)))
        }
        Body::Proved(body) => proved(body, fold)?,
        Body::PlanEnded(body) => plan_ended(body, record, fold),
        Body::Mitigated(_) => (EntryKind::Resolved, "mitigated: users are served again".to_owned()),
        Body::Resolved(body) => (EntryKind::Resolved, resolved(body)),
        Body::Reopened(body) => (EntryKind::Reopened, with_reason("reopened".to_owned(), &body.reason)),
        Body::Closed(_) => (EntryKind::Resolved, "closed".to_owned()),
        Body::ReportSaved(body) => (EntryKind::Report, format!("saved the report as {}", body.file)),
        Body::Snoozed(_)
        | Body::HandoffOffered(_)
        | Body::HandoffAccepted(_)
        | Body::HandoffDeclined(_)
        | Body::ItemAssigned(_)
        | Body::CulpritJudged(_)
        | Body::TaskGiven(_)
        | Body::TaskEnded(_)
        | Body::Proposed(_)
        | Body::Objected(_)
        | Body::Decided(_)
        | Body::FollowUpAdded(_)
        | Body::FollowUpChanged(_)
        | Body::FollowUpEnded(_)
        | Body::FollowUpLinked(_)
        | Body::Reviewed(_)
        | Body::Joined(_)
        | Body::Imported(_) => team::line(record, fold)?,
        Body::Delivered(body) => messages::line(body, fold)?,
        Body::PageFollowed(body) => messages::followed(body, fold)?,
        Body::Suggested(body) => (EntryKind::Note(body.kind), messages::suggested(body)),
        Body::Unknown(body) => (
            EntryKind::Unknown,
            format!("a record of kind “{}”, which this version does not know", body.kind),
        ),
        Body::StepStarted(_)
        | Body::SignalsKept(_)
        | Body::LiveFound(_)
        | Body::Messaged(_)
        | Body::Amended(_)
        | Body::Retracted(_)
        | Body::Pinned(_) => return None,
    };
    Some(line)
}

fn declared(record: &Record, body: &Declared, fold: &Fold) -> String {
    let again = if fold.is_first(record.id) { "" } else { " again" };
    let declared_at = record.written_at();
    let before = declared_at.duration_since(record.occurred_at);
    let since = if before < SignedDuration::from_mins(1) {
        String::new()
    } else {
        let about = match record.precision {
            Precision::Exact => "",
            Precision::About => "about ",
            Precision::Before => "before ",
        };
        let at = in_words(record.occurred_at, before);
        format!(", failing since {about}{at} ({} before)", duration(before))
    };
    format!("declared{again} {}{since}: {}", body.severity.name(), body.title)
}

/// A time inside of a line, which names its zone: whoever shows the line in another one finds it by that. With its
/// day where it is further from the line's own time than one.
fn in_words(at: Timestamp, away: SignedDuration) -> String {
    let format = if away < SignedDuration::from_hours(24) { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    at.strftime(format).to_string()
}

fn began(record: &Record, reason: &str, fold: &Fold) -> String {
    let before = fold.state().started_at;
    let far = record.written_at().duration_since(record.occurred_at.min(before));
    let (now, before) = (in_words(record.occurred_at, far), in_words(before, far));
    with_reason(format!("began {now}, corrected from {before}"), reason)
}

/// What was open stands behind the reason: whoever reads one line has that.
fn resolved(body: &Resolved) -> String {
    let text = with_reason("resolved".to_owned(), &body.reason);
    let open = body.open.join("; ");
    if open.is_empty() { text } else { format!("{text} (open then: {open})") }
}

fn ticked(body: &Ticked) -> String {
    let title = if body.title.is_empty() { &body.item } else { &body.title };
    let word = match body.state {
        CheckState::Open => "opened again",
        CheckState::Na => "not applicable",
        state => state.name(),
    };
    let note = if body.note.trim().is_empty() { unreasoned(body.state) } else { &body.note };
    // The result first: "no new errors in the logs passed" is a riddle.
    with_note(format!("{word}: {title}"), note)
}

/// What stands in place of the note where a result needs a reason and has none.
pub(super) fn unreasoned(state: CheckState) -> &'static str {
    match state {
        CheckState::Failed | CheckState::Na => "no reason given",
        CheckState::Open | CheckState::Passed => "",
    }
}

/// Only states that lasted are worth a line, not those on the way from one to another.
fn alarm(body: &Alarm) -> Option<(EntryKind, String)> {
    let kind = Turned::of(&body.to)?.kind();
    let text = match (kind, body.from.as_str()) {
        (EntryKind::AlarmCleared, "unknown" | "") => format!("{} is ok", body.probe),
        (EntryKind::AlarmCleared, _) => format!("{} is ok again", body.probe),
        (EntryKind::AlarmUnknown, _) => format!("{}: no data", body.probe),
        _ => format!("{} {}", body.probe, body.to),
    };
    Some((kind, with_reason(text, &body.why)))
}

fn step_ended(body: &StepEnded, fold: &Fold) -> Option<(EntryKind, String)> {
    let plan = fold.plan(&body.plan);
    let step = plan.and_then(|plan| plan.steps.get(body.step));
    let title = step.map_or(body.run.as_str(), |step| &step.title);
    let undo = step.and_then(|step| step.undo.as_ref()).is_some_and(|undo| undo.id == body.run);
    let title = if undo { format!("undoing {title}") } else { title.to_owned() };
    let mut text = outcome(&body.outcome, &body.summary);
    if !body.survivors.is_empty() {
        let alive = format!("{}: pid {}", body.survivors_are(), body.survivors.join(", "));
        if body.outcome.succeeded() {
            return Some((EntryKind::PlanDone, format!("{title}: {alive}")));
        }
        text = format!("{text}; {alive}");
    } else if undo && body.outcome.succeeded() {
        // What is still to be proven is told once it is.
        return (!body.unproven).then(|| (EntryKind::PlanDone, format!("{title}: done")));
    } else if body.outcome.succeeded() || (!undo && plan.is_some_and(|plan| plan.steps.len() == 1)) {
        // The end of the plan says it all.
        return None;
    }
    Some((EntryKind::StepFailed, format!("{title}: {text}")))
}

fn outcome(outcome: &Outcome, summary: &str) -> String {
    let text = match outcome {
        Outcome::Exited { code } => format!("exit code {code}"),
        Outcome::Signalled { signal } => format!("killed by signal {signal}"),
        Outcome::DidNotStart { why } => return with_reason("did not start".to_owned(), why),
        Outcome::Unknown { why } => return with_reason("outcome unknown".to_owned(), why),
        Outcome::Met => "done".to_owned(),
        Outcome::NotMet { why } | Outcome::Failed { why } => return why.clone(),
        Outcome::Interrupted { why } => return with_reason("interrupted".to_owned(), why),
    };
    with_reason(text, summary)
}

fn proved(body: &Proved, fold: &Fold) -> Option<(EntryKind, String)> {
    let plan = fold.plan(&body.plan);
    let step = plan.and_then(|plan| plan.steps.get(body.step));
    let title = step.map_or(body.plan.as_str(), |step| step.title.as_str());
    let run = step.and_then(|step| step.run.as_ref());
    // A command that ended well, and the world agrees: no news where it was the only step.
    let agreed = run.and_then(|run| run.outcome.as_ref()).is_some_and(Outcome::succeeded);
    let (kind, found) = match (body.proof, body.undo) {
        (Proof::Done, false) if agreed && plan.is_some_and(|plan| plan.steps.len() == 1) => return None,
        // A step that is called like its plan must not read as if all of it were done.
        (Proof::Done, false) if agreed && plan.is_some_and(|plan| plan.title == title) => {
            let steps = plan.map_or(0, |plan| plan.steps.len());
            let text = format!("{title}: step {} of {steps} done, proven", body.step + 1);
            return Some((EntryKind::PlanDone, text));
        }
        // The title says what was done; what the proof printed is kept with the step.
        (Proof::Done, false) if agreed => {
            return Some((EntryKind::PlanDone, format!("{title}: done, proven")));
        }
        (Proof::Done, false) => (EntryKind::PlanDone, "found to be done"),
        (Proof::Done, true) => (EntryKind::PlanDone, "undone"),
        (Proof::NotDone, false) => (EntryKind::PlanFailed, "found not to be done"),
        (Proof::NotDone, true) => (EntryKind::PlanFailed, "found not to be undone"),
        (Proof::Unknown, false) => (EntryKind::PlanUnknown, "could not find out whether it is done"),
        (Proof::Unknown, true) => (EntryKind::PlanUnknown, "could not find out whether it is undone"),
    };
    Some((kind, with_reason(format!("{title}: {found}"), &body.why)))
}

fn plan_ended(body: &PlanEnded, record: &Record, fold: &Fold) -> (EntryKind, String) {
    let plan = fold.plan(&body.plan);
    let title = plan.map_or(body.plan.as_str(), |plan| &plan.title);
    let at = record.occurred_at;
    let took = plan.map(|plan| record.took.unwrap_or(at.duration_since(plan.started_at)));
    // Less than a second is no time.
    let took = took.filter(|took| took.as_secs() > 0);
    let took = took.map(|took| format!(" in {}", duration(took))).unwrap_or_default();
    let last_run: Option<&Run> = plan.and_then(|plan| plan.steps.iter().rev().find_map(|s| s.run.as_ref()));
    let last = last_run.and_then(|run| run.outcome.as_ref().map(|o| (o, run.summary.as_str())));
    // A plan of one step says how that step ended; of several, each failure had its line.
    let why = match last {
        Some((end, summary)) if plan.is_some_and(|plan| plan.steps.len() == 1) && !end.succeeded() => {
            outcome(end, summary)
        }
        _ => body.why.clone(),
    };
    match body.end {
        PlanEnd::Done => {
            let found = plan.filter(|plan| plan.finds()).and(last).map(|(_, summary)| summary);
            // That it is done is said already.
            let found = found.filter(|summary| *summary != "done").map(finding).unwrap_or_default();
            (EntryKind::PlanDone, with_reason(format!("{}{took}", done(title)), found))
        }
        PlanEnd::Failed => (EntryKind::PlanFailed, with_reason(format!("{title} failed"), &why)),
        PlanEnd::Cancelled => (EntryKind::Stopped, with_reason(format!("{title} stopped"), &why)),
        PlanEnd::Unknown => {
            (EntryKind::PlanUnknown, with_reason(format!("{title}: outcome unknown"), &body.why))
        }
    }
}

/// What was done, from the title that said what to do: `deployed main to staging`.
fn done(title: &str) -> String {
    const VERBS: &[(&str, &str)] = &[
        ("abandon", "abandoned"),
        ("bump", "bumped"),
        ("check", "checked"),
        ("deploy", "deployed"),
        ("fetch", "fetched"),
        ("find", "found"),
        ("finish", "finished"),
        ("merge", "merged"),
        ("open", "opened"),
        ("push", "pushed"),
        ("revert", "reverted"),
        ("roll", "rolled"),
        ("run", "ran"),
        ("smoke-test", "smoke-tested"),
        ("start", "started"),
        ("switch", "switched"),
        ("take", "took"),
        ("test", "tested"),
        ("turn", "turned"),
        ("watch", "watched"),
    ];
    let (first, rest) = title.split_once(' ').unwrap_or((title, ""));
    match VERBS.iter().find(|(verb, _)| *verb == first) {
        Some((_, past)) if !rest.is_empty() => format!("{past} {rest}"),
        _ => format!("{title} done"),
    }
}

fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}: {reason}") }
}

fn with_note(text: String, note: &str) -> String {
    if note.is_empty() { text } else { format!("{text} ({note})") }
}

/// What a decision begins with that rules out putting production back.
pub const NO_ROLLBACK: &str = "no rollback";

/// The decision about what needs no hotfix.
pub const FILED: &str = "filed in the backlog: it waits for the next regular release";

/// What a decision begins with that there will be no hotfix.
pub const NO_HOTFIX: &str = "no hotfix";

/// Why a decision rules out a hotfix: `no hotfix: it is the provider's outage`; `None`: it does not.
pub(super) fn rules_out_hotfix(text: &str) -> Option<&str> {
    rules_out(text, NO_HOTFIX)
}

/// Tells whether a decision rules out putting production back: `no rollback: the schema moved on`. “No rollback
/// yet” does not.
pub(super) fn rules_out_rollback(text: &str) -> bool {
    rules_out(text, NO_ROLLBACK).is_some()
}

/// The reason with which a decision rules something out.
fn rules_out<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    let (start, rest) = text.trim_start().split_at_checked(what.len())?;
    let rest = Some(rest.trim()).filter(|_| start.eq_ignore_ascii_case(what))?;
    let after = |mark: &str| rest.strip_prefix(mark).map(str::trim_start);
    let reasoned = || {
        let words = ["because", "since", "as "];
        let begins =
            |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        words.iter().any(|word| begins(word)).then_some(rest)
    };
    [":", ",", "-", "–", "("].into_iter().find_map(after).or_else(reasoned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_decision_that_says_so_and_why_rules_out_a_rollback() {
        for text in [
            "no rollback: the schema moved on",
            "No rollback, because the schema moved on",
            "no rollback because it loses orders",
        ] {
            assert!(rules_out_rollback(text), "{text}");
        }
        for text in [
            "omar reads the logs of the bank",
            "no rollback yet",
            "no rollback",
            "no rollbacks: they work",
            "no rollback for staging",
            "we roll back",
            "nö",
        ] {
            assert!(!rules_out_rollback(text), "{text}");
        }
    }
}
