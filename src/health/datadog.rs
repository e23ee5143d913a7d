//! Asks Datadog for the newest number of a query of metrics, or for the state of a monitor. Touches the
//! network; imported by the runner.
//!
//! - `GET {address}/api/v1/query` over the last minutes, `GET {address}/api/v1/monitor/ID`. The address is that
//!   of the site: `https://api.datadoghq.eu`.
//! - The time has to be sent, so a clock that differs from Datadog's is no data, and said.
//! - What it puts off (429) is not asked again before it says so (`api`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::DATE;

use super::answer::{Answer, Trouble, excerpt};
use super::api::{Refusal, Server, Servers, astray, refusal};
use super::instant::{Measured, Unanswered};
use super::past::{Numbers, Span};
use super::timeseries::{Standing, monitor, read, read_range};
use crate::config::types::{Datadog, Query};
use crate::exchange::{Exchange, Reply, Request, place};
use crate::incident::duration;
use crate::text::mask::Masker;
use crate::text::visible;

/// How far two clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// The shortest time that is asked for: metrics come once a minute from many an integration.
const LEAST: SignedDuration = SignedDuration::from_mins(5);
/// The longest.
const MOST: SignedDuration = SignedDuration::from_hours(24);

/// Asks a query or a monitor, within `timeout`.
pub(super) async fn ask(
    exchange: &Exchange,
    servers: &Servers,
    asked: &Datadog,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let url = match asked {
        Datadog::Query(query) => &query.url,
        Datadog::Monitor { url, .. } => url,
    };
    let server = Server::of(exchange, servers, url, headers, timeout).await?;
    // The wait for its turn is not the server's.
    let started = Instant::now();
    let request = Request { url: address(&server, asked), ..server.base.clone() };
    let reply = server.send(&request).await?;
    let standing = understood(&reply, asked, masker).unwrap_or_else(|(headline, why)| {
        let why = format!("{} {why}", place(&request.url));
        let measured = Measured::Nothing { headline, why };
        Standing { measured, named: String::new(), warning: None }
    });
    let shown = |text: &str| visible(&masker.mask(text)).into_owned();
    let measured = match standing.measured {
        Measured::Nothing { headline, why } => {
            Measured::Nothing { headline: excerpt(&headline, masker), why: shown(&why) }
        }
        number @ Measured::Number(..) => number,
    };
    Ok(Answer {
        latency: started.elapsed(),
        measured: Some(measured),
        complaint: shown(&standing.named),
        warning: standing.warning.as_deref().map(shown),
        ..Answer::default()
    })
}

/// Asks for the numbers of a query over a time that is past, which may be none; `None`: it does not answer. How far apart they
/// are is Datadog's to choose.
pub(super) async fn past(
    exchange: &Exchange,
    servers: &Servers,
    query: &Query,
    headers: &BTreeMap<String, String>,
    span: Span,
    timeout: Duration,
) -> Option<Numbers> {
    let server = Server::of(exchange, servers, &query.url, headers, timeout).await.ok()?;
    let url = over(&server, query, span.from, span.to);
    let reply = server.send(&Request { url, ..server.base.clone() }).await.ok()?;
    let whole = reply.status == 200 && reply.unfinished.is_none();
    whole.then(|| read_range(&reply.body, query.reduce).unwrap_or_default())
}

/// The address of a query over a time.
fn over(server: &Server<'_>, query: &Query, from: Timestamp, to: Timestamp) -> reqwest::Url {
    let mut url = server.below("/api/v1/query");
    let (from, to) = (from.as_second().to_string(), to.as_second().to_string());
    url.query_pairs_mut().extend_pairs([("from", from.as_str()), ("to", &to), ("query", &query.query)]);
    url
}

fn address(server: &Server<'_>, asked: &Datadog) -> reqwest::Url {
    match asked {
        Datadog::Query(query) => {
            let now = Timestamp::now();
            let back = query.max_age.saturating_mul(2).clamp(LEAST, MOST);
            over(server, query, now - back, now)
        }
        Datadog::Monitor { id, .. } => {
            let mut url = server.below(&format!("/api/v1/monitor/{id}"));
            url.query_pairs_mut().append_pair("group_states", "alert,warn,no data");
            url
        }
    }
}

fn understood(reply: &Reply, asked: &Datadog, masker: &Masker) -> Result<Standing, Refusal> {
    if let Some(refused) = astray(reply) {
        return Err(refused);
    }
    let status = reply.status;
    let now = Timestamp::now();
    if let Some(ahead) = ahead(reply, now).filter(|ahead| ahead.abs() > SKEW) {
        let way = if ahead.is_negative() { "behind" } else { "ahead of" };
        let far = duration(ahead.abs());
        return Err((
            "clock".to_owned(),
            format!("has a clock {far} {way} this machine's: set the clock that is wrong"),
        ));
    }
    let read = match asked {
        Datadog::Query(Query { reduce, max_age, .. }) => read(&reply.body, *reduce, *max_age, now)
            .map(|measured| Standing { measured, named: String::new(), warning: None }),
        Datadog::Monitor { id, .. } => monitor(&reply.body, *id),
    };
    match read {
        Ok(standing) if (200..300).contains(&status) => Ok(standing),
        Err(Unanswered::Error(why)) if !matches!(status, 401 | 403 | 429) => {
            Err((status.to_string(), format!("answers {status}: {why}")))
        }
        _ => Err(refusal(reply, "Datadog", masker)),
    }
}

