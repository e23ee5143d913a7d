//! How production is, in a word that can be read across the room.

use jiff::Timestamp;

use super::model::Model;
use crate::health::series::{State, Status};
use crate::incident::{PlanRun, PlanState};

/// How production is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A check that says whether it works fails: nobody answers, or the answer is wrong.
    Down,
    /// It answers, and a number is over its limit, or a check has not settled.
    Degraded,
    /// Every check is good.
    Healthy,
    /// Nothing is checked, or a check that is not bad has no data.
    Unknown,
}

impl Word {
    /// The word on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Degraded => "DEGRADED",
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// How production is, what is live, and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Production {
    /// How it is.
    pub word: Word,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What is live there, by the record or as the environment told.
    pub live: Option<String>,
    /// What is being done to it, `▶ canary v1.4.3 50 %`, or what a canary left behind:
    /// `canary v1.4.3 50 %, stopped`.
    pub doing: Option<String>,
    /// Whether that is what a canary left behind, and nobody works on it.
    pub is_left: bool,
}

/// Works out how production is from its probes, the record and the plan that has it.
pub fn production(model: &Model) -> Production {
    let config = &model.config.config;
    let probes = || model.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    let bad = || probes().filter(|probe| probe.state.is_bad());
    let is = |state: State| probes().any(|probe| probe.state == state);
    let word = if bad().any(|probe| is_down(probe)) {
        Word::Down
    } else if bad().next().is_some() || is(State::Warn) {
        Word::Degraded
    } else if probes().next().is_none() || is(State::Unknown) {
        Word::Unknown
    } else {
        Word::Healthy
    };
    let state = model.incident();
    let began = state.filter(|state| state.is_open()).map(|state| state.started_at);
    let since_of = |probe: &std::sync::Arc<Status>| {
        let since = probe.since?;
        // What was never seen well has been so since the fault began, as far as anybody knows.
        Some(began.filter(|_| is_first(probe, since)).map_or(since, |began| began.min(since)))
    };
    let since = match word {
        Word::Down => bad().filter(|probe| is_down(probe)).filter_map(since_of).min(),
        Word::Degraded => {
            let off = |state: State| state.is_bad() || state == State::Warn;
            probes().filter(|probe| off(probe.state)).filter_map(since_of).min()
        }
        Word::Healthy => {
            state.and_then(|state| state.recovered_at(probes().map(|probe| probe.name.as_str())))
        }
        Word::Unknown => None,
    };
    let target = config.production().map(|env| env.name.as_str());
    let recorded = state.zip(target).and_then(|(state, target)| {
        let release = state.releases.iter().rev().find(|release| release.environment == target)?;
        Some(release.name())
    });
    // Before anything was brought there in this incident, what its rollback options start from.
    let told = || target.and_then(|target| model.ways.known.get(target)?.live.clone());
    let live = recorded.or_else(told);
    let doing = target.and_then(|target| model.holder(target)).map(doing);
    let left = state.zip(target).and_then(|(state, target)| state.share_left(target));
    let left = left.filter(|_| doing.is_none()).map(|share| share.words());
    Production { word, since, live, is_left: left.is_some(), doing: doing.or(left) }
}

/// Samples that may come before a state is confirmed, and half of one for the time an answer takes.
const CONFIRMING: f64 = 3.5;

/// Whether a probe has been as it is since it was first asked.
fn is_first(probe: &Status, since: Timestamp) -> bool {
    let Some((first, _)) = probe.history.front() else { return false };
    since.duration_since(*first).as_secs_f64() <= probe.interval_s * CONFIRMING
}

/// Whether a bad probe says that it does not work, and not only that a number is over its limit.
fn is_down(probe: &Status) -> bool {
    // Why it is bad is said as `38.1 % (max 5 %)` where a number is over its limit, and only there.
    let limit = format!("({}", probe.range);
    let over = probe.threshold.is_some()
        && probe.last.as_ref().is_some_and(|sample| sample.value.is_some() && sample.why.contains(&limit));
    match probe.state {
        State::Error => true,
        State::Failing | State::Flapping => !over,
        _ => false,
    }
}

/// A plan in a few words: of a canary its share, which matters more than its title.
fn doing(plan: &PlanRun) -> String {
    let glyph = if plan.state == PlanState::Waiting { "‖" } else { "▶" };
    if plan.steps.iter().any(|step| step.undo.is_some()) {
        return format!("{glyph} undoing {}", plan.title);
    }
    match plan.share() {
        Some(share) => format!("{glyph} canary {} {share} %", plan.brings()),
        None => format!("{glyph} {}", plan.title),
    }
}
