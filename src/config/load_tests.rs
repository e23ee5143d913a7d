use super::*;

const GOOD: &str = r#"
[service]
name = "payments-api"

[[checks]]
name = "unit"
command = ["cargo", "test"]
timeout = "90s"

[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}", "{env}"]
proof = ["./deployed.sh", "{env}"]

[[environments]]
name = "production"
deploy = ["./deploy.sh", "{ref}", "{env}"]
protected = true

[[probes]]
name = "api /health"
url = "http://127.0.0.1:8080/health"
environment = "production"
headers = { Accept = "application/json" }
interval = "2s"
timeout = "1s"

[[checklist]]
id = "pay"
title = "Payments go through"

[policy.P0]
fix_within = "1h 30m"
"#;

/// What is said about a file, one line a problem.
fn lines(source: &str) -> Vec<String> {
    match parse(source.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.lines(),
    }
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    let lines = lines(source);
    assert!(lines.iter().any(|line| line.contains(expected)), "wanted {expected:?} in {lines:#?}");
    assert_eq!(lines.len(), 1, "one mistake is one problem: {lines:#?}");
}

#[test]
fn a_full_file_becomes_typed_values() {
    let config = parse(GOOD.as_bytes()).unwrap();
    assert_eq!(config.checks[0].timeout, jiff::SignedDuration::from_secs(90));
    assert_eq!(config.environments[1].name, "production");
    assert!(config.environments[1].protected);
    assert_eq!(config.environments[0].expect, "{commit}");
    assert_eq!(config.probes[0].confirm, 2);
    assert_eq!(config.policy.p0.fix_within, Some(jiff::SignedDuration::from_mins(90)));
    assert_eq!(parse(b"").unwrap(), Config::default());
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    refused(
        "[[enviroments]]\nname = \"x\"\n",
        "1:3: unknown key `enviroments` (did you mean `environments`?)",
    );
    refused(
        "[[checks]]\nname = \"a\"\ncommand = [\"x\"]\ntimout = \"1s\"\n",
        "4:1: unknown key `timout` in `checks` (did you mean `timeout`?)",
    );
    refused("[service]\ncolour = 1\n", "known here: name");
    refused("[[checks]]\nnmae = \"a\"\ncommand = [\"x\"]\n", "unknown key `nmae`");
}

