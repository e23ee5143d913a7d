//! Feature flags at services that answer in the shapes of the real ones.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::conductor::Yard;
use super::service::{Service, body, response};

const TOKEN: &str = "api-0f3c-flags-t0ken";

/// What the service is to do with the next calls.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// As it should.
    Well,
    /// It takes a change, says so, and does nothing.
    Forgets,
    /// It takes a change and breaks down before it says so.
    BreaksAfter,
    /// It answers a change with this status and does nothing.
    Refuses(&'static str),
}

struct State {
    on: bool,
    mood: Mood,
}

/// A service of flags that keeps one of each kind, all the same.
struct Flags {
    service: Service,
    state: Arc<Mutex<State>>,
}

impl Flags {
    fn new(on: bool) -> Self {
        let state = Arc::new(Mutex::new(State { on, mood: Mood::Well }));
        let kept = Arc::clone(&state);
        let service = Service::start(move |request| Some(answer(&mut kept.lock().unwrap(), request)));
        Self { service, state }
    }

    fn is_on(&self) -> bool {
        self.state.lock().unwrap().on
    }

    fn turn(&self, on: bool) {
        self.state.lock().unwrap().on = on;
    }

    fn mood(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// Requests that were to change something.
    fn changes(&self) -> Vec<String> {
        let requests = self.service.requests();
        requests.into_iter().filter(|request| !request.starts_with("GET ")).collect()
    }
}

fn answer(kept: &mut State, request: &str) -> String {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let wanted = match path.split('/').nth(1) {
        Some("api") if path.starts_with("/api/__future__") => format!("Api-Key {TOKEN}"),
        Some("api") => TOKEN.to_owned(),
        _ => format!("Bearer {TOKEN}"),
    };
    let carried = request.lines().find_map(|line| {
        line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    });
    if carried.map(|(_, value)| value) != Some(wanted.as_str()) {
        return response("401 Unauthorized", "{}");
    }
    let sent: Value = serde_json::from_str(body(request)).unwrap_or_default();
    let darkly = "/api/v2/flags/shop/new-checkout";
    let unleash = "/api/admin/projects/default/features/new-checkout/environments/production";
    let smith = "/api/__future__/environments/EnvKey1/features/42/";
    let change = match (method, path) {
        ("GET", _) => None,
        ("PATCH", path) if path == darkly => {
            let right = sent[0]["op"] == "replace" && sent[0]["path"] == "/environments/production/on";
            sent[0]["value"].as_bool().filter(|_| right)
        }
        ("POST", path) if path.starts_with(unleash) => match path.strip_prefix(unleash) {
            Some("/on") => Some(true),
            Some("/off") => Some(false),
            _ => None,
        },
        ("PATCH", path) if path == smith => sent["environment_default"]["enabled"].as_bool(),
        ("PUT", "/plain") => sent["enabled"].as_bool(),
        _ => return response("404 Not Found", "{}"),
    };
    match (method, change, kept.mood) {
        ("GET", ..) | (_, Some(_), Mood::Forgets) => {}
        (_, None, _) => return response("400 Bad Request", r#"{"message":"cannot be read"}"#),
        (_, Some(on), Mood::Well) => kept.on = on,
        (_, Some(on), Mood::BreaksAfter) => {
            kept.on = on;
            return response("502 Bad Gateway", "<html>");
        }
        (_, Some(_), Mood::Refuses(status)) => {
            return response(status, &format!(r#"{{"message":"not with {TOKEN}"}}"#));
        }
    }
    let on = kept.on;
    let shown = match path {
        path if path == darkly => {
            json!({ "key": "new-checkout", "environments": { "test": { "on": !on }, "production": { "on": on } } })
        }
        path if path == smith => json!({ "environment_default": { "enabled": on }, "segment_overrides": [] }),
        _ => json!({ "name": "production", "enabled": on }),
    };
    response("200 OK", &shown.to_string())
}

fn config(url: &str) -> String {
    let flag = |name: &str, more: &str| {
        format!("[[flags]]\nname = \"{name}\"\ntoken = \"FLAGS_TOKEN\"\n{}\n", more.replace("URL", url))
    };
    let plain = "url = \"URL/plain\"\npath = \"enabled\"\non = { method = \"PUT\", body = '{\"enabled\":true}' }\n\
                 off = { method = \"PUT\", body = '{\"enabled\":false}' }";
    [
        "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\"]\n[[secrets]]\nname = \"FLAGS_TOKEN\"\n",
        &flag("plain", plain),
        &flag(
            "darkly",
            "kind = \"launchdarkly\"\nurl = \"URL\"\nkey = \"new-checkout\"\nproject = \"shop\"\nenvironment = \"production\"",
        ),
        &flag(
            "unleash",
            "kind = \"unleash\"\nurl = \"URL\"\nkey = \"new-checkout\"\nproject = \"default\"\nenvironment = \"production\"",
        ),
        &flag("smith", "kind = \"flagsmith\"\nurl = \"URL\"\nkey = \"42\"\nenvironment = \"EnvKey1\""),
    ]
    .concat()
}

fn yard(flags: &Flags) -> Yard {
    let mut yard = Yard::new(&config(&flags.service.url), "true");
    yard.shell = yard.shell.clone().with("FLAGS_TOKEN", TOKEN);
    yard
}

fn no_file_tells(directory: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += no_file_tells(&path);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let tells = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!tells, "{} tells the token", path.display());
            count += 1;
        }
    }
    count
}

#[test]
fn a_flag_of_each_kind_is_turned_off_and_on_and_read_back() {
    for name in ["plain", "darkly", "unleash", "smith"] {
        let flags = Flags::new(true);
        let yard = yard(&flags);
        let off = yard.shell.json(&["flag", name, "off", "--json"]);
        assert_eq!((off["name"].as_str(), off["state"].as_str()), (Some(name), Some("off")), "{off}");
        assert!(!flags.is_on(), "{name}");
        assert_eq!(flags.changes().len(), 1, "{name} was set more than once");
        yard.shell.flightdeck(&["flag", name, "on"]).succeeded();
        assert!(flags.is_on(), "{name}");
        let status = yard.shell.json(&["status", "--json"]);
        assert!(status["plans"].as_array().unwrap().iter().all(|plan| plan["state"] == "done"), "{status}");
    }
}

#[test]
fn all_flags_are_listed_with_their_state() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    let list = yard.shell.json(&["flag", "list", "--json"]);
    let states: Vec<_> =
        list.as_array().unwrap().iter().map(|flag| flag["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["on"; 4]);
    // Without the secret nobody can tell, and it says so.
    let without = yard.shell.clone().with("FLAGS_TOKEN", "another-t0ken-9");
    let shown = without.flightdeck(&["flag", "darkly"]).ended_with(6);
    assert!(shown.stdout.contains("the secret FLAGS_TOKEN is still valid"), "{}", shown.stdout);
}

#[test]
fn a_dry_run_shows_the_call_and_makes_none() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    let shown = yard.shell.flightdeck(&["flag", "unleash", "off", "--dry-run"]).succeeded();
    assert!(shown.stdout.contains("/features/new-checkout/environments/production/off"), "{}", shown.stdout);
    assert!(shown.stdout.contains("turns the flag unleash off"), "{}", shown.stdout);
    assert!(flags.is_on() && flags.changes().is_empty());
}

#[test]
fn a_service_that_says_yes_and_does_nothing_is_not_believed() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    flags.mood(Mood::Forgets);
    let ended = yard.shell.flightdeck(&["flag", "darkly", "off"]).ended_with(1);
    assert!(ended.stdout.contains("it answers true, expected false"), "{ended:?}");
    assert!(flags.is_on());
}

