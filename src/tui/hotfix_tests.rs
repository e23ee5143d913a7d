//! The hotfix pane with everything it can say, and what it says while that is not known.

use jiff::SignedDuration;

use super::testing::*;
use super::theme::{Role, Theme};
use crate::cockpit::{Model, Pane};
use crate::config::types::Flow;
use crate::hotfix::outlook::{Bump, Forecast, Growth, Outlook, Place, Stray, Verdict};
use crate::hotfix::pull::{Check, CheckState, Looked, Pull, PullState};
use crate::hotfix::state::{BaseAt, BranchState, ChangeSize, DirtyFile, Head, NotYet, Operation, Upstream};

fn head() -> String {
    "77b0d13".repeat(6)
}

fn conflicts(files: &[&str]) -> Verdict {
    Verdict::Conflicts(files.iter().map(|file| (*file).to_owned()).collect())
}

fn outlook(forecasts: &[(&str, Verdict)]) -> Outlook {
    let forecast = |(into, verdict): &(&str, Verdict)| Forecast {
        into: (*into).into(),
        reference: format!("refs/remotes/origin/{into}"),
        commit: "4f2c91e".repeat(6),
        verdict: verdict.clone(),
    };
    let place = |environment: &str, release: &str, has_fix, lacks| Place {
        environment: environment.into(),
        release: release.into(),
        has_fix,
        lacks,
    };
    Outlook {
        branch: "hotfix/pool-limit".into(),
        commit: head(),
        forecasts: forecasts.iter().map(forecast).collect(),
        growth: Growth::default(),
        bump: Some(Bump {
            from: "1.2.3".into(),
            to: "1.2.4".into(),
            tag: "v1.2.4".into(),
            disagree: Vec::new(),
        }),
        merged: Vec::new(),
        places: vec![place("staging", "v1.2.4", Ok(true), 0), place("production", "v1.2.3", Ok(false), 2)],
    }
}

fn pushed() -> BranchState {
    let upstream =
        Some(Upstream { name: "origin/hotfix/pool-limit".into(), exists: true, ahead: 0, behind: 0 });
    BranchState { remote: Some("origin".into()), upstream, dirty: Vec::new(), dirty_count: 0, ..branch() }
}

fn model(flow: Flow, branch: BranchState, outlook: Option<Outlook>) -> Model {
    let mut model = incident();
    model.config.config.hotfix.flow = flow;
    model.branch = Some(Ok(branch));
    model.outlook = outlook;
    model.focus = Pane::Hotfix;
    settle(&mut model);
    model
}

/// As it should be: forecasts are clean but for one, everything is small and tested.
fn calm() -> Model {
    let ahead = outlook(&[("main", Verdict::Clean), ("develop", conflicts(&["src/pool.rs"]))]);
    model(Flow::GitFlow, pushed(), Some(ahead))
}

/// Everything that can be wrong with a branch at once.
fn stormy() -> Model {
    let mut branch = pushed();
    branch.upstream =
        Some(Upstream { name: "origin/hotfix/pool-limit".into(), exists: true, ahead: 1, behind: 2 });
    branch.base_upstream = Some(Upstream { name: "origin/main".into(), exists: true, ahead: 0, behind: 3 });
    branch.size.files = 9;
    branch.size.tests_touched = false;
    branch.behind = 3;
    branch.hotfix_branches.push("hotfix/refund-twice".into());
    branch.remote_hotfixes = vec!["hotfix/search-empty".into()];
    let release = BaseAt { reference: "refs/remotes/origin/release/1.3".into(), commit: "5".repeat(40) };
    branch.releases = vec![release];
    branch.fetched_at = Some(now() - SignedDuration::from_hours(3));
    branch.dirty = vec![DirtyFile { path: "src/pool.rs".into(), code: " M".into() }];
    branch.dirty_count = 1;
    let stray = |path: &str, why: &str| Stray { path: path.into(), why: why.into() };
    let mut ahead = outlook(&[
        ("main", conflicts(&["VERSION", "src/pool.rs"])),
        ("release/1.3", Verdict::Clean),
        ("develop", Verdict::Unknown("took longer than 2s".into())),
    ]);
    ahead.growth = Growth {
        beyond: vec!["9 files".into(), "412 lines".into()],
        strays: vec![stray("README.md", "formatting only"), stray("web/logo.svg", "unrelated to src/pool/")],
    };
    ahead.bump =
        Some(Bump { from: "1.2.3".into(), to: "1.2.3".into(), tag: "v1.2.4".into(), disagree: Vec::new() });
    ahead.places[0].has_fix = Err("its commit is not here".into());
    model(Flow::GitFlow, branch, Some(ahead))
}

fn pull() -> Pull {
    let check = |name: &str, state| Check::new(name, state);
    let mut checks: Vec<Check> = (0..7).map(|n| check(&format!("unit {n}"), CheckState::Passed)).collect();
    checks.push(check("e2e", CheckState::Running));
    Pull {
        number: 412,
        url: "https://git.example/shop/payments-api/pull/412".into(),
        title: "HOTFIX: Checkout answers 500".into(),
        state: PullState::Open,
        head: head(),
        approved_by: vec!["omar".into()],
        changes_wanted_by: Vec::new(),
        waits_for: vec!["li".into()],
        checks,
        mergeable: Some(true),
        held_by: String::new(),
    }
}

