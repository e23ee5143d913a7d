//! Microsoft Teams, by the webhook of a Workflow. The whole address is a secret, and its host is never looked at:
//! they move.
//!
//! It takes an Adaptive Card. Text goes as text runs, in which nothing is markup. Its 202 says that the flow was
//! started, and not that anybody got the message.

use serde_json::json;

use super::wire::{Answer, Counted, Fate, Length, Outgoing, Wire, fitting, page_instead, parts, saying};
use crate::config::types::Channel;
use crate::incident::{Delivery, MessageKind};

/// Most bytes of a card: above some 28 KB it is refused, and less was measured, too.
const BYTES: usize = 20_000;

/// How long a text is as a card.
pub(super) fn length(text: &str) -> Length {
    // What it is for changes a colour only.
    Length { is: card(MessageKind::Update, text).len(), most: Some(BYTES), of: Counted::Bytes }
}

pub(super) fn wire(channel: &Channel, message: &Outgoing) -> Wire {
    let body = fitting(message.text.trim(), BYTES, |text| card(message.kind, text), String::len);
    Wire::post(format!("{{secret:{}}}", channel.secret), body).with("Content-Type", "application/json")
}

fn card(kind: MessageKind, text: &str) -> String {
    let (title, rest) = parts(text);
    let color = match kind {
        MessageKind::Alert => "attention",
        MessageKind::Resolved => "good",
        _ => "default",
    };
    let run = |text: &str| json!([{ "type": "TextRun", "text": text }]);
    let heading =
        json!([{ "type": "TextRun", "text": title, "weight": "bolder", "size": "large", "color": color }]);
    let mut body = vec![json!({ "type": "RichTextBlock", "inlines": heading })];
    let mut apart = false;
    for line in rest.lines() {
        if line.trim().is_empty() {
            apart = true;
            continue;
        }
        let spacing = if apart { "medium" } else { "none" };
        body.push(json!({ "type": "RichTextBlock", "inlines": run(line), "spacing": spacing }));
        apart = false;
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "msteams": { "width": "full" },
                "body": body,
            },
        }],
    })
    .to_string()
}

pub(super) fn fate(answer: &Answer<'_>) -> Fate {
    let (status, said) = (answer.status, saying(answer.body));
    let failed = |what: &str| Fate::new(Delivery::Failed, format!("{status}{said}: {what}"));
    match status {
        // Connectors of old said so with a status that meant well.
        200..300 if said.contains("failed with error") => failed("Teams rejected it"),
        200..300 => page_instead(answer).unwrap_or_else(|| Fate::new(Delivery::Accepted, "")),
        413 => failed("the message is too long"),
        400 => failed(
            "the flow rejected the request; it has to begin with “When a Teams webhook request is received”",
        ),
        401 | 403 => {
            failed("the flow rejected the request: set it to “Anyone”, or look whether its owner has left")
        }
        404 | 410 => failed(
            "the flow is gone, or its owner has left; make a new one, and put its address into the secret",
        ),
        _ => failed("Teams rejected it"),
    }
}
