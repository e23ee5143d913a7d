//! The hotfix branch: what its menu offers right now, why not, and what its rows ask for.

use super::super::commands::Command;
use super::super::model::Model;
use super::super::msg::Effect;
use super::super::overlay::{Menu, Overlay};
use super::invoke::MAKING;
use super::{Cx, menus, suspects};
use crate::config::types::Flow;
use crate::drill::guide;
use crate::hotfix::flows::TARGET;
use crate::hotfix::outlook::{Outlook, Verdict};
use crate::hotfix::pull::{Check, Looked, Pull, PullState, text};
use crate::hotfix::standing;
use crate::hotfix::state::BranchState;
use crate::incident::{Fix, PlanRun, Raised};
use crate::plan::{HotfixRequest, PullText, Request};

/// Tells whether a row makes sense in this team's flow at all.
pub(super) fn is_offered(model: &Model, command: Command) -> bool {
    let flow = model.config.config.hotfix.flow;
    match command {
        Command::DrillFix | Command::DrillGrade => model.drill,
        Command::HotfixMainFirst => flow == Flow::GitFlow,
        Command::PullLink | Command::PullText | Command::CheckLog => flow == Flow::GithubFlow,
        Command::HotfixAbandon => flow != Flow::Trunk,
        _ => true,
    }
}

/// Why the prepared fix of a drill is nothing to apply now; `None`: it is what is missing.
pub(crate) fn no_prepared_fix(model: &Model) -> Option<&'static str> {
    let Some(branch) = model.repository().filter(|_| model.hotfix_branch().is_some()) else {
        return Some("start the hotfix branch first");
    };
    if model.incident().is_some_and(guide::was_used) {
        return Some("a fix went out already: main has it");
    }
    let has_none = standing::commits(&model.config.config.hotfix, branch) == Some(0);
    (!has_none).then_some("the branch has a commit already")
}

/// What is known of the branch that is checked out, unless it is about another commit.
pub(super) fn outlook(model: &Model) -> Option<&Outlook> {
    let branch = model.repository()?;
    model.outlook.as_ref().filter(|outlook| outlook.is_about(branch.branch(), branch.commit()))
}

/// How the fix stands.
pub(super) fn fix(model: &Model) -> Fix {
    let hotfix = &model.config.config.hotfix;
    model.repository().map_or_else(Fix::default, |branch| {
        standing::fix(hotfix, branch, model.outlook.as_ref(), model.pull.as_ref())
    })
}

/// The pull request, as far as one is known.
fn pull(model: &Model) -> Option<&Pull> {
    match model.pull.as_ref()? {
        Looked::Known(pull) | Looked::Unknown { last: Some(pull), .. } => Some(pull),
        Looked::NoPlace | Looked::None | Looked::Unknown { last: None, .. } => None,
    }
}

fn open_pull(model: &Model) -> Option<&Pull> {
    pull(model).filter(|pull| matches!(pull.state, PullState::Open | PullState::Draft))
}

/// What a row does right now, with names filled in.
pub(super) fn label(model: &Model, command: Command) -> String {
    let title = command.spec().title;
    let hotfix = &model.config.config.hotfix;
    let Some(branch) = model.repository() else { return title.to_owned() };
    let base = branch.base.as_deref().unwrap_or("the base");
    let remote = branch.remote.as_deref().unwrap_or("the remote");
    let name = model.hotfix_branch().unwrap_or("the hotfix branch");
    match command {
        Command::HotfixStart if hotfix.flow == Flow::Trunk => format!("bring {base} up to date"),
        Command::HotfixStart => format!("start {}… from {base}", hotfix.prefix),
        Command::HotfixBump => match bumped(model) {
            Some((from, to)) => format!("bump the version {from} → {to}"),
            None => "bump the version".to_owned(),
        },
        Command::HotfixPush => push_label(branch, name, remote),
        Command::HotfixFinish => finish_label(model, name, base, remote),
        Command::HotfixMainFirst => {
            format!("{base} and the tag first, {} later", later(model))
        }
        Command::HotfixFetch => match branch.fetched_at {
            Some(at) => format!("fetch from {remote} · last {} ago", age(model, at)),
            None => format!("fetch from {remote}"),
        },
        Command::HotfixAbandon => format!("abandon {name}"),
        Command::PullLink => match pull(model) {
            Some(pull) => format!("copy the link of #{}", pull.number),
            None => title.to_owned(),
        },
        Command::PullText => "copy the text of the pull request".to_owned(),
        Command::CheckLog => match failed(model).as_slice() {
            [check] => format!("log of {}, which failed", check.name),
            _ => title.to_owned(),
        },
        _ => title.to_owned(),
    }
}

