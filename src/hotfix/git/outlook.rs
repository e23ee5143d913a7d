//! Finds out what is ahead of the branch: what merging it would do, how far it has grown, and where
//! it really is.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use git2::{Delta, DiffFindOptions, DiffOptions, Error, Oid, Patch, Repository};

use super::forecast::{CUT_OFF, LATE};
use super::history::Cut;
use super::{Reader, change, is_change, refs, series, versions};
use crate::config::types::{Flow, Hotfix};
use crate::hotfix::growth::{self, FileChange};
use crate::hotfix::outlook::{Bump, Forecast, Growth, Outlook, Place, Question, Verdict};
use crate::hotfix::state::{BranchState, NoRepository};
use crate::hotfix::{standing, version};
use crate::incident::HotfixLimit;
use crate::text::visible;

/// Files that are looked into; a change of more has grown without that.
const MAX_FILES: usize = 200;
/// Files longer than this are not looked into.
const MAX_FILE_BYTES: i64 = 1 << 20;
/// Changed lines of one file that are looked into.
const MAX_LINE_BYTES: usize = 64 << 10;
/// Commits of the base that are compared with what was tried out.
const MAX_SQUASHED: usize = 50;
/// With more files than this, renames are not looked for.
const MAX_RENAME_FILES: usize = 1000;

