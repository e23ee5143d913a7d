//! What a record can say: one struct a kind, and the table of their stored names.

mod afterwards;
mod assistant;
mod live;
mod messages;
mod pipelines;
mod plans;
mod share;
mod spec;
mod team;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use afterwards::*;
pub use assistant::*;
pub use live::*;
pub use messages::*;
pub use pipelines::*;
pub use plans::*;
pub use share::*;
pub use spec::Spec;
pub use team::*;

use super::record::RecordId;
use super::repository::RepositoryId;
pub use super::words::{CheckState, NoteKind, Phase, Severity};

/// Declares every kind once: its variant, struct and stored name.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $stored:literal,)*) => {
        /// What happened. A closed list; what a newer version wrote is [`Body::Unknown`].
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $name($name),)*
            /// A kind this version does not know, kept as it came.
            Unknown(Unknown),
        }

        impl Body {
            /// The stored names of all kinds known here.
            pub const KINDS: &[&str] = &[$($stored,)*];

            /// The stored name of the kind.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$name(_) => $stored,)*
                    Self::Unknown(unknown) => &unknown.kind,
                }
            }

            /// Decodes the body of a record. What does not fit its kind is kept as unknown
            /// too: a record is never lost for what it says.
            pub(super) fn decode(kind: &str, raw: &RawValue) -> Self {
                Self::known(kind, raw.get()).unwrap_or_else(|| Self::Unknown(Unknown {
                    kind: kind.to_owned(),
                    raw: raw.get().to_owned(),
                }))
            }

            /// Decodes the body of a record of a kind known here, if it fits that kind.
            pub(crate) fn known(kind: &str, json: &str) -> Option<Self> {
                match kind {
                    $($stored => serde_json::from_str(json).ok().map(Self::$name),)*
                    _ => None,
                }
            }
        }

        impl Serialize for Body {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$name(body) => body.serialize(serializer),)*
                    Self::Unknown(unknown) => RawValue::from_string(unknown.raw.clone())
                        .map_err(serde::ser::Error::custom)?
                        .serialize(serializer),
                }
            }
        }

        $(impl From<$name> for Body {
            fn from(body: $name) -> Self {
                Self::$name(body)
            }
        })*
    };
}

