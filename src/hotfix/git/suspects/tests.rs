//! Real repositories.

use std::collections::BTreeSet;

use super::*;
use crate::hotfix::back::NoRevert;
use crate::hotfix::suspects::{Ask, LineKind};
use crate::hotfix::testing::TestRepo;

const PATIENCE: Duration = Duration::from_secs(30);

fn question(ask: Ask) -> Question {
    Question {
        ask,
        base: String::new(),
        remote: String::new(),
        prefix: "hotfix/".into(),
        words: BTreeSet::from(["pool".to_owned(), "timeout".to_owned()]),
        most: 300,
        open_above: 12,
    }
}

fn look(repo: &TestRepo, ask: Ask) -> Changes {
    Reader::open(repo.root()).unwrap().changes(&question(ask), PATIENCE).unwrap()
}

fn live(commit: &str, name: &str) -> Live {
    Live { commit: commit.into(), name: name.into(), at: jiff::Timestamp::UNIX_EPOCH }
}

fn subjects(changes: &Changes) -> Vec<&str> {
    changes.changes.iter().map(|change| change.commit.subject.as_str()).collect()
}

/// A branch with so many commits, merged.
fn merge(repo: &TestRepo, name: &str, commits: usize) {
    repo.git(&["switch", "-q", "-c", name]);
    for number in 0..commits {
        repo.write(&format!("src/{name}-{number}.rs"), "fn x() {}\n");
        repo.commit(&format!("{name} {number}"));
    }
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "-m", &format!("merge {name}"), name]);
}

#[test]
fn a_merge_with_what_it_brought_is_one_change_until_it_is_too_large() {
    let repo = TestRepo::new();
    let good = repo.git(&["rev-parse", "HEAD"]);
    merge(&repo, "small", 2);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\nlet poolTimeouts = 1;\n");
    repo.commit("lower the limit");
    merge(&repo, "large", 13);
    let head = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["tag", "v1.2.3"]);

    let ask = Ask {
        good: Some(live(&good, "v1.2.2")),
        deployed: Some(live(&head, "v1.2.3")),
        releases: vec![live(&head, "v1.2.3")],
        ..Ask::default()
    };
    let found = look(&repo, ask);
    assert_eq!((found.commits, found.changes.len()), (18, 15), "{:?}", subjects(&found));
    assert!(found.remarks.is_empty(), "{:?}", found.remarks);
    assert_eq!(found.from.as_ref().unwrap().name, "v1.2.2");
    let of = |subject: &str| found.changes.iter().find(|change| change.commit.subject == subject);
    let small = of("merge small").unwrap();
    assert_eq!((small.is_merge(), small.brought_count, small.files_count), (true, 2, 2));
    assert_eq!(small.brought[0].subject, "small 1", "newest first");
    assert!(of("merge large").is_none() && of("small 1").is_none());
    let opened = of("large 3").unwrap();
    assert_eq!(opened.through.as_ref().unwrap().subject, "merge large");
    let limit = of("lower the limit").unwrap();
    assert_eq!(limit.files[0].words, ["pool", "timeout"], "in names of any style");
    assert_eq!((limit.insertions, limit.deletions), (2, 1));
    assert!(found.changes.iter().all(|change| change.live.as_ref().unwrap().name == "v1.2.3"));
}

#[test]
fn what_is_not_known_is_found_out_and_said() {
    let repo = TestRepo::new();
    repo.write("a", "1\n");
    repo.commit("after the tag");
    repo.git(&["tag", "v1.2.3"]);
    let found = look(&repo, Ask::default());
    assert_eq!(subjects(&found), ["after the tag"]);
    assert_eq!(found.from.as_ref().unwrap().name, "v1.2.2", "the tag before, not the one on it");
    assert!(found.from.unwrap().why.contains("no good release is known"));
    assert_eq!((found.to.name.as_str(), found.to.why.as_str()), ("main", "as no release is known"));
    assert_eq!(found.changes[0].tags, ["v1.2.3"]);

    let missing = Ask { deployed: Some(live(&"7".repeat(40), "v9")), ..Ask::default() };
    let found = look(&repo, missing);
    assert!(
        found.remarks[0].contains("v9 was deployed, and is not in this repository"),
        "{:?}",
        found.remarks
    );
    let empty = TestRepo::empty();
    assert!(look(&empty, Ask::default()).changes.is_empty());

    let since = |name: &str| Ask { since: Some(name.into()), ..Ask::default() };
    assert_eq!(subjects(&look(&repo, since("v1.2.2"))), ["after the tag"]);
    let mut reader = Reader::open(repo.root()).unwrap();
    for wrong in ["nothing", "--output=x"] {
        let failure = reader.changes(&question(since(wrong)), PATIENCE).unwrap_err();
        assert_eq!(failure.kind, crate::failure::FailureKind::Usage);
    }
}

#[test]
fn a_cut_off_history_is_said() {
    let repo = TestRepo::new();
    for number in 0..4 {
        repo.write("a", &number.to_string());
        repo.commit(&format!("change {number}"));
    }
    let clone = repo.beside("clone");
    let url = format!("file://{}", repo.root().display());
    repo.git(&["clone", "-q", "--depth", "2", "--no-tags", &url, clone.to_str().unwrap()]);
    let found = Reader::open(&clone).unwrap().changes(&question(Ask::default()), PATIENCE).unwrap();
    assert_eq!(subjects(&found), ["change 3", "change 2"]);
    assert!(
        found.remarks.iter().any(|remark| remark.contains("git fetch --unshallow")),
        "{:?}",
        found.remarks
    );
}

