//! Recognises what is in a repository, from its files alone: how it is tested, deployed and
//! smoke-tested. Runs nothing, and takes nothing for known that a file does not say.

mod ci;
mod compose;
mod hotfix;
mod manifest;
mod pipeline;
mod platform;

use std::path::Path;

pub use compose::Health;
pub use hotfix::{Habits, names_told};
pub use manifest::Named;
pub use pipeline::Workflow;
pub use platform::Platform;

use super::types::{Flow, FlowFrom};
use crate::text::nesting::too_deep;
use crate::text::visible;

/// What git says about the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchFacts {
    /// The branch that clones get: `main`.
    pub default_branch: Option<String>,
    /// Where a branch is that only git flow has: `origin has develop`.
    pub develop: Option<String>,
    /// Address of the remote, as git has it.
    pub remote: Option<String>,
    /// What the tags of versions begin with, where there are any.
    pub tag_prefix: Option<String>,
    /// Recognised files at the root that hold the version, without their locks.
    pub versions: Vec<String>,
    /// What the `git flow` command was told, where it was set up here.
    pub git_flow: Option<GitFlow>,
}

/// What the `git flow` command was told when it was set up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitFlow {
    /// The flow that it was told: git-flow-next is set up for GitHub flow and GitLab flow as well, which
    /// have no branch of the next release. `None`: what it was told says nothing of it.
    pub flow: Option<Flow>,
    /// The branch that is in production.
    pub main: Option<String>,
    /// The branch of the next release.
    pub develop: Option<String>,
    /// How hotfix branches begin.
    pub prefix: Option<String>,
    /// How release branches begin.
    pub release_prefix: Option<String>,
}

/// Where the remote is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, or a host called like it.
    GitHub,
    /// GitLab, or a host called like it.
    GitLab,
}

impl Forge {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
        }
    }

    /// Recognises it by the host in a remote's address.
    pub fn of(remote: &str) -> Option<Self> {
        let rest = remote.split_once("://").map_or(remote, |(_, rest)| rest);
        let host = rest.split('/').next()?.rsplit('@').next()?;
        let host = host.split(':').next()?.to_ascii_lowercase();
        let called = |name: &str| host.split('.').any(|part| part == name);
        if called("github") {
            Some(Self::GitHub)
        } else if called("gitlab") {
            Some(Self::GitLab)
        } else {
            None
        }
    }
}

/// A command, and the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// What it is called as a check: `cargo`.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The file it was recognised by: `Cargo.toml`.
    pub from: String,
}

/// A script, and what is known of its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// How it is called, without its arguments.
    pub program: Vec<String>,
    /// Its arguments as templates: `{ref}`, `{env}`; `None` where the script does not tell.
    pub arguments: Option<Vec<String>>,
    /// Whether its text reads a variable that names the version.
    pub reads_version: bool,
    /// The file it was recognised by.
    pub from: String,
}

/// Variables that tell a command which version it is about.
pub(super) const VERSION: [&str; 2] = ["FLIGHTDECK_REF", "FLIGHTDECK_COMMIT"];

/// Tells whether a text reads one of the variables that name the version.
pub(super) fn reads_version(text: &str) -> bool {
    VERSION.iter().any(|variable| text.contains(variable))
}

/// Tells whether a word of a command says which version it is about.
pub(super) fn names_version(word: &str) -> bool {
    word.contains("{ref}") || word.contains("{commit}")
}

impl Script {
    /// Tells whether it deploys what it is asked to, as far as that is known: a script that is not told
    /// which version deploys whatever is there, and a rollback with it would be none.
    pub fn takes_version(&self) -> bool {
        self.reads_version || self.arguments.iter().flatten().any(|word| names_version(word))
    }

    /// The same, told which version, where it is not: for an example.
    #[must_use]
    pub fn told(mut self) -> Self {
        if let Some(arguments) = self.arguments.as_mut() {
            let variable =
                if self.program.first().is_some_and(|program| program == "make") { "REF=" } else { "" };
            arguments.push(format!("{variable}{{ref}}"));
        }
        self
    }

    /// Program and arguments; those most such scripts take, where it does not tell.
    pub fn argv(&self, usual: &[&str]) -> Vec<String> {
        let usual = || usual.iter().map(|&word| word.to_owned()).collect();
        let arguments = self.arguments.clone().unwrap_or_else(usual);
        self.program.iter().cloned().chain(arguments).collect()
    }

    /// Tells whether it is told where to deploy to.
    pub fn takes_environment(&self) -> bool {
        self.arguments.as_ref().is_none_or(|all| all.iter().any(|word| word.contains("{env}")))
    }
}

