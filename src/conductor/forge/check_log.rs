//! Reads what a check printed that has failed: the log of its job.

use std::path::Path;
use std::time::Duration;

use super::super::mask::Masker;
use super::super::plain::Plain;
use super::super::secrets::masker;
use super::client::{Kind, Lost, Text};
use super::{Visit, text_of, token};
use crate::config::types::Config;
use crate::failure::{Failure, Result};
use crate::hotfix::forge::gitlab::{Job, failed_job};
use crate::hotfix::forge::place;
use crate::hotfix::git::Reader;
use crate::hotfix::pull::{Check, Printed, lines};
use crate::hotfix::suspects::ChangeText;

/// How long all questions may take together.
const PATIENCE: Duration = Duration::from_secs(40);

/// Tells whether the address that a log is asked of, with the token, stands in the configuration.
pub fn needs_trust_for_logs(config: &Config) -> bool {
    !config.hotfix.pull.api.is_empty()
}

/// What a check printed: the end of it, where it is long. No secret that is known stands in it.
///
/// # Errors
/// It is not there, or cannot be asked for.
pub fn check_log(root: &Path, config: &Config, check: &Check) -> Result<ChangeText> {
    let hotfix = &config.hotfix;
    let failure = |why: String| {
        let hint = match check.url.as_str() {
            "" => "read it at the code host".to_owned(),
            url => format!("read it at {url}"),
        };
        Failure::new(format!("reading the log of {}", check.name), why, hint)
    };
    let remote = Reader::open(root).ok().and_then(|reader| reader.remote_place(&hotfix.remote));
    let place = place(&hotfix.pull, remote.as_deref()).map_err(|none| failure(none.0))?;
    let (source, value) = token(&place, needs_trust_for_logs(config))
        .ok_or_else(|| failure(super::super::pull::no_token(&place)))?;
    let place = crate::plan::forge::Place { token: source.name, ..place };
    let mut visit = Visit::new(&place, text_of(&value), PATIENCE).map_err(failure)?;
    match visit.printed_by(check) {
        Ok(Some(text)) => Ok(read(&text, &visit, &masker(config, root))),
        Ok(None) => {
            Err(failure("it does not run as a job of the code host, which keeps no log of it".to_owned()))
        }
        Err(Lost { kind: Kind::Refused(404 | 410), .. }) => {
            Err(failure("its log is not there: the job never began, or the host has deleted it".to_owned()))
        }
        Err(lost) => Err(failure(lost.why)),
    }
}

/// A log as it is shown.
fn read(text: &Text, visit: &Visit, masker: &Masker) -> ChangeText {
    let said = String::from_utf8_lossy(&text.bytes);
    let said = masker.mask(&said);
    let said = visit.client.masked_lines(&said);
    let mut plain = Plain::new(false);
    let mut said = plain.feed(said.as_bytes());
    said.push_str(&plain.finish());
    let cut = match (text.goes_on, text.is_end) {
        (true, _) => Some("it goes on: too long to be read to its end".to_owned()),
        (false, true) => Some("longer than 1 MiB: this is the end of it".to_owned()),
        (false, false) => None,
    };
    ChangeText { lines: lines(&said, text.is_end), cut, ..ChangeText::default() }
}

impl Visit {
    /// What a check printed; `None`: its host keeps none.
    fn printed_by(&mut self, check: &Check) -> std::result::Result<Option<Text>, Lost> {
        let job = match check.printed {
            Printed::Elsewhere => return Ok(None),
            Printed::Job(job) => job,
            Printed::Pipeline(pipeline) => {
                let address = format!("{}/pipelines/{pipeline}/jobs?per_page=100", self.place.address());
                let pages: Vec<Vec<Job>> = self.client.get_all(&address)?;
                let Some(job) = failed_job(&pages.concat()) else { return Ok(None) };
                job
            }
        };
        self.log(&job.to_string()).map(Some)
    }
}
