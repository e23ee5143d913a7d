//! The branch of the fix and its pull request, in plain text and in `status --json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::sheet::{Hue, Line, Sheet};
use super::situation::Situation;
use super::status_ahead;
use super::status_text::{ago, more, short};
use crate::config::types::Hotfix as Made;
use crate::hotfix::outlook::Outlook;
use crate::hotfix::pull::{Check, CheckState, Looked, Pull, PullState};
use crate::hotfix::state::{BaseAt, BranchState, Head};
use crate::text::{counted, visible};

/// Commits that are listed: the rest is counted, never dropped in silence.
const COMMITS: usize = 5;

#[derive(Debug, Serialize)]
pub(super) struct Hotfix<'a> {
    flow: &'static str,
    flow_from: String,
    branch: Option<&'a str>,
    base: Option<&'a str>,
    head: Option<&'a str>,
    ahead: usize,
    behind: usize,
    pushed: bool,
    clean: bool,
    operation: Option<&'static str>,
    commits: Vec<Commit<'a>>,
    files: usize,
    insertions: usize,
    deletions: usize,
    version: Option<&'a str>,
    tests_touched: bool,
    /// How the merges would go, by the branch merged into; `null`: nobody looked.
    forecast: Option<BTreeMap<&'a str, status_ahead::Forecast<'a>>>,
    /// Growth, version and where the fix is; `null`: nobody looked.
    outlook: Option<status_ahead::Ahead<'a>>,
    /// Commits that the base here lacks of the remote's, as of the last fetch.
    base_behind: Option<usize>,
    /// Open release branches and other hotfixes, here or at the remote.
    releases: Vec<&'a str>,
    other_hotfixes: Vec<&'a str>,
    fetched_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Commit<'a> {
    id: &'a str,
    subject: &'a str,
    author: &'a str,
    at: Timestamp,
}

/// The pull request of the branch.
#[derive(Debug, Serialize)]
pub(super) struct PullRequest<'a> {
    number: u64,
    url: &'a str,
    title: &'a str,
    state: &'static str,
    /// The commit it offers.
    head: &'a str,
    approved_by: &'a [String],
    changes_wanted_by: &'a [String],
    waits_for: &'a [String],
    checks: Vec<PullCheck<'a>>,
    /// Why it cannot be merged, or why this may be out of date; empty: neither.
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct PullCheck<'a> {
    name: &'a str,
    state: &'static str,
}

/// Writes how the branch stands, and its pull request.
pub(super) fn hotfix(page: &mut Sheet, situation: &Situation, branch: &BranchState) {
    page.section("HOTFIX");
    let name = match &branch.head {
        Head::Branch { name, .. } => name.clone(),
        Head::Detached { commit } => format!("no branch, at {}", short(commit)),
        Head::Unborn { name } => format!("{name}, without a commit"),
    };
    let mut facts = vec![(name, Hue::Strong), (situation.settings.flow.name().to_owned(), Hue::Dim)];
    let on_base = branch.base.as_deref() == branch.branch();
    if let Some(base) = branch.base.as_ref().filter(|_| !on_base) {
        facts.push((format!("{} ahead of {base}, {} behind", branch.ahead, branch.behind), Hue::Plain));
    }
    facts.push(match &branch.upstream {
        Some(upstream) if upstream.exists && upstream.ahead == 0 => ("pushed".to_owned(), Hue::Good),
        Some(upstream) if upstream.exists => (format!("{} to push", upstream.ahead), Hue::Warn),
        _ => ("not pushed".to_owned(), Hue::Warn),
    });
    facts.push(match branch.dirty_count {
        0 => ("clean".to_owned(), Hue::Good),
        1 => ("1 file changed".to_owned(), Hue::Warn),
        many => (format!("{many} files changed"), Hue::Warn),
    });
    if let Some(operation) = branch.operation {
        facts.push((format!("in the middle of a {}", operation.name()), Hue::Bad));
    }
    if let Some(version) = &branch.version {
        facts.push((format!("version {version}"), Hue::Plain));
    }
    if branch.ahead > 0 && !on_base {
        let size = branch.size;
        let s = if size.files == 1 { "" } else { "s" };
        facts.push((format!("{} file{s} +{} −{}", size.files, size.insertions, size.deletions), Hue::Plain));
        let tests = if size.tests_touched { ("with a test", Hue::Good) } else { ("no test yet", Hue::Warn) };
        facts.push((tests.0.to_owned(), tests.1));
    }
    page.flow(facts, " · ");
    if let Some((_, why)) = &situation.state.no_hotfix {
        page.prose(&format!("no hotfix needed: {}", visible(why)), Hue::Plain);
    }
    let production = situation.production.as_str();
    if let Some(finished) = situation.state.finished_outside(production) {
        page.prose(&format!("▲ {} · {}", finished.name, finished.lacks(production)), Hue::Warn);
    }
    for (label, facts) in status_ahead::facts(branch, situation.outlook.as_ref()) {
        // The others say by themselves what they are about.
        let word = match label {
            "bump" => "version ",
            "fix is in" => "fix is in ",
            _ => "",
        };
        let first = |(index, (text, hue)): (usize, status_ahead::Fact)| {
            (if index == 0 { format!("{word}{text}") } else { text }, hue)
        };
        page.flow(facts.into_iter().enumerate().map(first).collect(), " · ");
    }
    pull(page, situation);
    for commit in branch.commits.iter().take(COMMITS) {
        page.line(
            Line::new()
                .put(short(&commit.id), Hue::Dim)
                .plain("  ")
                .cell(&commit.subject, 40, Hue::Plain)
                .plain("  ")
                .cell(&commit.author, 10, Hue::Dim)
                .plain(" ")
                .put(&ago(commit.at, situation.now), Hue::Dim),
        );
    }
    more(page, branch.ahead.saturating_sub(COMMITS.min(branch.commits.len())), "commits");
}

