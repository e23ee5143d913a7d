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
use crate::hotfix::git::Reader;
use crate::plan::forge::Wanted;
use crate::plan::gates::Gate;
use crate::plan::pushed::{Learn, Pushed};
use crate::plan::{Action, Plan, Purpose};
use crate::text::visible;

/// Has a finish follow every pipeline that its own pushes and merges start.
///
/// # Errors
/// A command of such a pipeline cannot be filled in.
pub(super) fn pipelines(place: &Place<'_>, plan: Plan) -> Result<Plan> {
    let Some(base) = place.state.base.as_deref() else { return Ok(plan) };
    let plan = pushes_of(place.ground, &place.reader, (base, &directory(&place.state.root)), plan)?;
    Ok(without_own_staging(plan, base))
}

/// The plan without the gate that asks for a commit on an environment to which the push to the branch in production deploys
/// as well: nothing could meet that beforehand.
fn without_own_staging(mut plan: Plan, base: &str) -> Plan {
    let followed = |name: &str| {
        plan.steps.iter().any(|step| match &step.action {
            Action::Pipeline(pipeline) => {
                let pushed = pipeline.pushed.as_ref().is_some_and(|pushed| pushed.branch == base);
                pushed && pipeline.environment == name
            }
            _ => false,
        })
    };
    let own = |gate: &Gate| match gate {
        Gate::Staging { environment, .. } if followed(environment) => Some(environment.clone()),
        _ => None,
    };
    let (mut gates, mut notes) = (Vec::new(), Vec::new());
    for gate in &plan.gates {
        match own(gate) {
            Some(name) => notes.push(format!(
                "gate staging is not asked for: the same push deploys to {}, whose pipeline is followed, too",
                visible(&name)
            )),
            None => gates.push(gate.clone()),
        }
    }
    plan.gates = gates;
    plan.notes.extend(notes);
    plan
}

/// Has a plan follow every pipeline that its own pushes and merges start. `base` is the branch in production. What goes back
/// is guarded by what guards a way back.
///
/// # Errors
/// A command of such a pipeline cannot be filled in.
pub(in super::super) fn pushes_of(
    ground: &Ground<'_>,
    reader: &Reader,
    (base, root): (&str, &str),
    mut plan: Plan,
) -> Result<Plan> {
    let (config, policy) = (ground.config, ground.policy);
    for pushed in pushed(&plan, base, root) {
        for env in deployed_by(config, &pushed.branch, base) {
            if plan.purpose == Purpose::Hotfix {
                plan = guarded(ground, reader, plan, env, base);
            } else if env.protected && plan.confirm.as_deref() == Some(base) {
                plan.confirm = Some(env.name.clone());
            }
            match host(config, reader, &env.name) {
                Ok(host) => plan = follow(plan, config, policy, env, pushed.clone(), (host, root))?,
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
fn guarded(ground: &Ground<'_>, reader: &Reader, plan: Plan, env: &Environment, base: &str) -> Plan {
    let Ground { config, policy, .. } = *ground;
    let commit = plan.subject.as_ref().map(|subject| subject.commit.clone()).unwrap_or_default();
    let wanted = gates::ids(env, policy).iter().any(|id| id == "rollback");
    let back = wanted.then(|| before_deploy(ground, reader, env, &commit));
    let (back, live) = back.unzip();
    let live = live.flatten().or_else(|| ground.history.current(&env.name).cloned());
    let plan = Plan { predecessor: live.map(|live| predecessor(ground, &live)), ..plan };
    let same = if commit.is_empty() { Vec::new() } else { reader.same_content(&commit) };
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
            let commit = Learn::Command { command };
            all.push(Pushed { branch: branch.to_owned(), tag, replaces: None, commit });
        }
        if let Action::Forge(call) = &step.action
            && matches!(call.wanted, Wanted::Merge { .. })
        {
            let commit = Learn::Merge { call: (**call).clone() };
            all.push(Pushed { branch: base.to_owned(), tag: None, replaces: None, commit });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::plan::pipeline::{Begin, Pipeline, Runner};
    use crate::plan::{Command, Step};

    #[test]
    fn a_push_that_deploys_to_staging_asks_for_nothing_there_beforehand() {
        let command =
            || Command { argv: vec!["x".to_owned()], cwd: "/".to_owned(), env: vec![], set: [].into() };
        let gate = Gate::Staging {
            environment: "staging".to_owned(),
            commit: "4f2c91e".to_owned(),
            same: Vec::new(),
            smoke: false,
        };
        let pushing = |branch: &str, environment: &str| {
            let commit = Learn::Command { command: command() };
            let pipeline = Pipeline {
                runner: Runner::Command { start: None, status: command(), logs: None, cancel: None },
                begin: Begin::Find { event: "push".to_owned(), within: SignedDuration::ZERO },
                commit: String::new(),
                environment: environment.to_owned(),
                interval: SignedDuration::ZERO,
                pushed: Some(Pushed { branch: branch.to_owned(), tag: None, replaces: None, commit }),
            };
            let step = Step::new("follow", Action::Pipeline(Box::new(pipeline)), SignedDuration::ZERO);
            let plan = Plan::new("finish-1", "finish", Purpose::Hotfix, "repository");
            without_own_staging(Plan { gates: vec![gate.clone()], steps: vec![step], ..plan }, "main")
        };
        let both = pushing("main", "staging");
        assert!(both.gates.is_empty() && both.notes[0].contains("the same push deploys to staging"));
        assert_eq!(pushing("develop", "staging").gates.len(), 1, "another branch has another commit");
        assert_eq!(pushing("main", "production").gates.len(), 1, "staging is not deployed to by that");
    }
}
