//! The command line: one file a verb.
//!
//! Every verb issues the same command that a key of the cockpit does, by appending the same
//! records. A verb's file holds its `Args`, whose comments are its help, and its `run`. What
//! they share is in `args` (the tree), `context` (where they act) and `output`.

mod args;
mod ballot;
mod began;
mod called;
mod carry;
mod clear;
mod context;
mod culprit;
mod elsewhere;
mod follow;
mod follow_up;
mod live;
mod logging;
mod named;
mod output;
mod preview;
#[cfg(test)]
mod sample;
mod save;
mod sheet;
mod situation;
mod status_ahead;
mod status_approvals;
mod status_back;
mod status_clocks;
mod status_health;
mod status_hotfix;
mod status_json;
mod status_messages;
mod status_runs;
mod status_samples;
mod status_text;
mod status_you;
mod suspects;
mod terminal;

mod action;
mod amend;
mod approve;
mod assign;
mod cause;
mod classify;
mod close;
mod completions;
mod conduct;
mod config;
mod declare;
mod deploy;
mod doctor;
mod drill;
mod drill_grade;
mod drill_service;
mod export;
mod flag;
mod handoff;
mod health;
mod history;
mod hotfix;
mod impact;
mod import;
mod init;
mod join;
mod man;
mod masked;
mod mcp;
mod message;
mod note;
mod page;
mod phase;
mod pin;
mod plan;
mod probe;
mod proposal;
mod reject;
mod reopen;
mod report;
mod resolve;
mod retract;
mod review;
mod role;
mod rollback;
mod run;
mod runbook;
mod severity;
mod share;
mod share_after;
mod smoke;
mod snooze;
mod status;
mod task;
mod test;
mod tick;
mod ticket;
mod title;
mod told;
mod trust;
mod verify;
mod version_files;
mod watch;
mod yes;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use args::{Cli, Verb};
use context::Context;
use output::Output;

use crate::clock;
use crate::cockpit::model::DrillEnd;
use crate::config::dirs::close_to_others;
use crate::failure::{Failure, FailureKind, Result};
use crate::journal::heads_unwritten;
use crate::runtime::{self, Launch, Left};

/// How a verb ends that did what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All is well: exit code 0.
    Done,
    /// What it found is not well, and it has said so by itself: the code of this kind.
    Bad(FailureKind),
    /// A signal ended it, and everything is put away: it ends the process, too.
    Signal(i32),
}

/// Parses the arguments, carries out the verb and returns its exit code.
pub fn main() -> ExitCode {
    // A write beyond a limit on the size of files fails then, with an error that is told.
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, over);
    let out = Output::of_process();
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return out.usage(&error),
    };
    ExitCode::from(carry_out(cli, out))
}

/// Carries out what was parsed; returns the exit code.
fn carry_out(cli: Cli, out: Output) -> u8 {
    if let Err(failure) = clock::check() {
        out.failure(&failure);
        return failure.kind as u8;
    }
    let cx = match Context::of_process(cli.incident, out) {
        Ok(cx) => cx,
        Err(failed) => {
            let (failure, out) = *failed;
            out.failure(&failure);
            return failure.kind as u8;
        }
    };
    if cli.verb.as_ref().is_none_or(uses_state) {
        match close_to_others(&cx.state_dir) {
            Ok(None) => {}
            Ok(Some(word)) => cx.out.tell(&word),
            Err(failure) => {
                cx.out.failure(&failure);
                return failure.kind as u8;
            }
        }
    }
    let ended = match &cli.verb {
        None => cockpit(&cx),
        // It opens the cockpit, which logs to a file.
        Some(Verb::Drill(args)) if !args.headless => drill::run(args, &cx),
        Some(verb) => {
            logging::to_stderr();
            let ended = dispatch(verb, &cx);
            share_after::after(verb, &cx);
            if let Some(failure) = heads_unwritten(&cx.state_dir) {
                cx.out.tell(&format!("▲ {failure}"));
            }
            ended
        }
    };
    crate::conductor::end_with_us();
    match ended {
        Ok(End::Done) => 0,
        Ok(End::Bad(kind)) => kind as u8,
        Ok(End::Signal(signal)) => {
            runtime::die_of(signal);
            // Never reached where the system does as asked.
            128 + signal as u8
        }
        // Who read this has gone: there is nobody to tell why the rest is missing.
        Err(failure) if cx.out.reader_is_gone() => failure.kind as u8,
        Err(failure) => {
            cx.out.failure(&failure);
            failure.kind as u8
        }
    }
}

/// Tells whether a verb reads or writes what is in the state directory.
fn uses_state(verb: &Verb) -> bool {
    !matches!(
        verb,
        Verb::Completions(_)
            | Verb::Man(_)
            | Verb::Init(_)
            | Verb::Config(_)
            | Verb::Doctor(_)
            | Verb::Drill(_)
            | Verb::DrillService(_)
            | Verb::VersionFiles(_)
    )
}

