//! Claims at the remote: each is one reference, moved by compare-and-swap. Whether one is still kept up is judged by
//! what this machine has seen change, and never by the clock of whoever holds it.

use std::collections::BTreeMap;
use std::time::Duration;

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
    /// Asks the remote for all claims, within a time.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch_claims(&self, patience: Duration) -> Result<(), String> {
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
        self.run(&arguments, patience)?;
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
