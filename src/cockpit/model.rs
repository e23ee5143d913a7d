//! The state of the program: all that is drawn, and nothing else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::alarms::Sightings;
use super::alerts::Loud;
use super::chart::Chart;
use super::commands::Invoke;
use super::compared::Comparisons;
use super::complete::Sifted;
use super::edit::LineEdit;
use super::health::Health;
use super::key::Key;
use super::keymap::Keymap;
use super::msg::EffectId;
pub use super::output::Output;
use super::overlay::{Ask, Declare, Overlay, PlanView, RunView};
pub use super::pane::{Pane, View};
use super::past::Looking;
use super::present::Present;
use super::production::Production;
use super::shared::Shared;
use super::survey::{Outside, Survey};
use super::suspects::Suspects;
use super::ways::{Canary, Looked, Ways};
use crate::config::types::Config;
use crate::failure::Failure;
use crate::health::network::Network;
use crate::health::series;
use crate::hotfix::outlook::Outlook;
use crate::hotfix::state::{BranchState, NoRepository};
use crate::hotfix::{pull, standing};
use crate::incident::digest::Row;
use crate::incident::{
    ChecklistItem, Clock, IncidentId, Log, Next, PlanRun, Policy, RecordId, Severity, State, Status,
};
use crate::report::runbook::Shelf;
use crate::text::question::question;

/// What becomes of a drill when the cockpit it was made for is left. Its services end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillEnd {
    /// Its directory is removed.
    Removed,
    /// Its directory was asked for by name, and stays.
    Kept,
}

