use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::incident::{
    Alarm, Author, Began, Body, CauseDescribed, Closed, CulpritJudged, CulpritVerdict, Declared, Draft,
    FollowUpAdded, FollowUpEnded, Hash, Hlc, IncidentId, Log, Mitigated, Precision, Record, RecordId,
    Released, Reopened, RepositoryId, Resolved, Told,
};

fn start() -> Timestamp {
    "2026-03-01T14:00:00Z".parse().unwrap()
}

fn minutes(n: i64) -> Timestamp {
    start() + SignedDuration::from_mins(n)
}

/// The records of one incident, of the minutes at which they were written.
struct Story {
    records: Vec<Record>,
    after: Vec<RecordId>,
}

impl Story {
    fn new(severity: Severity) -> Self {
        Self::declared_at(0, severity)
    }

    fn declared_at(minute: i64, severity: Severity) -> Self {
        let mut story = Self { records: Vec::new(), after: Vec::new() };
        story.tell(
            minute,
            Declared {
                number: "INC-2026-0001".into(),
                title: "Checkout answers 500".into(),
                severity,
                service: "shop".into(),
                impact: String::new(),
                repository: String::new(),
                repository_id: RepositoryId::default(),
                answers: Vec::new(),
            },
        );
        story
    }

    fn tell(&mut self, minute: i64, body: impl Into<Body>) -> RecordId {
        self.tell_of(minute, None, body)
    }

    /// What was written at a minute, of another.
    fn tell_of(&mut self, minute: i64, of: Option<i64>, body: impl Into<Body>) -> RecordId {
        let id = RecordId(Uuid::from_u128(self.records.len() as u128 + 1));
        let occurred = of.map(|of| (minutes(of), Precision::Exact));
        let draft = Draft { occurred, ..Draft::now(IncidentId(Uuid::from_u128(7)), body) };
        let at = Hlc { wall_ms: minutes(minute).as_millisecond(), count: self.records.len() as u32 };
        let author = Author { name: "maya".into(), node: 1 };
        let prev = self.records.last().map_or_else(Hash::default, |record| record.hash);
        self.records.push(Record::seal(id, draft, author, at, prev).unwrap().0);
        id
    }

    fn mitigated(&mut self, minute: i64) {
        let after = std::mem::take(&mut self.after);
        let id = self.tell(minute, Mitigated { after });
        self.after = vec![id];
    }

    fn resolved(&mut self, minute: i64) {
        self.resolved_of(minute, None);
    }

    fn resolved_of(&mut self, minute: i64, of: Option<i64>) {
        let after = std::mem::take(&mut self.after);
        let id = self.tell_of(minute, of, Resolved { after, ..Resolved::default() });
        self.after = vec![id];
    }

    fn past(&self, minute: i64) -> Past {
        let log = Log::new(self.records.clone()).unwrap();
        let probe = "name = \"errors\"\nenvironment = \"production\"\nurl = \"http://localhost:1\"";
        let probes = [toml::from_str(probe).unwrap()];
        Past::of(log.state(), "INC-2026-0001", &Policy::built_in(), &probes, minutes(minute))
    }
}

fn mins(n: i64) -> Took {
    Took::Measured(SignedDuration::from_mins(n))
}

