//! Words that presenter mode masks have to be words: a letter or two would leave nothing readable.

use toml::de::DeTable;

use super::{table, texts};
use crate::config::problem::Problem;
use crate::text::veil::SHORTEST;
use crate::text::visible;

/// Reports every word that cannot be masked.
pub(super) fn check(root: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(present) = table(root, "present") else { return };
    for (word, span) in texts(present, "words") {
        let why = if visible(word) != word {
            "it has invisible characters".to_owned()
        } else if word.trim().chars().count() < SHORTEST {
            format!("it has fewer than {SHORTEST} letters, and would mask half of the screen")
        } else {
            continue;
        };
        let problem = Problem::new(span, format!("this word cannot be masked: {why}"));
        found.push(problem.help("words = [\"Example Bank\", \"project falcon\"]"));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    #[test]
    fn words_are_read_and_those_of_a_letter_or_two_are_refused() {
        let said = |text: &str| load::parse(text.as_bytes()).map_err(|invalid| invalid.lines().join("\n"));
        let config = said("[present]\nwords = [\"Example Bank\", \"falcon\"]\n").unwrap();
        assert_eq!(config.present.words, ["Example Bank", "falcon"]);
        assert!(said("").unwrap().present.words.is_empty());
        let why = said("[present]\nwords = [\"falcon\", \" ab \"]\n").unwrap_err();
        assert!(why.contains(":2:20") && why.contains("fewer than 3 letters"), "{why}");
    }
}
