use std::path::Path;

use super::*;
use crate::hotfix::state::{BranchState, Head, Upstream};
use crate::hotfix::testing::TestRepo;

fn read(repo: &TestRepo) -> BranchState {
    read_at(repo.root())
}

fn read_at(at: &Path) -> BranchState {
    Reader::open(at).unwrap_or_else(|none| panic!("{none:?}")).read(&Hotfix::default()).unwrap()
}

fn refusal(at: &Path) -> NoRepository {
    match Reader::open(at) {
        Ok(mut reader) => reader.read(&Hotfix::default()).unwrap_err(),
        Err(none) => none,
    }
}

#[test]
fn a_hotfix_branch_is_read_whole() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["switch", "-q", "-c", "hotfix/pool-limit"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
    repo.write("tests/pool.rs", "#[test]\nfn limit() {}\n");
    repo.commit("fix: raise pool limit");
    repo.write("VERSION", "1.2.3\n");
    let head = repo.commit("chore: bump version");
    repo.git(&["push", "-q", "-u", "origin", "hotfix/pool-limit"]);
    repo.write("VERSION", "1.2.4\n");
    let head_two = repo.commit("chore: bump again");
    repo.write("notes.txt", "x\n");

    let state = read(&repo);
    assert_eq!(state.head, Head::Branch { name: "hotfix/pool-limit".into(), commit: head_two });
    assert_eq!(state.base.as_deref(), Some("main"));
    assert_eq!(state.base_at.as_ref().map(|at| at.reference.as_str()), Some("refs/heads/main"));
    assert_eq!((state.ahead, state.behind), (3, 0));
    let subjects: Vec<_> = state.commits.iter().map(|c| c.subject.as_str()).collect();
    assert_eq!(subjects, ["chore: bump again", "chore: bump version", "fix: raise pool limit"]);
    assert_eq!(state.commits[1].id, head);
    assert_eq!(state.commits[0].author, "Li");
    assert!(state.commits[0].at > state.commits[2].at);
    assert_eq!(
        state.size,
        super::super::state::ChangeSize { files: 3, insertions: 4, deletions: 2, tests_touched: true }
    );
    assert_eq!(
        state.upstream,
        Some(Upstream { name: "origin/hotfix/pool-limit".into(), exists: true, ahead: 1, behind: 0 })
    );
    assert_eq!(state.version.as_deref(), Some("1.2.4"));
    assert_eq!(state.last_tag.as_deref(), Some("v1.2.2"));
    assert!(state.tags.is_empty());
    assert_eq!(state.hotfix_branches, ["hotfix/pool-limit"]);
    assert_eq!(state.deployable, ["hotfix/pool-limit", "main", "v1.2.2"]);
    assert_eq!(state.dirty_count, 1);
    assert_eq!((state.dirty[0].path.as_str(), state.dirty[0].code.as_str()), ("notes.txt", "??"));
    assert_eq!(state.operation, None);
}

#[test]
fn a_reader_kept_open_sees_what_changes() {
    let repo = TestRepo::new();
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let before = reader.read(&Hotfix::default()).unwrap();
    assert_eq!(before.tags, ["v1.2.2"]);
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 7;\n");
    assert_eq!(reader.read(&Hotfix::default()).unwrap().dirty[0].code, " M");
    repo.git(&["add", "-A"]);
    assert_eq!(reader.read(&Hotfix::default()).unwrap().dirty[0].code, "M ");
    repo.commit("fix");
    repo.git(&["tag", "-a", "-m", "next", "v1.2.3"]);
    let after = reader.read(&Hotfix::default()).unwrap();
    assert_eq!((after.ahead, after.dirty_count, after.branch()), (1, 0, Some("hotfix/x")));
    assert_eq!(after.tags, ["v1.2.3"]);
    assert_eq!(after.last_tag.as_deref(), Some("v1.2.2"), "the new tag is not in the base");
    repo.git(&["branch", "-q", "-f", "main", "hotfix/x"]);
    let merged = reader.read(&Hotfix::default()).unwrap();
    assert_eq!((merged.ahead, merged.last_tag.as_deref()), (0, Some("v1.2.3")));
}

