use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::hotfix::testing::TestRepo;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A history of so many commits with merges, octopuses and several roots, and clocks that go wrong.
fn tangle(repo: &Repository, count: usize, dice: &mut Dice) -> Vec<Oid> {
    let tree = repo.treebuilder(None).unwrap().write().unwrap();
    let tree = repo.find_tree(tree).unwrap();
    let mut ids: Vec<Oid> = Vec::new();
    for n in 0..count {
        let wanted = if n == 0 || dice.roll(25) == 0 { 0 } else { [1, 1, 1, 1, 2, 2, 4][dice.roll(7)] };
        let mut parents = BTreeSet::new();
        for _ in 0..wanted {
            parents.insert(ids[ids.len() - 1 - dice.roll(ids.len().min(9))]);
        }
        let skew = if dice.roll(10) == 0 { dice.roll(4000) as i64 } else { 0 };
        let time = git2::Time::new(1_790_000_000 + 60 * n as i64 - skew, 0);
        let who = git2::Signature::new("Li", "li@example.test", &time).unwrap();
        let parents: Vec<_> = parents.iter().map(|id| repo.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        ids.push(repo.commit(None, &who, &who, &format!("commit {n}"), &tree, &parents).unwrap());
    }
    ids
}

/// Everything that is reached from a commit.
fn reached(repo: &Repository, from: Oid) -> BTreeSet<Oid> {
    let mut walk = repo.revwalk().unwrap();
    walk.push(from).unwrap();
    walk.map(Result::unwrap).collect()
}

fn check(repo: &Repository, history: &mut History, one: Oid, two: Oid) {
    let (a, b) = (reached(repo, one), reached(repo, two));
    let found = history.compare(repo, &[one], &[two], soon()).unwrap();
    let ahead: BTreeSet<Oid> = found.ahead.iter().copied().collect();
    assert_eq!(ahead, a.difference(&b).copied().collect(), "{one}...{two}");
    assert_eq!(found.ahead.len(), ahead.len());
    assert_eq!(found.behind, b.difference(&a).count(), "{one}...{two}");
    assert_eq!(found.is_contained(), b.contains(&one));
    let bases: BTreeSet<Oid> = found.bases.into_iter().collect();
    let common: Vec<Oid> = a.intersection(&b).copied().collect();
    let best = common
        .iter()
        .filter(|id| !common.iter().any(|other| other != *id && reached(repo, *other).contains(id)));
    assert_eq!(bases, best.copied().collect(), "{one}...{two}");
    for (at, id) in found.ahead.iter().enumerate() {
        for parent in repo.find_commit(*id).unwrap().parent_ids() {
            let place = found.ahead.iter().position(|other| *other == parent);
            assert!(place.is_none_or(|place| place > at), "a parent comes after its child");
        }
    }
}

#[test]
fn tangled_histories_compare_as_sets_do_with_and_without_a_commit_graph() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let mut dice = Dice(7);
    let ids = tangle(&repo, 120, &mut dice);
    for (n, id) in ids.iter().enumerate() {
        repo.reference(&format!("refs/heads/b{n}"), *id, true, "").unwrap();
    }
    let mut history = History::default();
    for _ in 0..60 {
        check(&repo, &mut history, ids[dice.roll(ids.len())], ids[dice.roll(ids.len())]);
    }
    place.git(&["commit-graph", "write", "--reachable"]);
    let mut fresh = History::default();
    for _ in 0..60 {
        let (one, two) = (ids[dice.roll(ids.len())], ids[dice.roll(ids.len())]);
        check(&repo, &mut history, one, two);
        check(&repo, &mut fresh, one, two);
    }
    assert_eq!(fresh.graph.len(), 120, "it was read");

    // Half of the history in files that build on each other, and half in none.
    let more = tangle_on(&repo, &ids, &mut dice);
    std::fs::remove_file(place.root().join(".git/objects/info/commit-graph")).unwrap();
    repo.reference("refs/heads/more", more[0], true, "").unwrap();
    place.git(&["commit-graph", "write", "--reachable", "--split=no-merge"]);
    repo.reference("refs/heads/more", more[20], true, "").unwrap();
    place.git(&["commit-graph", "write", "--reachable", "--split=no-merge"]);
    let all: Vec<Oid> = ids.iter().chain(&more).copied().collect();
    for _ in 0..60 {
        check(&repo, &mut history, all[dice.roll(all.len())], all[dice.roll(all.len())]);
    }
    assert_eq!(history.graph.len(), 141, "both files were read");
}

