//! One command from its start to its end: its terminal into the log, keys into its terminal,
//! its deadline, and its stop.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use rustix::termios::LocalModes;

use super::attention::{Attention, Told};
use super::environment::is_git;
use super::files::{Ended, INPUT};
use super::log::{Cap, LogWriter};
use super::plain::Tail;
use super::process::Member;
use super::secrets::Vault;
use super::signals::Signals;
use super::spawn::{Started, marked, spawn};
use super::stop::{Session, Stop, Why, Wish};
use super::{locks, mask, orphan, process, system};
use crate::incident::{Outcome, Process, Waits};
use crate::plan::Command;

/// How often the watcher is asked, and the rest of a stopped session is looked for.
const TICK: Duration = Duration::from_millis(250);
/// How often it is looked whether a lock has gone.
const GLANCE: Duration = Duration::from_millis(50);
/// How long a terminal that others still hold is read on after the command has ended.
const DRAIN: Duration = Duration::from_secs(2);
/// How long what is still there when a command has ended is given before it counts as left running.
const PARTING: Duration = Duration::from_millis(500);
/// Bytes taken from the terminal before anything else is looked at.
const GULP: usize = 256 << 10;
/// Keys that wait for a command that does not read them.
const PENDING: usize = 64 << 10;

/// What a run tells while it goes on, and is told.
pub(super) trait Watcher {
    /// The command runs as this process.
    fn started(&mut self, process: Option<Process>);
    /// Called a few times a second: the time to show a sign of life and to learn of wishes.
    fn tick(&mut self) -> Option<Wish>;
    /// The command waits for this; `None`: it goes on.
    fn waiting(&mut self, waits: Option<Waits>);
    /// This signal is about to be sent.
    fn signalling(&mut self, signal: &'static str);
}

/// A run that came to its end.
#[derive(Debug)]
pub(super) struct Finished {
    /// How.
    pub(super) ended: Ended,
    /// Why it was to be stopped, if it was.
    pub(super) stopped: Option<Why>,
    /// Whether it was sent a signal for that.
    pub(super) signalled: bool,
}

/// Runs a command to its end, its secrets masked in all that is kept of it. `dir` is the run's own
/// directory; `mark` names the run to those who look for its processes. A git that finds the lock
/// of another one in its way is tried again, a few times.
pub(super) fn run(
    command: &Command,
    dir: &Path,
    mark: &str,
    timeout: Duration,
    vault: &Vault,
    signals: &Signals,
    watcher: &mut dyn Watcher,
) -> Finished {
    let input = match make_input(dir) {
        Ok(input) => input,
        Err(error) => return Finished::did_not_start(format!("its input could not be made: {error}")),
    };
    let mut kept = Kept { input, log: LogWriter::new(dir, Cap::DEFAULT), said: String::new() };
    let deadline = Instant::now().checked_add(timeout);
    let marked = marked(mark);
    let mut patience = locks::Patience::default();
    let mut finished = loop {
        let started = match spawn(command, vault, mark) {
            Ok(started) => started,
            Err(why) => break Finished::did_not_start(why),
        };
        watcher.started(process::identify(started.child.id()));
        let mut run = Run::new(started, kept, &marked, deadline, vault.masker().stream());
        run.carry_on(signals, watcher);
        let finished;
        (finished, kept) = run.finish();
        let Some(lock) = met(command, &finished, &kept.said) else { break finished };
        match wait_for(&lock, &mut patience, &mut kept.log, vault, signals, watcher) {
            Waited::Gone => {}
            Waited::Stopped(why) => break Finished { stopped: Some(why), ..finished },
            Waited::InVain => break Finished { ended: in_vain(finished.ended, &lock), ..finished },
        }
    };
    remove_input(dir);
    let ended = &mut finished.ended;
    // A process tells its arguments, and an error the program's.
    vault.mask_outcome(&mut ended.outcome);
    ended.summary = vault.mask(&ended.summary);
    ended.tail = vault.mask(&ended.tail.join("\n")).lines().map(str::to_owned).collect();
    ended.survivors = ended.survivors.iter().map(|survivor| vault.mask(survivor)).collect();
    finished
}

/// The lock that was in the way of a git that failed.
fn met(command: &Command, finished: &Finished, said: &str) -> Option<PathBuf> {
    let failed = matches!(finished.ended.outcome, Outcome::Exited { code } if code != 0);
    (failed && is_git(command) && finished.stopped.is_none())
        .then(|| locks::in_the_way(said, Path::new(&command.cwd)))?
}

fn in_vain(ended: Ended, lock: &Path) -> Ended {
    Ended { summary: locks::given_up(lock), ..ended }
}

/// How waiting for a lock ended.
enum Waited {
    /// The lock has gone.
    Gone,
    /// It has not, or came back too often.
    InVain,
    /// Somebody wants the step stopped.
    Stopped(Why),
}

/// Waits until a lock has gone, saying so in the log.
fn wait_for(
    lock: &Path,
    patience: &mut locks::Patience,
    log: &mut LogWriter,
    vault: &Vault,
    signals: &Signals,
    watcher: &mut dyn Watcher,
) -> Waited {
    let mut say = |line: String| {
        log.write(vault.mask(&line).as_bytes());
        log.write(b"\r\n");
        let _ = log.sync();
    };
    let Some(pause) = patience.pause(Instant::now()) else {
        say(locks::given_up(lock));
        return Waited::InVain;
    };
    say(locks::waiting(lock));
    let earliest = Instant::now() + pause;
    loop {
        let wish = watcher.tick().map(|wish| wish.why);
        if let Some(why) = wish.or(signals.asked_to_end().then_some(Why::Ending)) {
            return Waited::Stopped(why);
        }
        let now = Instant::now();
        if now >= earliest && lock.symlink_metadata().is_err() {
            say(locks::again(lock, patience.tries()));
            return Waited::Gone;
        }
        if patience.until().is_some_and(|until| now >= until) {
            say(locks::given_up(lock));
            return Waited::InVain;
        }
        std::thread::sleep(GLANCE);
    }
}

fn make_input(dir: &Path) -> io::Result<File> {
    let path = dir.join(INPUT);
    system::make_pipe(&path)?;
    // Opened for writing too, so that it does not end when a writer leaves.
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
}

fn remove_input(dir: &Path) {
    // Without a reader it takes no more keys, whether its name is there or not.
    let _ = std::fs::remove_file(dir.join(INPUT));
}

impl Finished {
    /// The end of a command that was never started.
    pub(super) fn did_not_start(why: String) -> Self {
        Self::with(Outcome::DidNotStart { why })
    }

