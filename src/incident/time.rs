//! Times as people write and read them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The beginning of the years 2000 and 2200, in milliseconds since the Unix epoch.
const EARLIEST_MS: i64 = 946_684_800_000;
const LATEST_MS: i64 = 7_258_118_400_000;

/// Tells whether a time can be one of an incident: what lies further off is a mistyped year, or a
/// clock or a file that is broken.
pub fn is_plausible(at: Timestamp) -> bool {
    (0..LATEST_MS).contains(&at.as_millisecond())
}

/// Tells whether an incident that somebody types in can have begun then.
pub fn is_recent(at: Timestamp) -> bool {
    (EARLIEST_MS..LATEST_MS).contains(&at.as_millisecond())
}

/// Reads RFC 3339, `14:02` (UTC, the latest such time not after `now`), `-5m`, `1h30m ago`, `10 minutes ago` or
/// `now`; in brackets, too, as screens write it: `(10m ago)`.
pub fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    parse_time_in(text, now, &TimeZone::UTC)
}

/// Reads the same with times of day in a zone, also `14:02 yesterday`. Of an hour that its clocks go through twice
/// it is the first.
pub fn parse_time_in(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let text = inner.unwrap_or(text).trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(now);
    }
    let lower = text.to_ascii_lowercase();
    if let Some(ago) = lower.strip_prefix('-').or_else(|| lower.strip_suffix("ago")) {
        return now.checked_sub(SignedDuration::from_secs(seconds(ago)?)).ok();
    }
    match parse_day_and_clock(text) {
        Some((time, false)) => latest(time, now, zone),
        Some((time, true)) => moment(now.to_zoned(zone.clone()).date().yesterday().ok()?, time, zone),
        None => text.parse().ok(),
    }
}

/// Reads `14:02` or `14:02 yesterday`: the time of day, and whether it is one of the day before.
fn parse_day_and_clock(text: &str) -> Option<(civil::Time, bool)> {
    match text.split_once(char::is_whitespace) {
        Some((clock, day)) if day.trim().eq_ignore_ascii_case("yesterday") => {
            Some((parse_clock(clock)?, true))
        }
        Some(_) => None,
        None => Some((parse_clock(text)?, false)),
    }
}

/// A time of day in a zone. Of an hour that the clocks went through twice it is the first.
pub(super) fn moment(day: civil::Date, time: civil::Time, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
}

/// Writes a moment as a time of day with its zone: `14:02 +01:00 (Europe/Berlin)`, `14:02 UTC`; with the date
/// where that is not the one of `now`.
fn in_zone(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (zoned, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()).date());
    let date = if zoned.date() == today { "" } else { "%Y-%m-%d " };
    let seconds = if zoned.second() == 0 { "" } else { ":%S" };
    let name = zone.iana_name().filter(|name| !name.eq_ignore_ascii_case("UTC"));
    let offset = match name {
        None if zoned.offset().is_zero() => " UTC".to_owned(),
        None => " %:z".to_owned(),
        Some(name) => format!(" %:z ({})", name.replace('%', "%%")),
    };
    zoned.strftime(&format!("{date}%H:%M{seconds}{offset}")).to_string()
}

/// Writes a moment in a zone, and in another one beside it where that shows another time.
pub fn in_zones(at: Timestamp, now: Timestamp, zone: &TimeZone, other: &TimeZone) -> String {
    let said = in_zone(at, now, zone);
    if zone.to_datetime(at) == other.to_datetime(at) {
        return said;
    }
    format!("{said}, {}", in_zone(at, now, other))
}

/// Says which zone a time without one was taken in: `14:02 taken as 14:02 +01:00 (Europe/Berlin), 13:02 UTC`.
/// `None`: it is no time of day.
pub fn taken_as(
    typed: &str,
    at: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
    other: &TimeZone,
) -> Option<String> {
    let typed = typed.trim();
    parse_day_and_clock(typed)?;
    Some(format!("{typed} taken as {}", in_zones(at, now, zone, other)))
}

/// Reads `1h30m` or `10 minutes` as seconds. Every number needs its unit.
fn seconds(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text.trim();
    let is_empty = rest.is_empty();
    while !rest.is_empty() {
        let (number, unit) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = unit.trim_start();
        let (unit, after) =
            unit.split_at(unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len()));
        let unit = match unit {
            "d" | "day" | "days" => DAY,
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = after.trim_start();
    }
    (!is_empty).then_some(total)
}

