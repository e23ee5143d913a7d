//! Actions of a team's own: under trust, previewed, and carried out like everything else.

use super::conductor::Yard;

const CONFIG: &str = r#"
[[environments]]
name = "production"
deploy = ["./deploy.sh"]
protected = true

[[actions]]
name = "pool"
title = "Show the connections in use"
run = ["./pool.sh", "{ref}"]
reaches = "nothing"
key = "L"

[[actions]]
name = "restart"
run = ["./restart.sh", "{env}"]
reaches = "production"
"#;

fn yard() -> Yard {
    let yard = Yard::new(CONFIG, "true");
    yard.script("pool.sh", "echo \"97 of 100 in use on $1\"; touch pool-was-asked");
    yard.script("restart.sh", "echo \"$1\" > restarted");
    yard
}

#[test]
fn an_action_is_shown_then_run_and_what_reaches_production_stands_behind_its_gates() {
    let yard = yard();
    let list = yard.shell.json(&["action", "--json"]);
    assert_eq!((&list[0]["name"], &list[1]["reaches"]), (&"pool".into(), &"production".into()));

    let shown = yard.shell.flightdeck(&["action", "pool", "--dry-run"]).succeeded();
    assert!(shown.stdout.contains("./pool.sh main"), "{}", shown.stdout);
    assert!(!yard.file("pool-was-asked").exists());
    yard.shell.flightdeck(&["action", "pool"]).succeeded();
    assert!(yard.file("pool-was-asked").exists());

    yard.shell.flightdeck(&["action", "restart"]).ended_with(3);
    let why = ["--override", "approvals", "--reason", "nobody answers the phone"];
    let without = [&["action", "restart"], &why[..]].concat();
    yard.shell.flightdeck(&without).ended_with(2);
    assert!(!yard.file("restarted").exists(), "its name was not given");
    let with = [&without[..], &["--confirm", "production"]].concat();
    yard.shell.flightdeck(&with).succeeded();
    assert_eq!(std::fs::read_to_string(yard.file("restarted")).unwrap(), "production\n");

    let missing = yard.shell.flightdeck(&["action", "pol"]).ended_with(2);
    assert!(missing.stderr.contains("did you mean pool?"), "{}", missing.stderr);
}

#[test]
fn its_key_leads_to_the_plan_and_nothing_of_an_untrusted_file_runs() {
    let yard = yard();
    let terminal = yard.cockpit();
    terminal.press("L");
    terminal.wait_text("./pool.sh main");
    terminal.press_until("y", "it to run", |screen| screen.contains("97 of 100 in use on main"));
    assert!(yard.file("pool-was-asked").exists());

    let taken = CONFIG.replace("key = \"L\"", "key = \"d\"");
    std::fs::write(yard.file("flightdeck.toml"), taken).unwrap();
    yard.shell.flightdeck(&["action", "restart", "--dry-run"]).ended_with(4);
    let trust = yard.shell.flightdeck(&["trust", "--show"]).succeeded();
    assert!(trust.stdout.contains("action restart, reaches production"), "{}", trust.stdout);
    let check = yard.shell.flightdeck(&["config", "check"]).ended_with(2);
    let said = format!("{}{}", check.stdout, check.stderr);
    assert!(said.contains("the key `d` is taken: everywhere, it means `deploy`"), "{said}");
    assert!(said.contains("12 | key = \"d\"") && said.contains('^'), "{said}");
}
