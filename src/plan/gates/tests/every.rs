//! Every gate, at every severity, in every situation it can be in: the act that meets it.

use super::*;

/// What a person does.
enum Act {
    /// Runs the tests on the commit: `t a`.
    Test,
    /// Ticks the item: `4`, space.
    Tick,
    /// Everybody who has to approves from a terminal of their own: `flightdeck approve ROLE`.
    Approve,
    /// Deploys the commit to staging, and smoke-tests it: `d s`, `d S`.
    Stage,
    /// Names what was live before: `flightdeck live ENV TAG --good`; the plan is made anew with it.
    NameRelease,
    /// Waits until the freeze is over; a P0 overrides it.
    Wait,
}

fn all() -> Vec<(&'static str, Gate, Act)> {
    let window = Window { from: minutes(0), until: minutes(90), why: "closing".into() };
    vec![
        ("checks, not run", checks(), Act::Test),
        ("checklist, open", Gate::Checklist { items: vec![("login".into(), "log in".into())] }, Act::Tick),
        ("approvals, not given", approval_gate(), Act::Approve),
        ("staging, not there", staging(false), Act::Stage),
        ("staging, not smoke-tested", staging(true), Act::Stage),
        (
            "rollback, no release known",
            Gate::Rollback { ready: None, why: "none".into(), unproven: false },
            Act::NameRelease,
        ),
        ("freeze", Gate::Freeze { windows: vec![window] }, Act::Wait),
    ]
}

/// What was recorded before in the way of each: nothing, and the same done once without success.
fn situations(severity: Severity) -> Vec<Told> {
    let failed = Told::at(severity)
        .ran("t-0", "test", "", Some((COMMIT, false)), 1)
        .and(tick("login", CheckState::Failed, "no card"))
        .ran("d-0", "deploy", "staging", Some((COMMIT, false)), 1);
    let elsewhere = Told::at(severity).ran("t-0", "test", "", Some(("another", false)), 0).ran(
        "d-0",
        "deploy",
        "staging",
        Some(("another", false)),
        0,
    );
    vec![Told::at(severity), failed, elsewhere]
}

#[test]
fn every_gate_can_be_met_at_every_severity() {
    for severity in [Severity::P0, Severity::P1, Severity::P2] {
        for (name, gate, act) in all() {
            for (index, told) in situations(severity).into_iter().enumerate() {
                let before = one(gate.clone(), &told);
                let nobody = rule(severity).roles.is_empty() && gate.id() == "approvals";
                let wanted = if nobody { Met::NotApplicable } else { Met::No };
                assert_eq!(before.met, wanted, "{name} at {} ({index}): {}", severity.name(), before.why);
                let after = match act {
                    Act::Test => one(gate.clone(), &told.ran("t-1", "test", "", Some((COMMIT, false)), 0)),
                    Act::Tick => one(gate.clone(), &told.and(tick("login", CheckState::Passed, ""))),
                    Act::Approve => {
                        let roles = rule(severity).roles;
                        let given = roles.iter().enumerate().fold(told, |told, (n, role)| {
                            let who = format!("person-{n}");
                            told.by(&who, yes(role, &who))
                        });
                        one(gate.clone(), &given)
                    }
                    Act::Stage => {
                        let staged = told.ran("d-1", "deploy", "staging", Some((COMMIT, false)), 0).ran(
                            "s-1",
                            "smoke",
                            "staging",
                            Some((COMMIT, false)),
                            0,
                        );
                        one(gate.clone(), &staged)
                    }
                    Act::NameRelease => {
                        let ready = Some("redeploy".to_owned());
                        one(
                            Gate::Rollback { ready, why: "v0.3.0: proven ready".into(), unproven: false },
                            &told,
                        )
                    }
                    Act::Wait => stands(gate.clone(), &told, "maya", 90),
                };
                let met = matches!(after.met, Met::Yes | Met::NotApplicable);
                assert!(met, "{name} at {} ({index}) is not met: {}", severity.name(), after.why);
            }
        }
    }
}
