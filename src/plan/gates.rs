//! Gates: what has to be true before a plan may start, and the one place that decides it.
//!
//! A gate carries all it needs, so that preview, key, verb and conductor come to the same
//! answer from the same record.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::incident::{CheckState, PlanRun, Policy, Severity, State, Vote, duration};

/// Something that has to be true before a plan may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "kebab-case")]
pub enum Gate {
    /// Checks are green on this very commit, with nothing uncommitted.
    Checks {
        /// Their names.
        checks: Vec<String>,
        /// The commit.
        commit: String,
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
    },
    /// The commit was deployed to the environment before, and worked there.
    Staging {
        /// Name of that environment.
        environment: String,
        /// The commit.
        commit: String,
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
    /// Tells whether it stands in the way.
    pub fn blocks(&self) -> bool {
        self.met == Met::No
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
    /// There is nothing it could be about.
    NotApplicable,
}

impl Gate {
    /// All ids, in the order they are shown.
    pub const IDS: [&'static str; 6] = ["checks", "checklist", "approvals", "rollback", "staging", "freeze"];

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
            Self::Rollback { .. } => "a way back",
            Self::Staging { .. } => "validated before",
            Self::Freeze { .. } => "no freeze",
        }
    }
}

/// How every gate of a plan stands now. `by` is who would start it.
pub fn evaluate(plan: &Plan, state: &State, policy: &Policy, by: &str, now: Timestamp) -> Vec<Standing> {
    of(&plan.gates, &plan.hash(), state, policy, by, now)
}

/// How gates stand now, for the plan with this hash.
pub fn of(
    gates: &[Gate],
    hash: &str,
    state: &State,
    policy: &Policy,
    by: &str,
    now: Timestamp,
) -> Vec<Standing> {
    let allowed = &policy.severity(state.severity).may_pass_over;
    gates
        .iter()
        .map(|gate| {
            let (mut met, mut why) = gate.stands(hash, state, by, now);
            let passed =
                state.passed_over.iter().rev().find(|passed| passed.gate == gate.id() && passed.hash == hash);
            if let (Met::No, Some(passed)) = (met, passed) {
                met = Met::PassedOver;
                why = format!("{why}; passed over by {}: {}", passed.by, passed.reason);
            }
            let may_pass_over = allowed.iter().any(|id| id == gate.id());
            Standing { id: gate.id(), title: gate.title(), met, why, may_pass_over }
        })
        .collect()
}

impl Gate {
    fn stands(&self, hash: &str, state: &State, by: &str, now: Timestamp) -> (Met, String) {
        match self {
            Self::Checks { checks, commit } => checks_stand(state, checks, commit),
            Self::Checklist { items } => checklist_stands(state, items),
            Self::Approvals { rules } => match rules.get(&state.severity) {
                Some(rule) => approvals_stand(state, rule, hash, by, now),
                None => (Met::NotApplicable, "none are asked for".to_owned()),
            },
            Self::Rollback { ready: Some(_), why } => (Met::Yes, why.clone()),
            Self::Rollback { ready: None, why } => (Met::No, why.clone()),
            Self::Staging { environment, commit, smoke } => {
                staging_stands(state, environment, commit, *smoke)
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

/// A check is green on a commit if the last step of its name that ran on just that commit
/// succeeded.
fn checks_stand(state: &State, checks: &[String], commit: &str) -> (Met, String) {
    if checks.is_empty() {
        return (Met::NotApplicable, "no checks are configured".to_owned());
    }
    let mut missing = Vec::new();
    for check in checks {
        let title = format!("check {check}");
        let ran = state.plans.iter().rev().filter(|plan| plan.purpose == "test").find_map(|plan| {
            let (about, dirty) = plan.subject()?;
            let step = plan.steps.iter().find(|step| step.title == title && step.run.is_some())?;
            (about == commit).then_some((step, dirty))
        });
        let why = match ran {
            None => "not run on this commit",
            Some((step, _)) if step.state() == crate::incident::StepState::Running => "still running",
            Some((step, _)) if step.state() != crate::incident::StepState::Done => "failed on this commit",
            Some((_, true)) => "ran with changes that are not committed",
            Some(_) => continue,
        };
        missing.push(format!("{check} {why}"));
    }
    let short = commit.get(..7).unwrap_or(commit);
    if missing.is_empty() {
        let count = checks.len();
        let s = if count == 1 { "" } else { "s" };
        (Met::Yes, format!("{count} check{s} green on {short}"))
    } else {
        (Met::No, missing.join("; "))
    }
}

/// Failed items block; open ones too; one that is not applicable needs a reason.
fn checklist_stands(state: &State, items: &[(String, String)]) -> (Met, String) {
    if items.is_empty() {
        return (Met::NotApplicable, "there is no checklist".to_owned());
    }
    let (mut open, mut bad) = (0_usize, Vec::new());
    for (id, title) in items {
        match state.ticks.get(id) {
            None => open += 1,
            Some(tick) => match tick.state {
                CheckState::Open => open += 1,
                CheckState::Passed => {}
                CheckState::Failed => bad.push(format!("{title} failed")),
                CheckState::Na if tick.note.trim().is_empty() => {
                    bad.push(format!("{title} is not applicable, without a reason"));
                }
                CheckState::Na => {}
            },
        }
    }
    if open > 0 {
        bad.push(format!("{open} of {} open", items.len()));
    }
    if bad.is_empty() {
        (Met::Yes, format!("{} items looked at", items.len()))
    } else {
        (Met::No, bad.join("; "))
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
}

/// How each role stands that has to approve a plan. A person counts for one role only, and
/// what was rejected by anybody is approved by nobody.
pub fn roles<'a>(
    state: &'a State,
    rule: &'a ApprovalRule,
    hash: &str,
    by: &str,
    now: Timestamp,
) -> Vec<RoleStanding<'a>> {
    let mut people: Vec<&str> = Vec::new();
    rule.roles
        .iter()
        .map(|role| {
            let votes: Vec<&Vote> = state.votes.iter().filter(|vote| vote.role == *role).collect();
            let mut why = "not given".to_owned();
            let mut found = None;
            for vote in votes.iter().rev().filter(|vote| vote.approves) {
                match refusal(vote, rule, hash, by, &people, now) {
                    None => {
                        found = Some(*vote);
                        break;
                    }
                    Some(refused) if why == "not given" => why = refused,
                    Some(_) => {}
                }
            }
            if let Some(vote) = found {
                people.push(&vote.by);
                why.clear();
            }
            RoleStanding { role, approval: found, why }
        })
        .collect()
}

/// Why an approval does not count; `None`: it does.
fn refusal(
    vote: &Vote,
    rule: &ApprovalRule,
    hash: &str,
    by: &str,
    people: &[&str],
    now: Timestamp,
) -> Option<String> {
    let who = &vote.by;
    if vote.hash != hash {
        return Some(if vote.hash.is_empty() {
            format!("{who} approved without a plan to approve")
        } else {
            format!("{who} approved another version of this plan")
        });
    }
    if now.duration_since(vote.at) > rule.valid_for {
        return Some(format!("the approval of {who} is older than {}", duration(rule.valid_for)));
    }
    if !rule.verbal && !vote.is_verified() {
        return Some(format!("{who} has to approve from their own terminal"));
    }
    if !rule.own && who == by {
        return Some(format!("{who} would approve their own plan"));
    }
    if people.contains(&who.as_str()) {
        return Some(format!("{who} has approved in another role: two roles are two people"));
    }
    None
}

fn approvals_stand(
    state: &State,
    rule: &ApprovalRule,
    hash: &str,
    by: &str,
    now: Timestamp,
) -> (Met, String) {
    if rule.roles.is_empty() {
        return (Met::NotApplicable, "none are asked for".to_owned());
    }
    let rejected =
        state.votes.iter().rev().find(|vote| !vote.approves && (vote.hash == hash || vote.hash.is_empty()));
    if let Some(vote) = rejected {
        let colon = if vote.how.is_empty() { "" } else { ": " };
        return (Met::No, format!("rejected by {} as {}{colon}{}", vote.by, vote.role, vote.how));
    }
    let standings = roles(state, rule, hash, by, now);
    let missing: Vec<String> = standings
        .iter()
        .filter(|standing| standing.approval.is_none())
        .map(|standing| format!("{}: {}", standing.role, standing.why))
        .collect();
    if missing.is_empty() {
        let said = |standing: &RoleStanding<'_>| {
            standing.approval.map(|vote| {
                let unverified = if vote.is_verified() { "" } else { " (unverified)" };
                format!("{} as {}{unverified}", vote.by, vote.role)
            })
        };
        let names: Vec<String> = standings.iter().filter_map(said).collect();
        (Met::Yes, names.join(", "))
    } else {
        (Met::No, missing.join("; "))
    }
}

fn staging_stands(state: &State, environment: &str, commit: &str, smoke: bool) -> (Met, String) {
    let of = |purpose: &'static str| {
        state.plans.iter().rev().filter(move |plan| plan.purpose == purpose && plan.target == environment)
    };
    let Some(last) = of("deploy").chain(of("rollback")).max_by_key(|plan| plan.started_at) else {
        return (Met::No, format!("not deployed to {environment}"));
    };
    let deployed =
        |plan: &PlanRun| plan.is_done() && plan.subject().is_some_and(|(about, _)| about == commit);
    if !deployed(last) {
        let earlier = of("deploy").any(deployed);
        return if earlier {
            (Met::No, format!("{environment} has had another deploy since"))
        } else {
            (Met::No, format!("this commit was not deployed to {environment}"))
        };
    }
    if smoke {
        let smoked = of("smoke").find(|plan| plan.started_at >= last.started_at);
        match smoked {
            None => return (Met::No, format!("not smoke-tested on {environment}")),
            Some(plan) if !plan.is_done() => {
                return (Met::No, format!("the smoke test on {environment} is {}", plan.state.name()));
            }
            Some(_) => {}
        }
    }
    let tested = if smoke { " and smoke-tested" } else { "" };
    (Met::Yes, format!("deployed{tested} on {environment}"))
}
