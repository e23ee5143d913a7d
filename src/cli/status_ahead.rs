//! What is ahead of the branch, as `status` and `hotfix status` tell it: forecasts, growth,
//! version, and where the fix is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::sheet::Hue;
use crate::config::types::Hotfix;
use crate::hotfix::git::Reader;
use crate::hotfix::outlook::{Outlook, Question, Verdict};
use crate::hotfix::state::{BaseAt, BranchState};
use crate::incident::{Policy, Release};

/// How long a verb looks ahead. What takes longer is unknown, and said so.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks ahead of the branch; `None` where the repository cannot be read.
pub(super) fn look(
    reader: &mut Reader,
    hotfix: &Hotfix,
    policy: &Policy,
    environments: &[String],
    releases: &[Release],
    tried: Vec<String>,
) -> Option<Outlook> {
    let deployed = environments.iter().filter_map(|name| {
        let release = releases.iter().rev().find(|release| release.environment == *name)?;
        Some((name.clone(), release.name(), release.commit.clone()))
    });
    let question = Question { deployed: deployed.collect(), landed: None, tried };
    reader.outlook(hotfix, &policy.hotfix_limit, &question, PATIENCE).ok()
}

/// What would become of a merge, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Forecast<'a> {
    /// `null`: nobody can tell.
    clean: Option<bool>,
    conflicts: &'a [String],
    /// `clean`, `conflicts`, `contained` or `unknown`.
    state: &'static str,
    /// Why nobody can tell.
    why: Option<&'a str>,
    reference: &'a str,
    commit: &'a str,
}

/// The rest of it, as JSON.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ahead<'a> {
    /// Why it is more than a minimal fix, a line each.
    beyond: &'a [String],
    strays: Vec<Stray<'a>>,
    bump: Option<Bump<'a>>,
    places: Vec<Place<'a>>,
}

#[derive(Debug, Serialize)]
struct Stray<'a> {
    path: &'a str,
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct Bump<'a> {
    from: &'a str,
    to: &'a str,
    raised: bool,
    /// Files that hold different versions.
    disagree: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    environment: &'a str,
    release: &'a str,
    /// `null`: nobody can tell.
    has_fix: Option<bool>,
    lacks: usize,
    why: Option<&'a str>,
}

/// The forecasts by the branch merged into; `None`: nobody looked.
pub(super) fn forecasts(outlook: Option<&Outlook>) -> Option<BTreeMap<&str, Forecast<'_>>> {
    let forecast = |of: &'_ crate::hotfix::outlook::Forecast| -> (Option<bool>, &'static str) {
        match &of.verdict {
            Verdict::Contained => (Some(true), "contained"),
            Verdict::Clean => (Some(true), "clean"),
            Verdict::Conflicts(_) => (Some(false), "conflicts"),
            Verdict::Looking | Verdict::Unknown(_) => (None, "unknown"),
        }
    };
    Some(
        outlook?
            .forecasts
            .iter()
            .map(|of| {
                let (clean, state) = forecast(of);
                let conflicts = match &of.verdict {
                    Verdict::Conflicts(files) => files.as_slice(),
                    _ => &[],
                };
                let why = match &of.verdict {
                    Verdict::Unknown(why) => Some(why.as_str()),
                    _ => None,
                };
                let (reference, commit) = (of.reference.as_str(), of.commit.as_str());
                (of.into.as_str(), Forecast { clean, conflicts, state, why, reference, commit })
            })
            .collect(),
    )
}

