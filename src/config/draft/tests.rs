use proptest::prelude::*;

use super::*;
use crate::config::detect::{Habits, Named};
use crate::config::load::parse;
use crate::config::types::{Flow, PipelineKind, PipelineOn};

/// The file with every example taken for real.
fn all_examples(draft: &str) -> String {
    let active = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest.to_owned(),
        _ => line.to_owned(),
    };
    draft.lines().map(|line| active(line) + "\n").collect()
}

fn named(name: &str, from: &str) -> Named {
    Named { name: name.to_owned(), from: from.to_owned() }
}

#[test]
fn names_that_differ_are_an_example_that_says_so() {
    let names = vec![named("shop", "Cargo.toml"), named("web", "package.json")];
    let draft = write(&Found { names, ..Found::default() });
    assert!(
        draft.contains("#name = \"shop\" ")
            && draft.contains("# Cargo.toml says shop, package.json says web\n"),
        "{draft}"
    );
}

fn full() -> Found {
    let owned = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
    let check = |name: &str, argv: &[&str], from: &str| Recognised {
        name: name.to_owned(),
        argv: owned(argv),
        from: from.to_owned(),
    };
    Found {
        names: vec![named("payments-api", "Cargo.toml")],
        make_more: vec![check("make", &["make", "lint"], "Makefile")],
        ci: vec![check("ci-unit", &["cargo", "nextest", "run"], ".github/workflows/ci.yml")],
        health: Some(Health {
            url: "http://localhost:8081/ready".to_owned(),
            is_checked: true,
            service: "api".to_owned(),
            from: "compose.yaml",
        }),
        flow: Some(Flow::GitFlow),
        flow_from: "origin has develop".to_owned(),
        base: Some("main".to_owned()),
        forge: Some(Forge::GitHub),
        hotfix: Habits {
            tag_prefix: Some(String::new()),
            versions: owned(&["VERSION", "Cargo.toml"]),
            ..Habits::default()
        },
        checks: vec![check("cargo", &["cargo", "test"], "Cargo.toml")],
        make_test: Some(check("make", &["make", "test"], "Makefile")),
        audits: vec![check("audit", &["cargo", "audit"], "Cargo.lock")],
        deploy: Some(Script {
            program: owned(&["./deploy.sh"]),
            arguments: Some(owned(&["{ref}", "{env}"])),
            reads_version: false,
            from: "deploy.sh".to_owned(),
        }),
        smoke: Some(Script {
            program: owned(&["./smoke.sh"]),
            arguments: Some(owned(&["{env}"])),
            reads_version: false,
            from: "smoke.sh".to_owned(),
        }),
        workflow: None,
        workflows: Vec::new(),
        platform: Some(Platform::Kubernetes("k8s".to_owned())),
        gitops: Some(("flux", "clusters/shop.yaml".to_owned())),
        dockerfile: Some("Dockerfile".to_owned()),
    }
}

#[test]
fn what_was_recognised_is_in_force() {
    let config = parse(write(&full()).as_bytes()).unwrap();
    assert_eq!(config.service.name, "payments-api");
    assert_eq!(config.hotfix.flow, Flow::GitFlow);
    assert_eq!(config.hotfix.base, "main");
    assert_eq!(config.checks[0].command, ["cargo", "test"]);
    let names: Vec<&str> = config.environments.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["staging", "production"]);
    assert!(config.environments[1].protected && !config.environments[0].protected);
    assert_eq!(config.environments[0].smoke, ["./smoke.sh", "{env}"]);
}

#[test]
fn a_script_that_does_not_tell_its_arguments_is_only_an_example() {
    let mut found = full();
    found.deploy.as_mut().unwrap().arguments = None;
    let draft = write(&found);
    assert_eq!(parse(draft.as_bytes()).unwrap().environments, []);
    assert!(draft.contains("#deploy = [\"./deploy.sh\", \"{ref}\", \"{env}\"]"), "{draft}");
    assert!(draft.contains("deploy.sh does not say"), "{draft}");
}

