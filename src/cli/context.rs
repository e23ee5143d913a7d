//! Where a verb is carried out: directories, repository, person, time, and the incident
//! that is meant.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::output::Output;
use super::share_after::Use;
use crate::config::dirs::Dirs;
use crate::config::load::{self, Loaded as LoadedConfig};
use crate::config::settings::{self, LoadedSettings};
use crate::config::trust;
use crate::config::types::Config;
use crate::drill::place::Place as Drill;
use crate::exchange::Runtime;
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::git::{Reader, global_user_name, located};
use crate::hotfix::state::NoRepository;
use crate::incident::{
    Body, ChecklistItem, Checkout, Draft, IncidentId, Log, Policy, Record, RepositoryId, State, Status,
    is_recent, parse_time, taken_as,
};
use crate::journal::{self, Journal, Seq, Summary};
use crate::text::visible;

/// What every verb is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where the journal and the logs are. Absolute; may not exist yet.
    pub(crate) state_dir: PathBuf,
    /// Where the user's settings are. Absolute; may not exist.
    pub(crate) config_dir: PathBuf,
    /// The current directory.
    pub(crate) here: PathBuf,
    /// The repository the verb was called in.
    pub(crate) place: Result<Place, NoRepository>,
    /// Where it prints.
    pub(crate) out: Output,
    /// What was said with `--incident`.
    pub(crate) incident: Option<String>,
    /// Whether it was said that `flightdeck.toml` has a mistake in it.
    pub(super) warned: Cell<bool>,
    /// What was done with the journal so far.
    pub(super) used: Cell<Use>,
    /// The kinds of records that an assistant may write, where one acts.
    pub(crate) assistant: Option<&'static [&'static str]>,
}

/// What is configured for the repository.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// `flightdeck.toml`, or the defaults where there is none.
    pub(crate) config: Config,
    /// Whether there is such a file.
    pub(crate) configured: bool,
    /// The policy with the team's changes.
    pub(crate) policy: Policy,
    /// Whether the commands it names may be run.
    pub(crate) trusted: bool,
}

impl Setup {
    /// What a configuration makes of the built-in policy.
    pub(crate) fn new(loaded: Option<LoadedConfig>, trusted: bool) -> Self {
        let configured = loaded.is_some();
        let config = loaded.map(|loaded| loaded.config).unwrap_or_default();
        Self { policy: Policy::built_in().with(&config.policy), config, configured, trusted }
    }

    /// The checklist in force.
    pub(crate) fn checklist(&self) -> Vec<ChecklistItem> {
        if self.config.checklist.is_empty() {
            self.policy.checklist.clone()
        } else {
            self.config.checklist.clone()
        }
    }
}

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Root of the work tree.
    pub(crate) root: PathBuf,
    /// Identity, the same in all its work trees.
    pub(crate) repository: String,
    /// Name of its directory.
    pub(crate) name: String,
}

impl Place {
    /// What clones of the repository share; nothing where it cannot be read.
    pub(crate) fn id(&self) -> RepositoryId {
        Reader::open(&self.root).map(|reader| reader.repository_id()).unwrap_or_default()
    }
}

/// A repository that cannot be read is known by its path alone.
impl Checkout for Place {
    fn path(&self) -> String {
        self.repository.clone()
    }

    fn remotes(&self) -> Vec<String> {
        Reader::open(&self.root).map(|reader| reader.remotes()).unwrap_or_default()
    }

    fn holds(&self, commit: &str) -> Option<bool> {
        Reader::open(&self.root).ok()?.holds(commit)
    }
}

/// Which incident is meant where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The open one.
    Open,
    /// The open one, else the only one that is resolved: for what is still to be done then.
    NotClosed,
    /// The open one, else the newest: for what is done or read when it is over.
    Last,
    /// The open one, else the only one that is resolved, else the newest: for what changes that it is over.
    Ended,
}