    /// An end of which nothing else is to be said.
    pub(super) fn with(outcome: Outcome) -> Self {
        let ended = Ended {
            outcome,
            summary: String::new(),
            survivors: Vec::new(),
            tail: Vec::new(),
            at_ms: jiff::Timestamp::now().as_millisecond(),
        };
        Self { ended, stopped: None, signalled: false }
    }
}

/// What one try of a command hands on to the next.
struct Kept {
    /// The near end of the pipe that keys come through.
    input: File,
    log: LogWriter,
    /// The end of what was said.
    said: String,
}

struct Run<'a> {
    started: Started,
    input: File,
    mark: &'a str,
    log: LogWriter,
    tail: Tail,
    attention: Attention,
    /// Keys on their way to the terminal.
    pending: Vec<u8>,
    /// The far end of the terminal is closed; while the command lives it may be opened again.
    hung_up: bool,
    deadline: Option<Instant>,
    /// How the command ended, and when that was seen.
    exit: Option<(Outcome, Instant)>,
    /// It can be waited for.
    has_exited: bool,
    stop: Option<Stop>,
    signalled: bool,
    /// Nothing more can be done to stop it, or need be.
    stop_is_over: bool,
    next_tick: Instant,
    buffer: Vec<u8>,
    /// Nothing leaves this process but what went through here.
    secrets: mask::Stream,
    masked: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(
        started: Started,
        kept: Kept,
        mark: &'a str,
        deadline: Option<Instant>,
        secrets: mask::Stream,
    ) -> Self {
        let now = Instant::now();
        Self {
            started,
            input: kept.input,
            mark,
            log: kept.log,
            tail: Tail::default(),
            attention: Attention::new(deadline.map(|at| at.saturating_duration_since(now))),
            pending: Vec::new(),
            hung_up: false,
            deadline,
            exit: None,
            has_exited: false,
            stop: None,
            signalled: false,
            stop_is_over: false,
            next_tick: now,
            buffer: Vec::with_capacity(GULP + 4096),
            secrets,
            masked: Vec::new(),
        }
    }

