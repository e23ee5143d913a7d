//! How it looks and which keys it has: what the settings and the terminal say.

use jiff::tz::TimeZone;

use crate::cockpit::keymap::Keymap;
use crate::cockpit::model;
use crate::config::settings::{self, LoadedSettings};
use crate::failure::Result;
use crate::runtime::Launch;
use crate::tui::theme::{ColorDepth, Theme};

/// Looks as chosen, and the theme that goes with them.
pub(in crate::runtime) struct Looks {
    pub(super) shown: model::Looks,
    pub(super) theme: Theme,
    pub(super) depth: ColorDepth,
}

impl Looks {
    /// Reads what the settings and the terminal say.
    pub(in crate::runtime) fn of(launch: &Launch) -> Result<Self> {
        let settings = &launch.settings.settings;
        let depth = depth();
        let theme = load_theme(launch, &settings.theme)?.downgrade(depth);
        let mut themes: Vec<String> = Theme::built_in_names().map(str::to_owned).collect();
        if !themes.contains(&settings.theme) {
            themes.push(settings.theme.clone());
        }
        let local = TimeZone::system();
        let zone = match settings.time {
            settings::TimeZone::Utc => TimeZone::UTC,
            settings::TimeZone::Local => local.clone(),
        };
        let shown = model::Looks {
            theme: settings.theme.clone(),
            themes,
            zone,
            local,
            guide: settings.guide,
            alerts: settings.alerts,
            glyphs: glyphs(settings.glyphs),
        };
        Ok(Self { shown, theme, depth })
    }
}

/// Loads a theme: the user's own of that name, else the built-in one.
pub(super) fn load_theme(launch: &Launch, name: &str) -> Result<Theme> {
    let own = Theme::is_name(name).then(|| launch.config_dir.join("themes").join(format!("{name}.toml")));
    let text = own.and_then(|path| std::fs::read_to_string(path).ok());
    Theme::load(name, text.as_deref())
}

/// The characters that are drawn with. The fonts of the Linux console have no dots.
fn glyphs(chosen: settings::Glyphs) -> model::Glyphs {
    match chosen {
        settings::Glyphs::Ascii => model::Glyphs::Ascii,
        settings::Glyphs::Blocks => model::Glyphs::Blocks,
        settings::Glyphs::Unicode if std::env::var("TERM").is_ok_and(|term| term == "linux") => {
            model::Glyphs::Blocks
        }
        settings::Glyphs::Unicode => model::Glyphs::Unicode,
    }
}

/// How many colours the terminal has, as far as it says.
fn depth() -> ColorDepth {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        ColorDepth::None
    } else if matches!(variable("COLORTERM").as_str(), "truecolor" | "24bit")
        || variable("TERM").ends_with("-direct")
    {
        ColorDepth::True
    } else if variable("TERM").contains("256color") {
        ColorDepth::Indexed
    } else {
        ColorDepth::Ansi
    }
}

/// The keys: the defaults with the user's changes.
pub(in crate::runtime) fn keymap(settings: &LoadedSettings) -> Result<Keymap> {
    Keymap::with(&settings.settings.keys).map_err(|bad| {
        let problems = bad.iter().map(|bad| settings.key_problem(&bad.action, None, &bad.why)).collect();
        settings.invalid(problems).into()
    })
}
