//! Whom an environment of a code host waits for before a pipeline deploys to it, as its rules say. Pure.

use jiff::SignedDuration;
use serde::Deserialize;

use super::github::Reviewer;
use crate::incident::duration;
use crate::plan::forge::Forge;
use crate::text::{short_name, visible};

/// An environment of GitHub with its protection rules.
#[derive(Debug, Deserialize)]
pub struct Environment {
    #[serde(default)]
    protection_rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    wait_timer: Option<i64>,
    #[serde(default)]
    reviewers: Vec<Reviewer>,
}

/// A protected environment of GitLab.
#[derive(Debug, Deserialize)]
pub struct Protected {
    #[serde(default)]
    required_approval_count: u64,
    #[serde(default)]
    approval_rules: Vec<Approval>,
}

#[derive(Debug, Deserialize)]
struct Approval {
    #[serde(default)]
    access_level_description: Option<String>,
    #[serde(default)]
    required_approvals: Option<u64>,
}

/// What a deploy to an environment waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection {
    /// How many have to approve; 0: nobody has to.
    pub approvals: u64,
    /// Who may; empty: the host does not say.
    pub who: Vec<String>,
    /// How long a timer holds it.
    pub timer: SignedDuration,
}

impl From<Environment> for Protection {
    fn from(environment: Environment) -> Self {
        let mut all = Self::default();
        for rule in environment.protection_rules {
            match rule.kind.as_str() {
                "required_reviewers" => {
                    all.approvals = 1;
                    all.who.extend(rule.reviewers.into_iter().filter_map(Reviewer::title));
                }
                "wait_timer" => {
                    let minutes = rule.wait_timer.and_then(SignedDuration::try_from_mins);
                    all.timer = all.timer.max(minutes.unwrap_or_default());
                }
                _ => {}
            }
        }
        all
    }
}

impl From<Protected> for Protection {
    fn from(environment: Protected) -> Self {
        let rules = environment.approval_rules;
        let by_rules = rules.iter().map(|rule| rule.required_approvals.unwrap_or(1)).sum();
        let name = |rule: Approval| rule.access_level_description.as_deref().map(short_name);
        Self {
            approvals: environment.required_approval_count.max(by_rules),
            who: rules.into_iter().filter_map(name).collect(),
            timer: SignedDuration::ZERO,
        }
    }
}

impl Protection {
    /// Says whom or what a pipeline waits for there, as in `waits for team sre`; empty: nothing.
    pub fn brief(&self) -> String {
        let who: Vec<_> = self.who.iter().map(|who| visible(who).into_owned()).collect();
        let people = match (self.approvals, who.as_slice()) {
            (0, _) => None,
            (1, []) => Some("a reviewer".to_owned()),
            (1, who) => Some(who.join(" or ")),
            (count, []) => Some(format!("{count} approvals")),
            (count, who) => Some(format!("{count} approvals of {}", who.join(", "))),
        };
        let timer = (!self.timer.is_zero()).then(|| format!("a timer of {}", duration(self.timer)));
        timer.into_iter().chain(people).collect::<Vec<_>>().join(" and ")
    }

    /// Says what a pipeline waits for there; empty: nothing.
    pub fn lines(&self, place: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.timer.is_zero() {
            lines.push(format!("the pipeline waits {} ({place}, wait timer)", duration(self.timer)));
        }
        if self.approvals > 0 {
            let what = match self.approvals {
                1 => "a reviewer".to_owned(),
                count => format!("{count} approvals"),
            };
            let who: Vec<_> = self.who.iter().map(|who| visible(who).into_owned()).collect();
            let who = if who.is_empty() { String::new() } else { format!(": {}", who.join(", ")) };
            lines.push(format!("the pipeline waits for {what}{who} ({place})"));
        }
        lines
    }
}

/// Names an environment at its code host.
pub fn place(forge: Forge, environment: &str) -> String {
    let host = match forge {
        Forge::Github => "GitHub",
        Forge::Gitlab => "GitLab",
    };
    format!("{host} environment {}", visible(environment))
}
