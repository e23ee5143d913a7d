//! Tags that versions go out as: which of them belong together, and whether one may come after
//! another.

use super::Version;

/// The first numbers that are taken for years, of versions that are dates.
const YEARS: std::ops::RangeInclusive<u64> = 1990..=2999;

/// The tags of versions here, as far as the branch in production reaches them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Series {
    /// What its tags begin with, before the version.
    pub prefix: String,
    /// The tag of the highest version among the newest.
    pub last: Option<String>,
    /// A newer tag of another series; where the series has none, the newest of any other.
    pub other: Option<String>,
    /// The tags were not found in time.
    pub late: bool,
}

impl Series {
    /// The tag that a version goes out as.
    pub fn tag(&self, version: &str) -> String {
        format!("{}{version}", self.prefix)
    }

    /// The version of a tag; `None`: it is of another series, or of none.
    pub fn version(&self, tag: &str) -> Option<Version> {
        of_series(tag, &self.prefix)
    }

    /// The version of the last tag.
    pub fn last_version(&self) -> Option<Version> {
        self.version(self.last.as_deref()?)
    }

    /// Why a new tag is not one that would be expected next, in one line; `None`: it is. Versions
    /// that are taken by other tags may be left out, and a newer one of the same line is known wherever it
    /// is: nobody who has that takes this one for an update.
    pub fn doubt<'a>(&self, tag: &str, taken: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if self.late {
            return Some(format!("the last tag was not found in time: nothing tells whether {tag} is next"));
        }
        if let Some(other) = &self.other {
            return Some(format!("{tag} is of another series than the last tag, {other}"));
        }
        let last = self.last.as_deref()?;
        let (Some(old), Some(new)) = (self.version(last), self.version(tag)) else {
            return Some(format!("{tag} is of another series than the last tag, {last}"));
        };
        if new <= old {
            return Some(format!("{tag} is not newer than the last tag, {last}"));
        }
        let taken = taken.into_iter().filter_map(|tag| Some((tag, self.version(tag)?)));
        let newer: Vec<(&str, Version)> = taken.filter(|(_, taken)| *taken > old).collect();
        let ahead = newer.iter().filter(|(_, taken)| *taken > new && is_of_line(taken, &new));
        if let Some((ahead, _)) = ahead.max_by(|(_, one), (_, other)| one.cmp(other)) {
            return Some(format!("{tag} is a step back: {ahead} is there, which the base does not hold"));
        }
        let mut between = newer.into_iter().map(|(_, taken)| taken);
        if follows(&old, &new) || between.any(|taken| taken < new && follows(&taken, &new)) {
            return None;
        }
        Some(format!("{tag} is more than one step after the last tag, {last}"))
    }
}

/// The version of a tag that begins with a prefix; `None`: it is of another series.
pub fn of_series(tag: &str, prefix: &str) -> Option<Version> {
    let rest = tag.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))?;
    Version::parse(rest)
}

/// What stands before the version in a tag, and that; `None`: it is the tag of no version.
pub fn split(tag: &str) -> Option<(&str, Version)> {
    let starts = tag.char_indices().filter(|(at, c)| {
        let before = tag.get(..*at).and_then(|before| before.chars().next_back());
        c.is_ascii_digit() && !before.is_some_and(|before| before.is_ascii_digit() || before == '.')
    });
    for (at, _) in starts {
        let (prefix, rest) = tag.split_at(at);
        // One number alone is a date, a build, or a tag that is moved.
        if let Some(version) = Version::parse(rest).filter(|version| version.core().len() > 1) {
            return Some((prefix, version));
        }
    }
    None
}

/// What most of some tags begin with, newest first, and a tag that speaks against it: a newer one
/// that begins otherwise, or any where no more than half begin alike. `None`: none is that of a
/// version.
pub fn usual<'a>(tags: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    let found: Vec<(&str, &str)> = tags.iter().filter_map(|tag| Some((split(tag)?.0, *tag))).collect();
    let (newest, newest_tag) = *found.first()?;
    let alike = |prefix: &str| found.iter().filter(|(other, _)| *other == prefix).count();
    let most = found.iter().map(|(prefix, _)| *prefix).find(|prefix| alike(prefix) * 2 > found.len());
    Some(match most {
        Some(most) => (most, Some(newest_tag).filter(|_| most != newest)),
        None => (newest, found.iter().find(|(prefix, _)| *prefix != newest).map(|(_, tag)| *tag)),
    })
}

