//! Keys for what lies over the cockpit.

use std::path::Path;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::super::commands::{Command, Danger, Invoke, Scope};
use super::super::complete::complete;
use super::super::edit::LineEdit;
use super::super::key::{Code, Key};
use super::super::model::{ConfigSource, DrillEnd, Model};
use super::super::msg::{Done, Effect, EffectId, Item, KeyPress};
use super::super::overlay::{Act, Ask, HelpView, Overlay, Palette, Purpose, Scroll, Trust};
use super::confirm::{TOO_QUICK, commits, may_confirm, repeated};
use super::{
    Cx, culprits, declare, flags, grade, invoke, lapsed, message, notes, past, plan_view, preview, report,
    rollback, run_view, runbooks, submit, suspects, team, windows,
};
use crate::failure::Failure;
use crate::incident::{Body, Draft, IncidentId, ReportSaved, Resolved, Status};
use crate::text::counted;

/// Takes a key for the top overlay. `before` is the key before this one, and when it came.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    match cx.model.overlays.last() {
        Some(Overlay::Menu(_)) => menu(cx, press.key),
        Some(Overlay::Palette(_)) => palette(cx, press.key),
        Some(Overlay::Ask(_)) => ask(cx, press, before),
        Some(Overlay::Declare(_)) => declare::key(cx, press.key),
        Some(Overlay::Preview(_)) => preview::key(cx, press, before),
        Some(Overlay::Confirm(_)) => confirm(cx, press, before),
        Some(Overlay::Plan(_)) => plan_view::key(cx, press),
        Some(Overlay::Decide(_)) => plan_view::decide_key(cx, press, before),
        Some(Overlay::Flags(_)) => flags::key(cx, press.key),
        Some(Overlay::Culprits(_)) => culprits::key(cx, press.key),
        Some(Overlay::Past(_)) => past::key(cx, press.key),
        Some(Overlay::Runbooks(_)) => runbooks::key(cx, press.key),
        Some(Overlay::Runbook(_)) => runbooks::page_key(cx, press.key),
        Some(Overlay::Trust(_)) if press.key == Key::char('y') => trust(cx, press, before),
        Some(Overlay::Draft(_)) if press.key == Key::char('y') => write(cx, press, before),
        Some(Overlay::Run(_)) => run_view::key(cx, press),
        Some(Overlay::Rollback(_)) => rollback::key(cx, press.key),
        Some(Overlay::Suspects(_)) => suspects::key(cx, press.key),
        Some(Overlay::Change(_)) => suspects::change_key(cx, press.key),
        Some(Overlay::Grade(_)) => grade::key(cx, press.key),
        Some(Overlay::Message(_)) => message::key(cx, press, before),
        Some(_) => document(cx, press.key),
        None => {}
    }
}

/// Pasted text goes into lines of text; it never confirms and never is a command.
pub(super) fn paste(cx: &mut Cx<'_>, text: &str) {
    if run_view::paste(cx, text) || message::paste(cx, text) || notes::paste(cx, text) {
        return;
    }
    match cx.model.overlays.last_mut() {
        Some(Overlay::Ask(ask)) => ask.input.insert(text.trim_end()),
        Some(Overlay::Declare(declare)) => declare::paste(declare, text.trim_end()),
        Some(Overlay::Palette(palette)) => {
            palette.input.insert(text.trim_end());
            search(palette);
        }
        Some(Overlay::Decide(decide)) => plan_view::paste(decide, text),
        Some(Overlay::Preview(shown)) => preview::paste(shown, text),
        _ => {
            let note = windows::key(cx.model, Command::Note);
            cx.say(format!("pasted text is not taken as commands; to write a note, press {note}"));
        }
    }
}

