//! The hotfix: branch, upstream, size, commits and what is not committed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, short_id};
use super::{empty, frame, mark, window};
use crate::cockpit::{Command, Pane};
use crate::config::types::Flow;
use crate::hotfix::state::{BranchState, Commit, DirtyFile, Head, NoRepository};

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let flow = match ui.model.config.config.hotfix.flow {
        Flow::GitFlow => "git flow",
        Flow::GithubFlow => "GitHub flow",
        Flow::Trunk => "trunk",
    };
    let body = frame(ui, buf, area, Pane::Hotfix, &[(flow, ui.of(Role::Faint))]);
    match &ui.model.branch {
        None => empty(ui, buf, body, &["reading the repository …"]),
        Some(Err(why)) => no_repository(ui, buf, body, why),
        Some(Ok(branch)) => return repository(ui, buf, body, branch),
    }
    body
}

fn no_repository(ui: Ui<'_>, buf: &mut Buffer, body: Rect, why: &NoRepository) {
    let (first, then) = why_not(why);
    empty(ui, buf, body, &[&first, &then]);
}

/// Why there is no branch to show, and what to do about it.
fn why_not(why: &NoRepository) -> (String, String) {
    match why {
        NoRepository::NotFound => (
            "no git repository here".to_owned(),
            "start flightdeck inside one to see its branch; the rest works".to_owned(),
        ),
        NoRepository::Bare => (
            "a bare repository: it has no work tree".to_owned(),
            "start flightdeck in a clone of it".to_owned(),
        ),
        NoRepository::NotOurs { path } => (
            format!("{path} belongs to another user"),
            format!("if you trust it: git config --global --add safe.directory {path}"),
        ),
        NoRepository::Unreadable { why } => {
            (format!("the repository cannot be read: {why}"), "git fsck says more".to_owned())
        }
    }
}

fn repository(ui: Ui<'_>, buf: &mut Buffer, body: Rect, branch: &BranchState) -> Rect {
    head_line(ui, &mut Pen::new(buf, body, 0), branch);
    size_line(ui, &mut Pen::new(buf, body, 1), branch);
    let list = below(body, 2);
    let rows = branch.commits.len() + branch.dirty.len();
    if rows == 0 {
        nothing_yet(ui, buf, list, branch);
        return list;
    }
    let (top, cursor) = window(ui, Pane::Hotfix, rows, list.height);
    for line in 0..list.height {
        let row = top + usize::from(line);
        let mut pen = Pen::new(buf, list, line);
        if let Some(commit) = branch.commits.get(row) {
            commit_row(ui, &mut pen, commit);
        } else if let Some(file) = branch.dirty.get(row - branch.commits.len().min(row)) {
            dirty_row(ui, &mut pen, file, row == branch.commits.len());
        } else {
            let left_out = branch.dirty_count.saturating_sub(branch.dirty.len())
                + branch.ahead.saturating_sub(branch.commits.len());
            if row == rows && left_out > 0 {
                pen.put(&format!("… and {left_out} more"), ui.of(Role::Faint));
            }
            break;
        }
        mark(ui, buf, list, line, Pane::Hotfix, row == cursor);
    }
    list
}

/// What HEAD is, what somebody is in the middle of, and how it stands to its upstream.
fn head_line(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    match branch.dirty_count {
        0 => pen.right("clean", ui.of(Role::Muted)),
        count => pen.right(&format!("{count} changed"), ui.of(Role::Warn)),
    };
    pen.right_gap(2);
    head(ui, pen, branch);
    if let Some(operation) = branch.operation {
        pen.gap(2).put(&format!("▲ in the middle of a {}", operation.name()), ui.of(Role::Overdue));
    }
    pen.gap(2);
    upstream(ui, pen, branch);
}

fn head(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    match &branch.head {
        Head::Branch { name, .. } => {
            let hotfix = ui.model.hotfix_branch().is_some();
            let style = ui.of(if hotfix { Role::TitleFocus } else { Role::Text });
            pen.put("⎇ ", ui.of(Role::Accent));
            let room = pen.room().saturating_sub(14).max(12);
            pen.column_of(name, width(name).min(room), style);
        }
        Head::Detached { commit } => {
            pen.put("▲ detached at ", ui.of(Role::Warn)).put(short_id(commit), ui.of(Role::Code));
        }
        Head::Unborn { name } => {
            pen.put("⎇ ", ui.of(Role::Accent)).put(name, ui.of(Role::Text));
            pen.put("  no commit yet", ui.of(Role::Warn));
        }
    }
}

