//! Finishing in git flow, with real repositories and bare remotes: what it does, what it must never
//! do, and that it can be gone on with from wherever it stopped.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::world::{Ended, Shell, World, wait_until};

/// The hooks of this remote are quick: a push that was broken off needs no two minutes to land.
const CONFIG: &str =
    "[hotfix]\nflow = \"git-flow\"\nproof_within = \"10s\"\n\n[policy.finish_gates]\ngit-flow = []\n";

/// A repository with a bare origin, `main` tagged v1.2.3, and a `develop` that went on.
pub(super) struct Flow {
    pub(super) world: World,
    pub(super) shell: Shell,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self::with(CONFIG)
    }

    fn with(config: &str) -> Self {
        let world = World::new();
        let root = world.path("r");
        std::fs::create_dir_all(root.join("src")).unwrap();
        let shell = world.shell(&root);
        let flow = Self { world, shell };
        let origin = flow.origin();
        flow.git(&["init", "--quiet", "--bare", origin.to_str().unwrap()]);
        flow.git(&["init", "--quiet"]);
        flow.write("flightdeck.toml", config);
        flow.write("VERSION", "1.2.3\n");
        flow.write("src/pool.rs", "limit 100\n");
        flow.commit("first release");
        flow.git(&["tag", "-a", "-m", "first", "v1.2.3"]);
        flow.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        flow.git(&["branch", "develop"]);
        flow.git(&["push", "--quiet", "-u", "origin", "main", "develop", "v1.2.3"]);
        flow.on("develop", "next.txt", "next\n", "a feature");
        flow.shell.flightdeck(&["trust"]).succeeded();
        flow.shell.flightdeck(&["declare", "Pool is full", "--severity", "P0"]).succeeded();
        flow
    }

    /// The same with a fix on `hotfix/pool-limit`, its version raised.
    pub(super) fn fixed() -> Self {
        let flow = Self::new();
        flow.fix();
        flow
    }

    fn fix(&self) {
        self.shell.flightdeck(&["hotfix", "start", "pool-limit"]).succeeded();
        self.write("src/pool.rs", "limit 200\n");
        self.write("VERSION", "1.2.4\n");
        self.commit("raise the limit");
    }

    /// The same where `develop` changed the same line.
    fn conflicting() -> Self {
        let flow = Self::new();
        flow.on("develop", "src/pool.rs", "limit 150\n", "another limit");
        flow.fix();
        flow
    }

    fn origin(&self) -> PathBuf {
        self.world.path("origin.git")
    }

    #[track_caller]
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.shell.run("git", arguments).succeeded().stdout.trim_end().to_owned()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        std::fs::write(self.shell.directory.join(path), text).unwrap();
    }

    pub(super) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A commit of somebody else's on a branch, pushed.
    fn on(&self, branch: &str, path: &str, text: &str, message: &str) -> String {
        let place = self.world.path(&format!("theirs-{}", message.replace(' ', "-")));
        let place_text = place.to_str().unwrap();
        self.git(&["clone", "--quiet", "--branch", branch, self.origin().to_str().unwrap(), place_text]);
        std::fs::write(place.join(path), text).unwrap();
        self.git(&["-C", place_text, "add", "--all"]);
        self.git(&["-C", place_text, "commit", "--quiet", "-m", message]);
        self.git(&["-C", place_text, "push", "--quiet", "origin", branch]);
        self.git(&["-C", place_text, "rev-parse", "HEAD"])
    }

    pub(super) fn finish(&self, more: &[&str]) -> Ended {
        let arguments = [&["hotfix", "finish", "--confirm", "main"], more].concat();
        self.shell.flightdeck(&arguments)
    }

    /// Merges back alone ask for no name.
    fn merge_back(&self) -> Ended {
        self.shell.flightdeck(&["hotfix", "finish"])
    }

    /// References of the remote.
    pub(super) fn there(&self) -> BTreeMap<String, String> {
        let listed = self.git(&["ls-remote", "--heads", "--tags", "origin"]);
        let line = |line: &str| line.split_once('\t').map(|(id, name)| (name.to_owned(), id.to_owned()));
        listed.lines().filter_map(line).collect()
    }

    pub(super) fn names_there(&self) -> Vec<String> {
        let peeled = |name: &String| !name.ends_with("^{}");
        self.there().into_keys().filter(peeled).collect()
    }

    fn parents(&self, rev: &str) -> Vec<String> {
        let line = self.git(&["log", "-1", "--format=%P", rev]);
        line.split(' ').map(str::to_owned).collect()
    }

    fn plan(&self) -> serde_json::Value {
        self.shell.json(&["plan", "show", "--json"])
    }

    fn owed(&self) -> Vec<String> {
        let status = self.shell.json(&["status", "--json"]);
        let merges = status["merges_back"].as_array().unwrap().clone();
        let owed = merges.iter().filter(|merge| merge["owed"] == true);
        owed.map(|merge| merge["into"].as_str().unwrap().to_owned()).collect()
    }

    /// The place in which conflicts are settled.
    fn place(&self) -> PathBuf {
        let steps = self.plan()["steps"].clone();
        let failed = steps.as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap().clone();
        let found = std::fs::read_dir(self.shell.directory.join(".git/flightdeck")).unwrap();
        let found: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "{failed}");
        found[0].clone()
    }

    /// All of it went out, once and in the right shape; `base` is what main was.
    #[track_caller]
    pub(super) fn assert_finished(&self, base: &str, fix: &str, develop: &str) {
        let there = self.there();
        let (main, next) = (&there["refs/heads/main"], &there["refs/heads/develop"]);
        self.git(&["fetch", "--quiet", "origin"]);
        assert_eq!(self.parents(main), [base, fix], "main");
        assert_eq!(&there["refs/tags/v1.2.4^{}"], main, "the tag is on that merge");
        assert_eq!(self.parents(next), [develop, main.as_str()], "develop");
        assert_eq!(
            self.names_there(),
            ["refs/heads/develop", "refs/heads/main", "refs/tags/v1.2.3", "refs/tags/v1.2.4"]
        );
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1, "nothing is left behind");
    }

    pub(super) fn rev(&self, name: &str) -> String {
        self.git(&["rev-parse", name])
    }

    /// Everything in the work tree, and how git sees it.
    fn snapshot(&self) -> (BTreeMap<PathBuf, Vec<u8>>, String, String) {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.shell.directory.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.ends_with(".git") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        let head = std::fs::read_to_string(self.shell.directory.join(".git/HEAD")).unwrap();
        (files, self.git(&["status", "--porcelain=v2"]), head + &self.rev("HEAD"))
    }

    /// Lets the remote refuse what is pushed to a branch.
    fn refuse(&self, branch: &str) -> PathBuf {
        let hook = self.origin().join("hooks/update");
        let text = format!("#!/bin/sh\n[ \"$1\" != refs/heads/{branch} ] || {{ echo no >&2; exit 1; }}\n");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, text).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        hook
    }

    /// Tells whether a command of a plan lives, with or without its conductor.
    fn is_something_alive(&self) -> bool {
        let home = [b"HOME=", self.world.path("home").as_os_str().as_encoded_bytes()].concat();
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let mut environments = entries.filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
        environments.any(|environment| {
            let mut entries = environment.split(|&byte| byte == 0);
            entries.clone().any(|entry| entry == home)
                && entries.any(|entry| entry.starts_with(b"FLIGHTDECK_RUN="))
        })
    }

    /// Goes on as a person would, to the very end.
    #[track_caller]
    pub(super) fn go_on(&self) {
        for _ in 0..6 {
            let plan = wait_until("the plan to stand still, and its commands to be gone", || {
                let plan = self.plan();
                let is_alive = plan["state"] == "unknown" && self.is_something_alive();
                (plan["state"] != "running" && !is_alive).then_some(plan)
            });
            if plan["state"] == "done" {
                return;
            }
            let choices = plan["choices"].as_array().unwrap();
            let offers = |name: &str| choices.iter().any(|choice| choice["decision"] == name);
            let verb = if offers("resume") { "resume" } else { "retry" };
            self.shell.flightdeck(&["plan", verb, "--confirm", "main"]);
        }
        panic!("it never came to its end: {}", self.plan());
    }
}

