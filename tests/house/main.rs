//! The rules of the house, read from the sources: who may import whom, how long a file may
//! be, and that every folder says what lives there.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

mod reading;

use reading::Source;

/// Most lines a file may have.
const MAX_LINES: usize = 600;

/// Folders that know no clock, environment, file, network or terminal.
const PURE: [&str; 3] = ["incident", "plan", "cockpit"];

/// Crates and parts of the standard library that touch the world.
const WORLD: [&str; 22] = [
    "sysinfo",
    "signal_hook",
    "tokio_postgres",
    "std::os::unix::net",
    "tokio",
    "git2",
    "reqwest",
    "lettre",
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
const TOUCHES_WORLD: [&str; 13] = [
    "exchange",
    "hotfix::git",
    "hotfix::watch",
    "health::http",
    "health::command",
    "health::alertmanager",
    "health::api",
    "health::datadog",
    "health::keyring",
    "health::machine",
    "health::postgres",
    "health::prometheus",
    "health::runner",
];

/// What may be imported by all.
const FOR_ALL: [&str; 3] = ["config::types", "failure", "text"];

/// Who may carry out what the files that touch the world offer.
const MAY_TOUCH: [&str; 4] = ["runtime", "conductor", "cli", "drill"];

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

/// The sources of the program, without files that are compiled for tests alone.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(&src).unwrap().with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        let module = parts.strip_suffix(&["mod"]).unwrap_or(&parts).join("::");
        Source { text: fs::read_to_string(&path).unwrap(), module, path }
    };
    let all: Vec<Source> = files(&src, "rs").into_iter().map(read).collect();
    let tests: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    all.into_iter().filter(|source| !any_below(&source.module, &tests)).collect()
}

fn is_below(path: &str, module: &str) -> bool {
    path == module || path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

fn any_below(path: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| is_below(path, module))
}

/// A rule of imports.
struct Rule {
    /// What it says.
    says: &'static str,
    /// Tells whether a source breaks it by naming a path.
    breaks: fn(&Source, &str) -> bool,
    /// A path that breaks it in this source; `None`: the rule is not about it.
    violation: fn(&Source) -> Option<&'static str>,
}

const RULES: [Rule; 7] = [
    Rule {
        says: "what is pure touches nothing of the world",
        breaks: |source, path| {
            is_pure(source) && any_below(path, &WORLD) && !any_below(path, &DATA)
                || globs(source, path, &WORLD)
        },
        violation: |source| is_pure(source).then_some("std::fs::read"),
    },
    Rule {
        says: "what is pure reads no clock",
        breaks: |source, path| {
            let clock = [
                "Timestamp::now",
                "Zoned::now",
                "SystemTime::now",
                "Instant::now",
                "Instant::elapsed",
                "Uuid::now_v7",
            ];
            is_pure(source) && clock.iter().any(|now| path.ends_with(now))
        },
        violation: |source| is_pure(source).then_some("std::time::SystemTime::now"),
    },
    Rule {
        says: "only runtime, conductor, cli and drill import what touches the world",
        breaks: |source, path| !may_touch(source) && any_below(path, &TOUCHES_WORLD),
        violation: |source| (!may_touch(source)).then_some("crate::health::http::planted"),
    },
    Rule {
        says: "imports go cockpit → hotfix, deploy, health, comms, report → plan → incident",
        breaks: goes_up,
        violation: |source| match source.folder() {
            "incident" => Some("crate::plan::planted"),
            "plan" => Some("crate::cockpit::planted"),
            "cockpit" => Some("crate::journal::planted"),
            _ if is_pure(source) => Some("crate::cockpit::planted"),
            _ => None,
        },
    },
    Rule {
        says: "only runtime, cli and main import tui, only main imports cli",
        breaks: |source, path| {
            let from = source.folder();
            (is_below(path, "tui") && !["tui", "runtime", "cli"].contains(&from))
                || (is_below(path, "cli") && !["cli", "main"].contains(&from))
        },
        violation: |source| (!["cli", "main"].contains(&source.folder())).then_some("crate::cli::planted"),
    },
    Rule {
        says: "tui imports the model and nothing that does I/O",
        breaks: |source, path| {
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
            source.folder() == "tui" && (any_below(path, &forbidden) || any_below(path, &TOUCHES_WORLD))
        },
        violation: |source| (source.folder() == "tui").then_some("crate::conductor::planted"),
    },
    Rule {
        says: "config imports neither hotfix nor deploy",
        breaks: |source, path| source.folder() == "config" && any_below(path, &["hotfix", "deploy"]),
        violation: |source| (source.folder() == "config").then_some("crate::deploy::planted"),
    },
];

