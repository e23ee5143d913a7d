//! Asks a Prometheus, or whatever speaks its protocol, for the number of a query. Touches the network;
//! imported by the runner.
//!
//! - `GET {address}/api/v1/query`, or a form by POST where the query is long. A path in the address is
//!   kept: `https://host/prometheus`.
//! - The server is told how long it may take (`timeout`) and how old a sample may be
//!   (`lookback_delta`, which older ones do not know).
//! - The time is the server's own: sending ours would hide that the clocks differ.
//! - Of what was measured, and not computed, the age is asked with a second query: servers give a sample
//!   of the last five minutes the time of the question.
//! - One query is in flight a server. Whoever waits too long for that has no data.
//! - A server that does not answer says nothing about the service it measures: no data, not down.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};

use super::answer::{Answer, Trouble};
use super::api::{Refusal, Server, Servers, astray, refusal};
use super::instant::{self, Measured, Unanswered, read, read_range};
use super::past::{Numbers, Span};
use super::promql;
use crate::config::types::{Query, Reduce};
use crate::exchange::{Exchange, Reply, Request, place};
use crate::text::mask::Masker;
use crate::text::visible;

/// From this many bytes of an address on the query is sent as a form.
const LONG: usize = 2_000;

/// Asks for the number of a query, within `timeout`.
pub(super) async fn ask(
    exchange: &Exchange,
    servers: &Servers,
    query: &Query,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let server = Server::of(exchange, servers, &query.url, headers, timeout).await?;
    let (mut instant, latency) = send(&server, query, masker).await?;
    if matches!(instant.measured, Measured::Number(..))
        && let Some(asked) = promql::age(&query.query)
    {
        let asked = Query { query: asked, reduce: Some(Reduce::Max), ..query.clone() };
        send(&server, &asked, masker).await?.0.measured.judge_age(query.max_age, &mut instant);
    }
    let at = place(&server.base.url);
    let doubt = instant.doubt.map(|doubt| format!("{at}: {doubt}"));
    Ok(Answer { latency, measured: Some(instant.measured), doubt, ..Answer::default() })
}

/// Asks a query, and says how long that took.
async fn send(
    server: &Server<'_>,
    query: &Query,
    masker: &Masker,
) -> Result<(instant::Instant, Duration), Trouble> {
    let request = asking(server, query);
    let reply = server.send(&request).await?;
    let mut instant = understood(&reply, query, masker).unwrap_or_else(|(headline, why)| {
        let why = format!("{} {why}", place(&request.url));
        instant::Instant { measured: Measured::Nothing { headline, why }, doubt: None }
    });
    // It may hold what the server says, and labels.
    if let Measured::Nothing { why, .. } = &mut instant.measured {
        *why = visible(&masker.mask(why)).into_owned();
    }
    Ok((instant, reply.took))
}

/// The request for a query, which may take as long as is left.
fn asking(server: &Server<'_>, query: &Query) -> Request {
    // A little sooner than we give up, so that its own word on it still comes.
    let within = (server.left() * 9 / 10).as_millis().max(1);
    let old = query.max_age.as_millis().max(1);
    let asked = [
        ("query", query.query.clone()),
        ("timeout", format!("{within}ms")),
        ("lookback_delta", format!("{old}ms")),
    ];
    form(server, "/api/v1/query", &asked)
}

/// A request with these pairs, in the address, or as a form where that would be long.
fn form(server: &Server<'_>, path: &str, asked: &[(&str, String)]) -> Request {
    let (base, url) = (&server.base, server.below(path));
    let mut long = url.clone();
    long.query_pairs_mut().extend_pairs(asked);
    if long.as_str().len() <= LONG {
        return Request { url: long, ..base.clone() };
    }
    let form = Url::parse_with_params("form:", asked).ok();
    let body = form.as_ref().and_then(Url::query).unwrap_or_default().as_bytes().to_vec();
    let mut request = Request { method: Method::POST, url, body, ..base.clone() };
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(CONTENT_TYPE, form);
    request
}

