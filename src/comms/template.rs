//! Templates of messages: those that come with it, and a team's own in their place.

use std::fmt::Write as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, UndefinedBehavior, Value};

use crate::incident::MessageKind;

/// Steps that a template may take: one that goes on and on is an error, not a screen that hangs.
const FUEL: u64 = 200_000;
/// Most bytes of what comes of one.
const MOST: usize = 64 * 1024;

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
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    let syntax = syntax.map_err(|error| said(name, &error))?;
    let mut env = Environment::new();
    env.set_syntax(syntax);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(FUEL));
    env.set_debug(false);
    let filled = env.render_named_str(name, source, values.clone()).map_err(|error| said(name, &error))?;
    if filled.len() > MOST {
        return Err(format!("{name}: what it makes is longer than {} KiB", MOST >> 10));
    }
    Ok(filled)
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
