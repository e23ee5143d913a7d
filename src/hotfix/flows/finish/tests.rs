use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::*;
use crate::config::types::Hotfix;
use crate::hotfix::version::Series;
use crate::plan::{Action, Reach, Step};

/// How the work tree of our own goes to another commit.
const OWN_CHECKOUT: [&str; 5] = ["-c", "submodule.recurse=false", "checkout", "--quiet", "--force"];
const BASE: &str = "1111111111111111111111111111111111111111";
const FIX: &str = "2222222222222222222222222222222222222222";
const DEVELOP: &str = "3333333333333333333333333333333333333333";
const MERGE: &str = "4444444444444444444444444444444444444444";

fn target(name: &str, there: &str) -> Target {
    Target {
        name: name.into(),
        there: there.into(),
        tracking: Some(format!("refs/remotes/origin/{name}")),
        here: None,
        has_fix: false,
        merged: None,
        kept: None,
        is_kept: false,
        forecast: Verdict::Clean,
        owed: false,
    }
}

fn facts() -> Facts {
    Facts {
        root: "/r".into(),
        remote: "origin".into(),
        can_ask: true,
        notes: Vec::new(),
        fix: Fix {
            name: "hotfix/x".into(),
            commit: FIX.into(),
            reference: Some("refs/heads/hotfix/x".into()),
            here: Some(FIX.into()),
            there: Some(FIX.into()),
            more_there: None,
            is_empty: false,
            is_unrelated: false,
            checked_out: None,
            subjects: vec!["# raise `it`".into(), "-x\u{202e}".into()],
        },
        base: target("main", BASE),
        back: vec![target("develop", DEVELOP)],
        gone: Vec::new(),
        no_develop: None,
        older: Vec::new(),
        version: Version::Held("1.2.4".into()),
        series: Series { prefix: "v".into(), last: Some("v1.2.3".into()), ..Series::default() },
        tags_here: BTreeMap::new(),
        tags_there: BTreeMap::new(),
        scratch: Scratch { path: "/r/.git/flightdeck/finish".into(), now: None },
        left_alone: None,
    }
}

fn planned_first(facts: &Facts, main_first: bool) -> Result<Plan> {
    planned_by(&Config::default(), facts, main_first)
}

fn planned_by(config: &Config, facts: &Facts, main_first: bool) -> Result<Plan> {
    let policy = Policy::built_in();
    let text = PullText { title: "$(touch x) \"q\" 'p'\nsecond line".into(), body: String::new() };
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    finish(&Wanted { id: "finish-1", config, policy: &policy, main_first, text: &text, now }, facts)
}

fn plan(facts: &Facts) -> Plan {
    planned_first(facts, false).unwrap()
}

