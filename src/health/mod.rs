//! How the service is doing: probes, conditions, states and their history.
//!
//! `http`, `api`, `prometheus`, `alertmanager`, `datadog`, `postgres`, `machine`, `command`, `keyring` and `runner` touch the
//! world and are imported by `runtime`, `conductor` and `cli` only. All else is pure.

pub mod alarm;
pub mod alertmanager;
pub mod alerts;
pub mod answer;
pub mod api;
mod began;
pub mod change;
pub mod columns;
pub mod command;
pub mod compare;
pub mod condition;
pub mod datadog;
pub mod decimal;
pub mod http;
pub mod instant;
pub mod judge;
pub mod kept;
pub mod keyring;
pub mod machine;
pub mod network;
pub mod parse;
pub mod past;
pub mod pattern;
#[cfg(feature = "postgres")]
mod postgres;
pub mod prometheus;
pub mod promql;
mod reported;
pub mod rules;
pub mod runner;
pub mod series;
pub mod silence;
pub mod stretches;
#[cfg(test)]
mod testing;
pub mod timeseries;
pub mod tracker;
mod unit;
pub mod vigil;
