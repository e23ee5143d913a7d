//! `flightdeck status`: the situation on one screen.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::End;
use super::context::{Context, Loaded, Place, Setup, Wanted};
use super::situation::{Around, ProbeState, Situation};
use super::{approve, status_ahead, status_json, status_samples, status_text};
use crate::cockpit::model::{Glyphs, Looks};
use crate::cockpit::ways::Looked;
use crate::cockpit::{Keymap, Model, gone, update};
use crate::conductor::{self, Asking, Fresh, Ground, Looker, keyring};
use crate::config::types::{Config, Flow};
use crate::deploy::{Resolved, gates, release};
use crate::failure::{Failure, Result};
use crate::health::runner;
use crate::health::series::{State as HealthState, Status, Verdict};
use crate::health::silence;
use crate::health::stretches::Past;
use crate::health::tracker::Tracker;
use crate::hotfix::git::Reader;
use crate::hotfix::state::BranchState;
use crate::hotfix::{outlook, pull, standing};
use crate::incident::{self, AlarmState, Claim, Facts, RunbookFor, Seen, State};
use crate::plan::gates::Standing;
use crate::plan::proposal;
use crate::report::runbook::{Failing, to_read, used};

/// Show the situation on one screen
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck status
  flightdeck status --json | jq '.next[0].title'
  flightdeck status --at 14:45         as it was at 14:45 UTC")]
pub(crate) struct Args {
    /// Show it as it was then: only what was on record by that time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let at = args.at.as_deref().map(|at| cx.time("--at", at)).transpose()?;
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    let may_have_moved =
        |state: &State| state.plans.iter().any(|plan| plan.state.is_under_way()) || conductor::is_due(state);
    if at.is_none() && may_have_moved(loaded.state()) {
        // What is said to run may be gone. Where that cannot be written down the record is shown.
        if let Ok(mut own) = cx.load(Wanted::Last)
            && super::plan::refresh(cx, &mut own).is_ok()
        {
            loaded = own;
        }
    }
    // A configuration with a mistake in it must not hide the record.
    let (setup, mistake) = cx.setup_or_found();
    if let Some(failure) = &mistake {
        cx.out.failure(failure);
    }
    let model = cockpit(keymap(cx), setup.clone(), cx.now());
    let number = loaded.number.clone();
    let mut situation = match at {
        Some(at) => then(&loaded, setup, at)?,
        None => now(cx, loaded, setup),
    };
    situation.state.number = number;
    let key = |action: &str, argument: &str| key_of(&model, action, argument);
    if args.json {
        let document = status_json::json(&situation, &key);
        // Assistants read the timeline in pieces.
        let document = if cx.assistant.is_some() { document.without_timeline() } else { document };
        cx.out.json(&document)?;
    } else {
        cx.out.put(&status_text::text(&situation, cx.out.colour, &key))?;
    }
    Ok(End::Done)
}

/// The situation now, with the configuration in force.
pub(super) fn situation(cx: &Context, loaded: Loaded) -> Situation {
    let (setup, _) = cx.setup_or_found();
    now(cx, loaded, setup)
}

