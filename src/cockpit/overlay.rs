//! What lies over the cockpit: a stack, of which the top one gets the key first.

mod grade;
mod message;
mod plan;
mod preview;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use grade::GradeView;
pub use message::{Looks, MessageView};
pub use plan::{Asks, Decide, PlanView, Unsettled};
pub use preview::{Field, Preview, Stood, Way};

use super::commands::{Command, Invoke};
use super::complete::Completed;
use super::edit::LineEdit;
use super::history::{History, Match};
use super::msg::{EffectId, Item};
pub use super::past::PastView;
use super::suspects::{ChangeView, SuspectsView};
use crate::deploy::flags::Switch;
use crate::failure::Failure;
use crate::hotfix::pull::ByHand;
use crate::incident::{
    Answer, Body, CheckState, Claim, Draft, IncidentId, NoteKind, RecordId, Resolved, Severity,
};
use crate::report::blocks::{self, Block};
use crate::report::runbook::Page;

/// One overlay.
#[derive(Debug)]
pub enum Overlay {
    /// Which-key menu at the bottom.
    Menu(Menu),
    /// Fuzzy search over all commands.
    Palette(Palette),
    /// Every key and what it does.
    Help(HelpView),
    /// A line of text asked for at the bottom of the screen.
    Ask(Ask),
    /// A whole timeline entry.
    Entry(Entry),
    /// Declaring an incident.
    Declare(Declare),
    /// A plan before it is confirmed.
    Preview(Box<Preview>),
    /// A plan while it is carried out, and afterwards.
    Plan(Box<PlanView>),
    /// A decision about a plan, before it is confirmed.
    Decide(Box<Decide>),
    /// The output of a run.
    Run(Box<RunView>),
    /// Every way back of an environment.
    Rollback(Rollback),
    /// What changed, most suspicious first.
    Suspects(SuspectsView),
    /// A change as text.
    Change(Box<ChangeView>),
    /// The error log.
    Errors(Scroll),
    /// The incident report.
    Report(Box<ReportView>),
    /// How a drill went.
    Grade(Box<GradeView>),
    /// A message, before it is sent and afterwards.
    Message(Box<MessageView>),
    /// What `flightdeck.toml` would run.
    Trust(Trust),
    /// A `flightdeck.toml` before it is written.
    Draft(Box<DraftView>),
    /// What usually breaks a service, and what is odd.
    Culprits(CulpritsView),
    /// Feature flags with their state.
    Flags(Flags),
    /// What incidents came to, and what is left to do of them.
    Past(PastView),
    /// The runbooks of the repository.
    Runbooks(RunbooksView),
    /// A runbook that is read.
    Runbook(Box<RunbookView>),
    /// The words of a pull request that a person has to open.
    ByHand(Box<ByHand>, Scroll),
    /// A yes-or-no question whose dangerous answer is never the default.
    Confirm(Confirm),
}

/// How far a document is scrolled, in lines from its top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// First line shown.
    pub top: usize,
}

/// Every key and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HelpView {
    /// Only lines that contain this are shown; empty: all.
    pub filter: String,
    /// First line shown.
    pub scroll: Scroll,
}

/// What usually breaks a service, and what is odd, with one of them chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CulpritsView {
    /// The row that the cursor is on: the culprits, then what is odd.
    pub cursor: usize,
}

/// A which-key menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The command whose menu it is.
    pub command: Command,
    /// Heading.
    pub title: String,
    /// A sentence under the heading, where one is needed; may be empty.
    pub note: String,
    /// Rows.
    pub items: Vec<Item>,
    /// What stands above some of the rows, each with the place of its row.
    pub headings: Vec<(usize, &'static str)>,
    /// The row that Enter takes.
    pub selected: usize,
}

