//! What is on record already: saying it again would tell nobody anything.

use jiff::Timestamp;

use super::body::{Body, CheckState, Ticked};
use super::state::{State, Tick, same_person};

/// What is on record already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    what: String,
    by: Option<(String, Timestamp)>,
}

impl Known {
    /// In words, with times as `time` writes them: `already ticked by maya at 14:02`.
    pub fn words(&self, time: impl Fn(Timestamp) -> String) -> String {
        match &self.by {
            Some((by, at)) => format!("{} by {by} at {}", self.what, time(*at)),
            None => self.what.clone(),
        }
    }
}

/// Tells whether the record says just that already; `None`: it is something new. What another person saw, or a
/// note that says more, is new.
pub fn repeated(state: &State, body: &Body, by: &str) -> Option<Known> {
    let same = |known: &str, text: &str| known.trim() == text.trim();
    let plain = |what: &str| Some(Known { what: what.to_owned(), by: None });
    match body {
        Body::Ticked(ticked) => ticked_again(state.ticks.get(&ticked.item), ticked, by),
        Body::RoleTaken(taken) => {
            let holder = state.roles.get(&taken.role).map_or("", String::as_str);
            let who = if taken.person.trim().is_empty() { "nobody" } else { taken.person.trim() };
            same(holder, &taken.person).then(|| plain(&format!("{who} has that role already")))?
        }
        Body::Titled(titled) if same(&state.title, &titled.text) => plain("that is the title already"),
        Body::ImpactDescribed(impact) if same(&state.impact, &impact.text) => {
            plain("that is the impact already")
        }
        Body::CauseDescribed(cause) if same(&state.cause, &cause.text) => plain("that is the cause already"),
        Body::Amended(amended) => {
            let entry = state.timeline.find(amended.target)?;
            same(entry.text, &amended.text).then(|| plain("it says that already"))?
        }
        _ => None,
    }
}

fn ticked_again(tick: Option<&Tick>, ticked: &Ticked, by: &str) -> Option<Known> {
    let what = match ticked.state {
        CheckState::Passed => "already ticked",
        CheckState::Failed => "already marked as failed",
        CheckState::Na => "already marked as not applicable",
        // Whoever opened it, and be it nobody: it is open.
        CheckState::Open => {
            let is_open = tick.is_none_or(|tick| tick.state == CheckState::Open);
            let known = || Known { what: "it is open already".to_owned(), by: None };
            return (is_open && ticked.note.trim().is_empty()).then(known);
        }
    };
    let note = ticked.note.trim();
    let tick = tick.filter(|tick| tick.state == ticked.state && same_person(&tick.by, by))?;
    let adds = !note.is_empty() && note != tick.note.trim();
    (!adds).then(|| Known { what: what.to_owned(), by: Some((tick.by.clone(), tick.at)) })
}
