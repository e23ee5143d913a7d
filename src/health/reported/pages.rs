//! What the status page of a third party says, in the formats of those who make such pages. Pure.

use serde_json::{Map, Value};

use super::{Grade, Reported, grade, parts, told, worst_of};

/// Reads the JSON of a status page; `None`: it is none that is known.
pub(super) fn status_page(object: &Map<String, Value>) -> Option<Reported> {
    statuspage(object)
        .or_else(|| instatus(object))
        .or_else(|| slack(object))
        .or_else(|| better_stack(object))
        .or_else(|| status_io(object))
}

/// Statuspage: `status.json` and `summary.json` with an indicator, `components.json` and `incidents/unresolved.json`
/// with parts.
fn statuspage(object: &Map<String, Value>) -> Option<Reported> {
    object.get("page")?.as_object()?;
    let Some(status) = object.get("status") else {
        return match (object.get("components"), object.get("incidents")) {
            (Some(components), _) => worst_of(&parts(components)),
            (None, Some(incidents)) => Some(unresolved(incidents.as_array()?)),
            (None, None) => None,
        };
    };
    let indicator = status.get("indicator")?.as_str()?;
    let grade = impact(indicator)?;
    let word =
        status.get("description").and_then(Value::as_str).filter(|it| !it.is_empty()).unwrap_or(indicator);
    Some(told(grade, word, std::iter::empty()))
}

fn impact(word: &str) -> Option<Grade> {
    Some(match word {
        "none" => Grade::Good,
        "minor" | "maintenance" => Grade::Warn,
        "major" | "critical" => Grade::Bad,
        _ => return None,
    })
}

/// Incidents of a Statuspage that are not over.
fn unresolved(incidents: &[Value]) -> Reported {
    let is_over = |one: &Value| matches!(text(one, "status"), Some("resolved" | "postmortem" | "completed"));
    let open: Vec<&Value> = incidents.iter().filter(|one| !is_over(one)).collect();
    let grades = open.iter().map(|one| text(one, "impact").and_then(impact).unwrap_or(Grade::Warn));
    let Some(worst) = grades.max() else { return told(Grade::Good, "no incident", std::iter::empty()) };
    let names = open.iter().map(|one| text(one, "name").unwrap_or("an incident").to_owned());
    told(worst.max(Grade::Warn), "incident", names)
}

fn text<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.get(key)?.as_str()
}

/// Instatus: `page.status` is UP, HASISSUES or UNDERMAINTENANCE; incidents have an impact in the words of parts.
fn instatus(object: &Map<String, Value>) -> Option<Reported> {
    let word = object.get("page")?.get("status")?.as_str()?;
    let named = |key| object.get(key).and_then(Value::as_array).into_iter().flatten();
    let open: Vec<&Value> = named("activeIncidents").chain(named("activeMaintenances")).collect();
    let impacts = open.iter().filter_map(|one| text(one, "impact").and_then(grade));
    let worst = impacts.chain([grade(word)?]).max()?;
    Some(told(worst, word, open.iter().filter_map(|one| text(one, "name")).map(str::to_owned)))
}

/// Slack: `active_incidents` is empty, or each of them has a title and says whether it is an outage.
fn slack(object: &Map<String, Value>) -> Option<Reported> {
    let incidents = object.get("active_incidents")?.as_array()?;
    let word = object.get("status")?.as_str()?;
    let is_outage = |one: &Value| text(one, "type") == Some("outage");
    let grade = match incidents.as_slice() {
        [] if word == "ok" => Grade::Good,
        incidents if incidents.iter().any(is_outage) => Grade::Bad,
        _ => Grade::Warn,
    };
    Some(told(grade, word, incidents.iter().filter_map(|one| text(one, "title")).map(str::to_owned)))
}

/// Better Stack: `aggregate_state` is operational, degraded, downtime or maintenance.
fn better_stack(object: &Map<String, Value>) -> Option<Reported> {
    let word = object.get("data")?.get("attributes")?.get("aggregate_state")?.as_str()?;
    Some(told(grade(word)?, word, std::iter::empty()))
}

