//! What concerns this user and this repository: who acts, what is configured, whether the
//! programs it names are there and its probes are answered.

use std::path::Path;

use super::Finding;
use crate::cli::context::Context;
use crate::conductor::{self, keyring, lacking_secrets};
use crate::config::load::{self, Loaded, Refused};
use crate::config::problem::Invalid;
use crate::config::trust;
use crate::config::types::{Config, Environment};
use crate::exchange::Runtime;
use crate::health::runner;
use crate::health::series::Verdict;
use crate::hotfix::git::Reader;
use crate::hotfix::state::NoRepository;
use crate::hotfix::version::{self, Found};
use crate::journal;
use crate::text::visible;

/// Looks at the user and the repository.
pub(super) fn look(cx: &Context) -> Vec<Finding> {
    let mut findings = vec![settings(cx), user(cx)];
    let root = match &cx.place {
        Ok(place) => &place.root,
        Err(none) => {
            findings.push(no_repository(none, &cx.here));
            return findings;
        }
    };
    let loaded = load::read_with_text(root);
    let hotfix = match &loaded {
        Ok(Some((loaded, _))) => loaded.config.hotfix.clone(),
        _ => crate::config::types::Hotfix::default(),
    };
    let read = |mut reader: Reader| {
        let hotfix = reader.hotfix_here(&hotfix, || journal::open_incidents(&cx.state_dir));
        Ok((reader.read(&hotfix)?, reader, hotfix))
    };
    match Reader::open(root).and_then(read) {
        Ok((state, reader, hotfix)) => {
            let on = state.branch().map_or_else(|| "no branch".to_owned(), |name| format!("on {name}"));
            findings.push(Finding::ok("repository", format!("{}, {on}", root.display())));
            findings.push(Finding::ok("flow", hotfix.flow_line()));
            let found = state.commit().and_then(|commit| reader.versions(commit, &hotfix).ok());
            findings.extend(found.and_then(|found| versions(&found)));
        }
        Err(none) => findings.push(no_repository(&none, &cx.here)),
    }
    match loaded {
        Ok(None) => findings.push(Finding::ok("config", "none; flightdeck init writes one")),
        Ok(Some((loaded, text))) => findings.extend(configured(cx, root, &loaded, &text)),
        Err(Refused::Invalid(invalid)) => {
            let says = format!("{} in flightdeck.toml\n{}", invalid.count(), invalid.lines().join("\n"));
            findings.push(Finding::bad("config", says, "flightdeck config check points at each"));
        }
        Err(Refused::Unreadable(failure)) => {
            findings.push(Finding::bad("config", failure.cause, failure.hint));
        }
    }
    findings
}

/// Tells whether the files that hold the version agree; `None`: none of them does.
fn versions(found: &Found) -> Option<Finding> {
    let held = found.versions();
    let shown = |path: &str, what: &str| visible(&format!("{path}: {what}")).into_owned();
    let broken: Vec<_> = found.broken.iter().map(|broken| shown(&broken.path, &broken.why)).collect();
    let hint = "flightdeck hotfix bump refuses until they are right; [[hotfix.versions]] names others";
    if !broken.is_empty() {
        return Some(Finding::warn("version", broken.join("\n"), hint));
    }
    let (_, version) = held.first()?;
    if !version::agree(&held) {
        let each: Vec<_> = held.iter().map(|(path, version)| shown(path, version)).collect();
        return Some(Finding::warn("version", format!("files disagree\n{}", each.join("\n")), hint));
    }
    let files: Vec<&str> = held.iter().map(|(path, _)| path.as_str()).collect();
    Some(Finding::ok("version", visible(&format!("{version} in {}", files.join(", "))).into_owned()))
}

fn settings(cx: &Context) -> Finding {
    match cx.settings() {
        Ok(loaded) if loaded.source.is_empty() => Finding::ok("settings", "all defaults"),
        Ok(loaded) => Finding::ok("settings", loaded.path.display().to_string()),
        Err(failure) => {
            Finding::bad("settings", format!("{}: {}", failure.doing, failure.cause), failure.hint)
        }
    }
}

fn user(cx: &Context) -> Finding {
    match cx.user() {
        Ok(name) => Finding::ok("you", name),
        Err(failure) => Finding::bad("you", failure.cause, failure.hint),
    }
}

fn no_repository(none: &NoRepository, here: &Path) -> Finding {
    let failure = none.failure(&here.to_string_lossy());
    match none {
        NoRepository::NotFound => Finding::warn("repository", failure.cause, failure.hint),
        _ => Finding::bad("repository", failure.cause, failure.hint),
    }
}

fn configured(cx: &Context, root: &Path, loaded: &Loaded, text: &str) -> Vec<Finding> {
    let contents = crate::cli::config::contents(&loaded.config);
    let mut findings = vec![Finding::ok("config", format!("flightdeck.toml: {contents}"))];
    findings.push(programs(root, text));
    match trust::is_trusted(&cx.state_dir, loaded) {
        Ok(true) => {
            findings.push(Finding::ok("trust", "this content is trusted"));
            findings.extend(probes(&loaded.config, root));
            findings.extend(channels(&loaded.config, root));
            findings.extend(pipelines(&loaded.config, root));
            findings.extend(reports(&loaded.config, root));
            findings.extend(secrets(&loaded.config, root));
        }
        Ok(false) => findings.push(Finding::warn(
            "trust",
            "nothing in flightdeck.toml runs: it is not trusted yet",
            "flightdeck trust --show lists what it would run; flightdeck trust allows it",
        )),
        Err(failure) => findings.push(Finding::bad("trust", failure.cause, failure.hint)),
    }
    findings
}