/// The palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// What is searched for.
    pub input: LineEdit,
    /// All rows.
    pub items: Vec<Item>,
    /// What NEXT tells people to do, the most pressing first.
    pub next: Vec<Invoke>,
    /// What was done lately, the latest first.
    pub recent: Vec<Invoke>,
    /// Rows that match, best first, as indices into `items`.
    pub matches: Vec<usize>,
    /// Index into `matches`.
    pub selected: usize,
}

/// A line of text asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What it is for.
    pub purpose: Purpose,
    /// Short label before the line: `finding`.
    pub label: String,
    /// What is expected, shown while the line is empty.
    pub placeholder: String,
    /// The text so far.
    pub input: LineEdit,
    /// What is wrong with the text; empty while nothing is.
    pub complaint: String,
    /// The name that Tab has put into the line.
    pub completed: Option<Completed>,
}

impl Ask {
    /// Asks for a line of text.
    pub fn new(purpose: Purpose, label: impl Into<String>, placeholder: &str, input: LineEdit) -> Self {
        let (label, placeholder) = (label.into(), placeholder.to_owned());
        Self { purpose, label, placeholder, input, complaint: String::new(), completed: None }
    }
}

/// What a line of text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A note of this kind.
    Note(NoteKind),
    /// The reason for a severity.
    Severity(Severity, Vec<Answer>),
    /// The title.
    Title,
    /// When it began.
    Began,
    /// The impact.
    Impact,
    /// The cause.
    Cause,
    /// Who takes this role.
    Role(String),
    /// Who was paged.
    Page,
    /// Why the reminder of this clock is put off, and for how long: its id and title.
    Snooze(String, String),
    /// What is left to do afterwards.
    FollowUp,
    /// Who was at the review.
    Review,
    /// Who is offered this role.
    Handoff(String),
    /// Who is given which task.
    Task,
    /// What is proposed to everybody.
    Propose,
    /// What came of this task.
    TaskEnd(RecordId),
    /// What speaks against this proposal.
    Object(RecordId),
    /// Why this proposal is agreed although somebody objects.
    Agree(RecordId),
    /// Who told this audience, and how; empty: the audience is typed, too.
    Told(String),
    /// Why it is over although something is open.
    Resolve(Box<Resolved>),
    /// The reason for reopening.
    Reopen,
    /// The note of a checklist item.
    Tick {
        /// Item id.
        item: String,
        /// New state.
        state: CheckState,
    },
    /// What shows that it was this culprit.
    Culprit(String),
    /// What is left to do about something odd.
    OddFollowUp(RecordId),
    /// What came of this follow-up of this incident.
    FollowUpDone(IncidentId, RecordId),
    /// Why it will not be done.
    FollowUpDrop(IncidentId, RecordId),
    /// Who does it, and by when.
    FollowUpAssign(IncidentId, RecordId),
    /// Who looks at this checklist item.
    Assign(String),
    /// New text of an entry.
    Amend(RecordId),
    /// Reason for taking an entry back.
    Retract(RecordId),
    /// The reason for taking this target from a plan whose process is gone.
    TakeOver(String),
    /// A verbal approval of what is previewed underneath: who, and how.
    Verbal,
    /// Why what is previewed underneath is rejected.
    Reject,
    /// Why production is not put back.
    NoRollback,
    /// Why no hotfix is needed.
    NoHotfix,
    /// What is live in this environment.
    Live(String),
    /// Why this commit, which was taken back in this environment, was not at fault.
    Clear(String, String),
    /// Name of a hotfix branch.
    HotfixName,
    /// The branch that the report goes to.
    ReportBranch,
    /// What a pane is filtered by.
    Filter,
    /// What is looked for in the output of a run.
    Find,
    /// What suspects are filtered by.
    SuspectFilter,
    /// What is looked for in a change.
    ChangeFind,
}

/// A timeline entry, whole; several where one row stands for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The records.
    pub lines: Vec<RecordId>,
    /// First line shown.
    pub scroll: Scroll,
}

