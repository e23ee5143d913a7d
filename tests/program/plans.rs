//! Plans that stand still until a person decides: by verb and by key, on real commands.

use serde_json::Value;

use super::conductor::{Yard, lines};
use super::terminal::Terminal;
use super::world::wait_until;

const CONFIG: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
watched = ["api"]
settle = "0s"

[environments.canary]
weights = [50, 100]
set = ["./weight.sh", "{weight}"]
weight = ["cat", "share"]
look = "1s"
ask = true

[[probes]]
name = "api"
environment = "staging"
command = ["./health.sh"]
interval = "1s"
timeout = "900ms"
confirm = 1
"#;

const PLAN: &str = "deploy-staging-1";

/// A canary whose first share cannot be set until the file `ok` is there.
fn canary() -> Yard {
    let yard = Yard::new(CONFIG, "echo deployed >> deployed");
    yard.script(
        "weight.sh",
        "echo \"to $1\" >> weights\n[ -e ok ] || { echo 'no such canary'; exit 2; }\necho $1 > share",
    );
    yard.script("health.sh", "exit 0");
    std::fs::write(yard.file("share"), "0\n").unwrap();
    yard
}

fn ok(yard: &Yard) {
    std::fs::write(yard.file("ok"), "").unwrap();
}

fn share(yard: &Yard) -> String {
    std::fs::read_to_string(yard.file("share")).unwrap().trim().to_owned()
}

fn shown(yard: &Yard) -> Value {
    yard.shell.json(&["plan", "show", PLAN, "--json"])
}

/// Waits until the plan waits at a step, counted from 1, and returns it.
fn wait_at(yard: &Yard, step: usize) -> Value {
    wait_until(&format!("the plan to wait at step {step}"), || {
        let plan = shown(yard);
        let state = &plan["steps"][step - 1]["state"];
        assert!(!plan["ended_at"].is_string() || plan["state"] == "running", "{plan}");
        (plan["state"] == "waiting" && state == "waiting").then_some(plan)
    })
}

/// A canary that stands at the share that could not be set.
fn stuck() -> Yard {
    let yard = canary();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    wait_at(&yard, 2);
    yard
}

