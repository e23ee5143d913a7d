//! Gets the values of secrets when a step needs them, hands them to the commands that name
//! them, and has them masked everywhere else. They are kept in memory only.

mod written;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use zeroize::{Zeroize as _, Zeroizing};

use super::capture::capture_while_we_live;
use super::environment::{environment, is_git, of_git};
use super::mask::{Masker, SHORTEST, weight};
use super::prepare::directory;
use super::programs::Approved;
use crate::config::types::{Config, Source};
use crate::deploy::secrets::source;
use crate::failure::{Failure, Result};
use crate::health::keyring::Keyring;
use crate::hotfix::git::Reader;
use crate::incident::Outcome;
use crate::plan::deployment::Report;
use crate::plan::programs::Line;
use crate::plan::{Action, Ask, Command, HttpCall, Plan, Probe, SecretFrom, SecretSource, Undo, Watched};
use crate::text::visible;

/// How long a command that prints a secret is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of a secret.
const MOST: usize = 64 << 10;
/// Bytes from which on a variable that sounds like a secret is masked though nobody declared
/// it: shorter ones are settings like `yes`.
const LONG_ENOUGH: usize = 8;
/// Parts of the names of variables that hold secrets.
const SOUNDS_SECRET: [&str; 8] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "_KEY", "APIKEY"];

pub(super) type Value = Zeroizing<Vec<u8>>;

/// What commands have printed so far, for whatever needed it: masked in all that this process tells.
static PRINTED: Mutex<Vec<(SecretSource, Value)>> = Mutex::new(Vec::new());

/// Masks what is known of a repository's secrets without a plan: those that a variable or a
/// file holds or a command has printed before, variables that sound like secrets, the passwords of
/// remotes, and what stands in the addresses and headers of probes.
pub fn masker(config: &Config, root: &Path) -> Masker {
    let known = known(config, root);
    let known = known.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    // What could be refused is too short, and left out already.
    Masker::new(known).unwrap_or_default()
}

/// What is known of a repository's secrets without a plan.
pub(super) fn known(config: &Config, root: &Path) -> Vec<(String, Value)> {
    let sources = declared(config, root);
    let probes = config.probes.iter().flat_map(|probe| probe.source.env());
    let checks = config.checks.iter().flat_map(|check| &check.env);
    let environments = config.environments.iter().flat_map(|environment| &environment.env);
    let variables = probes.chain(checks).chain(environments).map(String::as_str);
    let requests = config.probes.iter().map(|probe| request(&probe.source));
    let in_requests = requests.flat_map(|(url, headers)| written::in_request(url, headers));
    let settings = serde_json::to_value(config).unwrap_or_default();
    let written = in_requests.chain(written::in_settings(&settings));
    already_known(&sources, variables, [root], written)
}

/// The declared secrets; `place` is any directory of the repository.
fn declared(config: &Config, place: &Path) -> Vec<SecretSource> {
    let reader = Reader::open(place);
    let root = reader.as_ref().map_or(place, Reader::root);
    let root = directory(&root.to_string_lossy());
    config.secrets.iter().map(|secret| source(secret, &root)).collect()
}

/// The secrets of a repository for its probes: what [`masker`] masks is masked from the beginning, and what
/// a probe needs is fetched when it does.
pub fn keyring(config: &Config, root: &Path) -> Keyring {
    let sources = declared(config, root);
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let known = known(config, root);
    Keyring::new(known, names, move |name| {
        let source = sources.iter().find(|source| source.name == name);
        source.ok_or_else(|| "it is not declared".to_owned()).and_then(get)
    })
}

/// The value of a declared secret of a repository, as text.
///
/// # Errors
/// One line, which names it: it is not declared, cannot be had, or is no text.
pub fn secret(config: &Config, root: &Path, name: &str) -> std::result::Result<Zeroizing<String>, String> {
    let sources = declared(config, root);
    let source = sources.iter().find(|source| source.name == name);
    let value = source.ok_or_else(|| "it is not declared".to_owned()).and_then(get);
    let text =
        value.and_then(|value| String::from_utf8(value.to_vec()).map_err(|_| "it is no text".to_owned()));
    text.map(Zeroizing::new).map_err(|why| format!("the secret {}: {why}", visible(name)))
}

/// The declared secrets of a repository for whoever needs some of them one after another: each is fetched once.
pub(super) struct Purse {
    sources: Vec<SecretSource>,
    /// What is known without fetching any.
    known: Vec<(String, Value)>,
    fetched: BTreeMap<String, std::result::Result<Value, String>>,
}

