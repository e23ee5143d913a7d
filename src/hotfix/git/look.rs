//! The state of the branch: a quick look that leaves out what takes long, and the whole of it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use git2::{Error, ErrorCode, Oid};

use super::command::Git;
use super::history::Cut;
use super::releases::LOOKING;
use super::series::{Asked, Line};
use super::{Reader, change, operation, refs, refused};
use crate::config::types::{Flow, Hotfix};
use crate::hotfix::state::{BaseAt, BranchState, ChangeSize, Commit, Head, NoRepository, Upstream};
use crate::hotfix::watch::Changed;

/// Time for one walk through the history, and for the git command where that was not enough.
const WALK: Duration = Duration::from_millis(800);
const ASK: Duration = Duration::from_secs(8);
/// Time a quick look has to find out which of two references is newer.
const GLANCE: Duration = Duration::from_millis(2);
/// An index no longer than this is quickly compared with the work tree.
const SMALL_INDEX: u64 = 512 << 10;
/// Comparisons kept.
const MAX_COMPARED: usize = 64;
/// How many commits back from the base the newest tag is looked for.
pub(super) const MAX_TAG_WALK: usize = 50_000;

/// How far to look.
enum Depth {
    First,
    /// Branches only, but these for sure.
    Refs,
    Whole(Changed),
}

/// How two commits stand to each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Stand {
    pub(super) ahead: usize,
    pub(super) behind: usize,
    /// What only the first has, newest first, at most [`BranchState::MAX_COMMITS`].
    pub(super) commits: Vec<Oid>,
    /// Where the two part.
    pub(super) base: Option<Oid>,
}

/// What was compared, and how large the last change was.
#[derive(Default)]
pub(super) struct Compared {
    stands: HashMap<(Oid, Oid), Stand>,
    change: Option<Measured>,
    last_tag: Option<(Oid, Vec<refs::Tag>, Option<String>)>,
    pub(super) line: Option<(Asked, Line)>,
    /// How many commits of a base a branch lacks, merges aside.
    pub(super) brings: HashMap<(Oid, Oid), usize>,
}

/// A change that was measured.
struct Measured {
    /// The two commits it lies between: where it ends, and what it is to go into.
    between: (Oid, Oid),
    size: ChangeSize,
    /// Newest first, at most [`BranchState::MAX_COMMITS`].
    commits: Vec<Commit>,
}

/// What is known of the newest tag before a commit.
enum LastTag {
    /// It takes a longer walk through the history to say.
    NotYet,
    /// This one; `None`: there is none.
    Found(Option<String>),
}

type Found<T> = Result<T, Error>;

impl Reader {
    /// Reads what can be read at once: everything but what takes a walk through the history, and
    /// but the changed files where there are many files. What is left out says so in
    /// [`BranchState::not_yet`].
    pub fn read_first(&mut self, hotfix: &Hotfix) -> Result<BranchState, NoRepository> {
        self.looked(hotfix, &Depth::First)
    }

    /// Reads all that is known about the branch now.
    pub fn read(&mut self, hotfix: &Hotfix) -> Result<BranchState, NoRepository> {
        self.looked(hotfix, &Depth::Whole(Changed::Anything))
    }

    /// The same after something changed, and nothing else since the last time.
    pub fn read_after(&mut self, hotfix: &Hotfix, changed: Changed) -> Result<BranchState, NoRepository> {
        self.looked(hotfix, &Depth::Whole(changed))
    }

    /// Reads HEAD and the branches it goes into, and nothing else.
    pub(super) fn read_ground(&mut self, hotfix: &Hotfix) -> Result<BranchState, NoRepository> {
        self.looked(hotfix, &Depth::Refs)
    }

    fn looked(&mut self, hotfix: &Hotfix, depth: &Depth) -> Result<BranchState, NoRepository> {
        if !self.repo.path().exists() {
            return Err(NoRepository::NotFound);
        }
        self.look(hotfix, depth).map_err(|error| refused(&error, &self.root))
    }

