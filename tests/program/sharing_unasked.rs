//! Leases where nobody else can be asked, where what lies there is nobody's, and where they are lost.

use flightdeck::incident::IncidentId;
use flightdeck::journal::Journal;
use flightdeck::share::{Claim, Key, claim_reference};
use git2::{Repository, Signature};

use super::sharing_plans::{CANARY, CONFIG, PLAN, Team, flightdeck, wait_state};
use super::world::{Running, Shell, wait_for, wait_until};

/// One environment that is protected.
const PROTECTED: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
protected = true
gates = []
"#;

/// What is said where others cannot be asked.
const UNASKED: &str = "nobody else can be asked whether they deploy to staging";
const DEPLOY: [&str; 4] = ["deploy", "staging", "--confirm", "staging"];
const WHY: [&str; 4] = ["--override", "lease", "--reason", "all are on the call"];

fn with<'a>(verb: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    verb.iter().chain(more).copied().collect()
}

fn lease(team: &Team) -> Option<String> {
    let origin = Shell { directory: team.origin.clone(), ..team.world.shell(&team.world.path("home")) };
    let shown =
        origin.run("git", &["cat-file", "-p", &format!("{}:lease.json", claim_reference("staging", ""))]);
    (shown.code() == Some(0)).then_some(shown.stdout)
}

/// Puts a lease there from a machine that nobody here knows.
fn claim_as_a_stranger(team: &Team) {
    let dir = team.world.path("stranger");
    std::fs::create_dir(&dir).unwrap();
    let key = Key::open(&dir).unwrap();
    let incident = IncidentId("00000000-0000-7000-8000-000000000007".parse().unwrap());
    put(team, &Claim::new("staging", incident, "deploy-staging-9", "mallory", 5, &key), &key);
}

/// Puts a lease there from Omar's machine.
fn claim_as_omar(team: &Team) {
    let state = team.world.path("state-omar");
    let (key, node) = (Key::open(&state).unwrap(), Journal::open(&state, "omar").unwrap().author().node);
    let hers: serde_json::Value = serde_json::from_str(lease(team).unwrap().lines().next().unwrap()).unwrap();
    let incident = IncidentId(hers["incident"].as_str().unwrap().parse().unwrap());
    put(team, &Claim::new("staging", incident, "deploy-staging-9", "omar", node, &key), &key);
}

fn put(team: &Team, claim: &Claim, key: &Key) {
    let origin = Repository::open_bare(&team.origin).unwrap();
    let mut tree = origin.treebuilder(None).unwrap();
    tree.insert("lease.json", origin.blob(&claim.seal(key)).unwrap(), 0o100_644).unwrap();
    let tree = origin.find_tree(tree.write().unwrap()).unwrap();
    let by = Signature::now("mallory", "mallory@example.com").unwrap();
    let commit = origin.commit(None, &by, &by, "a lease", &tree, &[]).unwrap();
    origin.reference(&claim_reference("staging", ""), commit, true, "").unwrap();
}

#[test]
fn a_remote_that_may_not_be_asked_is_no_reason_to_go_on_silently() {
    let team = Team::new(PROTECTED);
    // Who is asked for a passphrase by that, and what it runs, is nobody's business before it is trusted.
    team.maya.run("git", &["config", "core.sshCommand", "/bin/true"]).succeeded();
    let shown = team.maya.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains(UNASKED) && shown.contains("not met: lease"), "{shown}");
    let refused = team.maya.flightdeck(&DEPLOY).ended_with(3).said(UNASKED).said("core.sshcommand");
    drop(refused.said("--override lease"));
    assert!(!team.maya.directory.join("deploys").exists());
    // Where sharing is off nobody is to be asked.
    team.maya.flightdeck(&["share", "off"]);
    team.maya.run("git", &["config", "--unset", "core.sshCommand"]).succeeded();
    team.maya.flightdeck(&["share", "off"]).succeeded();
    let told = team.maya.flightdeck(&DEPLOY).succeeded();
    assert!(!told.stderr.contains("nobody else"), "{}", told.stderr);
    assert_eq!(lease(&team), None);
}

#[test]
fn an_unprotected_target_is_deployed_to_unasked_and_that_is_on_record() {
    let team = Team::new(CONFIG);
    let back = team.without_remote();
    let shown = team.maya.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("? lease") && shown.contains(UNASKED), "{shown}");
    team.maya.flightdeck(&["deploy", "staging"]).succeeded().said(UNASKED);
    let told = team.maya.json(&["status", "--json"])["timeline"].to_string();
    assert!(told.contains(UNASKED), "{told}");
    back();
}

