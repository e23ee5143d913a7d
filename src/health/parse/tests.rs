use proptest::prelude::*;

use super::*;

#[track_caller]
fn refused(text: &str, kind: SourceKind) -> String {
    condition(text, kind).expect_err(text).to_string()
}

#[test]
fn a_refusal_says_where_and_what_was_expected() {
    for (text, why) in [
        ("", "at character 1: expected `status`, `latency` or `body`, but it ends here"),
        ("statsu == 200", "at character 1: unknown name `statsu`; expected `status`, `latency` or `body`"),
        ("exit == 0", "at character 1: a `url` has no `exit`; expected `status`, `latency` or `body`"),
        ("status", "at character 7: expected one of == != < <= > >= in, but it ends here"),
        ("status = 200", "at character 8: expected one of == != < <= > >= in, found `=`"),
        ("status == ok", "at character 11: expected a number, found `ok`"),
        ("status == 200 and", "at character 18: expected `status`, `latency` or `body`, but it ends here"),
        ("status == 200 503", "at character 15: expected `and`, `or` or nothing more, found `503`"),
        ("status == 200 && latency < 1s", "at character 15: write `and` for `&&`"),
        ("not (status == 200", "at character 19: expected `and`, `or` or `)`, but it ends here"),
        ("!(status == 200)", "at character 1: write `not` for `!`"),
        ("body not contains \"x\"", "at character 6: write `not` before `body`"),
        ("body matches ready", "at character 14: expected a text in quotes, found `ready`"),
        (
            r#"body matches "a\\d(b""#,
            "at character 19: this regular expression cannot be used: unclosed group",
        ),
        (
            r#"body matches "ab\d+(" and status == 200"#,
            "at character 20: this regular expression cannot be used: unclosed group",
        ),
        ("status in 200-299", "at character 14: expected `..` and the end of the range, found `-299`"),
        ("status in 299..200", "at character 16: the range ends below its beginning 299"),
        ("status contains \"2\"", "at character 8: `contains` is for `body`, not for `status`"),
        ("latency < 800", "at character 14: expected ms, s, m, h or d behind the number, but it ends here"),
        ("latency < 1 MiB", "at character 13: `latency` is in ms, not in MiB"),
        ("latency < 2 minutes", "at character 13: unknown unit `minutes`; write m"),
        ("status == 200 MB", "at character 15: `status` has no unit"),
        ("body.used < 512 Mi", "at character 17: unknown unit `Mi`; write MiB"),
        ("body.used < 2 KB", "at character 15: unknown unit `KB`; write kB (1000) or KiB (1024)"),
        (
            "body.lag < 5m",
            "at character 13: nobody said what `body.lag` is in; say `unit = \"s\"` or \"ms\" and draw it as `value`, or write the number alone",
        ),
        (
            "body.rate < 5 %",
            "at character 15: `%` goes with the `value` of a probe whose `unit` is \"%\"; leave it out here",
        ),
        ("rate(body.n) > 5 MB", "at character 18: `rate(body.n)` is per second; write the number alone"),
        ("irate(body.n) > 5", "at character 1: unknown function `irate`; expected rate, delta or age"),
        ("rate body.n > 5", "at character 6: expected `(` after `rate`, found `body.n`"),
        (
            "delta(status) > 5",
            "at character 7: `delta` is of a number in `body`, or of the `value` of a query, not of `status`",
        ),
        (
            "rate(rate(body.n)) > 5",
            "at character 6: unknown name `rate`; expected `status`, `latency` or `body`",
        ),
        (
            "age(body.at) < 5",
            "at character 17: expected ms, s, m, h or d behind the number, but it ends here",
        ),
        (
            "age(body.at) in 1..2",
            "at character 14: `age(body.at)` has no range; expected one of == != < <= > >=",
        ),
        ("latency < fast", "at character 11: expected a length of time such as 800ms or 1.5s, found `fast`"),
        ("body. == 1", "at character 6: expected the name of a field after the dot, found `==`"),
        ("body.x == ok", "at character 11: expected a number, a text in quotes, true or false, found `ok`"),
        ("body.x == \"ok", "at character 11: this text has no closing quote"),
        ("body.x > \"ok\"", "at character 10: `>` compares numbers only"),
        (
            "body.x == null",
            "at character 11: null is never compared: a field that is null or missing is unknown",
        ),
        ("body contains ready", "at character 15: expected a text in quotes, found `ready`"),
        ("body[ == 1", "at character 7: expected a place such as 0, or a name in quotes, found `==`"),
    ] {
        assert_eq!(refused(text, SourceKind::Http), why, "{text}");
    }
    assert_eq!(
        refused("status == 200", SourceKind::Command),
        "at character 1: a command has no `status`; expected `exit`, `latency` or `body`"
    );
    assert_eq!(
        refused("body.x == 1", SourceKind::Prometheus),
        "at character 1: a query has no `body`; expected `value` or `latency`"
    );
}

