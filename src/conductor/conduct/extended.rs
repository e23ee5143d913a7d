//! An extended watch: it holds nothing but itself, so it waits for nobody. Where there is no data it goes on
//! and says in the end how much was seen; where something else was brought there it is over.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::super::log::LogWriter;
use super::super::run::Finished;
use super::super::watch::{Look, Watching};
use super::Conductor;
use super::wait::{Heard, interrupted, met, say, say_seen, stopped, worse};
use crate::deploy::extended::{left, points, superseded};
use crate::health::vigil::past_windows;
use crate::incident::{Release, duration, finding};
use crate::plan::Watch;

/// How often it is looked whether anything is new, in a watch of hours.
const GLANCE: Duration = Duration::from_secs(2);
/// How often that is in a shorter one, and no more often than this.
const GLANCES: u32 = 7200;
const SHORTEST: Duration = Duration::from_millis(100);
/// How often it is asked what other incidents released, besides when a plan takes the environment or gives it back.
const RELEASES: Duration = Duration::from_secs(30);

impl Conductor {
    /// Watches from a distance until its time is over, something is worse, or it is superseded.
    pub(super) fn watch_on(&mut self, index: usize, watch: &Watch, log: &mut LogWriter) -> Finished {
        let Some((environment, commit)) = watch.judges.clone() else {
            return interrupted("it is not known what was released".to_owned());
        };
        let began = self.first_began(index);
        let now = self.recorder.now();
        let time = left(watch.time, began, now);
        let whole = watch.time;
        let watch = &Watch { time, ..watch.clone() };
        let mut watching = match Watching::begin(watch, &self.vault.keyring()) {
            Ok(watching) => watching,
            Err(why) => return interrupted(self.vault.mask(&why)),
        };
        let until = began.unwrap_or(now);
        let windows = past_windows(self.recorder.state().started_at, until);
        watching.compare_with(self.past(watch, until), windows);
        if let Some((deployed, before)) = self.releases(watch) {
            watching.expect(deployed, before);
        }
        let since = self.recorder.plan().map_or(now, |run| run.started_at);
        let length = Duration::try_from(time).unwrap_or_default();
        let (start, glance) = (Instant::now(), GLANCE.min(length / GLANCES).max(SHORTEST));
        let mut elsewhere: (Instant, Vec<Release>) = (start, self.released_anywhere());
        let (mut last, mut held) = (String::new(), None);
        loop {
            let holder = self.being_changed(&environment);
            if holder != held || elsewhere.0.elapsed() >= RELEASES {
                elsewhere = (Instant::now(), self.released_anywhere());
                held.clone_from(&holder);
            }
            let own = superseded(self.recorder.state().releases.iter(), &environment, &commit, since);
            if let Some(by) = own.or_else(|| superseded(elsewhere.1.iter(), &environment, &commit, since)) {
                let why = format!("superseded: {} was brought to {environment} by {}", by.name(), by.by);
                say(log, &why);
                return interrupted(why);
            }
            let how = match watching.look() {
                Look::Passed(what) => {
                    let short = if time < whole {
                        format!(" · the last {} of {}", duration(time), duration(whole))
                    } else {
                        String::new()
                    };
                    let what = self.vault.mask(&format!("{what}{short} · {}", points(watch)));
                    say_seen(log, &what);
                    return met(what);
                }
                Look::Failed(why) => {
                    let Some(plan) = holder else {
                        say_seen(log, &self.vault.mask(&why));
                        return worse(&why);
                    };
                    format!("{}, while {plan} is at work there", finding(&why))
                }
                Look::NoData(why) if start.elapsed() >= length => {
                    let why = format!("too little was seen to say how it is: {why}");
                    say(log, &self.vault.mask(&why));
                    return interrupted(why);
                }
                Look::NoData(how) | Look::Going(how) => how,
            };
            // How long it has been is no news.
            let news: String = how.chars().filter(|c| !c.is_ascii_digit()).collect();
            if news != last {
                say(log, &self.vault.mask(&how));
                last = news;
            }
            match self.listen_for(glance) {
                Heard::Stop(why) => return stopped(why),
                Heard::Decided(decided) => return self.leave(decided),
                Heard::Nothing => {}
            }
        }
    }

    /// When the first run of a step began; `None`: this one is the first.
    fn first_began(&self, index: usize) -> Option<Timestamp> {
        let step = self.recorder.plan()?.steps.get(index)?;
        step.earlier.iter().map(|run| run.started_at).min()
    }

    /// The plan that holds an environment: what fails meanwhile is not held against what was there before.
    fn being_changed(&self, environment: &str) -> Option<String> {
        let leases = self.recorder.journal().leases().unwrap_or_default();
        let repository = self.recorder.repository();
        let mut held = leases.into_iter().filter(|lease| lease.repository == repository);
        held.find(|lease| lease.target == environment).map(|lease| lease.plan)
    }

    fn released_anywhere(&self) -> Vec<Release> {
        let history = self.recorder.journal().history(self.recorder.repository());
        history.map(|history| history.releases).unwrap_or_default()
    }
}
