use std::collections::BTreeMap;

use git2::{Oid, Signature, Time};

use super::*;
use crate::hotfix::testing::TestRepo;

const PATIENCE: Duration = Duration::from_secs(60);

/// Files by path: mode and content; a submodule's content is its commit.
type Files = BTreeMap<String, (i32, Vec<u8>)>;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

fn lines(dice: &mut Dice) -> Vec<u8> {
    // Few different lines make for ways of comparing them that differ.
    let words = *dice.pick(&[4, 40, 4000]);
    let count = 3 + dice.roll(25);
    (0..count).flat_map(|_| format!("line {}\n", dice.roll(words)).into_bytes()).collect()
}

fn first_files(dice: &mut Dice) -> Files {
    let mut files = Files::new();
    for folder in ["", "src/", "src/pool/", "docs/", "lib/a/"] {
        for n in 0..=dice.roll(3) {
            files.insert(format!("{folder}f{n}"), (trees::FILE, lines(dice)));
        }
    }
    files.insert("run.sh".into(), (trees::PROGRAM, lines(dice)));
    files.insert("VERSION".into(), (trees::FILE, b"1.2.3\n".to_vec()));
    files.insert("logo".into(), (trees::FILE, b"\0\x01\x02logo".to_vec()));
    files.insert("vendor/sub".into(), (0o160_000, vec![7; 20]));
    files.insert("link".into(), (0o120_000, b"VERSION".to_vec()));
    files.insert("crlf".into(), (trees::FILE, b"one\r\ntwo\r\nthree\r\nfour\r\n".to_vec()));
    files
}

fn edit(files: &mut Files, dice: &mut Dice) {
    let paths: Vec<String> = files.keys().cloned().collect();
    let path = dice.pick(&paths).clone();
    let (mode, mut content) = files[&path].clone();
    match dice.roll(16) {
        0..=6 => {
            let mut rows: Vec<Vec<u8>> =
                content.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
            let at = dice.roll(rows.len() + 1);
            match dice.roll(3) {
                0 => rows.insert(at, format!("new {}\n", dice.roll(3)).into_bytes()),
                1 if at < rows.len() => rows[at] = format!("line {}\n", dice.roll(6)).into_bytes(),
                _ if at < rows.len() => drop(rows.remove(at)),
                _ => {}
            }
            content = rows.concat();
            if mode == 0o160_000 {
                content = vec![1 + dice.roll(3) as u8; 20];
            }
            files.insert(path, (mode, content));
        }
        7 | 8 => drop(files.remove(&path)),
        9 => {
            files.remove(&path);
            files.insert(
                format!("{}moved{}", dice.pick(&["", "src/", "new/"]), dice.roll(2)),
                (mode, content),
            );
        }
        10 => {
            let (from, to) = (*dice.pick(&["src/", "docs/", "lib/"]), *dice.pick(&["core/", "lib/a/"]));
            for path in paths.iter().filter(|path| path.starts_with(from)) {
                let entry = files.remove(path).unwrap();
                files.insert(path.replacen(from, to, 1), entry);
            }
        }
        11 | 12 => {
            let name = format!("{}added{}", dice.pick(&["", "src/", "docs/", "lib/a/"]), dice.roll(2));
            files.insert(name, (trees::FILE, lines(dice)));
        }
        13 => {
            let other = if mode == trees::FILE { trees::PROGRAM } else { trees::FILE };
            files.insert(path, (other, content));
        }
        14 => {
            // A file where there was a folder, and the other way around.
            files.retain(|path, _| !path.starts_with("docs/"));
            files.insert("docs".into(), (trees::FILE, lines(dice)));
        }
        _ => drop(
            files.insert("VERSION".into(), (trees::FILE, format!("1.2.{}\n", dice.roll(9)).into_bytes())),
        ),
    }
}

fn edited(files: &Files, dice: &mut Dice) -> Files {
    let mut files = files.clone();
    for _ in 0..=dice.roll(4) {
        edit(&mut files, dice);
    }
    // Nothing can be under a file.
    let names: Vec<String> = files.keys().cloned().collect();
    files.retain(|path, _| !names.iter().any(|other| path.starts_with(&format!("{other}/"))));
    if files.is_empty() {
        files.insert("left".into(), (trees::FILE, b"x\n".to_vec()));
    }
    files
}

