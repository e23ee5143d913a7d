//! A practice outage: a real repository, a real service that misbehaves.
//!
//! [`scenario`] is the data and `history` turns it into commits; both are pure, and so
//! are [`guide`], which tells a newcomer what to try next, and [`grade`], which says how it went. [`outage`] makes the scratch
//! directory and starts the services; [`service`] is what runs in each of their processes.
//! What the services answer follows from what is deployed to them and from nothing else.

pub mod fetch;
pub mod fix;
mod git;
pub mod grade;
pub mod guide;
mod history;
pub mod outage;
pub mod place;
pub mod scenario;
mod scratch;
pub mod service;

pub use outage::Outage;
pub use scenario::Scenario;
