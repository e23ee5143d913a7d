//! What is on record in a situation, told in lines.

use super::*;

/// Makes records of lines, in the order of time.
#[derive(Default)]
pub(super) struct Story {
    pub(super) records: Vec<Record>,
    plans: usize,
    pub(super) heads: Vec<RecordId>,
    /// The last page that a service took.
    page: Option<RecordId>,
    /// Whether a hotfix was started and not finished: what is deployed is its branch.
    on_branch: bool,
}

impl Story {
    pub(super) fn tell(&mut self, by: &str, at: Timestamp, body: impl Into<Body>) -> RecordId {
        let count = self.records.len();
        let id = RecordId(Uuid::from_u128(100 + count as u128));
        let hlc = Hlc { wall_ms: at.as_millisecond(), count: u32::try_from(count).unwrap() };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        let author = Author { name: by.into(), node: 1 };
        self.records.push(Record::seal(id, draft, author, hlc, Hash::default()).unwrap().0);
        id
    }

    /// One line: `12 deploy staging done`.
    pub(super) fn line(&mut self, line: &str) {
        let (when, what) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(when) = when.parse() else { return self.shorthand(line) };
        let at = minute(when);
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let text = rest.to_owned();
        match verb {
            "paged" => {
                self.tell("maya", at, Paged { who: text, how: String::new() });
            }
            "paging" => {
                let (kind, audience, channel) = (MessageKind::Page, "on-call".to_owned(), "pager".to_owned());
                let (text, channels) = ("P0".to_owned(), vec![channel.clone()]);
                let message = self.tell("maya", at, Messaged { kind, audience, text, channels, as_of: None });
                let (end, why, reference) = (Delivery::Accepted, String::new(), String::new());
                let taken = Delivered {
                    message,
                    channel: channel.clone(),
                    end,
                    why,
                    reference,
                    again: None,
                    process: None,
                };
                self.tell("maya", at, taken);
                let (state, who) = (PageState::Paging, rest.to_owned());
                self.tell("maya", at, PageFollowed { message, channel, state, who, by_clock: false });
                self.page = Some(message);
            }
            "acknowledged" => {
                let message = self.page.expect("somebody is paged");
                let (channel, state) = ("pager".to_owned(), PageState::Acknowledged);
                self.tell("maya", at, PageFollowed { message, channel, state, who: text, by_clock: false });
            }
            "commander" | "lead" | "on-call-manager" => {
                self.tell("maya", at, RoleTaken { role: verb.into(), person: text });
            }
            "told" => {
                self.tell("maya", at, Told { audience: text, ..Told::default() });
            }
            "impact" => {
                self.tell("maya", at, ImpactDescribed { text });
            }
            "report" => {
                self.tell("maya", at, ReportSaved { file: text });
            }
            "cause" => {
                self.tell("maya", at, CauseDescribed { text });
            }
            "note" | "finding" | "decision" | "problem" | "action" => {
                let kind = named(verb);
                self.tell("maya", at, Noted { kind, text });
            }
            "phase" => {
                self.tell("maya", at, PhaseEntered { phase: named(rest) });
            }
            "severity" => {
                let severity = named(rest);
                self.tell(
                    "maya",
                    at,
                    SeverityChanged { severity, reason: "seen".into(), answers: Vec::new() },
                );
            }
            "offer" | "accepted" | "task" | "back" | "proposed" | "objected" | "reviewed" | "snoozed" => {
                self.team(verb, at, rest);
            }
            "culprit" => {
                let (culprit, verdict) = rest.split_once(' ').unwrap();
                let (culprit, verdict) = (culprit.to_owned(), named(verdict));
                self.tell(
                    "maya",
                    at,
                    CulpritJudged { culprit, title: String::new(), verdict, note: String::new() },
                );
            }
            "alarm" => self.alarm(at, rest),
            "ticked" => self.ticked(at, rest),
            "mitigated" | "resolved" | "reopened" | "closed" => self.status(verb, at, rest),
            "watch" => self.watch(at, rest),
            "canary" => self.canary(at, rest),
            "pipeline" => self.pipeline(at, rest),
            "approved" | "rejected" | "unproven" => {
                self.vote(verb != "rejected", verb != "unproven", at, rest);
            }
            _ => self.plan(verb, at, rest),
        }
    }

