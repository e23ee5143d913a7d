//! Where the user's settings and flightdeck's state live.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// The two directories, absolute. Neither needs to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// Settings and the user's own themes.
    pub config: PathBuf,
    /// Journal, logs of runs, trust.
    pub state: PathBuf,
}

impl Dirs {
    /// Variable that overrides the directory of settings.
    pub const CONFIG_VARIABLE: &str = "FLIGHTDECK_CONFIG_DIR";
    /// Variable that overrides the directory of state.
    pub const STATE_VARIABLE: &str = "FLIGHTDECK_STATE_DIR";

    /// Finds the directories: the overriding variables, else the XDG ones (on systems that
    /// have no directory for state, the one for local data).
    ///
    /// # Errors
    /// A variable is not set and there is no home directory.
    pub fn from_env() -> Result<Self> {
        let config = overridden(std::env::var_os(Self::CONFIG_VARIABLE))?;
        let state = overridden(std::env::var_os(Self::STATE_VARIABLE))?;
        if let (Some(config), Some(state)) = (&config, &state) {
            return Ok(Self { config: config.clone(), state: state.clone() });
        }
        let user = directories::ProjectDirs::from("", "", "flightdeck").ok_or_else(|| {
            Failure::new(
                "looking for the directories of settings and state",
                "no home directory",
                format!("set HOME, or {} and {}", Self::CONFIG_VARIABLE, Self::STATE_VARIABLE),
            )
        })?;
        Ok(Self {
            config: config.unwrap_or_else(|| user.config_dir().to_owned()),
            state: state.unwrap_or_else(|| user.state_dir().unwrap_or(user.data_local_dir()).to_owned()),
        })
    }
}

/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;

/// Closes the directory of state to everybody but its owner. Returns what there is to say about
/// that: nothing where it was closed, or does not exist yet.
///
/// # Errors
/// It is open to others, and belongs to somebody else or cannot be closed.
pub fn close_to_others(state: &Path) -> Result<Option<String>> {
    let mode = |dir: &Path| fs::metadata(dir).map(|meta| (meta.uid(), meta.permissions().mode() & 0o7777));
    // Where it cannot even be looked at, whoever needs it says why.
    let Ok((owner, before)) = mode(state) else { return Ok(None) };
    if before & OTHERS == 0 || !state.is_dir() {
        return Ok(None);
    }
    let shown = state.display();
    let refused = |why: String| {
        let cause = format!("others have access to it (mode {before:03o}), and {why}");
        Failure::new(
            format!("using the state directory {shown}"),
            cause,
            format!("close it (chmod 700), or set {} to a directory of yours", Dirs::STATE_VARIABLE),
        )
    };
    if owner != rustix::process::geteuid().as_raw() {
        return Err(refused(format!("it belongs to another user (uid {owner})")));
    }
    match fs::set_permissions(state, Permissions::from_mode(before & !OTHERS)) {
        Ok(()) => {}
        // Nobody can change anything in it, and reading an incident is not to be refused for that.
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {
            return Ok(Some(format!(
                "▲ {shown} is open to others (mode {before:03o}), and its file system is read-only"
            )));
        }
        Err(error) => return Err(refused(format!("closing it failed: {error}"))),
    }
    match mode(state) {
        Ok((_, after)) if after & OTHERS == 0 => {}
        _ => return Err(refused("its file system keeps no permissions".to_owned())),
    }
    let check = if before & 0o022 == 0 { "" } else { "; others could write to it: run flightdeck verify" };
    Ok(Some(format!("▲ {shown} was open to others (mode {before:03o}); now it is closed{check}")))
}

/// The value of an overriding variable, made absolute: a conductor works elsewhere.
fn overridden(value: Option<OsString>) -> Result<Option<PathBuf>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let path = std::path::absolute(&value).map_err(|error| {
        Failure::new("looking for the directories of settings and state", error, "give an absolute path")
    })?;
    Ok(Some(path))
}

/// Makes a directory that nobody else can look into, with all above it that are missing.
pub fn private_directory(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file that nobody else can read, whatever the umask; never one that is there, and never through a link.
pub fn private_file(path: &Path) -> std::io::Result<fs::File> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_made_anew_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a/b");
        private_directory(&place).unwrap();
        private_file(&place.join("x")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join("x"))), (0o700, 0o600));
        assert_eq!(private_file(&place.join("x")).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_directory_is_closed_once_and_a_missing_one_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(close_to_others(&dir.path().join("missing")), Ok(None));
        for (mode, said) in [
            (0o755, "mode 755); now it is closed"),
            (0o770, "flightdeck verify"),
            (0o702, "flightdeck verify"),
        ] {
            fs::set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
            let word = close_to_others(dir.path()).unwrap().unwrap();
            assert!(word.contains(said), "{word}");
            assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(close_to_others(dir.path()), Ok(None));
        }
    }

    #[test]
    fn an_override_is_made_absolute_and_an_empty_one_is_none() {
        assert_eq!(overridden(None), Ok(None));
        assert_eq!(overridden(Some(OsString::new())), Ok(None));
        assert!(overridden(Some("some/where".into())).unwrap().unwrap().is_absolute());
    }
}
