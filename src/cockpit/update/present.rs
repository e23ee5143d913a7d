//! Turns presenter mode on and off, and keeps which keys did what. What is typed into a line is no such key.

use super::super::commands::Invoke;
use super::super::key::{Code, Key};
use super::super::model::Model;
use super::super::msg::KeyPress;
use super::{Cx, confirm, menus, run_view, windows};
use crate::cockpit::Command;

/// Most letters of what a command acts on that are shown behind its name.
const ARGUMENT: usize = 24;

pub(super) fn toggle(cx: &mut Cx<'_>) {
    let present = &mut cx.model.present;
    present.on = !present.on;
    present.pressed.clear();
    if !present.on {
        return cx.say("presenter mode is off: names and addresses are shown");
    }
    let is_new = !std::mem::replace(&mut present.told, true);
    let key = windows::key(cx.model, Command::Presenter);
    if is_new {
        cx.say(format!(
            "presenting: secrets, hosts, addresses and configured words are masked; {key} ends it"
        ));
    }
}

/// What the screen has to know of a key before it is taken: whether it answers a question.
pub(super) fn before(model: &mut Model, press: KeyPress) -> bool {
    // What is typed for a command may be a password.
    model.present.key = Some(press.key).filter(|_| model.present.on && !run_view::takes_all(model));
    confirm::yes_or_no(model).is_some()
}

/// Keeps a command that the key led to.
pub(super) fn invoked(model: &mut Model, invoke: &Invoke) {
    if model.present.key.is_none() {
        return;
    }
    let title = menus::title(model, invoke.command);
    let argument = invoke.argument.as_str();
    let is_name = !argument.is_empty() && argument.chars().count() <= ARGUMENT;
    let does = if is_name { format!("{title} {argument}") } else { title.to_owned() };
    let now = model.now;
    model.present.did(does, now);
}

/// Keeps a key that led to no command, where it is none that types or edits a text.
pub(super) fn after(model: &mut Model, asked: bool) {
    let Some(key) = model.present.key else { return };
    let does = match key.code {
        _ if asked && key == Key::char('y') => "yes",
        _ if asked && key == Key::char('n') => "no",
        Code::Enter => "enter",
        Code::Esc => "back",
        Code::Tab | Code::BackTab => "next",
        Code::Up | Code::PageUp => "up",
        Code::Down | Code::PageDown => "down",
        _ => {
            model.present.key = None;
            return;
        }
    };
    let now = model.now;
    model.present.did(does.to_owned(), now);
}