    /// A line without a time stands for several.
    fn shorthand(&mut self, line: &str) {
        let lines: &[&str] = match line {
            "team" => {
                &["1 paged li", "2 commander maya", "3 lead omar", "4 told stakeholders", "5 impact all"]
            }
            "no rollback" => &["6 decision no rollback: the schema moved on"],
            "on staging" => {
                &["20 tests passed", "22 deploy staging done", "24 smoke staging done", "26 ticked all"]
            }
            "in production" => &["30 finish done", "34 deploy production done", "35 watch passed"],
            "bad in production" => &["30 finish done", "34 deploy production done", "36 watch failed"],
            other => panic!("no such line: {other}"),
        };
        for line in lines {
            self.line(line);
        }
    }

    /// What people owe each other: a task is for ten minutes, a proposal for five, and a reminder is put off for ten.
    fn team(&mut self, verb: &str, at: Timestamp, rest: &str) {
        let text = rest.to_owned();
        let until = |minutes| at + SignedDuration::from_mins(minutes);
        let of_kind = |kind: &str| self.records.iter().rfind(|one| one.body.kind() == kind).map(|one| one.id);
        let (offer, task, proposal) = (of_kind("handoff-offered"), of_kind("task"), of_kind("proposal"));
        match verb {
            "offer" => self.tell(
                if rest == "maya" { "omar" } else { "maya" },
                at,
                HandoffOffered { role: "commander".into(), to: text, brief: String::new() },
            ),
            "accepted" => self.tell("li", at, HandoffAccepted { offer: offer.unwrap() }),
            "task" => self.tell("maya", at, TaskGiven { text, owner: "omar".into(), until: until(10) }),
            "back" => self.tell("omar", at, TaskEnded { task: task.unwrap(), done: true, result: text }),
            "proposed" => self.tell("maya", at, Proposed { text, until: until(5) }),
            "objected" => self.tell("omar", at, Objected { proposal: proposal.unwrap(), reason: text }),
            "reviewed" => self.tell("maya", at, Reviewed::default()),
            _ => {
                let (reason, title) = ("they are on the phone".to_owned(), String::new());
                self.tell("maya", at, Snoozed { clock: text, title, until: until(10), reason })
            }
        };
    }

    fn alarm(&mut self, at: Timestamp, rest: &str) {
        let (from, to) = if rest == "red" { ("ok", "failing") } else { ("failing", "ok") };
        let alarm = Alarm { probe: "errors".into(), from: from.into(), to: to.into(), why: "40 %".into() };
        self.tell("probe", at, alarm);
    }

    fn ticked(&mut self, at: Timestamp, rest: &str) {
        let (items, state) = match rest.split_once(' ') {
            Some((item, how)) => (vec![item], named(how)),
            None if rest == "all" => (vec!["core", "data"], CheckState::Passed),
            None => (vec![rest], CheckState::Passed),
        };
        for item in items {
            let (item, title) = (item.to_owned(), item.to_owned());
            self.tell("li", at, Ticked { item, title, state, note: String::new() });
        }
    }

    /// A status decision on those before it; `by omar, not knowing`: on none of them.
    fn status(&mut self, verb: &str, at: Timestamp, rest: &str) {
        let knows = rest.is_empty();
        let by = if knows { "maya" } else { "omar" };
        let after = if knows { std::mem::take(&mut self.heads) } else { Vec::new() };
        let id = match verb {
            "mitigated" => self.tell(by, at, Mitigated { after }),
            "resolved" => self.tell(by, at, Resolved { after, ..Resolved::default() }),
            "reopened" => self.tell(by, at, Reopened { reason: "it came back".into(), after }),
            _ => self.tell(by, at, Closed { after }),
        };
        self.heads.push(id);
    }

