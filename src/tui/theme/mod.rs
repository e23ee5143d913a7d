//! What things look like: semantic roles, read from TOML, at the depth of colour there is.
//!
//! Drawing names a [`Role`], never a colour. A theme gives every role a style; fewer colours
//! are worked out once, when the theme is chosen.

mod depth;
mod parse;

use ratatui::style::{Modifier, Style};

use crate::failure::{Failure, Result};
use crate::incident::Severity;

pub use depth::ColorDepth;

macro_rules! roles {
    ($($name:ident = $stored:literal, $doc:literal;)*) => {
        /// What something on the screen is, as far as its looks go.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role {
            $(#[doc = $doc] $name,)*
        }

        impl Role {
            /// All roles, in the order of the theme files.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in theme files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $stored,)*
                }
            }
        }
    };
}

roles! {
    Screen = "screen", "The whole screen: its background and what nothing else is said of.";
    Text = "text", "Plain text.";
    Muted = "muted", "Text of second rank.";
    Faint = "faint", "Text of third rank.";
    Accent = "accent", "What stands out without being good or bad.";
    Border = "border", "The frame of a pane.";
    BorderFocus = "border.focus", "The frame of the focused pane.";
    Title = "title", "The title of a pane.";
    TitleFocus = "title.focus", "The title of the focused pane.";
    Good = "good", "As it should be.";
    Warn = "warn", "Needs attention.";
    Bad = "bad", "Broken or failed.";
    Unknown = "unknown", "Not known, which is neither good nor bad.";
    Info = "info", "Worth knowing.";
    P0 = "severity.p0", "The badge of a P0.";
    P1 = "severity.p1", "The badge of a P1.";
    P2 = "severity.p2", "The badge of a P2.";
    Down = "production.down", "The block that says that production is down.";
    Degraded = "production.degraded", "The same where it answers, but not as it should.";
    Healthy = "production.healthy", "The same where all is good.";
    Uncertain = "production.unknown", "The same where nobody can tell.";
    PhaseDone = "phase.done", "A phase that is behind.";
    PhaseNow = "phase.now", "The phase now.";
    PhaseTodo = "phase.todo", "A phase to come.";
    Clock = "clock", "A clock with time left.";
    ClockSoon = "clock.soon", "A clock in its last quarter.";
    Overdue = "overdue", "A clock that ran out.";
    Next = "next", "The line that says what is next.";
    NextLabel = "next.label", "Its label.";
    NextKey = "next.key", "The key that does what is next.";
    NextThen = "next.then", "What comes after that.";
    Guide = "guide", "The line that guides a newcomer.";
    Selection = "selection", "The row the cursor is on, laid over what is there.";
    Cursor = "cursor", "The bar before the row the cursor is on.";
    Time = "time", "A time of day in a list.";
    Author = "author", "Who wrote something.";
    Pinned = "pinned", "The star of a pinned entry.";
    Retracted = "retracted", "An entry that was taken back.";
    Code = "code", "A command line or a path.";
    Disabled = "disabled", "What cannot be done now.";
    Match = "match", "Letters that were searched for.";
    Key = "key", "The name of a key.";
    Input = "input", "Text being typed.";
    Placeholder = "placeholder", "What is expected where nothing is typed yet.";
    Overlay = "overlay", "The ground of what lies over the cockpit.";
    Behind = "behind", "The cockpit behind it, which is read only for where one is.";
    OverlayBorder = "overlay.border", "Its frame.";
    OverlayTitle = "overlay.title", "Its title.";
    Spark = "spark", "A sparkline.";
    ChartLine = "chart.line", "The line of a chart.";
    ChartLimit = "chart.limit", "The limit in a chart.";
    ChartAxis = "chart.axis", "Axis and labels of a chart.";
    ChartMark = "chart.mark", "A deploy in a chart.";
    ChartBand = "chart.band", "What was usual in a chart: the ground of half of all values.";
    ChartSecond = "chart.second", "A second probe over the first.";
}

