//! Gates and approvals, as people at their own terminals meet them.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::world::{Ended, Shell, World, wait_until};

/// A repository with staging and production, a check and a checklist of one item.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) shell: Shell,
}

pub(super) const CONFIG: &str = r#"
[[checks]]
name = "unit"
command = ["./unit.sh"]

[[checklist]]
id = "core"
title = "core user workflow"

[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}", "{env}"]
smoke = ["./smoke.sh"]

[[environments]]
name = "production"
protected = true
gates = ["checks", "checklist", "approvals", "staging", "freeze"]
deploy = ["./deploy.sh", "{ref}", "{env}"]
"#;

impl Site {
    pub(super) fn new(severity: &str, config: &str) -> Self {
        let world = World::new();
        let shell = world.repository("service");
        let site = Self { world, shell };
        std::fs::write(site.shell.directory.join("flightdeck.toml"), config).unwrap();
        for (name, text) in
            [("unit.sh", "exit 0"), ("smoke.sh", "exit 0"), ("deploy.sh", "echo $* >> ../deployed")]
        {
            let path = site.shell.directory.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        site.commit("add what is run");
        site.shell.flightdeck(&["trust"]).succeeded();
        site.shell.flightdeck(&["declare", "Checkout answers 500", "--severity", severity]).succeeded();
        site
    }

    pub(super) fn commit(&self, subject: &str) {
        self.shell.run("git", &["add", "."]).succeeded();
        self.shell.run("git", &["commit", "--quiet", "--allow-empty", "-m", subject]).succeeded();
    }

    /// Somebody at a terminal of their own.
    pub(super) fn person(&self, name: &str) -> Shell {
        self.shell.clone().with("FLIGHTDECK_USER", name)
    }

    /// Does all that can be done alone: checks, checklist, staging.
    pub(super) fn validate(&self) {
        for line in [&["test"][..], &["tick", "core"], &["deploy", "staging"], &["smoke", "staging"]] {
            self.shell.flightdeck(line).succeeded();
        }
    }

    pub(super) fn deploy(&self) -> Ended {
        self.shell.flightdeck(&["deploy", "production", "--confirm", "production"])
    }

    pub(super) fn approvals(&self) -> Vec<Value> {
        self.shell.json(&["status", "--json"])["approvals"].as_array().unwrap().clone()
    }

    /// How often something was brought to production.
    pub(super) fn deployed(&self) -> usize {
        let log = std::fs::read_to_string(self.world.path("deployed")).unwrap_or_default();
        log.lines().filter(|line| line.ends_with("production")).count()
    }

    /// The kinds of all records, in order.
    fn kinds(&self) -> Vec<String> {
        let lines = self.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded().stdout;
        let kind = |line: &str| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["kind"].as_str().map(str::to_owned)
        };
        lines.lines().filter_map(kind).collect()
    }
}

