//! What is known about suspects, as the screen shows it, and the two views of them.

use jiff::Timestamp;

use super::lines::Needle;
use super::model::Model;
use super::msg::EffectId;
use crate::failure::Failure;
use crate::hotfix::suspects::{ChangeText, Found, Suspect, short};
use crate::incident::IncidentId;

/// What changed since it last worked.
#[derive(Debug, Default)]
pub struct Suspects {
    /// What was found out last.
    pub looked: Option<Looked>,
    /// Whether something changed that it depends on since it was asked for.
    pub stale: bool,
    /// The look that is under way.
    pub looking: Option<EffectId>,
    /// The incident in which somebody read the list here last.
    pub read: Option<IncidentId>,
}

impl Model {
    /// Whether somebody looked here at what changed in the open incident.
    pub(super) fn has_looked_at_changes(&self) -> bool {
        self.suspects.read.is_some() && self.suspects.read == self.incident().map(|state| state.id)
    }
}

impl Suspects {
    /// What was found, if it could be found out.
    pub fn found(&self) -> Option<&Found> {
        self.looked.as_ref()?.found.as_ref().ok()
    }
}

/// What changed, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// When.
    pub at: Timestamp,
    /// Most suspicious first; or why nothing could be found out.
    pub found: Result<Found, Failure>,
}

/// The list of suspects, with one of them chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuspectsView {
    /// Id of the one the cursor is on: it stays there when the order changes.
    pub chosen: String,
    /// First line shown of what is known of it.
    pub top: usize,
    /// Only those that contain this are shown, case ignored; empty: all.
    pub filter: String,
}

impl SuspectsView {
    /// Those that pass the filter, each with its rank from 1.
    pub fn rows<'a>(&self, found: &'a Found) -> Vec<(usize, &'a Suspect)> {
        let filter = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&filter);
        let passes = |suspect: &Suspect| {
            filter.is_empty()
                || has(&suspect.title)
                || has(&suspect.contact)
                || has(short(&suspect.id))
                || suspect.reasons.iter().any(|reason| has(&reason.text))
                || suspect.change.iter().flat_map(|change| &change.files).any(|file| has(&file.path))
        };
        let ranked = found.suspects.iter().enumerate().map(|(index, suspect)| (index + 1, suspect));
        ranked.filter(|(_, suspect)| passes(suspect)).collect()
    }

    /// The one the cursor is on; the first where it is on none.
    pub fn suspect<'a>(&self, found: &'a Found) -> Option<&'a Suspect> {
        let rows = self.rows(found);
        let chosen = rows.iter().find(|(_, suspect)| suspect.id == self.chosen);
        chosen.or(rows.first()).map(|(_, suspect)| *suspect)
    }
}

/// What a text that is read tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tells {
    /// A change.
    #[default]
    Change,
    /// What a job printed.
    Log,
}

impl Tells {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "the change",
            Self::Log => "the log",
        }
    }
}

/// A change as text, or what a job printed, to be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeView {
    /// What it tells of.
    pub tells: Tells,
    /// What it is called.
    pub title: String,
    /// The effect that reads it.
    pub reading: Option<EffectId>,
    /// The text, once it was read.
    pub text: ChangeText,
    /// Why it could not be.
    pub problem: Option<Failure>,
    /// First line shown.
    pub top: usize,
    /// First column shown.
    pub shift: u16,
    /// What was looked for.
    pub search: Option<ChangeSearch>,
}

/// A text that was looked for in a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeSearch {
    /// The text.
    pub text: String,
    /// Lines that contain it, by their number.
    pub lines: Vec<usize>,
    /// Which of them is the one gone to.
    pub current: usize,
}

impl ChangeView {
    /// Looks for a text, and goes to the first line from the one shown first that contains it.
    pub fn find(&mut self, text: &str) {
        let needle = Needle::new(text);
        let lines = self.text.lines.iter().enumerate();
        let lines: Vec<usize> =
            lines.filter(|(_, line)| !needle.find(&line.text).is_empty()).map(|(number, _)| number).collect();
        let current = lines.iter().position(|line| *line >= self.top).unwrap_or(0);
        self.search = (!text.is_empty()).then(|| ChangeSearch { text: text.to_owned(), lines, current });
        self.go(0);
    }

    /// Goes to the next line that contains it, or to the one before; round and round.
    pub fn go(&mut self, by: isize) {
        let Some(search) = &mut self.search else { return };
        let count = search.lines.len() as isize;
        if count == 0 {
            return;
        }
        search.current = (search.current as isize + by).rem_euclid(count) as usize;
        self.top = search.lines[search.current].saturating_sub(3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::suspects::{LineKind, TextLine};

    #[test]
    fn what_is_looked_for_in_a_change_is_gone_to_round_and_round() {
        let line = |text: &str| TextLine { kind: LineKind::Context, text: text.to_owned() };
        let lines = ["a", "pool", "b", "c", "d", "Pool limit"].map(line).into();
        let text = ChangeText { lines, ..ChangeText::default() };
        let mut view = ChangeView { text, top: 2, ..ChangeView::default() };
        view.find("pool");
        assert_eq!((view.search.as_ref().unwrap().lines.clone(), view.top), (vec![1, 5], 2));
        view.go(1);
        assert_eq!(view.top, 0);
        view.go(-1);
        assert_eq!(view.search.as_ref().unwrap().current, 1);
        view.find("nowhere");
        view.go(1);
        assert!(view.search.as_ref().unwrap().lines.is_empty());
        view.find("");
        assert!(view.search.is_none());
    }
}
