//! What a repository's incidents together say of releases and of ways back.

use std::collections::HashMap;

use jiff::Timestamp;

use super::apply::plans;
use super::body::{Body, PlanEnd};
use super::record::{IncidentId, Record};
use super::state::{Condemned, History, Rehearsal, Release, judge};
use super::wording;

impl History {
    /// Makes the history of records of whatever incidents, in any order. Records that tell of
    /// neither are passed over.
    pub fn of(records: &[Record]) -> Self {
        let mut ordered: Vec<&Record> = records.iter().collect();
        ordered.sort_by_key(|record| (record.at, record.id));
        let mut history = Self::default();
        // By whom, too: what another installation says of a plan is not so.
        let mut begun: HashMap<(IncidentId, u64, &str), (&str, &str, Timestamp)> = HashMap::new();
        let mut went_to: HashMap<(IncidentId, u64, &str), String> = HashMap::new();
        let mut places = Vec::new();
        for record in ordered {
            let at = record.occurred_at;
            match &record.body {
                Body::Released(body) => {
                    places.push(wording::place(record));
                    let release = plans::release(body, &record.author.name, at);
                    went_to.insert((record.incident, record.author.node, &body.plan), release.name());
                    history.releases.push(release);
                }
                Body::ReleaseJudged(body) => {
                    let is_release = plans::judged(&mut history.releases, body, at);
                    history.trials.extend((!is_release).then(|| plans::trial(body, at)).flatten());
                }
                Body::MergeOwed(body) => {
                    plans::merge_owed(&mut history.merges_back, body, &record.author.name, at);
                }
                Body::MergePaid(body) => {
                    plans::merge_paid(&mut history.merges_back, body, &record.author.name, at);
                }
                Body::PlanStarted(body) => {
                    // Turned off from the list of flags it is the same way.
                    let off = body.purpose == "flag" && body.title.ends_with(" off");
                    let way = body.spec.get("way").and_then(serde_json::Value::as_str);
                    if let Some(way) = way.or(off.then_some(body.target.as_str())) {
                        let key = (record.incident, record.author.node, body.plan.as_str());
                        begun.entry(key).or_insert((way, &body.target, at));
                    }
                }
                Body::PlanEnded(body) if body.end == PlanEnd::Done => {
                    let plan = (record.incident, record.author.node, body.plan.as_str());
                    let known = begun.get(&plan);
                    history.rehearsals.extend(known.map(|(way, environment, began)| Rehearsal {
                        way: (*way).to_owned(),
                        environment: (*environment).to_owned(),
                        to: went_to.get(&plan).cloned().unwrap_or_default(),
                        at: *began,
                        took: plans::end(*began, at, record.took).duration_since(*began),
                    }));
                }
                _ => {}
            }
        }
        // By time, but never before what was there already when it was written down.
        let mut releases: Vec<_> = places.into_iter().zip(history.releases).collect();
        releases.sort_by_key(|(place, _)| *place);
        history.releases = releases.into_iter().map(|(_, release)| release).collect();
        history.trials.sort_by_key(|trial| trial.at);
        history.rehearsals.sort_by_key(|rehearsal| rehearsal.at);
        history
    }

    /// What is in an environment now, as far as is known: its last release.
    pub fn current(&self, environment: &str) -> Option<&Release> {
        self.of_environment(environment).next_back()
    }

