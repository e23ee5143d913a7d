use super::*;

#[test]
fn what_cannot_be_asked_names_its_key() {
    let url = |url: &str| Keys { url: Some(url.to_owned()), ..Keys::default() };
    let command = |argv: &[&str]| Keys {
        command: Some(argv.iter().map(|&word| word.to_owned()).collect()),
        ..Keys::default()
    };
    let with = |name: &str, value: &str| Keys {
        headers: [(name.to_owned(), value.to_owned())].into(),
        ..url("http://x/")
    };
    for (key, keys) in [
        ("url", url("localhost:8080")),
        ("url", url("http:///path")),
        ("url", url("http://a b/")),
        ("url", Keys::default()),
        ("command", command(&[])),
        ("command", command(&[""])),
        ("command", command(&["a", "b\0"])),
        ("command", Keys { url: Some("http://x".to_owned()), ..command(&["true"]) }),
        ("prometheus", Keys { prometheus: Some("http://x".to_owned()), ..url("http://x/") }),
        ("prometheus", Keys { prometheus: Some("x:9090".to_owned()), ..Keys::default() }),
        ("query", Keys { prometheus: Some("http://x".to_owned()), ..Keys::default() }),
        ("alertmanager", Keys { alertmanager: Some("http://x".to_owned()), ..url("http://x/") }),
        ("datadog", Keys { datadog: Some("datadoghq.eu".to_owned()), ..Keys::default() }),
        ("query", Keys { datadog: Some("http://x".to_owned()), ..Keys::default() }),
        ("postgres", Keys { postgres: Some("db:5432".to_owned()), ..Keys::default() }),
        ("machine", Keys { machine: Some(Gauge::Cpu), ..url("http://x/") }),
        ("headers", with("a b", "")),
        ("headers", with("a", "b\r\nc: d")),
    ] {
        let unfit = Source::try_from(keys.clone()).expect_err("this cannot be asked");
        assert_eq!(unfit.key, key, "{keys:?}");
    }
}

#[test]
fn a_probe_is_written_as_it_was_read() {
    for text in [
        "name = \"a\"\nurl = \"http://x/\"\n[headers]\nx-key = \"1\"",
        "name = \"b\"\ncommand = [\"./check.sh\", \"orders\"]\nenv = [\"TOKEN\"]\nfail = \"> 5\"",
        "name = \"c\"\nprometheus = \"http://x\"\nquery = \"up\"\nreduce = \"min\"\nmax_age = \"5m\"\nfail = \"< 1\"\nrunbook = \"https://x/\"",
        "name = \"d\"\nalertmanager = \"http://x\"\nmatchers = [\"service=a\"]\nwatchdog = \"Watchdog\"",
        "name = \"e\"\ndatadog = \"http://x\"\nquery = \"avg:a{*}\"\nfail = \"> 5\"",
        "name = \"f\"\ndatadog = \"http://x\"\nmonitor = 42",
        "name = \"h\"\npostgres = \"postgresql://li:{secret:PG}@db/shop\"\nfail = \"> 180\"",
        "name = \"i\"\nurl = \"http://x/\"\nvalue = \"latency\"\nfail = \"> 500\"\nrecover = \"< 300\"\nfor = \"2m\"\nsuppressed_by = \"a\"",
        "name = \"j\"\nurl = \"https://x/\"\ntls = { ca_file = \"ca.pem\" }",
        "name = \"g\"\nmachine = \"disk\"\npath = \"/var\"\nfail = \"> 90\"",
    ] {
        let probe: Probe = toml::from_str(text).unwrap();
        let again: Probe = toml::from_str(&toml::to_string(&probe).unwrap()).unwrap();
        assert_eq!(again, probe);
    }
}
