//! Fewer colours than a theme asks for: 256, 16, or none at all.

use ratatui::style::{Color, Modifier, Style};

use super::Role;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColorDepth {
    /// 24 bits.
    #[default]
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 that every terminal names, in the terminal's own shades.
    Ansi,
    /// None: bold, reverse, underline only. Also what `NO_COLOR` asks for.
    None,
}

/// The 16 colours as xterm shows them, to find the nearest.
const ANSI: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

impl ColorDepth {
    /// The style of a role with no more colours than there are.
    pub(super) fn style(self, role: Role, style: Style) -> Style {
        match self {
            Self::True => style,
            Self::Indexed => Style { fg: style.fg.map(indexed), bg: style.bg.map(indexed), ..style },
            Self::Ansi => ansi_style(role, style),
            Self::None => plain(role, style),
        }
    }

    /// A colour that a program chose for its output, with no more colours than there are.
    pub fn color(self, color: Color) -> Color {
        match self {
            Self::True => color,
            Self::Indexed => indexed(color),
            Self::Ansi => ansi(color),
            Self::None => Color::Reset,
        }
    }
}

/// With 16 colours the ground is black or white; what is only a shade of it would be lost, so
/// the selection takes a colour of its own, for text as well.
fn ansi_style(role: Role, style: Style) -> Style {
    match role {
        Role::Selection | Role::P2 => style.fg(Color::White).bg(Color::Blue),
        // No colour of its own is faint enough.
        Role::ChartBand => Style::new(),
        Role::P0 => style.fg(Color::White).bg(Color::Red),
        Role::P1 => style.fg(Color::Black).bg(Color::Yellow),
        _ => Style { fg: style.fg.map(ansi), bg: style.bg.map(ground), ..style },
    }
}

/// Without colours, what a colour said is said by bold, reverse and underline.
fn plain(role: Role, style: Style) -> Style {
    let kept = style.add_modifier & (Modifier::BOLD | Modifier::CROSSED_OUT | Modifier::UNDERLINED);
    let more = match role {
        Role::Selection => Modifier::REVERSED,
        Role::P0 | Role::P1 | Role::P2 | Role::NextLabel => Modifier::REVERSED | Modifier::BOLD,
        Role::Overdue => Modifier::BOLD | Modifier::UNDERLINED,
        Role::Bad | Role::BorderFocus | Role::ClockSoon | Role::OverlayBorder => Modifier::BOLD,
        Role::Disabled | Role::Placeholder | Role::PhaseTodo => Modifier::DIM,
        _ => Modifier::empty(),
    };
    Style::new().add_modifier(kept | more)
}

fn rgb(color: Color) -> Option<[u8; 3]> {
    match color {
        Color::Rgb(r, g, b) => Some([r, g, b]),
        _ => None,
    }
}

fn indexed(color: Color) -> Color {
    let Some(wanted) = rgb(color) else { return color };
    (16..=255).min_by_key(|index| far(wanted, xterm(*index))).map_or(color, Color::Indexed)
}

/// What xterm shows for an index from 16: a cube of colours, then a ramp of greys.
pub(super) fn xterm(index: u8) -> [u8; 3] {
    let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    if let Some(grey) = index.checked_sub(232) {
        return [8 + 10 * grey; 3];
    }
    let n = index.saturating_sub(16);
    [level(n / 36), level(n / 6 % 6), level(n % 6)]
}

fn ansi(color: Color) -> Color {
    let Some(wanted) = rgb(color) else { return color };
    let [low, high] = [wanted.iter().min(), wanted.iter().max()].map(|n| i32::from(*n.unwrap_or(&0)));
    // Pale tints are still tints: only what has next to no hue becomes a grey.
    let grey = high - low < 40;
    ANSI.into_iter()
        .filter(|(_, [r, g, b])| (r == g && g == b) == grey)
        .min_by_key(|(_, shown)| if grey { far(wanted, *shown) } else { hue_far(wanted, *shown) })
        .map_or(color, |(named, _)| named)
}

/// Black or white, whichever a background is nearer to.
fn ground(color: Color) -> Color {
    match rgb(color) {
        Some([r, g, b]) if u32::from(r) + u32::from(g) + u32::from(b) < 384 => Color::Black,
        Some(_) => Color::White,
        None => color,
    }
}

/// How far two colours look apart, weighted as the eye does, squared.
fn far(a: [u8; 3], b: [u8; 3]) -> i32 {
    let d = |i: usize| i32::from(a[i]) - i32::from(b[i]);
    2 * d(0) * d(0) + 4 * d(1) * d(1) + 3 * d(2) * d(2)
}

/// The same after both are stretched to full saturation, with a small say for brightness.
fn hue_far(a: [u8; 3], b: [u8; 3]) -> i32 {
    let stretch = |c: [u8; 3]| {
        let (low, high) = (c.into_iter().min().unwrap_or(0), c.into_iter().max().unwrap_or(0));
        let range = i32::from(high - low).max(1);
        c.map(|n| ((i32::from(n) - i32::from(low)) * 255 / range) as u8)
    };
    far(stretch(a), stretch(b)) * 8 + far(a, b)
}
