//! The repository and its configuration, on a thread of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::ground::{Ground, Letter};
use super::past::Known;
use super::save::{place, save};
use super::screen::receive;
use super::{Event, Launch, no_thread, panics};
use crate::cockpit::model::{ConfigSource, ConfigState};
use crate::cockpit::msg::{Done, EffectId, Fact, Lessons, Msg};
use crate::conductor::{self, keyring};
use crate::config::detect::{self, Found};
use crate::config::types::{Config, Hotfix};
use crate::config::{draft, load, trust};
use crate::drill::grade::Change;
use crate::drill::place::Place;
use crate::drill::{Scenario, fix};
use crate::failure::{Failure, FailureKind, Result};
use crate::health::keyring::Keyring;
use crate::hotfix::git::Reader;
use crate::hotfix::pull::Check;
use crate::hotfix::state::{BranchState, NoRepository};
use crate::hotfix::watch::{self, Changed, Places, Timing};
use crate::incident::{Hash, HotfixLimit, IncidentId, Policy};
use crate::journal;
use crate::plan::Request;

/// How long the fix of a drill is looked into.
const LOOK: Duration = Duration::from_secs(5);
/// How often a repository is looked for where there is none yet.
const SLOW: Duration = Duration::from_secs(30);

/// What the repository's thread is asked for.
pub(super) enum Order {
    /// Read the repository whole, and answer the effect.
    Refresh(EffectId),
    /// Read the repository after something changed in it.
    Changed(Changed),
    /// Make a plan with this id.
    Prepare(EffectId, String, Request),
    /// Find the commit of what somebody says is live in an environment.
    FindLive(EffectId, String, String),
    /// Ask for the state of every flag.
    ReadFlags(EffectId),
    /// Work out what the incidents of the repository came to.
    LookBack(EffectId, Box<Policy>),
    /// Read back, as this person, what became of the issues of the follow-ups of these incidents.
    SyncFollowUps(EffectId, String, Vec<IncidentId>),
    /// Look for the runbooks of the repository.
    ListRunbooks(EffectId),
    /// Read the team's own templates of messages.
    ReadTemplates(EffectId),
    /// Ask who is on call.
    ReadOnCall(EffectId),
    /// Read what a check printed.
    CheckLog(EffectId, Box<Check>),
    /// Send messages.
    Post(EffectId, Letter),
    /// Read one of them.
    ReadRunbook(EffectId, String),
    /// Trust the configuration with this hash.
    Trust(EffectId, String),
    /// Work out a configuration.
    Draft(EffectId),
    /// Write this one, and trust it.
    Init(EffectId, String),
    /// In a drill: apply the prepared fix.
    Fix(EffectId),
    /// In a drill: find out what it is about, and what the fix between two commits changes.
    Grade(EffectId, Option<(String, Option<String>)>, HotfixLimit),
    /// Save the report of an incident.
    Save(EffectId, IncidentId, String, String),
}

/// Starts the thread and reads the repository in it.
pub(super) fn start(launch: &Launch, events: Sender<Event>) -> Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let (wake, trusted) = (orders.clone(), orders.clone());
    let state_dir = launch.state_dir.clone();
    let mut clerk = Clerk {
        here: launch.here.clone(),
        state_dir: launch.state_dir.clone(),
        events: events.clone(),
        reader: None,
        configured: None,
        written: Hotfix::default(),
        seen: None,
        told: None,
        known: Arc::default(),
    };
    panics::spawn("repository", events, move || {
        clerk.look(true, Changed::Anything);
        let watch = clerk.reader.as_ref().map(|reader| {
            let places = Places {
                root: reader.root().to_owned(),
                git_dir: reader.git_dir().to_owned(),
                common_dir: reader.common_dir().to_owned(),
            };
            watch::repository(&places, Timing::REPOSITORY, move |changed| {
                let _ = wake.send(Order::Changed(changed));
            })
        });
        // Somebody may trust the file in another terminal.
        let trust = watch::files(&state_dir, &[trust::FILE], Timing::FILE, move || {
            let _ = trusted.send(Order::Changed(Changed::Anything));
        });
        clerk.serve(&queue);
        drop((watch, trust));
    })
    .map_err(|error| no_thread(&error))?;
    Ok(orders)
}