/// Declaring an incident: title, then the severity tree, then impact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declare {
    /// Where it stands.
    pub step: DeclareStep,
    /// The title.
    pub title: LineEdit,
    /// Answers so far, in the order of the policy's questions.
    pub answers: Vec<Answered>,
    /// Whether only the severity of the open incident is set anew.
    pub changing: bool,
    /// What came of them, or was chosen outright.
    pub severity: Option<Severity>,
    /// The impact.
    pub impact: LineEdit,
    /// When the fault began, as typed; empty means now.
    pub started: LineEdit,
    /// What is wrong with what was typed; empty while nothing is.
    pub complaint: String,
    /// When it was opened.
    pub at: Timestamp,
    /// How many incidents were open then, or were said to be since.
    pub open: usize,
}

/// An answer to a question of the severity tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody can tell, which counts as yes.
    Unsure,
}

/// A step of declaring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclareStep {
    /// What is broken, in one line.
    Title,
    /// Question of the severity tree, from 0.
    Question(usize),
    /// The tree ended at the least severity: hotfix or backlog ticket?
    Backlog,
    /// Since when.
    Started,
    /// Who is affected.
    Impact,
}

/// Every way back of an environment, with one of them chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Name of the environment.
    pub environment: String,
    /// Id of the way the cursor is on: it stays there when the order changes.
    pub way: String,
    /// First line shown.
    pub top: usize,
}

/// The output of a run.
#[derive(Debug, Default)]
pub struct RunView {
    /// Id of the run.
    pub run: String,
    /// Its whole log, as far as it was read.
    pub history: History,
    /// Number of the first line shown; `None` follows the end, as the terminal shows it.
    pub top: Option<usize>,
    /// First column shown.
    pub shift: u16,
    /// Lines there was room for in the last frame.
    pub height: u16,
    /// What is to be done once it is known where the lines are.
    pub wish: Option<Wish>,
    /// How far they have to be known for that.
    pub goal: Option<u64>,
    /// How far the log was read, and how long it is, in bytes.
    pub read: (u64, u64),
    /// Lines being selected.
    pub selection: Option<Selection>,
    /// What was looked for.
    pub search: Option<Search>,
    /// Whether keys go to the command.
    pub input: Input,
    /// Why the log cannot be read.
    pub problem: Option<Failure>,
    /// What is being asked for.
    pub asked: Asked,
    /// Whether the log was last looked at after the end of the run: then its length is final.
    pub final_length: bool,
}

/// What is to be done once it is known where the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Go up so many lines from the end.
    Up(usize),
    /// Go to the first line.
    Top,
    /// Select from the last line on.
    Select,
}

/// Lines being selected, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Where it began.
    pub anchor: usize,
    /// Where it is now; either may be the first.
    pub cursor: usize,
}

impl Selection {
    /// First and last line.
    pub fn range(self) -> (usize, usize) {
        (self.anchor.min(self.cursor), self.anchor.max(self.cursor))
    }
}

/// A text that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The text.
    pub text: String,
    /// Where it was found so far.
    pub matches: Vec<Match>,
    /// From which position and up to which it is still looked for; `None` when that is done.
    pub rest: Option<(u64, u64)>,
    /// Which of them is the one gone to.
    pub current: usize,
    /// Whether there are more than were kept.
    pub more: bool,
    /// How far the log was known then.
    pub end: u64,
    /// The place to go on from once it is looked for again, and whether backwards.
    pub from: Option<(Match, bool)>,
}

/// Whether keys go to the command of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Input {
    /// They do not.
    #[default]
    No,
    /// They do.
    Open,
    /// They did, and somebody may still be typing; why they do no longer.
    Over(String),
}

/// Effects under way for a run view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Where the lines are.
    pub spans: Option<EffectId>,
    /// Lines.
    pub lines: Option<EffectId>,
    /// Places of a text.
    pub find: Option<EffectId>,
    /// Text to copy.
    pub text: Option<EffectId>,
    /// Keys for the command.
    pub keys: BTreeSet<EffectId>,
}

