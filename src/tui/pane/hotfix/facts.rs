//! What is known of the branch besides its commits, as groups of short items. How they are set
//! is a matter of the room there is; what is left out first is said by their rank.

use jiff::SignedDuration;

use super::super::super::paint::width;
use super::super::super::theme::Role;
use super::super::super::ui::{Ui, short_id};
use crate::cockpit::Command;
use crate::cockpit::update::keys_to;
use crate::config::types::Flow;
use crate::hotfix::outlook::{Forecast, Outlook, Place, Stray, Verdict};
use crate::hotfix::pull::{Check, CheckState, Looked, Pull, PullState};
use crate::hotfix::standing;
use crate::hotfix::state::{BranchState, Head};
use crate::incident::PlanRun;
use crate::text::counted;

/// A last fetch is worth a word once it is as old as this: about the time a colleague takes to
/// push something.
const OLD: SignedDuration = SignedDuration::from_mins(15);
/// Most names of files or branches on a line that is not zoomed.
const NAMES: usize = 3;

/// Most columns that names are filled up to.
const WIDE: u16 = 28;

/// A few words of different looks that stay together.
pub(super) type Item = Vec<(String, Role)>;

/// How much there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// A few lines: names beyond the first few are counted.
    Little,
    /// All names, side by side.
    Plenty,
    /// A line for each item.
    Page,
}

/// Items about one thing.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// What they are about: a word or two.
    pub(super) label: &'static str,
    /// What is left out first has the highest.
    pub(super) rank: u8,
    /// Columns they are moved in by.
    pub(super) indent: u16,
    /// Whether they belong to the group before them.
    pub(super) joined: bool,
    /// The items.
    pub(super) items: Vec<Item>,
}

impl Group {
    fn new(label: &'static str, rank: u8, items: Vec<Item>) -> Self {
        Self { label, rank, items, ..Self::default() }
    }
}

/// The columns an item takes.
pub(super) fn columns(item: &Item) -> u16 {
    item.iter().fold(0, |sum, (text, _)| sum.saturating_add(width(text)))
}

fn item(parts: &[(&str, Role)]) -> Item {
    parts.iter().map(|(text, role)| ((*text).to_owned(), *role)).collect()
}

fn one(text: impl Into<String>, role: Role) -> Item {
    vec![(text.into(), role)]
}

/// What is known of the branch as it stands; `None` while it is found out.
pub(super) fn outlook<'a>(ui: Ui<'a>, branch: &BranchState) -> Option<&'a Outlook> {
    ui.model.outlook.as_ref().filter(|outlook| outlook.is_about(branch.branch(), branch.commit()))
}

/// Everything there is to say, in the order it is read.
pub(super) fn groups(ui: Ui<'_>, branch: &BranchState, room: Room) -> Vec<Group> {
    let about = outlook(ui, branch);
    let fix = ui.model.hotfix_branch().is_some();
    let mut groups = vec![operation(branch, room), finished(ui)];
    if fix {
        groups.push(size(ui, branch, about));
        groups.extend(growth(about, room));
        // A branch that still is where the base is has nothing that others could have or lack.
        if !standing::is_untouched(branch) {
            groups.extend(merges(ui, branch, about, room));
            groups.push(pull(ui, branch));
            groups.push(places(about, room));
        }
    } else {
        groups.push(elsewhere(branch, room));
    }
    groups.push(base(ui, branch));
    groups.push(others(ui, branch, room));
    groups.push(fetched(ui, branch, room));
    if room == Room::Page {
        let line = ui.model.config.config.hotfix.flow_line();
        groups.push(Group::new("flow", 9, vec![one(line, Role::Muted)]));
    }
    groups.retain(|group| !group.items.is_empty());
    groups
}

