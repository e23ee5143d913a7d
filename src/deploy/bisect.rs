//! Finding the change that broke a check, by halves, as a plan. Pure.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{choose, fill, secrets};
use crate::config::types::{Check, Config};
use crate::failure::{Failure, Result};
use crate::hotfix::suspects::{Halves, short};
use crate::plan::{Action, Command, OnFailure, Plan, Probe, Purpose, Step, Undo};
use crate::text::visible;

/// What is leased while a range is searched: it runs beside everything else.
pub const TARGET: &str = "bisect";

/// Git on this machine is a matter of a moment; a hook of the team's may take longer.
const GIT_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// A search takes no longer than this, however often its check runs.
const MOST: SignedDuration = SignedDuration::from_hours(24);
/// Index of the step whose summary names the first bad commit.
pub const RESULT: usize = 4;

/// A range to search: full ids.
#[derive(Debug, Clone, Copy)]
pub struct Range<'a> {
    /// Where the check passes.
    pub good: &'a str,
    /// Where it fails.
    pub bad: &'a str,
    /// What that takes.
    pub halves: &'a Halves,
}

/// The plan that finds the first commit of a range at which a check fails, in a work tree of its
/// own. `check` may be left out where there is one only.
///
/// # Errors
/// The check is not configured, none is named where there are several, or it names no program.
pub fn bisect(config: &Config, id: &str, check: Option<&str>, range: Range<'_>, root: &str) -> Result<Plan> {
    let doing = "planning a bisect";
    let check = the_one(config, doing, check)?;
    let what = format!("check {}", visible(&check.name));
    let program = check.command.first().map(|program| program.trim()).unwrap_or_default();
    if program.is_empty() {
        return Err(fill::no_program(doing, &what));
    }
    if program.starts_with('-') {
        let cause = format!("the program of {what} could be taken for an option of git");
        return Err(Failure::usage(doing, cause, "write it with its path in flightdeck.toml: ./-name"));
    }
    let title = format!("find the commit that broke {what}");
    let plan = Plan {
        notes: notes(&range, check),
        steps: steps(check, &what, &range, root),
        ..Plan::new(id, title, Purpose::Bisect, TARGET)
    };
    Ok(secrets::attach(plan, config, root))
}

fn the_one<'a>(config: &'a Config, doing: &str, name: Option<&str>) -> Result<&'a Check> {
    let names: Vec<String> = name.map(str::to_owned).into_iter().collect();
    match choose(config, doing, &names)?.as_slice() {
        [only] => Ok(only),
        several => {
            let known: Vec<_> = several.iter().map(|check| visible(&check.name)).collect();
            let hint = format!("name it: {}", known.join(", "));
            Err(Failure::usage(doing, "there are several checks to search with", hint))
        }
    }
}

fn notes(range: &Range<'_>, check: &Check) -> Vec<String> {
    let Halves { commits, .. } = range.halves;
    let s = if *commits == 1 { "" } else { "s" };
    vec![
        format!(
            "{commits} commit{s} after {}; the check runs about {} times, {} each at most",
            short(range.good),
            range.halves.tries() + 1,
            crate::incident::duration(check.timeout)
        ),
        format!("{} is taken to be bad: it is not tried", short(range.bad)),
        "the check runs as each commit has it, without what is not committed: dependencies, settings".to_owned(),
        "its exit code decides: 0 good, 125 cannot be tested, others up to 127 bad; 128 and more, as of a crash, \
         end the search without a result"
            .to_owned(),
    ]
}

fn git(cwd: &str, arguments: &[&str]) -> Command {
    Command {
        argv: std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect(),
        cwd: cwd.to_owned(),
        env: Vec::new(),
        // What it prints is read in the run view, not in a pager that waits for a key.
        set: BTreeMap::from([("GIT_PAGER".to_owned(), "cat".to_owned())]),
    }
}

