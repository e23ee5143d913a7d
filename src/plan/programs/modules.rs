//! Modules: files that an interpreter is told of by a name, and looks for itself.

use super::words::Word;
use super::{base, is_python};

/// What the interpreters of a language make of the name of a module.
struct Language {
    /// What stands between the parts of a name.
    between: &'static str,
    /// What is put behind it.
    ends: &'static [&'static str],
    /// The letters of the options that name one.
    options: &'static str,
    /// Letters that may stand before them in one word.
    flags: &'static str,
}

const PYTHON: Language = Language {
    between: ".",
    ends: &[".py", "/__init__.py", "/__main__.py"],
    options: "m",
    flags: "bBdEhiIOPqsSuvVx",
};
const PERL: Language =
    Language { between: "::", ends: &[".pm", ".pl"], options: "mM", flags: "acfnpsStTuUwWX" };
const RUBY: Language = Language { between: "/", ends: &[".rb"], options: "r", flags: "adlnpsSvw" };
const NODE: Language =
    Language { between: "/", ends: &[".js", ".cjs", ".mjs", ".ts", "/index.js"], options: "r", flags: "" };

/// Words by which a program brings in another.
const BRING_IN: [&str; 5] = ["import", "require", "use", "load", "run_module"];

impl Language {
    fn of(program: &str) -> Option<&'static Self> {
        match base(program) {
            "perl" => Some(&PERL),
            "ruby" => Some(&RUBY),
            "node" | "nodejs" | "bun" | "tsx" | "ts-node" => Some(&NODE),
            _ => is_python(program).then_some(&PYTHON),
        }
    }

    /// What an option names a module with; empty where the next word does.
    fn option<'a>(&self, word: &'a str) -> Option<&'a str> {
        if ["--require", "--import"].contains(&word) {
            return Some("");
        }
        let letters = word.strip_prefix('-')?.trim_start_matches(|c| self.flags.contains(c));
        letters.strip_prefix(|c| self.options.contains(c))
    }

    fn files(&self, name: &str) -> Vec<String> {
        let name = name.split('=').next().unwrap_or_default();
        let is_part = |c: char| c.is_alphanumeric() || "_-./:".contains(c);
        if !name.chars().all(is_part) || !name.contains(char::is_alphanumeric) {
            return Vec::new();
        }
        let path = name.replace(self.between, "/");
        let around = path.match_indices('/').map(|(at, _)| path.get(..at).unwrap_or_default());
        let packages =
            around.filter(|_| self.between == PYTHON.between).map(|at| format!("{at}/__init__.py"));
        self.ends.iter().map(|end| format!("{path}{end}")).chain(packages).collect()
    }
}

/// The files of the modules that an option names: `python -m ops.deploy`, `perl -MOps::Deploy`, `ruby -r./deploy`.
pub(super) fn asked_for(words: &[Word]) -> Vec<String> {
    let mut found = Vec::new();
    for (language, words) in spoken(words) {
        for (at, word) in words.iter().enumerate() {
            let named = match language.option(&word.plain) {
                Some("") => words.get(at + 1).map(|next| next.plain.as_str()),
                named => named,
            };
            found.extend(named.into_iter().flat_map(|name| language.files(name)));
        }
    }
    found
}

/// The files of the modules that a program may bring in which stands in the command itself: `python -c 'import
/// deploy'`, `perl -e 'use Deploy'`.
pub(super) fn brought_in(words: &[Word]) -> Vec<String> {
    let mut found = Vec::new();
    for (language, words) in spoken(words) {
        let text = || words.iter().filter(|word| word.text).map(|word| word.plain.as_str());
        if !text().any(|word| BRING_IN.iter().any(|verb| word.contains(verb))) {
            continue;
        }
        // `from ops import deploy`
        let (mut before, mut from) = ("", "");
        for word in text() {
            match word {
                "import" => from = before,
                "from" => from = "",
                _ => {
                    let names = word.split(',').filter(|name| !name.is_empty());
                    for name in names {
                        found.extend(language.files(name));
                        if !from.is_empty() {
                            found.extend(language.files(&format!("{from}{}{name}", language.between)));
                        }
                    }
                }
            }
            before = word;
        }
    }
    found
}

/// Each interpreter that has modules, with what stands behind it.
fn spoken(words: &[Word]) -> impl Iterator<Item = (&'static Language, &[Word])> {
    let with_rest =
        words.iter().enumerate().map(|(at, word)| (word, words.get(at + 1..).unwrap_or_default()));
    with_rest.filter_map(|(word, rest)| Some((Language::of(&word.plain)?, rest)))
}
