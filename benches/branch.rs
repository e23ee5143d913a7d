//! What reading a big repository costs next to the git command, in one process that keeps it open.
//!
//! `benches/branch` makes the repositories and runs this; by itself it takes their directories:
//! `cargo bench --bench branch -- /tmp/big/commits`.

#![expect(clippy::print_stdout, reason = "what it measures is printed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flightdeck::config::types::{Flow, Hotfix};
use flightdeck::hotfix::git::Reader;
use flightdeck::hotfix::outlook::Question;
use flightdeck::hotfix::suspects::{self, Clues, Found, Live};
use flightdeck::hotfix::watch::Changed;
use flightdeck::incident::{HotfixLimit, Policy};

const BUDGET: Duration = Duration::from_secs(30);
const LIMIT: HotfixLimit = HotfixLimit { files: 5, lines: 60 };

/// What was taken in each round, in milliseconds.
#[derive(Default)]
struct Taken {
    first: Vec<f64>,
    whole: Vec<f64>,
    refresh: Vec<f64>,
    refresh_new: Vec<f64>,
    into_main: Vec<f64>,
    all: Vec<f64>,
    status: Vec<f64>,
    after_edit: Vec<f64>,
    after_new: Vec<f64>,
    merge_tree: Vec<f64>,
    wide: Vec<f64>,
    suspects: Vec<f64>,
    suspects_again: Vec<f64>,
}

fn main() {
    let mut rounds = 7;
    let mut places: Vec<PathBuf> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Given by cargo.
            "--bench" => {}
            "--rounds" => rounds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(rounds),
            place => places.push(place.into()),
        }
    }
    if places.is_empty() {
        println!("branch: no repository was named; benches/branch makes some");
    }
    for place in &places {
        measure(place, rounds);
    }
}

fn measure(place: &Path, rounds: usize) {
    let hotfix = Hotfix { flow: Flow::GitFlow, ..Hotfix::default() };
    let mut kept = open(place);
    let state = kept.read(&hotfix).unwrap_or_else(|none| panic!("{none:?}"));
    let at = |name: &str| kept.resolve(name).unwrap_or_else(|failure| panic!("{failure}"));
    let (fix, main, develop) = (at("HEAD"), at("refs/heads/main"), at("refs/heads/develop"));
    let (edited, new) = ("src/pool.rs", "src/measured.rs");
    let question = suspects_since(place, &main);
    let mut between = String::new();
    let text = std::fs::read_to_string(place.join(edited)).unwrap_or_default();
    let mut taken = Taken::default();
    // Once for the caches of the system.
    git(place, &["status", "--porcelain=v2", "--branch"]);
    git(place, &["merge-tree", "--write-tree", &main, &fix]);
    for round in 0..rounds {
        taken.status.push(git(place, &["status", "--porcelain=v2", "--branch"]));
        taken.first.push(timed(|| {
            open(place).read_first(&hotfix).ok();
        }));
        taken.whole.push(timed(|| {
            let mut reader = open(place);
            reader.read_first(&hotfix).ok();
            reader.read(&hotfix).ok();
            reader.outlook(&hotfix, &LIMIT, &Question::default(), BUDGET).ok();
        }));
        taken.merge_tree.push(git(place, &["merge-tree", "--write-tree", &main, &fix]));
        taken.into_main.push(timed(|| drop(kept.forecast(&fix, &main, &[], BUDGET))));
        taken.all.push(timed(|| drop(kept.forecast(&fix, &main, &[&develop], BUDGET))) / 2.0);
        write(place, edited, &format!("{text}// {round}\n"));
        taken.refresh.push(timed(|| {
            kept.read_after(&hotfix, Changed::Files(vec![edited.into()])).ok();
        }));
        taken.after_edit.push(git(place, &["status", "--porcelain=v2", "--branch"]));
        write(place, edited, &text);
        kept.read_after(&hotfix, Changed::Files(vec![edited.into()])).ok();
        write(place, new, "new\n");
        taken.refresh_new.push(timed(|| {
            kept.read_after(&hotfix, Changed::Files(vec![new.into()])).ok();
        }));
        taken.after_new.push(git(place, &["status", "--porcelain=v2", "--branch"]));
        std::fs::remove_file(place.join(new)).unwrap_or_else(|error| panic!("{new}: {error}"));
        kept.read_after(&hotfix, Changed::Files(vec![new.into()])).ok();
        let mut reader = open(place);
        taken.suspects.push(timed(|| between = suspects(&mut reader, &question)));
        taken.suspects_again.push(timed(|| between = suspects(&mut reader, &question)));
        taken.wide.push(timed(|| {
            open(place).read(&hotfix).ok();
        }));
    }
    let (verdict, others) = kept.forecast(&fix, &main, &[&develop], BUDGET);
    println!("\n{}: {} ahead, {} behind", place.display(), state.ahead, state.behind);
    println!("  forecast: {verdict:?} into main, {others:?} into develop");
    let row = |what: &str, ours: &[f64], theirs: &[f64], target: f64| {
        let ratio = median(&mut ours.iter().zip(theirs).map(|(a, b)| a / b).collect::<Vec<_>>());
        let (a, b) = (median(&mut ours.to_vec()), median(&mut theirs.to_vec()));
        let met = if ratio <= target { "met" } else { "MISSED" };
        println!("  {what:<44} {a:9.1} ms  git {b:9.1} ms  ratio {ratio:5.2}  wanted {target:.1}  {met}");
    };
    row("first content, against git status", &taken.first, &taken.status, 0.3);
    row("refresh after one file, against git status", &taken.refresh, &taken.after_edit, 0.5);
    row("refresh after a new file, against git status", &taken.refresh_new, &taken.after_new, 0.5);
    row("forecast into main, against git merge-tree", &taken.into_main, &taken.merge_tree, 1.0);
    row("each forecast of two, against git merge-tree", &taken.all, &taken.merge_tree, 1.0);
    let cold = median(&mut taken.suspects);
    let met = if cold <= 300.0 { "met" } else { "MISSED" };
    let again = median(&mut taken.suspects_again);
    println!("  {:<44} {cold:9.1} ms  again {again:.1} ms  wanted 300  {met}", "suspects, opened anew");
    println!("    {between}");
    println!("  {:<44} {:9.1} ms", "state whole, opened anew", median(&mut taken.wide));
    println!("  {:<44} {:9.1} ms", "all of the pane, opened anew", median(&mut taken.whole));
}

