//! Asks a remote what it has, and fetches that, in the background: nobody is there to answer a
//! question, so none is asked, and an answer is waited for a while only.

use std::time::Duration;

use super::prepare::{Fresh, Ground};
use super::unattended::Unattended;
use crate::hotfix::git::Reader;
use crate::hotfix::remote::{Known, Refs, Remote, Source, is_fresh};

/// How long the remote may take to say what it has.
const ASKING: Duration = Duration::from_secs(15);
/// How long fetching may take.
const FETCHING: Duration = Duration::from_secs(120);
/// Bytes of an answer that are read: branches and tags of a very large repository.
const ENOUGH: usize = 32 << 20;
/// Finds out what the remote has. It is asked; where the ground allows it (see [`Fresh::Fetch`])
/// and it has something new on a branch that is `wanted`, that is fetched, and it is asked again.
/// Where it cannot be asked, what was fetched within the time that the policy gives counts,
/// provided that `base` was among it.
pub(super) fn up_to_date(
    ground: &Ground<'_>,
    reader: &Reader,
    base: Option<&str>,
    wanted: impl Fn(&str) -> bool,
) -> Remote {
    let Some(name) = reader.remote_name(&ground.config.hotfix.remote) else { return Remote::None };
    let fetched_at = reader.fetched_at(&name, base);
    let silent = |why: String| Remote::Silent { name: name.clone(), why, fetched_at };
    if name.starts_with('-') {
        return silent("its name could be taken for an option".to_owned());
    }
    let line = Line { reader, git: Unattended::new(ground.config, reader) };
    // Nobody has confirmed anything yet: what the repository itself names is not run for that.
    let asked = Unattended::refusal(ground.state_dir, reader).map_or_else(|| line.ask(&name), Err);
    let refs = match asked {
        Ok(refs) => refs,
        Err(why) => {
            let valid_for = ground.policy.fetch_valid_for;
            return match fetched_at.filter(|at| is_fresh(*at, valid_for, ground.now)) {
                Some(at) => {
                    let by = Source::Fetched { at, why };
                    Remote::Known(Known { refs: reader.fetched_refs(&name), name, by })
                }
                None => silent(why),
            };
        }
    };
    let known = |refs| Remote::Known(Known { name: name.clone(), refs, by: Source::Asked });
    if ground.fresh == Fresh::Ask || !lacks(reader, &name, &refs, &wanted) {
        return known(refs);
    }
    let refs = line.bring(&name, &wanted);
    refs.map_or_else(|why| silent(format!("fetching from it failed: {why}")), known)
}

/// Tells whether the remote has something on a wanted branch that is not kept here.
fn lacks(reader: &Reader, remote: &str, refs: &Refs, wanted: impl Fn(&str) -> bool) -> bool {
    refs.branches.iter().filter(|(name, _)| wanted(name)).any(|(name, commit)| {
        let kept = reader.tracking_name(remote, name).map(|full| reader.commit_at(&full));
        match kept {
            Some(kept) => kept.as_deref() != Some(commit.as_str()),
            None => !reader.has_commit(commit),
        }
    })
}

fn missing(reader: &Reader, refs: &Refs, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let lacking = |(name, commit): &(&String, &String)| wanted(name) && !reader.has_commit(commit);
    refs.branches.iter().filter(lacking).map(|(name, _)| format!("refs/heads/{name}")).collect()
}

/// The way to the remote.
struct Line<'a> {
    reader: &'a Reader,
    git: Unattended,
}

impl Line<'_> {
    fn ask(&self, remote: &str) -> Result<Refs, String> {
        let out = self.git(&["ls-remote", "--heads", "--tags", remote], ASKING)?;
        if out.len() >= ENOUGH {
            return Err("it has more branches and tags than can be read".to_owned());
        }
        Refs::parse(&String::from_utf8_lossy(&out))
    }

    /// Fetches as the repository is set up to, but takes nothing away and replaces no tag. With
    /// names: just these, kept under no name.
    fn fetch(&self, remote: &str, names: &[String]) -> Result<(), String> {
        let mut arguments = vec!["fetch", "--quiet", "--no-prune"];
        if names.is_empty() {
            arguments.push(remote);
        } else {
            arguments.extend(["--no-tags", remote]);
            arguments.extend(names.iter().map(String::as_str));
        }
        self.git(&arguments, FETCHING).map(drop)
    }

    /// Fetches, and asks what is there then.
    fn bring(&self, remote: &str, wanted: impl Fn(&str) -> bool) -> Result<Refs, String> {
        let fetched = self.fetch(remote, &[]);
        let refs = self.ask(remote)?;
        // A branch that is not among those that are fetched by themselves.
        let missing = missing(self.reader, &refs, &wanted);
        if !missing.is_empty() {
            self.fetch(remote, &missing)?;
        }
        // A tag that is another here makes git say that it failed, though all branches came.
        if lacks(self.reader, remote, &refs, &wanted) { fetched.map(|()| refs) } else { Ok(refs) }
    }

    fn git(&self, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, String> {
        self.git.git(arguments, patience, ENOUGH)
    }
}

#[cfg(test)]
mod tests;
