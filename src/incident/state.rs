//! The state of an incident: what the fold makes of its records. Read-only outside the fold.

mod afterwards;
mod alarms;
mod brought;
mod elsewhere;
mod extended;
mod finished;
mod messages;
mod outages;
mod people;
mod plans;
mod predecessor;
mod pressing;
mod remote;
mod run;
mod share;
mod team;
mod vouched;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

pub use afterwards::{Ending, FollowUp, FollowUpEnd, Issue, KeptSignal, ReviewHeld};
pub use alarms::{Turn, Turned};
pub use brought::brought_notes;
pub use elsewhere::{Asked, History, Rehearsal};
pub use finished::{Finished, tag_title};
pub use messages::{Change, Message, OnChannel, PageAnswer, SENDING, SuggestedMessage};
pub use outages::{Outage, Recovery, RecoveryBy};
pub use people::Hand;
pub use plans::*;
pub use predecessor::Predecessor;
pub use remote::{Remote, ToldHost};
pub use run::Run;
pub use share::{Share, canary_undone, share_before, share_title};
pub use team::{CulpritState, Motion, Objection, Offer, OfferEnd, Snooze, Task, TaskEnd};
pub use vouched::{Met, Origins, Vouched};

use super::body::{Answer, CheckState, LiveFound, NoteKind, Phase, Severity, WatchVerdict};
use super::drift::ClockOff;
use super::import::Brought;
use super::record::{Author, Hash, Hlc, IncidentId, Precision, RecordId};
use super::timeline::Timeline;
use super::wording::unreasoned;

