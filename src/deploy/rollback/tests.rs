use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::config::types::{BlueGreen, Flag, FlagCall, FlagKind, Probe, Rollback};
use crate::deploy::flags::{self, Switch};
use crate::hotfix::back::{Commit, NoRevert, Revert, Run};
use crate::incident::WatchVerdict;
use crate::plan::gates::Gate;
use crate::plan::{Action, Plan, Purpose, Undo};

const GOOD: &str = "4f2c91e0000000000000000000000000000000ab";
const BAD: &str = "77b0d130000000000000000000000000000000cd";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn at(minute: i64) -> Timestamp {
    "2026-11-20T09:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn release(minute: i64, commit: &str, tag: Option<&str>, verdict: Option<WatchVerdict>) -> Release {
    Release {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.into(),
        tag: tag.map(str::to_owned),
        version: None,
        plan: "deploy-production-1".into(),
        rollback: false,
        replaces: None,
        by: "maya".into(),
        at: at(minute),
        verdict: verdict.map(|verdict| (at(minute + 1), verdict, String::new())),
        vouched: false,
    }
}

/// A good release and a bad one after it.
fn history() -> History {
    History {
        releases: vec![
            release(0, GOOD, Some("v1.2.2"), Some(WatchVerdict::Passed)),
            release(10, BAD, None, Some(WatchVerdict::Failed)),
        ],
        trials: Vec::new(),
        rehearsals: vec![Rehearsal {
            way: "redeploy".into(),
            environment: "staging".into(),
            to: String::new(),
            at: at(-60),
            took: SignedDuration::from_mins(3),
        }],
        merges_back: Vec::new(),
        asked: Vec::new(),
    }
}

fn environment() -> Environment {
    let mut env = Environment::new("production", words(&["./deploy.sh", "{ref}", "{commit}"]));
    env.protected = true;
    env
}

fn reverting() -> Revert {
    let commit = |id: &str| Commit { id: id.to_owned(), subject: "lower the limit".to_owned() };
    Revert {
        branch: "main".into(),
        remote: "origin".into(),
        tracking: "refs/remotes/origin/main".into(),
        onto: BAD.into(),
        runs: vec![
            Run { mainline: Some(1), commits: vec![commit(BAD)] },
            Run { mainline: None, commits: vec![commit("aaaaaaa1"), commit("bbbbbbb2")] },
        ],
        conflicts: Vec::new(),
        conflict_at: None,
        ahead: 0,
        same_as_target: true,
        scratch: "/srv/shop/.git/flightdeck/77b0d13-to-4f2c91e".into(),
    }
}

fn found() -> Back {
    Back {
        target_is_here: true,
        tag: Some("v1.2.2".into()),
        taken: vec![Commit { id: BAD.into(), subject: "lower the limit".into() }],
        taken_count: 1,
        migrations: Vec::new(),
        compared: Ok(()),
        revert: Ok(reverting()),
    }
}

struct World {
    config: Config,
    policy: Policy,
    history: History,
    environment: Environment,
}

impl World {
    fn new() -> Self {
        let environment = environment();
        let config = Config { environments: vec![environment.clone()], ..Config::default() };
        Self { config, policy: Policy::built_in(), history: history(), environment }
    }

    fn known(&self) -> Known<'_> {
        let known = Known::new(
            &self.config,
            &self.policy,
            self.history.clone(),
            &self.environment,
            "/srv/shop",
            None,
        );
        Known { back: Some(found()), ..known }
    }
}

fn get<'a>(ways: &'a [Way], id: &str) -> &'a Way {
    ways.iter().find(|way| way.id == id).unwrap_or_else(|| panic!("no {id} in {ways:?}"))
}

fn ids(ways: &[Way]) -> Vec<&str> {
    ways.iter().map(|way| way.id.as_str()).collect()
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.action.line()).collect()
}

