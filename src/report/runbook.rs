//! Runbooks: what a Markdown file says of itself, its commands as lists of arguments, and which of
//! them fits what fails. Pure.

use super::blocks::{self, Block, plain};
use crate::incident::{EntryKind, NoteKind, PlanRun, RunbookFor, State};
use crate::text::visible;

/// Most commands of one block: more is a script.
const MOST_COMMANDS: usize = 20;

/// Languages of a fenced block that holds commands.
const LANGUAGES: [&str; 7] = ["sh", "bash", "shell", "zsh", "console", "shell-session", "terminal"];

/// First words that only a shell knows.
const OF_A_SHELL: [&str; 26] = [
    "cd", "export", "source", ".", "alias", "set", "unset", "eval", "exec", "if", "then", "fi", "for",
    "while", "until", "do", "done", "case", "function", "read", "wait", "trap", "ulimit", "umask", "[", "[[",
];

/// A runbook as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Runbook {
    /// Its path from the root of the repository.
    pub path: String,
    /// What it calls itself: its front matter, else its first heading, else its file.
    pub title: String,
    /// Names of probes it is for, as its front matter has them.
    pub probes: Vec<String>,
    /// Paths of the repository it is for, as its front matter has them.
    pub covers: Vec<String>,
    /// Its beginning, to be searched.
    pub text: String,
    /// All of that in small letters, as it is searched with every key.
    low: String,
}

/// All runbooks that were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shelf {
    /// Those that can be read, by their paths.
    pub runbooks: Vec<Runbook>,
    /// What was left out, and why.
    pub skipped: Vec<(String, String)>,
}

/// A runbook that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its path from the root of the repository.
    pub path: String,
    /// What it calls itself.
    pub title: String,
    /// SHA-256 of the bytes that are shown.
    pub sha256: String,
    /// What of it is not shown, in a line; empty: nothing.
    pub cut: String,
    /// Its Markdown, as far as it is shown.
    pub text: String,
    /// What it says.
    pub blocks: Vec<Block>,
    /// The blocks of it that hold commands.
    pub commands: Vec<Commands>,
}

/// A block of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Which block of the page it is.
    pub block: usize,
    /// What it says it reaches: `reaches=nothing` behind the language.
    pub reaches: Option<String>,
    /// The arguments of each, or why they cannot be run without a shell.
    pub lines: Result<Vec<Vec<String>>, String>,
}

impl Runbook {
    /// Reads what the beginning of a file says.
    pub fn of(path: &str, text: &str) -> Self {
        let (matter, rest) = front_matter(text);
        let heading = || {
            let line = rest.lines().find_map(|line| line.strip_prefix("# "))?;
            Some(line.trim().trim_end_matches('#').trim().to_owned())
        };
        let title = matter.first("title").or_else(heading).filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| stem(path).to_owned());
        Self {
            low: [path, &title, text].join("\n").to_lowercase(),
            path: path.to_owned(),
            title,
            probes: matter.all("probes"),
            covers: matter.all("paths"),
            text: text.to_owned(),
        }
    }

    /// Tells whether its path, title or text has some words in it.
    pub fn is_about(&self, words: &str) -> bool {
        self.low.contains(&words.to_lowercase())
    }
}

/// What somebody types to confirm commands of a runbook where nothing else is asked for: the name of its file.
pub fn word(path: &str) -> &str {
    match stem(path).trim() {
        "" => "runbook",
        name => name,
    }
}

/// The name of a file without folders and ending.
pub fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

impl Page {
    /// Takes the text of a runbook apart.
    pub fn new(path: &str, text: &str, sha256: String, cut: String) -> Self {
        let title = Runbook::of(path, text).title;
        let blocks = blocks::parse(front_matter(text).1);
        let commands =
            blocks.iter().enumerate().filter_map(|(index, block)| of_block(index, block)).collect();
        Self { path: path.to_owned(), title, sha256, cut, text: text.to_owned(), blocks, commands }
    }
}

fn of_block(index: usize, block: &Block) -> Option<Commands> {
    let Block::Code { language, text, closed } = block else { return None };
    let mut words = language.split([' ', ',', '{', '}']).filter(|word| !word.is_empty());
    let language = words.next().filter(|language| LANGUAGES.contains(language))?;
    let reaches = words.find_map(|word| word.strip_prefix("reaches="));
    let reaches = reaches.map(|name| name.trim_matches(['"', '\'']).to_owned());
    // What a console shows besides its prompts is what commands print.
    let prompted = ["console", "shell-session", "terminal"].contains(&language);
    // Where it was meant to end nobody knows: what follows may be prose, or the rest of it cut off.
    let lines =
        if *closed { commands(text, prompted) } else { Err("the code block is not closed".to_owned()) };
    Some(Commands { block: index, reaches, lines })
}

