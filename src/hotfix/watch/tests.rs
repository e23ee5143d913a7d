use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::hotfix::git::Reader;
use crate::hotfix::testing::TestRepo;

const DEADLINE: Duration = Duration::from_secs(20);
/// Tells of changes quickly and never looks by itself.
const EAGER: Timing = Timing {
    quiet: Duration::from_millis(20),
    longest: Duration::from_millis(200),
    poll: Duration::from_secs(3600),
    poll_blind: Duration::from_secs(3600),
    max_directories: 100,
};

fn places(repo: &TestRepo) -> Places {
    Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}")).places()
}

/// A watch whose first call, that it stands, was waited for.
fn watched(places: &Places, timing: Timing) -> (Watch, Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let watch = repository(places, timing, move |_| tell.send(()).unwrap_or_default());
    told.recv_timeout(DEADLINE).expect("the watch stands");
    (watch, told)
}

#[test]
fn edits_commits_and_new_directories_are_noticed() {
    let repo = TestRepo::new();
    let (_watch, told) = watched(&places(&repo), EAGER);
    repo.write("src/pool.rs", "changed\n");
    told.recv_timeout(DEADLINE).expect("an edit in a folder");
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    told.recv_timeout(DEADLINE).expect("a switch of branches");
    std::fs::create_dir_all(repo.root().join("new/deep")).unwrap();
    told.recv_timeout(DEADLINE).expect("a new folder");
    while told.recv_timeout(EAGER.longest * 2).is_ok() {}
    repo.write("new/deep/file", "x\n");
    told.recv_timeout(DEADLINE).expect("a file in the new folder");
}

#[test]
fn a_branch_moved_from_another_work_tree_is_noticed() {
    let repo = TestRepo::new();
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "-b", "hotfix/x", linked.to_str().unwrap()]);
    let there = Reader::open(&linked).unwrap_or_else(|none| panic!("{none:?}")).places();
    let (_watch, told) = watched(&there, EAGER);
    repo.git(&["branch", "other"]);
    told.recv_timeout(DEADLINE).expect("a branch made in the main work tree");
    while told.recv_timeout(EAGER.longest * 2).is_ok() {}
    repo.git_at(&linked, &["commit", "-q", "--allow-empty", "-m", "fix"]);
    told.recv_timeout(DEADLINE).expect("a commit in the linked one");
}

#[test]
fn a_storm_of_changes_is_told_while_it_lasts() {
    let repo = TestRepo::new();
    let timing = Timing { quiet: Duration::from_secs(3600), longest: Duration::from_millis(50), ..EAGER };
    let (_watch, told) = watched(&places(&repo), timing);
    let stop = Arc::new(AtomicBool::new(false));
    let storm = std::thread::spawn({
        let (stop, file) = (stop.clone(), repo.root().join("storm"));
        move || {
            while !stop.load(Ordering::Relaxed) {
                std::fs::write(&file, "x").unwrap();
                std::thread::yield_now();
            }
        }
    });
    let twice = [told.recv_timeout(DEADLINE), told.recv_timeout(DEADLINE)];
    stop.store(true, Ordering::Relaxed);
    storm.join().unwrap();
    assert_eq!(twice, [Ok(()), Ok(())]);
}

#[test]
fn a_tree_too_large_to_watch_is_looked_at_now_and_then() {
    let repo = TestRepo::new();
    let timing = Timing { max_directories: 1, poll_blind: Duration::from_millis(20), ..EAGER };
    let (_watch, told) = watched(&places(&repo), timing);
    for _ in 0..3 {
        told.recv_timeout(DEADLINE).expect("the poll");
    }
}

#[test]
fn a_watch_that_is_dropped_ends() {
    let repo = TestRepo::new();
    let (watch, told) = watched(&places(&repo), EAGER);
    drop(watch);
    assert_eq!(told.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn reading_the_repository_wakes_nobody() {
    let repo = TestRepo::new();
    repo.write("src/pool.rs", "changed, so that reading has to look into it\n");
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let (events, received) = mpsc::channel();
    let _source = Source::new(Filter::Repository { places: places(&repo) }, EAGER, events);
    for _ in 0..20 {
        reader.read(&crate::config::types::Hotfix::default()).unwrap();
    }
    // Events come in order: were reading one, it would stand before this change.
    repo.write("sentinel", "x\n");
    match received.recv_timeout(DEADLINE) {
        Ok(Message::Happened(event)) => assert_eq!(event.paths, [repo.root().join("sentinel")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_followed_though_it_comes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, told) = mpsc::channel();
    let _watch = files(dir.path(), &["journal.db-wal"], EAGER, move || {
        tell.send(()).unwrap_or_default();
    });
    told.recv_timeout(DEADLINE).expect("the watch stands");
    let wal = dir.path().join("journal.db-wal");
    for _ in 0..2 {
        std::fs::write(&wal, "x").unwrap();
        told.recv_timeout(DEADLINE).expect("written");
        while told.recv_timeout(EAGER.longest * 2).is_ok() {}
        std::fs::remove_file(&wal).unwrap();
        told.recv_timeout(DEADLINE).expect("removed");
        while told.recv_timeout(EAGER.longest * 2).is_ok() {}
    }
}

#[test]
fn what_says_nothing_about_the_branch_is_left_out() {
    let filter = Filter::Repository {
        places: Places {
            root: "/r".into(),
            git_dir: "/r/.git/worktrees/w".into(),
            common_dir: "/r/.git".into(),
        },
    };
    let wants = |path: &str| filter.wants(Path::new(path), |inside| inside.starts_with("target"));
    for path in [
        "/r/src/main.rs",
        "/r/Cargo.lock",
        "/r/.git/packed-refs",
        "/r/.git/config",
        "/r/.git/refs/heads/main",
        "/r/.git/worktrees/w/HEAD",
        "/r/.git/worktrees/w/index",
        "/r/.git/worktrees/w/MERGE_HEAD",
    ] {
        assert!(wants(path), "{path}");
    }
    for path in [
        "/r/target/debug/x",
        "/r/.git/objects/ab/cdef",
        "/r/.git/logs/HEAD",
        "/r/.git/index.lock",
        "/r/.git/refs/heads/main.lock",
        "/r/.git/worktrees/other/HEAD",
        "/r/.git/worktrees/w/index.lock",
        "/r/.git/worktrees/w/COMMIT_EDITMSG",
        "/elsewhere/file",
    ] {
        assert!(!wants(path), "{path}");
    }
    let journal = Filter::Files { directory: "/s".into(), names: vec!["journal.db-wal".into()] };
    assert!(journal.wants(Path::new("/s/journal.db-wal"), |_| false));
    assert!(!journal.wants(Path::new("/s/journal.db-shm"), |_| false));
    assert!(!journal.wants(Path::new("/s/logs/journal.db-wal"), |_| false));
}

#[test]
fn ignored_directories_are_not_watched() {
    let repo = TestRepo::new();
    repo.write(".gitignore", "target/\n");
    repo.write("target/debug/x", "x\n");
    repo.write("src/deep/y", "y\n");
    let (events, _received) = mpsc::channel();
    let source = Source::new(Filter::Repository { places: places(&repo) }, EAGER, events);
    if EACH_DIRECTORY {
        let mut seen: Vec<_> = source
            .directories
            .iter()
            .map(|path| path.strip_prefix(repo.root()).unwrap().to_string_lossy().into_owned())
            .collect();
        seen.sort();
        assert_eq!(seen, ["", "src", "src/deep"]);
    }
    assert!(source.sees_all);
    assert!(source.is_ignored(Path::new("target/debug/x")));
}
