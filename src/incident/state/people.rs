//! Who had a hand in a plan, under which name, and at which installation.

use super::{Proposal, State, Vote, same_person};
use crate::incident::record::{Record, RecordId};
use crate::text::name::looks_like;

/// Something that somebody did with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// The record.
    record: RecordId,
    /// Hash of the plan.
    hash: String,
    /// The installation.
    node: u64,
    /// Under which name.
    name: String,
    /// `proposed`, `started`, `approved`.
    did: &'static str,
}

impl Hand {
    /// What a record says that somebody did with the plan of this hash.
    pub(in crate::incident) fn new(record: &Record, hash: &str, did: &'static str) -> Self {
        let (name, node) = (record.author.name.clone(), record.author.node);
        Self { record: record.id, hash: hash.to_owned(), node, name, did }
    }

    fn approved(&self) -> bool {
        self.did == "approved"
    }
}

impl Proposal {
    /// Whose plan it is, as far as is known before somebody starts it; may be empty.
    pub fn owner(&self) -> &str {
        if self.by_vote { "" } else { &self.by }
    }

    /// Who put it up, in words: `li`, or `an assistant for li`.
    pub fn whose(&self) -> String {
        if self.by_assistant { format!("an assistant for {}", self.by) } else { self.by.clone() }
    }
}

impl State {
    /// Everybody this incident knows by name.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        let decided = self.votes.iter().flat_map(|vote| [&vote.by, &vote.written_by]);
        let named = self.authors.keys().chain(self.roles.values()).chain(decided);
        named.map(String::as_str)
    }

    /// A known person whose name only looks like this one.
    pub fn mistakable(&self, name: &str) -> Option<&str> {
        looks_like(name, self.people())
    }

    /// What may be wrong with who decided, in a few words: that the same installation started or approved
    /// the plan under another name, and that the name only looks like that of somebody.
    pub fn doubt(&self, vote: &Vote) -> Option<String> {
        let mut doubts = Vec::new();
        let own = self.hands.iter().find(|hand| hand.record == vote.record);
        if let Some(own) = own.filter(|_| vote.is_verified() && !vote.hash.is_empty()) {
            let other = |hand: &&Hand| {
                hand.hash == vote.hash
                    && hand.node == own.node
                    && !same_person(&hand.name, &vote.by)
                    && (!hand.approved() || self.is_own_vote(hand.record))
            };
            let others = || self.hands.iter().filter(other);
            if let Some(other) = others().rfind(|hand| !hand.approved()).or_else(|| others().next_back()) {
                doubts.push(format!("written on the machine where {} {} it", other.name, other.did));
            }
        }
        if let Some(known) = self.mistakable(&vote.by) {
            doubts.push(format!("looks like {known} but is not the same name"));
        }
        (!doubts.is_empty()).then(|| doubts.join(", "))
    }

    /// Tells whether a record is a vote that its author gave, and not one written down for somebody else.
    fn is_own_vote(&self, record: RecordId) -> bool {
        self.votes.iter().any(|vote| vote.record == record && vote.is_verified())
    }
}
