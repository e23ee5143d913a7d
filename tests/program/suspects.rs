//! Suspects: what changed is listed with reasons, a change is taken back at the remote, and a range
//! is searched by halves; all on real repositories.

use std::path::PathBuf;

use serde_json::Value;

use super::conductor::Yard;

const CONFIG: &str = r#"
[[environments]]
name = "live"
deploy = ["./deploy.sh", "{ref}", "{commit}"]
proof = ["cat", "deployed"]

[[checks]]
name = "pool"
command = ["./check.sh"]
timeout = "1m"

[[checks]]
name = "crash"
command = ["./crash.sh"]
timeout = "1m"
"#;

struct Shop {
    yard: Yard,
}

impl Shop {
    /// A service that went on for a while since the tag `v1`, and is at `v2` now.
    fn new() -> Self {
        let yard = Yard::new(CONFIG, "git rev-parse \"$2^{commit}\" > deployed");
        yard.script("check.sh", "test \"$(cat pool)\" -ge 50");
        yard.script("crash.sh", "test \"$(cat pool)\" -ge 50 || kill -SEGV $$");
        std::fs::write(yard.file(".git/info/exclude"), "deployed\n").unwrap();
        let shop = Self { yard };
        shop.commit(&[("pool", "100")], "Begin with a pool");
        shop.git(&["tag", "v1"]);
        let origin = shop.origin();
        shop.git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        shop.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        shop
    }

