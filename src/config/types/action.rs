//! Commands of a team's own, with a key each.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, DurationText, Environment};

/// A command of this team's own, in menu and palette, and on a key if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Name, unique among the actions: `restart-workers`.
    pub name: String,
    /// What it does, in a few words. Empty: its name says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Program and arguments, run at the root of the repository. `{ref}` stands for the current branch,
    /// `{commit}` for its commit, `{env}` for the environment that it reaches. No shell.
    pub run: Vec<String>,
    /// What it reaches: `nothing` beyond this machine, the name of an environment, or `others` for
    /// anything else. An environment that is protected asks for its name, approvals and freezes.
    pub reaches: String,
    /// The key that leads to it: `P`, `ctrl-x`, `f5`. One that flightdeck uses itself in that place is
    /// refused. Empty: it is in the menu of actions, and in the palette.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Where that key works.
    #[serde(default)]
    pub scope: ActionScope,
    /// After this long it is stopped: `15m`.
    #[serde(default = "super::default_check_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
    /// Names of environment variables and secrets it gets besides PATH, HOME and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// Where the key of an action works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionScope {
    /// In every pane.
    #[default]
    Everywhere,
    /// With the timeline focused.
    Timeline,
    /// With the health pane focused.
    Health,
    /// With the hotfix pane focused.
    Hotfix,
    /// With the checklist focused.
    Checklist,
    /// With the runs focused.
    Runs,
}

/// What something reaches that a team runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reaches<'a> {
    /// Nothing beyond this machine.
    Nothing,
    /// Something that others see, and no environment.
    Others,
    /// An environment.
    Environment(&'a Environment),
}

impl<'a> Reaches<'a> {
    /// The word for what reaches nothing beyond this machine.
    pub const NOTHING: &'static str = "nothing";
    /// The word for what others see.
    pub const OTHERS: &'static str = "others";

    /// Reads what is written; `None`: there is no environment of that name.
    pub fn parse(config: &'a Config, written: &str) -> Option<Self> {
        let environment = config.environments.iter().find(|env| env.name == written);
        match (environment, written) {
            // One that is called like a word keeps its gates.
            (Some(environment), _) => Some(Self::Environment(environment)),
            (None, Self::NOTHING) => Some(Self::Nothing),
            (None, Self::OTHERS) => Some(Self::Others),
            (None, _) => None,
        }
    }
}

impl Action {
    /// What it does, in a few words.
    pub fn about(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }
}
