//! The hotfix branch from its start to where it is given up, and the trunk flow: real repositories
//! with a bare remote, and a colleague who pushes in between.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::conductor::Yard;
use super::world::{Ended, wait_until};

/// Nothing stands in the way but what is tested.
const CONFIG: &str = "
[policy.finish_gates]
trunk = []
";

/// A trunk whose check looks for what the colleague pushed.
const TRUNK: &str = r#"
[hotfix]
flow = "trunk"

[policy.finish_gates]
trunk = []

[[checks]]
name = "unit"
command = ["./check.sh"]
"#;

struct Shop {
    yard: Yard,
}

impl Shop {
    fn new(config: &str) -> Self {
        let yard = Yard::new(config, "true");
        // What the tests themselves leave lying about is nobody's change.
        std::fs::write(yard.file(".git/info/exclude"), "*\n").unwrap();
        let shop = Self { yard };
        let origin = shop.origin();
        shop.git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        shop.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        shop.git(&["push", "-q", "-u", "origin", "main"]);
        shop.git(&["clone", "-q", origin.to_str().unwrap(), shop.colleague().to_str().unwrap()]);
        shop
    }

    fn origin(&self) -> PathBuf {
        self.yard.world.path("origin.git")
    }

    fn colleague(&self) -> PathBuf {
        self.yard.world.path("colleague")
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.git_at(&self.yard.shell.directory, arguments)
    }

    fn git_at(&self, place: &Path, arguments: &[&str]) -> String {
        let shell = self.yard.world.shell(place);
        shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    }

    fn there(&self, arguments: &[&str]) -> String {
        self.git_at(&self.origin(), arguments)
    }

    fn commit_at(&self, place: &Path, file: &str, text: &str) -> String {
        std::fs::write(place.join(file), text).unwrap();
        self.git_at(place, &["add", "-f", file]);
        self.git_at(place, &["commit", "-q", "-m", &format!("change {file}")]);
        self.git_at(place, &["rev-parse", "HEAD"])
    }

    /// Commits a file here.
    fn commit(&self, file: &str, text: &str) -> String {
        self.commit_at(&self.yard.shell.directory, file, text)
    }

