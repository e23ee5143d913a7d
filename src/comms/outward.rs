//! What people outside the call hear of what happened: whether they are served, what was changed for them, and
//! what is being done about it. How that was checked is on record; a message is read on a telephone.

use jiff::Timestamp;

use super::draft::Sight;
use super::facts::{plain, time};
use crate::incident::{
    Entry, EntryKind, NoteKind, Phase, PlanEnd, PlanRun, PlanState, Recovery, Release, Seen, State, Status,
    WatchVerdict,
};
use crate::report::capitalised;

/// Most lines of what happened.
const MOST: usize = 6;

/// Finds out since when users are served again, where that stands.
pub(super) fn recovery(sight: &Sight<'_>) -> Option<Recovery> {
    sight.state.recovery(|name| sight.numbers.iter().any(|number| number.name == name))
}

/// Says how it stands, in a sentence or two.
pub(super) fn stands(sight: &Sight<'_>) -> String {
    let state = sight.state;
    let work = work(sight);
    let fails = sight.seen == Seen::Failing;
    match state.status {
        Status::Resolved | Status::Closed => match state.resolved_at.filter(|_| fails) {
            Some(at) => format!("It was resolved at {}, and fails again.", time(at, sight.now)),
            None => "It is resolved.".to_owned(),
        },
        Status::Mitigated => {
            let of_it = |name: &str| sight.numbers.iter().any(|number| number.name == name);
            let again = state.failed_again(of_it, sight.now);
            let recovered = again.and_then(|outage| Some((outage.from, outage.until?)));
            let served = match (recovery(sight).filter(|_| fails), recovered) {
                (Some(found), _) => {
                    format!("Service was restored at {}, and fails again.", time(found.at, sight.now))
                }
                (None, Some((from, until))) => format!(
                    "Service failed again at {}, and recovered at {}.",
                    time(from, sight.now),
                    time(until, sight.now)
                ),
                (None, None) if sight.seen == Seen::Degraded => {
                    "Service is restored, but still degraded.".to_owned()
                }
                (None, None) => "Service is restored.".to_owned(),
            };
            let usual = if state.cause.is_empty() {
                "We are looking for the cause."
            } else {
                "We know the cause, and are deciding on a fix."
            };
            let theirs = others(sight);
            let usual = if theirs.is_empty() { usual } else { &theirs };
            format!("{served} {}", work.as_deref().unwrap_or(usual))
        }
        Status::Open => {
            let back = || state.releases.last().filter(|live| live.rollback).map(gone_back);
            work.or_else(back).unwrap_or_else(|| match state.phase {
                Phase::Detect | Phase::Assemble => "We are investigating.".to_owned(),
                _ => "We are looking for the cause, and working to restore service.".to_owned(),
            })
        }
    }
}

/// Says which third parties are not well; empty: none is known to be.
fn others(sight: &Sight<'_>) -> String {
    let names = plain(&sight.third_parties.join(", "));
    let verb = if sight.third_parties.len() == 1 { "has" } else { "have" };
    let name = capitalised(&names);
    if names.is_empty() { names } else { format!("{name} still {verb} problems, and we are watching that.") }
}

/// Says what production was gone back to.
fn gone_back(release: &Release) -> String {
    let held = match health(release) {
        "" => ", and we are monitoring it",
        held => held,
    };
    plain(&format!("We rolled {} back to {}{held}.", release.environment, release.name()))
}

