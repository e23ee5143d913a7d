//! Reads runbooks: nothing outside of the folders that are configured, nothing but files, and no more of
//! them than a screen is good for.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::prepare::Ground;
use crate::config::types::Config;
use crate::deploy::runbook::Block;
use crate::deploy::{self, Resolved};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::Hash;
use crate::plan::Plan;
use crate::report::runbook::{self, Page, Runbook, Shelf};
use crate::text::{nearest, visible};

/// Most runbooks that are listed.
const MOST: usize = 500;
/// Most entries of folders that are looked at.
const MOST_ENTRIES: usize = 20_000;
/// Folders in folders that are looked into.
const DEEPEST: usize = 8;
/// Bytes of each that are read to list and search it.
const HEAD: u64 = 64 * 1024;
/// Why a name is none of a runbook: it would stand in plans and be typed.
const UNSEEN: &str = "its name has invisible characters";
/// Bytes of one that are shown. More is not read during an incident.
const SHOWN: u64 = 1024 * 1024;

/// Lists the runbooks of a repository.
pub fn shelf(root: &Path, config: &Config) -> Shelf {
    let mut shelf = Shelf::default();
    let Ok(root) = root.canonicalize() else { return shelf };
    let mut walk = Walk { root: &root, seen: BTreeSet::new(), entries: 0, shelf: &mut shelf };
    for folder in &config.runbooks.paths {
        walk.folder(Path::new(folder), DEEPEST);
    }
    shelf.runbooks.sort_by(|a, b| a.path.cmp(&b.path));
    shelf.skipped.sort();
    shelf
}

struct Walk<'a> {
    root: &'a Path,
    /// Where each file and folder leads that was looked at: links may lead in circles.
    seen: BTreeSet<PathBuf>,
    entries: usize,
    shelf: &'a mut Shelf,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, deep: usize) {
        let Some(place) = self.inside(folder) else { return };
        if deep == 0 || !self.seen.insert(place.clone()) {
            return;
        }
        let Ok(entries) = std::fs::read_dir(&place) else { return };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            self.entries += 1;
            if self.entries > MOST_ENTRIES || self.shelf.runbooks.len() >= MOST {
                let more = format!("there are more than {MOST} runbooks, or {MOST_ENTRIES} files");
                return self.skip(folder, &more);
            }
            let path = folder.join(&name);
            let Some(text) = path.to_str() else {
                self.skip(&path, "its name is not UTF-8");
                continue;
            };
            if name == ".git" {
                continue;
            }
            if visible(text) != text {
                self.skip(&path, UNSEEN);
                continue;
            }
            match std::fs::metadata(self.root.join(&path)) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, deep - 1),
                Ok(_) if is_markdown(&path) => self.file(&path, text),
                _ => {}
            }
        }
    }

    fn file(&mut self, path: &Path, text: &str) {
        let Some(place) = self.inside(path) else { return };
        if !self.seen.insert(place.clone()) {
            return;
        }
        match bytes(&place, HEAD) {
            Ok((bytes, _)) if bytes.contains(&0) => self.skip(path, "it is not text"),
            Ok((bytes, _)) => {
                let content = String::from_utf8_lossy(&bytes);
                self.shelf.runbooks.push(Runbook::of(text, &content));
            }
            Err(error) => self.skip(path, &error.to_string()),
        }
    }

    /// Where a path leads, if that is inside of the repository.
    fn inside(&mut self, path: &Path) -> Option<PathBuf> {
        match inside(self.root, path) {
            Ok(place) => Some(place),
            Err(why) => {
                // The folder that nobody has made is no mistake.
                if self.root.join(path).symlink_metadata().is_ok() {
                    self.skip(path, &why);
                }
                None
            }
        }
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.shelf.skipped.push((path.to_string_lossy().into_owned(), why.to_owned()));
    }
}

