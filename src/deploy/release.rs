//! Releases: what a deploy leaves behind, and what an environment tells of those before. Pure.

use jiff::Timestamp;
use serde::Deserialize;

use super::Resolved;
use crate::incident::{History, Release, WatchVerdict};
use crate::plan::ReleaseSpec;

/// Longest value of a told release that is taken.
const MAX_TEXT: usize = 200;

/// What the success of a deploy brings into an environment, once step `after` is done.
pub fn spec(environment: &str, what: &Resolved, after: usize) -> ReleaseSpec {
    ReleaseSpec {
        environment: environment.to_owned(),
        reference: what.reference.clone(),
        commit: what.commit.clone(),
        tag: what.tag.clone(),
        version: what.version.clone(),
        rollback: false,
        replaces: None,
        after,
    }
}

/// A line of what the `history` command of an environment prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    commit: String,
    at: Timestamp,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    verdict: Option<String>,
}

/// Reads what the `history` command of an environment printed: a JSON object a line, empty
/// lines left out. A verdict that is not `passed` or `failed` is none: nobody has watched.
///
/// # Errors
/// One line that says which line cannot be read, and why. Then none is taken: half a history
/// could name a wrong release as the last good one.
pub fn read(environment: &str, output: &str) -> Result<Vec<Release>, String> {
    let lines = output.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| told(environment, line).map_err(|why| format!("line {}: {why}", at + 1))).collect()
}

fn told(environment: &str, line: &str) -> Result<Release, String> {
    let told: Told = serde_json::from_str(line).map_err(|error| {
        // The place within the line is of no use to a reader without it.
        let text = error.to_string();
        text.split(" at line ").next().unwrap_or_default().to_owned()
    })?;
    let commit = told.commit.to_ascii_lowercase();
    if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("`commit` has to be the full hexadecimal id of a commit".to_owned());
    }
    let named =
        [("tag", &told.tag), ("version", &told.version), ("reference", &told.reference), ("by", &told.by)];
    for (key, text) in named {
        if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT || text.chars().any(char::is_control)) {
            return Err(format!("`{key}` is too long, or holds a control character"));
        }
    }
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let verdict = match told.verdict.as_deref() {
        Some("passed") => Some(WatchVerdict::Passed),
        Some("failed") => Some(WatchVerdict::Failed),
        _ => None,
    };
    let by = some(told.by).unwrap_or_default();
    Ok(Release {
        environment: environment.to_owned(),
        reference: some(told.reference).unwrap_or_default(),
        commit,
        tag: some(told.tag),
        version: some(told.version),
        plan: String::new(),
        rollback: false,
        replaces: None,
        verdict: verdict.map(|verdict| (told.at, verdict, String::new())),
        vouched: false,
        by,
        at: told.at,
    })
}

/// Adds what environments told to what incidents recorded, in the order of time. A release that
/// both know (the same commit in the same environment, within five minutes) stays once: as it
/// was recorded, with what only the environment knows filled in. What somebody wrote down by hand as live now
/// does not stand against what the environment says of itself, asked since.
pub fn merge(history: &mut History, told: Vec<Release>) {
    if let Some(last) = told.iter().max_by_key(|release| release.at) {
        history.releases.retain(|known| !is_contradicted(known, last));
    }
    for release in told {
        let known = history.releases.iter_mut().find(|known| is_same(known, &release));
        match known {
            Some(known) => {
                known.tag = known.tag.take().or(release.tag);
                known.version = known.version.take().or(release.version);
                if known.verdict.is_none() {
                    known.verdict = release.verdict;
                }
            }
            None => history.releases.push(release),
        }
    }
    history.releases.sort_by_key(|release| release.at);
}

/// Tells whether somebody wrote down by hand that this is live, and the environment tells of another commit as
/// its last.
pub fn is_contradicted(known: &Release, last: &Release) -> bool {
    let by_hand = known.plan.is_empty() && known.environment == last.environment;
    by_hand && known.commit != last.commit && known.at > last.at
}

/// What is live in an environment by what it tells, where what was recorded there last is another commit.
pub fn unrecorded(recorded: &History, current: Option<&Release>) -> Option<Release> {
    let current = current?;
    let known = recorded.current(&current.environment);
    let is_on_record = recorded.releases.contains(current);
    let is_new = known.is_none_or(|known| {
        let is_later = known.commit != current.commit && known.at <= current.at;
        is_contradicted(known, current) || (is_later && !is_on_record)
    });
    is_new.then(|| current.clone())
}

