//! What is refused of ways to deploy, secrets, freezes and gates.

use super::*;

/// A file with an environment `production` that has `rest` in it, and one probe.
fn environment(rest: &str) -> String {
    format!(
        "[[probes]]\nname = \"web\"\nurl = \"http://h/\"\nenvironment = \"production\"\n\n\
         [[environments]]\nname = \"production\"\n{rest}\n"
    )
}

fn with(rest: &str) -> String {
    environment(&format!("deploy = [\"x\"]\n{rest}"))
}

fn canary(rest: &str) -> String {
    with(&format!("[environments.canary]\nset = [\"x\", \"{{weight}}\"]\n{rest}"))
}

fn blue_green(rest: &str) -> String {
    let table = "live = [\"a\"]\ndeploy = [\"b\", \"{side}\"]\nswitch = [\"c\", \"{side}\"]";
    environment(&format!("[environments.blue_green]\n{table}\n{rest}"))
}

fn rollback(rest: &str) -> String {
    with(&format!("[[environments.rollbacks]]\ncommand = [\"x\"]\n{rest}"))
}

fn secret(rest: &str) -> String {
    format!("[[secrets]]\n{rest}\n")
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    let lines = match parse(source.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.lines(),
    };
    assert!(lines.iter().any(|line| line.contains(expected)), "wanted {expected:?} in {lines:#?}\n{source}");
    assert_eq!(lines.len(), 1, "one mistake is one problem: {lines:#?}");
}

#[track_caller]
fn taken(source: &str) -> Config {
    match parse(source.as_bytes()) {
        Ok(config) => config,
        Err(invalid) => panic!("{invalid}"),
    }
}

#[test]
fn every_way_to_deploy_is_read() {
    let config = taken(&canary("weights = [5, 25, 100]\nlook = \"90s\"\nask = true\nabort = [\"web\"]").replace(
        "deploy =",
        "settle = \"30s\"\nwatch = \"10m\"\nwatched = [\"web\"]\ngates = [\"checks\", \"freeze\"]\ndeploy =",
    ));
    let production = &config.environments[0];
    assert_eq!(production.canary.as_ref().unwrap().weights, [5, 25, 100]);
    assert_eq!(production.canary.as_ref().unwrap().patience, jiff::SignedDuration::from_hours(4));
    let config = taken(&blue_green("sides = [\"a\", \"b\"]"));
    assert_eq!(config.environments[0].blue_green.as_ref().unwrap().sides, ["a", "b"]);
    assert!(config.environments[0].deploy.is_empty(), "blue-green has a command of its own");
    let config = taken(&blue_green(""));
    assert_eq!(config.environments[0].blue_green.as_ref().unwrap().sides, ["blue", "green"]);
    taken(&rollback("name = \"rollout-undo\"\ntarget = [\"t\"]\nproof = [\"p\"]\n"));
    taken(&secret("name = \"A\"\nfile = \"~/.config/token\""));
    taken("[[freezes]]\nfrom = \"2026-12-24T00:00:00Z\"\nuntil = \"2027-01-02T09:00:00+01:00\"\n");
}

#[test]
fn an_environment_deploys_in_exactly_one_way() {
    refused(&environment("protected = true"), "7:8: `deploy` is missing here");
    refused(&environment("deplpy = [\"x\"]"), "unknown key `deplpy`");
    refused(&environment("deploy = []"), "`deploy` is empty");
    let both = format!(
        "{}\n[environments.blue_green]\nlive = [\"a\"]\ndeploy = [\"b\", \"{{side}}\"]\nswitch = [\"c\", \"{{side}}\"]\n",
        canary("weights = [100]")
    );
    refused(&both, "a canary or blue-green, not both");
    refused(
        &blue_green("").replace("[environments.b", "deploy = [\"x\"]\n[environments.b"),
        "8:1: `deploy` would never run",
    );
    for name in ["repository", "checks"] {
        refused(&format!("[[environments]]\nname = \"{name}\"\ndeploy = [\"x\"]\n"), "cannot be called");
    }
}

