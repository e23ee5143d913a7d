//! Suspects: asks the record, the repository and the environment; and makes the plans that take a
//! change back or search for one by halves.

use std::path::Path;
use std::time::Duration;

use super::back::Asking;
use super::branch::pushes_of;
use super::prepare::{Ground, directory};
use super::told::past_releases;
use crate::deploy::bisect::{self, Range};
use crate::deploy::{release, rollback};
use crate::failure::{Failure, Result};
use crate::hotfix::back::Commit;
use crate::hotfix::git::Reader;
use crate::hotfix::suspects::{self, Clues, Found, Question};
use crate::incident::{Release, State};
use crate::plan::Plan;
use crate::text::visible;

/// How long the repository may take to say what changed.
const PATIENCE: Duration = Duration::from_secs(5);
/// And how long trying a revert may take.
const TRYING: Duration = Duration::from_secs(10);

/// What changed between the last good release and what is deployed, most suspicious first; with an
/// incident, weighed by what is known of it. `since` names what to begin after instead.
///
/// # Errors
/// What was named is not known, or the repository cannot be read.
pub fn suspects(
    ground: &Ground<'_>,
    reader: &mut Reader,
    state: Option<&State>,
    since: Option<&str>,
    asking: Asking,
) -> Result<Found> {
    let (config, policy) = (ground.config, &ground.policy.suspects);
    let mut history = ground.history.clone();
    let mut untold = None;
    let production = config.production();
    if let Some(env) = production
        && env.tells_history()
    {
        if asking == Asking::Environment {
            let root = directory(&reader.root().to_string_lossy());
            match past_releases(config, &env.name, Path::new(&root)) {
                Ok(told) => release::merge(&mut history, told),
                Err(failure) => untold = Some(format!("{} could not be asked: {}", env.name, failure.cause)),
            }
        } else {
            untold = Some(format!("{} was not asked what was released", visible(&env.name)));
        }
    }
    if let Some(state) = state {
        // What was brought there since is the response, and no cause. What somebody said to be live was
        // there before.
        let before = |release: &Release| release.plan.is_empty() || release.at <= state.declared_at;
        if history.releases.iter().any(before) {
            history.releases.retain(before);
        }
    }
    let environment = production.map(|env| env.name.as_str()).unwrap_or_default();
    let clues = state.map(|state| Clues::of(state, &config.probes, policy)).unwrap_or_default();
    let ask = suspects::ask(&history, environment, clues.began, policy.grace, since);
    let began = clues.began.or(state.map(|state| state.started_at));
    let events = suspects::events(&history, state, environment, ask.window, began);
    let question = Question {
        ask,
        base: config.hotfix.base.clone(),
        remote: config.hotfix.remote.clone(),
        prefix: config.hotfix.prefix.clone(),
        words: clues.wanted(policy),
        most: policy.most,
        open_above: policy.open_above,
    };
    let mut changes = reader.changes(&question, PATIENCE)?;
    changes.remarks.extend(untold);
    Ok(Found::of(changes, &clues, &events, ground.policy))
}

/// The plan that takes one change back.
pub(super) fn revert(ground: &Ground<'_>, id: &str, commit: &str) -> Result<Plan> {
    let reader = open(ground)?;
    let commit = resolved(&reader, "planning a revert", commit)?;
    let tried = reader.look_at_revert(&commit, &ground.config.hotfix, TRYING);
    let change = Commit { subject: reader.subject(&commit).unwrap_or_default(), id: commit };
    let root = directory(&reader.root().to_string_lossy());
    let plan = rollback::revert::one(ground.config, ground.policy, id, &root, &change, &tried)?;
    match &tried {
        Ok(revert) => pushes_of(ground, &reader, (&revert.branch, &root), plan),
        Err(_) => Ok(plan),
    }
}

/// The plan that searches a range by halves.
pub(super) fn bisect(
    ground: &Ground<'_>,
    id: &str,
    (good, bad): (&str, &str),
    check: Option<&str>,
) -> Result<Plan> {
    let doing = "planning a bisect";
    let reader = open(ground)?;
    let (good, bad) = (resolved(&reader, doing, good)?, resolved(&reader, doing, bad)?);
    let halves = reader.halves(&good, &bad).map_err(|why| {
        Failure::usage(
            doing,
            visible(&why).into_owned(),
            "name where to begin with flightdeck suspects --since REF",
        )
    })?;
    let root = directory(&reader.root().to_string_lossy());
    bisect::bisect(ground.config, id, check, Range { good: &good, bad: &bad, halves: &halves }, &root)
}

fn open(ground: &Ground<'_>) -> Result<Reader> {
    Reader::open(ground.root).map_err(|none| none.failure(&ground.root.to_string_lossy()))
}

fn resolved(reader: &Reader, doing: &str, name: &str) -> Result<String> {
    if name.starts_with('-') {
        let cause = format!("{} could be taken for an option", visible(name));
        return Err(Failure::usage(doing, cause, "name a branch, a tag or a commit"));
    }
    reader.resolve(name)
}
