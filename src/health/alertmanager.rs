//! Asks an Alertmanager which alerts fire. Touches the network; imported by the runner.
//!
//! - `GET {address}/api/v2/alerts`, with the probe's matchers as `filter`. A path in the address is kept.
//! - Silenced, inhibited and muted alerts are asked for, too, and count.
//! - An Alertmanager without alerts may be one that nobody tells anything. Where an alert that always
//!   fires is named (`watchdog`), it is looked for first.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::alerts::{Firing, read};
use super::answer::{Answer, Trouble};
use super::api::{Server, Servers, astray, refusal};
use super::decimal::Decimal;
use super::instant::Measured;
use crate::config::types::Alerts;
use crate::exchange::{Exchange, Request, place};
use crate::text::mask::Masker;
use crate::text::visible;

/// Asks how many of the alerts fire, within `timeout`.
pub(super) async fn ask(
    exchange: &Exchange,
    servers: &Servers,
    alerts: &Alerts,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let server = Server::of(exchange, servers, &alerts.url, headers, timeout).await?;
    // The wait for its turn is not the server's.
    let started = Instant::now();
    let mut nothing = None;
    if let Some(watchdog) = &alerts.watchdog {
        let matcher = format!("alertname={watchdog:?}");
        match firing(&server, &[matcher], masker).await? {
            Ok(Firing { names, .. }) if names.contains(watchdog) => {}
            Ok(Firing { count: 1.., named, .. }) => {
                let at = place(&server.base.url);
                let why = format!("{at} was asked for the alert {watchdog} and answers with others: {named}");
                nothing = Some(Measured::Nothing { headline: format!("no {watchdog}"), why });
            }
            Ok(_) => {
                let at = place(&server.base.url);
                let why = format!(
                    "{at} does not have the alert {watchdog}, which always fires: nothing reaches it"
                );
                nothing = Some(Measured::Nothing { headline: format!("no {watchdog}"), why });
            }
            Err(refused) => nothing = Some(refused),
        }
    }
    let (measured, complaint, rows) = match nothing {
        Some(nothing) => (nothing, String::new(), Vec::new()),
        None => match firing(&server, &counted(alerts), masker).await? {
            Ok(Firing { count, named, rows, .. }) => {
                let written = count.to_string();
                let measured = match Decimal::parse(&written) {
                    Some(number) => Measured::Number(number, written),
                    None => Measured::Nothing { headline: written, why: "too many alerts".to_owned() },
                };
                (measured, named, rows)
            }
            Err(refused) => (refused, String::new(), Vec::new()),
        },
    };
    let measured = Some(measured);
    Ok(Answer { latency: started.elapsed(), measured, complaint, rows, ..Answer::default() })
}

/// The matchers of those that count: the one that always fires does not.
fn counted(alerts: &Alerts) -> Vec<String> {
    let watchdog = alerts.watchdog.iter().map(|watchdog| format!("alertname!={watchdog:?}"));
    alerts.matchers.iter().cloned().chain(watchdog).collect()
}

