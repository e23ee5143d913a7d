//! What a service says of itself in the common formats, recognised without configuration. Pure.
//!
//! - JSON with a `status`: `application/health+json` (pass, warn, fail), Spring Boot Actuator (UP, DOWN,
//!   `OUT_OF_SERVICE`), ASP.NET and many others (Healthy, Degraded, Unhealthy, ok). What its parts say is named:
//!   `checks`, `components`, `entries`, `results`.
//! - Status pages (`/api/v2/status.json`): `status.indicator` is none, minor, major, critical or maintenance.
//! - Kubernetes' `readyz?verbose`: lines that begin with `[+]` or `[-]`.
//! - Plain text: `Healthy`, `Degraded`, `Unhealthy`, as ASP.NET answers. Rails' `/up`: a page in green or red.
//!
//! A word that is none of these says nothing.

use serde_json::{Map, Value};

use super::condition::Truth;

/// Parts that are named.
const NAMED: usize = 3;
/// A page in one colour is no longer than this.
const SMALL: usize = 2_000;

/// How a service says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// Fine.
    Good,
    /// Works, but not as it should.
    Warn,
    /// It does not know.
    Unknown,
    /// It does not work.
    Bad,
}

impl Grade {
    /// Whether it is good. A warning is judged as such.
    pub(super) fn truth(self) -> Truth {
        match self {
            Self::Good | Self::Warn => Truth::Holds,
            Self::Unknown => Truth::Unknown,
            Self::Bad => Truth::Fails,
        }
    }
}

/// What a service says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reported {
    /// What that means.
    pub(super) grade: Grade,
    /// In its own words: `DOWN: db DOWN, redis OUT_OF_SERVICE`.
    pub(super) words: String,
}

/// Reads what a body says; `None`: it is in no known format. One that is called JSON, or begins as such, and cannot be
/// read says nothing of how the service is: it is half an answer, or that of something else.
pub(super) fn read(body: &[u8], says_json: bool) -> Option<Reported> {
    let unclear = |words: String| Some(Reported { grade: Grade::Unknown, words });
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii();
    let is_object = body.strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\""));
    if is_object || says_json && !body.is_empty() {
        let found: Value = match serde_json::from_slice(body) {
            Ok(found) => found,
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                return unclear(format!("something that is not JSON (line {line}, column {column})"));
            }
        };
        let object = found.as_object()?;
        if is_twice(body) {
            return unclear("its status twice".to_owned());
        }
        return status_page(object).or_else(|| with_status(object));
    }
    let text = std::str::from_utf8(body).ok()?;
    plain(text).or_else(|| kubernetes(text)).or_else(|| rails(text))
}

