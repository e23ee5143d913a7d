//! What a template is filled from: only what is on record, and what probes say. What is not known is empty, and
//! a template says so.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::draft::Sight;
use super::numbers::{self, Said};
use super::outward;
use crate::incident::{
    ClockState, MessageKind, Seen, Status, all_clocks, last_told, next_update, told_up_to,
};
use crate::report::{capitalised, spoken};
use crate::text::visible;

/// Most clocks that are named.
const MOST: usize = 6;

/// What a template can name.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    kind: &'static str,
    audience: String,
    incident: String,
    title: String,
    service: String,
    severity: String,
    status: &'static str,
    /// How it stands, in a sentence.
    stands: String,
    over: bool,
    impact: String,
    /// Until when users felt it; empty: they do, as far as anybody knows.
    impact_until: String,
    cause: String,
    started: String,
    ended: String,
    elapsed: String,
    /// When this audience was told last, as they saw it come; empty: it was not.
    since: String,
    now: String,
    numbers: Vec<Said>,
    happened: Vec<String>,
    under_way: Vec<String>,
    /// What was turned off and is off still, in a sentence; empty: nothing is.
    still_off: String,
    /// What it ended without: a fix, the health of a third party; empty: nothing is missing.
    without_fix: String,
    commander: String,
    roles: Vec<Held>,
    next_update: String,
    review: String,
    rolled_back: Option<Back>,
    due: Vec<String>,
}

/// Who has a role.
#[derive(Debug, Serialize)]
struct Held {
    title: String,
    person: String,
}

/// What an environment went back to.
#[derive(Debug, Serialize)]
struct Back {
    environment: String,
    to: String,
    at: String,
    verdict: String,
}

impl Facts {
    pub(super) fn of(sight: &Sight<'_>, kind: MessageKind, audience: &str) -> Self {
        let Sight { state, policy, now, .. } = *sight;
        let last = told_up_to(state, policy, audience);
        // Whoever takes over, and whoever hears that it is over, hears all of it.
        let from = match kind {
            MessageKind::Handoff | MessageKind::Brief | MessageKind::Resolved => None,
            _ => last,
        };
        let roles = policy.roles.iter().filter_map(|role| {
            let person = state.roles.get(&role.id)?;
            Some(Held { title: plain(&capitalised(&role.title)), person: plain(person) })
        });
        let is_over = matches!(state.status, Status::Resolved | Status::Closed);
        Self {
            kind: kind.name(),
            audience: plain(policy.audience_name(audience)),
            incident: plain(sight.number),
            title: plain(&state.title),
            service: plain(sight.service),
            severity: plain(policy.severity_name(state.severity)),
            status: state.status.name(),
            stands: outward::stands(sight),
            over: is_over,
            impact: plain(&state.impact),
            impact_until: outward::recovery(sight)
                .filter(|_| state.status != Status::Open && sight.seen != Seen::Failing)
                .map(|found| {
                    let how = if found.by.is_measured() { "seen by monitoring" } else { "as reported" };
                    format!("{} ({how})", time(found.at, now))
                })
                .unwrap_or_default(),
            cause: plain(&state.cause),
            started: time(state.started_at, now),
            ended: state.resolved_at.map(|at| time(at, now)).unwrap_or_default(),
            elapsed: spoken(state.elapsed(now)),
            since: last_told(state, policy, audience).map(|at| time(at, now)).unwrap_or_default(),
            now: time(now, now),
            numbers: numbers::all(sight.numbers, !kind.is_status(), |number| {
                // What failed in between is not still as it was.
                let failures = state.outages(|name| name == number.name);
                failures.iter().any(|one| last.is_some_and(|last| one.from > last))
            }),
            happened: outward::happened(sight, from),
            under_way: outward::under_way(state),
            still_off: outward::still_off(state),
            without_fix: outward::without_fix(sight),
            commander: state
                .roles
                .get(crate::incident::Role::COMMANDER)
                .map(|who| plain(who))
                .unwrap_or_default(),
            roles: roles.collect(),
            next_update: next_update(state, policy, audience, now)
                .map(|at| time(at, now))
                .unwrap_or_default(),
            review: plain(&policy.severity(state.severity).review),
            rolled_back: rolled_back(sight),
            due: due(sight),
        }
    }
}

/// One line of text from the record.
pub(super) fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    visible(&line).into_owned()
}

/// A time for readers elsewhere; with its day where that is another.
pub(super) fn time(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    let format = if at.date() == now.date() { "%H:%M UTC" } else { "%-d %b %H:%M UTC" };
    at.strftime(format).to_string()
}

fn rolled_back(sight: &Sight<'_>) -> Option<Back> {
    let release = super::draft::rollback(sight.state)?;
    let verdict = outward::holds(release).to_owned();
    Some(Back {
        environment: plain(&release.environment),
        to: plain(&release.name()),
        at: time(outward::brought_at(sight, release), sight.now),
        verdict,
    })
}

/// What is due, the most pressing first.
fn due(sight: &Sight<'_>) -> Vec<String> {
    let Sight { state, policy, now, .. } = *sight;
    let runs =
        |clock: &crate::incident::Clock| matches!(clock.state, ClockState::Running | ClockState::Overdue);
    let clocks = all_clocks(state, policy, now);
    let due = clocks.iter().filter(|clock| runs(clock)).take(MOST);
    // It is read later than it was written: times, not how long from now.
    let said = |clock: &crate::incident::Clock| {
        let (title, at) = (plain(clock.title.trim_end_matches(" due")), time(clock.due_at, now));
        if clock.state == ClockState::Overdue {
            format!("{title}: overdue since {at}")
        } else {
            format!("{title}: by {at}")
        }
    };
    due.map(said).collect()
}
