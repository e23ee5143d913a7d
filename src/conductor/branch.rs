//! What is asked of the hotfix branch, made into a plan: the repository is read, the remote asked.
//! Each request has a file of its own.

mod finish;
mod requests;
mod seen;

use super::prepare::Ground;
use crate::config::types::Flow;
use crate::failure::Result;
use crate::hotfix::git::Reader;
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
    let mut place = read(ground, id)?;
    match wanted {
        HotfixRequest::Fetch => requests::fetch(&place),
        HotfixRequest::Start { name } => requests::start(&mut place, name),
        HotfixRequest::Bump { version } => super::bump::plan(&mut place, version.as_deref()),
        HotfixRequest::Push => requests::push(&place),
        HotfixRequest::Finish { main_first, text } => match ground.config.hotfix.flow {
            Flow::GitFlow => finish::git_flow(&mut place, *main_first, text),
            Flow::GithubFlow => super::pull::finish(&mut place, text),
            Flow::Trunk => requests::finish_trunk(&place),
        },
        HotfixRequest::Abandon => requests::abandon(&place),
    }
}

/// Reads the repository before a plan is made.
///
/// # Errors
/// It cannot be read.
pub(super) fn read<'a>(ground: &'a Ground<'a>, id: &'a str) -> Result<Place<'a>> {
    let name = ground.root.to_string_lossy();
    let mut reader = Reader::open(ground.root).map_err(|none| none.failure(&name))?;
    let state = reader.read(&ground.config.hotfix).map_err(|none| none.failure(&name))?;
    Ok(Place { ground, id, reader, state })
}
