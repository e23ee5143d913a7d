//! Menus and palette: what can be done right now, with names filled in, and why not.

mod incident;
mod own;
mod palette;
mod turns;

use super::super::commands::{COMMANDS, Command, Danger, Invoke, Scope};
use super::super::key::Key;
use super::super::model::{ConfigSource, Model};
use super::super::msg::Item;
use super::super::overlay::Menu;
use super::super::production;
use super::{hotfix, settle};
use crate::config::types::Environment;
use crate::deploy::canary::shares;
use crate::hotfix::state::NoRepository;
use crate::incident::{PlanState, State, Status, duration};
use crate::text::address::without_credentials;
pub(super) use incident::{clock_of, roles, told_question};
pub(super) use palette::{everything, pressing};
pub use turns::title;

/// The menu of a command, as it stands.
pub(super) fn menu(model: &Model, command: Command) -> Menu {
    let mut headings = Vec::new();
    let (note, items) = match command {
        Command::Severity => (String::new(), incident::severities(model)),
        Command::Role => (String::new(), roles(model)),
        Command::Told => (String::new(), incident::audiences(model)),
        Command::Phase => (String::new(), incident::phases(model)),
        Command::Test => tests(model),
        Command::Deploy => deploys(model),
        Command::Actions => own::actions(model),
        Command::Approvals => super::approvals::menu(model),
        Command::Snooze => super::team::snoozes(model),
        Command::Clocks => incident::clocks(model),
        Command::Team => {
            let (items, parts) = super::team::items(model, fixed(model, command));
            headings = parts;
            (model.on_call().unwrap_or_default(), items)
        }
        Command::ChartSecond => (String::new(), super::chart::seconds(model)),
        _ => (String::new(), fixed(model, command)),
    };
    let title = command.spec().title;
    let mut title = title.chars().next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default()
        + title.get(1..).unwrap_or_default();
    match command {
        Command::Role => "Who takes which role".clone_into(&mut title),
        Command::Told => "Who was told?".clone_into(&mut title),
        _ => {}
    }
    let selected = items.iter().position(|item| item.disabled.is_none()).unwrap_or_default();
    Menu { command, title, note, items, headings, selected }
}

/// The keys that lead to a command from the cockpit: `d s`; empty where none do.
pub fn path(model: &Model, invoke: &Invoke) -> String {
    let spec = invoke.command.spec();
    let own = model.keymap.key(invoke.command).map(|key| key.to_string());
    if invoke.command == Command::Plan {
        // In the runs the key means what the cursor is on.
        let there = model.log.is_none()
            || invoke.argument.is_empty()
            || super::plan_view::meant(model).is_some_and(|plan| plan.id == invoke.argument);
        let key = |command| model.keymap.key(command);
        if !there && super::plan_view::elsewhere(model).is_none_or(|plan| plan.id != invoke.argument) {
            // Among the runs it can be picked.
            return key(Command::FocusRuns).map_or_else(String::new, |key| key.to_string());
        }
        let away = key(Command::FocusTimeline).filter(|_| !there);
        return away.map(|key| key.to_string()).into_iter().chain(own).collect::<Vec<_>>().join(" ");
    }
    if invoke.command == Command::Actions && !invoke.argument.is_empty() {
        let direct = crate::cockpit::own::path(model, &invoke.argument);
        if !direct.is_empty() {
            return direct;
        }
    }
    let mut parts = Vec::new();
    if let Scope::Menu(parent) = spec.scope {
        parts.push(path(model, &parent.into()));
    }
    if invoke.argument.is_empty() {
        parts.extend(own);
    } else {
        if opener(invoke.command) == invoke.command {
            parts.extend(own);
        }
        parts.extend(key_in_menu(model, invoke).map(|key| key.to_string()));
    }
    join(parts)
}