impl Role {
    /// Whether it is text that steps back behind other text.
    fn is_second_rank(self) -> bool {
        use Role::{
            Author, ChartAxis, Clock, Disabled, Faint, Muted, PhaseDone, PhaseTodo, Placeholder, Retracted,
            Time, Title,
        };
        matches!(
            self,
            Author
                | ChartAxis
                | Clock
                | Disabled
                | Faint
                | Muted
                | PhaseDone
                | PhaseTodo
                | Placeholder
                | Retracted
                | Time
                | Title
        )
    }

    /// Whether it has to be read across the room.
    fn matters(self) -> bool {
        use Role::{
            Accent, Bad, ClockSoon, Good, Guide, Info, NextThen, Overdue, OverlayTitle, Pinned, Unknown, Warn,
        };
        matches!(
            self,
            Accent
                | Bad
                | ClockSoon
                | Good
                | Guide
                | Info
                | NextThen
                | Overdue
                | OverlayTitle
                | Pinned
                | Unknown
                | Warn
        )
    }
}

impl From<Severity> for Role {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::P0 => Self::P0,
            Severity::P1 => Self::P1,
            _ => Self::P2,
        }
    }
}

/// The built-in themes, by name, the default first.
const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
];

/// A theme: a style for every role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    styles: [Style; Role::ALL.len()],
    depth: ColorDepth,
}

impl Default for Theme {
    fn default() -> Self {
        Self::built_in(BUILT_IN[0].0).expect("the built-in themes are part of the program and tested")
    }
}

impl Theme {
    /// Names of the built-in themes, the default first.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.into_iter().map(|(name, _)| name)
    }

    /// Tells whether a name can only mean a file directly in the folder of themes: letters,
    /// digits, `-` and `_`.
    pub fn is_name(name: &str) -> bool {
        !name.is_empty()
            && name.len() <= 64
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    }

    /// Loads a theme, in full colour. `text` is the content of the user's `NAME.toml`, where
    /// there is such a file; it goes before the built-in theme of that name.
    ///
    /// # Errors
    /// A name that is no name, a theme that does not exist, or a mistake in the text: each
    /// says which, with the nearest known name.
    pub fn load(name: &str, text: Option<&str>) -> Result<Self> {
        let doing = format!("loading the theme `{}`", crate::text::visible(name));
        if !Self::is_name(name) {
            return Err(Failure::usage(
                doing,
                "a theme is named by letters, digits, `-` and `_` alone",
                "name one of the themes that `v t` goes through",
            ));
        }
        match text {
            Some(text) => parse::theme(text).map_err(|cause| {
                Failure::usage(doing, cause, "correct the file, or name a built-in theme in the settings")
            }),
            None => Self::built_in(name).ok_or_else(|| {
                let known = BUILT_IN.map(|(name, _)| name);
                let near = parse::nearest(name, &known)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                Failure::usage(
                    doing,
                    format!("no such theme{near}"),
                    format!("built in are {}", known.join(", ")),
                )
            }),
        }
    }

    fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.into_iter().find(|(known, _)| *known == name)?;
        Some(parse::theme(text).expect("the built-in themes are part of the program and tested"))
    }

    /// The theme with no more colours than the terminal has.
    #[must_use]
    pub fn downgrade(mut self, depth: ColorDepth) -> Self {
        for (role, style) in Role::ALL.iter().zip(&mut self.styles) {
            *style = depth.style(*role, *style);
        }
        self.depth = depth;
        self
    }

    /// The theme for a screen that is shared: read at half its size, in a picture that was compressed. No text is
    /// dim or thin, and what matters is bold.
    #[must_use]
    pub fn presenting(&self) -> Self {
        let mut theme = self.clone();
        let (text, frame) = (self.of(Role::Text).fg, self.of(Role::Muted).fg);
        for (role, style) in Role::ALL.iter().zip(&mut theme.styles) {
            *style = style.remove_modifier(Modifier::DIM | Modifier::ITALIC);
            if role.is_second_rank() {
                style.fg = text;
            } else if role.matters() {
                *style = style.add_modifier(Modifier::BOLD);
            } else if *role == Role::Border {
                style.fg = frame;
            }
        }
        theme
    }

    /// How a role looks.
    pub fn of(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// How many colours the theme was brought down to.
    pub fn depth(&self) -> ColorDepth {
        self.depth
    }
}

#[cfg(test)]
mod tests;
