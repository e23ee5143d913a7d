//! Small histories, the order they come to, and why.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::incident::{History, Policy, Release, WatchVerdict};

fn began() -> Timestamp {
    "2026-03-01T14:30:00Z".parse().unwrap()
}

fn before(minutes: i64) -> Timestamp {
    began() - SignedDuration::from_mins(minutes)
}

fn id(name: &str) -> String {
    format!("{:0<40}", name.bytes().fold(String::new(), |id, byte| format!("{id}{byte:02x}")))
}

/// A commit so many minutes before the begin, touching these files.
fn change(name: &str, minutes: i64, subject: &str, files: &[&str]) -> Change {
    let files: Vec<Touched> = files
        .iter()
        .map(|text| {
            // `path word word`: words that stand in its changed lines.
            let mut words = text.split(' ');
            let path = words.next().unwrap().to_owned();
            Touched { path, lines: 4, words: words.map(str::to_owned).collect() }
        })
        .collect();
    Change {
        commit: Commit { id: id(name), subject: subject.into(), author: "Li".into(), at: before(minutes) },
        email: "li@example.test".into(),
        parents: 1,
        brought: Vec::new(),
        brought_count: 0,
        through: None,
        tags: Vec::new(),
        files_count: files.len(),
        insertions: 3 * files.len(),
        deletions: files.len(),
        files,
        cut: None,
        undoes: Vec::new(),
        live: None,
    }
}

fn clues() -> Clues {
    let mut clues = Clues { began: Some(began()), ..Clues::default() };
    let policy = Policy::built_in().suspects;
    clues.say("title", "Checkout answers 500", &policy);
    clues.say("finding", "connection pool exhausted, see src/db/pool.rs:41", &policy);
    clues
}

fn weighed(changes: Vec<Change>, hotfix: &[&str], events: &[Event]) -> Vec<Suspect> {
    let hotfix = hotfix.iter().map(|path| (*path).to_owned()).collect();
    let changes = Changes { changes, hotfix, ..Changes::default() };
    weigh(&changes, &clues(), events, &Policy::built_in())
}

/// The parts of a suspect as `schema +22`.
fn parts(suspect: &Suspect) -> Vec<String> {
    suspect.reasons.iter().map(|reason| format!("{} {:+}", reason.about.name(), reason.weight)).collect()
}

fn titles(suspects: &[Suspect]) -> Vec<&str> {
    suspects.iter().map(|suspect| suspect.title.as_str()).collect()
}

fn one(change: Change) -> Suspect {
    weighed(vec![change], &[], &[]).remove(0)
}

#[test]
fn each_reason_is_found_with_its_part_and_its_words() {
    let far = 5 * 24 * 60;
    for (files, part, said) in [
        ("migrations/0007_total.sql", "schema +22", "changes the database schema: migrations/0007_total.sql"),
        ("k8s/payments.yaml", "config +18", "changes configuration or infrastructure: k8s/payments.yaml"),
        ("api/openapi.yaml", "api +14", "changes an API definition: api/openapi.yaml"),
        ("web/package-lock.json", "dependencies +14", "changes dependencies: web/package-lock.json"),
        ("src/http.rs timeout", "limits +8", "may change a limit: “timeout” in src/http.rs"),
        ("docs/pay.md", "harmless -15", "touches nothing that runs in production"),
        (
            "app/checkout/view.py",
            "failing-path +20",
            "named like what fails: “checkout” (title) in app/checkout/view.py",
        ),
        (
            "app/cart.py checkout",
            "failing-lines +10",
            "changed lines mention what fails: “checkout” (title) in app/cart.py",
        ),
    ] {
        let suspect = one(change("a", far, "a change", &[files]));
        assert_eq!(parts(&suspect), [part], "{files}");
        assert_eq!(suspect.reasons[0].text, said);
        assert_eq!(suspect.score, suspect.reasons[0].weight);
    }
    let named = one(change("a", far, "a change", &["lib/src/db/pool.rs"]));
    assert_eq!(parts(&named), ["failing-path +40"], "its path, and two words in it");
    assert!(
        named.reasons[0]
            .text
            .starts_with("touches what the failure names: lib/src/db/pool.rs, named in: finding")
    );
    assert!(parts(&one(change("a", far, "a change", &["src/other.rs"]))).is_empty());
}

