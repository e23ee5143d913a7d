//! A metric that was there until something was deployed: it is gone since then, and not only without data.

use jiff::{SignedDuration, Timestamp};

use crate::health::series::{Status, Verdict};
use crate::incident::{Release, State};

/// How long servers go on telling the last number of what nobody measures any more.
const LOOKED_BACK: SignedDuration = SignedDuration::from_mins(6);

/// What nothing is found of since something was deployed to its environment, in words: `gone since v1.4.3`.
pub fn since(state: &State, environment: &str, probe: &Status) -> Option<String> {
    let began = |release: &Release| state.plan(&release.plan).map_or(release.at, |plan| plan.started_at);
    found(&state.releases, began, environment, probe)
}

fn found(
    releases: &[Release],
    began: impl Fn(&Release) -> Timestamp,
    environment: &str,
    probe: &Status,
) -> Option<String> {
    let last = probe.last.as_ref().filter(|last| last.verdict == Verdict::NoData)?;
    if last.headline != "no data" {
        return None;
    }
    let known = |(at, value): &(Timestamp, Option<f64>)| value.map(|_| *at);
    let before = probe.history.iter().rev().find_map(known)?;
    let missing = probe.history.iter().map(|(at, _)| *at).find(|at| *at > before)?;
    let mut there = releases.iter().rev().filter(|release| release.environment == environment);
    let release = there.find(|release| began(release) <= missing)?;
    let was_there = probe.history.iter().filter_map(known).any(|at| at < began(release));
    let is_near = before <= release.at.saturating_add(LOOKED_BACK).unwrap_or(Timestamp::MAX);
    (was_there && is_near).then(|| format!("gone since {}", release.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::series::Sample;

    fn at(minute: i64) -> Timestamp {
        "2026-03-01T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn released(environment: &str, minute: i64) -> Release {
        Release {
            environment: environment.to_owned(),
            reference: "v1.4.3".to_owned(),
            commit: "4f2c91e".to_owned(),
            tag: Some("v1.4.3".to_owned()),
            version: None,
            plan: "deploy-production-1".to_owned(),
            rollback: false,
            replaces: None,
            by: "maya".to_owned(),
            at: at(minute),
            verdict: None,
            vouched: false,
        }
    }

    /// Numbers in these minutes, and nothing in those.
    fn probe(numbers: std::ops::Range<i64>, nothing: std::ops::Range<i64>) -> Status {
        let numbers = numbers.map(|minute| (at(minute), Some(1.0)));
        let last = Sample { headline: "no data".to_owned(), ..Sample::default() };
        Status {
            history: numbers.chain(nothing.map(|minute| (at(minute), None))).collect(),
            last: Some(last),
            ..Status::default()
        }
    }

    fn said(probe: &Status, releases: &[Release]) -> Option<String> {
        found(releases, |release| release.at - SignedDuration::from_mins(1), "production", probe)
    }

    #[test]
    fn what_was_measured_until_a_deploy_is_gone_since_then() {
        let words = Some("gone since v1.4.3".to_owned());
        assert_eq!(said(&probe(0..20, 20..23), &[released("production", 18)]), words);
        // Servers tell the last number for a while longer.
        assert_eq!(said(&probe(0..20, 20..23), &[released("production", 15)]), words);
    }

    #[test]
    fn all_else_is_without_data() {
        let gone = probe(0..20, 20..23);
        assert_eq!(said(&gone, &[]), None, "nothing was deployed");
        assert_eq!(said(&gone, &[released("staging", 18)]), None, "elsewhere");
        assert_eq!(said(&gone, &[released("production", 5)]), None, "long before");
        assert_eq!(said(&gone, &[released("production", 22)]), None, "only afterwards");
        assert_eq!(said(&probe(0..0, 20..23), &[released("production", 18)]), None, "it was never there");
        assert_eq!(said(&probe(19..20, 20..23), &[released("production", 18)]), None, "nor before that");
        let mut silent = gone;
        silent.last = Some(Sample { headline: "503".to_owned(), ..Sample::default() });
        assert_eq!(said(&silent, &[released("production", 18)]), None, "the server does not say so");
    }
}
