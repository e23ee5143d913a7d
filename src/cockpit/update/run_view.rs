//! The output of a run: following it, going back through all of its log, finding and copying
//! text, and answering what the command asks.

use super::super::commands::{Command, Invoke, Scope};
use super::super::history::{Got, Match, Read, Span, Spot, Want};
use super::super::key::{Code, Key};
use super::super::lines::{self, Line};
use super::super::model::Model;
use super::super::msg::{Done, Effect, EffectId, KeyPress};
use super::super::overlay::{Input, Overlay, RunView, Search, Selection, Wish};
use super::super::typed::Typed;
use super::{Cx, follow_run, invoke, windows};
use crate::failure::Failure;

/// How much of a log the terminal is fed with when the view opens, in bytes.
const VIEW_TAIL: u64 = 64 * 1024;
/// Columns that one key moves sideways.
const SIDEWAYS: u16 = 20;
/// Most places of a text that are kept.
const MATCHES: usize = 10_000;

/// Opens the output of a run.
pub(super) fn open(cx: &mut Cx<'_>, run: String) {
    if cx.model.output.as_ref().is_none_or(|output| output.run != run) {
        follow_run(cx, Some(run.clone()), VIEW_TAIL);
    }
    // Until a frame tells how much room there is.
    let height = cx.model.size.1.saturating_sub(4);
    cx.push(Overlay::Run(Box::new(RunView { run, height, ..RunView::default() })));
    ask_spans(cx);
}

fn height(view: &RunView) -> usize {
    usize::from(view.height.max(1))
}

/// Columns a line has room for: those of the screen without the frame.
fn width(model: &Model) -> u16 {
    model.size.0.saturating_sub(4).max(1)
}

fn view(model: &mut Model) -> Option<&mut RunView> {
    model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Run(view) => Some(&mut **view),
        _ => None,
    })
}

/// The run view, if it is on top.
fn on_top(model: &mut Model) -> Option<&mut RunView> {
    match model.overlays.last_mut() {
        Some(Overlay::Run(view)) => Some(view),
        _ => None,
    }
}

/// Tells whether every key is meant for a command.
pub(super) fn takes_all(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Run(view)) if view.input != Input::No)
}

fn runs(model: &Model, run: &str) -> bool {
    model.incident().and_then(|state| state.run(run)).is_some_and(|(_, run)| run.outcome.is_none())
}

/// Takes a key.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress) {
    let Some(view) = on_top(cx.model) else { return };
    match view.input {
        Input::Open => return answer_key(cx, press.key),
        Input::Over(_) => {
            // Whoever is still typing an answer must not be taken for giving commands.
            if is_leave(press.key) || matches!(press.key.code, Code::Esc) || press.key == Key::ctrl('c') {
                view.input = Input::No;
            }
            return;
        }
        Input::No => {}
    }
    if matches!(press.key.code, Code::Esc) && (view.selection.is_some() || view.search.is_some()) {
        return leave(cx);
    }
    let page = isize::try_from(height(view)).unwrap_or(1).max(2) - 1;
    let stop = cx.model.keymap.within(Scope::Runs, press.key).filter(|found| *found == Command::Stop);
    match stop.or_else(|| windows::command(cx.model, &[Scope::Output], press.key)) {
        Some(Command::Stop) => invoke::invoke(cx, &Invoke::from(Command::Stop)),
        Some(Command::Back) => cx.pop(),
        Some(Command::Help) => invoke::invoke(cx, &Invoke::from(Command::Help)),
        Some(found) if found.spec().scope == Scope::Output => command(cx, found),
        found => match found.and_then(|found| windows::motion(found, page)) {
            Some(by) => scroll(cx, by),
            None => windows::unknown(cx, press.key),
        },
    }
}

/// Leaves what was begun last: a selection, else a search.
fn leave(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model) else { return };
    if view.selection.take().is_none() {
        view.search = None;
        // What is under way ends by itself, and nobody asks for the rest.
        view.asked.find = None;
    }
}

