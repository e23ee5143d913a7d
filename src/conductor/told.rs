//! What an environment's own commands tell when a plan is made: which side is live, what was
//! released before. They are trusted, bounded, and without a terminal.

use std::path::Path;
use std::time::Duration;

use super::capture::{Captured, capture};
use super::environment::environment;
use super::forge::{Visit, text_of};
use super::prepare;
use super::secrets::Vault;
use crate::config::types::{BlueGreen, Config, Environment};
use crate::deploy::{self, Fill, blue_green, release};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::incident::{History, Release};
use crate::plan::forge::Place;
use crate::plan::{Action, Command, Plan, Probe, Purpose, Step};
use crate::text::visible;

/// How long such a command is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of its output. More is refused: half a history is none.
const ENOUGH: usize = 4 << 20;

/// What was released to an environment before, as its `history` command tells; nothing where it
/// has none. `root` is the root of the work tree, where commands run.
///
/// # Errors
/// The environment is not configured, or its command fails or prints what cannot be read. Nothing
/// is taken then.
pub fn past_releases(config: &Config, env: &str, root: &Path) -> Result<Vec<Release>> {
    let doing = format!("asking what was released to {}", visible(env));
    let env = deploy::find_environment(config, &doing, env)?;
    if env.history.is_empty() {
        return deployed(config, env, root, &doing);
    }
    let root = root.to_string_lossy();
    let command = Fill::new(&doing, &env.name, &root, &env.env)?.command(&env.history, "history")?;
    let output = output(config, &doing, &command)?;
    release::read(&env.name, &output).map_err(|cause| {
        let hint = format!("run `history` of {} by hand: it prints a JSON object a line", visible(&env.name));
        Failure::new(doing, cause, hint)
    })
}

/// Tells whether the pipeline of an environment could be started; `None`: no code host runs one.
///
/// # Errors
/// It could not, or its host cannot be asked.
pub fn pipeline_ready(config: &Config, env: &Environment, root: &Path) -> Result<Option<String>> {
    let doing = format!("asking what runs the pipeline of {}", visible(&env.name));
    let Some(mut visit) = visit(config, env, root, &doing)? else { return Ok(None) };
    let workflow = env.pipeline.as_ref().map_or("", |pipeline| &pipeline.workflow);
    let hint = "docs/pipelines.md says what the token needs";
    visit.ready(workflow).map(Some).map_err(|lost| Failure::new(doing, lost.why, hint))
}

/// What is asked of the code host that runs the pipeline of an environment; `None`: none does.
fn visit(config: &Config, env: &Environment, root: &Path, doing: &str) -> Result<Option<Visit>> {
    let reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    let Some(host) = prepare::host(config, &reader, &env.name)? else { return Ok(None) };
    let failed = |cause: String| Failure::new(doing, cause, "docs/pipelines.md says what the token needs");
    let value = super::secrets::get(&host.token).map_err(failed)?;
    let place = Place { token: host.token.name, ..host.place };
    Visit::new(&place, text_of(&value), PATIENCE).map(Some).map_err(failed)
}

/// What its code host says was deployed to an environment; nothing where it is not to be asked.
fn deployed(config: &Config, env: &Environment, root: &Path, doing: &str) -> Result<Vec<Release>> {
    let name = env.pipeline.as_ref().map_or("", |pipeline| &pipeline.deployments);
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let Some(mut visit) = visit(config, env, root, doing)? else { return Ok(Vec::new()) };
    let hint = "look at `deployments` of the pipeline in flightdeck.toml, and at what the token may read";
    let failed = |cause: String| Failure::new(doing, cause, hint);
    let lines = visit.deployments(name).map_err(|lost| failed(lost.why))?;
    release::read(&env.name, &lines.join("\n")).map_err(failed)
}

/// Adds to a history what these environments tell of themselves. One that cannot be asked, or that
/// nobody said how to ask, stays as it is known. `root` is the root of the work tree.
pub fn ask_environments(config: &Config, names: &[String], root: &Path, history: &mut History) {
    for name in names {
        match past_releases(config, name, root) {
            Ok(told) => release::merge(history, told),
            Err(failure) => tracing::warn!(%failure, "what is deployed"),
        }
    }
}

/// The side of a blue-green environment that is live now. `root` is the root of the work tree.
///
/// # Errors
/// The `live` command fails, says nothing, or names no side there is.
pub fn live_side(config: &Config, env: &Environment, sides: &BlueGreen, root: &Path) -> Result<String> {
    let doing = format!("asking which side of {} is live", visible(&env.name));
    let root = root.to_string_lossy();
    let command = Fill::new(&doing, &env.name, &root, &env.env)?.command(&sides.live, "blue_green.live")?;
    let said = first_line(&output(config, &doing, &command)?);
    blue_green::live_side(&doing, env, sides, &said)
}