/// Tells whether channels have their secrets on this machine; `None`: no channel is configured.
fn channels(config: &Config, root: &Path) -> Option<Finding> {
    let all = config.channels.len();
    let lacking = lacking_secrets(config, root);
    let says = lacking.join("\n");
    match (all, lacking.len()) {
        (0, _) => None,
        (_, 0) => Some(Finding::ok("channels", format!("{all} with their secrets"))),
        _ => Some(Finding::warn(
            "channels",
            says,
            "put the secret there: without it nothing is sent by this channel",
        )),
    }
}

/// Asks the hosts of pipelines whether they could be started. Nothing is started.
fn pipelines(config: &Config, root: &Path) -> Vec<Finding> {
    let ready = config.environments.iter().filter_map(|env| {
        env.pipeline.as_ref()?;
        match conductor::pipeline_ready(config, env, root) {
            Ok(says) => says.map(|says| Finding::ok("pipeline", format!("{}: {says}", env.name))),
            Err(failure) => {
                Some(Finding::bad("pipeline", format!("{}: {}", env.name, failure.cause), failure.hint))
            }
        }
    });
    ready.collect()
}

/// Asks where deploys are reported whether they could be. Nothing is reported.
fn reports(config: &Config, root: &Path) -> Vec<Finding> {
    let said = |env: &Environment| match conductor::report_ready(config, env, root) {
        Ok(says) => says.map(|says| Finding::ok("report", format!("{}: {says}", env.name))),
        Err(failure) => {
            Some(Finding::bad("report", format!("{}: {}", env.name, failure.cause), failure.hint))
        }
    };
    config.environments.iter().filter_map(said).collect()
}

/// Tells whether commands have their secrets on this machine; `None`: none needs one.
fn secrets(config: &Config, root: &Path) -> Option<Finding> {
    let lacking = crate::cli::config::lacking(config, root);
    if lacking.is_empty() {
        return None;
    }
    Some(Finding::warn("secrets", lacking.join("\n"), "set it before you need it: [[secrets]] says where"))
}

/// Tells whether all that commands name is there. Here a program that is only missing on this machine
/// stands in the way as well: it is this machine that is looked at.
fn programs(root: &Path, text: &str) -> Finding {
    let looked = crate::cli::config::programs(root, text);
    if looked.problems.is_empty() {
        return Finding::ok("programs", format!("{0} of {0} found", looked.programs));
    }
    let invalid = Invalid::new(load::FILE, text, looked.problems);
    Finding::bad(
        "programs",
        format!("{}\n{}", invalid.count(), invalid.lines().join("\n")),
        "install what is missing, or correct flightdeck.toml; flightdeck config check points at each",
    )
}

/// Asks every probe once. That it answers is enough here: how the service is doing is for
/// `flightdeck probe` to say.
fn probes(config: &Config, root: &Path) -> Vec<Finding> {
    if config.probes.is_empty() {
        return Vec::new();
    }
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return vec![Finding::bad("probes", error.to_string(), "try again")],
    };
    let asked = runtime.block_on(runner::once(&config.probes, root, &keyring(config, root)));
    let mut silent = Vec::new();
    for (probe, asked) in config.probes.iter().zip(&asked) {
        let sample = &asked.sample;
        // A query without a number is as good as none.
        let is_empty = probe.source.query().is_some() && sample.verdict == Verdict::NoData;
        if sample.verdict == Verdict::NoAnswer || is_empty {
            silent.push(format!("{}: {}", probe.name, sample.why));
        }
    }
    if silent.is_empty() {
        return vec![Finding::ok("probes", format!("{0} of {0} answer", asked.len()))];
    }
    let says = format!("{} of {} probes got no answer\n{}", silent.len(), asked.len(), silent.join("\n"));
    vec![Finding::bad("probes", says, "flightdeck probe tells more")]
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    #[test]
    fn versions_agree_or_it_is_said_where_they_do_not() {
        use crate::hotfix::version::{Broken, Held, Place, Target};
        let held = |path: &str, version: &str| Held {
            target: Target { path: path.to_owned(), place: Place::Own },
            versions: vec![version.to_owned()],
        };
        let mut found = Found { held: vec![held("VERSION", "v1.2.3")], broken: Vec::new() };
        assert_eq!(versions(&found).unwrap().says, "v1.2.3 in VERSION");
        found.held.push(held("Cargo.toml", "1.2.4"));
        let finding = versions(&found).unwrap();
        assert_eq!(finding.state, Grade::Warn);
        assert!(finding.says.contains("VERSION: v1.2.3") && finding.says.contains("Cargo.toml: 1.2.4"));
        found.broken.push(Broken { path: "a.h".to_owned(), why: "it is not there".to_owned() });
        assert_eq!(versions(&found).unwrap().says, "a.h: it is not there");
        assert!(versions(&Found::default()).is_none());
    }

    #[test]
    fn programs_that_are_missing_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let config = |program: &str| format!("[[checks]]\nname = \"a\"\ncommand = [\"{program}\"]\n");
        let found = programs(dir.path(), &config("sh"));
        assert_eq!((found.state, found.says.as_str()), (Grade::Ok, "1 of 1 found"));
        for program in ["./not-there.sh", "no-such-program-here"] {
            let missing = programs(dir.path(), &config(program));
            assert_eq!(missing.state, Grade::Bad);
            assert!(missing.says.contains(program), "{}", missing.says);
        }
        std::fs::write(dir.path().join("plain.sh"), "echo\n").unwrap();
        assert_eq!(programs(dir.path(), &config("./plain.sh")).state, Grade::Bad, "it cannot be executed");
    }
}
