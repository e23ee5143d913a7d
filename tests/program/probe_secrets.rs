//! Secrets that probes send: to whom, and that nobody else sees them.

use super::prometheus::{asked, configured};
use super::service::{Service, response};
use super::world::{PROGRAM, Running, World, wait_until};

const SECRET: &str = "zQ9secretVALUE77xyz";

/// A service that wants a token, and tells it to everybody.
fn service(wants: String) -> Service {
    Service::start(move |request| {
        if request.starts_with("GET /moved") {
            let to = "http://localhost:9/elsewhere";
            return Some(format!(
                "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            ));
        }
        let sent = request.lines().find_map(|line| line.strip_prefix("authorization: "));
        Some(match sent {
            Some(sent) if sent == wants => response("200 OK", &format!("{{\"you\":\"{sent}\"}}")),
            _ => response("401 Unauthorized", "no"),
        })
    })
}

#[test]
fn a_probe_sends_its_secret_to_its_own_server_and_nobody_sees_it() {
    let world = World::new();
    let bearer = service(format!("Bearer {SECRET}"));
    // The same as base64, as curl -u sends it.
    let basic = service("Basic bGk6elE5c2VjcmV0VkFMVUU3N3h5eg==".to_owned());
    let probe = |name: &str, url: &str, header: &str| {
        format!(
            "[[probes]]\nname = \"{name}\"\nurl = \"{url}\"\nheaders = {{ Authorization = \"{header}\" }}\nexpect = ['status == 200', 'body.you == \"me\"']\n"
        )
    };
    let config = [
        "[[secrets]]\nname = \"API\"\nfile = \"token\"\n[[secrets]]\nname = \"GONE\"\nfile = \"nowhere\"\n".to_owned(),
        "[[secrets]]\nname = \"PRINTED\"\ncommand = [\"sh\", \"-c\", \"echo ran >> ran; cat token\"]\n".to_owned(),
        probe("bearer", &bearer.url, "Bearer {secret:API}"),
        probe("basic", &basic.url, "Basic li:{secret:PRINTED}"),
        probe("again", &bearer.url, "Bearer {secret:PRINTED}"),
        probe("gone", &bearer.url, "Bearer {secret:GONE}"),
        probe("wrong", &bearer.url, "Bearer x{secret:API}"),
        probe("moved", &format!("{}/moved", bearer.url), "Bearer {secret:API}"),
        "[[probes]]\nname = \"command\"\ncommand = [\"sh\", \"-c\", \"echo got $API >&2; exit 3\"]\nenv = [\"API\"]\n".to_owned(),
    ];
    let shell = configured(&world, &config.concat());
    std::fs::write(shell.directory.join("token"), format!("{SECRET}\n")).unwrap();
    shell.flightdeck(&["config", "check"]).succeeded();
    // Nothing is fetched before it is trusted.
    shell.flightdeck(&["probe"]).ended_with(4);
    assert!(!shell.directory.join("ran").exists() && bearer.requests().is_empty());
    shell.flightdeck(&["trust"]).succeeded();
    let rows = asked(&shell);
    let seen: Vec<[&str; 3]> =
        rows.iter().map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(
        seen,
        [
            ["bearer", "failing", "200"],
            ["basic", "failing", "200"],
            ["again", "failing", "200"],
            ["gone", "unknown", "no secret"],
            ["wrong", "failing", "401"],
            ["moved", "error", "refused"],
            ["command", "failing", "exit 3"],
        ],
        "{rows:#?}"
    );
    assert!(rows[3][3].starts_with("the secret GONE: ") && rows[3][3].contains("nowhere"), "{rows:#?}");
    assert_eq!(
        std::fs::read_to_string(shell.directory.join("ran")).unwrap(),
        "ran\n",
        "fetched more than once"
    );
    for verb in [&["probe"][..], &["probe", "--json"], &["status"], &["doctor"], &["config", "show"]] {
        let ended = shell.flightdeck(verb);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        for part in [SECRET.split_at(8).0, SECRET.split_at(8).1, "elE5c2VjcmV0"] {
            assert!(!said.contains(part), "{verb:?} tells {part}:\n{said}");
        }
    }
}

/// Whether a process does not run any more. Who has nobody to wait for it stays in the list.
fn is_over(pid: &str) -> bool {
    let process: i32 = pid.parse().unwrap();
    let process = rustix::process::Pid::from_raw(process).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_dead = stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'));
    is_dead || rustix::process::test_kill_process(process).is_err()
}

#[test]
fn a_command_that_prints_a_secret_does_not_outlive_who_wants_it() {
    let world = World::new();
    let shell = configured(
        &world,
        "[[secrets]]\nname = \"SLOW\"\ncommand = [\"sh\", \"-c\", \"sleep 1000 & echo $! > pid; wait\"]\n\
         [[probes]]\nname = \"api\"\nurl = \"http://127.0.0.1:9/\"\nheaders = { Authorization = \"{secret:SLOW}\" }\ntimeout = \"1s\"\n",
    );
    shell.flightdeck(&["trust"]).succeeded();
    let file = shell.directory.join("pid");
    let started = || {
        let pid = std::fs::read_to_string(&file).ok().filter(|pid| pid.ends_with('\n'));
        pid.map(|pid| pid.trim().to_owned())
    };
    // It gives up after its time-out; so does the check of the whole setup.
    for verb in ["probe", "doctor"] {
        std::fs::remove_file(&file).ok();
        shell.flightdeck(&[verb]);
        let pid = wait_until("the command", started);
        wait_until(&format!("its end with {verb}"), || is_over(&pid).then_some(()));
    }
    // Somebody ends it before that.
    std::fs::remove_file(&file).ok();
    let mut asking = Running(shell.command(PROGRAM, &["probe"]).spawn().unwrap());
    let pid = wait_until("the command", started);
    asking.signal(rustix::process::Signal::TERM);
    asking.wait("probe");
    wait_until("its end", || is_over(&pid).then_some(()));
}
