//! Reads what finishing a hotfix in git flow is planned on. What was done before, by whomever and in
//! whatever work tree, is told by references and by merges with just the right parents.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{Error, Oid, Repository, RepositoryState, Sort};

mod older;
mod version;

use super::{Reader, is_change, refs, status};
use crate::config::types::Hotfix;
use crate::failure::{Failure, FailureKind, Result as Outcome};
use crate::hotfix::flows::finish::{Checkout, Facts, Fix, Here, Scratch, ScratchNow, Tag, Target};
use crate::hotfix::outlook::Verdict;
use crate::hotfix::remote::{Known, Source};
use crate::incident::MergeBack;
use crate::text::visible;

/// How long all merges together are tried in memory.
const FORECASTING: Duration = Duration::from_secs(10);
/// Commits of a fix are named up to here.
const MAX_SUBJECTS: usize = 500;

/// What is to be finished.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// A hotfix branch, here or at the remote.
    Branch(&'a str),
    /// What went out before and is still to be merged back; its branch is gone.
    Owed(&'a MergeBack),
}

/// What is asked of the repository.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// What is to be finished.
    pub what: What<'a>,
    /// How the team makes hotfixes.
    pub hotfix: &'a Hotfix,
    /// Name of the branch in production.
    pub base: &'a str,
    /// What the remote has.
    pub known: &'a Known,
    /// Merges back on record.
    pub merges: &'a [MergeBack],
}

/// The fix as it was found.
struct Found {
    commit: Oid,
    here: Option<Oid>,
    there: Option<Oid>,
    more_there: Option<usize>,
}

impl Reader {
    /// Reads all that a finish is planned on.
    ///
    /// # Errors
    /// The remote has no branch in production, there is no such branch, or the repository cannot be
    /// read.
    pub fn finish_facts(&mut self, sought: &Sought<'_>) -> Outcome<Facts> {
        let doing = "looking at what is left to finish";
        let remote = visible(&sought.known.name);
        let Some(there) = sought.known.refs.branch(sought.base) else {
            let cause = format!("{remote} has no branch {}", visible(sought.base));
            let hint =
                "name the branch in production as `base` under [hotfix] in flightdeck.toml, or push it";
            return Err(Failure::of(FailureKind::Gate, doing, cause, hint));
        };
        let unreadable =
            |error: Error| Failure::new(doing, visible(error.message()), "`git fsck` checks the repository");
        let Some(found) = self.found(sought).map_err(unreadable)? else {
            let cause = "the commits to finish are not in this repository";
            return Err(Failure::of(FailureKind::Gate, doing, cause, "bring them here: git fetch"));
        };
        let there = there.to_owned();
        let facts = self.facts(sought, &found, &there).map_err(unreadable)?;
        if let Some(name) = self.cut_off(found.commit, std::iter::once(&facts.base).chain(&facts.back)) {
            let name = visible(name);
            let cause = format!(
                "the history is cut off here (a shallow clone): where the fix and {name} part is not in it"
            );
            return Err(Failure::of(
                FailureKind::Gate,
                doing,
                cause,
                "bring the rest: git fetch --unshallow",
            ));
        }
        Ok(facts)
    }

