//! Draws the model: layout, theme, one file a pane, one file an overlay.
//!
//! Drawing only draws: nothing is sorted, searched or worked out here that grows with the
//! record, and nothing is read or written but the cells of the frame. What the core has to
//! know of a frame (how many rows a pane has room for) comes back as [`Regions`].

pub mod canvas;
#[cfg(test)]
mod chart_tests;
mod glyph;
mod header;
#[cfg(test)]
mod hotfix_tests;
mod keys;
mod layout;
mod overlay;
mod paint;
mod pane;
#[cfg(test)]
mod past_tests;
#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod plan_tests;
mod present;
#[cfg(test)]
mod present_tests;
mod progress;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod shown_key_tests;
#[cfg(test)]
mod sight_tests;
#[cfg(test)]
mod size_tests;
mod start;
#[cfg(test)]
mod suspects_tests;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
#[cfg(test)]
mod timeline_tests;
#[cfg(test)]
mod truth_tests;
mod ui;
#[cfg(test)]
mod window_tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::cockpit::model::Glyphs;
use crate::cockpit::{Model, Pane};
use crate::health::series::Status;
use crate::incident::State;
use layout::{Shape, Wish};
use paint::Pen;
use theme::{Role, Theme};
use ui::{Ui, row};

/// From so many lines below the header windows leave the last one free.
const ROOMY: u16 = 16;

/// Fewest lines of a window that gives way to what the program says.
const WINDOW: u16 = 8;

/// Where things are in a frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// The panes that were drawn: the whole of each, and the rows of its list.
    pub panes: Vec<(Pane, Rect, Rect)>,
    /// The row that each line of the timeline belongs to, counted from the first that is drawn.
    pub timeline: Vec<u16>,
    /// Rows that each pane's list has room for, in the order of [`Pane::ALL`]; 0 where the
    /// pane was not drawn.
    pub heights: [u16; 5],
    /// Lines of the top overlay's content that there was room for; 0 where it could not be
    /// shown as it should.
    pub overlay: u16,
    /// First line of the top overlay's content that was drawn: where it asked for lines past
    /// its end, less than it asked for.
    pub overlay_top: usize,
    /// Columns of the chart in the health pane; 0 where none was drawn.
    pub chart: u16,
    /// Where the text cursor is, while a line is being typed.
    pub cursor: Option<Position>,
}

/// Draws one frame of the program on blank cells.
pub fn draw(buf: &mut Buffer, model: &Model, theme: &Theme) -> Regions {
    let area = buf.area;
    if !model.present.on {
        return paint_all(buf, area, Ui { model, theme });
    }
    paint_all(buf, area, Ui { model, theme: &theme.presenting() })
}

/// Draws the chart of a probe alone.
pub fn chart(buf: &mut Buffer, area: Rect, model: &Model, theme: &Theme, probe: &Status) {
    pane::chart(Ui { model, theme }, buf, area, probe);
}

fn paint_all(buf: &mut Buffer, area: Rect, ui: Ui<'_>) -> Regions {
    let mut regions = Regions::default();
    if area.is_empty() {
        return regions;
    }
    buf.set_style(area, ui.of(Role::Screen));
    if layout::shape(area) == Shape::Tiny {
        too_small(ui, buf, area);
    } else {
        let room = if let Some(state) = ui.model.incident() {
            cockpit(ui, buf, area, state, &mut regions)
        } else {
            start::draw(ui, buf, area);
            area
        };
        if let Some(shown) = overlay::draw(ui, buf, beside_words(ui, area, room)) {
            regions.overlay = shown.lines;
            regions.overlay_top = shown.top;
            regions.cursor = shown.cursor;
            keys::said(ui, buf, area);
        }
    }
    if !ui.model.overlays.is_empty() && ui.model.present.on {
        present::pressed_below(ui, buf, area);
    }
    paint::sweep(buf);
    if ui.model.present.on {
        // Of the finished frame: no view can forget it.
        present::mask(buf, &ui.model.present.veil);
    }
    if ui.model.looks.glyphs == Glyphs::Ascii {
        paint::plain(buf);
    }
    regions
}

