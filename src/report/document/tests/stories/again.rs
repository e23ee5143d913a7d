//! A fix that broke production again after users were served, where no cockpit was open to see alarms.

use super::*;

const BACK: Carried<'_> = Carried {
    id: "rollback-production-1",
    title: "roll production back: redeploy v1.4.1",
    purpose: "rollback",
    target: "production",
    from: "14:15:00",
    to: "14:16:00",
    end: PlanEnd::Done,
    why: "",
};

fn story() -> Story {
    let mut story = Story::of("Checkout answers 500");
    let back = || released("v1.4.1", "v1.4.1", "cafe123", true);
    story.carry(&BACK, "maya", Some((back(), WatchVerdict::Passed, "")));
    story.at("14:17:00", "maya").tell(Mitigated::default());
    let items = Policy::built_in().checklist;
    for item in &items {
        story.tell(Ticked {
            item: item.id.clone(),
            title: item.title.clone(),
            state: CheckState::Passed,
            note: String::new(),
        });
    }
    let plan = "deploy-production-1".to_owned();
    let fix = released("v1.4.3", "v1.4.3", "beef567", false);
    let commit = fix.commit.clone();
    story.at("14:28:00", "maya").tell(PlanStarted {
        plan: plan.clone(),
        title: "deploy v1.4.3 to production".into(),
        purpose: "deploy".into(),
        target: "production".into(),
        hash: String::new(),
        steps: vec!["deploy".into()],
        confirmed: String::new(),
        spec: serde_json::json!({
            "confirm": "production",
            "subject": { "commit": commit },
            "release": { "tag": "v1.4.3" },
        })
        .into(),
    });
    story.at("14:28:03", "maya").tell(Released { plan: plan.clone(), ..fix });
    story.at("14:28:08", "maya").tell(ReleaseJudged {
        environment: "production".into(),
        commit,
        plan: plan.clone(),
        verdict: WatchVerdict::Failed,
        why: "status 503, expected 200".into(),
    });
    story.tell(PlanEnded { plan, end: PlanEnd::Failed, why: "the watch failed".into() });
    let again = Carried { id: "rollback-production-2", from: "14:28:09", to: "14:28:12", ..BACK };
    story.carry(&again, "maya", Some((back(), WatchVerdict::Passed, "")));
    let after = story.state().heads.iter().map(|head| head.record).collect();
    story.at("14:30:00", "maya").tell(Resolved { after, ..Resolved::default() });
    story
}

#[test]
fn a_fix_that_broke_production_again_is_a_second_outage() {
    let report = story().report();
    let said = "v1.4.3 broke production again from 14:28:03 to 14:28:12; the rollback to v1.4.1 ended it.";
    for section in ["Summary", "Resolution"] {
        let text = text_under(&report, section);
        assert!(text.contains(said), "{section}: {text}");
    }
    let impact = text_under(&report, "Impact");
    assert!(impact.contains("and again for 9s: "), "{impact}");
    let times = text_under(&report, "Response times");
    assert!(times.contains("; v1.4.3 broke production again from 14:28:03 to 14:28:12"), "{times}");
    assert!(
        times.contains("| Fix in place |") && times.contains("| not in place when resolved |"),
        "{times}"
    );
}

#[test]
fn what_passed_for_a_fix_that_was_rolled_back_is_to_be_checked_again() {
    let open = items_under(&story().report(), "Still to do");
    let wanted = "Check v1.4.1: all 8 checklist items passed on v1.4.3, which was rolled back";
    assert!(open.iter().any(|line| line == wanted), "{open:?}");
    assert!(!open.iter().any(|line| line.contains("nobody looked at")), "{open:?}");
    assert!(open.iter().any(|line| line == "Tell stakeholders that it is over"), "{open:?}");
}

#[test]
fn what_does_not_apply_did_not_pass() {
    let mut story = Story::of("Checkout answers 500");
    story.pace = 30_000;
    for (n, item) in Policy::built_in().checklist.iter().enumerate() {
        story.tell(Ticked {
            item: item.id.clone(),
            title: item.title.clone(),
            state: if n == 6 { CheckState::Na } else { CheckState::Passed },
            note: "no app".into(),
        });
    }
    let well = items_under(&story.report(), "What went well");
    let wanted = "7 of 8 checklist items passed; mobile app does not apply.";
    assert!(well.iter().any(|line| line == wanted), "{well:?}");
}
