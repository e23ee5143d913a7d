use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag};
use uuid::Uuid;

use super::super::blocks::{Block, parse, plain};
use super::super::chains;
use super::*;
use crate::config::types::THIRD_PARTY;
use crate::incident::{
    Alarm, Amended, Author, Body, CauseDescribed, CheckState, Declared, Draft, Hash, Hlc, ImpactDescribed,
    IncidentId, Log, NoteKind, Noted, Outcome, Pinned, PlanEnd, PlanEnded, PlanStarted, Precision, Record,
    RecordId, ReleaseJudged, Released, RepositoryId, Resolved, Retracted, RoleTaken, Severity, StepEnded,
    StepSkipped, StepStarted, Ticked, WatchVerdict,
};
use crate::text::markdown::tests::{dialects, hostile};

/// Writes a record a minute, or when it is told to, and folds them.
struct Story {
    records: Vec<Record>,
    author: String,
    /// Milliseconds since the first record, of the next one.
    clock: i64,
    /// How long until the one after that.
    pace: i64,
    /// Whether it is a drill.
    drill: bool,
}

fn declared(title: &str) -> Declared {
    Declared {
        number: "INC-2026-0007".into(),
        title: title.into(),
        service: "payments-api".into(),
        repository: "/srv/payments-api/.git".into(),
        ..Declared::example()
    }
}

impl Story {
    fn of(title: &str) -> Self {
        let mut story =
            Self { records: Vec::new(), author: "maya".into(), clock: 0, pace: 60_000, drill: false };
        story.tell(declared(title));
        story
    }

    /// Goes on at this time of the day, for this author; what is told then is told at once.
    fn at(&mut self, time: &str, author: &str) -> &mut Self {
        let time: Timestamp = format!("2026-09-21T{time}Z").parse().unwrap();
        (self.clock, self.pace) = (time.as_millisecond() - 1_790_000_000_000, 1);
        self.author = author.into();
        self
    }

    fn tell(&mut self, body: impl Into<Body>) -> RecordId {
        self.tell_of(None, body)
    }

    fn tell_of(&mut self, occurred: Option<(Timestamp, Precision)>, body: impl Into<Body>) -> RecordId {
        let n = self.records.len();
        let id = RecordId(Uuid::from_u128(n as u128 + 1));
        let draft = Draft { occurred, ..Draft::now(IncidentId(Uuid::from_u128(7)), body) };
        let at = Hlc { wall_ms: 1_790_000_000_000 + self.clock, count: 0 };
        self.clock += self.pace;
        let author = Author { name: self.author.clone(), node: 1 };
        let prev = self.records.last().map_or_else(Hash::default, |record| record.hash);
        self.records.push(Record::seal(id, draft, author, at, prev).unwrap().0);
        id
    }

    fn state(&self) -> State {
        Log::new(self.records.clone()).unwrap().state().clone()
    }

    fn end(&self) -> Timestamp {
        self.records.last().unwrap().at.timestamp()
    }

    fn report(&self) -> String {
        self.report_at(self.end())
    }

    fn report_at(&self, now: Timestamp) -> String {
        let policy = Policy::built_in();
        let probe = |name: &str, environment: &str| {
            let text =
                format!("name = \"{name}\"\nenvironment = \"{environment}\"\nurl = \"http://localhost\"");
            toml::from_str::<Probe>(&text).unwrap()
        };
        let probes = ["api /health", "error rate", "p95 latency", "orders paid", "db connections"];
        let probes = probes.into_iter().map(|name| probe(name, "production"));
        let others = [probe("payment provider", THIRD_PARTY), probe("staging errors", "staging")];
        let probes: Vec<Probe> = probes.chain(others).collect();
        let setting =
            Setting { policy: &policy, checklist: &policy.checklist, probes: &probes, drill: self.drill };
        markdown_at(&self.state(), setting, now)
    }
}

/// The rows of the table under a heading, as plain text.
fn rows_under(report: &str, heading: &str) -> Vec<Vec<String>> {
    let blocks = parse(report);
    let mut under = blocks
        .iter()
        .skip_while(|block| !matches!(block, Block::Heading { text, .. } if plain(text) == heading))
        .skip(1);
    match under.find(|block| !matches!(block, Block::Paragraph { .. })) {
        Some(Block::Table { rows, .. }) => {
            rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect()
        }
        other => panic!("no table under {heading}: {other:?}"),
    }
}