/// The incident report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportView {
    /// What it is called: `Report`, or the agenda of its review.
    pub title: &'static str,
    /// As Markdown.
    pub markdown: String,
    /// The same taken apart, once, for drawing.
    pub blocks: Vec<Block>,
    /// Of how many records it was made.
    pub records: usize,
    /// First line shown.
    pub scroll: Scroll,
    /// The effect that saves, exports or copies it, and whether that makes a file.
    pub asked: Option<(EffectId, bool)>,
    /// What became of that: where it went.
    pub said: String,
}

impl ReportView {
    /// A report from its beginning.
    pub fn new(markdown: String) -> Self {
        let blocks = blocks::parse(&markdown);
        let (title, scroll) = ("Report", Scroll::default());
        Self { title, blocks, markdown, records: 0, scroll, asked: None, said: String::new() }
    }

    /// What the review of an incident talks about.
    pub fn agenda(markdown: String) -> Self {
        Self { title: "Agenda of the review", ..Self::new(markdown) }
    }

    /// Tells whether it is the report itself, which can be saved.
    pub fn is_report(&self) -> bool {
        self.title == "Report"
    }
}

/// What `flightdeck.toml` would run, before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trust {
    /// First line shown.
    pub scroll: Scroll,
    /// Since when it has been on the screen, as in [`Preview::shown_ms`].
    pub shown_ms: Option<u64>,
    /// The file was changed while it was open, and nobody has said yet that it was read again.
    pub changed: bool,
}

/// A `flightdeck.toml` for this repository, to be read before it is written and trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftView {
    /// Where it would be written.
    pub path: String,
    /// All of it.
    pub content: String,
    /// First line shown.
    pub scroll: Scroll,
    /// Since when it has been on the screen, as in [`Preview::shown_ms`].
    pub shown_ms: Option<u64>,
}

/// Feature flags with their state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flags {
    /// All of them, in the order of the configuration.
    pub rows: Vec<Flag>,
    /// The row the cursor is on.
    pub cursor: usize,
    /// The effect that asks for them now.
    pub reading: Option<EffectId>,
    /// When they were read last.
    pub read_at: Option<Timestamp>,
}

/// A row of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Its name.
    pub name: String,
    /// What it guards, a few words; may be empty.
    pub about: String,
    /// What it is set to; `None`: it has not been read yet.
    pub state: Option<Switch>,
}

/// The runbooks of the repository, those that fit what fails first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunbooksView {
    /// The row the cursor is on.
    pub cursor: usize,
    /// Only those that have this in them are shown; empty: all.
    pub filter: String,
}

/// A runbook that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookView {
    /// What it says.
    pub page: Page,
    /// Which of its blocks of commands is chosen, from 1; 0: none.
    pub command: usize,
    /// First line shown.
    pub scroll: Scroll,
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A command is carried out.
    Invoke(Invoke),
    /// This is recorded.
    Record(Box<Body>),
    /// These are recorded, each with its time.
    Append(Vec<Draft>),
}

/// A yes-or-no question.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    /// The question.
    pub title: String,
    /// What it means, in a sentence or two.
    pub body: String,
    /// What it says of the incident, where it says that something is over.
    pub claim: Option<Claim>,
    /// What speaks against it, a line each.
    pub against: Vec<String>,
    /// What the yes key says: `stop it`.
    pub yes: String,
    /// What the other one says: `back`.
    pub no: &'static str,
    /// What is done on yes.
    pub act: Act,
    /// What can be done in place of answering, each by its own letter.
    pub more: Vec<Item>,
    /// Why there is nothing left to answer, as where somebody else did it meanwhile; empty: it stands.
    pub lapsed: String,
    /// Since when it has been on the screen, as in [`Preview::shown_ms`].
    pub shown_ms: Option<u64>,
    /// First line shown.
    pub scroll: Scroll,
}
