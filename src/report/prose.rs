//! The summary: what happened, in sentences that somebody else can forward. It says what is on
//! record and nothing else; that one thing helped because it came before another is for people to say.

use jiff::{SignedDuration, Timestamp};

use super::relapses::Relapse;
use super::words::{clock_after, day, ending, finding, first_of, inside, listed, role, sentences, spoken};
use super::{live, people, plans, production, relapses, third_parties, times, words};
use crate::config::types::Probe;
use crate::incident::{
    EntryKind, PlanEnd, PlanRun, PlanState, Policy, Precision, Release, Role, State, Status, StepState,
    WatchVerdict, clocks,
};
use crate::text::markdown::{inline, line_start};
use crate::text::name::is_same;

/// What is within this of something else happened with it.
const AT_ONCE: SignedDuration = SignedDuration::from_mins(1);
/// How many changes to production are told one by one.
const MOST: usize = 4;

/// The summary as paragraphs.
pub(super) fn summary(state: &State, policy: &Policy, probes: &[Probe], now: Timestamp) -> String {
    let paragraphs = [
        began(state, policy),
        course(state, probes),
        cause(state),
        standing(state, now),
        next(state, policy, now),
    ];
    // A paragraph may begin with somebody's name.
    let told: Vec<String> = paragraphs.into_iter().filter(|text| !text.is_empty()).map(line_start).collect();
    told.join("\n\n")
}

/// What broke, when, and who took it up.
fn began(state: &State, policy: &Policy) -> String {
    let start = state.started_at;
    let at = |at: Timestamp| clock_after(start, at);
    let when = match state.started_precision {
        Precision::Exact => format!("at {}", at(start)),
        Precision::About => format!("at about {}", at(start)),
        Precision::Before => format!("some time before {}", at(start)),
    };
    let service = inline(&state.service);
    let what =
        if service.is_empty() { "a fault began".to_owned() } else { format!("{service} began to fail") };
    let mut said = vec![format!("On {} {when} UTC, {what}: {}", day(start), ending(&state.title))];
    if !state.impact.trim().is_empty() {
        said.push(sentences(&inline(&state.impact)));
    }
    said.extend(live::when_it_began(state).and_then(|live| live.sentence(state)));

    let (_, first, _) = state.severities.first().cloned().unwrap_or((start, state.severity, String::new()));
    let by = people::told(&state.declared_by);
    let after = state.declared_at.duration_since(start);
    let named = policy.severity_name(first);
    let declared = if after < AT_ONCE {
        format!("{by} declared it as {named} at once")
    } else {
        let later = spoken(after);
        format!("{by} declared it as {named} at {}, {later} later", at(state.declared_at))
    };
    let led: Vec<(Timestamp, &str)> = commanders(state);
    let title = role(policy, Role::COMMANDER);
    match led.as_slice() {
        [(_, one)] if is_same(one, &state.declared_by) => {
            said.push(format!("{declared}, and led the response as {title}."));
        }
        [] => said.push(format!("{declared}.")),
        [(_, one)] => {
            said.push(format!("{declared}."));
            said.push(format!("{} led the response as {title}.", people::told(one)));
        }
        [(_, first_led), others @ ..] => {
            let others: Vec<String> = others
                .iter()
                .map(|(when, who)| format!("{} from {}", people::told(who), at(*when)))
                .collect();
            let (one, others) = (people::told(first_led), others.join(", then "));
            if is_same(first_led, &state.declared_by) {
                said.push(format!("{declared}, and led the response as {title}, then {others}."));
            } else {
                said.push(format!("{declared}."));
                said.push(format!("{one} led the response as {title}, then {others}."));
            }
        }
    }
    for pair in state.severities.windows(2) {
        let [(_, before, _), (when, after, reason)] = pair else { continue };
        if before == after {
            continue;
        }
        let word = if after < before { "raised" } else { "lowered" };
        let reason = inside(reason);
        let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        said.push(format!("It was {word} to {} at {}{because}.", policy.severity_name(*after), at(*when)));
    }
    said.join(" ")
}

