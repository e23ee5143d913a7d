//! Where the user's settings and flightdeck's state live.

use std::ffi::OsString;
use std::path::PathBuf;

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
                "there is no home directory",
                format!("set HOME, or {} and {}", Self::CONFIG_VARIABLE, Self::STATE_VARIABLE),
            )
        })?;
        Ok(Self {
            config: config.unwrap_or_else(|| user.config_dir().to_owned()),
            state: state.unwrap_or_else(|| user.state_dir().unwrap_or(user.data_local_dir()).to_owned()),
        })
    }
}

/// The value of an overriding variable, made absolute: a conductor works elsewhere.
fn overridden(value: Option<OsString>) -> Result<Option<PathBuf>> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let path = std::path::absolute(&value).map_err(|error| {
        Failure::new("looking for the directories of settings and state", error, "give an absolute path")
    })?;
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_made_absolute_and_an_empty_one_is_none() {
        assert_eq!(overridden(None), Ok(None));
        assert_eq!(overridden(Some(OsString::new())), Ok(None));
        assert!(overridden(Some("some/where".into())).unwrap().unwrap().is_absolute());
    }
}
