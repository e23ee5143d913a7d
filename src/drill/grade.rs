//! How a drill went against the procedure: what was asked, what was done and when. Pure.
//!
//! It gives no marks that nobody can explain: each line names the moments it was judged by and what the
//! procedure asks. What the policy in force does not ask for has no line.

mod production;
#[cfg(test)]
mod tests;
mod text;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

#[cfg(test)]
use super::scenario::Asked;
use super::scenario::Lesson;
use crate::hotfix::outlook::Growth;
use crate::incident::{
    ClockState, EntryKind, NO_ROLLBACK, NoteKind, Phase, PlanRun, Policy, Role, Round, State, audience,
    clocks, duration, led_by, rounds,
};

pub use text::{heading, plain, verdicts};

/// How one thing that the procedure asks for was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The opposite of what is asked was done.
    Wrong,
    /// It was not done.
    Missed,
    /// It was done, but not in time.
    Late,
    /// A part of it was done.
    Partly,
    /// It may still be done.
    Open,
    /// It was done as asked.
    Good,
}

impl Verdict {
    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Missed => "missed",
            Self::Late => "late",
            Self::Partly => "partly",
            Self::Open => "not yet",
            Self::Good => "good",
        }
    }
}

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When; `None`: it never happened.
    pub at: Option<Timestamp>,
    /// What, in a few words.
    pub what: String,
}

/// One thing that the procedure asks for, and how it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about: `Users first`.
    pub title: String,
    /// How it was done.
    pub verdict: Verdict,
    /// What it was judged by, in order.
    pub moments: Vec<Moment>,
    /// What the procedure asks.
    pub asks: String,
}

impl Line {
    fn new(title: &str, verdict: Verdict, asks: impl Into<String>) -> Self {
        Self { title: title.to_owned(), verdict, moments: Vec::new(), asks: asks.into() }
    }

    fn at(mut self, at: Timestamp, what: impl Into<String>) -> Self {
        self.moments.push(Moment { at: Some(at), what: what.into() });
        self
    }

    fn never(mut self, what: impl Into<String>) -> Self {
        self.moments.push(Moment { at: None, what: what.into() });
        self
    }
}

/// What was deployed as the fix, as git tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The files that it changes besides tests and the version.
    pub files: Vec<String>,
    /// Whether that is more than a minimal fix.
    pub growth: Growth,
}

/// The two commits between which the fix lies: where its branch began, and what was deployed of it, or is
/// about to be; `None` where no branch was started.
pub fn fix_of(state: &State) -> Option<(String, Option<String>)> {
    let start = state.plans.iter().find(|plan| is_start(plan) && plan.is_done())?;
    let frozen = start.spec.get("frozen").and_then(serde_json::Value::as_object)?;
    let from = frozen.values().find_map(serde_json::Value::as_str)?.to_owned();
    let ours = |release: &&crate::incident::Release| !release.rollback && !release.plan.is_empty();
    let deployed = state.releases.iter().rev().filter(ours);
    let mut in_production = deployed.clone().filter(|one| production::is(state, &one.environment));
    let to = in_production.next().or_else(|| deployed.clone().next()).map(|release| release.commit.clone());
    Some((from, to))
}

/// Grades a drill as it stands at `now`. `change` is what git tells of the fix that [`fix_of`] names.
pub fn grade(
    state: &State,
    policy: &Policy,
    lessons: &[Lesson],
    change: Option<&Change>,
    now: Timestamp,
) -> Vec<Line> {
    let by = Judge { state, policy, now };
    let mut lines = vec![by.declared(), by.roles()];
    lines.extend(by.clocks());
    lines.extend(by.updates());
    lines.push(by.users_first());
    lines.extend(lessons.iter().map(|lesson| by.lesson(lesson)));
    lines.extend(change.map(|change| by.size(change)));
    lines.extend(by.gates());
    lines.extend(by.taken_back());
    lines.extend(by.watched());
    lines.extend(by.verified());
    lines.extend(by.end_told());
    lines.extend(by.merged_back());
    lines.push(by.written());
    lines.extend(by.review());
    lines
}

/// What a grade is made with.
#[derive(Clone, Copy)]
struct Judge<'a> {
    state: &'a State,
    policy: &'a Policy,
    now: Timestamp,
}

/// Tells whether a plan started a hotfix branch.
fn is_start(plan: &PlanRun) -> bool {
    plan.purpose == "hotfix" && plan.id.starts_with("hotfix-")
}

