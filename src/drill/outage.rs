//! Makes a practice outage: directory, services, repository, first deploys.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::place::Place;
use super::scenario::Scenario;
use super::scratch::Scratch;
use super::service::{ci, flags, provider};
use super::{git, history};
use crate::config;
use crate::failure::{Failure, Result};
use crate::text::visible;

/// Programs that the scripts of a drill are made of.
const NEEDED: [&str; 4] = ["git", "sh", "awk", "tar"];

/// A practice outage that is up. Its services end, and its scratch directory goes away,
/// with this value.
#[derive(Debug)]
pub struct Outage {
    place: Place,
    scenario: Scenario,
    // Dropped in this order: the services have the directory open.
    services: Vec<Service>,
    scratch: Scratch,
}

impl Outage {
    /// Makes the drill in a directory, which is kept, or in one of its own, and waits until
    /// its services answer with the broken release. `program` is flightdeck's own binary.
    ///
    /// # Errors
    /// A program is missing, the directory is not empty, or a part does not come up.
    pub fn start(scenario: Scenario, directory: Option<&Path>, program: &Path) -> Result<Self> {
        look_for_programs()?;
        let scratch = Scratch::make(directory)?;
        let base = scratch.path();
        let servers = base.join("servers");
        let provider = Service::provider(program, &servers, &scenario)?;
        let provider_url = provider.as_ref().map_or_else(String::new, Service::url);
        let ci = scenario.has_ci().then(|| Service::start(program, &servers, ci::NAME, 0, "")).transpose()?;
        let ci_url = ci.as_ref().map_or_else(String::new, Service::url);
        let staging = Service::start(program, &servers, "staging", 0, &provider_url)?;
        let production = Service::start(program, &servers, "production", scenario.old_cards, &provider_url)?;
        let place = Place {
            scenario: scenario.name.clone(),
            repo: base.join(&scenario.service),
            state_dir: base.join(Place::STATE),
            config_dir: base.join("config"),
            staging_url: staging.url(),
            production_url: production.url(),
            provider_url,
            ci_url,
        };
        let outage = Self {
            place,
            scenario,
            services: vec![staging, production].into_iter().chain(provider).chain(ci).collect(),
            scratch,
        };
        outage.make_repository()?;
        outage.settle(program, &servers)?;
        outage.trust()?;
        outage.deploy_releases()?;
        outage.remember_releases(&servers)?;
        Ok(outage)
    }

