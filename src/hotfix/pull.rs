//! The pull request of the branch (at GitLab: the merge request): what its place says of it.
//! Pure; asked over the network by others.

mod log;
mod text;

pub use log::{lines, without_time};
pub use text::text;

use std::fmt::Write as _;

use super::flows::pull::UNREADABLE;
use crate::plan::PullText;
use crate::text::{visible, visible_lines};

/// What is known of the pull request of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// The remote is at no place that is known to keep pull requests, and none is configured.
    NoPlace,
    /// It cannot be asked, and why: there is no token, the network is down. What was known before
    /// stays, with its age.
    Unknown {
        /// Why.
        why: String,
        /// What was known last.
        last: Option<Pull>,
    },
    /// The branch has none.
    None,
    /// It has one.
    Known(Pull),
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Where it can be read.
    pub url: String,
    /// Its title.
    pub title: String,
    /// What became of it.
    pub state: PullState,
    /// The commit it offers, as a full id.
    pub head: String,
    /// Who has approved.
    pub approved_by: Vec<String>,
    /// Who wants changes.
    pub changes_wanted_by: Vec<String>,
    /// Who was asked and has not answered.
    pub waits_for: Vec<String>,
    /// Its checks, of each the newest run, in order of name.
    pub checks: Vec<Check>,
    /// Whether its place would merge it; `None`: it does not say yet.
    pub mergeable: Option<bool>,
    /// Why it would not, in its place's own words; may be empty.
    pub held_by: String,
}

/// What became of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullState {
    /// It is open.
    Open,
    /// It is open and said not to be ready.
    Draft,
    /// It was merged, as this commit where its place says so.
    Merged(Option<String>),
    /// It was closed without being merged.
    Closed,
}

/// A check of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// Where its host keeps what it printed.
    pub printed: Printed,
    /// Where people read it; may be empty.
    pub url: String,
}

impl Check {
    /// A check of which nobody knows what it printed.
    pub fn new(name: impl Into<String>, state: CheckState) -> Self {
        Self { name: name.into(), state, printed: Printed::Elsewhere, url: String::new() }
    }

    /// Tells whether it has failed, or never came to an end.
    pub fn is_bad(&self) -> bool {
        matches!(self.state, CheckState::Failed | CheckState::Cancelled)
    }
}

/// Where the host of a check keeps what it printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printed {
    /// Not there: it runs somewhere else.
    Elsewhere,
    /// With this job.
    Job(u64),
    /// With the jobs of this pipeline.
    Pipeline(u64),
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It passed.
    Passed,
    /// It failed or timed out.
    Failed,
    /// It has not ended.
    Running,
    /// It was cancelled, which is not passed.
    Cancelled,
    /// It was left out, or has no opinion.
    Skipped,
    /// It waits for a person.
    Waiting,
}

/// What the checks of a commit come to together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// None is there, or all were left out.
    None,
    /// These have not ended, or wait for a person.
    Waits(Vec<String>),
    /// These have failed, were cancelled, or cannot be read.
    Failed(Vec<String>),
    /// All have passed that were not left out: so many.
    Passed(usize),
}

/// Judges all checks of a commit.
pub fn verdict(checks: &[Check]) -> Verdict {
    let named = |wanted: &dyn Fn(&Check) -> bool| -> Vec<String> {
        checks.iter().filter(|check| wanted(check)).map(|check| check.name.clone()).collect()
    };
    let unreadable = |check: &Check| check.name.ends_with(UNREADABLE);
    let bad = |check: &Check| unreadable(check) || check.is_bad();
    let failed = named(&bad);
    let waits = named(&|check| matches!(check.state, CheckState::Running | CheckState::Waiting));
    let passed = checks.iter().filter(|check| check.state == CheckState::Passed).count();
    match (failed.is_empty(), waits.is_empty(), passed) {
        (false, ..) => Verdict::Failed(failed),
        (true, false, _) => Verdict::Waits(waits),
        (true, true, 0) => Verdict::None,
        (true, true, count) => Verdict::Passed(count),
    }
}

/// A pull request that a person has to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Why nobody else does, in one line.
    pub why: String,
    /// What it has to say.
    pub text: PullText,
    /// Labels it should have.
    pub labels: Vec<String>,
    /// Who should review it.
    pub reviewers: Vec<String>,
    /// Where the form is, filled in; `None`: nobody knows.
    pub link: Option<String>,
}

impl ByHand {
    /// All of it as text, ready to paste: title, body, and what else the form asks for.
    pub fn words(&self) -> String {
        let mut out =
            format!("{}\n\n{}\n", visible(&self.text.title), visible_lines(self.text.body.trim_end()));
        for (name, list) in [("labels", &self.labels), ("reviewers", &self.reviewers)] {
            if !list.is_empty() {
                let _ = write!(out, "\n{name}: {}", visible(&list.join(", ")));
            }
        }
        out.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_come_to_one_verdict_and_none_that_ran_is_none() {
        let check = |name: &str, state| Check::new(name, state);
        let (good, skipped) = (check("build", CheckState::Passed), check("docs", CheckState::Skipped));
        let running = check("e2e", CheckState::Running);
        assert_eq!(verdict(&[]), Verdict::None);
        assert_eq!(verdict(std::slice::from_ref(&skipped)), Verdict::None, "nothing was looked at");
        assert_eq!(verdict(&[good.clone(), skipped]), Verdict::Passed(1));
        assert_eq!(verdict(&[good.clone(), running.clone()]), Verdict::Waits(vec!["e2e".to_owned()]));
        for state in [CheckState::Failed, CheckState::Cancelled] {
            let bad = check("lint", state);
            assert_eq!(
                verdict(&[good.clone(), running.clone(), bad]),
                Verdict::Failed(vec!["lint".to_owned()])
            );
        }
        let hidden = check(&format!("check runs {UNREADABLE}"), CheckState::Waiting);
        assert!(matches!(verdict(&[good, hidden]), Verdict::Failed(_)), "nobody gets it by waiting");
    }
}