/// An incident, loaded and folded.
pub(crate) struct Loaded {
    /// Its journal.
    pub(crate) journal: Journal,
    /// The fold of its records.
    pub(crate) log: Log,
    /// Where later records continue.
    pub(crate) seq: Seq,
    /// Its number, told apart from that of another incident here.
    pub(crate) number: String,
}

impl Loaded {
    /// The fold.
    pub(crate) fn state(&self) -> &State {
        self.log.state()
    }

    /// Folds more of its records in.
    pub(crate) fn fold_in(&mut self, records: impl IntoIterator<Item = Record>) -> Result<()> {
        self.journal.fold_in(&mut self.log, records)
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
    pub(crate) fn of_process(incident: Option<String>, out: Output) -> Result<Self, Box<(Failure, Output)>> {
        match surroundings() {
            Ok((dirs, here)) => {
                let place = find_place(&here);
                let (state_dir, config_dir) = (dirs.state, dirs.config);
                let (warned, used) = (Cell::default(), Cell::default());
                Ok(Self { state_dir, config_dir, here, place, out, incident, warned, used, assistant: None })
            }
            Err(failure) => Err(Box::new((failure, out))),
        }
    }

    /// The time now.
    #[expect(clippy::unused_self, reason = "a verb asks its context for everything from outside")]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Who is acting: `FLIGHTDECK_USER`, the settings, git's `user.name`, the login.
    ///
    /// # Errors
    /// None of them says: a record without a name would be worth little.
    pub(crate) fn user(&self) -> Result<String> {
        let git = || match &self.place {
            Ok(place) => {
                Reader::open(&place.root).map_or_else(|_| global_user_name(), |reader| reader.user_name())
            }
            Err(_) => global_user_name(),
        };
        settings::acting_user(&self.settings()?.settings, &git)
    }

    /// The user's settings.
    ///
    /// # Errors
    /// The file has mistakes in it: exit code 2, with lines and carets.
    pub(crate) fn settings(&self) -> Result<LoadedSettings> {
        settings::load(&self.config_dir)
    }

    /// The repository.
    ///
    /// # Errors
    /// There is none here, it is bare, or it cannot be read: says which.
    pub(crate) fn place(&self) -> Result<&Place> {
        self.place.as_ref().map_err(|none| {
            let failure = none.failure(&self.here.to_string_lossy());
            let kind = match none {
                NoRepository::Unreadable { .. } => FailureKind::Failed,
                _ => FailureKind::Usage,
            };
            Failure { kind, ..failure }
        })
    }

    /// What the repository goes by in a journal.
    ///
    /// # Errors
    /// As [`Context::place`], or the journal cannot be read.
    pub(crate) fn repository(&self, journal: &Journal) -> Result<String> {
        journal.repository(self.place()?)
    }

    /// The root of the repository's work tree.
    pub(crate) fn root(&self) -> Result<&Path> {
        Ok(&self.place()?.root)
    }

    /// Opens the journal to write to it.
    ///
    /// # Errors
    /// It cannot be opened or written to, or nobody is known to be acting.
    pub(crate) fn journal(&self) -> Result<Journal> {
        let journal = self.limited(Journal::open(&self.state_dir, &self.user()?)?);
        match journal.read_only() {
            None => Ok(self.will_write(journal)),
            Some(why) => Err(Failure::new(
                format!("writing to the journal in {}", self.state_dir.display()),
                why,
                journal.remedy(),
            )),
        }
    }

    /// Opens the journal to read it; it may be one that cannot be written to.
    pub(crate) fn journal_to_read(&self) -> Result<Journal> {
        Journal::open(&self.state_dir, self.user().as_deref().unwrap_or("nobody"))
            .map(|all| self.limited(all))
    }

    /// Loads the incident that is meant, to write to it.
    pub(crate) fn load(&self, wanted: Wanted) -> Result<Loaded> {
        self.load_from(self.journal()?, wanted)
    }

    /// Loads the incident that is meant, to read it.
    pub(crate) fn load_to_read(&self, wanted: Wanted) -> Result<Loaded> {
        self.will_read();
        self.load_from(self.journal_to_read()?, wanted)
    }

    /// The same from the journal in another directory, which some file names: none is made there.
    pub(crate) fn load_in(&self, state_dir: &Path, wanted: Wanted) -> Result<Loaded> {
        let journal = Journal::open_again(state_dir, self.user().as_deref().unwrap_or("nobody"))?;
        self.load_from(self.limited(journal), wanted)
    }

    fn load_from(&self, journal: Journal, wanted: Wanted) -> Result<Loaded> {
        let id = self.which(&journal, wanted)?;
        let (log, seq) = journal.load(id)?;
        let number = journal.number(id)?;
        Ok(Loaded { journal, log, seq, number })
    }

    /// The incident named with `--incident`, if one was.
    pub(crate) fn named(&self, journal: &Journal) -> Result<Option<IncidentId>> {
        self.incident.as_deref().map(|named| pick(&journal.incidents(None)?, named)).transpose()
    }

    fn which(&self, journal: &Journal, wanted: Wanted) -> Result<IncidentId> {
        if let Some(named) = self.named(journal)? {
            return Ok(named);
        }
        let listed = journal.incidents(Some(&self.repository(journal)?))?;
        let (all, undeclared): (Vec<Summary>, Vec<Summary>) =
            listed.into_iter().partition(|one| one.is_declared);
        if !undeclared.is_empty() {
            self.out.tell(&format!("▲ {}", journal::listed_only(&undeclared)));
        }
        if let Some(open) = the_open_one(&all)? {
            return Ok(open.id);
        }
        let resolved: Vec<&Summary> = all.iter().filter(|one| one.status == Status::Resolved).collect();
        match (wanted, resolved.as_slice()) {
            (Wanted::Ended | Wanted::NotClosed, [one]) => {
                self.out.tell(&format!("no incident is open; {} is resolved", one.number));
                return Ok(one.id);
            }
            (Wanted::Ended | Wanted::NotClosed, [first, second, ..]) => {
                let name = |one: &Summary| format!("{} ({})", one.number, visible(&one.title));
                return Err(Failure::usage(
                    "finding the incident",
                    format!("{} are resolved: {} and {}", resolved.len(), name(first), name(second)),
                    format!("say which: --incident {}", first.number),
                ));
            }
            _ => {}
        }
        self.tell_kin(journal)?;
        match (wanted, all.first()) {
            (Wanted::Last | Wanted::Ended, Some(last)) => {
                self.out.tell(&format!("no incident is open; the last one is {}", last.number));
                Ok(last.id)
            }
            (_, None) if journal.is_emptied() => Err(Failure::new(
                "finding the incident",
                "the journal has no incident, but the heads kept beside it name some: it was removed or replaced",
                "put the journal back or import your last export, then run flightdeck verify",
            )),
            (_, last) => Err(match self.drill_elsewhere() {
                Some(drill) => none_here(&drill),
                None => none_open(last),
            }),
        }
    }

    /// The drill that this repository is of, where its incident is in another journal than this one.
    pub(super) fn drill_elsewhere(&self) -> Option<Drill> {
        let root = self.root().ok()?;
        let drill = Drill::find(root).ok()?;
        // What a repository says of itself is believed where its journal and the script stand beside it.
        let is_one = Drill::is_played(root, &drill.state_dir) && drill.door().is_file();
        (is_one && !Drill::is_played(root, &self.state_dir)).then_some(drill)
    }

    /// Names incidents that may be of this repository, which no remote says.
    pub(super) fn tell_kin(&self, journal: &Journal) -> Result<()> {
        let Ok(place) = self.place() else { return Ok(()) };
        let ours = place.remotes();
        let ours = if ours.is_empty() { "no remote".to_owned() } else { ours.join(", ") };
        for kin in journal.kin(place)? {
            self.out.tell(&visible(&format!(
                "▲ {} ({}) belongs to {}, this clone to {ours}. If they are the same repository: --incident {}",
                kin.number,
                kin.title,
                kin.of.join(", "),
                kin.number
            )));
        }
        Ok(())
    }

    /// What the repository's configuration says, and whether it may be acted on.
    ///
    /// # Errors
    /// The file has mistakes in it: exit code 2, with lines and carets.
    pub(crate) fn setup(&self) -> Result<Setup> {
        let loaded = match &self.place {
            Ok(place) => load::load(&place.root)?,
            Err(_) => None,
        };
        let trusted = match &loaded {
            Some(loaded) => trust::is_trusted(&self.state_dir, loaded)?,
            None => false,
        };
        let mut setup = Setup::new(loaded, trusted);
        if let Ok(place) = &self.place {
            setup.config = self.as_made_here(&place.root, setup.config);
        }
        Ok(setup)
    }

    /// The same, for what has to go on without the file: where that has a mistake in it, what is found
    /// out in the repository alone, and the mistake.
    pub(crate) fn setup_or_found(&self) -> (Setup, Option<Failure>) {
        let failure = match self.setup() {
            Ok(setup) => return (setup, None),
            Err(failure) => failure,
        };
        let mut setup = Setup::new(None, false);
        if let Ok(place) = &self.place {
            setup.config = self.as_made_here(&place.root, setup.config);
        }
        (setup, Some(failure))
    }

    /// The same, for what has to get on record whatever the file says: a mistake in it is only warned of.
    pub(crate) fn setup_or_warn(&self) -> Setup {
        self.warn_of_mistake();
        self.setup_or_found().0
    }

    /// Says, once, that `flightdeck.toml` has a mistake in it, where it has.
    pub(crate) fn warn_of_mistake(&self) {
        // Once is enough, for looking as well as for saying.
        if self.warned.replace(true) {
            return;
        }
        if self.place.as_ref().is_ok_and(|place| load::load(&place.root).is_err()) {
            self.out.tell(&format!(
                "▲ {} has an error, so the built-in policy applies: flightdeck config check shows it",
                load::FILE
            ));
        }
    }

    /// A configuration with what it leaves out about hotfixes as it is found in the repository. One that
    /// cannot be read says nothing.
    fn as_made_here(&self, root: &Path, config: Config) -> Config {
        match Reader::open(root) {
            Ok(reader) => reader.configured(config, || journal::open_incidents(&self.state_dir)),
            Err(_) => config,
        }
    }

    /// The configuration, for what acts on it.
    ///
    /// # Errors
    /// There is no repository, the file is missing, has mistakes in it, or is not trusted
    /// (exit code 4).
    pub(crate) fn trusted_config(&self) -> Result<LoadedConfig> {
        let root = self.root()?;
        let loaded = load::load(root)?.ok_or_else(|| {
            Failure::usage("reading flightdeck.toml", "none in this repository", "flightdeck init writes one")
        })?;
        trust::require(&self.state_dir, &loaded)?;
        Ok(LoadedConfig { config: self.as_made_here(root, loaded.config), ..loaded })
    }

    /// The name of the service: as configured, else that of the repository's directory. A
    /// configuration that cannot be read does not stand in the way of declaring.
    pub(crate) fn service(&self) -> String {
        let configured = self.setup().map(|setup| setup.config.service.name).unwrap_or_default();
        if !configured.is_empty() {
            return configured;
        }
        self.place.as_ref().map(|place| place.name.clone()).unwrap_or_default()
    }

    /// Carries out something asynchronous to its end.
    #[expect(clippy::unused_self, reason = "a verb asks its context for everything from outside")]
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let runtime = Runtime::new().map_err(|e| Failure::new("starting the asynchronous runtime", e, ""))?;
        Ok(runtime.block_on(future))
    }

