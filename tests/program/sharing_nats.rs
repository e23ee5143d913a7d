//! Sharing as it happens, over a real NATS server with TLS and credentials, and what becomes of that where the server is
//! killed, stopped, emptied, or not the one that was meant.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::clones::{bare, clone_elsewhere, declare};
use super::sharing::synced;
use super::terminal::Terminal;
use super::world::{PATIENCE, Running, Shell, World};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
const PASSWORD: &str = "correct-horse-battery";

/// A server, and how it is set up.
struct Server {
    running: Option<Running>,
    settings: PathBuf,
    store: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one that shows a certificate and lets one user in.
    fn start(world: &World, certificate: &str) -> Self {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (settings, store) = (world.path("nats.conf"), world.path("nats-store"));
        let text = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: \"{}\" }}\n\
             tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n\
             authorization {{ user: flightdeck, password: {PASSWORD:?} }}\n",
            store.display(),
            Path::new(KEPT).join(format!("{certificate}.pem")).display(),
            Path::new(KEPT).join(format!("{certificate}.key")).display(),
        );
        std::fs::write(&settings, text).unwrap();
        let mut server = Self { running: None, settings, store, port };
        server.run();
        server
    }

    fn run(&mut self) {
        let usual = ["/usr/sbin/nats-server", "/usr/local/bin/nats-server", "/usr/bin/nats-server"]
            .map(PathBuf::from);
        let program =
            usual.into_iter().find(|path| path.exists()).expect("nats-server, which tests/run installs");
        let child = Command::new(program)
            .arg("-c")
            .arg(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.running = Some(Running(child));
        let until = std::time::Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(std::time::Instant::now() < until, "nats-server does not listen");
            std::thread::yield_now();
        }
    }

    fn kill(&mut self) {
        self.running = None;
    }
}

/// Has a clone share over a server, with this password.
fn set_up(shell: Shell, world: &World, address: &str, password: &str) -> Shell {
    let secret = world.path(&format!("nats-{}", shell.directory.file_name().unwrap().to_string_lossy()));
    std::fs::write(&secret, format!("flightdeck:{password}\n")).unwrap();
    let text = format!(
        "[share]\nnats = {address:?}\ncredentials = \"NATS\"\n\n[[secrets]]\nname = \"NATS\"\nfile = {:?}\n",
        secret.to_string_lossy()
    );
    std::fs::write(shell.directory.join("flightdeck.toml"), text).unwrap();
    let shell = shell.with("SSL_CERT_FILE", Path::new(KEPT).join("ca.pem"));
    shell.flightdeck(&["trust"]).succeeded();
    shell
}

fn texts(shell: &Shell) -> Vec<String> {
    let status = shell.json(&["status", "--json"]);
    let texts =
        status["timeline"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap_or_default());
    texts.map(str::to_owned).collect()
}

#[test]
fn what_is_written_is_seen_at_once_and_by_git_alone_while_the_server_is_gone() {
    let world = World::new();
    let origin = bare(&world);
    let mut server = Server::start(&world, "server");
    let address = format!("tls://localhost:{}", server.port);
    let [maya, omar] = ["maya", "omar"]
        .map(|name| set_up(clone_elsewhere(&world, &origin, name, name), &world, &address, PASSWORD));
    let number = declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join", &number]).succeeded();
    let [here, there] = [&maya, &omar].map(|shell| Terminal::open(shell, 36, 120, &[]));
    here.wait_text("shared live");
    there.wait_text("shared live");
    // The git remote is away, and nobody notices.
    let aside = world.path("aside.git");
    std::fs::rename(&origin, &aside).unwrap();
    omar.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    here.wait_text("only orders without a card fail");
    maya.flightdeck(&["tick", "payment"]).succeeded();
    there.wait_text("passed: payment");
    std::fs::rename(&aside, &origin).unwrap();
    // The server is away, and what is written takes the time of git.
    server.kill();
    here.wait_gone("shared live");
    omar.flightdeck(&["note", "written while it was away"]).succeeded();
    here.wait_text("written while it was away");
    // It comes back with nothing, and gets all that it had.
    std::fs::remove_dir_all(&server.store).unwrap();
    server.run();
    here.wait_text("shared live");
    there.wait_text("shared live");
    maya.flightdeck(&["note", "and it is back"]).succeeded();
    there.wait_text("and it is back");
    // It is silent, and goes on where it was.
    let stopped = server.running.as_ref().unwrap();
    stopped.signal(Signal::STOP);
    maya.flightdeck(&["note", "while nobody answers"]).succeeded();
    here.wait_gone("shared live");
    there.wait_text("while nobody answers");
    stopped.signal(Signal::CONT);
    here.wait_text("shared live");
    drop((here, there));
    synced(&omar);
    synced(&maya);
    synced(&omar);
    let (mine, theirs) = (texts(&maya), texts(&omar));
    assert_eq!(mine, theirs);
    for text in ["only orders without a card fail", "written while it was away", "while nobody answers"] {
        assert_eq!(mine.iter().filter(|line| line.contains(text)).count(), 1, "{text}: {mine:?}");
    }
    for shell in [&maya, &omar] {
        shell.flightdeck(&["verify"]).succeeded();
    }
}

