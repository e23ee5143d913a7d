//! The report of an incident on a branch: committed in a work tree of its own, so that nobody's files are touched,
//! and pushed where there is a remote. What is committed is what was read: its bytes are known by their id.

use super::{GIT_TIMEOUT, NETWORK_TIMEOUT, TARGET, git, is_at, short};
use crate::plan::{Action, Guard, OnFailure, Plan, Probe, Purpose, Reach, Step, Undo};
use crate::text::visible;

/// What the title of the step begins with that puts it where others find it.
const PUT: &str = "put it on ";
/// What git takes for a reference that is not there.
const NONE: &str = "0000000000000000000000000000000000000000";

/// What is known of the report and of the repository.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Root of the work tree.
    pub root: &'a str,
    /// A directory that nothing has yet.
    pub scratch: &'a str,
    /// The remote; `None`: there is none, and the branch is one here.
    pub remote: Option<&'a str>,
    /// The branch.
    pub branch: &'a str,
    /// The commit it goes on from.
    pub start: &'a str,
    /// What that is called.
    pub start_name: &'a str,
    /// Where the branch is here; `None`: there is none of that name.
    pub here: Option<&'a str>,
    /// The file in it.
    pub path: &'a str,
    /// Where the text stands.
    pub file: &'a str,
    /// The id that git gives these bytes.
    pub blob: &'a str,
    /// The number of the incident.
    pub number: &'a str,
    /// What was broken.
    pub about: &'a str,
}

/// The plan.
pub fn report(facts: &Facts<'_>, id: &str) -> Plan {
    let Facts { root, scratch, path, blob, branch, .. } = *facts;
    let kept = kept(facts.number);
    let has = |cwd: &str, what: &str| {
        let asked = git(cwd, &["rev-parse", "--verify", "--quiet", &format!("{what}:{path}")]);
        Probe::command(asked, Some(blob.to_owned()))
    };
    let tidy = || git(root, &["worktree", "remove", "--force", scratch]);
    let words = format!("Report of {}: {}", facts.number, one_line(facts.about));
    let entry = format!("100644,{blob},{path}");
    let name = scratch.rsplit('/').next().unwrap_or(scratch);
    let head = git(root, &["rev-parse", "--verify", "--quiet", &format!("worktrees/{name}/HEAD")]);
    let steps = vec![
        Step {
            proof: Some(Probe::command(git(root, &["cat-file", "-t", blob]), Some("blob".to_owned()))),
            retry_is_safe: true,
            ..Step::new(
                "hand the text to git",
                Action::Command(git(root, &["hash-object", "-w", "--no-filters", "--", facts.file])),
                GIT_TIMEOUT,
            )
        },
        Step {
            proof: Some(Probe::command(head, Some(facts.start.to_owned()))),
            undo: Undo::By { action: Action::Command(tidy()), proof: None },
            ..Step::new(
                format!("make a separate work tree at {} {}", visible(facts.start_name), short(facts.start)),
                Action::Command(git(root, &["worktree", "add", "--quiet", "--detach", scratch, facts.start])),
                GIT_TIMEOUT,
            )
        },
        Step {
            proof: Some(has(scratch, "")),
            retry_is_safe: true,
            ..Step::new(
                format!("add {} there", visible(path)),
                Action::Command(git(scratch, &["update-index", "--add", "--cacheinfo", &entry])),
                GIT_TIMEOUT,
            )
        },
        Step {
            retry_is_safe: true,
            on_failure: OnFailure::GoOn,
            ..Step::new(
                "write the file there, for hooks that read it",
                Action::Command(git(scratch, &["checkout-index", "--force", "--", path])),
                GIT_TIMEOUT,
            )
        },
        Step {
            proof: Some(has(scratch, "HEAD")),
            ..Step::new("commit it", Action::Command(git(scratch, &["commit", "-m", &words])), GIT_TIMEOUT)
        },
        Step {
            proof: Some(has(root, &kept)),
            retry_is_safe: true,
            ..Step::new(
                "save the commit",
                Action::Command(git(scratch, &["update-ref", &kept, "HEAD"])),
                GIT_TIMEOUT,
            )
        },
        put(facts, &kept),
        Step {
            on_failure: OnFailure::GoOn,
            ..Step::new("remove the work tree", Action::Command(tidy()), GIT_TIMEOUT)
        },
    ];
    let mut plan = Plan::new(
        id,
        format!("commit the report of {} to {}", facts.number, visible(branch)),
        Purpose::Report,
        TARGET,
    );
    let whole = [
        format!("{} goes on from {} {}", visible(branch), visible(facts.start_name), short(facts.start)),
        "the report holds the whole record: who can read the branch can read it".to_owned(),
    ];
    plan.notes.extend(whole);
    if facts.remote.is_some() && facts.here.is_some() {
        plan.notes.push(format!("{} here stays as it is: git pull brings the report to it", visible(branch)));
    }
    plan.confirm = Some(branch.to_owned());
    plan.steps = steps;
    plan
}

