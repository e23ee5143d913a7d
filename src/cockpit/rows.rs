//! The rows of the panes: which there are, in which order, and what a filter hides.

use super::model::{Model, Pane};
use crate::config::types::HERE;
use crate::health::{network, series};
use crate::incident::digest::{Fold, Row};
use crate::incident::{ChecklistItem, Entry, PlanRun, PlanState, same_person};

impl Model {
    /// Number of rows of a pane, among those that pass its filter.
    pub fn rows(&self, pane: Pane) -> usize {
        match pane {
            Pane::Timeline => self.timeline_len(),
            Pane::Health => self.health_rows().count(),
            Pane::Hotfix => self.repository().map_or(0, |branch| branch.commits.len() + branch.dirty.len()),
            Pane::Checklist => self.checklist_rows().count(),
            Pane::Runs => self.plan_rows().count(),
        }
    }

    /// Number of rows of a pane without its filter.
    pub fn all_rows(&self, pane: Pane) -> usize {
        match pane {
            Pane::Timeline => self.derived.timeline_all,
            Pane::Health => self.probes.len(),
            Pane::Hotfix => self.rows(pane),
            Pane::Checklist => self.checklist().len(),
            Pane::Runs => self.incident().map_or(0, |state| state.plans.len()),
        }
    }

    /// How many alarms the filter of a pane hides: of the timeline those that came since it was set, of
    /// the health pane the probes that are bad now.
    pub fn hidden_alarms(&self, pane: Pane) -> usize {
        match pane {
            Pane::Health => self.derived.health.hidden,
            Pane::Timeline => self.derived.hidden,
            _ => 0,
        }
    }

    /// The probes that are listed, production first, and what is worst first in each environment.
    pub fn health_rows(&self) -> impl Iterator<Item = &series::Status> {
        self.derived.health.order.iter().filter_map(|index| self.probes.get(*index)).map(|probe| &**probe)
    }

    /// The checklist items with their numbers from 1: those given to whoever sits here first, by name or by role.
    pub fn checklist_in_order(&self) -> impl Iterator<Item = (usize, &ChecklistItem)> {
        let all = || self.checklist().iter().enumerate().map(|(index, item)| (index + 1, item));
        let mine = |(_, item): &(usize, &ChecklistItem)| self.is_mine(item);
        all().filter(mine).chain(all().filter(move |one| !mine(one)))
    }

    /// Whether an item was given to whoever sits here.
    fn is_mine(&self, item: &ChecklistItem) -> bool {
        let Some(state) = self.incident() else { return false };
        let to = state.assigned.get(&item.id);
        to.is_some_and(|to| same_person(state.roles.get(to).unwrap_or(to), &self.me))
    }

    /// The checklist items that pass the filter of the checklist, in the same order.
    pub fn checklist_rows(&self) -> impl Iterator<Item = (usize, &ChecklistItem)> {
        let filter = self.view(Pane::Checklist).filter.to_lowercase();
        self.checklist_in_order()
            .filter(move |(_, item)| filter.is_empty() || item.title.to_lowercase().contains(&filter))
    }

    /// The plans that pass the filter of the runs pane: those that wait, then the others, newest
    /// first.
    pub fn plan_rows(&self) -> impl Iterator<Item = &PlanRun> {
        let filter = self.view(Pane::Runs).filter.to_lowercase();
        let has = move |text: &String| filter.is_empty() || text.to_lowercase().contains(&filter);
        let waits = |plan: &&PlanRun| plan.state == PlanState::Waiting;
        let plans = || self.incident().into_iter().flat_map(|state| state.plans.iter().rev());
        let plans = plans().filter(waits).chain(plans().filter(move |plan| !waits(plan)));
        plans.filter(move |plan| has(&plan.title) || plan.steps.iter().any(|step| has(&step.title)))
    }

    /// The rows of the timeline that are shown; `None`: a row for every line.
    fn rows_shown(&self) -> Option<&[Row]> {
        self.derived.timeline.as_deref().or(self.derived.rows.as_deref())
    }

    /// Timeline entries that pass the filter.
    pub fn timeline_len(&self) -> usize {
        match (self.rows_shown(), self.incident()) {
            (Some(kept), _) => kept.len(),
            (None, Some(state)) => state.timeline.len(),
            (None, None) => 0,
        }
    }

    /// The timeline entry that stands for a row, among those that pass the filter.
    pub fn timeline_entry(&self, row: usize) -> Option<Entry<'_>> {
        let index = match self.rows_shown() {
            Some(kept) => kept.get(row)?.line,
            None => row,
        };
        self.incident()?.timeline.get(index)
    }

    /// What is folded in a row of the timeline; `None`: nothing is.
    pub fn timeline_fold(&self, row: usize) -> Option<Fold> {
        self.rows_shown()?.get(row)?.fold
    }

    /// The entry at an index of the whole timeline.
    pub fn timeline_line(&self, line: usize) -> Option<Entry<'_>> {
        self.incident()?.timeline.get(line)
    }

    /// All entries of a row of the timeline, in their order.
    pub fn timeline_entries(&self, row: usize) -> Vec<Entry<'_>> {
        let Some(timeline) = self.incident().map(|state| &state.timeline) else { return Vec::new() };
        match self.rows_shown().map(|rows| rows.get(row)) {
            Some(Some(row)) => row.lines.iter().filter_map(|line| timeline.get(*line)).collect(),
            Some(None) => Vec::new(),
            None => timeline.get(row).into_iter().collect(),
        }
    }

    /// The environment that a probe watches; production where that is not named.
    pub fn environment_of(&self, probe: &str) -> &str {
        let known = self.derived.places.get(probe).map(String::as_str);
        if known.is_none() && probe == network::OWN {
            return HERE;
        }
        known.unwrap_or_else(|| self.config.config.production().map_or("", |env| env.name.as_str()))
    }
}
