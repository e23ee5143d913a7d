//! Clocks that differ, as `status --json` tells them.

use serde::Serialize;

use crate::incident;

/// Two clocks that were seen to differ.
#[derive(Debug, Serialize)]
pub(super) struct ClockOff<'a> {
    ahead: &'a str,
    ahead_installation: String,
    behind: &'a str,
    behind_installation: String,
    by_s: i64,
    text: String,
}

/// Two clocks in the form that scripts read.
pub(super) fn json(off: &incident::ClockOff) -> ClockOff<'_> {
    ClockOff {
        ahead: &off.ahead.name,
        ahead_installation: off.ahead.installation(),
        behind: &off.behind.name,
        behind_installation: off.behind.installation(),
        by_s: off.by.as_secs(),
        text: off.words(),
    }
}
