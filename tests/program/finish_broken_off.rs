//! Finishing in git flow after git was broken off in the middle of its work: what our own work tree
//! holds is put back, and any order of finishing, resuming and trying again ends with all done.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::{Signal, kill_process};

use super::conductor::pid;
use super::finish_git_flow::Flow;
use super::finish_resumed::which;
use super::world::wait_until;

/// What a killed git leaves behind, by the words of its command: everything up to the commit of a merge;
/// files and index and a lock, before the merge is written down; a work tree that is not whole.
const BROKEN_OFF: [(&str, &str); 3] = [
    ("Merge branch", "GIT merge --no-ff --no-commit hotfix/pool-limit"),
    (
        "Merge tag",
        "GIT merge --no-ff --no-commit v1.2.4; own=$(GIT rev-parse --git-dir); rm $own/MERGE_HEAD; \
         echo half > half.txt; touch $own/index.lock",
    ),
    (
        "worktree add",
        "GIT \"$@\"; for own in .git/worktrees/*; do rm $own/index; echo initializing > $own/locked; \
         echo 0000000000000000000000000000000000000000 > $own/HEAD; done",
    ),
];

/// Finishes, with git killed where it has left this; then goes on with one verb first, and as a person
/// would after that.
fn broken_off(command: &str, leaves: &str, first: &[&str]) {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
    flow.git(&["switch", "--quiet", "--create", "mine", "main"]);
    let bin = flow.world.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let (once, waits) = (flow.world.path("once"), flow.world.path("waits"));
    let (real, once_text, here) = (which("git"), once.display(), waits.display());
    let leaves = leaves.replace("GIT", &real);
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--no-walk*) ;; *'{command}'*) if rm {once_text} 2>/dev/null; then\n\
         {leaves}\necho $$ > {here}.part; mv {here}.part {here}; exec sleep 600; fi ;; esac\nexec {real} \"$@\"\n"
    );
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&once, "").unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let shell = flow.shell.clone().with("PATH", path);
    let flow = Flow { world: flow.world, shell };
    flow.finish(&["--detach"]).succeeded();
    let git: u32 = wait_until("the command", || std::fs::read_to_string(&waits).ok()?.trim().parse().ok());
    let lease = rusqlite::Connection::open(flow.world.path("state/journal.db")).unwrap();
    let conductor: u32 =
        lease.query_row("SELECT pid FROM lease WHERE target = 'repository'", [], |row| row.get(0)).unwrap();
    kill_process(pid(conductor), Signal::KILL).unwrap();
    kill_process(pid(git), Signal::KILL).unwrap();
    flow.shell.flightdeck(first);
    flow.go_on();
    flow.assert_finished(&base, &fix, &develop);
    flow.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_finish_that_is_done_anew_ends_with_all_done() {
    for (command, leaves) in BROKEN_OFF {
        broken_off(command, leaves, &["hotfix", "finish", "--confirm", "main"]);
    }
}

#[test]
fn a_finish_that_is_resumed_ends_with_all_done() {
    for (command, leaves) in BROKEN_OFF {
        broken_off(command, leaves, &["plan", "resume", "--confirm", "main"]);
    }
}

#[test]
fn a_finish_of_which_a_step_is_tried_again_ends_with_all_done() {
    for (command, leaves) in BROKEN_OFF {
        broken_off(command, leaves, &["plan", "retry", "--confirm", "main"]);
    }
}

#[test]
fn a_merge_that_could_not_be_signed_is_concluded_by_trying_again() {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["config", "commit.gpgsign", "true"]);
    flow.git(&["config", "gpg.program", "false"]);
    assert_ne!(flow.finish(&[]).code(), Some(0));
    flow.git(&["config", "commit.gpgsign", "false"]);
    flow.shell.flightdeck(&["plan", "retry", "--confirm", "main"]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn a_hook_that_sets_up_work_trees_for_people_is_not_run_for_ours() {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    let hook = flow.shell.directory.join(".git/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    // As it is after `npm install`, and is not in a work tree that was just made.
    std::fs::write(&hook, "#!/bin/sh\n./.git/installed\n").unwrap();
    let installed = flow.shell.directory.join(".git/installed");
    std::fs::write(&installed, "#!/bin/sh\n").unwrap();
    for path in [&hook, &installed] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn no_work_tree_is_switched_to_a_branch_that_could_not_be_brought_along() {
    for verb in [&["plan", "retry"][..], &["plan", "resume"], &["hotfix", "finish"]] {
        let flow = Flow::fixed();
        let (base, fix, develop) =
            (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
        flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
        let lock = flow.shell.directory.join(".git/refs/heads/main.lock");
        std::fs::write(&lock, "").unwrap();
        let stopped = flow.finish(&[]).ended_with(1);
        assert!(stopped.stderr.contains("main.lock"), "{}", stopped.stderr);
        assert_eq!(flow.git(&["branch", "--show-current"]), "hotfix/pool-limit", "{verb:?}");
        std::fs::remove_file(&lock).unwrap();
        flow.shell.flightdeck(&[verb, &["--confirm", "main"]].concat());
        if flow.rev("main") == base {
            // To go on asks whether it was done meanwhile, and it was not.
            assert_eq!(verb, ["plan", "resume"]);
            flow.shell.flightdeck(&["plan", "retry", "--confirm", "main"]).succeeded();
        }
        flow.assert_finished(&base, &fix, &develop);
        assert_eq!(flow.git(&["branch", "--show-current"]), "main", "{verb:?}");
        assert_eq!(flow.rev("main"), flow.rev("origin/main"), "{verb:?}");
    }
}

#[test]
fn files_that_are_called_like_what_git_knows_do_no_harm() {
    let flow = Flow::fixed();
    for name in ["HEAD", "main", "develop", "v1.2.4", "Merge", "tag"] {
        let path = flow.shell.directory.join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    flow.git(&["add", "--all", "."]);
    flow.git(&["commit", "--quiet", "--message", "odd names"]);
    let (base, fix, develop) = (
        flow.rev("main"),
        flow.rev("refs/heads/hotfix/pool-limit"),
        flow.there()["refs/heads/develop"].clone(),
    );
    flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}
