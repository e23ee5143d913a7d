use jiff::Timestamp;

use super::super::testing::http_probe;
use super::*;
use crate::config::types;
use crate::health::compare::Point;
use crate::health::series::Verdict;
use crate::health::tracker::NO_NETWORK;

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

fn probe(name: &str) -> Probe {
    Probe { name: name.to_owned(), ..http_probe(&format!("https://{name}.example/")) }
}

fn sample(second: u64, verdict: Verdict) -> Sample {
    Sample {
        at: Timestamp::from_second(1_700_000_000 + i64::try_from(second).unwrap()).unwrap(),
        verdict,
        value: None,
        headline: "500".to_owned(),
        latency_ms: Some(1.0),
        why: "status 500, expected 200".to_owned(),
        ..Sample::default()
    }
}

/// A watch over a minute, 20 s of them to settle, of probes asked every 10 s and confirmed by 2.
struct World {
    vigil: Vigil,
    second: u64,
}

impl World {
    fn new(names: &[&str]) -> Self {
        let probes = names.iter().map(|name| probe(name)).collect();
        Self { vigil: Vigil::new(at(60), at(20), probes), second: 0 }
    }

    /// Lets ten seconds pass; then each probe has a sample of its letter.
    fn tick(&mut self, verdicts: &str) -> Look {
        self.second += 10;
        self.vigil.reach(at(self.second));
        for (probe, letter) in verdicts.chars().enumerate() {
            let verdict = match letter {
                'g' => Verdict::Good,
                'w' => Verdict::Warn,
                'b' => Verdict::Bad,
                'n' => Verdict::NoData,
                'e' => Verdict::NoAnswer,
                _ => continue,
            };
            self.vigil.observe(at(self.second), probe, sample(self.second, verdict));
        }
        self.vigil.look(at(self.second))
    }

    fn ticks(&mut self, ticks: &[&str]) -> Look {
        let (last, before) = ticks.split_last().unwrap();
        for tick in before {
            let look = self.tick(tick);
            assert!(matches!(look, Look::Going(_)), "{look:?} after {} s", self.second);
        }
        self.tick(last)
    }
}

#[test]
fn what_holds_all_the_time_passes() {
    let look = World::new(&["api", "db"]).ticks(&["gg"; 6]);
    assert_eq!(
        look,
        Look::Passed(
            "healthy for 1m · 0 of 10 samples failed (< 30 %) · coverage 100 % \
             · not known: traffic, baseline"
                .to_owned()
        )
    );
}

#[test]
fn a_warning_passes_and_is_told() {
    let look = World::new(&["api", "db"]).ticks(&["gg", "gg", "gw", "gw", "gw", "gw"]);
    let Look::Passed(told) = look else { panic!("{look:?}") };
    assert!(told.starts_with("healthy for 1m; db is over its warning limit · "), "{told}");
}

#[test]
fn trouble_while_it_takes_effect_does_not_count() {
    let mut world = World::new(&["api"]);
    assert!(
        matches!(world.tick("b"), Look::Going(said) if said == "settling for 10s more: 1 not settled yet")
    );
    // A bad sample more would confirm it, but the one before counts no longer.
    assert!(matches!(world.ticks(&["g", "g", "g", "g", "g"]), Look::Passed(_)));
}

#[test]
fn a_confirmed_failure_ends_it_at_once() {
    let look = World::new(&["api", "db"]).ticks(&["gg", "gg", "gg", "gb", "gb"]);
    assert_eq!(look, Look::Failed("db is failing: status 500, expected 200".to_owned()));
    let look = World::new(&["api"]).ticks(&["g", "g", "e", "e"]);
    assert!(matches!(look, Look::Failed(why) if why.starts_with("api is error")));
    assert!(matches!(World::new(&["api"]).ticks(&["b", "b", "b"]), Look::Failed(_)));
}

