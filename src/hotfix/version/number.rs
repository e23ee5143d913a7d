//! Versions as numbers: which is newer, and which comes next.

use std::cmp::Ordering;

/// Longer than this is no version.
const MAX_BYTES: usize = 128;
/// More numbers than this are no version.
const MAX_NUMBERS: usize = 4;

/// A version as it is compared: `1.2.3`, `v1.2`, `2.0.0-rc.1`, `1.2.3+build.7`.
#[derive(Debug, Clone)]
pub struct Version {
    /// As it is written, without a `v`.
    text: String,
    numbers: Vec<u64>,
    /// What follows a `-`; empty: it is a release.
    pre: Vec<String>,
    build: bool,
}

impl Version {
    /// Reads a version: one to four numbers with dots between them, then what marks a pre-release
    /// and a build as semantic versioning has it. `None`: it is nothing that could be compared.
    pub fn parse(text: &str) -> Option<Self> {
        let text = super::bare(text);
        if text.len() > MAX_BYTES {
            return None;
        }
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (numbers, pre) = match rest.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (rest, None),
        };
        let pre: Vec<String> = pre.map(|pre| pre.split('.').map(str::to_owned).collect()).unwrap_or_default();
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !pre.iter().all(|word| is_word(word)) || !build.is_none_or(|build| build.split('.').all(is_word)) {
            return None;
        }
        let numbers: Vec<u64> = numbers.split('.').map(number).collect::<Option<_>>()?;
        (numbers.len() <= MAX_NUMBERS).then(|| Self {
            text: text.to_owned(),
            numbers,
            pre,
            build: build.is_some(),
        })
    }

    /// As it is written, without a `v`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its numbers, before what marks a pre-release.
    pub(super) fn core(&self) -> &[u64] {
        &self.numbers
    }

    /// Tells whether it is as semantic versioning has it: three numbers, none with a zero before it.
    pub fn is_strict(&self) -> bool {
        let core = self.text.split(['-', '+']).next().unwrap_or_default();
        self.numbers.len() == 3 && core.split('.').all(|part| part == "0" || !part.starts_with('0'))
    }

    /// The next patch version: `1.2.3` → `1.2.4`, `1.2` → `1.2.1`.
    ///
    /// # Errors
    /// What comes next is not certain, and why: a pre-release, a build, no patch part.
    pub fn next_patch(&self) -> Result<String, String> {
        let shown = &self.text;
        if !self.pre.is_empty() {
            return Err(format!("{shown} is a pre-release, and what comes after it is not certain"));
        }
        if self.build {
            return Err(format!("{shown} names a build, and what the next one is called is not certain"));
        }
        let (first, last) = match self.numbers.len() {
            2 => return Ok(format!("{shown}.1")),
            3 => self.text.rsplit_once('.').unwrap_or_default(),
            1 => return Err(format!("{shown} has no patch part to bump")),
            _ => {
                return Err(format!(
                    "{shown} has more than three numbers, and which one to bump is not certain"
                ));
            }
        };
        if last.len() > 1 && last.starts_with('0') {
            return Err(format!("{last} in {shown} has a zero before it, so it looks like part of a date"));
        }
        let next = self.numbers.last().and_then(|last| last.checked_add(1));
        next.map(|next| format!("{first}.{next}"))
            .ok_or_else(|| format!("{last} in {shown} cannot be bumped"))
    }
}

fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    /// As semantic versioning orders them: a number that is left out is 0, a pre-release comes
    /// before its release, and what names a build makes no difference.
    fn cmp(&self, other: &Self) -> Ordering {
        let most = self.numbers.len().max(other.numbers.len());
        let at = |version: &Self, index: usize| version.numbers.get(index).copied().unwrap_or(0);
        let numbers = (0..most).map(|index| at(self, index).cmp(&at(other, index)));
        numbers.fold(Ordering::Equal, Ordering::then).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => by_words(&self.pre, &other.pre),
            }
        })
    }
}

fn by_words(a: &[String], b: &[String]) -> Ordering {
    let words = a.iter().zip(b).map(|(a, b)| match (digits(a), digits(b)) {
        (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    });
    words.fold(Ordering::Equal, Ordering::then).then_with(|| a.len().cmp(&b.len()))
}

/// The digits of a number without zeros before them; `None`: it is a word.
fn digits(word: &str) -> Option<&str> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn versions_are_ordered_as_semantic_versioning_has_it() {
        let order = [
            "0.9",
            "1",
            "1.0.1-alpha",
            "1.0.1-alpha.1",
            "1.0.1-alpha.beta",
            "1.0.1-beta.2",
            "1.0.1-beta.11",
            "1.0.1-rc.1",
            "1.0.1",
            "v1.2",
            "1.2.0.1",
            "1.2.3",
            "1.2.10",
            "2.0.0+build.1",
        ];
        for (index, a) in order.iter().enumerate() {
            for (other, b) in order.iter().enumerate() {
                assert_eq!(parsed(a).cmp(&parsed(b)), index.cmp(&other), "{a} and {b}");
            }
        }
        assert_eq!(parsed("1.2"), parsed("v1.2.0"));
        assert_eq!(parsed("1.2.3+a"), parsed("1.2.3+b"), "a build makes no difference");
    }

    #[test]
    fn the_next_patch_version_is_certain_or_not_given() {
        for (text, next) in
            [("1.2.3", "1.2.4"), ("v0.0.9", "0.0.10"), ("1.2", "1.2.1"), ("2026.11.20", "2026.11.21")]
        {
            assert_eq!(parsed(text).next_patch().as_deref(), Ok(next));
        }
        for (text, why) in [
            ("1.3.0-rc.1", "pre-release"),
            ("1.2.3+7", "names a build"),
            ("7", "no patch part"),
            ("1.2.3.4", "more than three"),
            ("2026.11.02", "looks like part of a date"),
            ("1.2.18446744073709551615", "cannot be bumped"),
        ] {
            let said = parsed(text).next_patch().unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "v",
            "stable",
            "1.",
            ".1",
            "1..2",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3rc1",
            "1.2.3.4.5",
            "-1.2.3",
            "1.2.3 ",
            "99999999999999999999",
            "1.2.x",
            "vv1.2",
        ] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
        assert!(
            parsed("1.2.3-rc.1").is_strict() && !parsed("1.2").is_strict() && !parsed("1.02.3").is_strict()
        );
    }
}
