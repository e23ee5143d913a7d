//! What records of plans, approvals and releases do to the state.

use jiff::{SignedDuration, Timestamp};

use super::super::body::{
    Approved, Body, CommitLearned, DeploymentReported, GatePassedOver, MergeOwed, MergePaid, Phase,
    PipelineSeen, PlanEnd, PlanEnded, PlanProposed, PlanResumed, PlanStarted, Proved, Rejected,
    ReleaseJudged, Released, RunWaiting, Signalled, StepEnded, StepSkipped, StepStarted, StepWaiting,
    StopAsked, WatchVerdict,
};
use super::super::record::{Author, Record};
use super::super::state::{
    MergeBack, PassedOver, PlanRun, PlanState, Proposal, Release, Remote, Run, State, StepRun, Trial, Vote,
    same_person,
};
use super::Fold;

impl Fold {
    /// Tells whether a record says how a plan goes on, and is not from where it is carried out. What others want of
    /// a plan they ask for.
    pub(super) fn is_hearsay(&self, record: &Record) -> bool {
        let of_run = |run: &str| self.runs.get(run).map(|&(plan, _)| &self.state.plans[plan]);
        let plan = match &record.body {
            Body::PlanResumed(PlanResumed { plan, .. })
            | Body::StepStarted(StepStarted { plan, .. })
            | Body::StepEnded(StepEnded { plan, .. })
            | Body::StepWaiting(StepWaiting { plan, .. })
            | Body::StepSkipped(StepSkipped { plan, .. })
            | Body::CommitLearned(CommitLearned { plan, .. })
            | Body::DeploymentReported(DeploymentReported { plan, .. })
            | Body::Proved(Proved { plan, .. })
            | Body::PlanEnded(PlanEnded { plan, .. }) => self.plan(plan),
            Body::RunWaiting(RunWaiting { run, .. })
            | Body::PipelineSeen(PipelineSeen { run, .. })
            | Body::Signalled(Signalled { run, .. }) => of_run(run),
            _ => None,
        };
        plan.is_some_and(|plan| plan.node != record.author.node)
    }

    /// How much speaks for it that an installation gave a plan its id: the mark of the installation in it, or that the
    /// incident was declared there, where ids have none.
    fn claim(&self, id: &str, node: u64) -> u8 {
        let name = id.rsplit_once('-').map_or(id, |(name, _)| name);
        if name.ends_with(&format!("-{}", mark_of(node))) {
            2
        } else {
            u8::from(node == self.state.declared_at_node)
        }
    }

    /// Takes out a plan that has the id of another one.
    fn forget_plan(&mut self, place: usize) {
        self.state.plans.remove(place);
        self.plans.retain(|_, plan| *plan != place);
        self.runs.retain(|_, (plan, _)| *plan != place);
        let later = self.plans.values_mut().chain(self.runs.values_mut().map(|(plan, _)| plan));
        for plan in later.filter(|plan| **plan > place) {
            *plan -= 1;
        }
    }

    /// Notes whose run it is. One that has the id of its plan in front belongs to no other.
    fn enter_run(&mut self, run: &str, plan: usize, step: usize) {
        let rest = run.strip_prefix(self.state.plans[plan].id.as_str());
        let is_free = |fold: &Self| fold.runs.get(run).is_none_or(|(known, _)| *known == plan);
        if rest.is_some_and(|rest| rest.starts_with('.')) || is_free(self) {
            self.runs.insert(run.to_owned(), (plan, step));
        }
    }

    pub(super) fn plan_started(&mut self, body: &PlanStarted, by: &Author, at: Timestamp) {
        // Two machines apart can give one id to two plans: the one keeps it that it says it is of, else the first.
        if let Some(&known) = self.plans.get(&body.plan) {
            let node = self.state.plans[known].node;
            if self.claim(&body.plan, by.node) <= self.claim(&body.plan, node) {
                return;
            }
            self.forget_plan(known);
        }
        self.plans.insert(body.plan.clone(), self.state.plans.len());
        let step = |title: &String| StepRun {
            title: title.clone(),
            run: None,
            earlier: Vec::new(),
            proof: None,
            skipped: None,
            waiting: None,
            undo: None,
            undo_proof: None,
            learned: None,
        };
        self.state.plans.push(PlanRun {
            id: body.plan.clone(),
            title: body.title.clone(),
            purpose: body.purpose.clone(),
            target: body.target.clone(),
            hash: body.hash.clone(),
            by: by.name.clone(),
            node: by.node,
            started_at: at,
            ended_at: None,
            state: PlanState::Running,
            why: String::new(),
            steps: body.steps.iter().map(step).collect(),
            told_host: super::super::state::ToldHost::default(),
            spec: body.spec.clone(),
        });
        match body.purpose.as_str() {
            // A branch for the next fix, after one that was of no use: developing begins anew.
            "hotfix" if body.plan.starts_with("hotfix-") => self.move_to(Phase::Develop, at),
            "hotfix" => self.imply(Phase::Develop, at),
            "deploy" => self.imply(Phase::Deploy, at),
            // Going back is how one responds; a fix that is being deployed or verified is no further for it.
            "rollback" => self.imply(Phase::Respond, at),
            // So is turning off what may be at fault, from wherever that is done.
            "flag" if !body.title.ends_with(" on") => self.imply(Phase::Respond, at),
            _ => {}
        }
    }

