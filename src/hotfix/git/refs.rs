//! Branches, tags and what names stand for.

use std::cmp::Ordering;
use std::collections::HashMap;

use git2::{Error, ErrorCode, Oid, Repository};

/// Names tried for the branch in production where none is configured, in this order.
const USUAL_BASES: [&str; 3] = ["main", "master", "trunk"];

/// Tells whether there is nothing of that name: missing, or no name a reference could have.
fn is_nothing(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec)
}

/// A reference by its full name and the commit it leads to; `None` if there is none.
pub(super) fn commit_of(repo: &Repository, full: &str) -> Result<Option<(String, Oid)>, Error> {
    match repo.find_reference(full) {
        Ok(reference) => Ok(Some((full.to_owned(), reference.peel_to_commit()?.id()))),
        Err(error) if is_nothing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The remote that matters: `origin`, or the only one.
pub(super) fn main_remote(repo: &Repository) -> Option<String> {
    let remotes = repo.remotes().ok()?;
    let names: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
    match names.as_slice() {
        [only] => Some((*only).to_owned()),
        names => names.contains(&"origin").then(|| "origin".to_owned()),
    }
}

/// The remote's reference that a branch follows: as configured, or the one of the same name.
pub(super) fn tracking(
    repo: &Repository,
    branch: &str,
    remote: Option<&str>,
) -> Result<Option<(String, Oid)>, Error> {
    if let Ok(full) = repo.branch_upstream_name(&format!("refs/heads/{branch}"))
        && let Ok(full) = std::str::from_utf8(&full)
        && full.starts_with("refs/remotes/")
        && let Some(found) = commit_of(repo, full)?
    {
        return Ok(Some(found));
    }
    match remote {
        Some(remote) => commit_of(repo, &format!("refs/remotes/{remote}/{branch}")),
        None => Ok(None),
    }
}

/// Name of the branch in production: the configured one if it exists, and nothing else then;
/// otherwise a usual name, otherwise the remote's default branch.
pub(super) fn base_name(repo: &Repository, configured: &str, remote: Option<&str>) -> Option<String> {
    let exists = |name: &str| {
        let has = |full: String| repo.find_reference(&full).is_ok();
        has(format!("refs/heads/{name}"))
            || remote.is_some_and(|remote| has(format!("refs/remotes/{remote}/{name}")))
    };
    if !configured.is_empty() {
        return exists(configured).then(|| configured.to_owned());
    }
    if let Some(usual) = USUAL_BASES.into_iter().find(|name| exists(name)) {
        return Some(usual.to_owned());
    }
    let remote = remote?;
    let head = repo.find_reference(&format!("refs/remotes/{remote}/HEAD")).ok()?;
    let target = std::str::from_utf8(head.symbolic_target_bytes()?).ok()?;
    let name = target.strip_prefix(&format!("refs/remotes/{remote}/"))?;
    exists(name).then(|| name.to_owned())
}

/// Names of branches in order. One whose name is not UTF-8 is left out: no command line could name
/// it.
pub(super) struct Branches {
    /// The local ones.
    pub(super) here: Vec<String>,
    /// Those of the remote, without its name.
    there: Vec<String>,
}

impl Branches {
    pub(super) fn read(repo: &Repository, remote: Option<&str>) -> Result<Self, Error> {
        let names = |prefix: &str| -> Result<Vec<String>, Error> {
            let mut names = Vec::new();
            for reference in repo.references_glob(&format!("{prefix}*"))? {
                names.extend(short_name(reference?.name_bytes(), prefix));
            }
            names.sort_unstable();
            Ok(names)
        };
        let there = match remote {
            // A name could hold what a pattern gives a meaning to.
            Some(remote) => {
                let own = format!("{remote}/");
                let all = names("refs/remotes/")?;
                all.iter().filter_map(|name| name.strip_prefix(&own)).map(str::to_owned).collect()
            }
            None => Vec::new(),
        };
        Ok(Self { here: names("refs/heads/")?, there })
    }

    /// Those with a prefix, here or at the remote.
    pub(super) fn open(&self, prefix: &str) -> Vec<String> {
        let mut names = with_prefix(&self.here, prefix);
        names.extend(with_prefix(&self.there, prefix));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Those with a prefix that only the remote has.
    pub(super) fn only_remote(&self, prefix: &str) -> Vec<String> {
        let mut names = with_prefix(&self.there, prefix);
        names.retain(|name| self.here.binary_search(name).is_err());
        names
    }
}

fn short_name(full: &[u8], prefix: &str) -> Option<String> {
    let short = full.strip_prefix(prefix.as_bytes())?;
    std::str::from_utf8(short).ok().map(str::to_owned)
}

/// Those names that begin with a prefix; an empty prefix matches none.
pub(super) fn with_prefix(names: &[String], prefix: &str) -> Vec<String> {
    names.iter().filter(|name| !prefix.is_empty() && name.starts_with(prefix)).cloned().collect()
}

/// What a deploy can name: the current branch, the base, other branches, tags newest version
/// first.
pub(super) fn deployable(
    locals: &[String],
    tags: &[Tag],
    current: Option<&str>,
    base: Option<&str>,
) -> Vec<String> {
    let is_first = |name: &str| current == Some(name) || base == Some(name);
    let mut first: Vec<String> = Vec::new();
    for name in current.into_iter().chain(base) {
        if locals.iter().any(|local| local == name) && !first.iter().any(|known| known == name) {
            first.push(name.to_owned());
        }
    }
    let others = locals.iter().filter(|name| !is_first(name)).cloned();
    let mut versions: Vec<String> = tags.iter().map(|tag| tag.name.clone()).collect();
    versions.sort_by(|a, b| by_version(b, a));
    first.into_iter().chain(others).chain(versions).collect()
}

/// Orders names such that `v1.10` comes after `v1.9`.
pub(super) fn by_version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (pieces(a), pieces(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some((true, x)), Some((true, y))) => {
                let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
            (Some((_, x)), Some((_, y))) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Cuts a name where digits begin or end; the flag says whether a piece is digits.
fn pieces(mut rest: &str) -> impl Iterator<Item = (bool, &str)> {
    std::iter::from_fn(move || {
        let digits = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some((digits, piece))
    })
}

/// A tag and the commit it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) commit: Oid,
}

/// Tags, of which only new ones are looked into again.
#[derive(Default)]
pub(super) struct TagCache {
    /// What a tag object leads to; `None`: not to a commit.
    commits: HashMap<Oid, Option<Oid>>,
}

impl TagCache {
    /// All tags that lead to a commit, in order of version.
    pub(super) fn read(&mut self, repo: &Repository) -> Result<Vec<Tag>, Error> {
        let mut tags = Vec::new();
        for reference in repo.references_glob("refs/tags/*")? {
            let reference = reference?;
            let Some(name) = short_name(reference.name_bytes(), "refs/tags/") else { continue };
            let Some(target) = reference.target() else { continue };
            let commit = *self
                .commits
                .entry(target)
                .or_insert_with(|| reference.peel_to_commit().ok().map(|commit| commit.id()));
            if let Some(commit) = commit {
                tags.push(Tag { name, commit });
            }
        }
        tags.sort_by(|a, b| by_version(&a.name, &b.name));
        Ok(tags)
    }
}

/// What a name stands for.
pub(super) enum Resolved {
    Commit(Oid),
    /// References of that name that lead to different commits.
    Ambiguous(Vec<String>),
    Nothing,
}

/// Looks a name up among branches, tags, remote branches and commits. None of git's further
/// notation (`HEAD~3`, `:/text`) is taken: a deploy names what people can point at.
///
/// The command that is given the name has git look it up by its own rules, which are more. Where they
/// could come to another commit the name is ambiguous.
pub(super) fn resolve(repo: &Repository, name: &str) -> Result<Resolved, Error> {
    let mut found = Vec::new();
    if name == "HEAD" || name.starts_with("refs/") {
        found.extend(commit_of(repo, name)?);
    } else {
        for place in ["refs/heads/", "refs/tags/", "refs/remotes/"] {
            found.extend(commit_of(repo, &format!("{place}{name}"))?);
        }
        if ["heads/", "tags/", "remotes/"].iter().any(|place| name.starts_with(place)) {
            found.extend(commit_of(repo, &format!("refs/{name}"))?);
        }
        if !found.is_empty() {
            for other in [name.to_owned(), format!("refs/{name}"), format!("refs/remotes/{name}/HEAD")] {
                if found.iter().all(|(known, _)| *known != other) {
                    found.extend(commit_of(repo, &other)?);
                }
            }
            // A whole id is that commit to git, whatever reference has such a name.
            if let Some(id) = Oid::from_str(name).ok().filter(|_| name.len() == 40) {
                found.push((format!("the commit {name}"), id));
            }
        }
    }
    match found.as_slice() {
        [] => commit_by_id(repo, name),
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => {
            Ok(Resolved::Commit(*first))
        }
        several => Ok(Resolved::Ambiguous(several.iter().map(|(full, _)| full.clone()).collect())),
    }
}

fn commit_by_id(repo: &Repository, name: &str) -> Result<Resolved, Error> {
    let is_id = (4..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_id {
        return Ok(Resolved::Nothing);
    }
    match repo.find_commit_by_prefix(name) {
        Ok(commit) => Ok(Resolved::Commit(commit.id())),
        Err(error) if error.code() == ErrorCode::Ambiguous => {
            Ok(Resolved::Ambiguous(vec![format!("several objects begin with {name}")]))
        }
        Err(error) if is_nothing(&error) => Ok(Resolved::Nothing),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_people_count() {
        let mut names = ["v1.10.0", "v1.9.0", "v1.9", "v2", "beta", "v1.09.1"];
        names.sort_by(|a, b| by_version(a, b));
        assert_eq!(names, ["beta", "v1.9", "v1.9.0", "v1.09.1", "v1.10.0", "v2"]);
    }

    #[test]
    fn the_current_branch_and_the_base_come_first() {
        let locals = ["a", "hotfix/x", "main"].map(String::from);
        let oid = Oid::from_bytes(&[7; 20]).unwrap();
        let tags = ["v1.2.0", "v1.10.0"].map(|name| Tag { name: name.into(), commit: oid });
        let names = deployable(&locals, &tags, Some("hotfix/x"), Some("main"));
        assert_eq!(names, ["hotfix/x", "main", "a", "v1.10.0", "v1.2.0"]);
        let names = deployable(&locals, &tags, Some("main"), Some("main"));
        assert_eq!(names, ["main", "a", "hotfix/x", "v1.10.0", "v1.2.0"]);
    }
}
