//! `flightdeck import`: takes in the records of an export.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::{Failure, Result};
use crate::journal::Summary;
use crate::text::{counted, visible};

/// Import an export: all of it, or nothing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Done {
    added: usize,
    known: usize,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut input: Box<dyn BufRead> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(&args.file).map_err(|e| {
            Failure::usage(
                format!("importing {}", args.file.display()),
                e,
                "name a file that flightdeck export --format jsonl wrote, or - for stdin",
            )
        })?;
        Box::new(BufReader::new(file))
    };
    let mut journal = cx.journal()?;
    let done = journal.import(&mut *input)?;
    let new = |one: &&Summary| done.incidents.contains(&one.id);
    for one in journal.incidents(None)?.iter().filter(new) {
        cx.out.tell(&format!("new here: {}  {}", one.number, visible(&one.title)));
    }
    if !done.incidents.is_empty() {
        cx.tell_kin(&journal)?;
    }
    if args.json {
        cx.out.json_line(&Done { added: done.added, known: done.known })?;
    } else {
        cx.out.line(&format!("{} added, {} known already", counted(done.added, "record"), done.known))?;
    }
    Ok(End::Done)
}
