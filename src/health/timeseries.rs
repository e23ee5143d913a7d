//! What Datadog answers: the newest number of a query of metrics, and the state of a monitor. Pure.
//!
//! - `GET /api/v1/query`: `series` with `pointlist`s of `[MILLISECONDS, NUMBER or null]`. The newest
//!   numbers are often null still: the newest that is none counts, if it is fresh.
//! - Errors come with status 200, too: `{"status": "error", "error": "…"}`.
//! - `GET /api/v1/monitor/ID`: `overall_state` is OK, Alert, Warn, No Data, Skipped, Ignored or Unknown. A monitor
//!   that is muted still alerts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Number;

use super::decimal::Decimal;
use super::instant::{Measured, Point, Series, Unanswered, fresh, nothing, one};
use super::past::{Numbers, combine};
use crate::config::types::Reduce;

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    errors: Option<Vec<String>>,
    #[serde(default)]
    series: Option<Vec<Points>>,
}

#[derive(Deserialize)]
struct Points {
    #[serde(default)]
    metric: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    pointlist: Vec<(f64, Option<Number>)>,
}

/// Reads an answer to a query of metrics. `now` is the time by our own clock, and `max_age` how far from it
/// the newest number may be.
pub fn read(
    body: &[u8],
    reduce: Option<Reduce>,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<Measured, Unanswered> {
    let response: Response = parse(body)?;
    let said: Vec<String> = response.error.into_iter().chain(response.errors.into_iter().flatten()).collect();
    let said = said.iter().filter(|said| !said.is_empty()).cloned().collect::<Vec<_>>().join("; ");
    if !said.is_empty() {
        return Err(Unanswered::Error(format!("it reports an error: {said}")));
    }
    let (true, Some(series)) = (response.status == "ok", response.series) else {
        return Err(Unanswered::NotTheApi);
    };
    let mut found = Vec::with_capacity(series.len());
    let mut empty = 0;
    for Points { metric, scope, pointlist } in series {
        // Out of order or twice: the time decides.
        let numbers = pointlist.into_iter().filter_map(|(time, number)| Some((time, number?)));
        let Some((time, number)) = numbers.max_by(|one, other| one.0.total_cmp(&other.0)) else {
            empty += 1;
            continue;
        };
        let labels = [("__name__".to_owned(), metric), ("scope".to_owned(), scope)];
        let point = Point(time / 1000.0, number.to_string());
        found.push(Series { metric: BTreeMap::from(labels), value: Some(point), histogram: None });
    }
    if found.is_empty() && empty > 0 {
        return Ok(nothing("no data", "all points of the last minutes are null: nothing was measured"));
    }
    // One that says nothing may be the worst of them.
    if empty > 0 {
        let why = format!("{empty} of {} series have no number", empty + found.len());
        return Ok(nothing("no data", why));
    }
    Ok(match one(&found, reduce) {
        Ok((time, measured)) => fresh(time, max_age, now).unwrap_or(measured),
        Err(nothing) => nothing,
    })
}

/// Reads an answer about a longer time: the numbers of all series as one. `None`: there are none, or too many
/// series.
pub fn read_range(body: &[u8], reduce: Option<Reduce>) -> Option<Numbers> {
    let response: Response = parse(body).ok()?;
    let series = response.series.filter(|_| response.status == "ok")?;
    let numbers = |points: Points| -> Vec<(f64, f64)> {
        let known = points.pointlist.into_iter();
        known.filter_map(|(ms, number)| Some((ms / 1000.0, number?.as_f64()?))).collect()
    };
    combine(&series.into_iter().map(numbers).collect::<Vec<_>>(), reduce)
}

/// A monitor as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How many of its groups alert, or why that is not known.
    pub measured: Measured,
    /// Its name, and whether it is muted.
    pub named: String,
    /// Why it is a warning, though nothing alerts.
    pub warning: Option<String>,
}

#[derive(Deserialize)]
struct Monitor {
    id: Option<u64>,
    #[serde(default)]
    name: String,
    overall_state: Option<String>,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    state: States,
    #[serde(default)]
    errors: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
struct Options {
    /// Scopes, and until when.
    #[serde(default)]
    silenced: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize, Default)]
