//! Keys for commands: one after the other, so that they arrive as they were typed.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};

use super::{Event, no_thread, panics};
use crate::cockpit::msg::{Done, EffectId, Msg};
use crate::cockpit::typed::Typed;
use crate::conductor;
use crate::failure::Result;
use crate::incident::IncidentId;

/// Keys on their way to a command.
pub(super) struct Order {
    pub(super) id: EffectId,
    pub(super) incident: IncidentId,
    pub(super) run: String,
    pub(super) typed: Typed,
}

/// Starts the thread that sends them.
pub(super) fn start(state_dir: &Path, events: &Sender<Event>) -> Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let (state_dir, told) = (state_dir.to_owned(), events.clone());
    panics::spawn("typing", events.clone(), move || send(&state_dir, &queue, &told))
        .map_err(|error| no_thread(&error))?;
    Ok(orders)
}

fn send(state_dir: &Path, orders: &Receiver<Order>, events: &Sender<Event>) {
    while let Ok(Order { id, incident, run, typed }) = orders.recv() {
        let sent = conductor::send_input(state_dir, incident, &run, typed.bytes());
        if events.send(Event::Msg(Msg::Done(id, sent.map(|()| Done::Quietly)))).is_err() {
            return;
        }
    }
}
