//! What a command names and is not there: programs, scripts, and a shell that nobody starts. Looks at
//! directories and runs nothing.
//!
//! What the file gets wrong wherever it is read is a problem: a script that is missing from the
//! repository, a whole command line in one string. What may only be missing here is a warning: a program
//! that is installed where releases are made, a file that git ignores since a build makes it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{text, texts};
use crate::config::detect::{VERSION, names_version, reads_version};
use crate::config::load::bytes;
use crate::config::problem::Problem;
use crate::config::shape::list;
use crate::plan::programs::{is_interpreter, is_script};
use crate::text::nesting::too_deep;
use crate::text::{nearest, visible};

/// Where commands stand: the tables on the way, and their keys.
const COMMANDS: [(&[&str], &[&str]); 10] = [
    (&["checks"], &["command"]),
    (&["environments"], &["deploy", "smoke", "proof", "history"]),
    (&["environments", "canary"], &["set", "weight", "finish"]),
    (&["environments", "blue_green"], &["live", "deploy", "check", "switch", "version"]),
    (&["environments", "pipeline"], &["start", "status", "logs", "cancel"]),
    (&["environments", "rollbacks"], &["command", "target", "proof"]),
    (&["probes"], &["command"]),
    (&["actions"], &["run"]),
    (&["channels"], &["command"]),
    (&["secrets"], &["command"]),
];

/// Where scripts are kept besides the root.
const FOLDERS: [&str; 6] = ["", "scripts", "script", "bin", "tools", "ci"];

/// Programs that run another one, which is among their arguments.
const RUNNERS: [&str; 10] =
    ["env", "sudo", "doas", "timeout", "nice", "nohup", "time", "stdbuf", "setsid", "xargs"];

/// Words that only a shell would make something of.
const OPERATORS: [&str; 7] = ["&&", "||", "|", ";", ">", ">>", "2>&1"];

/// Most names of a directory that are looked at for one that is near.
const MOST_NAMES: usize = 5000;

/// Where commands are run.
pub struct Around<'a> {
    /// The root of the repository, where they start.
    pub root: &'a Path,
    /// Where programs are looked for.
    pub path: Option<OsString>,
    /// Tells whether git ignores a path, there or not.
    pub is_ignored: &'a dyn Fn(&Path) -> bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// What is wrong or missing, in the order of the file.
    pub problems: Vec<Problem>,
    /// How many programs are named.
    pub programs: usize,
}

/// Looks for what the commands of a `flightdeck.toml` name, and for probes that hide that nothing is known. Nothing is found in one that cannot be parsed:
/// that is said elsewhere.
pub fn look(source: &str, around: &Around<'_>) -> Looked {
    if too_deep(source).is_some() {
        return Looked::default();
    }
    let Ok(tree) = DeTable::parse(source) else { return Looked::default() };
    let mut looked = Looked::default();
    let mut programs = BTreeSet::new();
    for (way, keys) in COMMANDS {
        for table in below(tree.get_ref(), way) {
            for key in keys {
                let words: Vec<_> = texts(table, key).collect();
                if let Some((program, _)) = words.first() {
                    programs.insert((*program).to_owned());
                    let command = Command { key, words: &words, around };
                    command.check(&mut looked.problems);
                    if *key == "deploy" {
                        looked.problems.extend(command.version());
                    }
                }
            }
        }
    }
    looked.problems.extend(unfilled(tree.get_ref()));
    looked.problems.extend(super::probe::doubts(tree.get_ref()));
    looked.problems.extend(missing_runbooks(tree.get_ref(), around));
    looked.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    looked.programs = programs.len();
    looked
}

/// Tells whether a key holds a command.
pub(in crate::config) fn is_command(key: &str) -> bool {
    COMMANDS.iter().any(|(_, keys)| keys.contains(&key))
}

/// Tells whether a line means something else to a shell than its words.
pub(in crate::config) fn needs_shell(line: &str) -> bool {
    line.contains(['|', '>', '<', ';', '&', '$', '`', '*'])
}

/// What to write where a line needs a shell.
pub(in crate::config) fn in_a_shell(key: &str, line: &str) -> String {
    let words = ["sh", "-c", line].map(str::to_owned);
    format!("if you need a shell, start one: {key} = {}", list(&words))
}

