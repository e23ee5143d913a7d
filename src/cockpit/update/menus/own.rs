//! The menu of a team's own actions.

use super::super::super::commands::Command;
use super::super::super::model::Model;
use super::super::super::msg::Item;
use super::super::super::own;
use super::{blocked, busy, rows};
use crate::config::types::Reaches;
use crate::text::address::without_credentials;

/// A row for each action of `flightdeck.toml`, with its own key behind it, or why it has none.
pub(super) fn actions(model: &Model) -> (String, Vec<Item>) {
    let actions = &model.config.config.actions;
    let blocked = blocked(model, Command::Actions);
    let names: Vec<String> = actions.iter().map(|action| action.name.clone()).collect();
    let items = rows(Command::Actions, &names, &[], |index| {
        let action = &actions[index];
        let line = shell_words::join(&action.run);
        let before = actions.get(..index).unwrap_or_default();
        let key = match own::refused(action, before, &model.keymap) {
            _ if action.key.is_empty() => String::new(),
            Some(why) => format!(" · ▲ {why}"),
            None => format!(" · {}", own::path(model, &action.name)),
        };
        let reaches = match action.reaches.as_str() {
            Reaches::NOTHING => String::new(),
            reaches => format!(" → {reaches}"),
        };
        let held = busy(model, &action.reaches);
        (
            format!("{}{reaches}  {}{key}", action.about(), without_credentials(&line)),
            blocked.clone().or(held),
        )
    });
    (if items.is_empty() { blocked.unwrap_or_default() } else { String::new() }, items)
}
