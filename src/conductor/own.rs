//! Whether what the repository's own git configuration names may run.

use std::path::Path;

use jiff::Timestamp;

use crate::config::trust;
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::git::own::{Named, Own};
use crate::incident::Hash;
use crate::text::visible;

/// Most settings that are named in one line.
const NAMED: usize = 3;

/// Tells whether all that a repository's own configuration names was trusted as it is now; one that
/// names nothing needs no trust.
///
/// # Errors
/// What was trusted cannot be read.
pub fn is_trusted(state_dir: &Path, own: &Own) -> Result<bool> {
    if own.named.is_empty() {
        return Ok(true);
    }
    trust::is_trusted_at(state_dir, &own.path.to_string_lossy(), Hash::of(&own.content))
}

/// Remembers that the user trusts all of it as it is now.
///
/// # Errors
/// That cannot be written down.
pub fn trust_it(state_dir: &Path, own: &Own, now: Timestamp) -> Result<()> {
    trust::trust_at(state_dir, &own.path.to_string_lossy(), Hash::of(&own.content), now)
}

/// Why a remote is not asked where nobody has confirmed that; `None`: it may be.
pub(super) fn keeps_from_asking(state_dir: &Path, reader: &Reader) -> Option<String> {
    let own = match reader.own() {
        Ok(own) => own,
        Err(why) => return Some(format!("its own git configuration cannot be read: {}", visible(&why))),
    };
    let reaching = own.reaching();
    if reaching.is_empty() || is_trusted(state_dir, &own).unwrap_or(false) {
        return None;
    }
    Some(format!(
        "the repository's own git configuration names {}, which nobody has trusted; flightdeck trust --show lists it, flightdeck trust allows it",
        some(&reaching)
    ))
}

/// What a reader should know before git runs what was not trusted; `None`: nothing of that kind.
pub(super) fn note(state_dir: &Path, reader: &Reader) -> Option<String> {
    let own = match reader.own() {
        Ok(own) if is_trusted(state_dir, &own).unwrap_or(false) => return None,
        Ok(own) => own,
        Err(why) => {
            return Some(format!(
                "▲ not trusted: the repository's own git configuration cannot be looked through: {}; these commands may run what it names",
                visible(&why)
            ));
        }
    };
    let keys: Vec<&str> = own.named.iter().map(|Named { key, .. }| key.as_str()).collect();
    Some(format!(
        "▲ not trusted: these commands may run what the repository's own git configuration names: {} (flightdeck trust --show)",
        some(&keys)
    ))
}

fn some(keys: &[&str]) -> String {
    let mut named: Vec<String> = keys.iter().take(NAMED).map(|key| visible(key).into_owned()).collect();
    if let Some(more) = keys.len().checked_sub(NAMED).filter(|more| *more > 0) {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}
