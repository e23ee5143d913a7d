//! Reads what changed between two commits: commits, merges with what they brought, tags, the files
//! and words they touch. Within a time: what there is none for is left out, and said.

mod diff;
mod graph;
mod revert;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use git2::{Commit as GitCommit, Error, ErrorCode, Oid, Repository};

use super::{Reader, change, refs};
use crate::failure::{Failure, Result};
use crate::hotfix::state::Commit;
use crate::hotfix::suspects::{Change, ChangeText, Changes, Edge, Live, Question, Wanted, short};
use crate::text::visible;
use graph::Graph;

/// How many commits back a tag is looked for.
const MAX_TAG_WALK: usize = 50_000;
/// Commits between the two ends that are put in order.
const MAX_COMMITS: usize = 5_000;
/// Threads that look into commits, at most.
const MAX_WORKERS: usize = 4;
/// So many commits are not worth a thread.
const FEW: usize = 16;

/// What was found in changes, kept between readings: a commit does not change.
#[derive(Default)]
pub(super) struct Cache {
    words: std::collections::BTreeSet<String>,
    diffs: HashMap<Oid, diff::Diffed>,
}

impl Cache {
    /// Forgets what was found while other words were looked for.
    fn keep_for(&mut self, question: &Question) {
        if self.words != question.words {
            *self = Self { words: question.words.clone(), diffs: HashMap::new() };
        }
    }

    /// Looks into those commits that were not looked into before, side by side: each is a matter of
    /// its own. What there is no time for is left.
    fn look(&mut self, repo: &Repository, commits: &[Oid], until: Instant) {
        let missing: Vec<Oid> = commits.iter().filter(|id| !self.diffs.contains_key(id)).copied().collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = cores.min(MAX_WORKERS).min(missing.len().div_ceil(FEW));
        let wanted = Wanted::new(&self.words);
        let next = AtomicUsize::new(0);
        let work = |repo: &Repository| {
            let mut done = Vec::new();
            while Instant::now() < until {
                let Some(id) = missing.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                let is_late = || Instant::now() >= until;
                let commit = repo.find_commit(*id);
                let diffed = commit.and_then(|commit| diff::read(repo, &commit, &wanted, &is_late));
                let diffed = diffed.unwrap_or_else(|error| diff::Diffed {
                    cut: Some(error.message().to_owned()),
                    ..diff::Diffed::default()
                });
                // What was broken off for want of time is looked at again.
                if !diffed.late {
                    done.push((*id, diffed));
                }
            }
            done
        };
        let found = std::thread::scope(|scope| {
            // A repository is not shared between threads: each of the others opens its own.
            let others: Vec<_> = (1..workers)
                .map(|_| {
                    let (path, work) = (repo.path(), &work);
                    scope.spawn(move || Repository::open(path).map(|repo| work(&repo)).unwrap_or_default())
                })
                .collect();
            let mut found = work(repo);
            found.extend(others.into_iter().filter_map(|other| other.join().ok()).flatten());
            found
        });
        self.diffs.extend(found);
    }
}

impl Reader {
    /// What changed, in about the time that is given.
    ///
    /// # Errors
    /// What was named to begin after is not known, or the repository cannot be read.
    pub fn changes(&mut self, question: &Question, budget: Duration) -> Result<Changes> {
        let until = Instant::now() + budget;
        let since = match &question.ask.since {
            Some(name) => Some(self.since(name)?),
            None => None,
        };
        self.read_changes(question, since, until).map_err(|error| {
            let cause = visible(error.message()).into_owned();
            Failure::new("looking at what changed", cause, "`git fsck` checks the repository")
        })
    }

    /// A change as text, to be read. No external diff, no filter and no text conversion runs.
    ///
    /// # Errors
    /// There is no such commit, or it cannot be read.
    pub fn change_text(&self, commit: &str) -> Result<ChangeText> {
        diff::text(&self.repo, commit).map_err(|error| {
            let doing = format!("reading the change {}", visible(short(commit)));
            Failure::new(doing, visible(error.message()).into_owned(), "`git fsck` checks the repository")
        })
    }

    /// First line of the message of a commit, by its full id; `None`: it is not here.
    pub fn subject(&self, commit: &str) -> Option<String> {
        commit_of(&self.repo, commit).ok().map(|commit| named(&commit).subject)
    }

    fn since(&self, name: &str) -> Result<Edge> {
        let doing = "looking at what changed";
        if name.starts_with('-') {
            let cause = format!("{} could be taken for an option", visible(name));
            return Err(Failure::usage(doing, cause, "name a branch, a tag or a commit"));
        }
        let commit = self.resolve(name)?;
        Ok(Edge { commit, name: name.to_owned(), why: "as asked for".to_owned() })
    }

