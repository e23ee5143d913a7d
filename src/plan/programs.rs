//! Program files that the commands of a plan name: what is in them is approved with the plan. Pure:
//! which of these are files of the repository, and what they hold, is found out by the conductor.
//!
//! Known by name are the program itself, the script that an interpreter is given (also behind `env`,
//! `sudo` and the like, and in `sh -c`), what `make` and its kin read by themselves, and further
//! arguments. What those files bring in themselves is not.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Action, Ask, Command, Plan, Probe, SecretFrom, Step, Undo, proposal};
use crate::incident::State;
use crate::text::visible;

/// A program file of the repository as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absolute path, as the command names it.
    pub path: String,
    /// Where that leads, where it is or goes through a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Whether its owner may execute it.
    pub executable: bool,
}

impl Program {
    /// The path as seen from a directory.
    pub fn seen_from(&self, directory: &str) -> &str {
        let below = self.path.strip_prefix(directory).and_then(|path| path.strip_prefix('/'));
        below.unwrap_or(&self.path)
    }

    /// The path as a command of the plan names it, fit to be shown.
    pub fn shown_in(&self, plan: &Plan) -> String {
        let names = |line: &Line<'_>| named(*line).iter().any(|named| named.paths.contains(&self.path));
        let line = lines(plan).into_iter().find(names);
        visible(line.map_or(&self.path, |line| self.seen_from(line.cwd))).into_owned()
    }
}

/// A file that a command names: the first of these paths that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Absolute paths.
    pub paths: Vec<String>,
    /// It is run. Else it is an argument, which may be a program or not.
    pub runs: bool,
}

/// A command of a plan, as far as it matters which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Program and arguments.
    pub argv: &'a [String],
    /// Absolute path of the directory it runs in.
    pub cwd: &'a str,
    /// It only asks how the world stands: what it is given to read may change.
    pub asks: bool,
}

impl Command {
    /// Itself as something that is carried out.
    pub fn carried_out(&self) -> Line<'_> {
        Line { argv: &self.argv, cwd: &self.cwd, asks: false }
    }

    /// Itself as a question.
    pub fn asked(&self) -> Line<'_> {
        Line { argv: &self.argv, cwd: &self.cwd, asks: true }
    }
}

/// The program files of a plan that were others in the plan with this hash, which was put up or started
/// for the same, as the commands name them.
pub fn changed_since(plan: &Plan, state: &State, hash: &str) -> Vec<String> {
    let is_it = |purpose: &str, target: &str| purpose == plan.purpose.name() && target == plan.target;
    let put_up = || {
        let found = proposal::of(state, hash)?;
        is_it(&found.purpose, &found.target).then_some(&found.spec)
    };
    let started = || {
        let found = state.plans.iter().rev().find(|run| run.hash == hash)?;
        is_it(&found.purpose, &found.target).then_some(&found.spec)
    };
    let Some(was) = put_up().or_else(started).and_then(|spec| spec.get("programs")) else {
        return Vec::new();
    };
    let was: Vec<Program> = Deserialize::deserialize(was).unwrap_or_default();
    let differs = |now: &&Program| was.iter().any(|was| was.path == now.path && was != *now);
    plan.programs.iter().filter(differs).map(|program| program.shown_in(plan)).collect()
}

/// All commands of a plan.
pub fn lines(plan: &Plan) -> Vec<Line<'_>> {
    let mut lines: Vec<_> = plan.steps.iter().flat_map(of_step).collect();
    lines.extend(plan.steps.iter().flat_map(of_undo));
    lines.extend(plan.secrets.iter().filter_map(|secret| match &secret.from {
        SecretFrom::Command(command) => Some(command.asked()),
        SecretFrom::Env(_) | SecretFrom::File(_) => None,
    }));
    lines
}

/// The commands of a step, its questions among them, without what undoes it.
pub fn of_step(step: &Step) -> Vec<Line<'_>> {
    let mut lines = of_action(&step.action);
    lines.extend(step.guards.iter().map(|guard| &guard.probe).chain(&step.proof).filter_map(of_probe));
    if let Some(settle) = &step.settle {
        lines.extend([settle.left.asked(), settle.conclude.carried_out()]);
    }
    lines
}

