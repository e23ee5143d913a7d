//! Starting a hotfix.

use std::collections::BTreeMap;

use super::super::state::BranchState;
use super::{GIT_TIMEOUT, TARGET, bad_name, check_at_rest, check_name, gate, git, is_at, no_base, short};
use crate::config::types::{Config, Flow};
use crate::failure::{Failure, Result};
use crate::plan::{Action, Plan, Purpose, Step};
use crate::text::visible;

/// The plan of `hotfix start`: makes the branch from the commit that the base is at now, and
/// switches to it. A prefix given with the name is taken for what it is.
///
/// # Errors
/// The name cannot be that of a branch, the branch exists, or the repository is in no state to
/// make one: says which and what to do.
pub fn start(config: &Config, id: &str, state: &BranchState, name: &str) -> Result<Plan> {
    let hotfix = &config.hotfix;
    let name = name.strip_prefix(hotfix.prefix.as_str()).filter(|rest| !rest.is_empty()).unwrap_or(name);
    let branch = format!("{}{name}", hotfix.prefix);
    let doing = format!("starting {}", visible(&branch));
    check_name(name).map_err(|why| bad_name(&doing, why))?;
    check_name(&branch).map_err(|why| bad_name(&doing, why))?;
    if hotfix.flow == Flow::Trunk {
        return Err(Failure::usage(
            doing,
            "in the trunk flow a fix is committed straight on the base; there is no hotfix branch",
            "switch to the base and commit there, or set another flow under [hotfix]",
        ));
    }
    check_repository(config, &doing, state, &branch)?;
    let Some(base) = &state.base_at else { return Err(no_base(config, &doing)) };

    let at = short(&base.commit);
    let source = visible(base.short());
    let carried = match state.dirty_count {
        0 => String::new(),
        1 => "; 1 changed file comes along".to_owned(),
        n => format!("; {n} changed files come along"),
    };
    let cwd = state.root.clone();
    let switch = git(&cwd, &["switch", "--no-track", "-c", &branch, &base.commit]);
    let step = Step {
        proof: Some(is_at(&cwd, &format!("refs/heads/{branch}"), &base.commit)),
        ..Step::new(format!("make {branch} at {at} and switch to it"), Action::Command(switch), GIT_TIMEOUT)
    };
    let title = format!("start {branch} from {source} {at}{carried}");
    Ok(Plan {
        frozen: BTreeMap::from([(base.reference.clone(), base.commit.clone())]),
        steps: vec![step],
        ..Plan::new(id, title, Purpose::Hotfix, TARGET)
    })
}

fn check_repository(config: &Config, doing: &str, state: &BranchState, branch: &str) -> Result<()> {
    check_at_rest(doing, state)?;
    let known = || state.hotfix_branches.iter().chain(&state.deployable);
    if known().any(|name| name == branch) {
        return Err(gate(
            doing,
            "there is a branch or tag of that name already",
            &format!("choose another name, or switch to it: git switch {branch}"),
        ));
    }
    // git keeps a branch in a file: `hotfix` and `hotfix/x` cannot both exist.
    let clash = known().find(|name| is_folder_of(name, branch) || is_folder_of(branch, name));
    if let Some(clash) = clash {
        return Err(gate(
            doing,
            &format!("git cannot keep it beside the branch or tag {}", visible(clash)),
            "choose another name",
        ));
    }
    if state.base.is_none() { Err(no_base(config, doing)) } else { Ok(()) }
}

