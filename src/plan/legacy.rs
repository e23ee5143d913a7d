//! Plans as they were stored before they had a version: flat, with a hash over their structs as
//! those were then. What was recorded then stays readable and keeps its hash for ever, so nothing
//! here depends on what those structs have become: the bytes that were hashed are put together from
//! the stored JSON alone.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::Plan;
use crate::incident::Hash;

/// The order in which fields stood in the bytes that were hashed. One order is enough for all
/// structs: each had its fields in this one.
const ORDER: [&str; 54] = [
    "kind",
    "by",
    "how",
    "then",
    "what",
    "number",
    "head",
    "commit",
    "base",
    "title",
    "argv",
    "place",
    "left",
    "conclude",
    "wanted",
    "forge",
    "api",
    "repository",
    "owner",
    "token",
    "action",
    "ask",
    "proof",
    "call",
    "path",
    "why",
    "step",
    "time",
    "settle",
    "probes",
    "cwd",
    "judges",
    "name",
    "from",
    "method",
    "url",
    "command",
    "headers",
    "env",
    "file",
    "set",
    "environment",
    "interval",
    "timeout",
    "body",
    "labels",
    "reviewers",
    "expect",
    "negate",
    "value",
    "unit",
    "warn",
    "fail",
    "confirm",
];

/// Fields that hold names of their own, which stood in the order of the alphabet.
const MAPS: [&str; 3] = ["frozen", "headers", "set"];

/// The plan, as far as this version can carry it out.
///
/// # Errors
/// It is none.
pub(super) fn read(spec: &Value) -> Result<Plan, serde_json::Error> {
    Plan::deserialize(spec)
}

/// The hash that was recorded of a plan of then; `None` where the JSON is none.
pub(super) fn hash(spec: &Value) -> Option<String> {
    let steps = spec.get("steps")?.as_array()?;
    let list: Vec<Value> = steps.iter().map(step).collect::<Option<_>>()?;
    let release = match spec.get("release") {
        None | Some(Value::Null) => Value::Null,
        Some(release) => ["environment", "reference", "commit", "rollback", "after"]
            .iter()
            .map(|name| release.get(name).cloned())
            .collect::<Option<_>>()?,
    };
    let secrets = given(spec, "secrets", Value::Array(Vec::new()));
    let settled = |(index, step): (usize, &Value)| {
        let settle = step.get("settle").filter(|settle| !settle.is_null())?;
        Some(Value::Array(vec![index.into(), settle.clone()]))
    };
    let settled: Vec<Value> = steps.iter().enumerate().filter_map(settled).collect();
    let mut out = String::from("[");
    let approved = [
        (spec.get("target")?, false),
        (spec.get("purpose")?, false),
        (spec.get("frozen")?, true),
        (&release, false),
        (&secrets, false),
        (&Value::Array(list), false),
    ];
    for (index, (value, is_map)) in approved.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(&mut out, value, is_map);
    }
    out.push(']');
    if !settled.is_empty() {
        out.insert(0, '[');
        out.push(',');
        write(&mut out, &Value::Array(settled), false);
        out.push(']');
    }
    Some(Hash::of(out.as_bytes()).to_string())
}

/// What was hashed of a step: all but its words.
fn step(step: &Value) -> Option<Value> {
    let action = step.get("action")?;
    let waits_for = (action.get("kind")? == "gate").then(|| {
        let gates = action.get("gates")?.as_array()?;
        gates.iter().map(|gate| gate.get("gate").cloned()).collect::<Option<Value>>()
    });
    let action = if waits_for.is_some() { Value::Null } else { action.clone() };
    let guards = given(step, "guards", Value::Array(Vec::new()));
    let guards: Option<Value> = guards.as_array()?.iter().map(|guard| guard.get("probe").cloned()).collect();
    let within = given(step, "proof_within", "PT0S".into());
    let proof = given(step, "proof", Value::Null);
    Some(Value::Array(vec![
        action,
        waits_for.map_or(Some(Value::Null), |gates| gates)?,
        guards?,
        Value::Array(vec![proof, within]),
        given(step, "undo", serde_json::json!({ "how": "nothing" })),
        given(step, "on_failure", serde_json::json!({ "then": "stop" })),
        step.get("timeout")?.clone(),
    ]))
}

fn given(value: &Value, name: &str, otherwise: Value) -> Value {
    value.get(name).cloned().unwrap_or(otherwise)
}

/// Writes a value as it was written then: no blanks, fields of structs in [`ORDER`].
fn write(out: &mut String, value: &Value, is_map: bool) {
    match value {
        Value::Array(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, value, false);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (name, value)) in ordered(fields, is_map).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(out, value, MAPS.contains(&name.as_str()));
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn ordered(fields: &Map<String, Value>, is_map: bool) -> Vec<(&String, &Value)> {
    let mut list: Vec<_> = fields.iter().collect();
    // A field that there was not then stands last, and so changes the hash.
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    if is_map {
        list.sort_by_key(|(name, _)| name.as_str());
    } else {
        list.sort_by_key(|(name, _)| (place(name), name.as_str()));
    }
    list
}
