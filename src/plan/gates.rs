//! Gates: what has to be true before a plan may start, and the one place that decides it.
//!
//! A gate carries all it needs, so that preview, key, verb and conductor come to the same
//! answer from the same record.

mod approvals;
mod demand;
mod remote;
mod staging;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Action, Plan, Purpose, stored};
use crate::incident::{
    CheckState, Condemned, Hash, PlanRun, Policy, Severity, State, StepState, at_severity,
};
use crate::text::{counted, visible};

pub use approvals::{
    Approvals, Foreseen, NOT_GIVEN, RoleStanding, approvals, foresee, still_to_approve, void,
};
pub use demand::{Demand, Lost, lost};
pub use remote::REMOTE_CHECKS;

/// The plan that gates are judged for.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// What it is known by.
    pub hash: &'a str,
    /// The plan itself, where it is at hand: it tells what became of one that was approved before.
    pub plan: Option<&'a Plan>,
}

impl<'a> From<&'a str> for Judged<'a> {
    fn from(hash: &'a str) -> Self {
        Self { hash, plan: None }
    }
}

/// Something that has to be true before a plan may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "kebab-case")]
pub enum Gate {
    /// Checks are green on this very commit, with nothing uncommitted.
    Checks {
        /// Their names.
        checks: Vec<String>,
        /// What each of them runs, by [`runs`]: one of the same name that runs something else is another.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        runs: BTreeMap<String, String>,
        /// The commit.
        commit: String,
        /// Commits that hold exactly the same files: what was found of them holds for it.
        #[serde(default)]
        same: Vec<String>,
    },
    /// Every item of the checklist was looked at and none failed.
    Checklist {
        /// Id and title of each item.
        items: Vec<(String, String)>,
    },
    /// The people whom the severity demands have approved this plan.
    Approvals {
        /// By severity: the severity may change after the plan was made.
        rules: BTreeMap<Severity, ApprovalRule>,
    },
    /// There is a way back that is known to work.
    Rollback {
        /// What was found out when the plan was made: the best way that is ready.
        ready: Option<String>,
        /// What was found, in one line.
        why: String,
        /// Whether nobody could find out that it works: it may be taken all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unproven: bool,
    },
    /// The commit was deployed to the environment before, and worked there.
    Staging {
        /// Name of that environment.
        environment: String,
        /// The commit.
        commit: String,
        /// Commits that hold exactly the same files: what was found of them holds for it.
        #[serde(default)]
        same: Vec<String>,
        /// Whether a smoke test there has to have passed since.
        smoke: bool,
    },
    /// No freeze is in force.
    Freeze {
        /// The windows that are configured.
        windows: Vec<Window>,
    },
}

/// What a severity demands of approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Role ids that have to approve. Each needs a person of its own.
    pub roles: Vec<String>,
    /// Whether an approval that was said, and written down by somebody else, counts.
    pub verbal: bool,
    /// Whether whoever starts the plan may be one of those who approve.
    pub own: bool,
    /// How long an approval holds.
    pub valid_for: SignedDuration,
}

/// A time in which nothing is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// From this time on.
    pub from: Timestamp,
    /// Until this time.
    pub until: Timestamp,
    /// Why: `year-end closing`.
    pub why: String,
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Id of the gate, as `--override` takes it.
    pub id: &'static str,
    /// What it is about, a few words.
    pub title: &'static str,
    /// Met, not met, or passed over.
    pub met: Met,
    /// What was found or is missing, in one line.
    pub why: String,
    /// Whether the severity allows it to be passed over with a reason.
    pub may_pass_over: bool,
}

impl Standing {
    /// Says of a verdict what it keeps anybody from doing.
    pub fn shuts_out(&self) -> String {
        let word =
            if self.may_pass_over { "can be deployed only by overriding this" } else { "cannot be deployed" };
        format!("{word}: {}", self.why)
    }

    /// Tells whether it stands in the way.
    pub fn blocks(&self) -> bool {
        self.met == Met::No
    }

    /// Tells whether it shuts out whatever the plan is, so that there is no use in making one.
    pub fn shuts(&self) -> bool {
        self.blocks() && [VERDICT, CANARY].contains(&self.id) && !self.may_pass_over
    }
}

