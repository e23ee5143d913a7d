//! Raising the version on a hotfix branch.

use std::collections::BTreeMap;

use super::super::state::BranchState;
use super::super::version::{self, Found, Kind, Place, Series, Version};
use super::{GIT_TIMEOUT, TARGET, check_at_rest, gate, git};
use crate::config::types::{Config, Flow};
use crate::failure::{Failure, Result};
use crate::plan::{Action, Command, Guard, Plan, Probe, Purpose, Step, Undo};
use crate::text::visible;

/// What has to be known before the version can be raised.
pub struct Facts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The repository.
    pub state: &'a BranchState,
    /// Every file of the branch's commit that holds the version.
    pub found: &'a Found,
    /// The same of the base: path and version.
    pub base: &'a [(String, String)],
    /// Files of those that cannot be changed and committed by themselves now, and why.
    pub hindered: &'a [(String, String)],
    /// The tags of versions that the base reaches.
    pub series: &'a Series,
    /// Names of all tags here.
    pub tags: &'a [String],
    /// Files that do not hold the version though their names say so, a line each.
    pub others: &'a [String],
    /// The program that puts versions into files: an absolute path.
    pub program: &'a str,
}

/// The plan of `hotfix bump`: puts the next patch version, or the one that is `wanted`, into every
/// file that holds it, and makes one commit of that.
///
/// # Errors
/// The work tree is on another branch, files disagree or cannot be changed, or the version is not
/// a newer one: says which and what to do.
pub fn bump(facts: &Facts<'_>, id: &str, wanted: Option<&str>) -> Result<Plan> {
    let doing = "bumping the version";
    check_at_rest(doing, facts.state)?;
    let (branch, commit) = hotfix_branch(facts, doing)?;
    let from = held_version(facts, doing)?;
    let plan = |title: String| Plan::new(id, title, Purpose::Hotfix, TARGET);
    if let (None, Some(raised)) = (wanted, raised(facts, branch, &from)) {
        let notes = vec![raised, "flightdeck hotfix bump VERSION bumps it further".to_owned()];
        return Ok(Plan { notes, ..plan(format!("bump the version on {}", visible(branch))) });
    }
    let to = next(facts, doing, branch, &from, wanted)?;
    let tag = facts.series.tag(to.text());
    if facts.tags.contains(&tag) {
        return Err(gate(
            doing,
            &format!("there is a tag {} already", visible(&tag)),
            "name a later version: flightdeck hotfix bump VERSION",
        ));
    }
    if !facts.hindered.is_empty() {
        let each: Vec<_> =
            facts.hindered.iter().map(|(path, why)| format!("{}: {why}", visible(path))).collect();
        return Err(gate(
            doing,
            &each.join("; "),
            "commit or stash what is changed there (git stash push -- FILE), then try again",
        ));
    }
    let mut notes = notes(facts.found, from.text(), to.text());
    notes.extend(facts.others.iter().cloned());
    if let Some(doubt) = facts.series.doubt(&tag, facts.tags.iter().map(String::as_str)) {
        notes.push(format!("▲ {}: to finish, you will have to type that tag", visible(&doubt)));
    }
    let steps = steps(facts, branch, from.text(), to.text());
    Ok(Plan {
        frozen: BTreeMap::from([(format!("refs/heads/{branch}"), commit.to_owned())]),
        notes,
        steps,
        ..plan(format!("bump the version on {} to {}", visible(branch), to.text()))
    })
}

/// The branch the work tree is on and its commit, if that is where hotfixes are made.
fn hotfix_branch<'a>(facts: &Facts<'a>, doing: &str) -> Result<(&'a str, &'a str)> {
    let state = facts.state;
    let hotfix = &facts.config.hotfix;
    let fits = |branch: &str| match hotfix.flow {
        Flow::Trunk => state.base.as_deref() == Some(branch),
        Flow::GitFlow | Flow::GithubFlow => {
            let is_other = state.base.as_deref() != Some(branch) && hotfix.develop != branch;
            is_other && branch.len() > hotfix.prefix.len() && branch.starts_with(hotfix.prefix.as_str())
        }
    };
    if let (Some(branch), Some(commit)) = (state.branch().filter(|branch| fits(branch)), state.commit()) {
        return Ok((branch, commit));
    }
    let on = state.branch().map_or_else(|| "no branch".to_owned(), |branch| visible(branch).into_owned());
    if hotfix.flow == Flow::Trunk {
        let base = state.base.as_deref().unwrap_or("the base");
        return Err(gate(
            doing,
            &format!("the work tree is on {on}, and in the trunk flow fixes are made on {}", visible(base)),
            &format!("git switch {}", visible(base)),
        ));
    }
    let hint = match state.hotfix_branches.as_slice() {
        [] => "make one first: flightdeck hotfix start NAME".to_owned(),
        [only] => format!("git switch {}", visible(&shell_words::quote(only))),
        several => {
            let names: Vec<_> = several.iter().map(|name| visible(name)).collect();
            format!("git switch to one of: {}", names.join(", "))
        }
    };
    Err(gate(doing, &format!("the work tree is on {on}, which is not a hotfix branch"), &hint))
}

