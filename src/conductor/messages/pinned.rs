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
    assert_eq!(line.author, "slack:Li");
    assert_eq!(line.at.as_second(), now);
    let asked = &server.requests()[0];
    let began = format!("oldest={}", state.started_at.as_second());
    is_as_kept("slack-history.txt", &asked.replace(&began, "oldest=BEGAN"));
    assert!(!desk.exported().contains("Xyzzy"));
}

#[test]
fn a_reaction_inside_of_a_thread_is_found_and_what_is_there_twice_is_written_once() {
    let now = Timestamp::now().as_second();
    let (server, _secrets, desk) = slack(move |request| {
        let thread = format!("{now}.000100");
        let reply = |ts: &str, text: &str| {
            message(&format!("{now}.{ts}"), "U1", text, "pushpin")
                .replace("\"type\"", &format!("\"thread_ts\":\"{thread}\",\"type\""))
        };
        let first = message(&thread, "U1", "errors climb", "pushpin");
        if request.contains("/users.info") {
            return answer(request, now);
        }
        if request.contains("/conversations.replies") {
            return (
                "200 OK",
                history(&[first, reply("000200", "the pool is full"), reply("000300", "restarted")]),
            );
        }
        let first = first.replace("\"type\"", "\"reply_count\":2,\"latest_reply\":\"1\",\"type\"");
        // A reply that was sent to the channel, too.
        ("200 OK", history(&[reply("000300", "restarted"), first]))
    });
    assert_eq!(pins(&mut desk.journal(), &desk.post()).unwrap().len(), 3);
    assert_eq!(pins(&mut desk.journal(), &desk.post()).unwrap().len(), 0);
    let texts: Vec<String> = told(&desk).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["errors climb", "the pool is full", "restarted"]);
    let asked = server.requests().into_iter().find(|one| one.contains("/conversations.replies")).unwrap();
    let began = format!("oldest={}", desk.state().started_at.as_second());
    let known = asked.replace(&began, "oldest=BEGAN").replace(&now.to_string(), "NOW");
    is_as_kept("slack-replies.txt", &known);
}