/// Asks for the numbers of a query over a time that is past, which may be none; `None`: it does not answer.
pub(super) async fn past(
    exchange: &Exchange,
    servers: &Servers,
    query: &Query,
    headers: &BTreeMap<String, String>,
    span: Span,
    timeout: Duration,
) -> Option<Numbers> {
    let server = Server::of(exchange, servers, &query.url, headers, timeout).await.ok()?;
    let within = (server.left() * 9 / 10).as_millis().max(1);
    let asked = [
        ("query", query.query.clone()),
        ("start", span.from.as_second().to_string()),
        ("end", span.to.as_second().to_string()),
        ("step", span.step.to_string()),
        ("timeout", format!("{within}ms")),
    ];
    let reply = server.send(&form(&server, "/api/v1/query_range", &asked)).await.ok()?;
    let whole = reply.status == 200 && reply.unfinished.is_none();
    whole.then(|| read_range(&reply.body, query.reduce).unwrap_or_default())
}

/// Reads an answer; `Err`: a headline, and why there is none, to follow on the server's place.
fn understood(reply: &Reply, query: &Query, masker: &Masker) -> Result<instant::Instant, Refusal> {
    if let Some(refused) = astray(reply) {
        return Err(refused);
    }
    match read(&reply.body, query.reduce, query.max_age, Timestamp::now()) {
        Ok(instant) if (200..300).contains(&reply.status) => Ok(instant),
        Err(Unanswered::Error(why)) => {
            Err((reply.status.to_string(), format!("answers {}: {why}", reply.status)))
        }
        Ok(_) | Err(Unanswered::NotTheApi) => Err(refusal(reply, "Prometheus", masker)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use super::super::testing::{Server, response};
    use super::*;
    use crate::failure::Fault;
    use crate::health::series::Verdict;

    const TIME: Duration = Duration::from_secs(20);

    fn query(url: &str, query: &str) -> Query {
        Query {
            url: url.to_owned(),
            query: query.to_owned(),
            reduce: None,
            max_age: SignedDuration::from_mins(2),
        }
    }

    fn one(value: &str) -> String {
        let now = Timestamp::now().as_second();
        format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[{now},"{value}"]}}]}}}}"#
        )
    }

    /// Answers a query with a value, and that of its age with another.
    async fn aged(value: &'static str, age: &'static str) -> Server {
        Server::told(move |request| {
            response("200 OK", "", &one(if request.contains("timestamp") { age } else { value }))
        })
        .await
    }

    async fn asked(asked: &Query) -> Result<Answer, Trouble> {
        let servers = Servers::default();
        ask(&Exchange::default(), &servers, asked, &BTreeMap::new(), TIME, &Masker::default()).await
    }

    #[tokio::test]
    async fn the_query_goes_below_the_path_with_a_deadline() {
        let server = Server::answering("200 OK", &one("38.1")).await;
        for base in ["", "/", "/prometheus", "/prometheus/", "/a/b/api/v1", "/x/api/v1/query"] {
            let answer = asked(&query(&format!("{}{base}", server.url), "a{b=\"c\"} + 1")).await.unwrap();
            assert!(matches!(answer.measured, Some(Measured::Number(_, written)) if written == "38.1"));
        }
        let requests = server.requests.lock().unwrap().clone();
        let paths: Vec<_> = requests.iter().map(|request| request.split('?').next().unwrap()).collect();
        assert_eq!(
            paths,
            [
                "get /api/v1/query",
                "get /api/v1/query",
                "get /prometheus/api/v1/query",
                "get /prometheus/api/v1/query",
                "get /a/b/api/v1/query",
                "get /x/api/v1/query",
            ]
        );
        let first = &requests[0];
        assert!(first.contains("query=a%7bb%3d%22c%22%7d+%2b+1&timeout=1"), "{first}");
        assert!(first.contains("&lookback_delta=120000ms "), "{first}");
        // What the address itself asks for is kept, as for tenants.
        asked(&query(&format!("{}/vm?extra_label=team=a", server.url), "up + 1")).await.unwrap();
        let last = server.requests.lock().unwrap().last().unwrap().clone();
        assert!(last.contains("get /vm/api/v1/query?extra_label=team=a&query=up+%2b+1&"), "{last}");
    }

    #[tokio::test]
    async fn a_long_query_is_a_form() {
        let server = Server::answering("200 OK", &one("1")).await;
        asked(&query(&server.url, &format!("up or {}", "x".repeat(LONG)))).await.unwrap();
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(request.starts_with("post /api/v1/query http/1.1"), "{request}");
        assert!(request.contains("content-type: application/x-www-form-urlencoded"), "{request}");
        let (exchange, servers, headers) = (Exchange::default(), Servers::default(), BTreeMap::new());
        let asked = super::Server::of(&exchange, &servers, &server.url, &headers, TIME).await.unwrap();
        let long = asking(&asked, &query(&server.url, &"x".repeat(LONG)));
        let form = String::from_utf8(long.body).unwrap();
        assert!(
            form.starts_with("query=xxx")
                && form.contains("&timeout=1")
                && form.contains("ms&lookback_delta="),
            "{form}"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer_is_no_data_and_says_what_to_do() {
        let error = r#"{"status":"error","errorType":"bad_data","error":"1:4: parse error"}"#;
        for (status, body, said) in [
            ("400 Bad Request", error, "answers 400: it does not understand the query: 1:4: parse error"),
            ("422 Unprocessable", error, "answers 422: it does not understand"),
            ("503 Service Unavailable", "Service Unavailable", "answers 503: Service Unavailable"),
            ("502 Bad Gateway", "<html>nginx</html>", "answers 502"),
            ("401 Unauthorized", "", "answers 401: it needs credentials"),
            ("404 Not Found", "404 page not found", "give the path it is below"),
            ("429 Too Many", "", "answers 429: too many questions"),
            ("200 OK", "<html>Grafana</html>", "not the API of Prometheus"),
            ("500 Oops", &one("0"), "answers 500"),
        ] {
            let server = Server::answering(status, body).await;
            let answer = asked(&query(&server.url, "up")).await.unwrap();
            let Some(Measured::Nothing { why, .. }) = answer.measured else { panic!("{status}") };
            assert!(why.contains(said), "{why}");
        }
        let trouble = asked(&query("http://127.0.0.1:9/", "up")).await.unwrap_err();
        assert_eq!((trouble.verdict, trouble.fault), (Verdict::NoData, Fault::Refused));
        let elsewhere = Server::answering("200 OK", &one("1")).await;
        let moved = format!("location: {}/api/v1/query\r\n", elsewhere.url);
        let server = Server::sending(response("302 Found", &moved, "")).await;
        let answer = asked(&query(&server.url, "up")).await.unwrap();
        let Some(Measured::Nothing { why, .. }) = answer.measured else { panic!("followed") };
        assert!(why.contains("which is not asked"), "{why}");
        assert!(elsewhere.requests.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_sample_that_is_old_is_no_data() {
        for (age, headline) in [("119.5", "7"), ("121", "old"), ("NaN", "NaN"), ("-600", "old")] {
            let server = aged("7", age).await;
            let answer = asked(&query(&server.url, "up{job=\"a\"}")).await.unwrap();
            let seen = match answer.measured {
                Some(Measured::Number(_, written)) => written,
                Some(Measured::Nothing { headline, .. }) => headline,
                None => String::new(),
            };
            assert_eq!(seen, headline, "{age}");
            assert_eq!(server.requests.lock().unwrap().len(), 2);
            // What is computed has no age of its own.
            let answer = asked(&query(&server.url, "sum(up)")).await.unwrap();
            assert!(matches!(answer.measured, Some(Measured::Number(..))));
            assert_eq!(server.requests.lock().unwrap().len(), 3);
        }
    }

    #[tokio::test]
    async fn one_query_at_a_time_is_asked_of_a_server() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        use tokio::io::AsyncWriteExt as _;
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (busy, seen) = (Arc::clone(&now), Arc::clone(&most));
        let server = Server::start(move |mut stream| {
            let (busy, seen) = (Arc::clone(&busy), Arc::clone(&seen));
            async move {
                let there = busy.fetch_add(1, Ordering::SeqCst) + 1;
                seen.fetch_max(there, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                busy.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(response("200 OK", "", &one("1")).as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        let (exchange, servers, none) = (Exchange::default(), Servers::default(), BTreeMap::new());
        let masker = Masker::default();
        let asked = query(&server.url, "up + 0");
        let all = (0..8).map(|_| ask(&exchange, &servers, &asked, &none, TIME, &masker));
        for answer in futures_util::future::join_all(all).await {
            assert!(matches!(answer.unwrap().measured, Some(Measured::Number(..))));
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
}
