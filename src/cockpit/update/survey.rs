//! What is ahead of the branch: asked again when something changed that it depends on.

use super::super::model::Model;
use super::super::msg::{Effect, EffectId};
use super::super::survey::Ground;
use super::super::ways;
use super::Cx;
use crate::hotfix::outlook::{Question, tried};
use crate::hotfix::pull::{Looked, Pull, PullState};
use crate::hotfix::state::BaseAt;

/// Asks where what was asked last is not what there is to be asked now. One question at a time: what
/// changes meanwhile is asked after it.
pub(super) fn keep_up(cx: &mut Cx<'_>) {
    if cx.model.survey.looking.is_some() {
        return;
    }
    let Some(ground) = ground(cx.model) else { return };
    let question = question(cx.model);
    let asked = (ground, question);
    if cx.model.survey.asked.as_ref() == Some(&asked) {
        return;
    }
    let question = asked.1.clone();
    cx.model.survey.asked = Some(asked);
    let id = cx.effect("looking ahead of the branch", Effect::Survey(question));
    cx.model.survey.looking = Some(id);
}

/// A look has ended.
pub(super) fn ended(model: &mut Model, id: EffectId) {
    if model.survey.looking == Some(id) {
        model.survey.looking = None;
    }
}

fn ground(model: &Model) -> Option<Ground> {
    let branch = model.repository()?;
    let at = |at: &BaseAt| (at.reference.clone(), at.commit.clone());
    let mut targets: Vec<(String, String)> =
        branch.base_at.iter().chain(&branch.develop).chain(&branch.releases).map(at).collect();
    // Where the base is at the remote matters too, and is seen by how far apart the two are.
    targets.extend(
        branch.base_upstream.as_ref().map(|up| (up.name.clone(), format!("{} {}", up.ahead, up.behind))),
    );
    let hotfix = &model.config.config.hotfix;
    Some(Ground {
        head: (branch.branch().unwrap_or_default().to_owned(), branch.commit()?.to_owned()),
        targets,
        settings: format!("{hotfix:?} {:?}", model.policy.hotfix_limit),
    })
}

fn question(model: &Model) -> Question {
    let releases = model.incident().map(|state| state.releases.as_slice()).unwrap_or_default();
    let deployed = model.config.config.environments.iter().filter_map(|environment| {
        let recorded = releases.iter().rev().find(|release| release.environment == environment.name);
        // What somebody brought there past the record is what is live.
        let found = ways::unrecorded(model.incident(), model.way_back());
        let past = found.filter(|found| found.environment == environment.name);
        let release = past.or(recorded)?;
        Some((environment.name.clone(), release.name(), release.commit.clone()))
    });
    let landed = match &model.pull {
        Some(Looked::Known(pull) | Looked::Unknown { last: Some(pull), .. }) => landed(model, pull),
        _ => None,
    };
    let base = model.repository().and_then(|branch| branch.base.as_deref()).unwrap_or_default();
    let tried = model.incident().map(|state| tried(state, base)).unwrap_or_default();
    Question { deployed: deployed.collect(), landed, tried }
}

/// The commit as which a pull request of this very commit landed.
fn landed(model: &Model, pull: &Pull) -> Option<String> {
    let PullState::Merged(commit) = &pull.state else { return None };
    let is_ours = Some(pull.head.as_str()) == model.repository()?.commit();
    commit.clone().filter(|_| is_ours)
}
