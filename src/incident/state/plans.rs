//! Plans, approvals and releases, as the fold makes them.

use jiff::Timestamp;

use super::super::body::{Outcome, PlanEnd, Proof, Spec, Waits, WatchVerdict};
use super::super::record::RecordId;
use super::remote::ToldHost;
use super::run::Run;
pub use crate::text::name::is_same as same_person;

/// A plan that was put up for approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Id.
    pub id: String,
    /// One line.
    pub title: String,
    /// The name of a `plan::Purpose`.
    pub purpose: String,
    /// What would be leased.
    pub target: String,
    /// Hash of what is to be approved.
    pub hash: String,
    /// Who put it up.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// One line a step.
    pub steps: Vec<String>,
    /// The whole plan as JSON.
    pub spec: Spec,
    /// Whether it came about by a vote on what nobody had proposed.
    pub by_vote: bool,
    /// Whether an assistant made it, in the name of who put it up.
    pub by_assistant: bool,
}

impl Proposal {
    /// The commit it is about, in full; empty where it is about none.
    pub fn commit(&self) -> &str {
        let commit = self.spec.get("subject").and_then(|subject| subject.get("commit"));
        commit.and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// An approval or a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The record.
    pub record: RecordId,
    /// Approved, or rejected.
    pub approves: bool,
    /// Role id.
    pub role: String,
    /// Who decided.
    pub by: String,
    /// Who wrote it down.
    pub written_by: String,
    /// It was said, not written by that person.
    pub verbal: bool,
    /// How it was said, or why it was rejected; may be empty.
    pub how: String,
    /// Id of the proposal or plan, if one was named.
    pub plan: Option<String>,
    /// Hash of what it is about; empty where there was no plan.
    pub hash: String,
    /// Title of what it is about; may be empty.
    pub title: String,
    /// When.
    pub at: Timestamp,
    /// The latest time on record by then, whoever's clock gave it.
    pub latest: Timestamp,
    /// The installation that it was written at.
    pub node: u64,
    /// Whether it was written at an installation of that person, and came from there: see [`Vouched`](super::Vouched).
    pub signed: bool,
}

impl Vote {
    /// Tells whether the person it is from wrote it, on their own machine: anything else nobody has verified.
    pub fn is_verified(&self) -> bool {
        !self.verbal && self.signed && same_person(&self.by, &self.written_by)
    }
}

/// A gate that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The plan.
    pub plan: String,
    /// Its hash.
    pub hash: String,
    /// Id of the gate.
    pub gate: String,
    /// What was missing.
    pub missing: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Something that was brought into an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Name of the environment.
    pub environment: String,
    /// The branch or tag that was asked for.
    pub reference: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// A tag on it, if there is one.
    pub tag: Option<String>,
    /// Its version, where one is known.
    pub version: Option<String>,
    /// The plan that brought it there; empty where that was not one of ours.
    pub plan: String,
    /// It went back to something older.
    pub rollback: bool,
    /// Of a rollback: the commit that it took away, where it is known.
    pub replaces: Option<String>,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What watching it last showed: when, what, and why. `None`: nobody has watched.
    pub verdict: Option<(Timestamp, WatchVerdict, String)>,
    /// Whether that is only what a person said.
    pub vouched: bool,
}

impl Release {
    /// What people call it: its tag, else the reference with the commit. A version that nobody tagged may be that
    /// of another commit: it counts only where there is no reference.
    pub fn name(&self) -> String {
        let short = self.commit.get(..7).unwrap_or(&self.commit);
        let is_commit = self.reference.is_empty() || self.commit.starts_with(&self.reference);
        match (&self.tag, &self.version) {
            (Some(tag), _) => tag.clone(),
            (None, _) if !is_commit => format!("{} ({short})", self.reference),
            (None, Some(version)) => version.clone(),
            (None, None) => short.to_owned(),
        }
    }

    /// Tells whether its watch passed: the only thing that makes a release a good one.
    pub fn is_good(&self) -> bool {
        matches!(self.verdict, Some((_, WatchVerdict::Passed, _)))
    }
}

/// A watch that failed before what it looked at was brought to everybody: a canary taken back. Or a person's
/// word that what was taken back was not at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Name of the environment.
    pub environment: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// The plan that watched.
    pub plan: String,
    /// When it failed.
    pub at: Timestamp,
    /// What was seen, in one line.
    pub why: String,
    /// Whether it was not at fault.
    pub cleared: bool,
}

/// Why what is in a commit must not be brought into an environment once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condemned {
    /// The release it was there as: what people call it.
    pub name: String,
    /// Its commit, as a full hexadecimal id.
    pub commit: String,
    /// When that was found out.
    pub at: Timestamp,
    /// `failed its watch at 14:20: error rate 40 %`, `was rolled back at 14:25`.
    pub why: String,
    /// Whether its watch failed; otherwise somebody took it back, for whatever reason.
    pub watched: bool,
}

