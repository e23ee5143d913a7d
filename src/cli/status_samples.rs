//! What probes showed in the last minutes, as cockpits kept it: one answer alone is neither an outage nor an all-clear.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::context::{Context, Setup};
use crate::config::types::Probe;
use crate::health::rules::{Rules, Weighed};
use crate::health::series::{Sample, Verdict};
use crate::health::silence;
use crate::health::tracker::Tracker;

/// So far back samples are looked at.
const REACH: SignedDuration = SignedDuration::from_mins(5);
/// A cockpit stores its samples once a minute.
pub(super) const LATE: Duration = Duration::from_secs(75);

/// Lets the alarms of all probes see what was kept of the last minutes. Returns of which probes somebody looked until
/// just now.
pub(super) fn replay(cx: &Context, setup: &Setup, tracker: &mut Tracker, now: Timestamp) -> Vec<bool> {
    let probes = &setup.config.probes;
    let journal = cx.journal_to_read().ok();
    let repository = journal.as_ref().and_then(|journal| cx.repository(journal).ok());
    let (Some(journal), Some(repository)) = (journal, repository) else { return vec![false; probes.len()] };
    let from = now.checked_sub(REACH).unwrap_or(Timestamp::MIN);
    let mut all: Vec<(Timestamp, usize, Sample)> = Vec::new();
    let mut fresh = Vec::with_capacity(probes.len());
    for (index, probe) in probes.iter().enumerate() {
        let kept = journal.kept(&repository, &probe.name, from).unwrap_or_default();
        let rules = Rules::of(probe).ok();
        let fault = |at: Timestamp| kept.faults.iter().find(|(one, _)| *one == at).map(|(_, fault)| *fault);
        let samples: Vec<Sample> = kept
            .samples
            .iter()
            .filter(|(at, _)| *at < now)
            .filter_map(|(at, value)| judged(*at, *value, fault(*at), rules.as_ref()))
            .collect();
        fresh.push(samples.last().is_some_and(|last| is_fresh(probe, last.at, now)));
        all.extend(samples.into_iter().map(|sample| (sample.at, index, sample)));
    }
    all.sort_by_key(|(at, index, _)| (*at, *index));
    for (_, index, sample) in all.into_iter().filter(|(_, index, _)| fresh[*index]) {
        tracker.observe(index, sample);
    }
    fresh
}

/// Whether somebody looked at a probe until just now.
fn is_fresh(probe: &Probe, last: Timestamp, now: Timestamp) -> bool {
    let within = silence::patience(probe) + LATE;
    now.duration_since(last) <= SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX)
}

/// A sample that was kept, as it was judged; `None`: nobody can tell how.
fn judged(
    at: Timestamp,
    value: Option<f64>,
    fault: Option<Verdict>,
    rules: Option<&Rules>,
) -> Option<Sample> {
    let weighed = value.and_then(|value| rules?.judge_number(&value.to_string()));
    let Weighed { verdict, why, unrecovered } = match (weighed, fault) {
        (Some(weighed), None) => weighed,
        (weighed, Some(verdict)) => {
            let why = weighed.map(|weighed| weighed.why).unwrap_or_default();
            Weighed { verdict, why, unrecovered: None }
        }
        (None, None) => return None,
    };
    Some(Sample { at, verdict, value, why, unrecovered, ..Sample::default() })
}
