//! Keys of the chart in the health pane.

use super::super::chart;
use super::super::commands::{Command, Invoke};
use super::super::key::Key;
use super::super::model::{Model, Pane};
use super::super::msg::Item;
use super::{Cx, menus, suspects};

/// Most probes that are offered to be drawn over another.
const MOST: usize = 30;
/// The argument that takes the second probe away. No probe can be called so: names are not empty.
const NONE: &str = "-";

/// Carries out a key of the chart.
pub(super) fn command(cx: &mut Cx<'_>, invoke: &Invoke) {
    let model = &mut *cx.model;
    match invoke.command {
        Command::ChartLog => model.chart.is_log = !model.chart.is_log,
        Command::ChartSecond => {
            model.chart.second = (invoke.argument != NONE).then(|| invoke.argument.clone());
        }
        Command::ChartCloser | Command::ChartWider => {
            let Some((probe, Ok(span))) = model.charted().zip(span(model, invoke.command)) else { return };
            let grid = chart::following(probe, model.now, model.chart.columns, Some(span));
            model.chart.spread(span, grid);
        }
        command => {
            let Some(probe) = model.charted() else { return };
            let grid = chart::following(probe, model.now, model.chart.columns, model.chart.span);
            let first = probe.first().unwrap_or(model.now);
            model.chart.step(if command == Command::ChartEarlier { -1 } else { 1 }, grid, first);
        }
    }
}

/// What the chart would span after a key, or why it does not.
fn span(model: &Model, command: Command) -> Option<Result<i64, String>> {
    let next = if command == Command::ChartCloser { chart::closer } else { chart::wider };
    model.charted().map(|probe| next(probe, model.now, model.chart.span))
}

/// Shows all that is known of the probe under the cursor, and what changed before it failed; or goes back to
/// the panes.
pub(super) fn open(cx: &mut Cx<'_>) {
    if cx.model.shows_one_probe() {
        (cx.model.zoom, cx.model.chart.alone) = (false, false);
        return;
    }
    (cx.model.zoom, cx.model.chart.alone) = (true, true);
    // The foot says which of them it is.
    cx.model.view_mut(Pane::Health).cursor.get_or_insert(0);
    let is_bad = cx.model.charted().is_some_and(|probe| probe.state.is_bad());
    if is_bad && menus::blocked(cx.model, Command::Suspects).is_none() {
        suspects::look_once(cx);
    }
}

/// Why a key of the chart means nothing now; `None`: it does.
pub(super) fn blocked(model: &Model, command: Command) -> Option<String> {
    if model.chart.columns == 0 {
        let zoom = model.keymap.key(Command::Zoom).map_or_else(String::new, |key| format!(" ({key})"));
        return Some(format!("no chart is on the screen: zoom the health pane{zoom}"));
    }
    match command {
        Command::ChartLater if model.chart.still.is_none() => Some("the chart is at its end".to_owned()),
        Command::ChartCloser | Command::ChartWider => span(model, command)?.err(),
        Command::ChartLog if !model.chart.is_log => {
            let can = model.charted().is_some_and(|probe| model.can_be_log(probe));
            (!can).then(|| "its values span less than 100×: a log scale shows no more".to_owned())
        }
        Command::ChartSecond if seconds(model).is_empty() => Some("no other probe".to_owned()),
        _ => None,
    }
}

