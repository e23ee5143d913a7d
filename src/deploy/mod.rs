//! Deploying, smoke-testing and checking, as plans made from the configuration. Pure.
//!
//! How an environment is deployed to (at once, as a canary, blue-green) is in a file each.

pub mod action;
pub mod bisect;
pub mod blue_green;
pub mod canary;
pub mod extended;
mod fill;
pub mod flags;
pub mod gates;
pub mod pipeline;
pub mod pushed;
pub mod release;
pub mod rollback;
pub mod runbook;
pub mod secrets;
pub mod watch;

use std::collections::BTreeMap;

use crate::config::types::{Check, Config, Environment};
use crate::failure::{Failure, Result};
use crate::incident::Policy;
use crate::plan::{Action, Command, OnFailure, Plan, Purpose, Reach, Step, Subject, Undo};
use crate::text::visible;

pub use fill::Fill;

/// What is leased while checks run: they share one work tree, so one plan of them at a time.
pub const CHECKS: &str = "checks";

/// What was resolved before a plan is made of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved {
    /// What was asked for: a branch or tag name.
    pub reference: String,
    /// The commit it is, as a full hexadecimal id; empty where nothing is committed yet.
    pub commit: String,
    /// Root of the work tree, where commands run.
    pub root: String,
    /// Whether that work tree has changes beyond the commit.
    pub dirty: bool,
    /// A tag on that commit, if there is one: the one asked for, else the highest version.
    pub tag: Option<String>,
    /// The version that commit holds, where it holds one.
    pub version: Option<String>,
    /// Commits that hold exactly the same files, as far as they were looked for.
    pub same: Vec<String>,
    /// The code host that runs the pipeline of the environment, where one does.
    pub host: Option<pipeline::Host>,
}

impl Resolved {
    fn subject(&self) -> Subject {
        Subject { reference: self.reference.clone(), commit: self.commit.clone(), dirty: self.dirty }
    }
}

/// The plan that deploys to an environment, in the way that is configured for it, and watches what came of
/// it. `live` is the side that is live now, where it is deployed to blue-green.
///
/// # Errors
/// The environment is not configured, the reference could be taken for an option, or it is not
/// known which side is live.
pub fn deploy(
    config: &Config,
    policy: &Policy,
    id: &str,
    environment: &str,
    what: &Resolved,
    live: Option<&str>,
) -> Result<Plan> {
    let doing = format!("planning a deploy to {}", visible(environment));
    let env = find_environment(config, &doing, environment)?;
    let fill = Fill::of(&doing, environment, what, &env.env)?;
    if what.commit.is_empty() {
        return Err(Failure::usage(
            doing,
            format!("{} has no commit yet", visible(&what.reference)),
            "commit something first, or name another branch or tag with --ref",
        ));
    }
    let reference = visible(&what.reference);
    // People know what was tagged by its tag.
    let name = what.tag.as_deref().map_or_else(|| reference.clone(), visible);
    let title = format!("deploy {name} to {}", visible(environment));
    let (mut way, title) = match (&env.canary, &env.blue_green) {
        (Some(canary), _) => {
            let way = canary::steps(config, env, canary, &fill, &reference, &what.root)?;
            (way, format!("{title}, canary {}", canary::shares(&canary.weights)))
        }
        (None, Some(sides)) => {
            let way = blue_green::steps(env, sides, &fill, &reference, live.unwrap_or_default())?;
            (way, format!("{title}, blue-green"))
        }
        (None, None) => (at_once(env, &fill, what, &title)?, title),
    };
    if let Some(time) = watch::after_deploy(config, env, policy) {
        let watch = watch::step(config, environment, time, &what.root).ok_or_else(|| {
            let cause = format!("no probe watches {}", visible(environment));
            Failure::usage(&*doing, cause, "add a [[probes]] table for that environment to flightdeck.toml")
        })?;
        // A watch that fails ends the plan and gives its target back: what comes next is a way
        // back, a plan of its own.
        way.steps.push(watch);
    } else if env.protected && env.watch.is_none() {
        way.notes.push(format!("no probe watches {}: look for yourself", visible(environment)));
    }
    if let Some(canary) = &env.canary {
        way.steps.extend(canary::finish(env, canary, &fill)?);
    }
    let plan = Plan {
        confirm: env.protected.then(|| environment.to_owned()),
        frozen: frozen(what),
        subject: Some(what.subject()),
        release: Some(release::spec(environment, what, way.live_after)),
        notes: way.notes,
        steps: way.steps,
        ..Plan::new(id, title, Purpose::Deploy, environment)
    };
    Ok(secrets::attach(with_token(plan, what), config, &what.root))
}

/// The plan with where the token of the code host comes from.
fn with_token(mut plan: Plan, what: &Resolved) -> Plan {
    plan.secrets.extend(what.host.as_ref().map(|host| host.token.clone()));
    plan
}

/// The steps of one way to deploy.
struct Way {
    steps: Vec<Step>,
    /// Index of the step that makes the commit live for everybody.
    live_after: usize,
    /// What a reader should know beforehand.
    notes: Vec<String>,
}