/// Reads a runbook to be shown. What the commands in it are is taken from just these bytes.
///
/// # Errors
/// It is not one, leads out of the repository, or cannot be read.
pub fn page(root: &Path, config: &Config, path: &str) -> Result<Page> {
    let doing = format!("reading the runbook {}", visible(path));
    let refuse = |why: &str| {
        let all = shelf(root, config);
        let known: Vec<&str> = all.runbooks.iter().map(|one| one.path.as_str()).collect();
        let hint = nearest(path, &known).map_or_else(
            || "flightdeck runbook list names them all".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Failure::usage(doing.clone(), why, hint)
    };
    if visible(path) != path {
        return Err(refuse(UNSEEN));
    }
    let root = root.canonicalize().map_err(|error| refuse(&error.to_string()))?;
    let place = inside(&root, Path::new(path)).map_err(|why| refuse(&why))?;
    let folders = config.runbooks.paths.iter().filter_map(|folder| inside(&root, Path::new(folder)).ok());
    if !is_markdown(Path::new(path)) || !folders.into_iter().any(|folder| place.starts_with(folder)) {
        return Err(refuse("it is no Markdown below the folders of runbooks"));
    }
    let (bytes, all) = bytes(&place, SHOWN).map_err(|error| refuse(&error.to_string()))?;
    if bytes.contains(&0) {
        return Err(refuse("it is not text"));
    }
    let hash = Hash::of(&bytes).to_string();
    let text = String::from_utf8_lossy(&bytes);
    let (text, cut) = match text.rsplit_once('\n') {
        Some((whole, _)) if all > bytes.len() as u64 => {
            let cut = format!("the first {} of {} KiB are shown", bytes.len() / 1024, all / 1024);
            (whole, cut)
        }
        _ => (&*text, String::new()),
    };
    Ok(Page::new(path, text, hash, cut))
}

/// The plan of a block of commands, of just the bytes that were shown.
///
/// # Errors
/// The runbook changed since, there is no such block, or its commands need a shell.
pub(super) fn plan(
    ground: &Ground<'_>,
    id: &str,
    path: &str,
    number: usize,
    shown: &str,
    what: &Resolved,
) -> Result<Plan> {
    let title = runbook::title(path, number);
    let doing = format!("planning the {}", visible(&title));
    let page = page(Path::new(&what.root), ground.config, path)?;
    if page.sha256 != shown {
        let hint = "read it again; nothing was started";
        return Err(Failure::of(FailureKind::Gate, doing, "the runbook changed since it was shown", hint));
    }
    let block = number.checked_sub(1).and_then(|index| page.commands.get(index)).ok_or_else(|| {
        let cause = format!("it has no block {number} of commands; there are {}", page.commands.len());
        Failure::usage(&*doing, cause, "flightdeck runbook show names them")
    })?;
    let lines = block.lines.as_ref().map_err(|why| {
        Failure::usage(&*doing, why.clone(), "flightdeck runbook show prints it, to be run by hand")
    })?;
    let short = page.sha256.get(..12).unwrap_or(&page.sha256);
    let target = format!("runbook:{path}");
    let from = format!("from {} as it was shown (sha256 {short})", visible(path));
    let block = Block {
        title: &title,
        target: &target,
        word: runbook::word(path),
        from: &from,
        reaches: block.reaches.as_deref(),
        lines,
    };
    deploy::runbook::runbook(ground.config, ground.policy, id, block, what)
}

/// Where a path leads that has to stay in a folder. `Err`: why it does not.
fn inside(root: &Path, path: &Path) -> Result<PathBuf, String> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !path.components().all(plain) {
        return Err("it leads out of the repository".to_owned());
    }
    let place = root.join(path).canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    })?;
    let is_git = place.strip_prefix(root).is_ok_and(|path| path.iter().any(|part| part == ".git"));
    if !place.starts_with(root) || is_git {
        return Err("it leads out of the repository".to_owned());
    }
    Ok(place)
}