    /// Reads a time given on the command line; it must not be in the future.
    pub(crate) fn time(&self, option: &str, text: &str) -> Result<Timestamp> {
        let at = past_time(option, text, self.now())?;
        if let Some(said) = taken_as(text, at, self.now(), &TimeZone::UTC, &TimeZone::system()) {
            self.out.tell(&said);
        }
        Ok(at)
    }
}

/// The directories of settings and state, and the current directory.
fn surroundings() -> Result<(Dirs, PathBuf)> {
    let here = std::env::current_dir()
        .map_err(|e| Failure::usage("finding the current directory", e, "go to a directory that exists"))?;
    Ok((Dirs::from_env()?, here))
}

/// Finds the repository that holds a directory.
fn find_place(here: &Path) -> Result<Place, NoRepository> {
    match Reader::open(here) {
        Ok(reader) => {
            Ok(Place { root: reader.root().to_owned(), repository: reader.identity(), name: reader.name() })
        }
        // An incident can be run where the branch cannot be read.
        Err(none @ (NoRepository::Unreadable { .. } | NoRepository::NotOurs { .. })) => {
            let found = located(here).ok_or(none)?;
            Ok(Place { root: found.root, repository: found.identity, name: found.name })
        }
        Err(none) => Err(none),
    }
}

