//! How a line that is being typed is understood: which time it names, in which zone, and what becomes of it.

use jiff::tz::TimeZone;

use super::model::Model;
use super::overlay::{Ask, Purpose};
use crate::incident::{NoteKind, parse_time_in, taken_as, understood};

/// Says how a line is understood; `None`: as it stands there.
pub fn reading(model: &Model, ask: &Ask) -> Option<String> {
    let text = ask.input.text();
    match &ask.purpose {
        Purpose::Note(kind) => understood(text, *kind, model.now, &model.looks.zone, &other_zone(model)),
        Purpose::Began => taken(model, text),
        _ => None,
    }
}

/// What a line may begin with, where that is not a matter of course.
pub fn hint(ask: &Ask) -> Option<&'static str> {
    match ask.purpose {
        Purpose::Note(NoteKind::Note) => {
            Some("in front: -5m, 14:02 or ~14:02 (when), ! (a decision), TODO: (a follow-up)")
        }
        Purpose::Note(_) => Some("in front: -5m, 14:02 or ~14:02 (when)"),
        _ => None,
    }
}

/// Says which zone a time without one is taken in; `None`: it is no time of day.
pub fn taken(model: &Model, text: &str) -> Option<String> {
    let at = parse_time_in(text, model.now, &model.looks.zone)?;
    taken_as(text, at, model.now, &model.looks.zone, &other_zone(model))
}

/// The zone that the screen does not show: times stand beside each other in both.
fn other_zone(model: &Model) -> TimeZone {
    if model.looks.zone == TimeZone::UTC { model.looks.local.clone() } else { TimeZone::UTC }
}