#[test]
fn not_binds_closer_than_and_and_that_closer_than_or() {
    let written = |text: &str| condition(text, SourceKind::Http).unwrap().to_string();
    for (text, same_as) in [
        ("status == 1 or status == 2 and status == 3", "status == 1 or (status == 2 and status == 3)"),
        ("not status == 1 and status == 2", "(not status == 1) and status == 2"),
        ("not(status==1)or(status==2)", "not status == 1 or status == 2"),
        ("((status == 1))", "status == 1"),
        ("body.not == 1 and body.and contains 'or'", "(body.not == 1) and (body.and contains \"or\")"),
    ] {
        assert_eq!(written(text), written(same_as), "{text}");
    }
    assert_ne!(
        written("(status == 1 or status == 2) and status == 3"),
        "status == 1 or status == 2 and status == 3"
    );
}

#[test]
fn hostile_conditions_are_refused_before_they_cost() {
    let deep = format!("{}status == 1{}", "(".repeat(1500), ")".repeat(1500));
    assert_eq!(
        refused(&deep, SourceKind::Http),
        "at character 33: this is nested deeper than 32 times; write several conditions"
    );
    assert!(refused(&"not ".repeat(1000), SourceKind::Http).contains("nested deeper"));
    assert!(refused(&"status == 1 or ".repeat(9999), SourceKind::Http).contains("longer than 4096"));
    assert!(condition(&format!("{}status == 1", "not ".repeat(32)), SourceKind::Http).is_ok());
}

