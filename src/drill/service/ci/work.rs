//! Carries out what the jobs of a run say: each in a clone of its own, with its output in a file.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;
use tokio::sync::watch;

use super::Floor;
use super::runs::{CANCELLED, FAILURE, Next, SUCCESS, Stage};
use super::workflow::Does;
use crate::drill::git;
use crate::drill::place::Place;

/// How long what is cancelled has to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// What the scripts of the shop need to know of this machine.
const ENV: &str = "env";

/// Carries a run to its end.
pub(super) async fn carry(floor: Arc<Floor>, id: u64) {
    let mut moved = floor.moved.subscribe();
    loop {
        moved.borrow_and_update();
        let next = floor.runs.lock().await.of_mut(id).map(|run| run.next(Timestamp::now()));
        match next {
            Ok(Next::Work(index)) => floor.work(id, index, &mut moved).await,
            Ok(Next::Review) => {
                if moved.changed().await.is_err() {
                    return;
                }
            }
            Ok(Next::Over) | Err(_) => return,
        }
    }
}

/// A job that is carried out.
struct Job {
    id: u64,
    steps: Vec<Does>,
    reference: String,
    sha: String,
}

impl Floor {
    /// The file with the output of a job.
    pub(super) fn log(&self, job: u64) -> PathBuf {
        self.root.join("logs").join(job.to_string())
    }

    async fn work(&self, id: u64, index: usize, moved: &mut watch::Receiver<u64>) {
        let job = self.job(id, index).await;
        let directory = self.root.join("work").join(job.id.to_string());
        let mut ended = SUCCESS;
        for (step, does) in job.steps.iter().enumerate() {
            self.put(id, index, step, Stage::Running).await;
            ended = self.step(id, &job, does, &directory, moved).await;
            self.put(id, index, step, ended).await;
            if ended != SUCCESS {
                break;
            }
        }
        // What cannot be removed goes with the drill.
        tokio::fs::remove_dir_all(&directory).await.ok();
        if let Ok(run) = self.runs.lock().await.of_mut(id)
            && let Some(job) = run.job(index)
        {
            job.end(ended, Timestamp::now());
        }
    }

    async fn job(&self, id: u64, index: usize) -> Job {
        let mut runs = self.runs.lock().await;
        let mut found = Job { id: 0, steps: Vec::new(), reference: String::new(), sha: String::new() };
        if let Ok(run) = runs.of_mut(id) {
            (found.reference, found.sha) = (run.reference.clone(), run.sha.clone());
            if let Some(job) = run.job(index) {
                found.id = job.id;
                found.steps = job.steps.iter().map(|step| step.does.clone()).collect();
            }
        }
        found
    }

    async fn put(&self, id: u64, index: usize, step: usize, stage: Stage) {
        if let Ok(run) = self.runs.lock().await.of_mut(id)
            && let Some(step) = run.job(index).and_then(|job| job.steps.get_mut(step))
        {
            step.stage = stage;
        }
    }

    async fn step(
        &self,
        id: u64,
        job: &Job,
        does: &Does,
        directory: &Path,
        moved: &mut watch::Receiver<u64>,
    ) -> Stage {
        let Ok(mut log) = self.open_log(job.id) else { return FAILURE };
        writeln!(log, "{}", does.title()).ok();
        let failed = |mut log: File, why: &str| {
            writeln!(log, "Error: {why}").ok();
            FAILURE
        };
        match does {
            Does::Use(action) if action.starts_with("actions/checkout@") => {
                match self.check_out(job, directory).await {
                    Ok(()) => SUCCESS,
                    Err(why) => failed(log, &why),
                }
            }
            Does::Use(_) => failed(log, "the host of this drill does not have this action"),
            Does::Run(line) => match self.run(id, line, directory, &log, moved).await {
                Ok(None) => CANCELLED,
                Ok(Some(status)) if status.success() => SUCCESS,
                Ok(Some(status)) => failed(log, &format!("Process completed with {status}.")),
                Err(error) => failed(log, &error.to_string()),
            },
        }
    }

    fn open_log(&self, job: u64) -> std::io::Result<File> {
        std::fs::create_dir_all(self.root.join("logs"))?;
        File::options().create(true).append(true).open(self.log(job))
    }

    /// Clones what the run is about.
    async fn check_out(&self, job: &Job, directory: &Path) -> Result<(), String> {
        let (root, directory) = (self.root.clone(), directory.to_owned());
        let (origin, reference, sha) = (self.origin.clone(), job.reference.clone(), job.sha.clone());
        let clone = move || -> Result<(), String> {
            let to = directory.to_string_lossy();
            let from = origin.to_string_lossy();
            let doing = "checking out";
            let run = |place: &Path, arguments: &[&str]| {
                git::run(place, doing, arguments, None).map_err(|failure| failure.cause)
            };
            let quiet = ["-c", "advice.detachedHead=false", "clone", "--quiet", "--template=", "--branch"];
            run(&root, &[&quiet[..], &[&reference, "--", &from, &to]].concat())?;
            // The branch may have moved since the run was started.
            run(&directory, &["reset", "--quiet", "--hard", &sha])?;
            let private = directory.join(Place::DIRECTORY);
            std::fs::create_dir_all(&private)
                .and_then(|()| std::fs::copy(root.join(ENV), private.join(ENV)))
                .map_err(|error| error.to_string())?;
            Ok(())
        };
        tokio::task::spawn_blocking(clone).await.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Runs a line of a shell; `None`: it was cancelled.
    async fn run(
        &self,
        id: u64,
        line: &str,
        directory: &Path,
        log: &File,
        moved: &mut watch::Receiver<u64>,
    ) -> std::io::Result<Option<ExitStatus>> {
        let mut child = Command::new("sh")
            .args(["-e", "-c", line])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
        let mut told = None;
        loop {
            let grace = tokio::time::sleep(if told.is_some() { GRACE } else { Duration::MAX });
            tokio::select! {
                status = child.wait() => {
                    group.0 = None;
                    return status.map(|status| told.is_none().then_some(status));
                }
                () = grace => group.tell(Signal::KILL),
                changed = moved.changed() => {
                    let cancel = self.runs.lock().await.of(id).ok().and_then(|run| run.cancel);
                    if changed.is_err() || (cancel.is_some() && cancel != told) {
                        told = cancel.or(Some(true));
                        group.tell(if cancel == Some(false) { Signal::INT } else { Signal::KILL });
                    }
                }
            }
        }
    }
}

/// The processes of a line; they are ended with this value, unless they have ended.
struct Group(Option<Pid>);

impl Group {
    fn tell(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // Gone already, most likely.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.tell(Signal::KILL);
    }
}
