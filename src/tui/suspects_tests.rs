//! Suspects on the screen: the list, what speaks for one, and its change.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::msg::EffectId;
use crate::cockpit::overlay::{CulpritsView, Overlay};
use crate::cockpit::suspects::{ChangeView, Looked, SuspectsView};
use crate::cockpit::{Key, Model, Msg, update};
use crate::failure::Failure;
use crate::hotfix::state::Commit;
use crate::hotfix::suspects::{
    Change, ChangeText, Changes, Clues, Edge, Event, EventKind, Found, LineKind, Live, TextLine, Touched,
};
use crate::incident::{Alarm, Policy};

fn before(minutes: i64) -> Timestamp {
    at("14:30:04") - SignedDuration::from_mins(minutes)
}

fn commit(id: &str, subject: &str, author: &str, minutes: i64) -> Commit {
    Commit {
        id: id.repeat(6).chars().take(40).collect(),
        subject: subject.into(),
        author: author.into(),
        at: before(minutes),
    }
}

fn change(commit: Commit, files: &[(&str, usize, &[&str])]) -> Change {
    let touched = files.iter().map(|(path, lines, words)| Touched {
        path: (*path).into(),
        lines: *lines,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    });
    let lines: usize = files.iter().map(|(_, lines, _)| lines).sum();
    Change {
        email: format!("{}@shop.example", commit.author),
        commit,
        parents: 1,
        brought: Vec::new(),
        brought_count: 0,
        through: None,
        tags: Vec::new(),
        files: touched.collect(),
        files_count: files.len(),
        insertions: lines - lines / 4,
        deletions: lines / 4,
        cut: None,
        undoes: Vec::new(),
        live: None,
    }
}

fn found() -> Found {
    let policy = Policy::built_in();
    let mut clues = Clues { began: Some(at("14:30:04")), ..Clues::default() };
    clues.say("title", "Checkout answers 500", &policy.suspects);
    clues.say("finding", "connection pool exhausted, 100 of 100 used", &policy.suspects);
    let live = Live { commit: "77b0d13".repeat(6), name: "v1.2.3".into(), at: before(12) };
    let mut merge = change(
        commit("c0ffee1", "Merge branch 'orders-total'", "omar", 300),
        &[("migrations/0007_total.sql", 12, &[]), ("src/orders.rs", 130, &[]), ("tests/orders.rs", 60, &[])],
    );
    merge.parents = 2;
    merge.brought = vec![
        commit("d00d001", "Show the total in the cart", "omar", 400),
        commit("d00d002", "Add a total to orders", "li", 420),
    ];
    merge.brought_count = 2;
    let mut changes = vec![
        change(
            commit("4f2c91e", "Lower the connection pool to 100", "li", 90),
            &[("config/pool.toml", 2, &["pool", "limit"]), ("src/db/pool.rs", 18, &["pool", "connection"])],
        ),
        merge,
        change(commit("5e7de00", "Update serde to 1.0.229", "maya", 2000), &[("Cargo.lock", 8, &[])]),
        change(commit("b0770a1", "Rename a button", "omar", 2500), &[("web/checkout/button.tsx", 3, &[])]),
        change(commit("0dd0c55", "Reword the guide \u{202e}", "li", 2600), &[("docs/guide.md", 44, &[])]),
    ];
    changes[0].tags = vec!["v1.2.3".into()];
    for change in &mut changes {
        change.live = Some(live.clone());
    }
    let edge = |commit: &str, name: &str, why: &str| Edge {
        commit: commit.repeat(6),
        name: name.into(),
        why: why.into(),
    };
    let flag = EventKind::Flag { name: "new-checkout".into(), on: true };
    let deploy = EventKind::Deploy { environment: "production".into(), live: live.clone(), rollback: false };
    let events = [
        Event { kind: flag, at: before(3), by: "maya".into() },
        Event { kind: deploy, at: live.at, by: "omar".into() },
    ];
    let changes = Changes {
        from: Some(edge("1111111", "v1.2.2", "the last good release")),
        to: edge("77b0d13", "v1.2.3", "which was deployed"),
        commits: 7,
        changes,
        hotfix: vec!["src/db/pool.rs".into()],
        remarks: vec!["production was not asked what was released".into()],
    };
    Found::of(changes, &clues, &events, &policy)
}

fn with(found: Option<Result<Found, Failure>>) -> Model {
    let mut model = incident();
    model.suspects.looked = found.map(|found| Looked { at: now(), found });
    model.overlays.push(Overlay::Suspects(SuspectsView::default()));
    settle(&mut model);
    model
}