struct States {
    #[serde(default)]
    groups: BTreeMap<String, Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    status: String,
}

/// Reads an answer about the monitor of this number.
pub fn monitor(body: &[u8], id: u64) -> Result<Standing, Unanswered> {
    let monitor: Monitor = parse(body)?;
    if let Some(other) = monitor.id.filter(|other| *other != id) {
        return Err(Unanswered::Error(format!("it is of the monitor {other}, not of {id}")));
    }
    if let Some(errors) = monitor.errors {
        return Err(Unanswered::Error(format!("it reports an error: {}", errors.join("; "))));
    }
    let Some(state) = monitor.overall_state else { return Err(Unanswered::NotTheApi) };
    let muted = monitor.options.silenced.is_some_and(|scopes| !scopes.is_empty());
    let named = format!("{}{}", monitor.name, if muted { " (muted)" } else { "" });
    let alerting = monitor.state.groups.values().filter(|group| group.status == "Alert").count();
    let groups = |state: &str| monitor.state.groups.values().any(|group| group.status == state);
    let warning = (state == "Warn" || groups("Warn")).then(|| format!("{named} warns"));
    let measured = match state.as_str() {
        "Alert" => count(alerting.max(1)),
        // The whole may lag behind its groups.
        "OK" | "Warn" if alerting == 0 && groups("No Data") => {
            nothing("no data", format!("a group of the monitor {named} has no data"))
        }
        "OK" | "Warn" => count(alerting),
        "No Data" => nothing("no data", format!("the monitor {named} has no data")),
        other => nothing(other, format!("the monitor {named} is {other}")),
    };
    Ok(Standing { measured, named, warning })
}

