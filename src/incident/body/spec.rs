//! A whole plan as JSON, kept as it was written down.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A whole plan as JSON, kept byte for byte: the `plan` module takes it apart, and what was
/// approved is known by a hash over some of these bytes.
#[derive(Clone)]
pub struct Spec(Arc<Parts>);

struct Parts {
    raw: Box<RawValue>,
    value: Value,
}

impl Spec {
    /// Keeps a JSON text.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn new(json: String) -> Result<Self, serde_json::Error> {
        Self::of(RawValue::from_string(json)?)
    }

    fn of(raw: Box<RawValue>) -> Result<Self, serde_json::Error> {
        let value = serde_json::from_str(raw.get())?;
        Ok(Self(Arc::new(Parts { raw, value })))
    }

    /// The text as it was written down.
    pub fn raw(&self) -> &str {
        self.0.raw.get()
    }

    /// All of it, to be read.
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// A part of the plan by its name, wherever the plan's version keeps it: what was approved comes
    /// before what is only shown.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let approved = self.0.value.get("approved").and_then(|approved| approved.get(name));
        approved.or_else(|| self.0.value.get(name))
    }
}

impl Default for Spec {
    /// No plan.
    fn default() -> Self {
        Self::from(Value::Null)
    }
}

impl From<Value> for Spec {
    fn from(value: Value) -> Self {
        // A value is always JSON: its maps have text for keys.
        let raw = serde_json::value::to_raw_value(&value).unwrap_or_default();
        Self(Arc::new(Parts { raw, value }))
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Spec {}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spec").field(&self.raw()).finish()
    }
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Box::<RawValue>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_keeps_its_bytes() {
        let text = r#"{ "b":1.50, "a":"\u00e9", "approved": {"b" : 2, "c":null} }"#;
        let spec: Spec = serde_json::from_str(text).unwrap();
        assert_eq!((spec.raw(), serde_json::to_string(&spec).unwrap().as_str()), (text, text));
        assert_eq!(spec.get("b"), Some(&Value::from(2)), "what was approved comes first");
        assert_eq!(spec.get("a"), Some(&Value::from("é")));
        assert_eq!(spec.get("c"), Some(&Value::Null));
        assert_eq!(spec, Spec::new(text.to_owned()).unwrap());
        assert_eq!((Spec::default().get("a"), Spec::default().raw()), (None, "null"));
    }
}