fn reviewed(pull: Pull) -> Model {
    let mut model = model(Flow::GithubFlow, pushed(), Some(outlook(&[("main", Verdict::Clean)])));
    model.pull = Some(Looked::Known(pull));
    settle(&mut model);
    model
}

fn first_look() -> Model {
    let mut branch = pushed();
    branch.not_yet = NotYet { changes: true, counts: true };
    (branch.commits, branch.ahead, branch.size) = (Vec::new(), 0, ChangeSize::default());
    branch.last_tag = None;
    model(Flow::GitFlow, branch, None)
}

fn zoomed(mut model: Model) -> Model {
    model.zoom = true;
    settle(&mut model);
    model
}

fn elsewhere() -> Model {
    let mut branch = pushed();
    branch.head = Head::Branch { name: "main".into(), commit: "4f2c91e".repeat(6) };
    branch.upstream = Some(Upstream { name: "origin/main".into(), exists: true, ahead: 0, behind: 3 });
    branch.base_upstream = branch.upstream.clone();
    (branch.commits, branch.ahead, branch.size) = (Vec::new(), 0, ChangeSize::default());
    branch.remote_hotfixes = vec!["hotfix/search-empty".into()];
    model(Flow::GitFlow, branch, None)
}

fn merging() -> Model {
    let mut branch = pushed();
    branch.operation = Some(Operation::Merge);
    branch.dirty = vec![
        DirtyFile { path: "src/pool.rs".into(), code: "UU".into() },
        DirtyFile { path: "VERSION".into(), code: "AA".into() },
    ];
    branch.dirty_count = 2;
    model(Flow::GitFlow, branch, Some(outlook(&[("main", Verdict::Looking)])))
}

/// Every state of the pane that looks different.
pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    vec![
        ("hotfix", calm()),
        ("hotfix-stormy", stormy()),
        ("hotfix-zoom", zoomed(calm())),
        ("hotfix-stormy-zoom", zoomed(stormy())),
        ("hotfix-pull", reviewed(pull())),
        ("hotfix-pull-zoom", zoomed(reviewed(pull()))),
        ("hotfix-first", first_look()),
        ("hotfix-elsewhere", elsewhere()),
        ("hotfix-merging", merging()),
    ]
}

#[test]
fn the_pane_at_every_size_of_the_design() {
    let theme = Theme::default();
    for (name, mut model) in scenes() {
        let sizes: &[(u16, u16)] = match name {
            "hotfix" | "hotfix-stormy" => &[(160, 45), (120, 36), (80, 24)],
            "hotfix-stormy-zoom" => &[(160, 45), (80, 24)],
            _ => &[(120, 36)],
        };
        for (width, height) in sizes {
            let buf = settled(&mut model, &theme, *width, *height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), text(&buf));
        }
    }
}

#[test]
fn what_is_ahead_is_said_by_word_glyph_and_colour() {
    let theme = Theme::default();
    let buf = settled(&mut calm(), &theme, 120, 36);
    assert_eq!(style_of(&buf, "✓ clean").fg, theme.of(Role::Good).fg);
    assert_eq!(style_of(&buf, "▲ 1 conflict").fg, theme.of(Role::Warn).fg);
    assert_eq!(style_of(&buf, "✗ lacks 2 commits").fg, theme.of(Role::Warn).fg);
    assert_eq!(style_of(&buf, "pushed ✓").fg, theme.of(Role::Good).fg);
    // A conflict with production is worse than one with the next release.
    let buf = settled(&mut stormy(), &theme, 160, 45);
    assert_eq!(style_of(&buf, "✗ 2 conflicts").fg, theme.of(Role::Bad).fg);
    assert_eq!(style_of(&buf, "? took longer").fg, theme.of(Role::Unknown).fg);
}

#[test]
fn what_is_known_of_another_commit_is_never_shown_as_true() {
    let mut stale = calm();
    stale.outlook.as_mut().unwrap().commit = "9".repeat(40);
    settle(&mut stale);
    let theme = Theme::default();
    let buf = settled(&mut stale, &theme, 120, 36);
    let drawn = text(&buf);
    assert!(!drawn.contains("conflict") && !drawn.contains("into main"), "{drawn}");
    assert_eq!(style_of(&buf, "merges: looking …").fg, theme.of(Role::Faint).fg);
}

#[test]
fn what_was_not_counted_yet_is_no_zero() {
    let drawn = text(&settled(&mut first_look(), &Theme::default(), 120, 36));
    let pane: String = drawn.lines().filter(|line| line.contains("│")).collect();
    assert!(pane.contains("counting …") && pane.contains("looking …"), "{drawn}");
    for wrong in ["pushed ✓", "clean", "no test", "no change", "edit and commit"] {
        assert!(!drawn.contains(wrong), "{wrong}:\n{drawn}");
    }
}

