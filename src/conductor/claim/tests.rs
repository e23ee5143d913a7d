//! Two machines with one remote, and somebody who may push there.

use std::path::PathBuf;

use git2::{Repository, Signature};

use super::*;
use crate::conductor::Unattended;
use crate::config::types::Config;
use crate::hotfix::git::Reader;
use crate::hotfix::testing::TestRepo;
use crate::incident::{Declared, Joined, PlanEnd, PlanEnded, PlanStarted};
use crate::journal::ExportFormat;

pub(super) const PLAN: &str = "deploy-staging-1";

pub(super) struct Machine {
    pub(super) journal: Journal,
    state: PathBuf,
    root: PathBuf,
}

pub(super) struct World {
    repo: TestRepo,
    origin: PathBuf,
    incident: IncidentId,
    pub(super) maya: Machine,
    pub(super) omar: Machine,
}

impl World {
    /// Maya's machine has an incident, and a plan that runs; Omar's knows of both.
    pub(super) fn new() -> Self {
        let repo = TestRepo::new();
        let origin = repo.with_origin();
        let [mut maya, mut omar] = ["maya", "omar"].map(|name| {
            let (root, state) = (repo.beside(name), repo.beside(&format!("state-{name}")));
            repo.git(&["clone", "-q", origin.to_str().unwrap(), root.to_str().unwrap()]);
            std::fs::create_dir(&state).unwrap();
            Machine { journal: Journal::open(&state, name).unwrap(), state, root }
        });
        let incident = maya.journal.declare(Timestamp::now(), None, Declared::example()).unwrap().incident;
        let started = PlanStarted {
            plan: PLAN.to_owned(),
            title: "deploy".to_owned(),
            purpose: "deploy".to_owned(),
            target: "staging".to_owned(),
            hash: String::new(),
            steps: Vec::new(),
            confirmed: String::new(),
            spec: serde_json::json!({}).into(),
        };
        maya.join(incident);
        maya.journal.append(Timestamp::now(), vec![Draft::now(incident, started)]).unwrap();
        maya.tell(&mut omar, incident);
        omar.join(incident);
        omar.tell(&mut maya, incident);
        Self { repo, origin, incident, maya, omar }
    }

    fn end(&mut self) {
        let ended = PlanEnded { plan: PLAN.to_owned(), end: PlanEnd::Done, why: String::new() };
        self.maya.journal.append(Timestamp::now(), vec![Draft::now(self.incident, ended)]).unwrap();
        self.maya.tell(&mut self.omar, self.incident);
    }

    pub(super) fn hold(&self, machine: &Machine, plan: &str) -> Hold {
        let author = machine.journal.author();
        let reader = Reader::open(&machine.root).unwrap();
        let wire = Unattended::new(&Config::default(), &reader);
        let sharing = Sharing::open(&machine.state, wire, &Config::default(), true).unwrap();
        let key = Key::open(&machine.state).unwrap();
        let new = Claim::new("staging", self.incident, plan, &author.name, author.node, &key);
        let claim = Claim { process: process::this(), ..new };
        Hold { sharing, key, claim, reference: claim_reference("staging", ""), mine: None, over: None }
    }

    /// Has somebody put a claim there that says what another one does.
    pub(super) fn put(&self, claim: &Claim, key: &Key) -> Oid {
        let origin = Repository::open_bare(&self.origin).unwrap();
        let mut tree = origin.treebuilder(None).unwrap();
        tree.insert("lease.json", origin.blob(&claim.seal(key)).unwrap(), 0o100_644).unwrap();
        let tree = origin.find_tree(tree.write().unwrap()).unwrap();
        let by = Signature::now("mallory", "mallory@example.com").unwrap();
        let commit = origin.commit(None, &by, &by, "a lease", &tree, &[]).unwrap();
        origin.reference(&claim_reference("staging", ""), commit, true, "").unwrap();
        commit
    }

    /// The same from a machine that nobody knows.
    pub(super) fn put_as_stranger(&self, of: &Hold) -> Oid {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::open(dir.path()).unwrap();
        let claim = Claim::new("staging", of.claim.incident, "deploy-staging-9", "mallory", 5, &key);
        self.put(&claim, &key)
    }

    pub(super) fn there(&self) -> Option<Oid> {
        Repository::open_bare(&self.origin).unwrap().refname_to_id(&claim_reference("staging", "")).ok()
    }

    /// Has the remote lose what a commit holds, so that nobody can fetch it.
    pub(super) fn spoil(&self, commit: Oid) {
        let origin = Repository::open_bare(&self.origin).unwrap();
        let tree = origin.find_commit(commit).unwrap().tree_id().to_string();
        let (first, rest) = tree.split_at(2);
        std::fs::remove_file(origin.path().join("objects").join(first).join(rest)).unwrap();
    }

    fn without_remote(&self) {
        std::fs::rename(&self.origin, self.repo.beside("aside.git")).unwrap();
    }
}

impl Machine {
    fn join(&mut self, incident: IncidentId) {
        let joined = Joined { key: Key::open(&self.state).unwrap().public() };
        self.journal.append(Timestamp::now(), vec![Draft::now(incident, joined)]).unwrap();
    }

    fn tell(&self, other: &mut Self, incident: IncidentId) {
        let mut said = Vec::new();
        self.journal.export(incident, ExportFormat::Jsonl, &mut said).unwrap();
        other.journal.import(&mut said.as_slice()).unwrap();
    }
}

