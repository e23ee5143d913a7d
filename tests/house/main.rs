//! The rules of the house, read from the sources: who may import whom, how long a file may
//! be, and that every folder says what lives there.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a test ends where something is not as it must be, and Rust code is cut at ASCII marks"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Most lines a file may have.
const MAX_LINES: usize = 600;

/// Folders that know no clock, environment, file, network or terminal.
const PURE: [&str; 3] = ["incident", "plan", "cockpit"];

/// Crates and parts of the standard library that touch the world.
const WORLD: [&str; 17] = [
    "tokio",
    "git2",
    "reqwest",
    "rusqlite",
    "ratatui",
    "crossterm",
    "hyper",
    "notify",
    "rustix",
    "pty_process",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
];

/// Parts of those that are only data.
const DATA: [&str; 5] = [
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::process::ExitCode",
];

/// Files of otherwise pure folders that touch the world.
const TOUCHES_WORLD: [&str; 5] =
    ["hotfix::git", "hotfix::watch", "health::http", "health::command", "health::runner"];

/// What may be imported by all.
const FOR_ALL: [&str; 3] = ["config::types", "failure", "text"];

/// Who may carry out what the files that touch the world offer.
const MAY_TOUCH: [&str; 4] = ["runtime", "conductor", "cli", "drill"];

/// A source file: its module path, and what it is made of outside its tests.
struct Source {
    path: PathBuf,
    /// `health::http`.
    module: String,
    text: String,
}

impl Source {
    fn folder(&self) -> &str {
        self.module.split("::").next().unwrap_or_default()
    }

    /// Paths it names, `crate::` taken off: `journal::Journal`, `std::fs::File`.
    fn names(&self) -> BTreeSet<String> {
        let code = without_tests_and_comments(&self.text);
        let mut found = BTreeSet::new();
        for (at, _) in code.match_indices("::") {
            let start = code[..at].rfind(|c: char| !is_name(c)).map_or(0, |i| i + 1);
            let continues = code[..start].ends_with("::");
            if !continues && start < at {
                expand(&code[start..], "", &mut found);
            }
        }
        found.into_iter().filter_map(|path| self.absolute(&path)).collect()
    }

