//! Which files of a work tree a command names, as far as its words tell: each of them, looked for where
//! the command runs, at the root, and in every directory that another word names.

use std::cell::Cell;

use super::words::{self, Word, example, is_open, is_unknown, kept, matches};
use super::{Line, absolute, base, is_below, is_interpreter, modules, reads_by_itself};

/// Most directories that the words of a command are looked for in.
const MOST_DIRECTORIES: usize = 32;
/// Most files that one command names.
const MOST_FILES: usize = 500;
/// Most paths that one open name stands for.
const MOST_PATHS: usize = 1000;
/// Most files that one command may find made by an earlier step, and most paths that git is asked about.
const MOST_TO_COME: (usize, usize) = (200, 4000);

/// The files and directories of a work tree. Paths are absolute and without `.` and `..`.
pub trait Tree {
    /// The root of the work tree, where it is known.
    fn root(&self) -> Option<&str>;
    /// Tells whether there is such a directory in the work tree.
    fn is_directory(&self, path: &str) -> bool;
    /// Tells whether there is such a file in the work tree.
    fn is_file(&self, path: &str) -> bool;
    /// What is in a directory of the work tree, and whether that is all of it.
    fn names(&self, directory: &str) -> (Vec<String>, bool);
    /// The files below a directory of the work tree that git keeps, in order, up to so many.
    fn kept_below(&self, directory: &str, most: usize) -> Vec<String>;
    /// Directories of the work tree in which the system looks for programs.
    fn places(&self) -> &[String] {
        &[]
    }
    /// Where a path with `..` in it leads, if that is another file of the work tree than it reads.
    fn physical(&self, _path: &str) -> Option<String> {
        None
    }
    /// Tells whether git ignores a path, there or not; a directory ends with a slash.
    fn is_ignored(&self, _path: &str) -> bool {
        false
    }
}

/// How a command names a file, least certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// As an argument, which may be a program or not.
    Argument,
    /// In a text for a shell that may feed it to another one.
    Text,
    /// Not at all: its program reads it by itself.
    ByItself,
    /// As what is run.
    Runs,
}

/// What a command names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The files, by their absolute paths.
    pub files: Vec<(String, How)>,
    /// Whether all of its words, and all directories, could be looked at.
    pub all: bool,
}

/// Finds the files of a work tree that a command names.
pub fn find(line: Line<'_>, tree: &dyn Tree) -> Found {
    Search::of(line, tree).files()
}

/// Finds what a command names that is not there and that git ignores: an earlier step may make it. With
/// `*` where a part of the name is not known. Where there is too much only a part is found: the rest may not
/// appear.
pub fn to_come(line: Line<'_>, tree: &dyn Tree) -> Vec<String> {
    Search::of(line, tree).missing()
}

/// Tells whether a path is one of those that may be made by an earlier step.
pub fn is_one_of(to_come: &[String], path: &str) -> bool {
    to_come.iter().any(|open| {
        let (mut open, mut path) = (open.split('/'), path.split('/'));
        loop {
            match (open.next(), path.next()) {
                (None, None) => return true,
                (Some(open), Some(name)) if open == name || matches(open, name) => {}
                _ => return false,
            }
        }
    })
}

struct Search<'a> {
    tree: &'a dyn Tree,
    words: Vec<Word>,
    directories: Vec<String>,
    all: Cell<bool>,
}

impl<'a> Search<'a> {
    fn of(line: Line<'a>, tree: &'a dyn Tree) -> Self {
        let (words, all) = words::of(&looked_at(line.argv));
        let cwd = absolute("/", line.cwd);
        let root = tree.root().filter(|root| *root != cwd && is_below(root, &cwd)).map(str::to_owned);
        let directories = std::iter::once(cwd).chain(root).collect();
        let mut search = Self { tree, words, directories, all: Cell::new(all) };
        search.find_directories();
        search
    }

    /// Every directory that a word names, also as seen from another one.
    fn find_directories(&mut self) {
        let mut at = 0;
        while let Some(from) = self.directories.get(at).cloned() {
            at += 1;
            for path in self.words.iter().flat_map(|word| self.paths(&from, word)).collect::<Vec<_>>() {
                for path in self.meant(&path) {
                    if self.directories.contains(&path) || !self.tree.is_directory(&path) {
                        continue;
                    }
                    if self.directories.len() == MOST_DIRECTORIES {
                        self.all.set(false);
                        return;
                    }
                    self.directories.push(path);
                }
            }
        }
    }

    /// Every path that a word may stand for, seen from a directory.
    fn paths(&self, from: &str, word: &Word) -> Vec<String> {
        let mut found = Vec::new();
        for pattern in &word.patterns {
            if !expand(self.tree, from, pattern, &mut found) {
                self.all.set(false);
            }
        }
        found
    }

