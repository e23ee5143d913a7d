//! The deployed application: which release it is, and what it makes of orders.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::answer::Figures;
use super::flags;

/// A batch that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(4);

/// More output than this is cut off; a minute has about 12 kB, and the past is made of 16.
const MOST: u64 = 256 * 1024;

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) directory: PathBuf,
    pub(super) version: String,
    pub(super) commit: String,
}

impl Release {
    /// The release that is current in the directory of an environment, if any is.
    pub(super) fn current(root: &Path) -> Option<Self> {
        Self::at(&root.join("current"))
    }

    /// The release that waits beside the current one or takes a share of the orders, and that
    /// share in percent.
    pub(super) fn canary(root: &Path) -> Option<(Self, u8)> {
        let weight = std::fs::read_to_string(root.join("weight")).ok()?;
        let weight = weight.trim().parse().ok().filter(|weight| *weight <= 100)?;
        Some((Self::at(&root.join("canary"))?, weight))
    }

    /// The release in a directory, or in what a link points to.
    pub(super) fn at(link: &Path) -> Option<Self> {
        let directory = link.canonicalize().ok()?;
        let commit = directory.file_name()?.to_str()?.to_owned();
        let version = std::fs::read_to_string(directory.join("VERSION")).ok()?;
        let version = version.lines().next().unwrap_or_default().chars().take(40).collect();
        Some(Self { directory, version, commit })
    }

    /// Runs the application over orders, one line each, and returns what it made of each.
    /// What it did not answer, because it stopped or took too long, has failed.
    /// `flags_off` are the flags that are off, and `down` tells whether the payment provider is.
    pub(super) async fn price(&self, orders: &str, flags_off: &str, down: bool) -> Vec<Charged> {
        let provider = if down { "provider=down" } else { "provider=up" };
        self.price_with(orders, &["-v", &format!("flags_off={flags_off}"), "-v", provider]).await
    }

    /// The same as it was when the release came: with the database of that time, and a provider that is well.
    pub(super) async fn priced_then(&self, orders: &str, flags_off: &str) -> Vec<Charged> {
        self.price_with(orders, &["-v", &format!("flags_off={flags_off}"), "-v", "past=1"]).await
    }

    async fn price_with(&self, orders: &str, settings: &[&str]) -> Vec<Charged> {
        if orders.is_empty() {
            return Vec::new();
        }
        let output = tokio::time::timeout(DEADLINE, self.run(orders, settings)).await;
        let output = match output {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the application did not run");
                String::new()
            }
            Err(_) => String::new(),
        };
        let mut answers = output.lines().map(Charged::read);
        orders
            .lines()
            .map(|order| {
                let id = order.split('\t').next().unwrap_or_default();
                answers
                    .next()
                    .flatten()
                    .filter(|charged| charged.order == id)
                    .unwrap_or_else(|| Charged::nothing(id))
            })
            .collect()
    }

    async fn run(&self, orders: &str, settings: &[&str]) -> std::io::Result<String> {
        let mut child = Command::new("awk")
            .args(settings)
            .args(["-f", "app/checkout.awk"])
            .current_dir(&self.directory)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        // Both at once: a full pipe on one side would hold up the other for ever.
        let write = async {
            if let Some(mut input) = input {
                input.write_all(orders.as_bytes()).await.ok();
            }
        };
        let mut bytes = Vec::new();
        let read = async {
            match output {
                Some(output) => output.take(MOST).read_to_end(&mut bytes).await,
                None => Ok(0),
            }
        };
        let ((), read) = tokio::join!(write, read);
        read?;
        child.wait().await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// All that decides what becomes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployed {
    /// The release that is live.
    pub(super) current: Release,
    /// One that takes a share of the orders besides, and that share in percent.
    canary: Option<(Release, u8)>,
    flags_off: String,
    /// Whether the payment provider takes no charges; always false where there is none to ask.
    pub(super) provider_down: bool,
}