    fn watch(&mut self, at: Timestamp, rest: &str) {
        let (how, about) = rest.split_once(" @").unwrap_or((rest, "a"));
        let (how, environment) = how.split_once(" on ").unwrap_or((how, "production"));
        let (how, plan) = match how.strip_suffix(" of the canary") {
            Some(how) => (how, format!("deploy-{}", self.plans)),
            None => (how, String::new()),
        };
        let (verdict, why) = match how {
            "passed" => (WatchVerdict::Passed, ""),
            "failed" => (WatchVerdict::Failed, "error rate 40 %"),
            other => panic!("no such verdict: {other}"),
        };
        let environment = environment.to_owned();
        let (commit, why) = (commit(about), why.to_owned());
        self.tell("maya", at, ReleaseJudged { environment, commit, plan, verdict, why });
    }

    /// The deploy of commit a to production is proposed, then approved by these people in the roles
    /// that are asked for, or rejected by the first.
    fn vote(&mut self, approves: bool, proven: bool, at: Timestamp, rest: &str) {
        let rules = Severity::all().map(|one| (one, ApprovalRule::of(&Policy::built_in(), one)));
        let back = Gate::Rollback {
            ready: proven.then(|| "redeploy".into()),
            why: format!("redeploy v1.4.1: {}proven ready", if proven { "" } else { "not " }),
            unproven: false,
        };
        let plan = Plan {
            subject: Some(Subject { reference: "main".into(), commit: commit("a"), dirty: false }),
            title: "deploy main to production".into(),
            gates: vec![Gate::Approvals { rules: rules.collect() }, back],
            ..plan(Some("production"), Reach::Others)
        };
        let proposed = proposal::propose(&plan).unwrap();
        let (id, hash) = (proposed.plan.clone(), proposed.hash.clone());
        self.tell("maya", at, proposed);
        for (person, role) in rest.split(' ').zip(["lead", "on-call-manager"]) {
            let (role, by, plan) = (role.to_owned(), person.to_owned(), Some(id.clone()));
            let (hash, title) = (hash.clone(), String::new());
            if approves {
                let how = String::new();
                self.tell(person, at, Approved { role, by, verbal: false, how, plan, hash, title });
            } else {
                let reason = "the backup still runs".to_owned();
                self.tell(person, at, Rejected { role, by, reason, plan, hash, title });
            }
        }
    }

