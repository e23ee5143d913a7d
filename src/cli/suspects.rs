//! `flightdeck suspects`: what changed since it last worked, most suspicious first; and what can be
//! done about it: take a change back, or search for it by halves.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::End;
use super::args::WorldArgs;
use super::carry::{carry, history};
use super::context::{Context, Wanted};
use crate::conductor::{self, Asking, Fresh, Ground};
use crate::deploy::bisect;
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::hotfix::state::Commit;
use crate::hotfix::suspects::culprits::{self, Theirs};
use crate::hotfix::suspects::{Change, Edge, Found, Kind, OTHERWISE, Suspect, short};
use crate::incident::duration;
use crate::plan::Request;
use crate::text::visible;

/// Suspects shown as text; JSON has all.
const SHOWN: usize = 20;

/// See what changed since it last worked, most suspicious first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  flightdeck suspects                          since the last good release
  flightdeck suspects --since v1.2.2 --json
  flightdeck suspects --revert 4f2c91e --dry-run
  flightdeck suspects --bisect unit --dry-run

It says where to look first, and why. It does not say what the cause was.")]
pub(crate) struct Args {
    /// Begin after this branch, tag or commit; default: the last good release
    #[arg(long, value_name = "REF")]
    pub(crate) since: Option<String>,

    /// Revert this change on the branch in production, and push
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["since", "bisect"])]
    pub(crate) revert: Option<String>,

    /// Bisect for the commit that broke a check; default: the only one
    #[arg(long, value_name = "CHECK", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "the option may be given with and without a value")]
    pub(crate) bisect: Option<Option<String>>,

    #[command(flatten)]
    pub(crate) world: WorldArgs,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    if let Some(commit) = &args.revert {
        // Nothing that the configuration names is run by it.
        let config = cx.setup()?.config;
        return carry(cx, &config, &Request::Revert { commit: commit.clone() }, &args.world);
    }
    if let Some(check) = &args.bisect {
        return search(args, cx, check.as_deref());
    }
    let found = look(cx, args.since.as_deref())?;
    let loaded = cx.load_to_read(Wanted::Open).ok();
    let probes = cx.setup()?.config.probes;
    let theirs =
        loaded.map(|loaded| culprits::third_parties(loaded.state(), &probes, &[])).unwrap_or_default();
    if args.world.json {
        cx.out.json(&json(&found, &theirs, cx.now()))?;
    } else {
        cx.out.lines(&text(&found, &theirs, cx.now()))?;
    }
    Ok(End::Done)
}

/// What changed, weighed by what is known of the incident, if there is one.
pub(super) fn look(cx: &Context, since: Option<&str>) -> Result<Found> {
    let setup = cx.setup()?;
    let root = cx.root()?;
    let mut reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    let loaded = match cx.load_to_read(Wanted::Open) {
        Ok(loaded) => Some(loaded),
        Err(failure) if cx.incident.is_some() => return Err(failure),
        Err(_) => None,
    };
    let history = history(cx)?;
    let ground = Ground {
        state_dir: &cx.state_dir,
        root,
        config: &setup.config,
        policy: &setup.policy,
        history: &history,
        now: cx.now(),
        fresh: Fresh::Ask,
    };
    let asking = if setup.trusted { Asking::Environment } else { Asking::Here };
    let state = loaded.as_ref().map(super::context::Loaded::state);
    let mut found = conductor::suspects(&ground, &mut reader, state, since, asking)?;
    if state.is_none() {
        found.remarks.push("no incident is open, so changes are not ranked by what fails".to_owned());
    }
    Ok(found)
}

/// Searches by halves, and prints what was found.
fn search(args: &Args, cx: &Context, check: Option<&str>) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let found = look(cx, args.since.as_deref())?;
    let Some(from) = found.from else {
        return Err(Failure::usage(
            "planning a bisect",
            "no known good commit",
            "name a commit at which the check passes: --since REF",
        ));
    };
    let request =
        Request::Bisect { good: from.commit, bad: found.to.commit, check: check.map(str::to_owned) };
    let end = carry(cx, &config, &request, &args.world)?;
    let WorldArgs { dry_run, detach, json, propose, .. } = args.world;
    if matches!(end, End::Done) && !(dry_run || detach || json || propose) {
        let loaded = cx.load_to_read(Wanted::Open)?;
        let plans = &loaded.state().plans;
        let plan = plans.iter().rev().find(|plan| plan.target == bisect::TARGET && plan.is_done());
        if let Some(run) = plan.and_then(|plan| plan.steps.get(bisect::RESULT)?.run.as_ref()) {
            cx.out.line(&visible(&run.summary))?;
        }
    }
    Ok(end)
}

/// All of it as text, most suspicious first.
fn text(found: &Found, theirs: &[Theirs], now: Timestamp) -> String {
    let mut text = String::new();
    for one in theirs {
        let since = duration(now.duration_since(one.since).max(SignedDuration::ZERO));
        let _ = writeln!(text, "look here first: {}, since {since} ago", visible(&one.said));
    }
    let lead = if theirs.is_empty() { "look here first" } else { "then" };
    let _ = writeln!(text, "{lead}: what changed {}", visible(&found.between()));
    if found.suspects.is_empty() {
        text.push_str("nothing changed in between\n");
    }
    for (index, suspect) in found.suspects.iter().take(SHOWN).enumerate() {
        let age = duration(now.duration_since(suspect.at).max(SignedDuration::ZERO));
        let _ = writeln!(
            text,
            "\n{:>2}  {:<7}  {}  {age} ago{}",
            index + 1,
            called(suspect),
            visible(&suspect.title),
            if suspect.contact.is_empty() {
                String::new()
            } else {
                format!(", ask {}", visible(&suspect.contact))
            },
        );
        if let Some(change) = &suspect.change {
            about(&mut text, change);
        }
        for reason in &suspect.reasons {
            let _ = writeln!(text, "      {:>+4}  {}", reason.weight, visible(&reason.text));
        }
        if suspect.reasons.is_empty() {
            text.push_str("            no reason to suspect it\n");
        }
    }
    text.push('\n');
    if found.suspects.len() > SHOWN {
        let _ = writeln!(text, "and {} more: --json has all", found.suspects.len() - SHOWN);
    }
    for remark in &found.remarks {
        let _ = writeln!(text, "{}", visible(remark));
    }
    let _ = writeln!(text, "{OTHERWISE}");
    text
}

