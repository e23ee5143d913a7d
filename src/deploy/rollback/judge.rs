//! Whether each way back is known to work, and which is best.

use super::super::flags::{FlagState, Switch};
use super::{Again, Heard, Kind, Known, Ready, Way, plans};
use crate::config::types::{Pipeline, PipelineKind, PipelineOn};
use crate::hotfix::back::{NoRevert, Revert};
use crate::incident::{Release, WatchVerdict};

/// Every way back of an environment, best first: what is proven ready before what is not, what helps whatever
/// the fault before what helps only against its own, then by kind.
pub fn ways(known: &Known<'_>) -> Vec<Way> {
    let mut ways = flags(known);
    ways.push(redeploy(known));
    ways.extend(has_host(known).then(|| rerun(known)));
    ways.push(revert(known));
    ways.extend((0..known.environment.rollbacks.len()).map(|index| own(known, index)));
    ways.extend(known.environment.blue_green.is_some().then(|| switch(known)));
    for way in &mut ways {
        way.rehearsed = known.history.rehearsed(&way.id, &way.environment).cloned();
    }
    // The sort is stable: the team's own ways stay in its order.
    ways.sort_by_key(|way| (way.ready.rank(), !way.is_general(), way.kind));
    ways
}

fn way(known: &Known<'_>, id: &str, kind: Kind, title: String) -> Way {
    Way {
        id: id.to_owned(),
        title,
        kind,
        environment: known.environment.name.clone(),
        goes_back_to: String::new(),
        takes_away: Vec::new(),
        takes_away_count: 0,
        ready: Ready::Unknown(String::new()),
        evidence: Vec::new(),
        migrations: Vec::new(),
        rehearsed: None,
        undone_by: None,
        only: None,
        waits_for: String::new(),
    }
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn flags(known: &Known<'_>) -> Vec<Way> {
    let state = |flag: &FlagState| {
        let mut way =
            way(known, &format!("flag:{}", flag.name), Kind::FlagOff, format!("turn {} off", flag.name));
        // No other release comes of it: what it guards is no longer used.
        way.goes_back_to = match flag.about.split_once("off: ") {
            // It says itself what is then.
            Some((_, then)) => format!("off: {}", then.trim()),
            None if flag.about.is_empty() => String::new(),
            None => format!("without {}", flag.about),
        };
        way.evidence.push((None, "helps only if the fault is behind this flag".to_owned()));
        way.ready = match &flag.state {
            Switch::On => {
                way.evidence.push((Some(true), "it is on, and its state can be read".to_owned()));
                Ready::Yes
            }
            Switch::Off => Ready::No("it is off already".to_owned()),
            Switch::Unknown(why) => Ready::Unknown(why.clone()),
        };
        way
    };
    known.flags.iter().map(state).collect()
}

/// What stands in the way of going from what is there to the last good release.
fn no_target(known: &Known<'_>) -> Option<String> {
    let name = &known.environment.name;
    if known.current.is_none() {
        return Some(format!("no release of {name} is known; name it: flightdeck live {name} TAG --good"));
    }
    if known.target.is_some() {
        return None;
    }
    Some(format!(
        "no earlier release of {name} was watched and found good; name one that was: \
         flightdeck live {name} TAG --good --at TIME"
    ))
}

/// The same as a verdict: what the environment did not tell could be what is missing.
fn cannot(known: &Known<'_>, why: String) -> Ready {
    match &known.untold {
        Some(untold) => Ready::Unknown(format!("{why}, and its own history {untold}")),
        None => Ready::No(why),
    }
}

fn redeploy(known: &Known<'_>) -> Way {
    let name = known.target.as_ref().map_or("the last good release".to_owned(), Release::name);
    let mut way = way(known, "redeploy", Kind::Redeploy, format!("redeploy {name}"));
    if let Some(why) = no_target(known) {
        way.ready = cannot(known, why);
        return way;
    }
    let Some(target) = &known.target else { return way };
    goes_back(known, &mut way, target);
    way.ready = match gone_back_already(known) {
        Some(why) => Ready::No(why),
        None => redeploy_ready(known, &mut way, target),
    };
    way
}

/// Whoever asks to go back twice means the first time: going further back needs a release that
/// was found bad.
fn gone_back_already(known: &Known<'_>) -> Option<String> {
    let current = known.current.as_deref()?;
    let release = known.history.current(&known.environment.name)?;
    let bad = matches!(release.verdict, Some((_, WatchVerdict::Failed, _)));
    (release.rollback && !bad && release.commit == current)
        .then(|| format!("it is back on {} already; watch that before going further back", said(release)))
}

/// What the last good release is, and what going back to it takes away.
fn goes_back(known: &Known<'_>, way: &mut Way, target: &Release) {
    way.goes_back_to = said(target);
    if let Some((_, _, why)) = &target.verdict {
        let day = target.at.strftime("%Y-%m-%d");
        let colon = if why.is_empty() { "" } else { ": " };
        let said = if target.vouched {
            format!("live since {day}, not watched here{colon}{why}")
        } else {
            format!("was healthy when deployed on {day}{colon}{why}")
        };
        way.evidence.push((Some(true), said));
    }
    let Some(back) = &known.back else { return };
    way.takes_away =
        back.taken.iter().map(|commit| (short(&commit.id).to_owned(), commit.subject.clone())).collect();
    way.takes_away_count = back.taken_count;
    way.migrations.clone_from(&back.migrations);
}

fn said(release: &Release) -> String {
    let (name, commit) = (release.name(), short(&release.commit));
    if name.contains(commit) { name } else { format!("{name} ({commit})") }
}

fn redeploy_ready(known: &Known<'_>, way: &mut Way, target: &Release) -> Ready {
    let pipeline = known.environment.pipeline.is_some();
    if let Err(why) = &known.host {
        return Ready::No(why.clone());
    }
    if known.environment.deploy.is_empty() && known.live_side().is_none() && !pipeline {
        return Ready::No(format!("{} has no `deploy` command", known.environment.name));
    }
    let Some(back) = &known.back else {
        return Ready::Unknown("cannot read the repository".to_owned());
    };
    if !back.target_is_here {
        return Ready::No(format!("{} is not in this repository: git fetch --tags", said(target)));
    }
    way.evidence.push((Some(true), format!("commit {} is here", short(&target.commit))));
    if let Some(tag) = target.tag.as_ref().filter(|_| back.tag.is_none()) {
        way.evidence
            .push((Some(false), format!("the tag {tag} is gone or moved: the commit itself is taken")));
    }
    if let Some(why) = known.environment.pipeline.as_ref().and_then(|it| not_by(it, back.tag.as_deref())) {
        return Ready::No(why);
    }
    if let Err(why) = &back.compared {
        return Ready::Unknown(why.clone());
    }
    over_migrations(way).unwrap_or(Ready::Yes)
}

/// Why a pipeline cannot deploy a commit that was deployed before, as it is configured.
fn not_by(pipeline: &Pipeline, tag: Option<&str>) -> Option<String> {
    if pipeline.on == PipelineOn::Push {
        return Some(
            "a push deploys here: nothing starts its pipeline for a commit that was pushed before".to_owned(),
        );
    }
    let needs_tag = pipeline.kind != PipelineKind::Command && pipeline.reference.is_empty();
    (needs_tag && tag.is_none())
        .then(|| "its pipeline runs on a branch or tag, and no tag is on it".to_owned())
}

/// Tells whether a code host runs the pipeline of the environment.
fn has_host(known: &Known<'_>) -> bool {
    known.environment.pipeline.as_ref().is_some_and(|pipeline| pipeline.kind != PipelineKind::Command)
}

fn rerun(known: &Known<'_>) -> Way {
    let name = known.target.as_ref().map_or("the last good release".to_owned(), Release::name);
    let title = match &known.again {
        Again::May(seen, job) if job.is_empty() => format!("rerun {}, which deployed {name}", seen.name),
        Again::May(seen, job) => format!("rerun {job} of {}, which deployed {name}", seen.name),
        _ => format!("rerun the pipeline that deployed {name}"),
    };
    let mut way = way(known, "rerun", Kind::Rerun, title);
    if let Some(why) = no_target(known) {
        way.ready = cannot(known, why);
        return way;
    }
    let Some(target) = &known.target else { return way };
    goes_back(known, &mut way, target);
    way.ready = match (gone_back_already(known), &known.again) {
        (Some(why), _) => Ready::No(why),
        (None, Again::Not(why)) => Ready::No(why.clone()),
        (None, Again::Unknown(why)) => Ready::Unknown(why.clone()),
        (None, Again::May(seen, _)) => {
            let line = format!("{} is still there, and the owner of the token may rerun it", seen.name);
            way.evidence.push((Some(true), line));
            let compared = known.back.as_ref().and_then(|back| back.compared.as_ref().err());
            match compared {
                Some(why) => Ready::Unknown(why.clone()),
                None => over_migrations(&way).unwrap_or(Ready::Yes),
            }
        }
    };
    way
}

/// How many migrations these files are: one may have a file each for the way there and back.
fn migrations(paths: &[String]) -> usize {
    let name = |path: &String| {
        ["up", "down"].iter().fold(path.clone(), |path, way| {
            let (inner, last) = (format!(".{way}."), format!("/{way}."));
            path.replace(&inner, ".").replace(&last, "/")
        })
    };
    paths.iter().map(name).collect::<std::collections::BTreeSet<_>>().len()
}

/// Code that goes back across a migration may meet data it does not know.
fn over_migrations(way: &Way) -> Option<Ready> {
    match migrations(&way.migrations) {
        0 => None,
        1 => Some(Ready::Unknown(
            "a migration lies between: does the old code know the new schema?".to_owned(),
        )),
        n => Some(Ready::Unknown(format!(
            "{n} migrations lie between: does the old code know the new schema?"
        ))),
    }
}

fn revert(known: &Known<'_>) -> Way {
    let mut way = way(known, "revert", Kind::Revert, "git revert and push".to_owned());
    if let Some(why) = no_target(known) {
        way.ready = cannot(known, why);
        return way;
    }
    let (Some(target), Some(back)) = (&known.target, &known.back) else {
        way.ready = Ready::Unknown("cannot read the repository".to_owned());
        return way;
    };
    goes_back(known, &mut way, target);
    way.ready = match &back.revert {
        Err(NoRevert::No(why)) => Ready::No(why.clone()),
        Err(NoRevert::Unknown(why)) => Ready::Unknown(why.clone()),
        Ok(revert) => revert_ready(known, &mut way, revert),
    };
    way
}

fn revert_ready(known: &Known<'_>, way: &mut Way, revert: &Revert) -> Ready {
    let (branch, remote) = (&revert.branch, &revert.remote);
    if !revert.conflicts.is_empty() {
        let at = revert.conflict_at.as_deref().unwrap_or_default();
        way.title = format!("git revert on {branch} and push");
        way.evidence.push((Some(false), format!("{at} does not revert cleanly")));
        return Ready::No(format!("conflicts in {}", revert.conflicts.join(", ")));
    }
    let whole = if revert.same_as_target { "exactly" } else { "not exactly" };
    if revert.runs.is_empty() {
        way.title = format!("deploy {branch}, which is reverted");
        way.evidence.push((Some(true), format!("all of it is reverted on {branch} already")));
    } else {
        let count: usize = revert.runs.iter().map(|run| run.commits.len()).sum();
        let s = if count == 1 { "" } else { "s" };
        way.title = format!("git revert {count} commit{s} on {branch} and push to {remote}");
        way.evidence.push((Some(true), "reverts cleanly, tried in memory".to_owned()));
        for run in &revert.runs {
            if let Some(parent) = run.mainline {
                let ids: Vec<&str> = run.commits.iter().map(|commit| short(&commit.id)).collect();
                let (merge, them) = if ids.len() == 1 { ("a merge", "it") } else { ("merges", "them") };
                let line = format!("{} {merge}: reverting {them} keeps parent {parent}", verb(&ids));
                way.evidence.push((None, line));
            }
        }
    }
    way.evidence.push((
        Some(revert.same_as_target),
        format!("{branch} is then {whole} what {} was", way.goes_back_to),
    ));
    way.only = plans::deploys_nothing(known, revert).then(|| branch.clone());
    let deploys = !known.environment.deploy.is_empty() || known.environment.pipeline.is_some();
    if deploys && !revert.runs.is_empty() {
        let line = format!("once pushed, {branch} still has to be deployed: the same way, taken again");
        way.evidence.push((None, line));
    }
    // The reverts themselves are ahead, too: what is no longer the target is what goes along.
    if revert.ahead > 0 && !revert.same_as_target {
        let (s, them) = if revert.ahead == 1 { ("", "it") } else { ("s", "they") };
        return Ready::Unknown(format!(
            "{branch} has {} commit{s} {} never ran; {them} would ship too",
            revert.ahead, known.environment.name
        ));
    }
    over_migrations(way).unwrap_or(Ready::Yes)
}

fn verb(ids: &[&str]) -> String {
    format!("{} {}", ids.join(", "), if ids.len() == 1 { "is" } else { "are" })
}

/// What a commit found in the world says about going back to it.
fn found(known: &Known<'_>, way: &mut Way, line: &str, commit: Option<&str>) -> Ready {
    let release = commit.and_then(|commit| known.release_of(commit));
    way.goes_back_to = release.map_or_else(|| line.to_owned(), said);
    if commit.is_some() && commit == known.current.as_deref() {
        return Ready::No("it would go back to what is there now".to_owned());
    }
    match release {
        Some(release) if release.is_good() && release.vouched => {
            let why = release.verdict.as_ref().map_or("", |(_, _, why)| why);
            way.evidence.push((Some(true), format!("{} was not watched here: {why}", said(release))));
        }
        Some(release) if release.is_good() => {
            way.evidence.push((Some(true), format!("{} was watched and found good", said(release))));
        }
        Some(release) => way.evidence.push((Some(false), format!("{} was never found good", said(release)))),
        None => way.evidence.push((None, format!("{line} is not a release that is known here"))),
    }
    if let Some(back) = &known.back
        && known.target.as_ref().is_some_and(|target| Some(target.commit.as_str()) == commit)
    {
        way.takes_away =
            back.taken.iter().map(|commit| (short(&commit.id).to_owned(), commit.subject.clone())).collect();
        way.takes_away_count = back.taken_count;
        way.migrations.clone_from(&back.migrations);
    }
    over_migrations(way).unwrap_or(Ready::Yes)
}

/// A way around what keeps the environment as it is described does not last.
fn by_hand(known: &Known<'_>, way: &mut Way) {
    let Some(gitops) = &known.gitops else { return };
    way.undone_by = Some(gitops.clone());
    if way.ready == Ready::Yes {
        way.ready = Ready::Unknown(format!("{gitops} would undo it: pause its sync first"));
    }
}

fn own(known: &Known<'_>, index: usize) -> Way {
    let own = &known.environment.rollbacks[index];
    let words = own.command.iter().map(|word| word.replace("{env}", &known.environment.name));
    let title = format!(
        "{}: {}",
        own.name,
        crate::text::address::without_credentials(&shell_words::join(words.collect::<Vec<_>>()))
    );
    let mut way = way(known, &own.name, Kind::Own, title);
    way.ready = match known.own.get(index) {
        Some(Heard::Said { line, commit }) => {
            way.evidence.push((Some(true), format!("it would go back to {line}")));
            found(known, &mut way, line, commit.as_deref())
        }
        Some(Heard::No(why)) => Ready::No(why.clone()),
        Some(Heard::Unknown(why)) => Ready::Unknown(why.clone()),
        Some(Heard::Nothing) | None => {
            Ready::Unknown("nothing tells what it would go back to: set its `target`".to_owned())
        }
    };
    by_hand(known, &mut way);
    way
}

fn switch(known: &Known<'_>) -> Way {
    let side = known.idle_side().unwrap_or("the other side");
    let mut way = way(known, "switch", Kind::Switch, format!("switch back to {side}"));
    way.ready = match (&known.live, known.idle_side()) {
        (Heard::No(why) | Heard::Unknown(why), _) => Ready::Unknown(why.clone()),
        (_, None) => Ready::Unknown("which side is live is not known".to_owned()),
        (_, Some(idle)) => {
            let live = known.live_side().unwrap_or_default();
            way.evidence.push((Some(true), format!("{live} is live, {idle} is not")));
            match &known.idle {
                Heard::Said { line, commit } => {
                    let said = line.clone();
                    match found(known, &mut way, &said, commit.as_deref()) {
                        Ready::Yes if !good(known, commit.as_deref()) => {
                            Ready::Unknown(format!("{said} on {idle} was never found good"))
                        }
                        ready => ready,
                    }
                }
                Heard::No(why) | Heard::Unknown(why) => Ready::Unknown(why.clone()),
                Heard::Nothing => Ready::Unknown(format!("what is on {idle} is not known: set `version`")),
            }
        }
    };
    by_hand(known, &mut way);
    way
}

fn good(known: &Known<'_>, commit: Option<&str>) -> bool {
    commit.and_then(|commit| known.release_of(commit)).is_some_and(Release::is_good)
}