#[test]
fn production_is_deployed_to_once_every_gate_is_met() {
    let site = Site::new("P1", CONFIG);
    let blocked = site.deploy().ended_with(3);
    for missing in [
        "checks: unit not run on this commit",
        "checklist: 1 of 1 open",
        "approvals: engineering lead: not given; product manager: not given",
        "staging: not deployed to staging",
    ] {
        assert!(blocked.stderr.contains(missing), "`{missing}` in {}", blocked.stderr);
    }
    site.validate();
    let blocked = site.deploy().ended_with(3).said("1 gate not met: approvals");
    assert!(!blocked.stderr.contains("--override"), "what cannot be overridden is not offered");

    // Put up once, seen by everybody, approved by two others.
    let id = site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded().stdout;
    let again = site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    assert_eq!(again.said("already").stdout, id, "the same plan has the same name");
    let seen = site.person("Omar").json(&["status", "--json"]);
    let waits = seen["plans"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((waits["id"].as_str(), waits["state"].as_str()), (Some(id.trim()), Some("waiting")));
    // Whoever has to approve reads what would run.
    let listed = site.person("Omar").flightdeck(&["plan", "list"]).succeeded().stdout;
    assert!(listed.contains("proposed") && listed.contains(id.trim()), "{listed}");
    for verb in [&["plan", "show", id.trim()][..], &["plan", "show"]] {
        let shown = site.person("Omar").flightdeck(verb).succeeded().stdout;
        assert!(
            shown.contains("./deploy.sh main production") && shown.contains("lead: not given"),
            "{shown}"
        );
    }
    let shown = site.person("Omar").json(&["plan", "show", id.trim(), "--json"]);
    assert_eq!((&shown["state"], &shown["id"]), (&"proposed".into(), &id.trim().into()));
    let said = site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    assert!(said.stderr.contains("deploy main to production, commit "), "{}", said.stderr);
    site.deploy().ended_with(3).said("product manager: not given");
    site.person("Li").flightdeck(&["approve", "product-manager", "--plan", id.trim()]).succeeded();
    assert!(site.approvals().iter().all(|vote| vote["valid"] == true), "{:?}", site.approvals());
    let shown = site.shell.flightdeck(&["deploy", "production", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("✓ approvals  Omar as engineering lead, Li as product manager"), "{shown}");
    assert_eq!(site.deployed(), 0);
    site.deploy().succeeded();
    assert_eq!(site.deployed(), 1);
    let plans = site.shell.json(&["status", "--json"])["plans"].clone();
    assert!(plans.as_array().unwrap().iter().all(|plan| plan["state"] == "done"), "{plans}");
    site.shell.flightdeck(&["verify"]).succeeded();
}

#[test]
fn a_new_commit_voids_what_was_approved() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    for (role, person) in [("lead", "Omar"), ("product-manager", "Li")] {
        site.person(person).flightdeck(&["approve", role]).succeeded();
    }
    let fresh = site.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(fresh.contains("waits for approval") && !fresh.contains("has moved"), "{fresh}");
    let fresh = site.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(fresh.contains("✓ engineering lead") && !fresh.contains("has moved"), "{fresh}");
    site.commit("one more thing");
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = flat(site.shell.flightdeck(&["plan", "show"]).succeeded().stdout);
    let status = flat(site.shell.flightdeck(&["status"]).succeeded().stdout);
    for said in ["main has moved", "approvals no longer count", "flightdeck deploy production --propose"] {
        assert!(shown.contains(said) && status.contains(said), "{said} in {shown}\n{status}");
    }
    assert!(
        !status.contains("flightdeck approve ROLE") && !status.contains("✓ engineering lead"),
        "{status}"
    );
    let status = site.shell.json(&["status", "--json"]);
    let plan = status["plans"].as_array().unwrap().iter().find(|plan| plan["state"] == "waiting").unwrap();
    assert!(plan["moved"].as_str().is_some_and(|moved| moved.starts_with("main has moved")), "{plan}");
    for vote in status["approvals"].as_array().unwrap() {
        assert!(vote["valid"] == false && vote["why"] == plan["moved"], "{vote}");
    }
    site.validate();
    site.deploy().ended_with(3).said("lead: Omar approved another version of this plan");
    // Nobody is asked to approve what cannot be started any more.
    let stale = site.person("Omar").flightdeck(&["approve", "lead"]).ended_with(3);
    stale.said("main has moved").said("flightdeck deploy production --propose");
    site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    let votes = site.approvals();
    assert!(votes.iter().all(|vote| vote["valid"] == false), "{votes:?}");
    assert!(votes[0]["why"].as_str().unwrap().contains("another version"), "{votes:?}");
    assert_eq!(site.deployed(), 0);
    // What is about another commit does not come back with the old one unasked, but it is the
    // same plan again, and was approved.
    site.shell.run("git", &["reset", "--quiet", "--hard", "HEAD~1"]).succeeded();
    site.validate();
    site.deploy().succeeded();
}

#[test]
fn a_changed_command_voids_what_was_approved() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    for (role, person) in [("lead", "Omar"), ("product-manager", "Li")] {
        site.person(person).flightdeck(&["approve", role]).succeeded();
    }
    let changed = CONFIG.replacen("\"{env}\"]\n\"#", "", 1).replace(
        "gates = [\"checks\", \"checklist\", \"approvals\", \"staging\", \"freeze\"]\ndeploy = [\"./deploy.sh\",",
        "gates = [\"checks\", \"checklist\", \"approvals\", \"staging\", \"freeze\"]\ndeploy = [\"./deploy.sh\", \"--all\",",
    );
    assert_ne!(changed, CONFIG);
    std::fs::write(site.shell.directory.join("flightdeck.toml"), changed).unwrap();
    site.shell.flightdeck(&["trust"]).succeeded();
    site.deploy().ended_with(3).said("approved another version of this plan");
    assert_eq!(site.deployed(), 0);
}