#[test]
fn without_time_it_is_said_what_was_not_looked_into_and_the_rest_is_kept() {
    let repo = TestRepo::new();
    repo.write("src/pool.rs", "pool\n");
    repo.commit("a change");
    let mut reader = Reader::open(repo.root()).unwrap();
    let found = reader.changes(&question(Ask::default()), Duration::ZERO).unwrap();
    assert_eq!(subjects(&found), ["a change"]);
    assert!(found.remarks[0].contains("no time to look into 1"), "{:?}", found.remarks);
    let found = reader.changes(&question(Ask::default()), PATIENCE).unwrap();
    assert_eq!(found.changes[0].files_count, 1);
    // What was looked at once needs no time.
    let found = reader.changes(&question(Ask::default()), Duration::ZERO).unwrap();
    assert_eq!((found.changes[0].files_count, found.remarks.len()), (1, 0));
}

#[test]
fn a_change_is_read_as_text_and_nothing_in_it_reaches_the_terminal_as_it_is() {
    let repo = TestRepo::new();
    // What a hostile repository would have run.
    let trap = repo.beside("trap");
    let touch = format!("touch {}", trap.display());
    repo.git(&["config", "diff.external", &touch]);
    repo.git(&["config", "diff.evil.textconv", &touch]);
    repo.write(".gitattributes", "*.rs diff=evil\n");
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n\u{1b}]52;c;x\u{7}\n");
    let id = repo.commit("lower \u{202e}the limit\n\nbody");
    let text = Reader::open(repo.root()).unwrap().change_text(&id).unwrap();
    let of = |kind| {
        let lines = text.lines.iter().filter(move |line| line.kind == kind);
        lines.map(|line| line.text.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        of(LineKind::Added),
        ["+*.rs diff=evil", "+pub const LIMIT: u32 = 10;", "+<U+001B>]52;c;x<U+0007>"]
    );
    assert_eq!(of(LineKind::Removed), ["-pub const LIMIT: u32 = 100;"]);
    assert!(of(LineKind::Place)[1].starts_with("@@ -1"));
    assert!(of(LineKind::File).iter().any(|line| line.contains("b/src/pool.rs")));
    assert!(of(LineKind::Message).contains(&"    lower <U+202E>the limit"), "{text:?}");
    assert!(text.cut.is_none() && !trap.exists());
    Reader::open(repo.root()).unwrap().changes(&question(Ask::default()), PATIENCE).unwrap();
    assert!(!trap.exists());
}

#[test]
fn a_huge_change_is_cut_off_and_said() {
    let repo = TestRepo::new();
    repo.write("big.txt", &"pool line\n".repeat(25_000));
    let id = repo.commit("a lot");
    let reader = Reader::open(repo.root()).unwrap();
    let text = reader.change_text(&id).unwrap();
    assert!(text.cut.as_ref().unwrap().contains("cut off after 20000 lines"), "{:?}", text.cut);
    let found = look(&repo, Ask::default());
    assert!(found.changes[0].cut.is_some() && found.changes[0].insertions == 25_000);
}

#[test]
fn the_files_of_the_hotfix_are_found() {
    let repo = TestRepo::new();
    repo.write("a", "1\n");
    repo.commit("a change");
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("src/pool.rs", "fixed\n");
    repo.commit("fix");
    assert_eq!(look(&repo, Ask::default()).hotfix, ["src/pool.rs"]);
    assert_eq!(subjects(&look(&repo, Ask::default())), ["a change"], "the fix is no suspect");
}

#[test]
fn taking_one_change_back_is_tried_beforehand() {
    let repo = TestRepo::new();
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 10;\n");
    let low = repo.commit("lower the limit");
    merge(&repo, "feature", 2);
    let merged = repo.git(&["rev-parse", "HEAD"]);
    repo.with_origin();
    let (reader, usual) = (Reader::open(repo.root()).unwrap(), crate::config::types::Hotfix::default());
    let revert = reader.look_at_revert(&merged, &usual, PATIENCE).unwrap();
    assert_eq!((revert.runs.len(), revert.runs[0].mainline, revert.ahead), (1, Some(1), 0));
    let revert = reader.look_at_revert(&low, &usual, PATIENCE).unwrap();
    assert_eq!((revert.runs[0].mainline, revert.ahead), (None, 2));
    assert!(revert.conflicts.is_empty() && revert.scratch.contains("flightdeck/revert-"));

    repo.write("src/pool.rs", "pub const LIMIT: u32 = 12;\n");
    let unpushed = repo.commit("raise it");
    let why = reader.look_at_revert(&unpushed, &usual, PATIENCE).unwrap_err();
    assert!(matches!(why, NoRevert::No(why) if why.contains("not on main as origin has it")));
    repo.git(&["push", "-q", "origin", "main"]);
    let revert = reader.look_at_revert(&low, &usual, PATIENCE).unwrap();
    assert_eq!(revert.conflicts, ["src/pool.rs"]);

    let halves = reader.halves(&low, &unpushed).unwrap();
    assert_eq!(halves.commits, 4);
    assert!(reader.halves(&unpushed, &low).unwrap_err().contains("not in the history"));
    assert!(reader.halves(&low, &low).unwrap_err().contains("the same"));
}