#[test]
fn empty_detached_and_merging_repositories_are_told_apart() {
    let empty = TestRepo::empty();
    let state = read(&empty);
    assert_eq!(state.head, Head::Unborn { name: "main".into() });
    assert_eq!((state.commit(), &state.base), (None, &None));

    let repo = TestRepo::new();
    repo.git(&["switch", "-q", "-c", "other"]);
    repo.write("VERSION", "9\n");
    repo.commit("theirs");
    repo.git(&["switch", "-q", "main"]);
    repo.write("VERSION", "8\n");
    let ours = repo.commit("ours");
    assert!(!repo.try_git(repo.root(), &["merge", "-q", "other"]).status.success());
    let state = read(&repo);
    assert_eq!(state.operation, Some(Operation::Merge));
    assert_eq!((state.dirty[0].path.as_str(), state.dirty[0].code.as_str()), ("VERSION", "UU"));
    repo.git(&["merge", "--abort"]);
    repo.git(&["switch", "-q", "--detach"]);
    assert_eq!(read(&repo).head, Head::Detached { commit: ours });
    repo.git(&["bisect", "start"]);
    assert_eq!(read(&repo).operation, Some(Operation::Bisect));
}

#[test]
fn the_codes_are_those_of_git_status() {
    let repo = TestRepo::new();
    for name in ["a", "b", "c", "d", "e"] {
        repo.write(name, &format!("{name}, one line that is its own\nand another\n"));
    }
    repo.commit("more");
    repo.write("a", "changed\n");
    repo.git(&["mv", "b", "b2"]);
    repo.git(&["rm", "-q", "--cached", "c"]);
    std::fs::remove_file(repo.root().join("d")).unwrap();
    repo.write("e", "staged\n");
    repo.git(&["add", "e"]);
    repo.write("e", "and changed again\n");
    repo.write("dir/new", "x\n");
    repo.write("f", "new\n");
    repo.git(&["add", "f"]);

    let mut ours: Vec<String> =
        read(&repo).dirty.iter().map(|file| format!("{} {}", file.code, file.path)).collect();
    let mut gits: Vec<String> = repo
        .git(&["-c", "core.quotePath=false", "status", "--short"])
        .lines()
        .map(|line| match line.split_once(" -> ") {
            Some((from, to)) => format!("{}{to}", from.get(..3).unwrap()),
            None => line.to_owned(),
        })
        .collect();
    ours.sort();
    gits.sort();
    assert_eq!(ours, gits);
}

#[test]
fn the_base_is_what_is_configured_or_usual_or_what_the_remote_says() {
    let repo = TestRepo::new();
    repo.git(&["branch", "-q", "release"]);
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let configured = |base: &str| Hotfix { base: base.into(), ..Hotfix::default() };
    assert_eq!(reader.read(&configured("release")).unwrap().base.as_deref(), Some("release"));
    let missing = reader.read(&configured("production")).unwrap();
    assert_eq!((missing.base, missing.base_at), (None, None), "another is not put in its place");

    repo.git(&["branch", "-q", "-m", "main", "live"]);
    repo.git(&["branch", "-q", "-D", "release"]);
    assert_eq!(reader.read(&Hotfix::default()).unwrap().base, None);
    let origin = repo.beside("origin.git");
    repo.git(&["init", "-q", "--bare", "-b", "live", origin.to_str().unwrap()]);
    repo.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    repo.git(&["push", "-q", "origin", "live"]);
    repo.git(&["remote", "set-head", "origin", "live"]);
    assert_eq!(reader.read(&Hotfix::default()).unwrap().base.as_deref(), Some("live"));
    assert_eq!(reader.default_branch().as_deref(), Some("live"));
}