/// Carries out a command of the view.
pub(super) fn command(cx: &mut Cx<'_>, command: Command) {
    let Some(view) = view(cx.model) else {
        return cx.say(format!("{}: open the output of a run first", command.spec().title));
    };
    match command {
        Command::Answer => answer(cx),
        Command::FindText => {
            let text = view.search.as_ref().map_or_else(String::new, |search| search.text.clone());
            invoke::ask_to_find(cx, text);
        }
        Command::FindNext => next(cx, false),
        Command::FindPrevious => next(cx, true),
        Command::SelectLines if view.selection.is_some() => view.selection = None,
        Command::SelectLines => match view.top {
            Some(top) => {
                let last = (top + height(view)).min(view.history.len()).saturating_sub(1);
                let hit = view.search.as_ref().and_then(current).map(|found| view.history.number(found.spot));
                let line = hit.filter(|line| (top..=last).contains(line)).unwrap_or(last);
                view.selection = Some(Selection { anchor: line, cursor: line });
            }
            None => wish(cx, Wish::Select),
        },
        Command::CopyLines => copy(cx),
        Command::Left => view.shift = view.shift.saturating_sub(SIDEWAYS),
        Command::Right => view.shift = (view.shift + SIDEWAYS).min(lines::SIZE.1.get() * 4),
        _ => {}
    }
}

// ---- where in the log ----

/// Scrolls by so many lines, or moves the end of the selection.
pub(super) fn scroll(cx: &mut Cx<'_>, by: isize) {
    let Some(view) = view(cx.model) else { return };
    let (height, last) = (height(view), view.history.len().saturating_sub(1));
    if let (Some(selection), Some(top)) = (&mut view.selection, &mut view.top) {
        selection.cursor = selection.cursor.saturating_add_signed(by).min(last);
        *top = (*top).min(selection.cursor).max((selection.cursor + 1).saturating_sub(height));
        return;
    }
    match view.top {
        None if by < isize::MIN / 4 => wish(cx, Wish::Top),
        None if by < 0 => {
            let before = match view.wish {
                Some(Wish::Up(lines)) => lines,
                _ => 0,
            };
            wish(cx, Wish::Up(before.saturating_add(by.unsigned_abs())));
        }
        None if view.wish != Some(Wish::Select) => view.wish = None,
        None => {}
        Some(top) => {
            let top = top.saturating_add_signed(by);
            view.top = if by > 0 && top + height > last { None } else { Some(top) };
        }
    }
}

/// Notes what is wanted, and asks where the lines are now.
fn wish(cx: &mut Cx<'_>, wanted: Wish) {
    let Some(view) = view(cx.model) else { return };
    (view.wish, view.goal) = (Some(wanted), None);
    ask_spans(cx);
}

fn ask_spans(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model).filter(|view| view.asked.spans.is_none()) else { return };
    let run = view.run.clone();
    let ended = !runs(cx.model, &run);
    cx.model.reading = Some(run.clone());
    let id = cx.effect("reading the log", Effect::ReadLog { run, want: Want::Spans });
    if let Some(view) = self::view(cx.model) {
        view.asked.spans = Some(id);
        view.final_length = ended;
    }
}

/// Time has passed: a log that is read while it grows is looked at again.
pub(super) fn tick(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model) else { return };
    let run = view.run.clone();
    if (view.top.is_some() || view.problem.is_some()) && runs(cx.model, &run) {
        ask_spans(cx);
    }
}

/// Asks for what the view needs next, and lets go of what it does not need any more.
pub(super) fn settle(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model) else {
        if let Some(run) = cx.model.reading.take() {
            cx.effect("closing the log", Effect::ReadLog { run, want: Want::Nothing });
        }
        return;
    };
    let run = view.run.clone();
    if let Some(top) = view.top {
        let height = height(view);
        // Also after the window has become larger.
        let top = top.min(view.history.len().saturating_sub(height));
        view.top = Some(top);
        let missing = view.history.missing(top.saturating_sub(height), top + 2 * height);
        if view.asked.lines.is_none() && !missing.is_empty() {
            let want = Want::Lines(missing);
            let id = cx.effect("reading the log", Effect::ReadLog { run: run.clone(), want });
            if let Some(view) = self::view(cx.model) {
                view.asked.lines = Some(id);
            }
        }
    }
    let Some(view) = self::view(cx.model) else { return };
    let unread = !view.final_length && (view.top.is_some() || view.problem.is_some());
    if view.input == Input::Open && !runs(cx.model, &run) {
        over(cx, "the command has ended".to_owned());
    } else if unread && !runs(cx.model, &run) {
        ask_spans(cx);
    }
}

