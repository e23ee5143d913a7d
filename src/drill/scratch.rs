//! The directory of a drill: made empty and for the user alone, removed at the end.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// A directory that goes away with this value, unless it is to be kept.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Makes a directory of its own among the temporary files, or takes the one named, which
    /// must be empty or missing and is kept.
    pub(super) fn make(wanted: Option<&Path>) -> Result<Self> {
        let keep = wanted.is_some();
        // The end of such an id is random; all of it makes lines that people copy too long to read.
        let random = || uuid::Uuid::now_v7().simple().to_string().chars().skip(22).collect::<String>();
        let path = wanted.map_or_else(
            || std::env::temp_dir().join(format!("flightdeck-drill-{}", random())),
            Path::to_path_buf,
        );
        let doing = format!("making the drill in {}", path.display());
        let refuse = |cause: String| {
            Failure::usage(doing.clone(), cause, "name a directory that does not exist yet: --dir DIR")
        };
        if let Ok(mut entries) = path.read_dir()
            && entries.next().is_some()
        {
            return Err(refuse("the directory is not empty".to_owned()));
        }
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| refuse(error.to_string()))?;
        let mut made = Self { path, keep };
        made.path = made.path.canonicalize().map_err(|error| refuse(error.to_string()))?;
        if made.path.to_str().is_none() {
            return Err(refuse("its path is not UTF-8, which the scripts of a drill need".to_owned()));
        }
        Ok(made)
    }

    /// Its absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the scratch directory stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_directory_goes_away_and_a_named_one_stays() {
        let scratch = Scratch::make(None).unwrap();
        let path = scratch.path().to_path_buf();
        std::fs::write(path.join("file"), "x").unwrap();
        drop(scratch);
        assert!(!path.exists());

        let base = tempfile::tempdir().unwrap();
        let named = base.path().join("here/drill");
        drop(Scratch::make(Some(&named)).unwrap());
        assert!(named.is_dir());
    }

    #[test]
    fn a_directory_with_something_in_it_is_refused_and_left_alone() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("mine"), "x").unwrap();
        let failure = Scratch::make(Some(base.path())).unwrap_err();
        assert!(failure.cause.contains("not empty"), "{failure}");
        assert!(base.path().join("mine").exists());
    }
}