fn diff() -> ChangeText {
    let line = |kind, text: &str| TextLine { kind, text: text.to_owned() };
    let mut lines = vec![
        line(LineKind::Message, "commit 4f2c91e4f2c91e4f2c91e4f2c91e4f2c91e4f2c91"),
        line(LineKind::Message, "ask li <li@shop.example>"),
        line(LineKind::Message, ""),
        line(LineKind::Message, "    Lower the connection pool to 100"),
        line(LineKind::Message, ""),
        line(LineKind::File, "diff --git a/config/pool.toml b/config/pool.toml"),
        line(LineKind::Place, "@@ -1,3 +1,3 @@"),
        line(LineKind::Context, " [pool]"),
        line(LineKind::Removed, "-connections = 400"),
        line(LineKind::Added, "+connections = 100"),
    ];
    lines.extend((0..60).map(|number| line(LineKind::Context, &format!(" line {number}"))));
    ChangeText { commit: "4f2c91e".into(), lines, cut: None }
}

fn reading(text: ChangeText, find: &str) -> Model {
    let mut model = with(Some(Ok(found())));
    let title = "4f2c91e Lower the connection pool to 100".to_owned();
    let mut view = ChangeView { title, text, ..ChangeView::default() };
    view.find(find);
    model.overlays.push(Overlay::Change(Box::new(view)));
    settle(&mut model);
    model
}

fn press(model: &mut Model, keys: &str) {
    for key in keys.split(' ') {
        settled(model, &Theme::default(), 120, 36);
        let last = model.last_key.map_or(1000, |(_, at)| at) + 1000;
        let press = crate::cockpit::msg::KeyPress::new(Key::parse(key).unwrap(), last);
        let _ = update(model, Msg::Key(press));
    }
}

/// Every state that looks different.
pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    let nothing = Found { suspects: Vec::new(), remarks: Vec::new(), ..found() };
    let failure =
        Failure::new("looking at what changed", "object not found", "`git fsck` checks the repository");
    let mut on_merge = with(Some(Ok(found())));
    let merge = found().suspects.into_iter().find(|one| one.title.starts_with("Merge")).unwrap().id;
    if let Some(Overlay::Suspects(view)) = on_merge.overlays.last_mut() {
        view.chosen = merge;
    }
    let mut filtered = with(Some(Ok(found())));
    if let Some(Overlay::Suspects(view)) = filtered.overlays.last_mut() {
        view.filter = "orders".into();
    }
    let cut = ChangeText { cut: Some("it is cut off after 20000 lines: git show 4f2c91e".into()), ..diff() };
    let mut looking = with(None);
    looking.suspects.looking = Some(EffectId(9));
    vec![
        ("suspects", with(Some(Ok(found())))),
        ("suspects-merge", on_merge),
        ("suspects-filtered", filtered),
        ("suspects-none", with(Some(Ok(nothing)))),
        ("suspects-failed", with(Some(Err(failure)))),
        ("suspects-looking", looking),
        ("change", reading(diff(), "")),
        ("change-found", reading(cut, "pool")),
    ]
}

#[test]
fn the_screens_of_suspects() {
    for (name, mut model) in scenes() {
        let sizes: &[(u16, u16)] = match name {
            "suspects" | "change" => &[(160, 45), (120, 36), (80, 24), (40, 12)],
            "suspects-merge" | "change-found" => &[(120, 36), (80, 24)],
            _ => &[(80, 24)],
        };
        for (width, height) in sizes {
            let drawn = text(&settled(&mut model, &Theme::default(), *width, *height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), drawn);
        }
    }
}

#[test]
fn suspects_can_be_drawn_at_every_size_and_hide_nothing_dangerous() {
    for (_, model) in scenes() {
        for (width, height) in [(1, 1), (6, 3), (39, 12), (40, 12), (41, 90), (80, 24), (130, 20), (500, 60)]
        {
            let (buf, _) = frame(&model, &Theme::default(), width, height);
            assert!(buf.content.iter().all(|cell| cell.symbol().chars().all(crate::text::is_plain)));
        }
    }
}

/// The style of the first cell of a text, on the first line that has it.
fn style_of(model: &mut Model, theme: &Theme, wanted: &str) -> ratatui::style::Style {
    super::testing::style_of(&settled(model, theme, 120, 36), wanted)
}

#[test]
fn what_was_added_and_taken_away_and_what_counts_can_be_told_apart() {
    for name in ["dark", "light"] {
        let theme = Theme::load(name, None).unwrap();
        let fg = |role| theme.of(role).fg;
        let mut change = reading(diff(), "connections");
        assert_eq!(style_of(&mut change, &theme, "+connections").fg, fg(Role::Good));
        assert_eq!(style_of(&mut change, &theme, "-connections").fg, fg(Role::Bad));
        assert_eq!(style_of(&mut change, &theme, "@@ -1,3").fg, fg(Role::Info));
        let hit = theme.of(Role::Good).patch(theme.of(Role::Match));
        assert_eq!(style_of(&mut change, &theme, "connections = 100").fg, hit.fg);
        let mut list = with(Some(Ok(found())));
        let chosen = style_of(&mut list, &theme, "▸");
        assert_eq!(chosen.bg, theme.of(Role::Selection).bg);
        assert_eq!(style_of(&mut list, &theme, "+20  named like").fg, fg(Role::Warn));
        press(&mut list, "G");
        assert_eq!(style_of(&mut list, &theme, "-15  touches nothing that").fg, fg(Role::Good));
    }
}

