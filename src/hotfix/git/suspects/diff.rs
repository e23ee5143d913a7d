//! What a commit changes: as figures and words, and as text. All by git2, with what a repository
//! could name for it (text conversion, external diff, filters) never looked at.

use std::collections::BTreeSet;

use git2::{Commit as GitCommit, Delta, Diff, DiffDelta, DiffFindOptions, DiffFormat, DiffOptions, Error};
use git2::{Patch, Repository};

use super::{before, change, commit_of};
use crate::hotfix::suspects::{Change, ChangeText, LineKind, TextLine, Touched, Wanted, short};
use crate::text::{visible, visible_lines};

/// A larger file counts as binary: its lines are not looked at.
const MAX_FILE_BYTES: i64 = 512 << 10;
/// Files of one change whose lines are looked at.
const MAX_READ: usize = 200;
/// Lines of one change that are looked at.
const MAX_LINES: usize = 20_000;
/// A longer line is looked at no further.
const MAX_WIDTH: usize = 2_000;
/// Lines of a change as text.
const MAX_TEXT: usize = 20_000;
/// Bytes of a change as text.
const MAX_BYTES: usize = 4 << 20;

/// What a commit touches.
#[derive(Debug, Clone, Default)]
pub(super) struct Diffed {
    pub(super) files: Vec<Touched>,
    pub(super) files_count: usize,
    pub(super) insertions: usize,
    pub(super) deletions: usize,
    pub(super) cut: Option<String>,
    /// It was broken off for want of time.
    pub(super) late: bool,
}

impl Diffed {
    /// A commit that was not looked at.
    pub(super) fn unread() -> Self {
        Self { cut: Some("it was not looked into".to_owned()), late: true, ..Self::default() }
    }
}

/// The path of what a change touches; of what is gone the one it had.
pub(super) fn path_of(delta: &DiffDelta<'_>) -> String {
    let side = if delta.status() == Delta::Deleted { delta.old_file() } else { delta.new_file() };
    let path = side.path_bytes().or_else(|| delta.old_file().path_bytes()).unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

fn diff<'a>(repo: &'a Repository, commit: &GitCommit<'_>, context: u32) -> Result<Diff<'a>, Error> {
    let mut options = DiffOptions::new();
    options.context_lines(context).max_size(MAX_FILE_BYTES).ignore_submodules(true);
    let (old, new) = (before(commit)?, commit.tree()?);
    change::look_where_changed(repo, old.as_ref(), Some(&new), &mut options)?;
    let mut diff = repo.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut options))?;
    // A file that only moved is no new file. What moved and changed is looked at as both.
    diff.find_similar(Some(DiffFindOptions::new().renames(true).exact_match_only(true)))?;
    Ok(diff)
}

/// Looks at what a commit changes against its first parent, and for words in changed lines.
pub(super) fn read(
    repo: &Repository,
    commit: &GitCommit<'_>,
    words: &Wanted,
    is_late: &impl Fn() -> bool,
) -> Result<Diffed, Error> {
    let diff = diff(repo, commit, 0)?;
    let files_count = diff.deltas().len();
    let mut diffed = Diffed { files_count, ..Diffed::default() };
    let mut lines = 0;
    for (index, delta) in diff.deltas().take(Change::MAX_FILES).enumerate() {
        let mut touched = Touched { path: path_of(&delta), ..Touched::default() };
        if diffed.late || index >= MAX_READ || lines >= MAX_LINES {
            diffed.files.push(touched);
            continue;
        }
        if let Some(patch) = Patch::from_diff(&diff, index)? {
            let (_, added, removed) = patch.line_stats()?;
            (diffed.insertions, diffed.deletions) = (diffed.insertions + added, diffed.deletions + removed);
            touched.lines = added + removed;
            lines += touched.lines;
            look(&patch, words, &mut touched)?;
        }
        diffed.files.push(touched);
        diffed.late = is_late();
    }
    diffed.cut = if diffed.late {
        Some("there was no time to look at all of it".to_owned())
    } else if files_count > MAX_READ {
        Some(format!("the lines of {MAX_READ} of {files_count} files were looked at"))
    } else if lines >= MAX_LINES {
        Some(format!("more than {MAX_LINES} lines: not all were looked at"))
    } else {
        None
    };
    Ok(diffed)
}