/// Whether a gate is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    /// It is met.
    Yes,
    /// It is not.
    No,
    /// It was passed over with a recorded reason.
    PassedOver,
    /// Nobody knows. It does not stand in the way, and says so.
    Unproven,
    /// There is nothing it could be about.
    NotApplicable,
}

impl Gate {
    /// All ids, in the order they are shown.
    pub const IDS: [&'static str; 6] = ["checks", "checklist", "approvals", "rollback", "staging", "freeze"];

    /// Tells whether something of this id may stand in the way of a plan: a gate, a verdict, a canary, or a lease.
    pub fn may_be_named(id: &str) -> bool {
        [VERDICT, CANARY, LEASE].contains(&id) || Self::IDS.contains(&id)
    }

    /// Its id.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Checks { .. } => "checks",
            Self::Checklist { .. } => "checklist",
            Self::Approvals { .. } => "approvals",
            Self::Rollback { .. } => "rollback",
            Self::Staging { .. } => "staging",
            Self::Freeze { .. } => "freeze",
        }
    }

    /// What it is about, a few words.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Checks { .. } => "checks green",
            Self::Checklist { .. } => "checklist complete",
            Self::Approvals { .. } => "approved",
            Self::Rollback { .. } => "a rollback option",
            Self::Staging { .. } => "validated before",
            Self::Freeze { .. } => "no freeze",
        }
    }
}

/// How every gate of a plan stands now. `hash` is what the plan is known by, `by` who would start it.
/// A gate counts as passed over only for the very plan for which the reason was given: the next start
/// needs one of its own. What was demanded when somebody approved it is still demanded.
pub fn evaluate(
    plan: &Plan,
    hash: &str,
    state: &State,
    policy: &Policy,
    by: &str,
    now: Timestamp,
) -> Vec<Standing> {
    let judged = Judged { hash, plan: Some(plan) };
    let mut standings = of(&plan.gates, judged, state, policy, by, now);
    if state.plan(&plan.id).is_none() {
        let about = (plan.purpose.name(), plan.target.as_str(), hash);
        standings.extend(still_demanded(&plan.gates, about, state, policy, by, now));
        if !standings.iter().any(|standing| standing.id == APPROVALS) {
            standings.extend(rejected(hash, state, policy));
        }
        standings.extend(condemned(plan, state, policy));
        // Going back by deploying what was there before begins where nobody uses what is beside it.
        if plan.purpose == Purpose::Deploy || plan.way.as_deref() == Some("redeploy") {
            standings.extend(canary(state, &plan.target));
        }
    }
    for standing in standings.iter_mut().filter(|standing| standing.id == APPROVALS) {
        standing.why = approvals::titled(&standing.why, policy);
    }
    for standing in standings.iter_mut().filter(|standing| standing.blocks()) {
        let passed = state
            .passed_over
            .iter()
            .rev()
            .find(|passed| passed.gate == standing.id && passed.plan == plan.id && passed.hash == hash);
        if let Some(passed) = passed {
            standing.met = Met::PassedOver;
            standing.why = format!("{}; overridden by {}: {}", standing.why, passed.by, passed.reason);
        }
    }
    standings
}

/// Shuts what somebody rejected where nobody has to approve it: a rejection counts all the same.
fn rejected(hash: &str, state: &State, policy: &Policy) -> Option<Standing> {
    let why = approvals::rejected(state, hash)?;
    let may_pass_over = policy.severity(state.severity).may_pass_over.iter().any(|id| id == APPROVALS);
    Some(Standing { id: APPROVALS, title: "not rejected", met: Met::No, why, may_pass_over })
}

/// The id of what stands in the way where nobody knows whether others deploy there.
pub const LEASE: &str = "lease";

/// How it stands that nobody else can be asked whether they deploy to the target of a plan: a protected one needs a reason,
/// for others it is said and no more. `None`: it harms nobody that others do.
pub fn unasked(plan: &Plan, why: &str) -> Option<Standing> {
    if !plan.is_for_one() {
        return None;
    }
    let why = format!("nobody else can be asked whether they deploy to {}: {why}", plan.target);
    let met = if plan.confirm.is_some() { Met::No } else { Met::Unproven };
    Some(Standing { met, ..doubtful(&why) })
}