/// The state of the program.
#[derive(Debug)]
pub struct Model {
    /// The time that is shown; changes by [`super::Msg::Tick`] only.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The focused pane.
    pub focus: Pane,
    /// Whether the focused pane has the whole screen.
    pub zoom: bool,
    /// What lies over the cockpit, bottom first.
    pub overlays: Vec<Overlay>,
    /// Who is acting.
    pub me: String,
    /// The policy in force.
    pub policy: Policy,
    /// What `flightdeck.toml` says.
    pub config: ConfigState,
    /// The open incident; `None` shows the start screen.
    pub log: Option<Log>,
    /// All incidents of this repository, newest first.
    pub incidents: Vec<IncidentLine>,
    /// Whether that list was read at all.
    pub listed: bool,
    /// The repository; `None` until it has been read once.
    pub branch: Option<Result<BranchState, NoRepository>>,
    /// What is ahead of the branch. May be about one that is no more.
    pub outlook: Option<Outlook>,
    /// Deploys that no plan here made.
    pub outside: Vec<Outside>,
    /// Its pull request.
    pub pull: Option<pull::Looked>,
    /// The installation that this is; 0: not known yet.
    pub here: u64,
    /// How far the incident is shared with other machines.
    pub shared: Option<Shared>,
    /// Probes as they stand.
    pub probes: Vec<Arc<series::Status>>,
    /// What they say of this machine's own network.
    pub network: Network,
    /// The latest output of the run that is followed in the runs pane.
    pub output: Option<Output>,
    /// Where each pane is scrolled to, in the order of [`Pane::ALL`].
    pub views: [View; 5],
    /// Selected row of the start screen.
    pub start_row: usize,
    /// The keys.
    pub keymap: Keymap,
    /// What the user has chosen about the looks.
    pub looks: Looks,
    /// Everything that failed, oldest first, at most [`Model::MAX_FAILURES`].
    pub failures: VecDeque<(Timestamp, Failure)>,
    /// How many of them nobody has looked at.
    pub unseen: usize,
    /// The last short word from the program, and when it was said.
    pub word: Option<(Timestamp, String)>,
    /// How many windows were open then.
    pub word_windows: usize,
    /// Effects that have not ended yet, and what they are doing.
    pub in_flight: BTreeMap<EffectId, &'static str>,
    /// Identity of the next effect.
    pub next_effect: EffectId,
    /// Why nothing can be written; `None` where it can.
    pub read_only: Option<String>,
    /// Whether that is because the journal was taken away while it was open.
    pub journal_gone: bool,
    /// Whether this is a drill: there is a prepared fix and a guide.
    pub drill: bool,
    /// The command by which somebody else takes part in this drill from another terminal: it takes a name and
    /// a verb. Empty outside of one.
    pub drill_as: String,
    /// What this program is called in a terminal: `flightdeck`, or its path where that is not found.
    pub program: String,
    /// What becomes of the drill that was made for this cockpit when that is left; `None`: there is none.
    pub drill_end: Option<DrillEnd>,
    /// Lines the top overlay had room for in the last frame.
    pub overlay_height: u16,
    /// The last key and when it was read, in milliseconds of the key clock.
    pub last_key: Option<(Key, u64)>,
    /// When the first of the keys came that came since without a pause, on the same clock.
    pub keys_since: u64,
    /// The question of yes or no at which letters were typed that mean nothing to it, by since when it has
    /// been on the screen.
    pub astray: Option<u64>,
    /// Whether the last key would have answered it: pressed once more it does.
    pub once_more: bool,
    /// When the last letter of a text came that somebody types where there is no prompt, by the key clock.
    pub babble: Option<u64>,
    /// What stood when the first of the keys came that came since without a pause: whether one of them did
    /// something.
    pub before_burst: Option<(EffectId, Pane, bool)>,
    /// The command whose prompt is open, for the palette once the line is taken.
    pub asked_by: Option<Invoke>,
    /// The run whose output is followed, and the effect that follows it.
    pub following: Option<(EffectId, String)>,
    /// The run whose whole log the runtime has open.
    pub reading: Option<String>,
    /// When somebody began to type the line that is asked for.
    pub typing_since: Option<Timestamp>,
    /// Lines on their way into the journal: one that cannot be saved comes back to be kept.
    pub sent: BTreeMap<EffectId, Ask>,
    /// The row of the timeline that the cursor is on, and its entry.
    pub timeline_at: Option<(usize, RecordId)>,
    /// What was being typed when its prompt was closed.
    pub drafts: Drafts,
    /// What was done last, by its label in the palette, the latest first.
    pub recent: VecDeque<Invoke>,
    /// Whether alarms are on their way into the journal, so that none is written twice.
    pub alarms_in_flight: Option<EffectId>,
    /// What this cockpit has last seen of each probe, beside what is on record.
    pub alarms_seen: Sightings,
    /// The open incident is being read once more, whole.
    pub reloading: Option<EffectId>,
    /// What is known about going back.
    pub ways: Ways,
    /// What was asked about the branch.
    pub survey: Survey,
    /// What the probes were last compared with.
    pub compared: Comparisons,
    /// What is chosen about the chart of a probe.
    pub chart: Chart,
    /// What is known about what changed.
    pub suspects: Suspects,
    /// What the incidents of the repository came to, as far as that was looked at.
    pub past: Looking,
    /// The runbooks of the repository; `None`: not looked for yet.
    pub runbooks: Option<Shelf>,
    /// The effect that sends what waits, and when that was looked at last.
    pub outbox: Option<(Option<EffectId>, Timestamp)>,
    /// How services are asked now and then.
    pub services: super::update::pages::Services,
    /// The paths of those that were read here.
    pub runbooks_read: BTreeSet<String>,
    /// Presenter mode.
    pub present: Present,
    /// Lines that other machines wrote a moment ago, and since when they stand out.
    pub flash: Vec<(RecordId, Timestamp)>,
    /// What follows from the rest and the time; see `update`.
    pub derived: Derived,
}

/// What was being typed in prompts that were closed, to be gone on with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drafts {
    /// Lines, by what their prompt is for.
    pub lines: BTreeMap<String, LineEdit>,
    /// An incident that was being declared.
    pub declare: Option<Declare>,
}

impl Drafts {
    /// Tells whether anything would be lost with them.
    pub fn any(&self) -> bool {
        !self.lines.is_empty() || self.declare.is_some()
    }
}

