//! Secrets of a deploy that tells them in every way it can: they are nowhere afterwards.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::conductor::{UNTIL_GO, Yard};
use super::terminal::Terminal;
use super::world::{PROGRAM, Running};

const TOKEN: &str = "t0k3n/with+odd=\"chars\"";
const PRINTED: &str = "printed-by-a-command-77";
const PASSWORD: &str = "p4ssw0rd-of-the-remote";
const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\n-----END PRIVATE KEY-----";

const CONFIG: &str = r#"
[[secrets]]
name = "DEPLOY_TOKEN"

[[secrets]]
name = "KEY"
file = "key.pem"

[[secrets]]
name = "PRINTED"
command = ["./vault.sh"]

[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}", "{env}"]
proof = ["./proof.sh"]
env = ["DEPLOY_TOKEN", "KEY", "PRINTED"]
"#;

/// Tells the secrets plainly, in pieces, encoded, on the other stream, and last in the line
/// that is taken for the summary.
const TELLING: &str = r#"
echo "plain $DEPLOY_TOKEN and $PRINTED"
printf 'in pieces %s' "$(printf %s "$DEPLOY_TOKEN" | cut -c1-9)"
sleep 0.1
printf '%s\n' "$(printf %s "$DEPLOY_TOKEN" | cut -c10-)"
printf 'user:%s' "$DEPLOY_TOKEN" | base64
printf %s "$KEY" | base64
printf %s "$KEY" | base64 -w 20
printf 'url t0k3n%%2Fwith%%2Bodd%%3D%%22chars%%22\n'
printf 'json {"token":"t0k3n/with+odd=\\"chars\\""}\n'
printf 'coloured \033[1mt0k3n/wi\033[0mth+odd="chars"\n'
printf '%s\n' "$KEY"
echo unquoted $KEY
printf '%s' "$PRINTED" | od -An -tx1 | tr -d ' \n'; echo
git remote get-url origin
echo "$PRINTED" >&2
"#;

/// Every form that must be nowhere.
fn forms() -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = [TOKEN, PRINTED, PASSWORD, KEY].map(|it| it.as_bytes().to_vec()).into();
    forms.extend(KEY.lines().skip(1).take(2).map(|line| line.as_bytes().to_vec()));
    forms.push(b"t0k3n%2Fwith%2Bodd".to_vec());
    forms.push(br#"t0k3n/with+odd=\"chars\""#.to_vec());
    for secret in [TOKEN, PRINTED, PASSWORD, KEY] {
        for before in ["", "x", "xx"] {
            let encoded = BASE64_STANDARD.encode(format!("{before}{secret}"));
            let inner = encoded.as_bytes();
            forms.push(inner[4..(inner.len() - 4).min(24)].to_vec());
        }
    }
    forms.push(PRINTED.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    forms
}

#[track_caller]
fn tells_nothing(what: &str, bytes: &[u8]) {
    // Neither to who reads over the end of a line.
    let joined: Vec<u8> = bytes.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    for form in forms() {
        let is_there = |bytes: &[u8]| bytes.windows(form.len()).any(|window| window == form);
        assert!(!is_there(bytes) && !is_there(&joined), "{what} tells {}", form.escape_ascii());
    }
}

/// Looks into every file below a directory; returns how many there were.
fn no_file_tells(directory: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += no_file_tells(&path);
        } else if path.is_file() {
            tells_nothing(&path.display().to_string(), &std::fs::read(&path).unwrap());
            count += 1;
        }
    }
    count
}

/// A yard whose deploy gets secrets from a variable, a file and a command.
fn yard(deploy: &str, proof: &str) -> Yard {
    let mut yard = Yard::new(CONFIG, deploy);
    yard.shell = yard.shell.clone().with("DEPLOY_TOKEN", TOKEN);
    std::fs::write(yard.file("key.pem"), format!("{KEY}\n")).unwrap();
    yard.script("vault.sh", &format!("echo complaint-{PRINTED} >&2; echo {PRINTED}"));
    yard.script("proof.sh", proof);
    let remote = format!("https://maya:{PASSWORD}@127.0.0.1:9/service.git");
    yard.shell.run("git", &["remote", "add", "origin", &remote]).succeeded();
    yard
}