impl Purse {
    pub(super) fn new(config: &Config, root: &Path) -> Self {
        Self { sources: declared(config, root), known: known(config, root), fetched: BTreeMap::new() }
    }

    /// Masks what is known by now.
    pub(super) fn masker(&self) -> Masker {
        let known = self.known.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        // What could be refused is too short, and left out already.
        Masker::new(known).unwrap_or_default()
    }

    /// Why a secret cannot be had; `None`: it can, as far as that is known without asking a command.
    pub(super) fn lacks(&self, name: &str) -> Option<String> {
        let source = self.sources.iter().find(|source| source.name == name)?;
        match source.from {
            SecretFrom::Command(_) => None,
            _ => get(source).err().map(|why| format!("the secret {}: {why}", visible(name))),
        }
    }

    /// The values of some secrets, and what masks them with all else that is known of the repository.
    ///
    /// # Errors
    /// One cannot be had or masked: in one line, which names it.
    pub(super) fn named(
        &mut self,
        names: &[&str],
    ) -> std::result::Result<(BTreeMap<String, Value>, Masker), String> {
        let mut values = BTreeMap::new();
        for name in names {
            let sources = &self.sources;
            let fetch = || {
                let source = sources.iter().find(|source| source.name == *name);
                source.ok_or_else(|| "it is not declared".to_owned()).and_then(get)
            };
            let value = self.fetched.entry((*name).to_owned()).or_insert_with(fetch).clone();
            let value = value.map_err(|why| format!("the secret {}: {why}", visible(name)))?;
            values.insert((*name).to_owned(), value);
        }
        let all = values.iter().chain(self.known.iter().map(|(name, value)| (name, value)));
        let masker = Masker::new(all.map(|(name, value)| (name.as_str(), value.as_slice())));
        Ok((values, masker.map_err(|failure| failure.cause)?))
    }
}

/// What can be had at once, with names: nothing of it is too short to be masked.
fn already_known<'a>(
    sources: &[SecretSource],
    variables: impl IntoIterator<Item = &'a str>,
    places: impl IntoIterator<Item = &'a Path>,
    written: impl IntoIterator<Item = (String, Value)>,
) -> Vec<(String, Value)> {
    let mut known: Vec<(String, Value)> = Vec::new();
    for source in sources {
        match &source.from {
            // What is asked of a command may cost something, or a person: only when it is needed.
            SecretFrom::Command(_) => known.extend(printed(source)),
            // One that is not there is in nobody's way: whoever needs it is told.
            _ => known.extend(get(source).ok().map(|value| (source.name.clone(), value))),
        }
    }
    for name in variables {
        // One that is declared may have another value in a variable than where it is to be had.
        let declared = sources.iter().any(|source| source.name == name);
        if declared || sounds_secret(name) {
            let least = if declared { SHORTEST } else { LONG_ENOUGH };
            let value = std::env::var_os(name).map(|value| Zeroizing::new(value.into_vec()));
            known.extend(value.filter(|it| it.len() >= least).map(|it| (name.to_owned(), it)));
        }
    }
    known.extend(written);
    for reader in places.into_iter().filter_map(|place| Reader::open(place).ok()) {
        known.extend(reader.credentials().into_iter().map(|(name, it)| (name, Zeroizing::new(it))));
    }
    let mut told: Vec<(String, Value)> = Vec::with_capacity(known.len());
    for (name, value) in known {
        if weight(&value) >= SHORTEST && !told.iter().any(|(_, known)| *known == value) {
            told.push((name, value));
        }
    }
    told
}

/// The secrets of a plan.
pub(super) struct Vault {
    sources: Vec<SecretSource>,
    /// Those that a step needed so far, by name.
    values: BTreeMap<String, Value>,
    /// What is masked though no step got it: passwords of remotes, and secrets that are there
    /// before they are needed.
    besides: Vec<(String, Value)>,
    masker: Masker,
    /// The program files of the plan: what is not as approved gets no secret, and is not run.
    approved: Approved,
}

