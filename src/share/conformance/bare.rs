//! The git remote: a bare repository on this machine.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository, Signature};
use tempfile::TempDir;

use super::{Batch, Carrier, Place, conforms};
use crate::incident::IncidentId;
use crate::share::batch::node_name;
use crate::share::carrier::Remote;

pub(super) struct Bare(TempDir);

impl Bare {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Repository::init_bare(dir.path()).unwrap();
        Self(dir)
    }

    fn repo(&self) -> Repository {
        Repository::open_bare(self.0.path()).unwrap()
    }
}

/// Makes a clone whose `origin` is at a path.
pub(super) fn clone_of(origin: &Path, root: &Path) {
    let repo = Repository::init(root).unwrap();
    repo.remote("origin", &origin.to_string_lossy()).unwrap();
}

fn name(incident: IncidentId, node: u64) -> String {
    format!("refs/flightdeck/v1/{incident}/{}", node_name(node))
}

impl Place for Bare {
    fn clone_into(&self, root: &Path) {
        clone_of(self.0.path(), root);
    }

    fn carrier(&self, _node: u64) -> Box<dyn Carrier> {
        Box::new(Remote)
    }

    fn there(&self, incident: IncidentId, node: u64) -> Vec<Batch> {
        let repo = self.repo();
        let mut found = Vec::new();
        let mut at: Option<Oid> = repo.refname_to_id(&name(incident, node)).ok();
        while let Some(commit) = at.map(|id| repo.find_commit(id).unwrap()) {
            let tree = commit.tree().unwrap();
            let file = |name: &str| {
                let blob = repo.find_blob(tree.get_name(name).unwrap().id()).unwrap();
                blob.content().to_vec()
            };
            found.push(Batch { head: file("head.json"), lines: file("records.jsonl") });
            at = commit.parent_id(0).ok();
        }
        found.reverse();
        found
    }

    fn put(&self, incident: IncidentId, node: u64, batches: &[Batch]) {
        let repo = self.repo();
        let mut at: Option<Oid> = None;
        for batch in batches {
            let mut tree = repo.treebuilder(None).unwrap();
            tree.insert("head.json", repo.blob(&batch.head).unwrap(), 0o100_644).unwrap();
            tree.insert("records.jsonl", repo.blob(&batch.lines).unwrap(), 0o100_644).unwrap();
            let tree = repo.find_tree(tree.write().unwrap()).unwrap();
            let by = Signature::now("somebody", "somebody@example.com").unwrap();
            let parent = at.map(|id| repo.find_commit(id).unwrap());
            let parents: Vec<_> = parent.iter().collect();
            at = Some(repo.commit(None, &by, &by, "put there\n", &tree, &parents).unwrap());
        }
        let name = name(incident, node);
        match at {
            Some(at) => drop(repo.reference(&name, at, true, "").unwrap()),
            None => repo.find_reference(&name).unwrap().delete().unwrap(),
        }
    }

    fn litter(&self, incident: IncidentId, node: u64) {
        let repo = self.repo();
        let tree = repo.find_tree(repo.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let by = Signature::now("somebody", "somebody@example.com").unwrap();
        let commit = repo.commit(None, &by, &by, "nothing\n", &tree, &[]).unwrap();
        repo.reference(&name(incident, node), commit, true, "").unwrap();
    }
}

conforms!(Bare::new());

/// Says where a machine's clone is, for places that are no git remotes.
pub(super) fn nowhere() -> PathBuf {
    PathBuf::from("/nonexistent/remote.git")
}
