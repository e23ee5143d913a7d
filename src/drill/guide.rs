//! What a newcomer should try next in a drill: one line at a time. Pure.
//!
//! It follows from the same record as everything else, so a drill can be left at any point
//! and taken up again, by keys or by verbs.

use serde_json::Value;

use crate::incident::{
    CheckState, EntryKind, Facts, PlanEnd, PlanRun, PlanState, Raised, State, Status, WatchVerdict,
};

/// One line of the guide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideLine {
    /// What to do and why, in a sentence or two.
    pub text: String,
    /// The command that does it: an id of the command table.
    pub action: &'static str,
    /// What the command acts on, where there is a choice: `staging`; may be empty.
    pub argument: String,
}

fn say(action: &'static str, argument: &str, text: impl Into<String>) -> GuideLine {
    GuideLine { text: text.into(), action, argument: argument.to_owned() }
}

/// The line for where the drill stands; `None` where there is nothing more to show. Without
/// a state no incident was declared yet.
pub fn line(state: Option<&State>, facts: &Facts) -> Option<GuideLine> {
    let Some(state) = state else {
        return Some(say("declare", "", "Production fails for many customers. Declare an incident."));
    };
    match state.status {
        Status::Closed => return None,
        Status::Resolved => {
            return Some(say("report", "", "It is over. Read the report, which wrote itself meanwhile."));
        }
        Status::Open | Status::Mitigated => {}
    }
    running(state)
        .or_else(|| look(state))
        .or_else(|| back(state, facts))
        .or_else(|| branch(state, facts))
        .or_else(|| forward(&Work { state, head: facts.head.as_deref().unwrap_or_default() }, facts))
        .or_else(|| Some(say("resolve", "", "Production is well again. Resolve the incident.")))
}

/// While a plan is carried out, watching it comes first.
fn running(state: &State) -> Option<GuideLine> {
    let plan = state.plans.iter().rev().find(|plan| plan.state.is_under_way())?;
    let title = crate::text::visible(&plan.title);
    if plan.state == PlanState::Waiting {
        return Some(say("runs", "", format!("It waits for somebody: {title}. Open it and decide.")));
    }
    Some(say("runs", "", format!("Running: {title}. Watch its output; it goes on even if you quit.")))
}

/// First of all somebody has to look at what is wrong, and write it down.
fn look(state: &State) -> Option<GuideLine> {
    let noted = state.timeline.iter().any(|entry| matches!(entry.kind, EntryKind::Note(_)));
    (!noted).then(|| {
        say("note", "", "Health shows what fails since when. Write a note: it goes into the timeline.")
    })
}

/// A release that its watch condemned is taken back before anything else is done.
fn back(state: &State, facts: &Facts) -> Option<GuideLine> {
    let (production, _) = facts.environments.iter().find(|(_, protected)| *protected)?;
    let release = state.releases.iter().rev().find(|release| release.environment == *production)?;
    if matches!(release.verdict, Some((_, WatchVerdict::Failed, _))) {
        let text = "The watch failed: this fix makes it worse. Take the best way back that is ready.";
        return Some(say("rollback", "", text));
    }
    (release.rollback && facts.healthy == Some(true)).then(|| {
        say(
            "resolve",
            "",
            "Production is well on the release before. Resolve it; the fix can wait for the day.",
        )
    })
}

/// The branch and the fix on it.
fn branch(state: &State, facts: &Facts) -> Option<GuideLine> {
    if facts.hotfix_branch.is_none() {
        // Whoever left the branch after production got its fix, or finished it, need not make
        // another.
        return (!fixed(state, facts) && !finished(state)).then(|| {
            say(
                "hotfix.start",
                "",
                "A flag or a way back may help at once. Then start a hotfix branch from main.",
            )
        });
    }
    (facts.hotfix_commits == Some(0) && !finished(state))
        .then(|| say("drill.fix", "", "Mend app/checkout.awk and commit, or have the prepared fix applied."))
}

/// Whether every protected environment had a deploy that ended well.
fn fixed(state: &State, facts: &Facts) -> bool {
    let mut protected = facts.environments.iter().filter(|(_, protected)| *protected).peekable();
    protected.peek().is_some()
        && protected.all(|(name, _)| {
            state.plans.iter().any(|plan| plan.purpose == "deploy" && plan.target == *name && is_done(plan))
        })
}

/// Whether the branch was finished.
fn finished(state: &State) -> bool {
    state.plans.iter().any(|plan| plan.is_finish() && plan.is_done())
}

/// The way of a fix that is committed: version, checks, each environment, checklist, the end of
/// its branch before production, health.
fn forward(work: &Work<'_>, facts: &Facts) -> Option<GuideLine> {
    let on_branch = facts.hotfix_branch.is_some();
    if on_branch && let Some(line) = version(facts).or_else(|| checks(work, facts)).or_else(|| push(facts)) {
        return Some(line);
    }
    if on_branch || (finished(work.state) && !fixed(work.state, facts)) {
        for (name, protected) in &facts.environments {
            // What was finished was validated on its branch.
            if !protected && !on_branch {
                continue;
            }
            if *protected
                && let Some(line) =
                    open_checks(work.state, facts).or_else(|| finish(facts)).or_else(|| approvals(facts))
            {
                return Some(line);
            }
            if let Some(line) = environment(work, name, *protected) {
                return Some(line);
            }
        }
    }
    (facts.healthy != Some(true)).then(|| {
        say("health", "", "Watch production's health: it is believed again after it was good for a while.")
    })
}