/// Tells whether a source belongs to what has to stay pure.
fn is_pure(source: &Source) -> bool {
    let shared = ["hotfix", "deploy", "health", "comms", "report"].contains(&source.folder());
    PURE.contains(&source.folder()) || (shared && !any_below(&source.module, &TOUCHES_WORLD))
}

/// Tells whether a pure source imports all of something that holds a part of the world.
fn globs(source: &Source, path: &str, world: &[&str]) -> bool {
    let Some(all_of) = path.strip_suffix("::*") else { return false };
    is_pure(source) && world.iter().any(|part| is_below(part, all_of))
}

fn may_touch(source: &Source) -> bool {
    any_below(&source.module, &MAY_TOUCH) || any_below(&source.module, &TOUCHES_WORLD)
}

fn goes_up(source: &Source, path: &str) -> bool {
    let five = ["hotfix", "deploy", "health", "comms", "report"];
    let to = path.split("::").next().unwrap_or_default();
    let from = source.folder();
    if !folders().contains(to) || to == from || any_below(path, &FOR_ALL) {
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
                && !any_below(
                    path,
                    &[
                        "config::problem",
                        "config::settings",
                        "drill::guide",
                        "drill::grade",
                        "drill::scenario",
                    ],
                )
        }
        _ => false,
    }
}

/// The folders and files at the root of the sources.
fn folders() -> &'static BTreeSet<String> {
    static FOLDERS: OnceLock<BTreeSet<String>> = OnceLock::new();
    FOLDERS.get_or_init(|| sources().iter().map(|source| source.folder().to_owned()).collect())
}

/// The paths by which a source breaks a rule.
fn broken(rule: &Rule, source: &Source) -> Vec<String> {
    source.names().into_iter().filter(|path| (rule.breaks)(source, path)).collect()
}