impl Vault {
    /// Begins with the secrets of a plan: none is handed out yet, but what is known already is
    /// masked from the first byte.
    pub(super) fn open(plan: &Plan) -> Self {
        let commands = commands(plan);
        let named = commands.iter().flat_map(|command| &command.env).map(String::as_str);
        let git = commands.iter().any(|command| is_git(command)).then(of_git).into_iter().flatten();
        let watched = plan.steps.iter().filter_map(|step| match &step.action {
            Action::Watch(watch) => Some(&watch.probes),
            _ => None,
        });
        let watched: Vec<_> = watched.flatten().collect();
        let asked = watched.iter().flat_map(|probe| probe.source.env()).map(String::as_str);
        let variables = named.chain(git).chain(asked);
        let watched = watched.iter().map(|probe| request(&probe.source));
        let requests = watched.chain(calls(plan).map(|call| (call.url.as_str(), &call.headers)));
        let in_requests = requests.flat_map(|(url, headers)| written::in_request(url, headers));
        let words = commands.iter().flat_map(|command| command.argv.iter().chain(command.set.values()));
        let in_commands = words.flat_map(|word| written::in_text(word));
        // What everybody may read is filled in there as well.
        let written = in_requests.chain(in_commands).filter(|(_, value)| !is_public(plan, value));
        let mut places: Vec<_> = commands.iter().map(|command| Path::new(&command.cwd)).collect();
        places.sort_unstable();
        places.dedup();
        let besides = already_known(&plan.secrets, variables, places, written);
        let sources = plan.secrets.clone();
        let mut vault = Self {
            sources,
            values: BTreeMap::new(),
            besides,
            masker: Masker::default(),
            approved: Approved::of(plan),
        };
        // Without the short ones nothing is refused.
        let _ = vault.know();
        vault
    }

    /// Begins with the secrets of a plan that only asks something, with all that is known of the repository
    /// beside it.
    pub(super) fn asking(plan: &Plan, config: &Config, root: &Path) -> Self {
        let mut vault = Self::open(plan);
        vault.besides.extend(known(config, root));
        let _ = vault.know();
        vault
    }

    /// Tells whether the program files that commands name are what was approved. To be asked just
    /// before they run.
    ///
    /// # Errors
    /// One line that says which is not, and how to go on.
    pub(super) fn check_programs<'a>(
        &self,
        lines: impl IntoIterator<Item = Line<'a>>,
    ) -> std::result::Result<(), String> {
        self.approved.check(lines)
    }

    /// Gets the secrets that an action needs and that are not there yet.
    ///
    /// # Errors
    /// One cannot be had, or cannot be masked. It names the secret, never its value.
    pub(super) fn need_for_action(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Command(command) => self.need_for_command(command),
            Action::Http(call) => self.need_for_call(call),
            Action::Forge(call) => self.need(|name| name == call.place.token),
            Action::Pipeline(pipeline) => self.need(|name| pipeline.needs(name)),
            Action::Watch(watch) => self.need(|name| watch.probes.iter().any(|probe| watches(probe, name))),
            Action::Gate { .. } | Action::Hold { .. } => Ok(()),
        }
    }

    /// Gets the token that a deploy is reported with.
    ///
    /// # Errors
    /// As [`Vault::need_for_action`].
    pub(super) fn need_for_report(&mut self, report: &Report) -> Result<()> {
        self.need(|name| name == report.place.token)
    }

    /// Gets the secrets that a probe needs and that are not there yet.
    ///
    /// # Errors
    /// As [`Vault::need_for_action`].
    pub(super) fn need_for_probe(&mut self, probe: &Probe) -> Result<()> {
        match &probe.ask {
            Ask::Command(command) => self.need_for_command(command),
            Ask::Http { call, .. } => self.need_for_call(call),
            Ask::Forge(call) => self.need(|name| name == call.place.token),
        }
    }

    fn need_for_command(&mut self, command: &Command) -> Result<()> {
        self.need(|name| command.env.iter().any(|env| env == name))
    }

    fn need_for_call(&mut self, call: &HttpCall) -> Result<()> {
        self.need(|name| {
            let written = placeholder(name);
            call.body.contains(&written) || call.headers.values().any(|value| value.contains(&written))
        })
    }

    fn need(&mut self, is_needed: impl Fn(&str) -> bool) -> Result<()> {
        let mut more = false;
        for source in &self.sources {
            if is_needed(&source.name) && !self.values.contains_key(&source.name) {
                let value = self.approved(source).map_err(|cause| refused(source, &cause))?;
                self.values.insert(source.name.clone(), value);
                more = true;
            }
        }
        if more { self.know() } else { Ok(()) }
    }

    fn approved(&self, source: &SecretSource) -> std::result::Result<Value, String> {
        if let SecretFrom::Command(command) = &source.from {
            self.check_programs([command.asked()])?;
        }
        get(source)
    }

    /// Makes the masker of all that is known.
    fn know(&mut self) -> Result<()> {
        let values = self.values.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let besides = self.besides.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        self.masker = Masker::new(values.chain(besides))?;
        Ok(())
    }

    /// The secrets of the plan for the probes that it watches. What is fetched anew, as a server takes the old
    /// one no longer, has to be as approved.
    pub(super) fn keyring(&self) -> Keyring {
        let values = self.values.iter().map(|(name, value)| (name.clone(), value.clone()));
        let known = values.chain(self.besides.iter().cloned()).collect();
        let names = self.sources.iter().map(|source| source.name.clone()).collect();
        let (sources, approved) = (self.sources.clone(), self.approved.clone());
        let had = self.values.iter().map(|(name, value)| (name.clone(), value.clone()));
        let keyring = Keyring::new(known, names, move |name| {
            let source = sources.iter().find(|source| source.name == name);
            let source = source.ok_or_else(|| "it is not part of the plan".to_owned())?;
            if let SecretFrom::Command(command) = &source.from {
                approved.check([command.asked()])?;
            }
            get(source)
        });
        keyring.having(had)
    }

    /// What masks all that is known by now.
    pub(super) fn masker(&self) -> &Masker {
        &self.masker
    }

    /// A text without secrets.
    pub(super) fn mask(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    /// An outcome without secrets.
    pub(super) fn mask_outcome(&self, outcome: &mut Outcome) {
        match outcome {
            Outcome::DidNotStart { why }
            | Outcome::Unknown { why }
            | Outcome::NotMet { why }
            | Outcome::Failed { why }
            | Outcome::Interrupted { why } => *why = self.mask(why),
            Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::Met => {}
        }
    }

    /// The variables in which a command gets the secrets it names.
    pub(super) fn variables(&self, command: &Command) -> Vec<(OsString, OsString)> {
        let named = self.values.iter().filter(|(name, _)| command.env.contains(name));
        named.map(|(name, value)| (name.into(), OsStr::from_bytes(value).to_owned())).collect()
    }

    /// The value of a secret, for a request and for nothing else; `None` where it was not
    /// needed, or is no text.
    pub(super) fn secret(&self, name: &str) -> Option<String> {
        self.values.get(name).and_then(|value| String::from_utf8(value.to_vec()).ok())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.sources.iter().map(|source| &source.name).collect();
        f.debug_struct("Vault").field("names", &names).finish_non_exhaustive()
    }
}

