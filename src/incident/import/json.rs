//! Lines of JSON: an object each.

use serde_json::{Map, Value};

use super::{Column, Fields, Read, Times};

/// Reads lines of JSON, an event each.
pub fn read_json_lines(text: &str, times: &Times) -> Read {
    let mut read = Read::default();
    for (n, line) in text.lines().enumerate() {
        let line_number = n as u64 + 1;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let row = match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(object) => fields(&object).row(times),
            Err(error) if error.is_data() => Err("it is JSON, but no object".to_owned()),
            Err(error) => Err(format!("not valid JSON (character {})", error.column())),
        };
        read.put(line_number, row);
    }
    read
}

fn fields(object: &Map<String, Value>) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in object {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        fields.take(Column::of(name), name, &text);
    }
    fields
}
