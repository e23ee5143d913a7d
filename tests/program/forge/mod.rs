//! Finishing by a pull request, at a place that answers in the shapes of the real ones.

mod deploys;
mod hub;
mod log;
mod verdict;

use std::path::Path;

use hub::{Hub, TOKEN, Trouble, in_suite, review, run, workflow};
use serde_json::json;

use super::conductor::Yard;
use super::world::{Ended, Shell, wait_until};

/// A repository whose hotfix branch has a fix on it, its bare remote, and the place that keeps its
/// pull requests.
struct Team {
    yard: Yard,
    hub: Hub,
    shell: Shell,
}

impl Team {
    fn new(kind: &str) -> Self {
        Self::with(kind, "")
    }

    fn with(kind: &str, more: &str) -> Self {
        let hub = Hub::new();
        let version = if kind == "github" { "v3" } else { "v4" };
        let config = format!(
            "[hotfix]\nflow = \"github-flow\"\n[hotfix.pull]\nforge = \"{kind}\"\napi = \"{}/api/{version}\"\n\
             repository = \"shop/payments-api\"\nreviewers = [\"li\"]\n[policy.finish_gates]\ngithub-flow = []\n{more}",
            hub.service.url
        );
        let yard = Yard::new(&config, "true");
        let remote = yard.world.path("remote.git");
        let git = |arguments: &[&str]| yard.shell.run("git", arguments).succeeded();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "Configure"]);
        git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
        git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        git(&["push", "-q", "-u", "origin", "main"]);
        git(&["switch", "-q", "-c", "hotfix/pool"]);
        std::fs::write(yard.file("pool.txt"), "100\n").unwrap();
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "fix: raise the pool limit"]);
        let shell = yard.shell.clone().with("GITHUB_TOKEN", TOKEN).with("GITLAB_TOKEN", TOKEN);
        let team = Self { yard, hub, shell };
        team.hub.kept().head = team.head();
        team
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "refs/heads/hotfix/pool"])
    }

    fn finish(&self) -> Ended {
        self.shell.flightdeck(&["hotfix", "finish", "--confirm", "main"])
    }

    /// Asserts that the token is nowhere in what was written.
    fn keeps_its_secret(&self, ended: &[&Ended]) {
        for ended in ended {
            assert!(!ended.stdout.contains(TOKEN) && !ended.stderr.contains(TOKEN), "{ended:?}");
        }
        for name in ["state", "config", "tmp", "service", "home"] {
            no_file_holds(&self.yard.world.path(name), TOKEN.as_bytes());
        }
    }
}

fn no_file_holds(folder: &Path, secret: &[u8]) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            no_file_holds(&path, secret);
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", path.display());
        }
    }
}

fn trouble(to: &'static str, does: bool, answer: (&'static str, &'static str)) -> Trouble {
    Trouble { to, does, answer }
}

const MERGE: &str = "PUT /api/v3/repos/shop/payments-api/pulls/11/merge";
const OPEN: &str = "POST /api/v3/repos/shop/payments-api/pulls";
const LIST: &str = "GET /api/v3/repos/shop/payments-api/pulls?";
const BROKE: (&str, &str) = ("502 Bad Gateway", "<html>");