/// Everything known about one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Identity.
    pub id: IncidentId,
    /// What people call it: `INC-2026-0007`.
    pub number: String,
    /// One line: what is broken.
    pub title: String,
    /// Severity now.
    pub severity: Severity,
    /// Severity at declaration and every change, in order, with the reason.
    pub severities: Vec<(Timestamp, Severity, String)>,
    /// Answers to the severity tree that set the severity it has; empty: it was set outright.
    pub answers: Vec<Answer>,
    /// Name of the service.
    pub service: String,
    /// Repository identity, as declared.
    pub repository: String,
    /// Where its clones fetch from, as declared.
    pub remotes: Vec<String>,
    /// Who is affected and how; may be empty.
    pub impact: String,
    /// What broke and why; may be empty.
    pub cause: String,
    /// When the fault began.
    pub started_at: Timestamp,
    /// How well that is known.
    pub started_precision: Precision,
    /// When the incident was declared.
    pub declared_at: Timestamp,
    /// By whom.
    pub declared_by: String,
    /// At which installation.
    pub declared_at_node: u64,
    /// Phase now.
    pub phase: Phase,
    /// Every phase entered, in order, and when.
    pub phases: Vec<(Phase, Timestamp)>,
    /// Role id to person, unfilled roles left out.
    pub roles: BTreeMap<String, String>,
    /// Every time a role was given to somebody: when, role id, person.
    pub assignments: Vec<(Timestamp, String, String)>,
    /// Who was paged, in order.
    pub paged: Vec<(Timestamp, String)>,
    /// Audience id and when it was told, in order.
    pub told: Vec<(Timestamp, String)>,
    /// Messages that were written, in order.
    pub messages: Vec<Message>,
    /// Messages that an assistant drafted, in the order of the fold.
    pub suggested: Vec<SuggestedMessage>,
    /// Deploys and rollbacks, for services that keep changes.
    pub changes: Vec<Change>,
    /// Checklist item id to its last tick.
    pub ticks: BTreeMap<String, Tick>,
    /// Probe name to its last recorded state.
    pub alarms: BTreeMap<String, AlarmState>,
    /// What probes turned to, the earliest first.
    pub turns: Vec<Turn>,
    /// Every time somebody said that users are served again, in the order of the fold.
    pub served: Vec<Timestamp>,
    /// Open, mitigated, resolved or closed. Where the heads conflict, the one that leaves
    /// most to do: nobody should take for over what somebody thinks is not.
    pub status: Status,
    /// Status decisions that none other was made on. More than one of different status is
    /// a conflict that needs a person.
    pub heads: Vec<StatusHead>,
    /// When users were first served again since the last reopening.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved, if it is.
    pub resolved_at: Option<Timestamp>,
    /// Every time it was resolved, in order.
    pub endings: Vec<Ending>,
    /// How signals of the incident were, each as it was kept last.
    pub signals: Vec<KeptSignal>,
    /// When the report was saved, in order.
    pub reports: Vec<Timestamp>,
    /// Reminders that were put off, in order.
    pub snoozes: Vec<Snooze>,
    /// Roles that were offered, in order.
    pub offers: Vec<Offer>,
    /// Tasks given, in order.
    pub tasks: Vec<Task>,
    /// Who looks at which item of a checklist: item id to a person or the id of a role.
    pub assigned: BTreeMap<String, String>,
    /// What was found of the usual culprits, by culprit id.
    pub culprits: BTreeMap<String, CulpritState>,
    /// What was proposed to everybody, in order.
    pub motions: Vec<Motion>,
    /// Work for afterwards, in order.
    pub follow_ups: Vec<FollowUp>,
    /// Reviews that were held, in order.
    pub reviews: Vec<ReviewHeld>,
    /// The installations that take part, by what they said first.
    pub installations: BTreeMap<u64, Installation>,
    /// What was imported.
    pub imported: Brought,
    /// Decisions on record so far.
    pub decisions: usize,
    /// Notes of what was done by hand so far.
    pub actions: usize,
    /// Whether it was decided that production is not put back.
    pub no_rollback: bool,
    /// When it was decided that there is no hotfix, and why: it ends by itself, or by other means; `None`: it was not.
    pub no_hotfix: Option<(Timestamp, String)>,
    /// Findings on record so far.
    pub findings: usize,
    /// What happened, a line for every record that says something to a reader.
    pub timeline: Timeline,
    /// Every plan started, oldest first.
    pub plans: Vec<PlanRun>,
    /// Every plan put up for approval, oldest first.
    pub proposals: Vec<Proposal>,
    /// Approvals and rejections, in order; of one person in one role for one plan only the
    /// last.
    pub votes: Vec<Vote>,
    /// Approvals and rejections that the same person gave anew in the same role for the same plan, in order.
    pub earlier_votes: Vec<Vote>,
    /// Gates that were passed over, in order.
    pub passed_over: Vec<PassedOver>,
    /// What was brought into environments, oldest first.
    pub releases: Vec<Release>,
    /// Watches that failed before what they looked at was brought to everybody, oldest first.
    pub trials: Vec<Trial>,
    /// What was found out to have been live in production when it began, where no release on record says so.
    pub live_found: Option<LiveFound>,
    /// What other incidents of the repository recorded of releases, as far as whoever loaded this one
    /// knew: a commit that failed there is no better here.
    pub elsewhere: Arc<History>,
    /// What the journal knows of where records came from.
    pub origins: Origins,
    /// Fixes that went out before they were merged back, in the order in which that was written
    /// down.
    pub merges_back: Vec<MergeBack>,
    /// Everybody who wrote a record, with the time of their last one by their own clock.
    pub authors: BTreeMap<String, Timestamp>,
    /// Each chain of records: how many there are in it, and the hash of the last.
    pub chains: BTreeMap<Author, (usize, Hash)>,
    /// Clocks that were seen to differ.
    pub clocks_off: Vec<ClockOff>,
    /// Who had a hand in which plan, in order.
    pub hands: Vec<Hand>,
    /// Number of records folded.
    pub records: usize,
    /// Number of them of unknown kind.
    pub unknown: usize,
    /// The latest clock reading seen.
    pub last: Hlc,
    /// The latest time that an author's own clock gave a record.
    pub latest: Timestamp,
    /// Hash of the last record in fold order.
    pub head: Hash,
}

