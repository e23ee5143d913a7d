//! What may be written through a journal that is not open for everything.

use super::Journal;
use crate::failure::{Failure, Result};

/// The kinds of records that may be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Only {
    /// All.
    #[default]
    All,
    /// These, by their stored names. Of none: nothing at all.
    Kinds(&'static [&'static str]),
}

/// What keeps a journal from being written that is open for nothing.
pub(super) const NOTHING: &str = "it was opened only to be read";

const HINT: &str = "leave it to a person";

impl Journal {
    /// Lets only records of these kinds be written from now on, whoever asks; where there are none, nothing.
    #[must_use]
    pub fn only(mut self, kinds: &'static [&'static str]) -> Self {
        self.only = Only::Kinds(kinds);
        self
    }
}

impl Only {
    /// Tells whether nothing at all may be written.
    pub(super) fn is_nothing(self) -> bool {
        self == Self::Kinds(&[])
    }

    /// Refuses to write where nothing may be written.
    pub(super) fn refuse_all(self, doing: &str) -> Result<()> {
        if self.is_nothing() { Err(Failure::new(doing, NOTHING, HINT)) } else { Ok(()) }
    }

    /// Refuses what may not be written.
    pub(super) fn refuse(self, kind: &str) -> Result<()> {
        match self {
            Self::Kinds(kinds) if !kinds.contains(&kind) => {
                let cause = format!("a record “{kind}” may not be written here, only {}", kinds.join(", "));
                Err(Failure::new("saving to the journal", cause, HINT))
            }
            _ => Ok(()),
        }
    }
}
