//! Program files of the repository: frozen when a plan is made, and looked at again just before they
//! run.
//!
//! Between the last look and the start of the program lies less than a millisecond, and whoever can
//! write into the work tree in just that moment can have something else run: a script is opened by
//! its interpreter, by name, so it cannot be run from an open file. The same goes for what changes
//! while it runs. Files that a program brings in by itself (a library that a script sources, modules
//! that Node loads) are not known here; the commit and the note about a work tree with changes are
//! what there is for those. Neither are files outside of the work tree.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::frozen::short;
use crate::hotfix::git::{FileState, Reader};
use crate::incident::Hash;
use crate::plan::Plan;
use crate::plan::programs::find::{How, Tree, find, is_one_of, to_come};
use crate::plan::programs::{Frozen, Line, Program, is_script, lines, named, seen_from};
use crate::text::visible;

/// Most bytes of an argument that is looked into. What is run is, however long.
const LONGEST_ARGUMENT: u64 = 16 << 20;
/// Most program files of a plan, and most bytes of all of them.
const MOST: (usize, u64) = (1000, 1 << 30);
/// Most names of a directory that are looked at where a name is open.
const LISTED: usize = 2000;

/// The plan with the program files that its commands name, as they are now, and with a warning of
/// each that is not what the commit holds, or could not be looked at.
#[must_use]
pub(super) fn freeze(mut plan: Plan, reader: &Reader) -> Plan {
    let tree = WorkTree::of(reader);
    let mut taken = Taken::default();
    for line in lines(&plan) {
        taken.take(line, &tree);
    }
    let Taken { programs, to_come, mut warnings, bytes: _, all } = taken;
    warnings.extend(programs.iter().filter_map(|program| warning(&plan, program, reader, &tree.root)));
    plan.programs = programs;
    plan.to_come = to_come;
    plan.searched = all.then_some(tree.root);
    plan.warnings.extend(warnings);
    plan
}

/// What is frozen, line by line.
struct Taken {
    programs: Vec<Program>,
    to_come: Vec<String>,
    warnings: Vec<String>,
    bytes: u64,
    all: bool,
}

impl Default for Taken {
    fn default() -> Self {
        Self { programs: Vec::new(), to_come: Vec::new(), warnings: Vec::new(), bytes: 0, all: true }
    }
}

impl Taken {
    fn take(&mut self, line: Line<'_>, tree: &WorkTree<'_>) {
        let found = find(line, tree);
        if !found.all {
            let program = visible(line.argv.first().map_or("", String::as_str));
            self.warn(format!(
                "{program} names more files than are looked at: changes to the rest go unnoticed"
            ));
        }
        for (path, how) in found.files {
            if self.programs.iter().any(|known| known.path == path) || self.to_come.contains(&path) {
                continue;
            }
            let shown = visible(seen_from(&path, &tree.root)).into_owned();
            match tree.stands(&path, how, line.asks) {
                Stands::Aside => {}
                Stands::Made => self.to_come.push(path),
                Stands::TooLong => {
                    self.warn(format!("{shown} is too large to be looked at: a change to it goes unnoticed"));
                }
                Stands::Program => match std::fs::metadata(&path).map(|file| file.len()) {
                    Ok(length) if self.programs.len() == MOST.0 || self.bytes + length > MOST.1 => {
                        self.all = false;
                        self.warn(
                            "not all program files could be looked at: changes to the rest go unnoticed"
                                .to_owned(),
                        );
                    }
                    length => match length.and_then(|length| Ok((length, now(&path)?))) {
                        Ok((length, program)) => {
                            self.bytes += length;
                            self.programs.push(program);
                        }
                        Err(_) => self.warn(format!("{shown} cannot be read: a change to it goes unnoticed")),
                    },
                },
            }
        }
        for path in to_come(line, tree) {
            if !self.to_come.contains(&path) {
                self.to_come.push(path);
            }
        }
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// How a file that a command names stands to what is approved.
enum Stands {
    /// What is in it is approved.
    Program,
    /// It is made while the plan runs, and git ignores it.
    Made,
    /// It would be a program, but for its length.
    TooLong,
    /// It is none, but something to work on.
    Aside,
}

/// The work tree as it is now.
struct WorkTree<'a> {
    reader: &'a Reader,
    root: String,
    places: Vec<String>,
    listed: RefCell<HashMap<String, (Vec<String>, bool)>>,
}

impl<'a> WorkTree<'a> {
    fn of(reader: &'a Reader) -> Self {
        let root = reader.root().to_string_lossy().into_owned();
        let mut tree = Self { reader, root, places: Vec::new(), listed: RefCell::default() };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).filter(|place| !place.as_os_str().is_empty());
        let places = places.map(|place| reader.root().join(place).to_string_lossy().into_owned());
        tree.places = places.filter(|place| tree.is_directory(place)).collect();
        tree
    }

