//! The part of Prometheus' HTTP API that a drill needs: `/api/v1/query` and `/api/v1/query_range`, with the
//! few queries that it is asked. What is no such query is refused with the list of them. Pure.

use std::borrow::Cow;

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::answer::Figures;

/// Most numbers of one answer, as Prometheus has it.
const MOST: f64 = 11_000.0;

/// How far ahead of us the clock of whoever asks may be, in seconds: what is newest is as new for them.
const AHEAD: f64 = 60.0;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// 95 of 100 orders took no longer, in seconds.
    P95,
    /// The same in milliseconds.
    P95Millis,
    /// The share of failed orders, in percent.
    Failed,
    /// Orders paid in a minute.
    Paid,
}

const KNOWN: [(&str, Series); 4] = [
    ("histogram_quantile(0.95, sum by (le) (rate(checkout_duration_seconds_bucket[1m])))", Series::P95),
    (
        "1000 * histogram_quantile(0.95, sum by (le) (rate(checkout_duration_seconds_bucket[1m])))",
        Series::P95Millis,
    ),
    (
        "100 * sum(rate(checkout_orders_total{result=\"failed\"}[1m])) / sum(rate(checkout_orders_total[1m]))",
        Series::Failed,
    ),
    ("60 * sum(rate(checkout_orders_total{result=\"paid\"}[1m]))", Series::Paid),
];

impl Series {
    fn find(query: &str) -> Option<Self> {
        let query = folded(query);
        KNOWN.iter().find(|(known, _)| folded(known) == query).map(|(_, series)| *series)
    }

    fn of(self, figures: &Figures) -> f64 {
        match self {
            Self::P95 => figures.p95_ms as f64 / 1000.0,
            Self::P95Millis => figures.p95_ms as f64,
            Self::Failed => figures.error_rate,
            Self::Paid => figures.paid as f64,
        }
    }
}

/// A query without the blanks that mean nothing.
fn folded(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    for word in query.split_whitespace() {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_word(out.chars().next_back()) && is_word(word.chars().next()) {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A question that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Question {
    /// One number: now, or at a time in seconds since 1970.
    At(Series, Option<f64>),
    /// One number at each of these times.
    Range(Series, Vec<f64>),
}

/// Why a question is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(String);

impl Question {
    /// Reads the fields of a question below `/api/v1/`; `None`: nothing is answered there. The question is
    /// asked at a time, in seconds since 1970.
    pub(super) fn read(endpoint: &str, fields: &str, now: f64) -> Option<Result<Self, Refused>> {
        match endpoint {
            "query" => Some(Self::at(fields)),
            "query_range" => Some(Self::range(fields, now)),
            _ => None,
        }
    }

    fn at(fields: &str) -> Result<Self, Refused> {
        let series = series(fields)?;
        let at = value(fields, "time").map(|text| moment("time", &text)).transpose()?;
        Ok(Self::At(series, at))
    }

    fn range(fields: &str, now: f64) -> Result<Self, Refused> {
        let field = |name: &str| value(fields, name).unwrap_or_default();
        let (start, end) = (moment("start", &field("start"))?, moment("end", &field("end"))?);
        if end < start {
            return Err(invalid("end", "end timestamp must not be before start time"));
        }
        let step = length(&field("step"))?;
        if step <= 0.0 {
            let why =
                "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(invalid("step", why));
        }
        let steps = (end - start) / step;
        if steps > MOST {
            return Err(Refused(
                "exceeded maximum resolution of 11,000 points per timeseries. \
                 Try decreasing the query resolution (?step=XX)"
                    .to_owned(),
            ));
        }
        let series = series(fields)?;
        let times = (0..=steps as u32).map(|step_number| start + f64::from(step_number) * step);
        Ok(Self::Range(series, times.filter(|at| *at <= now + AHEAD).collect()))
    }
}

fn series(fields: &str) -> Result<Series, Refused> {
    let query = value(fields, "query").unwrap_or_default();
    if query.trim().is_empty() {
        return Err(invalid("query", "unknown position: parse error: no expression found in input"));
    }
    Series::find(&query).ok_or_else(|| {
        let known = KNOWN.map(|(known, _)| known).join(" | ");
        invalid("query", &format!("this Prometheus belongs to a drill and knows these queries only: {known}"))
    })
}

fn invalid(name: &str, why: &str) -> Refused {
    Refused(format!("invalid parameter \"{name}\": {why}"))
}

/// A time: seconds since 1970, or as in RFC 3339.
fn moment(name: &str, text: &str) -> Result<f64, Refused> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
    let at = || text.parse::<Timestamp>().ok().map(|at| at.as_millisecond() as f64 / 1000.0);
    seconds.or_else(at).ok_or_else(|| invalid(name, &format!("cannot parse {text:?} to a valid timestamp")))
}

/// A length of time in seconds: `15`, `15s`, `5m`.
fn length(text: &str) -> Result<f64, Refused> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite());
    let length = || text.parse().ok().map(|length: SignedDuration| length.as_secs_f64());
    seconds
        .or_else(length)
        .ok_or_else(|| invalid("step", &format!("cannot parse {text:?} to a valid duration")))
}

/// A field of a form, decoded.
fn value(fields: &str, name: &str) -> Option<String> {
    let decoded = |text: &str| -> String {
        let text: Cow<'_, str> = text.replace('+', " ").into();
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let mut pairs = fields.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value))
}

