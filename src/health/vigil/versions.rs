//! Whether what was deployed is what answers: the versions that answers name, beside those of the releases that
//! are known. Pure.
//!
//! An answer may name several: the one that tells most, of those that name a known release, counts. What names none
//! may be the version of an API or of anything else, and says nothing; but where it has the form of a release, and no
//! answer names the one that was deployed, something else answers.

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
        let is_commit = |part: &str| {
            let part = part.strip_prefix('g').unwrap_or(part);
            part.len() >= SHORT && self.commit.starts_with(&part.to_ascii_lowercase())
        };
        parts(said).any(|part| {
            let name = plain(part);
            // .NET counts four numbers.
            let short = name.strip_suffix(".0").filter(|name| name.matches('.').count() == 2);
            let is_name = |known: &String| known == name || short == Some(known.as_str());
            // `git describe` and many builds put the commit behind it.
            part.split('-').any(is_commit) || self.names.iter().any(is_name)
        })
    }

    /// Tells whether this has the form of what names this release, and would name it if it were the one.
    fn is_like(&self, said: &str) -> bool {
        let is_version =
            |name: &str| name.starts_with(|c: char| c.is_ascii_digit()) && name.matches('.').count() >= 2;
        let has_version = self.names.iter().any(|name| is_version(name));
        parts(said).any(|part| {
            let is_hex = part.chars().all(|c| c.is_ascii_hexdigit());
            let has_both = part.contains(|c: char| c.is_ascii_digit()) && part.contains(char::is_alphabetic);
            let is_commit = is_hex && has_both && part.len() >= SHORT;
            is_commit && !self.commit.is_empty() || has_version && is_version(plain(part))
        })
    }
}

/// What is said, whole and in words.
fn parts(said: &str) -> impl Iterator<Item = &str> {
    let words = said.split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-' || c == '_'));
    [said.trim()].into_iter().chain(words)
}

/// What people call a version that is named so: not by its commit, where there is another name.
pub fn called(named: &[String]) -> Option<&str> {
    let is_commit = |name: &&String| name.len() >= SHORT && name.chars().all(|c| c.is_ascii_hexdigit());
    named.iter().find(|name| !is_commit(name)).or(named.first()).map(String::as_str)
}

/// What the last answers of a probe name as their version, beside what was deployed: `v1.4.3 on 3 of the last 4
/// answers, 1.4.2 on 1; deployed: v1.4.3`. `None`: they name none.
pub fn spread(said: &VecDeque<Vec<String>>, deployed: Option<&Named>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for named in said {
        let deployed = deployed.filter(|release| named.iter().any(|name| release.is(name)));
        let Some(called) = deployed.map(|it| it.called.as_str()).or(called(named)) else { continue };
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

/// What an answer names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// What was deployed.
    New,
    /// One of those that were there before.
    Old(usize),
    /// Something that has the form of a release, and is none that is known.
    Other(String),
}

/// What the answers to a watch say of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    deployed: Option<Named>,
    before: Vec<Named>,
    /// Names that tell nothing, as two releases have them.
    shared: Vec<String>,
    /// Of each probe, what its last answers name.
    last: Vec<VecDeque<Said>>,
    seen: u64,
    all: u64,
}

impl Versions {
    pub(super) fn expect(&mut self, mut deployed: Named, mut before: Vec<Named>) {
        // A name that two of them share tells neither.
        let shared = deployed.names.iter().filter(|name| before.iter().any(|old| old.names.contains(name)));
        self.shared = shared.cloned().collect();
        for release in std::iter::once(&mut deployed).chain(&mut before) {
            release.names.retain(|name| !self.shared.contains(name));
        }
        self.deployed = Some(deployed);
        self.before = before;
    }

    /// Forgets what answered while it took effect.
    pub(super) fn forget(&mut self) {
        self.last.clear();
        (self.seen, self.all) = (0, 0);
    }

    /// Takes what an answer of the probe with this index names as its version, what tells most first.
    pub(super) fn take(&mut self, probe: usize, named: &[String]) {
        let Some(said) = self.said(named) else { return };
        if self.last.len() <= probe {
            self.last.resize(probe + 1, VecDeque::new());
        }
        if !matches!(said, Said::Other(_)) {
            self.all += 1;
            self.seen += u64::from(said == Said::New);
        }
        if let Some(last) = self.last.get_mut(probe) {
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(said);
        }
    }

    fn said(&self, named: &[String]) -> Option<Said> {
        let deployed = self.deployed.as_ref()?;
        let known = named.iter().find_map(|name| {
            let old = || self.before.iter().position(|release| release.is(name)).map(Said::Old);
            if deployed.is(name) { Some(Said::New) } else { old() }
        });
        known.or_else(|| {
            let is_shared =
                |name: &str| parts(name).any(|part| self.shared.iter().any(|it| it == plain(part)));
            let mut others = named.iter().filter(|name| deployed.is_like(name) && !is_shared(name));
            others.next().cloned().map(Said::Other)
        })
    }

    /// Why it is not known that what was deployed is what answers; `None`: it is, or nobody says.
    pub(super) fn missing(&self) -> Option<String> {
        let deployed = self.deployed.as_ref()?;
        let is_seen = self.last.iter().flatten().any(|said| *said == Said::New);
        let called = visible(&deployed.called);
        self.last.iter().find_map(|last| {
            let new = last.iter().filter(|said| **said == Said::New).count();
            let old = last.iter().rev().find_map(|said| match said {
                Said::Old(old) => self.before.get(*old).map(|old| old.called.as_str()),
                Said::New | Said::Other(_) => None,
            });
            // What only ever names something unknown is another service, where this one is seen elsewhere.
            let other = last.iter().rev().find_map(|said| match said {
                Said::Other(other) if new > 0 || !is_seen => Some(other.as_str()),
                _ => None,
            });
            let wrong = visible(old.or(other)?);
            Some(match new {
                0 if old.is_none() => format!("{wrong} answers, which is no release on record, not {called}"),
                0 => format!("{wrong} still answers, not {called}"),
                _ => {
                    let all = last.len();
                    format!("{called} is on {new} of the last {all} answers only; {wrong} answers, too")
                }
            })
        })
    }