    fn facts(&mut self, sought: &Sought<'_>, found: &Found, base_there: &str) -> Result<Facts, Error> {
        let Sought { hotfix, known, .. } = *sought;
        let checkouts = self.checkouts();
        let tags_here = self.tags_here()?;
        let fix = found.commit;
        let (base_merged, is_empty) = self.merged_with(sought, fix, base_there)?;
        let base_kept_from = tags_here.values().map(|tag| tag.commit.clone()).collect::<Vec<_>>();
        let mut base = self.target(sought, sought.base, base_there, fix, Some(fix), &checkouts)?;
        if base.kept.is_none() {
            base.kept = self.first_merge(base_kept_from.iter(), base_there, fix);
        }
        base.merged = base_merged.map(|merged| merged.to_string());
        let merged = if base.has_fix { base.merged.clone() } else { base.kept.clone() };
        let merged = merged.and_then(|id| Oid::from_str(&id).ok());

        let mut names: Vec<(String, String)> = Vec::new();
        let develop = known.refs.branch(&hotfix.develop).filter(|_| hotfix.develop != sought.base);
        names.extend(develop.map(|there| (hotfix.develop.clone(), there.to_owned())));
        let releases = known.refs.branches_with(&hotfix.release_prefix);
        names.extend(releases.map(|(name, there)| (name.to_owned(), there.to_owned())));
        let mut back = Vec::new();
        for (name, there) in &names {
            back.push(self.target(sought, name, there, fix, merged, &checkouts)?);
        }
        let remote_tags = tags_there(known);
        let line = self.line_of(sought, &base, merged, &remote_tags)?;
        let older = self.leave_older(sought, &base, merged, &line, &mut back)?;
        self.try_merges(&mut base, &mut back, fix);

        let (name, reference) = match sought.what {
            What::Branch(name) if found.here.is_some() => {
                (name.to_owned(), Some(format!("refs/heads/{name}")))
            }
            What::Branch(name) => (name.to_owned(), self.tracking_name(&known.name, name)),
            What::Owed(owed) => (owed.tag.clone(), None),
        };
        let held = |full: &String| self.commit_at(full) == Some(fix.to_string());
        let reference = reference.filter(held);
        let full = format!("refs/heads/{name}");
        let checked_out = checkouts.iter().find(|tree| found.here.is_some() && tree.branch == full);
        let (version, notes) = self.says(sought, &base, merged, fix, &tags_here, &line);
        let (scratch, left_alone) = self.finish_scratch(fix);
        let can_ask = known.by == Source::Asked;
        Ok(Facts {
            root: directory(&self.root),
            remote: known.name.clone(),
            can_ask,
            notes,
            fix: Fix {
                name,
                commit: fix.to_string(),
                reference,
                here: found.here.map(|id| id.to_string()),
                there: found.there.map(|id| id.to_string()),
                more_there: found.more_there,
                is_empty,
                is_unrelated: !base.has_fix && self.is_unrelated(fix, base_there),
                checked_out: checked_out.map(Tree::checkout),
                subjects: self.subjects(fix, &base, base_there)?,
            },
            no_develop: (develop.is_none() && hotfix.develop != sought.base).then(|| hotfix.develop.clone()),
            gone: gone(sought, fix),
            base,
            back,
            older,
            version,
            series: line.series,
            tags_here,
            tags_there: remote_tags,
            scratch,
            left_alone,
        })
    }

    /// The fix, here and at the remote; `None`: its commits are not here.
    fn found(&self, sought: &Sought<'_>) -> Result<Option<Found>, Error> {
        let name = match sought.what {
            What::Owed(owed) => {
                let commit = Oid::from_str(&owed.commit).ok().filter(|id| self.repo.find_commit(*id).is_ok());
                let found = |commit| Found { commit, here: None, there: None, more_there: None };
                return Ok(commit.map(found));
            }
            What::Branch(name) => name,
        };
        let here = refs::commit_of(&self.repo, &format!("refs/heads/{name}"))?.map(|(_, id)| id);
        let there = sought.known.refs.branch(name).and_then(|id| Oid::from_str(id).ok());
        let is_here = |id: &Oid| self.repo.find_commit(*id).is_ok();
        let found = |commit, more_there| Found { commit, here, there, more_there };
        Ok(match (here, there) {
            (None, None) => None,
            (None, Some(there)) => is_here(&there).then(|| found(there, None)),
            (Some(here), None) => Some(found(here, None)),
            // Not fetched: it has at least that one more.
            (Some(here), Some(there)) if !is_here(&there) => Some(found(here, Some(1))),
            (Some(here), Some(there)) => {
                let (_, more) = self.repo.graph_ahead_behind(here, there)?;
                Some(found(here, Some(more).filter(|more| *more > 0)))
            }
        })
    }

