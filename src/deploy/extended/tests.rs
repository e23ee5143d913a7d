use uuid::Uuid;

use super::*;
use crate::config::types::Probe;
use crate::deploy::{self, Resolved};
use crate::incident::{
    Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Log, PlanEnded, PlanResumed, PlanStarted, Record,
    RecordId, Released, StepEnded, StepSkipped, StepStarted,
};
use crate::plan::stored;

const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";
const OTHER: &str = "77b0d130000000000000000000000000000000cd";

fn config() -> Config {
    let text = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh"]
watch = "5m"

[[environments]]
name = "production"
deploy = ["./deploy.sh"]
protected = true
watch = "30m"

[[probes]]
name = "api"
url = "http://production/health"
interval = "10s"
covers = ["performance", "activity"]

[[probes]]
name = "orders"
command = ["./orders"]
interval = "5m"

[[probes]]
name = "staging"
url = "http://staging/health"
environment = "staging"
"#;
    toml::from_str(text).unwrap()
}

fn minutes(n: i64) -> Timestamp {
    "2026-03-01T14:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(n)
}

fn deployed(environment: &str, policy: &Policy, goes_back: bool) -> Plan {
    let config = config();
    let what = Resolved {
        reference: "hotfix/pool".into(),
        commit: COMMIT.into(),
        root: "/repo".into(),
        tag: Some("v1.2.4".into()),
        ..Resolved::default()
    };
    let plan = deploy::deploy(&config, policy, "deploy-1", environment, &what, None).unwrap();
    follow(plan, &config, policy, goes_back)
}

fn then(plan: &Plan) -> Option<SignedDuration> {
    plan.steps.iter().find_map(|step| match &step.action {
        Action::Watch(watch) => watch.then,
        _ => None,
    })
}

/// Records a minute apart, from the declaration on.
#[derive(Clone, Default)]
struct Told(Vec<Body>);

impl Told {
    fn and(mut self, body: impl Into<Body>) -> Self {
        self.0.push(body.into());
        self
    }

    fn started(self, plan: &Plan) -> Self {
        let sealed = stored::seal(plan).unwrap();
        self.and(PlanStarted {
            plan: plan.id.clone(),
            title: plan.title.clone(),
            purpose: plan.purpose.name().to_owned(),
            target: plan.target.clone(),
            hash: sealed.hash,
            steps: plan.steps.iter().map(|step| step.title.clone()).collect(),
            confirmed: String::new(),
            spec: sealed.spec,
        })
    }

    fn ran(self, plan: &str, step: usize, outcome: Outcome) -> Self {
        let run = format!("{plan}.{step}.{}", self.0.len());
        let (plan, summary, survivors) = (plan.to_owned(), String::new(), Vec::new());
        let began = StepStarted { plan: plan.clone(), step, run: run.clone(), process: None, undo: false };
        let ended =
            StepEnded { plan, step, run, outcome, summary, survivors, unproven: false, tail: Vec::new() };
        self.and(began).and(ended)
    }

    fn ended(self, plan: &str, end: PlanEnd) -> Self {
        self.and(PlanEnded { plan: plan.into(), end, why: String::new() })
    }

    fn released(self, commit: &str, plan: &str) -> Self {
        self.and(Released {
            environment: "production".into(),
            reference: "main".into(),
            commit: commit.into(),
            tag: None,
            version: None,
            plan: plan.into(),
            rollback: false,
            replaces: None,
        })
    }

    /// The deploy, its release, and its watch.
    fn deployed(self, plan: &Plan) -> Self {
        let exited = Outcome::Exited { code: 0 };
        self.started(plan).ran("deploy-1", 0, exited).released(COMMIT, "deploy-1")
    }