fn push_label(branch: &BranchState, name: &str, remote: &str) -> String {
    match &branch.upstream {
        Some(upstream) if upstream.exists && upstream.ahead > 0 => {
            let s = if upstream.ahead == 1 { "" } else { "s" };
            format!("push {} commit{s} → {}", upstream.ahead, upstream.name)
        }
        _ => format!("push {name} → {remote}"),
    }
}

/// Where finishing brings the fix.
fn finish_label(model: &Model, name: &str, base: &str, remote: &str) -> String {
    let hotfix = &model.config.config.hotfix;
    match hotfix.flow {
        Flow::Trunk => format!("finish: push {base} → {remote}"),
        Flow::GithubFlow => match pull(model) {
            Some(pull) if matches!(pull.state, PullState::Open | PullState::Draft) => {
                format!("finish: merge #{} into {base}", pull.number)
            }
            Some(pull) if matches!(pull.state, PullState::Merged(_)) => {
                format!("finish: tidy up after #{}", pull.number)
            }
            _ => format!("finish: open a pull request into {base}"),
        },
        Flow::GitFlow => {
            let fix = fix(model);
            if fix.owes() {
                return format!("finish {name} → {}{}", fix.owed.join(", "), expected(model));
            }
            let bump = outlook(model).and_then(|outlook| outlook.bump.as_ref());
            let tag = match (&fix.version, bump) {
                (Raised::To(_), Some(bump)) => format!(", tag {}", bump.tag),
                _ => String::new(),
            };
            let later = later(model);
            format!("finish {name} → {base}{tag}, {later}{}", expected(model))
        }
    }
}

/// The branches that a fix is merged back into.
fn later(model: &Model) -> String {
    let forecasts = outlook(model).map(|outlook| outlook.forecasts.as_slice()).unwrap_or_default();
    let base = model.repository().and_then(|branch| branch.base.as_deref());
    let back: Vec<&str> =
        forecasts.iter().map(|forecast| forecast.into.as_str()).filter(|into| Some(*into) != base).collect();
    if back.is_empty() { model.config.config.hotfix.develop.clone() } else { back.join(", ") }
}

/// The version on the base and the one that a bump makes of it, where that can be told.
fn bumped(model: &Model) -> Option<(String, String)> {
    let bump = outlook(model)?.bump.as_ref()?;
    let (line, patch) = bump.from.rsplit_once('.')?;
    let next = format!("{line}.{}", patch.parse::<u64>().ok()?.checked_add(1)?);
    (bump.from == bump.to && bump.disagree.is_empty()).then(|| (bump.from.clone(), next))
}

fn age(model: &Model, at: jiff::Timestamp) -> String {
    let age = model.now.duration_since(at).max(jiff::SignedDuration::ZERO);
    crate::incident::duration(age)
}

/// Why a row cannot be used now; `None`: it can.
pub(super) fn blocked(model: &Model, command: Command) -> Option<String> {
    if let Command::PullLink | Command::PullText | Command::CheckLog = command {
        return pull_blocked(model, command);
    }
    let branch = match &model.branch {
        None => return Some("the repository is being read".to_owned()),
        Some(Err(why)) => return Some(menus::no_repository(why)),
        Some(Ok(branch)) => branch,
    };
    if branch.commit().is_none() {
        return Some("the repository has no commit yet".to_owned());
    }
    if let Some(busy) = menus::busy(model, TARGET) {
        return Some(busy);
    }
    if command == Command::HotfixFetch {
        return needs_remote(branch);
    }
    if let Some(operation) = branch.operation {
        return Some(format!("a {} is under way", operation.name()));
    }
    let on_none = || {
        let none = model.hotfix_branch().is_none();
        none.then(|| match model.config.config.hotfix.flow {
            Flow::Trunk => format!("not on {}", branch.base.as_deref().unwrap_or("the base")),
            Flow::GitFlow | Flow::GithubFlow => "not on a hotfix branch".to_owned(),
        })
    };
    match command {
        Command::HotfixBump => on_none().or_else(|| bump_blocked(model)),
        Command::HotfixPush => {
            on_none().or_else(|| needs_remote(branch)).or_else(|| push_blocked(model, branch))
        }
        Command::HotfixFinish => needs_remote(branch).or_else(|| finish_blocked(model, branch, on_none())),
        Command::HotfixMainFirst => needs_remote(branch).or_else(|| {
            let base = branch.base.as_deref().unwrap_or("the base");
            let done = fix(model).in_base == Some(true) && has_work(model, branch);
            finish_blocked(model, branch, on_none()).or_else(|| done.then(|| format!("{base} has it")))
        }),
        Command::HotfixAbandon => on_none(),
        _ => None,
    }
}

