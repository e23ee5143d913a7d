//! `flightdeck verify`: checks the journal.

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::{FailureKind, Result};
use crate::journal::Verified;
use crate::text::visible;

/// Check every record, hash and chain; name the first bad one
///
/// Exit code 1 if there is one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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
    let verified = journal.verify(incident)?;
    if args.json {
        cx.out.json(&found(&verified))?;
    } else {
        cx.out.lines(&text(&verified))?;
    }
    Ok(if verified.bad.is_none() { End::Done } else { End::Bad(FailureKind::Failed) })
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
        None => lines.insert(0, format!("✓ {} records, all sound; the chains end in", verified.records)),
        Some((record, why)) => {
            lines.insert(0, format!("✗ first bad record: {}", visible(record)));
            lines.insert(1, format!("  {}", visible(why)));
            lines.insert(2, format!("  {} records looked at; the chains end in", verified.records));
        }
    }
    if verified.chains.is_empty() {
        lines = vec![lines[0].replace("; the chains end in", "")];
    }
    lines.join("\n")
}
