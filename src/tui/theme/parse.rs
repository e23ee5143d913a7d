//! Reads a theme from TOML: a palette of named colours, and a style for each role.

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use super::{BUILT_IN, ColorDepth, Role, Theme};
use crate::text::nesting;

/// What may be said of a role.
const KEYS: [&str; 8] = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse", "strike"];

/// Reads a theme. What it does not name comes from the theme in `base`, else the default.
pub(super) fn theme(text: &str) -> Result<Theme, String> {
    if let Some(at) = nesting::too_deep(text) {
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        return Err(format!("line {line} nests deeper than {} levels", nesting::MOST));
    }
    let table: Table = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    for key in table.keys() {
        if !["base", "palette", "roles"].contains(&key.as_str()) {
            return Err(unknown("key", key, &["base", "palette", "roles"]));
        }
    }
    let roles = inner(&table, "roles")?;
    let whole = roles.len() == Role::ALL.len();
    let mut styles = [Style::new(); Role::ALL.len()];
    // A whole theme stands for itself; asking for its base would never end for the default.
    if !whole {
        styles = base(&table)?;
    }
    let palette = inner(&table, "palette")?;
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    for (name, value) in &roles {
        let Some(index) = names.iter().position(|known| known == name) else {
            return Err(unknown("role", name, &names));
        };
        styles[index] = style(name, value, &palette)?;
    }
    Ok(Theme { styles, depth: ColorDepth::True })
}

fn base(table: &Table) -> Result<[Style; Role::ALL.len()], String> {
    let name = match table.get("base") {
        None => BUILT_IN[0].0,
        Some(Value::String(name)) => name,
        Some(_) => return Err("`base` must be the name of a built-in theme".to_owned()),
    };
    match Theme::built_in(name) {
        Some(theme) => Ok(theme.styles),
        None => Err(unknown("base theme", name, &BUILT_IN.map(|(name, _)| name))),
    }
}

fn inner(table: &Table, key: &str) -> Result<Table, String> {
    match table.get(key) {
        None => Ok(Table::new()),
        Some(Value::Table(inner)) => Ok(inner.clone()),
        Some(_) => Err(format!("`{key}` must be a table")),
    }
}

fn style(role: &str, value: &Value, palette: &Table) -> Result<Style, String> {
    let Value::Table(said) = value else {
        return Err(format!("the role `{role}` must be a table, as in {{ fg = \"#82b4f7\" }}"));
    };
    let mut style = Style::new();
    for (key, value) in said {
        let modifier = match key.as_str() {
            "fg" => {
                style.fg = Some(color(role, value, palette)?);
                continue;
            }
            "bg" => {
                style.bg = Some(color(role, value, palette)?);
                continue;
            }
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underline" => Modifier::UNDERLINED,
            "reverse" => Modifier::REVERSED,
            "strike" => Modifier::CROSSED_OUT,
            _ => return Err(format!("in the role `{role}`: {}", unknown("key", key, &KEYS))),
        };
        match value {
            Value::Boolean(true) => style = style.add_modifier(modifier),
            Value::Boolean(false) => {}
            _ => return Err(format!("in the role `{role}`: `{key}` must be true or false")),
        }
    }
    Ok(style)
}

/// A colour of the palette, or written out as `#rrggbb`, or `terminal` for the terminal's own.
fn color(role: &str, value: &Value, palette: &Table) -> Result<Color, String> {
    let Value::String(written) = value else {
        return Err(format!("in the role `{role}`: a colour is written \"#rrggbb\" or by its palette name"));
    };
    let written = match palette.get(written) {
        Some(Value::String(found)) => found,
        Some(_) => return Err(format!("the palette's `{written}` must be a text, as in \"#82b4f7\"")),
        None => written,
    };
    if written == "terminal" {
        return Ok(Color::Reset);
    }
    hex(written).ok_or_else(|| {
        let names: Vec<&str> = palette.keys().map(String::as_str).collect();
        format!("in the role `{role}`: {}", unknown("colour", written, &names))
    })
}

fn hex(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    // A sign would pass as a number.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(Color::Rgb((number >> 16) as u8, (number >> 8) as u8, number as u8))
}

fn unknown(what: &str, written: &str, known: &[&str]) -> String {
    let near = nearest(written, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("unknown {what} `{}`{near}", crate::text::visible(written))
}

/// The known name that is nearest to what was written, if any is near.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|name| (distance(written, name), *name))
        .filter(|(distance, name)| *distance <= name.chars().count().div_ceil(3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits from one word to the other: insert, remove, replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
