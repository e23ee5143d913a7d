use std::collections::BTreeMap;

use super::*;
use crate::plan::SecretFrom;

fn settings(kind: PipelineKind) -> types::Pipeline {
    let text = match kind {
        PipelineKind::GithubActions => "kind = \"github-actions\"\nworkflow = \"deploy.yml\"\n",
        PipelineKind::Gitlab => "kind = \"gitlab\"\n",
        PipelineKind::Command => {
            "kind = \"command\"\nstart = [\"./start\"]\nstatus = [\"./status\", \"{id}\"]\n"
        }
    };
    toml::from_str(text).unwrap()
}

fn resolved(reference: &str) -> Resolved {
    let place = Place {
        forge: Forge::Github,
        api: "https://api.github.com".to_owned(),
        repository: "shop/payments-api".to_owned(),
        owner: "shop".to_owned(),
        token: String::new(),
    };
    let token =
        SecretSource { name: "GITHUB_TOKEN".to_owned(), from: SecretFrom::Env("GITHUB_TOKEN".to_owned()) };
    Resolved {
        reference: reference.to_owned(),
        commit: COMMIT.to_owned(),
        root: "/shop".to_owned(),
        host: Some(Host { place, token }),
        ..Resolved::default()
    }
}

const COMMIT: &str = "4f2c91e0000000000000000000000000000000ab";

fn planned(pipeline: &types::Pipeline, what: &Resolved) -> Result<Pipeline> {
    let env = Environment { pipeline: Some(pipeline.clone()), ..Environment::new("staging", Vec::new()) };
    let fill = Fill::of("planning", "staging", what, &[])?;
    let step = step(&env, pipeline, &fill, what, "deploy main to staging")?;
    let Action::Pipeline(pipeline) = step.action else { panic!("no pipeline") };
    Ok(*pipeline)
}

#[test]
fn a_run_has_to_be_of_the_commit_unless_it_is_told_it_on_a_branch_of_its_own() {
    let own = settings(PipelineKind::GithubActions);
    let pipeline = planned(&own, &resolved("hotfix/pool")).unwrap();
    assert_eq!(pipeline.commit, COMMIT);
    assert_eq!(pipeline.begin, Begin::Start { reference: "hotfix/pool".to_owned(), inputs: BTreeMap::new() });
    let inputs = BTreeMap::from([("sha".to_owned(), "{commit}".to_owned())]);
    let other = types::Pipeline { reference: "main".to_owned(), inputs, ..own };
    let pipeline = planned(&other, &resolved("hotfix/pool")).unwrap();
    let sent = BTreeMap::from([("sha".to_owned(), COMMIT.to_owned())]);
    assert_eq!(pipeline.begin, Begin::Start { reference: "main".to_owned(), inputs: sent });
    assert_eq!(pipeline.commit, "", "it runs on main, whatever that is at");
}

#[test]
fn no_host_starts_one_on_a_bare_commit() {
    let own = settings(PipelineKind::GithubActions);
    let failure = planned(&own, &resolved(COMMIT)).unwrap_err();
    assert!(failure.cause.contains("runs on a branch or tag"), "{}", failure.cause);
    let tagged = Resolved { tag: Some("v1.2.2".to_owned()), ..resolved(COMMIT) };
    let Begin::Start { reference, .. } = planned(&own, &tagged).unwrap().begin else { panic!("not started") };
    assert_eq!(reference, "v1.2.2");
    let commands = settings(PipelineKind::Command);
    assert!(planned(&commands, &resolved(COMMIT)).is_ok(), "what a team's own command takes is its matter");
}

#[test]
fn what_may_have_been_started_is_only_looked_for() {
    let pipeline = planned(&settings(PipelineKind::GithubActions), &resolved("main")).unwrap();
    let sought = pipeline.looked_for(jiff::SignedDuration::from_secs(30));
    assert!(matches!(&sought.begin, Begin::Find { event, .. } if event == "workflow_dispatch"));
    assert_eq!((&sought.runner, &sought.commit), (&pipeline.runner, &pipeline.commit));
}