/// The rest of what is ahead, as JSON.
pub(super) fn json(outlook: Option<&Outlook>) -> Option<Ahead<'_>> {
    let outlook = outlook?;
    Some(Ahead {
        beyond: &outlook.growth.beyond,
        strays: outlook
            .growth
            .strays
            .iter()
            .map(|stray| Stray { path: &stray.path, why: &stray.why })
            .collect(),
        bump: outlook.bump.as_ref().map(|bump| Bump {
            from: &bump.from,
            to: &bump.to,
            raised: bump.from != bump.to && bump.disagree.is_empty(),
            disagree: bump.disagree.iter().map(|(path, version)| (path.as_str(), version.as_str())).collect(),
        }),
        places: outlook
            .places
            .iter()
            .map(|place| Place {
                environment: &place.environment,
                release: &place.release,
                has_fix: place.has_fix.as_ref().ok().copied(),
                lacks: place.lacks,
                why: place.has_fix.as_ref().err().map(String::as_str),
            })
            .collect(),
    })
}

/// A fact in words, with how it stands.
pub(super) type Fact = (String, Hue);

/// What is ahead in words: a heading and its facts.
pub(super) fn facts(branch: &BranchState, outlook: Option<&Outlook>) -> Vec<(&'static str, Vec<Fact>)> {
    let mut all = vec![("remote", remote(branch))];
    all.extend(outlook.map(ahead).unwrap_or_default());
    all.retain(|(_, facts)| !facts.is_empty());
    all
}

/// The same without how the base stands to its remote.
pub(super) fn ahead(outlook: &Outlook) -> Vec<(&'static str, Vec<Fact>)> {
    let beyond = outlook.growth.beyond.iter().map(|why| (format!("more than minimal: {why}"), Hue::Warn));
    let strays = outlook.growth.strays.iter();
    let strays = strays.map(|stray| (format!("{}: {}", stray.path, stray.why), Hue::Warn));
    let mut all = vec![
        ("merges", outlook.forecasts.iter().map(merge).collect()),
        ("grown", beyond.chain(strays).collect()),
        ("bump", bump(outlook).into_iter().collect::<Vec<_>>()),
        ("fix is in", outlook.places.iter().map(place).collect()),
    ];
    all.retain(|(_, facts)| !facts.is_empty());
    all
}

fn merge(forecast: &crate::hotfix::outlook::Forecast) -> Fact {
    let into = &forecast.into;
    match &forecast.verdict {
        Verdict::Contained => (format!("{into} has it"), Hue::Good),
        Verdict::Clean => (format!("into {into}: clean"), Hue::Good),
        Verdict::Conflicts(files) => (format!("into {into}: conflicts in {}", files.join(", ")), Hue::Warn),
        Verdict::Looking => (format!("into {into}: not known"), Hue::Warn),
        Verdict::Unknown(why) => (format!("into {into}: not known, {why}"), Hue::Warn),
    }
}

fn bump(outlook: &Outlook) -> Option<Fact> {
    let bump = outlook.bump.as_ref()?;
    let each: Vec<String> = bump.disagree.iter().map(|(path, version)| format!("{path} {version}")).collect();
    Some(if !each.is_empty() {
        (format!("files disagree: {}", each.join(", ")), Hue::Bad)
    } else if bump.from == bump.to {
        (format!("{}, not raised", bump.from), Hue::Warn)
    } else {
        (format!("{} → {}", bump.from, bump.to), Hue::Good)
    })
}

fn place(place: &crate::hotfix::outlook::Place) -> Fact {
    let name = &place.environment;
    match &place.has_fix {
        Ok(true) => (format!("{name}: yes"), Hue::Good),
        Ok(false) if place.lacks == 1 => (format!("{name}: lacks 1 commit"), Hue::Warn),
        Ok(false) if place.lacks > 1 => (format!("{name}: lacks {} commits", place.lacks), Hue::Warn),
        Ok(false) => (format!("{name}: no"), Hue::Warn),
        Err(why) => (format!("{name}: not known, {why}"), Hue::Warn),
    }
}

