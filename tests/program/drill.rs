//! A practice outage that a test runs in.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use super::world::{PATIENCE, PROGRAM, Running, Shell, World};

/// Keeps what was written for people, so that people can read it: `reports/` in the directory for tests.
pub(crate) fn kept(name: &str, text: &str) {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("reports");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(name).with_extension("md"), text).unwrap();
}

/// A drill without a cockpit. Its services end with it.
pub(crate) struct Drill {
    pub(crate) process: Running,
    /// The line that it printed.
    pub(crate) said: Value,
}

impl Drill {
    /// Starts a drill and waits until all of it is up.
    pub(crate) fn start(world: &World) -> Self {
        Self::start_with(world, &[])
    }

    /// Does the same with further arguments.
    pub(crate) fn start_with(world: &World, arguments: &[&str]) -> Self {
        Self::start_in(&world.shell(&world.path("home")), arguments)
    }

    /// The same from a shell of its own: its services get what that has set.
    pub(crate) fn start_in(shell: &Shell, arguments: &[&str]) -> Self {
        let mut all = vec!["drill", "--headless", "--json"];
        all.extend(arguments);
        let mut command = shell.command(PROGRAM, &all);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut process = Running(child);
        let stdout = process.0.stdout.take().unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).ok();
            send.send(line).ok();
        });
        let line = receive.recv_timeout(PATIENCE).expect("the drill comes up");
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        Self { process, said }
    }

    /// A field of the line that it printed.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.said))
    }

    /// A shell in its repository, with its state and settings.
    pub(crate) fn shell(&self, world: &World) -> Shell {
        world
            .shell(&PathBuf::from(self.field("repo")))
            .with("FLIGHTDECK_STATE_DIR", self.field("state_dir"))
            .with("FLIGHTDECK_CONFIG_DIR", self.field("config_dir"))
    }

    /// All that was sent to its chat.
    pub(crate) fn messages(&self) -> String {
        let state = PathBuf::from(self.field("state_dir"));
        std::fs::read_to_string(state.with_file_name("servers").join("chat.log")).unwrap()
    }

    /// What one of its services answers: `production_url` and a path.
    pub(crate) fn ask(&self, world: &World, service: &str, path: &str) -> Value {
        let url = format!("{}{path}", self.field(service));
        self.shell(world).json(&["drill", "get", &url])
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        if matches!(self.process.0.try_wait(), Ok(None)) {
            self.process.signal(Signal::TERM);
            // What does not end by itself is killed by its own drop.
            for _ in 0..500 {
                if !matches!(self.process.0.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}
