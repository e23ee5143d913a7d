//! The plan that takes a way back.

use std::collections::BTreeMap;

use super::{Again, Heard, Kind, Known, Ready, Way, revert};
use crate::deploy::flags::{self, Switch};
use crate::deploy::pushed::deployed_by;
use crate::deploy::{Fill, Resolved, canary, gates, pipeline, release, secrets, watch};
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::back::{NoRevert, Revert};
use crate::plan::pipeline::Rerun;
use crate::plan::{Action, Guard, Plan, Probe, Purpose, Reach, ReleaseSpec, Step, Subject, Undo};
use crate::text::visible;

/// The plan that takes a way back in an environment, with its gates. A way that is not proven
/// ready can be taken too, where it can be made a plan at all: the gate says what is known.
///
/// # Errors
/// It cannot be made a plan, and why.
pub fn plan(known: &Known<'_>, id: &str, way: &Way) -> Result<Plan> {
    let environment = known.environment.name.as_str();
    let doing = format!("planning a rollback of {}", visible(environment));
    let begun = Plan {
        confirm: Some(environment.to_owned()),
        way: Some(way.id.clone()),
        notes: notes(way),
        ..Plan::new(id, title(way), Purpose::Rollback, environment)
    };
    let plan = match way.kind {
        Kind::FlagOff => return flag_off(known, id, way),
        Kind::Redeploy => redeploy(known, &doing, way, begun)?,
        Kind::Rerun => rerun(known, &doing, way, begun)?,
        Kind::Revert => revert(known, &doing, way, begun)?,
        Kind::Own => own(known, &doing, way, begun)?,
        Kind::Switch => switch(known, &doing, way, begun)?,
    };
    let release = plan.release.map(|release| ReleaseSpec { replaces: known.current.clone(), ..release });
    let mut plan = Plan { release, ..plan };
    // Nobody may take it for a rollback that reached the users: it is confirmed by what it changes.
    let reverted = known.back.as_ref().and_then(|back| back.revert.as_ref().ok());
    let reverted = reverted.filter(|revert| way.kind == Kind::Revert && deploys_nothing(known, revert));
    if let Some(revert) = reverted.filter(|_| plan.release.is_none()) {
        plan.confirm = Some(revert.branch.clone());
        let (name, how) = (visible(environment).into_owned(), visible(&way.title).into_owned());
        plan.title = format!("revert for {name}, deploying nothing yet: {how}");
        plan.notes.insert(0, format!("{name} keeps what it runs: deploy it afterwards, by the same way"));
    }
    let plan = gates::attach_rollback(plan, known.config, known.policy, stands(way));
    Ok(secrets::attach(plan, known.config, &known.root))
}

/// Whether pushing a revert leaves the environment as it is, until somebody deploys it.
pub(super) fn deploys_nothing(known: &Known<'_>, revert: &Revert) -> bool {
    let mut by_push = deployed_by(known.config, &revert.branch, &revert.branch);
    !revert.runs.is_empty() && !by_push.any(|env| env.name == known.environment.name)
}

/// What a flag guards is no release: the plan is that of the flag itself.
fn flag_off(known: &Known<'_>, id: &str, way: &Way) -> Result<Plan> {
    let found = known.flags.iter().find(|flag| way.id.strip_prefix("flag:") == Some(&flag.name));
    let unknown = || Switch::Unknown("it was not asked".to_owned());
    let before = found.map_or_else(unknown, |flag| flag.state.clone());
    let name = found.map_or_else(|| way.id.clone(), |flag| flag.name.clone());
    let plan = flags::flag(known.config, id, &name, false, &before, &known.root)?;
    // It is confirmed as it is in the list of flags: the same is done.
    let plan = Plan { purpose: Purpose::Rollback, way: Some(way.id.clone()), ..plan };
    Ok(gates::attach_rollback(plan, known.config, known.policy, stands(way)))
}

