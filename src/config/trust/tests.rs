use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::load;

fn repository(content: &str) -> (tempfile::TempDir, Loaded) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(load::FILE), content).unwrap();
    let loaded = load::load(dir.path()).unwrap().unwrap();
    (dir, loaded)
}

#[test]
fn only_this_content_at_this_path_is_trusted() {
    let state = tempfile::tempdir().unwrap();
    let (dir, loaded) = repository("[service]\nname = \"a\"\n");
    assert_eq!(require(state.path(), &loaded).unwrap_err().kind, FailureKind::NotTrusted);
    trust(state.path(), &loaded, Timestamp::UNIX_EPOCH).unwrap();
    assert!(is_trusted(state.path(), &loaded).unwrap());

    std::fs::write(dir.path().join(load::FILE), "[service]\nname = \"a\" \n").unwrap();
    let changed = load::load(dir.path()).unwrap().unwrap();
    assert_eq!(changed.config.checks, loaded.config.checks, "only the bytes differ");
    assert!(!is_trusted(state.path(), &changed).unwrap());

    let (_elsewhere, same) = repository("[service]\nname = \"a\"\n");
    assert!(!is_trusted(state.path(), &same).unwrap());
}

#[test]
fn going_back_to_a_trusted_content_asks_nothing_and_the_oldest_is_forgotten() {
    let state = tempfile::tempdir().unwrap();
    let (_dir, mut loaded) = repository("");
    let hashes: Vec<Hash> = (0..=MAX_CONTENTS).map(|n| Hash::of(&n.to_le_bytes())).collect();
    for hash in &hashes {
        loaded.hash = *hash;
        trust(state.path(), &loaded, Timestamp::UNIX_EPOCH).unwrap();
    }
    loaded.hash = hashes[1];
    assert!(is_trusted(state.path(), &loaded).unwrap());
    loaded.hash = hashes[0];
    assert!(!is_trusted(state.path(), &loaded).unwrap());
}

#[test]
fn the_file_is_for_its_owner_only_and_a_broken_one_is_said_to_be() {
    let state = tempfile::tempdir().unwrap();
    let (_dir, loaded) = repository("");
    let inner = state.path().join("made/for/it");
    trust(&inner, &loaded, Timestamp::UNIX_EPOCH).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner.join(FILE)), 0o600);
    assert_eq!(mode(&inner), 0o700);
    std::fs::write(inner.join(FILE), "{").unwrap();
    let failure = is_trusted(&inner, &loaded).unwrap_err();
    assert!(failure.hint.contains("trust your repositories again"), "{failure}");
}

#[test]
fn all_that_would_run_or_be_asked_is_listed() {
    let config = load::parse(
        br#"
        [[checks]]
        name = "unit"
        command = ["cargo", "test", "a b"]
        env = ["CI"]
        [[environments]]
        name = "staging"
        deploy = ["./deploy.sh", "{ref}"]
        smoke = ["./smoke.sh"]
        proof = ["cat", "deployed"]
        [[probes]]
        name = "db"
        command = ["psql", "-c", "select 1"]
        [[probes]]
        name = "web"
        url = "https://me:secret@example.com/health"
        "#,
    )
    .unwrap();
    let items = what_would_run(&config);
    let lines: Vec<String> = items.iter().map(|item| format!("{}: {}", item.what, item.line)).collect();
    assert_eq!(lines[0], "check unit: cargo test 'a b'");
    assert_eq!(items[0].env, ["CI"]);
    assert_eq!(lines[2], "smoke staging: ./smoke.sh");
    assert_eq!(lines[4], "probe db: psql -c 'select 1'");
    assert!(
        lines[5].starts_with("probe web: GET https://…@example.com/") && !lines[5].contains("secret"),
        "{}",
        lines[5]
    );
    assert_eq!(lines.len(), 6);
}

