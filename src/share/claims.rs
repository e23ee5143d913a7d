//! Claims at the remote: each is one reference, moved by compare-and-swap. Whether one is still kept up is judged by
//! what this machine has seen change, and never by the clock of whoever holds it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use git2::{ErrorCode, Oid, Signature};
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

/// What came of asking the remote for a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// What it has is known here: [`Git::claimed`].
    Known,
    /// It has something that cannot be brought here: what it is, and why not.
    Unread(Oid, String),
}

/// When something was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// The claim itself: in another commit it is no other one.
    id: String,
    /// By the clock that counts from the start of this machine, in seconds.
    at: u64,
}

impl Git {
    /// Asks the remote for a claim, and for no other one: each step within a time, of which there are four at most.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn hear_claim(&self, reference: &str, patience: Duration) -> Result<Heard, String> {
        // A round that began before would put what it heard in the place of this.
        let _lock = self.lock_within(patience)?;
        let there = self.listed_claim(reference, patience)?;
        match there {
            None => self.forget(reference)?,
            Some(id) if self.commit(reference)? != there => {
                self.clear_here(reference);
                if let Err(why) = self.fetch_one(reference, patience) {
                    // It may be the network.
                    let is_there = self.listed_claim(reference, patience)? == there;
                    return if is_there { Ok(Heard::Unread(id, why)) } else { Err(why) };
                }
            }
            Some(_) => {}
        }
        self.observe();
        Ok(Heard::Known)
    }

    fn forget(&self, reference: &str) -> Result<(), String> {
        match self.repo().find_reference(reference).and_then(|mut known| known.delete()) {
            Err(error) if error.code() != ErrorCode::NotFound => Err(said(&error)),
            _ => Ok(()),
        }
    }

    /// Asks what lies at a reference without bringing it here: it may be of any size.
    fn listed_claim(&self, reference: &str, patience: Duration) -> Result<Option<Oid>, String> {
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
            let id = self.content(id).to_string();
            let known = before.get(name).filter(|seen| seen.id == id && seen.at <= now);
            let at = known.map_or(now, |seen| seen.at);
            after.insert(name.to_owned(), Seen { id, at });
        }
        if after != before {
            let _ = super::opened::replace(
                &self.directory().join(SEEN),
                &serde_json::to_vec(&after).unwrap_or_default(),
            );
        }
    }

    /// What a claim says, as an id; where it is none, whatever is there.
    fn content(&self, id: Oid) -> Oid {
        let tree = self.repo().find_commit(id).and_then(|commit| commit.tree());
        tree.ok().and_then(|tree| tree.get_name(FILE).map(|file| file.id())).unwrap_or(id)
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
        let content = self.content(id).to_string();
        let since = seen.get(reference).filter(|seen| seen.id == content);
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
        let push = |spec: &str| {
            let push = ["push", "--quiet", "--no-verify", "--no-signed", "--no-follow-tags"];
            let more = ["--recurse-submodules=no", &lease, self.remote_as_given(), spec];
            let arguments: Vec<&str> = push.into_iter().chain(more).collect();
            let began = Instant::now();
            let Err(why) = self.run(&arguments, patience) else { return Ok(()) };
            // What is taken away is in nobody's way, and may only be taken for something else.
            let may_clear = new.is_some() || why.contains("matches more than one");
            let is_cleared =
                may_clear && began.elapsed() < patience && !self.clear_way(reference, patience).is_empty();
            if is_cleared { self.run(&arguments, patience).map(drop) } else { Err(why) }
        };
        if let Some(new) = new {
            self.putting(new, reference, push)?;
            self.point(reference, new)?;
        } else {
            push(&format!(":{reference}"))?;
            let _ = self.forget(reference);
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

    const PRODUCTION: &str = "refs/flightdeck/v1/leases/production";
    const SHADOW: &str = "refs/heads/refs/flightdeck/v1/leases/production";

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
        for (name, removed) in [(below, vec![below]), (above, vec![branch, above]), (SHADOW, vec![])] {
            for is_heard in [false, true] {
                let world = World::new();
                world.put(name);
                if name != SHADOW {
                    world.put(branch);
                }
                if is_heard {
                    // It is in the way here, too.
                    let _ = world.git.hear_claim(name, PATIENCE);
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
        world.git.hear_claim(PRODUCTION, Duration::from_millis(50)).unwrap_err();
        drop(round);
        world.git.hear_claim(PRODUCTION, PATIENCE).unwrap();
    }

    #[test]
    fn a_lease_is_renewed_and_given_back_whatever_ends_like_it() {
        let world = World::new();
        let mine = world.take().unwrap();
        // A copy of it under another name, in the place of it.
        world.remote.reference(SHADOW, mine.unwrap(), true, "").unwrap();
        world.remote.find_reference(PRODUCTION).unwrap().delete().unwrap();
        world.git.swap_claim(PRODUCTION, mine, Some(b"renewed"), PATIENCE).unwrap_err();
        let again = world.git.swap_claim(PRODUCTION, None, Some(b"again"), PATIENCE).unwrap();
        assert_eq!(world.remote.refname_to_id(PRODUCTION).ok(), again);
        world.remote.reference(SHADOW, again.unwrap(), true, "").unwrap();
        world.git.swap_claim(PRODUCTION, again, None, PATIENCE).unwrap();
        assert!(world.remote.refname_to_id(PRODUCTION).is_err());
        assert!(world.git.repo().references_glob("refs/put/*").unwrap().next().is_none());
    }

    #[test]
    fn what_cannot_be_brought_here_keeps_no_other_lease_from_being_known() {
        let world = World::new();
        let mut tree = world.remote.treebuilder(None).unwrap();
        tree.insert("x", world.remote.blob(b"x").unwrap(), 0o100_644).unwrap();
        let of = world.remote.find_tree(tree.write().unwrap()).unwrap();
        let by = Signature::now("mallory", "mallory@example.com").unwrap();
        let odd = world.remote.commit(Some(PRODUCTION), &by, &by, "x", &of, &[]).unwrap();
        let tree = of.id().to_string();
        let (first, rest) = tree.split_at(2);
        std::fs::remove_file(world.remote.path().join("objects").join(first).join(rest)).unwrap();
        let heard = world.git.hear_claim(PRODUCTION, PATIENCE).unwrap();
        assert!(matches!(heard, Heard::Unread(id, _) if id == odd), "{heard:?}");
        assert_eq!(world.git.hear_claim(&reference("staging", ""), PATIENCE), Ok(Heard::Known));
    }

    #[test]
    fn the_same_claim_in_another_commit_is_unchanged() {
        let world = World::new();
        let mine = world.take().unwrap();
        let file = world.git.directory().join(SEEN);
        let long_ago = || {
            let mut seen = world.git.seen();
            for one in seen.values_mut() {
                one.at = one.at.saturating_sub(1);
            }
            std::fs::write(&file, serde_json::to_vec(&seen).unwrap()).unwrap();
            seen
        };
        let before = long_ago();
        let copy = world.remote.find_commit(mine.unwrap()).unwrap();
        let by = Signature::now("mallory", "mallory@example.com").unwrap();
        world.remote.commit(Some("refs/copy"), &by, &by, "again", &copy.tree().unwrap(), &[]).unwrap();
        let id = world.remote.refname_to_id("refs/copy").unwrap();
        world.remote.reference(PRODUCTION, id, true, "").unwrap();
        world.git.hear_claim(PRODUCTION, PATIENCE).unwrap();
        assert_eq!(world.git.repo().refname_to_id(PRODUCTION).unwrap(), id);
        assert_eq!(world.git.seen(), before);
    }
}