/// The commands of a block, each as its arguments.
fn commands(text: &str, prompted: bool) -> Result<Vec<Vec<String>>, String> {
    let mut found = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = match line.trim_start().strip_prefix("$ ") {
            Some(line) => line,
            None if prompted && open.is_empty() => continue,
            None => line,
        };
        if open.is_empty() && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            open.push_str(part);
        } else {
            let whole = std::mem::take(&mut open) + line;
            found.push(arguments(whole.trim())?);
        }
    }
    match found.len() {
        _ if !open.is_empty() => Err("its last line goes on and does not".to_owned()),
        0 => Err("no command in it".to_owned()),
        n if n > MOST_COMMANDS => Err(format!("it has {n} commands: make them a script of the repository")),
        _ => Ok(found),
    }
}

/// A command line as arguments; what a shell would make something else of is refused.
fn arguments(line: &str) -> Result<Vec<String>, String> {
    if visible(line) != line || line.contains(char::REPLACEMENT_CHARACTER) {
        return Err("it has invisible characters".to_owned());
    }
    if let Some(what) = of_shell(line) {
        return Err(format!(
            "{what} needs a shell, and flightdeck starts none: make it a script of the repository, or run it yourself"
        ));
    }
    let words = shell_words::split(line).map_err(|_| "a quote in it is not closed".to_owned())?;
    let Some(program) = words.first().filter(|program| !program.is_empty()) else {
        return Err("no command in it".to_owned());
    };
    if program.contains('{') {
        return Err("the program is a placeholder".to_owned());
    }
    let name = program.split('/').next().unwrap_or_default();
    if name.contains('=') || OF_A_SHELL.contains(&program.as_str()) {
        return Err(format!(
            "`{}` means something to a shell only, and flightdeck starts none",
            visible(program)
        ));
    }
    Ok(words)
}

/// What of a line only a shell makes something of; `None`: it is nothing but words.
fn of_shell(line: &str) -> Option<String> {
    let mut quote = None;
    let mut before = ' ';
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (_, '\\') if quote != Some('\'') => {
                chars.next();
            }
            (_, '$' | '`') if quote != Some('\'') => return Some(format!("`{c}`")),
            (None, '\'' | '"') => quote = Some(c),
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*') => return Some(format!("`{c}`")),
            (None, '~') if before == ' ' => return Some("`~`".to_owned()),
            (None, '{') => {
                let inside =
                    line.get(at + 1..).and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside);
                if inside.is_some_and(|inside| inside.contains(',') || inside.contains("..")) {
                    return Some("`{…}`".to_owned());
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// What stands between `---` at the beginning of a file.
struct Matter<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl Matter<'_> {
    fn all(&self, key: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(name, _)| *name == key).flat_map(|(_, values)| values);
        found.map(|value| (*value).to_owned()).collect()
    }

    fn first(&self, key: &str) -> Option<String> {
        self.all(key).into_iter().next()
    }
}

/// The front matter of a text, and what follows it. Only keys with a text or a plain list are understood.
fn front_matter(text: &str) -> (Matter<'_>, &str) {
    let none = (Matter(Vec::new()), text);
    let Some(inside) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return none;
    };
    let Some(end) = inside.find("\n---") else { return none };
    let (matter, rest) = inside.split_at(end);
    let Some((_, rest)) = rest.get(1..).and_then(|rest| rest.split_once('\n')) else { return none };
    let mut keys: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in matter.lines() {
        if let (Some(item), Some((_, values))) = (line.trim_start().strip_prefix("- "), keys.last_mut()) {
            values.push(unquoted(item));
        } else if let Some((key, value)) = line.split_once(':') {
            let value = value.trim();
            let list = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
            let values = match list {
                Some(list) => list.split(',').map(unquoted).collect(),
                None => vec![unquoted(value)],
            };
            keys.push((key.trim(), values.into_iter().filter(|value| !value.is_empty()).collect()));
        }
    }
    (Matter(keys), rest)
}

fn unquoted(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// A probe that fails, and what its configuration names to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its `runbook`; may be an address.
    pub runbook: Option<&'a str>,
}

