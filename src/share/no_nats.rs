//! In place of NATS, where this was built without it.

use tokio::sync::mpsc::UnboundedReceiver;

use super::carrier::{Carrier, LeftOut, Outgoing};
use super::git::Git;
use super::live::{Login, Woke};
use crate::incident::IncidentId;

const NONE: &str =
    "this flightdeck was built without NATS: use one that is handed out, or build it with --features nats";

/// No connection.
pub(super) enum Nats {}

impl Nats {
    pub(super) fn connect(_login: &Login, _node: u64, _incident: Option<IncidentId>) -> Result<Self, String> {
        Err(NONE.to_owned())
    }

    pub(super) fn wait(&mut self, _orders: &mut UnboundedReceiver<()>) -> Woke {
        match *self {}
    }

    pub(super) fn over(&self) -> Option<&str> {
        match *self {}
    }
}

impl Carrier for Nats {
    fn name(&self, _chains: &Git) -> String {
        match *self {}
    }

    fn fetch(&mut self, _chains: &Git) -> Result<Vec<LeftOut>, String> {
        match *self {}
    }

    fn push(&mut self, _chains: &Git, _out: &Outgoing) -> Result<Vec<String>, String> {
        match *self {}
    }

    fn sent(&self, _chains: &Git, _incident: IncidentId, _node: u64) -> Result<u64, String> {
        match *self {}
    }
}
