//! Where a verb is carried out: directories, repository, person, time, and the incident
//! that is meant.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::output::Output;
use super::place::{Place, find_place};
use crate::config::types::Config;
use crate::failure::{Failure, Result};
use crate::hotfix::state::NoRepository;
use crate::incident::{
    Body, ChecklistItem, Draft, IncidentId, Log, Policy, Record, State, Status, parse_time,
};
use crate::journal::{Journal, Seq, Summary};

/// What every verb is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where the journal and the logs are. Absolute; may not exist yet.
    pub(crate) state_dir: PathBuf,
    /// Where the user's settings are. Absolute; may not exist.
    pub(crate) config_dir: PathBuf,
    /// The repository the verb was called in.
    pub(crate) place: Result<Place, NoRepository>,
    /// Where it prints.
    pub(crate) out: Output,
    /// What was said with `--incident`.
    incident: Option<String>,
}

/// What is configured for the repository.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// `flightdeck.toml`, or the defaults where there is none.
    pub(crate) config: Config,
    /// The policy with the team's changes.
    pub(crate) policy: Policy,
    /// Whether the commands it names may be run.
    pub(crate) trusted: bool,
}

impl Setup {
    /// The checklist in force.
    pub(crate) fn checklist(&self) -> Vec<ChecklistItem> {
        if self.config.checklist.is_empty() {
            self.policy.checklist.clone()
        } else {
            self.config.checklist.clone()
        }
    }
}

/// Which incident is meant where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The open one.
    Open,
    /// The open one, else the newest: for what is done or read when it is over.
    Last,
}

/// An incident, loaded and folded.
pub(crate) struct Loaded {
    /// Its journal.
    pub(crate) journal: Journal,
    /// Its records and their fold.
    pub(crate) log: Log,
    /// Where later records continue.
    pub(crate) seq: Seq,
}

impl Loaded {
    /// The fold.
    pub(crate) fn state(&self) -> &State {
        self.log.state()
    }

    /// Commits one event and returns the record it became.
    pub(crate) fn append(
        &mut self,
        at: Option<Timestamp>,
        now: Timestamp,
        body: impl Into<Body>,
    ) -> Result<Record> {
        let mut draft = Draft::now(self.state().id, body);
        draft.occurred = at.map(|at| (at, crate::incident::Precision::Exact));
        let saved = self.journal.append(now, vec![draft])?;
        saved.into_iter().next().ok_or_else(|| {
            Failure::new("saving to the journal", "nothing came back", "run flightdeck verify")
        })
    }
}

impl Context {
    /// Looks around: directories from the environment, the repository from the current
    /// directory. Reads nothing else.
    ///
    /// # Errors
    /// There is no home directory to put the state into, and none was named.
    pub(crate) fn of_process(incident: Option<String>, out: Output) -> Result<Self, (Failure, Output)> {
        match surroundings() {
            Ok((state_dir, config_dir, here)) => {
                Ok(Self { state_dir, config_dir, place: find_place(&here), out, incident })
            }
            Err(failure) => Err((failure, out)),
        }
    }

    /// The time now.
    #[expect(clippy::unused_self, reason = "a verb asks its context for everything from outside")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Who is acting: `FLIGHTDECK_USER`, else git's `user.name`.
    ///
    /// # Errors
    /// Neither is set: a record without a name would be worth little.
    pub(crate) fn user(&self) -> Result<String> {
        self.known_user().ok_or_else(|| {
            Failure::usage(
                "finding out who is acting",
                "git has no user.name here, and FLIGHTDECK_USER is not set",
                "git config --global user.name \"Your Name\", or set FLIGHTDECK_USER",
            )
        })
    }

    fn known_user(&self) -> Option<String> {
        let from_environment = std::env::var("FLIGHTDECK_USER").ok();
        from_environment
            .or_else(|| self.place.as_ref().ok().and_then(|place| place.user.clone()))
            .or_else(super::place::default_user)
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
    }

