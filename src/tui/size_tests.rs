//! What is in sight at every size.

use std::sync::Arc;

use super::testing::*;
use super::theme::Theme;
use crate::cockpit::Pane;
use crate::cockpit::production::Word;
use crate::health::series::Status;
use crate::incident::{Mitigated, Next};

#[test]
fn a_pane_that_is_asked_for_is_drawn_at_every_size_and_so_is_what_is_said() {
    for (width, height) in [(40, 12), (78, 40), (160, 23)] {
        let mut model = incident();
        model.size = (width, height);
        model.focus = Pane::Checklist;
        model.word = Some((now(), "Z does nothing here".into()));
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(
            shown.contains("Z does nothing here"),
            "{width}x{height}:
{shown}"
        );
        model.zoom = true;
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let first = shown.lines().next().unwrap_or_default();
        assert!(
            first.contains(" P0 ") && shown.contains("4 Checklist"),
            "{width}x{height}:
{shown}"
        );
        assert!(
            shown.contains("Z does nothing here"),
            "{width}x{height}:
{shown}"
        );
    }
}

#[test]
fn that_production_fails_is_in_sight_at_every_size_whatever_is_recorded() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (120, 36), (160, 45)] {
        let mut scribe = records();
        let after = Vec::new();
        scribe.write("maya", at("15:40:00"), Mitigated { after });
        let mut model = incident();
        model.log = Some(scribe.log());
        settle(&mut model);
        let word = model.derived.production.as_ref().map_or("", |found| found.word.name());
        assert!(["DOWN", "DEGRADED"].contains(&word), "{word}");
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(
            shown.contains(word),
            "{width}x{height}:
{shown}"
        );
    }
}

#[test]
fn who_leads_and_that_it_is_a_drill_is_in_sight_at_every_size() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (100, 30), (120, 36), (160, 45)] {
        let mut model = incident();
        model.drill = true;
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let header: Vec<&str> = shown.lines().take(7).collect();
        let header = header.join("\n");
        assert!(header.contains("IC maya"), "{width}x{height}:\n{shown}");
        assert!(header.contains("drill"), "{width}x{height}:\n{shown}");
    }
    // Where how production is leaves no room for it, too.
    let mut model = incident();
    model.drill = true;
    model.size = (40, 12);
    settled(&mut model, &Theme::default(), 40, 12);
    if let Some(found) = &mut model.derived.production {
        (found.word, found.since) = (Word::Healthy, Some(at("15:16:00")));
    }
    let shown = text(&frame(&model, &Theme::default(), 40, 12).0);
    assert!(shown.contains("HEALTHY 1m") && shown.contains("drill"), "{shown}");
    let mut scribe = Scribe::new();
    scribe.declare("Checkout answers 500");
    let mut model = cockpit(scribe);
    for (width, height) in [(40, 12), (80, 24)] {
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        assert!(shown.contains("no IC"), "{width}x{height}:\n{shown}");
    }
}

#[test]
fn every_pane_has_its_line_on_the_smallest_screen_and_what_is_next_is_whole() {
    for drill in [false, true] {
        let mut model = incident();
        model.drill = drill;
        let shown = text(&settled(&mut model, &Theme::default(), 40, 12));
        for pane in Pane::ALL {
            let line = format!(" {} {}", pane as usize + 1, pane.title());
            assert!(shown.contains(&line), "{line}:\n{shown}");
        }
        let (next, _) = model.derived.next.first().unwrap();
        let said: String = shown.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        assert!(said.contains(&next.title), "{}:\n{shown}", next.title);
    }
}

#[test]
fn clocks_keep_their_minutes_and_are_told_in_one_measure() {
    for (width, height) in [(80, 24), (100, 30), (120, 36), (140, 40), (160, 45)] {
        let mut model = incident();
        let shown = text(&settled(&mut model, &Theme::default(), width, height));
        let clocks = shown.lines().find(|line| line.contains("overdue")).unwrap_or_else(|| panic!("{shown}"));
        let times = clocks.split(['[', '+']).next().unwrap_or_default().split(' ');
        let times: Vec<&str> = times.filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).collect();
        assert!(!times.is_empty(), "{clocks}");
        // Whole hours only where the clock stands at one.
        let hours = times.iter().filter(|time| time.ends_with('h'));
        assert_eq!(hours.count(), 0, "{width}x{height}: {clocks}");
    }
}

