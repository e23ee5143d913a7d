//! What is left of what a step of a plan stopped at: asked by the command that its plan names.

use std::ffi::OsString;
use std::time::Duration;

use super::capture::capture;
use super::environment::environment;
use crate::plan::{Command, Settle};
use crate::text::visible;

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of paths that are looked at.
const ENOUGH: usize = 1 << 20;

/// The paths that are left to be settled, each once.
///
/// # Errors
/// One line that says why that cannot be told.
pub fn left(settle: &Settle) -> Result<Vec<String>, String> {
    if !std::path::Path::new(&settle.place).is_dir() {
        return Err(format!("{} is gone", visible(&settle.place)));
    }
    asked(&settle.left, Vec::new())
}

/// The same, with further variables for the command. What it complains of is not masked.
pub(super) fn asked(command: &Command, variables: Vec<(OsString, OsString)>) -> Result<Vec<String>, String> {
    let environment = environment(command, variables, std::env::vars_os());
    let said = capture("what is left", command, environment, PATIENCE, ENOUGH)?;
    if said.code != Some(0) {
        let complaint = String::from_utf8_lossy(&said.err).into_owned();
        return Err(visible(complaint.trim()).into_owned());
    }
    let text = String::from_utf8_lossy(&said.out).into_owned();
    let mut left: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    left.dedup();
    Ok(left)
}