#[test]
fn a_pull_request_is_opened_waited_for_merged_and_tidied_up_after() {
    let team = Team::new("github");
    let dry = team.shell.flightdeck(&["hotfix", "finish", "--dry-run", "--verbose"]).succeeded();
    for wanted in [
        "git push --no-follow-tags",
        "POST http://127.0.0.1",
        "HOTFIX: Checkout answers 500",
        "labels",
        "GITHUB_TOKEN",
    ] {
        assert!(dry.stdout.contains(wanted), "{wanted} in\n{}", dry.stdout);
    }
    assert!(team.hub.changes().is_empty(), "a dry run changes nothing");
    let opened = team.finish().succeeded();
    assert_eq!(
        team.git(&["ls-remote", "origin", "refs/heads/hotfix/pool"]).split('\t').next(),
        Some(team.head().as_str())
    );
    {
        let kept = team.hub.kept();
        assert_eq!(
            (kept.opened, &kept.labels[..], &kept.asked[..]),
            (1, &["hotfix".to_owned()][..], &["li".to_owned()][..])
        );
        let body = kept.pulls[0]["body"].as_str().unwrap();
        assert!(body.contains("Checkout answers 500") && body.contains("raise the pool limit"), "{body}");
    }
    // Nobody has approved: nothing is opened again, and nothing merged.
    team.hub.kept().runs = vec![run(1, "build", "in_progress", "")];
    let waits = team.finish().ended_with(3).said("nobody has approved it; asked: li").said("not done: build");
    // The second page of reviews takes the approval of the first back.
    team.hub.approve();
    team.hub.kept().reviews.push(review("li", "CHANGES_REQUESTED", "2026-03-05T10:20:00Z"));
    team.finish().ended_with(3).said("changes are wanted by li");
    team.hub.kept().reviews.push(review("li", "APPROVED", "2026-03-05T10:30:00Z"));
    // The newest run of each check counts; one that was cancelled has not passed.
    team.hub.kept().runs =
        vec![run(1, "build", "completed", "failure"), run(2, "build", "completed", "cancelled")];
    team.finish().ended_with(3).said("cancelled, which is not passed: build");
    team.hub.kept().runs.push(run(3, "build", "completed", "success"));
    team.hub.kept().statuses = vec![json!({ "context": "ci/legacy", "state": "pending", "updated_at": "x" })];
    team.finish().ended_with(3).said("not done: ci/legacy");
    team.hub.kept().statuses.clear();
    // Merging needs the word; opening did not.
    team.shell.flightdeck(&["hotfix", "finish"]).ended_with(2).said("main is protected");
    let merged = team.finish().succeeded();
    assert_eq!(team.hub.counts(), (1, 1));
    let puts: Vec<String> = team.hub.changes().into_iter().filter(|line| line.starts_with("PUT")).collect();
    assert_eq!(puts, [MERGE]);
    let journal = team.shell.flightdeck(&["export"]).succeeded();
    assert!(journal.stdout.contains("merged as 77b0d13"), "where it landed is on record");
    // Its place says which commit it landed as; that one is not at the bare remote of this test.
    let tidied = team.finish();
    assert!(tidied.stderr.contains("77b0d13"), "{tidied:?}");
    team.keeps_its_secret(&[&dry, &opened, &waits, &merged, &journal, &tidied]);
}

