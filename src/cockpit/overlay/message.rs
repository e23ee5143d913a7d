//! A message: its draft, who gets it, where it goes, and what became of it.

use jiff::Timestamp;

use super::super::msg::EffectId;
use super::super::page::PageEdit;
use super::Scroll;
use crate::comms::draft::Own;
use crate::comms::preview::Part;
use crate::comms::wire::Length;
use crate::config::types::Channel;
use crate::incident::{Message, MessageKind, RecordId};

/// A message before it is sent, and afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// What it is for.
    pub kind: MessageKind,
    /// Audience id.
    pub audience: String,
    /// When the draft was written: who sent the like since then has sent it.
    pub read_at: Timestamp,
    /// The text.
    pub page: PageEdit,
    /// Whether somebody has changed it.
    pub changed: bool,
    /// Whether keys go into the text.
    pub editing: bool,
    /// The team's own templates; `None`: they are being read, and there is no draft yet.
    pub own: Option<Vec<Own>>,
    /// What is wrong with the team's own template.
    pub problem: Option<String>,
    /// The effect that reads templates.
    pub asked: Option<EffectId>,
    /// The effect that has the text in the user's editor.
    pub editor: Option<EffectId>,
    /// The effect that sends it.
    pub sending: Option<EffectId>,
    /// The record of it, once it was sent.
    pub sent: Option<RecordId>,
    /// Why nothing was sent; empty while nothing is wrong.
    pub complaint: String,
    /// Since when it has been on the screen, as in [`super::Preview::shown_ms`].
    pub shown_ms: Option<u64>,
    /// First line shown.
    pub scroll: Scroll,
    /// The channel whose look is shown, by its place among those of the audience.
    pub channel: Option<usize>,
    /// How it will look on its channels; `None`: that is not known yet.
    pub looks: Option<Looks>,
}

/// How a message will look on the channels of its audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// What it was made of: the message, how far the record was, and the channels.
    pub(in crate::cockpit) made_of: (String, MessageKind, usize, Vec<Channel>),
    /// How long it is on each.
    pub lengths: Vec<Length>,
    /// The channel that is shown, by its place among them.
    pub at: Option<usize>,
    /// What that one will show.
    pub parts: Vec<Part>,
}

impl MessageView {
    /// Columns of a screen from which on the look on a channel stands beside the text; else it is shown in its place.
    pub const BESIDE: u16 = 120;

    /// A draft that is still to be written.
    pub fn new(kind: MessageKind, audience: String, read_at: Timestamp) -> Self {
        Self {
            kind,
            audience,
            read_at,
            page: PageEdit::new(""),
            changed: false,
            editing: false,
            own: None,
            problem: None,
            asked: None,
            editor: None,
            sending: None,
            sent: None,
            complaint: String::new(),
            shown_ms: None,
            scroll: Scroll::default(),
            channel: None,
            looks: None,
        }
    }

    /// A message that is on record.
    pub fn sent(message: &Message, now: Timestamp) -> Self {
        Self {
            page: PageEdit::new(&message.text),
            own: Some(Vec::new()),
            sent: Some(message.id),
            ..Self::new(message.kind, message.audience.clone(), now)
        }
    }

    /// Tells whether Enter would send it.
    pub fn may_be_sent(&self) -> bool {
        let away = self.editing || self.editor.is_some();
        self.own.is_some() && !away && self.sending.is_none() && self.sent.is_none()
    }
}
