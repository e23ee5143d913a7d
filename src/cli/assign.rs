//! `flightdeck assign`: gives a checklist item to somebody to look at.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in};
use super::tick::find_item;
use crate::config::settings::person;
use crate::failure::Result;
use crate::incident::ItemAssigned;

/// Give a checklist item to somebody to look at
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck assign payments omar
  flightdeck assign 4 on-call
  flightdeck assign payments \"\"       anyone may look at it")]
pub(crate) struct Args {
    /// The item: its id, its number in the list, or a unique beginning
    #[arg(value_name = "ITEM")]
    item: String,

    /// Who looks at it: a person or a role; empty: nobody
    #[arg(value_name = "WHO")]
    who: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let setup = cx.setup_or_warn();
    let checklist = setup.checklist();
    let item = find_item(&checklist, &args.item)?;
    let to = match (args.who.trim(), setup.policy.find_role(&args.who)) {
        ("", _) => String::new(),
        (_, Some(role)) => role.id.clone(),
        (name, None) => person("reading WHO", name, "name the person as they sign what they write")?,
    };
    let (item, title) = (item.id.clone(), item.title.clone());
    save_in(cx, args.save, &mut cx.load(Wanted::Open)?, None, ItemAssigned { item, title, to })
}
