//! A probe's configuration, read and checked, and the judgement it makes of an answer. Pure.

use std::fmt;
use std::time::Duration;

use super::answer::{Answer, Found, MAX_BODY, excerpt};
use super::change::{self, Memory, Moment, Seen};
use super::condition::{Comparison, Condition, Limit, Subject, Term, Truth};
use super::decimal::Decimal;
use super::parse::{self, Drawn, Refused};
use super::promql;
use super::reported::{self, Grade, Reported};
use super::series::{UNRECOVERED, Verdict};
use crate::config::types::{Datadog, Probe, Source, SourceKind};
use crate::text::mask::Masker;
use crate::text::visible;

/// Most characters of why there is no value.
const LONGEST: usize = 300;

/// What a probe expects, ready to be put to answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    expect: Vec<Condition>,
    value: Subject,
    warn: Option<Limit>,
    fail: Option<Limit>,
    recover: Option<Limit>,
    unit: String,
    kind: SourceKind,
    /// Whether it counts what alerts, and has an own idea of what is good.
    is_monitor: bool,
    /// What in these an answer alone does not tell.
    changes: Vec<Subject>,
    interval: Duration,
}

/// Why a probe's configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key at fault: `expect`, `warn`.
    pub field: &'static str,
    /// Which element of it, where it is a list.
    pub index: Option<usize>,
    /// What is wrong and where in the text.
    pub refused: Refused,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.field)?;
        if let Some(index) = self.index {
            write!(f, " {}", index + 1)?;
        }
        write!(f, ": {}", self.refused)
    }
}

/// What an answer says about the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// In one word.
    pub verdict: Verdict,
    /// The value drawn; finite.
    pub value: Option<f64>,
    /// Why it is not good, in one line; empty when good.
    pub why: String,
    /// Every condition and limit as it was compared.
    pub compared: Vec<Comparison>,
    /// Why it has not recovered, should it have failed; `None`: it has, or that is said in `why`.
    pub unrecovered: Option<String>,
}

/// What a number that was sampled earlier amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// In one word.
    pub verdict: Verdict,
    /// Why it is not good; empty when good.
    pub why: String,
    /// Why it has not recovered, should it have failed.
    pub unrecovered: Option<String>,
}