    /// Where everything is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What goes wrong in it.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The directory that holds all of it.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The name of a service that has ended although nobody asked it to.
    pub fn ended(&mut self) -> Option<&'static str> {
        self.services.iter_mut().find_map(|service| {
            matches!(service.child.try_wait(), Ok(Some(_))).then_some(service.environment)
        })
    }

    /// Makes the history at the remote and clones it.
    fn make_repository(&self) -> Result<()> {
        let doing = "making the repository of the drill";
        let base = self.scratch.path();
        let fill = BTreeMap::from([
            ("staging_url", self.place.staging_url.clone()),
            ("production_url", self.place.production_url.clone()),
            ("provider_url", self.place.provider_url.clone()),
            ("ci_url", self.place.ci_url.clone()),
        ]);
        let stream = history::stream(&self.scenario, Timestamp::now(), &fill)?;
        let origin = base.join("origin.git");
        git::run(
            base,
            doing,
            &["init", "--quiet", "--bare", "--template=", "--initial-branch=main", "origin.git"],
            None,
        )?;
        git::run(&origin, doing, &["fast-import", "--quiet", "--done"], Some(&stream))?;
        let repo = &self.scenario.service;
        git::run(base, doing, &["clone", "--quiet", "--template=", "origin.git", repo], None)?;
        let repo = &self.place.repo;
        git::run(repo, doing, &["branch", "--quiet", "--track", "develop", "origin/develop"], None)?;
        // A user's own hooks, signing and line ends have no place in a drill.
        for setting in [
            ["core.hooksPath", ".git/hooks"],
            ["commit.gpgSign", "false"],
            ["tag.gpgSign", "false"],
            ["core.autocrlf", "false"],
        ] {
            git::run(repo, doing, &["config", setting[0], setting[1]], None)?;
        }
        for (key, stand_in) in [("user.name", "Drill pilot"), ("user.email", "pilot@payments.example")] {
            if !git::succeeds(repo, &["config", "--get", key]) {
                git::run(repo, doing, &["config", key, stand_in], None)?;
            }
        }
        Ok(())
    }

    /// Writes what the scripts need to know about this machine.
    fn settle(&self, program: &Path, servers: &Path) -> Result<()> {
        let private = self.place.repo.join(Place::DIRECTORY);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&private)?;
            let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
            let lines = format!(
                "DEPLOY_ROOT={}\nSTAGING_URL={}\nPRODUCTION_URL={}\nFLIGHTDECK={}\n",
                quoted(servers),
                self.place.staging_url,
                self.place.production_url,
                quoted(program)
            );
            std::fs::write(private.join("env"), &lines)?;
            let token = || crate::incident::Hash::of(uuid::Uuid::now_v7().as_bytes()).to_string();
            if self.scenario.has_ci() {
                let token = token();
                make_private(&private.join("ci-token"), &token)?;
                ci::make(&servers.join(ci::NAME), &token, &lines)?;
            }
            let token = token();
            make_private(&private.join("flag-token"), &token)?;
            for environment in ["staging", "production"].iter().filter(|_| !self.scenario.flag.is_empty()) {
                flags::make(&servers.join(environment), &self.scenario.flag, &token)?;
            }
            let info = self.place.repo.join(".git/info");
            std::fs::create_dir_all(&info)?;
            std::fs::write(info.join("exclude"), "/.drill/\n")?;
            for directory in [&self.place.state_dir, &self.place.config_dir] {
                use std::os::unix::fs::DirBuilderExt as _;
                std::fs::DirBuilder::new().mode(0o700).create(directory)?;
            }
            self.place.save_as(program)?;
            self.place.save()
        };
        write().map_err(|error| {
            Failure::new("writing the files of the drill", error, "see whether there is room on the disk")
        })
    }

    /// Trusts the configuration that was just made here: its commands are the drill's own.
    fn trust(&self) -> Result<()> {
        match config::load::load(&self.place.repo)? {
            Some(loaded) => config::trust::trust(&self.place.state_dir, &loaded, Timestamp::now())?,
            None => return Ok(()),
        }
        let reader =
            crate::hotfix::git::Reader::open(&self.place.repo).map_err(|none| none.failure("the drill"))?;
        let doing = "trusting the git settings of the drill";
        let own = reader.own().map_err(|why| Failure::new(doing, why, "make the drill again"))?;
        crate::conductor::trust_it(&self.place.state_dir, &own, Timestamp::now())
    }

    /// Lets each environment's own record of deploys say when every release came, and that all
    /// but the last were watched and found good: there is something to go back to.
    fn remember_releases(&self, servers: &Path) -> Result<()> {
        let doing = "writing down the releases of the drill";
        let repo = &self.place.repo;
        let mut lines = String::new();
        for commit in self.scenario.commits.iter().filter(|commit| commit.tag.is_some()) {
            let tag = commit.tag.as_deref().unwrap_or_default();
            let found = git::run(repo, doing, &["log", "-1", "--format=%H %ct", tag, "--"], None)?;
            let Some((id, seconds)) = found.split_once(' ') else { continue };
            let at = seconds.parse().ok().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default();
            let good = if tag == self.scenario.broken && !self.scenario.all_good { "" } else { "  passed" };
            let version = tag.trim_start_matches('v');
            lines.extend([format!("{at}  {id}  {version}  {tag}{good}\n")]);
        }
        for environment in ["staging", "production"] {
            std::fs::write(servers.join(environment).join("deploys.log"), &lines)
                .map_err(|error| Failure::new(doing, error, "see whether there is room on the disk"))?;
        }
        Ok(())
    }

    /// Deploys the good release and then the broken one to both environments, with the
    /// scenario's own script.
    fn deploy_releases(&self) -> Result<()> {
        for (release, environment) in [&self.scenario.good, &self.scenario.broken]
            .into_iter()
            .flat_map(|release| ["staging", "production"].map(|environment| (release, environment)))
        {
            let doing = format!("deploying {release} to {environment} for the drill");
            let output = Command::new("./deploy.sh")
                .args([release, environment])
                .current_dir(&self.place.repo)
                .env("DEPLOY_PACE", "0")
                .stdin(Stdio::null())
                .output()
                .map_err(|error| Failure::new(&doing, error, "see whether scripts can be run there"))?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                let cause = format!("{}: {}", output.status, visible(said.trim()));
                return Err(Failure::new(&doing, cause, "see whether git, tar and awk work here"));
            }
        }
        Ok(())
    }
}

