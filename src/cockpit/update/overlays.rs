//! Keys for what lies over the cockpit.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::super::key::{Code, Key};
use super::super::model::{ConfigSource, Model};
use super::super::msg::{Effect, KeyPress};
use super::super::overlay::{Act, Overlay, Palette};
use super::confirm::{TOO_QUICK, may_confirm};
use super::{Cx, declare, flags, invoke, plan_view, preview, rollback, run_view, submit, suspects};
use crate::incident::{Body, Closed, Mitigated, Resolved};

/// Takes a key for the top overlay. `before` is the key before this one, and when it came.
pub(super) fn key(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    match cx.model.overlays.last() {
        Some(Overlay::Menu(_)) => menu(cx, press.key),
        Some(Overlay::Palette(_)) => palette(cx, press.key),
        Some(Overlay::Ask(_)) => ask(cx, press.key),
        Some(Overlay::Declare(_)) => declare::key(cx, press.key),
        Some(Overlay::Preview(_)) => preview::key(cx, press, before),
        Some(Overlay::Confirm(_)) => confirm(cx, press, before),
        Some(Overlay::Plan(_)) => plan_view::key(cx, press),
        Some(Overlay::Decide(_)) => plan_view::decide_key(cx, press, before),
        Some(Overlay::Flags(_)) => flags::key(cx, press.key),
        Some(Overlay::Trust(_)) if press.key == Key::char('y') => trust(cx, press, before),
        Some(Overlay::Report(_)) if matches!(press.key.text(), Some('s' | 'c' | 'e')) => {
            report(cx, press.key);
        }
        Some(Overlay::ByHand(..)) if matches!(press.key.text(), Some('l' | 'c')) => by_hand(cx, press.key),
        Some(Overlay::Run(_)) => run_view::key(cx, press),
        Some(Overlay::Rollback(_)) => rollback::key(cx, press.key),
        Some(Overlay::Suspects(_)) => suspects::key(cx, press.key),
        Some(Overlay::Change(_)) => suspects::change_key(cx, press.key),
        Some(_) => document(cx, press.key),
        None => {}
    }
}

/// Pasted text goes into lines of text; it never confirms and never is a command.
pub(super) fn paste(cx: &mut Cx<'_>, text: &str) {
    if run_view::paste(cx, text) {
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
        _ => cx.say("pasted text is not taken as commands; press n to write a note"),
    }
}

fn menu(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Menu(menu)) = cx.model.overlays.last() else { return };
    let found = menu.items.iter().find(|item| item.key == Some(key)).cloned();
    match found {
        Some(item) if item.disabled.is_some() => {
            cx.say(format!("{}: {}", item.label, item.disabled.unwrap_or_default()));
        }
        Some(item) => {
            if !(item.invoke.command.is_menu() && item.invoke.argument.is_empty()) {
                cx.model.overlays.clear();
            }
            invoke::invoke(cx, &item.invoke);
        }
        None if matches!(key.code, Code::Esc | Code::Backspace) => cx.pop(),
        None => {}
    }
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
                cx.say(format!("{}: {why}", item.label));
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

/// Finds the rows that match, best first; those that can be done before those that cannot.
fn search(palette: &mut Palette) {
    let pattern = Pattern::parse(palette.input.text(), CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, bool, usize)> = palette
        .items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let text = format!("{} {}", item.label, item.invoke.command.spec().help);
            let score = pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher)?;
            Some((score, item.disabled.is_none(), index))
        })
        .collect();
    scored.sort_by_key(|(score, enabled, index)| (!enabled, std::cmp::Reverse(*score), *index));
    palette.matches = scored.into_iter().map(|(_, _, index)| index).collect();
    palette.selected = 0;
}

fn ask(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Ask(ask)) = cx.model.overlays.last_mut() else { return };
    match key.code {
        Code::Esc => cx.pop(),
        Code::Enter => submit::submit(cx),
        _ => {
            if ask.input.key(key) {
                ask.complaint.clear();
            }
        }
    }
}

fn confirm(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Confirm(confirm)) = cx.model.overlays.last() else { return };
    match press.key {
        key if key == Key::char('y') && may_confirm(confirm.shown_ms, press, before) => {
            let act = confirm.act.clone();
            cx.pop();
            match act {
                Act::Invoke(invoke) => invoke::invoke(cx, &invoke),
                Act::Record(body) if is_overtaken(cx.model, &body) => {
                    cx.say("nothing was recorded: somebody decided meanwhile; look again");
                }
                Act::Record(body) => cx.append(*body),
            }
        }
        Key { code: Code::Esc, .. } | Key { code: Code::Char('n' | 'q'), .. } => cx.pop(),
        _ => {}
    }
}