fn steps(check: &Check, what: &str, range: &Range<'_>, root: &str) -> Vec<Step> {
    let Range { good, bad, halves } = *range;
    let scratch = halves.scratch.as_str();
    let tidy = || git(root, &["worktree", "remove", "--force", scratch]);
    let back_out = OnFailure::UndoTo { step: 0 };
    let head = |cwd: &str, name: &str| git(cwd, &["rev-parse", "--verify", name]);
    let runs =
        |argv: Vec<String>| Action::Command(Command { argv, env: check.env.clone(), ..git(scratch, &[]) });
    let search: Vec<String> = ["git", "bisect", "run"].iter().map(|word| (*word).to_owned()).collect();
    let search = [search, check.command.clone()].concat();
    let tries = i32::try_from(halves.tries()).unwrap_or(i32::MAX);
    let all = check.timeout.checked_mul(tries).unwrap_or(MOST).min(MOST);
    let named = "--format=format:first bad commit: %h %s, ask %an";
    let step = |title: String, action: Action, timeout: SignedDuration| Step {
        on_failure: back_out,
        ..Step::new(title, action, timeout)
    };
    vec![
        Step {
            proof: Some(Probe::command(
                git(root, &["-C", scratch, "rev-parse", "--verify", "HEAD"]),
                Some(good.to_owned()),
            )),
            undo: Undo::By { action: Action::Command(tidy()), proof: None },
            ..Step::new(
                format!("make a separate work tree at {}", short(good)),
                Action::Command(git(root, &["worktree", "add", "--detach", scratch, good])),
                GIT_TIMEOUT,
            )
        },
        // A check that fails there, too, would call everything bad.
        Step {
            retry_is_safe: true,
            ..step(format!("{what} passes at {}", short(good)), runs(check.command.clone()), check.timeout)
        },
        Step {
            proof: Some(Probe::command(head(scratch, "refs/bisect/bad"), Some(bad.to_owned()))),
            ..step(
                format!("begin between {} and {}", short(good), short(bad)),
                Action::Command(git(scratch, &["bisect", "start", bad, good, "--"])),
                GIT_TIMEOUT,
            )
        },
        Step { retry_is_safe: true, ..step(format!("bisect with {what}"), runs(search), all) },
        Step {
            retry_is_safe: true,
            ..step(
                "name the first bad commit".to_owned(),
                Action::Command(git(
                    scratch,
                    &["--no-pager", "log", "-1", "--no-color", named, "refs/bisect/bad", "--"],
                )),
                GIT_TIMEOUT,
            )
        },
        Step {
            on_failure: OnFailure::GoOn,
            ..Step::new("remove the work tree, and the search with it", Action::Command(tidy()), GIT_TIMEOUT)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "1111111111111111111111111111111111111111";
    const BAD: &str = "2222222222222222222222222222222222222222";

    fn config(checks: &str) -> Config {
        toml::from_str(checks).unwrap()
    }

    fn planned(checks: &str, name: Option<&str>) -> Result<Plan> {
        let halves = Halves { commits: 30, scratch: "/r/.git/flightdeck/bisect-1".into() };
        bisect(&config(checks), "bisect-1", name, Range { good: GOOD, bad: BAD, halves: &halves }, "/r")
    }

    const UNIT: &str = "[[checks]]\nname = \"unit\"\ncommand = [\"./t.sh\", \"a b\"]\ntimeout = \"10m\"\n";
    const LINT: &str = "[[checks]]\nname = \"lint\"\ncommand = [\"./lint.sh\"]\n";

    #[test]
    fn the_search_runs_in_a_work_tree_of_its_own_and_leaves_nothing() {
        let plan = planned(UNIT, None).unwrap();
        let lines: Vec<String> = plan.steps.iter().map(|step| step.action.line()).collect();
        assert_eq!(
            lines,
            [
                &*format!("git worktree add --detach /r/.git/flightdeck/bisect-1 {GOOD}"),
                "./t.sh 'a b'",
                &*format!("git bisect start {BAD} {GOOD} --"),
                "git bisect run ./t.sh 'a b'",
                "git --no-pager log -1 --no-color '--format=format:first bad commit: %h %s, ask %an' refs/bisect/bad --",
                "git worktree remove --force /r/.git/flightdeck/bisect-1",
            ]
        );
        assert_eq!(
            (plan.purpose, plan.confirm.as_ref(), plan.reaches_others()),
            (Purpose::Bisect, None, false)
        );
        assert!(plan.steps[1..RESULT].iter().all(|step| step.on_failure == OnFailure::UndoTo { step: 0 }));
        assert_eq!(plan.steps[3].timeout, SignedDuration::from_mins(60));
        assert!(plan.notes.iter().any(|note| note.contains("128 and more")), "{:?}", plan.notes);
    }

    #[test]
    fn with_several_checks_one_has_to_be_named() {
        let both = format!("{UNIT}{LINT}");
        assert!(planned(&both, None).unwrap_err().hint.contains("unit, lint"));
        assert!(planned(&both, Some("lint")).unwrap().title.ends_with("check lint"));
        assert!(planned(&both, Some("other")).is_err());
        assert!(planned("", None).is_err());
        let option = "[[checks]]\nname = \"x\"\ncommand = [\"--exec\"]\n";
        assert!(planned(option, None).unwrap_err().cause.contains("could be taken for an option"));
    }
}