#[test]
fn every_mistake_is_reported_not_only_the_first() {
    let source =
        "colour = 1\n[[checks]]\nname = 3\ncommand = []\n[[probes]]\nname = \"p\"\nurl = \"host/x\"\n";
    let lines = lines(source);
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for (line, part) in
        lines.iter().zip(["`colour`", "wrong type for `name`", "names no program", "no scheme"])
    {
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn wrong_types_say_what_is_wanted_and_what_is_there() {
    let check = |rest: &str| format!("[[checks]]\nname = \"a\"\n{rest}\n");
    refused(
        &check("command = \"cargo test --all\""),
        "write it as a list: command = [\"cargo\", \"test\", \"--all\"]",
    );
    for line in ["npm ci && npm test", "./a.sh | tee log", "./a.sh; ./b.sh", "./a.sh > log"] {
        let help = format!("if you need a shell, start one: command = [\"sh\", \"-c\", \"{line}\"]");
        refused(&check(&format!("command = \"{line}\"")), &help);
    }
    refused(
        "[[probes]]\nname = \"a\"\nurl = \"http://x/\"\nexpect = 'body.status == \"ok\"'",
        "write it as a list: expect = ['body.status == \"ok\"']",
    );
    refused(
        &check("command = [\"x\"]\ntimeout = 30"),
        "wrong type for `timeout` (this is an integer, expected a duration in quotes; with its unit: timeout = \"30s\")",
    );
    refused(&check("command = [\"x\"]\ntimeout = \"soon\""), "`timeout` is not a duration");
    refused(&check("command = [\"x\"]\ntimeout = \"0s\""), "must be longer than 0s");
    refused(&check("command = [\"x\"]\ntimeout = \"-5m\""), "must be longer than 0s");
    refused("[policy.P0]\nfix_within = \"0s\"", "must be longer than 0s");
    refused("[policy.P0]\ntell_within = \"-1s\"", "cannot be negative");
    assert_eq!(lines("[policy.P0]\ntell_within = \"0s\""), [""; 0]);
    refused(&check("command = [\"x\"]\ntimeout = true"), "this is true or false, expected a duration");
    refused(
        "[[probes]]\nname=\"p\"\nurl=\"http://h\"\nconfirm = \"3\"\n",
        "this is a string, expected an integer",
    );
    refused("[service]\nname = 3\n", "wrong type for `name` (this is an integer, expected a string)");
    refused("[hotfix]\nflow = \"gitflow\"\n", "did you mean `git-flow`?");
    refused("[[checks]]\ncommand = [\"x\"]\n", "`name` is missing");
    refused(
        "[[probes]]\nname=\"p\"\nurl=\"http://h\"\nconfirm = 0\n",
        "`confirm` is out of range (1 to 100)",
    );
    refused("[[probes]]\nname=\"p\"\nurl=\"http://h\"\nconfirm = 99999999999999999999\n", "out of range");
}

#[test]
fn a_list_that_is_written_as_a_table_is_one_mistake_that_says_so() {
    let two =
        "[environments]\nname = \"a\"\ndeploy = [\"x\"]\n\n[environments]\nname = \"b\"\ndeploy = [\"x\"]\n";
    refused(two, "flightdeck.toml:1:1: write [[environments]]: it is a list");
    for list in ["checks", "environments", "probes", "flags", "secrets", "checklist", "freezes"] {
        let lines = lines(&format!("[{list}]\n[{list}]\n"));
        let said = format!("flightdeck.toml:1:1: write [[{list}]]: it is a list");
        assert!(lines.contains(&said), "{lines:?}");
        assert!(
            !lines.iter().any(|line| line.contains("duplicate") || line.contains("unknown")),
            "{lines:?}"
        );
    }
    let within = |header: &str| {
        format!(
            "[[environments]]\nname = \"a\"\ndeploy = [\"x\"]\n{header}\nname = \"u\"\ncommand = [\"x\"]\n"
        )
    };
    refused(&within("[environments.rollbacks]"), "4:1: write [[environments.rollbacks]]: it is a list");
    refused("[hotfix.versions]\npath = \"VERSION\"\n", "write [[hotfix.versions]]: it is a list");
    refused("checks = { name = \"a\", command = [\"x\"] }\n", "write [[checks]]: it is a list");
    refused("[[service]]\nname = \"a\"\n", "write [service]: there is only one");
    // Named tables, as other tools have them.
    for named in
        ["", "[environments]\n", "[[probes]]\nname = \"p\"\nurl = \"http://h\"\nenvironment = \"prod\"\n"]
    {
        let named = format!(
            "{named}[environments.staging]\ndeploy = [\"x\"]\n[environments.prod]\ndeploy = [\"x\"]\n"
        );
        refused(
            &named,
            "write [[environments]]: it is a list (each with its name in it: [[environments]], and below it name = \"",
        );
    }
    let text = "a = \"\"\"\n[environments]\n\"\"\"\n";
    refused(text, "unknown key `a`");
}

#[test]
fn what_stands_beside_a_wrong_header_is_still_checked_at_its_place() {
    let source = "[environments]\nname = \"a\"\ndeplyo = [\"x\"]\n[ environments ] # é\nname = \"b\"\ndeploy = 3\n[service]\nnmae = \"x\"\n";
    let lines = lines(source);
    for (line, wanted) in lines.iter().zip([
        ":1:1: write [[environments]]",
        ":3:1: unknown key `deplyo`",
        ":6:10: wrong type for `deploy`",
        ":8:1: unknown key `nmae`",
    ]) {
        assert!(line.contains(wanted), "wanted {wanted:?} in {lines:#?}");
    }
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let invalid = parse(source.as_bytes()).unwrap_err();
    assert!(invalid.render(false).contains("and here"), "{invalid}");
}

#[test]
fn what_nests_without_end_is_a_mistake_with_its_place() {
    for deep in ["[", "{b=", "[\n", "[{a.b="] {
        let source = format!("[service]\nname = \"x\"\na = {}", deep.repeat(50_000));
        let found = lines(&source);
        assert!(
            found.len() == 1 && found[0].contains("nests deeper than 64 levels"),
            "{deep:?}: {found:.300?}"
        );
        assert!(
            found[0].starts_with("flightdeck.toml:")
                && !parse(source.as_bytes()).unwrap_err().render(false).is_empty()
        );
    }
    assert!(lines(&format!("a{} = 1", ".a".repeat(50_000)))[0].contains("nests deeper"));
}

#[test]
fn syntax_errors_come_with_their_place() {
    refused("[service]\nname = \"half\n", "flightdeck.toml:2:");
    refused("name \"x\"\n", "flightdeck.toml:1:");
    let twice = lines("[service]\nname = \"a\"\nname = \"b\"\n");
    assert!(twice[0].contains(":3:1: duplicate key"), "{twice:?}");
}

#[test]
fn names_have_to_be_usable_and_there_once() {
    let two = |a: &str, b: &str| {
        format!(
            "[[checks]]\nname = \"{a}\"\ncommand = [\"x\"]\n[[checks]]\nname = \"{b}\"\ncommand = [\"x\"]\n"
        )
    };
    refused(&two("unit", "unit"), "5:8: duplicate name `unit` in `checks`");
    refused(&two("unit", ""), "the name cannot be empty");
    refused(&two("unit", "--all"), "could be taken for an option");
    refused(&two("unit", "a\\u202Eb"), "invisible characters");
    refused(&two("unit", "a\\nb"), "invisible characters");
    refused("[[checklist]]\nid=\"a\"\ntitle=\"t\"\n[[checklist]]\nid=\"a\"\ntitle=\"u\"\n", "in `checklist`");
    refused("[[environments]]\nname = \"repository\"\ndeploy = [\"x\"]\n", "cannot be called `repository`");
    let invalid = parse(two("unit", "unit").as_bytes()).unwrap_err();
    assert!(invalid.render(false).contains("first named here"));
}

#[test]
fn commands_have_to_name_a_program() {
    refused("[[checks]]\nname = \"a\"\ncommand = []\n", "`command` is empty");
    refused("[[checks]]\nname = \"a\"\ncommand = [\" \"]\n", "first word is empty");
    refused("[[checks]]\nname = \"a\"\ncommand = [\"x\", \"\\u0000\"]\n", "NUL");
    refused("[[checks]]\nname = \"a\"\ncommand = [\"x\"]\nenv = [\"A=b\"]\n", "only the name goes here");
}

#[test]
fn unknown_words_in_braces_are_refused_and_other_braces_left_alone() {
    let environment = |word: &str| format!("[[environments]]\nname = \"e\"\ndeploy = [\"x\", \"{word}\"]\n");
    refused(
        &environment("{comit}"),
        "unknown placeholder {comit}; known: ref, commit, env (did you mean {commit}?)",
    );
    refused(&environment("a{environment}b"), "unknown placeholder {environment}; known: ref, commit, env");
    for fine in ["{ref}", "v{commit}-{env}", "{}", "{ 1 }", "${X:-y}", "{\\\"a\\\": 1}"] {
        assert_eq!(lines(&environment(fine)), [""; 0], "{fine}");
    }
}

#[test]
fn a_probe_asks_exactly_one_thing_in_time() {
    let probe = |rest: &str| format!("[[probes]]\nname = \"p\"\n{rest}\n");
    refused(&probe(""), "it has none of `url`, `command`");
    refused(
        &probe("url = \"http://h\"\ncommand = [\"x\"]"),
        "a probe asks one thing, not both `url` and `command`",
    );
    refused(
        &probe("url = \"example.com/health\""),
        "the address has no scheme (url = \"https://example.com/health\")",
    );
    refused(&probe("url = \"ftp://h/x\""), "`ftp` is not a scheme");
    refused(&probe("url = \"http://\""), "this is not an address");
    refused(&probe("url = \"localhost:80/x\""), "no scheme");
    let runbook = "url = \"https://h/x\"\nrunbook = \"wiki/api\"";
    refused(&probe(runbook), "the address has no scheme (runbook = \"https://wiki/api\")");
    refused(&probe("url = \"http://h\"\ntimeout = \"11s\""), "longer than the interval (10s)");
    // Without one it ends in time.
    let short = parse(probe("url = \"http://h\"\ninterval = \"2s\"").as_bytes()).unwrap();
    assert_eq!(short.probes[0].timeout, jiff::SignedDuration::from_secs(2));
    refused(&probe("url = \"http://h\"\nenvironment = \"prod\""), "unknown environment `prod`");
    refused(
        &probe("command = [\"x\"]\nheaders = { a = \"b\" }"),
        "`headers` goes with `url` or `prometheus` or `alertmanager` or `datadog`; this probe is a command",
    );
    refused(&probe("url = \"http://h\"\nheaders = { \"a b\" = \"c\" }"), "name of a header");
}

#[test]
fn conditions_that_cannot_be_read_are_pointed_at() {
    let probe = |rest: &str| format!("[[probes]]\nname = \"p\"\nurl = \"http://h\"\n{rest}\n");
    refused(&probe("expect = [\"status == 200\", \"statos == 2\"]"), "4:29: this condition cannot be read");
    refused(&probe("expect = [\"exit == 0\"]"), "this condition cannot be read");
    refused(&probe("expect = ['body matches \"a(b\"']"), "4:27: this condition cannot be read");
    refused(&probe("expect = [\"status == 200 && latency < 1s\"]"), "4:26: this condition cannot be read");
    refused(&probe("value = \"status\""), "this value cannot be read");
    refused(&probe("value = \"latency\"\nfail = \"800\""), "this limit cannot be read");
    let limits =
        |recover: &str| probe(&format!("value = \"latency\"\nfail = \"> 800\"\nrecover = \"{recover}\""));
    refused(&limits("< 3 GB"), "this limit cannot be read (`latency` is in ms, not in GB)");
    refused(&limits("> 500"), "`recover`: a value can be > 800 and > 500 at once, failing and recovered");
    assert_eq!(lines(&limits("< 500")), [""; 0]);
    refused(&probe("fail = \"> 800\""), "`fail`: this is a limit, but no `value` is given");
    let both = lines(&probe("expect = [\"x\", \"y\"]"));
    assert_eq!(both.len(), 2, "{both:#?}");
}

#[test]
fn probes_are_suppressed_by_others_and_not_in_a_circle() {
    let probe = |name: &str, by: &str| {
        format!("[[probes]]\nname = \"{name}\"\nurl = \"http://h\"\nsuppressed_by = \"{by}\"\n")
    };
    let top = "[[probes]]\nname = \"top\"\nurl = \"http://h\"\n";
    assert_eq!(lines(&format!("{}{}{top}", probe("a", "b"), probe("b", "top"))), [""; 0]);
    refused(&probe("a", "a"), "4:17: these probes suppress each other in a circle: a < a");
    refused(&probe("top2", "tob"), "unknown probe `tob`");
    let circle = lines(&format!("{}{}{}", probe("a", "b"), probe("b", "c"), probe("c", "b")));
    assert_eq!(circle.len(), 1, "{circle:#?}");
    assert!(circle[0].contains("b < c < b"), "{circle:#?}");
}

#[test]
fn branch_names_have_to_be_ones_git_takes() {
    refused("[hotfix]\nprefix = \"--x/\"\n", "git does not accept `prefix`");
    refused("[hotfix]\nbase = \"a..b\"\n", "git does not accept `base`");
    assert_eq!(lines("[hotfix]\nprefix = \"hotfix/\"\nbase = \"main\"\n"), [""; 0]);
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let invalid = parse(b"[service]\nname = \"\xff\"\n").unwrap_err();
    assert!(invalid.lines()[0].starts_with("flightdeck.toml:2:9: this is not UTF-8"), "{invalid}");
}

#[test]
fn what_tells_of_this_machine_belongs_to_no_environment() {
    let probe = |keys: &str| format!("[[probes]]\nname = \"internet\"\nconnectivity = true\n{keys}\n");
    let config = parse(probe("url = \"https://a.example/\"").as_bytes()).unwrap();
    assert!(
        config.probes[0].tells_connectivity() && !config.watches_production(&config.probes[0].environment)
    );
    let shown = toml::to_string(&config).unwrap();
    assert!(shown.contains("connectivity = true") && !shown.contains("this machine"), "{shown}");
    let other = GOOD.to_owned() + &probe("url = \"https://a.example/\"\nenvironment = \"production\"");
    refused(&other, "a `connectivity` probe belongs to no environment: remove `production`");
    refused(
        &probe("machine = \"load\""),
        "`machine` cannot tell whether this machine is online: use `url` or `command`",
    );
}

#[test]
fn a_third_party_counts_for_production_only_where_it_says_so() {
    let page = "url = \"https://status.pay.example/api/v2/status.json\"";
    for (keys, counts) in [
        (page.to_owned(), false),
        ("url = \"https://pay.example/\"\nconcerns = \"third-party\"".to_owned(), false),
        (format!("{page}\nconcerns = \"resources\""), true),
        (format!("{page}\nenvironment = \"production\""), true),
        ("url = \"https://a.example/\"".to_owned(), true),
    ] {
        let written = format!("[[probes]]\nname = \"payments\"\n{keys}\n{GOOD}");
        let config = parse(written.as_bytes()).unwrap();
        assert_eq!(config.watches_production(&config.probes[0].environment), counts, "{keys}");
        assert!(!toml::to_string(&config).unwrap().contains("third party"), "{keys}");
    }
}

#[test]
fn the_digest_is_of_the_bytes_that_were_parsed() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(load(dir.path()).unwrap(), None);
    std::fs::write(dir.path().join(FILE), GOOD).unwrap();
    let loaded = load(dir.path()).unwrap().unwrap();
    assert_eq!(loaded.hash, Hash::of(GOOD.as_bytes()));
    assert_eq!(loaded.config.content, loaded.hash.to_string());
    let content = loaded.config.content.clone();
    assert_eq!(loaded.config, Config { content, ..parse(GOOD.as_bytes()).unwrap() });
    assert!(is_current(dir.path(), &loaded.config.content).unwrap());
    assert!(!is_current(dir.path(), "").unwrap());
}

#[test]
fn what_is_no_file_is_refused_rather_than_opened() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(FILE)).unwrap();
    let failure = load(dir.path()).unwrap_err();
    assert!(failure.cause.contains("not a file"), "{failure}");
    std::fs::remove_dir(dir.path().join(FILE)).unwrap();
    let big = vec![b'#'; MAX_BYTES as usize + 1];
    std::fs::write(dir.path().join(FILE), big).unwrap();
    assert!(load(dir.path()).unwrap_err().cause.contains("larger than"));
}

#[test]
fn the_schema_knows_every_part_and_tells_durations_apart() {
    let schema = schema();
    for part in ["service", "hotfix", "checks", "environments", "probes", "checklist", "policy"] {
        assert!(schema["properties"][part].is_object(), "{part}");
    }
    assert_eq!(schema["$defs"]["Check"]["properties"]["timeout"]["format"], "friendly-duration");
    assert_eq!(schema["$defs"]["Check"]["properties"]["timeout"]["default"], "15m");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(source in "[\\[\\]a-z=\"{}\\n. #0-9é\u{202E}-]{0,80}") {
        if let Err(invalid) = parse(source.as_bytes()) {
            proptest::prop_assert!(!invalid.problems.is_empty());
            let shown = invalid.render(false);
            proptest::prop_assert!(crate::text::visible_lines(&shown) == shown, "{shown:?}");
        }
    }
}
