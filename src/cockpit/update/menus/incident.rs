//! The menus of what is said of an incident: severity, roles, who was told, phases.

use super::super::super::commands::{Command, Invoke};
use super::super::super::key::Key;
use super::super::super::model::Model;
use super::super::super::msg::Item;
use super::{blocked, rows};
use crate::incident::{Audience, Clock, ClockState, Phase, duration, time_left};

pub(super) fn severities(model: &Model) -> Vec<Item> {
    let now = model.incident().map(|state| state.severity);
    let tree = Item {
        key: Some(Key::char('t')),
        path: String::new(),
        label: "answer the questions".to_owned(),
        disabled: blocked(model, Command::Severity),
        invoke: Invoke { command: Command::Severity, argument: "tree".to_owned() },
    };
    model
        .policy
        .ranks()
        .map(|severity| {
            let policy = model.policy.severity(severity);
            let within = policy.fix_within.map_or_else(
                || "next regular release".to_owned(),
                |within| format!("fix within {}", duration(within)),
            );
            let name = model.policy.severity_name(severity);
            Item {
                key: Some(Key::char(model.policy.severity_key(severity))),
                path: String::new(),
                label: format!("{name} {} · {within}", policy.word),
                disabled: blocked(model, Command::Severity)
                    .or_else(|| (now == Some(severity)).then(|| "(current)".to_owned())),
                invoke: Invoke { command: Command::Severity, argument: severity.name().to_owned() },
            }
        })
        .chain([tree])
        .collect()
}

pub(in crate::cockpit::update) fn roles(model: &Model) -> Vec<Item> {
    let names: Vec<String> = model.policy.roles.iter().map(|role| role.id.clone()).collect();
    rows(Command::Role, &names, &[], |index| {
        let role = &model.policy.roles[index];
        let person = model.incident().and_then(|state| state.roles.get(&role.id));
        let label = match person {
            Some(person) => format!("{}: {person}", role.title),
            None => format!("{}: nobody yet", role.title),
        };
        (label, blocked(model, Command::Role))
    })
}

/// The question whether an audience was told.
pub(in crate::cockpit::update) fn told_question(model: &Model, audience: &str) -> String {
    let known = model.policy.audiences.iter().find(|known| known.id == audience);
    known.map_or_else(|| "They were told: how?".to_owned(), Audience::question)
}

pub(super) fn audiences(model: &Model) -> Vec<Item> {
    let audiences = &model.policy.audiences;
    let names: Vec<String> = audiences.iter().map(|audience| audience.id.clone()).collect();
    let mut items = rows(Command::Told, &names, &['o'], |index| {
        (audiences[index].title.clone(), blocked(model, Command::Told))
    });
    items.push(Item {
        key: Some(Key::char('o')),
        path: String::new(),
        label: "somebody else …".to_owned(),
        disabled: blocked(model, Command::Told),
        invoke: Invoke { command: Command::Told, argument: "other".to_owned() },
    });
    items
}

/// Between the name of a clock and its time.
const DUE: &str = "  due ";

/// The clock that a row is about, by its name.
pub(in crate::cockpit::update) fn clock_of(item: &Item) -> &str {
    item.label.split(DUE).next().unwrap_or_default().trim_end()
}

/// Every clock that runs or ran out, the most urgent first, and the command that does what it asks for.
pub(super) fn clocks(model: &Model) -> (String, Vec<Item>) {
    let runs = |clock: &&Clock| matches!(clock.state, ClockState::Running | ClockState::Overdue);
    let clocks: Vec<&Clock> = model.derived.clocks.iter().filter(runs).collect();
    let title = |clock: &Clock| match clock.id.as_str() {
        "phase" => {
            format!("{} phase", model.incident().map_or("", |state| model.policy.phase_name(state.phase)))
        }
        _ => clock.title.trim_end_matches(" due").to_owned(),
    };
    let columns = clocks.iter().map(|clock| title(clock).chars().count()).max().unwrap_or_default().min(40);
    let row = |clock: &&Clock| {
        let command = match clock.id.as_str() {
            "page" => Command::Page,
            "escalate" => Command::Role,
            "review" => Command::Review,
            "task" | "proposal" => Command::Team,
            "phase" => Command::Phase,
            "fix" => Command::Hotfix,
            _ => Command::Message,
        };
        let at = model.looks.zone.to_datetime(clock.due_at);
        let day = if at.date() == model.looks.zone.to_datetime(model.now).date() {
            "%H:%M"
        } else {
            "%-d %b %H:%M"
        };
        let (due, left) = (at.strftime(day), time_left(clock.due_at, model.now));
        Item {
            key: None,
            path: String::new(),
            label: format!("{:columns$}{DUE}{due}  {left}", title(clock)),
            disabled: blocked(model, command),
            invoke: command.into(),
        }
    };
    let items: Vec<Item> = clocks.iter().map(row).collect();
    let zone = model.looks.zone_name(model.now);
    let note = if items.is_empty() { "no clock is running".to_owned() } else { format!("times in {zone}") };
    (note, items)
}

pub(super) fn phases(model: &Model) -> Vec<Item> {
    let names: Vec<String> = Phase::ALL.iter().map(|phase| phase.name().to_owned()).collect();
    rows(Command::Phase, &names, &[], |index| {
        let phase = Phase::ALL[index];
        let done = model.policy.phases.iter().find(|policy| policy.phase == phase);
        let label = done.map_or_else(
            || phase.name().to_owned(),
            |p| format!("{} · done when {}", model.policy.phase_name(phase), p.done_when),
        );
        let now = model.incident().is_some_and(|state| state.phase == phase);
        (label, blocked(model, Command::Phase).or_else(|| now.then(|| "(current)".to_owned())))
    })
}
