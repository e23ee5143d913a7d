//! The flags of an environment: a file each, and the token that whoever sets them needs.

use std::io;
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "flags";
const TOKEN: &str = "flag-token";

/// Makes a flag that is on, and the token.
pub(in crate::drill) fn make(root: &Path, name: &str, token: &str) -> io::Result<()> {
    std::fs::create_dir_all(root.join(DIRECTORY))?;
    std::fs::write(root.join(TOKEN), token)?;
    write(root, name, true)
}

/// The file of a flag; `None` for what is no name of one.
fn file(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| root.join(DIRECTORY).join(name))
}

/// Tells whether a flag is on; `None`: there is none of that name.
pub(super) fn read(root: &Path, name: &str) -> Option<bool> {
    Some(std::fs::read_to_string(file(root, name)?).ok()?.trim() == "on")
}

/// Sets a flag, in one step.
pub(super) fn write(root: &Path, name: &str, on: bool) -> io::Result<()> {
    let file = file(root, name).ok_or(io::ErrorKind::InvalidInput)?;
    let next = root.join("flag.next");
    std::fs::write(&next, if on { "on\n" } else { "off\n" })?;
    std::fs::rename(next, file)
}

/// The names of the flags that are off, a blank between them.
pub(super) fn off(root: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(root.join(DIRECTORY)) else { return String::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut off: Vec<String> = names.filter(|name| read(root, name) == Some(false)).collect();
    off.sort();
    off.join(" ")
}

/// The flags that are off, and since when, in seconds since 1970.
pub(super) fn off_since(root: &Path) -> Vec<(String, f64)> {
    let since = |name: &str| {
        let written = file(root, name)?.metadata().ok()?.modified().ok()?;
        Some(written.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64())
    };
    off(root).split(' ').filter_map(|name| Some((name.to_owned(), since(name)?))).collect()
}

/// Tells whether a header carries the token.
pub(super) fn is_token(root: &Path, header: Option<&[u8]>) -> bool {
    let Ok(token) = std::fs::read_to_string(root.join(TOKEN)) else { return false };
    header.and_then(|header| header.strip_prefix(b"Bearer ")) == Some(token.trim().as_bytes())
}
