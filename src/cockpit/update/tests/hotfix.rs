//! The hotfix menu: what each row says, why it cannot be used, and what it asks for.

use super::*;
use crate::config::types::{Flow, Hotfix};
use crate::hotfix::outlook::{Bump, Forecast, Outlook, Verdict};
use crate::hotfix::pull::{Looked, Pull, PullState};
use crate::hotfix::state::{Commit, Upstream};
use crate::plan::HotfixRequest;

fn state() -> BranchState {
    BranchState { remote: Some("origin".into()), ..branch() }
}

fn outlook(from: &str, to: &str, verdicts: [Verdict; 2]) -> Outlook {
    let [main, develop] = verdicts;
    let forecast = |into: &str, verdict| Forecast {
        into: into.into(),
        reference: format!("refs/heads/{into}"),
        commit: "1".repeat(40),
        verdict,
    };
    Outlook {
        branch: "hotfix/pool".into(),
        commit: "4f2c91e0".into(),
        forecasts: vec![forecast("main", main), forecast("develop", develop)],
        bump: Some(Bump { from: from.into(), to: to.into(), tag: "v1.2.4".into(), disagree: Vec::new() }),
        ..Outlook::default()
    }
}

fn pull() -> Pull {
    Pull {
        number: 412,
        url: "https://git.example/shop/pull/412".into(),
        title: "HOTFIX: Checkout answers 500".into(),
        state: PullState::Open,
        head: "4f2c91e0".into(),
        approved_by: Vec::new(),
        changes_wanted_by: Vec::new(),
        waits_for: vec!["omar".into()],
        checks: Vec::new(),
        mergeable: Some(true),
        held_by: String::new(),
    }
}

fn on(flow: Flow, state: BranchState) -> Table {
    let mut table = Table::ready();
    table.model.config.config.hotfix = Hotfix { flow, ..Hotfix::default() };
    table.send(Msg::Fact(Fact::Branch(Box::new(Ok(state)))));
    table
}

/// The rows of the menu: key, label, and why not.
fn rows(table: &mut Table) -> Vec<(String, String, Option<String>)> {
    table.keys("h");
    let Some(Overlay::Menu(menu)) = table.model.overlays.pop() else { panic!("no menu") };
    menu.items
        .into_iter()
        .map(|item| (item.key.map_or_else(String::new, |key| key.to_string()), item.label, item.disabled))
        .collect()
}

fn row(table: &mut Table, key: &str) -> (String, Option<String>) {
    let found = rows(table).into_iter().find(|(own, ..)| own == key);
    let (_, label, disabled) = found.unwrap_or_else(|| panic!("no row {key}"));
    (label, disabled)
}

fn asked(effects: &[Effect]) -> Option<&HotfixRequest> {
    match effects {
        [Effect::Prepare(Request::Hotfix(wanted))] => Some(wanted),
        _ => None,
    }
}

#[test]
fn git_flow_says_where_finishing_brings_the_fix_and_what_will_conflict() {
    let mut table = on(Flow::GitFlow, state());
    let conflicts = Verdict::Conflicts(vec!["src/pool.rs".into()]);
    table.send(Msg::Fact(Fact::Outlook(Box::new(outlook("1.2.3", "1.2.4", [Verdict::Clean, conflicts])))));
    let (label, disabled) = row(&mut table, "f");
    assert_eq!(label, "finish hotfix/pool → main, tag v1.2.4, develop · ▲ conflicts with develop");
    assert_eq!(disabled, None);
    assert_eq!(row(&mut table, "m"), ("main and the tag first, develop later".to_owned(), None));
    assert_eq!(row(&mut table, "b").1.as_deref(), Some("already bumped: 1.2.3 → 1.2.4"));
    let effects = table.keys("h m");
    assert!(matches!(asked(&effects), Some(HotfixRequest::Finish { main_first: true, .. })), "{effects:?}");
    let effects = table.keys("h f");
    let Some(HotfixRequest::Finish { main_first: false, text }) = asked(&effects) else {
        panic!("{effects:?}")
    };
    assert_eq!(text.title, "HOTFIX: Checkout answers 500");
}

#[test]
fn a_version_that_is_not_raised_keeps_git_flow_from_finishing_and_offers_the_bump() {
    let mut table = on(Flow::GitFlow, state());
    table.send(Msg::Fact(Fact::Outlook(Box::new(outlook(
        "1.2.3",
        "1.2.3",
        [Verdict::Clean, Verdict::Clean],
    )))));
    assert_eq!(row(&mut table, "b"), ("bump the version 1.2.3 → 1.2.4".to_owned(), None));
    assert_eq!(row(&mut table, "f").1.as_deref(), Some("the version is still 1.2.3: bump it (b)"));
    let effects = table.keys("h b");
    assert_eq!(asked(&effects), Some(&HotfixRequest::Bump { version: None }));
}