/// The runbooks that fit what fails and what is suspected, best first, each with why.
pub fn suggested<'a>(
    runbooks: &'a [Runbook],
    failing: &[Failing<'_>],
    suspects: &[&str],
) -> Vec<(&'a Runbook, String)> {
    let mut found: Vec<(u8, &Runbook, String)> = Vec::new();
    for runbook in runbooks {
        let why = failing.iter().filter_map(|probe| Some((fits(runbook, probe)?, probe.name)));
        let by_probe = why.min_by_key(|(rank, _)| *rank);
        let covered = || {
            let path =
                suspects.iter().find(|path| runbook.covers.iter().any(|under| is_below(path, under)))?;
            Some((3, format!("{} changed", visible(path))))
        };
        let found_one =
            by_probe.map(|(rank, probe)| (rank, format!("{} fails", visible(probe)))).or_else(covered);
        found.extend(found_one.map(|(rank, why)| (rank, runbook, why)));
    }
    found.sort_by_key(|(rank, runbook, _)| (*rank, &runbook.path));
    found.into_iter().map(|(_, runbook, why)| (runbook, why)).collect()
}

/// The runbook that fits best what fails, of those that are not passed over.
pub fn to_read(
    runbooks: &[Runbook],
    failing: &[Failing<'_>],
    passed_over: impl Fn(&Runbook) -> bool,
) -> Option<RunbookFor> {
    if failing.is_empty() {
        return None;
    }
    let (one, why) = suggested(runbooks, failing, &[]).into_iter().find(|(one, _)| !passed_over(one))?;
    Some(RunbookFor { path: one.path.clone(), title: one.title.clone(), why })
}

/// How well a runbook fits a probe: named by it, naming it, or called like it.
fn fits(runbook: &Runbook, probe: &Failing<'_>) -> Option<u8> {
    if probe.runbook == Some(runbook.path.as_str()) {
        return Some(0);
    }
    if runbook.probes.iter().any(|name| name == probe.name) {
        return Some(1);
    }
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let wanted = words(probe.name);
    let is_in = |text: &str| {
        let there = words(text);
        !wanted.is_empty() && there.windows(wanted.len()).any(|some| some == wanted)
    };
    (is_in(&runbook.title) || is_in(stem(&runbook.path))).then_some(2)
}

fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_start_matches("./").trim_end_matches(['/', '*']);
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The title of the plan that runs a block of a runbook.
pub fn title(path: &str, number: usize) -> String {
    format!("runbook {path}, block {number}")
}

/// The runbook whose commands a plan ran.
fn of_plan(plan: &PlanRun) -> Option<&str> {
    let (path, _) = plan.title.strip_prefix("runbook ")?.rsplit_once(", block ")?;
    (plan.purpose == "runbook").then_some(path)
}

/// The runbooks of which commands were run, once each, in the order of their first use.
pub fn used(state: &State) -> Vec<&str> {
    let mut used = Vec::new();
    for path in state.plans.iter().filter_map(of_plan) {
        if !used.contains(&path) {
            used.push(path);
        }
    }
    used
}

/// What somebody noted as odd about a runbook: notes that name its path or its file.
pub fn odd<'a>(state: &'a State, path: &str) -> Vec<&'a str> {
    let names = [path.to_lowercase(), format!("{} runbook", stem(path).to_lowercase())];
    let is_odd = |kind| kind == EntryKind::Note(NoteKind::Problem);
    let entries = state.timeline.iter().filter(|entry| is_odd(entry.kind) && entry.retracted.is_none());
    let about = |text: &str| {
        let text = text.to_lowercase();
        let file = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        names.iter().any(|name| text.contains(name)) || text.contains(&file)
    };
    entries.map(|entry| entry.text).filter(|text| about(text)).collect()
}

/// The lines of a text that have some words in them, each with its number from 1.
pub fn lines<'a>(text: &'a str, words: &str) -> Vec<(usize, &'a str)> {
    let words = words.to_lowercase();
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| line.to_lowercase().contains(&words)).collect()
}

