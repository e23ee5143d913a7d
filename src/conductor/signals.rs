//! The signals a conductor lives with: it is asked to end by TERM, and a closed terminal is
//! nothing to it.

use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::pipe;

use super::system;

/// Signals that came, and a descriptor that becomes readable when one does.
#[derive(Debug)]
pub(super) struct Signals {
    wake: UnixStream,
    end: Arc<AtomicBool>,
}

impl Signals {
    /// Begins to catch them. INT and QUIT are caught and not ignored: what is ignored would be
    /// ignored by the commands too. With HUP that is wanted, and left as it is.
    pub(super) fn catch() -> io::Result<Self> {
        let (wake, sender) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        pipe::register(SIGCHLD, sender.try_clone()?)?;
        pipe::register(SIGTERM, sender)?;
        let end = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&end))?;
        let unheard = Arc::new(AtomicBool::new(false));
        let hangup = (!system::ignores_hangup()).then_some(SIGHUP);
        for signal in [SIGINT, SIGQUIT].into_iter().chain(hangup) {
            signal_hook::flag::register(signal, Arc::clone(&unheard))?;
        }
        Ok(Self { wake, end })
    }

    /// Tells whether this process was asked to end.
    pub(super) fn asked_to_end(&self) -> bool {
        self.end.load(Ordering::SeqCst)
    }

    /// Forgets what woke it.
    pub(super) fn drain(&self) {
        let mut bytes = [0; 64];
        while (&self.wake).read(&mut bytes).is_ok_and(|count| count > 0) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
