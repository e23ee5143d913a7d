//! The terminal given away, to the shell or to the user's editor, and taken again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, getpgrp, getpid, getsid, kill_current_process_group, kill_process};

use super::super::{Event, editor, no_thread, panics};
use super::Shell;
use crate::cockpit::Command;
use crate::cockpit::msg::{Done, EffectId};
use crate::config::dirs::{private_directory, private_file};
use crate::failure::Failure;
use crate::text::visible;

/// An editor that has the terminal.
pub(super) struct Away {
    /// The effect that waits for it.
    id: EffectId,
    /// What it is called.
    program: String,
    /// Its process.
    pid: Option<Pid>,
    /// The file of a text that is taken back from it.
    text: Option<PathBuf>,
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
                self.away = Some(Away { id, program, pid, text: None });
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

    /// Gives the terminal to the user's editor with a text in a file of its own, which only its owner can read.
    pub(in crate::runtime) fn edit_text(&mut self, id: EffectId, text: &str) {
        let directory = self.state_dir.join(DRAFTS);
        // Two cockpits may have a text in an editor each.
        let name = format!("message-{}.txt", std::process::id());
        let path = directory.join(&name);
        if let Err(error) = write(&directory, &path, text) {
            let doing = format!("writing {}", visible(&path.to_string_lossy()));
            let failure = Failure::new(doing, error, self.in_place());
            return self.done(id, Err(failure));
        }
        self.edit(id, &directory.to_string_lossy(), &[name]);
        match self.away.as_mut().filter(|away| away.id == id) {
            Some(away) => away.text = Some(path),
            None => drop(std::fs::remove_file(path)),
        }
    }

    /// The editor has ended: the terminal is ours again.
    pub(super) fn edited(&mut self, ended: std::io::Result<ExitStatus>, settled: &[String]) {
        let Some(away) = self.away.take() else { return };
        self.come_back();
        self.reader.resume();
        let text = away.text.map(|path| (std::fs::read_to_string(&path), std::fs::remove_file(path)));
        let result = match editor::complaint(&away.program, ended) {
            None if text.is_some() => match text.map(|(text, _)| text) {
                Some(Ok(text)) => Ok(Done::Text(text)),
                Some(Err(error)) => {
                    Err(Failure::new("taking the text back from the editor", error, self.in_place()))
                }
                None => Ok(Done::Quietly),
            },
            Some(failure) => Err(failure),
            None if settled.is_empty() => Ok(Done::Quietly),
            None => Ok(Done::Said(format!("settled: {}", settled.join(", ")))),
        };
        self.done(away.id, result);
    }

    /// How a text is edited without an editor.
    fn in_place(&self) -> String {
        let key = self.model.keymap.key(Command::MessageEdit);
        key.map_or_else(
            || "copy the text, and edit it elsewhere".to_owned(),
            |key| format!("{key} edits the text in place"),
        )
    }

    /// Whoever ends us while the editor has the terminal wants that back, too.
    pub(super) fn end_editor(&mut self) {
        if let Some(pid) = self.away.take().and_then(|away| away.pid) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// Directory of texts that are in an editor, in the state directory.
const DRAFTS: &str = "drafts";

/// Writes a file that nobody else can read, whatever the umask.
fn write(directory: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    private_directory(directory)?;
    // What is left of a process of that number is no longer anybody's.
    let _ = std::fs::remove_file(path);
    private_file(path)?.write_all(text.as_bytes())
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
