//! `flightdeck verify`: checks the journal.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::{Failure, FailureKind, Result};
use crate::journal::{Verified, Witness};
use crate::report;
use crate::text::{counted, visible};

/// More than this is no report.
const MAX_REPORT: u64 = 1 << 28;

/// Check every record, chain and list; name the first bad one
///
/// Compares each chain with the copy of its end that is kept beside the journal, and with a report.
/// Exit code 1 if a record is bad or missing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A report that was kept: the journal has to hold the records it was made from
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found<'a> {
    records: usize,
    chains: Vec<Chain<'a>>,
    bad: Option<Bad<'a>>,
}

#[derive(Serialize)]
struct Chain<'a> {
    author: &'a str,
    node: String,
    head: String,
}

#[derive(Serialize)]
struct Bad<'a> {
    record: &'a str,
    why: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let journal = cx.journal_to_read()?;
    let incident = cx.named(&journal)?;
    let witnesses = args.report.as_deref().map(read_report).transpose()?.unwrap_or_default();
    let verified = journal.verify_against(incident, witnesses)?;
    if verified.bad.is_none() && journal.read_only().is_none() {
        journal.note_heads()?;
    }
    for unread in &verified.unread {
        cx.out.tell(&format!("▲ not compared, since it cannot be read: {unread}"));
    }
    if args.json {
        cx.out.json(&found(&verified))?;
    } else {
        cx.out.lines(&text(&verified))?;
    }
    Ok(if verified.bad.is_none() { End::Done } else { End::Bad(FailureKind::Failed) })
}

/// What a report says about the chains of its incident.
fn read_report(path: &Path) -> Result<Vec<Witness>> {
    let doing = format!("reading the report {}", path.display());
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_REPORT).read_to_string(&mut text))
        .map_err(|error| Failure::usage(&doing, error, "name a report that flightdeck report wrote"))?;
    let chains = report::chains(&text).ok_or_else(|| {
        let hint = "a report names them under its heading Record; older versions did not write them";
        Failure::usage(&doing, "it names no chains of records", hint)
    })?;
    let witness = |(node, records, head)| Witness {
        incident: chains.incident,
        number: format!("incident {}", chains.incident),
        author: None,
        node,
        records,
        head,
        last: None,
        source: path.to_owned(),
    };
    Ok(chains.ends.into_iter().map(witness).collect())
}

fn found(verified: &Verified) -> Found<'_> {
    Found {
        records: verified.records,
        chains: verified
            .chains
            .iter()
            .map(|(author, head)| Chain {
                author: &author.name,
                node: format!("{:016x}", author.node),
                head: head.to_string(),
            })
            .collect(),
        bad: verified.bad.as_ref().map(|(record, why)| Bad { record, why }),
    }
}

fn text(verified: &Verified) -> String {
    let mut lines = Vec::new();
    for (author, head) in &verified.chains {
        lines.push(format!("  {head}  {}", visible(&author.name)));
    }
    match &verified.bad {
        None => lines
            .insert(0, format!("✓ {}, all sound; the chains end in", counted(verified.records, "record"))),
        Some((record, why)) => {
            lines.insert(0, format!("✗ first bad record: {}", visible(record)));
            lines.insert(1, format!("  {}", visible(why)));
            lines
                .insert(2, format!("  {} looked at; the chains end in", counted(verified.records, "record")));
        }
    }
    if verified.chains.is_empty() {
        for line in &mut lines {
            *line = line.replace("; the chains end in", "");
        }
    }
    lines.join("\n")
}
