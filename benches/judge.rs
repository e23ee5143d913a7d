//! How often before-and-after calls harm where there is none, how often it finds what is there, and how
//! long one verdict takes.
//!
//! `cargo bench --bench judge` measures it on autoregressive noise. `FLIGHTDECK_SERIES=DIR` adds recorded
//! series: every `time,value` CSV file below that directory. `docs/performance.md` says which were taken.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use flightdeck::health::judge::{Case, Direction, Verdict, family, judge};

/// Samples before and after.
const WINDOWS: [(usize, usize); 6] = [(60, 30), (120, 60), (60, 60), (240, 60), (30, 30), (120, 30)];
/// Pairs of windows for each kind of noise.
const PAIRS: usize = 3_000;
/// Pairs of windows of each recorded series.
const PLACES: usize = 600;

/// Probes that are judged together, and how often.
const FAMILY: usize = 50;
const FAMILIES: usize = 480;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }

    fn series(&mut self, memory: f64, length: usize) -> Vec<f64> {
        let mut last = self.normal();
        let innovation = (1.0 - memory * memory).sqrt();
        let mut next = || {
            let value = last;
            last = memory * last + innovation * self.normal();
            100.0 + 10.0 * value
        };
        (0..length).map(|_| next()).collect()
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Worse without a change, moved by five robust deviations, doubled; and how many pairs.
#[derive(Default)]
struct Tally {
    worse: [usize; 3],
    pairs: usize,
    nanoseconds: u128,
}

impl Tally {
    fn count(&mut self, before: &[f64], after: &[f64]) {
        let middle = median(before.iter().copied());
        let mut ordered = before.to_vec();
        ordered.sort_by(f64::total_cmp);
        let deciles = ordered[ordered.len() * 9 / 10] - ordered[ordered.len() / 10];
        let robust = 1.4826 * median(before.iter().map(|value| (value - middle).abs()));
        let deviation = robust.max(deciles / 2.563);
        if deviation == 0.0 || middle == 0.0 {
            return;
        }
        self.pairs += 1;
        let changes: [&dyn Fn(f64) -> f64; 3] =
            [&|value| value, &|value| value + 5.0 * deviation, &|value| value * 2.0];
        for (worse, change) in self.worse.iter_mut().zip(changes) {
            let case = Case {
                before: before.iter().copied().map(Some).collect(),
                after: after.iter().map(|value| Some(change(*value))).collect(),
                direction: Direction::UpIsBad,
            };
            let began = Instant::now();
            *worse += usize::from(judge(&case).verdict == Verdict::Worse);
            self.nanoseconds += began.elapsed().as_nanos();
        }
    }

    fn print(&self, name: &str) {
        let share = |count: usize| 100.0 * count as f64 / self.pairs.max(1) as f64;
        let [alarms, moved, doubled] = self.worse;
        println!(
            "{name:<40} {:>6} pairs   false {:>5.2} %   5 deviations {:>6.2} %   doubled {:>6.2} %   {:>6.1} µs",
            self.pairs,
            share(alarms),
            share(moved),
            share(doubled),
            self.nanoseconds as f64 / 3000.0 / self.pairs.max(1) as f64
        );
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "csv") {
            found.push(path);
        }
    }
}

fn main() {
    for memory in [0.0, 0.3, 0.6, 0.9] {
        let (mut dice, mut tally) = (Dice(7), Tally::default());
        for pair in 0..PAIRS {
            let (before, after) = WINDOWS[pair % WINDOWS.len()];
            let series = dice.series(memory, before + after);
            tally.count(&series[..before], &series[before..]);
        }
        tally.print(&format!("autoregressive, {memory}"));
    }
    for memory in [0.3, 0.6, 0.9] {
        let (mut dice, mut alarmed) = (Dice(11), 0);
        for turn in 0..FAMILIES {
            let (before, after) = WINDOWS[turn % WINDOWS.len()];
            let mut cases = Vec::with_capacity(FAMILY);
            for _ in 0..FAMILY {
                let series = dice.series(memory, before + after);
                let [before, after] = [&series[..before], &series[before..]]
                    .map(|window| window.iter().copied().map(Some).collect::<Vec<_>>());
                cases.push(Case { before, after, direction: Direction::UpIsBad });
            }
            alarmed += usize::from(family(&cases).iter().any(|one| one.verdict == Verdict::Worse));
        }
        let share = 100.0 * alarmed as f64 / FAMILIES as f64;
        println!("{FAMILY} probes together, {memory}: {alarmed} of {FAMILIES} alarm, {share:.2} %");
    }
    let Some(directory) = std::env::var_os("FLIGHTDECK_SERIES") else { return };
    let mut found = Vec::new();
    files(Path::new(&directory), &mut found);
    found.sort();
    let (mut dice, mut all) = (Dice(7), Tally::default());
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let series: Vec<f64> =
            text.lines().filter_map(|line| line.rsplit(',').next()?.parse().ok()).collect();
        let mut tally = Tally::default();
        for place in 0..PLACES {
            let (before, after) = WINDOWS[place % WINDOWS.len()];
            let Some(room) = series.len().checked_sub(before + after) else { continue };
            let at = (dice.next() * room as f64) as usize;
            tally.count(&series[at..at + before], &series[at + before..at + before + after]);
        }
        tally.print(&path.file_stem().unwrap_or_default().to_string_lossy());
        all.pairs += tally.pairs;
        all.nanoseconds += tally.nanoseconds;
        for (sum, worse) in all.worse.iter_mut().zip(tally.worse) {
            *sum += worse;
        }
    }
    all.print("all recorded series");
}
