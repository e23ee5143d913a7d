//! What one record does to the state. Called by the fold, in the order of the clocks.

mod messages;
pub(super) mod plans;
mod team;
mod ticks;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::body::{
    Body, Declared, NoteKind, Phase, PipelineSeen, PlanAsked, PlanEnded, PlanResumed, PlanStarted, Proved,
    Released, RunWaiting, Signalled, StepEnded, StepWaiting, StopAsked,
};
use super::drift::{self, Written};
use super::import::Brought;
use super::marks::{Mark, takes_no_effect};
use super::policy::Role;
use super::record::{Hash, Hlc, Record, RecordId};
use super::state::{AlarmState, EntryKind, Hand, History, Origins, PlanRun, State, Status, StatusHead, Tick};
use super::timeline::{Entry, Timeline};
use super::wording;

/// The source of entries that were taken from a chat by themselves.
const CHAT: &str = "slack";

/// A state being folded, and what makes finding things in it cheap.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    state: State,
    /// Plan id to its place in the state.
    plans: HashMap<String, usize>,
    /// Run id to plan and step.
    runs: HashMap<String, (usize, usize)>,
    /// The record the state began with: no decision needs to name it.
    declared: RecordId,
    /// The record folded last, for its clock.
    before: Option<Written>,
    /// While many records are folded at once the timeline is only appended to, and put in
    /// order once, at the end.
    settled: bool,
}