/// Why a release is condemned whose deploy was undone.
pub const UNDONE: &str = "it was undone";

/// Finds out whether what is in these commits was in an environment before and no good there. All are
/// in the order of time; what was found out before `since` is told with its day.
pub(in crate::incident) fn judge(
    releases: &[Release],
    trials: &[Trial],
    environment: &str,
    since: Timestamp,
    is_it: impl Fn(&str) -> bool,
) -> Option<Condemned> {
    condemned(releases, trials, environment, since, &is_it)
        .or_else(|| tried(trials, releases, environment, since, &is_it))
}

/// Finds out whether it was brought to everybody and no good: its
/// watch failed, or it was taken back. The last time counts: a watch that passed since clears it, and of what was
/// only taken back a person's word.
fn condemned(
    releases: &[Release],
    trials: &[Trial],
    environment: &str,
    since: Timestamp,
    is_it: impl Fn(&str) -> bool,
) -> Option<Condemned> {
    let here: Vec<&Release> = releases.iter().filter(|release| release.environment == environment).collect();
    let clock = |at: Timestamp| clock(at, since);
    let cleared = |from: Timestamp| {
        let here = trials.iter().filter(|trial| trial.cleared && trial.environment == environment);
        here.filter(|trial| trial.at >= from).any(|trial| is_it(&trial.commit))
    };
    let last = here.iter().rposition(|release| is_it(&release.commit));
    let judged = last.and_then(|last| here.get(last));
    if let Some(release) = judged
        && let Some((at, WatchVerdict::Failed, why)) = &release.verdict
    {
        let watched = why != UNDONE;
        let colon = if why.is_empty() { "" } else { ": " };
        let why = if watched {
            format!("failed its watch at {}{colon}{why}", clock(*at))
        } else {
            format!("was undone at {}", clock(*at))
        };
        if watched || !cleared(*at) {
            let (name, commit) = (release.name(), release.commit.clone());
            return Some(Condemned { name, commit, at: *at, why, watched });
        }
    }
    // The one right after it tells what became of it; one that was there before the incident is known
    // by nothing else.
    let after = last.map_or(0, |last| last + 1);
    let follows = here.iter().skip(after).enumerate().find(|(place, release)| {
        let next = judged.is_some() && *place == 0;
        release.rollback && !is_it(&release.commit) && release.replaces.as_deref().map_or(next, &is_it)
    });
    let (_, back) = follows?;
    if cleared(back.at) {
        return None;
    }
    let commit = judged.map(|release| &release.commit).or(back.replaces.as_ref());
    let commit = commit.cloned().unwrap_or_default();
    let name = judged.map_or_else(
        || back.replaces.as_deref().map_or_else(String::new, |commit| commit.chars().take(7).collect()),
        |release| release.name(),
    );
    let why = format!("was rolled back at {}", clock(back.at));
    Some(Condemned { name, commit, at: back.at, why, watched: false })
}

/// A time in words; with its day where it lies before the incident.
fn clock(at: Timestamp, since: Timestamp) -> String {
    at.strftime(if at < since { "%Y-%m-%d %H:%M UTC" } else { "%H:%M UTC" }).to_string()
}

/// The same of what was tried on a share of users only. A watch that passed since clears it as well, and so does a
/// person's word: what fails for a few may have failed for all before.
fn tried(
    trials: &[Trial],
    releases: &[Release],
    environment: &str,
    since: Timestamp,
    is_it: impl Fn(&str) -> bool,
) -> Option<Condemned> {
    let here = |trial: &&Trial| trial.environment == environment && !trial.cleared;
    let trial = trials.iter().rev().filter(here).find(|trial| is_it(&trial.commit))?;
    let said = |later: &Trial| later.cleared && later.environment == environment && later.at >= trial.at;
    if trials.iter().any(|later| said(later) && is_it(&later.commit)) {
        return None;
    }
    let cleared = releases.iter().any(|release| {
        let passed = matches!(release.verdict, Some((at, WatchVerdict::Passed, _)) if at > trial.at);
        passed && release.environment == environment && is_it(&release.commit)
    });
    let colon = if trial.why.is_empty() { "" } else { ": " };
    let why = format!("failed its canary at {}{colon}{}", clock(trial.at, since), trial.why);
    let name = trial.commit.chars().take(7).collect();
    let commit = trial.commit.clone();
    (!cleared).then_some(Condemned { name, commit, at: trial.at, why, watched: false })
}