#[test]
fn a_plan_is_taken_up_again_unasked_only_with_a_reason() {
    let team = Team::new(PROTECTED);
    std::fs::write(team.maya.directory.join("fail"), "").unwrap();
    team.maya.flightdeck(&DEPLOY).ended_with(1);
    std::fs::remove_file(team.maya.directory.join("fail")).unwrap();
    wait_until("the lease to be given back", || lease(&team).is_none().then_some(()));
    let back = team.without_remote();
    let retry = ["plan", "retry", PLAN, "--confirm", "staging"];
    team.maya.flightdeck(&retry).ended_with(3).said(UNASKED).said("--override lease");
    team.maya.flightdeck(&with(&retry, &WHY)).succeeded();
    let told = team.maya.flightdeck(&["plan", "show", PLAN]).succeeded().stdout;
    assert!(told.contains("gate lease overridden by maya: all are on the call"), "{told}");
    back();
}

#[test]
fn what_nobody_can_vouch_for_is_passed_over_with_a_reason() {
    let team = Team::new(CONFIG);
    claim_as_a_stranger(&team);
    let shown = team.maya.flightdeck(&["deploy", "staging", "--dry-run"]).succeeded().stdout;
    assert!(shown.contains("mallory holds staging") && shown.contains("not met: lease"), "{shown}");
    let refused = team.maya.flightdeck(&DEPLOY).ended_with(3).said("mallory holds staging");
    drop(refused.said("nobody here knows").said("--override lease"));
    team.maya.flightdeck(&with(&DEPLOY, &WHY)).succeeded();
    let told = team.maya.flightdeck(&["plan", "show", PLAN]).succeeded().stdout;
    assert!(told.contains("gate lease overridden by maya: all are on the call"), "{told}");
    wait_until("the lease to be given back", || lease(&team).is_none().then_some(()));
}

#[test]
fn a_plan_whose_target_was_taken_asks_before_it_changes_more() {
    let team = Team::new(CANARY);
    team.omar.flightdeck(&["share", "sync"]).succeeded();
    team.maya.flightdeck(&["share", "sync"]).succeeded();
    let mut verb = Running(team.maya.command(flightdeck(), &["deploy", "staging"]).spawn().unwrap());
    wait_state(&team.maya, PLAN, "waiting");
    claim_as_omar(&team);
    // It is noticed when the lease is renewed.
    wait_for(std::time::Duration::from_secs(90), "the loss to be noticed", || {
        let told = team.maya.json(&["status", "--json"])["timeline"].to_string();
        told.contains("took staging over while").then_some(())
    });
    team.maya.flightdeck(&["plan", "resume", PLAN, "--detach"]).succeeded();
    let shares = || std::fs::read_to_string(team.maya.directory.join("shares")).unwrap();
    wait_until("a person to be asked", || {
        let shown = team.maya.flightdeck(&["plan", "show", PLAN]).stdout;
        shown.contains("took staging over meanwhile").then_some(())
    });
    assert_eq!(shares(), "10\n");
    team.maya.flightdeck(&["plan", "resume", PLAN]).succeeded();
    assert_eq!(shares(), "10\n100\n");
    assert!(verb.wait("the verb").success());
    // What is no longer ours is not given back.
    assert!(lease(&team).unwrap().contains("omar"));
}

#[test]
fn a_second_start_on_one_machine_leaves_the_lease_of_the_first() {
    let team = Team::new(CONFIG);
    std::fs::write(team.maya.directory.join("block"), "").unwrap();
    let deploy = ["deploy", "staging", "--detach"];
    let mut all: Vec<Running> =
        (0..3).map(|_| Running(team.maya.command(flightdeck(), &deploy).spawn().unwrap())).collect();
    let codes: Vec<_> = all.iter_mut().map(|verb| verb.wait("the verb").code().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    let trace = team.maya.directory.join("deploys");
    wait_until("the deploy to run", || trace.exists().then_some(()));
    team.maya.flightdeck(&deploy).ended_with(5);
    assert!(lease(&team).is_some_and(|there| there.contains(PLAN)));
    std::fs::remove_file(team.maya.directory.join("block")).unwrap();
    wait_until("the lease to be given back", || lease(&team).is_none().then_some(()));
}

#[test]
fn sharing_is_turned_off_by_a_file_that_nobody_has_trusted() {
    let team = Team::new(CONFIG);
    let mut verb = team.deploy();
    wait_until("the lease", || lease(&team));
    let file = team.omar.directory.join("flightdeck.toml");
    let take = ["plan", "take-over", "staging", "--reason", "it is urgent", "--gone", "it is off"];
    team.omar.flightdeck(&take).ended_with(5).said("started by maya, is alive");
    std::fs::write(&file, format!("[share]\nenabled = false\n{CONFIG}")).unwrap();
    team.omar.flightdeck(&take).ended_with(2).said("nobody holds it");
    // A remote that it names is not asked before somebody trusts that.
    std::fs::write(&file, format!("[share]\nremote = \"../elsewhere\"\n{CONFIG}")).unwrap();
    team.omar.flightdeck(&take).ended_with(1).said("nobody has trusted it");
    std::fs::remove_file(team.maya.directory.join("block")).unwrap();
    verb.wait("the verb");
}
