//! Messages: the draft that is due, looked at once, and sent once.

use super::*;
use crate::cockpit::overlay::{Ask, MessageView, Purpose};
use crate::comms::draft::Own;
use crate::comms::pager::OnCall;
use crate::config::types::Channel;
use crate::failure::Failure;
use crate::incident::{
    Delivered, Delivery, MessageKind, MessageOf, Messaged, Mitigated, PageFollowed, PageState, Suggested,
};

fn view(table: &Table) -> &MessageView {
    let found = table.model.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Message(view) => Some(&**view),
        _ => None,
    });
    found.expect("no message is open")
}

fn channel(name: &str, audience: &str) -> Channel {
    let text = format!(
        "name = \"{name}\"\nkind = \"slack-webhook\"\nsecret = \"HOOK\"\naudiences = [\"{audience}\"]"
    );
    toml::from_str(&text).unwrap()
}

/// A table with channels, and the message window open with its draft on the screen.
fn opened(channels: Vec<Channel>, own: Vec<Own>) -> Table {
    let mut table = Table::ready();
    table.model.config.config.channels = channels;
    drafted(&mut table, own);
    table
}

fn drafted(table: &mut Table, own: Vec<Own>) {
    assert_eq!(table.keys("m"), [Effect::ReadTemplates]);
    let id = EffectId(table.model.next_effect.0 - 1);
    table.send(Msg::Done(id, Ok(Done::Templates(own))));
    table.shown();
}

fn last(table: &Table) -> EffectId {
    EffectId(table.model.next_effect.0 - 1)
}

