//! Whether what was deployed is what answers: the versions that answers name, beside those of the releases that
//! are known. Pure.
//!
//! Only names of known releases count. What a service calls a version may be that of its API or of anything else,
//! and says nothing then.

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::text::visible;

/// Answers of each probe that have to agree in the end.
const LAST: usize = 10;
/// Shortest beginning of a commit that names it.
const SHORT: usize = 7;

/// A release, and what it is called in answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    called: String,
    commit: String,
    names: Vec<String>,
}

impl Named {
    /// Makes one of what people call a release, its commit, and its tag and version as far as they are known.
    pub fn new<'a>(called: &str, commit: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(|name| plain(name).to_owned()).filter(|name| !name.is_empty());
        Self { called: called.to_owned(), commit: commit.to_ascii_lowercase(), names: names.collect() }
    }

    /// Tells whether an answer that says this is of this release: its version or tag, with or without a `v`, or
    /// the beginning of its commit, also as part of something longer: `shop 1.4.3+4f2c91e`.
    fn is(&self, said: &str) -> bool {
        let parts = said.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-' || c == '_'));
        [said.trim()].into_iter().chain(parts).any(|part| {
            let is_commit = part.len() >= SHORT && self.commit.starts_with(&part.to_ascii_lowercase());
            is_commit || self.names.iter().any(|name| name == plain(part))
        })
    }
}