/// Takes in how an effect of the view ended; gives back what is not of the view.
pub(super) fn done(
    cx: &mut Cx<'_>,
    id: EffectId,
    result: Result<Done, Failure>,
) -> Option<Result<Done, Failure>> {
    let Some(view) = view(cx.model) else {
        return match result {
            // It was closed meanwhile.
            Ok(Done::Read(_)) => None,
            other => Some(other),
        };
    };
    if view.asked.keys.remove(&id) {
        if let Err(failure) = result
            && view.input == Input::Open
        {
            over(cx, failure.cause);
        }
        return None;
    }
    let asked = &mut view.asked;
    let mine = [&mut asked.spans, &mut asked.lines, &mut asked.find, &mut asked.text];
    let Some(slot) = mine.into_iter().find(|slot| **slot == Some(id)) else {
        return match result {
            Ok(Done::Read(_)) => None,
            other => Some(other),
        };
    };
    *slot = None;
    match result {
        Ok(Done::Read(read)) => {
            take(cx, *read);
            None
        }
        Ok(other) => Some(Ok(other)),
        Err(failure) => {
            let run = view.run.clone();
            view.wish = None;
            if view.search.as_ref().is_some_and(|search| search.rest.is_some()) {
                view.search = None;
            }
            let known = view.problem.replace(failure.clone()).is_some();
            // Of a run that has just begun the log is not there yet.
            if !known && !runs(cx.model, &run) { Some(Err(failure)) } else { None }
        }
    }
}

/// Takes in what was read.
fn take(cx: &mut Cx<'_>, read: Read) {
    let Some(view) = view(cx.model).filter(|view| view.run == read.run) else { return };
    view.problem = None;
    view.read = (read.read_to, read.length);
    place(view, read.spans);
    match read.got {
        Got::Lines(pages) => view.history.add_pages(pages, view.top.unwrap_or_default()),
        Got::Found(matches, rest) => found(cx, matches, rest),
        Got::Text(text) => {
            cx.effect("copying", Effect::Copy(text));
        }
        Got::Spans => come_true(cx),
    }
}

/// Takes in where the lines are now, with what is shown staying in its place.
fn place(view: &mut RunView, spans: Vec<Span>) {
    let spot = |line: usize| view.history.spot(line);
    let top = view.top.and_then(spot);
    let selection = view.selection.and_then(|s| Some((spot(s.anchor)?, spot(s.cursor)?)));
    view.history.set_spans(spans);
    let number = |spot: Spot| view.history.number(spot);
    view.top = view.top.map(|line| top.map_or(line, number));
    view.selection =
        selection.map(|(anchor, cursor)| Selection { anchor: number(anchor), cursor: number(cursor) });
}

/// Does what was wished for, or asks on: until it is known where the lines are, as far as the
/// log went when it was wished for.
fn come_true(cx: &mut Cx<'_>) {
    let ended = cx.model.run_view().is_some_and(|view| !runs(cx.model, &view.run));
    let Some(view) = view(cx.model) else { return };
    let (read, length) = view.read;
    let complete = read >= *view.goal.get_or_insert(length);
    let end = view.history.len().saturating_sub(height(view));
    match view.wish {
        // All of it is on the screen.
        Some(Wish::Up(_) | Wish::Top) if complete && end == 0 => view.wish = None,
        Some(Wish::Top) if end > 0 => (view.top, view.wish) = (Some(0), None),
        Some(Wish::Up(lines)) if complete => (view.top, view.wish) = (Some(end.saturating_sub(lines)), None),
        Some(Wish::Select) if complete => {
            let last = view.history.len().saturating_sub(1);
            (view.top, view.wish) = (Some(end), None);
            view.selection = Some(Selection { anchor: last, cursor: last });
        }
        Some(_) | None => {}
    }
    // What goes on is looked at from time to time; the rest of what has ended is known soon.
    if view.wish.is_some() || (ended && read < length) {
        ask_spans(cx);
    }
}