/// What is worked out once a change, so that drawing only draws.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Derived {
    /// The clocks, most urgent first.
    pub clocks: Vec<Clock>,
    /// The deadlines that have passed.
    pub loud: Loud,
    /// What is next, most pressing first, and the keys that do it: `d s`.
    pub next: Vec<(Next, String)>,
    /// The plan that what is next speaks of first.
    pub spoken: Option<String>,
    /// The rows of the timeline that pass the filter, or folded; `None`: neither.
    pub timeline: Option<Vec<Row>>,
    /// How many rows there are without a filter.
    pub timeline_all: usize,
    /// All rows of the timeline without a filter; `None`: a row for every line of the record.
    pub rows: Option<Vec<Row>>,
    /// What `rows` were worked out for: the open incident, and how many records it has.
    pub rows_of: Option<(IncidentId, usize)>,
    /// What `timeline` is filtered by, and since when it is folded.
    pub shown_as: (String, Option<Timestamp>),
    /// The canaries that can be taken back.
    pub canaries: Vec<Canary>,
    /// How production is.
    pub production: Option<Production>,
    /// What the health pane lists.
    pub health: Health,
    /// The environment that each probe watches, by its name; that of production where it names none.
    pub places: BTreeMap<String, String>,
    /// What may stand in the filter that is being typed.
    pub sifted: Sifted,
    /// How many new alarms the filter of the timeline hides.
    pub hidden: usize,
    /// What the clocks and what is next were worked out for, of what changes without a fact.
    pub next_of: NextOf,
    /// What a newcomer should try next in a drill.
    pub guide: Option<String>,
    /// Of those who have to approve: how many have, of how many, and whether one rejects. `None`: nobody has to.
    pub approvals: Option<(usize, usize, bool)>,
}

/// What is next depends on this besides facts and time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextOf {
    /// The open incident, and how many records it has.
    pub incident: Option<(IncidentId, usize)>,
    /// The focused pane, and what the cursor of the runs is on: keys mean something else there.
    pub focus: Option<Pane>,
    /// The cursor of the runs, and their filter.
    pub runs: (Option<usize>, String),
    /// Whether the output of a run is open.
    pub output: bool,
    /// What a command asks.
    pub question: Option<(String, String)>,
    /// How production is.
    pub healthy: Option<bool>,
    /// Whether somebody looked at what changed.
    pub has_looked: bool,
    /// Whether the guide is shown.
    pub guide: bool,
}

/// What `flightdeck.toml` says, and whether it may run.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigState {
    /// The values in force: those of the file, or the defaults where there is none.
    pub config: Config,
    /// How it came about.
    pub source: ConfigSource,
    /// What was recognised in the repository, a few words each: `Cargo`, `deploy.sh`.
    pub found: Vec<String>,
}

/// How the configuration came about.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigSource {
    /// There is no file.
    None,
    /// The file is trusted: what it names may run.
    Trusted,
    /// The file has this content, which nobody has trusted here.
    Untrusted {
        /// SHA-256 of its bytes.
        hash: String,
        /// Everything it would run or ask, a line each.
        would_run: Vec<String>,
    },
    /// The file cannot be used; defaults are in force.
    Invalid(Failure),
}

/// One line of the list of incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentLine {
    /// Identity.
    pub id: IncidentId,
    /// `INC-2026-0007`.
    pub number: String,
    /// What is broken.
    pub title: String,
    /// Severity now.
    pub severity: Severity,
    /// Status now.
    pub status: Status,
    /// When it was declared.
    pub declared_at: Timestamp,
}

impl IncidentLine {
    /// Tells whether work on it goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Open | Status::Mitigated)
    }
}

/// What the user has chosen about the looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Name of the theme.
    pub theme: String,
    /// Names of all themes, in the order the key goes through them.
    pub themes: Vec<String>,
    /// The zone times are shown in.
    pub zone: TimeZone,
    /// The local zone.
    pub local: TimeZone,
    /// Whether the guide line is shown.
    pub guide: bool,
    /// Whether the terminal rings and notifies where a deadline passes.
    pub alerts: bool,
    /// The characters used for drawing.
    pub glyphs: Glyphs,
}

impl Looks {
    /// Names the zone that times are shown and typed in: `UTC`, or the letters it has at that moment.
    pub fn zone_name(&self, at: Timestamp) -> String {
        self.zone.to_offset_info(at).abbreviation().to_owned()
    }
}