kinds! {
    /// The incident was opened.
    Declared = "declared",
    /// Severity set again, with a reason.
    SeverityChanged = "severity",
    /// A phase was entered.
    PhaseEntered = "phase",
    /// Somebody took a role, or left it.
    RoleTaken = "role",
    /// The time at which it began was corrected.
    Began = "began",
    /// The title was reworded.
    Titled = "title",
    /// The impact was described.
    ImpactDescribed = "impact",
    /// The cause was described.
    CauseDescribed = "cause",
    /// A note of some kind.
    Noted = "note",
    /// Another record's text was corrected.
    Amended = "amend",
    /// Another record was taken back.
    Retracted = "retract",
    /// Another record was pinned or unpinned.
    Pinned = "pin",
    /// Somebody was paged.
    Paged = "paged",
    /// An audience was told.
    Told = "told",
    /// A checklist item was ticked.
    Ticked = "check",
    /// A probe went from one state to another.
    Alarm = "alarm",
    /// A plan was put up for approval; nothing runs yet.
    PlanProposed = "plan-proposed",
    /// A plan was confirmed and handed to a conductor.
    PlanStarted = "plan-started",
    /// A plan that had ended or lost its conductor was taken up again.
    PlanResumed = "plan-resumed",
    /// Somebody told a running plan what to do.
    PlanAsked = "plan-asked",
    /// A step of a plan began; for a command step this begins a run.
    StepStarted = "step-started",
    /// A step of a plan ended.
    StepEnded = "step-ended",
    /// A step waits for a person, or no longer does.
    StepWaiting = "step-waiting",
    /// A run waits for an answer or says nothing for long, or no longer does.
    RunWaiting = "run-waiting",
    /// A pipeline at its host was started or found, or changed.
    PipelineSeen = "pipeline-seen",
    /// It became known which commit a push brought about.
    CommitLearned = "commit-learned",
    /// A deploy was reported at a code host, or could not be.
    DeploymentReported = "deployment-reported",
    /// A step was passed over by a person.
    StepSkipped = "step-skipped",
    /// Somebody asked for a run to be stopped.
    StopAsked = "stop-asked",
    /// The conductor sent a signal.
    Signalled = "signalled",
    /// The world was asked whether a step of unknown fate is done.
    Proved = "proved",
    /// A plan ended.
    PlanEnded = "plan-ended",
    /// Somebody approved a plan.
    Approved = "approved",
    /// Somebody rejected a plan.
    Rejected = "rejected",
    /// A gate that was not met was passed over.
    GatePassedOver = "gate-passed-over",
    /// The lease of a target was taken from a holder that is gone.
    LeaseTaken = "lease-taken",
    /// A commit is in an environment now.
    Released = "released",
    /// It was found out what was live when it began.
    LiveFound = "live-found",
    /// What watching a release showed.
    ReleaseJudged = "release-judged",
    /// A fix went out, and is still to be merged back into another branch.
    MergeOwed = "merge-owed",
    /// A fix that was still to be merged back is there.
    MergePaid = "merge-paid",
    /// Users are served again; the fault may remain.
    Mitigated = "mitigated",
    /// The incident is over.
    Resolved = "resolved",
    /// It was not over.
    Reopened = "reopened",
    /// Nothing is left to do.
    Closed = "closed",
    /// The report was saved to a file.
    ReportSaved = "report-saved",
    /// The reminder of a clock was put off.
    Snoozed = "snoozed",
    /// A role was offered to somebody.
    HandoffOffered = "handoff-offered",
    /// A role that was offered was taken over.
    HandoffAccepted = "handoff-accepted",
    /// An offer was declined or withdrawn.
    HandoffDeclined = "handoff-declined",
    /// Somebody was given a task.
    TaskGiven = "task",
    /// An item of a checklist was given to somebody.
    ItemAssigned = "assigned",
    /// One of the usual culprits was looked at.
    CulpritJudged = "culprit",
    /// A task ended.
    TaskEnded = "task-ended",
    /// Something was proposed to everybody.
    Proposed = "proposal",
    /// Somebody objected to it.
    Objected = "objection",
    /// It was decided.
    Decided = "proposal-decided",
    /// Work for afterwards was added.
    FollowUpAdded = "follow-up",
    /// It was given to somebody, or another date.
    FollowUpChanged = "follow-up-changed",
    /// It was done or dropped.
    FollowUpEnded = "follow-up-ended",
    /// How the signals of the incident were.
    SignalsKept = "signals-kept",
    /// It has an issue at the code host.
    FollowUpLinked = "follow-up-linked",
    /// The review was held.
    Reviewed = "reviewed",
    /// An event that was written down elsewhere.
    Imported = "imported",
    /// A message was written for an audience.
    Messaged = "message",
    /// What became of it on a channel.
    Delivered = "delivery",
    /// A service told more of a page that it took.
    PageFollowed = "page-followed",
    /// An assistant wrote something, which people read.
    Suggested = "assistant",
    /// An installation takes part.
    Joined = "joined",
}

/// A kind this version does not know, or a body that does not fit its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The stored name.
    pub kind: String,
    /// The body as JSON, byte for byte.
    pub raw: String,
}

/// Opens an incident. `occurred_at` of the record is when the fault began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Number people call it by: `INC-2026-0007`.
    pub number: String,
    /// One line: what is broken.
    pub title: String,
    /// Severity at declaration.
    pub severity: Severity,
    /// Name of the service.
    #[serde(default)]
    pub service: String,
    /// Who is affected and how; may be empty.
    #[serde(default)]
    pub impact: String,
    /// Where the repository was: the canonical path of its common git directory.
    #[serde(default)]
    pub repository: String,
    /// What other clones of it share.
    #[serde(default, skip_serializing_if = "RepositoryId::is_empty")]
    pub repository_id: RepositoryId,
    /// The questions of the severity tree and their answers, as asked.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

