//! What a push deploys by itself: the pipeline that it starts is followed by the very plan that pushes, to the watch of
//! the environment. Pure.

use jiff::SignedDuration;

use super::pipeline::{self, Host};
use super::{Fill, Resolved, secrets, watch};
use crate::config::types::{Config, Environment, PipelineOn};
use crate::failure::Result;
use crate::incident::{Policy, duration};
use crate::plan::pushed::{Pushed, TO_COME};
use crate::plan::{Action, Plan, Purpose};
use crate::text::visible;

/// The environments that a push to a branch deploys to, in their order. `base` is the branch in production: it is meant
/// where a pipeline names none.
pub fn deployed_by<'a>(
    config: &'a Config,
    branch: &'a str,
    base: &'a str,
) -> impl Iterator<Item = &'a Environment> {
    config.environments.iter().filter(move |env| {
        env.pipeline.as_ref().is_some_and(|pipeline| {
            let on = if pipeline.reference.is_empty() { base } else { pipeline.reference.as_str() };
            pipeline.on == PipelineOn::Push && on == branch
        })
    })
}

/// Tells whether a push deploys to any environment.
pub fn any(config: &Config) -> bool {
    let pipelines = config.environments.iter().filter_map(|env| env.pipeline.as_ref());
    pipelines.into_iter().any(|pipeline| pipeline.on == PipelineOn::Push)
}

/// Has a plan follow the pipeline of an environment that its push starts, and watch what came of it.
///
/// # Errors
/// A command of the pipeline cannot be filled in.
pub fn follow(
    mut plan: Plan,
    config: &Config,
    policy: &Policy,
    env: &Environment,
    pushed: Pushed,
    (host, root): (Option<Host>, &str),
) -> Result<Plan> {
    let Some(settings) = &env.pipeline else { return Ok(plan) };
    let (branch, name) = (visible(&pushed.branch).into_owned(), visible(&env.name));
    let doing = format!("planning to follow the pipeline that deploys {branch} to {name}");
    let what = Resolved {
        reference: pushed.branch.clone(),
        commit: TO_COME.to_owned(),
        root: root.to_owned(),
        host,
        ..Resolved::default()
    };
    let fill = Fill::of(&doing, &env.name, &what, &env.env)?;
    let title = format!("follow the pipeline that deploys {branch} to {name}");
    let mut step = pipeline::step(env, settings, &fill, &what, &title)?;
    if let Action::Pipeline(pipeline) = &mut step.action {
        pipeline.pushed = Some(pushed);
    }
    plan.steps.push(step);
    let mut note = format!("a push to {branch} deploys to {name}: its pipeline is followed to its end");
    let goes_back = plan.purpose == Purpose::Rollback;
    let time = if goes_back {
        Some(policy.rollback_watch).filter(SignedDuration::is_positive)
    } else {
        watch::after_deploy(config, env, policy)
    };
    if let Some(time) = time
        && let Some(mut step) = watch::step(config, &env.name, time, root)
    {
        if let Action::Watch(watch) = &mut step.action {
            watch.judges = Some((env.name.clone(), TO_COME.to_owned()));
        }
        plan.steps.push(step);
        note = format!("{note}, then {name} is watched for {}", duration(time));
    } else if env.protected && env.watch.is_none() {
        note = format!("{note}; no probe watches {name}: look for yourself");
    }
    plan.notes.push(note);
    let token = what.host.map(|host| host.token).filter(|token| !plan.secrets.contains(token));
    plan.secrets.extend(token);
    let plan = super::extended::follow(plan, config, policy, goes_back);
    Ok(secrets::attach(plan, config, root))
}

#[cfg(test)]
mod tests {
    use super::super::gates::{self, WayBack};
    use super::*;
    use crate::plan::Command;
    use crate::plan::gates::Gate;
    use crate::plan::pushed::Learn;

    const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

