//! Messages, as people send them: by the verb and by two keys, each once, with what became of it on record.

use std::process::Stdio;

use rustix::process::Signal;

use super::conductor::Yard;
use super::world::{PROGRAM, Running, wait_until};

const CONFIG: &str = r#"
[[environments]]
name = "production"
deploy = ["./deploy.sh"]

[[channels]]
name = "ours"
kind = "command"
command = ["./tell.sh"]
audiences = ["stakeholders"]
"#;

fn yard() -> Yard {
    let yard = Yard::new(CONFIG, "true");
    yard.script(
        "tell.sh",
        "test ! -e broken || { echo 'no route to the chat' >&2; exit 7; }; cat >> told; echo --- >> told",
    );
    yard
}

fn told(yard: &Yard) -> String {
    std::fs::read_to_string(yard.file("told")).unwrap_or_default()
}

#[test]
fn the_verb_prints_a_draft_then_sends_it_and_the_clock_is_met_by_what_was_accepted() {
    let yard = yard();
    let shell = &yard.shell;
    let draft = shell.flightdeck(&["message"]).succeeded();
    assert!(draft.stdout.contains("Impact: not known yet"), "{}", draft.stdout);
    let json = shell.json(&["message", "update", "--json"]);
    assert_eq!((&json["kind"], &json["channels"][0]["name"]), (&"update".into(), &"ours".into()));
    shell.flightdeck(&["message", "updat"]).ended_with(2).said("did you mean update?");
    shell.flightdeck(&["message", "--send"]).ended_with(3).said("no terminal to confirm on");
    shell.flightdeck(&["message", "--send", "--dry-run"]).succeeded();
    let refused = shell.flightdeck(&["message", "resolved", "--send"]).ended_with(3);
    refused.said("neither mitigated nor resolved").said("flightdeck resolve --mitigated");
    shell.flightdeck(&["message", "rollback", "--send"]).ended_with(3).said("not rolled back");
    assert_eq!(told(&yard), "", "nothing was sent");

    std::fs::write(yard.file("broken"), "").unwrap();
    let failed = shell.flightdeck(&["message", "--send", "--yes"]).ended_with(1);
    assert!(failed.stdout.contains("✗ ours failed: it exited 7: no route to the chat"), "{}", failed.stdout);
    assert!(failed.stdout.contains("\n  next: mend that, then flightdeck message"), "{}", failed.stdout);
    let long = "x".repeat(20_001);
    let refused = shell.flightdeck(&["message", "update", "--send", "--yes", "--text", &long]).ended_with(2);
    refused.said("the text has 20001 characters; at most 20000");
    let clock = |shell: &super::world::Shell| {
        let status = shell.json(&["status", "--json"]);
        let clocks = status["clocks"].as_array().unwrap().clone();
        clocks.into_iter().find(|clock| clock["id"] == "stakeholders").unwrap()["state"].clone()
    };
    assert_ne!(clock(shell), "met");
    std::fs::remove_file(yard.file("broken")).unwrap();
    let sent =
        shell.flightdeck(&["message", "update", "--send", "--yes", "--text", "We are on it."]).succeeded();
    assert!(sent.stdout.contains("✓ ours accepted"), "{}", sent.stdout);
    assert_eq!(told(&yard), "We are on it.\n---\n");
    assert_eq!(clock(shell), "met");
    let messages = shell.json(&["status", "--json"])["messages"].clone();
    assert_eq!(
        (&messages[0]["channels"][0]["state"], &messages[1]["channels"][0]["state"]),
        (&"failed".into(), &"accepted".into())
    );
    shell.flightdeck(&["message", "--flush", "--yes"]).succeeded().said("nothing waits");
    let report = shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(
        report.contains("sent stakeholders an update") || report.contains("Sent stakeholders an update"),
        "{report}"
    );
}

#[test]
fn a_sender_that_is_killed_is_missed_by_whoever_comes_next() {
    let yard = yard();
    yard.script("tell.sh", "touch began; while test ! -e over; do sleep 0.05; done");
    let send = ["message", "update", "--text", "nobody knows", "--send", "--yes"];
    let mut command = yard.shell.command(PROGRAM, &send);
    let mut sender = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_until("the channel to be sent it", || yard.file("began").exists().then_some(()));
    let busy = yard.shell.flightdeck(&["message", "--flush", "--yes"]).succeeded();
    assert!(busy.stderr.contains("update for stakeholders by ours: being sent since "), "{}", busy.stderr);
    sender.signal(Signal::KILL);
    sender.wait("the sender to be gone");
    let found = yard.shell.flightdeck(&["message", "--flush", "--yes"]).succeeded();
    assert!(found.stderr.contains("ours: outcome unknown: whoever sent it at "), "{}", found.stderr);
    let status = yard.shell.json(&["status", "--json"]);
    assert_eq!(status["messages"][0]["channels"][0]["state"], "unknown");
    assert!(status.to_string().contains("update to stakeholders may not have been sent by ours"), "{status}");
    std::fs::write(yard.file("over"), "").unwrap();
}

#[test]
fn two_keys_send_the_draft_and_an_untrusted_channel_gets_nothing() {
    let yard = yard();
    let terminal = yard.cockpit();
    terminal.press("m");
    terminal.wait_text("Impact: not known yet");
    terminal.press_until("<enter>", "it to be accepted", |screen| screen.contains("✓ ours accepted"));
    assert!(told(&yard).contains("Impact: not known yet"), "{}", told(&yard));
    assert_eq!(told(&yard).matches("---").count(), 1, "once");
    drop(terminal);
    std::fs::write(yard.file("flightdeck.toml"), CONFIG.replace("ours", "theirs")).unwrap();
    yard.shell.flightdeck(&["message", "update", "--send", "--yes"]).ended_with(4);
    let shown = yard.shell.flightdeck(&["trust", "--show"]).succeeded();
    assert!(shown.stdout.contains("channel theirs, for stakeholders"), "{}", shown.stdout);
    assert_eq!(told(&yard).matches("---").count(), 1);
}

#[test]
fn a_text_is_edited_in_the_users_editor_and_read_before_it_goes() {
    let mut yard = yard();
    yard.script("edit.sh", "echo 'P0: cards fail, cash works' > \"$1\"");
    let editor = yard.file("edit.sh");
    yard.shell = yard.shell.clone().with("EDITOR", editor);
    let terminal = yard.cockpit();
    terminal.press("m");
    terminal.wait_text("Impact: not known yet");
    terminal.press("E");
    terminal.wait_text("P0: cards fail, cash works");
    terminal.press_until("<enter>", "it to be accepted", |screen| screen.contains("✓ ours accepted"));
    assert_eq!(told(&yard), "P0: cards fail, cash works\n---\n");
}