/// Its pull request: what became of it, who is waited for, and where it can be read.
fn pull(page: &mut Sheet, situation: &Situation) {
    let (pull, why) = match &situation.pull {
        None | Some(Looked::NoPlace) => return,
        Some(Looked::None) => return page.prose("no pull request yet", Hue::Dim),
        Some(Looked::Unknown { why, last: None }) => {
            return page.prose(&format!("? pull request: {}", visible(why)), Hue::Warn);
        }
        Some(Looked::Unknown { why, last: Some(pull) }) => (pull, Some(why)),
        Some(Looked::Known(pull)) => (pull, None),
    };
    let mut facts = vec![(format!("PR #{}", pull.number), Hue::Strong)];
    facts.push(match &pull.state {
        PullState::Merged(Some(commit)) => (format!("merged as {}", short(commit)), Hue::Good),
        PullState::Merged(None) => ("merged".to_owned(), Hue::Good),
        PullState::Closed => ("closed, not merged".to_owned(), Hue::Bad),
        PullState::Draft => ("draft".to_owned(), Hue::Dim),
        PullState::Open => ("open".to_owned(), Hue::Plain),
    });
    if matches!(pull.state, PullState::Open | PullState::Draft) {
        facts.extend(review(pull));
    }
    page.flow(facts, " · ");
    page.prose(&visible(&pull.url), Hue::Dim);
    if let Some(why) = why {
        page.prose(&format!("? as it was: {}", visible(why)), Hue::Warn);
    }
}

/// What people and checks said of it so far.
fn review(pull: &Pull) -> Vec<(String, Hue)> {
    let names = |people: &[String]| visible(&people.join(", ")).into_owned();
    let mut facts = Vec::new();
    if !pull.changes_wanted_by.is_empty() {
        facts.push((format!("✗ {} wants changes", names(&pull.changes_wanted_by)), Hue::Bad));
    }
    if !pull.approved_by.is_empty() {
        facts.push((format!("✓ approved by {}", names(&pull.approved_by)), Hue::Good));
    }
    if !pull.waits_for.is_empty() {
        facts.push((format!("waits for {}", names(&pull.waits_for)), Hue::Warn));
    }
    let bad: Vec<String> =
        pull.checks.iter().filter(|check| check.is_bad()).map(|check| check.name.clone()).collect();
    let of = |state: CheckState| pull.checks.iter().filter(|check| check.state == state).count();
    if !bad.is_empty() {
        facts.push((format!("✗ failed: {}", names(&bad)), Hue::Bad));
    }
    let left = of(CheckState::Running) + of(CheckState::Waiting);
    if left > 0 {
        facts.push((format!("{} not done", counted(left, "check")), Hue::Warn));
    } else if bad.is_empty() && of(CheckState::Passed) > 0 {
        facts.push((format!("✓ {} passed", counted(of(CheckState::Passed), "check")), Hue::Good));
    }
    if pull.mergeable == Some(false) && !pull.held_by.is_empty() {
        facts.push((visible(&pull.held_by).into_owned(), Hue::Warn));
    }
    facts
}

