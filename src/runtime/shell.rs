//! The loop itself: drains what is there, updates, draws once if something changed.

mod away;
mod health;
mod looks;
mod veil;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, MoveTo, Show};
use jiff::Timestamp;
use ratatui::layout::Position;

pub(super) use self::away::has_job_control;
use self::away::{Away, stop_here};
use self::looks::load_theme;
pub(super) use self::looks::{Looks, keymap};
use super::decode::Typed;
use super::input::Batch;
use super::pull::{self, Follower};
use super::pulse::Pulse;
use super::screen::Screen;
use super::share::Sharer;
use super::store::Store;
use super::{
    Event, Launch, alert, compare, history, input, log, panics, program, repo, survey, suspects, typing,
};
use crate::clock::Steady;
use crate::cockpit::confirm::{Cancel, MOMENT_MS};
use crate::cockpit::keymap::Keymap;
use crate::cockpit::model::{ConfigSource, Model};
use crate::cockpit::msg::{Done, Fact, KeyPress, Msg};
use crate::cockpit::{alerts, asks, update};
use crate::failure::Result;
use crate::tui::canvas::Canvas;
use crate::tui::theme::{ColorDepth, Theme};
use crate::tui::{Regions, draw};

/// Longest wait for journal and repository before the first frame.
const FIRST_FRAME: Duration = Duration::from_millis(300);
/// Shortest time between two frames that no key has asked for.
const FRAME: Duration = Duration::from_millis(33);
/// A turn of the loop that takes longer is noted in the log.
const SLOW_TURN: Duration = Duration::from_millis(100);
/// Longest time that the loop sleeps while a second that passes is shown, and then some.
const ASLEEP: Duration = Duration::from_secs(2);
/// Most messages taken in before a frame is drawn.
const DRAIN: usize = 256;
/// What begins and ends a frame that the terminal is to show at once.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// The loop and all it holds.
pub(super) struct Shell<'a> {
    pub(super) model: Model,
    /// What is shown never runs backwards, whoever sets the clock meanwhile.
    clock: Steady,
    pub(super) state_dir: PathBuf,
    pub(super) events: Sender<Event>,
    pub(super) store: Store,
    pub(super) repo: Sender<repo::Order>,
    pub(super) log: Sender<log::Order>,
    pub(super) history: Sender<history::Order>,
    pub(super) typing: Sender<typing::Order>,
    pub(super) survey: Sender<survey::Order>,
    /// Begun with the first order.
    pub(super) suspects: Option<Sender<suspects::Order>>,
    /// The same for comparisons.
    pub(super) compare: Option<Sender<compare::Order>>,
    pub(super) pulse: Pulse,
    pull: Follower,
    pub(super) sharer: Sharer,
    pub(super) over: bool,
    launch: &'a Launch,
    screen: &'a Screen,
    began: Instant,
    theme: (String, Theme),
    depth: ColorDepth,
    canvas: Canvas,
    regions: Regions,
    /// Where the text cursor is shown now.
    cursor: Option<Position>,
    drawn: Instant,
    /// The title that the terminal was given.
    title: String,
    dirty: Dirty,
    /// Whether probes changed since the core was told of them, and when it was.
    health_is_stale: bool,
    health_told: Instant,
    /// What was sent to the loop and has not had its turn.
    backlog: VecDeque<Event>,
    /// When the loop last went to sleep.
    awake: Instant,
    /// The last time the whole program stood still.
    standstill: Option<Standstill>,
    /// The signal that ends the program.
    signal: Option<i32>,
    /// Keys read before this were meant for another program.
    deaf_until_ms: u64,
    /// Who reads the terminal.
    reader: input::Reader,
    /// The editor that has the terminal now.
    away: Option<Away>,
    /// What presenter mode masks.
    known: veil::Known,
}

/// A time in which the whole program did not run, on the key clock.
struct Standstill {
    ended_ms: u64,
    for_ms: u64,
}

/// Whether a frame is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dirty {
    No,
    /// Something changed by itself.
    Soon,
    /// A key was pressed.
    Now,
}

