//! Asks a probe's address once. Touches the network; imported by the runner.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::answer::{Answer, MAX_BODY, Trouble};
use super::series::Phases;
use crate::exchange::{self, Exchange, Lost, Policy, Redirect, Request, place};
use crate::failure::Fault;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 10;

impl From<Lost> for Trouble {
    fn from(lost: Lost) -> Self {
        Self::new(lost.fault, lost.why)
    }
}

/// Asks an address and reads its answer, redirects and body included, within `timeout`; with `kept` over a connection
/// that is open from before, where there is one.
pub async fn ask(
    exchange: &Exchange,
    url: &str,
    headers: &BTreeMap<String, String>,
    timeout: Duration,
    kept: bool,
) -> Result<Answer, Trouble> {
    let request = request(url, headers)?;
    let started = Instant::now();
    let policy =
        Policy { body: MAX_BODY, redirects: MAX_REDIRECTS, elsewhere: true, kept, ..Policy::within(timeout) };
    let reply = match exchange.send(&request, &policy).await {
        // What is wrong with a connection that was kept is not what a new user would see.
        Err(lost) if kept && lost.fault != Fault::Timeout => {
            let rest = timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
            exchange.send(&request, &Policy { kept: false, time: rest, ..policy }).await?
        }
        reply => reply?,
    };
    let place = place(&request.url);
    let astray = |why: String| Err(Trouble::new(Fault::Redirect, why));
    match (reply.redirect, reply.unfinished) {
        (Some(Redirect::To(_)), _) => astray(format!("{place} redirects more than {MAX_REDIRECTS} times")),
        (Some(Redirect::Nowhere(what)), _) => astray(format!("{place} redirects to {what}")),
        (None, Some(lost)) if lost.fault != Fault::TooLong => Err(lost.into()),
        (None, lost) => Ok(Answer {
            status: Some(reply.status),
            latency: reply.took,
            phases: Some(phases(reply.phases)),
            cut: lost.is_some(),
            says_json: says_json(&reply.headers),
            strayed: strayed(&request.url, &reply.url),
            body: reply.body,
            ..Answer::default()
        }),
    }
}

/// Whether an answer calls its body JSON.
fn says_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// Who answered in place of an address; `None`: the same one, encrypted, with `www.` or a slash at its end, as many
/// redirect to.
fn strayed(asked: &Url, answered: &Url) -> Option<String> {
    let host = |url: &Url| url.host_str().unwrap_or_default().trim_start_matches("www.").to_owned();
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let port = |url: &Url| url.port();
    let is_same = host(asked) == host(answered) && path(asked) == path(answered);
    let is_same = is_same && (port(asked) == port(answered) || asked.scheme() != answered.scheme());
    (!is_same).then(|| format!("{}{}", place(answered), answered.path()))
}

fn phases(took: exchange::Phases) -> Phases {
    let exchange::Phases { resolve, connect, tls, first_byte, body, kept } = took;
    Phases { resolve, connect, tls, first_byte, body, kept }
}

