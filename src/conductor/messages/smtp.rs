//! Hands a mail to a server, step by step: how far it came tells whether it may have been taken.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::ClientId;

use crate::comms::mail::Mail;
use crate::comms::wire::Fate;
use crate::config::types::{Channel, MailTls, Mailbox};
use crate::exchange::Runtime;
use crate::incident::Delivery;
use crate::text::visible;

/// Most characters of what a server says that are told.
const SAID: usize = 200;
/// What a certificate in PEM begins with.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The authorities that are trusted in place of the system's, where the channel has some.
///
/// # Errors
/// They cannot be read: why, in one line.
pub(super) fn authorities(channel: &Channel, root: &Path) -> Result<Option<Certificate>, String> {
    if channel.ca_file.is_empty() {
        return Ok(None);
    }
    let named = visible(&channel.ca_file);
    let home = channel.ca_file.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    let path = home.unwrap_or_else(|| root.join(&channel.ca_file));
    let cannot = |error: std::io::Error| format!("`ca_file` {named} cannot be read: {error}");
    // A pipe would have to be waited for.
    if !path.metadata().map_err(cannot)?.is_file() {
        return Err(format!("`ca_file` {named} is not a file"));
    }
    let pem = std::fs::read(&path).map_err(cannot)?;
    let holds_one = pem.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE);
    let read = Certificate::from_pem(&pem).ok().filter(|_| holds_one);
    read.map(Some).ok_or_else(|| format!("`ca_file` {named} holds no certificate in PEM"))
}

/// Sends a mail, once, and says what became of it.
pub(super) fn hand_over(
    channel: &Channel,
    mail: &Mail,
    (password, authorities): (Option<&str>, Option<Certificate>),
    patience: Duration,
) -> Fate {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return Fate::new(Delivery::Waiting, format!("it could not be prepared: {error}")),
    };
    let sent = Cell::new(false);
    let talk = async {
        let talk = talk(channel, mail, (password, authorities), patience, &sent);
        tokio::time::timeout(patience, talk).await
    };
    if let Ok(Ok(fate) | Err(fate)) = runtime.block_on(talk) {
        fate
    } else {
        let why = format!("{} did not answer within {} s", place(channel), patience.as_secs());
        lost(&sent, why)
    }
}

/// Host and port.
fn place(channel: &Channel) -> String {
    format!("{}:{}", channel.host, channel.mail_port())
}

/// Nobody answered, or not as a mail server does. Once the text was on its way nobody knows.
fn lost(sent: &Cell<bool>, why: String) -> Fate {
    if sent.get() {
        Fate::new(Delivery::Unknown, format!("{why}; it may have been received"))
    } else {
        Fate::new(Delivery::Waiting, why)
    }
}

async fn talk(
    channel: &Channel,
    mail: &Mail,
    (password, authorities): (Option<&str>, Option<Certificate>),
    patience: Duration,
    sent: &Cell<bool>,
) -> Result<Fate, Fate> {
    let went_wrong = |doing: &str, error: &Error| refused(channel, doing, error, sent);
    let address = |text: &str| {
        let mailbox = Mailbox::of(text).unwrap_or_default();
        mailbox.address.parse::<Address>().map_err(|error| {
            Fate::new(Delivery::Failed, format!("{} is not an address: {error}", mailbox.address))
        })
    };
    let from = address(&channel.from)?;
    let to = channel.to.all().iter().map(|to| address(to)).collect::<Result<Vec<_>, _>>()?;
    let tls = match channel.tls {
        MailTls::None => None,
        MailTls::Implicit | MailTls::Starttls => {
            let tls = TlsParametersBuilder::new(channel.host.clone());
            let tls = match authorities {
                Some(own) => tls.certificate_store(CertificateStore::None).add_root_certificate(own),
                None => tls,
            };
            Some(tls.build().map_err(|error| went_wrong("TLS", &error))?)
        }
    };
    let hello = ClientId::default();
    let server = (channel.host.as_str(), channel.mail_port());
    let at_once = tls.clone().filter(|_| channel.tls == MailTls::Implicit);
    let connected =
        AsyncSmtpConnection::connect_tokio1(server, Some(patience / 2), &hello, at_once, None).await;
    let mut server = connected.map_err(|error| went_wrong("connecting", &error))?;
    if let Some(tls) = tls.filter(|_| channel.tls == MailTls::Starttls) {
        if !server.can_starttls() {
            let why = format!(
                "{} does not offer STARTTLS, and nothing is sent unencrypted; see whether `tls` and `port` are right",
                place(channel)
            );
            return Err(Fate::new(Delivery::Failed, why));
        }
        server.starttls(tls, &hello).await.map_err(|error| went_wrong("STARTTLS", &error))?;
    }
    if let Some(password) = password {
        let who = Credentials::new(channel.user.clone(), password.to_owned());
        let how = [Mechanism::Plain, Mechanism::Login];
        server.auth(&how, &who).await.map_err(|error| went_wrong("AUTH", &error))?;
    }
    server
        .command(From::new(Some(from), Vec::new()))
        .await
        .map_err(|error| went_wrong("MAIL FROM", &error))?;
    let mut not_to: Vec<Fate> = Vec::new();
    for one in &to {
        let doing = format!("RCPT TO {one}");
        match server.command(Rcpt::new(one.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(error) if error.status().is_some() => not_to.push(went_wrong(&doing, &error)),
            Err(error) => return Err(went_wrong(&doing, &error)),
        }
    }
    if not_to.len() == to.len() {
        // One that is put off is tried again.
        let waits = not_to.iter().position(|fate| fate.end == Delivery::Waiting).unwrap_or_default();
        return Err(not_to.swap_remove(waits));
    }
    server.command(Data).await.map_err(|error| went_wrong("DATA", &error))?;
    sent.set(true);
    server.message(mail.text.as_bytes()).await.map_err(|error| went_wrong("the text", &error))?;
    // It is there: how the server parts is its own affair.
    let _ = server.quit().await;
    let not: Vec<&str> = not_to.iter().map(|fate| fate.why.as_str()).collect();
    let why =
        if not.is_empty() { String::new() } else { format!("but not to everybody: {}", not.join("; ")) };
    Ok(Fate { reference: mail.id.clone(), ..Fate::new(Delivery::Accepted, why) })
}

/// What an error says of the mail: 4xx is put off, 5xx is refused, and all else is told by how far it came.
fn refused(channel: &Channel, doing: &str, error: &Error, sent: &Cell<bool>) -> Fate {
    let causes: Vec<_> =
        std::iter::successors(std::error::Error::source(error), |cause| cause.source()).collect();
    let is_refused = |cause: &&(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        kind == Some(std::io::ErrorKind::ConnectionRefused)
    };
    if causes.iter().any(is_refused) {
        return lost(sent, format!("{} refuses connections", place(channel)));
    }
    let said = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
    let said = match error.status() {
        Some(code) => format!("{code} {said}"),
        None => said,
    };
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID).collect();
    let why = format!("{}, {doing}: {said}", place(channel));
    if error.is_transient() {
        return Fate::new(Delivery::Waiting, why);
    }
    let logs_in = doing == "AUTH";
    if error.is_permanent() || (error.is_client() && !sent.get()) {
        let hint = if logs_in { "; see whether `user` and the secret are right" } else { "" };
        return Fate::new(Delivery::Failed, format!("{why}{hint}"));
    }
    lost(sent, why)
}
