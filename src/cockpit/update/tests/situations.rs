//! What is next in every situation of `tests/situations.toml`, each with the key that does it.

use serde::Deserialize;

use super::*;
use crate::cockpit::ways;
use crate::config::types::{Check, Flow, Hotfix};
use crate::deploy::rollback::{Kind, Ready, Way};
use crate::hotfix::outlook::{Bump, Forecast, Outlook, Verdict as Merge};
use crate::hotfix::pull::{self, Looked, Pull, PullState};
use crate::hotfix::state::Upstream;
use crate::incident::{
    Alarm, Approved, CauseDescribed, Closed, ImpactDescribed, Mitigated, Outcome, Paged, PhaseEntered,
    PlanEnd, PlanEnded, PlanStarted, Policy, Rejected, ReleaseJudged, Released, Reopened, Resolved,
    RoleTaken, RunWaiting, SeverityChanged, StepEnded, StepStarted, StepWaiting, Ticked, Told, Waits,
    WatchVerdict,
};
use crate::plan::gates::{ApprovalRule, Gate};
use crate::plan::{Subject, proposal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Situations {
    situation: Vec<Situation>,
}

/// What `tests/situations.toml` explains at its top.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Situation {
    name: String,
    at: i64,
    #[serde(default = "p0")]
    severity: String,
    #[serde(default)]
    record: Vec<String>,
    #[serde(default)]
    health: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    commits: usize,
    #[serde(default)]
    unpushed: usize,
    #[serde(default)]
    version: String,
    #[serde(default)]
    merged: Vec<String>,
    #[serde(default)]
    landed: Vec<String>,
    #[serde(default)]
    same: Vec<String>,
    #[serde(default)]
    approvals: String,
    #[serde(default = "git_flow")]
    flow: Flow,
    #[serde(default)]
    pull: String,
    #[serde(default)]
    rollback: String,
    gates: Option<Vec<String>>,
    #[serde(default)]
    config: String,
    next: Vec<String>,
}

fn p0() -> String {
    "P0".to_owned()
}

fn git_flow() -> Flow {
    Flow::GitFlow
}

/// A commit by its letter.
fn commit(letter: &str) -> String {
    letter.repeat(40)
}

/// A word of the record, as it is stored.
fn named<T: serde::de::DeserializeOwned>(word: &str) -> T {
    serde_json::from_value(word.into()).unwrap_or_else(|error| panic!("{word}: {error}"))
}

fn minute(minute: i64) -> Timestamp {
    time(0) + SignedDuration::from_mins(minute)
}

/// Makes records of lines, in the order of time.
#[derive(Default)]
struct Story {
    records: Vec<Record>,
    plans: usize,
    heads: Vec<RecordId>,
}

impl Story {
    fn tell(&mut self, by: &str, at: Timestamp, body: impl Into<Body>) -> RecordId {
        let count = self.records.len();
        let id = RecordId(Uuid::from_u128(100 + count as u128));
        let hlc = Hlc { wall_ms: at.as_millisecond(), count: u32::try_from(count).unwrap() };
        let draft = Draft::now(IncidentId(Uuid::from_u128(1)), body);
        let author = Author { name: by.into(), node: 1 };
        self.records.push(Record::seal(id, draft, author, hlc, Hash::default()).unwrap().0);
        id
    }

    /// One line: `12 deploy staging done`.
    fn line(&mut self, line: &str) {
        let (when, what) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(when) = when.parse() else { return self.shorthand(line) };
        let at = minute(when);
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let text = rest.to_owned();
        match verb {
            "paged" => {
                self.tell("maya", at, Paged { who: text, how: String::new() });
            }
            "commander" | "lead" => {
                self.tell("maya", at, RoleTaken { role: verb.into(), person: text });
            }
            "told" => {
                self.tell("maya", at, Told { audience: text, ..Told::default() });
            }
            "impact" => {
                self.tell("maya", at, ImpactDescribed { text });
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
                self.tell("maya", at, SeverityChanged { severity, reason: "seen".into() });
            }
            "alarm" => self.alarm(at, rest),
            "ticked" => self.ticked(at, rest),
            "mitigated" | "resolved" | "reopened" | "closed" => self.status(verb, at, rest),
            "watch" => self.watch(at, rest),
            "canary" => self.canary(at, rest),
            "approved" | "rejected" => self.vote(verb == "approved", at, rest),
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
            "resolved" => self.tell(by, at, Resolved { after }),
            "reopened" => self.tell(by, at, Reopened { reason: "it came back".into(), after }),
            _ => self.tell(by, at, Closed { after }),
        };
        self.heads.push(id);
    }

