//! Commands that turn something on and off: what they do now.

use super::super::super::commands::Command;
use super::super::super::model::{Model, Pane};
use super::super::invoke::entry_at_cursor;
use crate::incident::CheckState;

/// The title of a command as the screen stands: what is ticked is reopened by the key that ticks it.
pub fn title(model: &Model, command: Command) -> &'static str {
    match command {
        Command::Pass if is_ticked(model) => "reopen",
        Command::Pin if is_pinned(model) => "unpin",
        Command::Fold if model.view(Pane::Timeline).folded.is_some() => "unfold",
        Command::Presenter if model.present.on => "stop presenting",
        Command::Zoom if model.zoom => "unzoom",
        _ => command.spec().title,
    }
}

/// Whether the item under the cursor is anything but open.
fn is_ticked(model: &Model) -> bool {
    let row = model.view(Pane::Checklist).cursor.unwrap_or(0);
    let Some((_, item)) = model.checklist_rows().nth(row) else { return false };
    let tick = model.incident().and_then(|state| state.ticks.get(&item.id));
    tick.is_some_and(|tick| tick.state != CheckState::Open)
}

fn is_pinned(model: &Model) -> bool {
    let id = entry_at_cursor(model);
    id.and_then(|id| model.incident()?.timeline.find(id)).is_some_and(|entry| entry.pinned)
}