#[test]
fn after_a_merge_the_branch_is_deleted_there_and_here() {
    let team = Team::new("github");
    team.finish().succeeded();
    team.hub.approve();
    team.finish().succeeded();
    // The place squashes it on its own side.
    let tree = team.git(&["rev-parse", "HEAD^{tree}"]);
    let landed = team.git(&["commit-tree", &tree, "-p", "main", "-m", "HOTFIX: squashed (#11)"]);
    team.git(&["push", "-q", "origin", &format!("{landed}:refs/heads/main")]);
    team.hub.kept().pulls[0]["merge_commit_sha"] = landed.clone().into();
    team.finish().succeeded();
    assert_eq!(team.git(&["ls-remote", "origin", "refs/heads/hotfix/pool"]), "");
    assert_eq!(team.git(&["branch", "--list", "hotfix/*"]), "");
    assert_eq!(team.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    // Asked once more there is nothing left, and nothing is done.
    let changes = team.hub.changes();
    team.finish().succeeded();
    assert_eq!(team.hub.changes(), changes);
}

#[test]
fn one_that_is_open_already_is_taken_and_gets_what_it_lacks() {
    let team = Team::new("github");
    // Somebody opens one while the plan is being confirmed: it is not there when asked for first.
    team.hub.kept().troubles.push_back(trouble(OPEN, true, BROKE));
    team.finish().succeeded();
    assert_eq!(team.hub.kept().opened, 1, "what broke down was done, and is not done again");
    assert_eq!(team.hub.dressed(), (1, 1));
    // One that was not done is sent again, once it was seen not to be there.
    let other = Team::new("github");
    other.hub.kept().troubles.push_back(trouble(OPEN, false, BROKE));
    other.finish().succeeded();
    assert_eq!(other.hub.kept().opened, 1);
    assert_eq!(other.hub.changes().iter().filter(|line| *line == OPEN).count(), 2);
}

#[test]
fn a_merge_that_broke_down_is_found_merged() {
    let team = Team::new("github");
    team.finish().succeeded();
    team.hub.approve();
    // Its place needs a moment to find out whether it could merge.
    team.hub.kept().undecided = 2;
    team.hub.kept().troubles.push_back(trouble(MERGE, true, BROKE));
    team.finish().succeeded();
    assert_eq!(team.hub.kept().merged, 1);
    assert_eq!(team.hub.changes().iter().filter(|line| *line == MERGE).count(), 1, "sent once");
}

#[test]
fn a_merge_that_was_broken_off_is_unknown_until_its_place_was_asked() {
    let team = Team::new("github");
    team.finish().succeeded();
    team.hub.approve();
    // It is made, and nobody is told.
    team.hub.kept().troubles.push_back(trouble(MERGE, true, ("", "")));
    let shell = team.shell.clone();
    let verb = std::thread::spawn(move || shell.flightdeck(&["hotfix", "finish", "--confirm", "main"]));
    wait_until("the merge", || (team.hub.counts().1 == 1).then_some(()));
    team.yard.kill_conductor();
    let plan = || {
        let status = team.shell.json(&["status", "--json"]);
        let plans = status["plans"].as_array().unwrap().clone();
        plans.into_iter().find(|plan| plan["id"] == "finish-2").unwrap()
    };
    let ended = verb.join().unwrap().ended_with(6).said("checked: it is done");
    assert!(ended.stdout.contains("finish-2: outcome unknown"), "{ended:?}");
    assert_eq!((&plan()["state"], &plan()["steps"][0]["state"]), (&"failed".into(), &"done".into()));
    team.shell.flightdeck(&["plan", "resume", "finish-2", "--confirm", "main"]).succeeded();
    assert_eq!(plan()["state"], "done");
    assert_eq!(team.hub.counts(), (1, 1));
    assert_eq!(
        team.hub.changes().iter().filter(|line| *line == MERGE).count(),
        1,
        "it was asked, not done again"
    );
}

#[test]
fn a_head_that_moved_is_not_merged() {
    let team = Team::new("github");
    team.finish().succeeded();
    team.hub.approve();
    // Between look and merge somebody pushes.
    team.hub.kept().troubles.push_back(trouble(
        MERGE,
        false,
        (
            "409 Conflict",
            r#"{"message":"Head branch was modified. Review and try the merge again.","status":"409"}"#,
        ),
    ));
    team.finish().ended_with(1).said("Head branch was modified");
    assert_eq!(team.hub.kept().merged, 0);
    assert_eq!(team.hub.changes().iter().filter(|line| *line == MERGE).count(), 1, "not tried blindly again");
    team.hub.kept().head = "1".repeat(40);
    team.finish().ended_with(3).said("still offers 1111111");
    assert_eq!(team.hub.kept().merged, 0);
}

#[test]
fn limits_are_waited_for_where_they_are_short_and_told_where_they_are_not() {
    let team = Team::new("github");
    let soon = ("429 Too Many Requests\r\nretry-after: 1", r#"{"message":"API rate limit exceeded"}"#);
    let second = (
        "403 Forbidden\r\nretry-after: 1",
        r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#,
    );
    team.hub.kept().troubles.extend([trouble(LIST, false, soon), trouble(OPEN, false, second)]);
    team.finish().succeeded();
    assert_eq!(team.hub.kept().opened, 1);
    let spent = (
        "403 Forbidden\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: 4102444800",
        r#"{"message":"API rate limit exceeded for user ID 1."}"#,
    );
    team.hub.kept().troubles.push_back(trouble(LIST, false, spent));
    team.finish().ended_with(1).said("too many calls");
}

#[test]
fn what_lets_nobody_in_is_told_apart() {
    let team = Team::new("github");
    let wrong = team.shell.clone().with("GITHUB_TOKEN", "ghp_wrongwrongwrongwrong");
    let ended =
        wrong.flightdeck(&["hotfix", "finish"]).ended_with(1).said("secret GITHUB_TOKEN is still valid");
    assert!(!ended.stderr.contains("ghp_wrong"));
    let missing = ("404 Not Found", r#"{"message":"Not Found","status":"404"}"#);
    team.hub.kept().troubles.push_back(trouble(LIST, false, missing));
    team.finish().ended_with(1).said("no shop/payments-api there");
    let forbidden =
        ("403 Forbidden", r#"{"message":"Resource not accessible by personal access token","status":"403"}"#);
    team.hub.kept().troubles.push_back(trouble(LIST, false, forbidden));
    team.finish().ended_with(1).said("the token has no permission").said("Resource not accessible");
    // An address from a file that nobody has trusted gets no token.
    std::fs::write(
        team.yard.file("flightdeck.toml"),
        "[hotfix]\nflow = \"github-flow\"\n[hotfix.pull]\napi = \"https://evil.test/api/v3\"\n",
    )
    .unwrap();
    team.finish().ended_with(4);
}

#[test]
fn without_a_token_the_words_are_printed() {
    let team = Team::new("github");
    let nobody = &team.yard.shell;
    nobody.flightdeck(&["hotfix", "finish"]).succeeded();
    assert_eq!(
        team.git(&["ls-remote", "origin", "refs/heads/hotfix/pool"]).split('\t').next(),
        Some(team.head().as_str())
    );
    let words = nobody.flightdeck(&["hotfix", "finish"]).succeeded().said("GITHUB_TOKEN");
    assert!(words.stdout.starts_with("HOTFIX: Checkout answers 500\n\n## What is wrong"), "{}", words.stdout);
    assert!(
        words.stdout.contains("/shop/payments-api/compare/main...hotfix/pool?quick_pull=1&title=HOTFIX%3A"),
        "{}",
        words.stdout
    );
    let words = nobody.json(&["hotfix", "finish", "--json"]);
    assert_eq!(words["by_hand"]["labels"][0], "hotfix");
    assert!(team.hub.service.requests().is_empty());
    let lab = Team::new("gitlab");
    lab.yard.shell.flightdeck(&["hotfix", "finish"]).succeeded();
    let words = lab.yard.shell.flightdeck(&["hotfix", "finish"]).succeeded();
    assert!(
        words.stdout.contains("/-/merge_requests/new?merge_request%5Bsource_branch%5D=hotfix%2Fpool"),
        "{}",
        words.stdout
    );
}

#[test]
fn a_failed_check_holds_whatever_else_has_its_name() {
    let team = Team::new("github");
    team.finish().succeeded();
    team.hub.approve();
    let red = run(1, "build", "completed", "failure");
    let green = in_suite(6, run(2, "build", "completed", "success"));
    team.hub.kept().runs = vec![red, green];
    team.finish().ended_with(3).said("failed: build (github-actions)");
    team.hub.kept().workflows = vec![workflow(8, 5, "CI"), workflow(9, 6, "Release")];
    team.finish().ended_with(3).said("failed: build (CI, push)");
    assert_eq!(team.hub.counts().1, 0, "nothing was merged");
    // The same workflow, started anew: what it says now counts.
    team.hub.kept().workflows = vec![workflow(8, 5, "CI"), workflow(8, 6, "CI")];
    team.finish().succeeded();
    assert_eq!(team.hub.counts().1, 1);
}

#[test]
fn a_pipeline_that_failed_holds_a_merge_request_beside_a_green_one() {
    let team = Team::new("gitlab");
    team.finish().succeeded();
    team.hub.approve();
    let head = team.head();
    let pipeline =
        |id: u64, status: &str| json!({ "id": id, "sha": head, "status": status, "source": "web" });
    team.hub.kept().pipelines = vec![pipeline(50, "failed")];
    team.finish().ended_with(3).said("failed: pipeline (web)");
    assert_eq!(team.hub.counts().1, 0, "nothing was merged");
    team.hub.kept().pipelines.push(pipeline(51, "success"));
    team.finish().succeeded();
    assert_eq!(team.hub.counts().1, 1);
}

#[test]
fn a_merge_request_goes_the_same_way() {
    let team = Team::new("gitlab");
    let opened = team.finish().succeeded();
    assert_eq!((team.hub.counts().0, team.hub.dressed().0), (1, 1));
    assert_eq!(team.hub.kept().asked, ["42"]);
    team.hub.kept().jobs = vec![
        json!({ "id": 1, "name": "test", "status": "canceled", "allow_failure": false, "stage": "test" }),
    ];
    let waits = team.finish().ended_with(3).said("asked: li").said("cancelled, which is not passed: test");
    team.hub.kept().jobs = vec![
        json!({ "id": 2, "name": "test", "status": "success", "allow_failure": false, "stage": "test" }),
    ];
    team.hub.approve();
    let merged = team.finish().succeeded();
    assert_eq!(team.hub.counts(), (1, 1));
    let tidied = team.finish();
    assert!(tidied.stderr.contains("88b0d13"), "{tidied:?}");
    team.keeps_its_secret(&[&opened, &waits, &merged, &tidied]);
}
