//! What is in sight at every size.

use super::testing::*;
use super::theme::Theme;
use crate::cockpit::Pane;
use crate::incident::Mitigated;

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
