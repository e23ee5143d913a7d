//! Approvals that are given on other machines: they count for whom they are from where that person's own machine signed
//! them, and what somebody brings in a file is signed by nobody.

use serde_json::Value;

use super::clones::clone_elsewhere;
use super::sharing_plans::Team;
use super::world::Shell;

const PROTECTED: &str = r#"
[[environments]]
name = "staging"
deploy = ["./deploy.sh", "{ref}"]
protected = true
gates = ["approvals"]
"#;

fn synced(shell: &Shell) {
    shell.flightdeck(&["share", "sync"]).succeeded();
}

/// Who approved, and whether that is verified, as it is seen at a place.
fn approvals(shell: &Shell) -> Vec<(String, bool)> {
    let status = shell.json(&["status", "--json"]);
    let all = status["approvals"].as_array().unwrap().iter();
    let mut all: Vec<_> = all
        .map(|one: &Value| (one["by"].as_str().unwrap().to_owned(), one["verified"] == Value::Bool(true)))
        .collect();
    all.sort();
    all
}

#[test]
fn an_approval_is_the_word_of_whoever_signed_it_on_their_own_machine() {
    let team = Team::new(PROTECTED);
    team.maya.flightdeck(&["deploy", "staging", "--propose"]).succeeded();
    synced(&team.maya);
    synced(&team.omar);
    team.omar.flightdeck(&["approve", "lead"]).succeeded();
    synced(&team.omar);
    // Eve's machine says that it is Li.
    let eve = clone_elsewhere(&team.world, &team.origin, "eve", "eve");
    eve.flightdeck(&["join"]).succeeded();
    let as_li = eve.clone().with("FLIGHTDECK_USER", "li");
    as_li.flightdeck(&["approve", "product-manager"]);
    synced(&eve);
    synced(&team.maya);
    let known = [("li".to_owned(), false), ("omar".to_owned(), true)];
    assert_eq!(approvals(&team.maya), known);
    let told = team.maya.flightdeck(&["status"]).succeeded().stdout;
    assert!(told.contains("omar, signed on omar's machine"), "{told}");
    synced(&team.omar);
    assert_eq!(approvals(&team.omar), known);
    // Where it was written Li has no machine of her own that anybody knows of.
    assert_eq!(approvals(&eve), [("li".to_owned(), true), ("omar".to_owned(), true)]);
    // A file says nothing of who signed what is in it, and sharing says it of what came by it.
    let li = clone_elsewhere(&team.world, &team.origin, "li", "li");
    let file = team.world.path("exported.jsonl");
    std::fs::write(&file, team.maya.flightdeck(&["export"]).succeeded().stdout).unwrap();
    li.flightdeck(&["import", &file.to_string_lossy()]).succeeded();
    assert_eq!(approvals(&li), [("li".to_owned(), false), ("omar".to_owned(), false)]);
    li.flightdeck(&["join"]).succeeded();
    assert_eq!(approvals(&li), known);
}
