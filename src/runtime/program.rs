//! What this program is called in another terminal.

use std::path::{Path, PathBuf};

use crate::drill::place::Place;

const NAME: &str = "flightdeck";

/// Its name where a shell finds this very file by it, else its path, quoted for a shell.
pub(super) fn name() -> String {
    let own = std::env::current_exe().and_then(|path| path.canonicalize()).ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(NAME)).find(|file| file.is_file());
    if own.is_none() || found.and_then(|file| file.canonicalize().ok()) == own {
        return NAME.to_owned();
    }
    // As it was started, which is shorter than where links lead to.
    let started = std::env::args_os().next().map(PathBuf::from).filter(|path| path.components().count() > 1);
    let started = started.and_then(|path| std::path::absolute(path).ok()).filter(|path| path.is_file());
    started.or(own).map_or_else(|| NAME.to_owned(), |path| quoted(&path))
}

/// The command for everybody else of a drill; empty where it has none.
pub(super) fn of_drill(state_dir: &Path) -> String {
    let file = state_dir.parent().map(|base| base.join(Place::AS)).filter(|file| file.is_file());
    file.map_or_else(String::new, |file| quoted(&file))
}

fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
