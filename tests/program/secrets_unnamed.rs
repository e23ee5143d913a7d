//! Declared secrets that no command names, and that are told all the same: by what reads them from elsewhere,
//! and by a remote.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::conductor::Yard;
use super::world::Ended;

const TOKEN: &str = "f1l3-t0k3n-nobody-names";
const VARIABLE: &str = "v4r14ble-nobody-names";

const CONFIG: &str = r#"
[[secrets]]
name = "TOKEN"
file = "token"

[[secrets]]
name = "VARIABLE"

[[secrets]]
name = "GONE"
file = "not/there"

[[secrets]]
name = "ASKS"
command = ["./ask.sh"]

[[checks]]
name = "unit"
command = ["./deploy.sh"]

[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
history = ["./tell.sh"]
"#;

/// A yard with everything that tells, and something that must not be asked.
fn yard() -> Yard {
    let mut yard = Yard::new(CONFIG, "./tell.sh");
    yard.shell = yard.shell.clone().with("VARIABLE", VARIABLE);
    std::fs::write(yard.file("token"), format!("{TOKEN}\n")).unwrap();
    yard.script("tell.sh", &format!("echo 'login with {TOKEN} and {VARIABLE} failed' >&2; exit 1"));
    yard.script("ask.sh", "echo x >> asked; echo answered-by-a-person");
    yard
}

#[track_caller]
fn tells_nothing(what: &str, text: &str) {
    for secret in [TOKEN, VARIABLE] {
        assert!(!text.contains(secret), "{what} tells {secret}:\n{text}");
    }
}

#[track_caller]
fn masked(ended: &Ended) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("login with ‹TOKEN› and ‹VARIABLE› failed"), "{said}");
    tells_nothing("it", &said);
}

/// No verb that shows what happened tells it, and no file that is kept.
fn nowhere(yard: &Yard) {
    for verb in [
        &["status"][..],
        &["status", "--json"],
        &["plan", "show"],
        &["plan", "show", "--json"],
        &["report"],
        &["export"],
    ] {
        let ended = yard.shell.flightdeck(verb);
        tells_nothing(&verb.join(" "), &format!("{}{}", ended.stdout, ended.stderr));
    }
    no_file_tells(&yard.world.path("state"));
    assert!(!yard.file("asked").exists(), "nobody is asked for what no command names");
}

fn no_file_tells(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_tells(&path);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            tells_nothing(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn a_deploy_and_a_test_that_find_a_secret_elsewhere_leave_it_nowhere() {
    let yard = yard();
    for (verb, run) in [(&["deploy", "staging"][..], "deploy-staging-1.0"), (&["test"], "test-1.0")] {
        masked(&yard.shell.flightdeck(verb).ended_with(1));
        masked(&yard.shell.flightdeck(&["run", "log", run]));
        nowhere(&yard);
    }
    // One that cannot be had is in nobody's way.
    yard.script("deploy.sh", "cat token");
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-2.0"]).succeeded();
    assert_eq!(log.stdout, "‹TOKEN›\n");
    nowhere(&yard);
}

#[test]
fn a_history_that_tells_a_secret_is_masked() {
    let yard = yard();
    for verb in [&["rollback", "--list"][..], &["rollback", "--list", "--json"]] {
        masked(&yard.shell.flightdeck(verb));
    }
    for verb in [&["rollback", "staging", "--dry-run"][..], &["suspects"], &["status"]] {
        let ended = yard.shell.flightdeck(verb);
        tells_nothing(&verb.join(" "), &format!("{}{}", ended.stdout, ended.stderr));
    }
    nowhere(&yard);
}

#[test]
fn what_a_remote_says_to_a_push_is_masked() {
    let yard = yard();
    let origin = yard.world.path("origin.git");
    let git = |arguments: &[&str]| yard.shell.run("git", arguments).succeeded();
    std::fs::write(yard.file(".git/info/exclude"), "*\n").unwrap();
    git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
    git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    git(&["push", "-q", "-u", "origin", "main"]);
    yard.shell.flightdeck(&["hotfix", "start", "x"]).succeeded();
    std::fs::write(yard.file("fix"), "1").unwrap();
    git(&["add", "-f", "fix"]);
    git(&["commit", "-q", "-m", "fix it"]);
    let hook = origin.join("hooks/pre-receive");
    std::fs::copy(yard.file("tell.sh"), &hook).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let push = yard.shell.flightdeck(&["hotfix", "push"]);
    assert_ne!(push.code(), Some(0), "{push:?}");
    masked(&push);
    nowhere(&yard);
}