#[test]
fn an_expression_is_escaped_once_or_twice() {
    let once = condition(r#"body.version matches "^1\.4\.""#, SourceKind::Http);
    assert_eq!(once, condition(r#"body.version matches "^1\\.4\\.""#, SourceKind::Http));
    assert_eq!(once.unwrap().to_string(), r#"body.version matches "^1\\.4\\.""#);
}

#[test]
fn a_value_is_the_latency_or_in_the_body() {
    assert_eq!(value(" latency ", SourceKind::Http), Ok(Subject::Latency));
    assert_eq!(
        value("body.errors.rate", SourceKind::Command),
        Ok(Subject::Body(vec!["errors".to_owned(), "rate".to_owned()]))
    );
    assert!(value("status", SourceKind::Http).is_err());
    assert!(value("body.x > 5", SourceKind::Http).is_err());
}

#[test]
fn a_limit_is_in_the_unit_of_its_value() {
    let rate = Subject::Body(vec!["rate".to_owned()]);
    let of = |text, value, unit| limit(text, value, unit).map(|l| (l.to_string(), l.threshold()));
    assert_eq!(of("> 5", &rate, "%"), Ok(("> 5".to_owned(), Some(5.0))));
    assert_eq!(of(">5 %", &rate, "%"), Ok(("> 5 %".to_owned(), Some(5.0))));
    assert_eq!(of("< 0.5", &rate, ""), Ok(("< 0.5".to_owned(), Some(0.5))));
    assert_eq!(of("> 1.5s", &Subject::Latency, ""), Ok(("> 1.5s".to_owned(), Some(1500.0))));
    assert_eq!(of("> 800", &Subject::Latency, "ms"), Ok(("> 800".to_owned(), Some(800.0))));
    assert_eq!(of("> 1 GiB", &rate, "MiB"), Ok(("> 1 GiB".to_owned(), Some(1024.0))));
    assert_eq!(of("> 2 GB", &rate, ""), Ok(("> 2 GB".to_owned(), Some(2e9))));
    assert_eq!(of("> 5m", &rate, "s"), Ok(("> 5m".to_owned(), Some(300.0))));
    let age = Subject::Age(Box::new(rate.clone()));
    assert_eq!(of("> 5m", &age, "s"), Ok(("> 5m".to_owned(), Some(300.0))));
    assert_eq!(of("> 90", &age, ""), Ok(("> 90".to_owned(), Some(90.0))));
    for (text, unit) in [
        ("> 5m", ""),
        ("> 5s", "m"),
        ("> 5m", "%"),
        ("> 1 GiB", "s"),
        ("5", ""),
        ("> 5 ms", "%"),
        ("> x", ""),
        (">", ""),
        ("> 5 6", ""),
    ] {
        assert!(limit(text, &rate, unit).is_err(), "{text}");
    }
}

#[test]
fn a_condition_of_the_drawn_value_may_be_written_in_its_unit() {
    let rate = Subject::Body(vec!["rate".to_owned()]);
    let of = |text: &str, unit: &str| {
        let drawn = Drawn { value: &rate, unit };
        condition_of(text, SourceKind::Http, Some(drawn)).map(|condition| condition.to_string())
    };
    assert_eq!(
        of("body.rate < 5% and status == 200", "%"),
        Ok("body.rate < 5 % and status == 200".to_owned())
    );
    assert_eq!(of("body.rate in 1 s..2m", "s"), Ok("body.rate in 1 s..2m".to_owned()));
    assert!(of("body.rate < 5 %", "ms").is_err() && of("body.other < 5 %", "%").is_err());
    assert!(of("body.rate < 5 seconds", "s").unwrap_err().message.contains("write s"));
}

/// Terms of every shape, with names and texts that need quoting.
fn terms() -> impl Strategy<Value = Term> {
    let number = || {
        "-?[0-9]{1,20}(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?"
            .prop_map(|text| Number { value: Decimal::parse(&text).unwrap(), text })
    };
    let compare = || prop::sample::select(Compare::ALL.to_vec());
    let equal = prop::sample::select(vec![Compare::Equal, Compare::Unequal]);
    let body = || prop::collection::vec("[a-z0-9_-]{1,4}|.{0,6}", 0..4).prop_map(Subject::Body);
    let bytes = (number(), prop::sample::select(vec!["B", " kB", " MiB", "GiB", " TB"])).prop_filter_map(
        "too large",
        |(n, unit)| {
            let value = Unit::parse(unit.trim())?.convert(&n.value, unit::BYTES)?;
            Some(Number { text: format!("{}{unit}", n.text), value })
        },
    );
    let over = (0..2, body()).prop_map(|(which, of)| match which {
        0 => Subject::Rate(Box::new(of)),
        _ => Subject::Delta(Box::new(of)),
    });
    let numeric = prop_oneof![Just(Subject::Status), body(), over];
    prop_oneof![
        (numeric.clone(), compare(), number())
            .prop_map(|(s, c, n)| (s, Test::Compare(c, Literal::Number(n)))),
        (numeric, number(), number()).prop_map(|(s, a, b)| {
            let (low, high) = if a.value <= b.value { (a, b) } else { (b, a) };
            (s, Test::Within(low, high))
        }),
        (compare(), 0u32..100_000).prop_map(|(c, n)| {
            let value = Decimal::parse(&n.to_string()).unwrap();
            let length = Number { text: format!("{n}ms"), value };
            (Subject::Latency, Test::Compare(c, Literal::Length(length)))
        }),
        (body(), compare(), bytes).prop_map(|(s, c, n)| (s, Test::Compare(c, Literal::Number(n)))),
        (body(), compare(), 0u32..1000).prop_map(|(of, c, n)| {
            let value = Decimal::parse(&(n * 60).to_string()).unwrap();
            let length = Number { text: format!("{n}m"), value };
            (Subject::Age(Box::new(of)), Test::Compare(c, Literal::Length(length)))
        }),
        (body(), equal.clone(), "\\PC{0,8}|.{0,8}")
            .prop_map(|(s, c, t)| (s, Test::Compare(c, Literal::Text(t)))),
        (body(), equal, any::<bool>()).prop_map(|(s, c, b)| (s, Test::Compare(c, Literal::Bool(b)))),
        (body(), ".{0,8}").prop_map(|(s, t)| (s, Test::Contains(t))),
        (body(), ".{0,8}|[a-z.^$\\\\\"'d]{0,6}")
            .prop_filter_map("no expression", |(s, t)| { Some((s, Test::Matches(Pattern::new(&t).ok()?))) }),
    ]
    .prop_map(|(subject, test)| Term { subject, test })
}

/// Conditions of every shape.
fn conditions() -> impl Strategy<Value = Condition> {
    terms().prop_map(Condition::Term).prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Condition::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Condition::All),
            prop::collection::vec(inner, 2..4).prop_map(Condition::Any),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(wanted in conditions()) {
        let text = wanted.to_string();
        prop_assert_eq!(condition(&text, SourceKind::Http), Ok(wanted), "{}", text);
    }

    #[test]
    fn reading_never_panics_and_points_into_the_text(
        text in prop_oneof![
            "(status|latency|exit|body|body\\.x|body\\[)? ?(==|<|in|contains)? ?[-0-9.e\"'\\\\msu%MiB()]{0,8}",
            "(rate|age|delta)? ?\\(? ?(body|value|latency)?(\\.x)? ?\\)? ?(==|<|in)? ?[0-9]{0,2} ?[a-zA-Z%]{0,3}",
            "((not|and|or|\\(|\\)|status == 1|body matches '[(a+*\\\\]{0,3}'|body contains \"a) ?){0,8}",
            ".{0,40}",
        ],
    ) {
        for source in SourceKind::ALL {
            if let Err(refused) = condition(&text, source) {
                prop_assert!(refused.at <= text.chars().count());
                prop_assert!(!refused.message.is_empty());
            }
        }
        let _ = value(&text, SourceKind::Http);
        let _ = limit(&text, &Subject::Latency, "ms");
    }

    #[test]
    fn no_answer_makes_a_test_panic(wanted in conditions(), body in prop::collection::vec(any::<u8>(), 0..40)) {
        let answer = crate::health::answer::Answer { status: Some(200), body, ..Default::default() };
        let _ = wanted.test(&answer, &crate::text::mask::Masker::default());
    }
}
