//! The words an incident is told in: severities, phases, kinds of notes, states of checks.

use serde::{Deserialize, Serialize};

/// How bad it is. The order is from worst to least: `P0 < P1 < P2`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum Severity {
    /// Critical.
    P0,
    /// High.
    P1,
    /// Medium.
    P2,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 3] = [Self::P0, Self::P1, Self::P2];

    /// The name on screen and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::P0 => "P0",
            Self::P1 => "P1",
            Self::P2 => "P2",
        }
    }

    /// Reads `P0`, `p0` or `0`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|s| s.name().eq_ignore_ascii_case(text) || s.name().trim_start_matches('P') == text)
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