/// How the base stands to its remote, and what else is open there.
fn remote(branch: &BranchState) -> Vec<Fact> {
    let mut facts = Vec::new();
    let base = branch.base.as_deref().unwrap_or("the base");
    if let Some(at) = branch.base_upstream.as_ref().filter(|at| at.exists && at.behind > 0) {
        facts.push(if at.ahead > 0 {
            (format!("{base} and {} have diverged: {} and {}", at.name, at.ahead, at.behind), Hue::Bad)
        } else {
            (format!("{base} is {} behind {}", at.behind, at.name), Hue::Warn)
        });
    }
    let own = branch.branch();
    let others = branch.hotfix_branches.iter().filter(|name| own != Some(name.as_str()));
    let others: Vec<&str> = others.chain(&branch.remote_hotfixes).map(String::as_str).collect();
    if !others.is_empty() {
        facts.push((format!("other hotfixes: {}", others.join(", ")), Hue::Warn));
    }
    let releases: Vec<&str> = branch.releases.iter().map(BaseAt::short).collect();
    if !releases.is_empty() {
        facts.push((format!("open releases: {}", releases.join(", ")), Hue::Warn));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hotfix::outlook::{self, Growth};
    use crate::hotfix::state::Head;

    fn outlook() -> Outlook {
        let forecast = |into: &str, verdict| outlook::Forecast {
            into: into.into(),
            reference: format!("refs/heads/{into}"),
            commit: "1".repeat(40),
            verdict,
        };
        let place = |environment: &str, has_fix, lacks| outlook::Place {
            environment: environment.into(),
            release: "v1.2.3".into(),
            has_fix,
            lacks,
        };
        Outlook {
            forecasts: vec![
                forecast("main", Verdict::Clean),
                forecast("develop", Verdict::Conflicts(vec!["src/pool.rs".into()])),
                forecast("release/1", Verdict::Unknown("it took too long".into())),
            ],
            growth: Growth { beyond: vec!["9 files".into()], strays: Vec::new() },
            bump: Some(outlook::Bump {
                from: "1.2.3".into(),
                to: "1.2.4".into(),
                tag: "v1.2.4".into(),
                disagree: Vec::new(),
            }),
            places: vec![place("staging", Ok(true), 0), place("production", Err("it is not here".into()), 0)],
            ..Outlook::default()
        }
    }

    #[test]
    fn a_forecast_nobody_can_make_is_null_with_its_reason() {
        let outlook = outlook();
        let json = serde_json::to_value(forecasts(Some(&outlook))).unwrap();
        assert_eq!(json["main"]["clean"], true);
        assert_eq!(json["main"]["conflicts"], serde_json::json!([]));
        assert_eq!(json["develop"]["clean"], false);
        assert_eq!(json["develop"]["conflicts"][0], "src/pool.rs");
        assert!(json["release/1"]["clean"].is_null());
        assert_eq!(json["release/1"]["why"], "it took too long");
        assert!(forecasts(None).is_none());
        let ahead = serde_json::to_value(super::json(Some(&outlook))).unwrap();
        assert!(ahead["places"][1]["has_fix"].is_null() && ahead["places"][0]["has_fix"] == true);
        assert_eq!((&ahead["bump"]["raised"], &ahead["beyond"][0]), (&true.into(), &"9 files".into()));
    }

    #[test]
    fn what_is_ahead_reads_as_facts() {
        let branch = BranchState::new("/r", Head::Unborn { name: "x".into() });
        let outlook = outlook();
        let facts = facts(&branch, Some(&outlook));
        let lines: Vec<String> = facts
            .iter()
            .map(|(label, facts)| {
                let facts: Vec<&str> = facts.iter().map(|(text, _)| text.as_str()).collect();
                format!("{label}: {}", facts.join(" · "))
            })
            .collect();
        assert_eq!(
            lines,
            [
                "merges: into main: clean · into develop: conflicts in src/pool.rs · \
                 into release/1: not known, it took too long",
                "grown: more than minimal: 9 files",
                "bump: 1.2.3 → 1.2.4",
                "fix is in: staging: yes · production: not known, it is not here",
            ]
        );
    }
}
