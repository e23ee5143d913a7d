use super::*;
use crate::incident::tests::{declared, minutes};
use crate::incident::{Hash, Log, Record, RecordId};

fn times(zone: &str) -> Times {
    Times {
        zone: TimeZone::get(zone).unwrap(),
        began: "2026-03-01T23:40:00Z".parse().unwrap(),
        now: "2026-11-29T12:00:00Z".parse().unwrap(),
    }
}

fn table(text: &str) -> Read {
    read_table(text.as_bytes(), &times("UTC")).unwrap()
}

fn said(read: &Read) -> Vec<(String, &str, &str)> {
    read.rows.iter().map(|row| (row.at.to_string(), row.text.as_str(), row.author.as_str())).collect()
}

#[test]
fn headings_are_known_by_their_usual_names_and_what_is_else_is_kept() {
    let read = table(
        "Severity,Timestamp,What happened,Who\nP1,2026-03-01T14:02:00Z,\"the pool is full, again\",omar\n",
    );
    assert_eq!(said(&read), [("2026-03-01T14:02:00Z".to_owned(), "the pool is full, again", "omar")]);
    assert_eq!(read.rows[0].extra, [("Severity".to_owned(), "P1".to_owned())].into());
    assert!(!read.is_zoneless());
}

#[test]
fn a_table_that_flightdeck_wrote_is_read_back() {
    let read = table(
        "time,precision,recorded,author,kind,text,retracted,id\r\n2026-03-01T14:02:00Z,about,2026-03-01T14:09:00Z,li,finding,the pool is full,,01a1\r\n",
    );
    let row = &read.rows[0];
    assert_eq!((row.precision, row.kind), (Precision::About, NoteKind::Finding));
    assert_eq!(row.key.as_deref(), Some("01a1"));
    assert_eq!(row.extra.keys().collect::<Vec<_>>(), ["recorded"]);
}

#[test]
fn a_table_without_headings_is_time_event_author() {
    let read = table("2026-03-01 14:02;deployed v2;omar\n2026-03-01 14:05;errors\n");
    assert_eq!(said(&read)[0], ("2026-03-01T14:02:00Z".to_owned(), "deployed v2", "omar"));
    assert_eq!(said(&read)[1], ("2026-03-01T14:05:00Z".to_owned(), "errors", ""));
    assert!(read.is_zoneless());
}

#[test]
fn a_day_and_a_time_of_day_may_stand_in_two_columns() {
    let at = |text: &str| -> Vec<String> { table(text).rows.iter().map(|row| row.at.to_string()).collect() };
    for text in [
        "date,time,event\n2026-03-01,14:02,a\n",
        "Time,What,Day\n14:02:00,a,2026/03/01\n",
        "Date;Time (UTC);Event\n01.03.2026;14:02 UTC;a\n",
        "date,time,event\n2026-03-01,15:02 +0100,a\n",
        "2026-03-01,14:02,a,li\n",
        // All of it in one of the two.
        "date,event\n2026-03-01 14:02,a\n",
        "date,timestamp,event\n2026-02-27,2026-03-01T14:02:00Z,a\n",
        "date,time,event\n2026-03-01 14:02,9:00,a\n",
    ] {
        assert_eq!(at(text), ["2026-03-01T14:02:00Z"], "{text}");
    }
    let about = table("date,time,event\n2026-03-01,~14:02,a\n");
    assert_eq!((about.rows[0].precision, about.is_zoneless()), (Precision::About, true));
    assert_eq!(said(&table("2026-03-01,14:02,a,li\n"))[0].2, "li");
    let kept = table("date,timestamp,event\n2026-02-27,2026-03-01T14:02:00Z,a\n");
    assert_eq!(kept.rows[0].extra, [("date".to_owned(), "2026-02-27".to_owned())].into());
    let broken = table("date,time,event\n3/1/2026,14:02,a\n2026-03-01,noon,b\n2026-03-01,,c\n").broken;
    assert_eq!(broken[0].why, "“3/1/2026” is no day: write 2026-11-21");
    assert!(broken[1].why.contains("“2026-03-01 noon” is no time"), "{broken:?}");
    assert_eq!(broken.len(), 3, "a day alone is no time");
}

