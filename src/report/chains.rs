//! Where the chains of an incident end, as a report says it, and read back from one: a report that
//! was kept elsewhere tells whether the journal still holds what it was made from.

use uuid::Uuid;

use crate::incident::{Hash, IncidentId, State};
use crate::text::markdown::cell;

/// What a report says about the chains of its incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chains {
    /// The incident.
    pub incident: IncidentId,
    /// Installation, number of records and hash of the last record of each chain.
    pub ends: Vec<(u64, i64, Hash)>,
}

/// The rows of the table in the report.
pub(super) fn rows(state: &State) -> impl Iterator<Item = [String; 4]> {
    state.chains.iter().map(|(author, (records, head))| {
        [cell(&author.name), format!("`{:016x}`", author.node), records.to_string(), format!("`{head}`")]
    })
}

/// Reads the chains out of a report; `None`: it names none.
pub fn read(report: &str) -> Option<Chains> {
    // What people wrote is escaped, so nobody's text can be this heading. Older reports have it one
    // level up.
    let new = report.rsplit_once("\n### Record\n");
    let (_, section) = new.or_else(|| report.rsplit_once("\n## Record\n"))?;
    let incident = section.split('`').find_map(|piece| Uuid::try_parse(piece).ok()).map(IncidentId)?;
    let ends: Vec<_> = section.lines().filter_map(row).collect();
    (!ends.is_empty()).then_some(Chains { incident, ends })
}

fn row(line: &str) -> Option<(u64, i64, Hash)> {
    // From its end: the name of an author may hold anything.
    let mut cells = line.trim().strip_suffix('|')?.rsplit('|').map(|cell| cell.trim().trim_matches('`'));
    let (head, records, node) = (cells.next()?, cells.next()?, cells.next()?);
    Some((u64::from_str_radix(node, 16).ok()?, records.parse().ok()?, Hash::parse(head)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_report_of_ours_names_no_chain() {
        for text in
            ["", "# A report\n\n## Record\n\nMade from 3 records.\n", "\n## Record\n| a | b | c | d |\n"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