/// The version that all files hold.
fn held_version(facts: &Facts<'_>, doing: &str) -> Result<Version> {
    let found = facts.found;
    if !found.broken.is_empty() {
        let each = found.broken.iter();
        let each = each.map(|broken| format!("{}: {}", visible(&broken.path), visible(&broken.why)));
        let each: Vec<_> = each.collect();
        let hint = "put it right, or name it under [[hotfix.versions]] in flightdeck.toml with ignore = true";
        return Err(gate(doing, &each.join("; "), hint));
    }
    let held = found.versions();
    let Some((first, version)) = held.first() else {
        if !facts.others.is_empty() {
            let hint = "finishing makes the tag after the last one; a file that does hold the version is named under [[hotfix.versions]] in flightdeck.toml";
            return Err(gate(doing, &facts.others.join("; "), hint));
        }
        let known = version::RECOGNISED.join(", ");
        return Err(gate(
            doing,
            "no file here holds a version",
            &format!(
                "known at the root: {known}; others are named under [[hotfix.versions]] in flightdeck.toml"
            ),
        ));
    };
    if !version::agree(&held) {
        let each: Vec<_> = held
            .iter()
            .map(|(path, version)| format!("{} holds {}", visible(path), visible(version)))
            .collect();
        return Err(gate(
            doing,
            &format!("the files disagree: {}", each.join(", ")),
            "make them agree and commit that; a file about something else is named under [[hotfix.versions]] with ignore = true",
        ));
    }
    Version::parse(version).ok_or_else(|| {
        gate(
            doing,
            &format!("{} holds {}, which cannot be compared", visible(first), visible(version)),
            "raise it by hand, and commit that",
        )
    })
}

/// The version of the base, where it holds one that can be compared.
fn base_version(facts: &Facts<'_>) -> Option<Version> {
    facts.base.first().and_then(|(_, version)| Version::parse(version))
}

/// What is said of a branch whose version is raised already.
fn raised(facts: &Facts<'_>, branch: &str, from: &Version) -> Option<String> {
    let base = base_version(facts).filter(|base| from > base)?;
    let name = facts.state.base.as_deref().map_or_else(|| "the base".into(), visible);
    Some(format!("{} holds {} already, and {name} {}", visible(branch), from.text(), base.text()))
}

/// The version that it is raised to.
fn next(
    facts: &Facts<'_>,
    doing: &str,
    branch: &str,
    from: &Version,
    wanted: Option<&str>,
) -> Result<Version> {
    let name = facts.state.base.as_deref().map_or_else(|| "the base".into(), visible);
    let base = base_version(facts);
    let newest = base.as_ref().filter(|base| *base > from).unwrap_or(from);
    let last = facts.series.last_version().filter(|last| last > newest && last.next_patch().is_ok());
    let to = if let Some(wanted) = wanted {
        let to = Version::parse(wanted.trim()).ok_or_else(|| {
            let cause = format!("{} is not a version", visible(wanted));
            Failure::usage(doing, cause, "a version is numbers with dots between them: 1.2.4")
        })?;
        if to <= *newest {
            let place = if newest == from { visible(branch) } else { name };
            let cause = format!("{} is not newer than {}, which {place} holds", to.text(), newest.text());
            return Err(Failure::usage(doing, cause, "name a newer one"));
        }
        to
    } else {
        let hint = "name the version: flightdeck hotfix bump VERSION";
        let next = last.as_ref().unwrap_or(newest).next_patch().map_err(|why| gate(doing, &why, hint))?;
        Version::parse(&next).ok_or_else(|| gate(doing, &format!("{next} is too long"), hint))?
    };
    let strict = facts.found.held.iter().map(|held| held.target.path.as_str());
    let strict = strict.into_iter().find(|path| Kind::of(path).is_some_and(Kind::is_strict));
    if let Some(path) = strict.filter(|_| !to.is_strict()) {
        let cause = format!("{} takes versions of three numbers only, not {}", visible(path), to.text());
        return Err(Failure::usage(doing, cause, "name one like 1.2.4"));
    }
    Ok(to)
}

