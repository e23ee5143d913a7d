use super::*;
use crate::health::testing::{command_probe, http_probe};

fn answer(status: u16, body: &str) -> Answer {
    Answer { status: Some(status), body: body.into(), ..Answer::default() }
}

fn moment(second: i64) -> Moment {
    let at = jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
    Moment { at, steady: Duration::from_secs(second as u64) }
}

fn rate_probe() -> Probe {
    Probe {
        value: Some("body.rate".to_owned()),
        warn: Some("> 1".to_owned()),
        fail: Some("> 5".to_owned()),
        expect: vec!["status == 200".to_owned()],
        ..http_probe("http://x/")
    }
}

fn judge(probe: &Probe, answer: &Answer) -> Judgement {
    Rules::of(probe).unwrap().judge(answer, &Masker::default(), moment(0), &mut Memory::default())
}

#[test]
fn limits_are_exact_and_the_value_is_drawn() {
    for (rate, verdict) in [
        ("1", Verdict::Good),
        ("1.0000000000000000000001", Verdict::Warn),
        ("5.0", Verdict::Warn),
        ("5.1", Verdict::Bad),
    ] {
        let judged = judge(&rate_probe(), &answer(200, &format!("{{\"rate\":{rate}}}")));
        assert_eq!(judged.verdict, verdict, "{rate}");
        assert_eq!(judged.value, rate.parse().ok());
        assert_eq!(judged.why.is_empty(), verdict == Verdict::Good);
    }
    let judged = judge(&rate_probe(), &answer(200, r#"{"rate":38.1}"#));
    assert_eq!(judged.why, "38.1 (max 5)");
    assert_eq!(judged.compared.len(), 3);
}

#[test]
fn a_missing_value_is_no_data_and_never_zero() {
    for body in [r#"{"rate":null}"#, "{}", r#"{"rate":"0"}"#, r#"{"rate":false}"#, "", "[0]"] {
        let judged = judge(&rate_probe(), &answer(200, body));
        assert_eq!((judged.verdict, judged.value), (Verdict::NoData, None), "{body}");
        assert!(judged.why.ends_with("expected a number at body.rate"), "{}", judged.why);
    }
}

#[test]
fn half_an_answer_is_no_data() {
    let judged = judge(&rate_probe(), &answer(200, "{\"rate\":"));
    assert_eq!((judged.verdict, judged.value), (Verdict::NoData, None));
    assert_eq!(judged.why, "says something that is not JSON (line 1, column 8)");
}

#[test]
fn what_certainly_is_bad_is_bad_whatever_else_is_unknown() {
    let judged = judge(&rate_probe(), &answer(500, "oops"));
    assert_eq!((judged.verdict, judged.why.as_str()), (Verdict::Bad, "status 500, expected 200"));
}

#[test]
fn without_conditions_the_usual_ones_hold() {
    let http = http_probe("http://x/");
    assert_eq!(judge(&http, &answer(204, "")).verdict, Verdict::Good);
    assert_eq!(judge(&http, &answer(503, "")).why, "status 503, expected 200 to 299");
    let command = command_probe(&["check"]);
    let failed = Answer { exit: Some(2), complaint: "no route\u{1b}".to_owned(), ..Answer::default() };
    assert_eq!(judge(&command, &failed).why, "exit 2, expected 0; it said: no route<U+001B>");
}

#[test]
fn an_answer_too_long_to_be_read_whole_is_not_good() {
    let cut = Answer { cut: true, ..answer(200, "x") };
    let judged = judge(&http_probe("http://x/"), &cut);
    assert_eq!(judged.verdict, Verdict::NoData);
    assert_eq!(judged.why, "the answer is longer than 1 MiB; the rest was not read");
    assert_eq!(judge(&http_probe("http://x/"), &Answer { status: Some(500), ..cut }).verdict, Verdict::Bad);
}

#[test]
fn a_plain_number_printed_by_a_command_is_a_value() {
    let probe = Probe {
        value: Some("body".to_owned()),
        fail: Some(">= 100".to_owned()),
        ..command_probe(&["count"])
    };
    let printed = |text: &str| Answer { exit: Some(0), body: text.into(), ..Answer::default() };
    assert_eq!(judge(&probe, &printed("96\n")).value, Some(96.0));
    assert_eq!(judge(&probe, &printed("100")).verdict, Verdict::Bad);
    assert_eq!(judge(&probe, &printed("many")).verdict, Verdict::NoData);
}

#[test]
fn a_counter_is_drawn_and_judged_as_a_rate() {
    let probe = Probe {
        value: Some("rate(body.errors)".to_owned()),
        unit: "/s".to_owned(),
        fail: Some("> 2 /s".to_owned()),
        expect: vec!["age(body.at) < 1m".to_owned(), "delta(body.errors) < 100".to_owned()],
        ..http_probe("http://x/")
    };
    let (rules, mut memory) = (Rules::of(&probe).unwrap(), Memory::default());
    assert!(rules.needs_two_samples());
    let mut see = |second, body: &str| {
        let judged = rules.judge(&answer(200, body), &Masker::default(), moment(second), &mut memory);
        (judged.verdict, judged.value, judged.why)
    };
    let wants = "body.errors was asked for once; this needs two samples, expected delta(body.errors) < 100";
    assert_eq!(see(0, r#"{"errors":10,"at":1700000000}"#), (Verdict::NoData, None, wants.to_owned()));
    assert_eq!(see(10, r#"{"errors":20,"at":1700000000}"#), (Verdict::Good, Some(1.0), String::new()));
    let over = (Verdict::Bad, Some(3.0), "3 /s (max 2 /s)".to_owned());
    assert_eq!(see(20, r#"{"errors":50,"at":1700000000}"#), over);
    let old = (Verdict::Bad, Some(0.0), "age(body.at) 1m10s, expected < 1m".to_owned());
    assert_eq!(see(70, r#"{"errors":50,"at":1700000000}"#), old);
}

#[test]
fn a_recovery_threshold_is_told_apart_from_the_limit() {
    let with = |recover: &str| Probe { recover: Some(recover.to_owned()), ..rate_probe() };
    let rules = Rules::of(&with("< 3")).unwrap();
    let weigh = |number: &str| rules.judge_number(number).unwrap();
    assert_eq!(weigh("2").unrecovered, None);
    assert_eq!(weigh("4").verdict, Verdict::Warn);
    assert_eq!(weigh("4").unrecovered.as_deref(), Some("4 (failed; recovers at < 3)"));
    for overlapping in ["< 6", "<= 6", "> 3", "== 7", "!= 5", "> 9"] {
        let refused = Rules::of(&with(overlapping)).unwrap_err();
        assert_eq!(refused.field, "recover", "{overlapping}");
    }
    for fine in ["<= 5", "< 5", "== 5", "== 2"] {
        assert!(Rules::of(&with(fine)).is_ok(), "{fine}");
    }
    let alone = Probe { fail: None, ..with("< 3") };
    assert!(Rules::of(&alone).unwrap_err().refused.message.contains("goes with a `fail` limit"));
}

#[test]
fn a_mistake_names_its_field_and_place() {
    let mut probe = rate_probe();
    probe.expect.push("body.ok = true".to_owned());
    let invalid = Rules::of(&probe).unwrap_err();
    assert_eq!((invalid.field, invalid.index), ("expect", Some(1)));
    assert_eq!(
        invalid.to_string(),
        "expect 2: at character 9: expected one of == != < <= > >= in contains matches, found `=`"
    );
    for (field, probe) in [
        ("warn", Probe { warn: Some("> 1".to_owned()), ..http_probe("http://x/") }),
        ("unit", Probe { unit: "%".to_owned(), ..http_probe("http://x/") }),
        ("confirm", Probe { confirm: 0, ..http_probe("http://x/") }),
    ] {
        assert_eq!(Rules::of(&probe).map_err(|invalid| invalid.field), Err(field));
    }
}

#[test]
fn what_a_service_says_of_itself_counts_where_nothing_is_expected() {
    let probe = http_probe("http://x/");
    let down = r#"{"status":"DOWN","components":{"db":{"status":"DOWN"}}}"#;
    for (status, body, verdict, why) in [
        (200, r#"{"status":"UP"}"#, Verdict::Good, ""),
        (200, down, Verdict::Bad, "answers 200, but says DOWN: db DOWN"),
        (503, down, Verdict::Bad, "status 503, expected 200 to 299"),
        (503, r#"{"status":"UP"}"#, Verdict::Bad, "status 503, expected 200 to 299"),
        (200, "Degraded", Verdict::Warn, "says Degraded"),
        (200, r#"{"status":"UNKNOWN"}"#, Verdict::NoData, "says UNKNOWN"),
        (200, r#"{"status":"shipped"}"#, Verdict::Good, ""),
    ] {
        let judged = judge(&probe, &answer(status, body));
        assert_eq!((judged.verdict, judged.why.as_str()), (verdict, why), "{status} {body}");
    }
}

#[test]
fn what_a_service_says_of_itself_counts_unless_something_is_expected_of_its_body() {
    let down = r#"{"status":"DOWN","error_rate":1,"components":{"db":{"status":"DOWN"}}}"#;
    let says = "answers 200, but says DOWN: db DOWN";
    for (expect, status, verdict, why) in [
        (&["status == 200"][..], 200, Verdict::Bad, says),
        (&["status == 200", "latency < 1s"], 200, Verdict::Bad, says),
        (&["latency < 1s"], 200, Verdict::Bad, says),
        // Nobody expects of a status what is not in any condition.
        (&["latency < 1s"], 503, Verdict::Bad, "status 503, expected 200 to 299"),
        (&["body.error_rate < 5"], 503, Verdict::Warn, "status 503, which no condition names"),
        // Who says what to expect is believed.
        (&["body.error_rate < 5"], 200, Verdict::Good, ""),
        (&["status == 503"], 503, Verdict::Good, ""),
        (&["status in 200..599", "body.error_rate < 5"], 503, Verdict::Good, ""),
    ] {
        let expect: Vec<_> = expect.iter().map(|&one| one.to_owned()).collect();
        let judged = judge(&Probe { expect, ..http_probe("http://x/") }, &answer(status, down));
        assert_eq!((judged.verdict, judged.why.as_str()), (verdict, why), "{status}");
    }
    let starting = Probe { expect: vec!["status == 200".to_owned()], ..http_probe("http://x/") };
    assert_eq!(judge(&starting, &answer(200, r#"{"status":"UNKNOWN"}"#)).verdict, Verdict::NoData);
    assert_eq!(judge(&starting, &answer(200, "Degraded")).verdict, Verdict::Warn);
}

#[test]
fn a_page_of_somebody_else_fulfils_nothing_by_what_it_does_not_say() {
    let page =
        |body: &str| Answer { strayed: Some("https://login.example/".to_owned()), ..answer(200, body) };
    let verdict = |expect: &str, body: &str| {
        let probe = Probe { expect: vec![expect.to_owned()], ..http_probe("http://x/") };
        judge(&probe, &page(body)).verdict
    };
    let login = "<html>Please log in</html>";
    for expect in [
        "status == 200",
        "not body contains \"Exception\"",
        "body != \"DOWN\"",
        "status == 200 and not (body contains \"error\" or body matches \"5..\")",
        "body contains \"ready\" or status == 200",
        "latency < 10s",
    ] {
        assert_eq!(verdict(expect, login), Verdict::NoData, "{expect}");
    }
    for (expect, body) in [
        ("body contains \"ready\"", "ready"),
        ("not not body contains \"ready\"", "ready"),
        ("body == \"ready\"", "ready"),
        ("body.ok == true", r#"{"ok":true}"#),
        ("not body.degraded == true", r#"{"degraded":false}"#),
        ("body.status != \"DOWN\" and status == 200", r#"{"status":"UP"}"#),
    ] {
        assert_eq!(verdict(expect, body), Verdict::Good, "{expect}");
    }
    // A number that is drawn of it is there.
    let probe = Probe { expect: Vec::new(), ..rate_probe() };
    assert_eq!(judge(&probe, &page(r#"{"rate":1}"#)).verdict, Verdict::Good);
}
