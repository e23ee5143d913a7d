//! How production is, in a word that can be read across the room.

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use super::ways;
use crate::health::network::Network;
use crate::health::series::{State, Status};
use crate::incident::{self, Outage, PlanRun, PlanState};

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
    /// It is this machine that is offline: nothing is known of production.
    Offline,
}

impl Word {
    /// The word on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Degraded => "DEGRADED",
            Self::Healthy => "HEALTHY",
            Self::Unknown => "UNKNOWN",
            Self::Offline => "WE ARE OFFLINE",
        }
    }
}

/// How production is, what is live, and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Production {
    /// How it is.
    pub word: Word,
    /// Since when it has been just that, where that is known.
    pub since: Option<Timestamp>,
    /// When it was seen to turn from degraded to down, or back.
    pub turned: Option<Timestamp>,
    /// When it was first seen to be so.
    pub seen: Timestamp,
    /// When the fault began, as the open incident has it.
    pub began: Option<Timestamp>,
    /// Whether every bad probe was asked since the program started: before, only the record tells.
    pub is_seen: bool,
    /// What is live there, by the record or as the environment told.
    pub live: Option<String>,
    /// Whether that is on record: nobody brought something else there past it.
    pub is_recorded: bool,
    /// What is being done to it, `▶ canary v1.4.3 50 %`, or what a canary left behind:
    /// `canary v1.4.3 50 %, stopped`.
    pub doing: Option<String>,
    /// The same in as few words as can be: `▶ canary 50 %`.
    pub doing_brief: Option<String>,
    /// Whether that is what a canary left behind, and nobody works on it.
    pub is_left: bool,
    /// Whether it failed again since users were last said to be served.
    pub failed_again: bool,
}

/// Works out how production is from its probes, the record and the plan that has it.
pub fn production(model: &Model) -> Production {
    let config = &model.config.config;
    let probes = || model.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    let bad = || probes().filter(|probe| probe.state.is_bad());
    let is = |state: State| probes().any(|probe| probe.state == state);
    let offline = match &model.network {
        Network::Offline { since, .. } => Some(*since),
        Network::Fine | Network::Doubtful { .. } => None,
    };
    let is_held = || probes().any(|probe| probe.reach.is_held());
    let word = if is_down(model) {
        Word::Down
    } else if offline.is_some() && is_held() {
        Word::Offline
    } else if bad().next().is_some() || is(State::Warn) {
        Word::Degraded
    } else if probes().next().is_none() || probes().any(|probe| probe.is_unknown()) {
        Word::Unknown
    } else {
        Word::Healthy
    };
    let state = model.incident();
    let began = state.filter(|state| state.is_open()).map(|state| state.started_at);
    let since_of = |probe: &std::sync::Arc<Status>| {
        let since = probe.began()?;
        // Since when nobody answers is not known where it began with a number over its limit.
        if word == Word::Down && probe.is_number(&probe.began_with) {
            return None;
        }
        // What was never seen well has been so since the fault began, as far as anybody knows.
        Some(began.filter(|_| is_first(probe, since)).map_or(since, |began| began.min(since)))
    };
    let since = match word {
        Word::Down => bad().filter(|probe| is_failing(probe)).filter_map(since_of).min(),
        Word::Degraded => {
            let off = |state: State| state.is_bad() || state == State::Warn;
            probes().filter(|probe| off(probe.state)).filter_map(since_of).min()
        }
        Word::Healthy => green_since(model),
        Word::Unknown => None,
        Word::Offline => offline,
    };
    let target = config.production().map(|env| env.name.as_str());
    let (live, is_recorded) = live(model);
    let holder = target.and_then(|target| model.holder(target));
    let beside = live.as_deref();
    let (doing, doing_brief) = (holder.map(|plan| doing(state, plan, beside)), holder.map(doing_brief));
    let left = state.zip(target).and_then(|(state, target)| state.share_left(target));
    let left = left.filter(|_| doing.is_none());
    let left_brief = left.as_ref().map(|share| format!("canary left at {} %", share.percent));
    let left = left.map(|share| share.words(beside));
    let is_seen = bad().all(|probe| probe.last.is_some());
    let found = Production {
        word,
        since,
        turned: None,
        seen: model.now,
        began,
        is_seen,
        live,
        is_recorded,
        is_left: left.is_some(),
        failed_again: failed_again(model).is_some(),
        doing: doing.or(left),
        doing_brief: doing_brief.or(left_brief),
    };
    follow(found, model.derived.production.as_ref())
}

/// The name of what is live in production, and whether that is on record: nobody brought something else there past
/// it.
pub(super) fn live(model: &Model) -> (Option<String>, bool) {
    let target = model.config.config.production().map(|env| env.name.as_str());
    ways::live(model.incident(), target, model.way_back())
}

/// Tells whether a check of production says that it does not work.
fn is_down(model: &Model) -> bool {
    let config = &model.config.config;
    let mut probes = model.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    probes.any(|probe| is_failing(probe))
}

/// Since when production is seen to be well, if it was not. What nobody looked at does not count: it may have
/// been anything.
pub(super) fn green_since(model: &Model) -> Option<Timestamp> {
    let config = &model.config.config;
    let probes = || model.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    let recorded = model.incident()?.recovered_at(probes().map(|probe| probe.name.as_str()))?;
    let seen = probes().filter_map(|probe| looked_since(probe, recorded)).max();
    Some(seen.map_or(recorded, |seen| seen.max(recorded)))
}

