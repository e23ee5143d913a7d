//! Fills the words in braces of configured commands. Pure.

use std::collections::BTreeMap;

use super::Resolved;
use crate::failure::{Failure, Result};
use crate::plan::{Command, Probe};
use crate::text::visible;

/// What the words in braces of one environment's commands stand for. Each is also set as a
/// variable (`{ref}` as `FLIGHTDECK_REF`), so that a script need not take arguments.
#[derive(Debug, Clone)]
pub struct Fill<'a> {
    doing: &'a str,
    environment: String,
    cwd: String,
    env: &'a [String],
    words: Vec<(&'static str, String)>,
}

impl<'a> Fill<'a> {
    /// Knows `{env}` alone. Commands run in `cwd` and get the variables named by `env`.
    ///
    /// # Errors
    /// A value that a program could take for an option, or that no argument can hold.
    pub fn new(doing: &'a str, environment: &str, cwd: &str, env: &'a [String]) -> Result<Self> {
        let fill =
            Self { doing, environment: environment.to_owned(), cwd: cwd.to_owned(), env, words: Vec::new() };
        fill.with("env", "environment", environment)
    }

    /// Knows `{env}`, `{ref}` and `{commit}`.
    ///
    /// # Errors
    /// As with [`Fill::new`].
    pub fn of(doing: &'a str, environment: &str, what: &Resolved, env: &'a [String]) -> Result<Self> {
        Self::new(doing, environment, &what.root, env)?.about(what)
    }

    /// Knows `{ref}` and `{commit}`: what it fills is about no environment.
    ///
    /// # Errors
    /// As with [`Fill::new`].
    pub fn beyond(doing: &'a str, what: &Resolved, env: &'a [String]) -> Result<Self> {
        let (environment, cwd, words) = (String::new(), what.root.clone(), Vec::new());
        Self { doing, environment, cwd, env, words }.about(what)
    }

    fn about(self, what: &Resolved) -> Result<Self> {
        let fill = self.with("ref", "reference", &what.reference)?;
        if what.commit.is_empty() { Ok(fill) } else { fill.with("commit", "commit", &what.commit) }
    }

    /// What is being done with the commands, for an error.
    pub fn doing(&self) -> &str {
        self.doing
    }

    /// Knows one word more; `kind` is what its value is called in an error.
    ///
    /// # Errors
    /// As with [`Fill::new`].
    pub fn with(mut self, word: &'static str, kind: &str, value: &str) -> Result<Self> {
        let cause = if value.starts_with('-') {
            "could be taken for an option"
        } else if value.chars().any(char::is_control) {
            "holds a control character"
        } else if value.is_empty() {
            "is empty"
        } else {
            self.words.push((word, value.to_owned()));
            return Ok(self);
        };
        Err(Failure::usage(
            self.doing,
            format!("the {kind} {:?} {cause}", visible(value)),
            "name a branch or tag that is a plain name",
        ))
    }

    /// Fills the words in braces, each exactly once: a value that itself looks like such a
    /// word stays what it is, and so do braces around anything else.
    pub fn text(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 40);
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            out.push_str(before);
            let inner = from.strip_prefix('{').unwrap_or_default();
            let found = inner.split_once('}').and_then(|(word, after)| {
                let (_, value) = self.words.iter().find(|(known, _)| *known == word)?;
                Some((value, after))
            });
            if let Some((value, after)) = found {
                out.push_str(value);
                rest = after;
            } else {
                out.push('{');
                rest = inner;
            }
        }
        out.push_str(rest);
        out
    }

    /// A command that is configured under `key` and has to be there.
    ///
    /// # Errors
    /// It is empty, or names no program.
    pub fn command(&self, argv: &[String], key: &str) -> Result<Command> {
        let Some(program) = argv.first() else {
            return Err(Failure::usage(
                self.doing,
                format!("{} has no `{key}` command", visible(&self.environment)),
                format!("add `{key} = [\"program\", \"argument\"]` to that environment in flightdeck.toml"),
            ));
        };
        if program.trim().is_empty() {
            let what = format!("`{key}` of {}", visible(&self.environment));
            return Err(no_program(self.doing, &what));
        }
        let variable = |(word, value): &(&str, String)| {
            (format!("FLIGHTDECK_{}", word.to_ascii_uppercase()), value.clone())
        };
        Ok(Command {
            argv: argv.iter().map(|argument| self.text(argument)).collect(),
            cwd: self.cwd.clone(),
            env: self.env.to_vec(),
            set: self.words.iter().map(variable).collect::<BTreeMap<_, _>>(),
        })
    }

    /// A probe that expects the first line of a command to be `expect`, filled in; `None` where
    /// the command is empty: nobody can tell.
    ///
    /// # Errors
    /// The command names no program.
    pub fn probe(&self, argv: &[String], key: &str, expect: &str) -> Result<Option<Probe>> {
        if argv.is_empty() {
            return Ok(None);
        }
        Ok(Some(Probe::command(self.command(argv, key)?, Some(self.text(expect)))))
    }
}

/// The failure of a command whose program is empty.
pub(super) fn no_program(doing: &str, what: &str) -> Failure {
    Failure::usage(
        doing,
        format!("{what} names no program to run"),
        "give it a program and its arguments as a list in flightdeck.toml",
    )
}