impl State {
    /// Finds out whether what is in these commits was in an environment before and no good there, for
    /// everybody or as a canary, in this incident or in another of the repository.
    pub fn condemned(&self, environment: &str, is_it: impl Fn(&str) -> bool) -> Option<Condemned> {
        let others = &self.elsewhere;
        if others.releases.is_empty() && others.trials.is_empty() {
            return self.condemned_here(environment, is_it);
        }
        // Each list is in order, and so is what was brought somewhere by several incidents at once.
        let mut releases: Vec<Release> = others.releases.iter().chain(&self.releases).cloned().collect();
        releases.sort_by_key(|release| release.at);
        let mut trials: Vec<Trial> = others.trials.iter().chain(&self.trials).cloned().collect();
        trials.sort_by_key(|trial| trial.at);
        judge(&releases, &trials, environment, self.declared_at, &is_it)
    }

    /// The same by what this incident alone has on record.
    pub fn condemned_here(&self, environment: &str, is_it: impl Fn(&str) -> bool) -> Option<Condemned> {
        judge(&self.releases, &self.trials, environment, self.declared_at, &is_it)
    }

    /// Time since the fault began, up to its resolution; never negative, whatever became of the
    /// clock meanwhile. What others wrote does not count: one of their clocks may be ahead.
    pub fn elapsed(&self, now: Timestamp) -> SignedDuration {
        let end = self.resolved_at.unwrap_or(now);
        end.duration_since(self.started_at).max(SignedDuration::ZERO)
    }

    /// Finds out since when these probes are all good again, if it was recorded that one was not.
    pub fn recovered_at<'a>(&self, probes: impl Iterator<Item = &'a str>) -> Option<Timestamp> {
        let known: Vec<_> = probes.filter_map(|name| self.alarms.get(name)).collect();
        let good = known.iter().all(|alarm| ["ok", "warn"].contains(&alarm.state.as_str()));
        known.iter().map(|alarm| alarm.since).max().filter(|_| good)
    }

    /// Tells whether what was deployed to an environment in this incident is what is live there, and nothing
    /// speaks against it.
    pub fn has_fix(&self, environment: &str) -> bool {
        let live = self.releases.iter().rev().find(|release| release.environment == environment);
        live.is_some_and(|live| {
            let failed = matches!(live.verdict, Some((_, WatchVerdict::Failed, _)));
            !live.rollback && !failed && live.at >= self.declared_at
        })
    }

    /// Tells whether somebody tried to serve users again before the fix, or decided not to.
    pub fn went_for_users(&self) -> bool {
        let tried = |plan: &PlanRun| ["rollback", "flag"].contains(&plan.purpose.as_str());
        self.no_rollback || self.plans.iter().any(tried)
    }

    /// Tells whether the report was saved since it was over: one from before does not tell the end.
    pub fn has_report(&self) -> bool {
        self.resolved_at.is_some_and(|over| self.reports.iter().any(|saved| *saved >= over))
    }

    /// Tells whether work on it goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::Mitigated)
    }

    /// Tells whether people decided different things at once about its status.
    pub fn in_conflict(&self) -> bool {
        self.heads.windows(2).any(|pair| pair[0].status != pair[1].status)
    }

    /// The runs of all plans, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = (&PlanRun, &Run)> {
        self.plans
            .iter()
            .flat_map(|plan| plan.steps.iter().filter_map(move |s| s.run.as_ref().map(|r| (plan, r))))
    }

    /// Merges back that are still to be made.
    pub fn merges_owed(&self) -> impl Iterator<Item = &MergeBack> {
        self.merges_back.iter().filter(|merge| merge.is_open())
    }

    /// Commits that were tried out on a branch of their own and did well, with the plan that did it, oldest
    /// first. Those of the base are none.
    pub fn tried(&self, base: &str) -> impl Iterator<Item = (&PlanRun, &str)> {
        self.plans.iter().filter_map(move |plan| {
            let reference = plan.spec.get("subject").and_then(|subject| subject.get("reference")?.as_str());
            let tried = ["test", "deploy", "smoke"].contains(&plan.purpose.as_str()) && plan.is_done();
            let (commit, _) = plan.subject().filter(|_| tried && reference != Some(base))?;
            Some((plan, commit))
        })
    }

    /// A plan by id.
    pub fn plan(&self, id: &str) -> Option<&PlanRun> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// A run by id: also one that was carried out again since, or that undid a step.
    pub fn run(&self, id: &str) -> Option<(&PlanRun, &Run)> {
        self.plans.iter().find_map(|plan| {
            let mut runs =
                plan.steps.iter().flat_map(|step| step.run.iter().chain(&step.undo).chain(&step.earlier));
            runs.find(|run| run.id == id).map(|run| (plan, run))
        })
    }
}

