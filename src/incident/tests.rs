//! What a reader of the state relies on, whatever the records and their order.

mod afar;
mod clocks;
mod digest;
mod ending;
mod finished;
mod fold;
mod next;
mod properties;
mod repeated;
mod share;
mod team;
mod vouched;
mod way;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::*;

fn start() -> Timestamp {
    "2026-03-01T14:00:00Z".parse().unwrap()
}

pub(super) fn minutes(n: i64) -> Timestamp {
    start() + SignedDuration::from_mins(n)
}

fn incident() -> IncidentId {
    IncidentId(Uuid::from_u128(1))
}

fn id(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

/// A record with id and clock `n` minutes after the start.
fn record(n: i64, body: impl Into<Body>) -> Record {
    record_by("maya", n, body)
}

fn record_by(author: &str, n: i64, body: impl Into<Body>) -> Record {
    let at = Hlc { wall_ms: minutes(n).as_millisecond(), count: 0 };
    let author = Author { name: author.to_owned(), node: 1 };
    let draft = Draft::now(incident(), body);
    Record::seal(id(n.unsigned_abs().into()), draft, author, at, Hash::default()).unwrap().0
}

pub(super) fn declared() -> Record {
    record(0, Declared { service: "shop".into(), ..Declared::example() })
}

fn log(records: impl IntoIterator<Item = Record>) -> Log {
    Log::new(std::iter::once(declared()).chain(records).collect()).unwrap()
}

/// Folds records as those of a long incident are folded: in order, and none is kept.
fn streamed(records: &[Record]) -> Option<Log> {
    let mut sorted = records.to_vec();
    sorted.sort_by_key(Record::order);
    let mut stream = Stream::new(sorted.len());
    loop {
        for record in &sorted {
            assert!(stream.take(record), "they are in order");
        }
        match stream.end() {
            Streamed::Folded(log) => return Some(*log),
            Streamed::Again(again) => stream = *again,
            Streamed::Undeclared => return None,
        }
    }
}

/// The state at a time, as the journal makes it: of what had been written down by then.
fn as_of(log: &Log, time: Timestamp) -> Option<State> {
    let then: Vec<_> = log.records().iter().filter(|record| record.written_at() <= time).cloned().collect();
    streamed(&then).map(Log::into_state)
}

fn line(state: &State, index: usize) -> Entry<'_> {
    state.timeline.get(index).unwrap()
}

fn note(text: &str) -> Noted {
    Noted { kind: NoteKind::Note, text: text.into() }
}

fn told(audience: &str) -> Told {
    Told { audience: audience.into(), ..Told::default() }
}

fn paged(who: &str) -> Paged {
    Paged { who: who.into(), how: String::new() }
}

fn role(role: &str, person: &str) -> RoleTaken {
    RoleTaken { role: role.into(), person: person.into() }
}

fn plan(id: &str, purpose: &str, target: &str, commit: &str) -> PlanStarted {
    let confirm = (target == "production").then_some("production");
    PlanStarted {
        plan: id.into(),
        title: format!("{purpose} {target}"),
        purpose: purpose.into(),
        target: target.into(),
        hash: String::new(),
        steps: vec![purpose.into()],
        confirmed: String::new(),
        spec: serde_json::json!({ "confirm": confirm, "frozen": { "HEAD": commit } }).into(),
    }
}

fn ended(plan: &str, end: PlanEnd) -> PlanEnded {
    PlanEnded { plan: plan.into(), end, why: String::new() }
}
