//! The journal, on a thread of its own: commits, loads, and notices what others wrote.

mod alarms;
mod samples;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use alarms::OnRecord;

use super::save::{place, save};
use super::screen::receive;
use super::{Event, Launch, leaving, no_thread, panics};
use crate::cockpit::model::IncidentLine;
use crate::cockpit::msg::{Done, EffectId, Fact, JournalState, Msg};
use crate::conductor::{self, PassOver, Started};
use crate::failure::{Failure, Result};
use crate::health::past::Numbers;
use crate::hotfix::git::{Reader, located};
use crate::hotfix::watch::{self, Timing};
use crate::incident::{
    Body, Checkout, Declared, Draft, IncidentId, Policy, Record, Recorded, RepositoryId, State,
};
use crate::journal::{self, ExportFormat, Gone, Journal, Sample, Seq, heads_unwritten};
use crate::plan::Plan;

/// How often the journal is looked at while nothing says that it changed.
const SLOW: Duration = Duration::from_secs(15);
/// The same while a plan runs: its conductor may die without a word. And while nothing can be
/// saved: it may be possible again.
const WATCHFUL: Duration = Duration::from_secs(2);

/// A plan to be started.
pub(super) struct Start {
    pub(super) plan: Box<Plan>,
    /// How it was confirmed, in words.
    pub(super) confirmed: String,
    /// Gates to be passed over: id and reason.
    pub(super) pass_over: Vec<(String, String)>,
    pub(super) policy: Box<Policy>,
}

/// What the journal's thread is asked for.
pub(super) enum Order {
    Append(EffectId, Vec<Draft>),
    AppendAlarms(EffectId, Vec<Draft>),
    Declare(EffectId, Option<Timestamp>, Box<Declared>),
    Open(EffectId, IncidentId),
    List(EffectId),
    Export(EffectId),
    Start(EffectId, Start),
    Samples(Vec<Sample>),
    /// What is known of probes, each with what it asks, in a number.
    History(Vec<(String, i64)>),
    /// Numbers of a probe from before it was asked here, and how often it is asked.
    Fill(String, Numbers, Duration),
    Changed,
    /// Answers once everything asked for before is done, with what goes on of other incidents than this.
    Finish(Option<IncidentId>, Sender<Vec<String>>),
}

/// The journal's thread, as seen from outside.
pub(super) struct Store {
    pub(super) orders: Sender<Order>,
    opened: Receiver<Result<()>>,
}

impl Store {
    /// Waits until the journal is open.
    pub(super) fn opened(&self) -> Result<()> {
        self.opened.recv().unwrap_or_else(|_| Err(panics::failure()))
    }

    /// Asks for something.
    pub(super) fn ask(&self, order: Order) {
        // It ends only with the program.
        let _ = self.orders.send(order);
    }

    /// Waits until what was asked for is done, for at most half a second; tells what goes on of other incidents
    /// than the one that is shown.
    pub(super) fn finish(&self, shown: Option<IncidentId>) -> Vec<String> {
        let (done, wait) = mpsc::channel();
        self.ask(Order::Finish(shown, done));
        wait.recv_timeout(Duration::from_millis(500)).unwrap_or_default()
    }
}