    /// Whether something was deployed that no answer names.
    pub(super) fn is_unseen(&self) -> bool {
        self.deployed.is_some() && self.seen == 0
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
            spread(&all.iter().map(|&said| vec![said.to_owned()]).collect(), deployed)
        };
        assert_eq!(spread(&[], Some(&deployed)), None);
        assert_eq!(spread(&["2"], None).unwrap(), "2 on the last answer");
        let mixed = spread(&["1.4.2", "1.4.3", "4f2c91e", "1.4.3"], Some(&deployed)).unwrap();
        assert_eq!(mixed, "v1.4.3 on 3 of the last 4 answers, 1.4.2 on 1; deployed: v1.4.3");
        let old = spread(&["1.4.2", "1.4.2"], Some(&deployed)).unwrap();
        assert_eq!(old, "1.4.2 on all of the last 2 answers; deployed: v1.4.3");
    }

    fn take(all: &mut Versions, probe: usize, named: &[&str]) {
        all.take(probe, &named.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn a_version_that_was_not_raised_tells_nothing() {
        let mut all = Versions::default();
        let old = Named::new("v1.4.2", "77b0d13f00000000000000000000000000000000", ["1.4.2"]);
        all.expect(Named::new("the fix", COMMIT, ["1.4.2"]), vec![old]);
        take(&mut all, 0, &["1.4.2"]);
        assert_eq!((all.missing(), all.summary(), all.is_unseen()), (None, None, true));
        take(&mut all, 0, &["77b0d13f"]);
        assert_eq!(all.missing().unwrap(), "v1.4.2 still answers, not the fix");
    }

    #[test]
    fn what_was_deployed_has_to_be_what_answers_in_the_end() {
        let mut all = versions();
        assert_eq!((all.missing(), all.summary(), all.is_unseen()), (None, None, true));
        // That of an API says nothing.
        take(&mut all, 0, &["2"]);
        assert_eq!((all.missing(), all.summary(), all.is_unseen()), (None, None, true));
        take(&mut all, 0, &["1.4.2"]);
        assert_eq!(all.missing().unwrap(), "v1.4.2 still answers, not v1.4.3");
        for _ in 0..3 {
            take(&mut all, 0, &["1.4.3"]);
        }
        assert_eq!(all.missing().unwrap(), "v1.4.3 is on 3 of the last 4 answers only; v1.4.2 answers, too");
        for _ in 0..7 {
            take(&mut all, 0, &["1.4.3"]);
        }
        assert_eq!((all.missing(), all.summary().unwrap().as_str()), (None, "v1.4.3 on 10 of 11 answers"));
        take(&mut all, 1, &["77b0d13"]);
        assert!(all.missing().is_some());
        all.forget();
        assert_eq!((all.missing(), all.summary(), all.is_unseen()), (None, None, true));
    }

    #[test]
    fn of_several_names_the_one_that_tells_most_counts() {
        // The release behind an API whose version stays, and a commit beside a version that was not raised.
        for named in [&["1.4.2", "1"][..], &["77b0d13f", "1.4.3"], &["1.4.2", "1.4.3"]] {
            let mut all = versions();
            take(&mut all, 0, named);
            assert_eq!(all.missing().unwrap(), "v1.4.2 still answers, not v1.4.3", "{named:?}");
        }
        for named in [&["1.4.3", "1"][..], &["4f2c91e", "1.4.2"], &["7c0ffee7", "1.4.3"]] {
            let mut all = versions();
            take(&mut all, 0, named);
            assert_eq!(all.missing(), None, "{named:?}");
        }
    }

    #[test]
    fn a_release_that_nobody_knows_is_not_what_was_deployed() {
        for other in ["1.4.1", "v1.4.1-rc2", "77b0d13a", "shop 1.3.9"] {
            let mut all = versions();
            take(&mut all, 0, &[other]);
            let missing = all.missing().unwrap();
            assert_eq!(missing, format!("{other} answers, which is no release on record, not v1.4.3"));
            // Where another probe sees what was deployed, this is another service.
            take(&mut all, 1, &["1.4.3"]);
            assert_eq!(all.missing(), None, "{other}");
            // Unless both answer in one place.
            take(&mut all, 1, &[other]);
            assert!(all.missing().unwrap().ends_with(&format!("; {other} answers, too")), "{other}");
        }
        for nothing in ["2", "2.0", "main", "20261129", "production"] {
            let mut all = versions();
            take(&mut all, 0, &[nothing]);
            assert_eq!(all.missing(), None, "{nothing}");
        }
        for said in ["1.4.3.0", "1.4.3-4f2c91e-dirty", "v1.4.2-5-g4f2c91e"] {
            let mut all = versions();
            take(&mut all, 0, &[said]);
            assert_eq!((all.missing(), all.seen), (None, 1), "{said}");
        }
    }

    #[test]
    fn people_call_a_version_by_its_name() {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(called(&named(&["4f2c91e0", "1.4.3"])), Some("1.4.3"));
        assert_eq!(called(&named(&["4f2c91e0"])), Some("4f2c91e0"));
        assert_eq!(called(&[]), None);
    }
}
