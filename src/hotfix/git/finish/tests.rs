use super::*;
use crate::hotfix::flows::finish::{Older, Version as Says};
use crate::hotfix::testing::TestRepo;
use crate::hotfix::version::Series;

fn known(repo: &TestRepo) -> Known {
    let text = repo.git(&["ls-remote", "--heads", "--tags", "origin"]);
    let refs = crate::hotfix::remote::Refs::parse(&text).unwrap();
    Known { name: "origin".into(), refs, by: Source::Asked }
}

fn facts(repo: &TestRepo) -> Facts {
    let (hotfix, known) = (Hotfix::default(), known(repo));
    let what = What::Branch("hotfix/x");
    let sought = Sought { what, hotfix: &hotfix, base: "main", known: &known, merges: &[] };
    Reader::open(repo.root()).unwrap().finish_facts(&sought).unwrap()
}

fn fixed() -> TestRepo {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["push", "-q", "origin", "main:develop", "v1.2.2"]);
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
    repo.write("VERSION", "1.2.3\n");
    repo.commit("raise the limit");
    repo
}

#[test]
fn a_fix_is_read_with_its_version_and_where_it_is_checked_out() {
    let repo = fixed();
    let found = facts(&repo);
    assert_eq!(found.version, Says::Held("1.2.3".into()));
    assert!(!found.base.has_fix && !found.fix.is_empty && found.fix.there.is_none());
    assert_eq!((&found.base.forecast, &found.back[0].forecast), (&Verdict::Clean, &Verdict::Clean));
    assert_eq!(found.fix.subjects, ["raise the limit"]);
    assert!(found.fix.checked_out.as_ref().is_some_and(|tree| tree.is_clean));
    repo.write("untracked", "");
    assert!(facts(&repo).fix.checked_out.is_some_and(|tree| !tree.is_clean));
    repo.git(&["checkout", "-q", "main", "--", "VERSION"]);
    repo.commit("not raised");
    let before = Says::NotRaised { base: "1.2.2".into(), branch: "1.2.2".into() };
    assert_eq!(facts(&repo).version, before);
    repo.git(&["rm", "-q", "VERSION"]);
    repo.commit("no file holds it");
    assert_eq!(facts(&repo).version, Says::Next("1.2.3".into()));
}

#[test]
fn a_merge_made_before_is_known_by_its_parents_wherever_it_is() {
    let repo = fixed();
    let fix = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-edit", "hotfix/x"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    let found = facts(&repo);
    assert_eq!((found.base.kept.as_deref(), found.base.is_kept), (Some(merge.as_str()), false));
    repo.git(&["update-ref", &Facts::kept_name(&fix, "main"), &merge]);
    repo.git(&["reset", "-q", "--hard", "origin/main"]);
    let found = facts(&repo);
    assert_eq!((found.base.kept.as_deref(), found.base.is_kept), (Some(merge.as_str()), true));
    repo.git(&["push", "-q", "origin", &format!("{merge}:main")]);
    let found = facts(&repo);
    assert!(found.base.has_fix);
    assert_eq!(found.base.merged.as_deref(), Some(merge.as_str()));
    // More on top of it does not change with what it came.
    repo.git(&["reset", "-q", "--hard", &merge]);
    repo.commit("later");
    repo.git(&["push", "-q", "origin", "main"]);
    assert_eq!(facts(&repo).base.merged.as_deref(), Some(merge.as_str()));
}

#[test]
fn a_branch_without_a_commit_of_its_own_is_none_that_went_out() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    assert!(facts(&repo).fix.is_empty);
    repo.commit("the fix");
    repo.git(&["push", "-q", "origin", "HEAD:main"]);
    let found = facts(&repo);
    assert!(!found.fix.is_empty && found.base.has_fix, "it was fast-forwarded by hand");
}

