//! What a pipeline that deploys must be.

use std::ops::Range;

use jiff::SignedDuration;
use toml::de::DeTable;

use super::environment::{OF_COMMIT, filled};
use super::{Need, placeholders, table, text, texts};
use crate::config::problem::Problem;

/// Keys that only some kinds have.
const OF_HOSTS: [&str; 5] = ["inputs", "token", "api", "repository", "deployments"];
const OF_COMMANDS: [&str; 4] = ["start", "status", "logs", "cancel"];
/// Words in braces that a command about a run may have.
const OF_RUN: &[&str] = &["ref", "commit", "env", "id"];

/// Reports every mistake of meaning in the pipeline of an environment.
pub(super) fn check(environment: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(pipeline) = table(environment, "pipeline") else { return };
    let here = environment.get_key_value("pipeline").map_or(0..0, |(key, _)| key.span());
    for (other, what) in [
        ("deploy", "`deploy` would never run"),
        ("canary", "a pipeline has no canary"),
        ("blue_green", "a pipeline has no blue-green"),
    ] {
        if let Some((key, _)) = environment.get_key_value(other) {
            let message = format!("{what}: the pipeline deploys to this environment");
            let help = "keep one of the two";
            found.push(Problem::new(key.span(), message).other(here.clone(), "the pipeline").help(help));
        }
    }
    let kind = text(pipeline, "kind").map(|(kind, _)| kind);
    let pushed = text(pipeline, "on").is_some_and(|(on, _)| on == "push");
    match kind {
        Some("github-actions") => {
            misplaced(pipeline, &OF_COMMANDS, "github-actions", found);
            misplaced(pipeline, &["trigger"], "github-actions", found);
            let has = text(pipeline, "workflow").is_some_and(|(name, _)| !name.trim().is_empty());
            // The first run of any workflow that a push starts would be taken for the deploy.
            if !has {
                missing("workflow", "workflow = \"deploy.yml\"", &here, found);
            }
        }
        Some("gitlab") => {
            misplaced(pipeline, &OF_COMMANDS, "gitlab", found);
            misplaced(pipeline, &["workflow"], "gitlab", found);
        }
        Some("command") => {
            misplaced(pipeline, &OF_HOSTS, "command", found);
            misplaced(pipeline, &["workflow", "trigger"], "command", found);
            let need = |key: &str, help: &str, found: &mut Vec<Problem>| {
                if texts(pipeline, key).next().is_none() {
                    missing(key, help, &here, found);
                }
            };
            need("status", "status = [\"./ops/pipeline.sh\", \"status\", \"{id}\"]", found);
            if !pushed {
                need("start", "start = [\"./ops/pipeline.sh\", \"start\", \"{ref}\", \"{env}\"]", found);
            }
        }
        _ => {}
    }
    for key in OF_COMMANDS {
        let words = if key == "start" { OF_COMMIT } else { OF_RUN };
        filled(pipeline, key, Need::Nothing, words, found);
    }
    if let Some((interval, span)) = text(pipeline, "interval")
        && interval.parse::<SignedDuration>().is_ok_and(|time| time < SignedDuration::from_secs(1))
    {
        let message = format!("`interval` ({interval}) is shorter than a second");
        let help = "code hosts allow some thousand questions an hour: leave it at 5s";
        found.push(Problem::new(span, message).help(help));
    }
    if let (Some((key, _)), Some(_)) =
        (pipeline.get_key_value("deployments"), environment.get_key_value("history"))
    {
        let message = "`history` tells what was released here: `deployments` would not be read";
        found.push(Problem::new(key.span(), message).help("keep one of the two"));
    }
    if let (Some((key, _)), Some(host)) = (environment.get_key_value("report"), own_deployments(kind)) {
        let message = format!("{host} makes a deployment itself for a job that names its `environment`");
        let help = "name the environment in the job, and remove `report`";
        found.push(Problem::new(key.span(), message).other(here, "the pipeline").help(help));
    }
    inputs(pipeline, found);
    if !pushed {
        reference(pipeline, found);
    }
}

/// The host whose pipelines make deployments by themselves.
fn own_deployments(kind: Option<&str>) -> Option<&'static str> {
    match kind {
        Some("github-actions") => Some("GitHub"),
        Some("gitlab") => Some("GitLab"),
        _ => None,
    }
}

fn missing(key: &str, help: &str, here: &Range<usize>, found: &mut Vec<Problem>) {
    found.push(Problem::new(here.clone(), format!("`{key}` of the pipeline is missing")).help(help));
}

fn misplaced(pipeline: &DeTable<'_>, keys: &[&str], kind: &str, found: &mut Vec<Problem>) {
    for key in keys {
        if let Some((key, _)) = pipeline.get_key_value(*key) {
            let message = format!("`{}` means nothing to a pipeline of kind `{kind}`", key.get_ref());
            found.push(Problem::new(key.span(), message).help("remove it"));
        }
    }
}

fn inputs(pipeline: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(inputs) = table(pipeline, "inputs") else { return };
    for (_, value) in inputs {
        if let Some(word) = value.get_ref().as_str() {
            placeholders(word, &value.span(), OF_COMMIT, found);
        }
    }
}

/// On a branch of its own choice it has to be told which commit to deploy.
fn reference(pipeline: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((reference, span)) = text(pipeline, "ref") else { return };
    placeholders(reference, &span, OF_COMMIT, found);
    let told = table(pipeline, "inputs").is_some_and(|inputs| {
        inputs.iter().any(|(_, value)| value.get_ref().as_str().is_some_and(|word| word.contains("{commit}")))
    });
    if !reference.contains("{ref}")
        && !told
        && text(pipeline, "kind").is_some_and(|(kind, _)| kind != "command")
    {
        let message =
            "on another branch than the one that is deployed the pipeline is not told which commit to deploy";
        let help = "pass it as an input: inputs = { sha = \"{commit}\" }; or leave `ref` out";
        found.push(Problem::new(span, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    #[test]
    fn what_a_host_reports_itself_is_not_reported_twice() {
        let said = |kind: &str| {
            let text = format!(
                "[[environments]]\nname = \"eu\"\nreport = {{}}\n[environments.pipeline]\nkind = \"{kind}\"\n\
                 {}",
                match kind {
                    "command" => "start = [\"true\"]\nstatus = [\"true\"]\n",
                    "gitlab" => "",
                    _ => "workflow = \"deploy.yml\"\n",
                }
            );
            load::parse(text.as_bytes()).map(drop).map_err(|invalid| invalid.lines().join("\n"))
        };
        assert!(said("github-actions").is_err_and(|why| why.contains("GitHub makes a deployment itself")));
        assert!(said("gitlab").is_err_and(|why| why.contains("remove `report`")));
        assert_eq!(said("command"), Ok(()));
    }

    #[test]
    fn a_workflow_is_named_whatever_starts_it() {
        let said = |more: &str| {
            let text = format!(
                "[[environments]]\nname = \"eu\"\n[environments.pipeline]\nkind = \"github-actions\"\n{more}"
            );
            load::parse(text.as_bytes()).map(drop).map_err(|invalid| invalid.lines().join("\n"))
        };
        for on in ["", "on = \"push\"\n"] {
            let why = said(on).unwrap_err();
            assert!(why.contains("`workflow` of the pipeline is missing"), "{why}");
            assert!(why.contains("workflow = \"deploy.yml\""), "{why}");
            assert_eq!(said(&format!("{on}workflow = \"deploy.yml\"\n")), Ok(()));
        }
    }
}
