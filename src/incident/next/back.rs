//! Putting production back, before and beside a fix.

use jiff::{SignedDuration, Timestamp};

use super::super::body::{CulpritVerdict, Phase, WatchVerdict};
use super::super::clocks::needs_hotfix;
use super::super::state::{PlanRun, Release, Status};
use super::super::time::duration;
use super::{Next, Rank, Steps};
use crate::config::types::Concern;

impl Steps<'_> {
    /// Whether it is still open what is done to serve users again.
    pub(super) fn may_put_back(&self) -> bool {
        // What was decided or done about something else leaves production as it is.
        self.state.status == Status::Open
            && !self.state.no_rollback
            && !self.is_filed()
            && !self.served
            && !self.at_work_on_production()
    }

    /// Whether it was decided what becomes of a fault that needs no hotfix: it waits for its turn, unless
    /// users can be served now.
    fn is_filed(&self) -> bool {
        let lesser = !self.begun() && !needs_hotfix(self.policy, self.state.severity);
        lesser && self.state.decisions > 0 && !self.is_way_back()
    }

    /// Whether production fails and a way back is proven ready: taking it comes before all that is to be
    /// said and written down.
    pub(super) fn is_way_back(&self) -> bool {
        self.ready().is_some() && self.facts.healthy == Some(false) && self.acted().is_none()
    }

    /// What is proven ready and may help. No earlier release mends what somebody else broke: a flag may take
    /// the service off it.
    fn ready(&self) -> Option<&String> {
        let way = self.facts.way_back.as_ref()?;
        if self.third_party().is_some() { way.flag.as_ref() } else { way.ready.as_ref() }
    }

    /// Who else seems to have broken it: what a probe says, or what somebody found out. Whoever ruled it out is
    /// believed.
    pub(super) fn third_party(&self) -> Option<String> {
        let mut culprits = self.policy.culprits.iter();
        let culprit = culprits.find(|one| one.concerns == Some(Concern::ThirdParty));
        let judged = culprit.and_then(|one| self.state.culprits.get(&one.id)).map(|one| one.verdict);
        let probes = self.facts.third_parties.as_slice();
        match (judged, probes) {
            (Some(CulpritVerdict::RuledOut), _) | (None | Some(CulpritVerdict::Open), []) => None,
            (Some(CulpritVerdict::Found), []) => Some("a third party broke it".to_owned()),
            (_, [one]) => Some(format!("{one} is not well")),
            (_, many) => Some(format!("{} are not well", many.join(" and "))),
        }
    }

    /// Whether somebody found out that a third party broke it: no change of ours did.
    pub(super) fn is_elsewhere(&self) -> bool {
        let theirs = self.policy.culprits.iter().find(|one| one.concerns == Some(Concern::ThirdParty));
        let judged = theirs.and_then(|one| self.state.culprits.get(&one.id));
        judged.is_some_and(|one| one.verdict == CulpritVerdict::Found)
    }

    /// Whether somebody looked at what changed: who looks now did, or the record tells what came of it.
    pub(super) fn looked(&self) -> bool {
        let state = self.state;
        let mut culprits = state.culprits.values();
        let is_culprit = culprits.any(|culprit| culprit.verdict == CulpritVerdict::Found);
        let is_found = is_culprit || !state.cause.is_empty() || state.findings > 0;
        self.facts.looked || is_found || state.plans.iter().any(|plan| plan.purpose == "bisect")
    }

    /// What was turned off for the time being is asked about before it is over.
    pub(super) fn flags_on(&mut self) {
        for flag in self.state.flags_off() {
            self.add("flags", "", format!("turn {flag} on again, or keep it off on purpose"));
        }
    }

    /// How pressing going back is.
    pub(super) fn back(&self) -> Rank {
        if self.is_way_back() { Rank::Mitigate } else { Rank::Turn }
    }

    /// Whether going back is what comes first.
    pub(super) fn goes_back_first(&self) -> bool {
        let asked = if self.state.phase < Phase::Verify {
            self.may_put_back() && !self.begun()
        } else {
            !self.at_work_on_production() && !self.taking_back
        };
        asked && self.is_way_back()
    }

    /// First things first: users are served again before the cause is looked for.
    pub(super) fn put_back(&mut self) {
        if self.recovering {
            return;
        }
        let Some(production) = self.environment.map(str::to_owned) else { return self.put_back_by_hand() };
        let rolled_back =
            self.last_on_production().filter(|plan| plan.purpose == "rollback" && plan.is_done());
        // What was reverted and pushed is still to be deployed.
        let reverted = rolled_back.is_some_and(PlanRun::only_pushes);
        if let Some(who) = self.third_party().filter(|_| rolled_back.is_none() && self.ready().is_none()) {
            let title =
                format!("check the usual causes before rolling back: {who}; a redeploy won't fix that");
            return self.add("culprits", "", title);
        }
        match (rolled_back.is_some(), self.facts.healthy, &self.facts.way_back) {
            (true, ..) if reverted => {
                let title = "deploy the revert: choose the same option again".to_owned();
                self.add_ranked(Rank::Mitigate, "rollback", "", title);
            }
            (true, Some(false), _) => {
                let title = format!("{production} still fails after the rollback: try another option");
                self.add_ranked(self.back(), "rollback", "", title);
            }
            (true, ..) => self.add("mitigate", "", "rolled back: if users are served again, record it"),
            (false, ..) if self.ready().is_some() => {
                let way = self.ready().map_or("", String::as_str);
                let title = format!("mitigate first: {way}, proven ready");
                self.add_ranked(self.back(), "rollback", "", title);
            }
            (false, _, Some(_)) => {
                self.add("rollback", "", "mitigate first: see the rollback options");
            }
            (false, _, None) => {
                self.add("rollback", "", "mitigate first: redeploy the last good build, or turn a flag off");
            }
        }
    }

    /// Putting production back where no environment is configured, and nothing can be run.
    fn put_back_by_hand(&mut self) {
        // What would be run is looked at first, and that stands above.
        if self.facts.untrusted {
            return;
        }
        if self.state.actions == 0 {
            self.add("note.action", "", "put production back by hand, then record it");
        } else {
            self.add("mitigate", "", "if users are served again, record it");
        }
    }

    /// The same where a fix was begun: what is proven to serve users again now stays in sight until it was
    /// tried or ruled out. `before` is how long the list was without the steps of the fix.
    pub(super) fn put_back_beside(&mut self, before: usize) {
        if !self.begun() || !self.may_put_back() || self.taking_back {
            return;
        }
        if self.is_way_back() {
            let own = self.list.get(before).map(|(_, next)| next.clone());
            // Who looks is one of the people that the fix waits for.
            let answers = self.list.iter().any(|(_, next)| next.action == "approve");
            self.put_back();
            let back = self.list.pop().map(|(_, next)| next);
            self.beside = back.map(|back| (back, own.filter(|own| !answers && !waits_for_people(own))));
        }
    }

    /// Watching whether what was done last helps, before anything else is tried; false: there is no such thing.
    pub(super) fn watch_it(&mut self) -> bool {
        let Some((what, at)) = self.acted() else { return false };
        let production = self.environment.unwrap_or("production");
        let ago = duration(self.now.duration_since(at).max(SignedDuration::ZERO));
        let title = format!("watch whether {production} recovers: {what} {ago} ago");
        self.add_ranked(Rank::Mitigate, "health", "", title);
        self.recovering = true;
        true
    }

    /// What was done last that users may feel, and when, as long as probes can not yet tell whether it helps: each
    /// that recovered since gives the others time. Nothing where it failed, or its watch says that it is no good.
    fn acted(&self) -> Option<(String, Timestamp)> {
        if self.facts.healthy != Some(false) {
            return None;
        }
        let reaches = |plan: &PlanRun| {
            plan.is_flag() || (plan.is_deploy() && Some(plan.target.as_str()) == self.environment)
        };
        let ended = self.state.plans.iter().filter(|plan| plan.ended_at.is_some() && reaches(plan));
        let plan =
            ended.max_by_key(|plan| plan.ended_at).filter(|plan| plan.is_done() && !plan.only_pushes())?;
        let is_bad = |live: &Release| matches!(live.verdict, Some((_, WatchVerdict::Failed, _)));
        if self.live().is_some_and(|live| live.plan == plan.id && is_bad(live)) {
            return None;
        }
        let at = plan.ended_at?;
        let recovered = self.state.alarms.values().filter(|alarm| alarm.state == "ok" && alarm.since >= at);
        let heard = recovered.map(|alarm| alarm.since).max().map_or(at, |last| last.max(at));
        let live = self.live().filter(|live| live.plan == plan.id).map(Release::name);
        let name = live.unwrap_or_else(|| plan.brings());
        let what = match plan.title.strip_prefix("turn ").filter(|_| plan.is_flag()) {
            Some(flag) => turned(flag),
            None if plan.is_flag() => plan.title.clone(),
            None if plan.purpose == "rollback" => format!("rolled back to {name}"),
            None => format!("{name} was deployed"),
        };
        let since = self.now.duration_since(heard).max(SignedDuration::ZERO);
        (since < self.facts.settles).then_some((what, at))
    }
}

/// `loyalty off` in the past: `loyalty was turned off`.
fn turned(flag: &str) -> String {
    flag.rsplit_once(' ').map_or_else(|| flag.to_owned(), |(name, to)| format!("{name} was turned {to}"))
}

/// Whether a step of the fix is done by other people.
fn waits_for_people(next: &Next) -> bool {
    ["wait for ", "ask ", "have ", "nobody is "].iter().any(|word| next.title.starts_with(word))
}