fn items_under(report: &str, heading: &str) -> Vec<String> {
    parse(report)
        .iter()
        .skip_while(|block| !matches!(block, Block::Heading { text, .. } if plain(text) == heading))
        .skip(1)
        .take_while(|block| !matches!(block, Block::Heading { .. }))
        .filter_map(|block| match block {
            Block::Item { text, .. } => Some(plain(text)),
            _ => None,
        })
        .collect()
}

/// The text under a heading, up to the next one.
fn text_under<'a>(report: &'a str, heading: &str) -> &'a str {
    let (_, under) =
        report.split_once(&format!("\n## {heading}\n\n")).unwrap_or_else(|| panic!("no {heading}"));
    under.split("\n## ").next().unwrap_or(under).trim_end()
}

fn whole_story() -> Story {
    let mut story = Story::of("Checkout answers 500");
    story.tell(RoleTaken { role: "commander".into(), person: "maya".into() });
    story.tell(ImpactDescribed { text: "nobody can pay".into() });
    let finding = story.tell(Noted { kind: NoteKind::Finding, text: "pool exhausted".into() });
    story.tell(Amended { target: finding, text: "pool exhausted, 100 of 100 used".into() });
    let wrong = story.tell(Noted { kind: NoteKind::Note, text: "it is the database".into() });
    story.tell(Retracted { target: wrong, reason: "it was not".into() });
    let problem = story.tell(Noted { kind: NoteKind::Problem, text: "the runbook is out of date".into() });
    story.tell(Pinned { target: problem, pinned: true });
    story.tell(Alarm {
        probe: "api /health".into(),
        from: "ok".into(),
        to: "failing".into(),
        why: "500 in 2.1 s".into(),
    });
    let first = &Policy::built_in().checklist[0];
    story.tell(Ticked {
        item: first.id.clone(),
        title: first.title.clone(),
        state: CheckState::Failed,
        note: "card refund 502".into(),
    });
    story.tell(PlanStarted {
        plan: "deploy-staging-1".into(),
        title: "deploy hotfix/pool-limit to staging".into(),
        purpose: "deploy".into(),
        target: "staging".into(),
        hash: String::new(),
        steps: vec!["./deploy.sh hotfix/pool-limit staging".into()],
        confirmed: "enter".into(),
        spec: crate::incident::Spec::default(),
    });
    story.tell(StepStarted {
        plan: "deploy-staging-1".into(),
        step: 0,
        run: "deploy-staging-1.0".into(),
        process: None,
        undo: false,
    });
    story.tell(StepEnded {
        plan: "deploy-staging-1".into(),
        step: 0,
        run: "deploy-staging-1.0".into(),
        outcome: Outcome::Unknown { why: "lost at reboot".into() },
        summary: "pushing image".into(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    });
    story.tell(PlanEnded {
        plan: "deploy-staging-1".into(),
        end: PlanEnd::Unknown,
        why: "the conductor is gone".into(),
    });
    story
}

#[test]
fn the_log_shows_what_was_amended_taken_back_and_pinned() {
    let report = whole_story().report();
    let rows = rows_under(&report, "Log");
    let says = |words: &str| rows.iter().any(|row| row[3].contains(words));
    assert!(says("pool exhausted, 100 of 100 used (amended; first: pool exhausted)"), "{rows:?}");
    assert!(says("it is the database (retracted: it was not)"), "{rows:?}");
    assert!(report.contains("~~it is the database~~"));
    assert!(says("★ the runbook is out of date"), "{rows:?}");
    // Nobody said what a probe saw, here as in the timeline.
    let seen = rows.iter().find(|row| row[3].contains("api /health failing")).unwrap();
    assert_eq!(seen[1], "–");
    assert!(rows.iter().all(|row| row[0].starts_with("2026-09-21 14:")));
    // People read what holds.
    let timeline = text_under(&report, "Timeline");
    assert!(timeline.contains("Finding: ~~pool exhausted~~ pool exhausted, 100 of 100 used |"), "{timeline}");
    assert!(!timeline.contains("it is the database"), "{timeline}");
    assert!(timeline.contains("★ Problem: the runbook is out of date"), "{timeline}");
}

#[test]
fn runs_and_follow_ups_say_what_is_not_known() {
    let report = whole_story().report();
    let rows = rows_under(&report, "Plans and their steps");
    assert_eq!(rows[0][1], "deploy hotfix/pool-limit to staging");
    assert_eq!(rows[0][2], "unknown: the conductor is gone");
    assert_eq!(rows[1][2], "unknown: lost at reboot");
    assert_eq!(rows[1][3], "1m");
    let open = items_under(&report, "Still to do");
    let has = |words: &str| open.iter().any(|line| line.contains(words));
    assert!(has("Find out what became of: deploy hotfix/pool-limit to staging"), "{open:?}");
    let planned = rows_under(&report, "Prevention");
    assert_eq!(planned[0][0], "The runbook is out of date");
    assert_eq!(planned[0][3], "nobody has it yet; noted by maya at 14:20");
    assert!(has("card refund 502"), "{open:?}");
    assert!(!has("it is the database"), "{open:?}");
    let badly = items_under(&report, "What could have gone better");
    assert!(
        badly[0].starts_with("It is not on record yet that on-call was paged"),
        "nobody was paged: {badly:?}"
    );
    assert_eq!(items_under(&report, "Still to be written").len(), 1, "only the cause is missing: {report}");
}

#[test]
fn what_is_missing_is_marked_in_one_place_until_it_is_there() {
    let mut story = Story::of("x");
    let report = story.report();
    assert!(report.contains("## Root cause\n\nNot written down yet.\n"));
    assert!(report.contains("## Impact\n\nNot written down yet.\n"));
    let missing = items_under(&report, "Still to be written");
    assert_eq!(missing.len(), 3, "{missing:?}");
    assert!(!report.to_lowercase().contains("missing"), "{report}");
    story.tell(CauseDescribed { text: "the pool was\ntoo small".into() });
    story.tell(ImpactDescribed { text: "everybody".into() });
    story.tell(RoleTaken { role: "commander".into(), person: "maya".into() });
    assert!(story.report().contains("## Root cause\n\nThe pool was\\\ntoo small.\n"));
    assert!(!story.report().contains("## Still to be written"));
    story.tell(Resolved::default());
    let missing = items_under(&story.report(), "Still to be written");
    assert!(missing[0].starts_with("When users were served again"), "{missing:?}");
}

#[test]
fn a_resolved_incident_asks_for_its_review_and_for_what_nobody_looked_at() {
    let mut story = whole_story();
    story.tell(Resolved::default());
    let open = items_under(&story.report(), "Still to do");
    assert!(open.contains(&"Post-incident review: due 2026-09-22 14:28 UTC".to_owned()), "{open:?}");
    let untouched: Vec<_> = open.iter().filter(|line| line.contains("nobody looked at")).collect();
    assert_eq!(untouched.len(), 1, "one line for all of them: {open:?}");
}

#[test]
fn the_head_of_the_record_is_printed() {
    let story = whole_story();
    let state = story.state();
    let report = story.report();
    assert!(report.contains(&format!("`{}`", state.head)));
    assert!(report.contains(&format!("from {} records", story.records.len())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_text_adds_nothing_to_the_document(text in hostile()) {
        let shape = |text: &str, author: &str| {
            let mut story = Story::of(text);
            story.author = author.to_owned();
            story.tell(RoleTaken { role: format!("x{text}"), person: format!("x{text}") });
            story.tell(ImpactDescribed { text: format!("x {text}") });
            story.tell(CauseDescribed { text: format!("x {text}") });
            let id = story.tell(Noted { kind: NoteKind::Problem, text: text.into() });
            story.tell(Amended { target: id, text: format!("x{text}") });
            let id = story.tell(Noted { kind: NoteKind::Note, text: format!("x{text}") });
            story.tell(Retracted { target: id, reason: text.into() });
            story.tell(Ticked { item: text.into(), title: text.into(), state: CheckState::Failed, note: text.into() });
            story.tell(PlanStarted {
                plan: "p".into(), title: text.into(), purpose: text.into(), target: text.into(),
                hash: text.into(), steps: vec![text.into()], confirmed: text.into(), spec: crate::incident::Spec::default(),
            });
            story.tell(StepStarted { plan: "p".into(), step: 0, run: "p.0".into(), process: None, undo: false });
            story.tell(StepEnded {
                plan: "p".into(), step: 0, run: "p.0".into(), summary: text.into(), survivors: vec![text.into()], unproven: false,
                tail: vec![text.into()],
                outcome: Outcome::DidNotStart { why: text.into() },
            });
            story.tell(PlanEnded { plan: "p".into(), end: PlanEnd::Failed, why: text.into() });
            let report = story.report();
            dialects().map(|options| outline(&report, options))
        };
        let (seen, wanted) = (shape(&text, &text), shape("word", "word"));
        let differs = seen.iter().zip(&wanted).flat_map(|(a, b)| a.iter().zip(b)).find(|(a, b)| a != b);
        prop_assert!(differs.is_none(), "{differs:?}");
        prop_assert_eq!(seen.map(|outline| outline.len()), wanted.map(|outline| outline.len()));
    }
}

/// The structure of a document without its text, paragraphs and the code that breaks mentions.
fn outline(markdown: &str, options: pulldown_cmark::Options) -> Vec<String> {
    Parser::new_ext(markdown, options)
        .filter_map(|event| match event {
            Event::Start(Tag::Paragraph)
            | Event::End(_)
            | Event::Text(_)
            | Event::SoftBreak
            | Event::HardBreak => None,
            Event::Code(text) if text.chars().all(|c| "@#!-".contains(c)) => None,
            Event::Code(text) if Hash::parse(&text).is_some() => None,
            other => Some(format!("{other:?}")),
        })
        .collect()
}

#[test]
fn decisions_about_plans_and_releases_read_well() {
    let mut story = Story::of("Checkout answers 500");
    let started = |story: &mut Story, step: usize, run: &str, undo: bool| {
        story.tell(StepStarted { plan: "d".into(), step, run: run.into(), process: None, undo });
    };
    let ended = |story: &mut Story, step: usize, run: &str, outcome: Outcome| {
        let (summary, survivors) = (String::new(), Vec::new());
        story.tell(StepEnded {
            plan: "d".into(),
            step,
            run: run.into(),
            outcome,
            summary,
            survivors,
            unproven: false,
            tail: Vec::new(),
        });
    };
    story.tell(PlanStarted {
        plan: "d".into(),
        title: "deploy v1.2.4".into(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec!["switch".into(), "warm up".into(), "tidy".into()],
        confirmed: String::new(),
        spec: crate::incident::Spec::default(),
    });
    started(&mut story, 0, "d.0", false);
    ended(&mut story, 0, "d.0", Outcome::Exited { code: 2 });
    started(&mut story, 0, "d.0.1", false);
    ended(&mut story, 0, "d.0.1", Outcome::Exited { code: 0 });
    story.tell(StepSkipped { plan: "d".into(), step: 1, by: "omar".into(), reason: "warm *already*".into() });
    let commit = "77b0d13".repeat(6);
    story.tell(Released {
        environment: "production".into(),
        reference: "main".into(),
        commit: commit.clone(),
        tag: Some("v1.2.4".into()),
        version: None,
        plan: "d".into(),
        rollback: false,
        replaces: None,
    });
    story.tell(ReleaseJudged {
        environment: "production".into(),
        commit,
        plan: "d".into(),
        verdict: WatchVerdict::Failed,
        why: "error rate is 6 %".into(),
    });
    started(&mut story, 0, "d.0.u1", true);
    ended(&mut story, 0, "d.0.u1", Outcome::Exited { code: 0 });
    let report = story.report();
    let rows = rows_under(&report, "Plans and their steps");
    let outcome = |row: usize| rows[row][2].as_str();
    assert!(outcome(1).starts_with("before, "), "{rows:?}");
    assert!(outcome(1).contains("failed, exit code 2; done; undone "), "{rows:?}");
    assert!(outcome(2).starts_with("skipped by omar"), "{rows:?}");
    assert!(outcome(2).ends_with(": warm *already*"), "{rows:?}");
    assert_eq!(outcome(3), "not started");
    let releases = rows_under(&report, "Releases");
    assert_eq!(releases[0][1..4], ["production", "v1.2.4", "77b0d13"]);
    assert!(releases[0][5].starts_with("✗ failed: error rate is 6 %"), "{releases:?}");
}

#[test]
fn the_chains_of_a_report_are_read_back_whoever_wrote_them() {
    let mut story = Story::of("### Record");
    for author in ["omar | 3 | `x`", "\n### Record\n| a | `0` | 1 | `0` |", "李"] {
        story.author = author.into();
        story
            .tell(Noted { kind: NoteKind::Note, text: "\n### Record\n\nnothing | of | the | kind |".into() });
    }
    let state = story.state();
    let read = chains::read(&story.report()).unwrap();
    assert_eq!((read.incident, read.ends.len()), (state.id, 4));
    for (author, (records, head)) in &state.chains {
        assert!(read.ends.contains(&(author.node, *records as i64, *head)), "{author:?}");
    }
    // So are those of reports that were kept before the record was an appendix.
    let (_, record) =
        story.report().rsplit_once("\n### Record\n").map(|(a, b)| (a.len(), b.to_owned())).unwrap();
    assert_eq!(chains::read(&format!("# INC\n\n## Record\n{record}")), Some(read));
}

mod evidence;
mod facts;
mod forwarded;
mod outages;
mod stories;