fn upstream(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    let Some(upstream) = &branch.upstream else {
        if matches!(branch.head, Head::Branch { .. }) {
            pen.put("not pushed", ui.of(Role::Muted));
        }
        return;
    };
    match (upstream.exists, upstream.ahead, upstream.behind) {
        (false, ..) => pen.put("▲ upstream is gone", ui.of(Role::Warn)),
        (true, 0, 0) => pen.put("pushed ✓", ui.of(Role::Good)),
        (true, ahead, 0) => pen.put(&format!("↑{ahead} to push"), ui.of(Role::Warn)),
        (true, 0, behind) => pen.put(&format!("↓{behind} to pull"), ui.of(Role::Warn)),
        (true, ahead, behind) => pen.put(&format!("↑{ahead} ↓{behind} diverged"), ui.of(Role::Bad)),
    };
}

/// How big the change has grown, whether it carries a test, and the version.
fn size_line(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    let version = match (&branch.version, branch.tags.first()) {
        (_, Some(tag)) => tag.clone(),
        (Some(version), None) => format!("version {version}"),
        (None, None) => String::new(),
    };
    // Size and test say more about the fix than its version.
    if branch.size.files == 0 || pen.room() >= 38 + width(&version) {
        pen.right(&version, ui.of(Role::Faint));
        pen.right_gap(2);
    }
    if branch.behind > 0 {
        let base = branch.base.as_deref().unwrap_or("its base");
        pen.put(&format!("▲ {} behind {base}", branch.behind), ui.of(Role::Warn)).gap(3);
    }
    if branch.size.files == 0 {
        if let Some(base) = branch.base.as_deref().filter(|base| branch.branch() != Some(base)) {
            pen.put(&format!("no change to {base} yet"), ui.of(Role::Faint));
        } else if let Some(tag) = &branch.last_tag {
            pen.put(&format!("last tag {tag}"), ui.of(Role::Faint));
        }
        return;
    }
    let files = if branch.size.files == 1 { "file" } else { "files" };
    pen.put(&format!("{} {files} ", branch.size.files), ui.of(Role::Muted));
    pen.put(&format!("+{} ", branch.size.insertions), ui.of(Role::Good));
    pen.put(&format!("−{}", branch.size.deletions), ui.of(Role::Bad)).gap(3);
    if branch.size.tests_touched {
        pen.put("with a test ✓", ui.of(Role::Good));
    } else {
        pen.put("▲ no test", ui.of(Role::Warn));
    }
}

fn commit_row(ui: Ui<'_>, pen: &mut Pen<'_>, commit: &Commit) {
    let age = ui.ago(commit.at);
    let blanks = 4_u16.saturating_sub(width(&age));
    pen.right(&age, ui.of(Role::Time));
    pen.right_gap(1 + blanks);
    if pen.room() > 44 && width(&commit.author) <= pen.room() / 4 {
        pen.right(&commit.author, ui.of(Role::Author));
        pen.right_gap(1);
    }
    pen.put(short_id(&commit.id), ui.of(Role::Info)).gap(1);
    pen.put(&commit.subject, ui.of(Role::Text));
}

fn dirty_row(ui: Ui<'_>, pen: &mut Pen<'_>, file: &DirtyFile, first: bool) {
    let role = match file.code.as_str() {
        "??" => Role::Muted,
        code if code.contains('U') || code == "AA" || code == "DD" => Role::Bad,
        _ => Role::Warn,
    };
    if first && pen.room() > 40 {
        pen.right("not committed", ui.of(Role::Faint));
        pen.right_gap(1);
    }
    pen.column_of(&file.code, 7, ui.of(role)).gap(1).put(&file.path, ui.of(Role::Text));
}

fn nothing_yet(ui: Ui<'_>, buf: &mut Buffer, body: Rect, branch: &BranchState) {
    let body = below(body, 1);
    let keys = ui.keys(Command::Hotfix, Command::HotfixStart);
    let line = match (&branch.head, ui.model.hotfix_branch()) {
        (Head::Unborn { .. }, _) => "make a first commit; there is nothing to fix before it".to_owned(),
        (_, Some(_)) if ui.model.drill => {
            format!(
                "edit and commit, or press {} for the prepared fix",
                ui.keys(Command::Hotfix, Command::DrillFix)
            )
        }
        (_, Some(_)) => "edit and commit the smallest fix; it shows up here".to_owned(),
        (_, None) => {
            let base = branch.base.as_deref().unwrap_or("the base");
            format!("press {keys} to start a hotfix branch from {base}")
        }
    };
    Pen::new(buf, body, 0).put(&line, ui.of(Role::Faint));
}

pub(super) fn summary(ui: Ui<'_>, pen: &mut Pen<'_>) {
    match &ui.model.branch {
        None => {
            pen.put("reading the repository …", ui.of(Role::Faint));
        }
        Some(Err(why)) => {
            pen.put(&why_not(why).0, ui.of(Role::Muted));
        }
        Some(Ok(branch)) => head_line(ui, pen, branch),
    }
}