/// A way that nobody can tell about may be taken, and says so; one that is known to fail only
/// where its gate is passed over.
fn stands(way: &Way) -> gates::WayBack {
    let title = visible(&way.title);
    let (may, why) = match &way.ready {
        Ready::Yes => (true, format!("{title}: proven ready")),
        Ready::Unknown(why) => (true, format!("{title}: not proven, {}", visible(why))),
        Ready::No(why) => (false, format!("{title}: {}", visible(why))),
    };
    let unproven = matches!(way.ready, Ready::Unknown(_));
    gates::WayBack { ready: may.then(|| way.id.clone()), why, unproven }
}

fn title(way: &Way) -> String {
    let back = match (way.leads_to(), way.goes_back_to.split_once(' ')) {
        (back, _) if back.is_empty() => back,
        // What it goes back to is said once.
        (_, Some((name, commit))) if way.title.split(' ').any(|word| word == name) => {
            format!(" {}", visible(commit))
        }
        (back, _) => format!(", {back}"),
    };
    format!("roll {} back: {}{back}", visible(&way.environment), visible(&way.title))
}

/// What a reader should know before confirming.
fn notes(way: &Way) -> Vec<String> {
    let mut notes = Vec::new();
    if way.takes_away_count > 0 {
        let s = if way.takes_away_count == 1 { "" } else { "s" };
        notes.push(format!("removes {} commit{s}:", way.takes_away_count));
        let shown = way.takes_away.iter().take(10);
        notes.extend(shown.map(|(id, subject)| format!("  {id} {}", visible(subject))));
        if way.takes_away_count > 10 {
            notes.push(format!("  and {} more", way.takes_away_count - 10));
        }
    }
    for path in way.migrations.iter().take(10) {
        notes.push(format!("migration in between: {}", visible(path)));
    }
    if way.kind == Kind::Revert {
        notes.push("landing it again later means reverting the revert".to_owned());
    }
    if let Some(gitops) = &way.undone_by {
        notes.push(format!("{} would undo this by itself: pause its sync first", visible(gitops)));
    }
    notes
}

fn refused(doing: &str, way: &Way, cause: &str, hint: &str) -> Failure {
    let doing = format!("{doing} by {}", visible(&way.id));
    Failure::of(FailureKind::Gate, doing, visible(cause), hint)
}

const OTHERS: &str = "see the other ways with flightdeck rollback --list";

/// The release as it is deployed again: by its tag if that still leads there, else by commit.
fn resolved(known: &Known<'_>, doing: &str, way: &Way) -> Result<Resolved> {
    let (Some(target), Some(back)) = (&known.target, &known.back) else {
        return Err(refused(doing, way, way.ready.why(), OTHERS));
    };
    if !back.target_is_here {
        return Err(refused(doing, way, way.ready.why(), "git fetch --tags brings what others have pushed"));
    }
    let reference = back.tag.clone().unwrap_or_else(|| target.commit.clone());
    Ok(Resolved {
        reference,
        commit: target.commit.clone(),
        root: known.root.clone(),
        dirty: false,
        tag: back.tag.clone(),
        version: target.version.clone(),
        same: Vec::new(),
        host: known.host.clone().unwrap_or_default(),
    })
}

