//! Telling people: drafts that are filled from the record, and what each service is sent and means by its answer.
//!
//! Pure: sending is the conductor's affair (`conductor/messages.rs`), which fills in secrets and has the answer
//! read here. `facts` is what a template is filled from, `numbers` what probes say in a sentence, `draft` a
//! message before somebody sends it; then a file a service.

mod chat;
pub mod draft;
mod escape;
mod facts;
mod jsm;
pub mod jsm_api;
pub mod mail;
pub mod numbers;
mod outward;
pub mod pager;
mod pagerduty;
mod pagerduty_change;
pub mod preview;
mod slack;
mod slack_bot;
pub mod slack_pins;
mod statuspage;
mod teams;
pub mod template;
#[cfg(test)]
mod tests;
mod webhook;
pub mod wire;
