//! How the service is doing: probes, conditions, states and their history.
//!
//! Pure: `series`, `decimal`, `answer`, `instant`, `promql`, `condition`, `pattern`, `unit`, `change`, `parse`, `rules`, `alarm`, `tracker`, `vigil`, `judge`,
//! `compare`, `columns`.
//! `http`, `prometheus`, `command` and `runner` touch the world and are imported by `runtime`,
//! `conductor` and `cli` only.

pub mod alarm;
pub mod answer;
pub mod change;
pub mod columns;
pub mod command;
pub mod compare;
pub mod condition;
pub mod decimal;
pub mod http;
pub mod instant;
pub mod judge;
pub mod parse;
pub mod pattern;
pub mod prometheus;
pub mod promql;
pub mod rules;
pub mod runner;
pub mod series;
#[cfg(test)]
mod testing;
pub mod tracker;
mod unit;
pub mod vigil;
