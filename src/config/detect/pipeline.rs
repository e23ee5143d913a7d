//! The workflow of CI that deploys, where one file says that it does and can be started by hand.

use std::path::Path;

use serde_json::Value;

use super::ci::workflows;
use super::plain;

/// Words in the name of a workflow that deploys.
const DEPLOYS: [&str; 4] = ["deploy", "rollout", "release", "ship"];

/// A workflow that deploys, and what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Name of its file: `deploy.yml`.
    pub file: String,
    /// Where it is: `.github/workflows/deploy.yml`.
    pub from: String,
    /// Its inputs and what they are given, in order; an empty text where nobody can tell.
    pub inputs: Vec<(String, String)>,
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

/// The workflow that deploys; `None`: none does, or several may.
pub(super) fn look(root: &Path) -> Option<Workflow> {
    let mut found: Vec<Workflow> = workflows(root).into_iter().filter_map(deploys).collect();
    let named = |workflow: &Workflow| workflow.file.to_ascii_lowercase().starts_with("deploy.");
    if found.len() > 1 {
        found.retain(named);
    }
    if found.len() == 1 { found.pop() } else { None }
}

fn deploys((from, workflow): (String, Value)) -> Option<Workflow> {
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
    let called = format!("{file} {name}").to_ascii_lowercase();
    if !by_hand || !DEPLOYS.iter().any(|word| called.contains(word)) {
        return None;
    }
    let inputs = on["workflow_dispatch"]["inputs"].as_object();
    let inputs = inputs.into_iter().flatten().filter_map(|(name, input)| {
        let value = given(name);
        let needed = input["required"] == true && input.get("default").is_none();
        (plain(name) && (needed || !value.is_empty())).then(|| (name.clone(), value.to_owned()))
    });
    Some(Workflow { inputs: inputs.collect(), file, from })
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
        look(repository(files).path())
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
        let pushed = "name: Deploy\non: push\njobs: {}\n";
        assert_eq!(found(&[(".github/workflows/deploy.yml", pushed)]), None);
        let tests = "name: Tests\non: workflow_dispatch\njobs: {}\n";
        assert_eq!(found(&[(".github/workflows/ci.yml", tests)]), None);
        let two = [(".github/workflows/deploy.yml", DEPLOY), (".github/workflows/release.yml", DEPLOY)];
        assert_eq!(found(&two).unwrap().file, "deploy.yml");
        let two = [(".github/workflows/ship.yml", DEPLOY), (".github/workflows/release.yml", DEPLOY)];
        assert_eq!(found(&two), None);
    }
}
