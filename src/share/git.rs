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
//! | `refs/taken/<incident>/<node>` | how far that was taken into the journal |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorCode, ObjectType, Oid, Repository, Signature};

use super::batch::{Batch, MOST_BYTES, MOST_HEAD, Reached, node_name, parse_node};
use crate::conductor::Unattended;
use crate::incident::{Hash, IncidentId};

/// Where the references of installations are at the remote.
const THEIRS: &str = "refs/flightdeck/v1/";
/// How long the remote may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of what git prints that are read.
const ENOUGH: usize = 1 << 20;
/// Most batches of an installation in an incident.
const MOST_BATCHES: usize = 100_000;
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
        Ok(Self { repo, directory, remote: remote.to_owned(), settings: settings.to_path_buf(), wire })
    }

    /// What the remote is called.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Asks the remote what installations have there, and brings it here.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch(&self) -> Result<(), String> {
        let all = format!("+{THEIRS}*:{THEIRS}*");
        self.git(&[
            "fetch",
            "--quiet",
            "--no-tags",
            "--prune",
            "--no-write-fetch-head",
            "--refmap=",
            &self.remote,
            &all,
        ])
    }

    /// Brings what this installation has to say to the remote, as far as that is not there.
    ///
    /// # Errors
    /// One line that says why it is not there.
    pub fn push(&self, node: u64) -> Result<(), String> {
        let mut specs = Vec::new();
        for (incident, own) in self.own_tips()? {
            let name = theirs(incident, node);
            if self.commit(&name)? != Some(own) {
                specs.push((format!("{own}:{name}"), name, own));
            }
        }
        if specs.is_empty() {
            return Ok(());
        }
        let mut arguments = vec![
            "push",
            "--quiet",
            "--no-verify",
            "--no-signed",
            "--no-follow-tags",
            "--recurse-submodules=no",
        ];
        arguments.push(&self.remote);
        arguments.extend(specs.iter().map(|(spec, ..)| spec.as_str()));
        self.git(&arguments)?;
        for (_, name, own) in &specs {
            self.point(name, *own)?;
        }
        Ok(())
    }

    fn git(&self, arguments: &[&str]) -> Result<(), String> {
        let directory = format!("--git-dir={}", self.directory.display());
        let include = format!("include.path={}", self.settings.display());
        let before = [directory.as_str(), "-c", &include, "-c", "core.bare=true", "-c", "push.gpgSign=false"];
        let all: Vec<&str> = before.into_iter().chain(arguments.iter().copied()).collect();
        self.wire.git(&all, PATIENCE, ENOUGH).map(drop)
    }

    /// What installations had at the remote when it was asked last.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn tips(&self) -> Result<Vec<Tip>, String> {
        let references = self.repo.references_glob(&format!("{THEIRS}*")).map_err(|error| said(&error))?;
        let mut tips = Vec::new();
        for reference in references.flatten() {
            let name = reference.name().ok().and_then(|name| name.strip_prefix(THEIRS)?.split_once('/'));
            let (Some((incident, node)), Some(commit)) = (name, reference.target()) else { continue };
            // What has another name is none of ours.
            if let (Ok(id), Some(node)) = (incident.parse(), parse_node(node))
                && IncidentId(id).to_string() == incident
            {
                tips.push(Tip { incident: IncidentId(id), node, commit });
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

    /// Remembers that it was taken in up to a tip.
    ///
    /// # Errors
    /// One line: the repository cannot be written.
    pub fn take(&self, tip: Tip) -> Result<(), String> {
        self.point(&taken(tip), tip.commit)
    }

    /// The batches up to a commit, checked, the oldest first; those behind `after` where that is one of them, else all.
    /// Returns what was sound, and what is wrong with the first that was not.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn batches(&self, tip: Tip, after: Option<Oid>) -> Result<(Vec<Batch>, Option<String>), String> {
        let mut chain = Vec::new();
        let mut at = Some(tip.commit);
        while let Some(id) = at.filter(|id| Some(*id) != after) {
            if chain.len() >= MOST_BATCHES {
                return Ok((Vec::new(), Some("it has more batches than an incident can have".to_owned())));
            }
            let Ok(commit) = self.repo.find_commit(id) else {
                return Ok((Vec::new(), Some("what is there is no batch".to_owned())));
            };
            if commit.parent_count() > 1 {
                return Ok((Vec::new(), Some("what is there is no chain of batches".to_owned())));
            }
            at = commit.parent_id(0).ok();
            chain.push(id);
        }
        let mut reached = match at {
            Some(known) => self.reached(known)?,
            None => Reached::default(),
        };
        let mut batches = Vec::new();
        for id in chain.into_iter().rev() {
            let checked =
                self.batch(id).and_then(|batch| Ok((batch.check(tip.incident, tip.node, &reached)?, batch)));
            match checked {
                Ok((now, batch)) => {
                    reached = now;
                    batches.push(batch);
                }
                Err(why) => return Ok((batches, Some(why))),
            }
        }
        Ok((batches, None))
    }

    /// How far the chain of batches had come with one that was checked, or that we made.
    fn reached(&self, commit: Oid) -> Result<Reached, String> {
        let head = self.file(commit, HEAD, MOST_HEAD)?;
        Reached::of(&head)
    }

    fn batch(&self, commit: Oid) -> Result<Batch, String> {
        Ok(Batch {
            head: self.file(commit, HEAD, MOST_HEAD)?,
            lines: self.file(commit, RECORDS, MOST_BYTES)?,
        })
    }

    /// Reads a file of a batch, whose length is looked at first.
    fn file(&self, commit: Oid, name: &str, most: usize) -> Result<Vec<u8>, String> {
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

    /// Adds a batch to what this installation has to say.
    ///
    /// # Errors
    /// One line: it cannot be written.
    pub fn add(&self, incident: IncidentId, batch: &Batch) -> Result<(), String> {
        let name = own(incident);
        let before = self.commit(&name)?;
        let write = || -> Result<Oid, git2::Error> {
            let mut tree = self.repo.treebuilder(None)?;
            tree.insert(HEAD, self.repo.blob(&batch.head)?, 0o100_644)?;
            tree.insert(RECORDS, self.repo.blob(&batch.lines)?, 0o100_644)?;
            let tree = self.repo.find_tree(tree.write()?)?;
            let by = Signature::now("flightdeck", "flightdeck@localhost")?;
            let before = before.map(|before| self.repo.find_commit(before)).transpose()?;
            let parents: Vec<_> = before.iter().collect();
            self.repo.commit(None, &by, &by, "records of an incident\n", &tree, &parents)
        };
        self.point(&name, write().map_err(|error| said(&error))?)
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
        if own == tip.commit {
            return Ok(true);
        }
        self.repo.graph_descendant_of(own, tip.commit).map_err(|error| said(&error))
    }

    /// Counts the records of this installation that are not at the remote, by incident.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn unsent(&self, node: u64) -> Result<BTreeMap<IncidentId, u64>, String> {
        let mut unsent = BTreeMap::new();
        for (incident, commit) in self.own_tips()? {
            let here = self.reached(commit)?.records;
            let there = match self.commit(&theirs(incident, node))? {
                Some(there) => self.reached(there).map_or(0, |reached| reached.records),
                None => 0,
            };
            if here > there {
                unsent.insert(incident, here - there);
            }
        }
        Ok(unsent)
    }

    fn own_tips(&self) -> Result<Vec<(IncidentId, Oid)>, String> {
        let references = self.repo.references_glob("refs/own/*").map_err(|error| said(&error))?;
        let tip = |reference: git2::Reference<'_>| {
            let incident = reference.name().ok()?.strip_prefix("refs/own/")?.parse().ok()?;
            Some((IncidentId(incident), reference.target()?))
        };
        Ok(references.flatten().filter_map(tip).collect())
    }

    fn commit(&self, name: &str) -> Result<Option<Oid>, String> {
        match self.repo.refname_to_id(name) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(said(&error)),
        }
    }

    fn point(&self, name: &str, commit: Oid) -> Result<(), String> {
        self.repo.reference(name, commit, true, "").map(drop).map_err(|error| said(&error))
    }
}

fn theirs(incident: IncidentId, node: u64) -> String {
    format!("{THEIRS}{incident}/{}", node_name(node))
}

fn own(incident: IncidentId) -> String {
    format!("refs/own/{incident}")
}

fn taken(tip: Tip) -> String {
    format!("refs/taken/{}/{}", tip.incident, node_name(tip.node))
}

fn said(error: &git2::Error) -> String {
    error.message().to_owned()
}
