use super::*;
use crate::failure::FailureKind;
use crate::incident::Release;

fn config() -> Config {
    let text = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh"]
settle = "1m"

[[environments]]
name = "production"
deploy = ["./deploy.sh"]
protected = true
watch = "20m"

[[probes]]
name = "staging api"
url = "http://staging/health"
environment = "staging"

[[probes]]
name = "api"
url = "http://production/health"
environment = "production"
headers = { Authorization = "{secret:PROBE}" }

[[probes]]
name = "orders"
command = ["./orders"]

[[secrets]]
name = "PROBE"
"#;
    toml::from_str(text).unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn planned(environment: &str, time: Option<SignedDuration>) -> Result<Plan> {
    watch(&config(), &Policy::built_in(), &History::default(), "watch-1", environment, time, "/repo")
}

fn watched(plan: &Plan) -> &Watch {
    match &plan.steps[0].action {
        Action::Watch(watch) => watch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn production_is_watched_with_the_probes_of_the_service_too() {
    let plan = planned("production", None).unwrap();
    assert_eq!((plan.title.as_str(), plan.target.as_str()), ("watch production for 20m", "production"));
    let names: Vec<_> = watched(&plan).probes.iter().map(|probe| probe.name.as_str()).collect();
    assert_eq!(names, ["api", "orders"]);
    assert!(!plan.reaches_others() && plan.confirm.is_none() && plan.steps.len() == 1);
    assert_eq!(plan.secrets.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["PROBE"]);
    assert!(plan.steps[0].timeout > minutes(20), "there is time for what is not settled at the end");
}

#[test]
fn the_time_is_the_one_given_else_the_environments_else_the_policys() {
    assert_eq!(watched(&planned("production", Some(minutes(5))).unwrap()).time, minutes(5));
    assert_eq!(watched(&planned("production", None).unwrap()).time, minutes(20));
    assert_eq!(watched(&planned("staging", None).unwrap()).time, Policy::built_in().immediate_watch);
    let failure = planned("staging", Some(minutes(0))).unwrap_err();
    assert_eq!((failure.kind, failure.hint.as_str()), (FailureKind::Usage, "name one: --for 30m"));
}

#[test]
fn settling_takes_no_more_than_half_of_the_time() {
    assert_eq!(watched(&planned("staging", Some(minutes(10))).unwrap()).settle, minutes(1));
    assert_eq!(watched(&planned("staging", Some(minutes(1))).unwrap()).settle, SignedDuration::from_secs(30));
}

#[test]
fn an_environment_may_name_what_is_watched_and_needs_something() {
    let mut config = config();
    config.environments[0].watched = vec!["orders".to_owned(), "api".to_owned()];
    let names = |config: &Config| {
        let step = step(config, "staging", minutes(5), "/repo")?;
        let Action::Watch(watch) = step.action else { return None };
        Some(watch.probes.iter().map(|probe| probe.name.clone()).collect::<Vec<_>>())
    };
    assert_eq!(names(&config).unwrap(), ["api", "orders"]);
    config.environments[0].watched = vec!["gone".to_owned()];
    assert_eq!(names(&config), None);
    let history = History::default();
    let failure = watch(&config, &Policy::built_in(), &history, "x", "staging", None, "/repo").unwrap_err();
    assert!(failure.cause.contains("no probe watches staging"), "{failure}");
    assert!(planned("nowhere", None).unwrap_err().cause.contains("unknown environment nowhere"));
}

#[test]
fn it_judges_what_is_released_there_now() {
    let release = |environment: &str, commit: &str| Release {
        environment: environment.to_owned(),
        reference: "main".to_owned(),
        commit: commit.to_owned(),
        tag: Some("v1.2.4".to_owned()),
        version: None,
        plan: "deploy-production-1".to_owned(),
        rollback: false,
        replaces: None,
        by: "maya".to_owned(),
        at: "2026-03-01T14:30:10Z".parse().unwrap(),
        verdict: None,
        vouched: false,
    };
    let releases =
        vec![release("production", "1111111"), release("production", "2222222aa"), release("staging", "3")];
    let history = History { releases, ..History::default() };
    let policy = Policy::built_in();
    let plan = watch(&config(), &policy, &history, "x", "production", None, "/repo").unwrap();
    let judged = ("production".to_owned(), "2222222aa".to_owned());
    assert_eq!(watched(&plan).judges, Some(judged));
    assert!(plan.notes[0].contains("v1.2.4 (2222222)"), "{:?}", plan.notes);
    let nothing = planned("production", None).unwrap();
    assert_eq!(watched(&nothing).judges, None);
    assert!(nothing.notes[0].contains("nothing is known to be released"));
}

#[test]
fn production_is_what_is_protected_else_what_comes_last() {
    let mut config = config();
    assert_eq!(config.production().unwrap().name, "production");
    config.environments[1].protected = false;
    assert_eq!(config.production().unwrap().name, "production");
    config.environments[0].protected = true;
    assert_eq!(config.production().unwrap().name, "staging");
    assert!(Config::default().production().is_none());
}
