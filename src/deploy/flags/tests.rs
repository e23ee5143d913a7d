use super::*;

fn config(extra: &str) -> Config {
    let text = format!(
        "[[secrets]]\nname = \"FLAGS_TOKEN\"\n[[secrets]]\nname = \"OTHER\"\n\
         [[flags]]\nname = \"new-checkout\"\ntoken = \"FLAGS_TOKEN\"\nabout = \"the checkout\"\n{extra}"
    );
    toml::from_str(&text).unwrap()
}

fn calls(extra: &str) -> Calls {
    Calls::of(&config(extra).flags[0]).unwrap()
}

fn refused(extra: &str) -> String {
    Calls::of(&config(extra).flags[0]).unwrap_err()
}

const DARKLY: &str = "kind = \"launchdarkly\"\nurl = \"https://ld.example/\"\nproject = \"shop\"\nenvironment = \"production\"";
const UNLEASH: &str =
    "kind = \"unleash\"\nurl = \"https://u.example/team\"\nproject = \"default\"\nenvironment = \"eu west\"";
const SMITH: &str =
    "kind = \"flagsmith\"\nurl = \"https://fs.example\"\nkey = \"42\"\nenvironment = \"AbC123\"";
const PLAIN: &str = "url = \"https://f.example/checkout\"\npath = \"enabled\"\n\
     on = { method = \"put\", body = '{\"enabled\":true}' }\n\
     off = { method = \"POST\", url = \"https://f.example/off\", body = 'key={secret:OTHER}' }";

#[test]
fn launchdarkly_is_patched_with_json_patch() {
    let calls = calls(DARKLY);
    let url = "https://ld.example/api/v2/flags/shop/new-checkout";
    assert_eq!(calls.off.line(), format!("PATCH {url} {}", calls.off.body), "what is sent is seen at once");
    let body: serde_json::Value = serde_json::from_str(&calls.off.body).unwrap();
    let path = "/environments/production/on";
    assert_eq!(body, serde_json::json!([{"op": "replace", "path": path, "value": false}]));
    assert_eq!(calls.off.headers["Authorization"], "{secret:FLAGS_TOKEN}");
    assert_eq!(calls.off.headers["Content-Type"], "application/json");
    assert_eq!(calls.read.line(), format!("GET {url}"));
    assert_eq!(calls.path, "environments.production.on");
}

#[test]
fn unleash_is_posted_to() {
    let calls = calls(UNLEASH);
    let url =
        "https://u.example/team/api/admin/projects/default/features/new-checkout/environments/eu%20west";
    assert_eq!(calls.on.line(), format!("POST {url}/on"));
    assert_eq!(calls.off.line(), format!("POST {url}/off"));
    assert_eq!((calls.read.line(), calls.path.as_str()), (format!("GET {url}"), "enabled"));
    assert_eq!(calls.on.headers["Authorization"], "{secret:FLAGS_TOKEN}");
}