#[test]
fn nobody_approves_alone() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    // One's own plan.
    let said = site.shell.flightdeck(&["approve", "lead"]).succeeded();
    assert!(said.stderr.contains("does not count if Maya starts this deploy"), "{}", said.stderr);
    site.deploy().ended_with(3).said("lead: Maya would approve their own plan");
    site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    site.shell.flightdeck(&["approve", "lead"]).ended_with(3);
    // One person in two roles.
    let omar = site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    let left = "it counts as the engineering lead's; the product manager still has to approve: flightdeck approve \
                product-manager";
    assert!(omar.stderr.contains(left), "{}", omar.stderr);
    let other = site.person("Li").flightdeck(&["approve", "commander"]).ended_with(3);
    let needed = "P1 needs no approval from commander; approve as one of these: flightdeck approve \
                  lead|product-manager";
    assert!(other.stderr.contains(needed), "{}", other.stderr);
    let both = site.person("Omar").flightdeck(&["approve", "product-manager"]).ended_with(3);
    assert!(both.stderr.contains("does not count: Omar counts once, as lead: two roles"), "{}", both.stderr);
    assert_eq!(both.stderr.matches("does not count").count(), 1, "it is told once: {}", both.stderr);
    let status = site.shell.json(&["status", "--json"]);
    let mut entries = status["timeline"].as_array().unwrap().iter();
    let last = entries.rfind(|entry| entry["kind"] == "approved").unwrap();
    assert_eq!(last["counts"], false);
    assert!(last["why"].as_str().unwrap().starts_with("Omar counts once"), "{last}");
    site.deploy().ended_with(3).said("two roles are two people");
    // What somebody else wrote down, where that is not enough.
    let said = site.shell.flightdeck(&["approve", "product-manager", "--by", "Li"]).ended_with(3);
    assert!(said.stderr.contains("unverified: written down by Maya"), "{}", said.stderr);
    assert!(said.stderr.contains("recorded, but it does not count: verbal"), "{}", said.stderr);
    site.deploy().ended_with(3).said("has to run `flightdeck approve");
    assert_eq!(site.deployed(), 0);
    // A role that there is not.
    site.shell.flightdeck(&["approve", "leed"]).ended_with(2).said("did you mean lead?");
    site.shell
        .flightdeck(&["approve", "lead", "--plan", "deploy-staging-9"])
        .ended_with(2)
        .said("did you mean");
    site.shell.flightdeck(&["approve", "lead", "--by", " "]).ended_with(2);
    site.shell.flightdeck(&["approve", "lead", "--by", "Li", "--verbal"]).ended_with(2).said("--how");
}

