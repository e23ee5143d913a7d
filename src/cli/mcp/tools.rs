//! The tools: what each is called, takes, and may write.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::context::{Context, Wanted, pick};
use super::super::output::Kept;
use super::super::save::{SaveArgs, save_in, some_text};
use super::super::{End, args, dispatch, message, status_json};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{MessageOf, NoteKind, Suggested};
use crate::text::{visible, visible_lines};

/// What a client passes to a tool.
pub(super) type Arguments = Map<String, Value>;

/// Characters of a text that is proposed.
const MOST_TEXT: usize = 20_000;

/// Characters of a name or a path.
const MOST_NAME: usize = 500;

/// Lines of the timeline in one answer.
const MOST_LINES: usize = 500;

/// A tool.
pub(super) struct Tool {
    /// Its name.
    pub(super) name: &'static str,
    /// What it does, for whoever chooses one.
    pub(super) about: &'static str,
    /// The kinds of records that it may write. Of none: it reads.
    pub(super) writes: &'static [&'static str],
    takes: fn(&mut SchemaGenerator) -> Schema,
    does: fn(&Context, Arguments) -> Result<End>,
}

/// Every tool.
pub(super) const ALL: &[Tool] = &[
    Tool {
        name: "status",
        about: "How the incident stands: severity, phase, impact, cause, what is next, clocks, roles, approvals, \
                checklist, branch, health, runs, plans, releases, messages. Without the timeline.",
        writes: &[],
        takes: takes::<AtTime>,
        does: |cx, given| {
            let AtTime { at } = read(given)?;
            let at = at.map(|at| format!("--at={at}"));
            verb(cx, ["status", "--json"].map(str::to_owned).into_iter().chain(at))
        },
    },
    Tool {
        name: "timeline",
        about: "The newest lines of the timeline, oldest first, each with its id, time, kind and author.",
        writes: &[],
        takes: takes::<Lines>,
        does: timeline,
    },
    Tool {
        name: "suspects",
        about: "What changed since it last worked, most suspicious first, each with its reasons. It says where \
                to look first, not what the cause was.",
        writes: &[],
        takes: takes::<Since>,
        does: |cx, given| {
            let Since { since } = read(given)?;
            let since = since.map(|since| format!("--since={since}"));
            verb(cx, ["suspects", "--json"].map(str::to_owned).into_iter().chain(since))
        },
    },
    Tool {
        name: "health",
        about: "Asks every probe once, or those named: state, value, limit and what was compared.",
        writes: &[],
        takes: takes::<Names>,
        does: |cx, given| {
            let Names { names } = read(given)?;
            verb(cx, ["probe", "--json", "--"].map(str::to_owned).into_iter().chain(names))
        },
    },
    Tool {
        name: "plans",
        about: "The plans of the incident: deploys, rollbacks, flags, checks, with their steps; or one of them.",
        writes: &[],
        takes: takes::<Id>,
        does: |cx, given| match read(given)? {
            Id { id: None } => verb(cx, ["plan", "list", "--json"].map(str::to_owned)),
            Id { id: Some(id) } => verb(cx, ["plan", "show", "--json", "--", &id].map(str::to_owned)),
        },
    },
    Tool {
        name: "rollbacks",
        about: "Every rollback option of an environment, best first, and whether it is known to work.",
        writes: &[],
        takes: takes::<Environment>,
        does: |cx, given| {
            let Environment { environment } = read(given)?;
            let environment = environment.map(|name| format!("--env={name}"));
            verb(cx, ["rollback", "--list", "--json"].map(str::to_owned).into_iter().chain(environment))
        },
    },
    Tool {
        name: "runbooks",
        about: "The runbooks of the repository: all of them, the text of one, or the lines that have some words.",
        writes: &[],
        takes: takes::<Runbook>,
        does: |cx, given| match read(given)? {
            Runbook { path: None, search: None } => {
                verb(cx, ["runbook", "list", "--json"].map(str::to_owned))
            }
            Runbook { path: Some(path), search: None } => {
                verb(cx, ["runbook", "show", "--", &path].map(str::to_owned))
            }
            Runbook { path: None, search: Some(words) } => {
                verb(cx, ["runbook", "search", "--", &words].map(str::to_owned))
            }
            Runbook { .. } => Err(wrong("path and search exclude each other")),
        },
    },
    Tool {
        name: "history",
        about: "Past incidents of this repository: how long each took, what was missed, what is left to do.",
        writes: &[],
        takes: takes::<Nothing>,
        does: |cx, given| {
            let Nothing {} = read(given)?;
            verb(cx, ["history", "--json"].map(str::to_owned))
        },
    },
    Tool {
        name: "message_draft",
        about: "The message that is due, or of a kind and for an audience, written from the record. It is not sent.",
        writes: &[],
        takes: takes::<Draft>,
        does: |cx, given| {
            let Draft { kind, audience } = read(given)?;
            let audience = audience.map(|audience| format!("--audience={audience}"));
            let kind = kind.map(|kind| ["--".to_owned(), kind]).into_iter().flatten();
            verb(cx, ["message", "--json"].map(str::to_owned).into_iter().chain(audience).chain(kind))
        },
    },
    Tool {
        name: "propose_note",
        about: "Writes a note into the timeline, marked as from an assistant, in the name of the person whose \
                session this is. It counts for nothing by itself.",
        writes: &["assistant"],
        takes: takes::<Note>,
        does: |cx, given| {
            let Note { text, kind } = read(given)?;
            suggest(cx, Suggested { kind: kind.kind(), text, message: None })
        },
    },
    Tool {
        name: "propose_message",
        about: "Keeps the text of a message as a draft, marked as from an assistant. Nobody is sent it: a person \
                reads it, and sends it or not.",
        writes: &["assistant"],
        takes: takes::<Message>,
        does: |cx, given| {
            let Message { kind, audience, text } = read(given)?;
            let of =
                MessageOf { kind: message::kind(&kind)?, audience: known_audience(cx, audience.trim())? };
            // As it is read, so it is kept and sent.
            let text = visible_lines(&text).into_owned();
            suggest(cx, Suggested { kind: NoteKind::Note, text, message: Some(of) })
        },
    },
    Tool {
        name: "propose_plan",
        about: "Makes a plan and puts it up for approval by people: a deploy, a rollback, a flag, an action of the \
                team's own, or a block of commands of a runbook. Nothing of it runs.",
        writes: &["plan-proposed"],
        takes: takes::<Plan>,
        does: |cx, given| {
            let words = read::<Plan>(given)?.words()?;
            verb(cx, words)
        },
    },
];