#[test]
fn the_rules_of_import_hold() {
    let mut all = Vec::new();
    for source in sources() {
        for rule in &RULES {
            for path in broken(rule, &source) {
                let file = source.path.strip_prefix(root()).unwrap().display();
                all.push(format!("{file}: {path} ({})", rule.says));
            }
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Ways to break a rule: something that names the path, with a number that makes it unique.
const PLANTED: [fn(&str, usize) -> String; 5] = [
    |path, n| format!("use {path} as planted_{n};\n"),
    |path, n| {
        let (parent, name) = path.rsplit_once("::").unwrap();
        format!("use {parent} as planted_{n};\nfn plants_{n}() {{ planted_{n}::{name}() }}\n")
    },
    |path, n| format!("fn planted_{n}() {{ let _ = {path}(); }}\n"),
    |path, n| format!("fn planted_{n}() {{ println!(\"{{:?}}\", {path}()); }}\n"),
    |path, n| format!("fn planted_{n}() -> impl Fn() {{ <{path}>::default }}\n"),
];

/// Plants a violation of each rule into each file it is about: where imports stand, before the
/// tests, and behind them, each time in another way. Each has to be found.
#[test]
fn a_violation_is_found_wherever_it_stands() {
    let mut ways = PLANTED.iter().cycle();
    let mut planted = [0; RULES.len()];
    for source in sources() {
        // Behind what the file says of itself, before its first test, at its end.
        let top = source.text.lines().take_while(|line| line.starts_with("//!") || line.starts_with("#!["));
        let top = top.map(|line| line.len() + 1).sum::<usize>().min(source.text.len());
        let before_tests = source.text.find("#[cfg(test)]").unwrap_or(source.text.len());
        for at in [top, before_tests, source.text.len()] {
            let plant = ways.next().unwrap();
            let mut text = source.text.clone();
            for (n, rule) in RULES.iter().enumerate() {
                if let Some(path) = (rule.violation)(&source) {
                    text.insert_str(at, &plant(path, n));
                    planted[n] += 1;
                }
            }
            let changed = Source { path: source.path.clone(), module: source.module.clone(), text };
            let names = changed.names();
            for path in RULES.iter().filter_map(|rule| (rule.violation)(&source)) {
                let name = path.trim_start_matches("crate::");
                let found = names.contains(name) && RULES.iter().any(|rule| (rule.breaks)(&changed, name));
                assert!(found, "{}: {path} is not found:\n{}", source.path.display(), plant(path, 0));
            }
        }
    }
    assert!(planted.iter().all(|count| *count >= PLANTED.len()), "{planted:?}");
}

#[test]
fn what_a_file_names_is_seen_in_modules_of_its_own_and_in_calls() {
    let text =
        "fn late(at: At) -> bool { at.elapsed() > LONG }\nmod inner { use super::super::journal::Journal; }";
    let source = Source { path: "x.rs".into(), module: "incident".to_owned(), text: text.to_owned() };
    let names = source.names();
    assert!(names.contains("journal::Journal") && names.contains("std::time::Instant::elapsed"), "{names:?}");
}

#[test]
fn what_touches_the_world_is_there() {
    let modules: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let gone: Vec<_> = TOUCHES_WORLD.iter().filter(|file| !modules.contains(**file)).collect();
    assert!(gone.is_empty(), "take these off the list: {gone:?}");
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

/// Keys in windows mean what the keymap says, so that `[keys]` and the help are true there. What answers a
/// question is fixed.
#[test]
fn no_key_is_matched_by_hand() {
    let fixed = ['y', 'n'];
    for source in sources().iter().filter(|source| source.module.starts_with("cockpit::update")) {
        for (number, line) in source.text.lines().enumerate() {
            let matched = line.split("Code::Char('").skip(1).chain(line.split("== Key::char('").skip(1));
            for rest in matched {
                let letter = rest.chars().next().unwrap();
                // The backlog ticket of a declaration is copied with the key that stands beside it.
                let is_fixed =
                    fixed.contains(&letter) || (letter == 'c' && source.module == "cockpit::update::declare");
                assert!(is_fixed, "{}:{}: {line}", source.path.display(), number + 1);
            }
        }
    }
}

/// Whoever has other keys reads of those: a text names a key by its command, and never by its letter.
#[test]
fn no_text_names_a_key_of_its_own() {
    let told = |module: &str| any_below(module, &["cockpit", "tui", "cli", "drill::guide", "config::draft"]);
    let mut named = Vec::new();
    for source in sources().iter().filter(|source| told(&source.module)) {
        let texts = source.texts();
        let found = texts.iter().filter(|text| names_a_key(text));
        named.extend(found.map(|text| format!("{}: {text}", source.path.display())));
    }
    assert!(named.is_empty(), "say it by the keymap, {{id.of.command}} in a guide:\n{}", named.join("\n"));
    for text in ["press R to see it", "nothing yet: n p notes it", "Space ticks it", "ctrl-o: details"] {
        assert!(names_a_key(text), "{text}");
    }
    for text in
        ["press y to go ahead", "a note", "{n} m", "wait {} s", "press {key} to see it", "I have read it"]
    {
        assert!(!names_a_key(text), "{text}");
    }
}

/// Tells whether a sentence has a letter for a word, or a key by name, that the keymap could change. `y` and `n`
/// answer questions, and a line of text has keys of its own.
fn names_a_key(text: &str) -> bool {
    // A number may stand before a unit.
    let fixed = ["y", "n", "a", "A", "I", "s", "m", "h"];
    let words: Vec<&str> = text.trim_matches('"').split([' ', '[', ']', ';', ':', ',']).collect();
    let is_alone = |word: &&str| word.len() == 1 && word.chars().all(|c| c.is_ascii_alphabetic());
    let mut letters = words.iter().filter(|word| is_alone(word) && !fixed.contains(word));
    let presses = words
        .windows(2)
        .any(|pair| pair[0].eq_ignore_ascii_case("press") && is_alone(&pair[1]) && pair[1] != "y");
    let two = words.windows(2).any(|pair| is_alone(&pair[0]) && is_alone(&pair[1]));
    let named = ["Space ", "ctrl-o", "ctrl-d", "ctrl-u:"];
    words.len() > 2
        && (letters.next().is_some() || presses || two || named.iter().any(|key| text.contains(key)))
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

/// `docs/trust.md` names the tests that would fail: they have to be there.
#[test]
fn every_promise_has_its_tests() {
    let trust = fs::read_to_string(root().join("docs/trust.md")).unwrap();
    let (_, table) = trust.split_once("## The tests").unwrap();
    let tests: String =
        files(&root().join("tests"), "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let named: Vec<_> = table.split('`').filter_map(|name| Some(name.split_once("::")?.1)).collect();
    assert!(named.len() > 50, "{named:?}");
    let gone: Vec<_> = named.iter().filter(|name| !tests.contains(&format!("fn {name}()"))).collect();
    assert!(gone.is_empty(), "no such tests: {gone:?}");
}