/// What was recognised in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What the service is called: as its manifests say, else as its directory. Several where they differ.
    pub names: Vec<Named>,
    /// The development model; `None`: nothing tells.
    pub flow: Option<Flow>,
    /// What tells it.
    pub flow_from: String,
    /// The branch that is in production.
    pub base: Option<String>,
    /// Where the remote is.
    pub forge: Option<Forge>,
    /// How hotfixes are made, where that is not as usual.
    pub hotfix: Habits,
    /// Test commands of the languages found, in a fixed order.
    pub checks: Vec<Recognised>,
    /// `make test`, where a language's own command was found as well.
    pub make_test: Option<Recognised>,
    /// Targets `lint` and `build` of a makefile.
    pub make_more: Vec<Recognised>,
    /// What CI runs as tests besides those commands.
    pub ci: Vec<Recognised>,
    /// Where a compose file has the service answer on this machine.
    pub health: Option<Health>,
    /// Commands that look for known holes in dependencies.
    pub audits: Vec<Recognised>,
    /// How it is deployed.
    pub deploy: Option<Script>,
    /// How it is smoke-tested.
    pub smoke: Option<Script>,
    /// The workflow of CI that deploys it.
    pub workflow: Option<Workflow>,
    /// Others that may.
    pub workflows: Vec<Workflow>,
    /// What it is deployed with.
    pub platform: Option<Platform>,
    /// What keeps an environment as it is described (`argocd`, `flux`), and the file that says
    /// so.
    pub gitops: Option<(&'static str, String)>,
    /// The file an image is built from.
    pub dockerfile: Option<String>,
}

/// Looks at the repository whose work tree begins at `root`.
pub fn look(root: &Path, facts: &BranchFacts) -> Found {
    let makefile =
        ["GNUmakefile", "makefile", "Makefile"].into_iter().find_map(|name| Some((name, text(root, name)?)));
    let forge = facts.remote.as_deref().and_then(Forge::of);
    let mut checks: Vec<Recognised> =
        [cargo(root), node(root), python(root), go(root)].into_iter().flatten().collect();
    let mut make_test = makefile.as_ref().and_then(|(name, text)| make(name, text, "test"));
    if checks.is_empty() {
        checks.extend(make_test.take());
    }
    let mut ci = ci::look(root);
    for check in checks.iter_mut().chain(&mut make_test) {
        // What CI runs too is known for certain.
        if let Some(at) = ci.iter().position(|run| run.argv == check.argv) {
            check.from = format!("{} and {}", check.from, ci.remove(at).from);
        }
    }
    if checks.is_empty() {
        checks.append(&mut ci);
    }
    let make_more = makefile
        .iter()
        .flat_map(|(name, text)| ["lint", "build"].into_iter().filter_map(|target| make(name, text, target)));
    let mut names = manifest::names(root);
    if names.is_empty() {
        let directory = root.file_name().and_then(|name| name.to_str()).filter(|name| plain(name));
        names.extend(directory.map(|name| Named { name: name.to_owned(), from: "the directory".to_owned() }));
    }
    let targets = |names: &[&str]| {
        let (file, text) = makefile.as_ref()?;
        names.iter().find_map(|name| make_script(file, text, name))
    };
    let (platform, gitops) = platform::look(root);
    let hotfix = hotfix::look(facts);
    let told = facts.git_flow.as_ref().and_then(|told| told.main.clone());
    let settings = facts.git_flow.as_ref().and_then(|told| told.flow);
    let (flow, flow_from) = match (settings, &facts.develop, forge) {
        (Some(flow), ..) => (Some(flow), FlowFrom::GitFlowSettings.to_string()),
        (None, Some(develop), _) => (Some(Flow::GitFlow), develop.clone()),
        (None, None, Some(forge)) => (Some(Flow::GithubFlow), format!("the remote is on {}", forge.name())),
        (None, None, None) => (None, String::new()),
    };
    // Where clones get develop first, that says nothing about production.
    let next = hotfix.develop.as_deref().unwrap_or("develop");
    let is_base =
        |name: &String| super::check::is_branch(name) && (flow != Some(Flow::GitFlow) || name != next);
    let (workflow, workflows) = pipeline::look(root);
    Found {
        workflow,
        workflows,
        platform,
        gitops,
        dockerfile: platform::dockerfile(root),
        names,
        make_more: make_more.collect(),
        ci,
        health: compose::look(root),
        base: told.or_else(|| facts.default_branch.clone()).filter(is_base),
        flow,
        flow_from,
        forge,
        hotfix,
        audits: audits(root),
        deploy: script(root, "deploy").or_else(|| targets(&["deploy"])),
        smoke: script(root, "smoke").or_else(|| targets(&["smoke", "smoke-test"])),
        checks,
        make_test,
    }
}