/// Characters used for drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// All of them.
    #[default]
    Unicode,
    /// Curves of half blocks: for fonts that have no dots.
    Blocks,
    /// Plain ASCII.
    Ascii,
}

impl Model {
    /// Least columns and rows of a terminal in which more is drawn than that.
    pub const LEAST: (u16, u16) = (40, 12);
    /// Columns and rows from which on a pane is drawn below the header.
    pub const PANE: (u16, u16) = (80, 24);
    /// Most commands remembered as done lately.
    pub const MAX_RECENT: usize = 8;
    /// Most failures kept.
    pub const MAX_FAILURES: usize = 500;
    /// How long a command says nothing before it may be waiting for an answer.
    const QUIET: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);

    /// The program before anything is known.
    pub fn new(now: Timestamp, me: String, keymap: Keymap, looks: Looks) -> Self {
        Self {
            now,
            size: (80, 24),
            focus: Pane::Timeline,
            zoom: false,
            overlays: Vec::new(),
            me,
            policy: Policy::built_in(),
            config: ConfigState { config: Config::default(), source: ConfigSource::None, found: Vec::new() },
            log: None,
            incidents: Vec::new(),
            listed: false,
            branch: None,
            outlook: None,
            outside: Vec::new(),
            pull: None,
            probes: Vec::new(),
            network: Network::Fine,
            output: None,
            views: Default::default(),
            here: 0,
            shared: None,
            start_row: 0,
            keymap,
            looks,
            failures: VecDeque::new(),
            unseen: 0,
            word: None,
            word_windows: 0,
            in_flight: BTreeMap::new(),
            next_effect: EffectId::default(),
            read_only: None,
            journal_gone: false,
            drill: false,
            drill_as: String::new(),
            program: "flightdeck".to_owned(),
            drill_end: None,
            overlay_height: 0,
            last_key: None,
            keys_since: 0,
            astray: None,
            once_more: false,
            babble: None,
            before_burst: None,
            asked_by: None,
            following: None,
            reading: None,
            typing_since: None,
            sent: BTreeMap::new(),
            timeline_at: None,
            drafts: Drafts::default(),
            recent: VecDeque::new(),
            alarms_in_flight: None,
            alarms_seen: Sightings::default(),
            reloading: None,
            ways: Ways::default(),
            survey: Survey::default(),
            compared: Comparisons::default(),
            chart: Chart::default(),
            suspects: Suspects::default(),
            past: Looking { stale: true, ..Looking::default() },
            runbooks: None,
            outbox: None,
            services: super::update::pages::Services::default(),
            runbooks_read: BTreeSet::new(),
            present: Present::default(),
            flash: Vec::new(),
            derived: Derived::default(),
        }
    }

    /// Whether the terminal has no room for a pane below the header: none is drawn until it is zoomed.
    pub fn hides_panes(&self) -> bool {
        self.log.is_some() && !self.zoom && (self.size.0 < Self::PANE.0 || self.size.1 < Self::PANE.1)
    }

    /// Whether the terminal is so small that it is said how much room is needed, and nothing else.
    pub fn is_tiny(&self) -> bool {
        self.size.0 < Self::LEAST.0 || self.size.1 < Self::LEAST.1
    }

    /// The run view on top of everything else, if it is open.
    pub fn run_view(&self) -> Option<&RunView> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Run(view) => Some(&**view),
            _ => None,
        })
    }

    /// Whether a command that runs seems to wait for an answer: its last words are a question,
    /// and nothing came behind it for a while; of one whose output is not followed, its conductor says
    /// so. No more than a hint.
    pub fn seems_to_ask(&self, run: &str) -> bool {
        let on_record = || {
            let (_, run) = self.incident()?.run(run)?;
            run.waits.as_ref().filter(|_| run.outcome.is_none())?.question.as_ref()
        };
        let is_followed = self.output.as_ref().is_some_and(|output| output.run == run);
        if is_followed { self.question().is_some() } else { on_record().is_some() }
    }

    /// What the command whose output is followed seems to ask: its run, and its words as they came.
    pub fn question(&self) -> Option<(&str, String)> {
        let output = self.output.as_ref()?;
        let quiet = self.now.duration_since(output.last) >= Self::QUIET;
        let question = quiet.then(|| question(output.terminal.screen()))??;
        let (_, run) = self.incident()?.run(&output.run)?;
        run.outcome.is_none().then_some((&*output.run, question))
    }

    /// The plan that holds a target, as far as the record says.
    pub fn holder(&self, target: &str) -> Option<&PlanRun> {
        let plans = &self.incident()?.plans;
        plans.iter().rev().find(|plan| plan.target == target && plan.state.is_under_way())
    }

    /// The plan view nearest to the top, if one is open.
    pub fn plan_view(&self) -> Option<&PlanView> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Plan(view) => Some(&**view),
            _ => None,
        })
    }

    /// The branch the fix is on: the current one, if it is a hotfix branch; in the trunk flow the
    /// base.
    pub fn hotfix_branch(&self) -> Option<&str> {
        standing::branch(&self.config.config.hotfix, self.repository()?)
    }

    /// The state of the open incident.
    pub fn incident(&self) -> Option<&State> {
        self.log.as_ref().map(Log::state)
    }

    /// The incidents of this repository that are open.
    pub fn open_incidents(&self) -> impl Iterator<Item = &IncidentLine> {
        self.incidents.iter().filter(|line| line.is_open())
    }

    /// Number and title of the incident that is open: the one on the screen, else one of the list.
    pub fn open_now(&self) -> Option<(String, String)> {
        match self.incident() {
            Some(state) => state.is_open().then(|| (self.number().to_owned(), state.title.clone())),
            None => self.open_incidents().next().map(|line| (line.number.clone(), line.title.clone())),
        }
    }

    /// The number of the open incident, told apart from that of another one here.
    pub fn number(&self) -> &str {
        let Some(state) = self.incident() else { return "" };
        let line = self.incidents.iter().find(|line| line.id == state.id);
        line.map_or(&state.number, |line| &line.number)
    }

    /// The checklist in force: the configured one, or the policy's.
    pub fn checklist(&self) -> &[ChecklistItem] {
        if self.config.config.checklist.is_empty() {
            &self.policy.checklist
        } else {
            &self.config.config.checklist
        }
    }

    /// The view of a pane.
    pub fn view(&self, pane: Pane) -> &View {
        &self.views[pane as usize]
    }

    /// The view of a pane, to change it.
    pub fn view_mut(&mut self, pane: Pane) -> &mut View {
        &mut self.views[pane as usize]
    }

    /// Why nothing can be saved now, in a line; `None`: it can.
    pub fn unsaved(&self) -> Option<String> {
        let why = self.read_only.as_ref()?;
        // Where it was, and what became of it, is in the error log.
        let why = if self.journal_gone { "the journal is gone" } else { why };
        Some(format!("nothing can be saved: {why}"))
    }

    /// The repository, if it was read and is one.
    pub fn repository(&self) -> Option<&BranchState> {
        self.branch.as_ref()?.as_ref().ok()
    }

    /// Whether what the configuration names may run.
    pub fn may_run(&self) -> bool {
        matches!(self.config.source, ConfigSource::Trusted)
    }

    /// What is known about going back in production; `None`: nothing yet, or nothing to ask about.
    pub fn way_back(&self) -> Option<&Looked> {
        let production = self.config.config.production()?;
        self.ways.known.get(&production.name)
    }

    /// Name of the service: configured, or the directory of the repository.
    pub fn service(&self) -> &str {
        let configured = self.config.config.service.name.as_str();
        if !configured.is_empty() {
            return configured;
        }
        let root = self.repository().map_or("", |branch| branch.root.as_str());
        root.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// Tells whether something on the screen changes with time alone.
    pub fn is_timed(&self) -> bool {
        self.incident().is_some_and(State::is_open)
            || self.word.is_some()
            || !(self.present.pressed.is_empty() && self.flash.is_empty())
            || self.incident().is_some_and(|state| state.runs().any(|(_, run)| run.outcome.is_none()))
    }
}