/// Calls the verb.
fn dispatch(verb: &Verb, cx: &Context) -> Result<End> {
    if masked::prints_what_it_reads(verb) {
        cx.out.mask_with(cx.masker());
    }
    match verb {
        Verb::Drill(args) => drill::run(args, cx),
        Verb::DrillService(args) => drill_service::run(args, cx),
        Verb::Init(args) => init::run(args, cx),
        Verb::Trust(args) => trust::run(args, cx),
        Verb::Declare(args) => declare::run(args, cx),
        Verb::Status(args) => status::run(args, cx),
        Verb::Note(args) => note::run(args, cx),
        Verb::Amend(args) => amend::run(args, cx),
        Verb::Retract(args) => retract::run(args, cx),
        Verb::Pin(args) => pin::run(args, cx),
        Verb::Ticket(args) => ticket::run(args, cx),
        Verb::Title(args) => title::run(args, cx),
        Verb::Began(args) => began::run(args, cx),
        Verb::Severity(args) => severity::run(args, cx),
        Verb::Phase(args) => phase::run(args, cx),
        Verb::Live(args) => live::run(args, cx),
        Verb::Clear(args) => clear::run(args, cx),
        Verb::Role(args) => role::run(args, cx),
        Verb::Handoff(args) => handoff::run(args, cx),
        Verb::Task(args) => task::run(args, cx),
        Verb::FollowUp(args) => follow_up::run(args, cx),
        Verb::Review(args) => review::run(args, cx),
        Verb::Proposal(args) => proposal::run(args, cx),
        Verb::Approve(args) => approve::run(args, cx),
        Verb::Assign(args) => assign::run(args, cx),
        Verb::Culprit(args) => culprit::run(args, cx),
        Verb::Reject(args) => reject::run(args, cx),
        Verb::Impact(args) => impact::run(args, cx),
        Verb::Cause(args) => cause::run(args, cx),
        Verb::Page(args) => page::run(args, cx),
        Verb::Message(args) => message::run(args, cx),
        Verb::Told(args) => told::run(args, cx),
        Verb::Snooze(args) => snooze::run(args, cx),
        Verb::Tick(args) => tick::run(args, cx),
        Verb::Hotfix(args) => hotfix::run(args, cx),
        Verb::Suspects(args) => suspects::run(args, cx),
        Verb::Test(args) => test::run(args, cx),
        Verb::Deploy(args) => deploy::run(args, cx),
        Verb::Smoke(args) => smoke::run(args, cx),
        Verb::Rollback(args) => rollback::run(args, cx),
        Verb::Flag(args) => flag::run(args, cx),
        Verb::Action(args) => action::run(args, cx),
        Verb::Runbook(args) => runbook::run(args, cx),
        Verb::Watch(args) => watch::run(args, cx),
        Verb::Plan(args) => plan::run(args, cx),
        Verb::Run(args) => run::run(args, cx),
        Verb::Conduct(args) => conduct::run(args, cx),
        Verb::VersionFiles(args) => version_files::run(args, cx),
        Verb::Probe(args) => probe::run(args, cx),
        Verb::Health(args) => health::run(args, cx),
        Verb::Resolve(args) => resolve::run(args, cx),
        Verb::Reopen(args) => reopen::run(args, cx),
        Verb::Close(args) => close::run(args, cx),
        Verb::Report(args) => report::run(args, cx),
        Verb::Export(args) => export::run(args, cx),
        Verb::Import(args) => import::run(args, cx),
        Verb::Join(args) => join::run(args, cx),
        Verb::Share(args) => share::run(args, cx),
        Verb::ShareAfter(args) => share_after::run(args, cx),
        Verb::History(args) => history::run(args, cx),
        Verb::Verify(args) => verify::run(args, cx),
        Verb::Doctor(args) => doctor::run(args, cx),
        Verb::Config(args) => config::run(args, cx),
        Verb::Completions(args) => completions::run(args, cx),
        Verb::Man(args) => man::run(args, cx),
        Verb::Mcp(args) => mcp::run(args, cx),
    }
}

/// Opens the cockpit, where there is a terminal for it.
fn cockpit(cx: &Context) -> Result<End> {
    cockpit_is_possible(cx)?;
    logging::to_file(&cx.state_dir, &cx.out);
    let incident = match &cx.incident {
        Some(_) => cx.named(&cx.journal_to_read()?)?,
        None => None,
    };
    let drill = cx
        .place
        .as_ref()
        .is_ok_and(|place| crate::drill::place::Place::is_played(&place.root, &cx.state_dir));
    let left = runtime::open(&Launch {
        state_dir: cx.state_dir.clone(),
        config_dir: cx.config_dir.clone(),
        here: cx.here.clone(),
        user: cx.user()?,
        settings: cx.settings()?,
        incident,
        drill,
        drill_end: None,
    })?;
    Ok(left.signal.map_or(End::Done, End::Signal))
}

/// Opens the cockpit on the repository of a drill that ends with it.
fn cockpit_in(drill: &crate::drill::place::Place, end: DrillEnd, cx: &Context) -> Result<Left> {
    // The drill is a world of its own; only the looks and the keys are the user's.
    let settings = cx.settings()?;
    // Nobody has to say who they are to practise.
    let user = cx.user().unwrap_or_else(|_| "you".to_owned());
    logging::to_file(&drill.state_dir, &cx.out);
    runtime::open(&Launch {
        state_dir: drill.state_dir.clone(),
        config_dir: cx.config_dir.clone(),
        here: drill.repo.clone(),
        user,
        settings,
        incident: None,
        drill: true,
        drill_end: Some(end),
    })
}

/// Tells whether there is a terminal for the cockpit.
fn cockpit_is_possible(cx: &Context) -> Result<()> {
    let term = std::env::var("TERM").unwrap_or_default();
    let reason = if !std::io::stdin().is_terminal() || !cx.out.terminal {
        "this is not a terminal"
    } else if term == "dumb" {
        "TERM=dumb: this terminal cannot move its cursor"
    } else if term.is_empty() {
        "TERM is not set, so nothing is known of this terminal"
    } else {
        return Ok(());
    };
    Err(Failure::usage(
        "opening the cockpit",
        reason,
        "flightdeck status tells the same in plain text; flightdeck --help lists the verbs",
    ))
}
