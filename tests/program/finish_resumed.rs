//! Finishing in git flow, killed at each of its commands and gone on with; and next to what git-flow
//! itself makes.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::{Signal, kill_process};

use super::conductor::pid;
use super::finish_git_flow::Flow;
use super::world::wait_until;

/// Leaves the comparison with git-flow itself out, said aloud, where it cannot be installed.
const WITHOUT: &str = "FLIGHTDECK_TESTS_WITHOUT_GIT_FLOW";

/// Commands of the plan, each by words that no other has.
const COMMANDS: [&str; 12] = [
    "worktree add",
    "Merge branch",
    "/main HEAD",
    "tag -a",
    "checkout --quiet --force --detach",
    "Merge tag",
    "/develop HEAD",
    "push --atomic",
    "--force-with-lease",
    ":refs/heads/main",
    "branch -D",
    "worktree remove",
];

/// Kills the conductor at one command, before or after that has done its work, and goes on.
fn killed_at(command: &str, after: bool) {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
    flow.git(&["switch", "--quiet", "--create", "mine", "main"]);
    let bin = flow.world.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let (hold, waits) = (flow.world.path("hold"), flow.world.path("waits"));
    let real = which("git");
    let (until, here) = (hold.display(), waits.display());
    let wait =
        format!("echo $$ > {here}.part; mv {here}.part {here}; while [ -e {until} ]; do sleep 0.02; done");
    let stop = if after { format!("{real} \"$@\"; code=$?; {wait}; exit $code") } else { wait };
    // Questions that are asked of the world are let through.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--dry-run*|*--no-walk*) ;; *'{command}'*) if [ -e {until} ]; then {stop}; fi ;; esac\nexec {real} \"$@\"\n"
    );
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&hold, "").unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let shell = flow.shell.clone().with("PATH", path);
    let flow = Flow { world: flow.world, shell };
    flow.finish(&["--detach"]).succeeded();
    wait_until("the command", || waits.exists().then_some(()));
    let lease = rusqlite::Connection::open(flow.world.path("state/journal.db")).unwrap();
    let conductor: u32 =
        lease.query_row("SELECT pid FROM lease WHERE target = 'repository'", [], |row| row.get(0)).unwrap();
    kill_process(pid(conductor), Signal::KILL).unwrap();
    if !after {
        // Without it the command would go on, and do its work after all.
        let command: u32 = std::fs::read_to_string(&waits).unwrap().trim().parse().unwrap();
        kill_process(pid(command), Signal::KILL).unwrap();
    }
    std::fs::remove_file(&hold).unwrap();
    flow.go_on();
    flow.assert_finished(&base, &fix, &develop);
    let tagged = flow.git(&["log", "--oneline", "--merges", "origin/develop"]);
    assert_eq!(tagged.lines().count(), 2, "{command}: each merge was made once: {tagged}");
}

pub(super) fn which(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap().to_str().unwrap().to_owned()
}

#[test]
fn killed_before_any_command_it_goes_on_to_the_same_end() {
    for command in COMMANDS {
        eprintln!("killed before {command}");
        killed_at(command, false);
    }
}

#[test]
fn killed_after_any_command_it_goes_on_to_the_same_end() {
    for command in COMMANDS {
        eprintln!("killed after {command}");
        killed_at(command, true);
    }
}

/// What a history is made of whatever its commits are called: trees, and how they follow.
fn shape(flow: &Flow, rev: &str) -> String {
    let listed = flow.git(&["log", "--topo-order", "--reverse", "--format=%H %T %P", rev]);
    let mut shapes: BTreeMap<String, String> = BTreeMap::new();
    for line in listed.lines() {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (id, tree) = (words.next().unwrap(), words.next().unwrap());
        let parents: Vec<_> = words.map(|parent| shapes[parent].clone()).collect();
        shapes.insert(id.to_owned(), format!("({tree} {})", parents.join(" ")));
    }
    shapes[&flow.rev(&format!("{rev}^{{commit}}"))].clone()
}

#[test]
fn on_the_happy_path_it_is_what_git_flow_itself_makes() {
    if std::env::var_os(WITHOUT).is_some() {
        eprintln!("LEFT OUT because {WITHOUT} is set: the comparison with git-flow");
        return;
    }
    let theirs = Flow::new();
    let version = theirs.shell.run("git", &["flow", "version"]);
    assert!(
        version.code() == Some(0),
        "git-flow is not installed: apt-get install git-flow, or set {WITHOUT}=1 to leave this out"
    );
    let change = |flow: &Flow| {
        flow.write("src/pool.rs", "limit 200\n");
        flow.commit("raise the limit");
        flow.write("VERSION", "1.2.4\n");
        flow.commit("version 1.2.4");
        flow.git(&["push", "--quiet", "-u", "origin", "hotfix/1.2.4"]);
    };
    for (key, value) in [
        ("branch.master", "main"),
        ("branch.develop", "develop"),
        ("prefix.feature", "feature/"),
        ("prefix.bugfix", "bugfix/"),
        ("prefix.release", "release/"),
        ("prefix.hotfix", "hotfix/"),
        ("prefix.support", "support/"),
        ("prefix.versiontag", "v"),
    ] {
        theirs.git(&["config", &format!("gitflow.{key}"), value]);
    }
    // It takes what is here for what the remote has.
    theirs.git(&["fetch", "--quiet"]);
    theirs.git(&["branch", "--force", "develop", "origin/develop"]);
    theirs.git(&["flow", "hotfix", "start", "1.2.4"]);
    change(&theirs);
    theirs.git(&["flow", "hotfix", "finish", "--push", "-m", "raise", "1.2.4"]);

    let ours = Flow::new();
    ours.shell.flightdeck(&["hotfix", "start", "1.2.4"]).succeeded();
    change(&ours);
    ours.finish(&[]).succeeded();

    assert_eq!(ours.names_there(), theirs.names_there());
    for flow in [&ours, &theirs] {
        flow.git(&["fetch", "--quiet"]);
    }
    for rev in ["origin/main", "origin/develop", "v1.2.4"] {
        assert_eq!(shape(&ours, rev), shape(&theirs, rev), "{rev}");
    }
    let kind = |flow: &Flow| flow.git(&["cat-file", "-t", "v1.2.4"]);
    assert_eq!((kind(&ours), kind(&theirs)), ("tag".to_owned(), "tag".to_owned()));
    let branches = |flow: &Flow| flow.git(&["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(branches(&ours), branches(&theirs));
}
