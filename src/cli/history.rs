//! `flightdeck history`: the incidents of this repository.

use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::Result;
use crate::incident::{IncidentId, Policy};
use crate::journal::Summary;

/// List the incidents of this repository, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List those of all repositories in this journal
    #[arg(long)]
    all: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    uuid: IncidentId,
    title: &'a str,
    severity: &'a str,
    /// What the team calls it.
    severity_name: &'a str,
    status: &'a str,
    declared_at: Timestamp,
    repository: &'a str,
    /// Whether a record declares it; else it is but a line in a list.
    declared: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let journal = cx.journal_to_read()?;
    let repository = if args.all { None } else { Some(cx.repository(&journal)?) };
    let all = journal.incidents(repository.as_deref())?;
    // Those of other repositories are called what their teams call them, which nobody here knows.
    let policy = if args.all { Policy::built_in() } else { cx.setup_or_found().0.policy };
    if args.json {
        cx.out.json(&all.iter().map(|one| line(one, &policy)).collect::<Vec<_>>())?;
        return Ok(End::Done);
    }
    if all.is_empty() {
        cx.out.tell("no incident was declared here yet");
    }
    for one in &all {
        let doubt = if one.is_declared { "" } else { "  ▲ no record declares it: run flightdeck verify" };
        cx.out.line(&format!(
            "{}  {}  {:<9}  {}  {}{doubt}",
            one.number,
            policy.severity_name(one.severity),
            one.status.name(),
            one.declared_at.strftime("%Y-%m-%d %H:%M"),
            one.title
        ))?;
    }
    Ok(End::Done)
}

fn line<'a>(one: &'a Summary, policy: &'a Policy) -> Line<'a> {
    Line {
        id: &one.number,
        uuid: one.id,
        title: &one.title,
        severity: one.severity.name(),
        severity_name: policy.severity_name(one.severity),
        status: one.status.name(),
        declared_at: one.declared_at,
        repository: &one.repository,
        declared: one.is_declared,
    }
}