fn needs_remote(branch: &BranchState) -> Option<String> {
    branch.remote.is_none().then(|| "no remote".to_owned())
}

fn bump_blocked(model: &Model) -> Option<String> {
    let outlook = outlook(model)?;
    match &outlook.bump {
        Some(bump) if !bump.disagree.is_empty() => {
            let files: Vec<&str> = bump.disagree.iter().map(|(path, _)| path.as_str()).collect();
            Some(format!("files disagree: {}", files.join(", ")))
        }
        Some(bump) if bump.from != bump.to => Some(format!("already bumped: {} → {}", bump.from, bump.to)),
        _ => None,
    }
}

fn push_blocked(model: &Model, branch: &BranchState) -> Option<String> {
    if branch.not_yet.counts {
        return Some("commits are being counted".to_owned());
    }
    match &branch.upstream {
        Some(upstream) if upstream.exists && upstream.behind > 0 => {
            Some(format!("{} has {} more: fetch and merge them", upstream.name, commits(upstream.behind)))
        }
        Some(upstream) if upstream.exists && upstream.ahead == 0 => Some("nothing to push".to_owned()),
        Some(upstream) if upstream.exists => None,
        _ if standing::commits(&model.config.config.hotfix, branch) == Some(0) => {
            Some("no commit yet".to_owned())
        }
        _ => None,
    }
}

fn commits(count: usize) -> String {
    if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") }
}

/// Finishing can be asked for again at any time: what is left is found out then. So only what is
/// certain to be in its way is said here.
fn finish_blocked(model: &Model, branch: &BranchState, on_none: Option<String>) -> Option<String> {
    let begun = begun(model);
    if on_none.is_some() && !begun {
        return on_none;
    }
    if branch.not_yet.counts {
        return Some("commits are being counted".to_owned());
    }
    if !has_work(model, branch) {
        return Some("no commit yet".to_owned());
    }
    let fix = fix(model);
    let bump = model.keymap.key(Command::HotfixBump).map_or_else(String::new, |key| format!(" ({key})"));
    match &fix.version {
        Raised::Not(version) if fix.flow == Flow::GitFlow && fix.in_base == Some(false) && !begun => {
            Some(format!("the version is still {version}: bump it{bump}"))
        }
        Raised::Disagree if fix.flow == Flow::GitFlow && !begun => Some("version files disagree".to_owned()),
        _ => base_blocked(model, fix.flow, open_pull(model)),
    }
}

fn base_blocked(model: &Model, flow: Flow, pull: Option<&Pull>) -> Option<String> {
    let pull = pull.filter(|_| flow == Flow::GithubFlow)?;
    match standing::fix(
        &model.config.config.hotfix,
        model.repository()?,
        model.outlook.as_ref(),
        model.pull.as_ref(),
    )
    .review
    {
        crate::incident::Review::Unwanted(by) => {
            Some(format!("#{}: {} wants changes", pull.number, by.join(", ")))
        }
        _ => None,
    }
}

/// Whether finishing was carried out before: then there may be work left without a commit ahead.
fn begun(model: &Model) -> bool {
    model.incident().is_some_and(|state| state.plans.iter().any(PlanRun::is_finish))
}

/// Whether there is anything to finish.
fn has_work(model: &Model, branch: &BranchState) -> bool {
    standing::commits(&model.config.config.hotfix, branch) > Some(0) || begun(model) || fix(model).owes()
}

