//! What is recognised in repositories of all kinds.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory with files; those that begin with `#!` can be executed.
pub(super) fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        if content.starts_with("#!") {
            std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
    }
    dir
}

fn found(files: &[(&str, &str)]) -> Found {
    look(repository(files).path(), &BranchFacts::default())
}

#[test]
fn test_commands_are_recognised() {
    let npm = r#"{"scripts": {"test": "jest"}}"#;
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("Cargo.toml", "[package]\n")], "cargo test"),
        (&[("Cargo.toml", "[workspace]\n")], "cargo test --workspace"),
        (&[("package.json", npm)], "npm test"),
        (&[("package.json", npm), ("yarn.lock", "")], "yarn test"),
        (&[("package.json", npm), ("pnpm-lock.yaml", "")], "pnpm test"),
        (&[("pyproject.toml", "[tool.pytest.ini_options]\n")], "pytest"),
        (&[("pyproject.toml", "[project]\n"), ("tests/test_a.py", ""), ("uv.lock", "")], "uv run pytest"),
        (&[("setup.cfg", "[tool:pytest]\n")], "pytest"),
        (&[("tox.ini", "")], "tox"),
        (&[("go.mod", "module x\n")], "go test ./..."),
        (&[("Makefile", "CC := gcc\nbuild test: deps\n\tcc x\n")], "make test"),
        (&[("Makefile", "deploy:\n\t./x\n")], ""),
    ];
    for (files, expected) in cases {
        let lines: Vec<String> = found(files).checks.iter().map(|c| c.argv.join(" ")).collect();
        assert_eq!(lines.join(";"), expected, "{files:?}");
    }
}