/// The tables at the end of a way: of a list, all of its entries.
fn below<'t>(root: &'t DeTable<'t>, way: &[&str]) -> Vec<&'t DeTable<'t>> {
    let mut at = vec![root];
    for key in way {
        let values = at.into_iter().filter_map(|table| table.get(*key));
        at = values
            .flat_map(|value| match value.get_ref() {
                DeValue::Array(entries) => {
                    entries.iter().filter_map(|entry| entry.get_ref().as_table()).collect()
                }
                DeValue::Table(table) => vec![table],
                _ => Vec::new(),
            })
            .collect();
    }
    at
}

/// Placeholders where nothing is put in their place: only commands about an environment have any.
fn unfilled(root: &DeTable<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for list in ["checks", "probes", "secrets"] {
        for (word, span) in below(root, &[list]).into_iter().flat_map(|table| texts(table, "command")) {
            if let Some(name) = ["{ref}", "{commit}", "{env}"].into_iter().find(|name| word.contains(name)) {
                let problem = Problem::new(span, format!("{name} is not filled in here"));
                let help =
                    "placeholders work in the commands of [[environments]]; here it is passed as it stands";
                found.push(problem.help(help).warning());
            }
        }
    }
    found
}

/// Runbooks of probes that are a file of the repository, and not there.
fn missing_runbooks(root: &DeTable<'_>, around: &Around<'_>) -> Vec<Problem> {
    let named = below(root, &["probes"]).into_iter().filter_map(|probe| text(probe, "runbook"));
    let missing =
        named.filter(|(path, _)| super::runbook::is_path(path) && !around.root.join(path).is_file());
    let problem = |(path, span): (&str, Range<usize>)| {
        let problem = Problem::new(span, format!("no such file: runbook {}", visible(path)));
        problem.help("a path from the root of the repository, or an address").warning()
    };
    missing.map(problem).collect()
}

struct Command<'a> {
    key: &'a str,
    words: &'a [(&'a str, Range<usize>)],
    around: &'a Around<'a>,
}