    fn origin(&self) -> PathBuf {
        self.yard.world.path("origin.git")
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        for (file, text) in files {
            let path = self.yard.file(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Four changes, one of which lowers the pool; returns that one.
    fn go_on(&self) -> String {
        self.commit(&[("docs/guide.md", "text")], "Reword the guide");
        self.commit(&[("Cargo.lock", "# libraries")], "Add a total to orders");
        let low = self.commit(&[("pool", "10")], "Lower the pool");
        self.git(&["switch", "-q", "-c", "feature"]);
        self.commit(&[("web/button.tsx", "button")], "Add a button");
        self.commit(&[("web/other.tsx", "button")], "Add another");
        self.git(&["switch", "-q", "main"]);
        self.git(&["merge", "-q", "--no-ff", "-m", "Merge the buttons", "feature"]);
        self.git(&["tag", "v2"]);
        self.git(&["push", "-q", "-u", "origin", "main"]);
        low
    }

    fn suspects(&self, arguments: &[&str]) -> Value {
        self.yard.shell.json(&[&["suspects", "--json"], arguments].concat())
    }

    fn main_at_the_remote(&self) -> String {
        let line = self.git(&["ls-remote", "origin", "refs/heads/main"]);
        line.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// Nothing was left behind, and nothing of the user's was touched.
    fn is_untouched(&self, before: &(String, String)) {
        assert_eq!(*before, self.mine());
        assert_eq!(self.git(&["worktree", "list"]).lines().count(), 1);
        assert_eq!(self.git(&["for-each-ref", "refs/bisect"]), "");
        assert!(!self.yard.file(".git/BISECT_LOG").exists());
    }

    fn mine(&self) -> (String, String) {
        (self.git(&["status", "--porcelain", "--branch"]), self.git(&["rev-parse", "HEAD"]))
    }
}

fn titles(found: &Value) -> Vec<&str> {
    let suspects = found["suspects"].as_array().unwrap();
    suspects.iter().map(|suspect| suspect["title"].as_str().unwrap()).collect()
}

#[test]
fn what_changed_is_listed_with_what_speaks_for_looking_at_it() {
    let shop = Shop::new();
    let low = shop.go_on();
    shop.yard.shell.flightdeck(&["note", "--kind", "finding", "the pool is exhausted"]).succeeded();

    let found = shop.suspects(&[]);
    assert_eq!((found["from"]["name"].as_str(), found["to"]["name"].as_str()), (Some("v1"), Some("main")));
    assert_eq!(titles(&found)[0], "Lower the pool", "{found}");
    assert_eq!(titles(&found)[3], "Reword the guide", "{found}");
    let first = &found["suspects"][0];
    assert_eq!((first["id"].as_str(), first["contact"].as_str()), (Some(&*low), Some("Maya")));
    assert!(first["reasons"].to_string().contains("“pool” (finding) in pool"), "{first}");
    let sum: i64 = first["reasons"].as_array().unwrap().iter().map(|r| r["weight"].as_i64().unwrap()).sum();
    assert_eq!(first["score"].as_i64(), Some(sum));
    let merge = found["suspects"].as_array().unwrap().iter().find(|one| one["kind"] == "merge").unwrap();
    assert_eq!((merge["commits_count"].as_u64(), merge["files_count"].as_u64()), (Some(2), Some(2)));

    let text = shop.yard.shell.flightdeck(&["suspects"]).succeeded().stdout;
    assert!(text.starts_with("look here first: what changed after v1 ("), "{text}");
    assert!(text.contains(&format!(" 1  {}  Lower the pool", low.split_at(7).0)), "{text}");
    assert!(text.contains("changes dependencies: Cargo.lock"), "{text}");
    assert!(text.contains("check third parties"), "{text}");

    let since = shop.suspects(&["--since", &low]);
    assert_eq!(titles(&since), ["Merge the buttons"]);
    shop.yard
        .shell
        .flightdeck(&["suspects", "--since", "nothing"])
        .ended_with(2)
        .said("no branch, tag or commit");
}

#[test]
fn what_was_deployed_decides_where_to_look_and_deploys_are_told() {
    let shop = Shop::new();
    shop.git(&["push", "-q", "-u", "origin", "main"]);
    shop.yard.shell.flightdeck(&["deploy", "live"]).succeeded();
    shop.commit(&[("later", "x")], "Not deployed yet");
    let found = shop.suspects(&[]);
    assert_eq!(found["to"]["why"], "which was deployed", "{found}");
    assert!(!titles(&found).contains(&"Not deployed yet"));
    assert!(titles(&found).iter().any(|title| title.starts_with("live got")), "{found}");
}

#[test]
fn it_works_without_an_incident_and_without_a_configuration() {
    let shop = Shop::new();
    shop.go_on();
    shop.yard.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    std::fs::remove_file(shop.yard.file("flightdeck.toml")).unwrap();
    let found = shop.suspects(&[]);
    assert_eq!(titles(&found)[0], "Add a total to orders", "{found}");
    assert!(found["remarks"].to_string().contains("no incident is open"), "{found}");
}

#[test]
fn one_change_is_taken_back_at_the_remote_and_nothing_of_mine_is_touched() {
    let shop = Shop::new();
    let low = shop.go_on();
    let merge = shop.git(&["rev-parse", "main"]);
    std::fs::write(shop.yard.file("docs/guide.md"), "being edited").unwrap();
    let (before, remote) = (shop.mine(), shop.main_at_the_remote());

    let shown = shop.yard.shell.flightdeck(&["suspects", "--revert", &low, "--dry-run"]).succeeded().stdout;
    assert!(shown.contains(&format!("git revert --no-edit {low}")), "{shown}");
    assert!(shown.contains("reverts") && shown.contains("git push origin"), "{shown}");
    assert_eq!(shop.main_at_the_remote(), remote, "a dry run changes nothing");
    shop.yard.shell.flightdeck(&["suspects", "--revert", &low]).ended_with(2).said("main");

    shop.yard.shell.flightdeck(&["suspects", "--revert", &low, "--confirm", "main"]).succeeded();
    let reverted = shop.main_at_the_remote();
    assert_eq!(shop.git(&["rev-parse", &format!("{reverted}^")]), merge, "on top, and nothing forced");
    assert_eq!(shop.git(&["show", &format!("{reverted}:pool")]), "100");
    assert_eq!(before.1, shop.mine().1);
    assert_eq!(shop.git(&["worktree", "list"]).lines().count(), 1);

    // A merge goes with all it brought.
    shop.git(&["fetch", "-q"]);
    shop.yard.shell.flightdeck(&["suspects", "--revert", &merge, "--confirm", "main"]).succeeded();
    let files = shop.git(&["ls-tree", "-r", "--name-only", &shop.main_at_the_remote()]);
    assert!(!files.contains("web/"), "{files}");
    shop.git(&["fetch", "-q"]);
    let again = shop.yard.shell.flightdeck(&["suspects", "--revert", &low, "--confirm", "main"]);
    again.ended_with(3).said("it was taken back already");
}

#[test]
fn what_does_not_revert_cleanly_is_refused_with_the_files() {
    let shop = Shop::new();
    let low = shop.go_on();
    shop.commit(&[("pool", "12")], "Raise it a little");
    shop.git(&["push", "-q", "origin", "main"]);
    let remote = shop.main_at_the_remote();
    let refused = shop.yard.shell.flightdeck(&["suspects", "--revert", &low, "--confirm", "main"]);
    refused.ended_with(3).said("does not revert cleanly on main: pool");
    assert_eq!(shop.main_at_the_remote(), remote);
}

#[test]
fn the_commit_that_broke_a_check_is_found_by_halves_beside_my_work() {
    let shop = Shop::new();
    let low = shop.go_on();
    std::fs::write(shop.yard.file("docs/guide.md"), "being edited").unwrap();
    let before = shop.mine();
    shop.yard.shell.flightdeck(&["suspects", "--bisect"]).ended_with(2).said("name it: pool, crash");
    let shown = shop.yard.shell.flightdeck(&["suspects", "--bisect", "pool", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("git bisect run ./check.sh"), "{shown}");
    shop.is_untouched(&before);

    let ended = shop.yard.shell.flightdeck(&["suspects", "--bisect", "pool"]).succeeded();
    let last = ended.stdout.lines().last().unwrap_or_default();
    assert_eq!(last, format!("first bad commit: {} Lower the pool, ask Maya", low.split_at(7).0));
    shop.is_untouched(&before);

    // A crash of the check is no verdict.
    let ended = shop.yard.shell.flightdeck(&["suspects", "--bisect", "crash"]).ended_with(1);
    assert!(!ended.stdout.contains("first bad commit"), "{ended:?}");
    shop.is_untouched(&before);
}

#[test]
fn what_the_response_brought_is_no_suspect() {
    let shop = Shop::new();
    shop.go_on();
    let shell = &shop.yard.shell;
    shell.flightdeck(&["live", "live", "v1", "--good", "--at", "-2d"]).succeeded();
    shell.flightdeck(&["live", "live", "v2", "--at", "-1h"]).succeeded();
    let before = shop.suspects(&[]);
    let deploys = |found: &Value| {
        let suspects = found["suspects"].as_array().unwrap();
        suspects.iter().filter(|one| one["kind"] == "deploy").count()
    };
    assert_eq!((deploys(&before), before["to"]["name"].as_str()), (1, Some("v2")), "{before}");
    shop.commit(&[("pool", "200")], "Raise the pool");
    shell.flightdeck(&["deploy", "live"]).succeeded();
    let after = shop.suspects(&[]);
    assert_eq!(titles(&after), titles(&before), "the fix is not what it fixes: {after}");
    assert_eq!(after["to"], before["to"]);
}
