//! What goes into the core and what comes out: messages and effects, closed lists both.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::commands::Invoke;
use super::confirm::Cancel;
use super::history::{Read, Want};
use super::key::Key;
use super::model::{ConfigState, IncidentLine, Pane};
use super::shared::Shared;
use super::survey::Outside;
use super::suspects;
use super::typed::Typed;
use super::ways::Looked;
use crate::comms::draft::Own;
use crate::comms::pager::OnCall;
use crate::deploy::flags::FlagState;
use crate::deploy::pipeline::Job;
use crate::drill::grade::Change;
use crate::drill::scenario::Lesson;
use crate::failure::Failure;
use crate::health::compare::{Answer, Question};
use crate::health::series;
use crate::hotfix::outlook::{self, Outlook};
use crate::hotfix::pull;
use crate::hotfix::state::{BranchState, NoRepository};
use crate::hotfix::suspects::ChangeText;
use crate::incident::{
    Declared, Draft, HotfixLimit, IncidentId, Log, Messaged, Policy, Record, RecordId, Released, Vouched,
};
use crate::plan::gates::Standing;
use crate::plan::progress::Choice;
use crate::plan::{Plan, Request, Settle};
use crate::report::past::Chronicle;
use crate::report::runbook::{Page, Shelf};
use crate::text::veil::Veil;

/// Identity of an effect in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EffectId(pub u64);

/// Everything that can reach the core.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyPress),
    /// Something happened with the mouse.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this size now: columns and rows.
    Resize(u16, u16),
    /// Time has passed as far as something on the screen shows it.
    Tick(Timestamp),
    /// A frame has been written, with so many lines in each pane's body.
    Shown {
        /// Milliseconds on the clock of [`KeyPress::at_ms`].
        at_ms: u64,
        /// Heights, in the order of [`Pane::ALL`].
        heights: [u16; 5],
        /// Lines the top overlay has room for.
        overlay: u16,
        /// Its first line shown, where it asked for lines past its end.
        overlay_top: usize,
        /// Columns of the chart; 0 where none was drawn.
        chart: u16,
    },
    /// Something became known that nobody asked for.
    Fact(Fact),
    /// An effect has ended. Exactly one of these comes for each effect.
    Done(EffectId, Result<Done, Failure>),
}

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPress {
    /// The key.
    pub key: Key,
    /// When it was read: milliseconds on a monotonic clock.
    pub at_ms: u64,
    /// When it has its turn, on the same clock.
    pub taken_ms: u64,
    /// Whether the terminal says that it repeats because it is held down.
    pub repeat: bool,
    /// What the keys cancel that were read together with it, itself included.
    pub beside: Cancel,
    /// Whether other text was read together with it, as when a terminal that does not mark what is
    /// pasted hands it over as keys.
    pub amid: bool,
}

impl KeyPress {
    /// A key that was pressed alone and has its turn at once.
    pub const fn new(key: Key, at_ms: u64) -> Self {
        Self { key, at_ms, taken_ms: at_ms, repeat: false, beside: Cancel::Nothing, amid: false }
    }
}

/// Something happened with the mouse, already brought home to a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// The pane under the pointer.
    pub pane: Option<Pane>,
    /// Line of the pane's body under the pointer, from its top.
    pub row: Option<u16>,
}

/// What happened with the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The wheel went up one notch.
    ScrollUp,
    /// The wheel went down one notch.
    ScrollDown,
}

/// Something that became known by itself.
#[derive(Debug)]
pub enum Fact {
    /// Records of the open incident, from here or elsewhere.
    Records(Vec<Record>),
    /// Records that were shown are in the journal no more; and the incident as it is there now.
    Lost(Failure, Box<Log>),
    /// An incident was loaded at the start.
    Opened(Box<Log>),
    /// The installation that this is.
    Here(u64),
    /// How it stands with others at the target of a plan, as the remote says.
    Others {
        /// Id of the plan.
        plan: String,
        /// What is in its way; `None`: nothing.
        said: Option<Standing>,
    },
    /// What the journal knows of where records of the open incident came from.
    Vouched(Vouched),
    /// The list of incidents changed.
    Incidents(Vec<IncidentLine>),
    /// The repository was read.
    Branch(Box<Result<BranchState, NoRepository>>),
    /// What is ahead of the branch, as far as it is known.
    Outlook(Box<Outlook>),
    /// Deploys that no plan here made.
    Outside(Vec<Outside>),
    /// How far sharing with other machines is.
    Shared(Box<Shared>),
    /// What presenter mode masks.
    Veil(Arc<Veil>),
    /// What is known of its pull request.
    Pull(Box<pull::Looked>),
    /// Probes as they stand.
    Health {
        /// All probes in order of the configuration.
        probes: Vec<Arc<series::Status>>,
    },
    /// What there is to go back to in an environment.
    Ways {
        /// Name of the environment.
        environment: String,
        /// What was found.
        looked: Looked,
    },
    /// What changed since it last worked.
    Suspects(Box<suspects::Looked>),
    /// Runbooks were looked for.
    Runbooks(Box<Shelf>),
    /// The configuration was read.
    Config(Box<ConfigState>),
    /// Output of the run that is followed. Bounded: what nobody could read is left out here,
    /// and is in the log.
    Output {
        /// The effect that follows it: output of an earlier one is stale.
        follow: EffectId,
        /// Id of the run.
        run: String,
        /// Raw terminal output.
        bytes: Vec<u8>,
    },
    /// The jobs of the pipeline that the run follows, whenever they change.
    Jobs {
        /// The effect that follows it.
        follow: EffectId,
        /// Id of the run.
        run: String,
        /// All of them.
        jobs: Vec<Job>,
    },
    /// Something failed outside any effect.
    Failed(Failure),
    /// Whether what is done can be saved.
    Journal(JournalState),
}

