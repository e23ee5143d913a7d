//! The commit that a push or merge of a plan itself brings about: unknown while the plan is made, learned once it is
//! there, and filled in from then on.

use serde::{Deserialize, Serialize};

use super::{Action, Ask, Command, ForgeCall, Pipeline, Plan, Probe, Purpose, Step};
use crate::incident::PlanRun;

/// What stands for the commit until it is known, as in commands of the configuration.
pub const TO_COME: &str = "{commit}";

/// What a plan pushes, or has merged, and a pipeline is started by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pushed {
    /// The branch that it goes to: `main`.
    pub branch: String,
    /// A tag that goes out with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Of a way back: the commit that it takes back, as a full id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// What tells the commit once it is there.
    pub commit: Learn,
}

/// What tells the commit that was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Learn {
    /// A command prints it.
    Command {
        /// The command.
        command: Command,
    },
    /// The code host says as which commit a pull request was merged.
    Merge {
        /// The merge.
        call: ForgeCall,
    },
}

/// Tells whether a text is a full id of a commit.
pub fn is_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Pipeline {
    /// Tells whether its commit is one that the plan has yet to bring about.
    pub fn awaits_commit(&self) -> bool {
        self.pushed.is_some() && self.commit == TO_COME
    }

    /// The same, of a commit that is known by now.
    #[must_use]
    pub fn of(&self, commit: &str) -> Self {
        let mut known = self.clone();
        commit.clone_into(&mut known.commit);
        known.each_command(|command| fill(command, commit));
        known
    }
}

impl Plan {
    /// The environments that its own pushes deploy to: those whose pipeline it follows, and the one that confirms it by
    /// its name, where nothing lets it follow that.
    pub fn pushes_to(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for step in &self.steps {
            if let Action::Pipeline(pipeline) = &step.action
                && pipeline.pushed.is_some()
                && !all.contains(&pipeline.environment.as_str())
            {
                all.push(&pipeline.environment);
            }
        }
        let word =
            self.confirm.as_deref().filter(|word| self.purpose == Purpose::Hotfix && !all.contains(word));
        all.extend(word);
        all
    }

    /// Fills in the commit that the pipeline of a step was started by, wherever it stands for what comes next.
    pub fn learn(&mut self, index: usize, commit: &str) {
        let Some(Step { action: Action::Pipeline(pipeline), proof, .. }) = self.steps.get_mut(index) else {
            return;
        };
        if !pipeline.awaits_commit() {
            return;
        }
        **pipeline = pipeline.of(commit);
        if let Some(Probe { ask, expect, .. }) = proof {
            if let Ask::Command(command) = ask {
                fill(command, commit);
            }
            if let Some(expect) = expect {
                *expect = expect.replace(TO_COME, commit);
            }
        }
        let environment = pipeline.environment.clone();
        for step in self.steps.iter_mut().skip(index) {
            if let Action::Watch(watch) = &mut step.action
                && let Some((name, judged)) = &mut watch.judges
                && *name == environment
                && judged == TO_COME
            {
                commit.clone_into(judged);
            }
        }
    }

    /// Fills in what is on record of such commits.
    #[must_use]
    pub fn with_learned(mut self, run: &PlanRun) -> Self {
        for (index, step) in run.steps.iter().enumerate() {
            let mut runs = step.run.iter().chain(step.earlier.iter().rev());
            let commit = runs.find_map(|run| run.remote.as_ref().map(|remote| remote.commit.as_str()));
            let commit = step.learned.as_deref().or(commit);
            if let Some(commit) = commit.filter(|commit| is_commit(commit)) {
                self.learn(index, commit);
            }
        }
        self
    }
}

fn fill(command: &mut Command, commit: &str) {
    for word in command.argv.iter_mut().chain(command.set.values_mut()) {
        *word = word.replace(TO_COME, commit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_a_full_id_and_nothing_else() {
        assert!(is_commit(&"4f2c91e0".repeat(5)) && is_commit(&"a".repeat(64)));
        for other in
            ["", "4f2c91e", "main", &"g".repeat(40), &format!("{} x", "a".repeat(38)), &"a".repeat(41)]
        {
            assert!(!is_commit(other), "{other}");
        }
    }
}
