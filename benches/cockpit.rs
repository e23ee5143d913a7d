//! What the cockpit costs with two thousand environments, checks, probes and items on the
//! checklist: a key, a sample, a second that passes, a frame, and the long menus.
//!
//! `cargo bench --bench cockpit`

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use divan::Bencher;
use flightdeck::cockpit::model::{ConfigSource, ConfigState, Glyphs, Looks};
use flightdeck::cockpit::msg::KeyPress;
use flightdeck::cockpit::{Effect, EffectId, Fact, Key, Keymap, Model, Msg, update};
use flightdeck::comms::draft::{self, Sight};
use flightdeck::comms::numbers::{self, Number};
use flightdeck::config::types::Config;
use flightdeck::deploy::pipeline::Job;
use flightdeck::health::compare::{Answer, Usual};
use flightdeck::health::series::{Sample, State, Status, Verdict};
use flightdeck::health::stretches::{Past, Seen};
use flightdeck::health::tracker::Tracker;
use flightdeck::hotfix::state::{BranchState, Head};
use flightdeck::incident::{
    Declared, Draft, MessageKind, NoteKind, Noted, PipelineSeen, PlanStarted, RemoteState, RepositoryId,
    Severity, StepStarted,
};
use flightdeck::journal::Journal;
use flightdeck::text::veil::{Private, Veil};
use flightdeck::tui::theme::Theme;
use flightdeck::tui::{Regions, draw};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const THINGS: usize = 2000;
/// Samples that each probe has.
const SAMPLES: i64 = 360;

fn main() {
    divan::main();
}

fn start() -> Timestamp {
    Timestamp::from_second(1_772_373_600).expect("a time of this century")
}

/// The cockpit on an open incident, on a hotfix branch with one commit.
struct Cockpit {
    model: Model,
    theme: Theme,
    cells: Buffer,
    at_ms: u64,
}

impl Cockpit {
    fn open() -> Self {
        Self::with(0)
    }