/// Writes a file that only its owner can read.
fn make_private(path: &Path, content: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(content.as_bytes())
}

fn look_for_programs() -> Result<()> {
    let missing: Vec<_> = NEEDED.into_iter().filter(|name| which::which(name).is_err()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        "making a drill",
        format!("not found in the PATH: {}", missing.join(", ")),
        "install what is missing and try again",
    ))
}

/// A service in a process of its own.
#[derive(Debug)]
struct Service {
    environment: &'static str,
    port: u16,
    child: Child,
}

impl Service {
    /// How long it may take to say its port, on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Starts the service of an environment on a free port. It ends by itself when its
    /// standard input is closed, which the kernel sees to when this process is gone.
    fn start(
        program: &Path,
        servers: &Path,
        environment: &'static str,
        old_cards: u8,
        provider: &str,
    ) -> Result<Self> {
        let doing = format!("starting the {environment} service of the drill");
        let fail =
            |cause: String| Failure::new(&doing, cause, "try again; if it stays, run with RUST_LOG=debug");
        let root: PathBuf = servers.join(environment);
        std::fs::create_dir_all(root.join("releases")).map_err(|error| fail(error.to_string()))?;
        let mut command = Command::new(program);
        command.arg("drill-service");
        if !provider.is_empty() {
            command.args(["--provider", provider]);
        }
        let child = command
            .arg("--root")
            .arg(&root)
            .args(["--env", environment, "--port", "0"])
            .arg(format!("--old-cards={old_cards}"))
            // A Ctrl-C at the terminal is for the drill, which then ends its services.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| fail(error.to_string()))?;
        // From here on it is ended by dropping this.
        let mut service = Self { environment, port: 0, child };
        let line = service.first_line();
        service.port =
            line.trim().strip_prefix("port ").and_then(|port| port.parse().ok()).ok_or_else(|| {
                let said = service.last_words();
                fail(if said.is_empty() { "it did not say its port".to_owned() } else { said })
            })?;
        Ok(service)
    }

    /// Starts the payment provider of a scenario that has one, which is down from now on for a while.
    fn provider(program: &Path, servers: &Path, scenario: &Scenario) -> Result<Option<Self>> {
        if scenario.provider_down_s == 0 {
            return Ok(None);
        }
        let until = Timestamp::now() + jiff::SignedDuration::from_secs(scenario.provider_down_s.into());
        provider::break_until(&servers.join(provider::NAME), until).map_err(|error| {
            Failure::new("breaking the provider of the drill", error, "see whether there is room on the disk")
        })?;
        Self::start(program, servers, provider::NAME, 0, "").map(Some)
    }

    /// Its address.
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it says first, or nothing if that takes too long.
    fn first_line(&mut self) -> String {
        let (send, receive) = std::sync::mpsc::channel();
        if let Some(stdout) = self.child.stdout.take() {
            std::thread::spawn(move || {
                let mut line = String::new();
                // An error is an empty line to the one who waits.
                BufReader::new(stdout).read_line(&mut line).ok();
                send.send(line).ok();
            });
        }
        receive.recv_timeout(Self::PATIENCE).unwrap_or_default()
    }

    /// What it said about why it ended.
    fn last_words(&mut self) -> String {
        use std::io::Read as _;
        self.child.kill().ok();
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            stderr.take(4096).read_to_string(&mut said).ok();
        }
        visible(said.trim()).into_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
