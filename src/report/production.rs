//! How production stood when somebody said that it was over: the record tells, whatever was said.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::words::{clock_after, first_of};
use crate::config::types::{HERE, Probe, THIRD_PARTY};
use crate::incident::{PlanRun, Recovery, Release, State, Turned, UNDONE, WatchVerdict};
use crate::text::markdown::inline;

/// Tells whether users are served from an environment: its name had to be typed, or it is called so.
pub(super) fn is(state: &State, environment: &str) -> bool {
    state.serves_users(environment)
}

/// Finds out when users were served again, of a time at which somebody said so.
pub(super) fn recovered(state: &State, probes: &[Probe], said: Timestamp) -> Recovery {
    let of_production =
        |name: &str| probes.iter().any(|probe| probe.name == name && is(state, &probe.environment));
    state.recovered(said, of_production)
}

/// When something counts as brought into production, as the timeline has it.
pub(super) fn brought_at(state: &State, probes: &[Probe], release: &Release) -> Timestamp {
    let of_production =
        |name: &str| probes.iter().any(|probe| probe.name == name && is(state, &probe.environment));
    state.brought_at(release, of_production)
}

/// When a probe of production first failed.
pub(super) fn first_alarm(state: &State, probes: &[Probe]) -> Option<Timestamp> {
    let of_production =
        |name: &str| probes.iter().any(|probe| probe.name == name && is(state, &probe.environment));
    state.outages(of_production).first().map(|outage| outage.from)
}

/// What speaks against production having been well at a moment, in words that follow on “then”; Markdown.
pub(super) fn unwell(state: &State, probes: &[Probe], at: Timestamp) -> Vec<String> {
    let of_production =
        |name: &str| probes.iter().any(|probe| probe.name == name && is(state, &probe.environment));
    let mut last: BTreeMap<&str, (Turned, Timestamp)> = BTreeMap::new();
    let turns =
        state.turns.iter().filter(|turn| turn.at <= at && !turn.is_retracted && of_production(&turn.probe));
    for turn in turns {
        let to = if turn.to == Turned::Warning { Turned::Good } else { turn.to };
        let probe = &*turn.probe;
        // It counts from when it turned, not from when that was last said.
        let since = last.get(probe).filter(|(known, _)| *known == to).map_or(turn.at, |(_, at)| *at);
        last.insert(probe, (to, since));
    }
    let told = |wanted: Turned, word: &str| {
        let named = last.iter().filter(|(_, (kind, _))| *kind == wanted);
        let named: Vec<String> = named
            .map(|(name, (_, since))| {
                format!("{} (since {})", inline(name), clock_after(state.started_at, *since))
            })
            .collect();
        (!named.is_empty()).then(|| format!("{word}: {}", first_of(&named, ", ")))
    };
    let mut said: Vec<String> = Vec::new();
    said.extend(told(Turned::Failing, "production was failing"));
    said.extend(told(Turned::Silent, "production had no data"));
    if let Some(release) = condemned(state, at) {
        said.push(format!(
            "{} was live in {}, and its watch had failed",
            inline(&release.name()),
            inline(&release.environment)
        ));
    }
    said
}

/// What was live in production at a moment, if its watch had failed by then.
fn condemned(state: &State, at: Timestamp) -> Option<&Release> {
    let mut there = state.releases.iter().filter(|one| one.at <= at && is(state, &one.environment));
    let last = there.next_back()?;
    matches!(&last.verdict, Some((when, WatchVerdict::Failed, why)) if *when <= at && why != UNDONE)
        .then_some(last)
}

/// Environments besides production whose probes failed when they were last heard of, a line each; Markdown.
pub(super) fn failing_elsewhere(state: &State, probes: &[Probe]) -> Vec<String> {
    let other =
        |environment: &str| !["", HERE, THIRD_PARTY].contains(&environment) && !is(state, environment);
    let mut found: Vec<(&str, Vec<String>, Timestamp)> = Vec::new();
    for probe in probes.iter().filter(|probe| other(&probe.environment)) {
        let failing =
            state.alarms.get(&probe.name).filter(|one| Turned::of(&one.state) == Some(Turned::Failing));
        let Some(alarm) = failing else { continue };
        match found.iter_mut().find(|(environment, ..)| *environment == probe.environment) {
            Some((_, names, since)) => {
                names.push(inline(&probe.name));
                *since = alarm.since.min(*since);
            }
            None => found.push((&probe.environment, vec![inline(&probe.name)], alarm.since)),
        }
    }
    let line = |(environment, names, since): (&str, Vec<String>, Timestamp)| {
        let since = clock_after(state.started_at, since);
        format!("Mend {}: it has been failing since {since} ({})", inline(environment), names.join(", "))
    };
    found.into_iter().map(line).collect()
}

/// What is live in production, as far as the record tells.
pub(super) fn live(state: &State) -> Option<&Release> {
    state.releases.iter().rfind(|release| is(state, &release.environment))
}

/// Says that a fix which production was rolled back from is merged still; `None`: none is.
pub(super) fn merged_still(state: &State) -> Option<String> {
    let production = &live(state)?.environment;
    state.finished_outside(production)?.is_merged_still(production)
}

/// That the fix is to be brought to where releases are made from, where nobody is on record to have done that; Markdown.
pub(super) fn unmerged(state: &State) -> Option<String> {
    let (branch, base) = state.unmerged_fix(&live(state)?.environment)?;
    let (branch, base) = (inline(branch), inline(base));
    Some(format!(
        "Bring {branch} into {base}: production runs it, and it is not on record that it was merged"
    ))
}

/// That production was put back and the fault is still to be fixed; Markdown.
pub(super) fn unfixed(state: &State) -> Option<String> {
    let back = state.back_without_fix()?;
    Some(format!(
        "Ship the fix: {} is back on {}, and no fix has followed",
        inline(&back.environment),
        inline(&back.name())
    ))
}

/// When a release that nobody deployed from here was written down.
pub(super) fn recorded_at(state: &State, release: &Release) -> Timestamp {
    let opening = format!("{} is ", release.environment);
    let about = |entry: &crate::incident::Entry<'_>| {
        entry.name == "released"
            && entry.at == release.at
            && entry.author == release.by
            && entry.text.starts_with(&opening)
    };
    state.timeline.iter().find(about).map_or(release.at, |entry| entry.recorded_at)
}

/// What a plan was at when it was stopped, and who stopped it, to follow on what it did; Markdown.
pub(super) fn stopped(plan: &PlanRun) -> String {
    let at = plan.steps.iter().rev().find(|step| step.run.is_some());
    let at = at
        .filter(|step| step.title != plan.title)
        .map_or_else(String::new, |step| format!(" during “{}”", inline(&step.title)));
    // What follows says the same of the step.
    let why = plan.why.split(';').next().unwrap_or_default().trim();
    let because = if why.is_empty() { String::new() } else { format!(" ({})", inline(why)) };
    format!("{at}{because}")
}