/// The commands that undo a step.
pub fn of_undo(step: &Step) -> Vec<Line<'_>> {
    let Undo::By { action, proof } = &step.undo else { return Vec::new() };
    let mut lines = of_action(action);
    lines.extend(proof.as_ref().and_then(of_probe));
    lines
}

/// The commands of an action.
pub fn of_action(action: &Action) -> Vec<Line<'_>> {
    match action {
        Action::Command(command) => vec![command.carried_out()],
        Action::Watch(watch) => {
            let commands = watch.probes.iter().filter_map(|probe| probe.command.as_deref());
            commands.map(|argv| Line { argv, cwd: &watch.cwd, asks: true }).collect()
        }
        Action::Http(_) | Action::Forge(_) | Action::Gate { .. } | Action::Hold { .. } => Vec::new(),
    }
}

fn of_probe(probe: &Probe) -> Option<Line<'_>> {
    match &probe.ask {
        Ask::Command(command) => Some(command.asked()),
        Ask::Http { .. } | Ask::Forge(_) => None,
    }
}

/// The files a command names.
pub fn named(line: Line<'_>) -> Vec<Named> {
    let mut found = Vec::new();
    names(&mut found, line.argv, line.cwd, 0);
    found
}

/// How deep `sh -c` within `sh -c` is looked into.
const DEPTH: usize = 3;

