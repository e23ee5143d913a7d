//! What is next: from the procedure and the state, never from a script.

mod after;
mod back;
mod due;
mod others;
mod production;
mod stands;
mod team;
mod way;

use jiff::{SignedDuration, Timestamp};

pub use production::Seen;
pub use stands::QUICKER;

use super::body::Phase;
use super::clocks::{Clock, ClockState, audience, clocks, led_by, needs_hotfix};
use super::fix::Fix;
use super::policy::{Policy, Role};
use super::state::{Outage, PlanRun, State, Status};
use super::team::time_left;

/// What is known besides the record, as far as the next step depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Health of production: all good, something bad, or not known.
    pub healthy: Option<bool>,
    /// Whether a check of production fails that says whether it works, and not only a number.
    pub down: bool,
    /// Probes of production that fail.
    pub failing: Vec<String>,
    /// Probes of production without data.
    pub silent: Vec<String>,
    /// Probes of production at their warning limit.
    pub warning: Vec<String>,
    /// Probes that tell of a third party and are not well.
    pub third_parties: Vec<String>,
    /// Who looks.
    pub me: String,
    /// The installation that looks; 0: it is not known.
    pub here: u64,
    /// Since when it is good, if it was recorded that it was not.
    pub green_since: Option<Timestamp>,
    /// When it failed again after users were said to be served, if that was not said anew since.
    pub failed_again: Option<Outage>,
    /// How long its probes take to say that something helped.
    pub settles: SignedDuration,
    /// The branch the fix is on: the current one, if it is a hotfix branch; in the trunk flow the
    /// base.
    pub hotfix_branch: Option<String>,
    /// Commits on it that the base does not have; `None`: they are not counted yet.
    pub hotfix_commits: Option<usize>,
    /// How the fix stands on its way.
    pub fix: Fix,
    /// Its commit, short or full.
    pub head: Option<String>,
    /// What people call that, where it is tagged: `v1.4.3`.
    pub tag: Option<String>,
    /// Commits that hold exactly the same files.
    pub same: Vec<String>,
    /// Names of configured checks.
    pub checks: Vec<String>,
    /// Names of environments, in order, and whether they are protected.
    pub environments: Vec<(String, bool)>,
    /// Probes of other environments that fail: the environment, and the name.
    pub failing_elsewhere: Vec<(String, String)>,
    /// Names of the environments that have a smoke test.
    pub smokable: Vec<String>,
    /// Audiences and roles that a channel reaches, by id: a message to them is sent from here.
    pub reached: Vec<String>,
    /// Ids of the checklist items that are shown.
    pub checklist: Vec<String>,
    /// What is known about going back in production; `None`: nothing, or there is no way to.
    pub way_back: Option<WayBack>,
    /// Whether it was looked for a way back in production, and none can be taken.
    pub no_way_back: bool,
    /// The name of what is live in production, where that is known.
    pub live: Option<String>,
    /// What production itself says is live, brought there past the record: its name, and how the repository
    /// knows it.
    pub unrecorded: Option<(String, String)>,
    /// The runbook that fits best what fails in production, unless it was followed already.
    pub runbook: Option<RunbookFor>,
    /// Whether who looks has looked at what changed.
    pub looked: bool,
    /// Whether there is a repository with a commit.
    pub repository: bool,
    /// Whether the configuration waits to be trusted.
    pub untrusted: bool,
    /// Gates of a deploy to production that are not met: id, and what is missing.
    pub missing: Vec<(String, String)>,
}

/// What is known about going back in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Title of the best way that is proven ready; `None`: none is.
    pub ready: Option<String>,
    /// Title of a flag that can be turned off, which helps where the fault is behind it.
    pub flag: Option<String>,
}

/// A runbook that fits a probe that fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookFor {
    /// Its path.
    pub path: String,
    /// What it is called.
    pub title: String,
    /// The probe, and that it fails: `errors fails`.
    pub why: String,
}

