//! Models for the tests of drawing, and pictures of what was drawn.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::{Buffer, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use uuid::Uuid;

use super::theme::Theme;
use super::{Regions, draw};
use crate::cockpit::model::{ConfigSource, Glyphs, Looks, Model, Output};
use crate::cockpit::{Keymap, Msg, Pane, update};
use crate::config::types::Environment;
use crate::health::series::{Sample, State, Status, Verdict};
use crate::hotfix::state::{BranchState, ChangeSize, Commit, DirtyFile, Head, Upstream};
use crate::incident::{
    Alarm, Amended, Author, Body, CheckState, Declared, Draft, Hash, Hlc, IncidentId, Log, NoteKind, Noted,
    Outcome, Paged, Phase, PhaseEntered, Pinned, PlanEnd, PlanEnded, PlanStarted, Precision, Record,
    RecordId, Retracted, RoleTaken, StepEnded, StepStarted, Ticked,
};

/// The moment that tests happen at.
pub(super) fn now() -> Timestamp {
    "2026-03-01T15:17:16Z".parse().unwrap()
}

pub(super) fn at(time: &str) -> Timestamp {
    format!("2026-03-01T{time}Z").parse().unwrap()
}

/// Writes records as several people would.
pub(super) struct Scribe {
    incident: IncidentId,
    records: Vec<Record>,
}

impl Scribe {
    pub(super) fn new() -> Self {
        Self { incident: IncidentId(Uuid::from_u128(7)), records: Vec::new() }
    }

    pub(super) fn write(&mut self, by: &str, time: Timestamp, body: impl Into<Body>) -> RecordId {
        self.write_as(by, time, None, body)
    }

    pub(super) fn write_as(
        &mut self,
        by: &str,
        time: Timestamp,
        occurred: Option<(Timestamp, Precision)>,
        body: impl Into<Body>,
    ) -> RecordId {
        let count = u32::try_from(self.records.len()).unwrap();
        let id = RecordId(Uuid::from_u128(u128::from(count) + 100));
        let draft = Draft { occurred, ..Draft::now(self.incident, body) };
        let clock = Hlc { wall_ms: time.as_millisecond(), count };
        let author = Author { name: by.to_owned(), node: 1 };
        let (record, _) = Record::seal(id, draft, author, clock, Hash([0; 32])).unwrap();
        self.records.push(record);
        id
    }

    pub(super) fn declare(&mut self, title: &str) {
        let declared = Declared {
            number: "INC-2026-0007".into(),
            title: title.into(),
            service: "payments-api".into(),
            impact: "nobody can pay".into(),
            repository: "/srv/payments-api/.git".into(),
            ..Declared::example()
        };
        let began = Some((at("14:30:04"), Precision::About));
        self.write_as("maya", at("14:31:10"), began, declared);
    }

    pub(super) fn note(&mut self, by: &str, time: &str, kind: NoteKind, text: &str) -> RecordId {
        self.write(by, at(time), Noted { kind, text: text.into() })
    }

    pub(super) fn log(self) -> Log {
        Log::new(self.records).unwrap()
    }
}

/// A model with nothing in it: the start screen.
pub(super) fn blank() -> Model {
    let looks = Looks {
        theme: "dark".into(),
        themes: Theme::built_in_names().map(str::to_owned).collect(),
        zone: TimeZone::UTC,
        local: TimeZone::UTC,
        guide: true,
        alerts: true,
        glyphs: Glyphs::default(),
    };
    let mut model = Model::new(now(), "maya".into(), Keymap::default(), looks);
    model.size = (120, 36);
    model.config.found = vec!["Cargo".into(), "deploy.sh".into()];
    settle(&mut model);
    model
}

/// Lets the core work out what follows from a model.
pub(super) fn settle(model: &mut Model) {
    let now = model.now;
    let _ = update(model, Msg::Tick(now));
}