    /// Taken up again: its end is not its end, and it waits for nobody.
    pub(super) fn plan_resumed(&mut self, body: &PlanResumed) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[plan];
        plan.state = PlanState::Running;
        plan.ended_at = None;
        plan.why.clear();
        for step in &mut plan.steps {
            step.waiting = None;
        }
    }

    pub(super) fn step_started(&mut self, body: &StepStarted, at: Timestamp) {
        let Some(&index) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[index];
        let Some(step) = plan.steps.get_mut(body.step) else { return };
        let slot = if body.undo { &mut step.undo } else { &mut step.run };
        match slot {
            // The same run again: now its process is known.
            Some(run) if run.id == body.run => {
                if body.process.is_some() {
                    run.process.clone_from(&body.process);
                }
            }
            slot => {
                let run = Run { process: body.process.clone(), ..new_run(&body.run, &step.title, at) };
                let before = slot.replace(run);
                step.earlier.extend(before);
                step.undo_proof = None;
                if !body.undo {
                    // What was said of the run before says nothing about this one.
                    step.proof = None;
                    step.skipped = None;
                    step.earlier.extend(step.undo.take());
                }
                step.waiting = None;
            }
        }
        plan.look_who_waits();
        self.enter_run(&body.run, index, body.step);
    }

    pub(super) fn step_ended(&mut self, body: &StepEnded, at: Timestamp, took: Option<SignedDuration>) {
        let Some(&index) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[index];
        let Some(step) = plan.steps.get_mut(body.step) else { return };
        let known = [&mut step.run, &mut step.undo].into_iter().flatten().find(|run| run.id == body.run);
        let run = match known {
            Some(run) => run,
            None => step.run.insert(new_run(&body.run, &step.title, at)),
        };
        run.ended_at = Some(end(run.started_at, at, took));
        run.outcome = Some(body.outcome.clone());
        run.summary.clone_from(&body.summary);
        run.tail.clone_from(&body.tail);
        run.unproven = body.unproven;
        run.waits = None;
        step.waiting = None;
        plan.look_who_waits();
        self.enter_run(&body.run, index, body.step);
    }

    pub(super) fn step_waiting(&mut self, body: &StepWaiting, at: Timestamp) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[plan];
        let Some(step) = plan.steps.get_mut(body.step) else { return };
        step.waiting = (!body.why.is_empty()).then(|| (at, body.why.clone()));
        plan.look_who_waits();
    }

    pub(super) fn run_waiting(&mut self, body: &RunWaiting) {
        if let Some(run) = self.run_mut(&body.run).filter(|run| run.outcome.is_none()) {
            run.waits.clone_from(&body.waits);
        }
    }

    pub(super) fn pipeline_seen(&mut self, body: &PipelineSeen, at: Timestamp) {
        if let Some(run) = self.run_mut(&body.run) {
            run.remote = Some(Remote {
                id: body.id.clone(),
                name: body.name.clone(),
                url: body.url.clone(),
                commit: body.commit.clone(),
                attempt: body.attempt,
                state: body.state,
                asks: body.asks,
                note: body.note.clone(),
                ids: body.ids.clone(),
                at,
            });
        }
    }

    pub(super) fn commit_learned(&mut self, body: &CommitLearned) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        if let Some(step) = self.state.plans[plan].steps.get_mut(body.step) {
            // What holds first holds.
            step.learned.get_or_insert_with(|| body.commit.clone());
        }
    }

    pub(super) fn deployment_reported(&mut self, body: &DeploymentReported) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        let told = &mut self.state.plans[plan].told_host;
        if !body.id.is_empty() {
            told.id.clone_from(&body.id);
        }
        if body.why.is_empty() {
            (told.state, told.failed) = (Some(body.state), None);
        } else {
            told.failed = Some((body.state, body.why.clone()));
        }
    }

    pub(super) fn step_skipped(&mut self, body: &StepSkipped, at: Timestamp) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[plan];
        if let Some(step) = plan.steps.get_mut(body.step) {
            step.skipped = Some((at, body.by.clone(), body.reason.clone()));
            step.waiting = None;
        }
        plan.look_who_waits();
    }

    pub(super) fn stop_asked(&mut self, body: &StopAsked, by: &str, at: Timestamp) {
        if let Some(run) = self.run_mut(&body.run) {
            run.stop_asked = Some((at, by.to_owned()));
        }
    }

    pub(super) fn signalled(&mut self, body: &Signalled, at: Timestamp) {
        if let Some(run) = self.run_mut(&body.run) {
            run.signals.push((at, body.signal.clone()));
        }
    }

    pub(super) fn proved(&mut self, body: &Proved, at: Timestamp) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        if let Some(step) = self.state.plans[plan].steps.get_mut(body.step) {
            let said = Some((at, body.proof, body.why.clone()));
            if body.undo {
                step.undo_proof = said;
            } else {
                step.proof = said;
            }
        }
    }

    pub(super) fn plan_ended(&mut self, body: &PlanEnded, at: Timestamp, took: Option<SignedDuration>) {
        let Some(&plan) = self.plans.get(&body.plan) else { return };
        let plan = &mut self.state.plans[plan];
        plan.state = PlanState::Ended(body.end);
        plan.ended_at = Some(end(plan.started_at, at, took));
        plan.why.clone_from(&body.why);
        for step in &mut plan.steps {
            step.waiting = None;
        }
        if body.end == PlanEnd::Done && plan.purpose == "deploy" && plan.is_production() {
            self.imply(Phase::Verify, at);
        }
    }

    pub(super) fn run_mut(&mut self, id: &str) -> Option<&mut Run> {
        let &(plan, step) = self.runs.get(id)?;
        let step = &mut self.state.plans[plan].steps[step];
        [&mut step.run, &mut step.undo].into_iter().flatten().find(|run| run.id == id)
    }
}

