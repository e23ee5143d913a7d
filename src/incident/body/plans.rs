//! What records say of plans: put up, started, asked, carried out, approved, released.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spec::Spec;

/// How a command came to its end. Never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Outcome {
    /// It exited by itself with this code.
    Exited {
        /// 0 to 255.
        code: i32,
    },
    /// A signal ended it.
    Signalled {
        /// Number of the signal.
        signal: i32,
    },
    /// It was never started.
    DidNotStart {
        /// Why, in one line.
        why: String,
    },
    /// Nobody saw its end.
    Unknown {
        /// What is known, in one line: `lost at reboot`.
        why: String,
    },
    /// A step that is no command did what it should: the answer was as wanted, the gate was
    /// met, the time was held, the conditions held.
    Met,
    /// A step that is no command ended otherwise, for certain: refused, not met, a condition
    /// broken.
    NotMet {
        /// Why, in one line: `409 Conflict`.
        why: String,
    },
    /// What the step started elsewhere ended otherwise than well. It may have changed something.
    Failed {
        /// Why, in one line: `deploy.yml #42 failed in migrate`.
        why: String,
    },
    /// A step that changes nothing (a hold, a watch, a gate) was ended before it was over. It
    /// can be begun again without harm.
    Interrupted {
        /// Why, in one line.
        why: String,
    },
}

impl Outcome {
    /// Tells whether the command exited with code 0, or the step did what it should.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Exited { code: 0 } | Self::Met)
    }

    /// The name in `status --json`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exited { .. } => "exited",
            Self::Signalled { .. } => "signalled",
            Self::DidNotStart { .. } => "did-not-start",
            Self::Unknown { .. } => "unknown",
            Self::Met => "met",
            Self::NotMet { .. } => "not-met",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

/// Identity of a process, such that a reused pid is never taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Name of the machine.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Start time in the unit of the system (clock ticks since boot on Linux).
    pub started: u64,
    /// Identity of the boot.
    pub boot: String,
}

/// A plan was confirmed and handed to a conductor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStarted {
    /// Id of the plan: short, unique in the incident, fit for a file name.
    pub plan: String,
    /// One line: `deploy hotfix/pool-limit to staging`.
    pub title: String,
    /// What the plan is for: the name of a `plan::Purpose`.
    pub purpose: String,
    /// What is leased while it runs: an environment, `repository`, or a check.
    pub target: String,
    /// Hash over all that was approved.
    pub hash: String,
    /// One line a step, as previewed.
    pub steps: Vec<String>,
    /// How it was confirmed: `enter`, `typed production`, `--confirm production`.
    #[serde(default)]
    pub confirmed: String,
    /// The whole plan as JSON, decoded by the `plan` module.
    pub spec: Spec,
}

/// A plan was put up for approval. Approvals name its hash; it is started under another id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanProposed {
    /// Id of the proposal, unique among plans and proposals of the incident.
    pub plan: String,
    /// One line.
    pub title: String,
    /// The name of a `plan::Purpose`.
    pub purpose: String,
    /// What would be leased.
    pub target: String,
    /// Hash over all that is to be approved.
    pub hash: String,
    /// One line a step.
    pub steps: Vec<String>,
    /// The whole plan as JSON, decoded by the `plan` module.
    pub spec: Spec,
    /// Whether nobody had proposed it before it was voted on: whoever voted first need not be the one who
    /// starts it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_vote: bool,
    /// Whether an assistant made it, in the session of whoever the record is by.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_assistant: bool,
}

/// What a person decides about a plan that waits, failed, or is of unknown fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Decision {
    /// Go on: release a hold, look at a gate again, continue where the proofs say it is.
    Resume,
    /// Carry the step out again.
    Retry,
    /// Pass the step over and go on with the next; of a watch that runs, promote before its
    /// time.
    Skip {
        /// Why.
        reason: String,
    },
    /// Undo what was done, back to and including this step, counted from 0.
    Undo {
        /// The step.
        to: usize,
    },
    /// Approve what its pipeline waits for at its host, or reject it.
    Review {
        /// Whether it is approved.
        approve: bool,
        /// What is said with it there.
        comment: String,
        /// What it waited for, as whoever decided read it: nothing else is approved by it. Empty: an older version
        /// wrote it, and nobody can tell.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        waits_for: String,
        /// What its host knew that by.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ids: Vec<String>,
    },
    /// Abandon the plan: what was done stays done.
    GiveUp,
}

