//! `flightdeck history`: the incidents of this repository.

use jiff::Timestamp;
use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::Result;
use crate::incident::IncidentId;
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
    if args.json {
        cx.out.json(&all.iter().map(line).collect::<Vec<_>>())?;
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
            one.severity.name(),
            one.status.name(),
            one.declared_at.strftime("%Y-%m-%d %H:%M"),
            one.title
        ))?;
    }
    Ok(End::Done)
}

fn line(one: &Summary) -> Line<'_> {
    Line {
        id: &one.number,
        uuid: one.id,
        title: &one.title,
        severity: one.severity.name(),
        status: one.status.name(),
        declared_at: one.declared_at,
        repository: &one.repository,
        declared: one.is_declared,
    }
}
