//! Comparing probes with earlier times, on a thread of its own: what is stored is read, and judged, while
//! the journal goes on saving.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};

use super::{Event, panics};
use crate::cockpit::msg::{Done, EffectId, Msg};
use crate::failure::Result;
use crate::health::compare::{self, Point, Question};
use crate::hotfix::git::Reader;
use crate::journal::Journal;

/// What the thread is asked for.
pub(super) struct Order {
    pub(super) id: EffectId,
    pub(super) questions: Vec<Question>,
}

/// Starts the thread. It ends with its queue.
pub(super) fn start(
    here: PathBuf,
    state_dir: PathBuf,
    events: Sender<Event>,
) -> std::io::Result<Sender<Order>> {
    let (orders, queue) = mpsc::channel();
    let told: Sender<Event> = events.clone();
    panics::spawn("compare", events, move || serve(&here, &state_dir, &queue, &told))?;
    Ok(orders)
}

fn serve(here: &Path, state_dir: &Path, queue: &Receiver<Order>, told: &Sender<Event>) {
    let mut repository = None;
    for Order { id, questions } in queue {
        let kept = stored(&mut repository, here, state_dir, &questions);
        // What is in memory is there whatever became of the journal; that is told by whoever saves.
        let answers = compare::answer(&questions, &kept.unwrap_or_default());
        // Whoever asked may have gone.
        let _ = told.send(Event::Msg(Msg::Done(id, Ok(Done::Compared(answers)))));
    }
}

/// What is stored of the times that are not in memory, for each question. `repository` is what the
/// repository goes by, once that is known.
fn stored(
    repository: &mut Option<String>,
    here: &Path,
    state_dir: &Path,
    questions: &[Question],
) -> Result<Vec<Vec<Point>>> {
    let journal = Journal::open_again(state_dir, "nobody")?;
    let repository = if let Some(known) = repository.take() {
        repository.insert(known)
    } else {
        let reader = Reader::open(here).map_err(|none| none.failure(&here.to_string_lossy()))?;
        repository.insert(journal.repository(&reader)?)
    };
    questions
        .iter()
        .map(|question| {
            let mut kept = Vec::new();
            for window in question.missing() {
                kept.extend(journal.samples(repository, &question.probe.name, window)?);
            }
            // Windows may overlap.
            kept.sort_by_key(|(at, _)| *at);
            kept.dedup_by_key(|(at, _)| *at);
            Ok(kept)
        })
        .collect()
}