#[test]
fn what_is_proven_comes_before_what_is_not_and_then_by_kind() {
    let mut world = World::new();
    let own = |name: &str, target: &[&str]| Rollback {
        name: name.into(),
        command: words(&["kubectl", "--context", "{env}", "rollout", "undo"]),
        target: words(target),
        proof: Vec::new(),
        expect: "{target}".into(),
        timeout: SignedDuration::from_mins(5),
    };
    world.environment.rollbacks = vec![own("blind", &[]), own("rollout-undo", &["./target.sh"])];
    let flag = |name: &str, state| FlagState { name: name.into(), about: String::new(), state, ms: 1.0 };
    let known = Known {
        flags: vec![flag("new-checkout", Switch::On), flag("old", Switch::Off)],
        own: vec![Heard::Nothing, Heard::Said { line: "v1.2.2".into(), commit: Some(GOOD.into()) }],
        ..world.known()
    };
    let ways = ways(&known);
    assert_eq!(ids(&ways), ["redeploy", "revert", "rollout-undo", "flag:new-checkout", "blind", "flag:old"]);
    assert_eq!(best(&ways).unwrap().id, "redeploy", "a flag helps only if the fault is behind this flag");
    assert_eq!(get(&ways, "rollout-undo").goes_back_to, "v1.2.2 (4f2c91e)");
    assert_eq!(get(&ways, "blind").ready.name(), "unknown");
    assert_eq!(get(&ways, "blind").title, "blind: kubectl --context production rollout undo", "filled in");
    let redeploy = get(&ways, "redeploy");
    assert_eq!(redeploy.takes_away, [("77b0d13".to_owned(), "lower the limit".to_owned())]);
    assert_eq!(redeploy.rehearsal(at(0)), "last redeploy 1h ago on staging, took 3m");
}

#[test]
fn only_a_passed_watch_makes_something_to_go_back_to() {
    let mut world = World::new();
    world.history.releases[0].verdict = None;
    let ways = ways(&Known { back: None, ..world.known() });
    let why = get(&ways, "redeploy").ready.why();
    assert!(why.contains("no earlier release of production was watched"), "{why}");
    assert_eq!((best(&ways), nearest(&ways)), (None, None));

    let untold = Known { back: None, untold: Some("exit 7".into()), ..world.known() };
    let told = super::ways(&untold);
    assert!(matches!(&get(&told, "redeploy").ready, Ready::Unknown(why) if why.ends_with("exit 7")));

    world.history.releases.clear();
    let known = Known { back: None, ..world.known() };
    let back = way_back(&known, &super::ways(&known));
    assert_eq!(back.ready, None);
    assert!(back.why.contains("flightdeck live production TAG --good"), "{}", back.why);
}

#[test]
fn a_commit_that_is_not_here_and_migrations_are_said() {
    let world = World::new();
    let ready = |back: Back| ways(&Known { back: Some(back), ..world.known() });
    let missing = ready(Back::missing());
    assert!(
        matches!(&get(&missing, "redeploy").ready, Ready::No(why) if why.contains("not in this repository"))
    );
    let migrated = ready(Back { migrations: words(&["db/migrate/7_total.rb"]), ..found() });
    for id in ["redeploy", "revert"] {
        let way = get(&migrated, id);
        assert!(matches!(&way.ready, Ready::Unknown(why) if why.contains("migration")), "{way:?}");
    }
    let pair =
        ready(Back { migrations: words(&["db/2_discount.down.sh", "db/2_discount.up.sh"]), ..found() });
    let why = get(&pair, "redeploy").ready.why();
    assert!(why.starts_with("a migration lies between"), "the way there and back is one: {why}");
    let two = ready(Back { migrations: words(&["db/2/up.sql", "db/2/down.sql", "db/3.up.sh"]), ..found() });
    assert!(
        get(&two, "redeploy").ready.why().starts_with("2 migrations"),
        "{:?}",
        get(&two, "redeploy").ready
    );
    assert_eq!(best(&migrated), None);
    assert_eq!(nearest(&migrated).unwrap().id, "redeploy");
    let slow = ready(Back { compared: Err("there was no time".into()), ..found() });
    assert_eq!(get(&slow, "redeploy").ready.name(), "unknown");
}

#[test]
fn a_revert_is_ready_only_where_it_brings_back_what_was_there() {
    let world = World::new();
    let ready = |revert| {
        let known = Known { back: Some(Back { revert, ..found() }), ..world.known() };
        get(&ways(&known), "revert").clone()
    };
    let merge = ready(Ok(reverting()));
    assert_eq!(merge.ready, Ready::Yes);
    assert!(merge.evidence.iter().any(|(_, line)| line == "77b0d13 is a merge: reverting it keeps parent 1"));
    let conflicting = Revert { conflicts: words(&["src/pool.rs"]), ..reverting() };
    assert_eq!(ready(Ok(conflicting)).ready, Ready::No("conflicts in src/pool.rs".into()));
    let ahead = ready(Ok(Revert { ahead: 2, same_as_target: false, ..reverting() }));
    assert!(
        ahead.ready.why().contains("2 commits production never ran; they would ship too"),
        "{:?}",
        ahead.ready
    );
    let late = ready(Err(NoRevert::Unknown("no time to try it".into())));
    assert_eq!(late.ready, Ready::Unknown("no time to try it".into()));
}