/// Tells whether a plan serves users again without a fix.
fn is_way_back(plan: &PlanRun) -> bool {
    ["rollback", "flag"].contains(&plan.purpose.as_str())
}

/// A time as it is written in a sentence, with its day where that is another than that of `start`.
fn clock(start: Timestamp, at: Timestamp) -> String {
    at.strftime(if text::is_same_day(start, at) { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" }).to_string()
}

/// How often: `once`, `twice`, `3 times`.
fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

impl Judge<'_> {
    fn is_over(&self) -> bool {
        self.state.resolved_at.is_some()
    }

    /// What is not done: missed once it is over, else still open.
    fn undone(&self) -> Verdict {
        if self.is_over() { Verdict::Missed } else { Verdict::Open }
    }

    fn declared(&self) -> Line {
        let State { declared_at, started_at, severity, .. } = *self.state;
        let allowed = self.policy.phase(Phase::Detect).map_or(SignedDuration::ZERO, |phase| phase.budget);
        let took = declared_at.duration_since(started_at).max(SignedDuration::ZERO);
        let verdict = if took <= allowed { Verdict::Good } else { Verdict::Late };
        let asks = format!("Declare within {} of the first failure.", duration(allowed));
        let after = if took < SignedDuration::from_secs(1) {
            String::new()
        } else {
            format!(", {} after it began", duration(took))
        };
        Line::new("Declared", verdict, asks)
            .at(declared_at, format!("{} declared{after}", self.policy.severity_name(severity)))
    }

    /// Who led, and whether those who have to approve were there.
    fn roles(&self) -> Line {
        let assemble = self.policy.phase(Phase::Assemble).map_or(SignedDuration::ZERO, |phase| phase.budget);
        let due = led_by(self.state, self.policy);
        let first = |role: &str| {
            let given = self.state.assignments.iter().filter(|(_, id, who)| id == role && !who.is_empty());
            given.min_by_key(|(at, ..)| *at).map(|(at, _, who)| (*at, who.clone()))
        };
        let mut wanted = vec![Role::COMMANDER.to_owned()];
        if production::deploys(self.state).next().is_some() {
            let approve = self.policy.severity(self.state.severity).approvals.iter();
            wanted.extend(approve.filter(|role| *role != Role::COMMANDER).cloned());
        }
        let mut verdict = Verdict::Good;
        let asks = format!(
            "Somebody leads within {} of the declaration, and whoever has to approve is there.",
            duration(assemble)
        );
        let mut line = Line::new("Roles", verdict, asks);
        for role in wanted {
            let title = self.policy.role_title(&role).to_owned();
            let voted = self.state.votes.iter().find(|vote| vote.approves && vote.role == role);
            // Who approves is there, though nobody gave them the role.
            let voted =
                || voted.map(|vote| (vote.at, format!("{} approved, without having the role", vote.by)));
            let filled = first(&role).or_else(voted);
            if let Some((at, who)) = filled {
                if role == Role::COMMANDER && at > due {
                    verdict = verdict.min(Verdict::Late);
                }
                line = line.at(at, format!("{title}: {who}"));
            } else {
                let none = if role == Role::COMMANDER { self.undone() } else { Verdict::Partly };
                verdict = verdict.min(none);
                line = line.never(format!("{title}: nobody"));
            }
        }
        Line { verdict, ..line }
    }

    /// The clocks that ran, each by itself.
    fn clocks(&self) -> Vec<Line> {
        let once = |id: &str| !["update", "phase", "review"].iter().any(|other| id.starts_with(other));
        let mut all = clocks(self.state, self.policy, self.now);
        all.retain(|clock| once(&clock.id));
        all.sort_by_key(|clock| clock.due_at);
        all.into_iter()
            .filter_map(|clock| {
                let over = self.state.resolved_at;
                let verdict = match clock.state {
                    ClockState::Met => Verdict::Good,
                    ClockState::Late => Verdict::Late,
                    ClockState::Overdue => Verdict::Missed,
                    ClockState::Running => Verdict::Open,
                    ClockState::Stopped
                        if over.is_some() && clock.stopped_at.is_some_and(|end| clock.due_at <= end) =>
                    {
                        Verdict::Missed
                    }
                    ClockState::Stopped => return None,
                };
                let within = clock.due_at.duration_since(clock.from);
                let asks = format!(
                    "Within {}: by {}.",
                    duration(within),
                    self::clock(self.state.started_at, clock.due_at)
                );
                let (title, done) = text::of_clock(self.state, &clock);
                let line = Line::new(&title, verdict, asks);
                Some(match clock.met_at {
                    Some(at) if verdict == Verdict::Late => {
                        let late = duration(at.duration_since(clock.due_at));
                        line.at(at, format!("{done}, {late} late"))
                    }
                    Some(at) => line.at(at, done),
                    None => line.never("not on record"),
                })
            })
            .collect()
    }

    /// Whether stakeholders were told anew in time, as often as was asked then.
    fn updates(&self) -> Option<Line> {
        let every = self.policy.update(self.state.severity, audience::STAKEHOLDERS)?.every;
        let told =
            self.state.told.iter().filter(|(_, who)| self.policy.told_as(who) == audience::STAKEHOLDERS);
        let last = told.map(|(at, _)| *at).max()?;
        let sent = self.sent();
        let mut rounds = rounds(self.state, self.policy, self.now);
        rounds.retain(|round| round.audience == audience::STAKEHOLDERS);
        let asks = format!("Tell stakeholders how it stands every {}.", duration(every));
        let missed: Vec<&Round> = rounds.iter().filter(|round| round.is_missed()).collect();
        if missed.is_empty() {
            let word = if rounds.is_empty() { "no other was due yet" } else { "all in time" };
            return Some(Line::new("Updates", Verdict::Good, asks).at(last, format!("{sent}; {word}")));
        }
        let never = missed.iter().all(|round| round.told_at.is_none());
        let verdict = if never { Verdict::Missed } else { Verdict::Late };
        Some(missed.into_iter().fold(Line::new("Updates", verdict, asks).never(sent), |line, round| {
            match round.told_at {
                Some(at) => {
                    line.at(at, format!("an update, {} late", duration(at.duration_since(round.due_at))))
                }
                None => line.at(round.due_at, "one was due, and never came"),
            }
        }))
    }

    /// Whom somebody told how often: `told stakeholders twice, executives once`.
    fn sent(&self) -> String {
        let mut all: Vec<(&str, usize)> = Vec::new();
        for (_, who) in &self.state.told {
            let audience = self.policy.audience_name(self.policy.told_as(who));
            match all.iter_mut().find(|(known, _)| *known == audience) {
                Some((_, count)) => *count += 1,
                None => all.push((audience, 1)),
            }
        }
        let said: Vec<String> =
            all.into_iter().map(|(audience, count)| format!("{audience} {}", times(count))).collect();
        format!("told {}", said.join(", "))
    }

    /// Whether users came before the cause: a way back was tried, or ruled out, before the branch was made.
    fn users_first(&self) -> Line {
        let asks = "First put production back, or record why that does not help. The cause comes after.";
        let tried = self.state.plans.iter().find(|plan| is_way_back(plan));
        let ruled_out = self.state.timeline.iter().find(|entry| {
            let decided = matches!(entry.kind, EntryKind::Note(NoteKind::Decision) | EntryKind::Proposal);
            decided && entry.retracted.is_none() && entry.text.starts_with(NO_ROLLBACK)
        });
        let tried = tried.map(|plan| (plan.started_at, format!("tried: {}", plan.title)));
        let ruled_out = ruled_out.map(|entry| (entry.at, format!("decided: {}", entry.text)));
        let first = tried.into_iter().chain(ruled_out).min_by_key(|(at, _)| *at);
        let branch = self.state.plans.iter().find(|plan| is_start(plan));
        let branch = branch.map(|plan| (plan.started_at, plan.title.clone()));
        let verdict = match (&first, &branch) {
            (Some((first, _)), Some((branch, _))) if first <= branch => Verdict::Good,
            (Some(_), None) => Verdict::Good,
            (Some(_), Some(_)) => Verdict::Late,
            (None, Some(_)) => Verdict::Missed,
            (None, None) => self.undone(),
        };
        let mut moments: Vec<_> = first.clone().into_iter().chain(branch).collect();
        moments.sort_by_key(|(at, _)| *at);
        let line = moments
            .into_iter()
            .fold(Line::new("Users first", verdict, asks), |line, (at, what)| line.at(at, what));
        if first.is_none() { line.never("nobody tried a rollback or ruled one out") } else { line }
    }

    /// Whether the fix is no more than the fault needs.
    fn size(&self, change: &Change) -> Line {
        let asks = "The smallest change that ends the fault, with a test. Nothing else goes along.";
        let Growth { beyond, strays } = &change.growth;
        let verdict = if !strays.is_empty() {
            Verdict::Wrong
        } else if beyond.is_empty() {
            Verdict::Good
        } else {
            Verdict::Partly
        };
        let what = match change.files.as_slice() {
            [] => "nothing but tests and the version".to_owned(),
            files => format!("changed besides tests: {}", files.join(", ")),
        };
        let mut line = Line::new("Size of the fix", verdict, asks);
        let made = self.state.plans.iter().rev().find(|plan| plan.is_finish() && plan.is_done());
        line = match made.and_then(|plan| plan.ended_at) {
            Some(at) => line.at(at, what),
            None => line.never(what),
        };
        for one in beyond {
            line = line.never(one.clone());
        }
        for stray in strays {
            line = line.never(format!("{} does not belong: {}", stray.path, stray.why));
        }
        line
    }

    /// The gates that were passed over on the way to production.
    fn gates(&self) -> Option<Line> {
        production::deploys(self.state).next()?;
        let asks = "Tests, staging, checklist and approvals come before production. A gate is overridden only \
                    with a reason.";
        let over = &self.state.passed_over;
        let verdict = if over.is_empty() { Verdict::Good } else { Verdict::Partly };
        let line = Line::new("Gates", verdict, asks);
        if over.is_empty() {
            return Some(line.never("none was overridden"));
        }
        Some(over.iter().fold(line, |line, gate| {
            line.at(gate.at, format!("{} overridden by {}: {}", gate.gate, gate.by, gate.reason))
        }))
    }

    fn merged_back(&self) -> Option<Line> {
        let finished = self.state.plans.iter().rev().find(|plan| plan.is_finish() && plan.is_done())?;
        let asks = "What went out is merged back, so that the next release has it, too.";
        let owed: Vec<String> = self.state.merges_owed().map(crate::incident::MergeBack::title).collect();
        let verdict = if owed.is_empty() { Verdict::Good } else { self.undone() };
        let line = Line::new("Merged back", verdict, asks);
        if let Some(text) = self.merged_still() {
            let at = finished.ended_at.unwrap_or(finished.started_at);
            return Some(Line::new("Merged back", Verdict::Partly, line.asks).at(at, text));
        }
        if owed.is_empty() {
            return Some(line.at(finished.ended_at.unwrap_or(finished.started_at), "all branches have it"));
        }
        Some(owed.into_iter().fold(line, |line, title| line.never(format!("still to do: {title}"))))
    }

    /// What has to be written down by the end.
    fn written(&self) -> Line {
        let asks = "Impact and cause are written down, and the report is saved.";
        let mut missing = Vec::new();
        for (is_missing, what) in [
            (self.state.impact.trim().is_empty(), "the impact"),
            (self.state.cause.trim().is_empty(), "the cause"),
            (!self.state.has_report(), "the report"),
        ] {
            if is_missing {
                missing.push(what);
            }
        }
        let saved = self.state.reports.last();
        match (missing.as_slice(), saved) {
            ([], Some(at)) => Line::new("Written down", Verdict::Good, asks).at(*at, "the report was saved"),
            (missing, _) => {
                let open = Verdict::Open;
                Line::new("Written down", open, asks).never(format!("missing: {}", missing.join(", ")))
            }
        }
    }

    fn review(&self) -> Option<Line> {
        let all = clocks(self.state, self.policy, self.now);
        let clock = all.into_iter().find(|clock| clock.id == "review")?;
        let verdict = match clock.state {
            ClockState::Met => Verdict::Good,
            ClockState::Late => Verdict::Late,
            ClockState::Overdue => Verdict::Missed,
            ClockState::Running | ClockState::Stopped => Verdict::Open,
        };
        let within = duration(clock.due_at.duration_since(clock.from));
        let asks = format!("Go through it with everybody within {within}, and blame nobody.");
        let line = Line::new("Review", verdict, asks);
        Some(match clock.met_at {
            Some(at) if self.state.reviewed_at().is_some() => line.at(at, "the review was held"),
            Some(at) => line.at(at, "closed"),
            None => line.never("not held yet"),
        })
    }
}