/// How it stands that something lies at the remote as the lease of a target of which nobody knows whether it is one.
pub fn doubtful(why: &str) -> Standing {
    let (title, why) = ("nobody else deploys there", why.to_owned());
    Standing { id: LEASE, title, met: Met::No, why, may_pass_over: true }
}

/// The id of the gate that asks for approvals, and of what stands in the way where there is a rejection.
const APPROVALS: &str = "approvals";

/// Shuts an environment to commits that were no good there: their watch failed, or they were rolled
/// back. This is no gate of a plan: it holds for every plan, whatever was approved. A better commit
/// meets it. What somebody took back without a failed watch may not have been at fault: that has to be on record
/// first, in so many words (`flightdeck clear`). `None`: nothing speaks against them.
pub fn verdict(state: &State, policy: &Policy, environment: &str, commits: &[&str]) -> Option<Standing> {
    // A good release with the same content does not clear the commit that failed there itself.
    let of = |is_it: &dyn Fn(&str) -> bool| state.condemned(environment, is_it);
    let own = commits.first().and_then(|own| of(&|commit| commit == *own).filter(|found| found.watched));
    let condemned = own.or_else(|| of(&|commit| commits.contains(&commit)))?;
    let allowed = &policy.severity(state.severity).may_pass_over;
    Some(Standing {
        id: VERDICT,
        title: "not known to be bad",
        met: Met::No,
        why: format!("{} {}{}", condemned.name, condemned.why, way_out(&condemned, environment)),
        may_pass_over: allowed.iter().any(|id| id == VERDICT),
    })
}

/// How what was only taken back is let in again.
fn way_out(condemned: &Condemned, environment: &str) -> String {
    if condemned.watched {
        return String::new();
    }
    let commit = condemned.commit.get(..7).unwrap_or(&condemned.commit);
    format!("; if it was not at fault: flightdeck clear {environment} {commit} --reason WHY")
}

/// What shuts the target of a plan to the commit it brings there, or what its own push deploys to; `None`: nothing
/// does.
pub fn condemned(plan: &Plan, state: &State, policy: &Policy) -> Option<Standing> {
    let brings = plan.brings();
    if plan.purpose == Purpose::Deploy {
        return verdict(state, policy, &plan.target, &brings);
    }
    plan.pushes_to().into_iter().find_map(|environment| {
        let found = verdict(state, policy, environment, &brings)?;
        Some(Standing { why: format!("in {}: {}", visible(environment), found.why), ..found })
    })
}

/// The id of what shuts an environment to a commit that was no good there.
pub const VERDICT: &str = "verdict";

/// Shuts an environment while a canary that nobody works on has a share of its users. It is continued or
/// undone first; only where undoing it was tried and did not work may this be overridden.
pub fn canary(state: &State, environment: &str) -> Option<Standing> {
    let left = state.share_left(environment)?;
    Some(Standing {
        id: CANARY,
        title: "no canary left behind",
        met: Met::No,
        why: left.has(None),
        may_pass_over: left.resists(),
    })
}

/// The id of what shuts an environment while a canary has a share of its users.
pub const CANARY: &str = "canary";

/// How gates stand now for a plan, whatever was passed over.
pub fn of<'a>(
    gates: &[Gate],
    judged: impl Into<Judged<'a>>,
    state: &State,
    policy: &Policy,
    by: &str,
    now: Timestamp,
) -> Vec<Standing> {
    let judged = judged.into();
    let allowed = &policy.severity(state.severity).may_pass_over;
    gates
        .iter()
        .map(|gate| {
            let (met, why) = gate.stands(judged, state, by, now);
            let may_pass_over = allowed.iter().any(|id| id == gate.id());
            Standing { id: gate.id(), title: gate.title(), met, why, may_pass_over }
        })
        .collect()
}

