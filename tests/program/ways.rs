//! Canary and blue-green carried out: real scripts, a real service that is asked how it does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::conductor::{UNTIL_GO, Yard};
use super::world::wait_until;

const WELL: (u16, &str) = (200, "{\"errors\": 0.2}");
const BADLY: (u16, &str) = (200, "{\"errors\": 38}");
/// It answers, and says nothing of what is asked.
const NOTHING: (u16, &str) = (200, "{}");

/// A service on the loopback that answers as the test wants. It ends with the test.
struct Service {
    answer: Arc<Mutex<(u16, &'static str)>>,
    port: u16,
}

impl Service {
    fn answering(answer: (u16, &'static str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(answer));
        let now = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (status, body) = *now.lock().unwrap();
                let _ = respond(&stream, status, body);
            }
        });
        Self { answer, port }
    }

    fn answers(&self, answer: (u16, &'static str)) {
        *self.answer.lock().unwrap() = answer;
    }

    fn probe(&self) -> String {
        format!(
            "[[probes]]\nname = \"errors\"\nurl = \"http://127.0.0.1:{}/\"\nenvironment = \"production\"\n\
             interval = \"1s\"\ntimeout = \"1s\"\nconfirm = 1\nvalue = \"body.errors\"\nunit = \"%\"\nfail = \"> 5\"\n",
            self.port
        )
    }
}

