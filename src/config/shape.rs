//! Compares a parsed file with the JSON schema of its type: names, types, choices,
//! durations. Reports every difference, where a typed parser would stop at the first.

use std::ops::Range;

use jiff::SignedDuration;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::check::programs;
use super::headers;
use super::problem::Problem;
use super::types::{DeadlineText, DurationText};
use crate::text::nearest;

/// Reports where `table` is not what `schema` (a whole JSON schema) says.
pub(super) fn check(table: &DeTable<'_>, whole: Range<usize>, schema: &Value) -> Vec<Problem> {
    let mut walk = Walk { root: schema, path: Vec::new(), found: Vec::new() };
    walk.table(table, whole, schema, "");
    walk.found
}

/// Follows references, and looks past "or nothing", which TOML has no word for.
pub(super) fn resolve<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    loop {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            schema = &root["$defs"][name];
        } else if let Some(one) =
            schema["anyOf"].as_array().and_then(|all| all.iter().find(|one| one["type"] != "null"))
        {
            schema = one;
        } else {
            return schema;
        }
    }
}

/// The list in a schema of one thing or several; `None`: it is not both.
fn as_list<'s>(root: &'s Value, mut schema: &'s Value) -> Option<&'s Value> {
    while let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        schema = &root["$defs"][name];
    }
    schema["anyOf"].as_array()?.iter().find(|one| one["type"] == "array")
}

/// Tells whether a schema is that of a list of tables.
pub(super) fn is_list_of_tables(root: &Value, schema: &Value) -> bool {
    let schema = resolve(root, schema);
    type_of(schema) == "array" && type_of(resolve(root, &schema["items"])) == "object"
}

struct Walk<'s> {
    root: &'s Value,
    /// The keys that lead to where it is.
    path: Vec<String>,
    found: Vec<Problem>,
}

impl<'s> Walk<'s> {
    fn value(&mut self, value: &DeValue<'_>, span: Range<usize>, schema: &'s Value, name: &str) {
        let is_list = matches!(value, DeValue::Array(_));
        let listed = is_list.then(|| as_list(self.root, schema)).flatten();
        let schema = listed.unwrap_or_else(|| resolve(self.root, schema));
        let wanted = type_of(schema);
        match (wanted, value) {
            ("object", DeValue::Table(table)) => self.table(table, span, schema, name),
            ("array", DeValue::Array(items)) => {
                self.count(items.len(), span, schema, name);
                for item in items {
                    self.value(item.get_ref(), item.span(), &schema["items"], name);
                }
            }
            ("string", DeValue::String(text)) => self.text(text, span, schema, name),
            ("integer", DeValue::Integer(number)) => self.number(number, span, schema, name),
            ("boolean", DeValue::Boolean(_)) | ("any", _) => {}
            _ => self.found.push(wrong_type(value, span, schema, self.element(schema), &self.path)),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, schema: &'s Value, name: &str) {
        let empty = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&empty);
        let others = &schema["additionalProperties"];
        for (key, value) in table {
            let key_name: &str = key.get_ref();
            let below = schema["properties"].get(key_name).or_else(|| others.is_object().then_some(others));
            if let Some(below) = below {
                self.path.push(key_name.to_owned());
                self.value(value.get_ref(), value.span(), below, key_name);
                self.path.pop();
            } else if others.as_bool() == Some(false) {
                let place = if name.is_empty() { String::new() } else { format!(" in `{name}`") };
                let problem = Problem::new(key.span(), format!("unknown key `{key_name}`{place}"));
                self.found.push(problem.suggest(key_name, known.keys().map(String::as_str)));
            }
        }
        // A key that is only misspelt is reported as that, and not as missing too.
        let misspelt = |name: &str| {
            let unknown = table.keys().filter(|key| !known.contains_key::<str>(key.get_ref()));
            unknown.into_iter().any(|key| nearest(key.get_ref(), &[name]).is_some())
        };
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for missing in required.filter(|name| table.get(*name).is_none() && !misspelt(name)) {
            let problem = Problem::new(span.clone(), format!("`{missing}` is missing here"));
            self.found.push(problem.help(describe(&known[missing])));
        }
    }

