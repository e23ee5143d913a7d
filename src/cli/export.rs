//! `flightdeck export`: writes the records of an incident.

use std::io::{BufWriter, Write as _};

use super::End;
use super::context::{Context, Wanted};
use crate::failure::{Failure, Result};
use crate::journal::ExportFormat;

/// Write the records of the incident to stdout
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck export > INC-2026-0007.jsonl
  flightdeck export --format csv --incident INC-2026-0007")]
pub(crate) struct Args {
    /// jsonl: every record byte for byte, for import and verify; csv: a table for people
    #[arg(long, default_value = "jsonl")]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let loaded = cx.load_to_read(Wanted::Last)?;
    let format = match args.format {
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Csv => ExportFormat::Csv,
    };
    let incident = loaded.state().id;
    // A file gets the very bytes; a screen gets nothing that could deceive who reads it.
    if cx.out.terminal {
        let mut bytes = Vec::new();
        loaded.journal.export(incident, format, &mut bytes)?;
        cx.out.lines(&String::from_utf8_lossy(&bytes))?;
        return Ok(End::Done);
    }
    let mut out = BufWriter::new(cx.out.writer());
    loaded.journal.export(incident, format, &mut out)?;
    out.flush()
        .map_err(|e| Failure::new(format!("exporting {}", loaded.number), e, "the export is not complete"))?;
    Ok(End::Done)
}