/// What is asked about the last 300 commits or so of the branch in production.
fn suspects_since(place: &Path, main: &str) -> suspects::Question {
    // Of four commits three are on the way of first parents.
    let since = Command::new("git")
        .args(["rev-parse", "--verify", "--quiet", "main~220"])
        .current_dir(place)
        .output();
    let since = since.ok().map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned());
    let deployed = Live { commit: main.to_owned(), name: "main".to_owned(), ..Live::default() };
    let policy = Policy::built_in().suspects;
    suspects::Question {
        ask: suspects::Ask {
            since: since.filter(|id| !id.is_empty()),
            deployed: Some(deployed),
            ..suspects::Ask::default()
        },
        prefix: "hotfix/".to_owned(),
        words: ["pool", "limit", "value"].map(str::to_owned).into(),
        most: policy.most,
        open_above: policy.open_above,
        ..suspects::Question::default()
    }
}

/// Finds and weighs them; says how many there were.
fn suspects(reader: &mut Reader, question: &suspects::Question) -> String {
    let changes = reader.changes(question, BUDGET).unwrap_or_else(|failure| panic!("{failure}"));
    let found = Found::of(changes, &Clues::default(), &[], &Policy::built_in());
    format!("{} commits in {} changes {:?}", found.commits, found.suspects.len(), found.remarks)
}

fn open(place: &Path) -> Reader {
    Reader::open(place).unwrap_or_else(|none| panic!("{}: {none:?}", place.display()))
}

fn write(place: &Path, path: &str, text: &str) {
    std::fs::write(place.join(path), text).unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// Milliseconds that git takes.
fn git(place: &Path, args: &[&str]) -> f64 {
    let mut command = Command::new("git");
    // As somebody would who only looks: what was found is not written back.
    command
        .args(args)
        .current_dir(place)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    timed(|| drop(command.status()))
}

fn timed(body: impl FnOnce()) -> f64 {
    let began = Instant::now();
    body();
    began.elapsed().as_secs_f64() * 1000.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
