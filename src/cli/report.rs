//! `flightdeck report`: writes the incident report.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::End;
use super::args::WorldArgs;
use super::carry::carry;
use super::context::{Context, Loaded, Wanted};
use crate::config::dirs::private_file;
use crate::drill::place::Place;
use crate::failure::{Failure, Result};
use crate::incident::{ReportSaved, State, Status};
use crate::plan::{ReportText, Request};
use crate::report;

/// Write the incident report, as Markdown or as an HTML page
///
/// An account for people first, the record as appendix. It says what is on record and names what is missing. The
/// same record always gives the same report, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck report --out INC-2026-0007.md
  flightdeck report --out INC-2026-0007.html   a page to print
  flightdeck report --branch incident-reports  committed there, as a plan")]
pub(crate) struct Args {
    /// The file to write it to, in place of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Write an HTML page to print; the same as --out FILE.html
    #[arg(long)]
    pub(crate) html: bool,

    /// Commit it to this branch, as a plan: --out names the file in it, incidents/NUMBER.md unless named
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,

    #[command(flatten)]
    world: WorldArgs,
}

impl Args {
    /// What is about a plan means nothing where none is made.
    fn require_branch(&self) -> Result<()> {
        let WorldArgs { dry_run, verbose, confirm, pass_over, reason, propose, detach, json } = &self.world;
        let any = *dry_run || *verbose || *propose || *detach || *json;
        if self.branch.is_none() && (any || confirm.is_some() || !pass_over.is_empty() || !reason.is_empty())
        {
            let hint = "add --branch NAME, or drop the plan options";
            return Err(Failure::usage("writing the report", "a plan is made only with --branch", hint));
        }
        Ok(())
    }
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    args.require_branch()?;
    let mut loaded = cx.load_to_read(Wanted::Last)?;
    // A configuration with a mistake in it must not hide the record.
    let (setup, mistake) = cx.setup_or_found();
    if let Some(failure) = &mistake {
        cx.out.failure(failure);
    }
    let state = State { number: loaded.number.clone(), ..loaded.state().clone() };
    let checklist = setup.checklist();
    let probes = &setup.config.probes;
    let drill = cx.root().is_ok_and(|root| Place::is_played(root, &cx.state_dir));
    let setting = report::Setting { policy: &setup.policy, checklist: &checklist, probes, drill };
    let markdown = report::markdown(&state, setting);
    let is_page = args.html || args.out.as_deref().is_some_and(is_html);
    let text = if is_page { report::html(&markdown) } else { markdown };
    if let Some(branch) = &args.branch {
        let ending = if is_page { "html" } else { "md" };
        let usual = || PathBuf::from(format!("incidents/{}.{ending}", loaded.number));
        let path = args.out.clone().unwrap_or_else(usual).to_string_lossy().into_owned();
        let (number, title) = (loaded.number.clone(), state.title.clone());
        let wanted = ReportText { branch: branch.clone(), path, number, title, text };
        drop(loaded);
        return carry(cx, &setup.config, &Request::Report(wanted), &args.world);
    }
    match &args.out {
        None => cx.out.lines(&text)?,
        Some(path) => {
            write(path, &text)?;
            cx.out.tell(&format!("{} written to {}", loaded.number, path.display()));
            // What is missing is in the report; how it is filled concerns nobody whom that is sent to.
            for gap in report::gaps(&state) {
                cx.out.tell(&format!("▲ not written yet: {} ({})", gap.what, gap.verb));
            }
            record(cx, &mut loaded, path);
        }
    }
    Ok(End::Done)
}

/// Tells by its name whether a file is an HTML page.
fn is_html(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ["html", "htm"].contains(&ending.as_str()))
}

/// Writes down that the report was saved, unless the incident is closed. The file is there either way.
fn record(cx: &Context, loaded: &mut Loaded, path: &Path) {
    let Some(file) = path.file_name().filter(|_| path.is_file()) else { return };
    if loaded.state().status == Status::Closed {
        return;
    }
    let saved = ReportSaved { file: file.to_string_lossy().into_owned() };
    let done = cx.user().and_then(|_| loaded.append(None, cx.now(), saved));
    if let Err(failure) = done {
        cx.out.tell(&format!("▲ the record does not say that it was saved: {}", failure.cause));
    }
}

/// Writes the file through one beside it, so that an old report is there until the new one is
/// whole. A link is written through, not replaced.
fn write(path: &Path, text: &str) -> Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let failed = |error: std::io::Error| {
        Failure::new(
            format!("writing the report to {}", path.display()),
            error,
            "name another file with --out, or leave it out to print the report",
        )
    };
    if path.exists() && !path.is_file() {
        // A pipe or a device has nothing that could be lost.
        return std::fs::write(&path, text).map_err(failed);
    }
    let mut beside = path.clone().into_os_string();
    beside.push(format!(".{}.part", std::process::id()));
    // Made anew, never through something that somebody put there.
    // It holds the record: readable by its owner only.
    let written = private_file(Path::new(&beside))
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, &path));
    written.map_err(|error| {
        // What is left of the attempt; there may be nothing.
        let _ = std::fs::remove_file(&beside);
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_report_replaces_the_one_before_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.md");
        write(&path, "one\n").unwrap();
        write(&path, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn where_it_cannot_be_written_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let failure = write(&dir.path().join("missing/report.md"), "x").unwrap_err();
        assert!(failure.doing.contains("missing/report.md"));
        let failure = write(dir.path(), "x").unwrap_err();
        assert!(!failure.cause.is_empty());
    }
}