/// The branch, also as `hotfix status --json` prints it.
pub(super) fn json<'a>(made: &Made, branch: &'a BranchState, outlook: Option<&'a Outlook>) -> Hotfix<'a> {
    Hotfix {
        flow: made.flow.name(),
        flow_from: made.flow_from.to_string(),
        branch: branch.branch(),
        base: branch.base.as_deref(),
        head: branch.commit(),
        ahead: branch.ahead,
        behind: branch.behind,
        pushed: branch.upstream.as_ref().is_some_and(|upstream| upstream.exists && upstream.ahead == 0),
        clean: branch.dirty_count == 0 && branch.operation.is_none(),
        operation: branch.operation.map(crate::hotfix::state::Operation::name),
        commits: branch
            .commits
            .iter()
            .map(|commit| Commit {
                id: &commit.id,
                subject: &commit.subject,
                author: &commit.author,
                at: commit.at,
            })
            .collect(),
        files: branch.size.files,
        insertions: branch.size.insertions,
        deletions: branch.size.deletions,
        version: branch.version.as_deref(),
        tests_touched: branch.size.tests_touched,
        forecast: status_ahead::forecasts(outlook),
        outlook: status_ahead::json(outlook),
        base_behind: branch.base_upstream.as_ref().filter(|at| at.exists).map(|at| at.behind),
        releases: branch.releases.iter().map(BaseAt::short).collect(),
        other_hotfixes: others(branch),
        fetched_at: branch.fetched_at,
    }
}

/// Hotfix branches besides the one that is checked out.
fn others(branch: &BranchState) -> Vec<&str> {
    let here = branch.hotfix_branches.iter().filter(|name| branch.branch() != Some(name.as_str()));
    here.chain(&branch.remote_hotfixes).map(String::as_str).collect()
}

/// The pull request; `None`: there is none, or nobody could ask.
pub(super) fn pull_json(situation: &Situation) -> Option<PullRequest<'_>> {
    let (pull, why) = match situation.pull.as_ref()? {
        Looked::Known(pull) => (pull, None),
        Looked::Unknown { why, last: Some(pull) } => (pull, Some(why)),
        Looked::NoPlace | Looked::None | Looked::Unknown { last: None, .. } => return None,
    };
    let held = Some(&pull.held_by).filter(|_| pull.mergeable == Some(false));
    Some(PullRequest {
        number: pull.number,
        url: &pull.url,
        title: &pull.title,
        state: match pull.state {
            PullState::Open => "open",
            PullState::Draft => "draft",
            PullState::Merged(_) => "merged",
            PullState::Closed => "closed",
        },
        head: &pull.head,
        approved_by: &pull.approved_by,
        changes_wanted_by: &pull.changes_wanted_by,
        waits_for: &pull.waits_for,
        checks: pull.checks.iter().map(check).collect(),
        why: why.or(held).map_or("", String::as_str),
    })
}

fn check(check: &Check) -> PullCheck<'_> {
    let state = match check.state {
        CheckState::Passed => "passed",
        CheckState::Failed => "failed",
        CheckState::Running => "running",
        CheckState::Cancelled => "cancelled",
        CheckState::Skipped => "skipped",
        CheckState::Waiting => "waiting",
    };
    PullCheck { name: &check.name, state }
}

#[cfg(test)]
mod tests {
    use super::super::sample::situation;
    use super::*;

    #[test]
    fn the_pull_request_of_the_fix_is_named_with_how_it_stands_and_where_it_is() {
        let check = |name: &str, state| Check::new(name, state);
        let pull = Pull {
            number: 12,
            url: "https://github.com/acme/shop/pull/12".into(),
            title: "Raise the pool limit".into(),
            state: PullState::Open,
            head: "a91c2fe".repeat(5),
            approved_by: vec!["omar".into()],
            changes_wanted_by: Vec::new(),
            waits_for: vec!["li".into()],
            checks: vec![check("unit", CheckState::Passed), check("e2e", CheckState::Running)],
            mergeable: None,
            held_by: String::new(),
        };
        let text = |looked: Looked| {
            let situation = Situation { pull: Some(looked), ..situation() };
            let mut page = Sheet::new(false);
            hotfix(&mut page, &situation, situation.hotfix.as_ref().unwrap());
            let json = serde_json::to_value(pull_json(&situation)).unwrap();
            (page.into_text(), json)
        };
        let (page, json) = text(Looked::Known(pull.clone()));
        assert!(page.contains("PR #12 · open · ✓ approved by omar · waits for li"), "{page}");
        assert!(page.contains("1 check not done") && page.contains("https://github.com/acme/shop/pull/12"));
        assert_eq!((&json["state"], &json["number"]), (&"open".into(), &12.into()), "{json}");
        assert_eq!(json["checks"][1]["state"], "running");
        let (page, json) = text(Looked::Unknown { why: "no token".into(), last: Some(pull) });
        assert!(page.contains("? as it was: no token") && json["why"] == "no token", "{page}");
        let (page, json) = text(Looked::None);
        assert!(page.contains("no pull request yet") && json.is_null(), "{page}");
    }
}