/// Where the commit is kept here, whatever becomes of the branch.
fn kept(number: &str) -> String {
    format!("refs/flightdeck/report/{number}")
}

/// The step that puts the commit on the branch: at the remote, else here.
fn put(facts: &Facts<'_>, kept: &str) -> Step {
    let Facts { root, branch, .. } = *facts;
    let full = format!("refs/heads/{branch}");
    let title = format!("{PUT}{}: {}", visible(branch), visible(facts.path));
    let Some(remote) = facts.remote else {
        let before = facts.here.unwrap_or(NONE);
        let guards = facts.here.map(|here| Guard {
            title: format!("{} is still {}", visible(branch), short(here)),
            probe: is_at(root, &full, here),
        });
        let ahead = git(root, &["merge-base", "--is-ancestor", kept, &full]);
        return Step {
            guards: guards.into_iter().collect(),
            proof: Some(Probe::command(ahead, None)),
            ..Step::new(title, Action::Command(git(root, &["update-ref", &full, kept, before])), GIT_TIMEOUT)
        };
    };
    // Takes what the remote has only if that goes on from what was pushed, or is it; tells so by its exit code,
    // and with --dry-run changes nothing.
    let spec = format!("{full}:{kept}");
    let landed = git(root, &["fetch", "--dry-run", "--quiet", "--no-tags", remote, &spec]);
    Step {
        proof: Some(Probe::command(landed, None)),
        reach: Reach::Others,
        undo: Undo::Irreversible { why: "others may have it; git revert takes it out again".to_owned() },
        ..Step::new(
            title,
            Action::Command(git(root, &["push", "--no-follow-tags", remote, &format!("{kept}:{full}")])),
            NETWORK_TIMEOUT,
        )
    }
}

/// The branch and the file that a step has put the report on, once it is done: `reports: incidents/INC-2026-0007.md`.
pub fn saved(plan: &Plan, step: usize) -> Option<String> {
    let step = plan.steps.get(step).filter(|_| plan.purpose == Purpose::Report)?;
    step.title.strip_prefix(PUT).map(str::to_owned)
}

fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";
    const BLOB: &str = "257cc5642cb1a054f08cc83f2d943e56fd3ebe99";

    fn facts<'a>(remote: Option<&'a str>, here: Option<&'a str>) -> Facts<'a> {
        Facts {
            root: "/srv/shop",
            scratch: "/srv/shop/.git/flightdeck/report-1",
            remote,
            branch: "reports",
            start: START,
            start_name: "main",
            here,
            path: "incidents/INC-2026-0007.md",
            file: "/state/reports/a.md",
            blob: BLOB,
            number: "INC-2026-0007",
            about: "Checkout\nanswers 500",
        }
    }

    fn lines(plan: &Plan) -> Vec<String> {
        let line = |step: &Step| match &step.action {
            Action::Command(command) => command.argv.join(" "),
            other => panic!("{other:?}"),
        };
        plan.steps.iter().map(line).collect()
    }

    #[test]
    fn it_is_committed_beside_the_work_tree_and_pushed_by_name() {
        let plan = report(&facts(Some("origin"), None), "report-1");
        assert_eq!(
            lines(&plan),
            [
                "git hash-object -w --no-filters -- /state/reports/a.md".to_owned(),
                format!("git worktree add --quiet --detach /srv/shop/.git/flightdeck/report-1 {START}"),
                format!("git update-index --add --cacheinfo 100644,{BLOB},incidents/INC-2026-0007.md"),
                "git checkout-index --force -- incidents/INC-2026-0007.md".to_owned(),
                "git commit -m Report of INC-2026-0007: Checkout answers 500".to_owned(),
                "git update-ref refs/flightdeck/report/INC-2026-0007 HEAD".to_owned(),
                "git push --no-follow-tags origin refs/flightdeck/report/INC-2026-0007:refs/heads/reports"
                    .to_owned(),
                "git worktree remove --force /srv/shop/.git/flightdeck/report-1".to_owned(),
            ]
        );
        assert_eq!(plan.confirm.as_deref(), Some("reports"));
        let reaching = plan.steps.iter().filter(|step| step.reach == Reach::Others).count();
        assert_eq!(reaching, 1, "only the push reaches others");
        assert_eq!(saved(&plan, 6).as_deref(), Some("reports: incidents/INC-2026-0007.md"));
        assert_eq!(saved(&plan, 5), None);
    }

    #[test]
    fn without_a_remote_the_branch_here_is_moved_only_from_where_it_was() {
        let plan = report(&facts(None, Some(START)), "report-1");
        let last = format!("git update-ref refs/heads/reports refs/flightdeck/report/INC-2026-0007 {START}");
        assert_eq!(lines(&plan)[6], last);
        assert_eq!(plan.steps[6].guards.len(), 1);
        let plan = report(&facts(None, None), "report-1");
        assert!(lines(&plan)[6].ends_with(NONE), "it must not be there yet");
    }
}