#[test]
fn in_little_room_what_matters_most_is_kept() {
    let drawn = text(&settled(&mut stormy(), &Theme::default(), 100, 30));
    assert!(drawn.contains("✗ 2 conflicts") && drawn.contains("▲ no test"), "{drawn}");
    assert!(!drawn.contains("last fetch"), "{drawn}");
    let mut elsewhere = stormy();
    elsewhere.focus = Pane::Timeline;
    let drawn = text(&settled(&mut elsewhere, &Theme::default(), 80, 24));
    let line = drawn.lines().find(|line| line.contains("3 Hotfix")).unwrap();
    assert!(line.contains("✗ 2 conflicts"), "{line}");
}

#[test]
fn a_pull_request_that_waits_says_for_whom_and_one_that_failed_says_why() {
    let theme = Theme::default();
    let drawn = text(&settled(&mut reviewed(pull()), &theme, 120, 36));
    for wanted in ["PR #412 ✓ approved by omar", "▲ waits for li", "checks 7 ✓ 1 ▶ running"] {
        assert!(drawn.contains(wanted), "{wanted}:\n{drawn}");
    }
    let failing = Pull {
        checks: vec![Check::new("e2e", CheckState::Cancelled)],
        changes_wanted_by: vec!["omar\u{202e}".into()],
        ..pull()
    };
    let mut model = reviewed(failing);
    let buf = settled(&mut model, &theme, 120, 36);
    let drawn = text(&buf);
    assert!(drawn.contains("✗ omar<U+202E> wants changes") && drawn.contains("cancelled: e2e"), "{drawn}");
    assert_eq!(style_of(&buf, "■ cancelled").fg, theme.of(Role::Bad).fg);
}

#[test]
fn names_from_outside_cannot_deceive() {
    let hostile = "src/\u{202e}sr.loop\u{1b}[2J";
    let mut model = model(
        Flow::GitFlow,
        pushed(),
        Some(outlook(&[("rel\u{200b}ease/1", conflicts(&[hostile])), ("main", Verdict::Clean)])),
    );
    for zoom in [false, true] {
        model.zoom = zoom;
        let drawn = text(&settled(&mut model, &Theme::default(), 160, 45));
        assert!(drawn.contains("<U+202E>") && drawn.contains("<U+200B>"), "{drawn}");
    }
}

#[test]
fn at_full_size_the_pane_says_all_it_can_and_cuts_no_name() {
    let drawn = |model: &mut Model| text(&settled(model, &Theme::default(), 160, 45));
    let mut model = stormy();
    if let Some(Ok(branch)) = &mut model.branch {
        branch.head = Head::Branch { name: "hotfix/declined-cards-are-charged".into(), commit: head() };
        branch.commits[0].subject = "fix".into();
    }
    if let Some(outlook) = &mut model.outlook {
        outlook.branch = "hotfix/declined-cards-are-charged".into();
    }
    settle(&mut model);
    let screen = drawn(&mut model);
    for whole in ["hotfix/declined-cards-are-charged", "↑1 ↓2 diverged", "into develop ? took longer than 2s"]
    {
        assert!(screen.contains(whole), "{whole:?} is not in\n{screen}");
    }
    // What is longer than a line goes on in the next one.
    let mut model = reviewed(Pull {
        held_by: "the rules of the branch want two more approvals".into(),
        mergeable: Some(false),
        ..pull()
    });
    let screen = drawn(&mut model);
    for part in ["▲ the rules of the branch want two more", "approvals"] {
        assert!(screen.contains(part), "{part:?} is not in\n{screen}");
    }
}

#[test]
fn a_finished_fix_is_told_of_until_production_has_it() {
    use crate::incident::{PlanEnd, PlanEnded, PlanStarted, tag_title};
    let on_main = BranchState {
        head: Head::Branch { name: "main".into(), commit: head() },
        hotfix_branches: Vec::new(),
        ..pushed()
    };
    let mut model = model(Flow::GitFlow, on_main, None);
    let started = PlanStarted {
        plan: "finish-9".into(),
        title: "finish hotfix/pool-limit (git flow): v1.2.4".into(),
        purpose: "hotfix".into(),
        target: "repository".into(),
        hash: String::new(),
        steps: vec![tag_title("v1.2.4")],
        confirmed: String::new(),
        spec: serde_json::json!({}).into(),
    };
    let ended = PlanEnded { plan: "finish-9".into(), end: PlanEnd::Done, why: String::new() };
    let mut scribe = records();
    scribe.write("li", at("15:17:02"), started);
    scribe.write("li", at("15:17:09"), ended);
    model.log = Some(scribe.log());
    settle(&mut model);
    let theme = Theme::default();
    for (width, height) in [(120, 36), (80, 24)] {
        let shown = text(&settled(&mut model, &theme, width, height));
        assert!(shown.contains("finished as v1.2.4 · ▲ not in production yet"), "{shown}");
    }
}