#[test]
fn what_would_be_undone_by_itself_is_not_proven() {
    let mut world = World::new();
    world.environment.gitops = "argocd".into();
    world.environment.blue_green = Some(sides());
    let known = Known {
        live: Heard::Said { line: "green".into(), commit: None },
        idle: Heard::Said { line: "v1.2.2".into(), commit: Some(GOOD.into()) },
        ..world.known()
    };
    let switch = get(&ways(&known), "switch").clone();
    assert_eq!(switch.undone_by.as_deref(), Some("argocd"));
    assert_eq!(switch.ready, Ready::Unknown("argocd would undo it: pause its sync first".into()));
    assert!(plan(&known, "rollback-1", &switch).unwrap().notes.iter().any(|note| note.contains("argocd")));
}

fn sides() -> BlueGreen {
    BlueGreen {
        sides: ["blue".into(), "green".into()],
        live: words(&["./live.sh"]),
        deploy: words(&["./deploy.sh", "{side}"]),
        check: Vec::new(),
        switch: words(&["./switch.sh", "{side}"]),
        version: words(&["./version.sh", "{side}"]),
    }
}

#[test]
fn the_other_side_is_ready_if_what_is_on_it_was_good() {
    let mut world = World::new();
    world.environment.blue_green = Some(sides());
    let said = |line: &str, commit: Option<&str>| Heard::Said {
        line: line.into(),
        commit: commit.map(str::to_owned),
    };
    let ready =
        |live: Heard, idle: Heard| get(&ways(&Known { live, idle, ..world.known() }), "switch").clone();
    let good = ready(said("green", None), said("v1.2.2", Some(GOOD)));
    assert_eq!((good.ready.name(), good.title.as_str()), ("yes", "switch back to blue"));
    assert_eq!(good.takes_away_count, 1);
    assert_eq!(ready(said("green", None), said("x", Some(BAD))).ready.name(), "no", "the same on both");
    assert_eq!(ready(said("green", None), said("nightly", None)).ready.name(), "unknown");
    assert_eq!(ready(said("purple", None), Heard::Nothing).ready.name(), "unknown");
    let mute = ready(Heard::Unknown("it was not asked".into()), Heard::Nothing);
    assert_eq!(mute.ready, Ready::Unknown("it was not asked".into()));

    let live = said("green", None);
    let known = Known { live, idle: said("v1.2.2", Some(GOOD)), ..world.known() };
    let made = plan(&known, "rollback-1", &good).unwrap();
    assert_eq!(lines(&made), ["./switch.sh blue"]);
    assert_eq!(made.steps[0].guards[0].probe.expect.as_deref(), Some("green"));
    assert!(matches!(&made.steps[0].undo, Undo::By { action, .. } if action.line() == "./switch.sh green"));
    assert_eq!(made.release.unwrap().commit, GOOD);
}

#[test]
fn redeploying_takes_the_tag_and_is_watched() {
    let mut world = World::new();
    let probe: Probe =
        toml::from_str("name = \"api\"\nurl = \"http://127.0.0.1/\"\nenvironment = \"production\"").unwrap();
    world.config.probes = vec![probe];
    let known = world.known();
    let made = plan(&known, "rollback-production-1", get(&ways(&known), "redeploy")).unwrap();
    assert_eq!(made.purpose, Purpose::Rollback);
    assert_eq!(made.title, "roll production back: redeploy v1.2.2 (4f2c91e)");
    assert_eq!((made.way.as_deref(), made.confirm.as_deref()), (Some("redeploy"), Some("production")));
    assert_eq!(lines(&made), [format!("./deploy.sh v1.2.2 {GOOD}"), "watch api for 5m".to_owned()]);
    let release = made.release.clone().unwrap();
    assert_eq!((release.rollback, release.after, release.commit.as_str()), (true, 0, GOOD));
    assert_eq!(made.frozen["v1.2.2"], GOOD);
    assert!(made.notes.iter().any(|note| note == "  77b0d13 lower the limit"), "{:?}", made.notes);
    let [Gate::Rollback { ready, .. }] = made.gates.as_slice() else { panic!("{:?}", made.gates) };
    assert_eq!(ready.as_deref(), Some("redeploy"), "fewer gates than a deploy, never none");

    let moved = Known { back: Some(Back { tag: None, ..found() }), ..world.known() };
    let made = plan(&moved, "rollback-production-1", get(&ways(&moved), "redeploy")).unwrap();
    assert_eq!(made.steps[0].action.line(), format!("./deploy.sh {GOOD} {GOOD}"), "the tag is no longer it");
}

