//! Reads a source file by its tokens: which paths it names, wherever in it they stand, and what of it
//! is compiled for tests alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A source file: its module path and its text.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// `health::http`.
    pub(super) module: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn folder(&self) -> &str {
        self.module.split("::").next().unwrap_or_default()
    }

    /// Reads the whole file as the compiler would, without what is compiled for tests alone.
    fn read(&self) -> Reading {
        let tokens: TokenStream = self.text.parse().unwrap_or_else(|error| {
            panic!("{} is not Rust: {error}", self.path.display());
        });
        let mut reading = Reading::default();
        reading.walk(&tokens.into_iter().collect::<Vec<_>>());
        reading
    }

    /// Paths it names outside its tests, `crate::` taken off and renamed imports resolved:
    /// `journal::Journal`, `std::fs::File`.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let reading = self.read();
        let resolved = reading.paths.iter().map(|path| {
            let (first, rest) = path.split_once("::").unwrap_or((path, ""));
            if reading.modules.contains(first) {
                return format!("crate::{}::{path}", self.module);
            }
            match reading.imported.get(first) {
                Some(full) if rest.is_empty() => full.clone(),
                Some(full) => format!("{full}::{rest}"),
                None => path.clone(),
            }
        });
        resolved.map(|path| self.absolute(&path)).collect()
    }

    /// What it says in quotes outside its tests.
    pub(super) fn texts(&self) -> Vec<String> {
        self.read().texts
    }

    /// A path as seen from the root of the crate.
    fn absolute(&self, path: &str) -> String {
        let mut here: Vec<&str> = self.module.split("::").collect();
        let mut rest = path;
        if let Some(path) = rest.strip_prefix("crate::").or_else(|| rest.strip_prefix("flightdeck::")) {
            return path.to_owned();
        }
        if let Some(path) = rest.strip_prefix("self::") {
            return format!("{}::{path}", self.module);
        }
        if !rest.starts_with("super::") {
            return rest.to_owned();
        }
        while let Some(path) = rest.strip_prefix("super::") {
            // From within a module of the file itself there is one more to leave.
            here.pop();
            rest = path;
        }
        here.push(rest);
        here.join("::")
    }

    /// The modules in files of their own that it declares for tests alone.
    pub(super) fn test_modules(&self) -> Vec<String> {
        let beside = self.module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let declared = self.read().test_modules.into_iter().map(|(name, file)| match file {
            Some(file) => format!("{beside}::{}", file.trim_end_matches(".rs")),
            None => format!("{}::{name}", self.module),
        });
        declared.collect()
    }
}

/// What the tokens of a file say.
#[derive(Default)]
struct Reading {
    /// Paths of two parts or more, as written.
    paths: BTreeSet<String>,
    /// What is imported, by the name it goes by in the file.
    imported: BTreeMap<String, String>,
    /// Modules below its own.
    modules: BTreeSet<String>,
    /// Texts in quotes, as written; no attribute, and so no documentation.
    texts: Vec<String>,
    /// Modules declared for tests alone, and the file where one is named.
    test_modules: Vec<(String, Option<String>)>,
}

/// Tells whether an attribute is this one: `cfg(test)`.
fn is_attribute(tokens: &[TokenTree], text: &str) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = tokens else { return false };
    hash.as_char() == '#' && group.stream().to_string().replace(' ', "") == text
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

/// The tokens after a `::` that these begin with.
fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    (is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':')).then(|| &tokens[2..])
}

