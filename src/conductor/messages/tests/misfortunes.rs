//! What goes wrong with services and clocks, whatever the channel.

use super::*;
use crate::incident::Process;

/// A channel of each kind that sends by HTTP, to this server.
fn channels(server: &str, hook: &Path) -> Vec<(&'static str, String)> {
    let secrets = format!("[[secrets]]\nname = \"HOOK\"\nfile = {hook:?}\n");
    let of = |kind: &'static str, more: String| {
        let start =
            format!("[[channels]]\nname = \"it\"\nkind = \"{kind}\"\naudiences = [\"stakeholders\"]\n");
        (kind, format!("{secrets}{start}secret = \"HOOK\"\n{more}"))
    };
    let hooked = ["slack-webhook", "teams", "mattermost", "discord", "google-chat", "ntfy", "webhook"];
    let mut all: Vec<_> = hooked.into_iter().map(|kind| of(kind, String::new())).collect();
    all.push(of("slack", format!("to = \"C1\"\nurl = \"{server}/api\"\n")));
    all.push(of("pagerduty", format!("url = \"{server}\"\n")));
    all.push(of("jsm", format!("url = \"{server}/v2/alerts\"\n")));
    all.push(of("statuspage", format!("url = \"{server}\"\nto = \"p1\"\nnotify = false\n")));
    all
}

#[test]
fn no_channel_takes_a_refusal_or_a_web_page_for_a_yes() {
    let page = "<!DOCTYPE html><html>log in, you with XyzzySecretOfTheHook</html>";
    for (answer, may) in [
        (response("404 Not Found", "", "not found"), &[Delivery::Failed][..]),
        (response("410 Gone", "", ""), &[Delivery::Failed]),
        (response("400 Bad Request", "", "<html>no</html>"), &[Delivery::Failed]),
        (response("302 Found", "location: http://127.0.0.1:9/\r\n", ""), &[Delivery::Failed]),
        (response("200 OK", "", page), &[Delivery::Failed]),
        (response("500 Oops", "", page), &[Delivery::Unknown, Delivery::Waiting]),
        (response("503 Later", "", ""), &[Delivery::Waiting]),
        (response("429 Slow", "", ""), &[Delivery::Waiting]),
        (String::new(), &[Delivery::Unknown, Delivery::Waiting]),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), &[Delivery::Unknown, Delivery::Waiting]),
    ] {
        let server = Server::sending(answer.clone());
        let secrets = tempfile::tempdir().unwrap();
        let hook = secrets.path().join("hook");
        for (kind, config) in channels(&server.url, &hook) {
            let is_address = !config.contains("url = ");
            let secret = if is_address {
                format!("{}/XyzzySecretOfTheHook", server.url)
            } else {
                "XyzzySecretOfTheHook".into()
            };
            std::fs::write(&hook, secret).unwrap();
            let desk = Desk::new(&config);
            let before = server.requests().len();
            let ways = desk.sends(TEXT);
            assert!(may.contains(&ways[0].0), "{kind}, {answer}: {ways:?}");
            assert!(!ways[0].1.is_empty() && !ways[0].1.contains("<html"), "{kind}, {answer}: {ways:?}");
            assert_eq!(server.requests().len(), before + 1, "{kind}, {answer}");
            assert!(
                desk.state().told.is_empty() && !desk.exported().contains("XyzzySecret"),
                "{kind}, {answer}"
            );
        }
    }
}

#[test]
fn half_a_yes_is_neither_a_yes_nor_a_no() {
    let page = "<!DOCTYPE html><html>".to_owned() + &"x".repeat(40_000);
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\nconnection: close\r\n\r\n<html>log in";
    for answer in [response("200 OK", "", &page), half.to_owned()] {
        let server = Server::sending(answer.clone());
        let secrets = tempfile::tempdir().unwrap();
        let hook = secrets.path().join("hook");
        for (kind, config) in channels(&server.url, &hook) {
            let is_address = !config.contains("url = ");
            std::fs::write(
                &hook,
                if is_address { format!("{}/x", server.url) } else { "XyzzySecretOfTheHook".into() },
            )
            .unwrap();
            let ways = Desk::new(&config).sends(TEXT);
            let again = ["pagerduty", "jsm", "statuspage"].contains(&kind);
            let end = match kind {
                // What is asked first is read up to a megabyte: the page is whole, and nothing was sent.
                "statuspage" if answer != half => Delivery::Failed,
                _ if again => Delivery::Waiting,
                _ => Delivery::Unknown,
            };
            assert_eq!(ways[0].0, end, "{kind}: {ways:?}");
            assert!(
                ways[0].1.contains("more than 16 KiB") || ways[0].1.contains("broke off") || again,
                "{ways:?}"
            );
        }
    }
}

