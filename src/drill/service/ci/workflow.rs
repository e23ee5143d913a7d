//! Reads a workflow as far as those of a drill go: its inputs, its jobs in order, and what they run. Pure.

use std::collections::BTreeMap;

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Workflow {
    /// The inputs that it takes. All are required.
    pub(super) inputs: Vec<String>,
    /// Its jobs. Each needs the one before.
    pub(super) jobs: Vec<Planned>,
}

/// A job as the workflow has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Planned {
    /// Its name.
    pub(super) name: String,
    /// The environment it deploys to; empty: none.
    pub(super) environment: String,
    /// What it does, in order.
    pub(super) steps: Vec<Does>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Does {
    /// Uses an action.
    Use(String),
    /// Runs a line of a shell.
    Run(String),
}

impl Does {
    /// What its step is called.
    pub(super) fn title(&self) -> String {
        let (Self::Use(text) | Self::Run(text)) = self;
        format!("Run {text}")
    }
}

impl Workflow {
    /// Reads a workflow. What it does not know it leaves out.
    pub(super) fn read(text: &str) -> Self {
        let mut found = Self::default();
        let (mut section, mut key) = ("", "");
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let (name, value) = trimmed.split_once(':').map_or((trimmed, ""), |(n, v)| (n.trim(), v.trim()));
            match (section, indent) {
                (_, 0) => section = name,
                ("on", 4) => key = name,
                ("on", 6) if key == "inputs" => found.inputs.push(name.to_owned()),
                ("jobs", 2) => found.jobs.push(Planned { name: name.to_owned(), ..Planned::default() }),
                ("jobs", 4) if name == "environment" => {
                    if let Some(job) = found.jobs.last_mut() {
                        value.clone_into(&mut job.environment);
                    }
                }
                ("jobs", 6) => {
                    let does = match (name, value) {
                        ("- uses", action) => Does::Use(action.to_owned()),
                        ("- run", line) => Does::Run(line.to_owned()),
                        _ => continue,
                    };
                    found.jobs.last_mut().into_iter().for_each(|job| job.steps.push(does.clone()));
                }
                _ => {}
            }
        }
        found
    }

    /// The same with its expressions filled in: the inputs, and the branch or tag that it runs on.
    pub(super) fn filled(mut self, inputs: &BTreeMap<String, String>, reference: &str) -> Self {
        let fill = |text: &mut String| {
            for (name, value) in inputs {
                *text = text.replace(&format!("${{{{ inputs.{name} }}}}"), value);
            }
            *text = text.replace("${{ github.ref_name }}", reference);
        };
        for job in &mut self.jobs {
            fill(&mut job.environment);
            for does in &mut job.steps {
                let (Does::Use(text) | Does::Run(text)) = does;
                fill(text);
            }
        }
        self
    }
}

/// Tells whether a text can stand in a line of a shell as it is.
pub(super) fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/".contains(&b);
    !text.is_empty() && !text.starts_with('-') && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOY: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/drill/pipeline/files/.github/workflows/deploy.yml"
    ));

    #[test]
    fn the_workflow_of_the_drill_is_read_whole_and_filled_in() {
        let read = Workflow::read(DEPLOY);
        assert_eq!(read.inputs, ["environment", "sha"]);
        let inputs = BTreeMap::from([
            ("environment".to_owned(), "production".to_owned()),
            ("sha".to_owned(), "1234".to_owned()),
        ]);
        let jobs = read.filled(&inputs, "v1.4.3").jobs;
        let named: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.environment.as_str())).collect();
        assert_eq!(named, [("build", ""), ("deploy", "production")]);
        assert_eq!(jobs[1].steps.last().unwrap().title(), "Run ./deploy.sh v1.4.3 production");
        let left = jobs.iter().flat_map(|job| &job.steps).any(|does| does.title().contains("${{"));
        assert!(!left, "{jobs:?}");
    }

    #[test]
    fn what_would_be_more_than_a_word_in_a_shell_is_not_plain() {
        for text in ["hotfix/no-card", "v1.4.3", "production"] {
            assert!(is_plain(text), "{text}");
        }
        for text in ["", "-x", "a b", "$(id)", "a;b", "a\nb", "'"] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