fn recognised(name: &str, argv: &[&str], from: &str) -> Recognised {
    let argv = argv.iter().map(|&word| word.to_owned()).collect();
    Recognised { name: name.to_owned(), argv, from: from.to_owned() }
}

fn cargo(root: &Path) -> Option<Recognised> {
    let manifest = table(root, "Cargo.toml")?;
    let whole = manifest.contains_key("workspace");
    let argv: &[&str] = if whole { &["cargo", "test", "--workspace"] } else { &["cargo", "test"] };
    Some(recognised("cargo", argv, "Cargo.toml"))
}

/// A `test` script in `package.json`, except the one that `npm init` writes and that fails.
fn node(root: &Path) -> Option<Recognised> {
    let manifest: serde_json::Value = serde_json::from_str(&text(root, "package.json")?).ok()?;
    let test = manifest["scripts"]["test"].as_str()?;
    if test.trim().is_empty() || test.contains("no test specified") {
        return None;
    }
    let manager = [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun")];
    let manager = manager.into_iter().find(|(lock, _)| root.join(lock).is_file());
    let manager = manager.map_or("npm", |(_, manager)| manager);
    let argv: &[&str] = if manager == "bun" { &["bun", "run", "test"] } else { &[manager, "test"] };
    Some(recognised(manager, argv, "package.json"))
}

fn python(root: &Path) -> Option<Recognised> {
    if root.join("tox.ini").is_file() {
        return Some(recognised("tox", &["tox"], "tox.ini"));
    }
    let project = text(root, "pyproject.toml");
    let tests = root.join("tests").is_dir() || root.join("test").is_dir();
    let from = if root.join("pytest.ini").is_file() {
        "pytest.ini"
    } else if project.as_ref().is_some_and(|text| tests || text.contains("pytest")) {
        "pyproject.toml"
    } else if text(root, "setup.cfg").is_some_and(|text| tests || text.contains("[tool:pytest]")) {
        "setup.cfg"
    } else if root.join("setup.py").is_file() && tests {
        "setup.py"
    } else {
        return None;
    };
    let argv: &[&str] = if root.join("uv.lock").is_file() {
        &["uv", "run", "pytest"]
    } else if root.join("poetry.lock").is_file() {
        &["poetry", "run", "pytest"]
    } else {
        &["pytest"]
    };
    Some(recognised("pytest", argv, from))
}

fn go(root: &Path) -> Option<Recognised> {
    root.join("go.mod").is_file().then(|| recognised("go", &["go", "test", "./..."], "go.mod"))
}

fn make(file: &str, makefile: &str, target: &str) -> Option<Recognised> {
    has_target(makefile, target).then(|| recognised("make", &["make", target], file))
}

fn make_script(file: &str, makefile: &str, target: &str) -> Option<Script> {
    let found = make(file, makefile, target)?;
    let words = [("REF", "{ref}"), ("ENV", "{env}")];
    let used = words.into_iter().filter(|(variable, _)| {
        makefile.contains(&format!("$({variable})")) || makefile.contains(&format!("${{{variable}}}"))
    });
    let arguments = used.map(|(variable, word)| format!("{variable}={word}")).collect();
    let reads_version = reads_version(makefile);
    Some(Script { program: found.argv, arguments: Some(arguments), reads_version, from: found.from })
}

/// Tells whether a makefile has a rule for a target. Variables and pattern rules are none.
fn has_target(makefile: &str, target: &str) -> bool {
    makefile.lines().filter(|line| !line.starts_with(['\t', ' ', '#', '.'])).any(|line| {
        let Some((names, rest)) = line.split_once(':') else { return false };
        !rest.starts_with('=') && !names.contains('=') && names.split_whitespace().any(|name| name == target)
    })
}

fn audits(root: &Path) -> Vec<Recognised> {
    let known: [(&str, &[&str]); 4] = [
        ("Cargo.lock", &["cargo", "audit"]),
        ("package-lock.json", &["npm", "audit", "--omit=dev"]),
        ("requirements.txt", &["pip-audit", "-r", "requirements.txt"]),
        ("go.mod", &["govulncheck", "./..."]),
    ];
    let there = known.into_iter().filter(|(file, _)| root.join(file).is_file());
    there.map(|(file, argv)| recognised("audit", argv, file)).collect()
}

/// Looks for a script whose name begins with `stem`, where such scripts are kept.
fn script(root: &Path, stem: &str) -> Option<Script> {
    ["", "scripts", "script", "bin", "tools", "ci"].into_iter().find_map(|folder| {
        let mut names: Vec<String> = std::fs::read_dir(root.join(folder))
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_script(name, stem, folder.is_empty()) && plain(name))
            .collect();
        // The shortest name is the plainest: `deploy.sh` before `deploy-docs.sh`.
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.into_iter().find_map(|name| {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            read_script(root, path)
        })
    })
}

