//! Asks a PostgreSQL for the one number of a query. Touches the network; imported by the runner.
//!
//! - Every question has a connection of its own: one kept open would not notice that nobody else gets in any
//!   more. One is asked at a time.
//! - The query stands inside of ours, in a transaction that reads only and ends by itself in time
//!   (`statement_timeout`), so it changes no data and outlives nobody. Nothing is prepared by name, so a pooler
//!   in between is fine.
//! - No more than a mebibyte is read, whatever is sent.
//! - A database that lets nobody in, or does not answer, fails; a query that it refuses is no data.
//! - Over the network the connection is encrypted and the certificate verified, unless `sslmode` says otherwise.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answer::{Answer, Trouble};
use super::api::Servers;
use super::decimal::Decimal;
use super::instant::{Measured, nothing};
use crate::config::types::Sql;
use crate::failure::Fault;
use crate::text::address::is_loopback;
use crate::text::mask::Masker;
use crate::text::visible;

/// What is asked where nothing else is said: how many connections there are.
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";

/// Most bytes that are read of a conversation: what answers may be no database, or one that means no good.
const MOST: usize = 1 << 20;

/// Most characters of an error that are told.
const LONGEST: usize = 200;

/// Asks for the number of a query, within `timeout`.
pub(super) async fn ask(
    servers: &Servers,
    asked: &Sql,
    timeout: Duration,
    masker: &Masker,
) -> Result<Answer, Trouble> {
    let config = config(&asked.url).map_err(|why| Trouble::new(Fault::BadAddress, masker.mask(&why)))?;
    let place = place(&config);
    let _turn = servers.turn(&place, timeout).await?;
    // The wait for its turn is not the database's.
    let started = Instant::now();
    let query = asked.query.as_deref().unwrap_or(CONNECTIONS);
    let tls = match config.get_ssl_mode() {
        SslMode::Disable => None,
        // Reading certificates blocks.
        _ => Some(
            tokio::task::spawn_blocking(tls)
                .await
                .map_err(|error| error.to_string())
                .and_then(|tls| tls.map_err(|error| error.to_string()))
                .map_err(|error| {
                    let why = format!("certificates cannot be verified on this machine: {error}");
                    Trouble::new(Fault::NoClient, why)
                })?,
        ),
    };
    let measured = match tokio::time::timeout(timeout, converse(config, tls, query, timeout)).await {
        Err(_) => return Err(Trouble::new(Fault::Timeout, format!("{place} did not answer in time"))),
        Ok(Err(Lost::Unreached(error))) => return Err(unreached(&error, &place, masker)),
        Ok(Err(Lost::Refused(error))) => refused(&error, &place, masker)?,
        Ok(Ok(rows)) => match number(&rows) {
            Measured::Nothing { headline, why } => {
                Measured::Nothing { headline, why: visible(&masker.mask(&why)).into_owned() }
            }
            number @ Measured::Number(..) => number,
        },
    };
    Ok(Answer { latency: started.elapsed(), measured: Some(measured), ..Answer::default() })
}

/// Reads an address; the user's own idea of encryption counts.
fn config(url: &str) -> Result<Config, String> {
    // Certificates are verified in any case; what others call that is not known here.
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let known = options
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    let whole = if options.is_empty() { address.to_owned() } else { format!("{address}?{known}") };
    let mut config: Config = whole.parse().map_err(|error: Error| {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        format!("the address cannot be read: {why}")
    })?;
    if config.get_application_name().is_none() {
        config.application_name("flightdeck");
    }
    let is_near = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(host) => is_loopback(host),
        Host::Unix(_) => true,
    }) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    if !options.contains("sslmode=") {
        config.ssl_mode(if is_near { SslMode::Disable } else { SslMode::Require });
    }
    Ok(config)
}

fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    visible(&format!("{host}:{port}")).into_owned()
}