/// The situation now.
fn now(cx: &Context, loaded: Loaded, setup: Setup) -> Situation {
    let now = cx.now();
    let (me, node) = (cx.user().unwrap_or_default(), loaded.journal.author().node);
    let mut around = Around { me, here: node, ..around(&setup) };
    let of_incident = loaded.journal.repository_of(loaded.state().id).ok();
    let is_here = |_: &&Place| cx.repository(&loaded.journal).ok() == of_incident;
    let here = cx.place.as_ref().ok().filter(is_here);
    let elsewhere = || "this is not the repository of the incident: its branch is not shown".to_owned();
    if let Some(place) = here {
        let waiting = proposal::waiting(loaded.state());
        let moved = |waits| approve::moved(&place.root, waits, &proposal::plan(waits).ok()?);
        around.moved = waiting.filter_map(moved).collect();
    }
    let mut reader = None;
    let read = here.map(|place| {
        let opened = reader.insert(Reader::open(&place.root)?);
        opened.read(&setup.config.hotfix)
    });
    match read {
        Some(Ok(branch)) => around.hotfix = Some(branch),
        Some(Err(unread)) => around.remarks.push(unread.failure(&cx.here.to_string_lossy()).to_string()),
        None => around.remarks.push(elsewhere()),
    }
    let asked = ask_pull(cx, &setup, around.hotfix.as_ref());
    let history = super::carry::history(cx).map_err(|failure| around.remarks.push(failure.to_string()));
    let mut history = history.unwrap_or_default();
    around.releases.clone_from(&history.releases);
    if setup.trusted {
        around.missing = missing(cx, loaded.state(), &setup, around.hotfix.as_ref(), now);
        // Production is asked about ways back while the probes are.
        around.looked = std::thread::scope(|scope| {
            let env = setup.config.production().zip(cx.root().ok());
            let (state_dir, recorded, setup) = (cx.state_dir.as_path(), &history, &setup);
            // Once it is over nothing goes back: what is on record is enough.
            let asking = if loaded.state().is_open() { Asking::Environment } else { Asking::Here };
            let looking = env.map(|(env, root)| {
                let ground = Ground {
                    root,
                    state_dir,
                    config: &setup.config,
                    policy: &setup.policy,
                    history: recorded,
                    now,
                    fresh: Fresh::Ask,
                };
                scope.spawn(move || looked(&ground, &env.name, asking))
            });
            ask_probes(cx, setup, &mut around, Some(&loaded));
            looking.and_then(|looking| looking.join().ok())
        });
        around.seen_since = seen_since(&loaded, &setup, &around, now);
        let root = reader.as_ref().map(Reader::root);
        around.runbook = root.and_then(|root| runbook(root, &setup.config, &around, loaded.state()));
    } else {
        around.health = configured_probes(&setup, "not asked");
    }
    around.shared = super::share::how_far(cx, &setup, &loaded);
    around.pull = asked.and_then(|asked| asked.join().ok());
    if setup.configured && !setup.trusted {
        around.untrusted = true;
        around.remarks.push(
            "flightdeck.toml is not trusted, so no probe ran. Review and trust it: flightdeck trust".into(),
        );
    }
    if let Some(reader) = reader.as_mut().filter(|_| around.hotfix.is_some()) {
        let names: Vec<String> = setup.config.environments.iter().map(|env| env.name.clone()).collect();
        if setup.trusted {
            // What a plan of ours brought there was proven; what was written down by hand was not. Production was
            // asked already.
            let is_unproven =
                |name: &&String| history.current(name).is_none_or(|known| known.plan.is_empty());
            let is_asked = |name: &&String| around.looked.is_some() && **name == around.production();
            let unproven: Vec<_> =
                names.iter().filter(is_unproven).filter(|name| !is_asked(name)).cloned().collect();
            conductor::ask_environments(&setup.config, &unproven, reader.root(), &mut history);
            let found = around.looked.as_ref().and_then(|looked| looked.unrecorded.as_deref());
            release::merge(&mut history, found.cloned().into_iter().collect());
        }
        let base = around.hotfix.as_ref().and_then(|branch| branch.base.as_deref()).unwrap_or_default();
        let tried = outlook::tried(loaded.log.state(), base);
        let (hotfix, policy) = (&setup.config.hotfix, &setup.policy);
        around.outlook = status_ahead::look(reader, hotfix, policy, &names, &history.releases, tried);
    }
    Situation::new(loaded.log.into_state(), setup.policy, around, now)
}

/// How long the place of the pull request may take.
const PULL: Duration = Duration::from_secs(8);

/// Asks for the pull request of the hotfix branch while the rest is looked at; `None`: its flow has none.
fn ask_pull(cx: &Context, setup: &Setup, branch: Option<&BranchState>) -> Option<JoinHandle<pull::Looked>> {
    let hotfix = setup.config.hotfix.clone();
    let state = branch.filter(|_| hotfix.flow == Flow::GithubFlow)?;
    let (name, base) = (standing::branch(&hotfix, state)?.to_owned(), state.base.clone()?);
    let (root, trusted) = (cx.root().ok()?.to_owned(), setup.trusted);
    Some(std::thread::spawn(move || match Looker::new(&root, &hotfix, &name, &base, trusted) {
        Ok(mut looker) => looker.look_within(PULL).looked,
        Err(known) => *known,
    }))
}

/// Looks for ways back in an environment, as the cockpit does.
fn looked(ground: &Ground<'_>, environment: &str, asking: Asking) -> Looked {
    match conductor::ways(ground, environment, asking) {
        Ok(found) => Looked {
            at: ground.now,
            live: found.live,
            unrecorded: found.unrecorded.map(Box::new),
            past: found.past,
            ways: Ok(found.ways),
        },
        Err(failure) => {
            Looked { at: ground.now, live: None, unrecorded: None, past: Vec::new(), ways: Err(failure) }
        }
    }
}

