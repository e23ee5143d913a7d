//! What is going to change the world: plans, their steps and gates, and what was approved.
//!
//! Pure: no clock, no file, no environment, no network. How far a plan came is folded by
//! `incident`; here is what it will do.

pub mod confirmed;
pub mod deployment;
pub mod forge;
pub mod gates;
mod legacy;
pub mod pipeline;
pub mod programs;
pub mod progress;
pub mod proposal;
mod purpose;
pub mod pushed;
pub mod remedy;
mod request;
pub mod stored;
mod watched;
pub mod words;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::incident::{Body, MergeOwed, MergePaid, Predecessor, duration};
use crate::text::address::without_credentials;

pub use forge::ForgeCall;
pub use pipeline::Pipeline;
pub use purpose::Purpose;
pub use request::{HotfixRequest, IssueText, PullText, ReportText, Request};
pub use watched::Watched;

/// A list of steps, frozen with the commits and the target it was made for. How it is written down is
/// in [`stored`]; that it can be deserialised serves plans from before there was such a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Short, unique in the incident, fit for a file name: `deploy-staging-3`.
    pub id: String,
    /// One line: `deploy hotfix/pool-limit to staging`.
    pub title: String,
    /// What for.
    pub purpose: Purpose,
    /// What is leased while it runs: an environment, `repository`, or a check.
    pub target: String,
    /// What has to be typed before it starts; `None`: Enter is enough.
    pub confirm: Option<String>,
    /// Ref name to the commit it was resolved to when the plan was made.
    pub frozen: BTreeMap<String, String>,
    /// The commit it is about, where it is about one.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// What has to be true before it starts, evaluated by [`gates::evaluate`].
    #[serde(default)]
    pub gates: Vec<gates::Gate>,
    /// What its success brings into an environment.
    #[serde(default)]
    pub release: Option<ReleaseSpec>,
    /// What was live in its environment when it was made, as far as that was known. Nothing of it is carried
    /// out, so it is no part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<Predecessor>,
    /// Where what it deploys is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<deployment::Report>,
    /// Of a rollback: the id of the way back it takes, so that it counts as tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// Secrets its steps need, by name, and where they come from. Never their values.
    #[serde(default)]
    pub secrets: Vec<SecretSource>,
    /// The program files of the repository that its commands name, as they were when it was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<programs::Program>,
    /// Paths that its commands name, that were not there, and that an earlier step may make since git
    /// ignores them. With `*` where a part of the name is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_come: Vec<String>,
    /// The root of the work tree that was searched for all its commands name, where it was: what they
    /// find there later is new. It is no part of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<String>,
    /// What is owed or no longer owed once a step of it is done. Nothing of it is carried out, so it is
    /// no part of the hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<FollowUp>,
    /// What a reader should know before confirming, a line each: which commits a rollback takes
    /// away, what is not known.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What makes it differ from what its reader may take it for, a line each: a program file with
    /// uncommitted changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What it will do, in order.
    pub steps: Vec<Step>,
    /// SHA-256 of the configuration it was made from; empty: there was none. It is compared before the
    /// plan starts, and not kept.
    #[serde(skip)]
    pub made_from: String,
}

/// The commit a plan is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The branch or tag it was asked for by; the commit itself where there was none.
    pub reference: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// Whether the work tree had changes beyond it when the plan was made. What ran in it then
    /// says nothing certain about the commit.
    #[serde(default)]
    pub dirty: bool,
}

/// What the success of a plan brings into an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseSpec {
    /// Name of the environment.
    pub environment: String,
    /// The branch or tag that was asked for.
    pub reference: String,
    /// The commit, as a full hexadecimal id.
    pub commit: String,
    /// A tag on it, if there is one.
    #[serde(default)]
    pub tag: Option<String>,
    /// Its version, where one is known.
    #[serde(default)]
    pub version: Option<String>,
    /// It goes back to something older.
    #[serde(default)]
    pub rollback: bool,
    /// Of a rollback: the commit that it takes away, as a full hexadecimal id, where it is known.
    #[serde(default)]
    pub replaces: Option<String>,
    /// Index of the step after which it is there: the release is recorded once that is done.
    pub after: usize,
}