fn respond(mut stream: &TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// A yard whose production is a canary with these weights, looked at for so long.
fn canary(service: &Service, weights: &str, look: &str, more: &str) -> Yard {
    let config = format!(
        "{}\n[[environments]]\nname = \"production\"\ndeploy = [\"./deploy.sh\", \"{{commit}}\"]\nsettle = \"0s\"\n\
         [environments.canary]\nweights = {weights}\nset = [\"./share.sh\", \"{{weight}}\"]\n\
         weight = [\"./share.sh\"]\nlook = \"{look}\"\n{more}\n",
        service.probe()
    );
    let yard = Yard::new(&config, "echo \"$1\" > beside");
    yard.script(
        "share.sh",
        "if [ $# -eq 0 ]; then cat share; exit; fi\necho \"$1\" >> shares\necho \"$1\" > share",
    );
    yard
}

/// The shares that were set, in order.
fn shares(yard: &Yard) -> String {
    let text = std::fs::read_to_string(yard.file("shares")).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plan(yard: &Yard) -> Value {
    yard.shell.json(&["plan", "show", "--json"])
}

fn wait_plan(yard: &Yard, state: &str) -> Value {
    wait_until(&format!("the plan to be {state}"), || {
        let plan = plan(yard);
        let ended = ["done", "failed", "cancelled", "unknown"].iter().any(|end| plan["state"] == **end);
        assert!(!ended || plan["state"] == state, "it ended otherwise: {plan:#}");
        (plan["state"] == state).then_some(plan)
    })
}

/// Waits until a step is in a state, by its title.
fn wait_step(yard: &Yard, title: &str, state: &str) {
    wait_until(&format!("`{title}` to be {state}"), || {
        let plan = plan(yard);
        let mut steps = plan["steps"].as_array().unwrap().iter();
        steps.any(|step| step["title"] == title && step["state"] == state).then_some(())
    });
}

fn read(yard: &Yard, name: &str) -> String {
    std::fs::read_to_string(yard.file(name)).unwrap_or_default().trim().to_owned()
}

fn head(yard: &Yard) -> String {
    yard.shell.run("git", &["rev-parse", "HEAD"]).succeeded().stdout.trim().to_owned()
}

/// Kinds of the records of an incident, in order.
fn records(yard: &Yard, kind: &str) -> Vec<Value> {
    let export = yard.shell.flightdeck(&["export"]).succeeded().stdout;
    let records = export.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    records.filter(|record| record.to_string().contains(&format!("\"{kind}\""))).collect()
}

#[test]
fn a_canary_whose_probe_fails_is_taken_back_to_nothing() {
    let service = Service::answering(WELL);
    let yard = canary(&service, "[5, 25, 100]", "10m", "");
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    wait_step(&yard, "hold at 5 % for 10m", "running");
    assert_eq!(read(&yard, "beside"), head(&yard), "the new version is beside the old");
    service.answers(BADLY);
    let plan = wait_plan(&yard, "failed");
    assert_eq!(shares(&yard), "5 0", "it went back, and never further");
    assert_eq!(read(&yard, "share"), "0");
    assert!(plan["why"].as_str().unwrap_or_default().contains("errors"), "{plan}");
    assert!(records(&yard, "released").is_empty(), "it was never there for everybody");
    // The same commit is not tried on anybody a second time, not even on a few.
    service.answers(WELL);
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).ended_with(3).said("failed its canary at");
    assert_eq!(shares(&yard), "5 0");
}

#[test]
fn a_canary_without_data_waits_and_goes_on_only_with_a_reason() {
    let service = Service::answering(NOTHING);
    let yard = canary(&service, "[5, 100]", "1s", "");
    let deploy = yard.shell.flightdeck(&["deploy", "production", "--detach"]);
    deploy.succeeded();
    wait_plan(&yard, "waiting");
    assert_eq!(shares(&yard), "5", "it never promotes itself");
    yard.shell.flightdeck(&["plan", "skip", "--detach"]).ended_with(2).said("--reason");

    yard.shell.flightdeck(&["plan", "skip", "--reason", "the dashboard is fine", "--detach"]).succeeded();
    wait_step(&yard, "hold at 100 % for 1s", "waiting");
    assert_eq!(shares(&yard), "5 100");
    yard.shell.flightdeck(&["plan", "skip", "--reason", "still fine", "--detach"]).succeeded();
    wait_plan(&yard, "done");
    let released = records(&yard, "released");
    assert_eq!(released.len(), 1, "{released:?}");
    assert!(released[0].to_string().contains(&head(&yard)));
    let verdicts = records(&yard, "release-judged");
    assert!(!verdicts.iter().any(|verdict| verdict.to_string().contains("passed")), "{verdicts:?}");
}

#[test]
fn a_canary_is_promoted_before_its_time_by_a_person() {
    let service = Service::answering(WELL);
    let yard = canary(&service, "[50, 100]", "10m", "finish = [\"./finish.sh\", \"{commit}\"]");
    yard.script("finish.sh", "echo \"$1\" > everywhere");
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    for share in [50, 100] {
        wait_step(&yard, &format!("hold at {share} % for 10m"), "running");
        assert_eq!(read(&yard, "share"), share.to_string());
        assert_eq!(read(&yard, "everywhere"), "");
        yard.shell.flightdeck(&["plan", "skip", "--reason", "users are waiting", "--detach"]).succeeded();
    }
    wait_plan(&yard, "done");
    assert_eq!((shares(&yard).as_str(), read(&yard, "everywhere")), ("50 100", head(&yard)));
}

#[test]
fn a_canary_that_was_taken_back_by_hand_goes_no_further() {
    let service = Service::answering(WELL);
    let yard = canary(&service, "[5, 100]", "10m", "");
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    wait_step(&yard, "hold at 5 % for 10m", "running");
    std::fs::write(yard.file("share"), "0\n").unwrap();
    yard.shell.flightdeck(&["plan", "skip", "--reason", "go on", "--detach"]).succeeded();
    wait_step(&yard, "canary at 100 %: all traffic", "waiting");
    assert_eq!(shares(&yard), "5", "nothing was set any more");
}

#[test]
fn a_canary_that_asks_holds_until_a_person_lets_it_go_on() {
    let service = Service::answering(WELL);
    // Watching it on would be a plan of its own, the last one there is.
    let more = "ask = true\n[policy]\nextended_watch = \"0s\"";
    let yard = canary(&service, "[5, 100]", "1s", more);
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    wait_step(&yard, "wait for a person before 100 %", "waiting");
    assert_eq!(shares(&yard), "5");
    yard.shell.flightdeck(&["plan", "resume"]).succeeded();
    let plan = wait_plan(&yard, "done");
    assert_eq!(shares(&yard), "5 100", "{plan}");
    let verdicts = records(&yard, "release-judged");
    assert!(verdicts.iter().any(|verdict| verdict.to_string().contains("passed")), "{verdicts:?}");
}

#[test]
fn a_canary_that_was_stopped_is_not_forgotten_until_its_share_is_taken_back() {
    let service = Service::answering(WELL);
    let yard = canary(&service, "[10, 50, 100]", "10m", "");
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    wait_step(&yard, "hold at 10 % for 10m", "running");
    yard.shell.flightdeck(&["plan", "skip", "--reason", "it is urgent", "--detach"]).succeeded();
    wait_step(&yard, "hold at 50 % for 10m", "running");
    yard.shell.flightdeck(&["run", "stop", "deploy-production-1"]).succeeded();
    wait_plan(&yard, "cancelled");
    assert_eq!(read(&yard, "share"), "50");

    let next = yard.shell.json(&["status", "--json"])["next"].clone();
    assert_eq!(next[0]["argument"], "deploy-production-1", "{next}");
    assert!(next[0]["title"].as_str().unwrap().contains("still has 50 % of production"), "{next}");
    let refused = yard.shell.flightdeck(&["deploy", "production", "--confirm", "production"]).ended_with(3);
    refused.said("still has 50 % of production").said("flightdeck plan undo deploy-production-1");
    assert_eq!(shares(&yard), "10 50", "nothing was set beside it");

    // It goes back to nothing, and says so.
    yard.shell
        .flightdeck(&["plan", "undo", "--confirm", "production"])
        .succeeded()
        .said("canary back at 0 %");
    assert_eq!((shares(&yard).as_str(), read(&yard, "share")), ("10 50 10 0", "0".to_owned()));
    let next = yard.shell.json(&["status", "--json"])["next"].clone();
    assert!(!next.to_string().contains("canary"), "{next}");
}

/// A yard whose production has two sides, of which blue is live.
fn blue_green(check: &str) -> Yard {
    let config = "[[environments]]\nname = \"production\"\n[environments.blue_green]\nlive = [\"./live.sh\"]\n\
         deploy = [\"./side.sh\", \"{side}\", \"{commit}\"]\ncheck = [\"./check.sh\", \"{side}\"]\n\
         switch = [\"./switch.sh\", \"{side}\"]\nversion = [\"./version.sh\", \"{side}\"]\n";
    let yard = Yard::new(config, "exit 1");
    yard.script("live.sh", "cat live");
    yard.script("side.sh", "echo \"$2\" > \"on-$1\"");
    yard.script("check.sh", &format!("echo checking \"$1\"\n{check}"));
    yard.script("switch.sh", "echo \"$1\" >> switched\necho \"$1\" > live");
    yard.script("version.sh", "cat \"on-$1\"");
    std::fs::write(yard.file("live"), "blue\n").unwrap();
    std::fs::write(yard.file("on-blue"), "the old one\n").unwrap();
    yard
}

#[test]
fn blue_green_deploys_to_the_idle_side_switches_and_switches_back() {
    let yard = blue_green("");
    yard.shell.flightdeck(&["deploy", "production"]).succeeded();
    assert_eq!(read(&yard, "live"), "green");
    assert_eq!(read(&yard, "on-green"), head(&yard));
    assert_eq!(read(&yard, "on-blue"), "the old one", "the old side is kept");
    assert_eq!(records(&yard, "released").len(), 1);

    yard.shell.flightdeck(&["plan", "undo", "deploy-production-1"]).succeeded();
    assert_eq!(read(&yard, "live"), "blue");
    assert_eq!(read(&yard, "switched").split_whitespace().collect::<Vec<_>>(), ["green", "blue"]);

    // What was taken back is not deployed again by accident; nothing showed that it is at fault.
    let shut = yard.shell.flightdeck(&["deploy", "production"]).ended_with(3);
    shut.said("was undone at").said("flightdeck clear production");
    let again = ["--override", "verdict", "--reason", "undone to try it", "--confirm", "production"];
    yard.shell.flightdeck(&[&["deploy", "production"][..], &again].concat()).ended_with(3);
    yard.shell.flightdeck(&["clear", "production", "HEAD", "--reason", " "]).ended_with(2);
    yard.shell.flightdeck(&["clear", "production", "HEAD", "--reason", "undone to try it"]).succeeded();
    yard.shell
        .flightdeck(&["clear", "production", "HEAD", "--reason", "again"])
        .ended_with(2)
        .said("it is not blocked in production");
    yard.shell.flightdeck(&["deploy", "production"]).succeeded();
    assert_eq!(read(&yard, "live"), "green", "blue is live again, so it is green's turn again");
}

#[test]
fn blue_green_does_not_switch_once_somebody_else_has() {
    let yard = blue_green(UNTIL_GO);
    yard.shell.flightdeck(&["deploy", "production", "--detach"]).succeeded();
    wait_step(&yard, "check green", "running");
    std::fs::write(yard.file("live"), "green\n").unwrap();
    yard.go();
    wait_step(&yard, "switch production from blue to green", "waiting");
    assert_eq!(read(&yard, "switched"), "");
}

#[test]
fn nothing_is_planned_while_nobody_knows_which_side_is_live() {
    let yard = blue_green("");
    for (said, expected) in [("", "said nothing"), ("purple\n", "purple")] {
        std::fs::write(yard.file("live"), said).unwrap();
        yard.shell.flightdeck(&["deploy", "production"]).ended_with(1).said(expected);
    }
    std::fs::remove_file(yard.file("live")).unwrap();
    yard.shell.flightdeck(&["deploy", "production", "--dry-run"]).ended_with(1).said("exited 1");
    assert_eq!(read(&yard, "on-green"), "");
}