/// What speaks against saying something of an incident, with every probe asked once.
pub(super) fn against(cx: &Context, claim: Claim, state: &State) -> Vec<String> {
    let (setup, _) = cx.setup_or_found();
    let facts = asked(cx, &setup, state, true);
    incident::against(claim, state, &setup.policy, &facts, cx.now())
}

/// How production is seen to be, with every probe asked once.
pub(super) fn seen(cx: &Context, state: &State) -> Seen {
    asked(cx, &cx.setup_or_found().0, state, false).seen()
}

/// What is known besides the record, of the probes, and of the branch where that matters.
fn asked(cx: &Context, setup: &Setup, state: &State, with_branch: bool) -> Facts {
    let mut around = around(setup);
    let here = cx.place.as_ref().ok().filter(|_| with_branch);
    if let Some(mut reader) = here.and_then(|place| Reader::open(&place.root).ok()) {
        let hotfix = &setup.config.hotfix;
        around.hotfix = reader.read(hotfix).ok();
        let base = around.hotfix.as_ref().and_then(|branch| branch.base.as_deref()).unwrap_or_default();
        let tried = outlook::tried(state, base);
        around.outlook = status_ahead::look(&mut reader, hotfix, &setup.policy, &[], &[], tried);
    }
    if setup.trusted {
        ask_probes(cx, setup, &mut around, None);
    }
    around.facts(state, cx.now())
}

/// The gates of production that a deploy of the current commit would meet, and does not yet.
fn missing(
    cx: &Context,
    state: &State,
    setup: &Setup,
    branch: Option<&BranchState>,
    now: Timestamp,
) -> Vec<(String, String)> {
    let (Some(env), Some(branch)) = (setup.config.production(), branch) else { return Vec::new() };
    let what = Resolved {
        reference: branch.branch().unwrap_or_default().to_owned(),
        commit: branch.commit().unwrap_or_default().to_owned(),
        root: branch.root.clone(),
        dirty: branch.is_dirty(),
        same: branch.same_content.clone(),
        ..Resolved::default()
    };
    let me = cx.user().unwrap_or_default();
    let all = gates::standing_ahead(&setup.config, &setup.policy, &env.name, &what, state, &me, now);
    let blocking = all.into_iter().filter(Standing::blocks);
    blocking.map(|standing| (standing.id.to_owned(), standing.why)).collect()
}

/// The situation as the record has it for a time: nobody knows any more how the branch
/// stood, and of the probes only what was written down.
///
/// # Errors
/// It had not begun by then.
fn then(loaded: &Loaded, setup: Setup, at: Timestamp) -> Result<Situation> {
    let state = loaded.journal.as_of(loaded.state().id, at)?.ok_or_else(|| {
        let state = loaded.state();
        Failure::usage(
            format!("showing {} as it was at {at:.0}", loaded.number),
            format!("it was declared at {:.0}, and nothing is recorded before", state.declared_at),
            "give a later time",
        )
    })?;
    let mut around = around(&setup);
    around.releases.clone_from(&state.releases);
    around.health = recorded_probes(&state, &setup.config);
    Ok(Situation::new(state, setup.policy, around, at))
}

/// What the configuration says, without asking the world anything.
fn around(setup: &Setup) -> Around {
    Around {
        config: setup.config.clone(),
        may_run: setup.trusted,
        checklist: setup.checklist(),
        ..Around::default()
    }
}

