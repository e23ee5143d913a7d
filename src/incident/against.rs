//! What speaks against saying that something is over. People see it before they say so; it keeps
//! nobody from it.

use jiff::Timestamp;

use super::body::{CheckState, Phase, WatchVerdict};
use super::clocks::{Clock, ClockState, audience, clocks, needs_hotfix};
use super::next::{Facts, next, production};
use super::policy::{Policy, Role, UpdatePolicy};
use super::state::{PlanRun, PlanState, Release, State, Status};

/// What somebody is about to say of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Users are served again.
    Mitigated,
    /// It is over.
    Resolved,
    /// Nothing is left to do.
    Closed,
    /// A phase begins.
    Phase(Phase),
}

/// Names what speaks against it, one line each, what weighs most first.
pub fn against(claim: Claim, state: &State, policy: &Policy, facts: &Facts, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    if claim == Claim::Closed {
        // What is left is what is next, without the closing itself.
        let left = next(state, policy, facts, now);
        let left = left.into_iter().filter(|next| !["report", "close"].contains(&next.action));
        found.extend(left.map(|next| next.title));
        found.extend(unasked(state, facts).into_iter().chain(kept_off(state)));
        found.extend(unfixed(state));
        afterwards(state, policy, &mut found);
        return found;
    }
    if let Claim::Phase(phase) = claim {
        return against_phase(phase, state, policy, facts);
    }
    let probes = |names: &[String]| match names.len() {
        1 => format!("1 probe of production {{}}: {}", names[0]),
        n => format!("{n} probes of production {{}}: {}", names.join(", ")),
    };
    if !facts.failing.is_empty() {
        let verb = if facts.failing.len() == 1 { "fails" } else { "fail" };
        found.push(probes(&facts.failing).replace("{}", verb));
    }
    if !facts.warning.is_empty() {
        let verb = if facts.warning.len() == 1 { "is" } else { "are" };
        found.push(probes(&facts.warning).replace("{}", &format!("{verb} at the warning limit")));
    }
    if !facts.silent.is_empty() {
        let verb = if facts.silent.len() == 1 { "has no data" } else { "have no data" };
        found.push(probes(&facts.silent).replace("{}", verb));
    }
    // Looking from a distance goes on after everything is over.
    let running = state.plans.iter().filter(|plan| plan.state == PlanState::Running && !plan.is_extended());
    let is_left = |plan: &&PlanRun| state.shares_left().any(|share| share.plan.id == plan.id);
    for plan in running.chain(state.undecided().filter(|plan| !is_left(plan))) {
        found.push(format!("{} {}", plan.title, state_of(plan)));
    }
    found.extend(state.shares_left().map(|share| format!("the canary was left: {}", share.has(None))));
    if claim == Claim::Resolved {
        untouched(state, policy, facts, now, &mut found);
        unfinished(state, policy, facts, &mut found);
    }
    found
}

/// What the phases before it left open.
fn against_phase(phase: Phase, state: &State, policy: &Policy, facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    let place = |phase: Phase| Phase::ALL.iter().position(|one| *one == phase).unwrap_or_default();
    let (from, to) = (place(state.phase), place(phase));
    if to < from {
        found.push(format!("it goes back: the {} phase has begun", policy.phase_name(state.phase)));
    }
    let skipped: Vec<&str> =
        Phase::ALL.iter().take(to).skip(from + 1).map(|one| policy.phase_name(*one)).collect();
    if !skipped.is_empty() {
        found.push(format!("it skips {}", skipped.join(", ")));
    }
    if phase == Phase::Verify {
        let is_live = |plan: &PlanRun| state.releases.iter().any(|release| release.plan == plan.id);
        let brought =
            |plan: &PlanRun| plan.is_deploy() && plan.is_production() && (plan.is_done() || is_live(plan));
        if !state.plans.iter().any(brought) && !facts.environments.is_empty() {
            found.push("nothing was deployed to production or rolled back".to_owned());
        }
        checklist(state, facts, &mut found);
    }
    found
}

