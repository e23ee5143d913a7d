//! The words an incident is told in: severities, phases, kinds of notes, states of checks.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// How bad it is, as a rank: `P0` is worst. What a rank is called and what it demands is for the policy
/// to say. The order is from worst to least: `P0 < P1 < P2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Severity(u8);

/// The names of the ranks, in their order.
const RANKS: [&str; 10] = ["P0", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"];

impl Severity {
    /// Critical.
    pub const P0: Self = Self(0);
    /// High.
    pub const P1: Self = Self(1);
    /// Medium.
    pub const P2: Self = Self(2);

    /// All that a record can say, worst first. Which of them there are is for the policy to say.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..RANKS.len() as u8).map(Self)
    }

    /// The name of the rank, in records and in JSON.
    pub fn name(self) -> &'static str {
        RANKS[usize::from(self.0)]
    }

    /// How far it is from the worst.
    pub fn rank(self) -> u8 {
        self.0
    }

    /// Reads `P0`, `p0` or `0`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|s| s.name().eq_ignore_ascii_case(text) || s.name().trim_start_matches('P') == text)
    }
}

impl fmt::Debug for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Severity> for &'static str {
    fn from(severity: Severity) -> Self {
        severity.name()
    }
}

impl TryFrom<String> for Severity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::all()
            .find(|severity| severity.name() == text)
            .ok_or_else(|| format!("`{text}` is no severity: P0 to P9"))
    }
}

impl JsonSchema for Severity {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Severity")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "enum": RANKS })
    }
}

/// Where the procedure stands, in its usual order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Detect and assess.
    Detect,
    /// Assemble the team.
    Assemble,
    /// Respond: can production be put back now?
    Respond,
    /// Develop the hotfix.
    Develop,
    /// Deploy it.
    Deploy,
    /// Verify that the fault is gone.
    Verify,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Detect, Self::Assemble, Self::Respond, Self::Develop, Self::Deploy, Self::Verify];

    /// The name on screen, on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Assemble => "assemble",
            Self::Respond => "respond",
            Self::Develop => "develop",
            Self::Deploy => "deploy",
            Self::Verify => "verify",
        }
    }
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// Anything.
    #[default]
    Note,
    /// Something found out.
    Finding,
    /// Something decided.
    Decision,
    /// Something odd, for the follow-up list.
    Problem,
    /// Something done by hand.
    Action,
    /// Something that went well, for the review.
    Well,
    /// Something that could be better next time, for the review.
    Better,
}

impl NoteKind {
    /// All, in menu order.
    pub const ALL: [Self; 7] =
        [Self::Note, Self::Finding, Self::Decision, Self::Problem, Self::Action, Self::Well, Self::Better];

    /// The name on screen, on the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Finding => "finding",
            Self::Decision => "decision",
            Self::Problem => "problem",
            Self::Action => "action",
            Self::Well => "well",
            Self::Better => "better",
        }
    }

    /// What stands in front of its text.
    pub fn label(self) -> &'static str {
        match self {
            Self::Well => "went well",
            Self::Better => "could be better",
            _ => self.name(),
        }
    }
}

/// State of a checklist item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// Not looked at.
    #[default]
    Open,
    /// Works.
    Passed,
    /// Does not work.
    Failed,
    /// Does not apply here.
    Na,
}

impl CheckState {
    /// The name in JSON and in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Na => "na",
        }
    }
}