/// What somebody is in the middle of, and the files that are in conflict.
fn operation(branch: &BranchState, room: Room) -> Group {
    let Some(operation) = branch.operation else { return Group::default() };
    let unmerged = |code: &str| code.contains('U') || code == "AA" || code == "DD";
    let files: Vec<&str> =
        branch.dirty.iter().filter(|file| unmerged(&file.code)).map(|file| file.path.as_str()).collect();
    let mut items = vec![one(format!("▲ in the middle of a {}", operation.name()), Role::Overdue)];
    if !files.is_empty() {
        items.push(one(format!("{} in conflict", counted(files.len(), "file")), Role::Bad));
        items.push(one(names(&files, room), Role::Bad));
    }
    Group::new("under way", 0, items)
}

/// The environment users are served from.
pub(super) fn production(ui: Ui<'_>) -> &str {
    ui.model.config.config.production().map_or("production", |env| env.name.as_str())
}

/// What becomes of a fix whose branch is gone; `None`: there is none yet, or it was no good.
pub(super) fn goes_on(ui: Ui<'_>, base: &str, places: &[Place]) -> Option<String> {
    let state = ui.model.incident()?;
    if !state.is_open() {
        return Some("the incident is over".to_owned());
    }
    let production = production(ui);
    let deploys = |plan: &&PlanRun| plan.purpose == "deploy" && plan.target == production;
    if state.plans.iter().rev().find(deploys).is_some_and(|plan| plan.state.is_under_way()) {
        return Some(format!("it is being deployed to {production}"));
    }
    if state.share_left(production).is_some() {
        return Some(format!("its canary still has a share of {production}"));
    }
    if state.finished_outside(production).is_some_and(|finished| !finished.was_taken_back) {
        let keys = keys_to(ui.model, "deploy", production);
        return Some(match ui.model.derived.approvals {
            Some((given, needed, _)) if given < needed => {
                format!("{given} of {needed} approvals; then press {keys} to deploy it to {production}")
            }
            _ => format!("press {keys} to deploy it to {production} from {base}"),
        });
    }
    let place = places.iter().find(|place| place.environment == production);
    match place.map(|place| (&place.has_fix, place.lacks)) {
        Some((Ok(false), 0)) if state.has_fix(production) => {
            return Some(format!("{production} does not have what {base} has"));
        }
        Some((Ok(false), lacks)) if state.has_fix(production) => {
            return Some(format!("{production} lacks {} of {base}", counted(lacks, "commit")));
        }
        _ => {}
    }
    // What somebody wrote down by hand may be anything.
    let live = state.releases.iter().rev().find(|release| release.environment == production);
    let by_hand = live.is_some_and(|live| live.plan.is_empty());
    (!by_hand && state.has_fix(production)).then(|| format!("{production} has the fix"))
}

/// A fix that was finished, as long as production has it not: its branch is gone by then.
fn finished(ui: Ui<'_>) -> Group {
    let production = production(ui);
    let Some(finished) = ui.model.incident().and_then(|state| state.finished_outside(production)) else {
        return Group::default();
    };
    let lacks = format!("▲ {}", finished.lacks(production));
    let said = item(&[(&finished.name, Role::Text), (" · ", Role::Faint), (&lacks, Role::Warn)]);
    Group::new("finished", 1, vec![said])
}

/// How big the change has grown, whether it carries a test, and the version.
fn size(ui: Ui<'_>, branch: &BranchState, about: Option<&Outlook>) -> Group {
    let mut items = Vec::new();
    let size = &branch.size;
    if branch.not_yet.counts {
        items.push(one("counting …", Role::Faint));
    } else if size.files == 0 {
        let base = branch.base.as_deref().unwrap_or("the base");
        items.push(one(format!("no change to {base} yet"), Role::Faint));
    } else {
        items.push(item(&[
            (&format!("{} ", counted(size.files, "file")), Role::Muted),
            (&format!("+{} ", size.insertions), Role::Good),
            (&format!("−{}", size.deletions), Role::Bad),
        ]));
        items.push(if size.tests_touched {
            one("tests touched ✓", Role::Good)
        } else {
            one("▲ no test", Role::Warn)
        });
    }
    items.extend(version(ui, branch, about));
    Group::new("change", 1, items)
}

