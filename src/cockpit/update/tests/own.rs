//! Actions of the team's own: in menu and palette, and on keys.

use super::*;
use crate::cockpit::Command;
use crate::cockpit::update::menus;

const ACTIONS: &str = r#"
    [[actions]]
    name = "pool"
    title = "Show the connections in use"
    run = ["./pool.sh"]
    reaches = "nothing"
    key = "L"
    [[actions]]
    name = "restart"
    run = ["./restart.sh", "{env}"]
    reaches = "production"
    key = "Q"
    scope = "health"
    [[actions]]
    name = "taken"
    run = ["./taken.sh"]
    reaches = "nothing"
    key = "d"
"#;

fn table() -> Table {
    let mut table = Table::ready();
    table.model.config.config.actions = toml::from_str::<Config>(ACTIONS).unwrap().actions;
    table
}

fn makes(name: &str) -> Vec<Effect> {
    vec![Effect::Prepare(Request::Action { name: name.to_owned() })]
}

#[test]
fn a_key_leads_to_the_plan_where_it_works_and_nowhere_else() {
    assert_eq!(table().keys("L"), makes("pool"));
    assert!(table().keys("Q").is_empty(), "the health pane has no focus");
    assert_eq!(table().keys("2 Q"), makes("restart"));
    let mut table = table();
    table.keys("d");
    assert!(
        matches!(table.model.overlays.last(), Some(Overlay::Menu(menu)) if menu.command == Command::Deploy)
    );
}

#[test]
fn the_menu_and_the_palette_have_them_with_their_keys() {
    let mut table = table();
    table.keys("!");
    let Some(Overlay::Menu(menu)) = table.model.overlays.last() else { panic!("no menu") };
    let labels: Vec<_> = menu.items.iter().map(|item| item.label.as_str()).collect();
    assert_eq!(labels[0], "Show the connections in use  ./pool.sh · L");
    assert_eq!(labels[1], "restart → production  ./restart.sh {env} · 2 Q");
    assert!(
        labels[2]
            .ends_with("▲ the key `d` is taken: everywhere, it means `deploy` (Deploy to an environment)")
    );
    assert_eq!(table.keys("p"), makes("pool"));
    let items = menus::everything(&table.model);
    let found: Vec<_> = items.iter().filter(|item| item.invoke.command == Command::Actions).collect();
    let paths: Vec<_> = found.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(paths, ["L", "2 Q", "! t"]);
}

#[test]
fn nothing_of_a_file_that_is_not_trusted_is_on_a_key() {
    let mut table = table();
    table.model.config.source = ConfigSource::Untrusted { hash: String::new(), would_run: Vec::new() };
    assert!(table.keys("L").is_empty());
    assert!(table.word().contains("does nothing here"), "{}", table.word());
}
