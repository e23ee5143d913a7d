//! How hotfixes are made here where the file leaves it out: what the branch was started with, what
//! `git flow` was told, and which branches there are. Reads refs and settings, and runs nothing.

use git2::ConfigLevel;

use super::Reader;
use crate::config::detect::{GitFlow, names_told};
use crate::config::types::{Config, FLOW_SETTING, Flow, FlowFrom, Hotfix};

impl Reader {
    /// A configuration with what it leaves out about hotfixes as it was found here.
    #[must_use]
    pub fn configured(&self, config: Config) -> Config {
        Config { hotfix: self.hotfix_here(&config.hotfix), ..config }
    }

    /// How hotfixes are made here: as the file says, and what it leaves out as it was found. What was
    /// chosen when the current branch was started comes before all of it.
    #[must_use]
    pub fn hotfix_here(&self, written: &Hotfix) -> Hotfix {
        let mut hotfix = written.clone();
        let told = self.git_flow();
        if let Some(told) = &told {
            let names = names_told(told, written);
            let left_out = |key: &str| !written.written.contains(key);
            let mut fill = |key: &str, value: Option<String>, into: fn(&mut Hotfix) -> &mut String| {
                if let Some(value) = value.filter(|_| left_out(key)) {
                    *into(&mut hotfix) = value;
                }
            };
            fill("develop", names.develop, |hotfix| &mut hotfix.develop);
            fill("prefix", names.prefix, |hotfix| &mut hotfix.prefix);
            fill("release_prefix", names.release_prefix, |hotfix| &mut hotfix.release_prefix);
            let base = told.main.clone().filter(|name| self.has_branch(name, &written.remote).is_some());
            fill("base", base, |hotfix| &mut hotfix.base);
        }
        if hotfix.flow_from == FlowFrom::Usual {
            let develop = || self.has_branch(&hotfix.develop, &written.remote);
            if let Some(told) = told {
                (hotfix.flow, hotfix.flow_from) = (told.flow(), FlowFrom::GitFlowSettings);
            } else if let Some(branch) = develop() {
                (hotfix.flow, hotfix.flow_from) = (Flow::GitFlow, FlowFrom::Branch(branch));
            }
        }
        if let Some(flow) = self.flow_at_start() {
            let otherwise = Box::new((hotfix.flow, hotfix.flow_from));
            (hotfix.flow, hotfix.flow_from) = (flow, FlowFrom::Start(otherwise));
        }
        hotfix
    }

    /// The flow that the current branch was started with, where one was chosen for it.
    fn flow_at_start(&self) -> Option<Flow> {
        // Of a branch that has no commit yet there is nothing to finish.
        let head = self.repo.head().ok()?;
        let name = std::str::from_utf8(head.name_bytes()).ok()?.strip_prefix("refs/heads/")?;
        let config = self.repo.config().ok()?.snapshot().ok()?;
        let value = config.get_string(&format!("branch.{name}.{FLOW_SETTING}")).ok()?;
        Flow::parse(&value)
    }

    /// Where a branch is that a flow needs: `origin has develop`. The remote's counts; where there is no
    /// remote, the one here.
    pub(super) fn has_branch(&self, name: &str, remote: &str) -> Option<String> {
        let has = |full: String| self.repo.find_reference(&full).is_ok();
        match self.remote_name(remote) {
            Some(remote) => {
                has(format!("refs/remotes/{remote}/{name}")).then(|| format!("{remote} has {name}"))
            }
            None => has(format!("refs/heads/{name}")).then(|| format!("there is a branch {name}")),
        }
    }