#[test]
fn why_a_plan_cannot_be_made_is_seen_on_a_small_screen_too() {
    let mut model = with(Some(Ok(found())));
    let id = EffectId::default();
    model.in_flight.insert(id, "making the plan");
    let failure = Failure::new("planning a revert", "no remote to push to", "git remote add");
    update(&mut model, Msg::Done(id, Err(failure)));
    let drawn = text(&settled(&mut model, &Theme::default(), 80, 24));
    assert!(drawn.contains("✗ no remote to push to"), "{drawn}");
    model.word = Some((now(), "already looking".to_owned()));
    let drawn = text(&settled(&mut model, &Theme::default(), 80, 24));
    assert!(drawn.contains("already looking"), "{drawn}");
}

#[test]
fn the_cursor_goes_through_the_list_and_what_is_known_of_it_follows() {
    let mut model = with(Some(Ok(found())));
    let drawn = |model: &mut Model| text(&settled(model, &Theme::default(), 80, 24));
    let first = drawn(&mut model);
    assert!(first.contains("Look here first") && first.contains("▸  1"), "{first}");
    press(&mut model, "j j");
    assert!(drawn(&mut model).contains("▸  3"), "{}", drawn(&mut model));
    press(&mut model, "G");
    let last = drawn(&mut model);
    assert!(last.contains("▸  7") && last.contains("touches nothing that runs in production"), "{last}");
    press(&mut model, "/ g u i d e enter");
    let filtered = drawn(&mut model);
    assert!(filtered.contains("1 of 7 contain “guide”"), "{filtered}");
    press(&mut model, "esc");
    assert!(model.overlays.is_empty());
}

#[test]
fn a_third_party_that_is_not_well_stands_above_every_change() {
    let theirs = |to: &str| {
        let mut records = records();
        let alarm = Alarm {
            probe: "payment provider".into(),
            from: "ok".into(),
            to: to.into(),
            why: "says Partially Degraded Service".into(),
        };
        records.write("maya", at("14:30:20"), alarm);
        let mut model = with(Some(Ok(found())));
        model.log = Some(records.log());
        let probe = "name = \"payment provider\"\nurl = \"https://status.example.com/api/v2/status.json\"";
        model.config.config.probes = vec![toml::from_str(probe).unwrap()];
        settle(&mut model);
        model
    };
    for (width, height) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
        let drawn = text(&settled(&mut theirs("warn"), &Theme::default(), width, height));
        let rows = drawn.lines().skip_while(|line| !line.contains("Look here first")).collect::<Vec<_>>();
        assert!(rows[1].contains("▲ third party  payment") && drawn.contains("▸  1"), "{drawn}");
        let whole = "▲ third party  payment provider says Partially Degraded Service";
        assert!(width < 80 || (rows[1].contains(whole) && rows[1].contains("since 14:30")), "{drawn}");
    }
    for well in ["ok", "unknown"] {
        let drawn = text(&settled(&mut theirs(well), &Theme::default(), 120, 36));
        assert!(!drawn.contains("third party  payment"), "{well}: {drawn}");
    }
}

#[test]
fn a_third_party_stands_there_as_soon_as_health_knows_it() {
    use crate::health::series::{Sample, State, Status, Verdict};

    let mut model = with(Some(Ok(found())));
    let probe = "name = \"payment provider\"\nurl = \"https://status.example.com/api/v2/status.json\"";
    model.config.config.probes = vec![toml::from_str(probe).unwrap()];
    let sample = Sample {
        at: at("14:30:40"),
        verdict: Verdict::Bad,
        why: "says Major Outage".into(),
        ..Sample::default()
    };
    let seen = |state| Status {
        name: "payment provider".into(),
        environment: "third party".into(),
        state,
        since: Some(at("14:30:40")),
        last: Some(sample.clone()),
        ..Status::default()
    };
    model.probes = vec![Arc::new(seen(State::Failing))];
    settle(&mut model);
    let drawn = text(&settled(&mut model, &Theme::default(), 120, 36));
    assert!(drawn.contains("▲ third party  payment provider says Major Outage"), "{drawn}");
    press(&mut model, "esc b");
    let drawn = text(&settled(&mut model, &Theme::default(), 120, 36));
    assert!(drawn.contains("payment provider is failing: says Major Outage"), "{drawn}");
}

#[test]
fn the_screens_of_what_broke_it() {
    let mut model = with(Some(Ok(found())));
    model.overlays.clear();
    model.overlays.push(Overlay::Culprits(CulpritsView::default()));
    settle(&mut model);
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        let drawn = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(drawn.contains("schema") && (width < 80 || drawn.contains("ruled out")), "{drawn}");
        insta::assert_snapshot!(format!("culprits_{width}x{height}"), drawn);
    }
}