    /// A plan and how far it came: `deploy production done @b`, `finish failed`, `flag loyalty done`.
    fn plan(&mut self, verb: &str, at: Timestamp, rest: &str) {
        let (rest, about) = rest.split_once(" @").unwrap_or((rest, "a"));
        let (target, how) = rest.rsplit_once(' ').unwrap_or(("", rest));
        let (purpose, target) = match (verb, target) {
            ("tests", _) => ("test", "unit"),
            ("finish" | "push" | "start", _) => ("hotfix", "repository"),
            ("revert", target) => ("rollback", target),
            ("deploy" | "smoke" | "rollback" | "flag", target) => (verb, target),
            other => panic!("no such line: {other:?}"),
        };
        self.plans += 1;
        self.on_branch = verb == "start" || (self.on_branch && verb != "finish");
        let what = if verb == "start" { "hotfix-pool" } else { verb };
        let plan = format!("{what}-{}", self.plans);
        let head = commit(about);
        let confirm = (target == "production").then_some("production");
        self.tell(
            "maya",
            at,
            PlanStarted {
                plan: plan.clone(),
                title: match verb {
                    "flag" => format!("turn {target} off"),
                    "start" => "start hotfix/pool from main 4f2c91e".to_owned(),
                    _ => format!("{verb} {target}").trim().to_owned(),
                },
                purpose: purpose.into(),
                target: if verb == "flag" { format!("flag:{target}") } else { target.into() },
                hash: String::new(),
                steps: vec![if purpose == "test" { "check unit".into() } else { verb.to_owned() }],
                confirmed: String::new(),
                spec: serde_json::json!({
                    "confirm": confirm,
                    "way": if verb == "revert" { "revert" } else { "redeploy" },
                    "frozen": { "HEAD": head },
                    "label": { "tag": "v1.4.3" },
                    "subject": { "reference": "HEAD", "commit": head, "dirty": false },
                })
                .into(),
            },
        );
        let run = format!("{plan}.0");
        self.tell(
            "maya",
            at,
            StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false },
        );
        let (outcome, end) = match how {
            "watching" => return self.released(at, verb, target, &plan, head),
            "done" | "passed" => (Outcome::Exited { code: 0 }, PlanEnd::Done),
            "failed" | "unwell" => (Outcome::Exited { code: 1 }, PlanEnd::Failed),
            "unknown" => (Outcome::Unknown { why: "lost".into() }, PlanEnd::Unknown),
            "cancelled" => (Outcome::Signalled { signal: 15 }, PlanEnd::Cancelled),
            "running" => return,
            "waiting" => {
                let why = "no data from errors".to_owned();
                self.tell("maya", at, StepWaiting { plan, step: 0, why });
                return;
            }
            "asking" => {
                let waits = Waits { since: at, question: Some("passphrase for key:".into()), until: None };
                self.tell("maya", at, RunWaiting { run, waits: Some(waits) });
                return;
            }
            "silent" => {
                let waits = Waits { since: at, question: None, until: None };
                self.tell("maya", at, RunWaiting { run, waits: Some(waits) });
                return;
            }
            other => panic!("no such end: {other}"),
        };
        let (summary, survivors) = (String::new(), Vec::new());
        self.tell(
            "maya",
            at,
            StepEnded {
                plan: plan.clone(),
                step: 0,
                run,
                outcome,
                summary,
                survivors,
                unproven: false,
                tail: Vec::new(),
            },
        );
        if ["done", "unwell"].contains(&how) && ["deploy", "rollback"].contains(&verb) {
            self.released(at, verb, target, &plan, head);
        }
        self.tell("maya", at, PlanEnded { plan, end, why: String::new() });
    }
}

impl Story {
    /// A canary that came to a share, and how its plan ended: `production 50 stopped`.
    fn canary(&mut self, at: Timestamp, rest: &str) {
        let [target, percent, how] = rest.split(' ').collect::<Vec<_>>()[..] else { panic!("{rest}") };
        self.plans += 1;
        let plan = format!("deploy-{}", self.plans);
        let share = crate::incident::share_title(percent.parse().unwrap());
        let head = commit("a");
        self.tell(
            "maya",
            at,
            PlanStarted {
                plan: plan.clone(),
                title: format!("deploy {target}"),
                purpose: "deploy".into(),
                target: target.into(),
                hash: String::new(),
                steps: vec![share, format!("hold at {percent} % for 5m")],
                confirmed: String::new(),
                spec: serde_json::json!({
                    "confirm": target,
                    "subject": { "reference": "main", "commit": head, "dirty": false },
                    "release": { "environment": target, "commit": head, "tag": "v1.4.3" },
                })
                .into(),
            },
        );
        let stopped = || Outcome::Interrupted { why: "stopped by maya".into() };
        let exited = || Outcome::Exited { code: 0 };
        let mut ran = vec![(0, false, exited()), (1, false, stopped())];
        let end = match how {
            "running" | "waiting" => {
                self.looking(at, &plan, how == "waiting");
                return;
            }
            "stopped" => PlanEnd::Cancelled,
            "failed" => PlanEnd::Failed,
            "unknown" => PlanEnd::Unknown,
            "undone" => {
                ran.push((0, true, exited()));
                PlanEnd::Cancelled
            }
            other => panic!("no such end: {other}"),
        };
        for (step, undo, outcome) in ran {
            let (plan, run) = (plan.clone(), format!("{plan}.{step}{undo}"));
            let begun = StepStarted { plan: plan.clone(), step, run: run.clone(), process: None, undo };
            self.tell("maya", at, begun);
            let (summary, survivors) = (String::new(), Vec::new());
            self.tell(
                "maya",
                at,
                StepEnded { plan, step, run, outcome, summary, survivors, unproven: false, tail: Vec::new() },
            );
        }
        self.tell("maya", at, PlanEnded { plan, end, why: String::new() });
    }

