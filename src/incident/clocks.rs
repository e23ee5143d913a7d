//! The clocks of an incident: what is due when, and whether it was met.

mod met;
mod phases;
mod updates;

use jiff::{SignedDuration, Timestamp};

use super::body::{Phase, Severity};
use super::policy::{ClockPolicy, CountedFrom, MetBy, Policy};
use super::state::{State, Status};

pub use phases::phase_since;
pub use updates::{Round, last_told, next_update, rounds, told_up_to};

/// Audiences that meet a clock when they are told.
pub mod audience {
    /// Those who depend on the service.
    pub const STAKEHOLDERS: &str = "stakeholders";
    /// The same, told again.
    pub const UPDATE: &str = "update";
    /// The top of the house.
    pub const EXECUTIVES: &str = "executives";
}

/// What the title of a clock begins with that runs out when people were promised to hear again.
const PROMISED: &str = "promised ";

/// Something due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Id: that of the policy (`fix`, `page`, …); `update` for stakeholders, `update:business` for others;
    /// `phase` for the one it is in, `phase:detect` for one that is over.
    pub id: String,
    /// Short title for the header: `fix due`, `update due`.
    pub title: String,
    /// When it started to run.
    pub from: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// When what it asks for was done, if it was.
    pub met_at: Option<Timestamp>,
    /// When it was asked for no more, if it was not met by then.
    pub stopped_at: Option<Timestamp>,
    /// How many rounds of it before this one were late or left out.
    pub missed: usize,
    /// Where it stands.
    pub state: ClockState,
}

impl Clock {
    /// Tells whether it is that of the fix, and was met by the end of the incident without one on record.
    pub fn is_met_by_end(&self, state: &State) -> bool {
        self.id == "fix" && self.met_at.is_some() && self.met_at == state.resolved_at
    }

    /// Tells whether people were told that they would hear by then, and nothing else asks for it so early.
    pub fn is_promised(&self) -> bool {
        self.title.starts_with(PROMISED)
    }

