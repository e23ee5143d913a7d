//! What is told to people, and what they hand to each other, at the sizes of their terminals.

use super::testing::*;
use super::theme::Theme;
use crate::cockpit::model::Model;
use crate::cockpit::msg::KeyPress;
use crate::cockpit::overlay::{MessageView, Overlay};
use crate::cockpit::page::PageEdit;
use crate::cockpit::{Key, Msg, update};
use crate::config::types::Channel;
use crate::incident::{
    Delivered, Delivery, HandoffAccepted, HandoffOffered, MessageKind, Messaged, Phase, PhaseEntered,
    RecordId, RoleTaken,
};

const SIZES: [(u16, u16); 4] = [(160, 45), (120, 36), (80, 24), (40, 12)];

fn drawn(model: &mut Model, (columns, rows): (u16, u16)) -> String {
    model.size = (columns, rows);
    text(&settled(model, &Theme::default(), columns, rows))
}

fn press(model: &mut Model, keys: &str) {
    for (at, key) in (1..).zip(keys.split(' ')) {
        let _ = update(model, Msg::Key(KeyPress::new(Key::parse(key).unwrap(), at * 1000)));
    }
}

fn channel(config: &str) -> Channel {
    toml::from_str(&format!("audiences = [\"stakeholders\"]\n{config}")).unwrap()
}

/// A draft for stakeholders that can be sent.
fn drafting(channels: Vec<Channel>) -> Model {
    let mut model = incident();
    model.config.config.channels = channels;
    let mut view = MessageView::new(MessageKind::Update, "update".into(), now());
    view.own = Some(Vec::new());
    view.page = PageEdit::new("P0 update: Checkout answers 500\n\nWe are investigating.");
    model.overlays.push(Overlay::Message(Box::new(view)));
    model
}

#[test]
fn without_a_channel_enter_copies_and_says_so_at_every_size() {
    let mut model = drafting(Vec::new());
    for size in SIZES {
        let shown = drawn(&mut model, size);
        for said in
            ["Update for stakeholders ─", "No channel for stakeholders.", "⏎ copies the text", "⏎ copy"]
        {
            assert!(shown.contains(said), "{said} at {size:?}:\n{shown}");
        }
    }
}

#[test]
fn a_message_is_seen_as_each_channel_will_show_it() {
    let chat = channel("name = \"chat\"\nkind = \"slack-webhook\"\nsecret = \"H\"\nmention = \"<!here>\"");
    let mut model = drafting(vec![chat, channel("name = \"wall\"\nkind = \"command\"\ncommand = [\"cat\"]")]);
    for size in SIZES {
        let shown = drawn(&mut model, size);
        assert!(shown.contains("⏎ send"), "{size:?}:\n{shown}");
        assert_eq!(shown.contains("Preview: chat"), size.0 >= MessageView::BESIDE, "{size:?}:\n{shown}");
    }
    press(&mut model, "p");
    let shown = drawn(&mut model, (80, 24));
    assert!(shown.contains("Preview: chat") && shown.contains("<!here>"), "{shown}");
    press(&mut model, "p");
    assert!(drawn(&mut model, (80, 24)).contains("Preview: wall"));
    press(&mut model, "p");
    assert!(!drawn(&mut model, (80, 24)).contains("shows it"), "the text comes round again");
}

#[test]
fn why_a_message_was_not_sent_and_the_key_that_resends_it_are_in_sight() {
    let mut scribe = records();
    let channels = vec!["status mail".to_owned()];
    let (kind, audience) = (MessageKind::Alert, "stakeholders".to_owned());
    let message = Messaged { kind, audience, text: "P0: Checkout answers 500".into(), channels, as_of: None };
    let message = scribe.write("maya", at("15:16:00"), message);
    let failed = Delivered {
        message,
        channel: "status mail".into(),
        end: Delivery::Failed,
        why: "relay refused".into(),
        reference: String::new(),
        again: None,
        process: None,
    };
    scribe.write("maya", at("15:16:02"), failed);
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    let line = "alert to stakeholders not sent by status mail: relay refused";
    assert!(drawn(&mut model, (160, 45)).contains("✗ alert to stakeholders not sent"), "{line}");
    let told = model.incident().unwrap().timeline.iter().any(|entry| entry.text == line);
    assert!(told, "{line}");
    press(&mut model, "m");
    for size in SIZES {
        let shown = drawn(&mut model, size);
        assert!(shown.contains("✗ status mail failed: relay refused"), "{size:?}:\n{shown}");
        assert!(shown.contains("r resend"), "{size:?}:\n{shown}");
    }
}

/// A message that went out on one channel, and what became of it there and then.
fn with_delivery(scribe: &mut Scribe, text: &str, end: Delivery) -> RecordId {
    let (kind, audience) = (MessageKind::Update, "stakeholders".to_owned());
    let channels = vec!["chat".to_owned()];
    let message = Messaged { kind, audience, text: text.to_owned(), channels, as_of: None };
    let message = scribe.write("maya", at("15:16:00"), message);
    scribe.write("maya", at("15:16:02"), Delivered::new(message, "chat", end));
    message
}