    /// The repository.
    ///
    /// # Errors
    /// There is none here, it is bare, or it cannot be read: says which.
    pub(crate) fn place(&self, doing: &str) -> Result<&Place> {
        self.place.as_ref().map_err(|none| no_repository(doing, none))
    }

    /// The root of the repository's work tree.
    pub(crate) fn root(&self, doing: &str) -> Result<&Path> {
        Ok(&self.place(doing)?.root)
    }

    /// Opens the journal to write to it.
    ///
    /// # Errors
    /// It cannot be opened or written to, or nobody is known to be acting.
    pub(crate) fn journal(&self) -> Result<Journal> {
        let journal = Journal::open(&self.state_dir, &self.user()?)?;
        match journal.read_only() {
            None => Ok(journal),
            Some(why) => Err(Failure::new(
                format!("writing to the journal in {}", self.state_dir.display()),
                why,
                "make the directory writable, or name another with FLIGHTDECK_STATE_DIR",
            )),
        }
    }

    /// Opens the journal to read it; it may be one that cannot be written to.
    pub(crate) fn journal_to_read(&self) -> Result<Journal> {
        Journal::open(&self.state_dir, self.known_user().as_deref().unwrap_or("nobody"))
    }

    /// Loads the incident that is meant, to write to it.
    pub(crate) fn load(&self, wanted: Wanted) -> Result<Loaded> {
        self.load_from(self.journal()?, wanted)
    }

    /// Loads the incident that is meant, to read it.
    pub(crate) fn load_to_read(&self, wanted: Wanted) -> Result<Loaded> {
        self.load_from(self.journal_to_read()?, wanted)
    }

    fn load_from(&self, journal: Journal, wanted: Wanted) -> Result<Loaded> {
        let id = self.which(&journal, wanted)?;
        let (log, seq) = journal.load(id)?;
        Ok(Loaded { journal, log, seq })
    }

    /// The incident named with `--incident`, if one was.
    pub(crate) fn named(&self, journal: &Journal) -> Result<Option<IncidentId>> {
        self.incident.as_deref().map(|named| pick(&journal.incidents(None)?, named)).transpose()
    }

    fn which(&self, journal: &Journal, wanted: Wanted) -> Result<IncidentId> {
        if let Some(named) = self.named(journal)? {
            return Ok(named);
        }
        let place = self.place("finding the incident")?;
        let all = journal.incidents(Some(&place.repository))?;
        if let Some(open) = the_open_one(&all)? {
            return Ok(open.id);
        }
        match (wanted, all.first()) {
            (Wanted::Last, Some(last)) => {
                self.out.tell(&format!("no incident is open; the last one is {}", last.number));
                Ok(last.id)
            }
            (_, last) => Err(none_open(last)),
        }
    }

    /// What the repository's configuration says, and whether it may be acted on.
    pub(crate) fn setup(&self) -> Result<Setup> {
        let config = Config::default();
        Ok(Setup { policy: Policy::built_in().with(&config.policy), config, trusted: false })
    }

    /// The name of the service: as configured, else that of the repository's directory. A
    /// configuration that cannot be read does not stand in the way of declaring.
    pub(crate) fn service(&self) -> String {
        let configured = self.setup().map(|setup| setup.config.service.name).unwrap_or_default();
        if !configured.is_empty() {
            return configured;
        }
        let root = self.place.as_ref().ok().and_then(|place| place.root.file_name());
        root.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Reads a time given on the command line; it must not be in the future.
    pub(crate) fn time(&self, option: &str, text: &str) -> Result<Timestamp> {
        past_time(option, text, self.now())
    }
}

/// The state directory, the directory of settings, and the current directory.
fn surroundings() -> Result<(PathBuf, PathBuf, PathBuf)> {
    let here = std::env::current_dir()
        .map_err(|e| Failure::usage("finding the current directory", e, "go to a directory that exists"))?;
    let state = directory("FLIGHTDECK_STATE_DIR", &here, |dirs| {
        dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned()
    })?;
    let config = directory("FLIGHTDECK_CONFIG_DIR", &here, |dirs| dirs.config_dir().to_owned())?;
    Ok((state, config, here))
}

/// A directory from the environment, else where the system keeps such things.
fn directory(
    variable: &str,
    here: &Path,
    usual: impl FnOnce(&directories::ProjectDirs) -> PathBuf,
) -> Result<PathBuf> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(named) => Ok(here.join(named)),
        None => {
            directories::ProjectDirs::from("", "", "flightdeck").map(|dirs| usual(&dirs)).ok_or_else(|| {
                Failure::usage(
                    "finding where to keep the journal and the settings",
                    "there is no home directory",
                    format!("set {variable} to a directory"),
                )
            })
        }
    }
}

