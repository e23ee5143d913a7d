//! How hotfixes are made here: what `git flow` was told, how tags begin, which files hold the
//! version.

use super::{BranchFacts, GitFlow};
use crate::config::check::is_branch;
use crate::config::types::Hotfix;

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

/// Looks for names that are not as they usually are, and for how tags begin.
pub(super) fn look(facts: &BranchFacts) -> Habits {
    let fits = |prefix: &String| is_branch(&format!("{prefix}1"));
    let names = facts.git_flow.as_ref().map(|told| names_told(told, &Hotfix::default())).unwrap_or_default();
    Habits { tag_prefix: facts.tag_prefix.clone().filter(fits), versions: facts.versions.clone(), ..names }
}

/// The names that `git flow` was told, as far as they can be used beside those that are written down and
/// are not the same anyway.
pub fn names_told(told: &GitFlow, usual: &Hotfix) -> Habits {
    let other = |told: Option<&String>, usual: &str, rest: &str| {
        let is_other = |name: &&String| *name != usual && !name.is_empty();
        told.filter(is_other).filter(|name| is_branch(&format!("{name}{rest}"))).cloned()
    };
    let prefix = other(told.prefix.as_ref(), &usual.prefix, "x");
    let release = other(told.release_prefix.as_ref(), &usual.release_prefix, "x");
    let hotfixes = prefix.as_ref().unwrap_or(&usual.prefix);
    let releases = release.as_ref().unwrap_or(&usual.release_prefix);
    // Prefixes that cannot be told apart are of no use here.
    let apart = !hotfixes.starts_with(releases.as_str()) && !releases.starts_with(hotfixes.as_str());
    Habits {
        develop: other(told.develop.as_ref(), &usual.develop, ""),
        prefix: prefix.filter(|_| apart),
        release_prefix: release.filter(|_| apart),
        ..Habits::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_where_they_are_not_as_usual_and_tags_in_any_case() {
        let usual = GitFlow {
            flow: Some(crate::config::types::Flow::GitFlow),
            main: Some("main".into()),
            develop: Some("develop".into()),
            prefix: Some("hotfix/".into()),
            release_prefix: Some("release/".into()),
        };
        let versions = vec!["VERSION".to_owned()];
        let facts = BranchFacts {
            git_flow: Some(usual.clone()),
            tag_prefix: Some("v".into()),
            versions,
            ..BranchFacts::default()
        };
        let found = look(&facts);
        assert_eq!(found.versions, ["VERSION"]);
        let tag_prefix = Some("v".to_owned());
        assert_eq!(found, Habits { tag_prefix, versions: found.versions.clone(), ..Habits::default() });
        let own = GitFlow { develop: Some("next".into()), prefix: Some("--x".into()), ..usual };
        let tag_prefix = Some(String::new());
        let found = look(&BranchFacts { git_flow: Some(own), tag_prefix, ..BranchFacts::default() });
        assert_eq!(
            (found.develop.as_deref(), found.prefix, found.tag_prefix.as_deref()),
            (Some("next"), None, Some(""))
        );
    }
}
