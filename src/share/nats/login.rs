//! Who is connected to, with what, and why that came to nothing.

use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr};

use crate::text::address::is_loopback;
use crate::text::visible;

/// The addresses of servers. What is sent over the network is encrypted.
///
/// # Errors
/// One line: one is no address, has credentials in it, or would send what anybody on the way can read.
pub(in crate::share) fn addresses(servers: &str) -> Result<Vec<ServerAddr>, String> {
    let mut all = Vec::new();
    for one in servers.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let address: ServerAddr = one
            .parse()
            .map_err(|_| "it is no address; write it as tls://nats.example.com:4222".to_owned())?;
        if address.username().is_some() || address.password().is_some() {
            return Err("its address holds a user or password: name a secret as [share] credentials instead"
                .to_owned());
        }
        if !address.tls_required() && !is_loopback(address.host()) {
            return Err("anybody on the way could read what is sent: write tls:// in its address".to_owned());
        }
        all.push(address);
    }
    if all.is_empty() { Err("no server is named".to_owned()) } else { Ok(all) }
}

/// Adds what the server lets us in with.
///
/// # Errors
/// One line: it is nothing of the kind.
pub(super) fn with(options: ConnectOptions, credentials: &str) -> Result<ConnectOptions, String> {
    let text = credentials.trim();
    Ok(match text {
        "" => options,
        _ if text.contains("-----BEGIN NATS USER JWT-----") => options
            .credentials(text)
            .map_err(|_| "its credentials are no .creds file, user:password, nkey or token".to_owned())?,
        _ if text.len() == 58 && text.starts_with("SU") => options.nkey(text.to_owned()),
        _ => match text.split_once(':') {
            Some((user, password)) => options.user_and_password(user.to_owned(), password.to_owned()),
            None => options.token(text.to_owned()),
        },
    })
}

/// Why a connection was not made, in words.
pub(super) fn refusal(error: &async_nats::ConnectError) -> String {
    let source = || std::error::Error::source(error).map(|why| visible(&why.to_string()).into_owned());
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            "it does not take the credentials; see [share] credentials".to_owned()
        }
        ConnectErrorKind::TimedOut => "it does not answer".to_owned(),
        ConnectErrorKind::Dns => "its name is not known".to_owned(),
        ConnectErrorKind::Tls => format!("TLS failed: {}", source().unwrap_or_default()),
        _ => source().unwrap_or_else(|| visible(&error.to_string()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_the_open_or_with_a_password_in_an_address() {
        let hosts = |servers| -> Vec<String> {
            addresses(servers).unwrap().iter().map(|one| one.host().to_owned()).collect()
        };
        assert_eq!(
            hosts("tls://a.example.com, tls://b.example.com:4223"),
            ["a.example.com", "b.example.com"]
        );
        assert_eq!(hosts("nats://127.0.0.1:4222"), ["127.0.0.1"]);
        for (odd, why) in [
            ("nats://a.example.com", "anybody on the way"),
            ("a.example.com", "anybody on the way"),
            ("ws://a.example.com", "anybody on the way"),
            ("tls://maya:secret@a.example.com", "name a secret"),
            ("tls://token@a.example.com", "name a secret"),
            (" , ", "no server"),
            ("http://a.example.com", "no address"),
        ] {
            let refused = addresses(odd).unwrap_err();
            assert!(refused.contains(why) && !refused.contains("secret@"), "{odd}: {refused}");
        }
    }

    #[test]
    fn credentials_that_are_cut_are_told_and_not_shown() {
        let cut = "-----BEGIN NATS USER JWT-----\neyJ0eXAi";
        let refused = with(ConnectOptions::new(), cut).err().unwrap();
        assert!(refused.contains(".creds") && !refused.contains("eyJ"), "{refused}");
        for fine in ["", "maya:correct-horse", "s3cr3t-token"] {
            assert!(with(ConnectOptions::new(), fine).is_ok());
        }
    }
}