impl Reader {
    /// Finds out all there is to know in about the time that is given. What takes longer is unknown.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn outlook(
        &mut self,
        hotfix: &Hotfix,
        limit: &HotfixLimit,
        question: &Question,
        budget: Duration,
    ) -> Result<Outlook, NoRepository> {
        self.outlook_in_parts(hotfix, limit, question, budget, |_| {})
    }

    /// The same, told whenever something more is known.
    ///
    /// # Errors
    /// As for [`Reader::outlook`].
    pub fn outlook_in_parts(
        &mut self,
        hotfix: &Hotfix,
        limit: &HotfixLimit,
        question: &Question,
        budget: Duration,
        mut told: impl FnMut(&Outlook),
    ) -> Result<Outlook, NoRepository> {
        let until = Instant::now() + budget;
        let state = self.read_ground(hotfix)?;
        let mut outlook = Outlook {
            branch: state.branch().unwrap_or_default().to_owned(),
            commit: state.commit().unwrap_or_default().to_owned(),
            ..Outlook::default()
        };
        let head = state.commit().and_then(|id| Oid::from_str(id).ok());
        let base = state.base_at.as_ref().and_then(|base| Oid::from_str(&base.commit).ok());
        let Some(head) = head else { return Ok(outlook) };
        outlook.forecasts = self.targets(hotfix, &state);
        told(&outlook);
        self.forecasts(&mut outlook, &state, question, until);
        told(&outlook);
        if let Some(base) = base {
            let merged = |tried: &String| Some((tried.clone(), self.merged(base, tried, until)?));
            outlook.merged = question.tried.iter().filter_map(merged).collect();
            // Where nothing was committed that the base has not, there is nothing to raise.
            let is_there = |first: &Forecast| first.verdict == Verdict::Contained;
            let is_merged = base == head || outlook.forecasts.first().is_some_and(is_there);
            outlook.bump = if is_merged { None } else { self.bump(hotfix, base, head) };
            outlook.growth = self.growth(hotfix, limit, base, head, until);
        }
        if let Some(fix) = self.fix(hotfix, &state, question, until) {
            outlook.places = self.whereabouts(question, head, &fix, until);
        }
        Ok(outlook)
    }

    /// The merges that finishing the branch would make.
    fn targets(&self, hotfix: &Hotfix, state: &BranchState) -> Vec<Forecast> {
        let (Some(name), Some(base)) = (&state.base, &state.base_at) else { return Vec::new() };
        let looking = |into: &str, reference: &str, commit: &str| Forecast {
            into: into.to_owned(),
            reference: reference.to_owned(),
            commit: commit.to_owned(),
            verdict: Verdict::Looking,
        };
        if state.branch() == Some(name.as_str()) {
            // Straight on the base: it goes into the remote's.
            let there = refs::tracking(&self.repo, name, state.remote.as_deref()).ok().flatten();
            let there = there.filter(|_| hotfix.flow == Flow::Trunk);
            return there.map(|(full, id)| looking(name, &full, &id.to_string())).into_iter().collect();
        }
        if state.branch().is_none() || is_next(state) {
            return Vec::new();
        }
        let mut targets = vec![looking(name, &base.reference, &base.commit)];
        for at in state.develop.iter().chain(&state.releases) {
            let remote = state.remote.as_deref().unwrap_or_default();
            let short = at.short().strip_prefix(remote).and_then(|rest| rest.strip_prefix('/'));
            let short = short.filter(|_| at.reference.starts_with("refs/remotes/")).unwrap_or(at.short());
            targets.push(looking(short, &at.reference, &at.commit));
        }
        targets
    }

    fn forecasts(&mut self, outlook: &mut Outlook, state: &BranchState, question: &Question, until: Instant) {
        let Some((production, others)) = outlook.forecasts.split_first_mut() else { return };
        let landed = question.landed.as_deref().and_then(|id| Oid::from_str(id).ok());
        let fix = state.commit().unwrap_or_default();
        let others_at: Vec<&str> = others.iter().map(|other| other.commit.as_str()).collect();
        let left = until.saturating_duration_since(Instant::now());
        let (verdict, verdicts) = self.forecast(fix, &production.commit, &others_at, left);
        production.verdict = verdict;
        for (other, verdict) in others.iter_mut().zip(verdicts) {
            other.verdict = verdict;
        }
        // A squashed branch has landed though none of its own commits has.
        for forecast in &mut outlook.forecasts {
            if let (Some(landed), Ok(at)) = (landed, Oid::from_str(&forecast.commit))
                && forecast.verdict != Verdict::Contained
                && self.has(at, landed, until) == Ok(true)
            {
                forecast.verdict = Verdict::Contained;
            }
        }
    }

    fn bump(&mut self, hotfix: &Hotfix, base: Oid, head: Oid) -> Option<Bump> {
        let line = self.line(hotfix, base, &BTreeMap::new(), series::WALK);
        let line = line.inspect_err(|error| tracing::warn!(%error, "looking for tags")).ok()?;
        let own = self.own_files(hotfix, &line).hotfix;
        let at = |commit| {
            let found = versions::versions_at(&self.repo, commit, &own);
            found.inspect_err(|error| tracing::warn!(%error, "reading versions")).ok()
        };
        version::compare(&at(base)?, &at(head)?, &line.series)
    }

    fn growth(
        &mut self,
        hotfix: &Hotfix,
        limit: &HotfixLimit,
        base: Oid,
        head: Oid,
        until: Instant,
    ) -> Growth {
        let stand = self.stand(head, base, false);
        let fork = stand.ok().flatten().and_then(|stand| stand.base);
        let files =
            fork.filter(|fork| *fork != head).map(|fork| files(&self.repo, hotfix, fork, head, until));
        match files {
            Some(Ok(files)) => growth::growth(&files, limit),
            Some(Err(error)) => {
                tracing::warn!(%error, "looking into the change");
                Growth::default()
            }
            None => Growth::default(),
        }
    }

    /// The files that differ between two commits, tests and versions left out, and whether that is more than a
    /// minimal fix; `None`: one of the commits is not here, or they cannot be compared.
    pub fn grown(
        &self,
        hotfix: &Hotfix,
        limit: &HotfixLimit,
        from: &str,
        to: &str,
        budget: Duration,
    ) -> Option<(Vec<String>, Growth)> {
        let (from, to) = (Oid::from_str(from).ok()?, Oid::from_str(to).ok()?);
        let files = files(&self.repo, hotfix, from, to, Instant::now() + budget).ok()?;
        let growth = growth::growth(&files, limit);
        let counted = files.into_iter().filter(|file| !file.is_apart).map(|file| file.path);
        Some((counted.collect(), growth))
    }

    /// Tells whether a commit has another in it; else why nobody can tell.
    fn has(&mut self, commit: Oid, other: Oid, until: Instant) -> Result<bool, String> {
        match self.history.compare(&self.repo, &[other], &[commit], until) {
            Ok(compared) if compared.is_contained() => Ok(true),
            Ok(compared) if compared.cut_off => Err(CUT_OFF.to_owned()),
            Ok(_) => Ok(false),
            Err(cut) => Err(why(&cut)),
        }
    }

    /// The fix that HEAD is the end of; `None`: nothing was committed that could be one. What has come
    /// into a branch that others work on is no longer told apart from what they did there.
    fn fix(
        &mut self,
        hotfix: &Hotfix,
        state: &BranchState,
        question: &Question,
        until: Instant,
    ) -> Option<Fix> {
        let head = Oid::from_str(state.commit()?).ok()?;
        let own = standing::branch(hotfix, state);
        let Some(base) = state.base_at.as_ref().and_then(|base| Oid::from_str(&base.commit).ok()) else {
            return own.map(|_| Fix::Whole);
        };
        let on_base = state.branch().is_some() && state.branch() == state.base.as_deref();
        if is_next(state) || (on_base && hotfix.flow != Flow::Trunk) {
            return None;
        }
        let goal = match state.branch().filter(|_| on_base) {
            // Straight on the base it is what the remote does not have.
            Some(name) => refs::tracking(&self.repo, name, state.remote.as_deref()).ok()??.1,
            None => base,
        };
        match self.history.compare(&self.repo, &[head], &[goal], until) {
            Ok(compared) if !compared.ahead.is_empty() => {
                Some(Fix::Commits(compared.ahead.into_iter().collect()))
            }
            // Once it was merged, none is left that the base does not have.
            Ok(_) => {
                let was_merged = || own.is_some() && matches!(self.before(goal, head), Ok(Some(_)));
                (!on_base && (question.landed.is_some() || was_merged())).then_some(Fix::Whole)
            }
            Err(_) => own.map(|_| Fix::Whole),
        }
    }

    /// When the change of a commit came into the base: as it is, or as one commit with the same files or the
    /// same change. The branch it was on may be gone.
    fn merged(&mut self, base: Oid, tried: &str, until: Instant) -> Option<Timestamp> {
        let tried = Oid::from_str(tried).ok()?;
        let compared = self.history.compare(&self.repo, &[tried], &[base], until).ok()?;
        let tip = self.repo.find_commit(tried).ok()?;
        if compared.is_contained() {
            return Some(change::timestamp(tip.time().seconds()));
        }
        let fork = compared.bases.first().copied()?;
        let wanted = change::patch_id(&self.repo, fork, tried).ok()?;
        let mut at = self.repo.find_commit(base).ok()?;
        for _ in 0..MAX_SQUASHED.min(compared.behind) {
            let parent = at.parent(0).ok()?;
            let is_same = at.tree_id() == tip.tree_id()
                || change::patch_id(&self.repo, parent.id(), at.id()).is_ok_and(|made| made == wanted);
            if is_same {
                return Some(change::timestamp(at.time().seconds()));
            }
            if parent.id() == fork || Instant::now() >= until {
                return None;
            }
            at = parent;
        }
        None
    }

    fn whereabouts(&mut self, question: &Question, head: Oid, fix: &Fix, until: Instant) -> Vec<Place> {
        let landed = question.landed.as_deref().and_then(|id| Oid::from_str(id).ok());
        let own = match fix {
            Fix::Commits(own) => Some(own),
            Fix::Whole => None,
        };
        let asked: Vec<_> = question.deployed.clone();
        let mut places = Vec::new();
        for (environment, release, commit) in asked {
            let (has_fix, lacks) = self.place(&commit, head, landed, own, until);
            places.push(Place { environment, release, has_fix, lacks });
        }
        places
    }

    fn place(
        &mut self,
        commit: &str,
        head: Oid,
        landed: Option<Oid>,
        own: Option<&HashSet<Oid>>,
        until: Instant,
    ) -> (Result<bool, String>, usize) {
        let here = Oid::from_str(commit).ok().filter(|id| self.repo.find_commit(*id).is_ok());
        let Some(here) = here else {
            return (Err("the commit that is deployed there is not here: git fetch".to_owned()), 0);
        };
        if let Some(landed) = landed
            && self.has(here, landed, until) == Ok(true)
        {
            return (Ok(true), 0);
        }
        // A merge that adds nothing is a commit more, and the same files.
        let tree = |id| self.repo.find_commit(id).map(|commit| commit.tree_id());
        if matches!((tree(here), tree(head)), (Ok(here), Ok(head)) if here == head) {
            return (Ok(true), 0);
        }
        match self.history.compare(&self.repo, &[head], &[here], until) {
            Ok(compared) if compared.is_contained() => (Ok(true), 0),
            Ok(compared) if compared.cut_off => (Err(CUT_OFF.to_owned()), 0),
            Ok(compared) => {
                let has_fix = !compared.ahead.iter().any(|id| own.is_none_or(|own| own.contains(id)));
                // As a deploy counts them.
                let changes = |id: &&Oid| self.repo.find_commit(**id).is_ok_and(|commit| is_change(&commit));
                let lacks = if has_fix { 0 } else { compared.ahead.iter().filter(changes).count() };
                (Ok(has_fix), lacks)
            }
            Err(cut) => (Err(why(&cut)), 0),
        }
    }
}

