//! Templates of messages: those that come with it, and a team's own in their place.

use std::fmt::Write as _;
use std::thread;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::incident::MessageKind;

/// Steps that a template may take: one that goes on and on is an error, not a screen that hangs.
const FUEL: u64 = 200_000;
/// Most bytes of one, and of what comes of it.
const MOST: usize = 64 * 1024;
/// Most characters of a single tag: what is longer is nested or chained by no person.
const LONGEST_TAG: usize = 1000;
/// Bytes of stack for one: the parser goes a step deeper with each `-`, `not`, `|filter` and `elif`, and a stack that
/// overflows ends the program. No template of that size gets to the end of this.
const STACK: usize = 256 << 20;
/// Bytes of one that any stack is enough for: it need not be filled in on one of its own.
const SHORT: usize = 2048;

/// The template that comes with it.
pub fn built_in(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Alert => include_str!("../../assets/templates/alert.txt"),
        MessageKind::Update => include_str!("../../assets/templates/update.txt"),
        MessageKind::Resolved => include_str!("../../assets/templates/resolved.txt"),
        MessageKind::Rollback => include_str!("../../assets/templates/rollback.txt"),
        MessageKind::Handoff => include_str!("../../assets/templates/handoff.txt"),
        MessageKind::Brief => include_str!("../../assets/templates/brief.txt"),
        MessageKind::Page => include_str!("../../assets/templates/page.txt"),
    }
}

/// Fills a template in. `name` is what it is called in an error.
///
/// # Errors
/// It cannot be read or filled: where and why, in one line.
pub(super) fn fill(name: &str, source: &str, values: &Value) -> Result<String, String> {
    bounded(name, source)?;
    // So little cannot go deep.
    if source.len() <= SHORT {
        return filled(name, source, values);
    }
    let cannot = |why: String| format!("{name}: it cannot be filled in: {why}");
    thread::scope(|scope| {
        let filled = || filled(name, source, values);
        let filling = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, filled);
        let filling = filling.map_err(|error| cannot(error.to_string()))?;
        filling.join().unwrap_or_else(|_| Err(cannot("the template is at fault".to_owned())))
    })
}

/// Fills it in, on whatever stack it takes.
fn filled(name: &str, source: &str, values: &Value) -> Result<String, String> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let syntax = syntax.map_err(|error| said(name, &error))?;
    let mut env = Environment::new();
    env.set_syntax(syntax);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(FUEL));
    env.set_debug(false);
    // By it a loop could put a list into a list without end.
    env.add_function("namespace", no_namespace);
    let filled = env.render_named_str(name, source, values.clone()).map_err(|error| said(name, &error))?;
    if filled.len() > MOST {
        return Err(format!("{name}: what it makes is longer than {} KiB", MOST >> 10));
    }
    Ok(filled)
}

fn no_namespace(_: Rest<Value>) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, "`namespace` is not supported"))
}

/// Refuses what no person writes, before anything parses it.
fn bounded(name: &str, source: &str) -> Result<(), String> {
    if source.len() > MOST {
        return Err(format!("{name}: it is longer than {} KiB", MOST >> 10));
    }
    let mut rest = source;
    while let Some(at) = ["{{", "{%", "{#"].into_iter().filter_map(|open| rest.find(open)).min() {
        let tag = rest.get(at..).unwrap_or_default();
        let (end, inside) = tag_end(tag);
        if !tag.starts_with("{#") && tag.get(..end).unwrap_or(tag).chars().count() > LONGEST_TAG {
            let before = source.get(..source.len() - tag.len()).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            return Err(format!("{name}, line {line}: a tag is longer than {LONGEST_TAG} characters"));
        }
        rest = tag.get(end..).unwrap_or_default();
        if tag.starts_with("{%") && inside == "raw" {
            rest = rest.find("endraw").and_then(|at| rest.get(at..)).unwrap_or_default();
        }
    }
    Ok(())
}

