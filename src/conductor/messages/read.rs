//! Reads a team's own templates: nothing outside of their folder, nothing but files, and no more than a message
//! is good for.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::comms::draft::Own;
use crate::config::types::Config;
use crate::incident::MessageKind;

/// Most bytes of a template.
const MOST: u64 = 64 * 1024;

/// The templates that a repository has in place of the usual ones. They run nothing, so nobody has to trust them.
pub fn templates(root: &Path, config: &Config) -> Vec<Own> {
    let folder = Path::new(&config.messages.templates);
    let Ok(root) = root.canonicalize() else { return Vec::new() };
    let own = |kind: MessageKind| {
        let path = folder.join(format!("{}.txt", kind.name()));
        root.join(&path).symlink_metadata().is_ok().then(|| Own {
            kind,
            path: path.to_string_lossy().into_owned(),
            source: read(&root, &path),
        })
    };
    MessageKind::ALL.into_iter().filter_map(own).collect()
}

fn read(root: &Path, path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("it cannot be read: {error}");
    let place = root.join(path).canonicalize().map_err(cannot)?;
    if !place.starts_with(root) {
        return Err("it leads out of the repository".to_owned());
    }
    // A pipe would have to be waited for.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(&place).map_err(cannot)?;
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MOST {
        return Err(format!("it is longer than {} KiB", MOST >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
