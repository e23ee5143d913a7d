//! What carries out an exchange where nothing else is asynchronous.

use std::io::Result;

use tokio::runtime::Builder;

/// A runtime of its own. Its end waits for nothing: a name server that does not answer holds up nobody.
#[derive(Debug)]
pub struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    /// Makes one.
    ///
    /// # Errors
    /// The machine has no more to give.
    pub fn new() -> Result<Self> {
        Builder::new_current_thread().enable_all().build().map(Self)
    }

    /// Waits for something to be done.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // To drop it would wait for what still looks up a name.
        if let Ok(empty) = Builder::new_current_thread().build() {
            std::mem::replace(&mut self.0, empty).shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn its_end_waits_for_no_name_that_is_still_looked_up() {
        let (answer, asked) = channel::<()>();
        let (over, ended) = channel();
        let using = std::thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            runtime.block_on(async {
                // Names are looked up so: nobody can end it before it is answered.
                drop(tokio::task::spawn_blocking(move || asked.recv()));
            });
            drop(runtime);
            over.send(()).unwrap();
        });
        let ended = ended.recv_timeout(Duration::from_secs(20));
        answer.send(()).ok();
        using.join().unwrap();
        assert_eq!(ended, Ok(()));
    }
}
