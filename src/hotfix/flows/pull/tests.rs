use super::*;
use crate::hotfix::pull::Check;
use crate::hotfix::state::Head;
use crate::plan::forge::Forge;
use crate::plan::{Ask as Question, SecretFrom};

const HEAD: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";
const OLD: &str = "1111111111111111111111111111111111111111";
const LANDED: &str = "77b0d13077b0d13077b0d13077b0d13077b0d130";

fn pull(state: PullState) -> Pull {
    Pull {
        number: 12,
        url: "https://github.com/shop/api/pull/12".into(),
        title: "HOTFIX: Checkout answers 500".into(),
        state,
        head: HEAD.into(),
        approved_by: vec!["li".into()],
        changes_wanted_by: Vec::new(),
        waits_for: Vec::new(),
        checks: vec![check("build", CheckState::Passed), check("docs", CheckState::Skipped)],
        mergeable: Some(true),
        held_by: String::new(),
    }
}

fn check(name: &str, state: CheckState) -> Check {
    Check::new(name, state)
}

struct World {
    config: Config,
    state: BranchState,
    text: PullText,
}

impl World {
    fn new() -> Self {
        let head = Head::Branch { name: "hotfix/x".into(), commit: HEAD.into() };
        let mut config = Config::default();
        config.hotfix.pull.reviewers = vec!["li".into()];
        let text = PullText { title: "HOTFIX: Checkout answers 500".into(), body: "why".into() };
        Self { config, state: BranchState::new("/srv/api", head), text }
    }

    /// The branch as it was pushed, with this pull request.
    fn known(&self, pull: Option<Pull>) -> Known<'_> {
        let place = Place {
            forge: Forge::Github,
            api: "https://api.github.com".into(),
            repository: "shop/api".into(),
            owner: "shop".into(),
            token: "GITHUB_TOKEN".into(),
        };
        let token =
            SecretSource { name: "GITHUB_TOKEN".into(), from: SecretFrom::Env("GITHUB_TOKEN".into()) };
        let has_all = pull.as_ref().is_some_and(|pull| pull.head == HEAD);
        let found = pull.map(|pull| Found {
            conflicts: pull.mergeable == Some(false) && pull.held_by.contains("conflict"),
            pull,
            head: "hotfix/x".into(),
            base: "main".into(),
            labels: Vec::new(),
            asked: Vec::new(),
        });
        Known {
            config: &self.config,
            state: &self.state,
            branch: "hotfix/x",
            head: HEAD,
            base: "main",
            remote: "origin",
            there: Some(HEAD),
            is_ahead: true,
            landed: false,
            forge: Some(Ask { place, token, found, has_all, text: &self.text }),
            conflicts: Vec::new(),
            elsewhere: Vec::new(),
            base_is_here: true,
        }
    }

    fn refusal(&self, pull: Pull) -> Failure {
        finish(&self.known(Some(pull)), "finish-1").unwrap_err()
    }
}

/// What the steps of finishing do.
fn lines(known: &Known<'_>) -> Vec<String> {
    finish(known, "finish-1").unwrap().steps.iter().map(|step| step.action.line()).collect()
}

#[test]
fn what_is_not_pushed_is_pushed_and_what_is_not_open_is_opened() {
    let world = World::new();
    let push = "git push --no-follow-tags -u origin refs/heads/hotfix/x:refs/heads/hotfix/x";
    let post = "POST https://api.github.com/repos/shop/api/pulls";
    let unpushed = Known { there: None, ..world.known(None) };
    assert_eq!(lines(&unpushed), [push, post]);
    let plan = finish(&unpushed, "finish-1").unwrap();
    assert!(plan.steps.iter().all(|step| step.reach == Reach::Others && step.proof.is_some()));
    assert_eq!((plan.secrets.len(), plan.confirm), (1, None));
    assert_eq!(plan.frozen["refs/heads/hotfix/x"], HEAD);
    assert_eq!(lines(&world.known(None)), [post]);
    // With one that is open nothing is opened again.
    let behind = Known { there: Some(OLD), ..world.known(Some(pull(PullState::Open))) };
    assert_eq!(lines(&behind), [push]);
    let no_token = Known { there: None, forge: None, ..world.known(None) };
    assert_eq!(lines(&no_token), [push]);
    let gone_on = Known { is_ahead: false, there: Some(OLD), ..world.known(None) };
    assert!(finish(&gone_on, "x").unwrap_err().cause.contains("commits of it that are not here"));
}

#[test]
fn one_that_is_ready_is_merged_as_the_commit_that_was_seen() {
    let world = World::new();
    let plan = finish(&world.known(Some(pull(PullState::Open))), "finish-1").unwrap();
    assert_eq!(plan.confirm.as_deref(), Some("main"));
    let Action::Forge(call) = &plan.steps[0].action else { panic!("{:?}", plan.steps[0]) };
    assert_eq!(call.line(), "PUT https://api.github.com/repos/shop/api/pulls/12/merge");
    assert!(matches!(&call.wanted, Wanted::Merge { number: 12, commit, .. } if commit == HEAD));
    let Some(Probe { ask: Question::Forge(asked), .. }) = &plan.steps[0].proof else { panic!("no proof") };
    assert_eq!(asked, call);
    assert_eq!(plan.steps[1].action.line(), "git fetch --no-prune origin");
    assert!(!serde_json::to_string(&plan).unwrap().contains("Bearer"));
}