/// Whether the incident is over. The order is from most to least left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Declared or reopened.
    Open,
    /// Users are served again.
    Mitigated,
    /// Over.
    Resolved,
    /// Nothing left to do.
    Closed,
}

impl Status {
    /// The word on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }
}

/// A status decision that no other was made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusHead {
    /// The record.
    pub record: RecordId,
    /// What it decided.
    pub status: Status,
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The last tick of a checklist item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Title at the time.
    pub title: String,
    /// State.
    pub state: CheckState,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Note; may be empty.
    pub note: String,
    /// What it was for a fix that turned out to be no good; it is open again since.
    pub before: Option<Before>,
}

/// What an item of the checklist was for an earlier fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Its state.
    pub state: CheckState,
    /// What people call that fix.
    pub fix: String,
}

impl Tick {
    /// The note, behind what it was for an earlier fix: `passed for v1.4.3 only: 3 orders`. That a reason is
    /// missing is said.
    pub fn remark(&self) -> String {
        let Some(before) = &self.before else {
            let note = if self.note.trim().is_empty() { unreasoned(self.state) } else { &self.note };
            return note.to_owned();
        };
        let word = if before.state == CheckState::Na { "not applicable" } else { "passed" };
        let colon = if self.note.is_empty() { "" } else { ": " };
        format!("{word} for {} only{colon}{}", before.fix, self.note)
    }
}

/// The last recorded state of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmState {
    /// In the words of `status --json`.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// What was seen.
    pub why: String,
    /// What was wrong last, where it has not been ok since: silence takes nothing back.
    pub wrong: Option<String>,
    /// Whether it failed, and has been neither ok nor merely at its warning limit since.
    pub firing: bool,
    /// Whether it failed, or nobody answered, at any time.
    pub fired: bool,
}

impl AlarmState {
    /// What it comes to by a change to a state, after what was known.
    pub fn after(known: Option<&Self>, state: &str, since: Timestamp, why: &str) -> Self {
        let (wrong, firing) = known.map_or((None, false), |known| (known.wrong.clone(), known.firing));
        let (wrong, firing) = match state {
            "ok" => (None, false),
            "warn" => (Some(state.to_owned()), false),
            "failing" | "flapping" => (Some(state.to_owned()), true),
            "error" => (Some(state.to_owned()), firing),
            _ => (wrong, firing),
        };
        let is_down = matches!(state, "failing" | "flapping" | "error");
        let fired = is_down || known.is_some_and(|known| known.fired);
        Self { state: state.to_owned(), since, why: why.to_owned(), wrong, firing, fired }
    }
}

/// An installation that takes part in an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The public half of its key, in Base64.
    pub key: String,
    /// Whose it is.
    pub person: String,
    /// When it joined.
    pub at: Timestamp,
    /// Whether it said later that its key is another one.
    pub changed: bool,
}

