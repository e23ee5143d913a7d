//! History as JSON: names are kept, more may be added.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::incident::{FollowUp, IncidentId, Policy, RecordId};
use crate::journal::Summary;
use crate::report::past::{Chronicle, Drift, Group, Missed, Past, Spread, Took, Trends, Unread, overdue_by};

#[derive(Serialize)]
pub(super) struct Line<'a> {
    id: &'a str,
    uuid: IncidentId,
    title: &'a str,
    severity: &'a str,
    /// What the team calls it.
    severity_name: &'a str,
    status: &'a str,
    declared_at: Timestamp,
    repository: &'a str,
    /// Whether a record declares it; else it is but a line in a list.
    declared: bool,
    /// Why its records cannot be read; else what they say is there, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
    #[serde(flatten)]
    past: Option<What<'a>>,
}

/// What an incident came to.
#[derive(Serialize)]
struct What<'a> {
    began_at: Timestamp,
    mitigated_at: Option<Timestamp>,
    /// Since when users were served again, as it was measured; by this it is counted.
    served_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    durations: Durations<'a>,
    /// How often it was said to be over, and was opened again.
    resolved_times: usize,
    reopened_times: usize,
    in_conflict: bool,
    missed: Vec<MissedLine<'a>>,
    over_budget: Vec<MissedLine<'a>>,
    follow_ups: Vec<Open<'a>>,
    broke: &'a [String],
}

#[derive(Serialize)]
struct Durations<'a> {
    detect: Length<'a>,
    mitigate: Length<'a>,
    resolve: Length<'a>,
}

#[derive(Serialize)]
struct Length<'a> {
    /// `measured`, `invalid`, `not-yet` or `not-recorded`.
    state: &'static str,
    /// Only where it is measured.
    seconds: Option<i64>,
    /// Why it is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct MissedLine<'a> {
    clock: &'a str,
    title: &'a str,
    due_at: Timestamp,
    met_at: Option<Timestamp>,
    overdue: bool,
}

#[derive(Serialize)]
struct Open<'a> {
    id: RecordId,
    text: &'a str,
    owner: Option<&'a str>,
    due: Option<Date>,
    overdue: bool,
    issue: Option<&'a str>,
}

/// The incidents, newest first.
pub(super) fn list<'a>(
    all: &'a [Summary],
    chronicle: &'a Chronicle,
    policy: &'a Policy,
    today: Date,
) -> Vec<Line<'a>> {
    let unread: HashMap<IncidentId, &str> =
        chronicle.unread.iter().map(|one| (one.id, one.why.as_str())).collect();
    let read: HashMap<IncidentId, &Past> = chronicle.incidents.iter().map(|past| (past.id, past)).collect();
    let line = |one: &'a Summary| Line {
        id: &one.number,
        uuid: one.id,
        title: &one.title,
        severity: one.severity.name(),
        severity_name: policy.severity_name(one.severity),
        status: one.status.name(),
        declared_at: one.declared_at,
        repository: &one.repository,
        declared: one.is_declared,
        unreadable: unread.get(&one.id).copied(),
        past: read.get(&one.id).map(|past| what(past, today)),
    };
    all.iter().map(line).collect()
}

fn what(past: &Past, today: Date) -> What<'_> {
    What {
        began_at: past.began_at,
        mitigated_at: past.mitigated_at,
        served_at: past.served_at,
        resolved_at: past.resolved_at,
        durations: Durations {
            detect: length(&past.detect),
            mitigate: length(&past.mitigate),
            resolve: length(&past.resolve),
        },
        resolved_times: past.resolved,
        reopened_times: past.reopened,
        in_conflict: past.in_conflict,
        missed: past.missed.iter().map(missed).collect(),
        over_budget: past.over_budget.iter().map(missed).collect(),
        follow_ups: past.follow_ups.iter().map(|one| open(one, today)).collect(),
        broke: &past.broke,
    }
}

fn length(took: &Took) -> Length<'_> {
    let why = if let Took::Invalid(why) = took { Some(why.as_str()) } else { None };
    Length { state: took.name(), seconds: took.length().map(|length| length.as_secs()), why }
}

