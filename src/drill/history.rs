//! The history of a scenario as a stream that `git fast-import` reads. Pure.
//!
//! One process makes all commits and tags, whatever the user's git configuration says.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp, tz::TimeZone};

use super::scenario::{Commit, Edited, Scenario};
use crate::failure::{Failure, Result};

/// Path to content.
type Tree = BTreeMap<String, String>;

/// The tip of a branch while the history is made.
struct Tip {
    mark: usize,
    tree: Tree,
}

/// Writes the history of a scenario that begins at a time, with words in double braces in
/// its files filled in.
pub(super) fn stream(scenario: &Scenario, now: Timestamp, fill: &BTreeMap<&str, String>) -> Result<String> {
    let mut tips: BTreeMap<String, Tip> = BTreeMap::new();
    let mut out = String::new();
    for (index, commit) in scenario.commits.iter().enumerate() {
        let mark = index + 1;
        let wrong = |why: String| broken(scenario, commit, why);
        let parent = tips.get(commit.from.as_ref().unwrap_or(&commit.branch));
        let merged = match &commit.merge {
            Some(name) => Some(tips.get(name).ok_or_else(|| wrong(format!("no branch {name} yet")))?),
            None => None,
        };
        let mut tree = merged.or(parent).map(|tip| tip.tree.clone()).unwrap_or_default();
        change(scenario, commit, fill, &mut tree)?;
        let by = person(scenario, commit)?;
        let at = seconds(now, &commit.ago).map_err(|error| wrong(error.to_string()))?;

        put(&mut out, format_args!("commit refs/heads/{}\nmark :{mark}\n", commit.branch));
        put(&mut out, format_args!("author {by} {at} +0000\ncommitter {by} {at} +0000\n"));
        data(&mut out, &commit.message);
        for (word, tip) in [("from", parent), ("merge", merged)] {
            if let Some(tip) = tip {
                put(&mut out, format_args!("{word} :{}\n", tip.mark));
            }
        }
        out.push_str("deleteall\n");
        for (path, content) in &tree {
            let mode = if content.starts_with("#!") { "100755" } else { "100644" };
            put(&mut out, format_args!("M {mode} inline {path}\n"));
            data(&mut out, content);
        }
        if let Some(tag) = &commit.tag {
            put(&mut out, format_args!("tag {tag}\nfrom :{mark}\ntagger {by} {at} +0000\n"));
            data(&mut out, &format!("Release {}", tag.trim_start_matches('v')));
        }
        tips.insert(commit.branch.clone(), Tip { mark, tree });
    }
    out.push_str("done\n");
    Ok(out)
}

/// Puts the files of a commit into the tree and makes its edits.
fn change(
    scenario: &Scenario,
    commit: &Commit,
    fill: &BTreeMap<&str, String>,
    tree: &mut Tree,
) -> Result<()> {
    for path in &commit.write {
        let content = scenario
            .file(path, fill)
            .ok_or_else(|| broken(scenario, commit, format!("{path} is not built in")))?;
        tree.insert(path.clone(), content);
    }
    for edit in &commit.edit {
        let text = tree.get(&edit.file).map(|text| edit.apply(text));
        let Some(Edited::Text(text)) = text else {
            let why = format!("an edit of {} does not fit: {:?}", edit.file, edit.old);
            return Err(broken(scenario, commit, why));
        };
        tree.insert(edit.file.clone(), text);
    }
    Ok(())
}

fn person<'a>(scenario: &'a Scenario, commit: &Commit) -> Result<&'a str> {
    scenario
        .people
        .get(&commit.by)
        .map(String::as_str)
        .ok_or_else(|| broken(scenario, commit, format!("nobody is called {}", commit.by)))
}

/// Seconds since the epoch of a time before now, days being of 24 hours.
fn seconds(now: Timestamp, ago: &str) -> Result<i64, jiff::Error> {
    let ago: Span = ago.parse()?;
    Ok(now.to_zoned(TimeZone::UTC).checked_sub(ago)?.timestamp().as_second())
}

fn data(out: &mut String, content: &str) {
    put(out, format_args!("data {}\n{content}\n", content.len()));
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    // Writing to a string does not fail.
    out.write_fmt(text).ok();
}

fn broken(scenario: &Scenario, commit: &Commit, why: String) -> Failure {
    let subject = commit.message.lines().next().unwrap_or_default();
    Failure::new(
        format!("making the commit `{subject}` of the drill `{}`", scenario.name),
        why,
        "this is a fault of flightdeck itself; please report it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-02T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_history_fits_together_and_ends_before_now() {
        for scenario in Scenario::all().unwrap() {
            let stream = stream(&scenario, now(), &BTreeMap::new()).unwrap();
            let times: Vec<i64> = stream
                .lines()
                .filter_map(|line| line.strip_prefix("committer "))
                .map(|line| line.rsplit(' ').nth(1).unwrap().parse().unwrap())
                .collect();
            assert!(times.is_sorted(), "commits are made one after the other");
            let last = now().as_second() - times.last().unwrap();
            assert!((60..3600).contains(&last), "the last commit is {last} s old");
            for tag in [&scenario.good, &scenario.broken] {
                assert!(stream.contains(&format!("tag {tag}\n")), "{tag}");
            }
        }
    }

    #[test]
    fn words_in_braces_are_filled_in() {
        let scenario = Scenario::find(None).unwrap();
        let fill = BTreeMap::from([
            ("staging_url", "http://127.0.0.1:1".to_owned()),
            ("production_url", "http://127.0.0.1:2".to_owned()),
            ("provider_url", "http://127.0.0.1:3".to_owned()),
            ("ci_url", "http://127.0.0.1:4".to_owned()),
        ]);
        let stream = stream(&scenario, now(), &fill).unwrap();
        assert!(stream.contains("http://127.0.0.1:2/health"));
        assert!(!stream.contains("{{"));
    }

    #[test]
    fn the_configuration_of_every_scenario_is_valid() {
        let fill = BTreeMap::from([
            ("staging_url", "http://127.0.0.1:1".to_owned()),
            ("production_url", "http://127.0.0.1:2".to_owned()),
            ("provider_url", "http://127.0.0.1:3".to_owned()),
            ("ci_url", "http://127.0.0.1:4".to_owned()),
        ]);
        for scenario in Scenario::all().unwrap() {
            let text = scenario.file("flightdeck.toml", &fill).unwrap();
            let config = crate::config::load::parse(text.as_bytes()).unwrap();
            assert!(config.environments.iter().any(|env| env.protected), "{}", scenario.name);
        }
    }

    #[test]
    fn every_fix_fits_the_end_of_the_hotfix_base() {
        Scenario::all().unwrap().iter().for_each(fits);
    }

    fn fits(scenario: &Scenario) {
        let mut trees: BTreeMap<&str, Tree> = BTreeMap::new();
        for commit in &scenario.commits {
            let from = commit.merge.as_ref().or(commit.from.as_ref()).unwrap_or(&commit.branch);
            let mut tree = trees.get(from.as_str()).cloned().unwrap_or_default();
            change(scenario, commit, &BTreeMap::new(), &mut tree).unwrap();
            trees.insert(&commit.branch, tree);
        }
        let mut tree = trees.remove("main").unwrap();
        for edit in &scenario.fix.edit {
            let Edited::Text(fixed) = edit.apply(&tree[&edit.file]) else {
                panic!("{}: {}: {:?}", scenario.name, edit.file, edit.old)
            };
            tree.insert(edit.file.clone(), fixed);
        }
    }
}