impl Tool {
    /// The schema of what it takes.
    pub(super) fn schema(&self) -> Map<String, Value> {
        let mut generator =
            SchemaSettings::draft2020_12().with(|all| all.inline_subschemas = true).into_generator();
        let schema = Value::from((self.takes)(&mut generator));
        let mut schema = if let Value::Object(schema) = schema { schema } else { Map::new() };
        if let Some(Value::Object(all)) = schema.get_mut("properties") {
            let about = "The incident: its number or id; default: the open one";
            all.insert("incident".to_owned(), serde_json::json!({ "type": "string", "description": about }));
        }
        schema
    }

    /// Calls it; returns what it printed, whether it failed, and where it was called.
    pub(super) fn call(&self, mut cx: Context, mut given: Arguments) -> (Kept, bool, Context) {
        let ended = match given.remove("incident") {
            None | Some(Value::Null) => (self.does)(&cx, given),
            Some(Value::String(named)) if named.chars().count() <= MOST_NAME => {
                let only = cx.incident.replace(named);
                only_that(&cx, only.as_deref()).and_then(|()| (self.does)(&cx, given))
            }
            Some(_) => Err(wrong("incident: the number or id of an incident, as text")),
        };
        let failed = match ended {
            Ok(End::Done) => false,
            // What it found is not well, and it has told so: that is an answer.
            Ok(End::Bad(kind)) => kind == FailureKind::Failed,
            Ok(End::Signal(_)) => true,
            Err(failure) => {
                cx.out.failure(&failure);
                true
            }
        };
        (cx.out.take(), failed, cx)
    }
}

