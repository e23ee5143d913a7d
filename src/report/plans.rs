//! What plans did and were to do, as people say it: their titles are commands to a program.

use super::people;
use super::words::{capitalised, inside, why_ended};
use crate::incident::{PlanRun, Release, State};
use crate::text::markdown::inline;

/// What a plan was to bring somewhere: its tag, its version, else the branch or commit; Markdown.
fn subject(plan: &PlanRun) -> Option<String> {
    let of = |part: &str, key: &str| plan.spec.get(part)?.get(key)?.as_str().filter(|name| !name.is_empty());
    let reference = of("release", "reference");
    let tag = of("label", "tag").or_else(|| of("release", "tag"));
    let named = tag.or(reference).map(|name| {
        let is_commit = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_commit { name.get(..7).unwrap_or(name) } else { name }
    });
    // Plans of before had no more than their title.
    let titled = || plan.title.strip_prefix("deploy ")?.split_once(" to ").map(|(name, _)| name);
    named.or_else(titled).map(inline)
}

/// What a plan was to do, behind “tried to”: `roll production back to v1.4.1`; `None`: its title says it.
fn to_do(plan: &PlanRun) -> Option<String> {
    let place = inline(&plan.target);
    match plan.purpose.as_str() {
        _ if plan.is_flag() => plan.title.strip_prefix("turn ").map(|flag| format!("turn {}", inside(flag))),
        "rollback" => Some(match subject(plan) {
            Some(name) => format!("roll {place} back to {name}"),
            None => format!("roll {place} back"),
        }),
        "deploy" => Some(format!("deploy {} to {place}", subject(plan)?)),
        _ => None,
    }
}

/// What somebody set out to do, as the beginning of a sentence: `maya tried to deploy v1.4.3 to production`.
pub(super) fn tried(plan: &PlanRun) -> String {
    let by = people::told(&plan.by);
    match to_do(plan) {
        Some(verb) => format!("{by} tried to {verb}"),
        None => format!("{by} started “{}”", inside(&plan.title)),
    }
}

/// What somebody has begun, as the beginning of a sentence: `maya began to roll production back to v1.4.1`.
pub(super) fn begun(plan: &PlanRun) -> String {
    let by = people::told(&plan.by);
    match to_do(plan) {
        Some(verb) => format!("{by} began to {verb}"),
        None => format!("{by} started “{}”", inside(&plan.title)),
    }
}

/// What a plan is, as a noun: `the deploy of v1.4.3 to production`.
pub(super) fn noun(plan: &PlanRun) -> String {
    let place = inline(&plan.target);
    let named = match plan.purpose.as_str() {
        _ if plan.is_flag() => {
            plan.title.strip_prefix("turn ").map(|flag| format!("turning {}", inside(flag)))
        }
        "rollback" => Some(match subject(plan) {
            Some(name) => format!("the rollback of {place} to {name}"),
            None => format!("the rollback of {place}"),
        }),
        "deploy" => subject(plan).map(|name| format!("the deploy of {name} to {place}")),
        _ => None,
    };
    named.unwrap_or_else(|| format!("“{}”", inside(&plan.title)))
}

/// What a finished hotfix came to, behind who did it: `merged hotfix/x into main and tagged it v1.4.3`.
pub(super) fn finished(plan: &PlanRun) -> Option<String> {
    let (branch, rest) = plan.title.strip_prefix("finish ")?.split_once(" (")?;
    let (_, tag) = rest.split_once("): ")?;
    let tag = tag.split(',').next().unwrap_or(tag);
    let base = plan.spec.get("confirm").and_then(serde_json::Value::as_str);
    let into =
        base.filter(|base| *base != tag).map_or_else(String::new, |base| format!(" into {}", inline(base)));
    Some(format!("merged {}{into} and tagged it {}", inline(branch), inline(tag)))
}

/// What a deploy brought, in the past tense: `Deployed v1.4.3 (5c0d070) to production by canary`.
pub(super) fn deployed(state: &State, plan: &PlanRun) -> Option<String> {
    let is_it = |release: &&Release| release.plan == plan.id && !release.rollback;
    let release = state.releases.iter().find(is_it).filter(|_| plan.purpose == "deploy")?;
    let canary = if plan.title.contains(", canary ") { " by canary" } else { "" };
    Some(format!(
        "Deployed {} to {}{canary}",
        super::words::release(state, release),
        inline(&release.environment)
    ))
}

/// Why a plan ended, without the name of the step that ended it, where that says no more than the plan does.
pub(super) fn why(plan: &PlanRun) -> String {
    let why = why_ended(plan);
    let bare = plan.steps.iter().find_map(|step| {
        let rest = why.strip_prefix(inline(&step.title).as_str())?;
        let said = match rest.strip_prefix(" exited ") {
            Some(rest) => {
                rest.split_once(": ").map_or_else(|| format!("exit code {rest}"), |(_, why)| why.to_owned())
            }
            None => rest.strip_prefix(" failed: ")?.to_owned(),
        };
        Some((step, said))
    });
    match bare {
        // One of many steps is named: where it failed is half of why.
        Some((step, said)) if plan.steps.len() > 1 => format!("{}: {said}", inline(&step.title)),
        Some((_, said)) => said,
        None => why,
    }
}

/// A noun at the beginning of a sentence.
pub(super) fn opening(plan: &PlanRun) -> String {
    capitalised(&noun(plan))
}