    fn session(&self) -> Session<'a> {
        Session { leader: self.started.child.id(), mark: self.mark }
    }

    fn carry_on(&mut self, signals: &Signals, watcher: &mut dyn Watcher) {
        loop {
            self.wait(signals);
            signals.drain();
            self.forward_input();
            self.look_for_exit();
            let quiet = self.read_terminal();
            let now = Instant::now();
            if now >= self.next_tick {
                self.next_tick = now + TICK;
                let ending = signals.asked_to_end().then_some(Wish { why: Why::Ending, kill: false });
                let wish = watcher.tick().or(ending);
                self.heed(wish, now);
                self.climb(watcher, now);
                self.attend(watcher);
            }
            if self.is_over(quiet, now) {
                return;
            }
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&self, signals: &Signals) {
        let mut terminal = PollFlags::IN;
        if !self.pending.is_empty() {
            terminal |= PollFlags::OUT;
        }
        let mut descriptors = vec![PollFd::new(signals, PollFlags::IN)];
        if !self.hung_up {
            descriptors.push(PollFd::new(&self.started.pty, terminal));
        }
        if self.pending.len() < PENDING {
            descriptors.push(PollFd::new(&self.input, PollFlags::IN));
        }
        let rest = self.next_tick.saturating_duration_since(Instant::now());
        let rest = rustix::event::Timespec::try_from(rest).ok();
        // Interrupted or not: whoever comes back looks at everything.
        let _ = poll(&mut descriptors, rest.as_ref());
    }

    fn forward_input(&mut self) {
        let mut bytes = [0; 4096];
        while self.pending.len() < PENDING {
            match self.input.read(&mut bytes) {
                Ok(count) if count > 0 => self.pending.extend_from_slice(bytes.get(..count).unwrap_or(&[])),
                _ => break,
            }
        }
        while !self.pending.is_empty() {
            match self.started.pty.write(&self.pending) {
                Ok(count) if count > 0 => drop(self.pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    }

    /// Takes what the terminal holds now, at most a gulp; returns whether it holds no more.
    fn read_terminal(&mut self) -> bool {
        self.buffer.clear();
        let mut chunk = [0; 16 << 10];
        let quiet = loop {
            if self.buffer.len() >= GULP {
                break false;
            }
            match self.started.pty.read(&mut chunk) {
                Ok(0) => {
                    self.hung_up = true;
                    break true;
                }
                Ok(count) => {
                    self.hung_up = false;
                    self.buffer.extend_from_slice(chunk.get(..count).unwrap_or(&[]));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.hung_up = false;
                    break true;
                }
                // The end of a pseudo-terminal is an error on Linux.
                Err(_) => {
                    self.hung_up = true;
                    break true;
                }
            }
        };
        self.masked.clear();
        self.secrets.feed(&self.buffer, &mut self.masked);
        self.keep();
        quiet
    }

    fn keep(&mut self) {
        self.log.write(&self.masked);
        self.tail.feed(&self.masked);
        self.attention.feed(&self.masked);
    }

    /// Tells whether the command waits for something, once it does or no longer does.
    fn attend(&mut self, watcher: &mut dyn Watcher) {
        if self.exit.is_some() || self.stop.is_some() {
            return;
        }
        let modes = || rustix::termios::tcgetattr(&self.started.pty).map(|terminal| terminal.local_modes);
        // As it is while a passphrase is typed, and not while an editor has the screen.
        let hidden = || {
            modes().is_ok_and(|modes| modes.contains(LocalModes::ICANON) && !modes.contains(LocalModes::ECHO))
        };
        match self.attention.look(hidden) {
            Some(Told::Waits(waits)) => watcher.waiting(Some(waits)),
            Some(Told::GoesOn) => watcher.waiting(None),
            None => {}
        }
    }

    /// Sees how the command ended, without letting go of its number.
    fn look_for_exit(&mut self) {
        if self.exit.is_some() {
            return;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(pid) = i32::try_from(self.started.child.id()).ok().and_then(Pid::from_raw) else { return };
        let Ok(Some(status)) = waitid(WaitId::Pid(pid), options) else { return };
        let outcome = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Outcome::Exited { code },
            (None, Some(signal)) => Outcome::Signalled { signal },
            (None, None) => return,
        };
        self.exit = Some((outcome, Instant::now()));
        self.has_exited = true;
    }

    fn heed(&mut self, wish: Option<Wish>, now: Instant) {
        let late = self.exit.is_none() && self.deadline.is_some_and(|deadline| now >= deadline);
        let wish = wish.or_else(|| late.then_some(Wish { why: Why::Timeout, kill: false }));
        match (wish, &mut self.stop) {
            (Some(wish), None) => self.stop = Some(Stop::begin(wish, now)),
            (Some(wish), Some(stop)) if wish.kill => stop.hurry(now),
            _ => {}
        }
    }

    /// Sends the next signal if it is due and anything is left to get it; sees whether the
    /// stop is over.
    fn climb(&mut self, watcher: &mut dyn Watcher, now: Instant) {
        let session = self.session();
        let Some(stop) = &mut self.stop else { return };
        // What it left running when it ended by itself it left on purpose.
        let ended_by_itself = !self.signalled && matches!(self.exit, Some((Outcome::Exited { .. }, _)));
        let gone = ended_by_itself || self.exit.is_some() && session.members().is_empty();
        if !gone && let Some(name) = stop.due(now) {
            watcher.signalling(name);
            stop.send(session, now);
            self.signalled = true;
        }
        if !gone && !stop.is_exhausted(now) {
            return;
        }
        if self.exit.is_none() {
            let why = "it is still there after a KILL".to_owned();
            self.exit = Some((Outcome::Unknown { why }, now));
        }
        self.stop_is_over = true;
    }

    fn is_over(&self, quiet: bool, now: Instant) -> bool {
        if self.stop.is_some() && !self.stop_is_over {
            return false;
        }
        let Some((_, since)) = &self.exit else { return false };
        quiet && (self.hung_up || now.duration_since(*since) >= DRAIN)
    }

    /// What is left of the command. Its number is still its own.
    fn left(&self) -> Vec<Member> {
        let until = Instant::now() + PARTING;
        loop {
            let left = self.session().members();
            if left.is_empty() || Instant::now() >= until {
                return left;
            }
            std::thread::sleep(GLANCE);
        }
    }

    fn finish(mut self) -> (Finished, Kept) {
        self.masked.clear();
        self.secrets.finish(&mut self.masked);
        self.keep();
        // The log is on the disk before anybody is told how the command ended. A disk that
        // takes no more has already left its gap.
        let _ = self.log.sync();
        let said = self.tail.text();
        let left = self.left();
        let outcome = self.exit.take().map(|(outcome, _)| outcome);
        let outcome = outcome.unwrap_or(Outcome::Unknown { why: "nobody saw its end".to_owned() });
        let outcome = orphan::outlived(outcome, self.signalled, &left);
        // An unknown end names what is left itself.
        let is_known = !matches!(outcome, Outcome::Unknown { .. });
        let survivors = left.iter().filter(|_| is_known).map(Member::named).collect();
        if self.has_exited {
            let _ = self.started.child.wait();
        }
        let summary = match outcome {
            Outcome::Exited { code: 0 } => self.tail.summary(),
            _ => self.tail.complaint(),
        };
        let tail = if outcome.succeeded() { Vec::new() } else { self.tail.lines() };
        let at_ms = jiff::Timestamp::now().as_millisecond();
        let finished = Finished {
            ended: Ended { outcome, summary, survivors, tail, at_ms },
            stopped: self.stop.map(|stop| stop.why),
            signalled: self.signalled,
        };
        (finished, Kept { input: self.input, log: self.log, said })
    }
}
