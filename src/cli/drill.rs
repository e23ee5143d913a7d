//! `flightdeck drill`: a practice outage in a scratch directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::{End, drill_grade};
use crate::cockpit::model::DrillEnd;
use crate::conductor;
use crate::drill::place::Place;
use crate::drill::{Outage, Scenario, fetch, fix};
use crate::failure::{Failure, Result};
use crate::runtime::Left;
use crate::text::visible;

/// Start a practice outage and open the cockpit on it
///
/// You get a repository with a history, its own staging and production, and a last release
/// that broke production. Nothing outside of its directory is touched; without --dir it is
/// removed at the end.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  flightdeck drill
  flightdeck drill --dir ~/outage
  flightdeck drill grade
  flightdeck drill --headless --json"
)]
pub(crate) struct Args {
    /// Which scenario
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: Option<String>,

    /// List the scenarios
    #[arg(long)]
    pub(crate) list: bool,

    /// Create it in this directory, and keep it
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Serve until stopped, without the cockpit
    #[arg(long)]
    pub(crate) headless: bool,

    /// With --headless: print one line of JSON once all is up
    #[arg(long)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What can be done inside a drill.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Apply the prepared fix on the current branch, in the repository of a drill
    Fix {
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },

    /// Print how the drill went against the procedure, in its repository
    Grade {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },

    /// Print what an address of a drill answers
    #[command(hide = true)]
    Get {
        /// Such as <http://127.0.0.1:8080/health>
        url: String,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.command {
        Some(Command::Fix { json }) => apply_fix(*json, cx),
        Some(Command::Grade { json }) => drill_grade::print(*json, cx),
        Some(Command::Get { url }) => cx.out.put(&fetch::body(url)?),
        None if args.list => list(args.json, cx),
        None => return outage(args, cx),
    }?;
    Ok(End::Done)
}

fn list(json: bool, cx: &Context) -> Result<()> {
    for scenario in Scenario::all()? {
        if json {
            let about = serde_json::json!({ "scenario": scenario.name, "summary": scenario.summary });
            cx.out.json_line(&about)?;
        } else {
            cx.out.line(&format!("{:<10} {}", scenario.name, scenario.summary))?;
        }
    }
    Ok(())
}

fn apply_fix(json: bool, cx: &Context) -> Result<()> {
    let here = current_directory()?;
    let applied = fix::apply(&here)?;
    if json {
        return cx.out.json_line(&applied);
    }
    let short: String = applied.commit.chars().take(7).collect();
    cx.out.line(&format!("{short} {} (on {})", applied.subject, applied.branch))?;
    cx.out.line(&format!("changed: {}", applied.files.join(", ")))
}

fn outage(args: &Args, cx: &Context) -> Result<End> {
    let scenario = Scenario::find(args.scenario.as_deref())?;
    let here = current_directory()?;
    let directory = args.dir.as_ref().map(|dir| here.join(dir));
    let program = std::env::current_exe().map_err(|error| {
        Failure::new("starting a drill", format!("flightdeck cannot find its own program file: {error}"), "")
    })?;
    if args.headless {
        // Before anything is made, so that a signal never leaves it behind.
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Failure::new("waiting for signals", error, "try again"))?;
        let mut outage = Outage::start(scenario, directory.as_deref(), &program)?;
        let served = announce(&outage, args.json, cx).and_then(|()| serve(&mut outage, &mut signals));
        conductor::end_all(&outage.place().state_dir, PATIENCE);
        return served;
    }
    super::cockpit_is_possible(cx)?;
    cx.out.tell("making a practice outage …");
    let outage = Outage::start(scenario, directory.as_deref(), &program)?;
    let end = if directory.is_some() { DrillEnd::Kept } else { DrillEnd::Removed };
    let left = super::cockpit_in(outage.place(), end, cx);
    leave(outage, left, end, cx)
}

/// How long what runs in a drill has to end, once the drill does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ends the drill with all that runs in it, and says what became of it where somebody can read that.
fn leave(outage: Outage, left: Result<Left>, end: DrillEnd, cx: &Context) -> Result<End> {
    let directory = outage.directory().to_owned();
    let tell = |text: &str| {
        if left.as_ref().is_ok_and(|left| left.is_read) {
            cx.out.tell(text);
        }
    };
    for plan in left.iter().flat_map(|left| &left.running) {
        tell(&format!("stopping: {plan}"));
    }
    conductor::end_all(&outage.place().state_dir, PATIENCE);
    drop(outage);
    match end {
        DrillEnd::Kept => {
            tell(&format!("The drill is over and its services have ended. Kept: {}", directory.display()));
        }
        DrillEnd::Removed if directory.exists() => {
            tell(&format!("The drill is over. Its directory could not be removed: {}", directory.display()));
        }
        DrillEnd::Removed => tell("The drill is over; its directory was removed."),
    }
    Ok(left?.signal.map_or(End::Done, End::Signal))
}

/// Says that all is up, and where.
fn announce(outage: &Outage, json: bool, cx: &Context) -> Result<()> {
    let place = outage.place();
    if json {
        return cx.out.put(&format!("{}\n", place.line()));
    }
    let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
    let lines = [
        format!("drill       {}: {}", place.scenario, outage.scenario().summary),
        format!("staging     {}", place.staging_url),
        format!("production  {}", place.production_url),
        String::new(),
        "In another terminal:".to_owned(),
        format!("  cd {}", quoted(&place.repo)),
        format!("  export FLIGHTDECK_STATE_DIR={}", quoted(&place.state_dir)),
        format!("  export FLIGHTDECK_CONFIG_DIR={}", quoted(&place.config_dir)),
        "  flightdeck".to_owned(),
        format!("As somebody else: {} NAME VERB", quoted(&place.state_dir.with_file_name(Place::AS))),
        String::new(),
        "Ctrl-C here ends it.".to_owned(),
    ];
    lines.iter().try_for_each(|line| cx.out.line(&visible(line)))
}

/// Waits for a signal.
fn serve(outage: &mut Outage, signals: &mut Signals) -> Result<End> {
    loop {
        if signals.pending().next().is_some() {
            return Ok(End::Done);
        }
        if let Some(environment) = outage.ended() {
            return Err(Failure::new(
                "serving the drill",
                format!("the {environment} service has ended"),
                "make a new drill with flightdeck drill",
            ));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn current_directory() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Failure::new("looking where this is", error, "go into a directory that exists, and try again")
    })
}
