//! Canary and blue-green as plans, down to the exact arguments.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::config::types::{BlueGreen, Canary, Probe};
use crate::plan::{Ask, Watch};

const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn what() -> Resolved {
    Resolved {
        reference: "hotfix/pool".to_owned(),
        commit: COMMIT.to_owned(),
        root: "/repo".to_owned(),
        tag: Some("v1.2.4".to_owned()),
        version: Some("1.2.4".to_owned()),
        ..Resolved::default()
    }
}

fn probe(name: &str, environment: &str) -> Probe {
    let text = format!("name = \"{name}\"\nurl = \"http://h/\"\nenvironment = \"{environment}\"");
    toml::from_str(&text).unwrap()
}

fn production() -> Environment {
    Environment {
        protected: true,
        watch: Some(SignedDuration::ZERO),
        proof: words(&["./version.sh", "{env}"]),
        env: words(&["TOKEN"]),
        ..Environment::new("production", words(&["./deploy.sh", "{commit}"]))
    }
}

fn config(environment: Environment) -> Config {
    Config {
        environments: vec![environment],
        probes: vec![probe("web", "production"), probe("all", ""), probe("web staging", "staging")],
        ..Config::default()
    }
}

fn canary(weights: &[u8], ask: bool) -> Environment {
    let canary = Canary {
        weights: weights.to_vec(),
        set: words(&["./weight.sh", "{env}", "--to={weight}"]),
        weight: words(&["./weight.sh", "{env}"]),
        look: SignedDuration::from_mins(5),
        abort: words(&["web"]),
        ask,
        finish: Vec::new(),
        patience: SignedDuration::from_hours(4),
    };
    Environment { canary: Some(canary), ..production() }
}

fn sides() -> BlueGreen {
    BlueGreen {
        sides: ["blue".to_owned(), "green".to_owned()],
        live: words(&["./live.sh", "{env}"]),
        deploy: words(&["./side.sh", "{side}", "{ref}"]),
        check: words(&["./check.sh", "{side}"]),
        switch: words(&["./switch.sh", "{side}"]),
        version: words(&["./version.sh", "{side}"]),
    }
}

fn blue_green() -> Environment {
    Environment { deploy: Vec::new(), blue_green: Some(sides()), ..production() }
}

