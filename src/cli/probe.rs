//! `flightdeck probe`: asks every probe once.

use std::fmt::Write as _;

use serde::Serialize;

use super::End;
use super::context::Context;
use crate::conductor::{end_with_us, keyring};
use crate::config::types::Probe;
use crate::failure::{Failure, Result};
use crate::health::rules::Rules;
use crate::health::runner::{Asked, once};
use crate::health::series;
use crate::health::vigil::called;
use crate::runtime;
use crate::text::address::without_credentials;
use crate::text::mask::Masker;
use crate::text::{nearest, visible};

/// Ask every probe once, or those named, and show what was compared
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names of probes; all if none is given
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A probe as `--json` prints it.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    environment: &'a str,
    /// What was asked: `GET https://…`, without credentials.
    asked: String,
    /// In the words of `status --json`, as far as one sample can tell.
    state: &'static str,
    value: Option<f64>,
    unit: Option<&'a str>,
    limit: Option<String>,
    /// `200`, `exit 1`, `refused`.
    headline: &'a str,
    latency_ms: Option<f64>,
    /// How long its parts took, where it is one request over HTTP.
    phases_ms: Option<Phases>,
    /// What the answer names as its version.
    version: Option<&'a str>,
    /// Why it is not good; `null` when it is.
    why: Option<&'a str>,
    /// The alerts that fire, in words.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    alerts: &'a [String],
    compared: Vec<Compared<'a>>,
    at: String,
}

/// How long the parts of an answer took, in milliseconds.
#[derive(Serialize)]
struct Phases {
    resolve: f64,
    connect: f64,
    tls: f64,
    first_byte: f64,
    body: f64,
}

impl From<series::Phases> for Phases {
    fn from(took: series::Phases) -> Self {
        let [(_, resolve), (_, connect), (_, tls), (_, first_byte), (_, body)] = took.each();
        Self { resolve, connect, tls, first_byte, body }
    }
}

/// A condition or limit as it was compared.
#[derive(Serialize)]
struct Compared<'a> {
    result: &'static str,
    text: &'a str,
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let config = cx.trusted_config()?.config;
    let probes = pick(&config.probes, &args.names)?;
    let root = cx.root()?;
    let keyring = keyring(&config, root);
    // What secrets are fetched with does not outlive this, however it ends.
    if cx.assistant.is_none() {
        runtime::on_signal(end_with_us)?;
    }
    let asked = cx.block_on(once(&probes, root, &keyring))?;
    let masker = keyring.masker();
    let rows: Vec<_> = probes.iter().zip(&asked).map(|(probe, asked)| row(probe, asked, &masker)).collect();
    if args.json {
        cx.out.json(&rows)?;
    } else if rows.is_empty() {
        cx.out.tell("no probes are configured; add [[probes]] to flightdeck.toml");
    } else {
        cx.out.lines(&table(&rows))?;
    }
    Ok(End::Done)
}

/// The probes that are meant, in the order of the configuration.
fn pick(all: &[Probe], names: &[String]) -> Result<Vec<Probe>> {
    for name in names {
        if !all.iter().any(|probe| probe.name == *name) {
            let known: Vec<_> = all.iter().map(|probe| probe.name.as_str()).collect();
            let hint = match nearest(name, &known) {
                Some(near) => format!("did you mean {near:?}?"),
                None if all.is_empty() => "add [[probes]] to flightdeck.toml".to_owned(),
                None => format!("one of: {}", known.join(", ")),
            };
            return Err(Failure::usage("running the probes", format!("unknown probe {name:?}"), hint));
        }
    }
    let is_meant = |probe: &&Probe| names.is_empty() || names.contains(&probe.name);
    Ok(all.iter().filter(is_meant).cloned().collect())
}

fn row<'a>(probe: &'a Probe, asked: &'a Asked, masker: &Masker) -> Row<'a> {
    let rules = Rules::of(probe).ok();
    let sample = &asked.sample;
    let unit = rules.as_ref().map(|rules| rules.unit(probe)).filter(|unit| !unit.is_empty());
    let question = probe.source.to_string();
    let question = visible(&masker.mask(&without_credentials(&question))).into_owned();
    let compared = asked.compared.iter().map(|c| Compared { result: c.truth.name(), text: &c.text });
    Row {
        name: &probe.name,
        environment: &probe.environment,
        asked: question,
        state: asked.state.name(),
        value: sample.value,
        unit,
        limit: rules.as_ref().and_then(Rules::limit).map(ToString::to_string),
        headline: &sample.headline,
        latency_ms: sample.latency_ms,
        phases_ms: sample.phases.map(Phases::from),
        version: called(&sample.versions),
        why: Some(sample.why.as_str()).filter(|why| !why.is_empty()),
        alerts: &sample.rows,
        compared: compared.collect(),
        at: format!("{:.3}", sample.at),
    }
}

