//! Configurations to copy: a whole one for each common way to deploy, and probes of each kind of source.

/// Name of each sample, what it is for, and its text.
pub const ALL: [Sample; 12] = [
    Sample {
        name: "script",
        about: "plain scripts, with a rollback option of their own, a secret and a freeze",
        text: include_str!("../../assets/samples/script.toml"),
    },
    Sample {
        name: "kubectl",
        about: "Kubernetes: rollouts, and a canary by the weight of an ingress",
        text: include_str!("../../assets/samples/kubectl.toml"),
    },
    Sample {
        name: "aws-target-groups",
        about: "AWS load balancers: a canary by weights, blue-green by switching",
        text: include_str!("../../assets/samples/aws-target-groups.toml"),
    },
    Sample {
        name: "kamal",
        about: "containers on hosts of your own, deployed over ssh with Kamal",
        text: include_str!("../../assets/samples/kamal.toml"),
    },
    Sample {
        name: "pipeline",
        about: "a CI pipeline that deploys, started and followed by commands of your own",
        text: include_str!("../../assets/samples/pipeline.toml"),
    },
    Sample {
        name: "http",
        about: "probes over HTTP: a service, a number in its answer, a status page, this machine's network",
        text: include_str!("../../assets/samples/http.toml"),
    },
    Sample {
        name: "command",
        about: "probes that run a command",
        text: include_str!("../../assets/samples/command.toml"),
    },
    Sample {
        name: "prometheus",
        about: "probes of a Prometheus, or of what speaks its protocol",
        text: include_str!("../../assets/samples/prometheus.toml"),
    },
    Sample {
        name: "alertmanager",
        about: "probes of an Alertmanager: alerts that have to be gone",
        text: include_str!("../../assets/samples/alertmanager.toml"),
    },
    Sample {
        name: "datadog",
        about: "probes of Datadog: a query of metrics, a monitor",
        text: include_str!("../../assets/samples/datadog.toml"),
    },
    Sample {
        name: "postgres",
        about: "probes of a PostgreSQL: its connections, and numbers from queries",
        text: include_str!("../../assets/samples/postgres.toml"),
    },
    Sample {
        name: "machine",
        about: "probes of this machine: disk, memory, processors, load",
        text: include_str!("../../assets/samples/machine.toml"),
    },
];

/// A configuration to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Name: `kubectl`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Its text, which is a `flightdeck.toml` by itself.
    pub text: &'static str,
}

/// The sample of a name.
pub fn find(name: &str) -> Option<&'static Sample> {
    ALL.iter().find(|sample| sample.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::parse;
    use crate::config::trust::what_would_run;
    use crate::config::types::SourceKind;
    use crate::deploy::{Resolved, deploy};
    use crate::incident::Policy;

    #[test]
    fn every_sample_is_right_and_each_of_its_deploys_can_be_planned() {
        for sample in ALL {
            let config = parse(sample.text.as_bytes()).unwrap_or_else(|bad| panic!("{}: {bad}", sample.name));
            assert!(!(config.environments.is_empty() && config.probes.is_empty()), "{}", sample.name);
            for item in what_would_run(&config) {
                let program = item.line.split(' ').next().unwrap_or_default();
                let is_shell =
                    ["sh", "bash", "zsh", "dash"].contains(&program.rsplit('/').next().unwrap_or_default());
                assert!(!is_shell, "{}: {} is a shell", sample.name, item.line);
            }
            let what = Resolved {
                reference: "v1.2.4".to_owned(),
                commit: "4f2c91e0000000000000000000000000000000ab".to_owned(),
                root: "/repo".to_owned(),
                ..Resolved::default()
            };
            for env in &config.environments {
                let live = env.blue_green.as_ref().map(|sides| sides.sides[0].as_str());
                let plan = deploy(&config, &Policy::built_in(), "x", &env.name, &what, live).unwrap();
                let words = plan.steps.iter().map(|step| step.action.line()).collect::<String>();
                for left in ["{ref}", "{commit}", "{env}", "{weight}", "{side}"] {
                    assert!(!words.contains(left), "{}: {left} in {words}", sample.name);
                }
            }
        }
    }

    #[test]
    fn there_is_one_for_each_source_whose_probes_are_all_of_it() {
        for kind in SourceKind::ALL {
            let name = if kind == SourceKind::Http { "http" } else { kind.key() };
            let sample = find(name).unwrap_or_else(|| panic!("no sample {name}"));
            let config = parse(sample.text.as_bytes()).unwrap();
            assert!(config.probes.iter().all(|probe| probe.source.kind() == kind), "{name}");
            for probe in &config.probes {
                crate::health::rules::Rules::of(probe).unwrap_or_else(|bad| panic!("{}: {bad}", probe.name));
            }
        }
    }

    #[test]
    fn together_they_show_every_way() {
        let all: Vec<_> = ALL.iter().map(|sample| parse(sample.text.as_bytes()).unwrap()).collect();
        let any = |has: fn(&crate::config::types::Environment) -> bool| {
            all.iter().flat_map(|config| &config.environments).any(has)
        };
        assert!(any(|env| env.canary.is_some()) && any(|env| env.blue_green.is_some()));
        assert!(any(|env| !env.rollbacks.is_empty()) && any(|env| !env.history.is_empty()));
        assert!(all.iter().any(|config| !config.secrets.is_empty() && !config.freezes.is_empty()));
        assert_eq!(find("kubectl").map(|sample| sample.name), Some("kubectl"));
        assert_eq!(find("helm"), None);
    }
}
