//! Asks the services that keep feature flags what they are set to.

use std::path::Path;
use std::time::{Duration, Instant};

use super::call::text_at;
use super::secrets::Vault;
use crate::config::types::{Config, Flag};
use crate::deploy::flags::{Calls, FlagState, Switch, reads};
use crate::plan::Action;
use crate::text::visible;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most services that are asked at the same time.
const AT_ONCE: usize = 8;

/// Asks for the state of every configured flag, in their order. `root` is the root of the work
/// tree. The configuration has to be trusted: secrets it names are read and sent. Takes a while,
/// ten seconds for eight flags at most.
pub fn flag_states(config: &Config, root: &Path) -> Vec<FlagState> {
    let flags: Vec<&Flag> = config.flags.iter().collect();
    states(config, &flags, root)
}

/// Asks for the state of one flag.
pub(super) fn switch(config: &Config, flag: &Flag, root: &Path) -> Switch {
    let unknown = || Switch::Unknown("nobody answered".to_owned());
    states(config, &[flag], root).pop().map_or_else(unknown, |found| found.state)
}

fn states(config: &Config, flags: &[&Flag], root: &Path) -> Vec<FlagState> {
    let (plan, calls) = reads(config, flags, &root.to_string_lossy());
    let mut vault = Vault::asking(&plan, config, root);
    let asked: Vec<Result<Calls, String>> = calls
        .into_iter()
        .map(|calls| {
            let calls = calls?;
            let got = vault.need_for_action(&Action::Http(calls.read.clone()));
            got.map(|()| calls).map_err(|failure| failure.cause)
        })
        .collect();
    let vault = &vault;
    let work: Vec<_> = flags.iter().zip(&asked).collect();
    let mut found = Vec::with_capacity(work.len());
    for group in work.chunks(AT_ONCE) {
        found.extend(std::thread::scope(|scope| {
            let threads: Vec<_> =
                group.iter().map(|(flag, calls)| scope.spawn(move || state(flag, calls, vault))).collect();
            let joined = threads.into_iter().zip(group).map(|(thread, (flag, _))| {
                let broken = || Switch::Unknown("asking for it crashed".to_owned());
                thread.join().unwrap_or_else(|_| named(flag, broken(), Duration::ZERO))
            });
            joined.collect::<Vec<_>>()
        }));
    }
    found
}

fn state(flag: &Flag, calls: &Result<Calls, String>, vault: &Vault) -> FlagState {
    let began = Instant::now();
    let answer = match calls {
        Err(why) => Err(why.clone()),
        Ok(calls) => text_at(&calls.read, &calls.path, true, &|name| vault.secret(name), PATIENCE),
    };
    let answer = answer.map(|text| vault.mask(&text)).map_err(|why| vault.mask(&why));
    let switch = Switch::read(answer.as_deref().map_err(String::as_str));
    named(flag, switch, began.elapsed())
}

fn named(flag: &Flag, state: Switch, took: Duration) -> FlagState {
    let (name, about) = (visible(&flag.name).into_owned(), visible(&flag.about).into_owned());
    FlagState { name, about, state, ms: took.as_secs_f64() * 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Server;
    use super::*;

    #[test]
    fn each_flag_has_its_state_or_why_it_has_none() {
        let on = Server::answering("200 OK", r#"{"enabled":true}"#);
        let off = Server::answering("200 OK", "false\n");
        let shut = Server::answering("401 Unauthorized", "no");
        let odd = Server::answering("200 OK", r#"{"enabled":"maybe"}"#);
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("token"), "t0ken-of-flags\n").unwrap();
        let flag = |name: &str, url: &str, more: &str| {
            format!(
                "[[flags]]\nname = \"{name}\"\nurl = \"{url}\"\non = {{ method = \"PUT\" }}\n\
                 off = {{ method = \"PUT\" }}\n{more}\n"
            )
        };
        let text = [
            "[[secrets]]\nname = \"TOKEN\"\nfile = \"token\"\n[[secrets]]\nname = \"GONE\"\nfile = \"gone\"\n",
            &flag("on", &on.url, "path = \"enabled\"\ntoken = \"TOKEN\"\nabout = \"it\""),
            &flag("off", &off.url, ""),
            &flag("shut", &shut.url, "token = \"TOKEN\""),
            &flag("odd", &odd.url, "path = \"enabled\""),
            &flag("bare", &on.url, "token = \"GONE\""),
            &flag("none", "not an address", ""),
        ]
        .concat();
        let config: Config = toml::from_str(&text).unwrap();
        let states = flag_states(&config, root.path());
        let names: Vec<_> = states.iter().map(|state| (state.name.as_str(), state.state.name())).collect();
        assert_eq!(
            names,
            [
                ("on", "on"),
                ("off", "off"),
                ("shut", "unknown"),
                ("odd", "unknown"),
                ("bare", "unknown"),
                ("none", "unknown")
            ]
        );
        assert!(on.requests()[0].contains("Bearer t0ken-of-flags"), "{:?}", on.requests());
        assert_eq!(states[0].about, "it");
        let why = |index: usize| match &states[index].state {
            Switch::Unknown(why) => why.clone(),
            other => panic!("{other:?}"),
        };
        assert!(why(2).contains("the secret TOKEN is still valid"), "{}", why(2));
        assert!(why(3).contains("neither true nor false"), "{}", why(3));
        assert!(!why(4).is_empty() && on.requests().len() == 1, "{}", why(4));
        assert!(!format!("{states:?}").contains("t0ken-of"));
    }
}