#[test]
fn an_incident_has_its_lengths_what_it_missed_what_is_left_and_what_broke_it() {
    let mut story = Story::new(Severity::P0);
    story.tell_of(1, Some(-4), Began { reason: String::new() });
    story.mitigated(37);
    story.tell(40, CauseDescribed { text: "the pool\nis too small".into() });
    story.tell(
        41,
        CulpritJudged {
            culprit: "resources".into(),
            title: "resources".into(),
            verdict: CulpritVerdict::Found,
            note: "100 of 100 connections".into(),
        },
    );
    let done =
        story.tell(50, FollowUpAdded { text: "docs".into(), owner: String::new(), due: None, of: None });
    story.tell(
        51,
        FollowUpAdded {
            text: "alert on the pool".into(),
            owner: "li".into(),
            due: Some("2026-03-04".parse().unwrap()),
            of: None,
        },
    );
    story.tell(52, FollowUpEnded { follow_up: done, done: true, reason: String::new() });
    story.resolved(300);
    let past = story.past(400);
    assert_eq!((&past.detect, &past.mitigate, &past.resolve), (&mins(4), &mins(41), &mins(304)));
    assert_eq!(past.broke, ["the pool is too small", "resources: 100 of 100 connections"]);
    assert_eq!(past.follow_ups.len(), 1);
    let left = &past.follow_ups[0];
    assert_eq!(due(left, "2026-03-04".parse().unwrap()), "due 2026-03-04", "on its day it is not late");
    assert_eq!(due(left, "2026-03-05".parse().unwrap()), "due 2026-03-04, 1 day overdue");
    // Nobody was paged or told, and the fix came after the two hours of a P0.
    let fix = past.missed.iter().find(|one| one.clock == "fix").unwrap();
    assert_eq!((fix.title.as_str(), fix.how().as_str()), ("fix", "3h4m late"));
    let page = past.missed.iter().find(|one| one.clock == "page").unwrap();
    assert_eq!((page.how().as_str(), page.met_at), ("not done", None));
    assert!(past.missed.iter().all(|one| !one.clock.starts_with("phase")), "{:?}", past.missed);
    assert!(past.remarks().is_empty(), "{:?}", past.remarks());
}

#[test]
fn what_goes_on_is_not_there_yet_and_what_nobody_recorded_is_not_made_up() {
    let mut story = Story::new(Severity::P1);
    let past = story.past(10);
    assert_eq!((&past.detect, &past.mitigate, &past.resolve), (&mins(0), &Took::NotYet, &Took::NotYet));
    assert!(past.is_open() && past.is_running);
    story.resolved(90);
    let past = story.past(100);
    assert_eq!((&past.mitigate, &past.resolve), (&Took::NotRecorded, &mins(90)));
}

#[test]
fn times_that_contradict_each_other_are_no_lengths() {
    let mut story = Story::new(Severity::P1);
    story.mitigated(60);
    story.resolved_of(70, Some(50));
    let past = story.past(100);
    let why = "mitigated 2026-03-01 15:00:00 UTC, after it was resolved 2026-03-01 14:50:00 UTC";
    assert_eq!(past.mitigate, Took::Invalid(why.into()));
    assert_eq!(past.resolve, Took::Invalid(why.into()));
    assert_eq!(past.remarks(), [format!("the time to mitigate is invalid: {why}")], "said once");
    let spread = &trends(&[past], By::Month, &Policy::built_in()).groups[0];
    assert_eq!((spread.invalid, &spread.spreads[2]), (2, &Spread::Nothing));

    // It ended before it began.
    let mut story = Story::new(Severity::P1);
    story.resolved_of(70, Some(-30));
    let Took::Invalid(why) = story.past(100).resolve else { panic!("a length") };
    assert!(why.contains("before it began 2026-03-01 14:00:00 UTC"), "{why}");
}

#[test]
fn one_that_was_reopened_ends_with_its_last_end() {
    let mut story = Story::new(Severity::P1);
    story.mitigated(20);
    story.resolved(30);
    let after = std::mem::take(&mut story.after);
    let id = story.tell(60, Reopened { after, reason: "again".into() });
    story.after = vec![id];
    assert_eq!(story.past(70).resolve, Took::NotYet);
    story.resolved(90);
    let past = story.past(100);
    assert_eq!((&past.resolve, past.resolved, past.reopened), (&mins(90), 2, 1));
    assert_eq!(past.remarks(), ["reopened once"]);
    // Ended twice by two at once, who knew nothing of each other, and closed by one of them.
    let mut story = Story::new(Severity::P1);
    story.resolved(30);
    story.after = Vec::new();
    story.resolved(40);
    let past = story.past(100);
    assert_eq!((past.resolve, past.resolved), (mins(30), 2));
    let after = std::mem::take(&mut story.after);
    story.tell(50, Closed { after });
    assert_eq!(story.past(100).status, Status::Resolved, "the other says less");
}