fn menu(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Menu(menu)) = cx.model.overlays.last() else { return };
    let found = menu.items.iter().find(|item| item.key == Some(key)).cloned();
    // The letters of its rows come first: what is left of the keys moves in it.
    let found = found.ok_or_else(|| windows::command(cx.model, &[], key));
    match found {
        Ok(item) => pick(cx, &item),
        Err(_) if key.code == Code::Backspace => cx.pop(),
        Err(Some(Command::Back)) => cx.pop(),
        Err(Some(Command::Open)) => {
            let selected = menu.items.get(menu.selected).cloned();
            if let Some(item) = selected {
                pick(cx, &item);
            }
        }
        Err(command) => match command.and_then(|command| windows::motion(command, windows::page(cx.model))) {
            Some(by) => scroll(cx.model, by),
            None => windows::unknown(cx, key),
        },
    }
}

/// Takes a row of a menu, or says why it cannot be taken.
fn pick(cx: &mut Cx<'_>, item: &Item) {
    if let Some(why) = &item.disabled {
        let note = match cx.model.overlays.last() {
            Some(Overlay::Menu(menu)) if why.is_empty() => menu.note.clone(),
            // The reason first: what is cut is known to who asked for it.
            _ => format!("{why} ({})", item.label),
        };
        return cx.say(note);
    }
    let is_menu = item.invoke.command.is_menu() && item.invoke.argument.is_empty();
    match cx.model.overlays.last() {
        // What is missing is filled in over the report, which shows it then.
        Some(Overlay::Menu(menu)) if menu.command == Command::ReportFill => cx.pop(),
        _ if is_menu => {}
        _ => cx.model.overlays.clear(),
    }
    invoke::invoke(cx, &item.invoke);
}

fn palette(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Palette(palette)) = cx.model.overlays.last_mut() else { return };
    let last = palette.matches.len().saturating_sub(1);
    match key {
        Key { code: Code::Esc, .. } => cx.pop(),
        Key { code: Code::Up, .. } | Key { code: Code::BackTab, .. } => {
            palette.selected = palette.selected.saturating_sub(1);
        }
        Key { code: Code::Down | Code::Tab, .. } => palette.selected = (palette.selected + 1).min(last),
        key if key == Key::ctrl('p') => palette.selected = palette.selected.saturating_sub(1),
        key if key == Key::ctrl('n') => palette.selected = (palette.selected + 1).min(last),
        Key { code: Code::Enter, .. } => {
            let Some(item) = palette.matches.get(palette.selected).map(|index| palette.items[*index].clone())
            else {
                return;
            };
            if let Some(why) = item.disabled {
                cx.say(format!("{why} ({})", item.label));
            } else {
                cx.pop();
                invoke::invoke(cx, &item.invoke);
            }
        }
        key => {
            if palette.input.key(key) {
                search(palette);
            }
        }
    }
}

/// How well a name answers what was typed, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is that, begins with it, or nothing was typed.
    Begins,
    /// Each word of it begins a word of the name.
    Words,
    /// Its letters are in the name.
    Letters,
    /// They are in the help alone.
    Help,
}

fn fit(name: &str, query: &str) -> Fit {
    let name = name.to_lowercase();
    if name.starts_with(query) {
        return Fit::Begins;
    }
    let begins = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|one| one.starts_with(word));
    if query.split_whitespace().all(begins) { Fit::Words } else { Fit::Letters }
}