#[test]
fn a_base_that_fell_behind_its_remote_is_read_at_the_remote() {
    let repo = TestRepo::new();
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.with_origin();
    let newer = repo.commit("second release");
    repo.git(&["push", "-q"]);
    repo.git(&["reset", "-q", "--hard", &first]);
    let at = read(&repo).base_at.unwrap();
    assert_eq!((at.reference.as_str(), at.commit), ("refs/remotes/origin/main", newer));
    let own = repo.commit("diverged");
    let at = read(&repo).base_at.unwrap();
    assert_eq!((at.reference.as_str(), at.commit), ("refs/heads/main", own));
}

#[test]
fn an_upstream_that_is_gone_is_not_called_pushed() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    assert_eq!(read(&repo).upstream, None);
    repo.git(&["push", "-q", "-u", "origin", "hotfix/x"]);
    assert!(read(&repo).upstream.unwrap().exists);
    repo.git(&["update-ref", "-d", "refs/remotes/origin/hotfix/x"]);
    let upstream = read(&repo).upstream.unwrap();
    assert_eq!((upstream.name.as_str(), upstream.exists), ("origin/hotfix/x", false));
}

#[test]
fn what_was_pushed_without_an_upstream_is_told_by_the_remotes_branch_of_that_name() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.git(&["branch", "-q", "--unset-upstream", "main"]);
    let upstream = |ahead| Some(Upstream { name: "origin/main".into(), exists: true, ahead, behind: 0 });
    assert_eq!(read(&repo).upstream, upstream(0));
    repo.write("a", "a\n");
    repo.commit("fix");
    assert_eq!(read(&repo).upstream, upstream(1));
    // A branch here says nothing of what the remote has.
    repo.git(&["switch", "-q", "-c", "hotfix/x", "--track", "main"]);
    assert_eq!(read(&repo).upstream, None);
    repo.git(&["push", "-q", "origin", "hotfix/x"]);
    let found = read(&repo).upstream.unwrap();
    assert_eq!((found.name.as_str(), found.ahead), ("origin/hotfix/x", 0));
}

#[test]
fn what_is_no_repository_is_said_in_its_own_way() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(refusal(dir.path()), NoRepository::NotFound);

    let repo = TestRepo::new();
    let origin = repo.with_origin();
    assert_eq!(refusal(&origin), NoRepository::Bare);

    let corrupt = TestRepo::new();
    std::fs::write(corrupt.root().join(".git/HEAD"), "\0\0 not a reference\n").unwrap();
    let NoRepository::Unreadable { why } = refusal(corrupt.root()) else { panic!() };
    assert!(!why.is_empty());

    let corrupt = TestRepo::new();
    std::fs::write(corrupt.root().join(".git/index"), "garbage").unwrap();
    assert!(matches!(refusal(corrupt.root()), NoRepository::Unreadable { .. }));

    let sha256 = TestRepo::empty();
    std::fs::remove_dir_all(sha256.root().join(".git")).unwrap();
    sha256.git(&["init", "-q", "--object-format=sha256"]);
    let NoRepository::Unreadable { why } = refusal(sha256.root()) else { panic!() };
    assert!(why.contains("SHA-256"), "{why}");

    let strange = TestRepo::new();
    strange.git(&["config", "core.repositoryformatversion", "1"]);
    strange.git(&["config", "extensions.fromTheFuture", "true"]);
    let NoRepository::Unreadable { why } = refusal(strange.root()) else { panic!() };
    assert!(why.contains("extension"), "{why}");
}

#[test]
fn a_repository_deleted_under_the_reader_is_not_found() {
    let repo = TestRepo::new();
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    std::fs::remove_dir_all(repo.root()).unwrap();
    assert_eq!(reader.read(&Hotfix::default()), Err(NoRepository::NotFound));
}

#[test]
fn somebody_elses_repository_is_named_with_what_to_trust() {
    let error = Error::new(ErrorCode::Owner, git2::ErrorClass::Config, "not owned by current user");
    let none = refused(&error, Path::new("/srv/payments/.git/"));
    assert_eq!(none, NoRepository::NotOurs { path: "/srv/payments".into() });
    assert!(none.failure("/srv/payments").hint.ends_with("safe.directory /srv/payments"));
}

