//! Watching an environment, as a plan of its own and as a step of others. Pure.

use jiff::SignedDuration;

use super::{find_environment, secrets};
use crate::config::types::{Config, Environment, Probe};
use crate::failure::{Failure, Result};
use crate::health::vigil::longest;
use crate::incident::{History, Policy, duration};
use crate::plan::{Action, Plan, Purpose, Step, Watch, Watched};
use crate::text::visible;

/// The plan that watches an environment, and is a verdict on what is released there. Its time
/// is, where none is given, the one that is configured, else the policy's.
///
/// # Errors
/// The environment is not configured, no probe watches it, or the time is none.
pub fn watch(
    config: &Config,
    policy: &Policy,
    history: &History,
    id: &str,
    environment: &str,
    time: Option<SignedDuration>,
    cwd: &str,
) -> Result<Plan> {
    let name = visible(environment);
    let doing = format!("planning a watch of {name}");
    let env = find_environment(config, &doing, environment)?;
    let time = time.unwrap_or_else(|| usual(env, policy));
    if !time.is_positive() {
        return Err(Failure::usage(doing, "it has to be watched for some time", "name one: --for 30m"));
    }
    let Some(mut step) = step(config, environment, time, cwd) else {
        return Err(Failure::usage(
            doing,
            format!("no probe watches {name}"),
            format!("add a [[probes]] table with `environment = \"{name}\"` to flightdeck.toml"),
        ));
    };
    let released = history.current(environment);
    if let Action::Watch(watch) = &mut step.action {
        watch.judges = released.map(|release| (release.environment.clone(), release.commit.clone()));
    }
    let note = match released {
        Some(release) => {
            let what = release.tag.as_ref().unwrap_or(&release.reference);
            let short: String = release.commit.chars().take(7).collect();
            format!("it judges what is there: {} ({short}), since {:.0}", visible(what), release.at)
        }
        None => format!("nothing is known to be released to {name}: no release it could judge"),
    };
    let title = step.title.clone();
    let plan = Plan::new(id, title, Purpose::Watch, environment);
    Ok(secrets::attach(Plan { notes: vec![note], steps: vec![step], ..plan }, config, cwd))
}

/// How long an environment is watched when somebody asks for it: as configured, else by the policy.
pub fn usual(env: &Environment, policy: &Policy) -> SignedDuration {
    env.watch.filter(SignedDuration::is_positive).unwrap_or(policy.immediate_watch)
}

/// How long a deploy to an environment is watched: as configured, else by the policy where its name has to be
/// typed and it has probes. `None`: not at all.
pub fn after_deploy(config: &Config, env: &Environment, policy: &Policy) -> Option<SignedDuration> {
    let by_default = || {
        let watches = env.protected && !probes(config, env).is_empty();
        watches.then_some(policy.immediate_watch)
    };
    env.watch.or_else(by_default).filter(SignedDuration::is_positive)
}

/// A step that watches an environment for so long; `None` where no probe watches it. Commands
/// of probes run in `cwd`.
pub fn step(config: &Config, environment: &str, time: SignedDuration, cwd: &str) -> Option<Step> {
    let env = config.environments.iter().find(|env| env.name == environment)?;
    step_with(env, &probes(config, env), time, cwd)
}

/// A step that watches an environment by these probes; `None` where there are none.
pub(super) fn step_with(
    env: &Environment,
    probes: &[Probe],
    time: SignedDuration,
    cwd: &str,
) -> Option<Step> {
    if probes.is_empty() {
        return None;
    }
    // Half of the time at least is for seeing that it holds.
    let settle = env.settle.min(time / 2);
    let timeout = longest(time, settle, probes);
    let title = format!("watch {} for {}", visible(&env.name), duration(time));
    let probes = probes.iter().map(Watched::from).collect();
    let watch = Watch { time, settle, probes, cwd: cwd.to_owned(), judges: None, then: None };
    Some(Step { retry_is_safe: true, ..Step::new(title, Action::Watch(watch), timeout) })
}

/// The probes that watch an environment: those it names, else those of this environment. To
/// production belong those of the service as a whole.
pub fn probes(config: &Config, env: &Environment) -> Vec<Probe> {
    named(config, env, &env.watched)
}

/// The probes of these names; with none, those of an environment.
pub(super) fn named(config: &Config, env: &Environment, names: &[String]) -> Vec<Probe> {
    let is_production = config.production().is_some_and(|production| production.name == env.name);
    let watches = |probe: &&Probe| {
        if names.is_empty() {
            probe.environment == env.name || (is_production && probe.environment.is_empty())
        } else {
            names.contains(&probe.name)
        }
    };
    config.probes.iter().filter(watches).cloned().collect()
}

#[cfg(test)]
mod tests;
