//! What of the program is on the screen, and since when.

use super::super::model::Model;
use super::super::overlay::Overlay;

/// The terminal has another size. A question that does not fit any more has to be seen again before
/// anything confirms it.
pub(super) fn resized(model: &mut Model, size: (u16, u16)) {
    model.size = size;
    if model.is_tiny() {
        model.overlays.iter_mut().filter_map(since).for_each(|shown| *shown = None);
    }
}

/// A frame was written: remember what there was room for, and arm what it confirms.
pub(super) fn shown(model: &mut Model, at_ms: u64, heights: [u16; 5], overlay: u16) {
    for (view, height) in model.views.iter_mut().zip(heights) {
        view.height = height;
    }
    model.overlay_height = overlay;
    let Some(top) = model.overlays.last_mut() else { return };
    // What there was no room for has not been seen, and nothing confirms it.
    let seen = overlay > 0;
    match top {
        Overlay::Run(view) if seen => view.height = overlay,
        top => {
            if let Some(shown) = since(top) {
                *shown = shown.or(Some(at_ms)).filter(|_| seen);
            }
        }
    }
}

/// Since when a question has been on the screen, in milliseconds of the key clock; `None`: it is none.
fn since(overlay: &mut Overlay) -> Option<&mut Option<u64>> {
    match overlay {
        Overlay::Preview(preview) => Some(&mut preview.shown_ms),
        Overlay::Decide(decide) => Some(&mut decide.shown_ms),
        Overlay::Message(view) if view.may_be_sent() => Some(&mut view.shown_ms),
        Overlay::Trust(trust) => Some(&mut trust.shown_ms),
        Overlay::Draft(draft) => Some(&mut draft.shown_ms),
        Overlay::Confirm(confirm) => Some(&mut confirm.shown_ms),
        _ => None,
    }
}
