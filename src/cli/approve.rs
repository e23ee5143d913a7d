//! `flightdeck approve`: a plan is approved in a role.

use std::path::Path;

use jiff::Timestamp;

use super::End;
use super::ballot::{About, Ballot, BallotArgs};
use super::context::{Context, Loaded, Wanted};
use super::situation::Moved;
use crate::conductor;
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Approved, Proposal, RecordId, State, same_person};
use crate::plan::gates::{self, ApprovalRule, Approvals, Judged, approvals};
use crate::plan::{Plan, Purpose, proposal};
use crate::text::visible;

/// Approve a plan in a role
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An approval covers exactly this plan. Changing a command, commit or target
voids it. If you record it for somebody else, it is unverified.

Example:
  flightdeck approve lead
  flightdeck approve on-call-manager --by li --verbal --how \"on the call\"")]
pub(crate) struct Args {
    #[command(flatten)]
    ballot: BallotArgs,

    /// They said it; somebody else writes it down
    #[arg(long)]
    verbal: bool,

    /// How it was said: "on the call"
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    how: String,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let how = args.how.trim();
    if args.verbal && how.is_empty() {
        return Err(Failure::usage(
            "reading --verbal",
            "how it was said is missing",
            "add --how \"on the call\"",
        ));
    }
    let mut loaded = cx.load(Wanted::Open)?;
    let mut ballot = args.ballot.ballot(cx, &loaded)?;
    let about = &ballot.about;
    require_current(cx, loaded.state(), &about.hash)?;
    let overridable = require_deployable(cx, loaded.state(), about)?;
    let approved = Approved {
        role: ballot.role.clone(),
        by: ballot.by.clone(),
        verbal: args.verbal,
        how: how.to_owned(),
        plan: about.plan.clone(),
        hash: about.hash.clone(),
        title: about.title.clone(),
    };
    let puts_up = ballot.about.put_up.is_some();
    let id = ballot.save(cx, &mut loaded, approved)?;
    let author = &loaded.journal.author().name;
    let refused = refusal(cx, &loaded, &ballot, id)?;
    let (by, role, what) = (visible(&ballot.by), &ballot.role, ballot.what());
    let mut said = match &refused {
        None => format!("{by} approves as {role}: {what}"),
        // Once, with why: the exit status says so again.
        Some(why) => format!("▲ recorded, but it does not count: {} ({by} as {role}: {what})", visible(why)),
    };
    if args.verbal || !same_person(&ballot.by, author) {
        said = format!("{said} (unverified: written down by {})", visible(author));
    }
    let counts = (Some(refused.is_none()), refused.as_deref());
    if let Some(why) = overridable {
        cx.out.tell(&format!("▲ it {}", visible(&why)));
    }
    super::ballot::tell(cx, args.ballot.save, &loaded, &ballot, id, counts, &said)?;
    match refused {
        None => {
            if is_anew(loaded.state(), &ballot, id) {
                cx.out.tell(&format!("it counts once: {by} had approved it as {role} before"));
            }
            let left = left(cx, &loaded, &ballot)?;
            if !left.is_empty() {
                cx.out.tell(&left);
            }
            if puts_up {
                cx.out.tell(&format!("▲ it does not count if {} starts this deploy", visible(&ballot.by)));
            }
            Ok(End::Done)
        }
        Some(_) => Ok(End::Bad(FailureKind::Gate)),
    }
}

/// Refuses the approval of a proposal that can no longer be started: what it was made for has moved on.
fn require_current(cx: &Context, state: &State, hash: &str) -> Result<()> {
    let waits = proposal::waiting(state).find(|waits| waits.hash == hash);
    let Some((plan, root)) = waits.and_then(|waits| proposal::plan(waits).ok()).zip(cx.root().ok()) else {
        return Ok(());
    };
    let Some(cause) = conductor::moved_on(root, &plan) else { return Ok(()) };
    let hint = format!("nothing was recorded; ask for approval of what is there now: {}", anew(&plan));
    Err(Failure::of(FailureKind::Gate, format!("approving {}", visible(&plan.title)), cause, hint))
}

