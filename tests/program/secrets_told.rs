//! Secrets that what is asked tells: probes, flags, histories and ways back, to every verb that asks.

use super::conductor::Yard;
use super::service::{Service, response};
use super::terminal::Terminal;
use super::world::Ended;

const SECRET: &str = "zQ9secretVALUE77xyz";
const IN_ADDRESS: &str = "k4ptInTheQuery0987";

/// Neither a secret nor half of one is there, also where what nobody sees is shown as a mark.
#[track_caller]
fn tells_nothing(what: &str, text: &str) {
    tells_none_of(&[SECRET, IN_ADDRESS], what, text);
}

#[track_caller]
fn tells_none_of(secrets: &[&str], what: &str, text: &str) {
    let mut flat = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<U+") {
        flat.push_str(before);
        rest = after.split_once('>').map_or("", |(_, rest)| rest);
    }
    flat.push_str(rest);
    for secret in secrets {
        for part in [secret.split_at(8).0, secret.split_at(secret.len() - 8).1] {
            assert!(!text.contains(part) && !flat.contains(part), "{what} tells {part}:\n{text}");
        }
    }
}

fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

/// A yard in which everything that is asked tells the secret.
fn yard(service: &Service) -> Yard {
    let far = "x".repeat(50);
    let config = format!(
        r#"
[[secrets]]
name = "DEPLOY_TOKEN"

[policy]
rollback_watch = "1s"
extended_watch = "0s"

[[environments]]
name = "live"
deploy = ["./deploy.sh"]
proof = ["./proof.sh"]
history = ["./history.sh"]
env = ["DEPLOY_TOKEN"]
watch = "1s"
settle = "100ms"

[[environments.rollbacks]]
name = "undo"
command = ["true"]
target = ["./target.sh"]
proof = ["true"]

[[flags]]
name = "checkout"
url = "{url}/flag"
path = "value"
on = {{ method = "PUT" }}
off = {{ method = "PUT" }}
token = "DEPLOY_TOKEN"

[[probes]]
name = "complains"
command = ["sh", "-c", "printf 'err-z\\033(B%s\\n' ${{DEPLOY_TOKEN#z}} >&2; exit 1"]
environment = "live"
env = ["DEPLOY_TOKEN"]
interval = "1s"
timeout = "900ms"
confirm = 1

[[probes]]
name = "compared"
command = ["sh", "-c", "echo $DEPLOY_TOKEN"]
env = ["DEPLOY_TOKEN"]
expect = ["body == \"ok\""]

[[probes]]
name = "cut"
command = ["sh", "-c", "echo {far}$DEPLOY_TOKEN"]
env = ["DEPLOY_TOKEN"]
expect = ["body == \"ok\""]

[[probes]]
name = "silent"
command = ["./no-such-program"]

[[probes]]
name = "echoes"
url = "{url}/?token={IN_ADDRESS}"
expect = ["body.seen == \"ok\""]
"#,
        url = service.url
    );
    let mut yard = Yard::new(&config, "echo deployed");
    yard.shell = yard.shell.clone().with("DEPLOY_TOKEN", SECRET);
    yard.script("target.sh", "echo \"no $DEPLOY_TOKEN before this\" >&2; exit 1");
    yard.script(
        "history.sh",
        r#"commit=$(git rev-parse HEAD)
        printf '{"commit":"%s","at":"2026-11-20T09:00:00Z","tag":"%s","by":"%s"}\n' "$commit" "$DEPLOY_TOKEN" "$DEPLOY_TOKEN""#,
    );
    yard
}

/// A service that sends back whatever it was asked with.
fn echo() -> Service {
    Service::start(|request| {
        let first = request.lines().next().unwrap_or_default();
        let token = request.lines().find_map(|line| line.split_once("Bearer ")).map_or("", |(_, it)| it);
        Some(response("200 OK", &format!("{{\"seen\":\"{first}\",\"value\":\"{token}\"}}")))
    })
}

#[test]
fn what_a_probe_says_is_masked_where_it_is_shown() {
    let service = echo();
    let yard = yard(&service);
    for verb in [
        &["probe"][..],
        &["probe", "--json"],
        &["status"],
        &["status", "--json"],
        &["doctor"],
        &["config", "check"],
    ] {
        tells_nothing(&verb.join(" "), &said(&yard.shell.flightdeck(verb)));
    }
    for verb in [&["probe"][..], &["status", "--json"]] {
        let said = said(&yard.shell.flightdeck(verb)).replace("\\\"", "\"");
        for part in ["it said: err-‹DEPLOY_TOKEN›", "body \"‹DEPLOY_TOKEN›\"", "token=‹token›", "xxx‹DEPLOY"]
        {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }
    let cockpit = Terminal::open(&yard.shell, 40, 150, &[]);
    cockpit.wait_text("err-‹DEPLOY_TOKEN›");
    tells_nothing("the cockpit", &cockpit.screen());
    cockpit.press("q");
}

#[test]
fn what_a_watch_a_history_a_way_back_and_a_flag_say_is_masked_too() {
    let service = echo();
    let yard = yard(&service);
    assert_ne!(yard.shell.flightdeck(&["watch", "live", "--for", "1s"]).code(), Some(0));
    for verb in [
        &["rollback", "--list"][..],
        &["rollback", "--list", "--json"],
        &["rollback", "undo", "--dry-run"],
        &["suspects"],
        &["suspects", "--json"],
        &["flag", "list"],
        &["flag", "list", "--json"],
        &["status", "--json"],
        &["status", "--at", "2099-01-01T00:00:00Z"],
        &["plan", "show"],
        &["report"],
        &["history"],
        &["history", "--json"],
        &["deploy", "live", "--dry-run"],
        &["run", "log", "watch-live-1.0"],
    ] {
        tells_nothing(&verb.join(" "), &said(&yard.shell.flightdeck(verb)));
    }
    // A plan holds what was approved byte for byte, with the addresses it asks.
    for verb in [&["plan", "show", "--json"][..], &["export"]] {
        tells_none_of(&[SECRET], &verb.join(" "), &said(&yard.shell.flightdeck(verb)));
    }
    let list = yard.shell.flightdeck(&["rollback", "--list", "--json"]);
    assert!(list.stdout.contains("no ‹DEPLOY_TOKEN› before this"), "{}", said(&list));
    let flags = yard.shell.flightdeck(&["flag", "list"]);
    assert!(said(&flags).contains("it answers ‹DEPLOY_TOKEN›"), "{}", said(&flags));
}
