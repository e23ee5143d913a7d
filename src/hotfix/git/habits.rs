//! How a repository is worked in, as far as git tells: its branches, its tags, and what the
//! `git flow` command was told when it was set up here.

use std::path::Path;

use super::super::version::{self, Tree, Version};
use super::{Reader, refs};
use crate::config::detect::{BranchFacts, GitFlow};

impl Reader {
    /// What git tells about how this repository is worked in.
    pub fn habits(&self) -> BranchFacts {
        let git_flow = self.git_flow();
        let develop = git_flow.as_ref().and_then(|names| names.develop.clone());
        let develop = develop.unwrap_or_else(|| "develop".to_owned());
        let remote = self.remote_name("");
        let has = |full: String| self.repo.find_reference(&full).is_ok();
        let has_develop = has(format!("refs/heads/{develop}"))
            || remote.as_ref().is_some_and(|remote| has(format!("refs/remotes/{remote}/{develop}")));
        BranchFacts {
            default_branch: self.default_branch(),
            has_develop,
            remote: self.remote_url(),
            tag_prefix: self.newest_tag().as_deref().and_then(tag_prefix).map(str::to_owned),
            versions: version::sources(&Files(self.root()), &[])
                .held
                .into_iter()
                .map(|held| held.target.path)
                .collect(),
            git_flow,
        }
    }

    /// The tag of the highest version.
    fn newest_tag(&self) -> Option<String> {
        let tags = self.repo.tag_names(None).ok()?;
        let names = tags.iter().filter_map(|name| name.ok().flatten());
        names.max_by(|a, b| refs::by_version(a, b)).map(str::to_owned)
    }

    /// What `git flow init` left in the configuration.
    fn git_flow(&self) -> Option<GitFlow> {
        let config = self.repo.config().ok()?.snapshot().ok()?;
        let read = |name: &str| config.get_string(&format!("gitflow.{name}")).ok();
        let main = read("branch.master")?;
        Some(GitFlow {
            main,
            develop: read("branch.develop"),
            prefix: read("prefix.hotfix"),
            release_prefix: read("prefix.release"),
            tag_prefix: read("prefix.versiontag"),
        })
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
    use super::*;
    use crate::hotfix::testing::TestRepo;

    #[test]
    fn habits_are_what_branches_tags_and_settings_tell() {
        let repo = TestRepo::new();
        repo.git(&["tag", "v1.10.0"]);
        let habits = |repo: &TestRepo| Reader::open(repo.root()).unwrap().habits();
        let found = habits(&repo);
        assert_eq!((found.default_branch.as_deref(), found.has_develop), (Some("main"), false));
        assert_eq!((found.tag_prefix.as_deref(), found.git_flow), (Some("v"), None));
        repo.git(&["branch", "next"]);
        for (name, value) in [
            ("branch.master", "main"),
            ("branch.develop", "next"),
            ("prefix.hotfix", "hot/"),
            ("prefix.versiontag", ""),
        ] {
            repo.git(&["config", &format!("gitflow.{name}"), value]);
        }
        let found = habits(&repo);
        let names = found.git_flow.unwrap();
        assert!(found.has_develop);
        assert_eq!((names.main.as_str(), names.develop.as_deref()), ("main", Some("next")));
        assert_eq!((names.prefix.as_deref(), names.tag_prefix.as_deref()), (Some("hot/"), Some("")));
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
