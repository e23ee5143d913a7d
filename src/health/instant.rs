//! What an instant query brought: one number, or why there is none. Pure.
//!
//! The shapes are those of `/api/v1/query` of Prometheus, which Thanos, Mimir, VictoriaMetrics and
//! others answer alike. One number is demanded: of several series by a named reducer, never the last.
//!
//! - `vector`: of each series `{"metric": {…}, "value": [TIME, "NUMBER"]}`, or a `histogram` in place
//!   of the value, which is no number. None of them is *no data*.
//! - `scalar`: `[TIME, "NUMBER"]`.
//! - `matrix` and `string` are no number.
//! - `NaN`, `+Inf` and `-Inf` are no number either: a rate without traffic is nothing good.
//! - `warnings`, and `isPartial` of a VictoriaMetrics cluster, say that something is missing. What is
//!   bad stays bad with them; what is good is not known to be.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::past::{Numbers, combine};
use crate::config::types::Reduce;
use crate::incident::duration;

/// Labels of series that are named where there are too many.
const NAMED: usize = 3;

/// What a query brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// A number, and as it was written.
    Number(Decimal, String),
    /// No number.
    Nothing {
        /// In a word or two: `no data`, `NaN`, `3 series`.
        headline: String,
        /// Why, in one line.
        why: String,
    },
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instant {
    /// The number, if it is one.
    pub measured: Measured,
    /// Why what is good may not be: something is missing from it.
    pub doubt: Option<String>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// It is no answer of such a server.
    NotTheApi,
    /// The server says why, in one line.
    Error(String),
}

impl Measured {
    /// Takes a result away that is too old; this is its age in seconds.
    pub fn judge_age(self, max_age: SignedDuration, of: &mut Instant) {
        let old = |age: &SignedDuration| age.abs() > max_age;
        let age = match self {
            Self::Number(seconds, _) => {
                seconds.to_f64().and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok())
            }
            nothing @ Self::Nothing { .. } => {
                of.measured = nothing;
                return;
            }
        };
        match age {
            Some(age) if old(&age) => {
                let why = format!(
                    "the newest sample is {} old (max {}): nothing measures it any more, or `max_age` is too short",
                    duration(age.abs()),
                    duration(max_age)
                );
                of.measured = nothing("old", why);
            }
            Some(_) => {}
            None => of.measured = nothing("no time", "cannot tell how old the newest sample is"),
        }
    }
}

#[derive(Deserialize)]
struct Response<'a> {
    status: String,
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(default, rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default, rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) value: Option<Point>,
    #[serde(default)]
    pub(super) histogram: Option<IgnoredAny>,
}

/// Seconds since 1970, and a number as text.
#[derive(Deserialize)]
pub(super) struct Point(pub(super) f64, pub(super) String);