/// What has moved since a plan was proposed, if this is the repository it was made in.
pub(super) fn moved(root: &Path, waits: &Proposal, plan: &Plan) -> Option<Moved> {
    let why = conductor::moved_on(root, plan)?;
    Some(Moved { id: waits.id.clone(), why, anew: anew(plan) })
}

/// How a plan that can no longer be started is proposed anew.
fn anew(plan: &Plan) -> String {
    match plan.purpose {
        Purpose::Deploy => format!("flightdeck deploy {} --propose", visible(&plan.target)),
        _ => "propose it again".to_owned(),
    }
}

/// Refuses the approval of a commit that cannot be deployed whoever approves it; says what would have to
/// be overridden otherwise.
fn require_deployable(cx: &Context, state: &State, about: &About) -> Result<Option<String>> {
    let Some(plan) = &about.read else { return Ok(None) };
    let Some(verdict) = gates::condemned(plan, state, &cx.setup()?.policy) else { return Ok(None) };
    if verdict.may_pass_over {
        return Ok(Some(verdict.shuts_out()));
    }
    let doing = format!("approving {}", visible(&plan.title));
    let cause = format!("it cannot be deployed to {}: {}", visible(&plan.target), visible(&verdict.why));
    let hint = "nothing was recorded; commit a better fix, and ask for approval of that";
    Err(Failure::of(FailureKind::Gate, doing, cause, hint))
}

/// Whether the same person had approved the same plan in the same role before.
fn is_anew(state: &State, ballot: &Ballot, id: RecordId) -> bool {
    state.earlier_votes.iter().any(|vote| {
        vote.approves
            && vote.record != id
            && vote.role == ballot.role
            && vote.hash == ballot.about.hash
            && same_person(&vote.by, &ballot.by)
    })
}

/// What the approval that was just recorded counts as, and who has to approve after it; empty: nothing is judged.
fn left(cx: &Context, loaded: &Loaded, ballot: &Ballot) -> Result<String> {
    let (state, policy) = (loaded.state(), cx.setup()?.policy);
    let rule = ApprovalRule::of(&policy, state.severity);
    let standing = standing(state, &rule, ballot, cx.now());
    let missing: Vec<&str> =
        standing.roles.iter().filter(|role| role.approval.is_none()).map(|role| role.role).collect();
    let left = visible(&gates::still_to_approve(&standing, state, &policy)).into_owned();
    let counts = format!("it counts as the {}'s", visible(policy.role_title(&ballot.role)));
    Ok(match missing.as_slice() {
        [] => format!("{counts}; nobody else has to approve"),
        roles => format!("{counts}; {left}: flightdeck approve {}", roles.join("|")),
    })
}

/// Why the approval that was just recorded does not count now; `None`: it does.
fn refusal(cx: &Context, loaded: &Loaded, ballot: &Ballot, id: RecordId) -> Result<Option<String>> {
    let state = loaded.state();
    let policy = cx.setup()?.policy;
    let rule = ApprovalRule::of(&policy, state.severity);
    if !rule.roles.contains(&ballot.role) {
        let severity = policy.severity_name(state.severity);
        let needed = match rule.roles.as_slice() {
            [] => "nobody has to approve".to_owned(),
            roles => format!("approve as one of these: flightdeck approve {}", roles.join("|")),
        };
        return Ok(Some(format!("{severity} needs no approval from {}; {needed}", ballot.role)));
    }
    let found = standing(state, &rule, ballot, cx.now());
    Ok(found.void.into_iter().find(|(vote, _)| vote.record == id).map(|(_, why)| why))
}

/// How the approvals stand of what was decided about.
fn standing<'a>(state: &'a State, rule: &'a ApprovalRule, ballot: &Ballot, now: Timestamp) -> Approvals<'a> {
    let about = proposal::of(state, &ballot.about.hash);
    let plan = about.and_then(|about| proposal::plan(about).ok());
    // Who will start it is known only once somebody has; until then whoever proposed it is likely to. Who
    // approves what nobody had proposed puts it up by that, and need not be the one who starts it.
    let started = state.plans.iter().rev().find(|run| run.hash == ballot.about.hash);
    let by = started.map(|run| run.by.as_str()).or(about.map(Proposal::owner)).unwrap_or("");
    let judged = Judged { hash: &ballot.about.hash, plan: plan.as_ref() };
    approvals(state, rule, judged, by, now)
}