impl Rules {
    /// Reads a probe's configuration.
    pub fn of(probe: &Probe) -> Result<Self, Invalid> {
        let kind = probe.source.kind();
        let value = match &probe.value {
            Some(text) => parse::value(text, kind).map_err(in_field("value"))?,
            None => parse::usual(kind),
        };
        let drawn = Drawn { value: &value, unit: unit_of(probe) };
        let expect = probe.expect.iter().enumerate().map(|(index, text)| {
            parse::condition_of(text, kind, Some(drawn)).map_err(|refused| Invalid {
                field: "expect",
                index: Some(index),
                refused,
            })
        });
        let expect: Vec<_> = expect.collect::<Result<_, _>>()?;
        if let Source::Prometheus { query, .. } = &probe.source {
            promql::check(&query.query).map_err(in_field("query"))?;
        }
        let is_monitor = matches!(&probe.source, Source::Datadog { asked: Datadog::Monitor { .. }, .. });
        let asks_number = parse::usual(kind) == Subject::Value && !is_monitor;
        if asks_number && probe.expect.is_empty() && probe.warn.is_none() && probe.fail.is_none() {
            let field = match kind {
                SourceKind::Machine | SourceKind::Postgres => kind.key(),
                _ => "query",
            };
            return Err(refuse(field, "nothing says which value is good; set `fail`, `warn` or `expect`"));
        }
        if value == Subject::Latency && !matches!(probe.unit.as_str(), "" | "ms") {
            return Err(refuse("unit", "the latency is drawn in ms"));
        }
        if matches!(value, Subject::Age(_)) && !matches!(probe.unit.as_str(), "" | "s") {
            return Err(refuse("unit", "an age is drawn in s"));
        }
        let limit = |field: &'static str, text: &Option<String>| match text {
            Some(_) if probe.value.is_none() && value == Subject::Latency => {
                Err(refuse(field, "this is a limit, but no `value` is given"))
            }
            Some(text) => parse::limit(text, &value, unit_of(probe)).map(Some).map_err(in_field(field)),
            None => Ok(None),
        };
        let (warn, fail) = (limit("warn", &probe.warn)?, limit("fail", &probe.fail)?);
        let recover = limit("recover", &probe.recover)?;
        if let Some(recover) = &recover {
            match &fail {
                None => return Err(refuse("recover", "this goes with a `fail` limit; there is none")),
                Some(fail) if fail.overlaps(recover) => {
                    let message =
                        format!("a value can be {fail} and {recover} at once, failing and recovered");
                    return Err(refuse("recover", &message));
                }
                Some(_) => {}
            }
        }
        if probe.confirm == 0 {
            return Err(refuse("confirm", "at least one sample decides"));
        }
        let unit = if matches!(value, Subject::Age(_)) { "s".to_owned() } else { unit_of(probe).to_owned() };
        let mut changes: Vec<Subject> = Vec::new();
        let all = expect.iter().flat_map(Condition::subjects).chain([&value]);
        for subject in all.filter(|of| matches!(of, Subject::Rate(_) | Subject::Delta(_) | Subject::Age(_))) {
            if !changes.contains(subject) {
                changes.push(subject.clone());
            }
        }
        let interval = Duration::try_from(probe.interval).unwrap_or_default();
        Ok(Self { expect, value, warn, fail, recover, unit, kind, is_monitor, changes, interval })
    }

    /// Tells whether what is drawn is the number that is asked for, as it is.
    pub fn draws_number(&self) -> bool {
        self.value == Subject::Value
    }

    /// Tells whether one sample says too little, because a rate or a difference is asked for.
    pub fn needs_two_samples(&self) -> bool {
        self.changes.iter().any(|of| matches!(of, Subject::Rate(_) | Subject::Delta(_)))
    }

    /// The limit shown beside the value: the failing one, else the warning one.
    pub fn limit(&self) -> Option<&Limit> {
        self.fail.as_ref().or(self.warn.as_ref())
    }

    /// What the value has to keep to, as the pane shows it: `max 5`, `min 200`; where it has no limit,
    /// the status or exit code that is expected: `want 200`. Empty where there is no short word for it.
    pub fn range(&self) -> String {
        if let Some(limit) = self.limit() {
            return limit.words();
        }
        let code = self.expect.iter().find_map(|condition| match condition {
            Condition::Term(Term { subject: Subject::Status | Subject::Exit, test }) => Some(test),
            _ => None,
        });
        match (code, self.kind) {
            (Some(test), _) => format!("want {}", test.words()),
            (None, SourceKind::Http) if self.expect.is_empty() => "want 2xx".to_owned(),
            (None, SourceKind::Command | SourceKind::Alertmanager) if self.expect.is_empty() => {
                "want 0".to_owned()
            }
            (None, SourceKind::Datadog) if self.is_monitor && self.expect.is_empty() => "want 0".to_owned(),
            _ => String::new(),
        }
    }

    /// The failing limit.
    pub fn failing(&self) -> Option<&Limit> {
        self.fail.as_ref()
    }

    /// The unit of the value: the probe's own, `ms` for a latency.
    pub fn unit<'a>(&self, probe: &'a Probe) -> &'a str {
        match self.value {
            Subject::Latency => "ms",
            Subject::Age(_) => "s",
            _ => unit_of(probe),
        }
    }

    /// Judges an answer to what was asked at a moment. What certainly is bad is bad whatever else is unknown; what is not
    /// known to be good is unknown. What is said of it holds no secret that `masker` knows. What the
    /// next sample is compared with is remembered.
    pub fn judge(&self, answer: &Answer, masker: &Masker, moment: Moment, memory: &mut Memory) -> Judgement {
        let changes = change::changes(&self.changes, answer, moment, self.interval, memory);
        let seen = Seen::new(answer, &changes);
        let mut compared: Vec<Comparison> = Vec::with_capacity(self.expect.len() + 2);
        compared.extend(self.expect.iter().map(|condition| condition.test(seen, masker)));
        if !self.expects(|subject| *subject != Subject::Latency) {
            compared.extend(self.default_condition(answer, masker));
        }
        let said = self.reported(answer, masker);
        let truth = said.as_ref().map(|(grade, text)| (grade.truth(), text.clone()));
        compared.extend(truth.map(|(truth, text)| Comparison { truth, text }));
        let mut bad = first(&compared, Truth::Fails);
        let mut unknown = first(&compared, Truth::Unknown);
        if answer.cut {
            unknown = unknown.or_else(|| Some(too_long(self.kind)));
        }
        let (value, over, unrecovered) = self.value(seen, masker);
        let is_meant = value.is_some() && self.value != Subject::Latency
            || self.expect.iter().any(|condition| condition.knows_body(seen));
        if let Some(place) = answer.strayed.as_ref().filter(|_| !is_meant) {
            let place = excerpt(place, masker);
            let text = format!("redirected to {place}: probe that address, or expect something of the body");
            unknown = unknown.or_else(|| Some(text.clone()));
            compared.push(Comparison { truth: Truth::Unknown, text });
        }
        if let Some(doubt) = &answer.doubt {
            let text = visible(&masker.mask(doubt)).into_owned();
            unknown = unknown.or_else(|| Some(text.clone()));
            compared.push(Comparison { truth: Truth::Unknown, text });
        }
        let mut warn = answer.warning.clone();
        if let Some((Grade::Warn, text)) = said {
            warn.get_or_insert(text);
        }
        if let Some(text) = self.unnamed(answer) {
            warn.get_or_insert_with(|| text.clone());
            compared.push(Comparison { truth: Truth::Holds, text });
        }
        match over {
            Over::Nothing => {}
            Over::Unknown(text) => {
                // A value that only is drawn may be missing from a failing answer's body, but
                // not from one that is called good.
                unknown = unknown.or_else(|| Some(text.clone()));
                compared.push(Comparison { truth: Truth::Unknown, text });
            }
            Over::Compared(lines) => {
                for (is_failing, comparison) in lines {
                    if comparison.truth == Truth::Fails {
                        let slot = if is_failing { &mut bad } else { &mut warn };
                        slot.get_or_insert_with(|| comparison.text.clone());
                    }
                    compared.push(comparison);
                }
            }
        }
        let (verdict, why) = match (bad, unknown, warn) {
            (Some(why), ..) if answer.complaint.is_empty() => (Verdict::Bad, why),
            (Some(why), ..) if self.names_alerts() => {
                (Verdict::Bad, self.fires(&why, value, &answer.complaint))
            }
            (Some(why), ..) => {
                (Verdict::Bad, format!("{why}; it said: {}", excerpt(&answer.complaint, masker)))
            }
            (None, Some(why), _) => (Verdict::NoData, why),
            (None, None, Some(why)) => (Verdict::Warn, why),
            (None, None, None) => (Verdict::Good, String::new()),
        };
        Judgement { verdict, value, why, compared, unrecovered }
    }

    /// Whether something that is about this is expected.
    fn expects(&self, about: impl Fn(&Subject) -> bool) -> bool {
        self.expect.iter().flat_map(Condition::subjects).any(about)
    }

    /// What the service says of itself, in words that tell a contradiction to its status. Nothing where something is
    /// expected of the body, or where the status is one that has to be named to be right.
    fn reported(&self, answer: &Answer, masker: &Masker) -> Option<(Grade, String)> {
        let status = answer.status.filter(|_| self.kind == SourceKind::Http && !answer.cut)?;
        let is_good = (200..300).contains(&status);
        if self.expects_body() || !is_good && self.expects(|subject| *subject == Subject::Status) {
            return None;
        }
        let Reported { grade, words } = reported::read(&answer.body, answer.says_json)?;
        let words = visible(&masker.mask(&words)).into_owned();
        Some(match grade {
            Grade::Bad if is_good => (grade, format!("answers {status}, but says {words}")),
            Grade::Good if !is_good => (grade, format!("says {words}, but answers {status}")),
            _ => (grade, format!("says {words}")),
        })
    }

    fn expects_body(&self) -> bool {
        self.expects(|subject| !matches!(subject, Subject::Status | Subject::Exit | Subject::Latency))
    }

    /// A status that is not good and that no condition names, where something is expected of the body.
    fn unnamed(&self, answer: &Answer) -> Option<String> {
        let status = answer.status.filter(|status| !(200..300).contains(status))?;
        let is_named = self.expects(|subject| *subject == Subject::Status);
        let is_open = self.kind == SourceKind::Http && self.expects_body() && !is_named;
        is_open.then(|| format!("status {status}, which no condition names"))
    }

    /// Says which alerts fire. Where something else was expected of their number, that comes first.
    fn fires(&self, why: &str, count: Option<f64>, named: &str) -> String {
        let usual = self.expect.is_empty() && self.limit().is_none();
        match count {
            Some(1.0) if usual => format!("1 alert fires: {named}"),
            Some(count) if usual => format!("{count} alerts fire: {named}"),
            _ => format!("{why}: {named}"),
        }
    }

    /// Whether what it counts has names.
    fn names_alerts(&self) -> bool {
        matches!(self.kind, SourceKind::Alertmanager | SourceKind::Datadog)
    }

    /// Status 200 to 299, exit code 0, or no alert, where no condition is given. Of a number the limits decide.
    fn default_condition(&self, answer: &Answer, masker: &Masker) -> Option<Comparison> {
        let text = match self.kind {
            SourceKind::Http => "status in 200..299",
            SourceKind::Command => "exit == 0",
            SourceKind::Alertmanager if self.limit().is_none() => "alerts == 0",
            SourceKind::Datadog if self.is_monitor && self.limit().is_none() => "value == 0",
            _ => return None,
        };
        Some(match parse::condition(text, self.kind) {
            Ok(condition) => condition.test(answer, masker),
            Err(refused) => Comparison { truth: Truth::Unknown, text: refused.to_string() },
        })
    }

    fn value(&self, seen: Seen<'_>, masker: &Masker) -> (Option<f64>, Over, Option<String>) {
        let (number, written) = match seen.find(&self.value) {
            Found::Number(number, written) => (number, written),
            Found::Raw(body) if !seen.is_cut() => {
                let text = String::from_utf8_lossy(&body).trim().to_owned();
                match Decimal::parse(&text) {
                    Some(number) => (number, text),
                    None => return self.no_value(&format!("{} is not a number", self.value), masker),
                }
            }
            Found::Raw(_) => return self.no_value(&too_long(self.kind), masker),
            Found::Text(_) => return self.no_value(&format!("{} is text, not a number", self.value), masker),
            Found::Bool(_) => {
                return self.no_value(&format!("{} is true or false, not a number", self.value), masker);
            }
            Found::Nothing(why) => return self.no_value(&why, masker),
        };
        let written = excerpt(&written, masker);
        let lines = self.against_limits(&number, &written, masker);
        (number.to_f64(), Over::Compared(lines), self.unrecovered(&number, &written, masker))
    }

    /// Judges a number that was sampled earlier, as it was written, by the limits alone. `None`: it is no
    /// number.
    pub fn judge_number(&self, written: &str) -> Option<Weighed> {
        let number = Decimal::parse(written)?;
        let lines = self.against_limits(&number, written, &Masker::default());
        let over = |is_failing: bool| {
            lines.iter().find(|(failing, line)| *failing == is_failing && line.truth == Truth::Fails)
        };
        let (verdict, why) = match (over(true), over(false)) {
            (Some((_, line)), _) => (Verdict::Bad, line.text.clone()),
            (None, Some((_, line))) => (Verdict::Warn, line.text.clone()),
            (None, None) => (Verdict::Good, String::new()),
        };
        let unrecovered = self.unrecovered(&number, written, &Masker::default());
        Some(Weighed { verdict, why, unrecovered })
    }

    /// A number beside the failing limit (true) and the warning limit, as far as there are such.
    fn against_limits(&self, number: &Decimal, written: &str, masker: &Masker) -> Vec<(bool, Comparison)> {
        let limits = [(true, &self.fail), (false, &self.warn)];
        let lines = limits.into_iter().filter_map(|(is_failing, limit)| {
            let limit = limit.as_ref()?;
            let truth = if limit.is_over(number) { Truth::Fails } else { Truth::Holds };
            let word = if is_failing { "" } else { "warning: " };
            let text = format!("{} ({word}{})", self.with_unit(written), self.with_unit(&limit.words()));
            Some((is_failing, Comparison { truth, text: visible(&masker.mask(&text)).into_owned() }))
        });
        lines.collect()
    }

    /// Why a number is short of the recovery threshold; `None`: it is not.
    fn unrecovered(&self, number: &Decimal, written: &str, masker: &Masker) -> Option<String> {
        // Over means here that it is where it has to be.
        let recover = self.recover.as_ref().filter(|recover| !recover.is_over(number))?;
        let wanted = self.with_unit(&recover.to_string());
        let text = format!("{} {UNRECOVERED}{wanted})", self.with_unit(written));
        Some(visible(&masker.mask(&text)).into_owned())
    }

    /// A number, its unit and the limit beside it: `38.1 % (max 5 %)`.
    fn with_unit(&self, text: &str) -> String {
        let bare = text.ends_with(|c: char| c.is_ascii_digit());
        let unit = if bare && !self.unit.is_empty() { format!(" {}", self.unit) } else { String::new() };
        format!("{text}{unit}")
    }

    fn no_value(&self, why: &str, masker: &Masker) -> (Option<f64>, Over, Option<String>) {
        let wanted = match self.value {
            Subject::Value | Subject::Rate(_) | Subject::Delta(_) | Subject::Age(_) => why.to_owned(),
            _ => format!("{why}, expected a number at {}", self.value),
        };
        let over = if self.value == Subject::Latency {
            Over::Nothing
        } else {
            // Before it is cut: a part of a secret would not be found.
            let wanted: String = masker.mask(&wanted).chars().take(LONGEST).collect();
            Over::Unknown(visible(&wanted).into_owned())
        };
        (None, over, None)
    }
}

