//! Words in text, in paths and in lines of code.

use std::collections::{BTreeSet, HashSet};

/// Gives every word of a text: letters and digits that belong together, `poolLimit` and
/// `pool_limit` being two. In small letters, the shortest left out.
pub(super) fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    let mut lower_before = false;
    for c in text.chars().chain(std::iter::once(' ')) {
        let part = c.is_alphanumeric();
        if !part || (c.is_uppercase() && lower_before) {
            if word.chars().count() >= 3 && !word.chars().all(char::is_numeric) {
                take(&word);
            }
            word.clear();
        }
        if part && word.len() < 64 {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase();
    }
}

/// Words that are looked for in lines of code, however many those are.
#[derive(Debug, Default)]
pub struct Wanted {
    words: HashSet<String>,
    /// Whether a wanted word begins with a byte, so that most are passed over at once.
    begins: Vec<bool>,
}

impl Wanted {
    /// Looks for these, each as [`stem`] leaves it.
    pub fn new(words: &BTreeSet<String>) -> Self {
        let mut begins = vec![false; 256];
        for word in words {
            if let Some(first) = word.bytes().next() {
                begins[usize::from(first)] = true;
            }
        }
        Self { words: words.iter().cloned().collect(), begins }
    }

    /// Gives every wanted word of a line.
    pub fn scan(&self, line: &[u8], mut found: impl FnMut(&str)) {
        if !line.is_ascii() {
            each(&String::from_utf8_lossy(line), |word| {
                if let Some(word) = self.words.get(stem(word)) {
                    found(word);
                }
            });
            return;
        }
        // The same as `each`, for what nearly all code is.
        let mut at = 0;
        while let Some(first) = line.get(at) {
            if !first.is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let rest = line.get(at + 1..).unwrap_or_default();
            let mut before = *first;
            let more = rest.iter().take_while(|byte| {
                let goes_on = byte.is_ascii_alphanumeric()
                    && !(byte.is_ascii_uppercase() && before.is_ascii_lowercase());
                before = **byte;
                goes_on
            });
            let end = at + 1 + more.count();
            let begins = self.begins.get(usize::from(first.to_ascii_lowercase())).is_some_and(|is| *is);
            if begins
                && (3..=64).contains(&(end - at))
                && let Ok(word) = std::str::from_utf8(line.get(at..end).unwrap_or_default())
                && let Some(word) = self.words.get(stem(&word.to_ascii_lowercase()))
            {
                found(word);
            }
            at = end;
        }
    }
}

/// A word without what only says that there are several.
pub fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if one.len() >= 3 && !one.ends_with(['s', 'u', 'i']) => one,
        _ => word,
    }
}

/// The stems of a text, each once, in order of appearance.
pub(super) fn stems(text: &str) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    each(text, |word| {
        let stem = stem(word);
        if !stems.iter().any(|known| known == stem) {
            stems.push(stem.to_owned());
        }
    });
    stems
}

/// What looks like the path of a file in a text: `src/pool.rs:41` names `src/pool.rs`.
pub(super) fn files(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    text.split(|c: char| !is_part(c))
        .map(|piece| piece.trim_matches(['.', '/', '-']))
        .filter(|piece| {
            piece.rsplit_once('.').is_some_and(|(stem, ending)| {
                !stem.is_empty()
                    && (1..=5).contains(&ending.len())
                    && ending.starts_with(char::is_alphabetic)
                    && !ending.contains('/')
            })
        })
        .map(str::to_owned)
        .collect()
}

/// The first word of a subject, in small letters: `fix` of `fix(pool): raise the limit`.
pub(super) fn first(subject: &str) -> String {
    let word: String = subject
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_names_of_every_style() {
        let stems = stems("poolLimits src/db_pool.rs HTTPServer 500 a max-connections Größe");
        assert_eq!(stems, ["pool", "limit", "src", "httpserver", "max", "connection", "größe"]);
        assert_eq!(
            [stem("status"), stem("class"), stem("pools"), stem("is")],
            ["status", "class", "pool", "is"]
        );
    }

    #[test]
    fn what_is_wanted_is_found_in_lines_just_as_words_are() {
        let words = ["pool", "limit", "größe", "max"].map(str::to_owned).into();
        let wanted = Wanted::new(&words);
        for line in [
            "let poolLimits = MAX_POOL; // pools",
            "limit",
            "pooling unlimited maximum",
            "die Größe des POOL",
            "",
            "a1limit limit1 limit-1",
        ] {
            let mut by_words = Vec::new();
            each(line, |word| by_words.extend(words.get(stem(word)).cloned()));
            let mut found = Vec::new();
            wanted.scan(line.as_bytes(), |word| found.push(word.to_owned()));
            assert_eq!(found, by_words, "{line}");
        }
        let mut found = 0;
        wanted.scan(b"\xff pool \xfe", |_| found += 1);
        assert_eq!(found, 1);
    }

    #[test]
    fn files_are_found_in_a_sentence() {
        assert_eq!(
            files("panicked at src/pool.rs:41, see ./ops/nginx.conf. Done 3.5 e.g. x"),
            ["src/pool.rs", "ops/nginx.conf", "e.g"]
        );
        assert_eq!(first("Fix(pool): raise"), "fix");
        assert_eq!(first("fixup! raise"), "fixup");
        assert_eq!(first(""), "");
    }
}
