//! How a plan was confirmed, in the words that stand in the record.

use crate::text::visible;

/// Its target was typed on a screen.
pub fn typed(target: &str) -> String {
    format!("typed {}", visible(target))
}

/// Its target was given on the command line.
pub fn given(target: &str) -> String {
    format!("--confirm {}", visible(target))
}

/// Tells whether these words say that the target was named: whatever is protected, and whatever
/// passes over a gate, needs that.
pub fn names(words: &str, target: &str) -> bool {
    words == typed(target) || words == given(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_target_names_it() {
        assert!(names(&typed("production"), "production") && names(&given("production"), "production"));
        for words in ["", "enter", "y", "by the verb", "typed staging", "production", "typed "] {
            assert!(!names(words, "production"), "{words}");
        }
    }
}
