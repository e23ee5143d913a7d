//! How long the parts of an exchange took: measured where they happen, for the request that waits for them.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom, ring};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::words::spelled;

/// How long each part took. What came from a redirect is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Finding the address of the host; nothing where it is written as one.
    pub resolve: Duration,
    /// Connecting.
    pub connect: Duration,
    /// Agreeing on encryption; nothing where there is none.
    pub tls: Duration,
    /// From the connection to the head of the answer.
    pub first_byte: Duration,
    /// From there to the end of the body.
    pub body: Duration,
    /// Whether nothing was connected: a connection was open from before.
    pub kept: bool,
}

tokio::task_local! {
    /// Of the request that this task waits for.
    static REQUEST: Arc<Mutex<Progress>>;
}

/// How far a request is.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    resolve: Duration,
    /// When the request was begun.
    asked: Option<Instant>,
    /// When connecting began.
    began: Option<Instant>,
    /// When there was a connection, and agreeing on encryption began.
    handshake: Option<Instant>,
    /// When it could be asked.
    ready: Option<Instant>,
}

impl Progress {
    /// How long it took to find the address and to connect; `None`: it is not connected.
    fn connected(&self) -> Option<Duration> {
        Some(self.handshake.or(self.ready)? - self.began?)
    }
}

/// Measures one request.
#[derive(Debug, Default)]
pub(super) struct Watch(Arc<Mutex<Progress>>);

impl Watch {
    /// Carries a request out under this watch.
    pub(super) async fn over<T>(&self, request: impl Future<Output = T>) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asked = Some(Instant::now());
        REQUEST.scope(Arc::clone(&self.0), request).await
    }

    /// Adds what it took, up to the head of the answer.
    pub(super) fn add_to(&self, phases: &mut Phases) {
        let progress = self.progress();
        phases.resolve += progress.resolve;
        phases.connect += progress.connected().unwrap_or_default().saturating_sub(progress.resolve);
        if let (Some(from), Some(to)) = (progress.handshake, progress.ready) {
            phases.tls += to - from;
        }
        // Over a connection that was open nothing comes before it.
        phases.kept |= progress.ready.is_none();
        phases.first_byte += progress.ready.or(progress.asked).map(|at| at.elapsed()).unwrap_or_default();
    }

    /// Says how far it came.
    pub(super) fn how_far(&self) -> String {
        let progress = self.progress();
        match progress.connected().map(spelled) {
            None if progress.began.is_none() => "it was asked over a connection that was open".to_owned(),
            None => "no connection was made".to_owned(),
            Some(after) if progress.ready.is_none() => {
                format!("it accepted the connection after {after}, and agreed on no encryption")
            }
            Some(after) => format!("it accepted the connection after {after}"),
        }
    }

    fn progress(&self) -> Progress {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes something of the request that this task waits for, if it waits for one.
fn note(change: impl FnOnce(&mut Progress)) {
    let _ = REQUEST.try_with(|progress| change(&mut progress.lock().unwrap_or_else(PoisonError::into_inner)));
}

/// Finds addresses as the system does, and measures that.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let began = Instant::now();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            note(|progress| progress.resolve += began.elapsed());
            let found: Vec<SocketAddr> = found?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Measures what connects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connecting;

/// What connects, measured.
#[derive(Debug, Clone)]
pub(super) struct Measured<S>(S);

impl<S> Layer<S> for Connecting {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured(inner)
    }
}

impl<R, S: Service<R>> Service<R> for Measured<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connection = self.0.call(request);
        Box::pin(async move {
            note(|progress| progress.began = Some(Instant::now()));
            let connection = connection.await;
            if connection.is_ok() {
                note(|progress| progress.ready = Some(Instant::now()));
            }
            connection
        })
    }
}

/// The cryptography of all HTTP. The client connects and agrees on encryption in one go, which no layer around it can
/// look into; but each handshake begins by drawing the random number of its first message, on the task of the request.
/// That is when there was a connection.
pub(super) fn cryptography() -> CryptoProvider {
    CryptoProvider { secure_random: &Handshakes, ..ring::default_provider() }
}

/// Draws random numbers as `ring` does, and notes that a handshake begins.
#[derive(Debug)]
struct Handshakes;

impl SecureRandom for Handshakes {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        note(|progress| progress.handshake = Some(Instant::now()));
        ring::default_provider().secure_random.fill(buffer)
    }
}