/// The line about the version, while the branch does not raise it.
fn version(facts: &Facts) -> Option<GuideLine> {
    let Raised::Not(version) = &facts.fix.version else { return None };
    let shown = crate::text::visible(version);
    Some(say(
        "hotfix.bump",
        "",
        format!("The fix is committed. It still calls itself {shown}: raise the version."),
    ))
}

/// The line about pushing the branch, while the remote lacks something of it.
fn push(facts: &Facts) -> Option<GuideLine> {
    (facts.fix.remote && facts.fix.unpushed.is_some_and(|commits| commits > 0))
        .then(|| say("hotfix.push", "", "Push the branch: it is safe there, and others can look at it."))
}

/// The line about finishing the branch, while its base has not got it.
fn finish(facts: &Facts) -> Option<GuideLine> {
    let fix = &facts.fix;
    (fix.remote && facts.hotfix_commits.is_some_and(|commits| commits > 0) && fix.in_base != Some(true)).then(
        || {
            let base = crate::text::visible(&fix.base);
            let text =
                format!("It works on staging. Finish the branch: {base}, develop and a tag, in one push.");
            say("hotfix.finish", "", text)
        },
    )
}

fn checks(work: &Work<'_>, facts: &Facts) -> Option<GuideLine> {
    if facts.checks.is_empty() {
        return None;
    }
    match work.last("test", None) {
        Some(plan) if is_done(plan) => None,
        Some(_) => {
            Some(say("test", "", "A check failed. Its output says why; mend that and run them again."))
        }
        None => Some(say("test", "", "Run the checks on the fix: one of them failed before it.")),
    }
}

fn environment(work: &Work<'_>, name: &str, protected: bool) -> Option<GuideLine> {
    let shown = crate::text::visible(name);
    let Some(deploy) = work.last("deploy", Some(name)).filter(|plan| is_done(plan)) else {
        let text = if protected {
            format!("All is checked. Deploy to {shown}: its name has to be typed.")
        } else {
            format!("Deploy the branch to {shown} first, and watch the script at work.")
        };
        return Some(say("deploy", name, text));
    };
    if protected {
        return None;
    }
    let smoke = work.last("smoke", Some(name)).filter(|plan| plan.started_at >= deploy.started_at);
    match smoke {
        Some(plan) if is_done(plan) => None,
        Some(_) => {
            Some(say("smoke", name, format!("The smoke test of {shown} failed. Read why before going on.")))
        }
        None => Some(say("smoke", name, format!("Smoke-test {shown}: it tries the order that failed."))),
    }
}

/// The line about the checklist, while items of it are open.
fn open_checks(state: &State, facts: &Facts) -> Option<GuideLine> {
    let is_open = |id: &&String| state.ticks.get(*id).is_none_or(|tick| tick.state == CheckState::Open);
    let open = facts.checklist.iter().filter(is_open).count();
    (open > 0).then(|| {
        say("tick.pass", "", format!("Before production, try it out and tick the checklist: {open} to go."))
    })
}

/// The line about those who have to approve, while any of them has not.
fn approvals(facts: &Facts) -> Option<GuideLine> {
    facts.missing.iter().any(|(gate, _)| gate == "approvals").then(|| {
        say("approvals", "", "Two people have to approve. Look at the plan, and write down what they said.")
    })
}

fn is_done(plan: &PlanRun) -> bool {
    plan.state == PlanState::Ended(PlanEnd::Done)
}

/// What was carried out for the commit that is at the head of the branch.
struct Work<'a> {
    state: &'a State,
    head: &'a str,
}

impl<'a> Work<'a> {
    /// The last plan for this purpose and target that was made for this commit.
    fn last(&self, purpose: &str, target: Option<&str>) -> Option<&'a PlanRun> {
        self.state.plans.iter().rev().find(|plan| {
            plan.purpose == purpose
                && target.is_none_or(|target| plan.target == target)
                && made_for(plan, self.head)
        })
    }
}

/// Whether a plan was made for a commit, of which a short name may be known: it is among the
/// commits it is frozen with, or among the values that its commands are given.
fn made_for(plan: &PlanRun, head: &str) -> bool {
    let steps = plan.spec.get("steps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let given = steps.iter().filter_map(|step| step.get("action")?.get("set"));
    plan.spec
        .get("frozen")
        .into_iter()
        .chain(given)
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::values)
        .filter_map(Value::as_str)
        .any(|value| !head.is_empty() && value.starts_with(head))
}

#[cfg(test)]
#[path = "guide_tests.rs"]
mod tests;
