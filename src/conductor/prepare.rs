//! Making a plan of a request: refs resolved, the world asked where that is needed, commands
//! filled in, gates attached.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::flags::switch;
use super::frozen::short;
use super::programs::freeze;
use super::told;
use super::{back, branch, deployments, issues, own, report, reviewers, runbooks, suspects, verdict};
use crate::config::load;
use crate::config::types::{Config, Environment, Pipeline, PipelineKind, PipelineOn};
use crate::deploy::{self, Resolved, gates, pipeline};
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::version::bare;
use crate::hotfix::{self, git::Reader};
use crate::incident::{History, Policy, Release, brought_notes};
use crate::plan::{Plan, Request, programs};
use crate::text::visible;

/// How many of the commits that a deploy brings are named.
const BROUGHT: usize = 8;

/// What a plan is made on.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// A directory of the repository.
    pub root: &'a Path,
    /// Where it is kept what was trusted.
    pub state_dir: &'a Path,
    /// The trusted configuration.
    pub config: &'a Config,
    /// The policy in force.
    pub policy: &'a Policy,
    /// What is known of releases and ways back.
    pub history: &'a History,
    /// The time.
    pub now: Timestamp,
    /// How far making a plan may go.
    pub fresh: Fresh,
}

/// How far making a plan may go to learn what the remote has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// It is asked; nothing changes here.
    Ask,
    /// What it has is fetched, where it has something new.
    Fetch,
}

/// Makes a plan of a request: resolves refs and reads the trusted configuration's commands.
///
/// # Errors
/// The repository cannot be read, the reference is not known, or what is asked for is not
/// configured.
pub fn prepare(ground: &Ground<'_>, id: &str, request: &Request) -> Result<Plan> {
    let mut plan = plan(ground, id, request)?;
    plan.made_from.clone_from(&ground.config.content);
    plan = deployments::attach(ground, plan);
    // Ahead of what may be long: the commits that it brings.
    let waits = reviewers::notes(ground, &plan);
    plan.notes.splice(0..0, waits);
    let reader = Reader::open(ground.root);
    let root = reader.as_ref().map_or(ground.root, Reader::root);
    plan = deploy::secrets::attach_silent(plan, ground.config, &directory(&root.to_string_lossy()));
    // What only makes calls is about no repository.
    if programs::lines(&plan).is_empty() {
        return Ok(plan);
    }
    let reader = reader.map_err(|none| none.failure(&ground.root.to_string_lossy()))?;
    let in_git = matches!(
        request,
        Request::Hotfix(_) | Request::Revert { .. } | Request::Bisect { .. } | Request::Report(_)
    );
    if in_git {
        plan.notes.extend(own::note(ground.state_dir, &reader));
    }
    Ok(freeze(plan, &reader))
}

/// Makes sure that the configuration is the one a plan was made from: its gates, commands and limits are
/// what was confirmed.
///
/// # Errors
/// The file has changed since, or cannot be read.
pub fn require_unchanged(root: &Path, plan: &Plan) -> Result<()> {
    if load::is_current(root, &plan.made_from)? {
        return Ok(());
    }
    Err(Failure::of(
        FailureKind::Gate,
        format!("starting {}", plan.title),
        "flightdeck.toml changed since this plan was made: its gates and commands may be others now",
        "make the plan again and read it; nothing was started",
    ))
}