/// Finds the rows that match, best first: those whose name fits best, then what NEXT says, what was done lately,
/// and what can be done now.
pub(super) fn search(palette: &mut Palette) {
    let pattern = Pattern::parse(palette.input.text(), CaseMatching::Ignore, Normalization::Smart);
    let query = palette.input.text().trim().to_lowercase();
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<_> = palette
        .items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let spec = item.invoke.command.spec();
            // Whoever knows its name finds it by that, too.
            let names = [item.label.as_str(), spec.title];
            let scores = names.map(|name| pattern.score(Utf32Str::new(name, &mut buffer), &mut matcher));
            let best = scores.into_iter().max().flatten();
            let score =
                best.or_else(|| pattern.score(Utf32Str::new(spec.help, &mut buffer), &mut matcher))?;
            let fits = if best.is_some() {
                names.map(|name| fit(name, &query)).into_iter().min().unwrap_or(Fit::Letters)
            } else {
                Fit::Help
            };
            let place =
                |list: &[Invoke]| list.iter().position(|one| *one == item.invoke).unwrap_or(usize::MAX);
            // What NEXT says stands first as long as it can be done.
            let next = if item.disabled.is_none() { place(&palette.next) } else { usize::MAX };
            let order = (fits, next, place(&palette.recent), item.disabled.is_some());
            // Without a word to look for, what is common goes before what only changes the view.
            let views = item.invoke.command.spec().danger == Danger::View;
            Some((
                order,
                views && next == usize::MAX && palette.input.is_blank(),
                std::cmp::Reverse(score),
                index,
            ))
        })
        .collect();
    scored.sort_unstable();
    // Letters that are scattered over a name are what was meant only where nothing is named better.
    if let Some(((best, ..), ..)) = scored.first().copied()
        && best < Fit::Letters
    {
        scored.retain(|((fits, ..), ..)| *fits < Fit::Letters);
    }
    palette.matches = scored.into_iter().map(|(_, _, _, index)| index).collect();
    palette.selected = 0;
}

fn ask(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() else { return };
    let key = press.key;
    match key.code {
        // Enter that is held in a menu must not answer what the row asks.
        Code::Enter if repeated(press, before) && commits(&ask.purpose) => {
            TOO_QUICK.clone_into(&mut ask.complaint);
        }
        Code::Esc => {
            if ask.purpose == Purpose::Filter {
                filter(cx.model, "");
            }
            windows::leave(cx);
        }
        Code::Enter => submit::submit(cx),
        Code::Tab | Code::BackTab => tab(cx, key.code == Code::BackTab),
        _ => {
            ask.completed = None;
            if ask.input.key(key) {
                ask.complaint.clear();
                cx.model.typing_since.get_or_insert(cx.model.now);
                typed(cx.model);
            }
        }
    }
}

/// Puts the next name that may be meant into the line; where there is none a note becomes one of another kind.
fn tab(cx: &mut Cx<'_>, back: bool) {
    let Some(Overlay::Ask(mut ask)) = cx.model.overlays.pop() else { return };
    let completed = complete(cx.model, &mut ask, back);
    if completed {
        ask.complaint.clear();
        cx.model.typing_since.get_or_insert(cx.model.now);
    }
    cx.model.overlays.push(Overlay::Ask(ask));
    if !completed {
        notes::turn(cx.model, back);
    }
    typed(cx.model);
}

/// What is filtered follows what is typed.
fn typed(model: &mut Model) {
    let Some(Overlay::Ask(Ask { purpose: Purpose::Filter, input, .. })) = model.overlays.last() else {
        return;
    };
    let text = input.text().trim().to_owned();
    filter(model, &text);
}

/// Takes back what is being typed as a filter.
pub(super) fn drop_filter(model: &mut Model) {
    if matches!(model.overlays.last(), Some(Overlay::Ask(Ask { purpose: Purpose::Filter, .. }))) {
        filter(model, "");
    }
}

/// Shows only the rows of the focused pane, or the lines of help, that contain a text.
pub(super) fn filter(model: &mut Model, text: &str) {
    if let Some(Overlay::Help(help)) =
        model.overlays.iter_mut().rev().find(|overlay| matches!(overlay, Overlay::Help(_)))
    {
        (help.filter, help.scroll) = (text.to_owned(), Scroll::default());
        return;
    }
    let list = model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Runbooks(view) => Some(view),
        _ => None,
    });
    if let Some(view) = list {
        (view.filter, view.cursor) = (text.to_owned(), 0);
        return;
    }
    let pane = model.focus;
    let since = model.now;
    let view = model.view_mut(pane);
    if view.filter.is_empty() {
        view.filtered_since = Some(since);
    }
    text.clone_into(&mut view.filter);
    view.cursor = None;
}