/// Reads an answer. `now` is the time by our own clock, and `max_age` how far from it the answer may be.
pub fn read(
    body: &[u8],
    reduce: Option<Reduce>,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<Instant, Unanswered> {
    let response: Response<'_> = std::str::from_utf8(body)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or(Unanswered::NotTheApi)?;
    match (response.status.as_str(), response.data) {
        ("success", Some(data)) => {
            let measured = result(&data, reduce, max_age, now)?;
            let warnings = response.warnings.unwrap_or_default();
            let doubt = match warnings.as_slice() {
                [] if response.is_partial == Some(true) => {
                    Some("it says that its answer is partial".to_owned())
                }
                [] => None,
                warnings => Some(format!("it warns: {}", warnings.join("; "))),
            };
            Ok(Instant { measured, doubt })
        }
        ("error", _) => {
            let kind = response.error_type.unwrap_or_default();
            let said = response.error.unwrap_or_default();
            Err(Unanswered::Error(in_words(&kind, &said)))
        }
        _ => Err(Unanswered::NotTheApi),
    }
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    values: Vec<Point>,
}

/// Reads an answer to a query over a range of time: the numbers of all series as one. `None`: there are none,
/// or too many series.
pub fn read_range(body: &[u8], reduce: Option<Reduce>) -> Option<Numbers> {
    let response: Response<'_> = serde_json::from_slice(body).ok()?;
    // What something is missing from is nothing to compare with.
    let is_whole = response.warnings.is_none_or(|all| all.is_empty()) && response.is_partial != Some(true);
    let is_matrix = |data: &Data<'_>| data.result_type == "matrix";
    let data = response.data.filter(|data| response.status == "success" && is_whole && is_matrix(data))?;
    let series: Vec<Range> = serde_json::from_str(data.result.get()).ok()?;
    let numbers = |range: Range| -> Vec<(f64, f64)> {
        range.values.into_iter().filter_map(|Point(at, number)| Some((at, number.parse().ok()?))).collect()
    };
    combine(&series.into_iter().map(numbers).collect::<Vec<_>>(), reduce)
}

/// What an error means, by its type.
fn in_words(kind: &str, said: &str) -> String {
    let words = match kind {
        "bad_data" => "it does not understand the query",
        "timeout" => "the query took it too long",
        "canceled" => "the query was canceled",
        "execution" => "it could not evaluate the query",
        "unavailable" => "it is not ready",
        "too_many_requests" => "it has too many queries",
        "internal" => "it failed",
        _ => "it reports an error",
    };
    if said.is_empty() { words.to_owned() } else { format!("{words}: {said}") }
}

fn result(
    data: &Data<'_>,
    reduce: Option<Reduce>,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<Measured, Unanswered> {
    let text = data.result.get();
    Ok(match data.result_type.as_str() {
        "vector" => {
            let series: Vec<Series> = serde_json::from_str(text).map_err(|_| Unanswered::NotTheApi)?;
            match one(&series, reduce) {
                Ok((time, measured)) => fresh(time, max_age, now).unwrap_or(measured),
                Err(nothing) => nothing,
            }
        }
        "scalar" => {
            let Point(time, value) = serde_json::from_str(text).map_err(|_| Unanswered::NotTheApi)?;
            fresh(time, max_age, now).unwrap_or_else(|| number(&value))
        }
        "matrix" => {
            let why = "the query gives samples over a time (a matrix), not one number; put a function \
                       around the range, such as rate(…) or avg_over_time(…)";
            nothing("a range", why)
        }
        "string" => nothing("a text", "the query gives a text, not a number"),
        _ => return Err(Unanswered::NotTheApi),
    })
}

pub(super) fn nothing(headline: impl Into<String>, why: impl Into<String>) -> Measured {
    Measured::Nothing { headline: headline.into(), why: why.into() }
}

/// The one number of a vector, and when it was measured.
pub(super) fn one(series: &[Series], reduce: Option<Reduce>) -> Result<(f64, Measured), Measured> {
    let count = series.len();
    if count == 0 {
        let why = "the query finds no series: nothing matches, or nothing was measured lately";
        return Err(nothing("no data", why));
    }
    let points: Option<Vec<&Point>> = series.iter().map(|series| series.value.as_ref()).collect();
    let Some(points) = points else {
        let is_histogram = series.iter().any(|series| series.histogram.is_some());
        return Err(if is_histogram {
            let why = "the query gives a native histogram, not a number; take one of it, such as \
                       histogram_quantile(0.95, …)";
            nothing("a histogram", why)
        } else {
            nothing("no value", "a series came without a value")
        });
    };
    let oldest = points.iter().map(|point| point.0).fold(f64::INFINITY, f64::min);
    match (points.as_slice(), reduce) {
        ([Point(time, value)], _) => Ok((*time, number(value))),
        (_, None) => {
            let mut labels: Vec<String> = series.iter().take(NAMED).map(Series::name).collect();
            if count > NAMED {
                labels.push("…".to_owned());
            }
            let why = format!(
                "the query finds {count} series, not one ({}); aggregate them in it, or set `reduce` to \
                 sum, max, min or avg",
                labels.join(", ")
            );
            Err(nothing(format!("{count} series"), why))
        }
        (points, Some(reduce)) => reduced(points, reduce).map(|measured| (oldest, measured)),
    }
}

impl Series {
    /// Its labels as PromQL writes them.
    fn name(&self) -> String {
        let name = self.metric.get("__name__").map_or("", String::as_str);
        let labels = self.metric.iter().filter(|(label, _)| *label != "__name__");
        let labels: Vec<_> = labels.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        format!("{name}{{{}}}", labels.join(", "))
    }
}

/// A number as Prometheus writes it.
fn number(text: &str) -> Measured {
    match Decimal::parse(text) {
        Some(number) => Measured::Number(number, text.to_owned()),
        None if matches!(text, "NaN" | "+Inf" | "-Inf" | "Inf") => {
            nothing(text, format!("the query gives {text}, which is no number"))
        }
        None => nothing("no number", "the query gives a value that is no number"),
    }
}

/// Several series as one number. One that is no number leaves none.
fn reduced(points: &[&Point], reduce: Reduce) -> Result<Measured, Measured> {
    let mut numbers = Vec::with_capacity(points.len());
    for Point(_, text) in points {
        match number(text) {
            Measured::Number(number, written) => numbers.push((number, written)),
            Measured::Nothing { headline, .. } => {
                let why =
                    format!("one of {} series is {headline}, so there is no {}", points.len(), reduce.name());
                return Err(nothing(headline, why));
            }
        }
    }
    let picked = match reduce {
        Reduce::Max => numbers.into_iter().max_by(|one, other| one.0.cmp(&other.0)),
        Reduce::Min => numbers.into_iter().min_by(|one, other| one.0.cmp(&other.0)),
        Reduce::Sum | Reduce::Avg => {
            let sum: Option<f64> = numbers.iter().map(|(number, _)| number.to_f64()).sum();
            let share = if reduce == Reduce::Avg { numbers.len() as f64 } else { 1.0 };
            let total = sum.map(|sum| (sum / share).to_string());
            total.and_then(|text| Some((Decimal::parse(&text)?, text)))
        }
    };
    picked
        .map(|(number, written)| Measured::Number(number, written))
        .ok_or_else(|| nothing("no number", format!("their {} is no number", reduce.name())))
}

/// Refuses an answer that is from another time than ours.
pub(super) fn fresh(time: f64, max_age: SignedDuration, now: Timestamp) -> Option<Measured> {
    let since = SignedDuration::try_from_secs_f64(time).ok();
    let at = since.and_then(|since| Timestamp::UNIX_EPOCH.checked_add(since).ok());
    match at.map(|at| now.duration_since(at)) {
        Some(age) if age.abs() <= max_age => None,
        Some(age) => {
            let far = duration(age.abs());
            let why = if age.is_negative() {
                format!("the answer is from {far} ahead: one of the two clocks is wrong")
            } else {
                format!(
                    "the answer is from {far} ago: something in between kept it, or one of the two clocks is wrong"
                )
            };
            Some(nothing("old", why))
        }
        None => Some(nothing("no time", "the answer does not say when it was measured")),
    }
}

#[cfg(test)]
mod tests;