/// How those gates stand that were demanded of what people approved for the same purpose and target,
/// and that the plan has no longer.
pub fn still_demanded(
    gates: &[Gate],
    about: (&str, &str, &str),
    state: &State,
    policy: &Policy,
    by: &str,
    now: Timestamp,
) -> Vec<Standing> {
    let lost = lost(gates, about, state, by, now);
    lost.iter()
        .flat_map(|lost| {
            let mut standings = of(std::slice::from_ref(&lost.gate), about.2, state, policy, by, now);
            for standing in &mut standings {
                standing.why = format!("{} ({})", standing.why, lost.why());
            }
            standings
        })
        .collect()
}

impl Gate {
    fn stands(&self, judged: Judged<'_>, state: &State, by: &str, now: Timestamp) -> (Met, String) {
        match self {
            Self::Checks { checks, runs, commit, same } => {
                checks_stand(state, checks, runs, &Content { commit, same })
            }
            Self::Checklist { items } => {
                let goes_back = judged.plan.is_some_and(|plan| plan.purpose == Purpose::Rollback);
                checklist_stands(state, items, goes_back)
            }
            Self::Approvals { rules } => match at_severity(rules, state.severity) {
                Some(rule) => approvals(state, rule, judged, by, now).stand(),
                None => (Met::NotApplicable, "none are asked for".to_owned()),
            },
            Self::Rollback { ready, why, unproven } => match ready {
                Some(_) if *unproven => (Met::Unproven, why.clone()),
                Some(_) => (Met::Yes, why.clone()),
                None => (Met::No, why.clone()),
            },
            Self::Staging { environment, commit, same, smoke } => {
                staging::stands(state, environment, &Content { commit, same }, *smoke)
            }
            Self::Freeze { windows } => {
                match windows.iter().find(|window| window.from <= now && now < window.until) {
                    Some(window) => {
                        let until = window.until.strftime("%Y-%m-%d %H:%M UTC");
                        let colon = if window.why.is_empty() { "" } else { ": " };
                        (Met::No, format!("frozen until {until}{colon}{}", window.why))
                    }
                    None if windows.is_empty() => (Met::NotApplicable, "no freeze is configured".to_owned()),
                    None => (Met::Yes, "no freeze is in force".to_owned()),
                }
            }
        }
    }
}

/// What a commit holds, by its id and those of others that hold the same: a merge into a branch
/// that has not moved is a commit of its own, and not one byte of it is new.
struct Content<'a> {
    commit: &'a str,
    same: &'a [String],
}

impl Content<'_> {
    fn is(&self, about: &str) -> bool {
        !about.is_empty() && (about == self.commit || self.same.iter().any(|same| same == about))
    }
}

/// A check is green on a commit if the last step of its name that ran on just that commit, with
/// nothing uncommitted, succeeded. What did not run here is met by what passed at the code host.
fn checks_stand(
    state: &State,
    checks: &[String],
    runs: &BTreeMap<String, String>,
    what: &Content<'_>,
) -> (Met, String) {
    if checks.is_empty() {
        return (Met::NotApplicable, "no checks are configured".to_owned());
    }
    let there = remote::passed(state, what);
    let (mut missing, mut not_here) = (Vec::new(), Vec::new());
    for check in checks {
        match not_green(state, check, runs.get(check), what) {
            None => {}
            Some((Ran::No, _)) if there.is_some() => not_here.push(check.as_str()),
            Some((_, why)) => missing.push(format!("{check} {why}")),
        }
    }
    if !missing.is_empty() {
        return (Met::No, missing.join("; "));
    }
    let short = what.commit.get(..7).unwrap_or(what.commit);
    let here = match checks.len() - not_here.len() {
        0 => None,
        count => Some(format!("{} green on {short}", counted(count, "check"))),
    };
    let not_here = (!not_here.is_empty()).then(|| format!("{} not run here", not_here.join(", ")));
    let said: Vec<String> = [here, there, not_here].into_iter().flatten().collect();
    (Met::Yes, said.join("; "))
}

/// What a check runs, as it is compared: its command, and the variables that it gets.
pub fn runs(argv: &[String], env: &[String]) -> String {
    // Nothing of it can fail to be written.
    Hash::of(&serde_json::to_vec(&(argv, env)).unwrap_or_default()).to_string()
}

