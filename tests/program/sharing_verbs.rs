//! What verbs write goes to other machines after they have ended, where no cockpit is open.

use super::clones::{bare, clone_elsewhere, declare};
use super::sharing::synced;
use super::world::{Shell, World, wait_until};

/// Two clones whose verbs send by themselves.
fn two(world: &World) -> [Shell; 2] {
    let origin = bare(world);
    ["maya", "omar"].map(|name| clone_elsewhere(world, &origin, name, name).with("FLIGHTDECK_SHARE", "on"))
}

fn shared(shell: &Shell) -> String {
    shell.json(&["status", "--json"])["journal"]["shared"].as_str().unwrap().to_owned()
}

/// How many processes send what verbs wrote.
#[cfg(target_os = "linux")]
fn senders(world: &World) -> usize {
    let home = [b"HOME=", world.path("home").as_os_str().as_encoded_bytes()].concat();
    let read = |pid: &str, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let has = |bytes: &[u8], word: &[u8]| bytes.split(|&byte| byte == 0).any(|one| one == word);
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let all = all.filter_map(|entry| entry.file_name().into_string().ok());
    all.filter(|pid| has(&read(pid, "cmdline"), b"share-after") && has(&read(pid, "environ"), &home)).count()
}

#[test]
fn a_tick_from_a_terminal_arrives_at_others_who_run_verbs_alone() {
    let world = World::new();
    let [maya, omar] = two(&world);
    declare(&maya, "Checkout answers 500");
    wait_until("the incident to be offered", || (omar.flightdeck(&["join"]).code() == Some(0)).then_some(()));
    omar.flightdeck(&["tick", "payment"]).succeeded();
    let ticked = wait_until("the tick to arrive", || {
        let status = maya.json(&["status", "--json"]);
        let all = status["checklist"].as_array().unwrap();
        all.iter().find(|item| item["state"] == "passed").cloned()
    });
    assert_eq!(ticked["by"], "omar");
    for shell in [&maya, &omar] {
        wait_until("all to be there", || (shared(shell) == "in-sync").then_some(()));
        shell.flightdeck(&["verify"]).succeeded();
    }
}

#[test]
fn many_verbs_at_once_send_all_they_wrote_and_nothing_twice() {
    let world = World::new();
    let [maya, omar] = two(&world);
    declare(&maya, "Checkout answers 500");
    std::thread::scope(|scope| {
        for number in 0..12 {
            let maya = &maya;
            scope.spawn(move || maya.flightdeck(&["note", &format!("note {number}")]).succeeded());
        }
    });
    wait_until("all to be there", || (shared(&maya) == "in-sync").then_some(()));
    omar.flightdeck(&["join"]).succeeded();
    let status = omar.json(&["status", "--json"]);
    let notes = status["timeline"].as_array().unwrap().iter().filter(|line| line["kind"] == "note");
    assert_eq!(notes.count(), 12);
    assert_eq!(synced(&maya)["sent"], 0);
}

#[test]
fn what_keeps_records_from_the_remote_is_said_until_they_are_there() {
    let world = World::new();
    let [maya, _] = two(&world);
    declare(&maya, "Checkout answers 500");
    wait_until("all to be there", || (shared(&maya) == "in-sync").then_some(()));
    let (origin, aside) = (world.path("origin.git"), world.path("aside.git"));
    std::fs::rename(&origin, &aside).unwrap();
    maya.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    let told = wait_until("the trouble to be known", || {
        let status = maya.flightdeck(&["status"]).succeeded().stdout;
        status.contains("not at origin yet, since").then_some(status)
    });
    assert!(told.contains("UTC:"), "{told}");
    let next = maya.flightdeck(&["note", "rolling back"]).succeeded();
    assert!(next.stderr.contains("▲ not shared with origin since"), "{next:?}");
    // One tries again, one may send and one wait, however many verbs are run meanwhile.
    for _ in 0..20 {
        maya.flightdeck(&["tick", "payment"]).succeeded();
    }
    #[cfg(target_os = "linux")]
    wait_until("the others to end", || (senders(&world) <= 3).then_some(()));
    std::fs::rename(&aside, &origin).unwrap();
    maya.flightdeck(&["note", "the network is back"]).succeeded();
    wait_until("all to be there", || (shared(&maya) == "in-sync").then_some(()));
    let next = maya.flightdeck(&["note", "it works again"]).succeeded();
    assert!(!next.stderr.contains("not shared"), "{next:?}");
}
