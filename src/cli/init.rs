//! `flightdeck init`: looks at the repository and writes a configuration.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use super::End;
use super::context::Context;
use crate::config::detect::{self, Found};
use crate::config::samples::{self, Sample};
use crate::config::{draft, load};
use crate::failure::{Failure, Result};
use crate::hotfix::git::Reader;
use crate::text::visible;

/// Look at this repository and write a commented flightdeck.toml
///
/// With --sample, a complete one for a common way to deploy is written instead, to put your own
/// names in. The samples are: script, kubectl, aws-target-groups, kamal, pipeline; and of probes: http, command, prometheus,
/// alertmanager, datadog, postgres, machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print it instead of writing it
    #[arg(long)]
    pub(crate) print: bool,

    /// A sample to copy: script, kubectl, aws-target-groups, kamal or pipeline; of probes: http, command, prometheus,
    /// alertmanager, datadog, postgres or machine
    #[arg(long, value_name = "NAME", value_parser = sample)]
    pub(crate) sample: Option<Sample>,
}

fn sample(name: &str) -> std::result::Result<Sample, String> {
    samples::find(name).copied().ok_or_else(|| {
        let all = samples::ALL.iter().map(|sample| format!("\n  {:<18} {}", sample.name, sample.about));
        format!("no such sample; the samples are:{}", all.collect::<String>())
    })
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    if let (Some(sample), true) = (args.sample, args.print) {
        // A sample needs no repository to be looked at.
        cx.out.lines(sample.text)?;
        return Ok(End::Done);
    }
    let root = cx.root()?;
    let mut reader = Reader::open(root).map_err(|none| none.failure(&root.to_string_lossy()))?;
    let found = detect::look(root, &reader.habits());
    let content = args.sample.map_or_else(|| draft::write(&found), |sample| sample.text.to_owned());
    if args.print {
        cx.out.lines(&content)?;
        return Ok(End::Done);
    }
    let path = root.join(load::FILE);
    // Whatever is there stays, even a link that leads nowhere.
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(refused)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(refused)?;
    cx.out.line(&format!("wrote {}", path.display()))?;
    if let Some(sample) = args.sample {
        cx.out.line(&format!("  the sample {}: {}; put your own names in", sample.name, sample.about))?;
    } else {
        for line in recognised(&found) {
            cx.out.line(&format!("  {line}"))?;
        }
    }
    cx.out.line("read it, then: flightdeck trust")?;
    Ok(End::Done)
}

fn refused(error: std::io::Error) -> Failure {
    let doing = "writing flightdeck.toml";
    if error.kind() == ErrorKind::AlreadyExists {
        return Failure::usage(
            doing,
            "there is one here already, and it is never overwritten",
            "flightdeck config check checks it; flightdeck init --print shows what would be written",
        );
    }
    Failure::new(doing, error, "make the root of the repository writable, or use flightdeck init --print")
}

/// What was recognised, one line each.
fn recognised(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    match found.names.as_slice() {
        [] => {}
        [named] => lines.push(format!("name    {} (from {})", named.name, named.from)),
        several => {
            let says = several.iter().map(|named| format!("{} says {}", named.from, named.name));
            lines.push(format!("name    {}: choose one", says.collect::<Vec<_>>().join(", ")));
        }
    }
    if let Some(flow) = found.flow {
        let base = found.base.as_deref().map(|base| format!(" on {base}")).unwrap_or_default();
        lines.push(format!("flow    {}{base} ({})", flow.name(), visible(&found.flow_from)));
    }
    if !found.hotfix.versions.is_empty() {
        lines.push(format!("version {}", found.hotfix.versions.join(", ")));
    }
    for check in &found.checks {
        lines.push(format!("test    {}  (from {})", shell_words::join(&check.argv), check.from));
    }
    for more in found.make_more.iter().chain(&found.ci) {
        let line = shell_words::join(&more.argv);
        lines.push(format!("test    {line}  (from {}), as an example", more.from));
    }
    for (what, script) in [("deploy", &found.deploy), ("smoke", &found.smoke)] {
        match script {
            Some(script) if script.arguments.is_some() => {
                lines.push(format!("{what:<7} {}", shell_words::join(script.argv(&[]))));
            }
            Some(script) => lines.push(format!(
                "{what:<7} {} is there, but its arguments are not clear: fill them in",
                script.from
            )),
            None => {}
        }
    }
    if let Some(workflow) = found.workflow.as_ref().filter(|_| found.deploy.is_none()) {
        let more = if workflow.is_sure() { "" } else { ", as an example: fill in its inputs" };
        let what =
            if workflow.gitlab { "pipeline of GitLab" } else { &*format!("workflow {}", workflow.file) };
        let by = if workflow.pushed { ", which a push starts" } else { "" };
        lines.push(format!("deploy  {what} (from {}){by}{more}", workflow.from));
    }
    for workflow in &found.workflows {
        let from = &workflow.from;
        lines
            .push(format!("deploy  workflow {} (from {from}) may deploy, too: as an example", workflow.file));
    }
    if let Some(platform) = &found.platform {
        let (name, from, sample) = (platform.name(), platform.from(), platform.sample());
        lines.push(format!("deploy  {name} (from {from}), as an example; more in the sample {sample}"));
    }
    if let Some(health) = &found.health {
        lines.push(format!("probe   {} (from {}), as an example", health.url, health.from));
    }
    if let Some((keeper, from)) = &found.gitops {
        lines.push(format!("gitops  {keeper} (from {from}), as an example"));
    }
    if lines.is_empty() {
        lines.push("nothing was recognised: every part is there as an example".to_owned());
    }
    lines
}
