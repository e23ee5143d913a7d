//! What the verbs share that change the world: plan, confirmation, start, and following.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};

use super::End;
use super::args::WorldArgs;
use super::context::{Context, Wanted};
use super::follow::follow;
use crate::conductor::{self, PassOver, Started};
use crate::config::types::Config;
use crate::failure::{Failure, Result};
use crate::incident::{History, Policy, duration};
use crate::plan::gates::Gate;
use crate::plan::{Action, Plan, Reach, Request};
use crate::text::visible;

/// Makes a plan of a request and does with it what was asked: shows it, or confirms, starts
/// and follows it.
///
/// # Errors
/// The plan cannot be made, is not confirmed, or its target is held by somebody else.
pub(super) fn carry(cx: &Context, config: &Config, request: &Request, world: &WorldArgs) -> Result<End> {
    if world.dry_run {
        let plan = made(cx, config, "dry-run", request)?;
        cx.out.lines(&preview(&plan))?;
        return Ok(End::Done);
    }
    let mut loaded = cx.load(Wanted::Open)?;
    let id = conductor::plan_id(loaded.state(), request);
    let plan = made(cx, config, &id, request)?;
    let confirmed = confirm(cx, &plan, world)?;
    let repository = &cx.place()?.repository;
    let incident = loaded.state().id;
    let seq = loaded.seq;
    let policy = Policy::built_in().with(&config.policy);
    let pass_over = passed_over(world)?;
    let journal = &mut loaded.journal;
    let started = conductor::start(
        journal,
        &cx.state_dir,
        incident,
        repository,
        &plan,
        &confirmed,
        &policy,
        &pass_over,
    )?;
    match started {
        Started::Blocked(standings) => Err(conductor::blocked(&plan, &standings)),
        Started::Held(lease) => Err(conductor::held(&format!("starting {}", plan.title), &lease, cx.now())),
        Started::Yes(_) if world.detach => {
            cx.out.line(&plan.id)?;
            Ok(End::Done)
        }
        Started::Yes(_) => {
            cx.out.tell(&format!("{}  ({})", plan.title, plan.id));
            follow(cx, &mut loaded.journal, incident, &plan.id, seq)
        }
    }
}

fn made(cx: &Context, config: &Config, id: &str, request: &Request) -> Result<Plan> {
    let policy = Policy::built_in().with(&config.policy);
    let history = history(cx)?;
    let ground =
        conductor::Ground { root: cx.root()?, config, policy: &policy, history: &history, now: cx.now() };
    conductor::prepare(&ground, id, request)
}

/// What is known of releases and ways back.
pub(super) fn history(cx: &Context) -> Result<History> {
    cx.journal_to_read()?.history(&cx.place()?.repository)
}

/// The plan as it is shown before it runs.
pub(super) fn preview(plan: &Plan) -> String {
    let mut text = format!("{}\n", visible(&plan.title));
    for (reference, commit) in &plan.frozen {
        let _ = writeln!(text, "  {} is {}", visible(reference), visible(commit));
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>3}  {}", number + 1, visible(&step.action.line()));
        if let Action::Command(command) = &step.action {
            let _ = writeln!(text, "     in {}", visible(&command.cwd));
            if !command.env.is_empty() {
                let _ = writeln!(text, "     with {}", visible(&command.env.join(" ")));
            }
            for (name, value) in &command.set {
                let _ = writeln!(text, "     {}={}", visible(name), visible(value));
            }
        }
        let reach = match step.reach {
            Reach::Here => "this machine only",
            Reach::Others => "reaches others",
        };
        let _ = writeln!(text, "     {reach}; stopped after {}", duration(step.timeout));
        if let Some(proof) = &step.proof {
            let _ = writeln!(text, "     proof: {}", visible(&proof.ask.line()));
        }
    }
    for note in &plan.notes {
        let _ = writeln!(text, "  {}", visible(note));
    }
    if let Some(target) = &plan.confirm {
        let _ = writeln!(text, "To go ahead its target has to be named: --confirm {}", visible(target));
    }
    text
}

/// How the plan was confirmed, in words.
fn confirm(cx: &Context, plan: &Plan, world: &WorldArgs) -> Result<String> {
    let doing = || format!("confirming {}", plan.title);
    if let Some(said) = &world.confirm {
        if *said == plan.target {
            return Ok(format!("--confirm {}", visible(said)));
        }
        let cause =
            format!("--confirm names {}, the plan's target is {}", visible(said), visible(&plan.target));
        return Err(Failure::usage(doing(), cause, "nothing was started; look at the plan with --dry-run"));
    }
    let Some(target) = &plan.confirm else { return Ok("by the verb".to_owned()) };
    let hint = format!("look at the plan with --dry-run, then add --confirm {}", visible(target));
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let cause = format!("{} is protected: its name has to be given", visible(target));
        return Err(Failure::usage(doing(), cause, hint));
    }
    cx.out.tell(&preview(plan));
    cx.out.tell(&format!("type {} to go ahead, anything else to leave it:", visible(target)));
    // What was typed before the question was asked is no answer to it.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::new(doing(), error, hint.clone()))?;
    if typed.trim_end_matches(['\r', '\n']) == target {
        return Ok(format!("typed {}", visible(target)));
    }
    Err(Failure::usage(doing(), "what was typed is not the name of its target", hint))
}

/// The gates to be passed over, each with its reason.
fn passed_over(world: &WorldArgs) -> Result<Vec<PassOver>> {
    let doing = "passing over gates";
    if world.pass_over.is_empty() && world.reason.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(unknown) = world.pass_over.iter().find(|gate| !Gate::IDS.contains(&gate.as_str())) {
        let cause = format!("there is no gate {}", visible(unknown));
        return Err(Failure::usage(doing, cause, format!("the gates are: {}", Gate::IDS.join(", "))));
    }
    let reasons = &world.reason;
    if reasons.iter().any(|reason| reason.trim().is_empty())
        || (reasons.len() != 1 && reasons.len() != world.pass_over.len())
    {
        let cause = "each gate needs a reason, or all of them one";
        return Err(Failure::usage(doing, cause, "--override GATE --reason WHY"));
    }
    let reason = |index: usize| reasons.get(index).or(reasons.first()).cloned().unwrap_or_default();
    let given = world.pass_over.iter().enumerate();
    Ok(given.map(|(index, gate)| PassOver { gate: gate.clone(), reason: reason(index) }).collect())
}
