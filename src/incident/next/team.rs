//! What people owe each other: an answer to an offer, a report on a task, an end to what was proposed.

use super::{Next, Rank, Steps};
use crate::incident::policy::Role;
use crate::incident::state::{Offer, same_person};
use crate::incident::time::duration;

impl Steps<'_> {
    /// What is offered to who looks: nobody else can answer it, and until then nobody knows who has it.
    pub(super) fn offered(&mut self) {
        let (state, policy, me) = (self.state, self.policy, &self.facts.me);
        for offer in state.open_offers().filter(|offer| same_person(&offer.to, me)) {
            let what = policy.handed(&offer.role);
            let take = if offer.role == Role::COMMANDER { "take command" } else { "take over" };
            let title = format!("{} offers you {what}: {take}, or decline", offer.by);
            self.add_ranked(Rank::Settle, "team", "", title);
        }
    }

    /// Offers that wait for an answer, messages that did not get through, tasks whose time is over, and proposals that can be decided.
    pub(super) fn team(&mut self) {
        let (state, policy, now) = (self.state, self.policy, self.now);
        let is_mine = |offer: &&Offer| same_person(&offer.to, &self.facts.me);
        let others: Vec<&Offer> = state.open_offers().filter(|offer| !is_mine(offer)).collect();
        for offer in others {
            let from = if offer.from.is_empty() { String::new() } else { format!(" from {}", offer.from) };
            if same_person(&offer.by, &self.facts.me) {
                let what = policy.handed(&offer.role);
                let title =
                    format!("{} has not taken {what} yet: ask again, or withdraw the offer", offer.to);
                self.add("team", "", title);
                continue;
            }
            // Only whoever it is offered to can take it: the key opens what everybody can do about it.
            self.add("team", "", format!("{}: {}{from}, or decline", offer.to, policy.taking(&offer.role)));
        }
        if let Some(message) = state.stuck(now) {
            let (kind, to) = (message.kind.name(), policy.audience_title(&message.audience));
            let channels: Vec<&str> = message.stuck_on(now).collect();
            let by = channels.join(", ");
            self.add("message", "", format!("{kind} for {to} was not delivered on {by}: review and resend"));
        }
        let within = policy.acknowledge_within;
        if let Some((message, way)) = state.unanswered(within, now) {
            let whom = way.page.as_ref().map_or("", |page| page.who.as_str());
            let whom = if whom.is_empty() { String::new() } else { format!(" to {whom}") };
            let title =
                format!("nobody acknowledged the page{whom} after {}: page again, or call", duration(within));
            let due = way.since.checked_add(within).unwrap_or(way.since);
            self.add_at(due, "page", &message.audience, title);
        }
        for task in state.open_tasks().into_iter().filter(|task| now >= task.until) {
            let title = format!("ask {} what came of it: {}", task.owner, task.text);
            self.add_at(task.until, "task.end", &task.id.to_string(), title);
        }
        for motion in state.open_motions() {
            let id = motion.id.to_string();
            if motion.is_due(now) || !motion.objections.is_empty() {
                let title = format!("decide: {} ({})", motion.text, motion.standing(motion.until));
                self.add_at(motion.until.min(now), "proposal.agree", &id, title);
            } else {
                let title = format!("any strong objections? {}", motion.text);
                let next = Next { due_at: Some(motion.until), ..next("proposal.object", &id, title) };
                self.list.push((Rank::Turn, next));
            }
        }
    }

    /// Adds something that was due then.
    fn add_at(&mut self, at: jiff::Timestamp, action: &'static str, argument: &str, title: String) {
        let next = Next { due_at: Some(at), overdue: true, ..next(action, argument, title) };
        self.list.push((Rank::Overdue, next));
    }
}

fn next(action: &'static str, argument: &str, title: String) -> Next {
    Next { action, argument: argument.to_owned(), title, due_at: None, overdue: false }
}