/// When production failed again since users were last said to be served.
pub(super) fn failed_again(model: &Model) -> Option<Outage> {
    let config = &model.config.config;
    let watches = |name: &str| {
        let mut probes = model.probes.iter();
        probes.any(|probe| probe.name == name && config.watches_production(&probe.environment))
    };
    model.incident()?.failed_again(watches, model.now)
}

/// For so long a cockpit may miss samples that another one saw: what is on record holds over it, so that all name
/// the same time.
const MISSED: SignedDuration = SignedDuration::from_mins(2);

/// Since when a probe was looked at without a longer break, as far back as the record asks for.
fn looked_since(probe: &Status, recorded: Timestamp) -> Option<Timestamp> {
    let unbroken = probe.unbroken_since?;
    let mut since = unbroken;
    for (at, _) in probe.history.iter().rev().skip_while(|(at, _)| *at >= unbroken) {
        if since <= recorded || since.duration_since(*at) > MISSED {
            break;
        }
        since = *at;
    }
    Some(since)
}

/// Production that was one and then the other for less than this was never the one: its probes are not asked at
/// the same moment.
const BRIEF: SignedDuration = SignedDuration::from_secs(30);

/// Counts only the time that production was as the word says: a probe is bad for as long as it is bad,
/// whether nobody answers or only a number is over its limit.
fn follow(found: Production, before: Option<&Production>) -> Production {
    let Some(before) = before.filter(|before| before.is_seen && found.is_seen) else { return found };
    if before.word == found.word {
        // A probe that recovers, or is asked again, makes it no shorter: it was so all the time.
        let is_bad = matches!(found.word, Word::Down | Word::Degraded) && before.began == found.began;
        let since = before.turned.or_else(|| {
            let earlier = before.since.filter(|_| is_bad);
            found.since.map(|since| earlier.map_or(since, |earlier| earlier.min(since)))
        });
        return Production { since, turned: before.turned, seen: before.seen, ..found };
    }
    let is_brief = found.since.is_some() && found.seen.duration_since(before.seen) < BRIEF;
    let both = [before.word, found.word].iter().all(|word| matches!(word, Word::Down | Word::Degraded));
    let turned = Some(found.seen).filter(|_| both && !is_brief);
    Production { since: turned.or(found.since), turned, ..found }
}

/// Samples that may come before a state is confirmed, and half of one for the time an answer takes.
const CONFIRMING: f64 = 3.5;

/// Whether a probe has been as it is since it was first asked.
fn is_first(probe: &Status, since: Timestamp) -> bool {
    let Some(first) = probe.first() else { return false };
    since.duration_since(first).as_secs_f64() <= probe.interval_s * CONFIRMING
}

/// Whether a bad probe says that it does not work, and not only that a number is over its limit.
fn is_failing(probe: &Status) -> bool {
    probe.is_down(probe.state, probe.last.as_ref().map_or("", |sample| &sample.why))
}

/// A plan in the fewest words: what it is, and the share of a canary.
fn doing_brief(plan: &PlanRun) -> String {
    let glyph = if plan.state == PlanState::Waiting { "‖" } else { "▶" };
    let what = match plan.purpose.as_str() {
        _ if plan.steps.iter().any(|step| step.undo.is_some()) => return format!("{glyph} undoing"),
        "rollback" => "rollback",
        "deploy" if plan.share().is_some() => "canary",
        purpose => purpose,
    };
    let share = plan.share().map(|share| format!(" {share} %")).unwrap_or_default();
    format!("{glyph} {what}{share}")
}

/// A plan in a few words: of a canary its share, which matters more than its title.
fn doing(state: Option<&incident::State>, plan: &PlanRun, live: Option<&str>) -> String {
    let glyph = if plan.state == PlanState::Waiting { "‖" } else { "▶" };
    if plan.steps.iter().any(|step| step.undo.is_some()) {
        return format!("{glyph} undoing {}", plan.title);
    }
    match plan.share() {
        // A rollback takes the new version away: nobody is to read that it is tried out.
        Some(share) if plan.purpose == "rollback" => {
            format!("{glyph} rollback to {} {share} %", plan.brings())
        }
        Some(share) => {
            let name = state.map_or_else(|| plan.brings_beside(live), |state| state.canary(plan, live));
            format!("{glyph} canary {name} {share} %")
        }
        None if plan.purpose == "rollback" && !plan.is_flag() => {
            format!("{glyph} rollback to {}", plan.brings())
        }
        None => format!("{glyph} {}", plan.title),
    }
}

/// So long before the newest alarm one belongs to the same outage: a disk that has been full since yesterday is not
/// what is being declared.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);

/// When the outage began, and the probe of production that shows it: of those that fail now, the one that has failed
/// longest, by all that is known of the past.
pub fn outage_began(model: &Model) -> Option<(Timestamp, &Status)> {
    let config = &model.config.config;
    let bad = model.probes.iter().filter(|probe| probe.state.is_bad());
    let bad = bad.filter(|probe| config.watches_production(&probe.environment));
    let mut bad: Vec<_> = bad
        .filter_map(|probe| {
            let began = probe.began()?;
            let age = model.now.duration_since(began);
            (age.is_positive() && age < SignedDuration::from_hours(24)).then_some((began, &**probe))
        })
        .collect();
    let newest = bad.iter().map(|(began, _)| *began).max()?;
    bad.retain(|(began, _)| newest.duration_since(*began) <= TOGETHER);
    bad.into_iter().min_by_key(|(began, _)| *began)
}