/// A straight line of so many commits.
fn line_on(repo: &Repository, from: Oid, count: i64) -> Vec<Oid> {
    let mut last = repo.find_commit(from).unwrap();
    let tree = last.tree().unwrap();
    let mut ids = Vec::new();
    for n in 0..count {
        let who =
            git2::Signature::new("Li", "li@example.test", &git2::Time::new(1_790_100_000 + n, 0)).unwrap();
        ids.push(repo.commit(None, &who, &who, "more", &tree, &[&last]).unwrap());
        last = repo.find_commit(ids[ids.len() - 1]).unwrap();
    }
    ids
}

fn tangle_on(repo: &Repository, ids: &[Oid], dice: &mut Dice) -> Vec<Oid> {
    let tree = repo.find_commit(ids[0]).unwrap().tree().unwrap();
    let mut all = ids.to_vec();
    for n in 0..40 {
        let time = git2::Time::new(1_790_100_000 + 60 * n, 0);
        let who = git2::Signature::new("Li", "li@example.test", &time).unwrap();
        let last = *all.last().unwrap();
        let other = all[all.len() - 1 - dice.roll(8)];
        let parents = if other == last { vec![last] } else { vec![last, other] };
        let parents: Vec<_> = parents.iter().map(|id| repo.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        all.push(repo.commit(None, &who, &who, &format!("more {n}"), &tree, &parents).unwrap());
    }
    all.split_off(ids.len())
}

#[test]
fn a_damaged_commit_graph_is_as_good_as_none() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let ids = tangle(&repo, 30, &mut Dice(3));
    repo.reference("refs/heads/x", ids[29], true, "").unwrap();
    place.git(&["commit-graph", "write", "--reachable"]);
    let path = place.root().join(".git/objects/info/commit-graph");
    let whole = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let wanted = History::default().compare(&repo, &[ids[29]], &[ids[3]], soon()).unwrap();
    for length in [0, 7, 40, 300, whole.len() / 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let found = History::default().compare(&repo, &[ids[29]], &[ids[3]], soon()).unwrap();
        assert_eq!(found, wanted, "cut at {length}");
    }
    // Whatever else is in it: an answer or an error, and neither a panic nor a walk without end.
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        let _ = History::default().compare(&repo, &[ids[29]], &[ids[3]], soon());
    }
}

#[test]
fn a_walk_without_time_says_so_and_the_next_one_is_right() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let first = tangle(&repo, 1, &mut Dice(11));
    let ids: Vec<Oid> = first.iter().copied().chain(line_on(&repo, first[0], 400)).collect();
    let mut history = History::default();
    let (one, two) = (ids[400], ids[0]);
    assert!(matches!(history.compare(&repo, &[one], &[two], Instant::now()), Err(Cut::Late)));
    assert_eq!(history.compare(&repo, &[one], &[two], soon()).unwrap().ahead.len(), 400);
    assert_eq!(history.compare(&repo, &[two], &[one], soon()).unwrap().behind, 400);
    assert!(matches!(history.find(&repo, one, 10_000, Instant::now(), |_| false), Err(Cut::Late)));
    let find =
        |history: &mut History, most| history.find(&repo, one, most, soon(), |id| *id == ids[5]).unwrap();
    assert_eq!((find(&mut history, 10_000), find(&mut history, 100)), (Some(ids[5]), None));
}

#[test]
fn where_a_history_is_cut_off_is_said_and_may_change() {
    let place = TestRepo::new();
    for n in 0..6 {
        place.write("a", &n.to_string());
        place.commit("more");
    }
    let origin = place.with_origin();
    let shallow = place.beside("shallow");
    let url = format!("file://{}", origin.display());
    place.git(&["clone", "-q", "--depth", "3", &url, shallow.to_str().unwrap()]);
    place.git_at(&shallow, &["commit", "-q", "--allow-empty", "-m", "local"]);
    let repo = Repository::open(&shallow).unwrap();
    let at = |name: &str| repo.revparse_single(name).unwrap().id();
    let mut history = History::default();
    let found = history.compare(&repo, &[at("HEAD")], &[at("HEAD~1")], soon()).unwrap();
    assert_eq!((found.ahead.len(), found.behind), (1, 0));
    let unrelated = place.git_at(&shallow, &["commit-tree", "-m", "other", "HEAD^{tree}"]);
    let other = Oid::from_str(&unrelated).unwrap();
    let found = history.compare(&repo, &[at("HEAD")], &[other], soon()).unwrap();
    assert!(found.cut_off && found.bases.is_empty());
    assert_eq!(found.ahead.len(), 4);
    place.git_at(&shallow, &["fetch", "-q", "--unshallow"]);
    let found = history.compare(&repo, &[at("HEAD")], &[other], soon()).unwrap();
    assert!(!found.cut_off);
    assert_eq!(found.ahead.len(), 8);
}
