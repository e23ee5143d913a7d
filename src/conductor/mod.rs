//! Carries out a plan in a process of its own: terminal, capture, signals, reattaching.
//!
//! `flightdeck conduct` runs here, detached, in a session of its own. Everybody else starts
//! it, follows its records and its log, and asks it to stop by a record. What touches the
//! world on behalf of a plan is here and nowhere else; what a plan is, is in `plan`.

mod conduct;
mod files;
mod frozen;
mod input;
#[cfg(target_os = "linux")]
mod linux;
mod log;
mod plain;
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only its tests run on Linux"))]
mod portable;
mod process;
mod prove;
mod reconcile;
mod recorder;
mod run;
mod signals;
mod spawn;
mod start;
mod stop;

use std::path::Path;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

use crate::config::types::Config;
use crate::deploy::{self, Resolved};
use crate::failure::Result;
use crate::hotfix::flows;
use crate::hotfix::git::Reader;
use crate::incident::{Record, State};
use crate::journal::Lease;
use crate::plan::{Plan, Request};

pub use conduct::conduct;
pub use files::log_dir;
pub use input::send_input;
pub use log::{Chunk, LogReader};
pub use plain::Plain;
pub use process::{Life, is_gone, life};
pub use prove::prove;
pub use reconcile::reconcile;
pub use start::start;

/// What became of an attempt to start a plan.
#[derive(Debug)]
pub enum Started {
    /// It runs; these records say so.
    Yes(Vec<Record>),
    /// Somebody else holds the target.
    Held(Lease),
}

/// Makes a plan of a request: resolves refs in the repository at `root` and reads the
/// trusted configuration's commands.
///
/// # Errors
/// The repository cannot be read, the reference is not known, or what is asked for is not
/// configured.
pub fn prepare(root: &Path, config: &Config, id: &str, request: &Request) -> Result<Plan> {
    let place = root.to_string_lossy();
    let mut reader = Reader::open(root).map_err(|none| none.failure(&place))?;
    let named = match request {
        Request::Deploy { reference, .. } => reference.as_deref(),
        _ => None,
    };
    if let Some(reference) = named {
        // Looked up only once it is known to be no option: nothing guesses what was meant.
        let commit = if reference.starts_with('-') { String::new() } else { reader.resolve(reference)? };
        let root = directory(&reader.root().to_string_lossy());
        return planned(config, id, request, &Resolved { reference: reference.to_owned(), commit, root });
    }
    let state = reader.read(&config.hotfix).map_err(|none| none.failure(&place))?;
    if let Request::HotfixStart { name } = request {
        return flows::start(config, id, &state, name);
    }
    let commit = state.commit().unwrap_or_default().to_owned();
    // On no branch the commit itself is what is meant.
    let reference = state.branch().map_or_else(|| commit.clone(), str::to_owned);
    planned(config, id, request, &Resolved { reference, commit, root: directory(&state.root) })
}

/// A directory as people write it: without a slash at its end.
fn directory(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path.to_owned() } else { trimmed.to_owned() }
}

fn planned(config: &Config, id: &str, request: &Request, what: &Resolved) -> Result<Plan> {
    match request {
        Request::Deploy { environment, .. } => deploy::deploy(config, id, environment, what),
        Request::Smoke { environment } => deploy::smoke(config, id, environment, what),
        Request::Test { checks } => deploy::test(config, id, checks, what),
        Request::HotfixStart { name } => Err(crate::failure::Failure::usage(
            format!("starting {}", crate::text::visible(name)),
            "a branch is started from the state of the repository",
            "flightdeck hotfix start NAME",
        )),
    }
}

/// An id for a new plan: `deploy-staging-3`.
pub fn plan_id(state: &State, request: &Request) -> String {
    let name = match request {
        Request::Test { .. } => "test".to_owned(),
        Request::Deploy { environment, .. } => format!("deploy-{environment}"),
        Request::Smoke { environment } => format!("smoke-{environment}"),
        Request::HotfixStart { name } => format!("hotfix-{name}"),
    };
    let name: String = files::file_name(&name).chars().take(60).collect();
    let taken = |number: &usize| state.plan(&format!("{name}-{number}")).is_some();
    // One more than there are plans is free in any case.
    let number = (1..=state.plans.len()).find(|number| !taken(number)).unwrap_or(state.plans.len() + 1);
    format!("{name}-{number}")
}