fn placeholder(name: &str) -> String {
    format!("{{secret:{name}}}")
}

/// Address and headers of what a probe asks.
fn request(source: &Source) -> (&str, &BTreeMap<String, String>) {
    (source.url().unwrap_or_default(), source.headers())
}

/// Tells whether a probe of a watch names a secret.
fn watches(probe: &Watched, name: &str) -> bool {
    let written = placeholder(name);
    let source = &probe.source;
    source.env().iter().any(|env| env == name)
        || source.headers().values().any(|it| it.contains(&written))
        || source.url().is_some_and(|url| url.contains(&written))
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SOUNDS_SECRET.iter().any(|part| name.contains(part))
}

/// All commands of a plan.
fn commands(plan: &Plan) -> Vec<&Command> {
    let mut found = Vec::new();
    for step in &plan.steps {
        let (undo, undone) = match &step.undo {
            Undo::By { action, proof } => (Some(action), proof.as_ref()),
            Undo::Nothing | Undo::Irreversible { .. } => (None, None),
        };
        for action in std::iter::once(&step.action).chain(undo) {
            if let Action::Command(command) = action {
                found.push(command);
            }
        }
        let guards = step.guards.iter().map(|guard| &guard.probe);
        for probe in guards.chain(&step.proof).chain(undone) {
            if let Ask::Command(command) = &probe.ask {
                found.push(command);
            }
        }
    }
    found
}

/// Tells whether a value is what a plan is about: its target, and the names and commits that it deploys.
fn is_public(plan: &Plan, value: &[u8]) -> bool {
    let release = plan.release.iter().flat_map(|release| {
        let told = [&release.environment, &release.reference, &release.commit];
        told.into_iter().chain(&release.tag).chain(&release.version).chain(&release.replaces)
    });
    let subject = plan.subject.iter().flat_map(|subject| [&subject.reference, &subject.commit]);
    let frozen = plan.frozen.iter().flat_map(|(name, commit)| [name, commit]);
    frozen.chain(release).chain(subject).chain([&plan.target]).any(|known| known.as_bytes() == value)
}

