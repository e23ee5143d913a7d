//! The same records on other machines.
//!
//! The journal stays the truth; a carrier only brings records to other journals. What it brings is checked as far as
//! signatures and hashes go, and taken in chain by chain: what is wrong with one holds up no other.
//!
//! `key` is the installation's key, `batch` what is carried, `git` the carrier over the team's git remote, and
//! `round` one round of taking in and sending.

mod batch;
mod git;
mod key;
mod open;
mod round;

pub use batch::{Batch, Head, Reached, node_name};
pub use git::{Git, Tip};
pub use key::{Key, is_signed};
pub use open::{Closed, Kept};
pub use round::{Aside, Preview, Round, Sharing};
