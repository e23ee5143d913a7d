//! Carries batches over the team's git remote.
//!
//! Each installation writes one reference an incident, `refs/flightdeck/v1/<incident>/<node>`, and nobody else
//! writes it: a push is never refused for being behind. A commit is a batch, its parent the batch before. All of
//! it lies in a bare repository in the state directory, never in the user's:
//!
//! | reference | holds |
//! | --- | --- |
//! | `refs/own/<incident>` | what this installation has to say |
//! | `refs/flightdeck/v1/…` | what the remote had when it was fetched last |
//! | `refs/flightdeck/v1/<incident>/archive` | the chains of an incident that is closed, as its parents |
//! | `refs/taken/<incident>/<node>` | how far that was taken into the journal |
//! | `refs/put/<commit>` | a commit while it is pushed |
//! | `refs/live/<incident>/<node>/<key>` | what came of an installation over a live carrier, by the key it is signed with |
//!
//! What is pushed goes by a pattern, `refs/own/<incident>*:<name>*`: one name alone git takes for a branch that ends
//! like it where the remote has no such reference yet.

mod archive;
mod blocked;
#[cfg(any(test, feature = "nats"))]
mod came;
mod fetch;
mod kept;
mod live;
mod lock;

#[cfg(any(test, feature = "nats"))]
pub(super) use came::Came;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorCode, ObjectType, Oid, Repository, Signature, Time};

use super::batch::{Batch, MOST_BYTES, MOST_HEAD, Reached, node_name, parse_node};
use super::opened::Opened;
use crate::conductor::Unattended;
use crate::incident::{Hash, IncidentId};
use crate::text::address::without_credentials;

/// Where the references of installations are at the remote.
const THEIRS: &str = "refs/flightdeck/v1/";
/// How long the remote may take to answer.
const PATIENCE: Duration = Duration::from_secs(25);
/// Bytes of what git prints that are read.
const ENOUGH: usize = 1 << 20;
/// Most batches of an installation in an incident.
const MOST_BATCHES: usize = 100_000;
/// The file that is there where sharing is turned off, and the one that tells which addresses are closed to strangers.
const OFF: &str = "off";
const CLOSED: &str = "closed";
/// The files of a batch.
const HEAD: &str = "head.json";
const RECORDS: &str = "records.jsonl";

/// What an installation has at the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tip {
    /// The incident.
    pub incident: IncidentId,
    /// The installation.
    pub node: u64,
    /// Its last batch.
    pub commit: Oid,
}

/// The way to a git remote.
pub struct Git {
    repo: Repository,
    directory: PathBuf,
    remote: String,
    settings: PathBuf,
    wire: Unattended,
    /// What was removed at the remote because it was in the way.
    removed: RefCell<Vec<String>>,
}

/// What one reference is pushed by.
struct Spec {
    refspec: String,
    lease: Option<String>,
    name: String,
    own: Oid,
}

impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Git")
            .field("directory", &self.directory)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl Git {
    /// Opens the way to a remote, making the repository that it needs in a state directory. `repository` is what the
    /// user's goes by, `settings` its own git configuration: remotes are known by it.
    ///
    /// # Errors
    /// One line: the repository cannot be made or opened, or the remote has a name that cannot be used.
    pub fn open(
        state_dir: &Path,
        repository: &str,
        remote: &str,
        settings: &Path,
        wire: Unattended,
    ) -> Result<Self, String> {
        if remote.is_empty() || remote.starts_with('-') {
            return Err(format!("{remote:?} is no name or address of a remote"));
        }
        let name = Hash::of(format!("{repository}\0{remote}").as_bytes()).to_string();
        let directory = state_dir.join("share").join(format!("{}.git", name.get(..16).unwrap_or_default()));
        let repo = match Repository::open_bare(&directory) {
            Err(error) if error.code() == ErrorCode::NotFound => Repository::init_bare(&directory),
            opened => opened,
        };
        let repo = repo.map_err(|error| said(&error))?;
        Opened::keep(&directory, wire.root(), remote);
        let (settings, removed) = (settings.to_path_buf(), RefCell::default());
        Ok(Self { repo, directory, remote: remote.to_owned(), settings, wire, removed })
    }

    /// What the remote is called, without credentials.
    pub fn remote(&self) -> Cow<'_, str> {
        without_credentials(&self.remote)
    }

    /// The addresses that git fetches from and pushes to, as the user has set them up.
    ///
    /// # Errors
    /// One line: git does not say.
    pub fn addresses(&self) -> Result<Vec<String>, String> {
        let lines = |said: Vec<u8>| -> Vec<String> {
            String::from_utf8_lossy(&said).lines().map(str::to_owned).collect()
        };
        // In the user's repository: elsewhere git does not know its remotes.
        let asked = |arguments: &[&str]| self.wire.git(arguments, PATIENCE, ENOUGH).map(lines);
        let mut addresses = self.ask(&["ls-remote", "--get-url", "--", &self.remote])?;
        if self.is_named() {
            addresses.extend(asked(&["remote", "get-url", "--all", "--", &self.remote])?);
            addresses.extend(asked(&["remote", "get-url", "--push", "--all", "--", &self.remote])?);
        } else {
            // Exit code 1: there is none.
            let rules = asked(&["config", "--get-regexp", r"^url\..*\.pushinsteadof$"]).unwrap_or_default();
            addresses.extend(pushed_instead(&rules, &self.remote));
        }
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    /// Whether the remote is one of the repository's, and no address.
    fn is_named(&self) -> bool {
        !self.remote.contains(['/', ':', '=']) && !self.remote.starts_with('.')
    }

    /// The root of the user's repository.
    pub(super) fn root(&self) -> &Path {
        self.wire.root()
    }

    /// The host that a name stands for in the user's settings of ssh.
    pub fn ssh_host(&self, named: &str) -> Option<String> {
        self.wire.ssh_host(named)
    }

    /// Whether somebody turned sharing over this remote off on this machine.
    pub fn is_off(&self) -> bool {
        is_off(&self.directory)
    }

    /// Turns it off or on.
    ///
    /// # Errors
    /// One line: that cannot be written down.
    pub fn turn(&self, off: bool) -> Result<(), String> {
        let file = self.directory.join(OFF);
        match if off { std::fs::write(&file, "") } else { std::fs::remove_file(&file) } {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// Tells whether these addresses were found lately to be such that strangers cannot read them.
    pub fn is_closed(&self, addresses: &[String], lately: Duration) -> bool {
        let file = self.directory.join(CLOSED);
        let age = file.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
        age.is_some_and(|age| age < lately)
            && std::fs::read_to_string(&file).is_ok_and(|known| known == mark(addresses))
    }

    /// Remembers that they are, or are not.
    pub fn remember_closed(&self, addresses: &[String], closed: bool) {
        let file = self.directory.join(CLOSED);
        // Where it is not remembered, the host is asked again.
        let _ = if closed { std::fs::write(&file, mark(addresses)) } else { std::fs::remove_file(&file) };
    }

    /// The remote as git is told it.
    pub(super) fn remote_as_given(&self) -> &str {
        &self.remote
    }

    pub(super) fn repo(&self) -> &Repository {
        &self.repo
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Brings what this installation has to say in some incidents to the remote, as far as that is not there; what the
    /// remote has of `overwritten` ones is put right. Returns what was refused.
    ///
    /// # Errors
    /// One line: the repository cannot be used.
    pub fn push(
        &self,
        node: u64,
        incidents: &BTreeSet<IncidentId>,
        overwritten: &BTreeSet<IncidentId>,
    ) -> Result<Vec<String>, String> {
        let mut specs = Vec::new();
        for (incident, own) in self.own_tips()?.into_iter().filter(|(id, _)| incidents.contains(id)) {
            let name = theirs(incident, node);
            if self.there(incident, node)? == Some(own) {
                continue;
            }
            let there = self.commit(&name)?;
            let is_forced = overwritten.contains(&incident);
            let lease = there.filter(|_| is_forced).map(|seen| format!("--force-with-lease={name}:{seen}"));
            specs.push(Spec {
                refspec: format!("{}{}*:{name}*", if is_forced { "+" } else { "" }, self::own(incident)),
                lease,
                name,
                own,
            });
        }
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        if specs.len() == 1 {
            return Ok(self.push_one(&specs).err().into_iter().collect());
        }
        if self.push_all(&specs).is_ok() {
            return Ok(Vec::new());
        }
        // One that is refused holds up no other.
        Ok(specs.chunks(1).filter_map(|one| self.push_one(one).err()).collect())
    }

    fn push_all(&self, specs: &[Spec]) -> Result<(), String> {
        let leases: Vec<&str> = specs.iter().filter_map(|spec| spec.lease.as_deref()).collect();
        let refspecs: Vec<&str> = specs.iter().map(|spec| spec.refspec.as_str()).collect();
        self.push_specs(&leases, &refspecs)?;
        specs.iter().try_for_each(|spec| self.point(&spec.name, spec.own))
    }

    fn push_specs(&self, leases: &[&str], refspecs: &[&str]) -> Result<(), String> {
        let mut arguments = vec![
            "push",
            "--quiet",
            "--no-verify",
            "--no-signed",
            "--no-follow-tags",
            "--recurse-submodules=no",
        ];
        arguments.extend(leases);
        arguments.extend(["--", &self.remote]);
        arguments.extend(refspecs);
        self.git(&arguments)
    }

    /// Has a commit pushed to the reference of that very name, by the refspec that is given.
    pub(super) fn putting<T>(
        &self,
        commit: Oid,
        name: &str,
        push: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        let put = format!("refs/put/{commit}");
        self.point(&put, commit)?;
        let done = push(&format!("{put}*:{name}*"));
        // One that is left keeps a commit, and nothing else.
        let _ = self.repo.find_reference(&put).and_then(|mut put| put.delete());
        done
    }

    /// The lines of what git says.
    fn ask(&self, arguments: &[&str]) -> Result<Vec<String>, String> {
        let said = self.run(arguments, PATIENCE)?;
        Ok(String::from_utf8_lossy(&said).lines().map(str::to_owned).collect())
    }

    fn git(&self, arguments: &[&str]) -> Result<(), String> {
        self.run(arguments, PATIENCE).map(drop)
    }

    pub(super) fn run(&self, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, String> {
        let directory = format!("--git-dir={}", self.directory.display());
        // What the user has set up for the repository, as far as nothing of ours says otherwise.
        let include = format!("include.path={}", self.settings.display());
        let mirror = format!("remote.{}.mirror=false", self.remote);
        let mut before =
            vec![directory.as_str(), "-c", &include, "-c", "core.bare=true", "-c", "push.gpgSign=false"];
        // A limit for what is written into a file is then one for all that is brought at once.
        before.extend(["-c", "fetch.unpackLimit=1"]);
        if self.is_named() {
            before.extend(["-c", &mirror]);
        }
        self.wire.git_after(&before, arguments, patience, ENOUGH)
    }

    /// What installations had at the remote when it was asked last.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn tips(&self) -> Result<Vec<Tip>, String> {
        let references = self.repo.references_glob(&format!("{THEIRS}*")).map_err(|error| said(&error))?;
        let mut tips = Vec::new();
        for reference in references.flatten() {
            let named = reference.name().ok().and_then(parse);
            // What has another name is none of ours.
            if let (Some((incident, node)), Some(commit)) = (named, reference.target()) {
                tips.push(Tip { incident, node, commit });
            }
        }
        tips.sort();
        Ok(tips)
    }

    /// How far what an installation wrote in an incident was taken in.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn taken(&self, tip: Tip) -> Result<Option<Oid>, String> {
        self.commit(&taken(tip))
    }

    /// Remembers that it was taken in up to a commit.
    ///
    /// # Errors
    /// One line: the repository cannot be written.
    pub fn take(&self, tip: Tip, commit: Oid) -> Result<(), String> {
        self.point(&taken(tip), commit)
    }

    /// The commits up to a tip, the oldest first: those behind `after` where that is one of them, else all, and whether
    /// it was one of them.
    ///
    /// # Errors
    /// One line: what is there is no chain of batches.
    pub fn chain(&self, tip: Tip, after: Option<Oid>) -> Result<(Vec<Oid>, bool), String> {
        let mut chain = Vec::new();
        let mut at = Some(tip.commit);
        while let Some(id) = at.filter(|id| Some(*id) != after) {
            let commit = self.repo.find_commit(id).map_err(|_| "what is there is no batch".to_owned())?;
            if commit.parent_count() > 1 || chain.len() >= MOST_BATCHES {
                return Err("what is there is no chain of batches".to_owned());
            }
            at = commit.parent_id(0).ok();
            chain.push(id);
        }
        chain.reverse();
        Ok((chain, at.is_some()))
    }

    /// How far the chain of batches had come with one that was checked, or that we made.
    ///
    /// # Errors
    /// One line: it is no batch.
    pub fn reached(&self, commit: Oid) -> Result<Reached, String> {
        let head = self.file(commit, HEAD, MOST_HEAD)?;
        Reached::of(&head)
    }

    /// Reads a batch, whose size is looked at first.
    ///
    /// # Errors
    /// One line: it is none.
    pub fn batch(&self, commit: Oid) -> Result<Batch, String> {
        Ok(Batch {
            head: self.file(commit, HEAD, MOST_HEAD)?,
            lines: self.file(commit, RECORDS, MOST_BYTES)?,
        })
    }

    /// Reads a file of a batch, whose length is looked at first.
    pub(super) fn file(&self, commit: Oid, name: &str, most: usize) -> Result<Vec<u8>, String> {
        let none = || format!("it has no {name}");
        let tree = self.repo.find_commit(commit).and_then(|commit| commit.tree()).map_err(|_| none())?;
        let entry = tree.get_name(name).map(|entry| entry.id()).ok_or_else(none)?;
        let odb = self.repo.odb().map_err(|error| said(&error))?;
        match odb.read_header(entry) {
            Ok((size, ObjectType::Blob)) if size <= most => {}
            Ok((size, ObjectType::Blob)) => {
                return Err(format!("its {name} has {size} bytes, and may have {most}"));
            }
            _ => return Err(none()),
        }
        odb.read(entry).map(|object| object.data().to_vec()).map_err(|error| said(&error))
    }

    /// How far what this installation has to say in an incident has come.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn own(&self, incident: IncidentId) -> Result<Reached, String> {
        match self.commit(&own(incident))? {
            Some(commit) => self.reached(commit),
            None => Ok(Reached::default()),
        }
    }

    /// The commit of the last batch of what this installation has to say in an incident.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    #[cfg(any(test, feature = "nats"))]
    pub(super) fn own_tip(&self, incident: IncidentId) -> Result<Option<Oid>, String> {
        self.commit(&own(incident))
    }

    /// The last batch of what this installation has to say in an incident.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn last_own(&self, incident: IncidentId) -> Result<Option<Batch>, String> {
        self.commit(&own(incident))?.map(|commit| self.batch(commit)).transpose()
    }

    /// Adds a batch to what this installation has to say.
    ///
    /// # Errors
    /// One line: it cannot be written, or somebody else added one meanwhile.
    pub fn add(&self, incident: IncidentId, batch: &Batch) -> Result<(), String> {
        let name = own(incident);
        let before = self.commit(&name)?;
        let new = self.write(batch, before)?;
        let moved = match before {
            Some(before) => self.repo.reference_matching(&name, new, true, before, ""),
            None => self.repo.reference(&name, new, false, ""),
        };
        moved.map(drop).map_err(|error| said(&error))
    }

    /// Writes a batch down as a commit. It depends on nothing but the batch and those before it, so that it is the same
    /// one whichever way they came.
    fn write(&self, batch: &Batch, before: Option<Oid>) -> Result<Oid, String> {
        let write = || -> Result<Oid, git2::Error> {
            let mut tree = self.repo.treebuilder(None)?;
            tree.insert(HEAD, self.repo.blob(&batch.head)?, 0o100_644)?;
            tree.insert(RECORDS, self.repo.blob(&batch.lines)?, 0o100_644)?;
            let tree = self.repo.find_tree(tree.write()?)?;
            let by = Signature::new("flightdeck", "flightdeck@localhost", &Time::new(0, 0))?;
            let before = before.map(|before| self.repo.find_commit(before)).transpose()?;
            let parents: Vec<_> = before.iter().collect();
            self.repo.commit(None, &by, &by, "records of an incident\n", &tree, &parents)
        };
        write().map_err(|error| said(&error))
    }

    /// Takes for our own what the remote has of this installation, where nothing is known here: the directory of this
    /// repository was removed.
    ///
    /// # Errors
    /// One line: the repository cannot be written.
    pub fn adopt(&self, tip: Tip) -> Result<(), String> {
        self.point(&own(tip.incident), tip.commit)
    }

    /// Whether what the remote has of this installation is what it has to say, or an earlier part of that.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn is_ours(&self, tip: Tip) -> Result<bool, String> {
        let Some(own) = self.commit(&own(tip.incident))? else { return Ok(false) };
        // What is there may be anything.
        Ok(own == tip.commit || self.repo.graph_descendant_of(own, tip.commit).unwrap_or(false))
    }

    /// Tells whether a batch says what one of this installation says, though it is another commit: somebody put it there.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn is_copied_from_ours(&self, tip: Tip) -> Result<bool, String> {
        let head = self.file(tip.commit, HEAD, MOST_HEAD)?;
        let Some(own) = self.commit(&own(tip.incident))? else { return Ok(false) };
        let (chain, _) = self.chain(Tip { commit: own, ..tip }, None)?;
        Ok(chain.into_iter().any(|commit| self.file(commit, HEAD, MOST_HEAD).is_ok_and(|ours| ours == head)))
    }

    /// How many records of an installation in an incident were at the remote when it was asked last.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn sent(&self, incident: IncidentId, node: u64) -> Result<u64, String> {
        let there = self.there(incident, node)?;
        // What is there may be anything.
        Ok(there.and_then(|there| self.reached(there).ok()).map_or(0, |reached| reached.records))
    }

    fn own_tips(&self) -> Result<Vec<(IncidentId, Oid)>, String> {
        let references = self.repo.references_glob("refs/own/*").map_err(|error| said(&error))?;
        let tip = |reference: git2::Reference<'_>| {
            let incident = reference.name().ok()?.strip_prefix("refs/own/")?.parse().ok()?;
            Some((IncidentId(incident), reference.target()?))
        };
        Ok(references.flatten().filter_map(tip).collect())
    }

    pub(super) fn commit(&self, name: &str) -> Result<Option<Oid>, String> {
        match self.repo.refname_to_id(name) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(said(&error)),
        }
    }

    pub(super) fn point(&self, name: &str, commit: Oid) -> Result<(), String> {
        self.repo.reference(name, commit, true, "").map(drop).map_err(|error| said(&error))
    }
}