/// How far the clocks of two machines and the time a deploy takes may be apart.
const SAME_WITHIN: i64 = 5 * 60;

fn is_same(one: &Release, other: &Release) -> bool {
    one.environment == other.environment
        && one.commit == other.commit
        && one.at.duration_since(other.at).abs().as_secs() <= SAME_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "4f2c91e0000000000000000000000000000000ab";
    const B: &str = "77b0d130000000000000000000000000000000cd";

    fn line(commit: &str, at: &str, more: &str) -> String {
        format!("{{\"commit\":\"{commit}\",\"at\":\"2026-11-20T{at}:00Z\"{more}}}\n")
    }

    #[test]
    fn lines_become_releases_and_an_unknown_verdict_none() {
        let text = [
            line(A, "09:00", ",\"tag\":\"v1.2.2\",\"verdict\":\"passed\",\"by\":\"li\""),
            "\n".to_owned(),
            line(B, "10:00", ",\"verdict\":\"promising\",\"tag\":\"\",\"version\":null"),
        ];
        let releases = read("production", &text.concat()).unwrap();
        assert_eq!(releases.len(), 2);
        assert!(
            releases[0].is_good() && releases[0].tag.as_deref() == Some("v1.2.2") && releases[0].by == "li"
        );
        assert_eq!((&releases[1].verdict, &releases[1].tag), (&None, &None));
        let history = History { releases, ..History::default() };
        assert_eq!(history.last_good("production").unwrap().commit, A);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line_and_nothing_is_taken() {
        let bad = [
            ("v1.2.2\n".to_owned(), "expected"),
            ("{\"commit\":\"4f2c91e\",\"at\":\"2026-11-20T09:00:00Z\"}".to_owned(), "full hexadecimal id"),
            (format!("{{\"commit\":\"{A}\"}}"), "missing field `at`"),
            (format!("{{\"commit\":\"{A}\",\"at\":\"yesterday\"}}"), "line 2"),
            (line(A, "09:00", ",\"comit\":1"), "unknown field `comit`"),
            (line(A, "09:00", ",\"tag\":\"a\\u001b[2J\""), "`tag` is too long, or holds a control character"),
        ];
        for (text, expected) in bad {
            let why = read("production", &format!("{}{text}", line(B, "08:00", ""))).unwrap_err();
            assert!(why.starts_with("line 2: ") && why.contains(expected), "{why}");
        }
    }

    #[test]
    fn what_both_know_stays_once_and_all_is_in_the_order_of_time() {
        let mut history = History::default();
        let mut recorded = read("production", &line(A, "09:03", "")).unwrap();
        recorded[0].plan = "deploy-production-1".to_owned();
        history.releases = recorded;
        let told = [
            line(B, "08:00", ",\"verdict\":\"passed\""),
            line(A, "09:00", ",\"tag\":\"v1\",\"verdict\":\"failed\""),
            line(A, "12:00", ""),
        ];
        merge(&mut history, read("production", &told.concat()).unwrap());
        let seen: Vec<_> = history.releases.iter().map(|r| (r.commit.as_str(), r.plan.as_str())).collect();
        assert_eq!(seen, [(B, ""), (A, "deploy-production-1"), (A, "")]);
        assert_eq!(history.releases[1].tag.as_deref(), Some("v1"));
        assert!(matches!(history.releases[1].verdict, Some((_, WatchVerdict::Failed, _))));

        let now = |history: &History| history.current("production").cloned();
        let recorded = History { releases: vec![history.releases[1].clone()], ..History::default() };
        assert_eq!(unrecorded(&recorded, now(&recorded).as_ref()), None, "it is what is on record");
        assert_eq!(
            unrecorded(&recorded, now(&history).as_ref()),
            None,
            "the same commit, deployed once more"
        );
        let by_hand = read("production", &line(B, "13:00", "")).unwrap().remove(0);
        assert_eq!(unrecorded(&recorded, Some(&by_hand)).unwrap().commit, B);

        // What somebody says by hand is live now does not stand against what the environment says.
        let mut claimed = history.clone();
        claimed.releases.push(by_hand);
        assert_eq!(now(&claimed).unwrap().commit, B);
        let mut asked = claimed.clone();
        merge(&mut asked, read("production", &line(A, "12:00", "")).unwrap());
        assert_eq!(now(&asked).unwrap().commit, A);
        assert_eq!(unrecorded(&claimed, now(&asked).as_ref()).unwrap().commit, A, "and it is told");

        let before = history.clone();
        let again = before.releases.clone();
        merge(&mut history, again);
        assert_eq!(history, before, "told twice is told once");
    }
}
