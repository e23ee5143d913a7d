//! Reads what a plan about the hotfix branch is made of.

use std::collections::BTreeMap;

use super::super::prepare::{Fresh, Ground};
use super::super::remote::up_to_date;
use super::Place;
use crate::config::types::Flow;
use crate::hotfix::flows::push::Standing;
use crate::hotfix::flows::start::Others;
use crate::hotfix::flows::{Base, Seen, Tracking};
use crate::hotfix::remote::Remote;

/// Names tried for the base where only the remote has one and none is configured.
const USUAL_BASES: [&str; 3] = ["main", "master", "trunk"];

impl Place<'_> {
    /// What the remote has; the base, and the branches in `more`, are what matters of it.
    pub(in super::super) fn remote(&self, fresh: Fresh, more: &[&str]) -> Remote {
        let base = self.base_name(&Remote::None);
        let wanted = |name: &str| base.as_deref() == Some(name) || more.contains(&name);
        let ground = Ground { fresh, ..*self.ground };
        up_to_date(&ground, &self.reader, base.as_deref(), wanted)
    }

    /// All that was seen.
    pub(in super::super) fn seen<'a>(&'a self, remote: &'a Remote, more: &[&str]) -> Seen<'a> {
        let base = self.base_name(remote);
        let mut tracking = BTreeMap::new();
        if let Some(name) = remote.name() {
            for branch in base.iter().map(String::as_str).chain(more.iter().copied()) {
                let Some(reference) = self.reader.tracking_name(name, branch) else { continue };
                let commit = self.reader.commit_at(&reference);
                tracking.insert(branch.to_owned(), Tracking { reference, commit });
            }
        }
        let base = base.map(|name| self.base(name, remote, &tracking));
        Seen {
            config: self.ground.config,
            id: self.id,
            state: &self.state,
            remote,
            base,
            tracking,
            now: self.ground.now,
        }
    }

    /// The branch in production: as it was read, else one that only the remote has.
    fn base_name(&self, remote: &Remote) -> Option<String> {
        let configured = self.ground.config.hotfix.base.as_str();
        self.state.base.clone().or_else(|| {
            let refs = &remote.known()?.refs;
            let is_there = |name: &&str| refs.branch(name).is_some();
            if configured.is_empty() {
                return USUAL_BASES.into_iter().find(is_there).map(str::to_owned);
            }
            Some(configured).filter(is_there).map(str::to_owned)
        })
    }

    fn base(&self, name: String, remote: &Remote, tracking: &BTreeMap<String, Tracking>) -> Base {
        let local = self.reader.commit_at(&format!("refs/heads/{name}"));
        let kept = tracking.get(&name).and_then(|kept| kept.commit.clone());
        let there = match remote {
            Remote::None => None,
            Remote::Known(known) => known.refs.branch(&name).map(str::to_owned),
            Remote::Silent { .. } => kept.clone(),
        };
        let is_here = there.as_ref().is_some_and(|there| self.reader.has_commit(there));
        let other = if is_here { &there } else { &kept };
        let apart = local.as_ref().zip(other.as_ref()).and_then(|(one, other)| self.reader.apart(one, other));
        Base { name, local, there, is_here, apart }
    }

    /// How the current branch stands to the one of its name at the remote.
    pub(super) fn standing(&self, remote: &Remote) -> Standing {
        let (Some(known), Some(branch), Some(head)) =
            (remote.known(), self.state.branch(), self.state.commit())
        else {
            return Standing::Unknown;
        };
        let Some(there) = known.refs.branch(branch) else { return Standing::New };
        if there == head {
            return Standing::Same;
        }
        if !self.reader.has_commit(there) {
            return Standing::Behind(None);
        }
        match self.reader.apart(head, there) {
            Some((ahead, 0)) => Standing::Ahead(ahead),
            apart => Standing::Behind(apart),
        }
    }

    /// Other work that is open: what is not all in the base.
    pub(super) fn others(&self, seen: &Seen<'_>, (releases, unknown): (Vec<String>, Vec<String>)) -> Others {
        let hotfix = &self.ground.config.hotfix;
        let base = seen.base.as_ref().and_then(|base| base.there.as_deref().or(base.local.as_deref()));
        let is_open = |commit: &str| base.is_none_or(|base| self.reader.is_in(commit, base) != Some(true));
        let mut hotfixes: Vec<(String, bool)> = Vec::new();
        for name in &self.state.hotfix_branches {
            let commit = self.reader.commit_at(&format!("refs/heads/{name}"));
            if commit.is_some_and(|commit| is_open(&commit)) {
                hotfixes.push((name.clone(), false));
            }
        }
        if let Some(known) = seen.remote.known() {
            for (name, commit) in known.refs.branches_with(&hotfix.prefix) {
                if !self.state.hotfix_branches.iter().any(|here| here == name) && is_open(commit) {
                    hotfixes.push((name.to_owned(), true));
                }
            }
        }
        Others { hotfixes, releases, unknown, ..Others::default() }
    }

    /// Release branches that are open, and those of which nobody can tell, in order of name: as the
    /// remote has them, else as they are here.
    pub(super) fn open_releases(&mut self, remote: &Remote) -> (Vec<String>, Vec<String>) {
        let hotfix = &self.ground.config.hotfix;
        if hotfix.flow != Flow::GitFlow {
            return (Vec::new(), Vec::new());
        }
        let prefix = &hotfix.release_prefix;
        let here = self.reader.branches_with(prefix).into_iter();
        let mut tips: BTreeMap<String, String> = here
            .filter_map(|name| Some((name.clone(), self.reader.commit_at(&format!("refs/heads/{name}"))?)))
            .collect();
        let known = remote.known();
        let there = known.into_iter().flat_map(|known| known.refs.branches_with(prefix));
        tips.extend(there.map(|(name, commit)| (name.to_owned(), commit.to_owned())));
        let base = self.base_name(remote);
        let there = base.as_ref().and_then(|base| known?.refs.branch(base)).map(str::to_owned);
        let kept = self.state.base_at.as_ref().map(|at| at.commit.clone());
        let base = there.filter(|there| self.reader.has_commit(there)).or(kept);
        base.map(|base| self.reader.open_among(&base, tips)).unwrap_or_default()
    }
}
