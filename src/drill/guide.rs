//! What a drill says to a newcomer about the step that is next. It explains that step and never names
//! another, so it cannot differ from it. Pure.

use crate::incident::{Facts, Next, PlanRun, Role, State};

/// What stands where no incident was declared yet, and the command that declares one.
pub const BEFORE: (&str, &str) = ("declare", "Production fails for many customers. Declare an incident.");

/// The command that applies the prepared fix, where committing one is next.
pub const PREPARED: &str = "drill.fix";

/// Explains a step in a sentence or two; `None` where there is nothing to add. `{tick.pass}` stands for the key of
/// that command.
pub fn about(next: &Next, facts: &Facts, state: &State) -> Option<&'static str> {
    let protected =
        || facts.environments.iter().any(|(name, protected)| *protected && *name == next.argument);
    Some(match next.action {
        "page" => "Call whoever is on call, then record it: flightdeck pages nobody.",
        "role" if next.argument == Role::COMMANDER => {
            "Somebody has to lead. In a drill that is you: type your name."
        }
        "role" => "Bring somebody in, then record who it is. In a drill any name will do.",
        "told" => "Read the message, then press Enter: it goes to the drill's own chat.",
        "rollback" if next.title.contains("proven ready") => {
            "Users first: choose the option that is proven ready, and read its plan."
        }
        "rollback" => "Look at the rollback options, and which are proven ready.",
        "mitigate" => "Only a person can tell: try an order, then record it.",
        "hotfix.start" => "Or, if the fault is not yours, {hotfix.not} records why none is needed.",
        "hotfix-menu" => "Start the fix; or, if others broke it, {hotfix.not} records why you wait.",
        "hotfix.not" => "What others broke is theirs to mend: {hotfix.not} records why you wait.",
        "hotfix.bump" => "The fix is committed. Bump the version with it: the tag is made from it.",
        "hotfix.push" => "Push it, so that it is safe and others can review it.",
        "hotfix.finish" => "It works on staging. Now to main, develop and a tag, in one push.",
        "test" => "The checks, on the fix. One of them failed without it.",
        "deploy" if protected() && !facts.missing.is_empty() => {
            "Gates are not met: the plan says which. An override needs a reason."
        }
        "deploy" if protected() => "All is checked. Type the name to confirm.",
        "deploy" => "Staging first. Watch it at work: its output is in the runs.",
        "smoke" => "The smoke test tries the order that failed.",
        "checklist" => "Try it out by hand. {tick.pass} ticks an item as passed, {tick.fail} as failed.",
        "approvals" => "Two people approve: {approvals} has their commands. At P0 a spoken yes counts.",
        "watch" => "A release that failed its watch stays blocked until it passes one.",
        "culprits" => "Go through the usual causes. A rollback does not fix a third party.",
        "health" => "Give the probes a moment, then check that users are served again.",
        "team" => "Read the brief, then take command, or decline.",
        "plan" if next.title.starts_with("approve ") => {
            if facts.healthy == Some(true) {
                "It goes on once that is done. Open the plan, approve with a comment."
            } else {
                "Users get nothing before that. Open the plan, approve with a comment."
            }
        }
        "plan" => "Open it: its steps, its output, and what you can do about it.",
        "suspects" => "What changed since it last worked, each with the reasons to suspect it.",
        "phase" => "The fix is live. From now on the clocks are those of verifying.",
        "impact" => "One sentence: who is affected, and how. The report begins with it.",
        "cause" => "One sentence: what broke, and why. The report needs it.",
        "resolve" if facts.healthy == Some(true) => {
            "Production is healthy again. Resolve it; it can be reopened."
        }
        "resolve" => "Look at production first. Once resolved, it can be reopened.",
        "report" => "flightdeck has written it. Read it, and save it.",
        "close" => "Go through it with everybody. Closing says that this was done.",
        "" if next.title.starts_with("wait until ") => {
            "Nothing of yours ends it. Keep people told, and watch their status page."
        }
        "" if !next.title.starts_with("commit") => return None,
        "" if facts.hotfix_branch.is_none() || facts.hotfix_commits != Some(0) => return None,
        "" if was_used(state) => "The prepared fix was used. Fix app/checkout.awk yourself, and commit.",
        "" => "Fix app/checkout.awk and commit, or have the prepared fix applied.",
        _ => return None,
    })
}

/// Tells whether the prepared fix is what is missing: a hotfix branch without a commit, and none that was
/// brought to main before.
pub fn can_be_prepared(facts: &Facts, state: &State) -> bool {
    facts.hotfix_branch.is_some() && facts.hotfix_commits == Some(0) && !was_used(state)
}

/// Tells whether a fix went out already: whatever is branched off now has it.
pub fn was_used(state: &State) -> bool {
    let went_out = |plan: &&PlanRun| {
        plan.is_done() && (plan.is_finish() || (plan.purpose == "deploy" && plan.is_production()))
    };
    state.plans.iter().any(|plan| went_out(&plan))
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