/// The incident and the installation of a reference.
pub(super) fn parse(name: &str) -> Option<(IncidentId, u64)> {
    let (incident, node) = name.strip_prefix(THEIRS)?.split_once('/')?;
    let id = IncidentId(incident.parse().ok()?);
    (id.to_string() == incident).then_some((id, parse_node(node)?))
}

fn theirs(incident: IncidentId, node: u64) -> String {
    format!("{THEIRS}{incident}/{}", node_name(node))
}

pub(super) fn is_off(directory: &Path) -> bool {
    directory.join(OFF).exists()
}

pub(super) fn own(incident: IncidentId) -> String {
    format!("refs/own/{incident}")
}

fn taken(tip: Tip) -> String {
    format!("refs/taken/{}/{}", tip.incident, node_name(tip.node))
}

/// The address that git pushes to in place of another one, by the lines of its settings: the longest beginning counts.
fn pushed_instead(rules: &[String], address: &str) -> Option<String> {
    let rule = |line: &String| {
        let (key, from) = line.split_once(' ')?;
        let to = key.strip_prefix("url.")?.strip_suffix(".pushinsteadof")?;
        Some((from.len(), format!("{to}{}", address.strip_prefix(from)?)))
    };
    rules.iter().filter_map(rule).max().map(|(_, address)| address)
}

/// What tells addresses from others, without the credentials that they may hold.
fn mark(addresses: &[String]) -> String {
    Hash::of(addresses.join("\n").as_bytes()).to_string()
}

pub(super) fn said(error: &git2::Error) -> String {
    error.message().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_elsewhere_is_known() {
        let rules = [
            "url.ssh://git@h/.pushinsteadof https://h/",
            "url.https://public.example.com/.pushinsteadof https://h/shop/",
        ];
        let rules = rules.map(str::to_owned);
        assert_eq!(
            pushed_instead(&rules, "https://h/shop/api").as_deref(),
            Some("https://public.example.com/api")
        );
        assert_eq!(pushed_instead(&rules, "https://h/x").as_deref(), Some("ssh://git@h/x"));
        assert_eq!(pushed_instead(&rules, "git@h:x"), None);
    }
}