fn join(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The command whose menu has the rows of a command.
fn opener(command: Command) -> Command {
    match command {
        Command::Smoke | Command::Watch => Command::Deploy,
        Command::Approve => Command::Approvals,
        command if is_of_team(command) => Command::Team,
        command => command,
    }
}

/// Whether a command stands in the menu of people, about one of its rows.
pub(super) fn is_of_team(command: Command) -> bool {
    use Command::{Agree, HandoffAccept, HandoffBrief, HandoffDecline, Object, Refuse, TaskEnd};
    matches!(command, HandoffAccept | HandoffBrief | HandoffDecline | TaskEnd | Object | Agree | Refuse)
}

/// The key of a row in its menu. Where a menu may be long it is found without making the menu.
fn key_in_menu(model: &Model, invoke: &Invoke) -> Option<Key> {
    let config = &model.config.config;
    let opener = opener(invoke.command);
    match (opener, invoke.command) {
        (Command::Deploy, Command::Deploy | Command::Smoke) => {
            let place = config.environments.iter().position(|env| env.name == invoke.argument)?;
            let letter = environment_letters(model).get(place).copied().flatten()?;
            let smoke = invoke.command == Command::Smoke;
            let smokes = letter.is_ascii_lowercase().then(|| letter.to_ascii_uppercase());
            if smoke { smokes.map(Key::char) } else { Some(Key::char(letter)) }
        }
        (Command::Test, _) if invoke.argument != ALL => {
            let place = config.checks.iter().position(|check| check.name == invoke.argument)?;
            let names: Vec<&str> = config.checks.iter().map(|check| check.name.as_str()).collect();
            letters(&names, &['a']).get(place).copied().flatten().map(Key::char)
        }
        (opener, _) => menu(model, opener).items.into_iter().find(|item| item.invoke == *invoke)?.key,
    }
}

/// The letter of each environment in the menu of deploys.
fn environment_letters(model: &Model) -> Vec<Option<char>> {
    let names: Vec<&str> = model.config.config.environments.iter().map(|env| env.name.as_str()).collect();
    let taken = watch(model).and_then(|item| item.key).and_then(Key::text);
    letters(&names, taken.as_slice())
}

/// Why a command cannot be used now; `None`: it can.
pub(super) fn blocked(model: &Model, command: Command) -> Option<String> {
    let spec = command.spec();
    if spec.danger == Danger::View {
        return match command {
            Command::Report | Command::Agenda | Command::DrillGrade if model.log.is_none() => {
                Some(needs_incident(model))
            }
            Command::RollBack => needs_config(model, command),
            Command::Suspects | Command::SuspectsAgain => match &model.branch {
                None => Some("the repository is being read".to_owned()),
                Some(Err(why)) => Some(no_repository(why)),
                Some(Ok(_)) => None,
            },
            Command::PullLink | Command::PullText | Command::CheckLog => hotfix::blocked(model, command),
            Command::PlanSettle => settle::blocked(model),
            command if command.is_chart() => super::chart::blocked(model, command),
            _ => None,
        };
    }
    if let (Some(why), true) = (model.unsaved(), !matches!(command, Command::Init | Command::Trust)) {
        return Some(why);
    }
    match command {
        // They are about any incident, also where none is open.
        Command::Declare
        | Command::FollowUpDone
        | Command::FollowUpDrop
        | Command::FollowUpAssign
        | Command::FollowUpSync => None,
        // Nobody trusts what cannot be read.
        Command::Trust if model.present.on => Some(match model.keymap.key(Command::Presenter) {
            Some(key) => format!("presenter mode masks what it would run: end that first ({key})"),
            None => "presenter mode masks what it would run: end that first".to_owned(),
        }),
        Command::Trust => match &model.config.source {
            // What is wrong with it is shown in place of what it would run.
            ConfigSource::Untrusted { .. } | ConfigSource::Invalid(_) => None,
            ConfigSource::None if command == Command::RollBack => Some(super::rollback::by_hand(model)),
            ConfigSource::None => Some("no flightdeck.toml".to_owned()),
            ConfigSource::Trusted => Some("it is trusted".to_owned()),
        },
        Command::Init => match (&model.config.source, &model.branch) {
            (_, Some(Err(_)) | None) => Some("no repository here".to_owned()),
            (ConfigSource::None, _) => None,
            _ => Some("there is one already".to_owned()),
        },
        Command::Live | Command::Clear if model.incident().is_some() => super::live::blocked(model, command),
        _ => match model.incident() {
            None => Some(needs_incident(model)),
            Some(state) => in_state(model, state, command),
        },
    }
}

pub(super) fn needs_incident(model: &Model) -> String {
    match model.keymap.key(Command::Declare) {
        Some(key) => format!("declare or open an incident first ({key})"),
        None => "declare or open an incident first".to_owned(),
    }
}

/// Why a command makes no sense in this state of the incident.
fn in_state(model: &Model, state: &State, command: Command) -> Option<String> {
    let status = state.status;
    let no = |yes: bool, why: &str| if yes { Some(why.to_owned()) } else { None };
    let settled = !state.in_conflict();
    match command {
        Command::Mitigate if production::failed_again(model).is_some() => None,
        Command::Mitigate => no(settled && status != Status::Open, &format!("it is {}", status.name())),
        Command::Resolve => no(settled && !state.is_open(), &format!("it is {}", status.name())),
        Command::Reopen => no(settled && status == Status::Open, "it is open"),
        Command::Review => no(state.resolved_at.is_none(), "resolve it first"),
        Command::Handoff | Command::Task | Command::Motion | Command::Object => {
            no(settled && !state.is_open(), &format!("it is {}", status.name()))
        }
        Command::HotfixNot => match &state.no_hotfix {
            Some((_, why)) => Some(format!("decided already: {why}")),
            None => no(settled && !state.is_open(), &format!("it is {}", status.name())),
        },
        Command::Close => no(settled && status != Status::Resolved, "resolve it first"),
        Command::Test
        | Command::Deploy
        | Command::Smoke
        | Command::Watch
        | Command::Flags
        | Command::Actions => needs_config(model, command),
        Command::HotfixStart
        | Command::HotfixBump
        | Command::HotfixPush
        | Command::HotfixFinish
        | Command::HotfixMainFirst
        | Command::HotfixFetch
        | Command::HotfixAbandon => hotfix::blocked(model, command),
        Command::PlanResume
        | Command::PlanRetry
        | Command::PlanSkip
        | Command::PlanUndo
        | Command::PlanApprove
        | Command::PlanReject
        | Command::PlanCancel => {
            let none = || super::plan_view::not_here(model, command);
            let why = no(super::plan_view::choice(model, command).is_none(), "no plan can do that right now");
            why.map(|why| none().unwrap_or(why))
        }
        Command::PlanTakeOver => no(super::plan_view::held(model).is_none(), "no plan holds a target"),
        Command::FollowUpSend => {
            let none = state.open_follow_ups().all(|one| one.issue.is_some());
            no(none, "no follow-up is open that has no issue yet").or_else(|| hotfix::no_host(model))
        }
        Command::Backlog => no(model.policy.needs_hotfix(state.severity), "its severity asks for a hotfix"),
        Command::SuspectBisect => needs_config(model, Command::Test),
        Command::DrillFix => hotfix::no_prepared_fix(model).map(str::to_owned),
        _ => None,
    }
}

/// One line on why there is no repository to work with.
pub fn no_repository(why: &NoRepository) -> String {
    match why {
        NoRepository::NotFound => "no git repository here".to_owned(),
        NoRepository::Bare => "the repository is bare: it has no files to work on".to_owned(),
        NoRepository::NotOurs { .. } => "the repository belongs to another user".to_owned(),
        NoRepository::Unreadable { why } => format!("the repository cannot be read: {why}"),
    }
}

/// Why nothing configured can be run, if that is so.
pub(super) fn needs_config(model: &Model, command: Command) -> Option<String> {
    let config = &model.config.config;
    let nothing = match command {
        Command::Test => config.checks.is_empty(),
        Command::Flags => config.flags.is_empty(),
        Command::Actions => config.actions.is_empty(),
        Command::Message => config.channels.is_empty(),
        _ => config.environments.is_empty(),
    };
    let trust = model.keymap.key(Command::Trust).map_or_else(String::new, |key| format!(" ({key})"));
    match &model.config.source {
        ConfigSource::Untrusted { .. } => Some(format!("flightdeck.toml is not trusted yet{trust}")),
        ConfigSource::Invalid(_) => Some(format!("flightdeck.toml has errors{trust}")),
        ConfigSource::None if command == Command::RollBack => Some(super::rollback::by_hand(model)),
        ConfigSource::None => Some("no flightdeck.toml; `flightdeck init` writes one".to_owned()),
        ConfigSource::Trusted if nothing && command == Command::Test => {
            Some("flightdeck.toml names no checks".to_owned())
        }
        ConfigSource::Trusted if nothing && command == Command::Flags => {
            Some("flightdeck.toml names no flags".to_owned())
        }
        ConfigSource::Trusted if nothing && command == Command::Actions => {
            Some("flightdeck.toml names no [[actions]]".to_owned())
        }
        ConfigSource::Trusted if nothing && command == Command::Message => {
            Some("flightdeck.toml names no [[channels]]".to_owned())
        }
        ConfigSource::Trusted if nothing => Some("flightdeck.toml names no environments".to_owned()),
        ConfigSource::Trusted => None,
    }
}

/// The title of a command with the present value, where that helps.
fn label(model: &Model, command: Command) -> String {
    let title = title(model, command);
    let with = |value: &str, empty: &str| {
        let value = if value.is_empty() { empty } else { value };
        format!("{title}: {value}")
    };
    let Some(state) = model.incident() else { return title.to_owned() };
    match command {
        Command::Title => "reword the title".to_owned(),
        Command::Began => {
            let at = model.looks.zone.to_datetime(state.started_at);
            format!("correct when it began: {:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
        }
        Command::Impact => with(&state.impact, "not described yet"),
        Command::Cause => with(&state.cause, "not described yet"),
        Command::Role => "who takes which role …".to_owned(),
        Command::Page => "somebody was paged".to_owned(),
        Command::Told => "somebody was informed …".to_owned(),
        Command::Snooze => "snooze a reminder …".to_owned(),
        Command::Clocks => "all clocks …".to_owned(),
        Command::Phase => with(model.policy.phase_name(state.phase), "").replace(": ", " … now "),
        Command::Mitigate => "mitigated: users are served again".to_owned(),
        Command::Resolve => "resolve: it is over".to_owned(),
        Command::Reopen if state.status == Status::Mitigated => {
            "not mitigated after all: users are hit again".to_owned()
        }
        Command::Reopen => "reopen: it was not over".to_owned(),
        Command::Close => "close: nothing is left to do".to_owned(),
        Command::Agenda => "agenda of the review".to_owned(),
        Command::Report => "report: read it, save it".to_owned(),
        Command::DrillGrade => "grade: how the drill went".to_owned(),
        Command::Review => "review: it was held".to_owned(),
        Command::HotfixStart
        | Command::HotfixBump
        | Command::HotfixPush
        | Command::HotfixFinish
        | Command::HotfixMainFirst
        | Command::HotfixFetch
        | Command::HotfixAbandon
        | Command::PullLink
        | Command::PullText
        | Command::CheckLog => hotfix::label(model, command),
        Command::Plan => match super::plan_view::meant(model) {
            Some(plan) => format!("plan: {}, {}", plan.title, plan.state.word()),
            None => title.to_owned(),
        },
        Command::PlanResume
        | Command::PlanRetry
        | Command::PlanSkip
        | Command::PlanUndo
        | Command::PlanApprove
        | Command::PlanReject
        | Command::PlanCancel => match super::plan_view::choice(model, command) {
            Some((view, choice)) => format!("plan {}: {}", view.plan, choice.title),
            None => format!("plan: {title}"),
        },
        Command::PlanSettle => format!("plan: {title}"),
        Command::Theme => with(&model.looks.theme, "dark"),
        Command::Guide if model.drill => with(if model.looks.guide { "shown" } else { "hidden" }, ""),
        _ => title.to_owned(),
    }
}

/// A menu whose rows are commands of the table.
fn fixed(model: &Model, menu: Command) -> Vec<Item> {
    COMMANDS
        .iter()
        .filter(|spec| spec.scope == Scope::Menu(menu) && !is_of_team(spec.command))
        .filter(|spec| hotfix::is_offered(model, spec.command))
        .filter(|spec| spec.command != Command::Guide || model.drill)
        .map(|spec| Item {
            key: model.keymap.key(spec.command),
            path: String::new(),
            label: label(model, spec.command),
            disabled: blocked(model, spec.command),
            invoke: spec.command.into(),
        })
        .collect()
}

/// Rows that carry an argument, each with a letter of its own.
pub(super) fn rows(
    command: Command,
    names: &[String],
    taken: &[char],
    row: impl Fn(usize) -> (String, Option<String>),
) -> Vec<Item> {
    letters(names, taken)
        .into_iter()
        .zip(names)
        .enumerate()
        .map(|(index, (letter, name))| {
            let (label, disabled) = row(index);
            Item {
                key: letter.map(Key::char),
                path: String::new(),
                label,
                disabled,
                invoke: Invoke { command, argument: name.clone() },
            }
        })
        .collect()
}

/// A letter or digit for each name: the first of its own that is free, else the next free
/// digit. More than nine get digits and letters in order; `None` when all are used up.
pub fn letters<Name: AsRef<str>>(names: &[Name], taken: &[char]) -> Vec<Option<char>> {
    /// More than so many are numbered in order: their own letters would be a riddle.
    const FEW: usize = 9;
    if names.len() > FEW {
        let mut free = ('1'..='9').chain('a'..='z').filter(|c| !taken.contains(c));
        return names.iter().map(|_| free.next()).collect();
    }
    let mut used: Vec<char> = taken.to_vec();
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let own = name.as_ref().chars().map(|c| c.to_ascii_lowercase()).filter(char::is_ascii_alphanumeric);
        let letter = own.chain('1'..='9').chain('a'..='z').find(|c| !used.contains(c));
        used.extend(letter);
        out.push(letter);
    }
    out
}

fn tests(model: &Model) -> (String, Vec<Item>) {
    let blocked = blocked(model, Command::Test);
    let names: Vec<String> = model.config.config.checks.iter().map(|check| check.name.clone()).collect();
    let mut items = rows(Command::Test, &names, &['a'], |index| {
        let check = &model.config.config.checks[index];
        let line = shell_words::join(&check.command);
        (format!("{}  {}", check.name, without_credentials(&line)), blocked.clone())
    });
    if names.len() > 1 {
        items.insert(
            0,
            Item {
                key: Some(Key::char('a')),
                path: String::new(),
                label: all_of(names.len(), "checks"),
                disabled: blocked.clone(),
                invoke: Invoke { command: Command::Test, argument: ALL.to_owned() },
            },
        );
    }
    (if items.is_empty() { blocked.unwrap_or_default() } else { String::new() }, items)
}

/// `both checks`, `all 3 checks`.
fn all_of(count: usize, what: &str) -> String {
    if count == 2 { format!("both {what}") } else { format!("all {count} {what}") }
}

/// The argument of `test` that stands for every check. No check can be called so: names
/// start with a letter or digit.
pub const ALL: &str = "*";

fn deploys(model: &Model) -> (String, Vec<Item>) {
    let blocked_deploy = blocked(model, Command::Deploy).or_else(|| match model.repository() {
        None => Some("the repository is being read".to_owned()),
        Some(branch) if branch.commit().is_none() => Some("the repository has no commit yet".to_owned()),
        Some(_) => None,
    });
    let what = deployed_reference(model).unwrap_or_else(|| "?".to_owned());
    let environments = &model.config.config.environments;
    let names: Vec<String> = environments.iter().map(|env| env.name.clone()).collect();
    let watch = watch(model);
    let taken: Vec<char> = watch.as_ref().and_then(|item| item.key).and_then(Key::text).into_iter().collect();
    let keys = environment_letters(model);
    let mut items = rows(Command::Deploy, &names, &taken, |index| {
        let busy = busy(model, &names[index]);
        let way = environments.get(index).map(way).unwrap_or_default();
        // A row without a key is there to be seen: how its gates stand is for who can pick it.
        let has_key = keys.get(index).is_some_and(Option::is_some);
        let unmet = if has_key { super::approvals::unmet(model, &names[index]) } else { Vec::new() };
        let gates = match unmet.len() {
            0 => String::new(),
            1 => format!(" · ✗ {} not met", unmet[0].id),
            n => format!(" · ✗ {n} gates not met"),
        };
        // What was no good there is not offered again, and nothing beside a canary that was left there.
        let condemned = unmet.into_iter().find(crate::plan::gates::Standing::shuts).map(|one| one.why);
        (format!("{what} → {}{way}{gates}", names[index]), blocked_deploy.clone().or(busy).or(condemned))
    });
    let smoke: Vec<Item> = items
        .iter()
        .zip(environments)
        .filter(|(_, env)| !env.smoke.is_empty())
        .map(|(item, env)| Item {
            key: item
                .key
                .and_then(Key::text)
                .filter(char::is_ascii_lowercase)
                .map(|c| Key::char(c.to_ascii_uppercase())),
            path: String::new(),
            label: format!("smoke-test {}", env.name),
            disabled: blocked_deploy.clone().or_else(|| busy(model, &env.name)),
            invoke: Invoke { command: Command::Smoke, argument: env.name.clone() },
        })
        .collect();
    items.extend(smoke.into_iter().chain(watch));
    (if items.is_empty() { blocked_deploy.unwrap_or_default() } else { String::new() }, items)
}

/// How an environment is deployed to, behind its name; empty: by one command.
fn way(environment: &Environment) -> String {
    match (&environment.canary, &environment.blue_green) {
        (Some(canary), _) => format!(", canary {}", shares(&canary.weights)),
        (None, Some(_)) => ", blue-green".to_owned(),
        (None, None) => String::new(),
    }
}

/// The row that watches production.
fn watch(model: &Model) -> Option<Item> {
    let config = &model.config.config;
    let env = config.production()?;
    let time = crate::deploy::watch::usual(env, &model.policy);
    let unwatched = crate::deploy::watch::probes(config, env).is_empty();
    let disabled = blocked(model, Command::Watch)
        .or_else(|| unwatched.then(|| format!("no probe watches {}", env.name)))
        .or_else(|| busy(model, &env.name));
    Some(Item {
        key: model.keymap.key(Command::Watch),
        path: String::new(),
        label: format!("watch {} for {}", env.name, duration(time)),
        disabled,
        invoke: Invoke { command: Command::Watch, argument: env.name.clone() },
    })
}

/// What a deploy takes when nothing else is said, as its plan calls it: the tag that was made of it, the current
/// branch, else the commit.
fn deployed_reference(model: &Model) -> Option<String> {
    let branch = model.repository()?;
    let name = branch.tags.last().map(String::as_str).or(branch.branch());
    name.map(str::to_owned).or_else(|| branch.commit().map(|id| id.chars().take(8).collect()))
}

/// The plan that holds a target, as far as the record says.
pub(super) fn busy(model: &Model, target: &str) -> Option<String> {
    let plan = model.holder(target)?;
    let how = if plan.state == PlanState::Waiting { "waits" } else { "is running" };
    Some(format!("{} {how}, started by {}", plan.title, plan.by))
}