/// What the last answers of a probe name as their version, beside what was deployed: `v1.4.3 on 3 of the last 4
/// answers, 1.4.2 on 1; deployed: v1.4.3`. `None`: they name none.
pub fn spread(said: &VecDeque<String>, deployed: Option<&Named>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for version in said {
        let called = deployed.filter(|release| release.is(version)).map_or(version.as_str(), |it| &it.called);
        match counts.iter_mut().find(|(known, _)| *known == called) {
            Some((_, count)) => *count += 1,
            None => counts.push((called, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all = said.len();
    let first = counts.first()?;
    let mut words = match (first.1 == all, all) {
        (_, 1) => format!("{} on the last answer", visible(first.0)),
        (true, _) => format!("{} on all of the last {all} answers", visible(first.0)),
        (false, _) => format!("{} on {} of the last {all} answers", visible(first.0), first.1),
    };
    for (version, count) in counts.iter().skip(1) {
        let _ = write!(words, ", {} on {count}", visible(version));
    }
    if let Some(release) = deployed {
        let _ = write!(words, "; deployed: {}", visible(&release.called));
    }
    Some(words)
}

/// A version without the `v` before it.
fn plain(name: &str) -> &str {
    let name = name.trim();
    match name.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// What the answers to a watch say of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    deployed: Option<Named>,
    before: Vec<Named>,
    /// Of each probe, the last answers that name a known release: whether it is the one that was deployed.
    last: Vec<VecDeque<Option<usize>>>,
    seen: u64,
    all: u64,
}

impl Versions {
    pub(super) fn expect(&mut self, mut deployed: Named, mut before: Vec<Named>) {
        // A name that two of them share tells neither.
        let shared: Vec<String> = deployed.names.clone();
        deployed.names.retain(|name| !before.iter().any(|old| old.names.contains(name)));
        for old in &mut before {
            old.names.retain(|name| !shared.contains(name));
        }
        self.deployed = Some(deployed);
        self.before = before;
    }

    /// Forgets what answered while it took effect.
    pub(super) fn forget(&mut self) {
        self.last.clear();
        (self.seen, self.all) = (0, 0);
    }

    /// Takes what an answer of the probe with this index names as its version.
    pub(super) fn take(&mut self, probe: usize, said: &str) {
        let Some(deployed) = &self.deployed else { return };
        let old = self.before.iter().position(|release| release.is(said));
        let is_new = deployed.is(said);
        if !is_new && old.is_none() {
            return;
        }
        let old = old.filter(|_| !is_new);
        if self.last.len() <= probe {
            self.last.resize(probe + 1, VecDeque::new());
        }
        if let Some(last) = self.last.get_mut(probe) {
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(old);
        }
        self.all += 1;
        self.seen += u64::from(old.is_none());
    }

    /// Why it is not known that what was deployed is what answers; `None`: it is, or nobody says.
    pub(super) fn missing(&self) -> Option<String> {
        let deployed = self.deployed.as_ref()?;
        self.last.iter().find_map(|last| {
            let old = last.iter().rev().find_map(|old| self.before.get((*old)?))?;
            let (new, all) = (last.iter().filter(|old| old.is_none()).count(), last.len());
            let (called, old) = (visible(&deployed.called), visible(&old.called));
            Some(match new {
                0 => format!("{old} still answers, not {called}"),
                _ => format!("{called} is on {new} of the last {all} answers only; {old} answers, too"),
            })
        })
    }

    /// `v1.4.3 on 180 of 180 answers`; `None`: nobody says.
    pub(super) fn summary(&self) -> Option<String> {
        let deployed = self.deployed.as_ref().filter(|_| self.all > 0)?;
        Some(format!("{} on {} of {} answers", visible(&deployed.called), self.seen, self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "4f2c91e0aa11bb22cc33dd44ee55ff6677889900";

    fn versions() -> Versions {
        let mut versions = Versions::default();
        let old = Named::new("v1.4.2", "77b0d13f00000000000000000000000000000000", ["v1.4.2", "1.4.2"]);
        versions.expect(Named::new("v1.4.3", COMMIT, ["v1.4.3"]), vec![old]);
        versions
    }

    #[test]
    fn a_release_is_known_by_version_tag_or_commit() {
        let named = Named::new("v1.4.3", COMMIT, ["v1.4.3"]);
        for said in [
            "1.4.3",
            "v1.4.3",
            " V1.4.3 ",
            "4f2c91e",
            "4F2C91E0AA",
            COMMIT,
            "shop 1.4.3+4f2c91e",
            "shop/1.4.3",
        ] {
            assert!(named.is(said), "{said}");
        }
        for said in ["", "1.4", "1.4.30", "11.4.3", "4f2c9", "4f2c91f", "v2"] {
            assert!(!named.is(said), "{said}");
        }
    }

    #[test]
    fn how_far_a_release_has_come_is_told() {
        let deployed = Named::new("v1.4.3", COMMIT, ["v1.4.3"]);
        let spread = |all: &[&str], deployed: Option<&Named>| {
            spread(&all.iter().map(|&said| said.to_owned()).collect(), deployed)
        };
        assert_eq!(spread(&[], Some(&deployed)), None);
        assert_eq!(spread(&["2"], None).unwrap(), "2 on the last answer");
        let mixed = spread(&["1.4.2", "1.4.3", "4f2c91e", "1.4.3"], Some(&deployed)).unwrap();
        assert_eq!(mixed, "v1.4.3 on 3 of the last 4 answers, 1.4.2 on 1; deployed: v1.4.3");
        let old = spread(&["1.4.2", "1.4.2"], Some(&deployed)).unwrap();
        assert_eq!(old, "1.4.2 on all of the last 2 answers; deployed: v1.4.3");
    }

    #[test]
    fn a_version_that_was_not_raised_tells_nothing() {
        let mut all = Versions::default();
        let old = Named::new("v1.4.2", "77b0d13f00000000000000000000000000000000", ["1.4.2"]);
        all.expect(Named::new("the fix", COMMIT, ["1.4.2"]), vec![old]);
        all.take(0, "1.4.2");
        assert_eq!((all.missing(), all.summary()), (None, None));
        all.take(0, "77b0d13f");
        assert_eq!(all.missing().unwrap(), "v1.4.2 still answers, not the fix");
    }

    #[test]
    fn what_was_deployed_has_to_be_what_answers_in_the_end() {
        let mut all = versions();
        assert_eq!((all.missing(), all.summary()), (None, None));
        // That of an API says nothing.
        all.take(0, "2");
        assert_eq!((all.missing(), all.summary()), (None, None));
        all.take(0, "1.4.2");
        assert_eq!(all.missing().unwrap(), "v1.4.2 still answers, not v1.4.3");
        for _ in 0..3 {
            all.take(0, "1.4.3");
        }
        assert_eq!(all.missing().unwrap(), "v1.4.3 is on 3 of the last 4 answers only; v1.4.2 answers, too");
        for _ in 0..7 {
            all.take(0, "1.4.3");
        }
        assert_eq!((all.missing(), all.summary().unwrap().as_str()), (None, "v1.4.3 on 10 of 11 answers"));
        all.take(1, "77b0d13");
        assert!(all.missing().is_some());
        all.forget();
        assert_eq!((all.missing(), all.summary()), (None, None));
    }
}
