//! Configuration through the real binary: what `init` writes works, mistakes are pointed at,
//! and nothing a repository names runs before its exact content is trusted.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A repository with directories of settings and state of its own.
struct World {
    dir: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(world.repo()).unwrap();
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["commit", "-q", "--allow-empty", "-m", "begin"],
            &["branch", "develop"],
        ] {
            let git =
                Command::new("git").args(args).current_dir(world.repo()).envs(world.environment()).status();
            assert!(git.unwrap().success());
        }
        world
    }

    fn repo(&self) -> std::path::PathBuf {
        self.dir.path().join("shop")
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let below = |name: &str| self.dir.path().join(name).display().to_string();
        vec![
            ("HOME", below("home")),
            ("FLIGHTDECK_STATE_DIR", below("state")),
            ("FLIGHTDECK_CONFIG_DIR", below("settings")),
            ("FLIGHTDECK_USER", "maya".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_AUTHOR_NAME", "maya".to_owned()),
            ("GIT_AUTHOR_EMAIL", "maya@example.org".to_owned()),
            ("GIT_COMMITTER_NAME", "maya".to_owned()),
            ("GIT_COMMITTER_EMAIL", "maya@example.org".to_owned()),
        ]
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(args).current_dir(self.repo()).env_clear().envs(self.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.repo().join(name);
        fs::write(&path, content).unwrap();
        if content.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn ended(output: &Output, code: i32) -> String {
    let text = text(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn init_writes_what_it_recognises_and_never_overwrites() {
    let world = World::new();
    world.write("Cargo.toml", "[package]\nname = \"shop\"\n");
    world.write("deploy.sh", "#!/bin/sh\nref=$1\nenv=$2\n");
    let printed = ended(&world.run(&["init", "--print"]), 0);
    assert!(!world.repo().join("flightdeck.toml").exists(), "printing writes nothing");

    ended(&world.run(&["init"]), 0);
    let written = fs::read_to_string(world.repo().join("flightdeck.toml")).unwrap();
    assert_eq!(written, printed);
    for part in [
        "flow = \"git-flow\"",
        "base = \"main\"",
        "[\"cargo\", \"test\"]",
        "\"./deploy.sh\", \"{ref}\", \"{env}\"",
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
    assert!(ended(&world.run(&["config", "check"]), 0).contains("1 check, 2 environments"));

    world.write("flightdeck.toml", "# mine\n");
    assert!(ended(&world.run(&["init"]), 2).contains("never overwritten"));
    assert_eq!(fs::read_to_string(world.repo().join("flightdeck.toml")).unwrap(), "# mine\n");
}

#[test]
fn init_reads_what_there_is_and_says_where_it_has_it_from() {
    let world = World::new();
    let folder = world.repo().join(".github/workflows");
    fs::create_dir_all(&folder).unwrap();
    world.write("package.json", "{\"name\": \"@shop/checkout\", \"scripts\": {\"test\": \"jest\"}}");
    world.write("Makefile", "lint:\n\teslint .\ndeploy:\n\t./x $(REF) $(ENV)\nsmoke:\n\tcurl x\n");
    world.write(
        "compose.yaml",
        "services:\n  web:\n    ports: [\"8080:3000\"]\n    healthcheck:\n      test: curl -f http://localhost:3000/ready\n",
    );
    world.write(
        ".github/workflows/ci.yml",
        "on: push\njobs:\n  unit:\n    steps:\n      - run: npm test -- --ci\n",
    );
    let git = |args: &[&str]| {
        let git = Command::new("git").args(args).current_dir(world.repo()).envs(world.environment()).status();
        assert!(git.unwrap().success());
    };
    git(&["tag", "v1.2.3"]);
    let said = ended(&world.run(&["init"]), 0);
    for part in
        ["name    checkout (from package.json)", "probe   http://localhost:8080/ready (from compose.yaml)"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let draft = fs::read_to_string(world.repo().join("flightdeck.toml")).unwrap();
    // What it is sure of is in force, the rest is there with its reason.
    for line in [
        "name = \"checkout\" ",
        "tag_prefix = \"v\" ",
        "command = [\"npm\", \"test\"] ",
        "deploy = [\"make\", \"deploy\", \"REF={ref}\", \"ENV={env}\"]",
        "smoke = [\"make\", \"smoke\"",
        "#command = [\"make\", \"lint\"] ",
        "#command = [\"npm\", \"test\", \"--\", \"--ci\"]",
        "#url = \"http://localhost:8080/ready\"",
        "# Every check delays a hotfix",
        "# This is where compose.yaml has web on this machine",
    ] {
        assert!(draft.lines().any(|written| written.starts_with(line)), "{line} in {draft}");
    }
}

#[test]
fn each_sample_can_be_printed_and_written_and_is_right() {
    let deploys = ["script", "kubectl", "aws-target-groups", "kamal"];
    let probes = ["http", "command", "prometheus", "alertmanager", "datadog", "postgres", "machine"];
    for name in deploys.into_iter().chain(probes) {
        let world = World::new();
        let printed = world.run(&["init", "--sample", name, "--print"]);
        let printed = ended(&printed, 0);
        assert!(!world.repo().join("flightdeck.toml").exists(), "printing writes nothing");
        ended(&world.run(&["init", "--sample", name]), 0);
        assert_eq!(fs::read_to_string(world.repo().join("flightdeck.toml")).unwrap(), printed);
        // Its scripts are names to put one's own in place of: nothing else is wrong with it.
        let said = text(&world.run(&["config", "check"]));
        let about = |level: &str| said.lines().filter(|line| line.starts_with(level)).collect::<Vec<_>>();
        let missing = |line: &&str| line.ends_with("does not exist");
        let not_here = |line: &&str| line.ends_with("is not in PATH on this machine");
        assert!(about("error").iter().all(missing) && about("warning").iter().all(not_here), "{said}");
        let trusted = ended(&world.run(&["trust", "--show"]), 0);
        assert!(!deploys.contains(&name) || trusted.contains("deploy "), "{trusted}");
        ended(&world.run(&["init", "--sample", name]), 2);
    }
    let said = ended(&World::new().run(&["init", "--sample", "helm", "--print"]), 2);
    assert!(said.contains("aws-target-groups"), "{said}");
}

#[test]
fn mistakes_are_all_pointed_at_and_end_with_two() {
    let world = World::new();
    world.write(
        "flightdeck.toml",
        "[[enviroments]]\nname = \"x\"\n\n[[probes]]\nname = \"web\"\nurl = \"localhost:80/health\"\n",
    );
    let said = ended(&world.run(&["config", "check"]), 2);
    for part in
        ["flightdeck.toml:1:3", "did you mean `environments`?", "^^^^", "flightdeck.toml:6:7", "no scheme"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours into a pipe");
    let said = ended(&world.run(&["trust"]), 2);
    assert!(said.contains("did you mean `environments`?"), "{said}");
}

#[test]
fn all_is_well_only_if_what_the_commands_name_is_there() {
    let world = World::new();
    world.write("deploy.sh", "#!/bin/sh\ntouch ran $FLIGHTDECK_REF\n");
    let config = |deploy: &str, check: &str| {
        format!(
            "[[checks]]\nname = \"unit\"\ncommand = {check}\n\n[[environments]]\nname = \"staging\"\ndeploy = {deploy}\n"
        )
    };
    let check = |deploy: &str, check: &str, code| {
        world.write("flightdeck.toml", &config(deploy, check));
        ended(&world.run(&["config", "check"]), code)
    };
    assert!(check("[\"./deploy.sh\"]", "[\"git\", \"status\"]", 0).contains("all is well"));

    let said = check("[\"./deplyo.sh\"]", "[\"git status\"]", 2);
    for part in [
        "`./deplyo.sh` does not exist",
        "did you mean `./deploy.sh`?",
        "flightdeck.toml:7:11",
        "split it: command = [\"git\", \"status\"]",
        "flightdeck.toml: 2 problems\n",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("flightdeck.toml: all is well"), "{said}");

    // Missing on this machine, or not made yet: it is said, and is no mistake in the file.
    world.write(".gitignore", "/target\n");
    let said = check("[\"target/deploy\"]", "[\"no-such-program-here\"]", 0);
    assert!(said.contains("git ignores it") && said.contains("not in PATH on this machine"), "{said}");
    assert!(said.contains("flightdeck.toml: 2 warnings\n") && !said.contains("toml: all is well"), "{said}");

    // Both kinds of mistakes come together.
    world.write(
        "flightdeck.toml",
        "[[environments]]\nname = \"a\"\ndeploy = [\"./deplyo.sh\", \"{environment}\"]\n[[probes]]\nname = \"p\"\nurl = \"http://h\"\nenvironment = \"b\"\n",
    );
    let said = ended(&world.run(&["config", "check"]), 2);
    for part in [
        "unknown placeholder {environment}; known: ref, commit, env",
        "does not exist",
        "unknown environment `b`",
        "flightdeck.toml: 3 problems",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!world.repo().join("ran").exists(), "nothing is run");
}

#[test]
fn a_list_that_is_written_as_a_table_is_one_mistake() {
    let world = World::new();
    world.write("deploy.sh", "#!/bin/sh\n: $FLIGHTDECK_REF\n");
    let environment =
        |name: &str| format!("[environments]\nname = \"{name}\"\ndeploy = [\"./deploy.sh\"]\n\n");
    world.write("flightdeck.toml", &(environment("staging") + &environment("production")));
    let said = ended(&world.run(&["config", "check"]), 2);
    assert!(said.contains("write [[environments]]: it is a list"), "{said}");
    assert!(said.contains("flightdeck.toml: 1 problem\n") && !said.contains("duplicate"), "{said}");
}

#[test]
fn mistakes_in_the_settings_are_pointed_at() {
    let world = World::new();
    let settings = world.dir.path().join("settings");
    fs::create_dir(&settings).unwrap();
    for (content, part) in
        [("them = \"light\"\n", "did you mean `theme`?"), ("[keys]\nquti = [\"x\"]\n", "settings.toml:2:1")]
    {
        fs::write(settings.join("settings.toml"), content).unwrap();
        let said = ended(&world.run(&["config", "check"]), 2);
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn nothing_runs_before_its_exact_content_is_trusted() {
    let world = World::new();
    let marker = |name: &str| world.repo().join(name);
    world.write("check.sh", "#!/bin/sh\ntouch \"$1\"\n");
    let config =
        |name: &str| format!("[[checks]]\nname = \"touch\"\ncommand = [\"./check.sh\", \"{name}\"]\n");
    world.write("flightdeck.toml", &config("one"));

    let title = ["declare", "Checkout answers 500", "--severity", "P0"];
    ended(&world.run(&title), 0);
    let said = ended(&world.run(&["test"]), 4);
    assert!(said.contains("flightdeck trust"), "{said}");
    assert!(!marker("one").exists());

    assert!(ended(&world.run(&["trust", "--show"]), 0).contains("./check.sh one"));
    ended(&world.run(&["test"]), 4);
    ended(&world.run(&["trust"]), 0);
    ended(&world.run(&["test"]), 0);
    assert!(marker("one").exists());

    world.write("flightdeck.toml", &config("two"));
    ended(&world.run(&["test"]), 4);
    assert!(!marker("two").exists());
}

#[test]
fn doctor_tells_what_stands_in_the_way() {
    let world = World::new();
    let said = ended(&world.run(&["doctor"]), 0);
    assert!(said.contains("✓ git") && said.contains("✓ repository"), "{said}");

    world.write("flightdeck.toml", "[[checks]]\nname = \"a\"\ncommand = [\"./not-there.sh\"]\n");
    let output = world.run(&["doctor", "--json"]);
    ended(&output, 1);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["ok"], false);
    let all = found["checks"].as_array().unwrap();
    let state = |name: &str| all.iter().find(|check| check["name"] == name).unwrap()["state"].clone();
    assert_eq!(state("programs"), "bad");
    assert_eq!(state("trust"), "warn");
    assert_eq!(state("config"), "ok");
}

#[test]
fn the_schema_is_json_and_names_every_part() {
    let world = World::new();
    let output = world.run(&["config", "schema"]);
    ended(&output, 0);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["environments"].is_object());
}

#[test]
fn state_is_for_its_owner_only() {
    let world = World::new();
    world.write("flightdeck.toml", "");
    ended(&world.run(&["trust"]), 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let state = world.dir.path().join("state");
    assert_eq!((mode(&state), mode(&state.join("trust.json"))), (0o700, 0o600));
}
