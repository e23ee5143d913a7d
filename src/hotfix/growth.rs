//! Whether a hotfix has outgrown the fault: its size without tests and versions, and files that do
//! not seem to belong to it. Pure. A hint and no verdict: it stays silent where it is not sure.

use std::collections::BTreeMap;

use super::outlook::{Growth, Stray};
use crate::incident::HotfixLimit;

/// Folders that hold parts of a whole and say nothing about what belongs together.
const CONTAINERS: [&str; 16] = [
    "src",
    "lib",
    "libs",
    "app",
    "apps",
    "packages",
    "services",
    "crates",
    "modules",
    "components",
    "internal",
    "pkg",
    "cmd",
    "java",
    "main",
    "python",
];
/// What says nothing about code: notes, pictures, settings, and what a fix of code may well need.
const COMPANIONS: [&str; 22] = [
    "md",
    "txt",
    "rst",
    "adoc",
    "png",
    "svg",
    "jpg",
    "toml",
    "yaml",
    "yml",
    "json",
    "ini",
    "cfg",
    "conf",
    "env",
    "properties",
    "xml",
    "sql",
    "lock",
    "sum",
    "tf",
    "proto",
];
/// Where white space at the beginning of a line means something.
const INDENTED: [&str; 11] = ["py", "pyi", "yaml", "yml", "mk", "pug", "haml", "sass", "coffee", "nim", "fs"];
/// Names shorter than this are in every text.
const SHORTEST_NAME: usize = 3;

/// What a branch did to one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// Lines added.
    pub insertions: usize,
    /// Lines taken away.
    pub deletions: usize,
    /// Whether it is a test, or holds the version, or was written by a tool: then it counts for
    /// nothing.
    pub is_apart: bool,
    /// Whether only white space was changed.
    pub formatting_only: bool,
    /// The lines that were added and taken away, as far as they are text.
    pub lines: String,
}

impl FileChange {
    fn size(&self) -> usize {
        self.insertions + self.deletions
    }
}

/// How far a change has grown.
pub fn growth(files: &[FileChange], limit: &HotfixLimit) -> Growth {
    let counted: Vec<&FileChange> = files.iter().filter(|file| !file.is_apart).collect();
    let lines: usize = counted.iter().map(|file| file.size()).sum();
    let mut beyond = Vec::new();
    if counted.len() > limit.files {
        beyond.push(format!(
            "{} files besides tests; a minimal fix has up to {}",
            counted.len(),
            limit.files
        ));
    }
    if lines > limit.lines {
        beyond.push(format!("{lines} lines besides tests; a minimal fix has up to {}", limit.lines));
    }
    let mut strays: Vec<Stray> = counted
        .iter()
        .filter(|file| file.formatting_only)
        .map(|file| Stray { path: file.path.clone(), why: "formatting only".to_owned() })
        .collect();
    strays.extend(unrelated(&counted));
    strays.sort_by(|a, b| a.path.cmp(&b.path));
    Growth { beyond, strays }
}

/// Code in another part than the one that the fix is in, which says nothing about that either.
fn unrelated(counted: &[&FileChange]) -> Vec<Stray> {
    let code: Vec<(&FileChange, &str)> = counted
        .iter()
        .filter(|file| !file.formatting_only && !is_companion(&file.path))
        .filter_map(|file| Some((*file, part(&file.path)?)))
        .collect();
    let mut parts: BTreeMap<&str, Vec<&FileChange>> = BTreeMap::new();
    for (file, part) in &code {
        parts.entry(part).or_default().push(file);
    }
    let size = |files: &Vec<&FileChange>| -> usize { files.iter().map(|file| file.size()).sum() };
    let whole: usize = parts.values().map(size).sum();
    let Some((heart, own)) = parts.iter().max_by_key(|(_, files)| size(files)) else { return Vec::new() };
    // One file among others is no middle; nor is a part that the rest outweighs.
    if own.len() < 2 || size(own) * 3 < whole * 2 {
        return Vec::new();
    }
    let mut names: Vec<String> = own.iter().filter_map(|file| stem(&file.path)).collect();
    names.push(last(heart).to_ascii_lowercase());
    names.retain(|name| name.len() >= SHORTEST_NAME);
    let knows = |file: &FileChange| {
        let lines = file.lines.to_ascii_lowercase();
        let name = stem(&file.path).unwrap_or_default();
        let is_used = name.len() >= SHORTEST_NAME
            && own.iter().any(|other| other.lines.to_ascii_lowercase().contains(&name));
        is_used
            || names.iter().any(|name| lines.contains(name) || file.path.to_ascii_lowercase().contains(name))
    };
    code.iter()
        .filter(|(file, part)| part != heart && !knows(file))
        .map(|(file, _)| Stray { path: file.path.clone(), why: format!("unrelated to {heart}/") })
        .collect()
}

