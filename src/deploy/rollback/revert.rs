//! Reverting and pushing: a whole way back, or one change.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::judge::short;
use crate::config::types::Config;
use crate::deploy::gates;
use crate::deploy::pushed::deployed_by;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::back::{Commit, NoRevert, Revert};
use crate::hotfix::flows;
use crate::incident::Policy;
use crate::plan::{Action, Command, Guard, OnFailure, Plan, Probe, Purpose, Reach, Step, Subject, Undo};
use crate::text::visible;

/// Git on this machine is a matter of a moment; a hook of the team's may take longer.
const GIT_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// A remote may be slow, and ask for a second factor.
const PUSH_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);

fn git(cwd: &str, arguments: &[&str]) -> Command {
    Command {
        argv: std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect(),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        set: BTreeMap::new(),
    }
}

/// The plan that takes one change back on the branch in production, as the remote has it, and
/// pushes that: of a merge all that it brought. Deploying it is a plan of its own.
///
/// # Errors
/// It cannot be done cleanly, and why: nothing was tried but in memory.
pub fn one(
    config: &Config,
    policy: &Policy,
    id: &str,
    root: &str,
    change: &Commit,
    tried: &std::result::Result<Revert, NoRevert>,
) -> Result<Plan> {
    let called = format!("{} {}", short(&change.id), visible(&change.subject));
    let doing = format!("planning to take back {called}");
    let refused = |cause: String, hint: &str| Failure::of(FailureKind::Gate, &*doing, cause, hint);
    let other = "take another option: flightdeck rollback --list";
    let revert = match tried {
        Ok(revert) => revert,
        Err(NoRevert::No(why) | NoRevert::Unknown(why)) => {
            return Err(refused(visible(why).into_owned(), other));
        }
    };
    if !revert.conflicts.is_empty() {
        let files: Vec<_> = revert.conflicts.iter().map(|path| visible(path)).collect();
        let cause =
            format!("it does not revert cleanly on {}: {}", visible(&revert.branch), files.join(", "));
        return Err(refused(cause, "revert by hand and settle the conflicts, or take another option"));
    }
    if revert.runs.is_empty() {
        let cause =
            format!("nothing of it is left on {}: it was taken back already", visible(&revert.branch));
        return Err(refused(cause, other));
    }
    let branch = visible(&revert.branch).into_owned();
    let mut notes = vec![format!("reverts {called}")];
    if let Some(number) = revert.runs[0].mainline {
        notes.push(format!("it is a merge: all it brought is taken back, keeping parent {number}"));
    }
    if revert.ahead > 0 {
        let s = if revert.ahead == 1 { "" } else { "s" };
        notes.push(format!("{branch} has {} commit{s} on top of it, which stay", revert.ahead));
    }
    notes.push("landing it again later means reverting the revert".to_owned());
    let deploys =
        |name: &str| deployed_by(config, &revert.branch, &revert.branch).any(|env| env.name == name);
    if let Some(env) = config.production().filter(|env| !deploys(&env.name)) {
        let name = visible(&env.name);
        notes.push(format!(
            "deploying it is a plan of its own: flightdeck deploy {name} --ref {}/{branch}",
            visible(&revert.remote)
        ));
    }
    let onto = Subject { reference: revert.tracking.clone(), commit: revert.onto.clone(), dirty: false };
    let plan = Plan {
        confirm: Some(revert.branch.clone()),
        frozen: BTreeMap::from([(revert.tracking.clone(), revert.onto.clone())]),
        subject: Some(onto),
        notes,
        steps: steps(config, root, revert),
        ..Plan::new(id, format!("revert {called} on {branch}"), Purpose::Rollback, flows::TARGET)
    };
    let why = format!("it reverts cleanly on {branch} at {}", short(&revert.onto));
    let way = gates::WayBack { ready: Some("revert".to_owned()), why, unproven: false };
    Ok(gates::attach_rollback(plan, config, policy, way))
}