fn is_folder_of(folder: &str, name: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;
    use crate::hotfix::state::{BaseAt, Head, Operation};

    const COMMIT: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";

    fn state() -> BranchState {
        let head = Head::Branch { name: "main".into(), commit: COMMIT.into() };
        let mut state = BranchState::new("/srv/payments", head);
        state.base = Some("main".into());
        state.base_at = Some(BaseAt { reference: "refs/heads/main".into(), commit: COMMIT.into() });
        state.deployable = vec!["main".into(), "v1.2.2".into()];
        state
    }

    fn refusal(state: &BranchState, name: &str) -> Failure {
        start(&Config::default(), "hotfix-1", state, name).unwrap_err()
    }

    #[test]
    fn the_branch_is_made_at_the_frozen_commit() {
        let plan = start(&Config::default(), "hotfix-1", &state(), "pool-limit").unwrap();
        let Action::Command(command) = &plan.steps[0].action else { panic!("no command") };
        assert_eq!(
            command.argv,
            ["git", "switch", "--no-track", "-c", "hotfix/pool-limit", COMMIT].map(String::from)
        );
        assert_eq!(command.cwd, "/srv/payments");
        assert_eq!(plan.target, "repository");
        assert_eq!(plan.title, "start hotfix/pool-limit from main 4f2c91e");
        assert_eq!(plan.frozen["refs/heads/main"], COMMIT);
        let proof = plan.steps[0].proof.as_ref().unwrap();
        assert!(proof.ask.line().contains("refs/heads/hotfix/pool-limit^{commit}"));
        assert_eq!(proof.expect.as_deref(), Some(COMMIT));
        assert!(!plan.reaches_others());
    }

    #[test]
    fn the_prefix_may_be_given_and_changed_files_are_mentioned() {
        let mut dirty = state();
        dirty.dirty_count = 3;
        let plan = start(&Config::default(), "hotfix-1", &dirty, "hotfix/pool-limit").unwrap();
        assert_eq!(plan.title, "start hotfix/pool-limit from main 4f2c91e; 3 changed files come along");
    }

    #[test]
    fn names_that_git_or_a_shell_would_misread_are_refused() {
        for name in [
            "",
            "hotfix/",
            "-f",
            "--upload-pack=touch",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[1]",
            "a\\b",
            "@{1}",
            "a\u{7f}",
            "a\nb",
            "a\u{202e}b",
            "$(touch${IFS}x)",
            "`id`",
            "a;b",
            "a&b",
            "a|b",
            "a'b",
            "a\"b",
            "a<b",
            ".hidden",
            "a/.b",
            "a.",
            "a.lock",
            "a.LOCK/b",
            "/a",
            "a/",
            "a//b",
        ] {
            let failure = refusal(&state(), name);
            assert_eq!(failure.kind, FailureKind::Usage, "{name:?}: {failure}");
            assert!(!failure.to_string().contains(['\u{7f}', '\u{202e}']), "{name:?}");
        }
        assert_eq!(refusal(&state(), &"x".repeat(300)).kind, FailureKind::Usage);
        for name in ["pool-limit", "JIRA-12_fix.2", "deep/er", "größe", "x"] {
            assert!(start(&Config::default(), "hotfix-1", &state(), name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_prefix_from_the_configuration_is_checked_too() {
        let mut config = Config::default();
        config.hotfix.prefix = "--orphan=".into();
        assert!(start(&config, "hotfix-1", &state(), "x").is_err());
        config.hotfix.prefix = "$(id)/".into();
        assert!(start(&config, "hotfix-1", &state(), "x").is_err());
    }

    #[test]
    fn what_exists_is_not_made_again() {
        let mut taken = state();
        taken.hotfix_branches = vec!["hotfix/pool-limit".into()];
        assert!(refusal(&taken, "pool-limit").cause.contains("already"));
        assert!(refusal(&taken, "pool-limit/two").cause.contains("beside"));
        taken.hotfix_branches = vec!["hotfix/pool/limit".into()];
        assert!(refusal(&taken, "pool").cause.contains("beside"));
        taken.hotfix_branches = Vec::new();
        taken.deployable.push("hotfix".into());
        assert!(refusal(&taken, "pool").cause.contains("beside"));
    }

    #[test]
    fn a_repository_in_no_state_for_it_is_said_so() {
        let mut merging = state();
        merging.operation = Some(Operation::Merge);
        assert!(refusal(&merging, "x").cause.contains("a merge is under way"));
        let unborn = BranchState::new("/srv", Head::Unborn { name: "main".into() });
        assert!(refusal(&unborn, "x").cause.contains("no commit"));
        let mut baseless = state();
        (baseless.base, baseless.base_at) = (None, None);
        assert!(refusal(&baseless, "x").cause.contains("was not found"));
        let mut config = Config::default();
        config.hotfix.base = "release".into();
        let failure = start(&config, "hotfix-1", &baseless, "x").unwrap_err();
        assert!(failure.cause.contains("release, does not exist"));
        assert_eq!(failure.kind, FailureKind::Gate);
    }
}
