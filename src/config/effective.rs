//! The configuration as it takes effect: what a file leaves out is filled in.

use super::types::Config;
use crate::incident::{Policy, Severity, SeverityChange, SuspectsChange};

/// Fills in what `config` leaves out: from the policy in force, the name of the repository
/// and the branch found to be in production.
#[must_use]
pub fn with_defaults(mut config: Config, policy: &Policy, name: &str, base: Option<String>) -> Config {
    if config.service.name.is_empty() && super::check::unusable(name).is_none() {
        name.clone_into(&mut config.service.name);
    }
    if config.hotfix.base.is_empty() {
        config.hotfix.base = base.unwrap_or_default();
    }
    if config.checklist.is_empty() {
        config.checklist.clone_from(&policy.checklist);
    }
    config.policy.p0 = demands(policy, Severity::P0);
    config.policy.p1 = demands(policy, Severity::P1);
    config.policy.p2 = demands(policy, Severity::P2);
    config.policy.roles = Some(policy.roles.clone());
    config.policy.approval_valid_for = Some(policy.approval_valid_for);
    config.policy.immediate_watch = Some(policy.immediate_watch);
    config.policy.gates = Some(policy.gates.clone());
    config.policy.rollback_gates = Some(policy.rollback_gates.clone());
    config.policy.rollback_watch = Some(policy.rollback_watch);
    config.policy.finish_gates = policy.finish_gates.clone();
    config.policy.hotfix_limit = Some(policy.hotfix_limit);
    config.policy.migrations = Some(policy.migrations.clone());
    config.policy.suspects = SuspectsChange {
        weights: policy.suspects.weights.clone(),
        paths: policy.suspects.paths.clone(),
        stop_words: policy.suspects.stop_words.clone(),
    };
    config
}

fn demands(policy: &Policy, severity: Severity) -> SeverityChange {
    let severity = policy.severity(severity);
    SeverityChange {
        fix_within: severity.fix_within,
        approvals: Some(severity.approvals.clone()),
        may_pass_over: Some(severity.may_pass_over.clone()),
        verbal_approval: Some(severity.verbal_approval),
        own_approval: Some(severity.own_approval),
        tell_within: severity.tell_within,
        update_every: severity.update_every,
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

    #[test]
    fn what_is_shown_can_be_read_again_and_says_the_same() {
        let written = "[[checks]]\nname = \"a\"\ncommand = [\"x\"]\n[policy.P0]\nfix_within = \"90m\"\n";
        let config = parse(written.as_bytes()).unwrap();
        let policy = Policy::built_in().with(&config.policy);
        let shown = with_defaults(config, &policy, "shop", Some("main".to_owned()));
        let text = toml::to_string(&shown).unwrap();
        assert!(text.contains("fix_within = \"1h 30m\""), "{text}");
        assert!(text.contains("timeout = \"15m\""), "{text}");
        assert!(text.contains("base = \"main\"") && text.contains("name = \"shop\""), "{text}");
        assert_eq!(shown.checklist.len(), policy.checklist.len());
        match parse(text.as_bytes()) {
            Ok(again) => assert_eq!(again, shown),
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
        let shown = with_defaults(config, &policy, "shop", None);
        let text = toml::to_string(&shown).unwrap();
        let again = parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
        assert_eq!(again, shown);
        assert!(text.contains("sides = [\"blue\", \"green\"]") && text.contains("look = \"5m\""), "{text}");
    }
}
