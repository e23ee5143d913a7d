//! `flightdeck drill grade`: how a drill went against the procedure.

use std::time::Duration;

use jiff::Timestamp;

use super::context::{Context, Loaded, Wanted};
use crate::drill::grade::{self, Change, Line};
use crate::drill::{Scenario, place};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::incident::State;

/// How long the fix is looked into.
const PATIENCE: Duration = Duration::from_secs(5);

/// A grade as JSON.
#[derive(Debug, serde::Serialize)]
struct Told<'a> {
    scenario: &'a str,
    incident: &'a str,
    summary: String,
    lines: Vec<Line>,
}

/// Prints how the drill that this is in went. A drill that is over and was kept needs no variables: its
/// repository says where its journal is.
pub(super) fn print(json: bool, cx: &Context) -> Result<()> {
    let place = place::Place::find(cx.root().unwrap_or(&cx.here))?;
    let scenario = Scenario::find(Some(&place.scenario))?;
    let loaded = cx.load_in(&place.state_dir, Wanted::Last)?;
    let (setup, mistake) = cx.setup_or_found();
    if let Some(failure) = &mistake {
        cx.out.failure(failure);
    }
    let Loaded { number, .. } = &loaded;
    let state = loaded.state();
    let now = now(state, cx.now());
    let change = Reader::open(&place.repo).ok().and_then(|reader| {
        let (from, to) = grade::fix_of(state)?;
        let (files, growth) =
            reader.grown(&setup.config.hotfix, &setup.policy.hotfix_limit, &from, &to?, PATIENCE)?;
        Some(Change { files, growth })
    });
    let lines = grade::grade(state, &setup.policy, &scenario.lessons, change.as_ref(), now);
    if json {
        let summary = grade::verdicts(&lines);
        return cx.out.json(&Told { scenario: &scenario.name, incident: number, summary, lines });
    }
    let heading = format!("Drill {}: {}", scenario.name, grade::heading(state, number, now));
    cx.out.lines(&grade::plain(&heading, &lines))
}

/// A drill that is over is graded as it stood then, whenever that is asked for; its review has its time still.
fn now(state: &State, now: Timestamp) -> Timestamp {
    if state.resolved_at.is_some() { state.latest } else { now }
}