    /// What a program reads by itself of what is called like this.
    fn read(&self, directory: &str, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        if !expand(self.tree, directory, name, &mut found) {
            self.all.set(false);
        }
        found
    }

    /// A path as it reads, and where it leads.
    fn meant(&self, path: &str) -> Vec<String> {
        let real = path.contains("/..").then(|| self.tree.physical(path)).flatten();
        std::iter::once(absolute("/", path)).chain(real).collect()
    }

    fn files(self) -> Found {
        let mut files: Vec<(String, How)> = Vec::new();
        let runs = self.run_by_interpreters();
        let mut modules = modules::asked_for(&self.words);
        modules.extend(modules::brought_in(&self.words));
        let fed = self.is_fed();
        for from in &self.directories {
            for (index, word) in self.words.iter().enumerate() {
                let how = how(index, word, &runs, fed);
                self.paths(from, word).iter().for_each(|path| self.add(&mut files, path, how));
            }
            for name in &modules {
                self.add(&mut files, &absolute(from, name), How::Runs);
            }
        }
        for group in self.groups() {
            for directory in &self.directories {
                let open = group.iter().filter(|name| is_open(name));
                for path in open.flat_map(|name| self.read(directory, name)) {
                    self.add(&mut files, &path, How::ByItself);
                }
                let mut there = group.iter().map(|name| absolute(directory, name));
                if let Some(path) = there.find(|path| self.tree.is_file(path)) {
                    self.add(&mut files, &path, How::ByItself);
                }
            }
        }
        for place in self.tree.places() {
            for (index, word) in self.words.iter().enumerate() {
                let how = if index == 0 { How::Runs } else { How::Argument };
                let names = word.patterns.iter().filter(|name| !name.contains('/') && !is_open(name));
                names.for_each(|name| self.add(&mut files, &absolute(place, name), how));
            }
        }
        // What is told of a directory may run all that is in it: a package, a chart. Not of the place it is in.
        let named = self.directories.iter().skip(1).filter(|path| self.tree.root() != Some(path.as_str()));
        for path in named.flat_map(|directory| self.tree.kept_below(directory, MOST_FILES + 1)) {
            if files.len() > MOST_FILES {
                break;
            }
            self.add(&mut files, &path, How::Argument);
        }
        if files.len() > MOST_FILES {
            self.all.set(false);
            files.truncate(MOST_FILES);
        }
        Found { files, all: self.all.get() }
    }

    fn add(&self, files: &mut Vec<(String, How)>, path: &str, how: How) {
        for path in self.meant(path) {
            if let Some(known) = files.iter_mut().find(|(known, _)| *known == path) {
                known.1 = known.1.max(how);
            } else if self.tree.is_file(&path) {
                files.push((path, how));
            }
        }
    }

    /// What an interpreter is given to run: the first of its arguments that is a file.
    fn run_by_interpreters(&self) -> Vec<usize> {
        let is_there = |word: &Word| {
            let paths = self.directories.iter().flat_map(|from| self.paths(from, word));
            paths.flat_map(|path| self.meant(&path)).any(|path| self.tree.is_file(&path))
        };
        // Looked for once, however many interpreters there are.
        let there: Vec<Cell<Option<bool>>> = vec![Cell::new(None); self.words.len()];
        let known = |(index, word): &(usize, &Word)| {
            there.get(*index).is_some_and(|there| {
                let is = there.get().unwrap_or_else(|| is_there(word));
                there.set(Some(is));
                is
            })
        };
        let first = |at: usize| self.operands(at).find(known).map(|(index, _)| index);
        self.interpreters().filter_map(first).collect()
    }

    /// A text for a shell in which what is no program by its looks may be run: `cat deploy | sh`.
    fn is_fed(&self) -> bool {
        const OTHERS: [&str; 5] = ["eval", "xargs", "exec", "parallel", "at"];
        let feeds = |word: &Word| is_interpreter(&word.plain) || OTHERS.contains(&base(&word.plain));
        self.words.iter().any(|word| word.text && feeds(word))
    }

    fn interpreters(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.words.iter().enumerate();
        words.filter(|(_, word)| is_interpreter(&word.plain)).map(|(index, _)| index)
    }

    /// What stands behind a word, up to where another command or a text for a shell begins.
    fn operands(&self, at: usize) -> impl Iterator<Item = (usize, &Word)> {
        let in_text = self.words.get(at).is_some_and(|word| word.text);
        let rest = self.words.iter().enumerate().skip(at + 1);
        rest.take_while(move |(_, word)| if in_text { !word.begins } else { !word.text })
            .filter(|(_, word)| !word.is_option())
    }