#[test]
fn a_verbal_approval_is_marked_as_unverified_wherever_it_is_shown() {
    let site = Site::new("P0", CONFIG);
    site.validate();
    for (role, person) in [("lead", "Omar"), ("on-call-manager", "Li")] {
        let line = ["approve", role, "--by", person, "--verbal", "--how", "on the call"];
        site.shell.flightdeck(&line).succeeded();
    }
    let votes = site.approvals();
    assert!(votes.iter().all(|vote| vote["verbal"] == true && vote["valid"] == true), "{votes:?}");
    assert!(votes.iter().all(|vote| vote["written_by"] == "Maya" && vote["verified"] == false));
    let timeline = site.shell.json(&["status", "--json"])["timeline"].to_string();
    assert!(timeline.contains("verbal, on the call, unverified"), "{timeline}");
    let shown = site.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(shown.contains("Omar, on the call, unverified"), "{shown}");
    site.deploy().succeeded();
    let report = site.shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("verbal, on the call, **unverified**, written down by Maya"), "{report}");
}

#[test]
fn passing_over_needs_the_target_and_a_reason_on_record_before_anything_runs() {
    let site = Site::new("P0", CONFIG);
    let over = |gates: &[&str], more: &[&str]| {
        let mut line = vec!["deploy", "production"];
        for gate in gates {
            line.extend(["--override", gate]);
        }
        line.extend(more);
        site.shell.flightdeck(&line)
    };
    let all = ["checks", "checklist", "approvals", "staging"];
    let reason = ["--reason", "the shop is on fire"];
    over(&all, &[&reason[..], &["--confirm", "staging"]].concat()).ended_with(2);
    over(&all, &reason).ended_with(2).said("also confirm the target");
    over(&all, &["--confirm", "production"]).ended_with(2).said("give one --reason");
    over(&all, &["--confirm", "production", "--reason", " "]).ended_with(2);
    over(&all[1..], &[&reason[..], &["--confirm", "production"]].concat()).ended_with(3).said("checks");
    over(&["chekcs"], &[&reason[..], &["--confirm", "production"]].concat()).ended_with(2);
    assert_eq!(site.deployed(), 0);
    assert!(!site.kinds().iter().any(|kind| kind == "gate-passed-over"), "nothing of that is recorded");

    over(&all, &[&reason[..], &["--confirm", "production"]].concat()).succeeded();
    assert_eq!(site.deployed(), 1);
    let kinds = site.kinds();
    let place = |wanted: &str| kinds.iter().position(|kind| kind == wanted).unwrap();
    assert!(place("gate-passed-over") < place("plan-started"), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "gate-passed-over").count(), 4);
    let report = site.shell.flightdeck(&["report"]).succeeded().stdout;
    assert!(report.contains("**overridden**") && report.contains("the shop is on fire"), "{report}");
    // Passed over once is not passed over for ever.
    site.deploy().ended_with(3);
}

#[test]
fn what_the_severity_keeps_closed_stays_closed() {
    let site = Site::new("P1", CONFIG);
    let line = ["checks", "checklist", "approvals", "staging"].map(|gate| ["--override", gate]);
    let line = [&["deploy", "production", "--confirm", "production", "--reason", "fire"][..], &line.concat()];
    let blocked = site.shell.flightdeck(&line.concat()).ended_with(3).said("cannot be overridden at P1");
    for act in [
        "→ checks: flightdeck test\n",
        "\n    checklist: flightdeck tick ",
        "approvals: flightdeck deploy production --ref main --propose, then flightdeck approve ROLE",
        "staging: flightdeck deploy staging --ref main",
    ] {
        assert!(blocked.stderr.contains(act), "{act} in {}", blocked.stderr);
    }
    assert_eq!(site.deployed(), 0);
    // It does once the incident is what it would have to be, and not before.
    site.shell.flightdeck(&["severity", "P0", "--reason", "everybody is affected"]).succeeded();
    site.shell.flightdeck(&line.concat()).succeeded();
}