impl<'a> Shell<'a> {
    #[expect(clippy::too_many_arguments, reason = "it is made once, of everything that was started")]
    pub(super) fn new(
        launch: &'a Launch,
        began: Instant,
        keymap: Keymap,
        looks: Looks,
        screen: &'a Screen,
        events: Sender<Event>,
        store: Store,
        repo: Sender<repo::Order>,
    ) -> Result<Self> {
        let mut clock = Steady::start();
        let mut model = Model::new(clock.now(), launch.user.clone(), keymap, looks.shown);
        model.drill = launch.drill;
        model.present.on = launch.settings.settings.presenter;
        model.program = program::name();
        if launch.drill {
            model.drill_as = program::of_drill(&launch.state_dir);
        }
        model.drill_end = launch.drill_end;
        model.size = size();
        let canvas = Canvas::new(model.size.0, model.size.1);
        let log = log::start(&events)?;
        let history = history::start(&events)?;
        let typing = typing::start(&launch.state_dir, &events)?;
        let survey = survey::start(&launch.here, &launch.state_dir, &events)?;
        let reader = input::read(began, &events)?;
        let pull = Follower::start(&events)?;
        let sharer = Sharer::start(launch, &store, &events)?;
        Ok(Self {
            model,
            clock,
            state_dir: launch.state_dir.clone(),
            events,
            store,
            repo,
            log,
            history,
            typing,
            survey,
            suspects: None,
            compare: None,
            pulse: Pulse::default(),
            pull,
            sharer,
            over: false,
            launch,
            screen,
            began,
            theme: (launch.settings.settings.theme.clone(), looks.theme),
            depth: looks.depth,
            canvas,
            regions: Regions::default(),
            cursor: None,
            drawn: began,
            title: String::new(),
            dirty: Dirty::Now,
            health_is_stale: false,
            health_told: began,
            backlog: VecDeque::new(),
            awake: began,
            standstill: None,
            signal: None,
            deaf_until_ms: 0,
            reader,
            away: None,
            known: veil::Known::default(),
        })
    }

    /// The directory it was started in.
    pub(super) fn here(&self) -> &Path {
        &self.launch.here
    }

    /// Runs to the end; returns the titles of plans that go on, and the signal that ended it.
    pub(super) fn run(&mut self, queue: &Receiver<Event>) -> Result<(Vec<String>, Option<i32>)> {
        self.gather(queue);
        while !self.over {
            self.draw();
            self.start_probes();
            self.awake = Instant::now();
            let woken = self.wait(queue);
            self.notice_standstill();
            match woken {
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(event) => self.backlog.push_back(event),
            }
            self.turn(queue)?;
            self.health_is_stale |= self.pulse.miss();
            if self.health_due() == Some(Duration::ZERO) {
                self.settle_health();
            }
            self.tick(false);
        }
        self.end_editor();
        self.pulse.end(&self.store);
        let elsewhere = self.store.finish(self.model.incident().map(|state| state.id));
        let running = self.model.incident().into_iter().flat_map(|state| &state.plans);
        let running = running
            .filter(|plan| plan.state.is_under_way())
            .map(|plan| self.may_be_read(&plan.title).into_owned());
        Ok((running.chain(elsewhere).collect(), self.signal))
    }

    /// Takes in what was sent, up to the next frame.
    fn turn(&mut self, queue: &Receiver<Event>) -> Result<()> {
        let began = Instant::now();
        // All of it is looked at: a key that has been read already may take back one before it.
        self.backlog.extend(queue.try_iter());
        if self.backlog.iter().any(Event::ends) {
            // What was typed before the end still counts; what would only be shown does not.
            self.backlog.retain(|event| event.ends() || matches!(event, Event::Typed(_)));
        }
        for _ in 0..=DRAIN {
            let Some(event) = self.backlog.pop_front() else { break };
            self.take(event)?;
        }
        if began.elapsed() > SLOW_TURN {
            tracing::warn!("a turn of the loop took {:?}", began.elapsed());
        }
        Ok(())
    }

