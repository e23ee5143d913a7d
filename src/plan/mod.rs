//! What is going to change the world: plans, their steps and gates, and what was approved.
//!
//! Pure: no clock, no file, no environment, no network. How far a plan came is folded by
//! `incident`; here is what it will do.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::incident::Hash;

/// A list of steps, frozen with the commits and the target it was made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Short, unique in the incident, fit for a file name: `deploy-staging-3`.
    pub id: String,
    /// One line: `deploy hotfix/pool-limit to staging`.
    pub title: String,
    /// What for.
    pub purpose: Purpose,
    /// What is leased while it runs: an environment, `repository`, or a check.
    pub target: String,
    /// What has to be typed before it starts; `None`: Enter is enough.
    pub confirm: Option<String>,
    /// Ref name to the commit it was resolved to when the plan was made.
    pub frozen: BTreeMap<String, String>,
    /// What it will do, in order.
    pub steps: Vec<Step>,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Runs configured checks.
    Test,
    /// Deploys to an environment.
    Deploy,
    /// Smoke-tests an environment.
    Smoke,
    /// Works on the hotfix branch.
    Hotfix,
}

impl Purpose {
    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Deploy => "deploy",
            Self::Smoke => "smoke",
            Self::Hotfix => "hotfix",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// One line, shown in progress lists.
    pub title: String,
    /// What is done.
    pub action: Action,
    /// How to find out afterwards whether it is done; `None`: nobody can tell.
    pub proof: Option<Probe>,
    /// How far the step reaches.
    pub reach: Reach,
    /// After this long the step is stopped.
    pub timeout: SignedDuration,
    /// Whether running it twice does no harm.
    pub retry_is_safe: bool,
}

/// What a step does. One kind so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Runs a program in a pseudo-terminal of its own.
    Command(Command),
}

/// A program to run: a list of arguments, never a shell string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Absolute path of the directory it runs in.
    pub cwd: String,
    /// Names of further environment variables it gets besides the basic ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// Variables set by flightdeck itself: `FLIGHTDECK_REF` and the like.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
}

/// A command that asks the world whether a step is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The command.
    pub command: Command,
    /// What a line of its output must be for the answer *done*; with `None`, exit code 0
    /// means done and 1 means not done. Anything else is *unknown*.
    pub expect: Option<String>,
}

/// How far a step reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// This machine only.
    Here,
    /// An environment or a remote that others see.
    Others,
}

impl Plan {
    /// Hash over all that is approved: argv, working directories, environment names, values
    /// set, commits, target. Titles may be reworded without changing it.
    pub fn hash(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(|step| (&step.action, &step.proof)).collect();
        let approved = (&self.target, self.purpose.name(), &self.frozen, steps);
        // Maps are ordered and the types hold no floats: serialisation cannot fail or vary.
        Hash::of(&serde_json::to_vec(&approved).unwrap_or_default()).to_string()
    }

    /// Tells whether any step reaches others.
    pub fn reaches_others(&self) -> bool {
        self.steps.iter().any(|step| step.reach == Reach::Others)
    }
}

impl Command {
    /// The command line as a person would type it, quoted where a shell would need it.
    pub fn line(&self) -> String {
        shell_words::join(&self.argv)
    }
}

/// What a person asked for, before it is made into a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Run checks; all if none is named.
    Test {
        /// Their names.
        checks: Vec<String>,
    },
    /// Deploy to an environment.
    Deploy {
        /// Its name.
        environment: String,
        /// Branch or tag; `None`: the current branch.
        reference: Option<String>,
    },
    /// Smoke-test an environment.
    Smoke {
        /// Its name.
        environment: String,
    },
    /// Start a hotfix branch.
    HotfixStart {
        /// Name without the prefix.
        name: String,
    },
}