#[test]
fn a_plan_without_protection_needs_its_name_too_once_a_gate_is_passed_over() {
    let config = CONFIG.replace("protected = true\n", "");
    let site = Site::new("P0", &config);
    let over = ["checks", "checklist", "approvals", "staging"].map(|gate| ["--override", gate]).concat();
    let line = [&["deploy", "production", "--reason", "fire"][..], &over].concat();
    site.shell.flightdeck(&line).ended_with(2).said("to override a gate, also confirm the target");
    site.shell.flightdeck(&[&line[..], &["--confirm", "production"]].concat()).succeeded();
}

#[test]
fn rejected_is_rejected_until_that_person_thinks_better_of_it() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    let reason = ["reject", "lead", "--reason", "not before the backup"];
    site.person("Ann").flightdeck(&reason).succeeded();
    for (role, person) in [("lead", "Omar"), ("product-manager", "Li")] {
        site.person(person).flightdeck(&["approve", role]).succeeded();
    }
    let blocked = site.deploy().ended_with(3).said("in conflict");
    assert!(
        blocked.stderr.contains("rejected by Ann as engineering lead: not before the backup"),
        "{}",
        blocked.stderr
    );
    let votes = site.approvals();
    assert_eq!(votes.iter().filter(|vote| vote["approves"] == true).count(), 2, "both stand: {votes:?}");
    assert_eq!(votes.iter().filter(|vote| vote["approves"] == false).count(), 1, "both stand: {votes:?}");
    site.person("Ann").flightdeck(&["approve", "lead"]).succeeded();
    site.deploy().succeeded();
}

#[test]
fn an_approval_runs_out() {
    let site = Site::new("P1", &format!("{CONFIG}\n[policy]\napproval_valid_for = \"1s\"\n"));
    site.validate();
    for (role, person) in [("lead", "Omar"), ("product-manager", "Li")] {
        site.person(person).flightdeck(&["approve", role]).succeeded();
    }
    wait_until("the approvals to run out", || {
        let shown = site.shell.flightdeck(&["deploy", "production", "--dry-run"]).succeeded().stdout;
        (shown.contains("lead: the approval of Omar is older than 1s")
            && shown.contains("product manager: the approval of Li is older than 1s"))
        .then_some(())
    });
    site.deploy().ended_with(3).said("older than 1s");
}

#[test]
fn a_gate_that_names_nothing_known_is_a_mistake_in_the_file() {
    let world = World::new();
    let shell = world.repository("service");
    for wrong in ["gates = [\"checkz\"]", "gates = [\"unit tests\"]"] {
        let config = format!("[[environments]]\nname = \"production\"\ndeploy = [\"true\"]\n{wrong}\n");
        std::fs::write(shell.directory.join("flightdeck.toml"), config).unwrap();
        shell.flightdeck(&["config", "check"]).ended_with(2);
    }
}

#[test]
fn key_palette_and_verb_meet_the_same_gates_and_start_the_same_plan() {
    let site = Site::new("P1", CONFIG);
    let cockpit = super::terminal::Terminal::open(&site.shell, 40, 140, &[]);
    cockpit.wait_text("Checkout answers 500");
    for keys in ["dp", ":production<enter>"] {
        cockpit.press(keys);
        cockpit.wait_text("At P1 they cannot be overridden");
        cockpit.wait_text("unit not run on this commit");
        cockpit.press("<enter>");
        cockpit.wait_text("P1 does not let you override");
        cockpit.press("<esc>");
        cockpit.wait_gone("Plan: ");
    }
    site.deploy().ended_with(3).said("unit not run on this commit");
    assert_eq!(site.deployed(), 0);

    // Asked for by key, approved by verb and by key elsewhere, while the preview stays.
    site.validate();
    cockpit.press("dp");
    cockpit.wait_text("not met: approvals");
    cockpit.press_until("a", "the question", |screen| screen.contains("Ask for approval?"));
    cockpit.press_until("y", "the plan to be put up", |screen| screen.contains("asked for approval"));
    site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    let other = super::terminal::Terminal::open(&site.person("Li"), 40, 140, &[]);
    other.wait_text("approvals 1/2");
    other.press("Ar");
    other.wait_text("counts as the product manager's; then nobody else has to approve");
    other.wait_text("./deploy.sh main production");
    other.press_until("y", "the approval", |screen| screen.contains("approvals 2/2"));
    cockpit.wait_text("and ⏎ to go ahead");
    cockpit.press_until("<c-u>production<enter>", "the plan to start", |screen| !screen.contains("Plan: "));
    wait_until("the deploy", || (site.deployed() == 1).then_some(()));
}