    fn target(
        &self,
        sought: &Sought<'_>,
        name: &str,
        there: &str,
        fix: Oid,
        merged: Option<Oid>,
        checkouts: &[Tree],
    ) -> Result<Target, Error> {
        let full = format!("refs/heads/{name}");
        let tip = refs::commit_of(&self.repo, &full)?.map(|(_, id)| id);
        let kept_name = Facts::kept_name(&fix.to_string(), name);
        let by_name = refs::commit_of(&self.repo, &kept_name)?.map(|(_, id)| id.to_string());
        let candidates: Vec<String> =
            by_name.clone().into_iter().chain(tip.map(|id| id.to_string())).collect();
        let kept = merged.and_then(|merged| self.first_merge(candidates.iter(), there, merged));
        let tracking = self.tracking_name(&sought.known.name, name);
        let here = tip.map(|tip| Here {
            commit: tip.to_string(),
            // Where that is not here nobody knows, and it is found out when it is brought along.
            is_behind: self.is_in(&tip.to_string(), there).unwrap_or(true)
                // What somebody merged here is about to be what the remote has.
                || kept.as_deref() == Some(tip.to_string().as_str()),
            checked_out: checkouts.iter().find(|tree| tree.branch == full).map(|tree| tree.path.clone()),
        });
        let owed = sought
            .merges
            .iter()
            .any(|merge| merge.is_open() && merge.into == name && merge.commit == fix.to_string());
        Ok(Target {
            name: name.to_owned(),
            there: there.to_owned(),
            tracking: tracking.filter(|full| self.commit_at(full).as_deref() == Some(there)),
            here,
            has_fix: self.is_in(&fix.to_string(), there).unwrap_or(false),
            merged: None,
            is_kept: kept.is_some() && kept == by_name,
            kept,
            forecast: Verdict::Looking,
            owed,
        })
    }