/// Where a tag at the start of a text ends, and what stands in it. A text in it may hold what ends others.
fn tag_end(tag: &str) -> (usize, &str) {
    let closes = match tag.as_bytes().get(1) {
        Some(b'{') => "}}",
        Some(b'%') => "%}",
        _ => "#}",
    };
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in tag.char_indices().skip(2) {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if tag.get(at..).is_some_and(|rest| rest.starts_with(closes)) => {
                let inside = tag.get(2..at).unwrap_or_default();
                return (at + closes.len(), inside.trim_matches(['-', '+', ' ', '\t', '\n']));
            }
            None if matches!(c, '"' | '\'') && closes != "#}" => quote = Some(c),
            Some(_) | None => {}
        }
    }
    (tag.len(), "")
}

/// An error in one line: the file, the line, and what is wrong there.
fn said(name: &str, error: &Error) -> String {
    let mut text = name.to_owned();
    if let Some(line) = error.line() {
        // Writing to a text cannot fail.
        let _ = write!(text, ", line {line}");
    }
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let _ = write!(text, ": {what}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(source: &str) -> Result<String, String> {
        fill("update.txt", source, &minijinja::context! { a => 1 })
    }

    #[test]
    fn a_template_that_nests_without_end_is_a_mistake_with_its_line() {
        for chain in ["-".repeat(50_000), "not ".repeat(15_000), "1~".repeat(30_000), "1|abs+".repeat(10_000)]
        {
            for source in [format!("U\n{{{{ {chain}a }}}}"), format!("U\n{{% if {chain}a %}}x{{% endif %}}")]
            {
                let why = made(&source).unwrap_err();
                assert_eq!(why, "update.txt, line 2: a tag is longer than 1000 characters");
            }
        }
        assert_eq!(made(&"x".repeat(70_000)).unwrap_err(), "update.txt: it is longer than 64 KiB");
        let sound = "{# a 'comment #}{{ '}}' ~ \"{%\" }}{% raw %}{{ '{% endraw %}.";
        assert_eq!(made(sound).unwrap(), "}}{%{{ '.");
    }

    #[test]
    fn what_is_chained_over_many_tags_ends_no_program() {
        let elifs = format!("{{%if a>1%}}{}{{%else%}}x{{%endif%}}", "{%elif a>1%}".repeat(5_000));
        assert_eq!(made(&elifs).unwrap(), "x");
        let lists = format!("{{%set x=[]%}}{}x", "{%set x=[x]%}".repeat(4_500));
        assert_eq!(made(&lists).unwrap(), "x");
        let looped =
            "{% set n = namespace(x=[]) %}{% for i in range(9000) %}{% set n.x = [n.x] %}{% endfor %}";
        assert!(made(looped).is_err(), "it takes no function that keeps what a loop makes");
    }

    #[test]
    fn what_is_short_goes_no_deeper_than_any_stack() {
        // A test has two megabytes.
        let nots = "not ".repeat(240);
        let unary = format!("{{{{ {}a }}}}{{{{ {nots}a }}}}", "-".repeat(980));
        assert!(unary.len() <= SHORT && made(&unary).is_ok());
        let elifs = format!("{{%if a>1%}}{}{{%endif%}}", "{%elif a%}".repeat(200));
        assert!(elifs.len() > SHORT - 50 && elifs.len() <= SHORT && made(&elifs).is_ok());
        let ifs = format!("{}{}", "{%if a%}".repeat(110), "{%endif%}".repeat(110));
        assert!(ifs.len() <= SHORT);
        drop(made(&ifs));
    }

    #[test]
    fn there_is_stack_enough_for_any_template_of_that_size() {
        // A tenth of both: the time it takes grows with the square.
        let minuses = format!("{{{{ {}a }}}}", "-".repeat(6_500));
        let filling = thread::Builder::new().stack_size(STACK / 10);
        let filling = filling.spawn(move || filled("x", &minuses, &Value::UNDEFINED)).unwrap();
        assert!(filling.join().unwrap().is_err());
    }
}
