//! What a probe got back, and finding a value in it. Pure.

use std::borrow::Cow;
use std::time::Duration;

use bstr::ByteSlice as _;
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::condition::Subject;
use super::decimal::Decimal;
use super::instant::Measured;
use super::parse;
use super::series::{Phases, Verdict};
use crate::config::types::SourceKind;
use crate::failure::Fault;
use crate::text::mask::Masker;
use crate::text::visible;

/// Most bytes of a body or of a command's output that are read.
pub const MAX_BODY: usize = 1 << 20;

/// An answer, complete but for a body that was too long.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// HTTP status; `None` for a command.
    pub status: Option<u16>,
    /// Exit code; `None` for HTTP.
    pub exit: Option<i32>,
    /// How long it took.
    pub latency: Duration,
    /// How long the parts of that took; `None` where it is no single request over HTTP.
    pub phases: Option<Phases>,
    /// The body, or what the command printed; at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
    /// Whether the body went on beyond that.
    pub cut: bool,
    /// Whether it is called JSON.
    pub says_json: bool,
    /// Who answered in place of the address that was asked, by a redirect; `None`: itself.
    pub strayed: Option<String>,
    /// What is said of what is wrong, without secrets: the last line of a command's standard error, the names
    /// of the alerts that fire.
    pub complaint: String,
    /// What it is made up of, where that can be listed, without secrets: each alert that fires.
    pub rows: Vec<String>,
    /// What a query gave; `None` for all else.
    pub measured: Option<Measured>,
    /// Why it is a warning even if all conditions hold, in one line.
    pub warning: Option<String>,
    /// Why it cannot be called good even if it looks so, in one line.
    pub doubt: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `NoAnswer`, or `NoData` where it says nothing about the service.
    pub verdict: Verdict,
    /// What went wrong.
    pub fault: Fault,
    /// In one line fit to be shown.
    pub why: String,
}

impl Trouble {
    /// Nobody answered, or it could not even be asked.
    pub fn new(fault: Fault, why: impl AsRef<str>) -> Self {
        let verdict = if fault.is_ours() { Verdict::NoData } else { Verdict::NoAnswer };
        Self { verdict, fault, why: visible(why.as_ref()).into_owned() }
    }
}

/// A value in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A number, and how it was written.
    Number(Decimal, String),
    /// A text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// The body as it came: text or number, whichever it is compared with.
    Raw(Vec<u8>),
    /// Nothing to compare, and why: `body.rate is missing`.
    Nothing(String),
}

impl Answer {
    /// Looks up what a condition or value is about.
    pub(super) fn find(&self, subject: &Subject) -> Found {
        match subject {
            Subject::Status => whole(self.status, "no status"),
            Subject::Exit => whole(self.exit, "no exit code"),
            Subject::Value | Subject::Alerts => match &self.measured {
                Some(Measured::Number(number, written)) => Found::Number(number.clone(), written.clone()),
                Some(Measured::Nothing { why, .. }) => Found::Nothing(why.clone()),
                None => Found::Nothing("no value".to_owned()),
            },
            Subject::Latency => Found::Number(Decimal::milliseconds(self.latency), length(self.latency)),
            Subject::Body(path) if path.is_empty() => {
                if self.body.trim().is_empty() {
                    Found::Nothing("the body is empty".to_owned())
                } else {
                    Found::Raw(self.body.clone())
                }
            }
            Subject::Body(path) => match self.json(path) {
                Ok(raw) => decode(subject, raw),
                Err(why) => self.line(path).unwrap_or(Found::Nothing(why)),
            },
            Subject::Rate(_) | Subject::Delta(_) => Found::Nothing(format!("{subject} needs two samples")),
            Subject::Age(_) => Found::Nothing(format!("{subject} needs the time")),
        }
    }

    /// The text at a path of the JSON body, `environments.production.on` or `["a b"].on`; with an
    /// empty path the whole body, without space around it. Errs, in one line, where there is no
    /// text, number, true or false.
    pub fn text_at(&self, path: &str) -> Result<String, String> {
        let subject = subject(path)?;
        if path.is_empty() && self.cut {
            return Err("the body is longer than 1 MiB".to_owned());
        }
        match self.find(&subject) {
            Found::Number(_, written) | Found::Text(written) => Ok(written),
            Found::Bool(is) => Ok(is.to_string()),
            Found::Raw(bytes) => Ok(String::from_utf8_lossy(bytes.trim()).into_owned()),
            Found::Nothing(why) => Err(why),
        }
    }