#[test]
fn what_every_way_to_deploy_and_back_would_run_is_listed() {
    let config = load::parse(
        br#"
        [[probes]]
        name = "web"
        command = ["./web.sh"]
        environment = "production"
        env = ["WEB_KEY"]
        [[environments]]
        name = "production"
        deploy = ["./deploy.sh"]
        history = ["./releases.sh"]
        env = ["DEPLOY_TOKEN"]
        [environments.canary]
        weights = [100]
        set = ["./weight.sh", "{weight}"]
        weight = ["./weight.sh"]
        [[environments.rollbacks]]
        name = "undo"
        command = ["./undo.sh"]
        target = ["./undo.sh", "--what"]
        proof = ["./deployed.sh"]
        [[environments]]
        name = "eu"
        [environments.blue_green]
        live = ["./live.sh"]
        deploy = ["./side.sh", "{side}"]
        check = ["./check.sh", "{side}"]
        switch = ["./switch.sh", "{side}"]
        version = ["./version.sh", "{side}"]
        [[secrets]]
        name = "DEPLOY_TOKEN"
        command = ["pass", "show", "deploy"]
        [[secrets]]
        name = "WEB_TOKEN"
        file = "~/.web"
        "#,
    )
    .unwrap_or_else(|invalid| panic!("{invalid}"));
    let items = what_would_run(&config);
    let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
    let all = lines.join("\n");
    for part in [
        "deploy production      ./deploy.sh  (given DEPLOY_TOKEN)",
        "./weight.sh {weight}",
        "ask share of production ./weight.sh",
        "history production     ./releases.sh",
        "undo of production     ./undo.sh",
        "./undo.sh --what",
        "undo: proof of production ./deployed.sh",
        "ask live side of eu    ./live.sh",
        "./side.sh {side}",
        "./check.sh {side}",
        "./switch.sh {side}",
        "./version.sh {side}",
        "./web.sh  (given WEB_KEY)",
        "secret DEPLOY_TOKEN    pass show deploy",
        "secret WEB_TOKEN       read the file ~/.web",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
    assert_eq!(lines.len(), 15, "{all}");
}

#[test]
fn a_pipeline_is_listed_with_its_host_and_the_token_that_it_gets() {
    let listed = |text: &str| {
        let text = format!("[[environments]]\nname = \"eu\"\n[environments.pipeline]\n{text}");
        let config = load::parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}"));
        what_would_run(&config).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let api = "api = \"https://git.test/api/v3\"\n";
    assert_eq!(
        listed(&format!("kind = \"github-actions\"\nworkflow = \"deploy.yml\"\n{api}")),
        "deploy eu              start, follow and cancel deploy.yml at https://git.test/api/v3  with your token for GitHub"
    );
    let secrets = "[[secrets]]\nname = \"CI\"\n[[secrets]]\nname = \"T\"\n";
    let lab = listed(&format!("kind = \"gitlab\"\ntoken = \"CI\"\ntrigger = \"T\"\n{secrets}"));
    assert!(lab.contains("start, follow and cancel pipelines  with CI, T"), "{lab}");
}

#[test]
fn where_messages_go_is_listed_with_whom_they_reach_besides() {
    let config = load::parse(
        br#"
        [[secrets]]
        name = "KEY"
        [[channels]]
        name = "mail"
        kind = "smtp"
        audiences = ["executives"]
        host = "mail.example"
        from = "us@shop.example"
        to = ["a@shop.example", "b@shop.example"]
        user = "us"
        secret = "KEY"
        ca_file = "ops/ca.pem"
        [[channels]]
        name = "page"
        kind = "statuspage"
        audiences = ["customers"]
        to = "k1"
        notify = true
        secret = "KEY"
        [[channels]]
        name = "hook"
        kind = "teams"
        audiences = ["business"]
        secret = "KEY"
        [[channels]]
        name = "chat"
        kind = "webhook"
        audiences = ["business"]
        url = "https://chat.example/x"
        headers = { Authorization = "Bearer {secret:KEY}", X-Team = "shop" }
        "#,
    )
    .unwrap_or_else(|invalid| panic!("{invalid}"));
    let lines: Vec<String> = what_would_run(&config).into_iter().map(|item| item.line).collect();
    assert_eq!(
        lines[..4],
        [
            "mail a@shop.example, b@shop.example  by mail.example:465  with KEY  trusts ops/ca.pem only",
            "POST https://api.statuspage.io  to k1  with KEY  notifies subscribers",
            "POST the address in KEY",
            "POST https://chat.example/x  with Authorization (KEY)  with X-Team",
        ]
    );
}

#[test]
fn calls_of_flags_are_listed_without_passwords() {
    let flag = |kind| Flag {
        name: "checkout".to_owned(),
        kind,
        url: "https://me:hunter2@flags.example/checkout".to_owned(),
        token: "FLAG_TOKEN".to_owned(),
        key: String::new(),
        project: String::new(),
        environment: String::new(),
        path: String::new(),
        on: None,
        off: Some(super::super::types::FlagCall {
            method: "DELETE".to_owned(),
            url: "https://flags.example/off".to_owned(),
            body: String::new(),
        }),
        about: String::new(),
    };
    let config = Config { flags: vec![flag(FlagKind::Http), flag(FlagKind::Unleash)], ..Config::default() };
    let lines: Vec<String> = what_would_run(&config).iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("with FLAG_TOKEN") && !line.contains("hunter2")));
    assert!(lines[1].contains("flag checkout off") && lines[1].contains("DELETE https://flags.example/off"));
}