#[test]
fn what_does_not_run_comes_after_what_does_whatever_it_speaks_of() {
    let suspects = weighed(
        vec![
            change("a", 4, "Page on 500", &["flightdeck.toml checkout pool exhausted timeout"]),
            change("b", 5, "Describe checkout", &["docs/checkout.md checkout", "tests/checkout.py pool"]),
            change("c", 5 * 24 * 60, "Reword a log line", &["src/other.rs"]),
            change("d", 3, "Check the pool", &["flightdeck.toml pool", "src/late.rs"]),
        ],
        &["flightdeck.toml"],
        &[],
    );
    assert_eq!(titles(&suspects)[..2], ["Check the pool", "Reword a log line"]);
    for harmless in &suspects[2..] {
        assert_eq!(parts(harmless), ["harmless -15"]);
    }
}

#[test]
fn time_to_the_begin_counts_and_what_came_after_it_cannot_have_caused_it() {
    let at = |minutes| parts(&one(change("a", minutes, "a change", &["src/other.rs"])));
    assert_eq!(at(5), ["onset +20"]);
    assert_eq!(at(50), ["onset +15"]);
    assert_eq!(at(5 * 60), ["onset +10"]);
    assert_eq!(at(20 * 60), ["onset +5"]);
    assert!(at(3 * 24 * 60).is_empty());
    assert_eq!(at(-5), ["onset +20"], "nobody knows the begin that well");
    assert_eq!(at(-30), ["after -30"]);
    // An old commit that went live just then is new to production.
    let mut old = change("a", 9000, "a change", &["src/other.rs"]);
    old.live = Some(Live { commit: id("r"), name: "v1.2.3".into(), at: before(6) });
    let old = one(old);
    assert_eq!(parts(&old), ["onset +20"]);
    assert_eq!(old.reasons[0].text, "went live with v1.2.3 6m before it began");
}

#[test]
fn the_change_with_most_to_be_said_about_is_looked_at_first() {
    let history = vec![
        change("a", 3000, "Reword the guide", &["docs/guide.md"]),
        change("b", 2900, "Add a total to orders", &["migrations/0007_total.sql", "src/orders.rs"]),
        change("c", 40, "Lower the pool to 10", &["config/pool.toml limit", "src/db/pool.rs pool"]),
        change("d", 30, "Update serde", &["Cargo.lock"]),
        change("e", 20, "Rename a button", &["web/button.tsx"]),
    ];
    let suspects = weighed(history, &[], &[]);
    assert_eq!(
        titles(&suspects),
        [
            "Lower the pool to 10",
            "Update serde",
            "Add a total to orders",
            "Rename a button",
            "Reword the guide",
        ]
    );
    assert_eq!(parts(&suspects[0]), ["failing-path +40", "config +18", "onset +15"]);
}

#[test]
fn what_was_taken_back_or_fixed_again_is_told() {
    let first = change("a", 4000, "Cache the cart", &["src/cart.rs"]);
    let mut back = change("b", 3900, "Revert \"Cache the cart\"", &["src/cart.rs"]);
    back.undoes = vec![id("a")];
    let mut again = change("c", 3000, "Reapply \"Cache the cart\"", &["src/cart.rs"]);
    again.undoes = vec![id("b")];
    let suspects = weighed(vec![first, back, again], &[], &[]);
    let of = |name: &str| suspects.iter().find(|suspect| suspect.id == id(name)).unwrap();
    assert_eq!(parts(of("a")), ["undone -12"]);
    assert!(parts(of("b")).contains(&"undone -12".to_owned()));
    assert_eq!(parts(of("c")), ["again +15"]);
    assert_eq!(suspects[0].id, id("c"));

    let suspects = weighed(
        vec![
            change("a", 4000, "Count orders", &["src/orders.rs"]),
            change("b", 3000, "fix(orders): count from one", &["src/orders.rs"]),
            change("c", 2000, "Sort orders", &["src/orders.rs"]),
        ],
        &[],
        &[],
    );
    assert_eq!(suspects[0].title, "Count orders");
    assert!(suspects[0].reasons[0].text.contains("had to be fixed 16h40m later by 62"), "{suspects:?}");
    assert!(suspects[1..].iter().all(|suspect| suspect.reasons.is_empty()), "a fix is no fault");
}

