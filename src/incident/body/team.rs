//! What records say of the people who work on it: who takes over, who does what until when, what was
//! proposed to all of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::incident::record::RecordId;

/// Puts the reminder of a clock off. The clock itself stays due when it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snoozed {
    /// Id of the clock: `update`.
    pub clock: String,
    /// Its title at the time.
    #[serde(default)]
    pub title: String,
    /// Nobody is reminded before this time.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// Offers a role to somebody. Whoever has it keeps it until that person accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffOffered {
    /// Role id from the policy.
    pub role: String,
    /// Who is to have it.
    pub to: String,
    /// What they have to know, as Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brief: String,
}

/// Accepts a role that was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffAccepted {
    /// The offer.
    pub offer: RecordId,
}

/// Ends an offer without a handoff: it was declined, or withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffDeclined {
    /// The offer.
    pub offer: RecordId,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Gives somebody a task with a time to report back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskGiven {
    /// What is to be done.
    pub text: String,
    /// Who does it.
    pub owner: String,
    /// When they report back.
    pub until: Timestamp,
}

/// Gives an item of a checklist to somebody, or back to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemAssigned {
    /// Item id from the checklist.
    pub item: String,
    /// Its title at the time.
    #[serde(default)]
    pub title: String,
    /// Who looks at it: a person, or the id of a role; empty: nobody.
    pub to: String,
}

/// Says what was found of one of the usual culprits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CulpritJudged {
    /// Culprit id from the policy.
    pub culprit: String,
    /// Its title at the time.
    #[serde(default)]
    pub title: String,
    /// What was found.
    pub verdict: CulpritVerdict,
    /// What shows it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What was found of a culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CulpritVerdict {
    /// Nobody knows yet.
    Open,
    /// It was not this.
    RuledOut,
    /// It was this.
    Found,
}

impl CulpritVerdict {
    /// What it is called on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::RuledOut => "ruled out",
            Self::Found => "it was this",
        }
    }
}

/// Ends a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnded {
    /// The task.
    pub task: RecordId,
    /// Whether it was done, or given up.
    pub done: bool,
    /// What came of it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result: String,
}

/// Proposes something to everybody: it is decided if nobody objects in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// What is to be decided.
    pub text: String,
    /// Objections are heard until then.
    pub until: Timestamp,
}

/// Objects to what was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objected {
    /// The proposal.
    pub proposal: RecordId,
    /// Why.
    pub reason: String,
}

/// Says what became of a proposal. The first one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The proposal.
    pub proposal: RecordId,
    /// Whether it is done as proposed.
    pub accepted: bool,
    /// Why, where somebody had objected; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}
