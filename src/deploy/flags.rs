//! Feature flags: how each service is asked and told, and turning one on or off as a plan.
//! Pure.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::secrets;
use crate::config::types::{Config, Flag, FlagCall, FlagKind};
use crate::failure::{Failure, Result};
use crate::plan::{Action, Ask, HttpCall, Plan, Probe, Purpose, Reach, Step, Undo};
use crate::text::{nearest, visible};

/// A call is given up after so long.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(30);
/// So long a service may take until it answers with the new state.
const TAKES_EFFECT: SignedDuration = SignedDuration::from_secs(15);

/// What a flag is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    /// It is on.
    On,
    /// It is off.
    Off,
    /// Nobody knows, and why, in one line.
    Unknown(String),
}

impl Switch {
    /// The word on screen and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Reads what a service answers. Only `true` and `false` are understood.
    pub fn read(answer: Result<&str, &str>) -> Self {
        match answer {
            Ok("true") => Self::On,
            Ok("false") => Self::Off,
            Ok(other) => Self::Unknown(format!("it answers {}, neither true nor false", visible(other))),
            Err(why) => Self::Unknown(visible(why).into_owned()),
        }
    }
}

/// A flag as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FlagState {
    /// Its name.
    pub name: String,
    /// What it guards, a few words; may be empty.
    pub about: String,
    /// What it is set to.
    pub state: Switch,
    /// How long the service took to answer, in milliseconds.
    pub ms: f64,
}

/// The calls that ask about a flag and set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// Asks for its state.
    pub read: HttpCall,
    /// Where the state stands in the answer.
    pub path: String,
    /// Turns it on.
    pub on: HttpCall,
    /// Turns it off.
    pub off: HttpCall,
}

impl Calls {
    /// The calls of a flag.
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
                    let call =
                        call.as_ref().ok_or_else(|| format!("there is no call that turns it {word}"))?;
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

    /// Asks whether it is on, or off.
    pub fn proof(&self, on: bool) -> Probe {
        let ask = Ask::Http { call: self.read.clone(), path: self.path.clone() };
        Probe { ask, expect: Some(on.to_string()), negate: false }
    }

    fn set(&self, on: bool) -> HttpCall {
        if on { self.on.clone() } else { self.off.clone() }
    }
}

/// Makes calls that all carry the same credentials.
struct Caller {
    headers: BTreeMap<String, String>,
}

impl Caller {
    fn reads(&self, url: String) -> HttpCall {
        let mut headers = self.headers.clone();
        headers.insert("Accept".to_owned(), "application/json".to_owned());
        HttpCall { method: "GET".to_owned(), url, headers, body: String::new(), expect: Vec::new() }
    }

    fn sends(&self, method: &str, url: String, body: String) -> HttpCall {
        let mut headers = self.headers.clone();
        if !body.is_empty() {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
            let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            headers.insert("Content-Type".to_owned(), kind.to_owned());
        }
        HttpCall { method: method.to_owned(), url, headers, body, expect: Vec::new() }
    }

    fn sets(&self, flag: &Flag, call: &FlagCall) -> Result<HttpCall, String> {
        let url = if call.url.is_empty() { &flag.url } else { &call.url };
        if let Some(why) = not_an_address(url) {
            return Err(format!("the address of a call {why}"));
        }
        let method = call.method.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            return Err(format!("{} is no method that sets anything", visible(&call.method)));
        }
        Ok(self.sends(&method, url.clone(), call.body.clone()))
    }
}

/// Methods that a call which sets a flag may have.
pub const METHODS: [&str; 4] = ["PUT", "POST", "PATCH", "DELETE"];

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
        return Err("has characters in it that cannot be seen");
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

/// The flag of this name.
///
/// # Errors
/// There is none.
pub fn find<'a>(config: &'a Config, doing: &str, name: &str) -> Result<&'a Flag> {
    if let Some(flag) = config.flags.iter().find(|flag| flag.name == name) {
        return Ok(flag);
    }
    let known: Vec<&str> = config.flags.iter().map(|flag| flag.name.as_str()).collect();
    let hint = match nearest(name, &known) {
        Some(near) => format!("did you mean {}?", visible(near)),
        None if known.is_empty() => "add a [[flags]] table to flightdeck.toml".to_owned(),
        None => format!("flightdeck.toml has: {}", visible(&known.join(", "))),
    };
    Err(Failure::usage(doing, format!("there is no flag called {}", visible(name)), hint))
}

/// The plan that turns a flag on or off. `before` is what it was found to be: only a flag that
/// was the opposite can be put back.
///
/// # Errors
/// The flag is not configured, or not so that a call can be made of it.
pub fn flag(config: &Config, id: &str, name: &str, on: bool, before: &Switch, root: &str) -> Result<Plan> {
    let word = if on { "on" } else { "off" };
    let title = format!("turn {} {word}", visible(name));
    let doing = format!("planning to turn {} {word}", visible(name));
    let flag = find(config, &doing, name)?;
    let calls = calls(&doing, flag)?;
    let mut notes = Vec::new();
    let undo = match (before, on) {
        (Switch::Off, true) | (Switch::On, false) => {
            let action = Action::Http(calls.set(!on));
            Undo::By { action, proof: Some(calls.proof(!on)) }
        }
        (Switch::On, true) | (Switch::Off, false) => {
            notes.push(format!("it is {word} already"));
            Undo::Nothing
        }
        (Switch::Unknown(why), _) => {
            notes.push(format!("what it is now could not be read: {why}"));
            Undo::Irreversible { why: "what it was before is not known".to_owned() }
        }
    };
    if !flag.token.is_empty() && sends_in_clear(&calls.set(on).url) {
        notes.push(format!("the secret {} goes over the network unencrypted", visible(&flag.token)));
    }
    let step = Step {
        proof: Some(calls.proof(on)),
        proof_within: TAKES_EFFECT,
        reach: Reach::Others,
        retry_is_safe: true,
        undo,
        ..Step::new(title.clone(), Action::Http(calls.set(on)), TIMEOUT)
    };
    let plan = Plan::new(id, title, Purpose::Flag, &format!("flag:{name}"));
    Ok(secrets::attach(Plan { notes, steps: vec![step], ..plan }, config, root))
}

fn calls(doing: &str, flag: &Flag) -> Result<Calls> {
    Calls::of(flag).map_err(|why| Failure::usage(doing, why, "see this flag in flightdeck.toml"))
}

/// The plan that would ask for the state of flags and do nothing else: what has to be known to
/// ask. Flags of which no call can be made come back with why.
pub fn reads(config: &Config, flags: &[&Flag], root: &str) -> (Plan, Vec<Result<Calls, String>>) {
    let calls: Vec<_> = flags.iter().map(|flag| Calls::of(flag)).collect();
    let step = |calls: &Calls| Step::new("read", Action::Http(calls.read.clone()), TIMEOUT);
    let steps = calls.iter().flatten().map(step).collect();
    let plan = Plan { steps, ..Plan::new("flags", "read flags", Purpose::Flag, "flags") };
    (secrets::attach(plan, config, root), calls)
}

/// Tells whether a call to this address could be read on its way.
fn sends_in_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    !(host == "localhost" || host.starts_with("127.") || rest.starts_with("[::1]"))
}

#[cfg(test)]
mod tests;