/// The version next to that of the base.
fn version(ui: Ui<'_>, branch: &BranchState, about: Option<&Outlook>) -> Option<Item> {
    let flow = ui.model.config.config.hotfix.flow;
    match about.and_then(|outlook| outlook.bump.as_ref()) {
        Some(bump) if !bump.disagree.is_empty() => {
            let said: Vec<String> =
                bump.disagree.iter().map(|(path, version)| format!("{path} {version}")).collect();
            Some(one(format!("✗ version files disagree: {}", said.join(", ")), Role::Bad))
        }
        Some(bump) if bump.from == bump.to && flow == Flow::GitFlow => {
            Some(one(format!("▲ version {} not bumped", bump.from), Role::Warn))
        }
        Some(bump) if bump.from == bump.to => Some(one(format!("version {}", bump.to), Role::Muted)),
        Some(bump) => Some(one(format!("version {} ✓", bump.to), Role::Good)),
        None => branch.version.as_ref().map(|version| one(format!("version {version}"), Role::Faint)),
    }
}

/// Whether the change has outgrown the fault, and what does not belong to it.
fn growth(about: Option<&Outlook>, room: Room) -> Vec<Group> {
    let Some(growth) = about.map(|outlook| &outlook.growth) else { return Vec::new() };
    let mut beyond = Vec::new();
    if !growth.beyond.is_empty() {
        beyond.push(one(format!("▲ more than minimal: {}", growth.beyond.join(", ")), Role::Warn));
    }
    let strays = if room == Room::Page {
        let wide = growth.strays.iter().map(|stray| width(&stray.path)).max().unwrap_or(0).min(WIDE);
        let stray = |stray: &Stray| {
            item(&[(&filled(&stray.path, wide), Role::Warn), ("  ", Role::Faint), (&stray.why, Role::Muted)])
        };
        growth.strays.iter().map(stray).collect()
    } else if growth.strays.is_empty() {
        Vec::new()
    } else {
        let paths: Vec<&str> = growth.strays.iter().map(|stray| stray.path.as_str()).collect();
        let do_not = if paths.len() == 1 { "▲ does not belong: " } else { "▲ do not belong: " };
        vec![item(&[(do_not, Role::Warn), (&names(&paths, room), Role::Muted)])]
    };
    let joined = |group| Group { joined: true, ..group };
    vec![joined(Group::new("", 3, beyond)), joined(Group::new("strays", 5, strays))]
}

/// What would become of each merge, and where it would conflict.
fn merges(ui: Ui<'_>, branch: &BranchState, about: Option<&Outlook>, room: Room) -> Vec<Group> {
    if branch.commit().is_none() || branch.base.is_none() {
        return Vec::new();
    }
    let Some(outlook) = about else {
        return vec![Group::new("merges", 2, vec![one("merges: looking …", Role::Faint)])];
    };
    let base = branch.base.as_deref();
    let forecasts = outlook.forecasts.as_slice();
    if ui.model.config.config.hotfix.flow == Flow::Trunk {
        return Vec::new();
    }
    let wide = if room == Room::Page {
        forecasts.iter().map(|one| width(&one.into)).max().unwrap_or(0).min(WIDE)
    } else {
        0
    };
    let (mut items, mut groups) = (Vec::new(), Vec::new());
    for forecast in forecasts {
        items.push(merge(forecast, base == Some(forecast.into.as_str()), wide));
        let Verdict::Conflicts(files) = &forecast.verdict else { continue };
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        if room == Room::Page {
            items.extend(files.iter().map(|file| item(&[("     ", Role::Faint), (file, Role::Code)])));
        } else {
            let into = format!("{}: ", forecast.into);
            let line = item(&[(&into, Role::Muted), (&names(&files, room), Role::Code)]);
            groups.push(Group { indent: 2, joined: true, ..Group::new("", 4, vec![line]) });
        }
    }
    groups.insert(0, Group::new("merges", 2, items));
    groups
}