/// What a fix is made of.
enum Fix {
    /// These commits.
    Commits(HashSet<Oid>),
    /// All that HEAD has: its own commits cannot be told apart any more.
    Whole,
}

/// Tells whether HEAD is on the branch of the next release, or on a release branch.
fn is_next(state: &BranchState) -> bool {
    let mut shared = state.develop.iter().chain(&state.releases);
    shared.any(|at| {
        let remote = state.remote.as_deref().unwrap_or_default();
        let short = at.short();
        let there = short.strip_prefix(remote).and_then(|rest| rest.strip_prefix('/'));
        state.branch().is_some_and(|branch| branch == short || there == Some(branch))
    })
}

fn why(cut: &Cut) -> String {
    match cut {
        Cut::Late => LATE.to_owned(),
        Cut::Git(error) => visible(error.message()).into_owned(),
    }
}

/// What was done to each file between two commits.
fn files(
    repo: &Repository,
    hotfix: &Hotfix,
    from: Oid,
    to: Oid,
    until: Instant,
) -> Result<Vec<FileChange>, Error> {
    let mut options = DiffOptions::new();
    options.context_lines(0).max_size(MAX_FILE_BYTES);
    let (from, to) = (repo.find_commit(from)?.tree()?, repo.find_commit(to)?.tree()?);
    change::look_where_changed(repo, Some(&from), Some(&to), &mut options)?;
    let mut diff = repo.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?;
    if diff.deltas().len() <= MAX_RENAME_FILES {
        diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
    }
    let mut files = Vec::new();
    for (at, delta) in diff.deltas().enumerate() {
        let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        let is_version =
            version::Kind::of(&path).is_some() || hotfix.versions.iter().any(|file| file.path == path);
        let is_apart = change::is_test(&path) || is_version || is_lock(&path);
        let mut file = FileChange { path, is_apart, ..FileChange::default() };
        if !is_apart && at < MAX_FILES && Instant::now() < until {
            if let Some(patch) = Patch::from_diff(&diff, at)? {
                (_, file.insertions, file.deletions) = patch.line_stats()?;
                file.lines = lines(&patch)?;
            }
            file.formatting_only = delta.status() == Delta::Modified
                && delta.old_file().mode() == delta.new_file().mode()
                && match (text(repo, delta.old_file().id())?, text(repo, delta.new_file().id())?) {
                    (Some(old), Some(new)) => growth::same_but_for_space(&file.path, &old, &new),
                    _ => false,
                };
        }
        files.push(file);
    }
    Ok(files)
}