fn confirm(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    lapsed::keep_up(cx.model);
    let Some(Overlay::Confirm(confirm)) = cx.model.overlays.last() else { return };
    if !confirm.lapsed.is_empty() {
        return match press.key {
            key if key == Key::char('n') || windows::command(cx.model, &[], key) == Some(Command::Back) => {
                cx.pop();
            }
            key if key == Key::char('y') => {
                let (close, why) = (windows::key(cx.model, Command::Back), confirm.lapsed.clone());
                cx.say(format!("y does nothing here. {why} {close} closes"));
            }
            key => windows::unknown(cx, key),
        };
    }
    if let Some(item) = confirm.more.iter().find(|item| item.key == Some(press.key)) {
        let invoke = item.invoke.clone();
        cx.pop();
        return invoke::invoke(cx, &invoke);
    }
    match press.key {
        key if key == Key::char('y') && !may_confirm(confirm.shown_ms, press, before) => cx.say(TOO_QUICK),
        key if key == Key::char('y') => {
            let (act, against) = (confirm.act.clone(), confirm.against.clone());
            cx.pop();
            match act {
                Act::Invoke(invoke) => invoke::invoke(cx, &invoke),
                Act::Append(drafts) => {
                    // The line that they were pasted into is done with.
                    if let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() {
                        ask.input = LineEdit::default();
                        cx.pop();
                    }
                    cx.effect("saving", Effect::Append(drafts));
                }
                // What was open goes into the record, with why it is over all the same.
                Act::Record(body) if needs_reason(&body, &against) => ask_reason(cx, *body, against),
                Act::Record(body) => {
                    let said = match *body {
                        Body::PlanProposed(_) => Some("approval is asked for; see who has to approve"),
                        _ => None,
                    };
                    cx.append(*body);
                    if let Some(said) = said {
                        let key = cx.model.keymap.key(Command::Approvals);
                        cx.say(key.map_or_else(|| said.to_owned(), |key| format!("{said}: {key}")));
                    }
                }
            }
        }
        // Letters do not scroll: they may belong to a text.
        key if scrolled(key).is_some() => {
            if let (Some(by), Some(Overlay::Confirm(confirm))) = (scrolled(key), cx.model.overlays.last_mut())
            {
                confirm.scroll.top = confirm.scroll.top.saturating_add_signed(by);
            }
        }
        key if key == Key::char('n') || windows::command(cx.model, &[], key) == Some(Command::Back) => {
            cx.pop();
        }
        key => windows::unknown(cx, key),
    }
}

/// Tells whether it is said to be over with something open.
fn needs_reason(body: &Body, against: &[String]) -> bool {
    matches!(body, Body::Resolved(_)) && !against.is_empty()
}

/// Asks why it is over although this is open.
fn ask_reason(cx: &mut Cx<'_>, body: Body, open: Vec<String>) {
    let Body::Resolved(resolved) = body else { return };
    let label = format!("{} open: why is it over?", counted(open.len(), "point"));
    let purpose = Purpose::Resolve(Box::new(Resolved { open, ..resolved }));
    invoke::ask(cx, purpose, &label, "for example the rest is a follow-up", String::new());
}

fn trust(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Trust(view)) = cx.model.overlays.last() else { return };
    if !may_confirm(view.shown_ms, press, before) {
        return cx.say(TOO_QUICK);
    }
    if view.changed {
        // The key was meant for what stood there before.
        if let Some(Overlay::Trust(view)) = cx.model.overlays.last_mut() {
            *view = Trust { scroll: view.scroll, ..Trust::default() };
        }
        return cx.say("flightdeck.toml changed while this was open: read it again, then press y");
    }
    if let ConfigSource::Untrusted { hash, .. } = &cx.model.config.source {
        let hash = hash.clone();
        cx.effect("trusting", Effect::Trust { hash });
    }
    cx.pop();
}

