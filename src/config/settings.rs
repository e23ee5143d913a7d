//! The user's own settings, and who is acting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use super::check::unusable;
use super::problem::{Invalid, Problem};
use crate::failure::{Failure, Result};
use crate::text::joiner::without_idle;

/// Name of the file in the directory of settings.
pub const FILE: &str = "settings.toml";

/// What a user likes, on every repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who is acting. Empty: git's user.name, else the login.
    pub name: String,
    /// Colour theme.
    pub theme: String,
    /// Whether a line tells a newcomer what to try next.
    pub guide: bool,
    /// Whether the terminal rings and notifies where a deadline passes, and has the incident in its title.
    pub alerts: bool,
    /// Whether it begins in presenter mode: what is not for a shared screen is masked.
    pub presenter: bool,
    /// Time zone of the times shown.
    pub time: TimeZone,
    /// Characters used for drawing.
    pub glyphs: Glyphs,
    /// Keys in place of the built-in ones: the id of an action, and its keys.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            theme: "dark".to_owned(),
            guide: true,
            alerts: true,
            presenter: false,
            time: TimeZone::default(),
            glyphs: Glyphs::default(),
            keys: BTreeMap::new(),
        }
    }
}

/// Time zone of the times shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeZone {
    /// The same for everybody on the call.
    #[default]
    Utc,
    /// That of this machine.
    Local,
}

/// Characters used for drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Glyphs {
    /// Box drawing, ticks and arrows.
    #[default]
    Unicode,
    /// The same, with curves of half blocks: for fonts that have no dots.
    Blocks,
    /// Plain ASCII, for terminals and fonts that have no other.
    Ascii,
}

/// Settings, and the text they were read from: to point at a place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadedSettings {
    /// What is set, with defaults for the rest.
    pub settings: Settings,
    /// The file; it may not exist.
    pub path: PathBuf,
    /// Its content; empty where there is no file.
    pub source: String,
}

/// Reads the settings in a directory; all defaults where there is no file.
///
/// # Errors
/// The file cannot be read, or has mistakes in it: with lines and carets.
pub fn load(config_dir: &Path) -> Result<LoadedSettings> {
    let path = config_dir.join(FILE);
    let Some(bytes) = super::load::bytes(&path)? else {
        return Ok(LoadedSettings { path, ..LoadedSettings::default() });
    };
    let name = path.display().to_string();
    let settings: Settings = super::load::typed(&name, &bytes, check).map_err(Failure::from)?;
    // Parsing took it for text, so it is.
    let source = String::from_utf8_lossy(&bytes).into_owned();
    Ok(LoadedSettings { settings, path, source })
}

fn check(root: &DeTable<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some(name) = root.get("name")
        && let Some(text) = name.get_ref().as_str()
        && !text.is_empty()
        && let Some(why) = unusable(text)
    {
        found.push(Problem::new(name.span(), format!("the name {why}")));
    }
    if let Some(theme) = root.get("theme")
        && let Some(text) = theme.get_ref().as_str()
        && !is_theme_name(text)
    {
        let problem = Problem::new(theme.span(), "this cannot be the name of a theme");
        found.push(problem.help("letters, digits, - and _"));
    }
    found
}

/// A theme's name becomes a file name, which must not lead out of its folder.
fn is_theme_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

impl LoadedSettings {
    /// Makes a problem about the keys of an action: at key number `index`, or at the name of
    /// the action itself.
    pub fn key_problem(&self, action: &str, index: Option<usize>, message: impl Into<String>) -> Problem {
        Problem::new(self.key_span(action, index).unwrap_or(0..0), message)
    }

    /// Makes an error of what the table of actions refuses: the action as written, and why.
    pub fn bad_keys<'a>(&self, refused: impl IntoIterator<Item = (&'a str, &'a str)>) -> Invalid {
        let problem = |(action, why)| self.key_problem(action, None, why);
        self.invalid(refused.into_iter().map(problem).collect())
    }

    /// Makes a problem about the value of a setting: `theme`.
    pub fn value_problem(&self, setting: &str, message: impl Into<String>) -> Problem {
        let tree = DeTable::parse(&self.source).ok();
        let span = tree.and_then(|tree| Some(tree.get_ref().get(setting)?.span()));
        Problem::new(span.unwrap_or(0..0), message)
    }

    /// Makes an error of problems found by those who know the actions and themes.
    pub fn invalid(&self, problems: Vec<Problem>) -> Invalid {
        Invalid::new(&self.path.display().to_string(), &self.source, problems)
    }

    fn key_span(&self, action: &str, index: Option<usize>) -> Option<std::ops::Range<usize>> {
        let tree = DeTable::parse(&self.source).ok()?;
        let keys = tree.get_ref().get("keys")?.get_ref().as_table()?;
        let (name, value) = keys.get_key_value(action)?;
        match (index, value.get_ref()) {
            (Some(index), DeValue::Array(list)) => Some(list.get(index)?.span()),
            _ => Some(name.span()),
        }
    }
}

