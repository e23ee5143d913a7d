//! What an incident is: its records, the fold that makes a state of them, the policy with
//! its clocks, and what is next.
//!
//! Pure: no clock, no file, no environment, no network. Time comes in as a value.

mod against;
mod apply;
mod body;
mod clocks;
pub mod digest;
mod drift;
mod fix;
mod fold;
mod history;
pub mod import;
mod inside;
mod marks;
mod next;
mod policy;
mod record;
mod repeated;
pub mod repository;
mod scribe;
mod state;
mod stored;
mod team;
#[cfg(test)]
mod tests;
mod time;
mod timeline;
mod wording;
mod words;

pub use against::{Claim, against};
pub use apply::plans::mark_of;
pub use body::*;
pub use clocks::{
    Clock, ClockState, Round, audience, clocks, detected_late, last_told, led_by, next_update, phase_since,
    rounds, told_up_to,
};
pub use drift::{ClockOff, ClockWarning, TOLERATED};
pub use fix::{Fix, Raised, Review};
pub use fold::{Log, Missing, Stream, Streamed, Taken};
pub use inside::times_in;
pub use next::{ANOTHER, Facts, Next, QUICKER, RunbookFor, Seen, WayBack, next};
pub use policy::{
    Audience, AudienceChange, ChecklistItem, ClockChange, ClockPolicy, CountedFrom, Culprit, CulpritChange,
    Figure, HotfixLimit, ItemChange, MetBy, OnsetWeight, PathKind, PhaseChange, PhasePolicy, Policy,
    PolicyChange, Question, QuestionChange, Role, RoleChange, RollbackStep, SeverityChange, SeverityPolicy,
    SizeWeight, StepChange, SuspectPolicy, SuspectsChange, Suspicion, UpdatePolicy, at_severity,
};
pub use record::{Author, Draft, Hash, Hlc, IncidentId, NotARecord, Precision, Record, RecordId};
pub use repeated::{Known, repeated};
pub use repository::{Checkout, Recorded, RepositoryId};
pub use scribe::{Scribed, parse_follow_up, scribe, understood};
pub use state::*;
pub use team::{TaskTyped, all_clocks, brief, length, parse_task, time_left};
pub use time::{duration, in_zones, is_plausible, is_recent, parse_time, parse_time_in, taken_as};
pub use timeline::{Entry, Timeline};
pub use wording::{BESIDE, FILED, NO_HOTFIX, NO_ROLLBACK, OFFER_ENDS, UPDATED, finding};