/// The tag of the highest version of a series.
pub fn highest<'a>(tags: impl IntoIterator<Item = &'a str>, prefix: &str) -> Option<&'a str> {
    let versions = tags.into_iter().filter_map(|tag| Some((of_series(tag, prefix)?, tag)));
    versions.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, tag)| tag)
}

/// Tells whether a version differs from a new one in nothing that stands before its last number: `1.2.9` is of
/// the line of `1.2.4`.
fn is_of_line(version: &Version, new: &Version) -> bool {
    let at = |version: &Version, index: usize| version.core().get(index).copied().unwrap_or(0);
    (0..new.core().len().saturating_sub(1)).all(|index| at(version, index) == at(new, index))
}

/// Tells whether a newer version is one step after an older one: its first other number is one more,
/// and all after that are 0. Of dates any step is one.
fn follows(old: &Version, new: &Version) -> bool {
    let at = |version: &Version, index: usize| version.core().get(index).copied().unwrap_or(0);
    let most = old.core().len().max(new.core().len());
    let Some(first) = (0..most).find(|index| at(old, *index) != at(new, *index)) else {
        // The release of a pre-release, or another pre-release of it.
        return true;
    };
    let is_date = YEARS.contains(&at(old, 0)) && YEARS.contains(&at(new, 0));
    let is_next = at(old, first).checked_add(1) == Some(at(new, first));
    is_date || (is_next && (first + 1..most).all(|index| at(new, index) == 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(prefix: &str, last: &str) -> Series {
        Series { prefix: prefix.into(), last: Some(last.into()), ..Series::default() }
    }

    #[test]
    fn a_tag_is_taken_apart_where_its_version_begins() {
        for (tag, prefix) in [
            ("v1.2.3", Some("v")),
            ("1.2.3", Some("")),
            ("release-1.2", Some("release-")),
            ("shop/v1.2.3-rc.1", Some("shop/v")),
            ("log4j-2.17.0", Some("log4j-")),
            ("python3-1.2.3", Some("python3-")),
            ("2026.11.20", Some("")),
            ("1.37.0+k3s1", Some("")),
            ("2026-11-20", None),
            ("build-123", None),
            ("v1", None),
            ("nightly", None),
            ("", None),
            ("é1.2", Some("é")),
        ] {
            assert_eq!(split(tag).map(|(prefix, _)| prefix), prefix, "{tag}");
        }
        assert!(of_series("v9.0.0", "").is_none(), "of the series v");
        assert!(of_series("api-v1.4.0", "v").is_none());
        assert!(of_series("v1.4.0", "v").is_some());
    }

    #[test]
    fn most_tags_say_what_they_begin_with() {
        for (tags, wanted) in [
            (&["1.2.3", "1.2.0", "1.1.0", "v1.0.1", "1.0.0"][..], Some(("", None))),
            (&["v1.2.3"], Some(("v", None))),
            (&["nightly", "v1.2.3", "build-7"], Some(("v", None))),
            (&["web-v9.0.0", "api-v1.4.0", "api-v1.3.9"], Some(("api-v", Some("web-v9.0.0")))),
            (&["web-v9.0.0", "api-v1.4.0"], Some(("web-v", Some("api-v1.4.0")))),
            (&["1.0.1", "v1.0.0"], Some(("", Some("v1.0.0")))),
            (&["nightly"], None),
            (&[], None),
        ] {
            assert_eq!(usual(tags), wanted, "{tags:?}");
        }
    }

    #[test]
    fn a_tag_that_does_not_come_next_is_doubted() {
        for (last, tag) in [
            ("v1.2.3", "v1.2.4"),
            ("v1.2.3", "v1.3.0"),
            ("v1.2.3", "v2.0.0"),
            ("v1.2", "v1.2.1"),
            ("v1.2.3", "v1.2.3.1"),
            ("v1.2.3-rc.1", "v1.2.3"),
            ("v1.2.3-rc.1", "v1.2.3-rc.4"),
            ("v1.2.3", "v1.2.4-rc.1"),
            ("v2026.11.20", "v2026.12.3"),
        ] {
            assert_eq!(series("v", last).doubt(tag, []), None, "{last} → {tag}");
        }
        for (last, tag, why) in [
            ("v2.55.0", "v0.1.1", "not newer than the last tag, v2.55.0"),
            ("v1.2.3", "v1.2.3", "not newer"),
            ("v1.2.3", "v1.2.3-rc.1", "not newer"),
            ("v1.2.3", "v1.2.5", "more than one step after the last tag, v1.2.3"),
            ("v1.2.3", "v1.4.0", "more than one step"),
            ("v1.2.3", "v1.3.1", "more than one step"),
            ("v1.2.3", "v9.0.1", "more than one step"),
            ("v1.2.3", "v2026.1.1", "more than one step"),
            ("v1.2.3", "1.2.4", "another series"),
        ] {
            let doubt = series("v", last).doubt(tag, []).unwrap_or_else(|| panic!("{last} → {tag}"));
            assert!(doubt.contains(why), "{doubt}");
        }
        assert_eq!(series("v", "v1.2.3").doubt("v1.2.5", ["v1.2.4", "api-v1.2.4"]), None, "1.2.4 is taken");
        assert!(series("v", "v1.2.3").doubt("v1.2.5", ["1.2.4", "v1.2.2"]).is_some());
        let ahead = series("v", "v1.2.3").doubt("v1.2.4", ["v1.2.5", "v1.2.9", "v1.3.0"]).unwrap();
        assert!(ahead.starts_with("v1.2.4 is a step back: v1.2.9 is there"), "{ahead}");
        for other in ["v1.3.0", "v2.0.0", "1.2.9", "v1.2.4-rc.1", "v1.2.2"] {
            assert_eq!(series("v", "v1.2.3").doubt("v1.2.4", [other]), None, "{other} is of another line");
        }
        assert_eq!(Series { prefix: "v".into(), ..Series::default() }.doubt("v0.1.0", []), None, "the first");
        let other = Series { prefix: "api-v".into(), other: Some("v9.0.0".into()), ..Series::default() };
        assert!(other.doubt("api-v1.0.0", []).unwrap().contains("than the last tag, v9.0.0"));
        let late = Series { late: true, ..series("v", "v1.2.3") };
        assert!(late.doubt("v1.2.4", []).unwrap().contains("not found in time"));
    }

    fn version() -> impl Strategy<Value = String> {
        let numbers = proptest::collection::vec(0_u64..4, 1..=4);
        let words = proptest::sample::select(vec![
            "", "-rc.1", "-rc.2", "-rc.10", "-alpha", "-alpha.1", "+7", "-1+x",
        ]);
        (numbers, words).prop_map(|(numbers, word)| {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("{}{word}", numbers.join("."))
        })
    }

    proptest! {
        #[test]
        fn versions_have_one_order(a in version(), b in version(), c in version()) {
            let [a, b, c] = [a, b, c].map(|text| Version::parse(&text).unwrap());
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            prop_assert!(!(a <= b && b <= c) || a <= c);
        }

        #[test]
        fn a_next_patch_is_newer_and_never_doubted(text in version()) {
            let version = Version::parse(&text).unwrap();
            if let Ok(next) = version.next_patch() {
                prop_assert!(Version::parse(&next).unwrap() > version);
                prop_assert_eq!(series("v", &format!("v{text}")).doubt(&format!("v{next}"), []), None);
            }
        }

        #[test]
        fn a_tag_that_is_not_newer_is_always_doubted(a in version(), b in version()) {
            let (old, new) = (Version::parse(&a).unwrap(), Version::parse(&b).unwrap());
            let doubt = series("v", &format!("v{a}")).doubt(&format!("v{b}"), []);
            prop_assert!(new > old || doubt.is_some(), "{} → {}", a, b);
        }

        #[test]
        fn what_is_taken_apart_is_of_its_own_series_only(prefix in "[a-z]{0,3}[-/v]?", text in version()) {
            let tag = format!("{prefix}{text}");
            if let Some((found, version)) = split(&tag) {
                prop_assert_eq!(found, prefix.as_str());
                prop_assert_eq!(of_series(&tag, found), Some(version));
                prop_assert!(of_series(&tag, "other-").is_none());
                prop_assert!(prefix.is_empty() || of_series(&tag, "").is_none());
            }
        }

        #[test]
        fn any_text_is_taken_apart_without_harm(text in ".{0,24}") {
            let _ = split(&text);
            let _ = series("v", "v1.2.3").doubt(&text, [text.as_str()]);
        }
    }
}