/// A step that should be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// Id of the command in the command table: `deploy`, `hotfix.start`, `page`, `checklist`. Empty
    /// where it is done by no command.
    pub action: &'static str,
    /// What the command acts on, to fill in a menu: `staging`; may be empty.
    pub argument: String,
    /// One line in the imperative: `deploy hotfix/pool-limit to staging`.
    pub title: String,
    /// When it is due, if a clock says so.
    pub due_at: Option<Timestamp>,
    /// Whether that time has passed.
    pub overdue: bool,
}

/// What should be done now, most pressing first. Empty only when the incident is closed, and nothing came after.
pub fn next(state: &State, policy: &Policy, facts: &Facts, now: Timestamp) -> Vec<Next> {
    let clocks = clocks(state, policy, now);
    let mut steps = Steps {
        state,
        policy,
        facts,
        now,
        clocks,
        environment: production(facts),
        list: Vec::new(),
        enough: usize::MAX,
        taking_back: false,
        served: false,
        recovering: false,
        told: false,
        beside: None,
    };
    if state.in_conflict() {
        steps.conflict();
    }
    match state.status {
        Status::Closed => steps.after_closing(),
        Status::Resolved => steps.afterwards(),
        Status::Open | Status::Mitigated => steps.while_open(),
    }
    if state.status != Status::Closed {
        steps.merges_back();
        steps.look_yourself();
    }
    let mut list = steps.list;
    // What is overdue longest comes first; the rest keeps the order of the procedure.
    list.sort_by_key(|(rank, next)| (*rank, !next.overdue, next.due_at.filter(|_| next.overdue)));
    let pressing = list.iter().take_while(|(rank, _)| *rank <= Rank::Mitigate).count();
    let mut list: Vec<Next> = list.into_iter().map(|(_, next)| next).collect();
    for next in &mut list {
        sent_from_here(next, policy, facts);
    }
    if let Some((back, own)) = steps.beside {
        // Behind the next step of the fix, but in sight whatever else is due.
        let own = own.and_then(|own| list.iter().position(|next| *next == own));
        let place = own.map_or(pressing, |place| place + 1);
        list.insert(place.min(IN_SIGHT - 1).min(list.len()), back);
    }
    // A plan that stands still may leave production half changed: nothing is more pressing.
    if state.status != Status::Closed {
        let is_left = |plan: &&PlanRun| state.shares_left().any(|share| share.plan.id == plan.id);
        list.splice(0..0, stands::quicker(state, facts));
        list.splice(
            0..0,
            state.undecided().filter(|plan| !is_left(plan)).map(|plan| stands::undecided(plan, facts.here)),
        );
        list.splice(0..0, state.shares_left().map(|share| stands::left(&share, facts.live.as_deref())));
        list.splice(0..0, state.plans.iter().rev().flat_map(|plan| stands::waiting(plan, now)));
    }
    list
}

/// What a channel sends is recorded by sending it: nothing has to be written down afterwards.
fn sent_from_here(next: &mut Next, policy: &Policy, facts: &Facts) {
    let (who, afterwards) = match next.action {
        "told" => (policy.told_as(&next.argument), ", then record it"),
        "page" => (next.argument.as_str(), ", then record who was paged"),
        _ => return,
    };
    if facts.reached.iter().any(|reached| reached == who) {
        next.title = next.title.replacen(afterwards, "", 1);
    }
}

/// What a gate says of an approval that was given for another plan.
pub const ANOTHER: &str = "approved another version of this plan";

/// How many steps are read at a glance.
const IN_SIGHT: usize = 3;

/// How many steps of the hotfix are named ahead.
const AHEAD: usize = 3;

/// What comes before what, whatever the order of the procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Nobody knows any more what holds.
    Settle,
    /// Production is worse than it needs to be, or half changed.
    Mitigate,
    /// Production is well again: that is worth more to know than any paperwork.
    Served,
    /// A clock has run out.
    Overdue,
    /// Something works on production.
    Watch,
    /// Its turn in the procedure.
    Turn,
}

