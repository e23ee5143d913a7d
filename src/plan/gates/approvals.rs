//! Who has approved a plan, who has rejected it, and whether that is enough.

use jiff::{SignedDuration, Timestamp};

use super::{ApprovalRule, Judged, Met};
use crate::incident::{
    ANOTHER, Policy, Proposal, RecordId, Severity, State, TOLERATED, Vote, duration, same_person,
};
use crate::plan::programs::{self, Changed};
use crate::plan::proposal;

/// What is said of an approval that nobody gave.
pub const NOT_GIVEN: &str = "not given";

/// How the approvals of a plan stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals<'a> {
    /// The roles that have to approve, in the order of the rule.
    pub roles: Vec<RoleStanding<'a>>,
    /// Rejections that stand, oldest first.
    pub rejections: Vec<&'a Vote>,
    /// Every approval that does not count for this plan now, with why, oldest first.
    pub void: Vec<(&'a Vote, String)>,
}

impl ApprovalRule {
    /// What the policy in force demands at a severity.
    pub fn of(policy: &Policy, severity: Severity) -> Self {
        let demands = policy.severity(severity);
        Self {
            roles: demands.approvals.clone(),
            verbal: demands.verbal_approval,
            own: demands.own_approval,
            valid_for: policy.approval_valid_for,
        }
    }
}

/// How one role stands with a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleStanding<'a> {
    /// Role id.
    pub role: &'a str,
    /// The approval that counts.
    pub approval: Option<&'a Vote>,
    /// Why there is none; empty where there is.
    pub why: String,
    /// What may be wrong with who gave it; empty where nothing is.
    pub doubt: String,
}

impl Approvals<'_> {
    /// How many of the roles have approved.
    pub fn given(&self) -> usize {
        self.roles.iter().filter(|role| role.approval.is_some()).count()
    }

    /// Tells whether some approve what others reject.
    pub fn in_conflict(&self) -> bool {
        !self.rejections.is_empty() && self.given() > 0
    }

    /// What may be wrong with who approved, to follow on how it stands; empty where nothing is.
    fn doubts(&self) -> String {
        let doubtful = self.roles.iter().filter(|role| !role.doubt.is_empty());
        let doubt = |role: &RoleStanding<'_>| Some(format!(" ▲ {}: {}", role.approval?.by, role.doubt));
        doubtful.filter_map(doubt).collect()
    }

    /// Whether that is enough, and why.
    pub(super) fn stand(&self) -> (Met, String) {
        if self.roles.is_empty() && self.rejections.is_empty() {
            return (Met::NotApplicable, "none are asked for".to_owned());
        }
        let given: Vec<String> = self.roles.iter().filter_map(given_by).collect();
        if !self.rejections.is_empty() {
            let against: Vec<String> = self.rejections.iter().map(|vote| rejected_by(vote)).collect();
            let against = against.join("; ");
            return if given.is_empty() {
                (Met::No, against)
            } else {
                (Met::No, format!("in conflict: approved by {}, but {against}", given.join(", ")))
            };
        }
        let missing: Vec<String> = self
            .roles
            .iter()
            .filter(|standing| standing.approval.is_none())
            .map(|standing| format!("{}: {}", standing.role, standing.why))
            .collect();
        if missing.is_empty() {
            (Met::Yes, format!("{}{}", given.join(", "), self.doubts()))
        } else {
            (Met::No, format!("{}{}", missing.join("; "), self.doubts()))
        }
    }
}

/// How approvals stand, with roles by their titles: `engineering lead: not given`.
pub(super) fn titled(why: &str, policy: &Policy) -> String {
    let title = |clause: &str| {
        for role in &policy.roles {
            if let Some(rest) = clause.strip_prefix(&role.id)
                && rest.starts_with(": ")
            {
                return format!("{}{rest}", role.title);
            }
        }
        // Who approved or rejected, and as what.
        let Some((who, rest)) = clause.split_once(" as ") else { return clause.to_owned() };
        let end = rest.find([',', ':', ' ']).unwrap_or(rest.len());
        let (role, rest) = rest.split_at(end);
        format!("{who} as {}{rest}", policy.role_title(role))
    };
    let clauses = why.split("; ").map(|clause| clause.split(", ").map(title).collect::<Vec<_>>().join(", "));
    clauses.collect::<Vec<_>>().join("; ")
}

