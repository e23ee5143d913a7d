use super::*;
use crate::config::types::SourceKind;
use crate::health::answer::Answer;
use crate::health::parse::condition;

fn put(text: &str, answer: &Answer) -> Comparison {
    let source = if answer.exit.is_some() { SourceKind::Command } else { SourceKind::Http };
    condition(text, source)
        .unwrap_or_else(|refused| panic!("{text}: {refused}"))
        .test(answer, &Masker::default())
}

fn body(text: &str) -> Answer {
    Answer {
        status: Some(200),
        latency: std::time::Duration::from_millis(212),
        body: text.into(),
        ..Answer::default()
    }
}

#[track_caller]
fn assert_truth(answer: &Answer, wanted: Truth, conditions: &[&str]) {
    for text in conditions {
        let comparison = put(text, answer);
        assert_eq!(comparison.truth, wanted, "{text}: {}", comparison.text);
    }
}

#[test]
fn status_latency_and_exit_are_compared() {
    let answer = body("");
    assert_truth(
        &answer,
        Truth::Holds,
        &["status == 200", "status in 200..299", "status in 100..200", "latency < 800ms", "latency < 0.3s"],
    );
    assert_truth(
        &answer,
        Truth::Fails,
        &["status != 200", "status in 201..299", "latency <= 211.9ms", "latency>1s"],
    );
    let command = Answer { exit: Some(3), ..Answer::default() };
    assert_truth(&command, Truth::Holds, &["exit == 3", "exit in 0..3"]);
    assert_truth(&command, Truth::Fails, &["exit == 0"]);
}

#[test]
fn fields_of_a_json_body_are_compared() {
    let answer = body(
        r#"{"status":"ok","up":true,"checks":{"checkout":{"error_rate":5.0}},
        "list":[{"n":1},{"n":-2}],"odd name":7,"0":"zero"}"#,
    );
    assert_truth(
        &answer,
        Truth::Holds,
        &[
            r#"body.status == "ok""#,
            "body.status == 'ok'",
            r#"body.status contains "k""#,
            "body.up == true",
            "body.checks.checkout.error_rate <= 5",
            "body.checks.checkout.error_rate in 5..5",
            "body.list[1].n == -2",
            "body.list.0.n < 2",
            r#"body["odd name"] == 7"#,
            r#"body[0] == "zero""#,
            r#"body contains "error_rate""#,
        ],
    );
    assert_truth(
        &answer,
        Truth::Fails,
        &[
            r#"body.status != "ok""#,
            "body.up != true",
            "body.checks.checkout.error_rate > 5",
            r#"body contains "panic""#,
        ],
    );
}

