use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;

use super::*;
use crate::plan::{Purpose, Step};

fn command(argv: &[&str], env: &[&str]) -> Command {
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Command { argv: owned(argv), cwd: "/".to_owned(), env: owned(env), set: BTreeMap::new() }
}

fn plan(secrets: &[(&str, SecretFrom)], commands: &[Command]) -> Plan {
    let mut plan = Plan::new("deploy-1", "deploy", Purpose::Deploy, "staging");
    let source =
        |(name, from): &(&str, SecretFrom)| SecretSource { name: (*name).to_owned(), from: from.clone() };
    plan.secrets = secrets.iter().map(source).collect();
    let step = |command: &Command| {
        Step::new("deploy", Action::Command(command.clone()), SignedDuration::from_secs(60))
    };
    plan.steps = commands.iter().map(step).collect();
    plan
}

fn printing(script: &str) -> SecretFrom {
    SecretFrom::Command(command(&["sh", "-c", script], &[]))
}

fn refusal(from: SecretFrom) -> String {
    let needing = command(&["true"], &["TOKEN"]);
    let mut vault = Vault::open(&plan(&[("TOKEN", from)], std::slice::from_ref(&needing)));
    vault.need_for_command(&needing).unwrap_err().to_string()
}

#[test]
fn a_command_gets_the_secrets_it_names_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "from a file\r\n").unwrap();
    let file = SecretFrom::File(file.to_str().unwrap().to_owned());
    let first = command(&["true"], &["FILE"]);
    let second = command(&["true"], &["FILE", "PRINTED"]);
    let sources = [("FILE", file), ("PRINTED", printing("echo printed; echo complaint >&2"))];
    let mut vault = Vault::open(&plan(&sources, &[first.clone(), second.clone()]));
    vault.need_for_command(&first).unwrap();
    assert_eq!(vault.variables(&first), [("FILE".into(), "from a file".into())]);
    assert_eq!(vault.mask("printed from a file"), "printed ‹FILE›", "nobody asked for the other yet");
    vault.need_for_command(&second).unwrap();
    assert_eq!(vault.variables(&second).len(), 2);
    assert_eq!(vault.variables(&first).len(), 1);
    assert_eq!(vault.mask("printed from a file"), "‹PRINTED› ‹FILE›");
}

#[test]
fn what_is_there_already_is_masked_before_it_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "from a file").unwrap();
    let file = SecretFrom::File(file.to_str().unwrap().to_owned());
    let vault = Vault::open(&plan(&[("FILE", file)], &[]));
    assert_eq!(vault.mask("cat: from a file"), "cat: ‹FILE›");
}

#[test]
fn passwords_of_remotes_are_masked() {
    let dir = tempfile::tempdir().unwrap();
    let repo = git2::Repository::init(dir.path()).unwrap();
    repo.remote("origin", "https://me:p%40ssw0rd@host.test/x").unwrap();
    let mut pushing = command(&["git", "push"], &[]);
    pushing.cwd = dir.path().to_str().unwrap().to_owned();
    let vault = Vault::open(&plan(&[], &[pushing]));
    for text in ["p@ssw0rd", "p%40ssw0rd", "me:p@ssw0rd", "bWU6cEBzc3cwcmQ="] {
        assert_eq!(vault.mask(text), "‹origin›", "{text}");
    }
}

#[test]
fn what_cannot_be_had_is_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        std::fs::write(dir.path().join(name), text).unwrap();
        SecretFrom::File(dir.path().join(name).to_str().unwrap().to_owned())
    };
    let gone = SecretFrom::File(dir.path().join("gone").to_str().unwrap().to_owned());
    let folder = SecretFrom::File(dir.path().to_str().unwrap().to_owned());
    for (from, why) in [
        (SecretFrom::Env("FLIGHTDECK_NOT_SET_ANYWHERE".to_owned()), "is not set"),
        (gone, "cannot be read"),
        (folder, "is not a file"),
        (file("empty", b"\n"), "it is empty"),
        (file("short", b"abc\n"), "fewer than 4 bytes"),
        (file("nul", b"abcd\0efg"), "NUL"),
        (file("long", &vec![b'x'; MOST + 3]), "more than 65536 bytes"),
        (printing("echo hunter22; exit 3"), "exited 3"),
        (printing("echo hunter22 >&2; kill -9 $$"), "was killed"),
        (printing("head -c 70000 /dev/zero | tr '\\0' x"), "more than 65536 bytes"),
        (SecretFrom::Command(command(&["./no-such-program"], &[])), "did not start"),
    ] {
        let refusal = refusal(from);
        assert!(refusal.contains(why) && refusal.contains("TOKEN"), "{refusal}");
        assert!(!refusal.contains("abc\n") && !refusal.contains("the secret TOKEN: hunter22"), "{refusal}");
    }
}

#[test]
fn a_command_that_prints_a_secret_gets_what_it_was_promised_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("vault.sh");
    std::fs::write(&script, "#!/bin/sh\nenv | cut -d= -f1 | sort | tr '\\n' ' '\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let value = get(&SecretSource {
        name: "NAMES".to_owned(),
        from: SecretFrom::Command(command(&[script.to_str().unwrap()], &[])),
    });
    let names = String::from_utf8(value.unwrap().to_vec()).unwrap();
    assert!(names.contains("PATH") && !names.contains("CARGO"), "{names}");
}

#[test]
fn a_request_gets_the_secrets_it_needs() {
    let needing = HttpCall {
        method: "POST".to_owned(),
        url: "http://localhost/".to_owned(),
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer {secret:A}".to_owned())]),
        body: String::new(),
        expect: Vec::new(),
    };
    let sources = [("A", printing("echo aaaa")), ("B", printing("echo bbbb"))];
    let mut vault = Vault::open(&plan(&sources, &[]));
    vault.need_for_action(&Action::Http(needing)).unwrap();
    assert_eq!(vault.secret("A").as_deref(), Some("aaaa"));
    assert_eq!(vault.secret("B"), None);
    assert!(!format!("{vault:?}").contains("aaaa"));
}

#[test]
fn what_a_command_has_printed_is_masked_without_asking_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let script = "echo x >> asked; echo printed-once";
    let text = format!(
        "[[secrets]]\nname = \"A\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n[[secrets]]\nname = \"B\"\nfile = \"b\"\n"
    );
    let config: Config = toml::from_str(&text).unwrap();
    let told = || masker(&config, dir.path()).mask("it was printed-once").into_owned();
    assert_eq!(told(), "it was printed-once", "nobody needed it yet");
    get(&declared(&config, dir.path())[0]).unwrap();
    assert_eq!(told(), "it was ‹A›");
    assert_eq!(std::fs::read_to_string(dir.path().join("asked")).unwrap(), "x\n");
}