#[test]
fn a_deploy_that_tells_its_secrets_leaves_them_nowhere() {
    let yard = yard(&format!("{TELLING}\necho \"done with $DEPLOY_TOKEN\""), "git rev-parse HEAD");
    let deploy = yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    tells_nothing("the verb", format!("{}{}", deploy.stdout, deploy.stderr).as_bytes());

    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    for line in [
        "plain ‹DEPLOY_TOKEN› and ‹PRINTED›",
        "in pieces ‹DEPLOY_TOKEN›",
        "url ‹DEPLOY_TOKEN›",
        "json {\"token\":\"‹DEPLOY_TOKEN›\"}",
        "coloured ‹DEPLOY_TOKEN›",
        "\n‹KEY›\n",
        "unquoted ‹KEY›\n",
        "\n‹PRINTED›\n",
        "@127.0.0.1:9/service.git",
        "done with ‹DEPLOY_TOKEN›",
    ] {
        let plain: String = log.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
        assert!(plain.contains(line), "{line:?} is not in\n{plain}");
    }
    for verb in [
        &["run", "log", "deploy-staging-1.0"][..],
        &["status"],
        &["status", "--json"],
        &["plan", "show"],
        &["plan", "show", "--json"],
        &["report"],
        &["export"],
        &["export", "--format", "csv"],
        &["doctor"],
        &["deploy", "staging", "--dry-run"],
        &["trust", "--show"],
        &["verify"],
    ] {
        let ended = yard.shell.flightdeck(verb);
        tells_nothing(&verb.join(" "), format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    let export = yard.shell.flightdeck(&["export"]).succeeded().stdout;
    assert!(export.contains("done with ‹DEPLOY_TOKEN›"), "the summary is in\n{export}");
    assert!(no_file_tells(&yard.world.path("state")) >= 3, "journal, log and note");
    assert_eq!(no_file_tells(&yard.world.path("tmp")), 0);
}

/// What a terminal does not show, between any two letters of a secret.
const SPLITTERS: [&[u8]; 36] = [
    b"\x1b[1;31m",
    b"\x1b[K",
    b"\x1b[38:2::255:0:0m",
    b"\x1b[?25l",
    b"\x1b(B",
    b"\x1b(B\x1b[m",
    b"\x1b)0",
    b"\x1b#8",
    b"\x1b7",
    b"\x1b=",
    b"\x1b",
    b"\x1b]0;a title\x07",
    b"\x1b]8;;https://example.test/a/long/address?with=much&of=it\x1b\\",
    b"\x1b]8;;\x07",
    b"\x1b]133;A\x1b\\",
    b"\x1b]1337;SetMark\x07",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b_Ga=d\x1b\\",
    b"\x1b^private\x1b\\",
    b"\x1bXstring\x1b\\",
    b"\0",
    b"\x07",
    b"\x08",
    b"\x0e",
    b"\x7f",
    b"\x9b31m",
    b"\xc2\x9b31m",
    b"\xc2\x9d0;t\xc2\x9c",
    b"\xc2\xad",
    b"\xe2\x80\x8b",
    b"\xe2\x81\xa0\xcd\x8f",
    // As terminals take them that do not expect UTF-8.
    b"\x9d0;a title\x07",
    b"\x90q#0\x9c",
    b"\x85",
    // And those that do.
    b"\xc2\x90q#0\xc2\x9c",
    b"\xc2\x84",
];

/// A deploy that prints the secret split by each of them, and waits with its end.
fn splitting() -> Yard {
    let yard = yard(&format!("cat told; echo all of it\n{UNTIL_GO}"), "git rev-parse HEAD");
    let mut told = Vec::new();
    for (number, splitter) in SPLITTERS.iter().enumerate() {
        told.extend_from_slice(format!("{number}: <").as_bytes());
        let letters: Vec<&[u8]> = PRINTED.as_bytes().chunks(1).collect();
        told.extend(letters.join(*splitter));
        told.extend_from_slice(b">\n");
    }
    std::fs::write(yard.file("told"), &told).unwrap();
    yard
}

#[test]
fn a_secret_that_is_split_by_what_nobody_sees_is_masked_all_the_same() {
    let yard = splitting();
    yard.go();
    let deploy = yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let log = yard.shell.flightdeck(&["run", "log", "deploy-staging-1.0"]).succeeded().stdout;
    assert_eq!(log.matches("<‹PRINTED›>").count(), SPLITTERS.len(), "{log:?}");
    let mut said = vec![("the verb".to_owned(), deploy.stdout), ("run log".to_owned(), log)];
    for verb in [&["status"][..], &["plan", "show", "--json"], &["report"], &["export"]] {
        said.push((verb.join(" "), yard.shell.flightdeck(verb).stdout));
    }
    for (what, text) in &said {
        no_letters_in_a_row(what, text.as_bytes());
    }
    no_letters_in_a_row("the log file", &all_below(&yard.world.path("state")));
}

/// On the screen of the cockpit, in the stored log, and to who attaches to the run.
#[test]
fn a_secret_that_is_split_is_not_seen_in_the_run_view_either() {
    const RUN: &str = "deploy-staging-1.0";
    let yard = splitting();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.wait_output(RUN, "all of it");
    let mut command = yard.shell.command(PROGRAM, &["run", "attach", RUN]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut attached = Running(command.spawn().unwrap());
    drop(attached.0.stdin.take());

    let cockpit = Terminal::open(&yard.shell, 60, 120, &[]);
    super::conductor::ready(&cockpit);
    cockpit.press("5<enter>");
    let is_whole = |screen: &str| {
        screen.contains("all of it") && screen.matches("<‹PRINTED›>").count() == SPLITTERS.len()
    };
    cockpit.wait_for("every line", is_whole);
    let screen = cockpit.screen();
    // Nor is any line of it a piece.
    for (number, line) in (0..SPLITTERS.len()).map(|number| (number, format!("{number}: <‹PRINTED›>"))) {
        assert!(screen.contains(&line), "{number} in\n{screen}");
    }
    no_letters_in_a_row("the run view", screen.as_bytes());

    yard.go();
    yard.wait_run(RUN, "exited");
    assert!(attached.wait("the attached verb").success());
    let mut seen = Vec::new();
    attached.0.stdout.take().unwrap().read_to_end(&mut seen).unwrap();
    assert_eq!(String::from_utf8_lossy(&seen).matches("<‹PRINTED›>").count(), SPLITTERS.len());
    no_letters_in_a_row("run attach", &seen);
    let log = yard.shell.flightdeck(&["run", "log", RUN]).succeeded().stdout;
    no_letters_in_a_row("run log", log.as_bytes());
    no_letters_in_a_row("what is stored", &all_below(&yard.world.path("state")));
}

/// Every byte of every file below a directory.
fn all_below(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(all_below(&path));
        } else if path.is_file() {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
    all
}

#[track_caller]
fn no_letters_in_a_row(what: &str, bytes: &[u8]) {
    let mut texts = vec![bytes.to_vec()];
    for splitter in SPLITTERS {
        let mut flat = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if let Some(after) = rest.strip_prefix(splitter) {
                rest = after;
            } else {
                flat.push(*first);
                rest = &rest[1..];
            }
        }
        texts.push(flat);
    }
    // Half of it is as bad.
    let half = &PRINTED.as_bytes()[..PRINTED.len() / 2];
    for text in texts {
        assert!(!text.windows(half.len()).any(|part| part == half), "{what} tells {PRINTED}");
    }
}

#[test]
fn addresses_that_are_credentials_are_shown_nowhere() {
    let config = format!(
        "{CONFIG}\n[[probes]]\nname = \"web\"\nurl = \"http://maya:{PASSWORD}@127.0.0.1:9/h?token={PRINTED}\"\n\
         headers = {{ X-Api-Key = \"{PRINTED}\" }}\n[[checks]]\nname = \"say\"\n\
         command = [\"curl\", \"https://hooks.slack.com/services/T0/B0/{PRINTED}\"]\n\
         [[environments]]\nname = \"other\"\ndeploy = [\"./deploy.sh\", \
         \"https://hooks.slack.com/services/T0/B0/{PRINTED}\", \"https://ann:{PASSWORD}@x.test/?token={PRINTED}\"]\n"
    );
    let telling =
        r#"echo "called $1 $2"; echo "hook ${1##*/}"; p=${2#*ann:}; echo "alone ${p%%@*} ${2##*=}""#;
    let yard = Yard::new(&config, telling);
    for verb in [
        &["config", "show"][..],
        &["config", "show", "--json"],
        &["config", "check"],
        &["trust", "--show"],
        &["trust"],
        &["doctor"],
        &["probe"],
        &["status", "--json"],
        &["test", "say", "--dry-run"],
        &["deploy", "other", "--dry-run", "--json"],
        // A command that tells what stands in its own arguments.
        &["deploy", "other"],
        &["run", "log", "deploy-other-1.0"],
        &["plan", "show", "--json"],
        &["plan", "list", "--json"],
        &["report"],
    ] {
        let ended = yard.shell.flightdeck(verb);
        tells_nothing(&verb.join(" "), format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    let log = yard.shell.flightdeck(&["run", "log", "deploy-other-1.0"]).succeeded().stdout;
    for line in ["called https://hooks.slack.com/", "hook ‹address›", "alone ‹password› ‹address›"]
    {
        assert!(log.contains(line), "{line:?} is not in\n{log}");
    }
    // Nor where the file has mistakes in it.
    let wrong = format!(
        "[[flags]]\nname = \"checkout\"\nurl = \"https://maya:{PASSWORD}@flags.test/?token={PRINTED}\"\n\
         password = \"{PRINTED}\"\n[hotfix.pull]\napi = \"https://maya:{PASSWORD}@git.test/\"\n\
         [[checks]]\nname = \"a\"\ncommand = [\"x\"]\nenv = [\"TOKEN={PRINTED}\"]\n"
    );
    std::fs::write(yard.file("flightdeck.toml"), wrong).unwrap();
    for verb in [
        &["config", "check"][..],
        &["config", "show"],
        &["trust", "--show"],
        &["status"],
        &["doctor"],
        &["deploy", "staging", "--dry-run"],
        &["probe"],
        &["flag", "list"],
    ] {
        let ended = yard.shell.flightdeck(verb);
        tells_nothing(&verb.join(" "), format!("{}{}", ended.stdout, ended.stderr).as_bytes());
    }
    let check = yard.shell.flightdeck(&["config", "check"]);
    assert!(check.stdout.contains("holds a user or password"), "{}{}", check.stdout, check.stderr);
}

#[test]
fn what_a_proof_answers_and_a_failure_says_is_masked_too() {
    let proof = "echo \"$PRINTED is live\"; echo \"$DEPLOY_TOKEN\" >&2";
    let yard = yard(&format!("echo begun\n{UNTIL_GO}"), proof);
    let mut verb = yard.begin(&["deploy", "staging"]);
    yard.wait_output("deploy-staging-1.0", "begun");
    yard.kill_conductor();
    assert_eq!(verb.wait("the verb").code(), Some(6), "the outcome is unknown");
    let plan = yard.shell.json(&["plan", "show", "--json"]);
    let why = plan["steps"][0]["proof_why"].as_str().unwrap();
    assert!(why.contains("it answers ‹PRINTED› is live, expected "), "{why}");
    tells_nothing("plan show", plan.to_string().as_bytes());
    yard.go();
    no_file_tells(&yard.world.path("state"));
}

#[test]
fn what_cannot_be_had_stops_the_step_before_it_begins() {
    let yard = yard("echo begun >> begun", "true");
    yard.script("vault.sh", "echo half-a-secret; exit 3");
    let ended = yard.shell.flightdeck(&["deploy", "staging"]);
    assert_ne!(ended.code(), Some(0));
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("the secret PRINTED") && said.contains("exited 3"), "{said}");
    assert!(!said.contains("half-a-secret"), "{said}");
    assert!(!yard.file("begun").exists(), "nothing ran");
}
