//! A hundred rounds in which something is killed at a random moment: the verb, the conductor, the
//! command, or all of them, once or twice. After each, the promises still hold: what was acknowledged is
//! there once, nothing ran twice or beside another, what was told was true, and going on in any order
//! ends with all done.
//!
//! The dice are the same every time (`dice::SEED`); the machine is not. `KILL_ROUND=17` runs one round,
//! `KILL_SECONDS=1200` gives them another time: when that is over and not all rounds were run, it fails.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it must be")]

mod deploys;
mod dice;
mod finishes;
#[expect(dead_code, reason = "the other tests use the rest of it")]
#[path = "../program/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: usize = 100;
/// Every so many rounds a hotfix is finished; in the others something is deployed.
const FINISH: usize = 4;
/// Seconds that they may take, unless told otherwise: several times as long as on a quiet machine.
const SECONDS: u64 = 600;
/// How many go on at a time.
const LANES: usize = 3;

fn told<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn a_hundred_kills_break_no_promise() {
    let begun = Instant::now();
    let budget = Duration::from_secs(told("KILL_SECONDS").unwrap_or(SECONDS));
    let rounds = match told::<usize>("KILL_ROUND") {
        Some(round) => round..round + 1,
        None => 0..ROUNDS,
    };
    let (next, done) = (AtomicUsize::new(rounds.start), AtomicUsize::new(0));
    let broken: Vec<usize> = std::thread::scope(|scope| {
        let lane = || {
            let mut broken = Vec::new();
            let mut lane = None;
            while begun.elapsed() < budget {
                let round = next.fetch_add(1, Ordering::SeqCst);
                if !rounds.contains(&round) {
                    break;
                }
                let carried = catch_unwind(AssertUnwindSafe(|| {
                    if round % FINISH == 0 {
                        finishes::round(round);
                    } else {
                        lane.get_or_insert_with(deploys::Lane::new).round(round);
                    }
                }));
                done.fetch_add(1, Ordering::SeqCst);
                if carried.is_err() {
                    eprintln!("round {round} is broken: KILL_ROUND={round} runs it alone");
                    broken.push(round);
                    lane = None;
                }
            }
            broken
        };
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    });
    let (done, all) = (done.into_inner(), rounds.len());
    eprintln!("{done} of {all} rounds in {} s", begun.elapsed().as_secs());
    assert_eq!(broken, [0; 0], "rounds that are broken");
    assert_eq!(done, all, "the time was over: {} s (KILL_SECONDS)", budget.as_secs());
}