impl Command<'_> {
    fn check(&self, found: &mut Vec<Problem>) {
        let Some((program, span)) = self.words.first() else { return };
        // What is empty has been refused, and what is filled in later is not known.
        if program.trim().is_empty() || has_placeholder(program) || program.contains('\0') {
            return;
        }
        if let Some(problem) = self.shell_line(program, span) {
            found.push(problem);
            return;
        }
        found.extend(self.program(program, span));
        let name = program.rsplit('/').next().unwrap_or(program);
        if is_interpreter(program) || RUNNERS.contains(&name) {
            found.extend(self.script());
        }
        if !["expr", "test", "[", "find"].contains(&name) {
            let operator = self.words.iter().skip(1).find(|(word, _)| OPERATORS.contains(word));
            found.extend(operator.map(|(word, span)| {
                let line: Vec<&str> = self.words.iter().map(|(word, _)| *word).collect();
                let problem = Problem::new(
                    span.clone(),
                    format!("`{word}` is passed to `{}` as an argument: no shell runs it", visible(program)),
                );
                problem.help(in_a_shell(self.key, &line.join(" ")))
            }));
        }
    }

    /// Program and arguments in one string.
    fn shell_line(&self, program: &str, span: &Range<usize>) -> Option<Problem> {
        if !program.contains(char::is_whitespace) || self.around.root.join(program).is_file() {
            return None;
        }
        let problem = Problem::new(span.clone(), "this is a whole command line, expected a program");
        let rest = self.words.iter().skip(1).map(|(word, _)| (*word).to_owned());
        let help = match shell_words::split(program) {
            Ok(words) if !needs_shell(program) => {
                format!(
                    "split it: {} = {}",
                    self.key,
                    list(&words.into_iter().chain(rest).collect::<Vec<_>>())
                )
            }
            _ => in_a_shell(self.key, program),
        };
        Some(problem.help(help))
    }

    fn program(&self, program: &str, span: &Range<usize>) -> Option<Problem> {
        let said = |message: String| Problem::new(span.clone(), message);
        let shown = visible(program);
        if program.starts_with(['~', '$']) {
            let problem = said(format!("`{shown}` is not expanded: no shell runs it"));
            return Some(problem.help("write the whole path, or a program that is in PATH"));
        }
        if which::which_in(program, self.around.path.as_ref(), self.around.root).is_ok() {
            return None;
        }
        let there = self.around.root.join(program);
        if program.contains('/') {
            return Some(if there.is_dir() {
                said(format!("`{shown}` is a directory"))
            } else if there.is_file() {
                said(format!("`{shown}` is not executable")).help(format!("chmod +x {shown}"))
            } else {
                self.missing(program, span)
            });
        }
        if there.is_file() {
            let problem = said(format!("`{shown}` is not in PATH"));
            return Some(problem.help(format!("the one in the repository is \"./{shown}\"")));
        }
        let problem = said(format!("`{shown}` is not in PATH on this machine")).warning();
        let near = near(program, &self.in_path());
        Some(match near {
            Some(near) => problem.label(format!("did you mean `{}`?", visible(&near))),
            None => problem,
        })
    }

    /// The script that an interpreter is given, as far as that is plain.
    fn script(&self) -> Option<Problem> {
        // What follows `-c`, or `-e` and `-m` of what is no shell, is no file.
        let is_shell = self.words.first().is_some_and(|(program, _)| program.ends_with("sh"));
        let takes_text = |word: &str| {
            let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            letters
                .is_some_and(|letters| letters.ends_with('c') || (!is_shell && letters.ends_with(['e', 'm'])))
        };
        let rest = self.words.iter().skip(1).take_while(|(word, _)| !takes_text(word));
        let mut scripts = rest.filter(|(word, _)| {
            let is_plain = !word.contains(|c: char| c.is_whitespace() || "{}$*?=:~".contains(c));
            is_plain && !word.starts_with('-') && (is_script(word) || word.starts_with("./"))
        });
        let (script, span) = scripts.next()?;
        let is_there = self.around.root.join(script).exists();
        (!is_there).then(|| self.missing(script, span))
    }

    /// A script of the repository that deploys, and is told by nothing what.
    fn version(&self) -> Option<Problem> {
        if self.words.iter().any(|(word, _)| names_version(word)) {
            return None;
        }
        let is_path = |word: &str| word.contains('/') && !word.starts_with(['/', '-', '~', '$']);
        let program = self.words.first().map_or("", |(program, _)| program);
        let runs =
            is_interpreter(program) || RUNNERS.contains(&program.rsplit('/').next().unwrap_or(program));
        let mut named = self.words.iter().take(if runs { self.words.len() } else { 1 });
        let (script, span) = named.find(|(word, _)| is_path(word) || is_script(word))?;
        let content = bytes(&self.around.root.join(script)).ok()??;
        let content = String::from_utf8(content).ok()?;
        if reads_version(&content) {
            return None;
        }
        let message = format!("nothing tells `{}` which version to deploy", visible(script));
        let help = format!(
            "a rollback would deploy whatever is there: pass it {{ref}} or {{commit}}, or let it read {}",
            VERSION.join(" or ")
        );
        Some(Problem::new(span.clone(), message).help(help).warning())
    }

    /// A file that is not there. Outside of the repository, or where git ignores it, it may come yet.
    fn missing(&self, path: &str, span: &Range<usize>) -> Problem {
        let problem = Problem::new(span.clone(), format!("`{}` does not exist", visible(path)));
        if path.starts_with('/') {
            return problem.label("not on this machine").warning();
        }
        let root = self.around.root;
        if (self.around.is_ignored)(&root.join(path)) {
            return problem.label("git ignores it: a build may make it").warning();
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let elsewhere = || {
            let at = |folder: &&str| !folder.is_empty() && root.join(folder).join(name).is_file();
            FOLDERS.iter().find(|folder| at(folder)).map(|folder| format!("{folder}/{name}"))
        };
        let beside = || {
            let near = near(name, &names(&root.join(folder)))?;
            Some(if folder.is_empty() { near } else { format!("{folder}/{near}") })
        };
        match elsewhere().or_else(beside) {
            Some(near) => problem.label(format!("did you mean `{}`?", visible(&near))),
            None => problem,
        }
    }

    fn in_path(&self) -> Vec<String> {
        let path = self.around.path.as_ref();
        path.into_iter().flat_map(std::env::split_paths).flat_map(|place| names(&place)).collect()
    }
}

fn has_placeholder(word: &str) -> bool {
    word.split_once('{').is_some_and(|(_, rest)| rest.contains('}'))
}

/// The names in a directory, as far as they can be written in a file of text.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries.take(MOST_NAMES).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

