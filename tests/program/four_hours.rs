//! A P0 through its four hours under a clock that the test sets: from the declaration to the review, with a
//! rollback that serves users, a fix that goes out, an update that comes late and a commander who goes home.

use serde_json::Value;

use super::drill::{Drill, kept};
use super::wall::Wall;
use super::world::{Shell, World};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// An incident at a clock.
struct Call {
    wall: Wall,
    maya: Shell,
}

impl Call {
    /// It is so many minutes after the declaration now.
    fn at(&self, minutes: i64) -> &Self {
        self.wall.set(minutes * MINUTE);
        self
    }

    fn done(&self, arguments: &[&str]) -> &Self {
        self.maya.flightdeck(arguments).succeeded();
        self
    }

    fn by(&self, person: &str, arguments: &[&str]) -> &Self {
        let shell = self.maya.clone().with("FLIGHTDECK_USER", person);
        shell.flightdeck(arguments).succeeded();
        self
    }

    fn update(&self) -> &Self {
        self.done(&["message", "update", "--send", "--yes"])
    }

    fn status(&self) -> Value {
        self.maya.json(&["status", "--json"])
    }

    /// What is next, the first of it.
    #[track_caller]
    fn next_is(&self, wanted: &str) -> &Self {
        let status = self.status();
        let next = status["next"][0]["title"].as_str().unwrap_or_default().to_owned();
        assert!(next.contains(wanted), "next is {next:?} and not {wanted:?}: {}", status["next"]);
        self
    }

    /// What is next besides.
    #[track_caller]
    fn next_has(&self, wanted: &str) -> &Self {
        let next = self.next();
        assert!(next.contains(wanted), "{wanted:?} is not in {next}");
        self
    }

    /// How a clock stands.
    #[track_caller]
    fn clock_is(&self, id: &str, wanted: &str) -> &Self {
        let clocks = self.status()["clocks"].clone();
        let clock = clocks.as_array().unwrap().iter().find(|clock| clock["id"] == id);
        let clock = clock.unwrap_or_else(|| panic!("no {id} in {clocks}"));
        assert_eq!(clock["state"], wanted, "{clock}");
        self
    }

    /// The rest of what NEXT names, as one text.
    fn next(&self) -> String {
        self.status()["next"].to_string()
    }
}