proptest::proptest! {
    /// A moment is the same whether it stands in one column or in two, however the day is written.
    #[test]
    fn two_columns_say_what_one_says(day in 0_i64..4000, second in 0_i64..86_400, form in 0_usize..3) {
        let at = "2015-01-01T00:00:00Z".parse::<Timestamp>().unwrap()
            + jiff::SignedDuration::from_hours(24 * day)
            + jiff::SignedDuration::from_secs(second);
        let format = ["%Y-%m-%d,%H:%M:%S", "%Y/%m/%d,%H:%M:%S", "%d.%m.%Y,%H:%M:%S"][form];
        let read = table(&format!("date,time,event\n{},a\n", at.strftime(format)));
        proptest::prop_assert_eq!(read.rows[0].at, at);
    }

    #[test]
    fn any_table_is_read_or_refused(text in "(date|time|event|2026-03-01|14:02|~|<|,|\\PC|\n){0,30}") {
        let _ = read_table(text.as_bytes(), &times("Europe/Berlin"));
    }
}

#[test]
fn a_table_without_a_time_or_an_event_is_refused_with_the_names_it_has() {
    let refused = read_table(b"shift,event\n", &times("UTC")).unwrap_err();
    assert_eq!(refused, "no column is called “time”: the first line has shift, event");
    assert!(read_table(b"time,colour\n", &times("UTC")).unwrap_err().contains("“event”"));
}

#[test]
fn a_broken_row_is_named_by_its_line_and_the_rest_is_read() {
    let read = table(
        "time,event\n2026-03-01 14:02,one\nyesterday-ish,two\n2026-03-01 14:03,\n2199-01-01 00:00,later\n",
    );
    assert_eq!(read.rows.len(), 1);
    let broken: Vec<_> = read.broken.iter().map(|one| (one.line, one.why.as_str())).collect();
    assert_eq!(broken[0].0, 3);
    assert!(broken[0].1.contains("“yesterday-ish” is no time"), "{broken:?}");
    assert_eq!(broken[1], (4, "it does not say what happened"));
    assert_eq!(broken[2], (5, "“2199-01-01 00:00” is still to come"));
}

#[test]
fn times_are_read_in_every_usual_form() {
    let read = |text: &str, zone: &str| {
        when::read(text, &times(zone)).map(|when| (when.at.to_string(), when.precision))
    };
    for (text, zone, at) in [
        ("2026-03-01T14:02:03.5Z", "UTC", "2026-03-01T14:02:03.5Z"),
        ("2026-03-01T14:02:03+02:00", "UTC", "2026-03-01T12:02:03Z"),
        ("2026-03-01 14:02:03 +0200", "UTC", "2026-03-01T12:02:03Z"),
        ("2026-03-01 14:02 UTC", "Europe/Berlin", "2026-03-01T14:02:00Z"),
        ("2026-03-01 14:02", "Europe/Berlin", "2026-03-01T13:02:00Z"),
        ("2026-03-01T14:02", "America/New_York", "2026-03-01T19:02:00Z"),
        ("1772374920", "UTC", "2026-03-01T14:22:00Z"),
        ("1772374920.000100", "UTC", "2026-03-01T14:22:00.0001Z"),
        ("1772374920123", "UTC", "2026-03-01T14:22:00.123Z"),
        // The incident began at 23:40.
        ("23:50", "UTC", "2026-03-01T23:50:00Z"),
        ("0:10", "UTC", "2026-03-02T00:10:00Z"),
        ("22:10", "UTC", "2026-03-01T22:10:00Z"),
    ] {
        assert_eq!(read(text, zone), Ok((at.to_owned(), Precision::Exact)), "{text} in {zone}");
    }
    assert_eq!(read("~14:02", "UTC").unwrap().1, Precision::About);
    assert_eq!(read("< 2026-03-01 14:02", "UTC").unwrap().1, Precision::Before);
    for text in ["", "now", "soon", "14", "2026-13-01 10:00", "2026-03-01", "12345"] {
        assert!(read(text, "UTC").is_err(), "{text}");
    }
}

