//! A note as it is typed on a call: with the time it happened at in front, as work for later, as a decision.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::body::{Body, FollowUpAdded, NoteKind, Noted};
use super::record::Precision;
use super::time::{in_zones, is_recent, moment, parse_clock, parse_time};

/// What a typed note becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scribed {
    /// When it happened, if that was typed.
    pub at: Option<(Timestamp, Precision)>,
    /// What is recorded.
    pub body: Body,
}

/// Reads a note: `-5m …`, `14:02 …`, `14:02 yesterday …`, with `~` for about and `<` for before; `TODO: …` is a
/// follow-up, and `! …` a decision. A time of day is one of the zone.
pub fn scribe(text: &str, kind: NoteKind, now: Timestamp, zone: &TimeZone) -> Scribed {
    let text = text.trim();
    let (at, text) = match leading_time(text, now, zone) {
        Some((at, precision, rest)) => (Some((at, precision)), rest),
        None => (None, text),
    };
    let todo = text.split_once(':').filter(|(mark, _)| mark.eq_ignore_ascii_case("todo"));
    let todo = todo.map(|(_, text)| text.trim());
    let body = match (kind, todo, text.strip_prefix('!')) {
        (NoteKind::Note, Some(text), _) if !text.is_empty() => parse_follow_up(text).into(),
        (NoteKind::Note, _, Some(text)) if !text.trim().is_empty() => {
            Noted { kind: NoteKind::Decision, text: text.trim().to_owned() }.into()
        }
        _ => Noted { kind, text: text.to_owned() }.into(),
    };
    Scribed { at, body }
}

