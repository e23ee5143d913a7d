//! Program files that the commands of a plan name: what is in them is approved with the plan. Pure:
//! which of these are files of the repository, and what they hold, is found out by the conductor.
//!
//! Every word that could be a file counts, in a text for a shell as well, and is looked for in every
//! directory that another word names; so does what `make` and its kin read by themselves there. What
//! those files bring in themselves does not.

pub mod find;
mod modules;
mod words;

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::find::{How, Tree, find};
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
        seen_from(&self.path, directory)
    }

    fn is_at(&self, path: &str) -> bool {
        self.path == path || (self.path.contains("/..") && absolute("/", &self.path) == path)
    }

    /// The path as a command of the plan names it, fit to be shown.
    pub fn shown_in(&self, plan: &Plan) -> String {
        let frozen = Frozen { programs: std::slice::from_ref(self), root: plan.searched.as_deref() };
        let names = |line: &Line<'_>| !named(&frozen, *line).is_empty();
        let line = lines(plan).into_iter().find(names);
        visible(line.map_or(&self.path, |line| self.seen_from(line.cwd))).into_owned()
    }
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

/// What is different in a plan since another one that was for the same.
#[derive(Debug, PartialEq, Eq)]
pub enum Changed {
    /// These program files, as the commands name them.
    Programs(Vec<String>),
    /// It was made in another work tree, which was this one, for the same commit.
    Tree(String),
    /// Something else.
    Else,
}

/// What is different in a plan since the one with this hash, which was put up or started for the same.
pub fn changed_since(plan: &Plan, state: &State, hash: &str) -> Changed {
    let is_it = |purpose: &str, target: &str| purpose == plan.purpose.name() && target == plan.target;
    let put_up = || {
        let found = proposal::of(state, hash)?;
        is_it(&found.purpose, &found.target).then_some(&found.spec)
    };
    let started = || {
        let found = state.plans.iter().rev().find(|run| run.hash == hash)?;
        is_it(&found.purpose, &found.target).then_some(&found.spec)
    };
    let Some(spec) = put_up().or_else(started) else { return Changed::Else };
    let was = spec.get("programs").and_then(|was| Vec::<Program>::deserialize(was).ok()).unwrap_or_default();
    // What is known to have been all that there was.
    let searched = spec.get("searched").and_then(serde_json::Value::as_str);
    // Where one is not known they are taken for the same.
    let here = plan.searched.as_deref().or(searched).unwrap_or_default();
    let there = searched.unwrap_or(here);
    let is_same = |was: &Program, now: &Program| {
        let leads =
            |it: &Program, root: &str| it.leads_to.as_deref().map(|to| seen_from(to, root).to_owned());
        was.sha256 == now.sha256 && was.executable == now.executable && leads(was, there) == leads(now, here)
    };
    let differs = |now: &&Program| {
        let same_place = |was: &&Program| was.seen_from(there) == now.seen_from(here);
        was.iter().find(same_place).map_or(searched.is_some(), |was| !is_same(was, now))
    };
    let changed: Vec<_> =
        plan.programs.iter().filter(differs).map(|program| program.shown_in(plan)).collect();
    let commit =
        spec.get("subject").and_then(|subject| subject.get("commit")).and_then(serde_json::Value::as_str);
    let is_same_commit = plan.subject.as_ref().map(|subject| subject.commit.as_str()) == commit;
    if !changed.is_empty() {
        Changed::Programs(changed)
    } else if there != here && is_same_commit {
        Changed::Tree(visible(there).into_owned())
    } else {
        Changed::Else
    }
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
            let commands = watch.probes.iter().filter_map(|probe| probe.source.argv());
            commands.map(|argv| Line { argv, cwd: &watch.cwd, asks: true }).collect()
        }
        Action::Pipeline(pipeline) => {
            let (asking, changing) = pipeline.commands();
            let asking = asking.into_iter().map(Command::asked);
            asking.chain(changing.into_iter().map(Command::carried_out)).collect()
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

/// The program files of a plan that a command names: of these it is known without looking.
pub fn named<'a>(frozen: &Frozen<'a>, line: Line<'_>) -> Vec<&'a Program> {
    let files = find(line, frozen).files;
    // One that the system finds has no more than its name.
    let called = line.argv.first().filter(|name| !name.contains('/'));
    let is_called = |program: &Program| called.is_some_and(|name| base(&program.path) == name);
    let is_named = |program: &Program| files.iter().any(|(path, _)| program.is_at(path));
    frozen.programs.iter().filter(|program| is_named(program) || is_called(program)).collect()
}

/// What a command names and an earlier step may make.
pub fn named_to_come<'a>(plan: &'a Plan, line: Line<'_>) -> Vec<&'a str> {
    if plan.to_come.is_empty() {
        return Vec::new();
    }
    let made = |path: &String| Program {
        path: path.clone(),
        leads_to: None,
        sha256: String::new(),
        executable: true,
    };
    let programs: Vec<Program> = plan.to_come.iter().map(made).collect();
    let frozen = Frozen { programs: &programs, root: plan.searched.as_deref() };
    let files = find(line, &frozen).files;
    let is_named = |path: &&str| files.iter().any(|(file, how)| file == path && *how != How::ByItself);
    plan.to_come.iter().map(String::as_str).filter(is_named).collect()
}

/// A path as seen from a directory.
pub fn seen_from<'a>(path: &'a str, directory: &str) -> &'a str {
    path.strip_prefix(directory).and_then(|below| below.strip_prefix('/')).unwrap_or(path)
}

