//! Merges trees and files in memory, and says where there is more than one way to do it.

use std::path::Path;

use git2::{AttrCheckFlags, AttrValue, Error, MergeFileInput, MergeFileOptions, ObjectType, Oid, merge_file};

use super::super::command;
use super::trees::{self, Edit, Edits, Entry};
use super::{Forecaster, Outcome, Trouble};
use crate::text::visible;

/// Files longer than this are left to the git command.
const MAX_FILE_BYTES: usize = 8 << 20;
/// git takes what has a zero among so many first bytes for binary.
const BINARY_BYTES: usize = 8000;

/// What merges a file, as its attributes say.
enum Driver {
    Text,
    Binary,
    Union,
    Custom(String),
}

/// What a path merges to.
enum Piece {
    Clean(Option<Entry>),
    Conflict,
    Ask,
}

/// One side of a merge.
struct Side<'a> {
    edits: &'a Edits,
    adds: bool,
    removes: bool,
}

impl<'a> Side<'a> {
    fn of(edits: &'a Edits) -> Self {
        Self {
            edits,
            adds: edits.values().any(|edit| edit.old.is_none()),
            removes: edits.values().any(|edit| edit.new.is_none()),
        }
    }
}

impl Forecaster<'_> {
    /// Merges what two sides did to a tree.
    pub(super) fn three_way(&mut self, base: Oid, ours: &Edits, theirs: &Edits) -> Result<Outcome, Trouble> {
        let (one, two) = (Side::of(ours), Side::of(theirs));
        if self.may_be_moved(base, &one, &two)? || meets_a_file(ours, theirs) || meets_a_file(theirs, ours) {
            self.check_custom(ours.keys().chain(theirs.keys()))?;
            return Ok(Outcome::Ask);
        }
        let (mut edits, mut conflicts, mut ask) = (Edits::new(), Vec::new(), false);
        for (path, theirs) in two.edits {
            let Some(ours) = one.edits.get(path) else {
                edits.insert(path.clone(), *theirs);
                continue;
            };
            match self.piece(path, (&one, ours), (&two, theirs))? {
                Piece::Clean(new) if new == ours.new => {}
                Piece::Clean(new) => {
                    edits.insert(path.clone(), Edit { old: ours.new, new });
                }
                Piece::Conflict => conflicts.push(String::from_utf8_lossy(path).into_owned()),
                Piece::Ask => ask = true,
            }
        }
        Ok(if ask {
            self.check_custom(ours.keys().chain(theirs.keys()))?;
            Outcome::Ask
        } else if conflicts.is_empty() {
            Outcome::Clean(edits)
        } else {
            Outcome::Conflicts(conflicts)
        })
    }

    /// Tells whether one side may have moved a folder that the other adds to: git moves what was
    /// added along.
    fn may_be_moved(&self, base: Oid, one: &Side<'_>, two: &Side<'_>) -> Result<bool, Error> {
        for (mover, adder) in [(one, two), (two, one)] {
            if !(mover.adds && mover.removes && adder.adds) {
                continue;
            }
            let added = adder.edits.iter().filter(|(_, edit)| edit.old.is_none());
            let mut folders: Vec<&[u8]> = added.flat_map(|(path, _)| folders(path)).collect();
            folders.sort_unstable();
            folders.dedup();
            for folder in folders {
                let lost = |(path, edit): (&Vec<u8>, &Edit)| edit.new.is_none() && is_in(path, folder);
                if mover.edits.iter().any(lost) && !trees::is_left(self.repo, base, folder, mover.edits)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Merges what both sides did to one path.
    fn piece(
        &mut self,
        path: &[u8],
        one: (&Side<'_>, &Edit),
        two: (&Side<'_>, &Edit),
    ) -> Result<Piece, Trouble> {
        let ((one, ours), (two, theirs)) = (one, two);
        let (a, b) = match (ours.new, theirs.new) {
            // Both removed it; each may have renamed it to something else.
            (None, None) if one.adds || two.adds => return Ok(Piece::Ask),
            (None, None) => return Ok(Piece::Clean(None)),
            // One removed or renamed what the other changed.
            (None, Some(_)) => return Ok(if one.adds { Piece::Ask } else { Piece::Conflict }),
            (Some(_), None) => return Ok(if two.adds { Piece::Ask } else { Piece::Conflict }),
            (Some(a), Some(b)) => (a, b),
        };
        let is_new = ours.old.is_none();
        if is_new && (one.removes || two.removes) {
            // One at least may be another file renamed.
            return Ok(Piece::Ask);
        }
        if a == b {
            return Ok(Piece::Clean(Some(a)));
        }
        let regular = a.is_regular() && b.is_regular() && ours.old.is_none_or(Entry::is_regular);
        if !regular || (is_new && a.mode != b.mode) {
            return Ok(Piece::Ask);
        }
        let mode = if ours.old.is_some_and(|old| old.mode == a.mode) { b.mode } else { a.mode };
        let old = ours.old.map(|old| old.id);
        let id = if a.id == b.id || old == Some(b.id) {
            a.id
        } else if old == Some(a.id) {
            b.id
        } else {
            match self.driver(path)? {
                Driver::Text => match self.lines(old, a.id, b.id)? {
                    Piece::Clean(Some(entry)) => entry.id,
                    other => return Ok(other),
                },
                Driver::Binary => return Ok(Piece::Conflict),
                Driver::Union => return Ok(Piece::Ask),
                Driver::Custom(name) => return Err(not_run(path, &name)),
            }
        };
        Ok(Piece::Clean(Some(Entry { id, mode })))
    }

    /// Merges three texts by their lines.
    fn lines(&mut self, old: Option<Oid>, a: Oid, b: Oid) -> Result<Piece, Trouble> {
        let Some(old) = old.map_or(Ok(Some(Vec::new())), |old| self.text(old))? else {
            return Ok(Piece::Ask);
        };
        let (Some(ours), Some(theirs)) = (self.text(a)?, self.text(b)?) else { return Ok(Piece::Ask) };
        let is_binary = |text: &Vec<u8>| text.iter().take(BINARY_BYTES).any(|&byte| byte == 0);
        if [&old, &ours, &theirs].into_iter().any(is_binary) {
            return Ok(Piece::Conflict);
        }
        let merged = |patience: bool| -> Result<Option<Vec<u8>>, Error> {
            let mut inputs = [MergeFileInput::new(), MergeFileInput::new(), MergeFileInput::new()];
            for (input, text) in inputs.iter_mut().zip([&old, &ours, &theirs]) {
                input.content(text);
            }
            let mut options = MergeFileOptions::new();
            options.patience(patience).accept_conflicts(false);
            let [old, ours, theirs] = &inputs;
            let result = merge_file(old, ours, theirs, Some(&mut options))?;
            Ok(result.is_automergeable().then(|| result.content().to_vec()))
        };
        // git compares lines in a third way. Where these two agree there is nothing to differ about.
        Ok(match (merged(false)?, merged(true)?) {
            (Some(one), Some(two)) if one == two => {
                let id = Oid::hash_object(ObjectType::Blob, &one)?;
                self.made.insert(id, one);
                Piece::Clean(Some(Entry { id, mode: trees::FILE }))
            }
            (None, None) => Piece::Conflict,
            _ => Piece::Ask,
        })
    }

    /// The content of a file; `None`: it is too long.
    fn text(&self, id: Oid) -> Result<Option<Vec<u8>>, Error> {
        if let Some(made) = self.made.get(&id) {
            return Ok(Some(made.clone()));
        }
        let odb = self.repo.odb()?;
        let (length, _) = odb.read_header(id)?;
        if length > MAX_FILE_BYTES {
            return Ok(None);
        }
        Ok(Some(odb.read(id)?.data().to_vec()))
    }

    fn driver(&self, path: &[u8]) -> Result<Driver, Error> {
        // An attribute cannot be asked for by a name that is not text; git's would be of its bytes.
        let path = String::from_utf8_lossy(path);
        let value = self.repo.get_attr_bytes(Path::new(&*path), "merge", AttrCheckFlags::FILE_THEN_INDEX)?;
        let by_default = || self.repo.config().ok()?.snapshot().ok()?.get_string("merge.default").ok();
        let name = match AttrValue::from_bytes(value) {
            AttrValue::True => return Ok(Driver::Text),
            AttrValue::False => return Ok(Driver::Binary),
            AttrValue::Unspecified => match by_default() {
                Some(name) => name,
                None => return Ok(Driver::Text),
            },
            AttrValue::String(name) => name.to_owned(),
            AttrValue::Bytes(name) => String::from_utf8_lossy(name).into_owned(),
        };
        if command::names(self.repo, "merge.").contains(&name) {
            return Ok(Driver::Custom(name));
        }
        Ok(match name.as_str() {
            "binary" => Driver::Binary,
            "union" => Driver::Union,
            _ => Driver::Text,
        })
    }

    /// Refuses to ask the git command where it would come to a merge driver of the user's.
    fn check_custom<'a>(&self, paths: impl Iterator<Item = &'a Vec<u8>>) -> Result<(), Trouble> {
        if command::names(self.repo, "merge.").is_empty() {
            return Ok(());
        }
        for path in paths {
            if let Driver::Custom(name) = self.driver(path)? {
                return Err(not_run(path, &name));
            }
        }
        Ok(())
    }

    /// The same for all that two commits changed.
    pub(super) fn check_drivers(&self, base: Oid, ours: Oid, theirs: Oid) -> Result<(), Trouble> {
        if command::names(self.repo, "merge.").is_empty() {
            return Ok(());
        }
        let base = self.tree(base)?;
        for commit in [ours, theirs] {
            self.check_custom(self.edits(base, self.tree(commit)?)?.keys())?;
        }
        Ok(())
    }
}

fn not_run(path: &[u8], driver: &str) -> Trouble {
    let path = String::from_utf8_lossy(path);
    Trouble::Said(format!(
        "{} is merged by {}, which is not run to find out",
        visible(&path),
        visible(driver)
    ))
}

/// Tells whether one side has a file where the other has made a folder.
fn meets_a_file(one: &Edits, two: &Edits) -> bool {
    let added = one.iter().filter(|(_, edit)| edit.old.is_none());
    let is_file = |folder| two.get(folder).is_some_and(|edit: &Edit| edit.new.is_some());
    added.flat_map(|(path, _)| folders(path)).any(is_file)
}

/// The folders that a path is in, without the topmost.
fn folders(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').filter_map(|(at, _)| path.get(..at))
}

fn is_in(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}