/// What carries a connection, ended with it.
struct Driver {
    task: tokio::task::JoinHandle<()>,
    /// Whether more was sent than is read.
    is_too_long: Arc<AtomicBool>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first two rows of a query, each as JSON.
async fn converse(
    config: Config,
    tls: Option<ClientConfig>,
    query: &str,
    timeout: Duration,
) -> Result<Vec<Seen>, Lost> {
    let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
    let mut lost = None;
    for host in 0..hosts {
        let (client, driver) = match connect(&config, host, tls.clone()).await {
            Ok(connected) => connected,
            Err(error) => {
                lost = Some(error);
                continue;
            }
        };
        if is_meant(&config, &client).await.map_err(|error| driver.lost(error))? {
            return read(&client, query, timeout).await.map_err(|error| driver.lost(error));
        }
    }
    Err(lost
        .unwrap_or_else(|| Lost::Unreached(io::Error::other("none of its hosts takes what is asked for"))))
}

/// Why there are no rows.
enum Lost {
    /// There is no connection.
    Unreached(io::Error),
    /// The database says so, or the connection was lost.
    Refused(Error),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Driver {
    /// What an error means: the connection says only that it was closed.
    fn lost(&self, error: Error) -> Lost {
        if self.is_too_long.load(Ordering::Relaxed) {
            Lost::Unreached(too_long())
        } else {
            Lost::Refused(error)
        }
    }
}

/// Connects to one of the hosts of an address.
async fn connect(config: &Config, host: usize, tls: Option<ClientConfig>) -> Result<(Client, Driver), Lost> {
    let ports = config.get_ports();
    let port = ports.get(host).or(ports.first()).copied().unwrap_or(5432);
    let wire = async {
        let wire: Box<dyn Wire> = match (config.get_hostaddrs().get(host), config.get_hosts().get(host)) {
            (Some(address), _) => Box::new(tcp(TcpStream::connect((*address, port)).await?)?),
            (None, Some(Host::Tcp(name))) => Box::new(tcp(TcpStream::connect((name.as_str(), port)).await?)?),
            (None, Some(Host::Unix(path))) => {
                Box::new(UnixStream::connect(path.join(format!(".s.PGSQL.{port}"))).await?)
            }
            (None, None) => Box::new(tcp(TcpStream::connect(("localhost", port)).await?)?),
        };
        Ok::<_, io::Error>(wire)
    };
    let is_too_long = Arc::new(AtomicBool::new(false));
    let wire = wire.await.map_err(Lost::Unreached)?;
    let wire = Bounded { wire, left: MOST, is_too_long: Arc::clone(&is_too_long) };
    let name = match config.get_hosts().get(host) {
        Some(Host::Tcp(name)) => name.clone(),
        _ => config.get_hostaddrs().get(host).map(ToString::to_string).unwrap_or_default(),
    };
    if let Some(tls) = tls {
        let mut tls = MakeRustlsConnect::new(tls);
        let tls = MakeTlsConnect::<Bounded>::make_tls_connect(&mut tls, &name);
        let tls = tls.map_err(|error| Lost::Unreached(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        let (client, connection) = config.connect_raw(wire, tls).await?;
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok((client, Driver { task, is_too_long }))
    } else {
        let (client, connection) = config.connect_raw(wire, NoTls).await?;
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok((client, Driver { task, is_too_long }))
    }
}

fn tcp(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether a database is of the kind that the address wants: one that can be written to, or one that cannot.
async fn is_meant(config: &Config, client: &Client) -> Result<bool, Error> {
    let wants = match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadWrite => "off",
        TargetSessionAttrs::ReadOnly => "on",
        _ => return Ok(true),
    };
    let said = client.simple_query("SHOW transaction_read_only").await?;
    Ok(said
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(wants))))
}

/// What a connection is made over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<W: AsyncRead + AsyncWrite + Unpin + Send> Wire for W {}

/// A connection of which only so much is read.
struct Bounded {
    wire: Box<dyn Wire>,
    left: usize,
    is_too_long: Arc<AtomicBool>,
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it sent more than {} MiB", MOST >> 20))
}

impl AsyncRead for Bounded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut this.wire).poll_read(cx, buf))?;
        let Some(left) = this.left.checked_sub(buf.filled().len() - before) else {
            this.is_too_long.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(too_long()));
        };
        this.left = left;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().wire).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

