//! What a pipeline at a code host waits for, and what people answer to that.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::Visit;
use super::client::{Kind, Lost};
use crate::deploy::pipeline::{Job, Review, github, gitlab};
use crate::incident::RemoteState;
use crate::plan::forge::{Forge, encoded};
use crate::text::visible;

/// What came of an answer to all that a run waits for.
#[derive(Debug, Default)]
pub(in super::super) struct Answered {
    /// What took it.
    pub(in super::super) given: Vec<Review>,
    /// What did not, and why.
    pub(in super::super) lost: Vec<(Review, Lost)>,
}

impl Answered {
    /// An answer that nothing took, for one reason.
    pub(in super::super) fn none(reviews: &[Review], lost: &Lost) -> Self {
        let lost = reviews.iter().map(|review| (review.clone(), lost.clone())).collect();
        Self { given: Vec::new(), lost }
    }

    /// Says what took it, and what did not and why; `None`: all did.
    pub(in super::super) fn trouble(&self, approve: bool) -> Option<String> {
        let (done, word) = if approve { ("approved", "approve") } else { ("rejected", "reject") };
        let name = |review: &Review| visible(&review.what).into_owned();
        let (first, rest) = self.lost.split_first()?;
        if self.given.is_empty() && rest.is_empty() {
            return Some(format!("could not {word} it: {}", first.1.why));
        }
        let given: Vec<String> = self.given.iter().map(name).collect();
        let given = if given.is_empty() { String::new() } else { format!("{done} {}; ", given.join(", ")) };
        // What has one reason is named together.
        let mut whys: Vec<(Vec<String>, &str)> = Vec::new();
        for (review, lost) in &self.lost {
            match whys.iter_mut().find(|(_, why)| *why == lost.why) {
                Some((names, _)) => names.push(name(review)),
                None => whys.push((vec![name(review)], &lost.why)),
            }
        }
        let whys: Vec<String> =
            whys.iter().map(|(names, why)| format!("could not {word} {}: {why}", names.join(", "))).collect();
        Some(format!("{given}{}", whys.join("; ")))
    }
}

/// Whose approvals deployments of GitLab lack, by their numbers: each is a question of its own.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    known: BTreeMap<u64, (u64, Vec<String>)>,
    asked: u64,
}

impl Lacking {
    /// The ones to ask about next, of those that are blocked: those that were asked about longest ago.
    fn due(&mut self, blocked: &[u64], most: usize) -> Vec<u64> {
        self.known.retain(|id, _| blocked.contains(id));
        let mut due = blocked.to_vec();
        due.sort_by_key(|id| self.known.get(id).map(|(asked, _)| *asked));
        due.truncate(most);
        due
    }

    fn learn(&mut self, id: u64, who: Vec<String>) {
        self.asked += 1;
        self.known.insert(id, (self.asked, who));
    }

    fn who(&self, id: u64) -> Vec<String> {
        self.known.get(&id).map(|(_, who)| who.clone()).unwrap_or_default()
    }
}

impl Visit {
    /// Tells whether it can be asked what a run with these jobs waits for: at GitLab it is they that wait.
    pub(in super::super) fn asks_reviews(&self, jobs: &[Job]) -> bool {
        self.place.forge == Forge::Github || gitlab::held(jobs).next().is_some()
    }

    /// What it waits for that a person can give, in at most so many requests. Who may is told by and by where that are
    /// many.
    pub(in super::super) fn reviews(
        &mut self,
        id: &str,
        jobs: &[Job],
        most: usize,
    ) -> Result<Vec<Review>, Lost> {
        if self.place.forge == Forge::Github {
            let address = format!("{}/pending_deployments", self.run_address(id));
            let pending: Vec<github::Pending> = self.client.get(&address)?;
            return Ok(pending.into_iter().map(Review::from).collect());
        }
        let held: Vec<&Job> = gitlab::held(jobs).collect();
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let all = format!("{}/deployments", self.place.address());
        let query = "status=blocked&order_by=id&sort=desc&per_page=100";
        // Where nothing is protected, or it may not be read, they are manual jobs like any other.
        let blocked: Vec<gitlab::Deployment> = match self.client.get(&format!("{all}?{query}")) {
            Err(Lost { kind: Kind::Refused(403 | 404), .. }) => Vec::new(),
            answer => answer?,
        };
        let held: Vec<_> = held.into_iter().map(|job| (job, gitlab::holds(&blocked, job))).collect();
        let ids: Vec<u64> = held.iter().filter_map(|(_, deployment)| Some((*deployment)?.id)).collect();
        for id in self.lacking.due(&ids, most.saturating_sub(1)) {
            let found: gitlab::Blocked = self.client.get(&format!("{all}/{id}"))?;
            self.lacking.learn(id, found.lacks());
        }
        let review = |(job, deployment): (&Job, Option<&gitlab::Deployment>)| match deployment {
            Some(found) => found.review(job, self.lacking.who(found.id)),
            None => gitlab::review(job),
        };
        Ok(held.into_iter().map(review).collect())
    }