/// All of it at once, also where a deploy would begin with a small share.
fn deployed(known: &Known<'_>, doing: &str, what: &Resolved, plan: Plan) -> Result<Plan> {
    let env = known.environment;
    let plan = Plan {
        frozen: BTreeMap::from([(what.reference.clone(), what.commit.clone())]),
        subject: Some(what.subject()),
        ..plan
    };
    if env.deploy.is_empty()
        && let Some(live) = known.live_side()
    {
        // Nothing but a side can be deployed to: beside what is live, then a switch.
        let made = crate::deploy::deploy(known.config, known.policy, &plan.id, &env.name, what, Some(live))?;
        let release = made.release.map(|release| ReleaseSpec { rollback: true, ..release });
        // How long going back is watched is a matter of its own.
        let steps = made.steps.into_iter().filter(|step| !matches!(step.action, Action::Watch(_))).collect();
        return Ok(Plan { release, steps, ..plan });
    }
    let fill = Fill::of(doing, &env.name, what, &env.env)?;
    if let Some(canary) = &env.canary {
        let (steps, after) = canary::all_at_once(env, canary, &fill, &visible(&what.reference))?;
        let release = ReleaseSpec { rollback: true, ..release::spec(&env.name, what, after) };
        return Ok(Plan { release: Some(release), steps, ..plan });
    }
    let undo = Undo::Irreversible { why: "what was there before is what broke".to_owned() };
    if let Some(pipeline) = &env.pipeline {
        let title = format!("deploy {} to {}", visible(&what.reference), visible(&env.name));
        let step = Step { undo, ..pipeline::step(env, pipeline, &fill, what, &title)? };
        let release = ReleaseSpec { rollback: true, ..release::spec(&env.name, what, 0) };
        let plan = Plan { release: Some(release), steps: vec![step], ..plan };
        return Ok(crate::deploy::with_token(plan, what));
    }
    let step = Step {
        proof: fill.probe(&env.proof, "proof", &env.expect)?,
        proof_within: env.proof_within,
        reach: Reach::Others,
        undo,
        ..Step::new(
            format!("deploy {} to {}", visible(&what.reference), visible(&env.name)),
            Action::Command(fill.command(&env.deploy, "deploy")?),
            env.timeout,
        )
    };
    let release = ReleaseSpec { rollback: true, ..release::spec(&env.name, what, 0) };
    Ok(Plan { release: Some(release), steps: vec![step], ..plan })
}

fn redeploy(known: &Known<'_>, doing: &str, way: &Way, plan: Plan) -> Result<Plan> {
    let what = resolved(known, doing, way)?;
    Ok(watched(known, deployed(known, doing, &what, plan)?))
}

/// The very run that deployed it, as another attempt: with what it was given then.
fn rerun(known: &Known<'_>, doing: &str, way: &Way, plan: Plan) -> Result<Plan> {
    let env = known.environment;
    let (Again::May(seen, job), Some(pipeline)) = (&known.again, &env.pipeline) else {
        return Err(refused(doing, way, way.ready.why(), OTHERS));
    };
    let what = resolved(known, doing, way)?;
    let fill = Fill::of(doing, &env.name, &what, &env.env)?;
    let of = if job.is_empty() { String::new() } else { format!("{} of ", visible(job)) };
    let title = format!("rerun {of}{} in {}", visible(&seen.name), visible(&env.name));
    let (id, name, attempt) = (seen.id.clone(), seen.name.clone(), seen.attempt);
    let begin = Rerun { id, name, attempt, failed: false, job: job.clone(), only_look: false }.into();
    let undo = Undo::Irreversible { why: "what was there before is what broke".to_owned() };
    let step = pipeline::made(env, pipeline, &fill, &what, &title, (begin, seen.commit.clone()))?;
    let plan = Plan {
        frozen: BTreeMap::from([(what.reference.clone(), what.commit.clone())]),
        subject: Some(what.subject()),
        release: Some(ReleaseSpec { rollback: true, ..release::spec(&env.name, &what, 0) }),
        steps: vec![Step { undo, ..step }],
        ..plan
    };
    Ok(watched(known, crate::deploy::with_token(plan, &what)))
}

fn revert(known: &Known<'_>, doing: &str, way: &Way, plan: Plan) -> Result<Plan> {
    let revert = match known.back.as_ref().map(|back| &back.revert) {
        Some(Ok(revert)) => revert,
        Some(Err(NoRevert::No(why) | NoRevert::Unknown(why))) => {
            return Err(refused(doing, way, why, OTHERS));
        }
        None => return Err(refused(doing, way, way.ready.why(), OTHERS)),
    };
    if !revert.conflicts.is_empty() {
        let hint = "revert by hand and settle the conflicts, or take another way: flightdeck rollback --list";
        return Err(refused(doing, way, way.ready.why(), hint));
    }
    if revert.runs.is_empty() {
        let what = Resolved {
            reference: revert.onto.clone(),
            commit: revert.onto.clone(),
            root: known.root.clone(),
            ..Resolved::default()
        };
        return Ok(watched(known, deployed(known, doing, &what, plan)?));
    }
    let onto = Subject { reference: revert.tracking.clone(), commit: revert.onto.clone(), dirty: false };
    Ok(Plan {
        frozen: BTreeMap::from([(revert.tracking.clone(), revert.onto.clone())]),
        subject: Some(onto),
        steps: revert::steps(known.config, &known.root, revert),
        ..plan
    })
}