#[test]
fn one_bad_sample_is_not_the_end() {
    let mut world = World { vigil: Vigil::new(at(600), at(0), vec![probe("api")]), second: 0 };
    let ticks: Vec<_> = (0..60).map(|tick| if tick == 30 { "b" } else { "g" }).collect();
    let Look::Passed(told) = world.ticks(&ticks) else { panic!() };
    assert!(told.contains(" · 1 of 60 samples failed (1.7 %) · "), "{told}");
    // One of five is too much to let pass unseen.
    let look = World::new(&["api"]).ticks(&["g", "g", "b", "g", "g", "g"]);
    let why = "api failed 1 of 5 checks, and how many are usual is not known";
    assert_eq!(look, Look::NoData(why.to_owned()));
}

#[test]
fn without_data_it_never_passes() {
    let look = World::new(&["api", "db"]).ticks(&["gg", "gg", "gn", "gn"]);
    assert_eq!(look, Look::NoData("db has no data: status 500, expected 200".to_owned()));
    // Good before, and silent since.
    assert!(matches!(World::new(&["api"]).ticks(&["g", "g", "g", "n", "n"]), Look::NoData(_)));
    // Nothing at all, not even an answer that cannot be read.
    let mut world = World::new(&["api"]);
    let mut looks = (0..100).map(|_| world.tick("-"));
    let end = looks.find(|look| !matches!(look, Look::Going(_)));
    assert!(matches!(end, Some(Look::NoData(why)) if why.starts_with("api has not answered for")));
}

#[test]
fn what_is_not_settled_at_the_end_is_waited_for() {
    let mut world = World::new(&["api"]);
    let look = world.ticks(&["g", "g", "g", "g", "g", "b"]);
    assert_eq!(look, Look::Going("time is up, but api is pending".to_owned()));
    assert!(matches!(world.tick("g"), Look::Passed(_)));
    let mut world = World::new(&["api"]);
    assert!(matches!(world.ticks(&["g", "g", "g", "g", "g", "b", "b"]), Look::Failed(_)));
}

#[test]
fn waiting_for_the_end_has_an_end() {
    let probe = Probe { confirm: 5, ..probe("api") };
    let mut vigil = Vigil::new(at(60), at(0), vec![probe]);
    let mut second = 0;
    let end = loop {
        second += 10;
        // Good and no data in turns: never confirmed, and after a while flapping.
        let verdict = if second % 40 == 0 { Verdict::NoData } else { Verdict::Good };
        vigil.observe(at(second), 0, sample(second, verdict));
        match vigil.look(at(second)) {
            Look::Going(_) if second < 2000 => {}
            end => break end,
        }
    };
    assert!(!matches!(end, Look::Going(_)), "{end:?}");
}

#[test]
fn a_watch_that_is_all_settling_still_sees_what_it_needs() {
    let mut vigil = Vigil::new(at(5), at(20), vec![probe("api")]);
    vigil.observe(at(1), 0, sample(1, Verdict::Good));
    assert!(matches!(vigil.look(at(6)), Look::Going(_)));
    assert!(vigil.reach(at(20)));
    assert!(!vigil.reach(at(21)), "only once");
    assert!(matches!(vigil.look(at(21)), Look::Going(why) if why.contains("api is unknown")));
    vigil.observe(at(21), 0, sample(21, Verdict::Good));
    assert!(matches!(vigil.look(at(22)), Look::Going(why) if why.contains("api is not confirmed")));
    vigil.observe(at(31), 0, sample(31, Verdict::Good));
    let look = vigil.look(at(31));
    assert!(matches!(&look, Look::Passed(told) if told.starts_with("healthy for 20s")), "{look:?}");
}