fn plan(ground: &Ground<'_>, id: &str, request: &Request) -> Result<Plan> {
    let Ground { root, config, .. } = *ground;
    if let Request::Rollback { environment, way } = request {
        return back::plan(ground, id, environment, way.as_deref());
    }
    if let Request::Hotfix(wanted) = request {
        return branch::plan(ground, id, wanted);
    }
    match request {
        Request::FollowUps { texts } => return issues::plan(ground, id, texts),
        Request::Report(wanted) => return report::plan(ground, id, wanted),
        Request::RemoteTest => return verdict::plan(ground, id),
        Request::Revert { commit } => return suspects::revert(ground, id, commit),
        Request::Bisect { good, bad, check } => {
            return suspects::bisect(ground, id, (good, bad), check.as_deref());
        }
        _ => {}
    }
    let place = root.to_string_lossy();
    let mut reader = Reader::open(root).map_err(|none| none.failure(&place))?;
    let named = match request {
        Request::Deploy { reference, .. } => reference.as_deref(),
        _ => None,
    };
    if let Some(reference) = named {
        // Looked up only once it is known to be no option: nothing guesses what was meant.
        let commit = if reference.starts_with('-') { String::new() } else { reader.resolve(reference)? };
        let root = directory(&reader.root().to_string_lossy());
        let (tag, version) = if commit.is_empty() {
            (None, None)
        } else {
            reader.label(&commit, reference, &config.hotfix)?
        };
        let same = reader.same_content(&commit);
        let what = Resolved {
            reference: reference.to_owned(),
            commit,
            root,
            tag,
            version,
            same,
            ..Resolved::default()
        };
        return planned(ground, &mut reader, id, request, &what);
    }
    let state = reader.read(&config.hotfix).map_err(|none| none.failure(&place))?;
    let commit = state.commit().unwrap_or_default().to_owned();
    // On no branch the commit itself is what is meant.
    let mut reference = state.branch().map_or_else(|| commit.clone(), str::to_owned);
    if !commit.is_empty()
        && let Err(failure) = reader.resolve(&reference)
    {
        if matches!(request, Request::Deploy { .. }) {
            return Err(failure);
        }
        reference = state.branch().map_or_else(|| commit.clone(), |branch| format!("refs/heads/{branch}"));
    }
    let dirty = state.is_dirty();
    let (tag, version) = (state.tags.last().cloned(), state.version.clone());
    let root = directory(&state.root);
    let same = state.same_content.clone();
    planned(
        ground,
        &mut reader,
        id,
        request,
        &Resolved { reference, commit, root, dirty, tag, version, same, host: None },
    )
}

/// A directory as people write it: without a slash at its end.
pub(super) fn directory(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path.to_owned() } else { trimmed.to_owned() }
}

fn planned(
    ground: &Ground<'_>,
    reader: &mut Reader,
    id: &str,
    request: &Request,
    what: &Resolved,
) -> Result<Plan> {
    let Ground { config, policy, .. } = *ground;
    match request {
        Request::Deploy { environment, .. } => {
            let live = live(config, environment, &what.root)?;
            let what = &Resolved { host: host(config, reader, environment)?, ..what.clone() };
            let plan = deploy::deploy(config, policy, id, environment, what, live.as_deref())?;
            let plan = deploy::extended::follow(plan, config, policy, false);
            let env = deploy::find_environment(config, "planning a deploy", environment)?;
            // Asked for only where it matters: it may take a moment.
            let wanted = gates::ids(env, policy).iter().any(|id| id == "rollback");
            let back = wanted.then(|| back::before_deploy(ground, reader, env, &what.commit));
            let (back, live) = back.unzip();
            let live = if wanted { live.flatten() } else { back::live(ground, env) };
            let mut plan = gates::attach(plan, config, policy, environment, what, back);
            plan.notes.extend(brings(
                reader,
                environment,
                what,
                live.as_ref().map(|live| live.commit.as_str()),
            ));
            plan.predecessor = live.map(|live| back::predecessor(ground, &live));
            plan.warnings.extend(not_raised(reader, what));
            plan.warnings.extend(not_pushed(ground, reader, env, what));
            plan.warnings.extend(goes_on_from(ground, reader, environment, &what.commit));
            plan.warnings.extend(failed_elsewhere(ground, environment, &plan.brings()));
            Ok(plan)
        }
        Request::Smoke { environment } => deploy::smoke(config, id, environment, what),
        Request::Action { name } => deploy::action::action(config, policy, id, name, what),
        Request::Runbook { path, block, shown } => runbooks::plan(ground, id, path, *block, shown, what),
        Request::Test { checks } => deploy::test(config, id, checks, what),
        Request::RemoteTest => verdict::plan(ground, id),
        Request::Hotfix(wanted) => branch::plan(ground, id, wanted),
        Request::Rollback { environment, way } => back::plan(ground, id, environment, way.as_deref()),
        Request::FollowUps { texts } => issues::plan(ground, id, texts),
        Request::Report(wanted) => report::plan(ground, id, wanted),
        Request::Revert { commit } => suspects::revert(ground, id, commit),
        Request::Bisect { good, bad, check } => suspects::bisect(ground, id, (good, bad), check.as_deref()),
        Request::Watch { environment, time } => {
            let history = ground.history;
            let plan = deploy::watch::watch(config, policy, history, id, environment, *time, &what.root)?;
            let goes_back = history.current(environment).is_some_and(|release| release.rollback);
            Ok(deploy::extended::follow(plan, config, policy, goes_back))
        }
        Request::Flag { name, on } => {
            let flag = deploy::flags::find(config, "planning to set a flag", name)?;
            let before = switch(config, flag, Path::new(&what.root));
            deploy::flags::flag(config, id, name, *on, &before, &what.root)
        }
    }
}

