//! Reads what an Alertmanager answers to `GET /api/v2/alerts`: the alerts that fire, and which of them are
//! silenced or inhibited. Also reads matchers, as Alertmanager writes them. Pure.
//!
//! An alert that is silenced still fires: it counts. Whoever silenced the noise of this incident has not
//! ended it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::answer::excerpt;
use super::parse::Refused;
use crate::incident::duration;
use crate::text::mask::Masker;

/// Alerts that are named.
const NAMED: usize = 3;
/// Alerts that are listed.
const LISTED: usize = 100;

/// An alert, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Alert {
    labels: BTreeMap<String, String>,
    status: Status,
    #[serde(rename = "startsAt")]
    starts_at: Option<Timestamp>,
    #[serde(default)]
    fingerprint: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Status {
    #[serde(default, rename = "silencedBy")]
    silenced: Vec<String>,
    #[serde(default, rename = "inhibitedBy")]
    inhibited: Vec<String>,
    /// By the time of day of a route.
    #[serde(default, rename = "mutedBy")]
    muted: Vec<String>,
}

/// The alerts that fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// How many there are.
    pub count: usize,
    /// The first few by name, those that nobody silenced first: `HighErrorRate for 14m, DiskFull
    /// (silenced)`.
    pub named: String,
    /// The names of all of them.
    pub names: BTreeSet<String>,
    /// Each of them in the same words and order; of very many the first.
    pub rows: Vec<String>,
}

/// Reads an answer; `None`: it is none of Alertmanager's. What is named holds no secret that `masker` knows.
pub fn read(body: &[u8], now: Timestamp, masker: &Masker) -> Option<Firing> {
    let text = std::str::from_utf8(body).ok()?;
    let mut alerts: Vec<Alert> = serde_json::from_str(text).ok()?;
    let mut seen = BTreeSet::new();
    // Peers of a cluster may both hold one.
    alerts.retain(|alert| alert.fingerprint.is_empty() || seen.insert(alert.fingerprint.clone()));
    alerts.sort_by_cached_key(|alert| (alert.quiet().is_some(), alert.starts_at, alert.name()));
    let rows: Vec<String> = alerts.iter().take(LISTED).map(|alert| alert.words(now, masker)).collect();
    let mut listed: Vec<String> = rows.iter().take(NAMED).cloned().collect();
    if alerts.len() > NAMED {
        listed.push(format!("{} more", alerts.len() - NAMED));
    }
    let names = alerts.iter().map(Alert::name).collect();
    Some(Firing { count: alerts.len(), named: listed.join(", "), names, rows })
}

impl Alert {
    fn name(&self) -> String {
        match self.labels.get("alertname") {
            Some(name) => name.clone(),
            None => "an alert without a name".to_owned(),
        }
    }

    /// Why nobody is told of it.
    fn quiet(&self) -> Option<&'static str> {
        let Status { silenced, inhibited, muted } = &self.status;
        let reasons = [(silenced, "silenced"), (inhibited, "inhibited"), (muted, "muted")];
        reasons.into_iter().find(|(by, _)| !by.is_empty()).map(|(_, word)| word)
    }

    fn words(&self, now: Timestamp, masker: &Masker) -> String {
        let name = excerpt(&self.name(), masker);
        let age = self.starts_at.map(|start| now.duration_since(start));
        let age = age.filter(SignedDuration::is_positive);
        let age = age.map_or_else(String::new, |age| format!(" for {}", duration(age)));
        let quiet = self.quiet().map_or_else(String::new, |word| format!(" ({word})"));
        format!("{name}{age}{quiet}")
    }
}

/// Checks a matcher: `service="checkout"`, `severity=~"page|critical"`, `team!=ops`.
pub fn matcher(text: &str) -> Result<(), Refused> {
    let refuse = |at: usize, message: &str| Err(Refused { at, message: message.to_owned() });
    let start = text.chars().take_while(|c| c.is_whitespace()).count();
    let rest = text.trim_start();
    let mut name = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count();
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        name = 0;
    }
    if name == 0 {
        return refuse(start, "expected the name of a label, as in service=\"checkout\"");
    }
    let after: String = rest.chars().skip(name).collect();
    let gap = after.chars().take_while(|c| c.is_whitespace()).count();
    let after = after.trim_start();
    let at = start + name + gap;
    let Some((sign, value)) = ["=~", "!~", "!=", "="]
        .into_iter()
        .find_map(|sign| after.strip_prefix(sign).map(|value| (sign, value)))
    else {
        return refuse(at, "expected one of = != =~ !~");
    };
    let at = at + sign.len() + value.chars().take_while(|c| c.is_whitespace()).count();
    let value = value.trim();
    let bare = match value.strip_prefix('"') {
        Some(quoted) => match quoted.strip_suffix('"') {
            Some(inside) if !has_bare_quote(inside) => inside,
            _ => return refuse(at, "this text has no closing quote, or goes on behind it"),
        },
        None if value.is_empty() || value.contains(['"', '\'', ',', '{', '}', '=', '!', '~']) => {
            return refuse(at, "expected a text in double quotes");
        }
        None if value.contains(char::is_whitespace) => {
            return refuse(at, "expected a text in double quotes, as it has spaces in it");
        }
        None => value,
    };
    if sign.ends_with('~')
        && let Err(error) = regex::Regex::new(bare)
    {
        // The last line says what is wrong; those before draw the expression.
        let said = error.to_string();
        let said = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return refuse(at, &format!("this is no regular expression: {said}"));
    }
    Ok(())
}