fn argv(step: &Step) -> Vec<String> {
    let Action::Command(command) = &step.action else { panic!("{} is no command", step.title) };
    command.argv.clone()
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

#[test]
fn all_is_merged_before_one_push_and_branches_go_last() {
    let mut facts = facts();
    let here = |commit: &str| Here { commit: commit.into(), is_behind: true, checked_out: None };
    (facts.base.here, facts.back[0].here) = (Some(here(BASE)), Some(here(DEVELOP)));
    let plan = plan(&facts);
    assert_eq!(
        titles(&plan),
        [
            "make a separate work tree at main 1111111",
            "merge hotfix/x into main",
            "save the merge into main",
            "tag that merge as v1.2.4",
            "check out develop 3333333 there",
            "merge v1.2.4 back into develop",
            "save the merge into develop",
            "push main, develop, v1.2.4 to origin, all or none",
            "delete hotfix/x at origin",
            "update main here",
            "update develop here",
            "delete hotfix/x here",
            "remove the work tree that was made for it",
        ]
    );
    let kept = "refs/flightdeck/finish/222222222222";
    assert_eq!(
        argv(&plan.steps[7]),
        [
            "git",
            "push",
            "--atomic",
            "--no-follow-tags",
            "origin",
            &format!("{kept}/main:refs/heads/main"),
            "refs/tags/v1.2.4:refs/tags/v1.2.4",
            &format!("{kept}/develop:refs/heads/develop"),
        ]
    );
    let others: Vec<_> = plan.steps.iter().filter(|step| step.reach == Reach::Others).collect();
    assert_eq!(others.len(), 2);
    for step in &plan.steps {
        let argv = argv(step);
        let forces = argv.iter().any(|word| word == "--force" || word == "-f");
        // A work tree of our own is put back to where the step begins.
        let is_own = argv[1] == "worktree" || argv.iter().any(|word| word == "checkout");
        assert!(!forces || is_own, "{argv:?}");
        assert!(!argv.iter().any(|word| word.starts_with('+')), "{argv:?}");
        assert!(step.proof.is_some(), "{}", step.title);
    }
    assert!(others[1].guards[0].title.contains("holds what was pushed"));
    assert_eq!(argv(others[1])[3], format!("--force-with-lease=refs/heads/hotfix/x:{FIX}"));
    assert_eq!(plan.confirm.as_deref(), Some("main"));
    assert_eq!(plan.title, "finish hotfix/x (git flow): v1.2.4");
    assert_eq!(plan.frozen["refs/remotes/origin/main"], BASE);
}

#[test]
fn a_push_has_as_long_to_land_as_the_team_says() {
    let within = |config: &Config| {
        let plan = planned_by(config, &facts(), false).unwrap();
        let pushes = plan.steps.iter().filter(|step| step.reach == Reach::Others);
        pushes.map(|step| step.proof_within.as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(within(&Config::default()), [120, 120], "the push, and the branch that is deleted");
    let slow = Config {
        hotfix: Hotfix { proof_within: SignedDuration::from_mins(7), ..Hotfix::default() },
        ..Config::default()
    };
    assert_eq!(within(&slow), [420, 420]);
}

#[test]
fn the_message_of_the_tag_is_one_argument_and_what_is_tagged_is_proven() {
    let plan = plan(&facts());
    let tag = &plan.steps[3];
    assert_eq!(
        argv(tag),
        [
            "git",
            "tag",
            "-a",
            "--cleanup=whitespace",
            "-m",
            "$(touch x) \"q\" 'p'\n\n- # raise `it`\n- -x<U+202E>",
            "--",
            "v1.2.4",
            "refs/flightdeck/finish/222222222222/main",
        ]
    );
    let wanted = Some(format!("parents {BASE} {FIX}"));
    assert_eq!(tag.guards[0].probe.expect, wanted);
    assert_eq!(tag.proof.as_ref().unwrap().expect, wanted);
    assert_eq!(plan.steps[1].proof.as_ref().unwrap().expect, wanted);
}

#[test]
fn main_can_go_first_and_what_is_left_is_owed_with_the_end_of_the_push() {
    let mut facts = facts();
    facts.back[0].forecast = Verdict::Conflicts(vec!["src/pool.rs".into()]);
    let whole = plan(&facts);
    assert!(whole.notes.iter().any(|note| note.contains("--main-first")), "{:?}", whole.notes);
    assert!(whole.notes.iter().any(|note| note.contains("stops there, before anything is pushed")));
    let plan = planned_first(&facts, true).unwrap();
    let push = plan.steps.iter().position(|step| step.reach == Reach::Others).unwrap();
    assert!(plan.steps[push].title.starts_with("push main, v1.2.4"), "{}", plan.steps[push].title);
    assert!(!titles(&plan).iter().any(|title| title.starts_with("delete")), "the branch stays");
    let [FollowUp { after, what: Merge::Owed(owed) }] = plan.follow_ups.as_slice() else { panic!("one") };
    assert_eq!((*after, owed.into.as_str(), owed.commit.as_str()), (push, "develop", FIX));
    assert_eq!(owed.why, "conflicts in src/pool.rs");
    assert_eq!(plan.hash(), Plan { follow_ups: Vec::new(), ..plan.clone() }.hash());
}

#[test]
fn what_is_done_is_left_out() {
    let mut facts = facts();
    facts.base.kept = Some(MERGE.into());
    facts.base.is_kept = true;
    let begun = plan(&facts);
    assert_eq!(titles(&begun)[0], "tag that merge as v1.2.4");
    let tag = || Tag { object: "55".into(), commit: MERGE.into() };
    facts.tags_here.insert("v1.2.4".into(), tag());
    assert_eq!(titles(&plan(&facts))[0], "make a separate work tree at develop 3333333");

    // Main and the tag are out: what is left asks for no name and no gate.
    (facts.base.has_fix, facts.base.merged, facts.base.kept) = (true, Some(MERGE.into()), None);
    facts.tags_there.insert("v1.2.4".into(), tag());
    let back = plan(&facts);
    assert_eq!(
        (back.title.as_str(), back.confirm.as_deref()),
        ("merge v1.2.4 back into develop (git flow)", None)
    );
    assert!(back.gates.is_empty());

    facts.back[0].has_fix = true;
    facts.back[0].owed = true;
    assert_eq!(titles(&plan(&facts)), ["delete hotfix/x at origin", "delete hotfix/x here"]);
    (facts.fix.here, facts.fix.there) = (None, None);
    let nothing = plan(&facts);
    assert_eq!(
        nothing.nothing_left().unwrap(),
        "nothing is left to do: main has the fix, v1.2.4 is there, and it is merged back"
    );
    assert!(matches!(nothing.follow_ups[0].what, Merge::Paid(_)));
}

#[test]
fn a_merge_that_somebody_is_settling_is_concluded_and_not_begun_anew() {
    let mut facts = facts();
    (facts.base.kept, facts.base.is_kept) = (Some(MERGE.into()), true);
    facts.tags_here.insert("v1.2.4".into(), Tag { object: "55".into(), commit: MERGE.into() });
    let now = |merging: Option<&str>| {
        Some(ScratchNow { head: DEVELOP.into(), merging: merging.map(str::to_owned) })
    };
    facts.scratch.now = now(Some(MERGE));
    let begun = plan(&facts);
    assert_eq!(argv(&begun.steps[0]), ["git", "commit", "--no-edit"]);
    assert!(begun.steps[0].settle.is_some());
    facts.scratch.now = now(None);
    assert_eq!(argv(&plan(&facts).steps[0])[3..8], OWN_CHECKOUT);
    // One that goes into what has moved since, or is none of this, is not gone on with.
    facts.scratch.now = now(Some(FIX));
    let anew = plan(&facts);
    assert_eq!(argv(&anew.steps[0])[3..8], OWN_CHECKOUT);
    assert!(anew.steps[0].title.starts_with("abandon the merge that was left there"));
    // Where main goes out first it is left to whoever settles it.
    facts.scratch.now = now(Some(MERGE));
    let first = planned_first(&facts, true).unwrap();
    assert!(!titles(&first).iter().any(|title| title.contains("work tree")), "{:?}", titles(&first));
}

#[test]
fn what_stands_in_the_way_is_said_with_the_way_out() {
    let refused = |change: &dyn Fn(&mut Facts), cause: &str, hint: &str| {
        let mut facts = facts();
        change(&mut facts);
        let failure = planned_first(&facts, false).unwrap_err();
        assert!(failure.cause.contains(cause), "{failure}");
        assert!(failure.hint.contains(hint), "{failure}");
    };
    let taken = || Tag { object: "55".into(), commit: DEVELOP.into() };
    refused(
        &|facts| drop(facts.tags_here.insert("v1.2.4".into(), taken())),
        "is here already",
        "hotfix bump",
    );
    refused(
        &|facts| drop(facts.tags_there.insert("v1.2.4".into(), taken())),
        "is at origin already",
        "hotfix bump",
    );
    refused(
        &|facts| facts.version = Version::NotRaised { base: "1.2.3".into(), branch: "1.2.3".into() },
        "nobody bumped it",
        "hotfix bump",
    );
    refused(
        &|facts| {
            facts.version = Version::Disagree(vec![("VERSION".into(), "1".into()), ("a".into(), "2".into())]);
        },
        "VERSION 1, a 2",
        "hotfix bump",
    );
    refused(&|facts| facts.fix.more_there = Some(2), "origin has 2 commits on hotfix/x", "git pull");
    refused(&|facts| facts.fix.is_empty = true, "no commit that main has not", "abandon");
    refused(&|facts| facts.fix.is_unrelated = true, "no commit in common", "--unshallow");
    for name in ["--upload-pack=x", "a b", "$(id)"] {
        refused(&|facts| facts.remote = name.into(), "cannot be named", "");
        refused(&|facts| facts.back[0].name = name.into(), "cannot be named", "");
    }
    refused(&|facts| facts.version = Version::Tagged("-d".into()), "could be taken for an option", "");
}

#[test]
fn a_tag_that_does_not_come_next_goes_out_only_where_somebody_types_it() {
    let plain = plan(&facts());
    assert!(
        plain.notes.contains(&"tag v1.2.3 → v1.2.4, on the merge into main".to_owned()),
        "{:?}",
        plain.notes
    );
    let mut facts = facts();
    facts.version = Version::Held("0.1.1".into());
    facts.series.last = Some("v2.55.0".into());
    let doubted = plan(&facts);
    assert_eq!(doubted.confirm.as_deref(), Some("v0.1.1"));
    let doubt = "▲ v0.1.1 is not newer than the last tag, v2.55.0; to tag it anyway, confirm with v0.1.1";
    assert_eq!(doubted.notes[0], doubt);
    // A tag between them that is taken makes the step after that the next.
    facts.version = Version::Held("2.55.2".into());
    assert_eq!(plan(&facts).confirm.as_deref(), Some("v2.55.2"));
    facts.tags_there.insert("v2.55.1".into(), Tag { object: "55".into(), commit: DEVELOP.into() });
    assert_eq!(plan(&facts).confirm.as_deref(), Some("main"));
    // What is out already is out, whatever it is called.
    facts.version = Version::Tagged("v0.1.1".into());
    (facts.base.has_fix, facts.base.merged) = (true, Some(MERGE.into()));
    let tag = Tag { object: "55".into(), commit: MERGE.into() };
    facts.tags_here.insert("v0.1.1".into(), tag.clone());
    facts.tags_there.insert("v0.1.1".into(), tag);
    assert_eq!(plan(&facts).confirm, None);
}

#[test]
fn older_releases_are_listed_with_their_age_and_left() {
    let mut facts = facts();
    let older =
        |name: &str, at: &str, brings| Older { name: name.into(), at: Some(at.parse().unwrap()), brings };
    facts.older = vec![
        older("release/1.3", "2026-11-28T09:00:00Z", Some(1)),
        older("release/1.2", "2026-11-10T12:00:00Z", None),
        older("release/1.1", "2026-02-01T12:00:00Z", Some(340)),
        older("release/1.0", "2023-02-01T12:00:00Z", Some(500)),
    ];
    let plan = plan(&facts);
    for note in [
        "release/1.3 is left alone, last commit 3h ago: it would get 1 commit of main besides the fix",
        "release/1.2 is left alone, last commit 18 days ago: how much of main it would get is not known here",
        "release/1.1 is left alone, last commit 10 months ago: it would get 340 commits of main besides the fix",
        "release/1.0 is left alone, last commit 3 years ago: it would get 500 commits of main besides the fix",
    ] {
        assert!(plan.notes.iter().any(|known| known == note), "{note} in {:#?}", plan.notes);
    }
    assert!(plan.steps.iter().all(|step| !step.action.line().contains("release/")), "none is touched");
}

#[test]
fn a_remote_that_only_a_person_can_ask_is_asked_by_the_push_itself() {
    let mut facts = facts();
    facts.can_ask = false;
    let plan = plan(&facts);
    let probes =
        plan.steps.iter().flat_map(|step| step.guards.iter().map(|guard| &guard.probe).chain(&step.proof));
    for probe in probes {
        let line = probe.ask.line();
        assert!(!line.contains("ls-remote") && !line.contains("fetch"), "{line}");
    }
    let push = plan.steps.iter().find(|step| step.title.starts_with("push")).unwrap();
    assert!(push.proof.as_ref().unwrap().ask.line().ends_with("refs/remotes/origin/main"));
}