fn names(found: &mut Vec<Named>, argv: &[String], cwd: &str, depth: usize) {
    let Some((program, arguments)) = argv.split_first() else { return };
    if program.contains('/') {
        found.push(Named { paths: vec![absolute(cwd, program)], runs: true });
    }
    // Of git and of this program's own steps the arguments are what is worked on.
    if base(program) == "git" || arguments.first().is_some_and(|verb| verb == "version-files") {
        return;
    }
    for (index, word) in argv.iter().enumerate() {
        let rest = argv.get(index + 1..).unwrap_or_default();
        if is_interpreter(word) {
            let paths = rest.iter().filter(|argument| !argument.starts_with('-'));
            found.push(Named { paths: paths.map(|path| absolute(cwd, path)).collect(), runs: true });
            if let Some(text) = given_as_text(rest).filter(|_| is_shell(word) && depth < DEPTH) {
                for part in text.split(['\n', ';', '|', '&', '(', ')']) {
                    let words = shell_words::split(part).unwrap_or_default();
                    names(found, &words, cwd, depth + 1);
                }
            }
        }
        let by_itself = reads_by_itself(base(word));
        if !by_itself.is_empty() {
            let directory = directory_of(rest).map_or_else(|| cwd.to_owned(), |path| absolute(cwd, path));
            let paths = by_itself.iter().map(|name| absolute(&directory, name)).collect();
            found.push(Named { paths, runs: true });
        }
    }
    for argument in arguments {
        // Also behind an option: `--file=deploy.yaml`.
        let value = argument.split_once('=').map(|(_, value)| value);
        for path in [Some(argument.as_str()), value].into_iter().flatten() {
            if !path.is_empty() && !path.starts_with('-') {
                found.push(Named { paths: vec![absolute(cwd, path)], runs: false });
            }
        }
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_shell(program: &str) -> bool {
    ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish"].contains(&base(program))
}

fn is_interpreter(program: &str) -> bool {
    const OTHERS: [&str; 16] = [
        "node", "nodejs", "deno", "bun", "ruby", "perl", "php", "lua", "Rscript", "pwsh", "tclsh", "expect",
        "groovy", "tsx", "ts-node", "source",
    ];
    let name = base(program);
    // python, python3, python3.12
    let python = name.strip_prefix("python");
    let is_version = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_shell(program) || OTHERS.contains(&name) || python.is_some_and(is_version)
}

/// What a shell is given with `-c`.
fn given_as_text(arguments: &[String]) -> Option<&str> {
    let is_it = |argument: &String| {
        argument.starts_with('-') && !argument.starts_with("--") && argument.ends_with('c')
    };
    let at = arguments.iter().position(is_it)?;
    arguments.get(at + 1).map(String::as_str)
}

/// The files that a program reads and runs without being given them.
fn reads_by_itself(program: &str) -> &'static [&'static str] {
    match program {
        "make" | "gmake" => &["GNUmakefile", "makefile", "Makefile"],
        "just" => &["justfile", ".justfile", "Justfile"],
        "npm" | "npx" | "yarn" | "pnpm" => &["package.json"],
        "rake" => &["rakefile", "Rakefile", "rakefile.rb", "Rakefile.rb"],
        "task" => &["Taskfile.yml", "taskfile.yml", "Taskfile.yaml", "taskfile.yaml"],
        _ => &[],
    }
}

/// The directory that `make -C` is told to go to.
fn directory_of(arguments: &[String]) -> Option<&str> {
    let at = arguments.iter().position(|argument| argument == "-C" || argument == "--directory")?;
    arguments.get(at + 1).map(String::as_str)
}

/// A path as seen from a directory, without the `.` in it.
fn absolute(cwd: &str, path: &str) -> String {
    let joined = Path::new(cwd).join(path);
    let plain: PathBuf = joined.components().filter(|part| *part != Component::CurDir).collect();
    plain.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> (Vec<String>, Vec<String>) {
        let argv = shell_words::split(line).unwrap();
        let found = named(Line { argv: &argv, cwd: "/r", asks: false });
        let of = |runs: bool| -> Vec<String> {
            let these = found.iter().filter(|named| named.runs == runs);
            these.map(|named| named.paths.join("|").replace("/r/", "")).collect()
        };
        (of(true), of(false))
    }

    #[test]
    fn a_program_is_found_however_it_is_named() {
        for (line, wanted) in [
            ("./deploy.sh prod", "deploy.sh"),
            ("ops/deploy", "ops/deploy"),
            ("sh ops/deploy.sh prod", "ops/deploy.sh|prod"),
            ("bash -eux ./deploy.sh", "deploy.sh"),
            ("/usr/bin/python3.12 -u deploy.py", "deploy.py"),
            ("node deploy.js", "deploy.js"),
            ("env A=b bash deploy.sh", "deploy.sh"),
            ("sudo -u ops timeout 60 python deploy.py", "deploy.py"),
            ("sh -c 'cd x && ./deploy.sh prod; bash more.sh | ./tee'", "deploy.sh"),
            ("sh -c 'cd x && ./deploy.sh prod; bash more.sh | ./tee'", "more.sh"),
            ("sh -c 'cd x && ./deploy.sh prod; bash more.sh | ./tee'", "tee"),
            ("bash -lc \"sh -c './deep.sh'\"", "deep.sh"),
            ("make deploy", "GNUmakefile|makefile|Makefile"),
            ("make -C ops deploy", "ops/GNUmakefile|ops/makefile|ops/Makefile"),
            ("npm run deploy", "package.json"),
        ] {
            let (runs, _) = found(line);
            assert!(runs.iter().any(|paths| paths == wanted), "{line}: {runs:?}");
        }
    }

    #[test]
    fn an_argument_may_be_one_too() {
        for (line, wanted) in [
            ("kubectl apply -f k8s/prod.yaml", "k8s/prod.yaml"),
            ("helm upgrade --values=prod.yaml shop", "prod.yaml"),
            ("nice ./deploy.sh", "deploy.sh"),
        ] {
            let (_, arguments) = found(line);
            assert!(arguments.iter().any(|path| path == wanted), "{line}: {arguments:?}");
        }
        for line in ["git add deploy.sh", "flightdeck version-files --write 1.2.4 --file Cargo.toml", "true"]
        {
            assert_eq!(found(line), (vec![], vec![]), "{line}");
        }
        assert_eq!(found("git -C /r commit").0, [""; 0]);
    }
}
