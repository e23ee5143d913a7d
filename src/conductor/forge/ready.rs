//! Whether a token may do what is asked of it later, as far as its host says so beforehand. Nothing is changed by that.

use serde::Deserialize;

use super::Visit;
use super::client::{Kind, Lost};
use crate::deploy::pipeline::github::Repository;
use crate::plan::forge::{Forge, encoded};
use crate::text::visible;

/// A token of GitLab, as it tells of itself.
#[derive(Debug, Deserialize)]
struct Own {
    #[serde(default)]
    scopes: Vec<String>,
}

impl Visit {
    /// Tells whether a pipeline could be started here, as far as its host says so without starting one.
    ///
    /// # Errors
    /// It could not, or its host cannot be asked: in a line.
    pub(in super::super) fn ready(&mut self, workflow: &str) -> Result<String, Lost> {
        self.may_write("start anything", &["repo", "public_repo"])?;
        let (name, host) = self.named();
        if workflow.is_empty() {
            return Ok(format!("{name} at {host}: the owner of the token may start pipelines"));
        }
        self.require_active(workflow)?;
        Ok(format!(
            "{} in {name} at {host} is active, and the owner of the token may write there",
            visible(workflow)
        ))
    }

    /// Tells whether deployments to an environment could be made here, as far as its host says so without making one.
    ///
    /// # Errors
    /// They could not, or its host cannot be asked: in a line.
    pub(in super::super) fn may_report(&mut self, environment: &str) -> Result<String, Lost> {
        self.may_write("report deployments", &["repo", "public_repo", "repo_deployment"])?;
        let query = format!("environment={}&per_page=1", encoded(environment));
        let address = format!("{}/deployments?{query}", self.place.address());
        self.client.get::<serde_json::Value>(&address)?;
        let (name, host) = self.named();
        let environment = visible(environment);
        Ok(format!(
            "deployments to {environment} in {name} at {host} can be read, and the owner of the token may write there"
        ))
    }

    fn named(&self) -> (String, String) {
        (visible(&self.place.repository).into_owned(), crate::exchange::place(&self.client.base()))
    }

    /// Makes sure that the owner of the token may write, and that the token may as well, where it says what it may.
    fn may_write(&mut self, what: &str, scopes: &[&str]) -> Result<(), Lost> {
        let address = self.place.address();
        let (repository, told): (Repository, _) = self.client.get_scoped(&address)?;
        let name = visible(&self.place.repository).into_owned();
        let refused = |why: String| Err(Lost { why, kind: Kind::Refused(403) });
        if !repository.may_write() {
            return refused(format!("the owner of the token may read {name} and not {what} there"));
        }
        let (has, needs) = match self.place.forge {
            Forge::Github => {
                let has = told.map(|told| told.split(',').map(|scope| scope.trim().to_owned()).collect());
                (has, scopes)
            }
            Forge::Gitlab => {
                // Not every token can tell.
                let own = format!("{}/personal_access_tokens/self", self.place.api.trim_end_matches('/'));
                (self.client.get::<Own>(&own).ok().map(|own| own.scopes), ["api"].as_slice())
            }
        };
        // A fine-grained token of GitHub has none, and says nothing of what it may do.
        let has: Vec<String> = has.unwrap_or_default();
        if has.is_empty() || has.iter().any(|scope| needs.contains(&scope.as_str())) {
            return Ok(());
        }
        let (has, needs) = (visible(&has.join(", ")).into_owned(), needs[needs.len() - 1]);
        refused(format!("the token has the scope {has} and may not {what} in {name}: that needs {needs}"))
    }
}