fn planned(environment: Environment, live: Option<&str>) -> Plan {
    deploy(&config(environment), &Policy::built_in(), "deploy-production-1", "production", &what(), live)
        .unwrap()
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

fn argv(action: &Action) -> String {
    let Action::Command(command) = action else { panic!("no command: {action:?}") };
    command.argv.join(" ")
}

fn asks(probe: &crate::plan::Probe) -> (String, &str) {
    let Ask::Command(command) = &probe.ask else { panic!("no command") };
    (command.argv.join(" "), probe.expect.as_deref().unwrap_or_default())
}

fn watch(step: &Step) -> &Watch {
    let Action::Watch(watch) = &step.action else { panic!("no watch") };
    watch
}

fn names(watch: &Watch) -> Vec<&str> {
    watch.probes.iter().map(|probe| probe.name.as_str()).collect()
}

#[test]
fn a_canary_goes_share_by_share_and_back_to_nothing() {
    let plan = planned(canary(&[5, 100], false), None);
    assert_eq!(plan.title, "deploy v1.2.4 to production, canary 5 → 100 %");
    assert_eq!(
        titles(&plan),
        [
            "start hotfix/pool next to the live version (no traffic yet)",
            "canary at 5 %",
            "hold at 5 % for 5m",
            "canary at 100 %: all traffic",
            "hold at 100 % for 5m",
        ]
    );
    assert_eq!(argv(&plan.steps[0].action), format!("./deploy.sh {COMMIT}"));
    assert!(!plan.steps[0].retry_is_safe);
    let Action::Command(set) = &plan.steps[3].action else { panic!("no command") };
    assert_eq!(set.argv, ["./weight.sh", "production", "--to=100"]);
    assert_eq!((set.set["FLIGHTDECK_WEIGHT"].as_str(), set.env[0].as_str()), ("100", "TOKEN"));
    let Undo::By { action, proof } = &plan.steps[3].undo else { panic!("no undo") };
    assert_eq!(argv(action), "./weight.sh production --to=5");
    assert_eq!(asks(proof.as_ref().unwrap()), ("./weight.sh production".to_owned(), "5"));
    let Undo::By { action, .. } = &plan.steps[1].undo else { panic!("no undo") };
    assert_eq!(argv(action), "./weight.sh production --to=0");
    assert_eq!(asks(plan.steps[3].proof.as_ref().unwrap()).1, "100");
    assert_eq!(plan.steps[1].guards, [], "before the first share nothing is known of it");
    assert_eq!(plan.steps[3].guards[0].title, "the canary is still at 5 %");
    for look in [2, 4] {
        assert_eq!(plan.steps[look].on_failure, OnFailure::UndoTo { step: 1 });
        assert_eq!(names(watch(&plan.steps[look])), ["web"]);
    }
    let release = plan.release.unwrap();
    assert_eq!((release.after, release.tag.as_deref(), release.rollback), (3, Some("v1.2.4"), false));
    assert_eq!(plan.confirm.as_deref(), Some("production"));
}

#[test]
fn a_canary_that_asks_holds_before_each_further_share() {
    let plan = planned(canary(&[5, 25, 100], true), None);
    let holds: Vec<_> =
        plan.steps.iter().filter(|s| matches!(s.action, Action::Hold { time: None })).collect();
    let titles: Vec<_> = holds.iter().map(|hold| hold.title.as_str()).collect();
    assert_eq!(titles, ["wait for a person before 25 %", "wait for a person before 100 %"]);
    assert!(holds.iter().all(|hold| hold.timeout == SignedDuration::from_hours(4)), "no hold is without end");
}

#[test]
fn a_canary_ends_after_the_watch_where_there_is_something_to_end() {
    let mut environment = canary(&[100], false);
    environment.watch = Some(SignedDuration::from_mins(30));
    environment.canary.as_mut().unwrap().finish = words(&["./finish.sh", "{commit}"]);
    let plan = planned(environment, None);
    let last = plan.steps.last().unwrap();
    assert_eq!(
        (last.title.as_str(), argv(&last.action)),
        ("end the canary", format!("./finish.sh {COMMIT}"))
    );
    assert!(matches!(last.undo, Undo::Irreversible { .. }), "nothing is left to go back to by its shares");
    assert_eq!(titles(&plan)[plan.steps.len() - 2], "watch production for 30m");
    assert_eq!(plan.release.unwrap().after, 1);
}

#[test]
fn going_back_in_a_canary_environment_reaches_everybody() {
    let mut environment = canary(&[5, 100], true);
    environment.canary.as_mut().unwrap().finish = words(&["./finish.sh", "{commit}"]);
    let fill = Fill::of("x", "production", &what(), &environment.env).unwrap();
    let settings = environment.canary.as_ref().unwrap();
    let (steps, after) = canary::all_at_once(&environment, settings, &fill, "v1.2.2").unwrap();
    let lines: Vec<_> = steps.iter().map(|step| argv(&step.action)).collect();
    let [deploy, finish] = ["deploy", "finish"].map(|name| format!("./{name}.sh {COMMIT}"));
    assert_eq!(lines, [&*deploy, "./weight.sh production --to=100", &*finish]);
    assert_eq!(after, 1);
    assert!(
        steps.iter().all(|step| step.guards.is_empty() && matches!(step.undo, Undo::Irreversible { .. }))
    );
}

#[test]
fn a_watch_comes_last_and_ends_the_plan_where_it_fails() {
    let watched =
        |environment: Environment| Environment { watch: Some(SignedDuration::from_mins(30)), ..environment };
    for (environment, live) in
        [(production(), None), (canary(&[100], false), None), (blue_green(), Some("blue"))]
    {
        let plan = planned(watched(environment), live);
        let last = plan.steps.last().unwrap();
        assert_eq!((last.title.as_str(), last.on_failure), ("watch production for 30m", OnFailure::Stop));
        assert_eq!(names(watch(last)), ["web", "all"]);
        assert_eq!(watch(last).judges, None, "it judges the plan's own release");
        assert!(plan.release.unwrap().after < plan.steps.len() - 1);
    }
    let named = Environment { watched: words(&["all"]), ..watched(production()) };
    assert_eq!(names(watch(&planned(named, None).steps[1])), ["all"]);
}

#[test]
fn production_is_watched_for_as_long_as_the_policy_says_unless_it_says_none() {
    let left_out = |environment: Environment| Environment { watch: None, ..environment };
    let watch = |environment| planned(environment, None).steps.pop().filter(is_watch).map(|step| step.title);
    assert_eq!(watch(left_out(production())).as_deref(), Some("watch production for 30m"));
    assert_eq!(watch(left_out(canary(&[5, 100], false))).as_deref(), Some("watch production for 30m"));
    assert_eq!(watch(production()), None, "0s turns it off");
    let open = Environment { protected: false, ..left_out(production()) };
    assert_eq!(watch(open), None, "only where the name has to be typed");
    // Without probes there is nothing to watch with, and that is said.
    let unwatched = Config { probes: Vec::new(), ..config(left_out(production())) };
    let policy = Policy::built_in();
    let plan = deploy(&unwatched, &policy, "x", "production", &what(), None).unwrap();
    assert_eq!(
        (plan.steps.len(), plan.notes),
        (1, vec!["no probe watches production: look for yourself".into()])
    );
    let never = Policy { immediate_watch: SignedDuration::ZERO, ..policy };
    let all = config(left_out(production()));
    assert_eq!(deploy(&all, &never, "x", "production", &what(), None).unwrap().steps.len(), 1);
}

fn is_watch(step: &Step) -> bool {
    matches!(step.action, Action::Watch(_))
}

#[test]
fn one_command_tells_when_it_is_done_and_that_nothing_undoes_it() {
    let plan = planned(Environment { proof_within: SignedDuration::from_secs(7), ..production() }, None);
    assert_eq!(titles(&plan), ["deploy v1.2.4 to production"]);
    assert_eq!(plan.steps[0].proof_within, SignedDuration::from_secs(7));
    assert!(matches!(plan.steps[0].undo, Undo::Irreversible { .. }));
    assert_eq!(plan.release.unwrap().after, 0);
}

#[test]
fn blue_green_deploys_to_the_idle_side_and_switches() {
    let plan = planned(blue_green(), Some("blue"));
    assert_eq!(plan.title, "deploy v1.2.4 to production, blue-green");
    assert_eq!(
        titles(&plan),
        ["deploy hotfix/pool to green, the idle side", "check green", "switch production from blue to green"]
    );
    assert_eq!(argv(&plan.steps[0].action), "./side.sh green hotfix/pool");
    assert_eq!(asks(plan.steps[0].proof.as_ref().unwrap()), ("./version.sh green".to_owned(), COMMIT));
    assert_eq!(argv(&plan.steps[1].action), "./check.sh green");
    let switch = &plan.steps[2];
    assert_eq!(argv(&switch.action), "./switch.sh green");
    assert_eq!(asks(switch.proof.as_ref().unwrap()), ("./live.sh production".to_owned(), "green"));
    for step in [0, 2] {
        let guard = &plan.steps[step].guards[0];
        assert_eq!(guard.title, "blue is still live");
        assert_eq!(asks(&guard.probe), ("./live.sh production".to_owned(), "blue"));
    }
    let Undo::By { action, proof } = &switch.undo else { panic!("no undo") };
    assert_eq!(argv(action), "./switch.sh blue");
    assert_eq!(asks(proof.as_ref().unwrap()).1, "blue");
    assert_eq!(plan.release.as_ref().unwrap().after, 2);
    assert_eq!(argv(&planned(blue_green(), Some("green")).steps[2].action), "./switch.sh blue");
    let Action::Command(command) = &plan.steps[0].action else { panic!("no command") };
    assert_eq!(command.set["FLIGHTDECK_SIDE"], "green");
}

#[test]
fn without_a_known_live_side_nothing_is_planned() {
    for live in [None, Some("purple"), Some("")] {
        let refused =
            deploy(&config(blue_green()), &Policy::built_in(), "x", "production", &what(), live).unwrap_err();
        assert!(refused.cause.contains("neither of its sides"), "{refused}");
    }
    let said = |said| blue_green::live_side("asking", &blue_green(), &sides(), said);
    assert_eq!(said("green").unwrap(), "green");
    assert!(said("").unwrap_err().cause.contains("said nothing"));
}

#[test]
fn another_way_is_another_plan_to_approve() {
    let hash = |environment, live| planned(environment, live).hash();
    let blue = hash(blue_green(), Some("blue"));
    assert_ne!(blue, hash(blue_green(), Some("green")), "the sides moved");
    assert_ne!(hash(canary(&[5, 100], false), None), hash(canary(&[10, 100], false), None));
    let within = Environment { proof_within: SignedDuration::from_secs(7), ..production() };
    assert_ne!(hash(production(), None), hash(within, None));
}

proptest! {
    #[test]
    fn whatever_the_shares_each_is_set_looked_at_and_can_be_taken_back(
        set in proptest::collection::btree_set(1_u8..100, 0..8),
        ask in any::<bool>(),
    ) {
        let weights: Vec<u8> = set.into_iter().chain([100]).collect();
        let plan = planned(canary(&weights, ask), None);
        let mut before = 0;
        let mut reached = Vec::new();
        for (index, step) in plan.steps.iter().enumerate().skip(1) {
            match &step.action {
                Action::Command(command) => {
                    let weight: u8 = command.set["FLIGHTDECK_WEIGHT"].parse().unwrap();
                    prop_assert!(weight > before);
                    let Undo::By { action, .. } = &step.undo else { panic!("no undo") };
                    prop_assert_eq!(argv(action), format!("./weight.sh production --to={before}"));
                    prop_assert!(matches!(plan.steps[index + 1].action, Action::Watch(_)));
                    before = weight;
                    reached.push(weight);
                }
                Action::Watch(_) => prop_assert_eq!(step.on_failure, OnFailure::UndoTo { step: 1 }),
                Action::Hold { .. } => prop_assert!(ask && before > 0),
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(&reached, &weights);
        let after = plan.release.unwrap().after;
        prop_assert_eq!(after, plan.steps.len() - 2);
        prop_assert!(plan.steps.iter().all(|step| step.timeout.is_positive()));
    }
}
