use ratatui::style::{Color, Modifier};

use super::depth::xterm;
use super::*;

fn luminance([r, g, b]: [u8; 3]) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.039_28 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn shown(color: Color) -> [u8; 3] {
    match color {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(index) => xterm(index),
        other => panic!("{other} is not one that can be worked out"),
    }
}

/// Frames are not read, nor what lies behind a window, nor grounds.
fn is_text(role: Role) -> bool {
    let frames = matches!(role, Role::Border | Role::BorderFocus | Role::OverlayBorder);
    !frames && !matches!(role, Role::Selection | Role::ChartBand | Role::Behind)
}

#[test]
fn every_text_stands_out_from_every_ground_it_can_lie_on() {
    for name in Theme::built_in_names() {
        for depth in [ColorDepth::True, ColorDepth::Indexed] {
            let theme = Theme::load(name, None).unwrap().downgrade(depth);
            let grounds = [Role::Screen, Role::Overlay, Role::Selection];
            for role in Role::ALL.iter().copied().filter(|role| is_text(*role)) {
                let style = theme.of(role);
                let own = style.bg.map(|bg| vec![bg]);
                let under = own.unwrap_or_else(|| grounds.map(|g| theme.of(g).bg.unwrap()).to_vec());
                for ground in under {
                    let ratio = contrast(shown(style.fg.unwrap()), shown(ground));
                    // Rounding to 256 colours may cost a little.
                    let least = if depth == ColorDepth::True { 4.5 } else { 4.0 };
                    assert!(ratio >= least, "{name} {depth:?}: {} on {ground}: {ratio:.2}", role.name());
                }
            }
        }
    }
}

#[test]
fn what_carries_meaning_can_be_seen_in_a_scaled_down_call() {
    for name in Theme::built_in_names() {
        for depth in [ColorDepth::True, ColorDepth::Indexed] {
            let theme = Theme::load(name, None).unwrap().downgrade(depth);
            let ground = |role| shown(theme.of(role).bg.unwrap());
            let see = |role: Role, color: [u8; 3], under: Role| {
                let ratio = contrast(color, ground(under));
                let least = if depth == ColorDepth::True { 3.0 } else { 2.7 };
                assert!(ratio >= least, "{name} {depth:?}: {} on {}: {ratio:.2}", role.name(), under.name());
            };
            // Blocks and bands against the screen around them.
            for role in [Role::Next, Role::Down, Role::Degraded, Role::Healthy, Role::Uncertain, Role::P0] {
                see(role, ground(role), Role::Screen);
            }
            // Frames and the bar of the cursor, wherever they are drawn.
            for role in [Role::Border, Role::BorderFocus] {
                see(role, shown(theme.of(role).fg.unwrap()), Role::Screen);
            }
            for under in [Role::Screen, Role::Overlay, Role::Selection] {
                see(Role::Cursor, shown(theme.of(Role::Cursor).fg.unwrap()), under);
            }
            see(Role::OverlayBorder, shown(theme.of(Role::OverlayBorder).fg.unwrap()), Role::Overlay);
        }
    }
}

/// The lines of the header, with and without a window over the panes, as each theme draws them.
#[test]
fn all_that_a_header_says_can_be_read_in_every_theme_and_state() {
    use super::super::testing::*;
    use crate::incident::{Phase, PhaseEntered, Resolved, Severity, SeverityChanged};
    for name in Theme::built_in_names() {
        let theme = Theme::load(name, None).unwrap();
        for severity in [Severity::P0, Severity::P1, Severity::P2] {
            for over in [false, true] {
                let mut scribe = Scribe::new();
                scribe.declare("Checkout answers 500");
                let (reason, answers) = ("seen".to_owned(), Vec::new());
                scribe.write("omar", at("14:40:00"), SeverityChanged { severity, reason, answers });
                scribe.write("omar", at("14:41:00"), PhaseEntered { phase: Phase::Verify });
                if over {
                    scribe.write("omar", at("15:10:00"), Resolved::default());
                }
                let mut model = cockpit(scribe);
                for window in [false, true] {
                    if window {
                        crate::cockpit::update(&mut model, crate::cockpit::Msg::Key(press("i")));
                    }
                    for (columns, rows) in [(160, 45), (120, 36), (80, 24), (40, 12)] {
                        model.size = (columns, rows);
                        let drawn = settled(&mut model, &theme, columns, rows);
                        legible(&drawn, if rows > 12 { 3 } else { 1 }, name);
                    }
                }
            }
        }
    }
}

fn press(key: &str) -> crate::cockpit::msg::KeyPress {
    crate::cockpit::msg::KeyPress::new(crate::cockpit::Key::parse(key).unwrap(), 10_000)
}