/// What a timeline line is about; decides its glyph and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// Declared.
    Declared,
    /// Severity changed.
    Severity,
    /// Phase entered.
    Phase,
    /// Role taken.
    Role,
    /// Title, impact or cause described.
    Described,
    /// A note of this kind.
    Note(NoteKind),
    /// Paged.
    Paged,
    /// Told.
    Told,
    /// A message was not delivered, or may not have been.
    Undelivered,
    /// Checklist tick with this result.
    Check(CheckState),
    /// A probe fails.
    AlarmRaised,
    /// A probe is near its limit.
    AlarmWarned,
    /// A probe is good again.
    AlarmCleared,
    /// A probe has no data.
    AlarmUnknown,
    /// A plan was started.
    PlanStarted,
    /// A step failed, was signalled, did not start.
    StepFailed,
    /// A plan ended well.
    PlanDone,
    /// A plan ended otherwise.
    PlanFailed,
    /// A plan's fate is not known.
    PlanUnknown,
    /// A plan waits for a person.
    PlanWaiting,
    /// An approval was asked for or given.
    Approval,
    /// A plan was rejected.
    Rejection,
    /// A gate or step was passed over, or a lease taken over.
    PassedOver,
    /// An environment is on another commit now.
    Released,
    /// Somebody asked for a stop, or a signal was sent.
    Stopped,
    /// Mitigated, resolved, closed.
    Resolved,
    /// Reopened.
    Reopened,
    /// The report was saved, or the review held.
    Report,
    /// A reminder was put off.
    Snoozed,
    /// A task, or an item of a checklist, was given to somebody.
    Task,
    /// Something was proposed to everybody, or decided.
    Proposal,
    /// Work for afterwards.
    FollowUp,
    /// A kind this version does not know.
    Unknown,
}

impl EntryKind {
    /// Tells whether the program writes such a line by itself: of probes, and of what became of a plan. What
    /// people say, decide and do is not.
    pub fn is_automatic(self) -> bool {
        self.is_alarm() || self.is_of_plan()
    }

    /// Tells whether it says how a probe is.
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::AlarmRaised | Self::AlarmWarned | Self::AlarmCleared | Self::AlarmUnknown)
    }

    /// Tells whether it says what became of a plan.
    pub fn is_of_plan(self) -> bool {
        matches!(
            self,
            Self::PlanStarted
                | Self::StepFailed
                | Self::PlanDone
                | Self::PlanFailed
                | Self::PlanUnknown
                | Self::PlanWaiting
                | Self::Released
        )
    }

    /// Tells whether something failed that was to be done: a plan, a step of it, a message.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::StepFailed | Self::PlanFailed | Self::PlanUnknown | Self::Undelivered)
    }

    /// What it is called on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Declared => "Declared",
            Self::Severity => "Severity",
            Self::Phase => "Phase",
            Self::Role => "Role",
            Self::Described => "Description",
            Self::Note(kind) => match kind {
                NoteKind::Note => "Note",
                NoteKind::Finding => "Finding",
                NoteKind::Decision => "Decision",
                NoteKind::Problem => "Problem",
                NoteKind::Action => "Action",
                NoteKind::Well => "Went well",
                NoteKind::Better => "Could be better",
            },
            Self::Paged => "Paged",
            Self::Told => "Informed",
            Self::Undelivered => "Not delivered",
            Self::Check(_) => "Checklist",
            Self::AlarmRaised => "Alarm",
            Self::AlarmWarned => "Warning",
            Self::AlarmCleared => "Recovered",
            Self::AlarmUnknown => "No data",
            Self::PlanStarted => "Started",
            Self::PlanDone => "Done",
            Self::StepFailed | Self::PlanFailed => "Failed",
            Self::PlanUnknown => "Outcome unknown",
            Self::PlanWaiting => "Waiting",
            Self::Approval => "Approval",
            Self::Rejection => "Rejected",
            Self::PassedOver => "Overridden",
            Self::Released => "Released",
            Self::Stopped => "Stopped",
            Self::Resolved => "Resolved",
            Self::Reopened => "Reopened",
            Self::Report => "Report",
            Self::Snoozed => "Snoozed",
            Self::Task => "Task",
            Self::Proposal => "Proposal",
            Self::FollowUp => "Follow-up",
            Self::Unknown => "Newer version",
        }
    }
}