fn state_of(plan: &PlanRun) -> &'static str {
    match plan.state {
        PlanState::Running => "is still running",
        PlanState::Waiting => "is waiting for a decision",
        PlanState::Ended(_) => "has an unknown outcome",
    }
}

/// That nothing was changed that users would feel, and that nobody was called.
fn untouched(state: &State, policy: &Policy, facts: &Facts, now: Timestamp, found: &mut Vec<String>) {
    let is_new = |release: &Release| {
        production(facts) == Some(release.environment.as_str()) && release.at >= state.declared_at
    };
    let is_changed = state.plans.iter().any(|plan| plan.reaches_users() && plan.is_done())
        || state.releases.iter().any(is_new)
        || state.actions > 0;
    if needs_hotfix(policy, state.severity) && !is_changed && state.no_hotfix.is_none() {
        found.push("no fix is in production".to_owned());
    }
    found.extend(unfixed(state).filter(|_| needs_hotfix(policy, state.severity)));
    let is_open = |clock: &Clock| {
        clock.id == "page" && matches!(clock.state, ClockState::Running | ClockState::Overdue)
    };
    if clocks(state, policy, now).iter().any(is_open) {
        found.push("on-call not paged".to_owned());
    }
}

/// That production was put back, and the fault is still to be fixed.
fn unfixed(state: &State) -> Option<String> {
    let back = state.back_without_fix()?;
    Some(format!("no fix has shipped: {} is back on {}", back.environment, back.name()))
}

/// What was turned off for the time being.
fn kept_off(state: &State) -> impl Iterator<Item = String> {
    state.flags_off().into_iter().map(|flag| format!("{flag} is still off"))
}

/// What the procedure asks for before it is over.
fn unfinished(state: &State, policy: &Policy, facts: &Facts, found: &mut Vec<String>) {
    if state.status == Status::Open {
        found.push("nobody recorded that users are served again".to_owned());
    }
    third_parties(facts, found);
    found.extend(unwatched(state, facts));
    found.extend(unmerged(state, facts));
    elsewhere(facts, found);
    found.extend(kept_off(state));
    checklist(state, facts, found);
    for merge in state.merges_owed() {
        found.push(format!("still to do: {}", merge.title()));
    }
    found.extend(open(state.open_tasks().len(), "a task is open", "tasks are open"));
    found.extend(open(
        state.open_motions().count(),
        "a proposal is not decided",
        "proposals are not decided",
    ));
    found.extend(open(state.open_offers().count(), "a handoff is not accepted", "handoffs are not accepted"));
    if state.cause.is_empty() {
        found.push("no cause is recorded".to_owned());
    }
    if state.impact.is_empty() {
        found.push("no impact is recorded".to_owned());
    }
    untold(state, policy, found);
    if !state.roles.contains_key(Role::COMMANDER) {
        found.push(format!("no {}", policy.role_title(Role::COMMANDER)));
    }
}

/// What of that no step of what is next asks for.
pub(super) fn unasked(state: &State, facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    third_parties(facts, &mut found);
    let mut environments: Vec<&str> = facts.failing_elsewhere.iter().map(|(name, _)| name.as_str()).collect();
    environments.dedup();
    found.extend(environments.into_iter().map(|name| format!("{name} still fails")));
    checklist(state, facts, &mut found);
    found.extend(open(state.open_tasks().len(), "a task is open", "tasks are open"));
    found
}

fn open(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(one.to_owned()),
        count => Some(format!("{count} {many}")),
    }
}

fn third_parties(facts: &Facts, found: &mut Vec<String>) {
    if !facts.third_parties.is_empty() {
        found.push(format!("a third party is not well yet: {}", facts.third_parties.join(", ")));
    }
}

fn elsewhere(facts: &Facts, found: &mut Vec<String>) {
    if !facts.failing_elsewhere.is_empty() {
        let probes: Vec<&str> = facts.failing_elsewhere.iter().map(|(_, probe)| probe.as_str()).collect();
        found.push(format!("still failing outside of production: {}", probes.join(", ")));
    }
}