    /// What `git flow init` left in the settings of this repository. Those of the user for all
    /// repositories say nothing about this one.
    pub(super) fn git_flow(&self) -> Option<GitFlow> {
        let config = self.repo.config().ok()?.snapshot().ok()?;
        let mut entries = config.entries(Some("^gitflow\\.(branch|prefix)\\.")).ok()?;
        let (mut is_set_up, mut bases, mut is_next) = (false, Vec::new(), false);
        while let Some(entry) = entries.next() {
            let entry = entry.ok()?;
            is_set_up |= matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree);
            let name = entry.name().ok().and_then(|name| name.strip_prefix("gitflow.branch."));
            let Some(name) = name.and_then(|name| name.strip_suffix(".type")) else { continue };
            is_next = true;
            if entry.value().is_ok_and(|value| value.eq_ignore_ascii_case("base")) {
                bases.push(name.to_owned());
            }
        }
        let read = |name: &str| {
            config.get_string(&format!("gitflow.{name}")).ok().filter(|value| !value.trim().is_empty())
        };
        if !is_set_up {
            return None;
        }
        if !is_next {
            return Some(GitFlow {
                is_git_flow: true,
                main: read("branch.master"),
                develop: read("branch.develop"),
                prefix: read("prefix.hotfix"),
                release_prefix: read("prefix.release"),
            });
        }
        // git-flow-next names each branch and what it comes from. The branch of the next release is the
        // one that what is finished into production is brought back into by itself.
        let main = read("branch.hotfix.parent");
        let follows = |base: &&String| {
            read(&format!("branch.{base}.parent")) == main
                && config.get_bool(&format!("gitflow.branch.{base}.autoupdate")).unwrap_or(false)
        };
        let develop = main.as_ref().and_then(|_| bases.iter().find(follows).cloned());
        Some(GitFlow {
            is_git_flow: develop.is_some(),
            main,
            develop,
            prefix: read("branch.hotfix.prefix"),
            release_prefix: read("branch.release.prefix"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::parse;
    use crate::hotfix::testing::TestRepo;

    fn here(repo: &TestRepo, file: &str) -> Hotfix {
        let config = parse(file.as_bytes()).unwrap();
        Reader::open(repo.root()).unwrap().configured(config).hotfix
    }

    fn line(repo: &TestRepo, file: &str) -> String {
        here(repo, file).flow_line()
    }

    #[test]
    fn develop_at_the_remote_makes_it_git_flow_and_one_of_ones_own_does_not() {
        let repo = TestRepo::new();
        assert_eq!(line(&repo, ""), "GitHub flow: the default");
        repo.git(&["branch", "develop"]);
        assert_eq!(line(&repo, ""), "git flow: there is a branch develop");
        repo.with_origin();
        assert_eq!(line(&repo, ""), "GitHub flow: the default");
        repo.git(&["push", "-q", "origin", "develop"]);
        repo.git(&["branch", "-D", "develop"]);
        assert_eq!(line(&repo, ""), "git flow: origin has develop");
        // What the file says comes first, and what it does not say is found out.
        assert_eq!(line(&repo, "[hotfix]\nflow = \"github-flow\"\n"), "GitHub flow: from flightdeck.toml");
        assert_eq!(line(&repo, "[hotfix]\nprefix = \"fix/\"\n"), "git flow: origin has develop");
        assert_eq!(
            line(&repo, "[hotfix]\ndevelop = \"next\"\n"),
            "GitHub flow: the default",
            "the file names another branch"
        );
    }

    #[test]
    fn what_git_flow_was_told_is_used_where_the_file_leaves_it_out() {
        let repo = TestRepo::new();
        repo.git(&["branch", "live"]);
        for (name, value) in [
            ("branch.master", "live"),
            ("branch.develop", "next"),
            ("prefix.hotfix", "hot/"),
            ("prefix.release", "rel/"),
        ] {
            repo.git(&["config", &format!("gitflow.{name}"), value]);
        }
        let found = here(&repo, "");
        assert_eq!(found.flow_line(), "git flow: gitflow.* in the git settings here");
        let names = [&found.base, &found.develop, &found.prefix, &found.release_prefix];
        assert_eq!(names, ["live", "next", "hot/", "rel/"]);
        let found = here(&repo, "[hotfix]\nprefix = \"hotfix/\"\nbase = \"main\"\n");
        assert_eq!([&found.base, &found.develop, &found.prefix], ["main", "next", "hotfix/"]);
        // One that git would not take, or that is not there, is not used.
        repo.git(&["config", "gitflow.prefix.hotfix", "-x y"]);
        repo.git(&["config", "gitflow.branch.master", "gone"]);
        let found = here(&repo, "");
        assert_eq!([&found.base, &found.prefix], ["", "hotfix/"]);
    }

    #[test]
    fn git_flow_next_says_for_each_branch_what_it_comes_from() {
        let set = |repo: &TestRepo, settings: &[(&str, &str)]| {
            for (name, value) in settings {
                repo.git(&["config", &format!("gitflow.branch.{name}"), value]);
            }
        };
        let classic = TestRepo::new();
        set(
            &classic,
            &[
                ("main.type", "base"),
                ("Next.type", "base"),
                ("Next.parent", "main"),
                ("Next.autoUpdate", "true"),
                ("release.type", "topic"),
                ("release.prefix", "rel/"),
                ("hotfix.type", "topic"),
                ("hotfix.parent", "main"),
                ("hotfix.prefix", "hot_"),
            ],
        );
        let found = here(&classic, "");
        assert_eq!(found.flow_line(), "git flow: gitflow.* in the git settings here");
        let names = [&found.base, &found.develop, &found.prefix, &found.release_prefix];
        assert_eq!(names, ["main", "Next", "hot_", "rel/"]);
        // GitLab flow: `staging` and `main` are before production, and take nothing back from it.
        let gitlab = TestRepo::new();
        gitlab.git(&["branch", "production"]);
        gitlab.git(&["branch", "develop"]);
        set(
            &gitlab,
            &[
                ("production.type", "base"),
                ("main.type", "base"),
                ("main.parent", "production"),
                ("hotfix.type", "topic"),
                ("hotfix.parent", "production"),
                ("hotfix.prefix", "fix/"),
            ],
        );
        let found = here(&gitlab, "");
        assert_eq!(found.flow_line(), "GitHub flow: gitflow.* in the git settings here");
        assert_eq!([&found.base, &found.prefix], ["production", "fix/"]);
        // GitHub flow has no hotfixes of its own.
        let github = TestRepo::new();
        set(&github, &[("main.type", "base"), ("feature.type", "topic"), ("feature.parent", "main")]);
        assert_eq!(here(&github, "").flow, Flow::GithubFlow);
    }

    #[test]
    fn the_users_own_settings_for_all_repositories_make_no_git_flow() {
        let repo = TestRepo::new();
        repo.git(&["config", "gitflow.feature.finish.keep", "true"]);
        assert_eq!(here(&repo, "").flow, Flow::GithubFlow);
        repo.git(&["config", "gitflow.prefix.versiontag", "v"]);
        assert_eq!(here(&repo, "").flow, Flow::GitFlow);
    }

    #[test]
    fn what_was_chosen_at_the_start_counts_on_that_branch_alone() {
        let repo = TestRepo::new();
        repo.git(&["switch", "-q", "-c", "hotfix/x"]);
        repo.git(&["config", "branch.hotfix/x.flightdeckFlow", "trunk"]);
        let file = "[hotfix]\nflow = \"git-flow\"\n";
        let found = here(&repo, file);
        assert_eq!(found.flow_line(), "trunk: chosen at hotfix start");
        assert_eq!(found.for_a_new_branch().flow_line(), "git flow: from flightdeck.toml");
        repo.git(&["switch", "-q", "main"]);
        assert_eq!(line(&repo, file), "git flow: from flightdeck.toml");
        repo.git(&["switch", "-q", "hotfix/x"]);
        repo.git(&["config", "branch.hotfix/x.flightdeckFlow", "waterfall"]);
        assert_eq!(line(&repo, file), "git flow: from flightdeck.toml");
    }
}