/// One command does it all.
fn at_once(env: &Environment, fill: &Fill<'_>, what: &Resolved, title: &str) -> Result<Way> {
    if let Some(pipeline) = &env.pipeline {
        let step = pipeline::step(env, pipeline, fill, what, title)?;
        return Ok(Way { steps: vec![step], live_after: 0, notes: Vec::new() });
    }
    let why = format!("to take it back, roll {} back", visible(&env.name));
    let step = Step {
        proof: fill.probe(&env.proof, "proof", &env.expect)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        undo: Undo::Irreversible { why },
        ..Step::new(title, Action::Command(fill.command(&env.deploy, "deploy")?), env.timeout)
    };
    Ok(Way { steps: vec![step], live_after: 0, notes: Vec::new() })
}

/// The plan that smoke-tests an environment.
///
/// # Errors
/// The environment or its smoke test is not configured, or the reference could be taken for
/// an option.
pub fn smoke(config: &Config, id: &str, environment: &str, what: &Resolved) -> Result<Plan> {
    let doing = format!("planning a smoke test of {}", visible(environment));
    let env = find_environment(config, &doing, environment)?;
    let fill = Fill::of(&doing, environment, what, &env.env)?;
    let command = fill.command(&env.smoke, "smoke")?;
    let title = format!("smoke-test {}", visible(environment));
    let step = Step {
        reach: Reach::Others,
        retry_is_safe: true,
        ..Step::new(title.clone(), Action::Command(command), env.timeout)
    };
    let plan = Plan { steps: vec![step], ..Plan::new(id, title, Purpose::Smoke, environment) };
    Ok(secrets::attach(plan, config, &what.root))
}

/// The plan that runs checks: those named, or all. Every one of them runs, whatever became of
/// the one before.
///
/// # Errors
/// No check is configured, or one of those named is not.
pub fn test(config: &Config, id: &str, checks: &[String], what: &Resolved) -> Result<Plan> {
    let doing = "planning a test run";
    let chosen = choose(config, doing, checks)?;
    let mut set = BTreeMap::from([("FLIGHTDECK_REF".to_owned(), what.reference.clone())]);
    if !what.commit.is_empty() {
        set.insert("FLIGHTDECK_COMMIT".to_owned(), what.commit.clone());
    }
    let steps = chosen
        .iter()
        .map(|check| {
            if check.command.first().is_none_or(|program| program.trim().is_empty()) {
                return Err(fill::no_program(doing, &format!("check {}", visible(&check.name))));
            }
            let command = Command {
                argv: check.command.clone(),
                cwd: what.root.clone(),
                env: check.env.clone(),
                set: set.clone(),
            };
            let title = format!("check {}", visible(&check.name));
            Ok(Step {
                retry_is_safe: true,
                on_failure: OnFailure::GoOn,
                ..Step::new(title, Action::Command(command), check.timeout)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let names: Vec<_> = chosen.iter().map(|check| visible(&check.name)).collect();
    let title = format!("test {}", names.join(", "));
    let subject = (!what.commit.is_empty()).then(|| what.subject());
    let plan = Plan { subject, steps, ..Plan::new(id, title, Purpose::Test, CHECKS) };
    Ok(secrets::attach(plan, config, &what.root))
}

fn frozen(what: &Resolved) -> BTreeMap<String, String> {
    BTreeMap::from([(what.reference.clone(), what.commit.clone())])
}

fn choose<'a>(config: &'a Config, doing: &str, names: &[String]) -> Result<Vec<&'a Check>> {
    if config.checks.is_empty() {
        return Err(Failure::usage(
            doing,
            "no check is configured",
            "add a [[checks]] table with a name and a command to flightdeck.toml",
        ));
    }
    if names.is_empty() {
        return Ok(config.checks.iter().collect());
    }
    let mut chosen: Vec<&Check> = Vec::new();
    for name in names {
        let Some(check) = config.checks.iter().find(|check| check.name == *name) else {
            let known: Vec<_> = config.checks.iter().map(|check| visible(&check.name)).collect();
            return Err(Failure::usage(
                doing,
                format!("unknown check {}", visible(name)),
                format!("flightdeck.toml has: {}", known.join(", ")),
            ));
        };
        if !chosen.iter().any(|known| known.name == check.name) {
            chosen.push(check);
        }
    }
    Ok(chosen)
}

/// The environment of that name.
///
/// # Errors
/// There is none.
pub fn find_environment<'a>(config: &'a Config, doing: &str, name: &str) -> Result<&'a Environment> {
    if let Some(found) = config.environments.iter().find(|env| env.name == name) {
        return Ok(found);
    }
    if config.environments.is_empty() {
        return Err(Failure::usage(
            doing,
            "no environment is configured",
            "add an [[environments]] table with a name and a deploy command to flightdeck.toml",
        ));
    }
    let known: Vec<_> = config.environments.iter().map(|env| visible(&env.name)).collect();
    Err(Failure::usage(
        doing,
        format!("unknown environment {}", visible(name)),
        format!("flightdeck.toml has: {}", known.join(", ")),
    ))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod ways_tests;