#[test]
fn a_repository_of_another_user_is_not_opened() {
    // Giving a file away needs the rights of root; what is said is tested above for everybody.
    let repo = TestRepo::new();
    let given = |path: &Path| std::os::unix::fs::chown(path, Some(12_345), None).is_ok();
    if given(repo.root()) && given(&repo.root().join(".git")) {
        let path = repo.root().to_str().unwrap().to_owned();
        assert_eq!(refusal(repo.root()), NoRepository::NotOurs { path });
    }
}

#[test]
fn a_linked_work_tree_is_the_same_repository() {
    let repo = TestRepo::new();
    let linked = repo.beside("linked");
    repo.git(&["worktree", "add", "-q", "-b", "hotfix/x", linked.to_str().unwrap()]);
    let main = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let other = Reader::open(&linked).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(main.identity(), other.identity());
    assert_ne!(main.git_dir(), other.git_dir());
    assert_eq!(main.common_dir().canonicalize().unwrap(), other.common_dir().canonicalize().unwrap());
    assert_eq!(read_at(&linked).branch(), Some("hotfix/x"));
    let deep = repo.root().join("src");
    let below = Reader::open(&deep).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!((below.identity(), below.name()), (main.identity(), "repo".to_owned()));
    assert_eq!(read_at(&deep).root, repo.root().to_str().unwrap());
}

#[test]
fn names_resolve_to_commits_and_ambiguous_ones_do_not() {
    let repo = TestRepo::new();
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["tag", "-a", "-m", "annotated", "v2", &first]);
    let second = repo.commit("second");
    repo.git(&["tag", "twin", &first]);
    repo.git(&["branch", "-q", "twin", &second]);
    repo.git(&["update-ref", "refs/heads/$(touch${IFS}x)", &first]);
    let reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(reader.resolve("main").unwrap(), second);
    assert_eq!(reader.resolve("v2").unwrap(), first);
    assert_eq!(reader.resolve("HEAD").unwrap(), second);
    assert_eq!(reader.resolve(first.get(..8).unwrap()).unwrap(), first);
    assert_eq!(reader.resolve("refs/tags/twin").unwrap(), first);
    assert_eq!(reader.resolve("$(touch${IFS}x)").unwrap(), first);
    let failure = reader.resolve("twin").unwrap_err();
    assert!(failure.cause.contains("refs/heads/twin, refs/tags/twin"), "{failure}");
    for name in ["nothing", "", "--upload-pack=x", "main~1", ":/second", "a b", "@{-1}", "dead"] {
        assert!(reader.resolve(name).is_err(), "{name}");
    }
}

/// What is handed to a command is looked up there by git itself.
#[test]
fn a_name_that_git_could_take_for_another_commit_is_ambiguous() {
    let repo = TestRepo::new();
    let first = repo.git(&["rev-parse", "HEAD"]);
    let second = repo.commit("second");
    let whole = "0123456789abcdef0123456789abcdef01234567";
    let (as_first, as_none) = (format!("refs/heads/{first}"), format!("refs/heads/{whole}"));
    for (name, full, other) in [
        ("heads/main", "refs/heads/main", "refs/tags/heads/main"),
        ("heads/main", "refs/heads/main", "refs/heads/heads/main"),
        ("tags/v9", "refs/tags/v9", "refs/heads/tags/v9"),
        ("origin/v9", "refs/remotes/origin/v9", "refs/tags/origin/v9"),
        ("origin/v9", "refs/heads/origin/v9", "refs/origin/v9"),
        ("origin", "refs/heads/origin", "refs/remotes/origin/HEAD"),
        ("ORIG_HEAD", "refs/tags/ORIG_HEAD", "ORIG_HEAD"),
        (&first, &as_first, ""),
        // There is no such object, but git would not look for a branch either.
        (whole, &as_none, ""),
    ] {
        let reader = |full: &str, other: &str| {
            repo.git(&["update-ref", full, &second]);
            if !other.is_empty() {
                repo.git(&["update-ref", other, &first]);
            }
            Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"))
        };
        let failure = reader(full, other).resolve(name).unwrap_err();
        assert!(failure.cause.contains("different commits") && failure.cause.contains(other), "{failure}");
        assert_eq!(reader(full, other).resolve(full).unwrap(), second, "by its full name");
        if !other.is_empty() {
            repo.git(&["update-ref", other, &second]);
            let reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
            assert_eq!(reader.resolve(name).unwrap(), second, "{name}: all the same");
            repo.git(&["update-ref", "-d", other]);
            let reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
            assert_eq!(reader.resolve(name).unwrap(), second, "{name}: only {full}");
        }
        if full != "refs/heads/main" {
            repo.git(&["update-ref", "-d", full]);
        }
    }
}