#[test]
fn a_script_that_nothing_tells_the_version_is_only_an_example_and_says_why() {
    let mut found = full();
    let deploy = found.deploy.as_mut().unwrap();
    deploy.arguments = Some(vec!["{env}".to_owned()]);
    let draft = write(&found);
    assert_eq!(parse(draft.as_bytes()).unwrap().environments, []);
    assert!(draft.contains("#deploy = [\"./deploy.sh\", \"{env}\", \"{ref}\"]"), "{draft}");
    assert!(draft.contains("Nothing tells deploy.sh which version"), "{draft}");
    found.deploy.as_mut().unwrap().reads_version = true;
    assert_eq!(parse(write(&found).as_bytes()).unwrap().environments.len(), 2);
}

#[test]
fn what_deploys_is_offered_and_nothing_of_it_runs_unasked() {
    let kamal = Platform::Kamal("config/deploy.yml".to_owned());
    let draft = write(&Found { platform: Some(kamal), ..Found::default() });
    assert_eq!(parse(draft.as_bytes()).unwrap().environments, []);
    assert!(draft.contains("#deploy = [\"kamal\", \"deploy\", \"--destination\", \"{env}\""), "{draft}");
    assert!(draft.contains("init --sample kamal --print"), "{draft}");
    assert!(write(&full()).contains("#gitops = \"flux\""));
}

#[test]
fn it_reads_well() {
    insta::assert_snapshot!("draft_full", write(&full()));
    insta::assert_snapshot!("draft_nothing_found", write(&Found::default()));
}

fn words() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z./\"\\\\' \u{e9}\u{202E}\n#$-]{1,12}", 0..3)
}

prop_compose! {
    fn script()(program in "[a-z./\"' #-]{1,12}", rest in words(), known in any::<bool>(), from in ".{0,12}")
        -> Script {
        let program = vec![format!("x{program}")];
        let reads_version = rest.is_empty();
        Script { program, arguments: known.then_some(rest), reads_version, from }
    }
}

fn platform() -> impl Strategy<Value = Platform> {
    let from = "[a-z./\"\\\\' #$-]{1,12}";
    prop_oneof![
        from.prop_map(Platform::Kamal),
        from.prop_map(Platform::Kustomize),
        from.prop_map(Platform::Kubernetes),
    ]
}

prop_compose! {
    fn recognised()(name in "[a-z]{1,8}", program in "[a-z]{1,8}", rest in words(), from in ".{0,12}")
        -> Recognised {
        Recognised { name, argv: [vec![program], rest].concat(), from }
    }
}

prop_compose! {
    fn found()(
        name in proptest::option::of("[a-z\"' .\u{e9}]{0,6}[a-z]"),
        flow in proptest::option::of(prop_oneof![Just(Flow::GitFlow), Just(Flow::GithubFlow)]),
        forge in proptest::option::of(prop_oneof![Just(Forge::GitHub), Just(Forge::GitLab)]),
        base in proptest::option::of("[a-z]{1,6}/[a-z\"'#]{1,6}"),
        check in proptest::option::of(recognised()),
        make_test in proptest::option::of(recognised()),
        audits in proptest::collection::vec(recognised(), 0..3),
        deploy in proptest::option::of(script()),
        smoke in proptest::option::of(script()),
        platform in proptest::option::of(platform()),
        dockerfile in proptest::option::of("[A-Z]{1,8}"),
    ) -> Found {
        let names: Vec<Named> =
            name.iter().map(|name: &String| Named { name: name.trim().to_owned(), from: name.clone() }).collect();
        let make_more = flow.iter().map(|_| Recognised {
            name: "make".to_owned(), argv: vec!["make".to_owned(), "lint".to_owned()], from: "Makefile".to_owned(),
        }).collect();
        let ci: Vec<Recognised> = make_test.clone().into_iter().collect();
        let ci = ci.into_iter().map(|run| Recognised { name: format!("ci-{}", run.name), ..run }).collect();
        let health = name.clone().map(|service| Health {
            url: "http://localhost:80/x".to_owned(), is_checked: flow.is_some(), service, from: "compose.yml",
        });
        let checks = check.into_iter().collect();
        let gitops = dockerfile.clone().map(|from| ("flux", from));
        let hotfix = Habits { prefix: base.clone(), tag_prefix: dockerfile.clone(), ..Habits::default() };
        let flow_from = name.clone().unwrap_or_default();
        Found { names, flow, flow_from, base, forge, hotfix, checks, make_test, make_more, ci, health, audits, deploy, smoke, workflow: None, workflows: Vec::new(), platform, gitops, dockerfile }
    }
}

