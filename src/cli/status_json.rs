//! `status --json`: the situation in the fixed form that scripts read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::situation::{Item, ProbeState, Situation};
use super::{rollback, status_approvals, status_clocks, status_hotfix, status_messages, status_you};
use crate::incident::{
    CheckState, Entry, Hash, IncidentId, Outcome, PlanRun, Policy, Proposal, RecordId, Release, Run, State,
    StepRun, Waits,
};
use crate::plan::gates::void;
use crate::plan::proposal;

/// The whole document. The order of fields is that of the contract.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    incident: Incident<'a>,
    next: Vec<Next<'a>>,
    clocks: Vec<Clock<'a>>,
    roles: BTreeMap<&'a str, &'a str>,
    /// Who asks; empty: nobody knows.
    me: &'a str,
    /// What waits for them, and how it is done.
    waiting_for_me: Vec<status_you::Waits>,
    approvals: Vec<status_approvals::Approval<'a>>,
    checklist: Vec<Check<'a>>,
    hotfix: Option<status_hotfix::Hotfix<'a>>,
    /// Its pull request; `null`: none, or nobody could ask.
    pull: Option<status_hotfix::PullRequest<'a>>,
    health: Vec<Probe<'a>>,
    runs: Vec<RunLine<'a>>,
    plans: Vec<Plan<'a>>,
    releases: Vec<Released<'a>>,
    rollback: Vec<rollback::Json<'a>>,
    merges_back: Vec<MergeBack<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Lines<'a>>,
    messages: Vec<status_messages::Message<'a>>,
    clocks_off: Vec<status_clocks::ClockOff<'a>>,
    journal: Journal,
}

#[derive(Debug, Serialize)]
struct Incident<'a> {
    id: &'a str,
    uuid: IncidentId,
    title: &'a str,
    severity: &'static str,
    /// What the team calls it.
    severity_name: &'a str,
    service: &'a str,
    status: &'static str,
    conflict: bool,
    phase: &'static str,
    /// What the team calls it.
    phase_name: &'a str,
    impact: &'a str,
    cause: &'a str,
    /// Why it was decided that no hotfix is needed; `null`: it was not.
    no_hotfix: Option<&'a str>,
    started_at: Timestamp,
    declared_at: Timestamp,
    mitigated_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    elapsed_s: i64,
}

#[derive(Debug, Serialize)]
struct MergeBack<'a> {
    tag: &'a str,
    into: &'a str,
    commit: &'a str,
    why: &'a str,
    owed: bool,
}

fn merge_back(merge: &crate::incident::MergeBack) -> MergeBack<'_> {
    MergeBack {
        tag: &merge.tag,
        into: &merge.into,
        commit: &merge.commit,
        why: &merge.why,
        owed: merge.is_open(),
    }
}

#[derive(Debug, Serialize)]
struct Next<'a> {
    action: &'static str,
    argument: &'a str,
    title: &'a str,
    key: Option<String>,
    due_at: Option<Timestamp>,
    overdue: bool,
}

#[derive(Debug, Serialize)]
struct Released<'a> {
    environment: &'a str,
    commit: &'a str,
    reference: &'a str,
    tag: Option<&'a str>,
    version: Option<&'a str>,
    plan: Option<&'a str>,
    rollback: bool,
    at: Timestamp,
    by: &'a str,
    verdict: Option<&'static str>,
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct Clock<'a> {
    id: &'a str,
    title: &'a str,
    due_at: Timestamp,
    met_at: Option<Timestamp>,
    /// How many rounds before this one were late or left out.
    missed: usize,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct Check<'a> {
    id: &'a str,
    title: &'a str,
    state: &'static str,
    by: Option<&'a str>,
    at: Option<Timestamp>,
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    assigned: &'a str,
}

#[derive(Debug, Serialize)]
struct Probe<'a> {
    name: &'a str,
    state: &'static str,
    value: Option<f64>,
    unit: Option<&'a str>,
    limit: Option<&'a str>,
    at: Option<Timestamp>,
    why: &'a str,
    /// The release since which its metric is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    gone_since: Option<&'a str>,
    /// Whether it was asked once, and nobody looked at it in the minutes before.
    from_one_sample: bool,
}

