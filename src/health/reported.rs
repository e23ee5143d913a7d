//! What a service says of itself in the common formats, recognised without configuration. Pure.
//!
//! - JSON with a `status`: `application/health+json` (pass, warn, fail), Spring Boot Actuator (UP, DOWN,
//!   `OUT_OF_SERVICE`), ASP.NET and many others (Healthy, Degraded, Unhealthy, ok). What its parts say is named:
//!   `checks`, `components`, `entries`, `results`. JSON that says `healthy`, `ok` or the like with true or false.
//! - Status pages: Statuspage (`status.json`, `summary.json`, `components.json`, `unresolved.json`), Instatus, Slack,
//!   Better Stack, Status.io.
//! - Kubernetes' `readyz?verbose`: lines that begin with `[+]` or `[-]`.
//! - One word of these as plain text, as ASP.NET answers. Rails' `/up`: a page in green or red.
//!
//! A word that is none of these says nothing.

mod pages;

use serde_json::{Map, Value};

use super::condition::Truth;
use pages::status_page;

/// Parts that are named.
const NAMED: usize = 3;
/// Where a body names its parts.
const PARTS: [&str; 5] = ["checks", "components", "entries", "results", "details"];
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
        if let Some(word) = found.as_str() {
            return plain(word.trim());
        }
        let object = found.as_object()?;
        if is_twice(body) {
            return unclear("its status twice".to_owned());
        }
        return status_page(object).or_else(|| with_status(object));
    }
    let text = std::str::from_utf8(body).ok()?;
    // A word in quotes is JSON, whatever it is called.
    let word = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    plain(word.unwrap_or(text)).or_else(|| kubernetes(text)).or_else(|| rails(text))
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