/// The alerts that match, or why there is no answer.
async fn firing(
    server: &Server<'_>,
    matchers: &[String],
    masker: &Masker,
) -> Result<Result<Firing, Measured>, Trouble> {
    let mut url = server.below("/api/v2/alerts");
    // As they are by default; said all the same, since a false one would hide what fires.
    let shown = ["active", "silenced", "inhibited", "unprocessed"].map(|which| (which, "true"));
    let filters = matchers.iter().map(|matcher| ("filter", matcher.as_str()));
    url.query_pairs_mut().extend_pairs(shown).extend_pairs(filters);
    let request = Request { url, ..server.base.clone() };
    let reply = server.send(&request).await?;
    let read = match astray(&reply) {
        Some(refused) => Err(refused),
        None if (200..300).contains(&reply.status) => {
            read(&reply.body, Timestamp::now(), masker).ok_or_else(|| refusal(&reply, "Alertmanager", masker))
        }
        None => Err(refusal(&reply, "Alertmanager", masker)),
    };
    Ok(read.map_err(|(headline, why)| {
        let why = format!("{} {why}", place(&request.url));
        Measured::Nothing { headline, why: visible(&masker.mask(&why)).into_owned() }
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Server, response};
    use super::*;
    use crate::failure::Fault;
    use crate::health::series::Verdict;

    const TIME: Duration = Duration::from_secs(20);
    const ALERT: &str = r#"{"labels":{"alertname":"HighErrorRate"},"status":{"silencedBy":["a"],"inhibitedBy":[]},"fingerprint":"1"}"#;

    fn alerts(url: &str) -> Alerts {
        Alerts { url: url.to_owned(), matchers: Vec::new(), watchdog: None }
    }

    async fn asked(asked: &Alerts) -> Result<Answer, Trouble> {
        let servers = Servers::default();
        ask(&Exchange::default(), &servers, asked, &BTreeMap::new(), TIME, &Masker::default()).await
    }

    async fn nothing(asked_for: &Alerts) -> (String, String) {
        match asked(asked_for).await.unwrap().measured {
            Some(Measured::Nothing { headline, why }) => (headline, why),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn matchers_go_below_the_path_and_what_is_silenced_counts() {
        let server = Server::answering("200 OK", &format!("[{ALERT}]")).await;
        for base in ["", "/", "/am", "/am/api/v2", "/am/api/v2/alerts"] {
            let matchers = vec!["service=\"a b\"".to_owned(), "severity=~\"x|y\"".to_owned()];
            let asked_for = Alerts { matchers, ..alerts(&format!("{}{base}", server.url)) };
            let answer = asked(&asked_for).await.unwrap();
            assert!(matches!(answer.measured, Some(Measured::Number(_, written)) if written == "1"));
            assert_eq!(answer.complaint, "HighErrorRate (silenced)");
        }
        let requests = server.requests.lock().unwrap().clone();
        let lines: Vec<_> = requests.iter().map(|request| request.lines().next().unwrap()).collect();
        let query = "?active=true&silenced=true&inhibited=true&unprocessed=true&filter=service%3d%22a+b%22&filter=severity%3d%7e%22x%7cy%22 http/1.1";
        for (line, path) in lines.iter().zip(["", "", "/am", "/am", "/am"]) {
            assert_eq!(*line, format!("get {path}/api/v2/alerts{query}"));
        }
    }

    #[tokio::test]
    async fn an_alertmanager_that_nobody_tells_anything_has_no_good_news() {
        let server = Server::answering("200 OK", "[]").await;
        let asked_for = Alerts { watchdog: Some("Watchdog".to_owned()), ..alerts(&server.url) };
        let (headline, why) = nothing(&asked_for).await;
        assert_eq!(headline, "no Watchdog");
        assert!(
            why.ends_with("does not have the alert Watchdog, which always fires: nothing reaches it"),
            "{why}"
        );
        // Somebody in between answers the same whatever is asked.
        let server = Server::answering("200 OK", &format!("[{ALERT}]")).await;
        let (headline, why) = nothing(&Alerts { url: server.url.clone(), ..asked_for.clone() }).await;
        assert_eq!(headline, "no Watchdog");
        assert!(why.ends_with("answers with others: HighErrorRate (silenced)"), "{why}");
        let server = Server::told(|request| {
            let asks_for_it = request.contains("alertname%3d%22watchdog%22");
            let watchdog = ALERT.replace("HighErrorRate", "Watchdog");
            let body = if asks_for_it { format!("[{watchdog}]") } else { "[]".to_owned() };
            response("200 OK", "", &body)
        })
        .await;
        let answer = asked(&Alerts { url: server.url.clone(), ..asked_for }).await.unwrap();
        assert!(matches!(answer.measured, Some(Measured::Number(_, written)) if written == "0"));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_no_data_and_says_what_to_do() {
        for (status, body, said) in [
            ("200 OK", "<html>Grafana</html>", "not the API of Alertmanager"),
            ("400 Bad Request", "\"bad matcher format: a\"", "answers 400: \"bad matcher format: a\""),
            ("401 Unauthorized", "", "answers 401: it needs credentials"),
            ("404 Not Found", "404 page not found", "as in https://host/alertmanager"),
            ("503 Service Unavailable", "[]", "answers 503"),
        ] {
            let server = Server::answering(status, body).await;
            let (_, why) = nothing(&alerts(&server.url)).await;
            assert!(why.contains(said), "{why}");
        }
        let trouble = asked(&alerts("http://127.0.0.1:9/")).await.unwrap_err();
        assert_eq!((trouble.verdict, trouble.fault), (Verdict::NoData, Fault::Refused));
    }
}