/// Whether a JSON object has more than one status.
fn is_twice(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Once {
        #[serde(rename = "status", alias = "Status")]
        _status: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Once>(body).is_err()
}

/// The version that a JSON body names: a version, a release or a commit.
pub(super) fn version(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    if !text.starts_with('{') {
        return None;
    }
    let Value::Object(object) = serde_json::from_str(text).ok()? else { return None };
    let named = ["version", "releaseId", "release_id", "commit", "revision"];
    let found = named.into_iter().find_map(|key| object.get(key)?.as_str());
    found.map(str::trim).filter(|version| !version.is_empty()).map(str::to_owned)
}

/// What a word means.
fn grade(word: &str) -> Option<Grade> {
    Some(match word.trim().trim_end_matches('.').to_ascii_lowercase().as_str() {
        "pass" | "passing" | "up" | "ok" | "healthy" | "operational" => Grade::Good,
        "warn" | "warning" | "degraded" => Grade::Warn,
        "unknown" => Grade::Unknown,
        "fail" | "failing" | "error" | "down" | "out_of_service" | "unhealthy" | "critical" => Grade::Bad,
        _ => return None,
    })
}

fn with_status(object: &Map<String, Value>) -> Option<Reported> {
    let word = object.get("status").or_else(|| object.get("Status"))?.as_str()?;
    let grade = grade(word)?;
    let mut parts = Vec::new();
    for key in ["checks", "components", "entries", "results", "details"] {
        let Some(Value::Object(found)) = object.get(key) else { continue };
        for (name, part) in found {
            // health+json gives a list for each.
            let said = match part {
                Value::Array(list) => list.iter().filter_map(|one| one.get("status")?.as_str()).collect(),
                part => part.get("status").and_then(Value::as_str).into_iter().collect::<Vec<_>>(),
            };
            let worst = said.into_iter().max_by_key(|word| self::grade(word));
            parts.extend(worst.map(|word| (name.as_str(), word)));
        }
    }
    // A whole that is good with a part that is not contradicts itself.
    let is_mixed = parts.iter().any(|(_, word)| self::grade(word) == Some(Grade::Bad));
    let grade = if is_mixed { grade.max(Grade::Warn) } else { grade };
    let troubled =
        parts.iter().filter(|(_, word)| self::grade(word).is_some_and(|grade| grade > Grade::Good));
    Some(told(grade, word, troubled.map(|(name, word)| format!("{name} {word}"))))
}

fn status_page(object: &Map<String, Value>) -> Option<Reported> {
    object.get("page")?.as_object()?;
    let status = object.get("status")?;
    let grade = match status.get("indicator")?.as_str()? {
        "none" => Grade::Good,
        "minor" | "maintenance" => Grade::Warn,
        "major" | "critical" => Grade::Bad,
        _ => return None,
    };
    let indicator = status.get("indicator").and_then(Value::as_str).unwrap_or_default();
    let word =
        status.get("description").and_then(Value::as_str).filter(|it| !it.is_empty()).unwrap_or(indicator);
    Some(told(grade, word, std::iter::empty()))
}

fn plain(text: &str) -> Option<Reported> {
    let known = ["healthy", "degraded", "unhealthy"];
    let word = known.into_iter().find(|known| text.eq_ignore_ascii_case(known))?;
    Some(told(grade(word)?, text, std::iter::empty()))
}

fn kubernetes(text: &str) -> Option<Reported> {
    let checks = text.lines().filter(|line| line.starts_with("[+]") || line.starts_with("[-]"));
    let failed = checks.clone().filter_map(|line| line.strip_prefix("[-]"));
    let passes = match text.lines().next_back()?.trim() {
        last if last.ends_with(" check passed") => true,
        last if last.ends_with(" check failed") => false,
        _ => return None,
    };
    checks.clone().next()?;
    let failed: Vec<String> =
        failed.map(|line| line.split(':').next().unwrap_or(line).trim().to_owned()).collect();
    // A failing check without which it passes was left out on purpose.
    let grade = if passes { Grade::Good } else { Grade::Bad };
    Some(told(grade, if passes { "passed" } else { "failed" }, failed.into_iter()))
}

fn rails(text: &str) -> Option<Reported> {
    if text.len() > SMALL || !text.get(..9)?.eq_ignore_ascii_case("<!doctype") {
        return None;
    }
    let colour = text.split_once("<body style=\"background-color: ")?.1;
    match colour.split(['"', ';']).next()? {
        "green" => Some(told(Grade::Good, "green", std::iter::empty())),
        "red" => Some(told(Grade::Bad, "red", std::iter::empty())),
        _ => None,
    }
}

fn told(grade: Grade, word: &str, parts: impl Iterator<Item = String>) -> Reported {
    let parts: Vec<String> = parts.collect();
    let mut named: Vec<String> = parts.iter().take(NAMED).cloned().collect();
    if parts.len() > NAMED {
        named.push(format!("{} more", parts.len() - NAMED));
    }
    let words = if named.is_empty() { word.to_owned() } else { format!("{word}: {}", named.join(", ")) };
    Reported { grade, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_formats_are_recognised() {
        let spring = r#"{"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"x"}},"disk":{"status":"UP"},"redis":{"status":"OUT_OF_SERVICE"}}}"#;
        let draft = r#"{"status":"warn","version":"1","releaseId":"1.4.3","checks":{"db:connections":[{"status":"pass"},{"status":"warn"}],"cpu":[{"status":"pass"}]}}"#;
        let aspnet = r#"{"status":"Unhealthy","totalDuration":"00:00:00.05","entries":{"sql":{"status":"Unhealthy"},"queue":{"status":"Healthy"}}}"#;
        let page = |indicator: &str| {
            format!(
                r#"{{"page":{{"id":"x","name":"Cloud"}},"status":{{"indicator":"{indicator}","description":"Partial System Outage"}}}}"#
            )
        };
        let (minor, major, fine) = (page("minor"), page("major"), page("none"));
        for (body, grade, words) in [
            (r#"{"status":"UP"}"#, Grade::Good, "UP"),
            (spring, Grade::Bad, "DOWN: db DOWN, redis OUT_OF_SERVICE"),
            (r#"{"status":"UNKNOWN"}"#, Grade::Unknown, "UNKNOWN"),
            (r#"{"status":"DOWN""#, Grade::Unknown, "something that is not JSON (line 1, column 16)"),
            (
                r#"{"status":"DOWN","x":NaN}"#,
                Grade::Unknown,
                "something that is not JSON (line 1, column 22)",
            ),
            (r#"{"status":"DOWN","status":"UP"}"#, Grade::Unknown, "its status twice"),
            (r#"{"status":"UP","components":{"db":{"status":"DOWN"}}}"#, Grade::Warn, "UP: db DOWN"),
            (draft, Grade::Warn, "warn: db:connections warn"),
            (aspnet, Grade::Bad, "Unhealthy: sql Unhealthy"),
            ("\u{feff}{\"status\":\"DOWN\"}", Grade::Bad, "DOWN"),
            (r#"{"Status":" Unhealthy. "}"#, Grade::Bad, " Unhealthy. "),
            ("Healthy", Grade::Good, "Healthy"),
            ("Degraded\n", Grade::Warn, "Degraded"),
            (minor.as_str(), Grade::Warn, "Partial System Outage"),
            (major.as_str(), Grade::Bad, "Partial System Outage"),
            (fine.as_str(), Grade::Good, "Partial System Outage"),
            (
                "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\nreadyz check failed\n",
                Grade::Bad,
                "failed: etcd failed",
            ),
            ("[+]ping ok\n[+]etcd ok\nreadyz check passed\n", Grade::Good, "passed"),
            (
                "<!DOCTYPE html><html><body style=\"background-color: green\"></body></html>",
                Grade::Good,
                "green",
            ),
            ("<!DOCTYPE html><html><body style=\"background-color: red\"></body></html>", Grade::Bad, "red"),
        ] {
            let seen = read(body.as_bytes(), false).unwrap_or_else(|| panic!("{body}"));
            assert_eq!((seen.grade, seen.words.as_str()), (grade, words), "{body}");
        }
        assert_eq!(version(draft.as_bytes()).as_deref(), Some("1"));
        assert_eq!(version(br#"{"releaseId":" 1.4.3 "}"#).as_deref(), Some("1.4.3"));
        assert_eq!(version(br#"{"version":3}"#), None);
    }

    #[test]
    fn what_is_in_no_known_format_says_nothing() {
        for body in [
            "",
            "{}",
            r#"{"status":200}"#,
            r#"{"status":"open","orders":3}"#,
            r#"{"status":{"indicator":"major"}}"#,
            r#"{"page":{},"status":{"indicator":"purple"}}"#,
            r#"[{"status":"DOWN"}]"#,
            "unhealthy food and how to avoid it",
            "[+]ping ok\n",
            "readyz check passed",
            "<!DOCTYPE html><html><body style=\"background-color: blue\">",
            "<html><body style=\"background-color: red\">",
            "{% if ok %}fine{% endif %}",
            "{{ status }}",
        ] {
            assert_eq!(read(body.as_bytes(), false), None, "{body}");
        }
        assert_eq!(read(b"\xff", false), None);
        // What is called JSON has to be that.
        for body in [&b"\xff"[..], b"{\"status\":\"DOWN\",\"why\":\"caf\xe9\"}", b"\x1f\x8b\x08", b"<html>"] {
            assert_eq!(read(body, true).map(|said| said.grade), Some(Grade::Unknown), "{body:?}");
        }
        assert_eq!((read(b"", true), read(b"[]", true), read(b"{}", true)), (None, None, None));
    }
}
