//! A payment provider as its customers see it: an API that takes charges or does not, and a status page that says
//! so. It is down until a time that a file names, whatever anybody deploys.

use std::path::{Path, PathBuf};

use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::site::{Answer, json_answer};

/// What it is called among the places of a drill.
pub(in crate::drill) const NAME: &str = "provider";
/// Where it is asked whether it takes charges.
pub(super) const CHARGES: &str = "/v1/charges";
/// What it says then.
pub(super) const TAKES: &str = "accepting";

const UNTIL: &str = "until";
/// For so long after its end an outage is still listed.
const LISTED: SignedDuration = SignedDuration::from_mins(30);

/// The provider whose outage is described in a directory.
pub(super) struct Provider {
    root: PathBuf,
    up_since: Timestamp,
}

/// Begins an outage that ends by itself at a time.
pub(in crate::drill) fn break_until(root: &Path, until: Timestamp) -> std::io::Result<()> {
    std::fs::create_dir_all(root)?;
    std::fs::write(root.join(UNTIL), until.as_second().to_string())
}

impl Provider {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, up_since: Timestamp::now() }
    }

    fn until(&self) -> Option<Timestamp> {
        let text = std::fs::read_to_string(self.root.join(UNTIL)).ok()?;
        Timestamp::from_second(text.trim().parse().ok()?).ok()
    }

    /// Answers one request.
    pub(super) fn answer(&self, request: &Request<Bytes>) -> Answer {
        if request.method() != Method::GET {
            return json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET is answered" }));
        }
        let (status, body) = self.says(request.uri().path(), Timestamp::now());
        json_answer(status, &body)
    }

    /// What it says at a time.
    fn says(&self, path: &str, now: Timestamp) -> (StatusCode, Value) {
        let until = self.until();
        let down = until.is_some_and(|until| now < until);
        let page = json!({ "id": "nordpay", "name": "Nordpay", "time_zone": "Etc/UTC", "updated_at": now.to_string() });
        // As providers do, it says less than its customers see.
        let indicator = if down { "minor" } else { "none" };
        let description = if down { "Partially Degraded Service" } else { "All Systems Operational" };
        let status = json!({ "indicator": indicator, "description": description });
        match path {
            CHARGES if down => (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({ "error": "charges are not processed at the moment" }),
            ),
            CHARGES => (StatusCode::OK, json!({ "charges": TAKES })),
            "/api/v2/status.json" => (StatusCode::OK, json!({ "page": page, "status": status })),
            "/api/v2/incidents.json" => {
                let listed = until.filter(|until| now.duration_since(*until) < LISTED);
                let incidents: Vec<Value> = listed.iter().map(|_| self.incident(down, now)).collect();
                (StatusCode::OK, json!({ "page": page, "incidents": incidents }))
            }
            _ => (StatusCode::NOT_FOUND, json!({ "error": "no such path" })),
        }
    }

    fn incident(&self, down: bool, now: Timestamp) -> Value {
        let (word, body) = if down {
            ("identified", "Card charges fail in one of our regions. We are moving traffic away from it.")
        } else {
            ("resolved", "Charges are processed again. Those that failed were not booked.")
        };
        json!({
            "name": "Card charges fail",
            "status": word,
            "impact": "minor",
            "started_at": self.up_since.to_string(),
            "incident_updates": [{ "status": word, "body": body, "updated_at": now.to_string() }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_down_until_the_time_that_is_named_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let provider = Provider::new(dir.path().to_path_buf());
        assert_eq!(provider.says(CHARGES, now).0, StatusCode::OK, "nothing is wrong with it");
        break_until(dir.path(), now + SignedDuration::from_mins(5)).unwrap();
        assert_eq!(provider.says(CHARGES, now).0, StatusCode::SERVICE_UNAVAILABLE);
        let page = provider.says("/api/v2/status.json", now).1;
        assert_eq!(page["status"]["indicator"], "minor");
        let after = now + SignedDuration::from_mins(6);
        assert_eq!(provider.says("/api/v2/status.json", after).1["status"]["indicator"], "none");
        assert_eq!(provider.says("/api/v2/incidents.json", after).1["incidents"][0]["status"], "resolved");
        assert!(provider.says(CHARGES, after).1.to_string().contains(TAKES));
    }
}