/// Looks for words in the changed lines of a file.
fn look(patch: &Patch<'_>, words: &Wanted, touched: &mut Touched) -> Result<(), Error> {
    let mut found = BTreeSet::new();
    let mut left = MAX_LINES;
    for hunk in 0..patch.num_hunks() {
        for line in 0..patch.num_lines_in_hunk(hunk)?.min(left) {
            let line = patch.line_in_hunk(hunk, line)?;
            if !matches!(line.origin(), '+' | '-') {
                continue;
            }
            let content = line.content();
            let content = content.get(..MAX_WIDTH.min(content.len())).unwrap_or_default();
            words.scan(content, |word| {
                if !found.contains(word) {
                    found.insert(word.to_owned());
                }
            });
            left -= 1;
        }
    }
    touched.words = found.into_iter().collect();
    Ok(())
}

/// A change as text: the message, then what differs from the first parent.
pub(super) fn text(repo: &Repository, id: &str) -> Result<ChangeText, Error> {
    let commit = commit_of(repo, id)?;
    let mut text = ChangeText { commit: commit.id().to_string(), lines: Vec::new(), cut: None };
    message(&mut text, &commit);
    let diff = match diff(repo, &commit, 3) {
        Ok(diff) => diff,
        Err(error) => {
            text.cut = Some(error.message().to_owned());
            return Ok(text);
        }
    };
    let mut bytes = 0;
    let printed = diff.print(DiffFormat::Patch, |_, _, line| {
        let kind = match line.origin() {
            'F' => LineKind::File,
            'H' => LineKind::Place,
            '+' => LineKind::Added,
            '-' => LineKind::Removed,
            _ => LineKind::Context,
        };
        let content = line.content();
        bytes += content.len();
        if text.lines.len() >= MAX_TEXT || bytes > MAX_BYTES {
            return false;
        }
        let content = String::from_utf8_lossy(content);
        for (index, one) in content.trim_end_matches(['\n', '\r']).split('\n').enumerate() {
            let sign = match kind {
                LineKind::Added if index == 0 => "+",
                LineKind::Removed if index == 0 => "-",
                LineKind::Context if index == 0 && line.origin() == ' ' => " ",
                _ => "",
            };
            let shown: String = one.trim_end_matches('\r').chars().take(MAX_WIDTH).collect();
            let shown = shown.replace('\t', "    ");
            text.lines.push(TextLine { kind, text: format!("{sign}{}", visible(&shown)) });
        }
        true
    });
    match printed {
        Ok(()) => {}
        // Broken off by ourselves.
        Err(_) if text.lines.len() >= MAX_TEXT || bytes > MAX_BYTES => {
            text.cut =
                Some(format!("it is cut off after {} lines: git show {}", text.lines.len(), short(id)));
        }
        Err(error) => return Err(error),
    }
    if diff.deltas().len() == 0 {
        let why = if commit.parent_count() > 1 {
            "nothing differs from its first parent"
        } else {
            "it changes no file"
        };
        text.lines.push(TextLine { kind: LineKind::Context, text: why.to_owned() });
    }
    Ok(text)
}

/// Who can be asked, when it was made, and what its message says.
fn message(text: &mut ChangeText, commit: &GitCommit<'_>) {
    let author = commit.author();
    let name = String::from_utf8_lossy(author.name_bytes()).into_owned();
    let email = String::from_utf8_lossy(author.email_bytes()).into_owned();
    let at = change::timestamp(commit.time().seconds());
    let mut line = |line: &str| {
        text.lines.push(TextLine { kind: LineKind::Message, text: visible(line).into_owned() });
    };
    line(&format!("commit {}", commit.id()));
    let parents: Vec<String> = commit.parent_ids().map(|id| short(&id.to_string()).to_owned()).collect();
    if parents.len() > 1 {
        line(&format!("merge of {}, shown against the first", parents.join(" ")));
    }
    line(&format!("ask {name} <{email}>"));
    line(&format!("made {at}"));
    line("");
    let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
    for one in visible_lines(message.trim_end()).lines().take(200) {
        line(&format!("    {}", one.chars().take(MAX_WIDTH).collect::<String>()));
    }
    line("");
}