/// Asserts that what stands in these lines can be told from what is under it.
fn legible(drawn: &ratatui::buffer::Buffer, lines: u16, theme: &str) {
    let cells = (0..lines).flat_map(|y| (0..drawn.area.width).map(move |x| (x, y)));
    for (x, y) in cells {
        let cell = &drawn[(x, y)];
        if !cell.symbol().chars().all(char::is_alphanumeric) {
            continue;
        }
        let ratio = contrast(shown(cell.fg), shown(cell.bg));
        let size = drawn.area.width;
        assert!(ratio >= 3.0, "{theme}: {} at {x},{y} of {size}: {ratio:.2}", cell.symbol());
    }
}

#[test]
fn built_in_themes_name_every_role() {
    for (name, text) in BUILT_IN {
        let table: toml::Table = toml::from_str(text).unwrap();
        let roles = table["roles"].as_table().unwrap();
        for role in Role::ALL {
            assert!(roles.contains_key(role.name()), "{name} leaves out {}", role.name());
        }
        assert_eq!(roles.len(), Role::ALL.len());
    }
}

#[test]
fn colour_blind_has_no_red_green_pair() {
    let theme = Theme::load("colour-blind", None).unwrap();
    let [r, _, b] = shown(theme.of(Role::Good).fg.unwrap());
    assert!(b > r, "good is blue");
    let [r, _, b] = shown(theme.of(Role::Bad).fg.unwrap());
    assert!(r > b, "bad is orange");
}

#[test]
fn a_users_theme_names_only_what_differs() {
    let text = "base = \"light\"\n[palette]\nsea = \"#004466\"\n[roles]\naccent = { fg = \"sea\", underline = true }";
    let theme = Theme::load("mine", Some(text)).unwrap();
    assert_eq!(theme.of(Role::Accent).fg, Some(Color::Rgb(0, 0x44, 0x66)));
    assert!(theme.of(Role::Accent).add_modifier.contains(Modifier::UNDERLINED));
    assert_eq!(theme.of(Role::Screen), Theme::load("light", None).unwrap().of(Role::Screen));
}

#[test]
fn a_mistake_is_told_with_the_nearest_name() {
    for (text, wanted) in [
        ("[roles]\nborder-focus = {}", "did you mean `border.focus`?"),
        ("[roles]\naccent = { fgg = \"#ffffff\" }", "did you mean `fg`?"),
        ("[palette]\nocean = \"#004466\"\n[roles]\naccent = { fg = \"ocaen\" }", "did you mean `ocean`?"),
        ("[roles]\naccent = { fg = \"#12345\" }", "unknown colour `#12345`"),
        ("[roles]\naccent = { fg = \"#+12345\" }", "unknown colour `#+12345`"),
        ("[roles]\naccent = { bold = 1 }", "`bold` must be true or false"),
        ("bsae = \"dark\"", "did you mean `base`?"),
        ("base = \"drak\"", "did you mean `dark`?"),
        ("[roles", "TOML parse error"),
    ] {
        let failure = Theme::load("mine", Some(text)).unwrap_err();
        assert!(failure.cause.contains(wanted), "{text:?}: {}", failure.cause);
    }
    assert!(Theme::load("ligth", None).unwrap_err().cause.contains("did you mean `light`?"));
}

#[test]
fn a_theme_stays_in_its_folder() {
    for name in ["../dark", "a/b", "..", ".", "", "dark.toml", "a\\b", "a\0b"] {
        assert!(!Theme::is_name(name), "{name:?}");
        assert!(Theme::load(name, Some("")).is_err(), "{name:?}");
    }
    assert!(Theme::built_in_names().all(Theme::is_name));
}

#[test]
fn without_colours_there_are_attributes_only() {
    for name in Theme::built_in_names() {
        let theme = Theme::load(name, None).unwrap().downgrade(ColorDepth::None);
        for role in Role::ALL {
            let style = theme.of(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
        let attributes = |role| theme.of(role).add_modifier;
        assert!(attributes(Role::Selection).contains(Modifier::REVERSED));
        assert!(attributes(Role::Overdue).contains(Modifier::BOLD | Modifier::UNDERLINED));
        assert_ne!(attributes(Role::BorderFocus), attributes(Role::Border));
    }
}

#[test]
fn sixteen_colours_keep_what_they_mean() {
    let theme = Theme::default().downgrade(ColorDepth::Ansi);
    let fg = |role: Role| theme.of(role).fg.unwrap();
    assert!(matches!(fg(Role::Good), Color::Green | Color::LightGreen));
    assert!(matches!(fg(Role::Bad), Color::Red | Color::LightRed));
    assert!(matches!(fg(Role::Warn), Color::Yellow | Color::LightYellow));
    assert_eq!(theme.of(Role::Screen).bg, Some(Color::Black));
    assert_ne!(theme.of(Role::Selection).bg, theme.of(Role::Screen).bg);
}