/// Starts the thread and opens the journal in it.
pub(super) fn start(launch: &Launch, events: Sender<Event>) -> Result<Store> {
    let (orders, queue) = mpsc::channel();
    let (tell, opened) = mpsc::channel();
    let (state_dir, user, here) = (launch.state_dir.clone(), launch.user.clone(), launch.here.clone());
    let (wanted, wake, told) = (launch.incident, orders.clone(), events.clone());
    panics::spawn("journal", events, move || {
        // Without a repository, an incident belongs to the directory it was declared in.
        let nowhere = || here.canonicalize().unwrap_or_else(|_| here.clone()).to_string_lossy().into_owned();
        let unread = || located(&here).map_or_else(nowhere, |found| found.identity);
        let reader = Reader::open(&here).ok();
        let root = reader.as_ref().map_or(&*here, Reader::root).to_owned();
        let path = reader.as_ref().map_or_else(unread, Reader::identity);
        let journal = match Journal::open(&state_dir, &user) {
            Ok(journal) => journal,
            Err(failure) => {
                let _ = tell.send(Err(failure));
                return;
            }
        };
        let id = RepositoryId::default();
        let by_path = Recorded { path: &path, id: &id };
        let clone = reader.as_ref().map_or(&by_path as &dyn Checkout, |reader| reader);
        let repository = match journal.repository(clone) {
            Ok(repository) => repository,
            Err(failure) => {
                let _ = tell.send(Err(failure));
                return;
            }
        };
        drop(reader);
        let _ = tell.send(Ok(()));
        let mut keeper = Keeper {
            journal,
            state_dir: state_dir.clone(),
            here,
            path,
            repository,
            root,
            events: told,
            open: None,
            listed: Vec::new(),
            written: None,
            standing: JournalState::Writable,
            undeclared: BTreeSet::new(),
            emptied: None,
            told_of_heads: false,
            looked: Instant::now(),
            asked: BTreeSet::new(),
            unread: VecDeque::new(),
        };
        keeper.begin(wanted);
        let files = [Journal::FILE, &format!("{}-wal", Journal::FILE)];
        let watch = watch::files(&state_dir, &files, Timing::FILE, move || {
            let _ = wake.send(Order::Changed);
        });
        keeper.serve(&queue);
        drop(watch);
    })
    .map_err(|error| no_thread(&error))?;
    Ok(Store { orders, opened })
}

/// The incident that is followed.
struct Open {
    id: IncidentId,
    seq: Seq,
    /// Plans that the record says are running.
    running: Vec<String>,
    /// How probes are by what was read.
    alarms: OnRecord,
}

impl Open {
    /// How many of its records were read.
    fn records(&self) -> String {
        let count = self.seq.count();
        if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
    }
}

struct Keeper {
    journal: Journal,
    state_dir: PathBuf,
    /// Where it was started.
    here: PathBuf,
    /// The path that the repository is known by.
    path: String,
    /// What the journal calls the repository.
    repository: String,
    /// Where files for the user are put.
    root: PathBuf,
    events: Sender<Event>,
    open: Option<Open>,
    /// The incidents that the loop was told of last.
    listed: Vec<IncidentLine>,
    /// How far the journal was written when the incidents were listed last; see [`Journal::written`].
    written: Option<i64>,
    /// What the loop was told last about the journal.
    standing: JournalState,
    /// Incidents that no record declares, as far as that was told.
    undeclared: BTreeSet<IncidentId>,
    /// What to tell where nothing of the open incident is left in the journal.
    emptied: Option<Failure>,
    /// Whether it was told that the ends of chains cannot be written down beside the journal.
    told_of_heads: bool,
    looked: Instant,
    /// Plans about which the world was asked from here.
    asked: BTreeSet<(IncidentId, String)>,
    /// Probes of which earlier samples are still to be read.
    unread: VecDeque<(String, i64)>,
}

impl Keeper {
    fn fact(&self, fact: Fact) {
        let _ = self.events.send(Event::Msg(Msg::Fact(fact)));
    }

    fn done(&self, id: EffectId, result: Result<Done>) {
        let _ = self.events.send(Event::Msg(Msg::Done(id, result)));
    }

    /// Lists incidents and opens the one that is wanted, or the only one that is open.
    fn begin(&mut self, wanted: Option<IncidentId>) {
        self.look();
        self.fact(Fact::Here(self.journal.author().node));
        let lines = match self.list() {
            Ok(lines) => lines,
            Err(failure) => return self.fact(Fact::Failed(failure)),
        };
        let mut open = lines.iter().filter(|line| line.is_open());
        let only = match (open.next(), open.next()) {
            (Some(line), None) => Some(line.id),
            _ => None,
        };
        // What is opened comes before the list: where one is on the screen nothing else has to be looked at.
        if let Some(id) = wanted.or(only) {
            match self.load(id) {
                Ok(Done::Opened(log)) => self.fact(Fact::Opened(log)),
                Ok(_) => {}
                Err(failure) => self.fact(Fact::Failed(failure)),
            }
        }
        self.written = self.journal.written().ok();
        self.tell_list(lines);
    }

    fn serve(&mut self, orders: &Receiver<Order>) {
        loop {
            let watchful = self.open.as_ref().is_some_and(|open| !open.running.is_empty());
            let hindered = self.standing != JournalState::Writable;
            let wait = if watchful || hindered { WATCHFUL } else { SLOW };
            let wait = if self.unread.is_empty() { wait } else { Duration::ZERO };
            match receive(orders, Some(wait)) {
                Err(()) => return,
                Ok(Some(order)) => self.carry_out(order),
                Ok(None) if !self.unread.is_empty() => self.read_on(),
                Ok(None) => self.catch_up(),
            }
            self.look();
            if watchful && self.looked.elapsed() >= WATCHFUL {
                self.looked = Instant::now();
                self.reconcile();
            }
        }
    }

