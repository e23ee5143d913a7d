//! flightdeck: a full-screen terminal cockpit for running a production incident from the
//! repository that has to be fixed. `ARCHITECTURE.md` is the map of this house.

pub mod cli; // one file a verb; each verb issues the same command a key does
pub mod clock; // time that passes whatever becomes of the wall clock
pub mod cockpit; // PURE core of the program: model, messages, update, effects, commands, keymap
pub mod comms; // PURE drafts of messages, and what each service is sent and answers
pub mod conductor; // carries out a plan in a process of its own: terminal, capture, attach
pub mod config; // flightdeck.toml to typed values; errors with the line; trust; settings
pub mod deploy; // environments and deploys as plans
pub mod drill; // a practice outage: a real repository, a real service that misbehaves
pub mod exchange; // all HTTP: one request and its answer, by a policy
pub mod failure; // what every error a person can meet is made of
pub mod health; // probes, conditions, alarms, series
pub mod hotfix; // the branch: reading its state, the plans that change it
pub mod incident; // PURE what an incident is: records, fold, policy, clocks, what is next
pub mod journal; // the SQLite store of records: the only writer
pub mod plan; // PURE steps and what was approved
pub mod report; // folds turned into documents
pub mod runtime; // the loop: input, effects to tasks, tasks to messages
pub mod share; // the same records on other machines, over the git remote of the team
pub mod text; // the one sanitiser for text from outside
pub mod tui; // draws the model: layout, theme, one file a pane, one file an overlay
