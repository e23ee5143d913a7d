//! The words of a pull request, from what is on record of the incident.

use std::fmt::Write as _;

use crate::config::types::Config;
use crate::hotfix::state::BranchState;
use crate::incident::{CheckState, PlanRun, Policy, State, UNDONE, WatchVerdict};
use crate::plan::PullText;
use crate::text::markdown::{inline, paragraphs};
use crate::text::visible;

/// Characters of a title that every place takes.
const LONGEST_TITLE: usize = 200;
/// Commits that are listed.
const MOST_COMMITS: usize = 30;

/// Title and body of a pull request that brings the branch into its base: what is wrong, why, what
/// is changed, how it was tested and how to go back. Text from outside stays text in it.
pub fn text(state: &State, branch: &BranchState, config: &Config) -> PullText {
    PullText {
        title: title(&config.hotfix.pull.title_prefix, &state.title),
        body: body(state, branch, config),
    }
}

/// A title of one line. It becomes the first line of a commit, where a name after `@` or a number
/// after `#` would call somebody or close something.
fn title(prefix: &str, about: &str) -> String {
    let about = visible(about.trim());
    let mut out = prefix.to_owned();
    let mut rest = about.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        let next = rest.peek();
        let calls = c == '@' && next.is_some_and(|next| next.is_alphanumeric());
        let names = "#!".contains(c) && next.is_some_and(char::is_ascii_digit);
        let gh = c == '-'
            && next.is_some_and(char::is_ascii_digit)
            && out.get(out.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case("gh-"));
        if calls || names || gh {
            out.push(' ');
        }
    }
    if out.chars().count() > LONGEST_TITLE {
        out = out.chars().take(LONGEST_TITLE - 1).chain(['…']).collect();
    }
    out
}

fn body(state: &State, branch: &BranchState, config: &Config) -> String {
    let mut out = String::new();
    section(&mut out, "What is wrong", &wrong(state, &Policy::built_in().with(&config.policy)));
    section(&mut out, "What is changed", &changed(branch));
    section(&mut out, "How it was tested", &tested(state, branch));
    section(&mut out, "How to go back", &back(state, branch));
    out
}

fn section(out: &mut String, heading: &str, text: &str) {
    let _ = write!(out, "{}## {heading}\n\n{}\n", if out.is_empty() { "" } else { "\n" }, text.trim_end());
}

fn wrong(state: &State, policy: &Policy) -> String {
    let since = state.started_at.strftime("%Y-%m-%d %H:%M UTC");
    let severity = policy.severity_name(state.severity);
    let mut out = format!("{}\n\n", paragraphs(&state.title));
    let _ = writeln!(out, "- Incident: {} ({severity}, {})", inline(&state.number), inline(&state.service));
    let _ = writeln!(out, "- Since: {since}");
    if !state.impact.trim().is_empty() {
        let _ = writeln!(out, "- Impact: {}", inline(&state.impact));
    }
    let cause = if state.cause.trim().is_empty() { "not known yet".to_owned() } else { inline(&state.cause) };
    let _ = writeln!(out, "- Cause: {cause}");
    out
}

fn changed(branch: &BranchState) -> String {
    let mut out = String::new();
    for commit in branch.commits.iter().rev().take(MOST_COMMITS) {
        let _ = writeln!(out, "- {} {}", short(&commit.id), inline(&commit.subject));
    }
    let more = branch.ahead.saturating_sub(branch.commits.len().min(MOST_COMMITS));
    if more > 0 {
        let _ = writeln!(out, "- and {more} more");
    }
    let size = &branch.size;
    if size.files > 0 {
        let files = if size.files == 1 { "1 file".to_owned() } else { format!("{} files", size.files) };
        let tests = if size.tests_touched { "tests among them" } else { "no test among them" };
        let _ = writeln!(out, "\n{files}, +{} −{}, {tests}.", size.insertions, size.deletions);
    }
    if out.is_empty() { "Nothing yet.".to_owned() } else { out }
}

/// What was run on the commit of the branch, and the checklist.
fn tested(state: &State, branch: &BranchState) -> String {
    let mut out = String::new();
    let commit = branch.commit().unwrap_or_default();
    let is_test = |plan: &&PlanRun| ["test", "smoke"].contains(&plan.purpose.as_str());
    let is_ours = |plan: &&PlanRun| plan.subject().is_some_and(|(at, dirty)| at == commit && !dirty);
    for plan in state.plans.iter().filter(is_test).filter(is_ours) {
        let _ = writeln!(out, "- {}: {}", inline(&plan.title), plan.state.name());
    }
    for release in state.releases.iter().filter(|release| release.commit == commit) {
        let became = match &release.verdict {
            Some((_, WatchVerdict::Failed, why)) if why == UNDONE => ", and undone".to_owned(),
            Some((_, WatchVerdict::Failed, why)) if why.is_empty() => ", where its watch failed".to_owned(),
            Some((_, WatchVerdict::Failed, why)) => format!(", where its watch failed: {}", inline(why)),
            Some((_, WatchVerdict::Passed, _)) => ", where its watch passed".to_owned(),
            Some((_, WatchVerdict::Unknown, _)) | None => String::new(),
        };
        let _ = writeln!(out, "- deployed to {}{became}", inline(&release.environment));
    }
    for tick in state.ticks.values() {
        let word = match tick.state {
            CheckState::Passed => "passed",
            CheckState::Failed => "failed",
            CheckState::Na => "not applicable",
            CheckState::Open => continue,
        };
        let _ = writeln!(out, "- by hand: {}: {word}", inline(&tick.title));
    }
    if out.is_empty() {
        let short = short(commit);
        return format!("Nothing is on record for {short} yet.");
    }
    out
}

