//! Production itself: what was no good there, what works on it, what failed on it, whether users are
//! served again, and that people hear of it.

use jiff::{SignedDuration, Timestamp};

use super::super::body::{Phase, PlanEnd, WatchVerdict};
use super::super::clocks::{ClockState, audience};
use super::super::state::{Condemned, PlanRun, PlanState, Release, Status, UNDONE};
use super::super::time::duration;
use super::{Facts, Rank, Steps};

/// How production is seen to be, for whoever is told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seen {
    /// A probe fails.
    Failing,
    /// None fails, and one is at its warning limit.
    Degraded,
    /// All are good.
    Well,
    /// There is none, or one has no data.
    #[default]
    Unknown,
}

impl Facts {
    /// How production is seen to be.
    pub fn seen(&self) -> Seen {
        match self.healthy {
            Some(false) => Seen::Failing,
            _ if !self.warning.is_empty() => Seen::Degraded,
            Some(true) => Seen::Well,
            None => Seen::Unknown,
        }
    }
}

/// Production that was good for less may be bad again at the next look.
const STEADY: SignedDuration = SignedDuration::from_secs(10);

impl Steps<'_> {
    /// Everything about production that comes before the rest: taking back what is no good there,
    /// looking at what failed on it, and that users are served again.
    pub(super) fn production(&mut self) {
        self.running_on_production();
        if !self.at_work_on_production() && !self.watch_it() && !self.take_back() {
            self.failed();
        }
        self.served();
        self.news();
        // Behind a way back come the clocks.
        if !self.goes_back_first() {
            self.unrecorded(Rank::Watch);
        }
    }

    /// Whoever decides what to do about production has to know what is there.
    pub(super) fn unrecorded(&mut self, rank: Rank) {
        if let (Some((name, reference)), Some(production)) = (&self.facts.unrecorded, self.environment) {
            // A plan of ours proves what it brought there; what was written down by hand nobody proved.
            let by_hand = self.live().filter(|live| live.plan.is_empty());
            let but = by_hand.map_or_else(
                || "not recorded".to_owned(),
                |live| format!("the record says {} (by {})", live.name(), live.by),
            );
            let title = format!(
                "{production} runs {name}, {but}: record it with flightdeck live {production} {reference}"
            );
            self.add_ranked(rank, "", "", title);
        }
    }

    /// What its watch condemned is taken back before anything else.
    pub(super) fn take_back(&mut self) -> bool {
        let Some(live) = self.live() else { return false };
        let Some((_, WatchVerdict::Failed, why)) = &live.verdict else { return false };
        // Somebody took it back, to what nobody recorded.
        if why == UNDONE {
            return false;
        }
        let (environment, name) = (&live.environment, live.name());
        // Where users are well, that is worth more to know: a flag may have done it.
        if self.facts.healthy == Some(true) {
            if self.running("watch", Some(environment)) {
                return true;
            }
            // A new watch is what can clear it.
            if self.facts.no_way_back {
                let title = format!(
                    "watch {environment} again: it is well, {name} failed its watch, and no rollback option is left"
                );
                let environment = environment.clone();
                self.add_ranked(Rank::Turn, "watch", &environment, title);
                return true;
            }
            let title =
                format!("{name} failed its watch and is still live on {environment}: roll back, or fix it");
            self.add_ranked(Rank::Turn, "rollback", "", title);
            return true;
        }
        let flag = self.facts.way_back.as_ref().and_then(|way| way.flag.as_ref());
        let title = match (self.third_party(), flag) {
            (Some(_), Some(flag)) => format!("mitigate: {flag}, proven ready; {name} failed its watch"),
            _ => format!("roll {environment} back: {name} failed its watch"),
        };
        self.add_ranked(Rank::Mitigate, "rollback", "", title);
        self.taking_back = true;
        true
    }

    /// What changed production last and failed may have left it half changed.
    fn failed(&mut self) {
        let Some(last) = self.last_on_production() else { return };
        if last.state != PlanState::Ended(PlanEnd::Failed) {
            return;
        }
        // What it brought is live, and was watched again and found good.
        let passed = |live: &Release| matches!(live.verdict, Some((_, WatchVerdict::Passed, _)));
        if self.live().is_some_and(|live| live.plan == last.id && passed(live)) {
            return;
        }
        let (id, target) = (last.id.clone(), &last.target);
        let is_rollback = last.purpose == "rollback";
        let title = if is_rollback {
            format!("the rollback of {target} failed: see why, then retry it")
        } else if self.state.trials.iter().any(|trial| trial.plan == last.id) {
            format!("find a better fix: see why the canary on {target} failed")
        } else {
            format!("the deploy to {target} failed: see why, then retry it")
        };
        // What serves users now comes before what may have left production half changed.
        if !is_rollback && self.may_put_back() && self.is_way_back() {
            self.put_back();
            self.taking_back = true;
        }
        // Where production is well, it is no longer what is most pressing.
        let rank = if self.facts.healthy == Some(true) { Rank::Turn } else { Rank::Mitigate };
        self.add_ranked(rank, "plan", &id, title);
    }

    /// Watching what works on production, or production itself.
    fn running_on_production(&mut self) {
        let watches = |plan: &&PlanRun| {
            plan.purpose == "watch"
                && plan.state == PlanState::Running
                && Some(plan.target.as_str()) == self.environment
        };
        let running = self.on_production().find(|plan| plan.state == PlanState::Running);
        let running = running.or_else(|| self.state.plans.iter().rev().find(watches));
        let Some((id, rank, title)) = running.map(|plan| {
            let is_canary = plan.share().is_some() && plan.purpose != "rollback";
            let title = match plan.share() {
                _ if plan.stopping().is_some() => plan.stopping().unwrap_or_default(),
                Some(share) if plan.purpose != "rollback" => {
                    format!(
                        "watch the canary, {share} % of users on {}",
                        self.state.canary(plan, self.facts.live.as_deref())
                    )
                }
                _ if plan.purpose == "rollback" => format!("watch the rollback of {}", plan.target),
                _ if plan.purpose == "watch" => format!("wait for the watch of {}", plan.target),
                _ => format!("watch the deploy to {}", plan.target),
            };
            // Some users are on what is only tried out, or it fails although users were said to be served: that
            // is looked at before anything is written or told.
            let is_first = is_canary || self.fails_anew();
            (plan.id.clone(), if is_first { Rank::Mitigate } else { Rank::Watch }, title)
        }) else {
            return;
        };
        self.add_ranked(rank, "plan", &id, title);
    }

    /// Whether users are served again is seen by people, where the probes say that they may be.
    fn served(&mut self) {
        let (state, facts) = (self.state, self.facts);
        let acted = self.on_production().any(PlanRun::is_done)
            || state.plans.iter().any(|plan| plan.is_flag() && plan.is_done());
        let was_red = facts.green_since.is_some();
        let again = facts.failed_again.is_some() && state.status == Status::Mitigated;
        if !(state.status == Status::Open || again)
            || facts.healthy != Some(true)
            || !(acted || was_red)
            || self.at_work_on_production()
        {
            return;
        }
        let production = self.environment.unwrap_or("production");
        // Whether it works there is tried before anybody says so.
        let fixed = state.phase == Phase::Verify && !self.went_back();
        if let Some(title) = self.environment.filter(|_| fixed).and_then(|name| self.smoke_due(name)) {
            self.add_ranked(Rank::Served, "smoke", production, title);
        }
        let green = facts.green_since.map(|since| self.now.duration_since(since));
        self.served = true;
        if let Some(short) = green.filter(|green| *green < STEADY) {
            let title = format!("confirm {production} stays healthy: green for {}", duration(short));
            return self.add_ranked(Rank::Served, "health", "", title);
        }
        let title = match (facts.warning.as_slice(), green) {
            ([], Some(green)) => {
                format!("users served again? {production} is green for {}: record it", duration(green))
            }
            ([], None) => format!("users served again? {production} is green: record it"),
            (warning, _) => {
                let (names, verb) = (warning.join(", "), if warning.len() == 1 { "warns" } else { "warn" });
                format!(
                    "users served again? nothing fails in {production}, but {names} {verb}: try it, then record it"
                )
            }
        };
        self.add_ranked(Rank::Served, "mitigate", "", title);
    }

    /// People hear that production is back before they hear of anything else.
    fn news(&mut self) {
        let state = self.state;
        if self.fails_anew() && self.recovering {
            return;
        }
        if self.fails_anew() {
            // Nobody is told that users are served again while the probes say that they are not.
            let production = self.environment.unwrap_or("production");
            let title = format!("{production} fails although it was mitigated: if users are hit, reopen it");
            return self.add_ranked(Rank::Mitigate, "reopen", "", title);
        }
        let is_theirs = |audience: &str| self.policy.told_as(audience) == audience::STAKEHOLDERS;
        let told = state.told.iter().filter(|(_, who)| is_theirs(who)).map(|(at, _)| *at).max();
        let is_new = |at: Timestamp| told.is_none_or(|told| told < at);
        // While its watch runs nobody knows that going back helped.
        let failed = |live: &Release| matches!(live.verdict, Some((_, WatchVerdict::Failed, _)));
        let back = self.live().filter(|live| live.rollback && is_new(live.at) && !failed(live));
        let back = back.filter(|_| !self.at_work_on_production() && !self.recovering);
        let served = state.served_at().filter(|at| is_new(*at) && self.facts.failed_again.is_none());
        let title = match (served, back) {
            (Some(_), _) => "tell stakeholders that users are served again, then record it".to_owned(),
            (None, Some(live)) => {
                let (environment, name) = (&live.environment, live.name());
                let still = if self.facts.healthy == Some(false) { " and still fails" } else { "" };
                format!("tell stakeholders that {environment} is back on {name}{still}, then record it")
            }
            (None, None) => return,
        };
        let runs = |id: &str| {
            let runs = [ClockState::Running, ClockState::Overdue];
            self.clocks.iter().any(|clock| clock.id == id && runs.contains(&clock.state))
        };
        let updated = self.policy.updated();
        let audience = [("stakeholders", audience::STAKEHOLDERS), ("update", updated)];
        let audience = audience.into_iter().find(|(clock, _)| runs(clock)).map(|(_, audience)| audience);
        if let Some(audience) = audience {
            self.add_ranked(Rank::Served, "told", audience, title);
            self.told = true;
        }
    }

    /// Whether production fails although users were said to be served.
    fn fails_anew(&self) -> bool {
        self.state.status == Status::Mitigated && self.facts.healthy == Some(false)
    }

    /// What speaks for its being over, and what nobody knows.
    pub(super) fn is_gone(&self) -> String {
        let Some(live) = self.live() else { return "resolve it: the fault is gone".to_owned() };
        match &live.verdict {
            Some((_, WatchVerdict::Passed, _)) => "resolve it: the fault is gone".to_owned(),
            Some((_, WatchVerdict::Unknown, _)) => {
                format!("resolve it, if the fault is gone: the watch of {} could not be judged", live.name())
            }
            _ => format!("resolve it, if the fault is gone: {} was not watched to the end", live.name()),
        }
    }

    /// What is in production, as far as this incident knows.
    pub(super) fn live(&self) -> Option<&Release> {
        let production = self.environment?;
        self.state.releases.iter().rev().find(|release| release.environment == production)
    }

    /// Whether what was brought to production last was taken back.
    pub(super) fn went_back(&self) -> bool {
        self.live().is_some_and(|live| {
            live.rollback || live.verdict.as_ref().is_some_and(|(_, _, why)| why == UNDONE)
        })
    }

    /// Why the fix at hand must not be brought to production once more.
    pub(super) fn condemned(&self) -> Option<Condemned> {
        self.condemned_in(self.environment?)
    }

    /// Why the fix at hand is not brought any further: its watch failed in an environment before production.
    /// That somebody went back there is practice, as far as anybody knows.
    pub(super) fn condemned_before(&self) -> Option<String> {
        self.before_production().find_map(|name| {
            let bad = self.condemned_in(name).filter(|bad| bad.watched)?;
            Some(format!("on {name} it {}", bad.why))
        })
    }

    fn condemned_in(&self, environment: &str) -> Option<Condemned> {
        let head = self.facts.head.as_deref()?;
        self.state.condemned(environment, |commit| {
            // What is at hand may be known by a short id.
            commit.starts_with(head) || self.facts.same.iter().any(|same| same == commit)
        })
    }

    /// Why what was brought to production last must not be brought there once more.
    pub(super) fn condemned_last(&self) -> Option<Condemned> {
        let production = self.environment?;
        let mut releases = self.state.releases.iter().rev();
        let brought = releases.find(|one| one.environment == production && !one.rollback)?;
        self.state.condemned(production, |commit| commit == brought.commit)
    }

    /// Deploys to production and rollbacks of it, newest first.
    pub(super) fn on_production(&self) -> impl Iterator<Item = &PlanRun> {
        let changes = |plan: &&PlanRun| plan.is_deploy() && Some(plan.target.as_str()) == self.environment;
        self.state.plans.iter().rev().filter(changes)
    }

    /// The one that began last.
    pub(super) fn last_on_production(&self) -> Option<&PlanRun> {
        self.on_production().next()
    }

    /// Whether one of them works or waits, or a canary of one still has a share of the users: nothing is
    /// begun beside it.
    pub(super) fn at_work_on_production(&self) -> bool {
        self.on_production().any(|plan| plan.state.is_under_way()) || self.is_shared()
    }

    /// Whether a canary was left with a share of the users.
    pub(super) fn is_shared(&self) -> bool {
        self.environment.is_some_and(|production| self.state.share_left(production).is_some())
    }
}
