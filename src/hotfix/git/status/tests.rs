use std::path::PathBuf;

use super::*;
use crate::hotfix::testing::TestRepo;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// What git says: the code and the path of each line, in order.
fn by_git(repo: &TestRepo) -> Vec<(String, String)> {
    let output = repo.try_git(repo.root(), &["status", "--porcelain", "-z"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut fields = text.split('\0').filter(|field| !field.is_empty());
    let mut found = Vec::new();
    while let Some(field) = fields.next() {
        let (code, path) = field.split_at(2);
        if code.starts_with('R') {
            fields.next();
        }
        found.push((code.to_owned(), path.trim_start().trim_end_matches('/').to_owned()));
    }
    found.sort();
    found
}

fn by_us(files: &[DirtyFile]) -> Vec<(String, String)> {
    let pair = |file: &DirtyFile| (file.code.clone(), file.path.trim_end_matches('/').to_owned());
    let mut found: Vec<_> = files.iter().map(pair).collect();
    found.sort();
    found
}

const PATHS: [&str; 14] = [
    "a",
    "b",
    "src/a",
    "src/b",
    "src/deep/a",
    "src/deep/b",
    "new/a",
    "new/deep/b",
    "src/new/c",
    "docs/a",
    "x.log",
    "docs/y.log",
    "logs/a",
    "src/deep/more/d",
];

/// Does something to the work tree; returns what a watch would tell of it.
fn edit(repo: &TestRepo, dice: &mut Dice) -> Vec<PathBuf> {
    let path = dice.pick(&PATHS);
    let full = repo.root().join(path);
    match dice.roll(12) {
        0..=4 => {
            if full.is_dir() || full.ancestors().skip(1).any(Path::is_file) {
                return Vec::new();
            }
            let made = full.ancestors().skip(1).take_while(|folder| !folder.exists()).last();
            let made = made.map(|folder| folder.strip_prefix(repo.root()).unwrap().to_path_buf());
            repo.write(path, &format!("{}\n", dice.roll(50)));
            // A watch learns of a new folder, and of what is in it perhaps never.
            vec![made.unwrap_or(path.into())]
        }
        5 | 6 => {
            if full.is_dir() || std::fs::remove_file(&full).is_err() {
                return Vec::new();
            }
            vec![path.into()]
        }
        7 => {
            let folder = dice.pick(&["src/deep", "new", "docs", "src/new", "src"]);
            if std::fs::remove_dir_all(repo.root().join(folder)).is_err() {
                return Vec::new();
            }
            vec![folder.into()]
        }
        8 => {
            let (from, to) = (dice.pick(&["src/deep", "new", "docs"]), dice.pick(&["moved", "src/moved"]));
            let there = repo.root().join(to);
            if there.exists() || !there.parent().unwrap().is_dir() {
                return Vec::new();
            }
            match std::fs::rename(repo.root().join(from), there) {
                Ok(()) => vec![from.into(), to.into()],
                Err(_) => Vec::new(),
            }
        }
        9 => {
            // Empty folders come and go.
            let _ = std::fs::create_dir_all(repo.root().join("empty/er"));
            vec!["empty".into()]
        }
        10 => {
            let rules = dice.pick(&["*.log\n", "", "docs/\n", "/new/\n*.log\n"]);
            repo.write(".gitignore", rules);
            vec![".gitignore".into()]
        }
        _ => {
            // What changes the index is told as anything, and noticed even if it is not.
            let arguments: &[&str] = match dice.roll(4) {
                0 => &["add", "-A"],
                1 => &["mv", "src/a", "src/renamed"],
                2 => &["commit", "-q", "-m", "more"],
                _ => &["reset", "-q"],
            };
            repo.try_git(repo.root(), arguments);
            Vec::new()
        }
    }
}

#[test]
fn after_every_edit_the_changed_files_are_those_of_git() {
    for seed in 0..5 {
        let place = TestRepo::new();
        for path in ["a", "b", "src/a", "src/b", "src/deep/a", "docs/a", "docs/y.log"] {
            place.write(path, &format!("{path}\n"));
        }
        place.git(&["add", "-f", "."]);
        place.git(&["commit", "-q", "-m", "files"]);
        let repo = Repository::open(place.root()).unwrap();
        let head = || repo.head().ok()?.peel_to_commit().ok().map(|commit| commit.id());
        let mut dice = Dice(seed);
        let mut changes = Changes::default();
        changes.read(&repo, head(), &Changed::Anything).unwrap();
        for step in 0..40 {
            let mut told = Vec::new();
            for _ in 0..=dice.roll(3) {
                told.extend(edit(&place, &mut dice));
            }
            let found = changes.read(&repo, head(), &Changed::Files(told.clone())).unwrap();
            assert_eq!(by_us(&found), by_git(&place), "seed {seed}, step {step}, told {told:?}");
        }
    }
}

#[test]
fn a_file_in_a_large_tree_is_looked_at_alone() {
    let place = TestRepo::new();
    place.write("src/other.rs", "one\n");
    place.commit("more");
    let repo = Repository::open(place.root()).unwrap();
    let head = repo.head().unwrap().target();
    let mut changes = Changes::default();
    changes.read(&repo, head, &Changed::Anything).unwrap();
    place.write("src/pool.rs", "changed\n");
    place.write("src/other.rs", "not told of\n");
    let told = |path: &str| Changed::Files(vec![path.into()]);
    let found = changes.read(&repo, head, &told("src/pool.rs")).unwrap();
    assert_eq!(by_us(&found), [(" M".to_owned(), "src/pool.rs".to_owned())], "nothing else was looked at");
    let found = changes.read(&repo, head, &told("src/other.rs")).unwrap();
    assert_eq!(found.len(), 2);
    place.write("src/new.rs", "new\n");
    place.write("src/newer.rs", "not told of\n");
    let found = changes.read(&repo, head, &told("src/new.rs")).unwrap();
    assert_eq!(by_us(&found[2..]), [("??".to_owned(), "src/new.rs".to_owned())], "nor beside a new one");
    std::fs::remove_file(place.root().join("src/new.rs")).unwrap();
    assert_eq!(changes.read(&repo, head, &told("src/new.rs")).unwrap().len(), 2);
    std::fs::remove_file(place.root().join("src/newer.rs")).unwrap();
    place.git(&["checkout", "-q", "src/pool.rs"]);
    let found = changes.read(&repo, head, &Changed::Files(Vec::new())).unwrap();
    assert_eq!(by_us(&found), [(" M".to_owned(), "src/other.rs".to_owned())], "a new index is noticed");
}

#[test]
fn what_is_in_a_submodule_is_looked_at_as_a_whole() {
    let place = TestRepo::new();
    let inner = place.beside("inner");
    place.git(&["clone", "-q", place.root().to_str().unwrap(), inner.to_str().unwrap()]);
    place.git(&["submodule", "--quiet", "add", inner.to_str().unwrap(), "vendor/inner"]);
    place.commit("submodule");
    let repo = Repository::open(place.root()).unwrap();
    let head = repo.head().unwrap().target();
    let mut changes = Changes::default();
    changes.read(&repo, head, &Changed::Anything).unwrap();
    place.write("vendor/inner/VERSION", "9\n");
    let told = Changed::Files(vec!["vendor/inner/VERSION".into()]);
    let found = changes.read(&repo, head, &told).unwrap();
    assert_eq!(by_us(&found), by_git(&place));
    assert_eq!(found.len(), 1);
}