impl Reading {
    fn walk(&mut self, mut tokens: &[TokenTree]) {
        if is_punct(tokens.first(), '#') && is_punct(tokens.get(1), '!') {
            let inner: Vec<_> = tokens[..1].iter().chain(&tokens[2..]).take(2).cloned().collect();
            if is_attribute(&inner, "cfg(test)") {
                return;
            }
        }
        while let Some(token) = tokens.first() {
            if is_attribute(tokens, "cfg(test)") {
                tokens = self.skip_item(&tokens[2..]);
                continue;
            }
            if let (true, Some(TokenTree::Group(attribute))) = (is_punct(Some(token), '#'), tokens.get(1)) {
                let before = self.texts.len();
                self.walk(&attribute.stream().into_iter().collect::<Vec<_>>());
                self.texts.truncate(before);
                tokens = &tokens[2..];
                continue;
            }
            match token {
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    self.texts.extend(text.starts_with('"').then_some(text));
                }
                // `impl Trait + use<'a>` imports nothing.
                TokenTree::Ident(word) if *word == "use" && !is_punct(tokens.get(1), '<') => {
                    let end = tokens.iter().position(|t| is_punct(Some(t), ';')).unwrap_or(tokens.len());
                    self.import(&tokens[1..end], "");
                    tokens = &tokens[end..];
                    continue;
                }
                TokenTree::Ident(word) if *word == "mod" => {
                    self.modules.extend(tokens.get(1).map(ToString::to_string));
                    tokens = &tokens[1..];
                    continue;
                }
                TokenTree::Ident(word) => {
                    let mut path = word.to_string();
                    let mut rest = &tokens[1..];
                    while let Some(next) = after_colons(rest)
                        && let Some(TokenTree::Ident(word)) = next.first()
                    {
                        path = format!("{path}::{word}");
                        rest = &next[1..];
                    }
                    if path.contains("::") {
                        self.paths.insert(path);
                    }
                    tokens = rest;
                    continue;
                }
                // A clock that is read by what it showed before.
                TokenTree::Punct(dot) if dot.as_char() == '.' => {
                    if let [_, TokenTree::Ident(name), TokenTree::Group(group), ..] = tokens
                        && *name == "elapsed"
                        && group.delimiter() == Delimiter::Parenthesis
                        && group.stream().is_empty()
                    {
                        self.paths.insert("std::time::Instant::elapsed".to_owned());
                    }
                }
                TokenTree::Group(group) => self.walk(&group.stream().into_iter().collect::<Vec<_>>()),
                TokenTree::Punct(_) => {}
            }
            tokens = &tokens[1..];
        }
    }

    /// Takes in one tree of a `use`: `a::{b, c::d as e}` is two.
    fn import(&mut self, tree: &[TokenTree], prefix: &str) {
        let join = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
        // `::std` is `std`.
        let tree = after_colons(tree).unwrap_or(tree);
        match tree {
            [TokenTree::Ident(name), rest @ ..] if after_colons(rest).is_some() => {
                self.import(after_colons(rest).unwrap_or_default(), &join(&name.to_string()));
            }
            [TokenTree::Ident(name), rest @ ..] => {
                let name = name.to_string();
                let path = if name == "self" { prefix.to_owned() } else { join(&name) };
                let goes_by = match rest {
                    [TokenTree::Ident(_), TokenTree::Ident(other)] => other.to_string(),
                    _ => path.rsplit("::").next().unwrap_or_default().to_owned(),
                };
                // A trait that is imported for its methods alone has no name of its own.
                let goes_by = if goes_by == "_" { path.clone() } else { goes_by };
                self.paths.insert(path.clone());
                self.imported.insert(goes_by, path);
            }
            [TokenTree::Group(group)] => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                for part in inside.split(|token| is_punct(Some(token), ',')) {
                    self.import(part, prefix);
                }
            }
            [star] if is_punct(Some(star), '*') => {
                self.paths.insert(join("*"));
            }
            _ => {}
        }
    }

    /// Leaves out what an attribute stands before; returns what comes behind it.
    fn skip_item<'a>(&mut self, mut tokens: &'a [TokenTree]) -> &'a [TokenTree] {
        let mut file = None;
        while is_punct(tokens.first(), '#') {
            if let Some(TokenTree::Group(group)) = tokens.get(1) {
                let text = group.stream().to_string();
                if let Some(named) = text.strip_prefix("path = ") {
                    file = Some(named.trim_matches('"').to_owned());
                }
            }
            tokens = &tokens[2.min(tokens.len())..];
        }
        let words: Vec<String> = tokens
            .iter()
            .take(4)
            .filter_map(
                |token| if let TokenTree::Ident(word) = token { Some(word.to_string()) } else { None },
            )
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "pub").collect();
        if let ["mod", name, ..] = *words
            && tokens.iter().take(5).any(|token| is_punct(Some(token), ';'))
        {
            self.test_modules.push((name.to_owned(), file));
        }
        // A field, a variant or an arm ends with a comma; in an item one may stand anywhere.
        let items = [
            "mod",
            "use",
            "fn",
            "struct",
            "enum",
            "impl",
            "const",
            "static",
            "trait",
            "type",
            "extern",
            "let",
            "unsafe",
            "async",
            "macro_rules",
        ];
        let is_item = words.first().is_some_and(|word| items.contains(word));
        let end = tokens.iter().position(|token| match token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            token => is_punct(Some(token), ';') || (!is_item && is_punct(Some(token), ',')),
        });
        &tokens[end.map_or(tokens.len(), |end| end + 1)..]
    }
}

#[test]
fn the_reader_of_imports_sees_them_all() {
    let text = r#"
        use crate::{journal::Journal, text};
        use super::super::cli::{a, b::{c, d}};
        use super::http; // crate::comment::x
        use std::time::Instant as Beat;
        const TEXT: &str = "crate::string::x // ";
        struct S { #[cfg(test)] only: crate::field::Test, also: crate::field::Kept }
        #[cfg(test)]
        mod tests { use crate::runtime::x; }
        #[cfg(test)]
        pub(crate) mod testing;
        fn f() { std::fs::read("x"); crate::tui::draw(); Beat::now() }
        #[cfg(test)]
        fn g<A, B>() { crate::function::of_tests() }
        fn h() { vec![crate::plan::step()] }
        fn i<'a>() -> impl Fn() + use<'a> { crate::captured::path() }
    "#;
    let source =
        Source { path: "src/x.rs".into(), module: "health::rules".to_owned(), text: text.to_owned() };
    let names = source.names();
    for expected in [
        "journal::Journal",
        "text",
        "cli::a",
        "cli::b::d",
        "health::http",
        "std::fs::read",
        "tui::draw",
        "field::Kept",
        "std::time::Instant::now",
        "plan::step",
        "captured::path",
    ] {
        assert!(names.contains(expected), "{expected} in {names:?}");
    }
    for other in ["comment", "string", "runtime", "Test", "of_tests"] {
        assert!(!names.iter().any(|name| name.contains(other)), "{other} in {names:?}");
    }
    assert_eq!(source.test_modules(), ["health::rules::testing"]);
}
