//! Servers on the loopback that misbehave as told, for the tests of this folder.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::config::types::{Probe, Source};

/// A server that hands every connection, its request read, to a function.
pub(super) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// Every request as it came.
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start<F, Fut>(answer: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::seeing(Arc::default(), answer).await
    }

    async fn seeing<F, Fut>(requests: Arc<Mutex<Vec<String>>>, answer: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut chunk = [0; 4096];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut chunk).await {
                        Ok(read @ 1..) => request.extend_from_slice(&chunk[..read]),
                        _ => break,
                    }
                }
                seen.lock().unwrap().push(String::from_utf8_lossy(&request).to_lowercase());
                tokio::spawn(answer(stream));
            }
        });
        Self { url, requests, task }
    }

    /// A server that always sends the same bytes and closes.
    pub(super) async fn sending(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// A server whose answer depends on the request, which is in lower case.
    pub(super) async fn told(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        Self::seeing(requests, move |mut stream| {
            let bytes = answer(seen.lock().unwrap().last().map_or("", String::as_str));
            async move {
                let _ = stream.write_all(bytes.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// A server that answers with this status line and body.
    pub(super) async fn answering(status: &str, body: &str) -> Self {
        Self::sending(response(status, "", body)).await
    }
}

/// A response with further header lines, each ended by `\r\n`.
pub(super) fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

/// A probe of an address, with what its configuration leaves out.
pub(super) fn http_probe(url: &str) -> Probe {
    toml::from_str(&format!("name = \"api\"\nurl = \"{url}\"")).unwrap()
}

/// A probe that runs a command.
pub(super) fn command_probe(argv: &[&str]) -> Probe {
    let argv = argv.iter().map(|&arg| arg.to_owned()).collect();
    Probe { source: Source::Command { argv, env: Vec::new() }, ..http_probe("http://x/") }
}
