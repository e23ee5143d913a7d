//! The whole program: the real binary, real repositories, services, terminals and signals.
//!
//! `world` is the environment that everything runs in, `terminal` a terminal to run it on,
//! `keys` what can be typed there, `drill` a practice outage, `service` a service that answers as told,
//! `wall` a clock that can be set. A test waits for what is
//! seen, with a deadline, and never for time to pass.

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod drill;
mod drill_left;
mod keys;
mod service;
mod terminal;
#[cfg(target_os = "linux")]
mod wall;
mod world;

mod alertmanager;
mod approvals;
mod approved_programs;
#[cfg(target_os = "linux")]
mod asking;
mod assistants;
#[cfg(target_os = "linux")]
mod bump;
#[cfg(target_os = "linux")]
mod claims;
mod clones;
#[cfg(target_os = "linux")]
mod conductor;
mod cut;
mod drill_scenarios;
mod drill_verb;
#[cfg(target_os = "linux")]
mod extended_watch;
mod fates;
mod faults;
#[cfg(target_os = "linux")]
mod finish_broken_off;
#[cfg(target_os = "linux")]
mod finish_git_flow;
#[cfg(target_os = "linux")]
mod finish_release;
#[cfg(target_os = "linux")]
mod finish_resumed;
#[cfg(target_os = "linux")]
mod flags;
#[cfg(target_os = "linux")]
mod flows;
#[cfg(target_os = "linux")]
mod forge;
#[cfg(target_os = "linux")]
mod four_hours;
mod golden;
mod health;
#[cfg(target_os = "linux")]
mod history;
mod hostile_git;
#[cfg(target_os = "linux")]
mod hotfix_start;
mod import;
#[cfg(target_os = "linux")]
mod issues;
mod journal;
#[cfg(target_os = "linux")]
mod live;
mod mail;
mod messages;
mod network;
mod on_a_terminal;
#[cfg(target_os = "linux")]
mod own_actions;
mod paging;
mod people;
mod pictures;
mod pipelines;
#[cfg(target_os = "linux")]
mod plans;
mod policy;
mod postgres;
mod practice;
mod presenting;
mod probe_secrets;
mod prometheus;
mod refused;
#[cfg(target_os = "linux")]
mod repositories;
#[cfg(target_os = "linux")]
mod resume;
#[cfg(target_os = "linux")]
mod rollback;
#[cfg(target_os = "linux")]
mod run_view;
#[cfg(target_os = "linux")]
mod runbooks;
#[cfg(target_os = "linux")]
mod saved;
#[cfg(target_os = "linux")]
mod secrets;
mod secrets_told;
mod secrets_unnamed;
mod sharing;
#[cfg(target_os = "linux")]
mod sharing_approvals;
mod sharing_attacks;
mod sharing_http;
#[cfg(target_os = "linux")]
mod sharing_leases;
#[cfg(feature = "nats")]
mod sharing_nats;
#[cfg(target_os = "linux")]
mod sharing_plans;
mod sharing_ssh;
mod sharing_unasked;
mod sharing_verbs;
mod survival;
#[cfg(target_os = "linux")]
mod survivors;
#[cfg(target_os = "linux")]
mod suspects;
mod taken_back;
mod tampering;
#[cfg(target_os = "linux")]
mod time;
#[cfg(target_os = "linux")]
mod typed;
mod verbs;
mod walk_by_keys;
mod walk_by_verbs;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "linux")]
mod ways;
