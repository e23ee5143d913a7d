//! Tells services that keep changes of deploys and rollbacks, each once.

use jiff::Timestamp;

use super::super::process;
use super::{Desk, carry};
use crate::comms::wire::change;
use crate::failure::Result;
use crate::incident::{Delivered, Delivery};

/// Tells every channel that wants to know of what was deployed and what went back.
pub(super) fn tell(desk: &mut Desk<'_>) -> Result<()> {
    let config = desk.post.config;
    for channel in config.channels.iter().filter(|channel| channel.changes) {
        let due = desk.state().changes_due(&channel.name, Timestamp::now());
        let due: Vec<_> = due.map(|change| change.id).collect();
        for id in due {
            desk.catch_up()?;
            let (state, now) = (desk.state(), Timestamp::now());
            let Some(told) = state.changes_due(&channel.name, now).find(|change| change.id == id) else {
                continue;
            };
            let Some(wire) = change(channel, state, told) else { continue };
            let tries = told.ways.iter().find(|way| way.channel == channel.name).map_or(0, |way| way.tries);
            let body = Delivered {
                process: process::this(),
                ..Delivered::new(id, &channel.name, Delivery::Sending)
            };
            // Whoever else wrote meanwhile may have begun: it is looked at again next time.
            if desk.commit(now, body)?.is_none() {
                continue;
            }
            let fate = carry::carry_wire(&desk.post, &mut desk.purse, &channel.name, &wire);
            desk.record(id, &channel.name, fate, tries)?;
        }
    }
    Ok(())
}