fn back(state: &State, branch: &BranchState) -> String {
    let mut out = String::from("Revert the commit that this is squashed to, and deploy.\n");
    let good = state.releases.iter().rev().find(|release| release.is_good());
    if let Some(good) = good {
        let _ = writeln!(
            out,
            "Last known good in {}: {} ({}).",
            inline(&good.environment),
            inline(&good.name()),
            short(&good.commit)
        );
    } else if let Some(tag) = &branch.last_tag {
        let _ = writeln!(out, "The version before is {}.", inline(tag));
    }
    out
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::hotfix::state::{ChangeSize, Commit, Head};
    use crate::incident::{Author, Declared, Draft, Hash, Hlc, IncidentId, Log, Record, RecordId, Release};

    const COMMIT: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";

    fn state(title: &str, impact: &str) -> State {
        let declared = Declared {
            number: "INC-2026-0007".into(),
            title: title.into(),
            service: "payments-api".into(),
            impact: impact.into(),
            ..Declared::example()
        };
        let at = Hlc { wall_ms: 1_772_719_200_000, count: 0 };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), declared);
        let author = Author { name: "maya".into(), node: 1 };
        let (record, _) =
            Record::seal(RecordId(Uuid::from_u128(2)), draft, author, at, Hash::default()).unwrap();
        Log::new(vec![record]).unwrap().state().clone()
    }

    #[test]
    fn what_failed_on_staging_is_not_said_to_be_tested_there() {
        let deployed = |verdict: Option<(WatchVerdict, &str)>| {
            let mut state = state("Checkout answers 500", "");
            state.releases.push(Release {
                environment: "staging".into(),
                reference: "hotfix/x".into(),
                commit: COMMIT.into(),
                tag: None,
                version: None,
                plan: "deploy-staging-1".into(),
                rollback: false,
                replaces: None,
                by: "maya".into(),
                at: Timestamp::UNIX_EPOCH,
                verdict: verdict.map(|(how, why)| (Timestamp::UNIX_EPOCH, how, why.to_owned())),
                vouched: false,
            });
            text(&state, &branch(), &Config::default()).body
        };
        for (verdict, wanted) in [
            (None, "- deployed to staging\n"),
            (Some((WatchVerdict::Passed, "")), "- deployed to staging, where its watch passed\n"),
            (Some((WatchVerdict::Failed, "503")), "- deployed to staging, where its watch failed: 503\n"),
            (Some((WatchVerdict::Failed, UNDONE)), "- deployed to staging, and undone\n"),
        ] {
            let body = deployed(verdict);
            assert!(body.contains(wanted), "{wanted} in\n{body}");
        }
    }

    fn branch() -> BranchState {
        let head = Head::Branch { name: "hotfix/x".into(), commit: COMMIT.into() };
        let mut branch = BranchState::new("/r", head);
        branch.commits = vec![Commit {
            id: COMMIT.into(),
            subject: "fix: @li raise the limit, closes #12".into(),
            author: "Li".into(),
            at: Timestamp::UNIX_EPOCH,
        }];
        branch.ahead = 1;
        branch.size = ChangeSize { files: 2, insertions: 18, deletions: 4, tests_touched: true };
        branch.last_tag = Some("v1.2.3".into());
        branch
    }

    #[test]
    fn a_title_calls_nobody_and_closes_nothing() {
        assert_eq!(title("HOTFIX: ", " fixes #12 for @omar, GH-3\n"), "HOTFIX: fixes # 12 for @ omar, GH- 3");
        assert_eq!(title("HOTFIX: ", "a@b costs 5 #"), "HOTFIX: a@ b costs 5 #");
        assert_eq!(title("", &"x".repeat(500)).chars().count(), 200);
        assert!(!title("", "a\u{202e}b\nc").contains(['\u{202e}', '\n']));
    }

    #[test]
    fn the_body_says_what_why_tested_and_back() {
        let state = state("Checkout answers 500 [x](https://evil.test)", "no orders @everyone");
        let text = text(&state, &branch(), &Config::default());
        assert!(text.title.starts_with("HOTFIX: Checkout answers 500"), "{}", text.title);
        let body = &text.body;
        for wanted in [
            "## What is wrong",
            "- Impact: no orders `@`everyone",
            "- Cause: not known yet",
            "4f2c91e fix: `@`li",
            "closes `#`12",
            "2 files, +18 −4, tests among them.",
            "Nothing is on record for 4f2c91e",
            "The version before is v1.2.3.",
        ] {
            assert!(body.contains(wanted), "{wanted} in\n{body}");
        }
        assert!(!body.contains(" [x]") && !body.contains("https://"), "{body}");
    }
}
