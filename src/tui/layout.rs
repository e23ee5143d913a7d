//! Where everything goes, for every size of the terminal.

use ratatui::layout::Rect;

use super::header::strip_lines;
use super::ui::{below, row};
use crate::cockpit::{Model, Pane};

/// Which picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One line that says how much room is needed.
    Tiny,
    /// Header and what is next, then a line for each pane as far as there is room.
    Glance,
    /// The focused pane, and a line for each of the others.
    Compact,
    /// Two by two, and the runs.
    Grid,
    /// The timeline beside the others, and the runs.
    Columns,
}

/// Which picture fits a size.
pub(super) fn shape(area: Rect) -> Shape {
    match (area.width, area.height) {
        (w, h) if w < Model::LEAST.0 || h < Model::LEAST.1 => Shape::Tiny,
        (w, h) if w < Model::PANE.0 || h < Model::PANE.1 => Shape::Glance,
        (w, h) if w < 100 || h < 30 => Shape::Compact,
        (w, _) if w < 160 => Shape::Grid,
        _ => Shape::Columns,
    }
}

/// Where everything goes. An area that is not there is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Header, with the guide line where there is one.
    pub(super) header: Rect,
    /// Panes in the order of [`Pane::ALL`].
    pub(super) panes: [Rect; 5],
    /// One line for each pane that is not drawn.
    pub(super) summaries: Rect,
    /// The line of keys.
    pub(super) keys: Rect,
}

impl Places {
    /// Takes so many rows from what stands above the line of keys, and returns them.
    pub(super) fn give(&mut self, lines: u16) -> Rect {
        if lines == 0 {
            return Rect::ZERO;
        }
        let y = self.keys.y.saturating_sub(lines);
        for place in self.panes.iter_mut().chain([&mut self.summaries]) {
            // A pane keeps its frame.
            if !place.is_empty() && place.bottom() > y {
                place.height = place.height.min(y.saturating_sub(place.y));
            }
        }
        Rect { y, height: self.keys.y - y, ..self.keys }
    }
}

/// What the layout depends on besides the size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// The focused pane.
    pub(super) focus: Pane,
    /// Whether it has the whole screen below the header.
    pub(super) zoom: bool,
    /// Whether there is a guide line.
    pub(super) guide: bool,
    /// Number of checklist items.
    pub(super) checklist: usize,
    /// Whether a row is left free below the header where there is room.
    pub(super) airy: bool,
}

/// Lays out the cockpit.
pub(super) fn places(area: Rect, wish: Wish) -> Places {
    match shape(area) {
        Shape::Tiny => Places::default(),
        Shape::Glance if wish.zoom => one_pane(area, wish),
        Shape::Glance => glance(area),
        Shape::Compact => compact(area, wish),
        Shape::Grid | Shape::Columns if wish.zoom => zoomed(area, wish),
        Shape::Grid => grid(area, wish),
        Shape::Columns => columns(area, wish),
    }
}

/// Takes header and key line off; what is left is between them.
fn ends(area: Rect, header: u16) -> (Places, Rect) {
    let places = Places {
        header: Rect { height: header, ..area },
        keys: row(area, area.height - 1),
        ..Places::default()
    };
    let rest = below(area, header);
    (places, Rect { height: rest.height.saturating_sub(1), ..rest })
}

/// Lines of the header at full size.
fn header_lines(area: Rect, wish: Wish) -> u16 {
    4 + u16::from(wish.guide) + u16::from(wish.airy && area.height >= AIRY)
}

/// Rows from which on one may be left free.
const AIRY: u16 = 36;

/// ```text
/// ┌───────────────────────────┐
/// │ header                    │
/// │ what is next, wrapped     │
/// │ a line for each pane      │
/// └───────────────────────────┘
/// ```
fn glance(area: Rect) -> Places {
    Places { header: area, ..Places::default() }
}

/// ```text
/// ┌───────────────────────────┐
/// │ header, a line or two     │
/// │╭ focused pane ───────────╮│
/// ││                         ││
/// │╰─────────────────────────╯│
/// │ keys                      │
/// └───────────────────────────┘
/// ```
fn one_pane(area: Rect, wish: Wish) -> Places {
    let (mut places, rest) = ends(area, strip_lines(area));
    places.panes[wish.focus as usize] = rest;
    places
}

/// ```text
/// ┌───────────────────────────┐
/// │ header, three lines       │
/// │╭ focused pane ───────────╮│
/// ││                         ││
/// │╰─────────────────────────╯│
/// │ a line for each other pane│
/// │ keys                      │
/// └───────────────────────────┘
/// ```
fn compact(area: Rect, wish: Wish) -> Places {
    let (mut places, rest) = ends(area, 3 + u16::from(wish.guide));
    let others = if wish.zoom { 0 } else { 4.min(rest.height.saturating_sub(6)) };
    let pane = Rect { height: rest.height - others, ..rest };
    places.panes[wish.focus as usize] = pane;
    places.summaries = below(rest, pane.height);
    places
}

/// ```text
/// ┌───────────────────────────┐
/// │ header                    │
/// │╭ focused pane ───────────╮│
/// ││                         ││
/// ││                         ││
/// │╰─────────────────────────╯│
/// │ keys                      │
/// └───────────────────────────┘
/// ```
fn zoomed(area: Rect, wish: Wish) -> Places {
    let (mut places, rest) = ends(area, header_lines(area, wish));
    places.panes[wish.focus as usize] = rest;
    places
}

