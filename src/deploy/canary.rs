//! A canary: the new version beside the old, a small share of the traffic, then more. Pure.

use jiff::SignedDuration;

use super::{Fill, Way, watch};
use crate::config::types::{Canary, Config, Environment, Probe as Asked};
use crate::failure::{Failure, Result};
use crate::incident::{duration, share_title};
use crate::plan::{Action, Guard, OnFailure, Probe, Reach, Step, Undo};
use crate::text::visible;

/// The steps of a canary: deploy beside what is live, then share by share set, look, and go
/// on. What fails takes the share back to nothing; what cannot be told waits for a person.
pub(super) fn steps(
    config: &Config,
    env: &Environment,
    canary: &Canary,
    fill: &Fill<'_>,
    what: &str,
    root: &str,
) -> Result<Way> {
    let abort = if canary.abort.is_empty() { &env.watched } else { &canary.abort };
    let probes = watch::named(config, env, abort);
    let mut steps = vec![beside(env, fill, what)?];
    let mut live_after = 0;
    let mut before = 0;
    let first = steps.len();
    for &weight in &canary.weights {
        if canary.ask && before > 0 {
            steps.push(hold(weight, canary.patience));
        }
        live_after = steps.len();
        steps.push(share(env, canary, fill, before, weight)?);
        let look = watch::step_with(env, &probes, canary.look, root).ok_or_else(|| {
            let cause = format!("no probe could tell how a canary in {} does", visible(&env.name));
            Failure::usage(
                fill.doing(),
                cause,
                "add a [[probes]] table for that environment to flightdeck.toml",
            )
        })?;
        steps.push(Step {
            title: format!("hold at {weight} % for {}", duration(canary.look)),
            on_failure: OnFailure::UndoTo { step: first },
            ..look
        });
        before = weight;
    }
    Ok(Way { steps, live_after, notes: notes(canary, &probes) })
}

/// Deploys beside what is live, without any traffic yet.
fn beside(env: &Environment, fill: &Fill<'_>, what: &str) -> Result<Step> {
    Ok(Step {
        proof: fill.probe(&env.proof, "proof", &env.expect)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        on_failure: OnFailure::Ask,
        ..Step::new(
            format!("start {what} next to the live version (no traffic yet)"),
            Action::Command(fill.command(&env.deploy, "deploy")?),
            env.timeout,
        )
    })
}

/// The steps that bring a version to everybody without looking on the way: to go back to one that
/// is known to be good.
pub(super) fn all_at_once(
    env: &Environment,
    canary: &Canary,
    fill: &Fill<'_>,
    what: &str,
) -> Result<(Vec<Step>, usize)> {
    let gone = || Undo::Irreversible { why: "what was there before is what broke".to_owned() };
    let deploy = Step { undo: gone(), ..beside(env, fill, what)? };
    let share = Step { undo: gone(), ..share(env, canary, fill, 0, 100)? };
    let steps: Vec<Step> = [deploy, share].into_iter().chain(finish(env, canary, fill)?).collect();
    Ok((steps, 1))
}

/// The step that ends a canary that held; `None` where nothing is configured to.
pub(super) fn finish(env: &Environment, canary: &Canary, fill: &Fill<'_>) -> Result<Option<Step>> {
    if canary.finish.is_empty() {
        return Ok(None);
    }
    let why = "the old version is gone then: go back by a rollback".to_owned();
    Ok(Some(Step {
        reach: Reach::Others,
        undo: Undo::Irreversible { why },
        on_failure: OnFailure::Ask,
        ..Step::new(
            "end the canary",
            Action::Command(fill.command(&canary.finish, "canary.finish")?),
            env.timeout,
        )
    }))
}

/// The shares in words: `5 → 25 → 100 %`.
pub fn shares(weights: &[u8]) -> String {
    weights.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ") + " %"
}

fn share(env: &Environment, canary: &Canary, fill: &Fill<'_>, before: u8, weight: u8) -> Result<Step> {
    let set = |weight: u8| {
        let fill = fill.clone().with("weight", "share", &weight.to_string())?;
        fill.command(&canary.set, "canary.set")
    };
    let is = |weight: u8| fill.probe(&canary.weight, "canary.weight", &weight.to_string());
    // Somebody may have taken it back by hand meanwhile: then it does not go on. What the
    // share was before the first is for the deploy to say.
    let guards = if before == 0 {
        Vec::new()
    } else {
        let guard = |probe: Probe| Guard { title: format!("the canary is still at {before} %"), probe };
        is(before)?.map(guard).into_iter().collect()
    };
    Ok(Step {
        guards,
        proof: is(weight)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        retry_is_safe: true,
        undo: Undo::By { action: Action::Command(set(before)?), proof: is(before)? },
        on_failure: OnFailure::Ask,
        ..Step::new(share_title(weight), Action::Command(set(weight)?), env.timeout)
    })
}

fn hold(next: u8, patience: SignedDuration) -> Step {
    let title = format!("wait for a person before {next} %");
    Step { retry_is_safe: true, ..Step::new(title, Action::Hold { time: None }, patience) }
}

fn notes(canary: &Canary, probes: &[Asked]) -> Vec<String> {
    let names: Vec<_> = probes.iter().map(|probe| visible(&probe.name).into_owned()).collect();
    let mut notes = vec![format!("rolls back to 0 % when one of these fails: {}", names.join(", "))];
    if canary.weight.is_empty() {
        notes.push("no `canary.weight` command tells the share in force".to_owned());
    }
    notes
}