    fn look(&mut self, hotfix: &Hotfix, depth: &Depth) -> Found<BranchState> {
        let (head, at) = self.head()?;
        let mut state = BranchState::new(self.root.to_string_lossy(), head);
        state.operation = operation(&self.repo);
        state.cut_off = self.repo.is_shallow();
        let is_first = matches!(depth, Depth::First);
        match depth {
            Depth::First if !self.has_small_index() => state.not_yet.changes = true,
            Depth::First => self.dirty(&mut state, at, &Changed::Anything)?,
            Depth::Refs => {}
            Depth::Whole(changed) => self.dirty(&mut state, at, changed)?,
        }

        state.remote = self.remote_name(&hotfix.remote);
        let remote = state.remote.clone();
        state.fetched_at = remote.as_deref().and_then(|remote| self.fetched_at(remote, None));
        state.base = refs::base_name(&self.repo, &hotfix.base, remote.as_deref());
        state.base_at = match state.base.clone() {
            Some(name) => self.newer(&name, remote.as_deref(), is_first)?,
            None => None,
        };
        let base = state.base_at.as_ref().and_then(|at| Oid::from_str(&at.commit).ok());

        let branches = refs::Branches::read(&self.repo, remote.as_deref())?;
        let tags = self.cache.tags.read(&self.repo)?;
        if hotfix.flow == Flow::GitFlow {
            let is_base = |name: &String| state.base.as_ref() == Some(name);
            let mut named = branches.open(&hotfix.release_prefix);
            named.retain(|name| !is_base(name) && *name != hotfix.develop);
            if !is_base(&hotfix.develop) {
                state.develop = self.newer(&hotfix.develop, remote.as_deref(), is_first)?;
            }
            state.releases = self.open_releases(hotfix, &state, (at, base), &named, is_first)?;
        }
        state.remote_hotfixes = branches.only_remote(&hotfix.prefix);
        state.hotfix_branches = refs::with_prefix(&branches.here, &hotfix.prefix);
        let current = state.branch().map(str::to_owned);
        state.deployable = refs::deployable(&branches.here, &tags, current.as_deref(), state.base.as_deref());
        if let Some(head) = at {
            state.tags = tags.iter().filter(|tag| tag.commit == head).map(|tag| tag.name.clone()).collect();
            state.version = self.version(head, hotfix)?;
            state.same_content = self.same_content(&head.to_string());
        }
        if !matches!(depth, Depth::Refs) {
            self.count(&mut state, (at, base), &tags, is_first)?;
        }
        Ok(state)
    }

    /// The newest commits that a commit has, itself first, and when each was made. In a history that is
    /// cut off, as far as there are any.
    fn newest_commits(&self, head: Oid) -> Vec<(String, jiff::Timestamp)> {
        let Ok(mut walk) = self.repo.revwalk() else { return Vec::new() };
        if walk.set_sorting(git2::Sort::TIME).and_then(|()| walk.push(head)).is_err() {
            return Vec::new();
        }
        let made = |id: Oid| {
            let seconds = self.repo.find_commit(id).ok()?.time().seconds();
            Some((id.to_string(), jiff::Timestamp::from_second(seconds).ok()?))
        };
        walk.map_while(Result::ok).map_while(made).take(BranchState::MAX_LANDED).collect()
    }

