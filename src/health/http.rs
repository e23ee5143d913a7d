//! Asks a probe's address once, and has the HTTP clients for whoever makes calls. Touches the
//! network; imported by the runner and the conductor.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url};
use tokio::sync::OnceCell;

use super::answer::{Answer, MAX_BODY, Trouble, length};
use super::tracker::{NO_NETWORK, NO_SUCH_HOST, UNREACHABLE, is_loopback};

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// The HTTP clients of all probes, each built when first needed.
#[derive(Debug, Default)]
pub struct Http {
    /// How long a connection may take to come about; `None`: only the whole is bounded.
    connect: Option<Duration>,
    verified: OnceCell<Result<Client, String>>,
    verified_loopback: OnceCell<Result<Client, String>>,
    plain: OnceCell<Result<Client, String>>,
    plain_loopback: OnceCell<Result<Client, String>>,
}

impl Http {
    /// Clients that give a connection up after so long. What could not be connected to was
    /// surely sent nothing.
    pub fn connecting_within(connect: Duration) -> Self {
        Self { connect: Some(connect), ..Self::default() }
    }

    /// Asks an address and reads its answer, redirects and body included, within `timeout`.
    pub async fn ask(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        timeout: Duration,
    ) -> Result<Answer, Trouble> {
        let url = Url::parse(url)
            .map_err(|e| Trouble::not_asked("bad address", format!("the address is not valid: {e}")))?;
        let begun = AtomicBool::new(false);
        let place = place(&url);
        let started = Instant::now();
        let asked = tokio::time::timeout(timeout, self.follow(headers, url, started, &begun)).await;
        asked.unwrap_or_else(|_| {
            let what = if begun.load(Ordering::Relaxed) {
                "began to answer but was not done"
            } else {
                "did not answer"
            };
            Err(Trouble::nobody("timeout", format!("{place} {what} within {}", length(timeout))))
        })
    }

    async fn follow(
        &self,
        headers: &BTreeMap<String, String>,
        mut url: Url,
        started: Instant,
        begun: &AtomicBool,
    ) -> Result<Answer, Trouble> {
        let first = url.clone();
        let mut is_home = true;
        for _ in 0..=MAX_REDIRECTS {
            let place = place(&url);
            let mut request = self.client(&url).await?.get(url.clone());
            if is_home {
                for (name, value) in headers {
                    request = request.header(name, value);
                }
            }
            let response = request.send().await.map_err(|e| trouble(&e, &place))?;
            let Some(target) = redirect(&response) else {
                begun.store(true, Ordering::Relaxed);
                return read(response, started, &place).await;
            };
            let mut next = target.ok().and_then(|target| url.join(&target).ok()).ok_or_else(|| {
                Trouble::nobody("redirect", format!("{place} redirects to something that is not an address"))
            })?;
            if !matches!(next.scheme(), "http" | "https") {
                return Err(Trouble::nobody(
                    "redirect",
                    format!("{place} redirects to a {} address", next.scheme()),
                ));
            }
            // Once elsewhere, credentials stay away even if it leads back here.
            is_home = is_home && next.origin() == first.origin();
            let (user, password) = if is_home { (first.username(), first.password()) } else { ("", None) };
            // Fails only for addresses without a host, which http cannot have.
            let _ = next.set_username(user);
            let _ = next.set_password(password);
            url = next;
        }
        Err(Trouble::nobody(
            "redirect",
            format!("{} redirects more than {MAX_REDIRECTS} times", place(&first)),
        ))
    }