/// What a JSON body names as its version, what tells most first: a commit, a release, a version. Which of them
/// names what was deployed is known to whoever knows the releases: a `version` may be that of the API.
pub(super) fn versions(body: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(body).unwrap_or_default().trim();
    if !text.starts_with('{') {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    // The nested ones are those of Spring's `/actuator/info`.
    let named: [&[&str]; 12] = [
        &["git", "commit", "id", "full"],
        &["git", "commit", "id", "abbrev"],
        &["git", "commit", "id"],
        &["commit"],
        &["revision"],
        &["releaseId"],
        &["release_id"],
        &["release"],
        &["build", "version"],
        &["build"],
        &["app", "version"],
        &["version"],
    ];
    let mut found: Vec<String> = Vec::new();
    for path in named {
        let said = path.iter().try_fold(&body, |at, key| at.get(*key)).and_then(Value::as_str);
        let said = said.map(str::trim).filter(|said| !said.is_empty());
        if let Some(said) = said.filter(|said| !found.iter().any(|known| known == said)) {
            found.push(said.to_owned());
        }
    }
    found
}

/// What a word means, however it is written: `OUT_OF_SERVICE`, `out of service`.
fn grade(word: &str) -> Option<Grade> {
    let plain: String =
        word.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    Some(match plain.as_str() {
        "pass" | "passing" | "up" | "ok" | "healthy" | "operational" | "serving" | "green" => Grade::Good,
        "warn"
        | "warning"
        | "degraded"
        | "degradedperformance"
        | "partiallydegraded"
        | "partialoutage"
        | "minoroutage"
        | "hasissues"
        | "maintenance"
        | "undermaintenance"
        | "yellow" => Grade::Warn,
        "unknown" | "starting" => Grade::Unknown,
        "fail" | "failed" | "failing" | "error" | "down" | "downtime" | "offline" | "outage"
        | "majoroutage" | "fulloutage" | "outofservice" | "unavailable" | "serviceunavailable"
        | "notready" | "notserving" | "shuttingdown" | "stopping" | "unhealthy" | "critical" | "fatal"
        | "notok" | "nok" | "dead" | "unreachable" | "broken" | "crashed" | "red" => Grade::Bad,
        _ => return None,
    })
}

/// A body whose status is a word; or says so with yes or no, as etcd does.
fn with_status(object: &Map<String, Value>) -> Option<Reported> {
    let status = object.iter().find(|(key, _)| key.eq_ignore_ascii_case("status"));
    let Some((_, status)) = status else { return with_yes(object) };
    let Some(word) = status.as_str() else {
        // A list of parts is all that there is.
        return worst_of(&parts(status));
    };
    let grade = grade(word)?;
    let parts: Vec<_> = PARTS.into_iter().filter_map(|key| object.get(key)).flat_map(parts).collect();
    // A whole that is good with a part that is not contradicts itself.
    let is_mixed = parts.iter().any(|(_, word)| self::grade(word) == Some(Grade::Bad));
    let grade = if is_mixed { grade.max(Grade::Warn) } else { grade };
    Some(told(grade, word, troubled(&parts)))
}

fn with_yes(object: &Map<String, Value>) -> Option<Reported> {
    ["healthy", "health", "ok", "up", "ready", "alive"].into_iter().find_map(|key| {
        let is_yes = match object.get(key)? {
            Value::Bool(is_yes) => *is_yes,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        let grade = if is_yes { Grade::Good } else { Grade::Bad };
        Some(told(grade, &format!("{key}: {is_yes}"), std::iter::empty()))
    })
}

/// What parts say of themselves, by their names: an object of them, or a list. Those of which they consist as well.
fn parts(value: &Value) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn collect<'a>(value: &'a Value, within: &str, found: &mut Vec<(String, &'a str)>) {
    let named: Vec<(&str, &Value)> = match value {
        Value::Object(parts) => parts.iter().map(|(name, part)| (name.as_str(), part)).collect(),
        Value::Array(parts) => parts.iter().map(|part| (named(part), part)).collect(),
        _ => Vec::new(),
    };
    for (name, part) in named {
        let name = if within.is_empty() { name.to_owned() } else { format!("{within} {name}") };
        found.extend(worst_word(part).map(|word| (name.clone(), word)));
        for inner in PARTS.into_iter().filter_map(|key| part.get(key)) {
            collect(inner, &name, found);
        }
    }
}

fn said(part: &Value) -> Option<&str> {
    part.get("status")?.as_str()
}

/// What a part says; health+json gives a list for each.
fn worst_word(part: &Value) -> Option<&str> {
    match part {
        Value::Array(list) => list.iter().filter_map(said).max_by_key(|word| grade(word)),
        part => said(part),
    }
}

/// The name of a part of a list.
fn named(part: &Value) -> &str {
    let name = ["name", "system", "id"].into_iter().find_map(|key| part.get(key)?.as_str());
    name.unwrap_or("one")
}

/// The parts that are not as they should be.
fn troubled(parts: &[(String, &str)]) -> impl Iterator<Item = String> {
    let troubled = parts.iter().filter(|(_, word)| grade(word).is_some_and(|grade| grade > Grade::Good));
    troubled.map(|(name, word)| format!("{name} {word}"))
}

/// What parts amount to of which there is no whole; `None`: there is none that says anything.
fn worst_of(parts: &[(String, &str)]) -> Option<Reported> {
    let (grade, word) =
        parts.iter().filter_map(|(_, word)| Some((grade(word)?, *word))).max_by_key(|(grade, _)| *grade)?;
    Some(told(grade, word, troubled(parts)))
}

/// A body that is one word.
fn plain(text: &str) -> Option<Reported> {
    let is_word = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let grade = grade(text).filter(|_| is_word)?;
    Some(told(grade, text, std::iter::empty()))
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
            (r#"{"status":"UP","checks":[{"name":"db","status":"DOWN"}]}"#, Grade::Warn, "UP: db DOWN"),
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
        assert_eq!(versions(draft.as_bytes()), ["1.4.3", "1"]);
    }

    #[test]
    fn every_name_of_a_version_is_read_and_what_tells_most_comes_first() {
        let read = |body: &str| versions(body.as_bytes());
        assert_eq!(read(r#"{"releaseId":" 1.4.3 "}"#), ["1.4.3"]);
        assert_eq!(read(r#"{"version":"1.4.3","commit":"4f2c91e","release":"1.4.3"}"#), ["4f2c91e", "1.4.3"]);
        let spring =
            r#"{"git":{"branch":"main","commit":{"id":"4f2c91e","time":"x"}},"build":{"version":"1.4.3"}}"#;
        assert_eq!(read(spring), ["4f2c91e", "1.4.3"]);
        let full = r#"{"git":{"commit":{"id":{"abbrev":"4f2c91e","full":"4f2c91e0aa"}}}}"#;
        assert_eq!(read(full), ["4f2c91e0aa", "4f2c91e"]);
        for nothing in [r#"{"version":3}"#, r#"{"version":""}"#, "{", "1.4.3", r#"["1.4.3"]"#] {
            assert!(read(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn words_for_trouble_are_known_however_they_are_written() {
        for (body, expected) in [
            (r#"{"status":"partial_outage"}"#, Grade::Warn),
            (r#"{"status":"Degraded performance"}"#, Grade::Warn),
            (r#"{"status":"unavailable"}"#, Grade::Bad),
            (r#"{"status":"shutting_down"}"#, Grade::Bad),
            (r#"{"status":"NOT_SERVING"}"#, Grade::Bad),
            (r#"{"health":"false","reason":"no leader"}"#, Grade::Bad),
            (r#"{"STATUS":"DOWN"}"#, Grade::Bad),
            (r#"{"status":"NOT_OK"}"#, Grade::Bad),
            ("DOWN\n", Grade::Bad),
            (r#""DOWN""#, Grade::Bad),
            ("out_of_service", Grade::Bad),
            ("ok", Grade::Good),
            (
                r#"{"status":"UP","components":{"db":{"status":"UP","components":{"primary":{"status":"DOWN"}}}}}"#,
                Grade::Warn,
            ),
            (r#"{"status":"UP","components":{"db":{"status":"FATAL"}}}"#, Grade::Warn),
            (r#"{"healthy":true}"#, Grade::Good),
            (r#"{"ok":false}"#, Grade::Bad),
        ] {
            assert_eq!(read(body.as_bytes(), false).map(|said| said.grade), Some(expected), "{body}");
        }
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
