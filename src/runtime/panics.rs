//! Panics: remembered where they happen, told once the terminal is sane again.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use super::Event;
use crate::failure::Failure;

/// What the last panic said, and where.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics from writing over the screen. Whoever catches one tells of it with
/// [`failure`].
pub(super) fn install() {
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let said = payload.downcast_ref::<&str>().copied();
        let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let said = said.unwrap_or("no message");
        let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        tracing::error!("panic{place}: {said}");
        if let Ok(mut last) = LAST.lock() {
            *last = Some(format!("{said}{place}"));
        }
    }));
}

/// The failure that a panic amounts to.
pub(super) fn failure() -> Failure {
    let said = LAST.lock().ok().and_then(|mut last| last.take()).unwrap_or_else(|| "no message".to_owned());
    Failure::new(
        "running the cockpit",
        format!("a fault in flightdeck itself: {said}"),
        "what was saved is safe and running plans go on; start flightdeck again, and report this",
    )
}

/// Starts a thread; if it panics, the program ends and says so.
pub(super) fn spawn(
    name: &str,
    events: Sender<Event>,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            // Nobody listens only when the program is ending already.
            let _ = events.send(Event::Panicked);
        }
    })
}
