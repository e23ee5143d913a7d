//! The user's editor, which gets the terminal until it ends.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::failure::{Failure, Result};
use crate::text::visible;

/// Bytes of a file that is looked through for marks of a conflict.
const LONGEST: u64 = 16 << 20;
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
    let text = named.to_str().ok_or_else(|| unusable("it is not text"))?;
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

/// Files that held marks of a conflict, so that it can be told afterwards whether they do still.
#[derive(Debug)]
pub(super) struct Marked {
    cwd: PathBuf,
    files: Vec<String>,
}

impl Marked {
    /// Those of the files that hold marks now.
    pub(super) fn of(cwd: &Path, files: &[String]) -> Self {
        let files = files.iter().filter(|file| marks(&cwd.join(file)) == Some(true)).cloned().collect();
        Self { cwd: cwd.to_owned(), files }
    }

    /// Tells git which of them are settled: those that were edited until no mark was left. What
    /// cannot be told by its marks, a file that one side has deleted, is left to the user.
    pub(super) fn settle(&self) -> Vec<String> {
        let settled = self.files.iter().filter(|file| marks(&self.cwd.join(file)) == Some(false));
        let settled: Vec<String> = settled.cloned().collect();
        if settled.is_empty() {
            return settled;
        }
        let added = Command::new("git")
            .args(["add", "--"])
            .args(&settled)
            .current_dir(&self.cwd)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // What is left is asked for again, so one that failed is not taken for settled.
        if added.is_ok_and(|status| status.success()) { settled } else { Vec::new() }
    }
}

/// Whether a file holds marks of a conflict; `None`: it is not there, or too long to be looked at.
fn marks(path: &Path) -> Option<bool> {
    let length = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
    if length > LONGEST {
        return None;
    }
    Some(has_marks(&std::fs::read(path).ok()?))
}

/// The marks that git writes at the beginning of a line.
fn has_marks(content: &[u8]) -> bool {
    let mut lines = content.split(|byte| *byte == b'\n');
    lines.any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> "))
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
    fn what_was_edited_until_no_mark_is_left_is_settled_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let made = Command::new("git").args(args).current_dir(dir.path()).output().unwrap();
            assert!(made.status.success(), "{args:?}: {made:?}");
            String::from_utf8(made.stdout).unwrap()
        };
        git(&["init", "-q"]);
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let conflict = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n";
        write("settled", conflict);
        write("left", conflict);
        write("deleted-there", "no marks, and nobody has decided\n");
        let files = ["settled", "left", "deleted-there"].map(str::to_owned);
        let marked = Marked::of(dir.path(), &files);
        write("settled", "a\nb\n");
        write("deleted-there", "touched\n");
        assert_eq!(marked.settle(), ["settled"]);
        assert_eq!(git(&["ls-files"]).trim(), "settled");
        assert!(!has_marks(b"title\n=======\n"), "a heading is no mark");
    }

    #[test]
    fn an_editor_that_fails_is_said_with_its_name() {
        let status = Command::new("false").status();
        let failure = complaint("false", status).unwrap();
        assert!(failure.cause.contains("false ended with"), "{failure}");
        assert!(complaint("true", Command::new("true").status()).is_none());
    }
}
