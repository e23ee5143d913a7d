//! The one sanitiser for text from outside.
//!
//! Branch names, commit subjects, colleagues' names, probe bodies, command output and
//! configuration all pass through [`visible`] before they are drawn, logged or sent, so
//! that nothing can reorder, hide or inject what a person reads.

pub mod markdown;
pub mod question;

use std::borrow::Cow;

/// Makes control, bidirectional, zero-width and tag characters visible as `<U+202E>`
/// marks. A tab becomes one space; a newline stays only in [`visible_lines`].
pub fn visible(text: &str) -> Cow<'_, str> {
    clean(text, false)
}

/// Does the same as [`visible`], and keeps line breaks (`\r\n` becomes `\n`).
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    clean(text, true)
}

fn clean(text: &str, keep_lines: bool) -> Cow<'_, str> {
    if text.chars().all(|c| is_plain(c) || (keep_lines && c == '\n')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\t' => out.push(' '),
            '\n' if keep_lines => out.push('\n'),
            '\r' if keep_lines && chars.peek() == Some(&'\n') => {}
            '\n' => out.push('⏎'),
            c if is_plain(c) => out.push(c),
            c => {
                use std::fmt::Write as _;
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

/// Tells whether a character may be shown as it is. A line break may not.
pub fn is_plain(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{00AD}'                      // soft hyphen
            | '\u{061C}'                    // Arabic letter mark
            | '\u{115F}' | '\u{1160}'       // Hangul fillers
            | '\u{17B4}' | '\u{17B5}'       // Khmer inherent vowels
            | '\u{180B}'..='\u{180F}'       // Mongolian selectors and separator
            | '\u{200B}'..='\u{200F}'       // zero width, directional marks
            | '\u{2028}'..='\u{202E}'       // separators, embeddings and overrides
            | '\u{2060}'..='\u{206F}'       // invisible operators, isolates
            | '\u{3164}' | '\u{FFA0}'       // fillers
            | '\u{FE00}'..='\u{FE0F}'       // variation selectors
            | '\u{FEFF}'                    // byte order mark
            | '\u{FFF9}'..='\u{FFFB}'       // interlinear annotation
            | '\u{E0000}'..='\u{E0FFF}'     // tags and variation selectors
        ))
}

/// The known name that was probably meant, if one is near enough.
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let distance = |name: &&'a str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    let best = known.iter().min_by_key(|name| distance(name))?;
    let close = distance(best) <= (written.chars().count().max(best.chars().count()) / 3).max(1);
    if close {
        return Some(best);
    }
    let mut longer = known.iter().filter(|name| lower.len() >= 3 && name.to_lowercase().starts_with(&lower));
    longer.next().filter(|_| longer.next().is_none()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(visible("héllo 世界 ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_could_deceive_is_shown() {
        assert_eq!(visible("a\u{202E}b"), "a<U+202E>b");
        assert_eq!(visible("\u{1b}]52;c;eA==\u{7}"), "<U+001B>]52;c;eA==<U+0007>");
        assert_eq!(visible("x\u{200B}y\u{E0041}"), "x<U+200B>y<U+E0041>");
        assert_eq!(visible("a\nb"), "a⏎b");
        assert_eq!(visible_lines("a\r\nb"), "a\nb");
        assert_eq!(visible_lines("a\rb"), "a<U+000D>b");
    }
}