    fn state(&self) -> State {
        let declared = Declared::example();
        let all = std::iter::once(declared.into()).chain(self.0.clone());
        let records = all.enumerate().map(|(n, body): (usize, Body)| {
            let at = Hlc { wall_ms: minutes(n as i64).as_millisecond(), count: 0 };
            let draft = Draft { occurred: None, ..Draft::now(IncidentId(Uuid::from_u128(1)), body) };
            let id = RecordId(Uuid::from_u128(n as u128 + 1));
            Record::seal(id, draft, Author { name: "maya".into(), node: 1 }, at, Hash::default()).unwrap().0
        });
        Log::new(records.collect()).unwrap().state().clone()
    }

    /// The extended watch that is due after the deploy, so many minutes after the declaration.
    fn due(&self, plan: &Plan, at: i64) -> Option<Plan> {
        let state = self.state();
        due(plan, state.plan("deploy-1")?, &state, minutes(at))
    }
}

#[test]
fn only_what_goes_to_production_is_watched_on() {
    let policy = Policy::built_in();
    assert_eq!(then(&deployed("production", &policy, false)), Some(SignedDuration::from_hours(24)));
    assert_eq!(then(&deployed("staging", &policy, false)), None);
    assert_eq!(then(&deployed("production", &policy, true)), None, "what was good before is known");
    let none = Policy { extended_watch: SignedDuration::ZERO, ..policy };
    assert_eq!(then(&deployed("production", &none, false)), None, "0s means none");
}

#[test]
fn it_follows_a_watch_that_passed_and_holds_nothing() {
    let plan = deployed("production", &Policy::built_in(), false);
    let passed = Told::default().deployed(&plan).ran("deploy-1", 1, Outcome::Met);
    assert_eq!(passed.due(&plan, 30), None, "its plan is not over");
    let over = passed.ended("deploy-1", PlanEnd::Done);
    let extended = over.due(&plan, 30).unwrap();
    assert_eq!(extended.id, "extended-deploy-1");
    assert_eq!((extended.purpose, &*extended.target), (Purpose::ExtendedWatch, "watch:production"));
    assert_eq!(extended.title, "extended watch of production for 1d");
    assert!(extended.confirm.is_none() && extended.gates.is_empty() && extended.frozen.is_empty());
    let Action::Watch(watch) = &extended.steps[0].action else { panic!("{extended:?}") };
    assert_eq!(watch.judges, Some(("production".to_owned(), COMMIT.to_owned())));
    assert!(watch.settle.is_zero() && watch.then.is_none());
    let pauses: Vec<_> = watch.probes.iter().map(|probe| probe.interval).collect();
    assert_eq!(pauses, [SignedDuration::from_mins(1), SignedDuration::from_mins(5)], "it is in no hurry");
    let points = "probed: activity, performance; look yourself: feature use, tickets, security log";
    assert_eq!(extended.notes, [points]);
    // Once, and not when it would be over.
    assert_eq!(over.clone().started(&extended).due(&plan, 30), None);
    assert_eq!(over.due(&plan, 25 * 60), None);
}

#[test]
fn what_nobody_saw_pass_or_is_gone_is_not_watched_on() {
    let plan = deployed("production", &Policy::built_in(), false);
    let told = Told::default().deployed(&plan);
    let failed = Outcome::NotMet { why: "api is failing".into() };
    assert_eq!(
        told.clone().ran("deploy-1", 1, failed).ended("deploy-1", PlanEnd::Failed).due(&plan, 30),
        None
    );
    let skipped = StepSkipped { plan: "deploy-1".into(), step: 1, by: "omar".into(), reason: "late".into() };
    assert_eq!(told.clone().and(skipped).ended("deploy-1", PlanEnd::Done).due(&plan, 30), None);
    let passed = told.ran("deploy-1", 1, Outcome::Met).ended("deploy-1", PlanEnd::Done);
    assert_eq!(passed.released(OTHER, "deploy-2").due(&plan, 30), None);
    let older = Plan { steps: vec![plan.steps[0].clone()], ..plan };
    let done = Told::default().deployed(&older).ended("deploy-1", PlanEnd::Done);
    assert_eq!(done.due(&older, 30), None, "one of before there was such a thing");
}

