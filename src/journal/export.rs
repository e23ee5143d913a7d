//! Export: the stored bytes for machines, a table for people.

use std::io::Write;

use rusqlite::types::Type;

use super::read::places;
use super::{ExportFormat, Journal};
use crate::failure::{Failure, Result};
use crate::incident::{IncidentId, Precision, Timeline};
use crate::text::visible_lines;

impl Journal {
    /// Writes the records of an incident, in the order they were received; as a table, the
    /// lines of its timeline.
    pub fn export(&self, incident: IncidentId, format: ExportFormat, out: &mut dyn Write) -> Result<()> {
        match format {
            ExportFormat::Jsonl => self.export_jsonl(incident, out),
            ExportFormat::Csv => {
                let (log, _) = self.load(incident)?;
                write_csv(&log.state().timeline, out).map_err(|error| written(&error))
            }
        }
    }

    fn export_jsonl(&self, incident: IncidentId, out: &mut dyn Write) -> Result<()> {
        let (first, last) = places(self.number_of(incident)?);
        let mut write = || -> rusqlite::Result<std::io::Result<()>> {
            let mut statement =
                self.conn.prepare_cached("SELECT bytes FROM record WHERE place BETWEEN ?1 AND ?2")?;
            let mut rows = statement.query([first, last])?;
            while let Some(row) = rows.next()? {
                let bytes = row.get_ref(0)?.as_bytes().map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error))
                })?;
                if let Err(error) = out.write_all(bytes).and_then(|()| out.write_all(b"\n")) {
                    return Ok(Err(error));
                }
            }
            Ok(out.flush())
        };
        write()
            .map_err(|error| self.failed("exporting from the journal", &error))?
            .map_err(|error| written(&error))
    }
}

fn written(error: &std::io::Error) -> Failure {
    Failure::new("writing the export", error, "check free space and permissions where it is written to")
}

fn write_csv(timeline: &Timeline, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(b"time,precision,recorded,author,kind,text,retracted,id\r\n")?;
    for entry in timeline.iter() {
        let precision = match entry.precision {
            Precision::Exact => "exact",
            Precision::About => "about",
            Precision::Before => "before",
        };
        let cells = [
            entry.at.to_string(),
            precision.to_owned(),
            entry.recorded_at.to_string(),
            cell(entry.author),
            cell(entry.name),
            cell(entry.text),
            entry.retracted.map(cell).unwrap_or_default(),
            entry.id.to_string(),
        ];
        out.write_all(cells.join(",").as_bytes())?;
        out.write_all(b"\r\n")?;
    }
    out.flush()
}

/// A cell that a spreadsheet shows and never evaluates.
fn cell(text: &str) -> String {
    let text = visible_lines(text);
    let first = text.trim_start().chars().next();
    let active = matches!(first, Some('=' | '+' | '-' | '@' | '|' | '＝' | '＋' | '－' | '＠'));
    let guard = if active { "'" } else { "" };
    if active || text.contains(['"', ',', '\n', ';']) || text.starts_with(' ') {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(cell("  +1"), "\"'  +1\"");
        assert_eq!(cell("\t=1"), "\"' =1\"");
        assert_eq!(cell("-2+3"), "\"'-2+3\"");
        assert_eq!(cell("@SUM(A1)"), "\"'@SUM(A1)\"");
    }

    #[test]
    fn a_cell_keeps_its_text() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a \"b\", c\nd"), "\"a \"\"b\"\", c\nd\"");
        assert_eq!(cell("x\u{202e}y"), "x<U+202E>y");
    }
}
