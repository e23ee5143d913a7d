//! How hotfixes are made here where the file leaves it out: what the branch was started with, what
//! `git flow` was told, and which branches there are. Reads refs and settings, and runs nothing.

use git2::ConfigLevel;

use super::{Reader, refs};
use crate::config::detect::{GitFlow, names_told};
use crate::config::types::{Config, FLOW_SETTING, Flow, FlowFrom, Hotfix};

impl Reader {
    /// A configuration with what it leaves out about hotfixes as it was found here. `open` tells the ids
    /// of the incidents that are open; it is asked only where something depends on that.
    #[must_use]
    pub fn configured(&self, config: Config, open: impl FnOnce() -> Vec<String>) -> Config {
        Config { hotfix: self.hotfix_here(&config.hotfix, open), ..config }
    }

    /// How hotfixes are made here: as the file says, and what it leaves out as it was found. What was
    /// chosen when the current branch was started comes before all of it.
    #[must_use]
    pub fn hotfix_here(&self, written: &Hotfix, open: impl FnOnce() -> Vec<String>) -> Hotfix {
        let mut hotfix = written.clone();
        let told = self.git_flow(written);
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
            // With one branch for both there is no next release to merge back into.
            let is_apart = self.base_of(&hotfix).is_none_or(|base| base != hotfix.develop);
            let develop = || self.has_branch(&hotfix.develop, &written.remote).filter(|_| is_apart);
            if let Some(flow) = told.and_then(|told| told.flow) {
                (hotfix.flow, hotfix.flow_from) = (flow, FlowFrom::GitFlowSettings);
            } else if let Some(branch) = develop() {
                (hotfix.flow, hotfix.flow_from) = (Flow::GitFlow, FlowFrom::Branch(branch));
            }
        }
        if let Some(flow) = self.flow_at_start(open) {
            let otherwise = Box::new((hotfix.flow, hotfix.flow_from));
            (hotfix.flow, hotfix.flow_from) = (flow, FlowFrom::Start(otherwise));
        }
        hotfix
    }

    /// The branch in production, as it is found with these settings.
    fn base_of(&self, hotfix: &Hotfix) -> Option<String> {
        refs::base_name(&self.repo, &hotfix.base, self.remote_name(&hotfix.remote).as_deref())
    }

    /// The flow that the current branch was started with, where one was chosen for it. One that was chosen
    /// for a branch that stays ends with the incidents it was chosen in.
    fn flow_at_start(&self, open: impl FnOnce() -> Vec<String>) -> Option<Flow> {
        // Of a branch that has no commit yet there is nothing to finish.
        let head = self.repo.head().ok()?;
        let value =
            self.kept_flow(std::str::from_utf8(head.name_bytes()).ok()?.strip_prefix("refs/heads/")?)?;
        let mut words = value.split(' ');
        let flow = Flow::parse(words.next()?)?;
        let incidents: Vec<&str> = words.collect();
        let holds = incidents.is_empty() || open().iter().any(|id| incidents.contains(&id.as_str()));
        holds.then_some(flow)
    }

    /// Tells whether a flow is kept with a branch, whatever it is worth now.
    pub fn keeps_flow(&self, branch: &str) -> bool {
        self.kept_flow(branch).is_some()
    }

    fn kept_flow(&self, branch: &str) -> Option<String> {
        let config = self.repo.config().ok()?.snapshot().ok()?;
        config.get_string(&format!("branch.{branch}.{FLOW_SETTING}")).ok()
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
    pub(super) fn git_flow(&self, written: &Hotfix) -> Option<GitFlow> {
        let config = self.repo.config().ok()?.snapshot().ok()?;
        let mut entries = config.entries(Some("^gitflow\\.(branch|prefix)\\.")).ok()?;
        let (mut is_set_up, mut types) = (false, Vec::new());
        while let Some(entry) = entries.next() {
            let entry = entry.ok()?;
            is_set_up |= matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree);
            let name = entry.name().ok().and_then(|name| name.strip_prefix("gitflow.branch."));
            let Some(name) = name.and_then(|name| name.strip_suffix(".type")) else { continue };
            types.push((name.to_owned(), entry.value().unwrap_or_default().to_ascii_lowercase()));
        }
        let read = |name: &str| {
            config.get_string(&format!("gitflow.{name}")).ok().filter(|value| !value.trim().is_empty())
        };
        if !is_set_up {
            return None;
        }
        if types.is_empty() {
            let told = GitFlow {
                flow: Some(Flow::GitFlow),
                main: read("branch.master"),
                develop: read("branch.develop"),
                prefix: read("prefix.hotfix"),
                release_prefix: read("prefix.release"),
            };
            return Some(self.with_two_branches(told, written));
        }
        let told = GitFlow {
            prefix: read("branch.hotfix.prefix"),
            release_prefix: read("branch.release.prefix"),
            ..GitFlow::default()
        };
        let branch = |(name, kind): (String, String)| Branch {
            parent: read(&format!("branch.{name}.parent")),
            updates: config.get_bool(&format!("gitflow.branch.{name}.autoupdate")).unwrap_or(false),
            name,
            kind,
        };
        let model: Vec<Branch> = types.into_iter().map(branch).collect();
        let is_here =
            |name: &str| self.base_of(&Hotfix { base: name.to_owned(), ..written.clone() }).is_some();
        Some(match described(&model, &written.develop) {
            Some((flow, main, develop)) if is_here(&main) => {
                let told = GitFlow { flow: Some(flow), main: Some(main), develop, ..told };
                self.with_two_branches(told, written)
            }
            _ => told,
        })
    }

    /// Leaves out a branch of the next release that is the one in production: with one branch for both it
    /// is not git flow.
    fn with_two_branches(&self, told: GitFlow, written: &Hotfix) -> GitFlow {
        let main = told.main.clone().filter(|name| self.has_branch(name, &written.remote).is_some());
        let base = main.filter(|_| written.base.is_empty()).unwrap_or_else(|| written.base.clone());
        let base = self.base_of(&Hotfix { base, ..written.clone() });
        if base.is_none() || told.develop != base || written.written.contains("develop") {
            return told;
        }
        let flow = told.flow.filter(|flow| *flow != Flow::GitFlow);
        GitFlow { flow, develop: None, ..told }
    }
}

