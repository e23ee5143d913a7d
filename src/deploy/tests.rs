use jiff::SignedDuration;

use super::*;

const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn environment(name: &str) -> Environment {
    Environment {
        smoke: words(&["./smoke.sh", "{env}"]),
        proof: words(&["./version.sh", "{env}"]),
        expect: "{commit}".to_owned(),
        protected: name == "production",
        timeout: SignedDuration::from_mins(7),
        env: words(&["DEPLOY_TOKEN"]),
        ..Environment::new(name, words(&["./deploy.sh", "{ref}", "{env}", "--commit={commit}"]))
    }
}

fn check(name: &str) -> Check {
    Check {
        name: name.to_owned(),
        command: words(&["make", name]),
        timeout: SignedDuration::from_mins(3),
        env: Vec::new(),
    }
}

fn config() -> Config {
    Config {
        environments: vec![environment("staging"), environment("production")],
        checks: vec![check("unit"), check("scan")],
        ..Config::default()
    }
}

fn resolved(reference: &str) -> Resolved {
    Resolved {
        reference: reference.to_owned(),
        commit: COMMIT.to_owned(),
        root: "/repo".to_owned(),
        ..Resolved::default()
    }
}

fn command(plan: &Plan) -> &Command {
    let Action::Command(command) = &plan.steps[0].action else { panic!("no command") };
    command
}

#[test]
fn a_deploy_fills_each_word_as_one_argument() {
    let plan = deploy(
        &config(),
        &Policy::built_in(),
        "deploy-staging-1",
        "staging",
        &resolved("hotfix/pool limit"),
        None,
    )
    .unwrap();
    let command = command(&plan);
    assert_eq!(command.argv, ["./deploy.sh", "hotfix/pool limit", "staging", &format!("--commit={COMMIT}")]);
    assert_eq!(command.cwd, "/repo");
    assert_eq!(command.env, ["DEPLOY_TOKEN"]);
    assert_eq!(command.set["FLIGHTDECK_ENV"], "staging");
    assert_eq!(plan.frozen["hotfix/pool limit"], COMMIT);
    assert_eq!(plan.steps[0].timeout, SignedDuration::from_mins(7));
    assert_eq!(plan.steps[0].reach, Reach::Others);
    let proof = plan.steps[0].proof.as_ref().unwrap();
    assert_eq!(proof.ask.line(), "./version.sh staging");
    assert_eq!(proof.expect.as_deref(), Some(COMMIT));
}

#[test]
fn only_a_protected_environment_has_its_name_typed() {
    let plan = |name| deploy(&config(), &Policy::built_in(), "x", name, &resolved("main"), None).unwrap();
    assert_eq!(plan("staging").confirm, None);
    assert_eq!(plan("production").confirm.as_deref(), Some("production"));
    assert_eq!(plan("production").steps.len(), 1, "a smoke test is a plan of its own");
}

#[test]
fn shell_words_stay_one_argument() {
    for name in ["$(touch${IFS}x)", "a;b", "it's", "\"q\"", "{commit}", "{env}"] {
        let plan = deploy(&config(), &Policy::built_in(), "x", "staging", &resolved(name), None).unwrap();
        assert_eq!(command(&plan).argv[1], name);
    }
}

#[test]
fn what_could_be_an_option_or_holds_controls_is_refused() {
    for name in ["--upload-pack=x", "-f", "a\nb", "a\0b", ""] {
        let refused =
            deploy(&config(), &Policy::built_in(), "x", "staging", &resolved(name), None).unwrap_err();
        assert_eq!(refused.kind, crate::failure::FailureKind::Usage, "{name:?}");
    }
}

#[test]
fn braces_that_are_no_words_stay() {
    let mut config = config();
    config.environments[0].deploy = words(&["run", "{\"ref\": \"{ref}\"}", "{other}", "{"]);
    let plan = deploy(&config, &Policy::built_in(), "x", "staging", &resolved("main"), None).unwrap();
    assert_eq!(command(&plan).argv, ["run", "{\"ref\": \"main\"}", "{other}", "{"]);
}

#[test]
fn what_is_not_configured_says_what_to_do() {
    let none =
        deploy(&Config::default(), &Policy::built_in(), "x", "staging", &resolved("main"), None).unwrap_err();
    assert!(none.hint.contains("[[environments]]"), "{none}");
    let other = deploy(&config(), &Policy::built_in(), "x", "stagging", &resolved("main"), None).unwrap_err();
    assert!(other.hint.contains("staging, production"), "{other}");
    let mut bare = config();
    bare.environments[0].deploy.clear();
    bare.environments[0].smoke.clear();
    assert!(
        deploy(&bare, &Policy::built_in(), "x", "staging", &resolved("main"), None)
            .unwrap_err()
            .hint
            .contains("`deploy =")
    );
    assert!(smoke(&bare, "x", "staging", &resolved("main")).unwrap_err().hint.contains("`smoke ="));
    let checks = test(&Config::default(), "x", &[], &resolved("main")).unwrap_err();
    assert!(checks.hint.contains("[[checks]]"), "{checks}");
    let unknown = test(&config(), "x", &words(&["lint"]), &resolved("main")).unwrap_err();
    assert!(unknown.hint.contains("unit, scan"), "{unknown}");
}

#[test]
fn an_empty_program_is_refused() {
    let mut config = config();
    config.checks[0].command = words(&[" "]);
    assert!(test(&config, "x", &[], &resolved("main")).is_err());
    config.checks[0].command.clear();
    assert!(test(&config, "x", &[], &resolved("main")).is_err());
}

#[test]
fn a_deploy_without_a_commit_is_refused() {
    let nothing = Resolved { commit: String::new(), ..resolved("main") };
    assert!(deploy(&config(), &Policy::built_in(), "x", "staging", &nothing, None).is_err());
    assert!(test(&config(), "x", &[], &nothing).is_ok(), "checks need no commit");
}

#[test]
fn named_checks_run_in_the_order_named_and_once() {
    let plan = test(&config(), "test-1", &words(&["scan", "unit", "scan"]), &resolved("main")).unwrap();
    let titles: Vec<_> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles, ["check scan", "check unit"]);
    assert_eq!(plan.title, "test scan, unit");
    assert!(!plan.reaches_others());
    let all = test(&config(), "test-2", &[], &resolved("main")).unwrap();
    assert_eq!(all.steps.len(), 2);
    assert_ne!(all.hash(), plan.hash());
}
