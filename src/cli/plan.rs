//! `flightdeck plan`: what is or was being carried out, and what a person decides about it.

mod decide;
pub(super) mod show;

use super::End;
use super::context::{Context, Loaded, Wanted};
use crate::conductor;
use crate::failure::{Failure, Result};
use crate::incident::{Decision, PlanRun, State};
use crate::plan::gates::LEASE;
use crate::plan::proposal;
use crate::text::visible;

/// See running and past plans, and decide how they go on
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
    /// Show a plan, how far each step came, and what can be done now
    Show {
        /// Id of the plan; default: the one that waits, else the last
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Resume a plan: release a hold, check again, or continue where it stopped
    Resume(Deciding),
    /// Retry the step that failed or whose outcome is unknown
    Retry(Deciding),
    /// Skip the step and continue with the next; for a running watch, promote now
    Skip(Deciding),
    /// Approve or reject what a pipeline waits for: a deployment, a manual job
    Review {
        /// Approve it
        #[arg(long, required_unless_present = "reject", conflicts_with = "reject")]
        approve: bool,
        /// Reject it
        #[arg(long)]
        reject: bool,
        /// The comment that goes with it
        #[arg(long, value_name = "TEXT")]
        comment: String,
        #[command(flatten)]
        deciding: Deciding,
    },
    /// Undo what was done
    Undo {
        /// Back to and including this step, as `plan show` numbers them; default: all that can be
        #[arg(long, value_name = "STEP")]
        to: Option<usize>,
        #[command(flatten)]
        deciding: Deciding,
    },
    /// Abandon a plan: nothing more of it runs, what was done stays done
    Cancel(Deciding),
    /// Take a target over from a plan whose process is gone
    TakeOver {
        /// The target: an environment, or `repository`
        #[arg(value_name = "TARGET")]
        target: String,
        /// Why: it goes into the record and the report
        #[arg(long, value_name = "WHY")]
        reason: String,
        /// How you know that its process on another machine is gone
        #[arg(long, value_name = "HOW")]
        gone: Option<String>,
    },
}

/// What every decision is given.
#[derive(Debug, clap::Args)]
pub(crate) struct Deciding {
    /// Id of the plan; default: the one that waits, else the last that failed or is unknown
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Confirm by the name of the target: where that is protected, or a step might be done twice
    #[arg(long, value_name = "TARGET")]
    pub(crate) confirm: Option<String>,

    /// Override a gate where the plan takes its target again, with a reason: `lease`
    #[arg(long = "override", value_name = "GATE", value_parser = [LEASE], requires = "reason")]
    pub(crate) pass_over: Option<String>,

    /// Why a step is skipped or a gate overridden: it goes into the record and the report
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: Option<String>,

    /// Return as soon as it was decided
    #[arg(long)]
    pub(crate) detach: bool,

    /// Show what it would carry out, and decide nothing
    #[arg(long, conflicts_with = "detach")]
    pub(crate) dry_run: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.command {
        Command::List { json } => {
            let loaded = fresh(cx)?;
            show::list(cx, loaded.state(), loaded.journal.author().node, *json)
        }
        Command::Show { id, json } => {
            let loaded = fresh(cx)?;
            let state = loaded.state();
            let proposed = state.proposals.iter().rev().find(|proposal| Some(&proposal.id) == id.as_ref());
            if let Some(proposal) = proposed {
                show::proposed(cx, &loaded, proposal, *json)?;
                return Ok(End::Done);
            }
            let to_see = match id {
                Some(id) => Some(find(state, id)?),
                None => state.plan_to_see(),
            };
            let waits = proposal::at_hand(state).filter(|_| id.is_none() && !*json);
            if let Some(plan) = to_see {
                show::show(cx, state, plan, loaded.journal.author().node, *json)?;
            } else if waits.is_none() {
                return Err(none());
            }
            if let Some(waits) = waits {
                show::proposed(cx, &loaded, waits, false)?;
            }
            Ok(End::Done)
        }
        Command::Resume(deciding) => decide::decide(cx, deciding, &Decision::Resume, None),
        Command::Retry(deciding) => decide::decide(cx, deciding, &Decision::Retry, None),
        Command::Skip(deciding) => {
            let reason = deciding.reason.as_deref().unwrap_or_default().trim().to_owned();
            decide::decide(cx, deciding, &Decision::Skip { reason }, None)
        }
        Command::Review { approve, reject: _, comment, deciding } => {
            let comment = comment.trim().to_owned();
            let decision =
                Decision::Review { approve: *approve, comment, waits_for: String::new(), ids: vec![] };
            decide::decide(cx, deciding, &decision, None)
        }
        Command::Undo { to, deciding } => decide::decide(cx, deciding, &Decision::Undo { to: 0 }, *to),
        Command::Cancel(deciding) => decide::decide(cx, deciding, &Decision::GiveUp, None),
        Command::TakeOver { target, reason, gone } => decide::take_over(cx, target, reason, gone.as_deref()),
    }
}

/// The incident, with what became of plans whose conductor is gone.
fn fresh(cx: &Context) -> Result<Loaded> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    ask_the_world(cx, &mut loaded);
    Ok(loaded)
}

/// Asks the world about steps of unknown fate that it was not asked about yet.
fn ask_the_world(cx: &Context, loaded: &mut Loaded) {
    if loaded.journal.read_only().is_some() {
        return;
    }
    let id = loaded.state().id;
    for plan in conductor::unasked(loaded.state()) {
        match conductor::prove(&mut loaded.journal, id, &plan) {
            // A plan of another machine is shown all the same.
            Ok(records) => loaded.fold_in(records).unwrap_or_else(|failure| cx.out.failure(&failure)),
            Err(failure) => cx.out.failure(&failure),
        }
    }
}

/// Finds out what became of plans whose conductor is gone, where that can be written down.
pub(super) fn refresh(cx: &Context, loaded: &mut Loaded) -> Result<()> {
    if loaded.journal.read_only().is_some() {
        return Ok(());
    }
    let id = loaded.state().id;
    let records = conductor::reconcile(&mut loaded.journal, &cx.state_dir, id)?;
    loaded.fold_in(records)?;
    // What keeps a watch from starting keeps nobody from reading.
    match conductor::tend(&mut loaded.journal, &cx.state_dir, id) {
        Ok(records) => loaded.fold_in(records)?,
        Err(failure) => cx.out.failure(&failure),
    }
    Ok(())
}

/// A plan by its id.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a PlanRun> {
    state.plan(id).ok_or_else(|| {
        let cause = format!("this incident has no plan called {}", visible(id));
        Failure::usage("finding the plan", cause, "flightdeck plan list")
    })
}

fn none() -> Failure {
    let hint = "flightdeck test, or flightdeck deploy ENV";
    Failure::usage("finding the plan", "none was started in this incident", hint)
}

/// Prints a plan as JSON.
pub(super) fn json(cx: &Context, state: &State, here: u64, id: &str) -> Result<()> {
    match state.plan(id) {
        Some(plan) => show::show(cx, state, plan, here, true).map(drop),
        None => Ok(()),
    }
}
