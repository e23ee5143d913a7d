//! `flightdeck live`: what is live in an environment, where nothing else knows it.

use super::End;
use super::carry::on_ground;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, print};
use crate::conductor::{self, Asking, Fresh};
use crate::deploy;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::Reader;
use crate::incident::{Draft, Precision, Release, ReleaseJudged, Released, State, WatchVerdict};
use crate::journal::Journal;
use crate::text::visible;

/// Record what is live in an environment
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Use it where flightdeck did not deploy what is live, and the environment has
no `history` command. With --good it is a release to roll back to. With --at
it is what was live before: what came later stays what is live now.

Example:
  flightdeck live production v0.3.0 --good
  flightdeck live production v0.2.9 --good --at -3d")]
pub(crate) struct Args {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,

    /// The tag, branch or commit that is live there
    #[arg(value_name = "REF")]
    reference: String,

    /// It served users well: rolling back to it is safe
    #[arg(long)]
    good: bool,

    /// When it went live, if not now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    #[command(flatten)]
    save: SaveArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let doing = "recording what is live";
    let went_live = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    let config = cx.trusted_config()?.config;
    let environment = deploy::find_environment(&config, doing, &args.environment)?.name.clone();
    let root = cx.root()?;
    let mut reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    let commit = reader.resolve(&args.reference)?;
    let (tag, version) = reader.label(&commit, &args.reference, &config.hotfix)?;
    let mut loaded = cx.load(Wanted::Open)?;
    let state = loaded.state();
    let mut there = state.releases.iter().rev().filter(|release| release.environment == environment);
    let said = match went_live {
        None => there.next().is_some_and(|known| known.commit == commit),
        Some(at) => there.any(|known| known.commit == commit && known.at == at),
    };
    if said && !args.good {
        let hint = "nothing has to be recorded; --good says that it can be rolled back to";
        return Err(Failure::usage(doing, format!("the record says so already: {commit}"), hint));
    }
    // What failed there is not made good by saying so. What failed in an earlier incident may have served
    // users well since: that is for a person to say.
    let here = state.condemned_here(&environment, |it| it == commit);
    let elsewhere = || state.condemned(&environment, |it| it == commit).filter(|_| !args.good);
    if let Some(bad) = here.clone().or_else(elsewhere) {
        let cause = format!("{} {}", bad.name, bad.why);
        let hint = if here.is_some() {
            "deploy a better commit, or name what was live before it"
        } else {
            "if it has served users well since then, say so with --good"
        };
        return Err(Failure::of(FailureKind::Gate, doing, cause, hint));
    }
    let mut drafts = Vec::new();
    if !said {
        let release = Draft::now(
            state.id,
            Released {
                environment: environment.clone(),
                reference: args.reference.clone(),
                commit: commit.clone(),
                tag,
                version,
                plan: String::new(),
                rollback: false,
                replaces: None,
            },
        );
        drafts.push(Draft { occurred: went_live.map(|at| (at, Precision::Exact)), ..release });
    }
    if args.good {
        let by = &loaded.journal.author().name;
        drafts.push(Draft::now(
            state.id,
            ReleaseJudged {
                environment: environment.clone(),
                commit: commit.clone(),
                plan: String::new(),
                verdict: WatchVerdict::Passed,
                why: format!("{by} says that it served users well"),
            },
        ));
    }
    // What it says of itself is asked first, so that nobody believes a slip.
    let told = if went_live.is_none() {
        conductor::past_releases(&config, &environment, root)
    } else {
        Ok(Vec::new())
    };
    let saved = loaded.journal.append(cx.now(), drafts)?;
    let last = saved.last().cloned();
    loaded.fold_in(saved)?;
    let good = if args.good { ", good to roll back to" } else { "" };
    let (environment, reference) = (visible(&environment), visible(&args.reference));
    let has = went_live.map_or_else(|| "has".to_owned(), |at| format!("got, at {at:.0},"));
    cx.out.tell(&format!("{environment} {has} {reference} ({}){good}", commit.get(..7).unwrap_or(&commit)));
    let told = told.ok().and_then(|told| told.into_iter().max_by_key(|release| release.at));
    if let Some(told) = told.filter(|told| told.commit != commit) {
        cx.out.tell(&contradiction(&environment, &told));
    }
    if let Some(record) = last {
        print(cx, args.save, &loaded.number, &record)?;
    }
    Ok(End::Done)
}

/// What is said where an environment tells of another release as its last than somebody writes down.
fn contradiction(environment: &str, told: &Release) -> String {
    format!(
        "▲ the `history` command of {environment} says it runs {} ({}) since {:.0}, and that wins. If it is wrong, \
         correct that command",
        visible(&told.name()),
        told.commit.get(..7).unwrap_or(&told.commit),
        told.at
    )
}

/// Records what was live in production when the incident was declared, where the record does not say so: by the record
/// of earlier incidents, and as production tells where that is to be asked. Where nothing is known, nothing is said.
pub(super) fn keep(cx: &Context, journal: &mut Journal, state: &State, asking: Asking) {
    let (setup, _) = cx.setup_or_found();
    let Some(env) = setup.config.production().filter(|env| state.lacks_live(&env.name)) else { return };
    // It may be about another repository than this one.
    let of_it = journal.repository_of(state.id).ok();
    if of_it.is_none() || of_it != cx.repository(journal).ok() {
        return;
    }
    let asks = asking == Asking::Environment && setup.trusted;
    let past = on_ground(cx, &setup.config, Fresh::Ask, |ground| {
        Ok(if asks {
            conductor::past(ground, env)
        } else {
            conductor::had(ground, ground.history, &env.name)
        })
    });
    let live = past.ok().and_then(|past| state.live_to_record(&env.name, &past));
    let saved = live.map(|live| journal.append(cx.now(), vec![Draft::now(state.id, live)]));
    if let Some(Err(failure)) = saved {
        cx.out.tell(&format!("▲ the record does not have what was live when it began: {}", failure.cause));
    }
}