async fn read(client: &Client, query: &str, timeout: Duration) -> Result<Vec<Seen>, Error> {
    // A little sooner than we give up, so that its own word on it still comes.
    let within = (timeout * 9 / 10).as_millis().max(1);
    client.batch_execute("BEGIN TRANSACTION READ ONLY").await?;
    client.batch_execute(&format!("SET LOCAL statement_timeout = {within}")).await?;
    let query = query.trim().trim_end_matches(';');
    // The line break ends a comment, should the query end with one.
    let whole = format!(
        "SELECT left(row_to_json(t)::text, 4096), (SELECT count(*) FROM json_each(row_to_json(t))) FROM (\n{query}\n) AS t LIMIT 2"
    );
    let rows = client.query_typed(&whole, &[]).await?;
    let seen = |row: &tokio_postgres::Row| {
        Ok(Seen { row: row.try_get::<_, Option<String>>(0)?.unwrap_or_default(), columns: row.try_get(1)? })
    };
    rows.iter().map(seen).collect()
}

/// A row as JSON, and how many columns it has: two of the same name are one in an object.
#[derive(Debug)]
struct Seen {
    row: String,
    columns: i64,
}

/// Verifies certificates as the system does.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_platform_verifier()?.with_no_client_auth())
}

/// What an error means: no number where the question is at fault, else a database that fails.
fn refused(error: &Error, place: &str, masker: &Masker) -> Result<Measured, Trouble> {
    let shown = |text: &str| visible(&masker.mask(text)).into_owned();
    if let Some(said) = error.as_db_error() {
        let message: String = shown(said.message()).chars().take(LONGEST).collect();
        let code = said.code();
        let fails = |fault, why: String| Err(Trouble::new(fault, format!("{place} {why}: {message}")));
        return match code {
            code if *code == SqlState::TOO_MANY_CONNECTIONS => {
                fails(Fault::Refused, "lets nobody in".to_owned())
            }
            code if *code == SqlState::CANNOT_CONNECT_NOW || code.code().starts_with("57P") => {
                fails(Fault::Refused, "takes no connections now".to_owned())
            }
            code if *code == SqlState::QUERY_CANCELED => {
                fails(Fault::Timeout, "stopped the query, which took too long".to_owned())
            }
            code if code.code().starts_with("28") => {
                Ok(nothing("password", format!("{place} refuses these credentials: {message}")))
            }
            code => Ok(nothing(code.code(), format!("{place} does not answer the query: {message}"))),
        };
    }
    if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return Err(unreached(io, place, masker));
    }
    let why = shown(&error.source().map_or_else(|| error.to_string(), ToString::to_string));
    Err(if error.is_closed() {
        Trouble::new(Fault::Reset, format!("{place} closed the connection"))
    } else {
        Trouble::new(Fault::NoAnswer, format!("{place}: {why}"))
    })
}

/// What it means that a connection does not come about, or does not last.
fn unreached(error: &io::Error, place: &str, masker: &Masker) -> Trouble {
    let why = format!("{place}: {}", visible(&masker.mask(&error.to_string())));
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Trouble::new(Fault::Refused, format!("{place} refuses connections"))
        }
        io::ErrorKind::InvalidData => Trouble::new(Fault::Tls, why),
        io::ErrorKind::FileTooLarge => Trouble::new(Fault::TooLong, why),
        _ => Trouble::new(Fault::NoAnswer, why),
    }
}