/// The part of the whole that a file is in: its folders down to the first with a name of its own.
/// `None`: it is at the top of the whole.
fn part(path: &str) -> Option<&str> {
    let (folders, _) = path.rsplit_once('/')?;
    let mut end = 0;
    for name in folders.split('/') {
        end += name.len() + usize::from(end > 0);
        if !CONTAINERS.contains(&name) {
            return folders.get(..end);
        }
    }
    None
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name of a file without its endings, where it says something.
fn stem(path: &str) -> Option<String> {
    let stem = last(path).split('.').next().unwrap_or_default().to_ascii_lowercase();
    let says_nothing = ["mod", "lib", "main", "index", "init", "__init__", "util", "utils"];
    (stem.len() >= SHORTEST_NAME && !says_nothing.contains(&stem.as_str())).then_some(stem)
}

fn ending(path: &str) -> Option<String> {
    last(path).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

fn is_companion(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    hidden || ending(path).is_none_or(|ending| COMPANIONS.contains(&ending.as_str()))
}

/// Tells whether two texts differ in nothing but white space that means nothing.
pub fn same_but_for_space(path: &str, old: &str, new: &str) -> bool {
    if old == new || old.is_empty() || new.is_empty() {
        return false;
    }
    let indented = ending(path).is_some_and(|ending| INDENTED.contains(&ending.as_str()))
        || last(path).to_ascii_lowercase().contains("makefile");
    if indented {
        let lines = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        lines(old) == lines(new)
    } else {
        pieces(old).eq(pieces(new))
    }
}

/// Words, signs, and what is in quotation marks as it stands.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if first == '"' || first == '\'' || first == '`' {
            let line = rest.find('\n').unwrap_or(rest.len());
            let inside = rest.get(1..line).unwrap_or_default();
            inside.find(first).map_or(1, |at| at + 2)
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: HotfixLimit = HotfixLimit { files: 3, lines: 40 };

    fn file(path: &str, size: usize) -> FileChange {
        FileChange { path: path.into(), insertions: size, ..FileChange::default() }
    }

    fn strays(files: &[FileChange]) -> Vec<(String, String)> {
        growth(files, &LIMIT).strays.into_iter().map(|stray| (stray.path, stray.why)).collect()
    }

    #[test]
    fn a_minimal_fix_with_its_test_and_version_is_silent() {
        let apart = |path, size| FileChange { is_apart: true, ..file(path, size) };
        let files = [file("src/pool.rs", 12), apart("tests/pool.rs", 300), apart("Cargo.lock", 900)];
        assert_eq!(growth(&files, &LIMIT), Growth::default());
    }

    #[test]
    fn more_than_the_limit_is_said_with_its_figures() {
        let files: Vec<_> = (0..4).map(|n| file(&format!("src/f{n}.rs"), 11)).collect();
        assert_eq!(
            growth(&files, &LIMIT).beyond,
            [
                "4 files besides tests; a minimal fix has up to 3",
                "44 lines besides tests; a minimal fix has up to 40"
            ]
        );
    }

    #[test]
    fn code_elsewhere_that_knows_nothing_of_the_fix_is_pointed_out() {
        let fix = || vec![file("src/pool/limit.rs", 10), file("src/pool/wait.rs", 10)];
        let mut files = fix();
        files.push(file("src/report/colours.rs", 3));
        assert_eq!(strays(&files), [("src/report/colours.rs".into(), "unrelated to src/pool/".into())]);
        let mut caller = fix();
        caller.push(FileChange {
            lines: "use crate::pool::Limit;\n".into(),
            ..file("src/report/colours.rs", 3)
        });
        assert!(strays(&caller).is_empty(), "it calls what was fixed");
        for companion in
            ["config/app.toml", "migrations/7.sql", "CHANGELOG.md", "Makefile", ".ci/run.rs", "src/lib.rs"]
        {
            let mut files = fix();
            files.push(file(companion, 3));
            assert!(strays(&files).is_empty(), "{companion}");
        }
    }

    #[test]
    fn without_a_middle_nothing_is_unrelated() {
        assert!(strays(&[file("src/pool/a.rs", 9), file("src/report/b.rs", 1)]).is_empty());
        let even = [
            file("src/pool/a.rs", 5),
            file("src/pool/b.rs", 5),
            file("src/report/c.rs", 5),
            file("src/report/d.rs", 5),
        ];
        assert!(strays(&even).is_empty());
    }

    #[test]
    fn formatting_is_told_from_a_change() {
        let same = |path, old, new| same_but_for_space(path, old, new);
        assert!(same("a.rs", "fn a() {\n  b(1);\n}\n", "fn a()\n{\n    b( 1 );\n}\n"));
        assert!(same("a.rs", "a\r\nb\r\n", "a\nb\n"));
        assert!(!same("a.rs", "a b", "ab"));
        assert!(!same("a.rs", "print(\"a b\")", "print(\"a  b\")"));
        assert!(!same("a.rs", "it's", "it's not"));
        assert!(!same("a.rs", "same", "same"));
        assert!(!same("a.py", "if a:\n    b\nc\n", "if a:\n    b\n    c\n"));
        assert!(same("a.py", "a\n\n\nb  \n", "a\nb\n"));
        assert!(!same("Makefile", "a:\n\tb\n", "a:\n    b\n"));
    }
}