fn is_script(name: &str, stem: &str, at_root: bool) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix(stem) else { return false };
    let is_shell = [".sh", ".bash"].iter().any(|end| rest.ends_with(end));
    // A file `deploy` at the root may be anything; in a folder of scripts it is one.
    is_shell || (!at_root && (rest.is_empty() || [".py", ".rb"].contains(&rest)))
}

fn read_script(root: &Path, path: String) -> Option<Script> {
    let content = text(root, &path)?;
    let first = content.lines().next().unwrap_or_default();
    let ends = |extension: &str| Path::new(&path).extension().is_some_and(|found| found == extension);
    let is_shell = first.contains("sh") || ends("sh") || ends("bash");
    let called = if path.contains('/') { path.clone() } else { format!("./{path}") };
    let program = if is_executable(&root.join(&path)) && first.starts_with("#!") {
        vec![called]
    } else if first.contains("bash") || ends("bash") {
        vec!["bash".to_owned(), called]
    } else if ends("sh") || first.contains("/sh") {
        vec!["sh".to_owned(), called]
    } else {
        return None;
    };
    let arguments = if is_shell { shell_arguments(&content) } else { None };
    Some(Script { program, arguments, reads_version: reads_version(&content), from: path })
}

/// What a shell script takes, told by the variables it puts its arguments into:
/// `ref=$1`, `ENVIRONMENT="${2:?}"`. `None` where that does not tell.
fn shell_arguments(content: &str) -> Option<Vec<String>> {
    let mut words: [Option<&str>; 9] = [None; 9];
    let mut most = 0;
    for line in content.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if ["$@", "$*", "${@", "${*", "$#", "shift"].iter().any(|all| line.contains(all))
            && !is_count_check(line)
        {
            return None;
        }
        for number in positions(line) {
            most = most.max(number);
            words[number - 1] = words[number - 1].or_else(|| meaning(line));
        }
    }
    words.into_iter().take(most).map(|word| word.map(str::to_owned)).collect()
}

/// `[ $# -eq 2 ]` and the like only counts arguments; it does not use them.
fn is_count_check(line: &str) -> bool {
    let rest = line.replace("$#", "");
    line.contains("$#") && !["$@", "$*", "${@", "${*", "shift"].iter().any(|all| rest.contains(all))
}

/// Numbers of the arguments a line uses.
fn positions(line: &str) -> Vec<usize> {
    line.split('$')
        .skip(1)
        .filter_map(|rest| {
            let digit = rest.trim_start_matches('{').chars().next()?.to_digit(10)?;
            (digit > 0).then_some(digit as usize)
        })
        .collect()
}

/// What the variable means that a line sets.
fn meaning(line: &str) -> Option<&'static str> {
    let line = ["local ", "readonly ", "export ", "declare "]
        .iter()
        .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    let (name, _) = line.split_once('=')?;
    let name = name.to_ascii_lowercase();
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let is = |words: &[&str]| name.split('_').any(|part| words.contains(&part));
    if is(&["env", "environment", "stage", "target"]) {
        Some("{env}")
    } else if is(&["ref", "branch", "tag", "revision", "rev"]) {
        Some("{ref}")
    } else if is(&["commit", "sha"]) {
        Some("{commit}")
    } else {
        None
    }
}

/// Tells whether a name can stand in a command as it is.
fn plain(name: &str) -> bool {
    visible(name) == name && super::check::unusable(name).is_none() && !name.contains(['{', '}', '\\'])
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// The text of a file of reasonable size.
fn text(root: &Path, name: &str) -> Option<String> {
    String::from_utf8(super::load::bytes(&root.join(name)).ok()??).ok()
}

/// A file of TOML. One that is too deep is refused.
fn table(root: &Path, name: &str) -> Option<toml::Table> {
    let text = text(root, name).filter(|text| too_deep(text).is_none())?;
    text.parse().ok()
}

/// A file of YAML. One that is too deep or grows too large is refused by the parser.
fn yaml(root: &Path, name: &str) -> Option<serde_json::Value> {
    serde_saphyr::from_str(&text(root, name)?).ok()
}

#[cfg(test)]
mod tests;