fn pull_blocked(model: &Model, command: Command) -> Option<String> {
    if command == Command::PullText {
        return model.incident().is_none().then(|| "declare or open an incident first".to_owned());
    }
    if pull(model).is_some() {
        let none = command == Command::CheckLog && failed(model).is_empty();
        return none.then(|| "no check failed".to_owned());
    }
    Some(match &model.pull {
        Some(Looked::NoPlace) => "no code host is known here".to_owned(),
        Some(Looked::Unknown { why, .. }) => why.clone(),
        Some(Looked::None) => "none yet".to_owned(),
        None | Some(Looked::Known(_)) => "it is being looked for".to_owned(),
    })
}

/// The checks of the pull request that failed.
fn failed(model: &Model) -> Vec<&Check> {
    let checks = pull(model).map(|pull| pull.checks.as_slice()).unwrap_or_default();
    checks.iter().filter(|check| check.is_bad()).collect()
}

/// Opens what a failed check printed; asks which, where there are several.
pub(super) fn open_log(cx: &mut Cx<'_>, name: &str) {
    let failed: Vec<Check> = failed(cx.model).into_iter().cloned().collect();
    let chosen = match failed.as_slice() {
        [only] if name.is_empty() => Some(only),
        several => several.iter().find(|check| check.name == name),
    };
    if let Some(check) = chosen {
        return suspects::show_log(cx, check.clone());
    }
    let names: Vec<String> = failed.into_iter().map(|check| check.name).collect();
    let items = menus::rows(Command::CheckLog, &names, &[], |index| (names[index].clone(), None));
    cx.push(Overlay::Menu(Menu {
        command: Command::CheckLog,
        title: "Log of which check?".to_owned(),
        note: String::new(),
        items,
        headings: Vec::new(),
        selected: 0,
    }));
}

/// Why issues cannot be opened at the code host, as far as that is known without asking it.
pub(super) fn no_host(model: &Model) -> Option<String> {
    let pull = &model.config.config.hotfix.pull;
    if pull.forge.is_some() || !pull.api.is_empty() {
        return None;
    }
    let branch = model.repository()?;
    if branch.remote.is_none() {
        return Some("no remote that could be at a code host".to_owned());
    }
    matches!(model.pull, Some(Looked::NoPlace)).then(|| "no code host is known here".to_owned())
}

/// Carries a row out.
pub(super) fn invoke(cx: &mut Cx<'_>, command: Command) {
    let request = match command {
        // There is no branch to name.
        Command::HotfixStart => HotfixRequest::Start { name: String::new() },
        Command::HotfixBump => HotfixRequest::Bump { version: None },
        Command::HotfixPush => HotfixRequest::Push,
        Command::HotfixFinish | Command::HotfixMainFirst => {
            HotfixRequest::Finish { main_first: command == Command::HotfixMainFirst, text: words(cx.model) }
        }
        Command::HotfixFetch => HotfixRequest::Fetch,
        Command::HotfixAbandon => HotfixRequest::Abandon,
        Command::PullLink => {
            if let Some(url) = pull(cx.model).map(|pull| pull.url.clone()) {
                cx.effect("copying", Effect::Copy(url));
            }
            return;
        }
        Command::PullText => {
            let words = words(cx.model);
            cx.effect("copying", Effect::Copy(format!("{}\n\n{}", words.title, words.body)));
            return;
        }
        _ => return,
    };
    cx.effect(MAKING, Effect::Prepare(Request::Hotfix(request)));
}

/// Whether the flow knows its branch without being told a name.
pub(super) fn starts_unnamed(model: &Model) -> bool {
    model.config.config.hotfix.for_a_new_branch().flow == Flow::Trunk
}

/// The words of a pull request, from the incident.
fn words(model: &Model) -> PullText {
    match (model.incident(), model.repository()) {
        (Some(state), Some(branch)) => text(state, branch, &model.config.config),
        _ => PullText::default(),
    }
}

/// What is to be expected of the merges, behind the row that makes them.
fn expected(model: &Model) -> String {
    let forecasts = outlook(model).map(|outlook| outlook.forecasts.as_slice()).unwrap_or_default();
    let conflict = |verdict: &Verdict| matches!(verdict, Verdict::Conflicts(_));
    let into: Vec<&str> =
        forecasts.iter().filter(|one| conflict(&one.verdict)).map(|one| one.into.as_str()).collect();
    if into.is_empty() { String::new() } else { format!(" · ▲ conflicts with {}", into.join(", ")) }
}