// ---- finding ----

/// Looks for a text in the whole log; an empty one ends the search.
pub(super) fn find(cx: &mut Cx<'_>, text: String) {
    if text.is_empty() {
        return leave(cx);
    }
    look_for(cx, text, None);
}

fn look_for(cx: &mut Cx<'_>, text: String, from: Option<(Match, bool)>) {
    let Some(view) = view(cx.model) else { return };
    view.selection = None;
    let search = Search { text, matches: Vec::new(), rest: None, current: 0, more: false, end: 0, from };
    view.search = Some(search);
    look_on(cx, 0, None);
}

/// Looks for it from here on.
fn look_on(cx: &mut Cx<'_>, from: u64, to: Option<u64>) {
    let Some((run, search)) = view(cx.model).and_then(|view| Some((view.run.clone(), view.search.as_mut()?)))
    else {
        return;
    };
    search.rest = Some((from, to.unwrap_or(u64::MAX)));
    let want = Want::Find { text: search.text.clone(), from, to };
    let id = cx.effect("looking for it", Effect::ReadLog { run, want });
    if let Some(view) = view(cx.model) {
        view.asked.find = Some(id);
    }
}

/// Takes in places where it is.
fn found(cx: &mut Cx<'_>, matches: Vec<Match>, rest: Option<(u64, u64)>) {
    let width = width(cx.model);
    let Some(view) = view(cx.model) else { return };
    let Some(search) = &mut view.search else { return };
    search.matches.extend(matches);
    search.more = search.matches.len() > MATCHES;
    if let Some((from, to)) = rest.filter(|_| !search.more) {
        return look_on(cx, from, Some(to));
    }
    search.matches.truncate(MATCHES);
    search.rest = None;
    search.end = view.history.end();
    let first = view.top.unwrap_or(view.history.len());
    let matches = &search.matches;
    let before = |keep: &dyn Fn(&Match) -> bool| matches.partition_point(|found| keep(found));
    let last = matches.len().saturating_sub(1);
    search.current = match search.from {
        Some((place, false)) => {
            Some(before(&|found| *found <= place)).filter(|index| *index <= last).unwrap_or(0)
        }
        Some((place, true)) => before(&|found| *found < place).checked_sub(1).unwrap_or(last),
        // The first one from what is shown on, else the last.
        None => before(&|found| view.history.number(found.spot) < first).min(last),
    };
    go_to_match(view, width);
}

fn current(search: &Search) -> Option<Match> {
    search.matches.get(search.current).copied()
}

/// Goes to the next place, or the one before; behind the last one comes the first.
fn next(cx: &mut Cx<'_>, back: bool) {
    let width = width(cx.model);
    let goes_on = cx.model.run_view().is_some_and(|view| runs(cx.model, &view.run));
    let Some(view) = view(cx.model) else { return };
    let Some(search) = &mut view.search else { return command(cx, Command::FindText) };
    if search.rest.is_some() {
        return;
    }
    let count = search.matches.len();
    let at_end = if back { search.current == 0 } else { search.current + 1 >= count };
    // At the end of a run that goes on nobody looks at the log.
    let grown = search.end < view.history.end() || (goes_on && view.top.is_none());
    if at_end && grown {
        // More may have come since it was looked for.
        let (text, from) = (search.text.clone(), current(search).map(|found| (found, back)));
        return look_for(cx, text, from);
    }
    if count == 0 {
        return;
    }
    search.current = if back { (search.current + count - 1) % count } else { (search.current + 1) % count };
    view.selection = None;
    go_to_match(view, width);
}