impl Decision {
    /// The verb of it: `plan resume`, `plan retry`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Skip { .. } => "skip",
            Self::Undo { .. } => "undo",
            Self::Review { .. } => "review",
            Self::GiveUp => "cancel",
        }
    }
}

/// A plan was taken up again by a new conductor, because of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanResumed {
    /// The plan.
    pub plan: String,
    /// The step the decision is about, counted from 0.
    pub step: usize,
    /// The decision.
    pub decision: Decision,
}

/// Somebody told a running plan what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAsked {
    /// The plan.
    pub plan: String,
    /// The step the decision was made on, counted from 0. Where the plan has moved on
    /// meanwhile, only abandoning and undoing are still heeded.
    pub step: usize,
    /// The run of that step it was made on, if there was one: what was decided on an earlier
    /// run says nothing about a later one.
    #[serde(default)]
    pub run: Option<String>,
    /// The decision.
    pub decision: Decision,
}

/// A step waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepWaiting {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// What it waits for, in one line; empty: it waits no longer.
    pub why: String,
}

/// A run waits for an answer on its terminal, or says nothing for long; or no longer does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWaiting {
    /// The run.
    pub run: String,
    /// What for; `None`: it goes on.
    pub waits: Option<Waits>,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// When it last printed something.
    pub since: Timestamp,
    /// What it asks, as it stands on its terminal; `None`: it prints nothing, and may hang.
    #[serde(default)]
    pub question: Option<String>,
    /// When it is stopped, if nothing happens.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A step was passed over by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSkipped {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// Who decided it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Somebody approved a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Role id in which it was approved: `lead`.
    pub role: String,
    /// Who approved. Where that is not the author of the record, nobody has verified it.
    pub by: String,
    /// It was said, not written by that person.
    #[serde(default)]
    pub verbal: bool,
    /// How it was said: `on the call`; may be empty.
    #[serde(default)]
    pub how: String,
    /// Id of the proposal or plan it was given for, if one was named.
    #[serde(default)]
    pub plan: Option<String>,
    /// Hash of what was approved; empty where there was no plan to approve.
    #[serde(default)]
    pub hash: String,
    /// Title of what was approved, so that the record can be read by itself.
    #[serde(default)]
    pub title: String,
}

/// Somebody rejected a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Role id in which it was rejected.
    pub role: String,
    /// Who rejected.
    pub by: String,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
    /// Id of the proposal or plan, if one was named.
    #[serde(default)]
    pub plan: Option<String>,
    /// Hash of what was rejected; empty: everything.
    #[serde(default)]
    pub hash: String,
    /// Title of what was rejected.
    #[serde(default)]
    pub title: String,
}

/// A gate that was not met was passed over. Recorded before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatePassedOver {
    /// The plan.
    pub plan: String,
    /// Its hash.
    pub hash: String,
    /// Id of the gate: `checklist`.
    pub gate: String,
    /// What was missing, in one line.
    #[serde(default)]
    pub missing: String,
    /// Why it was passed over.
    pub reason: String,
}

/// The lease of a target was taken from a holder that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTaken {
    /// The target.
    pub target: String,
    /// The plan that held it.
    pub plan: String,
    /// Who had started that plan.
    pub holder: String,
    /// What shows that the holder is gone, in one line.
    pub gone: String,
    /// Why it was taken.
    pub reason: String,
}

