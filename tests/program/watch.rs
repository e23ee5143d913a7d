//! Watching an environment: what passes, what fails, and what has no data.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::conductor::Yard;
use super::service::{Service, response};
use super::world::wait_until;

/// What a service under watch answers.
const GOOD: usize = 0;
const BAD: usize = 1;
const EMPTY: usize = 2;

/// A service whose health the test decides, and which version it says it is.
struct Health {
    service: Service,
    answers: Arc<AtomicUsize>,
    version: Arc<Mutex<String>>,
}

impl Health {
    fn new() -> Self {
        let answers = Arc::new(AtomicUsize::new(GOOD));
        let version = Arc::new(Mutex::new("unknown".to_owned()));
        let (now, says) = (Arc::clone(&answers), Arc::clone(&version));
        let service = Service::start(move |_| {
            let says = says.lock().unwrap();
            Some(match now.load(Ordering::SeqCst) {
                GOOD => response("200 OK", &format!(r#"{{"status":"ok","version":"{says}"}}"#)),
                BAD => response("200 OK", r#"{"status":"down"}"#),
                _ => response("200 OK", "{}"),
            })
        });
        Self { service, answers, version }
    }

    fn answers(&self, what: usize) {
        self.answers.store(what, Ordering::SeqCst);
    }

    /// A yard with this service as its staging, deployed to and watched.
    fn yard(&self) -> Yard {
        let config = format!(
            "[[environments]]\nname = \"staging\"\ndeploy = [\"./deploy.sh\", \"{{ref}}\"]\nproof = [\"./proof.sh\"]\n\
             settle = \"100ms\"\n[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\"]\n\
             [[probes]]\nname = \"api\"\nenvironment = \"staging\"\nurl = \"{}/health\"\ninterval = \"1s\"\n\
             timeout = \"1s\"\nexpect = ['body.status == \"ok\"']\n",
            self.service.url
        );
        Yard::new(&config, "true")
    }
}

/// Records of a kind in the export.
fn records(yard: &Yard, kind: &str) -> Vec<Value> {
    let export = yard.shell.flightdeck(&["export", "--format", "jsonl"]).succeeded();
    let lines = export.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|record| record["body"]["kind"] == kind || record["kind"] == kind).collect()
}

fn plan(yard: &Yard, id: &str) -> Option<Value> {
    let status = yard.shell.json(&["status", "--json"]);
    status["plans"].as_array().unwrap().iter().find(|plan| plan["id"] == id).cloned()
}

#[test]
fn what_holds_passes_and_is_the_verdict_on_what_is_released() {
    let health = Health::new();
    let yard = health.yard();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let ended = yard.shell.flightdeck(&["watch", "staging", "--for", "2s"]).succeeded();
    assert!(ended.stderr.contains("watch of staging: passed"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("healthy for 2s") && !ended.stderr.contains("coverage"),
        "{}",
        ended.stderr
    );
    let judged = records(&yard, "release-judged");
    assert!(judged.len() == 1 && judged[0].to_string().contains("passed"), "{judged:?}");
    let asked = health.service.requests();
    assert!(asked.len() >= 3 && asked[0].starts_with("GET /health "), "{asked:?}");
}

#[test]
fn a_probe_that_fails_ends_it_at_once() {
    let health = Health::new();
    let yard = health.yard();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    health.answers(BAD);
    let ended = yard.shell.flightdeck(&["watch", "staging", "--for", "1h"]).ended_with(1);
    assert!(ended.stdout.contains("api is failing: body.status \"down\""), "{ended:?}");
    assert!(ended.stderr.contains("watch of staging: failed"), "{}", ended.stderr);
    assert_eq!(plan(&yard, "watch-staging-1").unwrap()["state"], "failed");
}

#[test]
fn what_failed_in_one_incident_is_not_let_in_by_the_next() {
    let health = Health::new();
    let yard = health.yard();
    let done = |arguments: &[&str]| yard.shell.flightdeck(arguments).succeeded();
    done(&["deploy", "staging"]);
    health.answers(BAD);
    yard.shell.flightdeck(&["watch", "staging", "--for", "1h"]).ended_with(1);
    health.answers(GOOD);
    done(&["resolve", "--yes"]);
    done(&["declare", "Checkout is down once more", "--severity", "P1", "--impact", "all orders"]);
    let refused = yard.shell.flightdeck(&["deploy", "staging"]).ended_with(3).stderr;
    assert!(
        refused.contains("failed its watch at 20") && refused.contains("body.status \"down\""),
        "{refused}"
    );
    // Saying that it is there does not make it good; that it served users well since is for a person to say.
    yard.shell.flightdeck(&["live", "staging", "HEAD"]).ended_with(3).said("--good");
    done(&["live", "staging", "HEAD", "--good"]);
    done(&["deploy", "staging"]);
}

#[test]
fn what_failed_its_watch_is_not_sent_for_approval_and_is_named_before_it_goes_elsewhere() {
    let health = Health::new();
    let yard = health.yard();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    health.answers(BAD);
    yard.shell.flightdeck(&["watch", "staging", "--for", "1h"]).ended_with(1);
    let asked = yard.shell.flightdeck(&["deploy", "staging", "--propose"]).succeeded();
    assert!(asked.stderr.contains("▲ it cannot be deployed: "), "{}", asked.stderr);
    let status = yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(status.contains("✗ cannot be deployed: "), "{status}");
    let other = yard.shell.clone().with("FLIGHTDECK_USER", "omar");
    let refused = other.flightdeck(&["approve", "lead"]).ended_with(3).stderr;
    assert!(refused.contains("it cannot be deployed to staging: "), "{refused}");
    assert!(refused.contains("failed its watch at") && refused.contains("nothing was recorded"), "{refused}");
    // Elsewhere nothing keeps it out, but whoever reads the plan knows.
    let shown = yard.shell.flightdeck(&["deploy", "production", "--dry-run"]).succeeded().stdout;
    let warned = shown.lines().find(|line| line.contains("▲ in staging: "));
    assert!(warned.is_some_and(|line| line.contains("failed its watch at")), "{shown}");
}

#[test]
fn without_data_it_waits_for_a_person_and_never_passes() {
    let health = Health::new();
    let yard = health.yard();
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    health.answers(EMPTY);
    yard.shell.flightdeck(&["watch", "staging", "--for", "2s", "--detach"]).succeeded();
    wait_until("the watch to wait", || {
        plan(&yard, "watch-staging-1").filter(|plan| plan["state"] == "waiting")
    });
    let shown = yard.shell.flightdeck(&["plan", "show", "watch-staging-1"]).succeeded();
    assert!(shown.stdout.contains("body.status is missing"), "{}", shown.stdout);
    // Nobody else gets to it meanwhile, and what is there is no good release.
    yard.shell.flightdeck(&["watch", "staging", "--for", "2s"]).ended_with(5);
    let verdicts = records(&yard, "release-judged");
    assert!(verdicts.iter().all(|record| !record.to_string().contains("passed")), "{verdicts:?}");
    // Data again: it begins anew when told to.
    health.answers(GOOD);
    yard.shell.flightdeck(&["plan", "resume", "watch-staging-1"]).succeeded();
    wait_until("the watch to end", || plan(&yard, "watch-staging-1").filter(|plan| plan["state"] == "done"));
}

#[test]
fn an_old_release_that_still_answers_does_not_pass_for_the_new_one() {
    let health = Health::new();
    let yard = health.yard();
    let git = |arguments: &[&str]| yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
    let commit = || git(&["rev-parse", "HEAD"]);
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let old = commit();
    git(&["commit", "--quiet", "--allow-empty", "--message", "the fix"]);
    yard.shell.flightdeck(&["deploy", "staging"]).succeeded();
    // All is well with it, and it is not what was deployed.
    *health.version.lock().unwrap() = old.chars().take(10).collect();
    yard.shell.flightdeck(&["watch", "staging", "--for", "2s", "--detach"]).succeeded();
    wait_until("the watch to wait", || {
        plan(&yard, "watch-staging-1").filter(|plan| plan["state"] == "waiting")
    });
    let shown = yard.shell.flightdeck(&["plan", "show", "watch-staging-1"]).succeeded().stdout;
    assert!(shown.contains("still answers, not "), "{shown}");
    *health.version.lock().unwrap() = commit();
    yard.shell.flightdeck(&["plan", "resume", "watch-staging-1"]).succeeded();
    wait_until("the watch to end", || plan(&yard, "watch-staging-1").filter(|plan| plan["state"] == "done"));
    let shown = yard.shell.flightdeck(&["plan", "show", "watch-staging-1"]).succeeded().stdout;
    assert!(shown.contains(" answers") && !shown.contains("still answers, not "), "{shown}");
}

#[test]
fn a_release_that_only_a_tag_tells_of_does_not_pass_for_the_new_one_either() {
    let health = Health::new();
    let yard = health.yard();
    let git = |arguments: &[&str]| yard.shell.run("git", arguments).succeeded();
    git(&["tag", "v1.4.2"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "the fix"]);
    git(&["tag", "v1.4.3"]);
    yard.shell.flightdeck(&["deploy", "staging", "--ref", "v1.4.3"]).succeeded();
    "1.4.2".clone_into(&mut health.version.lock().unwrap());
    yard.shell.flightdeck(&["watch", "staging", "--for", "2s", "--detach"]).succeeded();
    wait_until("the watch to wait", || {
        plan(&yard, "watch-staging-1").filter(|plan| plan["state"] == "waiting")
    });
    let shown = yard.shell.flightdeck(&["plan", "show", "watch-staging-1"]).succeeded().stdout;
    assert!(shown.contains("v1.4.2 still answers, not "), "{shown}");
}

#[test]
fn what_nothing_watches_is_not_watched() {
    let health = Health::new();
    let yard = health.yard();
    // By default it is production that is meant.
    yard.shell.flightdeck(&["watch", "--for", "1m"]).ended_with(2).said("no probe watches production");
    yard.shell.flightdeck(&["watch", "nowhere"]).ended_with(2).said("unknown environment nowhere");
    let shown = yard.shell.flightdeck(&["watch", "staging", "--dry-run"]).succeeded();
    assert!(shown.stdout.contains("watch api for 30m"), "{}", shown.stdout);
    assert!(health.service.requests().is_empty());
}