/// One of them. A conflict with the base keeps the fix from production; one elsewhere does not.
fn merge(forecast: &Forecast, base: bool, wide: u16) -> Item {
    let (said, role) = match &forecast.verdict {
        Verdict::Looking => ("…".to_owned(), Role::Faint),
        Verdict::Contained => ("✓ has it".to_owned(), Role::Good),
        Verdict::Clean => ("✓ clean".to_owned(), Role::Good),
        Verdict::Conflicts(files) => {
            let mark = if base { "✗" } else { "▲" };
            (
                format!("{mark} {}", counted(files.len(), "conflict")),
                if base { Role::Bad } else { Role::Warn },
            )
        }
        Verdict::Unknown(why) => (format!("? {why}"), Role::Unknown),
    };
    let into = filled(&forecast.into, wide);
    item(&[("into ", Role::Faint), (&into, Role::Text), (" ", Role::Faint), (&said, role)])
}

/// How the pull request stands.
fn pull(ui: Ui<'_>, branch: &BranchState) -> Group {
    let github = ui.model.config.config.hotfix.flow == Flow::GithubFlow;
    let items = match &ui.model.pull {
        None => Vec::new(),
        Some(_) if !github => Vec::new(),
        Some(Looked::NoPlace) => vec![one("no code host is known here", Role::Faint)],
        Some(Looked::None) => vec![one("no pull request yet", Role::Muted)],
        Some(Looked::Unknown { why, last: None }) => {
            vec![one(format!("? pull request: {why}"), Role::Unknown)]
        }
        Some(Looked::Unknown { why, last: Some(last) }) => {
            let mut items = known(ui, last, branch);
            items.push(one(format!("? as it was: {why}"), Role::Unknown));
            items
        }
        Some(Looked::Known(pull)) => known(ui, pull, branch),
    };
    Group::new("pull request", 3, items)
}

fn known(ui: Ui<'_>, pull: &Pull, branch: &BranchState) -> Vec<Item> {
    let name = format!("PR #{} ", pull.number);
    let state = match &pull.state {
        PullState::Merged(Some(commit)) => (format!("✓ merged as {}", short_id(commit)), Role::Good),
        PullState::Merged(None) => ("✓ merged".to_owned(), Role::Good),
        PullState::Closed => ("✗ closed, not merged".to_owned(), Role::Bad),
        PullState::Draft => ("draft".to_owned(), Role::Muted),
        PullState::Open if !pull.changes_wanted_by.is_empty() => {
            (format!("✗ {} wants changes", pull.changes_wanted_by.join(", ")), Role::Bad)
        }
        PullState::Open if !pull.approved_by.is_empty() => {
            (format!("✓ approved by {}", pull.approved_by.join(", ")), Role::Good)
        }
        PullState::Open => ("open".to_owned(), Role::Text),
    };
    let mut items = vec![item(&[(&name, Role::Text), (&state.0, state.1)])];
    if !matches!(pull.state, PullState::Open | PullState::Draft) {
        return items;
    }
    if !pull.waits_for.is_empty() {
        items.push(one(format!("▲ waits for {}", pull.waits_for.join(", ")), Role::Warn));
    }
    items.extend(checks(ui, pull));
    if branch.commit().is_some_and(|commit| commit != pull.head) {
        items.push(one(format!("▲ it offers {}, not this commit", short_id(&pull.head)), Role::Warn));
    }
    if pull.mergeable == Some(false) {
        let why = if pull.held_by.is_empty() { "it cannot be merged" } else { pull.held_by.as_str() };
        items.push(one(format!("▲ {why}"), Role::Warn));
    }
    items
}