/// ```text
/// ┌───────────────────────────┐
/// │ header                    │
/// │╭ timeline ──╮╭ health ───╮│
/// ││            ││           ││
/// │╰────────────╯╰───────────╯│
/// │╭ hotfix ────╮╭ checklist ╮│
/// │╰────────────╯╰───────────╯│
/// │╭ runs ───────────────────╮│
/// │╰─────────────────────────╯│
/// │ keys                      │
/// └───────────────────────────┘
/// ```
fn grid(area: Rect, wish: Wish) -> Places {
    let (mut places, rest) = ends(area, header_lines(area, wish));
    let runs = if rest.height >= 34 {
        7
    } else if rest.height >= 28 {
        5
    } else {
        4
    };
    let upper = rest.height - runs;
    let bottom = checklist_height(wish, upper);
    let top = Rect { height: upper - bottom, ..rest };
    let middle = Rect { y: top.bottom(), height: bottom, ..rest };
    let (left, right) = halves(top);
    let (hotfix, checklist) = halves(middle);
    places.panes = [left, right, hotfix, checklist, below(rest, upper)];
    places
}

/// The timeline has the height, and of the width what its lines need; health is wide enough for whole
/// names and sparklines.
/// ```text
/// ┌─────────────────────────────────────────┐
/// │ header                                  │
/// │╭ timeline ──────╮╭ health ─────────────╮│
/// ││                ││                     ││
/// ││                │╰─────────────────────╯│
/// ││                │╭ hotfix ─╮╭ checklist╮│
/// │╰────────────────╯╰─────────╯╰──────────╯│
/// │╭ runs ─────────────────────────────────╮│
/// │╰───────────────────────────────────────╯│
/// │ keys                                    │
/// └─────────────────────────────────────────┘
/// ```
fn columns(area: Rect, wish: Wish) -> Places {
    let (mut places, rest) = ends(area, header_lines(area, wish));
    let runs = (rest.height / 4).clamp(4, 12);
    let upper = Rect { height: rest.height - runs, ..rest };
    let timeline = upper.width * 42 / 100;
    // The chart of the health pane has rows to spare, what is said of the hotfix has not.
    let spare = if upper.height >= ROOMY { HOTFIX } else { 0 };
    let bottom = checklist_height(wish, upper.height).max(spare);
    let right = Rect { x: upper.x + timeline, width: upper.width - timeline, ..upper };
    let health = Rect { height: right.height - bottom, ..right };
    // What is said of the hotfix are sentences.
    let below = Rect { y: health.bottom(), height: bottom, ..right };
    let hotfix = Rect { width: right.width * 11 / 20, ..below };
    let checklist = Rect { x: hotfix.right(), width: below.width - hotfix.width, ..below };
    places.panes =
        [Rect { width: timeline, ..upper }, health, hotfix, checklist, super::ui::below(rest, upper.height)];
    places
}

/// Rows beside the timeline from which on the hotfix pane gets [`HOTFIX`] of them.
const ROOMY: u16 = 30;
/// Rows of the hotfix pane there.
const HOTFIX: u16 = 13;

/// The checklist gets all its items if that leaves more than half to what is above it.
fn checklist_height(wish: Wish, upper: u16) -> u16 {
    let items = u16::try_from(wish.checklist).unwrap_or(u16::MAX);
    items.saturating_add(2).clamp(6, (upper * 9 / 20).max(6))
}

fn halves(area: Rect) -> (Rect, Rect) {
    let left = area.width / 2;
    (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_or_leaves_the_screen_at_any_size() {
        for (width, height) in (1..=220).step_by(3).flat_map(|w| (1..=80).map(move |h| (w, h))) {
            let area = Rect::new(0, 0, width, height);
            for (zoom, guide) in [(false, false), (false, true), (true, true)] {
                let wish = Wish { focus: Pane::Health, zoom, guide, checklist: 8, airy: guide };
                let places = places(area, wish);
                let mut all: Vec<Rect> = places.panes.to_vec();
                all.extend([places.header, places.summaries, places.keys]);
                all.retain(|rect| !rect.is_empty());
                for (index, a) in all.iter().enumerate() {
                    assert_eq!(a.intersection(area), *a, "{width}×{height}");
                    for b in &all[index + 1..] {
                        assert!(a.intersection(*b).is_empty(), "{width}×{height}: {a} {b}");
                    }
                }
                if shape(area) != Shape::Tiny {
                    let covered: u32 = all.iter().map(|rect| rect.area()).sum();
                    assert_eq!(covered, area.area(), "{width}×{height} has holes");
                }
            }
        }
    }

    #[test]
    fn what_is_said_at_length_takes_its_rows_from_what_is_above_the_keys() {
        for (width, height) in [(160, 45), (120, 36), (80, 24)] {
            let wish = Wish { focus: Pane::Timeline, zoom: false, guide: false, checklist: 8, airy: true };
            let mut places = places(Rect::new(0, 0, width, height), wish);
            let keys = places.keys;
            let said = places.give(2);
            assert_eq!((said.height, said.bottom(), said.width), (2, keys.y, width));
            for place in places.panes.iter().chain([&places.summaries]) {
                assert!(place.intersection(said).is_empty(), "{width}×{height}: {place}");
            }
            assert_eq!(places.keys, keys);
        }
    }

    #[test]
    fn every_size_named_in_the_design_has_its_shape() {
        let of = |w, h| shape(Rect::new(0, 0, w, h));
        assert_eq!(of(160, 45), Shape::Columns);
        assert_eq!(of(120, 36), Shape::Grid);
        assert_eq!(of(100, 30), Shape::Grid);
        assert_eq!(of(80, 24), Shape::Compact);
        assert_eq!(of(40, 12), Shape::Glance);
        assert_eq!(of(39, 12), Shape::Tiny);
        assert_eq!(of(500, 3), Shape::Tiny);
    }
}
