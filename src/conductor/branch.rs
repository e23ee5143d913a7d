//! What is asked of the hotfix branch, made into a plan: the repository is read, the remote asked.
//! Each request has a file of its own.

mod finish;
mod follow;
mod requests;
mod seen;

pub(super) use follow::pushes_of;

use super::prepare::Ground;
use crate::config::types::{Config, Flow};
use crate::failure::Result;
use crate::hotfix::flows;
use crate::hotfix::git::Reader;
use crate::hotfix::state::BranchState;
use crate::plan::{HotfixRequest, Plan, PullText, Step};
use crate::text::visible;

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
    // What was chosen for the current branch says nothing about a new one.
    let is_new = matches!(wanted, HotfixRequest::Start { .. });
    let hotfix = &ground.config.hotfix;
    let hotfix = if is_new { hotfix.for_a_new_branch() } else { hotfix.clone() };
    let config = Config { hotfix, ..ground.config.clone() };
    let ground = Ground { config: &config, ..*ground };
    let mut place = read(&ground, id)?;
    match wanted {
        HotfixRequest::Fetch => requests::fetch(&place),
        HotfixRequest::Start { name } => {
            let mut plan = requests::start(&mut place, name)?;
            if place.ground.config.hotfix.flow != Flow::Trunk {
                plan.steps.extend(forget(&place));
            }
            Ok(plan)
        }
        HotfixRequest::Bump { version } => super::bump::plan(&mut place, version.as_deref()),
        HotfixRequest::Push => requests::push(&place),
        HotfixRequest::Finish { main_first, text } => finish(&mut place, *main_first, text),
        HotfixRequest::Abandon => requests::abandon(&place),
    }
}

/// Finishes as the flow has it, and says which that is and why.
fn finish(place: &mut Place<'_>, main_first: bool, text: &PullText) -> Result<Plan> {
    let hotfix = &place.ground.config.hotfix;
    let mut plan = match hotfix.flow {
        Flow::GitFlow => finish::git_flow(place, main_first, text),
        Flow::GithubFlow => super::pull::finish(place, text),
        Flow::Trunk => requests::finish_trunk(place),
    }?;
    if !plan.steps.is_empty() {
        if hotfix.flow == Flow::Trunk {
            plan.steps.extend(forget(place));
        }
        plan.notes.insert(0, visible(&hotfix.flow_line()).into_owned());
        plan = follow::pipelines(place, plan)?;
    }
    Ok(plan)
}

/// Forgets the flow that the base was started with, where one is kept for it: the base does not go when the
/// fix is out.
fn forget(place: &Place<'_>) -> Option<Step> {
    let base = place.state.base.as_ref().filter(|base| place.reader.keeps_flow(base))?;
    Some(flows::start::forget(&place.state.root, base))
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