    /// Approves what it waits for, or rejects it: all of it, whatever becomes of one. A rejected job of GitLab is cancelled;
    /// one whose deployment is approved is played once that lacks no approval.
    pub(in super::super) fn review(
        &mut self,
        id: &str,
        reviews: &[Review],
        approve: bool,
        comment: &str,
    ) -> Answered {
        match self.place.forge {
            Forge::Github => {
                // One that this person may not answer would have all of them refused.
                let open: Vec<Review> =
                    reviews.iter().filter(|review| review.may != Some(false)).cloned().collect();
                let ids: Vec<u64> = open.iter().filter_map(|review| review.id.parse().ok()).collect();
                let state = if approve { "approved" } else { "rejected" };
                let sent = json!({ "environment_ids": ids, "state": state, "comment": comment });
                let address = format!("{}/pending_deployments", self.run_address(id));
                match self.client.tell(&Method::POST, &address, Some(&sent)) {
                    Ok(_) => Answered { given: open, lost: Vec::new() },
                    Err(lost) => Answered::none(&open, &self.needing(lost)),
                }
            }
            Forge::Gitlab => {
                let mut answered = Answered::default();
                for (at, review) in reviews.iter().enumerate() {
                    match self.review_job(review, approve, comment) {
                        Ok(()) => answered.given.push(review.clone()),
                        Err(lost) => {
                            let lost = self.needing(lost);
                            // What it says to all that it is asked holds for the rest as well.
                            let is_for_all = !lost.away().is_zero()
                                || matches!(lost.kind, Kind::Unsent | Kind::Refused(401));
                            let rest = if is_for_all { reviews.len() } else { at + 1 };
                            let these = reviews.get(at..rest).unwrap_or_default();
                            answered.lost.extend(Answered::none(these, &lost).lost);
                            if is_for_all {
                                break;
                            }
                        }
                    }
                }
                answered
            }
        }
    }

    /// Answers what one job of GitLab waits for.
    fn review_job(&mut self, review: &Review, approve: bool, comment: &str) -> Result<(), Lost> {
        let (job, deployment) = review.id.split_once('/').unwrap_or((&review.id, ""));
        if !deployment.is_empty() {
            let address = format!("{}/deployments/{}", self.place.address(), encoded(deployment));
            let status = if approve { "approved" } else { "rejected" };
            let sent = json!({ "status": status, "comment": comment });
            self.client.tell(&Method::POST, &format!("{address}/approval"), Some(&sent))?;
            // What is rejected fails; what is approved waits for others, or to be played.
            if !approve || self.client.get::<gitlab::Blocked>(&address)?.status == "blocked" {
                return Ok(());
            }
        }
        let act = if approve { "play" } else { "cancel" };
        let address = format!("{}/jobs/{}", self.place.address(), encoded(job));
        // One that ran meanwhile would run once more.
        let now = Job::from(self.client.get::<gitlab::RunJob>(&address)?);
        if approve && now.state != RemoteState::Waiting {
            let why = format!("{} {} by now: look at it again", visible(&now.name), now.state.word());
            return Err(Lost { why, kind: Kind::Refused(409) });
        }
        self.client.tell(&Method::POST, &format!("{address}/{act}"), None).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_approve_is_asked_of_all_in_turn() {
        let mut lacking = Lacking::default();
        let mut asked = Vec::new();
        for _ in 0..3 {
            let due = lacking.due(&[7, 8, 9], 2);
            for id in &due {
                lacking.learn(*id, vec![format!("team {id}")]);
            }
            asked.extend(due);
        }
        assert_eq!(asked, [7, 8, 9, 7, 8, 9]);
        assert_eq!((lacking.who(8), lacking.who(1)), (vec!["team 8".to_owned()], Vec::new()));
        assert_eq!(lacking.due(&[9], 2), [9]);
        assert!(lacking.who(8).is_empty(), "it waits no longer");
    }
}