fn tree(repo: &Repository, files: &Files) -> Oid {
    let mut index = git2::Index::new().unwrap();
    for (path, (mode, content)) in files {
        let id =
            if *mode == 0o160_000 { Oid::from_bytes(content).unwrap() } else { repo.blob(content).unwrap() };
        let time = git2::IndexTime::new(0, 0);
        index
            .add(&git2::IndexEntry {
                ctime: time,
                mtime: time,
                dev: 0,
                ino: 0,
                mode: *mode as u32,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: 0,
                flags_extended: 0,
                path: path.clone().into_bytes(),
            })
            .unwrap();
    }
    index.write_tree_to(repo).unwrap()
}

fn commit(repo: &Repository, files: &Files, parents: &[Oid], clock: &mut i64) -> Oid {
    *clock += 60;
    let who = Signature::new("Li", "li@example.test", &Time::new(*clock, 0)).unwrap();
    let tree = repo.find_tree(tree(repo, files)).unwrap();
    let parents: Vec<_> = parents.iter().map(|id| repo.find_commit(*id).unwrap()).collect();
    let parents: Vec<_> = parents.iter().collect();
    repo.commit(None, &who, &who, "commit", &tree, &parents).unwrap()
}

fn by_git(repo: &TestRepo, ours: &str, theirs: &str) -> (Verdict, String) {
    let args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs];
    let output = repo.try_git(repo.root(), &args);
    let mut fields =
        output.stdout.split(|&b| b == 0).map(|field| String::from_utf8_lossy(field).into_owned());
    let tree = fields.next().unwrap();
    let verdict = match output.status.code() {
        Some(0) => Verdict::Clean,
        Some(1) => {
            let own = |path: String| match path.split_once('~') {
                Some((own, id)) if [ours, theirs].contains(&id) => own.to_owned(),
                _ => path,
            };
            let mut paths: Vec<String> = fields.filter(|path| !path.is_empty()).map(own).collect();
            paths.sort();
            paths.dedup();
            Verdict::Conflicts(paths)
        }
        code => panic!("{code:?}: {}", String::from_utf8_lossy(&output.stderr)),
    };
    (verdict, tree)
}

fn forecast(repo: &TestRepo, fix: Oid, production: Oid, others: &[Oid]) -> (Verdict, Vec<Verdict>) {
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let others: Vec<String> = others.iter().map(Oid::to_string).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    reader.forecast(&fix.to_string(), &production.to_string(), &others, PATIENCE)
}

