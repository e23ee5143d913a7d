//! Deploying, smoke-testing and checking, as plans made from the configuration. Pure.

pub mod gates;

use std::collections::BTreeMap;

use crate::config::types::{Check, Config, Environment};
use crate::failure::{Failure, Result};
use crate::plan::{Action, Command, OnFailure, Plan, Probe, Purpose, Reach, Step, Subject};
use crate::text::visible;

/// What is leased while checks run: they share one work tree, so one plan of them at a time.
pub const CHECKS: &str = "checks";

/// What was resolved before a plan is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What was asked for: a branch or tag name.
    pub reference: String,
    /// The commit it is, as a full hexadecimal id; empty where nothing is committed yet.
    pub commit: String,
    /// Root of the work tree, where commands run.
    pub root: String,
    /// Whether that work tree has changes beyond the commit.
    pub dirty: bool,
}

impl Resolved {
    fn subject(&self) -> Subject {
        Subject { reference: self.reference.clone(), commit: self.commit.clone(), dirty: self.dirty }
    }
}

/// The plan that deploys to an environment.
///
/// # Errors
/// The environment is not configured, or the reference could be taken for an option.
pub fn deploy(config: &Config, id: &str, environment: &str, what: &Resolved) -> Result<Plan> {
    let doing = format!("planning a deploy to {}", visible(environment));
    let env = find_environment(config, &doing, environment)?;
    let values = Values::new(&doing, environment, what)?;
    if what.commit.is_empty() {
        return Err(Failure::usage(
            doing,
            format!("{} has no commit yet", visible(&what.reference)),
            "commit something first, or name another branch or tag with --ref",
        ));
    }
    let command = values.command(&doing, &env.deploy, "deploy", &env.env, what)?;
    let proof = if env.proof.is_empty() {
        None
    } else {
        let command = values.command(&doing, &env.proof, "proof", &env.env, what)?;
        Some(Probe::command(command, Some(values.fill(&env.expect))))
    };
    let title = format!("deploy {} to {}", visible(&what.reference), visible(environment));
    let step = Step {
        proof,
        reach: Reach::Others,
        ..Step::new(title.clone(), Action::Command(command), env.timeout)
    };
    Ok(Plan {
        confirm: env.protected.then(|| environment.to_owned()),
        frozen: frozen(what),
        subject: Some(what.subject()),
        steps: vec![step],
        ..Plan::new(id, title, Purpose::Deploy, environment)
    })
}

/// The plan that smoke-tests an environment.
///
/// # Errors
/// The environment or its smoke test is not configured, or the reference could be taken for
/// an option.
pub fn smoke(config: &Config, id: &str, environment: &str, what: &Resolved) -> Result<Plan> {
    let doing = format!("planning a smoke test of {}", visible(environment));
    let env = find_environment(config, &doing, environment)?;
    let values = Values::new(&doing, environment, what)?;
    let command = values.command(&doing, &env.smoke, "smoke", &env.env, what)?;
    let title = format!("smoke-test {}", visible(environment));
    let step = Step {
        reach: Reach::Others,
        retry_is_safe: true,
        ..Step::new(title.clone(), Action::Command(command), env.timeout)
    };
    Ok(Plan { steps: vec![step], ..Plan::new(id, title, Purpose::Smoke, environment) })
}

/// The plan that runs checks: those named, or all. Every one of them runs, whatever became of
/// the one before.
///
/// # Errors
/// No check is configured, or one of those named is not.
pub fn test(config: &Config, id: &str, checks: &[String], what: &Resolved) -> Result<Plan> {
    let doing = "planning a test run";
    let chosen = choose(config, doing, checks)?;
    let steps = chosen
        .iter()
        .map(|check| {
            refuse_empty(doing, &check.command, &format!("check {}", visible(&check.name)))?;
            let command = Command {
                argv: check.command.clone(),
                cwd: what.root.clone(),
                env: check.env.clone(),
                set: set(what, None),
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
    Ok(Plan { subject, steps, ..Plan::new(id, title, Purpose::Test, CHECKS) })
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
                format!("there is no check called {}", visible(name)),
                format!("flightdeck.toml has: {}", known.join(", ")),
            ));
        };
        if !chosen.iter().any(|known| known.name == check.name) {
            chosen.push(check);
        }
    }
    Ok(chosen)
}

fn find_environment<'a>(config: &'a Config, doing: &str, name: &str) -> Result<&'a Environment> {
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
        format!("there is no environment called {}", visible(name)),
        format!("flightdeck.toml has: {}", known.join(", ")),
    ))
}

fn refuse_empty(doing: &str, argv: &[String], what: &str) -> Result<()> {
    if argv.first().is_none_or(|program| program.trim().is_empty()) {
        return Err(Failure::usage(
            doing,
            format!("{what} names no program to run"),
            "give it a program and its arguments as a list in flightdeck.toml",
        ));
    }
    Ok(())
}

/// What the words in braces stand for.
struct Values<'a> {
    reference: &'a str,
    commit: &'a str,
    environment: &'a str,
}

impl<'a> Values<'a> {
    /// Refuses what a program could take for an option, or what no argument can hold.
    fn new(doing: &str, environment: &'a str, what: &'a Resolved) -> Result<Self> {
        for (kind, value) in [("reference", &*what.reference), ("environment", environment)] {
            let cause = if value.starts_with('-') {
                "could be taken for an option"
            } else if value.chars().any(char::is_control) {
                "holds a control character"
            } else if value.is_empty() {
                "is empty"
            } else {
                continue;
            };
            return Err(Failure::usage(
                doing,
                format!("the {kind} {:?} {cause}", visible(value)),
                "name a branch or tag that is a plain name",
            ));
        }
        Ok(Self { reference: &what.reference, commit: &what.commit, environment })
    }

    /// Fills the words in braces, each exactly once: a value that itself looks like such a
    /// word stays what it is.
    fn fill(&self, template: &str) -> String {
        let words = [("{ref}", self.reference), ("{commit}", self.commit), ("{env}", self.environment)];
        let mut out = String::with_capacity(template.len() + 40);
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            out.push_str(before);
            let found = words.iter().find_map(|(word, value)| Some((value, from.strip_prefix(word)?)));
            let Some((value, after)) = found else {
                out.push('{');
                rest = from.strip_prefix('{').unwrap_or_default();
                continue;
            };
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn command(
        &self,
        doing: &str,
        argv: &[String],
        key: &str,
        env: &[String],
        what: &Resolved,
    ) -> Result<Command> {
        if argv.is_empty() {
            return Err(Failure::usage(
                doing,
                format!("{} has no `{key}` command", visible(self.environment)),
                format!("add `{key} = [\"program\", \"argument\"]` to that environment in flightdeck.toml"),
            ));
        }
        refuse_empty(doing, argv, &format!("`{key}` of {}", visible(self.environment)))?;
        Ok(Command {
            argv: argv.iter().map(|argument| self.fill(argument)).collect(),
            cwd: what.root.clone(),
            env: env.to_vec(),
            set: set(what, Some(self.environment)),
        })
    }
}

/// The variables that flightdeck sets, so that a script need not take arguments.
fn set(what: &Resolved, environment: Option<&str>) -> BTreeMap<String, String> {
    let mut set = BTreeMap::from([
        ("FLIGHTDECK_REF".to_owned(), what.reference.clone()),
        ("FLIGHTDECK_COMMIT".to_owned(), what.commit.clone()),
    ]);
    if let Some(environment) = environment {
        set.insert("FLIGHTDECK_ENV".to_owned(), environment.to_owned());
    }
    set
}

#[cfg(test)]
mod tests;