#[test]
fn a_plan_is_not_taken_up_again_once_somebody_has_rejected_it() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    // It fails the first time, with everybody's approval.
    std::fs::write(site.world.path("broken"), "").unwrap();
    let script = "#!/bin/sh\ntest ! -e ../broken && echo $* >> ../deployed\n";
    std::fs::write(site.shell.directory.join("deploy.sh"), script).unwrap();
    site.commit("let it be broken");
    std::fs::remove_file(site.world.path("broken")).unwrap();
    site.validate();
    std::fs::write(site.world.path("broken"), "").unwrap();
    for (role, person) in [("lead", "Omar"), ("product-manager", "Priya")] {
        site.person(person).flightdeck(&["approve", role]).succeeded();
    }
    site.deploy().ended_with(1);
    site.person("Omar").flightdeck(&["reject", "lead", "--reason", "not while it fails"]).succeeded();
    std::fs::remove_file(site.world.path("broken")).unwrap();
    let before = site.deployed();
    site.shell
        .flightdeck(&["plan", "retry", "--confirm", "production"])
        .ended_with(3)
        .said("rejected by Omar");
    assert_eq!(site.deployed(), before);

    site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    site.shell.flightdeck(&["plan", "retry", "--confirm", "production"]).succeeded();
    assert_eq!(site.deployed(), before + 1);
}

#[test]
fn one_person_is_one_however_the_name_is_written() {
    let proposed = || {
        let site = Site::new("P1", CONFIG);
        site.validate();
        site.person("Ann").flightdeck(&["deploy", "production", "--propose"]).succeeded();
        site
    };
    for (one, other) in [
        ("Jos\u{e9} Lind", "jose\u{301}  lind"),
        ("Maya\u{a0}Lind", "maya lind"),
        ("\u{ff2d}aya Lind", "Maya Lind"),
        ("STRAU\u{1e9e}", "Strauss"),
        ("Omar. <omar@example.org>", "omar"),
    ] {
        let site = proposed();
        site.person(one).flightdeck(&["approve", "lead"]).succeeded();
        site.person(other).flightdeck(&["approve", "product-manager"]).ended_with(3);
        let blocked = site.deploy().ended_with(3);
        assert!(blocked.stderr.contains("two roles are two people"), "{one:?}: {}", blocked.stderr);
    }
    // Nobody approves their own plan by writing their name in another way.
    let site = proposed();
    for own in ["ANN", "\u{ff21}nn", " ann ", "Ann <ann@example.org>"] {
        site.person(own).flightdeck(&["approve", "lead"]).ended_with(3);
        let blocked = site.person("Ann").flightdeck(&["deploy", "production", "--confirm", "production"]);
        assert!(blocked.ended_with(3).stderr.contains("would approve their own plan"), "{own:?}");
    }
    assert_eq!(site.deployed(), 0);
}