#[test]
fn what_is_known_of_another_commit_is_not_said() {
    let mut table = on(Flow::GitFlow, state());
    let stale = Outlook {
        commit: "9".repeat(40),
        ..outlook("1.2.3", "1.2.3", [Verdict::Clean, Verdict::Conflicts(Vec::new())])
    };
    table.send(Msg::Fact(Fact::Outlook(Box::new(stale))));
    assert_eq!(row(&mut table, "f"), ("finish hotfix/pool → main, develop".to_owned(), None));
    assert_eq!(row(&mut table, "b"), ("bump the version".to_owned(), None));
}

#[test]
fn what_is_left_of_a_merge_back_is_named_and_can_be_finished() {
    let mut table = on(Flow::GitFlow, BranchState { ahead: 0, ..state() });
    table.send(Msg::Fact(Fact::Outlook(Box::new(outlook(
        "1.2.4",
        "1.2.4",
        [Verdict::Contained, Verdict::Clean],
    )))));
    assert_eq!(row(&mut table, "f"), ("finish hotfix/pool → develop".to_owned(), None));
    assert_eq!(row(&mut table, "m").1.as_deref(), Some("main has it"));
}

#[test]
fn pushing_says_how_much_and_when_there_is_nothing() {
    let upstream =
        |ahead, behind| Some(Upstream { name: "origin/hotfix/pool".into(), exists: true, ahead, behind });
    let with = |upstream| on(Flow::GithubFlow, BranchState { upstream, ..state() });
    assert_eq!(row(&mut with(upstream(2, 0)), "p"), ("push 2 commits → origin/hotfix/pool".to_owned(), None));
    assert_eq!(row(&mut with(upstream(0, 0)), "p").1.as_deref(), Some("nothing to push"));
    let diverged = row(&mut with(upstream(1, 3)), "p").1.unwrap();
    assert!(diverged.contains("3 commits more"), "{diverged}");
    let mut never = with(None);
    assert_eq!(row(&mut never, "p"), ("push hotfix/pool → origin".to_owned(), None));
    assert_eq!(asked(&never.keys("h p")), Some(&HotfixRequest::Push));
}

#[test]
fn on_no_hotfix_branch_only_starting_and_fetching_make_sense() {
    let head = Head::Branch { name: "main".into(), commit: "4f2c91e0".into() };
    let mut table = on(Flow::GitFlow, BranchState { head, ahead: 0, ..state() });
    for key in ["b", "p", "f", "m", "X"] {
        assert_eq!(row(&mut table, key).1.as_deref(), Some("not on a hotfix branch"), "{key}");
    }
    assert_eq!(row(&mut table, "s"), ("start hotfix/… from main".to_owned(), None));
    assert_eq!(asked(&table.keys("h u")), Some(&HotfixRequest::Fetch));
    assert!(table.keys("h f").is_empty(), "a row that cannot be used asks for nothing");
    let mut alone = on(Flow::GitFlow, branch());
    assert_eq!(row(&mut alone, "u").1.as_deref(), Some("no remote"));
}

#[test]
fn that_no_hotfix_is_needed_is_recorded_by_a_key_once_and_with_a_reason() {
    let mut table = on(Flow::GitFlow, state());
    assert!(table.keys("h n").is_empty());
    let effects = table.talks("it is the provider's outage⏎");
    let [Effect::Append(drafts)] = effects.as_slice() else { panic!("{effects:?}") };
    let Body::Noted(noted) = &drafts[0].body else { panic!("{drafts:?}") };
    assert_eq!(
        (noted.kind, noted.text.as_str()),
        (NoteKind::Decision, "no hotfix: it is the provider's outage")
    );
    let record = table.record(drafts[0].body.clone());
    table.send(Msg::Fact(Fact::Records(vec![record])));
    let said = table.model.incident().unwrap().no_hotfix.clone();
    assert_eq!(said.map(|(_, why)| why).as_deref(), Some("it is the provider's outage"));
    assert_eq!(row(&mut table, "n").1.as_deref(), Some("decided already: it is the provider's outage"));
}

