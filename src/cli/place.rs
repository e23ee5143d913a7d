//! The repository a verb was called in.

use std::path::{Path, PathBuf};

use crate::hotfix::state::NoRepository;

/// A repository with a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Root of the work tree.
    pub(crate) root: PathBuf,
    /// Identity of the repository: the canonical path of its common git directory.
    pub(crate) repository: String,
    /// git's `user.name` here.
    pub(crate) user: Option<String>,
}

/// Finds the repository that holds a directory.
pub(crate) fn find_place(here: &Path) -> Result<Place, NoRepository> {
    let repository = git2::Repository::discover(here).map_err(|error| match error.code() {
        git2::ErrorCode::NotFound => NoRepository::NotFound,
        git2::ErrorCode::Owner => NoRepository::NotOurs { path: here.display().to_string() },
        _ => NoRepository::Unreadable { why: error.message().to_owned() },
    })?;
    let root = repository.workdir().ok_or(NoRepository::Bare)?.to_owned();
    let common = repository.commondir();
    let identity = common.canonicalize().unwrap_or_else(|_| common.to_owned());
    let user = repository.config().ok().and_then(|config| config.get_string("user.name").ok());
    Ok(Place { root, repository: identity.to_string_lossy().into_owned(), user })
}

/// git's `user.name` outside of any repository.
pub(crate) fn default_user() -> Option<String> {
    git2::Config::open_default().ok()?.get_string("user.name").ok()
}
