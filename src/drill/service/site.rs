//! The paths of the service and what is remembered between requests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use super::answer::{Counters, Figures};
use super::app::{Charged, Deployed, Release};
use super::past::{self, Past};
use super::prometheus::{self, Question};
use super::{flags, orders, provider};
use crate::drill::fetch;

/// A minute of orders is priced anew when it is asked for and older than this.
const FRESH: Duration = Duration::from_millis(900);

/// Single orders that are priced at one time; more are turned away.
const AT_ONCE: usize = 4;

/// An answer to a single order is held back as long as the order took, but no longer than this.
const LONGEST: Duration = Duration::from_secs(2);

pub(super) type Answer = Response<Full<Bytes>>;

/// One environment.
pub(super) struct Site {
    root: PathBuf,
    environment: String,
    /// How many of a hundred cards are numbers of an older shop.
    old_cards: u8,
    /// Where the payment provider is asked whether it takes charges; `None`: there is none.
    provider: Option<String>,
    up_since: Instant,
    // Held while the application runs, so that everybody who asks meanwhile gets the same.
    pulse: Mutex<Pulse>,
    past: Past,
    counter: Semaphore,
    single: AtomicU64,
}

/// The last minute of orders.
#[derive(Default)]
struct Pulse {
    number: u64,
    taken: Option<(Deployed, Instant)>,
    charged: Vec<Charged>,
    figures: Figures,
    /// Those of the orders that the newest release took.
    newest: Figures,
    counters: Counters,
}

impl Site {
    /// The site of an environment whose releases are in a directory.
    pub(super) fn new(root: PathBuf, environment: String, old_cards: u8, provider: Option<String>) -> Self {
        Self {
            past: Past::new(root.clone(), old_cards),
            root,
            environment,
            old_cards,
            provider,
            up_since: Instant::now(),
            pulse: Mutex::default(),
            counter: Semaphore::new(AT_ONCE),
            single: AtomicU64::new(0),
        }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: &Request<Bytes>) -> Answer {
        if let Some(name) = request.uri().path().strip_prefix("/flags/") {
            return self.flag(name, request);
        }
        if let Some(path) = request.uri().path().strip_prefix("/prometheus/") {
            return self.prometheus(path, request).await;
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return json_answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "only GET is answered" }));
        }
        let Some(deployed) = self.deployed().await else {
            let body =
                json!({ "status": "empty", "error": "nothing is deployed", "environment": self.environment });
            return json_answer(StatusCode::SERVICE_UNAVAILABLE, &body);
        };
        let release = &deployed.current;
        match request.uri().path() {
            "/version" => json_answer(
                StatusCode::OK,
                &json!({ "environment": self.environment, "version": release.version, "commit": release.commit }),
            ),
            "/checkout" => self.checkout(&deployed, request.uri().query().unwrap_or_default()).await,
            path @ ("/health" | "/orders" | "/newest" | "/database" | "/metrics") => {
                self.figures(&deployed, path).await
            }
            _ => json_answer(StatusCode::NOT_FOUND, &json!({ "error": "no such path" })),
        }
    }

    /// What is deployed, and how its payment provider is now.
    async fn deployed(&self) -> Option<Deployed> {
        let mut deployed = Deployed::find(&self.root)?;
        if let Some(provider) = &self.provider {
            let url = format!("{provider}{}", provider::CHARGES);
            let answer = tokio::task::spawn_blocking(move || fetch::body(&url)).await;
            // Whoever does not answer takes no charges either.
            deployed.provider_down = !matches!(answer, Ok(Ok(body)) if body.contains(provider::TAKES));
        }
        Some(deployed)
    }

    /// The last minute of orders, priced anew where it is too old or was priced by another release.
    async fn pulse(&self, deployed: &Deployed) -> MutexGuard<'_, Pulse> {
        let mut pulse = self.pulse.lock().await;
        let fresh = pulse.taken.as_ref().is_some_and(|(by, at)| by == deployed && at.elapsed() < FRESH);
        if !fresh {
            pulse.number += 1;
            let (charged, newest) = deployed.price(&orders::minute(pulse.number, self.old_cards)).await;
            pulse.figures = Figures::of(&charged);
            pulse.newest = Figures::of(&newest);
            pulse.counters.add(&charged);
            pulse.charged = charged;
            pulse.taken = Some((deployed.clone(), Instant::now()));
            self.past.keep(past::now(), &pulse.figures);
        }
        pulse
    }

    /// Answers from the last minute of orders.
    async fn figures(&self, deployed: &Deployed, path: &str) -> Answer {
        let release: &Release = &deployed.current;
        let pulse = self.pulse(deployed).await;
        let figures = &pulse.figures;
        let bad = StatusCode::SERVICE_UNAVAILABLE;
        match path {
            "/health" => {
                let status = if figures.healthy() { StatusCode::OK } else { bad };
                let uptime = self.up_since.elapsed().as_secs();
                json_answer(status, &figures.health(&release.version, &release.commit, uptime))
            }
            "/database" => json_answer(StatusCode::OK, &figures.database()),
            "/newest" => json_answer(StatusCode::OK, &deployed.newest(&pulse.newest)),
            "/metrics" => {
                let text = pulse.counters.metrics(figures, &release.version, &release.commit);
                answer(StatusCode::OK, "text/plain; version=0.0.4", text)
            }
            _ => json_answer(StatusCode::OK, &figures.orders(&pulse.charged)),
        }
    }

    /// Answers as a Prometheus that watches this environment.
    async fn prometheus(&self, path: &str, request: &Request<Bytes>) -> Answer {
        let form = String::from_utf8_lossy(request.body());
        let fields = match *request.method() {
            Method::GET => request.uri().query().unwrap_or_default(),
            Method::POST => &form,
            _ => {
                return answer(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "text/plain",
                    "Method Not Allowed\n".to_owned(),
                );
            }
        };
        let now = past::now();
        let question =
            path.strip_prefix("api/v1/").and_then(|endpoint| Question::read(endpoint, fields, now));
        let (status, body) = match question {
            None => return answer(StatusCode::NOT_FOUND, "text/plain", "404 page not found\n".to_owned()),
            Some(Err(refused)) => prometheus::refusal(&refused),
            Some(Ok(Question::At(series, None))) => {
                let figures = match self.deployed().await {
                    Some(deployed) => Some(self.pulse(&deployed).await.figures.clone()),
                    None => None,
                };
                (StatusCode::OK, prometheus::vector(series, now, figures.as_ref()))
            }
            Some(Ok(Question::At(series, Some(at)))) => {
                let figures = self.past.at(&[at]).await.pop().flatten();
                (StatusCode::OK, prometheus::vector(series, at, figures.as_ref()))
            }
            Some(Ok(Question::Range(series, times))) => {
                let figures = self.past.at(&times).await;
                (StatusCode::OK, prometheus::matrix(series, &times, &figures))
            }
        };
        json_answer(status, &body)
    }

    /// Prices a single order with the deployed application, in the time that it takes.
    async fn checkout(&self, deployed: &Deployed, query: &str) -> Answer {
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
        let Some(charged) = deployed.price_one(&order, id).await else {
            return json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "no answer" }));
        };
        let takes = Duration::from_millis(charged.ms).min(LONGEST);
        tokio::time::sleep(takes.saturating_sub(began.elapsed())).await;
        let status = StatusCode::from_u16(charged.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json_answer(status, &json!(charged))
    }
}

