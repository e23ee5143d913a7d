//! A question on the terminal that nothing but `y` answers with yes.

use std::io::{BufRead as _, IsTerminal as _};

use super::context::Context;
use crate::failure::{Failure, Result};

/// Asks a person to type `y`; `None` where there is nobody to be asked.
///
/// # Errors
/// The answer cannot be read.
pub(super) fn is_meant(cx: &Context, doing: &str, what: &str) -> Result<Option<bool>> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    // What was typed before the question was asked is no answer to it.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    cx.out.tell(&format!("type y to {what}, anything else to cancel:"));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::new(doing, error, "try again"))?;
    Ok(Some(typed.trim_end_matches(['\r', '\n']) == "y"))
}

/// Asks a person for one line of text; nothing where there is nobody to be asked.
///
/// # Errors
/// The answer cannot be read.
pub(super) fn line(doing: &str, cx: &Context, what: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(String::new());
    }
    cx.out.tell(what);
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.map_err(|error| Failure::new(doing, error, "try again"))?;
    Ok(typed.trim().to_owned())
}
