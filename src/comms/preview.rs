//! How a message will look on a channel: read back from what the service is sent, so that it shows nothing else.

use serde_json::Value;

use super::mail::SUBJECT;
use super::wire::{Outgoing, Wire, cut, wire};
use crate::config::types::{Channel, ChannelKind};

/// A part of a message as a service shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The heading, or the subject.
    Title(String),
    /// Lines of text.
    Text(String),
    /// Who is called by it.
    Mention(String),
    /// What it does besides, or why it cannot be sent.
    Note(String),
}

/// What a channel will show of a message, from the top.
pub fn preview(channel: &Channel, message: &Outgoing) -> Vec<Part> {
    match wire(channel, message) {
        Ok(None) if channel.kind == ChannelKind::Smtp => {
            let (title, rest) = message.parts();
            let body = if rest.is_empty() { title } else { rest };
            vec![Part::Title(cut(title, SUBJECT)), Part::Text(body.to_owned())]
        }
        Ok(None) => vec![Part::Text(message.text.trim().to_owned())],
        Ok(Some(wire)) => {
            let parts = read(channel, &wire);
            parts.into_iter().filter(|part| !part.text().is_empty()).collect()
        }
        Err(why) => vec![Part::Note(why)],
    }
}

impl Part {
    /// What it says.
    pub fn text(&self) -> &str {
        match self {
            Self::Title(text) | Self::Text(text) | Self::Mention(text) | Self::Note(text) => text,
        }
    }
}

/// Reads the parts out of a request.
fn read(channel: &Channel, wire: &Wire) -> Vec<Part> {
    let Ok(body) = serde_json::from_str::<Value>(&wire.body) else {
        let title = wire.headers.iter().find(|(name, _)| name == "Title");
        let title = title.map(|(_, title)| Part::Title(decoded(title)));
        return title.into_iter().chain([Part::Text(wire.body.clone())]).collect();
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match channel.kind {
        ChannelKind::Pagerduty if body["event_action"] == "resolve" => {
            return vec![Part::Note("resolves the alert".to_owned())];
        }
        ChannelKind::Pagerduty => {
            let payload = &body["payload"];
            let details = text(&payload["custom_details"]["text"]);
            return vec![Part::Title(text(&payload["summary"])), Part::Text(details)];
        }
        ChannelKind::Jsm if body["message"].is_null() => {
            let what = if wire.url.contains("/close?") { "closes" } else { "acknowledges" };
            return vec![Part::Text(text(&body["note"])), Part::Note(format!("{what} the alert"))];
        }
        ChannelKind::Jsm => {
            return vec![Part::Title(text(&body["message"])), Part::Text(text(&body["description"]))];
        }
        ChannelKind::Statuspage => {
            let incident = &body["incident"];
            let told = if incident["deliver_notifications"] == true { "told" } else { "not told" };
            let states = incident["components"].as_object().into_iter().flat_map(|all| all.values());
            let mut states: Vec<String> = states.map(|state| text(state).replace('_', " ")).collect();
            states.sort_unstable();
            states.dedup();
            let shown = states.join(", ");
            let components = if shown.is_empty() { shown } else { format!("components: {shown}; ") };
            return vec![
                Part::Title(text(&incident["name"])),
                Part::Text(text(&incident["body"])),
                Part::Note(format!(
                    "status {}; {components}subscribers are {told}",
                    text(&incident["status"])
                )),
            ];
        }
        _ => {}
    }
    if body["blocks"].is_array() {
        let part = |block: Value| match (text(&block["type"]).as_str(), text(&block["text"]["type"]).as_str())
        {
            ("header", _) => Part::Title(text(&block["text"]["text"])),
            (_, "mrkdwn") => Part::Mention(text(&block["text"]["text"])),
            _ => Part::Text(text(&block["text"]["text"])),
        };
        let thread =
            (!body["thread_ts"].is_null()).then(|| Part::Note("in the thread of the first one".to_owned()));
        return list(&body["blocks"]).into_iter().map(part).chain(thread).collect();
    }
    if body["attachments"].is_array() {
        let runs = list(&body["attachments"][0]["content"]["body"]);
        let part = |block: Value| {
            let run = &block["inlines"][0];
            let said = text(&run["text"]);
            if run["weight"] == "bolder" { Part::Title(said) } else { Part::Text(said) }
        };
        return runs.into_iter().map(part).collect();
    }
    let said = match channel.kind {
        ChannelKind::Mattermost => unescaped(&text(&body["text"])),
        ChannelKind::Discord => unescaped(&text(&body["content"])),
        ChannelKind::GoogleChat => text(&body["text"]),
        // What the template of the channel says.
        _ => return vec![Part::Text(wire.body.clone())],
    };
    let said = said.replace('\u{200b}', "");
    let mention = channel.mention.as_str();
    match said.strip_prefix(mention).filter(|_| !mention.is_empty()) {
        Some(rest) => vec![Part::Mention(mention.to_owned()), Part::Text(rest.trim_start().to_owned())],
        None => vec![Part::Text(said)],
    }
}

/// Markdown without the backslashes that keep it from meaning anything.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        out.extend(if sign == '\\' { signs.next() } else { Some(sign) });
    }
    out
}