    /// The client for an address. A system proxy is never asked for this machine itself, and
    /// certificates are loaded only where there is something to verify: a machine without any
    /// can still probe plain HTTP.
    pub async fn client(&self, url: &Url) -> Result<&Client, Trouble> {
        let verified = url.scheme() == "https";
        let direct = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
        let cell = match (verified, direct) {
            (true, false) => &self.verified,
            (true, true) => &self.verified_loopback,
            (false, false) => &self.plain,
            (false, true) => &self.plain_loopback,
        };
        let connect = self.connect;
        // Reading certificates blocks, so it has a thread of its own.
        let build = || async move {
            tokio::task::spawn_blocking(move || build(verified, direct, connect))
                .await
                .unwrap_or_else(|_| Err("the HTTP client could not be set up".to_owned()))
        };
        cell.get_or_init(build).await.as_ref().map_err(|why| Trouble::not_asked("no client", why))
    }
}

fn build(verified: bool, direct: bool, connect: Option<Duration>) -> Result<Client, String> {
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Every request has a connection of its own: one kept open says nothing about whether
    // a new user would be let in.
    let mut builder = Client::builder()
        .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0);
    if direct {
        builder = builder.no_proxy();
    }
    if let Some(connect) = connect {
        builder = builder.connect_timeout(connect);
    }
    if !verified {
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|e| format!("the HTTP client could not be set up: {e}"))?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(config);
    }
    builder.build().map_err(|e| {
        let why = causes(&e).last().map(ToString::to_string).unwrap_or_default();
        format!("certificates cannot be verified on this machine: {why}")
    })
}

/// Where a response redirects to; `None` if it does not.
pub fn redirect(response: &Response) -> Option<Result<String, ()>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = response.headers().get(LOCATION)?;
    Some(target.to_str().map(str::to_owned).map_err(|_| ()))
}

async fn read(mut response: Response, started: Instant, place: &str) -> Result<Answer, Trouble> {
    let status = Some(response.status().as_u16());
    let mut body = Vec::new();
    let mut cut = false;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = MAX_BODY - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                cut = chunk.len() > room;
                if cut {
                    break;
                }
            }
            Ok(None) => break,
            Err(e) if e.is_timeout() => return Err(trouble(&e, place)),
            Err(_) => {
                let why =
                    format!("{place} broke off in the middle of its answer, after {} bytes", body.len());
                return Err(Trouble::nobody("half a body", why));
            }
        }
    }
    Ok(Answer { status, latency: started.elapsed(), body, cut, ..Answer::default() })
}

/// Host and port of an address; never user, password, path or query.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// An error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| {
        // What an I/O error wraps is not among its sources.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

/// Says in a word and a line why a request failed.
pub fn trouble(error: &reqwest::Error, place: &str) -> Trouble {
    if error.is_builder() {
        return Trouble::not_asked("bad request", "the address or a header cannot be sent");
    }
    for cause in causes(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Trouble::nobody("tls", format!("no trusted connection to {place}: {}", tls_cause(tls)));
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && let Some(trouble) = io_trouble(io, place)
        {
            return trouble;
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_incomplete_message() {
                return Trouble::nobody("reset", format!("{place} closed the connection without an answer"));
            }
            if http.is_parse() {
                return Trouble::nobody("not HTTP", format!("{place} answers something that is not HTTP"));
            }
        }
    }
    if error.is_timeout() {
        return Trouble::nobody("timeout", format!("{place} did not answer"));
    }
    let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
    Trouble::nobody("no answer", format!("{place} could not be asked: {last}"))
}

fn io_trouble(error: &io::Error, place: &str) -> Option<Trouble> {
    use io::ErrorKind as Kind;
    let said = error.to_string();
    if said.contains("failed to lookup address") {
        // The resolver itself is out of reach: that is this machine's trouble, not the host's.
        return Some(if said.contains("Temporary failure") {
            Trouble::not_asked(
                NO_NETWORK,
                format!("the name in {place} cannot be looked up: no name server answers"),
            )
        } else {
            Trouble::nobody(NO_SUCH_HOST, format!("there is no host of the name in {place}"))
        });
    }
    let trouble = match error.kind() {
        Kind::ConnectionRefused => Trouble::nobody("refused", format!("{place} refuses connections")),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
            Trouble::nobody("reset", format!("{place} closed the connection without an answer"))
        }
        Kind::TimedOut => Trouble::nobody("timeout", format!("{place} did not answer")),
        Kind::HostUnreachable => Trouble::nobody(UNREACHABLE, format!("there is no way to {place}")),
        Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
            Trouble::not_asked(NO_NETWORK, format!("this machine has no network that leads to {place}"))
        }
        _ => return None,
    };
    Some(trouble)
}