/// A fix on its way back into another branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeBack {
    /// The last commit of the fix, as a full hexadecimal id.
    pub commit: String,
    /// The tag it went out as.
    pub tag: String,
    /// The branch it goes into.
    pub into: String,
    /// Why it was left for later; may be empty.
    pub why: String,
    /// Since when it is owed, and who left it; `None`: that it is there is known, and no more.
    pub owed: Option<(Timestamp, String)>,
    /// Since when it is known to be there, and by whom.
    pub paid: Option<(Timestamp, String)>,
}

impl MergeBack {
    /// Tells whether it is still to be made.
    pub fn is_open(&self) -> bool {
        self.owed.is_some() && self.paid.is_none()
    }

    /// What is to be done, in one line: `merge v1.2.4 back into develop`.
    pub fn title(&self) -> String {
        format!("merge {} back into {}", self.tag, self.into)
    }
}

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanState {
    /// Being carried out, as far as the record says.
    Running,
    /// Being carried out, and a step of it waits for a person.
    Waiting,
    /// Ended so.
    Ended(PlanEnd),
}

impl PlanState {
    /// Tells whether a conductor is at it, as far as the record says.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }

    /// The name in `status --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Ended(PlanEnd::Done) => "done",
            Self::Ended(PlanEnd::Failed) => "failed",
            Self::Ended(PlanEnd::Cancelled) => "cancelled",
            Self::Ended(PlanEnd::Unknown) => "unknown",
        }
    }
}

/// A plan that was started, and how far it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRun {
    /// Id.
    pub id: String,
    /// One line.
    pub title: String,
    /// What for: the name of a `plan::Purpose`.
    pub purpose: String,
    /// What is leased.
    pub target: String,
    /// Hash of what was approved.
    pub hash: String,
    /// Who started it.
    pub by: String,
    /// At which installation: there it is carried out.
    pub node: u64,
    /// When.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Where it stands.
    pub state: PlanState,
    /// Why it ended so; empty when done.
    pub why: String,
    /// Its steps.
    pub steps: Vec<StepRun>,
    /// What its code host was told of it.
    pub told_host: ToldHost,
    /// The whole plan as JSON.
    pub spec: Spec,
}

impl PlanRun {
    /// The machine that carries it out, in words, as seen from an installation; `None`: it is that one.
    pub fn elsewhere(&self, here: u64) -> Option<String> {
        if self.node == here {
            return None;
        }
        let runs = self.steps.iter().rev().flat_map(|step| step.undo.iter().chain(&step.run));
        let host = runs.filter_map(|run| run.process.as_ref()).map(|process| &process.host).next();
        let on = host.map_or_else(String::new, |host| format!(" ({host})"));
        Some(format!("{}'s machine{on}", self.by))
    }

    /// Tells whether something that it did was undone.
    pub fn was_undone(&self) -> bool {
        self.steps.iter().any(|step| step.fate() == StepState::Undone)
    }

    /// The commit it is about, in full, and whether the work tree had changes beyond it.
    pub fn subject(&self) -> Option<(&str, bool)> {
        let subject = self.spec.get("subject")?;
        let dirty = subject.get("dirty").and_then(serde_json::Value::as_bool).unwrap_or_default();
        Some((subject.get("commit")?.as_str()?, dirty))
    }

    /// Tells whether it was made for a commit, given short or in full: it is about that one, or froze it.
    /// A plan that names no commit says nothing about any, and counts.
    pub fn is_for(&self, commit: &str) -> bool {
        let about = self.subject().map(|(about, _)| about).filter(|about| !about.is_empty());
        let frozen = self.spec.get("frozen").and_then(serde_json::Value::as_object);
        let frozen =
            frozen.into_iter().flat_map(serde_json::Map::values).filter_map(serde_json::Value::as_str);
        let mut named = about.into_iter().chain(frozen).peekable();
        named.peek().is_none()
            || named.any(|full| full == commit || (commit.len() >= 7 && full.starts_with(commit)))
    }

    /// The program that a step of it runs, where it runs one.
    pub fn program(&self, step: usize) -> Option<&str> {
        self.spec.get("steps")?.get(step)?.get("action")?.get("argv")?.get(0)?.as_str()
    }

    /// The runs of it whose commands wait for something, with the step of each.
    pub fn waiting_runs(&self) -> impl Iterator<Item = (usize, &Run, &Waits)> {
        let under_way = self.state.is_under_way();
        let runs = self.steps.iter().enumerate().filter(move |_| under_way);
        let runs =
            runs.flat_map(|(index, step)| step.run.iter().chain(&step.undo).map(move |run| (index, run)));
        runs.filter(|(_, run)| run.outcome.is_none())
            .filter_map(|(index, run)| Some((index, run, run.waits.as_ref()?)))
    }

    /// Tells whether its target is production: one whose name had to be typed, or that is
    /// called so.
    pub fn is_production(&self) -> bool {
        self.spec.get("confirm").is_some_and(serde_json::Value::is_string)
            || ["production", "prod", "live"].contains(&self.target.as_str())
    }

