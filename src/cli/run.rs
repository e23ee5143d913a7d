//! `flightdeck run`: the commands behind the plans.

use std::time::{Duration, Instant};

use super::End;
use super::context::{Context, Loaded, Wanted};
use super::elsewhere::{self, Asked};
use super::follow::{GLANCE, words};
use super::plan::refresh;
use super::terminal::{Keys, Page, Typed};
use crate::conductor;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Outcome, Run, Signalled, State, StopAsked};
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
    /// Attach to the terminal of a run: see its output and answer its questions
    Attach {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print the output of a run
    Log {
        /// Id of the run
        #[arg(value_name = "ID")]
        id: String,
        /// Keep printing until it ends
        #[arg(long)]
        follow: bool,
    },
    /// Stop a run: INT, then TERM, then KILL to all its processes
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
            Some(_) => format!("nothing of {} has started", visible(id)),
            None => format!("this incident has no run called {}", visible(id)),
        };
        Failure::usage("finding the run", cause, "flightdeck plan show lists the runs of a plan")
    })
}

/// Refuses what needs the output of a run that another machine has.
fn here(loaded: &Loaded, run: &str, doing: &str) -> Result<()> {
    let node = loaded.journal.author().node;
    let Some(machine) = loaded.state().run(run).and_then(|(plan, _)| plan.elsewhere(node)) else {
        return Ok(());
    };
    let cause = format!("what {} prints stays on {}", visible(run), visible(&machine));
    Err(Failure::new(doing, cause, "flightdeck plan show has the last lines of what failed"))
}

fn log(cx: &Context, id: &str, follow: bool) -> Result<End> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let run = find(loaded.state(), id)?.id.clone();
    here(&loaded, &run, "reading its log")?;
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
    loaded.fold_in(records)?;
    refresh(cx, loaded)?;
    Ok(find(loaded.state(), run)?.outcome.is_some())
}

fn attach(cx: &Context, id: &str) -> Result<End> {
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let incident = loaded.state().id;
    let run = find(loaded.state(), id)?.id.clone();
    here(&loaded, &run, "attaching to it")?;
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
/// How long a conductor may take to send the first signal before it is looked at.
const ANSWER: Duration = Duration::from_secs(2);

fn stop(cx: &Context, id: &str) -> Result<End> {
    let mut loaded = cx.load(Wanted::Last)?;
    refresh(cx, &mut loaded)?;
    let run = find(loaded.state(), id)?.clone();
    let doing = format!("stopping {}", visible(&run.id));
    if let Some(outcome) = &run.outcome {
        return stop_rest(cx, &mut loaded, &run, outcome, doing);
    }
    let record = loaded.append(None, cx.now(), StopAsked { run: run.id.clone(), kill: false })?;
    loaded.fold_in([record])?;
    let author = loaded.journal.author();
    let machine = loaded.state().run(&run.id).and_then(|(plan, _)| plan.elsewhere(author.node));
    let mut asked =
        machine.map(|machine| Asked::new(cx, &author.name, loaded.state().id, &machine, "to stop it"));
    let run = run.id;
    let begun = Instant::now();
    let mut told = 0;
    loop {
        if let Some(asked) = &mut asked {
            asked.tell();
        }
        let ended = has_ended(cx, &mut loaded, &run)?;
        let now = find(loaded.state(), &run)?.clone();
        for (_, signal) in now.signals.iter().skip(told) {
            cx.out.tell(&format!("sent {}", visible(signal)));
        }
        told = now.signals.len();
        if let Some(outcome) = now.outcome.as_ref().filter(|_| ended) {
            if conductor::was_cut_short(&now) && told == 0 {
                // Its conductor has gone before it could do anything about it.
                return stop_rest(cx, &mut loaded, &now, outcome, doing);
            }
            cx.out.line(&format!("{run} {}", words(outcome)))?;
            return Ok(match outcome {
                Outcome::Unknown { .. } => End::Bad(FailureKind::Unknown),
                _ => End::Done,
            });
        }
        if begun.elapsed() >= ANSWER
            && let Some(pid) = suspended_conductor(&loaded)?
        {
            cx.out.tell(&format!(
                "flightdeck's process for this plan (pid {pid}) is suspended; stopping the command directly"
            ));
            let left = signal_rest(cx, &mut loaded, &now)?;
            let cause = if left.is_empty() {
                format!(
                    "the command has ended, but flightdeck's process (pid {pid}) is suspended and cannot record it"
                )
            } else {
                format!("flightdeck's process (pid {pid}) is suspended, and {} outlived a KILL", left.named())
            };
            let hint = format!("let it go on: kill -CONT {pid}");
            return Err(Failure::of(FailureKind::Unknown, doing, cause, hint));
        }
        if let Some(asked) = asked.as_ref().filter(|_| begun.elapsed() >= elsewhere::ANSWER) {
            return Err(asked.unanswered(doing));
        }
        if asked.is_none() && begun.elapsed() >= STOP {
            let cause = "it was asked for, and the run has not ended yet";
            return Err(Failure::new(doing, cause, "flightdeck plan show says how it stands"));
        }
        std::thread::sleep(GLANCE);
    }
}

/// The pid of the incident's conductor, if that is suspended.
fn suspended_conductor(loaded: &Loaded) -> Result<Option<u32>> {
    let leases = loaded.journal.leases()?;
    let mut held = leases.iter().filter(|lease| lease.incident == loaded.state().id);
    Ok(held
        .find_map(|lease| lease.process.as_ref().filter(|it| conductor::is_suspended(it)))
        .map(|it| it.pid))
}

/// Stops what is left of a run that is over without having come to its own end.
fn stop_rest(cx: &Context, loaded: &mut Loaded, run: &Run, outcome: &Outcome, doing: String) -> Result<End> {
    let incident = loaded.state().id;
    let remains = conductor::remains(incident, run);
    if !conductor::was_cut_short(run) || remains.is_empty() {
        let cause = format!("it has ended: it {}", words(outcome));
        if remains.is_empty() {
            return Err(Failure::usage(doing, cause, "flightdeck plan list shows what runs"));
        }
        let cause = format!("{cause}, and left running: {}", remains.named());
        return Err(Failure::usage(doing, cause, "to end that as well, use kill"));
    }
    let left = signal_rest(cx, loaded, run)?;
    if !left.is_empty() {
        let cause = format!("{} outlived a KILL", left.named());
        return Err(Failure::new(doing, cause, "see whose it is, and what it waits for: ps -l"));
    }
    cx.out.line(&format!("{}: nothing of it is left", visible(&run.id)))?;
    refresh(cx, loaded)?;
    Ok(End::Done)
}

/// Signals what is left of a run, each signal on record before it is sent.
fn signal_rest(cx: &Context, loaded: &mut Loaded, run: &Run) -> Result<conductor::Remains> {
    let incident = loaded.state().id;
    conductor::stop_remains(incident, run, &mut |signal, left| {
        let body = Signalled { run: run.id.clone(), signal: signal.to_owned() };
        let record = loaded.append(None, cx.now(), body)?;
        loaded.fold_in([record])?;
        cx.out.tell(&format!("sent {signal} to {}", left.named()));
        Ok::<_, Failure>(())
    })
}