#[derive(Debug, Serialize)]
struct RunLine<'a> {
    id: &'a str,
    title: &'a str,
    state: &'static str,
    code: Option<i32>,
    signal: Option<i32>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    summary: &'a str,
    /// The process of its command.
    pid: Option<u32>,
    /// What that waits for: since when, what it asks, and when it is stopped.
    waits: Option<&'a Waits>,
}

#[derive(Debug, Serialize)]
struct Plan<'a> {
    id: &'a str,
    title: &'a str,
    purpose: &'a str,
    target: &'a str,
    state: &'static str,
    why: &'a str,
    /// What has moved since it was proposed: it can no longer start.
    moved: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_assistant: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Debug, Serialize)]
struct Step<'a> {
    title: &'a str,
    state: &'static str,
    run: Option<&'a str>,
    /// What it waits for.
    waiting: Option<&'a str>,
    /// Why it was passed over.
    skipped: Option<&'a str>,
}

/// The timeline, line by line: there may be a million.
#[derive(Debug)]
struct Lines<'a>(&'a Situation);

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Situation { state, policy, now, .. } = self.0;
        serializer.collect_seq(state.timeline.iter().map(|entry| timeline_line(state, policy, *now, entry)))
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    id: RecordId,
    at: Timestamp,
    recorded_at: Timestamp,
    kind: &'a str,
    text: Cow<'a, str>,
    author: &'a str,
    retracted: bool,
    pinned: bool,
    /// Of an approval: whether it counts for the plan it was given for.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<bool>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct Journal {
    records: usize,
    head: Hash,
    shared: &'static str,
    unsent: usize,
}

/// The situation as the document that `status --json` prints. `key` names the key that
/// does an action, with its argument, if one does.
pub(crate) fn json<'a>(situation: &'a Situation, key: &dyn Fn(&str, &str) -> Option<String>) -> Document<'a> {
    let state = &situation.state;
    let waiting = proposal::waiting(state).map(|waits| proposed(situation, waits));
    Document {
        incident: incident(situation),
        next: situation
            .next
            .iter()
            .map(|next| Next {
                action: next.action,
                argument: &next.argument,
                title: &next.title,
                key: key(next.action, &next.argument),
                due_at: next.due_at,
                overdue: next.overdue,
            })
            .collect(),
        clocks: situation
            .clocks
            .iter()
            .map(|clock| Clock {
                id: &clock.id,
                title: &clock.title,
                due_at: clock.due_at,
                met_at: clock.met_at,
                missed: clock.missed,
                state: clock.state.name(),
            })
            .collect(),
        roles: roles(situation),
        me: &situation.me,
        waiting_for_me: status_you::waits(situation),
        approvals: status_approvals::json(situation),
        checklist: situation.checklist.iter().map(check).collect(),
        hotfix: situation
            .hotfix
            .as_ref()
            .map(|branch| status_hotfix::json(&situation.settings, branch, situation.outlook.as_ref())),
        pull: status_hotfix::pull_json(situation),
        health: situation.health.iter().map(probe).collect(),
        runs: state.runs().map(|(_, run)| run_line(run)).collect(),
        plans: state.plans.iter().map(plan).chain(waiting).collect(),
        releases: situation.releases.iter().map(released).collect(),
        rollback: situation.ways().iter().map(rollback::json).collect(),
        merges_back: state.merges_back.iter().map(merge_back).collect(),
        timeline: Some(Lines(situation)),
        messages: state.messages.iter().map(|one| status_messages::json(state, one, situation.now)).collect(),
        clocks_off: state.clocks_off.iter().map(status_clocks::json).collect(),
        journal: Journal {
            records: state.records,
            head: state.head,
            shared: match &situation.shared {
                None => "off",
                Some(with) if with.unsent == 0 => "in-sync",
                Some(_) => "behind",
            },
            unsent: situation.shared.as_ref().map_or(0, |with| with.unsent),
        },
    }
}

impl Document<'_> {
    /// The same without the timeline.
    pub(crate) fn without_timeline(self) -> Self {
        Self { timeline: None, ..self }
    }
}

/// A line of the timeline as the document has it.
pub(crate) fn timeline_line<'a>(
    state: &State,
    policy: &Policy,
    now: Timestamp,
    entry: Entry<'a>,
) -> Line<'a> {
    let counts = (entry.name == "approved").then(|| void(state, policy, entry.id, now).map_or(Ok(()), Err));
    let text = policy.in_our_words(entry.kind, entry.text);
    line(entry, text, counts)
}