/// Says how a typed note is understood, where it is not simply one of its kind, written down as it happens: `at 14:02
/// +01:00 (Europe/Berlin), 13:02 UTC · a decision`; and that a time in front is still to come, so that it is none.
pub fn understood(
    text: &str,
    kind: NoteKind,
    now: Timestamp,
    zone: &TimeZone,
    other: &TimeZone,
) -> Option<String> {
    let Scribed { at, body } = scribe(text, kind, now, zone);
    let mut parts = Vec::new();
    if let Some((at, precision)) = at {
        let word = match precision {
            Precision::Exact => "at",
            Precision::About => "about",
            Precision::Before => "before",
        };
        parts.push(format!("{word} {}", in_zones(at, now, zone, other)));
    } else if let Some(ahead) = still_to_come(text, now, zone) {
        parts.push(format!("{} is still to come, so it stays text", in_zones(ahead, now, zone, other)));
    }
    match body {
        Body::Noted(noted) if noted.kind != kind => parts.push(format!("a {}", noted.kind.label())),
        Body::FollowUpAdded(added) => {
            let owner = if added.owner.is_empty() { String::new() } else { format!(" for {}", added.owner) };
            let due = added.due.map_or_else(String::new, |due| format!(", due {due}"));
            parts.push(format!("a follow-up{owner}{due}"));
        }
        _ => {}
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The time of day that a note begins with, where that is still to come: a slip, or one of another zone.
fn still_to_come(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (first, rest) = text.trim().split_once(char::is_whitespace)?;
    let time = parse_clock(first.trim_start_matches(['~', '<']).trim_end_matches([',', ':']))?;
    let at = moment(now.to_zoned(zone.clone()).date(), time, zone)?;
    (at > now && !rest.trim_start().to_lowercase().starts_with("yesterday")).then_some(at)
}

/// Reads a follow-up: `alert on the pool @li 2026-12-05`, with owner and date at the end, in either order.
pub fn parse_follow_up(text: &str) -> FollowUpAdded {
    let (mut owner, mut due) = (String::new(), None);
    let mut rest = text.trim();
    while let Some((before, word)) = rest.rsplit_once(char::is_whitespace) {
        match (word.strip_prefix('@'), word.parse()) {
            (Some(name), _) if !name.is_empty() && owner.is_empty() => name.clone_into(&mut owner),
            (_, Ok(date)) if due.is_none() => due = Some(date),
            _ => break,
        }
        rest = before.trim_end().trim_end_matches([',', ';']);
    }
    FollowUpAdded { text: rest.to_owned(), owner, due, of: None }
}

/// The time that a note begins with, and the rest of it. What is still to come is no time of a note, and neither is
/// one with nothing behind it.
fn leading_time<'a>(
    text: &'a str,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<(Timestamp, Precision, &'a str)> {
    let (first, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (precision, word) = match first.strip_prefix('~') {
        Some(word) => (Precision::About, word),
        None => match first.strip_prefix('<') {
            Some(word) => (Precision::Before, word),
            None => (Precision::Exact, first),
        },
    };
    let word = word.trim_end_matches([',', ':']);
    if let Some(ago) = word.strip_prefix('-') {
        let at = parse_time(&format!("-{ago}"), now)?;
        return (is_recent(at) && !rest.is_empty()).then_some((at, precision, rest));
    }
    let time = parse_clock(word)?;
    let today = now.to_zoned(zone.clone()).date();
    let (day, rest) = match rest.split_once(char::is_whitespace) {
        Some((day, rest)) if day.trim_end_matches([',', ':']).eq_ignore_ascii_case("yesterday") => {
            (today.yesterday().ok()?, rest.trim_start())
        }
        _ => (today, rest),
    };
    let at = moment(day, time, zone)?;
    (at <= now && !rest.is_empty()).then_some((at, precision, rest))
}

#[cfg(test)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, zone: &str) -> (Option<(String, Precision)>, Body) {
        let now = "2026-03-01T14:30:00Z".parse().unwrap();
        let scribed = scribe(text, NoteKind::Note, now, &TimeZone::get(zone).unwrap());
        (scribed.at.map(|(at, precision)| (at.to_string(), precision)), scribed.body)
    }

    fn note(text: &str) -> Body {
        Noted { kind: NoteKind::Note, text: text.into() }.into()
    }

    #[test]
    fn a_time_in_front_says_when_it_happened() {
        for (text, zone, at, precision, rest) in [
            ("-5m pods restarted", "UTC", "2026-03-01T14:25:00Z", Precision::Exact, "pods restarted"),
            ("14:02 the pager rang", "UTC", "2026-03-01T14:02:00Z", Precision::Exact, "the pager rang"),
            (
                "15:02, the pager rang",
                "Europe/Berlin",
                "2026-03-01T14:02:00Z",
                Precision::Exact,
                "the pager rang",
            ),
            ("~14:02 it got slow", "UTC", "2026-03-01T14:02:00Z", Precision::About, "it got slow"),
            ("<14:02 it got slow", "UTC", "2026-03-01T14:02:00Z", Precision::Before, "it got slow"),
            ("23:50 yesterday a deploy", "UTC", "2026-02-28T23:50:00Z", Precision::Exact, "a deploy"),
            (
                "23:50 yesterday a deploy",
                "America/New_York",
                "2026-03-01T04:50:00Z",
                Precision::Exact,
                "a deploy",
            ),
        ] {
            assert_eq!(read(text, zone), (Some((at.to_owned(), precision)), note(rest)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_of_the_past_stays_text() {
        for text in [
            "14:31 still to come",
            "14:02",
            "5 pods restarted",
            "-5 pods",
            "~ half of them",
            "9:75 odd",
            "-f was missing",
        ] {
            assert_eq!(read(text, "UTC"), (None, note(text)), "{text}");
        }
    }

    #[test]
    fn an_hour_of_a_clock_change_is_a_time_in_every_zone_of_the_database() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).unwrap();
            let recent = "1990-01-01T00:00:00Z".parse().unwrap();
            let changes = zone.preceding(now).map(|change| change.timestamp());
            for change in changes.take_while(|at| *at > recent).take(3) {
                for minutes in [-90, -30, 0, 30, 90] {
                    let at = change + jiff::SignedDuration::from_mins(minutes);
                    let typed = at.to_zoned(zone.clone()).strftime("%H:%M note").to_string();
                    let later = at + jiff::SignedDuration::from_mins(1);
                    let Some((read, _)) = scribe(&typed, NoteKind::Note, later, &zone).at else { continue };
                    let shown = read.to_zoned(zone.clone()).strftime("%H:%M note").to_string();
                    assert!(read <= later, "{name} {typed}: {read} is to come at {later}");
                    assert_eq!(shown, typed, "{name}: {read} for {at}");
                }
            }
        }
    }

    #[test]
    fn a_follow_up_ends_in_its_owner_and_its_date() {
        let due: civil::Date = "2026-12-05".parse().unwrap();
        for (typed, text, owner, by) in [
            ("alert on the pool @li 2026-12-05", "alert on the pool", "li", Some(due)),
            ("alert on the pool, 2026-12-05 @li", "alert on the pool", "li", Some(due)),
            ("ask @li for the key of 2026-12-05 first", "ask @li for the key of 2026-12-05 first", "", None),
            ("@li", "@li", "", None),
        ] {
            let read = parse_follow_up(typed);
            assert_eq!((read.text.as_str(), read.owner.as_str(), read.due), (text, owner, by), "{typed}");
        }
    }

    #[test]
    fn a_mark_in_front_makes_a_follow_up_or_a_decision() {
        let (at, body) = read("-5m TODO: alert on the pool", "UTC");
        assert!(at.is_some());
        let added =
            FollowUpAdded { text: "alert on the pool".into(), owner: String::new(), due: None, of: None };
        assert_eq!(body, added.into());
        assert_eq!(
            read("!flag off", "UTC").1,
            Noted { kind: NoteKind::Decision, text: "flag off".into() }.into()
        );
        assert_eq!(read("!", "UTC").1, note("!"));
        assert_eq!(read("todo:", "UTC").1, note("todo:"));
    }

    #[test]
    fn what_is_understood_is_said_with_both_zones() {
        let now = "2026-03-01T14:30:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let said = |text: &str| understood(text, NoteKind::Note, now, &berlin, &TimeZone::UTC);
        for (text, wanted) in [
            ("15:02 the pager rang", Some("at 15:02 +01:00 (Europe/Berlin), 14:02 UTC")),
            ("~15:02 ! no rollback", Some("about 15:02 +01:00 (Europe/Berlin), 14:02 UTC · a decision")),
            ("TODO: alert @li 2026-12-05", Some("a follow-up for li, due 2026-12-05")),
            ("the pager rang", None),
            (
                "15:31 is to come",
                Some("15:31 +01:00 (Europe/Berlin), 14:31 UTC is still to come, so it stays text"),
            ),
            ("15:31", None),
        ] {
            assert_eq!(said(text).as_deref(), wanted, "{text}");
        }
    }

    proptest! {
        /// Whatever is typed becomes a record that says it, at a time that has been.
        #[test]
        fn any_text_is_a_note_of_the_past(text in "[-~<!]{0,2}[0-9:mh]{0,6} ?(yesterday|TODO:)? ?\\PC{0,20}") {
            let now: Timestamp = "2026-03-01T14:30:00Z".parse().unwrap();
            for zone in ["UTC", "America/New_York", "Asia/Kathmandu"] {
                let zone = TimeZone::get(zone).unwrap();
                let scribed = scribe(&text, NoteKind::Note, now, &zone);
                prop_assert!(scribed.at.is_none_or(|(at, _)| at <= now), "{:?}", scribed);
                let said = match &scribed.body {
                    Body::Noted(noted) => noted.text.clone(),
                    Body::FollowUpAdded(added) => added.text.clone(),
                    other => panic!("{other:?}"),
                };
                prop_assert!(text.contains(&said), "{:?} in {:?}", said, text);
                prop_assert_eq!(said.is_empty(), text.trim().is_empty());
                understood(&text, NoteKind::Note, now, &zone, &TimeZone::UTC);
            }
        }
    }
}
