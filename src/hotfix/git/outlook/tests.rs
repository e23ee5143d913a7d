use super::*;
use crate::hotfix::outlook::Stray;
use crate::hotfix::testing::TestRepo;

const LIMIT: HotfixLimit = HotfixLimit { files: 5, lines: 60 };
const PATIENCE: Duration = Duration::from_secs(60);

fn look(repo: &TestRepo, flow: Flow, question: &Question) -> Outlook {
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    reader.outlook(&Hotfix { flow, ..Hotfix::default() }, &LIMIT, question, PATIENCE).unwrap()
}

/// A fix on `hotfix/x`, with the version raised, and a `develop` that will conflict.
fn fixed() -> (TestRepo, String) {
    let repo = TestRepo::new();
    repo.git(&["switch", "-q", "-c", "develop"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 50;\n");
    repo.commit("half the limit");
    repo.git(&["switch", "-q", "-c", "hotfix/x", "main"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
    repo.write("VERSION", "1.2.3\n");
    let fix = repo.commit("raise the limit");
    (repo, fix)
}

fn verdicts(outlook: &Outlook) -> Vec<(&str, &Verdict)> {
    outlook.forecasts.iter().map(|one| (one.into.as_str(), &one.verdict)).collect()
}

#[test]
fn trouble_is_seen_coming_before_anybody_merges() {
    let (repo, fix) = fixed();
    let outlook = look(&repo, Flow::GitFlow, &Question::default());
    assert!(outlook.is_about(Some("hotfix/x"), Some(&fix)));
    let conflicts = Verdict::Conflicts(vec!["src/pool.rs".to_owned()]);
    assert_eq!(verdicts(&outlook), [("main", &Verdict::Clean), ("develop", &conflicts)]);
    assert_eq!(outlook.forecasts[1].reference, "refs/heads/develop");
    let bump = outlook.bump.unwrap();
    assert_eq!((bump.from.as_str(), bump.to.as_str()), ("1.2.2", "1.2.3"));
    assert_eq!(outlook.growth, Growth::default(), "it is minimal");
    let outlook = look(&repo, Flow::GithubFlow, &Question::default());
    assert_eq!(verdicts(&outlook), [("main", &Verdict::Clean)]);
}

#[test]
fn where_the_fix_really_is_is_told_by_commit() {
    let (repo, fix) = fixed();
    let old = repo.git(&["rev-parse", "main"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 201;\n");
    let more = repo.commit("one more");
    let deployed = |name: &str, commit: &str| (name.to_owned(), "v1".to_owned(), commit.to_owned());
    let question = Question {
        deployed: vec![
            deployed("staging", &more),
            deployed("canary", &fix),
            deployed("production", &old),
            deployed("elsewhere", "0123456789012345678901234567890123456789"),
        ],
        ..Question::default()
    };
    let outlook = look(&repo, Flow::GithubFlow, &question);
    let found: Vec<_> = outlook
        .places
        .iter()
        .map(|place| (place.environment.as_str(), place.has_fix.clone(), place.lacks))
        .collect();
    assert_eq!(found[0], ("staging", Ok(true), 0));
    assert_eq!(found[1], ("canary", Ok(false), 1));
    assert_eq!(found[2], ("production", Ok(false), 2));
    assert!(found[3].1.as_ref().is_err_and(|why| why.contains("is not here")));
}

#[test]
fn after_a_rollback_what_was_rolled_back_counts_as_well() {
    let repo = TestRepo::new();
    let old = repo.git(&["rev-parse", "main"]);
    for subject in ["one", "two", "three"] {
        repo.commit(subject);
    }
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit("four");
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-edit", "side"]);
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
    repo.commit("the fix");
    repo.commit("the version");
    let deployed = vec![("production".to_owned(), "v1.4.1".to_owned(), old)];
    let places = look(&repo, Flow::GitFlow, &Question { deployed, ..Question::default() }).places;
    assert_eq!((&places[0].has_fix, places[0].lacks), (&Ok(false), 6), "a merge brings nothing of its own");
}

#[test]
fn a_squashed_branch_is_where_its_one_commit_is() {
    let (repo, _) = fixed();
    repo.git(&["switch", "-q", "main"]);
    repo.write("README", "somebody was faster\n");
    repo.commit("read me");
    repo.git(&["merge", "-q", "--squash", "hotfix/x"]);
    let landed = repo.commit("HOTFIX: raise the limit (#7)");
    repo.git(&["switch", "-q", "hotfix/x"]);
    let deployed = vec![("production".to_owned(), "v1.2.3".to_owned(), landed.clone())];
    let not_told =
        look(&repo, Flow::GithubFlow, &Question { deployed: deployed.clone(), ..Question::default() });
    assert_eq!(not_told.places[0].has_fix, Ok(false));
    let outlook =
        look(&repo, Flow::GithubFlow, &Question { deployed, landed: Some(landed), ..Question::default() });
    assert_eq!((&outlook.places[0].has_fix, outlook.places[0].lacks), (&Ok(true), 0));
    assert_eq!(verdicts(&outlook), [("main", &Verdict::Contained)]);
}

#[test]
fn what_was_merged_by_hand_as_one_commit_is_found_though_its_branch_is_gone() {
    let (repo, fix) = fixed();
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 250;\n");
    let tip = repo.commit("raise it some more");
    repo.git(&["switch", "-q", "main"]);
    repo.write("README", "somebody was faster\n");
    repo.commit("read me");
    repo.git(&["merge", "-q", "--squash", "hotfix/x"]);
    let landed = repo.commit("HOTFIX: raise the limit (#7)");
    repo.write("README", "and somebody came later\n");
    repo.commit("read me again");
    // The remote's main has it; the one here was not pulled, and the branch is deleted.
    repo.git(&["remote", "add", "origin", "/nowhere"]);
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.git(&["reset", "-q", "--hard", "HEAD~3"]);
    repo.git(&["branch", "-q", "-D", "hotfix/x"]);
    let question = Question { tried: vec![fix, tip.clone()], ..Question::default() };
    let outlook = look(&repo, Flow::GithubFlow, &question);
    let made = repo.git(&["log", "-1", "--format=%ct", &landed]).parse::<i64>().unwrap();
    assert_eq!(outlook.merged, [(tip, Timestamp::from_second(made).unwrap())], "the half of it is not");
}

#[test]
fn a_change_that_grew_is_told_with_the_files_that_do_not_belong() {
    let repo = TestRepo::new();
    repo.write("src/report/colours.rs", "fn red() {\nred();\n}\n");
    repo.write("src/pool/wait.rs", "fn wait() {}\n");
    repo.commit("more code");
    repo.git(&["switch", "-q", "-c", "hotfix/x"]);
    repo.write("src/report/colours.rs", "fn red() {\n    red();\n}\n");
    repo.write("src/pool/wait.rs", &"pool.wait();\n".repeat(70));
    repo.write("tests/pool.rs", &"assert!(true);\n".repeat(500));
    repo.commit("fix and tidy");
    let growth = look(&repo, Flow::GithubFlow, &Question::default()).growth;
    assert_eq!(growth.beyond.len(), 1, "{growth:?}");
    let stray = Stray { path: "src/report/colours.rs".into(), why: "formatting only".into() };
    assert_eq!(growth.strays, [stray]);
}

#[test]
fn trunk_goes_into_the_remote_and_other_branches_nowhere() {
    let repo = TestRepo::new();
    repo.with_origin();
    repo.write("a", "a\n");
    repo.commit("fix on main");
    let outlook = look(&repo, Flow::Trunk, &Question::default());
    assert_eq!(verdicts(&outlook), [("main", &Verdict::Clean)]);
    assert_eq!(outlook.forecasts[0].reference, "refs/remotes/origin/main");
    assert!(look(&repo, Flow::GithubFlow, &Question::default()).forecasts.is_empty());
    repo.git(&["switch", "-q", "--detach"]);
    assert!(look(&repo, Flow::GithubFlow, &Question::default()).forecasts.is_empty());
    let empty = TestRepo::empty();
    assert_eq!(
        look(&empty, Flow::GithubFlow, &Question::default()),
        Outlook { branch: "main".into(), ..Outlook::default() }
    );
}

#[test]
fn it_is_told_in_parts_and_the_first_has_no_verdict() {
    let (repo, _) = fixed();
    let mut reader = Reader::open(repo.root()).unwrap_or_else(|none| panic!("{none:?}"));
    let mut parts = Vec::new();
    let hotfix = Hotfix::default();
    let whole = reader
        .outlook_in_parts(&hotfix, &LIMIT, &Question::default(), PATIENCE, |part| parts.push(part.clone()))
        .unwrap();
    assert_eq!(verdicts(&parts[0]), [("main", &Verdict::Looking)]);
    assert_eq!(parts.last().unwrap().forecasts, whole.forecasts);
}

#[test]
fn once_it_is_merged_what_was_deployed_of_the_branch_has_the_fix_and_nothing_is_left_to_raise() {
    let (repo, fix) = fixed();
    repo.git(&["switch", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "--no-edit", "hotfix/x"]);
    let question =
        Question { deployed: vec![("staging".to_owned(), "v1".to_owned(), fix)], ..Question::default() };
    assert_eq!(look(&repo, Flow::GitFlow, &question).bump, None);
    repo.git(&["switch", "-q", "hotfix/x"]);
    let outlook = look(&repo, Flow::GitFlow, &question);
    assert_eq!(outlook.places[0].has_fix, Ok(true));
    assert_eq!(outlook.bump, None, "nor seen from the branch itself");
}

#[test]
fn where_there_is_no_fix_nothing_is_said_of_where_it_is() {
    let repo = TestRepo::new();
    repo.with_origin();
    let old = repo.git(&["rev-parse", "main"]);
    repo.commit("v1.0.3");
    repo.git(&["push", "-q", "origin", "main", "main:develop"]);
    let deployed = vec![
        ("staging".to_owned(), "v1.0.3".to_owned(), repo.git(&["rev-parse", "main"])),
        ("production".to_owned(), "v1.0.1".to_owned(), old),
    ];
    let question = Question { deployed, ..Question::default() };
    let places = |flow| look(&repo, flow, &question).places;
    let lacks = |flow| {
        let places = places(flow).into_iter();
        places.map(|place| (place.environment, place.has_fix, place.lacks)).collect::<Vec<_>>()
    };
    let none = Vec::<Place>::new();
    for flow in [Flow::GitFlow, Flow::GithubFlow, Flow::Trunk] {
        assert_eq!(places(flow), none, "{flow:?}: all of main is pushed");
    }
    repo.git(&["switch", "-q", "-c", "hotfix/empty"]);
    assert_eq!((places(Flow::GitFlow), places(Flow::GithubFlow)), (none.clone(), none.clone()));
    repo.git(&["switch", "-q", "main"]);
    repo.write("src/pool.rs", "pub const LIMIT: u32 = 200;\n");
    repo.commit("the fix on main");
    let lacking = |name: &str, lacks: usize| (name.to_owned(), Ok(false), lacks);
    let both = [lacking("staging", 1), lacking("production", 2)];
    assert_eq!(lacks(Flow::Trunk), both, "a deploy brings all that is not there yet");
    assert_eq!(places(Flow::GitFlow), none);
    // Nor is what the next release holds.
    repo.git(&["switch", "-q", "develop"]);
    repo.commit("a feature");
    assert_eq!(places(Flow::GitFlow), none);
    // Behind the remote's it is the same branch.
    repo.git(&["push", "-q", "origin", "develop"]);
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!((places(Flow::GitFlow), verdicts(&look(&repo, Flow::GitFlow, &question)).len()), (none, 0));
}