#[test]
fn a_fix_goes_out_in_one_push_and_nobodys_work_tree_is_touched() {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
    // On another branch, with changes, one of them a file that the merge brings too.
    flow.git(&["switch", "--quiet", "--create", "mine", "main"]);
    flow.write("src/pool.rs", "limit 7\n");
    flow.write("untracked.txt", "mine\n");
    flow.git(&["add", "--intent-to-add", "untracked.txt"]);
    let before = flow.snapshot();
    flow.git(&["fetch", "--quiet"]);
    let dry = flow.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded();
    for said in ["into main: clean", "into develop: clean", "git push --atomic --no-follow-tags origin"] {
        assert!(dry.stdout.contains(said), "{said}: {}", dry.stdout);
    }
    assert!(!flow.names_there().contains(&"refs/tags/v1.2.4".to_owned()), "it only showed it");
    flow.shell.flightdeck(&["hotfix", "finish"]).ended_with(2).said("main");
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.snapshot(), before);
    assert_eq!(flow.rev("main"), flow.rev("origin/main"), "main here was brought along");
    assert_eq!(flow.git(&["branch", "--list", "hotfix/*"]), "");
    let again = flow.merge_back().succeeded();
    assert!(again.stdout.contains("nothing is left to do"), "{again:?}");
}

