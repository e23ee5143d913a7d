//! The command tree. Every verb has a file with its `Args` and its `run`; here they are
//! put together, and what several of them share.

use std::ffi::OsString;
use std::fmt::Write as _;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use super::{
    action, amend, approve, assign, began, cause, clear, close, completions, conduct, config, culprit,
    declare, deploy, doctor, drill, drill_service, export, flag, follow_up, handoff, health, history, hotfix,
    impact, import, init, join, live, man, mcp, message, note, page, phase, pin, plan, probe, proposal,
    reject, reopen, report, resolve, retract, review, role, rollback, run, runbook, severity, share,
    share_after, smoke, snooze, status, suspects, task, test, tick, ticket, title, told, trust, verify,
    version_files, watch,
};

/// Runs a production incident from the repository that has to be fixed.
///
/// Without a verb the cockpit opens: on the open incident of this repository, or on the
/// start screen. Every key of the cockpit has a verb that does the same from a script.
#[derive(Debug, Parser)]
#[command(
    name = "flightdeck",
    version,
    max_term_width = 80,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    subcommand_value_name = "VERB"
)]
pub(crate) struct Cli {
    /// The incident: its number or id; default: the open one
    #[arg(long, global = true, value_name = "ID", display_order = 900)]
    pub(crate) incident: Option<String>,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

const AFTER_HELP: &str = "\
Times are RFC 3339, 14:02 (UTC), 14:02 yesterday, -5m or now.

\x1b[1;4mEnvironment:\x1b[0m
  FLIGHTDECK_STATE_DIR   where the journal and the logs are
  FLIGHTDECK_CONFIG_DIR  where the user's settings are
  FLIGHTDECK_USER        who is acting; otherwise git's user.name
  FLIGHTDECK_SHARE       off: verbs send nothing to colleagues by themselves
  NO_COLOR               no colours
  RUST_LOG               turns logging on: RUST_LOG=flightdeck=debug

\x1b[1;4mExit codes:\x1b[0m
  0  done                          4  the configuration is not trusted
  1  failed                        5  somebody else holds the lease, or a
  2  usage or configuration error     conflict needs a person
  3  a gate is not met             6  outcome unknown

A first look: flightdeck drill";

/// The verbs in the order of an incident, as the help of the root lists them.
const GROUPS: &[(&str, &[&str])] = &[
    ("Begin", &["drill", "init", "trust"]),
    ("The incident", &["declare", "join", "share", "status", "history", "resolve", "reopen", "close"]),
    (
        "Its record",
        &[
            "note", "amend", "retract", "pin", "title", "began", "severity", "ticket", "phase", "impact",
            "cause",
        ],
    ),
    (
        "People",
        &["role", "handoff", "task", "proposal", "approve", "reject", "page", "message", "told", "snooze"],
    ),
    (
        "The fix",
        &[
            "suspects", "culprit", "tick", "assign", "hotfix", "test", "deploy", "live", "clear", "smoke",
            "rollback", "flag", "action", "runbook", "watch", "plan", "run", "probe", "health",
        ],
    ),
    ("Afterwards", &["follow-up", "review", "report", "export", "import", "verify"]),
    ("Upkeep", &["doctor", "config", "mcp", "completions", "man"]),
];

/// Every verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Drill(drill::Args),
    #[command(hide = true)]
    DrillService(drill_service::Args),
    Init(init::Args),
    Trust(trust::Args),
    Declare(declare::Args),
    Status(status::Args),
    Note(note::Args),
    Amend(amend::Args),
    Retract(retract::Args),
    Pin(pin::Args),
    Ticket(ticket::Args),
    Title(title::Args),
    Began(began::Args),
    Severity(severity::Args),
    Phase(phase::Args),
    Live(live::Args),
    Clear(clear::Args),
    Role(role::Args),
    Handoff(handoff::Args),
    Task(task::Args),
    FollowUp(follow_up::Args),
    Review(review::Args),
    Proposal(proposal::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    Impact(impact::Args),
    Cause(cause::Args),
    Page(page::Args),
    Message(message::Args),
    Told(told::Args),
    Snooze(snooze::Args),
    Culprit(culprit::Args),
    Tick(tick::Args),
    Assign(assign::Args),
    Hotfix(hotfix::Args),
    Suspects(suspects::Args),
    Test(test::Args),
    Deploy(deploy::Args),
    Smoke(smoke::Args),
    Rollback(rollback::Args),
    Flag(flag::Args),
    Action(action::Args),
    Runbook(runbook::Args),
    Watch(watch::Args),
    Plan(plan::Args),
    Run(run::Args),
    #[command(hide = true)]
    Conduct(conduct::Args),
    #[command(hide = true)]
    VersionFiles(version_files::Args),
    Probe(probe::Args),
    Health(health::Args),
    Resolve(resolve::Args),
    Reopen(reopen::Args),
    Close(close::Args),
    Report(report::Args),
    Export(export::Args),
    Import(import::Args),
    Join(join::Args),
    Share(share::Args),
    #[command(hide = true)]
    ShareAfter(share_after::Args),
    History(history::Args),
    Verify(verify::Args),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
    Mcp(mcp::Args),
}

/// What every verb takes that changes the world.
#[derive(Debug, Clone, Args)]
pub(crate) struct WorldArgs {
    /// Print the plan, with its exact command lines, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// With the plan, print proof, undo and time limit of each step
    #[arg(long)]
    pub(crate) verbose: bool,

    /// Confirm without being asked: the name of what the plan changes, as production or main
    #[arg(long, value_name = "TARGET")]
    pub(crate) confirm: Option<String>,

    /// Override a gate that is not met, where the severity allows it
    #[arg(long = "override", value_name = "GATE")]
    pub(crate) pass_over: Vec<String>,

    /// Why: it goes into the record and the report
    #[arg(long, value_name = "WHY")]
    pub(crate) reason: Vec<String>,

    /// Ask for approval instead of starting the plan; prints its id
    #[arg(long, conflicts_with_all = ["dry_run", "confirm", "pass_over", "detach"])]
    pub(crate) propose: bool,

    /// Return as soon as the plan has started
    #[arg(long)]
    pub(crate) detach: bool,

    /// Print the result as JSON, and everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses a command line whose first word is the program's name.
pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&tree().try_get_matches_from(asking_for_help(line.into_iter().collect()))?)
}

/// `flightdeck help deploy`, as git and kubectl have it, is `flightdeck deploy --help`.
fn asking_for_help(mut line: Vec<OsString>) -> Vec<OsString> {
    if line.get(1).is_some_and(|word| word == "help") {
        line.remove(1);
        line.push("--help".into());
    }
    line
}

/// The whole tree, for parsing, help, completions and the man page.
pub(crate) fn tree() -> clap::Command {
    let tree = Cli::command();
    let help = grouped(&tree);
    tree.help_template(help)
}

/// The help of the root: its verbs in groups, one line each.
fn grouped(tree: &clap::Command) -> String {
    let mut help = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (title, verbs) in GROUPS {
        let _ = write!(help, "\n\x1b[1;4m{title}:\x1b[0m\n");
        for verb in *verbs {
            let about = tree.find_subcommand(verb).and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(help, "  \x1b[1m{verb:<11}\x1b[0m  {about}");
        }
    }
    help.push_str("\n\x1b[1;4mOptions:\x1b[0m\n{options}{after-help}");
    help
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr as _;

    fn all(command: &clap::Command, out: &mut Vec<clap::Command>) {
        for verb in command.get_subcommands() {
            out.push(verb.clone());
            all(verb, out);
        }
    }

    /// Verbs that only make sense where there is no screen, with why.
    const WITHOUT_A_KEY: [&str; 18] = [
        // Keys show what these print.
        "status",
        "history",
        "report",
        "run",
        "plan",
        "doctor",
        "verify",
        // Files in and out, and what a shell wants.
        "health",
        "export",
        "import",
        "config",
        "completions",
        "man",
        // Assistants call its tools.
        "mcp",
        // The start screen joins, and the cockpit shares, by itself.
        "join",
        "share",
        "live",
        "clear",
    ];

    #[test]
    fn help_is_asked_for_as_other_tools_have_it() {
        let help = |line: &[&str]| {
            let line = std::iter::once("flightdeck").chain(line.iter().copied()).map(OsString::from);
            parse(line).unwrap_err().to_string()
        };
        assert_eq!(help(&["help", "plan", "undo"]), help(&["plan", "undo", "--help"]));
        assert_eq!(help(&["help"]), help(&["--help"]));
    }

    #[test]
    fn examples_are_read_and_copied_from_a_line_each() {
        let mut verbs = Vec::new();
        all(&tree(), &mut verbs);
        for verb in verbs {
            // A command alone is copied, however long it is.
            let is_command = |line: &str| line.starts_with("  flightdeck ") && !line.trim().contains("  ");
            let after = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long: Vec<&str> =
                after.lines().filter(|line| line.width() > 80 && !is_command(line)).collect();
            assert!(long.is_empty(), "{}: {long:?}", verb.get_name());
        }
    }

    #[test]
    fn every_command_that_changes_something_has_a_verb_and_every_verb_a_command() {
        use crate::cockpit::commands::{COMMANDS, Danger};
        let verbs: Vec<String> = tree()
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
            .map(|verb| verb.get_name().to_owned())
            .collect();
        for spec in COMMANDS {
            if spec.verb.is_empty() {
                let opens = spec.command.is_menu();
                assert!(spec.danger == Danger::View || opens, "{} has no twin on the command line", spec.id);
            } else {
                assert!(
                    verbs.iter().any(|verb| verb == spec.verb),
                    "{}: unknown verb {}",
                    spec.id,
                    spec.verb
                );
            }
        }
        for verb in verbs {
            let has_key = COMMANDS.iter().any(|spec| spec.verb == verb);
            assert!(
                has_key || WITHOUT_A_KEY.contains(&verb.as_str()),
                "{verb} has no command in the cockpit"
            );
        }
    }

    #[test]
    fn the_tree_is_sound() {
        tree().debug_assert();
    }

    #[test]
    fn every_verb_that_is_shown_is_in_one_group() {
        let mut grouped: Vec<_> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        let tree = tree();
        let mut shown: Vec<_> =
            tree.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name).collect();
        grouped.sort_unstable();
        shown.sort_unstable();
        assert_eq!(grouped, shown);
    }

    #[test]
    fn all_help_fits_eighty_columns() {
        let mut tree = tree();
        tree.build();
        let mut verbs = vec![tree.clone()];
        all(&tree, &mut verbs);
        for mut verb in verbs.into_iter().filter(|verb| !verb.is_hide_set()) {
            for help in [verb.render_help().to_string(), verb.render_long_help().to_string()] {
                for line in help.lines() {
                    assert!(line.width() <= 80, "{}: {line}", verb.get_name());
                }
                assert!(!help.contains('\u{1b}'), "{}: escapes in plain help", verb.get_name());
            }
        }
    }

    #[test]
    fn every_verb_and_every_option_says_what_it_is() {
        let mut tree = tree();
        tree.build();
        let mut verbs = Vec::new();
        all(&tree, &mut verbs);
        for verb in verbs.iter().filter(|verb| !verb.is_hide_set()) {
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
            for argument in verb.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(argument.get_help().is_some(), "{} {argument}", verb.get_name());
            }
        }
    }

    #[test]
    fn the_contract_parses() {
        for line in [
            "",
            "drill --list",
            "drill pool --dir /tmp/x --headless --json",
            "drill fix",
            "init --print",
            "trust --show",
            "declare title --severity P0 --impact all --started-at -5m",
            "declare title --severity p1",
            "status --at 14:02 --json",
            "status --at -5m --incident INC-2026-0001",
            "note text --kind finding --at -5m",
            "amend 0199 text",
            "retract 0199 --reason wrong",
            "pin 0199",
            "severity P1 --reason less",
            "phase develop",
            "role commander maya",
            "impact text",
            "cause text",
            "approve lead --by omar --verbal --how phone --plan deploy-production-1",
            "reject lead --by omar --reason no --plan deploy-production-1",
            "page li --how phone",
            "told stakeholders --by maya",
            "tick 1 --fail --note text",
            "tick 1 --na",
            "tick 1 --open",
            "hotfix start pool --flow git-flow --dry-run",
            "hotfix status --json",
            "suspects",
            "suspects --since v1.2.2 --json",
            "suspects --revert 4f2c91e --dry-run --confirm main",
            "suspects --bisect",
            "suspects --bisect unit --since v1.2.2 --detach",
            "hotfix bump",
            "hotfix bump 2.0.0 --dry-run",
            "version-files --write 1.2.4 --from 1.2.3 --file VERSION --entry Cargo.lock shop --pattern a -b",
            "version-files --check 1.2.4 --at refs/heads/hotfix/x --file VERSION",
            "test unit lint",
            "deploy staging --ref main --confirm staging --detach",
            "deploy production --propose",
            "deploy production --override checks --override staging --reason fire --confirm production",
            "smoke staging",
            "rollback",
            "rollback redeploy --env staging --confirm staging --override rollback --reason known",
            "rollback --list --json",
            "flag",
            "flag list --json",
            "flag new-checkout",
            "flag new-checkout off --json",
            "flag new-checkout on --dry-run --confirm flag:new-checkout",
            "watch",
            "watch production --for 30m --detach",
            "plan list --json",
            "plan show deploy-staging-1",
            "plan resume",
            "plan retry deploy-staging-1 --confirm staging --detach",
            "plan skip --reason known deploy-staging-1",
            "plan undo --to 2 deploy-staging-1",
            "plan cancel deploy-staging-1",
            "plan take-over staging --reason gone",
            "run attach deploy-staging-1.0",
            "run log deploy-staging-1.0 --follow",
            "run stop deploy-staging-1.0",
            "probe api --json",
            "health judge --family",
            "health replay errors.csv --probe errors",
            "resolve --mitigated",
            "reopen --reason again",
            "close",
            "report --out report.md",
            "export --format csv",
            "import -",
            "history --json",
            "verify --json",
            "doctor --json",
            "config check",
            "config schema",
            "config show",
            "completions bash",
            "man",
        ] {
            let words = std::iter::once("flightdeck").chain(line.split_whitespace());
            let parsed = parse(words.map(OsString::from));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for line in [
            "tick 1 --fail --na",
            "severity P1",
            "reopen",
            "retract 0199",
            "plan take-over staging",
            "version-files --file VERSION",
            "version-files --write 1.2.4 --file VERSION",
        ] {
            let words = std::iter::once("flightdeck").chain(line.split_whitespace());
            let error = parse(words.map(OsString::from)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