#[test]
fn our_own_network_is_not_blamed_on_the_service() {
    let mut vigil = Vigil::new(at(60), at(0), vec![probe("api"), probe("db")]);
    let lost = |second, headline: &str, verdict| Sample {
        headline: headline.to_owned(),
        why: String::new(),
        ..sample(second, verdict)
    };
    for second in [10, 20] {
        for probe in [0, 1] {
            vigil.observe(at(second), probe, lost(second, NO_NETWORK, Verdict::NoData));
        }
    }
    assert!(
        matches!(vigil.look(at(20)), Look::NoData(why) if why.contains("no network leads out of this machine"))
    );

    let mut vigil = Vigil::new(at(60), at(0), vec![probe("api"), probe("db")]);
    for second in [10, 20] {
        vigil.observe(at(second), 0, lost(second, UNREACHABLE, Verdict::NoAnswer));
    }
    // The other host was not asked since: nobody can tell yet whose trouble it is.
    assert!(matches!(vigil.look(at(20)), Look::Going(_)));
    for second in [21, 22] {
        vigil.observe(at(second), 1, lost(second, UNREACHABLE, Verdict::NoAnswer));
    }
    assert!(matches!(vigil.look(at(22)), Look::NoData(why) if why.contains("is it this machine?")));

    let mut vigil = Vigil::new(at(60), at(0), vec![probe("api"), probe("db")]);
    for second in [10, 20] {
        vigil.observe(at(second), 0, lost(second, UNREACHABLE, Verdict::NoAnswer));
        vigil.observe(at(second), 1, sample(second, Verdict::Good));
    }
    assert!(matches!(vigil.look(at(20)), Look::Failed(why) if why.starts_with("api is error")));
}

#[test]
fn what_was_failing_has_to_get_past_its_recovery_threshold() {
    let look = |firing: bool| {
        let mut vigil = Vigil::new(at(60), at(20), vec![probe("errors")]);
        vigil.compare_with(vec![Past { firing, ..Past::default() }]);
        let mut last = Look::Going(String::new());
        for second in (10..=90).step_by(10) {
            vigil.reach(at(second));
            let short = Some("4 % (failed; recovers at < 3 %)".to_owned());
            vigil.observe(at(second), 0, Sample { unrecovered: short, ..sample(second, Verdict::Good) });
            last = vigil.look(at(second));
        }
        last
    };
    assert!(matches!(look(false), Look::Passed(_)));
    let failed = "errors is failing: 4 % (failed; recovers at < 3 %)";
    assert_eq!(look(true), Look::Failed(failed.to_owned()));
}

#[test]
fn what_is_suppressed_is_not_blamed() {
    let mut probes = vec![probe("gateway"), probe("api")];
    probes[1].suppressed_by = Some("gateway".to_owned());
    let mut vigil = Vigil::new(at(60), at(0), probes);
    let mut ended = None;
    for second in (10..=200).step_by(10) {
        let bad = |holds: bool| if holds { Verdict::Bad } else { Verdict::Good };
        vigil.observe(at(second), 0, sample(second, bad(second <= 20)));
        vigil.observe(at(second), 1, sample(second, bad(second <= 20)));
        ended = ended.or(Some(vigil.look(at(second))).filter(|look| !matches!(look, Look::Going(_))));
    }
    assert!(matches!(ended, Some(Look::Failed(why)) if why.starts_with("gateway is failing")));
}

/// A watch over a minute of one number that is to be below 800, asked every second.
fn latency(past: Past, value: impl Fn(u64) -> Option<f64>) -> Look {
    let mut probe = Probe { value: Some("latency".to_owned()), ..probe("p95") };
    (probe.interval, probe.fail) = (SignedDuration::from_secs(1), Some("> 800".to_owned()));
    let mut vigil = Vigil::new(at(60), at(0), vec![probe]);
    vigil.compare_with(vec![past]);
    for second in 1..60 {
        if let Some(value) = value(second) {
            let sample = Sample { value: Some(value), ..sample(second, Verdict::Good) };
            vigil.observe(at(second), 0, sample);
        }
    }
    vigil.look(at(60))
}

fn steady(level: f64, second: u64) -> f64 {
    level + (second * 7 % 11) as f64
}

fn past(level: f64, count: u64) -> Vec<Point> {
    let start = Timestamp::from_second(1_699_990_000).unwrap();
    let at = |second: u64| start + SignedDuration::from_secs(i64::try_from(second).unwrap());
    (0..count).map(|second| (at(second), Some(steady(level, second)))).collect()
}

#[test]
fn what_passes_says_what_was_seen_and_how_sure_that_is() {
    let known = Past { before: past(200.0, 300), during: past(1900.0, 100), ..Past::default() };
    let look = latency(known, |second| Some(steady(207.0, second)));
    let Look::Passed(told) = look else { panic!("{look:?}") };
    assert!(
        told.starts_with("healthy for 1m: p95 212 ms, as usual · p95 212 ms (was 1905, usually 205 ± "),
        "{told}"
    );
    assert!(
        told.ends_with(" · 0 of 59 samples failed (< 5.1 %) · coverage 100 % · not known: traffic"),
        "{told}"
    );
}

