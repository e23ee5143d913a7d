//! `flightdeck doctor`: looks at what flightdeck needs.

mod machine;
mod project;

use std::fmt::Write as _;

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::failure::{FailureKind, Result};

/// Check git, terminal, clock, directories, configuration, probes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    /// As it should be.
    Ok,
    /// Works, with something to know about.
    Warn,
    /// Stands in the way.
    Bad,
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at, one or two words.
    name: &'static str,
    /// How well it is.
    state: Grade,
    /// What was found.
    says: String,
    /// What to do about it; empty where all is well.
    advice: String,
}

impl Finding {
    fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, state: Grade::Ok, says: says.into(), advice: String::new() }
    }

    fn warn(name: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: Grade::Warn, says: says.into(), advice: advice.into() }
    }

    fn bad(name: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: Grade::Bad, says: says.into(), advice: advice.into() }
    }
}

#[derive(Serialize)]
struct Findings<'f> {
    ok: bool,
    checks: &'f [Finding],
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut findings = machine::look(cx);
    findings.extend(project::look(cx));
    let ok = findings.iter().all(|finding| finding.state != Grade::Bad);
    if args.json {
        cx.out.json(&Findings { ok, checks: &findings })?;
    } else {
        cx.out.put(&listed(&findings, cx.out.colour))?;
    }
    Ok(if ok { End::Done } else { End::Bad(FailureKind::Failed) })
}

/// The findings as lines: mark, name, what was found, and below it what to do.
fn listed(findings: &[Finding], colour: bool) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for finding in findings {
        let (mark, paint) = match finding.state {
            Grade::Ok => ("✓", "\x1b[32m"),
            Grade::Warn => ("▲", "\x1b[33m"),
            Grade::Bad => ("✗", "\x1b[1;31m"),
        };
        let (on, off) = if colour { (paint, "\x1b[0m") } else { ("", "") };
        let indent = " ".repeat(width + 4);
        let says = shown(&finding.says, &indent);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{on}{mark}{off} {:<width$}  {says}", finding.name);
        if !finding.advice.is_empty() {
            let _ = writeln!(out, "{indent}→ {}", shown(&finding.advice, &indent));
        }
    }
    out
}

/// Text from outside, its further lines set in below the first.
fn shown(text: &str, indent: &str) -> String {
    crate::text::visible_lines(text.trim_end()).replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_lines_with_what_to_do_below() {
        let findings = [
            Finding::ok("git", "2.43.0"),
            Finding::bad("clock", "behind\u{1b} by\n3h", "set it"),
            Finding::warn("terminal", "small", "make it larger"),
        ];
        let text = listed(&findings, false);
        assert_eq!(
            text,
            "✓ git       2.43.0\n\
             ✗ clock     behind<U+001B> by\n            3h\n            → set it\n\
             ▲ terminal  small\n            → make it larger\n"
        );
        assert!(listed(&findings, true).contains("\x1b[1;31m✗\x1b[0m clock"));
    }
}