fn count(alerting: usize) -> Measured {
    let written = alerting.to_string();
    match Decimal::parse(&written) {
        Some(number) => Measured::Number(number, written),
        None => nothing("no number", "too many groups alert"),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unanswered> {
    let text = std::str::from_utf8(body).ok();
    text.and_then(|text| serde_json::from_str(text).ok()).ok_or(Unanswered::NotTheApi)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_780_000_000;

    fn series(points: &str) -> String {
        format!(
            r#"{{"status":"ok","res_type":"time_series","resp_version":1,"query":"q","from_date":1,"to_date":2,"message":"","group_by":[],"series":[{points}]}}"#
        )
    }

    fn points(scope: &str, list: &str) -> String {
        format!(
            r#"{{"metric":"trace.errors","display_name":"trace.errors","scope":"{scope}","expression":"x","interval":20,"length":3,"aggr":"sum","pointlist":[{list}]}}"#
        )
    }

    fn seen(body: &str, reduce: Option<Reduce>) -> String {
        let now = Timestamp::from_second(NOW).unwrap();
        match read(body.as_bytes(), reduce, SignedDuration::from_mins(2), now) {
            Ok(Measured::Number(_, written)) => written,
            Ok(Measured::Nothing { headline, why }) => format!("{headline}: {why}"),
            Err(Unanswered::Error(why)) => format!("error: {why}"),
            Err(Unanswered::NotTheApi) => "not the api".to_owned(),
        }
    }

    fn at(seconds: i64, number: &str) -> String {
        format!("[{}.0,{number}]", (NOW + seconds) * 1000)
    }

    #[test]
    fn the_newest_number_that_is_none_counts_if_it_is_fresh() {
        let list = [at(-60, "1"), at(-40, "38.5"), at(-20, "null"), at(0, "null")].join(",");
        assert_eq!(seen(&series(&points("service:a", &list)), None), "38.5");
        // Out of order, twice.
        let list = [at(-40, "2.5"), at(-60, "1"), at(-60, "7")].join(",");
        assert_eq!(seen(&series(&points("*", &list)), None), "2.5");
        assert_eq!(seen(&series(&points("*", &at(-20, "2e-5"))), None), "0.00002");
        let old = seen(&series(&points("*", &at(-600, "3"))), None);
        assert!(old.starts_with("old: the answer is from 10m ago"), "{old}");
        let ahead = seen(&series(&points("*", &at(600, "3"))), None);
        assert!(ahead.contains("one of the two clocks is wrong"), "{ahead}");
        assert!(seen(&series(&points("*", &at(0, "null"))), None).starts_with("no data: all points"));
        assert!(seen(&series(""), None).starts_with("no data: the query finds no series"));
    }

    #[test]
    fn several_series_need_a_reducer_and_each_needs_a_number() {
        let two = [points("host:a", &at(0, "1")), points("host:b", &at(-20, "9"))].join(",");
        let why = seen(&series(&two), None);
        assert!(why.starts_with("2 series: ") && why.contains("trace.errors{scope=\"host:a\"}"), "{why}");
        assert_eq!(seen(&series(&two), Some(Reduce::Max)), "9");
        assert_eq!(seen(&series(&two), Some(Reduce::Sum)), "10");
        let half = [points("host:a", &at(0, "1")), points("host:b", &at(0, "null"))].join(",");
        assert_eq!(seen(&series(&half), Some(Reduce::Max)), "no data: 1 of 2 series have no number");
        assert_eq!(seen(&series(&half), None), "no data: 1 of 2 series have no number");
    }

    #[test]
    fn errors_inside_of_a_200_are_errors_and_anything_else_is_none_of_its_answers() {
        assert_eq!(
            seen(r#"{"status":"error","error":"Error parsing query: unable to parse x"}"#, None),
            "error: it reports an error: Error parsing query: unable to parse x"
        );
        assert_eq!(seen(r#"{"errors":["Forbidden"]}"#, None), "error: it reports an error: Forbidden");
        let both = r#"{"status":"ok","error":"","errors":["late"],"series":[]}"#;
        assert_eq!(seen(both, None), "error: it reports an error: late");
        for body in [
            "",
            "[]",
            "<html>",
            "{}",
            r#"{"status":"ok"}"#,
            r#"{"status":"ok","series":[{"pointlist":[["a",1]]}]}"#,
        ] {
            assert_eq!(seen(body, None), "not the api", "{body}");
        }
    }

    #[test]
    fn a_monitor_alerts_whether_it_is_muted_or_not() {
        let told = |state: &str, options: &str, groups: &str| {
            let body = format!(
                r#"{{"id":1,"name":"Checkout errors","type":"query alert","overall_state":"{state}","options":{options},"state":{{"groups":{groups}}}}}"#
            );
            let standing = monitor(body.as_bytes(), 1).unwrap();
            let number = match standing.measured {
                Measured::Number(_, written) => written,
                Measured::Nothing { headline, .. } => headline,
            };
            (number, standing.named, standing.warning)
        };
        let name = "Checkout errors".to_owned();
        assert_eq!(told("OK", "{}", "{}"), ("0".to_owned(), name.clone(), None));
        let two = r#"{"a":{"status":"Alert"},"b":{"status":"Alert"},"c":{"status":"OK"}}"#;
        let muted = format!("{name} (muted)");
        assert_eq!(told("Alert", r#"{"silenced":{"*":null}}"#, two), ("2".to_owned(), muted, None));
        assert_eq!(told("Alert", r#"{"silenced":{}}"#, "{}"), ("1".to_owned(), name.clone(), None));
        let warns = Some("Checkout errors warns".to_owned());
        assert_eq!(told("Warn", "{}", "{}"), ("0".to_owned(), name.clone(), warns));
        assert_eq!(told("No Data", "{}", "{}").0, "no data");
        let silent = r#"{"a":{"status":"OK"},"b":{"status":"No Data"}}"#;
        assert_eq!(told("OK", "{}", silent).0, "no data");
        assert!(told("OK", "{}", r#"{"a":{"status":"Warn"}}"#).2.is_some());
        assert_eq!(told("Ignored", "{}", "{}").0, "Ignored");
        assert_eq!(monitor(b"{}", 1), Err(Unanswered::NotTheApi));
        let gone = Unanswered::Error("it reports an error: Monitor not found".to_owned());
        assert_eq!(monitor(br#"{"errors":["Monitor not found"]}"#, 1), Err(gone));
        let other = br#"{"id":2,"name":"Other","overall_state":"OK"}"#;
        assert!(monitor(other, 2).is_ok());
        let refused = Unanswered::Error("it is of the monitor 2, not of 1".to_owned());
        assert_eq!(monitor(other, 1), Err(refused));
    }
}
