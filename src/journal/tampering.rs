//! Whether the tables are those that flightdeck made, and nothing beside them. SQLite carries out a
//! trigger with every insert, and one that throws the record away leaves the insert a success.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::open::check_version;
use super::{ReadOnly, schema};

/// Something in the file's schema that is not as flightdeck made it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tampering {
    /// What it is.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: String,
}

impl Tampering {
    /// What that means for a journal that is opened.
    pub(super) fn read_only(self, path: &Path) -> ReadOnly {
        // What it is first: screens are narrow.
        let why = format!("it {}; what is saved to {} could be lost", self.what, path.display());
        ReadOnly { why, remedy: self.remedy }
    }
}

/// Looks again where the schema is not the one of this version, which is then replaced; returns what
/// keeps the file from being written. To be called in a transaction.
pub(super) fn since(
    conn: &Connection,
    path: &Path,
    version: &Cell<Option<i64>>,
) -> rusqlite::Result<Option<ReadOnly>> {
    let now = schema_version(conn)?;
    if version.get() == Some(now) {
        return Ok(None);
    }
    if let Err(newer) = check_version(path, schema::user_version(conn)?) {
        return Ok(Some(ReadOnly { why: newer.cause, remedy: newer.hint }));
    }
    if let Some(tampering) = find(conn)? {
        return Ok(Some(tampering.read_only(path)));
    }
    version.set(Some(now));
    Ok(None)
}

/// A number that changes with the schema, whoever changes that.
pub(super) fn schema_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
}

/// Finds the first thing in a file of a version known here that does not belong there, is different or
/// is missing. To be called in a transaction: another process may be bringing the file up to date.
pub(super) fn find(conn: &Connection) -> rusqlite::Result<Option<Tampering>> {
    let mut missing: BTreeSet<&str> = tables(schema::user_version(conn)?).collect();
    // Triggers first: they do the harm, and SQLite drops some of what follows along with them.
    let mut statement = conn.prepare(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema
         ORDER BY CASE type WHEN 'trigger' THEN 0 WHEN 'view' THEN 1 ELSE 2 END, name",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, table): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sql: Option<String> = row.get(3)?;
        let is_known = match (kind.as_str(), &sql) {
            ("table", Some(sql)) => missing.remove(sql.as_str()) || is_statistics(&name),
            // What a table's own text makes.
            ("index", None) => name.starts_with("sqlite_autoindex_"),
            _ => false,
        };
        if !is_known {
            return Ok(Some(described(&kind, &name, &table)));
        }
    }
    if let Some(sql) = missing.first() {
        let what = format!("has no table {}", name_of(sql));
        return Ok(Some(Tampering { what, remedy: RESTORE.to_owned() }));
    }
    let node = "SELECT EXISTS (SELECT 1 FROM meta WHERE key = 'node' AND typeof(value) = 'integer')";
    let has_node: bool = conn.query_row(node, [], |row| row.get(0))?;
    Ok((!has_node).then(|| Tampering {
        what: "does not say any more which installation it belongs to".to_owned(),
        remedy: "put a backup in its place; or give it a new number with SQLite: \
                 INSERT OR REPLACE INTO meta VALUES ('node', random())"
            .to_owned(),
    }))
}

/// What the tables of a version are made with. SQLite keeps that text as it was given.
fn tables(version: i32) -> impl Iterator<Item = &'static str> {
    let steps = schema::MIGRATIONS.iter().take(usize::try_from(version).unwrap_or(0));
    steps.flat_map(|step| step.split(';')).map(str::trim).filter(|sql| sql.starts_with(CREATE))
}

const CREATE: &str = "CREATE TABLE ";

fn name_of(sql: &str) -> &str {
    sql.strip_prefix(CREATE).and_then(|sql| sql.split_whitespace().next()).unwrap_or_default()
}

/// What `ANALYZE` leaves behind tells only how to look things up.
fn is_statistics(table: &str) -> bool {
    ["sqlite_stat1", "sqlite_stat4"].contains(&table)
}

const RESTORE: &str =
    "put a backup in its place; or export what can be read, move the file aside and import the export";

fn described(kind: &str, name: &str, table: &str) -> Tampering {
    let is_ours = tables(schema::version()).any(|sql| name_of(sql) == name);
    let what = match kind {
        "table" if is_ours => Some(format!("has another table {name} than flightdeck made")),
        "view" if is_ours => Some(format!("has a view in place of the table {name}")),
        _ => None,
    };
    if let Some(what) = what {
        return Tampering { what, remedy: RESTORE.to_owned() };
    }
    let on = if kind == "trigger" { format!(" on {table}") } else { String::new() };
    let article = if kind == "index" { "an" } else { "a" };
    let quoted = name.replace('"', "\"\"");
    Tampering {
        what: format!("holds {article} {kind}{on} that flightdeck did not make: {name}"),
        remedy: format!(
            "find out who put it there, then remove it with SQLite: DROP {} \"{quoted}\"",
            kind.to_uppercase()
        ),
    }
}
