//! `flightdeck ticket`: the text of a ticket for what needs no hotfix.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, Result};
use crate::incident::{FILED, NoteKind, Noted};
use crate::text::visible_lines;

/// Print the text of a ticket for what needs no hotfix
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck ticket                  the text, to paste into your tracker
  flightdeck ticket --filed          record that it is filed")]
pub(crate) struct Args {
    /// Record the decision that it is filed, in place of printing the text
    #[arg(long)]
    filed: bool,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Open)?;
    let policy = cx.setup_or_found().0.policy;
    let severity = loaded.state().severity;
    if policy.needs_hotfix(severity) {
        return Err(Failure::usage(
            "writing the text of a ticket",
            format!("{} is {}, which asks for a hotfix", loaded.number, policy.severity_name(severity)),
            "flightdeck severity P2 --reason TEXT lowers it",
        ));
    }
    if args.filed {
        let filed = Noted { kind: NoteKind::Decision, text: FILED.to_owned() };
        return save_in(cx, args.save, &mut loaded, None, filed);
    }
    let ticket = policy.ticket(&loaded.state().title, Some(loaded.state().started_at));
    let text = visible_lines(ticket.trim());
    if args.save.json {
        cx.out.json(&serde_json::json!({ "text": text }))?;
    } else {
        cx.out.lines(&text)?;
    }
    Ok(End::Done)
}
