//! `flightdeck clear`: what was taken back was not at fault, and may be deployed again.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in, some_text};
use crate::deploy;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::incident::{ReleaseJudged, WatchVerdict};
use crate::text::visible;

/// Allow a commit again that was rolled back, with the reason
///
/// A commit that was rolled back or undone, or whose canary failed, is blocked
/// in that environment; this lifts the block. A release that failed its watch
/// with all traffic stays blocked: deploy a better commit or, where it is still
/// live, watch it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck clear production v1.4.3 --reason \"the bank was down, not us\"")]
pub(crate) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,

    /// The tag, branch or commit that was taken back
    #[arg(value_name = "REF")]
    reference: String,

    /// Why it was not at fault
    #[arg(long, value_name = "WHY")]
    reason: String,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let reason = some_text("the reason", &args.reason)?;
    let doing = format!("clearing {}", visible(&args.reference));
    let config = cx.trusted_config()?.config;
    let environment = deploy::find_environment(&config, &doing, &args.environment)?.name.clone();
    let root = cx.root()?;
    let commit =
        Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?.resolve(&args.reference)?;
    let mut loaded = cx.load(Wanted::NotClosed)?;
    let Some(found) = loaded.state().condemned(&environment, |it| it == commit) else {
        let cause = format!("it is not blocked in {}", visible(&environment));
        return Err(Failure::usage(doing, cause, "deploy it: nothing has to be cleared"));
    };
    if found.watched {
        let cause = format!("{} {}", found.name, found.why);
        let live = loaded.state().releases.iter().rev().find(|one| one.environment == environment);
        let hint = if live.is_some_and(|live| live.commit == commit) {
            format!("only a passing watch clears it: flightdeck watch {}", visible(&environment))
        } else {
            "its watch failed, so it stays blocked here: deploy a better commit".to_owned()
        };
        return Err(Failure::of(FailureKind::Gate, doing, cause, hint));
    }
    let cleared = ReleaseJudged {
        environment,
        commit,
        plan: String::new(),
        verdict: WatchVerdict::Unknown,
        why: reason,
    };
    save_in(cx, args.save, &mut loaded, None, cleared)
}
