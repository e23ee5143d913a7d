//! What the health pane lists, worked out once a sample: its order, and how each environment is.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::model::{Model, Pane};
use crate::health::series::{State, Status};

/// The rows of the health pane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Indices of the probes that are listed: production first, then the other environments as they are
    /// configured; in each what fails or did within the last minute, then what is near its limit or unknown, as
    /// configured.
    pub order: Vec<usize>,
    /// The environments with probes, production first.
    pub groups: Vec<Group>,
    /// The name of production; empty where no environment is configured.
    pub production: String,
    /// What the pane was filtered by, and whether it was zoomed.
    pub shown_as: (String, bool),
    /// How many bad probes the filter hides.
    pub hidden: usize,
}

/// The probes of one environment, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name; empty where no environment is configured.
    pub environment: String,
    /// How many are good, near a limit or unsettled, bad, and unknown.
    pub counts: [usize; 4],
    /// Whether it is one line: it is not production, and all is good. Zoomed or filtered it is listed.
    pub is_folded: bool,
}

impl Group {
    /// How many probes it has.
    pub fn all(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// What the pane is filtered by, and whether it is zoomed.
pub fn shown_as(model: &Model) -> (String, bool) {
    (model.view(Pane::Health).filter.to_lowercase(), model.zoom && model.focus == Pane::Health)
}

/// For how long a row keeps the place that it had while its probe was worse, so that one that goes back and forth
/// stays where it is.
const HELD: SignedDuration = SignedDuration::from_secs(60);
/// The rank of what was good all that time.
const CALM: u8 = 2;

/// Where a probe belongs: by the worst that it was within the last minute.
fn rank(probe: &Status, now: Timestamp) -> u8 {
    let of = |state| match state {
        State::Failing | State::Recovering | State::Flapping | State::Error => 0,
        State::Warn | State::Unknown | State::Suppressed => 1,
        // One bad answer is nothing yet.
        State::Ok | State::Pending => CALM,
    };
    // That nothing was known before the first answer is no trouble that passed.
    let was = |state: &State| state.is_bad() || *state == State::Warn;
    let from = probe.turns.partition_point(|(at, _)| *at + HELD <= now).saturating_sub(1);
    let before = probe.turns.iter().skip(from).map(|(_, state)| *state).filter(was);
    before.chain([probe.state]).map(of).min().unwrap_or(CALM)
}

/// Puts the probes in order and counts them.
pub fn health(model: &Model) -> Health {
    let config = &model.config.config;
    let (filter, zoomed) = shown_as(model);
    let production = config.production().map_or("", |env| env.name.as_str());
    let places: HashMap<&str, usize> =
        config.environments.iter().enumerate().map(|(place, env)| (env.name.as_str(), place + 1)).collect();
    let mut groups = vec![Group { environment: production.to_owned(), counts: [0; 4], is_folded: false }];
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut of = Vec::with_capacity(model.probes.len());
    for probe in &model.probes {
        let environment = probe.environment.as_str();
        let is_production = config.watches_production(environment);
        let group = if is_production {
            0
        } else {
            *known.entry(environment).or_insert_with(|| {
                groups.push(Group { environment: environment.to_owned(), counts: [0; 4], is_folded: false });
                groups.len() - 1
            })
        };
        groups[group].counts[match probe.state {
            State::Ok => 0,
            State::Warn | State::Pending | State::Flapping | State::Recovering => 1,
            State::Failing | State::Error | State::Suppressed => 2,
            State::Unknown => 3,
        }] += 1;
        of.push(group);
    }
    let ranks: Vec<u8> = model.probes.iter().map(|probe| rank(probe, model.now)).collect();
    for group in groups.iter_mut().skip(1) {
        group.is_folded = !zoomed && filter.is_empty() && group.counts[0] == group.all();
    }
    // What was not good a moment ago stays in sight as long as its row would keep its place.
    for (group, _) in of.iter().zip(&ranks).filter(|(_, rank)| **rank < CALM) {
        groups[*group].is_folded = false;
    }
    let has = |text: &str| text.to_lowercase().contains(&filter);
    let (mut order, mut hidden) = (Vec::with_capacity(of.len()), 0);
    for (index, (probe, group)) in model.probes.iter().zip(of).enumerate() {
        if groups[group].is_folded {
            continue;
        }
        if !filter.is_empty() && !has(&probe.name) && !has(&probe.environment) {
            hidden += usize::from(probe.state.is_bad());
            continue;
        }
        let place =
            if group == 0 { 0 } else { *places.get(probe.environment.as_str()).unwrap_or(&usize::MAX) };
        order.push((place, ranks[index], index));
    }
    order.sort_unstable();
    groups.retain(|group| group.all() > 0);
    Health {
        order: order.into_iter().map(|(.., index)| index).collect(),
        groups,
        production: production.to_owned(),
        shown_as: (filter, zoomed),
        hidden,
    }
}