#[test]
fn missing_null_and_wrongly_typed_is_unknown_whatever_is_asked() {
    let answer = body(r#"{"n":null,"t":"5","b":true,"o":{"x":1},"l":[1],"twice":1,"twice":1}"#);
    assert_truth(
        &answer,
        Truth::Unknown,
        &[
            "body.n == 0",
            "body.n != 0",
            r#"body.n != "ok""#,
            "body.missing < 5",
            "body.missing != 5",
            "body.missing != true",
            "body.t <= 5",
            "body.t in 0..9",
            "body.b == 1",
            r#"body.b == "true""#,
            r#"body.b contains "t""#,
            "body.o == 1",
            "body.o.x.deeper == 1",
            "body.l == 1",
            "body.l[1] == 1",
            "body.l[01] == 1",
            "body.l.x == 1",
            "body.twice == 1",
            "body == 5",
            "body == true",
        ],
    );
}

#[test]
fn a_body_that_cannot_be_read_is_unknown_and_says_why() {
    for (bytes, why) in [
        (&b""[..], "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{\"status\": \"o", "the body is not JSON (line 1, column 13)"),
        (b"<html>", "the body is not JSON (line 1, column 1)"),
        (b"{} {}", "the body is not JSON (line 1, column 4)"),
        (b"{\"status\":\"\xff\"}", "the body is not UTF-8 text"),
    ] {
        let answer = Answer { body: bytes.into(), ..body("") };
        let comparison = put("body.status == \"ok\"", &answer);
        assert_eq!(comparison.truth, Truth::Unknown);
        assert_eq!(comparison.text, format!("{why}, expected body.status == \"ok\""));
    }
}

#[test]
fn decimals_are_compared_as_they_are_written() {
    let answer = body(r#"{"rate":0.10,"big":9007199254740993,"huge":1e400,"sum":0.30000000000000004}"#);
    assert_truth(
        &answer,
        Truth::Holds,
        &[
            "body.rate == 0.1",
            "body.rate <= 0.1000",
            "body.big != 9007199254740992",
            "body.big > 9007199254740992",
            "body.huge > 1e399",
            "body.sum != 0.3",
        ],
    );
}

#[test]
fn a_bare_body_is_the_text_or_number_it_is() {
    assert_truth(&body(" 0.31\n"), Truth::Holds, &["body < 0.5", "body == 0.310", r#"body == "0.31""#]);
    assert_truth(&body("ok\n"), Truth::Holds, &[r#"body == "ok""#]);
    assert_truth(&body("true\n"), Truth::Holds, &["body == true"]);
    let binary = Answer { body: b"\xff ready".into(), ..body("") };
    assert_truth(&binary, Truth::Holds, &[r#"body contains "ready""#]);
    assert_truth(&binary, Truth::Unknown, &[r#"body == "ready""#]);
}

#[test]
fn of_a_body_cut_off_only_what_was_found_is_known() {
    let answer = Answer { cut: true, ..body(r#"{"status":"ok"}"#) };
    assert_truth(&answer, Truth::Holds, &[r#"body contains "ok""#, "status == 200"]);
    assert_truth(&answer, Truth::Unknown, &[r#"body contains "no""#, r#"body.status == "ok""#, "body != 1"]);
}

#[test]
fn what_was_compared_is_one_line_without_anything_that_deceives() {
    let answer = body("{\"status\":\"a\u{202e}\\u001b[31m\\nb\"}");
    let text = put("body.status == \"ok\"", &answer).text;
    assert_eq!(text, "body.status \"a<U+202E><U+001B>[31m⏎b\", expected \"ok\"");
    let long = body(&format!("{{\"status\":\"{}\"}}", "x".repeat(100_000)));
    assert!(put("body.status == \"ok\"", &long).text.len() < 200);
    let spaced = put("body.status == \"ok\"", &body("{\"status\":\"ok \"}"));
    assert_eq!(spaced.text, "body.status \"ok \", expected \"ok\"");
    assert_eq!(put("status == 500", &answer).text, "status 200, expected 500");
    assert_eq!(put("latency < 100ms", &answer).text, "latency 212 ms, expected < 100ms");
}

#[test]
fn parts_are_joined_with_a_third_answer() {
    let answer = body(r#"{"yes":1,"no":0,"null":null}"#);
    // What holds, what fails, and what nobody can tell.
    let (h, f, u) = ("body.yes == 1", "body.no == 1", "body.null == 1");
    let truth = |text: &str| put(text, &answer).truth;
    for (a, b, all, any) in [
        (h, h, Truth::Holds, Truth::Holds),
        (h, f, Truth::Fails, Truth::Holds),
        (h, u, Truth::Unknown, Truth::Holds),
        (f, f, Truth::Fails, Truth::Fails),
        (f, u, Truth::Fails, Truth::Unknown),
        (u, u, Truth::Unknown, Truth::Unknown),
    ] {
        for (a, b) in [(a, b), (b, a)] {
            assert_eq!(truth(&format!("{a} and {b}")), all, "{a} and {b}");
            assert_eq!(truth(&format!("{a} or {b}")), any, "{a} or {b}");
            assert_eq!(truth(&format!("not (not {a} or not {b})")), all, "{a}, {b}");
            assert_eq!(truth(&format!("not (not {a} and not {b})")), any, "{a}, {b}");
        }
    }
    assert_eq!(
        [h, f, u].map(|text| truth(&format!("not {text}"))),
        [Truth::Fails, Truth::Holds, Truth::Unknown]
    );
}

#[test]
fn the_part_that_decides_is_told() {
    let answer = body(r#"{"status":"ok","degraded":true,"n":null}"#);
    for (text, told) in [
        (r#"body.status == "ok" and not (body.degraded == true)"#, "body.degraded true, expected not true"),
        (r#"body.n == 1 and body.status == "ok""#, "body.n is null, expected body.n == 1"),
        ("body.n == 1 and status == 500", "status 200, expected 500"),
        ("status == 500 or status == 503", "status 200, expected 500; status 200, expected 503"),
        ("status == 500 or not status in 400..499", "status 200, expected not 400 to 499"),
        ("not (status == 200 or body.n == 1)", "status 200, expected not 200"),
        ("not body.n == 1", "body.n is null, expected not body.n == 1"),
        (
            "status == 1 or status == 2 or status == 3 or status == 4 or status == 5",
            "status 200, expected 1; status 200, expected 2; status 200, expected 3; and 2 more",
        ),
    ] {
        assert_eq!(put(text, &answer).text, told, "{text}");
    }
}

#[test]
fn a_regular_expression_is_found_anywhere_in_a_text() {
    let answer = body("{\"version\":\"v1.4.2\",\"n\":14}\n");
    assert_truth(
        &answer,
        Truth::Holds,
        &[r#"body.version matches "1\.4""#, r#"body matches "^\{.*\}$""#, r#"not body.version matches "^1""#],
    );
    assert_truth(&answer, Truth::Fails, &[r#"body.version matches "^1""#, r#"body matches "panic|fatal""#]);
    assert_truth(&answer, Truth::Unknown, &[r#"body.n matches "14""#, r#"not body.gone matches "x""#]);
    let cut = Answer { cut: true, ..answer };
    assert_truth(&cut, Truth::Holds, &[r#"body matches "version""#]);
    assert_truth(
        &cut,
        Truth::Unknown,
        &[r#"body matches "panic""#, r#"body matches "\}$""#, r#"not body matches "panic""#],
    );
}

#[test]
fn lines_of_keys_and_values_are_compared_like_json() {
    let answer = body(
        "# of the queue\nqueue.depth = 12\nrate=0.10\n\nup=true\nname=\"orders\"\nempty=\ntwice=1\ntwice=1\n",
    );
    assert_truth(
        &answer,
        Truth::Holds,
        &["body.queue.depth == 12", "body.rate == 0.1", "body.up == true", "body.name == \"orders\""],
    );
    assert_truth(&answer, Truth::Fails, &["body.queue.depth < 5", "body.up != true"]);
    assert_truth(
        &answer,
        Truth::Unknown,
        &["body.depth == 12", "body.empty == 0", "body.twice == 1", "body.name > 1", "body.up == 1"],
    );
    // One line that is none, and it is a text.
    let text = body("depth=12\nall is well\n");
    assert_truth(&text, Truth::Unknown, &["body.depth == 12"]);
}
