//! Lines that were copied out of a chat: each with its time, most with a name.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Row, Times, when};
use crate::incident::body::NoteKind;
use crate::incident::record::Precision;
use crate::incident::time::parse_clock;

/// Most entries of one paste.
const MOST: usize = 200;
/// Most words of a name.
const NAME: usize = 3;

/// Reads several lines, in one of the ways in which chats are copied:
///
/// ```text
/// 14:02 maya: pool is full        [14:02] maya: pool is full        maya  14:02
///                                                                   pool is full
/// ```
///
/// A line without a time goes on with the entry before it. `None`: it is one line, the first line names no time, or
/// these are too many; then it is text like any other.
pub fn read_chat(text: &str, times: &Times) -> Option<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some((at, author, text)) = head(line, times) {
            rows.push(row(at, author, text));
        } else {
            let last = rows.last_mut()?;
            let gap = if last.text.is_empty() { "" } else { "\n" };
            last.text = [last.text.as_str(), gap, line].concat();
        }
    }
    rows.retain(|row| !row.text.trim().is_empty());
    let several = rows.len() > 1
        || rows.first().is_some_and(|row| !row.author.is_empty() && text.trim().contains('\n'));
    (several && rows.len() <= MOST).then_some(rows)
}

fn row(at: Timestamp, author: &str, text: &str) -> Row {
    Row {
        at,
        precision: Precision::Exact,
        kind: NoteKind::Note,
        text: text.to_owned(),
        author: author.to_owned(),
        extra: BTreeMap::new(),
        key: None,
        zoneless: true,
    }
}

/// The time, the name and the text that a line begins an entry with.
fn head<'a>(line: &'a str, times: &Times) -> Option<(Timestamp, &'a str, &'a str)> {
    if let Some((time, rest)) = leading_time(line)
        && let Some(at) = time_of(time, times)
    {
        let rest = rest.trim_start_matches(['-', '–', '—', ' ']);
        let (author, text) = named(rest).unwrap_or(("", rest));
        return Some((at, author, text));
    }
    // As Slack and Teams copy: the name and the time on a line of their own.
    let (name, time) = line.rsplit_once(char::is_whitespace).map(|(name, time)| (name.trim(), bare(time)))?;
    let (name, time) = match time.to_ascii_uppercase().as_str() {
        // `2:02 PM`
        "AM" | "PM" => {
            let at = name.rsplit_once(char::is_whitespace)?.0.len();
            (name.get(..at)?.trim(), bare(line.get(at..)?.trim()))
        }
        _ => (name, time),
    };
    let at = time_of(time, times)?;
    is_name(name).then_some((at, name, ""))
}

/// A time without what stands around it.
fn bare(time: &str) -> &str {
    time.trim_matches(['[', ']', '(', ')', ',', ':'])
}

fn leading_time(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix('[') {
        let (time, rest) = rest.split_once(']')?;
        return Some((time.trim(), rest.trim()));
    }
    let (time, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let half =
        rest.get(..2).filter(|half| half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm"));
    match half {
        Some(_) if rest.get(2..).is_none_or(|after| !after.starts_with(char::is_alphanumeric)) => {
            let end = line.len() - rest.len() + 2;
            Some((line.get(..end)?, line.get(end..)?.trim_start()))
        }
        _ => Some((bare(time), rest)),
    }
}

/// When that was: a time of day, also as `2:02 PM`, or one with its day.
fn time_of(time: &str, times: &Times) -> Option<Timestamp> {
    let time = time.trim();
    let upper = time.to_ascii_uppercase();
    let half = upper
        .strip_suffix("PM")
        .map(|rest| (rest, 12))
        .or_else(|| upper.strip_suffix("AM").map(|rest| (rest, 0)));
    let clock = match half {
        Some((rest, add)) => {
            let (hour, rest) = rest.trim().split_once(':')?;
            let hour: u32 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
            format!("{:02}:{rest}", hour % 12 + add)
        }
        None => time.to_owned(),
    };
    let is_clock = parse_clock(&clock).is_some();
    // A number alone is no time, whatever else it may be.
    let is_date = || time.contains('-') && time.contains(':');
    (is_clock || is_date()).then(|| when::read(&clock, times).ok()).flatten().map(|when| when.at)
}

/// `maya: text`, where what stands before the colon may be a name.
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let name = name.trim().trim_matches(['<', '>', '*']).trim_start_matches('@');
    (is_name(name) && rest.starts_with(char::is_whitespace)).then_some((name, rest.trim()))
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '\'' | '’');
    !text.is_empty()
        && text.chars().count() <= 40
        && text.split_whitespace().count() <= NAME
        && text.chars().all(fits)
        && text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String, String)>> {
        let times = Times {
            zone: TimeZone::UTC,
            began: "2026-11-30T14:00:00Z".parse().unwrap(),
            now: "2026-11-30T15:00:00Z".parse().unwrap(),
        };
        let rows = read_chat(text, &times)?;
        let said = |row: Row| (row.at.strftime("%H:%M").to_string(), row.author, row.text);
        Some(rows.into_iter().map(said).collect())
    }

    fn entry(at: &str, author: &str, text: &str) -> (String, String, String) {
        (at.to_owned(), author.to_owned(), text.to_owned())
    }

    #[test]
    fn lines_keep_their_times_and_authors() {
        let expected =
            vec![entry("14:02", "maya", "pool is full"), entry("14:05", "Li Wei", "restarting\none by one")];
        for copied in [
            "14:02 maya: pool is full\n14:05 Li Wei: restarting\none by one",
            "[14:02] maya: pool is full\r\n\r\n[14:05] Li Wei: restarting\r\none by one\r\n",
            "14:02 - <maya>: pool is full\n14:05 – Li Wei: restarting\none by one",
            "maya  14:02\npool is full\nLi Wei  14:05\nrestarting\none by one",
            "maya [2:02 PM]\npool is full\nLi Wei  2:05 PM\nrestarting\none by one",
            "2:02 PM maya: pool is full\n2:05 PM Li Wei: restarting\none by one",
        ] {
            assert_eq!(read(copied), Some(expected.clone()), "{copied}");
        }
    }

    #[test]
    fn a_line_without_a_name_has_none_and_a_link_is_no_name() {
        let found = read("14:02 see https://x.example/a: it fails\n14:03 500 again").unwrap();
        assert_eq!(found[0], entry("14:02", "", "see https://x.example/a: it fails"));
        assert_eq!(found[1], entry("14:03", "", "500 again"));
    }

    #[test]
    fn what_names_no_time_is_text_like_any_other() {
        for text in
            ["one line", "14:02 one line", "two\nlines", "error: x\n  at y:12", "12 of 20\n13 of 20", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
        let many = "14:02 a: b\n".repeat(MOST + 1);
        assert_eq!(read(&many), None);
    }

    #[test]
    fn a_time_that_is_still_to_come_is_none() {
        // The day is that which is nearest to the incident.
        assert_eq!(read("23:59 maya: done\n14:02 li: no"), None);
        assert_eq!(
            read("14:02 li: no\n23:59 maya: done\n14:03 li: yes").unwrap()[0].2,
            "no\n23:59 maya: done"
        );
    }
}
