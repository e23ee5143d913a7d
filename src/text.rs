//! The one sanitiser for text from outside.
//!
//! Branch names, commit subjects, colleagues' names, probe bodies, command output and
//! configuration all pass through [`visible`] before they are drawn, logged or sent, so
//! that nothing can reorder, hide or inject what a person reads.

pub mod address;
pub mod git;
pub mod joiner;
pub mod markdown;
pub mod mask;
pub mod name;
pub mod nesting;
pub mod placeholder;
pub mod question;
pub mod veil;

use std::borrow::Cow;

/// Makes control, bidirectional, zero-width and tag characters visible as `<U+202E>`
/// marks; joiners that a script is written with stay where they change what is seen ([`joiner`]). A tab becomes one space; a newline stays only in [`visible_lines`].
pub fn visible(text: &str) -> Cow<'_, str> {
    clean(text, false)
}

/// Does the same as [`visible`], and keeps line breaks (`\r\n` becomes `\n`).
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    clean(text, true)
}

fn clean(text: &str, keep_lines: bool) -> Cow<'_, str> {
    // Most texts are plain ASCII, and every frame has hundreds.
    let is_printed = |byte: u8| matches!(byte, b' '..=b'~') || (keep_lines && byte == b'\n');
    if text.bytes().all(is_printed) || text.chars().all(|c| is_plain(c) || (keep_lines && c == '\n')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\t' => out.push(' '),
            '\n' if keep_lines => out.push('\n'),
            '\r' if keep_lines && chars.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\n' => out.push('⏎'),
            c if is_plain(c) || belongs(text, at, c) => out.push(c),
            c => {
                use std::fmt::Write as _;
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

/// Tells whether a joiner at a place of a text belongs there.
fn belongs(text: &str, at: usize, c: char) -> bool {
    let (before, rest) = text.split_at(at);
    joiner::belongs(before, c, rest.get(c.len_utf8()..).unwrap_or_default())
}

/// Tells whether one cell of the screen may be shown as it is: characters that are plain, and joiners among
/// them. What stands in the next cell is not known here.
pub fn is_plain_cell(cell: &str) -> bool {
    let is_joiner = |at: usize, c: char| {
        let (before, rest) = cell.split_at(at);
        joiner::may_follow(before, c) && (rest.len() == c.len_utf8() || belongs(cell, at, c))
    };
    cell.char_indices().all(|(at, c)| is_plain(c) || is_joiner(at, c))
}

/// Tells whether a character may be shown as it is: it can be seen, and changes nothing of what is
/// around it. A line break may not.
pub fn is_plain(c: char) -> bool {
    // All of Default_Ignorable_Code_Point, and what is drawn as nothing or as a blank besides.
    !(c.is_control()
        || matches!(c,
            '\u{00AD}'                      // soft hyphen
            | '\u{034F}'                    // grapheme joiner
            | '\u{061C}'                    // Arabic letter mark
            | '\u{115F}' | '\u{1160}'       // Hangul fillers
            | '\u{17B4}' | '\u{17B5}'       // Khmer inherent vowels
            | '\u{180B}'..='\u{180F}'       // Mongolian selectors and separator
            | '\u{200B}'..='\u{200F}'       // zero width, directional marks
            | '\u{2028}'..='\u{202E}'       // separators, embeddings and overrides
            | '\u{2060}'..='\u{206F}'       // invisible operators, isolates
            | '\u{2800}'                    // Braille without dots
            | '\u{3164}' | '\u{FFA0}'       // fillers
            | '\u{FDD0}'..='\u{FDEF}'       // no characters
            | '\u{FE00}'..='\u{FE0F}'       // variation selectors
            | '\u{FEFF}'                    // byte order mark
            | '\u{FFF0}'..='\u{FFFB}'       // ignorables, interlinear annotation
            | '\u{FFFE}' | '\u{FFFF}'       // no characters
            | '\u{13430}'..='\u{13440}'     // joiners of hieroglyphs
            | '\u{16FE4}'                   // Khitan filler
            | '\u{1BCA0}'..='\u{1BCA3}'     // shorthand controls
            | '\u{1D159}'                   // a note without a head
            | '\u{1D173}'..='\u{1D17A}'     // beams and slurs
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

/// A count with its noun: `1 file`, `3 files`.
pub fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// A text of at most so many characters. Behind a gap it is said what was left out, with a hint.
pub fn cut(text: &str, most: usize, gap: &str, hint: &str) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let all = text.chars().count();
            let kept = text.get(..end).unwrap_or_default();
            format!("{kept}{gap}[cut here: {most} of {all} characters{hint}]")
        }
    }
}

/// A name that a host gave to something, of a length that people can tell apart and a record has room for.
pub fn short_name(text: &str) -> String {
    cut(text, NAME, "… ", "")
}

/// Most characters of a name.
const NAME: usize = 200;

/// What nobody sees, or sees as a blank: forty of every kind.
#[cfg(test)]
pub(crate) const UNSEEN: &str = "\
    \u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{17B4}\u{17B5}\u{180B}\u{180E}\u{200B}\
    \u{200C}\u{200D}\u{200E}\u{200F}\u{202A}\u{202D}\u{202E}\u{2060}\u{2061}\u{2064}\
    \u{2066}\u{2069}\u{206F}\u{2800}\u{3164}\u{FE00}\u{FE0F}\u{FEFF}\u{FFA0}\u{FFF0}\
    \u{FFF8}\u{1BCA0}\u{1BCA3}\u{1D173}\u{1D17A}\u{E0001}\u{E0041}\u{E007F}\u{E0100}\u{E0FFF}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_what_is_missing() {
        assert_eq!(cut("abc", 3, " ", ""), "abc");
        assert_eq!(cut("ä→cd", 2, "\n", "; ask for less"), "ä→\n[cut here: 2 of 4 characters; ask for less]");
    }

    #[test]
    fn a_name_without_an_end_is_cut_with_a_mark() {
        assert_eq!(short_name("deploy (eu-west-1)"), "deploy (eu-west-1)");
        let cut = short_name(&"é".repeat(2_000_000));
        assert!(
            cut.chars().count() < 250 && cut.ends_with("… [cut here: 200 of 2000000 characters]"),
            "{cut}"
        );
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(visible("héllo 世界 ✓"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_nobody_sees_becomes_a_mark() {
        for c in UNSEEN.chars().chain("\u{00}\u{07}\u{1B}\u{7F}\u{85}\u{9B}\u{2028}".chars()) {
            let mark = format!("Maya<U+{:04X}>", u32::from(c));
            assert_eq!(visible(&format!("Maya{c}")), mark);
            assert_eq!(visible_lines(&format!("Maya{c}")), mark);
        }
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
