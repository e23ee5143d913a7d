//! What a command of a team's own prints of its pipeline: a JSON object, alone or in the last line.

use serde::Deserialize;

use super::{Seen, page};
use crate::incident::RemoteState;
use crate::text::short_name;

/// Most characters of an id.
const ID: usize = 200;

#[derive(Debug, Deserialize)]
struct Printed {
    #[serde(default)]
    id: Option<serde_json::Value>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    url: String,
    #[serde(default)]
    commit: String,
}

/// Words for a state, as the tools that are asked have them: Argo CD, Buildkite, Jenkins, `CircleCI`, AWS `CodeDeploy`,
/// Spinnaker, Kubernetes.
const WORDS: &[(RemoteState, &[&str])] = &[
    (
        RemoteState::Queued,
        &[
            "queued",
            "pending",
            "creating",
            "created",
            "buffered",
            "scheduled",
            "not_started",
            "not_running",
            "ready",
            "on_hold_queue",
        ],
    ),
    (
        RemoteState::Waiting,
        &["waiting", "blocked", "manual", "on_hold", "paused", "suspended", "paused_pending_input"],
    ),
    (
        RemoteState::Running,
        &[
            "running",
            "in_progress",
            "inprogress",
            "progressing",
            "started",
            "canceling",
            "terminating",
            "failing",
            "baking",
        ],
    ),
    (
        RemoteState::Succeeded,
        &["succeeded", "success", "passed", "healthy", "complete", "completed", "done", "fixed"],
    ),
    (
        RemoteState::Failed,
        &[
            "failed",
            "failed_continue",
            "failure",
            "error",
            "errored",
            "terminal",
            "degraded",
            "unstable",
            "unauthorized",
        ],
    ),
    (RemoteState::Cancelled, &["cancelled", "canceled", "aborted", "stopped", "terminated"]),
    (RemoteState::TimedOut, &["timed_out", "timedout", "timeout", "infrastructure_fail_timeout"]),
    (RemoteState::Skipped, &["skipped", "not_built", "not_run"]),
    (RemoteState::Neutral, &["neutral"]),
    (RemoteState::Stale, &["stale", "expired"]),
];

/// Reads a state in anybody's words.
pub fn state(word: &str) -> RemoteState {
    let word = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    let found = WORDS.iter().find(|(_, words)| words.contains(&word.as_str()));
    found.map_or(RemoteState::Unknown, |(state, _)| *state)
}

/// Reads what `status` printed, or `start`. A `start` may print nothing but the id.
///
/// # Errors
/// It is not understood: why, in one line.
pub fn seen(text: &str, id: Option<&str>) -> Result<Seen, String> {
    let text = text.trim();
    let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let printed: Result<Printed, _> = serde_json::from_str(text).or_else(|_| serde_json::from_str(last));
    let printed = match printed {
        Ok(printed) => printed,
        Err(_)
            if id.is_none()
                && !last.is_empty()
                && !last.contains(char::is_whitespace)
                && !last.starts_with('{') =>
        {
            let id = Some(serde_json::Value::String(last.to_owned()));
            Printed { id, state: Some("queued".to_owned()), url: String::new(), commit: String::new() }
        }
        Err(_) => {
            return Err("it printed no JSON object such as {\"id\":\"42\",\"state\":\"running\"}".to_owned());
        }
    };
    let told = match printed.id {
        Some(serde_json::Value::String(text)) => Some(text),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let id = told.or_else(|| id.map(str::to_owned)).filter(|id| !id.is_empty());
    let id = id.ok_or("it printed no `id`")?;
    // It becomes an argument.
    if id.starts_with('-') || id.chars().any(char::is_control) {
        return Err(
            "the `id` that it printed could be taken for an option, or holds a control character".to_owned()
        );
    }
    if id.chars().count() > ID {
        return Err(format!("the `id` that it printed is longer than {ID} characters"));
    }
    let said = printed.state.unwrap_or_default();
    Ok(Seen {
        name: format!("run {id}"),
        id,
        url: page(printed.url),
        attempt: 1,
        state: state(&said),
        said: short_name(&said),
        commit: short_name(&printed.commit),
        created: None,
        began: None,
        workflow: String::new(),
    })
}