#[test]
fn a_revert_touches_no_ones_work_tree_and_forces_nothing() {
    let world = World::new();
    let known = world.known();
    let made = plan(&known, "rollback-production-1", get(&ways(&known), "revert")).unwrap();
    let scratch = "/srv/shop/.git/flightdeck/77b0d13-to-4f2c91e";
    assert_eq!(
        lines(&made),
        [
            format!("git worktree add --detach {scratch} {BAD}"),
            format!("git revert --no-edit -m 1 {BAD}"),
            "git revert --no-edit aaaaaaa1 bbbbbbb2".to_owned(),
            "git update-ref refs/flightdeck/77b0d13-to-4f2c91e HEAD".to_owned(),
            format!("git worktree remove --force {scratch}"),
            "git push origin refs/flightdeck/77b0d13-to-4f2c91e:refs/heads/main".to_owned(),
        ]
    );
    for step in &made.steps {
        let Action::Command(command) = &step.action else { panic!("{step:?}") };
        let pushes = command.argv.iter().any(|word| word == "push");
        assert_eq!(pushes, step.reach == crate::plan::Reach::Others);
        assert!(!pushes || !command.argv.iter().any(|word| word.contains("force") || word.starts_with('+')));
    }
    assert_eq!(made.steps[2].proof.as_ref().unwrap().expect.as_deref(), Some("3"));
    assert_eq!(made.release, None, "it is in production once it was deployed");
    assert_eq!(made.confirm.as_deref(), Some("main"), "what is typed is what it changes");
    let way = get(&ways(&known), "revert").clone();
    assert_eq!(way.and_then().as_deref(), Some("only changes main; a deploy is needed after it"));
    assert!(made.notes.iter().any(|note| note.contains("reverting the revert")));

    let reverted = Revert { runs: Vec::new(), onto: "cccccccc".repeat(5), ahead: 3, ..reverting() };
    let known = Known { back: Some(Back { revert: Ok(reverted), ..found() }), ..world.known() };
    let ways = ways(&known);
    assert_eq!(get(&ways, "revert").title, "deploy main, which is reverted");
    let made = plan(&known, "rollback-production-2", get(&ways, "revert")).unwrap();
    let commit = "cccccccc".repeat(5);
    assert_eq!(lines(&made), [format!("./deploy.sh {commit} {commit}")]);
    assert_eq!(made.release.unwrap().commit, commit);
    assert_eq!((made.confirm.as_deref(), &get(&ways, "revert").only), (Some("production"), &None));
}

#[test]
fn a_way_that_is_known_to_fail_makes_no_plan_or_a_gate_that_is_not_met() {
    let mut world = World::new();
    let conflicting = Revert { conflicts: words(&["src/pool.rs"]), ..reverting() };
    let known = Known { back: Some(Back { revert: Ok(conflicting), ..found() }), ..world.known() };
    let refused = plan(&known, "rollback-1", get(&ways(&known), "revert")).unwrap_err();
    assert!(refused.cause.contains("conflicts in src/pool.rs"), "{refused}");

    world.environment.rollbacks = vec![Rollback {
        name: "undo".into(),
        command: words(&["./undo.sh", "{env}"]),
        target: words(&["./target.sh"]),
        proof: words(&["./proof.sh"]),
        expect: "{target}".into(),
        timeout: SignedDuration::from_mins(5),
    }];
    let known = Known { own: vec![Heard::No("no revision before".into())], ..world.known() };
    let made = plan(&known, "rollback-1", get(&ways(&known), "undo")).unwrap();
    assert!(matches!(&made.gates[0], Gate::Rollback { ready: None, why, .. } if why.contains("no revision")));
    assert_eq!((lines(&made), made.release), (vec!["./undo.sh production".to_owned()], None));
    let known = Known { own: vec![Heard::Unknown("it did not answer".into())], ..known };
    let open = plan(&known, "rollback-1", get(&ways(&known), "undo")).unwrap();
    assert!(
        matches!(&open.gates[0], Gate::Rollback { ready: Some(_), unproven: true, why } if why.contains("not proven"))
    );
    assert_eq!(made.steps[0].proof, None, "what it would be proven by is not known");
}