impl Fold {
    /// The state that a `declared` record begins. That record is still to be applied.
    pub(super) fn new(record: &Record, declared: &Declared, mark: Mark<'_>, expected: usize) -> Self {
        let declared_at = record.written_at();
        let head = StatusHead {
            record: record.id,
            status: Status::Open,
            by: record.author.name.clone(),
            at: record.occurred_at,
        };
        let state = State {
            id: record.incident,
            number: declared.number.clone(),
            title: mark.amended.unwrap_or(&declared.title).to_owned(),
            severity: declared.severity,
            severities: vec![(declared_at, declared.severity, String::new())],
            answers: declared.answers.clone(),
            service: declared.service.clone(),
            repository: declared.repository.clone(),
            remotes: declared.repository_id.remotes.clone(),
            impact: declared.impact.clone(),
            cause: String::new(),
            // What is declared has begun, whatever was typed.
            started_at: record.occurred_at.min(declared_at),
            started_precision: record.precision,
            declared_at,
            declared_by: record.author.name.clone(),
            declared_at_node: record.author.node,
            phase: Phase::Detect,
            phases: vec![(Phase::Detect, declared_at)],
            roles: BTreeMap::new(),
            assignments: Vec::new(),
            paged: Vec::new(),
            told: Vec::new(),
            messages: Vec::new(),
            suggested: Vec::new(),
            changes: Vec::new(),
            ticks: BTreeMap::new(),
            alarms: BTreeMap::new(),
            turns: Vec::new(),
            served: Vec::new(),
            status: Status::Open,
            heads: vec![head],
            mitigated_at: None,
            resolved_at: None,
            endings: Vec::new(),
            signals: Vec::new(),
            reports: Vec::new(),
            snoozes: Vec::new(),
            offers: Vec::new(),
            tasks: Vec::new(),
            assigned: BTreeMap::new(),
            culprits: BTreeMap::new(),
            motions: Vec::new(),
            follow_ups: Vec::new(),
            reviews: Vec::new(),
            installations: BTreeMap::new(),
            imported: Brought::default(),
            decisions: 0,
            actions: 0,
            no_rollback: false,
            no_hotfix: None,
            findings: 0,
            timeline: Timeline::with_capacity(expected),
            plans: Vec::new(),
            proposals: Vec::new(),
            votes: Vec::new(),
            earlier_votes: Vec::new(),
            passed_over: Vec::new(),
            releases: Vec::new(),
            trials: Vec::new(),
            live_found: None,
            elsewhere: Arc::default(),
            origins: Origins::default(),
            merges_back: Vec::new(),
            authors: BTreeMap::new(),
            chains: BTreeMap::new(),
            clocks_off: Vec::new(),
            hands: Vec::new(),
            records: 0,
            unknown: 0,
            last: Hlc::default(),
            latest: declared_at,
            head: Hash::default(),
        };
        Self {
            state,
            plans: HashMap::new(),
            runs: HashMap::new(),
            declared: record.id,
            before: None,
            settled: false,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// Takes what other incidents of the repository recorded.
    pub(super) fn set_elsewhere(&mut self, history: Arc<History>) {
        self.state.elsewhere = history;
    }

    /// Takes what the journal knows of where records came from.
    pub(super) fn set_origins(&mut self, origins: Origins) {
        self.state.origins = origins;
        self.state.sign();
    }

    /// Puts the timeline in order; from now on every entry finds its place by itself.
    pub(super) fn settle(&mut self) {
        self.state.timeline.sort();
        self.settled = true;
    }

    /// Folds one more record.
    pub(super) fn apply(&mut self, record: &Record, mark: Mark<'_>) {
        self.count(record);
        self.enter(record, mark);
        if !takes_no_effect(record, mark) {
            self.take_effect(record, mark);
        }
    }

    /// Renews the marks on the line of a record folded before.
    pub(super) fn mark(&mut self, id: RecordId, mark: Mark<'_>) {
        self.state.timeline.mark(id, mark);
        self.state.turn_retracted(id, mark.retracted.is_some());
    }

    fn count(&mut self, record: &Record) {
        let state = &mut self.state;
        state.records += 1;
        state.last = state.last.max(record.at);
        state.head = record.hash;
        let at = record.written_at();
        state.latest = state.latest.max(at);
        drift::compare(&mut state.clocks_off, &mut self.before, record);
        match state.authors.get_mut(&record.author.name) {
            Some(last) => *last = at,
            None => {
                state.authors.insert(record.author.name.clone(), at);
            }
        }
        match state.chains.get_mut(&record.author) {
            Some((records, head)) => (*records, *head) = (*records + 1, record.hash),
            None => {
                state.chains.insert(record.author.clone(), (1, record.hash));
            }
        }
        if matches!(record.body, Body::Unknown(_)) {
            state.unknown += 1;
        }
    }

    /// The plan that a record is a part of, or the probe whose alarm it is. What a person decides about a
    /// plan stands for itself.
    fn about<'a>(&self, body: &'a Body) -> Cow<'a, str> {
        let about: &'a str = match body {
            Body::Alarm(body) => &body.probe,
            Body::PlanStarted(PlanStarted { plan, .. })
            | Body::PlanResumed(PlanResumed { plan, .. })
            | Body::PlanAsked(PlanAsked { plan, .. })
            | Body::StepEnded(StepEnded { plan, .. })
            | Body::StepWaiting(StepWaiting { plan, .. })
            | Body::PipelineSeen(PipelineSeen { plan, .. })
            | Body::CommitLearned(super::body::CommitLearned { plan, .. })
            | Body::DeploymentReported(super::body::DeploymentReported { plan, .. })
            | Body::Proved(Proved { plan, .. })
            | Body::PlanEnded(PlanEnded { plan, .. })
            | Body::Released(Released { plan, .. })
            | Body::ReleaseJudged(super::body::ReleaseJudged { plan, .. }) => plan,
            Body::RunWaiting(RunWaiting { run, .. })
            | Body::StopAsked(StopAsked { run, .. })
            | Body::Signalled(Signalled { run, .. }) => {
                let plan = self.runs.get(run).and_then(|&(plan, _)| self.state.plans.get(plan));
                return Cow::Owned(plan.map_or_else(String::new, |plan| plan.id.clone()));
            }
            _ => "",
        };
        Cow::Borrowed(about)
    }

    /// Gives the record its line in the timeline, if it says something to a reader.
    fn enter(&mut self, record: &Record, mark: Mark<'_>) {
        let line = match &record.body {
            // Nothing is made of these, and they are most of a long incident.
            Body::Noted(note) => Some((EntryKind::Note(note.kind), Cow::Borrowed(note.text.as_str()))),
            _ => wording::line(record, self).map(|(kind, text)| (kind, Cow::Owned(text))),
        };
        let Some((kind, text)) = line else { return };
        let (at, precision) = wording::shown_at(record);
        let about = self.about(&record.body);
        // What was imported was signed by nobody here.
        let author = match &record.body {
            Body::Imported(body) if body.author.is_empty() => Cow::Borrowed(body.source.as_str()),
            // Who chats calls themselves what they like: where a name is from is read first, and never cut away.
            Body::Imported(body) if body.source == CHAT => Cow::Owned(format!("{CHAT}:{}", body.author)),
            Body::Imported(body) => Cow::Owned(format!("{} ({})", body.author, body.source)),
            _ => Cow::Borrowed(record.author.name.as_str()),
        };
        let entry = Entry {
            id: record.id,
            at,
            place: wording::place(record),
            precision,
            recorded_at: record.written_at(),
            kind,
            name: wording::name(&record.body),
            text: &text,
            author: &author,
            about: &about,
            original: None,
            retracted: None,
            retracted_by: None,
            pinned: false,
        };
        let timeline = &mut self.state.timeline;
        if self.settled {
            timeline.insert(entry, mark);
        } else {
            timeline.push(entry, mark);
        }
    }

    fn take_effect(&mut self, record: &Record, mark: Mark<'_>) {
        if self.is_hearsay(record) {
            return;
        }
        let at = record.occurred_at;
        let by = &record.author.name;
        let text = |own: &str| mark.amended.unwrap_or(own).to_owned();
        let condemned = ticks::condemned(&self.state, &record.body);
        let state = &mut self.state;
        if let Some((hash, did)) = handled(&record.body) {
            state.hands.push(Hand::new(record, hash, did));
        }
        match &record.body {
            Body::SeverityChanged(body) => {
                state.severity = body.severity;
                // What was set outright was found by no question.
                state.answers.clone_from(&body.answers);
                state.severities.push((at, body.severity, body.reason.clone()));
            }
            Body::PhaseEntered(body) => self.move_to(body.phase, at),
            Body::RoleTaken(body) => {
                team::replace_offers(state, &body.role);
                self.assign(&body.role, &body.person, at);
            }
            Body::Began(_) => {
                state.started_at = at.min(state.declared_at);
                state.started_precision = record.precision;
            }
            Body::Titled(body) => state.title = text(&body.text),
            Body::ImpactDescribed(body) => state.impact = text(&body.text),
            Body::CauseDescribed(body) => state.cause = text(&body.text),
            Body::Noted(body) => match body.kind {
                NoteKind::Finding => {
                    state.findings += 1;
                    self.imply(Phase::Respond, at);
                }
                NoteKind::Decision => team::decision(state, &text(&body.text), at),
                NoteKind::Action => state.actions += 1,
                NoteKind::Note | NoteKind::Problem | NoteKind::Well | NoteKind::Better => {}
            },
            Body::Paged(body) => {
                state.paged.push((at, body.who.clone()));
                self.imply(Phase::Assemble, at);
                self.imply_assembled(at);
            }
            Body::Told(body) => state.told.push((at, body.audience.clone())),
            Body::Messaged(body) => messages::written(state, record, body),
            Body::PageFollowed(body) => messages::followed(state, body, at),
            Body::Suggested(body) => messages::suggested(state, record, body),
            Body::Delivered(body) => {
                if messages::delivered(state, body, at) {
                    self.imply(Phase::Assemble, at);
                    self.imply_assembled(at);
                }
            }
            Body::Ticked(body) => {
                let tick = Tick {
                    title: body.title.clone(),
                    state: body.state,
                    by: by.clone(),
                    at,
                    note: body.note.clone(),
                    before: None,
                };
                state.ticks.insert(body.item.clone(), tick);
            }
            Body::Alarm(body) => {
                state.turned(record, body, mark.retracted.is_some());
                let alarm = AlarmState::after(state.alarms.get(&body.probe), &body.to, at, &body.why);
                state.alarms.insert(body.probe.clone(), alarm);
            }
            Body::PlanProposed(body) => state.proposals.push(plans::proposal(body, by, at)),
            Body::PlanStarted(body) => self.plan_started(body, &record.author, at),
            Body::PlanResumed(body) => self.plan_resumed(body),
            Body::StepWaiting(body) => self.step_waiting(body, at),
            Body::RunWaiting(body) => self.run_waiting(body),
            Body::PipelineSeen(body) => self.pipeline_seen(body, at),
            Body::CommitLearned(body) => self.commit_learned(body),
            Body::DeploymentReported(body) => self.deployment_reported(body),
            Body::StepSkipped(body) => self.step_skipped(body, at),
            Body::Approved(body) => plans::vote(state, plans::approval(record, body, state.latest)),
            Body::Rejected(body) => plans::vote(state, plans::rejection(record, body, state.latest)),
            Body::GatePassedOver(body) => state.passed_over.push(plans::passed_over(body, by, at)),
            Body::Released(body) => {
                let release = plans::release(body, by, at);
                messages::released(state, record.id, &release);
                plans::released(&mut state.releases, release);
            }
            Body::ReleaseJudged(body) => {
                if !plans::judged(&mut state.releases, body, at) {
                    state.trials.extend(plans::trial(body, at));
                }
            }
            Body::LiveFound(body) => {
                state.live_found.get_or_insert_with(|| body.clone());
            }
            Body::MergeOwed(body) => plans::merge_owed(&mut state.merges_back, body, by, at),
            Body::MergePaid(body) => plans::merge_paid(&mut state.merges_back, body, by, at),
            Body::StepStarted(body) => self.step_started(body, at),
            Body::StepEnded(body) => self.step_ended(body, at, record.took),
            Body::StopAsked(body) => self.stop_asked(body, by, at),
            Body::Signalled(body) => self.signalled(body, at),
            Body::Proved(body) => self.proved(body, at),
            Body::PlanEnded(body) => self.plan_ended(body, at, record.took),
            Body::Mitigated(body) => {
                state.served.push(wording::shown_at(record).0);
                self.decide(record, Status::Mitigated, &body.after);
            }
            Body::Resolved(body) => {
                team::resolved(state, record, body);
                self.decide(record, Status::Resolved, &body.after);
            }
            Body::Reopened(body) => self.decide(record, Status::Open, &body.after),
            Body::Closed(body) => self.decide(record, Status::Closed, &body.after),
            Body::ReportSaved(_) => state.reports.push(at),
            Body::Snoozed(body) => team::snoozed(state, record, body),
            Body::HandoffOffered(body) => team::offered(state, record, body),
            Body::HandoffAccepted(body) => self.accepted(record, body),
            Body::HandoffDeclined(body) => team::declined(state, body),
            Body::TaskGiven(body) => team::task(state, record, body, text(&body.text)),
            Body::ItemAssigned(body) => team::assigned(state, body),
            Body::CulpritJudged(body) => team::culprit(state, record, body),
            Body::TaskEnded(body) => team::task_ended(state, record, body),
            Body::Proposed(body) => team::proposed(state, record, body, text(&body.text)),
            Body::Objected(body) => team::objected(state, record, body),
            Body::Decided(body) => team::decided(state, record, body),
            Body::FollowUpAdded(body) => team::follow_up(state, record, body, text(&body.text)),
            Body::FollowUpChanged(body) => team::follow_up_changed(state, body),
            Body::FollowUpEnded(body) => team::follow_up_ended(state, record, body),
            Body::SignalsKept(body) => team::signals(state, body),
            Body::FollowUpLinked(body) => team::follow_up_linked(state, body),
            Body::Reviewed(body) => team::reviewed(state, record, body),
            Body::Joined(body) => team::joined(state, record, body),
            Body::Imported(body) => state.imported.insert(&body.source, &body.row),
            Body::Declared(_)
            | Body::Amended(_)
            | Body::Retracted(_)
            | Body::Pinned(_)
            | Body::PlanAsked(_)
            | Body::LeaseTaken(_)
            | Body::Unknown(_) => {}
        }
        if let Some(fix) = condemned {
            ticks::open_again(&mut self.state, &fix);
        }
    }

    /// Enters a phase because somebody said so.
    fn move_to(&mut self, phase: Phase, at: Timestamp) {
        if self.state.phase != phase {
            self.state.phase = phase;
            self.state.phases.push((phase, at));
        }
    }

    /// Enters a phase because of what was done; never goes back.
    fn imply(&mut self, phase: Phase, at: Timestamp) {
        if self.state.phase < phase {
            self.move_to(phase, at);
        }
    }

    /// Somebody leads and somebody was called: the team stands.
    fn imply_assembled(&mut self, at: Timestamp) {
        if self.state.roles.contains_key(Role::COMMANDER) && !self.state.paged.is_empty() {
            self.imply(Phase::Respond, at);
        }
    }

    fn assign(&mut self, role: &str, person: &str, at: Timestamp) {
        if person.is_empty() {
            self.state.roles.remove(role);
            return;
        }
        self.state.roles.insert(role.to_owned(), person.to_owned());
        self.state.assignments.push((at, role.to_owned(), person.to_owned()));
        self.imply(Phase::Assemble, at);
        self.imply_assembled(at);
    }

    /// Records a decision about the status. It takes the place of those it was made on;
    /// any other stays beside it, as a conflict.
    fn decide(&mut self, record: &Record, status: Status, after: &[RecordId]) {
        let declared = self.declared;
        let state = &mut self.state;
        state.heads.retain(|head| head.record != declared && !after.contains(&head.record));
        state.heads.push(StatusHead {
            record: record.id,
            status,
            by: record.author.name.clone(),
            at: record.occurred_at,
        });
        state.status = state.heads.iter().map(|head| head.status).min().unwrap_or(status);
        if status == Status::Mitigated {
            state.mitigated_at.get_or_insert(record.occurred_at);
        }
        match state.status {
            Status::Open => {
                state.mitigated_at = None;
                state.resolved_at = None;
            }
            Status::Mitigated => state.resolved_at = None,
            Status::Resolved | Status::Closed => {
                state.resolved_at.get_or_insert(record.occurred_at);
            }
        }
    }

    /// A plan by id.
    pub(super) fn plan(&self, id: &str) -> Option<&PlanRun> {
        self.plans.get(id).map(|&plan| &self.state.plans[plan])
    }

    /// The title of a run; its id where the run is not known.
    pub(super) fn run_title<'a>(&'a self, id: &'a str) -> &'a str {
        self.runs.get(id).map_or(id, |&(plan, step)| &self.state.plans[plan].steps[step].title)
    }

    /// Tells whether a record is the one the incident began with.
    pub(super) fn is_first(&self, id: RecordId) -> bool {
        self.declared == id
    }
}

/// The plan somebody had a hand in by writing a record, by its hash, and what was done.
fn handled(body: &Body) -> Option<(&str, &'static str)> {
    match body {
        Body::PlanProposed(body) => Some((&body.hash, "proposed")),
        Body::PlanStarted(body) => Some((&body.hash, "started")),
        Body::Approved(body) => Some((&body.hash, "approved")),
        _ => None,
    }
}
