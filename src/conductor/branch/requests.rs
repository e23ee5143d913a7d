//! The requests that need no more than the repository and what its remote has: each is read, and
//! handed to the flow that makes the plan.

use super::super::back;
use super::super::prepare::{Fresh, directory};
use super::Place;
use crate::config::types::Flow;
use crate::deploy::{gates, secrets};
use crate::failure::Result;
use crate::hotfix::flows::abandon::Loss;
use crate::hotfix::flows::start::{Others, Unshipped};
use crate::hotfix::flows::{self, Seen, trunk};
use crate::hotfix::remote::Remote;
use crate::journal;
use crate::plan::Plan;

/// Most commits that are read to be shown.
const SHOWN: usize = 20;

pub(super) fn fetch(place: &Place<'_>) -> Result<Plan> {
    let remote = place.reader.remote_name(&place.ground.config.hotfix.remote);
    let remote = remote.filter(|name| !name.starts_with('-'));
    let none = || Remote::None.require("planning a fetch").map(|_| String::new());
    Ok(flows::fetch(place.id, &place.state, &remote.map_or_else(none, Ok)?))
}

/// What is new is fetched as a step of the plan, so the remote is only asked.
pub(super) fn start(place: &mut Place<'_>, name: &str) -> Result<Plan> {
    let hotfix = &place.ground.config.hotfix;
    // A name that is none is refused before anybody is asked.
    let branch =
        if hotfix.flow == Flow::Trunk { None } else { Some(flows::start::branch_name(hotfix, name)?) };
    let branches: Vec<&str> = branch.iter().map(String::as_str).collect();
    let remote = place.remote(Fresh::Ask, &branches);
    let releases = place.open_releases(&remote);
    let seen = place.seen(&remote, &branches);
    let others = place.others(&seen, releases);
    let incidents = journal::open_incidents(place.ground.state_dir);
    let unshipped = unshipped(place, &seen);
    flows::start(&seen, name, &Others { incidents, unshipped, ..others })
}

/// What the base has and production does not run; `None`: nothing, or one of the two is not known here.
fn unshipped(place: &Place<'_>, seen: &Seen<'_>) -> Option<Unshipped> {
    let (ground, reader) = (place.ground, &place.reader);
    let base = seen.base.as_ref()?;
    let base = base.there.as_ref().or(base.local.as_ref())?;
    let env = ground.config.production()?;
    let (history, told) = back::history(ground, env, &directory(&place.state.root));
    if let Err(failure) = told {
        tracing::warn!(%failure, "asking what is live before a hotfix");
    }
    let live = history.current(&env.name)?;
    let (commits, all) = reader.changes_beyond(base, &[&live.commit], SHOWN);
    let ran: Vec<&str> = history.rolled_back(&env.name).into_iter().chain([live.commit.as_str()]).collect();
    let (never, never_ran) = reader.changes_beyond(base, &ran, usize::MAX);
    let was_back = |id: &str| !never.iter().any(|(other, ..)| other == id);
    let commits = commits.into_iter().map(|(id, subject, author)| {
        let back = was_back(&id);
        (id, subject, author, back)
    });
    (all > 0).then(|| Unshipped {
        environment: env.name.clone(),
        live: live.tag.clone().unwrap_or_else(|| live.commit.chars().take(12).collect()),
        commits: commits.collect(),
        all,
        rolled_back: all - never_ran.min(all),
    })
}

pub(super) fn push(place: &Place<'_>) -> Result<Plan> {
    let branch = place.state.branch().unwrap_or_default();
    let remote = place.remote(place.ground.fresh, &[branch]);
    flows::push(&place.seen(&remote, &[branch]), place.standing(&remote))
}

pub(super) fn abandon(place: &Place<'_>) -> Result<Plan> {
    let branch = place.state.branch().unwrap_or_default();
    let remote = place.remote(place.ground.fresh, &[branch]);
    let seen = place.seen(&remote, &[branch]);
    let kept = seen.kept(branch).map(|kept| kept.reference.as_str());
    let there = remote.known().and_then(|known| known.refs.branch(branch));
    let is_here = |there: &str| place.reader.is_in(there, place.state.commit()?);
    let base = seen.base.as_ref().map(|base| base.name.as_str());
    let loss = Loss {
        only_here: place.reader.only_on(branch, kept),
        all_here: there.map(|there| is_here(there) == Some(true)),
        checked_out: place.reader.checked_out_elsewhere(branch),
        base_is_taken: base.is_some_and(|base| !place.reader.checked_out_elsewhere(base).is_empty()),
    };
    flows::abandon(&seen, &loss)
}

/// Finishing in the trunk flow.
pub(super) fn finish_trunk(place: &Place<'_>) -> Result<Plan> {
    let ground = place.ground;
    let remote = place.remote(ground.fresh, &[]);
    let seen = place.seen(&remote, &[]);
    let base = seen.base.as_ref();
    let name = base.map(|base| base.name.as_str()).unwrap_or_default();
    let (local, there) = base.map_or((None, None), |base| (base.local.as_deref(), base.there.as_deref()));
    let between = local.zip(there);
    let fix = trunk::Fix {
        commits: between.map(|(local, there)| place.reader.beyond(local, there, SHOWN)).unwrap_or_default(),
        scratch: between.map(|(local, there)| place.reader.scratch(local, there)).unwrap_or_default(),
        is_taken: !place.reader.checked_out_elsewhere(name).is_empty(),
    };
    let plan = trunk::finish(&seen, &fix)?;
    let plan = gates::attach_finish(plan, ground.config, ground.policy, local.unwrap_or_default());
    Ok(secrets::attach(plan, ground.config, &place.state.root))
}