/// Reads a time that must not be in the future.
pub(super) fn past_time(option: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    let at = parse_time(text, now).ok_or_else(|| {
        Failure::usage(
            format!("reading {option}"),
            format!("{text:?} is not a time"),
            "write 2026-11-21T14:02:00Z, 14:02 (UTC), -5m or now",
        )
    })?;
    if at > now {
        return Err(Failure::usage(
            format!("reading {option}"),
            format!("{at:.0} is in the future: it is {now:.0} now"),
            "give a time that has passed",
        ));
    }
    Ok(at)
}

/// Finds the incident that a number, a unique beginning of it, or an id means.
fn pick(all: &[Summary], named: &str) -> Result<IncidentId> {
    let doing = format!("finding incident {named}");
    let named = named.trim().to_ascii_lowercase();
    let exact = |one: &&Summary| one.number.to_ascii_lowercase() == named || one.id.to_string() == named;
    let begins = |one: &&Summary| {
        one.number.to_ascii_lowercase().starts_with(&named) || one.id.to_string().starts_with(&named)
    };
    let mut found: Vec<_> = all.iter().filter(exact).collect();
    if found.is_empty() && !named.is_empty() {
        found = all.iter().filter(begins).collect();
    }
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::usage(
            doing,
            "the journal knows no such incident",
            "flightdeck history lists those of this repository",
        )),
        [first, second, ..] => {
            let same = first.number == second.number;
            let name = |one: &Summary| if same { one.id.to_string() } else { one.number.clone() };
            Err(Failure::usage(
                doing,
                format!("{} of them begin so, among them {} and {}", found.len(), name(first), name(second)),
                "write more of it",
            ))
        }
    }
}

/// The one that is open.
///
/// # Errors
/// More than one is.
fn the_open_one(all: &[Summary]) -> Result<Option<&Summary>> {
    let open: Vec<_> =
        all.iter().filter(|one| matches!(one.status, Status::Open | Status::Mitigated)).collect();
    match open.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        many => {
            let names: Vec<_> = many.iter().map(|one| format!("{} ({})", one.number, one.title)).collect();
            Err(Failure::usage(
                "finding the incident",
                format!("{} are open in this repository: {}", many.len(), names.join(", ")),
                format!("say which: --incident {}", many[0].number),
            ))
        }
    }
}

fn none_open(last: Option<&Summary>) -> Failure {
    let declare = "flightdeck declare \"what is broken\" --severity P1";
    let hint = match last {
        None => declare.to_owned(),
        Some(last) => format!("{declare}\nor name an old one: --incident {}", last.number),
    };
    Failure::usage("finding the incident", "none is open in this repository", hint)
}

/// Why there is no repository, as a failure.
fn no_repository(doing: &str, none: &NoRepository) -> Failure {
    match none {
        NoRepository::NotFound => Failure::usage(
            doing,
            "there is no git repository here or above",
            "go to the repository of the service, or try flightdeck drill",
        ),
        NoRepository::Bare => {
            Failure::usage(doing, "this is a bare repository: it has no files to fix", "go to a clone of it")
        }
        NoRepository::NotOurs { path } => Failure::usage(
            doing,
            format!("the repository {path} belongs to another user, and git does not trust it"),
            format!("if you do: git config --global --add safe.directory {path}"),
        ),
        NoRepository::Unreadable { why } => Failure::new(
            doing,
            format!("the repository cannot be read: {why}"),
            "git status says more; git fsck looks for damage",
        ),
    }
}