/// What tells that a file has changed.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

fn stamp(path: PathBuf) -> Stamp {
    let meta = std::fs::metadata(&path).ok();
    let seen = meta.and_then(|meta| Some((meta.modified().ok()?, meta.len())));
    (path, seen)
}

struct Clerk {
    here: PathBuf,
    state_dir: PathBuf,
    events: Sender<Event>,
    reader: Option<Reader>,
    /// The configuration in force, as the loop was told.
    configured: Option<ConfigState>,
    /// What the file itself says of hotfixes.
    written: Hotfix,
    /// The configuration and the file of what is trusted, as they were when they were read.
    seen: Option<[Stamp; 2]>,
    /// What the loop was told last.
    told: Option<Result<BranchState, NoRepository>>,
    /// What incidents came to, as it was worked out before.
    known: Arc<Mutex<Known>>,
}

impl Clerk {
    fn serve(&mut self, orders: &Receiver<Order>) {
        loop {
            match receive(orders, Some(SLOW)) {
                Err(()) => return,
                Ok(None) => self.look(false, Changed::Anything),
                Ok(Some(order)) => self.carry_out(order),
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        let (id, result) = match order {
            Order::Refresh(id) => {
                self.look(false, Changed::Anything);
                (id, Ok(Done::Quietly))
            }
            Order::Changed(changed) => return self.look(false, changed),
            Order::Prepare(id, plan, request) => {
                return self.aside(id, move |ground| ground.prepare(&plan, &request));
            }
            Order::FindLive(id, environment, reference) => {
                return self.aside(id, move |ground| ground.find_live(environment, reference));
            }
            Order::ReadFlags(id) => return self.aside(id, Ground::flags),
            Order::LookBack(id, policy) => {
                let known = Arc::clone(&self.known);
                return self.aside(id, move |ground| ground.look_back(&policy, &known));
            }
            Order::SyncFollowUps(id, user, incidents) => {
                return self.aside(id, move |ground| ground.sync_follow_ups(&user, &incidents));
            }
            Order::ListRunbooks(id) => return self.aside(id, Ground::runbooks),
            Order::ReadTemplates(id) => return self.aside(id, Ground::templates),
            Order::ReadOnCall(id) => return self.aside(id, Ground::on_call),
            Order::CheckLog(id, check) => return self.aside(id, move |ground| ground.check_log(&check)),
            Order::Post(id, letter) => return self.aside(id, move |ground| ground.post(letter)),
            Order::ReadRunbook(id, path) => return self.aside(id, move |ground| ground.runbook(&path)),
            Order::Trust(id, hash) => (id, self.trust(&hash)),
            Order::Draft(id) => (id, self.draft()),
            Order::Init(id, content) => (id, self.init(&content)),
            Order::Fix(id) => (id, self.fix()),
            Order::Grade(id, fix, limit) => (id, self.lessons(fix, &limit)),
            Order::Save(id, incident, name, content) => (id, self.save(incident, &name, &content)),
        };
        let _ = self.events.send(Event::Msg(Msg::Done(id, result)));
    }

    fn root(&self) -> &Path {
        self.reader.as_ref().map_or(&self.here, Reader::root)
    }

    /// Reads configuration and repository, and tells what changed. The first time what takes no
    /// time is told before the rest.
    fn look(&mut self, first: bool, changed: Changed) {
        let mut first = first;
        if self.reader.is_none() {
            match Reader::open(&self.here) {
                Ok(reader) => {
                    self.reader = Some(reader);
                    first = true;
                }
                Err(none) => {
                    if first {
                        self.configure(None);
                    }
                    return self.tell(Err(none));
                }
            }
        }
        let stamps = [self.root().join(load::FILE), self.state_dir.join(trust::FILE)].map(stamp);
        let is_new = first || self.seen.as_ref() != Some(&stamps);
        if is_new {
            let root = self.root().to_owned();
            self.seen = Some(stamps);
            self.configure(Some(&root));
        }
        let Some(reader) = &mut self.reader else { return };
        let hotfix = reader.hotfix_here(&self.written, || journal::open_incidents(&self.state_dir));
        if let Some(told) = self.configured.as_mut().filter(|told| told.config.hotfix != hotfix) {
            // A branch that was switched to or fetched tells of another flow. The rest stays, and so do
            // the probes.
            told.config.hotfix = hotfix.clone();
            let told = Fact::Config(Box::new(told.clone()));
            let _ = self.events.send(Event::Msg(Msg::Fact(told)));
        }
        if first {
            let branch = reader.read_first(&hotfix);
            self.tell(branch);
        }
        let Some(reader) = &mut self.reader else { return };
        let branch = reader.read_after(&hotfix, changed);
        self.tell(branch);
        if is_new {
            self.shelve();
        }
    }

    /// Tells which runbooks there are. Reading them runs nothing, so nobody has to trust them.
    fn shelve(&self) {
        let config = self.configured.as_ref().map(|told| told.config.clone()).unwrap_or_default();
        let runbooks = conductor::runbook_shelf(self.root(), &config);
        let _ = self.events.send(Event::Msg(Msg::Fact(Fact::Runbooks(Box::new(runbooks)))));
    }

    fn tell(&mut self, branch: Result<BranchState, NoRepository>) {
        if self.told.as_ref() != Some(&branch) {
            self.told = Some(branch.clone());
            let _ = self.events.send(Event::Msg(Msg::Fact(Fact::Branch(Box::new(branch)))));
        }
    }

    /// Reads the configuration and tells what may run.
    fn configure(&mut self, root: Option<&Path>) {
        let state = self.read_config(root);
        let may_run = matches!(state.source, ConfigSource::Trusted);
        let probes = if may_run { state.config.probes.clone() } else { Vec::new() };
        self.configured = Some(state.clone());
        let root = root.unwrap_or(&self.here).to_owned();
        let private = conductor::private(&state.config, may_run, &root);
        let keyring = if probes.is_empty() { Keyring::default() } else { keyring(&state.config, &root) };
        let _ =
            self.events.send(Event::Configured { config: Box::new(state), probes, root, keyring, private });
    }

    fn read_config(&mut self, root: Option<&Path>) -> ConfigState {
        let mut state = self.read_file(root);
        self.written = state.config.hotfix.clone();
        if let Some(reader) = &self.reader {
            state.config = reader.configured(state.config, || journal::open_incidents(&self.state_dir));
        }
        state
    }

    fn read_file(&mut self, root: Option<&Path>) -> ConfigState {
        let nothing = |source| ConfigState { config: Config::default(), source, found: Vec::new() };
        let Some(root) = root else { return nothing(ConfigSource::None) };
        let found = self.found().map(|found| words(&found)).unwrap_or_default();
        let loaded = match load::load(root) {
            Err(failure) => return ConfigState { found, ..nothing(ConfigSource::Invalid(failure)) },
            Ok(None) => return ConfigState { found, ..nothing(ConfigSource::None) },
            Ok(Some(loaded)) => loaded,
        };
        let source = match trust::is_trusted(&self.state_dir, &loaded) {
            Ok(true) => ConfigSource::Trusted,
            Ok(false) => ConfigSource::Untrusted {
                hash: loaded.hash.to_string(),
                would_run: trust::what_would_run(&loaded.config).iter().map(ToString::to_string).collect(),
            },
            Err(failure) => ConfigSource::Invalid(failure),
        };
        ConfigState { config: loaded.config, source, found }
    }

    fn found(&mut self) -> Option<Found> {
        let reader = self.reader.as_mut()?;
        let habits = reader.habits();
        Some(detect::look(reader.root(), &habits))
    }

    /// Does what may have to wait for the world on a thread of its own.
    fn aside(&self, id: EffectId, work: impl FnOnce(&Ground) -> Result<Done> + Send + 'static) {
        let ground = Ground {
            state_dir: self.state_dir.clone(),
            root: self.root().to_owned(),
            config: self.configured.as_ref().map(|told| told.config.clone()).unwrap_or_default(),
        };
        let events = self.events.clone();
        let started = panics::spawn("plan", self.events.clone(), move || {
            let _ = events.send(Event::Msg(Msg::Done(id, work(&ground))));
        });
        if let Err(error) = started {
            let _ = self.events.send(Event::Msg(Msg::Done(id, Err(no_thread(&error)))));
        }
    }

    fn trust(&mut self, hash: &str) -> Result<Done> {
        let doing = "trusting flightdeck.toml";
        let loaded =
            load::load(self.root())?.filter(|loaded| loaded.hash.to_string() == hash).ok_or_else(|| {
                Failure::of(
                    FailureKind::NotTrusted,
                    doing,
                    "it has changed since it was shown",
                    "read it again",
                )
            })?;
        trust::trust(&self.state_dir, &loaded, Timestamp::now())?;
        self.seen = None;
        self.look(false, Changed::Anything);
        Ok(Done::Said("flightdeck.toml is trusted as it is now".to_owned()))
    }

    /// What `flightdeck.toml` could say here, and where it would be.
    fn draft(&mut self) -> Result<Done> {
        let doing = "looking at the repository";
        let found = self.found().ok_or_else(|| Failure::usage(doing, "no repository here", ""))?;
        Ok(Done::Draft(self.root().join(load::FILE), draft::write(&found)))
    }

    /// Writes the content that somebody read and agreed to: it is trusted, and nothing else that may stand there.
    fn init(&mut self, content: &str) -> Result<Done> {
        write_new("writing flightdeck.toml", &self.root().join(load::FILE), content.as_bytes())?;
        let said = self.trust(&Hash::of(content.as_bytes()).to_string());
        if said.is_err() {
            self.look(false, Changed::Anything);
        }
        said?;
        Ok(Done::Said(
            "wrote flightdeck.toml, and trusts it as you read it; commit it for your team".to_owned(),
        ))
    }

    fn fix(&mut self) -> Result<Done> {
        let applied = fix::apply(self.root())?;
        self.look(false, Changed::Anything);
        let short: String = applied.commit.chars().take(7).collect();
        Ok(Done::Said(format!("committed {short} {}", applied.subject)))
    }

    /// What the drill is about, and what its fix changes.
    fn lessons(&self, fix: Option<(String, Option<String>)>, limit: &HotfixLimit) -> Result<Done> {
        let place = Place::find(self.root())?;
        let lessons = Scenario::find(Some(&place.scenario))?.lessons;
        let change = self.reader.as_ref().zip(fix).and_then(|(reader, (from, to))| {
            let (files, growth) = reader.grown(&self.written, limit, &from, &to?, LOOK)?;
            Some(Change { files, growth })
        });
        Ok(Done::Lessons(Box::new(Lessons { lessons, change })))
    }

    /// Saves the report of an incident; one that is there already is never written over.
    fn save(&self, incident: IncidentId, name: &str, content: &str) -> Result<Done> {
        let write = |file: &mut std::fs::File| {
            file.write_all(content.as_bytes())
                .map_err(|error| Failure::new(format!("saving {name}"), error, "make room on that disk"))
        };
        let path = save(&place(&self.state_dir, self.root())?, name, write)?;
        Ok(Done::Saved { incident, path })
    }
}

/// Writes a file that must not be there yet, and is for everybody who has the repository.
fn write_new(doing: &str, path: &Path, content: &[u8]) -> Result<()> {
    std::fs::File::create_new(path).and_then(|mut file| file.write_all(content)).map_err(|error| {
        Failure::new(doing, format!("{}: {error}", path.display()), "make the directory writable")
    })
}

/// What was recognised, a few words each.
fn words(found: &Found) -> Vec<String> {
    let mut words: Vec<String> = found.checks.iter().map(|check| check.from.clone()).collect();
    words.extend(found.deploy.iter().chain(&found.smoke).map(|script| script.from.clone()));
    words.extend(found.platform.as_ref().map(|platform| platform.name().to_owned()));
    words.extend(found.forge.map(|forge| forge.name().to_owned()));
    words.extend(found.flow.map(|flow| flow.name().to_owned()));
    words.dedup();
    words
}
