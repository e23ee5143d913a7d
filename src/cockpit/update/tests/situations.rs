//! What is next in every situation of `tests/situations.toml`, each with the key that does it.

mod story;

use serde::Deserialize;

use super::super::menus;
use super::*;
use crate::cockpit::{Command, ways};
use crate::config::types::{Channel, Check, Flow, Hotfix, THIRD_PARTY};
use crate::deploy::rollback::{Kind, Ready, Way};
use crate::hotfix::outlook::{Bump, Forecast, Outlook, Verdict as Merge};
use crate::hotfix::pull::{self, Looked, Pull, PullState};
use crate::hotfix::state::Upstream;
use crate::incident::{
    Alarm, Approved, CauseDescribed, Closed, CulpritJudged, Delivered, Delivery, HandoffAccepted,
    HandoffOffered, ImpactDescribed, MessageKind, Messaged, Mitigated, Objected, Outcome, PageFollowed,
    PageState, Paged, PhaseEntered, PipelineSeen, PlanEnd, PlanEnded, PlanStarted, Policy, Proposed,
    Rejected, ReleaseJudged, Released, RemoteState, Reopened, ReportSaved, Resolved, Reviewed, RoleTaken,
    RunWaiting, SeverityChanged, Snoozed, StepEnded, StepStarted, StepWaiting, StopAsked, TaskEnded,
    TaskGiven, Ticked, Told, Waits, WatchVerdict,
};
use crate::plan::gates::{ApprovalRule, Gate};
use crate::plan::{Subject, proposal};
use crate::report::runbook::{Runbook, Shelf};
use story::Story;

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
    warns: String,
    #[serde(default)]
    staging: String,
    #[serde(default)]
    third: String,
    #[serde(default)]
    looked: bool,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    commits: usize,
    #[serde(default)]
    unpushed: usize,
    #[serde(default)]
    version: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    merged: Vec<String>,
    #[serde(default)]
    landed: Vec<String>,
    #[serde(default)]
    same: Vec<String>,
    #[serde(default)]
    squashed: Vec<String>,
    #[serde(default)]
    behind: usize,
    #[serde(default)]
    approvals: String,
    #[serde(default = "git_flow")]
    flow: Flow,
    #[serde(default)]
    pull: String,
    #[serde(default)]
    rollback: String,
    #[serde(default)]
    runbook: String,
    smoke: Option<Vec<String>>,
    #[serde(default)]
    channels: Vec<String>,
    gates: Option<Vec<String>>,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    config: String,
    #[serde(default)]
    me: String,
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

impl Situation {
    /// The first three lines, each with its key, and how many approved where that is asked for.
    fn seen(&self) -> (Vec<String>, String) {
        let table = self.table();
        let line = |(next, keys): &(crate::incident::Next, String)| {
            if keys.is_empty() { next.title.clone() } else { format!("{} [{keys}]", next.title) }
        };
        let given = table.model.derived.approvals.filter(|_| !self.approvals.is_empty());
        let given = given.map(|(given, needed, _)| format!("{given}/{needed}"));
        (table.model.derived.next.iter().take(3).map(line).collect(), given.unwrap_or_default())
    }