/// Tells whether what ran as a step of this title is something else than what a check runs. What cannot be
/// read was written by a version that does not tell.
fn ran_another(plan: &PlanRun, title: &str, wanted: &str) -> bool {
    let Ok(recorded) = stored::read(&plan.spec) else { return false };
    let step = recorded.plan.steps.into_iter().find(|step| step.title == title);
    step.is_some_and(|step| match step.action {
        Action::Command(command) => runs(&command.argv, &command.env) != wanted,
        _ => false,
    })
}

/// Whether a check ran here, on just a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ran {
    Yes,
    No,
}

/// Why a check is not green on a commit; `None`: it is. `wanted` is what it runs.
fn not_green(
    state: &State,
    check: &str,
    wanted: Option<&String>,
    what: &Content<'_>,
) -> Option<(Ran, &'static str)> {
    let title = format!("check {}", visible(check));
    let mut ran = state.plans.iter().rev().filter(|plan| plan.purpose == "test").filter_map(|plan| {
        let (about, dirty) = plan.subject()?;
        let step = plan.steps.iter().find(|step| step.title == title && step.run.is_some())?;
        what.is(about).then_some((plan, step.state(), dirty))
    });
    let mut unclean = false;
    // What ran with changes beyond the commit says nothing of the commit, good or bad.
    let found = ran.find(|(.., dirty)| {
        unclean |= dirty;
        !dirty
    });
    if let (Some((plan, StepState::Done, _)), Some(wanted)) = (&found, wanted)
        && ran_another(plan, &title, wanted)
    {
        return Some((Ran::Yes, "ran with another command on this commit"));
    }
    let why = match found.map(|(_, state, _)| state) {
        None if unclean => return Some((Ran::No, "ran with changes that are not committed")),
        None => return Some((Ran::No, "not run on this commit")),
        Some(StepState::Done) => return None,
        Some(StepState::Running | StepState::Waiting) => "still running",
        Some(StepState::Open) => "not finished on this commit",
        Some(StepState::Unknown) => "has an unknown outcome on this commit",
        Some(StepState::Skipped) => "skipped on this commit",
        Some(StepState::Failed | StepState::Undone) => "failed on this commit",
    };
    Some((Ran::Yes, why))
}

/// Failed items block; open ones too, also those that were looked at for an earlier fix, unless it is that
/// one which is taken back; one that is not applicable needs a reason.
fn checklist_stands(state: &State, items: &[(String, String)], goes_back: bool) -> (Met, String) {
    if items.is_empty() {
        return (Met::NotApplicable, "no checklist".to_owned());
    }
    let (mut open, mut bad, mut again) = (0_usize, Vec::new(), Vec::new());
    for (id, title) in items {
        let tick = state.ticks.get(id);
        let before = tick.and_then(|tick| tick.before.as_ref());
        let now = match before {
            Some(before) if goes_back => before.state,
            _ => tick.map_or(CheckState::Open, |tick| tick.state),
        };
        match (now, before) {
            (CheckState::Open, Some(before)) => again.push(before.fix.as_str()),
            (CheckState::Open, None) => open += 1,
            (CheckState::Failed, _) => bad.push(format!("{title} failed")),
            (CheckState::Na, _) if tick.is_none_or(|tick| tick.note.trim().is_empty()) => {
                bad.push(format!("{title} is not applicable, without a reason"));
            }
            (CheckState::Passed | CheckState::Na, _) => {}
        }
    }
    if open > 0 {
        bad.push(format!("{open} of {} open", items.len()));
    }
    if let Some(fix) = again.last() {
        bad.push(format!("{} of {} looked at for {fix} only", again.len(), items.len()));
    }
    if bad.is_empty() {
        (Met::Yes, format!("{} items looked at", items.len()))
    } else {
        (Met::No, bad.join("; "))
    }
}

/// Whether everything that blocks may be passed over, and something does.
pub fn may_pass_over(standings: &[Standing]) -> bool {
    let mut blocking = standings.iter().filter(|standing| standing.blocks()).peekable();
    blocking.peek().is_some() && blocking.all(|standing| standing.may_pass_over)
}

#[cfg(test)]
mod tests;