/// The name that was probably meant. Short ones are all near to each other.
fn near(name: &str, known: &[String]) -> Option<String> {
    let known: Vec<&str> = known.iter().map(String::as_str).filter(|known| *known != name).collect();
    let known = if name.len() < 4 { Vec::new() } else { known };
    nearest(name, &known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::load;
    use crate::config::problem::Invalid;

    /// A repository with scripts, and a directory of programs.
    fn place() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, mode) in [
            ("deploy.sh", 0o755),
            ("plain.sh", 0o644),
            ("scripts/smoke.sh", 0o755),
            ("my tools/run it.sh", 0o755),
            ("bin/kubectl", 0o755),
            ("bin/sh", 0o755),
            ("bin/env", 0o755),
            ("bin/go", 0o755),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        dir
    }

    fn said(command: &str) -> Vec<String> {
        let dir = place();
        let source = format!("[[checks]]\nname = \"a\"\ncommand = {command}\n");
        load::parse(source.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}"));
        let is_ignored = |path: &Path| path.starts_with(dir.path().join("target"));
        let path = Some(dir.path().join("bin").into_os_string());
        let around = Around { root: dir.path(), path, is_ignored: &is_ignored };
        Invalid::new("f", &source, look(&source, &around).problems).lines()
    }

    #[test]
    fn what_is_there_is_fine() {
        for command in [
            "[\"./deploy.sh\", \"main\"]",
            "[\"scripts/smoke.sh\"]",
            "[\"kubectl\", \"apply\", \"-f\", \"not-there.yaml\"]",
            "[\"sh\", \"plain.sh\"]",
            "[\"sh\", \"-ec\", \"./not-there.sh | tee x\"]",
            "[\"sh\", \"-o\", \"pipefail\", \"./plain.sh\", \"./not-there.sh\"]",
            "[\"env\", \"A=./b\", \"./deploy.sh\"]",
            "[\"./my tools/run it.sh\"]",
            "[\"go\", \"build\", \"-o\", \"./out\", \"./...\"]",
            "[\"kubectl\", \"get\", \"-o\", \"jsonpath={.items[*].x}\"]",
        ] {
            assert_eq!(said(command), [""; 0], "{command}");
        }
    }

    #[test]
    fn what_hides_that_nothing_is_known_is_warned_of() {
        let said = |probe: &str| {
            let source = format!("[[probes]]\nname = \"a\"\n{probe}\n");
            load::parse(source.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}"));
            let around = Around { root: Path::new("/"), path: None, is_ignored: &|_| false };
            Invalid::new("f", &source, look(&source, &around).problems).lines()
        };
        let query =
            |query: &str| said(&format!("prometheus = \"http://p/\"\nquery = \"{query}\"\nfail = \"> 5\""));
        assert_eq!(query("sum(x)"), [""; 0]);
        let warned = query("sum(x) or vector(0)");
        assert!(
            warned[0].starts_with("f:4:9: warning: `or vector(…)` gives a number also when"),
            "{warned:?}"
        );
        assert_eq!(said("alertmanager = \"http://a/\"\nwatchdog = \"Watchdog\""), [""; 0]);
        let warned = said("alertmanager = \"http://a/\"");
        assert!(warned[0].starts_with("f:3:1: warning: without a `watchdog`"), "{warned:?}");
    }

    #[test]
    fn a_runbook_that_is_not_there_is_a_warning() {
        let dir = place();
        let around = Around { root: dir.path(), path: None, is_ignored: &|_| false };
        let said = |runbook: &str| {
            let probe = "[[probes]]\nname = \"a\"\nurl = \"http://x/\"\nexpect = [\"status == 200\"]\n";
            let source = format!("{probe}runbook = \"{runbook}\"\n");
            Invalid::new("f", &source, look(&source, &around).problems).lines()
        };
        std::fs::write(dir.path().join("pool.md"), "# Pool\n").unwrap();
        assert_eq!(said("pool.md"), [""; 0]);
        assert_eq!(said("https://wiki.test/pool.md"), [""; 0]);
        let lines = said("runbooks/none.md");
        assert!(lines[0].starts_with("f:5:11: warning: no such file: runbook runbooks/none.md"), "{lines:?}");
    }

    #[test]
    fn a_script_that_deploys_without_being_told_what_is_a_warning() {
        let dir = place();
        std::fs::write(dir.path().join("scripts/env.sh"), "kubectl set image x=$FLIGHTDECK_COMMIT\n")
            .unwrap();
        let path = Some(dir.path().join("bin").into_os_string());
        let around = Around { root: dir.path(), path, is_ignored: &|_| false };
        for (deploy, warned) in [
            ("[\"./deploy.sh\", \"{env}\"]", true),
            ("[\"sh\", \"plain.sh\"]", true),
            ("[\"./deploy.sh\", \"--to={commit}\"]", false),
            ("[\"sh\", \"scripts/env.sh\"]", false),
            ("[\"kubectl\", \"rollout\", \"restart\", \"-f\", \"./plain.sh\"]", false),
        ] {
            let source = format!("[[environments]]\nname = \"a\"\ndeploy = {deploy}\n");
            let said = Invalid::new("f", &source, look(&source, &around).problems);
            assert_eq!(said.lines().iter().any(|line| line.contains("which version")), warned, "{deploy}");
            assert!(said.is_usable(), "{deploy}");
        }
    }

    #[test]
    fn what_is_missing_or_no_command_is_said_with_what_to_write() {
        for (command, wanted) in [
            ("[\"./deplyo.sh\"]", "f:3:12: `./deplyo.sh` does not exist (did you mean `./deploy.sh`?)"),
            ("[\"./smoke.sh\"]", "`./smoke.sh` does not exist (did you mean `scripts/smoke.sh`?)"),
            ("[\"scripts/smok.sh\"]", "(did you mean `scripts/smoke.sh`?)"),
            ("[\"./nothing-like-it\"]", "f:3:12: `./nothing-like-it` does not exist"),
            ("[\"sh\", \"deplyo.sh\"]", "f:3:18: `deplyo.sh` does not exist (did you mean `deploy.sh`?)"),
            ("[\"sh\", \"-eu\", \"deplyo.sh\"]", "`deplyo.sh` does not exist"),
            ("[\"env\", \"A=b\", \"./deplyo.sh\"]", "`./deplyo.sh` does not exist"),
            ("[\"./plain.sh\"]", "`./plain.sh` is not executable (chmod +x ./plain.sh)"),
            ("[\"./scripts\"]", "`./scripts` is a directory"),
            ("[\"deploy.sh\"]", "not in PATH (the one in the repository is \"./deploy.sh\")"),
            (
                "[\"./deploy.sh main staging\"]",
                "this is a whole command line, expected a program (split it: command = [\"./deploy.sh\", \"main\", \"staging\"])",
            ),
            ("[\"./deploy.sh main\", \"staging\"]", "[\"./deploy.sh\", \"main\", \"staging\"]"),
            ("[\"make test && make lint\"]", "command = [\"sh\", \"-c\", \"make test && make lint\"]"),
            ("[\"kubectl\", \"a\", \"&&\", \"./deploy.sh\"]", "`&&` is passed to `kubectl` as an argument"),
            (
                "[\"kubectl\", \"a\", \";\", \"./deploy.sh\"]",
                "command = [\"sh\", \"-c\", \"kubectl a ; ./deploy.sh\"]",
            ),
            ("[\"~/bin/deploy\"]", "`~/bin/deploy` is not expanded: no shell runs it"),
            ("[\"$HOME/deploy\"]", "is not expanded"),
            // These may be right elsewhere, or later.
            (
                "[\"kubctl\", \"apply\"]",
                "f:3:12: warning: `kubctl` is not in PATH on this machine (did you mean `kubectl`?)",
            ),
            ("[\"terraform\"]", "warning: `terraform` is not in PATH on this machine"),
            ("[\"/opt/no/such/tool\"]", "warning: `/opt/no/such/tool` does not exist (not on this machine)"),
            ("[\"target/release/migrate\"]", "warning: `target/release/migrate` does not exist"),
            ("[\"./deploy.sh\", \"{commit}\"]", "f:3:27: warning: {commit} is not filled in here"),
        ] {
            let lines = said(command);
            assert!(lines.iter().any(|line| line.contains(wanted)), "wanted {wanted:?} in {lines:#?}");
            assert_eq!(lines.len(), 1, "one mistake is one problem: {lines:#?}");
        }
    }

    /// All lists of strings in the schema: each is a command, or known to be none.
    #[test]
    fn every_command_of_the_schema_is_looked_at() {
        let schema = load::schema();
        let others = [
            "env",
            "gates",
            "watched",
            "expect",
            "sides",
            "abort",
            "labels",
            "reviewers",
            "approvals",
            "may_pass_over",
            "rollback_gates",
            "migrations",
            "stop_words",
            "limit_words",
            "fix_words",
            "examples",
            "paths",
            "matchers",
            "roles",
            "suspicions",
            "audiences",
            "words",
        ];
        let looked_at: BTreeSet<&str> = COMMANDS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        let of = |part: &serde_json::Value| part["properties"].as_object().cloned().unwrap_or_default();
        let parts = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        let mut seen = 0;
        for (key, value) in parts.flat_map(of) {
            if value["items"]["type"] == "string" {
                seen += 1;
                assert!(looked_at.contains(&*key) || others.contains(&&*key), "is `{key}` a command?");
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
