//! Notices that a repository, or one file, changes. Says only *that* something changed; what,
//! is for [`super::git::Reader`] to find out.
//!
//! A watch is a thread that sleeps until the system tells of a change or the slow poll is due:
//! nothing ticks while nothing happens.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use git2::Repository;
use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Whether the system wants every directory named; elsewhere one watch covers a whole tree.
const EACH_DIRECTORY: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// What changes all the time in a git directory and says nothing about branches or files.
const NOISE: [&str; 8] =
    ["objects", "logs", "hooks", "lfs", "gc.pid", "COMMIT_EDITMSG", "fsmonitor--daemon", "FETCH_HEAD"];

/// How changes are gathered.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Changes are told once there was none for so long.
    pub quiet: Duration,
    /// They are told after so long in any case.
    pub longest: Duration,
    /// Without any change known, one is supposed after so long: a network file system tells
    /// of none.
    pub poll: Duration,
    /// The same where the work tree cannot be watched.
    pub poll_blind: Duration,
    /// Directories of a work tree that are watched; with more of them, none is.
    pub max_directories: usize,
}

impl Timing {
    /// For a repository that people and tools work in.
    pub const REPOSITORY: Self = Self {
        quiet: Duration::from_millis(150),
        longest: Duration::from_secs(1),
        poll: Duration::from_secs(30),
        poll_blind: Duration::from_secs(10),
        max_directories: 4096,
    };

    /// For a file that other processes append to and that should be followed at once.
    pub const FILE: Self = Self {
        quiet: Duration::from_millis(10),
        longest: Duration::from_millis(50),
        poll: Duration::from_secs(10),
        poll_blind: Duration::from_secs(1),
        max_directories: 1,
    };
}

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Root of the work tree.
    pub root: PathBuf,
    /// The directory of HEAD and the index.
    pub git_dir: PathBuf,
    /// The directory of the references.
    pub common_dir: PathBuf,
}

/// What changed in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Anything may have: its branches, its index, or more files than are told one by one.
    Anything,
    /// Files or folders at these paths from the root of the work tree, and nothing else.
    Files(Vec<PathBuf>),
}

impl Changed {
    /// More files than these are told as anything.
    const MAX_FILES: usize = 64;

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Files(mut all), Self::Files(more)) => {
                for path in more {
                    if !all.contains(&path) {
                        all.push(path);
                    }
                }
                if all.len() > Self::MAX_FILES { Self::Anything } else { Self::Files(all) }
            }
            _ => Self::Anything,
        }
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    messages: Sender<Message>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Not joined: the callback may be waiting for whoever drops this.
        let _ = self.messages.send(Message::Stop);
    }
}

#[derive(Debug)]
enum Message {
    Happened(Event),
    Stop,
}

/// Watches a repository. `on_change` is called on a thread of its own: once as soon as the
/// watch stands, so that nothing is missed in between, then after every change.
pub fn repository(places: &Places, timing: Timing, on_change: impl FnMut(Changed) + Send + 'static) -> Watch {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let filter = Filter::Repository {
        places: Places {
            root: canonical(&places.root),
            git_dir: canonical(&places.git_dir),
            common_dir: canonical(&places.common_dir),
        },
    };
    start(filter, timing, on_change)
}

/// Watches files of one directory by name, and the directory; they may come and go. `on_change` as with
/// [`repository`].
pub fn files(
    directory: &Path,
    names: &[&str],
    timing: Timing,
    mut on_change: impl FnMut() + Send + 'static,
) -> Watch {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_path_buf());
    let names = names.iter().map(OsString::from).collect();
    start(Filter::Files { directory, names }, timing, move |_| on_change())
}

fn start(filter: Filter, timing: Timing, on_change: impl FnMut(Changed) + Send + 'static) -> Watch {
    let (messages, received) = mpsc::channel();
    let events = messages.clone();
    let run = move || Source::new(filter, timing, events).run(&received, on_change);
    if let Err(error) = std::thread::Builder::new().name("watch".to_owned()).spawn(run) {
        tracing::warn!(%error, "no thread for watching; changes are seen on request only");
    }
    Watch { messages }
}

/// Which events matter.
enum Filter {
    Repository { places: Places },
    Files { directory: PathBuf, names: Vec<OsString> },
}

