//! How probes stand, a line each, in plain text.

use unicode_width::UnicodeWidthStr as _;

use super::sheet::{GUTTER, Hue, Line, Sheet, WIDTH, fit};
use super::situation::{ProbeState, Situation};
use crate::health::series::State as HealthState;
use crate::text::visible;

pub(super) fn health(page: &mut Sheet, situation: &Situation) {
    page.section("HEALTH");
    if situation.health.is_empty() {
        page.line(Line::new().put("no probe is configured, or none was asked", Hue::Dim));
    }
    let names = situation.health.iter().map(|probe| visible(&probe.name).width()).max().unwrap_or(0);
    let single = situation.health.iter().filter(|probe| probe.from_one_sample).count();
    let all_single = single > 0 && single == situation.health.len();
    if all_single {
        page.line(Line::new().put("from one sample each: nobody watched in the minutes before", Hue::Dim));
    }
    for probe in &situation.health {
        let line = health_line(probe, names.clamp(8, 24));
        // The value and its limit stand beside each other.
        let says_more = probe.state != HealthState::Ok
            && !["(max ", "(min "].iter().any(|limit| probe.why.contains(limit));
        let mut why = if says_more { visible(&probe.why).into_owned() } else { String::new() };
        if probe.from_one_sample && !all_single {
            let space = if why.is_empty() { "" } else { " " };
            why = format!("{why}{space}(from one sample)");
        }
        let why = why.as_str();
        if line.width + 1 + why.width() <= WIDTH - GUTTER {
            page.line(line.plain(" ").plain(why));
        } else {
            page.line(line);
            page.line(Line::new().plain("  ").put(&fit(why, WIDTH - GUTTER - 2), Hue::Dim));
        }
    }
}

fn health_line(probe: &ProbeState, names: usize) -> Line {
    let (glyph, hue) = match probe.state {
        HealthState::Ok => ("✓", Hue::Good),
        HealthState::Pending | HealthState::Recovering => ("◌", Hue::Warn),
        HealthState::Warn => ("▲", Hue::Warn),
        HealthState::Flapping => ("≈", Hue::Warn),
        HealthState::Failing | HealthState::Error => ("✗", Hue::Bad),
        HealthState::Suppressed => ("✗", Hue::Dim),
        HealthState::Unknown => ("?", Hue::Warn),
    };
    let value = match probe.value {
        Some(value) => format!("{} {}", number(value), probe.unit),
        None => "?".to_owned(),
    };
    let limit = probe.limit.as_deref().map_or_else(String::new, range);
    Line::new()
        .put(glyph, hue)
        .plain(" ")
        .cell(&probe.name, names, Hue::Plain)
        .plain("  ")
        .cell(probe.state.name(), 10, hue)
        .plain(" ")
        .cell(&value, 10, Hue::Plain)
        .cell(&limit, if limit.is_empty() { 0 } else { 13 }, Hue::Dim)
}

/// What a limit leaves: `max 5` of `> 5`.
fn range(limit: &str) -> String {
    match limit.split_once(' ') {
        Some((">" | ">=", most)) => format!("max {most}"),
        Some(("<" | "<=", least)) => format!("min {least}"),
        _ => format!("limit {limit}"),
    }
}

/// A number with as many decimals as are worth reading.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e12 {
        format!("{value:.0}")
    } else if value.abs() >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