/// That the version file says what another commit was released as: nobody can tell the two apart by it.
fn not_raised(reader: &mut Reader, what: &Resolved) -> Option<String> {
    let version = what.version.as_deref().filter(|_| what.tag.is_none())?;
    let is_it = |(name, at): &(String, String)| bare(name) == bare(version) && *at != what.commit;
    let (tag, at) = reader.tags().into_iter().find(is_it)?;
    Some(format!(
        "its version file still says {}, which {} ({}) was released as",
        visible(version),
        visible(&tag),
        short(&at)
    ))
}

/// That the host of a pipeline does not have the branch that it is started on as it is here.
fn not_pushed(ground: &Ground<'_>, reader: &Reader, env: &Environment, what: &Resolved) -> Option<String> {
    let of_branch = |wanted: &&Pipeline| {
        wanted.kind != PipelineKind::Command
            && wanted.on == PipelineOn::Start
            && wanted.reference.is_empty()
            && wanted.repository.is_empty()
    };
    env.pipeline.as_ref().filter(of_branch)?;
    let branch = what.reference.as_str();
    reader.commit_at(&format!("refs/heads/{branch}"))?;
    let remote = reader.remote_name(&ground.config.hotfix.remote)?;
    let (name, place) = (visible(branch), visible(&remote));
    let push = format!("push it first: git push {place} {name}");
    match reader.commit_at(&format!("refs/remotes/{remote}/{branch}")) {
        Some(there) if there == what.commit => None,
        Some(there) => Some(format!("{place} has {name} at {}, not at this commit: {push}", short(&there))),
        None => Some(format!("{name} is not at {place} yet, as far as is known here: {push}")),
    }
}

/// The code host that runs the pipeline of an environment; `None`: none is needed.
///
/// # Errors
/// It is not known, or nothing lets us in.
pub(super) fn host(config: &Config, reader: &Reader, environment: &str) -> Result<Option<pipeline::Host>> {
    let env = config.environments.iter().find(|env| env.name == environment);
    let Some(wanted) = env.and_then(|env| env.pipeline.as_ref()) else { return Ok(None) };
    if wanted.kind == PipelineKind::Command {
        return Ok(None);
    }
    let doing = || format!("finding the code host that deploys to {}", visible(environment));
    let settings = pipeline::place_config(config, wanted);
    let remote = reader.remote_place(&config.hotfix.remote);
    let place = hotfix::forge::place(&settings, remote.as_deref()).map_err(|none| {
        let hint = "set `api` and `repository` of the pipeline in flightdeck.toml";
        Failure::usage(doing(), none.0, hint)
    })?;
    let declared = config.secrets.iter().find(|secret| secret.name == wanted.token);
    let token = match declared {
        Some(secret) => deploy::secrets::source(secret, &reader.root().to_string_lossy()),
        None if wanted.token.is_empty() => {
            let found = super::forge::token(&place, !settings.api.is_empty());
            let none = || Failure::new(doing(), super::pull::no_token(&place), "then try again");
            found.ok_or_else(none)?.0
        }
        None => {
            let cause =
                format!("the pipeline names the secret {}, which is not declared", visible(&wanted.token));
            let hint = "declare it with a [[secrets]] table in flightdeck.toml";
            return Err(Failure::usage(doing(), cause, hint));
        }
    };
    Ok(Some(pipeline::Host { place, token }))
}