    /// The first of these that is a merge of just these two.
    fn first_merge<'a>(
        &self,
        mut candidates: impl Iterator<Item = &'a String>,
        first: &str,
        second: Oid,
    ) -> Option<String> {
        let first = Oid::from_str(first).ok()?;
        let is_it = |id: &&String| {
            let commit = Oid::from_str(id).and_then(|id| self.repo.find_commit(id));
            commit.is_ok_and(|commit| commit.parent_ids().eq([first, second]))
        };
        candidates.find(is_it).cloned()
    }

    /// The commit of the branch in production with which the fix came into it, where it has it; and
    /// whether there is no fix at all, because the branch never went beyond where it began.
    fn merged_with(
        &self,
        sought: &Sought<'_>,
        fix: Oid,
        base_there: &str,
    ) -> Result<(Option<Oid>, bool), Error> {
        let Ok(tip) = Oid::from_str(base_there) else { return Ok((None, false)) };
        if self.repo.find_commit(tip).is_err() {
            return Ok((None, false));
        }
        let Some(merged) = self.came_in(tip, fix)? else { return Ok((None, false)) };
        let is_empty = match sought.what {
            What::Owed(_) => false,
            What::Branch(name) => merged == fix && !self.has_grown(name, fix),
        };
        Ok((Some(merged), is_empty))
    }

    /// Tells whether commits were made on a branch here since it began, by what git noted down of it.
    fn has_grown(&self, branch: &str, tip: Oid) -> bool {
        let Ok(log) = self.repo.reflog(&format!("refs/heads/{branch}")) else { return false };
        let oldest = log.len().checked_sub(1).and_then(|last| log.get(last));
        oldest.is_some_and(|oldest| oldest.id_new() != tip)
    }

    fn is_unrelated(&self, fix: Oid, base_there: &str) -> bool {
        let Ok(base) = Oid::from_str(base_there) else { return false };
        self.repo.find_commit(base).is_ok() && self.repo.merge_base(fix, base).is_err()
    }

    fn try_merges(&mut self, base: &mut Target, back: &mut [Target], fix: Oid) {
        let others: Vec<&str> = back.iter().map(|target| target.there.as_str()).collect();
        let (into_base, into_others) = self.forecast(&fix.to_string(), &base.there, &others, FORECASTING);
        base.forecast = into_base;
        for (target, verdict) in back.iter_mut().zip(into_others) {
            target.forecast = verdict;
        }
        for target in std::iter::once(base).chain(back) {
            if !self.has_commit(&target.there) {
                let short = target.there.get(..7).unwrap_or(&target.there);
                let why = format!("it is at {short} now, which is fetched when this is started");
                target.forecast = Verdict::Unknown(why);
            }
        }
    }

    /// The first branch of which so little history is here that git could not merge into it.
    fn cut_off<'t>(&self, fix: Oid, targets: impl IntoIterator<Item = &'t Target>) -> Option<&'t str> {
        let cut = |target: &&Target| !target.has_fix && self.is_unrelated(fix, &target.there);
        let mut targets = targets.into_iter().filter(|_| self.repo.is_shallow());
        targets.find(cut).map(|target| target.name.as_str())
    }

    fn subjects(&self, fix: Oid, base: &Target, base_there: &str) -> Result<Vec<String>, Error> {
        let merged = base.merged.as_ref().and_then(|id| Oid::from_str(id).ok());
        let before = match merged {
            Some(merged) => self.repo.find_commit(merged)?.parent_ids().next(),
            None => Oid::from_str(base_there).ok().filter(|id| self.repo.find_commit(*id).is_ok()),
        };
        let mut walk = self.repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME | Sort::REVERSE)?;
        walk.push(fix)?;
        if let Some(before) = before {
            walk.hide(before)?;
        }
        let mut subjects = Vec::new();
        for id in walk.take(MAX_SUBJECTS) {
            let commit = self.repo.find_commit(id?)?;
            if is_change(&commit) {
                let subject = commit.summary_bytes().unwrap_or_default();
                subjects.push(String::from_utf8_lossy(subject).into_owned());
            }
        }
        Ok(subjects)
    }

    fn tags_here(&self) -> Result<BTreeMap<String, Tag>, Error> {
        let mut tags = BTreeMap::new();
        for reference in self.repo.references_glob("refs/tags/*")? {
            let reference = reference?;
            let name = std::str::from_utf8(reference.name_bytes()).ok();
            let Some(name) = name.and_then(|name| name.strip_prefix("refs/tags/")) else { continue };
            if let (Some(object), Ok(commit)) = (reference.target(), reference.peel_to_commit()) {
                let tag = Tag { object: object.to_string(), commit: commit.id().to_string() };
                tags.insert(name.to_owned(), tag);
            }
        }
        Ok(tags)
    }

    /// Work trees and the branch that each has checked out.
    fn checkouts(&self) -> Vec<Tree> {
        let mut repos: Vec<Repository> = Repository::open(self.repo.commondir()).into_iter().collect();
        let names = self.repo.worktrees().ok();
        let names: Vec<String> = names
            .iter()
            .flat_map(|names| names.iter().filter_map(|name| name.ok().flatten().map(str::to_owned)))
            .collect();
        for name in names {
            let tree = self.repo.find_worktree(&name);
            repos.extend(tree.and_then(|tree| Repository::open_from_worktree(&tree)));
        }
        repos.iter().filter_map(Tree::of).collect()
    }

    /// Where merges are made: what an earlier plan left, whole or to be made anew, unless somebody is in
    /// the middle of something else in it. The second is one that is left alone.
    fn finish_scratch(&self, fix: Oid) -> (Scratch, Option<String>) {
        let common = self.common_dir().canonicalize().unwrap_or_else(|_| self.common_dir().to_path_buf());
        let fix: String = fix.to_string().chars().take(12).collect();
        let folder = common.join("flightdeck");
        let path = |number: u32| match number {
            1 => folder.join(format!("finish-{fix}")),
            number => folder.join(format!("finish-{fix}-{number}")),
        };
        let mut left_alone = None;
        for number in 1..100 {
            let path = path(number);
            let text = path.to_string_lossy().into_owned();
            match scratch_now(&path, &common) {
                Left::Tree(now) => return (Scratch { path: text, now: Some(now) }, left_alone),
                Left::Nothing => return (Scratch { path: text, now: None }, left_alone),
                Left::Busy => left_alone = left_alone.or(Some(text)),
            }
        }
        (Scratch { path: path(100).to_string_lossy().into_owned(), now: None }, left_alone)
    }
}