/// Says how far a fix is, by the newest plan that has to do with one; `None`: nobody has begun one.
fn work(sight: &Sight<'_>) -> Option<String> {
    let state = sight.state;
    let began = |plan: &&PlanRun| plan.state.is_under_way() || plan.is_done();
    for plan in state.plans.iter().rev().filter(began).filter(|plan| !plan.is_flag()) {
        let production = plan.is_production();
        return Some(match (plan.purpose.as_str(), plan.state) {
            ("rollback", PlanState::Ended(PlanEnd::Done)) if production => break,
            ("rollback", _) if production && waits(state, plan) => {
                "A rollback is waiting for approval.".to_owned()
            }
            ("rollback", _) if production => "We are rolling back.".to_owned(),
            ("deploy", PlanState::Ended(PlanEnd::Done)) if production => {
                match state.releases.iter().rfind(|release| release.plan == plan.id).map(health) {
                    Some("") | None => "A fix is in production, and we are monitoring it.".to_owned(),
                    Some(held) => format!("A fix is in production{held}."),
                }
            }
            ("deploy", _) if production && waits(state, plan) => "A fix is waiting for approval.".to_owned(),
            ("deploy", _) if production => "A fix is being deployed.".to_owned(),
            ("deploy", PlanState::Ended(PlanEnd::Done)) => "A fix is being tested.".to_owned(),
            ("hotfix", PlanState::Ended(PlanEnd::Done)) if plan.is_finish() => {
                "A fix is ready to be deployed.".to_owned()
            }
            ("hotfix", _) => break,
            _ => continue,
        });
    }
    if state.no_hotfix.is_some() {
        return Some(match sight.third_parties {
            [] => "It needs no fix of ours, and we are watching it.".to_owned(),
            names => {
                let names = plain(&names.join(", "));
                format!("It needs no fix of ours: we are waiting for a third party to recover ({names}).")
            }
        });
    }
    let is_begun = state.phase >= Phase::Develop || state.plans.iter().any(|plan| plan.purpose == "hotfix");
    is_begun.then(|| "We are working on a fix.".to_owned())
}

/// Whether the pipeline of a plan waits to be approved, and nothing of it is live yet.
fn waits(state: &State, plan: &PlanRun) -> bool {
    plan.waits_for_approval() && state.releases.iter().all(|release| release.plan != plan.id)
}

/// Says what a watch found, to be put behind what was brought there; empty: nobody can tell.
fn health(release: &Release) -> &'static str {
    match release.verdict {
        Some((_, WatchVerdict::Passed, _)) => ", and it is healthy",
        Some((_, WatchVerdict::Failed, _)) => ", but it is not healthy",
        Some((_, WatchVerdict::Unknown, _)) | None => "",
    }
}

/// Lists what happened since a time, the earliest first.
pub(super) fn happened(sight: &Sight<'_>, from: Option<Timestamp>) -> Vec<String> {
    let state = sight.state;
    let is_new = |at: Timestamp| from.is_none_or(|from| at > from);
    let entries = state.timeline.iter().rev().take_while(|entry| is_new(entry.place));
    // What a plan did happened, also where somebody once took the line back.
    let entries = entries.filter(|entry| entry.retracted.is_none() || entry.is_of_plan());
    let mut all: Vec<(Timestamp, String)> =
        entries.filter_map(|entry| Some((when(sight, &entry), told(sight, &entry)?))).collect();
    all.reverse();
    all.extend(failures(sight).into_iter().filter(|(at, _)| is_new(*at)));
    all.sort_by_key(|(at, _)| *at);
    let more = all.len().saturating_sub(MOST);
    let line = |(at, line): &(Timestamp, String)| format!("{} {line}", time(*at, sight.now));
    let mut lines: Vec<String> = all[more..].iter().map(line).collect();
    if more > 0 {
        lines.insert(0, format!("({more} earlier)"));
    }
    lines
}

/// When what an entry tells was so for users: that they are served counts from when it was seen.
fn when(sight: &Sight<'_>, entry: &Entry<'_>) -> Timestamp {
    match entry.name {
        "plan-ended" => {
            let release = sight.state.releases.iter().rfind(|release| release.plan == entry.about);
            release.map_or(entry.at, |release| brought_at(sight, release))
        }
        "mitigated" => {
            let of_it = |name: &str| sight.numbers.iter().any(|number| number.name == name);
            sight.state.recovered(entry.at, of_it).at
        }
        _ => entry.at,
    }
}

/// When something counts as brought into production, as the timeline has it.
pub(super) fn brought_at(sight: &Sight<'_>, release: &Release) -> Timestamp {
    let of_it = |name: &str| sight.numbers.iter().any(|number| number.name == name);
    sight.state.brought_at(release, of_it)
}