#[test]
fn what_is_too_long_is_cut_with_a_mark_and_whole_on_record() {
    let server = Server::answering("200 OK", "ok");
    let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    let long = format!("down\n{}", "wörd ".repeat(3000));
    assert_eq!(desk.sends(&long)[0].0, Delivery::Accepted);
    assert!(server.requests()[0].contains("… (truncated)") && server.requests()[0].len() < 20_000);
    assert_eq!(desk.state().messages[0].text, long);
}

#[test]
fn a_clock_that_was_set_back_holds_up_no_message() {
    let server = Server::answering("200 OK", "ok");
    let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    // It was written, and put off, by a clock that was three minutes and a day ahead.
    let ahead = Timestamp::now() + SignedDuration::from_mins(3);
    let written = Draft::now(desk.incident, desk.message(TEXT));
    let message = desk.journal().append(ahead, vec![written]).unwrap()[0].id;
    let again = Some(ahead + SignedDuration::from_hours(24));
    let (channel, why, reference) = ("slack".to_owned(), "429".to_owned(), String::new());
    let body = Delivered { message, channel, end: Delivery::Waiting, why, reference, again, process: None };
    desk.journal().append(ahead, vec![Draft::now(desk.incident, body)]).unwrap();
    let sent = flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Accepted);
    assert!(flush(&mut desk.journal(), &desk.post(), Which::All).unwrap().ways.is_empty());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_channel_that_is_renamed_while_a_message_waits_is_said_to_be() {
    let server = Server::answering("503 Later", "");
    let (_secrets, mut desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    assert_eq!(desk.sends(TEXT)[0].0, Delivery::Waiting);
    desk.config.channels[0].name = "chat".into();
    let sent = flush(&mut desk.journal(), &desk.post(), Which::All).unwrap();
    assert_eq!(sent.ways[0].1.end, Delivery::Failed);
    assert!(sent.ways[0].1.why.contains("was it renamed?"), "{:?}", sent.ways);
    let state = desk.state();
    assert_eq!(state.stuck(Timestamp::now()).unwrap().id, state.messages[0].id, "somebody is told");
}

#[test]
fn a_bot_that_was_removed_says_so_and_what_it_told_stays_told() {
    let mut asked = 0;
    let server = Server::start(move |stream, _| {
        asked += 1;
        let body = match asked {
            1 => r#"{"ok":true,"channel":"C0123","ts":"1700000000.000100"}"#,
            2 => r#"{"ok":false,"error":"not_in_channel"}"#,
            _ => r#"{"ok":false,"error":"account_inactive"}"#,
        };
        drop(stream.write_all(response("200 OK", "", body).as_bytes()));
    });
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("token"), "xoxb-secret-of-the-bot\n").unwrap();
    let desk = Desk::new(&format!(
        "[[secrets]]\nname = \"TOKEN\"\nfile = {:?}\n[[channels]]\nname = \"slack\"\nkind = \"slack\"\nsecret = \"TOKEN\"\nto = \"C0123\"\nurl = \"{}/api\"\naudiences = [\"stakeholders\"]\n",
        secrets.path().join("token"),
        server.url
    ));
    assert_eq!(desk.sends("first")[0].0, Delivery::Accepted);
    let ways = desk.sends("second");
    assert!(ways[0].0 == Delivery::Failed && ways[0].1.contains("/invite it there"), "{ways:?}");
    let ways = desk.sends("third");
    assert!(ways[0].0 == Delivery::Failed && ways[0].1.contains("make a new one"), "{ways:?}");
    assert_eq!((desk.state().told.len(), server.requests().len()), (1, 3), "nothing is brought up to date");
}

/// Writes a message down as somebody did who began to send it then, and went no further.
fn begun(desk: &Desk, at: Timestamp, process: Option<Process>) {
    let written = Draft::now(desk.incident, desk.message(TEXT));
    let message = desk.journal().append(at, vec![written]).unwrap()[0].id;
    let (channel, why, reference) = ("it".to_owned(), String::new(), String::new());
    let body = Delivered { message, channel, end: Delivery::Sending, why, reference, again: None, process };
    desk.journal().append(at, vec![Draft::now(desk.incident, body)]).unwrap();
}

#[test]
fn what_somebody_sent_who_is_gone_is_sent_again_where_it_is_there_once_and_said_elsewhere() {
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;
    for (kind, end) in [("pagerduty", Delivery::Accepted), ("slack-webhook", Delivery::Unknown)] {
        let server = Server::answering("202 Accepted", taken);
        let secrets = tempfile::tempdir().unwrap();
        let hook = secrets.path().join("hook");
        std::fs::write(&hook, "http://127.0.0.1:9/x").unwrap();
        let all = channels(&server.url, &hook);
        let desk = Desk::new(&all.iter().find(|(one, _)| *one == kind).unwrap().1);
        begun(&desk, Timestamp::now() - SignedDuration::from_mins(3), None);
        let sent = flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap();
        assert_eq!(sent.ways[0].1.end, end, "{kind}: {:?}", sent.ways);
        assert_eq!(server.requests().len(), usize::from(kind == "pagerduty"), "{kind}");
        assert!(flush(&mut desk.journal(), &desk.post(), Which::All).unwrap().ways.is_empty(), "{kind}");
        let state = desk.state();
        assert!(state.timeline.iter().any(|entry| entry.text.contains("whoever sent it")), "{kind}");
    }
}