#[test]
fn a_plan_that_waits_is_retried_held_let_go_on_and_followed_to_its_end() {
    let yard = stuck();
    let plan = shown(&yard);
    let decisions: Vec<_> = plan["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["decision"].as_str().unwrap())
        .collect();
    assert!(decisions.contains(&"retry") && decisions.contains(&"skip"), "{decisions:?}");
    assert_eq!(plan["steps"][0]["state"], "done");
    assert!(plan["steps"][1]["waiting"].as_str().unwrap().contains("exited 2"), "{plan}");
    let status = yard.shell.json(&["status", "--json"]);
    assert_eq!((&status["next"][0]["action"], &status["next"][0]["key"]), (&"plan".into(), &"o".into()));
    assert_eq!(status["plans"][0]["state"], "waiting");
    let text = yard.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(text.contains(&format!("flightdeck plan retry {PLAN}")), "{text}");
    let text = yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(text.contains("DECIDE") && text.contains("waits: "), "{text}");

    // Going on asks whether it was done by hand since. It was not: it stays, and is not run again.
    yard.shell.flightdeck(&["plan", "resume", "--detach"]).succeeded();
    wait_until("the plan to wait again", || {
        let why = shown(&yard)["steps"][1]["waiting"].as_str().map(str::to_owned);
        why.filter(|why| why.contains("it is not done"))
    });
    assert_eq!(lines(&yard.file("weights")), 1, "nothing was run again");

    ok(&yard);
    yard.shell.flightdeck(&["plan", "retry", "--detach"]).succeeded();
    let plan = wait_at(&yard, 4);
    assert_eq!(plan["steps"][1]["attempts"], 2);
    assert_eq!(share(&yard), "50");
    // What makes no sense is refused, and says what does.
    yard.shell.flightdeck(&["plan", "retry"]).ended_with(2).said("resume");
    let ended = yard.shell.flightdeck(&["plan", "resume"]).succeeded();
    assert!(ended.stdout.contains(&format!("{PLAN}: done")), "{ended:?}");
    assert_eq!(share(&yard), "100");
    assert_eq!(lines(&yard.file("deployed")), 1);
    yard.shell.flightdeck(&["plan", "cancel"]).ended_with(2).said("no plan is waiting");
    yard.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_step_is_passed_over_with_a_reason_and_the_rest_undone() {
    let yard = stuck();
    yard.shell.flightdeck(&["plan", "skip", "--reason", " "]).ended_with(2).said("reason");
    ok(&yard);
    std::fs::write(yard.file("share"), "50\n").unwrap();
    yard.shell.flightdeck(&["plan", "skip", "--reason", "set by hand", "--detach"]).succeeded();
    let plan = wait_at(&yard, 4);
    assert_eq!(
        (&plan["steps"][1]["state"], &plan["steps"][1]["skip_reason"]),
        (&"skipped".into(), &"set by hand".into())
    );
    yard.shell.flightdeck(&["plan", "resume", "--detach"]).succeeded();
    wait_until("the plan to be done", || (shown(&yard)["state"] == "done").then_some(()));

    // Undone to the share before the last, and no further.
    yard.shell.flightdeck(&["plan", "undo", PLAN, "--to", "9"]).ended_with(2).said("steps 1 to");
    let preview = yard.shell.flightdeck(&["plan", "undo", PLAN, "--to", "5", "--dry-run"]).succeeded().stdout;
    for wanted in ["undo: ", "  5  ./weight.sh 50", "the last step first"] {
        assert!(preview.contains(wanted), "`{wanted}` in\n{preview}");
    }
    assert_eq!((share(&yard), shown(&yard)["state"].as_str()), ("100".to_owned(), Some("done")));
    yard.shell.flightdeck(&["plan", "undo", PLAN, "--to", "5"]).succeeded();
    assert_eq!(share(&yard), "50");
    let plan = shown(&yard);
    assert_eq!(plan["steps"][4]["state"], "undone", "{plan}");
    let report = yard.shell.flightdeck(&["report"]).succeeded().stdout;
    for wanted in ["set by hand", "undone"] {
        assert!(report.contains(wanted), "`{wanted}` in\n{report}");
    }
}

#[test]
fn a_plan_is_given_up_and_its_target_is_free() {
    let yard = stuck();
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).ended_with(5).said(PLAN);
    yard.shell.flightdeck(&["plan", "cancel"]).succeeded();
    assert_eq!(shown(&yard)["state"], "cancelled");
    ok(&yard);
    yard.shell.flightdeck(&["deploy", "staging", "--detach"]).succeeded();
    yard.shell.flightdeck(&["plan", "take-over", "staging", "--reason", "mine"]).ended_with(5).said("alive");
    yard.shell.flightdeck(&["plan", "take-over", "nowhere", "--reason", "mine"]).ended_with(2);
}

#[test]
fn a_plan_that_waits_is_decided_about_by_key() {
    let yard = stuck();
    let terminal = Terminal::open(&yard.shell, 36, 120, &[]);
    terminal.wait_text("decide: ");
    terminal.press("o");
    terminal.wait_text("waits since");
    terminal.wait_text("no such canary");
    ok(&yard);
    terminal.press("r");
    terminal.wait_text("Retry?");
    terminal.press_until("y", "the step to be carried out again", |screen| !screen.contains("Retry?"));
    terminal.wait_text("c  release the hold");
    assert_eq!(share(&yard), "50");

    // Gone back from there, after seeing what that does.
    terminal.press("u");
    terminal.wait_text("Undo?");
    terminal.wait_text("./weight.sh 0");
    terminal.press_until("y", "the canary to be undone", |screen| !screen.contains("Undo?"));
    wait_until("the share to be taken back", || (share(&yard) == "0").then_some(()));
    terminal.wait_text("undone");
    wait_until("the plan to be over", || shown(&yard)["ended_at"].is_string().then_some(()));
    terminal.press("<esc>");
    terminal.wait_gone("waits since");
}