fn missed(one: &Missed) -> MissedLine<'_> {
    MissedLine {
        clock: &one.clock,
        title: &one.title,
        due_at: one.due_at,
        met_at: one.met_at,
        overdue: one.is_overdue,
    }
}

fn open(one: &FollowUp, today: Date) -> Open<'_> {
    Open {
        id: one.id,
        text: &one.text,
        owner: Some(one.owner.as_str()).filter(|owner| !owner.is_empty()),
        due: one.due,
        overdue: overdue_by(one, today).is_some(),
        issue: one.issue.as_ref().map(|issue| issue.url.as_str()),
    }
}

/// Incidents put together.
#[derive(Serialize)]
pub(super) struct Together<'a> {
    by: &'static str,
    incidents: usize,
    groups: Vec<OneGroup<'a>>,
    all: OneGroup<'a>,
    trends: Vec<Trend>,
    /// Those that cannot be read and are left out.
    unreadable: Vec<&'a str>,
}

#[derive(Serialize)]
struct OneGroup<'a> {
    name: &'a str,
    incidents: usize,
    missed: usize,
    invalid: usize,
    detect: OneSpread,
    mitigate: OneSpread,
    resolve: OneSpread,
}

/// In seconds. What too few values cannot tell is not there.
#[derive(Serialize, Default)]
struct OneSpread {
    count: usize,
    median: Option<i64>,
    /// What the middle half lies between.
    #[serde(skip_serializing_if = "Option::is_none")]
    quartiles: Option<[i64; 2]>,
    /// The least and the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[i64; 2]>,
    /// The values themselves, where they are too few for a median.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<i64>>,
}

#[derive(Serialize)]
struct Trend {
    measure: &'static str,
    /// `shorter`, `longer` or `none`; null where there are too few.
    change: Option<&'static str>,
    /// How many are measured, and how many it takes, where they are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    too_few: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier: Option<OneSpread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<OneSpread>,
    /// The same as a sentence.
    said: String,
}

/// Incidents put together.
pub(super) fn trends<'a>(trends: &'a Trends, unread: &'a [Unread]) -> Together<'a> {
    Together {
        by: trends.by.name(),
        incidents: trends.count,
        groups: trends.groups.iter().map(group).collect(),
        all: group(&trends.all),
        trends: trends
            .drifts
            .iter()
            .map(|(measure, drift)| trend(measure.name(), drift, drift.said(*measure)))
            .collect(),
        unreadable: unread.iter().map(|one| one.number.as_str()).collect(),
    }
}

fn group(group: &Group) -> OneGroup<'_> {
    let [detect, mitigate, resolve] = group.spreads.each_ref().map(spread);
    let (name, incidents) = (group.name.as_str(), group.count);
    OneGroup { name, incidents, missed: group.missed, invalid: group.invalid, detect, mitigate, resolve }
}

fn spread(spread: &Spread) -> OneSpread {
    let (count, median) = (spread.count(), spread.median().map(|median| median.as_secs()));
    let none = OneSpread { count, median, ..OneSpread::default() };
    match spread {
        Spread::Nothing => none,
        Spread::Few(values) => {
            OneSpread { values: Some(values.iter().map(jiff::SignedDuration::as_secs).collect()), ..none }
        }
        Spread::Range { least, most, .. } => {
            OneSpread { range: Some([least.as_secs(), most.as_secs()]), ..none }
        }
        Spread::Quartiles { lower, upper, .. } => {
            OneSpread { quartiles: Some([lower.as_secs(), upper.as_secs()]), ..none }
        }
    }
}

fn trend(measure: &'static str, drift: &Drift, said: String) -> Trend {
    let none = Trend { measure, change: None, too_few: None, earlier: None, later: None, said };
    match drift {
        Drift::TooFew { count, needed } => Trend { too_few: Some([*count, *needed]), ..none },
        Drift::Compared { change, earlier, later } => Trend {
            change: Some(change.name()),
            earlier: Some(spread(earlier)),
            later: Some(spread(later)),
            ..none
        },
    }
}