#[test]
fn lengths_are_the_same_on_days_that_clocks_change() {
    // Berlin goes to summer time at 01:00 UTC on this day: two hours by the wall are one.
    let zone = |text: &str| text.parse::<jiff::Zoned>().unwrap().timestamp();
    let (began, over) = (zone("2026-03-29T01:30[Europe/Berlin]"), zone("2026-03-29T03:30[Europe/Berlin]"));
    let minute = |at: Timestamp| at.duration_since(start()).as_mins();
    let mut story = Story::declared_at(minute(began), Severity::P1);
    story.resolved(minute(over));
    assert_eq!(story.past(minute(over) + 1).resolve, mins(60));
}

#[test]
fn what_was_told_late_is_missed_and_counted_by_its_clock() {
    let mut story = Story::new(Severity::P0);
    let told = |audience: &str| Told { audience: audience.into(), by: "maya".into(), how: "mail".into() };
    story.tell(5, told("stakeholders"));
    story.tell(200, told("stakeholders"));
    story.tell(400, told("stakeholders"));
    story.resolved(410);
    let said = story.past(420).missed_said();
    assert!(said.contains("update for stakeholders 2 times"), "{said}");
}

#[test]
fn a_release_that_was_taken_back_is_named() {
    let mut story = Story::new(Severity::P1);
    let release = |commit: &str, tag: &str, rollback: bool, replaces: Option<&str>| Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.into(),
        tag: Some(tag.into()),
        version: None,
        plan: String::new(),
        rollback,
        replaces: replaces.map(Into::into),
    };
    story.tell(1, release("bbbbbbbbbb", "v1.4.2", false, None));
    story.tell(9, release("aaaaaaaaaa", "v1.4.1", true, Some("bbbbbbbbbb")));
    assert_eq!(story.past(20).broke, ["rolled back in production: v1.4.2"]);
}

/// Incidents that took so many minutes to resolve, a day apart.
fn many(lengths: &[i64]) -> Vec<Past> {
    let of = |(day, length): (usize, &i64)| {
        let mut story = Story::new(Severity::P1);
        story.resolved(*length);
        let past = story.past(*length + 1);
        Past { declared_at: start() + SignedDuration::from_hours(24 * day as i64), ..past }
    };
    lengths.iter().enumerate().map(of).collect()
}

#[test]
fn few_incidents_have_no_median_some_have_their_extremes_and_many_their_middle_half() {
    let spread =
        |lengths: &[i64]| trends(&many(lengths), By::Severity, &Policy::built_in()).all.spreads[2].clone();
    assert_eq!(spread(&[]), Spread::Nothing);
    assert_eq!(spread(&[90, 30]).said(), "30m, 1h30m");
    assert_eq!(spread(&[90, 30, 40]).said(), "40m (30m…1h30m of 3)");
    assert_eq!(spread(&[10, 20, 30, 40, 50, 60, 70, 80, 90]).said(), "50m (30m–1h10m)");
    assert_eq!(spread(&[10, 20, 30, 40]).median(), Some(SignedDuration::from_mins(25)));
}

