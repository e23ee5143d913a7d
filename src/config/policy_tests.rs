//! The policy as a team writes it: every value can be changed, alone, and is shown.

use super::parse;
use crate::config::effective::{Here, with_defaults};
use crate::config::types::Config;
use crate::incident::{Phase, Policy, Severity};

/// A file's mistakes, a line each.
fn lines(text: &str) -> Vec<String> {
    parse(text.as_bytes()).err().map(|invalid| invalid.lines()).unwrap_or_default()
}

fn refused(text: &str, because: &str) {
    let lines = lines(text);
    assert!(lines.iter().any(|line| line.contains(because)), "{because}: {lines:#?}");
}

/// The policy of a team that writes this.
fn policy(text: &str) -> Policy {
    let config = parse(text.as_bytes()).unwrap_or_else(|invalid| panic!("{invalid}\n{text}"));
    Policy::built_in().with(&config.policy)
}

/// What `config show` prints of a policy.
fn shown(policy: &Policy) -> (Config, String) {
    let shown = with_defaults(Config::default(), policy, Here::default());
    let text = toml::to_string(&shown).unwrap();
    (shown, text)
}

/// The same value with one leaf changed, for every leaf, with its path.
fn mutants(value: &toml::Value) -> Vec<(String, toml::Value)> {
    use toml::Value;
    match value {
        Value::String(text) => {
            let other = match text.parse::<jiff::SignedDuration>() {
                Ok(_) => "77m".to_owned(),
                Err(_) => match text.as_str() {
                    "P0" => "P1".to_owned(),
                    "P1" | "P2" => "P0".to_owned(),
                    text => format!("{text}x"),
                },
            };
            vec![(String::new(), Value::String(other))]
        }
        Value::Integer(number) => vec![(String::new(), Value::Integer(number + 1))],
        Value::Boolean(yes) => vec![(String::new(), Value::Boolean(!yes))],
        Value::Array(items) => {
            let mut all = Vec::new();
            for (at, item) in items.iter().enumerate() {
                for (path, changed) in mutants(item) {
                    let mut items = items.clone();
                    items[at] = changed;
                    all.push((format!("[{at}]{path}"), Value::Array(items)));
                }
            }
            all
        }
        Value::Table(table) => {
            let mut all = Vec::new();
            for (key, value) in table {
                for (path, changed) in mutants(value) {
                    let mut table = table.clone();
                    table.insert(key.clone(), changed);
                    all.push((format!(".{key}{path}"), Value::Table(table)));
                }
            }
            all
        }
        other => panic!("{other}"),
    }
}

#[test]
fn every_value_of_the_policy_can_be_changed_and_is_shown() {
    let built_in: toml::Value = toml::from_str(include_str!("../../assets/policy.toml")).unwrap();
    let (_, usual) = shown(&Policy::built_in());
    let mut changed = 0;
    for (path, mutant) in mutants(&built_in) {
        // What is not in the program's own lists (a phase, a reason) cannot be there at all.
        let Ok(policy) = mutant.try_into::<Policy>() else {
            let chosen = [".phase", ".figure", ".from", ".concerns"];
            let listed = [".met_by[", ".suspicions["];
            let is_chosen = chosen.iter().any(|end| path.ends_with(end));
            assert!(is_chosen || listed.iter().any(|list| path.contains(list)), "{path}");
            continue;
        };
        changed += 1;
        let (config, text) = shown(&policy);
        assert_ne!(text, usual, "{path} is not shown");
        // The checklist is written beside the policy; and those words are only ever added to.
        if path.starts_with(".checklist") {
            assert_eq!(config.checklist, policy.checklist, "{path} cannot be changed");
        } else if !path.starts_with(".suspects.stop_words") {
            assert_eq!(Policy::built_in().with(&config.policy), policy, "{path} cannot be changed");
        }
    }
    assert!(changed > 300, "{changed}");
}