    /// Tells whether a step of what is next, by the id of its command, is about it.
    pub fn is_met_by(&self, action: &str) -> bool {
        match self.id.as_str() {
            "page" => action == "page",
            "escalate" => action == "role",
            "review" => ["review", "report"].contains(&action),
            "task" => action == "task.end",
            "proposal" => action.starts_with("proposal."),
            _ => action == "told",
        }
    }
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
    pub fn urgency(self) -> u8 {
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

/// The clocks of an incident at a time, most urgent first. A due time counts from when the incident
/// began, whatever the severity was meanwhile; one that had passed before anybody could know of it
/// (the incident was declared late, the severity was raised) counts from then, and so does what is to be
/// done at once. What a lower severity no longer asks for is stopped.
pub fn clocks(state: &State, policy: &Policy, now: Timestamp) -> Vec<Clock> {
    let mut clocks: Vec<_> = policy.clocks.iter().filter_map(|rule| once(rule, state, policy, now)).collect();
    clocks.extend(updates::clocks(state, policy, now));
    clocks.extend(phases::clocks(state, policy, now));
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
    /// When it was asked for no more.
    stopped: Option<Timestamp>,
}

fn clock(id: &str, title: String, ask: Ask, now: Timestamp) -> Clock {
    let Ask { mut from, within, since, met, stopped } = ask;
    let mut due_at = later(from, within);
    if due_at < since {
        // It did not run then: nobody can have missed it.
        from = since;
        due_at = later(since, within);
    }
    let state = match met {
        Some(met) if met <= due_at => ClockState::Met,
        Some(_) => ClockState::Late,
        None if stopped.is_some() => ClockState::Stopped,
        None if now > due_at => ClockState::Overdue,
        None => ClockState::Running,
    };
    let stopped_at = stopped.filter(|_| state == ClockState::Stopped);
    Clock { id: id.to_owned(), title, from, due_at, met_at: met, stopped_at, missed: 0, state }
}

/// A clock that runs once.
fn once(rule: &ClockPolicy, state: &State, policy: &Policy, now: Timestamp) -> Option<Clock> {
    let within = |severity| rule.within(policy, severity);
    let counted = match rule.from {
        CountedFrom::Began => state.started_at,
        CountedFrom::Declared => state.declared_at,
        CountedFrom::Mitigated => state.mitigated_at?,
        CountedFrom::Resolved => state.resolved_at?,
    };
    // Where there is to be no fix nobody waits for one, and the end of the incident is none.
    let waits = rule.met_by.iter().any(|act| *act != MetBy::Fixed);
    let given_up = state.without_hotfix().filter(|_| !waits);
    let met = met::first(rule, state, policy, counted).filter(|met| given_up.is_none_or(|at| *met <= at));
    // Whether it was in time is a matter of what was asked for then, whatever the severity became afterwards.
    let then = met.and_then(|met| last_asked(state, met, now, &within).map(|asked| (asked, met)));
    let ((asked, until), as_of) = match then {
        Some(then) => then,
        None => (last_asked(state, Timestamp::MAX, now, &within)?, Timestamp::MAX),
    };
    let within_now = within(asked)?;
    let since = in_force(state, as_of, asked, &within);
    // What is to be done at once is asked for anew where the severity is raised to that.
    let at_once = within_now.is_zero();
    let from = if at_once && since > state.declared_at { since.max(counted) } else { counted };
    let within_now = if at_once { policy.at_once } else { within_now };
    let over = if rule.ends_closed() { closed(state) } else { state.resolved_at };
    let stopped = [until, over, given_up].into_iter().flatten().min();
    // What is asked for afterwards cannot have been missed before.
    let since = if rule.from == CountedFrom::Resolved { counted } else { since };
    Some(clock(&rule.id, rule.title.clone(), Ask { from, within: within_now, since, met, stopped }, now))
}

/// When the incident was closed, if it is.
fn closed(state: &State) -> Option<Timestamp> {
    let closed = state.heads.iter().filter(|head| head.status == Status::Closed).map(|head| head.at).min();
    closed.filter(|_| state.status == Status::Closed)
}

/// The severity that last asked for something up to a time, and when it ceased to, if it did; `None`: none had yet.
fn last_asked(
    state: &State,
    as_of: Timestamp,
    now: Timestamp,
    within: &dyn Fn(Severity) -> Option<SignedDuration>,
) -> Option<(Severity, Option<Timestamp>)> {
    let mut until = None;
    for (at, severity, _) in state.severities.iter().rev().filter(|(at, ..)| *at <= as_of) {
        // A clock that was set wrong may have dated it ahead: it counts, as it does everywhere.
        if within(*severity).is_some() {
            return Some((*severity, until.map(|until: Timestamp| until.min(now))));
        }
        until = Some(*at);
    }
    None
}

/// Since when something is asked for as urgently as by this severity: the declaration, or the last change to
/// one that is more urgent about it.
fn in_force(
    state: &State,
    until: Timestamp,
    severity: Severity,
    within: &dyn Fn(Severity) -> Option<SignedDuration>,
) -> Timestamp {
    let asked = within(severity);
    let as_urgent = |severity: Severity| {
        let then = within(severity);
        then.is_some_and(|then| asked.is_none_or(|asked| then <= asked))
    };
    let spans = state.severities.iter().rev();
    let spans = spans.skip_while(|(at, one, _)| *at > until || within(*one).is_none());
    let spans = spans.take_while(|(_, severity, _)| as_urgent(*severity));
    spans.last().map_or(state.declared_at, |(at, ..)| *at).max(state.declared_at)
}

/// Adds without leaving the calendar: a start in the far future is somebody's typing error,
/// not a reason to stop.
fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// How much later than the procedure allows it was declared, if it was.
pub fn detected_late(state: &State, policy: &Policy) -> Option<SignedDuration> {
    let allowed = policy.phase(Phase::Detect)?.budget;
    let late = state.declared_at.duration_since(state.started_at) - allowed;
    late.is_positive().then_some(late)
}

/// Tells whether a severity asks for a hotfix at all.
pub(super) fn needs_hotfix(policy: &Policy, severity: Severity) -> bool {
    policy.needs_hotfix(severity)
}

/// When somebody has to lead at the latest: NEXT asks for it by then, and a drill is graded by it.
pub fn led_by(state: &State, policy: &Policy) -> Timestamp {
    let assemble = policy.phase(Phase::Assemble).map_or(SignedDuration::ZERO, |phase| phase.budget);
    state.declared_at.checked_add(assemble).unwrap_or(Timestamp::MAX)
}
