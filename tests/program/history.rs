//! Looking back at real incidents, one of which is broken; and the report of one that is closed on a branch.

use serde_json::Value;

use super::world::{Shell, World};

fn declare(shell: &Shell, title: &str) -> String {
    let ended = shell.flightdeck(&["declare", title, "--severity", "P1"]).succeeded();
    ended.stdout.lines().next().unwrap().split_whitespace().next().unwrap().to_owned()
}

fn over(shell: &Shell) {
    shell.flightdeck(&["resolve", "--yes"]).succeeded();
    shell.flightdeck(&["close", "--yes"]).succeeded();
}

#[test]
fn what_is_closed_is_looked_back_at_and_its_report_is_committed_to_a_branch() {
    let world = World::new();
    let shell = world.repository("api");
    let git = |arguments: &[&str]| shell.run("git", arguments).succeeded().stdout;
    let origin = world.path("origin.git").to_string_lossy().into_owned();
    git(&["clone", "--quiet", "--bare", ".", &origin]);
    git(&["remote", "add", "origin", &origin]);
    git(&["fetch", "--quiet", "origin"]);
    let (before, base) = (git(&["rev-parse", "HEAD"]), git(&["branch", "--show-current"]));

    let first = declare(&shell, "Checkout answers 500");
    shell.flightdeck(&["cause", "the pool is too small"]).succeeded();
    shell
        .flightdeck(&["follow-up", "add", "alert on the pool", "--owner", "li", "--due", "2020-01-02"])
        .succeeded();
    over(&shell);
    let broken = declare(&shell, "No mail");
    over(&shell);
    // What is stored of one of them is no record any more, but for its declaration.
    let damage = format!(
        "UPDATE record SET bytes = CAST('{{}}' AS BLOB) WHERE place % 4294967296 > 1 AND place / 4294967296 =
         (SELECT no FROM incident WHERE number = '{broken}')"
    );
    rusqlite::Connection::open(world.path("state/journal.db")).unwrap().execute_batch(&damage).unwrap();

    let page = shell.flightdeck(&["history"]).succeeded().stdout;
    assert!(page.contains("broke: the pool is too small"), "{page}");
    assert!(page.contains("its records cannot be read"), "{page}");
    assert!(page.contains("1 open, 1 overdue") && page.contains("(li, due 2020-01-02, "), "{page}");
    let list = shell.json(&["history", "--json"]);
    let of = |number: &str| list.as_array().unwrap().iter().find(|one| one["id"] == number).unwrap();
    assert!(of(&broken)["unreadable"].is_string() && of(&broken)["durations"].is_null(), "{list}");
    let (durations, left) = (&of(&first)["durations"], &of(&first)["follow_ups"][0]);
    assert_eq!(
        (&durations["resolve"]["state"], &durations["mitigate"]["state"]),
        (&"measured".into(), &"not-recorded".into())
    );
    assert_eq!((&left["owner"], &left["overdue"]), (&Value::from("li"), &Value::from(true)));
    let together = shell.json(&["history", "--by", "month", "--json"]);
    assert_eq!(together["trends"][2]["too_few"], serde_json::json!([1, 20]), "{together}");
    assert_eq!(together["unreadable"][0], *broken);
    shell.flightdeck(&["follow-up", "done", "alert", "--incident", &first]).succeeded();
    assert!(!shell.flightdeck(&["history"]).succeeded().stdout.contains("overdue"));

    // The report goes to a branch of its own, and nobody's work tree or branch is touched.
    let arguments = ["report", "--incident", &first, "--branch", "reports"];
    let plan = shell.flightdeck(&[&arguments[..], &["--dry-run"]].concat()).succeeded().stdout;
    assert!(plan.contains("git push --no-follow-tags origin"), "{plan}");
    shell.flightdeck(&arguments).ended_with(2).said("confirm it by its name");
    shell.flightdeck(&[&arguments[..], &["--confirm", "reports"]].concat()).succeeded();
    let file = format!("incidents/{first}.md");
    let committed = git(&["--git-dir", &origin, "show", &format!("reports:{file}")]);
    assert!(committed.contains("Checkout answers 500") && committed.contains("the pool is too small"));
    assert_eq!(git(&["--git-dir", &origin, "rev-parse", base.trim()]), before, "it is as it was");
    assert_eq!((git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain"])), (before, String::new()));
    assert_eq!(git(&["worktree", "list"]).lines().count(), 1, "the work tree is gone");
    let told = shell.flightdeck(&["export", "--incident", &first, "--format", "csv"]).succeeded().stdout;
    assert!(told.contains(&format!("reports: {file}")), "{told}");
    // Paths that lead out of it, and a branch that is none, are refused.
    let out = ["report", "--incident", &first, "--branch", "reports", "--out", "../x.md", "--dry-run"];
    shell.flightdeck(&out).ended_with(2).said("below the root");
    shell
        .flightdeck(&["report", "--incident", &first, "--branch", "a..b", "--dry-run"])
        .ended_with(2)
        .said("is not a valid branch name");
    shell.flightdeck(&["report", "--incident", &first, "--dry-run"]).ended_with(2).said("only with --branch");
}
