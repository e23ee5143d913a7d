//! Claims at the remote: each is one reference, moved by compare-and-swap. Whether one is still kept up is judged by
//! what this machine has seen change, and never by the clock of whoever holds it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use git2::{Oid, Signature};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::claim::{CLAIMS, Claim, MOST};
use super::git::{Git, said};

/// The file of a claim.
const FILE: &str = "lease.json";
/// When each claim was seen first as it is, in the carrier's own repository.
const SEEN: &str = "flightdeck.leases";

/// What lies at the reference of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum There {
    /// A claim.
    Claim(Box<Claim>),
    /// Something else: why it is none.
    Garbage(String),
}

/// The claim of a target as it was at the remote when that was asked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What is there.
    pub there: There,
    /// Its commit, or whatever it is.
    pub id: Oid,
    /// For how long it has been seen unchanged from here.
    pub unchanged: Duration,
}

/// When something was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    id: String,
    /// By the clock that counts from the start of this machine, in seconds.
    at: u64,
}

impl Git {
    /// Asks the remote for all claims, within a time: as long again where others on this machine share over it.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch_claims(&self, patience: Duration) -> Result<(), String> {
        // A round that began before would put what it heard in the place of this.
        let _lock = self.lock_within(patience)?;
        let all = format!("+{CLAIMS}*:{CLAIMS}*");
        let fetch = ["fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-filter"];
        let arguments: Vec<&str> =
            fetch.into_iter().chain(["--refmap=", self.remote_as_given(), &all]).collect();
        self.run(&arguments, patience)?;
        self.observe();
        Ok(())
    }

    /// Asks what lies at a reference without bringing it here: it may be of any size.
    ///
    /// # Errors
    /// One line that says why the remote could not be asked.
    pub fn listed_claim(&self, reference: &str, patience: Duration) -> Result<Option<Oid>, String> {
        let said = self.run(&["ls-remote", "--refs", "--", self.remote_as_given(), reference], patience)?;
        let said = String::from_utf8_lossy(&said);
        let mut found = said.lines().filter_map(|line| line.split_once('\t'));
        let found = found.find(|(_, name)| *name == reference);
        found.map(|(id, _)| Oid::from_str(id).map_err(|error| super::git::said(&error))).transpose()
    }

    /// Takes note of the claims that are there: for how long each stays as it is tells whether it is kept up.
    pub(super) fn observe(&self) {
        let now = uptime();
        let before = self.seen();
        let mut after = BTreeMap::new();
        let references = self.repo().references_glob(&format!("{CLAIMS}*"));
        for reference in references.into_iter().flatten().flatten() {
            let (Ok(name), Some(id)) = (reference.name(), reference.target()) else { continue };
            let known = before.get(name).filter(|seen| seen.id == id.to_string() && seen.at <= now);
            let at = known.map_or(now, |seen| seen.at);
            after.insert(name.to_owned(), Seen { id: id.to_string(), at });
        }
        if after != before {
            let _ = super::opened::replace(
                &self.directory().join(SEEN),
                &serde_json::to_vec(&after).unwrap_or_default(),
            );
        }
    }

    fn seen(&self) -> BTreeMap<String, Seen> {
        let text = std::fs::read(self.directory().join(SEEN)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// The claim of a target, as it was when the remote was asked last.
    ///
    /// # Errors
    /// One line: the repository cannot be read.
    pub fn claimed(
        &self,
        reference: &str,
        target: &str,
        key_of: &dyn Fn(u64) -> Option<String>,
    ) -> Result<Option<Claimed>, String> {
        let Some(id) = self.commit(reference)? else { return Ok(None) };
        let there = match self.file(id, FILE, MOST).and_then(|bytes| Claim::read(&bytes, target, key_of)) {
            Ok(claim) => There::Claim(Box::new(claim)),
            Err(why) => There::Garbage(why),
        };
        let seen = self.seen();
        let since = seen.get(reference).filter(|seen| seen.id == id.to_string());
        let unchanged = since.map_or(0, |seen| uptime().saturating_sub(seen.at));
        Ok(Some(Claimed { there, id, unchanged: Duration::from_secs(unchanged) }))
    }

    /// Puts a claim in the place of what was seen there, or takes it away; nothing is changed if something else is there.
    /// Returns what is there now.
    ///
    /// # Errors
    /// One line: somebody was quicker, the remote refuses, or it does not answer within the time.
    pub fn swap_claim(
        &self,
        reference: &str,
        seen: Option<Oid>,
        claim: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Option<Oid>, String> {
        let write = |bytes: &[u8]| -> Result<Oid, git2::Error> {
            let repo = self.repo();
            let mut tree = repo.treebuilder(None)?;
            tree.insert(FILE, repo.blob(bytes)?, 0o100_644)?;
            let tree = repo.find_tree(tree.write()?)?;
            let by = Signature::now("flightdeck", "flightdeck@localhost")?;
            repo.commit(None, &by, &by, "a lease\n", &tree, &[])
        };
        let new = claim.map(write).transpose().map_err(|error| said(&error))?;
        let expected = seen.map_or_else(String::new, |seen| seen.to_string());
        let lease = format!("--force-with-lease={reference}:{expected}");
        let spec = format!("{}:{reference}", new.map_or_else(String::new, |new| new.to_string()));
        let push = ["push", "--quiet", "--no-verify", "--no-signed", "--no-follow-tags"];
        let more = ["--recurse-submodules=no", &lease, self.remote_as_given(), &spec];
        let arguments: Vec<&str> = push.into_iter().chain(more).collect();
        let began = Instant::now();
        if let Err(why) = self.run(&arguments, patience) {
            let is_cleared = || {
                new.is_some() && began.elapsed() < patience && !self.clear_way(reference, patience).is_empty()
            };
            if !is_cleared() {
                return Err(why);
            }
            self.run(&arguments, patience)?;
        }
        match new {
            Some(new) => self.point(reference, new)?,
            None => drop(self.repo().find_reference(reference).and_then(|mut reference| reference.delete())),
        }
        self.observe();
        Ok(new)
    }
}

/// Seconds since this machine started, those in which it slept included: nobody sets that clock.
fn uptime() -> u64 {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    u64::try_from(clock_gettime(clock).tv_sec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use git2::Repository;

    use super::super::claim::reference;
    use super::*;
    use crate::conductor::Unattended;
    use crate::config::types::Config;
    use crate::hotfix::git::Reader;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A clone with an empty remote, and the way to that.
    struct World {
        _dir: tempfile::TempDir,
        remote: Repository,
        git: Git,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let place = dir.path().join("remote.git");
            let remote = Repository::init_bare(&place).unwrap();
            let clone = Repository::init(dir.path().join("clone")).unwrap();
            clone.remote("origin", &place.to_string_lossy()).unwrap();
            let reader = Reader::open(clone.workdir().unwrap()).unwrap();
            let wire = Unattended::new(&Config::default(), &reader);
            let settings = clone.path().join("config");
            let git = Git::open(&dir.path().join("state"), "app", "origin", &settings, wire).unwrap();
            Self { _dir: dir, remote, git }
        }

        /// Puts something at the remote, as anybody can who may push.
        fn put(&self, name: &str) {
            let tree = self.remote.treebuilder(None).unwrap().write().unwrap();
            let tree = self.remote.find_tree(tree).unwrap();
            let by = Signature::now("mallory", "mallory@example.com").unwrap();
            self.remote.commit(Some(name), &by, &by, "garbage", &tree, &[]).unwrap();
        }

        fn take(&self) -> Result<Option<Oid>, String> {
            self.git.swap_claim(&reference("production", ""), None, Some(b"mine"), PATIENCE)
        }
    }

    #[test]
    fn what_lies_below_or_above_a_lease_does_not_keep_it_from_being_taken() {
        let [below, above] = ["refs/flightdeck/v1/leases/production/x", "refs/flightdeck/v1"];
        let branch = "refs/heads/refs/flightdeck/v1";
        let shadow = "refs/heads/refs/flightdeck/v1/leases/production";
        for (name, removed) in [(below, vec![below]), (above, vec![branch, above]), (shadow, vec![shadow])] {
            for is_heard in [false, true] {
                let world = World::new();
                world.put(name);
                if name != shadow {
                    world.put(branch);
                }
                if is_heard {
                    // It is in the way here, too.
                    let _ = world.git.fetch_claims(PATIENCE);
                }
                let taken = world.take().unwrap_or_else(|why| panic!("{name}: {why}"));
                let there = world.remote.refname_to_id(&reference("production", "")).unwrap();
                assert_eq!(taken, Some(there), "{name}");
                assert_eq!(world.git.take_removed(), removed);
            }
        }
    }

    #[test]
    fn nothing_is_removed_where_somebody_was_quicker() {
        let world = World::new();
        world.put("refs/flightdeck/v1/leases/production");
        world.put("refs/flightdeck/v1/leases/staging");
        world.take().unwrap_err();
        assert!(world.git.take_removed().is_empty());
        assert!(world.remote.refname_to_id("refs/flightdeck/v1/leases/staging").is_ok());
    }

    #[test]
    fn claims_are_asked_for_by_one_at_a_time() {
        let world = World::new();
        let round = world.git.lock().unwrap();
        world.git.fetch_claims(Duration::from_millis(50)).unwrap_err();
        drop(round);
        world.git.fetch_claims(PATIENCE).unwrap();
    }
}