#[test]
fn a_team_can_ask_for_more_before_a_rollback_and_not_for_less() {
    let mut world = World::new();
    world.policy.rollback_gates = words(&["approvals", "freeze"]);
    let known = world.known();
    let made = plan(&known, "rollback-1", get(&ways(&known), "redeploy")).unwrap();
    let ids: Vec<_> = made.gates.iter().map(Gate::id).collect();
    assert_eq!(ids, ["rollback", "approvals", "freeze"]);
    world.policy.rollback_gates.clear();
    let known = world.known();
    let made = plan(&known, "rollback-1", get(&ways(&known), "redeploy")).unwrap();
    assert_eq!(made.gates.len(), 1);
}

#[test]
fn a_flag_says_what_it_guards() {
    let mut world = World::new();
    world.config.flags = vec![Flag {
        name: "new-checkout".into(),
        kind: FlagKind::Http,
        url: "http://127.0.0.1/".into(),
        token: String::new(),
        key: String::new(),
        project: String::new(),
        environment: String::new(),
        path: String::new(),
        on: Some(FlagCall { method: "PUT".into(), url: String::new(), body: "true".into() }),
        off: Some(FlagCall { method: "PUT".into(), url: String::new(), body: "false".into() }),
        about: "the new checkout".into(),
    }];
    let flag =
        |state| FlagState { name: "new-checkout".into(), about: "the new checkout".into(), state, ms: 1.0 };
    let unknown = Known { flags: vec![flag(Switch::Unknown("refused".into()))], ..world.known() };
    let listed = ways(&unknown);
    let way = get(&listed, "flag:new-checkout");
    assert_eq!(way.goes_back_to, "without the new checkout");
    assert_eq!(way.leads_to(), "without the new checkout", "no code goes back with a flag");
    assert_eq!(way.rehearsal(jiff::Timestamp::UNIX_EPOCH), "never done here before");
    assert_eq!(way.ready, Ready::Unknown("refused".into()));
    let about = "orders are charged as they come in; off: orders are charged later";
    let told = FlagState { about: about.into(), ..flag(Switch::On) };
    let told = Known { flags: vec![told], ..world.known() };
    let listed = ways(&told);
    assert_eq!(get(&listed, "flag:new-checkout").leads_to(), "off: orders are charged later");

    let on = Known { flags: vec![flag(Switch::On)], ..world.known() };
    let made = plan(&on, "rollback-1", get(&ways(&on), "flag:new-checkout")).unwrap();
    assert_eq!((made.purpose, made.target.as_str()), (Purpose::Rollback, "flag:new-checkout"));
    assert_eq!((made.confirm.as_deref(), made.gates.len()), (None, 1));
    let listed = flags::flag(&world.config, "flag-1", "new-checkout", false, &Switch::On, "/src").unwrap();
    assert_eq!((&made.title, &made.confirm), (&listed.title, &listed.confirm), "one act, one confirmation");
    assert_eq!(lines(&made), ["PUT http://127.0.0.1/ false"]);
}

#[test]
fn whoever_asks_to_go_back_twice_means_the_first_time() {
    let mut world = World::new();
    let earlier =
        release(-600, "0123450e0000000000000000000000000000000a", Some("v1.2.1"), Some(WatchVerdict::Passed));
    world.history.releases.insert(0, earlier);
    world.history.releases.push(Release { rollback: true, ..release(90, GOOD, Some("v1.2.2"), None) });
    let ready = |world: &World| get(&ways(&world.known()), "redeploy").ready.clone();
    assert!(
        matches!(ready(&world), Ready::No(why) if why.starts_with("it is back on v1.2.2 (4f2c91e) already"))
    );
    // Found bad itself, it is gone back from like any other.
    world.history.releases.last_mut().unwrap().verdict = Some((at(91), WatchVerdict::Failed, String::new()));
    assert_eq!(ready(&world), Ready::Yes);
}
