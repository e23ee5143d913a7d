//! The environment of a test: a home, settings, state and an identity of its own.

use std::ffi::OsStr;
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The binary under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_flightdeck");

/// How long anything may take. Far more than it needs, for machines with a lot to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An environment of its own. Goes away with everything in it.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Self { directory };
        for name in ["home", "state", "config", "tmp"] {
            std::fs::create_dir(world.path(name)).unwrap();
        }
        // As flightdeck makes it: one that is open to others is closed, with a word.
        std::fs::set_permissions(world.path("state"), std::fs::Permissions::from_mode(0o700)).unwrap();
        let identity = "[user]\n\tname = Maya\n\temail = maya@test.invalid\n[init]\n\tdefaultBranch = main\n";
        std::fs::write(world.path("home/.gitconfig"), identity).unwrap();
        world
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Every variable that a program gets here, and no other.
    pub(crate) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        vec![
            ("PATH", path.into()),
            ("HOME", self.path("home")),
            ("TMPDIR", self.path("tmp")),
            ("XDG_CONFIG_HOME", self.path("home/.config")),
            ("XDG_STATE_HOME", self.path("home/.local/state")),
            ("FLIGHTDECK_STATE_DIR", self.path("state")),
            ("FLIGHTDECK_CONFIG_DIR", self.path("config")),
            ("GIT_CONFIG_GLOBAL", self.path("home/.gitconfig")),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("TERM", "xterm-256color".into()),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            // What a test is not about does not go on after its verbs.
            ("FLIGHTDECK_SHARE", "off".into()),
        ]
    }

    /// A place to type commands in.
    pub(crate) fn shell(&self, directory: &Path) -> Shell {
        Shell { directory: directory.to_path_buf(), variables: self.variables() }
    }

    /// A new repository with a commit, and a shell in it.
    pub(crate) fn repository(&self, name: &str) -> Shell {
        let root = self.path(name);
        std::fs::create_dir(&root).unwrap();
        let shell = self.shell(&root);
        std::fs::write(root.join("README.md"), "# A service\n").unwrap();
        // Two of them do not begin with the same commit, which would make them clones.
        let begin = ["commit", "--quiet", "-m", "Begin", "-m", name];
        for arguments in [&["init", "--quiet"][..], &["add", "."], &begin] {
            shell.run("git", arguments).succeeded();
        }
        shell
    }
}

impl Drop for World {
    /// Ends what was started here and still runs: a command outlives its conductor, and a test that
    /// failed.
    #[cfg(target_os = "linux")]
    fn drop(&mut self) {
        let home = [b"HOME=", self.path("home").as_os_str().as_encoded_bytes()].concat();
        let is_ours = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|entry| entry == home)
        };
        for _ in 0..20 {
            let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
            let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours);
            let pids: Vec<_> = pids.filter_map(rustix::process::Pid::from_raw).collect();
            if pids.is_empty() {
                return;
            }
            for pid in pids {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn drop(&mut self) {}
}

/// A directory and variables to run programs with.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) directory: PathBuf,
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
}

impl Shell {
    /// The same with a variable set to another value.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<PathBuf>) -> Self {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
        self
    }

    /// A program that is ready to be started here.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Ended {
        self.end_of(program, arguments, Stdio::null(), "")
    }

    fn end_of(&self, program: &str, arguments: &[&str], stdin: Stdio, input: &str) -> Ended {
        let line = format!("{program} {}", arguments.join(" "));
        let mut command = self.command(program, arguments);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Running(command.spawn().unwrap_or_else(|error| panic!("{line}: {error}")));
        if let Some(mut stdin) = child.0.stdin.take() {
            let input = input.to_owned();
            // Who reads no further closes it: that is for the verb to say.
            std::thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
        }
        let stdout = collect(child.0.stdout.take());
        let stderr = collect(child.0.stderr.take());
        let status = child.wait(&line);
        let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().unwrap());
        Ended { line, status, stdout, stderr }
    }

    /// Runs a verb of flightdeck to its end.
    pub(crate) fn flightdeck(&self, arguments: &[&str]) -> Ended {
        self.run(PROGRAM, arguments)
    }

    /// The same with something to read on its standard input.
    pub(crate) fn flightdeck_with(&self, arguments: &[&str], input: &str) -> Ended {
        self.end_of(PROGRAM, arguments, Stdio::piped(), input)
    }

    /// Runs a verb that has to succeed and prints JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.flightdeck(arguments).succeeded();
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{ended:?}: {error}"))
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).ok();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Itself, if it ended with 0.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        self.ended_with(0)
    }

    /// Itself, if it ended with a code.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            Some(code),
            "{} ended with {}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Itself, if it said something on stderr.
    #[track_caller]
    pub(crate) fn said(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{} did not say `{text}`:\n{}", self.line, self.stderr);
        self
    }
}

/// A process that is killed when the test is done with it, if it still runs.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str) -> ExitStatus {
        // A remote whose connection was lost is given two minutes until it counts as settled.
        wait_for(4 * PATIENCE, &format!("the end of {what}"), || self.0.try_wait().unwrap())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Asks again and again until there is an answer, and returns it.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_for(PATIENCE, what, ask)
}

#[track_caller]
pub(crate) fn wait_for<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", patience.as_secs());
        std::thread::sleep(Duration::from_millis(10));
    }
}