    fn stands(&self, path: &str, how: How, asks: bool) -> Stands {
        if matches!(how, How::Runs | How::ByItself) {
            return Stands::Program;
        }
        // What a question reads is how the world stands.
        let counts = is_program(path) || (!asks && self.reader.is_tracked(Path::new(path)));
        let may_be_run = how == How::Text && !asks;
        if !counts && !may_be_run {
            Stands::Aside
        } else if !counts && self.is_ignored(path) {
            Stands::Made
        } else if std::fs::metadata(path).is_ok_and(|file| file.len() <= LONGEST_ARGUMENT) {
            Stands::Program
        } else {
            Stands::TooLong
        }
    }

    fn is(&self, path: &str, what: impl FnOnce(&Metadata) -> bool) -> bool {
        std::fs::metadata(path).is_ok_and(|about| what(&about)) && is_inside(path, self.reader)
    }
}

impl Tree for WorkTree<'_> {
    fn root(&self) -> Option<&str> {
        Some(&self.root)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.is(path, Metadata::is_dir)
    }

    fn is_file(&self, path: &str) -> bool {
        self.is(path, Metadata::is_file)
    }

    fn names(&self, directory: &str) -> (Vec<String>, bool) {
        let list = || {
            if !self.is_directory(directory) {
                return (Vec::new(), true);
            }
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            let mut names: Vec<String> = names.take(LISTED + 1).collect();
            let all = names.len() <= LISTED;
            names.truncate(LISTED);
            names.sort_unstable();
            (names, all)
        };
        self.listed.borrow_mut().entry(directory.to_owned()).or_insert_with(list).clone()
    }

    fn kept_below(&self, directory: &str, most: usize) -> Vec<String> {
        self.reader.tracked_below(Path::new(directory), most)
    }

    fn places(&self) -> &[String] {
        &self.places
    }

    fn physical(&self, path: &str) -> Option<String> {
        let real = std::fs::canonicalize(path).ok().filter(|real| real.starts_with(self.reader.root()))?;
        Some(real.to_string_lossy().into_owned())
    }

    fn is_ignored(&self, path: &str) -> bool {
        // Nothing of git's own is ever taken for a program.
        !Path::new(path).starts_with(self.reader.git_dir()) && self.reader.is_ignored(path)
    }
}

fn is_executable(file: &Metadata) -> bool {
    file.permissions().mode() & 0o100 != 0
}

/// In the work tree as it is named, or where it leads; git's own files are nothing of the kind.
fn is_inside(path: &str, reader: &Reader) -> bool {
    let root = reader.root();
    let own = |path: &Path| path.starts_with(root) && !path.starts_with(reader.git_dir());
    own(Path::new(path)) || std::fs::canonicalize(path).is_ok_and(|path| own(&path))
}

/// It may be executed, says in its first line what runs it, or is called like something that is run.
fn is_program(path: &str) -> bool {
    let marked = || {
        let mut mark = [0; 2];
        File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut mark)).is_ok()
            && mark == *b"#!"
    };
    is_script(path) || std::fs::metadata(path).is_ok_and(|file| is_executable(&file)) || marked()
}

/// A file as it is now.
fn now(path: &str) -> io::Result<Program> {
    let leads_to = std::fs::canonicalize(path)?;
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest)?;
    Ok(Program {
        path: path.to_owned(),
        leads_to: (leads_to != Path::new(path)).then(|| leads_to.to_string_lossy().into_owned()),
        sha256: Hash(digest.finalize().into()).to_string(),
        executable: is_executable(&about),
    })
}

/// What its reader may not expect of a file.
fn warning(plan: &Plan, program: &Program, reader: &Reader, root: &str) -> Option<String> {
    let shown = visible(program.seen_from(root));
    let places = std::iter::once(&program.path).chain(&program.leads_to);
    let subject = plan.subject.as_ref();
    let states: Vec<FileState> = places
        .map(PathBuf::from)
        .filter(|place| place.starts_with(reader.root()))
        .map(|place| reader.file_state(&place, subject.map(|subject| subject.commit.as_str())))
        .collect();
    if states.contains(&FileState::Changed) {
        Some(format!("{shown} has uncommitted changes"))
    } else if states.contains(&FileState::Untracked) {
        Some(format!("{shown} is not committed"))
    } else if let Some(subject) = subject.filter(|_| states.contains(&FileState::Other)) {
        let (reference, commit) = (visible(&subject.reference), short(&subject.commit));
        Some(format!("{shown} is the one in the work tree, not the one in {reference} ({commit})"))
    } else {
        None
    }
}