fn given_by(standing: &RoleStanding<'_>) -> Option<String> {
    let vote = standing.approval?;
    let unverified = if vote.is_verified() { "" } else { " (unverified)" };
    Some(format!("{} as {}{unverified}", vote.by, vote.role))
}

fn rejected_by(vote: &Vote) -> String {
    let colon = if vote.how.is_empty() { "" } else { ": " };
    format!("rejected by {} as {}{colon}{}", vote.by, vote.role, vote.how)
}

/// How the approvals of a plan stand. `by` is who would start it. A person counts for one role only,
/// and what was rejected by anybody is approved by nobody.
pub fn approvals<'a, 'p>(
    state: &'a State,
    rule: &'a ApprovalRule,
    judged: impl Into<Judged<'p>>,
    by: &str,
    now: Timestamp,
) -> Approvals<'a> {
    let votes: Vec<&Vote> = state.votes.iter().collect();
    weigh(state, &votes, rule, judged.into(), by, Now { at: now, latest: state.latest })
}

/// What somebody's approval comes to if they give it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// Why it does not count; `None`: it does.
    pub refused: Option<String>,
    /// Who has to approve after that, in words; empty: nobody.
    pub left: String,
}

/// Finds out what it comes to if somebody approves a proposal in a role, with their own hands.
pub fn foresee(
    state: &State,
    policy: &Policy,
    (waits, role): (&Proposal, &str),
    who: &str,
    now: Timestamp,
) -> Foreseen {
    let vote = Vote {
        record: RecordId(uuid::Uuid::nil()),
        approves: true,
        role: role.to_owned(),
        by: who.to_owned(),
        written_by: who.to_owned(),
        verbal: false,
        how: String::new(),
        plan: Some(waits.id.clone()),
        hash: waits.hash.clone(),
        title: String::new(),
        at: now,
        latest: state.latest,
        node: 0,
        signed: true,
    };
    let wanted = ApprovalRule::of(policy, state.severity);
    let before = state.votes.iter().filter(|other| !is_anew(other, &vote));
    let votes: Vec<&Vote> = before.chain([&vote]).collect();
    let now = Now { at: now, latest: state.latest };
    let found = weigh(state, &votes, &wanted, waits.hash.as_str().into(), waits.owner(), now);
    let refused =
        found.void.iter().find(|(other, _)| other.record == vote.record).map(|(_, why)| why.clone());
    Foreseen { refused, left: still_to_approve(&found, state, policy) }
}

/// Who still has to approve, in words: `the on-call manager (li) still has to approve`; empty: nobody.
pub fn still_to_approve(standing: &Approvals<'_>, state: &State, policy: &Policy) -> String {
    let missing = standing.roles.iter().filter(|role| role.approval.is_none());
    let named: Vec<String> = missing
        .map(|role| {
            let title = policy.role_title(role.role);
            match state.roles.get(role.role) {
                Some(holder) => format!("the {title} ({holder})"),
                None => format!("the {title}"),
            }
        })
        .collect();
    match named.as_slice() {
        [] => String::new(),
        [one] => format!("{one} still has to approve"),
        all => format!("{} still have to approve", all.join(" and ")),
    }
}

/// When approvals are judged.
#[derive(Clone, Copy)]
struct Now {
    at: Timestamp,
    /// The latest time on record: a clock that was set back since makes nothing younger.
    latest: Timestamp,
}

impl Now {
    /// How old a vote is at least. A clock that was ahead before it was given ages it no further.
    fn age(self, vote: &Vote) -> SignedDuration {
        self.at.duration_since(vote.at).max(self.latest.duration_since(vote.latest))
    }
}

