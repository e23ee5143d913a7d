//! What a job of CI printed, as text to be read: without the times and marks that its host puts between the lines.

use jiff::Timestamp;

use crate::hotfix::suspects::{LineKind, TextLine};
use crate::text::visible;

/// Most characters of a line that are kept.
const LONGEST: usize = 4000;

/// The lines of a log whose escape sequences were taken out. Of one that is cut the first line is left out: half of it
/// may be missing.
pub fn lines(text: &str, is_end: bool) -> Vec<TextLine> {
    let lines = text.lines().skip(usize::from(is_end)).map(without_time);
    lines.filter_map(line).collect()
}

/// One of them; `None`: it tells nobody anything.
fn line(text: &str) -> Option<TextLine> {
    let is_mark = |mark: &str| text.starts_with(mark);
    if is_mark("##[endgroup]") || is_mark("section_start:") || is_mark("section_end:") {
        return None;
    }
    let marks = [
        ("##[error]", LineKind::Removed),
        ("##[warning]", LineKind::Place),
        ("##[group]", LineKind::Message),
        ("##[command]", LineKind::Message),
    ];
    let found = marks.iter().find_map(|(mark, kind)| Some((*kind, text.strip_prefix(mark)?)));
    let (kind, text) = found.unwrap_or_else(|| match text {
        // As GitLab's runner ends a job that failed.
        text if text.starts_with("ERROR: ") => (LineKind::Removed, text),
        text => (LineKind::Context, text),
    });
    let text: String = text.trim_end().chars().take(LONGEST).collect();
    Some(TextLine { kind, text: visible(&text).into_owned() })
}

/// A line without the time that its host puts before it.
pub fn without_time(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    match line.split_once(' ') {
        Some((time, rest))
            if time.len() >= 20 && time.ends_with('Z') && time.parse::<Timestamp>().is_ok() =>
        {
            rest
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_a_host_puts_before_a_line_is_left_out() {
        assert_eq!(without_time("\u{feff}2026-11-30T09:00:00.1234567Z deployed"), "deployed");
        assert_eq!(without_time("2026-11-30 deployed"), "2026-11-30 deployed");
        assert_eq!(without_time("plain"), "plain");
    }

    #[test]
    fn what_failed_stands_out_and_marks_of_the_host_are_gone() {
        let text = "half of a li\n2026-11-30T09:00:00.1234567Z ##[group]Run cargo test\n\
                    2026-11-30T09:00:00.1234567Z ##[endgroup]\n2026-11-30T09:00:01.1234567Z 2 failed\n\
                    section_end:1560896353:step\n##[error]Process completed with exit code 101.\n";
        let read: Vec<_> = lines(text, true).into_iter().map(|line| (line.kind, line.text)).collect();
        let wanted = [
            (LineKind::Message, "Run cargo test"),
            (LineKind::Context, "2 failed"),
            (LineKind::Removed, "Process completed with exit code 101."),
        ];
        assert_eq!(read, wanted.map(|(kind, text)| (kind, text.to_owned())));
        assert_eq!(lines("all of it", false).len(), 1);
    }
}