    /// The value of a key where every line of the body is `key=value`; `None`: they are not. Empty lines and
    /// those that begin with `#` do not count.
    fn line(&self, path: &[String]) -> Option<Found> {
        let text = std::str::from_utf8(&self.body).ok().filter(|_| !self.cut)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pair = |line: &'_ str| -> Option<(String, String)> {
            let (key, value) = line.split_once('=')?;
            let key = key.trim();
            let is_key = !key.is_empty() && key.chars().all(|c| parse::is_name(c) || c == '.');
            is_key.then(|| (key.to_owned(), value.trim().to_owned()))
        };
        let pairs: Vec<(String, String)> = lines.map(pair).collect::<Option<_>>()?;
        if pairs.is_empty() {
            return None;
        }
        let wanted = path.join(".");
        let mut found = pairs.into_iter().filter(|(key, _)| *key == wanted).map(|(_, value)| value);
        let subject = Subject::Body(path.to_vec());
        let Some(value) = found.next() else { return Some(Found::Nothing(format!("{subject} is missing"))) };
        if found.next().is_some() {
            return Some(Found::Nothing(format!("{subject} is there twice")));
        }
        Some(match (Decimal::parse(&value), value.as_str()) {
            (Some(number), _) => Found::Number(number, value),
            (None, "true" | "false") => Found::Bool(value == "true"),
            (None, "") => Found::Nothing(format!("{subject} is empty")),
            (None, text) => {
                let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
                Found::Text(bare.to_owned())
            }
        })
    }

    /// The raw JSON at a path of the body, or why there is none.
    fn json(&self, path: &[String]) -> Result<&RawValue, String> {
        if self.body.trim().is_empty() {
            return Err("the body is empty".to_owned());
        }
        if self.cut {
            return Err("the body is longer than 1 MiB".to_owned());
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| "the body is not UTF-8 text".to_owned())?;
        let mut value: &RawValue = serde_json::from_str(text)
            .map_err(|e| format!("the body is not JSON (line {}, column {})", e.line(), e.column()))?;
        for (depth, name) in path.iter().enumerate() {
            let here = || Subject::Body(path.get(..depth).unwrap_or_default().to_vec());
            let there = || Subject::Body(path.get(..=depth).unwrap_or_default().to_vec());
            value = match member(value, name) {
                Member::Is(inner) => inner,
                Member::Missing => return Err(format!("{} is missing", there())),
                Member::Twice => return Err(format!("{} is there twice", there())),
                Member::NotInside => return Err(format!("{} is {}", here(), type_name(value))),
            };
        }
        Ok(value)
    }
}

/// Reads a path into a JSON body.
pub fn subject(path: &str) -> Result<Subject, String> {
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    parse::value(&format!("body{dot}{path}"), SourceKind::Http).map_err(|refused| {
        format!("the path `{}` cannot be read: {}", excerpt(path, &Masker::default()), refused.message)
    })
}

/// A length of time for a reader: `212 ms`, `2.1 s`.
pub(super) fn length(latency: Duration) -> String {
    let ms = latency.as_secs_f64() * 1000.0;
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

/// Text from outside without secrets, made visible and short enough for one line.
pub(super) fn excerpt(text: &str, masker: &Masker) -> String {
    const LONGEST: usize = 60;
    /// What is looked at of a longer text, in bytes: looking for secrets takes its time where there is much that
    /// nobody sees.
    const LOOKED_AT: usize = 512;
    // Before it is cut: a part of a secret would not be found. What may be the beginning of one is left out.
    let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let hidden = match text.get(..end) {
        Some(head) if end < text.len() => {
            Cow::Owned(String::from_utf8_lossy(&masker.mask_beginning(head.as_bytes())).into_owned())
        }
        _ => masker.mask(text),
    };
    let start: String = hidden.chars().take(LONGEST).collect();
    let cut = if start.len() < hidden.len() || end < text.len() { "…" } else { "" };
    format!("{}{cut}", visible(&start))
}

fn whole(number: Option<impl ToString>, nothing: &str) -> Found {
    let written = number.map(|n| n.to_string());
    match written.as_deref().and_then(Decimal::parse) {
        Some(decimal) => Found::Number(decimal, written.unwrap_or_default()),
        None => Found::Nothing(nothing.to_owned()),
    }
}

fn decode(subject: &Subject, raw: &RawValue) -> Found {
    let text = raw.get();
    match text.bytes().next() {
        Some(b't') => Found::Bool(true),
        Some(b'f') => Found::Bool(false),
        Some(b'"') => match serde_json::from_str(text) {
            Ok(text) => Found::Text(text),
            Err(_) => Found::Nothing(format!("{subject} is not readable text")),
        },
        Some(b'-' | b'0'..=b'9') => match Decimal::parse(text) {
            Some(decimal) => Found::Number(decimal, text.to_owned()),
            None => Found::Nothing(format!("{subject} is a number out of all bounds")),
        },
        _ => Found::Nothing(format!("{subject} is {}", type_name(raw))),
    }
}

fn type_name(raw: &RawValue) -> &'static str {
    match raw.get().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// What was found under one name of an object, or at one place of a list.
enum Member<'a> {
    Is(&'a RawValue),
    Missing,
    /// JSON does not say which of two equal names counts, so neither does.
    Twice,
    /// The value has no members.
    NotInside,
}

fn member<'a>(value: &'a RawValue, name: &str) -> Member<'a> {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    reader.deserialize_any(Inside(name)).unwrap_or(Member::NotInside)
}

/// Reads an object or a list and keeps one member of it.
struct Inside<'n>(&'n str);

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Member::Missing;
        while let Some(wanted) = map.next_key_seed(NameIs(self.0))? {
            if !wanted {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&'de RawValue>()?;
            found = if matches!(found, Member::Missing) { Member::Is(value) } else { Member::Twice };
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        // `01` is a name, not a place.
        let place: Option<usize> = self.0.parse().ok().filter(|n: &usize| n.to_string() == self.0);
        let mut found = Member::Missing;
        let mut index = 0;
        while let Some(value) = seq.next_element::<&'de RawValue>()? {
            if Some(index) == place {
                found = Member::Is(value);
            }
            index += 1;
        }
        Ok(found)
    }
}

/// Compares a name without keeping it.
struct NameIs<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for NameIs<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