    /// A canary that has its share, and is looked at: its look waits for people, or goes on.
    fn looking(&mut self, at: Timestamp, plan: &str, waits: bool) {
        let begun = |step: usize| StepStarted {
            plan: plan.into(),
            step,
            run: format!("{plan}.{step}"),
            process: None,
            undo: false,
        };
        self.tell("maya", at, begun(0));
        let ended = StepEnded {
            plan: plan.into(),
            step: 0,
            run: format!("{plan}.0"),
            outcome: Outcome::Exited { code: 0 },
            summary: String::new(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        self.tell("maya", at, ended);
        self.tell("maya", at, begun(1));
        if waits {
            let why = "no data from errors".to_owned();
            self.tell("maya", at, StepWaiting { plan: plan.into(), step: 1, why });
        }
    }

    /// What a deploy or a rollback brought to its environment.
    fn released(&mut self, at: Timestamp, verb: &str, target: &str, plan: &str, head: String) {
        let back = verb == "rollback";
        let released = Released {
            environment: target.into(),
            reference: if self.on_branch && !back { "hotfix/pool" } else { "main" }.into(),
            commit: if back { commit("0") } else { head.clone() },
            tag: Some(if back { "v1.4.1" } else { "v1.4.3" }.into()).filter(|_| target == "production"),
            version: None,
            plan: plan.into(),
            rollback: back,
            replaces: back.then_some(head),
        };
        self.tell("maya", at, released);
    }
}

impl Story {
    /// A deploy by a workflow that waits in an environment: `production stopping` once somebody stopped it.
    fn pipeline(&mut self, at: Timestamp, rest: &str) {
        let (target, how) = rest.split_once(' ').unwrap();
        self.plans += 1;
        let plan = format!("deploy-{}", self.plans);
        let run = format!("{plan}.0");
        let action = serde_json::json!({ "kind": "pipeline", "runner": { "kind": "github-actions" } });
        let started = PlanStarted {
            plan: plan.clone(),
            title: format!("deploy {target}"),
            purpose: "deploy".into(),
            target: target.into(),
            hash: String::new(),
            steps: vec!["deploy.yml".into()],
            confirmed: String::new(),
            spec: serde_json::json!({ "confirm": target, "steps": [{ "action": action }] }).into(),
        };
        self.tell("maya", at, started);
        let begun = StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false };
        self.tell("maya", at, begun);
        let seen = PipelineSeen {
            plan: plan.clone(),
            step: 0,
            run: run.clone(),
            id: "42".into(),
            name: "deploy.yml #42".into(),
            url: String::new(),
            commit: String::new(),
            attempt: 1,
            state: RemoteState::Waiting,
            asks: true,
            note: "in the environment production".into(),
            ids: Vec::new(),
        };
        self.tell("maya", at, seen);
        self.tell("maya", at, StepWaiting { plan, step: 0, why: "in the environment production".into() });
        match how {
            "waiting" => {}
            "stopping" => {
                self.tell("maya", at, StopAsked { run, kill: false });
            }
            other => panic!("no such pipeline: {other}"),
        }
    }
}
