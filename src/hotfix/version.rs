//! Files that hold the version of a service: which they are, where in them it stands, and how it
//! is put in its place. Pure: what a file holds comes in, and nothing of it but the version's own
//! bytes is changed.
//!
//! `number` compares versions and finds the next one, `find` says which files there are, `spots`
//! finds the places in one of them, `series` knows the tags that versions go out as.

mod find;
mod number;
pub mod series;
mod spots;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use find::{Broken, Found, Held, RECOGNISED, Tree, find, sources};
pub use number::Version;
pub use series::Series;
pub use spots::spots;

use super::outlook::Bump;
pub use crate::config::types::{VersionKind as Kind, version_pattern};

/// Files that people write are no longer than this, in bytes; what is longer is not one of them.
pub const MAX_BYTES: usize = 1 << 20;
/// Lock files are written by tools, and can be long.
pub const MAX_LOCK_BYTES: usize = 64 << 20;

/// Where in a file the version is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Where files of its name keep it.
    Own,
    /// In a lock file: the entry of this package, as that kind of lock names it: `payments-api`, or
    /// the folder of a package, which is empty for that of the file itself.
    Entry(String),
    /// In the first group of every match of a regular expression.
    Pattern(String),
}

/// A file, and where in it the version is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// Its path from the root of the repository.
    pub path: String,
    /// Where in it.
    pub place: Place,
}

/// One place in a file at which the version stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// Where, in bytes of the file, without quotation marks.
    pub span: Range<usize>,
    /// What stands there.
    pub version: String,
}

/// Most bytes a file of a path may have.
pub fn most_bytes(path: &str) -> usize {
    if Kind::of(path).is_some_and(Kind::is_lock) { MAX_LOCK_BYTES } else { MAX_BYTES }
}

/// A version without the `v` that some write before it.
pub fn bare(version: &str) -> &str {
    let rest = version.strip_prefix(['v', 'V']).unwrap_or(version);
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest } else { version }
}

/// Tells whether all of these files hold the same version, whether with a `v` or without.
pub fn agree(held: &[(String, String)]) -> bool {
    held.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if bare(a) == bare(b)))
}

/// The versions of a branch next to those of its base; `None`: one of the two holds none.
pub fn compare(base: &[(String, String)], branch: &[(String, String)], series: &Series) -> Option<Bump> {
    let (_, from) = base.first()?;
    let (_, to) = branch.first()?;
    let disagree = if agree(branch) { Vec::new() } else { branch.to_vec() };
    Some(Bump { from: from.clone(), to: to.clone(), tag: series.tag(bare(to)), disagree })
}

/// The text of a file with the version put in at every one of its places; everything else stays
/// as it is, to the byte. Where it stands already nothing is changed, so this may be done again.
///
/// # Errors
/// One line: a place is not there, or holds neither of the two versions.
pub fn edit(path: &str, text: &str, places: &[&Place], from: &str, to: &str) -> Result<String, String> {
    let found = all_spots(path, text, places)?;
    let mut edited = text.to_owned();
    for spot in found.iter().rev() {
        let held = bare(&spot.version);
        if held == bare(to) {
            continue;
        }
        if held != bare(from) {
            return Err(format!("it holds {}, which is neither {from} nor {to}", spot.version));
        }
        // A `v` before it stays.
        let start = spot.span.end - held.len();
        edited.replace_range(start..spot.span.end, bare(to));
    }
    let again = all_spots(path, &edited, places)?;
    if again.len() != found.len() || again.iter().any(|spot| bare(&spot.version) != bare(to)) {
        return Err(format!("with {to} in it, it would not read as that version any more"));
    }
    Ok(edited)
}

/// All places of one file, in its order, each once.
///
/// # Errors
/// One line that says which is not there, or why the file cannot be read.
pub fn all_spots(path: &str, text: &str, places: &[&Place]) -> Result<Vec<Spot>, String> {
    let mut found: Vec<Spot> = Vec::new();
    for place in places {
        let more = spots(path, place, text)?;
        if more.is_empty() {
            return Err(match place {
                Place::Own => "it holds no version".to_owned(),
                Place::Entry(name) if name.is_empty() => "it holds no version of its own package".to_owned(),
                Place::Entry(name) => format!("it has no version of {name}"),
                Place::Pattern(pattern) => format!("nothing in it matches {pattern}"),
            });
        }
        found.extend(more);
    }
    found.sort_by_key(|spot| (spot.span.start, spot.span.end));
    found.dedup();
    if found.windows(2).any(|pair| matches!(pair, [a, b] if b.span.start < a.span.end)) {
        return Err("places that hold the version overlap".to_owned());
    }
    Ok(found)
}
