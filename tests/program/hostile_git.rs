//! A repository that was unpacked with everything in its `.git` set up to run something: nothing of
//! it runs before it was trusted.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::terminal::Terminal;
use super::world::{Shell, World};

/// Every setting of a repository that has git run something, with a program in place of `@`.
const TRAPS: [(&str, &str); 35] = [
    ("core.sshCommand", "@"),
    ("core.gitProxy", "@"),
    ("core.fsmonitor", "@"),
    ("core.hooksPath", ".git/traps"),
    ("core.askPass", "@"),
    ("core.editor", "@"),
    ("core.pager", "@"),
    ("core.alternateRefsCommand", "@"),
    ("sequence.editor", "@"),
    ("credential.helper", "@"),
    ("credential.http://127.0.0.1.helper", "!@"),
    ("protocol.ext.allow", "always"),
    ("protocol.file.allow", "always"),
    ("remote.origin.uploadpack", "@"),
    ("remote.origin.receivepack", "@"),
    ("uploadpack.packObjectsHook", "@"),
    ("filter.odd.clean", "@"),
    ("filter.odd.smudge", "@"),
    ("filter.odd.process", "@"),
    ("merge.odd.driver", "@"),
    ("diff.external", "@"),
    ("diff.odd.command", "@"),
    ("diff.odd.textconv", "@"),
    ("gpg.program", "@"),
    ("gpg.ssh.program", "@"),
    ("gpg.ssh.defaultKeyCommand", "@"),
    ("tag.gpgSign", "true"),
    ("commit.gpgSign", "true"),
    ("log.showSignature", "true"),
    ("gc.recentObjectsHook", "@"),
    ("gc.auto", "1"),
    ("interactive.diffFilter", "@"),
    ("pager.branch", "@"),
    ("hook.odd.command", "@"),
    ("hook.odd.event", "reference-transaction"),
];

/// Where the remote is said to be, and the trap that asking it would spring.
const REMOTES: [&str; 5] = [
    "{origin}",
    "ssh://git@git.invalid/pay",
    "git://git.invalid/pay",
    "ext::{trap} remote",
    "ext::sh -c {trap}",
];

struct Hostile {
    world: World,
    shell: Shell,
}

impl Hostile {
    /// A repository on a hotfix branch that has nothing set up to run.
    fn harmless() -> Self {
        let world = World::new();
        let shell = world.repository("pay");
        let hostile = Self { world, shell };
        let git = |arguments: &[&str]| drop(hostile.shell.run("git", arguments).succeeded());
        let origin = hostile.world.path("origin.git");
        let origin = origin.to_str().unwrap();
        git(&["init", "--quiet", "--bare", origin]);
        git(&["remote", "add", "origin", origin]);
        git(&["branch", "develop"]);
        git(&["push", "--quiet", "-u", "origin", "main", "develop"]);
        git(&["switch", "--quiet", "--create", "hotfix/pool"]);
        std::fs::write(hostile.shell.directory.join("VERSION"), "1.2.4\n").unwrap();
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "fix"]);
        hostile
    }

    /// The settings stand in the file of the repository, or in one that it includes, or in that of
    /// the work tree.
    fn new(place: &[&str], remote: &str) -> Self {
        let hostile = Self::harmless();
        let git = |arguments: &[&str]| drop(hostile.shell.run("git", arguments).succeeded());
        let origin = hostile.world.path("origin.git");
        let origin = origin.to_str().unwrap();
        let trap = hostile.world.path("trap");
        let line = format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n", hostile.mark().display());
        std::fs::write(&trap, line).unwrap();
        executable(&trap);
        let trap = trap.to_str().unwrap();
        git(&["config", "extensions.worktreeConfig", "true"]);
        for (key, value) in TRAPS {
            git(&[&["config"], place, &[key, &value.replace('@', trap)]].concat());
        }
        let remote = remote.replace("{origin}", origin).replace("{trap}", trap);
        git(&["config", "remote.origin.url", &remote]);
        for folder in [".git/hooks", ".git/traps"] {
            let folder = hostile.shell.directory.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            for hook in [
                "post-checkout",
                "post-index-change",
                "pre-commit",
                "pre-push",
                "reference-transaction",
                "pre-auto-gc",
                "fsmonitor-watchman",
            ] {
                std::fs::copy(trap, folder.join(hook)).unwrap();
            }
        }
        let attributes = hostile.shell.directory.join(".git/info/attributes");
        std::fs::create_dir_all(attributes.parent().unwrap()).unwrap();
        std::fs::write(attributes, "* filter=odd diff=odd merge=odd\n").unwrap();
        std::fs::write(hostile.shell.directory.join("VERSION"), "1.2.5, to be compared\n").unwrap();
        if place == ["--file", ".git/more"] {
            git(&["config", "include.path", "more"]);
        }
        // Setting it up has run some of it.
        std::fs::remove_file(hostile.mark()).ok();
        hostile
    }

    fn mark(&self) -> std::path::PathBuf {
        self.world.path("sprung")
    }

    #[track_caller]
    fn is_quiet(&self, after: &str) {
        let sprung = std::fs::read_to_string(self.mark()).unwrap_or_default();
        assert_eq!(sprung, "", "after {after}");
    }
}