/// The one number of one row of one column.
fn number(rows: &[Seen]) -> Measured {
    let [Seen { row, columns: count }] = rows else {
        let why = if rows.is_empty() { "no row" } else { "more than one row" };
        return nothing(why, format!("the query gives {why}; one row with one number is needed"));
    };
    let columns: BTreeMap<String, &RawValue> = match serde_json::from_str(row) {
        Ok(columns) => columns,
        Err(error) => return nothing("no number", format!("the answer cannot be read: {error}")),
    };
    let mut columns = columns.into_iter();
    let (Some((name, value)), 1) = (columns.next(), *count) else {
        return nothing("columns", "the query gives more than one column; one row with one number is needed");
    };
    let written = value.get();
    match Decimal::parse(written) {
        Some(number) if !written.starts_with('"') => Measured::Number(number, written.to_owned()),
        _ if written == "null" => nothing("null", format!("{name} is null")),
        _ => nothing("no number", format!("{name} is {written}, not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rows: &[&str]) -> String {
        let columns = |row: &str| row.matches("\":").count() as i64;
        let rows: Vec<Seen> =
            rows.iter().map(|&row| Seen { row: row.to_owned(), columns: columns(row) }).collect();
        match number(&rows) {
            Measured::Number(_, written) => written,
            Measured::Nothing { headline, .. } => headline,
        }
    }

    #[test]
    fn one_row_with_one_number_is_a_number() {
        assert_eq!(seen(&[r#"{"count":96}"#]), "96");
        assert_eq!(seen(&[r#"{"rate":0.10}"#]), "0.10");
        for (rows, headline) in [
            (&[][..], "no row"),
            (&[r#"{"a":1}"#, r#"{"a":2}"#], "more than one row"),
            (&[r#"{"a":1,"b":2}"#], "columns"),
            (&[r#"{"a":1,"a":2}"#], "columns"),
            (&[r#"{"a":null}"#], "null"),
            (&[r#"{"a":"NaN"}"#], "no number"),
            (&[r#"{"a":true}"#], "no number"),
            (&[""], "no number"),
        ] {
            assert_eq!(seen(rows), headline, "{rows:?}");
        }
    }

    #[test]
    fn what_is_far_is_encrypted_unless_the_address_says_otherwise() {
        let mode = |url: &str| config(url).unwrap().get_ssl_mode();
        assert_eq!(mode("postgresql://li@db.example.com/shop"), SslMode::Require);
        assert_eq!(mode("postgresql://li@127.0.0.1:5433/shop"), SslMode::Disable);
        assert_eq!(mode("postgresql://li@db.example.com/shop?sslmode=verify-full"), SslMode::Require);
        assert_eq!(mode("postgresql://li:sslmode=@db.example.com/shop"), SslMode::Require);
        assert_eq!(mode("postgresql:///shop?hostaddr=10.0.0.5"), SslMode::Require);
        assert_eq!(mode("postgresql://localhost/shop?hostaddr=10.0.0.5"), SslMode::Require);
        assert_eq!(mode("postgresql://li@%2Fvar%2Frun%2Fpostgresql/shop"), SslMode::Disable);
        assert_eq!(mode("postgresql://li@db.example.com/shop?sslmode=disable"), SslMode::Disable);
        assert!(
            config("postgresql://li@db/shop?port=many")
                .unwrap_err()
                .starts_with("the address cannot be read: ")
        );
        assert_eq!(place(&config("postgresql://li@db.example.com/shop").unwrap()), "db.example.com:5432");
    }

    /// Lets everybody in and answers every question with one message that has no end.
    #[tokio::test]
    async fn an_endless_answer_is_read_up_to_a_limit() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgresql://li@{}/shop", listener.local_addr().unwrap());
        let hostile = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(b"D\x3f\xff\xff\xff").await.unwrap();
            let (chunk, mut sent) = (vec![b'1'; 1 << 16], 0);
            while stream.write_all(&chunk).await.is_ok() {
                sent += chunk.len();
            }
            sent
        });
        let asked = Sql { url, query: None };
        let trouble =
            ask(&Servers::default(), &asked, Duration::from_secs(60), &Masker::default()).await.unwrap_err();
        assert!(trouble.why.ends_with("it sent more than 1 MiB"), "{trouble:?}");
        // What the sockets hold on top is bounded by the system.
        assert!(hostile.await.unwrap() < 64 * MOST);
    }

    #[tokio::test]
    async fn a_database_that_is_not_there_fails() {
        let asked = Sql { url: "postgresql://li@127.0.0.1:9/shop".to_owned(), query: None };
        let trouble =
            ask(&Servers::default(), &asked, Duration::from_secs(20), &Masker::default()).await.unwrap_err();
        assert_eq!(
            (trouble.fault, trouble.why.as_str()),
            (Fault::Refused, "127.0.0.1:9 refuses connections")
        );
    }
}
