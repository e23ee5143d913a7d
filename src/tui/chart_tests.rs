use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;

use super::testing::*;
use super::theme::{ColorDepth, Role, Theme};
use crate::cockpit::model::Glyphs;
use crate::cockpit::msg::{Fact, KeyPress};
use crate::cockpit::survey::Outside;
use crate::cockpit::{Key, Model, Msg, Pane, update};
use crate::health::columns::Mark;
use crate::health::compare::{Answer, Usual};
use crate::health::network::OWN;
use crate::health::series::{Phases, Sample, State, Status, Verdict};
use crate::health::stretches::Seen;
use crate::health::tracker::{NO_NETWORK, Tracker};
use crate::incident::Alarm;

const SIZES: [(u16, u16); 4] = [(160, 45), (120, 36), (80, 24), (40, 12)];

/// The health pane over the whole screen, its first probe changed.
fn zoomed(change: impl FnOnce(&mut Status)) -> Model {
    let mut model = incident();
    (model.focus, model.zoom) = (Pane::Health, true);
    change(Arc::make_mut(&mut model.probes[0]));
    settle(&mut model);
    model
}

fn usual(model: &mut Model, usual: Usual) {
    let name = model.health_rows().next().unwrap().name.clone();
    let answer = Answer { probe: name.clone(), compared: Vec::new(), usual: Some(usual) };
    model.compared.answers.insert(name, answer);
}

/// Presses keys, with a frame before the first and after each, as the program does.
fn press(model: &mut Model, keys: &[&str], (width, height): (u16, u16)) -> Buffer {
    let theme = Theme::default();
    let mut buf = settled(model, &theme, width, height);
    for (index, key) in keys.iter().enumerate() {
        let press = KeyPress::new(Key::parse(key).unwrap(), 1000 * (index as u64 + 1));
        let _ = update(model, Msg::Key(press));
        buf = settled(model, &theme, width, height);
    }
    buf
}

/// Minutes without an answer, a bad answer that was quick, and one spike.
fn troubled(probe: &mut Status) {
    for (index, (at, value)) in probe.history.iter_mut().enumerate() {
        *value = match index {
            40 => Some(61_000.0),
            120..140 | 160..180 => None,
            _ if index < 84 => Some(180.0 + (index % 5) as f64 * 20.0),
            _ => Some(900.0 + (index % 7) as f64 * 60.0),
        };
        match index {
            120..140 => probe.faults.push_back((*at, Verdict::NoAnswer)),
            20 => probe.faults.push_back((*at, Verdict::Bad)),
            _ => {}
        }
    }
    probe.turn(at("14:10:00"), State::Ok);
    probe.turn(at("14:31:20"), State::Failing);
}

fn scene() -> Model {
    let mut model = zoomed(troubled);
    usual(&mut model, Usual { median: 220.0, quartiles: (120.0, 560.0) });
    model
}

/// The day before as well: a spike of a minute, an outage, and two hours in which nobody asked.
fn a_day() -> Model {
    let mut model = zoomed(|probe| {
        let (newest, first) = (probe.history.back().unwrap().0, probe.history.front().unwrap().0);
        let seen = |minutes: i64| {
            let at = first - SignedDuration::from_mins(minutes);
            let wave = 300.0 + 150.0 * (minutes as f64 / 200.0).sin();
            match minutes {
                300..420 => None,
                700..740 => Some(Seen { at, value: None, mark: Mark::NoAnswer }),
                900 => Some(Seen::sample(at, Some(1900.0))),
                _ => Some(Seen::sample(at, Some(wave + (minutes % 7) as f64 * 10.0))),
            }
        };
        probe.past.fold((1..1440).rev().filter_map(seen), newest);
    });
    usual(&mut model, Usual { median: 220.0, quartiles: (120.0, 560.0) });
    model
}

