//! Ways back: asks repository and environment, and makes the plan that takes one.

mod again;

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::branch::pushes_of;
use super::capture::{Captured, capture};
use super::environment::environment;
use super::flags::flag_states;
use super::prepare::{Ground, directory};
use super::reviewers;
use super::secrets::Vault;
use super::told::past_releases;
use crate::config::types::Environment;
use crate::deploy::gates::WayBack;
use crate::deploy::rollback::{self, Heard, Kind, Known, Ready, Way};
use crate::deploy::{Fill, find_environment, release, secrets};
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::back::Question;
use crate::hotfix::git::Reader;
use crate::incident::{History, Predecessor, Release};
use crate::plan::{Action, Command, Plan, Probe, Purpose, Step};
use crate::text::visible;

/// How long repository and environment may take to say what there is to go back to.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while somebody waits for the preview of a deploy.
const BEFORE_A_DEPLOY: Duration = Duration::from_secs(3);
/// Bytes of an answer that are looked at.
const ENOUGH: usize = 16 << 10;

/// What is asked about ways back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The repository and the journal only: no command runs.
    Here,
    /// The environment, too, by the trusted commands that tell about it.
    Environment,
}

/// What an environment could go back to, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Every way back, best first.
    pub ways: Vec<Way>,
    /// Name of what is live there; `None`: nobody knows.
    pub live: Option<String>,
    /// What the environment itself says is live there, if that is newer than what is on record and not that.
    pub unrecorded: Option<Release>,
    /// What was there from which time on.
    pub past: Vec<(Timestamp, Predecessor)>,
}

/// Finds out what an environment can go back to as it stands now.
///
/// # Errors
/// The repository cannot be read, or the environment is not configured.
pub fn ways(ground: &Ground<'_>, environment: &str, asking: Asking) -> Result<Options> {
    let (reader, env) = place(ground, "checking the rollback options", environment)?;
    let known = look(ground, &reader, env, None, asking, PATIENCE);
    let current = known.history.current(environment);
    let unrecorded = release::unrecorded(ground.history, current);
    let past = had(ground, &known.history, environment);
    let mut ways = rollback::ways(&known);
    if asking != Asking::Here {
        name_reviewers(ground, &reader, &known, &mut ways);
    }
    Ok(Options { ways, live: current.map(Release::name), unrecorded, past })
}

/// Says of the ways that go through a pipeline whom it waits for, which is the same for all of them.
fn name_reviewers(ground: &Ground<'_>, reader: &Reader, known: &Known<'_>, ways: &mut [Way]) {
    let mut told = None;
    let name = &known.environment.name;
    let by_pipeline = |way: &Way| matches!(way.kind, Kind::Redeploy | Kind::Rerun | Kind::Revert);
    for way in ways.iter_mut().filter(|way| way.ready == Ready::Yes && by_pipeline(way)) {
        let Ok(plan) = planned(ground, reader, known, "rollback", way) else { continue };
        let deploys =
            |step: &Step| matches!(&step.action, Action::Pipeline(pipeline) if pipeline.environment == *name);
        if plan.steps.iter().any(deploys) {
            way.waits_for.clone_from(told.get_or_insert_with(|| reviewers::brief(ground, &plan, name)));
        }
    }
}

/// The plan that takes a way back, with the pipelines that its own push starts.
fn planned(ground: &Ground<'_>, reader: &Reader, known: &Known<'_>, id: &str, way: &Way) -> Result<Plan> {
    let plan = rollback::plan(known, id, way)?;
    let reverted = known.back.as_ref().and_then(|back| back.revert.as_ref().ok());
    match reverted.filter(|_| way.kind == Kind::Revert) {
        Some(revert) => pushes_of(ground, reader, (&revert.branch, &known.root), plan),
        None => Ok(plan),
    }
}

/// What is live in an environment, by the record and as it tells itself.
pub(super) fn live(ground: &Ground<'_>, env: &Environment) -> Option<Release> {
    let (history, _) = history(ground, env, &ground.root.to_string_lossy());
    history.current(&env.name).cloned()
}

/// What an environment had from which time on, by the record and as it tells itself.
pub fn past(ground: &Ground<'_>, env: &Environment) -> Vec<(Timestamp, Predecessor)> {
    let (history, told) = history(ground, env, &ground.root.to_string_lossy());
    if let Err(failure) = told {
        tracing::warn!(%failure, "what was live");
    }
    had(ground, &history, &env.name)
}

/// The same of what is known of it.
pub fn had(ground: &Ground<'_>, history: &History, environment: &str) -> Vec<(Timestamp, Predecessor)> {
    let there = history.releases.iter().filter(|release| release.environment == environment);
    there.map(|release| (release.at, predecessor(ground, release))).collect()
}