    fn watch(&mut self, at: Timestamp, rest: &str) {
        let (how, about) = rest.split_once(" @").unwrap_or((rest, "a"));
        let (how, environment) = how.split_once(" on ").unwrap_or((how, "production"));
        let (verdict, why) = match how {
            "passed" => (WatchVerdict::Passed, ""),
            "failed" => (WatchVerdict::Failed, "error rate 40 %"),
            other => panic!("no such verdict: {other}"),
        };
        let environment = environment.to_owned();
        let (commit, why) = (commit(about), why.to_owned());
        self.tell("maya", at, ReleaseJudged { environment, commit, plan: String::new(), verdict, why });
    }

    /// The deploy of commit a to production is proposed, then approved by these people in the roles
    /// that are asked for, or rejected by the first.
    fn vote(&mut self, approves: bool, at: Timestamp, rest: &str) {
        let rules = Severity::ALL.into_iter().map(|one| (one, ApprovalRule::of(&Policy::built_in(), one)));
        let back =
            Gate::Rollback { ready: Some("redeploy".into()), why: "redeploy v1.4.1: proven ready".into() };
        let plan = Plan {
            subject: Some(Subject { reference: "main".into(), commit: commit("a"), dirty: false }),
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
        let what = if verb == "start" { "hotfix-pool" } else { verb };
        let plan = format!("{what}-{}", self.plans);
        let head = commit(about);
        let confirm = (target == "production").then_some("production");
        self.tell(
            "maya",
            at,
            PlanStarted {
                plan: plan.clone(),
                title: format!("{verb} {target}").trim().to_owned(),
                purpose: purpose.into(),
                target: target.into(),
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
            StepEnded { plan: plan.clone(), step: 0, run, outcome, summary, survivors, unproven: false },
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
                steps: vec![share, format!("look at {percent} % for 5m")],
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
                StepEnded { plan, step, run, outcome, summary, survivors, unproven: false },
            );
        }
        self.tell("maya", at, PlanEnded { plan, end, why: String::new() });
    }

    /// What a deploy or a rollback brought to its environment.
    fn released(&mut self, at: Timestamp, verb: &str, target: &str, plan: &str, head: String) {
        let back = verb == "rollback";
        let released = Released {
            environment: target.into(),
            reference: "main".into(),
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

impl Situation {
    /// The first three lines, each with its key, and how many approved where that is asked for.
    fn seen(&self) -> (Vec<String>, String) {
        let mut table = Table::new();
        let mut story = Story::default();
        let declared = Declared {
            number: "INC-2026-0001".into(),
            title: "Checkout answers 500".into(),
            severity: named(&self.severity),
            service: "shop".into(),
            impact: String::new(),
            repository: String::new(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let first = story.tell("maya", minute(0), declared);
        story.heads.push(first);
        for line in &self.record {
            story.line(line);
        }
        table.send(Msg::Tick(minute(self.at)));
        table.send(Msg::Fact(Fact::Opened(Box::new(Log::new(story.records).unwrap()))));
        if self.config != "none" {
            table.send(Msg::Fact(Fact::Config(Box::new(self.config()))));
        }
        if let Some(gates) = &self.gates {
            table.model.policy.gates.clone_from(gates);
        }
        if !self.branch.is_empty() {
            self.repository(&mut table);
        }
        if !self.rollback.is_empty() {
            let looked = ways::Looked { at: minute(self.at), live: None, ways: Ok(self.ways()) };
            table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
        }
        if !self.health.is_empty() {
            let state = match self.health.as_str() {
                "green" => Health::Ok,
                "red" => Health::Failing,
                _ => Health::Unknown,
            };
            let probes = vec![Arc::new(Probe { environment: "production".into(), ..probe("errors", state) })];
            table.send(Msg::Fact(Fact::Health { probes, edges: Vec::new() }));
        }
        table.send(Msg::Tick(minute(self.at)));
        let line = |(next, keys): &(crate::incident::Next, String)| {
            if keys.is_empty() { next.title.clone() } else { format!("{} [{keys}]", next.title) }
        };
        let given = table.model.derived.approvals.filter(|_| !self.approvals.is_empty());
        let given = given.map(|(given, needed, _)| format!("{given}/{needed}"));
        (table.model.derived.next.iter().take(3).map(line).collect(), given.unwrap_or_default())
    }

    fn config(&self) -> ConfigState {
        let environment = |name: &str, protected| Environment {
            smoke: if protected { Vec::new() } else { vec!["./smoke.sh".into()] },
            protected,
            ..Environment::new(name, vec!["./deploy.sh".into(), "{ref}".into()])
        };
        let item = |id: &str| crate::incident::ChecklistItem {
            id: id.into(),
            title: id.into(),
            hint: String::new(),
        };
        let config = Config {
            hotfix: Hotfix { flow: self.flow, ..Hotfix::default() },
            checks: vec![Check {
                name: "unit".into(),
                command: vec!["./test.sh".into()],
                timeout: SignedDuration::from_mins(5),
                env: Vec::new(),
            }],
            environments: vec![environment("staging", false), environment("production", true)],
            checklist: vec![item("core"), item("data")],
            ..Config::default()
        };
        let source = match self.config.as_str() {
            "untrusted" => ConfigSource::Untrusted { hash: "0".into(), would_run: Vec::new() },
            _ => ConfigSource::Trusted,
        };
        ConfigState { config, source, found: Vec::new() }
    }

    fn repository(&self, table: &mut Table) {
        let (name, letter) = self.branch.split_once(" @").unwrap_or((&self.branch, "a"));
        let head = Head::Branch { name: name.into(), commit: commit(letter) };
        let upstream =
            Upstream { name: format!("origin/{name}"), exists: true, ahead: self.unpushed, behind: 0 };
        let state = BranchState {
            base: Some("main".into()),
            remote: Some("origin".into()),
            ahead: self.commits,
            upstream: Some(upstream),
            landed: self.landed.iter().map(|one| (commit(one), minute(self.at - 1))).collect(),
            same_content: self.same.iter().map(|one| commit(one)).collect(),
            ..BranchState::new("/src/shop", head)
        };
        table.send(Msg::Fact(Fact::Branch(Box::new(Ok(state)))));
        let forecast = |into: &str| Forecast {
            into: into.into(),
            reference: format!("refs/heads/{into}"),
            commit: "1".repeat(40),
            verdict: if self.merged.iter().any(|one| one == into) { Merge::Contained } else { Merge::Clean },
        };
        let (from, to) = self.version.split_once(" → ").unwrap_or((&self.version, &self.version));
        let bump = Bump { from: from.into(), to: to.into(), tag: format!("v{to}"), disagree: Vec::new() };
        let outlook = Outlook {
            branch: name.into(),
            commit: commit(letter),
            forecasts: vec![forecast("main"), forecast("develop")],
            bump: Some(bump).filter(|_| !self.version.is_empty()),
            ..Outlook::default()
        };
        table.send(Msg::Fact(Fact::Outlook(Box::new(outlook))));
        if !self.pull.is_empty() {
            table.send(Msg::Fact(Fact::Pull(Box::new(self.pull(commit(letter))))));
        }
    }

    fn pull(&self, head: String) -> Looked {
        let mut open = Pull {
            number: 412,
            url: "https://git.example/shop/pull/412".into(),
            title: "HOTFIX: Checkout answers 500".into(),
            state: PullState::Open,
            head,
            approved_by: vec!["omar".into()],
            changes_wanted_by: Vec::new(),
            waits_for: Vec::new(),
            checks: Vec::new(),
            mergeable: Some(true),
            held_by: String::new(),
        };
        let check = |state| pull::Check { name: "unit".into(), state };
        match self.pull.as_str() {
            "none" => return Looked::None,
            "ready" => {}
            "waits for li" => open.waits_for.push("li".into()),
            "li wants changes" => open.changes_wanted_by.push("li".into()),
            "check failed" => open.checks.push(check(pull::CheckState::Failed)),
            "check running" => open.checks.push(check(pull::CheckState::Running)),
            "merged" => open.state = PullState::Merged(Some(commit("b"))),
            other => panic!("no such pull request: {other}"),
        }
        Looked::Known(open)
    }

    fn ways(&self) -> Vec<Way> {
        let (title, ready) = match self.rollback.strip_prefix("not ready: ") {
            Some(title) => (title, Ready::Unknown("nobody watched it".into())),
            None => (self.rollback.as_str(), Ready::Yes),
        };
        vec![Way {
            id: "redeploy".into(),
            title: title.into(),
            kind: Kind::Redeploy,
            environment: "production".into(),
            goes_back_to: "v1.4.1".into(),
            takes_away: Vec::new(),
            takes_away_count: 0,
            ready,
            evidence: Vec::new(),
            migrations: Vec::new(),
            rehearsed: None,
            undone_by: None,
        }]
    }
}

#[test]
fn what_is_next_is_right_in_every_situation() {
    let table: Situations = toml::from_str(include_str!("../../../../tests/situations.toml")).unwrap();
    assert!(table.situation.len() >= 60, "{} situations", table.situation.len());
    let mut wrong = Vec::new();
    for situation in &table.situation {
        let (seen, approvals) = situation.seen();
        if approvals != situation.approvals {
            let (name, wanted) = (&situation.name, &situation.approvals);
            wrong.push(format!("{name}\n  approvals {approvals}, wanted {wanted}"));
        }
        if seen != situation.next {
            let lines = |lines: &[String]| {
                let shown: Vec<String> = lines.iter().map(|line| format!("    {line:?},\n")).collect();
                shown.concat()
            };
            wrong.push(format!(
                "{}\n  wanted\n{}  seen\n{}",
                situation.name,
                lines(&situation.next),
                lines(&seen)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n\n{}",
        wrong.len(),
        table.situation.len(),
        wrong.join("\n")
    );
}
