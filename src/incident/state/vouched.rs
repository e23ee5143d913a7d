//! Whose word a record is: an approval counts for its author where their own installation wrote it, and it came from
//! there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{State, Vote, same_person};

/// What a journal knows of where the records of an incident came from. No record can say that of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vouched {
    /// The installation that the journal is of: what it wrote was written here.
    pub own: u64,
    /// Other installations that take part.
    pub others: BTreeMap<u64, Met>,
    /// Installations that took part in other incidents of the journal, as they were met there.
    pub earlier: Vec<(u64, Met)>,
}

/// What is known of another installation in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Met {
    /// How many of its records came signed with its key.
    pub signed: u64,
    /// Who it said it belongs to, when it joined; empty: it has not said so.
    pub person: String,
    /// When it was heard of first, by the clock of this machine, in milliseconds.
    pub since: i64,
}

impl Vouched {
    /// Tells whether an installation is that of a person: the one that was the first to say so, here or in another
    /// incident. Where two were heard of at once, neither is: anybody can say who they are.
    fn is_of(&self, node: u64, person: &str) -> bool {
        if !self.others.get(&node).is_some_and(|met| same_person(&met.person, person)) {
            return false;
        }
        let since =
            self.said_to_be(person).filter(|(known, _)| *known == node).map(|(_, met)| met.since).min();
        let mut others = self.said_to_be(person).filter(|(known, _)| *known != node);
        others.all(|(_, met)| since.is_some_and(|since| met.since > since))
    }

    /// Tells whether what was written here is a person's own: not where somebody else uses this machine, and that
    /// person is known to have another one.
    fn is_own(&self, person: &str) -> bool {
        let user = self.others.get(&self.own).map_or("", |met| &met.person);
        user.is_empty()
            || same_person(user, person)
            || self.said_to_be(person).all(|(node, _)| node == self.own)
    }

    /// Every installation that said it is a person's.
    fn said_to_be<'a>(&'a self, person: &'a str) -> impl Iterator<Item = (u64, &'a Met)> {
        let others = self.others.iter().map(|(node, met)| (*node, met));
        let earlier = self.earlier.iter().map(|(node, met)| (*node, met));
        others.chain(earlier).filter(move |(_, met)| same_person(&met.person, person))
    }
}

/// The same beside a state. It is no part of what the state says: two journals that hold the same say the same.
#[derive(Debug, Clone, Default)]
pub struct Origins(pub(in crate::incident) Option<Arc<Vouched>>);

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl State {
    /// Judges anew which votes are the word of whom they are from.
    pub(in crate::incident) fn sign(&mut self) {
        let (mut votes, mut earlier) =
            (std::mem::take(&mut self.votes), std::mem::take(&mut self.earlier_votes));
        for vote in votes.iter_mut().chain(&mut earlier) {
            vote.signed = self.is_own_word(vote);
        }
        (self.votes, self.earlier_votes) = (votes, earlier);
    }

    /// Tells whether somebody gave a vote on their own machine, and it came from there.
    fn is_own_word(&self, vote: &Vote) -> bool {
        let Some(vouched) = &self.origins.0 else { return true };
        if vote.node == vouched.own {
            return vouched.is_own(&vote.by);
        }
        // Where more is here than came signed, somebody brought it in a file, and nobody can tell which of it is whose.
        let here = self.chains.iter().filter(|(author, _)| author.node == vote.node);
        let here: usize = here.map(|(_, (records, _))| *records).sum();
        let is_signed = vouched.others.get(&vote.node).is_some_and(|met| met.signed == here as u64);
        is_signed && vouched.is_of(vote.node, &vote.by)
    }

    /// Where a vote was signed, in words; `None`: on this machine, or nobody can tell.
    pub fn signed_on(&self, vote: &Vote) -> Option<String> {
        let is_here = self.origins.0.as_ref().is_none_or(|vouched| vouched.own == vote.node);
        (!is_here && vote.is_verified()).then(|| format!("signed on {}'s machine", vote.by))
    }
}