    /// Tells whether it finishes a hotfix: brings it to where production is deployed from.
    pub fn is_finish(&self) -> bool {
        self.purpose == "hotfix" && self.id.rsplit_once('-').is_some_and(|(what, _)| what == "finish")
    }

    /// Tells whether every step of it was done.
    pub fn is_done(&self) -> bool {
        self.state == PlanState::Ended(PlanEnd::Done)
    }
}

/// A step and how far it came.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRun {
    /// As previewed.
    pub title: String,
    /// Its last run, once it began.
    pub run: Option<Run>,
    /// Earlier runs of it, oldest first.
    pub earlier: Vec<Run>,
    /// What the world last said of it, since its last run began.
    pub proof: Option<(Timestamp, Proof, String)>,
    /// Passed over: when, by whom, why.
    pub skipped: Option<(Timestamp, String, String)>,
    /// What it waits for, and since when.
    pub waiting: Option<(Timestamp, String)>,
    /// The last run that undid it, once that began.
    pub undo: Option<Run>,
    /// What the world last said of its being undone, since that run began.
    pub undo_proof: Option<(Timestamp, Proof, String)>,
    /// The commit that a push of the plan brought about, as a full id, once it is known.
    pub learned: Option<String>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Not begun.
    Open,
    /// Begun, its end not recorded yet.
    Running,
    /// Waits for a person.
    Waiting,
    /// Done.
    Done,
    /// Known not to be done.
    Failed,
    /// Nobody knows.
    Unknown,
    /// Passed over by a person.
    Skipped,
    /// Done and then undone.
    Undone,
}

impl StepState {
    /// The word in `status --json` and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Undone => "undone",
        }
    }
}

impl StepRun {
    /// Where it stands. What the world said outweighs how a command ended, except that a
    /// command which says that it failed has failed.
    pub fn state(&self) -> StepState {
        if self.waiting.is_some() { StepState::Waiting } else { self.fate() }
    }

    /// Where it stands, whether it waits for somebody or not.
    pub fn fate(&self) -> StepState {
        if let Some(state) = self.undoing() {
            return state;
        }
        if self.skipped.is_some() {
            return StepState::Skipped;
        }
        let Some(run) = &self.run else { return StepState::Open };
        let proof = self.proof.as_ref().map(|(_, proof, _)| *proof);
        match &run.outcome {
            None => StepState::Running,
            Some(outcome) if outcome.succeeded() && run.unproven && proof.is_none() => StepState::Running,
            Some(outcome) => outcome.fate(proof),
        }
    }

    /// What its undoing made of it; `None`: it is as it was before.
    fn undoing(&self) -> Option<StepState> {
        let undo = self.undo.as_ref()?;
        let Some(outcome) = &undo.outcome else { return Some(StepState::Running) };
        let proof = self.undo_proof.as_ref().map(|(_, proof, _)| *proof);
        if outcome.succeeded() && undo.unproven && proof.is_none() {
            return Some(StepState::Running);
        }
        // The world was asked again whether it is done, after somebody tried to undo it.
        let asked_since = self.proof.as_ref().is_some_and(|(at, _, _)| Some(*at) > undo.ended_at);
        match (outcome, proof) {
            (Outcome::DidNotStart { .. } | Outcome::Interrupted { .. } | Outcome::NotMet { .. }, None) => {
                None
            }
            (_, Some(Proof::NotDone)) => None,
            (_, Some(Proof::Done)) => Some(StepState::Undone),
            (outcome, None) if outcome.succeeded() => Some(StepState::Undone),
            _ if asked_since => None,
            _ => Some(StepState::Unknown),
        }
    }

    /// Tells whether nothing is left to do for it.
    pub fn is_settled(&self) -> bool {
        matches!(self.state(), StepState::Done | StepState::Skipped)
    }
}

impl Outcome {
    /// Where a step stands whose last run ended so, given what the world said of it since.
    pub fn fate(&self, proof: Option<Proof>) -> StepState {
        match (self, proof) {
            (Self::Interrupted { .. }, _) => StepState::Open,
            (outcome, Some(Proof::NotDone)) if outcome.succeeded() => StepState::Failed,
            (outcome, Some(Proof::Unknown)) if outcome.succeeded() => StepState::Unknown,
            (outcome, _) if outcome.succeeded() => StepState::Done,
            (Self::Unknown { .. } | Self::Signalled { .. }, Some(Proof::Done)) => StepState::Done,
            (Self::Unknown { .. }, Some(Proof::NotDone)) => StepState::Failed,
            // What was cut short may be done all the same, and nobody could be asked.
            (Self::Signalled { .. }, Some(Proof::Unknown)) | (Self::Unknown { .. }, _) => StepState::Unknown,
            _ => StepState::Failed,
        }
    }
}
