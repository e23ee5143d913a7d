//! Clocks that start anew whenever people are told: one an audience.

use jiff::{SignedDuration, Timestamp};

use super::super::body::{Delivery, Phase, Severity};
use super::super::policy::{Policy, UpdatePolicy};
use super::super::state::{Message, OnChannel, State};
use super::{Ask, Clock, ClockState, PROMISED, audience, clock, in_force, later};

/// Nobody who waits for a message counts the seconds.
const A_MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A round of telling an audience anew that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Who was to be told.
    pub audience: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// When they were told; `None`: not before it was over.
    pub told_at: Option<Timestamp>,
}

impl Round {
    /// Tells whether they were told too late, or not at all. What was announced for 14:15 is in time at 14:15:40.
    pub fn is_missed(&self) -> bool {
        self.told_at.is_none_or(|at| at.duration_since(self.due_at) >= A_MINUTE)
    }
}

/// The clock of each audience that is told anew at the severity it has, or was at one that it had.
pub(super) fn clocks(state: &State, policy: &Policy, now: Timestamp) -> Vec<Clock> {
    audiences(state, policy).into_iter().filter_map(|audience| one(state, policy, audience, now)).collect()
}

/// The rounds of updates that are over, in the order in which they were due.
pub fn rounds(state: &State, policy: &Policy, now: Timestamp) -> Vec<Round> {
    let mut all: Vec<Round> = audiences(state, policy)
        .into_iter()
        .flat_map(|audience| of_audience(state, policy, audience, now))
        .collect();
    all.sort_by_key(|round| round.due_at);
    all
}

/// Those who are told anew at any severity that it had.
fn audiences<'p>(state: &State, policy: &'p Policy) -> Vec<&'p str> {
    let mut all: Vec<&str> = Vec::new();
    for (_, severity, _) in state.severities.iter().rev() {
        for update in &policy.severity(*severity).updates {
            if !all.contains(&update.audience.as_str()) {
                all.push(&update.audience);
            }
        }
    }
    all
}

fn one(state: &State, policy: &Policy, audience: &str, now: Timestamp) -> Option<Clock> {
    let id =
        if audience == audience::STAKEHOLDERS { "update".to_owned() } else { format!("update:{audience}") };
    let title = if audience == audience::STAKEHOLDERS {
        "update due".to_owned()
    } else {
        format!("{audience} update due")
    };
    let every = |severity| every(policy, severity, audience, is_frequent(state, Timestamp::MAX));
    let (severity, until) = super::last_asked(state, Timestamp::MAX, now, &every)?;
    let last = told(state, policy, audience).max();
    let from = last.unwrap_or(state.started_at);
    let promised = last.and_then(|last| promised(state, policy, audience, last));
    // What was promised is owed, whatever the severity became.
    let owed = until.is_some_and(|until| promised.is_some_and(|at| at > until));
    let until = until.filter(|_| !owed);
    let stopped = [until, state.resolved_at].into_iter().flatten().min();
    let ask = Ask {
        from,
        within: every(severity)?,
        since: since(state, policy, audience, severity, Timestamp::MAX),
        met: None,
        stopped,
    };
    let mut clock = clock(&id, title, ask, now);
    if let Some(at) = promised.filter(|at| *at < clock.due_at) {
        // A message takes a moment from its draft to whoever gets it: that is no other time.
        if owed || clock.due_at.duration_since(at) > SignedDuration::from_mins(1) {
            clock.title = format!("{PROMISED}{}", clock.title);
        }
        (clock.from, clock.due_at) = (from, at);
        if clock.state == ClockState::Running && now > at {
            clock.state = ClockState::Overdue;
        }
    }
    let past = of_audience(state, policy, audience, now);
    // The last one is this clock itself, where it is stopped.
    clock.missed = past.iter().filter(|round| round.told_at.is_some() && round.is_missed()).count();
    if clock.state == ClockState::Stopped && stopped.is_some_and(|at| clock.due_at < at) {
        clock.missed += 1;
    }
    Some(clock)
}

/// The rounds of one audience that are over: each time it was told, and what was due when nobody was told any
/// more. The first time stakeholders are told has a clock of its own.
fn of_audience(state: &State, policy: &Policy, audience: &str, now: Timestamp) -> Vec<Round> {
    let end = state.resolved_at.unwrap_or(now);
    let mut times: Vec<Timestamp> = told(state, policy, audience).filter(|at| *at <= end).collect();
    times.sort_unstable();
    let due = |from: Timestamp, at: Timestamp| {
        let (severity, _) = severity_at(state, at)?;
        let every = every(policy, severity, audience, is_frequent(state, at))?;
        let due = later(from, every);
        let since = since(state, policy, audience, severity, at);
        let due = if due < since { later(since, every) } else { due };
        let promised = times.contains(&from).then(|| promised(state, policy, audience, from)).flatten();
        Some(promised.map_or(due, |promised| promised.min(due)))
    };
    let own = audience != audience::STAKEHOLDERS;
    let first = own.then_some(state.started_at).into_iter();
    let begins: Vec<Timestamp> = first.chain(times.iter().copied()).collect();
    let ends = times.iter().skip(usize::from(!own)).map(|at| Some(*at)).chain([None]);
    let round = |(from, told_at): (Timestamp, Option<Timestamp>)| {
        let due_at = due(from, told_at.unwrap_or(end))?;
        let over = told_at.is_some() || (state.resolved_at.is_some() && due_at < end);
        over.then(|| Round { audience: audience.to_owned(), due_at, told_at })
    };
    begins.into_iter().zip(ends).filter_map(round).collect()
}