fn is_markdown(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["md", "markdown"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The beginning of a file, and how long it is. A pipe or a device in its place is not waited for.
fn bytes(place: &Path, most: u64) -> io::Result<(Vec<u8>, u64)> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(place)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok((bytes, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("runbooks/db")).unwrap();
        (dir, Config::default())
    }

    fn write(dir: &tempfile::TempDir, path: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(dir.path().join(path), bytes).unwrap();
    }

    #[test]
    fn what_leads_out_of_the_repository_or_is_no_text_is_left_out_and_says_why() {
        let (dir, config) = repository();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.md"), "# Secret").unwrap();
        write(&dir, "runbooks/db/pool.md", "# Pool");
        write(&dir, "runbooks/bad.md", b"# Bad \xff bytes\n\n```sh\n./x \xff\n```\n");
        write(&dir, "runbooks/binary.md", b"\x7fELF\0\0");
        write(&dir, "runbooks/notes.txt", "no");
        write(&dir, "elsewhere.md", "# Elsewhere");
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
        link(&outside.path().join("secret.md"), "runbooks/secret.md");
        link(outside.path(), "runbooks/folder");
        link(Path::new("."), "runbooks/circle");
        link(Path::new("db/pool.md"), "runbooks/same.md");
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("runbooks/pipe.md"), rustix::fs::Mode::RWXU)
            .unwrap();

        let shelf = shelf(dir.path(), &config);
        let paths: Vec<_> = shelf.runbooks.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["runbooks/bad.md", "runbooks/db/pool.md"]);
        let why = |path: &str| shelf.skipped.iter().find(|(it, _)| it == path).map(|(_, why)| why.as_str());
        assert_eq!(why("runbooks/secret.md"), Some("it leads out of the repository"));
        assert_eq!(why("runbooks/folder"), Some("it leads out of the repository"));
        assert_eq!(why("runbooks/binary.md"), Some("it is not text"));
        assert_eq!(why("runbooks/pipe.md"), Some("it is not a file"));

        for path in [
            "runbooks/secret.md",
            "../x.md",
            "/etc/passwd",
            "elsewhere.md",
            "runbooks/pipe.md",
            "runbooks/none.md",
        ] {
            assert!(page(dir.path(), &config, path).is_err(), "{path}");
        }
        let bad = page(dir.path(), &config, "runbooks/bad.md").unwrap();
        assert!(bad.commands[0].lines.as_ref().unwrap_err().contains("invisible characters"), "{bad:?}");
        assert_eq!(page(dir.path(), &config, "runbooks/same.md").unwrap().title, "Pool");
    }

    #[test]
    fn a_name_that_cannot_be_read_as_it_is_stands_in_no_plan() {
        let (dir, config) = repository();
        for name in ["a\nb.md", "a\u{202e}b.md", "a\u{1b}[2Jb.md", "a\u{200b}b.md"] {
            write(&dir, &format!("runbooks/{name}"), "# x\n\n```sh\n./x.sh\n```\n");
            assert!(page(dir.path(), &config, &format!("runbooks/{name}")).is_err(), "{name:?}");
        }
        let shelf = shelf(dir.path(), &config);
        assert!(shelf.runbooks.is_empty(), "{shelf:?}");
        assert_eq!(shelf.skipped.len(), 4);
        assert!(shelf.skipped.iter().all(|(_, why)| why == UNSEEN), "{shelf:?}");
        assert_eq!((runbook::word("runbooks/ .md"), runbook::word("a/pool.md")), ("runbook", "pool"));
    }

    #[test]
    fn what_is_cut_off_with_the_rest_of_a_block_is_not_run() {
        let (dir, config) = repository();
        let line = "./drain.sh 1\n";
        write(
            &dir,
            "runbooks/long.md",
            format!("# x\n\n```sh\n./a.sh\n```\n\n```sh\n{}```\n", line.repeat(90_000)),
        );
        let page = page(dir.path(), &config, "runbooks/long.md").unwrap();
        assert!(!page.cut.is_empty());
        assert!(page.commands[0].lines.is_ok());
        assert_eq!(page.commands[1].lines, Err("the code block is not closed".to_owned()));
    }

    #[test]
    fn what_is_nested_without_end_is_shown_all_the_same() {
        let (dir, config) = repository();
        for (name, text) in [
            ("quotes", ">".repeat(1 << 20)),
            ("lists", "- ".repeat(1 << 19)),
            ("links", "[".repeat(1 << 20)),
            ("stars", "*a_".repeat(1 << 18)),
            ("fences", "```sh\n".repeat(1 << 17)),
            ("table", format!("{}\n{}\n", "|a".repeat(1 << 16), "|-".repeat(1 << 16))),
        ] {
            write(&dir, &format!("runbooks/{name}.md"), text);
            let page = page(dir.path(), &config, &format!("runbooks/{name}.md")).unwrap();
            assert!(crate::report::blocks::lines(&page.blocks).len() < 1 << 20, "{name}");
        }
    }

    #[test]
    fn a_runbook_of_ten_megabytes_is_shown_as_far_as_anybody_reads() {
        let (dir, config) = repository();
        let line = "a line of a very long runbook that nobody reads to its end\n";
        write(&dir, "runbooks/long.md", format!("# Long\n\n{}", line.repeat((10 << 20) / line.len())));
        assert_eq!(shelf(dir.path(), &config).runbooks[0].title, "Long");
        let page = page(dir.path(), &config, "runbooks/long.md").unwrap();
        assert_eq!(page.cut, "the first 1024 of 10239 KiB are shown");
        assert!(page.blocks.len() > 1);
    }
}
