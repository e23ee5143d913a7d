//! The configuration as it takes effect: what a file leaves out is filled in.

use super::types::Config;
use crate::failure::{Failure, Result};
use crate::incident::{PhaseChange, PhasePolicy, Policy, Severity, SeverityChange, SuspectsChange};
use crate::text::address::take_secrets;

/// What was found out about a repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Here {
    /// Its name.
    pub name: String,
    /// The branch in production.
    pub base: Option<String>,
    /// The remote that matters.
    pub remote: Option<String>,
}

/// Fills in what `config` leaves out: from the policy in force, and from what was found out about
/// the repository.
#[must_use]
pub fn with_defaults(mut config: Config, policy: &Policy, here: Here) -> Config {
    if config.service.name.is_empty() && super::check::unusable(&here.name).is_none() {
        config.service.name = here.name;
    }
    if config.hotfix.base.is_empty() {
        config.hotfix.base = here.base.unwrap_or_default();
    }
    if config.hotfix.remote.is_empty() {
        config.hotfix.remote = here.remote.unwrap_or_default();
    }
    if config.checklist.is_empty() {
        config.checklist.clone_from(&policy.checklist);
    }
    for severity in policy.ranks() {
        *config.policy.severity_mut(severity) = demands(policy, severity);
    }
    config.policy.at_once = Some(policy.at_once);
    config.policy.backlog = Some(policy.backlog.clone());
    config.policy.roles = Some(policy.roles.clone());
    config.policy.role.clear();
    config.policy.check.clear();
    config.policy.clocks = Some(policy.clocks.clone());
    config.policy.clock.clear();
    config.policy.audiences = Some(policy.audiences.clone());
    config.policy.audience.clear();
    config.policy.phase = policy.phases.iter().map(phase).collect();
    config.policy.culprits = Some(policy.culprits.clone());
    config.policy.culprit.clear();
    config.policy.questions = Some(policy.questions.clone());
    config.policy.question.clear();
    config.policy.rollback_steps = Some(policy.rollback_steps.clone());
    config.policy.rollback_step.clear();
    config.policy.gitops.clone_from(&policy.gitops);
    config.policy.approval_valid_for = Some(policy.approval_valid_for);
    config.policy.task_time = Some(policy.task_time);
    config.policy.objection_time = Some(policy.objection_time);
    config.policy.acknowledge_within = Some(policy.acknowledge_within);
    config.policy.immediate_watch = Some(policy.immediate_watch);
    config.policy.extended_watch = Some(policy.extended_watch);
    config.policy.gates = Some(policy.gates.clone());
    config.policy.rollback_gates = Some(policy.rollback_gates.clone());
    config.policy.rollback_watch = Some(policy.rollback_watch);
    config.policy.finish_gates = policy.finish_gates.clone();
    config.policy.hotfix_limit = Some(policy.hotfix_limit);
    config.policy.fetch_valid_for = Some(policy.fetch_valid_for);
    config.policy.migrations = Some(policy.migrations.clone());
    config.policy.suspects = SuspectsChange {
        weights: policy.suspects.weights.clone(),
        paths: policy.suspects.paths.clone(),
        stop_words: policy.suspects.stop_words.clone(),
        most: Some(policy.suspects.most),
        open_above: Some(policy.suspects.open_above),
        grace: Some(policy.suspects.grace),
        common_percent: Some(policy.suspects.common_percent),
        fixed_within: Some(policy.suspects.fixed_within),
        onset: Some(policy.suspects.onset.clone()),
        sizes: Some(policy.suspects.sizes.clone()),
        limit_words: Some(policy.suspects.limit_words.clone()),
        fix_words: Some(policy.suspects.fix_words.clone()),
    };
    config
}

/// The configuration as it may be shown: without the credentials of addresses, and without the values
/// of headers.
///
/// # Errors
/// It cannot be read again without them.
pub fn without_secrets(config: &Config) -> Result<Config> {
    let shown = |error| Failure::new("showing the configuration", error, "see flightdeck.toml itself");
    let mut value = serde_json::to_value(config).map_err(shown)?;
    take_secrets(&mut value);
    serde_json::from_value(value).map_err(shown)
}

fn phase(policy: &PhasePolicy) -> (String, PhaseChange) {
    let name = Some(policy.name.clone()).filter(|name| !name.is_empty());
    let (budget, done_when) = (Some(policy.budget), Some(policy.done_when.clone()));
    (policy.phase.name().to_owned(), PhaseChange { name, budget, done_when })
}

