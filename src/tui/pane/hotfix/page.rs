//! The hotfix pane with the whole screen to itself: commits at the left, all that is known at the
//! right, each under its own word.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::paint::{Pen, wrap};
use super::super::super::theme::Role;
use super::super::super::ui::{Ui, below, row};
use super::facts::{self, Group, Item, Room};
use super::{draw_rows, head_line, lines_of_list, put_item};
use crate::hotfix::state::BranchState;
use crate::text::{counted, visible};

/// Least columns for two columns side by side.
pub(super) const LEAST: u16 = 90;
/// Columns for the words at the left of what is known.
const LABEL: u16 = 14;
/// Blank columns between the two halves.
const GUTTER: u16 = 4;

/// ```text
/// │ ⎇ hotfix/pool-limit  pushed ✓                                             clean │
/// │                                                                                 │
/// │ 2 commits that main lacks                 change        3 files +18 −4          │
/// │ a91c2fe fix: raise pool limit    li  12m                tests touched ✓         │
/// │ 77b0d13 chore: bump version      li   4m                                        │
/// │                                           merges        into main ✓ clean       │
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, body: Rect, branch: &BranchState) -> Rect {
    head_line(ui, &mut Pen::new(buf, body, 0), branch);
    let rest = below(body, 2);
    let left = rest.width * 9 / 20;
    let right = Rect { x: rest.x + left + GUTTER, width: rest.width - left - GUTTER, ..rest };
    let left = Rect { width: left, ..rest };
    known(ui, buf, right, &facts::groups(ui, branch, Room::Page));
    Pen::new(buf, left, 0).put(&heading(ui, branch), ui.of(Role::Muted));
    let list = below(left, 1);
    draw_rows(ui, buf, list, branch);
    Rect { height: list.height.min(lines_of_list(branch)), ..list }
}

/// What the list at the left is of.
fn heading(ui: Ui<'_>, branch: &BranchState) -> String {
    let base = branch.base.as_deref().unwrap_or("the base");
    if branch.not_yet.counts {
        return "commits".to_owned();
    }
    match branch.ahead {
        0 if ui.model.hotfix_branch().is_none() => "no hotfix branch is checked out".to_owned(),
        0 => format!("no commit that {base} lacks"),
        ahead => format!("{} that {base} lacks", counted(ahead, "commit")),
    }
}

/// Draws all groups, with a blank line between those about different things while there is room.
fn known(ui: Ui<'_>, buf: &mut Buffer, area: Rect, groups: &[Group]) {
    let entries: usize = groups.iter().map(|group| group.items.len()).sum();
    let airy = entries + groups.len() <= usize::from(area.height);
    let mut y = 0;
    for (index, group) in groups.iter().enumerate() {
        y += u16::from(airy && index > 0 && !group.joined);
        for (place, item) in group.items.iter().enumerate() {
            let label = if place == 0 { group.label } else { "" };
            y += entry(ui, buf, area, y, label, item);
        }
    }
}

/// Draws one and returns how many lines it took: what is too long for its line goes on below.
fn entry(ui: Ui<'_>, buf: &mut Buffer, area: Rect, y: u16, label: &str, item: &Item) -> u16 {
    let mut pen = Pen::new(buf, row(area, y), 0);
    pen.column_of(label, LABEL, ui.of(Role::Faint));
    if facts::columns(item) <= pen.room() {
        put_item(ui, &mut pen, item);
        return 1;
    }
    let room = area.width.saturating_sub(LABEL);
    let text: String = item.iter().map(|(text, _)| text.as_str()).collect();
    let role = item.last().map_or(Role::Text, |(_, role)| *role);
    let clean = visible(&text);
    let pieces = wrap(&clean, room);
    for (line, piece) in pieces.iter().enumerate() {
        let mut pen = Pen::new(buf, row(area, y.saturating_add(line as u16)), 0);
        pen.gap(LABEL).put(piece, ui.of(role));
    }
    pieces.len() as u16
}