#[test]
fn names_that_are_not_utf8_are_shown_and_not_offered() {
    use std::os::unix::ffi::OsStrExt as _;
    let repo = TestRepo::new();
    let head = repo.git(&["rev-parse", "HEAD"]);
    let strange = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(repo.root().join(".git/refs/heads").join(strange), format!("{head}\n")).unwrap();
    std::fs::write(repo.root().join(strange), "x").unwrap();
    let state = read(&repo);
    assert_eq!(state.dirty[0].path, "caf\u{fffd}");
    assert_eq!(state.deployable, ["main", "v1.2.2"]);
    std::fs::write(repo.root().join(".git/HEAD"), b"ref: refs/heads/caf\xe9\n").unwrap();
    assert_eq!(read(&repo).branch(), Some("caf\u{fffd}"));
}

#[test]
fn a_submodule_with_new_commits_is_a_changed_file() {
    let repo = TestRepo::new();
    let library = TestRepo::new();
    repo.git(&["submodule", "add", "-q", library.root().to_str().unwrap(), "lib"]);
    repo.commit("add lib");
    assert_eq!(read(&repo).dirty_count, 0);
    let inner = repo.root().join("lib");
    std::fs::write(inner.join("VERSION"), "7\n").unwrap();
    repo.git_at(&inner, &["commit", "-q", "-a", "-m", "inside"]);
    let state = read(&repo);
    assert_eq!((state.dirty[0].path.as_str(), state.dirty[0].code.as_str()), ("lib", " M"));
}

#[test]
fn many_changed_files_are_counted_and_the_list_is_bounded() {
    let repo = TestRepo::new();
    for n in 0..(BranchState::MAX_FILES + 30) {
        repo.write(&format!("file-{n}"), "x\n");
    }
    let state = read(&repo);
    assert_eq!((state.dirty.len(), state.dirty_count), (BranchState::MAX_FILES, BranchState::MAX_FILES + 30));
}

