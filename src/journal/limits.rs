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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::Journal;
    use crate::incident::{Body, Declared, Draft, IncidentId, NoteKind, Noted, Suggested};

    #[test]
    fn what_a_journal_is_not_open_for_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::open(dir.path(), "Maya").unwrap();
        let now = Timestamp::now();
        let declared = open().declare(now, None, Declared::example()).unwrap();
        let writes = |journal: &mut Journal, body: Body| {
            journal.append(now, vec![Draft::now(declared.incident, body)]).map(|all| all.len())
        };
        let note = || Noted { kind: NoteKind::Note, text: "x".into() }.into();
        let suggested = || Suggested { kind: NoteKind::Note, text: "x".into(), message: None }.into();

        let mut some = open().only(&["assistant"]);
        assert_eq!(some.read_only(), None);
        assert_eq!(writes(&mut some, suggested()).unwrap(), 1);
        let refused = writes(&mut some, note()).unwrap_err();
        assert!(refused.cause.contains("“note” may not be written here, only assistant"), "{refused}");
        assert!(some.declare(now, None, Declared::example()).is_err());

        let mut nothing = open().only(&[]);
        assert!(nothing.read_only().is_some());
        assert!(writes(&mut nothing, suggested()).is_err());
        let count = |id: IncidentId| open().load(id).unwrap().0.state().records;
        assert_eq!(count(declared.incident), 2);
    }
}
