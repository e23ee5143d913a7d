//! What an earlier run of a step may have started whose end nobody saw: it is looked for before anything is started again.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::super::forge::Kind;
use super::super::super::pipeline::Host;
use super::super::super::run::Finished;
use super::super::wait::who;
use super::super::{Conductor, SOUGHT};
use super::{SKEW, maybe, undecided};
use crate::deploy::pipeline::{Found, Seen, pick};
use crate::incident::{Outcome, Run};
use crate::plan::pipeline::{Begin, Pipeline};
use crate::text::visible;

/// What is said where nobody can tell whether an earlier run of a step started something.
const UNTOLD: &str = "whether it was started before cannot be told";
impl Conductor {
    /// Finds what an earlier run of this step may have started; `None`: nothing of it is there. A person was shown what may
    /// be it, and decided since: that is none.
    pub(super) fn left_behind(
        &mut self,
        index: usize,
        pipeline: &Pipeline,
        host: &mut Host,
    ) -> Result<Option<Seen>, Box<Finished>> {
        let Some(within) = self.still_to_look(index) else { return Ok(None) };
        if let Some(remote) = self.last_remote(index) {
            match self.next_attempt(index, &remote, host) {
                Ok(None) => {}
                Ok(next) => return Ok(next),
                Err(lost) if matches!(lost.kind, Kind::Refused(404)) => {}
                Err(lost) => return Err(Box::new(undecided(true, lost.why))),
            }
        }
        let sought = pipeline.looked_for(SOUGHT);
        let Begin::Find { event, .. } = &sought.begin else { return Ok(None) };
        let since = self.first_begun(index).checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        let known = self.not_this(index);
        let shown: Vec<String> = self.lost_runs(index).into_iter().filter_map(unseen).collect();
        let until = Instant::now() + within;
        let interval = Duration::try_from(pipeline.interval).unwrap_or_default();
        host.ask_once();
        loop {
            let (trouble, away) = match self.at_host(|| host.runs(&pipeline.commit, event, since)) {
                Ok(all) => {
                    let all: Vec<Seen> = all.into_iter().filter(|one| !is_among(one, &shown)).collect();
                    // A command need not say of which commit its run is: then nothing tells whose it is.
                    let untold = |one: &&Seen| one.commit.is_empty() && !known.contains(&one.id);
                    if !host.lists()
                        && let Some(one) = all.iter().find(untold)
                    {
                        return Err(Box::new(maybe(std::slice::from_ref(one))));
                    }
                    match pick(all, &pipeline.commit, since, &known) {
                        // A command tells of the last one, which may be of long ago.
                        Found::One(seen) if !host.lists() && seen.state.is_over() => {
                            return Err(Box::new(maybe(&[*seen])));
                        }
                        Found::One(seen) if !pipeline.commit.is_empty() => return Ok(Some(*seen)),
                        Found::One(seen) => return Err(Box::new(maybe(&[*seen]))),
                        Found::Several(all) => return Err(Box::new(maybe(&all))),
                        Found::None => Default::default(),
                    }
                }
                // Not every command can say whether there is one: a person decides, who was told so.
                Err(_) if !host.lists() && shown.iter().any(|why| why.contains(UNTOLD)) => return Ok(None),
                Err(lost) if !host.lists() => {
                    let why = format!("{UNTOLD}: {}; look there, and retry to start another", lost.why);
                    return Err(Box::new(undecided(true, why)));
                }
                Err(lost) => (lost.why.clone(), lost.away()),
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || left < away {
                return if trouble.is_empty() { Ok(None) } else { Err(Box::new(undecided(true, trouble))) };
            }
            if let Some(wish) = self.rest(interval.max(away).min(left)) {
                let finished = undecided(true, who(&wish.why));
                return Err(Box::new(Finished { stopped: Some(wish.why), ..finished }));
            }
        }
    }

    /// How long to look on for what an earlier run of this step may have started; `None`: there is no such run.
    pub(super) fn still_to_look(&mut self, index: usize) -> Option<Duration> {
        let now = self.recorder.now();
        let began = self.lost_runs(index).first()?.started_at;
        Some(Duration::try_from(SOUGHT - now.duration_since(began)).unwrap_or_default())
    }

    /// The earlier runs of a step that may have started something that is not on record, newest first.
    fn lost_runs(&self, index: usize) -> Vec<&Run> {
        let step = self.recorder.plan().and_then(|plan| plan.steps.get(index));
        let runs = step.into_iter().flat_map(|step| step.run.iter().chain(step.earlier.iter().rev()));
        runs.take_while(|run| run.remote.is_none()).filter(|run| unseen(run).is_some()).collect()
    }
}

/// What was said of a run whose end nobody saw.
fn unseen(run: &Run) -> Option<String> {
    match &run.outcome {
        Some(Outcome::Unknown { why }) => Some(why.clone()),
        _ => None,
    }
}

/// Tells whether a run was named in what a person was shown.
fn is_among(seen: &Seen, shown: &[String]) -> bool {
    let text = format!("{} {}", seen.name, seen.url);
    let text = visible(text.trim());
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '/');
    let named =
        |why: &String| why.match_indices(&*text).any(|(at, _)| why.get(at + text.len()..).is_some_and(ends));
    shown.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::RemoteState;

    #[test]
    fn what_a_person_was_shown_is_told_from_what_only_begins_alike() {
        let seen = |id: &str| Seen {
            id: id.to_owned(),
            name: "deploy.yml #42".to_owned(),
            url: format!("https://git.example/runs/{id}"),
            attempt: 1,
            state: RemoteState::Queued,
            said: String::new(),
            commit: String::new(),
            created: None,
            began: None,
            workflow: String::new(),
        };
        let Outcome::Unknown { why } = maybe(&[seen("90011"), seen("9002")]).ended.outcome else { panic!() };
        let shown = [why];
        assert!(is_among(&seen("90011"), &shown) && is_among(&seen("9002"), &shown));
        assert!(!is_among(&seen("9001"), &shown) && !is_among(&seen("9003"), &shown));
    }
}
