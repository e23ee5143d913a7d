use super::*;
use crate::hotfix::testing::TestRepo;

fn open(repo: &TestRepo) -> Reader {
    Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"))
}

fn git_flow() -> Hotfix {
    Hotfix { flow: Flow::GitFlow, ..Hotfix::default() }
}

#[test]
fn branches_of_git_flow_are_read_here_and_at_the_remote() {
    let repo = TestRepo::new();
    repo.with_origin();
    for branch in ["develop", "release/1.4", "release/1.5", "hotfix/theirs", "hotfix/both"] {
        repo.git(&["branch", branch]);
        repo.git(&["push", "-q", "origin", branch]);
    }
    repo.git(&["branch", "-q", "-D", "develop", "release/1.5", "hotfix/theirs"]);
    let mut reader = open(&repo);
    let state = reader.read(&git_flow()).unwrap();
    let at = |at: &BaseAt| at.reference.clone();
    assert_eq!(state.develop.as_ref().map(at).as_deref(), Some("refs/remotes/origin/develop"));
    let releases: Vec<_> = state.releases.iter().map(at).collect();
    assert_eq!(releases, ["refs/heads/release/1.4", "refs/remotes/origin/release/1.5"]);
    assert_eq!(state.remote_hotfixes, ["hotfix/theirs"]);
    assert_eq!(state.hotfix_branches, ["hotfix/both"]);
    assert_eq!(state.remote.as_deref(), Some("origin"));
    assert!(reader.read(&Hotfix::default()).unwrap().develop.is_none(), "another flow has none");
}

#[test]
fn no_branch_is_the_next_release_of_itself() {
    let repo = TestRepo::new();
    repo.git(&["branch", "main-2"]);
    let hotfix = Hotfix { develop: "main".into(), release_prefix: "main".into(), ..git_flow() };
    let state = open(&repo).read(&hotfix).unwrap();
    let releases: Vec<_> = state.releases.iter().map(BaseAt::short).collect();
    assert_eq!((state.develop, releases), (None, vec!["main-2"]));
}

#[test]
fn the_configured_remote_is_the_one_that_counts() {
    let repo = TestRepo::new();
    let origin = repo.with_origin();
    repo.git(&["remote", "add", "upstream", origin.to_str().unwrap()]);
    repo.git(&["fetch", "-q", "upstream"]);
    repo.git(&["branch", "-q", "--unset-upstream", "main"]);
    repo.write("a", "a\n");
    repo.commit("ahead");
    let hotfix = Hotfix { remote: "upstream".into(), ..Hotfix::default() };
    let state = open(&repo).read(&hotfix).unwrap();
    assert_eq!(state.remote.as_deref(), Some("upstream"));
    let base = state.base_upstream.unwrap();
    assert_eq!((base.name.as_str(), base.ahead, base.behind), ("upstream/main", 1, 0));
    let missing = Hotfix { remote: "nowhere".into(), ..Hotfix::default() };
    let state = open(&repo).read(&missing).unwrap();
    assert_eq!((state.remote, state.base_upstream), (None, None), "no other one is taken in its place");
}

#[test]
fn a_first_look_says_what_it_leaves_out_and_the_next_one_has_it() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("a", "a\n");
    repo.commit("fix");
    let mut reader = open(&repo);
    let first = reader.read_first(&Hotfix::default()).unwrap();
    assert_eq!(first.branch(), Some("hotfix/x"));
    assert!(first.not_yet.counts && !first.not_yet.changes);
    assert_eq!((first.ahead, first.commits.len()), (0, 0));
    let whole = reader.read(&Hotfix::default()).unwrap();
    assert_eq!(whole.not_yet, crate::hotfix::state::NotYet::default());
    assert_eq!((whole.ahead, whole.commits.len(), whole.size.files), (1, 1, 1));
    let again = reader.read_first(&Hotfix::default()).unwrap();
    assert_eq!(again, whole, "what is known takes no time");
    let same_base = |state: &BranchState| state.base_at.clone();
    assert_eq!(same_base(&first), same_base(&whole));
}

#[test]
fn git_counts_the_same_where_a_walk_takes_too_long() {
    let repo = TestRepo::new();
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    for n in 0..3 {
        repo.write("a", &n.to_string());
        repo.commit("fix");
    }
    repo.git(&["switch", "-q", "main"]);
    repo.write("b", "b\n");
    repo.commit("on main");
    let id = |name: &str| Oid::from_str(&repo.git(&["rev-parse", name])).unwrap();
    let (one, other) = (id("hotfix/x"), id("main"));
    let mut reader = open(&repo);
    let walked = reader.stand(one, other, false).unwrap().unwrap();
    let asked = reader.ask_stand(one, other).unwrap();
    assert_eq!((asked.ahead, asked.behind), (3, 1));
    assert_eq!((walked.ahead, walked.behind, &walked.commits), (asked.ahead, asked.behind, &asked.commits));
    assert_eq!(walked.base, asked.base);
}

#[test]
fn a_shallow_clone_says_that_it_is_cut_off() {
    let repo = TestRepo::new();
    repo.write("a", "a\n");
    repo.commit("second");
    let origin = repo.with_origin();
    let shallow = repo.beside("shallow");
    let url = format!("file://{}", origin.display());
    repo.git(&["clone", "-q", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let mut reader = Reader::open(&shallow).unwrap_or_else(|none| panic!("{none:?}"));
    let state = reader.read(&Hotfix::default()).unwrap();
    assert!(state.cut_off && !state.not_yet.counts);
    assert!(!open(&repo).read(&Hotfix::default()).unwrap().cut_off);
}

impl Reader {
    /// Asks the git command all that it is ever asked.
    pub(in crate::hotfix::git) fn ask_everything(&mut self, one: &str, other: &str) {
        let (one, other) = (Oid::from_str(one).unwrap(), Oid::from_str(other).unwrap());
        self.ask_stand(one, other).unwrap();
        let git = Git::of(&self.repo).making().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let (one, other) = (one.to_string(), other.to_string());
        git.ask(&["merge-tree", "--write-tree", &one, &other], until).unwrap();
        git.ask(&["commit-tree", "--no-gpg-sign", "-m", "x", "-p", &one, &format!("{one}^{{tree}}")], until)
            .unwrap();
    }
}