    /// Looks whether what is done can be saved, makes it so where that is possible, and tells
    /// what has changed about it.
    fn look(&mut self) {
        if self.journal.find_again() {
            self.catch_up();
        }
        let standing = match (self.journal.gone(), &self.emptied, self.journal.read_only()) {
            (Some(gone), ..) => JournalState::Gone(self.lost(&gone)),
            (None, Some(emptied), _) => JournalState::Gone(emptied.clone()),
            (None, None, Some(why)) => JournalState::ReadOnly(why.to_owned()),
            (None, None, None) => JournalState::Writable,
        };
        if self.standing != standing {
            self.standing = standing.clone();
            self.fact(Fact::Journal(standing));
        }
        // No record is lost by it: said once.
        if !self.told_of_heads
            && let Some(failure) = heads_unwritten(&self.state_dir)
        {
            self.told_of_heads = true;
            self.fact(Fact::Failed(failure));
        }
    }

    /// What the loss of the journal means for whoever looks at the screen.
    fn lost(&self, gone: &Gone) -> Failure {
        let only = match &self.open {
            None => String::new(),
            Some(open) => {
                format!("; {} of this incident may exist nowhere but in this cockpit", open.records())
            }
        };
        let hint = match gone {
            // Its twin at the path would not fit what is open here.
            Gone::Companion(_) => {
                "export the records from the report, then quit flightdeck and start it again: this cockpit cannot save anything any more. Import the export for what the journal lacks"
            }
            _ => {
                "leave this cockpit open. Export the records from the report, then put the journal back: the cockpit picks it up by itself. Or start flightdeck again and import the export"
            }
        };
        Failure::new("keeping the journal", format!("{gone}: nothing more is saved{only}"), hint)
    }