/// The first line of an output that says something.
fn first_line(output: &str) -> String {
    output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Runs a trusted command of an environment with the secrets it names, and returns what it
/// printed, without them.
///
/// # Errors
/// It could not be run, exited otherwise than with 0, or gave no answer in time.
pub fn output(config: &Config, doing: &str, command: &Command) -> Result<String> {
    let step = Step::new("ask", Action::Command(command.clone()), jiff::SignedDuration::ZERO);
    let plan = Plan { steps: vec![step], ..Plan::new("ask", "ask", Purpose::Watch, "") };
    let plan = deploy::secrets::attach(plan, config, &command.cwd);
    let mut vault = Vault::asking(&plan, config, Path::new(&command.cwd));
    vault.need_for_probe(&Probe::command(command.clone(), None))?;
    let hint = format!("run it by hand to see what is wrong: {}", visible(&command.line()));
    let failed = |cause: String, vault: &Vault| Failure::new(doing, vault.mask(&cause), hint.clone());
    let environment = environment(command, vault.variables(command), std::env::vars_os());
    let captured = capture("the command", command, environment, PATIENCE, ENOUGH);
    let captured = captured.map_err(|cause| failed(cause, &vault))?;
    let is_whole = captured.out.len() < ENOUGH;
    let Captured { code, out, err, .. } = captured.masked(vault.masker());
    if code != Some(0) {
        let how = code.map_or("was killed".to_owned(), |code| format!("exited {code}"));
        let said = String::from_utf8_lossy(&err);
        let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let colon = if said.is_empty() { "" } else { ": " };
        return Err(failed(format!("the command {how}{colon}{}", visible(said)), &vault));
    }
    if !is_whole {
        return Err(failed(format!("it printed more than {} MiB", ENOUGH >> 20), &vault));
    }
    String::from_utf8(out).map_err(|_| failed("what it printed is not text".to_owned(), &vault))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(script: &str) -> Vec<String> {
        ["sh", "-c", script, "sh", "{env}"].map(str::to_owned).to_vec()
    }

    fn config(history: &str) -> Config {
        let history = if history.is_empty() { Vec::new() } else { script(history) };
        let environment = Environment { history, ..Environment::new("staging", vec!["x".to_owned()]) };
        Config { environments: vec![environment], ..Config::default() }
    }

    fn releases(history: &str) -> Result<Vec<Release>> {
        past_releases(&config(history), "staging", Path::new("/"))
    }

    #[test]
    fn an_environment_tells_its_releases_or_why_it_cannot() {
        assert_eq!(releases("").unwrap(), []);
        let line = "{\\\"commit\\\":\\\"4f2c91e0000000000000000000000000000000ab\\\",\\\"at\\\":\\\"2026-11-20T09:00:00Z\\\",\\\"by\\\":\\\"$1\\\"}";
        let told = releases(&format!("echo \"{line}\"")).unwrap();
        assert_eq!((told.len(), told[0].by.as_str()), (1, "staging"));
        let failed = |script: &str| releases(script).unwrap_err().cause;
        assert_eq!(failed("echo no route >&2; exit 7"), "the command exited 7: no route");
        assert!(failed("echo v1.2.2").starts_with("line 1: "));
        assert_eq!(failed("printf '\\377\\n'"), "what it printed is not text");
        assert!(failed("head -c 5000000 /dev/zero").contains("more than 4 MiB"));
        assert!(past_releases(&config(""), "prod", Path::new("/")).is_err());
    }

    #[test]
    fn silence_or_an_unknown_side_is_an_error() {
        let sides = |script_text: &str| BlueGreen {
            sides: ["blue".to_owned(), "green".to_owned()],
            live: script(script_text),
            deploy: vec!["x".to_owned()],
            check: Vec::new(),
            switch: vec!["x".to_owned()],
            version: Vec::new(),
        };
        let config = config("");
        let live = |text: &str| live_side(&config, &config.environments[0], &sides(text), Path::new("/"));
        assert_eq!(live("echo; echo ' green '").unwrap(), "green");
        assert!(live("true").unwrap_err().cause.contains("said nothing"));
        let unknown = live("echo purple").unwrap_err();
        assert!(unknown.cause.contains("purple") && unknown.hint.contains("blue or green"), "{unknown}");
        assert_eq!(live("echo green; exit 1").unwrap_err().cause, "the command exited 1");
    }
}