/// What there is of a scratch work tree.
enum Left {
    /// A whole one.
    Tree(ScratchNow),
    /// None, or one that is not whole: it is made anew.
    Nothing,
    /// One in which somebody is at something that no plan has begun.
    Busy,
}

/// A scratch work tree as it is. It is made for merges, so what it holds between them is of no value.
fn scratch_now(path: &Path, common: &Path) -> Left {
    let Ok(repo) = Repository::open(path) else { return Left::Nothing };
    let is_here = repo.commondir().canonicalize().is_ok_and(|found| found == *common);
    let head = repo.head().and_then(|head| head.peel_to_commit());
    let (true, Ok(head)) = (is_here && repo.is_worktree(), head) else { return Left::Nothing };
    let head = head.id().to_string();
    match repo.state() {
        RepositoryState::Merge => Left::Tree(ScratchNow { head, merging: Some(merging(&repo)) }),
        RepositoryState::Clean => Left::Tree(ScratchNow { head, merging: None }),
        _ => Left::Busy,
    }
}

/// The commit that is being merged; empty where that cannot be told.
fn merging(repo: &Repository) -> String {
    let read = || {
        let merging = std::fs::read_to_string(repo.path().join("MERGE_HEAD")).ok()?;
        let merging = Oid::from_str(merging.lines().next()?.trim()).ok()?;
        // What is merged may be a tag: the commit that it leads to is meant.
        Some(repo.find_object(merging, None).ok()?.peel_to_commit().ok()?.id().to_string())
    };
    read().unwrap_or_default()
}

/// Tags of the remote. Where it was not asked, none is taken for being there: what is pushed once
/// more does no harm.
fn tags_there(known: &Known) -> BTreeMap<String, Tag> {
    if known.by != Source::Asked {
        return BTreeMap::new();
    }
    let tags = known.refs.tags.iter();
    tags.map(|(name, tag)| (name.clone(), Tag { object: tag.object.clone(), commit: tag.commit.clone() }))
        .collect()
}

/// Branches that are owed a fix and that the remote, which was asked, has no longer.
fn gone(sought: &Sought<'_>, fix: Oid) -> Vec<String> {
    let fix = fix.to_string();
    let owed = sought.merges.iter().filter(|merge| merge.is_open() && merge.commit == fix);
    let gone = owed.filter(|merge| sought.known.refs.branch(&merge.into).is_none());
    gone.map(|merge| merge.into.clone()).filter(|_| sought.known.by == Source::Asked).collect()
}

/// A work tree and the branch that it has checked out.
struct Tree {
    path: String,
    branch: String,
    is_clean: bool,
}

impl Tree {
    fn of(repo: &Repository) -> Option<Self> {
        let path = directory(repo.workdir()?);
        let head = repo.find_reference("HEAD").ok()?;
        let branch = String::from_utf8_lossy(head.symbolic_target_bytes()?).into_owned();
        let is_clean = repo.state() == RepositoryState::Clean
            && status::read(repo).is_ok_and(|changes| changes.is_empty());
        Some(Self { path, branch, is_clean })
    }

    fn checkout(&self) -> Checkout {
        Checkout { path: self.path.clone(), is_clean: self.is_clean }
    }
}

/// A directory as people write it: without a slash at its end.
fn directory(path: &Path) -> String {
    path.components().collect::<PathBuf>().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