#[test]
fn no_state_of_a_host_is_lost() {
    use RemoteState::*;
    let hub = |status, conclusion| github::state(Some(status), conclusion);
    for (status, conclusion, state) in [
        ("queued", None, Queued),
        ("requested", None, Queued),
        ("pending", None, Queued),
        ("waiting", None, Waiting),
        ("in_progress", None, Running),
        ("completed", Some("success"), Succeeded),
        ("completed", Some("failure"), Failed),
        ("completed", Some("startup_failure"), Failed),
        ("completed", Some("cancelled"), Cancelled),
        ("completed", Some("timed_out"), TimedOut),
        ("completed", Some("skipped"), Skipped),
        ("completed", Some("neutral"), Neutral),
        ("completed", Some("stale"), Stale),
        ("completed", Some("action_required"), Waiting),
        ("completed", Some("of_tomorrow"), Unknown),
        ("of_tomorrow", None, Unknown),
    ] {
        assert_eq!(hub(status, conclusion), state, "{status} {conclusion:?}");
    }
    for (status, state) in [
        ("created", Queued),
        ("waiting_for_resource", Queued),
        ("preparing", Queued),
        ("pending", Queued),
        ("running", Running),
        ("canceling", Running),
        ("success", Succeeded),
        ("failed", Failed),
        ("canceled", Cancelled),
        ("skipped", Skipped),
        ("manual", Waiting),
        ("scheduled", Waiting),
        ("of_tomorrow", Unknown),
    ] {
        assert_eq!(gitlab::state(status), state, "{status}");
    }
    assert!(!Unknown.is_over(), "what nobody knows is asked again");
}

#[test]
fn a_command_may_print_json_or_just_an_id() {
    let seen = |text: &str, id| command::seen(text, id).map(|seen| (seen.id, seen.state));
    assert_eq!(seen("app-7\n", None), Ok(("app-7".to_owned(), RemoteState::Queued)));
    assert_eq!(
        seen("{\"id\":42,\"state\":\"Healthy\"}", None),
        Ok(("42".to_owned(), RemoteState::Succeeded))
    );
    let noisy = "connecting…\n{\"state\":\"InProgress\"}\n";
    assert_eq!(seen(noisy, Some("d-1")), Ok(("d-1".to_owned(), RemoteState::Running)));
    for (text, id) in [("", None), ("no json here", Some("x")), ("{\"state\":\"x\"}", None), ("-rf", None)] {
        assert!(seen(text, id).is_err(), "{text}");
    }
    assert_eq!(command::state("ON HOLD"), RemoteState::Waiting);
}

#[test]
fn the_one_of_the_commit_made_since_is_picked_and_of_several_none() {
    let since: Timestamp = "2026-11-30T09:00:00Z".parse().unwrap();
    let seen = |id: &str, commit: &str, created: &str| Seen {
        id: id.to_owned(),
        name: id.to_owned(),
        url: String::new(),
        attempt: 1,
        state: RemoteState::Queued,
        said: String::new(),
        commit: commit.to_owned(),
        created: Some(created.parse().unwrap()),
        began: None,
        workflow: String::new(),
    };
    let all = || {
        vec![
            seen("1", COMMIT, "2026-11-30T08:00:00Z"),
            seen("2", "other", "2026-11-30T09:00:05Z"),
            seen("3", COMMIT, "2026-11-30T09:00:05Z"),
        ]
    };
    assert!(matches!(pick(all(), COMMIT, since, &[]), Found::One(one) if one.id == "3"));
    assert_eq!(pick(all(), COMMIT, since, &["3".to_owned()]), Found::None);
    let twice = [all(), vec![seen("4", COMMIT, "2026-11-30T09:00:06Z")]].concat();
    assert!(matches!(pick(twice, COMMIT, since, &[]), Found::Several(all) if all.len() == 2));
}

#[test]
fn no_text_of_a_host_is_longer_than_a_record_has_room_for() {
    let long = "x".repeat(2 << 20);
    let run =
        serde_json::json!({ "id": 1, "name": long, "html_url": long, "head_sha": long, "status": long });
    let seen = Seen::from(serde_json::from_value::<github::Run>(run).unwrap());
    let job = serde_json::json!({ "id": 1, "name": long, "steps": [{ "name": long }] });
    let job = Job::from(serde_json::from_value::<github::RunJob>(job).unwrap());
    let pending = serde_json::json!({
        "environment": { "id": 1, "name": long }, "reviewers": [{ "reviewer": { "login": long } }],
    });
    let review = Review::from(serde_json::from_value::<github::Pending>(pending).unwrap());
    let run = serde_json::json!({ "id": 1, "status": long, "web_url": long, "sha": long });
    let pipeline = Seen::from(serde_json::from_value::<gitlab::Run>(run).unwrap());
    let step = serde_json::json!({ "id": 1, "name": long, "stage": long });
    let step = Job::from(serde_json::from_value::<gitlab::RunJob>(step).unwrap());
    let printed = serde_json::json!({ "id": "1", "state": long, "url": long, "commit": long }).to_string();
    let told = command::seen(&printed, None).unwrap();
    let read = format!("{seen:?}{job:?}{review:?}{pipeline:?}{step:?}{told:?}");
    assert!(read.len() < 10_000, "{}", read.len());
    assert!(review.what.ends_with("… [cut here: 200 of 2097152 characters]"), "{}", review.what);
    assert!(
        command::seen(&serde_json::json!({ "id": long }).to_string(), None).is_err(),
        "it becomes an argument"
    );
}
