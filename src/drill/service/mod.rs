//! The service of one environment of a drill: a process of its own, on the loopback.
//!
//! It holds no opinion of how it is doing. It runs the application that is deployed in its
//! directory over a minute of orders and tells what came out, so a deploy is all it takes
//! to break it or to mend it.

mod answer;
mod app;
pub(super) mod ci;
pub(super) mod flags;
mod orders;
mod past;
mod prometheus;
pub(super) mod provider;
mod site;

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::failure::{Failure, Result};
use ci::Ci;
use provider::Provider;
use site::Site;

/// Connections that are served at one time; more wait.
const CONNECTIONS: usize = 64;

/// Bytes of a request that are read.
const MOST: usize = 4096;

/// Serves the releases in a directory until standard input is closed. Prints `port N` once
/// it listens; port 0 takes a free one.
///
/// # Errors
/// The port is taken, or the process may not listen.
pub fn serve(
    root: PathBuf,
    environment: String,
    port: u16,
    old_cards: u8,
    provider: Option<String>,
) -> Result<()> {
    let doing = format!("serving {environment} on port {port}");
    let hint = "choose another port, or end what listens there";
    let fail = |error: std::io::Error| Failure::new(&doing, error, hint);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fail)?;
    runtime.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(fail)?;
        let port = listener.local_addr().map_err(fail)?.port();
        let orphaned = input_closed();
        writeln!(std::io::stdout(), "port {port}").map_err(fail)?;
        tokio::select! {
            _ = orphaned => {}
            () = accept(listener, Arc::new(place(root, environment, old_cards, provider))) => {}
        }
        Ok(())
    })
}

/// What is served: an environment of the shop, the payment provider that it depends on, or the code host that deploys it.
enum Served {
    Shop(Box<Site>),
    Provider(Provider),
    Ci(Ci),
}

fn place(root: PathBuf, environment: String, old_cards: u8, provider: Option<String>) -> Served {
    match environment.as_str() {
        provider::NAME => Served::Provider(Provider::new(root)),
        ci::NAME => Served::Ci(Ci::new(root)),
        _ => Served::Shop(Box::new(Site::new(root, environment, old_cards, provider))),
    }
}

/// Is told when standard input ends: whoever started this is gone.
fn input_closed() -> oneshot::Receiver<()> {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut input = std::io::stdin().lock();
        while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
        send.send(()).ok();
    });
    receive
}

async fn accept(listener: TcpListener, site: Arc<Served>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: some will be free again soon.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let site = site.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let site = site.clone();
                async move {
                    let (head, body) = request.into_parts();
                    // Too long or broken off: a body that no path takes.
                    let body = Limited::new(body, MOST).collect().await.map(Collected::to_bytes);
                    let request = hyper::Request::from_parts(head, body.unwrap_or_default());
                    let answer = match &*site {
                        Served::Shop(site) => site.answer(&request).await,
                        Served::Provider(provider) => provider.answer(&request),
                        Served::Ci(ci) => ci.answer(&request).await,
                    };
                    Ok::<_, Infallible>(answer)
                }
            });
            // A client that went away in the middle is no concern of the service.
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), answer)
                .await
                .ok();
            drop(place);
        });
    }
}