/// What stands in the second column: the commit, or what it was.
fn called(suspect: &Suspect) -> &str {
    match suspect.kind {
        Kind::Commit | Kind::Merge => short(&suspect.id),
        Kind::Flag | Kind::Deploy => suspect.kind.name(),
    }
}

/// How large a change is, and what came with it.
fn about(text: &mut String, change: &Change) {
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let files = change.files_count;
    let mut parts = vec![format!("{files} file{} +{} −{}", s(files), change.insertions, change.deletions)];
    if change.brought_count > 0 {
        parts.push(format!("merge of {} commit{}", change.brought_count, s(change.brought_count)));
    }
    if let Some(through) = &change.through {
        parts.push(format!("came by {} {}", short(&through.id), through.subject));
    }
    if !change.tags.is_empty() {
        parts.push(change.tags.join(", "));
    }
    parts.extend(change.cut.clone());
    let _ = writeln!(text, "            {}", visible(&parts.join(" · ")));
}

/// What scripts read.
#[derive(Debug, Serialize)]
struct Json<'a> {
    third_parties: Vec<TheirsJson<'a>>,
    from: Option<EdgeJson<'a>>,
    to: EdgeJson<'a>,
    commits: usize,
    suspects: Vec<SuspectJson<'a>>,
    remarks: &'a [String],
    otherwise: &'static str,
}

#[derive(Debug, Serialize)]
struct TheirsJson<'a> {
    said: &'a str,
    since: Timestamp,
}

#[derive(Debug, Serialize)]
struct EdgeJson<'a> {
    commit: &'a str,
    name: &'a str,
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct SuspectJson<'a> {
    rank: usize,
    kind: &'static str,
    id: &'a str,
    title: &'a str,
    contact: &'a str,
    email: &'a str,
    at: Timestamp,
    age_s: i64,
    score: i32,
    reasons: Vec<ReasonJson<'a>>,
    commits: Vec<CommitJson<'a>>,
    commits_count: usize,
    through: Option<&'a str>,
    tags: &'a [String],
    live_with: Option<&'a str>,
    live_at: Option<Timestamp>,
    files: Vec<&'a str>,
    files_count: usize,
    insertions: usize,
    deletions: usize,
    cut: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct ReasonJson<'a> {
    id: &'static str,
    weight: i32,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct CommitJson<'a> {
    commit: &'a str,
    subject: &'a str,
    author: &'a str,
    at: Timestamp,
}

fn json<'a>(found: &'a Found, theirs: &'a [Theirs], now: Timestamp) -> Json<'a> {
    Json {
        third_parties: theirs.iter().map(|one| TheirsJson { said: &one.said, since: one.since }).collect(),
        from: found.from.as_ref().map(edge_json),
        to: edge_json(&found.to),
        commits: found.commits,
        suspects: found
            .suspects
            .iter()
            .enumerate()
            .map(|(index, suspect)| suspect_json(index + 1, suspect, now))
            .collect(),
        remarks: &found.remarks,
        otherwise: OTHERWISE,
    }
}

fn edge_json(edge: &Edge) -> EdgeJson<'_> {
    EdgeJson { commit: &edge.commit, name: &edge.name, why: &edge.why }
}

fn suspect_json(rank: usize, suspect: &Suspect, now: Timestamp) -> SuspectJson<'_> {
    let change = suspect.change.as_ref();
    let live = change.and_then(|change| change.live.as_ref());
    SuspectJson {
        rank,
        kind: suspect.kind.name(),
        id: &suspect.id,
        title: &suspect.title,
        contact: &suspect.contact,
        email: change.map_or("", |change| &change.email),
        at: suspect.at,
        age_s: now.duration_since(suspect.at).as_secs(),
        score: suspect.score,
        reasons: suspect
            .reasons
            .iter()
            .map(|reason| ReasonJson { id: reason.about.name(), weight: reason.weight, text: &reason.text })
            .collect(),
        commits: change.map(|change| change.brought.iter().map(commit_json).collect()).unwrap_or_default(),
        commits_count: change.map_or(0, |change| change.brought_count),
        through: change.and_then(|change| Some(change.through.as_ref()?.id.as_str())),
        tags: change.map_or(&[], |change| &change.tags),
        live_with: live.map(|live| live.name.as_str()),
        live_at: live.map(|live| live.at),
        files: change.map(|change| change.files.iter().map(|file| &*file.path).collect()).unwrap_or_default(),
        files_count: change.map_or(0, |change| change.files_count),
        insertions: change.map_or(0, |change| change.insertions),
        deletions: change.map_or(0, |change| change.deletions),
        cut: change.and_then(|change| change.cut.as_deref()),
    }
}

fn commit_json(commit: &Commit) -> CommitJson<'_> {
    let Commit { id, subject, author, at } = commit;
    CommitJson { commit: id, subject, author, at: *at }
}