    /// The cockpit in that situation.
    fn table(&self) -> Table {
        let mut table = Table::new();
        if !self.me.is_empty() {
            table.model.me.clone_from(&self.me);
        }
        let mut story = Story::default();
        let declared =
            Declared { severity: named(&self.severity), service: "shop".into(), ..Declared::example() };
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
            let looked = ways::Looked {
                at: minute(self.at),
                live: None,
                unrecorded: None,
                past: Vec::new(),
                ways: Ok(self.ways()),
            };
            table.send(Msg::Fact(Fact::Ways { environment: "production".into(), looked }));
        }
        if !self.runbook.is_empty() {
            let text = format!("---\nprobes: [errors]\n---\n# {}\n", self.runbook);
            let runbooks = vec![Runbook::of("runbooks/errors.md", &text)];
            let found = Shelf { runbooks, ..Shelf::default() };
            table.send(Msg::Fact(Fact::Runbooks(Box::new(found))));
        }
        if !self.health.is_empty() {
            let state = match self.health.as_str() {
                "green" => Health::Ok,
                "red" => Health::Failing,
                _ => Health::Unknown,
            };
            let there = |probe| Arc::new(Probe { environment: "production".into(), ..probe });
            let mut probes = vec![there(probe("errors", state))];
            if !self.warns.is_empty() {
                probes.push(there(probe(&self.warns, Health::Warn)));
            }
            if !self.staging.is_empty() {
                let state = if self.staging == "red" { Health::Failing } else { Health::Ok };
                let of_staging = probe("staging errors", state);
                probes.push(Arc::new(Probe { environment: "staging".into(), ..of_staging }));
            }
            if !self.third.is_empty() {
                let theirs = probe(&self.third, Health::Failing);
                probes.push(Arc::new(Probe { environment: THIRD_PARTY.into(), ..theirs }));
            }
            table.send(Msg::Fact(Fact::Health { probes }));
        }
        table.send(Msg::Tick(minute(self.at)));
        if self.looked {
            table.keys("S esc");
        }
        table
    }

    fn has_smoke_test(&self, name: &str, protected: bool) -> bool {
        self.smoke.as_ref().map_or(!protected, |all| all.iter().any(|one| one == name))
    }

    fn config(&self) -> ConfigState {
        let environment = |name: &str, protected| Environment {
            smoke: if self.has_smoke_test(name, protected) { vec!["./smoke.sh".into()] } else { Vec::new() },
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
            policy: toml::from_str(&self.policy).unwrap(),
            flags: vec![
                toml::from_str("name = \"loyalty\"\nkind = \"http\"\nurl = \"http://flags.test/loyalty\"")
                    .unwrap(),
            ],
            channels: self.channels(),
            probes: self.probes(),
            ..Config::default()
        };
        let source = match self.config.as_str() {
            "untrusted" => ConfigSource::Untrusted { hash: "0".into(), would_run: Vec::new() },
            _ => ConfigSource::Trusted,
        };
        ConfigState { config, source, found: Vec::new() }
    }

    /// The probe that tells of a third party.
    fn probes(&self) -> Vec<crate::config::types::Probe> {
        if self.third.is_empty() {
            return Vec::new();
        }
        let text = format!("name = \"{}\"\nurl = \"http://a.test/\"\nconcerns = \"third-party\"", self.third);
        vec![toml::from_str(&text).unwrap()]
    }

    fn channels(&self) -> Vec<Channel> {
        if self.channels.is_empty() {
            return Vec::new();
        }
        let audiences = &self.channels;
        let text = format!(
            "name = \"chat\"\nkind = \"command\"\ncommand = [\"./chat.sh\"]\naudiences = {audiences:?}"
        );
        vec![toml::from_str(&text).unwrap()]
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
            base_upstream: Some(Upstream {
                name: "origin/main".into(),
                exists: true,
                ahead: 0,
                behind: self.behind,
            }),
            upstream: Some(upstream),
            tags: Some(self.tag.clone()).filter(|tag| !tag.is_empty()).into_iter().collect(),
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
            merged: self.squashed.iter().map(|one| (commit(one), minute(self.at - 1))).collect(),
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
        let check = |state| pull::Check::new("unit", state);
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
        let (rollback, flag) = self.rollback.split_once(" + ").unwrap_or((&self.rollback, ""));
        let (title, ready) = match rollback.strip_prefix("not ready: ") {
            Some(title) => (title, Ready::Unknown("nobody watched it".into())),
            None if rollback == "none" => ("redeploy", Ready::No("it is gone back to already".into())),
            None => (rollback, Ready::Yes),
        };
        let general = Way { title: title.into(), goes_back_to: "v1.4.1".into(), ready, ..Way::example() };
        let turn = |title: &str| Way { title: title.into(), kind: Kind::FlagOff, ..Way::example() };
        std::iter::once(general).chain(Some(flag).filter(|flag| !flag.is_empty()).map(turn)).collect()
    }
}

/// Every situation of the table: its name, and what makes the cockpit in it.
pub(crate) fn all() -> Vec<(String, impl Fn() -> Model)> {
    let table: Situations = toml::from_str(include_str!("../../../../tests/situations.toml")).unwrap();
    let make = |situation: Situation| (situation.name.clone(), move || situation.table().model);
    table.situation.into_iter().map(make).collect()
}

#[test]
fn no_key_that_is_named_is_refused() {
    let table: Situations = toml::from_str(include_str!("../../../../tests/situations.toml")).unwrap();
    let mut refused = Vec::new();
    for situation in &table.situation {
        let table = situation.table();
        for (next, keys) in table.model.derived.next.iter().filter(|(_, keys)| !keys.is_empty()) {
            let command = Command::parse(next.action).unwrap();
            if let Some(why) = menus::blocked(&table.model, command) {
                refused.push(format!("{}\n  {} [{keys}]: {why}", situation.name, next.title));
            }
        }
    }
    assert!(refused.is_empty(), "{} keys are refused:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn approvals_say_what_next_says_of_them() {
    let table: Situations = toml::from_str(include_str!("../../../../tests/situations.toml")).unwrap();
    let mut asked = 0;
    for situation in &table.situation {
        let table = situation.table();
        let next = table.model.derived.next.iter().find(|(next, _)| next.action == "approvals");
        let Some((next, _)) = next else { continue };
        let note = menus::menu(&table.model, Command::Approvals).note;
        assert!(!note.contains("nothing waits"), "{}: {} / {note}", situation.name, next.title);
        if next.title.starts_with("propose ") {
            let said = format!("no plan is proposed yet: {}", next.title);
            assert!(note.starts_with(&said), "{}: {note}", situation.name);
            asked += 1;
        }
    }
    assert!(asked > 0);
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
