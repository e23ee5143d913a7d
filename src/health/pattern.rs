//! Regular expressions of conditions. Pure.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

/// A regular expression may not take more memory than this once it is compiled, in bytes: a file that nobody
/// trusts yet may hold a thousand of them.
const MAX_BYTES: usize = 256 << 10;

/// What the drawing of an error indents the expression by.
const INDENT: &str = "    ";

/// A regular expression that is looked for anywhere in a text, as grep does.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Position in characters of the expression, from 0, where that is known.
    pub at: Option<usize>,
    /// What is wrong, in one line.
    pub why: String,
}

impl Pattern {
    /// Reads an expression.
    pub(super) fn new(text: &str) -> Result<Self, Wrong> {
        let built = RegexBuilder::new(text).size_limit(MAX_BYTES).build();
        built.map(|regex| Self { text: text.to_owned(), regex }).map_err(|error| wrong(text, &error))
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether it is found in a text.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Tells whether it is found in the beginning of a text whose rest is not known, whatever that is.
    pub(super) fn is_in_beginning(&self, beginning: &[u8]) -> bool {
        // What is found before the last character cannot rest on where the text ends.
        let certain = beginning.len().saturating_sub(char::MAX.len_utf8());
        self.regex.find(beginning).is_some_and(|found| found.end() < certain)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Reads the place out of the error's drawing: the expression indented, below it a caret.
fn wrong(text: &str, error: &regex::Error) -> Wrong {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return Wrong {
            at: None,
            why: "it is too large once it is compiled: repeat less, or write [a-z0-9_] for \\w".to_owned(),
        };
    }
    let drawn = error.to_string();
    let is_one_line = !text.contains('\n');
    let carets = drawn.lines().skip_while(|line| line.strip_prefix(INDENT) != Some(text)).nth(1);
    let at = carets.and_then(|line| line.strip_prefix(INDENT)?.find('^')).filter(|_| is_one_line);
    let why = drawn.lines().last().unwrap_or_default().trim_start_matches("error: ");
    Wrong { at: at.filter(|at| *at <= text.chars().count()), why: crate::text::visible(why).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_anywhere() {
        let is_in = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().is_in(text.as_bytes());
        assert!(is_in("4\\.2", "v1.4.2-rc1") && is_in("^v1", "v1.4.2") && is_in("(?i)READY", "is ready"));
        assert!(!is_in("^4", "v1.4.2") && !is_in("^b$", "a\nb\nc"));
        assert!(is_in("(?m)^b$", "a\nb\nc"));
        assert!(is_in(r"^\w+ (up|ready) since \d+ \w+$", "größe ready since 12 days"));
        assert!(is_in("^[a-z0-9_]{64}$", &"a1".repeat(32)));
    }

    #[test]
    fn of_a_beginning_only_what_no_rest_can_change_counts() {
        let pattern = |text: &str| Pattern::new(text).unwrap();
        assert!(pattern("panic").is_in_beginning(b"a panic: and more"));
        assert!(!pattern("more$").is_in_beginning(b"a panic: and more"));
        assert!(!pattern("more\\b").is_in_beginning(b"a panic: and more"));
    }

    #[test]
    fn what_is_wrong_is_one_line_and_points_at_its_place() {
        for (text, at, why) in [
            ("a(b", Some(1), "unclosed group"),
            ("é[z-a]", Some(2), "invalid character class range"),
            ("*", Some(0), "repetition operator missing expression"),
            ("a\n(b", None, "unclosed group"),
            ("(?=x)", Some(0), "look-around"),
            ("(\\w{900}){900}", None, "too large"),
            ("\\w{20}", None, "write [a-z0-9_]"),
        ] {
            let wrong = Pattern::new(text).unwrap_err();
            assert_eq!(wrong.at, at, "{text}");
            assert!(wrong.why.contains(why) && wrong.why.lines().count() == 1, "{text}: {}", wrong.why);
        }
    }
}