#[test]
fn a_file_that_is_not_about_what_was_tagged_is_not_believed() {
    let repo = TestRepo::new();
    repo.write("VERSION", "0.1.0\n");
    repo.commit("core");
    repo.git(&["tag", "v2.55.0"]);
    repo.with_origin();
    repo.git(&["tag", "-d", "v1.2.2"]);
    repo.git(&["push", "-q", "origin", "main:develop", "v2.55.0"]);
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("VERSION", "0.1.1\n");
    repo.commit("the fix");
    let found = facts(&repo);
    assert_eq!(found.version, Says::Next("2.55.1".into()));
    assert_eq!(found.notes, ["VERSION does not hold the version: it held 0.1.0 when v2.55.0 was tagged"]);
    let wanted = Series { prefix: "v".into(), last: Some("v2.55.0".into()), ..Series::default() };
    assert_eq!(found.series, wanted);
    // A tag that only the remote has counts, too.
    repo.git(&["tag", "v2.56.0", "v2.55.0"]);
    repo.git(&["push", "-q", "origin", "v2.56.0"]);
    repo.git(&["tag", "-d", "v2.56.0"]);
    assert_eq!(facts(&repo).version, Says::Next("2.56.1".into()));
}

#[test]
fn a_release_that_would_get_more_than_the_fix_is_left_before_and_after_the_merge() {
    let repo = fixed();
    repo.git(&["switch", "-q", "-c", "release/1.1", "main"]);
    repo.commit("kept alive");
    repo.git(&["switch", "-q", "main"]);
    repo.write("big", "2.0\n");
    repo.commit("all of 2.0");
    repo.git(&["switch", "-q", "-c", "release/2.1"]);
    repo.commit("make 2.1 ready");
    repo.git(&["push", "-q", "origin", "main", "main:develop", "release/1.1", "release/2.1"]);
    let at = |name: &str| repo.git(&["log", "-1", "--format=%cI", name]).parse().ok();
    let left = [Older { name: "release/1.1".into(), at: at("release/1.1"), brings: Some(1) }];
    let names = |found: &Facts| found.back.iter().map(|target| target.name.clone()).collect::<Vec<_>>();
    let found = facts(&repo);
    assert_eq!((names(&found), &found.older[..]), (vec!["develop".into(), "release/2.1".into()], &left[..]));
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-edit", "hotfix/x"]);
    repo.commit("later");
    repo.git(&["push", "-q", "origin", "main"]);
    let found = facts(&repo);
    assert!(found.base.has_fix);
    assert_eq!((names(&found), &found.older[..]), (vec!["develop".into(), "release/2.1".into()], &left[..]));
}

#[test]
fn a_place_that_somebody_works_in_is_left_alone() {
    let repo = fixed();
    let first = facts(&repo).scratch;
    assert_eq!(first.now, None);
    repo.git(&["worktree", "add", "-q", "--detach", &first.path, "main"]);
    let again = facts(&repo).scratch;
    assert_eq!(again.path, first.path);
    assert_eq!(again.now.unwrap().merging, None);
    // It is made for merges: what is left of one is of no value.
    std::fs::write(Path::new(&first.path).join("VERSION"), "mine\n").unwrap();
    assert!(facts(&repo).scratch.now.is_some());
    let name = Path::new(&first.path).file_name().unwrap();
    let own = repo.root().join(".git/worktrees").join(name);
    let head = std::fs::read(own.join("HEAD")).unwrap();
    std::fs::write(own.join("HEAD"), format!("{}\n", "0".repeat(40))).unwrap();
    let half = facts(&repo);
    assert_eq!((half.left_alone, half.scratch), (None, first.clone()), "it is made anew");
    std::fs::write(own.join("HEAD"), head).unwrap();
    std::fs::create_dir(own.join("rebase-merge")).unwrap();
    let found = facts(&repo);
    assert_eq!((found.left_alone, found.scratch.now), (Some(first.path.clone()), None));
    assert!(found.scratch.path.ends_with("-2"), "{}", found.scratch.path);
}