/// Writes the `flightdeck.toml` that was read.
fn write(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Draft(view)) = cx.model.overlays.last() else { return };
    if !may_confirm(view.shown_ms, press, before) {
        return cx.say(TOO_QUICK);
    }
    let content = view.content.clone();
    cx.effect("writing flightdeck.toml", Effect::Init { content });
    cx.pop();
}

/// Copies the words of a pull request, or the link to its form.
fn by_hand(cx: &mut Cx<'_>, words: bool) {
    let Some(Overlay::ByHand(by_hand, _)) = cx.model.overlays.last() else { return };
    let text = if words { Some(by_hand.words()) } else { by_hand.link.clone() };
    if let Some(text) = text {
        cx.effect("copying", Effect::Copy(text));
    }
}

/// Writes down that a report was saved, where that can be written down, and says where it is.
pub(super) fn report_saved(cx: &mut Cx<'_>, incident: IncidentId, path: &Path) -> Done {
    let is_closed = cx.model.incident().is_some_and(|state| state.status == Status::Closed);
    if let Some(file) = path.file_name().filter(|_| cx.model.read_only.is_none() && !is_closed) {
        let file = file.to_string_lossy().into_owned();
        cx.effect("saving", Effect::Append(vec![Draft::now(incident, ReportSaved { file })]));
    }
    Done::Said(format!("saved to {}", path.display()))
}

/// Takes in what became of saving, exporting or copying the report, if it is still open: it says so
/// itself. Gives back what is left to be told elsewhere.
pub(super) fn report_done(
    model: &mut Model,
    id: EffectId,
    result: Result<Done, Failure>,
) -> Option<Result<Done, Failure>> {
    let ends = model.drill_end == Some(DrillEnd::Removed);
    let mut reports = model.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Report(view) => Some(view),
        _ => None,
    });
    let Some(view) = reports.find(|view| view.asked.is_some_and(|(asked, _)| asked == id)) else {
        return Some(result);
    };
    let makes_file = view.asked.take().is_some_and(|(_, makes_file)| makes_file);
    match result {
        Ok(Done::Said(word)) => {
            view.said = word;
            if makes_file && ends {
                view.said.push_str("; it is removed with the drill");
            }
            None
        }
        Err(failure) => {
            view.said = format!("✗ {}", failure.cause);
            Some(Err(failure))
        }
        other => Some(other),
    }
}

/// Keys of overlays that are read, and of what can be done with them.
pub(super) fn document(cx: &mut Cx<'_>, key: Key) {
    let top = cx.model.overlays.last();
    let help = matches!(top, Some(Overlay::Help(_)));
    let scopes: &[Scope] = match top {
        Some(Overlay::Report(_)) => &[Scope::Report],
        Some(Overlay::ByHand(..)) => &[Scope::Menu(Command::Hotfix)],
        _ => &[],
    };
    match windows::command(cx.model, scopes, key) {
        Some(Command::Back) if help && clear_help(cx.model) => {}
        Some(Command::Back) => cx.pop(),
        Some(Command::Help) if help => cx.pop(),
        Some(command @ Command::Help) => invoke::invoke(cx, &command.into()),
        Some(Command::Filter) if help => invoke::invoke(cx, &Command::Filter.into()),
        Some(
            command @ (Command::ReportSave
            | Command::ReportHtml
            | Command::ReportBranch
            | Command::ReportCopy
            | Command::ReportExport),
        ) => report::act(cx, command),
        Some(Command::ReportFill) => report::fill(cx),
        Some(command @ (Command::PullLink | Command::PullText)) => {
            by_hand(cx, command == Command::PullText);
        }
        command => match command.and_then(|command| windows::motion(command, windows::page(cx.model))) {
            Some(by) => scroll(cx.model, by),
            None if team::brief_key(cx, key) => {}
            None => windows::unknown(cx, key),
        },
    }
}

