//! `flightdeck review`: what the review talks about, and that it was held.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in};
use crate::config::settings::person;
use crate::failure::{Failure, Result};
use crate::incident::Reviewed;
use crate::report;

/// Print the agenda of the review, and record that it was held
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck review agenda > agenda.md
  flightdeck review held --with maya --with omar")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the agenda as Markdown
    Agenda,
    /// Record that the review was held
    Held {
        /// Who was there; say it once for each
        #[arg(long = "with", value_name = "PERSON")]
        people: Vec<String>,

        /// When, if not now
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        at: Option<String>,

        #[command(flatten)]
        save: SaveArgs,
    },
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    match &args.what {
        What::Agenda => {
            let loaded = cx.load_to_read(Wanted::Ended)?;
            let (setup, _) = cx.setup_or_found();
            let checklist = setup.checklist();
            let probes = &setup.config.probes;
            let setting =
                report::Setting { policy: &setup.policy, checklist: &checklist, probes, drill: false };
            cx.out.lines(&report::agenda(loaded.state(), setting))?;
            Ok(End::Done)
        }
        What::Held { people, at, save } => {
            let at = at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
            let hint = "name people as they sign what they write";
            let people: Result<Vec<String>> =
                people.iter().map(|name| person("reading --with", name, hint)).collect();
            let mut loaded = cx.load(Wanted::Ended)?;
            let doing = format!("recording the review of {}", loaded.number);
            let Some(over) = loaded.state().resolved_at else {
                return Err(Failure::usage(doing, "it is not resolved yet", "flightdeck resolve"));
            };
            if let Some(at) = at.filter(|at| *at < over) {
                let cause = format!("{at:.0} is before it was resolved, at {over:.0}");
                return Err(Failure::usage(doing, cause, "check the time, or leave --at out"));
            }
            save_in(cx, *save, &mut loaded, at, Reviewed { people: people? })
        }
    }
}
