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

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};

use super::answer::{Answer, MAX_BODY, Trouble};
use super::http::request;
use super::instant::{self, Measured, Unanswered, read};
use super::promql;
use super::series::Verdict;
use crate::config::types::{Query, Reduce};
use crate::exchange::{Exchange, Policy, Redirect, Reply, Request, complaint, place};
use crate::failure::Fault;
use crate::incident::duration;
use crate::text::mask::Masker;
use crate::text::visible;

/// From this many bytes of an address on the query is sent as a form.
const LONG: usize = 2_000;

/// The servers that are asked: a query waits for the one before.
#[derive(Debug, Default)]
pub(super) struct Servers(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Servers {
    fn turn(&self, url: &Url) -> Arc<tokio::sync::Mutex<()>> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(place(url)).or_default())
    }
}

/// Asks for the number of a query, within `timeout`.
pub(super) async fn ask(
    exchange: &Exchange,
    servers: &Servers,
    query: &Query,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let base = request(&query.url, headers).map_err(silent)?;
    let turn = servers.turn(&base.url);
    let Ok(_turn) = tokio::time::timeout(timeout, turn.lock()).await else {
        let why = format!("{} was still busy with the queries before this one", place(&base.url));
        return Err(silent(Trouble::new(Fault::Timeout, why)));
    };
    let server = Server { exchange, base, until: started + timeout, masker };
    let (mut instant, latency) = server.send(query).await?;
    if matches!(instant.measured, Measured::Number(..))
        && let Some(asked) = promql::age(&query.query)
    {
        let asked = Query { query: asked, reduce: Some(Reduce::Max), ..query.clone() };
        server.send(&asked).await?.0.measured.judge_age(query.max_age, &mut instant);
    }
    let at = place(&server.base.url);
    let doubt = instant.doubt.map(|doubt| format!("{at}: {doubt}"));
    Ok(Answer { latency, measured: Some(instant.measured), doubt, ..Answer::default() })
}

/// A server being asked.
struct Server<'a> {
    exchange: &'a Exchange,
    base: Request,
    until: Instant,
    masker: &'a Masker,
}

impl Server<'_> {
    /// Asks a query, and says how long that took.
    async fn send(&self, query: &Query) -> Result<(instant::Instant, Duration), Trouble> {
        let left = self.until.saturating_duration_since(Instant::now());
        let request = asking(&self.base, query, left);
        let policy = Policy { body: MAX_BODY, resends: true, ..Policy::within(left) };
        let reply = self.exchange.send(&request, &policy).await.map_err(|lost| silent(lost.into()))?;
        let mut instant = understood(&reply, query, self.masker).unwrap_or_else(|(headline, why)| {
            let why = format!("{} {why}", place(&request.url));
            instant::Instant { measured: Measured::Nothing { headline, why }, doubt: None }
        });
        // It may hold what the server says, and labels.
        if let Measured::Nothing { why, .. } = &mut instant.measured {
            *why = visible(&self.masker.mask(why)).into_owned();
        }
        Ok((instant, reply.took))
    }
}

/// What does not answer is not the service that is looked at.
fn silent(trouble: Trouble) -> Trouble {
    Trouble { verdict: Verdict::NoData, ..trouble }
}

/// The request for a query, which may take so long.
fn asking(base: &Request, query: &Query, left: Duration) -> Request {
    // A little sooner than we give up, so that its own word on it still comes.
    let within = (left * 9 / 10).as_millis().max(1);
    let old = query.max_age.as_millis().max(1);
    let asked = [
        ("query", query.query.clone()),
        ("timeout", format!("{within}ms")),
        ("lookback_delta", format!("{old}ms")),
    ];
    let mut url = base.url.clone();
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v1/query").or_else(|| path.strip_suffix("/api/v1")).unwrap_or(path);
    let path = format!("{path}/api/v1/query");
    url.set_path(&path);
    let mut long = url.clone();
    long.query_pairs_mut().extend_pairs(&asked);
    if long.as_str().len() <= LONG {
        return Request { url: long, ..base.clone() };
    }
    let form = Url::parse_with_params("form:", &asked).ok();
    let body = form.as_ref().and_then(Url::query).unwrap_or_default().as_bytes().to_vec();
    let mut request = Request { method: Method::POST, url, body, ..base.clone() };
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers.insert(CONTENT_TYPE, form);
    request
}

/// Reads an answer; `Err`: a headline, and why there is none, to follow on the server's place.
fn understood(reply: &Reply, query: &Query, masker: &Masker) -> Result<instant::Instant, (String, String)> {
    let status = reply.status;
    let lost = |why: String| (status.to_string(), why);
    if let Some(redirect) = &reply.redirect {
        let target = match redirect {
            Redirect::To(url) => format!("{}://{}", url.scheme(), place(url)),
            Redirect::Nowhere(what) => what.clone(),
        };
        return Err(lost(format!(
            "redirects to {target}, which is not asked; give that address if it is right"
        )));
    }
    if let Some(unfinished) = &reply.unfinished {
        let what = match unfinished.fault {
            Fault::TooLong => "sent more than can be read; aggregate in the query",
            _ => "broke off in the middle of its answer",
        };
        return Err((unfinished.fault.headline().into_owned(), what.to_owned()));
    }
    match read(&reply.body, query.reduce, query.max_age, Timestamp::now()) {
        Ok(instant) if (200..300).contains(&status) => Ok(instant),
        Err(Unanswered::Error(why)) => Err(lost(format!("answers {status}: {why}"))),
        Ok(_) | Err(Unanswered::NotTheApi) => {
            let what = match status {
                200..300 => "answers something that is not the API of Prometheus; see whether the address is right".to_owned(),
                401 | 403 => format!("answers {status}: it needs credentials, or others than these"),
                404 => {
                    "answers 404: there is no API of Prometheus; give the path it is below, as in https://host/prometheus"
                        .to_owned()
                }
                429 => {
                    let wait = reply.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
                    let wait = wait.map_or_else(String::new, |wait| format!("; it asks to wait for {}", duration(wait)));
                    format!("answers 429: too many queries{wait}")
                }
                _ => match complaint(&reply.body, |said| masker.mask(said).into_owned()) {
                    Some(said) => format!("answers {status}: {said}"),
                    None => format!("answers {status}"),
                },
            };
            Err(lost(what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Server, response};
    use super::*;

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

    fn request_of(url: &str) -> Request {
        request(url, &BTreeMap::new()).unwrap()
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
        let base = request_of(&server.url);
        let long = asking(&base, &query(&server.url, &"x".repeat(LONG)), TIME);
        let form = String::from_utf8(long.body).unwrap();
        assert!(form.starts_with("query=xxx") && form.contains("&timeout=18000ms&lookback_delta="), "{form}");
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
            ("429 Too Many", "", "answers 429: too many queries"),
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