/// All calls of the steps of a plan.
fn calls(plan: &Plan) -> impl Iterator<Item = &HttpCall> {
    let actions = plan.steps.iter().flat_map(|step| {
        let undo = match &step.undo {
            Undo::By { action, .. } => Some(action),
            Undo::Nothing | Undo::Irreversible { .. } => None,
        };
        std::iter::once(&step.action).chain(undo)
    });
    let proofs = plan.steps.iter().flat_map(|step| &step.proof).filter_map(|probe| match &probe.ask {
        Ask::Http { call, .. } => Some(call),
        Ask::Command(_) | Ask::Forge(_) => None,
    });
    actions
        .filter_map(|action| match action {
            Action::Http(call) => Some(call),
            _ => None,
        })
        .chain(proofs)
}

fn refused(source: &SecretSource, cause: &str) -> Failure {
    let name = visible(&source.name);
    let hint = match &source.from {
        SecretFrom::Env(variable) => format!("set {} where flightdeck is started", visible(variable)),
        SecretFrom::File(path) => format!("put it into {}, readable by you alone", visible(path)),
        SecretFrom::Command(command) => {
            format!("see what it says to you: {}", visible(&command.line()))
        }
    };
    Failure::new(format!("getting the secret {name}"), format!("the secret {name}: {cause}"), hint)
}

/// Gets a value from where it is.
pub(super) fn get(source: &SecretSource) -> Result<Value, String> {
    let mut value = match &source.from {
        SecretFrom::Env(name) => from_env(name)?,
        SecretFrom::File(path) => from_file(path)?,
        SecretFrom::Command(command) => from_command(command)?,
    };
    if value.len() > MOST {
        return Err(format!("it has more than {MOST} bytes"));
    }
    let ends = if value.ends_with(b"\r\n") { 2 } else { usize::from(value.ends_with(b"\n")) };
    let length = value.len() - ends;
    value.truncate(length);
    let value = match weight(&value) {
        0 => Err("it is empty".to_owned()),
        count if count < SHORTEST => {
            Err(format!("it has fewer than {SHORTEST} bytes; masking so few would leave nothing readable"))
        }
        _ if value.contains(&0) => Err("it holds a NUL byte, which no variable can".to_owned()),
        _ => Ok(value),
    }?;
    if matches!(source.from, SecretFrom::Command(_)) {
        let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
        if !printed.iter().any(|(other, known)| other == source && *known == value) {
            printed.push((source.clone(), value.clone()));
        }
    }
    Ok(value)
}

/// What the command of a secret has printed in this process, with its name.
fn printed(source: &SecretSource) -> Vec<(String, Value)> {
    let printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = printed.iter().filter(|(other, _)| other == source);
    found.map(|(source, value)| (source.name.clone(), value.clone())).collect()
}

fn from_env(name: &str) -> Result<Value, String> {
    let value = std::env::var_os(name);
    let value = value.ok_or_else(|| format!("the environment variable {} is not set", visible(name)))?;
    Ok(Zeroizing::new(value.into_vec()))
}

fn from_file(path: &str) -> Result<Value, String> {
    let home = path.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    let path = home.as_deref().unwrap_or(Path::new(path));
    let cannot =
        |error: std::io::Error| format!("{} cannot be read: {error}", visible(&path.to_string_lossy()));
    // A pipe would have to be waited for.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(format!("{} is not a file", visible(&path.to_string_lossy())));
    }
    // Room for all at once: what grows leaves copies behind.
    let mut value = Zeroizing::new(Vec::with_capacity(MOST + 2));
    let file = File::open(path).map_err(cannot)?;
    file.take(MOST as u64 + 1).read_to_end(&mut value).map_err(cannot)?;
    Ok(value)
}

fn from_command(command: &Command) -> Result<Value, String> {
    let environment = environment(command, std::iter::empty(), std::env::vars_os());
    let mut said = capture_while_we_live("the command", command, environment, PATIENCE, MOST + 1)?;
    // It may tell more than it should: nobody sees what it complained.
    said.err.zeroize();
    let out = Zeroizing::new(said.out);
    match said.code {
        Some(0) => Ok(out),
        Some(code) => Err(format!("the command that prints it exited {code}")),
        None => Err("the command that prints it was killed".to_owned()),
    }
}

#[cfg(test)]
mod tests;