struct Steps<'a> {
    state: &'a State,
    policy: &'a Policy,
    facts: &'a Facts,
    now: Timestamp,
    clocks: Vec<Clock>,
    /// The environment users are served from.
    environment: Option<&'a str>,
    list: Vec<(Rank, Next)>,
    /// How long the list may become before what follows is left out anyway.
    enough: usize,
    /// What is in production is to be taken back.
    taking_back: bool,
    /// It is asked whether users are served again.
    served: bool,
    /// Something was just done that may help: it is watched before anything else is tried.
    recovering: bool,
    /// People are to be told something that happened.
    told: bool,
    /// Going back beside a fix that is under way, and the step of the fix behind which it stands; `None`: that
    /// waits for people.
    beside: Option<(Next, Option<Next>)>,
}

impl Steps<'_> {
    fn add(&mut self, action: &'static str, argument: &str, title: impl Into<String>) {
        self.add_ranked(Rank::Turn, action, argument, title);
    }

    fn add_ranked(&mut self, rank: Rank, action: &'static str, argument: &str, title: impl Into<String>) {
        let next =
            Next { action, argument: argument.to_owned(), title: title.into(), due_at: None, overdue: false };
        self.list.push((rank, next));
    }

    /// Adds what meets a clock, unless that was met or does not run.
    fn add_due(&mut self, clock: &str, action: &'static str, argument: &str, title: &str) {
        let Some(clock) = self.clocks.iter().find(|c| c.id == clock) else { return };
        let overdue = match clock.state {
            ClockState::Running => false,
            ClockState::Overdue => true,
            ClockState::Met | ClockState::Late | ClockState::Stopped => return,
        };
        // Somebody put it off, and said why: it waits its turn.
        let snoozed = self.state.snoozed(&clock.id, self.now).filter(|_| overdue);
        let overdue = overdue && snoozed.is_none();
        let title = match snoozed {
            Some(one) => format!("{title} (snoozed, {}: {})", time_left(one.until, self.now), one.reason),
            None if clock.is_promised() => {
                let at = clock.due_at.strftime("%H:%M UTC");
                match title.split_once(", ") {
                    Some((act, then)) => format!("{act} promised for {at}, {then}"),
                    None => format!("{title} promised for {at}"),
                }
            }
            None => title.to_owned(),
        };
        let next = Next { action, argument: argument.to_owned(), title, due_at: Some(clock.due_at), overdue };
        self.list.push((if overdue { Rank::Overdue } else { Rank::Turn }, next));
    }

    /// What went out ahead of the branches that the next release is made from: without it there the
    /// fault comes back with that.
    fn merges_back(&mut self) {
        if !self.running("hotfix", None) {
            for merge in self.state.merges_owed() {
                self.add("hotfix.finish", &merge.into, merge.title());
            }
        }
    }

    fn conflict(&mut self) {
        let said: Vec<_> =
            self.state.heads.iter().map(|head| format!("{} says {}", head.by, head.status.name())).collect();
        self.add_ranked(Rank::Settle, "incident", "", format!("decide: {}", said.join(", ")));
    }

    fn while_open(&mut self) {
        let state = self.state;
        self.offered();
        self.answer();
        self.production();
        self.add_due("page", "page", Role::ON_CALL, "page on-call, then record who was paged");
        // Behind a way back there is room for two lines: those that a clock asks for.
        let going_back = self.goes_back_first();
        if !going_back {
            self.commander();
        }
        if !self.told {
            let title = "tell stakeholders, then record it";
            self.add_due("stakeholders", "told", audience::STAKEHOLDERS, title);
        }
        if going_back {
            self.unrecorded(Rank::Turn);
            self.commander();
        }
        self.team();
        if self.facts.untrusted {
            self.add("trust", "", "look at what flightdeck.toml would run, and trust it");
        }
        let before = self.list.len();
        self.enough = before + AHEAD;
        if state.phase < Phase::Verify {
            self.until_deployed();
        } else {
            self.until_resolved();
        }
        self.list.truncate(self.enough);
        self.impact();
        let lead = format!("bring in the {}", self.policy.role_title(Role::LEAD));
        self.add_due("escalate", "role", Role::LEAD, &lead);
        if self.told_once() && !self.told {
            let title = "send stakeholders an update, then record it";
            self.add_due("update", "told", self.policy.updated(), title);
        }
        let title = "notify CTO and CEO that it is not resolved, then record it";
        self.add_due("executives", "told", audience::EXECUTIVES, title);
        self.others();
        if self.list.is_empty() {
            self.add("note", "", "record what you see");
        }
    }

    fn commander(&mut self) {
        if !self.state.roles.contains_key(Role::COMMANDER) {
            let title = format!("name the {}", self.policy.role_title(Role::COMMANDER));
            let due = led_by(self.state, self.policy);
            // Whoever is paged may be the one to lead: that comes first.
            let pages = self.clocks.iter().any(|clock| {
                clock.id == "page" && matches!(clock.state, ClockState::Running | ClockState::Overdue)
            });
            let rank = if self.now > due && !pages { Rank::Overdue } else { Rank::Turn };
            self.add_ranked(rank, "role", Role::COMMANDER, title);
        }
    }

    /// Until the first time, the step is to tell them at all.
    fn told_once(&self) -> bool {
        !self.clocks.iter().any(|clock| {
            clock.id == "stakeholders" && matches!(clock.state, ClockState::Running | ClockState::Overdue)
        })
    }

    fn until_deployed(&mut self) {
        let (state, facts) = (self.state, self.facts);
        let begun = self.begun();
        if self.may_put_back() && !begun && !self.taking_back {
            self.put_back();
        }
        if !begun {
            self.runbook();
        }
        if !begun && !needs_hotfix(self.policy, state.severity) {
            if state.decisions == 0 {
                self.add("backlog", "", "file it in the backlog: this severity needs no hotfix");
            }
            if facts.healthy != Some(false) && !self.at_work_on_production() {
                self.impact();
                self.resolve("resolve it");
            } else if state.no_hotfix.is_some() && facts.hotfix_branch.is_none() {
                self.hotfix();
            } else if facts.healthy == Some(false) && facts.repository && !self.looked() {
                self.add("suspects", "", "look at what changed since it last worked");
            }
            return;
        }
        let looks = !begun && state.phase == Phase::Respond && facts.repository && !self.looked();
        // Nobody fixes what they do not know; what others mend is waited for.
        if looks && state.no_hotfix.is_none() && !self.is_elsewhere() {
            self.add("suspects", "", "look at what changed since it last worked");
        }
        let before = self.list.len();
        if facts.repository {
            self.hotfix();
        }
        self.put_back_beside(before);
        let is_over = state.status == Status::Mitigated && facts.healthy == Some(true);
        // Nobody looks for a commit that is not to be fixed; what broke it is written down all the same.
        if is_over || (!begun && state.no_hotfix.is_some()) {
            self.cause();
        }
        if is_over {
            self.impact();
            // Without a fix there is no phase in which that would be asked; theirs may be kept off until they are well.
            if facts.third_parties.is_empty() && !self.at_work_on_production() {
                if state.no_hotfix.is_some() || self.is_elsewhere() {
                    self.flags_on();
                }
                self.resolve("resolve it, if the fault itself is gone");
            }
        }
    }

    /// What is written down for what fails may serve users sooner than anything that has to be found out.
    fn runbook(&mut self) {
        let fails = self.facts.healthy == Some(false) && self.state.status == Status::Open;
        if let Some(one) = self.facts.runbook.as_ref().filter(|_| fails && !self.at_work_on_production()) {
            let title = format!("read the runbook “{}”: {}", one.title, one.why);
            self.add("runbooks", &one.path, title);
        }
    }

    /// Whether a fix was begun. That does not decide that production is not put back.
    fn begun(&self) -> bool {
        let is_fix = |plan: &PlanRun| plan.purpose == "hotfix";
        self.facts.hotfix_branch.is_some() || self.state.plans.iter().any(is_fix)
    }

    fn until_resolved(&mut self) {
        if self.at_work_on_production() {
            return;
        }
        if self.went_back() {
            return self.after_going_back();
        }
        // What has to be taken back is named already.
        if self.taking_back {
            return self.hotfix();
        }
        if let Some(production) = self.environment
            && !self.smoke(production)
        {
            return;
        }
        let smoked = self.environment.is_none_or(|production| self.smoke_due(production).is_none());
        match self.facts.healthy {
            Some(false) if self.recovering => return,
            Some(false) => {
                let production = self.environment.unwrap_or("production");
                let title = format!("{production} still fails: roll back, or go back to the fix");
                return match self.facts.way_back {
                    Some(_) => self.add_ranked(self.back(), "rollback", "", title),
                    None => self.add("phase", Phase::Develop.name(), title),
                };
            }
            None => self.try_it(),
            Some(true) => {}
        }
        self.cause();
        // What nobody tried in production is not over.
        if smoked {
            self.bring_home();
            self.impact();
            self.flags_on();
            self.resolve(&self.is_gone());
            self.mend_elsewhere();
        }
    }

    /// Production is on an earlier release: that is not the end, but it may be enough for now.
    fn after_going_back(&mut self) {
        if self.recovering {
            return self.hotfix();
        }
        if self.facts.healthy == Some(false) {
            let production = self.environment.unwrap_or("production");
            let title = format!("{production} still fails after the rollback: try another option");
            self.add_ranked(self.back(), "rollback", "", title);
            return self.hotfix();
        }
        if self.facts.healthy.is_none() {
            self.try_it();
        }
        self.cause();
        self.impact();
        self.resolve("resolve it, if going back is enough for now");
        self.hotfix();
    }

    fn try_it(&mut self) {
        self.add("note.finding", "", "try in production what failed, and write down the result");
    }

    fn cause(&mut self) {
        if self.state.cause.is_empty() {
            self.add("cause", "", "record the cause");
        }
    }

    /// Asks who is affected, once, and without taking the place of anything else.
    fn impact(&mut self) {
        let is_asked = self.list.iter().any(|(_, next)| next.action == "impact");
        if self.state.impact.is_empty() && !is_asked {
            self.add("impact", "", "say who is affected, and how");
            self.enough = self.enough.saturating_add(1);
        }
    }

    /// What nothing probes is looked at before the watch from a distance is over.
    fn look_yourself(&mut self) {
        let Some((plan, _, points)) = self.state.to_look_at(self.now) else { return };
        let points: Vec<_> = points.iter().map(|point| point.name()).collect();
        let of = plan.target.strip_prefix("watch:").unwrap_or(&plan.target);
        let title = format!("look at {} of {of} yourself, and write down what you found", points.join(", "));
        self.add("note.finding", "", title);
    }

    /// The last plan of a purpose for the commit at hand.
    fn last(&self, purpose: &str, target: Option<&str>) -> Option<&PlanRun> {
        self.state.plans.iter().rev().find(|plan| {
            plan.purpose == purpose
                && target.is_none_or(|target| plan.target == target)
                && self.facts.head.as_deref().is_none_or(|head| plan.is_for(head))
        })
    }

    /// The last such plan, if it did all it should.
    fn done(&self, purpose: &str, target: Option<&str>) -> Option<&PlanRun> {
        self.last(purpose, target).filter(|plan| plan.is_done())
    }

    /// Whether the branch or the remote is being worked on, or nobody knows what became of that: what
    /// is left to do is not known then.
    fn at_work(&self) -> bool {
        self.running("hotfix", None) || self.state.undecided().any(|plan| plan.purpose == "hotfix")
    }

    fn running(&self, purpose: &str, target: Option<&str>) -> bool {
        self.state.plans.iter().any(|plan| {
            plan.state.is_under_way()
                && plan.purpose == purpose
                && target.is_none_or(|target| plan.target == target)
        })
    }
}

/// The environment users are served from: the first protected one, or the last.
pub(super) fn production(facts: &Facts) -> Option<&str> {
    let protected = facts.environments.iter().find(|(_, protected)| *protected);
    protected.or(facts.environments.last()).map(|(name, _)| name.as_str())
}
