//! The incident report on the screen: made of the record as it is, kept up with it, and filled in from there.

use super::super::commands::{Command, Invoke};
use super::super::key::Key;
use super::super::model::Model;
use super::super::msg::{Effect, Item};
use super::super::overlay::{Menu, Overlay, Purpose, ReportView};
use super::{Cx, invoke, menus};
use crate::incident::State;
use crate::plan::{ReportText, Request};
use crate::report;

/// The report as it is now, or the agenda of its review.
pub(super) fn view(model: &Model, agenda: bool) -> Option<ReportView> {
    let state = model.incident()?;
    let records = state.records;
    let state = State { number: model.number().to_owned(), ..state.clone() };
    let setting = report::Setting {
        policy: &model.policy,
        checklist: model.checklist(),
        probes: &model.config.config.probes,
        drill: model.drill,
    };
    let view = if agenda {
        ReportView::agenda(report::agenda(&state, setting))
    } else {
        ReportView::new(report::markdown(&state, setting))
    };
    Some(ReportView { records, ..view })
}

/// Makes an open report anew where something was recorded since.
pub(super) fn refresh(model: &mut Model) {
    let records = model.incident().map(|state| state.records);
    let is_old =
        |overlay: &Overlay| matches!(overlay, Overlay::Report(view) if Some(view.records) != records);
    let Some(place) = model.overlays.iter().position(is_old) else { return };
    let agenda = matches!(model.overlays.get(place), Some(Overlay::Report(old)) if !old.is_report());
    let Some(new) = view(model, agenda) else { return };
    if let Some(Overlay::Report(old)) = model.overlays.get_mut(place) {
        let (scroll, asked, said) = (old.scroll, old.asked, std::mem::take(&mut old.said));
        **old = ReportView { scroll, asked, said, ..new };
    }
}

/// Asks for what is missing in the report: at once where that is one thing, else for which of them.
pub(super) fn fill(cx: &mut Cx<'_>) {
    let Some(state) = cx.model.incident() else { return };
    let gaps = report::gaps(state);
    let step = |gap: &report::Gap| {
        Some(Invoke { command: Command::parse(gap.command)?, argument: gap.argument.to_owned() })
    };
    let mut items: Vec<Item> = Vec::new();
    for (gap, invoke) in gaps.iter().filter_map(|gap| Some((gap, step(gap)?))) {
        let digit = char::from_digit(u32::try_from(items.len() + 1).unwrap_or(u32::MAX), 10);
        let disabled = menus::blocked(cx.model, invoke.command);
        let (key, label) = (digit.map(Key::char), gap.what.to_owned());
        items.push(Item { key, path: String::new(), label, disabled, invoke });
    }
    match items.as_slice() {
        [] => cx.say("nothing is missing"),
        [Item { disabled: Some(why), .. }] => cx.say(why.clone()),
        [only] => {
            let only = only.invoke.clone();
            invoke::invoke(cx, &only);
        }
        _ => {
            let title = "What is missing?".to_owned();
            cx.push(Overlay::Menu(Menu {
                command: Command::ReportFill,
                title,
                note: String::new(),
                items,
                headings: Vec::new(),
                selected: 0,
            }));
        }
    }
}

/// Asks for the branch that it is committed to.
fn ask_for_branch(cx: &mut Cx<'_>) {
    if let Some(why) = menus::blocked(cx.model, Command::ReportBranch) {
        return cx.say(why);
    }
    let example = "for example incident-reports; created if missing";
    invoke::ask(cx, Purpose::ReportBranch, "Commit the report to which branch?", example, String::new());
}

/// Makes the plan that commits the report to a branch.
///
/// # Errors
/// A plan is being made already.
pub(super) fn to_branch(cx: &mut Cx<'_>, branch: String) -> Result<(), String> {
    if cx.model.in_flight.values().any(|doing| *doing == invoke::MAKING) {
        return Err("a plan is being made: try again in a moment".to_owned());
    }
    let (Some(view), Some(state)) = (view(cx.model, false), cx.model.incident()) else { return Ok(()) };
    let (number, title) = (cx.model.number().to_owned(), state.title.clone());
    let path = format!("incidents/{number}.md");
    let wanted = ReportText { branch, path, number, title, text: view.markdown };
    cx.effect(invoke::MAKING, Effect::Prepare(Request::Report(wanted)));
    Ok(())
}

/// Saves, copies or exports it.
pub(super) fn act(cx: &mut Cx<'_>, command: Command) {
    let Some(Overlay::Report(view)) = cx.model.overlays.last() else { return };
    let saves = matches!(command, Command::ReportSave | Command::ReportHtml | Command::ReportBranch);
    if saves && !view.is_report() {
        return cx.say("flightdeck review agenda > agenda.md writes it to a file");
    }
    if command == Command::ReportBranch {
        return ask_for_branch(cx);
    }
    let content = view.markdown.clone();
    let id = match command {
        Command::ReportCopy => cx.effect("copying", Effect::Copy(content)),
        Command::ReportExport => cx.effect("exporting the records", Effect::Export),
        _ => {
            let is_page = command == Command::ReportHtml;
            let (ending, content) = if is_page { ("html", report::html(&content)) } else { ("md", content) };
            let name = format!("{}.{ending}", cx.model.number());
            let Some(incident) = cx.model.incident().map(|state| state.id) else { return };
            cx.effect("saving the report", Effect::Save { incident, name, content })
        }
    };
    if let Some(Overlay::Report(view)) = cx.model.overlays.last_mut() {
        view.asked = Some((id, command != Command::ReportCopy));
        view.said.clear();
    }
}