#[test]
fn flagsmith_is_patched_by_number() {
    let calls = calls(SMITH);
    let url = "https://fs.example/api/__future__/environments/AbC123/features/42/";
    assert_eq!(
        (calls.on.line(), calls.read.line()),
        (format!("PATCH {url} {}", calls.on.body), format!("GET {url}"))
    );
    assert_eq!(calls.on.body, r#"{"environment_default":{"enabled":true}}"#);
    assert_eq!(calls.path, "environment_default.enabled");
    assert_eq!(calls.on.headers["Authorization"], "Api-Key {secret:FLAGS_TOKEN}");
    assert!(refused(&SMITH.replace("42", "new")).contains("the number that Flagsmith gave"));
}

#[test]
fn plain_http_is_called_as_configured() {
    let calls = calls(PLAIN);
    assert_eq!(calls.on.line(), r#"PUT https://f.example/checkout {"enabled":true}"#);
    assert_eq!(calls.on.headers["Content-Type"], "application/json");
    assert_eq!(
        (calls.off.line().as_str(), calls.off.body.as_str()),
        ("POST https://f.example/off key={secret:OTHER}", "key={secret:OTHER}")
    );
    assert_eq!(calls.off.headers["Content-Type"], "text/plain; charset=utf-8");
    assert_eq!(
        (calls.read.line().as_str(), calls.path.as_str()),
        ("GET https://f.example/checkout", "enabled")
    );
    assert_eq!(calls.read.headers["Authorization"], "Bearer {secret:FLAGS_TOKEN}");
    assert_eq!(refused("url = \"https://f.example\""), "no call that turns it on");
    assert!(refused(&PLAIN.replace("put", "GET")).contains("GET is not a method"));
}

#[test]
fn a_key_that_could_be_taken_for_something_else_is_refused() {
    for key in ["..", ".", "a/b", "a\\\\b", "a?x=1", "a#b", "%2e%2e", "a;b", "a\\u202Eb", " a"] {
        let why = refused(&format!("{DARKLY}\nkey = \"{key}\""));
        assert!(why.starts_with("its key "), "{key}: {why}");
    }
    assert_eq!(refused(&DARKLY.replace("\"shop\"", "\"\"")), "its project is missing");
    for (url, why) in [
        ("https://maya:pw@ld.example", "holds a user or password"),
        ("ld.example", "begin with https://"),
        ("file:///etc/passwd", "begin with https://"),
        ("https:///x", "names no host"),
        ("https://ld.example/{secret:X}", "cannot hold a secret"),
        ("https://ld.example/a b", "characters in it"),
    ] {
        let found = refused(&DARKLY.replace("https://ld.example/", url));
        assert!(found.contains(why), "{url}: {found}");
    }
}

#[test]
fn what_is_odd_but_harmless_stays_one_part() {
    let call = calls(&format!("{UNLEASH}\nkey = \"team:new&checkout=\u{e4}\""));
    assert!(call.on.url.contains("/features/team%3Anew%26checkout%3D%C3%A4/"), "{}", call.on.url);
    let dotted = calls(&DARKLY.replace("\"production\"", "\"eu.west~1\""));
    assert_eq!(dotted.path, "environments[\"eu.west~1\"].on");
    assert!(dotted.on.body.contains("/environments/eu.west~01/on"), "{}", dotted.on.body);
    assert!(crate::health::answer::subject(&dotted.path).is_ok());
}

#[test]
fn a_plan_sets_reads_back_and_knows_how_to_put_it_back() {
    let plan = flag(&config(DARKLY), "flag-1", "new-checkout", false, &Switch::On, "/repo").unwrap();
    assert_eq!((plan.title.as_str(), plan.target.as_str()), ("turn new-checkout off", "flag:new-checkout"));
    assert_eq!((plan.purpose, plan.confirm.as_ref(), plan.reaches_others()), (Purpose::Flag, None, true));
    assert_eq!(plan.secrets.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["FLAGS_TOKEN"]);
    assert!(plan.notes.is_empty());
    let step = &plan.steps[0];
    assert!(step.retry_is_safe && plan.steps.len() == 1);
    assert!(matches!(&step.action, Action::Http(call) if call.body.contains("false")));
    assert_eq!(step.proof.as_ref().unwrap().expect.as_deref(), Some("false"));
    match &step.undo {
        Undo::By { action: Action::Http(call), proof: Some(proof) } => {
            assert!(call.body.contains("true") && proof.expect.as_deref() == Some("true"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_not_the_opposite_before_is_not_undone() {
    let already = flag(&config(DARKLY), "x", "new-checkout", true, &Switch::On, "/repo").unwrap();
    assert_eq!((&already.steps[0].undo, already.notes[0].as_str()), (&Undo::Nothing, "it is on already"));
    let unknown = Switch::Unknown("401".to_owned());
    let unknown = flag(&config(DARKLY), "x", "new-checkout", true, &unknown, "/repo").unwrap();
    assert!(matches!(unknown.steps[0].undo, Undo::Irreversible { .. }));
    assert_eq!(unknown.notes, ["what it is now could not be read: 401"]);
}

#[test]
fn a_secret_that_could_be_read_on_its_way_is_pointed_out() {
    let notes = |url: &str| {
        let config = config(&DARKLY.replace("https://ld.example/", url));
        flag(&config, "x", "new-checkout", true, &Switch::Off, "/repo").unwrap().notes
    };
    assert_eq!(notes("http://ld.internal:80"), ["the secret FLAGS_TOKEN goes over the network unencrypted"]);
    assert!(notes("http://127.0.0.1:80").is_empty() && notes("http://localhost:80").is_empty());
}

#[test]
fn an_unknown_flag_is_refused_with_the_nearest() {
    let failure = flag(&config(DARKLY), "x", "new-chekout", true, &Switch::On, "/repo").unwrap_err();
    assert_eq!(failure.hint, "did you mean new-checkout?");
    let none = flag(&Config::default(), "x", "a", true, &Switch::On, "/repo").unwrap_err();
    assert!(none.hint.contains("[[flags]]"));
}

#[test]
fn only_true_and_false_are_understood() {
    assert_eq!(Switch::read(Ok("true")), Switch::On);
    assert_eq!(Switch::read(Ok("false")), Switch::Off);
    for other in ["", "1", "on", "TRUE", "null"] {
        assert!(matches!(Switch::read(Ok(other)), Switch::Unknown(_)), "{other}");
    }
}

#[test]
fn reading_needs_the_secrets_of_what_can_be_read() {
    let mut config = config(DARKLY);
    config.flags.push(Flag { name: "odd".to_owned(), project: "..".to_owned(), ..config.flags[0].clone() });
    let flags: Vec<&Flag> = config.flags.iter().collect();
    let (plan, calls) = reads(&config, &flags, "/repo");
    assert_eq!((plan.steps.len(), plan.secrets.len()), (1, 1));
    assert!(calls[0].is_ok() && calls[1].is_err());
}
