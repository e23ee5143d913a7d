//! Going back: releases with verdicts, redeploying, reverting and pushing, on real repositories.

use std::path::PathBuf;

use serde_json::Value;

use super::conductor::Yard;

const HEALTHY: &str = "ok";

/// One environment that can be watched, with a release history of its own.
const CONFIG: &str = r#"
[policy]
rollback_watch = "1s"
extended_watch = "0s"

[[environments]]
name = "live"
deploy = ["./deploy.sh", "{ref}", "{commit}"]
proof = ["cat", "deployed"]
watch = "1s"
settle = "400ms"
proof_within = "1s"

[[probes]]
name = "api"
command = ["./health.sh"]
environment = "live"
interval = "200ms"
timeout = "100ms"
confirm = 1
"#;

struct Shop {
    yard: Yard,
}

impl Shop {
    fn new() -> Self {
        let yard = Yard::new(CONFIG, "echo \"$1\" >> asked\ngit rev-parse \"$2^{commit}\" > deployed");
        yard.script("health.sh", "test \"$(cat health 2>/dev/null)\" = ok");
        std::fs::write(yard.file("health"), HEALTHY).unwrap();
        // What the tests themselves leave lying about is nobody's change.
        std::fs::write(yard.file(".git/info/exclude"), "*\n").unwrap();
        let shop = Self { yard };
        let origin = shop.origin();
        shop.git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        shop.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        shop.git(&["push", "-q", "-u", "origin", "main"]);
        shop
    }

    fn origin(&self) -> PathBuf {
        self.yard.world.path("origin.git")
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    }

