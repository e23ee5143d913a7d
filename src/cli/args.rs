//! The command tree. Every verb has a file with its `Args` and its `run`; here they are
//! put together, and what several of them share.

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use super::{
    amend, cause, close, completions, conduct, config, declare, deploy, doctor, drill, drill_service, export,
    history, hotfix, impact, import, init, man, note, page, phase, pin, plan, probe, reopen, report, resolve,
    retract, role, run, severity, smoke, status, test, tick, title, told, trust, verify,
};

/// Runs a production incident from the repository that has to be fixed.
///
/// Without a verb the cockpit opens: on the open incident of this repository, or on the
/// start screen. Every key of the cockpit has a verb that does the same from a script.
#[derive(Debug, Parser)]
#[command(
    name = "flightdeck",
    version,
    max_term_width = 80,
    after_help = AFTER_HELP,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// The incident: its number, a unique beginning of it, or its id
    ///
    /// Default: the one open incident of this repository.
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) incident: Option<String>,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

const AFTER_HELP: &str = "\
Times are RFC 3339, 14:02 (UTC), -5m or now.

Environment:
  FLIGHTDECK_STATE_DIR   where the journal and the logs are
  FLIGHTDECK_CONFIG_DIR  where the user's settings are
  FLIGHTDECK_USER        who is acting; otherwise git's user.name
  NO_COLOR               no colours
  RUST_LOG               what is logged, and that anything is

Exit codes:
  0  done                          4  the configuration is not trusted
  1  failed                        5  somebody else holds the lease, or a
  2  usage or configuration error     conflict needs a person
  3  a gate is not met             6  outcome unknown

A first look: flightdeck drill";

/// Every verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Drill(drill::Args),
    #[command(hide = true)]
    DrillService(drill_service::Args),
    Init(init::Args),
    Trust(trust::Args),
    Declare(declare::Args),
    Status(status::Args),
    Note(note::Args),
    Amend(amend::Args),
    Retract(retract::Args),
    Pin(pin::Args),
    Title(title::Args),
    Severity(severity::Args),
    Phase(phase::Args),
    Role(role::Args),
    Impact(impact::Args),
    Cause(cause::Args),
    Page(page::Args),
    Told(told::Args),
    Tick(tick::Args),
    Hotfix(hotfix::Args),
    Test(test::Args),
    Deploy(deploy::Args),
    Smoke(smoke::Args),
    Plan(plan::Args),
    Run(run::Args),
    #[command(hide = true)]
    Conduct(conduct::Args),
    Probe(probe::Args),
    Resolve(resolve::Args),
    Reopen(reopen::Args),
    Close(close::Args),
    Report(report::Args),
    Export(export::Args),
    Import(import::Args),
    History(history::Args),
    Verify(verify::Args),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// What every verb takes that changes the world.
#[derive(Debug, Args)]
pub(crate) struct WorldArgs {
    /// Print the plan, with its exact command lines, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Confirm in place of typing: the name of the target
    #[arg(long, value_name = "TARGET")]
    pub(crate) confirm: Option<String>,

    /// Return as soon as the plan has started
    #[arg(long)]
    pub(crate) detach: bool,
}

/// Parses a command line whose first word is the program's name.
pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line)
}

/// The whole tree, for help, completions and the man page.
pub(crate) fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        tree().debug_assert();
    }
}