    /// Waits a moment for journal and repository, so that the first frame is whole.
    fn gather(&mut self, queue: &Receiver<Event>) {
        let until = Instant::now() + FIRST_FRAME;
        let mut listed = false;
        while !self.over && (!listed || self.model.branch.is_none() || self.wants_incident()) {
            let Ok(event) = queue.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                break;
            };
            listed |= matches!(&event, Event::Msg(Msg::Fact(Fact::Incidents(_))));
            if self.take(event).is_err() {
                break;
            }
        }
        self.settle_health();
        let now = self.clock.now();
        self.tick_to(now);
    }

    /// Whether an incident is being loaded, which comes right before the list.
    fn wants_incident(&self) -> bool {
        let open = self.model.incidents.iter().filter(|line| line.is_open()).count();
        let failed = !self.model.failures.is_empty();
        self.model.log.is_none() && !failed && (open == 1 || self.launch.incident.is_some())
    }

    /// Starts to ask probes once the first frame is on its way: it does not wait for them.
    fn start_probes(&mut self) {
        if let Err(failure) = self.pulse.start(&self.events) {
            self.message(Msg::Fact(Fact::Failed(failure)), Dirty::Soon);
        }
    }

    /// Waits for the next event, or until a frame or a tick is due.
    fn wait(&self, queue: &Receiver<Event>) -> std::result::Result<Event, RecvTimeoutError> {
        if !self.backlog.is_empty() {
            return Err(RecvTimeoutError::Timeout);
        }
        let frame = (self.dirty != Dirty::No && self.away.is_none() && self.screen.is_ready())
            .then(|| FRAME.saturating_sub(self.drawn.elapsed()));
        let tick = self.model.is_timed().then(|| self.until_tick());
        match frame.into_iter().chain(tick).chain(self.health_due()).chain(self.pulse.silence_due()).min() {
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => queue.recv_timeout(wait),
        }
    }

    /// Time until the elapsed time shows its next second.
    fn until_tick(&self) -> Duration {
        let since = self.model.incident().map_or(0, |state| state.started_at.as_millisecond());
        let past = (Timestamp::now().as_millisecond() - since).rem_euclid(1000);
        Duration::from_millis(u64::try_from(1000 - past).unwrap_or(1000))
    }

    /// Lets time pass, if a second has and something on the screen shows it or a key comes: `-5m` counts from then.
    fn tick(&mut self, typed: bool) {
        let now = self.clock.now();
        if (typed || self.model.is_timed()) && now.duration_since(self.model.now).as_millis() >= 950 {
            self.tick_to(now);
        }
    }

    fn tick_to(&mut self, now: Timestamp) {
        self.message(Msg::Tick(now), Dirty::Soon);
    }

    /// Takes in one event.
    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Msg(msg) => self.timed_fact(msg),
            Event::Typed(batch) => self.typed(batch),
            Event::Written => {}
            Event::Observed(seen) => {
                self.pulse.observe(seen, &self.store);
                self.health_changed();
            }
            Event::Configured { config, probes, root, keyring, private } => {
                let may_run = matches!(config.source, ConfigSource::Trusted);
                self.message(Msg::Fact(Fact::Config(config)), Dirty::Soon);
                self.pull.keep_up(&self.model);
                self.sharer.keep_up(&self.model);
                let probes = if may_run { probes } else { Vec::new() };
                self.veil_anew(private, keyring.clone());
                self.pulse.configure(probes, root, keyring, &self.store);
                self.restore_health();
            }
            Event::History(history) => {
                self.pulse.remember(history);
                self.health_changed();
            }
            Event::Past(generation, probe, numbers) => {
                self.pulse.fill(generation, probe, numbers, &self.store);
            }
            Event::End => self.over = true,
            Event::Signal(signal) => (self.over, self.signal) = (true, Some(signal)),
            Event::Edited(ended, settled) => self.edited(ended, &settled),
            // Whoever has the terminal stops with us, and goes on with us.
            Event::Stop if self.away.is_some() => stop_here(),
            Event::Stop => self.suspend(),
            Event::Continued => {
                self.reader.was_stopped();
                // For how long is not known where nothing on the screen counts the seconds.
                self.stood_still(MOMENT_MS + 1);
                self.redraw_all();
            }
            Event::Resized => self.redraw_all(),
            Event::Panicked => return Err(panics::failure()),
        }
        Ok(())
    }

    /// Takes a message in, and tells the follower of a log what its output cost.
    fn timed_fact(&mut self, msg: Msg) {
        let output = match &msg {
            Msg::Fact(Fact::Output { follow, .. } | Fact::Jobs { follow, .. }) => Some(*follow),
            _ => None,
        };
        let began = Instant::now();
        self.fact(msg);
        if let Some(id) = output {
            // It ends only with the program.
            let _ = self.log.send(log::Order::Taken(id, began.elapsed()));
        }
    }

    /// A message from one of the threads.
    fn fact(&mut self, msg: Msg) {
        let loses = matches!(msg, Msg::Fact(Fact::Lost(..)));
        let loads = loses || matches!(msg, Msg::Fact(Fact::Opened(_)) | Msg::Done(_, Ok(Done::Opened(_))));
        let concerns = pull::concerns(&msg);
        self.message(msg, Dirty::Soon);
        if loses && let Some((_, failure)) = self.model.failures.back() {
            // The cockpit forgets it when it ends.
            tracing::warn!("{failure}");
        }
        if concerns {
            self.pull.keep_up(&self.model);
            self.sharer.keep_up(&self.model);
        }
        if loads {
            self.restore_health();
        }
        self.tell_log();
    }

    /// Tells the follower when its run has ended: nothing more will come.
    fn tell_log(&self) {
        let Some((_, run)) = &self.model.following else { return };
        let ended = self
            .model
            .incident()
            .and_then(|state| state.run(run))
            .is_some_and(|(_, run)| run.outcome.is_some());
        if ended {
            let _ = self.log.send(log::Order::Ended(run.clone()));
        }
    }

    /// Takes in what was typed in one go.
    fn typed(&mut self, batch: Batch) {
        // What was typed for an editor is no command.
        if batch.at_ms < self.deaf_until_ms || self.away.is_some() {
            return;
        }
        let beside = self.backlog.iter().map(cancel).fold(batch.cancel(), Cancel::max);
        let (at_ms, text) = (batch.at_ms, batch.text());
        if self.reader.was_stopped() {
            self.stood_still(MOMENT_MS + 1);
        }
        let standstill = self.standstill_before(at_ms);
        self.tick(true);
        for typed in batch.typed {
            let taken_ms = self.clock_ms().max(at_ms + standstill);
            let msg = match typed {
                Typed::Key { key, repeat } => {
                    let amid = text > usize::from(input::is_text(key));
                    Msg::Key(KeyPress { taken_ms, repeat, beside, amid, ..KeyPress::new(key, at_ms) })
                }
                Typed::Mouse { kind, column, row } => {
                    Msg::Mouse(input::mouse(kind, column, row, &self.regions))
                }
                Typed::Paste(text) => Msg::Paste(text),
            };
            self.message(msg, Dirty::Now);
            // The rest was typed for whatever has the terminal now, or for nobody.
            if self.over || self.away.is_some() || at_ms < self.deaf_until_ms {
                return;
            }
        }
    }

    /// Notices that the whole program stood still since the loop went to sleep: it was stopped from
    /// outside, or not let run.
    fn notice_standstill(&mut self) {
        let asleep = self.awake.elapsed();
        if self.model.is_timed() && asleep > ASLEEP {
            self.stood_still(u64::try_from(asleep.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Keeps in mind that the program stood still until now.
    fn stood_still(&mut self, for_ms: u64) {
        let now = self.clock_ms();
        let before = self.standstill_before(now);
        self.standstill = Some(Standstill { ended_ms: now, for_ms: for_ms.max(before) });
    }

    /// For how long the program had stood still just before a key was read, in milliseconds: the key
    /// may be as old. Whichever thread goes on first, the one that reads keys has gone on by then.
    fn standstill_before(&self, read_ms: u64) -> u64 {
        let recent = |still: &&Standstill| read_ms <= still.ended_ms.saturating_add(MOMENT_MS);
        self.standstill.as_ref().filter(recent).map_or(0, |still| still.for_ms)
    }

    /// The key clock.
    fn clock_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Updates the model and hands its effects over.
    fn message(&mut self, msg: Msg, dirty: Dirty) {
        self.dirty = self.dirty.max(dirty);
        for (id, effect) in update(&mut self.model, msg) {
            self.carry_out(id, effect);
        }
        self.reader.asks(asks(&self.model));
        if self.model.looks.theme != self.theme.0 {
            self.change_theme();
        }
    }

    fn change_theme(&mut self) {
        let name = self.model.looks.theme.clone();
        match load_theme(self.launch, &name) {
            Ok(theme) => self.theme = (name, theme.downgrade(self.depth)),
            Err(failure) => {
                self.model.looks.theme.clone_from(&self.theme.0);
                self.message(Msg::Fact(Fact::Failed(failure)), Dirty::Now);
            }
        }
    }

    /// Draws a frame if one is due and the terminal has taken the last.
    fn draw(&mut self) {
        let due = match self.dirty {
            Dirty::No => false,
            Dirty::Soon => self.drawn.elapsed() >= FRAME,
            Dirty::Now => true,
        };
        if !due || self.away.is_some() || !self.screen.is_ready() {
            return;
        }
        self.dirty = Dirty::No;
        self.drawn = Instant::now();
        if self.model.present.on {
            self.keep_veil();
        }
        let (model, theme) = (&self.model, &self.theme.1);
        let (regions, mut out) = self.canvas.frame(|cells| draw(cells, model, theme));
        self.regions = regions;
        self.place_cursor(&mut out);
        if !out.is_empty() {
            self.screen.write([BEGIN, &out, END].concat());
        }
        if self.model.looks.alerts {
            let title = self.may_be_read(&alerts::title(&self.model)).into_owned();
            if title != self.title {
                self.screen.write(alert::title(&title));
                self.title = title;
            }
        }
        let at_ms = self.clock_ms();
        let shown = Msg::Shown {
            at_ms,
            heights: self.regions.heights,
            overlay: self.regions.overlay,
            overlay_top: self.regions.overlay_top,
            chart: self.regions.chart,
        };
        let tops: Vec<usize> = self.model.views.iter().map(|view| view.top).collect();
        update(&mut self.model, shown);
        if self.model.views.iter().zip(tops).any(|(view, top)| view.top != top) {
            self.dirty = Dirty::Now;
        }
    }

    /// Shows the text cursor where a line is being typed, and nowhere else.
    fn place_cursor(&mut self, out: &mut Vec<u8>) {
        let cursor = self.regions.cursor;
        let moved = !out.is_empty() && cursor.is_some();
        if !moved && cursor == self.cursor {
            return;
        }
        // Writing into a vector cannot fail.
        let _ = if let Some(at) = cursor {
            crossterm::queue!(out, MoveTo(at.x, at.y), Show)
        } else {
            crossterm::queue!(out, Hide)
        };
        self.cursor = cursor;
    }

    /// Draws everything anew: the terminal may hold something else.
    fn redraw_all(&mut self) {
        if let Ok((columns, rows)) = crossterm::terminal::size() {
            self.canvas.resize(columns, rows);
            self.message(Msg::Resize(columns, rows), Dirty::Now);
        }
        self.canvas.forget();
        self.cursor = None;
        self.dirty = Dirty::Now;
    }

    /// Rings the bell and notifies.
    pub(super) fn alert(&self, text: &str) {
        self.screen.write(alert::alert(&self.may_be_read(text), std::env::var_os("TMUX").is_some()));
    }

    /// Hands a text to the terminal's clipboard, without the secrets that are known: what it is pasted into may be
    /// read by others. Links and names stay: without them it would be of no use there.
    pub(super) fn copy(&self, text: &str) {
        let mut bytes = Vec::new();
        if crossterm::queue!(
            bytes,
            CopyToClipboard::to_clipboard_from(self.model.present.veil.without_secrets(text).as_ref())
        )
        .is_ok()
        {
            self.screen.write(bytes);
        }
    }
}

/// What something that has not had its turn takes back. Whoever stopped the program meanwhile saw
/// nothing of what became of a key.
fn cancel(event: &Event) -> Cancel {
    match event {
        Event::Typed(batch) => batch.cancel(),
        Event::Stop | Event::Continued | Event::End | Event::Signal(_) => Cancel::Anything,
        _ => Cancel::Nothing,
    }
}

fn size() -> (u16, u16) {
    crossterm::terminal::size().unwrap_or((80, 24))
}
