//! How a line that is being typed is understood: which time it names, in which zone, and what becomes of it.

use jiff::tz::TimeZone;

use super::model::Model;
use super::overlay::{Ask, Purpose};
use crate::incident::{NoteKind, duration, in_zones, parse_follow_up, parse_time_in, understood};

/// Says how a line is understood; `None`: as it stands there.
pub fn reading(model: &Model, ask: &Ask) -> Option<String> {
    let text = ask.input.text();
    match &ask.purpose {
        Purpose::Note(kind) => understood(text, *kind, model.now, &model.looks.zone, &other_zone(model)),
        Purpose::Began => taken(model, text),
        Purpose::FollowUp if !ask.input.is_blank() => {
            let found = parse_follow_up(text);
            let owner = if found.owner.is_empty() {
                "no owner yet".to_owned()
            } else {
                format!("for {}", found.owner)
            };
            let due = found.due.map_or_else(|| "no date".to_owned(), |due| format!("due {due}"));
            Some(format!("a follow-up, {owner}, {due}"))
        }
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

/// Says which time is meant, in the zone that is shown and in the other, and how long ago that was; `None`: it is
/// none, or says so itself.
pub fn taken(model: &Model, text: &str) -> Option<String> {
    let (now, zone) = (model.now, &model.looks.zone);
    let at = parse_time_in(text, now, zone)?;
    let ago = now.duration_since(at);
    if ago.is_zero() {
        return None;
    }
    let said = in_zones(at, now, zone, &other_zone(model));
    Some(if ago.is_negative() {
        format!("{said}: still to come")
    } else {
        format!("{said} ({} ago)", duration(ago))
    })
}

/// The zone that the screen does not show: times stand beside each other in both.
fn other_zone(model: &Model) -> TimeZone {
    if model.looks.zone == TimeZone::UTC { model.looks.local.clone() } else { TimeZone::UTC }
}