#[test]
fn single_values_are_changed_alone() {
    type Look = fn(&Policy) -> String;
    let usual = Policy::built_in();
    let rows: [(&str, Look, &str); 16] = [
        (
            "[policy.culprit.cache]\ntitle = \"the cache\"\n[policy.culprit.third-party]\ndrop = true",
            |p| format!("{} {}", p.culprits.len(), p.culprits[5].title),
            "6 the cache",
        ),
        ("[policy]\nat_once = \"2m\"", |p| format!("{:#}", p.at_once), "2m"),
        ("[policy]\nbacklog = \"{title}: later\"", |p| p.backlog.clone(), "{title}: later"),
        (
            "[policy.P1]\nupdate_every_quiet = \"2h\"",
            |p| format!("{:?}", p.severity(Severity::P1).updates[0].quiet.map(|t| t.as_hours())),
            "Some(2)",
        ),
        ("[policy.P1]\nreview = \"a talk\"", |p| p.severity(Severity::P1).review.clone(), "a talk"),
        ("[policy.P2]\nexamples = [\"a typo\"]", |p| p.severity(Severity::P2).examples.join(","), "a typo"),
        ("[policy.role.lead]\ntitle = \"tech lead\"", |p| p.role_title("lead").to_owned(), "tech lead"),
        ("[policy.role.legal]\ntitle = \"legal\"", |p| p.roles.last().unwrap().short.clone(), "legal"),
        ("[policy.role.scribe]\ndrop = true", |p| p.roles.len().to_string(), "6"),
        ("[policy.check.payments]\ndrop = true", |p| p.checklist.len().to_string(), "7"),
        (
            "[policy.check.sso]\ntitle = \"single sign-on\"",
            |p| format!("{} {}", p.checklist.len(), p.checklist[8].title),
            "9 single sign-on",
        ),
        (
            "[policy.check.core]\nhint = \"order one\"",
            |p| format!("{}: {}", p.checklist[0].title, p.checklist[0].hint),
            "core user workflow: order one",
        ),
        (
            "[policy.phase.respond]\nbudget = \"10m\"",
            |p| {
                format!(
                    "{:#} {}",
                    p.phase(Phase::Respond).unwrap().budget,
                    p.phase(Phase::Detect).unwrap().done_when.len() > 9
                )
            },
            "10m true",
        ),
        (
            "[policy.question.everybody]\nask = \"All?\"",
            |p| format!("{} {}", p.questions[0].ask, p.questions.len()),
            "All? 2",
        ),
        ("[policy.rollback_step.tell]\ndrop = true", |p| p.rollback_steps.len().to_string(), "3"),
        ("[policy.gitops]\nrancher = [\"fleet.yaml\"]", |p| p.gitops.len().to_string(), "3"),
    ];
    for (text, look, expected) in rows {
        let changed = policy(text);
        assert_eq!(look(&changed), expected, "{text}");
        assert_ne!(changed, usual, "{text}");
    }
}

#[test]
fn names_that_nothing_has_are_pointed_at() {
    let own = "[[policy.roles]]\nid = \"boss\"\ntitle = \"Boss\"\nshort = \"B\"\n";
    let rows = [
        (
            "[policy.P0]\napprovals = [\"leed\"]".to_owned(),
            "2:14: unknown role `leed` (did you mean `lead`?)",
        ),
        (own.to_owned(), "the role `commander` is gone, though it leads the incident"),
        (
            own.to_owned(),
            "the role `lead` is gone, though it has to approve at P0 and has to approve at P1 and meets the clock `escalate`",
        ),
        ("[policy.role.lead]\ndrop = true".to_owned(), "1:14: the role `lead` is gone"),
        ("[policy.role.leed]\nshort = \"L\"".to_owned(), "1:14: unknown role `leed` (did you mean `lead`?)"),
        ("[policy.role.legal]\nshort = \"L\"".to_owned(), "a role of your own needs a `title`"),
        (
            "[policy.check.paymets]\ndrop = true".to_owned(),
            "unknown check `paymets` (did you mean `payments`?)",
        ),
        (
            "[policy.phase.asemble]\nbudget = \"1m\"".to_owned(),
            "unknown phase `asemble` (did you mean `assemble`?)",
        ),
        ("[policy.phase.detect]\nname = \"respond\"".to_owned(), "`respond` is the name of another phase"),
        ("[policy.question.everybody]\nyes = \"P4\"".to_owned(), "unknown severity `P4` (known: P0, P1, P2)"),
        ("[policy.rollback_step.asess]\nabout = 3".to_owned(), "wrong type for `about`"),
        ("[policy]\nquestions = []".to_owned(), "2:1: no question is left"),
        ("[policy.question.x]\nask = \"Is it dark?\"".to_owned(), "`yes` is missing in the question `x`"),
        (
            "[policy.clock.update]\ntitle = \"x\"\nafter = \"1h\"\nmet_by = [\"fixed\"]".to_owned(),
            "`update` is the id of a clock that runs by itself",
        ),
        ("[policy.p1]\nname = \"x\"".to_owned(), "unknown key `p1` in `policy` (did you mean `P1`?)"),
        ("[policy.P3]\nword = \"low\"".to_owned(), "`means` is missing here"),
        ("[policy.role.commander]\ntitle = \"\"".to_owned(), "2:9: `title` cannot be empty"),
        (
            "[[policy.roles]]\nid = \"commander\"\ntitle = \" \"\nshort = \"IC\"".to_owned(),
            "`title` cannot be empty",
        ),
        ("[policy.P0]\nname = \"P1\"".to_owned(), "`P1` is the rank of another severity"),
        ("[policy.P0]\nname = \"A\"\n[policy.P1]\nname = \"a\"".to_owned(), "two severities are called `a`"),
        (
            "[[checklist]]\nid = \"a\"\ntitle = \"A\"\n[policy.check.core]\ndrop = true".to_owned(),
            "which is not used",
        ),
    ];
    for (text, because) in rows {
        refused(&text, because);
    }
    let kept = ["commander", "lead", "on-call", "on-call-manager", "product-manager"];
    let kept =
        kept.map(|id| format!("[[policy.roles]]\nid = \"{id}\"\ntitle = \"T\"\nshort = \"S\"\n")).concat();
    assert_eq!(lines(&kept), [""; 0]);
}