/// The incident of the design's pictures.
pub(super) fn incident() -> Model {
    let mut model = blank();
    model.log = Some(records().log());
    model.branch = Some(Ok(branch()));
    model.probes = probes();
    model.focus = Pane::Timeline;
    settle(&mut model);
    let run = "deploy-staging-2.0".to_owned();
    let mut terminal = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
    terminal.process(
        b"$ ./deploy.sh hotfix/pool-limit staging\r\nbuilding payments-api:77b0d13\r\n\
          \x1b[32mtests 412 passed\x1b[0m\r\npushing image payments-api:77b0d13 ... layer 4/7\r\n",
    );
    model.output = Some(Output { run, terminal, last: now(), jobs: Vec::new() });
    model
}

/// A cockpit on these records, with a production whose probes are as the pictures have them.
pub(super) fn cockpit(scribe: Scribe) -> Model {
    let mut model = blank();
    let production =
        Environment { protected: true, ..Environment::new("production", vec!["./deploy.sh".into()]) };
    model.config.config.environments = vec![production];
    model.config.source = ConfigSource::Trusted;
    model.log = Some(scribe.log());
    model.branch = Some(Ok(branch()));
    model.probes = probes();
    settle(&mut model);
    model
}

pub(super) fn records() -> Scribe {
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    for (phase, time) in
        [(Phase::Assemble, "14:33:00"), (Phase::Respond, "14:36:00"), (Phase::Develop, "15:00:10")]
    {
        scribe.write("maya", at(time), PhaseEntered { phase });
    }
    for (role, person) in [("commander", "maya"), ("lead", "omar"), ("on-call", "li")] {
        scribe.write("maya", at("14:33:20"), RoleTaken { role: role.into(), person: person.into() });
    }
    let alarm = |from: &str, to: &str, why: &str| Alarm {
        probe: "api /health".into(),
        from: from.into(),
        to: to.into(),
        why: why.into(),
    };
    scribe.write("maya", at("14:31:30"), alarm("ok", "failing", "500 in 2.1 s, expected 200"));
    scribe.write("maya", at("14:33:52"), Paged { who: "li".into(), how: "on-call".into() });
    let pinned = scribe.note("omar", "14:36:20", NoteKind::Decision, "no rollback, schema moved on");
    scribe.write("maya", at("14:36:40"), Pinned { target: pinned, pinned: true });
    scribe.note("maya", "14:41:00", NoteKind::Action, "flag new-checkout turned off");
    let wrong = scribe.note("li", "14:43:10", NoteKind::Finding, "disk full on db-2");
    scribe.write("li", at("14:44:00"), Retracted { target: wrong, reason: "wrong host".into() });
    let early = Some((at("14:29:00"), Precision::Before));
    let noted = Noted { kind: NoteKind::Finding, text: "pool at 96 of 100".into() };
    let amended = scribe.write_as("li", at("14:45:31"), early, noted);
    scribe.write(
        "li",
        at("14:46:00"),
        Amended { target: amended, text: "pool exhausted, 100 of 100 used".into() },
    );
    for (item, title, state, note, by, time) in [
        ("core", "core user workflow", CheckState::Passed, "", "li", "15:02:00"),
        ("auth", "authentication and authorization", CheckState::Passed, "", "maya", "15:03:00"),
        ("payments", "payment processing", CheckState::Failed, "card refund 502", "omar", "15:05:00"),
        ("mobile", "mobile app", CheckState::Na, "there is none", "maya", "15:01:00"),
    ] {
        let tick = Ticked { item: item.into(), title: title.into(), state, note: note.into() };
        scribe.write(by, at(time), tick);
    }
    plan(&mut scribe, "test-1", "run check unit", "test", "unit", ("15:08:36", Some(("15:09:44", 0))));
    plan(
        &mut scribe,
        "deploy-staging-1",
        "deploy main to staging",
        "deploy",
        "staging",
        ("15:11:00", Some(("15:11:09", 2))),
    );
    plan(
        &mut scribe,
        "deploy-staging-2",
        "deploy hotfix/pool-limit to staging",
        "deploy",
        "staging",
        ("15:17:02", None),
    );
    scribe
}

