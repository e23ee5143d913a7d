//! What is kept of the run that is followed.

use jiff::Timestamp;

use crate::deploy::pipeline::Job;

/// The latest output of a run, as its terminal shows it.
pub struct Output {
    /// Id of the run.
    pub run: String,
    /// Its terminal.
    pub terminal: vt100::Parser,
    /// When something came last.
    pub last: Timestamp,
    /// The jobs of the pipeline that it follows.
    pub jobs: Vec<Job>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("run", &self.run).finish_non_exhaustive()
    }
}