/// What is missing where no watch showed that what was brought to production is well.
fn unwatched(state: &State, facts: &Facts) -> Option<String> {
    let is_production = |name: &str| production(facts) == Some(name);
    let live = state.releases.iter().rev().find(|release| is_production(&release.environment));
    // Where nothing was brought there is nothing to watch.
    let live = live.filter(|live| live.at >= state.declared_at)?;
    let name = live.name();
    match &live.verdict {
        Some((_, WatchVerdict::Passed, _)) => None,
        Some((_, WatchVerdict::Failed, _)) => Some(format!("the watch of {name} failed")),
        Some((_, WatchVerdict::Unknown, _)) => Some(format!("the watch of {name} could not be judged")),
        None => Some(format!("{name} was not watched to the end")),
    }
}

/// That the fix is on a branch of its own, and whether anybody else has that.
fn unmerged(state: &State, facts: &Facts) -> Option<String> {
    let branch = facts.unmerged(state)?;
    let here = facts.hotfix_branch.as_deref() == Some(branch.as_str());
    let unpushed = here && facts.fix.remote && facts.fix.unpushed.is_some_and(|commits| commits > 0);
    let (_, base) = state.unmerged_fix(production(facts)?)?;
    let pushed = if unpushed { " and not pushed" } else { "" };
    Some(format!("the fix in production is only on {branch}, not in {base}{pushed}"))
}

/// Whom nobody told, or not since users are served again.
fn untold(state: &State, policy: &Policy, found: &mut Vec<String>) {
    let told = |audience: &str| {
        let of = state.told.iter().filter(|(_, who)| policy.told_as(who) == audience);
        of.map(|(at, _)| *at).max()
    };
    let severity = policy.severity(state.severity);
    let theirs = |update: &UpdatePolicy| update.audience == audience::STAKEHOLDERS;
    let asked = severity.tell_within.is_some() || severity.updates.iter().any(theirs);
    let mut audiences: Vec<&str> = Vec::new();
    if asked {
        audiences.push(audience::STAKEHOLDERS);
    }
    for who in state.told.iter().map(|(_, who)| policy.told_as(who)) {
        if !audiences.contains(&who) {
            audiences.push(who);
        }
    }
    // Those who depend on the service come first.
    audiences.sort_by_key(|who| *who != audience::STAKEHOLDERS);
    for name in audiences {
        match (told(name), state.served_at()) {
            (None, _) => found.push(format!("nobody recorded that {name} were told")),
            (Some(last), Some(served)) if last < served => {
                found.push(format!("{name}: not told since users are served again"));
            }
            (Some(_), _) => {}
        }
    }
}

/// What the procedure asks for once it is over. That the review was held is said by closing.
fn afterwards(state: &State, policy: &Policy, found: &mut Vec<String>) {
    if state.reports.is_empty() {
        found.push("no report was saved".to_owned());
    } else if !state.has_report() {
        found.push("the report was saved before it was resolved: its end is missing".to_owned());
    }
    let severity = policy.severity(state.severity);
    if severity.review_within.is_some() && state.reviewed_at().is_none() {
        found.push(format!("no {} is on record: closing says that it was held", severity.review));
    }
}

fn checklist(state: &State, facts: &Facts, found: &mut Vec<String>) {
    let ticks = || facts.checklist.iter().map(|id| (id, state.ticks.get(id)));
    for (id, tick) in ticks() {
        if let Some(tick) = tick.filter(|tick| tick.state == CheckState::Failed) {
            let title = if tick.title.is_empty() { id } else { &tick.title };
            found.push(format!("{title} failed"));
        }
    }
    let open = ticks().filter(|(_, tick)| tick.is_none_or(|tick| tick.state == CheckState::Open)).count();
    if open > 0 {
        let s = if open == 1 { "" } else { "s" };
        found.push(format!("{open} checklist item{s} open"));
    }
}
