//! Which development model a hotfix follows: what the repository tells where nobody says, what is chosen
//! at the start and kept, and that all who show it agree.

use std::path::PathBuf;

use super::terminal::Terminal;
use super::world::{Ended, Shell, World};

/// Nothing stands in the way of finishing, and nothing is said of flows.
const NO_GATES: &str = "[policy.finish_gates]\ngit-flow = []\ntrunk = []\n";

/// A repository with a bare origin that has `main`, tagged v1.2.3.
struct Repository {
    world: World,
    shell: Shell,
}

impl Repository {
    fn new() -> Self {
        let world = World::new();
        let root = world.path("shop");
        std::fs::create_dir_all(&root).unwrap();
        let shell = world.shell(&root);
        let repository = Self { world, shell };
        let origin = repository.origin();
        repository.git(&["init", "--quiet", "--bare", origin.to_str().unwrap()]);
        repository.git(&["init", "--quiet"]);
        repository.write("VERSION", "1.2.3\n");
        repository.commit("first release");
        repository.git(&["tag", "-a", "-m", "first", "v1.2.3"]);
        repository.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        repository.git(&["push", "--quiet", "-u", "origin", "main", "v1.2.3"]);
        repository
    }

    /// The same with `develop` at the origin, and an incident.
    fn with_develop() -> Self {
        let repository = Self::new();
        repository.git(&["push", "--quiet", "origin", "main:develop"]);
        repository.shell.flightdeck(&["declare", "Pool is full", "--severity", "P0"]).succeeded();
        repository
    }

    fn origin(&self) -> PathBuf {
        self.world.path("origin.git")
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        self.shell.run("git", arguments).succeeded().stdout.trim_end().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.shell.directory.join(path), text).unwrap();
    }

    fn configure(&self, text: &str) {
        self.write("flightdeck.toml", text);
        self.git(&["add", "flightdeck.toml"]);
        self.commit("configure");
        self.git(&["push", "--quiet", "origin", "main"]);
        self.shell.flightdeck(&["trust"]).succeeded();
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
    }

    fn hotfix(&self, arguments: &[&str]) -> Ended {
        self.shell.flightdeck(&[&["hotfix"], arguments].concat())
    }

    #[track_caller]
    fn flow(&self) -> String {
        let status = self.hotfix(&["status"]).succeeded().stdout;
        let line = status.lines().find_map(|line| line.strip_prefix("flow "));
        line.unwrap_or_else(|| panic!("no flow in {status}")).trim().to_owned()
    }
}