/// How often an audience is told anew.
fn every(policy: &Policy, severity: Severity, audience: &str, frequent: bool) -> Option<SignedDuration> {
    let update: &UpdatePolicy = policy.update(severity, audience)?;
    Some(update.quiet.filter(|_| !frequent).unwrap_or(update.every))
}

/// Since when it is told so often.
fn since(state: &State, policy: &Policy, audience: &str, severity: Severity, at: Timestamp) -> Timestamp {
    let flying = is_frequent(state, at);
    let asked = in_force(state, at, severity, &|severity| every(policy, severity, audience, flying));
    let quiet = policy.update(severity, audience).is_some_and(|update| update.quiet.is_some());
    if !flying || !quiet || !is_served(state, at) {
        return asked;
    }
    // Updates became more frequent when the fix got under way.
    let flight = state.phases.iter().rev().skip_while(|(_, entered)| *entered > at);
    let flight = flight.take_while(|(phase, _)| *phase >= Phase::Develop);
    flight.last().map_or(asked, |(_, entered)| asked.max(*entered))
}

/// When an audience is told anew, if it is told now; `None`: nobody asks for that.
pub fn next_update(state: &State, policy: &Policy, audience: &str, now: Timestamp) -> Option<Timestamp> {
    let every = every(policy, state.severity, policy.told_as(audience), is_frequent(state, now))?;
    state.is_open().then(|| later(now, every))
}

/// When an audience that was sent a message at a time was promised to hear again: what it read then holds, however
/// often it is told by now.
fn promised(state: &State, policy: &Policy, audience: &str, told: Timestamp) -> Option<Timestamp> {
    let read = sent(state, policy, audience, told)?.as_of.min(told);
    let (severity, _) = severity_at(state, read)?;
    Some(later(read, every(policy, severity, audience, is_frequent(state, read))?))
}

/// Whether users were served again at a time.
fn is_served(state: &State, at: Timestamp) -> bool {
    state.mitigated_at.is_some_and(|served| served <= at)
}

/// The severity at a time, and since when.
fn severity_at(state: &State, at: Timestamp) -> Option<(Severity, Timestamp)> {
    let spans = state.severities.iter();
    let then = spans.clone().rev().find(|(since, ..)| *since <= at).or_else(|| spans.clone().next());
    then.map(|(since, severity, _)| (*severity, *since))
}

/// Whether people wait for news at a time: users are not served yet, or a fix is in flight.
fn is_frequent(state: &State, at: Timestamp) -> bool {
    if !is_served(state, at) {
        return true;
    }
    let then = state.phases.iter().rev().find(|(_, entered)| *entered <= at).or(state.phases.first());
    then.is_some_and(|(phase, _)| *phase >= Phase::Develop)
}

/// When an audience was told last; `None`: it was not.
pub fn last_told(state: &State, policy: &Policy, audience: &str) -> Option<Timestamp> {
    told(state, policy, policy.told_as(audience)).max()
}

/// How far back what an audience has not heard of goes: to when the record was read for what they were told last.
/// It was accepted later, and what happened in between is in no message yet.
pub fn told_up_to(state: &State, policy: &Policy, audience: &str) -> Option<Timestamp> {
    let audience = policy.told_as(audience);
    told(state, policy, audience).map(|at| read_for(state, policy, audience, at)).max()
}

/// When the record was read for what told an audience at a time; that time, where nothing was sent by a channel.
fn read_for(state: &State, policy: &Policy, audience: &str, at: Timestamp) -> Timestamp {
    sent(state, policy, audience, at).map_or(at, |message| message.as_of.min(at))
}

/// The message that told an audience at a time.
fn sent<'a>(state: &'a State, policy: &Policy, audience: &str, at: Timestamp) -> Option<&'a Message> {
    let accepted = |message: &&Message| {
        let here = |way: &OnChannel| way.end == Some(Delivery::Accepted) && way.since == at;
        policy.told_as(&message.audience) == audience && message.ways.iter().any(here)
    };
    state.messages.iter().find(accepted)
}

/// The times an audience was told.
fn told<'a>(state: &'a State, policy: &'a Policy, audience: &'a str) -> impl Iterator<Item = Timestamp> + 'a {
    state.told.iter().filter(move |(_, who)| policy.told_as(who) == audience).map(|(at, _)| *at)
}