/// A repository whose configuration, attributes and hooks would each leave a mark if anything
/// ran them.
#[test]
fn a_hostile_repository_runs_nothing() {
    let repo = TestRepo::new();
    let mark = repo.beside("mark");
    let trap = repo.beside("trap");
    std::fs::write(&trap, format!("#!/bin/sh\necho ran \"$0\" \"$@\" >> {}\ncat\n", mark.display())).unwrap();
    make_executable(&trap);
    let trap = trap.to_str().unwrap();
    repo.write("secret.bin", "one\ntwo\n");
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil ident text=auto\n");
    repo.commit("before the traps");
    for (key, value) in [
        ("core.fsmonitor", trap),
        ("core.sshCommand", trap),
        ("core.pager", trap),
        ("core.editor", trap),
        ("core.askPass", trap),
        ("credential.helper", trap),
        ("diff.external", trap),
        ("diff.evil.command", trap),
        ("diff.evil.textconv", trap),
        ("filter.evil.clean", trap),
        ("filter.evil.smudge", trap),
        ("filter.evil.process", trap),
        ("filter.evil.required", "true"),
        ("merge.evil.driver", trap),
        ("gpg.program", trap),
        ("remote.origin.url", &format!("ext::{trap}")),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("remote.origin.uploadpack", trap),
        ("branch.main.remote", "origin"),
        ("branch.main.merge", "refs/heads/main"),
        ("protocol.ext.allow", "always"),
    ] {
        repo.git(&["config", key, value]);
    }
    for hook in ["post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout"] {
        let path = repo.root().join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(trap, &path).unwrap();
        make_executable(&path);
    }
    // Whether the traps work at all: git itself walks into them.
    repo.write("secret.bin", "one\ntwo\nthree\n");
    repo.try_git(repo.root(), &["status", "--short"]);
    assert!(mark.exists(), "a trap that never springs proves nothing");
    repo.git(&["config", "core.fsmonitor", "false"]);
    repo.git(&[
        "-c",
        "filter.evil.required=false",
        "-c",
        "filter.evil.process=",
        "-c",
        "filter.evil.clean=",
        "commit",
        "-q",
        "-a",
        "-m",
        "change",
    ]);
    repo.git(&["config", "core.fsmonitor", trap]);
    repo.write("secret.bin", "one\nfour\n");
    std::fs::remove_file(&mark).unwrap();

    let index_before = std::fs::read(repo.root().join(".git/index")).unwrap();
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let base = Hotfix { base: "main".into(), ..Hotfix::default() };
    let state = reader.read(&base).unwrap();
    assert!(state.dirty.iter().any(|file| file.path == "secret.bin"));
    let _ = (reader.resolve("main"), reader.remote_url(), reader.user_name(), reader.default_branch());
    let _ = reader.read_first(&base).unwrap();
    // A merge that has to be asked of git, of files that name every trap.
    let main = repo.git(&["-c", "core.fsmonitor=false", "rev-parse", "HEAD"]);
    let tree = repo.git(&["-c", "core.fsmonitor=false", "rev-parse", "HEAD^{tree}"]);
    let moved = repo.git(&["mktree", "--missing"]);
    let one = repo.git(&["commit-tree", "-m", "nothing left", "-p", "HEAD~1", &moved]);
    let two = repo.git(&["commit-tree", "-m", "the same", "-p", "HEAD~1", &tree]);
    for (ours, theirs) in [(&main, &one), (&one, &main), (&main, &two), (&one, &two)] {
        let _ = reader.forecast(theirs, ours, &[&main, &one], std::time::Duration::from_secs(60));
    }
    let limit = crate::incident::HotfixLimit { files: 1, lines: 1 };
    let question = crate::hotfix::outlook::Question::default();
    reader.outlook(&base, &limit, &question, std::time::Duration::from_secs(60)).unwrap();
    reader.ask_everything(&main, &one);
    assert!(!mark.exists(), "{}", std::fs::read_to_string(&mark).unwrap_or_default());
    assert_eq!(std::fs::read(repo.root().join(".git/index")).unwrap(), index_before, "reading wrote");
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_a_remote_knows_of_us_is_taken_out_of_its_address() {
    for (url, shown) in [
        ("https://li:token@example.test/org/repo.git", "https://example.test/org/repo.git"),
        ("https://a@b:c@example.test/x", "https://example.test/x"),
        ("https://example.test/x?access_token=1#y", "https://example.test/x"),
        ("ssh://git@example.test:22/org/repo", "ssh://example.test:22/org/repo"),
        ("git@example.test:org/repo.git", "example.test:org/repo.git"),
        ("/srv/git/re@po.git", "/srv/git/re@po.git"),
        ("../origin@2.git", "../origin@2.git"),
        ("file:///srv/x@y", "file:///srv/x@y"),
    ] {
        assert_eq!(without_user_info(url), shown);
    }
}

#[test]
fn a_merge_into_a_branch_that_has_not_moved_holds_nothing_new() {
    let repo = TestRepo::new();
    repo.write("a", "1\n");
    repo.commit("one");
    repo.git(&["switch", "-qc", "hotfix/x"]);
    repo.write("a", "2\n");
    let fix = repo.commit("fix");
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-edit", "hotfix/x"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["branch", "-q", "-D", "hotfix/x"]);
    let reader = Reader::open(repo.root()).unwrap();
    assert_eq!(reader.same_content(&merge), std::slice::from_ref(&fix));
    assert_eq!(reader.same_content(&fix), [merge]);
    assert!(reader.same_content(&repo.git(&["rev-parse", "main~1"])).is_empty());
}
