//! What was live in production when it began, and what became of it: by the record, which says so or does not.

use jiff::{SignedDuration, Timestamp};

use super::words::{clock_after, release as named, spoken};
use super::{links, production};
use crate::config::types::Probe;
use crate::incident::{LiveFound, PlanRun, Predecessor, Release, State};
use crate::text::markdown::inline;

/// A release as old as this is no news.
const NEWS: SignedDuration = SignedDuration::from_hours(24);
/// What is written down this long after it happened is not the time of it.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);

/// What was live.
pub(super) struct Live {
    /// What people call it; Markdown.
    pub(super) name: String,
    /// The environment it was live in.
    pub(super) environment: String,
    /// Since when, where that is known.
    pub(super) since: Option<Timestamp>,
    /// Who deployed it; empty: not known.
    pub(super) by: String,
    /// What took its place; `None`: it is live still, as far as anybody knows.
    next: Option<Release>,
}

/// Finds out what was live when it began.
pub(super) fn when_it_began(state: &State) -> Option<Live> {
    let known =
        recorded(state).or_else(|| found(state)).or_else(|| told(state)).or_else(|| taken_away(state))?;
    let next = state.releases.iter().find(|one| {
        let later = one.at > state.started_at && known.since.is_none_or(|since| one.at > since);
        later && one.environment == known.environment && one.commit != known.commit
    });
    let Known { name, environment, since, by, .. } = known;
    Some(Live { name, environment, since, by, next: next.cloned() })
}

/// What was live when it began, as a line of facts.
pub(super) fn fact(state: &State, probes: &[Probe]) -> String {
    let live = when_it_began(state);
    let live = live.map_or_else(|| "not on record".to_owned(), |live| live.described(state, probes));
    format!("Live when it began: {live}")
}

/// A release that may have been live when it began.
struct Known {
    name: String,
    commit: String,
    environment: String,
    since: Option<Timestamp>,
    by: String,
}

/// What was recorded to have been brought there before it began.
fn recorded(state: &State) -> Option<Known> {
    let there = |one: &&Release| production::is(state, &one.environment) && one.at <= state.started_at;
    let live = state.releases.iter().filter(there).max_by_key(|one| one.at)?;
    let is_ours = !live.plan.is_empty();
    let is_dated = is_ours || production::recorded_at(state, live).duration_since(live.at) >= AT_ONCE;
    Some(Known {
        name: named(state, live),
        commit: live.commit.clone(),
        environment: live.environment.clone(),
        since: is_dated.then_some(live.at),
        by: if is_ours { live.by.clone() } else { String::new() },
    })
}

/// Plans that changed production or were to, the earliest first.
fn plans(state: &State) -> impl Iterator<Item = &PlanRun> {
    let of_it = |plan: &&PlanRun| ["deploy", "rollback"].contains(&plan.purpose.as_str());
    state.plans.iter().filter(of_it).filter(|plan| production::is(state, &plan.target))
}

/// What the first plan for production found there.
fn found(state: &State) -> Option<Known> {
    let (plan, Predecessor { name, commit, since, by }) =
        plans(state).find_map(|plan| Some((plan, plan.predecessor()?)))?;
    let was_there = since.is_none_or(|since| since <= state.declared_at);
    let name = name_of(state, &name, &commit);
    was_there.then(|| Known { name, commit, environment: plan.target.clone(), since, by })
}

/// What production told of that time, whoever asked it when.
fn told(state: &State) -> Option<Known> {
    let LiveFound { environment, name, commit, since, by } = state.live_found.clone()?;
    Some(Known { name: name_of(state, &name, &commit), commit, environment, since, by })
}

/// A release and its commit, as a link; Markdown.
fn name_of(state: &State, name: &str, commit: &str) -> String {
    let short = commit.get(..7).unwrap_or(commit);
    let linked = links::commit(state, commit, inline(short));
    if name.contains(short) { linked } else { format!("{} ({linked})", inline(name)) }
}

/// The commit that the first rollback took away.
fn taken_away(state: &State) -> Option<Known> {
    let back = state.releases.iter().find(|one| one.rollback && production::is(state, &one.environment))?;
    let commit = back.replaces.clone()?;
    // One that was brought there since was not there when it began.
    if state.releases.iter().any(|one| one.commit == commit && one.environment == back.environment) {
        return None;
    }
    let short = inline(commit.get(..7).unwrap_or(&commit));
    let name = links::commit(state, &commit, short);
    Some(Known { name, commit, environment: back.environment.clone(), since: None, by: String::new() })
}

impl Live {
    /// Tells whether it went live shortly before it began: `None`, where that is not known or long ago.
    pub(super) fn is_news(&self, state: &State) -> Option<Timestamp> {
        let is_near = |at: &Timestamp| {
            let before = state.started_at.duration_since(*at);
            !before.is_negative() && before <= NEWS
        };
        self.since.filter(is_near)
    }

    /// The release, since when it is there, and what became of it. Who deployed it is no matter of the outage.
    fn described(&self, state: &State, probes: &[Probe]) -> String {
        let at = |at: Timestamp| clock_after(state.started_at, at);
        let mut said = vec![self.name.clone()];
        said.push(match self.since {
            Some(since) if since > state.started_at => {
                format!("since {} UTC, after it is said to have begun", at(since))
            }
            Some(since) => format!("since {} UTC", at(since)),
            None => "since when is not on record".to_owned(),
        });
        let what = said.join(", ");
        let Some(next) = &self.next else { return what };
        let (when, name) = (production::brought_at(state, probes, next), inline(&next.name()));
        let runs = state.plan(&next.plan).is_some_and(|plan| plan.state.is_under_way());
        match (next.rollback, runs) {
            (true, true) => format!("{what}; being rolled back to {name}"),
            (true, false) => format!("{what}; rolled back to {name} at {}", at(when)),
            (false, true) => format!("{what}; being replaced by {name}"),
            (false, false) => format!("{what}; replaced by {name} at {}", at(when)),
        }
    }

    /// A sentence; `None`: it had been live for long, or nobody knows since when.
    pub(super) fn sentence(&self, state: &State) -> Option<String> {
        let since = self.since.filter(|since| self.is_news(state).is_some() || *since > state.started_at)?;
        let at = clock_after(state.started_at, since);
        let (name, place) = (&self.name, inline(&self.environment));
        let before = state.started_at.duration_since(since);
        Some(if before.is_negative() {
            format!("{name} went live in {place} at {at}.")
        } else if before < AT_ONCE {
            format!("{name} had gone live in {place} at {at}, just before.")
        } else {
            format!("{name} had gone live in {place} at {at}, {} before.", spoken(before))
        })
    }
}

/// What people call the release that another took the place of, where it is on record; plain text.
pub(super) fn replaced(state: &State, release: &Release) -> Option<String> {
    if let Some(found) = state.plan(&release.plan).and_then(PlanRun::predecessor) {
        return Some(found.name);
    }
    let commit = release.replaces.as_deref()?;
    let known = state.releases.iter().rfind(|one| one.commit == commit && !one.rollback);
    known.map(Release::name)
}