/// Reads `14:02` or `14:02:30`.
pub(super) fn parse_clock(text: &str) -> Option<civil::Time> {
    let mut parts = text.split(':');
    let mut part = || -> Option<Option<i8>> {
        let Some(digits) = parts.next() else { return Some(None) };
        let sound = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if sound { digits.parse().ok().map(Some) } else { None }
    };
    let (hour, minute, second) = (part()??, part()??, part()?);
    if part()?.is_some() {
        return None;
    }
    civil::Time::new(hour, minute, second.unwrap_or(0), 0).ok()
}

/// How long ago a time of day may have been yesterday.
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);

fn latest(time: civil::Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let at = |date: civil::Date| moment(date, time, zone);
    match at(today)? {
        found if found <= now => Some(found),
        // Shortly after midnight it was the evening before. What is still to come today is more likely a slip, or
        // local time: the day has to be given.
        _ => at(today.yesterday().ok()?).filter(|found| now.duration_since(*found) <= HALF_A_DAY),
    }
}

/// Writes a duration compactly with its two largest units: `47s`, `6m41s`, `1h12m`, `2d4h`.
/// A second unit of zero is left out; a negative duration gets a minus sign.
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let sign = if seconds < 0 { "-" } else { "" };
    let s = seconds.unsigned_abs();
    let [minute, hour, day] = [MINUTE, HOUR, DAY].map(i64::unsigned_abs);
    let (large, large_unit, small, small_unit) = match s {
        _ if s < minute => return format!("{sign}{s}s"),
        _ if s < hour => (s / minute, 'm', s % minute, 's'),
        _ if s < day => (s / hour, 'h', s % hour / minute, 'm'),
        _ => (s / day, 'd', s % day / hour, 'h'),
    };
    if small == 0 {
        format!("{sign}{large}{large_unit}")
    } else {
        format!("{sign}{large}{large_unit}{small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T14:30:10Z".parse().unwrap()
    }

    fn parsed(text: &str) -> Option<String> {
        parse_time(text, now()).map(|t| t.to_string())
    }

    #[test]
    fn all_the_ways_to_write_a_time() {
        assert_eq!(parsed("now").as_deref(), Some("2026-03-01T14:30:10Z"));
        assert_eq!(parsed("14:02").as_deref(), Some("2026-03-01T14:02:00Z"));
        assert_eq!(parsed("9:05:07").as_deref(), Some("2026-03-01T09:05:07Z"));
        assert_eq!(parsed("-5m").as_deref(), Some("2026-03-01T14:25:10Z"));
        assert_eq!(parsed("-1h30m").as_deref(), Some("2026-03-01T13:00:10Z"));
        for ago in
            ["5m ago", "(5m ago)", "5 m ago", "5 min ago", "5 minutes ago", "5mago", "300s ago", "5M Ago"]
        {
            assert_eq!(parsed(ago), parsed("-5m"), "{ago}");
        }
        assert_eq!(parsed("1h 30m ago"), parsed("-1h30m"));
        for none in ["ago", "5 ago", "m ago", "5x ago", "-", "5m ago ago", "()", "5m"] {
            assert_eq!(parsed(none), None, "{none}");
        }
        assert_eq!(parsed("-1d").as_deref(), Some("2026-02-28T14:30:10Z"));
        assert_eq!(parsed("2026-02-27T10:00:00+02:00").as_deref(), Some("2026-02-27T08:00:00Z"));
    }

    #[test]
    fn a_time_of_day_is_one_of_the_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str| parse_time_in(text, now(), &berlin).map(|time| time.to_string());
        assert_eq!(read("15:02").as_deref(), Some("2026-03-01T14:02:00Z"));
        assert_eq!(read("15:31"), None, "it is still to come there");
        assert_eq!(read("14:02Z"), None);
        assert_eq!(read("-5m"), parsed("-5m"));
    }

    #[test]
    fn a_time_of_day_is_one_of_the_zone_and_says_so() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str, zone: &TimeZone| {
            let at = parse_time_in(text, now(), zone)?;
            let other = if *zone == TimeZone::UTC { berlin.clone() } else { TimeZone::UTC };
            taken_as(text, at, now(), zone, &other)
        };
        for (text, zone, said) in [
            ("15:02", &berlin, "15:02 taken as 15:02 +01:00 (Europe/Berlin), 14:02 UTC"),
            ("14:02:30", &TimeZone::UTC, "14:02:30 taken as 14:02:30 UTC, 15:02:30 +01:00 (Europe/Berlin)"),
            (
                "23:30 yesterday",
                &TimeZone::UTC,
                "23:30 yesterday taken as 2026-02-28 23:30 UTC, 00:30 +01:00 (Europe/Berlin)",
            ),
        ] {
            assert_eq!(read(text, zone).as_deref(), Some(said));
        }
        for text in ["-5m", "2026-03-01T14:02:00Z", "now"] {
            assert_eq!(read(text, &berlin), None, "{text} has a zone, or needs none");
        }
        assert_eq!(parse_time_in("15:02 tomorrow", now(), &berlin), None);
        let utc = TimeZone::UTC;
        assert_eq!(in_zones(now(), now(), &utc, &utc), "14:30:10 UTC", "once where both are one");
    }

    #[test]
    fn what_is_written_of_a_time_of_day_is_what_was_typed_in_every_zone() {
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).unwrap();
            for minutes in [1, 61, 359] {
                let at = now() - SignedDuration::from_mins(minutes);
                let typed = at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
                let Some(read) = parse_time_in(&typed, now(), &zone) else { continue };
                assert!(read <= now(), "{name} {typed}");
                let said = taken_as(&typed, read, now(), &zone, &TimeZone::UTC).unwrap();
                assert!(said.contains(&format!("{typed} ")), "{name}: {said}");
            }
        }
    }

    #[test]
    fn a_clock_time_still_to_come_was_the_evening_before_or_is_a_slip() {
        let after_midnight = "2026-03-01T00:10:00Z".parse().unwrap();
        let found = parse_time("23:50", after_midnight).map(|found| found.to_string());
        assert_eq!(found.as_deref(), Some("2026-02-28T23:50:00Z"));
        assert_eq!(parsed("14:31"), None, "a slip, or local time");
        assert_eq!(parsed("14:30").as_deref(), Some("2026-03-01T14:30:00Z"));
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in [
            "", "-", "5m", "-5", "-5x", "-m", "24:00", "14:60", "14", "14:2:3:4", "14:+2", "14:002",
            "tomorrow",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parsed("-99999999999999999999d"), None);
        assert_eq!(parsed("-9999999999d"), None);
        for text in [
            "+010026-01-01T00:00:00Z",
            "9223372036854775807",
            "-9223372036854775808",
            "-9223372036854775807s",
            "-9223372036854775808s",
            "-106751991167300d",
            "-153722867280912931m",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn far_off_dates_are_none_of_an_incident() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (text, plausible, recent) in [
            ("2026-03-01T14:30:10Z", true, true),
            ("2000-01-01T00:00:00Z", true, true),
            ("1999-12-31T23:59:59Z", true, false),
            ("1970-01-01T00:00:00Z", true, false),
            ("1969-12-31T23:59:59Z", false, false),
            ("2199-12-31T23:59:59Z", true, true),
            ("2200-01-01T00:00:00Z", false, false),
            ("9999-12-30T00:00:00Z", false, false),
            ("-009999-01-03T00:00:00Z", false, false),
        ] {
            assert_eq!((is_plausible(at(text)), is_recent(at(text))), (plausible, recent), "{text}");
        }
        assert!(!is_plausible(Timestamp::MIN) && !is_plausible(Timestamp::MAX));
    }

    #[test]
    fn durations_show_two_units() {
        let written = |s| duration(SignedDuration::from_secs(s));
        assert_eq!(written(0), "0s");
        assert_eq!(written(47), "47s");
        assert_eq!(written(401), "6m41s");
        assert_eq!(written(300), "5m");
        assert_eq!(written(4320), "1h12m");
        assert_eq!(written(2 * 86_400 + 4 * 3600 + 59), "2d4h");
        assert_eq!(written(-61), "-1m1s");
        assert_eq!(duration(SignedDuration::MIN).chars().next(), Some('-'));
    }
}