/// How far ahead of ours the clock of a server is.
fn ahead(reply: &Reply, now: Timestamp) -> Option<SignedDuration> {
    let date = reply.headers.get(DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(date.duration_since(now))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Server, response};
    use super::*;
    use crate::failure::Fault;
    use crate::health::series::Verdict;

    const TIME: Duration = Duration::from_secs(20);

    fn query(url: &str) -> Datadog {
        Datadog::Query(Query {
            url: url.to_owned(),
            query: "sum:trace.errors{service:a}.as_rate()".to_owned(),
            reduce: None,
            max_age: SignedDuration::from_mins(2),
        })
    }

    fn good() -> String {
        let now = Timestamp::now().as_millisecond();
        format!(
            r#"{{"status":"ok","series":[{{"metric":"m","scope":"*","pointlist":[[{now}.0,4.5],[{now}.0,null]]}}]}}"#
        )
    }

    async fn asked(servers: &Servers, asked: &Datadog) -> Result<Answer, Trouble> {
        let headers = [("DD-API-KEY".to_owned(), "k".to_owned())].into();
        ask(&Exchange::default(), servers, asked, &headers, TIME, &Masker::default()).await
    }

    fn nothing(answer: Answer) -> (String, String) {
        match answer.measured {
            Some(Measured::Nothing { headline, why }) => (headline, why),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_query_is_asked_over_the_last_minutes_with_its_keys() {
        let server = Server::answering("200 OK", &good()).await;
        let answer = asked(&Servers::default(), &query(&server.url)).await.unwrap();
        assert!(matches!(answer.measured, Some(Measured::Number(_, written)) if written == "4.5"));
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(request.starts_with("get /api/v1/query?from="), "{request}");
        assert!(
            request.contains("&query=sum%3atrace.errors%7bservice%3aa%7d.as_rate%28%29 http/1.1"),
            "{request}"
        );
        assert!(request.contains("dd-api-key: k"), "{request}");
        let between = |key: &str| -> i64 {
            let after = request.split_once(key).unwrap().1;
            after.split('&').next().unwrap().parse().unwrap()
        };
        assert_eq!(between("&to=") - between("?from="), 300);
    }

    #[tokio::test]
    async fn a_monitor_is_asked_by_its_number() {
        let body = r#"{"name":"Errors","overall_state":"Warn","options":{"silenced":{"*":null}}}"#;
        let server = Server::answering("200 OK", body).await;
        let monitor = Datadog::Monitor { url: server.url.clone(), id: 42 };
        let answer = asked(&Servers::default(), &monitor).await.unwrap();
        assert!(matches!(answer.measured, Some(Measured::Number(_, written)) if written == "0"));
        assert_eq!(answer.warning.as_deref(), Some("Errors (muted) warns"));
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(
            request.starts_with("get /api/v1/monitor/42?group_states=alert%2cwarn%2cno+data "),
            "{request}"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer_is_no_data_and_says_what_to_do() {
        for (status, body, said) in [
            (
                "200 OK",
                r#"{"status":"error","error":"Rule is invalid"}"#,
                "answers 200: it reports an error: Rule is invalid",
            ),
            (
                "400 Bad Request",
                r#"{"errors":["Error parsing query"]}"#,
                "answers 400: it reports an error: Error parsing query",
            ),
            ("403 Forbidden", r#"{"errors":["Forbidden"]}"#, "answers 403: it needs credentials"),
            ("200 OK", "<html>", "not the API of Datadog"),
        ] {
            let server = Server::answering(status, body).await;
            let (_, why) = nothing(asked(&Servers::default(), &query(&server.url)).await.unwrap());
            assert!(why.contains(said), "{why}");
        }
        let trouble = asked(&Servers::default(), &query("http://127.0.0.1:9/")).await.unwrap_err();
        assert_eq!((trouble.verdict, trouble.fault), (Verdict::NoData, Fault::Refused));
    }

    #[tokio::test]
    async fn one_that_puts_us_off_is_left_alone_for_as_long() {
        let limited =
            response("429 Too Many Requests", "x-ratelimit-reset: 600\r\n", r#"{"errors":["Rate limit"]}"#);
        let server = Server::sending(limited).await;
        let servers = Servers::default();
        let (headline, why) = nothing(asked(&servers, &query(&server.url)).await.unwrap());
        assert_eq!(headline, "429");
        assert!(why.contains("too many questions; it asks to wait for 10m"), "{why}");
        let trouble = asked(&servers, &query(&server.url)).await.unwrap_err();
        assert_eq!(trouble.verdict, Verdict::NoData);
        assert!(trouble.why.contains("asked to be left alone"), "{}", trouble.why);
        assert_eq!(server.requests.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_clock_that_differs_is_said() {
        let dated = response("200 OK", "date: Sun, 01 Nov 2026 08:00:00 GMT\r\n", &good());
        let server = Server::sending(dated).await;
        let (headline, why) = nothing(asked(&Servers::default(), &query(&server.url)).await.unwrap());
        assert_eq!(headline, "clock");
        assert!(why.contains("set the clock that is wrong"), "{why}");
    }
}