    /// The colleague commits a file and pushes it to a branch.
    fn colleague_pushes(&self, branch: &str, file: &str, text: &str) -> String {
        let commit = self.commit_at(&self.colleague(), file, text);
        self.git_at(&self.colleague(), &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
        commit
    }

    fn hotfix(&self, arguments: &[&str]) -> Ended {
        self.yard.shell.flightdeck(&[&["hotfix"], arguments].concat())
    }

    /// What the plan would be, in words.
    fn shown(&self, arguments: &[&str]) -> String {
        self.hotfix(&[arguments, &["--dry-run"]].concat()).succeeded().stdout
    }

    fn script_at(path: &Path, text: &str) {
        std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// All that a look must not change: references, what was fetched, objects, files, the index.
    fn snapshot(&self) -> Vec<String> {
        let git_dir = self.yard.file(".git");
        let mut found = vec![
            self.git(&["for-each-ref"]),
            self.there(&["for-each-ref"]),
            self.git(&["symbolic-ref", "HEAD"]),
            std::fs::read_to_string(git_dir.join("FETCH_HEAD")).unwrap_or_default(),
            std::fs::read_to_string(git_dir.join("config")).unwrap(),
        ];
        let mut folders =
            vec![git_dir.join("objects"), git_dir.join("flightdeck"), git_dir.join("worktrees")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                found.push(entry.path().display().to_string());
                if entry.path().is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found.sort();
        found
    }
}

#[test]
fn a_stale_origin_is_never_trusted() {
    let shop = Shop::new(CONFIG);
    let old = shop.git(&["rev-parse", "origin/main"]);
    let theirs = shop.colleague_pushes("main", "theirs", "1");
    let shown = shop.shown(&["start", "pool-limit"]);
    assert!(shown.contains("git fetch --no-prune origin"), "{shown}");
    assert!(shown.contains(&format!("git switch --no-track -c hotfix/pool-limit {theirs}")), "{shown}");
    assert_eq!(shop.git(&["rev-parse", "origin/main"]), old, "it was only shown");
    shop.hotfix(&["start", "pool-limit"]).succeeded();
    assert_eq!(shop.git(&["rev-parse", "HEAD"]), theirs);
    assert_eq!(shop.git(&["branch", "--show-current"]), "hotfix/pool-limit");
    assert_eq!(shop.git(&["rev-parse", "main"]), old, "the base here is not touched");
}

#[test]
fn a_name_that_is_an_option_is_refused() {
    let shop = Shop::new(CONFIG);
    let before = shop.snapshot();
    for name in ["--upload-pack=touch", "-f", "$(touch x)", "a..b"] {
        shop.hotfix(&["start", "--", name]).ended_with(2);
    }
    assert_eq!(shop.snapshot(), before);
}

#[test]
fn a_base_that_has_gone_apart_is_said_and_left_out() {
    let shop = Shop::new(CONFIG);
    let mine = shop.commit("mine", "1");
    let shown = shop.shown(&["start", "x"]);
    assert!(shown.contains("main here has 1 commit that origin does not have"), "{shown}");
    let theirs = shop.colleague_pushes("main", "theirs", "1");
    let shown = shop.shown(&["start", "x"]);
    assert!(shown.contains("main has diverged: 1 commit here"), "{shown}");
    assert!(shown.contains("git rebase origin/main"), "{shown}");
    shop.hotfix(&["start", "x"]).succeeded();
    assert_eq!(shop.git(&["rev-parse", "hotfix/x"]), theirs);
    assert_eq!(shop.git(&["rev-parse", "main"]), mine);
}

#[test]
fn without_the_remote_it_starts_from_what_was_fetched_and_says_so() {
    let shop = Shop::new(CONFIG);
    std::fs::rename(shop.origin(), shop.yard.world.path("elsewhere")).unwrap();
    let shown = shop.shown(&["start", "x"]);
    assert!(shown.contains("origin did not answer"), "{shown}");
    assert!(shown.contains("flightdeck hotfix fetch"), "{shown}");
    shop.hotfix(&["start", "x"]).succeeded();
    assert_eq!(shop.git(&["rev-parse", "hotfix/x"]), shop.git(&["rev-parse", "origin/main"]));
}

#[test]
fn what_somebody_else_began_is_taken_up_and_other_work_is_said() {
    let shop = Shop::new("[hotfix]\nflow = \"git-flow\"\n");
    let theirs = shop.colleague_pushes("hotfix/x", "theirs", "1");
    shop.colleague_pushes("release/1.4", "release", "1");
    let shown = shop.shown(&["start", "y"]);
    assert!(shown.contains("another hotfix is open: hotfix/x, only at origin"), "{shown}");
    assert!(shown.contains("release/1.4 may be open: fetching will tell"), "{shown}");
    shop.git(&["fetch", "-q"]);
    let shown = shop.shown(&["start", "y"]);
    assert!(shown.contains("release/1.4 is open: the fix also goes there"), "{shown}");
    shop.hotfix(&["start", "x"]).succeeded();
    assert_eq!(shop.git(&["rev-parse", "HEAD"]), theirs);
    assert_eq!(shop.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/hotfix/x");
}

#[test]
fn exactly_the_branch_is_pushed_whatever_is_configured() {
    let shop = Shop::new(CONFIG);
    shop.git(&["config", "push.followTags", "true"]);
    shop.git(&["config", "push.default", "matching"]);
    shop.hotfix(&["start", "x"]).succeeded();
    let fix = shop.commit("fix", "1");
    shop.git(&["tag", "-a", "-m", "mine", "v9"]);
    shop.git(&["branch", "private"]);
    shop.hotfix(&["push"]).succeeded();
    assert_eq!(shop.there(&["rev-parse", "hotfix/x"]), fix);
    let there = shop.there(&["for-each-ref", "--format=%(refname)"]);
    assert_eq!(there, "refs/heads/hotfix/x\nrefs/heads/main");
    assert_eq!(shop.git(&["rev-parse", "--abbrev-ref", "@{upstream}"]), "origin/hotfix/x");
    // Again: nothing happens, and that is fine.
    shop.hotfix(&["push"]).succeeded();
    // Somebody else is on it: refused, not forced.
    let colleague = shop.colleague();
    shop.git_at(&colleague, &["fetch", "-q"]);
    shop.git_at(&colleague, &["switch", "-q", "hotfix/x"]);
    let theirs = shop.colleague_pushes("hotfix/x", "theirs", "1");
    shop.commit("fix", "2");
    shop.hotfix(&["push"]).ended_with(3).said("git pull --rebase");
    assert_eq!(shop.there(&["rev-parse", "hotfix/x"]), theirs);
}

#[test]
fn a_push_whose_client_died_counts_by_what_the_remote_has() {
    let shop = Shop::new(CONFIG);
    shop.hotfix(&["start", "x"]).succeeded();
    let fix = shop.commit("fix", "1");
    // The remote takes it, and then the client is gone.
    let hook = r#"pid=$$
while [ "$pid" -gt 1 ]; do
  if tr '\0' ' ' < "/proc/$pid/cmdline" | grep -q '^git push'; then kill -9 "$pid"; exit 0; fi
  pid=$(cut -d ' ' -f 4 "/proc/$pid/stat")
done"#;
    Shop::script_at(&shop.origin().join("hooks/post-receive"), hook);
    let ended = shop.hotfix(&["push"]).succeeded();
    assert_eq!(shop.there(&["rev-parse", "hotfix/x"]), fix, "{ended:?}");
}

#[test]
fn giving_it_up_loses_no_commit_and_nobody_elses() {
    let shop = Shop::new(CONFIG);
    shop.hotfix(&["start", "x"]).succeeded();
    let fix = shop.commit("fix", "1");
    shop.hotfix(&["push"]).succeeded();
    let shown = shop.shown(&["abandon"]);
    assert!(shown.contains("1 commit on no other branch or tag"), "{shown}");
    shop.hotfix(&["abandon"]).ended_with(2).said("--confirm hotfix/x");
    let colleague = shop.colleague();
    shop.git_at(&colleague, &["fetch", "-q"]);
    shop.git_at(&colleague, &["switch", "-q", "hotfix/x"]);
    shop.colleague_pushes("hotfix/x", "theirs", "1");
    shop.hotfix(&["abandon", "--confirm", "hotfix/x"]).ended_with(3).said("somebody else works on it");
    shop.there(&["update-ref", "refs/heads/hotfix/x", &fix]);
    shop.hotfix(&["abandon", "--confirm", "hotfix/x"]).succeeded();
    assert_eq!(shop.git(&["branch", "--show-current"]), "main");
    assert_eq!(shop.git(&["for-each-ref", "refs/heads/hotfix"]), "");
    assert_eq!(shop.there(&["for-each-ref", "refs/heads/hotfix"]), "");
    let kept = shop.git(&["for-each-ref", "--format=%(objectname)", "refs/flightdeck/abandoned"]);
    assert_eq!(kept, fix);
}

#[test]
fn in_a_trunk_starting_brings_the_base_along_and_fetching_brings_only_what_is_there() {
    let shop = Shop::new(TRUNK);
    let theirs = shop.colleague_pushes("main", "theirs", "1");
    let here = shop.git(&["rev-parse", "main"]);
    shop.git(&["switch", "-q", "-c", "other"]);
    shop.hotfix(&["fetch"]).succeeded();
    assert_eq!(shop.git(&["rev-parse", "origin/main", "main"]), format!("{theirs}\n{here}"));
    shop.hotfix(&["start"]).succeeded();
    assert_eq!(shop.git(&["branch", "--show-current"]), "main");
    assert_eq!(shop.git(&["rev-parse", "main"]), theirs);
    let again = shop.hotfix(&["start"]).succeeded();
    assert!(again.stdout.contains("up to date"), "{again:?}");
}

#[test]
fn in_a_trunk_the_fix_is_pushed_as_it_is_where_nobody_else_was_faster() {
    let shop = Shop::new(TRUNK);
    let fix = shop.commit("check.sh", "#!/bin/sh\n");
    shop.git(&["tag", "-a", "-m", "mine", "v9"]);
    shop.git(&["config", "push.followTags", "true"]);
    shop.hotfix(&["finish"]).ended_with(2).said("--confirm main");
    shop.hotfix(&["finish", "--confirm", "main"]).succeeded();
    assert_eq!(shop.there(&["rev-parse", "main"]), fix);
    assert_eq!(shop.there(&["tag"]), "");
    let again = shop.hotfix(&["finish"]).succeeded();
    assert!(again.stdout.contains("origin has all that is on main here"), "{again:?}");
}

/// A trunk with a check that fails without the colleague's file, and says where it ran.
fn trunk() -> Shop {
    let shop = Shop::new(TRUNK);
    let marks = shop.yard.world.path("checked");
    shop.yard.script("check.sh", &format!("test -e theirs && git rev-parse HEAD >> {}", marks.display()));
    shop.git(&["add", "-f", "check.sh"]);
    shop.git(&["commit", "-q", "-m", "check"]);
    shop.git(&["push", "-q", "origin", "main"]);
    shop.git_at(&shop.colleague(), &["pull", "-q"]);
    shop
}

fn checked(shop: &Shop) -> Vec<String> {
    let marks = std::fs::read_to_string(shop.yard.world.path("checked")).unwrap_or_default();
    marks.lines().map(str::to_owned).collect()
}

#[test]
fn where_the_remote_has_moved_on_the_fix_is_rebased_and_tested_and_never_forced() {
    let shop = trunk();
    let theirs = shop.colleague_pushes("main", "theirs", "1");
    let mine = shop.commit("fix", "1");
    shop.hotfix(&["finish", "--confirm", "main"]).succeeded();
    let there = shop.there(&["rev-parse", "main"]);
    assert_eq!(shop.there(&["rev-parse", "main^"]), theirs);
    assert_eq!(checked(&shop), std::slice::from_ref(&there), "what was pushed is what was tested");
    assert_eq!(shop.git(&["rev-parse", "main"]), there, "the base here came along");
    assert_ne!(mine, there);
    assert_eq!(shop.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(shop.git(&["branch", "--format=%(refname:short)"]), "main");
}

#[test]
fn a_push_that_is_refused_is_rebased_and_tested_when_it_is_asked_for_again() {
    let shop = trunk();
    // The colleague is faster by the moment between the last look and the push.
    let colleague = shop.colleague();
    let theirs = shop.commit_at(&colleague, "theirs", "1");
    let faster = format!("cd '{}' && git push -q origin HEAD:main || true", colleague.display());
    Shop::script_at(&shop.yard.file(".git/hooks/pre-push"), &format!("unset GIT_DIR; {faster}"));
    let mine = shop.commit("fix", "1");
    shop.hotfix(&["finish", "--confirm", "main"]).ended_with(1);
    assert_eq!(shop.there(&["rev-parse", "main"]), theirs, "nothing was forced");
    assert_eq!(shop.git(&["rev-parse", "main"]), mine);
    shop.hotfix(&["finish", "--confirm", "main"]).succeeded();
    assert_eq!(shop.there(&["rev-parse", "main^"]), theirs);
    assert_eq!(checked(&shop), [shop.there(&["rev-parse", "main"])]);
}

#[test]
fn a_conflict_stops_the_plan_with_its_files_and_it_goes_on_when_it_is_settled() {
    let shop = trunk();
    shop.commit_at(&shop.colleague(), "theirs", "1");
    let theirs = shop.colleague_pushes("main", "limit", "100\n");
    let mine = shop.commit("limit", "200\n");
    // The user's own work goes on meanwhile: it is not touched.
    std::fs::write(shop.yard.file("limit"), "201\n").unwrap();
    shop.hotfix(&["finish", "--confirm", "main"]).ended_with(1).said("conflicts in limit");
    assert_eq!(shop.there(&["rev-parse", "main"]), theirs);
    assert_eq!(shop.git(&["rev-parse", "main"]), mine);
    let list = shop.git(&["worktree", "list", "--porcelain"]);
    let scratch = list.lines().filter_map(|line| line.strip_prefix("worktree ")).nth(1).unwrap();
    let scratch = PathBuf::from(scratch);
    let plans = shop.yard.shell.json(&["status", "--json"])["plans"].clone();
    let plan = plans.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let go_on = || shop.yard.shell.flightdeck(&["plan", "resume", &plan, "--confirm", "main"]);
    assert_ne!(go_on().code(), Some(0), "nothing is settled");
    std::fs::write(scratch.join("limit"), "200\n").unwrap();
    shop.git_at(&scratch, &["add", "-f", "limit"]);
    go_on().succeeded();
    assert_eq!(shop.there(&["rev-parse", "main^"]), theirs);
    assert_eq!(shop.there(&["show", "main:limit"]), "200");
    assert_eq!(std::fs::read_to_string(shop.yard.file("limit")).unwrap(), "201\n");
    wait_until("the work tree to be gone", || (!scratch.exists()).then_some(()));
}

#[test]
fn what_production_does_not_run_is_named_before_it_goes_out_with_the_fix() {
    let shop = Shop::new("[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n");
    shop.git(&["tag", "v1"]);
    shop.yard.shell.flightdeck(&["live", "production", "v1"]).succeeded();
    assert!(!shop.shown(&["start", "x"]).contains("does not run"));
    shop.commit("loyalty", "on");
    shop.git(&["push", "-q", "origin", "main"]);
    let shown = shop.shown(&["start", "x"]);
    assert!(shown.contains("this branch brings 1 commit that production (v1) does not run"), "{shown}");
    assert!(
        shown.contains("git switch --no-track -c hotfix/x v1") && shown.contains("change loyalty"),
        "{shown}"
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    let shop = Shop::new(CONFIG);
    shop.colleague_pushes("main", "theirs", "1");
    let before = shop.snapshot();
    shop.shown(&["start", "x"]);
    shop.shown(&["fetch"]);
    assert_eq!(shop.snapshot(), before);
    shop.hotfix(&["start", "x"]).succeeded();
    shop.commit("fix", "1");
    shop.hotfix(&["push"]).succeeded();
    shop.commit("fix", "2");
    shop.colleague_pushes("main", "more", "1");
    let before = shop.snapshot();
    shop.shown(&["push"]);
    shop.shown(&["abandon"]);
    assert_eq!(shop.snapshot(), before);
    let trunk = trunk();
    trunk.colleague_pushes("main", "theirs", "1");
    trunk.commit("fix", "1");
    let before = trunk.snapshot();
    trunk.hotfix(&["finish", "--dry-run"]);
    assert_eq!(trunk.snapshot(), before);
}
