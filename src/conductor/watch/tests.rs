use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;

use super::super::testing::{Server, response};
use super::*;

fn watch(urls: &[&str], milliseconds: i64, settle: i64) -> plan::Watch {
    let probe = |(index, url): (usize, &&str)| {
        let text = format!(
            "name = \"probe {index}\"\nurl = \"{url}\"\ninterval = \"20ms\"\ntimeout = \"10s\"\n\
             expect = ['body.ok == true']"
        );
        plan::Watched::from(&toml::from_str::<Probe>(&text).unwrap())
    };
    plan::Watch {
        time: SignedDuration::from_millis(milliseconds),
        settle: SignedDuration::from_millis(settle),
        probes: urls.iter().enumerate().map(probe).collect(),
        cwd: "/".to_owned(),
        judges: None,
        then: None,
    }
}

fn end(watch: &plan::Watch) -> Look {
    let mut watching = Watching::begin(watch, &Keyring::default()).unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        match watching.look() {
            Look::Going(_) if Instant::now() < give_up => std::thread::sleep(Duration::from_millis(5)),
            end => return end,
        }
    }
}

#[test]
fn probes_that_hold_pass() {
    let (one, two) =
        (Server::answering("200 OK", r#"{"ok":true}"#), Server::answering("200 OK", r#"{"ok":true}"#));
    let look = end(&watch(&[&one.url, &two.url], 300, 100));
    assert!(matches!(&look, Look::Passed(told) if told.starts_with("healthy for 300 ms")), "{look:?}");
    assert!(one.requests().len() >= 2);
}

#[test]
fn a_probe_that_fails_ends_it_with_what_was_seen() {
    let good = Server::answering("200 OK", r#"{"ok":true}"#);
    let bad = Server::answering("200 OK", r#"{"ok":false}"#);
    match end(&watch(&[&good.url, &bad.url], 3_600_000, 100)) {
        Look::Failed(why) => assert!(why.starts_with("probe 1 is failing: body.ok false"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_without_the_value_is_no_data() {
    let good = Server::answering("200 OK", r#"{"ok":true}"#);
    let empty = Server::answering("200 OK", r#"{"ok":null}"#);
    match end(&watch(&[&good.url, &empty.url], 3_600_000, 100)) {
        Look::NoData(why) => assert!(why.starts_with("probe 1 has no data: body.ok is null"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_service_that_comes_up_while_it_takes_effect_passes() {
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    let server = Server::start(move |stream, _| {
        let up = asked.fetch_add(1, Ordering::SeqCst) >= 5;
        let _ = stream.write_all(response("200 OK", "", &format!("{{\"ok\":{up}}}")).as_bytes());
    });
    // Long enough that the sixth question falls into the time to settle on a slow machine.
    let look = end(&watch(&[&server.url], 4000, 3000));
    assert!(matches!(look, Look::Passed(_)), "{look:?}");
    assert!(count.load(Ordering::SeqCst) > 5);
}

#[test]
fn nothing_to_watch_is_an_error() {
    assert_eq!(Watching::begin(&watch(&[], 100, 0), &Keyring::default()).err().unwrap(), "no probe to watch");
    let mut odd = watch(&["http://127.0.0.1:9/"], 100, 0);
    let statsu = Probe { expect: vec!["statsu == 200".to_owned()], ..Probe::clone(&odd.probes[0]) };
    odd.probes = vec![plan::Watched::from(&statsu)];
    let why = Watching::begin(&odd, &Keyring::default()).err().unwrap();
    assert!(why.starts_with("the probe probe 0 cannot be understood") && why.contains("statsu"), "{why}");
}

#[test]
fn what_nobody_saw_before_the_incident_its_source_is_asked_for() {
    let server = Server::start(move |stream, request| {
        let now = Timestamp::now().as_second();
        let data = if request.contains("/query_range") {
            let numbers: Vec<_> =
                (0..240).map(|place| format!("[{},\"3\"]", now - 3600 + place * 15)).collect();
            format!(r#""matrix","result":[{{"metric":{{}},"values":[{}]}}]"#, numbers.join(","))
        } else {
            format!(r#""vector","result":[{{"metric":{{}},"value":[{now},"3"]}}]"#)
        };
        let body = format!(r#"{{"status":"success","data":{{"resultType":{data}}}}}"#);
        let _ = stream.write_all(response("200 OK", "content-type: application/json\r\n", &body).as_bytes());
    });
    let probe = format!(
        "name = \"errors\"\nprometheus = \"{}\"\nquery = \"errors\"\nfail = \"> 5\"\ninterval = \"100ms\"",
        server.url
    );
    let probe = plan::Watched::from(&toml::from_str::<Probe>(&probe).unwrap());
    let mut watching =
        Watching::begin(&plan::Watch { probes: vec![probe], ..watch(&[], 100, 0) }, &Keyring::default())
            .unwrap();
    let now = Timestamp::now();
    watching.compare_with(vec![Past::default()], past_windows(now - SignedDuration::from_mins(5), now));
    let give_up = Instant::now() + Duration::from_secs(60);
    let told = loop {
        match watching.look() {
            // The source is asked after the probes, so it is known some time after the watch could have passed.
            Look::Passed(told) if told.contains("usually 3 ") || Instant::now() > give_up => break told,
            Look::Passed(_) | Look::Going(_) => std::thread::sleep(Duration::from_millis(5)),
            other => panic!("{other:?}"),
        }
    };
    assert!(told.contains("errors 3 (was 3, usually 3 ± 0)"), "{told}");
    assert!(told.ends_with(" · not known: traffic"), "{told}");
}
