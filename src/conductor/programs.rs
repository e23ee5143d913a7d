//! Program files of the repository: frozen when a plan is made, and looked at again just before they
//! run.
//!
//! Between the last look and the start of the program lies less than a millisecond, and whoever can
//! write into the work tree in just that moment can have something else run: a script is opened by
//! its interpreter, by name, so it cannot be run from an open file. The same goes for what changes
//! while it runs. Files that a program brings in by itself (a library that a script sources, modules
//! that Node loads) are not known here; the commit and the note about a work tree with changes are
//! what there is for those. Neither are files outside of the work tree.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::frozen::short;
use crate::hotfix::git::{FileState, Reader};
use crate::incident::Hash;
use crate::plan::Plan;
use crate::plan::programs::{Line, Named, Program, lines, named};
use crate::text::visible;

/// Most bytes of an argument that is looked into. What is run is, however long.
const LONGEST_ARGUMENT: u64 = 16 << 20;

/// The plan with the program files that its commands name, as they are now, and with a warning of
/// each that is not what the commit holds.
#[must_use]
pub(super) fn freeze(mut plan: Plan, reader: &Reader) -> Plan {
    let mut programs: Vec<Program> = Vec::new();
    for line in lines(&plan) {
        for path in files(line, reader) {
            if !programs.iter().any(|known| known.path == path)
                && let Ok(program) = taken(&path)
            {
                programs.push(program);
            }
        }
    }
    let root = reader.root().to_string_lossy().into_owned();
    let warnings: Vec<String> =
        programs.iter().filter_map(|program| warning(&plan, program, reader, &root)).collect();
    plan.programs = programs;
    plan.warnings.extend(warnings);
    plan
}

/// The files of the work tree that a command runs.
fn files(line: Line<'_>, reader: &Reader) -> Vec<String> {
    let mut list = named(line);
    list.extend(on_path(line));
    let is_here = |path: &str| is_file(path) && is_inside(path, reader);
    list.iter()
        .filter_map(|file| {
            let path = file.paths.iter().find(|path| is_here(path))?;
            let frozen = file.runs
                || (std::fs::metadata(path).is_ok_and(|file| file.len() <= LONGEST_ARGUMENT)
                    && (is_program(path) || (!line.asks && reader.is_tracked(Path::new(path)))));
            frozen.then(|| path.clone())
        })
        .collect()
}

/// The program that a name without a slash stands for.
fn on_path(line: Line<'_>) -> Option<Named> {
    let name = line.argv.first().filter(|name| !name.is_empty() && !name.contains('/'))?;
    let places = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&places)
        .map(|place| Path::new(line.cwd).join(place).join(name))
        .find(|path| path.metadata().is_ok_and(|file| file.is_file() && is_executable(&file)))?;
    Some(Named { paths: vec![found.to_string_lossy().into_owned()], runs: true })
}

fn is_file(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file())
}

fn is_executable(file: &std::fs::Metadata) -> bool {
    file.permissions().mode() & 0o100 != 0
}

/// In the work tree as it is named, or where it leads; git's own files are nothing of the kind.
fn is_inside(path: &str, reader: &Reader) -> bool {
    let root = reader.root();
    let own = |path: &Path| path.starts_with(root) && !path.starts_with(reader.git_dir());
    own(Path::new(path)) || std::fs::canonicalize(path).is_ok_and(|path| own(&path))
}

/// It may be executed, or says in its first line what runs it.
fn is_program(path: &str) -> bool {
    let marked = || {
        let mut mark = [0; 2];
        File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut mark)).is_ok()
            && mark == *b"#!"
    };
    std::fs::metadata(path).is_ok_and(|file| is_executable(&file)) || marked()
}

/// A file as it is now.
fn taken(path: &str) -> io::Result<Program> {
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

/// Tells whether the program files that commands name are what they were when the plan was made.
///
/// # Errors
/// One line that says which is not, and how to go on.
pub(super) fn check<'a>(
    programs: &[Program],
    lines: impl IntoIterator<Item = Line<'a>>,
) -> Result<(), String> {
    if programs.is_empty() {
        return Ok(());
    }
    for line in lines {
        let named: Vec<String> =
            named(line).into_iter().chain(on_path(line)).flat_map(|named| named.paths).collect();
        for program in programs.iter().filter(|program| named.contains(&program.path)) {
            let shown = visible(program.seen_from(line.cwd));
            let how = match taken(&program.path) {
                Ok(now) if now == *program => continue,
                Ok(now) if now.leads_to != program.leads_to => "leads elsewhere since",
                Ok(now) if now.sha256 == program.sha256 => "got another mode since",
                Ok(_) => "changed since",
                Err(error) if error.kind() == io::ErrorKind::NotFound => "is gone since",
                Err(_) => "cannot be read any more since",
            };
            return Err(format!("{shown} {how} the plan was approved: put it back, or make the plan again"));
        }
    }
    Ok(())
}

/// The program files of a plan that are not what they were when it was made, as its commands name them.
pub fn changed(plan: &Plan) -> Vec<String> {
    let differs = |program: &&Program| !taken(&program.path).is_ok_and(|now| now == **program);
    plan.programs.iter().filter(differs).map(|program| program.shown_in(plan)).collect()
}

#[cfg(test)]
mod tests;
