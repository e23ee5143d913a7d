//! What other machines wrote: it stands out for a moment where it is, and moves no cursor.

use jiff::SignedDuration;

use super::super::model::{Model, Pane};
use crate::incident::{Record, RecordId};

/// For how long a line stands out.
const FLASH: SignedDuration = SignedDuration::from_secs(3);

/// Has the lines that other machines wrote stand out from now on.
pub(super) fn flash(model: &mut Model, records: &[(RecordId, u64)]) {
    // Until the journal has said which installation this is, nobody can tell.
    if model.here == 0 {
        return;
    }
    let (here, now) = (model.here, model.now);
    model.flash.extend(records.iter().filter(|(_, node)| *node != here).map(|(id, _)| (*id, now)));
}

/// The records and which installation wrote each.
pub(super) fn written(records: &[Record]) -> Vec<(RecordId, u64)> {
    records.iter().map(|record| (record.id, record.author.node)).collect()
}

/// Lets go of lines that have stood out long enough.
pub(super) fn fade(model: &mut Model) {
    let now = model.now;
    model.flash.retain(|(_, since)| now.duration_since(*since) < FLASH);
}

/// The item of the checklist that keys are about.
pub(super) fn item(model: &Model) -> Option<String> {
    let cursor = model.view(Pane::Checklist).cursor;
    let row = cursor.or_else(|| (model.focus == Pane::Checklist).then_some(0))?;
    model.checklist_rows().nth(row).map(|(_, item)| item.id.clone())
}

/// Keeps the cursor on an item, wherever that stands now.
pub(super) fn keep_on(model: &mut Model, item: &str) {
    let row = model.checklist_rows().position(|(_, one)| one.id == item);
    if row.is_some_and(|row| row != model.view(Pane::Checklist).cursor.unwrap_or(0)) {
        model.view_mut(Pane::Checklist).cursor = row;
    }
}