/// Tells whether somebody decided about the status since the question was asked.
fn is_overtaken(model: &Model, body: &Body) -> bool {
    let (Body::Mitigated(Mitigated { after })
    | Body::Resolved(Resolved { after })
    | Body::Closed(Closed { after })) = body
    else {
        return false;
    };
    let heads = model.incident().map(|state| state.heads.iter().map(|head| head.record));
    heads.is_some_and(|heads| !heads.eq(after.iter().copied()))
}

fn trust(cx: &mut Cx<'_>, press: KeyPress, before: Option<(Key, u64)>) {
    let Some(Overlay::Trust(view)) = cx.model.overlays.last() else { return };
    if !may_confirm(view.shown_ms, press, before) {
        return cx.say(TOO_QUICK);
    }
    if let ConfigSource::Untrusted { hash, .. } = &cx.model.config.source {
        let hash = hash.clone();
        cx.effect("trusting", Effect::Trust { hash });
    }
    cx.pop();
}

/// Copies the words of a pull request, or the link to its form.
fn by_hand(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::ByHand(by_hand, _)) = cx.model.overlays.last() else { return };
    let text = if key == Key::char('c') { Some(by_hand.words()) } else { by_hand.link.clone() };
    if let Some(text) = text {
        cx.effect("copying", Effect::Copy(text));
    }
}

fn report(cx: &mut Cx<'_>, key: Key) {
    let Some(Overlay::Report(view)) = cx.model.overlays.last() else { return };
    let content = view.markdown.clone();
    if key == Key::char('c') {
        cx.effect("copying", Effect::Copy(content));
        return;
    }
    if key == Key::char('e') {
        cx.effect("exporting the records", Effect::Export);
        return;
    }
    let number = cx.model.number();
    cx.effect("saving the report", Effect::Save { name: format!("{number}.md"), content });
}

/// Keys of overlays that are only read.
fn document(cx: &mut Cx<'_>, key: Key) {
    let closes = matches!(key.code, Code::Esc | Code::Char('q'))
        || (matches!(cx.model.overlays.last(), Some(Overlay::Help(_))) && key == Key::char('?'));
    if closes {
        cx.pop();
        return;
    }
    let page = isize::try_from(cx.model.overlay_height.max(2) - 1).unwrap_or(1);
    match (key.code, key.ctrl) {
        (Code::Up, _) | (Code::Char('k'), false) => scroll(cx.model, -1),
        (Code::Down, _) | (Code::Char('j'), false) => scroll(cx.model, 1),
        (Code::PageUp, _) | (Code::Char('u'), true) => scroll(cx.model, -page),
        (Code::PageDown, _) | (Code::Char('d'), true) | (Code::Char(' '), false) => scroll(cx.model, page),
        (Code::Home, _) | (Code::Char('g'), false) => scroll(cx.model, isize::MIN / 2),
        (Code::End, _) | (Code::Char('G'), false) => scroll(cx.model, isize::MAX / 2),
        _ => {}
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
        Overlay::Help(scroll) | Overlay::Errors(scroll) | Overlay::ByHand(_, scroll) => Some(&mut scroll.top),
        Overlay::Trust(view) => Some(&mut view.scroll.top),
        Overlay::Entry(entry) => Some(&mut entry.scroll.top),
        Overlay::Report(view) => Some(&mut view.scroll.top),
        Overlay::Preview(preview) => Some(&mut preview.scroll.top),
        Overlay::Plan(view) => Some(&mut view.scroll.top),
        Overlay::Rollback(screen) => Some(&mut screen.top),
        Overlay::Suspects(view) => Some(&mut view.top),
        Overlay::Change(view) => Some(&mut view.top),
        Overlay::Menu(_)
        | Overlay::Palette(_)
        | Overlay::Ask(_)
        | Overlay::Declare(_)
        | Overlay::Run(_)
        | Overlay::Decide(_)
        | Overlay::Flags(_)
        | Overlay::Confirm(_) => None,
    }
}

pub(super) fn scrolled(top: usize, key: Key) -> Option<usize> {
    let by = match key.code {
        Code::Up => -1,
        Code::Down => 1,
        Code::PageUp => -10,
        Code::PageDown => 10,
        _ => return None,
    };
    Some(top.saturating_add_signed(by))
}