/// How the approvals of a plan stand, by these votes.
fn weigh<'a>(
    state: &'a State,
    votes: &[&'a Vote],
    rule: &'a ApprovalRule,
    about: Judged<'_>,
    by: &str,
    now: Now,
) -> Approvals<'a> {
    let given = || votes.iter().copied().filter(|vote| vote.approves);
    let judged: Vec<(&Vote, Option<String>)> =
        given().map(|vote| (vote, refusal(vote, rule, about, state, by, now))).collect();
    let good: Vec<&Vote> = judged.iter().filter(|(_, why)| why.is_none()).map(|(vote, _)| *vote).collect();
    let chosen = assign(&rule.roles, &good);
    // A second approval in the same role is as good as the first.
    let elsewhere = |vote: &Vote| {
        let other = |other: &&&Vote| other.role != vote.role && same_person(&other.by, &vote.by);
        let other = chosen.iter().flatten().find(other)?;
        Some(format!("{} counts once, as {}: two roles are two people", vote.by, other.role))
    };
    let void: Vec<(&Vote, String)> =
        judged.into_iter().filter_map(|(vote, why)| Some((vote, why.or_else(|| elsewhere(vote))?))).collect();
    let roles = rule
        .roles
        .iter()
        .zip(chosen.iter().copied())
        .map(|(role, approval)| {
            let newest = || void.iter().rev().find(|(vote, _)| vote.role == *role);
            let why = if approval.is_some() {
                String::new()
            } else {
                newest().map_or_else(|| NOT_GIVEN.to_owned(), |(_, why)| why.clone())
            };
            let doubt = approval.and_then(|vote| state.doubt(vote)).unwrap_or_default();
            RoleStanding { role, approval, why, doubt }
        })
        .collect();
    Approvals { roles, rejections: rejections(state, about.hash), void }
}

/// Why an approval does not count for the plan it was given for; `None`: it does, or it is none. It is
/// judged by what was in force when that plan was started, and until then by what is now.
pub fn void(state: &State, policy: &Policy, vote: RecordId, now: Timestamp) -> Option<String> {
    let mut all = state.earlier_votes.iter().chain(&state.votes);
    let vote = all.find(|one| one.record == vote && one.approves)?;
    let same = |hash: &str| !vote.hash.is_empty() && hash == vote.hash;
    let started = state.plans.iter().find(|run| same(&run.hash) && run.started_at >= vote.at);
    let at = started.map_or(now, |run| run.started_at);
    let in_force = state.severities.iter().rev().find(|(since, ..)| *since <= at);
    let severity = in_force.filter(|_| started.is_some()).map_or(state.severity, |(_, then, _)| *then);
    let rule = ApprovalRule::of(policy, severity);
    if rule.roles.is_empty() {
        return None;
    }
    let proposed = state.proposals.iter().rev().find(|proposed| same(&proposed.hash));
    let owner = state.plans.iter().rev().find(|run| same(&run.hash)).map(|run| run.by.as_str());
    let by = started.map(|run| run.by.as_str()).or(owner).or(proposed.map(Proposal::owner));
    if started.is_none() && proposed.is_some() && !proposal::waiting(state).any(|waits| same(&waits.hash)) {
        // Why it did not count when it was given comes before what happened since.
        let then = Now { at: vote.at, latest: Timestamp::MIN };
        let why = refusal(vote, &rule, vote.hash.as_str().into(), state, by.unwrap_or_default(), then);
        // What to do about it is over, too.
        let why = why.map(|why| why.split("; ").next().unwrap_or_default().to_owned());
        return why.or_else(|| Some("what would be deployed changed since".to_owned()));
    }
    let votes = stood(state, at);
    // What was said twice is one approval, and the last of them is the one that is judged.
    let last = votes.iter().rev().find(|one| is_anew(one, vote)).copied().unwrap_or(vote);
    // Of the past only the clock of who started it tells.
    let now = Now { at, latest: started.map_or(state.latest, |_| Timestamp::MIN) };
    let found = weigh(state, &votes, &rule, vote.hash.as_str().into(), by.unwrap_or_default(), now);
    let why = found.void.into_iter().find(|(other, _)| other.record == last.record).map(|(_, why)| why);
    let anew = || match last.approves {
        _ if last.record == vote.record => None,
        true => Some(format!("{} counts once, as {}: approved again later", vote.by, vote.role)),
        false => Some(format!("{} rejected it later", vote.by)),
    };
    why.or_else(anew)
}

/// The votes that stood at a time, oldest first: of those that one person gave in one role, the last.
fn stood(state: &State, at: Timestamp) -> Vec<&Vote> {
    let mut votes: Vec<&Vote> =
        state.earlier_votes.iter().chain(&state.votes).filter(|vote| vote.at <= at).collect();
    votes.sort_by_key(|vote| vote.at);
    let is_last =
        |(index, vote): &(usize, &&Vote)| !votes[index + 1..].iter().any(|later| is_anew(later, vote));
    votes.iter().enumerate().filter(is_last).map(|(_, vote)| *vote).collect()
}

/// Whether two votes are of one person about one plan in one role.
fn is_anew(one: &Vote, other: &Vote) -> bool {
    one.role == other.role && one.hash == other.hash && same_person(&one.by, &other.by)
}