#[test]
fn what_the_hotfix_touches_too_counts_unless_everything_does() {
    let history = || {
        vec![
            change("a", 9000, "one", &["src/a.rs", "VERSION"]),
            change("b", 9001, "two", &["src/b.rs", "VERSION"]),
            change("c", 9002, "three", &["src/c.rs", "VERSION"]),
            change("d", 9003, "four", &["src/d.rs", "VERSION"]),
        ]
    };
    let suspects = weighed(history(), &["src/c.rs", "VERSION"], &[]);
    assert_eq!(suspects[0].title, "three");
    assert_eq!(parts(&suspects[0]), ["hotfix +15"]);
    assert!(suspects[1..].iter().all(|suspect| suspect.reasons.is_empty()));
}

#[test]
fn a_word_that_is_everywhere_tells_nothing_apart() {
    let history: Vec<Change> =
        ["a", "b", "c", "d"].map(|name| change(name, 9000, name, &["checkout/x.rs"])).into();
    assert!(weighed(history, &[], &[]).iter().all(|suspect| suspect.reasons.is_empty()));
}

fn release(name: &str, minutes: i64, good: Option<WatchVerdict>, rollback: bool) -> Release {
    Release {
        environment: "production".into(),
        reference: name.into(),
        commit: id(name),
        tag: Some(name.into()),
        version: None,
        plan: String::new(),
        rollback,
        replaces: None,
        by: "omar".into(),
        at: before(minutes),
        verdict: good.map(|verdict| (before(minutes), verdict, String::new())),
        vouched: false,
    }
}

#[test]
fn it_is_looked_between_the_last_good_release_and_what_was_live_when_it_began() {
    let passed = Some(WatchVerdict::Passed);
    let history = History {
        releases: vec![
            release("v1", 9000, passed, false),
            release("v2", 6000, None, false),
            release("v3", 20, Some(WatchVerdict::Failed), false),
            // Gone back, then the fix.
            release("v1", -60, passed, true),
            release("v4", -120, None, false),
        ],
        ..History::default()
    };
    let names = |ask: &Ask| {
        let name = |live: &Option<Live>| live.as_ref().map(|live| live.name.clone()).unwrap_or_default();
        (
            name(&ask.good),
            name(&ask.deployed),
            ask.releases.iter().map(|live| live.name.clone()).collect::<Vec<_>>(),
        )
    };
    let grace = SignedDuration::from_mins(10);
    let of = |began| names(&ask(&history, "production", began, grace, None));
    assert_eq!(of(Some(began())), ("v1".into(), "v3".into(), vec!["v2".into(), "v3".into()]));
    assert_eq!(of(Some(before(5000))), ("v1".into(), "v2".into(), vec!["v2".into()]));
    assert_eq!(of(None).1, "v4", "nobody says when: what went forward last");
    assert_eq!(
        ask(&history, "staging", None, grace, Some("v0")),
        Ask { since: Some("v0".into()), ..Ask::default() }
    );

    let events = events(&history, None, "production", Some(before(6000)), None);
    let suspects = weighed(vec![change("a", 9000, "old", &["src/x.rs"])], &[], &events);
    assert_eq!(
        titles(&suspects),
        ["production got v3", "old", "production got v4", "production rolled back to v1"]
    );
    assert_eq!(suspects[0].contact, "omar");
}

#[test]
fn a_flag_that_is_called_like_what_fails_comes_first() {
    let event = Event {
        kind: EventKind::Flag { name: "new-checkout".into(), on: true },
        at: before(3),
        by: "maya".into(),
    };
    let suspects = weighed(vec![change("a", 30, "Update serde", &["Cargo.lock"])], &[], &[event]);
    assert_eq!(titles(&suspects), ["flag new-checkout turned on", "Update serde"]);
    assert_eq!(parts(&suspects[0]), ["failing-path +20", "onset +20", "flag +20"]);
    assert_eq!(suspects[0].kind, Kind::Flag);
}

