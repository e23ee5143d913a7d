//! What incidents came to, for whoever looks back: how long each took, what was missed, what is left to do,
//! and what broke it.
//!
//! All of it is worked out from the record, the policy and the time; `trends` puts many incidents together.

mod broke;
mod trends;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::production;
use crate::config::types::Probe;
use crate::failure::Result;
use crate::incident::{
    Clock, ClockState, EntryKind, FollowUp, IncidentId, Policy, Round, Severity, State, Status, clocks,
    duration, rounds,
};

pub use trends::{By, Change, Drift, Group, Measure, Spread, Trends, legend, trends};

/// The incidents of a repository, newest first, and those that cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chronicle {
    /// Those that can be read.
    pub incidents: Vec<Past>,
    /// Those that cannot, each with why.
    pub unread: Vec<Unread>,
}

/// An incident whose records cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Identity.
    pub id: IncidentId,
    /// Its number.
    pub number: String,
    /// Its title, as it is listed.
    pub title: String,
    /// Why.
    pub why: String,
}

/// What an incident came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Identity.
    pub id: IncidentId,
    /// `INC-2026-0007`.
    pub number: String,
    /// What was broken.
    pub title: String,
    /// Its severity in the end.
    pub severity: Severity,
    /// Its status.
    pub status: Status,
    /// Whether people decided different things at once about that.
    pub in_conflict: bool,
    /// When the fault began.
    pub began_at: Timestamp,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When it was recorded that users are served again.
    pub mitigated_at: Option<Timestamp>,
    /// Since when they were, as well as that is known: what was measured counts, as in the report.
    pub served_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// From the beginning of the fault to the declaration.
    pub detect: Took,
    /// From the beginning of the fault until users were served again.
    pub mitigate: Took,
    /// From the beginning of the fault until it was over.
    pub resolve: Took,
    /// How often it was said to be over.
    pub resolved: usize,
    /// How often it was opened again.
    pub reopened: usize,
    /// What was due and was late, or was not done, in the order in which it was due.
    pub missed: Vec<Missed>,
    /// Phases that took longer than the policy gives them, in order.
    pub over_budget: Vec<Missed>,
    /// What is left to do.
    pub follow_ups: Vec<FollowUp>,
    /// What broke it, by what is on record; empty: nothing says.
    pub broke: Vec<String>,
    /// Whether the time alone changes any of this.
    pub is_running: bool,
}

/// How long something took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Took {
    /// So long.
    Measured(SignedDuration),
    /// The times contradict each other, and how: no length can be told.
    Invalid(String),
    /// It has not come to that.
    NotYet,
    /// It is over, and nobody recorded that.
    NotRecorded,
}

impl Took {
    /// The length, where one is known.
    pub fn length(&self) -> Option<SignedDuration> {
        if let Self::Measured(length) = self { Some(*length) } else { None }
    }

    /// One word for `history --json`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Measured(_) => "measured",
            Self::Invalid(_) => "invalid",
            Self::NotYet => "not-yet",
            Self::NotRecorded => "not-recorded",
        }
    }

    /// What a column says.
    pub fn said(&self) -> String {
        match self {
            Self::Measured(length) => duration(*length),
            Self::Invalid(_) => "invalid".to_owned(),
            Self::NotYet => "not yet".to_owned(),
            Self::NotRecorded => "–".to_owned(),
        }
    }
}

/// Something that was due and was not done in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Id of the clock: `fix`, `page`, `update`, `update:business`, `phase:respond`.
    pub clock: String,
    /// What was due, in a few words.
    pub title: String,
    /// When.
    pub due_at: Timestamp,
    /// When it was done; `None`: it was not.
    pub met_at: Option<Timestamp>,
    /// Whether it can still be done.
    pub is_overdue: bool,
}

impl Missed {
    /// How it was missed: `12m late`, `overdue`, `not done`.
    pub fn how(&self) -> String {
        match self.met_at {
            Some(at) => format!("{} late", duration(at.duration_since(self.due_at))),
            None if self.is_overdue => "overdue".to_owned(),
            None => "not done".to_owned(),
        }
    }
}

/// A follow-up that is open, with the incident that it is left of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left<'a> {
    /// The incident.
    pub past: &'a Past,
    /// The follow-up.
    pub follow_up: &'a FollowUp,
}

impl Left<'_> {
    /// How many days it is overdue; `None`: it is not.
    pub fn overdue_by(&self, today: Date) -> Option<i32> {
        overdue_by(self.follow_up, today)
    }
}

/// How many days a follow-up is overdue; `None`: it is not, or has no date.
pub fn overdue_by(one: &FollowUp, today: Date) -> Option<i32> {
    let due = one.due.filter(|due| *due < today)?;
    Some((today - due).get_days())
}

