//! Whom the pipeline of a plan will wait for at its host, asked before the plan is confirmed. It decides nothing: what
//! cannot be found out in a moment is said to be unknown.

use std::time::{Duration, Instant};

use super::forge::Visit;
use super::prepare::Ground;
use super::secrets::get;
use crate::deploy::pipeline::protect::{self, Protection};
use crate::plan::forge::Place;
use crate::plan::pipeline::{Pipeline, Runner};
use crate::plan::{Action, Plan, SecretFrom};

/// How long all questions may take together.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is said of it beside the steps of a plan.
pub(super) fn notes(ground: &Ground<'_>, plan: &Plan) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    let mut asked = Vec::new();
    let mut notes = Vec::new();
    for step in &plan.steps {
        let Action::Pipeline(pipeline) = &step.action else { continue };
        let Some((place, environment)) = environment(ground, pipeline) else { continue };
        if asked.contains(&(place, environment)) {
            continue;
        }
        let left = until.saturating_duration_since(Instant::now());
        let named = protect::place(place.forge, environment);
        match ask(plan, place, environment, left) {
            Ok(lines) => notes.extend(lines),
            Err(why) => {
                notes.push(format!("whether the pipeline waits for reviewers is not known ({named}): {why}"));
            }
        }
        asked.push((place, environment));
    }
    notes
}

/// Whom or what the pipeline of a plan that deploys to an environment waits for; empty: nothing. Where nobody can tell so soon it says so.
pub(super) fn brief(ground: &Ground<'_>, plan: &Plan, name: &str) -> String {
    let mut pipelines = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Pipeline(pipeline) if pipeline.environment == name => environment(ground, pipeline),
        _ => None,
    });
    let Some((place, environment)) = pipelines.next() else { return String::new() };
    let protection = protection(plan, place, environment, PATIENCE);
    match protection {
        Ok(rules) => rules.map(|rules| rules.brief()).unwrap_or_default(),
        Err(_) => "a reviewer, if its host asks for one".to_owned(),
    }
}

/// The environment at the host that a pipeline deploys to: the one whose deployments are read, else the one of that name.
fn environment<'a>(ground: &Ground<'a>, pipeline: &'a Pipeline) -> Option<(&'a Place, &'a str)> {
    let place = match &pipeline.runner {
        Runner::GithubActions { place, .. } | Runner::Gitlab { place, .. } => place,
        Runner::Command { .. } => return None,
    };
    let env = ground.config.environments.iter().find(|env| env.name == pipeline.environment);
    let named = env.and_then(|env| env.pipeline.as_ref()).map_or("", |pipeline| &pipeline.deployments);
    Some((place, if named.is_empty() { &pipeline.environment } else { named }))
}

fn ask(plan: &Plan, place: &Place, environment: &str, patience: Duration) -> Result<Vec<String>, String> {
    let rules = protection(plan, place, environment, patience)?;
    Ok(rules.map(|rules| rules.lines(&protect::place(place.forge, environment))).unwrap_or_default())
}

fn protection(
    plan: &Plan,
    place: &Place,
    environment: &str,
    patience: Duration,
) -> Result<Option<Protection>, String> {
    let source = plan.secrets.iter().find(|secret| secret.name == place.token);
    if source.is_some_and(|source| matches!(source.from, SecretFrom::Command(_))) {
        return Err("its token is printed by a command, which runs only once the plan needs it".to_owned());
    }
    let value = source.map(get).transpose()?;
    let token = value.as_ref().and_then(super::forge::text_of);
    let mut visit = Visit::new(place, token, patience)?;
    // Who reads the plan does not wait for what may be there later.
    visit.ask_once();
    visit.protection(environment).map_err(|lost| lost.why)
}