/// Variable that says who is acting.
pub const USER_VARIABLE: &str = "FLIGHTDECK_USER";

/// Who is acting: `FLIGHTDECK_USER`, the settings, git's `user.name` as `git` finds it, the
/// login.
///
/// # Errors
/// None of them says, or the name could not be shown.
pub fn acting_user(settings: &Settings, git: &dyn Fn() -> Option<String>) -> Result<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let login = || variable("USER").or_else(|| variable("LOGNAME"));
    first_name([&|| variable(USER_VARIABLE), &|| Some(settings.name.clone()), git, &login])
}

fn first_name(sources: [&dyn Fn() -> Option<String>; 4]) -> Result<String> {
    let hint = format!("set {USER_VARIABLE}, or `name` in {FILE}, or git's user.name");
    let names = sources.into_iter().filter_map(|source| source());
    let name = names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty());
    let doing = "finding out who is acting";
    let name = name.ok_or_else(|| Failure::usage(doing, "your name is not set", &hint))?;
    person(doing, &name, &hint)
}

/// The name of a person as it is kept: what can be seen, without blanks around it.
///
/// # Errors
/// It is none, or could not be shown.
pub fn person(doing: &str, name: &str, hint: &str) -> Result<String> {
    let name = &without_idle(name.trim());
    match unusable(name) {
        _ if crate::text::name::folded(name).is_empty() => {
            Err(Failure::usage(doing, "the name cannot be empty", hint))
        }
        None => Ok(name.to_owned()),
        Some(why) => Err(Failure::usage(doing, format!("the name {why}"), hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(content: &str) -> Result<LoadedSettings> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), content).unwrap();
        load(dir.path())
    }

    #[test]
    fn without_a_file_all_is_default() {
        let dir = tempfile::tempdir().unwrap();
        let loaded = load(dir.path()).unwrap();
        assert_eq!(loaded.settings, Settings::default());
        assert!(loaded.settings.guide);
    }

    #[test]
    fn settings_are_read_and_mistakes_shown_with_their_line() {
        let loaded =
            settings("name = \"maya\"\ntime = \"local\"\n[keys]\nnote = [\"n\", \"ctrl-n\"]\n").unwrap();
        assert_eq!(loaded.settings.time, TimeZone::Local);
        assert_eq!(loaded.settings.keys["note"], ["n", "ctrl-n"]);

        let failure = settings("them = \"light\"\n").unwrap_err();
        assert!(failure.cause.contains("did you mean `theme`?"), "{failure}");
        let failure = settings("theme = \"../../x\"\n").unwrap_err();
        assert!(failure.cause.contains("settings.toml:1:9"), "{failure}");
        let failure = settings("[keys]\nnote = \"n\"\n").unwrap_err();
        assert!(failure.cause.contains("note = [\"n\"]"), "{failure}");
    }

    #[test]
    fn those_who_know_the_actions_can_point_at_a_key() {
        let loaded = settings("theme = \"dork\"\n[keys]\nnotes = [\"n\", \"qq\"]\n").unwrap();
        let problems = vec![
            loaded.key_problem("notes", Some(1), "no such key"),
            loaded
                .key_problem("notes", None, "unknown action `notes`")
                .suggest("notes", ["note"].into_iter()),
            loaded.value_problem("theme", "no such theme"),
        ];
        let lines = loaded.invalid(problems).lines();
        assert!(lines[0].contains(":1:9: no such theme"), "{lines:?}");
        assert!(lines[1].contains(":3:1: unknown action `notes` (did you mean `note`?)"), "{lines:?}");
        assert!(lines[2].contains(":3:15: no such key"), "{lines:?}");
    }

    #[test]
    fn the_first_source_that_says_a_name_decides() {
        let say = |name: &'static str| move || (!name.is_empty()).then(|| name.to_owned());
        let of = |a, b, c, d| first_name([&say(a), &say(b), &say(c), &say(d)]);
        assert_eq!(of("env", "set", "git", "login").unwrap(), "env");
        assert_eq!(of("", " ", " git ", "login").unwrap(), "git");
        assert!(of("", "", "", "").unwrap_err().hint.contains("FLIGHTDECK_USER"));
        assert!(of("a\u{202E}b", "", "", "").unwrap_err().cause.contains("invisible characters"));
        assert_eq!(of("علی\u{200C}رضا", "", "", "").unwrap(), "علی\u{200C}رضا");
        assert_eq!(of("کار\u{200C}ها", "", "", "").unwrap(), "کارها", "what nobody sees is left out");
        assert!(of("ma\u{200D}ya", "", "", "").unwrap_err().cause.contains("invisible characters"));
    }
}