    /// A path as seen from the root of the crate.
    fn absolute(&self, path: &str) -> Option<String> {
        let mut here: Vec<&str> = self.module.split("::").collect();
        let mut rest = path;
        if let Some(path) = rest.strip_prefix("crate::") {
            return Some(path.to_owned());
        }
        if !rest.starts_with("super::") {
            return Some(rest.to_owned());
        }
        while let Some(path) = rest.strip_prefix("super::") {
            here.pop()?;
            rest = path;
        }
        here.push(rest);
        Some(here.join("::"))
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Collects the paths of a `use` tree or of a path in code: `a::{b, c::d}` is two.
fn expand(text: &str, prefix: &str, found: &mut BTreeSet<String>) {
    let name: String = text.chars().take_while(|&c| is_name(c)).collect();
    let rest = &text[name.len()..];
    let path = if prefix.is_empty() { name } else { format!("{prefix}::{name}") };
    let Some(next) = rest.strip_prefix("::") else {
        found.insert(path);
        return;
    };
    let Some(group) = next.strip_prefix('{') else {
        expand(next, &path, found);
        return;
    };
    let mut depth = 0;
    let mut start = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && is_name(c) => {
                start = false;
                expand(&group[at..], &path, found);
            }
            _ => {}
        }
    }
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().map(|line| match line.find("//") {
        Some(at) if !line[..at].contains('"') => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All files below a folder with this ending.
fn files(below: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of the program, without files that hold nothing but tests.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let sources = files(&src, "rs").into_iter().map(|path| {
        let inside = path.strip_prefix(&src).unwrap().with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        let module = parts.strip_suffix(&["mod"]).unwrap_or(&parts).join("::");
        Source { text: fs::read_to_string(&path).unwrap(), module, path }
    });
    let of_tests = |source: &Source| {
        let name = source.module.rsplit("::").next().unwrap_or_default().to_owned();
        let declared = |text: &str| text.contains("#![cfg(test)]");
        name == "testing" || name == "tests" || name.ends_with("_tests") || declared(&source.text)
    };
    sources.filter(|source| !of_tests(source)).collect()
}

fn is_below(path: &str, module: &str) -> bool {
    path == module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

fn any_below(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| is_below(path, module))
}

/// Fails with one line for each file and path that breaks a rule.
fn nobody(rule: &str, breaks: impl Fn(&Source, &str) -> bool) {
    let mut broken = Vec::new();
    for source in sources() {
        for path in source.names().iter().filter(|path| breaks(&source, path)) {
            broken.push(format!("{}: {path}", source.path.strip_prefix(root()).unwrap().display()));
        }
    }
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// Tells whether a source belongs to what has to stay pure.
fn is_pure(source: &Source) -> bool {
    let shared = ["hotfix", "deploy", "health", "comms", "report"].contains(&source.folder());
    PURE.contains(&source.folder()) || (shared && !any_below(&source.module, &TOUCHES_WORLD))
}

#[test]
fn pure_parts_touch_nothing() {
    nobody("these are to be pure", |source, path| {
        let world = any_below(path, &WORLD) && !any_below(path, &DATA);
        let clock = ["Timestamp::now", "Zoned::now", "SystemTime::now", "Instant::now"];
        is_pure(source) && (world || clock.iter().any(|now| path.ends_with(now)))
    });
}

#[test]
fn what_touches_the_world_is_there() {
    let modules: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let gone: Vec<_> = TOUCHES_WORLD.iter().filter(|file| !modules.contains(**file)).collect();
    assert!(gone.is_empty(), "take these off the list: {gone:?}");
}

#[test]
fn only_those_who_carry_things_out_import_what_touches_the_world() {
    nobody("only runtime, conductor, cli and drill may import these", |source, path| {
        any_below(path, &TOUCHES_WORLD)
            && !any_below(&source.module, &MAY_TOUCH)
            && !TOUCHES_WORLD.iter().any(|file| is_below(path, file) && is_below(&source.module, file))
            && !any_below(&source.module, &TOUCHES_WORLD)
    });
}

#[test]
fn imports_go_downwards_only() {
    let all: BTreeSet<String> = sources().iter().map(|source| source.folder().to_owned()).collect();
    let five = ["hotfix", "deploy", "health", "comms", "report"];
    nobody("imports go cockpit → the five → plan → incident", |source, path| {
        let to = path.split("::").next().unwrap_or_default();
        let from = source.folder();
        if !all.contains(to) || to == from || any_below(path, &FOR_ALL) {
            return false;
        }
        match from {
            "incident" => true,
            "plan" => to != "incident",
            _ if five.contains(&from) && is_pure(source) => {
                !["plan", "incident"].contains(&to) && !five.contains(&to)
            }
            "cockpit" => {
                !["plan", "incident"].contains(&to)
                    && !five.contains(&to)
                    && !any_below(path, &["config::problem", "config::settings", "drill::guide"])
            }
            _ => false,
        }
    });
}

#[test]
fn nothing_imports_the_screen_or_the_command_line() {
    nobody("only runtime, cli and main may import tui, only main may import cli", |source, path| {
        let from = source.folder();
        (is_below(path, "tui") && !["tui", "runtime", "cli"].contains(&from))
            || (is_below(path, "cli") && !["cli", "main"].contains(&from))
    });
}

#[test]
fn the_screen_draws_and_does_nothing_else() {
    let forbidden = [
        "tokio",
        "git2",
        "reqwest",
        "rusqlite",
        "std::net",
        "std::process",
        "journal",
        "conductor",
        "runtime",
    ];
    nobody("tui imports the model and nothing that does I/O", |source, path| {
        source.folder() == "tui" && (any_below(path, &forbidden) || any_below(path, &TOUCHES_WORLD))
    });
}

#[test]
fn no_file_is_longer_than_one_reads() {
    let folders = ["src", "tests", "benches"].map(|folder| root().join(folder));
    let all = folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| files(folder, "rs"));
    let long: Vec<String> = all
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "split these by what they are about:\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_lives_there() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "these do not open with //!:\n{}", silent.join("\n"));
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[allow", "("),
        concat!("dbg", "!("),
    ];
    let unfinished: Vec<_> = sources()
        .into_iter()
        .filter(|source| marks.iter().any(|mark| source.text.contains(mark)))
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(unfinished.is_empty(), "{}", unfinished.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_them_all() {
    let source = |module: &str, text: &str| Source {
        path: PathBuf::from("src/x.rs"),
        module: module.to_owned(),
        text: text.to_owned(),
    };
    let names = source(
        "health::rules",
        "use crate::{journal::Journal, text};\nuse super::super::cli::{a, b::{c, d}};\n\
         use super::http; // crate::comment::x\nfn f() { std::fs::read(\"x\"); crate::tui::draw() }\n\
         #[cfg(test)]\nmod tests { use crate::runtime::x; }\n",
    )
    .names();
    for expected in
        ["journal::Journal", "text", "cli::a", "cli::b::d", "health::http", "std::fs::read", "tui::draw"]
    {
        assert!(names.contains(expected), "{expected} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("comment") || name.contains("runtime")), "{names:?}");
}