/// The plan that takes a way back: the one named, else the best that is ready.
///
/// # Errors
/// There is no such way, none is ready, or it cannot be made a plan.
pub(super) fn plan(ground: &Ground<'_>, id: &str, name: &str, wanted: Option<&str>) -> Result<Plan> {
    let doing = format!("planning a rollback of {}", visible(name));
    let (reader, env) = place(ground, &doing, name)?;
    let known = look(ground, &reader, env, None, Asking::Environment, PATIENCE);
    let ways = rollback::ways(&known);
    let way = match wanted {
        Some(wanted) => ways.iter().find(|way| way.id == wanted).ok_or_else(|| {
            let ids: Vec<_> = ways.iter().map(|way| visible(&way.id)).collect();
            let cause = format!("{} has no rollback option called {}", visible(name), visible(wanted));
            Failure::usage(&doing, cause, format!("it has: {}", ids.join(", ")))
        })?,
        None => rollback::best(&ways)
            .or_else(|| rollback::before_a_deploy(&ways))
            .ok_or_else(|| none_ready(&doing, name, &ways))?,
    };
    let predecessor = known.history.current(name).map(|live| predecessor(ground, live));
    let plan = Plan { predecessor, ..planned(ground, &reader, &known, id, way)? };
    Ok(if way.kind == Kind::Revert { goes_back(plan, &known) } else { plan })
}

/// The plan whose push takes back what is live in the environment.
fn goes_back(mut plan: Plan, known: &Known<'_>) -> Plan {
    for step in &mut plan.steps {
        if let Action::Pipeline(pipeline) = &mut step.action
            && pipeline.environment == known.environment.name
            && let Some(pushed) = &mut pipeline.pushed
        {
            pushed.replaces.clone_from(&known.current);
        }
    }
    plan
}

/// What is live in an environment, as a plan that changes that keeps it.
pub(super) fn predecessor(ground: &Ground<'_>, live: &Release) -> Predecessor {
    // What an environment tells of itself is on no record.
    let on_record = |known: &Release| known.commit == live.commit && known.at == live.at;
    let is_only_said = live.plan.is_empty() && ground.history.releases.iter().any(on_record);
    Predecessor::of(live, is_only_said)
}

/// What the gate of a deploy is told about ways back, and what is live now.
pub(super) fn before_deploy(
    ground: &Ground<'_>,
    reader: &Reader,
    env: &Environment,
    commit: &str,
) -> (WayBack, Option<Release>) {
    let known = look(ground, reader, env, Some(commit), Asking::Environment, BEFORE_A_DEPLOY);
    let live = known.history.current(&env.name).cloned();
    (rollback::way_back(&known, &rollback::ways(&known)), live)
}

fn none_ready(doing: &str, environment: &str, ways: &[Way]) -> Failure {
    let general = || ways.iter().filter(|way| way.is_general());
    let said: Vec<String> =
        general().map(|way| format!("{}: {}", visible(&way.id), visible(way.ready.why()))).collect();
    let cause = format!("no rollback option is proven ready\n{}", said.join("\n"));
    let open: Vec<String> = general()
        .filter(|way| matches!(way.ready, Ready::Unknown(_)))
        .map(|way| format!("flightdeck rollback {} --env {}", visible(&way.id), visible(environment)))
        .collect();
    let hint = if open.is_empty() {
        format!(
            "name a release that worked: flightdeck live {} TAG --good --at TIME; a deploy that passes its \
             watch is one, too",
            visible(environment)
        )
    } else {
        format!("if you know that it works, name the one to take: {}", open.join(" or "))
    };
    Failure::of(FailureKind::Gate, doing, cause, hint)
}

fn place<'a>(ground: &Ground<'a>, doing: &str, name: &str) -> Result<(Reader, &'a Environment)> {
    let reader = Reader::open(ground.root).map_err(|none| none.failure(&ground.root.to_string_lossy()))?;
    Ok((reader, find_environment(ground.config, doing, name)?))
}

/// Finds out what there is to know, in about the time that is given.
fn look<'a>(
    ground: &Ground<'a>,
    reader: &Reader,
    env: &'a Environment,
    current: Option<&str>,
    asking: Asking,
    budget: Duration,
) -> Known<'a> {
    let until = Instant::now() + budget;
    let root = directory(&reader.root().to_string_lossy());
    let (history, told) = match asking {
        Asking::Environment => history(ground, env, &root),
        Asking::Here => (ground.history.clone(), Ok(())),
    };
    let mut known = Known::new(ground.config, ground.policy, history, env, &root, current);
    known.untold = told.err().map(|failure| format!("could not be asked: {}", failure.cause));
    if asking == Asking::Here && env.tells_history() {
        known.untold = Some("was not asked: flightdeck rollback --list asks it".to_owned());
    }
    if asking == Asking::Environment {
        known.host = super::prepare::host(ground.config, reader, &env.name).map_err(|failure| failure.cause);
        if current.is_none() {
            known.again = again::ask(ground, reader, &known);
        }
    }
    known.gitops = known.gitops.take().or_else(|| reader.gitops(&ground.policy.gitops));
    // Commands are asked beside the repository: each of them waits for something else.
    let (own, live) = std::thread::scope(|scope| {
        let root = root.as_str();
        let asks = asking == Asking::Environment;
        let commands = if asks { env.rollbacks.as_slice() } else { &[] };
        let asked: Vec<_> = commands
            .iter()
            .map(|own| scope.spawn(move || ask(ground, env, root, &own.target, &[], until)))
            .collect();
        let live = env.blue_green.as_ref().filter(|_| asks);
        let live = live.map(|sides| scope.spawn(move || ask(ground, env, root, &sides.live, &[], until)));
        if let (Some(current), Some(target)) = (&known.current, &known.target) {
            let question = Question {
                current: current.clone(),
                target: target.commit.clone(),
                tag: target.tag.clone(),
                base: ground.config.hotfix.base.clone(),
                remote: ground.config.hotfix.remote.clone(),
                migrations: ground.policy.migrations.clone(),
            };
            known.back = Some(reader.look_back(&question, budget));
        }
        let lost = || Heard::Unknown("the connection was lost".to_owned());
        let own: Vec<Heard> =
            asked.into_iter().map(|asked| asked.join().unwrap_or_else(|_| lost())).collect();
        (own, live.map(|live| live.join().unwrap_or_else(|_| lost())))
    });
    if asking == Asking::Here {
        return known;
    }
    if current.is_none() {
        // Which of them could help is for a person to say, so no gate asks for them.
        known.flags = flag_states(ground.config, Path::new(&root));
    }
    known.own = own.into_iter().map(|heard| resolved(&known.history, reader, env, heard)).collect();
    known.live = live.unwrap_or(Heard::Nothing);
    if let (Some(sides), Some(idle)) = (&env.blue_green, known.idle_side()) {
        let heard = ask(ground, env, &root, &sides.version, &[("side", idle)], until);
        known.idle = resolved(&known.history, reader, env, heard);
    }
    known
}

