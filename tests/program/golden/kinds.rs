//! A plan of each kind of step, and one that holds all that a plan can hold besides.

use std::collections::BTreeMap;

use flightdeck::config::types::Config;
use flightdeck::incident::{MergeOwed, MergePaid, Severity};
use flightdeck::plan::forge::{Forge, Place, Wanted};
use flightdeck::plan::gates::{ApprovalRule, Gate, Window};
use flightdeck::plan::pipeline::{Begin, Pipeline, Rerun, Runner};
use flightdeck::plan::programs::Program;
use flightdeck::plan::pushed::{Learn, Pushed};
use flightdeck::plan::{
    Action, Ask, Command, FollowUp, ForgeCall, Guard, HttpCall, Merge, OnFailure, Plan, Probe, Purpose,
    Reach, ReleaseSpec, SecretFrom, SecretSource, Settle, Step, Subject, Undo, Watch, Watched,
};
use jiff::SignedDuration;

fn s(text: &str) -> String {
    text.to_owned()
}
fn command(argv: &[&str]) -> Command {
    Command { argv: argv.iter().map(|a| s(a)).collect(), cwd: s("/"), env: vec![], set: BTreeMap::new() }
}
fn full(argv: &[&str]) -> Command {
    Command {
        env: vec![s("DEPLOY_TOKEN"), s("KUBECONFIG")],
        set: [
            (s("FLIGHTDECK_ENV"), s("production")),
            (s("FLIGHTDECK_COMMIT"), s(COMMIT)),
            (s("argv"), s("a \"quoted\" ü\n")),
        ]
        .into(),
        ..command(argv)
    }
}
const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn all_gates() -> Vec<Gate> {
    let rule = ApprovalRule {
        roles: vec![s("lead"), s("product-manager")],
        verbal: false,
        own: false,
        valid_for: SignedDuration::from_hours(24 * 365 * 200),
    };
    vec![
        Gate::Checks {
            checks: vec![s("unit"), s("lint")],
            runs: BTreeMap::new(),
            commit: s(COMMIT),
            same: vec![s("aa11")],
        },
        Gate::Checklist { items: vec![(s("core"), s("core user workflow"))] },
        Gate::Approvals { rules: [(Severity::P0, rule.clone()), (Severity::P1, rule)].into() },
        Gate::Rollback { ready: Some(s("redeploy")), why: s("v1.2.2 was healthy"), unproven: false },
        Gate::Staging { environment: s("staging"), commit: s(COMMIT), same: vec![], smoke: true },
        Gate::Freeze {
            windows: vec![Window {
                from: "2026-12-24T00:00:00Z".parse().unwrap(),
                until: "2026-12-27T00:00:00Z".parse().unwrap(),
                why: s("holidays"),
            }],
        },
    ]
}
fn call() -> HttpCall {
    HttpCall {
        method: s("PATCH"),
        url: s("https://flags.test/a?b=c"),
        headers: [(s("Authorization"), s("Bearer {secret:TOKEN}")), (s("argv"), s("x"))].into(),
        body: s(r#"{"on":true}"#),
        expect: vec![200, 204],
    }
}
fn place(forge: Forge) -> Place {
    Place {
        forge,
        api: s("https://git.test/api/v3"),
        repository: s("shop/payments-api"),
        owner: s("shop"),
        token: s("GITHUB_TOKEN"),
    }
}
fn probes() -> Vec<Watched> {
    let text = r#"
        [[probes]]
        name = "api /health"
        url = "https://api.test/health"
        headers = { accept = "application/json" }
        environment = "production"
        expect = ["status == 200", "latency < 800ms", "body.errors.rate < 0.5"]
        value = "body.errors.rate"
        unit = "%"
        warn = "> 1"
        fail = "> 5.25"
        [[probes]]
        name = "queue"
        command = ["./queue.sh", "--depth"]
        env = ["QUEUE_TOKEN"]
        interval = "30s"
        timeout = "20s"
        confirm = 3
    "#;
    toml::from_str::<Config>(text).unwrap().probes.iter().map(Watched::from).collect()
}
fn pipeline(begin: Begin) -> Pipeline {
    Pipeline {
        runner: Runner::GithubActions { place: place(Forge::Github), workflow: s("deploy.yml") },
        begin,
        commit: s(COMMIT),
        environment: s("production"),
        interval: SignedDuration::from_secs(5),
        pushed: None,
    }
}
fn merge() -> ForgeCall {
    ForgeCall {
        place: place(Forge::Gitlab),
        wanted: Wanted::Merge { number: 12, commit: s(COMMIT), title: s("HOTFIX: x (#12)") },
    }
}
fn asks() -> Probe {
    Probe::command(full(&["./which.sh"]), Some(s("blue")))
}

/// One plan a kind of step, and one of all that a plan can hold beside its steps.
pub(crate) fn kinds() -> Vec<Plan> {
    let one = |id: &str, step: Step| Plan {
        steps: vec![step],
        ..Plan::new(id, format!("a plan of {id}"), Purpose::Deploy, "production")
    };
    let open = ForgeCall {
        place: place(Forge::Github),
        wanted: Wanted::Open {
            head: s("hotfix/x"),
            commit: s(COMMIT),
            base: s("main"),
            title: s("HOTFIX: x"),
            body: s("Why:\n\nbecause"),
            labels: vec![s("hotfix")],
            reviewers: vec![s("li")],
        },
    };
    let merge = merge();
    let mut list = vec![
        one(
            "command",
            Step {
                guards: vec![
                    Guard { title: s("blue is live"), probe: asks() },
                    Guard {
                        title: s("the flag is on"),
                        probe: Probe {
                            ask: Ask::Http { call: call(), path: s("on") },
                            expect: Some(s("true")),
                            negate: true,
                        },
                    },
                ],
                proof: Some(Probe { negate: true, ..asks() }),
                proof_within: SignedDuration::from_secs(90),
                reach: Reach::Others,
                retry_is_safe: true,
                undo: Undo::By {
                    action: Action::Command(full(&["./switch.sh", "blue"])),
                    proof: Some(asks()),
                },
                on_failure: OnFailure::UndoTo { step: 0 },
                ..Step::new("switch to green", Action::Command(full(&["./switch.sh", "green"])), MINUTE)
            },
        ),
        one(
            "http",
            Step {
                undo: Undo::By { action: Action::Http(call()), proof: None },
                on_failure: OnFailure::Ask,
                ..Step::new("flag", Action::Http(call()), MINUTE)
            },
        ),
        one(
            "forge-open",
            Step {
                proof: Some(Probe::forge(&open)),
                ..Step::new("open it", Action::Forge(Box::new(open.clone())), MINUTE)
            },
        ),
        one(
            "forge-merge",
            Step {
                proof: Some(Probe::forge(&merge)),
                undo: Undo::Irreversible { why: s("mail is out") },
                ..Step::new("merge it", Action::Forge(Box::new(merge.clone())), MINUTE)
            },
        ),
        one("gate", Step::new("wait for people", Action::Gate { gates: all_gates() }, MINUTE)),
        one(
            "hold",
            Step {
                on_failure: OnFailure::GoOn,
                ..Step::new("hold", Action::Hold { time: Some(SignedDuration::from_secs(3661)) }, MINUTE)
            },
        ),
        one("hold-open", Step::new("hold", Action::Hold { time: None }, SignedDuration::new(0, 250_000_000))),
        one(
            "watch",
            Step::new(
                "watch",
                Action::Watch(Watch {
                    time: MINUTE,
                    settle: SignedDuration::ZERO,
                    probes: probes(),
                    cwd: s("/"),
                    judges: Some((s("production"), s(COMMIT))),
                    then: None,
                }),
                MINUTE,
            ),
        ),
        one(
            "watch-own",
            Step::new(
                "watch",
                Action::Watch(Watch {
                    time: MINUTE,
                    settle: MINUTE,
                    probes: probes(),
                    cwd: s("/"),
                    judges: None,
                    then: None,
                }),
                MINUTE,
            ),
        ),
        one(
            "settle",
            Step {
                settle: Some(Settle {
                    place: s("/nowhere"),
                    left: command(&["git", "diff", "--name-only"]),
                    conclude: command(&["git", "commit", "--no-edit"]),
                }),
                ..Step::new("merge", Action::Command(command(&["git", "merge", "x"])), MINUTE)
            },
        ),
    ];
    let mut whole =
        one("whole", Step::new("deploy", Action::Command(full(&["./deploy.sh", "a b", "ü", "{x}"])), MINUTE));
    whole.confirm = Some(s("production"));
    whole.frozen =
        [(s("main"), s(COMMIT)), (s("develop"), s("77aa91e0000000000000000000000000000000ab"))].into();
    whole.subject = Some(Subject { reference: s("main"), commit: s(COMMIT), dirty: true });
    whole.gates = all_gates();
    whole.release = Some(ReleaseSpec {
        environment: s("production"),
        reference: s("main"),
        commit: s(COMMIT),
        tag: Some(s("v1.2.4")),
        version: Some(s("1.2.4")),
        rollback: true,
        replaces: None,
        after: 0,
    });
    whole.way = Some(s("redeploy"));
    whole.secrets = vec![
        SecretSource { name: s("DEPLOY_TOKEN"), from: SecretFrom::Env(s("TOKEN")) },
        SecretSource { name: s("KUBECONFIG"), from: SecretFrom::File(s("~/.kube/config")) },
        SecretSource { name: s("TOKEN"), from: SecretFrom::Command(command(&["vault", "read", "x"])) },
    ];
    let owed = MergeOwed {
        commit: s(COMMIT),
        tag: s("v1.2.4"),
        into: s("develop"),
        why: s("main first"),
        plan: s("whole"),
    };
    let paid = MergePaid {
        commit: s(COMMIT),
        tag: s("v1.2.4"),
        into: s("develop"),
        why: s("pushed"),
        plan: s("whole"),
    };
    whole.follow_ups =
        vec![FollowUp { after: 0, what: Merge::Owed(owed) }, FollowUp { after: 0, what: Merge::Paid(paid) }];
    whole.notes = vec![s("takes 3 commits away")];
    whole.programs = vec![
        Program { path: s("/deploy.sh"), leads_to: None, sha256: "ab".repeat(32), executable: true },
        Program {
            path: s("/which.sh"),
            leads_to: Some(s("/ops/which.sh")),
            sha256: "cd".repeat(32),
            executable: false,
        },
    ];
    whole.warnings = vec![s("deploy.sh has uncommitted changes")];
    list.push(whole);
    list.push(Plan {
        purpose: Purpose::Test,
        target: s("check unit"),
        ..one(
            "test",
            Step {
                on_failure: OnFailure::GoOn,
                ..Step::new("check unit", Action::Command(command(&["./unit.sh"])), MINUTE)
            },
        )
    });
    list
}

/// The kinds of steps that came later.
pub(crate) fn later() -> Vec<Plan> {
    let one = |id: &str, step: Step| Plan {
        steps: vec![step],
        ..Plan::new(id, format!("a plan of {id}"), Purpose::Deploy, "production")
    };
    vec![
        one(
            "pipeline",
            Step {
                proof: Some(asks()),
                reach: Reach::Others,
                ..Step::new(
                    "deploy",
                    Action::Pipeline(Box::new(pipeline(Begin::Start {
                        reference: s("main"),
                        inputs: [(s("environment"), s("production"))].into(),
                    }))),
                    MINUTE,
                )
            },
        ),
        one(
            "pipeline-found",
            Step::new(
                "deploy",
                Action::Pipeline(Box::new(Pipeline {
                    runner: Runner::Gitlab { place: place(Forge::Gitlab), trigger: s("TRIGGER") },
                    ..pipeline(Begin::Find { event: s("push"), within: MINUTE })
                })),
                MINUTE,
            ),
        ),
        one(
            "pipeline-command",
            Step::new(
                "deploy",
                Action::Pipeline(Box::new(Pipeline {
                    runner: Runner::Command {
                        start: Some(full(&["./start.sh"])),
                        status: command(&["./status.sh", "{id}"]),
                        logs: Some(command(&["./logs.sh", "{id}"])),
                        cancel: None,
                    },
                    commit: String::new(),
                    ..pipeline(Begin::Start { reference: s("main"), inputs: BTreeMap::new() })
                })),
                MINUTE,
            ),
        ),
        one(
            "pipeline-pushed",
            Step::new(
                "follow",
                Action::Pipeline(Box::new(Pipeline {
                    commit: s("{commit}"),
                    pushed: Some(Pushed {
                        branch: s("main"),
                        replaces: None,
                        tag: Some(s("v1.2.4")),
                        commit: Learn::Merge { call: merge() },
                    }),
                    ..pipeline(Begin::Find { event: s("push"), within: MINUTE })
                })),
                MINUTE,
            ),
        ),
        one(
            "pipeline-pushed-here",
            Step::new(
                "follow",
                Action::Pipeline(Box::new(Pipeline {
                    commit: s("{commit}"),
                    pushed: Some(Pushed {
                        branch: s("main"),
                        replaces: None,
                        tag: None,
                        commit: Learn::Command { command: command(&["git", "rev-parse", "main"]) },
                    }),
                    ..pipeline(Begin::Find { event: s("push"), within: MINUTE })
                })),
                MINUTE,
            ),
        ),
        one(
            "pipeline-rerun",
            Step::new(
                "rerun",
                Action::Pipeline(Box::new(pipeline(Begin::Rerun {
                    run: Rerun {
                        id: s("9001"),
                        name: s("deploy.yml #42"),
                        attempt: 1,
                        failed: false,
                        job: String::new(),
                        only_look: false,
                    },
                }))),
                MINUTE,
            ),
        ),
        one(
            "remote-checks",
            Step::new(
                "checks at the code host",
                Action::Forge(Box::new(ForgeCall {
                    wanted: Wanted::Verdict { commit: s(COMMIT) },
                    ..merge()
                })),
                MINUTE,
            ),
        ),
    ]
}
