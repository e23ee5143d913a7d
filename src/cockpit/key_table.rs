//! The table in `docs/keys.md`, made from the table of commands.

use super::commands::{COMMANDS, Scope};
use super::key::Key;

/// Makes the table as Markdown.
fn table() -> String {
    let mut out = String::from("| where | keys | does | action |\n| --- | --- | --- | --- |\n");
    for spec in COMMANDS.iter().filter(|spec| !spec.keys.is_empty()) {
        let opener = match spec.scope {
            Scope::Menu(menu) => menu.spec().keys.first().map_or_else(String::new, |key| format!("{key} ")),
            _ => String::new(),
        };
        let keys: Vec<String> = spec
            .keys
            .iter()
            .filter_map(|key| Key::parse(key))
            .map(|key| format!("`{opener}{}`", key.to_string().replace('|', "\\|")))
            .collect();
        let place = if matches!(spec.scope, Scope::Menu(_)) { "menu" } else { spec.scope.title() };
        out.push_str(
            &[
                "| ",
                &place.to_lowercase(),
                " | ",
                &keys.join(" "),
                " | ",
                spec.help,
                " | `",
                spec.id,
                "` |\n",
            ]
            .concat(),
        );
    }
    out
}

#[test]
fn the_document_of_keys_shows_those_of_the_table() {
    let document = include_str!("../../docs/keys.md");
    let (_, rest) = document.split_once("<!-- keys -->\n").expect("it has a place for the keys");
    let (shown, _) = rest.split_once("<!-- /keys -->").expect("the place for the keys ends");
    assert!(shown.trim() == table().trim(), "put this between the marks in docs/keys.md:\n{}", table());
}