    /// Commits a file and pushes it.
    fn commit(&self, file: &str, text: &str, message: &str) -> String {
        std::fs::write(self.yard.file(file), text).unwrap();
        self.git(&["add", "-f", file]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["push", "-q", "origin", "HEAD"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Deploys what is checked out. A release that is to be good is healthy while it is watched.
    fn release(&self, good: bool) {
        if good {
            self.yard.shell.flightdeck(&["deploy", "live"]).succeeded();
        } else {
            // It is there, its watch fails, and nobody decides to undo it.
            std::fs::write(self.yard.file("health"), "down").unwrap();
            let detached = self.yard.shell.flightdeck(&["deploy", "live", "--detach"]).succeeded();
            let plan = detached.stdout.trim().to_owned();
            super::world::wait_until("the release", || {
                let status = self.status();
                let there = self.git(&["rev-parse", "HEAD"]);
                status["releases"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|release| release["commit"] == there)
                    .then_some(())
            });
            self.yard.shell.flightdeck(&["plan", "cancel", &plan]).succeeded();
            super::world::wait_until("the end of the plan", || {
                let plans = self.status()["plans"].clone();
                let ended = plans.as_array().unwrap().iter().any(|known| {
                    known["id"] == plan.as_str()
                        && !["running", "waiting"].contains(&known["state"].as_str().unwrap())
                });
                ended.then_some(())
            });
            std::fs::write(self.yard.file("health"), HEALTHY).unwrap();
        }
    }

    fn status(&self) -> Value {
        self.yard.shell.json(&["status", "--json"])
    }

    fn ways(&self) -> Vec<Value> {
        self.yard.shell.json(&["rollback", "--list", "--json"]).as_array().unwrap().clone()
    }

    fn way(&self, id: &str) -> Value {
        self.ways().into_iter().find(|way| way["id"] == id).unwrap()
    }

    fn deployed(&self) -> String {
        std::fs::read_to_string(self.yard.file("deployed")).unwrap().trim().to_owned()
    }

    fn roll_back(&self, way: &[&str]) -> super::world::Ended {
        let arguments = [&["rollback"][..], way, &["--confirm", "live"]].concat();
        self.yard.shell.flightdeck(&arguments)
    }

    /// Reverts and pushes, which deploys nothing: it is the branch that changes.
    fn revert(&self) -> super::world::Ended {
        self.yard.shell.flightdeck(&["rollback", "revert", "--confirm", "main"])
    }
}

#[test]
fn it_goes_back_to_the_last_release_that_was_found_good_and_remembers_that_it_could() {
    let shop = Shop::new();
    let good = shop.commit("app", "one", "one");
    shop.release(true);
    let unwatched = shop.commit("app", "two", "two");
    shop.release(false);
    let bad = shop.commit("app", "three", "three");
    shop.release(false);
    let status = shop.status();
    let commits: Vec<&str> = status["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|release| release["commit"].as_str().unwrap())
        .collect();
    assert_eq!(commits, [&good, &unwatched, &bad]);
    assert_eq!(status["releases"][0]["verdict"], "passed");
    assert_eq!(status["rollback"][0]["id"], "redeploy");

    let way = shop.way("redeploy");
    assert_eq!((way["ready"].as_str(), way["takes_away_count"].as_u64()), (Some("yes"), Some(2)));
    assert!(way["rehearsed"].is_null());
    // Its name has to be typed, though the environment is not protected.
    shop.yard.shell.flightdeck(&["rollback"]).ended_with(2);
    let shown = shop.yard.shell.flightdeck(&["rollback", "--dry-run", "--verbose"]).succeeded().stdout;
    assert!(shown.contains("removes 2 commits") && shown.contains("three"), "{shown}");

    shop.roll_back(&[]).succeeded();
    assert_eq!(shop.deployed(), good, "not the one before, which nobody found good");
    let status = shop.status();
    let last = status["releases"].as_array().unwrap().last().unwrap();
    assert_eq!((last["commit"].as_str(), last["rollback"].as_bool()), (Some(&*good), Some(true)));
    assert_eq!(last["verdict"], "passed");
    let again = shop.way("redeploy");
    assert_eq!(again["ready"], "no", "there is nothing older that was found good: {again}");
    assert_eq!(again["rehearsed"]["environment"], "live");
    // What goes on from there contains what was just rolled back: that is said before it is deployed.
    shop.commit("app", "four", "four");
    let planned = shop.yard.shell.flightdeck(&["deploy", "live", "--dry-run"]).succeeded().stdout;
    assert!(
        planned.contains("which was rolled back at") && planned.contains("1 commit is new since"),
        "{planned}"
    );
}

#[test]
fn a_merge_is_reverted_and_pushed_beside_a_work_tree_that_is_left_alone() {
    let shop = Shop::new();
    let good = shop.commit("app", "one", "one");
    shop.release(true);
    shop.git(&["switch", "-q", "-c", "feature"]);
    shop.commit("feature", "new", "the feature");
    shop.git(&["switch", "-q", "main"]);
    shop.git(&["merge", "-q", "--no-ff", "-m", "merge the feature", "feature"]);
    shop.git(&["push", "-q", "origin", "main"]);
    let merge = shop.git(&["rev-parse", "HEAD"]);
    shop.release(false);
    // Somebody is in the middle of something.
    shop.git(&["switch", "-q", "feature"]);
    std::fs::write(shop.yard.file("app"), "not committed").unwrap();
    let before = (shop.git(&["status", "--porcelain"]), shop.git(&["rev-parse", "HEAD"]));
    assert!(before.0.contains("app"), "{before:?}");

    let way = shop.way("revert");
    assert_eq!(way["ready"], "yes", "{way}");
    let evidence = way["evidence"].to_string();
    assert!(evidence.contains("is a merge") && evidence.contains("parent 1"), "{evidence}");
    shop.revert().succeeded();

    assert_eq!((shop.git(&["status", "--porcelain"]), shop.git(&["rev-parse", "HEAD"])), before);
    assert_eq!(shop.git(&["worktree", "list"]).lines().count(), 1);
    let remote = shop.git(&["ls-remote", "origin", "refs/heads/main"]);
    let reverted = remote.split_whitespace().next().unwrap().to_owned();
    assert_ne!(reverted, merge);
    assert_eq!(shop.git(&["rev-parse", &format!("{reverted}^")]), merge, "on top, and nothing forced");
    let tree = |commit: &str| shop.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
    assert_eq!(tree(&reverted), tree(&good));

    // The same way once more brings it to production.
    let way = shop.way("revert");
    assert_eq!(
        (way["ready"].as_str(), way["title"].as_str()),
        (Some("yes"), Some("deploy main, which is reverted"))
    );
    shop.roll_back(&["revert"]).succeeded();
    assert_eq!(shop.deployed(), reverted);
}

#[test]
fn a_push_that_is_refused_has_failed_and_says_so() {
    let shop = Shop::new();
    shop.commit("app", "one", "one");
    shop.release(true);
    let bad = shop.commit("app", "two", "two");
    shop.release(false);
    let hook = shop.origin().join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\necho main is protected here >&2\nexit 1\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&hook, mode).unwrap();

    shop.revert().ended_with(1);
    let plan = shop.yard.shell.json(&["plan", "show", "--json"]);
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["state"], "failed", "{plan}");
    assert!(steps[..steps.len() - 1].iter().all(|step| step["state"] == "done"), "{plan}");
    let remote = shop.git(&["ls-remote", "origin", "refs/heads/main"]);
    assert!(remote.starts_with(&bad), "{remote}");
    assert_eq!(shop.git(&["worktree", "list"]).lines().count(), 1);
    assert!(shop.way("revert")["rehearsed"].is_null(), "what failed was not rehearsed");
}

#[test]
fn what_moved_at_the_remote_since_is_not_reverted_over() {
    let shop = Shop::new();
    shop.commit("app", "one", "one");
    shop.release(true);
    shop.commit("app", "two", "two");
    shop.release(false);
    let clone = shop.yard.world.path("clone");
    shop.git(&["clone", "-q", shop.origin().to_str().unwrap(), clone.to_str().unwrap()]);
    let elsewhere = shop.yard.world.shell(&clone);
    std::fs::write(clone.join("other"), "x").unwrap();
    elsewhere.run("git", &["add", "other"]).succeeded();
    elsewhere.run("git", &["commit", "-q", "-m", "somebody else was quicker"]).succeeded();
    elsewhere.run("git", &["push", "-q", "origin", "main"]).succeeded();
    let moved = shop.git(&["ls-remote", "origin", "refs/heads/main"]);

    let ended = shop.revert();
    assert_ne!(ended.code(), Some(0), "{ended:?}");
    assert_eq!(shop.git(&["ls-remote", "origin", "refs/heads/main"]), moved);
    assert_eq!(shop.git(&["worktree", "list"]).lines().count(), 1, "nothing was begun");
}

#[test]
fn a_way_of_the_teams_own_is_asked_what_it_goes_back_to() {
    let own = r#"
[[environments.rollbacks]]
name = "undo"
command = ["./undo.sh", "{env}"]
target = ["./target.sh"]
proof = ["cat", "deployed"]
"#;
    let shop = Shop::new();
    let config = CONFIG.replace("\n[[probes]]", &format!("{own}\n[[probes]]"));
    std::fs::write(shop.yard.file("flightdeck.toml"), config).unwrap();
    let good = shop.commit("app", "one", "one");
    shop.release_trusted(true);
    shop.commit("app", "two", "two");
    shop.release_trusted(false);
    shop.yard.script("target.sh", &format!("echo {good}"));
    shop.yard.script("undo.sh", &format!("echo {good} > deployed"));
    let way = shop.way("undo");
    assert_eq!((way["ready"].as_str(), way["takes_away_count"].as_u64()), (Some("yes"), Some(1)), "{way}");
    shop.yard.script("target.sh", "echo no revision before this >&2; exit 1");
    let way = shop.way("undo");
    assert_eq!(way["ready"], "no");
    assert!(way["why"].as_str().unwrap().contains("no revision before this"), "{way}");
    shop.yard.script("target.sh", &format!("echo {good}"));
    shop.roll_back(&["undo"]).succeeded();
    assert_eq!(shop.status()["releases"].as_array().unwrap().last().unwrap()["commit"], good.as_str());
    shop.yard.shell.flightdeck(&["rollback", "undoo"]).ended_with(2).said("redeploy, revert, undo");
}

impl Shop {
    /// The same as [`Shop::release`], once the configuration as it is now was trusted.
    fn release_trusted(&self, good: bool) {
        self.yard.shell.flightdeck(&["trust"]).succeeded();
        self.release(good);
    }
}
