//! `flightdeck conduct`: the process that carries a plan out; started by flightdeck itself.

use std::path::PathBuf;

use uuid::Uuid;

use super::End;
use super::context::Context;
use crate::conductor;
use crate::failure::Result;
use crate::incident::IncidentId;

/// Carries out a plan; flightdeck starts this by itself
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The state directory
    #[arg(long)]
    pub(crate) state_dir: PathBuf,

    /// Who started the plan
    #[arg(long)]
    pub(crate) author: String,

    /// Identity of the incident
    #[arg(long)]
    pub(crate) of: Uuid,

    /// Id of the plan
    pub(crate) plan: String,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, _cx: &Context) -> Result<End> {
    conductor::conduct(&args.state_dir, &args.author, IncidentId(args.of), &args.plan)?;
    Ok(End::Done)
}
