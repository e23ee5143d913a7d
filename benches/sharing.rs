//! What sharing over a git remote costs, with a bare repository on this machine as the remote: joining a long incident,
//! one note from one machine to the other, and a round in which nothing is new.
//!
//! `cargo bench --bench sharing`

use std::path::{Path, PathBuf};
use std::process::Command;

use divan::Bencher;
use flightdeck::conductor::Unattended;
use flightdeck::config::types::Config;
use flightdeck::hotfix::git::Reader;
use flightdeck::incident::{Declared, Draft, IncidentId, NoteKind, Noted, RepositoryId, Severity};
use flightdeck::journal::{Journal, Summary};
use flightdeck::share::{Round, Sharing};
use jiff::Timestamp;
use tempfile::TempDir;

const RECORDS: usize = 10_000;

fn main() {
    divan::main();
}

/// A clone with a journal of its own.
struct Machine {
    journal: Journal,
    sharing: Sharing,
}

impl Machine {
    fn in_clone(root: &Path, state: &Path, user: &str) -> Self {
        std::fs::create_dir_all(state).expect("there is room");
        let reader = Reader::open(root).expect("it is a repository");
        let config = Config::default();
        let wire = Unattended::new(&config, &reader);
        let sharing = Sharing::open(state, wire, &config, true).expect("it has a remote");
        Self { journal: Journal::open(state, user).expect("the directory is new"), sharing }
    }

    fn round(&mut self) -> Round {
        let all: Vec<Summary> = self.journal.incidents(None).expect("it is sound");
        let round = self.sharing.round(&mut self.journal, Timestamp::now(), &all).expect("it is sound");
        assert_eq!(round.trouble, None);
        round
    }

    fn join(&mut self, incident: IncidentId) {
        self.sharing.fetch().expect("the remote answers");
        let mut round = Round::default();
        self.sharing.take_in(&mut self.journal, Timestamp::now(), incident, &mut round).expect("it is sound");
        self.round();
    }
}

/// A remote with two clones, and an incident of so many records that one of them shares.
struct World {
    directory: TempDir,
    here: Machine,
    incident: IncidentId,
}

impl World {
    fn with(records: usize) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room");
        let path = |name: &str| directory.path().join(name);
        git(&["init", "--quiet", "--bare", &path("origin.git").to_string_lossy()]);
        git(&["init", "--quiet", &path("here").to_string_lossy()]);
        let here = path("here").to_string_lossy().into_owned();
        let origin = path("origin.git").to_string_lossy().into_owned();
        git(&["-C", &here, "remote", "add", "origin", &origin]);
        let mut here = Machine::in_clone(&path("here"), &path("state-here"), "maya");
        let declared = Declared {
            number: String::new(),
            title: "Checkout answers 500".to_owned(),
            severity: Severity::P0,
            service: "payments-api".to_owned(),
            impact: String::new(),
            repository: path("here/.git").to_string_lossy().into_owned(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let incident = here.journal.declare(Timestamp::now(), None, declared).expect("it is new").incident;
        for batch in 0..records / 1000 {
            let notes = (0..1000).map(|n| note(incident, batch * 1000 + n)).collect();
            here.journal.append(Timestamp::now(), notes).expect("there is room");
        }
        here.round();
        Self { directory, here, incident }
    }

    /// Another machine that has not joined yet.
    fn another(&self, name: &str) -> Machine {
        let path = |name: &str| -> PathBuf { self.directory.path().join(name) };
        let origin = path("origin.git").to_string_lossy().into_owned();
        git(&["clone", "--quiet", &origin, &path(name).to_string_lossy()]);
        Machine::in_clone(&path(name), &path(&format!("state-{name}")), name)
    }
}

fn git(arguments: &[&str]) {
    let done = Command::new("git").args(arguments).output().expect("git is installed");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn note(incident: IncidentId, n: usize) -> Draft {
    let text = format!("connection pool at {n} of 100, {} requests waiting, none answered", n * 7 % 1000);
    Draft::now(incident, Noted { kind: NoteKind::Finding, text })
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn joining_ten_thousand_records(bencher: Bencher<'_, '_>) {
    let world = World::with(RECORDS);
    let mut n = 0;
    bencher
        .with_inputs(|| {
            n += 1;
            world.another(&format!("omar-{n}"))
        })
        .bench_local_values(|mut there| {
            there.join(world.incident);
            there
        });
}

/// Written here, sent, fetched and taken in there: what is left of six seconds is waiting for the next round.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn one_note_to_another_machine(bencher: Bencher<'_, '_>) {
    let mut world = World::with(RECORDS);
    let mut there = world.another("omar");
    there.join(world.incident);
    let mut n = RECORDS;
    bencher.bench_local(|| {
        n += 1;
        world.here.journal.append(Timestamp::now(), vec![note(world.incident, n)]).expect("there is room");
        world.here.round();
        assert!(there.round().added > 0);
    });
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn a_round_with_nothing_new(bencher: Bencher<'_, '_>) {
    let mut world = World::with(RECORDS);
    bencher.bench_local(|| world.here.round());
}