    /// With so many records of people, in whole thousands, one a second.
    fn with(records: usize) -> Self {
        let looks = Looks {
            theme: "dark".to_owned(),
            themes: vec!["dark".to_owned()],
            zone: TimeZone::UTC,
            local: TimeZone::UTC,
            guide: true,
            alerts: false,
            glyphs: Glyphs::default(),
        };
        let mut cockpit = Self {
            model: Model::new(start(), "maya".to_owned(), Keymap::default(), looks),
            theme: Theme::load("dark", None).expect("it is built in"),
            cells: Buffer::empty(Rect::new(0, 0, 160, 50)),
            at_ms: 0,
        };
        let directory = tempfile::tempdir().expect("there is room");
        let mut journal = Journal::open(directory.path(), "maya").expect("the directory is new");
        let declared = Declared {
            number: String::new(),
            title: "Checkout answers 500".to_owned(),
            severity: Severity::P0,
            service: "payments-api".to_owned(),
            impact: "nobody can pay".to_owned(),
            repository: "/srv/payments/.git".to_owned(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let incident = journal.declare(start(), None, declared).expect("the journal is new").incident;
        for batch in 0..records / 1000 {
            let now = start() + SignedDuration::from_secs(batch as i64 * 1000);
            let noted = |n: usize| {
                let kind = NoteKind::ALL[n % NoteKind::ALL.len()];
                Draft::now(incident, Noted { kind, text: format!("pool at {n} of 100, none answered") })
            };
            journal.append(now, (0..1000).map(noted).collect()).expect("there is room");
        }
        let (log, _) = journal.load(incident).expect("it is sound");
        let head = Head::Branch { name: "hotfix/pool".to_owned(), commit: "4f2c91e0".repeat(5) };
        let branch = BranchState {
            base: Some("main".to_owned()),
            ahead: 1,
            hotfix_branches: vec!["hotfix/pool".to_owned()],
            ..BranchState::new("/srv/payments", head)
        };
        let config = ConfigState { config: config(), source: ConfigSource::Trusted, found: Vec::new() };
        cockpit.told(Fact::Config(Box::new(config)));
        cockpit.told(Fact::Branch(Box::new(Ok(branch))));
        cockpit.told(Fact::Opened(Box::new(log)));
        cockpit.told(Fact::Health { probes: probes() });
        cockpit.draw();
        cockpit
    }

    fn told(&mut self, fact: Fact) -> Vec<(EffectId, Effect)> {
        update(&mut self.model, Msg::Fact(fact))
    }

    fn key(&mut self, key: &str) -> Vec<(EffectId, Effect)> {
        self.at_ms += 1000;
        let key = Key::parse(key).expect("a key");
        update(&mut self.model, Msg::Key(KeyPress::new(key, self.at_ms)))
    }

    fn draw(&mut self) -> Regions {
        self.cells.reset();
        let regions = draw(&mut self.cells, &self.model, &self.theme);
        let shown = Msg::Shown {
            at_ms: self.at_ms,
            heights: regions.heights,
            overlay: regions.overlay,
            overlay_top: regions.overlay_top,
            chart: regions.chart,
        };
        update(&mut self.model, shown);
        regions
    }
}

/// As somebody would write it, or make a program write it.
fn config() -> Config {
    let mut text = String::new();
    for n in 0..THINGS {
        let _ = write!(
            text,
            "[[environments]]\nname = \"env-{n:04}\"\ndeploy = [\"./deploy.sh\", \"{{ref}}\"]\nprotected = {}\n\
             [[checks]]\nname = \"check-{n:04}\"\ncommand = [\"./check.sh\", \"{n}\"]\n\
             [[checklist]]\nid = \"item-{n:04}\"\ntitle = \"item number {n}\"\n",
            n + 1 == THINGS
        );
    }
    toml::from_str(&text).expect("it is sound")
}

fn probes() -> Vec<Arc<Status>> {
    let probe = |n: usize| {
        let at = |sample: i64| start() - SignedDuration::from_secs(10 * (SAMPLES - sample));
        let history: VecDeque<_> = (0..SAMPLES).map(|sample| (at(sample), Some(sample as f64))).collect();
        let last = Sample {
            at: start(),
            verdict: Verdict::Good,
            value: Some(212.0),
            headline: "200".to_owned(),
            latency_ms: Some(212.0),
            why: String::new(),
            ..Sample::default()
        };
        Arc::new(Status {
            name: format!("probe-{n:04}"),
            environment: String::new(),
            state: State::Ok,
            since: None,
            last: Some(last),
            unit: "ms".to_owned(),
            range: String::new(),
            limit: None,
            threshold: None,
            interval_s: 10.0,
            history,
            ..Status::default()
        })
    };
    (0..THINGS).map(probe).collect()
}

/// To the last probe, up again, and a frame after each.
#[divan::bench]
fn two_keys_with_their_frames(bencher: Bencher<'_, '_>) {
    let mut cockpit = Cockpit::open();
    cockpit.key("2");
    bencher.bench_local(|| {
        cockpit.key("G");
        cockpit.draw();
        cockpit.key("g");
        cockpit.draw()
    });
}

/// The same on a shared screen, where fifty values are masked.
#[divan::bench]
fn two_keys_with_their_frames_while_presenting(bencher: Bencher<'_, '_>) {
    let mut cockpit = Cockpit::open();
    let words = (0..50).map(|n| format!("customer-{n} of example.com")).collect();
    let veil = Veil::new(&Private { words, ..Private::default() });
    cockpit.told(Fact::Veil(Arc::new(veil)));
    cockpit.model.present.on = true;
    cockpit.key("2");
    bencher.bench_local(|| {
        cockpit.key("G");
        cockpit.draw();
        cockpit.key("g");
        cockpit.draw()
    });
}

/// Keys that come in a burst are drawn once.
#[divan::bench]
fn three_thousand_keys(bencher: Bencher<'_, '_>) {
    let mut cockpit = Cockpit::open();
    cockpit.key("2");
    bencher.bench_local(|| {
        for _ in 0..3000 {
            cockpit.key("j");
        }
    });
}

#[divan::bench]
fn samples_with_their_frame(bencher: Bencher<'_, '_>) {
    let mut cockpit = Cockpit::open();
    let probes = probes();
    bencher.bench_local(|| {
        cockpit.told(Fact::Health { probes: probes.clone() });
        cockpit.draw()
    });
}

#[divan::bench]
fn a_second_with_its_frame(bencher: Bencher<'_, '_>) {
    let mut cockpit = Cockpit::open();
    let mut now = start();
    bencher.bench_local(|| {
        now += SignedDuration::from_secs(1);
        update(&mut cockpit.model, Msg::Tick(now));
        cockpit.draw()
    });
}

/// The output of a pipeline that is followed, with so many jobs, one of which goes on.
fn following(jobs: usize) -> Cockpit {
    let mut cockpit = Cockpit::open();
    let directory = tempfile::tempdir().expect("there is room");
    let mut journal = Journal::open(directory.path(), "maya").expect("the directory is new");
    let declared = Declared {
        title: "Checkout answers 500".to_owned(),
        severity: Severity::P0,
        service: "payments-api".to_owned(),
        number: String::new(),
        impact: String::new(),
        repository: "/srv/payments/.git".to_owned(),
        repository_id: RepositoryId::default(),
        answers: Vec::new(),
    };
    let incident = journal.declare(start(), None, declared).expect("the journal is new").incident;
    let (plan, run) = ("deploy-staging-1".to_owned(), "deploy-staging-1.0".to_owned());
    let started = PlanStarted {
        plan: plan.clone(),
        title: "deploy v1.4.3 to staging".to_owned(),
        purpose: "deploy".to_owned(),
        target: "staging".to_owned(),
        hash: String::new(),
        steps: vec!["deploy v1.4.3 to staging".to_owned()],
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    };
    let step = StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false };
    let seen = PipelineSeen {
        plan,
        step: 0,
        run,
        id: "30433642".to_owned(),
        name: "deploy.yml #562".to_owned(),
        url: String::new(),
        commit: String::new(),
        attempt: 1,
        state: RemoteState::Running,
        asks: false,
        note: String::new(),
        ids: Vec::new(),
    };
    let drafts = [Draft::now(incident, started), Draft::now(incident, step), Draft::now(incident, seen)];
    journal.append(start(), drafts.into()).expect("there is room");
    let (log, _) = journal.load(incident).expect("it is sound");
    cockpit.told(Fact::Opened(Box::new(log)));
    for key in ["5", "enter", "enter"] {
        cockpit.key(key);
        cockpit.draw();
    }
    let job = |n: usize| Job {
        id: n.to_string(),
        name: format!("test (eu-west-1, shard {n})"),
        stage: String::new(),
        state: if n + 1 == jobs { RemoteState::Running } else { RemoteState::Succeeded },
        started: Some(start()),
        ended: (n + 1 < jobs).then(|| start() + SignedDuration::from_secs(40)),
        may_fail: false,
        steps: Vec::new(),
    };
    let (follow, run) = cockpit.model.following.clone().expect("it is followed");
    cockpit.told(Fact::Jobs { follow, run, jobs: (0..jobs).map(job).collect() });
    cockpit.draw();
    let shown: String = cockpit.cells.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(shown.contains(&format!("shard {}", jobs - 1)), "what goes on is seen: {shown}");
    cockpit
}

/// A second that passes in front of a pipeline with three jobs, and with a thousand.
#[divan::bench(args = [3, 1000])]
fn a_second_of_a_pipeline_with_its_frame(bencher: Bencher<'_, '_>, jobs: usize) {
    let mut cockpit = following(jobs);
    let mut now = start();
    bencher.bench_local(|| {
        now += SignedDuration::from_secs(1);
        update(&mut cockpit.model, Msg::Tick(now));
        cockpit.draw()
    });
}

/// A day of a probe that is asked every second, as it is kept: what is recent, and the past.
fn a_day() -> Status {
    let value = |age: i64| 200.0 + (age as f64 / 900.0).sin() * 80.0 + (age * 7 % 11) as f64;
    let of = |age: i64| (start() - SignedDuration::from_secs(age), Some(value(age)));
    let recent = Status::MAX_HISTORY as i64;
    let mut status = Status {
        history: (0..recent).rev().map(of).collect(),
        interval_s: 1.0,
        limit: Some("> 300".to_owned()),
        range: "max 300".to_owned(),
        threshold: Some(300.0),
        ..Status::default()
    };
    let old = (recent..Past::REACH).rev().map(of);
    status.past.fold(old.map(|(at, value)| Seen::sample(at, value)), start());
    status
}

/// The update that is due, written from ten thousand records and the probes of production.
#[divan::bench]
fn a_message_from_ten_thousand_records(bencher: Bencher<'_, '_>) {
    let cockpit = Cockpit::with(10_000);
    let probes = probes();
    let state = cockpit.model.incident().expect("it is open");
    bencher.bench_local(|| {
        let all = probes.iter().take(200).map(|probe| Number::of(probe, Some(start())));
        let numbers = numbers::concerned(state, "", all);
        let sight = Sight {
            state,
            policy: &cockpit.model.policy,
            number: cockpit.model.number(),
            service: &state.service,
            numbers: &numbers,
            seen: flightdeck::incident::Seen::Failing,
            third_parties: &[],
            now: start() + SignedDuration::from_hours(3),
        };
        let draft = draft::draft(&sight, MessageKind::Update, "stakeholders", &[]);
        assert!(draft.problem.is_none() && draft.text.contains("Checkout answers 500"), "{}", draft.text);
        draft
    });
}

/// Each 200 columns wide, with limit and what was usual.
#[divan::bench]
fn twenty_charts_of_a_day(bencher: Bencher<'_, '_>) {
    const LABELS: u16 = 10;
    let mut cockpit = Cockpit::open();
    let day = a_day();
    cockpit.model.chart.span = Some(Past::REACH);
    let charted: Vec<Status> = probes()
        .iter()
        .take(20)
        .map(|probe| Status { name: probe.name.clone(), unit: probe.unit.clone(), ..day.clone() })
        .collect();
    for probe in &charted {
        let usual = Some(Usual { median: 205.0, quartiles: (190.0, 230.0) });
        let answer = Answer { probe: probe.name.clone(), compared: Vec::new(), usual };
        cockpit.model.compared.answers.insert(probe.name.clone(), answer);
    }
    let mut cells = Buffer::empty(Rect::new(0, 0, 200 + LABELS, 20 * 12));
    bencher.bench_local(|| {
        cells.reset();
        for (place, probe) in (0..).zip(&charted) {
            let area = Rect::new(0, 12 * place, 200 + LABELS, 12);
            flightdeck::tui::chart(&mut cells, area, &cockpit.model, &cockpit.theme, probe);
        }
    });
}

/// Deploys, tests and every command by name, each opened, drawn and left.
#[divan::bench(args = ["d", "t", ":"])]
fn a_menu(bencher: Bencher<'_, '_>, key: &str) {
    let mut cockpit = Cockpit::open();
    bencher.bench_local(|| {
        cockpit.key(key);
        cockpit.draw();
        cockpit.key("esc")
    });
}

/// A sample of each probe with a day of history, as the screen has it too, so that each is copied.
#[divan::bench]
fn a_sample_of_each_of_a_thousand_probes_with_a_day(bencher: Bencher<'_, '_>) {
    let of = |n: usize| format!("[[probes]]\nname = \"probe-{n}\"\nurl = \"http://x/\"\ninterval = \"1s\"\n");
    let config: Config = toml::from_str(&(0..1000).map(of).collect::<String>()).expect("it is sound");
    let mut tracker = Tracker::new(&config.probes);
    let day = a_day();
    let old = (36..Past::REACH / 20).rev().map(|n| (start() - SignedDuration::from_secs(20 * n), Some(1.0)));
    let old: Vec<_> = old.chain(day.history).collect();
    for probe in &config.probes {
        tracker.remember(&probe.name, &old, &[]);
    }
    let mut at = start();
    bencher.bench_local(|| {
        at += SignedDuration::from_secs(1);
        let shown = tracker.statuses().to_vec();
        for probe in 0..shown.len() {
            tracker
                .observe(probe, Sample { at, verdict: Verdict::Good, value: Some(1.0), ..Sample::default() });
        }
        shown
    });
}