/// What is known to have been released to an environment: by the record, and as that tells itself, if it can be
/// asked.
pub(super) fn history(ground: &Ground<'_>, env: &Environment, root: &str) -> (History, Result<()>) {
    let mut history = ground.history.clone();
    let told = past_releases(ground.config, &env.name, Path::new(root));
    let told = told.map(|told| release::merge(&mut history, told));
    (history, told)
}

/// Finds the commit that a line stands for: of a release known by that name, else in the
/// repository.
fn resolved(history: &History, reader: &Reader, env: &Environment, heard: Heard) -> Heard {
    let Heard::Said { line, .. } = heard else { return heard };
    let is_named = |name: &Option<String>| {
        name.as_ref().is_some_and(|name| *name == line || line.strip_prefix('v') == Some(name))
    };
    let released = history.releases.iter().rev().find(|release| {
        release.environment == env.name && (is_named(&release.tag) || is_named(&release.version))
    });
    let commit = match released {
        Some(release) => Some(release.commit.clone()),
        None if line.starts_with('-') => None,
        None => reader.resolve(&line).ok(),
    };
    Heard::Said { line, commit }
}

/// Runs one of the team's commands that tell about an environment.
fn ask(
    ground: &Ground<'_>,
    env: &Environment,
    root: &str,
    argv: &[String],
    words: &[(&'static str, &str)],
    until: Instant,
) -> Heard {
    if argv.is_empty() {
        return Heard::Nothing;
    }
    let fill = Fill::new("checking the rollback options", &env.name, root, &env.env);
    let fill = words.iter().fold(fill, |fill, (word, value)| fill?.with(word, word, value));
    let command = match fill.and_then(|fill| fill.command(argv, "target")) {
        Ok(command) => command,
        Err(failure) => return Heard::Unknown(failure.cause),
    };
    let patience = until.saturating_duration_since(Instant::now());
    match hear(ground, root, &command, patience) {
        Ok(captured) => understood(&captured),
        Err(why) => Heard::Unknown(why),
    }
}

fn hear(ground: &Ground<'_>, root: &str, command: &Command, patience: Duration) -> Result<Captured, String> {
    // Secrets are found by what a plan names.
    let probe = Probe::command(command.clone(), None);
    let step = Step::new("ask", Action::Command(command.clone()), jiff::SignedDuration::ZERO);
    let plan = Plan { steps: vec![step], ..Plan::new("ask", "ask", Purpose::Rollback, "ask") };
    let plan = secrets::attach(plan, ground.config, root);
    let mut vault = Vault::asking(&plan, ground.config, Path::new(root));
    vault.need_for_probe(&probe).map_err(|failure| failure.cause)?;
    let variables = environment(command, vault.variables(command), std::env::vars_os());
    let captured = capture("the question", command, variables, patience, ENOUGH)?;
    Ok(captured.masked(vault.masker()))
}

fn understood(captured: &Captured) -> Heard {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&captured.out), text(&captured.err));
    let says = |line: &&str| !line.is_empty();
    let line = out.lines().map(str::trim).find(says);
    match (captured.code, line) {
        (Some(0), Some(line)) => Heard::Said { line: line.to_owned(), commit: None },
        (Some(0), None) => Heard::Unknown("it was asked, and said nothing".to_owned()),
        (code, line) => {
            let how = code.map_or("was killed".to_owned(), |code| format!("exited {code}"));
            let said = err.lines().map(str::trim).rfind(says).or(line).unwrap_or_default();
            let colon = if said.is_empty() { "" } else { ": " };
            Heard::No(format!("asked what it would roll back to, it {how}{colon}{said}"))
        }
    }
}
