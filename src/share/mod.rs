//! The same records on other machines.
//!
//! The journal stays the truth; a carrier only brings records to other journals. What it brings is checked as far as
//! signatures and hashes go, and taken in chain by chain: what is wrong with one holds up no other.
//!
//! `key` is the installation's key, `batch` what is carried, `carrier` what any way of carrying has to do, `git` the chains
//! that are kept here and the carrier over the team's git remote, `own` what goes out, `open` what keeps an incident from being sent, `opened` what tells other processes of this machine where that is,
//! `round` one round of taking in and sending, and `leave` what stays at the remote of a closed incident. `claim` is the
//! lease of a target as everybody sees it, and `claims` how it is taken at the remote.

mod batch;
mod carrier;
mod claim;
mod claims;
#[cfg(test)]
mod conformance;
mod git;
#[cfg(any(test, feature = "nats"))]
mod inbox;
mod key;
mod leave;
mod live;
#[cfg_attr(not(feature = "nats"), path = "no_nats.rs")]
mod nats;
mod open;
mod opened;
mod own;
mod preview;
mod purge;
mod round;
#[cfg(any(test, feature = "nats"))]
mod wire;

pub use batch::{Batch, Head, Reached, node_name};
pub use carrier::{Carrier, LeftOut, Outgoing, Remote};
pub use claim::{Claim, reference as claim_reference};
pub use claims::{Claimed, Heard, There};
pub use git::{Git, Tip};
pub use key::{Key, is_signed};
pub use live::{Live, LiveStanding, Waker, once as live_once};
pub use open::{Closed, Kept};
pub use opened::Opened;
pub use round::{Aside, Preview, Round, Sharing};
