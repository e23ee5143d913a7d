//! Tables: values separated by commas, semicolons or tabs, with or without a line of headings.

use csv::{ReaderBuilder, StringRecord};

use super::{Broken, Column, Fields, Read, Times, when};

/// Reads a table. Without headings the columns are time, event and author, or date, time, event and author.
///
/// # Errors
/// There are headings and none of them is a time, or none says what happened.
pub fn read_table(bytes: &[u8], times: &Times) -> Result<Read, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter(bytes)).from_reader(bytes);
    let mut read = Read::default();
    let mut columns: Option<Vec<Heading>> = None;
    let mut cells = csv::ByteRecord::new();
    let mut last = 0;
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut cells) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                read.broken.push(Broken { line, why: error.to_string() });
                continue;
            }
        }
        last = cells.position().map_or(0, csv::Position::byte);
        let line = cells.position().map_or(line, csv::Position::line);
        let Ok(cells) = StringRecord::from_byte_record(cells.clone()) else {
            read.broken.push(Broken { line, why: "it is not UTF-8".to_owned() });
            continue;
        };
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let Some(columns) = &columns else {
            let (known, is_row) = headings(&cells, times)?;
            if is_row {
                read.put(line, fields(&known, &cells).row(times));
            }
            columns = Some(known);
            continue;
        };
        read.put(line, fields(columns, &cells).row(times));
    }
    // The end of the file closes no quote that was forgotten.
    let rest = usize::try_from(last).ok().and_then(|last| bytes.get(last..)).unwrap_or_default();
    if rest.split(|byte| *byte == b'"').count() % 2 == 0 {
        let line = bytes.get(..bytes.len() - rest.len()).unwrap_or_default();
        let line = line.split(|byte| *byte == b'\n').count() as u64;
        read.rows.pop();
        read.broken.push(Broken { line, why: "a quote is never closed".to_owned() });
    }
    Ok(read)
}

/// What a column holds, if that is known, and its name.
type Heading = (Option<Column>, String);

/// What the columns hold, and whether the first line is a row already.
fn headings(cells: &StringRecord, times: &Times) -> Result<(Vec<Heading>, bool), String> {
    let first = cells.get(0).unwrap_or_default();
    let clock = cells.get(1).unwrap_or_default();
    let is_split =
        when::is_day(first) && when::joined(first, clock).is_ok_and(|time| when::read(&time, times).is_ok());
    if is_split || when::read(first, times).is_ok() {
        let all = ["date", "time", "event", "author"];
        let usual = if is_split { &all[..] } else { &all[1..] };
        let named = (0..cells.len()).map(|n| match usual.get(n) {
            Some(name) => (Column::of(name), (*name).to_owned()),
            None => (None, format!("column {}", n + 1)),
        });
        return Ok((named.collect(), true));
    }
    let known: Vec<_> = cells.iter().map(|name| (Column::of(name), name.trim().to_owned())).collect();
    for (wanted, usual) in [(Column::Time, "time"), (Column::Text, "event")] {
        let is_wanted = |column: Option<Column>| {
            column == Some(wanted) || (wanted == Column::Time && column == Some(Column::Date))
        };
        if !known.iter().any(|(column, _)| is_wanted(*column)) {
            let names: Vec<_> = known.iter().map(|(_, name)| name.as_str()).collect();
            return Err(format!(
                "no column is called “{usual}”: the first line has {}",
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            ));
        }
    }
    Ok((known, false))
}

fn fields(columns: &[Heading], cells: &StringRecord) -> Fields {
    let mut fields = Fields::default();
    for (n, cell) in cells.iter().enumerate() {
        match columns.get(n) {
            Some((column, name)) => fields.take(*column, name, cell),
            None => fields.take(None, &format!("column {}", n + 1), cell),
        }
    }
    fields
}

/// Comma, semicolon or tab: what stands most often in the first line.
fn delimiter(bytes: &[u8]) -> u8 {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| first.split(|byte| *byte == wanted).count();
    // The last of those that are equal: a comma, where there is none of them.
    [b'\t', b';', b','].into_iter().max_by_key(|one| count(*one)).unwrap_or(b',')
}