#[test]
fn a_clean_work_tree_is_switched_off_the_branch_and_one_with_changes_keeps_it() {
    let flow = Flow::fixed();
    flow.finish(&[]).succeeded();
    assert_eq!(flow.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(flow.git(&["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(flow.shell.directory.join("VERSION")).unwrap(), "1.2.4\n");

    let flow = Flow::fixed();
    flow.write("src/pool.rs", "limit 300\n");
    let before = flow.snapshot();
    flow.finish(&[]).succeeded();
    assert_eq!(flow.snapshot(), before);
    assert_eq!(flow.git(&["branch", "--list", "hotfix/*"]), "* hotfix/pool-limit");
    assert!(flow.names_there().contains(&"refs/tags/v1.2.4".to_owned()));
}

#[test]
fn nothing_goes_out_and_nothing_is_deleted_where_main_is_refused() {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["push", "--quiet", "origin", "hotfix/pool-limit"]);
    let before = flow.there();
    let hook = flow.refuse("main");
    flow.finish(&[]).ended_with(1);
    assert_eq!(flow.there(), before, "neither develop nor the tag, and the branch is still there");
    assert_eq!(flow.rev("refs/heads/hotfix/pool-limit"), fix);
    // Going on asks whether somebody pushed it meanwhile, and pushes nothing by itself.
    flow.shell.flightdeck(&["plan", "resume", "--confirm", "main"]).ended_with(1);
    assert_eq!(flow.there(), before);
    std::fs::remove_file(hook).unwrap();
    flow.shell.flightdeck(&["plan", "retry", "--confirm", "main"]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn what_was_pushed_by_hand_after_a_refusal_is_found_done() {
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    let hook = flow.refuse("develop");
    flow.finish(&[]).ended_with(1);
    std::fs::remove_file(hook).unwrap();
    let plan = flow.plan();
    let push = plan["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failed").unwrap();
    assert!(push["title"].as_str().unwrap().starts_with("push main, develop"), "{push}");
    let kept = format!("refs/flightdeck/finish/{}", fix.split_at(12).0);
    let specs = ["main", "develop"].map(|name| format!("{kept}/{name}:refs/heads/{name}"));
    flow.git(&["push", "--quiet", "origin", &specs[0], &specs[1], "v1.2.4"]);
    flow.shell.flightdeck(&["plan", "resume", "--confirm", "main"]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn words_go_into_the_tag_as_they_are_and_through_no_shell() {
    let config = format!("{CONFIG}\n[hotfix.pull]\ntitle_prefix = \"\"\n");
    let flow = Flow::with(&config);
    flow.shell.flightdeck(&["title", "# `touch a` $(touch b) \"c\" 'd'; touch e"]).succeeded();
    flow.fix();
    flow.write("src/pool.rs", "limit 201\n");
    flow.commit("-x $(touch f) 'g' \\n # h");
    flow.finish(&[]).succeeded();
    let tag = flow.git(&["cat-file", "tag", "v1.2.4"]);
    let (_, message) = tag.split_once("\n\n").unwrap();
    assert_eq!(
        message,
        "# `touch a` $(touch b) \"c\" 'd'; touch e\n\n- raise the limit\n- -x $(touch f) 'g' \\n # h"
    );
    for name in ["a", "b", "e", "f"] {
        assert!(!flow.shell.directory.join(name).exists(), "{name}");
    }
}

#[test]
fn what_the_remote_has_is_merged_into_and_not_what_was_fetched_once() {
    let flow = Flow::fixed();
    let fix = flow.rev("HEAD");
    let base = flow.on("main", "other.txt", "other\n", "meanwhile on main");
    let develop = flow.on("develop", "more.txt", "more\n", "meanwhile on develop");
    assert_ne!(flow.rev("origin/main"), base, "it is stale here");
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn tags_that_have_nothing_to_do_with_it_stay_here() {
    let flow = Flow::fixed();
    flow.git(&["config", "push.followTags", "true"]);
    flow.git(&["tag", "-a", "-m", "mine", "mine"]);
    flow.git(&["tag", "light"]);
    flow.finish(&[]).succeeded();
    let tags: Vec<_> = flow.names_there().into_iter().filter(|name| name.contains("tags")).collect();
    assert_eq!(tags, ["refs/tags/v1.2.3", "refs/tags/v1.2.4"]);
}

#[test]
fn a_file_that_git_does_not_know_is_in_nobodys_way() {
    let flow = Flow::fixed();
    flow.write("new.txt", "from the fix\n");
    flow.commit("add a file");
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["switch", "--quiet", "main"]);
    flow.write("new.txt", "mine, and not in git\n");
    let before = flow.snapshot();
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.snapshot(), before, "main is checked out here: it is left to whoever works on it");
}

#[test]
fn a_tag_that_is_taken_a_version_that_was_not_raised_and_names_like_options_are_refused() {
    let flow = Flow::fixed();
    let refused = |said: &str| {
        let here = || flow.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/flightdeck"]);
        let before = (flow.there(), here());
        flow.finish(&[]).ended_with(3).said(said);
        assert_eq!((flow.there(), here()), before);
    };
    flow.git(&["tag", "v1.2.4", "main"]);
    refused("tag v1.2.4 is here already");
    refused("flightdeck hotfix bump");
    flow.git(&["push", "--quiet", "origin", "v1.2.4"]);
    flow.git(&["tag", "-d", "v1.2.4"]);
    flow.shell.flightdeck(&["hotfix", "finish", "--confirm", "main"]).ended_with(3).said("v1.2.4");
    flow.git(&["push", "--quiet", "origin", ":v1.2.4"]);
    flow.shell.run("git", &["tag", "-d", "v1.2.4"]);
    flow.write("VERSION", "1.2.3\n");
    flow.commit("not raised after all");
    refused("nobody bumped it");
    flow.write("package.json", "{\"version\": \"1.2.9\"}\n");
    flow.commit("two versions");
    refused("files disagree about the version");

    let flow = Flow::fixed();
    flow.write("flightdeck.toml", &CONFIG.replace("[hotfix]\n", "[hotfix]\ntag_prefix = \"--delete=\"\n"));
    flow.shell.flightdeck(&["trust"]).ended_with(2).said("tag_prefix");
    flow.finish(&[]).ended_with(2);
    assert_eq!(flow.names_there().len(), 3);
}

#[test]
fn conflicts_stop_it_before_anything_is_pushed_and_it_goes_on_once_they_are_settled() {
    let flow = Flow::conflicting();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    let before = flow.there();
    let stale = flow.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded();
    assert!(stale.stdout.contains("which is fetched when this is started"), "{}", stale.stdout);
    flow.git(&["fetch", "--quiet"]);
    let dry = flow.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded();
    assert!(dry.stdout.contains("into develop: conflicts in src/pool.rs"), "{}", dry.stdout);
    assert!(dry.stdout.contains("--main-first"), "{}", dry.stdout);
    let stopped = flow.finish(&[]).ended_with(1);
    let place = flow.place();
    let wanted = format!("conflicts in src/pool.rs; resolve them in {}", place.display());
    assert!(stopped.stdout.contains(&wanted), "{wanted}: {stopped:?}");
    assert_eq!(flow.there(), before);

    let resume = || flow.shell.flightdeck(&["plan", "resume", "--confirm", "main"]);
    let left = resume().ended_with(1);
    assert!(left.stdout.contains("conflicts are left in src/pool.rs"), "{left:?}");
    assert_eq!(flow.there(), before);
    std::fs::write(place.join("src/pool.rs"), "limit 250\n").unwrap();
    flow.git(&["-C", place.to_str().unwrap(), "add", "src/pool.rs"]);
    resume().succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.git(&["show", "origin/develop:src/pool.rs"]), "limit 250");
}

#[test]
fn conflicts_that_were_committed_by_hand_are_found_settled_also_from_another_work_tree() {
    let flow = Flow::conflicting();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.finish(&[]).ended_with(1);
    let place = flow.place();
    std::fs::write(place.join("src/pool.rs"), "limit 250\n").unwrap();
    flow.git(&["-C", place.to_str().unwrap(), "commit", "--quiet", "--all", "--no-edit"]);
    let other = flow.world.path("other");
    flow.git(&["worktree", "add", "--quiet", "-b", "elsewhere", other.to_str().unwrap(), "main"]);
    flow.world.shell(&other).flightdeck(&["plan", "resume", "--confirm", "main"]).succeeded();
    flow.git(&["worktree", "remove", "--force", other.to_str().unwrap()]);
    flow.assert_finished(&base, &fix, &develop);
}

#[test]
fn main_and_the_tag_go_out_first_and_what_is_owed_stays_until_it_is_merged_back() {
    let flow = Flow::conflicting();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    // Where it stopped at the conflict is gone on from.
    flow.finish(&[]).ended_with(1);
    flow.finish(&["--main-first"]).succeeded();
    assert_eq!(flow.parents("origin/main"), [base.as_str(), fix.as_str()]);
    assert_eq!(flow.there()["refs/heads/develop"], develop);
    assert!(flow.names_there().contains(&"refs/tags/v1.2.4".to_owned()));
    assert_eq!(flow.owed(), ["develop"]);
    let report = flow.shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("Merge v1.2.4 back into develop: conflicts in src/pool.rs"), "{report}");
    let status = flow.shell.json(&["status", "--json"]);
    let next = status["next"].as_array().unwrap();
    assert!(next.iter().any(|next| next["title"] == "merge v1.2.4 back into develop"), "{status}");

    let again = flow.merge_back().ended_with(1);
    assert!(again.stdout.contains("conflicts in src/pool.rs"), "{again:?}");
    let place = flow.place();
    std::fs::write(place.join("src/pool.rs"), "limit 250\n").unwrap();
    flow.git(&["-C", place.to_str().unwrap(), "add", "src/pool.rs"]);
    flow.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    flow.shell.flightdeck(&["reopen", "--reason", "not yet"]).succeeded();
    flow.shell.flightdeck(&["plan", "resume"]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.owed(), [""; 0]);
}

#[test]
fn what_is_owed_is_paid_when_it_is_found_merged_by_hand() {
    let flow = Flow::conflicting();
    flow.finish(&["--main-first"]).succeeded();
    flow.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    flow.shell.flightdeck(&["close"]).ended_with(3).said("merge v1.2.4 back into develop");
    flow.shell.flightdeck(&["close", "--yes"]).succeeded();
    flow.shell.flightdeck(&["reopen", "--reason", "one thing is left"]).succeeded();
    let place = flow.world.path("by-hand");
    let at = place.to_str().unwrap();
    flow.git(&["clone", "--quiet", "--branch", "develop", flow.origin().to_str().unwrap(), at]);
    flow.git(&["-C", at, "merge", "--quiet", "-X", "theirs", "-m", "by hand", "v1.2.4"]);
    flow.git(&["-C", at, "push", "--quiet", "origin", "develop"]);
    assert_eq!(flow.owed(), ["develop"]);
    flow.merge_back().succeeded();
    assert_eq!(flow.owed(), [""; 0]);
    assert_eq!(flow.git(&["branch", "--list", "hotfix/*"]), "", "what was left was tidied up");
}

#[test]
fn what_was_begun_by_hand_is_gone_on_with() {
    // Merged and tagged here, nothing pushed.
    let flow = Flow::fixed();
    let (base, fix, develop) =
        (flow.rev("main"), flow.rev("HEAD"), flow.there()["refs/heads/develop"].clone());
    flow.git(&["switch", "--quiet", "main"]);
    flow.git(&["merge", "--quiet", "--no-ff", "--no-edit", "hotfix/pool-limit"]);
    flow.git(&["tag", "-a", "-m", "by hand", "v1.2.4"]);
    let merge = flow.rev("HEAD");
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.there()["refs/heads/main"], merge);
    assert!(flow.git(&["cat-file", "tag", "v1.2.4"]).ends_with("by hand"));

    // Main fast-forwarded and pushed, and no more.
    let flow = Flow::fixed();
    let fix = flow.rev("HEAD");
    flow.git(&["push", "--quiet", "origin", "HEAD:main"]);
    flow.finish(&[]).succeeded();
    let there = flow.there();
    assert_eq!((&there["refs/heads/main"], &there["refs/tags/v1.2.4^{}"]), (&fix, &fix));
    flow.git(&["fetch", "--quiet"]);
    assert_eq!(flow.parents("origin/develop")[1], fix);

    // A branch on which nothing was done yet is not taken for one that went out.
    let flow = Flow::new();
    flow.shell.flightdeck(&["hotfix", "start", "empty"]).succeeded();
    flow.finish(&[]).ended_with(3).said("hotfix/empty has no commit that main has not");
}

#[test]
fn a_remote_that_moved_on_is_planned_for_anew_and_merges_that_are_still_right_are_used_again() {
    let flow = Flow::conflicting();
    let (base, fix) = (flow.rev("main"), flow.rev("HEAD"));
    flow.finish(&[]).ended_with(1);
    let place = flow.place();
    std::fs::write(place.join("src/pool.rs"), "limit 250\n").unwrap();
    flow.git(&["-C", place.to_str().unwrap(), "commit", "--quiet", "--all", "--no-edit"]);
    let develop = flow.on("develop", "src/pool.rs", "limit 200\n", "agree with the fix");
    let before = flow.there();
    flow.shell.flightdeck(&["plan", "resume", "--confirm", "main"]).ended_with(1);
    assert_eq!(flow.there(), before, "all or none");
    let merge = flow.rev("v1.2.4^{commit}");
    flow.finish(&[]).succeeded();
    flow.assert_finished(&base, &fix, &develop);
    assert_eq!(flow.there()["refs/heads/main"], merge, "it was not made again");
}

#[test]
fn an_open_release_gets_the_fix_and_without_a_develop_it_goes_without() {
    let flow = Flow::fixed();
    flow.git(&["push", "--quiet", "origin", "develop:refs/heads/release/1.3"]);
    let release = flow.rev("develop");
    flow.finish(&[]).succeeded();
    let there = flow.there();
    flow.git(&["fetch", "--quiet"]);
    assert_eq!(flow.parents("origin/release/1.3"), [release.as_str(), there["refs/heads/main"].as_str()]);

    let flow = Flow::fixed();
    flow.git(&["push", "--quiet", "origin", ":develop"]);
    let dry = flow.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded();
    assert!(dry.stdout.contains("no branch develop"), "{}", dry.stdout);
    flow.finish(&[]).succeeded();
    assert_eq!(flow.names_there(), ["refs/heads/main", "refs/tags/v1.2.3", "refs/tags/v1.2.4"]);
}
