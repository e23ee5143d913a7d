//! The HTTP clients, each built when first needed.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Url};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::Lost;
use super::phases::{Connecting, Resolver, cryptography};
use super::words::causes;
use crate::failure::Fault;
use crate::text::address::is_loopback;

/// What exchanges requests for answers. To be kept: what it has is made once.
#[derive(Debug, Default)]
pub struct Exchange {
    /// How long a connection may take to come about; `None`: only the whole is bounded.
    connect: Option<Duration>,
    /// Whom it trusts and who it is, where that is not what the system says.
    tls: Option<Identification>,
    verified: OnceCell<Result<Client, String>>,
    verified_loopback: OnceCell<Result<Client, String>>,
    plain: OnceCell<Result<Client, String>>,
    plain_loopback: OnceCell<Result<Client, String>>,
    /// The same four with connections that are kept.
    kept: [OnceCell<Result<Client, String>>; 4],
}

/// Certificates of one's own. Paths to PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// The authorities that are trusted in place of the system's.
    pub authorities: Option<PathBuf>,
    /// What a server is shown: a certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl Exchange {
    /// One that trusts and shows certificates of one's own.
    pub fn identified(tls: Identification) -> Self {
        Self { tls: Some(tls), ..Self::default() }
    }

    /// One that gives a connection up after so long. What could not be connected to was surely
    /// sent nothing.
    pub fn connecting_within(connect: Duration) -> Self {
        Self { connect: Some(connect), ..Self::default() }
    }

    /// The client for an address. A system proxy is never asked for this machine itself, and
    /// certificates are loaded only where there is something to verify: a machine without any
    /// can still use plain HTTP.
    pub(super) async fn client(&self, url: &Url, kept: bool) -> Result<&Client, Lost> {
        let verified = url.scheme() == "https";
        let direct = url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
        let cell = match (verified, direct) {
            _ if kept => &self.kept[usize::from(verified) * 2 + usize::from(direct)],
            (true, false) => &self.verified,
            (true, true) => &self.verified_loopback,
            (false, false) => &self.plain,
            (false, true) => &self.plain_loopback,
        };
        let (connect, tls) = (self.connect, &self.tls);
        // Reading certificates blocks, so it has a thread of its own.
        let build = || async move {
            let tls = tls.clone();
            tokio::task::spawn_blocking(move || build(verified, direct, kept, connect, tls.as_ref()))
                .await
                .unwrap_or_else(|_| Err("the HTTP client could not be set up".to_owned()))
        };
        let client = cell.get_or_init(build).await.as_ref();
        client.map_err(|why| Lost { fault: Fault::NoClient, why: why.clone(), sent: false })
    }
}

/// Most connections to a host that are kept while nobody uses them,
const KEPT: usize = 16;
/// and for how long.
const IDLE: Duration = Duration::from_secs(15);

/// Most bytes of a file of certificates.
const MOST: u64 = 1 << 20;

/// Reads a file of certificates or a key. A pipe would have to be waited for.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let about = std::fs::metadata(path).map_err(cannot)?;
    if !about.is_file() || about.len() > MOST {
        return Err(format!("{} is no file of certificates", path.display()));
    }
    let mut found = Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(MOST).read_to_end(&mut found).map_err(cannot)?;
    Ok(found)
}

fn build(
    verified: bool,
    direct: bool,
    kept: bool,
    connect: Option<Duration>,
    tls: Option<&Identification>,
) -> Result<Client, String> {
    // Fails only if a provider is installed already, which is as good.
    let _ = cryptography().install_default();
    // Unless somebody wants it otherwise every request has a connection of its own: one kept open says nothing
    // about whether a new user would be let in.
    let idle = if kept { KEPT } else { 0 };
    let mut builder = Client::builder()
        .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(idle)
        .pool_idle_timeout(IDLE)
        .dns_resolver(Resolver)
        .connector_layer(Connecting);
    if kept {
        // One on which nobody answers any more is not asked again and again.
        builder = builder.http2_keep_alive_interval(IDLE / 3).http2_keep_alive_timeout(IDLE / 3);
    }
    if direct {
        builder = builder.no_proxy();
    }
    if let Some(connect) = connect {
        builder = builder.connect_timeout(connect);
    }
    if let Some(Identification { authorities, own }) = tls.filter(|_| verified) {
        if let Some(path) = authorities {
            let found = Certificate::from_pem_bundle(&read(path)?).ok().filter(|found| !found.is_empty());
            let found = found.ok_or_else(|| format!("{} holds no certificate in PEM", path.display()))?;
            builder = builder.tls_certs_only(found);
        }
        if let Some((certificate, key)) = own {
            let pem = Zeroizing::new([read(key)?.as_slice(), b"\n", read(certificate)?.as_slice()].concat());
            let identity = Identity::from_pem(&pem).map_err(|_| {
                let (certificate, key) = (certificate.display(), key.display());
                format!("{certificate} and {key} are no certificate and key in PEM (PKCS #8)")
            })?;
            builder = builder.identity(identity);
        }
    }
    if !verified {
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(cryptography()))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("the HTTP client could not be set up: {e}"))?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(config);
    }
    builder.build().map_err(|e| {
        let why = causes(&e).last().map(ToString::to_string).unwrap_or_default();
        format!("certificates cannot be verified on this machine: {why}")
    })
}