/// The answer with one number at a time; without figures there is no series.
pub(super) fn vector(series: Series, at: f64, figures: Option<&Figures>) -> Value {
    let result: Vec<Value> = figures
        .map(|figures| json!({ "metric": {}, "value": point(at, series.of(figures)) }))
        .into_iter()
        .collect();
    success("vector", &json!(result))
}

/// The answer with a number at each time of which there are figures.
pub(super) fn matrix(series: Series, times: &[f64], figures: &[Option<Figures>]) -> Value {
    let values: Vec<Value> = times
        .iter()
        .zip(figures)
        .filter_map(|(at, figures)| Some(point(*at, series.of(figures.as_ref()?))))
        .collect();
    let result = if values.is_empty() { json!([]) } else { json!([{ "metric": {}, "values": values }]) };
    success("matrix", &result)
}

/// The answer to what was not understood.
pub(super) fn refusal(refused: &Refused) -> (StatusCode, Value) {
    let body = json!({ "status": "error", "errorType": "bad_data", "error": refused.0 });
    (StatusCode::BAD_REQUEST, body)
}

fn success(kind: &str, result: &Value) -> Value {
    json!({ "status": "success", "data": { "resultType": kind, "result": result } })
}

/// A sample: the time to the millisecond, and the number as a text.
fn point(at: f64, number: f64) -> Value {
    let at = (at * 1000.0).round() / 1000.0;
    let at = if at.fract() == 0.0 { json!(at as i64) } else { json!(at) };
    json!([at, number.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 1_700_000_000.0;

    fn encoded(query: &str) -> String {
        query.replace('%', "%25").replace('+', "%2B").replace('&', "%26").replace(' ', "+")
    }

    fn read(endpoint: &str, fields: &str) -> Result<Question, Refused> {
        Question::read(endpoint, fields, NOW).unwrap()
    }

    #[test]
    fn known_queries_are_understood_however_their_blanks_are_set() {
        for (query, series) in KNOWN {
            for spelled in [query.to_owned(), query.replace(' ', "\n  "), query.replace(", ", " , ")] {
                let asked = read("query", &format!("timeout=1s&query={}", encoded(&spelled)));
                assert_eq!(asked, Ok(Question::At(series, None)), "{spelled}");
            }
        }
        let tight = "60*sum(rate(checkout_orders_total{result=\"paid\"}[1m]))"
            .replace('"', "%22")
            .replace('{', "%7B");
        assert_eq!(
            read("query", &format!("query={tight}&time=5")),
            Ok(Question::At(Series::Paid, Some(5.0)))
        );
    }

    #[test]
    fn what_is_not_understood_says_what_is() {
        for (endpoint, fields, why) in [
            ("query", "", "no expression found"),
            ("query", "query=up", "knows these queries only: histogram_quantile("),
            ("query", "query=6+0+*+sum(x)", "knows these queries only"),
            ("query", "query=x&time=soon", "knows these queries only"),
            ("query_range", "query=up", "invalid parameter \"start\": cannot parse \"\""),
            ("query_range", "start=10&end=9&step=1", "must not be before start"),
            ("query_range", "start=0&end=9&step=0", "zero or negative"),
            ("query_range", "start=0&end=9&step=x", "cannot parse \"x\" to a valid duration"),
            ("query_range", "start=0&end=99999&step=1", "exceeded maximum resolution"),
            ("query_range", "start=0&end=inf&step=1", "cannot parse \"inf\""),
            ("query_range", "start=0&end=9&step=1&query=up", "knows these queries only"),
        ] {
            let refused = read(endpoint, fields).unwrap_err();
            assert!(refused.0.contains(why), "{fields}: {refused:?}");
            let (status, body) = refusal(&refused);
            assert_eq!((status, &body["errorType"]), (StatusCode::BAD_REQUEST, &json!("bad_data")));
        }
        assert_eq!(Question::read("labels", "", NOW), None);
    }

    #[test]
    fn a_range_is_the_times_from_start_to_end_that_were_already() {
        let query = encoded(KNOWN[3].0);
        let asked = |rest: &str| match read("query_range", &format!("query={query}&{rest}")) {
            Ok(Question::Range(Series::Paid, times)) => times,
            other => panic!("{other:?}"),
        };
        assert_eq!(asked("start=100&end=131&step=15"), [100.0, 115.0, 130.0]);
        assert_eq!(asked("start=100.5&end=160.5&step=1m"), [100.5, 160.5]);
        assert_eq!(asked("start=1970-01-01T00:01:40Z&end=100&step=300"), [100.0]);
        assert_eq!(asked(&format!("start={NOW}&end={}&step=300", NOW + 900.0)), [NOW]);
    }

    #[test]
    fn answers_have_the_documented_shapes_and_gaps_have_no_number() {
        let figures = Figures { p95_ms: 98, error_rate: 0.4, paid: 239, ..Figures::default() };
        assert_eq!(
            vector(Series::P95, 7.25, Some(&figures)).to_string(),
            r#"{"data":{"result":[{"metric":{},"value":[7.25,"0.098"]}],"resultType":"vector"},"status":"success"}"#
        );
        assert_eq!(vector(Series::P95, 7.25, None)["data"]["result"], json!([]));
        let answer = matrix(Series::Failed, &[1.0, 2.0], &[None, Some(figures)]);
        assert_eq!(answer["data"]["result"], json!([{ "metric": {}, "values": [[2, "0.4"]] }]));
        assert_eq!(matrix(Series::Failed, &[1.0], &[None])["data"]["result"], json!([]));
    }
}