fn plan(
    scribe: &mut Scribe,
    id: &str,
    title: &str,
    purpose: &str,
    target: &str,
    times: (&str, Option<(&str, i32)>),
) {
    let run = format!("{id}.0");
    scribe.write(
        "maya",
        at(times.0),
        PlanStarted {
            plan: id.into(),
            title: title.into(),
            purpose: purpose.into(),
            target: target.into(),
            hash: "0".repeat(64),
            steps: vec![title.into()],
            confirmed: "enter".into(),
            spec: crate::incident::Spec::default(),
        },
    );
    scribe.write(
        "maya",
        at(times.0),
        StepStarted { plan: id.into(), step: 0, run: run.clone(), process: None, undo: false },
    );
    if let Some((time, code)) = times.1 {
        let summary = if code == 0 { "412 passed" } else { "no such image" }.to_owned();
        let ended = StepEnded {
            plan: id.into(),
            step: 0,
            run,
            outcome: Outcome::Exited { code },
            summary,
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        scribe.write("maya", at(time), ended);
        let end = if code == 0 { PlanEnd::Done } else { PlanEnd::Failed };
        let why = if code == 0 { String::new() } else { format!("exit {code}") };
        scribe.write("maya", at(time), PlanEnded { plan: id.into(), end, why });
    }
}

pub(super) fn branch() -> BranchState {
    let commit = |id: &str, subject: &str, author: &str, minutes: i64| Commit {
        id: id.repeat(6).chars().take(40).collect(),
        subject: subject.into(),
        author: author.into(),
        at: now() - SignedDuration::from_mins(minutes),
    };
    let head = Head::Branch { name: "hotfix/pool-limit".into(), commit: "77b0d13".repeat(6) };
    BranchState {
        base: Some("main".into()),
        upstream: Some(Upstream {
            name: "origin/hotfix/pool-limit".into(),
            exists: true,
            ahead: 2,
            behind: 0,
        }),
        dirty: vec![DirtyFile { path: "src/pool.rs".into(), code: " M".into() }],
        dirty_count: 1,
        commits: vec![
            commit("77b0d13", "chore: bump version 1.2.4", "li", 4),
            commit("a91c2fe", "fix: raise pool limit", "li", 12),
        ],
        ahead: 2,
        size: ChangeSize { files: 3, insertions: 18, deletions: 4, tests_touched: true },
        last_tag: Some("v1.2.3".into()),
        version: Some("1.2.4".into()),
        hotfix_branches: vec!["hotfix/pool-limit".into()],
        deployable: vec!["hotfix/pool-limit".into(), "main".into()],
        ..BranchState::new("/srv/payments-api", head)
    }
}

/// Six probes with an hour of history, one failing since the fault began, one unknown.
pub(super) fn probes() -> Vec<Arc<Status>> {
    let probe = |name: &str,
                 state: State,
                 unit: &str,
                 limit: Option<(&str, f64)>,
                 shape: &dyn Fn(i64) -> Option<f64>| {
        let history: VecDeque<_> = (0..360)
            .map(|index| (now() - SignedDuration::from_secs(10 * (359 - index)), shape(index)))
            .collect();
        let value = history.back().and_then(|(_, value)| *value);
        let bad = matches!(state, State::Failing | State::Warn);
        Status {
            name: name.into(),
            environment: "production".into(),
            state,
            since: (state != State::Ok).then(|| at("14:31:00")),
            began_with: String::new(),
            last: (state != State::Unknown).then(|| Sample {
                at: now(),
                verdict: if bad { Verdict::Bad } else { Verdict::Good },
                value,
                headline: if bad { "500".into() } else { "200".into() },
                latency_ms: Some(212.0),
                why: if bad { format!("500 in 2.1 s, expected 200 ({name})") } else { String::new() },
                ..Sample::default()
            }),
            unit: unit.into(),
            limit: limit.map(|(text, _)| text.into()),
            range: limit.map_or_else(String::new, |(text, _)| text.replace('>', "max").replace('<', "min")),
            threshold: limit.map(|(_, value)| value),
            interval_s: 10.0,
            history,
            ..Status::default()
        }
    };
    let wave =
        |low: f64, high: f64| move |i: i64| Some(low + (high - low) * ((i as f64 / 17.0).sin() + 1.0) / 2.0);
    let probes = [
        probe("api /health", State::Failing, "ms", Some(("> 800", 800.0)), &|i| {
            if (120..140).contains(&i) {
                None
            } else {
                Some(if i < 84 { 180.0 } else { 1900.0 + (i % 7) as f64 * 40.0 })
            }
        }),
        probe("error rate", State::Warn, "%", Some(("> 5", 5.0)), &|i| {
            Some(if i < 84 { 0.3 } else { 30.0 + ((i * 13) % 17) as f64 / 2.0 })
        }),
        probe("p95 latency", State::Ok, "ms", Some(("> 800", 800.0)), &wave(150.0, 380.0)),
        probe("db connections", State::Ok, "", Some(("> 180", 180.0)), &wave(60.0, 96.0)),
        probe("cpu", State::Ok, "%", Some(("> 85", 85.0)), &wave(20.0, 41.0)),
        probe("orders/min", State::Unknown, "", Some(("< 5", 5.0)), &|_| None),
    ];
    probes.map(Arc::new).to_vec()
}

/// Draws a frame and returns its cells.
pub(super) fn frame(model: &Model, theme: &Theme, width: u16, height: u16) -> (Buffer, Regions) {
    let mut cells = Buffer::empty(Rect::new(0, 0, width, height));
    let regions = draw(&mut cells, model, theme);
    (cells, regions)
}

/// Draws as the program does: once to learn the heights, then with them.
pub(super) fn settled(model: &mut Model, theme: &Theme, width: u16, height: u16) -> Buffer {
    let (_, regions) = frame(model, theme, width, height);
    let shown = Msg::Shown {
        at_ms: 0,
        heights: regions.heights,
        overlay: regions.overlay,
        overlay_top: regions.overlay_top,
        chart: regions.chart,
    };
    let _ = update(model, shown);
    settle(model);
    frame(model, theme, width, height).0
}

/// The text of a frame.
pub(super) fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in buf.content.chunks(usize::from(buf.area.width)) {
        let mut line = String::new();
        let mut skip = 0;
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = cell.cell_width().saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The style of the first cell where a text is found.
pub(super) fn style_of(buf: &Buffer, wanted: &str) -> Style {
    let width = usize::from(buf.area.width);
    for row in buf.content.chunks(width) {
        for start in 0..width {
            let mut rest = wanted;
            for cell in &row[start..] {
                match rest.strip_prefix(cell.symbol()) {
                    Some("") => return row[start].style(),
                    Some(left) => rest = left,
                    None => break,
                }
            }
        }
    }
    panic!("{wanted:?} is not in\n{}", text(buf));
}

/// A frame as a terminal would be sent it, to be looked at.
pub(super) fn ansi(buf: &Buffer) -> String {
    use std::fmt::Write as _;
    let color = |color: Color, layer: u8| match color {
        Color::Rgb(r, g, b) => format!("\x1b[{layer}8;2;{r};{g};{b}m"),
        Color::Indexed(index) => format!("\x1b[{layer}8;5;{index}m"),
        Color::Reset => String::new(),
        named => format!(
            "\x1b[{layer}8;5;{}m",
            crate::tui::terminal::NAMED.iter().position(|known| *known == named).unwrap()
        ),
    };
    let mut out = String::from("\x1b[2J\x1b[H");
    for (y, row) in buf.content.chunks(usize::from(buf.area.width)).enumerate() {
        let _ = write!(out, "\x1b[{};1H", y + 1);
        for cell in row {
            out.push_str("\x1b[0m");
            out.push_str(&color(cell.fg, 3));
            out.push_str(&color(cell.bg, 4));
            for (modifier, code) in [
                (Modifier::BOLD, 1),
                (Modifier::ITALIC, 3),
                (Modifier::UNDERLINED, 4),
                (Modifier::REVERSED, 7),
                (Modifier::CROSSED_OUT, 9),
            ] {
                if cell.modifier.contains(modifier) {
                    let _ = write!(out, "\x1b[{code}m");
                }
            }
            out.push_str(cell.symbol());
        }
    }
    out
}
