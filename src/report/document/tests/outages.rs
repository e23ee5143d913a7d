//! Published outages, imported from tables: whatever the order of the rows and however often they come, the
//! report is the same.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::incident::import::{Times, drafts, read_table};

const TABLES: [(&str, &str, &str, &str); 4] = [
    (
        "regular-expression.csv",
        include_str!("../../../../tests/outages/regular-expression.csv"),
        "UTC",
        "2019-07-02T13:42:00Z",
    ),
    (
        "network-partition.csv",
        include_str!("../../../../tests/outages/network-partition.csv"),
        "UTC",
        "2018-10-21T22:52:00Z",
    ),
    (
        "removed-servers.csv",
        include_str!("../../../../tests/outages/removed-servers.csv"),
        "America/Los_Angeles",
        "2017-02-28T17:37:00Z",
    ),
    (
        "dormant-fault.csv",
        include_str!("../../../../tests/outages/dormant-fault.csv"),
        "UTC",
        "2021-06-08T09:47:00Z",
    ),
];

/// Imports the rows of a table, in this order, into an incident that began then.
fn import(story: &mut Story, source: &str, table: &str, zone: &str, order: &[usize]) -> (usize, usize) {
    let mut lines = table.lines();
    let head = lines.next().unwrap();
    let rows: Vec<&str> = lines.collect();
    let shuffled: Vec<&str> = std::iter::once(head).chain(order.iter().map(|n| rows[*n])).collect();
    let state = story.state();
    let now = state.latest + SignedDuration::from_hours(1);
    let times = Times { zone: TimeZone::get(zone).unwrap(), began: state.started_at, now };
    let read = read_table(shuffled.join("\n").as_bytes(), &times).unwrap();
    assert_eq!(read.broken, [], "{source}");
    let (drafts, known) = drafts(&state, source, read.rows);
    let added = drafts.len();
    for draft in drafts {
        story.tell_of(draft.occurred, draft.body);
    }
    (added, known)
}

fn story(began: &str) -> Story {
    let mut story = Story { records: Vec::new(), author: "maya".into(), clock: 0, pace: 1, drill: false };
    let began: Timestamp = began.parse().unwrap();
    story.tell_of(Some((began, Precision::Exact)), declared("Outage"));
    story
}

/// What people read; the appendix has the hashes of the records, which differ.
fn account(story: &mut Story) -> String {
    story.clock = 3_600_000;
    story.tell(Resolved::default());
    let report = story.report();
    report.split("\n## Appendix").next().unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_of_rows_makes_no_difference(seed in any::<u64>()) {
        for (source, table, zone, began) in TABLES {
            let rows = table.lines().count() - 1;
            let straight: Vec<usize> = (0..rows).collect();
            let mut shuffled = straight.clone();
            shuffled.sort_by_key(|n| (*n as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let mut one = story(began);
            prop_assert_eq!(import(&mut one, source, table, zone, &straight), (rows, 0));
            let mut other = story(began);
            prop_assert_eq!(import(&mut other, source, table, zone, &shuffled), (rows, 0));
            prop_assert_eq!(import(&mut other, source, table, zone, &straight), (0, rows));
            prop_assert_eq!(account(&mut one), account(&mut other));
        }
    }
}

#[test]
fn an_imported_outage_is_told_with_its_own_times_and_people() {
    let (source, table, zone, began) = TABLES[2];
    let mut story = story(began);
    let rows = table.lines().count() - 1;
    import(&mut story, source, table, zone, &(0..rows).collect::<Vec<_>>());
    let report = account(&mut story);
    let timeline = text_under(&report, "Timeline");
    assert!(
        timeline.contains("17:37") && timeline.contains("21:54"),
        "Pacific time, eight hours behind:\n{timeline}"
    );
    assert!(timeline.contains("storage") && timeline.contains("about 17:40"), "{timeline}");
}

#[test]
fn the_same_record_makes_the_same_report_whenever_it_is_made() {
    let story = whole_story();
    let policy = Policy::built_in();
    let setting = Setting { policy: &policy, checklist: &policy.checklist, probes: &[], drill: false };
    let report = markdown(&story.state(), setting);
    assert_eq!(report, markdown_at(&story.state(), setting, story.end()));
    assert!(!report.contains("Made 2"), "{report}");
}