/// Whether what is done can be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalState {
    /// It can.
    Writable,
    /// The journal can only be read, and why.
    ReadOnly(String),
    /// The files that are open are not those at the path any more.
    Gone(Failure),
}

/// Something to be done in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Commit drafts to the journal.
    Append(Vec<Draft>),
    /// Commit alarms, leaving out those another cockpit recorded meanwhile.
    AppendAlarms(Vec<Draft>),
    /// Open an incident in the journal.
    Declare {
        /// When the fault began, if not now.
        started_at: Option<Timestamp>,
        /// The rest.
        declared: Box<Declared>,
    },
    /// Ring the bell and notify whoever looks elsewhere.
    Alert(String),
    /// Load an incident and follow it.
    OpenIncident(IncidentId),
    /// Take in an incident that is open at the remote, and follow it.
    Join(IncidentId),
    /// Stop following the incident and list all.
    ListIncidents,
    /// Read the repository now.
    RefreshBranch,
    /// Find out what there is to go back to in an environment.
    LookBack {
        /// Its name.
        environment: String,
    },
    /// Find the commit of what somebody says is live in an environment.
    FindLive {
        /// Its name.
        environment: String,
        /// A tag, branch or commit.
        reference: String,
    },
    /// Find out what is ahead of the branch; it is told in parts.
    Survey(outlook::Question),
    /// Find out what changed since it last worked.
    LookForSuspects,
    /// Compare probes with earlier times.
    Compare(Vec<Question>),
    /// Read a change as text.
    ReadChange {
        /// The commit, as a full id.
        commit: String,
    },
    /// Read what a check of the pull request printed.
    ReadCheck(Box<pull::Check>),
    /// Make a plan.
    Prepare(Request),
    /// Carry a plan out.
    Start {
        /// The plan.
        plan: Box<Plan>,
        /// How it was confirmed, in words.
        confirmed: String,
        /// Gates to be passed over: id and reason of each.
        pass_over: Vec<(String, String)>,
        /// The policy that judges the gates.
        policy: Box<Policy>,
    },
    /// Carry a decision about a plan to whoever has to act on it.
    Decide {
        /// Id of the plan.
        plan: String,
        /// The choice as it was shown, with its reason.
        choice: Box<Choice>,
        /// Gates to be passed over: id and reason of each.
        pass_over: Vec<(String, String)>,
    },
    /// Ask the remote who else is at work at the target of a plan.
    AskOthers(Box<Plan>),
    /// Take a target from a plan whose process is gone.
    TakeOver {
        /// The target.
        target: String,
        /// Why.
        reason: String,
    },
    /// Ask the world about the steps of unknown fate of a plan.
    Prove {
        /// Id of the plan.
        plan: String,
    },
    /// Follow the output of a run (from its last part), or of none.
    Follow {
        /// Id of the run.
        run: Option<String>,
        /// How many bytes of what is there already to show.
        tail: u64,
    },
    /// Read the log of a run.
    ReadLog {
        /// Id of the run.
        run: String,
        /// What of it.
        want: Want,
    },
    /// Send keys to the terminal of a run. What is sent first arrives first.
    SendInput {
        /// Id of the run.
        run: String,
        /// What was typed.
        typed: Typed,
    },
    /// Ask every probe now.
    ProbeNow,
    /// Ask for the state of every flag.
    ReadFlags,
    /// Work out what the incidents of the repository came to, by this policy.
    LookBackAt(Box<Policy>),
    /// Read back what became of the issues of the follow-ups of these incidents.
    SyncFollowUps(Vec<IncidentId>),
    /// Look for the runbooks of the repository.
    ListRunbooks,
    /// Read the team's own templates of messages.
    ReadTemplates,
    /// Send a message, and say on record what became of it.
    SendMessage {
        /// The message.
        message: Box<Messaged>,
        /// When its draft was written.
        read_at: Timestamp,
    },
    /// Send again what did not go out of a message.
    ResendMessage(RecordId),
    /// Send what waits, and was read a moment ago.
    FlushMessages,
    /// Asks what became of the pages that nobody has acknowledged yet.
    FollowPages,
    /// Reads the messages of chats that somebody marked for the timeline.
    ReadPins,
    /// Asks who is on call.
    ReadOnCall,
    /// Read one of them.
    ReadRunbook {
        /// Its path.
        path: String,
    },
    /// Trust the configuration with this content.
    Trust {
        /// SHA-256 of the bytes shown.
        hash: String,
    },
    /// Work out a commented `flightdeck.toml` for the repository.
    DraftConfig,
    /// Write it as it was shown, and trust that content.
    Init {
        /// All of it.
        content: String,
    },
    /// In a drill: apply the prepared fix.
    DrillFix,
    /// In a drill: find out what it is about, and what its fix changes.
    Grade {
        /// The commits between which the fix lies; the second one is missing where none was deployed.
        fix: Option<(String, Option<String>)>,
        /// What is more than a minimal fix.
        limit: HotfixLimit,
    },
    /// Save the report of an incident beside the journal.
    Save {
        /// The incident.
        incident: IncidentId,
        /// File name.
        name: String,
        /// Content.
        content: String,
    },
    /// Write the records of the open incident to a file there, byte for byte.
    Export,
    /// Copy a text to the terminal's clipboard.
    Copy(String),
    /// Look at what is left of what a step stopped at.
    LookLeft {
        /// How it is settled.
        settle: Box<Settle>,
    },
    /// Give the terminal to the user's editor until it ends.
    Edit {
        /// The directory it runs in.
        cwd: String,
        /// The files, as paths in that directory.
        files: Vec<String>,
    },
    /// Give the terminal to the user's editor with a text, and take that back from it.
    EditText(String),
    /// Stop the program until it is brought to the foreground again.
    Suspend,
    /// Leave.
    Quit,
}

