//! The steps of a finish, each an exact command with what proves it.

use jiff::SignedDuration;

use super::super::{GIT_TIMEOUT, NETWORK_TIMEOUT, git, is_at, remote_has, short};
use super::asked::{has_parents, is_missing, leads_to};
use super::notes::message;
use super::{Facts, Left, Target};
use crate::incident::tag_title;
use crate::plan::{Action, Command, Guard, OnFailure, Probe, PullText, Reach, Settle, Step, Undo};
use crate::text::visible;

/// A setting with which git runs no hooks: those that set up a work tree for people have no business in
/// one that is made for a merge alone, and may fail there.
const WITHOUT_HOOKS: &str = "core.hooksPath=/dev/null";
/// Submodules are none of what is merged, whatever git is told about them.
const WITHOUT_SUBMODULES: &str = "submodule.recurse=false";

/// Puts the steps of a finish together, in their order.
pub(super) struct Maker<'a> {
    facts: &'a Facts,
    left: &'a Left,
    /// How long a push may still land after the connection was lost.
    lands_within: SignedDuration,
    /// What it came to.
    pub(super) steps: Vec<Step>,
    /// What could not be made a step, and why.
    pub(super) notes: Vec<String>,
    /// The scratch work tree is there, made by a step or before.
    has_scratch: bool,
    /// What is pushed: from where, and to which reference.
    refs: Vec<(String, String)>,
    /// Names of the branches among them.
    branches: Vec<&'a Target>,
    pushed: Option<usize>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(facts: &'a Facts, left: &'a Left, lands_within: SignedDuration) -> Self {
        Self {
            facts,
            left,
            lands_within,
            steps: Vec::new(),
            notes: Vec::new(),
            has_scratch: false,
            refs: Vec::new(),
            branches: Vec::new(),
            pushed: None,
        }
    }

    /// Index of the step that pushes, if there is one.
    pub(super) fn pushed(&self) -> Option<usize> {
        self.pushed
    }

    fn root(&self) -> &'a str {
        &self.facts.root
    }

    fn kept(&self, target: &Target) -> String {
        Facts::kept_name(&self.facts.fix.commit, &target.name)
    }

    fn tag_ref(&self) -> String {
        format!("refs/tags/{}", self.left.tag)
    }

    /// What the fix came into the branch in production with, as a command names it: the reference
    /// that keeps the merge, else its commit.
    fn merged_name(&self) -> String {
        match &self.left.merged {
            Some(commit) if !self.left.base => commit.clone(),
            _ => self.kept(&self.facts.base),
        }
    }

    /// Asks whether something is that merge: exactly that commit, or, before it is made, a merge of
    /// exactly the commit at the remote and the fix.
    fn is_merged(&self, rev: &str) -> Probe {
        match &self.left.merged {
            Some(commit) => leads_to(self.root(), rev, commit),
            None => has_parents(self.root(), rev, &self.facts.base.there, &self.facts.fix.commit),
        }
    }

    /// The merge into the branch in production, and the tag on it.
    pub(super) fn merge_base(&mut self, text: &PullText) {
        let (facts, left) = (self.facts, self.left);
        if left.base {
            if left.merged.is_none() {
                let words = format!("Merge branch '{}'", facts.fix.name);
                let into = visible(&facts.base.name);
                let proof = |cwd: &str| has_parents(cwd, "HEAD", &facts.base.there, &facts.fix.commit);
                let title = format!("merge {} into {into}", visible(&facts.fix.name));
                self.merge(&facts.base, &facts.fix.commit, &facts.fix.commit, &words, title, &proof, None);
                self.keep(&facts.base, "HEAD");
            } else if let Some(commit) = left.merged.as_ref().filter(|_| !facts.base.is_kept) {
                self.keep(&facts.base, commit);
            }
            self.refs.push((self.kept(&facts.base), format!("refs/heads/{}", facts.base.name)));
            self.branches.push(&facts.base);
        }
        if left.tag_here && left.tag_there {
            self.tag(text);
        }
        if left.tag_there {
            self.refs.push((self.tag_ref(), self.tag_ref()));
        }
    }

    fn tag(&mut self, text: &PullText) {
        let (tag, source) = (&self.left.tag, self.merged_name());
        let words = message(text, tag, &self.facts.fix.subjects);
        let argv = ["tag", "-a", "--cleanup=whitespace", "-m", &words, "--", tag, &source];
        let name = format!("{}^{{commit}}", self.tag_ref());
        let undo = Undo::By {
            action: Action::Command(git(self.root(), &["tag", "-d", "--", tag])),
            proof: Some(is_missing(self.root(), &self.tag_ref())),
        };
        self.steps.push(Step {
            guards: vec![Guard {
                title: format!("what is tagged is the merge into {}", visible(&self.facts.base.name)),
                probe: self.is_merged(&source),
            }],
            proof: Some(self.is_merged(&name)),
            undo,
            ..Step::new(tag_title(&visible(tag)), Action::Command(git(self.root(), &argv)), GIT_TIMEOUT)
        });
    }

    /// The merge of the tag into another branch.
    pub(super) fn merge_back(&mut self, index: usize) {
        let (facts, left) = (self.facts, self.left);
        let Some(target) = facts.back.get(index) else { return };
        if target.kept.is_none() {
            // The tag itself where it is here, or is about to be: that is what git describes by.
            let is_here = !left.tag_here || left.tag_there;
            let what = if is_here { self.tag_ref() } else { self.merged_name() };
            let peeled = format!("{what}^{{commit}}");
            let words = format!("Merge tag '{}' into {}", left.tag, target.name);
            let title = format!("merge {} back into {}", visible(&left.tag), visible(&target.name));
            let guard = Guard {
                title: format!("{} is that merge", visible(&left.tag)),
                probe: self.is_merged(&peeled),
            };
            let proof =
                |cwd: &str| Probe::command(git(cwd, &["merge-base", "--is-ancestor", &peeled, "HEAD"]), None);
            let merged = left.merged.clone().unwrap_or_default();
            self.merge(target, &what, &merged, &words, title, &proof, Some(guard));
            self.keep(target, "HEAD");
        } else if let Some(commit) = target.kept.as_ref().filter(|_| !target.is_kept) {
            self.keep(target, commit);
        }
        self.refs.push((self.kept(target), format!("refs/heads/{}", target.name)));
        self.branches.push(target);
    }

    /// A merge in the scratch work tree, which is brought to where it starts from. `merged` is the
    /// commit that is merged, where it is known.
    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own that a merge is made of")]
    fn merge(
        &mut self,
        target: &Target,
        what: &str,
        merged: &str,
        words: &str,
        title: String,
        proof: &dyn Fn(&str) -> Probe,
        guard: Option<Guard>,
    ) {
        let place = self.facts.scratch.path.as_str();
        let now = self.facts.scratch.now.as_ref().filter(|_| !self.has_scratch);
        let is_begun = now.is_some_and(|now| {
            now.head == target.there && now.merging.as_deref().is_some_and(|merging| merging == merged)
        });
        if !is_begun {
            self.go_to(target);
        }
        self.has_scratch = true;
        let conclude = git(place, &["commit", "--no-edit"]);
        let merge = git(place, &["merge", "--no-ff", "--no-edit", "-m", words, what]);
        let title = if is_begun { format!("conclude: {title}") } else { title };
        self.steps.push(Step {
            guards: guard.into_iter().collect(),
            proof: Some(proof(place)),
            settle: Some(Settle {
                place: place.to_owned(),
                left: git(place, &["-c", "core.quotePath=false", "diff", "--name-only", "--diff-filter=U"]),
                conclude: conclude.clone(),
            }),
            ..Step::new(title, Action::Command(if is_begun { conclude } else { merge }), GIT_TIMEOUT)
        });
    }

    /// Brings the scratch work tree to the commit of a branch at the remote, making it where it is
    /// not there.
    fn go_to(&mut self, target: &Target) {
        let (place, commit) = (self.facts.scratch.path.as_str(), target.there.as_str());
        let there = self.has_scratch || self.facts.scratch.now.is_some();
        let (title, command, undo) = if there {
            // By force: whatever an earlier merge left there is ours.
            let words = [
                "-c",
                WITHOUT_HOOKS,
                "-c",
                WITHOUT_SUBMODULES,
                "checkout",
                "--quiet",
                "--force",
                "--detach",
                commit,
            ];
            let is_merging = self.facts.scratch.now.as_ref().is_some_and(|now| now.merging.is_some());
            let left = is_merging && !self.has_scratch;
            let instead = if left { "abandon the merge that was left there, and " } else { "" };
            let title = format!("{instead}check out {} {} there", visible(&target.name), short(commit));
            (title, git(place, &words), Undo::Nothing)
        } else {
            let undo = Undo::By { action: Action::Command(self.tidy_up()), proof: None };
            let words = ["-c", WITHOUT_HOOKS, "worktree", "add", "--quiet", "--detach", place, commit];
            let add = git(self.root(), &words);
            let title = format!("make a separate work tree at {} {}", visible(&target.name), short(commit));
            (title, add, undo)
        };
        let proof = if there {
            is_at(place, "HEAD", commit)
        } else {
            // Asked from elsewhere: it may not be there, and git could not answer from it.
            let name = place.rsplit('/').next().unwrap_or(place);
            leads_to(self.root(), &format!("worktrees/{name}/HEAD"), commit)
        };
        self.steps.push(Step {
            guards: self.still_there(target).into_iter().collect(),
            proof: Some(proof),
            undo,
            ..Step::new(title, Action::Command(command), GIT_TIMEOUT)
        });
    }

    fn tidy_up(&self) -> Command {
        git(self.root(), &["worktree", "remove", "--force", &self.facts.scratch.path])
    }

    /// That nobody has pushed to a branch since this was planned; where the remote cannot be asked
    /// without a person the push itself finds out.
    fn still_there(&self, target: &Target) -> Option<Guard> {
        let (remote, full) = (&self.facts.remote, format!("refs/heads/{}", target.name));
        self.facts.can_ask.then(|| Guard {
            title: format!(
                "{} of {} is still {}",
                visible(&target.name),
                visible(remote),
                short(&target.there)
            ),
            probe: remote_has(self.root(), remote, &full, &target.there),
        })
    }

    /// Keeps a merge under a name of its own, so that it can be pushed and asked for whatever happens
    /// to the scratch work tree.
    fn keep(&mut self, target: &'a Target, what: &str) {
        let (root, kept) = (self.root(), self.kept(target));
        let (cwd, proof) = if what == "HEAD" {
            // Asked where it was made: it is what was made there.
            let place = self.facts.scratch.path.as_str();
            let same = git(place, &["rev-list", "--count", "--ignore-missing", "HEAD", "--not", &kept, "--"]);
            (place, Probe::command(same, Some("0".to_owned())))
        } else {
            (root, leads_to(root, &kept, what))
        };
        self.steps.push(Step {
            proof: Some(proof),
            retry_is_safe: true,
            undo: Undo::By {
                action: Action::Command(git(root, &["update-ref", "-d", &kept])),
                proof: Some(is_missing(root, &kept)),
            },
            ..Step::new(
                format!("save the merge into {}", visible(&target.name)),
                Action::Command(git(cwd, &["update-ref", &kept, what])),
                GIT_TIMEOUT,
            )
        });
    }

    /// One push of exactly these, all or none, and never by force.
    pub(super) fn push(&mut self) {
        let remote = self.facts.remote.as_str();
        let specs: Vec<String> = self.refs.iter().map(|(from, to)| format!("{from}:{to}")).collect();
        let mut argv = vec!["push", "--atomic", "--no-follow-tags", remote];
        argv.extend(specs.iter().map(String::as_str));
        let names: Vec<_> = self.branches.iter().map(|target| visible(&target.name)).collect();
        let tag = self.left.tag_there.then(|| visible(&self.left.tag));
        let names: Vec<_> = names.into_iter().chain(tag).collect();
        self.pushed = Some(self.steps.len());
        self.steps.push(Step {
            proof: self.landed(),
            proof_within: self.lands_within,
            reach: Reach::Others,
            // What is there already is pushed again without any effect.
            retry_is_safe: true,
            undo: Undo::Irreversible { why: "others may have it: a rollback reverts it".to_owned() },
            ..Step::new(
                format!("push {} to {}, all or none", names.join(", "), visible(remote)),
                Action::Command(git(self.root(), &argv)),
                NETWORK_TIMEOUT,
            )
        });
    }

    /// Asks whether the branches have landed. The tag lands with them, or nothing does.
    fn landed(&self) -> Option<Probe> {
        let remote = self.facts.remote.as_str();
        if self.branches.is_empty() {
            let tag = self.tag_ref();
            if !self.facts.can_ask {
                return None;
            }
            let object = self.facts.tag_here(&self.left.tag).map(|tag| tag.object.clone());
            return Some(match object {
                Some(object) => remote_has(self.root(), remote, &tag, &object),
                None => self.fetches([format!("{tag}:{tag}")]),
            });
        }
        if self.facts.can_ask {
            let specs = self
                .branches
                .iter()
                .map(|target| format!("refs/heads/{}:{}", target.name, self.kept(target)));
            return Some(self.fetches(specs));
        }
        // git brings the reference it keeps along only once the remote has taken a push.
        let target = self.branches.first()?;
        let tracking = target.tracking.as_deref()?;
        let kept = self.kept(target);
        let argv = ["merge-base", "--is-ancestor", kept.as_str(), tracking];
        Some(Probe::command(git(self.root(), &argv), None))
    }

    /// Takes what the remote has only where that goes on from what is here, or is it; tells so by its
    /// exit code, and with --dry-run changes nothing.
    fn fetches(&self, specs: impl IntoIterator<Item = String>) -> Probe {
        let mut argv: Vec<String> =
            ["fetch", "--dry-run", "--quiet", "--no-tags", "--no-recurse-submodules", &self.facts.remote]
                .map(str::to_owned)
                .to_vec();
        argv.extend(specs);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        Probe::command(git(self.root(), &argv), None)
    }

    /// What is left once the remote has all of it: branches are brought along and deleted, the scratch
    /// work tree goes.
    pub(super) fn tidy(&mut self) {
        let all = self.left.later.is_empty();
        let holds = self.holds();
        if all {
            self.delete_there(holds.clone());
        }
        let pushed: Vec<&Target> = std::mem::take(&mut self.branches);
        for target in pushed {
            self.bring_along(target);
        }
        if all {
            self.delete_here(holds);
        }
        let now = self.facts.scratch.now.as_ref();
        if self.has_scratch || now.is_some_and(|now| now.merging.is_none()) {
            let place = self.facts.scratch.path.as_str();
            let is_there =
                Command { argv: ["test", "-d", place].map(str::to_owned).into(), ..self.tidy_up() };
            self.steps.push(Step {
                proof: Some(Probe { negate: true, ..Probe::command(is_there, None) }),
                on_failure: OnFailure::GoOn,
                ..Step::new(
                    "remove the work tree that was made for it",
                    Action::Command(self.tidy_up()),
                    GIT_TIMEOUT,
                )
            });
        } else if now.is_some() {
            let place = visible(&self.facts.scratch.path);
            self.notes.push(format!("a merge that is under way in {place} is left as it is"));
        }
    }

    fn delete_there(&mut self, holds: Option<Guard>) {
        let fix = &self.facts.fix;
        let Some(seen) = &fix.there else { return };
        let remote = self.facts.remote.as_str();
        let full = format!("refs/heads/{}", fix.name);
        let guards = holds.into_iter().collect();
        let proof = if self.facts.can_ask {
            // Listed in the order of names, and the branch in production is there in any case.
            let base = format!("refs/heads/{}", self.facts.base.name);
            let sort = if full < base { "--sort=refname" } else { "--sort=-refname" };
            let asked = git(self.root(), &["ls-remote", "--heads", sort, remote, &full, &base]);
            Some(Probe { negate: true, ..Probe::command(asked, Some(format!("{seen}\t{full}"))) })
        } else {
            None
        };
        let lease = format!("--force-with-lease={full}:{seen}");
        let argv = ["push", "--no-follow-tags", &lease, remote, &format!(":{full}")];
        self.steps.push(Step {
            guards,
            proof,
            proof_within: self.lands_within,
            reach: Reach::Others,
            undo: Undo::Irreversible { why: "what it held is in what was pushed".to_owned() },
            ..Step::new(
                format!("delete {} at {}", visible(&fix.name), visible(remote)),
                Action::Command(git(self.root(), &argv)),
                NETWORK_TIMEOUT,
            )
        });
    }

    /// That the remote holds all that was pushed.
    fn holds(&self) -> Option<Guard> {
        let (remote, tag) = (visible(&self.facts.remote), self.tag_ref());
        self.pushed?;
        let probe = if self.facts.can_ask {
            let branches = self
                .branches
                .iter()
                .map(|target| format!("refs/heads/{}:{}", target.name, self.kept(target)));
            let has_tag = !self.left.tag_here || self.left.tag_there;
            self.fetches(branches.chain(has_tag.then(|| format!("{tag}:{tag}"))))
        } else {
            self.landed()?
        };
        Some(Guard { title: format!("{remote} holds what was pushed"), probe })
    }

    /// Brings a branch here along, where nobody has it checked out and it only has to go on.
    fn bring_along(&mut self, target: &'a Target) {
        let Some(here) = &target.here else { return };
        let name = visible(&target.name);
        if let Some(path) = &here.checked_out {
            self.notes.push(format!(
                "{name} here is checked out in {}: git pull --ff-only updates it",
                visible(path)
            ));
            return;
        }
        if !here.is_behind {
            self.notes.push(format!(
                "{name} here has commits that {} has not: it stays as it is",
                visible(&self.facts.remote)
            ));
            return;
        }
        let (kept, full) = (self.kept(target), format!("refs/heads/{}", target.name));
        let argv = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            ".",
            &format!("{kept}:{full}"),
        ];
        let has_it = git(self.root(), &["merge-base", "--is-ancestor", &kept, &full]);
        // A work tree that is about to be switched to it is not switched to an old one.
        let is_left_for_it = target.name == self.facts.base.name
            && self.left.later.is_empty()
            && self.facts.fix.checked_out.as_ref().is_some_and(|checkout| checkout.is_clean);
        self.steps.push(Step {
            proof: Some(Probe::command(has_it, None)),
            retry_is_safe: true,
            on_failure: if is_left_for_it { OnFailure::Stop } else { OnFailure::GoOn },
            ..Step::new(format!("update {name} here"), Action::Command(git(self.root(), &argv)), GIT_TIMEOUT)
        });
    }

    fn delete_here(&mut self, holds: Option<Guard>) {
        let facts = self.facts;
        let Some(seen) = &facts.fix.here else { return };
        let name = visible(&facts.fix.name);
        if let Some(checkout) = &facts.fix.checked_out {
            if !checkout.is_clean {
                self.notes.push(format!(
                    "{name} stays here: {} has it checked out, with changes or in the middle of something",
                    visible(&checkout.path)
                ));
                return;
            }
            self.leave(&checkout.path);
        }
        let full = format!("refs/heads/{}", facts.fix.name);
        let still = Guard {
            title: format!("{name} here is still {}", short(seen)),
            probe: is_at(self.root(), &full, seen),
        };
        self.steps.push(Step {
            guards: holds.into_iter().chain([still]).collect(),
            proof: Some(is_missing(self.root(), &full)),
            ..Step::new(
                format!("delete {name} here"),
                Action::Command(git(self.root(), &["branch", "-D", "--", &facts.fix.name])),
                GIT_TIMEOUT,
            )
        });
    }

    /// Switches a clean work tree off the branch that is about to go.
    fn leave(&mut self, path: &str) {
        let base = &self.facts.base;
        let other = base.here.as_ref().and_then(|here| here.checked_out.as_ref());
        let (title, words) = match (&base.here, other) {
            (Some(_), None) => {
                (format!("to {}", visible(&base.name)), vec!["--no-guess".to_owned(), base.name.clone()])
            }
            // One branch can be checked out in one work tree only.
            _ => (
                format!("to what {} is at", visible(&base.name)),
                vec!["--detach".to_owned(), self.merged_name()],
            ),
        };
        let mut argv = vec!["switch", "--quiet"];
        argv.extend(words.iter().map(String::as_str));
        let clean = git(path, &["diff", "--quiet", "--no-ext-diff", "HEAD", "--"]);
        let nothing_changed = Guard {
            title: format!("nothing has changed in {}", visible(path)),
            probe: Probe::command(clean, None),
        };
        let gone = git(path, &["symbolic-ref", "--quiet", "HEAD"]);
        let proof = if words.first().is_some_and(|word| word == "--detach") {
            // It is on no branch then, which the command tells by its exit code.
            Probe { negate: true, ..Probe::command(gone, None) }
        } else {
            Probe::command(gone, Some(format!("refs/heads/{}", base.name)))
        };
        self.steps.push(Step {
            guards: vec![nothing_changed.clone()],
            proof: Some(proof),
            ..Step::new(
                format!("switch {} {title}", visible(path)),
                Action::Command(git(path, &argv)),
                GIT_TIMEOUT,
            )
        });
        // A finish that broke off has pushed, and left the branch here behind.
        let is_behind = base.here.as_ref().is_some_and(|here| here.is_behind && here.commit != base.there);
        if other.is_none() && is_behind && !self.left.base {
            let (merged, full) = (self.merged_name(), format!("refs/heads/{}", base.name));
            let has_it = git(self.root(), &["merge-base", "--is-ancestor", &merged, &full]);
            self.steps.push(Step {
                guards: vec![nothing_changed],
                proof: Some(Probe::command(has_it, None)),
                retry_is_safe: true,
                ..Step::new(
                    format!("update {} there", visible(&base.name)),
                    Action::Command(git(path, &["merge", "--ff-only", "--quiet", &merged])),
                    GIT_TIMEOUT,
                )
            });
        }
    }
}
