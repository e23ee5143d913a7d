//! The log for those who look for a fault in flightdeck itself: only where `RUST_LOG` asks.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::output::Output;

/// Name of the log of the cockpit, in the state directory.
const FILE: &str = "flightdeck.log";

/// Logs to stderr: for verbs.
pub(super) fn to_stderr() {
    if let Some(filter) = wanted() {
        start(filter, std::io::stderr);
    }
}

/// Logs to a file in the state directory: for the cockpit, which has the screen to itself.
/// That there is no log keeps nobody from working, but is told.
pub(super) fn to_file(state_dir: &Path, out: &Output) {
    let Some(filter) = wanted() else { return };
    let path = state_dir.join(FILE);
    match OpenOptions::new().create(true).append(true).mode(0o600).open(&path) {
        Ok(file) => start(filter, Mutex::new(file)),
        Err(error) => out.tell(&format!("nothing is logged: {}: {error}", path.display())),
    }
}

/// What `RUST_LOG` asks for, if anything that can be read.
fn wanted() -> Option<EnvFilter> {
    EnvFilter::try_from_default_env().ok()
}

fn start<W>(filter: EnvFilter, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // A log that cannot be written is not worth a word on a screen that is in use.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false)
        .finish();
    // Fails only if there is one already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