fn doubtful(taken: Taken) -> String {
    match taken {
        Taken::Doubtful(why) => why,
        Taken::Alone => panic!("alone"),
        Taken::Yes(_) => panic!("it was taken"),
        Taken::Held(lease) => panic!("held: {lease:?}"),
        Taken::Unasked(why) => panic!("unasked: {why}"),
    }
}

#[test]
fn a_holder_that_cannot_be_asked_about_now_is_no_reason_to_go_on() {
    let mut world = World::new();
    world.hold(&world.maya, PLAN).put(None).unwrap();
    let omar = |world: &World| Box::new(world.hold(&world.omar, "deploy-staging-9f3c-1"));
    let his = omar(&world);
    assert!(matches!(seize(his, &mut world.omar.journal, "", false), Taken::Held(_)));
    world.without_remote();
    let his = omar(&world);
    assert!(matches!(his.ask(&world.omar.journal), Asked::Doubtful(..)));
    let why = doubtful(seize(his, &mut world.omar.journal, "", false));
    assert!(why.starts_with("maya held staging when the remote answered last"), "{why}");
    // Whoever passes that over says so on record, too.
    let his = omar(&world);
    let why = doubtful(seize(his, &mut world.omar.journal, "", true));
    assert!(why.contains("the lease cannot be taken"), "{why}");
}

#[test]
fn a_lease_that_cannot_be_read_is_passed_over_with_a_reason_only() {
    let mut world = World::new();
    let his = Box::new(world.hold(&world.omar, "deploy-staging-9f3c-1"));
    let odd = world.put_as_stranger(&his);
    world.spoil(odd);
    // It is not known here yet: the swap is refused, and then asked about.
    let why = doubtful(seize(his, &mut world.omar.journal, "", false));
    assert!(why.contains("the lease of staging"), "{why}");
    assert_eq!(world.there(), Some(odd));
    let his = Box::new(world.hold(&world.omar, "deploy-staging-9f3c-1"));
    assert!(matches!(seize(his, &mut world.omar.journal, "", true), Taken::Yes(_)));
    assert_ne!(world.there(), Some(odd));
}

#[test]
fn an_old_claim_of_somebody_holds_nothing_that_a_reason_cannot_free() {
    let mut world = World::new();
    let hers = world.hold(&world.maya, PLAN);
    world.put(&hers.claim, &hers.key);
    let omar = |world: &World| Box::new(world.hold(&world.omar, "deploy-staging-9f3c-1"));
    let his = omar(&world);
    assert!(matches!(seize(his, &mut world.omar.journal, "", true), Taken::Held(_)));
    // Her plan in the name of another machine.
    let his = omar(&world);
    let forged = Claim { node: his.claim.node.clone(), key: his.claim.key.clone(), ..hers.claim.clone() };
    world.put(&forged, &his.key);
    his.sharing.git().hear_claim(&his.reference, PATIENCE).unwrap();
    let why = hers.sharing.git().hear_claim(&hers.reference, PATIENCE).unwrap();
    assert_eq!(why, Heard::Known);
    let there = hers.there(&world.maya.journal).unwrap().unwrap();
    let why = hers.doubt(&world.maya.journal, &there).unwrap();
    assert!(why.contains("was started on another machine"), "{why}");
    world.end();
    world.put(&hers.claim, &hers.key);
    let his = omar(&world);
    let why = doubtful(seize(his, &mut world.omar.journal, "", false));
    assert!(why.contains("is over by the record"), "{why}");
    let his = omar(&world);
    assert!(matches!(seize(his, &mut world.omar.journal, "", true), Taken::Yes(_)));
}

#[test]
fn what_a_machine_held_for_a_plan_that_is_over_it_takes_again_at_once() {
    let mut world = World::new();
    world.hold(&world.maya, PLAN).put(None).unwrap();
    let next = Box::new(world.hold(&world.maya, "deploy-staging-2"));
    assert!(matches!(seize(next, &mut world.maya.journal, "", false), Taken::Held(_)));
    world.end();
    let next = Box::new(world.hold(&world.maya, "deploy-staging-2"));
    assert!(matches!(seize(next, &mut world.maya.journal, "", false), Taken::Yes(_)));
}

#[test]
fn a_claim_in_the_name_of_another_person_is_doubted() {
    let mut world = World::new();
    let his = world.hold(&world.omar, "deploy-staging-9f3c-1");
    let node = world.omar.journal.author().node;
    let records =
        world.omar.journal.written_here(world.incident, crate::journal::Seq::default()).unwrap().records;
    let count = records.len() as u64;
    // His machine signed what it wrote, so it is known whose it is.
    world.maya.journal.receive(Timestamp::now(), world.incident, node, (&records, count)).unwrap();
    world.put(&Claim { person: "maya".to_owned(), ..his.claim.clone() }, &his.key);
    let hers = world.hold(&world.maya, PLAN);
    assert_eq!(hers.sharing.git().hear_claim(&hers.reference, PATIENCE), Ok(Heard::Known));
    let there = hers.there(&world.maya.journal).unwrap().unwrap();
    let why = hers.doubt(&world.maya.journal, &there).unwrap();
    assert!(why.contains("that machine is omar's"), "{why}");
    // In his own name it is nobody's to doubt.
    world.put(&his.claim, &his.key);
    assert_eq!(hers.sharing.git().hear_claim(&hers.reference, PATIENCE), Ok(Heard::Known));
    let there = hers.there(&world.maya.journal).unwrap().unwrap();
    assert_eq!(hers.doubt(&world.maya.journal, &there), None);
}
