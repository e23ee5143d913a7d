//! Runs the git command for a drill, with nothing of it on the terminal.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::failure::{Failure, Result};
use crate::text::visible;

/// Runs git in a directory and returns what it printed, without the last line break.
///
/// # Errors
/// Git is missing or ended otherwise than with 0; `doing` says what it was for.
pub(super) fn run(directory: &Path, doing: &str, arguments: &[&str], input: Option<&str>) -> Result<String> {
    let output = output(directory, arguments, input).map_err(|error| missing(doing, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    Err(Failure::new(
        doing,
        format!("git {} ended with {}: {}", arguments.first().unwrap_or(&""), output.status, visible(&said)),
        "try the same command by hand to see more",
    ))
}

/// Runs git and tells whether it ended with 0.
pub(super) fn succeeds(directory: &Path, arguments: &[&str]) -> bool {
    output(directory, arguments, None).is_ok_and(|output| output.status.success())
}

fn output(directory: &Path, arguments: &[&str], input: Option<&str>) -> std::io::Result<Output> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(directory).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A drill that is started from a git hook or alias must not write to that repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        command.env_remove(name);
    }
    command.env("GIT_TERMINAL_PROMPT", "0");
    let Some(input) = input else {
        return command.stdin(Stdio::null()).output();
    };
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // Where git stopped reading, what it printed says more than the broken pipe does.
        pipe.write_all(input.as_bytes()).ok();
    }
    child.wait_with_output()
}

fn missing(doing: &str, error: &std::io::Error) -> Failure {
    let hint = if error.kind() == std::io::ErrorKind::NotFound {
        "install git, or put it into the PATH, and try again"
    } else {
        "see whether `git --version` works here"
    };
    Failure::new(doing, format!("git cannot be run: {error}"), hint)
}
