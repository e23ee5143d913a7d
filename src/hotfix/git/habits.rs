//! How a repository is worked in, as far as git tells: its branches, its tags, and what the
//! `git flow` command was told when it was set up here.

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
            last_tag: self.newest_tag(),
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
        assert_eq!((found.last_tag.as_deref(), found.git_flow), (Some("v1.10.0"), None));
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
}