/// One probe alone, with what is configured of it.
fn alone() -> Model {
    let mut model = incident();
    model.focus = Pane::Health;
    model.config.config = toml::from_str(
        "[[probes]]\nname = \"api /health\"\nurl = \"http://x/health\"\nexpect = [\"status == 200\"]\n\
         fail = \"> 800\"\nrunbook = \"https://runbooks.example/api\"\n\
         [[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\nprotected = true",
    )
    .unwrap();
    troubled(Arc::make_mut(&mut model.probes[0]));
    settle(&mut model);
    usual(&mut model, Usual { median: 220.0, quartiles: (120.0, 560.0) });
    press(&mut model, &["enter"], (120, 36));
    model
}

/// Everything a chart can show.
pub(super) fn scenes() -> Vec<(&'static str, Model)> {
    let with = |keys: &[&str]| {
        let mut model = scene();
        press(&mut model, keys, (120, 36));
        model
    };
    vec![
        ("chart", scene()),
        ("chart-cursor", with(&["left"; 40])),
        ("chart-log", with(&["l"])),
        ("chart-second", with(&["c", "p"])),
        ("chart-day", {
            let mut model = a_day();
            press(&mut model, &["-"; 4], (120, 36));
            model
        }),
        ("probe", alone()),
    ]
}

#[test]
fn every_alert_that_fires_can_be_read_in_the_probes_own_view() {
    let rows: Vec<String> = (1..=6).map(|n| format!("Alert{n} for {n}m (silenced)")).collect();
    let mut model = alone();
    if let Some(sample) = &mut Arc::make_mut(&mut model.probes[0]).last {
        sample.rows = rows.clone();
    }
    for size in [(120, 36), (80, 24)] {
        let shown = text(&press(&mut model, &[], size));
        assert!(rows.iter().all(|row| shown.contains(row)), "{shown}");
    }
}

#[test]
fn the_header_says_that_we_are_offline_or_asks_whether_it_is_this_machine() {
    let shown = |headline: &str| {
        let mut model = incident();
        let probe = |name: &str| {
            let text = format!("name = \"{name}\"\nurl = \"https://{name}.example/\"\nconfirm = 1");
            toml::from_str(&text).unwrap()
        };
        let mut tracker = Tracker::new(&[probe("api"), probe("www")]);
        for place in [0, 1] {
            let verdict = if headline == NO_NETWORK { Verdict::NoData } else { Verdict::NoAnswer };
            let sample = Sample { at: model.now, verdict, headline: headline.into(), ..Sample::default() };
            tracker.observe(place, sample);
        }
        let probes = tracker.statuses().to_vec();
        let _ = update(&mut model, Msg::Fact(Fact::Health { probes }));
        settle(&mut model);
        [(160, 45), (80, 24)].map(|size| text(&press(&mut model, &[], size)))
    };
    for offline in shown(NO_NETWORK) {
        assert!(offline.contains("WE ARE OFFLINE") && !offline.contains("DOWN"), "{offline}");
    }
    for doubtful in shown("timeout") {
        assert!(doubtful.contains("is it this machine?") && doubtful.contains("DOWN"), "{doubtful}");
    }
}

#[test]
fn the_timeline_says_in_words_that_we_are_offline_and_online_again() {
    let mut model = incident();
    let mut scribe = records();
    let offline = "we are offline: no network leads out of this machine";
    for (time, from, to, why) in [("15:30:00", "ok", "error", offline), ("15:31:00", "error", "ok", "")] {
        let [from, to, why] = [from, to, why].map(str::to_owned);
        scribe.write("maya", at(time), Alarm { probe: OWN.to_owned(), from, to, why });
    }
    model.log = Some(scribe.log());
    (model.focus, model.zoom) = (Pane::Timeline, true);
    settle(&mut model);
    let shown = text(&press(&mut model, &[], (120, 36)));
    let line = |wanted: &str| shown.lines().any(|line| line.contains(wanted));
    assert!(line(&format!("✗ {offline}")) && line("this machine is online again: network"), "{shown}");
}