/// Refuses every incident but the one that the server was started for, however it is named.
fn only_that(cx: &Context, only: Option<&str>) -> Result<()> {
    let Some(only) = only else { return Ok(()) };
    let journal = cx.journal_to_read()?;
    if cx.named(&journal)? == Some(pick(&journal.incidents(None)?, only)?) {
        return Ok(());
    }
    Err(wrong("incident: these tools are for one incident only, and not for this one"))
}

fn takes<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    // Clients want an object, whatever it holds.
    schema.insert("type".to_owned(), "object".into());
    if schema.get("properties").is_none() {
        schema.insert("properties".to_owned(), Value::Object(Map::new()));
    }
    schema
}

fn wrong(why: impl Into<String>) -> Failure {
    Failure::usage("reading the arguments", why.into(), "see the tool's schema")
}

/// What was passed, checked.
fn read<T: DeserializeOwned>(given: Arguments) -> Result<T> {
    for (name, value) in &given {
        check(name, value)?;
    }
    serde_json::from_value(Value::Object(given)).map_err(|error| wrong(error.to_string()))
}

/// Refuses text that is too long, or that holds what no text holds.
fn check(name: &str, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => {
            let most = if name == "text" { MOST_TEXT } else { MOST_NAME };
            let long = text.chars().count();
            if long > most {
                return Err(wrong(format!("{}: {long} characters; at most {most}", visible(name))));
            }
            if text.contains('\0') {
                return Err(wrong(format!("{}: it holds a null character", visible(name))));
            }
            Ok(())
        }
        Value::Array(all) if all.len() > 100 => {
            Err(wrong(format!("{}: {} of them; at most 100", visible(name), all.len())))
        }
        Value::Array(all) => all.iter().try_for_each(|one| check(name, one)),
        _ => Ok(()),
    }
}

/// Carries out what the command line does with these words. They are parsed as any other; none of them that came
/// from outside stands where an option could be.
fn verb(cx: &Context, words: impl IntoIterator<Item = String>) -> Result<End> {
    let line = std::iter::once("flightdeck".to_owned()).chain(words);
    let cli = args::parse(line.map(Into::into)).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        wrong(first.strip_prefix("error: ").unwrap_or(first))
    })?;
    cli.verb.map_or(Ok(End::Done), |verb| dispatch(&verb, cx))
}

/// The newest lines of the timeline that are meant.
fn timeline(cx: &Context, given: Arguments) -> Result<End> {
    let Lines { last, kind, contains, since } = read(given)?;
    let since = since.map(|since| cx.time("since", &since)).transpose()?;
    let words = contains.map(|words| words.to_lowercase());
    let loaded = cx.load_to_read(Wanted::Last)?;
    let (state, policy, now) = (loaded.state(), cx.setup_or_found().0.policy, cx.now());
    let is_meant = |entry: &crate::incident::Entry<'_>| {
        since.is_none_or(|since: Timestamp| entry.at >= since)
            && kind.as_ref().is_none_or(|kind| entry.name == kind)
            && words.as_ref().is_none_or(|words| entry.text.to_lowercase().contains(words))
    };
    let last = last.unwrap_or(50).clamp(1, MOST_LINES);
    let mut found: Vec<_> = state.timeline.iter().rev().filter(is_meant).take(last + 1).collect();
    if found.len() > last {
        found.truncate(last);
        cx.out.tell("earlier lines are left out: ask with last, since, kind or contains");
    }
    let lines: Vec<_> =
        found.into_iter().rev().map(|entry| status_json::timeline_line(state, &policy, now, entry)).collect();
    cx.out.json(&lines)?;
    Ok(End::Done)
}

