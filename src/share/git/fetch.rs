//! Fetching what installations have at the remote, where anybody who may push may have put anything.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::{Git, PATIENCE, THEIRS};

/// How records are fetched.
const FETCH: [&str; 6] = [
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    // Batches are read without git, which alone could fetch what a partial clone leaves out.
    "--no-filter",
    "--refmap=",
];
/// The packs that are put into one where there are more.
const MOST_PACKS: usize = 50;
/// The file that names references that could not be brought, and for how long they are left out.
const LEFT_OUT: &str = "left-out";
const LEFT_OUT_FOR: Duration = Duration::from_secs(600);
/// The file that is written when packs are put into one.
const TIDIED: &str = "tidied";
/// What is older is of nothing that runs.
const A_WHILE: Duration = Duration::from_secs(600);

/// A reference that could not be brought.
struct LeftOut {
    name: String,
    /// In seconds of the epoch.
    since: u64,
    why: String,
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Tells whether a file was written less than so long ago.
fn is_newer(file: &Path, than: Duration) -> bool {
    let at = file.metadata().and_then(|known| known.modified()).ok();
    at.and_then(|at| at.elapsed().ok()).is_some_and(|age| age < than)
}

impl Git {
    /// Asks the remote what installations have there, and brings it here. Returns the references that could not be
    /// brought, with why: whatever somebody puts there, the others are. To be locked.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch(&self) -> Result<Vec<(String, String)>, String> {
        self.sweep();
        let mut left = self.left_out();
        let named = |left: &[LeftOut]| left.iter().map(|one| (one.name.clone(), one.why.clone())).collect();
        let fetched = self.fetch_all(&left);
        self.observe();
        let Err(why) = fetched else { return Ok(named(&left)) };
        // Either it is away, or something there cannot be brought.
        let Ok(listed) = self.list() else { return Err(why) };
        let until = Instant::now() + PATIENCE * 2;
        for (id, name) in listed.iter().filter_map(|line| line.split_once('\t')) {
            let is_here = self.commit(name)?.is_some_and(|known| known.to_string() == id);
            if is_here || left.iter().any(|known| known.name == name) {
                continue;
            }
            if Instant::now() > until {
                // The rest is for the next round, which leaves out what this one could not bring.
                break;
            }
            if let Err(why) = self.fetch_one(name, PATIENCE) {
                // It may be the network.
                self.list()?;
                left.push(LeftOut { name: name.to_owned(), since: seconds_now(), why });
                self.remember_left_out(&left);
            }
        }
        Ok(named(&left))
    }

    fn list(&self) -> Result<Vec<String>, String> {
        self.ask(&["ls-remote", "--refs", "--", &self.remote, &format!("{THEIRS}*")])
    }

    fn fetch_all(&self, left: &[LeftOut]) -> Result<(), String> {
        let all = format!("+{THEIRS}*:{THEIRS}*");
        let without: Vec<String> = left.iter().map(|one| format!("^{}", one.name)).collect();
        let mut arguments = FETCH.to_vec();
        arguments.extend(["--prune", "--", &self.remote, &all]);
        arguments.extend(without.iter().map(String::as_str));
        self.git(&arguments)
    }

    pub(in crate::share) fn fetch_one(&self, name: &str, patience: Duration) -> Result<(), String> {
        let spec = format!("+{name}:{name}");
        let mut arguments = FETCH.to_vec();
        arguments.extend(["--", &self.remote, &spec]);
        self.run(&arguments, patience).map(drop)
    }

    /// References that could not be brought a while ago: they are not tried again in each round.
    fn left_out(&self) -> Vec<LeftOut> {
        let known = std::fs::read_to_string(self.directory.join(LEFT_OUT)).unwrap_or_default();
        let now = seconds_now();
        let read = |line: &str| {
            let mut parts = line.splitn(3, '\t');
            let (name, since, why) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
            Some(LeftOut { name: name.to_owned(), since, why: why.to_owned() })
        };
        let lasts = |one: &LeftOut| {
            one.name.starts_with(THEIRS) && now.saturating_sub(one.since) < LEFT_OUT_FOR.as_secs()
        };
        known.lines().filter_map(read).filter(lasts).collect()
    }

    fn remember_left_out(&self, left: &[LeftOut]) {
        let line = |one: &LeftOut| format!("{}\t{}\t{}\n", one.name, one.since, one.why);
        let lines: Vec<String> = left.iter().map(line).collect();
        // Where it is not remembered, they are tried again.
        let _ = std::fs::write(self.directory.join(LEFT_OUT), lines.concat());
    }

    /// Puts into one what many fetches brought, one at a time, where that is much.
    pub fn tidy(&self) {
        let packs = std::fs::read_dir(self.directory.join("objects/pack")).into_iter().flatten().flatten();
        let is_pack = |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|end| end == "pack");
        let tried = self.directory.join(TIDIED);
        if packs.filter(|file| is_pack(&file.file_name())).count() > MOST_PACKS && !is_newer(&tried, A_WHILE)
        {
            // Where that is not possible it goes on as it is.
            let _ = std::fs::write(&tried, "");
            let _ = self.git(&["repack", "-a", "-d", "--quiet"]);
        }
    }

    /// Removes what fetches left behind that were broken off: nobody else does.
    fn sweep(&self) {
        let left = std::fs::read_dir(self.directory.join("objects/pack")).into_iter().flatten().flatten();
        let is_left = |path: &Path| !is_newer(path, A_WHILE);
        let begins = |file: &std::fs::DirEntry| file.file_name().to_string_lossy().starts_with("tmp_");
        for file in left.filter(begins).filter(|file| is_left(&file.path())) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}
