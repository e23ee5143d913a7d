//! The severity on the command line: named, or found by the questions of the tree.

use std::io::{BufRead as _, IsTerminal as _};

use super::context::Context;
use crate::failure::{Failure, Result};
use crate::incident::{Answer, Policy, Severity};
use crate::text::{visible, visible_lines};

/// The severity that was named, by rank or by what the team calls it. Where none was, a person at the terminal
/// is asked the questions of the tree.
///
/// # Errors
/// There is none of that name, or nobody to be asked.
pub(super) fn severity(cx: &Context, doing: &str, named: Option<&str>) -> Result<(Severity, Vec<Answer>)> {
    // A mistake in the file keeps nobody from declaring an incident.
    let policy = cx.setup_or_warn().policy;
    let hint = || format!("one of {}", policy.severity_names());
    let Some(named) = named else {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(Failure::usage(doing, "the severity is missing", hint()));
        }
        return asked(cx, doing, &policy);
    };
    let found = policy.find_severity(named).map(|severity| (severity, Vec::new()));
    found.ok_or_else(|| Failure::usage(doing, format!("unknown severity {}", visible(named)), hint()))
}

/// Asks the questions of the tree, one after the other.
fn asked(cx: &Context, doing: &str, policy: &Policy) -> Result<(Severity, Vec<Answer>)> {
    // What was typed before the questions were asked is no answer to them.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    let mut answers = Vec::new();
    let mut severity = policy.least();
    for question in &policy.questions {
        cx.out.tell(&question.ask);
        for example in &question.examples {
            cx.out.tell(&format!("  · {example}"));
        }
        let (yes, unsure) = loop {
            cx.out.tell("y = yes, n = no, ? = not sure (counts as yes)");
            let mut typed = String::new();
            let read = std::io::stdin().lock().read_line(&mut typed);
            if read.map_err(|error| Failure::new(doing, error, "try again"))? == 0 {
                return Err(Failure::usage(doing, "the question was not answered", "nothing was recorded"));
            }
            match typed.trim() {
                "y" | "yes" => break (true, false),
                "n" | "no" => break (false, false),
                "?" | "u" => break (true, true),
                _ => {}
            }
        };
        answers.push(Answer { question: question.ask.clone(), yes, unsure });
        if yes {
            severity = question.yes;
            break;
        }
        severity = question.no.unwrap_or(policy.least());
        if question.no.is_some() {
            break;
        }
    }
    cx.out.tell(&format!("that is {}", policy.severity_name(severity)));
    Ok((severity, answers))
}

/// Says that a severity needs no hotfix, with the text of a ticket, where that is so.
pub(super) fn offer_ticket(cx: &Context, severity: Severity, title: &str) {
    let policy = cx.setup_or_warn().policy;
    if policy.needs_hotfix(severity) {
        return;
    }
    let name = policy.severity_name(severity);
    cx.out.tell(&format!("{name} needs no hotfix: a ticket in the backlog does. A text for it:\n"));
    cx.out.tell(visible_lines(policy.ticket(title, None).trim()).as_ref());
}