    fn config(more: &str) -> Config {
        let text = format!(
            "[[environments]]\nname = \"staging\"\ndeploy = [\"true\"]\n\
             [[environments]]\nname = \"production\"\nprotected = true\nwatch = \"10m\"\n\
             proof = [\"./ask\", \"{{commit}}\"]\n\
             [environments.pipeline]\nkind = \"command\"\non = \"push\"\n\
             status = [\"./ci\", \"{{id}}\", \"{{commit}}\"]\n{more}\
             [[probes]]\nname = \"api\"\nurl = \"http://127.0.0.1:1/\"\nenvironment = \"production\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn pushed() -> Pushed {
        let argv = ["git", "rev-parse", "refs/heads/main"].map(str::to_owned).to_vec();
        let command = Command { argv, cwd: "/r".to_owned(), env: Vec::new(), set: [].into() };
        Pushed { branch: "main".to_owned(), tag: None, replaces: None, commit: Learn::Command { command } }
    }

    fn followed(config: &Config) -> Plan {
        let plan = Plan::new("finish-1", "finish", Purpose::Hotfix, "repository");
        let env = deployed_by(config, "main", "main").next().unwrap();
        follow(plan, config, &Policy::built_in(), env, pushed(), (None, "/r")).unwrap()
    }

    #[test]
    fn only_what_a_push_to_that_branch_starts_is_followed() {
        let names = |config: &Config, branch: &str| -> Vec<String> {
            deployed_by(config, branch, "main").map(|env| env.name.clone()).collect()
        };
        let usual = config("");
        assert_eq!(names(&usual, "main"), ["production"]);
        assert!(names(&usual, "develop").is_empty());
        let other = config("ref = \"develop\"\n");
        assert_eq!(names(&other, "develop"), ["production"]);
        assert!(names(&other, "main").is_empty());
    }

    #[test]
    fn the_commit_is_filled_in_everywhere_once_it_is_known() {
        let mut plan = followed(&config(""));
        assert_eq!(plan.steps.len(), 2);
        assert_eq!(
            plan.steps[0].action.line(),
            "follow what the push to main starts, looked for within 2m",
            "it is not known yet"
        );
        assert!(plan.notes[0].ends_with("then production is watched for 10m"), "{:?}", plan.notes);
        assert_eq!(plan.watched_by(1), Some(("production".to_owned(), TO_COME.to_owned())));
        assert_eq!(plan.judged_by(1), None, "a verdict on a commit that nobody knows is none");
        plan.learn(0, COMMIT);
        let Action::Pipeline(pipeline) = &plan.steps[0].action else { panic!() };
        assert!(!pipeline.awaits_commit());
        let asked = pipeline.commands().0[0];
        assert_eq!((asked.argv[2].as_str(), asked.set["FLIGHTDECK_COMMIT"].as_str()), (COMMIT, COMMIT));
        let proof = plan.steps[0].proof.as_ref().unwrap();
        assert!(proof.ask.line().ends_with(COMMIT) && proof.expect.as_deref() == Some(COMMIT), "{proof:?}");
        assert_eq!(plan.judged_by(1), Some(("production".to_owned(), COMMIT.to_owned())));
    }

    #[test]
    fn a_push_that_deploys_passes_the_gates_of_a_deploy_and_is_confirmed_by_its_name() {
        let config = config("");
        let policy = Policy::built_in();
        let env = config.environments.iter().find(|env| env.protected).unwrap();
        let what = Resolved { commit: COMMIT.to_owned(), ..Resolved::default() };
        let guarded = |word: Option<&str>| {
            let plan = Plan::new("finish-1", "finish", Purpose::Hotfix, "repository");
            let plan = Plan { confirm: word.map(str::to_owned), ..plan };
            let plan = gates::attach_finish(plan, &config, &policy, COMMIT);
            let back = WayBack { ready: None, why: "nothing to go back to".to_owned(), unproven: false };
            gates::attach_pushed(plan, &config, &policy, env, &what, ("main", Some(back)))
        };
        let plan = guarded(Some("main"));
        let ids: Vec<&str> = plan.gates.iter().map(Gate::id).collect();
        assert_eq!(ids, Gate::IDS, "each once, as a deploy to it has them");
        assert_eq!((plan.confirm.as_deref(), plan.pushes_to()), (Some("production"), vec!["production"]));
        assert_eq!(
            guarded(None).confirm.as_deref(),
            Some("production"),
            "also where only merges back are left"
        );
        assert_eq!(
            guarded(Some("v0.1.1")).confirm.as_deref(),
            Some("v0.1.1"),
            "a tag that is doubted is named"
        );
    }
}