/// One line a probe, and below it what was compared, or why there was nothing to compare.
fn table(rows: &[Row<'_>]) -> String {
    let widest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let glyph = match row.state {
            "ok" => '✓',
            "warn" => '▲',
            "unknown" => '?',
            _ => '✗',
        };
        let value = row.value.map(|value| shown(value, row.unit)).unwrap_or_default();
        let line = format!("{glyph} {:<widest$}  {:<8} {:<14} {value}", row.name, row.state, row.headline);
        let _ = writeln!(text, "{}\n    {}", line.trim_end(), row.asked);
        for compared in &row.compared {
            let glyph = match compared.result {
                "holds" => '✓',
                "fails" => '✗',
                _ => '?',
            };
            let _ = writeln!(text, "    {glyph} {}", compared.text);
        }
        if let Some(why) = row.why
            && !row.compared.iter().any(|compared| compared.text == why)
        {
            let _ = writeln!(text, "    {why}");
        }
        for alert in row.alerts {
            let _ = writeln!(text, "    - {alert}");
        }
    }
    text
}

/// A value with as many digits as are worth reading.
fn shown(value: f64, unit: Option<&str>) -> String {
    let number = if value.abs() >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match unit {
        Some(unit) => format!("{number} {unit}"),
        None => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::Source;
    use crate::failure::FailureKind;
    use crate::health::keyring::Keyring;

    fn probe(name: &str, command: &[&str]) -> Probe {
        let command: Vec<_> = command.iter().map(|&word| word.to_owned()).collect();
        Probe {
            source: Source::Command { argv: command, env: Vec::new() },
            value: Some("body.rate".to_owned()),
            fail: Some("> 5".to_owned()),
            unit: "%".to_owned(),
            ..toml::from_str(&format!("name = {name:?}\ncommand = [\"true\"]")).unwrap()
        }
    }

    #[test]
    fn named_probes_are_picked_and_others_refused() {
        let all = [probe("api", &["true"]), probe("db", &["true"])];
        let names = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|&name| name.to_owned()).collect();
            let picked = pick(&all, &wanted)?;
            Ok::<_, Failure>(picked.into_iter().map(|probe| probe.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["api", "db"]);
        assert_eq!(names(&["db"]).unwrap(), ["db"]);
        let failure = names(&["apj"]).unwrap_err();
        assert_eq!((failure.kind, failure.hint.as_str()), (FailureKind::Usage, "did you mean \"api\"?"));
        assert!(names(&["kubernetes"]).unwrap_err().hint.contains("api, db"));
    }

    #[test]
    fn a_row_says_state_value_and_what_was_compared() {
        let probes =
            [probe("rate", &["echo", "{\"rate\": 38.1}"]), probe("gone", &["no-such-program-anywhere"])];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = runtime.block_on(once(&probes, std::path::Path::new("/"), &Keyring::default()));
        let rows: Vec<_> =
            probes.iter().zip(&asked).map(|(probe, asked)| row(probe, asked, &Masker::default())).collect();
        assert_eq!(
            table(&rows),
            "✗ rate  failing  exit 0         38.1 %\n    echo '{\"rate\": 38.1}'\n    ✓ exit 0, expected 0\n    ✗ 38.1 % (max 5 %)\n\
             ? gone  unknown  did not start\n    no-such-program-anywhere\n    `no-such-program-anywhere` did not start: no such program\n"
        );
        let json = serde_json::to_value(&rows[0]).unwrap();
        assert_eq!(json["state"], "failing");
        assert_eq!(json["value"], 38.1);
        assert_eq!(json["compared"][1]["result"], "fails");
        assert_eq!(serde_json::to_value(&rows[1]).unwrap()["value"], serde_json::Value::Null);
    }

    #[test]
    fn values_are_short() {
        assert_eq!(shown(0.5, None), "0.5");
        assert_eq!(shown(212.4, Some("ms")), "212 ms");
        assert_eq!(shown(38.126, Some("%")), "38.13 %");
        assert_eq!(shown(7.0, None), "7");
    }
}