/// The reverts are made in a work tree of their own, so that nobody's is touched; a reference
/// keeps them, so that the remote can be asked for just these whatever happens to the push.
pub(super) fn steps(config: &Config, root: &str, revert: &Revert) -> Vec<Step> {
    let scratch = revert.scratch.as_str();
    let (branch, remote) = (revert.branch.as_str(), revert.remote.as_str());
    let name = scratch.rsplit('/').next().unwrap_or(scratch);
    let kept = format!("refs/flightdeck/{name}");
    let head = format!("refs/heads/{branch}");
    let shown = visible(branch);
    let tidy = || git(root, &["worktree", "remove", "--force", scratch]);
    let back_out = OnFailure::UndoTo { step: 0 };

    let still_there = Guard {
        title: format!("{} of {} is still {}", shown, visible(remote), short(&revert.onto)),
        probe: Probe::command(
            git(root, &["ls-remote", "--exit-code", remote, &head]),
            Some(format!("{}\t{head}", revert.onto)),
        ),
    };
    let mut steps = vec![Step {
        guards: vec![still_there],
        proof: Some(Probe::command(
            git(root, &["-C", scratch, "rev-parse", "--verify", "HEAD"]),
            Some(revert.onto.clone()),
        )),
        undo: Undo::By { action: Action::Command(tidy()), proof: None },
        ..Step::new(
            format!("make a separate work tree at {}", short(&revert.onto)),
            Action::Command(git(root, &["worktree", "add", "--detach", scratch, &revert.onto])),
            GIT_TIMEOUT,
        )
    }];
    let mut reverted = 0;
    for run in &revert.runs {
        let mainline = run.mainline.map(|number| number.to_string());
        let mut arguments = vec!["revert", "--no-edit"];
        arguments.extend(mainline.iter().flat_map(|number| ["-m", number.as_str()]));
        arguments.extend(run.commits.iter().map(|commit| commit.id.as_str()));
        reverted += run.commits.len();
        let names: Vec<&str> = run.commits.iter().map(|commit| short(&commit.id)).collect();
        let kept = mainline.as_ref().map_or(String::new(), |number| format!(", keeping parent {number}"));
        let count = git(scratch, &["rev-list", "--count", &format!("{}..HEAD", revert.onto), "--"]);
        steps.push(Step {
            proof: Some(Probe::command(count, Some(reverted.to_string()))),
            on_failure: back_out,
            ..Step::new(
                format!("revert {}{kept}", names.join(", ")),
                Action::Command(git(scratch, &arguments)),
                GIT_TIMEOUT,
            )
        });
    }
    steps.push(Step {
        retry_is_safe: true,
        on_failure: back_out,
        undo: Undo::By { action: Action::Command(git(root, &["update-ref", "-d", &kept])), proof: None },
        ..Step::new(
            "save the reverts",
            Action::Command(git(scratch, &["update-ref", &kept, "HEAD"])),
            GIT_TIMEOUT,
        )
    });
    steps.push(Step {
        on_failure: OnFailure::GoOn,
        ..Step::new("remove the work tree", Action::Command(tidy()), GIT_TIMEOUT)
    });
    // Takes what the remote has only if that goes on from the reverts, or is them; tells so by
    // its exit code, and with --dry-run changes nothing.
    let landed =
        git(root, &["fetch", "--dry-run", "--quiet", "--no-tags", remote, &format!("{head}:{kept}")]);
    steps.push(Step {
        proof: Some(Probe::command(landed, None)),
        proof_within: config.hotfix.proof_within,
        reach: Reach::Others,
        // What is there already is pushed again without any effect.
        retry_is_safe: true,
        undo: Undo::Irreversible {
            why: "others may have it: it is taken back by reverting the revert".to_owned(),
        },
        ..Step::new(
            format!("push the reverts to {} as {shown}", visible(remote)),
            Action::Command(git(root, &["push", remote, &format!("{kept}:{head}")])),
            PUSH_TIMEOUT,
        )
    });
    steps
}
