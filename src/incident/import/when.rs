//! The times that other tools and people write.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Times;
use crate::incident::record::Precision;
use crate::incident::time::{is_recent, parse_clock};

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    pub(super) at: Timestamp,
    pub(super) precision: Precision,
    /// It names no zone.
    pub(super) zoneless: bool,
}

/// Reads RFC 3339, a date and a time with or without a zone, a time of day, or seconds since the Unix epoch;
/// with `~` before it: about then, with `<`: before then.
pub(super) fn read(text: &str, times: &Times) -> Result<When, String> {
    let (precision, bare) = match text.trim() {
        text if text.starts_with(['~', '≈']) => (Precision::About, text.trim_start_matches(['~', '≈'])),
        text if text.starts_with('<') => (Precision::Before, text.trim_start_matches('<')),
        text => (Precision::Exact, text),
    };
    let bare = bare.trim();
    let no_time = || format!("“{text}” is no time: write 2026-11-21 14:02 or 2026-11-21T14:02:00Z");
    let (at, precision, zoneless) = if let Some(at) = instant(bare) {
        (at, precision, false)
    } else if let Some(local) = civil(bare, times) {
        let ambiguous = times.zone.to_ambiguous_timestamp(local);
        // An hour that the clocks went through twice, or not at all.
        let precision = if ambiguous.is_ambiguous() { Precision::About } else { precision };
        (ambiguous.compatible().map_err(|_| no_time())?, precision, true)
    } else {
        return Err(no_time());
    };
    if !is_recent(at) {
        return Err(format!("“{text}” is too far off: only the years 2000 to 2199 are taken"));
    }
    if at.duration_since(times.now) > SignedDuration::from_mins(2) {
        return Err(format!("“{text}” is still to come"));
    }
    Ok(When { at, precision, zoneless })
}

/// What stands before a time that is not exact.
const MARKS: [char; 3] = ['~', '≈', '<'];

/// Tells whether a time can be read without the day being named beside it.
pub(super) fn has_day(text: &str, times: &Times) -> bool {
    let bare = text.trim().trim_start_matches(MARKS).trim();
    parse_clock(bare).is_none() && read(text, times).is_ok()
}

/// Tells whether a text is a day and nothing else.
pub(super) fn is_day(text: &str) -> bool {
    day(text).is_some()
}

/// One time of a day and a time of day from two columns; a mark of either holds for both.
pub(super) fn joined(date: &str, time: &str) -> Result<String, String> {
    let (date, time) = (date.trim(), time.trim());
    let mark = |text: &str| text.chars().next().filter(|c| MARKS.contains(c));
    let mark = mark(time).or(mark(date)).map_or_else(String::new, String::from);
    let day = day(date.trim_start_matches(MARKS).trim());
    let day = day.ok_or_else(|| format!("“{date}” is no day: write 2026-11-21"))?;
    Ok(format!("{mark}{day} {}", time.trim_start_matches(MARKS).trim()))
}

/// Reads `2026-11-21`, `2026/11/21` or `21.11.2026`. Which of `11/12/2026` is the month nobody can tell.
fn day(text: &str) -> Option<Date> {
    let parts =
        |separator| text.split(separator).map(|part| part.parse::<i16>().ok()).collect::<Option<Vec<_>>>();
    let of = |year: i16, month: i16, day: i16| {
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    match (text.parse(), parts('/').as_deref(), parts('.').as_deref()) {
        (Ok(date), ..) if text.len() == "2026-11-21".len() => Some(date),
        (_, Some(&[year, month, day]), _) if year > 999 => of(year, month, day),
        (_, _, Some(&[day, month, year])) if year > 999 => of(year, month, day),
        _ => None,
    }
}

/// A time that names its zone, or needs none.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let (date_time, zone) = match text.rsplit_once(' ') {
        Some((date_time, "UTC" | "GMT" | "Z")) => (date_time, TimeZone::UTC),
        Some((date_time, offset)) if offset.starts_with(['+', '-']) => {
            return format!("{}{offset}", date_time.replacen(' ', "T", 1)).parse().ok();
        }
        _ => return epoch(text),
    };
    let local: DateTime = date_time.trim().parse().ok()?;
    zone.to_timestamp(local).ok()
}

/// Seconds, or milliseconds, since the Unix epoch.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    match whole.len() {
        10 => {
            let nanos: i32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
            Timestamp::new(whole.parse().ok()?, nanos).ok()
        }
        13 => Timestamp::from_millisecond(whole.parse().ok()?).ok(),
        _ => None,
    }
}

/// A date and a time of day, or a time of day near the begin of the incident.
fn civil(text: &str, times: &Times) -> Option<DateTime> {
    if let Some(time) = parse_clock(text) {
        return nearest(time, times);
    }
    if text.contains(['T', ' ', 't'])
        && let Ok(local) = text.parse()
    {
        return Some(local);
    }
    let (date, time) = text.split_once(' ')?;
    let date: Date = date.parse().ok()?;
    Some(date.to_datetime(parse_clock(time.trim())?))
}

/// The moment with this time of day that is nearest to the begin.
fn nearest(time: Time, times: &Times) -> Option<DateTime> {
    let began = times.began.to_zoned(times.zone.clone()).datetime();
    let days = [began.date().yesterday().ok()?, began.date(), began.date().tomorrow().ok()?];
    let far = |at: &DateTime| at.duration_since(began).abs();
    days.into_iter().map(|day| day.to_datetime(time)).min_by_key(far)
}
