//! Sharing over HTTP, by git's own backend, which asks for an account.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::clones::{bare, clone_elsewhere, declare};
use super::terminal::Terminal;
use super::world::{Shell, World};

/// `maya:secret`, as a client sends it.
const ACCOUNT: &str = "Basic bWF5YTpzZWNyZXQ=";

/// A host that serves one repository to one account.
struct Host {
    address: String,
    /// Whether it takes the account.
    lets_in: Arc<AtomicBool>,
    /// The paths that it was asked for without an account.
    strangers: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn serve(origin: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/origin.git", listener.local_addr().unwrap());
        let host = Self { address, lets_in: Arc::new(AtomicBool::new(true)), strangers: Arc::default() };
        let (root, lets_in, strangers) =
            (origin.parent().unwrap().to_owned(), host.lets_in.clone(), host.strangers.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (root, lets_in, strangers) = (root.clone(), lets_in.clone(), strangers.clone());
                std::thread::spawn(move || {
                    // A client that goes away is no matter.
                    let _ = answer(&stream, &root, &lets_in, &strangers);
                });
            }
        });
        host
    }
}

fn answer(
    mut stream: &TcpStream,
    root: &Path,
    lets_in: &AtomicBool,
    strangers: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    if header("expect") == "100-continue" {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    if header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap_or_default();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        body.resize(header("content-length").parse().unwrap_or_default(), 0);
        reader.read_exact(&mut body)?;
    }
    let account = header("authorization");
    if account != ACCOUNT || !lets_in.load(Ordering::SeqCst) {
        if account.is_empty() {
            strangers.lock().unwrap().push(path.to_owned());
        }
        let refused = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(refused.as_bytes());
    }
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "maya")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = backend.stdin.take().unwrap();
    let fed = std::thread::spawn(move || stdin.write_all(&body));
    let said = backend.wait_with_output()?.stdout;
    let _ = fed.join().unwrap();
    let end = said.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(said.len());
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let rest = said.get(end + 4..).unwrap_or_default();
    let kept: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
    let kept = kept.join("\r\n");
    let head =
        format!("HTTP/1.1 {status}\r\n{kept}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(rest)
}

fn over(host: &Host, shell: &Shell) {
    shell.run("git", &["remote", "set-url", "origin", &host.address]).succeeded();
}

#[test]
fn an_incident_goes_over_a_host_that_asks_for_an_account_and_waits_while_it_refuses() {
    let world = World::new();
    let origin = bare(&world);
    let [maya, omar] = ["maya", "omar"].map(|name| clone_elsewhere(&world, &origin, name, name));
    let allows = Shell { directory: origin.clone(), ..world.shell(&world.path("home")) };
    allows.run("git", &["config", "http.receivepack", "true"]).succeeded();
    let host = Host::serve(&origin);
    for shell in [&maya, &omar] {
        over(&host, shell);
    }
    // The account is in the user's settings, which is where a colleague would have it.
    let helper = "!f() { echo username=maya; echo password=secret; }; f";
    maya.run("git", &["config", "--global", "credential.helper", helper]).succeeded();
    declare(&maya, "Checkout answers 500");
    let here = Terminal::open(&maya, 36, 120, &[]);
    here.wait_text("shared ");
    // Whether strangers may read was asked without the account.
    assert_eq!(host.strangers.lock().unwrap().first().unwrap(), "/origin.git/info/refs");
    omar.flightdeck(&["join"]).succeeded();
    here.wait_text("joined from another machine");
    // The account is refused in the middle of it.
    host.lets_in.store(false, Ordering::SeqCst);
    maya.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    here.wait_text("not shared since");
    let refused = omar.flightdeck(&["share", "sync"]).ended_with(1);
    assert!(refused.stderr.contains("nothing is lost"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    host.lets_in.store(true, Ordering::SeqCst);
    here.wait_for("it to be shared again", |screen| !screen.contains("not shared"));
    omar.flightdeck(&["share", "sync"]).succeeded();
    let told = omar.json(&["status", "--json"])["timeline"].to_string();
    assert!(told.contains("only orders without a card fail"), "{told}");
    assert_eq!(omar.json(&["share", "status", "--json"])["off"], Value::Null);
}
