//! What was approved is what runs: also what is in the scripts that a plan names, and with the gates
//! that were demanded then.

use std::os::unix::fs::PermissionsExt as _;

use super::approvals::{CONFIG, Site};
use super::world::{Ended, Shell, wait_until};

impl Site {
    /// Writes a script and leaves it uncommitted.
    fn script(&self, name: &str, text: &str) {
        let path = self.shell.directory.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn to_production(&self) -> Ended {
        self.shell.flightdeck(&["deploy", "production", "--confirm", "production"])
    }

    fn approve(&self) {
        self.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
        for (role, person) in [("lead", "Omar"), ("product-manager", "Li")] {
            self.person(person).flightdeck(&["approve", role]).succeeded();
        }
    }

    fn configure(&self, config: &str) {
        std::fs::write(self.shell.directory.join("flightdeck.toml"), config).unwrap();
        self.shell.flightdeck(&["trust"]).succeeded();
    }

    fn preview(&self) -> String {
        self.shell.flightdeck(&["deploy", "production", "--dry-run", "--verbose"]).succeeded().stdout
    }
}

#[test]
fn a_script_that_was_edited_after_the_approval_does_not_run() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    site.approve();
    assert!(!site.preview().contains("▲ deploy.sh"), "{}", site.preview());
    let before = std::fs::read(site.shell.directory.join("deploy.sh")).unwrap();
    site.script("deploy.sh", "echo $* >> ../deployed\necho edited production >> ../deployed");
    let preview = site.preview();
    assert!(preview.contains("▲ deploy.sh has uncommitted changes"), "{preview}");
    let changed = "deploy.sh changed after Omar approved it; look at the plan again and approve it";
    site.to_production().ended_with(3).said(&format!("lead: {changed}"));
    assert!(preview.contains(changed), "{preview}");
    assert_eq!(site.deployed(), 0);
    // What waits is looked at too.
    let shown = site.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    let changed = "▲ deploy.sh changed after Omar, Li approved it; look at the plan again and approve it";
    assert!(shown.contains("waits for approval, proposed by Maya") && shown.contains(changed), "{shown}");
    let cockpit = super::terminal::Terminal::open(&site.shell, 50, 200, &[]);
    cockpit.wait_text("Checkout answers 500");
    cockpit.press("dp");
    cockpit.wait_text("deploy.sh changed after Omar approved it");
    cockpit.press("<esc>");
    drop(cockpit);
    // As it was, it is what was approved.
    std::fs::write(site.shell.directory.join("deploy.sh"), before).unwrap();
    assert!(!site.preview().contains("uncommitted"), "{}", site.preview());
    let shown = site.shell.flightdeck(&["plan", "show"]).succeeded().stdout;
    assert!(!shown.contains("changed after"), "{shown}");
    site.to_production().succeeded();
    assert_eq!(site.deployed(), 1);
}

/// Nothing changed, but a plan runs the files of its own work tree.
#[test]
fn an_approval_says_that_it_is_for_another_clone() {
    let site = Site::new("P1", CONFIG);
    site.validate();
    site.approve();
    let (here, there) = (site.shell.directory.clone(), site.world.path("clone"));
    site.shell.run("git", &["clone", "--quiet", ".", &there.to_string_lossy()]).succeeded();
    let clone = Shell { directory: there.clone(), ..site.shell.clone() };
    clone.flightdeck(&["trust"]).succeeded();
    let deploy = ["deploy", "production", "--dry-run"];
    let preview = clone.flightdeck(&deploy).succeeded().stdout;
    let said = format!("Omar approved it for the work tree {}", here.display());
    assert!(preview.contains(&said) && !preview.contains("changed after"), "{preview}");
    // What did change is named in the clone, too.
    std::fs::write(there.join("deploy.sh"), "#!/bin/sh\necho edited\n").unwrap();
    let preview = clone.flightdeck(&deploy).succeeded().stdout;
    assert!(preview.contains("deploy.sh changed after Omar approved it"), "{preview}");
}

