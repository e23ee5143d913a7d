//! What is kept of a run here: its jobs, and what they printed.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::super::files::{JOBS, make_file};
use super::super::super::forge::Kind;
use super::super::super::log::LogWriter;
use super::super::super::pipeline::{Host, PATIENCE};
use super::super::Conductor;
use super::super::wait::say;
use super::run::Following;
use crate::deploy::pipeline::Job;
use crate::hotfix::pull::without_time;
use crate::incident::RemoteState;
use crate::plan::pipeline::Pipeline;
use crate::text::visible;

/// Most jobs whose output is fetched, beside those that failed.
const LOGS: usize = 20;
/// Most jobs that failed whose output is fetched.
const FAILED_LOGS: usize = 5;

impl Conductor {
    /// Puts the output of one job that has ended into the log.
    pub(super) fn one_log(&mut self, following: &mut Following<'_>, host: &mut Host, log: &mut LogWriter) {
        let Some(job) = next_log(following).cloned() else { return };
        following.logged.insert(job.id.clone());
        let name = visible(&job.name).into_owned();
        match self.at_host(|| host.log(&job.id)) {
            Ok(text) => {
                say(log, &self.vault.mask(&format!("── {name} ({}) ──", job.state.word())));
                if text.is_end {
                    say(log, "longer than 1 MiB: this is the end of it");
                }
                let said = self.vault.mask(&String::from_utf8_lossy(&text.bytes));
                // A line that is cut may hold half of a secret.
                for line in said.lines().skip(usize::from(text.is_end)) {
                    log.write(without_time(line).as_bytes());
                    log.write(b"\r\n");
                }
                if text.goes_on {
                    say(log, "it goes on, and is too long to be read to its end");
                }
            }
            Err(lost) if matches!(lost.kind, Kind::Refused(404 | 410)) => {
                say(log, &format!("the output of {name} is not there, or is gone already"));
            }
            Err(lost) => {
                if following.keep_away(&lost) {
                    // It is asked for once more then.
                    following.logged.remove(&job.id);
                }
                say(log, &self.vault.mask(&format!("the output of {name}: {}", lost.why)));
            }
        }
    }

    /// Reads what a run that is over has left: its jobs, and what they printed. What failed is waited for a while, until
    /// its host may be asked for it; the rest only where it may be asked at once.
    pub(super) fn read_to_end(
        &mut self,
        following: &mut Following<'_>,
        pipeline: &Pipeline,
        host: &mut Host,
        log: &mut LogWriter,
        dir: &Path,
    ) {
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        let until = Instant::now() + PATIENCE;
        while host.lists() && !following.jobs_are_last {
            let is_read = self.has_room(following, interval, until)
                && match self.ask_jobs(following, pipeline, host, log, dir) {
                    Ok(_) => true,
                    Err(lost) => following.keep_away(&lost),
                };
            following.took(host, following.began.elapsed());
            if !is_read {
                break;
            }
        }
        while let Some(job) = next_log(following) {
            let now = following.began.elapsed();
            let may = if failed(job) {
                self.has_room(following, interval, until)
            } else {
                following.pace.room(now, interval) > 0 && following.away().is_zero() && Instant::now() < until
            };
            if !may {
                let name = visible(&job.name).into_owned();
                say(log, &format!("the output of {name} and of others is not fetched: look at its host"));
                return;
            }
            self.one_log(following, host, log);
            following.took(host, following.began.elapsed());
        }
    }

    /// Waits until a host may be asked; whether that was in time.
    fn has_room(&mut self, following: &Following<'_>, interval: Duration, until: Instant) -> bool {
        let now = following.began.elapsed();
        let pause = following.pace.free(now, interval).saturating_sub(now).max(following.away());
        let left = until.saturating_duration_since(Instant::now());
        if pause >= left {
            return false;
        }
        let began = Instant::now();
        let wish = self.rest(pause);
        let is_free = wish.is_none() && began.elapsed() >= pause;
        // It is heeded by what comes behind this step.
        self.stopping = wish.or(self.stopping.take());
        is_free
    }

    pub(super) fn tell_jobs(&self, before: &[Job], now: &[Job], log: &mut LogWriter) {
        let changed = now.iter().filter(|job| {
            before.iter().find(|known| known.id == job.id).is_none_or(|known| known.state != job.state)
        });
        // A matrix of a thousand says enough on the screen.
        for job in changed.take(50) {
            say(log, &self.vault.mask(&format!("{} {}", visible(&job.name), job.state.word())));
        }
    }

    /// What commands print of a run goes on where it was.
    pub(super) fn print_output(
        &mut self,
        following: &mut Following<'_>,
        host: &mut Host,
        log: &mut LogWriter,
        id: &str,
    ) {
        let Some(Ok(said)) = self.at_host(|| host.output(id)) else { return };
        let text = self.vault.mask(&String::from_utf8_lossy(&said));
        let new = text.get(following.printed..).unwrap_or_default();
        for line in new.lines() {
            log.write(line.as_bytes());
            log.write(b"\r\n");
        }
        following.printed = following.printed.max(text.len());
    }
}

/// The job whose output is put into the log next.
pub(super) fn next_log<'a>(following: &'a Following<'_>) -> Option<&'a Job> {
    let is_new = |job: &&Job| {
        job.state.is_over() && job.state != RemoteState::Skipped && !following.logged.contains(&job.id)
    };
    let job = following.jobs.iter().filter(is_new).min_by_key(|job| !failed(job))?;
    let count = following.logged.len();
    (count < LOGS || (count < LOGS + FAILED_LOGS && failed(job))).then_some(job)
}

fn failed(job: &Job) -> bool {
    matches!(job.state, RemoteState::Failed | RemoteState::TimedOut)
}

/// Keeps the jobs beside the log, for the run view. What cannot be written is not shown.
pub(super) fn keep_jobs(dir: &Path, jobs: &[Job]) {
    let next = dir.join("jobs.new");
    let write = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&next);
        let mut file = make_file(&next)?;
        file.write_all(&serde_json::to_vec(jobs)?)?;
        std::fs::rename(&next, dir.join(JOBS))
    };
    let _ = write();
}
