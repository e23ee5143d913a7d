//! What a repository says about going back: which commits that takes away, whether they revert
//! cleanly, which migrations lie between. Pure; read by [`super::git`].

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// The commit in the environment now, as a full id.
    pub current: String,
    /// The commit to go back to, as a full id.
    pub target: String,
    /// A tag that is said to be on it.
    pub tag: Option<String>,
    /// The branch in production as configured; empty: found out.
    pub base: String,
    /// The remote as configured; empty: `origin`, or the only one.
    pub remote: String,
    /// What paths of migrations look like, as [`is_migration`] takes them.
    pub migrations: Vec<String>,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Whether the commit to go back to is here.
    pub target_is_here: bool,
    /// The tag it was said to have, if that leads to it.
    pub tag: Option<String>,
    /// Commits that going back takes away, newest first, at most [`Back::MAX_COMMITS`].
    pub taken: Vec<Commit>,
    /// How many there are in all.
    pub taken_count: usize,
    /// Paths of migrations that lie between, in order.
    pub migrations: Vec<String>,
    /// Whether that could be found out: `taken` and `migrations` say nothing where it could not.
    pub compared: Result<(), String>,
    /// Reverting on the branch in production; or why that cannot be done, or told.
    pub revert: Result<Revert, NoRevert>,
}

impl Back {
    /// Most commits kept.
    pub const MAX_COMMITS: usize = 50;

    /// The commit to go back to is not here, so nothing more is known.
    pub fn missing() -> Self {
        let why = "the commit to go back to is not in this repository";
        Self {
            target_is_here: false,
            tag: None,
            taken: Vec::new(),
            taken_count: 0,
            migrations: Vec::new(),
            compared: Err(why.to_owned()),
            revert: Err(NoRevert::No(why.to_owned())),
        }
    }
}

/// A commit, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub id: String,
    /// First line of its message.
    pub subject: String,
}

/// Why there is nothing to revert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRevert {
    /// It cannot be done.
    No(String),
    /// Nobody can tell.
    Unknown(String),
}

/// Reverting on the branch in production, as far as it can be told beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// Short name of the branch in production.
    pub branch: String,
    /// The remote it is pushed to.
    pub remote: String,
    /// The reference here that says where the remote's branch is.
    pub tracking: String,
    /// The commit that reference leads to: what the revert is made on, as a full id.
    pub onto: String,
    /// What is reverted, newest first, in runs of one kind. Empty: all of it is reverted already.
    pub runs: Vec<Run>,
    /// Files in which it would conflict; empty: it is clean.
    pub conflicts: Vec<String>,
    /// Short id of the commit whose revert conflicts.
    pub conflict_at: Option<String>,
    /// Commits on the branch that are not in the environment: they would go along.
    pub ahead: usize,
    /// Whether the branch is then exactly what the commit to go back to was.
    pub same_as_target: bool,
    /// A directory that does not exist, to make a work tree in.
    pub scratch: String,
}

/// Commits that one `git revert` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Of merge commits: number of the parent that is kept, counted from 1. `None`: no merges.
    pub mainline: Option<u32>,
    /// The commits, newest first.
    pub commits: Vec<Commit>,
}

/// Tells whether a path is that of a migration. A pattern that ends in `/` is a folder (or
/// folders within each other) wherever it is; any other is the name of a file, with `*` for
/// whatever, and may have folders before it.
pub fn is_migration(path: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| {
        if let Some(folder) = pattern.strip_suffix('/') {
            return is_below(path, folder);
        }
        let depth = pattern.matches('/').count();
        let cut = path.rmatch_indices('/').nth(depth).map_or(0, |(at, _)| at + 1);
        path.get(cut..).is_some_and(|end| fits(end, pattern))
    })
}

/// Tells whether a path goes through a folder.
fn is_below(path: &str, folder: &str) -> bool {
    let mut rest = path;
    loop {
        if rest.strip_prefix(folder).is_some_and(|below| below.starts_with('/')) {
            return true;
        }
        match rest.split_once('/') {
            Some((_, below)) => rest = below,
            None => return false,
        }
    }
}

/// Tells whether a text fits a pattern in which `*` stands for whatever but a `/`.
fn fits(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else { return false };
            rest = rest.get(at + before.len()..).unwrap_or_default();
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end) && text.matches('/').count() == pattern.matches('/').count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Policy;

    #[test]
    fn migrations_are_told_from_other_files() {
        let usual = Policy::built_in().migrations;
        for path in [
            "migrations/0001_initial.py",
            "app/shop/migrations/0002_total.py",
            "db/migrate/20260301_add_total.rb",
            "alembic/versions/4f2c91e_total.py",
            "prisma/migrations/2026_total/migration.sql",
            "src/main/resources/db/migration/V7__total.sql",
            "sql/000007_total.up.sql",
            "db/changelog/db.changelog-7.xml",
        ] {
            assert!(is_migration(path, &usual), "{path}");
        }
        for path in [
            "src/pool.rs",
            "docs/migrations.md",
            "src/immigrations/form.rs",
            "V7.sql",
            "sql/report.sql",
            "migrate.sh",
            "a/V7__x/notes.sql",
        ] {
            assert!(!is_migration(path, &usual), "{path}");
        }
        assert!(is_migration("db/sql/7.sql", &["db/sql/*.sql".to_owned()]));
        assert!(!is_migration("db/7.sql", &["db/sql/*.sql".to_owned()]));
        assert!(!is_migration("", &usual));
    }
}