#[test]
fn what_git_cannot_bring_is_brought_between_verbs() {
    let world = World::new();
    let origin = bare(&world);
    let server = Server::start(&world, "server");
    let address = format!("tls://localhost:{}", server.port);
    let [maya, omar] = ["maya", "omar"]
        .map(|name| set_up(clone_elsewhere(&world, &origin, name, name), &world, &address, PASSWORD));
    let number = declare(&maya, "Checkout answers 500");
    synced(&maya);
    omar.flightdeck(&["join", &number]).succeeded();
    std::fs::rename(&origin, world.path("aside.git")).unwrap();
    omar.flightdeck(&["note", "only orders without a card fail"]).succeeded();
    // The remote does not answer, and that is said; the note is there all the same.
    omar.flightdeck(&["share", "sync"]).ended_with(1).said("nothing is lost");
    maya.flightdeck(&["share", "sync"]).ended_with(1);
    assert!(texts(&maya).iter().any(|line| line.contains("without a card")), "{:?}", texts(&maya));
}

#[test]
fn a_server_that_is_not_the_one_that_was_meant_gets_nothing() {
    let world = World::new();
    let origin = bare(&world);
    let server = Server::start(&world, "server");
    let tls = |host: &str| format!("tls://{host}:{}", server.port);
    let maya = clone_elsewhere(&world, &origin, "maya", "maya");
    let maya = set_up(maya, &world, &tls("localhost"), PASSWORD);
    declare(&maya, "Checkout answers 500");
    synced(&maya);
    let not_live = |shell: &Shell| -> String {
        // Git has it in any case.
        let ended = shell.flightdeck(&["share", "sync"]).succeeded();
        let line = ended.stderr.lines().find(|line| line.contains("not live")).unwrap_or_default();
        assert!(!line.contains(PASSWORD), "{line}");
        line.to_owned()
    };
    assert_eq!(not_live(&maya), "");
    let maya = set_up(maya, &world, &tls("localhost"), "wrong-horse");
    let refused = not_live(&maya);
    assert!(refused.contains("does not take the credentials"), "{refused}");
    // By another name than its certificate has.
    let maya = set_up(maya, &world, &tls("127.0.0.1"), PASSWORD);
    let refused = not_live(&maya);
    assert!(refused.contains("certificate"), "{refused}");
    // By an authority that nobody knows.
    let maya = set_up(maya, &world, &tls("localhost"), PASSWORD)
        .with("SSL_CERT_FILE", Path::new(KEPT).join("other.pem"));
    let refused = not_live(&maya);
    assert!(refused.contains("certificate"), "{refused}");
    let maya = set_up(maya, &world, "tls://localhost:1", PASSWORD);
    let refused = not_live(&maya);
    assert!(refused.contains("refused"), "{refused}");
    // What anybody on the way could read, and what holds a password in the open, is no configuration.
    for (address, why) in [
        ("nats://nats.example.com:4222", "anybody on the way could read"),
        ("tls://maya:secret@nats.example.com", "name a secret"),
        ("https://nats.example.com", "no address of NATS"),
    ] {
        let text = format!("[share]\nnats = {address:?}\ncredentials = \"NATS\"\n");
        std::fs::write(maya.directory.join("flightdeck.toml"), text).unwrap();
        let ended = maya.flightdeck(&["config", "check"]).ended_with(2);
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(why) && said.contains("unknown secret `NATS`"), "{said}");
    }
    // What nobody has trusted is not asked.
    let text = format!("[share]\nnats = \"{}\"\n", tls("localhost"));
    std::fs::write(maya.directory.join("flightdeck.toml"), text).unwrap();
    assert_eq!(not_live(&maya), "");
    let status: Value = maya.json(&["status", "--json"]);
    assert_eq!(status["journal"]["unsent"], 0);
}