fn incident(situation: &Situation) -> Incident<'_> {
    let state = &situation.state;
    Incident {
        id: &state.number,
        uuid: state.id,
        title: &state.title,
        severity: state.severity.name(),
        severity_name: situation.policy.severity_name(state.severity),
        service: &state.service,
        status: state.status.name(),
        conflict: state.in_conflict(),
        phase: state.phase.name(),
        phase_name: situation.policy.phase_name(state.phase),
        impact: &state.impact,
        cause: &state.cause,
        no_hotfix: state.no_hotfix.as_ref().map(|(_, why)| why.as_str()),
        started_at: state.started_at,
        declared_at: state.declared_at,
        mitigated_at: state.mitigated_at,
        resolved_at: state.resolved_at,
        elapsed_s: state.elapsed(situation.now).as_secs(),
    }
}

/// Every role of the policy, unfilled ones empty, and what else was taken.
fn roles(situation: &Situation) -> BTreeMap<&str, &str> {
    let known = situation.policy.roles.iter().map(|role| (role.id.as_str(), ""));
    let taken = situation.state.roles.iter().map(|(role, person)| (role.as_str(), person.as_str()));
    known.chain(taken).collect()
}

fn check(item: &Item) -> Check<'_> {
    let tick = item.tick.as_ref();
    Check {
        id: &item.id,
        title: &item.title,
        state: tick.map_or(CheckState::Open, |tick| tick.state).name(),
        by: tick.map(|tick| tick.by.as_str()),
        at: tick.map(|tick| tick.at),
        note: tick.map(|tick| tick.note.as_str()).filter(|note| !note.is_empty()),
        assigned: &item.assigned,
    }
}

fn probe(probe: &ProbeState) -> Probe<'_> {
    Probe {
        name: &probe.name,
        state: probe.state.name(),
        value: probe.value.filter(|value| value.is_finite()),
        unit: Some(probe.unit.as_str()).filter(|unit| !unit.is_empty()),
        limit: probe.limit.as_deref(),
        at: probe.at,
        why: &probe.why,
        gone_since: probe.gone_since.as_deref(),
        from_one_sample: probe.from_one_sample,
    }
}

fn run_line(run: &Run) -> RunLine<'_> {
    let (code, signal) = match run.outcome {
        Some(Outcome::Exited { code }) => (Some(code), None),
        Some(Outcome::Signalled { signal }) => (None, Some(signal)),
        _ => (None, None),
    };
    RunLine {
        id: &run.id,
        title: &run.title,
        state: run.state_name(),
        code,
        signal,
        started_at: run.started_at,
        ended_at: run.ended_at,
        summary: &run.summary,
        pid: run.process.as_ref().map(|process| process.pid),
        waits: run.waits.as_ref(),
    }
}

fn plan(plan: &PlanRun) -> Plan<'_> {
    Plan {
        id: &plan.id,
        title: &plan.title,
        purpose: &plan.purpose,
        target: &plan.target,
        state: plan.state.name(),
        why: &plan.why,
        moved: None,
        by_assistant: false,
        steps: plan.steps.iter().map(step).collect(),
    }
}

/// A plan that waits for approval.
fn proposed<'a>(situation: &'a Situation, proposal: &'a Proposal) -> Plan<'a> {
    Plan {
        id: &proposal.id,
        title: &proposal.title,
        purpose: &proposal.purpose,
        target: &proposal.target,
        state: "waiting",
        why: "for approval",
        moved: situation.moved(&proposal.id).map(|moved| moved.why.as_str()),
        by_assistant: proposal.by_assistant,
        steps: proposal
            .steps
            .iter()
            .map(|title| Step { title, state: "open", run: None, waiting: None, skipped: None })
            .collect(),
    }
}

/// A step and how far it came.
fn step(step: &StepRun) -> Step<'_> {
    Step {
        title: &step.title,
        state: step.state().name(),
        run: step.run.as_ref().map(|run| run.id.as_str()),
        waiting: step.waiting.as_ref().map(|(_, why)| why.as_str()),
        skipped: step.skipped.as_ref().map(|(_, _, reason)| reason.as_str()),
    }
}