impl PlanRun {
    /// A plan that is under way waits as long as one of its steps does.
    fn look_who_waits(&mut self) {
        if self.state.is_under_way() {
            let waits = self.steps.iter().any(|step| step.waiting.is_some());
            self.state = if waits { PlanState::Waiting } else { PlanState::Running };
        }
    }
}

/// What ids of plans are marked with that an installation gives where the incident was declared on another one.
pub fn mark_of(node: u64) -> String {
    format!("{:04x}", node & 0xffff)
}

/// When something ended that began at `from`: as long after that as was measured. Where nobody
/// measured the clock counts, and it may have been set back meanwhile.
pub(in crate::incident) fn end(from: Timestamp, at: Timestamp, took: Option<SignedDuration>) -> Timestamp {
    took.and_then(|took| from.checked_add(took).ok()).unwrap_or_else(|| at.max(from))
}

fn new_run(id: &str, title: &str, at: Timestamp) -> Run {
    Run {
        id: id.to_owned(),
        title: title.to_owned(),
        started_at: at,
        ended_at: None,
        process: None,
        outcome: None,
        summary: String::new(),
        tail: Vec::new(),
        stop_asked: None,
        signals: Vec::new(),
        unproven: false,
        waits: None,
        remote: None,
    }
}

pub(super) fn proposal(body: &PlanProposed, by: &str, at: Timestamp) -> Proposal {
    Proposal {
        id: body.plan.clone(),
        title: body.title.clone(),
        purpose: body.purpose.clone(),
        target: body.target.clone(),
        hash: body.hash.clone(),
        by: by.to_owned(),
        at,
        steps: body.steps.clone(),
        spec: body.spec.clone(),
        by_vote: body.by_vote,
        by_assistant: body.by_assistant,
    }
}

/// Records of one time are in the order of the fold; a later one by the same person in the
/// same role for the same plan takes the place of the earlier one. Different people who
/// decide differently both stand.
pub(super) fn vote(state: &mut State, vote: Vote) {
    let same =
        |known: &Vote| known.role == vote.role && known.hash == vote.hash && same_person(&known.by, &vote.by);
    let given_anew = state.votes.extract_if(.., |known| same(known));
    state.earlier_votes.extend(given_anew);
    state.votes.push(vote);
    state.sign();
}

