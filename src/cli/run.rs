//! `flightdeck run`: the commands behind the plans.

use std::time::{Duration, Instant};

use super::End;
use super::context::{Context, Loaded, Wanted};
use super::follow::{GLANCE, words};
use super::plan::refresh;
use super::terminal::{Keys, Page, Typed};
use crate::conductor;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Outcome, Run, State, StopAsked};
use crate::text::visible;

/// Follow, read or stop the commands behind the plans
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done with a run.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Connect to its terminal: see its output and answer its questions
    Attach {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print its output
    Log {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
        /// Go on until it ends
        #[arg(long)]
        follow: bool,
    },
    /// Stop it: INT, then TERM, then KILL to all its processes
    Stop {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.command {
        Command::Attach { id } => attach(cx, id),
        Command::Log { id, follow } => log(cx, id, *follow),
        Command::Stop { id } => stop(cx, id),
    }
}

/// Finds a run by its id, or by that of its plan: the one it is at.
fn find<'a>(state: &'a State, id: &str) -> Result<&'a Run> {
    let last = || state.plan(id)?.steps.iter().rev().find_map(|step| step.run.as_ref());
    state.run(id).map(|(_, run)| run).or_else(last).ok_or_else(|| {
        let cause = match state.plan(id) {
            Some(_) => format!("nothing of {} has begun", visible(id)),
            None => format!("this incident has no run called {}", visible(id)),
        };
        Failure::usage("finding the run", cause, "flightdeck plan show lists the runs of a plan")
    })
}

fn log(cx: &Context, id: &str, follow: bool) -> Result<End> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let run = find(loaded.state(), id)?.id.clone();
    let mut page = Page::open(cx, loaded.state().id, &run, false)?;
    page.print_all(cx)?;
    if follow {
        while !has_ended(cx, &mut loaded, &run)? {
            page.print_all(cx)?;
            std::thread::sleep(GLANCE);
        }
        // The log is whole before the end is announced.
        page.print_all(cx)?;
    }
    page.finish(cx)?;
    Ok(End::Done)
}

/// Tells whether a run has ended by now.
fn has_ended(cx: &Context, loaded: &mut Loaded, run: &str) -> Result<bool> {
    let (records, seq) = loaded.journal.since(loaded.state().id, loaded.seq)?;
    loaded.seq = seq;
    for record in records {
        loaded.log.insert(record);
    }
    refresh(cx, loaded)?;
    Ok(find(loaded.state(), run)?.outcome.is_some())
}

fn attach(cx: &Context, id: &str) -> Result<End> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let incident = loaded.state().id;
    let run = find(loaded.state(), id)?.id.clone();
    if Keys::would_be_raw(cx) {
        cx.out.tell("attached; Ctrl-] leaves it running");
    }
    let mut keys = Keys::new(cx)?;
    let mut page = Page::open(cx, incident, &run, keys.is_raw())?;
    let ended = loop {
        page.print_all(cx)?;
        match keys.wait(GLANCE)? {
            Typed::Keys(bytes) if find(loaded.state(), &run)?.outcome.is_none() => {
                // Whether it still reads them is seen from its record.
                let sent = conductor::send_input(&cx.state_dir, incident, &run, &bytes);
                if let Err(failure) = sent
                    && !has_ended(cx, &mut loaded, &run)?
                {
                    return Err(failure);
                }
            }
            Typed::Detach => break false,
            Typed::Keys(_) | Typed::Nothing => {}
        }
        if has_ended(cx, &mut loaded, &run)? {
            page.print_all(cx)?;
            break true;
        }
    };
    page.finish(cx)?;
    drop(keys);
    if !ended {
        cx.out.tell(&format!("{run} goes on"));
        return Ok(End::Done);
    }
    let run = find(loaded.state(), &run)?;
    let Some(outcome) = &run.outcome else { return Ok(End::Done) };
    cx.out.tell(&format!("{} {}", run.id, words(outcome)));
    Ok(match outcome {
        Outcome::Exited { code: 0 } => End::Done,
        Outcome::Unknown { .. } => End::Bad(FailureKind::Unknown),
        _ => End::Bad(FailureKind::Failed),
    })
}

/// How long a stop is followed: the whole escalation, and then some.
const STOP: Duration = Duration::from_secs(30);

fn stop(cx: &Context, id: &str) -> Result<End> {
    let mut loaded = cx.load(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let run = find(loaded.state(), id)?;
    let doing = format!("stopping {}", visible(&run.id));
    if let Some(outcome) = &run.outcome {
        let cause = format!("it has ended: it {}", words(outcome));
        return Err(Failure::usage(doing, cause, "flightdeck plan list shows what runs"));
    }
    let run = run.id.clone();
    let record = loaded.append(None, cx.now(), StopAsked { run: run.clone(), kill: false })?;
    loaded.log.insert(record);
    let until = Instant::now() + STOP;
    let mut told = 0;
    loop {
        let ended = has_ended(cx, &mut loaded, &run)?;
        let now = find(loaded.state(), &run)?;
        for (_, signal) in now.signals.iter().skip(told) {
            cx.out.tell(&format!("sent {}", visible(signal)));
        }
        told = now.signals.len();
        if let Some(outcome) = now.outcome.as_ref().filter(|_| ended) {
            cx.out.line(&format!("{run} {}", words(outcome)))?;
            return Ok(match outcome {
                Outcome::Unknown { .. } => End::Bad(FailureKind::Unknown),
                _ => End::Done,
            });
        }
        if Instant::now() >= until {
            let cause = "it was asked for, and the run has not ended yet";
            return Err(Failure::new(
                doing,
                cause,
                "it may run on another machine; flightdeck plan show tells where it is",
            ));
        }
        std::thread::sleep(GLANCE);
    }
}