fn released(release: &Release) -> Released<'_> {
    let verdict = release.verdict.as_ref();
    Released {
        environment: &release.environment,
        commit: &release.commit,
        reference: &release.reference,
        tag: release.tag.as_deref(),
        version: release.version.as_deref(),
        plan: Some(release.plan.as_str()).filter(|plan| !plan.is_empty()),
        rollback: release.rollback,
        at: release.at,
        by: &release.by,
        verdict: verdict.map(|(_, verdict, _)| verdict.name()),
        why: verdict.map_or("", |(_, _, why)| why),
    }
}

/// `counts` is of an approval: whether it does, or why not.
fn line<'a>(entry: Entry<'a>, text: Cow<'a, str>, counts: Option<Result<(), String>>) -> Line<'a> {
    Line {
        id: entry.id,
        at: entry.at,
        recorded_at: entry.recorded_at,
        kind: entry.name,
        text,
        author: entry.by(),
        retracted: entry.retracted.is_some(),
        pinned: entry.pinned,
        counts: counts.as_ref().map(Result::is_ok),
        why: counts.and_then(Result::err),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::situation;
    use super::*;
    use serde_json::{Value, json};

    fn document() -> Value {
        let situation = situation();
        serde_json::to_value(json(&situation, &|_, _| Some("d s".to_owned()))).unwrap()
    }

    #[test]
    fn every_field_of_the_contract_is_there() {
        let document = document();
        let has = |value: &Value, fields: &[&str]| {
            for field in fields {
                assert!(value.get(field).is_some(), "{field} in {value}");
            }
        };
        has(&document["incident"], &["id", "title", "severity", "service", "phase", "impact", "cause"]);
        has(
            &document["incident"],
            &["started_at", "declared_at", "mitigated_at", "resolved_at", "elapsed_s"],
        );
        has(&document["next"][0], &["action", "title", "key", "due_at", "overdue"]);
        has(&document["clocks"][0], &["id", "title", "due_at", "state"]);
        has(&document["roles"], &["commander", "on-call"]);
        has(&document["checklist"][0], &["id", "title", "state", "by", "at", "note"]);
        has(&document["hotfix"], &["flow", "branch", "base", "head", "ahead", "behind", "pushed", "clean"]);
        has(&document["hotfix"], &["commits", "files", "insertions", "deletions", "version"]);
        has(&document["hotfix"], &["tests_touched", "forecast"]);
        has(&document["health"][0], &["name", "state", "value", "unit", "limit", "at"]);
        has(&document["runs"][0], &["id", "title", "state", "code", "signal", "started_at", "ended_at"]);
        has(&document["plans"][0], &["id", "title", "state", "steps"]);
        has(&document["timeline"][0], &["id", "at", "recorded_at", "kind", "text", "author", "retracted"]);
        has(&document["journal"], &["records", "head", "shared", "unsent"]);
        assert_eq!(document["approvals"], json!([]));
    }

    #[test]
    fn what_is_known_is_told_and_what_is_not_is_null() {
        let document = document();
        assert_eq!(document["incident"]["elapsed_s"], 420);
        assert_eq!(document["runs"][0]["state"], "exited");
        assert_eq!(document["runs"][0]["code"], 1);
        assert!(document["runs"][0]["signal"].is_null());
        assert_eq!(document["plans"][0]["steps"][0]["state"], "failed");
        assert_eq!(document["health"][1]["state"], "unknown");
        assert!(document["health"][1]["value"].is_null());
        assert_eq!(document["hotfix"]["pushed"], false);
        assert!(document["hotfix"]["forecast"].is_null(), "nobody looked");
        let gone = document["checklist"].as_array().unwrap().last().unwrap();
        assert_eq!((&gone["id"], &gone["state"]), (&json!("gone"), &json!("failed")));
        assert_eq!(document["checklist"][0]["state"], "open");
        assert!(document["checklist"][0]["by"].is_null());
    }

    #[test]
    fn a_plan_that_waits_says_what_for() {
        let mut situation = situation();
        let step = &mut situation.state.plans[0].steps[0];
        step.waiting = Some((situation.now, "no data from api".to_owned()));
        let document = serde_json::to_value(json(&situation, &|_, _| None)).unwrap();
        let step = &document["plans"][0]["steps"][0];
        assert_eq!((&step["state"], &step["waiting"]), (&json!("waiting"), &json!("no data from api")));
        assert!(step["skipped"].is_null());
    }
}