/// Its checks: the worst first, with its name, and what opens its log.
fn checks(ui: Ui<'_>, pull: &Pull) -> Option<Item> {
    if pull.checks.is_empty() {
        return None;
    }
    let of = |wanted: CheckState| -> Vec<&str> {
        pull.checks.iter().filter(|check| check.state == wanted).map(|check| check.name.as_str()).collect()
    };
    let mut parts = vec![("checks".to_owned(), Role::Muted)];
    let mut say = |names: &[&str], glyph: &str, word: &str, role: Role, named: bool| {
        if names.is_empty() {
            return;
        }
        let name = match names {
            [name] if named => format!(" {name}"),
            _ => String::new(),
        };
        let count = if named && names.len() == 1 { String::new() } else { format!(" {}", names.len()) };
        parts.push((format!("{count} {glyph}{word}{name}"), role));
    };
    say(&of(CheckState::Failed), "✗", " failed:", Role::Bad, true);
    say(&of(CheckState::Cancelled), "■", " cancelled:", Role::Bad, true);
    say(&of(CheckState::Waiting), "‖", " waiting", Role::Warn, false);
    say(&of(CheckState::Passed), "✓", "", Role::Good, false);
    say(&of(CheckState::Running), "▶", " running", Role::Accent, false);
    say(&of(CheckState::Skipped), "–", " skipped", Role::Faint, false);
    if pull.checks.iter().any(Check::is_bad) {
        parts.push((format!("  log {}", ui.keys(Command::Hotfix, Command::CheckLog)), Role::Faint));
    }
    Some(parts)
}

/// Where the fix is, by commit.
fn places(about: Option<&Outlook>, room: Room) -> Group {
    let places = about.map(|outlook| outlook.places.as_slice()).unwrap_or_default();
    let wide = if room == Room::Page {
        places.iter().map(|place| width(&place.environment)).max().unwrap_or(0).min(WIDE)
    } else {
        0
    };
    let items = places.iter().map(|one| place(one, wide, room == Room::Page)).collect();
    Group::new("fix is in", 5, items)
}

/// One of them, with the name of what is there where there is room.
fn place(place: &Place, wide: u16, release: bool) -> Item {
    let (said, role) = match &place.has_fix {
        Ok(true) => ("✓ has it".to_owned(), Role::Good),
        Ok(false) if place.lacks > 0 => (format!("✗ lacks {}", counted(place.lacks, "commit")), Role::Warn),
        Ok(false) => ("✗ lacks it".to_owned(), Role::Warn),
        Err(why) => (format!("? {why}"), Role::Unknown),
    };
    let environment = filled(&place.environment, wide);
    let mut said = item(&[(&environment, Role::Text), (" ", Role::Faint), (&said, role)]);
    if release && !place.release.is_empty() {
        said.push((format!("  {}", place.release), Role::Faint));
    }
    said
}

/// On no hotfix branch: those there are.
fn elsewhere(branch: &BranchState, room: Room) -> Group {
    let mut items = Vec::new();
    let here: Vec<&str> = branch.hotfix_branches.iter().map(String::as_str).collect();
    if !here.is_empty() {
        items.push(item(&[("here: ", Role::Muted), (&names(&here, room), Role::Text)]));
    }
    if let (Some(tag), false) = (&branch.last_tag, branch.not_yet.counts) {
        items.push(one(format!("last tag {tag}"), Role::Faint));
    }
    if let Some(version) = &branch.version {
        items.push(one(format!("version {version}"), Role::Faint));
    }
    Group::new("hotfixes", 1, items)
}

/// How the base stands to its remote, and the branch to its base.
fn base(ui: Ui<'_>, branch: &BranchState) -> Group {
    let mut items = Vec::new();
    let name = branch.base.as_deref().unwrap_or("the base");
    let update = ui.keys(Command::Hotfix, Command::HotfixFetch);
    if branch.base.is_none() && !matches!(branch.head, Head::Unborn { .. }) {
        items.push(one("▲ the branch in production was not found", Role::Warn));
    }
    if let Some(remote) = branch.base_upstream.as_ref().filter(|at| at.exists && !branch.not_yet.counts) {
        let (ahead, behind) = (remote.ahead, remote.behind);
        if ahead > 0 && behind > 0 {
            let said = format!("✗ {name} and {} have diverged: ↑{ahead} ↓{behind}", remote.name);
            items.push(one(said, Role::Bad));
        } else if behind > 0 {
            items.push(one(format!("▲ {name} is {behind} behind {}  {update}", remote.name), Role::Warn));
        } else if ahead > 0 && branch.branch() != Some(name) {
            let said = format!("▲ {name} has {} that {} lacks", counted(ahead, "commit"), remote.name);
            items.push(one(said, Role::Warn));
        }
    }
    if branch.behind > 0 && branch.branch() != Some(name) {
        items.push(one(format!("▲ {} behind {name}", branch.behind), Role::Warn));
    }
    Group::new("base", 3, items)
}