/// What was approved of the program files of a plan.
#[derive(Clone)]
pub(super) struct Approved {
    programs: Vec<Program>,
    to_come: Vec<String>,
    searched: Option<String>,
}

impl Approved {
    pub(super) fn of(plan: &Plan) -> Self {
        let Plan { programs, to_come, searched, .. } = plan;
        Self { programs: programs.clone(), to_come: to_come.clone(), searched: searched.clone() }
    }

    /// Tells whether the program files that commands name are what they were when the plan was made, and
    /// no others.
    ///
    /// # Errors
    /// One line that says which is not, and how to go on.
    pub(super) fn check<'a>(&self, lines: impl IntoIterator<Item = Line<'a>>) -> Result<(), String> {
        let lines: Vec<Line<'_>> = lines.into_iter().collect();
        if lines.is_empty() || (self.programs.is_empty() && self.searched.is_none()) {
            return Ok(());
        }
        let reader = self.reader()?;
        let tree = reader.as_ref().map(WorkTree::of);
        let tree = tree.as_ref();
        let frozen = Frozen { programs: &self.programs, root: self.searched.as_deref() };
        for line in lines {
            let found = tree.map(|tree| find(line, tree).files).unwrap_or_default();
            let is_found = |program: &Program| found.iter().any(|(path, _)| *path == program.path);
            let named = named(&frozen, line);
            for program in self.programs.iter().filter(|it| named.contains(it) || is_found(it)) {
                let shown = visible(program.seen_from(line.cwd));
                let how = match now(&program.path) {
                    Ok(now) if now == *program => continue,
                    Ok(now) if now.leads_to != program.leads_to => "leads elsewhere since",
                    Ok(now) if now.sha256 == program.sha256 => "got another mode since",
                    Ok(_) => "changed since",
                    Err(error) if error.kind() == io::ErrorKind::NotFound => "is gone since",
                    Err(_) => "cannot be read any more since",
                };
                return Err(format!(
                    "{shown} {how} the plan was approved: put it back, or make the plan again"
                ));
            }
            if let Some(path) = tree.and_then(|tree| self.new_ones(&found, line, tree).into_iter().next()) {
                let shown = visible(seen_from(&path, line.cwd));
                return Err(format!(
                    "{shown} is new since the plan was approved: remove it, or make the plan again"
                ));
            }
        }
        Ok(())
    }

    fn reader(&self) -> Result<Option<Reader>, String> {
        let open = |root: &String| {
            let reader = Reader::open(Path::new(root)).ok().filter(|reader| reader.root() == Path::new(root));
            reader.ok_or_else(|| format!("the work tree at {} can no longer be read", visible(root)))
        };
        self.searched.as_ref().map(open).transpose()
    }

    /// What a command would run that nobody approved.
    fn new_ones(&self, found: &[(String, How)], line: Line<'_>, tree: &WorkTree<'_>) -> Vec<String> {
        let is_known = |path: &str| {
            self.programs.iter().any(|program| program.path == path) || is_one_of(&self.to_come, path)
        };
        let is_new = |(path, how): &&(String, How)| {
            !is_known(path)
                // What git ignores was asked when the plan was made: who can write here can change that, too.
                && matches!(tree.stands(path, *how, line.asks), Stands::Program | Stands::Made)
                && File::open(path).is_ok()
        };
        found.iter().filter(is_new).map(|(path, _)| path.clone()).collect()
    }
}

/// The program files of a plan that are not what they were when it was made, and those that are new, as its
/// commands name them.
pub fn changed(plan: &Plan) -> Vec<String> {
    let differs = |program: &&Program| !now(&program.path).is_ok_and(|now| now == **program);
    let mut list: Vec<String> =
        plan.programs.iter().filter(differs).map(|program| program.shown_in(plan)).collect();
    let approved = Approved::of(plan);
    if let Ok(Some(reader)) = approved.reader() {
        let tree = WorkTree::of(&reader);
        for line in lines(plan) {
            for path in approved.new_ones(&find(line, &tree).files, line, &tree) {
                let shown = visible(seen_from(&path, line.cwd)).into_owned();
                if !list.contains(&shown) {
                    list.push(shown);
                }
            }
        }
    }
    list
}

#[cfg(test)]
mod tests;
