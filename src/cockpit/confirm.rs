//! What takes a confirmation back: a key that cancels, read in the same moment.

use super::key::{Code, Key};

/// Longest time between the press of a key and its turn for it to confirm anything, in
/// milliseconds: the screen was behind, and whoever pressed it saw nothing happen.
pub const MOMENT_MS: u64 = 1000;

/// What a key cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cancel {
    /// Nothing.
    #[default]
    Nothing,
    /// A question with yes and no; in a line of text it is a letter.
    Question,
    /// Whatever is open.
    Anything,
}

impl Cancel {
    /// What this key cancels.
    pub fn of(key: Key) -> Self {
        match key.code {
            Code::Esc => Self::Anything,
            Code::Char('c') if key.ctrl => Self::Anything,
            // Escape and a key, pressed in the same moment, look the same.
            _ if key.alt => Self::Anything,
            Code::Char('n' | 'q') if !key.ctrl => Self::Question,
            _ => Self::Nothing,
        }
    }
}
