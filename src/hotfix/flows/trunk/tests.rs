use super::super::seen::testing::{Sight, commit};
use super::*;
use crate::config::types::{Check, Flow};

fn sight(local: u8, there: u8, apart: (usize, usize)) -> Sight {
    let mut sight = Sight::on("main");
    sight.config.hotfix.flow = Flow::Trunk;
    sight.state.head = Head::Branch { name: "main".into(), commit: commit(local) };
    sight.at_remote("main", &commit(there));
    sight.tracked("main", Some(&commit(there)));
    let base = sight.base.as_mut().unwrap();
    (base.local, base.apart) = (Some(commit(local)), Some(apart));
    sight
}

fn fix() -> Fix {
    let commits = vec![(commit(2), "fix: raise the limit".to_owned())];
    Fix { commits, scratch: "/srv/payments/.git/flightdeck/main-1".into(), is_taken: false }
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.action.line()).collect()
}

#[test]
fn the_commit_that_was_seen_is_pushed_as_a_fast_forward() {
    let plan = finish(&sight(2, 1, (1, 0)).seen(), &fix()).unwrap();
    let push = plan.steps.last().unwrap();
    assert_eq!(push.action.line(), format!("git push --no-follow-tags origin {}:refs/heads/main", commit(2)));
    assert_eq!((push.reach, plan.confirm.as_deref()), (Reach::Others, Some("main")));
    assert_eq!(plan.frozen["refs/heads/main"], commit(2));
    assert!(push.guards[0].title.contains("finish again: it is rebased and tested again"));
    assert!(lines(&plan).iter().all(|line| !line.contains("force") && !line.contains(" +")));
    assert!(plan.notes.iter().any(|note| note == "  2222222 fix: raise the limit"), "{:?}", plan.notes);
}

#[test]
fn where_the_remote_has_moved_on_the_fix_is_rebased_and_tested_beside_the_work_tree() {
    let mut moved = sight(2, 3, (1, 4));
    let check = |name: &str| Check {
        name: name.into(),
        command: vec![format!("./{name}.sh")],
        timeout: jiff::SignedDuration::from_mins(5),
        env: Vec::new(),
    };
    moved.config.checks = vec![check("unit"), check("smoke")];
    let plan = finish(&moved.seen(), &fix()).unwrap();
    let kept = "refs/flightdeck/finish/main-2222222-onto-3333333";
    let scratch = fix().scratch;
    assert_eq!(
        lines(&plan),
        [
            format!("git update-ref {kept}-before {}", commit(2)),
            format!("git worktree add -B flightdeck/main-1 {scratch} {}", commit(2)),
            format!("git -c 'core.editor=true' rebase {}", commit(3)),
            format!("git update-ref {kept} refs/heads/flightdeck/main-1"),
            "./unit.sh".to_owned(),
            "./smoke.sh".to_owned(),
            format!("git worktree remove --force {scratch}"),
            "git branch -D -- flightdeck/main-1".to_owned(),
            format!("git push --no-follow-tags origin {kept}:refs/heads/main"),
            format!("git reset --keep {kept}"),
        ]
    );
    let cwd = |index: usize| match &plan.steps[index].action {
        Action::Command(command) => command.cwd.clone(),
        _ => String::new(),
    };
    assert_eq!([cwd(2), cwd(4), cwd(9)], [scratch.clone(), scratch, "/srv/payments".to_owned()]);
    assert!(
        plan.steps.iter().all(|step| step.on_failure != OnFailure::GoOn || step.title.contains("remove"))
    );
}

#[test]
fn the_work_tree_is_left_alone_where_something_is_in_the_way() {
    let mut dirty = sight(2, 3, (1, 1));
    dirty.state.dirty_count = 1;
    let plan = finish(&dirty.seen(), &fix()).unwrap();
    assert!(lines(&plan).last().unwrap().starts_with("git push"), "{:?}", lines(&plan));
    assert!(plan.notes.iter().any(|note| note.contains("stays as it is here")), "{:?}", plan.notes);
    let mut elsewhere = sight(2, 3, (1, 1));
    elsewhere.state.head = Head::Branch { name: "other".into(), commit: commit(7) };
    let plan = finish(&elsewhere.seen(), &fix()).unwrap();
    assert!(lines(&plan).last().unwrap().starts_with("git update-ref refs/heads/main refs/flightdeck/"));
    assert!(lines(&plan).last().unwrap().ends_with(&commit(2)), "only if it still is what was seen");
    let plan = finish(&elsewhere.seen(), &Fix { is_taken: true, ..fix() }).unwrap();
    assert!(lines(&plan).last().unwrap().starts_with("git push"));
}

#[test]
fn nothing_is_pushed_that_is_there_or_on_a_guess() {
    let refused = |sight: &Sight| finish(&sight.seen(), &fix()).unwrap_err().cause;
    for there in [sight(1, 1, (0, 0)), sight(1, 2, (0, 3))] {
        let plan = finish(&there.seen(), &fix()).unwrap();
        assert!(plan.nothing_left().unwrap().contains("origin has all that is on main here"));
    }
    let mut unknown = sight(2, 3, (1, 1));
    unknown.base.as_mut().unwrap().is_here = false;
    assert!(refused(&unknown).contains("not here yet"));
    unknown.remote = crate::hotfix::remote::Remote::Silent {
        name: "origin".into(),
        why: "no route".into(),
        fetched_at: None,
    };
    assert!(refused(&unknown).contains("no route"));
}

#[test]
fn a_fix_on_another_branch_is_not_left_behind() {
    let on = |branch: &str, ahead, apart| {
        let mut sight = sight(2, 1, apart);
        sight.state.head = Head::Branch { name: branch.into(), commit: commit(7) };
        sight.state.ahead = ahead;
        finish(&sight.seen(), &fix())
    };
    for apart in [(0, 0), (1, 0)] {
        let refused = on("hotfix/x", 2, apart).unwrap_err();
        assert!(refused.cause.contains("hotfix/x has 2 commits that main does not have"), "{refused}");
        assert!(refused.hint.contains("git merge --ff-only hotfix/x"), "{refused}");
        assert!(refused.hint.contains("--flow git-flow"), "{refused}");
    }
    assert!(on("other", 1, (0, 0)).unwrap_err().cause.contains("other has 1 commit"));
    // Work on another branch does not keep a fix on the base from going out.
    assert!(on("other", 1, (1, 0)).is_ok());
    assert!(on("hotfix/x", 0, (1, 0)).is_ok());
}

#[test]
fn starting_brings_the_base_up_to_date() {
    let mut behind = sight(1, 2, (0, 3));
    let plan = start(&behind.seen()).unwrap();
    assert_eq!(lines(&plan), [format!("git merge --ff-only {}", commit(2))]);
    behind.state.head = Head::Branch { name: "other".into(), commit: commit(7) };
    behind.tracked("main", Some(&commit(1)));
    let plan = start(&behind.seen()).unwrap();
    assert_eq!(
        lines(&plan),
        [
            "git fetch --no-prune origin".to_owned(),
            "git switch main".to_owned(),
            format!("git merge --ff-only {}", commit(2)),
        ]
    );
    behind.state.dirty_count = 1;
    assert!(start(&behind.seen()).unwrap_err().cause.contains("in the way"));
    assert!(start(&sight(1, 1, (0, 0)).seen()).unwrap().nothing_left().unwrap().contains("up to date"));
    assert!(start(&sight(2, 3, (1, 1)).seen()).unwrap_err().hint.contains("hotfix finish"));
}