/// Asks every probe once, and judges it by what cockpits kept of the last minutes, too. One that does not answer in its
/// own time is given up on. With an incident it is told of
/// what nothing is found whether it was there before something was deployed.
fn ask_probes(cx: &Context, setup: &Setup, around: &mut Around, loaded: Option<&Loaded>) {
    let probes = &setup.config.probes;
    let asked = match cx
        .root()
        .and_then(|root| cx.block_on(runner::once(probes, root, &keyring(&setup.config, root))))
    {
        Ok(asked) => asked,
        Err(failure) => {
            around.health = configured_probes(setup, "not asked");
            around.remarks.push(failure.to_string());
            return;
        }
    };
    let mut tracker = Tracker::new(probes);
    let watched = status_samples::replay(cx, setup, &mut tracker, cx.now());
    for (index, asked) in asked.iter().enumerate() {
        tracker.observe(index, asked.sample.clone());
    }
    let recorded = |name: &str| loaded.and_then(|loaded| loaded.state().alarms.get(name));
    // Where nobody looked in the last minutes it is told what the one sample says, not what an alarm would make of it.
    let states = tracker.statuses().iter().zip(&asked).zip(watched);
    around.health = states
        .map(|((status, asked), is_watched)| {
            let state = if is_watched { settled(status, recorded(&status.name)) } else { asked.state };
            let is_down = status.is_down(state, &asked.sample.why);
            let from_one_sample = !is_watched;
            let found = ProbeState { state, is_down, from_one_sample, ..ProbeState::from(&**status) };
            match loaded.and_then(|loaded| gone_since(loaded, setup, status)) {
                Some(gone) => ProbeState {
                    why: format!("{gone}: {}", found.why),
                    gone_since: gone.strip_prefix("gone since ").map(str::to_owned),
                    ..found
                },
                None => found,
            }
        })
        .collect();
    around.remarks.extend(tracker.network().words());
}

/// The state of a probe. What is not settled by what is known here is what a cockpit recorded that watched it longer.
fn settled(status: &Status, alarm: Option<&AlarmState>) -> HealthState {
    let recorded = alarm.and_then(|alarm| Some((alarm, HealthState::parse(&alarm.state)?)));
    let Some((alarm, recorded)) = recorded else { return status.state };
    let is_newer = || status.began().is_none_or(|began| alarm.since >= began);
    match (status.state, recorded) {
        (HealthState::Pending, HealthState::Warn | HealthState::Failing | HealthState::Flapping) => recorded,
        (HealthState::Recovering, HealthState::Ok | HealthState::Warn) if is_newer() => recorded,
        (state, _) => state,
    }
}

/// The runbook that fits best what fails in production, of those whose commands nobody ran.
fn runbook(root: &Path, config: &Config, around: &Around, state: &State) -> Option<RunbookFor> {
    let bad = around.of_production().filter(|probe| probe.state.is_bad());
    let failing: Vec<Failing<'_>> = bad
        .map(|probe| {
            let named = config.probes.iter().find(|one| one.name == probe.name);
            Failing { name: &probe.name, runbook: named.and_then(|one| one.runbook.as_deref()) }
        })
        .collect();
    if failing.is_empty() {
        // The files are not read for nothing.
        return None;
    }
    let (shelf, used) = (conductor::runbook_shelf(root, config), used(state));
    to_read(&shelf.runbooks, &failing, |one| used.contains(&one.path.as_str()))
}

/// Since which release a probe finds nothing, in words, by the samples of the last day that cockpits kept.
fn gone_since(loaded: &Loaded, setup: &Setup, status: &Status) -> Option<String> {
    let last = status.last.as_ref().filter(|last| last.verdict == Verdict::NoData)?;
    let repository = loaded.journal.repository_of(loaded.state().id).ok()?;
    let from = last.at.checked_sub(SignedDuration::from_secs(Past::REACH)).unwrap_or(Timestamp::MIN);
    let mut kept = loaded.journal.samples(&repository, &status.name, (from, last.at)).ok()?;
    kept.push((last.at, None));
    let known = Status { history: kept.into(), ..status.clone() };
    let production = setup.config.production().map_or("", |env| env.name.as_str());
    let environment = if status.environment.is_empty() { production } else { &status.environment };
    gone::since(loaded.state(), environment, &known)
}

/// Since when there are samples of all probes of production without a gap: what nobody looked at may have been
/// anything.
fn seen_since(loaded: &Loaded, setup: &Setup, around: &Around, now: Timestamp) -> Option<Timestamp> {
    let from = around.recovered_at(loaded.state())?;
    let repository = loaded.journal.repository_of(loaded.state().id).ok()?;
    let of_production = around.of_production().filter_map(|probe| {
        let configured = setup.config.probes.iter().find(|one| one.name == probe.name)?;
        let patience = silence::patience(configured);
        let early = from.checked_sub(patience).unwrap_or(Timestamp::MIN);
        let samples = loaded.journal.samples(&repository, &probe.name, (early, now)).ok()?;
        let times: Vec<Timestamp> = samples.into_iter().map(|(at, _)| at).collect();
        Some(silence::unbroken(&times, patience, (from, now), status_samples::LATE))
    });
    of_production.max()
}

