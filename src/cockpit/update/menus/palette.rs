//! What the palette lists: every command and every row of a menu, each once, by what it does.

use super::super::super::commands::{COMMANDS, Command, Invoke, Scope};
use super::super::super::model::Model;
use super::super::super::msg::Item;
use super::{blocked, hotfix, is_of_team, join, label, menu, needs_incident, opener, path};
use crate::incident::Next;

/// Every command and every row of a menu.
pub(in crate::cockpit::update) fn everything(model: &Model) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for spec in COMMANDS {
        let in_a_window = matches!(
            spec.scope,
            Scope::Output
                | Scope::Preview
                | Scope::Vote
                | Scope::Rollback
                | Scope::Flags
                | Scope::Culprits
                | Scope::Message
                | Scope::Report
                | Scope::Past
        );
        if in_a_window || (spec.scope == Scope::Start && model.log.is_some()) {
            continue;
        }
        let found = if spec.command.is_menu()
            && !matches!(
                spec.command,
                Command::Notes | Command::Incident | Command::View | Command::Hotfix | Command::Clocks
            ) {
            rows(model, spec.command)
        } else if spec.command == Command::Clocks
            || !spec.command.is_menu()
                && spec.command != Command::Palette
                && !matches!(spec.command, Command::Smoke | Command::Watch | Command::Approve)
                && !is_of_team(spec.command)
                && !spec.command.is_motion()
        {
            alone(model, spec.command).into_iter().collect()
        } else {
            Vec::new()
        };
        // What stands in two menus is one thing to do.
        for item in found {
            if !items.iter().any(|known| known.invoke == item.invoke) {
                items.push(item);
            }
        }
    }
    items
}

/// The rows that do what NEXT says, the most pressing first.
pub(in crate::cockpit::update) fn pressing(model: &Model, items: &[Item]) -> Vec<Invoke> {
    let row = |(next, _): &(Next, String)| {
        let command = match Command::parse(next.action)? {
            // What people are told is written, sent and recorded in one window.
            Command::Told => Command::Message,
            command => command,
        };
        let is_it = |item: &&Item| item.invoke.command == command && item.invoke.argument == next.argument;
        let any = |item: &&Item| item.invoke.command == command && item.invoke.argument.is_empty();
        items.iter().find(is_it).or_else(|| items.iter().find(any)).map(|item| item.invoke.clone())
    };
    model.derived.next.iter().filter_map(row).collect()
}

/// The rows of a menu.
fn rows(model: &Model, command: Command) -> Vec<Item> {
    let opened = path(model, &Invoke::from(command));
    let mut items = Vec::new();
    for item in menu(model, command).items {
        if model.log.is_none() && item.disabled == Some(needs_incident(model)) {
            continue;
        }
        // Roles have a menu of their own.
        if command == Command::Team && item.invoke.command == Command::Role {
            continue;
        }
        // What a menu explains behind the dot would only blur the search.
        let short = item.label.split(" · ").next().unwrap_or_default();
        let label = match verb(item.invoke.command).filter(|_| item.invoke.command == command) {
            Some(verb) => format!("{verb} {short}"),
            None => short.to_owned(),
        };
        // An action may have a key of its own.
        let in_menu = opener(item.invoke.command) == command && command != Command::Actions;
        let path = if in_menu {
            join([opened.clone(), item.key.map_or_else(String::new, |key| key.to_string())])
        } else {
            path(model, &item.invoke)
        };
        items.push(Item { path, label, ..item });
    }
    items
}

/// A command that is no menu; `None`: it is not offered now.
fn alone(model: &Model, command: Command) -> Option<Item> {
    if !hotfix::is_offered(model, command) {
        return None;
    }
    let disabled = blocked(model, command);
    // Without an incident only what works without one is listed.
    if model.log.is_none() && disabled == Some(needs_incident(model)) {
        return None;
    }
    let invoke = Invoke::from(command);
    let label = said(command).map_or_else(|| label(model, command), str::to_owned);
    Some(Item { key: None, path: path(model, &invoke), label, disabled, invoke })
}

/// What the rows of a menu do, where they do not say it themselves.
fn verb(menu: Command) -> Option<&'static str> {
    Some(match menu {
        Command::Severity => "set severity:",
        Command::Role => "assign",
        Command::Told => "record as told:",
        Command::Snooze => "snooze",
        Command::Phase => "enter phase:",
        Command::Test => "test",
        Command::Deploy => "deploy",
        Command::Actions => "run",
        Command::Approve => "approve as",
        Command::ChartSecond => "draw a second probe:",
        _ => return None,
    })
}

/// What a command does, where its title is a name.
fn said(command: Command) -> Option<&'static str> {
    Some(match command {
        Command::FocusTimeline => "go to the timeline",
        Command::FocusHealth => "go to health",
        Command::FocusHotfix => "go to the hotfix",
        Command::FocusChecklist => "go to the checklist",
        Command::FocusRuns => "go to the runs",
        Command::Note => "write a note",
        Command::Finding => "note a finding",
        Command::Decision => "note a decision",
        Command::Problem => "note a problem",
        Command::ActionTaken => "note an action",
        Command::Well => "note what went well",
        Command::Better => "note what could be better",
        Command::FollowUp => "note a follow-up",
        Command::Message => "write a message",
        Command::Backlog => "copy a ticket for the backlog",
        Command::Impact => "describe the impact",
        Command::Cause => "describe the cause",
        Command::Page => "record who was paged",
        Command::Clocks => "see all clocks",
        Command::Mitigate => "record that users are served again",
        Command::Resolve => "resolve the incident",
        Command::Reopen => "reopen the incident",
        Command::Close => "close the incident",
        Command::Review => "record the review",
        Command::FollowUpSend => "open issues for follow-ups",
        Command::Agenda => "read the agenda of the review",
        Command::Report => "read the report",
        Command::DrillGrade => "see how the drill went",
        Command::Incidents => "go to other incidents",
        Command::Flags => "turn a flag off or on",
        Command::Runbooks => "read the runbooks",
        Command::Culprits => "find what broke it",
        Command::History => "look back at past incidents",
        Command::FollowUps => "see open follow-ups",
        Command::Suspects => "look at suspects",
        Command::Refresh => "read the repository again",
        Command::SuspectsAgain => "look at suspects again",
        Command::Guide => "show or hide the guide",
        _ => return None,
    })
}