fn tls_cause(error: &rustls::Error) -> String {
    use rustls::{CertificateError as Certificate, Error};
    match error {
        Error::InvalidCertificate(why) => match why {
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "its certificate is not valid yet".to_owned()
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            Certificate::UnknownIssuer => "its certificate is from nobody this machine trusts".to_owned(),
            Certificate::Revoked => "its certificate was revoked".to_owned(),
            other => format!("its certificate is refused: {other}"),
        },
        Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::testing::{Server, response};
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn ask(url: &str, timeout: Duration) -> Result<Answer, Trouble> {
        Http::default().ask(url, &BTreeMap::new(), timeout).await
    }

    async fn headline(url: &str, timeout: Duration) -> String {
        ask(url, timeout).await.expect_err("there should be no answer").headline
    }

    #[tokio::test]
    async fn an_answer_has_status_body_and_latency() {
        let server = Server::answering("500 Oops", r#"{"status":"down"}"#).await;
        let answer = ask(&server.url, LONG).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (Some(500), &br#"{"status":"down"}"#[..]));
        assert!(!answer.latency.is_zero() && !answer.cut);
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
        assert_eq!(trouble.headline, "refused");
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
        assert_eq!(trouble.headline, "timeout");
        assert!(trouble.why.ends_with("did not answer within 100 ms"), "{}", trouble.why);
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
        assert_eq!(trouble.headline, "timeout");
        assert!(trouble.why.contains("began to answer but was not done"), "{}", trouble.why);
    }

    #[tokio::test]
    async fn half_a_body_is_no_answer() {
        let server = Server::sending("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":").await;
        let trouble = ask(&server.url, LONG).await.unwrap_err();
        assert_eq!(trouble.headline, "half a body");
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
        assert_eq!(headline(&silent.url, LONG).await, "reset");
        let garbage = Server::sending("SSH-2.0-OpenSSH_9.9\r\n\r\n").await;
        assert_eq!(headline(&garbage.url, LONG).await, "not HTTP");
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
        if trouble.headline == "no client" {
            // A machine without certificates does not even ask.
            server.abort();
            return;
        }
        assert_eq!(trouble.headline, "tls");
        assert!(trouble.why.ends_with("it does not speak TLS"), "{}", trouble.why);
        // What was sent is a TLS handshake, not a request.
        assert_eq!(server.await.unwrap()[..2], [22, 3]);
    }

    #[tokio::test]
    async fn an_unknown_host_and_an_unreadable_address_are_told_apart() {
        let trouble = ask("http://no-such-host.invalid/", LONG).await.unwrap_err();
        assert!(matches!(trouble.headline.as_str(), NO_SUCH_HOST | NO_NETWORK), "{trouble:?}");
        assert_eq!(headline("http://127.0.0.1:99999/", LONG).await, "bad address");
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
        let answer = Http::default().ask(&url, &headers, LONG).await.unwrap();
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

    #[tokio::test]
    async fn redirects_end_somewhere() {
        let server = Server::sending(response("302 Found", "location: /again\r\n", "")).await;
        assert_eq!(headline(&server.url, LONG).await, "redirect");
        assert_eq!(server.requests.lock().unwrap().len(), MAX_REDIRECTS + 1);
        let file = Server::sending(response("302 Found", "location: file:///etc/passwd\r\n", "")).await;
        assert_eq!(headline(&file.url, LONG).await, "redirect");
        let bare = Server::sending(response("304 Not Modified", "", "")).await;
        assert_eq!(ask(&bare.url, LONG).await.unwrap().status, Some(304));
    }
}
