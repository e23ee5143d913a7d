//! How a repository is worked in, as far as git tells: its branches, its tags, and what the
//! `git flow` command was told when it was set up here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::super::version::{self, Tree};
use super::Reader;
use crate::config::detect::BranchFacts;
use crate::config::types::Hotfix;

/// Time for the tags: it is a suggestion that is made of them, and a start screen that waits for it.
const GLANCE: Duration = Duration::from_millis(100);

impl Reader {
    /// What git tells about how this repository is worked in.
    pub fn habits(&mut self) -> BranchFacts {
        let git_flow = self.git_flow(&Hotfix::default());
        let develop = git_flow.as_ref().and_then(|names| names.develop.clone());
        let develop = develop.unwrap_or_else(|| "develop".to_owned());
        let default_branch = self.default_branch();
        let tag_prefix = self.tag_prefix(default_branch.as_deref());
        BranchFacts {
            default_branch,
            develop: self.has_branch(&develop, ""),
            remote: self.remote_url(),
            tag_prefix,
            versions: version::sources(&Files(self.root()), &[])
                .held
                .into_iter()
                .map(|held| held.target.path)
                .collect(),
            git_flow,
        }
    }

    /// What the tags begin with that a branch reaches; `None`: it reaches none, and nobody says.
    fn tag_prefix(&mut self, branch: Option<&str>) -> Option<String> {
        let remote = self.remote_name("");
        let (_, commit) = self.base_at(branch?, remote.as_deref()).ok()??;
        let series = self.line(&Hotfix::default(), commit, &BTreeMap::new(), GLANCE).ok()?.series;
        let is_told = series.last.is_some() || self.prefix(&Hotfix::default()).is_some();
        is_told.then_some(series.prefix)
    }
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
    use super::*;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn habits_are_what_branches_tags_and_settings_tell() {
        let repo = TestRepo::new();
        repo.git(&["tag", "v1.10.0"]);
        let habits = |repo: &TestRepo| Reader::open(repo.root()).unwrap().habits();
        assert_eq!(habits(&repo).tag_prefix.as_deref(), Some("v"));
        for tag in ["1.10.1", "1.10.2", "1.10.3"] {
            repo.commit(tag);
            repo.git(&["tag", tag]);
        }
        let found = habits(&repo);
        assert_eq!((found.default_branch.as_deref(), found.develop), (Some("main"), None));
        assert_eq!((found.tag_prefix.as_deref(), found.git_flow), (Some(""), None));
        repo.git(&["branch", "next"]);
        for (name, value) in
            [("branch.master", "main"), ("branch.develop", "next"), ("prefix.hotfix", "hot/")]
        {
            repo.git(&["config", &format!("gitflow.{name}"), value]);
        }
        let found = habits(&repo);
        let names = found.git_flow.unwrap();
        assert_eq!(found.develop.as_deref(), Some("there is a branch next"));
        assert_eq!((names.main.as_deref(), names.develop.as_deref()), (Some("main"), Some("next")));
        assert_eq!(names.prefix.as_deref(), Some("hot/"));
        assert_eq!(names.release_prefix, None);
    }

    #[test]
    fn only_files_at_the_root_that_hold_the_version_are_told() {
        let repo = TestRepo::new();
        for (name, text) in [
            ("VERSION", "1.2.3\n"),
            ("package.json", "{"),
            ("Cargo.toml", "[package]\nversion = \"1.2.3\"\n"),
        ] {
            std::fs::write(repo.root().join(name), text).unwrap();
        }
        assert_eq!(Reader::open(repo.root()).unwrap().habits().versions, ["VERSION", "Cargo.toml"]);
    }
}
