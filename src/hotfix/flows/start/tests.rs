use super::super::seen::testing::{Sight, commit};
use super::*;
use crate::failure::{Failure, FailureKind};
use crate::hotfix::state::{Head, Operation};
use crate::plan::Action;

fn begun(sight: &Sight, name: &str) -> Result<Plan> {
    start(&sight.seen(), name, &Others::default())
}

fn refusal(sight: &Sight, name: &str) -> Failure {
    begun(sight, name).unwrap_err()
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.action.line()).collect()
}

#[test]
fn the_branch_is_made_at_the_frozen_commit() {
    let plan = begun(&Sight::on("main"), "pool-limit").unwrap();
    let Action::Command(command) = &plan.steps[0].action else { panic!("no command") };
    let at = commit(1);
    assert_eq!(
        command.argv,
        ["git", "switch", "--no-track", "-c", "hotfix/pool-limit", &at].map(String::from)
    );
    assert_eq!(command.cwd, "/srv/payments");
    assert_eq!(plan.target, "repository");
    assert_eq!(plan.title, "start hotfix/pool-limit from main 1111111");
    assert_eq!(plan.frozen["refs/remotes/origin/main"], at);
    let proof = plan.steps[0].proof.as_ref().unwrap();
    assert!(proof.ask.line().contains("refs/heads/hotfix/pool-limit^{commit}"));
    assert_eq!(proof.expect.as_deref(), Some(at.as_str()));
    assert!(!plan.reaches_others() && plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn what_would_go_out_with_the_fix_is_named_with_the_way_out() {
    let commit = |id: &str, subject: &str, back| (id.to_owned(), subject.to_owned(), "li".to_owned(), back);
    let mut unshipped = Unshipped {
        environment: "production".into(),
        live: "v1.4.1".into(),
        commits: vec![commit("77b0d13", "docs: bank", false), commit("a95abf2", "feat: loyalty", true)],
        all: 4,
        rolled_back: 3,
    };
    let with = |unshipped: &Unshipped| Others { unshipped: Some(unshipped.clone()), ..Others::default() };
    let mut sight = Sight::on("main");
    let plan = start(&sight.seen(), "x", &with(&unshipped)).unwrap();
    assert_eq!(
        plan.warnings,
        [
            "this branch brings 4 commits that production (v1.4.1) does not run; 3 of them were rolled back there"
        ]
    );
    assert_eq!(
        plan.notes,
        [
            "to ship the fix without them: git switch --no-track -c hotfix/x v1.4.1, then deploy that branch",
            "from main, with the fix:",
            "  77b0d13 docs: bank (li)",
            "  a95abf2 feat: loyalty (li, rolled back)",
            "  and 2 more",
        ]
    );
    unshipped.rolled_back = 4;
    let plan = start(&sight.seen(), "x", &with(&unshipped)).unwrap();
    assert!(plan.warnings[0].ends_with("does not run; all were rolled back there"), "{:?}", plan.warnings);
    // What somebody began elsewhere is gone on with from where that is.
    sight.at_remote("hotfix/x", &super::super::seen::testing::commit(3));
    assert!(start(&sight.seen(), "x", &with(&unshipped)).unwrap().warnings.is_empty());
    sight.config.hotfix.flow = Flow::Trunk;
    let plan = start(&sight.seen(), "x", &with(&unshipped)).unwrap();
    assert!(plan.warnings[0].starts_with("a deploy of main brings 4 commits"), "{:?}", plan.warnings);
}

#[test]
fn a_stale_base_is_fetched_first_and_the_branch_made_where_the_remote_said() {
    let mut sight = Sight::on("main");
    sight.at_remote("main", &commit(2));
    let plan = begun(&sight, "x").unwrap();
    assert_eq!(
        lines(&plan),
        [
            "git fetch --no-prune origin".to_owned(),
            format!("git switch --no-track -c hotfix/x {}", commit(2))
        ]
    );
    let proof = plan.steps[0].proof.as_ref().unwrap();
    assert!(proof.ask.line().contains("refs/remotes/origin/main^{commit}"), "{}", proof.ask.line());
    assert_eq!(proof.expect, Some(commit(2)));
    assert!(plan.frozen.is_empty(), "fetching moves what it was read from");
    assert_eq!(plan.title, "start hotfix/x from origin/main 2222222");
    assert!(plan.notes[0].starts_with("main here is behind origin's, 2222222"), "{:?}", plan.notes);
    // A branch that is not fetched by itself.
    sight.tracking.clear();
    let plan = begun(&sight, "x").unwrap();
    assert_eq!(lines(&plan)[0], "git fetch --no-prune --no-tags origin refs/heads/main");
}

#[test]
fn commits_that_only_the_base_here_has_are_left_out_and_that_is_said() {
    let mut sight = Sight::on("main");
    let base = sight.base.as_mut().unwrap();
    (base.local, base.apart) = (Some(commit(3)), Some((2, 0)));
    let plan = begun(&sight, "x").unwrap();
    assert!(lines(&plan)[0].ends_with(&commit(1)), "{:?}", lines(&plan));
    assert_eq!(
        plan.notes,
        [
            "main here has 2 commits that origin does not have: the branch starts from there, 1111111",
            "what of them is needed: git cherry-pick origin/main..main",
        ]
    );
    sight.base.as_mut().unwrap().apart = Some((2, 1));
    let plan = begun(&sight, "x").unwrap();
    assert!(lines(&plan)[0].ends_with(&commit(1)));
    assert!(plan.notes[0].starts_with("main has diverged: 2 commits here"), "{:?}", plan.notes);
    assert!(plan.notes[1].contains("git rebase origin/main"), "{:?}", plan.notes);
}

#[test]
fn a_remote_that_cannot_be_asked_is_said_and_what_was_fetched_last_is_taken() {
    let mut sight = Sight::on("main");
    let why = "no route to host".to_owned();
    sight.remote = Remote::Silent { name: "origin".into(), why, fetched_at: None };
    let plan = begun(&sight, "x").unwrap();
    assert_eq!(lines(&plan), [format!("git switch --no-track -c hotfix/x {}", commit(1))]);
    assert!(plan.notes[0].starts_with("origin did not answer: no route to host"), "{:?}", plan.notes);
    assert!(plan.notes[1].contains("flightdeck hotfix fetch"), "{:?}", plan.notes);
    // Where there is none at all, what is here is all there is.
    sight.remote = Remote::None;
    let base = sight.base.as_mut().unwrap();
    (base.there, base.local) = (None, Some(commit(4)));
    let plan = begun(&sight, "x").unwrap();
    assert_eq!(plan.frozen["refs/heads/main"], commit(4));
    assert!(plan.notes[0].contains("no remote"), "{:?}", plan.notes);
}

#[test]
fn what_somebody_else_began_is_taken_up() {
    let mut sight = Sight::on("main");
    sight.at_remote("hotfix/x", &commit(5));
    sight.tracked("hotfix/x", None);
    let plan = begun(&sight, "x").unwrap();
    assert_eq!(
        lines(&plan),
        ["git fetch --no-prune origin", "git switch -c hotfix/x --track origin/hotfix/x"]
    );
    assert_eq!(plan.steps[1].guards.len(), 1, "only if it is what was shown");
    assert_eq!(plan.steps[1].proof.as_ref().unwrap().expect, Some(commit(5)));
    assert_eq!(plan.title, "continue hotfix/x of origin at 5555555");
    sight.tracked("hotfix/x", Some(&commit(5)));
    let plan = begun(&sight, "x").unwrap();
    assert_eq!((plan.steps.len(), plan.frozen["refs/remotes/origin/hotfix/x"].clone()), (1, commit(5)));
}

#[test]
fn other_open_work_is_mentioned() {
    let others = Others {
        hotfixes: vec![("hotfix/x".into(), false), ("hotfix/y".into(), false), ("hotfix/z".into(), true)],
        releases: vec!["release/1.4".into()],
        unknown: vec!["release/1.5".into()],
        ..Others::default()
    };
    let plan = start(&Sight::on("main").seen(), "x", &others).unwrap();
    assert_eq!(
        plan.notes,
        [
            "another hotfix is open: hotfix/y",
            "another hotfix is open: hotfix/z, only at origin",
            "release/1.4 is open: the fix also goes there",
            "release/1.5 may be open: fetching will tell",
        ]
    );
}

#[test]
fn a_flow_that_is_asked_for_is_kept_with_the_branch_and_with_the_base_for_the_incident() {
    let others = Others { incidents: vec!["id-1".into()], ..Others::default() };
    let last = |flow| {
        let mut sight = Sight::on("other");
        sight.config.hotfix = sight.config.hotfix.asked_for(Some(flow));
        lines(&start(&sight.seen(), "x", &others).unwrap()).pop().unwrap()
    };
    assert_eq!(last(Flow::GitFlow), "git config --replace-all branch.hotfix/x.flightdeckFlow git-flow");
    assert_eq!(last(Flow::Trunk), "git config --replace-all branch.main.flightdeckFlow 'trunk id-1'");
}

#[test]
fn the_prefix_may_be_given_and_changed_files_are_mentioned() {
    let mut dirty = Sight::on("main");
    dirty.state.dirty_count = 3;
    let plan = begun(&dirty, "hotfix/pool-limit").unwrap();
    assert_eq!(plan.title, "start hotfix/pool-limit from main 1111111; 3 changed files come along");
}

#[test]
fn names_that_git_or_a_shell_would_misread_are_refused() {
    for name in [
        "",
        "hotfix/",
        "-f",
        "--upload-pack=touch",
        "a b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[1]",
        "a\\b",
        "@{1}",
        "a\u{7f}",
        "a\nb",
        "a\u{202e}b",
        "$(touch${IFS}x)",
        "`id`",
        "a;b",
        "a&b",
        "a|b",
        "a'b",
        "a\"b",
        "a<b",
        ".hidden",
        "a/.b",
        "a.",
        "a.lock",
        "a.LOCK/b",
        "/a",
        "a/",
        "a//b",
    ] {
        let failure = refusal(&Sight::on("main"), name);
        assert_eq!(failure.kind, FailureKind::Usage, "{name:?}: {failure}");
        assert!(!failure.to_string().contains(['\u{7f}', '\u{202e}']), "{name:?}");
    }
    assert_eq!(refusal(&Sight::on("main"), &"x".repeat(300)).kind, FailureKind::Usage);
    for name in ["pool-limit", "JIRA-12_fix.2", "deep/er", "größe", "x"] {
        assert!(begun(&Sight::on("main"), name).is_ok(), "{name}");
    }
}

#[test]
fn a_prefix_from_the_configuration_is_checked_too() {
    let mut sight = Sight::on("main");
    sight.config.hotfix.prefix = "--orphan=".into();
    assert!(begun(&sight, "x").is_err());
    sight.config.hotfix.prefix = "$(id)/".into();
    assert!(begun(&sight, "x").is_err());
}

#[test]
fn what_exists_is_not_made_again() {
    let mut taken = Sight::on("main");
    taken.state.hotfix_branches = vec!["hotfix/pool-limit".into()];
    assert!(refusal(&taken, "pool-limit").cause.contains("already"));
    assert!(refusal(&taken, "pool-limit/two").cause.contains("beside"));
    taken.state.hotfix_branches = vec!["hotfix/pool/limit".into()];
    assert!(refusal(&taken, "pool").cause.contains("beside"));
    taken.state.hotfix_branches = Vec::new();
    taken.state.deployable.push("hotfix".into());
    assert!(refusal(&taken, "pool").cause.contains("beside"));
}

#[test]
fn a_repository_in_no_state_for_it_is_said_so() {
    let mut merging = Sight::on("main");
    merging.state.operation = Some(Operation::Merge);
    assert!(refusal(&merging, "x").cause.contains("a merge is under way"));
    let mut unborn = Sight::on("main");
    unborn.state.head = Head::Unborn { name: "main".into() };
    assert!(refusal(&unborn, "x").cause.contains("no commit"));
    let mut baseless = Sight::on("main");
    baseless.base = None;
    assert!(refusal(&baseless, "x").cause.contains("was not found"));
    baseless.config.hotfix.base = "release".into();
    let failure = refusal(&baseless, "x");
    assert!(failure.cause.contains("release, does not exist"));
    assert_eq!(failure.kind, FailureKind::Gate);
}