/// An audience that the team or one of its channels names: nobody waits for a draft for another.
fn known_audience(cx: &Context, named: &str) -> Result<String> {
    let setup = cx.setup_or_found().0;
    let audience = message::known(&setup.policy, named)?;
    let all = setup.policy.audiences.iter().map(|known| known.id.as_str());
    let of_channels = setup.config.channels.iter().flat_map(|channel| &channel.audiences);
    let mut all: Vec<&str> = all.chain(of_channels.map(String::as_str)).collect();
    all.dedup();
    if all.contains(&audience.as_str()) {
        return Ok(audience);
    }
    Err(wrong(format!("unknown audience {}; the audiences are {}", visible(named), all.join(", "))))
}

/// Writes down what an assistant wrote.
fn suggest(cx: &Context, body: Suggested) -> Result<End> {
    let text = some_text("the text", &body.text)?;
    save_in(cx, SaveArgs { json: true }, &mut cx.load(Wanted::Open)?, None, Suggested { text, ..body })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AtTime {
    /// Show it as it was then, as far as it was on record: RFC 3339, 14:02 (UTC) or -5m
    at: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lines {
    /// How many lines, at most 500; default: 50
    last: Option<usize>,
    /// Only lines of this kind: note, finding, decision, problem, action, alarm, plan-started, ...
    kind: Option<String>,
    /// Only lines that have these words in them
    contains: Option<String>,
    /// Only lines since then: RFC 3339, 14:02 (UTC) or -30m
    since: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Since {
    /// Begin after this branch, tag or commit; default: the last good release
    since: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Names {
    /// Names of probes; default: all
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Id {
    /// Id of a plan or a proposal; default: a list of all
    id: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Environment {
    /// The environment; default: production
    environment: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Runbook {
    /// The path of one, to read it
    path: Option<String>,
    /// Words to search for in all of them
    search: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Draft {
    /// alert, update, resolved, rollback, handoff or brief; default: the one that is due
    kind: Option<String>,
    /// For whom; default: whom it is due for
    audience: Option<String>,
}

/// What a note of an assistant is about. That something was decided or done is for people to say.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum About {
    #[default]
    Note,
    Finding,
    Problem,
}

impl About {
    fn kind(self) -> NoteKind {
        match self {
            Self::Note => NoteKind::Note,
            Self::Finding => NoteKind::Finding,
            Self::Problem => NoteKind::Problem,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    /// The text
    text: String,
    /// What it is about; default: note
    #[serde(default)]
    kind: About,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Message {
    /// alert, update, resolved, rollback, handoff or brief
    kind: String,
    /// For whom: stakeholders, business, executives, or another audience of the team
    audience: String,
    /// The whole text
    text: String,
}

/// What a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum What {
    Deploy,
    Rollback,
    Flag,
    Action,
    Runbook,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// What it does
    what: What,
    /// The environment to deploy to, the rollback option (default: the best that is proven ready), the flag, the
    /// action, or the path of the runbook
    name: Option<String>,
    /// Of a deploy: the branch or tag; default: the current branch
    reference: Option<String>,
    /// Of a rollback: the environment; default: production
    environment: Option<String>,
    /// Of a flag: whether it is turned on
    on: Option<bool>,
    /// Of a runbook: which block of commands, from 1
    block: Option<usize>,
}

impl Plan {
    /// The command line that puts it up for approval, and starts nothing.
    fn words(&self) -> Result<Vec<String>> {
        let Self { what, name, reference, environment, on, block } = self;
        let belongs = [
            ("reference", reference.is_some(), What::Deploy),
            ("environment", environment.is_some(), What::Rollback),
            ("on", on.is_some(), What::Flag),
            ("block", block.is_some(), What::Runbook),
        ];
        if let Some((stray, ..)) = belongs.iter().find(|(_, is_given, of)| *is_given && of != what) {
            return Err(wrong(format!("{stray} does not go with this plan")));
        }
        let named = || match name.as_deref().map(str::trim) {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(wrong("name: say which")),
        };
        let (verb, options, positional): (&[&str], Option<String>, Vec<String>) = match what {
            What::Deploy => {
                (&["deploy"], reference.as_ref().map(|one| format!("--ref={one}")), vec![named()?])
            }
            What::Rollback => (
                &["rollback"],
                environment.as_ref().map(|one| format!("--env={one}")),
                name.iter().cloned().collect(),
            ),
            What::Flag => {
                let to = if on.ok_or_else(|| wrong("on: true or false"))? { "on" } else { "off" };
                (&["flag"], None, vec![named()?, to.to_owned()])
            }
            What::Action => (&["action"], None, vec![named()?]),
            What::Runbook => (&["runbook", "run"], None, vec![named()?, block.unwrap_or(1).to_string()]),
        };
        let fixed = verb.iter().copied().chain(["--propose", "--json"]).map(str::to_owned);
        Ok(fixed.chain(options).chain(["--".to_owned()]).chain(positional).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each tool may write: nothing, or what people read and decide about.
    #[test]
    fn tools_read_and_only_propose() {
        let writing: Vec<_> =
            ALL.iter().filter(|tool| !tool.writes.is_empty()).map(|tool| (tool.name, tool.writes)).collect();
        let expected: [(&str, &[&str]); 3] = [
            ("propose_note", &["assistant"]),
            ("propose_message", &["assistant"]),
            ("propose_plan", &["plan-proposed"]),
        ];
        assert_eq!(writing, expected);
    }

    #[test]
    fn what_a_tool_takes_is_said() {
        for tool in ALL {
            let schema = tool.schema();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            let all = schema["properties"].as_object().unwrap();
            assert!(all.values().all(|one| one.get("description").is_some()), "{}: {schema:?}", tool.name);
            assert!(tool.about.ends_with('.'), "{}", tool.name);
        }
    }

    fn words(plan: Value) -> Result<Vec<String>> {
        let Value::Object(given) = plan else { panic!("{plan}") };
        read::<Plan>(given)?.words()
    }

    #[test]
    fn a_plan_is_put_up_and_nothing_that_is_named_is_taken_for_an_option() {
        let plan = words(serde_json::json!({ "what": "deploy", "name": "--confirm=production" })).unwrap();
        assert_eq!(plan, ["deploy", "--propose", "--json", "--", "--confirm=production"]);
        let plan = words(serde_json::json!({ "what": "flag", "name": "new-pool", "on": false })).unwrap();
        assert_eq!(plan, ["flag", "--propose", "--json", "--", "new-pool", "off"]);
        let plan = words(serde_json::json!({ "what": "rollback", "environment": "staging" })).unwrap();
        assert_eq!(plan, ["rollback", "--propose", "--json", "--env=staging", "--"]);
    }

    #[test]
    fn what_is_wrong_with_the_arguments_is_said() {
        for (plan, said) in [
            (serde_json::json!({ "what": "deploy" }), "name: say which"),
            (serde_json::json!({ "what": "close", "name": "x" }), "unknown variant `close`"),
            (serde_json::json!({ "what": "flag", "name": "x" }), "on: true or false"),
            (
                serde_json::json!({ "what": "deploy", "name": "x", "on": true }),
                "on does not go with this plan",
            ),
            (serde_json::json!({ "what": "deploy", "name": "x", "confirm": "x" }), "unknown field `confirm`"),
            (serde_json::json!({ "what": "action", "name": "x".repeat(501) }), "501 characters; at most 500"),
            (serde_json::json!({ "what": "action", "name": "a\u{0}b" }), "null character"),
        ] {
            let failure = words(plan).unwrap_err();
            assert!(failure.cause.contains(said), "{failure}");
        }
    }
}