/// The words of a block, for whoever shows it without drawing it.
pub fn words(block: &Block) -> String {
    match block {
        Block::Heading { text, .. } | Block::Paragraph { text, .. } | Block::Item { text, .. } => plain(text),
        Block::Code { text, .. } => text.clone(),
        Block::Table { .. } | Block::Rule => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::new("runbooks/pool.md", text, String::new(), String::new())
    }

    fn lines_of(block: &str) -> Result<Vec<Vec<String>>, String> {
        let page = page(&format!("# x\n\n```sh\n{block}\n```\n"));
        page.commands[0].lines.clone()
    }

    #[test]
    fn a_runbook_says_what_it_is_for() {
        let text = "---\ntitle: \"The pool is exhausted\"\nprobes: [db, 'api health']\npaths:\n  - src/db\n---\n# Pool\n";
        let runbook = Runbook::of("runbooks/db/pool.md", text);
        assert_eq!(runbook.title, "The pool is exhausted");
        assert_eq!(
            (runbook.probes, runbook.covers),
            (vec!["db".into(), "api health".into()], vec!["src/db".into()])
        );
        assert_eq!(Runbook::of("runbooks/a-b.md", "no heading").title, "a-b");
        assert_eq!(Runbook::of("a.md", "---\nnever closed\n# Head").title, "Head");
        assert!(
            page(text).blocks.iter().all(|block| words(block) != "title"),
            "the front matter is not shown"
        );
    }

    #[test]
    fn a_block_of_commands_is_lists_of_arguments() {
        let said = lines_of(
            "# look first\n$ kubectl get pods -l 'app=shop api' \\\n  --context {env}\n./drain.sh 5\n",
        );
        let words: Vec<Vec<String>> = said.unwrap();
        assert_eq!(words[0], ["kubectl", "get", "pods", "-l", "app=shop api", "--context", "{env}"]);
        assert_eq!(words[1], ["./drain.sh", "5"]);
        let console =
            page("```console reaches=staging\n$ ./pool.sh\n97 of 100 | in use\n```\n\n```json\n{}\n```\n");
        assert_eq!(console.commands.len(), 1);
        assert_eq!(console.commands[0].reaches.as_deref(), Some("staging"));
        assert_eq!(console.commands[0].lines, Ok(vec![vec!["./pool.sh".to_owned()]]));
    }

    #[test]
    fn what_needs_a_shell_is_refused_and_says_why() {
        for (line, why) in [
            ("ps aux | grep x", "`|` needs a shell"),
            ("a && b", "`&` needs a shell"),
            ("echo $HOME", "`$` needs a shell"),
            ("echo \"$(id)\"", "`$` needs a shell"),
            ("echo `id`", "``` needs a shell"),
            ("rm *.log", "`*` needs a shell"),
            ("cat < x", "`<` needs a shell"),
            ("cat ~/x", "`~` needs a shell"),
            ("echo {a,b}", "`{…}` needs a shell"),
            ("cd /tmp", "`cd` means something to a shell only"),
            ("A=b ./x", "`A=b` means something to a shell only"),
            ("echo 'a", "a quote in it is not closed"),
            ("echo \u{202e}x", "invisible characters"),
            ("echo a\\", "goes on and does not"),
            ("{ref} --force", "the program is a placeholder"),
            ("# nothing", "no command"),
        ] {
            let said = lines_of(line).unwrap_err();
            assert!(said.contains(why), "{line}: {said}");
        }
        assert_eq!(lines_of("echo '$HOME | x' a\\;b").unwrap()[0], ["echo", "$HOME | x", "a;b"]);
    }

    #[test]
    fn what_fits_best_is_suggested_first() {
        let of = |path: &str, text: &str| Runbook::of(path, text);
        let runbooks = [
            of("runbooks/api-health.md", "# Something else"),
            of("runbooks/b.md", "---\nprobes: [api health]\n---\n"),
            of("runbooks/c.md", "# C"),
            of("runbooks/d.md", "---\npaths: [src/db/]\n---\n"),
            of("runbooks/rapid.md", "# rapi healthy"),
        ];
        let failing = [Failing { name: "api health", runbook: Some("runbooks/c.md") }];
        let found = suggested(&runbooks, &failing, &["src/db/pool.rs"]);
        let paths: Vec<_> = found.iter().map(|(one, _)| one.path.as_str()).collect();
        assert_eq!(paths, ["runbooks/c.md", "runbooks/b.md", "runbooks/api-health.md", "runbooks/d.md"]);
        assert_eq!(
            (found[0].1.as_str(), found[3].1.as_str()),
            ("api health fails", "src/db/pool.rs changed")
        );
        assert!(suggested(&runbooks, &[], &["src/database.rs"]).is_empty());
    }
}
