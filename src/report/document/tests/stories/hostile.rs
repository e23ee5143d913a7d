//! Whatever a record says, its report stays a report: no text in it becomes an element, a link, a script.

use serde_json::Value;

use super::*;
use crate::report::html::html;
use crate::report::issue;

/// Keys of what refers to other records, or to the policy.
const NAMES: [&str; 12] = [
    "plan",
    "run",
    "role",
    "item",
    "audience",
    "clock",
    "culprit",
    "purpose",
    "target",
    "environment",
    "probe",
    "commit",
];

/// Elements that a page to print has, as they are written.
const ELEMENTS: [&str; 18] = [
    "p",
    "h1",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "li class=\"task\"",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "strong",
    "em",
    "code",
    "pre",
];

/// Where the texts of a value are, as pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(all) => {
            all.iter().enumerate().for_each(|(index, one)| texts(one, &format!("{at}/{index}"), found));
        }
        Value::Object(all) => all.iter().for_each(|(key, one)| texts(one, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

/// The body with this text in the place of every other one, as far as it stays one of its kind.
fn spoilt(body: &Body, text: &str, names: bool) -> Body {
    let kind = body.kind();
    let mut json = serde_json::to_value(body).unwrap();
    let mut places = Vec::new();
    texts(&json, "", &mut places);
    for place in places {
        if !names && NAMES.iter().any(|name| place.ends_with(&format!("/{name}"))) {
            continue;
        }
        let before = std::mem::replace(json.pointer_mut(&place).unwrap(), text.into());
        if Body::known(kind, &json.to_string()).is_none() {
            *json.pointer_mut(&place).unwrap() = before;
        }
    }
    Body::known(kind, &json.to_string()).unwrap()
}

/// An incident of which every text is this one.
fn story(text: &str, names: bool) -> Story {
    let mut story =
        Story { records: Vec::new(), author: format!("x{text}"), clock: 0, pace: 60_000, drill: false };
    for body in one_of_each() {
        story.tell(spoilt(&body, text, names));
    }
    let added = FollowUpAdded { text: text.into(), owner: text.into(), due: None, of: None };
    let follow_up = story.tell(added);
    story.tell(FollowUpLinked { follow_up, number: 12, url: text.into(), open: true });
    story
}

/// What of a page is no element that reports have.
fn foreign(page: &str) -> Vec<&str> {
    let (_, body) = page.split_once("<body>").unwrap();
    let body = body.strip_suffix("</body>\n</html>\n").unwrap();
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/:".contains(&b));
    let is_ours = |tag: &&str| {
        let name = tag.strip_prefix('/').unwrap_or(tag);
        let link = tag.strip_prefix("a href=\"").and_then(|rest| rest.strip_suffix('"'));
        let anchor = tag.strip_prefix("a id=\"").and_then(|rest| rest.strip_suffix('"'));
        let list = tag.strip_prefix("ol start=\"").and_then(|rest| rest.strip_suffix('"'));
        ELEMENTS.contains(&name)
            || ["br", "hr", "s", "/s", "/a", "blockquote", "/blockquote"].contains(tag)
            || link.is_some_and(|to| {
                (to.starts_with('#') || to.starts_with("https://")) && to.get(1..).is_some_and(is_plain)
            })
            || anchor.is_some_and(is_plain)
            || list.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    let tags = body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    tags.filter(|tag| !is_ours(tag)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_of_any_record_becomes_more_than_text(text in hostile(), names in any::<bool>()) {
        let report = story(&text, names).report();
        let page = html(&report);
        prop_assert_eq!(foreign(&page), Vec::<&str>::new());
        for event in Parser::new_ext(&report, dialects()[0]) {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => {
                    prop_assert!(dest_url.starts_with('#') || dest_url.starts_with("https://"), "{dest_url}");
                }
                Event::Start(Tag::Image { .. } | Tag::HtmlBlock) => prop_assert!(false, "{report}"),
                _ => {}
            }
        }
        prop_assert!(report.chars().all(|c| c == '\n' || !c.is_control()), "{report:?}");
    }
}

#[test]
fn no_text_of_a_policy_becomes_more_than_text_either() {
    let built_in = serde_json::to_value(Policy::built_in()).unwrap();
    let mut places = Vec::new();
    texts(&built_in, "", &mut places);
    for text in
        ["x<script>alert(1)</script>", "[x](javascript:alert(1))", "x\n# y\n- @everyone", "|\u{202e}|`"]
    {
        let mut json = built_in.clone();
        for place in &places {
            let before = std::mem::replace(json.pointer_mut(place).unwrap(), text.into());
            if serde_json::from_value::<Policy>(json.clone()).is_err() {
                *json.pointer_mut(place).unwrap() = before;
            }
        }
        let policy: Policy = serde_json::from_value(json).unwrap();
        let story = story("word", false);
        let setting = Setting { policy: &policy, checklist: &policy.checklist, probes: &[], drill: false };
        let page = html(&markdown_at(&story.state(), setting, story.end()));
        assert_eq!(foreign(&page), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn the_address_of_an_issue_is_a_link_where_it_is_a_page_and_no_more_than_that() {
    for (url, wanted) in [
        ("https://git.test/shop/api/issues/12", true),
        ("http://git.test/shop/api/issues/12", false),
        ("javascript:alert(1)", false),
        ("https://token@git.test/issues/12", false),
        ("https://git.test/issues/12?x=<b>", false),
        ("https://", false),
    ] {
        let mut story = Story::of("x");
        let added = FollowUpAdded { text: "alert".into(), owner: String::new(), due: None, of: None };
        let follow_up = story.tell(added);
        story.tell(FollowUpLinked { follow_up, number: 12, url: url.into(), open: true });
        let report = story.report();
        assert!(report.contains("#12"), "{report}");
        assert_eq!(report.contains(&format!("]({url})")), wanted, "{url}");
        assert_eq!(html(&report).contains(&format!("href=\"{url}\"")), wanted, "{url}");
    }
}

/// The issue that a follow-up of this text becomes.
fn issue_of(text: &str) -> crate::plan::IssueText {
    let mut story = Story::of("x");
    story.tell(FollowUpAdded { text: text.into(), owner: String::new(), due: None, of: None });
    issue::unsent(&story.state()).remove(0)
}

#[test]
fn the_text_of_an_issue_gives_no_orders_and_calls_nobody() {
    for order in ["/close", "/assign me", "/move shop/other", "- [ ] x", "# x", "1. x"] {
        let body = issue_of(order).body;
        assert!(body.starts_with(['\\', '1']) && !body.starts_with("1. "), "{order}: {body}");
    }
    let call = issue_of("ask @everyone, @@li or li@shop.test about <!-- flightdeck follow-up 1 -->");
    assert!(call.title.starts_with("ask @ everyone, @ @ li or li@shop.test"), "{}", call.title);
    assert!(!call.body.contains("@everyone"), "{}", call.body);
    assert_eq!(call.body.matches("<!-- flightdeck").count(), 1, "{}", call.body);
}

#[test]
fn a_text_without_end_leaves_room_in_its_issue_for_what_it_is_known_by() {
    let long = issue_of(&"@".repeat(1 << 20));
    assert!(long.body.len() < 65_536 && long.body.trim_end().ends_with(&long.marker), "{}", long.body.len());
    assert!(long.title.chars().count() <= 200, "{}", long.title);
}