/// When a follow-up is due: `due 2026-12-05`, `due 2026-11-27, 3 days overdue`, `no date`.
pub fn due(one: &FollowUp, today: Date) -> String {
    match (one.due, overdue_by(one, today)) {
        (None, _) => "no date".to_owned(),
        (Some(due), None) => format!("due {due}"),
        (Some(due), Some(1)) => format!("due {due}, 1 day overdue"),
        (Some(due), Some(days)) => format!("due {due}, {days} days overdue"),
    }
}

/// The same in a column: ` 5 Dec`, ` 5 Nov 25d late`, `no date`. The year stands there where it is another one.
pub fn due_column(one: &FollowUp, today: Date) -> String {
    let Some(due) = one.due else { return "no date".to_owned() };
    let day = due.strftime(if due.year() == today.year() { "%e %b" } else { "%e %b %Y" });
    overdue_by(one, today).map_or_else(|| day.to_string(), |days| format!("{day} {days}d late"))
}

impl Chronicle {
    /// Takes in what became of reading an incident.
    pub fn take(&mut self, (id, number, title): (IncidentId, String, String), found: Result<Past>) {
        match found {
            Ok(past) => self.incidents.push(past),
            Err(failure) => self.unread.push(Unread { id, number, title, why: failure.cause }),
        }
    }

    /// What is left to do of all of them: what is overdue longest first, what has no date last.
    pub fn left(&self) -> Vec<Left<'_>> {
        let mut left: Vec<Left<'_>> = self
            .incidents
            .iter()
            .flat_map(|past| past.follow_ups.iter().map(move |follow_up| Left { past, follow_up }))
            .collect();
        left.sort_by_key(|one| (one.follow_up.due.is_none(), one.follow_up.due, one.follow_up.at));
        left
    }
}

impl Past {
    /// Works out what an incident came to, by the policy, the probes of its repository and the time.
    pub fn of(state: &State, number: &str, policy: &Policy, probes: &[Probe], now: Timestamp) -> Self {
        let all = clocks(state, policy, now);
        let is_running = all.iter().any(|clock| clock.state == ClockState::Running);
        let (over_budget, mut missed): (Vec<Missed>, Vec<Missed>) =
            all.iter().filter_map(late).partition(|missed| missed.clock.starts_with("phase"));
        missed.extend(rounds(state, policy, now).into_iter().filter(Round::is_missed).map(|round| {
            let own = round.audience == crate::incident::audience::STAKEHOLDERS;
            let clock = if own { "update".to_owned() } else { format!("update:{}", round.audience) };
            let title = format!("update for {}", policy.audience_title(&round.audience));
            Missed { clock, title, due_at: round.due_at, met_at: round.told_at, is_overdue: false }
        }));
        missed.sort_by(|a, b| (a.due_at, &a.clock).cmp(&(b.due_at, &b.clock)));
        let mut over_budget = over_budget;
        over_budget.sort_by_key(|one| one.due_at);
        let kind = |kind| state.timeline.iter().filter(|entry| entry.kind == kind).count();
        let served_at = state.mitigated_at.map(|said| production::recovered(state, probes, said).at);
        let (detect, mitigate, resolve) = lengths(state, served_at);
        Self {
            id: state.id,
            number: number.to_owned(),
            title: state.title.clone(),
            severity: state.severity,
            status: state.status,
            in_conflict: state.in_conflict(),
            began_at: state.started_at,
            declared_at: state.declared_at,
            mitigated_at: state.mitigated_at,
            served_at,
            resolved_at: state.resolved_at,
            detect,
            mitigate,
            resolve,
            resolved: state.endings.len(),
            reopened: kind(EntryKind::Reopened),
            missed,
            over_budget,
            follow_ups: state.open_follow_ups().cloned().collect(),
            broke: broke::broke(state),
            is_running: is_running || state.is_open(),
        }
    }