#[test]
fn nothing_calls_anybody_or_anything_guilty() {
    let history = vec![change("a", 5, "Lower the pool", &["src/db/pool.rs pool"])];
    let suspect = weighed(history, &[], &[]).remove(0);
    let text = format!("{} {:?} {OTHERWISE}", suspect.title, suspect.reasons).to_lowercase();
    for word in ["culprit", "guilty", "blame", "fault of"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[test]
fn a_range_is_searched_by_halves() {
    let tries = |commits| Halves { commits, scratch: String::new() }.tries();
    assert_eq!([tries(1), tries(2), tries(8), tries(100)], [2, 3, 5, 8]);
}

fn any_change() -> impl Strategy<Value = Change> {
    let path = prop::sample::select(vec![
        "src/db/pool.rs pool",
        "src/checkout.rs",
        "migrations/1.sql",
        "Cargo.lock",
        "docs/a.md",
        "src/cart.rs timeout checkout",
    ]);
    let subject = prop::sample::select(vec!["one", "fix: two", "fixup! three", "Revert \"one\""]);
    let parts =
        (0u8..40, -200i64..9000, subject, prop::collection::vec(path, 0..4), prop::option::of(0u8..40));
    parts.prop_map(|(name, minutes, subject, files, undoes)| {
        let mut made = change(&format!("c{name}"), minutes, subject, &files);
        made.undoes = undoes.map(|name| id(&format!("c{name}"))).into_iter().collect();
        made
    })
}

proptest! {
    #[test]
    fn the_order_does_not_depend_on_the_order_of_what_comes_in(
        (changes, shuffled) in prop::collection::vec(any_change(), 0..24).prop_flat_map(|mut changes| {
            changes.sort_by(|a, b| a.commit.id.cmp(&b.commit.id));
            changes.dedup_by(|a, b| a.commit.id == b.commit.id);
            (Just(changes.clone()), Just(changes).prop_shuffle())
        })
    ) {
        let one = weighed(changes, &["src/cart.rs"], &[]);
        let other = weighed(shuffled, &["src/cart.rs"], &[]);
        prop_assert_eq!(&one, &other);
        for suspect in &one {
            let sum: i32 = suspect.reasons.iter().map(|reason| reason.weight).sum();
            prop_assert_eq!(suspect.score, sum);
        }
        prop_assert!(one.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}

#[test]
fn a_flag_that_was_turned_after_it_began_is_the_response_and_no_suspect() {
    use crate::incident::{
        Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Log, PlanEnd, PlanEnded, PlanStarted, Record,
        RecordId, Spec,
    };
    let plan = || "flag-loyalty-1".to_owned();
    let bodies: [Body; 3] = [
        Declared::example().into(),
        PlanStarted {
            plan: plan(),
            title: "turn loyalty off".into(),
            purpose: "flag".into(),
            target: "flag:loyalty".into(),
            hash: String::new(),
            steps: vec!["turn it".into()],
            confirmed: String::new(),
            spec: Spec::default(),
        }
        .into(),
        PlanEnded { plan: plan(), end: PlanEnd::Done, why: String::new() }.into(),
    ];
    let record = |(count, body): (u32, Body)| {
        let id = RecordId(uuid::Uuid::from_u128(u128::from(count) + 100));
        let clock = Hlc { wall_ms: before(-3).as_millisecond() + i64::from(count), count };
        let author = Author { name: "maya".to_owned(), node: 1 };
        let draft = Draft::now(IncidentId(uuid::Uuid::from_u128(7)), body);
        Record::seal(id, draft, author, clock, Hash([0; 32])).unwrap().0
    };
    let log = Log::new((0..).zip(bodies).map(record).collect()).unwrap();
    let of = |began| events(&History::default(), Some(log.state()), "production", None, began);
    assert_eq!(of(Some(began())), []);
    assert_eq!(of(Some(before(-60))).len(), 1, "it was turned before");
    assert_eq!(log.state().flags_off(), ["loyalty"]);
}
