//! The hotfix: branch, commits, what is not committed, and what lies ahead of it.

mod facts;
mod page;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, short_id};
use super::{empty, frame, mark, window};
use crate::cockpit::update::hotfix::no_prepared_fix;
use crate::cockpit::{Command, Pane};
use crate::hotfix::state::{BranchState, Commit, DirtyFile, Head, NoRepository};
use facts::{Group, Item, Room};

/// Blank columns between two items on a line.
const BETWEEN: u16 = 3;
/// Rows of commits that are kept however much else there is to say.
const KEPT_ROWS: u16 = 2;

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect) -> Rect {
    let flow = ui.model.config.config.hotfix.flow.title();
    let body = frame(ui, buf, area, Pane::Hotfix, &[(flow, ui.of(Role::Faint))]);
    match &ui.model.branch {
        None => empty(ui, buf, body, &["reading the repository …"]),
        Some(Err(why)) => no_repository(ui, buf, body, why),
        Some(Ok(branch)) if ui.model.zoom && body.width >= page::LEAST => {
            return page::draw(ui, buf, body, branch);
        }
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

/// ```text
/// │ ⎇ hotfix/pool-limit  pushed ✓                 clean │
/// │ a91c2fe fix: raise pool limit              li   12m │
/// │ 77b0d13 chore: bump version 1.2.4          li    4m │
/// │ 3 files +18 −4   tests touched ✓   version 1.2.4 ✓  │
/// │ into main ✓ clean   into develop ▲ 1 conflict       │
/// │   develop: src/pool.rs                              │
/// ```
fn repository(ui: Ui<'_>, buf: &mut Buffer, body: Rect, branch: &BranchState) -> Rect {
    // A name that would be cut gets the line for itself, where there is one more to spare.
    let cut = body.height > LEAST_SPLIT && !fits_one_line(branch, body.width);
    if cut {
        head(ui, &mut Pen::new(buf, body, 0), branch, 0);
        let mut pen = Pen::new(buf, body, 1);
        let (text, role) = changed(branch);
        pen.gap(2).right(&text, ui.of(role));
        pen.right_gap(2);
        upstream(ui, &mut pen, branch);
    } else {
        head_line(ui, &mut Pen::new(buf, body, 0), branch);
    }
    let rest = below(body, 1 + u16::from(cut));
    let room = if ui.model.zoom { Room::Plenty } else { Room::Little };
    let groups = facts::groups(ui, branch, room);
    let rows = lines_of_list(branch);
    let mut lines = set(&groups, rest.width);
    let kept = rows.min(KEPT_ROWS).min(rest.height);
    shorten(&mut lines, usize::from(rest.height - kept));
    let list = Rect { height: (rest.height - lines.len() as u16).min(rows), ..rest };
    draw_rows(ui, buf, list, branch);
    for (line, set) in lines.iter().enumerate() {
        let mut pen = Pen::new(buf, below(rest, list.height), line as u16);
        put(ui, &mut pen, set);
    }
    list
}

/// Lines that the list can fill: one that says so where there is nothing yet.
fn lines_of_list(branch: &BranchState) -> u16 {
    match rows(branch) {
        0 => u16::from(!branch.not_yet.counts && !branch.not_yet.changes),
        rows => u16::try_from(rows).unwrap_or(u16::MAX),
    }
}

/// Rows of the list: commits, and files that are not committed.
fn rows(branch: &BranchState) -> usize {
    branch.commits.len() + branch.dirty.len()
}

/// A line of items.
struct Set {
    /// What is left out first has the highest.
    rank: u8,
    /// Columns it is moved in by.
    indent: u16,
    items: Vec<Item>,
}

/// Sets groups into lines: the items of each next to one another as far as they fit, and one that is longer
/// than a line on several.
fn set(groups: &[Group], columns: u16) -> Vec<Set> {
    let mut lines = Vec::new();
    for group in groups {
        let fresh = || Set { rank: group.rank, indent: group.indent, items: Vec::new() };
        let (mut line, mut used) = (fresh(), group.indent);
        for item in &group.items {
            let wide = facts::columns(item);
            if !line.items.is_empty() && used.saturating_add(BETWEEN).saturating_add(wide) > columns {
                lines.push(std::mem::replace(&mut line, fresh()));
                used = group.indent;
            }
            let mut pieces = folded(item, columns.saturating_sub(group.indent), CONTINUED).into_iter();
            let first = pieces.next().unwrap_or_default();
            used = used.saturating_add(facts::columns(&first)).saturating_add(if line.items.is_empty() {
                0
            } else {
                BETWEEN
            });
            line.items.push(first);
            for piece in pieces {
                let indent = group.indent.saturating_add(CONTINUED);
                used = indent.saturating_add(facts::columns(&piece));
                let next = Set { indent, items: vec![piece], ..fresh() };
                lines.push(std::mem::replace(&mut line, next));
            }
        }
        lines.push(line);
    }
    lines
}

/// Columns that what goes on from the line above is moved in by.
const CONTINUED: u16 = 2;

/// An item in pieces that fit into so many columns, all but the first `indent` less; broken between words.
fn folded(item: &Item, columns: u16, indent: u16) -> Vec<Item> {
    if facts::columns(item) <= columns || columns < 2 * LEAST_FOLDED {
        return vec![item.clone()];
    }
    let (mut pieces, mut piece): (Vec<Item>, Item) = (Vec::new(), Item::new());
    let mut used = 0_u16;
    for (text, role) in item {
        for word in text.split_inclusive(' ') {
            let room = if pieces.is_empty() { columns } else { columns - indent };
            if used > 0 && used.saturating_add(width(word.trim_end())) > room {
                // The blank before what goes on below would be a column too much.
                if let Some((last, _)) = piece.last_mut() {
                    last.truncate(last.trim_end().len());
                }
                pieces.push(std::mem::take(&mut piece));
                used = 0;
            }
            used = used.saturating_add(width(word));
            match piece.last_mut() {
                Some((before, same)) if same == role => before.push_str(word),
                _ => piece.push((word.to_owned(), *role)),
            }
        }
    }
    pieces.push(piece);
    pieces
}

/// Half the columns a line has at least for what does not fit to be broken.
const LEAST_FOLDED: u16 = 10;

/// Leaves lines out until so many are left: those that matter least first.
fn shorten(lines: &mut Vec<Set>, room: usize) {
    while lines.len() > room {
        let least = lines.iter().map(|line| line.rank).max();
        let Some(index) = lines.iter().rposition(|line| Some(line.rank) == least) else { return };
        lines.remove(index);
    }
}

/// Writes a line of items.
fn put(ui: Ui<'_>, pen: &mut Pen<'_>, line: &Set) {
    pen.gap(line.indent);
    for (index, item) in line.items.iter().enumerate() {
        pen.gap(if index == 0 { 0 } else { BETWEEN });
        put_item(ui, pen, item);
    }
}

fn put_item(ui: Ui<'_>, pen: &mut Pen<'_>, item: &Item) {
    for (text, role) in item {
        pen.put(text, ui.of(*role));
    }
}

/// Draws the commits and the files that are not committed, around the cursor.
fn draw_rows(ui: Ui<'_>, buf: &mut Buffer, list: Rect, branch: &BranchState) {
    let rows = rows(branch);
    if rows == 0 {
        return nothing_yet(ui, buf, list, branch);
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
}

/// Least lines of the pane for its head to take two of them.
const LEAST_SPLIT: u16 = 5;

/// Tells whether the name of the branch, how it stands to its upstream and what is not committed fit beside
/// one another.
fn fits_one_line(branch: &BranchState, columns: u16) -> bool {
    let Head::Branch { name, .. } = &branch.head else { return true };
    let (upstream, changed) = (upstream_words(branch).0, changed(branch).0);
    // The mark of a branch, and blanks between the three.
    [name, &upstream, &changed].into_iter().fold(6, |sum: u16, text| sum.saturating_add(width(text)))
        <= columns
}

/// What is not committed, in a few words.
fn changed(branch: &BranchState) -> (String, Role) {
    match branch.dirty_count {
        _ if branch.not_yet.changes => ("looking …".to_owned(), Role::Faint),
        0 => ("clean".to_owned(), Role::Muted),
        count => (format!("{count} changed"), Role::Warn),
    }
}

/// What HEAD is, how it stands to its upstream, and whether something is not committed.
fn head_line(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    let (text, role) = changed(branch);
    pen.right(&text, ui.of(role));
    pen.right_gap(2);
    names_line(ui, pen, branch);
}

/// What HEAD is and how it stands to its upstream.
fn names_line(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState) {
    head(ui, pen, branch, width(&upstream_words(branch).0).saturating_add(2));
    pen.gap(2);
    upstream(ui, pen, branch);
}

/// `kept` columns are kept for what follows.
fn head(ui: Ui<'_>, pen: &mut Pen<'_>, branch: &BranchState, kept: u16) {
    match &branch.head {
        Head::Branch { name, .. } => {
            let hotfix = ui.model.hotfix_branch().is_some();
            let style = ui.of(if hotfix { Role::TitleFocus } else { Role::Text });
            pen.put("⎇ ", ui.of(Role::Accent));
            let room = pen.room().saturating_sub(kept).max(12);
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
    let (text, role) = upstream_words(branch);
    pen.put(&text, ui.of(role));
}

/// How the branch stands to its upstream, in a few words; empty on none.
fn upstream_words(branch: &BranchState) -> (String, Role) {
    let Some(upstream) = &branch.upstream else {
        let on_branch = matches!(branch.head, Head::Branch { .. });
        return (if on_branch { "not pushed" } else { "" }.to_owned(), Role::Muted);
    };
    if upstream.exists && branch.not_yet.counts {
        return ("counting …".to_owned(), Role::Faint);
    }
    match (upstream.exists, upstream.ahead, upstream.behind) {
        (false, ..) => ("▲ upstream is gone".to_owned(), Role::Warn),
        (true, 0, 0) => ("pushed ✓".to_owned(), Role::Good),
        (true, ahead, 0) => (format!("↑{ahead} to push"), Role::Warn),
        (true, 0, behind) => (format!("↓{behind} to pull"), Role::Warn),
        (true, ahead, behind) => (format!("↑{ahead} ↓{behind} diverged"), Role::Bad),
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
    let keys = ui.keys(Command::Hotfix, Command::HotfixStart);
    let decided = ui.model.incident().and_then(|state| state.no_hotfix.as_ref());
    let base = branch.base.as_deref().unwrap_or("the base");
    let line = match (&branch.head, ui.model.hotfix_branch()) {
        (Head::Unborn { .. }, _) => "make a first commit; nothing to fix before it".to_owned(),
        (_, Some(_)) if ui.model.drill && no_prepared_fix(ui.model).is_none() => {
            format!(
                "edit and commit, or press {} for the prepared fix",
                ui.keys(Command::Hotfix, Command::DrillFix)
            )
        }
        (_, Some(_)) => "edit and commit the smallest fix; it shows up here".to_owned(),
        (_, None) => match decided {
            Some((_, why)) => format!("no hotfix needed: {why}"),
            None => facts::goes_on(ui, base, facts::outlook(ui, branch).map_or(&[], |known| &known.places))
                .unwrap_or_else(|| format!("press {keys} to start a hotfix branch from {base}")),
        },
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
        Some(Ok(branch)) => {
            names_line(ui, pen, branch);
            if let Some(operation) = branch.operation {
                pen.gap(2);
                pen.put(&format!("▲ in the middle of a {}", operation.name()), ui.of(Role::Overdue));
            }
            for item in facts::worst(ui, branch) {
                if facts::columns(&item) + 2 <= pen.room() {
                    pen.gap(2);
                    put_item(ui, pen, &item);
                }
            }
            if branch.dirty_count > 0 {
                pen.right(&format!("{} changed", branch.dirty_count), ui.of(Role::Warn));
            }
        }
    }
}

#[cfg(test)]
mod folding {
    use super::*;

    #[test]
    fn a_piece_that_just_fits_is_not_cut() {
        let item: Item = vec![
            ("finished as v1.4.3".to_owned(), Role::Text),
            (" · ".to_owned(), Role::Faint),
            ("▲ not in production yet".to_owned(), Role::Warn),
        ];
        for columns in 20..facts::columns(&item) {
            let pieces = folded(&item, columns, CONTINUED);
            let widest = pieces.iter().map(facts::columns).max();
            assert!(pieces.len() > 1 && widest <= Some(columns), "{columns}: {pieces:?}");
        }
    }
}