pub(super) fn approval(record: &Record, body: &Approved, latest: Timestamp) -> Vote {
    Vote {
        record: record.id,
        approves: true,
        role: body.role.clone(),
        by: body.by.clone(),
        written_by: record.author.name.clone(),
        verbal: body.verbal,
        how: body.how.clone(),
        plan: body.plan.clone(),
        hash: body.hash.clone(),
        title: body.title.clone(),
        at: record.occurred_at,
        latest,
        node: record.author.node,
        signed: true,
    }
}

pub(super) fn rejection(record: &Record, body: &Rejected, latest: Timestamp) -> Vote {
    Vote {
        record: record.id,
        approves: false,
        role: body.role.clone(),
        by: body.by.clone(),
        written_by: record.author.name.clone(),
        verbal: false,
        how: body.reason.clone(),
        plan: body.plan.clone(),
        hash: body.hash.clone(),
        title: body.title.clone(),
        at: record.occurred_at,
        latest,
        node: record.author.node,
        signed: true,
    }
}

pub(super) fn passed_over(body: &GatePassedOver, by: &str, at: Timestamp) -> PassedOver {
    PassedOver {
        plan: body.plan.clone(),
        hash: body.hash.clone(),
        gate: body.gate.clone(),
        missing: body.missing.clone(),
        reason: body.reason.clone(),
        by: by.to_owned(),
        at,
    }
}

pub(in crate::incident) fn release(body: &Released, by: &str, at: Timestamp) -> Release {
    Release {
        environment: body.environment.clone(),
        reference: body.reference.clone(),
        commit: body.commit.clone(),
        tag: body.tag.clone(),
        version: body.version.clone(),
        plan: body.plan.clone(),
        rollback: body.rollback,
        replaces: body.replaces.clone(),
        by: by.to_owned(),
        at,
        verdict: None,
        vouched: false,
    }
}

/// The merge of a commit into a branch, known or new.
fn merge_back<'a>(
    merges: &'a mut Vec<MergeBack>,
    commit: &str,
    tag: &str,
    into: &str,
) -> Option<&'a mut MergeBack> {
    if !merges.iter().any(|merge| merge.commit == commit && merge.into == into) {
        merges.push(MergeBack {
            commit: commit.to_owned(),
            tag: tag.to_owned(),
            into: into.to_owned(),
            why: String::new(),
            owed: None,
            paid: None,
        });
    }
    merges.iter_mut().find(|merge| merge.commit == commit && merge.into == into)
}

pub(in crate::incident) fn merge_owed(
    merges: &mut Vec<MergeBack>,
    body: &MergeOwed,
    by: &str,
    at: Timestamp,
) {
    if let Some(merge) = merge_back(merges, &body.commit, &body.tag, &body.into)
        && merge.owed.is_none()
    {
        merge.owed = Some((at, by.to_owned()));
        merge.why.clone_from(&body.why);
    }
}

/// What is in a branch stays there, whether it is known before or after it was owed.
pub(in crate::incident) fn merge_paid(
    merges: &mut Vec<MergeBack>,
    body: &MergePaid,
    by: &str,
    at: Timestamp,
) {
    if let Some(merge) = merge_back(merges, &body.commit, &body.tag, &body.into) {
        merge.paid.get_or_insert_with(|| (at, by.to_owned()));
    }
}

/// Adds a release after those that were there before it: what was live earlier may be told later.
pub(in crate::incident) fn released(releases: &mut Vec<Release>, release: Release) {
    let told = release.plan.is_empty();
    let earlier = |known: &Release| !told || known.at <= release.at;
    let place = releases.iter().rposition(earlier).map_or(0, |last| last + 1);
    releases.insert(place, release);
}

/// A verdict is about the last release of that commit in that environment. Tells whether there is one.
pub(in crate::incident) fn judged(releases: &mut [Release], body: &ReleaseJudged, at: Timestamp) -> bool {
    if body.clears() {
        // Nothing was seen there: what its watch found stands.
        return false;
    }
    let about = |release: &&mut Release| {
        release.environment == body.environment && release.commit == body.commit && release.at <= at
    };
    let release = releases.iter_mut().rev().find(about);
    let found = release.is_some();
    if let Some(release) = release {
        release.verdict = Some((at, body.verdict, body.why.clone()));
        release.vouched = body.plan.is_empty();
    }
    found
}

/// What failed before it was brought to everybody, or was taken back and not at fault.
pub(in crate::incident) fn trial(body: &ReleaseJudged, at: Timestamp) -> Option<Trial> {
    (body.verdict == WatchVerdict::Failed || body.clears()).then(|| Trial {
        environment: body.environment.clone(),
        commit: body.commit.clone(),
        plan: body.plan.clone(),
        at,
        why: body.why.clone(),
        cleared: body.clears(),
    })
}