impl Deployed {
    /// What is deployed in the directory of an environment, if anything is.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let current = Release::current(root)?;
        let canary = Release::canary(root).filter(|(release, weight)| *weight > 0 && *release != current);
        Some(Self { current, canary, flags_off: flags::off(root), provider_down: false })
    }

    /// Runs the application over orders: what became of all of them, and of those that the
    /// newest release took.
    pub(super) async fn price(&self, orders: &str) -> (Vec<Charged>, Vec<Charged>) {
        let Some((canary, weight)) = &self.canary else {
            let charged = self.current.price(orders, &self.flags_off, self.provider_down).await;
            return (charged.clone(), charged);
        };
        let (mut old, mut new) = (String::new(), String::new());
        for (index, line) in orders.lines().enumerate() {
            let share = if takes(index as u64, *weight) { &mut new } else { &mut old };
            share.push_str(line);
            share.push('\n');
        }
        let (mut charged, newest) = tokio::join!(
            self.current.price(&old, &self.flags_off, self.provider_down),
            canary.price(&new, &self.flags_off, self.provider_down)
        );
        charged.extend(newest.iter().cloned());
        (charged, newest)
    }

    /// Runs the application over a single order.
    pub(super) async fn price_one(&self, order: &str, number: u64) -> Option<Charged> {
        let release = match &self.canary {
            Some((canary, weight)) if takes(number, *weight) => canary,
            _ => &self.current,
        };
        release.price(order, &self.flags_off, self.provider_down).await.pop()
    }

    /// The body of `/newest`.
    pub(super) fn newest(&self, figures: &Figures) -> Value {
        let (release, weight) =
            self.canary.as_ref().map_or((&self.current, 100), |(canary, weight)| (canary, *weight));
        json!({
            "version": release.version,
            "commit": release.commit,
            "weight": weight,
            "paid": figures.paid,
            "failed": figures.failed,
            "error_rate": figures.error_rate,
        })
    }
}

/// Whether an order is among those that a share takes: spread evenly over the minute.
fn takes(number: u64, weight: u8) -> bool {
    number * 37 % 100 < u64::from(weight)
}

/// What became of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Charged {
    /// Number of the order.
    pub(super) order: String,
    /// As in HTTP: 200 paid, 4xx refused, 5xx failed.
    pub(super) status: u16,
    /// What was charged.
    pub(super) cents: u64,
    /// How long it took, in milliseconds.
    pub(super) ms: u64,
    /// What the application said of it.
    pub(super) detail: String,
}

impl Charged {
    /// Reads a line that the application printed.
    fn read(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let order = fields.next()?.to_owned();
        let status = fields.next()?.parse().ok().filter(|status| (100..600).contains(status))?;
        let cents = fields.next()?.parse().ok()?;
        let ms = fields.next()?.parse().ok()?;
        let detail = fields.next().unwrap_or_default().chars().take(200).collect();
        Some(Self { order, status, cents, ms, detail })
    }

    fn nothing(order: &str) -> Self {
        let detail = "the application stopped before this order".to_owned();
        Self { order: order.to_owned(), status: 500, cents: 0, ms: 0, detail }
    }

    /// Whether it is the service's fault that it was not paid.
    pub(super) fn failed(&self) -> bool {
        self.status >= 500
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(program: &str) -> (tempfile::TempDir, Release) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("app")).unwrap();
        std::fs::write(dir.path().join("app/checkout.awk"), program).unwrap();
        let release =
            Release { directory: dir.path().to_path_buf(), version: "1.0.0".into(), commit: "0".repeat(40) };
        (dir, release)
    }

    #[tokio::test]
    async fn an_application_that_stops_halfway_fails_the_orders_it_did_not_answer() {
        let (_dir, release) = release("NR == 2 { exit 1 } { print $1 \"\\t200\\t100\\t5\\tpaid\" }");
        let charged = release.price("1\t-\n2\t-\n3\t-\n", "", false).await;
        let statuses: Vec<_> = charged.iter().map(|charged| charged.status).collect();
        assert_eq!(statuses, [200, 500, 500]);
    }

    #[tokio::test]
    async fn an_application_that_does_not_parse_or_prints_nonsense_fails_every_order() {
        for program in ["{", "{ print \"what?\" }", "{ print $1 \"\\t-1\\tx\\ty\" }"] {
            let (_dir, release) = release(program);
            let charged = release.price("1\t-\n2\t-\n", "", false).await;
            assert!(charged.iter().all(Charged::failed), "{program}: {charged:?}");
        }
    }
}