    /// The commits that an environment was rolled back from.
    pub fn rolled_back<'a>(&'a self, environment: &str) -> Vec<&'a str> {
        let mut back: Vec<&str> = Vec::new();
        let mut before: Option<&Release> = None;
        for release in self.releases.iter().filter(|release| release.environment == environment) {
            if release.rollback {
                back.extend(before.map(|before| before.commit.as_str()));
                back.extend(release.replaces.as_deref());
                back.retain(|commit| *commit != release.commit);
            }
            before = Some(release);
        }
        back.sort_unstable();
        back.dedup();
        back
    }

    /// Finds out whether what is in these commits was in an environment before and no good there. What was
    /// found out before `since` is told with its day.
    pub fn condemned(
        &self,
        environment: &str,
        since: Timestamp,
        is_it: impl Fn(&str) -> bool,
    ) -> Option<Condemned> {
        judge(&self.releases, &self.trials, environment, since, is_it)
    }

    /// The last good release of an environment before what is there now: the last one with a
    /// passed watch whose commit is another. Never simply the previous one, and never one that
    /// was rolled back from.
    pub fn last_good(&self, environment: &str) -> Option<&Release> {
        let now = self.current(environment)?;
        self.good_beside(environment, &now.commit)
    }

    /// The last good release of an environment that is not this commit: what could be gone back
    /// to once that commit is there.
    pub fn good_beside(&self, environment: &str, commit: &str) -> Option<&Release> {
        let mut after: Option<&Release> = None;
        for release in self.of_environment(environment).rev() {
            let left = after.is_some_and(|next| next.rollback && next.commit != release.commit);
            if release.is_good() && release.commit != commit && !left {
                return Some(release);
            }
            after = Some(release);
        }
        None
    }

    /// The last time a way back was carried out to its end: in this environment if it was there,
    /// else in any.
    pub fn rehearsed(&self, way: &str, environment: &str) -> Option<&Rehearsal> {
        let of = || self.rehearsals.iter().rev().filter(|rehearsal| rehearsal.way == way);
        of().find(|rehearsal| rehearsal.environment == environment).or_else(|| of().next())
    }

    fn of_environment(&self, environment: &str) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.iter().filter(move |release| release.environment == environment)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::incident::{
        Author, Draft, Hash, Hlc, PlanEnded, PlanStarted, RecordId, ReleaseJudged, Released, WatchVerdict,
    };

    fn record(incident: u128, minute: i64, body: impl Into<Body>) -> Record {
        let start: Timestamp = "2026-03-01T14:00:00Z".parse().unwrap();
        let at = start + SignedDuration::from_mins(minute);
        let id = RecordId(uuid::Uuid::from_u128(incident * 1000 + u128::from(minute.unsigned_abs())));
        let draft = Draft {
            occurred: Some((at, crate::incident::Precision::Exact)),
            ..Draft::now(IncidentId(uuid::Uuid::from_u128(incident)), body)
        };
        let hlc = Hlc { wall_ms: at.as_millisecond(), count: 0 };
        let author = Author { name: "maya".into(), node: 1 };
        Record::seal(id, draft, author, hlc, Hash::default()).unwrap().0
    }

    fn released(incident: u128, minute: i64, commit: &str, rollback: bool) -> Record {
        let body = Released {
            environment: "production".into(),
            reference: "main".into(),
            commit: commit.into(),
            tag: None,
            version: None,
            plan: format!("deploy-production-{minute}"),
            rollback,
            replaces: None,
        };
        record(incident, minute, body)
    }

    fn judged(incident: u128, minute: i64, commit: &str, verdict: WatchVerdict) -> Record {
        let body = ReleaseJudged {
            environment: "production".into(),
            commit: commit.into(),
            plan: "watch".into(),
            verdict,
            why: String::new(),
        };
        record(incident, minute, body)
    }

    #[test]
    fn the_last_good_release_is_the_last_with_a_passed_watch() {
        let records = [
            released(1, 0, "a", false),
            judged(1, 1, "a", WatchVerdict::Passed),
            released(1, 2, "b", false),
            judged(1, 3, "b", WatchVerdict::Unknown),
            released(2, 4, "c", false),
            judged(2, 5, "c", WatchVerdict::Failed),
            released(2, 6, "d", false),
        ];
        let history = History::of(&records);
        assert_eq!(history.current("production").unwrap().commit, "d");
        assert_eq!(history.last_good("production").unwrap().commit, "a");
        assert_eq!(history.last_good("staging"), None);
        assert_eq!(history.good_beside("production", "a"), None);

        let shuffled: Vec<_> = records.iter().rev().cloned().collect();
        assert_eq!(History::of(&shuffled), history, "in whatever order they come");
    }

    #[test]
    fn a_verdict_of_one_incident_is_about_a_release_of_another() {
        let records = [released(1, 0, "a", false), judged(2, 1, "a", WatchVerdict::Passed)];
        assert!(History::of(&records).releases[0].is_good());
    }

    #[test]
    fn what_was_rolled_back_from_is_not_gone_back_to() {
        let records = [
            released(1, 0, "a", false),
            judged(1, 1, "a", WatchVerdict::Passed),
            released(1, 2, "b", false),
            judged(1, 3, "b", WatchVerdict::Passed),
            released(1, 4, "c", false),
            judged(1, 5, "c", WatchVerdict::Passed),
            released(1, 6, "b", true),
        ];
        let history = History::of(&records);
        assert_eq!(history.last_good("production").unwrap().commit, "a", "c broke though its watch passed");
        assert_eq!(history.good_beside("production", "d").unwrap().commit, "b");
    }

    #[test]
    fn what_was_rolled_back_from_is_known_by_what_followed_or_was_replaced() {
        let mut replaced = released(1, 9, "b", true);
        let Body::Released(body) = &mut replaced.body else { unreachable!() };
        body.replaces = Some("x".into());
        let records = [
            released(1, 0, "a", false),
            released(1, 2, "b", false),
            released(1, 4, "c", false),
            released(1, 6, "b", true),
            replaced,
        ];
        let history = History::of(&records);
        assert_eq!(history.rolled_back("production"), ["c", "x"]);
        assert!(history.rolled_back("staging").is_empty());
    }

    #[test]
    fn a_way_that_was_carried_out_to_its_end_was_rehearsed() {
        let started = |minute: i64, plan: &str| {
            let body = PlanStarted {
                plan: plan.into(),
                title: String::new(),
                purpose: "rollback".into(),
                target: "staging".into(),
                hash: String::new(),
                steps: Vec::new(),
                confirmed: String::new(),
                spec: json!({ "way": "redeploy" }).into(),
            };
            record(1, minute, body)
        };
        let ended = |minute: i64, plan: &str, end| {
            record(1, minute, PlanEnded { plan: plan.into(), end, why: String::new() })
        };
        let records = [
            started(0, "rollback-staging-1"),
            ended(3, "rollback-staging-1", PlanEnd::Failed),
            started(4, "rollback-staging-2"),
            ended(9, "rollback-staging-2", PlanEnd::Done),
            ended(10, "deploy-staging-1", PlanEnd::Done),
        ];
        let history = History::of(&records);
        assert_eq!(history.rehearsals.len(), 1);
        let rehearsal = history.rehearsed("redeploy", "production").unwrap();
        assert_eq!(rehearsal.environment, "staging", "elsewhere is better than never");
        assert_eq!(rehearsal.took, SignedDuration::from_mins(5));
        assert_eq!(rehearsal.to, "", "it recorded no release");
        assert_eq!(history.rehearsed("revert", "staging"), None);
    }

    #[test]
    fn a_rehearsal_knows_what_it_went_back_to_and_a_flag_that_was_turned_off_is_one() {
        let started = |minute: i64, (plan, title): (&str, &str), purpose: &str, target: &str| {
            let body = PlanStarted {
                plan: plan.into(),
                title: title.into(),
                purpose: purpose.into(),
                target: target.into(),
                hash: String::new(),
                steps: Vec::new(),
                confirmed: String::new(),
                spec: if purpose == "rollback" { json!({ "way": "redeploy" }) } else { json!({}) }.into(),
            };
            record(1, minute, body)
        };
        let ended = |minute: i64, plan: &str| {
            record(1, minute, PlanEnded { plan: plan.into(), end: PlanEnd::Done, why: String::new() })
        };
        let mut back = released(1, 5, "abcdef0123", true);
        let Body::Released(body) = &mut back.body else { unreachable!() };
        body.plan = "rollback-production-1".into();
        let records = [
            started(1, ("flag-1", "turn loyalty off"), "flag", "flag:loyalty"),
            ended(2, "flag-1"),
            started(3, ("flag-2", "turn search on"), "flag", "flag:search"),
            ended(4, "flag-2"),
            started(4, ("rollback-production-1", "roll production back"), "rollback", "production"),
            back,
            ended(7, "rollback-production-1"),
        ];
        let history = History::of(&records);
        assert_eq!(history.rehearsed("redeploy", "production").unwrap().to, "main (abcdef0)");
        assert!(history.rehearsed("flag:loyalty", "production").is_some());
        assert!(
            history.rehearsed("flag:search", "production").is_none(),
            "turning a flag on rolls nothing back"
        );
    }
}