/// The probes that can be drawn over the one that is.
pub(super) fn seconds(model: &Model) -> Vec<Item> {
    if model.chart.columns == 0 {
        return Vec::new();
    }
    let first = model.charted().map(|probe| probe.name.as_str());
    let others = model.health_rows().filter(|probe| first.is_none_or(|first| probe.name != first));
    let others: Vec<_> = others.take(MOST).collect();
    let names: Vec<&str> = others.iter().map(|probe| probe.name.as_str()).collect();
    let item = |key: Option<char>, label: String, argument: &str| Item {
        key: key.map(Key::char),
        path: String::new(),
        label,
        disabled: None,
        invoke: Invoke { command: Command::ChartSecond, argument: argument.to_owned() },
    };
    let letters = menus::letters(&names, &['0']);
    let mut items: Vec<Item> = others
        .iter()
        .zip(letters)
        .map(|(probe, letter)| {
            let unit = if probe.unit.is_empty() { String::new() } else { format!(", {}", probe.unit) };
            item(letter, format!("{}{unit}", probe.name), &probe.name)
        })
        .collect();
    if model.chart.second.is_some() {
        items.insert(0, item(Some('0'), "draw one alone".to_owned(), NONE));
    }
    items
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};

    use super::super::tests::{Table, probe};
    use super::Pane;
    use crate::cockpit::msg::{Fact, Msg};
    use crate::health::series::{State, Status};

    /// Two probes with a minute of history, a chart of so many columns on the screen.
    fn table(columns: u16) -> Table {
        let mut table = Table::open();
        let now = table.model.now;
        let of = |name: &str, values: &[f64]| {
            let at = |index: usize| now - SignedDuration::from_secs(60 - 5 * index as i64);
            let history: VecDeque<(Timestamp, Option<f64>)> =
                values.iter().enumerate().map(|(index, value)| (at(index), Some(*value))).collect();
            Arc::new(Status { history, interval_s: 5.0, ..probe(name, State::Failing) })
        };
        let probes = vec![of("errors", &[1.0, 2.0, 300.0]), of("latency", &[1.0, 2.0])];
        table.send(Msg::Fact(Fact::Health { probes }));
        table.keys("2");
        table.model.chart.columns = columns;
        table
    }

    fn word(table: &Table) -> &str {
        table.model.word.as_ref().map_or("", |(_, word)| word)
    }

    #[test]
    fn the_cursor_stays_on_its_probe_when_the_rows_change_places() {
        let mut table = table(60);
        table.keys("j");
        let name = |table: &Table| table.model.charted().unwrap().name.clone();
        let (chosen, was) = (name(&table), table.model.view(Pane::Health).cursor);
        let probes = table.model.probes.iter().map(|probe| {
            let state = if probe.name == chosen { State::Failing } else { State::Ok };
            Arc::new(Status { state, ..(**probe).clone() })
        });
        let probes = probes.collect();
        table.send(Msg::Fact(Fact::Health { probes }));
        assert_eq!(name(&table), chosen);
        assert_ne!(table.model.view(Pane::Health).cursor, was);
    }

    #[test]
    fn arrows_move_a_cursor_and_esc_or_end_leave_it() {
        let mut table = table(60);
        table.keys("right");
        assert_eq!(table.model.chart.still, None);
        assert!(word(&table).contains("at its end"), "{}", word(&table));
        for leave in ["esc", "end", "G"] {
            table.keys("left");
            table.keys("left");
            let still = table.model.chart.still.unwrap();
            assert_eq!(still.grid.column(still.at), Some(57));
            table.keys(leave);
            assert_eq!(table.model.chart.still, None, "{leave}");
            assert_eq!(table.model.focus, Pane::Health);
        }
    }

    #[test]
    fn without_a_chart_its_keys_say_what_to_do() {
        for key in ["left", "l", "c", "+", "-"] {
            let mut table = table(0);
            table.keys(key);
            assert!(word(&table).contains("zoom the health pane (z)"), "{key}: {}", word(&table));
            assert!(table.model.overlays.is_empty());
        }
    }

    #[test]
    fn enter_shows_one_probe_alone_and_esc_enter_and_zoom_go_back() {
        for back in ["esc", "enter", "z"] {
            let mut table = table(60);
            table.keys("enter");
            assert!(table.model.shows_one_probe());
            // Other probes are gone through one by one.
            table.keys("j");
            assert_eq!(table.model.charted().map(|probe| probe.name.as_str()), Some("latency"));
            table.keys(back);
            assert!(!table.model.zoom && !table.model.shows_one_probe(), "{back}");
            table.keys("z");
            assert!(table.model.zoom && !table.model.shows_one_probe(), "{back}");
        }
    }

    #[test]
    fn a_log_scale_is_offered_where_values_are_a_hundredfold_apart() {
        let mut table = table(60);
        table.keys("l");
        assert!(table.model.chart.is_log);
        table.keys("l");
        table.keys("j");
        table.keys("l");
        assert!(!table.model.chart.is_log && word(&table).contains("100×"), "{}", word(&table));
    }

    #[test]
    fn plus_and_minus_change_how_much_time_is_shown_and_say_where_that_ends() {
        let mut table = table(60);
        let now = table.model.now;
        let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
        let history = (0..=40).rev().map(|minute| (ago(minute), Some(1.0))).collect();
        let status = Status { history, interval_s: 10.0, ..probe("errors", State::Ok) };
        table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(status)] }));
        for (key, span, said) in [
            ("-", None, "only 40 minutes"),
            ("+", Some(1800), ""),
            ("+", Some(600), ""),
            ("+", Some(600), "as close"),
            ("-", Some(1800), ""),
            ("-", Some(3600), ""),
            ("-", Some(3600), "only 40 minutes"),
        ] {
            table.model.word = None;
            table.keys(key);
            assert_eq!(table.model.chart.span, span, "{key}");
            assert!(word(&table).contains(said), "{key}: {}", word(&table));
        }
        // The moment under the cursor stays.
        for _ in 0..30 {
            table.keys("left");
        }
        let at = table.model.chart.still.unwrap().at;
        table.keys("+");
        let still = table.model.chart.still.unwrap();
        let off = still.at.duration_since(at).as_secs_f64();
        assert!((0.0..=still.grid.step_s()).contains(&-off), "{off}");
        assert!(still.grid.column(at).is_some());
    }

    #[test]
    fn a_second_probe_is_chosen_by_its_letter_and_taken_away_again() {
        let mut table = table(60);
        table.keys("c l");
        assert_eq!(table.model.chart.second.as_deref(), Some("latency"));
        let first = table.model.charted().unwrap().clone();
        assert_eq!(table.model.charted_over(&first).map(|probe| probe.name.as_str()), Some("latency"));
        table.keys("c 0");
        assert_eq!(table.model.chart.second, None);
    }
}