#[test]
fn the_message_that_is_due_goes_to_every_channel_of_its_audience_after_one_look() {
    let mut table =
        opened(vec![channel("slack", "stakeholders"), channel("board", "executives")], Vec::new());
    assert_eq!((view(&table).kind, view(&table).audience.as_str()), (MessageKind::Alert, "stakeholders"));
    let text = view(&table).page.text();
    assert!(text.starts_with("P0: Checkout answers 500") && text.contains("Impact: not known yet"), "{text}");
    let effects = table.keys("enter");
    let [Effect::SendMessage { message, read_at }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((message.channels.as_slice(), &message.text), ([String::from("slack")].as_slice(), &text));
    assert!(*read_at <= table.model.now);
    assert!(table.keys("enter").is_empty(), "it is sent once");
    // What became of it is told where it was sent from.
    let id = last(&table);
    let written = table.record(Messaged { ..(**message).clone() }.into());
    let end = |table: &mut Table, end| {
        let why = if end == Delivery::Failed { "404: gone" } else { "" };
        let body = Delivered {
            message: written.id,
            channel: "slack".into(),
            end,
            why: why.into(),
            reference: String::new(),
            again: None,
            process: None,
        };
        table.record(body.into())
    };
    let failed = end(&mut table, Delivery::Failed);
    table.send(Msg::Done(id, Ok(Done::Appended(vec![written.clone(), failed]))));
    assert_eq!(view(&table).sent, Some(written.id));
    assert!(table.keys("e").is_empty() && !view(&table).editing, "what is out is not edited");
    assert_eq!(table.keys("r"), [Effect::ResendMessage(written.id)]);
    let id = last(&table);
    let accepted = end(&mut table, Delivery::Accepted);
    table.send(Msg::Done(id, Ok(Done::Appended(vec![accepted]))));
    assert!(table.keys("r").is_empty());
    assert!(table.word().contains("accepted"), "{}", table.word());
}

#[test]
fn nothing_is_sent_before_it_could_be_read_nor_while_the_draft_is_written() {
    let mut table = Table::ready();
    table.model.config.config.channels = vec![channel("slack", "stakeholders")];
    table.keys("m");
    assert!(table.keys("enter").is_empty());
    let id = EffectId(table.model.next_effect.0 - 1);
    table.send(Msg::Done(id, Ok(Done::Templates(Vec::new()))));
    assert!(table.keys("enter").is_empty(), "no frame has shown it yet");
    table.shown();
    assert_eq!(table.talks("⏎").len(), 1);
}

#[test]
fn the_text_is_edited_in_place_and_enter_sends_only_outside_of_it() {
    let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
    table.keys("e");
    assert!(table.keys("enter").is_empty(), "a new line");
    table.types("Card payments work.");
    table.send(Msg::Paste("Others do not.\nWe look.\n".into()));
    assert!(table.keys("esc").is_empty() && !view(&table).editing);
    let text = view(&table).page.text();
    assert!(text.ends_with("\nCard payments work.Others do not.\nWe look."), "{text}");
    table.keys("t");
    assert_eq!(view(&table).page.text(), text, "what somebody wrote is not thrown away");
    table.shown();
    let effects = table.keys("enter");
    assert!(matches!(effects.as_slice(), [Effect::SendMessage { message, .. }] if message.text == text));
}

#[test]
fn a_text_goes_to_the_editor_and_comes_back_to_be_read() {
    let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
    let text = view(&table).page.text();
    assert_eq!(table.keys("E"), [Effect::EditText(text)]);
    assert!(table.keys("enter").is_empty(), "it is away");
    table.send(Msg::Done(last(&table), Ok(Done::Text("We know why.\n".into()))));
    assert_eq!(view(&table).page.text(), "We know why.");
    assert!(table.keys("enter").is_empty(), "nobody has read it here yet");
    table.shown();
    let effects = table.keys("enter");
    assert!(
        matches!(effects.as_slice(), [Effect::SendMessage { message, .. }] if message.text == "We know why.")
    );
}

#[test]
fn without_a_channel_it_is_copied_and_recorded_as_before() {
    let mut table = opened(Vec::new(), Vec::new());
    let effects = table.keys("enter");
    assert!(matches!(effects.as_slice(), [Effect::Copy(text)] if text.starts_with("P0: ")), "{effects:?}");
    let Some(Overlay::Ask(Ask { purpose: Purpose::Told(audience), .. })) = table.model.overlays.last() else {
        panic!("{:?}", table.model.overlays.last())
    };
    assert_eq!(audience, "stakeholders");
}

#[test]
fn a_template_with_an_error_is_said_and_the_usual_one_is_there() {
    let own = Own { kind: MessageKind::Alert, path: "m/alert.txt".into(), source: Ok("{{ no }}".into()) };
    let table = opened(Vec::new(), vec![own]);
    assert!(view(&table).problem.as_ref().unwrap().starts_with("m/alert.txt, line 1: "));
    assert!(view(&table).page.text().starts_with("P0: "));
}

#[test]
fn kinds_and_audiences_are_gone_through_and_one_sent_meanwhile_is_told() {
    let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
    table.keys("t");
    assert_eq!(view(&table).kind, MessageKind::Update);
    table.keys("tab");
    assert_ne!(view(&table).audience, "stakeholders");
    table.keys("shift-tab");
    assert_eq!(view(&table).audience, "stakeholders");
    table.shown();
    assert_eq!(table.keys("enter").len(), 1);
    let failure = Failure::new("sending the message", "omar sent an update at 14:02", "read it");
    table.send(Msg::Done(last(&table), Err(failure)));
    assert_eq!(view(&table).complaint, "omar sent an update at 14:02");
    assert!(view(&table).sent.is_none());
}

#[test]
fn what_did_not_get_through_opens_first_and_is_sent_again_or_left() {
    let mut table = Table::ready();
    table.model.config.config.channels = vec![channel("slack", "stakeholders")];
    let message = Messaged {
        kind: MessageKind::Update,
        audience: "stakeholders".into(),
        text: "We are on it.".into(),
        channels: vec!["slack".into()],
        as_of: None,
    };
    let written = table.record(message.into());
    let failed = Delivered {
        message: written.id,
        channel: "slack".into(),
        end: Delivery::Failed,
        why: "404: gone".into(),
        reference: String::new(),
        again: None,
        process: None,
    };
    let failed = table.record(failed.into());
    table.send(Msg::Fact(Fact::Records(vec![written.clone(), failed])));
    assert!(table.keys("m").is_empty(), "nothing to be written");
    assert_eq!((view(&table).sent, view(&table).page.text().as_str()), (Some(written.id), "We are on it."));
    assert!(table.keys("enter").is_empty());
    assert_eq!(table.keys("r"), [Effect::ResendMessage(written.id)]);
    table.send(Msg::Done(last(&table), Ok(Done::Appended(Vec::new()))));
    assert_eq!(table.keys("t"), [Effect::ReadTemplates], "the next draft");
    assert_eq!(view(&table).sent, None);
}

#[test]
fn what_waits_goes_by_itself_while_it_is_fresh() {
    let mut table = Table::ready();
    table.model.config.config.channels = vec![channel("slack", "stakeholders")];
    let message = Messaged {
        kind: MessageKind::Update,
        audience: "stakeholders".into(),
        text: "x".into(),
        channels: vec!["slack".into()],
        as_of: None,
    };
    let written = table.record(message.into());
    let waits = Delivered {
        message: written.id,
        channel: "slack".into(),
        end: Delivery::Waiting,
        why: "no connection".into(),
        reference: String::new(),
        again: Some(time(90)),
        process: None,
    };
    let waits = table.record(waits.into());
    table.send(Msg::Fact(Fact::Records(vec![written, waits])));
    let flushes = |effects: Vec<(EffectId, Effect)>| {
        effects.into_iter().filter(|(_, effect)| *effect == Effect::FlushMessages).count()
    };
    assert_eq!(flushes(table.send(Msg::Tick(time(80)))), 0, "not yet");
    assert_eq!(flushes(table.send(Msg::Tick(time(91)))), 1);
    assert_eq!(flushes(table.send(Msg::Tick(time(92)))), 0, "one at a time");
    table.send(Msg::Done(last(&table), Ok(Done::Appended(Vec::new()))));
    assert_eq!(flushes(table.send(Msg::Tick(time(93)))), 0, "it rests between two");
    assert_eq!(flushes(table.send(Msg::Tick(time(900)))), 0, "it is old: somebody reads it again first");
}

#[test]
fn whether_a_sender_is_still_there_is_looked_at_soon() {
    let mut table = Table::ready();
    table.model.config.config.channels = vec![channel("slack", "stakeholders")];
    let message = Messaged {
        kind: MessageKind::Update,
        audience: "stakeholders".into(),
        text: "x".into(),
        channels: vec!["slack".into()],
        as_of: None,
    };
    let written = table.record(message.into());
    let sending = table.record(Delivered::new(written.id, "slack", Delivery::Sending).into());
    let looks = |effects: Vec<(EffectId, Effect)>| {
        effects.into_iter().filter(|(_, effect)| *effect == Effect::FlushMessages).count()
    };
    assert_eq!(looks(table.send(Msg::Fact(Fact::Records(vec![written, sending])))), 1);
    assert_eq!(looks(table.send(Msg::Tick(time(90)))), 0, "one at a time");
    table.send(Msg::Done(last(&table), Ok(Done::Appended(Vec::new()))));
    assert_eq!(looks(table.send(Msg::Tick(time(99)))), 0, "it rests between two");
    assert_eq!(looks(table.send(Msg::Tick(time(120)))), 1);
}

#[test]
fn who_is_on_call_is_asked_where_somebody_is_paged_and_stands_there_and_among_the_people() {
    let mut table = Table::ready();
    let pager = "name = \"pager\"\nkind = \"pagerduty\"\nsecret = \"KEY\"\naudiences = [\"on-call\"]\napi_token = \"T\"\nservice = \"P1\"";
    table.model.config.config.channels = vec![toml::from_str(pager).unwrap()];
    assert_eq!(table.model.on_call(), None);
    assert_eq!(table.keys("i p"), [Effect::ReadOnCall]);
    assert_eq!(table.model.on_call().unwrap(), "On call: asking …");
    let until = Some(table.model.now + SignedDuration::from_hours(1));
    let one = |level, who: &str, until| OnCall { level, who: who.to_owned(), until };
    let told = vec![("pager".to_owned(), Ok(vec![one(1, "Li Wei", until), one(2, "Omar", None)]))];
    table.send(Msg::Done(last(&table), Ok(Done::OnCall(told))));
    let said = table.model.on_call().unwrap();
    assert!(said.starts_with("On call: Li Wei until ") && said.ends_with(" UTC, then Omar"), "{said}");
    table.keys("esc");
    assert!(table.keys("w").is_empty(), "it was asked a moment ago");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert_eq!(menu.note, said);
    let refused = vec![("pager".to_owned(), Err("401: PagerDuty rejected the API token".to_owned()))];
    let later = table.model.now + SignedDuration::from_mins(2);
    let asked = table.send(Msg::Tick(later)).into_iter().find(|(_, effect)| *effect == Effect::ReadOnCall);
    table.send(Msg::Done(asked.unwrap().0, Ok(Done::OnCall(refused))));
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    assert_eq!(menu.note, "On call: not known: 401: PagerDuty rejected the API token");
}

#[test]
fn a_page_is_asked_after_until_somebody_has_acknowledged_it_and_a_failure_is_told_once() {
    let mut table = Table::ready();
    let pager = "name = \"pager\"\nkind = \"pagerduty\"\nsecret = \"KEY\"\naudiences = [\"on-call\"]\napi_token = \"T\"";
    table.model.config.config.channels = vec![toml::from_str(pager).unwrap()];
    let page = Messaged {
        kind: MessageKind::Page,
        audience: "on-call".into(),
        text: "P0".into(),
        channels: vec!["pager".into()],
        as_of: None,
    };
    let written = table.record(page.into());
    let taken = Delivered {
        message: written.id,
        channel: "pager".into(),
        end: Delivery::Accepted,
        why: String::new(),
        reference: String::new(),
        again: None,
        process: None,
    };
    let taken = table.record(taken.into());
    let asks = |effects: Vec<(EffectId, Effect)>| {
        effects.into_iter().filter(|(_, effect)| *effect == Effect::FollowPages).count()
    };
    assert_eq!(asks(table.send(Msg::Fact(Fact::Records(vec![written.clone(), taken])))), 1);
    assert_eq!(asks(table.send(Msg::Tick(time(90)))), 0, "one at a time");
    let failed =
        || Err(Failure::new("following the page", "401: PagerDuty rejected the API token", "mend it"));
    table.send(Msg::Done(last(&table), failed()));
    let told = table.model.failures.len();
    assert_eq!(asks(table.send(Msg::Tick(time(120)))), 0, "it is left alone for a while");
    assert_eq!(asks(table.send(Msg::Tick(time(240)))), 1);
    table.send(Msg::Done(last(&table), failed()));
    assert_eq!(table.model.failures.len(), told, "once");
    assert_eq!(asks(table.send(Msg::Tick(time(480)))), 1);
    let answer = PageFollowed {
        message: written.id,
        channel: "pager".into(),
        state: PageState::Acknowledged,
        who: "Li Wei".into(),
        by_clock: false,
    };
    let answer = table.record(answer.into());
    table.send(Msg::Done(last(&table), Ok(Done::Appended(vec![answer]))));
    assert_eq!(asks(table.send(Msg::Tick(time(900)))), 0, "nobody is left to answer");
}

#[test]
fn what_an_assistant_drafted_is_taken_by_a_key_and_read_before_it_goes() {
    let mut table = Table::ready();
    table.model.config.config.channels = vec![channel("slack", "stakeholders")];
    let of = MessageOf { kind: MessageKind::Alert, audience: "stakeholders".into() };
    let text = "Payments fail.\n\nWe are on it.".to_owned();
    let suggested = table.record(Suggested { kind: NoteKind::Note, text, message: Some(of) }.into());
    let at = suggested.occurred_at;
    table.send(Msg::Fact(Fact::Records(vec![suggested])));
    drafted(&mut table, Vec::new());
    assert!(!view(&table).page.text().starts_with("Payments fail."), "nobody chose it yet");
    assert!(table.keys("a").is_empty());
    assert_eq!(view(&table).page.text(), "Payments fail.\n\nWe are on it.");
    assert!(table.keys("enter").is_empty(), "it is read first");
    table.shown();
    let effects = table.keys("enter");
    let [Effect::SendMessage { message, read_at }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((message.text.as_str(), *read_at), ("Payments fail.\n\nWe are on it.", at));
}

#[test]
fn a_chat_with_a_pin_is_read_now_and_then_while_the_incident_is_open() {
    let mut table = Table::ready();
    let reads = |effects: Vec<(EffectId, Effect)>| {
        effects.into_iter().filter(|(_, effect)| *effect == Effect::ReadPins).count()
    };
    assert_eq!(reads(table.send(Msg::Tick(time(100)))), 0, "nothing is pinned anywhere");
    let chat = "name = \"slack\"\nkind = \"slack\"\nsecret = \"BOT\"\nto = \"C1\"\naudiences = [\"x\"]\npin = \"pushpin\"";
    table.model.config.config.channels = vec![toml::from_str(chat).unwrap()];
    assert_eq!(reads(table.send(Msg::Tick(time(101)))), 1);
    table.send(Msg::Done(last(&table), Ok(Done::Appended(Vec::new()))));
    assert_eq!(reads(table.send(Msg::Tick(time(125)))), 0, "it is left alone for half a minute");
    assert_eq!(reads(table.send(Msg::Tick(time(132)))), 1);
}

#[test]
fn nobody_is_offered_to_tell_what_the_record_contradicts() {
    let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
    let mut kinds = vec![view(&table).kind];
    for _ in 0..MessageKind::ALL.len() {
        table.keys("t");
        kinds.push(view(&table).kind);
    }
    assert!(!kinds.contains(&MessageKind::Resolved), "it is neither mitigated nor resolved: {kinds:?}");
    assert!(!kinds.contains(&MessageKind::Rollback), "production was not rolled back: {kinds:?}");
    assert!(kinds.contains(&MessageKind::Handoff) && kinds.contains(&MessageKind::Brief), "{kinds:?}");
    table.keys("esc");
    let mitigated = table.record(Mitigated { after: Vec::new() }.into());
    table.send(Msg::Fact(Fact::Records(vec![mitigated])));
    drafted(&mut table, Vec::new());
    assert_eq!(view(&table).kind, MessageKind::Resolved, "now it is due");
}

#[test]
fn header_question_and_message_say_the_same_of_production() {
    use crate::cockpit::production::Word;
    for (state, word, against, kind, stands) in [
        (Health::Ok, Word::Healthy, "", MessageKind::Resolved, "Service is restored. "),
        (
            Health::Warn,
            Word::Degraded,
            "1 probe of production is at the warning limit: errors",
            MessageKind::Resolved,
            "Service is restored, but still degraded. ",
        ),
        (
            Health::Failing,
            Word::Down,
            "1 probe of production fails: errors",
            MessageKind::Alert,
            ", and fails again. ",
        ),
    ] {
        let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
        table.keys("esc");
        let mut errors = probe("errors", state);
        if let Some(sample) = errors.last.as_mut().filter(|_| state == Health::Failing) {
            sample.why = "status 503, expected 200".into();
        }
        table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(errors)] }));
        assert_eq!(table.model.derived.production.as_ref().map(|found| found.word), Some(word));
        table.keys("i m");
        let Some(Overlay::Confirm(asked)) = table.model.overlays.last() else { panic!("{state:?}") };
        assert_eq!(asked.against.join("; "), against, "{state:?}");
        table.keys("esc");
        let mitigated = table.record(Mitigated { after: Vec::new() }.into());
        table.send(Msg::Fact(Fact::Records(vec![mitigated])));
        drafted(&mut table, Vec::new());
        assert_eq!(view(&table).kind, kind, "{state:?}");
        let text = view(&table).page.text();
        assert!(text.contains(stands), "{state:?}: {text}");
    }
}

#[test]
fn a_brief_to_read_aloud_and_a_handoff_are_drafts_like_any_other() {
    let mut table = opened(vec![channel("slack", "stakeholders")], Vec::new());
    for (kind, begins) in [(MessageKind::Handoff, "Handoff: P0 "), (MessageKind::Brief, "P0: Checkout")] {
        while view(&table).kind != kind {
            table.keys("t");
        }
        let text = view(&table).page.text();
        assert!(text.starts_with(begins), "{kind:?}: {text}");
        assert!(!text.contains(" left"), "it is read later than it was written: {text}");
        assert_eq!(table.keys("c"), [Effect::Copy(text)]);
    }
    table.shown();
    let effects = table.keys("enter");
    assert!(
        matches!(effects.as_slice(), [Effect::SendMessage { message, .. }] if message.kind == MessageKind::Brief)
    );
}