/// Reads a time that must not be in the future.
pub(super) fn past_time(option: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    let at = parse_time(text, now).ok_or_else(|| {
        Failure::usage(
            format!("reading {option}"),
            format!("{text:?} is not a time"),
            "write 2026-11-21T14:02:00Z, 14:02 (UTC, and not later than now), 14:02 yesterday, -5m or now",
        )
    })?;
    if !is_recent(at) {
        return Err(Failure::usage(
            format!("reading {option}"),
            format!("{at:.0} is too far off: only the years 2000 to 2199 are taken"),
            "check the year",
        ));
    }
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
pub(crate) fn pick(all: &[Summary], named: &str) -> Result<IncidentId> {
    let doing = format!("finding incident {named}");
    let named = named.trim().to_ascii_lowercase();
    let exact = |one: &&Summary| one.number.eq_ignore_ascii_case(&named) || one.id.to_string() == named;
    let begins = |one: &&Summary| {
        one.number.to_ascii_lowercase().starts_with(&named) || one.id.to_string().starts_with(&named)
    };
    let mut found: Vec<_> = all.iter().filter(exact).collect();
    // The last part of the number is what people say on the call.
    if let Ok(short) = named.parse::<u32>() {
        let ends =
            |one: &&Summary| one.number.rsplit('-').next().is_some_and(|last| last.parse() == Ok(short));
        found.extend(all.iter().filter(ends));
    }
    if found.is_empty() && !named.is_empty() {
        found = all.iter().filter(begins).collect();
    }
    match found.as_slice() {
        [one] => Ok(one.id),
        [] => Err(Failure::usage(
            doing,
            "the journal has no such incident",
            "flightdeck history lists those of this repository",
        )),
        [first, second, ..] => {
            let name = |one: &Summary| format!("{} ({})", one.number, visible(&one.title));
            Err(Failure::usage(
                doing,
                format!("{} incidents match: {} and {}", found.len(), name(first), name(second)),
                format!("write more of the number: --incident {}", first.number),
            ))
        }
    }
}

/// The one that is open.
///
/// # Errors
/// More than one is.
fn the_open_one(all: &[Summary]) -> Result<Option<&Summary>> {
    let open: Vec<_> = all.iter().filter(|one| one.is_open()).collect();
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

/// Says where the incident of a drill is.
fn none_here(drill: &Drill) -> Failure {
    let quoted = shell_words::quote(&drill.door().to_string_lossy()).into_owned();
    Failure::usage(
        "finding the incident",
        "this is the repository of a drill, and its incident is in the drill's own journal",
        format!(
            "take part by the script beside it: {quoted} NAME status\nor go on in the cockpit of the drill"
        ),
    )
}

fn none_open(last: Option<&Summary>) -> Failure {
    let declare = "flightdeck declare \"what is broken\" --severity P1";
    let hint = match last {
        None => declare.to_owned(),
        Some(last) => format!(
            "{declare}\nor, if {} is not over: flightdeck reopen --reason …\nor name it: --incident {}",
            last.number, last.number
        ),
    };
    Failure::usage("finding the incident", "no incident is open in this repository", hint)
}
