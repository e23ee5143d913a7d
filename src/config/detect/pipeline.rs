//! The workflow of CI that deploys, where one file says that it does: started by hand or by the API, else by a push.

use std::path::Path;

use serde_json::Value;

use super::ci::{GITLAB, workflows};
use super::{plain, yaml};

/// Words in the name of a workflow that deploys.
const DEPLOYS: [&str; 4] = ["deploy", "rollout", "release", "ship"];
/// Those of them that say so also where a push starts it: a release may be of a library.
const SURELY: usize = 2;

/// A workflow that deploys, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Name of its file: `deploy.yml`.
    pub file: String,
    /// Where it is: `.github/workflows/deploy.yml`.
    pub from: String,
    /// Its inputs and what they are given, in order; an empty text where nobody can tell.
    pub inputs: Vec<(String, String)>,
    /// It is a pipeline of GitLab.
    pub gitlab: bool,
    /// It cannot be started: a push does.
    pub pushed: bool,
}

impl Workflow {
    /// Tells whether it is known what each input that it needs is given, and that it is told or checks out the version.
    pub fn is_sure(&self) -> bool {
        self.inputs.iter().all(|(_, value)| !value.is_empty())
    }

    /// Tells whether it is told where to deploy to.
    pub fn takes_environment(&self) -> bool {
        self.inputs.iter().any(|(_, value)| value == "{env}")
    }
}

/// The workflow that deploys, where one does or one of several is called so, and the others that may.
pub(super) fn look(root: &Path) -> (Option<Workflow>, Vec<Workflow>) {
    let all = workflows(root);
    let started: Vec<Workflow> = all.iter().filter_map(deploys).collect();
    if !started.is_empty() {
        return only(started);
    }
    match of_gitlab(root) {
        Some(pipeline) => (Some(pipeline), Vec::new()),
        None => only(all.iter().filter_map(deploys_what_is_pushed).collect()),
    }
}

/// The only one of several, or the only one that is called so; and the rest of them.
fn only(mut found: Vec<Workflow>) -> (Option<Workflow>, Vec<Workflow>) {
    let is_called = |one: &Workflow| one.file.to_ascii_lowercase().starts_with("deploy.");
    let at = match found.len() {
        1 => Some(0),
        _ if found.iter().filter(|one| is_called(one)).count() == 1 => found.iter().position(is_called),
        _ => None,
    };
    (at.map(|at| found.remove(at)), found)
}

