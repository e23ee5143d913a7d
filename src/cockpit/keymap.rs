//! Keys to commands: the defaults of the table with the user's changes on top.

use std::collections::BTreeMap;

use super::commands::{COMMANDS, Command, Scope, default_keys};
use super::key::Key;
use crate::text::nearest;

/// Which key does what, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    keys: BTreeMap<Command, Vec<Key>>,
}

/// What is wrong with a change of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadKey {
    /// The action as written in the settings.
    pub action: String,
    /// The sentence to show.
    pub why: String,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { keys: COMMANDS.iter().map(|spec| (spec.command, default_keys(spec.command))).collect() }
    }
}

impl Keymap {
    /// The defaults with a user's changes: action id to its keys. An empty list leaves the
    /// action to the palette.
    ///
    /// # Errors
    /// All that is wrong: unknown actions, unreadable keys, two actions on one key where both
    /// could be meant.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<BadKey>> {
        let mut map = Self::default();
        let mut bad = Vec::new();
        for (action, keys) in changes {
            let Some(command) = Command::parse(action) else {
                let near: Vec<String> = near(action).into_iter().map(|id| format!("`{id}`")).collect();
                let meant = match near.as_slice() {
                    [] => String::new(),
                    near => format!("did you mean {}? ", near.join(" or ")),
                };
                let why =
                    format!("unknown action `{action}`; {meant}`flightdeck config show` lists them all");
                bad.push(BadKey { action: action.clone(), why });
                continue;
            };
            let mut parsed = Vec::with_capacity(keys.len());
            for key in keys {
                match Key::parse(key) {
                    Some(key) => parsed.push(key),
                    None => bad.push(BadKey {
                        action: action.clone(),
                        why: format!("`{key}` is not a key; write `x`, `X`, `ctrl-x`, `space`, `f5`"),
                    }),
                }
            }
            map.keys.insert(command, parsed);
        }
        bad.extend(map.clashes(changes));
        if bad.is_empty() { Ok(map) } else { Err(bad) }
    }

    /// Two commands on one key where both could be meant: the same scope, or one of them
    /// everywhere. A pane's own key may stand in front of a global one by default only.
    fn clashes(&self, changes: &BTreeMap<String, Vec<String>>) -> Vec<BadKey> {
        let mut bad = Vec::new();
        for (index, a) in COMMANDS.iter().enumerate() {
            for b in &COMMANDS[index + 1..] {
                let meet = a.scope == b.scope
                    || (a.scope == Scope::Global && !matches!(b.scope, Scope::Menu(_)))
                    || (b.scope == Scope::Global && !matches!(a.scope, Scope::Menu(_)));
                let culprit = [a, b].into_iter().find(|spec| changes.contains_key(spec.id));
                let (true, Some(culprit)) = (meet, culprit) else { continue };
                for key in self.keys(a.command).iter().filter(|key| self.keys(b.command).contains(key)) {
                    bad.push(BadKey {
                        action: culprit.id.to_owned(),
                        why: format!("the key `{key}` would mean both `{}` and `{}`", a.id, b.id),
                    });
                }
            }
        }
        bad
    }

    /// The keys of a command.
    pub fn keys(&self, command: Command) -> &[Key] {
        self.keys.get(&command).map_or(&[], Vec::as_slice)
    }

    /// The first key of a command, for menus and hints.
    pub fn key(&self, command: Command) -> Option<Key> {
        self.keys(command).first().copied()
    }

    /// What a key means in a scope alone.
    pub fn within(&self, scope: Scope, key: Key) -> Option<Command> {
        COMMANDS
            .iter()
            .filter(|spec| spec.scope == scope)
            .find(|spec| self.keys(spec.command).contains(&key))
            .map(|spec| spec.command)
    }

    /// What a key means in a scope, or everywhere.
    pub fn find(&self, scope: Scope, key: Key) -> Option<Command> {
        self.within(scope, key).or_else(|| match scope {
            Scope::Menu(_) => None,
            _ => self.within(Scope::Global, key),
        })
    }
}

/// The actions that were probably meant: the nearest by spelling, and those that have the word in them.
fn near(action: &str) -> Vec<&'static str> {
    const MOST: usize = 4;
    let ids: Vec<&str> = COMMANDS.iter().map(|spec| spec.id).collect();
    let word = action.to_lowercase();
    let mut found: Vec<&str> = nearest(action, &ids).into_iter().collect();
    for id in ids {
        let has = id.split(['.', '-']).any(|part| part == word);
        if has && found.len() < MOST && !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs
            .iter()
            .map(|(action, keys)| ((*action).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn the_defaults_do_not_clash_within_a_scope() {
        let map = Keymap::default();
        for (index, a) in COMMANDS.iter().enumerate() {
            for b in COMMANDS[index + 1..].iter().filter(|b| b.scope == a.scope) {
                for key in map.keys(a.command) {
                    assert!(!map.keys(b.command).contains(key), "{key} is both {} and {}", a.id, b.id);
                }
            }
        }
    }

    #[test]
    fn a_change_overlays_the_defaults_and_leaves_the_rest() {
        let map = Keymap::with(&changes(&[("quit", &["Q"])])).unwrap();
        assert_eq!(map.find(Scope::Global, Key::char('Q')), Some(Command::Quit));
        assert_eq!(map.find(Scope::Global, Key::char('q')), None);
        assert_eq!(map.find(Scope::Checklist, Key::char('?')), Some(Command::Help));
    }

    #[test]
    fn unknown_actions_and_keys_and_clashes_are_errors() {
        let bad = Keymap::with(&changes(&[("qiut", &["Q"]), ("zoom", &["hyper-z"]), ("help", &["d"])]))
            .unwrap_err();
        let text: Vec<&str> = bad.iter().map(|b| b.why.as_str()).collect();
        assert!(text.iter().any(|why| why.contains("did you mean `quit`?")), "{text:?}");
        assert!(text.iter().any(|why| why.ends_with("`flightdeck config show` lists them all")), "{text:?}");
        assert!(text.iter().any(|why| why.contains("`hyper-z` is not a key")), "{text:?}");
        assert!(text.iter().any(|why| why.contains("both `help` and `deploy`")), "{text:?}");
    }

    #[test]
    fn an_unknown_action_names_those_that_have_its_word() {
        assert_eq!(near("save"), ["report.save"]);
        assert!(near("refresh").len() > 1, "{:?}", near("refresh"));
        assert!(near("xyzzy").is_empty());
    }

    #[test]
    fn keys_inside_a_menu_do_not_leak_out() {
        let map = Keymap::default();
        assert_eq!(map.find(Scope::Menu(Command::Notes), Key::char('p')), Some(Command::Problem));
        assert_eq!(map.find(Scope::Menu(Command::Notes), Key::char('q')), None);
        assert_eq!(map.find(Scope::Timeline, Key::char('p')), None);
    }
}