#[test]
fn the_chart_at_every_size() {
    for (width, height) in SIZES {
        let buf = press(&mut scene(), &[], (width, height));
        insta::assert_snapshot!(format!("chart_{width}x{height}"), text(&buf));
    }
    let size = (120, 36);
    insta::assert_snapshot!("chart-cursor_120x36", text(&press(&mut scene(), &["left"; 60], size)));
    insta::assert_snapshot!("chart-cursor_80x24", text(&press(&mut scene(), &["left"; 30], (80, 24))));
    insta::assert_snapshot!("chart-log_120x36", text(&press(&mut scene(), &["l"], size)));
    insta::assert_snapshot!("chart-second_120x36", text(&press(&mut scene(), &["c", "p"], size)));
    for (glyphs, name) in [(Glyphs::Ascii, "ascii"), (Glyphs::Blocks, "blocks")] {
        let mut model = scene();
        model.looks.glyphs = glyphs;
        let shown = text(&press(&mut model, &[], size));
        assert!(glyphs != Glyphs::Ascii || shown.is_ascii(), "{shown}");
        insta::assert_snapshot!(format!("chart-{name}_120x36"), shown);
    }
}

#[test]
fn a_day_is_shown_by_a_key_and_the_picture_says_how_long_it_is() {
    for (width, height) in [(120, 36), (80, 24)] {
        let mut model = a_day();
        let shown = text(&press(&mut model, &[], (width, height)));
        assert!(shown.contains("- more time") && !shown.contains("24h"), "{shown}");
        let shown = text(&press(&mut model, &["-"; 4], (width, height)));
        assert!(shown.contains(" last 24h ") && !shown.contains("- more time"), "{shown}");
        insta::assert_snapshot!(format!("chart-day_{width}x{height}"), shown);
        // The cursor tells of yesterday, with the day.
        let shown = text(&press(&mut model, &["left"; 90], (width, height)));
        let day = model.now - SignedDuration::from_hours(24);
        let day = day.strftime("│ %-d %b ").to_string();
        let line = shown.lines().find(|line| line.contains(&day)).unwrap_or(&shown);
        assert!(line.contains("api /health") && line.contains(" ms"), "{line}");
    }
}

#[test]
fn failures_stand_on_the_ground_and_gaps_are_gaps() {
    let theme = Theme::default();
    let shown = press(&mut scene(), &[], (120, 36));
    let text = text(&shown);
    let ground = text.lines().find(|line| line.contains('└')).unwrap();
    assert!(ground.contains("✗━━") && ground.contains("···") && ground.contains("───"), "{text}");
    assert_eq!(style_of(&shown, "└").fg, theme.of(Role::Border).fg);
    let of = |sign: &str| {
        let from = text.lines().position(|line| line.contains('└')).unwrap();
        let width = usize::from(shown.area.width);
        let cell = shown.content[from * width..(from + 1) * width].iter().find(|cell| cell.symbol() == sign);
        cell.unwrap().style().fg
    };
    assert_eq!((of("✗"), of("·")), (theme.of(Role::Bad).fg, theme.of(Role::Unknown).fg));
}

#[test]
fn a_spike_is_marked_at_the_edge_and_its_value_is_said() {
    let theme = Theme::default();
    let shown = press(&mut scene(), &[], (120, 36));
    assert_eq!(style_of(&shown, "▲ 61k ms").fg, theme.of(Role::Bad).fg);
    // Not flattened: the axis ends near the other values.
    assert!(text(&shown).contains("1500 ms ┤"), "{}", text(&shown));
}

#[test]
fn a_deploy_that_nobody_made_here_is_marked_as_well() {
    let mut model = scene();
    let shown = text(&press(&mut model, &[], (120, 36)));
    assert!(!shown.contains("deploy v1.4.2"), "{shown}");
    model.outside.push(Outside {
        environment: "production".to_owned(),
        name: "v1.4.2".to_owned(),
        commit: "4f2c91e07bd0f13c5a6e8d2941b7c03fe5a8d6b2".to_owned(),
        at: at("14:20:00"),
    });
    let shown = text(&press(&mut model, &[], (120, 36)));
    assert!(shown.contains("▲ deploy v1.4.2"), "{shown}");
    // That of another environment is not, where a probe is about one.
    model.probes = model
        .probes
        .iter()
        .map(|probe| Arc::new(Status { environment: "staging".to_owned(), ..(**probe).clone() }))
        .collect();
    let shown = text(&press(&mut model, &[], (120, 36)));
    assert!(!shown.contains("deploy v1.4.2"), "{shown}");
}