#[test]
fn what_a_service_refuses_was_not_done_and_says_what_to_do() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    for (status, wanted) in [
        ("403 Forbidden", "the token has no permission"),
        ("404 Not Found", "no such thing"),
        ("409 Conflict", "somebody else changed it"),
        ("429 Too Many Requests", "too many calls"),
    ] {
        flags.mood(Mood::Refuses(status));
        let ended = yard.shell.flightdeck(&["flag", "smith", "off"]).ended_with(1);
        assert!(ended.stdout.contains(wanted), "{ended:?}");
        assert!(!ended.stdout.contains(TOKEN) && !ended.stderr.contains(TOKEN), "{ended:?}");
    }
    assert_eq!(flags.changes().len(), 4, "none of them was tried again");
}

#[test]
fn a_service_that_breaks_down_is_asked_what_became_of_it() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    flags.mood(Mood::BreaksAfter);
    let ended = yard.shell.flightdeck(&["flag", "plain", "off"]).succeeded();
    assert!(!flags.is_on() && ended.stdout.contains("done"), "{ended:?}");
    assert_eq!(flags.changes().len(), 1);
}

#[test]
fn undoing_puts_a_flag_back_only_where_it_was_the_opposite() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    yard.shell.flightdeck(&["flag", "unleash", "off"]).succeeded();
    assert!(!flags.is_on());
    yard.shell.flightdeck(&["plan", "undo", "flag-unleash-off-1"]).succeeded();
    assert!(flags.is_on());
    flags.turn(false);
    yard.shell.flightdeck(&["flag", "unleash", "off"]).succeeded();
    let refused = yard.shell.flightdeck(&["plan", "undo", "flag-unleash-off-2"]);
    assert_ne!(refused.code(), Some(0), "{refused:?}");
    assert!(!flags.is_on());
}

#[test]
fn the_token_is_nowhere_afterwards() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    yard.shell.flightdeck(&["flag", "darkly", "off"]).succeeded();
    flags.mood(Mood::Refuses("409 Conflict"));
    let refused = yard.shell.flightdeck(&["flag", "darkly", "on"]).ended_with(1);
    let log = yard.shell.flightdeck(&["run", "log", "flag-darkly-on-1.0"]).succeeded();
    let report = yard.shell.flightdeck(&["report"]).succeeded();
    let export = yard.shell.flightdeck(&["export"]).succeeded();
    for printed in [&refused, &log, &report, &export] {
        assert!(!printed.stdout.contains(TOKEN) && !printed.stderr.contains(TOKEN), "{}", printed.line);
    }
    assert!(log.stdout.contains("409"), "{}", log.stdout);
    assert!(no_file_tells(&yard.world.path("state")) > 2);
}

#[test]
fn a_flag_that_is_not_configured_or_not_trusted_is_not_touched() {
    let flags = Flags::new(true);
    let yard = yard(&flags);
    yard.shell.flightdeck(&["flag", "unlesh", "off"]).ended_with(2).said("did you mean unleash?");
    std::fs::write(yard.file("flightdeck.toml"), config("http://127.0.0.1:9")).unwrap();
    yard.shell.flightdeck(&["flag", "unleash", "off"]).ended_with(4);
    yard.shell.flightdeck(&["flag"]).ended_with(4);
    assert!(flags.service.requests().is_empty());
}
