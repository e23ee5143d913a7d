use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;
const AGE: SignedDuration = SignedDuration::from_mins(2);

fn read_at(body: &str, reduce: Option<Reduce>) -> Result<Instant, Unanswered> {
    read(body.as_bytes(), reduce, AGE, Timestamp::from_second(NOW).unwrap())
}

fn success(result_type: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{result_type}","result":{result}}}}}"#)
}

fn vector(values: &[&str]) -> String {
    let series = values.iter().enumerate().map(|(n, value)| {
        format!(r#"{{"metric":{{"__name__":"up","job":"api","n":"{n}"}},"value":[{NOW}.25,"{value}"]}}"#)
    });
    success("vector", &format!("[{}]", series.collect::<Vec<_>>().join(",")))
}

#[track_caller]
fn measured(body: &str, reduce: Option<Reduce>) -> Measured {
    read_at(body, reduce).unwrap_or_else(|lost| panic!("{body}: {lost:?}")).measured
}

#[track_caller]
fn written(body: &str, reduce: Option<Reduce>) -> String {
    match measured(body, reduce) {
        Measured::Number(_, written) => written,
        Measured::Nothing { why, .. } => panic!("{body}: {why}"),
    }
}

#[track_caller]
fn missing(body: &str, reduce: Option<Reduce>) -> (String, String) {
    match measured(body, reduce) {
        Measured::Nothing { headline, why } => (headline, why),
        Measured::Number(_, written) => panic!("{body}: {written}"),
    }
}

#[test]
fn one_number_is_read_as_it_was_written() {
    for value in ["1", "0", "-3.5", "0.10", "1e-05", "9007199254740993", "1e+300"] {
        assert_eq!(written(&vector(&[value]), None), value);
        assert_eq!(written(&success("scalar", &format!("[{NOW},\"{value}\"]")), None), value);
        // Of one series a reducer changes nothing.
        assert_eq!(written(&vector(&[value]), Some(Reduce::Sum)), value);
    }
}

#[test]
fn what_is_no_number_is_nothing_and_never_zero() {
    for (body, headline, said) in [
        (vector(&[]), "no data", "finds no series"),
        (vector(&["NaN"]), "NaN", "gives NaN"),
        (vector(&["+Inf"]), "+Inf", "gives +Inf"),
        (vector(&["-Inf"]), "-Inf", "gives -Inf"),
        (vector(&["much"]), "no number", "no number"),
        (success("scalar", &format!("[{NOW},\"NaN\"]")), "NaN", "gives NaN"),
        (success("string", &format!("[{NOW},\"5\"]")), "a text", "gives a text"),
        (success("matrix", r#"[{"metric":{},"values":[[1,"1"]]}]"#), "a range", "put a function around"),
        (
            success(
                "vector",
                &format!(r#"[{{"metric":{{}},"histogram":[{NOW},{{"count":"3","sum":"1"}}]}}]"#),
            ),
            "a histogram",
            "histogram_quantile",
        ),
        (success("vector", r#"[{"metric":{}}]"#), "no value", "without a value"),
    ] {
        for reduce in [None, Some(Reduce::Max)] {
            let (word, why) = missing(&body, reduce);
            assert_eq!(word, headline, "{body}");
            assert!(why.contains(said), "{why}");
        }
    }
}

#[test]
fn several_series_need_a_reducer_and_never_the_last_one_counts() {
    let body = vector(&["2", "10", "3", "9"]);
    let (headline, why) = missing(&body, None);
    assert_eq!(headline, "4 series");
    assert!(
        why.contains(r#"up{job="api", n="0"}"#) && why.contains("`reduce`") && why.contains('…'),
        "{why}"
    );
    for (reduce, value) in [(Reduce::Sum, "24"), (Reduce::Max, "10"), (Reduce::Min, "2"), (Reduce::Avg, "6")]
    {
        assert_eq!(written(&body, Some(reduce)), value, "{reduce:?}");
        let (headline, why) = missing(&vector(&["1", "NaN", "2"]), Some(reduce));
        assert_eq!((headline.as_str(), why.contains("one of 3 series is NaN")), ("NaN", true), "{why}");
    }
    let mixed = success(
        "vector",
        &format!(r#"[{{"metric":{{}},"value":[{NOW},"1"]}},{{"metric":{{}},"histogram":[{NOW},{{}}]}}]"#),
    );
    assert_eq!(missing(&mixed, Some(Reduce::Max)).0, "a histogram");
}

#[test]
fn an_answer_from_another_time_does_not_pass_as_fresh() {
    let at = |second: i64| success("vector", &format!(r#"[{{"metric":{{}},"value":[{second},"1"]}}]"#));
    for fine in [NOW - 119, NOW, NOW + 119] {
        assert_eq!(written(&at(fine), None), "1");
    }
    for (second, said) in [(NOW - 600, "10m ago"), (NOW + 600, "10m ahead"), (i64::MAX, "say when")] {
        let (headline, why) = missing(&at(second), None);
        assert!(matches!(headline.as_str(), "old" | "no time") && why.contains(said), "{headline}: {why}");
    }
    // Of several the oldest counts.
    let two = format!(r#"[{{"metric":{{}},"value":[{NOW},"1"]}},{{"metric":{{}},"value":[1,"2"]}}]"#);
    assert_eq!(missing(&success("vector", &two), Some(Reduce::Max)).0, "old");
}

#[test]
fn what_the_server_warns_of_is_doubted() {
    let warned = |rest: &str| {
        let body = vector(&["1"]);
        format!("{},{rest}}}", body.strip_suffix('}').unwrap())
    };
    let doubt = |rest: &str| read_at(&warned(rest), None).unwrap().doubt;
    assert_eq!(
        doubt(r#""warnings":["store a is gone","b"]"#).as_deref(),
        Some("it warns: store a is gone; b")
    );
    assert!(doubt(r#""isPartial":true"#).is_some());
    for harmless in
        [r#""warnings":[]"#, r#""warnings":null"#, r#""isPartial":false"#, r#""infos":["x"]"#, r#""x":1"#]
    {
        assert_eq!(doubt(harmless), None, "{harmless}");
    }
}

#[test]
fn an_error_is_said_in_words() {
    let error = |kind: &str, said: &str| {
        let body = format!(r#"{{"status":"error","errorType":"{kind}","error":"{said}"}}"#);
        match read_at(&body, None) {
            Err(Unanswered::Error(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    for (kind, words) in [
        ("bad_data", "it does not understand the query: x"),
        ("timeout", "the query took it too long: x"),
        ("canceled", "the query was canceled: x"),
        ("execution", "it could not evaluate the query: x"),
        ("unavailable", "it is not ready: x"),
        ("internal", "it failed: x"),
        ("new_kind", "it reports an error: x"),
    ] {
        assert_eq!(error(kind, "x"), words);
    }
    assert_eq!(error("timeout", ""), "the query took it too long");
}

#[test]
fn what_is_not_the_api_is_told_apart() {
    for body in [
        "",
        "<html>",
        "Service Unavailable",
        "null",
        "[]",
        "{}",
        r#"{"status":"ok"}"#,
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":{"resultType":"table","result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":{}}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,2]}}"#,
        r#"{"status":"success","status":"error"}"#,
    ] {
        assert_eq!(read_at(body, None), Err(Unanswered::NotTheApi), "{body}");
    }
    assert_eq!(read(b"\xff", None, AGE, Timestamp::UNIX_EPOCH), Err(Unanswered::NotTheApi));
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = read(&body, Some(Reduce::Avg), AGE, Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn nor_does_a_result_of_any_shape(
        kind in "vector|scalar|matrix|string|.{0,3}",
        value in "NaN|[+-]Inf|-?[0-9]{0,30}(\\.[0-9]{0,9})?(e[+-]?[0-9]{1,9})?|.{0,4}",
        time in prop_oneof![any::<f64>().prop_map(|f| f.to_string()), "-?[0-9]{1,25}|null|\"x\""],
        count in 0..4_usize,
    ) {
        let value = serde_json::to_string(&value).unwrap();
        let point = format!("[{time},{value}]");
        let vector = vec![format!(r#"{{"metric":{{}},"value":{point}}}"#); count].join(",");
        for result in [point, format!("[{vector}]")] {
            for reduce in [None, Some(Reduce::Sum), Some(Reduce::Max)] {
                let body = success(&kind.replace(['"', '\\'], ""), &result);
                if let Ok(Instant { measured: Measured::Number(number, _), .. }) = read_at(&body, reduce) {
                    prop_assert!(kind == "vector" || kind == "scalar");
                    let _ = number.to_f64();
                }
            }
        }
    }
}