    /// Tells whether work on it goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::Mitigated)
    }

    /// The three lengths, each with what it is the time to.
    pub fn lengths(&self) -> [(Measure, &Took); 3] {
        Measure::ALL.map(|measure| (measure, measure.of(self)))
    }

    /// What is odd about it, a few words each: times that contradict each other, that it was opened again.
    pub fn remarks(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .lengths()
            .iter()
            .filter_map(|(measure, took)| match took {
                Took::Invalid(why) => Some(format!("the time to {} is invalid: {why}", measure.name())),
                _ => None,
            })
            .collect();
        said.dedup_by(|a, b| a.split_once(": ").map(|it| it.1) == b.split_once(": ").map(|it| it.1));
        match self.reopened {
            0 => {}
            1 => said.push("reopened once".to_owned()),
            n => said.push(format!("reopened {n} times")),
        }
        // Whoever opens it again ends it again.
        if self.resolved > self.reopened + 1 {
            said.push(format!("resolved {} times", self.resolved));
        }
        if self.in_conflict {
            said.push("its status is in conflict: flightdeck status".to_owned());
        }
        said
    }

    /// What it came to, a line each: how long it took, what was missed, what broke it, what is odd about it.
    pub fn details(&self) -> Vec<String> {
        let took = self.lengths().map(|(measure, took)| match took {
            Took::NotYet => format!("not {}", measure.done()),
            Took::Measured(length) if measure == Measure::Mitigate => {
                let recorded = self.mitigated_at.filter(|at| Some(*at) != self.served_at);
                let recorded = recorded.map(|at| duration(at.duration_since(self.began_at)));
                let recorded =
                    recorded.map_or_else(String::new, |after| format!(" (recorded after {after})"));
                format!("{} {}{recorded}", measure.name(), duration(*length))
            }
            took => format!("{} {}", measure.name(), took.said()),
        });
        let mut lines = vec![took.join(" · ")];
        let missed = self.missed_said();
        if !missed.is_empty() {
            lines.push(format!("missed: {missed}"));
        }
        if !self.over_budget.is_empty() {
            let over = self.over_budget.iter().map(|one| format!("{} {}", one.title, one.how()));
            lines.push(format!("over budget: {}", over.collect::<Vec<_>>().join(", ")));
        }
        lines.extend(self.broke.iter().map(|what| format!("broke: {what}")));
        lines.extend(self.remarks().iter().map(|what| format!("▲ {what}")));
        lines
    }

    /// What was missed, each clock once: `fix 12m late, update 2 times, review overdue`; empty: nothing.
    pub fn missed_said(&self) -> String {
        let mut said: Vec<(&str, &str, usize, String)> = Vec::new();
        for one in &self.missed {
            match said.iter_mut().find(|(clock, ..)| *clock == one.clock) {
                Some((_, _, times, _)) => *times += 1,
                None => said.push((&one.clock, &one.title, 1, one.how())),
            }
        }
        let said = said.into_iter().map(|(_, title, times, how)| match times {
            1 => format!("{title} {how}"),
            times => format!("{title} {times} times"),
        });
        said.collect::<Vec<_>>().join(", ")
    }
}

/// A clock that was met late, is overdue, or was not met before it was stopped.
fn late(clock: &Clock) -> Option<Missed> {
    let is_update = clock.id == "update" || clock.id.starts_with("update:");
    let missed = match clock.state {
        ClockState::Late | ClockState::Overdue => true,
        // What was not told any more is one of the rounds.
        ClockState::Stopped => !is_update && clock.stopped_at.is_some_and(|at| clock.due_at < at),
        ClockState::Met | ClockState::Running => false,
    };
    let title = clock.title.strip_suffix(" due").unwrap_or(&clock.title);
    let title = match clock.id.as_str() {
        // The header says whom to tell; here it is what was not done in time.
        "stakeholders" => "telling stakeholders",
        "executives" => "telling executives",
        "page" => "paging on-call",
        "escalate" => "bringing in the lead",
        _ => title.strip_suffix(" budget").unwrap_or(title),
    };
    missed.then(|| Missed {
        clock: clock.id.clone(),
        title: title.to_owned(),
        due_at: clock.due_at,
        met_at: clock.met_at,
        is_overdue: clock.state == ClockState::Overdue,
    })
}

/// How long it took to detect, to mitigate and to resolve. Where two times cannot both be right, neither of the
/// lengths is told: nobody knows which of them is wrong.
fn lengths(state: &State, served_at: Option<Timestamp>) -> (Took, Took, Took) {
    let is_over = state.resolved_at.is_some();
    let began = state.started_at;
    let took = |to: Option<Timestamp>, what: &str| match to {
        None if is_over => Took::NotRecorded,
        None => Took::NotYet,
        Some(to) if to < began => Took::Invalid(format!("{what} {}, before it began {}", at(to), at(began))),
        Some(to) => Took::Measured(to.duration_since(began)),
    };
    let detect = took(Some(state.declared_at), "declared");
    let mitigate = took(served_at, "mitigated");
    let resolve = took(state.resolved_at, "resolved");
    match (state.mitigated_at, state.resolved_at) {
        (Some(served), Some(over)) if over < served => {
            let why = format!("mitigated {}, after it was resolved {}", at(served), at(over));
            (detect, Took::Invalid(why.clone()), Took::Invalid(why))
        }
        _ => (detect, mitigate, resolve),
    }
}

/// A time in a remark.
fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
