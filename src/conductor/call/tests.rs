use std::io::Write as _;
use std::net::TcpListener;

use super::super::testing::{Server, response};
use super::*;
use crate::exchange::MAX_BODY;

const LONG: Duration = Duration::from_secs(20);
const TOKEN: &str = "s3cr\"et-t0ken";

fn secret(name: &str) -> Option<String> {
    (name == "TOKEN").then(|| TOKEN.to_owned())
}

fn patch(url: &str) -> HttpCall {
    HttpCall {
        method: "PATCH".to_owned(),
        url: url.to_owned(),
        headers: [("Authorization".to_owned(), "{secret:TOKEN}".to_owned())].into(),
        body: "{\"on\":false}".to_owned(),
        expect: Vec::new(),
    }
}

fn get(url: &str) -> HttpCall {
    HttpCall { method: "GET".to_owned(), body: String::new(), ..patch(url) }
}

fn made(server: &Server) -> Answered {
    call(&patch(&server.url), &secret, LONG)
}

fn refused(server: &Server) -> String {
    match made(server) {
        Answered::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

fn unclear(server: &Server) -> String {
    match made(server) {
        Answered::Unclear { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_carries_its_secrets_and_is_made_once() {
    let server = Server::answering("200 OK", "{}");
    assert_eq!(made(&server), Answered::Wanted { status: 200, body: b"{}".to_vec() });
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let request = requests[0].to_ascii_lowercase();
    assert!(request.starts_with("patch / http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: {TOKEN}\r\n")), "{request}");
    assert!(request.ends_with("{\"on\":false}"), "{request}");
}

#[test]
fn only_the_statuses_that_are_expected_count() {
    let server = Server::answering("404 Not Found", "");
    let gone = HttpCall { expect: vec![204, 404], ..patch(&server.url) };
    assert!(matches!(call(&gone, &secret, LONG), Answered::Wanted { status: 404, .. }));
    let server = Server::answering("200 OK", "");
    let strict = HttpCall { expect: vec![202], ..patch(&server.url) };
    assert!(matches!(call(&strict, &secret, LONG), Answered::Unclear { .. }));
}

#[test]
fn what_a_server_refuses_was_not_done_and_says_what_to_do() {
    for (status, wanted) in [
        ("401 Unauthorized", "see whether the secret TOKEN is still valid"),
        ("403 Forbidden", "the token has no permission"),
        ("404 Not Found", "see whether address, project, environment and key are right"),
        ("409 Conflict", "somebody else changed it"),
        ("418 Teapot", "it refuses the call"),
        ("422 Unprocessable", "it says: no such environment"),
    ] {
        let server = Server::answering(status, r#"{"message":"no such environment"}"#);
        let why = refused(&server);
        let code = status.split(' ').next().unwrap();
        assert!(why.contains(wanted) && why.contains(code), "{why}");
        assert_eq!(server.requests().len(), 1, "{status} was asked again");
    }
}

#[test]
fn a_change_is_not_made_again_when_told_to_come_back_later() {
    let server = Server::sending(response("429 Too Many", "retry-after: 90\r\n", ""));
    assert!(refused(&server).contains("try again in 1m30s"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_question_is_asked_again_when_told_to_come_back_later_and_within_patience_only() {
    let mut count = 0;
    let server = Server::start(move |stream, _| {
        count += 1;
        let busy = response("429 Too Many", "retry-after: 0\r\n", "");
        let answer = if count < 3 { busy } else { response("200 OK", "", "true") };
        let _ = stream.write_all(answer.as_bytes());
    });
    let call = get(&server.url);
    assert_eq!(ask_http(&call, "", Some("true"), false, &secret, LONG).0, Proof::Done);
    assert_eq!(server.requests().len(), 3);
    let server = Server::sending(response("429 Too Many", "retry-after: 3600\r\n", ""));
    let (proof, why) = ask_http(&get(&server.url), "", None, false, &secret, LONG);
    assert_eq!((proof, why.ends_with("try again in 1h")), (Proof::Unknown, true), "{why}");
}

#[test]
fn a_server_that_breaks_down_may_have_done_it() {
    for status in ["500 Oops", "502 Bad Gateway", "503 Busy", "504 Timeout", "408 Timeout"] {
        let server = Server::answering(status, "<html>oops</html>");
        let why = unclear(&server);
        assert!(why.contains("it may have done it anyway") && !why.contains("html"), "{why}");
        assert_eq!(server.requests().len(), 1, "{status} was asked again");
    }
}

#[test]
fn silence_after_a_call_says_nothing() {
    let mut held = Vec::new();
    let server = Server::start(move |stream, _| held.push(stream.try_clone().unwrap()));
    let why = match call(&patch(&server.url), &secret, Duration::from_secs(1)) {
        Answered::Unclear { why } => why,
        other => panic!("{other:?}"),
    };
    assert!(why.contains("did not answer within 1s; it accepted the connection after "), "{why}");
    let closing = Server::sending("");
    assert!(unclear(&closing).contains("closed the connection without an answer"));
    let garbage = Server::sending("SSH-2.0-OpenSSH_9.9\r\n\r\n");
    assert!(unclear(&garbage).contains("something that is not HTTP"));
}

#[test]
fn what_cannot_be_connected_to_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(call(&patch(&format!("http://{address}/")), &secret, LONG), Answered::Refused { .. }));
    // Where no name server answers, it is given up for lack of a connection.
    let nowhere = patch("http://no-such-host.invalid/");
    assert!(matches!(call(&nowhere, &secret, Duration::from_secs(2)), Answered::Refused { .. }));
    // It speaks no TLS: the token must not go there.
    let plain = Server::answering("200 OK", "");
    let tls = patch(&plain.url.replace("http:", "https:"));
    assert!(matches!(call(&tls, &secret, Duration::from_secs(2)), Answered::Refused { .. }));
    assert!(plain.requests().iter().all(|request| !request.contains(TOKEN)));
}

#[test]
fn a_redirect_to_another_host_is_refused_and_gets_no_credentials() {
    for method in ["GET", "PATCH"] {
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let other = Server::answering("200 OK", "true");
            let location = format!("location: {}/elsewhere\r\n", other.url);
            let first = Server::sending(response(status, &location, ""));
            let asked = HttpCall { method: method.to_owned(), ..patch(&first.url) };
            match call(&asked, &secret, LONG) {
                Answered::Refused { why } => {
                    assert!(why.contains("which is not followed") && why.contains(&other.url), "{why}");
                }
                other => panic!("{status}: {other:?}"),
            }
            assert!(other.requests().is_empty(), "{status} was followed");
        }
    }
}

#[test]
fn only_questions_are_redirected_on_the_same_host() {
    let server = || {
        Server::start(|stream, request| {
            let answer = if request.contains(" /inner ") {
                response("200 OK", "", r#"{"on":true}"#)
            } else {
                response("302 Found", "location: /inner\r\n", "")
            };
            let _ = stream.write_all(answer.as_bytes());
        })
    };
    let asked = server();
    let call = get(&asked.url);
    let (proof, why) = ask_http(&call, "on", Some("true"), false, &secret, LONG);
    assert_eq!((proof, why.as_str()), (Proof::Done, "it answers true"));
    assert!(asked.requests()[1].contains(TOKEN));
    let changed = server();
    assert!(unclear(&changed).contains("it may have been done"));
    assert_eq!(changed.requests().len(), 1);
    let round = Server::sending(response("302 Found", "location: /again\r\n", ""));
    let (proof, why) = ask_http(&get(&round.url), "", None, false, &secret, LONG);
    assert_eq!((proof, why.contains("redirects more than")), (Proof::Unknown, true), "{why}");
}

#[test]
fn an_endless_body_does_not_hide_that_it_is_done() {
    let endless = || {
        Server::start(|stream, _| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 1 << 14]).is_ok() {}
        })
    };
    match made(&endless()) {
        Answered::Wanted { status: 200, body } => assert_eq!(body.len(), MAX_BODY),
        other => panic!("{other:?}"),
    }
    let server = endless();
    let (proof, why) = ask_http(&get(&server.url), "", Some("x"), false, &secret, LONG);
    assert_eq!((proof, why.contains("more than 1 MiB")), (Proof::Unknown, true), "{why}");
}

#[test]
fn no_text_holds_the_value_of_a_secret() {
    let echo = r#"{"message":"token s3cr\"et-t0ken is not known"}"#;
    for status in ["400 Bad", "403 Forbidden", "409 Conflict", "500 Oops"] {
        let server = Server::answering(status, echo);
        let text = format!("{:?}", made(&server));
        assert!(!text.contains("et-t0ken") && text.contains("TOKEN"), "{text}");
    }
    let server = Server::answering("200 OK", echo);
    let (_, why) = ask_http(&get(&server.url), "message", Some("x"), false, &secret, LONG);
    assert!(!why.contains("et-t0ken"), "{why}");
}

#[test]
fn what_cannot_be_sent_is_refused_before_it_is() {
    let server = Server::answering("200 OK", "");
    let refused = |call_: &HttpCall| match call(call_, &secret, LONG) {
        Answered::Refused { why } => why,
        other => panic!("{other:?}"),
    };
    let header = |value: &str| [("Authorization".to_owned(), value.to_owned())].into();
    let missing = HttpCall { headers: header("Bearer {secret:OTHER}"), ..patch(&server.url) };
    assert_eq!(refused(&missing), "the secret OTHER is not known, or is no text");
    let cut = HttpCall { headers: header("{secret:TOKEN"), ..patch(&server.url) };
    assert!(refused(&cut).contains("is not closed"));
    let lines = HttpCall { headers: header("a\nb"), ..patch(&server.url) };
    assert!(refused(&lines).contains("the header Authorization cannot be sent"));
    let user = patch(&server.url.replace("http://", "http://maya:pw@"));
    assert!(refused(&user).contains("holds a user or password"));
    assert!(refused(&patch("ftp://example.org/")).contains("not an http:// or https:// address"));
    assert!(
        refused(&patch(&format!("{}/{{secret:TOKEN}}", server.url))).contains("cannot stand in an address")
    );
    let odd = HttpCall { method: "BREW".to_owned(), ..patch(&server.url) };
    assert!(refused(&odd).contains("BREW is not a method"));
    assert!(server.requests().is_empty());
}

#[test]
fn a_proof_reads_a_text_in_the_answer() {
    let json = r#"{"enabled":false,"environments":{"production":{"on":true},"eu.west":{"on":false}},
        "sha":"4f2c91e0000000000000000000000000000000ab"}"#;
    let server = Server::answering("200 OK", json);
    let call = get(&server.url);
    let ask = |path: &str, expect: &str| ask_http(&call, path, Some(expect), false, &secret, LONG).0;
    assert_eq!(ask("enabled", "false"), Proof::Done);
    assert_eq!(ask("enabled", "true"), Proof::NotDone);
    assert_eq!(ask("environments.production.on", "true"), Proof::Done);
    assert_eq!(ask("environments[\"eu.west\"].on", "false"), Proof::Done);
    assert_eq!(ask("environments.staging.on", "false"), Proof::Unknown, "missing is not false");
    assert_eq!(ask("environments", "x"), Proof::Unknown);
    let negated = ask_http(&call, "enabled", Some("true"), true, &secret, LONG);
    assert_eq!(negated, (Proof::Done, "it answers false".to_owned()));
    let (proof, why) = ask_http(&call, "enabled", Some("false"), true, &secret, LONG);
    assert_eq!((proof, why.as_str()), (Proof::NotDone, "it answers false, and is not to be false"));
    let list = Server::answering("200 OK", r#"[{"version":"1.2.3"}]"#);
    let (proof, why) = ask_http(&get(&list.url), "0.version", Some("1.2.4"), false, &secret, LONG);
    assert_eq!((proof, why.as_str()), (Proof::NotDone, "it answers 1.2.3, expected 1.2.4"));
}

#[test]
fn an_answer_that_is_not_clear_proves_nothing() {
    for answer in [
        response("200 OK", "", "not json"),
        response("200 OK", "", "{\"enabled\":null}"),
        response("200 OK", "", ""),
        response("404 Not Found", "", "{\"enabled\":false}"),
        response("500 Oops", "", "{\"enabled\":false}"),
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"enabled\":false}".to_owned(),
    ] {
        let server = Server::sending(answer.clone());
        for negate in [false, true] {
            let (proof, why) = ask_http(&get(&server.url), "enabled", Some("false"), negate, &secret, LONG);
            assert_eq!(proof, Proof::Unknown, "{answer}: {why}");
        }
    }
}