#[test]
fn canary_weights_rise_to_the_whole() {
    refused(&canary("weights = [25, 5, 100]"), "11:16: the weight falls: 5 % after 25 %");
    refused(&canary("weights = [5, 5, 100]"), "the weight stays where it was: 5 % after 5 %");
    refused(&canary("weights = [5, 25]"), "the last weight is 25 %");
    refused(&canary("weights = []"), "`weights` is empty");
    refused(&canary("weights = [0, 100]"), "`weights` is out of range (1 to 100)");
    refused(&canary("weights = [5, 101]"), "`weights` is out of range");
    refused(
        &canary("weights = [5, \"all\"]"),
        "wrong type for `weights` (this is a string, expected an integer)",
    );
    refused(&canary(""), "`weights` is missing");
    refused(&with("[environments.canary]\nweights = [100]\nset = []"), "`set` is empty");
    taken(&canary("weights = [100]"));
}

proptest::proptest! {
    #[test]
    fn weights_are_taken_exactly_when_they_rise_to_the_whole(
        weights in proptest::collection::vec(0_u32..=110, 0..5),
        end in proptest::bool::ANY,
    ) {
        let mut weights = weights;
        if end {
            weights.sort_unstable();
            weights.push(100);
        }
        let right = weights.last() == Some(&100)
            && weights.iter().all(|weight| (1..=100).contains(weight))
            && weights.windows(2).all(|pair| pair[0] < pair[1]);
        let source = canary(&format!("weights = {weights:?}"));
        proptest::prop_assert_eq!(parse(source.as_bytes()).is_ok(), right);
    }
}

#[test]
fn words_in_braces_stand_only_where_they_are_known() {
    refused(&with("proof = [\"x\", \"{weight}\"]"), "unknown placeholder {weight}; known: ref, commit, env");
    refused(&with("history = [\"x\", \"{ref}\"]"), "unknown placeholder {ref}; known: env");
    refused(&with("expect = \"{side}\""), "{side}");
    refused(&canary("weights = [100]\nweight = [\"x\", \"{weight}\"]"), "{weight}");
    refused(&blue_green("check = [\"x\", \"{sid}\"]"), "did you mean {side}?");
    refused(&blue_green("version = [\"./v\", \"{commit}\"]"), "{commit}");
    refused(&rollback("name = \"a\"\ntarget = [\"x\", \"{target}\"]"), "{target}");
    refused(&rollback("name = \"a\"\nexpect = \"{commit}\""), "{commit}");
    refused(
        &blue_green("").replace("\"c\", \"{side}\"", "\"c\""),
        "`switch` does not say which side it is to",
    );
    taken(&blue_green("").replace("\"c\", \"{side}\"", "\"./switch.sh\""));
}

#[test]
fn sides_are_two_and_differ() {
    refused(&blue_green("sides = [\"blue\", \"blue\"]"), "both sides have the same name");
    refused(&blue_green("sides = [\"blue\"]"), "`sides` has to have exactly 2 entries (there are 1)");
    refused(&blue_green("sides = [\"blue\", \"--force\"]"), "the name of a side cannot begin with `-`");
    refused(&blue_green("sides = [\"blue\", \"\"]"), "the name of a side cannot be empty");
}

#[test]
fn probes_that_are_watched_have_to_be_there() {
    refused(&with("watched = [\"wbe\"]"), "unknown probe `wbe` (did you mean `web`?)");
    refused(&canary("weights = [100]\nabort = [\"api\"]"), "unknown probe `api` (known here: web)");
    let elsewhere = |source: String| source.replace("environment = \"production\"", "environment = \"\"");
    taken(&elsewhere(with("watch = \"10m\"")));
    let none = |mut source: String| source.split_off(source.find("[[env").unwrap());
    refused(&none(with("watch = \"10m\"")), "4:1: no probe to watch this environment with");
    taken(&none(with("watch = \"0s\"")));
    refused(&none(canary("weights = [100]")), "no probe covers this canary, so it could not be judged");
}

#[test]
fn times_fit_into_each_other() {
    refused(
        &with("watch = \"10m\"\nsettle = \"10m\""),
        "10:10: `settle` (10m) is not shorter than `watch` (10m)",
    );
    // Left out it fits by itself.
    taken(&with("watch = \"30s\""));
    taken(&canary("weights = [100]\nlook = \"1m\""));
    refused(&with("proof_within = \"31m\""), "`proof_within` (31m) is longer than `timeout` (30m)");
    taken(&with("timeout = \"30s\""));
    refused(&canary("weights = [100]\npatience = \"0s\""), "must be longer than 0s");
    taken(&with("watch = \"10m\"\nsettle = \"0s\""));
    // It is not watched at all.
    taken(&with("watch = \"0s\"\nsettle = \"1m\""));
}

