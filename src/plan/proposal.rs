//! Plans that are put up for approval: which of them wait, and what exactly was put up.

use jiff::Timestamp;

use super::Plan;
use super::gates::{self, ApprovalRule, Approvals, Judged, Standing, approvals};
use super::stored::{self, Unreadable};
use crate::incident::{PlanProposed, Policy, Proposal, Spec, State, Vote};

/// The record that puts a plan up. The same plan put up twice has the same id. `None` where it
/// cannot be written as JSON.
pub fn propose(plan: &Plan) -> Option<PlanProposed> {
    let id = id(&plan.hash());
    let stored::Sealed { spec, hash } = stored::seal(&Plan { id: id.clone(), ..plan.clone() }).ok()?;
    Some(PlanProposed {
        plan: id,
        title: plan.title.clone(),
        purpose: plan.purpose.name().to_owned(),
        target: plan.target.clone(),
        hash,
        steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
        spec,
        by_vote: false,
        by_assistant: false,
    })
}

/// Id of the proposal of the plan with this hash: `proposal-3f2a9c1b`.
pub fn id(hash: &str) -> String {
    format!("proposal-{}", hash.get(..8).unwrap_or(hash))
}

/// How many proposals of assistants may wait at once.
pub const MOST_OF_ASSISTANTS: usize = 5;

/// Proposals that wait, newest last: neither started since nor put in the shade by a later one
/// or another start for the same purpose and target. What an assistant proposes puts no person's in the shade.
pub fn waiting(state: &State) -> impl DoubleEndedIterator<Item = &Proposal> {
    state.proposals.iter().enumerate().filter_map(|(index, proposal)| {
        let same = |purpose: &str, target: &str| purpose == proposal.purpose && target == proposal.target;
        let replaces = |other: &Proposal| proposal.by_assistant || !other.by_assistant;
        let mut newer = state.proposals.iter().skip(index + 1);
        let later = newer.any(|other| replaces(other) && same(&other.purpose, &other.target));
        let started =
            state.plans.iter().any(|run| same(&run.purpose, &run.target) && run.started_at >= proposal.at);
        (!later && !started).then_some(proposal)
    })
}

/// The proposal at hand: the newest one of a person that waits. One of an assistant is never meant unless it
/// is named.
pub fn at_hand(state: &State) -> Option<&Proposal> {
    waiting(state).rfind(|waits| !waits.by_assistant)
}

/// Proposals of assistants that wait and that nobody has rejected, newest last.
pub fn of_assistants(state: &State) -> impl Iterator<Item = &Proposal> {
    let is_rejected =
        |waits: &Proposal| state.votes.iter().any(|vote| !vote.approves && vote.hash == waits.hash);
    waiting(state).filter(move |waits| waits.by_assistant && !is_rejected(waits))
}

/// What a vote that names no plan could be about, newest last: what people and assistants ask approval for.
pub fn votable(state: &State) -> Vec<&Proposal> {
    let people = waiting(state).filter(|waits| !waits.by_assistant);
    let (asked, other): (Vec<_>, Vec<_>) = people.partition(|waits| asks(&waits.spec));
    let people = if asked.is_empty() { other } else { asked };
    people.into_iter().chain(of_assistants(state)).collect()
}

/// Whether a plan has to be approved at all.
fn asks(spec: &Spec) -> bool {
    let gates = spec.get("gates").and_then(serde_json::Value::as_array);
    gates.is_some_and(|gates| gates.iter().any(|gate| gate.get("gate").is_some_and(|id| id == "approvals")))
}

/// The newest proposal of a plan with this hash; that of a person, if one has put it up.
pub fn of<'a>(state: &'a State, hash: &str) -> Option<&'a Proposal> {
    let mut all = state.proposals.iter().rev().filter(|proposal| proposal.hash == hash);
    let newest = all.next()?;
    if newest.by_assistant { all.find(|other| !other.by_assistant).or(Some(newest)) } else { Some(newest) }
}

/// The plan of a proposal.
///
/// # Errors
/// A newer version wrote it, it is no plan, or it is not the plan whose hash was put up.
pub fn plan(proposal: &Proposal) -> Result<Plan, Unreadable> {
    let recorded = stored::read(&proposal.spec)?;
    if recorded.hash == proposal.hash {
        Ok(recorded.plan)
    } else {
        Err(Unreadable::Broken("it is not what its hash stands for".to_owned()))
    }
}

/// What shuts the target of a proposed plan to the commit it would bring there; `None`: nothing does.
pub fn condemned(state: &State, policy: &Policy, proposal: &Proposal) -> Option<Standing> {
    gates::condemned(&plan(proposal).ok()?, state, policy)
}

/// The plan that approvals are about now: the proposal that waits, else the last plan that was
/// started and had to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Id of the proposal or plan.
    pub id: &'a str,
    /// One line.
    pub title: &'a str,
    /// Its hash.
    pub hash: &'a str,
    /// Who put it up or started it: whose own approval it would be.
    pub by: &'a str,
    /// Whether it still waits to be started.
    pub waits: bool,
}

/// The plan that approvals are about now; `None`: there is none.
pub fn subject(state: &State) -> Option<Subject<'_>> {
    let proposed = at_hand(state).map(|found| Subject {
        id: &found.id,
        title: &found.title,
        hash: &found.hash,
        by: found.owner(),
        waits: true,
    });
    let started = || {
        state.plans.iter().rev().find(|run| asks(&run.spec)).map(|run| Subject {
            id: &run.id,
            title: &run.title,
            hash: &run.hash,
            by: &run.by,
            waits: false,
        })
    };
    proposed.or_else(started)
}

/// How the approvals of the plan at hand stand under the policy in force. Where there is no plan
/// none can have been given.
pub fn standing<'a>(state: &'a State, rule: &'a ApprovalRule, now: Timestamp) -> Approvals<'a> {
    let (hash, by) = subject(state).map_or(("", ""), |subject| (subject.hash, subject.by));
    // Reading a plan takes time: only where an approval of an earlier one is to be explained.
    let is_earlier = |vote: &Vote| vote.approves && !vote.hash.is_empty() && vote.hash != hash;
    let waits = state.votes.iter().any(is_earlier).then(|| of(state, hash)).flatten();
    let plan = waits.and_then(|waits| plan(waits).ok());
    approvals(state, rule, Judged { hash, plan: plan.as_ref() }, by, now)
}