#[test]
fn an_hour_that_a_clock_change_makes_uncertain_is_about() {
    let read = |text: &str| when::read(text, &times("Europe/Berlin")).unwrap();
    // Gone through twice.
    assert_eq!(read("2026-10-25 02:30").precision, Precision::About);
    assert_eq!(read("2026-10-25 03:30").precision, Precision::Exact);
    // Left out.
    assert_eq!(read("2026-03-29 02:30").precision, Precision::About);
}

#[test]
fn lines_of_json_are_read_by_the_names_of_their_fields() {
    let text = "{\"ts\":1772374920,\"message\":\"a\",\"user\":\"li\",\"shard\":7,\"id\":\"e-1\"}\n\n[1]\n{\"time\":\"x\"}\n";
    let read = read_json_lines(text, &times("UTC"));
    assert_eq!(said(&read), [("2026-03-01T14:22:00Z".to_owned(), "a", "li")]);
    assert_eq!(read.rows[0].key.as_deref(), Some("e-1"));
    assert_eq!(read.rows[0].extra, [("shard".to_owned(), "7".to_owned())].into());
    assert_eq!(read.broken.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_channel_of_slack_reads_as_people_wrote_it() {
    let users = SlackUsers::read(
        r#"[{"id":"U1","name":"li","profile":{"display_name":"Li","real_name":"Li Wei"}},{"id":"U2","name":"omar"}]"#,
    )
    .unwrap();
    let day = r#"[
        {"type":"message","subtype":"channel_join","user":"U1","ts":"1772374800.000100","text":"<@U1> has joined"},
        {"type":"message","user":"U1","ts":"1772374920.000100","text":"<@U2> see <https://a.test/b|the graph> &amp; <#C1|ops> <!here>"},
        {"type":"message","user":"U2","ts":"1772374980.000200","thread_ts":"1772374920.000100","text":"","files":[{"name":"graph.png"}]},
        {"type":"message","subtype":"bot_message","username":"pager","ts":"1772375000.000300","text":"","attachments":[{"fallback":"firing: 5xx"}]},
        {"type":"message","user":"U2","ts":"x","text":"no time"}
    ]"#;
    let read = read_slack(day, &users, &times("UTC")).unwrap();
    let texts: Vec<_> = said(&read).into_iter().map(|(_, text, author)| (text, author)).collect();
    assert_eq!(
        texts,
        [
            ("@omar see the graph (https://a.test/b) & #ops @here", "Li"),
            ("[graph.png]", "omar"),
            ("firing: 5xx", "pager")
        ]
    );
    assert_eq!(read.rows[1].extra["thread"], "1772374920.000100");
    assert_eq!(read.broken.len(), 1);
    assert!(read_slack("{}", &users, &times("UTC")).is_err());
}

#[test]
fn the_same_rows_in_any_order_and_twice_make_the_same_timeline() {
    let lines = [
        "2026-03-01 14:02,deployed,omar",
        "2026-03-01 14:05,errors,li",
        "2026-03-01 14:05,errors,li",
        "2026-03-01 14:05,pages,li",
    ];
    let timeline = |orders: &[&[usize]]| {
        let mut log = Log::new(vec![declared()]).unwrap();
        let mut clock = 100;
        let mut known_again = Vec::new();
        for order in orders {
            let text: Vec<&str> = order.iter().map(|n| lines[*n]).collect();
            let (drafts, known) = drafts(log.state(), "a.csv", table(&text.join("\n")).rows);
            known_again.push(known);
            for draft in drafts {
                clock += 1;
                log.insert(sealed(draft, clock));
            }
        }
        let state = log.state();
        let lines: Vec<_> =
            state.timeline.iter().map(|one| format!("{} {} {}", one.at, one.author, one.text)).collect();
        (lines, known_again)
    };
    let (straight, _) = timeline(&[&[0, 1, 2, 3]]);
    let (shuffled, known) = timeline(&[&[3, 2, 0, 1], &[1, 0, 3, 2]]);
    assert_eq!(straight, shuffled);
    assert_eq!(known, [0, 4], "the second time all of them are known");
    assert_eq!(straight.iter().filter(|line| line.ends_with("errors")).count(), 2, "two that say the same");
}

#[test]
fn a_file_that_was_copied_brings_nothing_new() {
    let text = "2026-03-01 14:02,deployed,omar\n2026-03-01 14:05,errors,li\n2026-03-01 14:05,errors,li\n";
    let mut log = Log::new(vec![declared()]).unwrap();
    let mut clock = 100;
    let mut import = |source: &str, text: &str| {
        let (drafts, known) = drafts(log.state(), source, table(text).rows);
        let added = drafts.len();
        for draft in drafts {
            clock += 1;
            log.insert(sealed(draft, clock));
        }
        (added, known)
    };
    assert_eq!(import("a.csv", text), (3, 0));
    assert_eq!(import("copy.csv", text), (0, 3));
    // One that says it once more, and something else, brings just that.
    let more = format!("{text}2026-03-01 14:05,errors,li\n2026-03-01 14:09,pages,li\n");
    assert_eq!(import("more.csv", &more), (2, 3));
    assert_eq!(import("more.csv", &more), (0, 5));
    // The names of rows in another file do not matter.
    let keyed = "time,event,author,id\n2026-03-01 14:02,deployed,omar,e-1\n";
    assert_eq!(import("keyed.csv", keyed), (0, 1));
}

#[test]
fn two_who_import_the_same_under_two_names_at_once_have_it_once() {
    let text = "2026-03-01 14:02,deployed,omar\n2026-03-01 14:05,errors,li\n2026-03-01 14:05,errors,li\n";
    let empty = Log::new(vec![declared()]).unwrap();
    let rows = |source: &str| drafts(empty.state(), source, table(text).rows).0;
    let all: Vec<Draft> = rows("a.csv").into_iter().chain(rows("b.csv")).collect();
    let mut log = Log::new(vec![declared()]).unwrap();
    for (clock, draft) in (100..).zip(all) {
        log.insert(sealed(draft, clock));
    }
    let lines: Vec<String> = log.state().timeline.iter().map(|one| one.text.to_owned()).collect();
    assert_eq!(lines.iter().filter(|line| line.as_str() == "deployed").count(), 1, "{lines:?}");
    assert_eq!(
        lines.iter().filter(|line| line.as_str() == "errors").count(),
        2,
        "it stood there twice: {lines:?}"
    );
}

#[test]
fn what_is_taken_in_otherwise_is_said() {
    let read = table("time,event,kind,shard\n2026-03-01 14:02,a,banana,7\n2026-03-01 14:03,b,finding,\n");
    let said = read.remarks();
    assert!(
        said[0].starts_with("unknown kind banana: 1 row imported as a note; kinds are note, "),
        "{said:?}"
    );
    assert_eq!(said[1..], ["extra columns kept with the events: shard"]);
    let plain = table("time,event\n2026-03-01 14:02,a\n");
    assert!(plain.remarks().is_empty());
    let broken = read_json_lines("not json\n[1]\n", &times("UTC")).broken;
    let why: Vec<_> = broken.iter().map(|one| one.why.as_str()).collect();
    assert_eq!(why, ["not valid JSON (character 2)", "it is JSON, but no object"]);
}

fn sealed(draft: Draft, clock: i64) -> Record {
    use crate::incident::{Author, Hlc};
    let at = Hlc { wall_ms: minutes(clock).as_millisecond(), count: 0 };
    let author = Author { name: "maya".to_owned(), node: 1 };
    let id = RecordId(uuid::Uuid::from_u128(u128::try_from(clock).unwrap()));
    Record::seal_at(id, draft, author, at, minutes(clock), Hash::default()).unwrap().0
}
