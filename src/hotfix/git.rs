//! Reads a repository. Everything goes through git2, which runs no hook, filter, fsmonitor,
//! external diff or ssh command, whatever the repository's configuration names; nothing is
//! ever written, not even the index.

mod back;
mod change;
mod command;
mod credentials;
mod files;
pub mod finish;
mod flow;
mod forecast;
mod graph;
mod habits;
mod history;
mod identity;
mod located;
mod look;
mod outlook;
pub mod own;
mod refs;
mod releases;
mod remote;
mod series;
mod status;
mod suspects;
mod transport;
mod versions;

use std::path::{Path, PathBuf};

use git2::{Commit, Error, ErrorCode, Oid, Repository};

use super::state::{NoRepository, Operation};
use super::watch::Places;
use crate::config::types::{Hotfix, VersionFile};
use crate::failure::{Failure, Result};
use crate::text::visible;

pub use files::FileState;
pub use located::{Located, located};
pub use series::Released;
pub use transport::ssh;

/// An open repository. Kept open between readings, because what did not change since the last
/// one is not computed again. Not shared between threads.
pub struct Reader {
    repo: Repository,
    root: PathBuf,
    cache: Cache,
    history: history::History,
    compared: look::Compared,
}

/// What was computed last, with the commits it was computed for.
#[derive(Default)]
struct Cache {
    changes: status::Changes,
    version: Option<(Oid, Vec<VersionFile>, Option<String>)>,
    tags: refs::TagCache,
    suspects: suspects::Cache,
}

/// Tells whether a commit changes something of its own. A merge does not: wherever it is counted what one commit has
/// and another lacks, merges are left out.
fn is_change(commit: &Commit<'_>) -> bool {
    commit.parent_count() < 2
}

impl Reader {
    /// Opens the repository that a directory is in.
    pub fn open(start: &Path) -> std::result::Result<Self, NoRepository> {
        // Not from the environment: GIT_DIR of a surrounding hook is not what is meant.
        let ceilings: [&Path; 0] = [];
        let path = Repository::discover_path(start, ceilings).map_err(|error| refused(&error, start))?;
        let repo = Repository::open(&path).map_err(|error| refused(&error, &path))?;
        // Taken apart and put together, which leaves out the slash at its end.
        let Some(root) = repo.workdir().map(|root| root.components().collect()) else {
            return Err(NoRepository::Bare);
        };
        status::leave_sparse_index(&repo).map_err(|error| refused(&error, &path))?;
        Ok(Self {
            repo,
            root,
            cache: Cache::default(),
            history: history::History::default(),
            compared: look::Compared::default(),
        })
    }

    /// The root of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of this work tree's HEAD and index.
    pub fn git_dir(&self) -> &Path {
        self.repo.path()
    }

    /// The directory of references and objects; differs from [`Reader::git_dir`] in a linked
    /// work tree.
    pub fn common_dir(&self) -> &Path {
        self.repo.commondir()
    }

    /// Where it is, for [`watch::repository`](crate::hotfix::watch::repository).
    pub fn places(&self) -> Places {
        Places {
            root: self.root.clone(),
            git_dir: self.repo.path().to_path_buf(),
            common_dir: self.repo.commondir().to_path_buf(),
        }
    }

    /// Identity of the repository, the same in all its work trees: the canonical path of its
    /// common git directory.
    pub fn identity(&self) -> String {
        let common = self.repo.commondir();
        common.canonicalize().unwrap_or_else(|_| common.to_path_buf()).to_string_lossy().into_owned()
    }