#[test]
fn every_thread_has_its_turn_and_one_that_cannot_be_read_holds_up_nothing() {
    let now = Timestamp::now().as_second();
    let (server, _secrets, desk) = slack(move |request| {
        if request.contains("/users.info") {
            return answer(request, now);
        }
        let ts = |n: usize| format!("{now}.{n:06}");
        if request.contains("/conversations.replies") {
            let found = (0..20).find(|n| request.contains(&format!("{now}%2E{n:06}"))).unwrap();
            if found == 3 {
                return ("500 Oops", String::new());
            }
            let reply = message(&format!("{now}.9{found:05}"), "U1", &format!("in {found}"), "pushpin");
            return ("200 OK", history(&[reply]));
        }
        let thread = |n: usize| {
            message(&ts(n), "U1", "x", "tada")
                .replace("\"type\"", &format!("\"reply_count\":1,\"latest_reply\":\"{n:02}\",\"type\""))
        };
        ("200 OK", history(&(0..20).map(thread).collect::<Vec<_>>()))
    });
    for _ in 0..30 {
        drop(pins(&mut desk.journal(), &desk.post()));
    }
    assert_eq!(told(&desk).len(), 19, "all but the one that cannot be read");
    let threads = server.requests().iter().filter(|one| one.contains("/conversations.replies")).count();
    assert!(threads <= 30 * 3, "{threads}");
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

/// What stands in the timeline of these messages: text and author, in order.
fn told(desk: &Desk) -> Vec<(String, String)> {
    let state = desk.state();
    let notes = state.timeline.iter().filter(|line| line.name == "note");
    notes.map(|line| (line.text.to_owned(), line.author.to_owned())).collect()
}

#[test]
fn an_author_says_first_that_it_is_from_the_chat_and_is_nobody_of_the_team() {
    let now = Timestamp::now().as_second();
    let (_server, _secrets, desk) = slack(move |request| {
        if let Some((_, id)) = request.split_once("/users.info?user=") {
            let id = id.split(' ').next().unwrap_or_default();
            let name = match id {
                "V1" => "Maya",
                "V2" => "li\u{2003}\u{200b} wei (slack)",
                _ => "Noor",
            };
            return (
                "200 OK",
                serde_json::json!({"ok": true, "user": {"id": id, "name": "x", "profile": {"display_name": name}}})
                    .to_string(),
            );
        }
        let bot = r#"{"type":"message","bot_id":"B1","username":"Omar","text":"d","ts":"TS.000400","reactions":[{"name":"pushpin"}]}"#;
        let all = [
            message(&format!("{now}.000100"), "V1", "a", "pushpin"),
            message(&format!("{now}.000200"), "V2", "b", "pushpin"),
            message(&format!("{now}.000300"), "V3", "c", "pushpin"),
            bot.replace("TS", &now.to_string()),
        ];
        ("200 OK", history(&all))
    });
    pins(&mut desk.journal(), &desk.post()).unwrap();
    let authors: Vec<String> = told(&desk).into_iter().map(|(_, author)| author).collect();
    assert_eq!(authors, ["slack:Maya [V1]", "slack:li wei (slack)", "slack:Noor", "slack:bot Omar"]);
}

#[test]
fn who_wrote_a_message_is_asked_for_until_it_is_known() {
    let asked = std::cell::Cell::new(0);
    let now = Timestamp::now().as_second();
    let (_server, _secrets, desk) = slack(move |request| {
        if let Some((_, id)) = request.split_once("/users.info?user=") {
            // The first question is not answered.
            if asked.replace(asked.get() + 1) == 0 {
                return ("503 Service Unavailable", String::new());
            }
            let id = id.split(' ').next().unwrap_or_default();
            let body = format!(r#"{{"ok":true,"user":{{"id":"{id}","name":"n{id}"}}}}"#);
            return ("200 OK", body);
        }
        let all: Vec<String> = (10..35)
            .map(|n| message(&format!("{now}.0000{n}"), &format!("W{n}"), &format!("m{n}"), "pushpin"))
            .collect();
        ("200 OK", history(&all))
    });
    let read = || pins(&mut desk.journal(), &desk.post()).unwrap().len();
    assert_eq!([read(), read(), read(), read(), read()], [0, 10, 10, 5, 0]);
    assert!(
        told(&desk).iter().all(|(text, author)| author.get(7..) == Some(&*text.replace('m', "W"))),
        "{:?}",
        told(&desk)
    );
}

#[test]
fn what_is_too_long_or_still_to_come_is_taken_as_far_as_it_can_be() {
    let now = Timestamp::now().as_second();
    let (server, _secrets, desk) = slack(move |request| {
        if request.contains("/users.info") {
            return ("200 OK", r#"{"ok":false,"error":"user_not_found"}"#.to_owned());
        }
        if request.contains("limit=200") {
            return ("200 OK", "x".repeat(3 << 20));
        }
        let all = [
            message(&format!("{}.000100", now + 86_400), "X1", "ahead", "pushpin"),
            message(&format!("{now}.000200"), "X1", &"y".repeat(30_000), "pushpin"),
        ];
        ("200 OK", history(&all))
    });
    let before = Timestamp::now();
    assert_eq!(pins(&mut desk.journal(), &desk.post()).unwrap().len(), 2);
    assert!(server.requests().iter().any(|asked| asked.contains("limit=20&") || asked.contains("limit=20 ")));
    let state = desk.state();
    let ahead = state.timeline.iter().find(|line| line.text == "ahead").unwrap();
    assert!(ahead.at >= before && ahead.at <= Timestamp::now(), "{}", ahead.at);
    let long = state.timeline.iter().find(|line| line.text.starts_with("yy")).unwrap();
    assert!(long.text.ends_with("… [cut here: 20000 of 30000 characters]"));

    let (_server, _secrets, desk) = slack(|_| ("200 OK", "x".repeat(3 << 20)));
    let failure = pins(&mut desk.journal(), &desk.post()).unwrap_err().to_string();
    assert!(failure.contains("it answers too much: "), "{failure}");
}
