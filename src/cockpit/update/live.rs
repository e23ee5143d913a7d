//! What is live in production, and that a release was not at fault: a person says so, and is asked before it is
//! recorded.

use super::super::commands::Command;
use super::super::model::Model;
use super::super::msg::Effect;
use super::super::overlay::Purpose;
use super::invoke::ask;
use super::{Cx, approvals, record};
use crate::incident::{Condemned, ReleaseJudged, Released, WatchVerdict};

/// Why neither can be said now.
pub(super) fn blocked(model: &Model, command: Command) -> Option<String> {
    if approvals::production(model).is_none() {
        return Some("flightdeck.toml names no environment".to_owned());
    }
    if command == Command::Clear && taken_back(model).is_none() {
        return Some("no rolled-back release to clear".to_owned());
    }
    None
}

/// What was taken back in production, and may be let in again by a person's word: what is checked out, else what was
/// there last.
fn taken_back(model: &Model) -> Option<(String, Condemned)> {
    let (state, production) = (model.incident()?, approvals::production(model)?);
    let here = model.repository().and_then(|branch| branch.commit());
    let there = state.releases.iter().rev().filter(|release| release.environment == production);
    let tried = state.trials.iter().rev().filter(|trial| trial.environment == production);
    let commits =
        there.map(|release| release.commit.as_str()).chain(tried.map(|trial| trial.commit.as_str()));
    let found = here
        .into_iter()
        .chain(commits)
        .find_map(|commit| state.condemned(production, |it| it == commit).filter(|found| !found.watched));
    found.map(|found| (production.to_owned(), found))
}

/// Asks for what is live, or why what was taken back was not at fault.
pub(super) fn command(cx: &mut Cx<'_>, command: Command) {
    let Some(production) = approvals::production(cx.model).map(str::to_owned) else { return };
    if command == Command::Live {
        let label = format!("What is live in {production}?");
        let example = "for example v1.4.2, or a branch or commit";
        return ask(cx, Purpose::Live(production), &label, example, String::new());
    }
    let Some((production, found)) = taken_back(cx.model) else { return };
    let label = format!("{} {}. Why was it not at fault?", found.name, found.why);
    let purpose = Purpose::Clear(production, found.commit);
    ask(cx, purpose, &label, "for example the bank was down, not us", String::new());
}

/// Has the commit found that somebody means.
pub(super) fn find(cx: &mut Cx<'_>, environment: String, reference: String) {
    cx.effect("finding the commit", Effect::FindLive { environment, reference });
}

/// Asks before it is recorded what is live.
pub(super) fn found(cx: &mut Cx<'_>, release: Released) {
    let Some(state) = cx.model.incident() else { return };
    let (environment, commit) = (&release.environment, &release.commit);
    let short: String = commit.chars().take(7).collect();
    if let Some(bad) = state.condemned(environment, |it| it == commit) {
        return cx.say(format!("not recorded: {} {}", bad.name, bad.why));
    }
    let there = state.releases.iter().rfind(|known| known.environment == *environment);
    if let Some(known) = there.filter(|known| known.commit == *commit) {
        if known.is_good() {
            return cx.say(format!("the record says so already: {environment} has {short}, and it is good"));
        }
        // Said once more it is what production can be put back to.
        let title = format!("Did {} serve users well?", known.name());
        let body = format!(
            "The record has it already. This records that it is good: rolling {environment} back to it is safe."
        );
        let why = format!("{} says that it served users well", cx.model.me);
        let (environment, commit) = (environment.clone(), commit.clone());
        let (plan, verdict) = (String::new(), WatchVerdict::Passed);
        let good = ReleaseJudged { environment, commit, plan, verdict, why };
        return record::claim(cx, &title, &body, "record it", None, good);
    }
    let body = format!(
        "This records that {environment} has {} ({short}). If {environment} itself reports another release, that counts.",
        release.reference
    );
    record::claim(cx, &format!("Is this live in {environment}?"), &body, "record it", None, release);
}

/// Asks before it is recorded that a commit was not at fault.
pub(super) fn clear(cx: &mut Cx<'_>, environment: String, commit: String, why: String) {
    let short: String = commit.chars().take(7).collect();
    let body = format!(
        "This records that {short} was not at fault: {why}. It may be deployed to {environment} again."
    );
    let (plan, verdict) = (String::new(), WatchVerdict::Unknown);
    let cleared = ReleaseJudged { environment, commit, plan, verdict, why };
    record::claim(cx, "Allow it again?", &body, "record it", None, cleared);
}
