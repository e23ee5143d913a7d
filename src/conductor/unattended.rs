//! Git in the background: nobody is there to answer a question, so none is asked, no hook runs, nothing is left
//! running behind, and an answer is waited for a while only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::capture::{Captured, capture_limited};
use super::environment::environment;
use super::mask::Masker;
use super::own::keeps_from_asking;
use super::prepare::directory;
use super::secrets::masker;
use crate::config::types::Config;
use crate::hotfix::git::Reader;
use crate::plan::Command;
use crate::text::{git, visible};

/// What keeps git from asking, paging, running hooks, and leaving something running behind.
const OPTIONS: [&str; 13] = [
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "credential.interactive=false",
    "-c",
    "maintenance.auto=false",
    "-c",
    "gc.auto=0",
    "-c",
    "fetch.recurseSubmodules=false",
];

/// How long a program may take that connects to nobody, and bytes of what it prints.
const BRIEF: Duration = Duration::from_secs(3);
const ENOUGH: usize = 64 << 10;

/// Most bytes that are written into a file, such as a pack that is fetched: what is at a remote may be anything.
const MOST: u64 = 256 << 20;

/// Runs git for a repository, where nobody has confirmed anything.
#[derive(Debug, Clone)]
pub struct Unattended {
    root: PathBuf,
    masker: Masker,
    identity: String,
    remote: Option<String>,
    main_remote: Option<String>,
}

impl Unattended {
    /// Runs it in a repository; what it says is masked by what is known of the repository's secrets.
    pub fn new(config: &Config, reader: &Reader) -> Self {
        Self {
            root: reader.root().to_path_buf(),
            masker: masker(config, reader.root()),
            identity: reader.identity(),
            remote: reader.remote_name(&config.hotfix.remote),
            main_remote: reader.remote_name(""),
        }
    }

    /// What the repository goes by: [`Reader::identity`].
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The name of the remote of the hotfix branch.
    pub fn remote(&self) -> Option<&str> {
        self.remote.as_deref()
    }

    /// The root of the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Why a remote of a repository is not asked where nobody has confirmed that; `None`: it may be.
    pub fn refusal(state_dir: &Path, reader: &Reader) -> Option<String> {
        keeps_from_asking(state_dir, reader)
    }

    /// The name of the remote that the repository's own settings make the main one.
    pub fn main_remote(&self) -> Option<&str> {
        self.main_remote.as_deref()
    }

    /// Runs it with arguments, waiting for `patience` at most, and returns at most `enough` bytes of what it prints.
    ///
    /// # Errors
    /// One line: what it says, or why it says nothing.
    pub fn git(&self, arguments: &[&str], patience: Duration, enough: usize) -> Result<Vec<u8>, String> {
        self.git_after(&[], arguments, patience, enough)
    }

    /// The same with options in front that have less to say than those that keep it from asking and running hooks.
    ///
    /// # Errors
    /// As [`Unattended::git`].
    pub fn git_after(
        &self,
        before: &[&str],
        arguments: &[&str],
        patience: Duration,
        enough: usize,
    ) -> Result<Vec<u8>, String> {
        let words = std::iter::once("git").chain(before.iter().copied()).chain(OPTIONS);
        self.run(words.chain(arguments.iter().copied()), patience, enough)
    }

    /// The host that a name stands for in the user's settings of ssh, which is not connected to; `None`: they do not say.
    pub fn ssh_host(&self, named: &str) -> Option<String> {
        let is_name = !named.is_empty() && !named.starts_with('-') && !named.contains(['/', ' ']);
        let said =
            is_name.then(|| self.run(["ssh", "-G", named].into_iter(), BRIEF, ENOUGH).ok()).flatten()?;
        let said = String::from_utf8(said).ok()?;
        said.lines().find_map(|line| line.strip_prefix("hostname ").map(str::to_owned))
    }

    fn run<'a>(
        &self,
        words: impl Iterator<Item = &'a str>,
        patience: Duration,
        enough: usize,
    ) -> Result<Vec<u8>, String> {
        let command = Command {
            argv: words.map(str::to_owned).collect(),
            cwd: directory(&self.root.to_string_lossy()),
            env: Vec::new(),
            set: [].into(),
        };
        let variables = environment(&command, [], std::env::vars_os());
        let captured = capture_limited("the remote", &command, variables, patience, enough, MOST)
            .map_err(|why| self.masker.mask(&why).into_owned())?;
        if captured.code == Some(0) {
            return Ok(captured.out);
        }
        Err(complaint(&captured.masked(&self.masker)))
    }
}

/// What git says of a failure, in one line.
fn complaint(captured: &Captured) -> String {
    let said = String::from_utf8_lossy(&captured.err).into_owned();
    let first = || said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    let line = git::why(&said).unwrap_or_else(first);
    match captured.code {
        _ if !line.is_empty() => visible(&line.chars().take(200).collect::<String>()).into_owned(),
        Some(code) => format!("git exited {code}"),
        None => format!("git was killed; it may write {} MiB at once", MOST >> 20),
    }
}
