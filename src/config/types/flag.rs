//! Feature flags: the services that keep them, and the requests that each understands.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::visible;

/// A feature flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// Name, unique among the flags; also its key at the service, unless `key` says otherwise.
    pub name: String,
    /// The service that keeps it.
    #[serde(default)]
    pub kind: FlagKind,
    /// Address of that service, `https://app.launchdarkly.com`; of plain HTTP the address that is
    /// read to learn the state.
    pub url: String,
    /// Name of the secret that is sent as its token; to plain HTTP as `Bearer`. Empty: none.
    #[serde(default)]
    pub token: String,
    /// The key at the service, where it is not the name. Of Flagsmith the number of the feature.
    #[serde(default)]
    pub key: String,
    /// The project at the service.
    #[serde(default)]
    pub project: String,
    /// The environment at the service; of Flagsmith its key.
    #[serde(default)]
    pub environment: String,
    /// Of plain HTTP: where in the JSON answer the state stands: `enabled`. Empty: the whole body.
    /// `true` is on, `false` is off.
    #[serde(default)]
    pub path: String,
    /// Of plain HTTP: the call that turns it on.
    #[serde(default)]
    pub on: Option<FlagCall>,
    /// Of plain HTTP: the call that turns it off.
    #[serde(default)]
    pub off: Option<FlagCall>,
    /// What it guards, a few words; or what is then: `…; off: orders are charged later`.
    #[serde(default)]
    pub about: String,
}

/// A service that keeps flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlagKind {
    /// Any HTTP API: `url`, `path`, `on` and `off` say how.
    #[default]
    Http,
    /// `LaunchDarkly`.
    LaunchDarkly,
    /// Unleash.
    Unleash,
    /// Flagsmith.
    Flagsmith,
}

/// A call that sets a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagCall {
    /// `PUT`, `POST`, `PATCH`, `DELETE`.
    pub method: String,
    /// Its address; empty: that of the flag.
    #[serde(default)]
    pub url: String,
    /// What is sent; empty: nothing.
    #[serde(default)]
    pub body: String,
}

/// A request to the service of a flag. Its headers may name secrets as `{secret:NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagRequest {
    /// `GET`, or one of [`SETTING_METHODS`].
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// What is sent; empty: nothing.
    pub body: String,
}

/// The requests that ask about a flag and set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagRequests {
    /// Asks for its state.
    pub read: FlagRequest,
    /// Where the state stands in the answer.
    pub path: String,
    /// Turns it on.
    pub on: FlagRequest,
    /// Turns it off.
    pub off: FlagRequest,
}

impl FlagRequests {
    /// Tells which requests a flag stands for.
    ///
    /// # Errors
    /// What is configured could be taken for something else by the service, or something is
    /// missing: what, in one line.
    pub fn of(flag: &Flag) -> Result<Self, String> {
        let key = if flag.key.is_empty() { &flag.name } else { &flag.key };
        let base = flag.url.trim_end_matches('/');
        if let Some(why) = not_an_address(&flag.url) {
            return Err(format!("its address {why}"));
        }
        let caller = Caller { headers: headers(flag) };
        let part = |what: &str, text: &str| part(text).map_err(|why| format!("its {what} {why}"));
        match flag.kind {
            FlagKind::Http => {
                let read = caller.reads(flag.url.clone());
                let set = |call: &Option<FlagCall>, word| {
                    let call = call.as_ref().ok_or_else(|| format!("no call that turns it {word}"))?;
                    caller.sets(flag, call)
                };
                let (on, off) = (set(&flag.on, "on")?, set(&flag.off, "off")?);
                Ok(Self { read, path: flag.path.clone(), on, off })
            }
            FlagKind::LaunchDarkly => {
                let (project, key) = (part("project", &flag.project)?, part("key", key)?);
                part("environment", &flag.environment)?;
                let url = format!("{base}/api/v2/flags/{project}/{key}");
                let place = flag.environment.replace('~', "~0");
                let set = |on: bool| {
                    let patch = serde_json::json!([
                        { "op": "replace", "path": format!("/environments/{place}/on"), "value": on }
                    ]);
                    caller.sends("PATCH", url.clone(), patch.to_string())
                };
                let path = format!("environments{}.on", member(&flag.environment));
                Ok(Self { read: caller.reads(url.clone()), path, on: set(true), off: set(false) })
            }
            FlagKind::Unleash => {
                let (project, key) = (part("project", &flag.project)?, part("key", key)?);
                let environment = part("environment", &flag.environment)?;
                let url =
                    format!("{base}/api/admin/projects/{project}/features/{key}/environments/{environment}");
                let set = |word: &str| caller.sends("POST", format!("{url}/{word}"), String::new());
                Ok(Self {
                    on: set("on"),
                    off: set("off"),
                    read: caller.reads(url.clone()),
                    path: "enabled".to_owned(),
                })
            }
            FlagKind::Flagsmith => {
                if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("its key is not the number that Flagsmith gave the feature".to_owned());
                }
                let environment = part("environment", &flag.environment)?;
                let url = format!("{base}/api/__future__/environments/{environment}/features/{key}/");
                let set = |on: bool| {
                    let body = serde_json::json!({ "environment_default": { "enabled": on } });
                    caller.sends("PATCH", url.clone(), body.to_string())
                };
                let path = "environment_default.enabled".to_owned();
                Ok(Self { on: set(true), off: set(false), read: caller.reads(url.clone()), path })
            }
        }
    }
}