proptest! {
    #[test]
    fn whatever_was_found_the_file_is_right_and_so_are_all_its_examples(found in found()) {
        let draft = write(&found);
        prop_assert!(parse(draft.as_bytes()).is_ok(), "{draft}");
        let all = all_examples(&draft);
        match parse(all.as_bytes()) {
            Ok(config) => prop_assert_eq!(config.probes.len(), 2),
            Err(invalid) => prop_assert!(false, "{}\n{}", invalid, all),
        }
    }
}

#[test]
fn a_workflow_that_deploys_is_written_as_the_pipeline_of_its_environments() {
    let inputs = [("environment", "{env}"), ("git sha", "{commit}")];
    let workflow = |inputs: &[(&str, &str)]| Workflow {
        gitlab: false,
        pushed: false,
        file: "deploy.yml".to_owned(),
        from: ".github/workflows/deploy.yml".to_owned(),
        inputs: inputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
    };
    let draft = write(&Found { workflow: Some(workflow(&inputs)), ..Found::default() });
    let config = parse(draft.as_bytes()).unwrap_or_else(|bad| panic!("{bad}\n{draft}"));
    let names: Vec<&str> = config.environments.iter().map(|env| env.name.as_str()).collect();
    assert_eq!(names, ["staging", "production"], "{draft}");
    let pipeline = config.environments[1].pipeline.as_ref().unwrap();
    assert_eq!((pipeline.workflow.as_str(), pipeline.inputs["git sha"].as_str()), ("deploy.yml", "{commit}"));
    assert!(parse(all_examples(&draft).as_bytes()).is_ok(), "{draft}");
    let draft = write(&Found { workflow: Some(workflow(&[("ticket", "")])), ..Found::default() });
    assert!(draft.contains("#[environments.pipeline]") && draft.contains("fill them in"), "{draft}");
}

#[test]
fn a_pipeline_of_gitlab_and_what_a_push_starts_are_written_as_such() {
    let of = |gitlab, pushed, inputs: &[(&str, &str)]| {
        let workflow = Workflow {
            file: "deploy.yml".to_owned(),
            from: ".gitlab-ci.yml".to_owned(),
            inputs: inputs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            gitlab,
            pushed,
        };
        let draft = write(&Found { workflow: Some(workflow), ..Found::default() });
        let config = parse(draft.as_bytes()).unwrap_or_else(|bad| panic!("{bad}\n{draft}"));
        assert!(parse(all_examples(&draft).as_bytes()).is_ok(), "{draft}");
        config.environments.last().and_then(|env| env.pipeline.clone()).unwrap()
    };
    let lab = of(true, false, &[("DEPLOY_ENV", "{env}")]);
    assert_eq!(
        (lab.kind, lab.on, lab.inputs["DEPLOY_ENV"].as_str()),
        (PipelineKind::Gitlab, PipelineOn::Start, "{env}")
    );
    let pushed = of(false, true, &[]);
    assert_eq!(
        (pushed.kind, pushed.on, pushed.workflow.as_str()),
        (PipelineKind::GithubActions, PipelineOn::Push, "deploy.yml")
    );
}