/// Everything under `.git`, with its length and time.
fn files_in(repo: &TestRepo) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![repo.root().join(".git")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            }
            found.push(format!("{} {} {:?}", entry.path().display(), meta.len(), meta.modified().unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn many_merges_come_out_as_git_says() {
    let place = TestRepo::empty();
    place.write(".gitattributes", "crlf text eol=crlf\nlogo binary\ndocs/f1 merge=union\nlib/a/f0 -merge\n");
    let repo = Repository::open(place.root()).unwrap();
    let mut clock = 1_790_000_000;
    let (mut clean, mut conflicts) = (0, 0);
    for seed in 0..240 {
        let mut dice = Dice(seed);
        let base = first_files(&mut dice);
        let root = commit(&repo, &base, &[], &mut clock);
        let (one, two) = (edited(&base, &mut dice), edited(&base, &mut dice));
        let (ours, theirs) =
            (commit(&repo, &one, &[root], &mut clock), commit(&repo, &two, &[root], &mut clock));
        let (wanted, _) = by_git(&place, &ours.to_string(), &theirs.to_string());
        let (found, _) = forecast(&place, theirs, ours, &[]);
        assert_eq!(found, wanted, "seed {seed}, git merge-tree {ours} {theirs}");
        clean += usize::from(found == Verdict::Clean);
        conflicts += usize::from(found != Verdict::Clean);
    }
    assert!(clean > 40 && conflicts > 40, "{clean} clean, {conflicts} not");
}

#[test]
fn merging_the_result_comes_out_as_git_says() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let mut clock = 1_790_000_000;
    let mut counts = BTreeMap::new();
    for seed in 0..90 {
        let mut dice = Dice(1000 + seed);
        let base = first_files(&mut dice);
        let root = commit(&repo, &base, &[], &mut clock);
        let [main, fix, develop] = [(); 3].map(|()| {
            let files = edited(&base, &mut dice);
            commit(&repo, &files, &[root], &mut clock)
        });
        let (into_main, tree) = by_git(&place, &main.to_string(), &fix.to_string());
        let (found, others) = forecast(&place, fix, main, &[develop, fix]);
        assert_eq!(found, into_main, "seed {seed}");
        assert_eq!(others[1], Verdict::Contained);
        let wanted = if into_main == Verdict::Clean {
            let (main, fix) = (main.to_string(), fix.to_string());
            let made = place.git(&["commit-tree", "-m", "merge", "-p", &main, "-p", &fix, &tree]);
            by_git(&place, &develop.to_string(), &made).0
        } else {
            Verdict::Unknown(comes_first())
        };
        assert_eq!(others[0], wanted, "seed {seed}: {main} {fix} {develop}");
        *counts.entry(format!("{wanted:?}").chars().take(5).collect::<String>()).or_insert(0) += 1;
    }
    assert!(counts.len() == 3 && counts.values().all(|count| *count > 5), "{counts:?}");
}

#[test]
fn where_the_history_takes_too_long_git_says_the_same() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let mut clock = 1_790_000_000;
    let mut verdicts = std::collections::HashSet::new();
    for seed in 0..12 {
        let mut dice = Dice(2000 + seed);
        let base = first_files(&mut dice);
        let root = commit(&repo, &base, &[], &mut clock);
        let [main, fix, develop] = [(); 3].map(|()| {
            let files = edited(&base, &mut dice);
            commit(&repo, &files, &[root], &mut clock)
        });
        for (fix, production) in [(fix, main), (root, main)] {
            let history = &mut History::default();
            let until = Instant::now() + PATIENCE;
            let mut slow = Forecaster { repo: &repo, history, until, is_slow: true, made: HashMap::new() };
            let all = slow.all(fix, production, &[Some(develop), Some(fix)]);
            assert_eq!(all, forecast(&place, fix, production, &[develop, fix]), "seed {seed}");
            verdicts
                .extend(std::iter::once(all.0).chain(all.1).map(|verdict| std::mem::discriminant(&verdict)));
        }
    }
    assert_eq!(verdicts.len(), 4, "clean, in conflict, contained and unknown");
}

#[test]
fn criss_cross_merges_come_out_as_git_says() {
    let place = TestRepo::empty();
    let repo = Repository::open(place.root()).unwrap();
    let mut clock = 1_790_000_000;
    for seed in 0..40 {
        let mut dice = Dice(5000 + seed);
        let base = first_files(&mut dice);
        let root = commit(&repo, &base, &[], &mut clock);
        let (one, two) = (edited(&base, &mut dice), edited(&base, &mut dice));
        let (a, b) = (commit(&repo, &one, &[root], &mut clock), commit(&repo, &two, &[root], &mut clock));
        let (c, d) = (commit(&repo, &one, &[a, b], &mut clock), commit(&repo, &two, &[b, a], &mut clock));
        let (one, two) = (edited(&one, &mut dice), edited(&two, &mut dice));
        let (ours, theirs) = (commit(&repo, &one, &[c], &mut clock), commit(&repo, &two, &[d], &mut clock));
        let (wanted, _) = by_git(&place, &ours.to_string(), &theirs.to_string());
        assert_eq!(
            forecast(&place, theirs, ours, &[]).0,
            wanted,
            "seed {seed}, git merge-tree {ours} {theirs}"
        );
    }
}

#[test]
fn nothing_is_left_behind() {
    let place = TestRepo::new();
    place.write("src/long.rs", &"same\n".repeat(30));
    place.commit("more");
    place.git(&["switch", "-q", "-c", "fix"]);
    place.git(&["mv", "src/long.rs", "src/renamed.rs"]);
    let fix = place.commit("rename");
    place.git(&["switch", "-q", "main"]);
    place.write("src/long.rs", &"same\n".repeat(31));
    let main = place.commit("longer");
    let before = files_in(&place);
    let (fix, main) = (Oid::from_str(&fix).unwrap(), Oid::from_str(&main).unwrap());
    assert_eq!(forecast(&place, fix, main, &[main]), (Verdict::Clean, vec![Verdict::Clean]));
    assert_eq!(files_in(&place), before, "it was only read");
}