fn own(known: &Known<'_>, doing: &str, way: &Way, plan: Plan) -> Result<Plan> {
    let env = known.environment;
    let index = env.rollbacks.iter().position(|own| own.name == way.id);
    let Some((own, heard)) = index.and_then(|index| Some((env.rollbacks.get(index)?, known.own.get(index)?)))
    else {
        return Err(refused(doing, way, "it is not configured any more", OTHERS));
    };
    let fill = Fill::new(doing, &env.name, &known.root, &env.env)?;
    let fill = match heard {
        Heard::Said { line, .. } => fill.with("target", "target", line)?,
        _ => fill,
    };
    // What it is to be proven by is not known where its target is not.
    let is_clear = matches!(heard, Heard::Said { .. }) || !own.expect.contains("{target}");
    let proof = if is_clear { fill.probe(&own.proof, "proof", &own.expect)? } else { None };
    let step = Step {
        proof,
        proof_within: env.proof_within,
        reach: Reach::Others,
        undo: Undo::Irreversible { why: "what was there before is what broke".to_owned() },
        ..Step::new(
            format!("{} in {}", visible(&own.name), visible(&env.name)),
            Action::Command(fill.command(&own.command, "rollbacks")?),
            own.timeout,
        )
    };
    Ok(watched(known, Plan { release: found(known, heard), steps: vec![step], ..plan }))
}

/// What is in the environment once it has gone back to what was found there.
fn found(known: &Known<'_>, heard: &Heard) -> Option<ReleaseSpec> {
    let Heard::Said { line, commit: Some(commit) } = heard else { return None };
    let known_as = known.release_of(commit);
    Some(ReleaseSpec {
        environment: known.environment.name.clone(),
        reference: known_as.map_or_else(|| line.clone(), |release| release.reference.clone()),
        commit: commit.clone(),
        tag: known_as.and_then(|release| release.tag.clone()),
        version: known_as.and_then(|release| release.version.clone()),
        rollback: true,
        replaces: None,
        after: 0,
    })
}

fn switch(known: &Known<'_>, doing: &str, way: &Way, plan: Plan) -> Result<Plan> {
    let env = known.environment;
    let (Some(sides), Some(live), Some(idle)) = (&env.blue_green, known.live_side(), known.idle_side())
    else {
        return Err(refused(doing, way, way.ready.why(), OTHERS));
    };
    let fill = |side: &str| {
        Fill::new(doing, &env.name, &known.root, &env.env).and_then(|fill| fill.with("side", "side", side))
    };
    let (back, forth) = (fill(idle)?, fill(live)?);
    let asks = |fill: &Fill<'_>, side: &str| -> Result<Probe> {
        Ok(Probe::command(fill.command(&sides.live, "live")?, Some(side.to_owned())))
    };
    let step = Step {
        guards: vec![Guard { title: format!("{} is still live", visible(live)), probe: asks(&back, live)? }],
        proof: Some(asks(&back, idle)?),
        proof_within: env.proof_within,
        reach: Reach::Others,
        undo: Undo::By {
            action: Action::Command(forth.command(&sides.switch, "switch")?),
            proof: Some(asks(&forth, live)?),
        },
        ..Step::new(
            format!("make {} live in {}", visible(idle), visible(&env.name)),
            Action::Command(back.command(&sides.switch, "switch")?),
            env.timeout,
        )
    };
    Ok(watched(known, Plan { release: found(known, &known.idle), steps: vec![step], ..plan }))
}

/// The plan with a look at what came of it.
fn watched(known: &Known<'_>, mut plan: Plan) -> Plan {
    if plan.steps.iter().any(|step| matches!(step.action, Action::Watch(_))) {
        return plan;
    }
    let name = &known.environment.name;
    match watch::step(known.config, name, known.policy.rollback_watch, &known.root) {
        Some(step) => plan.steps.push(step),
        None => plan.notes.push(format!("nothing is watched in {}: look for yourself", visible(name))),
    }
    plan
}