/// A secret by name, and where its value comes from when a step needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSource {
    /// Its name; also that of the environment variable a command gets it in.
    pub name: String,
    /// Where from.
    pub from: SecretFrom,
}

/// Where the value of a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretFrom {
    /// An environment variable of the conductor.
    Env(String),
    /// A file; its whole content without a line break at the end.
    File(String),
    /// What a command prints, without a line break at the end.
    Command(Command),
}

/// A merge back that a step leaves for later, or makes good. It is on record with the end of that
/// step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Index of the step, from 0. In a plan without steps it holds as the plan is made.
    pub after: usize,
    /// What is recorded.
    pub what: Merge,
}

/// What is recorded of a merge back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Merge {
    /// It is still to be made.
    Owed(MergeOwed),
    /// It is there.
    Paid(MergePaid),
}

impl From<Merge> for Body {
    fn from(merge: Merge) -> Self {
        match merge {
            Merge::Owed(owed) => owed.into(),
            Merge::Paid(paid) => paid.into(),
        }
    }
}

impl Plan {
    /// What a plan of which nothing is left to do says; `None`: there is something to do.
    pub fn nothing_left(&self) -> Option<String> {
        let why = self.notes.join("; ");
        let colon = if why.is_empty() { "" } else { ": " };
        self.steps.is_empty().then(|| format!("nothing is left to do{colon}{why}"))
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// One line, shown in progress lists.
    pub title: String,
    /// What is done.
    pub action: Action,
    /// What has to be true just before it, or the step is not begun.
    #[serde(default)]
    pub guards: Vec<Guard>,
    /// How to find out whether it is done; `None`: nobody can tell.
    pub proof: Option<Probe>,
    /// How long the proof is asked again after the action ended: what it brings about may take a
    /// while. A step that changes something for others is said to be still going after that, and to
    /// have failed once its `timeout` is over, too; a push that lost its connection, after this time.
    #[serde(default)]
    pub proof_within: SignedDuration,
    /// How far the step reaches.
    pub reach: Reach,
    /// After this long the step is stopped.
    pub timeout: SignedDuration,
    /// Whether running it twice does no harm.
    pub retry_is_safe: bool,
    /// How it is undone.
    #[serde(default)]
    pub undo: Undo,
    /// What happens when it fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// How a person settles what made it fail; `None`: there is nothing to settle but the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<Settle>,
}

/// How a person settles what a step stopped at: the conflicts of a merge. What is left is told with
/// the failure; taken up again, the step is concluded once nothing is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    /// Absolute path of the directory in which it is settled.
    pub place: String,
    /// Prints the paths in that directory that are left to be settled, a line each.
    pub left: Command,
    /// Concludes the step once nothing is left, where that was not done by hand.
    pub conclude: Command,
}

/// How a step is undone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "a plan has a handful of steps, and is made once")]
pub enum Undo {
    /// It leaves nothing behind that would have to be undone.
    #[default]
    Nothing,
    /// By doing this.
    By {
        /// What undoes it.
        action: Action,
        /// How to find out whether it is undone.
        proof: Option<Probe>,
    },
    /// It cannot be.
    Irreversible {
        /// Why not, in one line.
        why: String,
    },
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "then", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OnFailure {
    /// The plan ends there, and can be taken up again.
    #[default]
    Stop,
    /// The plan waits, holding its target, until a person decides.
    Ask,
    /// What was done is undone, back to and including this step; then the plan ends.
    UndoTo {
        /// Index of the step, from 0.
        step: usize,
    },
    /// The next step is carried out all the same: the steps are independent.
    GoOn,
}

/// What has to be true just before a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What has to be true, one line: `blue is still live`.
    pub title: String,
    /// Asks the world. Only the answer *done* lets the step begin.
    pub probe: Probe,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Runs a program in a pseudo-terminal of its own.
    Command(Command),
    /// Makes one HTTP call.
    Http(HttpCall),
    /// Has a pull request opened or merged by the place that keeps it.
    Forge(Box<ForgeCall>),
    /// Starts or finds a pipeline at its host, and follows it to its end.
    Pipeline(Box<Pipeline>),
    /// Waits until gates are met.
    Gate {
        /// The gates.
        gates: Vec<gates::Gate>,
    },
    /// Waits for a time, or until a person lets the plan go on. The step's timeout bounds it.
    Hold {
        /// This long; `None`: until released.
        time: Option<SignedDuration>,
    },
    /// Watches health conditions over a time.
    Watch(Watch),
}