#[test]
fn what_was_found_stays_on_the_smallest_start_screen_and_texts_wrap_where_there_is_room() {
    let mut model = blank();
    model.config.found = vec!["deploy.sh".into()];
    model.listed = true;
    let guide = "Production fails for many customers. Declare an incident, however little you know";
    model.derived.guide = Some(guide.into());
    let shown = text(&frame(&model, &Theme::default(), 40, 12).0);
    for wanted in ["try  Production fails", "Declare an incident", "found here", "config"] {
        assert!(shown.contains(wanted), "{wanted}:\n{shown}");
    }
    let shown = text(&frame(&model, &Theme::default(), 40, 20).0);
    let said: Vec<&str> = shown.split_whitespace().collect();
    assert!(said.join(" ").contains(guide), "{shown}");
}

#[test]
fn names_of_probes_are_whole_on_the_smallest_screen() {
    let mut model = incident();
    (model.size, model.focus, model.zoom) = ((40, 12), Pane::Health, true);
    let shown = text(&settled(&mut model, &Theme::default(), 40, 12));
    for probe in &model.probes {
        assert!(shown.contains(&format!(" {} ", probe.name)), "{}:\n{shown}", probe.name);
    }
}

#[test]
fn that_nothing_was_declared_yet_is_whole_beside_a_message() {
    let mut model = blank();
    model.config.found = vec!["deploy.sh".into()];
    model.listed = true;
    model.word = Some((now(), "the theme is light now; the settings keep it for the next time".into()));
    for drill in [false, true] {
        model.drill = drill;
        let shown = text(&frame(&model, &Theme::default(), 40, 12).0);
        let line =
            shown.lines().find(|line| line.contains("No incident")).unwrap_or_else(|| panic!("{shown}"));
        assert!(line.trim_end().ends_with("yet."), "{shown}");
    }
    (model.drill, model.listed, model.word) = (false, true, None);
    let shown = text(&frame(&model, &Theme::default(), 80, 24).0);
    assert!(shown.contains("To practise, run flightdeck drill."), "{shown}");
}

#[test]
fn what_is_quicker_than_a_wait_is_in_sight_at_every_size() {
    let step = |title: &str| Next {
        action: "rollback",
        argument: String::new(),
        title: title.into(),
        due_at: None,
        overdue: false,
    };
    for (width, height) in [(40, 12), (60, 20), (80, 24), (100, 30), (120, 36), (160, 45)] {
        let mut model = incident();
        settled(&mut model, &Theme::default(), width, height);
        let first = step("approve production in deploy.yml #42 (platform-sre or payments-leads)");
        let flag = step("quicker meanwhile: turn loyalty off, proven ready");
        model.derived.next = vec![(first, "5 enter".into()), (flag, "R".into())];
        let shown = text(&frame(&model, &Theme::default(), width, height).0);
        assert!(shown.contains("approve production in deploy.yml #4"), "{width}x{height}:\n{shown}");
        assert!(shown.contains("turn loyalty off"), "{width}x{height}:\n{shown}");
        let flag = shown.lines().find(|line| line.contains("turn loyalty off")).unwrap();
        assert!(flag.contains("[R]") || flag.trim_end().ends_with(" R"), "{width}x{height}:\n{shown}");
    }
}

#[test]
fn lines_below_the_probes_say_what_is_wrong_with_each() {
    let mut model = incident();
    let bad = Arc::clone(model.probes.iter().find(|probe| probe.state.is_bad()).unwrap());
    for name in ["cart", "search", "login"] {
        let mut more = Status::clone(&bad);
        more.name = name.into();
        model.probes.push(Arc::new(more));
    }
    model.focus = Pane::Timeline;
    settle(&mut model);
    let shown = text(&settled(&mut model, &Theme::default(), 120, 36));
    for name in ["cart", "search", "login"] {
        assert!(shown.contains(&format!("✗ {name}: 500 in 2.1 s")), "{name}:\n{shown}");
    }
}