/// Who led, in order; a person who took the role again directly after themselves counts once.
fn commanders(state: &State) -> Vec<(Timestamp, &str)> {
    let taken = state.assignments.iter().filter(|(_, role, _)| role == Role::COMMANDER);
    let mut led: Vec<(Timestamp, &str)> = taken.map(|(at, _, person)| (*at, person.as_str())).collect();
    led.sort_by_key(|(at, _)| *at);
    led.dedup_by(|(_, next), (_, person)| is_same(next, person));
    led
}

/// What was done to production, and what was said of users since.
fn course(state: &State, probes: &[Probe]) -> String {
    let mut told = changes(state, probes);
    let dropped = told.len().saturating_sub(MOST);
    told.drain(..dropped);
    told.extend(decisions(state, probes));
    told.extend(third_parties::sentences(state, probes));
    told.sort_by_key(|(at, _)| *at);
    let mut said: Vec<String> = told.into_iter().map(|(_, text)| text).collect();
    if dropped > 0 {
        let times = if dropped == 1 { "once".to_owned() } else { format!("{dropped} times") };
        said.insert(0, format!("Production was changed {times} before what follows; see the timeline."));
    }
    said.join(" ")
}

/// Every change to production, in order.
pub(super) fn changes(state: &State, probes: &[Probe]) -> Vec<(Timestamp, String)> {
    let of_plans = state.plans.iter().filter_map(|plan| match plan.purpose.as_str() {
        _ if plan.is_flag() => flagged(state, plan),
        "deploy" | "rollback" if plan.is_production() => brought(state, probes, plan),
        _ => None,
    });
    // What was live before the fault is no change.
    let by_hand = state.releases.iter().filter(|release| {
        state.plan(&release.plan).is_none()
            && release.at >= state.started_at
            && production::is(state, &release.environment)
    });
    let by_hand = by_hand
        .map(|release| (production::recorded_at(state, release), released(state, release, release.at)));
    let mut all: Vec<(Timestamp, String)> = of_plans.chain(by_hand).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// What a deploy or a rollback came to; `None` where there is nothing to say of it yet.
fn brought(state: &State, probes: &[Probe], plan: &PlanRun) -> Option<(Timestamp, String)> {
    if let Some(release) = state.releases.iter().rev().find(|release| release.plan == plan.id) {
        if plan.state.is_under_way() {
            let began = clock_after(state.started_at, plan.started_at);
            let how = if plan.state == PlanState::Waiting {
                "it waits for a person"
            } else {
                "it is still running"
            };
            return Some((plan.started_at, format!("{} at {began}; {how}.", plans::begun(plan))));
        }
        let at = production::brought_at(state, probes, release);
        return Some((at, released(state, release, at)));
    }
    let PlanState::Ended(end) = plan.state else { return None };
    let at = clock_after(state.started_at, plan.started_at);
    let (target, why, by) = (inline(&plan.target), plans::why(plan), people::told(&plan.by));
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    let (noun, tried) = (plans::opening(plan), plans::tried(plan));
    let said = match end {
        PlanEnd::Done if plan.only_pushes() => {
            format!("{by} pushed a revert for {target} at {at}, which deployed nothing yet.")
        }
        PlanEnd::Done => format!("{noun} at {at} went through ({by})."),
        PlanEnd::Failed => format!("{tried} at {at}, and it failed{because}."),
        PlanEnd::Unknown => format!("{tried} at {at}; what became of it is not known."),
        // What was stopped before it began has changed nothing.
        PlanEnd::Cancelled if plan.steps.iter().all(|step| step.run.is_none()) => return None,
        PlanEnd::Cancelled => {
            let undone = plan.steps.iter().any(|step| step.state() == StepState::Undone);
            // Why it was stopped may say so.
            let undone = if undone && !plan.why.starts_with("undone") { ", and was undone" } else { "" };
            format!("{tried} at {at}, and it was stopped{}{undone}.", production::stopped(plan))
        }
    };
    Some((plan.started_at, said))
}

/// What somebody brought there, and how it did; `at`: when that counts as done.
fn released(state: &State, release: &Release, at: Timestamp) -> String {
    let served = state.mitigated_at.is_some_and(|served| served < release.at);
    let at = clock_after(state.started_at, at);
    let back = release.rollback || state.plan(&release.plan).is_some_and(|plan| plan.purpose == "rollback");
    let (name, target, by) =
        (inline(&release.name()), inline(&release.environment), people::told(&release.by));
    if release.plan.is_empty() {
        // Nobody deployed it from here: somebody said that it is there.
        let told = production::recorded_at(state, release);
        let vouched = release.vouched && release.is_good();
        let good = if vouched { ", and vouched that it served users well" } else { "" };
        let since =
            if told.duration_since(release.at) < AT_ONCE { String::new() } else { format!(" from {at}") };
        let told = clock_after(state.started_at, told);
        return format!("{by} recorded at {told} that {name} was live in {target}{since}{good}.");
    }
    let did = if back {
        let from = live::replaced(state, release);
        let from = from.map_or_else(String::new, |from| format!(" from {}", inline(&from)));
        format!("{by} rolled {target} back{from} to {name} at {at}")
    } else {
        format!("{by} deployed {name} to {target} at {at}")
    };
    let did = format!("{did}{}", changed(state, release, back));
    let Some((_, verdict, why)) = &release.verdict else {
        let plan = state.plan(&release.plan);
        return match plan.filter(|plan| plan.state == PlanState::Ended(PlanEnd::Cancelled)) {
            Some(plan) => format!("{did}; it was stopped{}.", production::stopped(plan)),
            None => format!("{did}."),
        };
    };
    let why = finding(why);
    let because = if why.is_empty() { String::new() } else { format!(" ({why})") };
    match verdict {
        WatchVerdict::Passed if release.vouched => format!("{did}; {why}."),
        WatchVerdict::Passed if back => format!("{did}, and the watch that followed passed."),
        WatchVerdict::Passed if served => {
            format!("{did}. {} stayed healthy.", words::capitalised(&target))
        }
        WatchVerdict::Passed => format!("{did}, and it passed its watch."),
        WatchVerdict::Failed if back => format!("{did}; the watch that followed failed{because}."),
        WatchVerdict::Failed => format!("{did}; it failed its watch{because}."),
        WatchVerdict::Unknown => format!("{did}; its watch could not be judged{because}."),
    }
}

/// What a deploy fixed, by its commits: ` (charge the full price)`; all of them are listed with the releases.
fn changed(state: &State, release: &Release, back: bool) -> String {
    let plan = state.plan(&release.plan).filter(|_| !back);
    plan.and_then(words::fix).map_or_else(String::new, |fix| format!(" ({fix})"))
}

/// A flag that was turned.
fn flagged(state: &State, plan: &PlanRun) -> Option<(Timestamp, String)> {
    let at = clock_after(state.started_at, plan.started_at);
    let (by, turned) = (people::told(&plan.by), plan.title.strip_prefix("turn ")?);
    plan.is_done().then(|| (plan.started_at, format!("{by} turned {} at {at}.", inside(turned))))
}

/// Whether production failed between two times.
fn is_between(failures: &[Relapse], from: Timestamp, to: Timestamp) -> bool {
    failures.iter().any(|one| one.from > from && one.from < to)
}

/// What was said about the status, in order.
fn decisions(state: &State, probes: &[Probe]) -> Vec<(Timestamp, String)> {
    let start = state.started_at;
    // One of the two times is wrong, and nobody knows which.
    let impossible =
        |at: Timestamp| format!("which cannot be: the fault began at {}", clock_after(at, start));
    let lasted = |at: Timestamp| match at.duration_since(start) {
        length if length.is_negative() => impossible(at),
        length => format!("after {}", spoken(length)),
    };
    let entries = state.timeline.iter().filter(|entry| {
        matches!(entry.kind, EntryKind::Resolved | EntryKind::Reopened) && entry.retracted.is_none()
    });
    let again = relapses::all(state, probes);
    let (mut told, mut served): (Vec<(Timestamp, String)>, Option<Timestamp>) = (Vec::new(), None);
    told.extend(again.iter().map(|one| (one.from, one.sentence(state))));
    for entry in entries {
        let at = clock_after(start, entry.at);
        match entry.name {
            "mitigated" if served.is_none() => {
                served = Some(entry.at);
                let found = production::recovered(state, probes, entry.at);
                let after = if found.at < start {
                    impossible(found.at)
                } else {
                    format!("{} after the fault began", spoken(found.at.duration_since(start)))
                };
                let (at, how) = (clock_after(start, found.at), times::seen(state, &found));
                let text = format!("Users were served again at {at}, {after}{how}.");
                told.push((entry.at, format!("{text}{}", against(state, probes, entry.at))));
            }
            "mitigated" if served.is_some_and(|served| is_between(&again, served, entry.at)) => {
                served = Some(entry.at);
                let found = production::recovered(state, probes, entry.at);
                let (at, how) = (clock_after(start, found.at), times::seen(state, &found));
                told.push((entry.at, format!("Users were served again once more at {at}{how}.")));
            }
            "resolved" => {
                let text = match served {
                    Some(_) => format!("The incident was resolved at {at}, {}.", lasted(entry.at)),
                    None => format!(
                        "The incident was resolved at {at}, {}; when users were served again is not \
                         recorded.",
                        lasted(entry.at)
                    ),
                };
                told.push((entry.at, format!("{text}{}", against(state, probes, entry.at))));
            }
            "reopened" => {
                served = None;
                let why = entry.text.split_once(": ").map_or("", |(_, why)| why);
                let why = inside(why);
                let because = if why.is_empty() { String::new() } else { format!(": {why}") };
                told.push((entry.at, format!("{} reopened it at {at}{because}.", inline(entry.author))));
            }
            _ => {}
        }
    }
    told
}

/// What the record says of production at the moment at which somebody said that it was over.
fn against(state: &State, probes: &[Probe], at: Timestamp) -> String {
    let found = production::unwell(state, probes, at);
    if found.is_empty() { String::new() } else { format!(" At that time {}.", found.join("; ")) }
}

/// What broke, in the words of whoever found out.
fn cause(state: &State) -> String {
    let cause = inside(&state.cause);
    if cause.is_empty() { cause } else { format!("Cause: {cause}.") }
}

/// What comes next, once it is over: the review, and the work that is to keep it from coming back.
fn next(state: &State, policy: &Policy, now: Timestamp) -> String {
    if !matches!(state.status, Status::Resolved | Status::Closed) {
        return String::new();
    }
    let mut said = Vec::new();
    if let Some(back) = state.back_without_fix() {
        let (place, name) = (words::capitalised(&inline(&back.environment)), inline(&back.name()));
        said.push(format!("{place} stays on {name}: the fault is not fixed yet."));
    }
    let review = clocks(state, policy, now).into_iter().find(|clock| clock.id == "review");
    if let Some(review) = review {
        let name = policy.severity(state.severity).review.as_str();
        let name = if name.is_empty() { "review" } else { name };
        let name = inline(name);
        said.push(if let Some(held) = review.met_at {
            format!("The {name} was held {}.", words::when(state.started_at, held))
        } else {
            format!("The {name} is due by {} UTC.", clock_after(state.started_at, review.due_at))
        });
    }
    let open: Vec<String> = state
        .open_follow_ups()
        .map(|one| {
            let terms = [one.owner.clone(), one.due.map_or_else(String::new, |due| format!("by {due}"))];
            let terms: Vec<String> =
                terms.iter().filter(|term| !term.is_empty()).map(|term| inline(term)).collect();
            let terms = if terms.is_empty() { String::new() } else { format!(" ({})", terms.join(", ")) };
            format!("{}{terms}", inside(&one.text))
        })
        .collect();
    if !open.is_empty() {
        let what = if open.len() == 1 { "Open follow-up" } else { "Open follow-ups" };
        said.push(format!("{what}: {}.", first_of(&open, "; ")));
    }
    said.join(" ")
}

/// What is still to come, where it is not over.
fn standing(state: &State, now: Timestamp) -> String {
    if state.in_conflict() {
        let heads = state.heads.iter();
        let said: Vec<String> =
            heads.map(|head| format!("{} says {}", people::told(&head.by), head.status.name())).collect();
        return format!("People decided differently about its status: {}.", listed(&said));
    }
    let lasted = spoken(state.elapsed(now));
    match state.status {
        Status::Open => format!(
            "The incident is still open, {lasted} after the fault began; nobody has recorded yet that users are \
             served again."
        ),
        Status::Mitigated => "It is not resolved yet.".to_owned(),
        Status::Resolved | Status::Closed => String::new(),
    }
}