    fn text(&mut self, text: &str, span: Range<usize>, schema: &Value, name: &str) {
        if is_duration(schema) {
            self.duration(text, span, name, schema["format"] == DeadlineText::FORMAT);
            return;
        }
        let choices = choices(schema);
        if !choices.is_empty() && !choices.contains(&text) {
            let problem = Problem::new(span, format!("`{name}` cannot be `{text}`"));
            self.found.push(match nearest(text, &choices) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.help(format!("one of: {}", choices.join(", "))),
            });
        }
    }

    fn duration(&mut self, text: &str, span: Range<usize>, name: &str, may_be_zero: bool) {
        let examples = "write a number and a unit: 90s, 15m, 1h 30m";
        match text.parse::<SignedDuration>() {
            Ok(duration) if duration.is_positive() || (may_be_zero && duration.is_zero()) => {}
            Ok(_) if may_be_zero => {
                self.found.push(Problem::new(span, format!("`{name}` cannot be negative")));
            }
            Ok(_) => self.found.push(Problem::new(span, format!("`{name}` must be longer than 0s"))),
            Err(_) => {
                self.found.push(Problem::new(span, format!("`{name}` is not a duration")).help(examples));
            }
        }
    }

    fn number(&mut self, number: &toml::de::DeInteger<'_>, span: Range<usize>, schema: &Value, name: &str) {
        let parsed = i64::from_str_radix(number.as_str(), number.radix());
        let least = schema["minimum"].as_i64().unwrap_or(i64::MIN);
        let most = if schema["format"] == "uint32" { i64::from(u32::MAX) } else { i64::MAX };
        let most = schema["maximum"].as_i64().unwrap_or(most);
        if !parsed.is_ok_and(|n| (least..=most).contains(&n)) {
            let problem = Problem::new(span, format!("`{name}` is out of range"));
            self.found.push(problem.help(format!("{least} to {most}")));
        }
    }

    /// A list that always has the same number of entries.
    fn count(&mut self, there: usize, span: Range<usize>, schema: &Value, name: &str) {
        let least = schema["minItems"].as_u64();
        if let Some(wanted) = least.filter(|least| schema["maxItems"].as_u64() == Some(*least))
            && there as u64 != wanted
        {
            let problem = Problem::new(span, format!("`{name}` has to have exactly {wanted} entries"));
            self.found.push(problem.label(format!("there are {there}")));
        }
    }

    fn element(&self, schema: &'s Value) -> &'static str {
        type_of(resolve(self.root, &schema["items"]))
    }
}

fn type_of(schema: &Value) -> &'static str {
    let named = |name: &str| match name {
        "object" => Some("object"),
        "array" => Some("array"),
        "string" => Some("string"),
        "integer" => Some("integer"),
        "boolean" => Some("boolean"),
        _ => None,
    };
    let found = match &schema["type"] {
        Value::String(name) => named(name),
        Value::Array(several) => several.iter().filter_map(Value::as_str).find_map(named),
        _ => None,
    };
    found.unwrap_or(if choices(schema).is_empty() { "any" } else { "string" })
}

fn is_duration(schema: &Value) -> bool {
    schema["format"] == DurationText::FORMAT || schema["format"] == DeadlineText::FORMAT
}

/// The texts an enumeration allows.
fn choices(schema: &Value) -> Vec<&str> {
    let consts = schema["oneOf"].as_array().into_iter().flatten().flat_map(|one| {
        let several = one["enum"].as_array().into_iter().flatten();
        one["const"].as_str().into_iter().chain(several.filter_map(Value::as_str))
    });
    let plain = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    consts.chain(plain).collect()
}

/// First sentence of what the schema says about a value.
fn describe(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    text.split_inclusive(". ").next().unwrap_or_default().trim().to_owned()
}

fn wrong_type(
    value: &DeValue<'_>,
    span: Range<usize>,
    schema: &Value,
    items: &str,
    path: &[String],
) -> Problem {
    let name = path.last().map(String::as_str).unwrap_or_default();
    let duration = is_duration(schema);
    match (type_of(schema), items, value) {
        ("array", "object", DeValue::Table(table)) => {
            let problem = Problem::new(span, headers::message(path));
            // Tables by their names, as other tools have them.
            let by_name = table.iter().find(|(_, entry)| entry.get_ref().is_table());
            return match by_name {
                Some((key, _)) => problem.help(format!(
                    "each with its name in it: [[{}]], and below it name = {}",
                    path.join("."),
                    toml_edit::Value::from(key.get_ref().to_string()).to_string().trim()
                )),
                None => problem,
            };
        }
        ("object", _, DeValue::Array(_)) => {
            let message = format!("write [{}]: there is only one", path.join("."));
            return Problem::new(span, message);
        }
        _ => {}
    }
    let wanted = match (type_of(schema), items) {
        _ if duration => "a duration in quotes",
        ("object", _) => "a table",
        ("array", "object") => "a list of tables",
        ("array", "string") => "a list of strings",
        ("array", _) => "a list",
        ("string", _) => "a string",
        ("integer", _) => "an integer",
        ("boolean", _) => "true or false",
        _ => "something else",
    };
    let found = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let problem = Problem::new(span, format!("wrong type for `{name}`"));
    let problem = problem.label(format!("this is {found}, expected {wanted}"));
    match (type_of(schema), value) {
        // A condition is one string with blanks in it; a command is a string an argument.
        ("array", DeValue::String(text)) if name == "expect" => {
            problem.help(format!("write it as a list: {name} = {}", list(&[text.to_string()])))
        }
        ("array", DeValue::String(text)) if programs::is_command(name) && programs::needs_shell(text) => {
            problem.help(programs::in_a_shell(name, text))
        }
        ("array", DeValue::String(text)) if items == "string" => match shell_words::split(text) {
            Ok(words) => problem.help(format!("write it as a list: {name} = {}", list(&words))),
            Err(_) => problem,
        },
        ("string", DeValue::Integer(n)) if duration => {
            problem.help(format!("with its unit: {name} = \"{n}s\""))
        }
        _ => problem,
    }
}

/// A list of strings as TOML.
pub(super) fn list(words: &[String]) -> String {
    let array: toml_edit::Array = words.iter().map(String::as_str).collect();
    array.to_string().trim().to_owned()
}
