//! The hotfix branch: what is known of it, and the plans that change it.
//!
//! `state`, `outlook`, `growth`, `pull`, `forge`, `standing`, `suspects`, `remote`, `back` and `flows` are pure. `git` reads repositories (with git2, which runs no hook and
//! no configured program), `watch` notices that they change; both are imported by `runtime`,
//! `conductor` and `cli` only.

pub mod back;
pub mod flows;
pub mod forge;
pub mod git;
pub mod growth;
pub mod outlook;
pub mod pull;
pub mod remote;
pub mod standing;
pub mod state;
pub mod suspects;
pub mod version;
pub mod watch;

#[cfg(test)]
pub(crate) mod testing;
