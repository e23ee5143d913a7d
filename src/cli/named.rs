//! Which of the things that are open somebody means: the only one, or the one whose words they name.

use crate::failure::{Failure, Result};
use crate::text::{counted, visible};

/// Most of them that are listed in an error.
const MOST: usize = 8;

/// What somebody chooses among.
pub(super) struct Open<'a> {
    /// What is being done, for an error.
    pub(super) doing: &'a str,
    /// What one of them is called.
    pub(super) noun: &'a str,
    /// What to do where none is open.
    pub(super) none: &'a str,
    /// How one of several is named.
    pub(super) say: &'a str,
}

impl Open<'_> {
    /// The one that is meant. `is` tells whether one is called so, by words in small letters; `told` says what
    /// it is in an error.
    pub(super) fn pick<'t, T>(
        &self,
        open: &[&'t T],
        named: Option<&str>,
        is: impl Fn(&T, &str) -> bool,
        told: impl Fn(&T) -> String,
    ) -> Result<&'t T> {
        let Self { doing, noun, none, say } = self;
        let named = named.map(|named| named.trim().to_lowercase());
        // A variable that was never set names nothing, and what it meant nobody knows.
        if named.as_deref() == Some("") {
            return Err(Failure::usage(*doing, format!("the name of the {noun} is empty"), *say));
        }
        let called = |one: &&&T| named.as_deref().is_none_or(|named| is(one, named));
        let found: Vec<&T> = open.iter().filter(called).copied().collect();
        let listed = |all: &[&T]| {
            let more = all.len().saturating_sub(MOST);
            let more = if more > 0 { format!("; {more} more") } else { String::new() };
            let told: Vec<String> = all.iter().take(MOST).map(|one| told(one)).collect();
            visible(&format!("{}{more}", told.join("; "))).into_owned()
        };
        match found.as_slice() {
            [one] => Ok(one),
            [] if open.is_empty() => Err(Failure::usage(*doing, format!("no {noun} is open"), *none)),
            [] => {
                let cause = format!("no open {noun} matches that");
                Err(Failure::usage(*doing, cause, format!("one of: {}", listed(open))))
            }
            several => {
                let are = if named.is_some() { "called so" } else { "open" };
                let cause = format!("{} are {are}", counted(several.len(), noun));
                Err(Failure::usage(*doing, cause, format!("{say}: {}", listed(several))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(open: &[&&'static str], named: Option<&str>) -> Result<&'static str> {
        let of = Open { doing: "ending a task", noun: "task", none: "give one", say: "say which" };
        let found = of.pick(open, named, |one, words| one.contains(words), |one| (*one).to_owned());
        found.copied()
    }

    #[test]
    fn the_only_one_is_meant_and_several_have_to_be_told_apart() {
        let (pool, page) = (&"check the pool", &"page omar");
        assert_eq!(pick(&[pool], None).unwrap(), *pool);
        assert_eq!(pick(&[pool, page], Some(" POOL ")).unwrap(), *pool);
        let said = |open: &[&&'static str], named| pick(open, named).unwrap_err().to_string();
        assert!(said(&[], None).contains("no task is open"));
        assert!(said(&[pool, page], None).contains("2 tasks are open"));
        assert!(said(&[pool, page], Some("o")).contains("2 tasks are called so"));
        assert!(said(&[pool], Some("node")).contains("no open task matches that"));
        assert!(said(&[pool], Some(" ")).contains("is empty"), "nothing names nothing");
        assert!(said(&[pool; 40], None).contains("32 more"));
    }
}
