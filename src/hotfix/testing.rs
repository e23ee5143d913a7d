//! Real repositories for tests: made by the git command with a home, identity and clock of
//! their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;

/// First moment of a test's clock; every commit is a minute after the one before.
const FIRST: i64 = 1_790_000_000;

/// A temporary repository.
pub(crate) struct TestRepo {
    dir: TempDir,
    root: PathBuf,
    clock: AtomicI64,
}

impl TestRepo {
    /// An empty repository on `main`.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("repo");
        std::fs::create_dir_all(dir.path().join("home")).unwrap();
        std::fs::create_dir(&root).unwrap();
        let repo = Self { dir, root, clock: AtomicI64::new(FIRST) };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    /// A repository with one commit on `main`, tagged `v1.2.2`, and `VERSION` 1.2.2.
    pub(crate) fn new() -> Self {
        let repo = Self::empty();
        repo.write("VERSION", "1.2.2\n");
        repo.write("src/pool.rs", "pub const LIMIT: u32 = 100;\n");
        repo.commit("first release");
        repo.git(&["tag", "v1.2.2"]);
        repo
    }

    /// Root of the work tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A place beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Runs git in the work tree and returns what it printed; it has to succeed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_at(&self.root, args)
    }

    /// Runs git in another directory.
    pub(crate) fn git_at(&self, at: &Path, args: &[&str]) -> String {
        let output = self.try_git(at, args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs git, whatever becomes of it.
    pub(crate) fn try_git(&self, at: &Path, args: &[&str]) -> Output {
        let home = self.dir.path().join("home");
        let date = format!("{} +0000", self.clock.fetch_add(60, Ordering::Relaxed));
        Command::new("git")
            .args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"])
            .args(args)
            .current_dir(at)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &home)
            .env("GIT_CONFIG_GLOBAL", home.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Li")
            .env("GIT_AUTHOR_EMAIL", "li@example.test")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Li")
            .env("GIT_COMMITTER_EMAIL", "li@example.test")
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap()
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything and returns the id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Makes a bare `origin` beside it, and pushes `main` with its upstream set.
    pub(crate) fn with_origin(&self) -> PathBuf {
        let origin = self.beside("origin.git");
        self.git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        self.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        self.git(&["push", "-q", "-u", "origin", "main"]);
        origin
    }
}