fn demands(policy: &Policy, severity: Severity) -> SeverityChange {
    let severity = policy.severity(severity);
    SeverityChange {
        name: Some(severity.name.clone()).filter(|name| !name.is_empty()),
        word: Some(severity.word.clone()),
        means: Some(severity.means.clone()),
        examples: Some(severity.examples.clone()),
        review: Some(severity.review.clone()),
        update_every_quiet: None,
        fix_within: severity.fix_within,
        approvals: Some(severity.approvals.clone()),
        may_pass_over: Some(severity.may_pass_over.clone()),
        verbal_approval: Some(severity.verbal_approval),
        own_approval: Some(severity.own_approval),
        tell_within: severity.tell_within,
        updates: Some(severity.updates.clone()),
        update_every: None,
        page_within: severity.page_within,
        escalate_within: severity.escalate_within,
        executives_after: severity.executives_after,
        review_within: severity.review_within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::parse;
    use crate::config::types::FlowFrom;

    /// Without what tells where it comes from: what is shown is written out whole.
    fn plain(mut config: Config) -> Config {
        config.hotfix.written.clear();
        config.hotfix.flow_from = FlowFrom::Usual;
        config
    }

    fn here(base: Option<&str>) -> Here {
        let remote = Some("origin".to_owned());
        Here { name: "shop".to_owned(), base: base.map(str::to_owned), remote }
    }

    #[test]
    fn hotfixes_are_shown_with_what_was_found_out() {
        let written = "[[hotfix.versions]]\npath = \"a.h\"\npattern = 'V \"(.*)\"'\n[hotfix.pull]\nforge = \"gitlab\"\n";
        let config = parse(written.as_bytes()).unwrap();
        let policy = Policy::built_in().with(&config.policy);
        let shown = with_defaults(config, &policy, here(None));
        let text = toml::to_string(&shown).unwrap();
        for part in
            ["remote = \"origin\"", "fetch_valid_for = \"5m\"", "git-flow = [", "develop = \"develop\""]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let again = parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
        assert_eq!(plain(again), plain(shown));
    }

    #[test]
    fn what_is_a_secret_is_not_shown() {
        let written = r#"
            [[probes]]
            name = "web"
            url = "https://maya:hunter22@x.test/?token=hunter22"
            headers = { Authorization = "Bearer hunter22" }
            [[environments]]
            name = "staging"
            deploy = ["curl", "https://hooks.slack.com/services/T0/hunter22"]
            timeout = "1h 30m"
        "#;
        let config = parse(written.as_bytes()).unwrap();
        let shown = without_secrets(&config).unwrap();
        let text = toml::to_string(&shown).unwrap();
        assert!(!text.contains("hunter22"), "{text}");
        assert!(
            text.contains("https://…@x.test/?token=…") && text.contains("timeout = \"1h 30m\""),
            "{text}"
        );
        let plain = parse(b"[[environments]]\nname = \"x\"\ndeploy = [\"./x\"]\n").unwrap();
        assert_eq!(without_secrets(&plain).unwrap(), plain);
    }

    #[test]
    fn what_is_shown_can_be_read_again_and_says_the_same() {
        let written = "[[checks]]\nname = \"a\"\ncommand = [\"x\"]\n[policy.P0]\nfix_within = \"90m\"\n";
        let config = parse(written.as_bytes()).unwrap();
        let policy = Policy::built_in().with(&config.policy);
        let shown = with_defaults(config, &policy, here(Some("main")));
        let text = toml::to_string(&shown).unwrap();
        assert!(text.contains("fix_within = \"1h 30m\""), "{text}");
        assert!(text.contains("timeout = \"15m\""), "{text}");
        assert!(text.contains("base = \"main\"") && text.contains("name = \"shop\""), "{text}");
        assert_eq!(shown.checklist.len(), policy.checklist.len());
        match parse(text.as_bytes()) {
            Ok(again) => assert_eq!(plain(again), plain(shown)),
            Err(invalid) => panic!("{invalid}"),
        }
    }
    #[test]
    fn every_way_to_deploy_is_shown_so_that_it_can_be_read_again() {
        let written = r#"
            [[probes]]
            name = "web"
            url = "http://h/"
            environment = "staging"
            [[environments]]
            name = "staging"
            deploy = ["x"]
            gates = []
            watch = "10m"
            gitops = "flux"
            env = ["TOKEN"]
            [environments.canary]
            weights = [5, 100]
            set = ["w", "{weight}"]
            [[environments.rollbacks]]
            name = "undo"
            command = ["u"]
            [[environments]]
            name = "production"
            timeout = "1h"
            [environments.blue_green]
            live = ["l"]
            deploy = ["d", "{side}"]
            switch = ["s", "{side}"]
            [[secrets]]
            name = "TOKEN"
            file = "~/.token"
            [[secrets]]
            name = "OTHER"
            command = ["pass"]
            [[freezes]]
            from = "2026-12-24T00:00:00Z"
            until = "2026-12-25T00:00:00Z"
        "#;
        let config = parse(written.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}"));
        let policy = Policy::built_in().with(&config.policy);
        let shown = with_defaults(config, &policy, here(None));
        let text = toml::to_string(&shown).unwrap();
        let again = parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
        assert_eq!(plain(again), plain(shown));
        assert!(text.contains("sides = [\"blue\", \"green\"]") && text.contains("look = \"5m\""), "{text}");
    }
}