#[test]
fn gates_are_the_ones_there_are() {
    refused(&with("gates = [\"chekcs\"]"), "unknown gate `chekcs` (did you mean `checks`?)");
    refused("[policy]\ngates = [\"sign-off\"]\n", "unknown gate `sign-off` (known here: checks, checklist,");
    refused(
        "[policy.P1]\nmay_pass_over = [\"stagin\"]\n",
        "2:18: unknown gate `stagin` (did you mean `staging`?)",
    );
}

#[test]
fn ways_back_have_names_of_their_own() {
    for name in ["redeploy", "revert", "switch", "switch-back"] {
        refused(&rollback(&format!("name = \"{name}\"")), "every environment has one of that name");
    }
    refused(&rollback("name = \"flag:checkout\""), "cannot begin with `flag:`");
    refused(
        &format!(
            "{}\n[[environments.rollbacks]]\nname = \"a\"\ncommand = [\"y\"]\n",
            rollback("name = \"a\"")
        ),
        "duplicate name `a` in `rollbacks`",
    );
    refused(&rollback("name = \"a\"\nproof = [\"p\"]"), "no `target` command tells it");
    refused(&rollback("name = \"a\"\nexpect = \" \""), "`expect` is empty");
    taken(&rollback("name = \"a\"\nproof = [\"p\"]\nexpect = \"ok\""));
}

#[test]
fn secrets_have_a_usable_name_and_one_source() {
    refused(&secret("name = \"deploy token\""), "a secret is named as the variable that commands get it in");
    refused(&secret("name = \"\""), "the name cannot be empty");
    refused(&secret("name = \"PATH\""), "a secret cannot be called `PATH`");
    refused(&secret("name = \"FLIGHTDECK_REF\""), "a secret cannot be called");
    refused(&secret("name = \"A\"\nenv = \"B\"\nfile = \"c\""), "4:1: a secret comes from one place");
    refused(&secret("name = \"A\"\nenv = \"s3cr3t!\""), "the value itself never stands in this file");
    refused(&secret("name = \"A\"\ncommand = []"), "`command` is empty");
    refused(&format!("{0}{0}", secret("name = \"A\"")), "duplicate name `A` in `secrets`");
    for (file, why) in [
        ("", "cannot be empty"),
        ("../token", "cannot lead upwards"),
        ("~li/token", "not with the name of a user"),
        ("ops/", "names a directory"),
        ("a\\u202Eb", "invisible characters"),
    ] {
        refused(&secret(&format!("name = \"A\"\nfile = \"{file}\"")), why);
    }
}

#[test]
fn freezes_are_times_in_order() {
    let freeze = |from: &str, until: &str| format!("[[freezes]]\nfrom = \"{from}\"\nuntil = \"{until}\"\n");
    refused(&freeze("tomorrow", "2026-12-24T00:00:00Z"), "2:8: `from` is not a time");
    refused(&freeze("2026-12-24", "2026-12-25T00:00:00Z"), "`from` is not a time");
    refused(&freeze("2026-12-24T00:00:00Z", "2026-12-23T00:00:00Z"), "the freeze ends before it begins");
    refused(&freeze("2026-12-24T00:00:00Z", "2026-12-24T01:00:00+01:00"), "ends before it begins");
    refused("[[freezes]]\nfrom = 2026-12-24T00:00:00Z\nuntil = \"2026-12-25T00:00:00Z\"\n", "this is a date");
}

#[test]
fn probes_are_given_declared_secrets_only() {
    let header = |value: &str| {
        format!("[[probes]]\nname = \"web\"\nurl = \"http://h/\"\nheaders = {{ a = \"{value}\" }}\n")
    };
    let kept = secret("name = \"KEY\"\nfile = \"k\"");
    refused(&header("{secret:KEY}"), "unknown secret `KEY`");
    refused(&format!("{}{kept}", header("{secret:KYE}")), "did you mean `KEY`");
    refused(&format!("{}{kept}", header("Bearer {secret:KEY")), "is not closed");
    assert!(parse(format!("{}{kept}", header("Bearer {secret:KEY}")).as_bytes()).is_ok());
    let variable = "[[probes]]\nname = \"web\"\ncommand = [\"x\"]\nenv = [\"KEY\"]\n";
    for source in ["file = \"k\"", ""] {
        let declared = secret(&format!("name = \"KEY\"\n{source}"));
        assert!(parse(format!("{variable}{declared}").as_bytes()).is_ok());
    }
}
