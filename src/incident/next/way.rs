//! The way of a fix from its branch to production, as the team's flow has it: what is left of it,
//! up to what runs now.

use jiff::Timestamp;

use super::super::against::unasked;
use super::super::body::PlanEnd;
use super::super::fix::{Raised, Review};
use super::super::state::{PlanRun, PlanState, State, Status};
use super::{Facts, Steps, production};
use crate::config::types::Flow;

impl Steps<'_> {
    /// What is left of it.
    pub(super) fn hotfix(&mut self) {
        let facts = self.facts;
        let Some(branch) = &facts.hotfix_branch else {
            if self.went_out() {
                self.deploy_the_base();
            } else if self.state.no_hotfix.is_some() {
                // Whoever starts a branch all the same has thought better of it.
                let awaited = match facts.third_parties.first() {
                    // Production is kept well without it, until it is back.
                    Some(theirs) if facts.healthy == Some(true) => theirs.as_str(),
                    None if facts.healthy == Some(true) => return,
                    _ => "production",
                };
                self.add("", "", format!("wait until {awaited} is healthy: no hotfix, as decided"));
            } else if self.is_elsewhere() {
                self.tell_them();
                self.add("hotfix.not", "", "record that no hotfix is needed: a third party broke it");
            } else if self.at_work() || self.has_canary() {
                // What is left to do is not known, or nothing is begun before that is decided.
            } else if let Some(who) = self.third_party() {
                self.tell_them();
                self.add("hotfix-menu", "", format!("decide whether a hotfix is needed: {who}"));
            } else {
                self.start();
            }
            return;
        };
        if let Some(bad) = self.condemned() {
            return self.add("", "", format!("commit a better fix on {branch}: {} {}", bad.name, bad.why));
        }
        if let Some(why) = self.condemned_before() {
            return self.add("", "", format!("commit a better fix on {branch}: {why}"));
        }
        if self.landed().is_some() {
            return self.deploy_the_base();
        }
        // What was merged and is in all branches but this one has nothing to be committed.
        if facts.hotfix_commits == Some(0) && !self.went_out() && !facts.fix.owes() {
            self.add("", "", format!("commit the smallest fix on {branch}, with a test"));
        }
        self.bump();
        if !facts.checks.is_empty() && !self.test() {
            return;
        }
        self.push(branch);
        self.open_pull_request();
        let Some(production) = production(facts) else {
            self.checklist();
            self.finish(branch);
            return self.add("note.action", "", "deploy the fix your way, and write it down");
        };
        for (environment, _) in facts.environments.iter().take_while(|(name, _)| name != production) {
            if self.list.len() >= self.enough || !self.deploy(branch, environment) || !self.smoke(environment)
            {
                return;
            }
        }
        self.checklist();
        self.finish(branch);
        self.gates();
        if self.deploy(branch, production) && self.done("deploy", Some(production)).is_some() {
            self.enter_verify();
        }
    }

    /// Whether a canary has a share of production: it may be the fix, and somebody decides about it first.
    fn has_canary(&self) -> bool {
        let is_canary = |plan: &PlanRun| {
            plan.state.is_under_way() && plan.share().is_some() && plan.purpose != "rollback"
        };
        self.is_shared() || self.on_production().any(is_canary)
    }

    fn start(&mut self) {
        let fix = &self.facts.fix;
        let title = match fix.flow {
            Flow::Trunk if fix.base.is_empty() => "switch to the branch in production".to_owned(),
            Flow::Trunk => format!("switch to {} and bring it up to date", fix.base),
            Flow::GitFlow | Flow::GithubFlow => "start a hotfix branch".to_owned(),
        };
        // Users are served without one.
        if self.state.status == Status::Mitigated && self.facts.healthy != Some(false) {
            return self.add("hotfix-menu", "", format!("{title}, or record that none is needed"));
        }
        self.add("hotfix.start", "", title);
    }

    /// Who broke it is the one to mend it: they are told before anything is changed here.
    fn tell_them(&mut self) {
        let theirs = self.facts.third_parties.as_slice();
        if self.state.status == Status::Open && !theirs.is_empty() && self.state.findings == 0 {
            let names = theirs.join(" and ");
            self.add("note.finding", "", format!("ask {names} when it will be back, and write that down"));
        }
    }

    /// The last time somebody finished, if it was done or stopped on the way.
    fn finishing(&self) -> Option<&PlanRun> {
        self.state.plans.iter().rev().find(|plan| plan.is_finish())
    }

    /// Whether the fix was brought to where production is deployed from.
    fn went_out(&self) -> bool {
        self.finishing().is_some_and(PlanRun::is_done) || self.landed().is_some()
    }

    /// Since when there is a fix that the base has by now although nobody finished it here: somebody merged
    /// its pull request by hand. That is a commit which was tried out in this incident on a branch of its
    /// own, and which the base has: as it is, or as one with the same files or the same change. What was made
    /// before the incident is no fix of it.
    fn landed(&self) -> Option<Timestamp> {
        let began = self.state.started_at.as_second();
        let merged = &self.facts.fix.merged;
        let has = |commit: &str| merged.iter().any(|(id, made)| id == commit && made.as_second() >= began);
        self.landed_here().or_else(|| self.tried(has))
    }

    /// The same for what the commit that is checked out has.
    fn landed_here(&self) -> Option<Timestamp> {
        let fix = &self.facts.fix;
        let began = self.state.started_at.as_second();
        let (_, newest) = fix.landed.first()?;
        self.tried(|commit| {
            let same = || newest.as_second() >= began && self.facts.same.iter().any(|same| same == commit);
            fix.landed.iter().any(|(id, made)| id == commit && made.as_second() >= began) || same()
        })
    }

    /// When the first of these commits was tried out.
    fn tried(&self, is_it: impl Fn(&str) -> bool) -> Option<Timestamp> {
        let fix = &self.facts.fix;
        let mut tried = self.state.tried(&fix.base).filter(|_| fix.flow == Flow::GithubFlow);
        tried.find(|(_, commit)| is_it(commit)).map(|(plan, _)| plan.started_at)
    }

    /// In git flow the version is part of the fix: its tag is made of it.
    fn bump(&mut self) {
        let fix = &self.facts.fix;
        if fix.flow != Flow::GitFlow || self.facts.hotfix_commits == Some(0) || self.at_work() {
            return;
        }
        match &fix.version {
            Raised::Not(version) => {
                self.add("hotfix.bump", "", format!("bump the version: it is {version}"));
            }
            Raised::Disagree => self.add("hotfix", "", "make the files agree on the version"),
            Raised::Unknown | Raised::To(_) => {}
        }
    }

    /// In the trunk flow it is finishing that pushes.
    fn push(&mut self, branch: &str) {
        let fix = &self.facts.fix;
        if !fix.remote || fix.flow == Flow::Trunk || self.at_work() {
            return;
        }
        if fix.unpulled > 0 {
            let title = format!("merge the newer commits of the remote's {branch}");
            self.add("hotfix.fetch", "", title);
        } else if fix.unpushed.is_some_and(|commits| commits > 0) {
            self.add("hotfix.push", "", format!("push {branch}"));
        }
    }

    /// In GitHub flow people look at it while it is tried out.
    fn open_pull_request(&mut self) {
        let fix = &self.facts.fix;
        // What does not work is not handed on to be reviewed and merged.
        if self.fails_before_production() {
            return;
        }
        let is_open = || self.finished_this();
        let missing = match fix.review {
            Review::Missing => true,
            Review::Unknown => !is_open(),
            _ => false,
        };
        if fix.flow == Flow::GithubFlow && fix.remote && missing && self.facts.hotfix_commits > Some(0) {
            self.add_finish(format!("open the pull request into {}", fix.base));
        }
    }

    /// Whether finishing this very commit was carried out.
    fn finished_this(&self) -> bool {
        let head = self.facts.head.as_deref();
        self.finishing().is_some_and(|plan| plan.is_done() && head.is_none_or(|head| plan.is_for(head)))
    }

    fn add_finish(&mut self, title: String) {
        if !self.at_work() {
            self.add("hotfix.finish", "", title);
        }
    }

    /// Brings it to where production is deployed from.
    fn finish(&mut self, branch: &str) {
        let fix = &self.facts.fix;
        if !fix.remote || self.stopped() {
            return;
        }
        let base = &fix.base;
        match fix.flow {
            // Its tag is made of the version.
            Flow::GitFlow if matches!(fix.version, Raised::Not(_) | Raised::Disagree) => {}
            Flow::GitFlow if fix.in_base != Some(true) && self.facts.hotfix_commits > Some(0) => {
                self.add_finish(format!("finish {branch}: merge into {base}, tag, push"));
            }
            // Done by hand: of what a plan left the record tells.
            Flow::GitFlow if fix.owes() && self.state.merges_owed().next().is_none() => {
                self.add_finish(format!("merge {branch} back into {}", fix.owed.join(" and ")));
            }
            Flow::Trunk if fix.unpushed.is_some_and(|commits| commits > 0) => {
                self.add_finish(format!("push {base}"));
            }
            Flow::GithubFlow => self.merge_pull_request(),
            Flow::GitFlow | Flow::Trunk => {}
        }
    }

    /// A fix that production runs from its own branch is still to be brought to where the next release is made from.
    pub(super) fn bring_home(&mut self) {
        let facts = self.facts;
        let Some(branch) = facts.unmerged(self.state) else { return };
        let checked_out = facts.hotfix_branch.as_deref() == Some(branch.as_str());
        if checked_out {
            self.bump();
            self.push(&branch);
            self.open_pull_request();
            self.finish(&branch);
        } else {
            self.add(
                "",
                "",
                format!("switch to {branch} and finish it: production runs it, and no release has it"),
            );
        }
    }

    /// Environments before production that fail still get the fix that production has.
    pub(super) fn mend_elsewhere(&mut self) {
        let facts = self.facts;
        let has_it = |name: &str| {
            let live = self.state.releases.iter().rfind(|release| release.environment == name);
            facts.head.is_some() && live.map(|live| live.commit.as_str()) == facts.head.as_deref()
        };
        if !self.environment.is_some_and(has_it) {
            return;
        }
        let fails = |name: &&str| facts.failing_elsewhere.iter().any(|(environment, _)| environment == name);
        let failing: Vec<String> = self.before_production().filter(fails).map(str::to_owned).collect();
        for environment in failing.iter().filter(|name| !has_it(name)) {
            self.deploy(&facts.fix.current, environment);
        }
    }

    /// Saying that it is over, with what will be asked about and no other step names.
    pub(super) fn resolve(&mut self, title: &str) {
        let title = match unasked(self.state, self.facts).as_slice() {
            [] => title.to_owned(),
            [one] => format!("{title} ({one})"),
            several => format!("{title} ({} points open)", several.len()),
        };
        self.add("resolve", "", title);
    }

    fn merge_pull_request(&mut self) {
        let base = self.facts.fix.base.clone();
        match self.facts.fix.review.clone() {
            Review::Unwanted(by) => {
                self.add("hotfix", "", format!("make the changes that {} asked for", by.join(" and ")));
            }
            Review::Failing(checks) => {
                self.add("hotfix", "", format!("a check of the pull request failed: {}", checks.join(", ")));
            }
            Review::Waits(people) if people.is_empty() => {
                self.add("hotfix", "", "have the pull request reviewed");
            }
            Review::Waits(people) => {
                self.add("hotfix", "", format!("ask {} to review the pull request", people.join(" and ")));
            }
            Review::Running(1) => self.add("hotfix", "", "wait for a check of the pull request"),
            Review::Running(checks) => {
                self.add("hotfix", "", format!("wait for {checks} checks of the pull request"));
            }
            Review::Ready => self.add_finish(format!("merge the pull request into {base}")),
            Review::Unknown if self.finished_this() => {
                self.add_finish(format!("merge the pull request into {base}, or see that it was"));
            }
            Review::Unknown | Review::Missing | Review::Merged => {}
        }
    }

    /// Finishing stopped on the way, at a conflict perhaps: it goes on from there.
    fn stopped(&mut self) -> bool {
        let stopped = self.finishing().filter(|plan| plan.state == PlanState::Ended(PlanEnd::Failed));
        let Some((id, title)) = stopped.map(|plan| (plan.id.clone(), plan.title.clone())) else {
            return false;
        };
        self.add("plan", &id, format!("fix what stopped it, then resume: {title}"));
        true
    }

    /// After finishing, production is deployed from the base.
    fn deploy_the_base(&mut self) {
        let facts = self.facts;
        let Some(production) = production(facts) else {
            return self.add("note.action", "", "deploy the fix your way, and write it down");
        };
        let since = self.finishing().map(|finish| finish.started_at).max(self.landed());
        if let Some(last) = self.last_on_production().filter(|plan| Some(plan.started_at) >= since) {
            let is_unknown = self.state.undecided().any(|plan| plan.id == last.id);
            if is_unknown || last.state.is_under_way() || last.state == PlanState::Ended(PlanEnd::Failed) {
                return;
            }
            if let Some(bad) = self.condemned_last() {
                let title = format!("start a new hotfix branch: {} {}", bad.name, bad.why);
                return self.add("hotfix.start", "", title);
            }
            if last.is_done() && last.purpose == "deploy" {
                return self.enter_verify();
            }
        }
        let fix = &facts.fix;
        if !fix.base.is_empty() && fix.current != fix.base {
            let title = format!("switch to {}: it has the fix, and production is deployed from it", fix.base);
            return self.add("", "", title);
        }
        let is_merged = !self.finishing().is_some_and(PlanRun::is_done) && self.landed_here().is_none();
        if is_merged && fix.base_behind > 0 {
            return self.add("", "", format!("pull {}: the remote's has the fix", fix.base));
        }
        if let Some(bad) = self.condemned() {
            let title = format!("start a new hotfix branch: {} {}", bad.name, bad.why);
            return self.add("hotfix.start", "", title);
        }
        if let Some(why) = self.condemned_before() {
            return self.add("hotfix.start", "", format!("start a new hotfix branch: {why}"));
        }
        let missing = |gate: &str| facts.missing.iter().any(|(id, _)| id == gate);
        if missing("checks") && !self.test() {
            return;
        }
        if missing("staging") {
            for (environment, _) in facts.environments.iter().take_while(|(name, _)| name != production) {
                let enough = self.list.len() >= self.enough;
                if enough || !self.deploy(&fix.base, environment) || !self.smoke(environment) {
                    return;
                }
            }
        }
        self.checklist();
        self.gates();
        self.deploy(&fix.base, production);
    }
}

impl Facts {
    /// The branch that production runs as the fix and that is not where releases are made from, as far as is known.
    pub(in crate::incident) fn unmerged(&self, state: &State) -> Option<String> {
        let (branch, _) = state.unmerged_fix(production(self)?)?;
        let here = self.hotfix_branch.as_deref() == Some(branch);
        // Somebody merged it by hand.
        let is_merged =
            self.fix.in_base == Some(true) || !self.fix.landed.is_empty() || !self.fix.merged.is_empty();
        (!here || !is_merged).then(|| branch.to_owned())
    }
}