fn executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_dry_run_and_a_look_run_nothing_that_the_repository_names() {
    let places: [&[&str]; 3] = [&["--local"], &["--worktree"], &["--file", ".git/more"]];
    let cases = REMOTES.iter().map(|remote| (places[0], *remote));
    for (place, remote) in cases.chain(places.iter().map(|place| (*place, REMOTES[0]))) {
        let hostile = Hostile::new(place, remote);
        for verb in [
            &["hotfix", "finish", "--dry-run"][..],
            &["hotfix", "push", "--dry-run"],
            &["hotfix", "fetch", "--dry-run"],
            &["hotfix", "abandon", "--dry-run"],
            &["hotfix", "bump", "--dry-run"],
            &["hotfix", "start", "other", "--dry-run"],
            &["hotfix", "start", "other", "--flow", "git-flow", "--dry-run"],
            &["hotfix", "status"],
            &["status"],
            &["suspects"],
            &["doctor"],
            &["trust", "--show"],
        ] {
            hostile.shell.flightdeck(verb);
            hostile.is_quiet(&format!("{verb:?} with {place:?} and {remote}"));
        }
        let dry = hostile.shell.flightdeck(&["hotfix", "start", "other", "--dry-run"]).succeeded();
        for part in
            ["which nobody has trusted; flightdeck trust --show", "▲ not trusted: these commands may run"]
        {
            assert!(dry.stdout.contains(part), "{part} in {}", dry.stdout);
        }
    }
}

#[test]
fn opening_the_cockpit_runs_nothing_that_the_repository_names() {
    let hostile = Hostile::new(&["--local"], REMOTES[0]);
    hostile.shell.flightdeck(&["declare", "Down", "--severity", "P0"]).succeeded();
    let terminal = Terminal::open(&hostile.shell, 40, 140, &[]);
    terminal.wait_text("hotfix/pool");
    terminal.wait_text("into");
    hostile.is_quiet("opening the cockpit");
}

#[test]
fn what_is_trusted_runs_until_it_changes() {
    let hostile = Hostile::new(&["--local"], REMOTES[0]);
    let shown = hostile.shell.flightdeck(&["trust", "--show"]).succeeded().stdout;
    for part in
        ["makes git run or contact:", "core.sshcommand", ".git/traps/pre-push", "not trusted: content sha256"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    hostile.shell.flightdeck(&["trust"]).succeeded();
    hostile.shell.flightdeck(&["hotfix", "start", "other", "--dry-run"]);
    let sprung = std::fs::read_to_string(hostile.mark()).unwrap();
    assert!(sprung.contains("origin.git"), "the trap is set, and the remote is asked with it: {sprung}");
    std::fs::remove_file(hostile.mark()).unwrap();
    hostile.shell.run("git", &["config", "core.gitProxy", "another"]).succeeded();
    std::fs::remove_file(hostile.mark()).ok();
    hostile.shell.flightdeck(&["hotfix", "start", "other", "--dry-run"]);
    hostile.is_quiet("a setting that was changed");
}

/// What is said where something may run that nobody has trusted.
const NOT_TRUSTED: &str = "▲ not trusted: these commands may run";

/// Trusts all of it, and looks whether a plan says that something is not trusted once this has changed.
fn is_missed_after(hostile: &Hostile, verb: &str, change: impl FnOnce()) {
    let plan = || hostile.shell.flightdeck(&["hotfix", verb, "--dry-run"]).succeeded().stdout;
    assert!(plan().contains(NOT_TRUSTED), "{}", plan());
    hostile.shell.flightdeck(&["trust"]).succeeded();
    assert!(!plan().contains(NOT_TRUSTED), "{}", plan());
    change();
    assert!(plan().contains(NOT_TRUSTED), "{}", plan());
    assert!(
        hostile.shell.flightdeck(&["trust", "--show"]).succeeded().stdout.contains("not trusted: content")
    );
}

#[test]
fn hooks_are_trusted_where_git_takes_them_from() {
    // Where husky has them, where it calls others from, and outside of the repository.
    for (place, hook) in
        [(".husky", ".husky/pre-push"), (".husky/_", ".husky/pre-push"), ("../hooks", "../hooks/pre-push")]
    {
        let hostile = Hostile::harmless();
        let hook = hostile.shell.directory.join(hook);
        std::fs::create_dir_all(hook.parent().unwrap().join("_")).unwrap();
        std::fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
        executable(&hook);
        hostile.shell.run("git", &["config", "core.hooksPath", place]).succeeded();
        let shown = hostile.shell.flightdeck(&["trust", "--show"]).succeeded().stdout;
        assert!(shown.contains("pre-push"), "{shown}");
        is_missed_after(&hostile, "push", || std::fs::write(&hook, "#!/bin/sh\nevil\n").unwrap());
    }
}

#[test]
fn what_a_configuration_includes_is_trusted_with_it_whoever_reads_the_condition() {
    for condition in
        ["includeIf.hasconfig:remote.*.url:**.path", "includeIf.onbranch:none.path", "include.path"]
    {
        let hostile = Hostile::harmless();
        let included = |name: &str| hostile.shell.directory.join(".git").join(name);
        std::fs::write(included("extra.inc"), "[include]\n\tpath = deeper.inc\n").unwrap();
        std::fs::write(included("deeper.inc"), "[user]\n\tname = Maya\n").unwrap();
        hostile.shell.run("git", &["config", condition, "extra.inc"]).succeeded();
        let evil = "[core]\n\tsshCommand = evil\n";
        is_missed_after(&hostile, "fetch", || std::fs::write(included("deeper.inc"), evil).unwrap());
        let shown = hostile.shell.flightdeck(&["trust", "--show"]).succeeded().stdout;
        assert!(shown.contains("core.sshcommand"), "{shown}");
    }
}
