//! `flightdeck plan`: what is or was being carried out.

use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::carry::preview;
use super::context::{Context, Loaded, Wanted};
use super::follow::words;
use super::status_json::step_state;
use crate::conductor;
use crate::failure::{Failure, Result};
use crate::incident::{Outcome, PlanRun, Proof, State};
use crate::plan::Plan;
use crate::text::visible;

/// See what is or was being carried out
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked of plans.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the plans of the incident
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a plan and how far each step came; the last one if none is named
    Show {
        /// Id of the plan
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let state = loaded.state();
    match &args.command {
        Command::List { json: true } => {
            cx.out.json(&state.plans.iter().map(sheet).collect::<Vec<_>>())?;
        }
        Command::List { json: false } => list(cx, state)?,
        Command::Show { id, json } => {
            let plan = find(state, id.as_deref())?;
            if *json {
                cx.out.json(&sheet(plan))?;
            } else {
                show(cx, plan)?;
            }
        }
    }
    Ok(End::Done)
}

/// Finds out what became of plans whose conductor is gone, where that can be written down.
pub(super) fn refresh(cx: &Context, loaded: &mut Loaded) -> Result<()> {
    if loaded.journal.read_only().is_some() {
        return Ok(());
    }
    let id = loaded.state().id;
    for record in conductor::reconcile(&mut loaded.journal, &cx.state_dir, id)? {
        loaded.log.insert(record);
    }
    Ok(())
}

fn find<'a>(state: &'a State, id: Option<&str>) -> Result<&'a PlanRun> {
    let doing = "finding the plan";
    let Some(id) = id else {
        return state.plans.last().ok_or_else(|| {
            Failure::usage(
                doing,
                "none was started in this incident",
                "flightdeck test, or flightdeck deploy ENV",
            )
        });
    };
    state.plan(id).ok_or_else(|| {
        let cause = format!("this incident has no plan called {}", visible(id));
        Failure::usage(doing, cause, "flightdeck plan list")
    })
}

fn list(cx: &Context, state: &State) -> Result<()> {
    for plan in &state.plans {
        let why = if plan.why.is_empty() { String::new() } else { format!(": {}", plan.why) };
        let at = plan.started_at.strftime("%H:%M:%S");
        cx.out.line(&format!("{at}  {:<9}  {}  {}{why}", plan.state.name(), plan.id, plan.title))?;
    }
    Ok(())
}

fn show(cx: &Context, plan: &PlanRun) -> Result<()> {
    cx.out.line(&format!("{}: {}", plan.id, plan.state.name()))?;
    if !plan.why.is_empty() {
        cx.out.line(&format!("  {}", plan.why))?;
    }
    cx.out.line(&format!("  started by {} at {:.0}", plan.by, plan.started_at))?;
    if let Some(at) = plan.ended_at {
        cx.out.line(&format!("  ended at {at:.0}"))?;
    }
    for step in &plan.steps {
        let word = step_state(plan.state, step);
        cx.out.line(&format!("  {word:<9} {}", step.title))?;
        if let Some(run) = &step.run {
            let outcome = run.outcome.as_ref().map_or("running".to_owned(), words);
            cx.out.line(&format!("            {}: {outcome}", run.id))?;
            for (at, signal) in &run.signals {
                cx.out.line(&format!("            {signal} sent at {at:.0}"))?;
            }
        }
        if let Some((_, proof, why)) = &step.proof {
            let answer = match proof {
                Proof::Done => "done",
                Proof::NotDone => "not done",
                Proof::Unknown => "cannot be found out",
            };
            cx.out.line(&format!("            proof: {answer} ({why})"))?;
        }
    }
    match serde_json::from_value::<Plan>(plan.spec.clone()) {
        Ok(spec) => cx.out.lines(&preview(&spec)),
        Err(_) => cx.out.line("  its commands were written by another version and cannot be shown"),
    }
}

/// A plan as JSON.
#[derive(Serialize)]
struct Sheet<'a> {
    id: &'a str,
    title: &'a str,
    purpose: &'a str,
    target: &'a str,
    state: &'static str,
    why: &'a str,
    by: &'a str,
    hash: &'a str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    steps: Vec<StepSheet<'a>>,
    spec: &'a serde_json::Value,
}

#[derive(Serialize)]
struct StepSheet<'a> {
    title: &'a str,
    state: &'static str,
    run: Option<&'a str>,
    outcome: Option<&'a Outcome>,
    proof: Option<Proof>,
}

fn sheet(plan: &PlanRun) -> Sheet<'_> {
    Sheet {
        id: &plan.id,
        title: &plan.title,
        purpose: &plan.purpose,
        target: &plan.target,
        state: plan.state.name(),
        why: &plan.why,
        by: &plan.by,
        hash: &plan.hash,
        started_at: plan.started_at,
        ended_at: plan.ended_at,
        steps: plan
            .steps
            .iter()
            .map(|step| StepSheet {
                title: &step.title,
                state: step_state(plan.state, step),
                run: step.run.as_ref().map(|run| run.id.as_str()),
                outcome: step.run.as_ref().and_then(|run| run.outcome.as_ref()),
                proof: step.proof.as_ref().map(|(_, proof, _)| *proof),
            })
            .collect(),
        spec: &plan.spec,
    }
}
