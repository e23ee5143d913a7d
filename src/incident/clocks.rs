//! The clocks of an incident: what is due when, and whether it was met.

use jiff::{SignedDuration, Timestamp};

use super::body::{Phase, Severity, WatchVerdict};
use super::policy::{Policy, Role, SeverityPolicy};
use super::state::{PlanRun, Release, State, Status, UNDONE};

/// Audiences that meet a clock when they are told.
pub mod audience {
    /// Those who depend on the service.
    pub const STAKEHOLDERS: &str = "stakeholders";
    /// The same, told again.
    pub const UPDATE: &str = "update";
    /// The top of the house.
    pub const EXECUTIVES: &str = "executives";
}

/// Something due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Id: `fix`, `page`, `stakeholders`, `update`, `escalate`, `executives`, `review`, `phase`.
    pub id: String,
    /// Short title for the header: `fix due`, `update due`.
    pub title: String,
    /// When it started to run.
    pub from: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// When what it asks for was done, if it was.
    pub met_at: Option<Timestamp>,
    /// Where it stands.
    pub state: ClockState,
}

/// Where a clock stands, in the words of `status --json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockState {
    /// Runs, and is not due yet.
    Running,
    /// Was met in time.
    Met,
    /// Was met, but late.
    Late,
    /// Is due and not met.
    Overdue,
    /// No longer applies.
    Stopped,
}

impl ClockState {
    /// What comes first: 0 is most urgent.
    pub(super) fn urgency(self) -> u8 {
        match self {
            Self::Overdue => 0,
            Self::Running => 1,
            Self::Late => 2,
            Self::Met => 3,
            Self::Stopped => 4,
        }
    }

    /// The name in `status --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Met => "met",
            Self::Late => "late",
            Self::Overdue => "overdue",
            Self::Stopped => "stopped",
        }
    }
}

/// A clock that runs once, from the start of the incident.
struct Rule {
    id: &'static str,
    title: &'static str,
    within: fn(&SeverityPolicy) -> Option<SignedDuration>,
    /// When what it asks for was done first.
    met: fn(&State) -> Option<Timestamp>,
}

const RULES: [Rule; 5] = [
    Rule { id: "page", title: "page on-call", within: |p| p.page_within, met: paged },
    Rule {
        id: "stakeholders",
        title: "tell stakeholders",
        within: |p| p.tell_within,
        met: stakeholders_told,
    },
    Rule { id: "escalate", title: "escalate to lead", within: |p| p.escalate_within, met: escalated },
    Rule { id: "fix", title: "fix due", within: |p| p.fix_within, met: fixed },
    Rule { id: "executives", title: "CTO/CEO", within: |p| p.executives_after, met: executives_told },
];

/// The clocks of an incident at a time, most urgent first. A due time counts from when the incident
/// began, whatever the severity was meanwhile; one that had passed before anybody could know of it
/// (the incident was declared late, the severity was raised) counts from then, and so does what is to be
/// done at once.
pub fn clocks(state: &State, policy: &Policy, now: Timestamp) -> Vec<Clock> {
    let severity = policy.severity(state.severity);
    let mut clocks: Vec<_> = RULES
        .iter()
        .filter_map(|rule| {
            let within = (rule.within)(severity)?;
            let since = in_force(state, policy, rule.within);
            // What is to be done at once is asked for anew where the severity is raised to that.
            let from = if within.is_zero() && since > state.declared_at { since } else { state.started_at };
            let within = if within.is_zero() { policy.at_once } else { within };
            let ask = Ask { from, within, since, met: (rule.met)(state) };
            Some(clock(rule.id, rule.title.to_owned(), ask, state, now))
        })
        .collect();
    clocks.extend(update_clock(state, policy, now));
    clocks.extend(phase_clock(state, policy, now));
    clocks.extend(review_clock(state, severity, now));
    clocks.sort_by_key(|clock| (clock.state.urgency(), clock.due_at));
    clocks
}

/// What a clock asks for.
#[derive(Clone, Copy)]
struct Ask {
    /// When it began to count.
    from: Timestamp,
    /// How long after that it is due.
    within: SignedDuration,
    /// Since when it is asked for.
    since: Timestamp,
    /// When it was done.
    met: Option<Timestamp>,
}

fn clock(id: &str, title: String, ask: Ask, state: &State, now: Timestamp) -> Clock {
    let Ask { mut from, within, since, met } = ask;
    let mut due_at = later(from, within);
    if due_at < since {
        // It did not run then: nobody can have missed it.
        from = since;
        due_at = later(since, within);
    }
    let state = match met {
        Some(met) if met <= due_at => ClockState::Met,
        Some(_) => ClockState::Late,
        None if state.resolved_at.is_some() => ClockState::Stopped,
        None if now > due_at => ClockState::Overdue,
        None => ClockState::Running,
    };
    Clock { id: id.to_owned(), title, from, due_at, met_at: met, state }
}

/// Since when something is asked for as urgently as now: the declaration, or the last change to a
/// severity that is more urgent about it.
fn in_force(
    state: &State,
    policy: &Policy,
    within: impl Fn(&SeverityPolicy) -> Option<SignedDuration>,
) -> Timestamp {
    let now = within(policy.severity(state.severity));
    let as_urgent = |severity: Severity| {
        let then = within(policy.severity(severity));
        then.is_some_and(|then| now.is_none_or(|now| then <= now))
    };
    let spans = state.severities.iter().rev().take_while(|(_, severity, _)| as_urgent(*severity));
    spans.last().map_or(state.declared_at, |(at, ..)| *at).max(state.declared_at)
}