/// A process that was here a moment ago.
fn ended() -> Process {
    let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let process = process::identify(child.id()).unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    process
}

#[test]
fn a_sender_that_was_killed_here_is_missed_at_once() {
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;
    for (kind, end) in [("pagerduty", Delivery::Accepted), ("slack-webhook", Delivery::Unknown)] {
        let server = Server::answering("202 Accepted", taken);
        let secrets = tempfile::tempdir().unwrap();
        let hook = secrets.path().join("hook");
        std::fs::write(&hook, "http://127.0.0.1:9/x").unwrap();
        let all = channels(&server.url, &hook);
        let desk = Desk::new(&all.iter().find(|(one, _)| *one == kind).unwrap().1);
        begun(&desk, Timestamp::now(), Some(ended()));
        assert!(under_way(&desk.state().messages[0].ways[0]).contains("was gone"));
        let sent = flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap();
        assert_eq!(sent.ways[0].1.end, end, "{kind}: {:?}", sent.ways);
        let lines: Vec<String> = desk.state().timeline.iter().map(|entry| entry.text.to_owned()).collect();
        assert!(lines.iter().any(|line| line.contains("whoever sent it at")), "{kind}: {lines:?}");
        // Whoever is there is left alone.
        begun(&desk, Timestamp::now(), process::this());
        assert!(flush(&mut desk.journal(), &desk.post(), Which::Fresh).unwrap().ways.is_empty(), "{kind}");
    }
}

#[test]
fn the_same_text_waits_for_whoever_may_be_sending_it() {
    let server = Server::answering("200 OK", "");
    let secrets = tempfile::tempdir().unwrap();
    let hook = secrets.path().join("hook");
    std::fs::write(&hook, format!("{}/x", server.url)).unwrap();
    let all = channels(&server.url, &hook);
    let desk = Desk::new(&all.iter().find(|(one, _)| *one == "webhook").unwrap().1);
    begun(&desk, Timestamp::now() - SignedDuration::from_secs(30), None);
    let again = send(&mut desk.journal(), &desk.post(), &desk.message(TEXT), Timestamp::now()).unwrap_err();
    assert!(
        again.to_string().contains("somebody is sending this, or died while doing so (since "),
        "{again}"
    );
    assert!(server.requests().is_empty());
    assert_eq!(desk.sends("another text")[0].0, Delivery::Accepted);
}

#[test]
fn what_nobody_sees_goes_out_and_on_record_as_it_was_read() {
    let server = Server::answering("200 OK", "");
    let secrets = tempfile::tempdir().unwrap();
    let hook = secrets.path().join("hook");
    std::fs::write(&hook, format!("{}/x", server.url)).unwrap();
    let all = channels(&server.url, &hook);
    let desk = Desk::new(&all.iter().find(|(one, _)| *one == "webhook").unwrap().1);
    let unseen = "down \u{202e}nwod \u{1b}[31mred\u{7}\nline";
    assert_eq!(desk.sends(unseen)[0].0, Delivery::Accepted);
    assert_eq!(desk.state().messages[0].text, "down <U+202E>nwod <U+001B>[31mred<U+0007>\nline");
    // Whatever wrote it down goes out in the same way.
    let written = Draft::now(desk.incident, Messaged { kind: MessageKind::Alert, ..desk.message(unseen) });
    desk.journal().append(Timestamp::now(), vec![written]).unwrap();
    assert_eq!(flush(&mut desk.journal(), &desk.post(), Which::All).unwrap().ways.len(), 1);
    for request in server.requests() {
        assert!(request.contains("U+202E") && !request.contains('\u{202e}'), "{request}");
        assert!(!request.contains("u001b") && !request.contains("u0007"), "{request}");
    }
}

#[test]
fn what_waits_behind_a_later_message_is_superseded() {
    let server = Server::answering("503 Later", "");
    let (_secrets, desk) = by_slack(&format!("{}/services/T000/B000/XyzzySecretOfTheHook", server.url));
    assert_eq!(["one", "two"].map(|text| desk.sends(text)[0].0), [Delivery::Waiting; 2]);
    let state = desk.state();
    let is = |at: usize| state.is_superseded(&state.messages[at], &state.messages[at].ways[0]);
    assert!(is(0) && !is(1));
}