#[test]
fn one_that_is_not_ready_says_what_it_waits_for() {
    let world = World::new();
    let asked = Pull {
        approved_by: Vec::new(),
        waits_for: vec!["li".into(), "omar".into()],
        checks: vec![check("build", CheckState::Running), check("test", CheckState::Cancelled)],
        mergeable: Some(false),
        held_by: "blocked: what protects main is not met".into(),
        ..pull(PullState::Open)
    };
    let failure = world.refusal(asked);
    assert_eq!(failure.kind, FailureKind::Gate);
    for wanted in
        ["nobody has approved it; asked: li, omar", "not done: build", "cancelled, which is not passed: test"]
    {
        assert!(failure.cause.contains(wanted), "{wanted} in {failure}");
    }
    let unwanted = Pull { changes_wanted_by: vec!["zoe".into()], ..pull(PullState::Open) };
    assert!(world.refusal(unwanted).cause.contains("changes are wanted by zoe"));
    assert!(world.refusal(pull(PullState::Draft)).cause.contains("it is a draft"));
    let undecided = Pull { mergeable: None, ..pull(PullState::Open) };
    assert!(world.refusal(undecided).cause.contains("does not say yet"));
    let held = Pull { mergeable: Some(false), held_by: "blocked: rules".into(), ..pull(PullState::Open) };
    assert!(world.refusal(held).cause.contains("blocked: rules"));
    let stale = Pull { head: OLD.into(), ..pull(PullState::Open) };
    assert!(world.refusal(stale).cause.contains("still offers 1111111, not 4f2c91e"));
}

#[test]
fn a_conflict_names_the_files_and_needs_a_person() {
    let world = World::new();
    let dirty =
        Pull { mergeable: Some(false), held_by: "it conflicts with main".into(), ..pull(PullState::Open) };
    let known = Known { conflicts: vec!["src/pool.rs".into()], ..world.known(Some(dirty)) };
    let failure = finish(&known, "x").unwrap_err();
    assert_eq!(failure.kind, FailureKind::Held);
    assert!(failure.cause.contains("conflicts with main in src/pool.rs"), "{failure}");
    assert!(failure.hint.contains("merge origin/main into hotfix/x"), "{failure}");
}

#[test]
fn what_was_merged_is_tidied_up_as_far_as_it_is_what_was_merged() {
    let world = World::new();
    let merged = || pull(PullState::Merged(Some(LANDED.into())));
    let fetch = "git fetch --no-prune origin".to_owned();
    let there = format!(
        "git push --no-follow-tags '--force-with-lease=refs/heads/hotfix/x:{HEAD}' origin :refs/heads/hotfix/x"
    );
    let switch = "git switch --no-guess main".to_owned();
    let here = "git branch -D -- hotfix/x".to_owned();
    let known = world.known(Some(merged()));
    assert_eq!(lines(&known), [fetch.clone(), there.clone(), switch, here.clone()]);
    let detached = "git switch --detach refs/remotes/origin/main".to_owned();
    let taken = Known { base_is_here: false, ..world.known(Some(merged())) };
    assert_eq!(lines(&taken), [fetch.clone(), there, detached, here]);
    let plan = finish(&known, "finish-1").unwrap();
    assert!(plan.title.contains(LANDED), "{}", plan.title);
    // Its place has deleted the branch there; here files are changed.
    let mut dirty = World::new();
    dirty.state.dirty_count = 1;
    let known = Known { there: None, ..dirty.known(Some(merged())) };
    assert_eq!(lines(&known), std::slice::from_ref(&fetch));
    assert!(finish(&known, "x").unwrap().notes.iter().any(|note| note.contains("files are changed")));
    // It went on there, and somebody else has it.
    let elsewhere = vec!["/srv/other".to_owned()];
    let known = Known { there: Some(OLD), elsewhere, ..world.known(Some(merged())) };
    assert_eq!(lines(&known), [fetch]);
}

#[test]
fn one_of_before_does_not_stand_for_what_came_since() {
    let world = World::new();
    for state in [PullState::Merged(Some(LANDED.into())), PullState::Closed] {
        let before = Pull { head: OLD.into(), ..pull(state) };
        let lines = lines(&world.known(Some(before)));
        assert_eq!(lines, ["POST https://api.github.com/repos/shop/api/pulls"]);
    }
    let failure = world.refusal(pull(PullState::Closed));
    assert!(failure.cause.contains("closed without being merged"), "{failure}");
}

#[test]
fn without_a_pull_request_that_is_known_the_base_tells_that_it_landed() {
    let world = World::new();
    let known = Known { landed: true, forge: None, ..world.known(None) };
    let lines = lines(&known);
    assert!(lines[0].contains("--force-with-lease=") && lines.len() == 3, "{lines:?}");
}