/// One HTTP call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCall {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// `http://` or `https://` address. Redirects to another host are not followed.
    pub url: String,
    /// Request headers. In values `{secret:NAME}` stands for the value of a secret.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; empty: none. `{secret:NAME}` as in headers.
    #[serde(default)]
    pub body: String,
    /// Status codes that mean success; empty: 200 to 299.
    #[serde(default)]
    pub expect: Vec<u16>,
}

/// Watching health conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// How long all of them have to hold.
    pub time: SignedDuration,
    /// How long they may still be broken at the beginning, while a deploy takes effect.
    pub settle: SignedDuration,
    /// The probes, whole: what is watched is part of what was approved.
    pub probes: Vec<Watched>,
    /// Absolute path of the directory in which commands of probes run.
    pub cwd: String,
    /// The environment and commit it is a verdict on: a release that was there before.
    /// `None`: on the plan's own release, if it has one.
    #[serde(default)]
    pub judges: Option<(String, String)>,
    /// How long it is watched on from a distance once this has passed, as a plan of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<SignedDuration>,
}

/// A program to run: a list of arguments, never a shell string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Absolute path of the directory it runs in.
    pub cwd: String,
    /// Names of further environment variables it gets besides the basic ones.
    #[serde(default)]
    pub env: Vec<String>,
    /// Variables set by flightdeck itself: `FLIGHTDECK_REF` and the like.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
}

/// Asks the world whether something is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// How it asks.
    pub ask: Ask,
    /// What the answer must be for *done*. Of a command: its first line; with `None`, exit code
    /// 0 means done and 1 means not done. Of a call: the text at its path; with `None`, a wanted
    /// status means done. Anything else is *unknown*.
    pub expect: Option<String>,
    /// The answer means *done* when it is not what is expected.
    #[serde(default)]
    pub negate: bool,
}

/// How the world is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// By a command, without a terminal.
    Command(Command),
    /// By an HTTP call.
    Http {
        /// The call.
        call: HttpCall,
        /// Where in a JSON answer: `enabled`, `environments.production.on`, `0.version`. Empty:
        /// the whole body as text, trimmed.
        path: String,
    },
    /// By reading whether the place that keeps pull requests has done this.
    Forge(Box<ForgeCall>),
}

impl Ask {
    /// One line that names what is asked.
    pub fn line(&self) -> String {
        match self {
            Self::Command(command) => command.line(),
            Self::Http { call, path } if path.is_empty() => call.line(),
            Self::Http { call, path } => format!("{} → {path}", call.line()),
            Self::Forge(call) => call.question(),
        }
    }
}

/// How far a step reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// This machine only.
    Here,
    /// An environment or a remote that others see.
    Others,
}

impl Plan {
    /// Hash over all that is approved, of a plan that was just made: what is run, called, watched and
    /// held for, the content of its program files, how it is proven and undone, what happens on
    /// failure, what its gates demand, working directories, environment and secret names, values set,
    /// commits, target. Titles may be reworded and gates met without changing it. A plan on record is
    /// known by the hash of its stored bytes, [`stored::read`], and never by this.
    pub fn hash(&self) -> String {
        // Its maps have text for keys and it holds no floats: it can be written.
        stored::seal(self).map(|sealed| sealed.hash).unwrap_or_default()
    }

    /// What has to be given where its name is asked for: the word that confirms it, else its target.
    pub fn word(&self) -> &str {
        self.confirm.as_deref().unwrap_or(&self.target)
    }

