//! Makes requests of what a service is to be sent: secrets are filled in here, where it is sent, and nowhere else.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, Url};

use super::super::call::headers;
use super::super::secrets::Value;
use crate::comms::wire::{Verb, Wire};
use crate::exchange::Request;
use crate::text::address::is_loopback;
use crate::text::{placeholder, visible};

/// The request with its secrets. None is ever filled into the body, whatever a message says.
///
/// # Errors
/// It cannot be sent, or a secret would go where everybody can read it: why, without a secret.
pub(super) fn request(wire: &Wire, values: &BTreeMap<String, Value>) -> Result<Request, String> {
    let value = |name: &str| values.get(name).and_then(|value| String::from_utf8(value.to_vec()).ok());
    let is_secret = placeholder::has_one(&wire.url);
    let address = placeholder::fill(&wire.url, value)?;
    // What the parser says of it could tell some of it.
    let url = Url::parse(address.trim()).map_err(|_| {
        if is_secret {
            "the secret is not a URL".to_owned()
        } else {
            format!("{} is not an address", visible(&wire.url))
        }
    })?;
    let is_here = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
    match url.scheme() {
        "https" => {}
        "http" if is_here || !carries_a_secret(wire) => {}
        "http" => {
            let what = if is_secret { "the secret holds" } else { "a secret would go to" };
            return Err(format!(
                "{what} an http:// address, by which anybody could read it: it has to be https://"
            ));
        }
        _ => return Err("it is not an https:// address".to_owned()),
    }
    let secret = |name: &str| value(name).ok_or_else(|| format!("the secret {} is no text", visible(name)));
    let mut named: Vec<(&str, String)> = Vec::new();
    for (name, text) in &wire.headers {
        named.push((name, placeholder::fill(text, value)?));
    }
    if let Some((user, name)) = &wire.login {
        let both = BASE64_STANDARD.encode(format!("{user}:{}", secret(name)?));
        named.push(("Authorization", format!("Basic {both}")));
    }
    let body = match &wire.secret_field {
        None => wire.body.clone(),
        Some((field, name)) => with_field(&wire.body, field, &secret(name)?)?,
    };
    let method = match wire.verb {
        Verb::Post => Method::POST,
        Verb::Patch => Method::PATCH,
        Verb::Get => Method::GET,
    };
    Ok(Request { method, url, headers: headers(named)?, body: body.into_bytes() })
}

/// Tells whether a secret goes along, wherever it stands.
fn carries_a_secret(wire: &Wire) -> bool {
    let in_headers = || wire.headers.iter().any(|(_, value)| placeholder::has_one(value));
    wire.secret_field.is_some() || wire.login.is_some() || placeholder::has_one(&wire.url) || in_headers()
}

/// An object of JSON with one more field.
fn with_field(body: &str, field: &str, value: &str) -> Result<String, String> {
    let mut body: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(body).map_err(|error| format!("it could not be prepared: {error}"))?;
    body.insert(field.to_owned(), value.into());
    Ok(serde_json::Value::Object(body).to_string())
}