    fn read_changes(
        &mut self,
        question: &Question,
        since: Option<Edge>,
        until: Instant,
    ) -> std::result::Result<Changes, Error> {
        let mut remarks = Vec::new();
        let Some((to, to_id)) = self.to(question, &mut remarks)? else {
            remarks.push("the branch in production was not found here, and no release is known".to_owned());
            return Ok(Changes { remarks, ..Changes::default() });
        };
        let from = self.from(question, since, to_id, &mut remarks)?;
        let from_id = from.as_ref().and_then(|from| Oid::from_str(&from.commit).ok());
        let graph = Graph::read(&self.repo, to_id, from_id, MAX_COMMITS)?;
        if graph.is_cut {
            remarks.push(format!("more than {MAX_COMMITS} commits: the older ones were left out"));
        }
        if self.repo.is_shallow() {
            remarks.push("the history is cut off here: `git fetch --unshallow` brings the rest".to_owned());
        }
        if let Some(from) = &from
            && !graph.reached_from
            && !graph.is_cut
            && from_id != Some(to_id)
        {
            let name = visible(&from.name);
            remarks.push(format!("{name} is not in the history of what is deployed"));
        }
        let groups = graph.groups(question.open_above);
        if groups.len() > question.most {
            remarks.push(format!("the newest {} of {} changes were looked at", question.most, groups.len()));
        }
        let lives = graph.lives(&releases(question));
        let tags = self.tags_by_commit()?;
        let hotfix = self.hotfix_files(question, to_id).unwrap_or_default();
        self.cache.suspects.keep_for(question);
        let ids: Vec<Oid> = groups.iter().take(question.most).map(|group| group.id).collect();
        self.cache.suspects.look(&self.repo, &ids, until);
        let mut changes = Vec::new();
        let mut late = 0;
        for group in groups.iter().take(question.most) {
            let commit = self.repo.find_commit(group.id)?;
            let diffed = self.cache.suspects.diffs.get(&group.id).cloned();
            late += usize::from(diffed.is_none());
            let live = lives.get(&group.id).and_then(|index| question.ask.releases.get(*index));
            changes.push(self.change_of(&commit, group, diffed, tags.get(&group.id), live)?);
        }
        if late > 0 {
            remarks.push(format!("there was no time to look into {late} of them: look again"));
        }
        Ok(Changes { from, to, changes, commits: graph.len(), hotfix, remarks })
    }

    /// What is deployed; where that is not known, the branch in production.
    fn to(
        &mut self,
        question: &Question,
        remarks: &mut Vec<String>,
    ) -> std::result::Result<Option<(Edge, Oid)>, Error> {
        if let Some(live) = &question.ask.deployed {
            match self.commit_here(&live.commit) {
                Some(id) => {
                    let why = "which was deployed".to_owned();
                    return Ok(Some((Edge { commit: id.to_string(), name: live.name.clone(), why }, id)));
                }
                None => remarks.push(format!(
                    "{} was deployed, and is not in this repository: `git fetch --tags` brings what others have",
                    visible(&live.name)
                )),
            }
        }
        let remote = self.remote_name(&question.remote);
        let Some(name) = refs::base_name(&self.repo, &question.base, remote.as_deref()) else {
            return Ok(None);
        };
        let Some((reference, id)) = self.base_at(&name, remote.as_deref())? else { return Ok(None) };
        let name = ["refs/heads/", "refs/remotes/"].iter().find_map(|place| reference.strip_prefix(place));
        let name = name.unwrap_or(&reference).to_owned();
        let why = "as no release is known".to_owned();
        Ok(Some((Edge { commit: id.to_string(), name, why }, id)))
    }

    /// What was last good; where that is not known, the last tag before what is deployed.
    fn from(
        &mut self,
        question: &Question,
        since: Option<Edge>,
        to: Oid,
        remarks: &mut Vec<String>,
    ) -> std::result::Result<Option<Edge>, Error> {
        if since.is_some() {
            return Ok(since);
        }
        if let Some(good) = &question.ask.good {
            if let Some(id) = self.commit_here(&good.commit) {
                let why = "the last good release".to_owned();
                return Ok(Some(Edge { commit: id.to_string(), name: good.name.clone(), why }));
            }
            remarks
                .push(format!("the last good release, {}, is not in this repository", visible(&good.name)));
        }
        if let Some((name, id)) = self.tag_before(to)? {
            let why = "the tag before it, as no good release is known".to_owned();
            return Ok(Some(Edge { commit: id.to_string(), name, why }));
        }
        remarks.push(
            "no good release is known, and no tag before this commit: looking at everything".to_owned(),
        );
        Ok(None)
    }

    fn commit_here(&self, id: &str) -> Option<Oid> {
        let id = Oid::from_str(id).ok()?;
        self.repo.find_commit(id).ok().map(|commit| commit.id())
    }