    /// Name of the directory at the root of the work tree, to call the repository by.
    pub fn name(&self) -> String {
        let name = self.root.file_name().unwrap_or(self.root.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The branch in production, found out as without any configuration.
    pub fn default_branch(&self) -> Option<String> {
        refs::base_name(&self.repo, "", refs::main_remote(&self.repo).as_deref())
    }

    /// Address of the remote without user name or password in it.
    pub fn remote_url(&self) -> Option<String> {
        let name = refs::main_remote(&self.repo)?;
        let remote = self.repo.find_remote(&name).ok()?;
        Some(without_user_info(&String::from_utf8_lossy(remote.url_bytes())))
    }

    /// Where a remote is, without user name or password in it; of an empty name that of `origin`
    /// or the only one.
    pub fn remote_place(&self, remote: &str) -> Option<String> {
        let remote = self.remote_name(remote)?;
        let remote = self.repo.find_remote(&remote).ok()?;
        Some(without_user_info(&String::from_utf8_lossy(remote.url_bytes())))
    }

    /// Passwords and tokens in the configuration, each with the name of what it belongs to.
    /// To be masked, and for nothing else.
    pub fn credentials(&self) -> Vec<(String, Vec<u8>)> {
        credentials::of(&self.repo)
    }

    /// What git calls the user here: `user.name`.
    pub fn user_name(&self) -> Option<String> {
        let config = self.repo.config().ok()?;
        let local = config.open_level(git2::ConfigLevel::Local).ok().and_then(configured_name);
        local.or_else(named_global).or_else(|| configured_name(config))
    }

    /// The full id of the commit that a branch, tag, remote branch or commit id stands for.
    /// A name that stands for two different commits is refused: nothing is guessed.
    pub fn resolve(&self, reference: &str) -> Result<String> {
        let shown = visible(reference);
        let doing = format!("looking up {shown}");
        match refs::resolve(&self.repo, reference) {
            Ok(refs::Resolved::Commit(commit)) => Ok(commit.to_string()),
            Ok(refs::Resolved::Ambiguous(names)) => Err(Failure::usage(
                doing,
                format!("it stands for different commits: {}", visible(&names.join(", "))),
                "say which by its full name, or name the commit",
            )),
            Ok(refs::Resolved::Nothing) => Err(Failure::usage(
                doing,
                "no branch, tag or commit here has that name",
                "`git fetch --tags` brings what others have pushed; `git branch` and `git tag` list what is here",
            )),
            Err(error) => {
                Err(Failure::new(doing, visible(error.message()), "`git fsck` checks the repository"))
            }
        }
    }

    /// A tag on a commit and the version that the commit holds, as far as there are any: of
    /// several tags the one called `named`, else the one of the highest version.
    ///
    /// # Errors
    /// The repository cannot be read, or has no such commit.
    pub fn label(
        &mut self,
        commit: &str,
        named: &str,
        hotfix: &Hotfix,
    ) -> Result<(Option<String>, Option<String>)> {
        self.labelled(commit, named, hotfix).map_err(|error| {
            let doing = format!("looking up {}", visible(commit));
            Failure::new(doing, visible(error.message()), "`git fsck` checks the repository")
        })
    }

    fn labelled(
        &mut self,
        commit: &str,
        named: &str,
        hotfix: &Hotfix,
    ) -> std::result::Result<(Option<String>, Option<String>), Error> {
        let id = Oid::from_str(commit)?;
        let named = named.strip_prefix("refs/tags/").unwrap_or(named);
        let tags = self.cache.tags.read(&self.repo)?;
        let there = || tags.iter().filter(|tag| tag.commit == id).map(|tag| &tag.name);
        let tag = there().find(|name| *name == named).or_else(|| there().next_back()).cloned();
        Ok((tag, self.version(id, hotfix)?))
    }

    /// Commits that hold exactly the same files as this one: those it was merged from, and tips of
    /// branches here. None where the commit is not here.
    pub fn same_content(&self, commit: &str) -> Vec<String> {
        let find = |id: Oid| self.repo.find_commit(id).ok();
        let Some(commit) = Oid::from_str(commit).ok().and_then(find) else { return Vec::new() };
        let tips = self.repo.references_glob("refs/heads/*").into_iter().flatten();
        let tips = tips.filter_map(|tip| tip.ok()?.target());
        let mut same: Vec<Oid> = commit
            .parent_ids()
            .chain(tips)
            .filter(|id| *id != commit.id())
            .filter(|id| find(*id).is_some_and(|other| other.tree_id() == commit.tree_id()))
            .collect();
        same.sort_unstable();
        same.dedup();
        same.iter().map(Oid::to_string).collect()
    }

    fn version(&mut self, head: Oid, hotfix: &Hotfix) -> std::result::Result<Option<String>, Error> {
        if let Some((key, files, version)) = &self.cache.version
            && *key == head
            && *files == hotfix.versions
        {
            return Ok(version.clone());
        }
        let version = versions::first(&self.repo, head, hotfix)?;
        self.cache.version = Some((head, hotfix.versions.clone(), version.clone()));
        Ok(version)
    }
}

/// What git calls the user outside of any repository.
pub fn global_user_name() -> Option<String> {
    named_global().or_else(|| configured_name(git2::Config::open_default().ok()?))
}

/// The name in the file that `GIT_CONFIG_GLOBAL` stands for, which libgit2 does not look at.
fn named_global() -> Option<String> {
    let path = std::env::var_os("GIT_CONFIG_GLOBAL").filter(|path| !path.is_empty())?;
    configured_name(git2::Config::open(Path::new(&path)).ok()?)
}

fn configured_name(mut config: git2::Config) -> Option<String> {
    let name = config.snapshot().ok()?.get_string("user.name").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn operation(repo: &Repository) -> Option<Operation> {
    use git2::RepositoryState as S;
    match repo.state() {
        S::Clean => None,
        S::Merge => Some(Operation::Merge),
        S::Revert | S::RevertSequence => Some(Operation::Revert),
        S::CherryPick | S::CherryPickSequence => Some(Operation::CherryPick),
        S::Bisect => Some(Operation::Bisect),
        S::Rebase | S::RebaseInteractive | S::RebaseMerge | S::ApplyMailboxOrRebase => {
            Some(Operation::Rebase)
        }
        S::ApplyMailbox => Some(Operation::Apply),
    }
}

/// Says in plain words why a repository cannot be read.
fn refused(error: &Error, path: &Path) -> NoRepository {
    let message = error.message();
    match error.code() {
        ErrorCode::NotFound if error.class() == git2::ErrorClass::Repository => NoRepository::NotFound,
        ErrorCode::Owner => NoRepository::NotOurs { path: work_tree_of(path) },
        _ if message.contains("object format") => NoRepository::Unreadable {
            why: "it names its objects by SHA-256, which flightdeck cannot read yet".to_owned(),
        },
        _ if message.contains("refstorage") => NoRepository::Unreadable {
            why: "it keeps its references in a format that flightdeck cannot read yet, reftable; \
                  `git refs migrate --ref-format=files` changes that"
                .to_owned(),
        },
        _ if message.contains("extension") => NoRepository::Unreadable {
            why: format!("it uses an extension of git's format that flightdeck cannot read: {message}"),
        },
        _ => NoRepository::Unreadable { why: message.to_owned() },
    }
}

/// What has to be named in `safe.directory`: the work tree, not the `.git` in it.
fn work_tree_of(path: &Path) -> String {
    let tree = if path.file_name().is_some_and(|name| name == ".git") { path.parent() } else { None };
    let text = tree.unwrap_or(path).to_string_lossy();
    match text.trim_end_matches('/') {
        "" => "/".to_owned(),
        text => text.to_owned(),
    }
}

/// Takes the user name and password out of a remote's address, and the query, which can
/// hold a token.
fn without_user_info(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, url),
    };
    let end = match scheme {
        Some(_) => rest.find(['/', '?', '#']),
        // As in `git@host:path`; a path on this machine has its slash first.
        None => rest.find(['/', ':']),
    };
    let (authority, path) = rest.split_at(end.unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = if scheme.is_some() { path.split(['?', '#']).next().unwrap_or_default() } else { path };
    match scheme {
        Some(scheme) => format!("{scheme}://{host}{path}"),
        None => format!("{host}{path}"),
    }
}

#[cfg(test)]
mod tests;