#[test]
fn what_nobody_uses_yet_does_not_pass() {
    let watch = |level: f64, value: Option<&str>| {
        let mut probe = Probe { value: value.map(str::to_owned), ..probe("orders") };
        (probe.interval, probe.covers) = (SignedDuration::from_secs(1), vec![types::Point::Activity]);
        let mut vigil = Vigil::new(at(60), at(0), vec![probe]);
        vigil.compare_with(vec![Past { before: past(200.0, 300), ..Past::default() }]);
        for second in 1..60 {
            // They come back while it is watched.
            let level = if second < 20 { 10.0 } else { level };
            let value = Some(steady(level, second));
            vigil.observe(at(second), 0, Sample { value, ..sample(second, Verdict::Good) });
        }
        vigil.look(at(60))
    };
    let told = |look| match look {
        Look::Passed(told) | Look::NoData(told) | Look::Failed(told) | Look::Going(told) => told,
    };
    let count = Some("body.orders");
    let most = told(watch(190.0, count));
    assert!(most.ends_with(" · traffic 95 % · coverage 100 %"), "{most}");
    let few = watch(60.0, count);
    assert!(matches!(few, Look::NoData(_)), "{few:?}");
    assert_eq!(
        told(few),
        "orders is at 32 % of its level before the incident: too few users are back to tell"
    );
    // How long an answer takes counts nobody.
    assert!(
        !told(watch(60.0, None)).contains("users") && !told(watch(60.0, Some("latency"))).contains("users")
    );
}

#[test]
fn what_keeps_to_its_limit_and_is_worse_than_before_the_incident_fails() {
    let known = Past { before: past(200.0, 300), ..Past::default() };
    let look = latency(known, |second| Some(steady(500.0, second)));
    assert!(
        matches!(&look, Look::Failed(why) if why.starts_with("worse than before the incident: p95 505 ms, usually 205 ms · median 205 → 505")),
        "{look:?}"
    );
}

#[test]
fn what_was_seen_now_and_then_only_does_not_pass() {
    let look = latency(Past::default(), |second| (second % 8 < 3).then(|| steady(200.0, second)));
    assert!(matches!(&look, Look::NoData(why) if why.contains("had data for only")), "{look:?}");
}

/// A watch over a minute of one probe that is asked every second, and says this.
fn each_second(past: Past, verdict: impl Fn(u64) -> Verdict) -> Look {
    let probe = Probe { interval: SignedDuration::from_secs(1), ..probe("api") };
    let mut vigil = Vigil::new(at(60), at(0), vec![probe]);
    vigil.compare_with(vec![past]);
    for second in 1..60 {
        vigil.observe(at(second), 0, sample(second, verdict(second)));
        let look = vigil.look(at(second));
        assert!(matches!(look, Look::Going(_)), "{look:?}");
    }
    vigil.look(at(60))
}

#[test]
fn what_fails_now_and_then_passes_only_where_it_always_did() {
    let now_and_then = |second: u64| if second.is_multiple_of(11) { Verdict::Bad } else { Verdict::Good };
    let times = |every: u64| {
        past(200.0, 360)
            .into_iter()
            .enumerate()
            .filter_map(move |(place, (at, _))| (place as u64).is_multiple_of(every).then_some(at))
    };
    let known =
        |faults: Vec<Timestamp>| Past { before: past(200.0, 360), faults: Some(faults), ..Past::default() };
    let look = each_second(known(Vec::new()), now_and_then);
    let why = "worse than before the incident: api failed 5 of 59 checks, before 0 of 360";
    assert_eq!(look, Look::Failed(why.to_owned()));
    let look = each_second(known(times(11).collect()), now_and_then);
    assert!(
        matches!(&look, Look::Passed(told) if told.contains("5 of 59 samples failed (8.5 %, usually 9.2 %)")),
        "{look:?}"
    );
    // Nobody knows how it was.
    for unknown in [Past::default(), Past { before: past(200.0, 360), ..Past::default() }] {
        let look = each_second(unknown, now_and_then);
        let why = "api failed 5 of 59 checks, and how many are usual is not known";
        assert_eq!(look, Look::NoData(why.to_owned()));
    }
}