/// Where windows go while the program says something: above that, if enough is left to decide in.
fn beside_words(ui: Ui<'_>, area: Rect, room: Rect) -> Rect {
    let end = area.bottom().saturating_sub(keys::over(ui, area.width));
    let height = room.height.min(end.saturating_sub(room.y));
    if height < WINDOW { room } else { Rect { height, ..room } }
}

/// Says how much room is needed, in as few columns as there may be.
fn too_small(ui: Ui<'_>, buf: &mut Buffer, area: Rect) {
    let (columns, rows) = Model::LEAST;
    let long = format!("needs {columns}×{rows}, has {}×{}", area.width, area.height);
    let short = format!("needs {columns}×{rows}");
    let shortest = format!("{columns}×{rows}");
    let text = [&long, &short, &shortest].into_iter().find(|text| paint::width(text) <= area.width);
    Pen::new(buf, area, area.height / 2).put(text.unwrap_or(&shortest), ui.of(Role::Text));
}

/// Where everything goes; without an incident there is no pane.
fn places(ui: Ui<'_>, area: Rect) -> layout::Places {
    if ui.model.incident().is_none() {
        return layout::Places::default();
    }
    let wish = Wish {
        focus: ui.model.focus,
        zoom: ui.model.zoom,
        guide: ui.model.derived.guide.is_some(),
        checklist: ui.model.checklist().len(),
        airy: ui.model.present.on,
    };
    layout::places(area, wish)
}

/// Draws the cockpit; returns where overlays may go: how bad it is and what is next are never covered.
fn cockpit(ui: Ui<'_>, buf: &mut Buffer, area: Rect, state: &State, regions: &mut Regions) -> Rect {
    let mut places = places(ui, area);
    let said = if ui.model.overlays.is_empty() { keys::lines(ui, places.keys.width) } else { 0 };
    let said = places.give(said);
    match layout::shape(area) {
        Shape::Tiny => return area,
        Shape::Glance if !ui.model.overlays.is_empty() => return header::strip(ui, buf, area, state),
        Shape::Glance if !ui.model.zoom => {
            let rest = header::glance(ui, buf, places.header, state);
            // A line for each pane is worth more than a blank one above them.
            let gap = u16::from(usize::from(rest.height) > Pane::ALL.len());
            summaries(ui, buf, ui::below(rest, gap), None);
            keys::said(ui, buf, area);
            return area;
        }
        Shape::Glance => {
            header::strip(ui, buf, area, state);
        }
        Shape::Compact => header::short(ui, buf, places.header, state),
        Shape::Grid | Shape::Columns => header::full(ui, buf, places.header, state),
    }
    for (pane, whole) in Pane::ALL.into_iter().zip(places.panes) {
        if !whole.is_empty() {
            let pane::Drawn { list: body, chart, lines } = pane::draw(ui, buf, whole, pane);
            if pane == Pane::Timeline {
                regions.timeline = lines;
            }
            regions.chart = regions.chart.max(chart);
            regions.heights[pane as usize] = body.height;
            regions.panes.push((pane, whole, body));
        }
    }
    summaries(ui, buf, places.summaries, Some(ui.model.focus));
    // A window shows its own keys: those of the cockpit mean nothing there.
    if ui.model.overlays.is_empty() {
        keys::cockpit(ui, buf, places.keys);
        keys::told(ui, buf, said);
    }
    let room = ui::below(area, places.header.height);
    // Where there is room for it the last line stays free for what the program says.
    Rect { height: room.height.saturating_sub(u16::from(room.height > ROOMY)), ..room }
}

/// One line for each pane that is not drawn itself.
fn summaries(ui: Ui<'_>, buf: &mut Buffer, area: Rect, drawn: Option<Pane>) {
    let others = Pane::ALL.into_iter().filter(|pane| Some(*pane) != drawn);
    for (line, pane) in (0..area.height).zip(others) {
        pane::summary(ui, buf, row(area, line), pane);
    }
}