#[test]
fn a_message_that_a_later_one_replaced_while_it_waited_says_so() {
    let mut scribe = records();
    let first = with_delivery(&mut scribe, "first", Delivery::Waiting);
    with_delivery(&mut scribe, "second", Delivery::Waiting);
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    let view = MessageView::sent(model.message(first).unwrap(), now());
    model.overlays.push(Overlay::Message(Box::new(view)));
    for size in SIZES {
        let shown = drawn(&mut model, size);
        let words = shown.replace(['│', '╎'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("chat superseded by a later message"), "{size:?}:\n{shown}");
    }
}

#[test]
fn a_message_that_is_on_its_way_says_since_when() {
    let mut scribe = records();
    let message = with_delivery(&mut scribe, "first", Delivery::Sending);
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    model.now = at("15:16:30");
    let view = MessageView::sent(model.message(message).unwrap(), now());
    model.overlays.push(Overlay::Message(Box::new(view)));
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("chat sending since 15:16:02"), "{shown}");
}

/// The command is offered to li, with a brief.
fn offered() -> (Scribe, RecordId) {
    let mut scribe = records();
    let brief = "**INC-2026-0007 P0 open since 14:30 UTC: Checkout answers 500**\n".to_owned();
    let offered = HandoffOffered { role: "commander".into(), to: "li".into(), brief };
    let offer = scribe.write("maya", at("15:16:00"), offered);
    (scribe, offer)
}

#[test]
fn the_window_of_people_names_who_leads_and_leaves_no_torn_pane_behind_it() {
    let mut scribe = records();
    scribe.write("maya", at("15:16:00"), RoleTaken { role: "commander".into(), person: String::new() });
    let mut model = incident();
    model.log = Some(scribe.log());
    settle(&mut model);
    press(&mut model, "w");
    let shown = drawn(&mut model, (120, 36));
    assert!(shown.contains("▌r  name the incident commander"), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let window = lines.iter().position(|line| line.starts_with("╭ People")).unwrap();
    assert!(lines[window - 1].starts_with('╰') || lines[window - 1].trim().is_empty(), "{shown}");
    press(&mut model, "r");
    assert!(drawn(&mut model, (120, 36)).contains("Incident commander: who?"));
}

#[test]
fn an_offer_is_answered_from_where_it_is_read() {
    let (scribe, _) = offered();
    let mut model = incident();
    (model.log, model.me) = (Some(scribe.log()), "li".into());
    settle(&mut model);
    press(&mut model, "w");
    let shown = drawn(&mut model, (120, 36));
    for said in ["Offered to you", "a  take command from maya", "b  read the brief", "x  decline", "Roles"] {
        assert!(shown.contains(said), "{said}:\n{shown}");
    }
    assert!(!shown.contains("hand over"), "li has no command:\n{shown}");
    press(&mut model, "a");
    for size in SIZES {
        let shown = drawn(&mut model, size);
        for said in ["y take command", "b read the brief", "x decline", "esc back"] {
            assert!(shown.contains(said), "{said} at {size:?}:\n{shown}");
        }
    }
    press(&mut model, "b");
    let shown = drawn(&mut model, (80, 24));
    assert!(shown.contains("Brief for li") && shown.contains("a take command  x decline"), "{shown}");
    let (mut scribe, offer) = offered();
    scribe.write("li", at("15:16:30"), HandoffAccepted { offer });
    (model.log, model.overlays) = (Some(scribe.log()), Vec::new());
    settle(&mut model);
    let shown = drawn(&mut model, (160, 45));
    assert!(shown.contains("li took command"), "{shown}");
}

#[test]
fn the_phases_and_four_roles_fit_at_every_width_or_say_what_is_left_out() {
    let policy = incident().policy.clone();
    // Whoever has a role has assembled.
    for (index, phase) in Phase::ALL.into_iter().enumerate().skip(1) {
        let mut scribe = Scribe::new();
        scribe.declare("Checkout answers 500");
        for (role, person) in
            [("commander", "Maya"), ("lead", "omar"), ("on-call", "li"), ("scribe", "Jonas Brandt")]
        {
            scribe.write("maya", at("14:33:20"), RoleTaken { role: role.into(), person: person.into() });
        }
        for phase in Phase::ALL.into_iter().take(index + 1).skip(1) {
            scribe.write("maya", at("15:15:00"), PhaseEntered { phase });
        }
        let mut model = cockpit(scribe);
        let mut seen = false;
        for columns in 80..=200 {
            let shown = drawn(&mut model, (columns, 36));
            let line = shown.lines().nth(1).unwrap_or_default();
            let name = policy.phase_name(phase).to_uppercase();
            let clock = format!("▶ {name} ");
            assert!(line.contains(&clock) && line.contains("m of "), "{columns}: {line}");
            let trail = line.split("   ").next().unwrap_or_default().trim_end();
            assert!(!trail.ends_with('›') && !line.contains('…'), "{columns}: {line}");
            if columns >= 100 {
                let last = policy.phase_name(Phase::Verify);
                assert!(line.to_lowercase().contains(last), "{columns}: {line}");
                assert!(line.contains("IC Maya"), "{columns}: {line}");
                let all = line.contains("Jonas Brandt");
                assert!(all || line.contains(" · +"), "{columns}: {line}");
                // The key that shows all of them, where no name has to give way to it.
                seen |= line.contains("[w]");
            }
        }
        assert!(seen, "{phase:?}");
    }
}
