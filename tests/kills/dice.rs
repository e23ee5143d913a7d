//! Numbers that look random and are the same for the same round, and what a round kills.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{Running, World};

/// What all rounds begin with. Another one makes another hundred.
const SEED: u64 = 0x0f11_94de_c4ab_1e5d;

/// The dice of one round.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(round: usize) -> Self {
        Self(SEED.wrapping_add(round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A moment of so many milliseconds at most. It is what a round is about: no condition is waited for.
    pub(crate) fn rest(&mut self, most: usize) {
        std::thread::sleep(Duration::from_millis(self.below(most) as u64));
    }
}

/// What a round kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    Conductor,
    Command,
    Verb,
    ConductorAndCommand,
    All,
}

pub(crate) const VICTIMS: [Victim; 5] =
    [Victim::Conductor, Victim::Command, Victim::Verb, Victim::ConductorAndCommand, Victim::All];

/// Kills what is there of it at this moment.
pub(crate) fn kill(world: &World, victim: Victim, verb: &mut Running) {
    if matches!(victim, Victim::Verb | Victim::All) {
        verb.0.kill().ok();
    }
    if matches!(victim, Victim::Conductor | Victim::ConductorAndCommand | Victim::All) {
        signal(processes(world).into_iter().filter(|process| process.is_conductor));
    }
    if matches!(victim, Victim::Command | Victim::ConductorAndCommand | Victim::All) {
        signal(processes(world).into_iter().filter(|process| process.is_leader));
    }
}

fn signal(processes: impl Iterator<Item = Process>) {
    for process in processes {
        if let Some(pid) = Pid::from_raw(process.pid) {
            kill_process(pid, Signal::KILL).ok();
        }
    }
}

/// A process of a world.
pub(crate) struct Process {
    pid: i32,
    /// It carries out a plan.
    is_conductor: bool,
    /// It belongs to a run.
    pub(crate) is_marked: bool,
    /// It is the first of a run.
    is_leader: bool,
}

/// All that live in a world.
pub(crate) fn processes(world: &World) -> Vec<Process> {
    let home = [b"HOME=", world.path("home").as_os_str().as_encoded_bytes()].concat();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).ok();
        let environment = read("environ")?;
        let mut entries = environment.split(|&byte| byte == 0);
        entries.clone().any(|entry| entry == home).then_some(())?;
        let is_marked = entries.any(|entry| entry.starts_with(b"FLIGHTDECK_RUN="));
        let line = read("cmdline")?;
        let is_conductor = line.split(|&byte| byte == 0).any(|word| word == b"conduct");
        let stat = String::from_utf8(read("stat")?).ok()?;
        let session = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(3)?.parse::<i32>().ok()?;
        Some(Process { pid, is_conductor, is_marked, is_leader: is_marked && session == pid })
    })
    .collect()
}

/// Tells whether something of a run lives.
pub(crate) fn is_something_alive(world: &World) -> bool {
    processes(world).iter().any(|process| process.is_marked)
}
