//! What is known of the failure, as words that can be looked for in changes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::words;
use crate::config::types::Probe;
use crate::incident::{EntryKind, NoteKind, State, SuspectPolicy};

/// What is known of the failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clues {
    /// When it began; `None`: no incident is looked at.
    pub began: Option<Timestamp>,
    /// Words, each once, those that say most first.
    pub words: Vec<Clue>,
    /// Files that were named.
    pub files: Vec<Clue>,
}

/// A word or a file, and where it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clue {
    /// The word as [`super::stem`] leaves it, or the path.
    pub text: String,
    /// Where it was said: `title`, `finding`, `probe api`.
    pub from: String,
}

/// Most words kept: a novel for an impact names everything there is.
const MAX_WORDS: usize = 120;

impl Clues {
    /// What an incident tells. Of the probes those that fail, or failed in it.
    pub fn of(state: &State, probes: &[Probe], policy: &SuspectPolicy) -> Self {
        let mut clues = Self { began: Some(state.started_at), ..Self::default() };
        clues.say("title", &state.title, policy);
        clues.say("cause", &state.cause, policy);
        for entry in state.timeline.iter().filter(|entry| entry.retracted.is_none()) {
            if let EntryKind::Note(kind @ (NoteKind::Finding | NoteKind::Problem)) = entry.kind {
                clues.say(kind.name(), entry.text, policy);
            }
        }
        for (name, alarm) in &state.alarms {
            let from = format!("probe {name}");
            clues.say(&from, name, policy);
            clues.say(&from, &alarm.why, policy);
            if let Some(probe) = probes.iter().find(|probe| probe.name == *name) {
                clues.say(&from, probe.source.url().map_or("", path_of), policy);
                clues.say(&from, probe.source.query().unwrap_or_default(), policy);
                clues.say(&from, &probe.source.argv().unwrap_or_default().join(" "), policy);
            }
        }
        clues.say("impact", &state.impact, policy);
        clues
    }

    /// Takes in what was said.
    pub fn say(&mut self, from: &str, text: &str, policy: &SuspectPolicy) {
        for path in words::files(text) {
            if !self.files.iter().any(|clue| clue.text == path) && self.files.len() < MAX_WORDS {
                self.files.push(Clue { text: path, from: from.to_owned() });
            }
        }
        let is_stop = |word: &str| policy.stop_words.iter().any(|stop| words::stem(stop) == word);
        for word in words::stems(text) {
            let known = self.words.iter().any(|clue| clue.text == word);
            if !known && !is_stop(&word) && self.words.len() < MAX_WORDS {
                self.words.push(Clue { text: word, from: from.to_owned() });
            }
        }
    }

    /// All that is looked for in changed lines.
    pub fn wanted(&self, policy: &SuspectPolicy) -> BTreeSet<String> {
        let words = self.words.iter().map(|clue| clue.text.clone());
        words.chain(policy.limit_words.iter().map(|word| words::stem(word).to_owned())).collect()
    }
}

/// The path of an address: what is asked, not whom.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Policy;

    #[test]
    fn what_says_nothing_is_left_out_and_each_word_keeps_its_first_source() {
        let policy = Policy::built_in().suspects;
        let mut clues = Clues::default();
        clues.say("title", "Checkout answers 500", &policy);
        clues.say("finding", "the pool in src/pool.rs:41 is exhausted after checkout", &policy);
        let words: Vec<_> = clues.words.iter().map(|clue| (clue.text.as_str(), clue.from.as_str())).collect();
        assert_eq!(words, [("checkout", "title"), ("pool", "finding"), ("exhausted", "finding")]);
        assert_eq!(clues.files, [Clue { text: "src/pool.rs".into(), from: "finding".into() }]);
        assert!(clues.wanted(&policy).contains("timeout"));
        assert_eq!(path_of("https://shop.example/api/checkout?x=1"), "/api/checkout?x=1");
        assert_eq!(path_of("https://shop.example"), "");
    }
}