fn lines(patch: &Patch<'_>) -> Result<String, Error> {
    let mut text = String::new();
    for hunk in 0..patch.num_hunks() {
        for line in 0..patch.num_lines_in_hunk(hunk)? {
            if text.len() >= MAX_LINE_BYTES {
                return Ok(text);
            }
            text.push_str(&String::from_utf8_lossy(patch.line_in_hunk(hunk, line)?.content()));
        }
    }
    Ok(text)
}

/// The text of a file; `None`: it is none, or too long.
fn text(repo: &Repository, id: Oid) -> Result<Option<String>, Error> {
    let (length, kind) = repo.odb()?.read_header(id)?;
    if kind != git2::ObjectType::Blob || length as i64 > MAX_FILE_BYTES {
        return Ok(None);
    }
    Ok(String::from_utf8(repo.find_blob(id)?.content().to_vec()).ok().filter(|text| !text.contains('\0')))
}

/// Tells whether a tool wrote a file, after one that a person wrote.
fn is_lock(path: &str) -> bool {
    const LOCKS: [&str; 10] = [
        "Cargo.lock",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "poetry.lock",
        "uv.lock",
        "Gemfile.lock",
        "composer.lock",
        "go.sum",
    ];
    LOCKS.contains(&path.rsplit('/').next().unwrap_or(path))
}

#[cfg(test)]
mod tests;