    /// Fills in what takes a walk through the history.
    fn count(
        &mut self,
        state: &mut BranchState,
        (head, base): (Option<Oid>, Option<Oid>),
        tags: &[refs::Tag],
        is_first: bool,
    ) -> Found<()> {
        let mut late = false;
        let mut stand = |reader: &mut Self, one, other| -> Found<Stand> {
            let found = reader.stand(one, other, is_first)?;
            late |= found.is_none();
            Ok(found.unwrap_or_default())
        };
        state.upstream = match self.upstream_of_head(state)? {
            Some((name, Some(remote))) => {
                let Stand { ahead, behind, .. } = match head {
                    Some(head) => stand(self, head, remote)?,
                    None => Stand::default(),
                };
                Some(Upstream { name, exists: true, ahead, behind })
            }
            Some((name, None)) => Some(Upstream { name, exists: false, ahead: 0, behind: 0 }),
            None => None,
        };
        if let Some((name, local, remote)) = self.both_bases(state)? {
            let Stand { ahead, behind, .. } = stand(self, local, remote)?;
            state.base_upstream = Some(Upstream { name, exists: true, ahead, behind });
        }
        if let (Some(head), Some(base)) = (head, base) {
            let found = stand(self, head, base)?;
            (state.ahead, state.behind) = (found.ahead, found.behind);
            if found.ahead == 0 && !late {
                state.landed = self.newest_commits(head);
            }
            if !late {
                let between = (head, base);
                let known = self.compared.change.as_ref().is_some_and(|known| known.between == between);
                if !known && !is_first {
                    let size = match found.base {
                        Some(fork) => change::size(&self.repo, fork, head)?,
                        // Nothing that the change could be measured against.
                        None => ChangeSize::default(),
                    };
                    let commits = change::commits(&self.repo, &found.commits)?;
                    self.compared.change = Some(Measured { between, size, commits });
                }
                match &self.compared.change {
                    Some(known) if known.between == between => {
                        (state.size, state.commits) = (known.size, known.commits.clone());
                    }
                    _ if found.ahead == 0 => {}
                    _ => late = true,
                }
            }
        }
        if let Some(base) = base {
            match self.last_tag(base, tags, is_first)? {
                LastTag::Found(tag) => state.last_tag = tag,
                LastTag::NotYet => late |= is_first,
            }
        }
        state.not_yet.counts = late;
        if late {
            // Some of them known and some of them not would look like all of them known.
            (state.ahead, state.behind) = (0, 0);
            (state.size, state.commits) = (ChangeSize::default(), Vec::new());
            for upstream in state.upstream.iter_mut().chain(&mut state.base_upstream) {
                (upstream.ahead, upstream.behind) = (0, 0);
            }
        }
        Ok(())
    }

    fn has_small_index(&self) -> bool {
        let length = std::fs::metadata(self.repo.path().join("index")).map(|meta| meta.len());
        length.is_ok_and(|length| length <= SMALL_INDEX)
    }

    fn dirty(&mut self, state: &mut BranchState, head: Option<Oid>, changed: &Changed) -> Found<()> {
        state.dirty = self.cache.changes.read(&self.repo, head, changed)?;
        state.dirty_count = state.dirty.len();
        state.dirty.truncate(BranchState::MAX_FILES);
        Ok(())
    }