/// In words for a shell, from another directory, where a script of the same name is at the root.
#[test]
fn a_script_that_a_shell_is_told_of_does_not_run_edited() {
    let (others, _) = CONFIG.rsplit_once(r#"["./deploy.sh""#).unwrap();
    let line = r#"["sh", "-c", 'cd ops && ./deploy.sh "$(git rev-parse HEAD)" production']"#;
    let site = Site::new("P1", &format!("{others}{line}\n"));
    std::fs::create_dir(site.shell.directory.join("ops")).unwrap();
    site.script("ops/deploy.sh", "echo $* >> ../../deployed");
    site.commit("a deploy of its own");
    site.validate();
    site.approve();
    let before = std::fs::read(site.shell.directory.join("ops/deploy.sh")).unwrap();
    site.script("ops/deploy.sh", "echo edited production >> ../../deployed");
    let changed = "ops/deploy.sh changed after Omar approved it; look at the plan again and approve it";
    site.to_production().ended_with(3).said(&format!("lead: {changed}"));
    assert!(site.preview().contains("▲ ops/deploy.sh has uncommitted changes"), "{}", site.preview());
    assert_eq!(site.deployed(), 0);
    std::fs::write(site.shell.directory.join("ops/deploy.sh"), before).unwrap();
    site.to_production().succeeded();
    assert_eq!(site.deployed(), 1);
}

/// Another content is another plan, however the command spells the file.
#[test]
fn no_spelling_of_a_command_hides_its_script() {
    let site = Site::new("P2", CONFIG);
    std::fs::create_dir(site.shell.directory.join("ops")).unwrap();
    for (line, script) in [
        (r#"["sh", "-c", './deploy.sh "$(git rev-parse HEAD)"']"#, "deploy.sh"),
        (r#"["bash", "-ceu", "./deploy.sh prod; echo done"]"#, "deploy.sh"),
        (r#"["sh", "-c", "./deploy.sh>out"]"#, "deploy.sh"),
        (r#"["sh", "-c", "out=`./deploy.sh`"]"#, "deploy.sh"),
        (r#"["sh", "-c", "cat <deploy.sh | sh"]"#, "deploy.sh"),
        (r#"["sh", "-c", "./deploy.sh 'a; \"b\"'"]"#, "deploy.sh"),
        (r#"["sh", "-c", "$PWD/deploy.sh"]"#, "deploy.sh"),
        (r#"["sh", "-c", "${DEPLOY:-./deploy.sh} prod"]"#, "deploy.sh"),
        (r#"["sh", "-c", "cd ops && ./deploy.sh"]"#, "ops/deploy.sh"),
        (r#"["sh", "-c", "cd ops && ./two.sh"]"#, "ops/two.sh"),
        (r#"["sh", "-c", "./ops/t$REST"]"#, "ops/two.sh"),
        (r#"["env", "-C", "ops", "./deploy.sh"]"#, "ops/deploy.sh"),
        (r#"["bash", "-c", "$'.\\x2fdeploy.sh' prod"]"#, "deploy.sh"),
        (r#"["python3", "-c", "import ops.roll"]"#, "ops/roll.py"),
        (r#"["perl", "-Iops", "-MRoll", "-e1"]"#, "ops/Roll.pm"),
        (r#"["make", "-Cops", "deploy"]"#, "ops/Makefile"),
        (r#"["make", "--directory=ops"]"#, "ops/Makefile"),
        (r#"["sh", "-c", "cd ops; make deploy"]"#, "ops/Makefile"),
        (r#"["npm", "--prefix", "ops", "run", "deploy"]"#, "ops/package.json"),
        (r#"["sudo", "-u", "x", "timeout", "5", "sh", "ops/plain"]"#, "ops/plain"),
    ] {
        let write = |text: &str| std::fs::write(site.shell.directory.join(script), text).unwrap();
        site.configure(&format!("[[environments]]\nname = \"staging\"\ndeploy = {line}\n"));
        let plan = || site.shell.json(&["deploy", "staging", "--dry-run", "--json"])["hash"].clone();
        write("# one\n");
        let before = plan();
        assert_eq!(before, plan(), "{line}");
        write("# two\n");
        assert_ne!(before, plan(), "{line}");
    }
}

/// What was not there when the plan was made: a file that comes before the one that was approved, and
/// one that was only named. What git ignores is what builds make.
#[test]
fn a_script_that_appears_while_its_plan_runs_does_not_run() {
    let site = Site::new("P2", CONFIG);
    let config = r#"
[[checks]]
name = "first"
command = ["./first.sh"]

[[checks]]
name = "make"
command = ["make", "deploy"]

[[checks]]
name = "second"
command = ["sh", "second.sh"]

[[checks]]
name = "built"
command = ["sh", "-c", "cd target && ./built"]
"#;
    let recipe = "printf 'deploy:\\n\\techo made >> ../ran\\n' > GNUmakefile";
    let second = "echo 'echo second >> ../ran' > second.sh; echo second.sh > .git/info/exclude";
    let built = "mkdir target; echo 'echo built >> ../../ran' > target/built; chmod +x target/built";
    site.script("first.sh", &format!("{recipe}; {second}; {built}; echo first >> ../ran"));
    std::fs::write(site.shell.directory.join("Makefile"), "deploy:\n\techo as approved >> ../ran\n").unwrap();
    std::fs::write(site.shell.directory.join(".gitignore"), "target/\n").unwrap();
    site.configure(config);
    site.commit("four checks");
    let preview = site.shell.flightdeck(&["test", "--dry-run", "--verbose"]).succeeded().stdout;
    assert!(preview.contains("Makefile as it is now (") && !preview.contains("GNUmakefile"), "{preview}");
    assert!(preview.contains("target/built may be made by an earlier step: git ignores it"), "{preview}");

    site.shell.flightdeck(&["test"]).ended_with(1);
    let plan = site.shell.json(&["plan", "show", "--json"]);
    for (step, new) in [(1, "GNUmakefile"), (2, "second.sh")] {
        let outcome = &plan["steps"][step]["outcome"];
        assert_eq!(outcome["state"], "did-not-start", "{plan}");
        let why = format!("{new} is new since the plan was approved: remove it, or make the plan again");
        assert_eq!(outcome["why"], why, "{plan}");
    }
    assert_eq!(std::fs::read_to_string(site.world.path("ran")).unwrap(), "first\nbuilt\n", "{plan}");
}

/// Between the start of the plan and the start of the step.
#[test]
fn a_script_that_changes_while_its_plan_runs_does_not_run() {
    let site = Site::new("P1", &CONFIG.replace("protected = true\n", "").replace("gates = [", "#gates = ["));
    // The first step of two edits what the second would run.
    let config = r#"
[[checks]]
name = "first"
command = ["./first.sh"]

[[checks]]
name = "second"
command = ["sh", "second.sh"]
"#;
    site.script("first.sh", "echo 'echo edited >> ../ran' >> second.sh; echo first >> ../ran");
    std::fs::write(site.shell.directory.join("second.sh"), "echo second >> ../ran\n").unwrap();
    site.configure(config);
    site.commit("two checks");
    site.shell.flightdeck(&["test"]).ended_with(1);
    let plan = site.shell.json(&["plan", "show", "--json"]);
    assert_eq!(plan["steps"][0]["outcome"]["state"], "exited", "{plan}");
    assert_eq!(plan["steps"][1]["outcome"]["state"], "did-not-start", "{plan}");
    let why = plan["steps"][1]["outcome"]["why"].as_str().unwrap();
    assert_eq!(why, "second.sh changed since the plan was approved: put it back, or make the plan again");
    assert_eq!(std::fs::read_to_string(site.world.path("ran")).unwrap(), "first\n");
    // Nor is it tried again with what is there now; with what was approved it is.
    site.shell
        .flightdeck(&["plan", "retry"])
        .ended_with(3)
        .said("second.sh changed since the plan was approved");
    std::fs::write(site.shell.directory.join("second.sh"), "echo second >> ../ran\n").unwrap();
    site.shell.flightdeck(&["plan", "retry"]).succeeded();
    assert_eq!(std::fs::read_to_string(site.world.path("ran")).unwrap(), "first\nsecond\n");
}

/// What tells whether it is done, and what takes it back, are approved as well.
#[test]
fn proof_and_rollback_are_frozen_too() {
    let config = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
proof = ["sh", "deployed.sh"]
expect = "yes"
proof_within = "1s"

[[environments.rollbacks]]
name = "by-hand"
command = ["./back.sh"]
target = ["echo", "v1"]
"#;
    let site = Site::new("P2", config);
    site.script("back.sh", "echo back >> ../deployed");
    site.script("deploy.sh", "echo 'echo yes' > deployed.sh; echo staging >> ../deployed");
    std::fs::write(site.shell.directory.join("deployed.sh"), "echo no\n").unwrap();
    site.commit("a deploy that proves itself");
    // The deploy rewrites what would prove it: that is no proof.
    site.shell.flightdeck(&["deploy", "staging"]).ended_with(6);
    let plan = site.shell.json(&["plan", "show", "--json"]);
    let why = plan["steps"][0]["proof_why"].as_str().unwrap();
    assert!(why.starts_with("deployed.sh changed since the plan was approved"), "{plan}");

    let preview =
        site.shell.flightdeck(&["rollback", "by-hand", "--dry-run", "--verbose"]).succeeded().stdout;
    assert!(preview.contains("back.sh as it is now ("), "{preview}");
    let hash = || site.shell.json(&["rollback", "by-hand", "--dry-run", "--json"])["hash"].clone();
    let before = hash();
    site.script("back.sh", "echo elsewhere >> ../deployed");
    assert_ne!(before, hash(), "another script is another plan");
}

/// The preview on the screen was confirmed: what starts is what it showed.
#[test]
fn a_script_that_changes_under_the_preview_is_not_started() {
    let site = Site::new("P2", CONFIG);
    let cockpit = super::terminal::Terminal::open(&site.shell, 40, 140, &[]);
    cockpit.wait_text("Checkout answers 500");
    cockpit.press("ds");
    cockpit.wait_text("./deploy.sh main staging");
    site.script("deploy.sh", "echo edited staging >> ../deployed");
    cockpit.press_until("y", "the refusal", |screen| screen.contains("deploy.sh changed since"));
    assert!(!site.world.path("deployed").exists());
}

#[test]
fn a_gate_that_is_dropped_after_the_approval_is_still_demanded() {
    let site = Site::new("P1", CONFIG);
    // All but staging is there.
    site.shell.flightdeck(&["test"]).succeeded();
    site.shell.flightdeck(&["tick", "core"]).succeeded();
    site.approve();
    site.to_production().ended_with(3).said("1 gate not met: staging");
    for dropped in [
        CONFIG.replace(", \"staging\", \"freeze\"]", ", \"freeze\"]"),
        CONFIG.replace(
            "gates = [\"checks\", \"checklist\", \"approvals\", \"staging\", \"freeze\"]",
            "gates = []",
        ),
    ] {
        assert_ne!(dropped, CONFIG);
        site.configure(&dropped);
        let refused = site.to_production().ended_with(3);
        for words in [
            "staging: not deployed to staging (demanded when Omar and Li approved, and dropped from the configuration since)",
            "Omar approved another version of this plan",
        ] {
            assert!(refused.stderr.contains(words), "`{words}` in {}", refused.stderr);
        }
        let preview = site.preview();
        assert!(preview.contains("✗ staging"), "{preview}");
    }
    assert_eq!(site.deployed(), 0);

    // Those who approved see it without the gate, and approve that: it is their word now.
    site.configure(&CONFIG.replace(", \"staging\", \"freeze\"]", ", \"freeze\"]"));
    site.approve();
    site.to_production().succeeded();
    assert_eq!(site.deployed(), 1);

    // Nor is a rejection passed over, also not from an incident of its own.
    site.configure(CONFIG);
    site.shell.flightdeck(&["deploy", "staging"]).succeeded();
    site.shell.flightdeck(&["smoke", "staging"]).succeeded();
    site.shell.flightdeck(&["deploy", "production", "--propose"]).succeeded();
    site.person("Omar").flightdeck(&["reject", "lead", "--reason", "not at noon"]).succeeded();
    site.configure(&CONFIG.replace("\"approvals\", ", ""));
    let still = "Omar rejected it, and dropped from the configuration since)";
    site.to_production().ended_with(3).said(still);
    site.configure(&CONFIG.replace(
        "gates = [\"checks\", \"checklist\", \"approvals\", \"staging\", \"freeze\"]",
        "gates = []",
    ));
    site.shell.flightdeck(&["declare", "Another one", "--severity", "P1"]).succeeded();
    let elsewhere = ["deploy", "production", "--confirm", "production", "--incident", "INC-2026-0002"];
    site.shell.flightdeck(&elsewhere).ended_with(3).said(still);
    assert_eq!(site.deployed(), 1);
}

/// Fewer checks, fewer people, no protection: less is demanded than was approved.
#[test]
fn a_gate_that_demands_less_than_was_approved_voids_it() {
    let config = format!("{CONFIG}\n[[checks]]\nname = \"lint\"\ncommand = [\"true\"]\n");
    let site = Site::new("P1", &config);
    site.validate();
    site.approve();
    let shown = || site.shell.json(&["deploy", "production", "--dry-run", "--json"]);
    let blocks = |plan: &serde_json::Value, id: &str| {
        let gates = plan["gates"].as_array().unwrap();
        gates.iter().filter(|gate| gate["id"] == id && gate["met"] == "no").count()
    };
    assert_eq!(blocks(&shown(), "approvals"), 0, "{}", shown());
    for weaker in [
        CONFIG.to_owned(),
        format!("{config}\n[policy.P1]\napprovals = [\"lead\"]\n"),
        config.replace("protected = true\n", ""),
        // A check of the same name that runs something else.
        config.replace("command = [\"./unit.sh\"]", "command = [\"true\"]"),
    ] {
        site.configure(&weaker);
        assert_ne!(blocks(&shown(), "approvals"), 0, "{weaker}: {}", shown());
    }
    site.configure(&config);
    wait_until("the approvals to count again", || (blocks(&shown(), "approvals") == 0).then_some(()));
    site.to_production().succeeded();
}

/// What is on record and what git makes of the name are one commit.
#[test]
fn a_name_that_git_takes_for_another_commit_is_not_deployed() {
    let site = Site::new("P2", CONFIG);
    site.script("unit.sh", "echo $FLIGHTDECK_REF >> ../refs");
    let git = |arguments: &[&str]| site.shell.run("git", arguments).succeeded();
    git(&["tag", "heads/main", "HEAD~1"]);
    let several = "it stands for different commits: refs/tags/heads/main, refs/heads/main";
    site.shell.flightdeck(&["deploy", "staging", "--ref", "heads/main"]).ended_with(2).said(several);
    site.shell.flightdeck(&["deploy", "staging", "--ref", "main"]).succeeded();
    // Nor is the current branch, where a tag has its name: a check gets it in full.
    git(&["tag", "main", "HEAD~1"]);
    let several = "it stands for different commits: refs/heads/main, refs/tags/main";
    site.shell.flightdeck(&["deploy", "staging"]).ended_with(2).said(several);
    site.shell.flightdeck(&["deploy", "staging", "--ref", "refs/heads/main"]).succeeded();
    site.shell.flightdeck(&["test"]).succeeded();
    assert_eq!(std::fs::read_to_string(site.world.path("refs")).unwrap(), "refs/heads/main\n");
    let deployed = std::fs::read_to_string(site.world.path("deployed")).unwrap();
    assert_eq!(deployed, "main staging\nrefs/heads/main staging\n");
}