#[test]
fn samples_that_say_nothing_are_no_successes_and_cover_nothing() {
    let silent = |every: u64| {
        move |second: u64| if second.is_multiple_of(every) { Verdict::NoData } else { Verdict::Good }
    };
    let look = each_second(Past::default(), silent(11));
    assert_eq!(look, Look::NoData("api had data for only 92 % of the time".to_owned()));
    let look = each_second(Past::default(), silent(40));
    assert!(
        matches!(&look, Look::Passed(told) if told.contains(" · 0 of 58 samples failed (< 5.2 %) · coverage 98 %")),
        "{look:?}"
    );
    // Of what failed in the incident nothing may be missing.
    let look = each_second(Past { fired: true, ..Past::default() }, silent(40));
    let why = "api failed in this incident, and 1 of its 59 checks had no data";
    assert_eq!(look, Look::NoData(why.to_owned()));
    assert!(matches!(
        each_second(Past { fired: true, ..Past::default() }, |_| Verdict::Good),
        Look::Passed(_)
    ));
}

#[test]
fn what_should_be_known_and_is_not_is_said() {
    let watch = |counts_users: bool, recalled: Option<Vec<Point>>| {
        let mut probe = Probe { value: Some("body.orders".to_owned()), ..probe("orders") };
        probe.interval = SignedDuration::from_secs(1);
        probe.covers.extend(counts_users.then_some(types::Point::Activity));
        let mut vigil = Vigil::new(at(60), at(0), vec![probe]);
        vigil.compare_with(vec![Past::default()]);
        vigil.expect(Named::new("v1.4.3", "4f2c91e0", ["1.4.3"]), Vec::new());
        if let Some(before) = recalled {
            vigil.recall("orders", before, Vec::new());
        }
        for second in 1..60 {
            let value = Some(steady(200.0, second));
            vigil.observe(at(second), 0, Sample { value, ..sample(second, Verdict::Good) });
        }
        vigil.look(at(60))
    };
    let told = |look| match look {
        Look::Passed(told) => told,
        look => panic!("{look:?}"),
    };
    let most = told(watch(false, None));
    assert!(most.ends_with(" · coverage 100 % · not known: version, traffic, baseline"), "{most}");
    let users = "orders counts users, and its level before the incident is not known";
    assert_eq!(watch(true, None), Look::NoData(users.to_owned()));
    // What its source remembers is as good as what was seen here.
    let filled = told(watch(true, Some(past(200.0, 60))));
    assert!(filled.ends_with(" · traffic 100 % · coverage 100 % · not known: version"), "{filled}");
}

#[test]
fn what_answers_has_to_be_what_was_deployed() {
    let watch = |named: &[&str]| {
        let mut vigil = Vigil::new(at(60), at(0), vec![probe("api")]);
        let old = Named::new("v1.4.2", "77b0d13f", ["v1.4.2"]);
        vigil.expect(Named::new("v1.4.3", "4f2c91e0", ["v1.4.3"]), vec![old]);
        let versions: Vec<_> = named.iter().map(|&name| name.to_owned()).collect();
        for second in (10..=60).step_by(10) {
            let versions = versions.clone();
            vigil.observe(at(second), 0, Sample { versions, ..sample(second, Verdict::Good) });
        }
        vigil.look(at(60))
    };
    assert_eq!(watch(&["1.4.2", "1"]), Look::NoData("v1.4.2 still answers, not v1.4.3".to_owned()));
    let other = "1.4.1 answers, which is no release on record, not v1.4.3";
    assert_eq!(watch(&["1.4.1"]), Look::NoData(other.to_owned()));
    assert!(
        matches!(watch(&["1.4.3", "1"]), Look::Passed(told) if told.contains(" · v1.4.3 on 6 of 6 answers · "))
    );
}
