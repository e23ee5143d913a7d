//! Reads how busy this machine is: processors, memory, a disk, the queue of the processors. Touches the system;
//! imported by the runner. What differs between systems is in `sysinfo`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, System};

use super::answer::{Answer, Trouble};
use super::decimal::Decimal;
use super::instant::Measured;
use crate::config::types::Gauge;
use crate::failure::Fault;

/// How long processors are looked at.
const WHILE: Duration = Duration::from_millis(500);

/// Reads a gauge: percent, and of the load the processes that wait or run a processor. `path` says whose
/// disk.
pub(super) async fn ask(gauge: Gauge, path: PathBuf, timeout: Duration) -> Result<Answer, Trouble> {
    let started = Instant::now();
    let read = async {
        match gauge {
            Gauge::Cpu => cpu().await,
            Gauge::Memory => memory(),
            // A disk that is far may never answer.
            Gauge::Disk => {
                let looked = tokio::task::spawn_blocking(move || disk(&path)).await;
                looked.unwrap_or_else(|error| Err(error.to_string()))
            }
            Gauge::Load => load(),
        }
    };
    let late = |_| Err(format!("the {} was not read in time", gauge.name()));
    let read = tokio::time::timeout(timeout, read).await.unwrap_or_else(late);
    let number = read.map_err(|why| Trouble::new(Fault::Lost, why))?;
    let written = format!("{number:.2}");
    let number = Decimal::parse(&written).ok_or_else(|| Trouble::new(Fault::Lost, "it reads no number"))?;
    Ok(Answer {
        latency: started.elapsed(),
        measured: Some(Measured::Number(number, written)),
        ..Answer::default()
    })
}

/// The share of time in which processors worked, of all of them.
async fn cpu() -> Result<f64, String> {
    let mut system = System::new();
    system.refresh_cpu_usage();
    tokio::time::sleep(WHILE.max(MINIMUM_CPU_UPDATE_INTERVAL)).await;
    system.refresh_cpu_usage();
    if system.cpus().is_empty() {
        return Err("this system does not say how busy its processors are".to_owned());
    }
    Ok(f64::from(system.global_cpu_usage()))
}

/// The share of memory that nothing can be given from, of that of the container where there is one.
fn memory() -> Result<f64, String> {
    let mut system = System::new();
    system.refresh_memory();
    let (total, free) = match system.cgroup_limits() {
        // What it has cached of files counts as free, as on the machine itself.
        Some(limits) if limits.total_memory < system.total_memory() => {
            (limits.total_memory, limits.total_memory.saturating_sub(limits.rss))
        }
        _ => (system.total_memory(), system.available_memory()),
    };
    if total == 0 {
        return Err("this system does not say how much memory it has".to_owned());
    }
    Ok(100.0 * (1.0 - free.min(total) as f64 / total as f64))
}

/// The share of a disk that is taken, as `df` says it: of what a user can take.
fn disk(path: &Path) -> Result<f64, String> {
    let place = crate::text::visible(&path.to_string_lossy()).into_owned();
    let stat = rustix::fs::statvfs(path).map_err(|error| format!("{place} cannot be looked at: {error}"))?;
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    match used + stat.f_bavail {
        0 => Err(format!("{place} is on no disk with blocks")),
        all => Ok(100.0 * used as f64 / all as f64),
    }
}

/// Processes that run or wait for a processor, on the mean of a minute, a processor.
fn load() -> Result<f64, String> {
    let load = System::load_average().one;
    let processors = std::thread::available_parallelism().map_err(|error| error.to_string())?;
    Ok(load / processors.get() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(gauge: Gauge, path: &str) -> Result<f64, Trouble> {
        match ask(gauge, PathBuf::from(path), Duration::from_secs(20)).await?.measured {
            Some(Measured::Number(number, _)) => Ok(number.to_f64().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn every_gauge_reads_something_that_can_be() {
        for gauge in [Gauge::Cpu, Gauge::Memory, Gauge::Disk] {
            let percent = read(gauge, "/").await.unwrap();
            assert!((0.0..=100.0).contains(&percent), "{gauge:?} {percent}");
        }
        assert!(read(Gauge::Memory, "/").await.unwrap() > 0.0);
        assert!(read(Gauge::Load, "/").await.unwrap() >= 0.0);
        let trouble = read(Gauge::Disk, "/no/such/place").await.unwrap_err();
        assert!(trouble.why.contains("/no/such/place cannot be looked at"), "{}", trouble.why);
    }
}