#[test]
fn what_is_brought_there_later_supersedes_it() {
    let by = |told: Told, since: i64| {
        let state = told.state();
        superseded(state.releases.iter(), "production", COMMIT, minutes(since)).map(|by| by.plan.clone())
    };
    let told = Told::default().released(COMMIT, "deploy-1");
    assert_eq!(by(told.clone(), 5), None);
    assert_eq!(by(told.clone().released(OTHER, "rollback-1"), 5).as_deref(), Some("rollback-1"));
    assert_eq!(by(told.clone().released(COMMIT, "deploy-2"), 1).as_deref(), Some("deploy-2"));
    assert_eq!(by(told.released(COMMIT, ""), 1), None, "somebody wrote down what is there");
    assert_eq!(by(Told::default(), 5), None);
}

#[test]
fn taken_up_again_it_goes_on_to_the_end_it_had() {
    let hours = SignedDuration::from_hours;
    let began = Some(minutes(0));
    assert_eq!(left(hours(24), None, minutes(0)), hours(24));
    assert_eq!(left(hours(24), began, minutes(60)), hours(23));
    assert_eq!(left(hours(24), began, minutes(24 * 60 - 5)), SignedDuration::from_mins(30), "for a while");
    assert_eq!(left(hours(24), began, minutes(-60)), hours(24), "a clock was set back");
}

#[test]
fn only_what_was_lost_goes_on_by_itself() {
    const TOLD: &str = "the conductor was told to end";
    let plan = deployed("production", &Policy::built_in(), false);
    let told = Told::default().deployed(&plan).ran("deploy-1", 1, Outcome::Met);
    let told = told.ended("deploy-1", PlanEnd::Done);
    let extended = told.due(&plan, 30).unwrap();
    let told = told.started(&extended);
    let on = |told: &Told, at: i64| {
        let state = told.state();
        goes_on(&extended, state.plan(&extended.id).unwrap(), &state, TOLD, minutes(at))
    };
    let after = |outcome: Outcome, end| told.clone().ran(&extended.id, 0, outcome).ended(&extended.id, end);
    let interrupted = |why: &str| Outcome::Interrupted { why: why.into() };
    assert!(!on(&told, 30), "it runs");
    let lost = after(interrupted("lost at reboot"), PlanEnd::Failed);
    assert!(on(&lost, 30));
    assert!(!on(&lost, 25 * 60), "its time is over");
    assert!(!on(&lost.clone().released(OTHER, "deploy-2"), 30), "it is gone");
    assert!(on(&told.clone().ended(&extended.id, PlanEnd::Failed), 30), "it never began");
    assert!(on(&after(interrupted(TOLD), PlanEnd::Cancelled), 30), "the machine was shut down");
    assert!(!on(&after(interrupted("omar asked for a stop"), PlanEnd::Cancelled), 30));
    assert!(!on(&after(Outcome::NotMet { why: "worse".into() }, PlanEnd::Failed), 30));
    let again = (0..ATTEMPTS).fold(lost, |told, _| {
        let (plan, decision) = (extended.id.clone(), crate::incident::Decision::Resume);
        let told = told.and(PlanResumed { plan, step: 0, decision });
        told.ran(&extended.id, 0, interrupted("it crashed")).ended(&extended.id, PlanEnd::Failed)
    });
    assert!(!on(&again, 300), "it is left to a person");
}

#[test]
fn all_points_have_a_word() {
    let plan = deployed("production", &Policy::built_in(), false);
    let watch = plan.steps.iter().find_map(|step| match &step.action {
        Action::Watch(watch) => Some(watch.clone()),
        _ => None,
    });
    let watch = watch.unwrap();
    let with = |covers: &[Point]| {
        let probe = Probe { covers: covers.to_vec(), ..(*watch.probes[0]).clone() };
        points(&Watch { probes: vec![Watched::from(&probe)], ..watch.clone() })
    };
    let all = "activity, feature use, tickets, performance, security log";
    assert_eq!(with(&[]), format!("look yourself: {all}"));
    assert_eq!(with(&Point::ALL), format!("probed: {all}"));
}