    /// Writes the records of the open incident to a file of the user's. They come from the file
    /// that is open, wherever that is now.
    fn export(&self) -> Result<Done> {
        let Some(open) = &self.open else {
            return Err(Failure::usage("exporting the records", "no incident is open", "open one first"));
        };
        let all = self.journal.incidents(None)?;
        let number = all.iter().find(|one| one.id == open.id).map_or("incident", |one| one.number.as_str());
        let directory = match self.journal.gone() {
            // Its own directory may be another one by now, or none.
            Some(_) => self.root.clone(),
            None => place(&self.state_dir, &self.root)?,
        };
        let path = save(&directory, &format!("{number}.jsonl"), |file| {
            self.journal.export(open.id, ExportFormat::Jsonl, &mut std::io::BufWriter::new(file))
        })?;
        Ok(Done::Said(format!("exported to {}; flightdeck import takes it in", path.display())))
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Changed => self.catch_up(),
            Order::Append(id, drafts) => {
                let result = self.append(drafts);
                self.done(id, result);
            }
            Order::AppendAlarms(id, drafts) => {
                let result = self.append_alarms(drafts);
                self.done(id, result);
            }
            Order::Declare(id, started_at, declared) => {
                let result = self.declare(started_at, *declared);
                self.done(id, result);
            }
            Order::Open(id, incident) => {
                let result = self.load(incident);
                self.done(id, result);
            }
            Order::List(id) => {
                (self.open, self.emptied) = (None, None);
                let result = self.list().map(|lines| self.tell_list(lines)).map(|()| Done::Quietly);
                self.done(id, result);
            }
            Order::Export(id) => {
                let result = self.export();
                self.done(id, result);
            }
            Order::Start(id, start) => {
                let result = self.start(&start);
                self.done(id, result);
            }
            Order::Samples(samples) => self.store_samples(&samples),
            Order::History(probes) => self.unread = probes.into(),
            Order::Fill(probe, numbers, interval) => self.fill(probe, &numbers, interval),
            Order::Finish(shown, done) => {
                let leases = self.journal.leases().unwrap_or_default();
                let _ = done.send(leaving::elsewhere(&leases, &self.repository, shown));
            }
        }
    }

    /// The incidents of the repository. One that no record declares is no incident: it is told, once.
    fn list(&mut self) -> Result<Vec<IncidentLine>> {
        let (all, undeclared): (Vec<_>, Vec<_>) =
            self.journal.incidents(Some(&self.repository))?.into_iter().partition(|one| one.is_declared);
        let told = std::mem::replace(&mut self.undeclared, undeclared.iter().map(|one| one.id).collect());
        if undeclared.iter().any(|one| !told.contains(&one.id)) {
            self.fact(Fact::Failed(journal::listed_only(&undeclared)));
        }
        Ok(all
            .into_iter()
            .map(|summary| IncidentLine {
                id: summary.id,
                number: summary.number,
                title: summary.title,
                severity: summary.severity,
                status: summary.status,
                declared_at: summary.declared_at,
            })
            .collect())
    }

    fn tell_list(&mut self, lines: Vec<IncidentLine>) {
        self.listed.clone_from(&lines);
        self.fact(Fact::Incidents(lines));
    }

    fn load(&mut self, id: IncidentId) -> Result<Done> {
        let (mut log, seq) = self.journal.load(id)?;
        let running = log
            .state()
            .plans
            .iter()
            .filter(|plan| plan.state.is_under_way())
            .map(|plan| plan.id.clone())
            .collect();
        self.open = Some(Open { id, seq, running, alarms: OnRecord::default() });
        self.emptied = None;
        self.reconcile();
        self.tend();
        // What came while it was read, or was found out just now, is a part of it.
        let (records, seq) = self.journal.since(id, seq)?;
        self.journal.fold_in(&mut log, records)?;
        if let Some(open) = &mut self.open {
            (open.seq, open.alarms) = (seq, OnRecord::of(log.state()));
        }
        self.ask_the_world(log.state());
        Ok(Done::Opened(Box::new(log)))
    }

    fn declare(&mut self, started_at: Option<Timestamp>, declared: Declared) -> Result<Done> {
        let id = Reader::open(&self.here).map(|reader| reader.repository_id()).unwrap_or_default();
        let declared = Declared { repository: self.path.clone(), repository_id: id, ..declared };
        let record = self.journal.declare(Timestamp::now(), started_at, declared)?;
        self.load(record.incident)
    }

    /// Commits drafts; what others wrote meanwhile comes along.
    fn append(&mut self, drafts: Vec<Draft>) -> Result<Done> {
        self.journal.append(Timestamp::now(), drafts)?;
        Ok(Done::Appended(self.fresh()?))
    }

    /// Commits alarms that no other cockpit has recorded: neither while this one made them of what it had read, nor
    /// until they are committed.
    fn append_alarms(&mut self, mut drafts: Vec<Draft>) -> Result<Done> {
        // Whoever writes without a pause does not keep an alarm off the record.
        for _ in 0..8 {
            let fresh = self.fresh()?;
            self.fact(Fact::Records(fresh));
            let of = drafts.first().map(|draft| draft.incident);
            // Of an incident that was left meanwhile nothing is known here.
            let Some(open) = self.open.as_ref().filter(|open| Some(open.id) == of) else {
                return self.append(drafts);
            };
            drafts.retain(|draft| open.alarms.is_news(draft));
            if drafts.is_empty() {
                return Ok(Done::Quietly);
            }
            let (now, all) = (Timestamp::now(), drafts.clone());
            if self.journal.append_unless_moved(now, open.id, open.seq, all)?.is_some() {
                return Ok(Done::Appended(self.fresh()?));
            }
        }
        self.append(drafts)
    }

    fn start(&mut self, start: &Start) -> Result<Done> {
        let plan = &start.plan;
        let pass_over = PassOver::all(&start.pass_over);
        let Some(open) = &self.open else {
            return Err(Failure::new("starting a plan", "no incident is open", "declare one first"));
        };
        conductor::require_unchanged(&self.root, plan)?;
        match conductor::start(
            &mut self.journal,
            &self.state_dir,
            open.id,
            &self.repository,
            plan,
            &start.confirmed,
            &start.policy,
            &pass_over,
        )? {
            Started::Yes(_) => Ok(Done::Started { plan: plan.id.clone(), records: self.fresh()? }),
            Started::Held(lease) => {
                Err(conductor::held(&format!("starting {}", plan.title), &lease, Timestamp::now()))
            }
        }
    }

    /// What was written since the last look, by whomever.
    fn fresh(&mut self) -> Result<Vec<Record>> {
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        if self.journal.is_cut(open.id, open.seq)? {
            self.read_anew();
            return Ok(Vec::new());
        }
        self.emptied = None;
        let (records, seq) = self.journal.since(open.id, open.seq)?;
        open.seq = seq;
        open.alarms.take(&records);
        for record in &records {
            match &record.body {
                Body::PlanStarted(started) => open.running.push(started.plan.clone()),
                Body::PlanResumed(resumed) => open.running.push(resumed.plan.clone()),
                Body::PlanEnded(ended) => open.running.retain(|plan| *plan != ended.plan),
                _ => {}
            }
        }
        Ok(records)
    }

    /// Shows the open incident as it is in the journal now, which no longer holds what is on the screen.
    fn read_anew(&mut self) {
        let Some(open) = &self.open else { return };
        let (id, records) = (open.id, open.records());
        let failure = self.journal.cut("following the journal");
        if let Ok(Done::Opened(log)) = self.load(id) {
            let cause = format!("{}. The screen now shows what is there", failure.cause);
            self.fact(Fact::Lost(Failure { cause, ..failure }, log));
        } else {
            // Nothing is left that could be shown instead.
            let cause = format!(
                "{}; {records} of this incident may exist nowhere but in this cockpit",
                failure.cause
            );
            self.emptied = Some(Failure { cause, ..failure });
        }
    }

    fn catch_up(&mut self) {
        match self.fresh() {
            Ok(records) if records.is_empty() => {}
            Ok(records) => {
                self.fact(Fact::Records(records));
                let vouched = self.open.as_ref().and_then(|open| self.journal.vouched(open.id).ok());
                if let Some(vouched) = vouched {
                    self.fact(Fact::Vouched(vouched));
                }
            }
            Err(failure) => return self.fact(Fact::Failed(failure)),
        }
        // Somebody else may have declared one, or ended it. On the start screen what is left of incidents counts, too: any
        // record, and no sample or lease.
        let is_written = self.open.is_none() && {
            let written = self.journal.written().ok();
            std::mem::replace(&mut self.written, written) != written
        };
        match self.list() {
            Ok(lines) if lines == self.listed && !is_written => {}
            Ok(lines) => self.tell_list(lines),
            Err(failure) => self.fact(Fact::Failed(failure)),
        }
    }

    /// Looks for plans whose conductor is gone.
    fn reconcile(&mut self) {
        if self.standing != JournalState::Writable {
            return;
        }
        let Some(open) = self.open.as_ref().filter(|open| !open.running.is_empty()) else { return };
        match conductor::reconcile(&mut self.journal, &self.state_dir, open.id) {
            Ok(settled) => {
                let id = open.id;
                if !settled.is_empty() {
                    self.tend();
                }
                self.catch_up();
                if !settled.is_empty()
                    && let Ok((log, _)) = self.journal.load(id)
                {
                    self.ask_the_world(log.state());
                }
            }
            Err(failure) => self.fact(Fact::Failed(failure)),
        }
    }

    /// Starts the extended watches that are due, and takes up those whose conductor is gone.
    fn tend(&mut self) {
        let Some(open) = self.open.as_ref().filter(|_| self.standing == JournalState::Writable) else {
            return;
        };
        if let Err(failure) = conductor::tend(&mut self.journal, &self.state_dir, open.id) {
            self.fact(Fact::Failed(failure));
        }
    }

    /// Asks the world about steps of unknown fate, until it counts, on a thread and a journal of its own:
    /// that may take its time. What it says comes back as records do.
    fn ask_the_world(&mut self, state: &State) {
        if self.journal.read_only().is_some() {
            return;
        }
        for plan in conductor::unasked(state) {
            if !self.asked.insert((state.id, plan.clone())) {
                continue;
            }
            let (state_dir, user, incident) =
                (self.state_dir.clone(), self.journal.author().name.clone(), state.id);
            let started = panics::spawn("proof", self.events.clone(), move || {
                let proved = Journal::open_again(&state_dir, &user)
                    .and_then(|mut journal| conductor::prove_until_settled(&mut journal, incident, &plan));
                if let Err(failure) = proved {
                    // It can be asked for by key, and says why then.
                    tracing::warn!("{failure}");
                }
            });
            if let Err(error) = started {
                tracing::warn!("no thread to check on the plan: {error}");
            }
        }
    }
}