/// What a drill is about, and what its fix changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lessons {
    /// What it is about besides the procedure.
    pub lessons: Vec<Lesson>,
    /// What its fix changes, if there is one.
    pub change: Option<Change>,
}

/// How an effect ended well.
#[derive(Debug)]
pub enum Done {
    /// Nothing to tell: what it changed comes as a fact.
    Quietly,
    /// Done, with a word for the person who asked.
    Said(String),
    /// The issues of follow-ups were read back: how many, how many of them are closed, and how many are gone.
    IssuesRead {
        /// How many could be read.
        read: usize,
        /// Those that are closed: their follow-ups are done.
        closed: usize,
        /// Those that were deleted, or cannot be seen.
        gone: usize,
    },
    /// The report of an incident was saved to a file.
    Saved {
        /// The incident.
        incident: IncidentId,
        /// Where it is now.
        path: PathBuf,
    },
    /// What is left to be settled: paths, or why that cannot be told.
    Left(Result<Vec<String>, String>),
    /// What a drill is about, and what its fix changes.
    Lessons(Box<Lessons>),
    /// Records were committed.
    Appended(Vec<Record>),
    /// An incident was loaded.
    Opened(Box<Log>),
    /// A plan was made.
    Prepared(Box<Plan>),
    /// There is no plan, but words for a person to open a pull request with.
    ByHand(Box<pull::ByHand>),
    /// A `flightdeck.toml` was worked out: where it would be written, and all of it.
    Draft(PathBuf, String),
    /// A text came back from the user's editor.
    Text(String),
    /// The team's own templates of messages.
    Templates(Vec<Own>),
    /// Who is on call by each channel that tells, or why that is not known.
    OnCall(Vec<(String, Result<Vec<OnCall>, String>)>),
    /// The commit of what is live was found.
    Live(Box<Released>),
    /// Flags were asked for, in the order of the configuration.
    Flags(Vec<FlagState>),
    /// What the incidents of the repository came to.
    Past(Box<Chronicle>),
    /// Runbooks were looked for.
    Runbooks(Box<Shelf>),
    /// One was read.
    Runbook(Box<Page>),
    /// A plan was started; these records say so.
    Started {
        /// Id of the plan.
        plan: String,
        /// The records.
        records: Vec<Record>,
    },
    /// Probes were compared with earlier times.
    Compared(Vec<Answer>),
    /// A change was read.
    Change(Box<ChangeText>),
    /// A log was read.
    Read(Box<Read>),
    /// A decision about a plan was handed over.
    Decided {
        /// Id of the plan.
        plan: String,
        /// The records.
        records: Vec<Record>,
    },
}

/// A row of a menu or of the palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Key that picks it, if it has one here.
    pub key: Option<Key>,
    /// Keys that lead to it from the cockpit: `d s`; for the palette.
    pub path: String,
    /// What it does right now, with names filled in.
    pub label: String,
    /// Why it cannot be done now; `None`: it can.
    pub disabled: Option<String>,
    /// What it does.
    pub invoke: Invoke,
}

impl Item {
    /// The mark before why it cannot be done: none where that only says how things stand, `(current)`.
    pub fn mark(&self) -> &'static str {
        let why = self.disabled.as_deref().unwrap_or_default();
        if why.is_empty() || why.starts_with('(') || why.starts_with("it is ") { "" } else { "✗ " }
    }
}