#[test]
fn the_trunk_flow_works_on_the_base_and_needs_no_name() {
    let head = Head::Branch { name: "main".into(), commit: "4f2c91e0".into() };
    let upstream = Some(Upstream { name: "origin/main".into(), exists: true, ahead: 1, behind: 0 });
    let mut table = on(Flow::Trunk, BranchState { head, upstream, ahead: 0, ..state() });
    assert_eq!(row(&mut table, "s"), ("bring main up to date".to_owned(), None));
    assert_eq!(row(&mut table, "f"), ("finish: push main → origin".to_owned(), None));
    assert_eq!(asked(&table.keys("h s")), Some(&HotfixRequest::Start { name: String::new() }));
    assert!(rows(&mut table).iter().all(|(key, ..)| key != "m" && key != "X" && key != "l"));
}

#[test]
fn github_flow_opens_a_pull_request_then_merges_the_one_there_is() {
    let mut table = on(Flow::GithubFlow, state());
    assert_eq!(row(&mut table, "f").0, "finish: open a pull request into main");
    assert!(row(&mut table, "l").1.is_some());
    table.send(Msg::Fact(Fact::Pull(Box::new(Looked::Known(pull())))));
    assert_eq!(row(&mut table, "f"), ("finish: merge #412 into main".to_owned(), None));
    assert_eq!(table.keys("h l"), [Effect::Copy("https://git.example/shop/pull/412".into())]);
    let wanted = Pull { changes_wanted_by: vec!["omar".into()], ..pull() };
    table.send(Msg::Fact(Fact::Pull(Box::new(Looked::Known(wanted)))));
    assert_eq!(row(&mut table, "f").1.as_deref(), Some("#412: omar wants changes"));
}

#[test]
fn what_is_not_counted_yet_is_not_taken_for_none() {
    let mut table = on(Flow::GitFlow, BranchState { ahead: 0, ..state() });
    if let Some(Ok(branch)) = &mut table.model.branch {
        branch.not_yet.counts = true;
    }
    for key in ["p", "f"] {
        assert_eq!(row(&mut table, key).1.as_deref(), Some("commits are being counted"), "{key}");
    }
}

#[test]
fn enter_on_a_commit_shows_what_it_changed_and_elsewhere_zooms() {
    let commit = Commit {
        id: "4f2c91e0".repeat(5),
        subject: "fix: raise pool limit".into(),
        author: "li".into(),
        at: time(5),
    };
    let mut table = on(Flow::GitFlow, BranchState { commits: vec![commit.clone()], ..state() });
    let effects = table.keys("3 enter");
    assert!(
        matches!(effects.as_slice(), [Effect::ReadChange { commit: read }] if *read == commit.id),
        "{effects:?}"
    );
    let mut bare = on(Flow::GitFlow, state());
    assert!(bare.keys("3 enter").is_empty() && bare.model.zoom);
}

#[test]
fn the_log_of_a_failed_check_is_asked_for_and_shown_from_its_end() {
    use crate::hotfix::pull::{Check, CheckState, Printed, lines};
    use crate::hotfix::suspects::ChangeText;

    let mut table = on(Flow::GithubFlow, state());
    let failed =
        |name: &str, job| Check { printed: Printed::Job(job), ..Check::new(name, CheckState::Failed) };
    let known =
        |checks: Vec<Check>| Msg::Fact(Fact::Pull(Box::new(Looked::Known(Pull { checks, ..pull() }))));
    table.send(known(vec![Check::new("build", CheckState::Passed)]));
    assert_eq!(row(&mut table, "c").1.as_deref(), Some("no check failed"));
    table.send(known(vec![failed("e2e", 7)]));
    assert_eq!(row(&mut table, "c").0, "log of e2e, which failed");
    assert_eq!(table.keys("h c"), [Effect::ReadCheck(Box::new(failed("e2e", 7)))]);
    let Some(Overlay::Change(view)) = table.model.overlays.last() else { panic!("it is shown") };
    let id = view.reading.expect("it is being read");
    let text = ChangeText { lines: lines("one\ntwo\n", false), ..ChangeText::default() };
    table.send(Msg::Done(id, Ok(Done::Change(Box::new(text)))));
    let Some(Overlay::Change(view)) = table.model.overlays.last() else { panic!("it is shown") };
    assert_eq!((view.text.lines.len(), view.top), (2, usize::MAX), "the end of it");
    table.keys("q");
    // Of several it is asked which.
    table.send(known(vec![failed("e2e", 7), failed("lint", 8)]));
    assert!(table.keys("h c").is_empty());
    assert_eq!(table.keys("l"), [Effect::ReadCheck(Box::new(failed("lint", 8)))]);
}