/// Every configured probe, of which nothing is known.
fn configured_probes(setup: &Setup, why: &str) -> Vec<ProbeState> {
    let tracker = Tracker::new(&setup.config.probes);
    let unknown = tracker.statuses().iter().map(|status| ProbeState::from(&**status));
    unknown.map(|probe| ProbeState { why: why.to_owned(), ..probe }).collect()
}

/// The last recorded state of every probe that had an alarm.
fn recorded_probes(state: &State, config: &Config) -> Vec<ProbeState> {
    let alarms = state.alarms.iter();
    let environment = |name: &String| {
        let probe = config.probes.iter().find(|probe| probe.name == *name);
        probe.map_or_else(String::new, |probe| probe.environment.clone())
    };
    let tracker = Tracker::new(&config.probes);
    let is_down = |name: &String, state, why: &str| {
        let status = tracker.statuses().iter().find(|status| status.name == *name);
        status.map_or(state == HealthState::Error, |status| status.is_down(state, why))
    };
    let state_of = |alarm: &AlarmState| HealthState::parse(&alarm.state).unwrap_or_default();
    alarms
        .map(|(name, alarm)| ProbeState {
            name: name.clone(),
            environment: environment(name),
            state: state_of(alarm),
            is_down: is_down(name, state_of(alarm), &alarm.why),
            from_one_sample: false,
            value: None,
            unit: String::new(),
            limit: None,
            at: Some(alarm.since),
            why: alarm.why.clone(),
            gone_since: None,
        })
        .collect()
}

/// The user's keys; the defaults where the settings cannot be read.
pub(super) fn keymap(cx: &Context) -> Keymap {
    cx.settings().ok().and_then(|loaded| Keymap::with(&loaded.settings.keys).ok()).unwrap_or_default()
}

/// A cockpit with these keys and this configuration: it knows which keys lead where.
pub(super) fn cockpit(keymap: Keymap, setup: Setup, now: Timestamp) -> Model {
    let looks = Looks {
        theme: String::new(),
        themes: Vec::new(),
        zone: TimeZone::UTC,
        local: TimeZone::UTC,
        guide: false,
        alerts: false,
        glyphs: Glyphs::default(),
    };
    let mut model = Model::new(now, String::new(), keymap, looks);
    model.policy = setup.policy;
    model.config.config = setup.config;
    model
}

/// The keys that lead to an action in the cockpit: `d s`; `None` where none do.
pub(super) fn key_of(model: &Model, action: &str, argument: &str) -> Option<String> {
    Some(update::keys_to(model, action, argument)).filter(|keys| !keys.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    #[test]
    fn an_action_in_a_menu_is_reached_by_two_keys() {
        let toml = b"[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\", \"{ref}\"]\n";
        let loaded = load::Loaded {
            config: load::parse(toml).unwrap(),
            path: std::path::PathBuf::new(),
            hash: incident::Hash::default(),
        };
        let setup = Setup::new(Some(loaded), true);
        let model = cockpit(Keymap::default(), setup, Timestamp::UNIX_EPOCH);
        assert_eq!(key_of(&model, "severity", "").as_deref(), Some("s"));
        assert_eq!(key_of(&model, "hotfix.start", "").as_deref(), Some("h s"));
        assert_eq!(key_of(&model, "deploy", "staging").as_deref(), Some("d s"));
        assert_eq!(key_of(&model, "no such action", ""), None);
    }

    #[test]
    fn what_one_sample_leaves_open_is_what_a_cockpit_recorded() {
        use HealthState::{Failing, Ok, Pending, Recovering, Warn};

        let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
        let seen = |state| Status { state, since: Some(at(10)), ..Status::default() };
        let alarm = |state: HealthState, second: i64| AlarmState {
            state: state.name().to_owned(),
            since: at(second),
            why: String::new(),
            wrong: None,
            firing: false,
            fired: true,
        };
        for (here, recorded, wanted) in [
            (Recovering, Some(alarm(Ok, 20)), Ok),
            // That was before it failed.
            (Recovering, Some(alarm(Ok, 5)), Recovering),
            (Pending, Some(alarm(Warn, 5)), Warn),
            (Pending, Some(alarm(Ok, 5)), Pending),
            (Failing, Some(alarm(Ok, 20)), Failing),
            (Pending, None, Pending),
        ] {
            assert_eq!(settled(&seen(here), recorded.as_ref()), wanted, "{here:?} {recorded:?}");
        }
    }
}