impl Filter {
    /// Tells whether a path matters; `ignored` whether git ignores one of the work tree.
    fn wants(&self, path: &Path, ignored: impl Fn(&Path) -> bool) -> bool {
        match self {
            Self::Files { directory, names } => {
                // The directory itself may be moved away or deleted with them.
                path == directory
                    || path.parent() == Some(directory)
                        && path.file_name().is_some_and(|n| names.iter().any(|m| m == n))
            }
            Self::Repository { places } => {
                for git in [&places.git_dir, &places.common_dir] {
                    if let Ok(inside) = path.strip_prefix(git) {
                        return is_telling(inside);
                    }
                }
                path.strip_prefix(&places.root).is_ok_and(|inside| !ignored(inside))
            }
        }
    }

    /// The path of a file of the work tree, from its root.
    fn file(&self, path: &Path) -> Option<PathBuf> {
        let Self::Repository { places } = self else { return None };
        if path.starts_with(&places.git_dir) || path.starts_with(&places.common_dir) {
            return None;
        }
        path.strip_prefix(&places.root).ok().map(Path::to_path_buf)
    }
}

/// Tells whether a path inside a git directory says something about the state of a branch.
fn is_telling(inside: &Path) -> bool {
    let Some(Component::Normal(first)) = inside.components().next() else {
        // The directory itself: made, deleted, or its times changed with an entry.
        return false;
    };
    let is_lock = inside.extension().is_some_and(|extension| extension == "lock");
    // A linked work tree's directory is in the common one, and is watched by itself.
    !is_lock && first != "worktrees" && !NOISE.iter().any(|noise| first == OsStr::new(noise))
}

/// Tells whether something was changed; most systems also tell of mere reading.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn may_make_directory(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::Create(CreateKind::Folder | CreateKind::Any) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// The watches that stand, and what they are for.
struct Source {
    filter: Filter,
    timing: Timing,
    watcher: Option<RecommendedWatcher>,
    /// Knows what is ignored; opened anew here because a repository stays on its thread.
    repository: Option<Repository>,
    /// Directories of the work tree that are watched one by one.
    directories: HashSet<PathBuf>,
    /// Whether all that matters is watched.
    sees_all: bool,
    /// What changed since it was told last.
    changed: Changed,
}

impl Source {
    fn new(filter: Filter, timing: Timing, events: Sender<Message>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Reading is not passed on: the reader reads, and would wake itself for ever.
            if let Ok(event) = event
                && is_change(&event)
            {
                let _ = events.send(Message::Happened(event));
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!(%error, "nothing can be watched")).ok();
        let repository = match &filter {
            Filter::Repository { places } => Repository::open(&places.git_dir).ok(),
            Filter::Files { .. } => None,
        };
        let sees_all = watcher.is_some();
        let mut source = Self {
            filter,
            timing,
            watcher,
            repository,
            directories: HashSet::new(),
            sees_all,
            changed: Changed::Anything,
        };
        source.watch_all();
        source
    }

