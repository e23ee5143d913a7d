//! What an action must be: a program, what it reaches, and words in braces that are known.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Need, command, entries, label, placeholders, text, texts, variables};
use crate::config::problem::Problem;
use crate::config::types::Reaches;

/// Words in braces that are filled in for every action; one that reaches an environment knows its name, too.
const WORDS: [&str; 3] = ["ref", "commit", "env"];

/// Reports every mistake of meaning in an action.
pub(super) fn check(entry: &Spanned<DeValue<'_>>, environments: &[&str], found: &mut Vec<Problem>) {
    let Some(action) = entry.get_ref().as_table() else { return };
    command(action, "run", Need::Program, found);
    variables(action, found);
    label(action, "title", found);
    let mut has_environment = true;
    if let Some((reaches, span)) = text(action, "reaches") {
        let is_word = [Reaches::NOTHING, Reaches::OTHERS].contains(&reaches);
        has_environment = !is_word || environments.contains(&reaches);
        if !is_word && !environments.contains(&reaches) {
            let words = [Reaches::NOTHING, Reaches::OTHERS];
            let known: Vec<&str> = environments.iter().copied().chain(words).collect();
            let message = format!("`{reaches}` is not an environment, `nothing` or `others`");
            let problem = Problem::new(span, message).suggest(reaches, known.iter().copied());
            found.push(problem);
        }
    }
    let words = if has_environment { &WORDS[..] } else { &WORDS[..2] };
    for (word, span) in texts(action, "run") {
        placeholders(word, &span, words, found);
    }
}

/// Makes a problem about the key of an action, which is known by its place in the file.
pub fn bad_key(source: &str, index: usize, why: &str) -> Option<Problem> {
    let tree = DeTable::parse(source).ok()?;
    let entry = entries(tree.get_ref(), "actions").nth(index)?;
    let (_, span) = text(entry.get_ref().as_table()?, "key")?;
    Some(Problem::new(span, why))
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    fn problems(text: &str) -> Vec<String> {
        load::parse(text.as_bytes()).map_or_else(|invalid| invalid.lines(), |_| Vec::new())
    }

    #[test]
    fn an_action_says_what_it_reaches_and_names_a_program() {
        let all = "[[environments]]\nname = \"staging\"\ndeploy = [\"x\"]\n[[actions]]\nname = \"a\"\n";
        let sound = format!("{all}run = [\"./a.sh\", \"{{env}}\", \"{{ref}}\"]\nreaches = \"staging\"\n");
        assert!(problems(&sound).is_empty(), "{:?}", problems(&sound));
        for (rest, said) in [
            ("run = [\"a\"]\n", "`reaches` is missing"),
            ("run = [\"a\"]\nreaches = \"stagng\"\n", "`stagng` is not an environment"),
            ("run = []\nreaches = \"nothing\"\n", "`run` is empty"),
            (
                "run = [\"a\", \"{env}\"]\nreaches = \"nothing\"\n",
                "unknown placeholder {env}; known: ref, commit",
            ),
            ("run = [\"a\", \"{version}\"]\nreaches = \"staging\"\n", "unknown placeholder {version}"),
            ("run = [\"a\"]\nreaches = \"others\"\nscope = \"helth\"\n", "`scope` cannot be `helth`"),
            ("run = [\"a\"]\nreaches = \"others\"\nenv = [\"A=b\"]\n", "environment variable"),
        ] {
            let found = problems(&format!("{all}{rest}"));
            assert!(found.iter().any(|line| line.contains(said)), "{rest}: {found:?}");
        }
        for (key, title) in
            [("title", "x".repeat(201)), ("title", "a\u{202e}b".into()), ("name", "x".repeat(201))]
        {
            let text = format!("[[actions]]\nrun = [\"a\"]\nreaches = \"others\"\n{key} = \"{title}\"\n");
            let named = if key == "name" { text } else { format!("{text}name = \"a\"\n") };
            let found = problems(&named);
            assert!(
                found.iter().any(|line| line.contains("cannot be") || line.contains("invisible")),
                "{key}: {found:?}"
            );
        }
        let twice = format!("{sound}[[actions]]\nname = \"a\"\nrun = [\"b\"]\nreaches = \"others\"\n");
        assert!(problems(&twice)[0].contains("duplicate"), "{:?}", problems(&twice));
    }
}
