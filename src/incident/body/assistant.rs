//! What records say of assistants: what one wrote in the session of a person, for people to read.

use serde::{Deserialize, Serialize};

use super::{MessageKind, NoteKind};

/// Keeps what an assistant wrote in the session of whoever the record is by. It counts for nothing by itself: no
/// clock is met by it and nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggested {
    /// What it is about, where it is a note.
    #[serde(default, skip_serializing_if = "is_note")]
    pub kind: NoteKind,
    /// The text.
    pub text: String,
    /// The message that it would be; `None`: it is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageOf>,
}

/// Which message a text is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageOf {
    /// What kind of message it is.
    pub kind: MessageKind,
    /// Audience id from the policy.
    pub audience: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_note(kind: &NoteKind) -> bool {
    *kind == NoteKind::Note
}