/// How a value stands to its limits.
enum Over {
    /// Nothing is asked of it.
    Nothing,
    /// There is no number, and why.
    Unknown(String),
    /// Compared with the failing limit (true) and the warning limit.
    Compared(Vec<(bool, Comparison)>),
}

/// The unit of a probe's value: its own, else the usual one of what it reads.
fn unit_of(probe: &Probe) -> &str {
    match &probe.source {
        Source::Machine { gauge, .. } if probe.unit.is_empty() => gauge.unit(),
        _ => &probe.unit,
    }
}

fn first(compared: &[Comparison], truth: Truth) -> Option<String> {
    compared.iter().find(|c| c.truth == truth).map(|c| c.text.clone())
}

/// The sentence about a body beyond the limit.
pub(super) fn too_long(kind: SourceKind) -> String {
    let mib = MAX_BODY >> 20;
    match kind {
        SourceKind::Command => format!("it printed more than {mib} MiB and was stopped"),
        _ => format!("the answer is longer than {mib} MiB; the rest was not read"),
    }
}

fn refuse(field: &'static str, message: &str) -> Invalid {
    Invalid { field, index: None, refused: Refused { at: 0, message: message.to_owned() } }
}

fn in_field(field: &'static str) -> impl Fn(Refused) -> Invalid {
    move |refused| Invalid { field, index: None, refused }
}

#[cfg(test)]
mod tests;