/// A question to an address.
pub(super) fn request(url: &str, headers: &BTreeMap<String, String>) -> Result<Request, Trouble> {
    let url = Url::parse(url)
        .map_err(|e| Trouble::new(Fault::BadAddress, format!("the address is not valid: {e}")))?;
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        else {
            let why = "the address or a header cannot be sent";
            return Err(Trouble::new(Fault::BadRequest, why));
        };
        sent.append(name, value);
    }
    Ok(Request { headers: sent, ..Request::get(url) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::testing::{Server, response};
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn ask(url: &str, timeout: Duration) -> Result<Answer, Trouble> {
        super::ask(&Exchange::default(), url, &BTreeMap::new(), timeout, false).await
    }

    async fn fault(url: &str, timeout: Duration) -> Fault {
        ask(url, timeout).await.expect_err("there should be no answer").fault
    }

    #[tokio::test]
    async fn an_answer_has_status_body_and_latency() {
        let server = Server::answering("500 Oops", r#"{"status":"down"}"#).await;
        let answer = ask(&server.url, LONG).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (Some(500), &br#"{"status":"down"}"#[..]));
        assert!(!answer.latency.is_zero() && !answer.cut);
        let phases = answer.phases.unwrap();
        assert!(!phases.connect.is_zero() && !phases.first_byte.is_zero(), "{phases:?}");
        assert!(phases.resolve.is_zero(), "it is written as an address");
        assert!(phases.tls.is_zero(), "it is not encrypted");
        let sum = phases.resolve + phases.connect + phases.first_byte + phases.body;
        assert!(sum <= answer.latency, "{phases:?} of {:?}", answer.latency);
        let by_name = server.url.replace("127.0.0.1", "localhost");
        assert!(!ask(&by_name, LONG).await.unwrap().phases.unwrap().resolve.is_zero());
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(
            request.starts_with("get / http/1.1\r\n") && request.contains("user-agent: flightdeck/"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn who_refuses_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let trouble = ask(&format!("http://{address}/health?key=secret"), LONG).await.unwrap_err();
        assert_eq!(trouble.fault, Fault::Refused);
        assert_eq!(trouble.why, format!("{address} refuses connections"));
        assert_eq!(trouble.verdict, super::super::series::Verdict::NoAnswer);
    }

    #[tokio::test]
    async fn who_hangs_times_out() {
        let server = Server::start(|stream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        })
        .await;
        let trouble = ask(&server.url, Duration::from_millis(100)).await.unwrap_err();
        assert_eq!(trouble.fault, Fault::Timeout);
        assert!(
            trouble.why.contains("did not answer within 100 ms; it accepted the connection after "),
            "{}",
            trouble.why
        );
    }

    #[tokio::test]
    async fn a_body_that_trickles_for_ever_has_the_same_deadline() {
        let server = Server::start(|mut stream| async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n").await;
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let trouble = ask(&server.url, Duration::from_millis(200)).await.unwrap_err();
        assert_eq!(trouble.fault, Fault::Timeout);
        assert!(trouble.why.contains("began to answer but was not done"), "{}", trouble.why);
    }

    #[tokio::test]
    async fn half_a_body_is_no_answer() {
        let server = Server::sending("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":").await;
        let trouble = ask(&server.url, LONG).await.unwrap_err();
        assert_eq!(trouble.fault, Fault::HalfBody);
        assert!(trouble.why.ends_with("after 10 bytes"), "{}", trouble.why);
    }

    #[tokio::test]
    async fn an_endless_body_is_read_up_to_the_limit() {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let server = Server::start(move |mut stream| {
            let count = Arc::clone(&count);
            async move {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
                let chunk = vec![b'x'; 1 << 16];
                while stream.write_all(&chunk).await.is_ok() {
                    count.fetch_add(chunk.len(), Ordering::Relaxed);
                }
            }
        })
        .await;
        let answer = ask(&server.url, LONG).await.unwrap();
        assert!(answer.cut);
        assert_eq!(answer.body.len(), MAX_BODY);
        // What the sockets hold on top is bounded by the system.
        assert!(sent.load(Ordering::Relaxed) < 64 * MAX_BODY);
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_whole() {
        let server = Server::answering("200 OK", &"x".repeat(MAX_BODY)).await;
        let answer = ask(&server.url, LONG).await.unwrap();
        assert_eq!((answer.cut, answer.body.len()), (false, MAX_BODY));
    }

    #[tokio::test]
    async fn what_is_not_an_answer_is_told_apart() {
        let silent = Server::sending("").await;
        assert_eq!(fault(&silent.url, LONG).await, Fault::Reset);
        let garbage = Server::sending("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
        assert_eq!(fault(&garbage.url, LONG).await, Fault::NotHttp);
    }

    #[tokio::test]
    async fn tls_is_verified_and_never_given_up_for_plain_text() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            hello
        });
        let trouble = ask(&url, LONG).await.unwrap_err();
        if trouble.fault == Fault::NoClient {
            // A machine without certificates does not even ask.
            server.abort();
            return;
        }
        assert_eq!(trouble.fault, Fault::Tls);
        assert!(trouble.why.ends_with("it does not speak TLS"), "{}", trouble.why);
        // What was sent is a TLS handshake, not a request.
        assert_eq!(server.await.unwrap()[..2], [22, 3]);
    }

    #[tokio::test]
    async fn an_unknown_host_and_an_unreadable_address_are_told_apart() {
        let trouble = ask("http://no-such-host.invalid/", LONG).await.unwrap_err();
        assert!(
            matches!(trouble.fault, Fault::NoSuchHost | Fault::NoNetwork | Fault::NoNameServer),
            "{trouble:?}"
        );
        assert_eq!(fault("http://127.0.0.1:99999/", LONG).await, Fault::BadAddress);
    }

    /// Follows a redirect from a probe with a header and a password; returns what the first
    /// and the last server were asked.
    async fn redirected(target: Option<&Server>, path: &str) -> (Vec<String>, Vec<String>) {
        let location = format!("location: {}{path}\r\n", target.map_or("", |server| &server.url));
        let count = Arc::new(AtomicUsize::new(0));
        let first = Server::start(move |mut stream| {
            let moved = response("302 Found", &location, "");
            let count = Arc::clone(&count);
            async move {
                let again = count.fetch_add(1, Ordering::Relaxed) > 0;
                let answer = if again { response("200 OK", "", "home") } else { moved };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await;
        let url = first.url.replace("http://", "http://maya:secret@");
        let headers = [("X-Api-Key".to_owned(), "key".to_owned())].into();
        let answer = super::ask(&Exchange::default(), &url, &headers, LONG, false).await.unwrap();
        assert_eq!(answer.status, Some(200));
        let asked = |server: &Server| server.requests.lock().unwrap().clone();
        (asked(&first), target.map(asked).unwrap_or_default())
    }

    #[tokio::test]
    async fn credentials_and_headers_go_along_on_the_same_host() {
        let (first, _) = redirected(None, "/inner").await;
        assert!(first[1].starts_with("get /inner "), "{}", first[1]);
        for request in &first {
            assert!(
                request.contains("x-api-key: key") && request.contains("authorization: basic"),
                "{request}"
            );
        }
    }

    #[tokio::test]
    async fn a_redirect_to_another_host_drops_credentials_and_headers() {
        let other = Server::answering("200 OK", "elsewhere").await;
        let (first, last) = redirected(Some(&other), "/x").await;
        assert!(first[0].contains("x-api-key: key"));
        assert!(last[0].starts_with("get /x "), "{}", last[0]);
        for secret in ["x-api-key", "authorization", "referer", "secret"] {
            assert!(!last[0].contains(secret), "{}", last[0]);
        }
    }

    #[test]
    fn who_answers_in_place_of_another_is_told() {
        let strayed = |asked: &str, answered: &str| {
            strayed(&Url::parse(asked).unwrap(), &Url::parse(answered).unwrap())
        };
        for (asked, answered) in [
            ("http://shop.example/health", "https://shop.example/health/"),
            ("https://shop.example/", "https://www.shop.example/"),
            ("https://shop.example/health?deep=1", "https://shop.example/health"),
        ] {
            assert_eq!(strayed(asked, answered), None, "{asked} {answered}");
        }
        for (answered, place) in [
            ("https://shop.example/login", "shop.example:443/login"),
            ("https://sso.example/health", "sso.example:443/health"),
            ("https://shop.example:8443/health", "shop.example:8443/health"),
        ] {
            assert_eq!(strayed("https://shop.example/health", answered).as_deref(), Some(place));
        }
    }

    #[tokio::test]
    async fn redirects_end_somewhere() {
        let server = Server::sending(response("302 Found", "location: /again\r\n", "")).await;
        assert_eq!(fault(&server.url, LONG).await, Fault::Redirect);
        assert_eq!(server.requests.lock().unwrap().len(), MAX_REDIRECTS + 1);
        let file = Server::sending(response("302 Found", "location: file:///etc/passwd\r\n", "")).await;
        assert_eq!(fault(&file.url, LONG).await, Fault::Redirect);
        let bare = Server::sending(response("304 Not Modified", "", "")).await;
        assert_eq!(ask(&bare.url, LONG).await.unwrap().status, Some(304));
    }
}