/// A header as it is shown.
fn decoded(header: &str) -> String {
    use base64::Engine as _;
    let inner = header.strip_prefix("=?UTF-8?B?").and_then(|rest| rest.strip_suffix("?="));
    let bytes = inner.and_then(|inner| base64::prelude::BASE64_STANDARD.decode(inner).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| header.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::comms::wire::CUT;
    use crate::incident::{
        Author, Declared, Draft, Hash, Hlc, IncidentId, Log, MessageKind, Policy, Record, RecordId,
        RepositoryId, Severity,
    };

    fn declared() -> Record {
        let declared = Declared {
            number: "INC-2026-0042".into(),
            title: "Checkout".into(),
            severity: Severity::P0,
            service: "shop".into(),
            impact: String::new(),
            repository: String::new(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), declared);
        let (author, at) = (Author { name: "maya".into(), node: 1 }, Hlc { wall_ms: 1, count: 0 });
        Record::seal(RecordId(Uuid::from_u128(2)), draft, author, at, Hash::default()).unwrap().0
    }

    fn shown(config: &str, text: &str) -> Vec<Part> {
        let channel: Channel =
            toml::from_str(&format!("name = \"x\"\naudiences = [\"stakeholders\"]\n{config}")).unwrap();
        let log = Log::new(vec![declared()]).unwrap();
        let message = (MessageKind::Update, "stakeholders", text);
        let message = Outgoing::about(log.state(), &Policy::built_in(), message, Timestamp::UNIX_EPOCH);
        preview(&channel, &message)
    }

    #[test]
    fn each_service_shows_the_title_its_way_and_calls_only_whom_the_configuration_names() {
        let text = "P0 update: Checkout\n\nA fix_for *it* is @here.";
        let (title, rest) =
            (Part::Title("P0 update: Checkout".into()), Part::Text("A fix_for *it* is @here.".into()));
        let slack = shown("kind = \"slack-webhook\"\nsecret = \"H\"\nmention = \"<!here>\"", text);
        assert_eq!(slack, [title.clone(), rest.clone(), Part::Mention("<!here>".into())]);
        assert_eq!(shown("kind = \"teams\"\nsecret = \"H\"", text), [title.clone(), rest.clone()]);
        assert_eq!(shown("kind = \"ntfy\"\nurl = \"https://ntfy.example/x\"", text), [title, rest]);
        let whole = Part::Text(text.into());
        let discord = shown("kind = \"discord\"\nsecret = \"H\"\nmention = \"@everyone\"", text);
        assert_eq!(discord, [Part::Mention("@everyone".into()), whole.clone()]);
        assert_eq!(shown("kind = \"google-chat\"\nsecret = \"H\"", text), std::slice::from_ref(&whole));
        assert_eq!(shown("kind = \"command\"\ncommand = [\"cat\"]", text), [whole]);
    }

    #[test]
    fn what_is_over_the_limit_ends_with_the_mark_it_will_have() {
        let long = "word ".repeat(1000);
        let [Part::Text(text)] = &shown("kind = \"discord\"\nsecret = \"H\"", &long)[..] else { panic!() };
        assert!(text.ends_with(CUT.trim_end_matches(')')) || text.ends_with(CUT), "{text}");
        assert!(text.chars().count() <= 2000);
    }
}