/// A commit is in an environment now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Name of the environment.
    pub environment: String,
    /// The branch or tag that was asked for.
    pub reference: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// A tag on that commit, if there is one.
    #[serde(default)]
    pub tag: Option<String>,
    /// Its version, where one is known: `1.2.4`.
    #[serde(default)]
    pub version: Option<String>,
    /// The plan that brought it there.
    pub plan: String,
    /// It went back to something older.
    #[serde(default)]
    pub rollback: bool,
    /// Of a rollback: the commit that it took away, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// What watching showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchVerdict {
    /// Every condition held.
    Passed,
    /// A condition broke.
    Failed,
    /// There was not enough data to tell.
    Unknown,
}

impl WatchVerdict {
    /// The word on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What watching a release showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseJudged {
    /// Name of the environment.
    pub environment: String,
    /// The commit that was there, as a full hexadecimal id.
    pub commit: String,
    /// The plan that watched.
    pub plan: String,
    /// What it showed.
    pub verdict: WatchVerdict,
    /// What was seen, in one line.
    #[serde(default)]
    pub why: String,
}

impl ReleaseJudged {
    /// Tells whether a person says that a commit which was taken back there was not at fault.
    pub fn clears(&self) -> bool {
        self.plan.is_empty() && self.verdict == WatchVerdict::Unknown
    }
}

/// A fix went out, and is still to be merged back into another branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeOwed {
    /// The last commit of the fix, as a full hexadecimal id. With `into` it names the merge.
    pub commit: String,
    /// The tag it went out as.
    pub tag: String,
    /// The branch it is still to be merged into: `develop`.
    pub into: String,
    /// Why it was left for later, in one line.
    #[serde(default)]
    pub why: String,
    /// The plan that left it.
    #[serde(default)]
    pub plan: String,
}

/// A fix that was still to be merged back is there. It may be on record before what it pays: two
/// people may have finished apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePaid {
    /// The last commit of the fix, as a full hexadecimal id.
    pub commit: String,
    /// The tag it went out as.
    pub tag: String,
    /// The branch that has it now.
    pub into: String,
    /// How that is known, in one line: `pushed`, `found there`.
    #[serde(default)]
    pub why: String,
    /// The plan that brought it there or found it.
    #[serde(default)]
    pub plan: String,
}

/// A step began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepStarted {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// Id of the run, for a command step: `PLAN.STEP`, names its log.
    pub run: String,
    /// The process, once it was started.
    pub process: Option<Process>,
    /// It is being undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnded {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// Id of the run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The last line of output worth showing; may be empty.
    #[serde(default)]
    pub summary: String,
    /// Processes of it that were still alive then, one `pid name` each: what the command left running,
    /// or what outlived a stop.
    #[serde(default)]
    pub survivors: Vec<String>,
    /// Its success is still to be proven: the world is asked next.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unproven: bool,
    /// The last lines of its output where it did not go well: whoever is at another machine has no log of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<String>,
}

impl StepEnded {
    /// What its survivors are: a command that ended by itself left them running.
    pub fn survivors_are(&self) -> &'static str {
        if matches!(self.outcome, Outcome::Exited { .. }) { "left running" } else { "still alive" }
    }
}

/// Somebody asked for a run to be stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopAsked {
    /// Id of the run.
    pub run: String,
    /// Start the escalation at KILL instead of INT.
    #[serde(default)]
    pub kill: bool,
}

/// The conductor sent a signal to the whole group of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// Id of the run.
    pub run: String,
    /// Name of the signal: `INT`, `TERM`, `KILL`.
    pub signal: String,
}

/// What the world said about a step of unknown fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It is done.
    Done,
    /// It is not done.
    NotDone,
    /// That could not be found out.
    Unknown,
}

/// The world was asked whether a step is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// What was found.
    pub proof: Proof,
    /// What was seen, in one line.
    #[serde(default)]
    pub why: String,
    /// It was asked whether the step is undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undo: bool,
}

/// How a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanEnd {
    /// Every step is done.
    Done,
    /// A step failed or did not start.
    Failed,
    /// It was stopped by somebody.
    Cancelled,
    /// Nobody knows; the conductor is gone.
    Unknown,
}

/// A plan ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEnded {
    /// The plan.
    pub plan: String,
    /// How.
    pub end: PlanEnd,
    /// Why, in one line; empty when done.
    #[serde(default)]
    pub why: String,
}
