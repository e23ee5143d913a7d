//! Pins: a Slack that answers as it does, and what is in the timeline after it was read.

use super::super::testing::{Server, response};
use super::tests::{Desk, is_as_kept};
use super::*;

const TOKEN: &str = "xoxb-XyzzyTokenOfTheBot";

/// A Slack with a channel, in which messages were said some seconds ago.
fn slack(
    answer: impl Fn(&str) -> (&'static str, String) + Send + 'static,
) -> (Server, tempfile::TempDir, Desk) {
    let server = Server::start(move |stream, request| {
        let (status, body) = answer(request);
        drop(std::io::Write::write_all(stream, response(status, "retry-after: 40\r\n", &body).as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"BOT\"\nfile = {:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack\"\nsecret = \"BOT\"\n\
         to = \"C0123456789\"\nurl = \"{}\"\naudiences = [\"stakeholders\"]\npin = \"pushpin\"\n",
        secrets.path().join("token"),
        server.url
    ));
    (server, secrets, desk)
}

/// A message that was said now.
fn message(ts: &str, user: &str, text: &str, reaction: &str) -> String {
    format!(
        r#"{{"type":"message","user":"{user}","text":"{text}","ts":"{ts}","reactions":[{{"name":"{reaction}","users":["U9"],"count":1}}]}}"#
    )
}

fn history(messages: &[String]) -> String {
    format!(r#"{{"ok":true,"messages":[{}],"has_more":false}}"#, messages.join(","))
}

fn answer(request: &str, now: i64) -> (&'static str, String) {
    if request.contains("/users.info?user=U1 ") {
        let user = r#"{"ok":true,"user":{"id":"U1","name":"li","profile":{"display_name":"Li","real_name":"Li Wei"}}}"#;
        return ("200 OK", user.to_owned());
    }
    if request.contains("/users.info") {
        return ("200 OK", r#"{"ok":false,"error":"missing_scope","needed":"users:read"}"#.to_owned());
    }
    let all = [
        message(
            &format!("{now}.000200"),
            "U1",
            "pool is &lt;full&gt;, see <https://x.example/a|the graph> <@U1>",
            "pushpin",
        ),
        message(&format!("{now}.000100"), "U1", "lunch?", "tada"),
    ];
    ("200 OK", history(&all))
}

#[test]
fn a_message_with_the_reaction_becomes_an_entry_once_with_its_author() {
    let now = Timestamp::now().as_second();
    let (server, _secrets, desk) = slack(move |request| answer(request, now));
    let reads = |name: &str| {
        let mut journal = Journal::open(desk.dir.path(), name).unwrap();
        pins(&mut journal, &desk.post()).unwrap().len()
    };
    assert_eq!((reads("Maya"), reads("Maya"), reads("Omar")), (1, 0, 0));
    let state = desk.state();
    let line = state.timeline.iter().find(|line| line.name == "note").unwrap();
    assert_eq!(line.text, "pool is <full>, see the graph (https://x.example/a) @Li");
    assert_eq!(line.author, "Li (slack)");
    assert_eq!(line.at.as_second(), now);
    let asked = &server.requests()[0];
    let began = format!("oldest={}", state.started_at.as_second());
    is_as_kept("slack-history.txt", &asked.replace(&began, "oldest=BEGAN"));
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn a_refusal_is_told_with_what_to_do_and_a_throttle_is_heeded() {
    for (status, body, said) in [
        (
            "200 OK",
            r#"{"ok":false,"error":"missing_scope","needed":"channels:history"}"#,
            "give the bot the scope channels:history",
        ),
        ("200 OK", r#"{"ok":false,"error":"not_in_channel"}"#, "/invite the bot"),
        ("500 Internal Server Error", "", "Slack answered 500"),
        ("200 OK", "<html>", "this is not how Slack answers"),
        ("429 Too Many Requests", "", "it is asked again in 40 s"),
    ] {
        let (server, _secrets, desk) = slack(move |_| (status, body.to_owned()));
        let read = || pins(&mut desk.journal(), &desk.post()).unwrap_err().to_string();
        let failure = read();
        assert!(failure.contains(said), "{status} {body}: {failure}");
        assert!(!failure.contains("Xyzzy"), "{failure}");
        if status.starts_with("429") {
            assert!(read().contains("rate limited"));
            assert_eq!(server.requests().len(), 1, "it is left alone");
        }
    }
}
