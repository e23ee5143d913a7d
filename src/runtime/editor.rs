//! The user's editor, which gets the terminal until it ends.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

use crate::failure::{Failure, Result};
use crate::text::visible;

/// Used where the user has named none.
const USUAL: &str = "vi";
/// Where the user names one, in the order they are asked.
const NAMES: [&str; 2] = ["VISUAL", "EDITOR"];

/// Starts the editor on files in a directory, on our own terminal.
///
/// # Errors
/// What the user has named is no command, or it cannot be started.
pub(super) fn start(cwd: &Path, files: &[String]) -> Result<(String, Child)> {
    let words = words(|name| std::env::var_os(name))?;
    let (program, arguments) = words.split_first().ok_or_else(|| unusable("it names nothing"))?;
    let child = Command::new(program)
        .args(arguments)
        .args(files.iter().map(|file| Path::new(".").join(file)))
        .current_dir(cwd)
        .spawn()
        .map_err(|error| {
            let cause = format!("{} did not start: {error}", visible(program));
            Failure::new("opening the editor", cause, hint(cwd))
        })?;
    Ok((program.clone(), child))
}

/// The editor as a program and its first arguments. What the user has set may hold some, as for git.
fn words(variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<String>> {
    let named = NAMES.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let Some(named) = named else { return Ok(vec![USUAL.to_owned()]) };
    let text = named.to_str().ok_or_else(|| unusable("it is no text"))?;
    match shell_words::split(text) {
        Ok(words) if !words.is_empty() => Ok(words),
        Ok(_) => Err(unusable("it names nothing")),
        Err(error) => Err(unusable(&error.to_string())),
    }
}

fn unusable(why: &str) -> Failure {
    let cause = format!("$VISUAL or $EDITOR cannot be used: {why}");
    Failure::new("opening the editor", cause, "set it to the name of an editor, for example vim")
}

fn hint(cwd: &Path) -> String {
    format!(
        "set $VISUAL or $EDITOR, or edit the files in {} another way",
        visible(&cwd.display().to_string())
    )
}

/// What is said of how it ended; `None`: well, and there is nothing to say.
pub(super) fn complaint(program: &str, ended: std::io::Result<ExitStatus>) -> Option<Failure> {
    let cause = match ended {
        Ok(status) if status.success() => return None,
        Ok(status) => format!("{} ended with {status}", visible(program)),
        Err(error) => format!("nobody knows how {} ended: {error}", visible(program)),
    };
    Some(Failure::new("editing the files", cause, "what it wrote is there; look at what is left"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(visual: &str, editor: &str) -> Result<Vec<String>> {
        let (visual, editor) = (visual.to_owned(), editor.to_owned());
        words(|name| Some(if name == "VISUAL" { &visual } else { &editor }.into()))
    }

    #[test]
    fn the_editor_may_bring_arguments_and_an_empty_name_is_none() {
        assert_eq!(named("code --wait", "nano").unwrap(), ["code", "--wait"]);
        assert_eq!(named("", "emacs -nw").unwrap(), ["emacs", "-nw"]);
        assert_eq!(named("", "").unwrap(), ["vi"]);
        assert_eq!(words(|_| None).unwrap(), ["vi"]);
        assert_eq!(named("'/opt/my editor/e'", "").unwrap(), ["/opt/my editor/e"]);
    }

    #[test]
    fn what_is_no_command_is_said_and_not_guessed() {
        for bad in ["'unclosed", "   "] {
            let failure = named(bad, "").unwrap_err();
            assert!(failure.cause.contains("$VISUAL or $EDITOR"), "{failure}");
        }
    }

    #[test]
    fn an_editor_that_fails_is_said_with_its_name() {
        let status = Command::new("false").status();
        let failure = complaint("false", status).unwrap();
        assert!(failure.cause.contains("false ended with"), "{failure}");
        assert!(complaint("true", Command::new("true").status()).is_none());
    }
}