/// Clears the filter of help; tells whether there was one.
fn clear_help(model: &mut Model) -> bool {
    match model.overlays.last_mut() {
        Some(Overlay::Help(help)) if !help.filter.is_empty() => {
            *help = HelpView::default();
            true
        }
        _ => false,
    }
}

/// Scrolls the top overlay by so many lines; how far there is to go, the next frame tells.
pub(super) fn scroll(model: &mut Model, by: isize) {
    match model.overlays.last_mut() {
        Some(Overlay::Plan(_)) => plan_view::move_by(model, by.signum()),
        Some(Overlay::Palette(palette)) => {
            let last = palette.matches.len().saturating_sub(1);
            palette.selected = palette.selected.saturating_add_signed(by).min(last);
        }
        Some(Overlay::Flags(view)) => flags::move_by(view, by),
        Some(Overlay::Culprits(_)) => culprits::move_by(model, by),
        Some(Overlay::Past(_)) => past::move_by(model, by),
        Some(Overlay::Runbooks(_)) => runbooks::move_by(model, by),
        Some(Overlay::Menu(menu)) => {
            let last = menu.items.len().saturating_sub(1);
            menu.selected = menu.selected.saturating_add_signed(by).min(last);
        }
        Some(Overlay::Suspects(_)) => suspects::move_by(model, by.signum()),
        Some(overlay) => {
            if let Some(top) = top(overlay) {
                *top = top.saturating_add_signed(by);
            }
        }
        None => {}
    }
}

/// Takes note of where the drawing had to begin, so that scrolling back starts from there.
pub(super) fn drawn_from(model: &mut Model, line: usize) {
    if let Some(top) = model.overlays.last_mut().and_then(top) {
        *top = line;
    }
}

/// The first line shown of an overlay that scrolls by lines.
fn top(overlay: &mut Overlay) -> Option<&mut usize> {
    match overlay {
        Overlay::Help(view) => Some(&mut view.scroll.top),
        Overlay::Errors(scroll) | Overlay::ByHand(_, scroll) => Some(&mut scroll.top),
        Overlay::Trust(view) => Some(&mut view.scroll.top),
        Overlay::Draft(view) => Some(&mut view.scroll.top),
        Overlay::Entry(entry) => Some(&mut entry.scroll.top),
        Overlay::Report(view) => Some(&mut view.scroll.top),
        Overlay::Runbook(view) => Some(&mut view.scroll.top),
        Overlay::Grade(view) => Some(&mut view.scroll.top),
        Overlay::Message(view) => Some(&mut view.scroll.top),
        Overlay::Preview(preview) => Some(&mut preview.scroll.top),
        Overlay::Plan(view) => Some(&mut view.scroll.top),
        Overlay::Rollback(screen) => Some(&mut screen.top),
        Overlay::Suspects(view) => Some(&mut view.top),
        Overlay::Change(view) => Some(&mut view.top),
        Overlay::Confirm(confirm) => Some(&mut confirm.scroll.top),
        Overlay::Menu(_)
        | Overlay::Palette(_)
        | Overlay::Ask(_)
        | Overlay::Declare(_)
        | Overlay::Run(_)
        | Overlay::Decide(_)
        | Overlay::Flags(_)
        | Overlay::Culprits(_)
        | Overlay::Runbooks(_) => None,
        Overlay::Past(view) => view.is_together().then_some(&mut view.cursor),
    }
}

/// How far a key scrolls that no line of text takes.
pub(super) fn scrolled(key: Key) -> Option<isize> {
    match key.code {
        Code::Up => Some(-1),
        Code::Down => Some(1),
        Code::PageUp => Some(-10),
        Code::PageDown => Some(10),
        _ => None,
    }
}
