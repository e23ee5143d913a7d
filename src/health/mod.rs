//! How the service is doing: probes, conditions, states and their history.
//!
//! `series`, `condition` and `alarm` are pure. `http` and `command` touch the world and are
//! imported by `runtime`, `conductor` and `cli` only.

pub mod series;
