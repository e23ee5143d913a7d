//! Actions of `flightdeck.toml`: the keys they have, and which of them are taken. Pure.

use super::commands::{COMMANDS, Command, Invoke, Scope};
use super::key::Key;
use super::keymap::Keymap;
use super::model::Model;
use crate::config::types::{Action, ActionScope};

/// Where the key of an action works.
fn scope(scope: ActionScope) -> Scope {
    match scope {
        ActionScope::Everywhere => Scope::Global,
        ActionScope::Timeline => Scope::Timeline,
        ActionScope::Health => Scope::Health,
        ActionScope::Hotfix => Scope::Hotfix,
        ActionScope::Checklist => Scope::Checklist,
        ActionScope::Runs => Scope::Runs,
    }
}

/// Tells whether keys of two scopes could both be meant.
fn meet(a: Scope, b: Scope) -> bool {
    let pane = |scope| {
        matches!(scope, Scope::Timeline | Scope::Health | Scope::Hotfix | Scope::Checklist | Scope::Runs)
    };
    a == b || (a == Scope::Global && pane(b)) || (b == Scope::Global && pane(a))
}

/// Why the key of an action cannot be had: it is no key, or somebody else has it. `before` are the actions
/// that stand above it in the file.
pub fn refused(action: &Action, before: &[Action], keymap: &Keymap) -> Option<String> {
    if action.key.is_empty() {
        return None;
    }
    let Some(key) = Key::parse(&action.key) else {
        return Some(format!("`{}` is not a key; write `x`, `X`, `ctrl-x`, `space`, `f5`", action.key));
    };
    // It closes whatever is open, wherever it is pressed.
    if key == Key::ctrl('c') {
        return Some("the key `ctrl-c` always closes what is open".to_owned());
    }
    let own = scope(action.scope);
    let has =
        |spec: &&super::commands::Spec| meet(own, spec.scope) && keymap.keys(spec.command).contains(&key);
    if let Some(spec) = COMMANDS.iter().find(has) {
        let place = spec.scope.title().to_lowercase();
        return Some(format!("the key `{key}` is taken: {place}, it means `{}` ({})", spec.id, spec.help));
    }
    let same = |other: &&Action| Key::parse(&other.key) == Some(key) && meet(own, scope(other.scope));
    before.iter().find(same).map(|other| format!("the key `{key}` is taken by the action `{}`", other.name))
}

/// All keys of actions that cannot be had: the place of the action in the file, and why.
pub fn clashes(actions: &[Action], keymap: &Keymap) -> Vec<(usize, String)> {
    let refused =
        |(index, action)| Some((index, refused(action, actions.get(..index).unwrap_or_default(), keymap)?));
    actions.iter().enumerate().filter_map(refused).collect()
}

/// The actions in force, each with its key, if it has one that it may have.
pub fn keys(model: &Model) -> impl Iterator<Item = (&Action, Option<Key>)> {
    let actions = &model.config.config.actions;
    actions.iter().enumerate().map(|(index, action)| {
        let before = actions.get(..index).unwrap_or_default();
        let free = refused(action, before, &model.keymap).is_none();
        (action, Key::parse(&action.key).filter(|_| free))
    })
}

/// The action that a key means in a scope.
pub fn pressed(model: &Model, place: Scope, key: Key) -> Option<Invoke> {
    let is_meant = |(action, own): &(&Action, Option<Key>)| {
        *own == Some(key) && [place, Scope::Global].contains(&scope(action.scope))
    };
    let on_screen = model.log.is_some() && model.may_run();
    let (action, _) = keys(model).find(is_meant).filter(|_| on_screen)?;
    Some(Invoke { command: Command::Actions, argument: action.name.clone() })
}

/// The keys that lead to an action from the cockpit without a menu: `P`, `2 P`; empty where none do.
pub fn path(model: &Model, name: &str) -> String {
    let Some((action, Some(key))) = keys(model).find(|(action, _)| action.name == name) else {
        return String::new();
    };
    let pane = match action.scope {
        ActionScope::Everywhere => return key.to_string(),
        ActionScope::Timeline => Command::FocusTimeline,
        ActionScope::Health => Command::FocusHealth,
        ActionScope::Hotfix => Command::FocusHotfix,
        ActionScope::Checklist => Command::FocusChecklist,
        ActionScope::Runs => Command::FocusRuns,
    };
    model.keymap.key(pane).map_or_else(|| key.to_string(), |pane| format!("{pane} {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn action(name: &str, key: &str, scope: ActionScope) -> Action {
        Action {
            name: name.into(),
            title: String::new(),
            run: vec!["x".into()],
            reaches: "nothing".into(),
            key: key.into(),
            scope,
            timeout: SignedDuration::from_mins(1),
            env: Vec::new(),
        }
    }

    #[test]
    fn a_key_that_is_taken_says_by_whom() {
        let actions = [
            action("a", "L", ActionScope::Everywhere),
            action("b", "L", ActionScope::Health),
            action("c", "d", ActionScope::Everywhere),
            action("d", "p", ActionScope::Everywhere),
            action("e", "p", ActionScope::Timeline),
            action("f", "hyper-z", ActionScope::Runs),
            action("g", "", ActionScope::Runs),
            action("h", "ctrl-c", ActionScope::Runs),
        ];
        let clashes = clashes(&actions, &Keymap::default());
        let said: Vec<_> = clashes.iter().map(|(index, why)| (*index, why.as_str())).collect();
        assert_eq!(said[0], (1, "the key `L` is taken by the action `a`"));
        assert_eq!(
            said[1],
            (2, "the key `d` is taken: everywhere, it means `deploy` (Deploy to an environment)")
        );
        assert_eq!(said[2].0, 3, "{said:?}");
        assert!(said[2].1.contains("`probe`"), "{said:?}");
        assert_eq!(said[3].0, 4, "{said:?}");
        assert!(said[4].1.starts_with("`hyper-z` is not a key"), "{said:?}");
        assert_eq!((said[5].0, said.len()), (7, 6));
    }
}