#[test]
fn a_merge_driver_is_named_and_not_run() {
    let place = TestRepo::new();
    let mark = place.beside("mark");
    place.git(&["config", "merge.evil.driver", &format!("touch {}", mark.display())]);
    place.git(&["config", "merge.renormalize", "true"]);
    place.git(&["config", "filter.evil.clean", &format!("touch {}; cat", mark.display())]);
    place.write(".gitattributes", "*.rs merge=evil filter=evil\n");
    place.git(&["-c", "filter.evil.clean=cat", "add", "-A"]);
    place.git(&["-c", "filter.evil.clean=cat", "commit", "-q", "-m", "attributes"]);
    let root = place.git(&["rev-parse", "HEAD"]);
    let repo = Repository::open(place.root()).unwrap();
    let root = Oid::from_str(&root).unwrap();
    let file = |path: &str, text: &str| -> Files {
        BTreeMap::from([(path.to_owned(), (trees::FILE, text.as_bytes().to_vec()))])
    };
    let mut clock = 1_790_000_000;
    let ours = commit(&repo, &file("src/pool.rs", "one\n"), &[root], &mut clock);
    let theirs = commit(&repo, &file("src/pool.rs", "two\n"), &[root], &mut clock);
    let (verdict, _) = forecast(&place, theirs, ours, &[]);
    let Verdict::Unknown(why) = verdict else { panic!("{verdict:?}") };
    assert!(why.contains("src/pool.rs is merged by evil, which is not run"), "{why}");
    // One that has to be asked of git comes to neither driver nor filter.
    let moved = commit(&repo, &file("moved.rs", "pub const LIMIT: u32 = 100;\n"), &[root], &mut clock);
    let (verdict, _) = forecast(&place, moved, ours, &[]);
    assert!(matches!(verdict, Verdict::Unknown(_)), "{verdict:?}");
    assert!(!mark.exists());
}

#[test]
fn cut_off_and_unrelated_histories_are_unknown() {
    let place = TestRepo::new();
    let first = place.git(&["rev-parse", "HEAD"]);
    place.git(&["switch", "-q", "--orphan", "other"]);
    place.write("x", "x\n");
    let other = place.commit("unrelated");
    let ids = [&first, &other].map(|id| Oid::from_str(id).unwrap());
    let (verdict, _) = forecast(&place, ids[1], ids[0], &[]);
    assert_eq!(verdict, Verdict::Unknown("the two have no commit in common".into()));

    place.git(&["switch", "-q", "main"]);
    place.write("a", "1\n");
    place.commit("on main");
    place.git(&["switch", "-q", "-c", "hotfix/x", "main~1"]);
    place.write("b", "1\n");
    place.commit("fix");
    place.with_origin();
    place.git(&["push", "-q", "origin", "hotfix/x"]);
    let shallow = place.beside("shallow");
    let url = format!("file://{}", place.beside("origin.git").display());
    place.git(&["clone", "-q", "--depth", "1", "--no-single-branch", &url, shallow.to_str().unwrap()]);
    let (fix, main) = (place.git(&["rev-parse", "hotfix/x"]), place.git(&["rev-parse", "main"]));
    let mut reader = Reader::open(&shallow).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(reader.forecast(&fix, &main, &[], PATIENCE).0, Verdict::Unknown(CUT_OFF.to_owned()));
}

#[test]
fn without_time_it_is_unknown_rather_than_late() {
    let place = TestRepo::new();
    let main = place.git(&["rev-parse", "HEAD"]);
    place.git(&["switch", "-q", "-c", "fix"]);
    place.write("a", "1\n");
    let fix = place.commit("fix");
    place.git(&["switch", "-q", "main"]);
    place.write("b", "1\n");
    let ahead = place.commit("on main");
    let mut reader = Reader::open(place.root()).unwrap_or_else(|none| panic!("{none:?}"));
    assert_eq!(reader.forecast(&fix, &main, &[], PATIENCE).0, Verdict::Clean);
    assert_eq!(reader.forecast(&main, &fix, &[], PATIENCE).0, Verdict::Contained);
    assert_eq!(reader.forecast(&fix, &ahead, &[], Duration::ZERO).0, Verdict::Unknown(LATE.to_owned()));
}
