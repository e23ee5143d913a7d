//! The smallest HTTP client that the scripts of a drill can do with, for machines without
//! curl: one GET on the loopback, printed whatever its status.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::failure::{Failure, Result};

const DEADLINE: Duration = Duration::from_secs(5);
const MOST: u64 = 1024 * 1024;

/// Returns the body that `http://127.0.0.1:PORT/PATH` answers with.
///
/// # Errors
/// The address is another kind, nothing answers there, or no HTTP comes back.
pub fn body(url: &str) -> Result<String> {
    let doing = format!("asking {}", crate::text::visible(url));
    let fail = |cause: String| Failure::new(&doing, cause, "see whether the drill still runs");
    let (address, path) =
        split(url).ok_or_else(|| fail("only http://127.0.0.1:PORT/PATH can be asked".to_owned()))?;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask().map_err(|error| fail(error.to_string()))?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/") => Ok(body.to_owned()),
        _ => Err(fail("the answer is not HTTP".to_owned())),
    }
}

fn split(url: &str) -> Option<(SocketAddr, &str)> {
    let rest = url.strip_prefix("http://")?;
    let slash = rest.find('/').unwrap_or(rest.len());
    let (address, path) = rest.split_at(slash);
    let address: SocketAddr = address.parse().ok()?;
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic());
    (address.ip().is_loopback() && clean).then_some((address, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_is_asked_and_nothing_slips_into_the_request() {
        assert!(split("http://127.0.0.1:80/x?y=z").is_some());
        assert_eq!(split("http://127.0.0.1:80").map(|(_, path)| path), Some("/"));
        for url in ["https://127.0.0.1:80/", "http://192.0.2.1:80/", "http://127.0.0.1:80/a b\r\nX: y"] {
            assert_eq!(split(url), None, "{url}");
        }
    }
}
