//! Fetching what installations have at the remote, where anybody who may push may have put anything.

use std::path::Path;
use std::time::{Duration, Instant};

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

impl Git {
    /// Asks the remote what installations have there, and brings it here. Returns the references that could not be
    /// brought, with why: whatever somebody puts there, the others are.
    ///
    /// # Errors
    /// One line that says why it could not be asked.
    pub fn fetch(&self) -> Result<Vec<(String, String)>, String> {
        self.sweep();
        let mut left = self.left_out();
        let Err(why) = self.fetch_all(&left) else { return Ok(left) };
        // Either it is away, or something there cannot be brought.
        let listed = self.ask(&["ls-remote", "--refs", "--", &self.remote, &format!("{THEIRS}*")]);
        let Ok(listed) = listed else { return Err(why) };
        let until = Instant::now() + PATIENCE * 2;
        for (id, name) in listed.iter().filter_map(|line| line.split_once('\t')) {
            let is_here = self.commit(name)?.is_some_and(|known| known.to_string() == id);
            if is_here || left.iter().any(|(known, _)| known == name) {
                continue;
            }
            if Instant::now() > until {
                return Err(why);
            }
            self.sweep();
            if let Err(why) = self.fetch_one(name) {
                left.push((name.to_owned(), why));
            }
        }
        self.remember_left_out(&left);
        Ok(left)
    }

    fn fetch_all(&self, left: &[(String, String)]) -> Result<(), String> {
        let all = format!("+{THEIRS}*:{THEIRS}*");
        let without: Vec<String> = left.iter().map(|(name, _)| format!("^{name}")).collect();
        let mut arguments = FETCH.to_vec();
        arguments.extend(["--prune", "--", &self.remote, &all]);
        arguments.extend(without.iter().map(String::as_str));
        self.git(&arguments)
    }

    fn fetch_one(&self, name: &str) -> Result<(), String> {
        let spec = format!("+{name}:{name}");
        let mut arguments = FETCH.to_vec();
        arguments.extend(["--", &self.remote, &spec]);
        self.git(&arguments)
    }

    /// References that could not be brought a while ago, with why: they are not tried again in each round.
    fn left_out(&self) -> Vec<(String, String)> {
        let file = self.directory.join(LEFT_OUT);
        let age = file.metadata().and_then(|known| known.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_none_or(|age| age > LEFT_OUT_FOR) {
            return Vec::new();
        }
        let known = std::fs::read_to_string(file).unwrap_or_default();
        let pair = |line: &str| line.split_once('\t').map(|(name, why)| (name.to_owned(), why.to_owned()));
        known.lines().filter_map(pair).filter(|(name, _)| name.starts_with(THEIRS)).collect()
    }

    fn remember_left_out(&self, left: &[(String, String)]) {
        let lines: Vec<String> = left.iter().map(|(name, why)| format!("{name}\t{why}\n")).collect();
        // Where it is not remembered, they are tried again.
        let _ = std::fs::write(self.directory.join(LEFT_OUT), lines.concat());
    }

    /// Puts into one what many fetches brought, one at a time, where that is much.
    pub fn tidy(&self) {
        let packs = std::fs::read_dir(self.directory.join("objects/pack")).into_iter().flatten().flatten();
        let is_pack = |name: &std::ffi::OsStr| Path::new(name).extension().is_some_and(|end| end == "pack");
        if packs.filter(|file| is_pack(&file.file_name())).count() > MOST_PACKS {
            // Where that is not possible it goes on as it is.
            let _ = self.git(&["repack", "-a", "-d", "--quiet"]);
        }
    }

    /// Removes what fetches left behind that were broken off: nobody else does.
    fn sweep(&self) {
        let left = std::fs::read_dir(self.directory.join("objects/pack")).into_iter().flatten().flatten();
        for file in left.filter(|file| file.file_name().to_string_lossy().starts_with("tmp_")) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}
