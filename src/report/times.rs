//! How long it took: to detect, to acknowledge, to mitigate, to resolve, and what was due when.

use jiff::Timestamp;

use super::words::{between, clock_after, during, impossible, spoken, target, took_role};
use super::{people, production, relapses, signals};
use crate::config::types::Probe;
use crate::incident::{
    Clock, ClockState, Phase, Policy, Recovery, RecoveryBy, State, clocks, detected_late, duration, rounds,
};
use crate::text::markdown::{inline, table};

/// The section, as Markdown.
pub(super) fn section(state: &State, policy: &Policy, probes: &[Probe], now: Timestamp) -> String {
    let mut out = table(["Time to", "Took", "Measured (UTC)"], measures(state, policy, probes));
    let mut rows: Vec<[String; 4]> = declared_row(state, policy).into_iter().collect();
    rows.extend(targets(state, policy, probes, now).iter().map(|target| target_row(state, target)));
    if !rows.is_empty() {
        out.push_str("\nTargets for ");
        out.push_str(policy.severity_name(state.severity));
        out.push_str(":\n\n");
        out.push_str(&table(["Target", "Due (UTC)", "Done (UTC)", ""], rows));
    }
    out.push_str(&updates(state, policy, now));
    out
}

/// How many of the updates that were due each audience got in time; empty: none was due.
fn updates(state: &State, policy: &Policy, now: Timestamp) -> String {
    let all = rounds(state, policy, now);
    let mut who: Vec<&str> = Vec::new();
    for round in &all {
        if !who.contains(&round.audience.as_str()) {
            who.push(&round.audience);
        }
    }
    let said = who.into_iter().map(|audience| {
        let theirs = all.iter().filter(|round| round.audience == audience);
        let (missed, all) = (theirs.clone().filter(|round| round.is_missed()).count(), theirs.count());
        format!("{} {} of {all}", inline(policy.audience_title(audience)), all - missed)
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { String::new() } else { format!("\nUpdates in time: {}.\n", said.join(", ")) }
}

/// When somebody first took the incident up, and what that was.
pub(super) fn acknowledged(state: &State, policy: &Policy) -> Option<(Timestamp, String)> {
    let (at, id, person) = state.assignments.iter().min_by_key(|(at, ..)| *at)?;
    Some((*at, format!("{} {}", people::told(person), took_role(policy, id))))
}

fn measures(state: &State, policy: &Policy, probes: &[Probe]) -> Vec<[String; 3]> {
    let start = state.started_at;
    let at = |at: Timestamp| clock_after(start, at);
    let open = || if state.resolved_at.is_some() { "not recorded" } else { "not yet" }.to_owned();
    let (began, declared) = (format!("{} fault began", at(start)), state.declared_at);
    let row = |what: &str, from: Timestamp, to: Option<Timestamp>, measured: String| {
        [what.to_owned(), to.map_or_else(open, |to| between(from, to)), measured]
    };
    let told = acknowledged(state, policy);
    let acknowledged = match &told {
        Some((when, what)) => format!("{} declared → {} {what}", at(declared), at(*when)),
        None => format!("{} declared → somebody took a role", at(declared)),
    };
    let until = |to: Option<Timestamp>, what: &str| match to {
        Some(to) => format!("{began} → {} {what}", at(to)),
        None => format!("{began} → {what}"),
    };
    let again: Vec<String> =
        relapses::all(state, probes).iter().flat_map(|one| ["; ".to_owned(), one.in_a_row(state)]).collect();
    let again = again.concat();
    let late = detected_late(state, policy).map(|late| format!(", {} late", duration(late)));
    let alarm = production::first_alarm(state, probes).filter(|at| (start..=declared).contains(at));
    let alarm =
        alarm.map_or_else(String::new, |when| format!("; {}", signals::first_alarm(state, probes, when)));
    // What is over has users served again: later than that cannot be.
    let served = state.mitigated_at.filter(|served| state.resolved_at.is_some_and(|over| over < *served));
    let found = state.mitigated_at.map(|said| production::recovered(state, probes, said));
    let how = found.as_ref().map_or_else(String::new, |found| seen(state, found));
    let mitigated = found.as_ref().map(|found| found.at);
    let mut rows = vec![
        row(
            "detect",
            start,
            Some(declared),
            until(Some(declared), "declared") + &late.unwrap_or_default() + &alarm,
        ),
        row("acknowledge", declared, told.as_ref().map(|(when, _)| *when), acknowledged),
        row("mitigate", start, mitigated, until(mitigated, "users served again") + &how + &again),
        row("resolve", start, state.resolved_at, until(state.resolved_at, "resolved")),
    ];
    if let (Some(served), Some(over)) = (served, state.resolved_at) {
        let measured = format!("{} users served again → {} resolved", at(served), at(over));
        rows.push(["resolve after that".to_owned(), impossible(served, over), measured]);
    }
    rows
}

/// How it is known when users were served again, to follow on the time; empty: it was written down then.
pub(super) fn seen(state: &State, found: &Recovery) -> String {
    let said = clock_after(state.started_at, found.said);
    match &found.by {
        RecoveryBy::Probes => format!(", when the probes of production recovered (recorded at {said})"),
        RecoveryBy::Watch(name) => {
            format!(", when the watch of {} passed (recorded at {said})", inline(name))
        }
        RecoveryBy::Person | RecoveryBy::Record => String::new(),
    }
}

/// From when to when users were affected, and how that is known: a line of facts. `None`: they are, or nobody
/// said when they no longer were.
pub(super) fn served(state: &State, probes: &[Probe]) -> Option<String> {
    let found = production::recovered(state, probes, state.mitigated_at?);
    let length = found.at.duration_since(state.started_at);
    let at = |at: Timestamp| clock_after(state.started_at, at);
    let how = match &found.by {
        RecoveryBy::Record => ", when it was recorded: nothing measured it".to_owned(),
        RecoveryBy::Person => ", by the time that was given for it".to_owned(),
        RecoveryBy::Probes => {
            format!(", until the probes of production recovered; recorded at {}", at(found.said))
        }
        RecoveryBy::Watch(name) => {
            format!(", until the watch of {} passed; recorded at {}", inline(name), at(found.said))
        }
    };
    (!length.is_negative()).then(|| {
        let when = during(state.started_at, found.at);
        format!("Users affected: {when} UTC ({}){how}", duration(length))
    })
}

/// How long it took from the beginning of the fault to its end, or up to now; `None`: it ended before it began.
pub(super) fn lasted(state: &State, now: Timestamp) -> Option<String> {
    let is_possible = state.resolved_at.is_none_or(|over| over >= state.started_at);
    is_possible.then(|| spoken(state.elapsed(now)))
}

/// What the severity asked for: clocks that ran, in the order in which they were due. The review comes
/// later, the budget of a phase is no target, and each update starts the next.
pub(super) fn targets(state: &State, policy: &Policy, probes: &[Probe], now: Timestamp) -> Vec<Clock> {
    let ran = |clock: &Clock| match clock.state {
        ClockState::Stopped if clock.id == "fix" && state.without_hotfix().is_some() => false,
        // Whether there is a fix has to be known, whenever it was due.
        ClockState::Stopped if clock.id == "fix" && state.resolved_at.is_some() => true,
        // It was over before this was due.
        ClockState::Stopped => clock.stopped_at.is_some_and(|end| clock.due_at <= end),
        _ => true,
    };
    let mut all = clocks(state, policy, now);
    // Without a deploy on record the fix counts from the resolution: not while production fails.
    let unfixed = state.resolved_at.filter(|at| !production::unwell(state, probes, *at).is_empty());
    for clock in
        all.iter_mut().filter(|clock| clock.id == "fix" && unfixed.is_some() && clock.met_at == unfixed)
    {
        (clock.state, clock.met_at, clock.stopped_at) = (ClockState::Stopped, None, state.resolved_at);
    }
    let all = all.into_iter();
    let mut ran: Vec<Clock> = all
        .filter(|clock| clock.id != "review" && !clock.id.starts_with("phase"))
        .filter(|clock| !clock.id.starts_with("update") || clock.state == ClockState::Overdue)
        .filter(ran)
        .collect();
    ran.sort_by_key(|clock| clock.due_at);
    ran
}

/// How long after the fault began it was to be declared, and was.
fn declared_row(state: &State, policy: &Policy) -> Option<[String; 4]> {
    let at = |at: Timestamp| clock_after(state.started_at, at);
    let due = state.started_at.checked_add(policy.phase(Phase::Detect)?.budget).ok()?;
    let late = detected_late(state, policy);
    let verdict = late.map_or_else(|| "on time".to_owned(), |late| format!("{} late", duration(late)));
    Some(["Declared".to_owned(), at(due), at(state.declared_at), verdict])
}

fn target_row(state: &State, clock: &Clock) -> [String; 4] {
    let at = |at: Timestamp| clock_after(state.started_at, at);
    let verdict = match (clock.state, clock.met_at) {
        (_, Some(met)) if met < state.started_at => {
            format!("**invalid**: before the fault began, {}", at(state.started_at))
        }
        (ClockState::Late, Some(met)) => format!("{} late", duration(met.duration_since(clock.due_at))),
        (ClockState::Met | ClockState::Late, _) => "on time".to_owned(),
        (ClockState::Running, _) => "not due yet".to_owned(),
        (ClockState::Overdue, _) => "overdue".to_owned(),
        (ClockState::Stopped, _) if clock.id == "fix" => "not in place when resolved".to_owned(),
        (ClockState::Stopped, _) => "not recorded".to_owned(),
    };
    [target(state, clock), at(clock.due_at), clock.met_at.map_or_else(|| "–".to_owned(), at), verdict]
}