/// Gives each role an approval of a person of its own, such that as many roles as can be have
/// one. The newest approval of a role is preferred.
fn assign<'a>(roles: &[String], good: &[&'a Vote]) -> Vec<Option<&'a Vote>> {
    fn fill<'a>(
        role: usize,
        roles: &[String],
        good: &[&'a Vote],
        asked: &mut Vec<&'a str>,
        chosen: &mut Vec<Option<&'a Vote>>,
    ) -> bool {
        for vote in good.iter().rev().filter(|vote| vote.role == roles[role]) {
            if asked.iter().any(|person| same_person(person, &vote.by)) {
                continue;
            }
            asked.push(&vote.by);
            let is_theirs = |other: &Vote| same_person(&other.by, &vote.by);
            // The role that counts on this person may have another.
            let taken = chosen.iter().position(|other| other.is_some_and(is_theirs));
            if taken.is_none_or(|other| fill(other, roles, good, asked, chosen)) {
                chosen[role] = Some(vote);
                return true;
            }
        }
        false
    }
    let mut chosen = vec![None; roles.len()];
    for role in 0..roles.len() {
        fill(role, roles, good, &mut Vec::new(), &mut chosen);
    }
    chosen
}

/// Rejections of a plan that stand: those of its hash, and those of everything that the same
/// person has not taken back since by approving this plan in the same role.
fn rejections<'a>(state: &'a State, hash: &str) -> Vec<&'a Vote> {
    let taken_back = |index: usize, vote: &Vote| {
        state.votes.iter().skip(index + 1).any(|later| {
            later.approves
                && later.hash == hash
                && later.role == vote.role
                && same_person(&later.by, &vote.by)
        })
    };
    let about = |vote: &Vote| vote.hash == hash || vote.hash.is_empty();
    let against = state.votes.iter().enumerate().filter(|(_, vote)| !vote.approves && about(vote));
    against.filter(|(index, vote)| !taken_back(*index, vote)).map(|(_, vote)| vote).collect()
}

/// Who rejected the plan with this hash, in words; `None`: nobody did, or it was taken back.
pub(super) fn rejected(state: &State, hash: &str) -> Option<String> {
    let against = rejections(state, hash).into_iter().filter(|vote| !vote.hash.is_empty());
    let against: Vec<String> = against.map(rejected_by).collect();
    (!against.is_empty()).then(|| against.join("; "))
}

/// Why an approval does not count by itself; `None`: it does.
fn refusal(
    vote: &Vote,
    rule: &ApprovalRule,
    judged: Judged<'_>,
    state: &State,
    by: &str,
    now: Now,
) -> Option<String> {
    let (who, hash) = (&vote.by, judged.hash);
    if vote.hash.is_empty() {
        return Some(format!("{who} approved without a plan to approve"));
    }
    if hash.is_empty() {
        return Some("no plan waits for approval".to_owned());
    }
    if vote.hash != hash {
        let changed = judged.plan.map(|plan| programs::changed_since(plan, state, &vote.hash));
        return Some(match changed {
            Some(Changed::Programs(changed)) => format!(
                "{} changed after {who} approved it; look at the plan again and approve it",
                changed.join(", ")
            ),
            Some(Changed::Tree(tree)) => format!(
                "{who} approved it for the work tree {tree}, and a plan runs the files of its own; approve it \
                 here, too"
            ),
            Some(Changed::Else) | None => format!("{who} {ANOTHER}"),
        });
    }
    if !rule.roles.contains(&vote.role) {
        return Some(format!("no approval is needed from {}", vote.role));
    }
    if who.trim().is_empty() {
        return Some("it names nobody".to_owned());
    }
    if vote.at.duration_since(now.at) > TOLERATED {
        let ahead = duration(vote.at.duration_since(now.at));
        return Some(format!("the approval of {who} is dated {ahead} ahead of this machine's clock"));
    }
    if now.age(vote) > rule.valid_for.max(SignedDuration::ZERO) {
        return Some(format!("the approval of {who} is older than {}", duration(rule.valid_for)));
    }
    if !rule.verbal && !vote.is_verified() {
        return Some(format!(
            "verbal does not count here; {who} has to run `flightdeck approve {}` in their own terminal",
            vote.role
        ));
    }
    if !rule.own && same_person(who, by) {
        return Some(format!("{who} would approve their own plan"));
    }
    None
}