    fn tags_by_commit(&mut self) -> std::result::Result<HashMap<Oid, Vec<String>>, Error> {
        let mut by: HashMap<Oid, Vec<String>> = HashMap::new();
        for tag in self.cache.tags.read(&self.repo)? {
            by.entry(tag.commit).or_default().push(tag.name);
        }
        Ok(by)
    }

    /// The newest tag in the history of a commit that is not on the commit itself.
    fn tag_before(&mut self, to: Oid) -> std::result::Result<Option<(String, Oid)>, Error> {
        let tags = self.tags_by_commit()?;
        if tags.is_empty() {
            return Ok(None);
        }
        // Without an order of its own it goes by date, and only as far as it is asked to.
        let mut walk = self.repo.revwalk()?;
        walk.push(to)?;
        for id in walk.skip(1).take(MAX_TAG_WALK) {
            let id = match id {
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
                id => id?,
            };
            if let Some(name) = tags.get(&id).and_then(|names| names.last()) {
                return Ok(Some((name.clone(), id)));
            }
        }
        Ok(None)
    }

    /// Files that the hotfix branch touches, if one is checked out.
    fn hotfix_files(&self, question: &Question, to: Oid) -> Option<Vec<String>> {
        let head = self.repo.head().ok()?;
        let name = std::str::from_utf8(head.shorthand_bytes()).ok()?;
        if question.prefix.is_empty() || !name.starts_with(&question.prefix) {
            return None;
        }
        let at = head.peel_to_commit().ok()?;
        let base = self.repo.merge_base(at.id(), to).ok()?;
        let (old, new) = (self.repo.find_commit(base).ok()?.tree().ok()?, at.tree().ok()?);
        let diff = self.repo.diff_tree_to_tree(Some(&old), Some(&new), None).ok()?;
        Some(diff.deltas().take(Change::MAX_FILES).map(|delta| diff::path_of(&delta)).collect())
    }

    fn change_of(
        &self,
        commit: &GitCommit<'_>,
        group: &graph::Group,
        diffed: Option<diff::Diffed>,
        tags: Option<&Vec<String>>,
        live: Option<&Live>,
    ) -> std::result::Result<Change, Error> {
        let brought: std::result::Result<Vec<Commit>, Error> = group
            .brought
            .iter()
            .take(Change::MAX_BROUGHT)
            .map(|id| self.repo.find_commit(*id).map(|commit| named(&commit)))
            .collect();
        let through = group.through.and_then(|id| self.repo.find_commit(id).ok());
        let diffed = diffed.unwrap_or_else(diff::Diffed::unread);
        Ok(Change {
            commit: named(commit),
            email: String::from_utf8_lossy(commit.author().email_bytes()).into_owned(),
            parents: commit.parent_count(),
            brought: brought?,
            brought_count: group.brought.len(),
            through: through.map(|commit| named(&commit)),
            tags: tags.cloned().unwrap_or_default(),
            files: diffed.files,
            files_count: diffed.files_count,
            insertions: diffed.insertions,
            deletions: diffed.deletions,
            cut: diffed.cut,
            undoes: undoes(&String::from_utf8_lossy(commit.message_bytes())),
            live: live.cloned(),
        })
    }
}

/// The commits of the releases in between, oldest first; those that are not here as zero.
fn releases(question: &Question) -> Vec<Oid> {
    let id = |live: &Live| Oid::from_str(&live.commit).unwrap_or(Oid::ZERO_SHA1);
    question.ask.releases.iter().map(id).collect()
}

/// A commit as people name it, and when it came to be what it is: of a rebased one that is later
/// than when it was written.
fn named(commit: &GitCommit<'_>) -> Commit {
    let author = commit.author();
    Commit {
        id: commit.id().to_string(),
        subject: String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned(),
        author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        at: change::timestamp(commit.time().seconds()),
    }
}

/// Ids of the commits that a message says it reverts, in the words that git writes.
fn undoes(message: &str) -> Vec<String> {
    let ids = message.lines().filter_map(|line| {
        let (_, rest) = line.split_once("This reverts commit ")?;
        let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        (id.len() >= 7).then_some(id)
    });
    ids.take(20).collect()
}

/// The first parent of a commit as a tree; nothing for the first commit.
fn before<'a>(commit: &GitCommit<'a>) -> std::result::Result<Option<git2::Tree<'a>>, Error> {
    match commit.parent_count() {
        0 => Ok(None),
        _ => match commit.parent(0) {
            Ok(parent) => parent.tree().map(Some),
            Err(error) if error.code() == ErrorCode::NotFound => {
                Err(Error::from_str("what was before it is not in this repository: the history is cut off"))
            }
            Err(error) => Err(error),
        },
    }
}

/// Opens the commit an id stands for.
fn commit_of<'a>(repo: &'a Repository, id: &str) -> std::result::Result<GitCommit<'a>, Error> {
    repo.find_commit(Oid::from_str(id)?)
}
