//! How hotfixes are made here: what `git flow` was told, how tags begin, which files hold the
//! version.

use std::path::Path;

use super::BranchFacts;
use crate::config::check::is_branch;
use crate::config::types::Hotfix;
use crate::hotfix::version::{self, Tree, Version};

/// Names that are not the usual ones, and files that hold the version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habits {
    /// The branch of the next release.
    pub develop: Option<String>,
    /// How hotfix branches begin.
    pub prefix: Option<String>,
    /// How release branches begin.
    pub release_prefix: Option<String>,
    /// What tags of versions begin with.
    pub tag_prefix: Option<String>,
    /// Recognised files at the root that hold the version, without their locks.
    pub versions: Vec<String>,
}

/// Looks for what is not as it usually is.
pub(super) fn look(root: &Path, facts: &BranchFacts) -> Habits {
    let usual = Hotfix::default();
    let told = facts.git_flow.as_ref();
    let other = |told: Option<&String>, usual: &str, rest: &str| {
        let is_other = |name: &&String| *name != usual && !name.is_empty();
        told.filter(is_other).filter(|name| is_branch(&format!("{name}{rest}"))).cloned()
    };
    let tags = told.and_then(|told| told.tag_prefix.clone());
    let tags = tags.or_else(|| tag_prefix(facts.last_tag.as_deref()?).map(str::to_owned));
    let fits = |prefix: &String| *prefix != usual.tag_prefix && is_branch(&format!("{prefix}1"));
    let prefix = other(told.and_then(|told| told.prefix.as_ref()), &usual.prefix, "x");
    let release = other(told.and_then(|told| told.release_prefix.as_ref()), &usual.release_prefix, "x");
    let hotfixes = prefix.as_ref().unwrap_or(&usual.prefix);
    let releases = release.as_ref().unwrap_or(&usual.release_prefix);
    // Prefixes that cannot be told apart are of no use here.
    let apart = !hotfixes.starts_with(releases.as_str()) && !releases.starts_with(hotfixes.as_str());
    Habits {
        develop: other(told.and_then(|told| told.develop.as_ref()), &usual.develop, ""),
        prefix: prefix.filter(|_| apart),
        release_prefix: release.filter(|_| apart),
        tag_prefix: tags.filter(fits),
        versions: version::sources(&Files(root), &[]).held.into_iter().map(|held| held.target.path).collect(),
    }
}

/// What stands before the version in the name of a tag.
fn tag_prefix(tag: &str) -> Option<&str> {
    let start = tag.find(|c: char| c.is_ascii_digit())?;
    let (prefix, rest) = tag.split_at(start);
    (rest.contains('.') && Version::parse(rest).is_some()).then_some(prefix)
}

/// The files of a work tree.
struct Files<'a>(&'a Path);

impl Tree for Files<'_> {
    fn read(&self, path: &str) -> Option<Result<String, String>> {
        let bytes = crate::config::load::bytes(&self.0.join(path)).transpose()?;
        let text = bytes
            .map_err(|failure| failure.cause)
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned()));
        Some(text)
    }

    fn has(&self, path: &str) -> bool {
        self.0.join(path).is_file()
    }

    fn called(&self, _folder: &str, _name: &str) -> Vec<String> {
        // Only what lies at the root is looked for.
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::GitFlow;
    use super::*;

    #[test]
    fn only_what_is_not_as_usual_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("VERSION"), "1.2.3\n").unwrap();
        std::fs::write(dir.path().join("package.json"), "{").unwrap();
        std::fs::write(dir.path().join("Cargo.toml"), "[package]\nversion = \"1.2.3\"\n").unwrap();
        let usual = GitFlow {
            main: "main".into(),
            develop: Some("develop".into()),
            prefix: Some("hotfix/".into()),
            release_prefix: Some("release/".into()),
            tag_prefix: Some("v".into()),
        };
        let facts = BranchFacts { git_flow: Some(usual.clone()), ..BranchFacts::default() };
        let found = look(dir.path(), &facts);
        assert_eq!(found.versions, ["VERSION", "Cargo.toml"]);
        assert_eq!(found, Habits { versions: found.versions.clone(), ..Habits::default() });
        let own = GitFlow {
            develop: Some("next".into()),
            prefix: Some("--x".into()),
            tag_prefix: Some(String::new()),
            ..usual
        };
        let found = look(dir.path(), &BranchFacts { git_flow: Some(own), ..BranchFacts::default() });
        assert_eq!(
            (found.develop.as_deref(), found.prefix, found.tag_prefix.as_deref()),
            (Some("next"), None, Some(""))
        );
    }

    #[test]
    fn tags_tell_what_stands_before_a_version() {
        for (tag, prefix) in [
            ("v1.2.3", Some("v")),
            ("1.2.3", Some("")),
            ("release-1.2", Some("release-")),
            ("shop/v1.2.3-rc.1", Some("shop/v")),
            ("2026-11-20", None),
            ("nightly", None),
        ] {
            assert_eq!(tag_prefix(tag), prefix, "{tag}");
        }
    }
}
