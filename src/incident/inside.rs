//! Times inside of texts that the program made: records and gates say them in UTC, and a screen in its own zone.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// What stands behind such a time.
const UTC: &str = " UTC";

/// Writes the times of a text in a zone: `21:50 UTC` becomes `22:50`, and `2026-03-01 23:50 UTC` becomes
/// `2026-03-02 00:50`; `named` puts the zone's letters behind them. Without a day it is the one that brings it
/// closest to `near`.
pub fn times_in<'a>(text: &'a str, near: Timestamp, zone: &TimeZone, named: bool) -> Cow<'a, str> {
    let is_utc = zone == &TimeZone::UTC;
    if !text.contains(UTC) || (is_utc && named) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(UTC) {
        let ends = !after.starts_with(|c: char| c.is_alphanumeric());
        if let Some((start, at, format)) = time_at_end(before, near).filter(|_| ends) {
            out.push_str(before.get(..start).unwrap_or_default());
            out.push_str(&at.to_zoned(zone.clone()).strftime(format).to_string());
            if named {
                out.push_str(&at.to_zoned(zone.clone()).strftime(" %Z").to_string());
            }
        } else {
            out.push_str(before);
            out.push_str(UTC);
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The time that a text ends with: where it begins, what it is, and how it is written.
fn time_at_end(text: &str, near: Timestamp) -> Option<(usize, Timestamp, &'static str)> {
    let start = text.rfind(|c: char| !c.is_ascii_digit() && c != ':').map_or(0, |at| at + 1);
    // What stands before it may take more bytes than one.
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at))?;
    let written = text.get(start..)?;
    let (format, dated) = match written.len() {
        5 => ("%H:%M", "%Y-%m-%d %H:%M"),
        8 => ("%H:%M:%S", "%Y-%m-%d %H:%M:%S"),
        _ => return None,
    };
    let time = Time::strptime(format, written).ok()?;
    let on = |day: Date| day.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let day_start = text.get(..start)?.strip_suffix(' ').and_then(|before| before.len().checked_sub(10));
    let day = day_start.and_then(|at| Some((at, Date::strptime("%Y-%m-%d", text.get(at..start - 1)?).ok()?)));
    if let Some((at, day)) = day {
        return Some((at, on(day)?, dated));
    }
    let today = near.to_zoned(TimeZone::UTC).date();
    let days = [today.yesterday().ok(), Some(today), today.tomorrow().ok()];
    let all = days.into_iter().flatten().filter_map(on);
    let at = all.min_by_key(|at: &Timestamp| at.duration_since(near).abs())?;
    Some((start, at, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_a_text_are_those_of_the_zone_that_is_shown() {
        let near: Timestamp = "2026-03-01T23:40:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, shown, named) in [
            ("failing since 21:50 UTC (2h before)", "failing since 22:50 (2h before)", "22:50 CET (2h"),
            ("since 23:50:07 UTC", "since 00:50:07", "00:50:07 CET"),
            ("wait until 2026-07-01 23:50 UTC", "wait until 2026-07-02 01:50", "2026-07-02 01:50 CEST"),
            ("é10:00 UTC, 11:00 UTC", "é11:00, 12:00", "é11:00 CET, 12:00 CET"),
        ] {
            assert_eq!(times_in(text, near, &berlin, false), shown);
            let said = times_in(text, near, &berlin, true);
            assert!(said.contains(named), "{said}");
            assert_eq!(times_in(text, near, &TimeZone::UTC, true), text);
        }
        let stays = "in UTC, 25:00 UTC, 9:00 UTC, 10:00 UTCx, 10:00, é UTC";
        assert_eq!(times_in(stays, near, &berlin, true), stays);
        assert_eq!(
            times_in("at 21:50 UTC", near, &TimeZone::UTC, false),
            "at 21:50",
            "the pane says its zone"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_shown(text in "(\\PC{0,8}[0-9:é -]{0,20} UTC\\PC{0,4}){0,3}") {
            let near: Timestamp = "2026-03-01T23:40:00Z".parse().unwrap();
            times_in(&text, near, &TimeZone::get("Asia/Kathmandu").unwrap(), true);
        }
    }
}