#[test]
fn a_name_with_what_nobody_sees_is_refused_by_one_rule() {
    let site = Site::new("P1", CONFIG);
    let unseen = "\
        \u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{17B4}\u{17B5}\u{180B}\u{180E}\u{200B}\
        \u{200C}\u{200D}\u{200E}\u{200F}\u{202A}\u{202D}\u{202E}\u{2028}\u{2060}\u{2061}\
        \u{2064}\u{2066}\u{206F}\u{2800}\u{3164}\u{FE00}\u{FE0F}\u{FEFF}\u{FFA0}\u{FFF0}\
        \u{FFF8}\u{FFF9}\u{1BCA0}\u{1BCA3}\u{1D173}\u{1D17A}\u{E0001}\u{E0041}\u{E0100}\u{E0FFF}";
    assert_eq!(unseen.chars().count(), 40);
    let records = site.kinds().len();
    for c in unseen.chars() {
        let name = format!("ma{c}ya");
        let why = "invisible characters";
        let by = site.shell.flightdeck(&["approve", "lead", "--by", &name]).ended_with(2);
        let user = site.person(&name).flightdeck(&["approve", "lead"]).ended_with(2);
        let role = site.shell.flightdeck(&["role", "lead", &name]).ended_with(2);
        for ended in [by, user, role] {
            assert!(ended.stderr.contains(why), "{c:?}: {}", ended.stderr);
        }
    }
    assert_eq!(site.kinds().len(), records, "nothing was saved");
}

#[test]
fn who_approves_under_another_name_and_who_only_looks_like_somebody_is_marked() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    site.person("Ann").flightdeck(&["deploy", "production", "--propose"]).succeeded();
    site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    let said = site.person("0mar").flightdeck(&["approve", "product-manager"]).succeeded();
    assert!(said.stderr.contains("looks like Omar but is not the same name"), "{}", said.stderr);
    let status = site.shell.flightdeck(&["status"]).succeeded().stdout;
    let report = site.shell.flightdeck(&["report"]).succeeded().stdout;
    let preview = site.shell.flightdeck(&["deploy", "production", "--dry-run"]);
    let preview = format!("{}{}", preview.stdout, preview.stderr);
    for text in [status, report, preview] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("written on the machine where Ann proposed it"), "{text}");
        assert!(flat.contains("looks like Omar but is not the same name"), "{text}");
    }
    // All are at one installation.
    let elsewhere = site.approvals();
    assert!(elsewhere.iter().all(|vote| vote["doubt"].is_string()), "{elsewhere:?}");
}

/// Whoever started it: two who approved are two people only where each has a terminal.
#[test]
fn two_approvals_from_one_installation_are_marked() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    // Put up at another machine, so that nobody here started it.
    let hand_over = |from: &Shell, to: &Shell| {
        let file = site.world.path("handed-over");
        std::fs::write(&file, from.flightdeck(&["export"]).succeeded().stdout).unwrap();
        to.flightdeck(&["import", &file.to_string_lossy()]).succeeded();
    };
    let away = site.person("Ann").with("FLIGHTDECK_STATE_DIR", site.world.path("away"));
    hand_over(&site.shell, &away);
    away.flightdeck(&["trust"]).succeeded();
    away.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    hand_over(&away, &site.shell);

    let doubts = || site.approvals().iter().filter(|vote| vote["doubt"].is_string()).count();
    site.person("Omar").flightdeck(&["approve", "lead"]).succeeded();
    // The same name, however it is typed, and what is written down for somebody else are nothing odd.
    site.person("omar").flightdeck(&["approve", "lead"]).succeeded();
    site.person("Omar").flightdeck(&["approve", "product-manager", "--by", "Kim"]).ended_with(3);
    assert_eq!(doubts(), 0, "{:?}", site.approvals());

    let said = site.person("Li").flightdeck(&["approve", "product-manager"]).succeeded().stderr;
    assert!(said.contains("written on the machine where omar approved it"), "{said}");
    let preview = site.shell.flightdeck(&["deploy", "production", "--dry-run"]).succeeded().stdout;
    let shown = site.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    let report = site.shell.flightdeck(&["report"]).succeeded().stdout;
    for text in [preview, shown, report] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for as_whom in ["omar", "Li"] {
            let doubt = format!("written on the machine where {as_whom} approved it");
            assert!(flat.contains(&doubt), "`{doubt}` in {text}");
        }
    }
    // It is marked, and holds nothing up.
    site.deploy().succeeded();
    let shown = site.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(shown.contains("omar as lead: written on the machine where Maya started it"), "{shown}");
}