#[test]
fn without_a_configuration_all_who_look_find_git_flow_where_the_remote_has_develop() {
    let repository = Repository::new();
    assert_eq!(repository.flow(), "github-flow: the default");
    repository.git(&["branch", "develop"]);
    assert_eq!(repository.flow(), "github-flow: the default", "it is nobody else's");
    repository.git(&["push", "--quiet", "origin", "develop"]);
    repository.git(&["branch", "--quiet", "-D", "develop"]);

    assert_eq!(repository.flow(), "git-flow: origin has develop");
    let status = repository.shell.json(&["hotfix", "status", "--json"]);
    assert_eq!((&status["flow"], &status["flow_from"]), (&"git-flow".into(), &"origin has develop".into()));
    let doctor = repository.shell.flightdeck(&["doctor"]).stdout;
    assert!(doctor.contains("git flow: origin has develop"), "{doctor}");
    let draft = repository.shell.flightdeck(&["init", "--print"]).succeeded().stdout;
    let line = draft.lines().find(|line| line.starts_with("flow = ")).unwrap_or_default();
    assert!(line.contains("\"git-flow\"") && line.ends_with("# origin has develop"), "{draft}");
    let shown = repository.shell.flightdeck(&["config", "show"]).succeeded().stdout;
    assert!(shown.contains("flow = \"git-flow\""), "{shown}");

    repository.shell.flightdeck(&["declare", "Pool is full", "--severity", "P0"]).succeeded();
    repository.hotfix(&["start", "pool-limit"]).succeeded();
    repository.write("pool.rs", "limit 200\n");
    repository.write("VERSION", "1.2.4\n");
    repository.commit("raise the limit");
    let plan = repository.hotfix(&["finish", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("note: git flow: origin has develop") && plan.contains("into develop"), "{plan}");
    let terminal = Terminal::open(&repository.shell, 40, 150, &[]);
    terminal.wait_text("hotfix/pool-limit");
    terminal.wait_text("─ git flow ╮");
}

#[test]
fn the_names_that_git_flow_was_told_are_used() {
    let repository = Repository::new();
    repository.git(&["push", "--quiet", "origin", "main:live", "main:next"]);
    for (name, value) in [("branch.master", "live"), ("branch.develop", "next"), ("prefix.hotfix", "hot/")] {
        repository.git(&["config", &format!("gitflow.{name}"), value]);
    }
    assert_eq!(repository.flow(), "git-flow: gitflow.* in the git settings here");
    repository.shell.flightdeck(&["declare", "Pool is full", "--severity", "P0"]).succeeded();
    let plan = repository.hotfix(&["start", "x", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("start hot/x from origin/live"), "{plan}");
    let draft = repository.shell.flightdeck(&["init", "--print"]).succeeded().stdout;
    for part in ["base = \"live\"", "develop = \"next\"", "prefix = \"hot/\""] {
        assert!(draft.contains(&format!("\n{part}")), "{part} in {draft}");
    }
}

#[test]
fn the_flow_chosen_at_the_start_is_kept_with_the_branch() {
    let repository = Repository::with_develop();
    repository.configure(&format!("[hotfix]\nflow = \"github-flow\"\n\n{NO_GATES}"));
    assert_eq!(repository.flow(), "github-flow: from flightdeck.toml");
    let plan =
        repository.hotfix(&["start", "pool-limit", "--flow", "git-flow", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("remember git flow for hotfix/pool-limit"), "{plan}");
    repository.hotfix(&["start", "pool-limit", "--flow", "git-flow"]).succeeded();
    repository.write("pool.rs", "limit 200\n");
    repository.write("VERSION", "1.2.4\n");
    repository.commit("raise the limit");

    assert_eq!(repository.flow(), "git-flow: chosen at hotfix start");
    let mut terminal = Terminal::open(&repository.shell, 40, 150, &[]);
    terminal.wait_text("─ git flow ╮");
    // It belongs to that branch, and to no other.
    repository.git(&["switch", "--quiet", "main"]);
    terminal.wait_text("─ GitHub flow ╮");
    terminal.wait_text("⎇ main");
    assert_eq!(repository.flow(), "github-flow: from flightdeck.toml");
    repository.git(&["switch", "--quiet", "hotfix/pool-limit"]);
    terminal.wait_text("─ git flow ╮");
    terminal.wait_text("⎇ hotfix/pool-limit");
    let next = repository.hotfix(&["start", "other", "--dry-run"]).succeeded().stdout;
    assert!(!next.contains("remember"), "a new branch is started as configured: {next}");
    terminal.press("h f");
    terminal.wait_text("finish hotfix/pool-limit (git flow)");
    terminal.press("<pgdn>");
    terminal.wait_text("git flow: chosen at hotfix start");
    terminal.press("<esc>");
    terminal.wait_gone("type main");
    terminal.press("q");
    terminal.wait_end();

    let refused = repository.hotfix(&["finish", "--flow", "trunk", "--dry-run"]).ended_with(3);
    let refused = refused.said("hotfix/pool-limit has 1 commit that main does not have");
    refused.said("git merge --ff-only hotfix/pool-limit");
    let plan = repository.hotfix(&["finish", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("note: git flow: chosen at hotfix start"), "{plan}");
    let ended = repository.hotfix(&["finish", "--confirm", "main"]).succeeded();
    assert!(ended.stderr.contains("git flow: chosen at hotfix start"), "{}", ended.stderr);
    assert_eq!(repository.git(&["ls-remote", "origin", "refs/tags/v1.2.4"]).lines().count(), 1);
    let kept = repository.shell.run("git", &["config", "--get-regexp", "flightdeckflow"]);
    assert_eq!(kept.code(), Some(1), "it went with the branch: {}", kept.stdout);
}

#[test]
fn a_fix_straight_on_the_trunk_is_finished_as_it_was_started() {
    let repository = Repository::with_develop();
    repository.configure(NO_GATES);
    repository.hotfix(&["start", "--flow", "trunk"]).succeeded();
    assert_eq!(repository.flow(), "trunk: chosen at hotfix start");
    repository.write("pool.rs", "limit 200\n");
    repository.commit("raise the limit");
    let plan = repository.hotfix(&["finish", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("note: trunk: chosen at hotfix start"), "{plan}");
    repository.hotfix(&["finish", "--confirm", "main"]).succeeded();
    let there = repository.git(&["ls-remote", "origin", "refs/heads/main"]);
    assert!(there.starts_with(&repository.git(&["rev-parse", "HEAD"])), "{there}");
    assert_eq!(repository.flow(), "git-flow: origin has develop", "the next one is as it always was");

    // Asked for at the end alone.
    repository.write("pool.rs", "limit 300\n");
    repository.commit("raise it further");
    let plan = repository.hotfix(&["finish", "--flow", "trunk", "--dry-run"]).succeeded().stdout;
    assert!(plan.contains("note: trunk: asked for with --flow"), "{plan}");
}

#[test]
fn a_trunk_that_was_chosen_ends_with_the_incident_the_finish_or_another_start() {
    let repository = Repository::with_develop();
    repository.configure(&format!("[hotfix]\nflow = \"git-flow\"\n\n{NO_GATES}"));
    let kept = || repository.shell.run("git", &["config", "--get-regexp", "flightdeckflow"]).stdout;
    let configured = "git-flow: from flightdeck.toml";
    repository.hotfix(&["start", "--flow", "trunk"]).succeeded();
    assert_eq!(repository.flow(), "trunk: chosen at hotfix start");
    repository.shell.flightdeck(&["resolve", "--yes"]).succeeded();
    repository.shell.flightdeck(&["close", "--yes"]).succeeded();
    assert_eq!(repository.flow(), configured);
    repository.shell.flightdeck(&["declare", "The next one", "--severity", "P0"]).succeeded();
    assert_eq!(repository.flow(), configured, "it was chosen in another incident");
    let doctor = repository.shell.flightdeck(&["doctor"]).stdout;
    assert!(doctor.contains("git flow: from flightdeck.toml"), "{doctor}");
    let mut terminal = Terminal::open(&repository.shell, 40, 150, &[]);
    terminal.wait_text("⎇ main");
    terminal.wait_text("─ git flow ╮");
    terminal.press("q");
    terminal.wait_end();

    // Chosen anew, and left again for a branch.
    repository.hotfix(&["start", "--flow", "trunk"]).succeeded();
    assert_eq!(repository.flow(), "trunk: chosen at hotfix start");
    repository.hotfix(&["start", "x"]).succeeded();
    assert_eq!(kept(), "");
    repository.git(&["switch", "--quiet", "main"]);
    assert_eq!(repository.flow(), configured);

    // Finished with the flow by name.
    repository.hotfix(&["start", "--flow", "trunk"]).succeeded();
    repository.write("pool.rs", "limit 200\n");
    repository.commit("raise the limit");
    repository.hotfix(&["finish", "--flow", "trunk", "--confirm", "main"]).succeeded();
    assert_eq!(kept(), "");
    assert_eq!(repository.flow(), configured);
}

#[test]
fn after_a_finish_main_is_pushed_also_where_it_follows_no_branch() {
    let repository = Repository::with_develop();
    repository.configure(&format!(
        "[hotfix]\nflow = \"git-flow\"\n\n{NO_GATES}\n\
         [[environments]]\nname = \"production\"\ndeploy = [\"true\"]\n"
    ));
    repository.git(&["branch", "--quiet", "--unset-upstream", "main"]);
    let status = || repository.shell.flightdeck(&["status"]).succeeded().stdout;
    repository.shell.flightdeck(&["live", "production", "v1.2.3"]).succeeded();
    assert!(!status().contains("fix is in"), "no fix yet: {}", status());
    repository.hotfix(&["start", "pool-limit"]).succeeded();
    assert!(!status().contains("fix is in"), "nor on a branch without a commit: {}", status());
    repository.write("pool.rs", "limit 200\n");
    repository.write("VERSION", "1.2.4\n");
    repository.commit("raise the limit");
    assert!(status().contains("fix is in production: lacks 2 commits"), "{}", status());
    repository.hotfix(&["finish", "--confirm", "main"]).succeeded();
    repository.git(&["switch", "--quiet", "main"]);

    let told = repository.hotfix(&["status"]).succeeded().stdout;
    let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!(line("upstream "), Some("origin/main, the same"), "{told}");
    assert!(status().contains("· pushed ·") && !status().contains("not pushed"), "{}", status());
    assert!(!status().contains("fix is in") && line("fix is in").is_none(), "{told}");
    let json = repository.shell.json(&["status", "--json"]);
    let hotfix = &json["hotfix"];
    assert_eq!((&hotfix["pushed"], &hotfix["outlook"]["places"]), (&true.into(), &serde_json::json!([])));
}

#[test]
fn where_the_file_has_a_mistake_in_it_all_who_look_tell_the_flow_that_the_repository_tells() {
    let repository = Repository::with_develop();
    repository.write("flightdeck.toml", "[hotfix]\nflow = \"trunk\"\n[[[\n");
    let status = repository.shell.flightdeck(&["status"]).succeeded();
    assert!(status.stdout.contains("main · git-flow ·"), "{}", status.stdout);
    assert!(status.stderr.contains("flightdeck.toml"), "{}", status.stderr);
    let json = repository.shell.json(&["status", "--json"]);
    assert_eq!(json["hotfix"]["flow_from"], "origin has develop");
    let doctor = repository.shell.flightdeck(&["doctor"]).stdout;
    assert!(doctor.contains("git flow: origin has develop"), "{doctor}");
    let terminal = Terminal::open(&repository.shell, 40, 150, &[]);
    terminal.wait_text("⎇ main");
    terminal.wait_text("─ git flow ╮");
}

#[test]
fn a_next_release_that_is_main_itself_is_not_merged_into_twice() {
    let repository = Repository::with_develop();
    repository.git(&["config", "gitflow.branch.develop", "main"]);
    repository.hotfix(&["start", "x"]).succeeded();
    repository.write("pool.rs", "limit 200\n");
    repository.commit("raise the limit");
    let told = repository.hotfix(&["status"]).succeeded().stdout;
    assert_eq!(told.matches("into main").count(), 1, "{told}");
    assert!(told.contains("into develop: clean"), "{told}");
}