/// Whether a quote stands in a text without a backslash before it.
fn has_bare_quote(text: &str) -> bool {
    let mut escaped = false;
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return true,
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn alert(name: &str, print: &str, status: &str) -> String {
        format!(
            r#"{{"annotations":{{}},"endsAt":"2026-11-29T12:30:00.000Z","fingerprint":"{print}","receivers":[{{"name":"web"}}],
            "startsAt":"2026-11-29T12:00:00.000Z","status":{{{status}}},"updatedAt":"2026-11-29T12:20:00.000Z",
            "generatorURL":"http://x","labels":{{"alertname":"{name}","service":"checkout"}}}}"#
        )
    }

    #[test]
    fn alerts_count_whether_silenced_or_not_and_those_that_are_not_come_first() {
        let silenced = alert(
            "DiskFull",
            "a",
            r#""inhibitedBy":[],"silencedBy":["3c1"],"mutedBy":[],"state":"suppressed""#,
        );
        let inhibited =
            alert("Slow", "b", r#""inhibitedBy":["c"],"silencedBy":[],"mutedBy":[],"state":"suppressed""#);
        let muted = alert(
            "Batch",
            "e",
            r#""inhibitedBy":[],"silencedBy":[],"mutedBy":["night"],"state":"suppressed""#,
        );
        let active = alert("HighErrorRate", "c", r#""inhibitedBy":[],"silencedBy":[],"state":"active""#);
        let body = format!("[{silenced},{inhibited},{active},{active}]");
        let firing = read(body.as_bytes(), at("2026-11-29T12:14:00Z"), &Masker::default()).unwrap();
        assert_eq!(firing.count, 3);
        assert_eq!(
            firing.named,
            "HighErrorRate for 14m, DiskFull for 14m (silenced), Slow for 14m (inhibited)"
        );
        let body = format!("[{silenced},{inhibited},{active},{muted}]");
        let firing = read(body.as_bytes(), at("2026-11-29T12:00:00Z"), &Masker::default()).unwrap();
        assert_eq!(
            (firing.count, firing.named.as_str()),
            (4, "HighErrorRate, Batch (muted), DiskFull (silenced), 1 more")
        );
        assert_eq!(
            firing.rows,
            ["HighErrorRate", "Batch (muted)", "DiskFull (silenced)", "Slow (inhibited)"]
        );
        assert_eq!(read(b"[]", at("2026-11-29T12:14:00Z"), &Masker::default()).unwrap().count, 0);
    }

    #[test]
    fn what_is_no_answer_of_an_alertmanager_is_none() {
        for body in [
            "",
            "{}",
            "null",
            "<html>",
            r#"{"status":"success","data":[]}"#,
            r#"[{"labels":{}}]"#,
            r#"["a"]"#,
            r#"[{"labels":{"alertname":1},"status":{}}]"#,
            "[",
        ] {
            assert_eq!(read(body.as_bytes(), Timestamp::UNIX_EPOCH, &Masker::default()), None, "{body}");
        }
        assert_eq!(read(b"[\"\xff\"]", Timestamp::UNIX_EPOCH, &Masker::default()), None);
    }

    #[test]
    fn a_matcher_that_cannot_be_read_is_refused_where_it_is_wrong() {
        for text in [
            "service=\"checkout\"",
            " severity =~ \"page|critical\"",
            "team!=ops",
            "a!~\"x.*\"",
            "_b=\"\"",
            "a=\"say \\\"hi\\\"\"",
        ] {
            assert_eq!(matcher(text), Ok(()), "{text}");
        }
        for (text, at, why) in [
            ("", 0, "the name of a label"),
            ("=\"x\"", 0, "the name of a label"),
            ("1a=x", 0, "the name of a label"),
            ("service", 7, "one of = != =~ !~"),
            ("service > 1", 8, "one of = != =~ !~"),
            ("service==\"a\"", 8, "text in double quotes"),
            ("service=", 8, "text in double quotes"),
            ("service='a'", 8, "text in double quotes"),
            ("service=a b", 8, "has spaces in it"),
            ("service=\"a", 8, "no closing quote"),
            ("service=\"a\\\"", 8, "no closing quote"),
            ("service=\"a\",team=\"b\"", 8, "goes on behind it"),
            ("service=~\"(\"", 9, "no regular expression: unclosed group"),
        ] {
            let refused = matcher(text).expect_err(text);
            assert!(refused.message.contains(why), "{text}: {refused}");
            assert_eq!(refused.at, at, "{text}: {refused}");
        }
    }
}
