use super::testing::*;
use super::theme::Theme;

/// Writes pictures into the folder that is named, to be looked at; nothing otherwise.
#[test]
fn pictures() {
    let Some(folder) = std::env::var_os("FLIGHTDECK_PICTURES") else { return };
    let folder = std::path::PathBuf::from(folder);
    for (name, mut model) in scenes() {
        for theme_name in Theme::built_in_names() {
            let theme = Theme::load(theme_name, None).unwrap();
            for (width, height) in [(160, 45), (120, 36), (100, 30), (80, 24), (40, 12)] {
                let buf = settled(&mut model, &theme, width, height);
                std::fs::write(folder.join(format!("{name}-{theme_name}-{width}x{height}.ans")), ansi(&buf))
                    .unwrap();
            }
        }
    }
}

fn scenes() -> Vec<(&'static str, crate::cockpit::Model)> {
    vec![("start", blank()), ("cockpit", incident())]
}
