//! What the pushes of a finish deploy by themselves: the pipelines that they start are followed by the same plan.

use super::super::back::{before_deploy, predecessor};
use super::super::prepare::{Ground, directory, host};
use super::super::pushed::pushes;
use super::Place;
use crate::config::types::Environment;
use crate::deploy::pushed::{deployed_by, follow};
use crate::deploy::{Resolved, gates};
use crate::failure::Result;
use crate::hotfix::flows::git;
use crate::plan::forge::Wanted;
use crate::plan::pushed::{Learn, Pushed};
use crate::plan::{Action, Plan};
use crate::text::visible;

/// Has a plan follow every pipeline that its own pushes and merges start.
///
/// # Errors
/// A command of such a pipeline cannot be filled in.
pub(super) fn pipelines(place: &Place<'_>, mut plan: Plan) -> Result<Plan> {
    let Some(base) = place.state.base.as_deref() else { return Ok(plan) };
    let (config, policy) = (place.ground.config, place.ground.policy);
    let root = directory(&place.state.root);
    for pushed in pushed(&plan, base, &root) {
        for env in deployed_by(config, &pushed.branch, base) {
            plan = guarded(place, plan, env, base);
            match host(config, &place.reader, &env.name) {
                Ok(host) => plan = follow(plan, config, policy, env, pushed.clone(), (host, &root))?,
                // The fix goes out all the same.
                Err(failure) => plan.warnings.push(format!(
                    "a push to {} deploys to {}, and its pipeline is not followed: {}",
                    visible(&pushed.branch),
                    visible(&env.name),
                    failure.cause
                )),
            }
        }
    }
    Ok(plan)
}

/// The plan with what guards a deploy to an environment: what a push deploys there passes no less.
fn guarded(place: &Place<'_>, plan: Plan, env: &Environment, base: &str) -> Plan {
    let Ground { config, policy, .. } = *place.ground;
    let commit = plan.subject.as_ref().map(|subject| subject.commit.clone()).unwrap_or_default();
    let wanted = gates::ids(env, policy).iter().any(|id| id == "rollback");
    let back = wanted.then(|| before_deploy(place.ground, &place.reader, env, &commit));
    let (back, live) = back.unzip();
    let live = live.flatten().or_else(|| place.ground.history.current(&env.name).cloned());
    let plan = Plan { predecessor: live.map(|live| predecessor(place.ground, &live)), ..plan };
    let same = if commit.is_empty() { Vec::new() } else { place.reader.same_content(&commit) };
    let what = Resolved { commit, same, ..Resolved::default() };
    gates::attach_pushed(plan, config, policy, env, &what, (base, back))
}

/// The branches that a plan pushes to or has something merged into, with what tells the commit afterwards.
fn pushed(plan: &Plan, base: &str, root: &str) -> Vec<Pushed> {
    let mut all = Vec::new();
    for step in &plan.steps {
        let specs = pushes(step);
        let tag = specs.iter().find_map(|(_, to)| to.strip_prefix("refs/tags/"));
        for (from, to) in &specs {
            let Some(branch) = to.strip_prefix("refs/heads/") else { continue };
            let commit = format!("{from}^{{commit}}");
            let command = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
            // The tag stands on what goes into the branch in production.
            let tag = tag.filter(|_| branch == base).map(str::to_owned);
            all.push(Pushed { branch: branch.to_owned(), tag, commit: Learn::Command { command } });
        }
        if let Action::Forge(call) = &step.action
            && matches!(call.wanted, Wanted::Merge { .. })
        {
            let commit = Learn::Merge { call: (**call).clone() };
            all.push(Pushed { branch: base.to_owned(), tag: None, commit });
        }
    }
    all
}