impl Site {
    /// Tells whether a flag is on, or sets it for whoever has the token.
    fn flag(&self, name: &str, request: &Request<Bytes>) -> Answer {
        let Some(on) = flags::read(&self.root, name) else {
            return json_answer(StatusCode::NOT_FOUND, &json!({ "error": "no such flag" }));
        };
        if request.method() == Method::GET {
            return json_answer(StatusCode::OK, &json!({ "name": name, "enabled": on }));
        }
        let given = request.headers().get(AUTHORIZATION).map(hyper::header::HeaderValue::as_bytes);
        if request.method() != Method::PUT || !flags::is_token(&self.root, given) {
            return json_answer(StatusCode::UNAUTHORIZED, &json!({ "error": "PUT, with the token" }));
        }
        let body: Option<Value> = serde_json::from_slice(request.body()).ok();
        let Some(on) = body.as_ref().and_then(|body| body.get("enabled")?.as_bool()) else {
            return json_answer(StatusCode::BAD_REQUEST, &json!({ "error": "enabled: true or false" }));
        };
        match flags::write(&self.root, name, on) {
            Ok(()) => json_answer(StatusCode::OK, &json!({ "name": name, "enabled": on })),
            Err(error) => {
                json_answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": error.to_string() }))
            }
        }
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

pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    answer(status, "application/json", format!("{body}\n"))
}

pub(super) fn text_answer(status: StatusCode, body: String) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
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
        let site = Site::new(dir.path().to_path_buf(), "staging".into(), 0, None);
        let request = Request::get("/health").body(Bytes::new()).unwrap();
        assert_eq!(site.answer(&request).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn a_flag_is_set_by_whoever_has_the_token_and_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        flags::make(dir.path(), "loyalty", "s3cret").unwrap();
        let site = Site::new(dir.path().to_path_buf(), "production".into(), 0, None);
        let put = |path: &str, token: &str, body: &'static str| {
            let request = Request::put(path).header("authorization", format!("Bearer {token}"));
            request.body(Bytes::from(body)).unwrap()
        };
        let off = r#"{"enabled":false}"#;
        for (request, wanted) in [
            (put("/flags/loyalty", "wrong", off), StatusCode::UNAUTHORIZED),
            (put("/flags/loyalty", "s3cret", "off"), StatusCode::BAD_REQUEST),
            (put("/flags/other", "s3cret", off), StatusCode::NOT_FOUND),
            (put("/flags/../flag-token", "s3cret", off), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(site.answer(&request).await.status(), wanted);
        }
        assert_eq!(flags::read(dir.path(), "loyalty"), Some(true));
        assert_eq!(site.answer(&put("/flags/loyalty", "s3cret", off)).await.status(), StatusCode::OK);
        assert_eq!(flags::read(dir.path(), "loyalty"), Some(false));
        assert_eq!(flags::off(dir.path()), "loyalty");
    }
}