/// What will be where, a line a file.
fn notes(found: &Found, from: &str, to: &str) -> Vec<String> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for held in &found.held {
        *places.entry(&held.target.path).or_default() += held.versions.len();
    }
    let mut notes: Vec<String> = places
        .into_iter()
        .map(|(path, count)| {
            let several = if count > 1 { format!(", in {count} places") } else { String::new() };
            format!("{}: {from} → {to}{several}", visible(path))
        })
        .collect();
    if from.split('.').count() == 2 && to.split('.').count() == 3 {
        notes.push(format!("{from} is read as {from}.0"));
    }
    notes
}

fn steps(facts: &Facts<'_>, branch: &str, from: &str, to: &str) -> Vec<Step> {
    let root = facts.state.root.as_str();
    let full = format!("refs/heads/{branch}");
    let paths: Vec<&str> = {
        let mut paths: Vec<&str> = facts.found.held.iter().map(|held| held.target.path.as_str()).collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    };
    let helper = |arguments: &[&str]| helper(facts, root, arguments);
    let is_there = Guard {
        title: format!("the work tree is on {}", visible(branch)),
        probe: Probe::command(git(root, &["symbolic-ref", "--quiet", "HEAD"]), Some(full.clone())),
    };
    let write = Step {
        guards: vec![is_there.clone()],
        proof: Some(Probe::command(helper(&["--check", to]), None)),
        // Where the new version stands already nothing is changed.
        retry_is_safe: true,
        undo: Undo::By {
            action: Action::Command(helper(&["--write", from, "--from", to])),
            proof: Some(Probe::command(helper(&["--check", from]), None)),
        },
        ..Step::new(
            format!("put {to} into {}", count(paths.len(), "file")),
            Action::Command(helper(&["--write", to, "--from", from])),
            GIT_TIMEOUT,
        )
    };
    let message = format!("chore: bump version to {to}");
    // Only these files, whatever else is staged.
    let mut arguments = vec!["--literal-pathspecs", "commit", "-m", &message, "--"];
    arguments.extend(&paths);
    // Found by its message: what commit it will be is not known beforehand.
    let made = format!("HEAD^{{/^chore: bump version to {}}}", to.replace('+', "."));
    let commit = Step {
        guards: vec![is_there],
        proof: Some(Probe::command(helper(&["--check", to, "--at", &full]), None)),
        undo: Undo::By {
            action: Action::Command(git(root, &["revert", "--no-edit", &made])),
            proof: Some(Probe::command(helper(&["--check", from, "--at", &full]), None)),
        },
        ..Step::new(
            format!("commit it as one commit on {}", visible(branch)),
            Action::Command(git(root, &arguments)),
            GIT_TIMEOUT,
        )
    };
    vec![write, commit]
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The command that puts versions into files, or looks whether they are there. It is told every
/// place, so that it does what was confirmed whatever the configuration says by then.
fn helper(facts: &Facts<'_>, root: &str, arguments: &[&str]) -> Command {
    let mut argv = vec![facts.program.to_owned(), "version-files".to_owned()];
    argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
    for held in &facts.found.held {
        let path = &held.target.path;
        match &held.target.place {
            Place::Own => argv.extend(["--file".to_owned(), path.clone()]),
            Place::Entry(name) => argv.extend(["--entry".to_owned(), path.clone(), name.clone()]),
            Place::Pattern(pattern) => argv.extend(["--pattern".to_owned(), path.clone(), pattern.clone()]),
        }
    }
    Command { argv, cwd: root.to_owned(), env: Vec::new(), set: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::VersionFile;
    use crate::failure::FailureKind;
    use crate::hotfix::state::{Head, Operation};
    use crate::hotfix::version::{Broken, Held, Target};

    const COMMIT: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";

    fn on(branch: &str) -> BranchState {
        let mut state =
            BranchState::new("/srv/payments", Head::Branch { name: branch.into(), commit: COMMIT.into() });
        state.base = Some("main".into());
        state.hotfix_branches = vec!["hotfix/x".into()];
        state
    }

    fn held(path: &str, place: Place, version: &str) -> Held {
        Held { target: Target { path: path.to_owned(), place }, versions: vec![version.to_owned()] }
    }

    fn found(version: &str) -> Found {
        let lock = Place::Entry("shop".to_owned());
        let files = vec![held("Cargo.toml", Place::Own, version), held("Cargo.lock", lock, version)];
        Found { held: files, broken: Vec::new() }
    }

    struct Case {
        config: Config,
        state: BranchState,
        found: Found,
        base: &'static str,
        hindered: Vec<(String, String)>,
        series: Series,
        tags: Vec<String>,
        others: Vec<String>,
    }

    impl Case {
        fn new(version: &str) -> Self {
            let (config, state) = (Config::default(), on("hotfix/x"));
            Self {
                config,
                state,
                found: found(version),
                base: "1.2.3",
                hindered: Vec::new(),
                series: Series { prefix: "v".into(), last: Some("v1.2.3".into()), ..Series::default() },
                tags: Vec::new(),
                others: Vec::new(),
            }
        }

        fn plan(&self, wanted: Option<&str>) -> Result<Plan> {
            let facts = Facts {
                config: &self.config,
                state: &self.state,
                found: &self.found,
                base: &[("Cargo.toml".to_owned(), self.base.to_owned())],
                hindered: &self.hindered,
                series: &self.series,
                tags: &self.tags,
                others: &self.others,
                program: "/usr/bin/flightdeck",
            };
            bump(&facts, "bump-1", wanted)
        }

        #[track_caller]
        fn refused(&self, wanted: Option<&str>, parts: &[&str]) -> Failure {
            let failure = self.plan(wanted).unwrap_err();
            let said = failure.to_string();
            for part in parts {
                assert!(said.contains(part), "{part} in {said}");
            }
            failure
        }
    }

    #[test]
    fn every_place_is_named_and_only_these_files_are_committed() {
        let plan = Case::new("1.2.3").plan(None).unwrap();
        let lines: Vec<String> = plan.steps.iter().map(|step| step.action.line()).collect();
        assert_eq!(
            lines,
            [
                "/usr/bin/flightdeck version-files --write 1.2.4 --from 1.2.3 --file Cargo.toml --entry Cargo.lock shop",
                "git --literal-pathspecs commit -m 'chore: bump version to 1.2.4' -- Cargo.lock Cargo.toml",
            ]
        );
        assert_eq!(plan.notes, ["Cargo.lock: 1.2.3 → 1.2.4", "Cargo.toml: 1.2.3 → 1.2.4"]);
        assert_eq!(plan.frozen.get("refs/heads/hotfix/x").map(String::as_str), Some(COMMIT));
        let proof = |step: &Step| step.proof.as_ref().unwrap().ask.line();
        assert!(proof(&plan.steps[1]).contains("--check 1.2.4 --at refs/heads/hotfix/x"));
        let Undo::By { action, .. } = &plan.steps[0].undo else { panic!("it can be undone") };
        assert!(action.line().contains("--write 1.2.3 --from 1.2.4"), "{}", action.line());
        assert!(!plan.reaches_others() && plan.confirm.is_none());
    }

    #[test]
    fn a_version_that_is_wanted_has_to_be_newer_than_both_branches() {
        let case = Case::new("1.2.3");
        assert!(case.plan(Some("v2.0.0")).unwrap().title.ends_with("to 2.0.0"));
        for (wanted, part) in [
            ("1.2.3", "1.2.3 is not newer than 1.2.3, which hotfix/x holds"),
            ("1.2.4-rc.1", ""),
            ("1.0", "not newer"),
            ("next", "next is not a version"),
            ("1.3", "Cargo.toml takes versions of three numbers only, not 1.3"),
        ] {
            if part.is_empty() {
                assert!(case.plan(Some(wanted)).is_ok(), "{wanted}");
            } else {
                assert_eq!(case.refused(Some(wanted), &[part]).kind, FailureKind::Usage);
            }
        }
        let behind = Case { base: "1.2.5", ..Case::new("1.2.3") };
        assert!(behind.plan(None).unwrap().title.ends_with("to 1.2.6"), "after what is in production");
        behind.refused(Some("1.2.5"), &["not newer than 1.2.5, which main holds"]);
    }

    #[test]
    fn what_is_raised_already_is_left_unless_a_version_is_named() {
        let case = Case::new("1.2.4");
        let nothing = case.plan(None).unwrap().nothing_left().unwrap();
        assert!(nothing.contains("hotfix/x holds 1.2.4 already, and main 1.2.3"), "{nothing}");
        assert!(case.plan(Some("1.2.5")).is_ok());
    }

    #[test]
    fn it_is_refused_where_it_would_have_to_guess() {
        let mut case = Case::new("1.2.3");
        case.found.held.push(held("VERSION", Place::Own, "v1.2.2"));
        case.refused(None, &["Cargo.toml holds 1.2.3", "VERSION holds v1.2.2"]);
        let mut case = Case::new("1.2.3");
        case.found.broken.push(Broken { path: "package.json".into(), why: "it is not right as JSON".into() });
        case.refused(None, &["package.json: it is not right as JSON", "ignore = true"]);
        let case = Case { found: Found::default(), ..Case::new("1.2.3") };
        case.refused(None, &["no file here holds a version", "VERSION, Cargo.toml"]);
        assert!(Case::new("1.2.4-rc.1").plan(None).unwrap().nothing_left().is_some());
        let pre = Case { base: "1.2.4-rc.1", ..Case::new("1.2.4-rc.1") };
        pre.refused(None, &["pre-release", "hotfix bump VERSION"]);
        Case::new("1.2.3rc1").refused(None, &["cannot be compared"]);
    }

    #[test]
    fn tags_and_open_changes_stand_in_the_way() {
        let tagged = Case { tags: vec!["v1.2.4".into()], ..Case::new("1.2.3") };
        tagged.refused(None, &["there is a tag v1.2.4 already"]);
        assert!(tagged.plan(Some("1.2.5")).is_ok());
        let why = "it has changes that are not committed";
        let dirty = Case { hindered: vec![("Cargo.toml".into(), why.into())], ..Case::new("1.2.3") };
        dirty.refused(None, &["Cargo.toml: it has changes", "git stash"]);
    }

    #[test]
    fn what_was_tagged_last_is_gone_on_from_and_a_jump_is_pointed_out() {
        let mut case = Case::new("1.2.3");
        case.series.last = Some("v1.2.7".into());
        assert!(case.plan(None).unwrap().title.ends_with("to 1.2.8"), "after the last tag");
        let plan = Case::new("1.2.3").plan(Some("9.0.1")).unwrap();
        let doubt = "▲ v9.0.1 is more than one step after the last tag, v1.2.3: to finish, you will have to type that tag";
        assert_eq!(plan.notes.last().map(String::as_str), Some(doubt));
        let mut case = Case { found: Found::default(), ..Case::new("1.2.3") };
        case.others
            .push("Cargo.toml does not hold the version: it held 0.1.0 when v2.55.0 was tagged".into());
        case.refused(None, &["it held 0.1.0 when v2.55.0 was tagged", "[[hotfix.versions]]"]);
    }

    #[test]
    fn it_is_done_on_the_hotfix_branch_only() {
        let main = Case { state: on("main"), ..Case::new("1.2.3") };
        main.refused(None, &["on main, which is not a hotfix branch", "git switch hotfix/x"]);
        let mut two = Case { state: on("hotfix/"), ..Case::new("1.2.3") };
        two.state.hotfix_branches.push("hotfix/y".into());
        two.refused(None, &["one of: hotfix/x, hotfix/y"]);
        two.state.hotfix_branches.clear();
        two.refused(None, &["flightdeck hotfix start"]);
        let mut trunk = Case { state: on("main"), ..Case::new("1.2.3") };
        trunk.config.hotfix.flow = Flow::Trunk;
        assert!(trunk.plan(None).is_ok());
        trunk.state = on("hotfix/x");
        trunk.refused(None, &["in the trunk flow fixes are made on main", "git switch main"]);
        let mut merging = Case::new("1.2.3");
        merging.state.operation = Some(Operation::Merge);
        merging.refused(None, &["a merge is under way"]);
    }

    #[test]
    fn two_numbers_get_a_third_and_expressions_are_passed_on() {
        let mut case = Case { base: "1.2", ..Case::new("1.2") };
        case.series.last = Some("v1.2".into());
        let pattern =
            VersionFile { path: "a b.h".into(), pattern: "V \"(.*)\"".into(), ignore: false }.pattern;
        case.found.held = vec![held("a b.h", Place::Pattern(pattern), "v1.2")];
        let plan = case.plan(None).unwrap();
        assert!(plan.steps[0].action.line().contains("--pattern 'a b.h' 'V \"(.*)\"'"));
        assert_eq!(plan.notes, ["a b.h: 1.2 → 1.2.1", "1.2 is read as 1.2.0"]);
    }

    #[test]
    fn nothing_a_file_says_is_shown_as_it_is() {
        let mut case = Case::new("1.2.3");
        case.found.held.push(held("a\u{202e}.h", Place::Own, "1.2.3\u{202e}"));
        let said = case.plan(None).unwrap_err().to_string();
        assert!(!said.contains('\u{202e}') && said.contains("<U+202E>"), "{said}");
    }
}
