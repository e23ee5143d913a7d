//! Deploying, as plans made from the configuration. Pure.

use crate::config::types::Config;
use crate::failure::Result;
use crate::plan::Plan;

/// What was resolved before a plan is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What was asked for: a branch or tag name.
    pub reference: String,
    /// The commit it is, as a full hexadecimal id.
    pub commit: String,
    /// Root of the work tree, where commands run.
    pub root: String,
}

/// The plan that deploys to an environment.
///
/// # Errors
/// The environment is not configured, or the reference could be taken for an option.
pub fn deploy(_config: &Config, _id: &str, _environment: &str, _what: &Resolved) -> Result<Plan> {
    todo!()
}

/// The plan that smoke-tests an environment.
pub fn smoke(_config: &Config, _id: &str, _environment: &str, _what: &Resolved) -> Result<Plan> {
    todo!()
}

/// The plan that runs checks: those named, or all.
pub fn test(_config: &Config, _id: &str, _checks: &[String], _what: &Resolved) -> Result<Plan> {
    todo!()
}