    fn watch_all(&mut self) {
        match &self.filter {
            Filter::Files { directory, .. } => {
                let directory = directory.clone();
                self.watch(&directory, RecursiveMode::NonRecursive);
            }
            Filter::Repository { places } => {
                let places = places.clone();
                self.watch(&places.git_dir, RecursiveMode::NonRecursive);
                if places.common_dir != places.git_dir {
                    self.watch(&places.common_dir, RecursiveMode::NonRecursive);
                }
                for refs in [places.git_dir.join("refs"), places.common_dir.join("refs")] {
                    if refs.is_dir() {
                        self.watch(&refs, RecursiveMode::Recursive);
                    }
                }
                if EACH_DIRECTORY {
                    self.watch_tree(&places.root);
                } else {
                    self.watch(&places.root, RecursiveMode::Recursive);
                }
            }
        }
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        match watcher.watch(path, mode) {
            Ok(()) => true,
            // Gone again before it could be watched.
            Err(_) if !path.exists() => false,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot be watched; looking now and then");
                self.sees_all = false;
                false
            }
        }
    }

    /// Watches a directory of the work tree and those in it, but what git ignores.
    fn watch_tree(&mut self, top: &Path) {
        let mut waiting = vec![top.to_path_buf()];
        while let Some(directory) = waiting.pop() {
            if !self.sees_all {
                return self.give_up_tree();
            }
            if self.directories.contains(&directory) {
                continue;
            }
            if self.directories.len() >= self.timing.max_directories {
                tracing::info!("the work tree has too many directories to watch; looking now and then");
                self.sees_all = false;
                return self.give_up_tree();
            }
            if !self.watch(&directory, RecursiveMode::NonRecursive) {
                continue;
            }
            let Ok(entries) = std::fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_directory && entry.file_name() != ".git" && !self.is_ignored_at(&entry.path()) {
                    waiting.push(entry.path());
                }
            }
            self.directories.insert(directory);
        }
    }

    /// Half a tree watched would look like a whole one: better none, and a faster poll.
    fn give_up_tree(&mut self) {
        for directory in std::mem::take(&mut self.directories) {
            if let Some(watcher) = &mut self.watcher {
                let _ = watcher.unwatch(&directory);
            }
        }
    }

    fn is_ignored_at(&self, path: &Path) -> bool {
        match &self.filter {
            Filter::Repository { places } => {
                path.strip_prefix(&places.root).is_ok_and(|inside| self.is_ignored(inside))
            }
            Filter::Files { .. } => false,
        }
    }

    fn is_ignored(&self, inside: &Path) -> bool {
        let repository = self.repository.as_ref();
        repository.is_some_and(|repository| repository.is_path_ignored(inside).unwrap_or(false))
    }

    /// Tells whether an event matters, and keeps the watches up to date with it.
    fn takes(&mut self, event: &Event) -> bool {
        if event.need_rescan() {
            self.changed = Changed::Anything;
            return true;
        }
        let wanted: Vec<&PathBuf> = event
            .paths
            .iter()
            .filter(|path| self.filter.wants(path, |inside| self.is_ignored(inside)))
            .collect();
        let matters = !wanted.is_empty();
        if matters {
            let changed = wanted.into_iter().map(|path| self.filter.file(path)).collect::<Option<_>>();
            let before = std::mem::replace(&mut self.changed, Changed::Anything);
            self.changed = changed.map_or(Changed::Anything, |files| before.and(Changed::Files(files)));
        }
        if matters && let Filter::Repository { places } = &self.filter {
            let git_dir = places.git_dir.clone();
            if event.kind.is_remove() {
                for path in &event.paths {
                    self.directories.remove(path);
                }
            } else if EACH_DIRECTORY && self.sees_all && may_make_directory(event) {
                let made = |path: &&PathBuf| {
                    let is_directory = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
                    is_directory && !path.starts_with(&git_dir) && !self.is_ignored_at(path)
                };
                let made: Vec<PathBuf> = event.paths.iter().filter(made).cloned().collect();
                for directory in made {
                    self.watch_tree(&directory);
                }
            }
        }
        matters
    }

    /// What changed, to be told now.
    fn tell(&mut self) -> Changed {
        let changed = std::mem::replace(&mut self.changed, Changed::Files(Vec::new()));
        if self.sees_all { changed } else { Changed::Anything }
    }

    fn poll(&self) -> Duration {
        if self.sees_all { self.timing.poll } else { self.timing.poll_blind }
    }

    fn run(mut self, messages: &Receiver<Message>, mut on_change: impl FnMut(Changed)) {
        on_change(self.tell());
        let mut look_at = Instant::now() + self.poll();
        loop {
            match messages.recv_timeout(look_at.saturating_duration_since(Instant::now())) {
                Ok(Message::Happened(event)) if !self.takes(&event) => continue,
                Ok(Message::Happened(_)) => {
                    if !self.gather(messages) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.changed = Changed::Anything,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            on_change(self.tell());
            look_at = Instant::now() + self.poll();
        }
    }

    /// Waits until changes pause or have been waited for long enough. Returns false when the
    /// watch ends.
    fn gather(&mut self, messages: &Receiver<Message>) -> bool {
        let first = Instant::now();
        let mut last = first;
        loop {
            let until = (last + self.timing.quiet).min(first + self.timing.longest);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            match messages.recv_timeout(left) {
                Ok(Message::Happened(event)) => {
                    if self.takes(&event) {
                        last = Instant::now();
                    }
                }
                Err(RecvTimeoutError::Timeout) => return true,
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests;
