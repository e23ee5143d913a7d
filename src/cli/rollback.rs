//! `flightdeck rollback`: goes back to something that worked, or lists every way to.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::{carry, history};
use super::context::Context;
use crate::conductor::{self, Asking, Fresh, Ground};
use crate::config::types::Config;
use crate::deploy::rollback::{self, Ready, Way};
use crate::failure::{Failure, Result};
use crate::incident::{Policy, duration};
use crate::plan::Request;
use crate::text::visible;

/// Roll back to something that worked
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck rollback --list
  flightdeck rollback --dry-run                 the best option, as a plan
  flightdeck rollback redeploy --confirm production
  flightdeck rollback flag:loyalty")]
pub(crate) struct Args {
    /// The rollback option: redeploy, revert, switch, flag:NAME, or one of the team's own; default: the
    /// best that is proven ready
    #[arg(value_name = "WAY")]
    pub(crate) way: Option<String>,

    /// The environment; default: production
    #[arg(long, value_name = "ENV")]
    pub(crate) env: Option<String>,

    /// List every rollback option, best first, and whether it is known to work
    #[arg(long, conflicts_with = "way")]
    pub(crate) list: bool,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let environment = match &args.env {
        Some(name) => name.clone(),
        None => production(&config)?,
    };
    if args.list {
        return list(args, cx, &config, &environment);
    }
    let request = Request::Rollback { environment, way: args.way.clone() };
    carry(cx, &config, &request, &args.world)
}

/// The environment that users are served from.
fn production(config: &Config) -> Result<String> {
    config.production().map(|env| env.name.clone()).ok_or_else(|| {
        Failure::usage(
            "rolling back",
            "no environment is configured",
            "add an [[environments]] table with a name and a deploy command to flightdeck.toml",
        )
    })
}

/// The ways back of an environment, as they are now.
pub(super) fn ways(cx: &Context, config: &Config, environment: &str, asking: Asking) -> Result<Vec<Way>> {
    let policy = Policy::built_in().with(&config.policy);
    let history = history(cx)?;
    let ground = Ground {
        root: cx.root()?,
        state_dir: &cx.state_dir,
        config,
        policy: &policy,
        history: &history,
        now: cx.now(),
        fresh: Fresh::Ask,
    };
    Ok(conductor::ways(&ground, environment, asking)?.ways)
}

fn list(args: &Args, cx: &Context, config: &Config, environment: &str) -> Result<End> {
    let ways = ways(cx, config, environment, Asking::Environment)?;
    if args.world.json {
        let list: Vec<Json<'_>> = ways.iter().map(json).collect();
        cx.out.json(&list)?;
    } else {
        cx.out.lines(&text(environment, &ways, cx.now()))?;
    }
    Ok(End::Done)
}

/// All ways as text, best first.
fn text(environment: &str, ways: &[Way], now: Timestamp) -> String {
    let mut text = match (rollback::best(ways), rollback::before_a_deploy(ways)) {
        (Some(way), _) => format!("{} can be rolled back: {}\n", visible(environment), visible(&way.title)),
        (None, Some(way)) => {
            format!(
                "only a revert is ready, and {} keeps what it runs: {}\n",
                visible(environment),
                visible(&way.title)
            )
        }
        (None, None) => format!("no rollback option of {} is proven ready\n", visible(environment)),
    };
    for way in ways {
        let mark = match &way.ready {
            Ready::Yes => "✓",
            Ready::No(_) => "✗",
            Ready::Unknown(_) => "?",
        };
        let _ = writeln!(text, "\n{mark} {}  {}", visible(&way.id), visible(&way.title));
        let to = way.leads_to();
        if !to.is_empty() {
            let _ = writeln!(text, "    {to}");
        }
        match &way.ready {
            Ready::Yes => {
                let only = way.and_then().map_or_else(String::new, |only| format!(", but {only}"));
                let _ = writeln!(text, "    {}{only}", way.proven());
            }
            Ready::No(why) => {
                let _ = writeln!(text, "    cannot be taken: {}", visible(why));
            }
            Ready::Unknown(why) => {
                let _ = writeln!(text, "    not proven: {}", visible(why));
            }
        }
        for (speaks, line) in &way.evidence {
            let mark = match speaks {
                Some(true) => "✓",
                Some(false) => "✗",
                None => "·",
            };
            let _ = writeln!(text, "    {mark} {}", visible(line));
        }
        taken(&mut text, way);
        let _ = writeln!(text, "    {}", way.rehearsal(now));
    }
    text
}

/// What a way takes away, and what lies between.
fn taken(text: &mut String, way: &Way) {
    let shown = 5;
    if way.takes_away_count > 0 {
        let s = if way.takes_away_count == 1 { "" } else { "s" };
        let _ = writeln!(text, "    removes {} commit{s}", way.takes_away_count);
        for (id, subject) in way.takes_away.iter().take(shown) {
            let _ = writeln!(text, "      {id} {}", visible(subject));
        }
        if way.takes_away_count > shown {
            let _ = writeln!(text, "      and {} more", way.takes_away_count - shown);
        }
    }
    for path in &way.migrations {
        let _ = writeln!(text, "    migration in between: {}", visible(path));
    }
    if let Some(gitops) = &way.undone_by {
        let _ = writeln!(text, "    {} would undo it", visible(gitops));
    }
}

/// A way back as scripts read it.
#[derive(Debug, Serialize)]
pub(super) struct Json<'a> {
    id: &'a str,
    title: &'a str,
    environment: &'a str,
    goes_back_to: &'a str,
    ready: &'static str,
    why: &'a str,
    evidence: Vec<Evidence<'a>>,
    takes_away: Vec<Taken<'a>>,
    takes_away_count: usize,
    migrations: &'a [String],
    rehearsed: Option<Rehearsed<'a>>,
    undone_by: Option<&'a str>,
    waits_for: &'a str,
}

#[derive(Debug, Serialize)]
struct Evidence<'a> {
    speaks_for_it: Option<bool>,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Taken<'a> {
    commit: &'a str,
    subject: &'a str,
}

#[derive(Debug, Serialize)]
struct Rehearsed<'a> {
    environment: &'a str,
    at: Timestamp,
    took_s: i64,
    took: String,
}

/// A way back as JSON.
pub(super) fn json(way: &Way) -> Json<'_> {
    Json {
        id: &way.id,
        title: &way.title,
        environment: &way.environment,
        goes_back_to: &way.goes_back_to,
        ready: way.ready.name(),
        why: way.ready.why(),
        evidence: way
            .evidence
            .iter()
            .map(|(speaks, text)| Evidence { speaks_for_it: *speaks, text })
            .collect(),
        takes_away: way.takes_away.iter().map(|(commit, subject)| Taken { commit, subject }).collect(),
        takes_away_count: way.takes_away_count,
        migrations: &way.migrations,
        rehearsed: way.rehearsed.as_ref().map(|rehearsal| Rehearsed {
            environment: &rehearsal.environment,
            at: rehearsal.at,
            took_s: rehearsal.took.as_secs(),
            took: duration(rehearsal.took),
        }),
        undone_by: way.undone_by.as_deref(),
        waits_for: &way.waits_for,
    }
}
