//! What is asked of the hotfix branch, made into a plan: the repository is read, the remote asked.
//! Each request has a file of its own.

use super::prepare::Ground;
use crate::config::types::Flow;
use crate::failure::{Failure, Result};
use crate::hotfix::flows;
use crate::hotfix::git::Reader;
use crate::hotfix::remote::Remote;
use crate::hotfix::state::BranchState;
use crate::plan::{HotfixRequest, Plan};

/// The repository as it was read before a plan is made.
pub(super) struct Place<'a> {
    /// What the plan is made on.
    pub(super) ground: &'a Ground<'a>,
    /// The id of the plan.
    pub(super) id: &'a str,
    /// The open repository.
    pub(super) reader: Reader,
    /// What it said.
    pub(super) state: BranchState,
}

/// Makes a plan of what is asked of the hotfix branch.
///
/// # Errors
/// The repository cannot be read or is in no state for it, or the remote does not answer where it
/// has to.
pub(super) fn plan(ground: &Ground<'_>, id: &str, wanted: &HotfixRequest) -> Result<Plan> {
    let name = ground.root.to_string_lossy();
    let mut reader = Reader::open(ground.root).map_err(|none| none.failure(&name))?;
    let state = reader.read(&ground.config.hotfix).map_err(|none| none.failure(&name))?;
    let place = Place { ground, id, reader, state };
    match wanted {
        HotfixRequest::Fetch => fetch(&place),
        HotfixRequest::Start { name } => flows::start(ground.config, id, &place.state, name),
        HotfixRequest::Bump { version } => super::bump::plan(&place, version.as_deref()),
        HotfixRequest::Push => not_yet(),
        HotfixRequest::Finish { .. } => match ground.config.hotfix.flow {
            Flow::GitFlow => not_yet(),
            Flow::GithubFlow => not_yet(),
            Flow::Trunk => not_yet(),
        },
        HotfixRequest::Abandon => not_yet(),
    }
}

fn not_yet() -> Result<Plan> {
    Err(Failure::usage("making the plan", "this version cannot do that", "do it with git"))
}

fn fetch(place: &Place<'_>) -> Result<Plan> {
    let remote = place.reader.remote_name(&place.ground.config.hotfix.remote);
    let remote = remote.filter(|name| !name.starts_with('-'));
    let none = || Remote::None.require("planning a fetch").map(|_| String::new());
    Ok(flows::fetch(place.id, &place.state, &remote.map_or_else(none, Ok)?))
}
