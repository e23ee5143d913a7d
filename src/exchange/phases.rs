//! How long the parts of an exchange took: measured where they happen, for the request that waits for them.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;
use tower::{Layer, Service};

/// How long each part took. What came from a redirect is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Finding the address of the host; nothing where it is written as one.
    pub resolve: Duration,
    /// Connecting, and agreeing on encryption where there is some.
    pub connect: Duration,
    /// From the connection to the head of the answer.
    pub first_byte: Duration,
    /// From there to the end of the body.
    pub body: Duration,
}

tokio::task_local! {
    /// Of the request that this task waits for.
    static REQUEST: Arc<Mutex<Progress>>;
}

/// How far a request is.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    resolve: Duration,
    connect: Duration,
    /// When there was a connection.
    connected: Option<Instant>,
}

/// Measures one request.
#[derive(Debug, Default)]
pub(super) struct Watch(Arc<Mutex<Progress>>);

impl Watch {
    /// Carries a request out under this watch.
    pub(super) async fn over<T>(&self, request: impl Future<Output = T>) -> T {
        REQUEST.scope(Arc::clone(&self.0), request).await
    }

    /// Adds what it took, up to the head of the answer.
    pub(super) fn add_to(&self, phases: &mut Phases) {
        let progress = self.progress();
        phases.resolve += progress.resolve;
        phases.connect += progress.connect.saturating_sub(progress.resolve);
        phases.first_byte += progress.connected.map(|at| at.elapsed()).unwrap_or_default();
    }

    /// How long it took until there was a connection; `None`: there is none yet.
    pub(super) fn connected(&self) -> Option<Duration> {
        let progress = self.progress();
        progress.connected.map(|_| progress.connect)
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
            let began = Instant::now();
            let connection = connection.await;
            if connection.is_ok() {
                note(|progress| {
                    progress.connect += began.elapsed();
                    progress.connected = Some(Instant::now());
                });
            }
            connection
        })
    }
}
