//! Says in a word and a line what became of an exchange, and reads what a server says of itself.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::Value;

use super::Lost;
use crate::failure::Fault;
use crate::incident::duration;

/// Characters of what a server complains of that are passed on.
const LONGEST: usize = 200;

/// Host and port of an address; never user, password, path or query.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A time limit for a reader: `200 ms`, `5s`.
pub(super) fn spelled(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    duration(SignedDuration::try_from(time).unwrap_or_default())
}

/// Reads a `Retry-After`: seconds, or a date.
pub fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
}

/// What a server complains of: the messages in its JSON, or a text that is no web page. Whoever
/// shows it takes secrets out with `masked`, before it is cut to one line.
pub fn complaint(body: &[u8], masked: impl Fn(&str) -> String) -> Option<String> {
    let messages = serde_json::from_slice::<Value>(body).map(|json| messages(&json)).unwrap_or_default();
    let said = match messages.as_slice() {
        [] => String::from_utf8_lossy(body).trim().to_owned(),
        said => said.join("; "),
    };
    if said.is_empty() || said.starts_with('<') {
        return None;
    }
    let said = masked(&said);
    let start: String = said.chars().take(LONGEST).collect();
    Some(if start.len() < said.len() { format!("{start}…") } else { start })
}

fn messages(json: &Value) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut say = |text: String| {
        if !text.is_empty() && !said.contains(&text) {
            said.push(text);
        }
    };
    for key in ["message", "detail", "error", "error_description", "errors", "details"] {
        match json.get(key) {
            Some(Value::String(text)) => say(text.clone()),
            Some(Value::Array(list)) => {
                let texts =
                    list.iter().filter_map(|one| one.as_str().or_else(|| one.get("message")?.as_str()));
                texts.map(str::to_owned).for_each(&mut say);
            }
            Some(Value::Object(fields)) => match fields.get("message").and_then(Value::as_str) {
                Some(text) => say(text.to_owned()),
                None => say(Value::Object(fields.clone()).to_string()),
            },
            _ => {}
        }
    }
    said
}

/// An error and its causes, outermost first.
pub(super) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| {
        // What an I/O error wraps is not among its sources.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

/// Says why a request failed.
pub(super) fn trouble(error: &reqwest::Error, place: &str) -> Lost {
    let (fault, why) = reason(error, place);
    Lost { fault, why, sent: !error.is_connect() && !error.is_builder() }
}

fn reason(error: &reqwest::Error, place: &str) -> (Fault, String) {
    if error.is_builder() {
        return (Fault::BadRequest, "the address or a header cannot be sent".to_owned());
    }
    if error.is_connect() && error.is_timeout() {
        return (Fault::Timeout, format!("could not connect to {place}"));
    }
    for cause in causes(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return (Fault::Tls, format!("no trusted connection to {place}: {}", tls_cause(tls)));
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && let Some(reason) = io_reason(io, place)
        {
            return reason;
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_incomplete_message() {
                return (Fault::Reset, format!("{place} closed the connection without an answer"));
            }
            if http.is_parse() {
                return (Fault::NotHttp, format!("{place} answers something that is not HTTP"));
            }
        }
    }
    if error.is_timeout() {
        return (Fault::Timeout, format!("{place} did not answer"));
    }
    let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
    (Fault::NoAnswer, format!("{place} could not be asked: {last}"))
}

/// Whether a way leads out of this machine; `None`: nobody can tell. Nothing is sent: connecting a datagram
/// socket only looks for a route, here to addresses that stand in documentation and belong to nobody.
fn leads_out() -> Option<bool> {
    let routes = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];
    let mut known = Some(false);
    for (from, to) in routes {
        use io::ErrorKind as Kind;
        match std::net::UdpSocket::bind(from).and_then(|socket| socket.connect(to)) {
            Ok(()) => return Some(true),
            Err(error) => match error.kind() {
                Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable | Kind::Unsupported => {
                }
                // Without this family of addresses there is no way by it.
                _ if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) => {}
                _ => known = None,
            },
        }
    }
    known
}

fn io_reason(error: &io::Error, place: &str) -> Option<(Fault, String)> {
    use io::ErrorKind as Kind;
    let said = error.to_string();
    if said.contains("failed to lookup address") {
        return Some(if said.contains("Temporary failure") {
            // The resolver is out of reach, or those are who know the name.
            let why = format!("the name in {place} cannot be looked up: no name server answers");
            (if leads_out() == Some(false) { Fault::NoNetwork } else { Fault::NoNameServer }, why)
        } else {
            (Fault::NoSuchHost, format!("no host of the name in {place}"))
        });
    }
    let reason = match error.kind() {
        Kind::ConnectionRefused => (Fault::Refused, format!("{place} refuses connections")),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
            (Fault::Reset, format!("{place} closed the connection without an answer"))
        }
        Kind::TimedOut => (Fault::Timeout, format!("{place} did not answer")),
        Kind::HostUnreachable => (Fault::Unreachable, format!("no route to {place}")),
        Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
            (Fault::NoNetwork, format!("this machine has no network that leads to {place}"))
        }
        _ => return None,
    };
    Some(reason)
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
    use super::*;

    #[test]
    fn a_date_to_come_back_at_is_understood() {
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn a_complaint_is_what_the_server_says_in_one_line() {
        let long = "x".repeat(300);
        for (body, said) in [
            (r#"{"message":"no such environment"}"#, Some("no such environment")),
            (r#"{"error":{"message":"too late"}}"#, Some("too late")),
            (
                r#"{"message":["base is missing","title is missing"]}"#,
                Some("base is missing; title is missing"),
            ),
            (
                r#"{"message":"Validation Failed","errors":[{"message":"no commits"}, "and more"]}"#,
                Some("Validation Failed; no commits; and more"),
            ),
            (r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, Some("parse error")),
            (r#"{"ok":false}"#, Some(r#"{"ok":false}"#)),
            ("upstream connect error", Some("upstream connect error")),
            ("<html><body>502</body></html>", None),
            ("", None),
        ] {
            assert_eq!(complaint(body.as_bytes(), str::to_owned).as_deref(), said, "{body}");
        }
        let cut = complaint(long.as_bytes(), str::to_owned).unwrap();
        assert_eq!(cut.chars().count(), LONGEST + 1);
        // Before it is cut: a part of a secret would not be found.
        assert_eq!(complaint(long.as_bytes(), |_| "(masked)".to_owned()).as_deref(), Some("(masked)"));
    }
}
