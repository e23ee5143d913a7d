//! Blue-green: deploy to the idle side, check it, switch, keep the old side. Pure.

use super::{Fill, Way};
use crate::config::types::{BlueGreen, Environment};
use crate::failure::{Failure, Result};
use crate::plan::{Action, Guard, OnFailure, Probe, Reach, Step, Undo};
use crate::text::visible;

/// The side that is not `live`; `None` where `live` is neither.
pub fn other<'a>(sides: &'a BlueGreen, live: &str) -> Option<&'a str> {
    match &sides.sides {
        [one, other] if one == live => Some(other),
        [one, other] if other == live => Some(one),
        _ => None,
    }
}

/// The side that is live, as the `live` command printed it.
///
/// # Errors
/// It said nothing, or named no side there is.
pub fn live_side(doing: &str, env: &Environment, sides: &BlueGreen, said: &str) -> Result<String> {
    if other(sides, said).is_some() {
        return Ok(said.to_owned());
    }
    let [one, another] = &sides.sides;
    let cause = if said.is_empty() {
        "the `live` command said nothing".to_owned()
    } else {
        format!("the `live` command said {:?}", visible(said))
    };
    let hint = format!(
        "its first line has to be {} or {}: run `blue_green.live` of {} by hand",
        visible(one),
        visible(another),
        visible(&env.name)
    );
    Err(Failure::new(doing, cause, hint))
}

/// The steps: deploy to the idle side, check it, switch. `live` is the side that is live now.
pub(super) fn steps(
    env: &Environment,
    sides: &BlueGreen,
    fill: &Fill<'_>,
    what: &str,
    live: &str,
) -> Result<Way> {
    let (live, idle) = (live, idle_of(sides, live, fill)?);
    let of_idle = fill.clone().with("side", "side", idle)?;
    let guard = still(sides, fill, live)?;
    let shown = visible(idle);
    let deploy = Step {
        guards: vec![guard],
        proof: of_idle.probe(&sides.version, "blue_green.version", &env.expect)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        on_failure: OnFailure::Ask,
        ..Step::new(
            format!("deploy {what} to {shown}, the idle side"),
            Action::Command(of_idle.command(&sides.deploy, "blue_green.deploy")?),
            env.timeout,
        )
    };
    let mut steps = vec![deploy];
    if !sides.check.is_empty() {
        steps.push(Step {
            reach: Reach::Others,
            retry_is_safe: true,
            on_failure: OnFailure::Ask,
            ..Step::new(
                format!("check {shown}"),
                Action::Command(of_idle.command(&sides.check, "blue_green.check")?),
                env.timeout,
            )
        });
    }
    let live_after = steps.len();
    steps.push(switch(env, sides, fill, live)?);
    let kept = visible(live);
    let notes = vec![format!("{kept} is live and is kept as it is, to switch back to; {shown} is idle")];
    Ok(Way { steps, live_after, notes })
}

/// The step that switches from the side that is live to the other, and back when undone.
///
/// # Errors
/// `live` is no side of this environment, or a command names no program.
pub fn switch(env: &Environment, sides: &BlueGreen, fill: &Fill<'_>, live: &str) -> Result<Step> {
    let idle = idle_of(sides, live, fill)?;
    let to = |side: &str| {
        let fill = fill.clone().with("side", "side", side)?;
        fill.command(&sides.switch, "blue_green.switch").map(Action::Command)
    };
    let title = format!("switch {} from {} to {}", visible(&env.name), visible(live), visible(idle));
    Ok(Step {
        guards: vec![still(sides, fill, live)?],
        proof: Some(is_live(sides, fill, idle)?),
        proof_within: env.proof_within,
        reach: Reach::Others,
        retry_is_safe: true,
        undo: Undo::By { action: to(live)?, proof: Some(is_live(sides, fill, live)?) },
        on_failure: OnFailure::Ask,
        ..Step::new(title, to(idle)?, env.timeout)
    })
}

fn idle_of<'a>(sides: &'a BlueGreen, live: &str, fill: &Fill<'_>) -> Result<&'a str> {
    other(sides, live).ok_or_else(|| {
        let cause = format!("{:?} is neither of its sides", visible(live));
        Failure::usage(fill.doing(), cause, "see what the `blue_green.live` command prints")
    })
}

/// Asks whether a side is live. The `live` command is about the environment alone.
fn is_live(sides: &BlueGreen, fill: &Fill<'_>, side: &str) -> Result<Probe> {
    Ok(Probe::command(fill.command(&sides.live, "blue_green.live")?, Some(side.to_owned())))
}

fn still(sides: &BlueGreen, fill: &Fill<'_>, live: &str) -> Result<Guard> {
    Ok(Guard { title: format!("{} is still live", visible(live)), probe: is_live(sides, fill, live)? })
}
