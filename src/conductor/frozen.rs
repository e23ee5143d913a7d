//! The commits a plan was made for: what they are now, and whether they still are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::hotfix::git::Reader;
use crate::text::visible;

/// Tells whether every reference still is the commit it was when the plan was approved.
///
/// # Errors
/// One line that says which is not.
pub(super) fn check(directory: &str, frozen: &BTreeMap<String, String>) -> Result<(), String> {
    if frozen.is_empty() {
        return Ok(());
    }
    let reader = Reader::open(Path::new(directory))
        .map_err(|_| format!("the repository at {} can no longer be read", visible(directory)))?;
    for (reference, commit) in frozen {
        let shown = visible(reference);
        match reader.resolve(reference) {
            Ok(now) if now == *commit => {}
            Ok(now) => {
                let (was, is) = (short(commit), short(&now));
                return Err(format!("{shown} was {was} when the plan was confirmed and is {is} now"));
            }
            Err(failure) => return Err(format!("{shown} cannot be looked up any more: {}", failure.cause)),
        }
    }
    Ok(())
}

/// A commit as people call it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}