/// The commits that an environment does not have yet, where it is known what it has.
fn brings(reader: &Reader, environment: &str, what: &Resolved, live: Option<&str>) -> Vec<String> {
    let Some(live) = live.filter(|live| *live != what.commit) else { return Vec::new() };
    let (commits, all) = reader.changes_beyond(&what.commit, &[live], BROUGHT);
    brought_notes(&visible(environment), &commits, all)
}

/// That a commit contains what was just rolled back: what is new beside that has to be the cure. Of the very
/// commit a gate says so.
fn goes_on_from(ground: &Ground<'_>, reader: &Reader, environment: &str, commit: &str) -> Option<String> {
    let releases = &ground.history.releases;
    let back = ground.history.current(environment).filter(|live| live.rollback)?;
    let bad = back.replaces.as_deref().filter(|bad| *bad != commit)?;
    if reader.is_in(bad, commit) != Some(true) {
        return None;
    }
    let tags = Reader::open(ground.root).map(|mut reader| reader.tags()).unwrap_or_default();
    let name = called(releases, &tags, environment, bad);
    let new = match reader.changes_beyond(commit, &[bad], 0).1 {
        1 => "1 commit is new since".to_owned(),
        new => format!("{new} commits are new since"),
    };
    let at = back.at.strftime("%H:%M UTC");
    Some(format!("it contains {}, which was rolled back at {at}; {new}", visible(&name)))
}

/// What people call a commit that was in an environment: by its release, else by a tag at it, which it may have
/// although nothing here recorded its deploy.
fn called(releases: &[Release], tags: &[(String, String)], environment: &str, commit: &str) -> String {
    let known = releases.iter().rev().find(|one| one.environment == environment && one.commit == commit);
    let tag = tags.iter().find(|(_, at)| at == commit).map(|(name, _)| name.clone());
    known.map(Release::name).or(tag).unwrap_or_else(|| commit.chars().take(7).collect())
}

/// What speaks against these commits in the other environments, a line each. In its own a gate says so.
fn failed_elsewhere(ground: &Ground<'_>, environment: &str, commits: &[&str]) -> Vec<String> {
    let others = ground.config.environments.iter().filter(|other| other.name != environment);
    let today = ground.now.saturating_sub(SignedDuration::from_hours(12)).unwrap_or(Timestamp::MIN);
    let failed = others.filter_map(|other| {
        let found = ground.history.condemned(&other.name, today, |it| commits.contains(&it))?;
        Some(format!("in {}: {} {}", visible(&other.name), found.name, found.why))
    });
    failed.collect()
}

/// The side that is live now, where an environment is deployed to blue-green.
fn live(config: &Config, environment: &str, root: &str) -> Result<Option<String>> {
    let env = config.environments.iter().find(|env| env.name == environment);
    let Some((env, sides)) = env.and_then(|env| Some((env, env.blue_green.as_ref()?))) else {
        return Ok(None);
    };
    told::live_side(config, env, sides, Path::new(root)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_live_before_flightdeck_knew_of_it_is_called_by_its_tag() {
        let commit = "b7685206378d0000000000000000000000000000";
        let tags = [("v1.4.1".to_owned(), "a".repeat(40)), ("v1.4.2".to_owned(), commit.to_owned())];
        assert_eq!(called(&[], &tags, "production", commit), "v1.4.2");
        assert_eq!(called(&[], &[], "production", commit), "b768520");
    }
}
