//! The core of the program: model, messages, update, effects, commands, keymap.
//!
//! Pure: no clock, no file, no environment, no network, no terminal. A key or a fact goes
//! in as a [`Msg`]; what is to be done in the world comes out as [`Effect`]s.

mod alarms;
pub mod alerts;
pub mod chart;
pub mod commands;
pub mod compared;
pub mod complete;
pub mod confirm;
pub mod edit;
pub mod gone;
pub mod health;
pub mod history;
pub mod key;
#[cfg(test)]
mod key_table;
pub mod keymap;
pub mod known;
pub mod lines;
pub mod model;
pub mod msg;
mod output;
pub mod overlay;
pub mod own;
pub mod page;
mod pane;
pub mod past;
pub mod present;
pub mod production;
pub mod reading;
mod rows;
pub mod shared;
pub mod sift;
pub mod survey;
pub mod suspects;
pub mod typed;
pub mod update;
pub mod ways;

pub use commands::{COMMANDS, Command, Invoke, Scope};
pub use key::{Code, Key};
pub use keymap::Keymap;
pub use model::{Model, Pane};
pub use msg::{Effect, EffectId, Fact, Msg};
pub use update::{asks, culprits, update};