    /// What programs read by themselves: the first of these names that there is in a directory.
    fn groups(&self) -> Vec<&'static [&'static str]> {
        let mut groups: Vec<&'static [&'static str]> = Vec::new();
        for group in self.words.iter().flat_map(|word| reads_by_itself(base(&word.plain))) {
            if !groups.contains(group) {
                groups.push(group);
            }
        }
        groups
    }

    fn missing(self) -> Vec<String> {
        let asked = Cell::new(0);
        let is_ignored = |path: &str| {
            asked.set(asked.get() + 1);
            asked.get() <= MOST_TO_COME.1 && self.tree.is_ignored(path)
        };
        let made = self.directories_to_come(&is_ignored);
        let there = self.directories.iter().map(|directory| (directory.as_str(), ""));
        let places: Vec<(&str, &str)> =
            there.chain(made.iter().map(|(path, by)| (path.as_str(), *by))).collect();
        let mut found: Vec<String> = Vec::new();
        let mut add = |path: String| {
            let is_there = !is_open(&path) && self.tree.is_file(&path);
            if !is_there && is_ignored(&example(&path)) && !found.contains(&kept(&path)) {
                found.push(kept(&path));
            }
        };
        // Whatever is named may turn out to be a program once it is made: `go build -o server`.
        for word in &self.words {
            for pattern in word.patterns.iter().filter(|pattern| !is_unknown(pattern)) {
                let places = places.iter().filter(|(_, by)| by != pattern);
                places.for_each(|(from, _)| add(absolute(from, pattern)));
            }
        }
        for module in modules::asked_for(&self.words) {
            self.directories.iter().for_each(|from| add(absolute(from, &module)));
        }
        for group in self.groups() {
            for (directory, _) in &places {
                // What is there was approved: nothing may come before it.
                if !group.iter().any(|name| self.tree.is_file(&absolute(directory, name))) {
                    for name in group {
                        add(absolute(directory, name));
                    }
                }
            }
        }
        found.truncate(MOST_TO_COME.0);
        found
    }

    /// Directories that are ignored may be made as well, and may be gone to. Each with the word that names
    /// it.
    fn directories_to_come(&self, is_ignored: &dyn Fn(&str) -> bool) -> Vec<(String, &str)> {
        let mut made: Vec<(String, &str)> = Vec::new();
        for from in &self.directories {
            for name in self.words.iter().flat_map(|word| &word.patterns).filter(|name| !is_open(name)) {
                let path = absolute(from, name);
                let is_known = made.iter().any(|(known, _)| *known == path)
                    || self.directories.contains(&path)
                    || self.tree.is_file(&path);
                if !is_known && made.len() < MOST_DIRECTORIES && is_ignored(&format!("{path}/")) {
                    made.push((path, name.as_str()));
                }
            }
        }
        made
    }
}

fn how(index: usize, word: &Word, runs: &[usize], fed: bool) -> How {
    if runs.contains(&index) || (index == 0 && word.plain.contains('/')) {
        How::Runs
    } else if fed && word.text && !word.written {
        How::Text
    } else {
        How::Argument
    }
}

/// The words of a command that tell what it runs. Of git and of this program's own steps the arguments are
/// what is worked on, but git may be given something to run.
fn looked_at(argv: &[String]) -> Vec<String> {
    let is_own = argv.get(1).is_some_and(|verb| verb == "version-files");
    let is_git = argv.first().is_some_and(|program| base(program) == "git");
    if !is_own && !is_git {
        return argv.to_vec();
    }
    let runs = ["run", "foreach", "-x", "--exec", "--extcmd", "--upload-pack", "--receive-pack"];
    let mut looked_at: Vec<String> = argv.iter().take(1).cloned().collect();
    let mut all = false;
    for (index, word) in argv.iter().enumerate().skip(1).filter(|_| is_git) {
        let is_config = argv.get(index - 1).is_some_and(|before| before == "-c");
        let joined =
            runs.iter().any(|option| word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')));
        if all || joined || is_config {
            looked_at.push(word.clone());
        }
        all |= runs.contains(&word.as_str());
    }
    looked_at
}

/// All that an open name stands for, and whether that is all of it. What is no such name is one path.
fn expand(tree: &dyn Tree, from: &str, pattern: &str, found: &mut Vec<String>) -> bool {
    found.push(if pattern.starts_with('/') { pattern.to_owned() } else { format!("{from}/{pattern}") });
    if !is_open(pattern) || is_unknown(pattern) {
        return true;
    }
    let mut all = true;
    let mut paths = vec![if pattern.starts_with('/') { String::new() } else { from.to_owned() }];
    for name in pattern.split('/').filter(|name| !name.is_empty() && *name != ".") {
        let mut next: Vec<String> = Vec::new();
        for path in &paths {
            if is_open(name) {
                let (names, whole) = tree.names(path);
                all &= whole;
                next.extend(names.iter().filter(|one| matches(name, one)).map(|one| format!("{path}/{one}")));
            } else {
                next.push(format!("{path}/{name}"));
            }
        }
        all &= next.len() <= MOST_PATHS;
        next.truncate(MOST_PATHS);
        paths = next;
    }
    found.extend(paths);
    all
}