    /// Names the commits whose content it brings to its target: its own, and those that are known to
    /// hold the same files.
    pub fn brings(&self) -> Vec<&str> {
        let same = self.gates.iter().flat_map(|gate| match gate {
            gates::Gate::Checks { same, .. } | gates::Gate::Staging { same, .. } => same.as_slice(),
            _ => &[],
        });
        let own = self.subject.iter().map(|subject| &subject.commit);
        let released = self.release.iter().map(|release| &release.commit);
        own.chain(released).chain(same).map(String::as_str).filter(|commit| !commit.is_empty()).collect()
    }

    /// Tells whether it changes what somebody at another machine may change at the same time, so that only one of them may.
    pub fn is_for_one(&self) -> bool {
        matches!(self.purpose, Purpose::Deploy | Purpose::Rollback | Purpose::Flag)
    }

    /// Tells whether any step reaches others.
    pub fn reaches_others(&self) -> bool {
        self.steps.iter().any(|step| step.reach == Reach::Others)
    }
}

impl Plan {
    /// A plan without steps, gates or anything else but its name.
    pub fn new(id: &str, title: impl Into<String>, purpose: Purpose, target: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.into(),
            purpose,
            target: target.to_owned(),
            confirm: None,
            frozen: BTreeMap::new(),
            subject: None,
            gates: Vec::new(),
            release: None,
            predecessor: None,
            report: None,
            way: None,
            secrets: Vec::new(),
            programs: Vec::new(),
            to_come: Vec::new(),
            searched: None,
            follow_ups: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            steps: Vec::new(),
            made_from: String::new(),
        }
    }
}

impl Step {
    /// A step that stays on this machine, leaves nothing to undo, and must not be run twice.
    pub fn new(title: impl Into<String>, action: Action, timeout: SignedDuration) -> Self {
        Self {
            title: title.into(),
            action,
            guards: Vec::new(),
            proof: None,
            proof_within: SignedDuration::ZERO,
            reach: Reach::Here,
            timeout,
            retry_is_safe: false,
            undo: Undo::Nothing,
            on_failure: OnFailure::Stop,
            settle: None,
        }
    }
}

impl Probe {
    /// Asks by a command.
    pub fn command(command: Command, expect: Option<String>) -> Self {
        Self { ask: Ask::Command(command), expect, negate: false }
    }

    /// Asks the place that keeps pull requests whether it has done something.
    pub fn forge(call: &ForgeCall) -> Self {
        Self { ask: Ask::Forge(Box::new(call.clone())), expect: None, negate: false }
    }
}

impl Action {
    /// The exact thing it does in one line: a command line, a call, a wait.
    pub fn line(&self) -> String {
        match self {
            Self::Command(command) => command.line(),
            Self::Http(call) => call.line(),
            Self::Forge(call) => call.line(),
            Self::Pipeline(pipeline) => pipeline.line(),
            Self::Gate { gates } => {
                let names: Vec<_> = gates.iter().map(gates::Gate::title).collect();
                format!("wait for {}", names.join(", "))
            }
            Self::Hold { time: Some(time) } => format!("hold for {}", duration(*time)),
            Self::Hold { time: None } => "hold until somebody releases it".to_owned(),
            Self::Watch(watch) => {
                let names: Vec<_> = watch.probes.iter().map(|probe| probe.name.as_str()).collect();
                let then = watch.then.map(|time| format!(", then an extended watch for {}", duration(time)));
                let (names, time) = (names.join(", "), duration(watch.time));
                format!("watch {names} for {time}{}", then.unwrap_or_default())
            }
        }
    }

    /// Tells whether it changes anything in the world: what does not can be begun again freely.
    pub fn changes_something(&self) -> bool {
        matches!(self, Self::Command(_) | Self::Http(_) | Self::Forge(_) | Self::Pipeline(_))
    }
}

impl HttpCall {
    /// Method, address and what is sent in one line, without what is a credential.
    pub fn line(&self) -> String {
        let words: Vec<&str> = self.body.split_whitespace().collect();
        let line = format!("{} {} {}", self.method, self.url, words.join(" "));
        without_credentials(line.trim_end()).into_owned()
    }
}

impl Command {
    /// The command line as a person would type it, quoted where a shell would need it, without what is
    /// a credential.
    pub fn line(&self) -> String {
        without_credentials(&shell_words::join(&self.argv)).into_owned()
    }
}
