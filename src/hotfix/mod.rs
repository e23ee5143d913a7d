//! The hotfix branch: what is known of it, and the plans that change it.
//!
//! `state` and `flows` are pure. `git` reads repositories (with git2, which runs no hook and
//! no configured program) and is imported by `runtime`, `conductor` and `cli` only.

pub mod state;