    fn head(&self) -> Found<(Head, Option<Oid>)> {
        let head = self.repo.find_reference("HEAD")?;
        let Some(target) = head.symbolic_target_bytes() else {
            let commit = head.peel_to_commit()?.id();
            return Ok((Head::Detached { commit: commit.to_string() }, Some(commit)));
        };
        let name =
            String::from_utf8_lossy(target.strip_prefix(b"refs/heads/").unwrap_or(target)).into_owned();
        match head.resolve() {
            Ok(branch) => {
                let commit = branch.peel_to_commit()?.id();
                Ok((Head::Branch { name, commit: commit.to_string() }, Some(commit)))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok((Head::Unborn { name }, None)),
            Err(error) => Err(error),
        }
    }

    /// The reference that the base is read at, and its commit.
    pub(super) fn base_at(&mut self, name: &str, remote: Option<&str>) -> Found<Option<(String, Oid)>> {
        let Some(at) = self.newer(name, remote, false)? else { return Ok(None) };
        Ok(Some((at.reference, Oid::from_str(&at.commit)?)))
    }

    /// Where a branch is read: here, unless the remote's has moved on from exactly there.
    fn newer(&mut self, name: &str, remote: Option<&str>, is_first: bool) -> Found<Option<BaseAt>> {
        let local = refs::commit_of(&self.repo, &format!("refs/heads/{name}"))?;
        let tracking = refs::tracking(&self.repo, name, remote)?;
        let found = match (local, tracking) {
            (Some(local), Some((_, remote))) if local.1 == remote => Some(local),
            (Some(local), Some(there)) => {
                let is_behind = match self.compared.stands.get(&(local.1, there.1)) {
                    Some(stand) => stand.ahead == 0,
                    None if is_first => {
                        let until = Instant::now() + GLANCE;
                        match self.history.compare(&self.repo, &[local.1], &[there.1], until) {
                            Ok(compared) => compared.is_contained(),
                            Err(Cut::Late) => false,
                            Err(Cut::Git(error)) => return Err(error),
                        }
                    }
                    None => self.stand(local.1, there.1, false)?.is_some_and(|stand| stand.ahead == 0),
                };
                Some(if is_behind { there } else { local })
            }
            (Some(only), None) | (None, Some(only)) => Some(only),
            (None, None) => None,
        };
        Ok(found.map(|(reference, commit)| BaseAt { reference, commit: commit.to_string() }))
    }

    /// The name of the upstream of the current branch, and its commit if it is known here. Where none
    /// is set, or only a branch here, the remote's branch of the same name tells what was pushed.
    fn upstream_of_head(&self, state: &BranchState) -> Found<Option<(String, Option<Oid>)>> {
        let Head::Branch { name, .. } = &state.head else { return Ok(None) };
        let configured = self.repo.branch_upstream_name(&format!("refs/heads/{name}")).ok();
        let configured = configured.map(|full| String::from_utf8_lossy(&full).into_owned());
        if let Some(full) = configured.filter(|full| !full.starts_with("refs/heads/")) {
            let commit = refs::commit_of(&self.repo, &full)?.map(|(_, commit)| commit);
            return Ok(Some((short(&full), commit)));
        }
        let found = refs::tracking(&self.repo, name, state.remote.as_deref())?;
        Ok(found.map(|(full, commit)| (short(&full), Some(commit))))
    }

    /// The base here and at the remote, with the name of the latter.
    fn both_bases(&self, state: &BranchState) -> Found<Option<(String, Oid, Oid)>> {
        let Some(name) = &state.base else { return Ok(None) };
        let local = refs::commit_of(&self.repo, &format!("refs/heads/{name}"))?;
        let tracking = refs::tracking(&self.repo, name, state.remote.as_deref())?;
        Ok(local.zip(tracking).map(|((_, local), (full, remote))| (short(&full), local, remote)))
    }

    /// How two commits stand to each other; `None`: it is not known yet, or it takes too long.
    pub(super) fn stand(&mut self, one: Oid, other: Oid, is_first: bool) -> Found<Option<Stand>> {
        if one == other {
            return Ok(Some(Stand { base: Some(one), ..Stand::default() }));
        }
        if let Some(known) = self.compared.stands.get(&(one, other)) {
            return Ok(Some(known.clone()));
        }
        if is_first {
            return Ok(None);
        }
        let found = match self.history.compare(&self.repo, &[one], &[other], Instant::now() + WALK) {
            Ok(compared) => Some(Stand {
                ahead: compared.ahead.len(),
                behind: compared.behind,
                base: compared.bases.first().copied(),
                commits: compared.ahead.into_iter().take(BranchState::MAX_COMMITS).collect(),
            }),
            Err(Cut::Late) => self.ask_stand(one, other),
            Err(Cut::Git(error)) => return Err(error),
        };
        if let Some(found) = &found {
            if self.compared.stands.len() >= MAX_COMPARED {
                self.compared.stands.clear();
            }
            self.compared.stands.insert((one, other), found.clone());
        }
        Ok(found)
    }

    /// The same as the git command says it.
    fn ask_stand(&self, one: Oid, other: Oid) -> Option<Stand> {
        let (git, until) = (Git::of(&self.repo), Instant::now() + ASK);
        let ask = |args: &[&str]| {
            let answer = git.ask(args, until);
            let answer = answer.inspect_err(|why| tracing::warn!(%why, "counting commits")).ok()?;
            (answer.code == Some(0)).then(|| String::from_utf8_lossy(&answer.out).into_owned())
        };
        let ids = |text: String| -> Vec<Oid> {
            text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
        };
        let both = format!("{one}...{other}");
        let counts = ask(&["rev-list", "--count", "--left-right", &both, "--"])?;
        let mut counts = counts.split_whitespace().map(str::parse::<usize>);
        let (Some(Ok(ahead)), Some(Ok(behind))) = (counts.next(), counts.next()) else { return None };
        let most = format!("--max-count={}", BranchState::MAX_COMMITS);
        let commits = ids(ask(&["rev-list", "--topo-order", &most, &format!("{other}..{one}"), "--"])?);
        let base = git.ask(&["merge-base", &one.to_string(), &other.to_string()], until).ok()?;
        let base = ids(String::from_utf8_lossy(&base.out).into_owned()).first().copied();
        Some(Stand { ahead, behind, commits, base })
    }

    /// Those release branches that are open, as far as that is known by now.
    fn open_releases(
        &mut self,
        hotfix: &Hotfix,
        state: &BranchState,
        (head, base): (Option<Oid>, Option<Oid>),
        named: &[String],
        is_first: bool,
    ) -> Found<Vec<BaseAt>> {
        let mut open = Vec::new();
        let (Some(mut base), false) = (base, named.is_empty()) else { return Ok(open) };
        // Once the fix is in the base, what was there before is what an open release has.
        let is_fix = state.branch().is_some_and(|branch| branch.starts_with(&hotfix.prefix));
        if let Some(head) = head.filter(|head| is_fix && *head != base)
            && self.stand(head, base, is_first)?.is_some_and(|stand| stand.ahead == 0)
        {
            base = self.before(base, head)?.unwrap_or(base);
        }
        let until = Instant::now() + if is_first { GLANCE } else { LOOKING };
        for name in named {
            let Some(at) = self.newer(name, state.remote.as_deref(), is_first)? else { continue };
            let brings = self.brings(base, Oid::from_str(&at.commit)?, &HashSet::new(), until)?;
            open.extend(Some(at).filter(|_| brings == Some(0)));
        }
        Ok(open)
    }

    /// The newest tag that is reached from a commit; of several at one commit the highest version.
    fn last_tag(&mut self, from: Oid, tags: &[refs::Tag], is_first: bool) -> Found<LastTag> {
        if tags.is_empty() {
            return Ok(LastTag::Found(None));
        }
        if let Some((known, there, name)) = &self.compared.last_tag
            && *known == from
            && there == tags
        {
            return Ok(LastTag::Found(name.clone()));
        }
        // In order of version, so that the highest at a commit is what stays in the map.
        let at: HashMap<Oid, &str> = tags.iter().map(|tag| (tag.commit, tag.name.as_str())).collect();
        let until = Instant::now() + if is_first { GLANCE } else { WALK };
        let found = self.history.find(&self.repo, from, MAX_TAG_WALK, until, |id| at.contains_key(id));
        let name = match found {
            Ok(found) => found.and_then(|id| at.get(&id).map(|name| (*name).to_owned())),
            // Not remembered: what was not found in time may be there all the same.
            Err(Cut::Late) => return Ok(LastTag::NotYet),
            Err(Cut::Git(error)) => return Err(error),
        };
        self.compared.last_tag = Some((from, tags.to_vec(), name.clone()));
        Ok(LastTag::Found(name))
    }
}

/// The name of a reference as people say it.
fn short(full: &str) -> String {
    let name = ["refs/remotes/", "refs/heads/"].iter().find_map(|prefix| full.strip_prefix(prefix));
    name.unwrap_or(full).to_owned()
}

#[cfg(test)]
mod tests;
