//! What is asked of the hotfix branch, made into a plan: the repository is read, the remote asked.

use super::prepare::Ground;
use crate::failure::{Failure, Result};
use crate::hotfix::flows;
use crate::hotfix::git::Reader;
use crate::plan::{HotfixRequest, Plan};

/// Makes a plan of what is asked of the hotfix branch.
///
/// # Errors
/// The repository cannot be read or is in no state for it, or the remote does not answer where it
/// has to.
pub(super) fn plan(ground: &Ground<'_>, id: &str, wanted: &HotfixRequest) -> Result<Plan> {
    let Ground { root, config, .. } = *ground;
    let place = root.to_string_lossy();
    let mut reader = Reader::open(root).map_err(|none| none.failure(&place))?;
    let state = reader.read(&config.hotfix).map_err(|none| none.failure(&place))?;
    match wanted {
        HotfixRequest::Start { name } => flows::start(config, id, &state, name),
        HotfixRequest::Fetch
        | HotfixRequest::Bump { .. }
        | HotfixRequest::Push
        | HotfixRequest::Finish { .. }
        | HotfixRequest::Abandon => {
            Err(Failure::usage("making the plan", "this version cannot do that", "do it with git"))
        }
    }
}
