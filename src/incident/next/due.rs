//! What has to be true before production: tests, staging, the checklist, approvals, and the deploy itself.

use super::super::body::{CheckState, PlanEnd};
use super::super::state::{PlanRun, PlanState, Proposal, Vote, same_person};
use super::{ANOTHER, Rank, Steps, production};

impl Steps<'_> {
    /// What has to happen before production besides what was named already.
    pub(super) fn gates(&mut self) {
        if self.is_shared() || self.done("deploy", production(self.facts)).is_some() {
            return;
        }
        let [checks, freeze, approvals] = ["checks", "freeze", "approvals"].map(|gate| self.missing(gate));
        if let Some(why) = checks
            && !self.list.iter().any(|(_, next)| next.action == "test")
        {
            self.add("test", "", format!("run the checks: {why}"));
        }
        if let Some(why) = freeze {
            self.add("deploy", "", format!("wait, or decide: {why}"));
        }
        if let Some(why) = approvals {
            self.unfilled(&why);
            let Some(title) = self.who_approves(&why) else { return };
            // Only the preview of what would be deployed can ask again.
            match production(self.facts).filter(|_| why.contains(ANOTHER)) {
                Some(production) => self.add("deploy", production, title),
                None => self.add("approvals", "", title),
            }
        }
    }

    /// Why a gate of a deploy to production is not met; `None`: it is, or there is none.
    fn missing(&self, gate: &str) -> Option<String> {
        self.facts.missing.iter().find(|(id, _)| id == gate).map(|(_, why)| why.clone())
    }

    /// What waits for an answer of who looks: nobody else can give it, and people wait for that.
    pub(super) fn answer(&mut self) {
        let Some(why) = self.missing("approvals").filter(|why| !is_settled(why)) else { return };
        let Some(asked) = self.asked().filter(|asked| !same_person(&asked.by, &self.facts.me)) else {
            return;
        };
        let said = |role: &str| {
            let is_it = |vote: &&Vote| vote.hash == asked.hash && vote.role == role;
            self.state.votes.iter().filter(is_it).any(|vote| same_person(&vote.by, &self.facts.me))
        };
        let mine = self.not_given(&why).find(|role| self.is_mine(role) && !said(role)).cloned();
        if let Some(role) = mine {
            let title = format!("approve or reject: {}", asked.title);
            self.add_ranked(Rank::Settle, "approve", &role, title);
        }
    }

    /// The roles whose approval is missing.
    fn not_given(&self, why: &str) -> impl Iterator<Item = &String> {
        let needed = &self.policy.severity(self.state.severity).approvals;
        needed.iter().filter(move |role| why.split("; ").any(|one| one.starts_with(&format!("{role}: "))))
    }

    fn is_mine(&self, role: &str) -> bool {
        self.state.roles.get(role).is_some_and(|person| same_person(person, &self.facts.me))
    }

    /// The deploy to production that was put up for approval and not started.
    fn asked(&self) -> Option<&Proposal> {
        let started = |hash: &str| self.state.plans.iter().any(|plan| plan.hash == hash);
        let production = production(self.facts).unwrap_or("production");
        let mut all = self.state.proposals.iter().rev();
        all.find(|one| !one.by_vote && !one.by_assistant && one.target == production && !started(&one.hash))
    }

    /// Roles whose approval people wait for, and that nobody has.
    fn unfilled(&mut self, why: &str) {
        if self.asked().is_none() || why.contains("rejected by") || why.contains(ANOTHER) {
            return;
        }
        let is_free = |role: &&String| !self.state.roles.contains_key(role.as_str());
        let free: Vec<String> = self.not_given(why).filter(is_free).cloned().collect();
        for role in free {
            let title = format!("nobody is {}: assign one", self.policy.role_title(&role));
            self.add("role", &role, title);
        }
    }

    /// Production was only put back: somebody has to have the fix, however long it takes.
    pub(super) fn owe_the_fix(&mut self) {
        let is_written = self.state.open_follow_ups().next().is_some();
        let Some(back) = self.state.back_without_fix().filter(|_| !is_written) else { return };
        let (place, name) = (&back.environment, back.name());
        self.add("note.follow-up", "", format!("write down who ships the fix: {place} is back on {name}"));
    }

    /// Whom to ask: `propose the deploy for omar (engineering lead) and the on-call manager to approve`. `None`: nobody but who looks is
    /// waited for.
    fn who_approves(&self, why: &str) -> Option<String> {
        if why.contains("rejected by") {
            let titled = self.policy.roles.iter().fold(why.to_owned(), |why, role| {
                why.replace(&format!(" as {}:", role.id), &format!(" as {}:", role.title))
            });
            return Some(format!("decide: {titled}"));
        }
        if why.contains(ANOTHER) {
            return Some("ask for approval again: what would be deployed changed since".to_owned());
        }
        let asked = self.asked();
        let answers = asked.is_some_and(|asked| !same_person(&asked.by, &self.facts.me));
        let is_free = |role: &String| asked.is_some() && !self.state.roles.contains_key(role);
        let missing = self.not_given(why).filter(|role| !is_free(role) && (!answers || !self.is_mine(role)));
        let names: Vec<String> = missing
            .map(|role| match self.state.roles.get(role) {
                Some(person) => format!("{person} ({})", self.policy.role_title(role)),
                None => format!("the {}", self.policy.role_title(role)),
            })
            .collect();
        let names = names.join(" and ");
        match asked {
            Some(_) if names.is_empty() => None,
            Some(_) => Some(format!("wait for {names} to approve")),
            None => Some(format!("propose the deploy for {names} to approve")),
        }
    }

    /// Adds the test step if it is due for the commit at hand; false while tests run.
    pub(super) fn test(&mut self) -> bool {
        if self.running("test", None) {
            return false;
        }
        if self.done("test", None).is_none() {
            let failed =
                self.last("test", None).is_some_and(|p| p.state == PlanState::Ended(PlanEnd::Failed));
            self.add(
                "test",
                "",
                if failed { "tests failed: fix that and run them again" } else { "run the tests" },
            );
        } else if let Some(why) = self.missing("checks") {
            self.add("test", "", format!("run the checks: {why}"));
        }
        true
    }

    pub(super) fn deploy(&mut self, branch: &str, environment: &str) -> bool {
        if self.running("deploy", Some(environment)) || self.state.share_left(environment).is_some() {
            return false;
        }
        let last = self.last("deploy", Some(environment));
        let unknown = |plan: &PlanRun| self.state.undecided().any(|other| other.id == plan.id);
        if last.is_some_and(unknown) {
            return false;
        }
        if let Some(plan) = last.filter(|plan| plan.state == PlanState::Ended(PlanEnd::Failed)) {
            if self.environment != Some(environment) {
                let id = plan.id.clone();
                self.add("plan", &id, format!("the deploy to {environment} failed: see why, then retry it"));
                return false;
            }
            // What failed on production last is named before all else; after a rollback it may be tried
            // again.
            if self.last_on_production().is_some_and(|other| other.id == plan.id) {
                return false;
            }
        }
        if last.is_none_or(|plan| !plan.is_done()) {
            // Only in the plan itself can somebody answer for it.
            let no_way = self.environment == Some(environment) && self.missing("rollback").is_some();
            let but = if no_way { ": no rollback is proven, override the gate with a reason" } else { "" };
            // As the plan calls it.
            let what = self.facts.tag.as_deref().unwrap_or(branch);
            self.add("deploy", environment, format!("deploy {what} to {environment}{but}"));
        }
        true
    }

    pub(super) fn smoke(&mut self, environment: &str) -> bool {
        if self.running("smoke", Some(environment)) {
            return false;
        }
        let Some(title) = self.smoke_due(environment) else { return true };
        // It may be asked for already.
        if !self.list.iter().any(|(_, next)| next.action == "smoke" && next.argument == environment) {
            self.add("smoke", environment, title);
        }
        // What does not work there is brought no further.
        !self.smoke_failed(environment) || self.environment == Some(environment)
    }

    /// The smoke test of an environment in words, if there is one and the commit at hand was not proven by it
    /// since it is there.
    pub(super) fn smoke_due(&self, environment: &str) -> Option<String> {
        let deployed = self.done("deploy", Some(environment)).map(|plan| plan.started_at);
        let smoked = self.last("smoke", Some(environment)).filter(|plan| plan.is_done());
        let proven = smoked.is_some_and(|smoke| deployed.is_some_and(|at| smoke.started_at >= at));
        if proven || !self.facts.smokable.iter().any(|name| name == environment) {
            return None;
        }
        Some(if self.smoke_failed(environment) {
            format!("the smoke test of {environment} failed: see why, then run it again")
        } else {
            format!("smoke-test {environment}")
        })
    }

    /// Whether the commit at hand was smoke-tested in an environment since it is there, and failed.
    fn smoke_failed(&self, environment: &str) -> bool {
        let deployed = self.done("deploy", Some(environment)).map(|plan| plan.started_at);
        self.last("smoke", Some(environment)).is_some_and(|smoke| {
            smoke.state == PlanState::Ended(PlanEnd::Failed)
                && deployed.is_some_and(|at| smoke.started_at >= at)
        })
    }

    /// The environments that come before production.
    pub(super) fn before_production(&self) -> impl Iterator<Item = &str> {
        let names = self.facts.environments.iter().map(|(name, _)| name.as_str());
        names.take_while(|name| Some(*name) != self.environment)
    }

    /// Whether the commit at hand did not get through an environment before production: its deploy or its
    /// smoke test failed there, or nobody knows.
    pub(super) fn fails_before_production(&self) -> bool {
        let ended =
            |plan: &PlanRun| matches!(plan.state, PlanState::Ended(PlanEnd::Failed | PlanEnd::Unknown));
        let deploy = |name: &str| self.last("deploy", Some(name)).is_some_and(ended);
        self.before_production().any(|name| deploy(name) || self.smoke_failed(name))
    }

    pub(super) fn checklist(&mut self) {
        let state = |id: &String| self.state.ticks.get(id).map_or(CheckState::Open, |tick| tick.state);
        let with = |wanted| self.facts.checklist.iter().filter(move |id| state(id) == wanted);
        let failed = with(CheckState::Failed).next().cloned();
        let open: Vec<_> = with(CheckState::Open).cloned().collect();
        if let Some(id) = failed {
            let title = self.state.ticks.get(&id).map(|tick| tick.title.as_str()).filter(|t| !t.is_empty());
            let title = format!("{} failed its check, fix it before production", title.unwrap_or(&id));
            self.add("checklist", &id, title);
        }
        if let [first, rest @ ..] = open.as_slice() {
            let before = |id: &String| self.state.ticks.get(id).and_then(|tick| tick.before.as_ref());
            let again: Vec<_> = open.iter().filter_map(before).collect();
            let items = |count: usize| if count == 1 { "item" } else { "items" };
            let (count, what) = (rest.len() + 1, items(rest.len() + 1));
            let title = match again.last() {
                Some(last) if again.len() == count => {
                    let were = if count == 1 { "it was" } else { "they were" };
                    format!("look at {count} checklist {what} again: {were} ticked for {}", last.fix)
                }
                Some(last) => {
                    format!("{count} checklist {what} open, {} of them ticked for {}", again.len(), last.fix)
                }
                None => format!("{count} checklist {what} open"),
            };
            self.add("checklist", first, title);
        }
    }
}

/// Whether a gate of approvals waits for something else than an approval.
fn is_settled(why: &str) -> bool {
    why.contains("rejected by") || why.contains(ANOTHER)
}
