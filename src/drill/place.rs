//! Where a drill is: what its repository says about it in `.drill/drill.json`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// More than any file about a drill has.
const MOST: u64 = 64 * 1024;

/// What a drill is and where its parts are. Printed by `drill --headless --json`, and kept
/// beside the repository's files, unseen by git.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Name of the scenario.
    pub scenario: String,
    /// Root of the repository's work tree.
    pub repo: PathBuf,
    /// Where the journal of the drill is.
    pub state_dir: PathBuf,
    /// Where the settings for the drill are.
    pub config_dir: PathBuf,
    /// Address of the service in staging.
    pub staging_url: String,
    /// Address of the service in production.
    pub production_url: String,
    /// Address of the payment provider, where the drill has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_url: String,
    /// Address of the code host that deploys, where the drill has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ci_url: String,
}

impl Place {
    /// The directory of a drill's own files in its repository.
    pub const DIRECTORY: &'static str = ".drill";

    /// The script beside the repository by which somebody else takes part.
    pub const AS: &'static str = "as";

    /// The directory of its journal, beside the repository.
    pub(super) const STATE: &'static str = "state";

    const FILE: &'static str = "drill.json";

    /// Finds the drill that a directory is inside of.
    ///
    /// # Errors
    /// It is in none, or the file about it cannot be read.
    pub fn find(from: &Path) -> Result<Self> {
        let doing = || format!("looking for the drill that {} is in", from.display());
        let Some(file) = from
            .ancestors()
            .map(|dir| dir.join(Self::DIRECTORY).join(Self::FILE))
            .find(|file| file.is_file())
        else {
            return Err(Failure::usage(
                doing(),
                "this is not the repository of a drill",
                "go into the repository that `flightdeck drill` made, and try again there",
            ));
        };
        let text = std::fs::File::open(&file).and_then(|file| {
            let mut text = String::new();
            file.take(MOST).read_to_string(&mut text)?;
            Ok(text)
        });
        text.map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()))
            .map_err(|cause| {
                Failure::new(
                    doing(),
                    format!("{}: {cause}", file.display()),
                    "make a new drill with `flightdeck drill`",
                )
            })
    }

    /// Tells whether a repository is that of a drill, and the journal in use is its own. That a repository says so
    /// of itself makes no drill of an incident: the two stand beside each other, where no clone puts a journal.
    pub fn is_played(root: &Path, state_dir: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (root, state) = (real(root), real(state_dir));
        Self::find(&root).is_ok_and(|place| {
            let repo = real(&place.repo);
            real(&place.state_dir) == state
                && state.file_name().is_some_and(|name| name == Self::STATE)
                && root.starts_with(&repo)
                && repo.parent() == state.parent()
        })
    }

    /// Writes the file that [`Place::find`] reads.
    pub(super) fn save(&self) -> std::io::Result<()> {
        let directory = self.repo.join(Self::DIRECTORY);
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join(Self::FILE), self.line())
    }

    /// The script by which somebody else takes part.
    pub fn door(&self) -> PathBuf {
        self.state_dir.parent().unwrap_or(&self.state_dir).join(Self::AS)
    }

    /// Writes the script by which one person takes part as several: `as omar approve lead`. A line that says
    /// all that it does is too long to be copied.
    pub(super) fn save_as(&self, program: &Path) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
        let lines = format!(
            "#!/bin/sh\n# as NAME VERB...: takes part in this drill as somebody else\n\
             FLIGHTDECK_USER=${{1:?name the person}}\nshift\nFLIGHTDECK_STATE_DIR={}\nFLIGHTDECK_CONFIG_DIR={}\n\
             export FLIGHTDECK_USER FLIGHTDECK_STATE_DIR FLIGHTDECK_CONFIG_DIR\ncd {} && exec {} \"$@\"\n",
            quoted(&self.state_dir),
            quoted(&self.config_dir),
            quoted(&self.repo),
            quoted(program)
        );
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(self.door())?;
        std::io::Write::write_all(&mut file, lines.as_bytes())
    }

    /// The drill as one line of JSON.
    pub fn line(&self) -> String {
        // Strings and UTF-8 paths only; a path that is no UTF-8 is refused when it is made.
        serde_json::to_string(self).unwrap_or_default()
    }
}