/// Adds without leaving the calendar: a start in the far future is somebody's typing error,
/// not a reason to stop.
fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// Starts anew whenever people are told.
fn update_clock(state: &State, policy: &Policy, now: Timestamp) -> Option<Clock> {
    let in_flight = state.phase >= Phase::Develop;
    let every = |severity: &SeverityPolicy| {
        severity.update_every_quiet.filter(|_| !in_flight).or(severity.update_every)
    };
    let mut since = in_force(state, policy, every);
    let severity = policy.severity(state.severity);
    if in_flight && severity.update_every_quiet.is_some() {
        // Updates became more frequent when the fix got under way.
        let flight = state.phases.iter().rev().take_while(|(phase, _)| *phase >= Phase::Develop);
        since = flight.last().map_or(since, |(_, at)| since.max(*at));
    }
    let from = told(state, &[audience::STAKEHOLDERS, audience::UPDATE]).max().unwrap_or(state.started_at);
    let ask = Ask { from, within: every(severity)?, since, met: None };
    Some(clock("update", "update due".to_owned(), ask, state, now))
}

/// Since when the phase it is in counts: the first one since the fault began.
pub fn phase_since(state: &State) -> Option<Timestamp> {
    let (_, entered) = state.phases.last()?;
    Some(if state.phases.len() == 1 { state.started_at.min(*entered) } else { *entered })
}

/// How much later than the procedure allows it was declared, if it was.
pub fn detected_late(state: &State, policy: &Policy) -> Option<SignedDuration> {
    let allowed = policy.phase(Phase::Detect)?.budget;
    let late = state.declared_at.duration_since(state.started_at) - allowed;
    late.is_positive().then_some(late)
}

fn phase_clock(state: &State, policy: &Policy, now: Timestamp) -> Option<Clock> {
    let &(phase, _) = state.phases.last()?;
    let from = phase_since(state)?;
    let ask = Ask { from, within: policy.phase(phase)?.budget, since: from, met: None };
    Some(clock("phase", format!("{} budget", phase.name()), ask, state, now))
}

/// Runs from the resolution until the review was held, or the incident is closed without.
fn review_clock(state: &State, policy: &SeverityPolicy, now: Timestamp) -> Option<Clock> {
    let from = state.resolved_at?;
    let due_at = later(from, policy.review_within?);
    let closed = state.heads.iter().filter(|head| head.status == Status::Closed).map(|head| head.at).min();
    let closed = closed.filter(|_| state.status == Status::Closed);
    let held = state.reviewed_at().or(closed);
    let state = match held {
        Some(at) if at <= due_at => ClockState::Met,
        Some(_) => ClockState::Late,
        None if now > due_at => ClockState::Overdue,
        None => ClockState::Running,
    };
    let met_at = held.filter(|_| matches!(state, ClockState::Met | ClockState::Late));
    Some(Clock { id: "review".to_owned(), title: "review due".to_owned(), from, due_at, met_at, state })
}

fn told<'a>(state: &'a State, audiences: &'a [&str]) -> impl Iterator<Item = Timestamp> + 'a {
    state.told.iter().filter(|(_, who)| audiences.contains(&who.as_str())).map(|(at, _)| *at)
}

/// Somebody was paged who may be on call: whoever is paged by the name of another role is not.
fn paged(state: &State) -> Option<Timestamp> {
    let other = |who: &str| {
        who != Role::ON_CALL
            && ([Role::COMMANDER, Role::LEAD].contains(&who) || state.roles.contains_key(who))
    };
    state.paged.iter().filter(|(_, who)| !other(who)).map(|(at, _)| *at).min()
}

fn stakeholders_told(state: &State) -> Option<Timestamp> {
    told(state, &[audience::STAKEHOLDERS, audience::UPDATE]).min()
}

fn executives_told(state: &State) -> Option<Timestamp> {
    told(state, &[audience::EXECUTIVES]).min()
}

/// The lead knows: has the role, was paged or was told.
fn escalated(state: &State) -> Option<Timestamp> {
    let taken = state.assignments.iter().filter(|(_, role, _)| role == Role::LEAD).map(|(at, ..)| *at);
    let paged = state.paged.iter().filter(|(_, who)| who == Role::LEAD).map(|(at, _)| *at);
    taken.chain(paged).chain(told(state, &[Role::LEAD])).min()
}

/// The fix counts from when it came into production, as long as nobody went back to the
/// code since; without a deploy on record, from the resolution. What was there before already fixes
/// nothing, nor does what was rolled back or failed its watch.
fn fixed(state: &State) -> Option<Timestamp> {
    if state.phase != Phase::Verify && state.resolved_at.is_none() {
        return None;
    }
    let failed =
        |release: &Release| matches!(&release.verdict, Some((_, WatchVerdict::Failed, why)) if why != UNDONE);
    let is_new = |plan: &PlanRun| {
        let Some(at) = state.releases.iter().position(|release| release.plan == plan.id) else { return true };
        let (before, after) = (&state.releases[..at], &state.releases[at + 1..]);
        let release = &state.releases[at];
        if failed(release) {
            return false;
        }
        let here = |other: &&Release| other.environment == release.environment;
        before.iter().rfind(here).is_none_or(|was| was.commit != release.commit)
            && !after.iter().filter(here).any(|later| later.rollback)
    };
    let deploys =
        state.plans.iter().filter(|p| p.purpose == "deploy" && p.is_production() && p.is_done() && is_new(p));
    let last = deploys.filter_map(|plan| plan.ended_at).max();
    let by_us = |release: &&Release| state.plan(&release.plan).is_some_and(PlanRun::is_production);
    let live = state.releases.iter().rfind(by_us);
    last.or(state.resolved_at.filter(|_| !live.is_some_and(failed)))
}

/// Tells whether a severity asks for a hotfix at all.
pub(super) fn needs_hotfix(policy: &Policy, severity: Severity) -> bool {
    policy.severity(severity).fix_within.is_some()
}