/// Makes requests that all carry the same credentials.
struct Caller {
    headers: BTreeMap<String, String>,
}

impl Caller {
    fn reads(&self, url: String) -> FlagRequest {
        let mut headers = self.headers.clone();
        headers.insert("Accept".to_owned(), "application/json".to_owned());
        FlagRequest { method: "GET".to_owned(), url, headers, body: String::new() }
    }

    fn sends(&self, method: &str, url: String, body: String) -> FlagRequest {
        let mut headers = self.headers.clone();
        if !body.is_empty() {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
            let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            headers.insert("Content-Type".to_owned(), kind.to_owned());
        }
        FlagRequest { method: method.to_owned(), url, headers, body }
    }

    fn sets(&self, flag: &Flag, call: &FlagCall) -> Result<FlagRequest, String> {
        let url = if call.url.is_empty() { &flag.url } else { &call.url };
        if let Some(why) = not_an_address(url) {
            return Err(format!("the address of a call {why}"));
        }
        let method = call.method.to_ascii_uppercase();
        if !SETTING_METHODS.contains(&method.as_str()) {
            return Err(format!("{} is not a method that sets anything", visible(&call.method)));
        }
        Ok(self.sends(&method, url.clone(), call.body.clone()))
    }
}

/// Methods that a call which sets a flag may have.
pub const SETTING_METHODS: [&str; 4] = ["PUT", "POST", "PATCH", "DELETE"];

/// How each service wants its token.
fn headers(flag: &Flag) -> BTreeMap<String, String> {
    if flag.token.is_empty() {
        return BTreeMap::new();
    }
    let scheme = match flag.kind {
        FlagKind::Http => "Bearer ",
        FlagKind::LaunchDarkly | FlagKind::Unleash => "",
        FlagKind::Flagsmith => "Api-Key ",
    };
    BTreeMap::from([("Authorization".to_owned(), format!("{scheme}{{secret:{}}}", flag.token))])
}

/// Why a text is no address that may be called, to follow on “the address …”; `None`: it is.
pub fn not_an_address(url: &str) -> Option<&'static str> {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("has to begin with https:// or http://");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if url.contains("{secret:") {
        Some("cannot hold a secret: name it as `token`")
    } else if host.contains('@') {
        Some("holds a user or password: name a secret as `token` instead")
    } else if host.is_empty() || host.starts_with(':') {
        Some("names no host")
    } else if visible(url) != url || url.contains(char::is_whitespace) {
        Some("has characters in it that no address has")
    } else {
        None
    }
}

/// One part of a path, percent-encoded. What a server could take for another path is refused.
fn part(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("is missing");
    }
    if matches!(text, "." | "..") || text.contains(['/', '\\', '?', '#', '%', ';']) {
        return Err("would lead to another address");
    }
    if visible(text) != text || text.trim() != text {
        return Err("has invisible characters");
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Ok(encoded)
}

/// A member of a JSON object, as a path names it.
fn member(name: &str) -> String {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        format!(".{name}")
    } else {
        // What would have to be escaped is refused as a part of an address.
        format!("[{}]", serde_json::Value::from(name))
    }
}