#[test]
fn a_p0_is_led_through_its_four_hours_a_handoff_and_its_review() {
    let world = World::new();
    // Its services live by the same clock: what they measured is not of another day.
    let wall = Wall::new(&world, "clock");
    let drill = Drill::start_in(&wall.shell(&world.shell(&world.path("home"))), &[]);
    let maya = wall.shell(&drill.shell(&world)).with("FLIGHTDECK_USER", "maya");
    let call = Call { wall, maya };

    // The first ten minutes: declared, paged, told, somebody leads.
    call.at(0).done(&["declare", "Checkout answers 500", "--severity", "P0", "--started-at", "-2m"]);
    call.next_is("mitigate first").next_has("page on-call").clock_is("page", "running");
    call.at(1).done(&["page", "li", "--how", "phone"]).clock_is("page", "met");
    call.next_has("name the incident commander").at(2).done(&["role", "commander", "maya"]);
    call.next_has("tell stakeholders").done(&["message", "--send", "--yes"]);
    call.clock_is("stakeholders", "met").at(3).done(&["role", "on-call", "li"]);
    call.done(&["impact", "About two orders in five are not paid"]);
    call.at(6).done(&["role", "lead", "omar"]).clock_is("escalate", "met");

    // Users first: the last good release is back, and its watch passes.
    call.at(9).done(&["rollback", "redeploy", "--confirm", "production"]);
    assert_eq!(drill.ask(&world, "production_url", "/health")["status"], "ok");
    call.at(10).next_is("users served again?").done(&["resolve", "--mitigated", "--yes"]);
    call.at(12).done(&["note", "only orders without a card fail", "--kind", "finding"]);

    // Updates every fifteen minutes; the cause is looked for, and the fix begun.
    call.at(16).update().clock_is("update", "running");
    call.done(&["hotfix", "start", "no-card"]);
    call.at(30).update();
    call.at(40).done(&["drill", "fix"]).done(&["hotfix", "bump"]).done(&["hotfix", "push"]).done(&["test"]);
    call.at(44).update();
    call.at(50).done(&["deploy", "staging"]).done(&["smoke", "staging"]);
    call.at(58).update();
    // One is forgotten, and NEXT says so before all else.
    call.at(78).clock_is("update", "overdue").next_is("update");
    call.update().clock_is("update", "running");
    for minutes in [92, 106] {
        call.at(minutes).update();
    }

    // Maya has led for two hours. Li takes over, and has it once she accepts.
    call.at(115).done(&["handoff", "to", "li"]);
    assert_eq!(call.status()["roles"]["commander"], "maya");
    assert!(call.next().contains("li: take command"), "{}", call.next());
    let brief = call.maya.flightdeck(&["handoff", "brief"]).succeeded().stdout;
    for wanted in ["About two orders in five", "only orders without a card fail", "hotfix/no-card to staging"]
    {
        assert!(brief.contains(wanted), "{wanted} in\n{brief}");
    }
    call.at(119).by("li", &["handoff", "accept"]);
    assert_eq!(call.status()["roles"]["commander"], "li");
    // Two hours are over, and production has no fix.
    call.at(120).clock_is("fix", "overdue").update();

    // All that comes before production, then production.
    let items = call.status()["checklist"].as_array().unwrap().clone();
    for item in &items {
        call.done(&["tick", item["id"].as_str().unwrap()]);
    }
    call.at(135).update().done(&["hotfix", "finish", "--confirm", "main"]);
    call.at(145).by("omar", &["approve", "lead"]).by("li", &["approve", "on-call-manager"]);
    call.at(149).update().by("maya", &["deploy", "production", "--confirm", "production"]);
    call.clock_is("fix", "late");
    let served = drill.ask(&world, "production_url", "/version");
    assert_eq!(served["version"], "1.4.3");
    assert_eq!(drill.ask(&world, "production_url", "/health")["status"], "ok");
    for minutes in [163, 177, 191, 205, 219, 232] {
        call.at(minutes).update();
    }

    // After four hours it is for the top of the house, too.
    call.at(233).clock_is("executives", "running");
    call.at(239).clock_is("executives", "overdue").next_is("CEO");
    call.done(&["told", "executives", "--how", "phone"]).clock_is("executives", "late");
    call.at(242).done(&["cause", "The loyalty discount took orders without a card to 0 cents"]);
    call.done(&["smoke", "production"]);
    call.at(244).update();
    call.at(245).by("li", &["resolve", "--yes"]).clock_is("review", "running");
    call.at(246).done(&["message", "resolved", "--send", "--yes"]);

    // Afterwards: what is left is somebody's, the review is held the next day, and nothing is open.
    call.at(250).done(&[
        "follow-up",
        "add",
        "test every price without a card",
        "--owner",
        "omar",
        "--due",
        "2099-01-31",
    ]);
    let out = world.path("INC.md");
    call.done(&["report", "--out", out.to_str().unwrap()]);
    call.wall.set(20 * HOUR);
    let agenda = call.maya.flightdeck(&["review", "agenda"]).succeeded().stdout;
    assert!(agenda.contains("Silences") && agenda.contains("The fix was in place"), "{agenda}");
    call.by("li", &["review", "held", "--with", "maya", "--with", "omar", "--with", "li"])
        .clock_is("review", "met");
    call.done(&["close", "--yes"]);
    call.done(&["verify"]);

    // The report says it all, and so does the grade.
    let report = call.maya.flightdeck(&["report"]).succeeded().stdout;
    for wanted in [
        "Checkout answers 500",
        "About two orders in five are not paid",
        "only orders without a card fail",
        "The loyalty discount took orders without a card to 0 cents",
        "resolved at",
        "after 4 hours",
        "v1.4.1",
        "v1.4.3",
        "Test every price without a card (omar",
        "took command from maya",
        "held the review",
    ] {
        assert!(
            report.to_lowercase().contains(&wanted.to_lowercase()),
            "`{wanted}` in the report:\n{report}"
        );
    }
    kept("four-hours", &report);
    kept("four-hours-agenda", &agenda);
    let grade = call.maya.flightdeck(&["drill", "grade"]).succeeded().stdout;
    for wanted in [
        "good     Users first",
        "late     Updates",
        "an update, 5m",
        "late     Fixed in time",
        "late     Executives told",
        "good     Verified",
        "good     Merged back",
        "good     Review",
        "good     Gates",
    ] {
        assert!(grade.contains(wanted), "`{wanted}` in the grade:\n{grade}");
    }
    kept("four-hours-grade", &grade);
    kept("four-hours-messages", &drill.messages());
}
