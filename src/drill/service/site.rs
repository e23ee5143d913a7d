//! The paths of the service and what is remembered between requests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};

use super::answer::{Counters, Figures};
use super::app::{Charged, Release};
use super::orders;

/// A minute of orders is priced anew when it is asked for and older than this.
const FRESH: Duration = Duration::from_millis(900);

/// Single orders that are priced at one time; more are turned away.
const AT_ONCE: usize = 4;

/// An answer to a single order is held back as long as the order took, but no longer than this.
const LONGEST: Duration = Duration::from_secs(2);

type Answer = Response<Full<Bytes>>;

/// One environment.
pub(super) struct Site {
    root: PathBuf,
    environment: String,
    up_since: Instant,
    // Held while the application runs, so that everybody who asks meanwhile gets the same.
    pulse: Mutex<Pulse>,
    counter: Semaphore,
    single: AtomicU64,
}

/// The last minute of orders.
#[derive(Default)]
struct Pulse {
    number: u64,
    taken: Option<(Release, Instant)>,
    charged: Vec<Charged>,
    figures: Figures,
    counters: Counters,
}

impl Site {
    /// The site of an environment whose releases are in a directory.
    pub(super) fn new(root: PathBuf, environment: String) -> Self {
        Self {
            root,
            environment,
            up_since: Instant::now(),
            pulse: Mutex::default(),
            counter: Semaphore::new(AT_ONCE),
            single: AtomicU64::new(0),
        }
    }

    /// Answers one request.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Answer {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET is answered" }));
        }
        let Some(release) = Release::current(&self.root) else {
            let body =
                json!({ "status": "empty", "error": "nothing is deployed", "environment": self.environment });
            return json_answer(StatusCode::SERVICE_UNAVAILABLE, &body);
        };
        match request.uri().path() {
            "/version" => json_answer(
                StatusCode::OK,
                &json!({ "environment": self.environment, "version": release.version, "commit": release.commit }),
            ),
            "/checkout" => self.checkout(&release, request.uri().query().unwrap_or_default()).await,
            path @ ("/health" | "/orders" | "/database" | "/metrics") => self.figures(&release, path).await,
            _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": "there is no such path" })),
        }
    }

    /// Answers from the last minute of orders, having it priced anew where it is too old or
    /// was priced by another release.
    async fn figures(&self, release: &Release, path: &str) -> Answer {
        let mut pulse = self.pulse.lock().await;
        let fresh = pulse.taken.as_ref().is_some_and(|(by, at)| by == release && at.elapsed() < FRESH);
        if !fresh {
            pulse.number += 1;
            let charged = release.price(&orders::minute(pulse.number)).await;
            pulse.figures = Figures::of(&charged);
            pulse.counters.add(&charged);
            pulse.charged = charged;
            pulse.taken = Some((release.clone(), Instant::now()));
        }
        let figures = &pulse.figures;
        let bad = StatusCode::SERVICE_UNAVAILABLE;
        match path {
            "/health" => {
                let status = if figures.healthy() { StatusCode::OK } else { bad };
                let uptime = self.up_since.elapsed().as_secs();
                json_answer(status, &figures.health(&release.version, &release.commit, uptime))
            }
            "/database" => json_answer(StatusCode::OK, &figures.database()),
            "/metrics" => {
                let text = pulse.counters.metrics(figures, &release.version, &release.commit);
                answer(StatusCode::OK, "text/plain; version=0.0.4", text)
            }
            _ => json_answer(StatusCode::OK, &figures.orders(&pulse.charged)),
        }
    }

    /// Prices a single order with the deployed application, in the time that it takes.
    async fn checkout(&self, release: &Release, query: &str) -> Answer {
        let Ok(_place) = self.counter.try_acquire() else {
            return json_answer(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({ "error": "too many orders at once", "at_once": AT_ONCE }),
            );
        };
        let began = Instant::now();
        let id = 1_000 + self.single.fetch_add(1, Ordering::Relaxed);
        let order =
            orders::order(id, field(query, "card"), field(query, "coupon"), "ok", field(query, "lines"));
        let Some(charged) = release.price(&order).await.pop() else {
            return json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "no answer" }));
        };
        let takes = Duration::from_millis(charged.ms).min(LONGEST);
        tokio::time::sleep(takes.saturating_sub(began.elapsed())).await;
        let status = StatusCode::from_u16(charged.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json_answer(status, &json!(charged))
    }
}

/// A field of a query, or a dash where it is missing or holds what an order cannot.
fn field<'a>(query: &'a str, name: &str) -> &'a str {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty() && value.len() <= 400)
        .filter(|value| value.bytes().all(|b| b.is_ascii_alphanumeric() || b":,._-".contains(&b)))
        .unwrap_or("-")
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", format!("{body}\n"))
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_cannot_smuggle_a_second_order_in() {
        assert_eq!(field("card=gold&lines=tea:2:1245", "lines"), "tea:2:1245");
        for query in ["card=a%0Ab", "card=a\tb", "card=", "other=x", ""] {
            assert_eq!(field(query, "card"), "-", "{query}");
        }
    }

    #[tokio::test]
    async fn an_environment_without_a_release_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::new(dir.path().to_path_buf(), "staging".into());
        let request = Request::get("/health").body(()).unwrap();
        assert_eq!(site.answer(&request).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
