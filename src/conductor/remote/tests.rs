use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::config::types::Config;
use crate::hotfix::testing::TestRepo;
use crate::incident::{History, Policy};

fn asked(repo: &TestRepo, fresh: Fresh, policy: &Policy) -> Remote {
    let (config, history) = (Config::default(), History::default());
    let root = repo.root();
    let now = Timestamp::now();
    let state_dir = &repo.beside("state");
    let ground = Ground { root, state_dir, config: &config, policy, history: &history, now, fresh };
    up_to_date(&ground, &Reader::open(root).unwrap(), Some("main"), |name| name == "main")
}

fn builtin() -> Policy {
    Policy::built_in()
}

/// Somebody else pushes to `main`; returns the commit.
fn somebody_pushes(repo: &TestRepo, origin: &Path) -> String {
    let clone = repo.beside("colleague");
    repo.git(&["clone", "-q", origin.to_str().unwrap(), clone.to_str().unwrap()]);
    repo.git_at(&clone, &["commit", "-q", "--allow-empty", "-m", "from elsewhere"]);
    repo.git_at(&clone, &["tag", "-a", "-m", "next", "v1.2.3"]);
    repo.git_at(&clone, &["push", "-q", "origin", "main", "v1.2.3"]);
    repo.git_at(&clone, &["rev-parse", "HEAD"])
}

#[test]
fn the_remote_is_asked_and_nothing_changes_here() {
    let repo = TestRepo::new();
    let origin = repo.with_origin();
    let theirs = somebody_pushes(&repo, &origin);
    let before = repo.git(&["for-each-ref"]);
    let remote = asked(&repo, Fresh::Ask, &builtin());
    let known = remote.known().unwrap();
    assert_eq!(known.by, Source::Asked);
    assert_eq!(known.refs.branch("main"), Some(theirs.as_str()));
    let tag = known.refs.tag("v1.2.3").unwrap();
    assert!(tag.commit == theirs && tag.object != theirs);
    assert_eq!(repo.git(&["for-each-ref"]), before);
    assert!(!repo.root().join(".git/FETCH_HEAD").exists());
}

#[test]
fn what_is_new_there_is_fetched_where_that_is_wanted_and_nothing_is_taken_away() {
    let repo = TestRepo::new();
    let origin = repo.with_origin();
    repo.git(&["push", "-q", "origin", "main:gone"]);
    repo.git(&["config", "fetch.prune", "true"]);
    repo.git_at(&origin, &["branch", "-D", "gone"]);
    repo.git(&["tag", "-f", "v1.2.3"]);
    let mine = repo.git(&["rev-parse", "v1.2.3"]);
    let theirs = somebody_pushes(&repo, &origin);
    let remote = asked(&repo, Fresh::Fetch, &builtin());
    assert_eq!(remote.known().unwrap().refs.branch("main"), Some(theirs.as_str()));
    assert_eq!(repo.git(&["rev-parse", "origin/main"]), theirs);
    assert_eq!(repo.git(&["rev-parse", "v1.2.3"]), mine, "no tag is replaced");
    assert!(!repo.git(&["for-each-ref", "refs/remotes/origin/gone"]).is_empty(), "nothing is pruned");
}

#[test]
fn a_branch_that_is_not_fetched_by_itself_is_fetched_all_the_same() {
    let repo = TestRepo::new();
    let origin = repo.with_origin();
    repo.git(&["config", "remote.origin.fetch", "+refs/heads/other:refs/remotes/origin/other"]);
    repo.git(&["push", "-q", "origin", "main:other"]);
    let theirs = somebody_pushes(&repo, &origin);
    assert!(asked(&repo, Fresh::Fetch, &builtin()).known().is_some());
    assert!(Reader::open(repo.root()).unwrap().has_commit(&theirs));
}

#[test]
fn where_it_cannot_be_asked_a_fetch_counts_for_a_while_if_it_was_of_the_base() {
    let repo = TestRepo::new();
    let origin = repo.with_origin();
    repo.git(&["fetch", "-q", "origin"]);
    std::fs::rename(&origin, repo.beside("moved.git")).unwrap();
    let remote = asked(&repo, Fresh::Fetch, &builtin());
    let known = remote.known().unwrap();
    assert!(matches!(&known.by, Source::Fetched { why, .. } if why.contains("does not appear")), "{known:?}");
    assert_eq!(known.refs.branch("main"), Some(repo.git(&["rev-parse", "main"]).as_str()));
    assert!(known.refs.tag("v1.2.2").is_some());
    let mut strict = builtin();
    strict.fetch_valid_for = SignedDuration::from_millis(-1);
    let silent = asked(&repo, Fresh::Fetch, &strict);
    assert!(matches!(&silent, Remote::Silent { fetched_at: Some(_), .. }), "{silent:?}");
    // Another branch was fetched since: that says nothing about the base.
    std::fs::rename(repo.beside("moved.git"), &origin).unwrap();
    repo.git(&["push", "-q", "origin", "main:other"]);
    repo.git(&["fetch", "-q", "origin", "other"]);
    std::fs::rename(&origin, repo.beside("moved.git")).unwrap();
    let silent = asked(&repo, Fresh::Fetch, &builtin());
    assert!(matches!(&silent, Remote::Silent { fetched_at: None, .. }), "{silent:?}");
}

#[test]
fn no_remote_is_said_so_and_no_password_is_told() {
    let repo = TestRepo::new();
    assert_eq!(asked(&repo, Fresh::Ask, &builtin()), Remote::None);
    repo.git(&["remote", "add", "origin", "https://maya:hunter2222@127.0.0.1:1/x.git"]);
    let Remote::Silent { why, .. } = asked(&repo, Fresh::Ask, &builtin()) else { panic!("it answered") };
    assert!(!why.contains("hunter2222") && !why.is_empty(), "{why}");
}
