//! What probes say in a message: `errors down from 45 % to 2 % (max 5)`.

use jiff::Timestamp;
use serde::Serialize;

use crate::health::series::{State, Status};
use crate::incident::State as Incident;

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
    /// Its unit; may be empty.
    pub unit: String,
    /// What it has to keep to: `max 5`; may be empty.
    pub range: String,
    /// Whether it is judged by its answer, and its number is only how long that took.
    pub by_answer: bool,
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
        let known = |then: Timestamp| {
            let after = status.history.partition_point(|(at, _)| *at <= then);
            after.checked_sub(1).and_then(|last| status.history.get(last)).and_then(|(_, value)| *value)
        };
        Self {
            name: status.name.clone(),
            environment: status.environment.clone(),
            state: status.state,
            before: then.and_then(known),
            now: status.last.as_ref().and_then(|sample| sample.value),
            unit: status.unit.clone(),
            range: status.range.clone(),
            by_answer: Self::is_by_answer(status),
        }
    }

    /// Tells whether a probe is judged by its answer and not by a number.
    pub fn is_by_answer(status: &Status) -> bool {
        status.threshold.is_none() && !status.range.is_empty()
    }

    pub(super) fn said(&self) -> Said {
        let bad = self.state.is_bad();
        let of = |value: f64| with_unit(&shown(value), &self.unit);
        let range = if self.range.is_empty() { String::new() } else { format!(" ({})", self.range) };
        let name = &self.name;
        let text = match (self.before, self.now) {
            _ if self.by_answer && bad => format!("{name} fails{range}"),
            (_, Some(_)) if self.by_answer => format!("{name} is responding normally"),
            (_, None) => format!("{name}: not known at the moment"),
            (Some(before), Some(now)) if shown(before) == shown(now) => {
                format!("{name} still {}{range}", of(now))
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
