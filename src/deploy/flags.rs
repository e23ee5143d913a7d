//! Feature flags: how each service is asked and told, and turning one on or off as a plan.
//! Pure.

use jiff::SignedDuration;

use super::secrets;
use crate::config::types::{Config, Flag, FlagRequest, FlagRequests};
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
    /// Makes the calls of a flag.
    ///
    /// # Errors
    /// As [`FlagRequests::of`].
    pub fn of(flag: &Flag) -> Result<Self, String> {
        let FlagRequests { read, path, on, off } = FlagRequests::of(flag)?;
        Ok(Self { read: call(read), path, on: call(on), off: call(off) })
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

fn call(request: FlagRequest) -> HttpCall {
    let FlagRequest { method, url, headers, body } = request;
    HttpCall { method, url, headers, body, expect: Vec::new() }
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
    Err(Failure::usage(doing, format!("unknown flag {}", visible(name)), hint))
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
    let production = config.production().map(|env| visible(&env.name));
    let mut notes: Vec<String> = production
        .iter()
        .map(|name| format!("it takes effect in {name} at once, without a deploy"))
        .collect();
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
