//! What is judged by what was brought into production, and by what was seen of it there.

use jiff::Timestamp;

use super::{Judge, Line, Verdict};
use crate::drill::scenario::{Asked, Lesson};
use crate::incident::{EntryKind, PlanRun, PlanState, Release, State, UNDONE, WatchVerdict, duration};
use crate::text::counted;

/// Tells whether users are served from an environment.
pub(super) fn is(state: &State, environment: &str) -> bool {
    ["production", "prod", "live"].contains(&environment)
        || state.plans.iter().any(|plan| plan.target == environment && plan.is_production())
}

/// The plans that deployed something new to production, or tried to.
pub(super) fn deploys(state: &State) -> impl Iterator<Item = &PlanRun> {
    let begun = |plan: &&PlanRun| plan.steps.iter().any(|step| step.run.is_some());
    state.plans.iter().filter(|plan| plan.purpose == "deploy" && is(state, &plan.target)).filter(begun)
}

/// What is live in production by this incident's own record.
fn live(state: &State) -> Option<&Release> {
    state.releases.iter().rfind(|release| !release.plan.is_empty() && is(state, &release.environment))
}

impl Judge<'_> {
    /// What did not help has to be taken back at once.
    pub(super) fn taken_back(&self) -> Option<Line> {
        let asks = "Roll back at once what does not help.";
        let failed = self.state.releases.iter().filter_map(|release| match &release.verdict {
            Some((at, WatchVerdict::Failed, why)) if is(self.state, &release.environment) => {
                Some((release.name(), *at, why.as_str()))
            }
            _ => None,
        });
        let trials = self.state.trials.iter().filter(|trial| is(self.state, &trial.environment));
        let trials =
            trials.map(|trial| (trial.commit.chars().take(7).collect(), trial.at, "the canary went back"));
        let failed: Vec<(String, Timestamp, &str)> = failed.chain(trials).collect();
        let (name, at, why) = failed.last()?.clone();
        let by_itself = why == UNDONE || why.starts_with("undone") || why == "the canary went back";
        let after = self.state.releases.iter().find(|one| one.at >= at && one.rollback);
        let line =
            |verdict| Line::new("Taken back", verdict, asks).at(at, format!("{name} failed its watch"));
        if by_itself {
            return Some(line(Verdict::Good).at(at, "the plan rolled it back by itself"));
        }
        Some(match after {
            Some(back) => {
                let took = back.at.duration_since(at);
                let limit = self.policy.rollback_steps.iter().map(|step| step.until).next();
                let limit = limit.unwrap_or(self.policy.at_once).max(self.policy.at_once);
                let verdict = if took <= limit { Verdict::Good } else { Verdict::Late };
                line(verdict).at(back.at, format!("back to {} after {}", back.name(), duration(took)))
            }
            None if self.state.has_fix(&self.production()) => {
                line(Verdict::Partly).never("left live until the next fix")
            }
            None => line(self.undone()).never("left live"),
        })
    }

    /// Says that a fix is merged although production was rolled back from it; `None`: none is.
    pub(super) fn merged_still(&self) -> Option<String> {
        let production = self.production();
        self.state.finished_outside(&production)?.is_merged_still(&production)
    }

    /// The name of production.
    fn production(&self) -> String {
        let plan = self.state.plans.iter().find(|plan| plan.is_production());
        plan.map_or_else(|| "production".to_owned(), |plan| plan.target.clone())
    }

    /// Whether what was deployed was watched until it was known to be good.
    pub(super) fn watched(&self) -> Option<Line> {
        let release = live(self.state)?;
        let asks = "Watch production after a deploy until the watch passes.";
        let name = release.name();
        let line = |verdict| Line::new("Watched", verdict, asks);
        Some(match &release.verdict {
            Some((at, WatchVerdict::Passed, _)) if !release.vouched => {
                line(Verdict::Good).at(*at, format!("{name} passed its watch"))
            }
            Some((at, WatchVerdict::Failed, _)) => {
                line(Verdict::Wrong).at(*at, format!("{name} failed its watch and is still live"))
            }
            Some((at, ..)) => line(Verdict::Partly).at(*at, format!("{name}: nobody could tell")),
            None => line(self.undone()).never(format!("nobody watched {name}")),
        })
    }

    /// Whether it was over when somebody said so.
    pub(super) fn verified(&self) -> Option<Line> {
        let over = self.state.resolved_at?;
        let asks = "It is over once production is seen to be well, and not before.";
        let failing: Vec<&str> = self
            .state
            .alarms
            .iter()
            .filter(|(_, alarm)| alarm.firing && alarm.since <= over)
            .map(|(name, _)| name.as_str())
            .filter(|name| !self.is_elsewhere(name))
            .collect();
        let unwatched = live(self.state)
            .is_some_and(|live| !matches!(live.verdict, Some((at, WatchVerdict::Passed, _)) if at <= over));
        let (verdict, what) = if !failing.is_empty() {
            (Verdict::Wrong, format!("resolved while failing: {}", failing.join(", ")))
        } else if unwatched {
            (Verdict::Partly, "resolved, and no watch had passed yet".to_owned())
        } else if let Some(ending) = self.state.endings.last().filter(|ending| !ending.open.is_empty()) {
            let count = counted(ending.open.len(), "point");
            (Verdict::Partly, format!("resolved with {count} open: {}", ending.open.join("; ")))
        } else {
            (Verdict::Good, "resolved, and nothing spoke against it".to_owned())
        };
        Some(Line::new("Verified", verdict, asks).at(over, what))
    }

    /// Tells whether a probe looks at another environment than production: those of drills begin with its name.
    fn is_elsewhere(&self, probe: &str) -> bool {
        let first = probe.split(' ').next().unwrap_or_default();
        let is_target = |plan: &PlanRun| plan.target == first && !is(self.state, first);
        first == "staging" || self.state.plans.iter().any(is_target)
    }

    /// Whether those who were told of it were told of its end.
    pub(super) fn end_told(&self) -> Option<Line> {
        let over = self.state.resolved_at?;
        self.policy.severity(self.state.severity).tell_within?;
        let served = self.state.mitigated_at.unwrap_or(over).min(over);
        let since = |from: Timestamp| {
            self.state.told.iter().find(|(at, who)| {
                *at >= from && self.policy.told_as(who) == crate::incident::audience::STAKEHOLDERS
            })
        };
        let asks = "Stakeholders hear that it is over, not only that it began.";
        let line = |verdict| Line::new("End told", verdict, asks);
        Some(match (since(over), since(served)) {
            (Some((at, _)), _) => line(Verdict::Good).at(*at, "stakeholders were told that it is over"),
            (None, Some((at, _))) => line(Verdict::Partly)
                .at(*at, "stakeholders were told that users are served again")
                .never("nobody was told that it is over"),
            (None, None) => line(Verdict::Missed).never("nobody was told that it is over"),
        })
    }

    /// Whether what pipelines waited for was approved from here, and why is on record.
    fn reviewed(&self, title: &str, why: &str) -> Line {
        let line = |verdict| Line::new(title, verdict, why.to_owned());
        let through = |plan: &&PlanRun| {
            plan.is_done()
                && plan.steps.iter().any(|step| step.run.as_ref().is_some_and(|r| r.remote.is_some()))
        };
        let mut entries = self.state.timeline.iter().filter(|entry| entry.name == "plan-asked");
        let approved = entries.find(|entry| entry.kind == EntryKind::Approval);
        let deployed = self.state.plans.iter().filter(|plan| is(self.state, &plan.target)).find(through);
        match (approved, deployed) {
            (Some(entry), _) => line(Verdict::Good).at(entry.at, entry.text),
            (None, Some(plan)) => line(Verdict::Partly)
                .at(plan.ended_at.unwrap_or(plan.started_at), plan.title.clone())
                .never("approved in the pipeline: who and why is not on record here"),
            (None, None) => line(self.undone()).never("no pipeline to production was approved"),
        }
    }

    /// What this drill was about.
    pub(super) fn lesson(&self, lesson: &Lesson) -> Line {
        let line = |verdict| Line::new(&lesson.title, verdict, lesson.why.clone());
        let done = |plan: &&PlanRun| plan.is_done();
        match lesson.asked {
            Asked::NoDeploy => {
                let start = self.state.plans.iter().find(|plan| super::is_start(plan));
                let deploy = deploys(self.state).next();
                match (deploy, start) {
                    (Some(plan), _) => line(Verdict::Wrong).at(plan.started_at, plan.title.clone()),
                    (None, Some(plan)) => line(Verdict::Partly)
                        .at(plan.started_at, plan.title.clone())
                        .never("nothing was deployed"),
                    (None, None) => line(Verdict::Good).never("nothing was deployed"),
                }
            }
            Asked::FlagOff => {
                // As a rollback option it is a plan of another purpose.
                let mut flags = self.state.plans.iter().filter(|plan| plan.turns_off().is_some());
                match flags.find(done) {
                    Some(plan) => {
                        line(Verdict::Good).at(plan.ended_at.unwrap_or(plan.started_at), plan.title.clone())
                    }
                    None => line(self.undone()).never("no flag was turned off"),
                }
            }
            Asked::Decided => {
                let mut entries = self.state.timeline.iter().filter(|entry| entry.retracted.is_none());
                let is_it = |text: &str| text.to_lowercase().starts_with(crate::incident::NO_HOTFIX);
                match entries.find(|entry| entry.name == "decision" && is_it(entry.text)) {
                    Some(entry) if self.state.no_hotfix.is_some() => {
                        line(Verdict::Good).at(entry.at, entry.text)
                    }
                    _ => line(self.undone()).never("nobody recorded that there is no hotfix"),
                }
            }
            Asked::Served => match self.state.mitigated_at {
                Some(at) => line(Verdict::Good).at(at, "users were served again"),
                None => line(self.undone()).never("it is not on record that users were served again"),
            },
            Asked::GoodFix => {
                let fix = deploys(self.state).filter(done).last();
                let good = live(self.state).is_some_and(|live| !live.rollback && live.is_good());
                match fix {
                    Some(plan) if good => line(Verdict::Good)
                        .at(plan.ended_at.unwrap_or(plan.started_at), format!("done: {}", plan.title)),
                    Some(plan) => line(Verdict::Partly).at(plan.started_at, plan.title.clone()),
                    None => line(self.undone()).never("no fix is live"),
                }
            }
            Asked::PutRight => match live(self.state) {
                Some(release) => match &release.verdict {
                    Some((at, WatchVerdict::Passed, _)) => line(Verdict::Good)
                        .at(*at, format!("{} is live, and passed its watch", release.name())),
                    _ => line(Verdict::Partly)
                        .at(release.at, format!("{} is live, and not known to be good", release.name())),
                },
                None => line(self.undone()).never("what was live at the beginning still is"),
            },
            Asked::Reviewed => self.reviewed(&lesson.title, &lesson.why),
            Asked::NoBlindRollback => {
                let back = self.state.plans.iter().filter(|plan| plan.purpose == "rollback");
                let failed =
                    back.clone().find(|plan| matches!(plan.state, PlanState::Ended(_)) && !plan.is_done());
                match (failed, back.clone().next()) {
                    (Some(plan), _) => {
                        line(Verdict::Partly).at(plan.started_at, format!("did not work: {}", plan.title))
                    }
                    (None, Some(plan)) => line(Verdict::Good).at(plan.started_at, plan.title.clone()),
                    (None, None) => line(Verdict::Good).never("no rollback was tried"),
                }
            }
        }
    }
}
