//! Carries out a plan in a process of its own: terminal, capture, signals, reattaching.
//!
//! `flightdeck conduct` runs here, detached, in a session of its own. Everybody else starts
//! it, follows its records and its log, and asks it to stop by a record. What touches the
//! world on behalf of a plan is here and nowhere else; what a plan is, is in `plan`.

mod access;
mod ask;
mod attention;
mod back;
mod beside;
mod branch;
mod bump;
mod call;
mod capture;
mod claim;
mod conduct;
mod decide;
mod deployments;
mod detached;
mod early;
mod end;
mod environment;
mod extended;
mod files;
mod flags;
mod forge;
mod frozen;
mod held;
mod input;
mod issues;
mod left;
#[cfg(target_os = "linux")]
mod linux;
mod locks;
mod log;
mod messages;
mod orphan;
mod own;
mod pipeline;
mod plain;
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only its tests run on Linux"))]
mod portable;
mod prepare;
mod private;
mod process;
mod programs;
mod prove;
mod pull;
mod pushed;
mod reconcile;
mod recorder;
mod release;
mod remote;
mod report;
mod reviewers;
mod run;
mod runbooks;
mod secrets;
mod sharing;
mod signals;
mod spawn;
mod start;
mod stop;
mod suspects;
#[cfg(test)]
mod testing;
mod told;
mod unattended;
mod verdict;
mod watch;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

use crate::incident::{Record, State, mark_of};
use crate::journal::Lease;
use crate::plan::{HotfixRequest, Request};
use crate::report::runbook::stem;
use crate::text::mask;

pub use access::{Access, access};
pub use back::{Asking, Options, had, past, ways};
pub use bump::{has_version, put_version};
pub use capture::end_with_us;
pub use claim::{Others, holder, others, take_away};
pub use conduct::conduct;
pub use decide::{DECIDE_ATTEMPTS, DECIDE_PAUSE, decide, take_over};
pub use deployments::report_ready;
pub use detached::start_beside;
pub use end::end_all;
pub use extended::{is_due, tend};
pub use files::{JobsReader, log_dir};
pub use flags::flag_states;
pub use forge::{Age, Looker, check_log, needs_trust_for_logs};
pub use frozen::moved_on;
pub use held::held;
pub use input::send_input;
pub use issues::sync_issues;
pub use left::left;
pub use log::{Chunk, LogReader};
pub use messages::{
    Post, Sent as SentMessage, Which, all_on_call, flush, follow, lacking as lacking_secrets,
    missing as missing_secrets, on_call, pins, resend, send, settle as settle_messages, templates, under_way,
};
pub use orphan::{Remains, remains, stop_remains, was_cut_short};
pub use own::{is_trusted, trust_it};
pub use plain::Plain;
pub use prepare::{Fresh, Ground, prepare, require_unchanged};
pub use private::private;
pub use process::{Life, is_gone, is_suspended, life};
pub use programs::changed as changed_programs;
pub use prove::{prove, prove_until_settled, unasked};
pub use pull::{by_hand, needs_trust};
pub use reconcile::reconcile;
pub use runbooks::{page as runbook_page, shelf as runbook_shelf};
pub use secrets::{keyring, masker, secret};
pub use sharing::{Rounds, Standing};
pub use start::{PassOver, blocked, start};
pub use suspects::suspects;
pub use told::{ask_environments, live_side, output, past_releases, pipeline_ready};
pub use unattended::Unattended;

/// What became of an attempt to start a plan.
#[derive(Debug)]
pub enum Started {
    /// It runs; these records say so.
    Yes(Vec<Record>),
    /// Somebody else holds the target.
    Held(Lease),
}

/// An id for a new plan: `deploy-staging-3`. Where an incident was declared on another machine, it names the installation
/// (`deploy-staging-9f3c-3`): two machines that start a plan at once know nothing of each other's.
pub fn plan_id(state: &State, request: &Request, here: u64) -> String {
    let name = match request {
        Request::Test { .. } => "test".to_owned(),
        Request::RemoteTest => "test-remote".to_owned(),
        Request::Deploy { environment, .. } => format!("deploy-{environment}"),
        Request::Smoke { environment } => format!("smoke-{environment}"),
        Request::Hotfix(wanted) => match wanted {
            HotfixRequest::Fetch => "fetch".to_owned(),
            HotfixRequest::Start { name } => format!("hotfix-{name}"),
            HotfixRequest::Bump { .. } => "bump".to_owned(),
            HotfixRequest::Push => "push".to_owned(),
            HotfixRequest::Finish { .. } => "finish".to_owned(),
            HotfixRequest::Abandon => "abandon".to_owned(),
        },
        Request::Rollback { environment, .. } => format!("rollback-{environment}"),
        Request::Flag { name, on } => format!("flag-{name}-{}", if *on { "on" } else { "off" }),
        Request::Action { name } => format!("action-{name}"),
        Request::Runbook { path, .. } => format!("runbook-{}", stem(path)),
        Request::FollowUps { .. } => "follow-ups".to_owned(),
        Request::Report(_) => "report".to_owned(),
        Request::Watch { environment, .. } => format!("watch-{environment}"),
        Request::Revert { commit } => format!("revert-{}", frozen::short(commit)),
        Request::Bisect { .. } => "bisect".to_owned(),
    };
    let name: String = files::file_name(&name).chars().take(60).collect();
    let name = if state.declared_at_node == here { name } else { format!("{name}-{}", mark_of(here)) };
    let taken = |number: &usize| {
        let id = format!("{name}-{number}");
        state.plan(&id).is_some() || state.proposals.iter().any(|proposal| proposal.id == id)
    };
    // One more than there are plans and proposals is free in any case.
    let most = state.plans.len() + state.proposals.len();
    let number = (1..=most).find(|number| !taken(number)).unwrap_or(most + 1);
    format!("{name}-{number}")
}
