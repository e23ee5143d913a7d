//! `PagerDuty`, by its change events: what was deployed and what went back, beside the alerts of the service.

use serde_json::json;

use super::wire::{Wire, cut};
use crate::config::types::Channel;
use crate::incident::{Change, State};

/// Most characters of a summary.
const SUMMARY: usize = 1024;

pub(super) fn wire(channel: &Channel, state: &State, change: &Change) -> Wire {
    let did = if change.rollback { "Rolled back to" } else { "Deployed" };
    let summary = format!("{did} {} in {}", change.name, change.environment);
    let body = json!({
        "payload": {
            "summary": cut(&summary, SUMMARY),
            "source": if state.service.is_empty() { &state.number } else { &state.service },
            "timestamp": change.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "custom_details": {
                "environment": change.environment,
                "version": change.name,
                "commit": change.commit,
                "by": change.by,
                "incident": state.number,
            },
        },
    });
    let secret_field = Some(("routing_key", channel.secret.clone()));
    Wire { secret_field, ..Wire::json(format!("{}/v2/change/enqueue", channel.api()), &body) }
}