#[test]
fn what_was_usual_has_a_ground_of_its_own_and_is_said_in_numbers() {
    let theme = Theme::default();
    let shown = press(&mut scene(), &[], (120, 36));
    assert_eq!(style_of(&shown, "┈ usual 220, 120–560").bg, theme.of(Role::ChartBand).bg);
    // Without such a ground there are lines.
    let plain = theme.downgrade(ColorDepth::None);
    let lines = |buf: &Buffer| text(buf).lines().filter(|line| line.contains("┈┈┈┈")).count();
    assert_eq!(lines(&settled(&mut scene(), &plain, 120, 36)), lines(&shown) + 2);
}

#[test]
fn no_words_stand_in_the_picture() {
    for (size, usual) in [((160, 45), 220.0), ((120, 36), 1990.0), ((120, 36), 0.4), ((80, 24), 0.4)] {
        let mut model = scene();
        self::usual(&mut model, Usual { median: usual, quartiles: (usual, usual) });
        let shown = text(&press(&mut model, &[], size));
        let (above, picture) = shown.split_once("┤").unwrap();
        let picture = picture.split('└').next().unwrap_or_default();
        assert!(!picture.contains("usual") && !picture.contains("max"), "{size:?}:\n{shown}");
        assert!(above.contains("╌ max 800   ┈ usual"), "{size:?}:\n{shown}");
    }
}

#[test]
fn the_cursor_says_time_value_and_state_and_the_chart_stands_still_meanwhile() {
    let theme = Theme::default();
    let mut model = scene();
    let shown = press(&mut model, &["left"; 40], (120, 36));
    let said = text(&shown);
    let line = |text: &str| text.lines().find(|line| line.contains("paused")).unwrap().to_owned();
    let before = line(&said);
    assert!(before.contains("api /health") && before.contains(" ms"), "{before}");
    assert!(before.contains("failing since 14:31:20") && before.contains("esc goes back to now"), "{before}");
    assert_eq!(style_of(&shown, "esc goes back to now").fg, theme.of(Role::Faint).fg);
    // Ten minutes later the same columns are there.
    let picture = |text: &str| {
        let from = text.lines().position(|line| line.contains('┤')).unwrap();
        text.lines().skip(from).collect::<Vec<_>>().join("\n")
    };
    model.now += SignedDuration::from_mins(10);
    let later = text(&press(&mut model, &[], (120, 36)));
    assert_eq!(picture(&later), picture(&said));
    assert_eq!(line(&later), before);
    let left = text(&press(&mut model, &["end"], (120, 36)));
    assert!(!left.contains("paused") && left.contains("expected 200"), "{left}");
}