#[cfg(test)]
impl Declared {
    /// Makes the declaration that most tests begin with.
    pub(crate) fn example() -> Self {
        Self {
            number: "INC-2026-0001".to_owned(),
            title: "Checkout answers 500".to_owned(),
            severity: Severity::P0,
            service: String::new(),
            impact: String::new(),
            repository: String::new(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        }
    }
}

/// One answered question of the severity tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question as it was asked.
    pub question: String,
    /// The answer.
    pub yes: bool,
    /// Whether nobody could tell, which counts as yes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

impl Answer {
    /// The answer, in a few words.
    pub fn said(&self) -> &'static str {
        match (self.yes, self.unsure) {
            (_, true) => "not sure, which counts as yes",
            (true, false) => "yes",
            (false, false) => "no",
        }
    }
}

/// Sets the severity again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityChanged {
    /// The new severity.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// The questions it was set by, as they were answered; empty: it was set outright.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// Enters a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseEntered {
    /// The phase.
    pub phase: Phase,
}

/// Gives a role to a person; an empty person leaves it unfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleTaken {
    /// Role id from the policy: `commander`, `lead`, `on-call`.
    pub role: String,
    /// The person.
    pub person: String,
}

/// Corrects when it began: that is when the record says that it happened. The last one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// How that is known; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Rewords the title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titled {
    /// The new wording.
    pub text: String,
}

/// Describes the impact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImpactDescribed {
    /// Who is affected and how.
    pub text: String,
}

/// Describes the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseDescribed {
    /// What broke and why.
    pub text: String,
}

/// A note of some kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// What it is about.
    #[serde(default)]
    pub kind: NoteKind,
    /// The text.
    pub text: String,
}

/// Corrects the text of another record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// The record corrected.
    pub target: RecordId,
    /// The new text.
    pub text: String,
}

/// Takes another record back. It stays in the record, struck out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retracted {
    /// The record taken back.
    pub target: RecordId,
    /// Why.
    pub reason: String,
}

/// Pins another record, or unpins it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// The record.
    pub target: RecordId,
    /// Whether it is pinned from now on.
    pub pinned: bool,
}

/// Somebody was paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paged {
    /// Whom.
    pub who: String,
    /// By what means; may be empty.
    #[serde(default)]
    pub how: String,
}

/// An audience was told.
#[derive(Debug, Clone, PartialEq, Default, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Audience id from the policy (`stakeholders`, `update`, `executives`) or free text.
    pub audience: String,
    /// By whom, if not the author; may be empty.
    #[serde(default)]
    pub by: String,
    /// How, and where it can be read: `status page`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
}

/// Ticks a checklist item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticked {
    /// Id of the item.
    pub item: String,
    /// Its title at the time, so that the record can be read without the configuration.
    #[serde(default)]
    pub title: String,
    /// New state.
    pub state: CheckState,
    /// A note; may be empty.
    #[serde(default)]
    pub note: String,
}

/// A probe went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Name of the probe.
    pub probe: String,
    /// State before, in the words of `status --json`.
    pub from: String,
    /// State after.
    pub to: String,
    /// What was seen, in one line: `500 in 2.1 s, expected 200`.
    #[serde(default)]
    pub why: String,
}

/// Users are served again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mitigated {
    /// The status decisions this one was made on; what is not among them conflicts.
    #[serde(default)]
    pub after: Vec<RecordId>,
}

/// The incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resolved {
    /// The status decisions this one was made on; what is not among them conflicts.
    #[serde(default)]
    pub after: Vec<RecordId>,
    /// What spoke against it, as it was shown to whoever resolved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<String>,
    /// Why it is over all the same; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// It was not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// Why.
    pub reason: String,
    /// The status decisions this one was made on; what is not among them conflicts.
    #[serde(default)]
    pub after: Vec<RecordId>,
}

/// Nothing is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Closed {
    /// The status decisions this one was made on; what is not among them conflicts.
    #[serde(default)]
    pub after: Vec<RecordId>,
}

/// The report was saved to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportSaved {
    /// Name of the file, without the directories it is in.
    pub file: String,
}