#[test]
fn a_trend_is_refused_where_there_are_few_and_where_chance_makes_it() {
    let policy = Policy::built_in();
    let drift = |lengths: &[i64]| trends(&many(lengths), By::Month, &policy).drifts[2].1.clone();
    let few = drift(&[100, 90, 80, 30, 20, 10]);
    assert_eq!(few, Drift::TooFew { count: 6, needed: 20 });
    assert_eq!(few.said(Measure::Resolve), "time to resolve: no trend yet: 6 of 20 incidents");
    let lines = trends(&many(&[100, 90]), By::Month, &policy).drift_lines();
    assert_eq!(lines, [(false, "No trends yet: 2 of 20 incidents".to_owned())], "said once");
    let change = |lengths: &[i64]| match drift(lengths) {
        Drift::Compared { change, .. } => change,
        few @ Drift::TooFew { .. } => panic!("{few:?}"),
    };
    let falling: Vec<i64> = (0..20).map(|n| 200 - 8 * n).collect();
    let rising: Vec<i64> = falling.iter().rev().copied().collect();
    let mixed: Vec<i64> = (0..20).map(|n| 30 + (n * 7) % 20).collect();
    assert_eq!(change(&falling), Change::Shorter);
    assert_eq!(change(&rising), Change::Longer);
    assert_eq!(change(&mixed), Change::None);
    assert_eq!(change(&[40; 20]), Change::None, "all are alike");
    assert!(
        drift(&falling).said(Measure::Resolve).starts_with("time to resolve: shorter, the earlier 10 took")
    );
}

#[test]
fn months_without_an_incident_are_listed_and_a_wrong_year_does_not_fill_the_screen() {
    let mut all = many(&[10, 20]);
    all[1].declared_at = "2026-06-30T23:59:59Z".parse().unwrap();
    let months = |all: &[Past]| -> Vec<(String, usize)> {
        let groups = trends(all, By::Month, &Policy::built_in()).groups;
        groups.into_iter().map(|group| (group.name, group.count)).collect()
    };
    let names = ["2026-03", "2026-04", "2026-05", "2026-06"].map(str::to_owned);
    assert_eq!(months(&all), names.into_iter().zip([1, 0, 0, 1]).collect::<Vec<_>>());
    all[1].declared_at = "2001-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(months(&all).len(), 2);
    assert!(months(&[]).is_empty());
}

#[test]
fn what_is_overdue_longest_is_asked_for_first() {
    let mut past = many(&[10]).remove(0);
    let one = |n: u128, due: Option<&str>| FollowUp {
        id: RecordId(Uuid::from_u128(n)),
        text: n.to_string(),
        owner: String::new(),
        due: due.map(|due| due.parse().unwrap()),
        of: None,
        at: start(),
        issue: None,
        end: None,
    };
    past.follow_ups = vec![one(1, None), one(2, Some("2026-04-02")), one(3, Some("2026-03-02"))];
    let chronicle = Chronicle { incidents: vec![past], unread: Vec::new() };
    let order: Vec<&str> = chronicle.left().iter().map(|one| one.follow_up.text.as_str()).collect();
    assert_eq!(order, ["3", "2", "1"]);
}

#[test]
fn a_thousand_incidents_are_put_together_at_once() {
    let lengths: Vec<i64> = (0..1000).map(|n| 10 + (n * 37) % 200).collect();
    let trends = trends(&many(&lengths), By::Month, &Policy::built_in());
    assert_eq!(trends.count, 1000);
    assert_eq!(trends.groups.iter().map(|group| group.count).sum::<usize>(), 1000);
}

#[test]
fn users_are_served_again_when_that_was_measured_and_when_it_was_recorded_stands_beside_it() {
    let alarm = |from: &str, to: &str| Alarm {
        probe: "errors".into(),
        from: from.into(),
        to: to.into(),
        why: String::new(),
    };
    let mut story = Story::new(Severity::P0);
    story.tell(1, alarm("ok", "failing"));
    story.tell(11, alarm("failing", "ok"));
    story.mitigated(27);
    let past = story.past(30);
    assert_eq!((&past.mitigate, past.served_at), (&mins(11), Some(minutes(11))));
    assert_eq!(past.mitigated_at, Some(minutes(27)));
    let details = past.details().join("\n");
    assert!(details.contains("mitigate 11m (recorded after 27m)"), "{details}");
    // Where nothing measured it, the record is all there is.
    let mut said = Story::new(Severity::P0);
    said.mitigated(27);
    let details = said.past(30).details().join("\n");
    assert!(details.contains("mitigate 27m ·"), "{details}");
}