/// Open releases, and hotfixes besides this one.
fn others(ui: Ui<'_>, branch: &BranchState, room: Room) -> Group {
    let own = branch.branch();
    let fix = ui.model.hotfix_branch().is_some();
    let here = branch.hotfix_branches.iter().filter(|name| fix && own != Some(name.as_str()));
    let there = branch.remote_hotfixes.iter();
    let hotfixes: Vec<&str> = here.chain(there).map(String::as_str).collect();
    let remote = branch.remote.as_deref().map(|remote| format!("{remote}/")).unwrap_or_default();
    let short = |name: &'_ str| name.strip_prefix(&remote).unwrap_or(name).to_owned();
    let releases: Vec<String> = branch.releases.iter().map(|release| short(release.short())).collect();
    let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
    let mut items = Vec::new();
    if !releases.is_empty() {
        items.push(item(&[("▲ open: ", Role::Warn), (&names(&releases, room), Role::Text)]));
    }
    if !hotfixes.is_empty() {
        let label = if fix { "▲ other hotfix: " } else { "at the remote: " };
        let role = if fix { Role::Warn } else { Role::Muted };
        items.push(item(&[(label, role), (&names(&hotfixes, room), Role::Text)]));
    }
    Group::new("also open", 6, items)
}

/// When the remote was last heard of, once that is a while ago.
fn fetched(ui: Ui<'_>, branch: &BranchState, room: Room) -> Group {
    let Some(at) = branch.fetched_at else { return Group::default() };
    let old = ui.model.now.duration_since(at) >= OLD;
    let text = format!("last fetch {} ago", ui.ago(at));
    let items = if old || room == Room::Page { vec![one(text, Role::Faint)] } else { Vec::new() };
    Group::new("remote", 7, items)
}

/// A text filled up with blanks to so many columns.
fn filled(text: &str, wide: u16) -> String {
    let blanks = usize::from(wide.saturating_sub(width(text)));
    format!("{text}{}", " ".repeat(blanks))
}

/// Names in a row, the rest as a number.
fn names(names: &[&str], room: Room) -> String {
    let most = if room == Room::Little { NAMES } else { usize::MAX };
    let shown: Vec<&str> = names.iter().copied().take(most).collect();
    let left = names.len() - shown.len();
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    shown.join(", ") + &more
}

/// What matters most in a few words, for the one line a pane has when it is not drawn.
pub(super) fn worst(ui: Ui<'_>, branch: &BranchState) -> Vec<Item> {
    let about = outlook(ui, branch);
    if ui.model.hotfix_branch().is_none() {
        return finished(ui).items.into_iter().chain(base(ui, branch).items).collect();
    }
    let trouble = |item: &Item| {
        item.iter().any(|(_, role)| matches!(role, Role::Warn | Role::Bad | Role::Overdue | Role::Unknown))
    };
    let mut all = merges(ui, branch, about, Room::Little);
    all.truncate(1);
    all.extend([size(ui, branch, about), pull(ui, branch)]);
    all.extend(growth(about, Room::Little).into_iter().take(1));
    all.extend([base(ui, branch), places(about, Room::Little)]);
    // The minus of a diff is red, and no trouble.
    let diff = |item: &Item| item.len() == 3 && item.iter().any(|(text, _)| text.starts_with('−'));
    all.into_iter().flat_map(|group| group.items).filter(|item| trouble(item) && !diff(item)).collect()
}