#[test]
fn what_says_nothing_is_not_taken_for_a_test_command() {
    for files in [
        &[("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#)][..],
        &[("package.json", "{")],
        &[("Cargo.toml", "[[[")],
        &[("pyproject.toml", "[tool.black]\n")],
        &[("Makefile", "test := 1\n#test:\n\ttest:\n")],
    ] {
        assert_eq!(found(files).checks, [], "{files:?}");
    }
}

#[test]
fn make_test_stands_back_behind_a_languages_own_command() {
    let found = found(&[("go.mod", "module x\n"), ("Makefile", "test:\n\tgo test ./...\n")]);
    assert_eq!(found.checks.len(), 1);
    assert_eq!(found.make_test.unwrap().argv, ["make", "test"]);
}

#[test]
fn what_ci_runs_is_certain_where_it_is_the_same_and_offered_where_it_is_not() {
    let workflow = |run: &str| format!("jobs:\n  unit:\n    steps:\n      - run: {run}\n");
    let go = |run: &str| {
        let workflow = workflow(run);
        found(&[("go.mod", "module x\n"), (".github/workflows/ci.yml", &workflow)])
    };
    let same = go("go test ./...");
    assert_eq!((same.checks[0].from.as_str(), same.ci.len()), ("go.mod and .github/workflows/ci.yml", 0));
    let other = go("go test -race ./...");
    assert_eq!((other.checks.len(), other.ci[0].argv.join(" ")), (1, "go test -race ./...".to_owned()));
    let alone = found(&[(".github/workflows/ci.yml", &workflow("bundle exec rspec"))]);
    assert_eq!(alone.checks[0].argv, ["bundle", "exec", "rspec"]);
    let make = found(&[("Makefile", "lint:\n\truff\nbuild: x\n\tcc\ntest:\n\tx\n")]);
    let lines: Vec<String> = make.make_more.iter().map(|make| make.argv.join(" ")).collect();
    assert_eq!(
        (lines, make.checks[0].argv.join(" ")),
        (vec!["make lint".into(), "make build".into()], "make test".into())
    );
}

#[test]
fn a_deploy_script_tells_its_arguments_by_its_variables() {
    let script = |content: &str| found(&[("deploy.sh", content)]).deploy.unwrap();
    let known = script("#!/bin/sh\nset -eu\nref=$1\nENVIRONMENT=\"${2:?which}\"\necho \"$ref\"\n");
    assert_eq!(known.argv(&[]), ["./deploy.sh", "{ref}", "{env}"]);
    let swapped = script("#!/usr/bin/env bash\nlocal target_env=\"$1\"\nTAG=${2}\n[ $# -eq 2 ]\n");
    assert_eq!(swapped.argv(&[]), ["./deploy.sh", "{env}", "{ref}"]);
    let deaf = script("#!/bin/sh\necho going\n");
    assert!(deaf.arguments == Some(vec![]) && !deaf.takes_version(), "nothing tells it which version");
    assert!(script("#!/bin/sh\ngit checkout \"$FLIGHTDECK_COMMIT\"\n").takes_version());
    assert!(known.takes_version() && swapped.takes_version());
    assert!(!script("#!/bin/sh\nenv=$1\n").takes_version());
    assert_eq!(script("#!/bin/sh\nrsync \"$1\" host:\n").arguments, None);
    assert_eq!(script("#!/bin/sh\nexec kubectl \"$@\"\n").arguments, None);
    assert_eq!(script("echo going\n").argv(&[]), ["sh", "./deploy.sh"], "it cannot be executed by itself");
}

#[test]
fn scripts_are_found_where_they_are_kept() {
    let run = "#!/bin/sh\nenv=$1\n";
    for path in ["scripts/deploy.sh", "bin/deploy", "script/deploy", "scripts/deploy-app.sh"] {
        assert_eq!(found(&[(path, run)]).deploy.unwrap().argv(&[]), [path, "{env}"]);
    }
    assert_eq!(found(&[("deploy/main.tf", "x")]).deploy, None);
    assert_eq!(found(&[("deploy.sh\n", run)]).deploy, None, "a name with a line break is left alone");
    assert_eq!(found(&[("scripts/smoke_test.sh", run)]).smoke.unwrap().from, "scripts/smoke_test.sh");
    let make = found(&[("Makefile", "deploy:\n\t./x $(ENV)\n")]).deploy.unwrap();
    assert_eq!(make.argv(&[]), ["make", "deploy", "ENV={env}"]);
}

#[test]
fn what_deploys_is_told_by_its_files() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\n";
    let kamal = "service: shop\nimage: shop\nservers:\n  - 192.0.2.1\n";
    let kustomization = "resources:\n- deployment.yaml\n";
    let platform = |files: &[(&str, &str)]| found(files).platform;
    assert_eq!(platform(&[("k8s/deployment.yaml", deployment)]), Some(Platform::Kubernetes("k8s".into())));
    assert_eq!(
        platform(&[("base/kustomization.yaml", kustomization), ("base/deployment.yaml", deployment)]),
        Some(Platform::Kustomize("base".into()))
    );
    assert_eq!(
        platform(&[("config/deploy.yml", kamal), ("k8s/a.yml", deployment)]),
        Some(Platform::Kamal("config/deploy.yml".into()))
    );
    for files in [&[("config/deploy.yml", "stages: [a]\n")][..], &[("k8s/a.yml", "a: apiVersion: apps/v1\n")]]
    {
        assert_eq!(platform(files), None, "{files:?}");
    }
    let argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\n";
    let flux = "---\napiVersion: \"kustomize.toolkit.fluxcd.io/v1\"\n";
    let gitops = |files: &[(&str, &str)]| found(files).gitops;
    assert_eq!(gitops(&[("argocd/shop.yaml", argo)]), Some(("argocd", "argocd/shop.yaml".into())));
    assert_eq!(gitops(&[("clusters/shop.yaml", flux)]), Some(("flux", "clusters/shop.yaml".into())));
    assert_eq!(gitops(&[("k8s/a.yml", deployment)]), None);
    assert_eq!(found(&[("Dockerfile", "FROM scratch\n")]).dockerfile.as_deref(), Some("Dockerfile"));
}

#[test]
fn the_forge_is_told_by_the_host_alone() {
    let of = |remote: &str| Forge::of(remote);
    assert_eq!(of("https://github.com/a/b.git"), Some(Forge::GitHub));
    assert_eq!(of("git@github.com:a/b.git"), Some(Forge::GitHub));
    assert_eq!(of("ssh://git@gitlab.example.org:2222/a/b"), Some(Forge::GitLab));
    assert_eq!(of("https://me:pw@gitlab.com/a"), Some(Forge::GitLab));
    assert_eq!(of("/srv/git/github/x.git"), None);
    assert_eq!(of("https://example.org/github.com/x"), None);
}

#[test]
fn branches_tell_the_flow() {
    let dir = repository(&[]);
    let flow = |develop, remote: Option<&str>| {
        let remote = remote.map(str::to_owned);
        look(dir.path(), &BranchFacts { develop, remote, ..BranchFacts::default() }).flow
    };
    let develop = || Some("origin has develop".to_owned());
    assert_eq!(flow(develop(), Some("git@github.com:a/b")), Some(Flow::GitFlow));
    assert_eq!(flow(None, Some("git@github.com:a/b")), Some(Flow::GithubFlow));
    assert_eq!(flow(None, Some("/srv/x.git")), None);
    let default_branch = Some("develop".to_owned());
    let found =
        look(dir.path(), &BranchFacts { develop: develop(), default_branch, ..BranchFacts::default() });
    assert_eq!((found.flow, found.base), (Some(Flow::GitFlow), None), "production is on another branch");
}
