//! Follows the pull request of a branch, politely: what has not changed is not sent again, and a
//! limit is kept away from.

use std::path::Path;
use std::time::Duration;

use super::client::{Kind, Lost};
use super::{Visit, text_of, token};
use crate::config::types::Hotfix;
use crate::hotfix::forge::place;
use crate::hotfix::git::Reader;
use crate::hotfix::pull::{Looked, Pull};

/// How long all questions of one look may take together.
const PATIENCE: Duration = Duration::from_secs(25);

/// Looks at the pull request of one branch, again and again.
pub struct Looker {
    visit: Visit,
    branch: String,
    base: String,
    last: Option<Pull>,
}

/// What came of a look, and how long to keep away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Age {
    /// What was seen.
    pub looked: Looked,
    /// At least so long it wants to be left alone.
    pub wait: Option<Duration>,
}

impl Looker {
    /// Prepares to look at the pull request of a branch. `trusted`: the configuration may name the
    /// address that the token is sent to.
    ///
    /// # Errors
    /// There is nothing to ask, or nothing to ask with: what is known then.
    pub fn new(
        root: &Path,
        hotfix: &Hotfix,
        branch: &str,
        base: &str,
        trusted: bool,
    ) -> Result<Self, Box<Looked>> {
        let unknown = |why: &str| Box::new(Looked::Unknown { why: why.to_owned(), last: None });
        let configured = !hotfix.pull.api.is_empty();
        if configured && !trusted {
            return Err(unknown("flightdeck.toml names the address to ask, and is not trusted"));
        }
        let remote = Reader::open(root).ok().and_then(|reader| reader.remote_place(&hotfix.remote));
        let place = place(&hotfix.pull, remote.as_deref()).map_err(|_| Box::new(Looked::NoPlace))?;
        let Some((source, value)) = token(&place, configured) else {
            return Err(unknown("no token; see flightdeck hotfix finish"));
        };
        let place = crate::plan::forge::Place { token: source.name, ..place };
        let mut visit = Visit::new(&place, text_of(&value), PATIENCE).map_err(|why| unknown(&why))?;
        visit.client.keep_answers();
        Ok(Self { visit, branch: branch.to_owned(), base: base.to_owned(), last: None })
    }

    /// Looks now.
    pub fn look(&mut self) -> Age {
        self.look_within(PATIENCE)
    }

    /// Looks now, with so long for all questions together.
    pub fn look_within(&mut self, patience: Duration) -> Age {
        self.visit.client.renew(patience);
        match self.visit.find(&self.branch, &self.base) {
            Ok(found) => {
                self.last = found.map(|found| found.pull);
                Age { looked: self.last.clone().map_or(Looked::None, Looked::Known), wait: None }
            }
            Err(Lost { why, kind }) => {
                let wait = match kind {
                    Kind::Limited(wait) | Kind::Busy(wait) => Some(wait),
                    _ => None,
                };
                Age { looked: Looked::Unknown { why, last: self.last.clone() }, wait }
            }
        }
    }
}