/// What git-flow-next was told of a branch, or of a kind of branches.
struct Branch {
    name: String,
    /// `base` or `topic`.
    kind: String,
    /// What it comes from.
    parent: Option<String>,
    /// Whether it is brought up to date when something is finished into its parent.
    updates: bool,
}

/// The flow that is described, with the branch in production and that of the next release. `None`: it is
/// not said what a hotfix comes from, so nothing is.
fn described(model: &[Branch], develop: &str) -> Option<(Flow, String, Option<String>)> {
    let of = |kind: &str| -> Vec<&Branch> { model.iter().filter(|branch| branch.kind == kind).collect() };
    let (bases, topics) = (of("base"), of("topic"));
    let is_root = |name: &str| bases.iter().any(|base| base.name == name && base.parent.is_none());
    let comes_from = |branch: &Branch, main: &str| branch.parent.as_deref() == Some(main);
    if let Some(hotfix) = topics.iter().find(|topic| topic.name == "hotfix") {
        let main = hotfix.parent.clone().filter(|main| is_root(main))?;
        let mut next = bases.iter().filter(|base| comes_from(base, &main));
        let next = next.clone().find(|base| base.updates).or_else(|| next.find(|base| base.name == develop));
        let flow = if next.is_some() { Flow::GitFlow } else { Flow::GithubFlow };
        return Some((flow, main, next.map(|base| base.name.clone())));
    }
    // GitHub flow has one branch, and no hotfixes of their own: all that is made comes from it.
    let [main] = bases.as_slice() else { return None };
    let is_all = !topics.is_empty() && topics.iter().all(|topic| comes_from(topic, &main.name));
    (main.parent.is_none() && is_all).then(|| (Flow::GithubFlow, main.name.clone(), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::parse;
    use crate::hotfix::testing::TestRepo;

    fn here(repo: &TestRepo, file: &str) -> Hotfix {
        let config = parse(file.as_bytes()).unwrap();
        Reader::open(repo.root()).unwrap().configured(config, Vec::new).hotfix
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
    fn settings_that_describe_no_hotfix_leave_the_flow_to_the_branches() {
        const MAIN: &str = "main.type=base";
        const HOTFIX: [&str; 3] = ["hotfix.type=topic", "hotfix.parent=main", "hotfix.prefix=hf/"];
        const SETTINGS: &str = "gitflow.* in the git settings here";
        const BRANCH: &str = "origin has develop";
        let develop = ["develop.type=base", "develop.parent=main"];
        let next = ["next.type=base", "next.parent=main", "next.autoupdate=true"];
        let rows: &[(&[&str], Flow, &str, [&str; 2])] = &[
            // One stray line, and lines that are not whole.
            (&[MAIN], Flow::GitFlow, BRANCH, ["", "develop"]),
            (&[MAIN, develop[0], "develop.parent=develop"], Flow::GitFlow, BRANCH, ["", "develop"]),
            (
                &["a.type=base", "a.parent=b", "b.type=base", "b.parent=a"],
                Flow::GitFlow,
                BRANCH,
                ["", "develop"],
            ),
            (&[MAIN, "hotfix.type=topic"], Flow::GitFlow, BRANCH, ["", "develop"]),
            (&[MAIN, "hotfix.type=WEIRD", "hotfix.parent=main"], Flow::GitFlow, BRANCH, ["", "develop"]),
            (&HOTFIX, Flow::GitFlow, BRANCH, ["", "develop"]),
            (&["gone.type=base", HOTFIX[0], "hotfix.parent=gone"], Flow::GitFlow, BRANCH, ["", "develop"]),
            (&[MAIN, HOTFIX[0], "hotfix.parent=v1.2.2"], Flow::GitFlow, BRANCH, ["", "develop"]),
            // A hotfix comes from production, which comes from nothing.
            (
                &[MAIN, develop[0], develop[1], HOTFIX[0], "hotfix.parent=develop"],
                Flow::GitFlow,
                BRANCH,
                ["", "develop"],
            ),
            // The branch of the next release by its name, and before that by what is brought back into it.
            (
                &[MAIN, develop[0], develop[1], HOTFIX[0], HOTFIX[1]],
                Flow::GitFlow,
                SETTINGS,
                ["main", "develop"],
            ),
            (
                &[MAIN, develop[0], develop[1], next[0], next[1], next[2], HOTFIX[0], HOTFIX[1]],
                Flow::GitFlow,
                SETTINGS,
                ["main", "next"],
            ),
            // The presets for GitLab flow and GitHub flow.
            (
                &[
                    "production.type=base",
                    "staging.type=base",
                    "staging.parent=production",
                    "main.type=base",
                    "main.parent=staging",
                    "hotfix.type=topic",
                    "hotfix.parent=production",
                ],
                Flow::GithubFlow,
                SETTINGS,
                ["production", "develop"],
            ),
            (
                &[MAIN, "feature.type=topic", "feature.parent=main"],
                Flow::GithubFlow,
                SETTINGS,
                ["main", "develop"],
            ),
        ];
        let repo = TestRepo::new();
        repo.with_origin();
        repo.git(&["push", "-q", "origin", "main:develop", "main:next", "main:production"]);
        let old = repo.git(&["config", "--local", "--list"]);
        for (settings, flow, from, names) in rows {
            for setting in *settings {
                let (name, value) = setting.split_once('=').unwrap();
                repo.git(&["config", &format!("gitflow.branch.{name}"), value]);
            }
            let found = here(&repo, "");
            assert_eq!(found.flow_line(), format!("{}: {from}", flow.title()), "{settings:?}");
            assert_eq!([&found.base, &found.develop], *names, "{settings:?}");
            for section in
                ["main", "develop", "next", "production", "staging", "gone", "a", "b", "hotfix", "feature"]
            {
                let section = format!("gitflow.branch.{section}");
                repo.try_git(repo.root(), &["config", "--remove-section", &section]);
            }
            assert_eq!(repo.git(&["config", "--local", "--list"]), old, "nothing is left for the next row");
        }
    }

    #[test]
    fn a_next_release_that_is_the_branch_in_production_is_none() {
        let repo = TestRepo::new();
        repo.git(&["config", "gitflow.branch.develop", "main"]);
        let found = here(&repo, "");
        assert_eq!((found.flow, found.flow_from), (Flow::GithubFlow, FlowFrom::Usual));
        assert_eq!(found.develop, "develop");
        repo.with_origin();
        repo.git(&["push", "-q", "origin", "main:develop"]);
        assert_eq!(line(&repo, ""), "git flow: origin has develop");
        // Where the file says both, what git flow was told is of no account.
        let file = "[hotfix]\nbase = \"main\"\ndevelop = \"develop\"\n";
        assert_eq!(here(&repo, file).develop, "develop");
        repo.git(&["config", "--unset", "gitflow.branch.develop"]);
        let file = "[hotfix]\nbase = \"develop\"\n";
        assert_eq!(here(&repo, file).flow_from, FlowFrom::Usual, "there is one branch");
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

    #[test]
    fn what_was_chosen_for_the_base_ends_with_the_incident_it_was_chosen_in() {
        let repo = TestRepo::new();
        repo.git(&["config", "branch.main.flightdeckFlow", "trunk id-1 id-2"]);
        let reader = Reader::open(repo.root()).unwrap();
        let with = |open: &[&str]| {
            let open = open.iter().map(|&id| id.to_owned()).collect();
            reader.hotfix_here(&Hotfix::default(), || open).flow
        };
        assert_eq!(with(&["id-2", "id-3"]), Flow::Trunk);
        assert_eq!(with(&["id-3"]), Flow::GithubFlow, "it is another incident");
        assert_eq!(with(&[]), Flow::GithubFlow);
        assert!(reader.keeps_flow("main") && !reader.keeps_flow("develop"));
    }
}
