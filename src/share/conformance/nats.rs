//! A real NATS server with `JetStream`, on the loopback.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, HeaderMap, Subject};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::bare::{clone_of, nowhere};
use super::{Batch, Carrier, Place, conforms};
use crate::incident::IncidentId;
use crate::share::batch::Reached;
use crate::share::live::Login;
use crate::share::nats::{Nats, Pace, STREAM};
use crate::share::wire::{Assembler, PART, Part, parts, subject};

/// As quickly as a test can have it.
const QUICK: Pace = Pace {
    check: Duration::from_millis(60),
    on_its_way: Duration::from_millis(30),
    writer_first: Duration::from_millis(20),
    again: Duration::from_millis(50),
    gap: Duration::from_millis(10),
};
const PASSWORD: &str = "correct-horse";
/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that ends with the test.
pub(super) struct Server {
    dir: TempDir,
    child: Child,
    port: u16,
    runtime: Runtime,
    client: Client,
}

impl Server {
    fn start() -> Self {
        // Left out on purpose: `tests/run` says so.
        let dir = tempfile::tempdir().unwrap();
        let settings = dir.path().join("nats.conf");
        let store = dir.path().join("store");
        let text = format!(
            "host: 127.0.0.1\nport: -1\nports_file_dir: {:?}\njetstream {{ store_dir: {store:?} }}\n\
             authorization {{ user: maya, password: {PASSWORD:?} }}\n",
            dir.path(),
        );
        std::fs::write(&settings, text).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new(program())
            .arg("-c")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nats-server is installed: tests/run installs it");
        let port = port(dir.path());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let options = ConnectOptions::with_user_and_password("maya".to_owned(), PASSWORD.to_owned());
        let client = runtime.block_on(options.connect(format!("nats://127.0.0.1:{port}"))).unwrap();
        Self { dir, child, port, runtime, client }
    }

    fn publish(&self, incident: IncidentId, node: u64, header: &str, bytes: Vec<u8>) {
        let mut headers = HeaderMap::new();
        headers.insert(PART, header);
        let named = Subject::from(subject(Some(incident), Some(node)));
        self.runtime.block_on(async {
            self.client.publish_with_headers(named, headers, bytes.into()).await.unwrap();
            self.client.flush().await.unwrap();
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Before its server.
        let _ = self.dir.path();
    }
}

/// Where the server is: Debian puts it where only the superuser looks.
fn program() -> PathBuf {
    let known = Path::new("/usr/sbin/nats-server");
    if known.exists() { known.to_owned() } else { PathBuf::from("nats-server") }
}

fn port(dir: &Path) -> u16 {
    let until = Instant::now() + PATIENCE;
    loop {
        let files = std::fs::read_dir(dir).unwrap().flatten();
        let mut ports = files.filter(|file| file.file_name().to_string_lossy().ends_with(".ports"));
        let said = ports.next().and_then(|file| std::fs::read_to_string(file.path()).ok());
        let found = said.and_then(|said| {
            let said: serde_json::Value = serde_json::from_str(&said).ok()?;
            said["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
        });
        if let Some(port) = found {
            return port;
        }
        let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "nats-server does not start: {log}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Place for Server {
    fn clone_into(&self, root: &Path) {
        clone_of(&nowhere(), root);
    }

    fn carrier(&self, node: u64) -> Box<dyn Carrier> {
        let login = Login {
            servers: format!("nats://127.0.0.1:{}", self.port),
            credentials: Zeroizing::new(format!("maya:{PASSWORD}")),
            is_public: false,
        };
        let mut nats = Nats::connect(&login, node, None).unwrap();
        nats.pace = QUICK;
        Box::new(nats)
    }

    fn there(&self, incident: IncidentId, node: u64) -> Vec<Batch> {
        let entered = self.runtime.enter();
        let context = jetstream::new(self.client.clone());
        drop(entered);
        self.runtime.block_on(async {
            let mut stream = context.get_stream(STREAM).await.unwrap();
            let last = stream.info().await.unwrap().state.last_sequence;
            let named = subject(Some(incident), Some(node));
            let mut assembler = Assembler::default();
            let mut found = Vec::new();
            for number in 1..=last {
                let Ok(message) = stream.get_raw_message(number).await else { continue };
                if message.subject.as_str() == named {
                    let part = Part::parse(message.headers.get(PART).unwrap().as_str()).unwrap();
                    found.extend(assembler.add(incident, node, part, message.payload.to_vec()));
                }
            }
            found
        })
    }

    fn put(&self, incident: IncidentId, node: u64, batches: &[Batch]) {
        let entered = self.runtime.enter();
        let context = jetstream::new(self.client.clone());
        drop(entered);
        let named = subject(Some(incident), Some(node));
        self.runtime.block_on(async {
            let stream = context.get_stream(STREAM).await.unwrap();
            stream.purge().filter(named).await.unwrap();
        });
        for batch in batches {
            let number = Reached::of(&batch.head).map_or(1, |reached| reached.batch);
            for (part, bytes) in parts(number, batch, 5000) {
                self.publish(incident, node, &part.header(), bytes);
            }
        }
    }

    fn litter(&self, incident: IncidentId, node: u64) {
        self.publish(incident, node, &format!("1 1/1 {}", "0".repeat(64)), b"\0\0nothing".to_vec());
        self.publish(incident, node, "no header at all", Vec::new());
    }
}

conforms!(Server::start());