/// The program files of a plan as all that there is in a work tree.
#[derive(Debug, Clone, Copy)]
pub struct Frozen<'a> {
    /// The files.
    pub programs: &'a [Program],
    /// The root of the work tree, where it is known.
    pub root: Option<&'a str>,
}

impl<'a> Frozen<'a> {
    /// Takes those of a plan.
    pub fn of(plan: &'a Plan) -> Self {
        Self { programs: &plan.programs, root: plan.searched.as_deref() }
    }
}

impl Tree for Frozen<'_> {
    fn root(&self) -> Option<&str> {
        self.root
    }

    fn is_directory(&self, path: &str) -> bool {
        self.programs.iter().any(|program| program.path != path && is_below(path, &program.path))
    }

    fn is_file(&self, path: &str) -> bool {
        self.programs.iter().any(|program| program.is_at(path))
    }

    fn names(&self, directory: &str) -> (Vec<String>, bool) {
        let below = |program: &Program| {
            let rest = program.path.strip_prefix(directory)?.strip_prefix('/')?;
            rest.split('/').next().map(str::to_owned)
        };
        (self.programs.iter().filter_map(below).collect(), true)
    }

    fn kept_below(&self, directory: &str, most: usize) -> Vec<String> {
        let below = |program: &&Program| program.path != directory && is_below(directory, &program.path);
        self.programs.iter().filter(below).take(most).map(|program| program.path.clone()).collect()
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_shell(program: &str) -> bool {
    let name = base(program).trim_start_matches('-');
    ["sh", "bash", "rbash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "oksh", "yash", "fish"]
        .contains(&name)
}

fn is_python(program: &str) -> bool {
    // python, python3, python3.12
    let python = base(program).strip_prefix("python").or_else(|| base(program).strip_prefix("pypy"));
    python.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// Tells whether a program is one that is given a script to run.
pub fn is_interpreter(program: &str) -> bool {
    const OTHERS: [&str; 18] = [
        "node",
        "nodejs",
        "deno",
        "bun",
        "ruby",
        "perl",
        "php",
        "lua",
        "Rscript",
        "pwsh",
        "tclsh",
        "expect",
        "groovy",
        "tsx",
        "ts-node",
        "source",
        ".",
        "osascript",
    ];
    is_shell(program) || OTHERS.contains(&base(program)) || is_python(program)
}

/// Tells whether a file is called like what is run, whoever may execute it.
pub fn is_script(path: &str) -> bool {
    const ENDS: [&str; 27] = [
        "sh", "bash", "zsh", "ksh", "fish", "py", "rb", "pl", "js", "mjs", "cjs", "ts", "mts", "php", "lua",
        "awk", "sed", "ps1", "tcl", "exp", "groovy", "mk", "mak", "just", "go", "jar", "rake",
    ];
    base(path).rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && ENDS.contains(&end))
}

/// The files that a program reads and runs without being given them: of each group the first that there
/// is, and all that an open name stands for.
fn reads_by_itself(program: &str) -> &'static [&'static [&'static str]] {
    match program {
        "make" | "gmake" => &[&["GNUmakefile", "makefile", "Makefile"]],
        "bmake" | "pmake" => &[&["BSDmakefile", "makefile", "Makefile"]],
        "just" => &[&["justfile", ".justfile", "Justfile", "JUSTFILE"]],
        "npm" | "npx" | "yarn" | "pnpm" | "pnpx" | "bun" | "bunx" | "turbo" | "nx" => &[&["package.json"]],
        "deno" => &[&["deno.json", "deno.jsonc"], &["package.json"]],
        "composer" => &[&["composer.json"]],
        "rake" => &[&["rakefile", "Rakefile", "rakefile.rb", "Rakefile.rb"]],
        "cap" => &[&["Capfile"], &["config/deploy.rb"]],
        "fastlane" => &[&["fastlane/Fastfile", ".fastlane/Fastfile", "Fastfile"]],
        "task" | "go-task" => &[&[
            "Taskfile.yml",
            "taskfile.yml",
            "Taskfile.yaml",
            "taskfile.yaml",
            "Taskfile.dist.yml",
            "taskfile.dist.yml",
            "Taskfile.dist.yaml",
            "taskfile.dist.yaml",
        ]],
        "mise" | "rtx" => &[&["mise.toml"], &[".mise.toml"]],
        "cargo" => &[&[".cargo/config", ".cargo/config.toml"], &["build.rs"]],
        "mvn" | "mvnw" => &[&["pom.xml"]],
        "gradle" | "gradlew" => {
            &[&["build.gradle", "build.gradle.kts"], &["settings.gradle", "settings.gradle.kts"]]
        }
        "ant" => &[&["build.xml"]],
        "mage" => &[&["magefile.go"]],
        "invoke" | "inv" => &[&["tasks.py"], &["invoke.yaml", "invoke.yml"]],
        "fab" => &[&["fabfile.py"]],
        "tox" => &[&["tox.ini"]],
        "nox" => &[&["noxfile.py"]],
        "vagrant" => &[&["Vagrantfile"]],
        "docker" | "docker-compose" | "podman" | "podman-compose" => &[
            &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"],
            &[
                "compose.override.yaml",
                "compose.override.yml",
                "docker-compose.override.yaml",
                "docker-compose.override.yml",
            ],
            &["Dockerfile", "Containerfile", "dockerfile"],
        ],
        "kamal" => &[&["config/deploy.yml", "config/deploy.*.yml", ".kamal/hooks/*", ".kamal/secrets*"]],
        "terraform" | "tofu" => &[&["*.tf", "*.tf.json", "*.tfvars", "*.tfvars.json"]],
        "skaffold" => &[&["skaffold.yaml", "skaffold.yml"]],
        "helmfile" => &[&["helmfile.yaml.gotmpl", "helmfile.yaml", "helmfile.d"]],
        "serverless" | "sls" => &[&["serverless.yml", "serverless.yaml"]],
        "ansible" | "ansible-playbook" => &[&["ansible.cfg"]],
        _ => &[],
    }
}

/// A path as seen from a directory, without `.` and `..` in it.
fn absolute(cwd: &str, path: &str) -> String {
    let mut plain = PathBuf::new();
    for part in Path::new(cwd).join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain.to_string_lossy().into_owned()
}

/// Tells whether a path is a directory or something in it.
fn is_below(directory: &str, path: &str) -> bool {
    Path::new(path).starts_with(directory)
}

#[cfg(test)]
mod tests;