#[test]
fn a_chart_that_follows_moves_along_by_whole_columns() {
    let mut model = scene();
    let picture = |model: &mut Model| {
        let text = text(&press(model, &[], (120, 36)));
        text.lines()
            .filter(|line| line.contains('⡇') || line.contains('└'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let before = picture(&mut model);
    model.now += SignedDuration::from_secs(40);
    let after = picture(&mut model);
    let cells = |line: &str| line.chars().skip(12).collect::<Vec<_>>();
    let moves = |by: usize| {
        before.iter().zip(&after).all(|(old, new)| {
            let (old, new) = (cells(old), cells(new));
            let kept = old.len() - 16 - by;
            // Ticks of times go along; the words at the right end stay.
            old[by..by + kept - 10] == new[..kept - 10]
        })
    };
    assert!(before.len() == after.len() && (0..3).any(moves), "{before:#?}\n{after:#?}");
}

#[test]
fn a_second_probe_has_a_scale_of_its_own_and_both_are_named() {
    let theme = Theme::default();
    let shown = press(&mut scene(), &["c", "p"], (120, 36));
    let text = text(&shown);
    assert!(text.contains("⠒ api /health, ms   ∙ p95 latency, ms, at the right"), "{text}");
    assert!(text.contains("├ 400 ms"), "{text}");
    assert_eq!(style_of(&shown, "400 ms").fg, theme.of(Role::ChartSecond).fg);
    assert_eq!(style_of(&shown, "∙ p95").fg, theme.of(Role::ChartSecond).fg);
}

#[test]
fn enter_on_a_red_row_shows_all_that_is_known_of_it() {
    for size in SIZES {
        let (width, height) = size;
        let shown = text(&press(&mut alone(), &[], size));
        insta::assert_snapshot!(format!("probe_{width}x{height}"), shown);
        if width < 80 {
            let words = shown.split(['│', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
            for wanted in ["api /hea", "500 in 2.1 s", "expected", "since 14:31:00"] {
                assert!(words.contains(wanted), "{wanted}:\n{shown}");
            }
            continue;
        }
        for wanted in ["since 14:31:00", "status == 200   fails > 800", "https://runbooks.example/api", "┤"]
        {
            assert!(shown.contains(wanted), "{wanted}:\n{shown}");
        }
        assert!(!shown.contains("p95 latency"), "{shown}");
    }
}

#[test]
fn where_the_time_of_an_answer_went_and_what_answers_is_said() {
    let mut model = alone();
    let status = Arc::make_mut(&mut model.probes[0]);
    let ms = Duration::from_millis;
    let nothing = Duration::from_micros(6);
    let phases = Phases {
        resolve: nothing,
        connect: ms(12),
        tls: ms(40),
        first_byte: ms(190),
        body: ms(10),
        kept: false,
    };
    status.last.as_mut().unwrap().phases = Some(phases);
    status.versions = ["1.4.2", "1.4.3", "1.4.3", "1.4.3"].map(|one| vec![one.to_owned()]).into();
    for size in [(160, 45), (120, 36), (80, 24)] {
        let shown = text(&press(&mut model, &[], size));
        let took = "212 ms: connect 12, TLS 40, first byte 190, body 10";
        for wanted in [took, "1.4.3 on 3 of the last 4 answers, 1.4.2 on 1"] {
            assert!(shown.contains(wanted), "{wanted}:\n{shown}");
        }
        assert!(!shown.contains("none since"), "{shown}");
    }
}

#[test]
fn versions_that_nothing_says_any_more_are_dated_and_fit() {
    let mut model = alone();
    let status = Arc::make_mut(&mut model.probes[0]);
    let last = status.last.as_ref().unwrap().at;
    status.versions = ["1.4.2", "1.4.3", "1.4.3", "1.4.3"].map(|one| vec![one.to_owned()]).into();
    status.versions_at = Some(last - SignedDuration::from_mins(12));
    for size in [(160, 45), (80, 24)] {
        let shown = text(&press(&mut model, &[], size));
        let words: Vec<&str> = shown.split(['│', ' ', '\n']).filter(|word| !word.is_empty()).collect();
        let said = words.join(" ");
        for wanted in ["version 1.4.3 on 3 of the last 4 answers, 1.4.2 on 1", "none since 15:", "12m ago"] {
            assert!(said.contains(wanted), "{wanted}:\n{shown}");
        }
    }
}

#[test]
fn what_is_asked_of_a_prometheus_is_said_in_full_where_there_is_room() {
    let asked = "1000 * histogram_quantile(0.95, sum by (le) (rate(checkout_duration_seconds_bucket[1m])))";
    let mut model = alone();
    model.config.config = toml::from_str(&format!(
        "[[probes]]\nname = \"api /health\"\nprometheus = \"http://x\"\nfail = \"> 800\"\nquery = \"\"\"\n{}\"\"\"",
        asked.replace(", sum", ",\n  sum")
    ))
    .unwrap();
    for size in [(160, 45), (120, 36)] {
        let shown = text(&press(&mut model, &[], size));
        let words: String = shown.replace(['│', '\n'], " ").split_whitespace().collect();
        assert!(words.contains(&asked.replace(' ', "")), "{shown}");
        assert!(shown.contains("  asked  "), "{shown}");
    }
}
