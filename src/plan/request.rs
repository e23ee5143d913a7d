//! What people ask for, before it is made into a plan.

use jiff::SignedDuration;

/// What a person asked for, before it is made into a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Run checks; all if none is named.
    Test {
        /// Their names.
        checks: Vec<String>,
    },
    /// Wait for what the checks at the code host come to on the commit that is checked out.
    RemoteTest,
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
    /// Work on the hotfix branch.
    Hotfix(HotfixRequest),
    /// Go back to something that worked.
    Rollback {
        /// Name of the environment.
        environment: String,
        /// Id of the way; `None`: the best one that is ready.
        way: Option<String>,
    },
    /// Turn a feature flag on or off.
    Flag {
        /// Its name.
        name: String,
        /// On, or off.
        on: bool,
    },
    /// Carry out an action of the team's own.
    Action {
        /// Its name.
        name: String,
    },
    /// Run a block of commands of a runbook.
    Runbook {
        /// Its path from the root of the repository.
        path: String,
        /// Which block of commands, from 1.
        block: usize,
        /// SHA-256 of the bytes that were shown.
        shown: String,
    },
    /// Open issues for what is left to do.
    FollowUps {
        /// The issues, as they would be opened.
        texts: Vec<IssueText>,
    },
    /// Commit the report of an incident to a branch.
    Report(ReportText),
    /// Watch an environment.
    Watch {
        /// Its name.
        environment: String,
        /// How long; `None`: as configured, else as the policy says.
        time: Option<SignedDuration>,
    },
    /// Take one change back on the branch in production.
    Revert {
        /// The commit: a full id, or what names it.
        commit: String,
    },
    /// Search a range of commits for the one that broke a check.
    Bisect {
        /// Where it passes.
        good: String,
        /// Where it fails.
        bad: String,
        /// Name of the check; `None`: the only one.
        check: Option<String>,
    },
}

/// What is asked of the hotfix branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HotfixRequest {
    /// Fetch from the remote, in a terminal where you can answer prompts.
    Fetch,
    /// Start a branch; in the trunk flow, bring the base up to date.
    Start {
        /// Name without the prefix.
        name: String,
    },
    /// Raise the version in every file that holds it, and commit that.
    Bump {
        /// To this version; `None`: the next patch version.
        version: Option<String>,
    },
    /// Push the branch.
    Push,
    /// Bring the fix to where production is deployed from, as the flow has it. What is done
    /// already is left out, so it can be asked for again at any time.
    Finish {
        /// In git flow: leave the merges back for later, and let main and the tag go out first.
        main_first: bool,
        /// The words of a pull request, where one has to be opened.
        text: PullText,
    },
    /// Give the branch up.
    Abandon,
}

/// The words of an issue for something that is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueText {
    /// The record that says what is left to do.
    pub follow_up: String,
    /// What tells it from all others; it stands in its body.
    pub marker: String,
    /// Issues from before this time do not matter.
    pub since: String,
    /// Its title.
    pub title: String,
    /// Its body, as Markdown.
    pub body: String,
}

/// The report of an incident, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportText {
    /// The branch.
    pub branch: String,
    /// The file in it, from its root.
    pub path: String,
    /// The number of the incident.
    pub number: String,
    /// What was broken.
    pub title: String,
    /// The whole report.
    pub text: String,
}

/// The words of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PullText {
    /// Its title: `HOTFIX: raise the pool limit`.
    pub title: String,
    /// Its body, as Markdown.
    pub body: String,
}