/// Status.io: `result.status_overall` with a code in hundreds, and a list of parts with one each.
fn status_io(object: &Map<String, Value>) -> Option<Reported> {
    let result = object.get("result")?;
    let coded = |of: &Value| {
        let grade = match of.get("status_code")?.as_u64()? {
            100 => Grade::Good,
            200 | 300 | 400 => Grade::Warn,
            500 | 600 => Grade::Bad,
            _ => return None,
        };
        Some((grade, of.get("status").and_then(Value::as_str).unwrap_or("").to_owned()))
    };
    let (grade, word) = coded(result.get("status_overall")?)?;
    let parts = result.get("status").and_then(Value::as_array).into_iter().flatten().filter_map(|part| {
        let (grade, word) = coded(part).filter(|(grade, _)| *grade > Grade::Good)?;
        Some((grade, format!("{} {word}", part.get("name")?.as_str()?)))
    });
    let parts: Vec<_> = parts.collect();
    let is_mixed = parts.iter().any(|(grade, _)| *grade == Grade::Bad);
    let grade = if is_mixed { grade.max(Grade::Warn) } else { grade };
    Some(told(grade, &word, parts.into_iter().map(|(_, part)| part)))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn status_pages_are_recognised() {
        for (body, grade, words) in [
            (r#"{"page":{"name":"x","status":"UP"}}"#, Grade::Good, "UP"),
            (
                r#"{"page":{"status":"HASISSUES"},"activeIncidents":[{"name":"Slow"}]}"#,
                Grade::Warn,
                "HASISSUES: Slow",
            ),
            (
                r#"{"page":{"status":"HASISSUES"},"activeIncidents":[{"name":"Down","impact":"MAJOROUTAGE"}]}"#,
                Grade::Bad,
                "HASISSUES: Down",
            ),
            (r#"{"status":"ok","active_incidents":[]}"#, Grade::Good, "ok"),
            (
                r#"{"status":"active","active_incidents":[{"title":"No messages","type":"outage"}]}"#,
                Grade::Bad,
                "active: No messages",
            ),
            (
                r#"{"status":"active","active_incidents":[{"title":"Slow","type":"incident"}]}"#,
                Grade::Warn,
                "active: Slow",
            ),
            (r#"{"data":{"attributes":{"aggregate_state":"downtime"}}}"#, Grade::Bad, "downtime"),
            (r#"{"data":{"attributes":{"aggregate_state":"operational"}}}"#, Grade::Good, "operational"),
            (
                r#"{"result":{"status_overall":{"status":"Service Disruption","status_code":500},"status":[{"name":"API","status":"Service Disruption","status_code":500}]}}"#,
                Grade::Bad,
                "Service Disruption: API Service Disruption",
            ),
            (
                r#"{"result":{"status_overall":{"status":"Operational","status_code":100},"status":[]}}"#,
                Grade::Good,
                "Operational",
            ),
            (
                r#"{"page":{},"components":[{"name":"API","status":"major_outage"},{"name":"Web","status":"operational"}]}"#,
                Grade::Bad,
                "major_outage: API major_outage",
            ),
            (
                r#"{"page":{},"components":[{"name":"API","status":"operational"}]}"#,
                Grade::Good,
                "operational",
            ),
            (r#"{"page":{},"incidents":[]}"#, Grade::Good, "no incident"),
            (
                r#"{"page":{},"incidents":[{"name":"Pushes fail","status":"investigating","impact":"critical"}]}"#,
                Grade::Bad,
                "incident: Pushes fail",
            ),
            (r#"{"status":[{"system":"Apps","status":"red"}]}"#, Grade::Bad, "red: Apps red"),
        ] {
            let seen = read(body.as_bytes(), true).unwrap_or_else(|| panic!("{body}"));
            assert_eq!((seen.grade, seen.words.as_str()), (grade, words), "{body}");
        }
    }
}
