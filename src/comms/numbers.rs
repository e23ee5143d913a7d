//! What probes say in a message: `errors down from 45 % to 2 % (max 5)`.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::health::series::{State, Status};
use crate::incident::State as Incident;

/// How long before a time what is seen counts as how it was then.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(3);

/// A number of the service, now and at the time of the last message.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The probe.
    pub name: String,
    /// The environment it watches; may be empty.
    pub environment: String,
    /// Its state.
    pub state: State,
    /// What it was then; `None`: that is not known.
    pub before: Option<f64>,
    /// What it is now; `None`: it has no value.
    pub now: Option<f64>,
    /// Whether it is clear of what it was then, and not only another sample.
    pub moved: bool,
    /// Its unit; may be empty.
    pub unit: String,
    /// What it has to keep to: `max 5`; may be empty.
    pub range: String,
    /// Whether it is judged by its answer, and its number is only how long that took.
    pub by_answer: bool,
    /// Whether only those on the call know what it is.
    pub inward: bool,
}

/// A number as a template has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Said {
    name: String,
    text: String,
    now: String,
    before: String,
    bad: bool,
}

impl Number {
    /// What a probe says now, and what it said at a time.
    pub fn of(status: &Status, then: Option<Timestamp>) -> Self {
        let until = |until: Timestamp| {
            let after = status.history.partition_point(|(at, _)| *at <= until);
            let from = until.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
            let known = status.history.iter().take(after).skip_while(move |(at, _)| *at < from);
            known.filter_map(|(_, value)| *value).collect::<Vec<f64>>()
        };
        let last = status.last.as_ref();
        let (before, now) = (then.map(until).unwrap_or_default(), last.map(|last| until(last.at)));
        Self {
            name: status.name.clone(),
            environment: status.environment.clone(),
            state: status.state,
            moved: are_apart(&before, &now.unwrap_or_default()),
            before: before.last().copied(),
            now: last.and_then(|sample| sample.value),
            unit: status.unit.clone(),
            range: status.range.clone(),
            by_answer: Self::is_by_answer(status),
            inward: false,
        }
    }

    /// Tells whether a probe is judged by its answer and not by a number.
    pub fn is_by_answer(status: &Status) -> bool {
        status.threshold.is_none() && !status.range.is_empty()
    }

    /// ` (alarm above 5 %)`; as it is set up where that is no such limit.
    fn limit(&self) -> String {
        let given =
            |word: &str| self.range.strip_prefix(word).filter(|limit| limit.trim().parse::<f64>().is_ok());
        let of = |limit: &str| with_unit(limit.trim(), &self.unit);
        match (given("max "), given("min ")) {
            (Some(most), _) => format!(" (alarm above {})", of(most)),
            (_, Some(least)) => format!(" (alarm below {})", of(least)),
            (None, None) => bracketed(&self.range),
        }
    }

    /// What it says, and whether it failed since what it said `before`: then it is not still so. Whoever is not on
    /// the call reads where it would be an alarm, and not how a probe is set up.
    pub(super) fn said(&self, failed_since: bool, on_the_call: bool) -> Said {
        let bad = self.state.is_bad();
        let of = |value: f64| said(value, &self.unit);
        let range = if on_the_call { bracketed(&self.range) } else { self.limit() };
        let name = &self.name;
        let text = match (self.before, self.now) {
            _ if self.by_answer && bad => format!("{name} fails{range}"),
            (_, Some(_)) if self.by_answer => format!("{name} is responding normally"),
            (_, None) => format!("{name}: not known at the moment"),
            (Some(_), Some(now)) if failed_since && !bad => format!("{name} back at {}{range}", of(now)),
            // What is well is not still so: nobody wishes for another number.
            (Some(before), Some(now)) if bad && !failed_since && shown(before) == shown(now) => {
                format!("{name} still {}{range}", of(now))
            }
            (Some(before), Some(now)) if shown(before) == shown(now) || !self.moved => {
                format!("{name} {}{range}", of(now))
            }
            (Some(before), Some(now)) => {
                let direction = if now < before { "down" } else { "up" };
                format!("{name} {direction} from {} to {}{range}", of(before), of(now))
            }
            (None, Some(now)) => format!("{name} {}{range}", of(now)),
        };
        let told = |value: Option<f64>| value.map(of).unwrap_or_default();
        Said { name: name.clone(), text, now: told(self.now), before: told(self.before), bad }
    }
}

/// All of them, in order. Of what is judged by its answer others hear only whether the service works.
pub(super) fn all(
    numbers: &[Number],
    on_the_call: bool,
    failed_since: impl Fn(&Number) -> bool,
) -> Vec<Said> {
    let (answers, rest): (Vec<&Number>, Vec<&Number>) =
        numbers.iter().partition(|number| number.by_answer && !on_the_call);
    let rest = rest.into_iter().filter(|number| on_the_call || !number.inward);
    let bad = answers.iter().any(|number| number.state.is_bad());
    let known = bad || answers.iter().any(|number| number.now.is_some());
    let text =
        if bad { "The service is not responding normally" } else { "The service is responding normally" };
    let service = (!answers.is_empty() && known).then(|| Said {
        name: "service".to_owned(),
        text: text.to_owned(),
        now: String::new(),
        before: String::new(),
        bad,
    });
    service.into_iter().chain(rest.map(|one| one.said(failed_since(one), on_the_call))).collect()
}

fn bracketed(range: &str) -> String {
    if range.is_empty() { String::new() } else { format!(" ({range})") }
}

/// Tells whether what was seen at two times does not overlap: a number that only wavers went neither up nor down.
pub fn are_apart(before: &[f64], now: &[f64]) -> bool {
    let low = |values: &[f64]| values.iter().copied().reduce(f64::min);
    let high = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let below =
        |these: &[f64], those: &[f64]| high(these).zip(low(those)).is_some_and(|(high, low)| high < low);
    // One sample shows no spread.
    before.len() > 1 && now.len() > 1 && (below(before, now) || below(now, before))
}

/// A value as it is said. Nobody counts in thousands of milliseconds.
fn said(value: f64, unit: &str) -> String {
    if unit == "ms" && value.abs() >= 1000.0 {
        return format!("{:.1} s", value / 1000.0);
    }
    with_unit(&shown(value), unit)
}

fn with_unit(value: &str, unit: &str) -> String {
    if unit.is_empty() { value.to_owned() } else { format!("{value} {unit}") }
}

/// A number as it is said: nobody needs its third digit.
fn shown(value: f64) -> String {
    let rounded = if value.abs() < 10.0 { (value * 10.0).round() / 10.0 } else { value.round() };
    // There is no minus nothing.
    if rounded.abs() < f64::EPSILON { "0".to_owned() } else { rounded.to_string() }
}

/// The numbers of production that the incident is about: what fails, or has failed in it.
pub fn concerned(
    incident: &Incident,
    production: &str,
    all: impl IntoIterator<Item = Number>,
) -> Vec<Number> {
    let fired = |name: &str| incident.alarms.get(name).is_some_and(|alarm| alarm.fired);
    let is_there = |number: &Number| {
        let place = &number.environment;
        place.is_empty() || production.is_empty() || place == production
    };
    let concerns = |number: &Number| is_there(number) && (number.state.is_bad() || fired(&number.name));
    // What never had a number is told in words by other things.
    let has_any = |number: &Number| number.now.is_some() || number.before.is_some();
    all.into_iter().filter(concerns).filter(has_any).collect()
}