/// Shows the match that is the current one, with some of what is around it.
fn go_to_match(view: &mut RunView, width: u16) {
    let height = height(view);
    let Some(found) = view.search.as_ref().and_then(current) else { return };
    let line = view.history.number(found.spot);
    let seen = view.top.is_some_and(|top| (top..top + height).contains(&line));
    if !seen {
        let end = view.history.len().saturating_sub(height);
        view.top = Some(line.saturating_sub(height / 3).min(end));
    }
    // A match behind the right edge of a narrow window is brought into it.
    let text = view.history.line(line).and_then(|line| line.text.get(..found.start));
    let column = u16::try_from(text.map_or(found.start, |text| text.chars().count())).unwrap_or(u16::MAX);
    let end = column.saturating_add(u16::try_from(found.length).unwrap_or(SIDEWAYS).min(SIDEWAYS));
    if column < view.shift || end > view.shift + width {
        view.shift = end.saturating_sub(width).div_ceil(SIDEWAYS) * SIDEWAYS;
    }
}

// ---- copying ----

/// Copies the selected lines, or what is on the screen.
fn copy(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model) else { return };
    if let Some(selection) = view.selection {
        let (first, last) = selection.range();
        let (Some(from), Some(to)) = (view.history.spot(first), view.history.spot(last)) else { return };
        view.selection = None;
        let run = view.run.clone();
        let id = cx.effect("reading the log", Effect::ReadLog { run, want: Want::Text(from, to) });
        if let Some(view) = self::view(cx.model) {
            view.asked.text = Some(id);
        }
        return;
    }
    if view.wish == Some(Wish::Select) {
        return cx.say("the log is still being read: select first");
    }
    let height = height(view);
    let shown: Vec<Line> = match view.top {
        Some(top) => (top..top + height).map_while(|line| view.history.line(line).cloned()).collect(),
        None => cx.model.output.as_ref().map_or_else(Vec::new, |output| {
            let screen = output.terminal.screen();
            let end = lines::used(screen);
            let first = end.saturating_sub(u16::try_from(height).unwrap_or(u16::MAX));
            (first..end).map(|row| lines::of_row(screen, row)).collect()
        }),
    };
    let text = lines::text_of(&shown);
    if text.trim().is_empty() {
        return cx.say("nothing to copy yet");
    }
    cx.effect("copying", Effect::Copy(text));
}

// ---- answering ----

/// Ctrl and `]`, which some terminals cannot tell from Ctrl and 5.
fn is_leave(key: Key) -> bool {
    key == Key::ctrl(']') || key == Key::ctrl('5')
}

/// Lets keys go to the command from now on, if it takes any.
fn answer(cx: &mut Cx<'_>) {
    let Some(view) = view(cx.model) else { return };
    let run = view.run.clone();
    if !runs(cx.model, &run) {
        return cx.say("it has ended: nobody reads what is typed");
    }
    let Some(view) = self::view(cx.model) else { return };
    view.input = Input::Open;
    (view.top, view.selection, view.wish) = (None, None, None);
    // Nothing is sent, but whether it could be is known.
    send(cx, Typed::nothing());
}

fn answer_key(cx: &mut Cx<'_>, key: Key) {
    let Some(view) = view(cx.model) else { return };
    if is_leave(key) {
        view.input = Input::No;
        return;
    }
    view.top = None;
    let typed = cx.model.output.as_ref().and_then(|output| Typed::key(key, output.terminal.screen()));
    if let Some(typed) = typed {
        send(cx, typed);
    }
}

/// Takes pasted text, if it is meant for the command; tells whether it was taken.
pub(super) fn paste(cx: &mut Cx<'_>, text: &str) -> bool {
    let Some(view) = on_top(cx.model) else { return false };
    match view.input {
        Input::No => return false,
        Input::Over(_) => return true,
        Input::Open => view.top = None,
    }
    if let Some(output) = &cx.model.output {
        let typed = Typed::paste(text, output.terminal.screen());
        send(cx, typed);
    }
    true
}

fn send(cx: &mut Cx<'_>, typed: Typed) {
    let Some(run) = view(cx.model).map(|view| view.run.clone()) else { return };
    let id = cx.effect("sending keys", Effect::SendInput { run, typed });
    if let Some(view) = view(cx.model) {
        view.asked.keys.insert(id);
    }
}

/// Keys no longer go to the command, though somebody may be typing.
fn over(cx: &mut Cx<'_>, why: String) {
    if let Some(view) = view(cx.model) {
        view.input = Input::Over(why);
    }
}

#[cfg(test)]
mod tests;