/// Tells whether a workflow or job is called as what deploys is.
fn called(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// A workflow of GitHub that a push to a branch starts.
fn deploys_what_is_pushed((from, workflow): &(String, Value)) -> Option<Workflow> {
    let on = workflow.get("on").or_else(|| workflow.get("true"))?;
    let pushed = match on {
        Value::String(event) => event == "push",
        Value::Array(events) => events.iter().any(|event| event == "push"),
        Value::Object(events) => events
            .get("push")
            .is_some_and(|push| push.get("tags").is_none() || push.get("branches").is_some()),
        _ => false,
    };
    let file = from.rsplit('/').next()?.to_owned();
    let name = format!("{file} {}", workflow["name"].as_str().unwrap_or_default());
    let deploys = pushed && called(&name, &DEPLOYS[..SURELY]);
    deploys.then(|| Workflow { file, from: from.clone(), inputs: Vec::new(), gitlab: false, pushed })
}

/// The pipeline of GitLab, where one job of it deploys for good.
fn of_gitlab(root: &Path) -> Option<Workflow> {
    let pipeline = yaml(root, GITLAB)?;
    let jobs = pipeline.as_object()?.iter().filter(|(name, job)| !name.starts_with('.') && job.is_object());
    let mut deploying = jobs.filter(|(name, job)| {
        let environment = job["environment"].as_str().or_else(|| job["environment"]["name"].as_str());
        let stops = job["environment"]["action"] == "stop";
        let is_review = environment.is_some_and(|name| name.starts_with("review"));
        let runs = !job["script"].is_null();
        runs && !stops && !is_review && (environment.is_some() || called(name, &DEPLOYS[..SURELY]))
    });
    // The pipelines that the API starts run what is asked for by name, or what nothing restricts at all.
    let asks = |value: &Value| {
        let text = value.to_string();
        text.contains("CI_PIPELINE_SOURCE") && (text.contains("api") || text.contains("trigger"))
    };
    let by_api = deploying.clone().any(|(_, job)| asks(&job["rules"])) || asks(&pipeline["workflow"]);
    deploying.next()?;
    let variables = pipeline["variables"].as_object().into_iter().flatten();
    // Those that are described are what a person who starts it is asked for.
    let inputs = variables.filter(|(_, variable)| by_api && !variable["description"].is_null());
    let inputs = inputs.filter_map(|(name, variable)| {
        let value = given(name);
        let needed = variable.get("value").is_none();
        (plain(name) && (needed || !value.is_empty())).then(|| (name.clone(), value.to_owned()))
    });
    let inputs = inputs.collect();
    Some(Workflow { file: GITLAB.to_owned(), from: GITLAB.to_owned(), inputs, gitlab: true, pushed: !by_api })
}

fn deploys((from, workflow): &(String, Value)) -> Option<Workflow> {
    let file = from.rsplit('/').next()?.to_owned();
    // YAML 1.1 takes the key `on` for a truth.
    let on = workflow.get("on").or_else(|| workflow.get("true"))?;
    let by_hand = match on {
        Value::String(event) => event == "workflow_dispatch",
        Value::Array(events) => events.iter().any(|event| event == "workflow_dispatch"),
        Value::Object(events) => events.contains_key("workflow_dispatch"),
        _ => false,
    };
    let name = workflow["name"].as_str().unwrap_or_default();
    if !by_hand || !called(&format!("{file} {name}"), &DEPLOYS) {
        return None;
    }
    let inputs = on["workflow_dispatch"]["inputs"].as_object();
    let inputs = inputs.into_iter().flatten().filter_map(|(name, input)| {
        let value = given(name);
        let needed = input["required"] == true && input.get("default").is_none();
        (plain(name) && (needed || !value.is_empty())).then(|| (name.clone(), value.to_owned()))
    });
    let inputs = inputs.collect();
    Some(Workflow { inputs, file, from: from.clone(), gitlab: false, pushed: false })
}

/// What an input of this name is given.
fn given(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if is(&["sha", "commit"]) {
        "{commit}"
    } else if is(&["env", "stage", "target"]) {
        "{env}"
    } else if is(&["ref", "version", "tag", "branch"]) {
        "{ref}"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<Workflow> {
        look(repository(files).path()).0
    }

    const DEPLOY: &str = "name: Deploy\non:\n  workflow_dispatch:\n    inputs:\n      environment: { required: true }\n      git_sha: { required: true }\n      dry_run: { type: boolean, default: false }\njobs: {}\n";

    #[test]
    fn a_workflow_that_deploys_and_can_be_started_is_found_with_its_inputs() {
        let workflow = found(&[(".github/workflows/cd.yml", DEPLOY)]).unwrap();
        let inputs: Vec<_> = workflow.inputs.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(inputs, [("environment", "{env}"), ("git_sha", "{commit}")]);
        assert!(workflow.is_sure() && workflow.takes_environment());
        let asks = DEPLOY.replace("git_sha", "ticket");
        assert!(!found(&[(".github/workflows/cd.yml", &asks)]).unwrap().is_sure());
    }

    #[test]
    fn what_does_not_deploy_or_cannot_be_started_is_none_and_of_several_the_one_called_so() {
        let tagged = "name: Deploy\non: { push: { tags: [v*] } }\njobs: {}\n";
        assert_eq!(found(&[(".github/workflows/deploy.yml", tagged)]), None);
        let library = "name: Release\non: push\njobs: {}\n";
        assert_eq!(found(&[(".github/workflows/release.yml", library)]), None);
        let tests = "name: Tests\non: workflow_dispatch\njobs: {}\n";
        assert_eq!(found(&[(".github/workflows/ci.yml", tests)]), None);
        let two = [(".github/workflows/deploy.yml", DEPLOY), (".github/workflows/release.yml", DEPLOY)];
        assert_eq!(found(&two).unwrap().file, "deploy.yml");
        let two = [(".github/workflows/ship.yml", DEPLOY), (".github/workflows/release.yml", DEPLOY)];
        let (one, others) = look(repository(&two).path());
        assert_eq!((one, others.len(), others[1].file.as_str()), (None, 2, "ship.yml"));
    }

    #[test]
    fn what_a_push_starts_is_found_where_nothing_else_can_be_started() {
        let pushed = "name: Deploy\non: { push: { branches: [main] } }\njobs: {}\n";
        let workflow = found(&[(".github/workflows/cd.yml", pushed)]).unwrap();
        assert!(workflow.pushed && workflow.is_sure() && !workflow.gitlab, "{workflow:?}");
        let both = [(".github/workflows/cd.yml", pushed), (".github/workflows/deploy.yml", DEPLOY)];
        assert!(!found(&both).unwrap().pushed);
    }

    #[test]
    fn a_pipeline_of_gitlab_that_deploys_is_found_with_its_variables() {
        let of = |text: &str| found(&[(".gitlab-ci.yml", text)]);
        let started = "variables:\n  DEPLOY_ENV: { description: Where to }\n  COMMIT_SHA: { value: '', description: What }\n  CACHE: x\nship:\n  script: [./deploy.sh]\n  environment: { name: $DEPLOY_ENV }\n  rules:\n    - if: $CI_PIPELINE_SOURCE == \"api\"\n";
        let pipeline = of(started).unwrap();
        let inputs: Vec<_> = pipeline.inputs.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(inputs, [("COMMIT_SHA", "{commit}"), ("DEPLOY_ENV", "{env}")]);
        assert!(pipeline.gitlab && !pipeline.pushed && pipeline.takes_environment());
        let pushed = of("production:\n  script: [./deploy.sh]\n  environment: production\n").unwrap();
        assert!(pushed.pushed && pushed.inputs.is_empty());
        for none in [
            "unit:\n  script: [pytest]\n",
            "look:\n  script: [x]\n  environment: { name: review/$CI_COMMIT_REF_SLUG }\n",
            ".deploy:\n  script: [x]\n  environment: production\n",
            "stop:\n  script: [x]\n  environment: { name: production, action: stop }\n",
            "- deploy\n",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
