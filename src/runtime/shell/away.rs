//! The terminal given away, to the shell or to the user's editor, and taken again.

use std::path::Path;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, getpgrp, getpid, getsid, kill_current_process_group, kill_process};

use super::super::{Event, editor, no_thread, panics};
use super::Shell;
use crate::cockpit::msg::{Done, EffectId};

/// An editor that has the terminal.
pub(super) struct Away {
    /// The effect that waits for it.
    id: EffectId,
    /// What it is called.
    program: String,
    /// Its process.
    pid: Option<Pid>,
}

impl Shell<'_> {
    /// Gives the terminal back and stops, until somebody brings us to the foreground.
    pub(in crate::runtime) fn suspend(&mut self) {
        self.reader.pause();
        self.screen.leave();
        stop_here();
        self.come_back();
        self.reader.resume();
    }

    /// Takes the terminal again. What was typed meanwhile was meant for another program.
    fn come_back(&mut self) {
        self.screen.enter_again();
        self.deaf_until_ms = self.clock_ms();
        self.redraw_all();
    }

    /// Gives the terminal to the user's editor. Everything else goes on meanwhile.
    pub(in crate::runtime) fn edit(&mut self, id: EffectId, cwd: &str, files: &[String]) {
        if self.away.is_some() {
            return self.done(id, Ok(Done::Quietly));
        }
        self.reader.pause();
        self.screen.leave();
        let marked = editor::Marked::of(Path::new(cwd), files);
        let failed = match editor::start(Path::new(cwd), files) {
            Ok((program, mut child)) => {
                let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                let told = self.events.clone();
                self.away = Some(Away { id, program, pid });
                let waits = panics::spawn("editor", self.events.clone(), move || {
                    let ended = child.wait();
                    let settled = marked.settle();
                    let _ = told.send(Event::Edited(ended, settled));
                });
                match waits {
                    Ok(_) => return,
                    Err(error) => no_thread(&error),
                }
            }
            Err(failure) => failure,
        };
        self.away = None;
        self.reader.resume();
        self.come_back();
        self.done(id, Err(failed));
    }

    /// The editor has ended: the terminal is ours again.
    pub(super) fn edited(&mut self, ended: std::io::Result<ExitStatus>, settled: &[String]) {
        let Some(away) = self.away.take() else { return };
        self.come_back();
        self.reader.resume();
        let result = match editor::complaint(&away.program, ended) {
            Some(failure) => Err(failure),
            None if settled.is_empty() => Ok(Done::Quietly),
            None => Ok(Done::Said(format!("settled: {}", settled.join(", ")))),
        };
        self.done(away.id, result);
    }

    /// Whoever ends us while the editor has the terminal wants that back, too.
    pub(super) fn end_editor(&mut self) {
        if let Some(pid) = self.away.take().and_then(|away| away.pid) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// Tells whether a shell could bring us back: it gives each job a process group of its own, and its
/// session is led from another one.
pub(in crate::runtime) fn has_job_control() -> bool {
    getsid(None).is_ok_and(|session| session != getpgrp())
}

/// Stops this process and what was started with it as one job. It returns when we have been continued.
pub(super) fn stop_here() {
    if has_job_control() {
        let _ = kill_current_process_group(Signal::STOP);
    } else {
        let _ = kill_process(getpid(), Signal::STOP);
    }
}