/// When production failed after users were said to be served, and when it recovered.
fn failures(sight: &Sight<'_>) -> Vec<(Timestamp, String)> {
    let of_it = |name: &str| sight.numbers.iter().any(|number| number.name == name);
    let place =
        sight.numbers.iter().map(|number| number.environment.as_str()).find(|place| !place.is_empty());
    let place = plain(place.unwrap_or("production"));
    let relapses = sight.state.relapses(of_it, sight.now).into_iter();
    relapses
        .flat_map(|outage| {
            let recovered = outage.until.map(|at| (at, format!("{place} recovered")));
            std::iter::once((outage.from, format!("{place} failed again"))).chain(recovered)
        })
        .collect()
}

/// What an entry says to people outside; `None`: nothing that concerns them.
fn told(sight: &Sight<'_>, entry: &Entry<'_>) -> Option<String> {
    let state = sight.state;
    let text = match entry.kind {
        EntryKind::Severity => sight.policy.in_our_words(entry.kind, entry.text).into_owned(),
        EntryKind::Note(NoteKind::Decision | NoteKind::Action | NoteKind::Finding) | EntryKind::Reopened => {
            entry.text.to_owned()
        }
        EntryKind::Resolved if entry.name == "mitigated" => "service restored".to_owned(),
        // That it is over is what the message is about.
        EntryKind::Resolved if matches!(state.status, Status::Resolved | Status::Closed) => return None,
        EntryKind::Resolved => "taken for resolved".to_owned(),
        EntryKind::PlanDone if entry.name == "plan-ended" => {
            let plan = state.plan(entry.about).filter(|plan| plan.reaches_users())?;
            changed(state, plan).unwrap_or_else(|| entry.text.to_owned())
        }
        // What was live for users is told, though its plan failed; what was not is for the call.
        EntryKind::PlanFailed if entry.name == "plan-ended" => {
            let plan = state.plan(entry.about).filter(|plan| plan.reaches_users() && !plan.is_flag())?;
            changed(state, plan)?
        }
        _ => return None,
    };
    Some(plain(&text))
}

/// Says what a plan changed for users; `None`: it says so itself.
fn changed(state: &State, plan: &PlanRun) -> Option<String> {
    if plan.is_flag() {
        return plan.title.strip_prefix("turn ").map(|flag| format!("turned {flag}"));
    }
    let release = state.releases.iter().rfind(|release| release.plan == plan.id)?;
    let (environment, name, held) = (&release.environment, release.name(), health(release));
    Some(if release.rollback {
        format!("rolled {environment} back to {name}{held}")
    } else {
        format!("deployed {name} to {environment}{held}")
    })
}

/// Lists what is being changed for users: how is in the plan.
pub(super) fn under_way(state: &State) -> Vec<String> {
    let plans = state.plans.iter().filter(|plan| plan.state.is_under_way() && plan.reaches_users());
    let short = |plan: &PlanRun| plain(plan.title.split([',', ':']).next().unwrap_or_default());
    let how = |plan: &PlanRun| if waits(state, plan) { " (waiting for approval)" } else { "" };
    plans.map(|plan| format!("{}{}", short(plan), how(plan))).collect()
}

/// Says what was turned off for the time being, and is off still; empty: nothing is.
pub(super) fn still_off(state: &State) -> String {
    let off = state.flags_off();
    let verb = if off.len() == 1 { "is" } else { "are" };
    if off.is_empty() { String::new() } else { plain(&format!("{} {verb} still off.", off.join(", "))) }
}

/// Says what is not over at the end: the fix, where production was only put back, and third parties; empty: all is.
pub(super) fn without_fix(sight: &Sight<'_>) -> String {
    let state = sight.state;
    if !matches!(state.status, Status::Resolved | Status::Closed) {
        return String::new();
    }
    let back = state.back_without_fix();
    let fix = back.map_or_else(String::new, |back| {
        plain(&format!("The fix is still to come: {} stays on {} until then.", back.environment, back.name()))
    });
    [fix, others(sight)].into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Says whether what was gone back to holds; empty: nobody can tell yet.
pub(super) fn holds(release: &Release) -> &'static str {
    match release.verdict {
        Some((_, WatchVerdict::Passed, _)) => "It is healthy.",
        Some((_, WatchVerdict::Failed, _)) => "It fails there, too.",
        Some((_, WatchVerdict::Unknown, _)) | None => "",
    }
}
