//! Carrying out commands: from a key, a menu, the palette, or the mouse.

use super::super::commands::{Command, Danger, Invoke, Scope};
use super::super::edit::LineEdit;
use super::super::model::{ConfigSource, Model, Pane};
use super::super::msg::Effect;
use super::super::overlay::{
    Act, Ask, Confirm, Declare, DeclareStep, Entry, HelpView, Overlay, Palette, Purpose, Scroll, Trust,
};
use super::super::past::Leaf;
use super::super::shared::StartRow;
use super::{
    Cx, approvals, chart, culprits, ending, flags, grade, hotfix, keys, live, menus, message, notes,
    overlays, past, plan_view, present, record, report, rollback, run_view, runbooks, settle, suspects, team,
    timeline,
};
use crate::incident::{PlanRun, RecordId, Role, Status, StepState, same_person};
use crate::plan::Request;
use crate::report::issue;

/// What making a plan is called while it goes on.
pub(super) const MAKING: &str = "making the plan";

/// Carries out a command, or says why not.
pub(super) fn invoke(cx: &mut Cx<'_>, invoke: &Invoke) {
    let command = invoke.command;
    present::invoked(cx.model, invoke);
    let is_blocked = || command == Command::ChartSecond && menus::blocked(cx.model, command).is_some();
    if command.is_menu() && invoke.argument.is_empty() && !is_blocked() {
        let menu = menus::menu(cx.model, command);
        cx.push(Overlay::Menu(menu));
        return;
    }
    if let Some(why) = menus::blocked(cx.model, command) {
        cx.say(format!("{}: {why}", command.spec().title));
        return;
    }
    let (effects, windows) = (cx.model.next_effect, cx.model.overlays.len());
    carry_out(cx, invoke);
    if is_claim(command) {
        return;
    }
    // What asks for a line first was not done before that was taken.
    let asks = matches!(cx.model.overlays.last(), Some(Overlay::Ask(_)));
    if cx.model.next_effect == effects && asks && cx.model.overlays.len() > windows {
        cx.model.asked_by = Some(invoke.clone());
    } else {
        remember(cx.model, invoke);
    }
}

/// Whether it records something that people will believe: the palette does not put it a key away.
fn is_claim(command: Command) -> bool {
    use Command::{Close, Mitigate, Phase, Reopen, Resolve};
    matches!(command, Mitigate | Resolve | Reopen | Close | Phase)
}

fn carry_out(cx: &mut Cx<'_>, invoke: &Invoke) {
    let command = invoke.command;
    match command {
        Command::Palette
        | Command::Help
        | Command::Errors
        | Command::Trust
        | Command::Report
        | Command::Agenda => {
            open(cx, command);
        }
        Command::Quit => ending::quit(cx, &invoke.argument),
        Command::Suspend => {
            cx.effect("suspending", Effect::Suspend);
        }
        Command::FocusTimeline
        | Command::FocusHealth
        | Command::FocusHotfix
        | Command::FocusChecklist
        | Command::FocusRuns => {
            focus(cx.model, Pane::ALL[command as usize - Command::FocusTimeline as usize]);
        }
        Command::NextPane => step_focus(cx.model, 1),
        Command::PreviousPane => step_focus(cx.model, Pane::ALL.len() - 1),
        Command::Zoom => {
            cx.model.zoom = !cx.model.zoom;
            cx.model.chart.alone = false;
        }
        Command::Up
        | Command::Down
        | Command::PageUp
        | Command::PageDown
        | Command::Top
        | Command::Bottom => {
            keys::motion(cx, command);
        }
        Command::Open => open_cursor(cx),
        Command::Fold => timeline::fold(cx),
        Command::Back => back(cx.model),
        Command::Theme => next_theme(cx),
        Command::TimeZone => {
            let looks = &mut cx.model.looks;
            looks.zone = if looks.zone == jiff::tz::TimeZone::UTC {
                looks.local.clone()
            } else {
                jiff::tz::TimeZone::UTC
            };
        }
        Command::Presenter => present::toggle(cx),
        Command::Guide => cx.model.looks.guide = !cx.model.looks.guide,
        Command::Incidents => {
            cx.model.log = None;
            cx.effect("listing incidents", Effect::ListIncidents);
        }
        Command::Refresh => {
            cx.effect("reading the repository", Effect::RefreshBranch);
        }
        Command::ProbeNow => {
            cx.effect("running the probes", Effect::ProbeNow);
        }
        command if command.is_chart() => chart::command(cx, invoke),
        Command::Init => {
            cx.effect("looking at the repository", Effect::DraftConfig);
        }
        Command::DrillFix => {
            cx.effect("applying the fix", Effect::DrillFix);
        }
        Command::DrillGrade => grade::open(cx, false),
        Command::Test | Command::Deploy | Command::Smoke | Command::Watch | Command::Actions => {
            prepare(cx, invoke);
        }
        Command::Backlog => super::declare::file(cx),
        Command::Flags => flags::open(cx),
        Command::Culprits => culprits::open(cx),
        Command::Message => message::open(cx, &invoke.argument),
        Command::History => past::open(cx, Leaf::Incidents),
        Command::FollowUps => past::open(cx, Leaf::FollowUps),
        Command::FollowUpSend => {
            let texts = cx.model.incident().map(issue::unsent).unwrap_or_default();
            cx.effect(MAKING, Effect::Prepare(Request::FollowUps { texts }));
        }
        Command::Runbooks => runbooks::open(cx, &invoke.argument),
        Command::HotfixStart if hotfix::starts_unnamed(cx.model) => hotfix::invoke(cx, command),
        Command::HotfixBump
        | Command::HotfixPush
        | Command::HotfixFinish
        | Command::HotfixMainFirst
        | Command::HotfixFetch
        | Command::HotfixAbandon
        | Command::PullLink
        | Command::PullText => hotfix::invoke(cx, command),
        Command::CheckLog => hotfix::open_log(cx, &invoke.argument),
        Command::Note
        | Command::Finding
        | Command::Decision
        | Command::Problem
        | Command::ActionTaken
        | Command::Well
        | Command::Better
        | Command::FollowUp => notes::ask(cx, command),
        Command::Severity
        | Command::Filter
        | Command::Title
        | Command::Began
        | Command::Impact
        | Command::Cause
        | Command::Role
        | Command::Page
        | Command::Reopen
        | Command::HotfixStart
        | Command::HotfixNot => ask_for(cx, invoke),
        // Each works in the window that it is named for.
        Command::Details
        | Command::Propose
        | Command::Override
        | Command::Verbal
        | Command::RollbackAgain
        | Command::RollbackNot
        | Command::FlagToggle
        | Command::FlagOn
        | Command::FlagOff
        | Command::FlagsAgain
        | Command::RuleOut
        | Command::CulpritFound
        | Command::OddFollowUp
        | Command::MessageEdit
        | Command::MessageEditor
        | Command::MessageCopy
        | Command::MessageKind
        | Command::MessageAgain
        | Command::MessageDrafted
        | Command::MessageLook
        | Command::FollowUpDone
        | Command::FollowUpDrop
        | Command::FollowUpAssign
        | Command::FollowUpSync
        | Command::ReportSave
        | Command::ReportCopy
        | Command::ReportExport
        | Command::ReportHtml
        | Command::ReportBranch
        | Command::ReportFill => {}
        Command::Answer
        | Command::FindText
        | Command::FindNext
        | Command::FindPrevious
        | Command::SelectLines
        | Command::CopyLines
        | Command::Left
        | Command::Right => run_view::command(cx, command),
        Command::Live | Command::Clear => live::command(cx, command),
        Command::Plan => plan_view::open(cx, &invoke.argument),
        Command::Approve => approvals::open(cx, &invoke.argument),
        Command::Reject => approvals::open_to_reject(cx),
        Command::CopyApproval => approvals::copy(cx, &invoke.argument),
        Command::PlanResume
        | Command::PlanRetry
        | Command::PlanSkip
        | Command::PlanUndo
        | Command::PlanApprove
        | Command::PlanReject
        | Command::PlanCancel => plan_view::ask(cx, command),
        Command::PlanSettle => settle::edit(cx),
        Command::PlanTakeOver => {
            if let Some(target) = plan_view::held(cx.model) {
                let purpose = Purpose::TakeOver(target);
                ask(cx, purpose, "take over", "why; only if the plan's process is gone", String::new());
            }
        }
        Command::Suspects => suspects::open(cx),
        Command::SuspectRevert | Command::SuspectBisect | Command::SuspectsAgain => {
            suspects::command(cx, invoke);
        }
        Command::RollBack => rollback::open(cx, &invoke.argument),
        Command::Handoff | Command::Snooze | Command::Task | Command::Motion | Command::Review => {
            team::command(cx, invoke);
        }
        command if menus::is_of_team(command) => team::command(cx, invoke),
        Command::Declare => match cx.model.open_now() {
            Some((number, title)) if invoke.argument.is_empty() => {
                let body = format!("{number} is open: {title}. Another incident has a record of its own.");
                cx.push(Overlay::Confirm(Confirm {
                    title: "Declare another incident?".to_owned(),
                    body,
                    claim: None,
                    against: Vec::new(),
                    yes: "declare another".to_owned(),
                    no: "back",
                    act: Act::Invoke(Invoke { command: Command::Declare, argument: "another".to_owned() }),
                    more: Vec::new(),
                    lapsed: String::new(),
                    shown_ms: None,
                    scroll: Scroll::default(),
                }));
            }
            _ => declare(cx),
        },
        Command::Stop => ending::ask_stop(cx, invoke),
        Command::Prove => prove(cx),
        _ => record::record(cx, invoke),
    }
}

/// Remembers what was done, for the palette. What only moves or looks is not worth it.
pub(super) fn remember(model: &mut Model, invoke: &Invoke) {
    if invoke.command.spec().danger == Danger::View && invoke.command.spec().scope == Scope::Global {
        return;
    }
    model.recent.retain(|done| done != invoke);
    model.recent.push_front(invoke.clone());
    model.recent.truncate(Model::MAX_RECENT);
}

fn open(cx: &mut Cx<'_>, command: Command) {
    let overlay = match command {
        Command::Palette => {
            let items = menus::everything(cx.model);
            let recent = cx.model.recent.iter().cloned().collect();
            let next = menus::pressing(cx.model, &items);
            let input = LineEdit::default();
            let mut palette = Palette { input, items, next, recent, matches: Vec::new(), selected: 0 };
            overlays::search(&mut palette);
            Overlay::Palette(palette)
        }
        Command::Help => Overlay::Help(HelpView::default()),
        Command::Errors => {
            cx.model.unseen = 0;
            Overlay::Errors(Scroll { top: usize::MAX })
        }
        Command::Trust if matches!(cx.model.config.source, ConfigSource::Untrusted { .. }) => {
            Overlay::Trust(Trust::default())
        }
        Command::Trust if matches!(cx.model.config.source, ConfigSource::Invalid(_)) => {
            cx.model.unseen = 0;
            Overlay::Errors(Scroll { top: usize::MAX })
        }
        Command::Report | Command::Agenda => match report::view(cx.model, command == Command::Agenda) {
            Some(view) => Overlay::Report(Box::new(view)),
            None => return,
        },
        _ => return,
    };
    cx.push(overlay);
}

/// Undoes what was done last to the view: the moment that the chart stands at, the filter of the focused
/// pane, else its zoom.
fn back(model: &mut Model) {
    let pane = model.focus;
    if pane == Pane::Health && model.chart.still.take().is_some() {
        return;
    }
    let view = model.view_mut(pane);
    if view.filter.is_empty() {
        model.zoom = false;
        model.chart.alone = false;
    } else {
        view.filter.clear();
        view.filtered_since = None;
        view.cursor = None;
    }
}

fn focus(model: &mut Model, pane: Pane) {
    model.focus = pane;
}

fn step_focus(model: &mut Model, by: usize) {
    model.focus = Pane::ALL[(model.focus as usize + by) % Pane::ALL.len()];
}

fn next_theme(cx: &mut Cx<'_>) {
    let looks = &mut cx.model.looks;
    let here = looks.themes.iter().position(|name| *name == looks.theme).unwrap_or(0);
    if let Some(name) = looks.themes.get((here + 1) % looks.themes.len().max(1)) {
        looks.theme = name.clone();
        let word = format!("theme {name}");
        cx.say(word);
    }
}

/// Opens what the cursor of the focused pane is on.
fn open_cursor(cx: &mut Cx<'_>) {
    if cx.model.log.is_none() {
        match cx.model.start_row() {
            StartRow::Declare => invoke(cx, &Command::Declare.into()),
            StartRow::Join(row) => {
                let id = cx.model.offered().get(row).map(|one| one.id);
                if let Some(id) = id {
                    cx.effect("joining the incident", Effect::Join(id));
                }
            }
            StartRow::Open(row) => {
                if let Some(id) = cx.model.incidents.get(row).map(|line| line.id) {
                    cx.effect("opening the incident", Effect::OpenIncident(id));
                }
            }
        }
        return;
    }
    match cx.model.focus {
        Pane::Timeline => {
            let row = cursor_row(cx.model);
            let entries = cx.model.timeline_entries(row);
            let Some(shown) = cx.model.timeline_entry(row) else { return };
            // A plan is told by its steps, each with its output.
            let folded = cx.model.timeline_fold(row).is_some();
            let plan = cx.model.incident().filter(|_| !folded).and_then(|state| state.plan(shown.about));
            let plan = plan.map(|plan| plan.id.clone());
            if let Some(plan) = plan {
                plan_view::open(cx, &plan);
            } else {
                let lines = entries.iter().map(|entry| entry.id).collect();
                cx.push(Overlay::Entry(Entry { lines, scroll: Scroll::default() }));
            }
        }
        Pane::Runs => {
            let row = cx.model.view(Pane::Runs).cursor.unwrap_or(0);
            let plan = cx.model.plan_rows().nth(row).cloned();
            if let Some(plan) = plan {
                plan_view::open_row(cx, &plan);
            }
        }
        Pane::Hotfix => {
            let row = cx.model.view(Pane::Hotfix).cursor.unwrap_or(0);
            let commit = cx.model.repository().and_then(|branch| branch.commits.get(row));
            match commit.map(|commit| (commit.id.clone(), commit.subject.clone())) {
                Some((id, subject)) => suspects::show_commit(cx, id, &subject),
                None => cx.model.zoom = !cx.model.zoom,
            }
        }
        Pane::Health => chart::open(cx),
        Pane::Checklist => cx.model.zoom = !cx.model.zoom,
    }
}

/// Asks for the text to look for in the output of a run.
pub(super) fn ask_to_find(cx: &mut Cx<'_>, text: String) {
    ask(cx, Purpose::Find, "find", "text in the output; lower case matches both", text);
}

pub(super) fn entry_at_cursor(model: &Model) -> Option<RecordId> {
    model.timeline_entry(cursor_row(model)).map(|entry| entry.id)
}

/// The row of the timeline that the cursor is on.
pub(super) fn cursor_row(model: &Model) -> usize {
    model.view(Pane::Timeline).cursor.unwrap_or(model.timeline_len().saturating_sub(1))
}

fn prepare(cx: &mut Cx<'_>, invoke: &Invoke) {
    let name = invoke.argument.clone();
    let request = match invoke.command {
        Command::Test if name == menus::ALL => Request::Test { checks: Vec::new() },
        Command::Test => Request::Test { checks: vec![name] },
        Command::Deploy => Request::Deploy { environment: name, reference: None },
        Command::Watch => Request::Watch { environment: name, time: None },
        Command::Actions => Request::Action { name },
        _ => Request::Smoke { environment: name },
    };
    cx.effect(MAKING, Effect::Prepare(request));
}

fn declare(cx: &mut Cx<'_>) {
    let at = cx.model.now;
    let open = cx.model.open_incidents().count();
    let started = super::declare::proposed(cx.model);
    cx.push(Overlay::Declare(Declare {
        step: DeclareStep::Title,
        title: LineEdit::default(),
        answers: Vec::new(),
        changing: false,
        severity: None,
        impact: LineEdit::default(),
        started,
        complaint: String::new(),
        at,
        open,
    }));
}

/// Asks for the line of text that a command needs.
fn ask_for(cx: &mut Cx<'_>, invoke: &Invoke) {
    let state = cx.model.incident();
    let (purpose, label, placeholder, text) = match invoke.command {
        Command::Title => {
            let text = state.map_or_else(String::new, |s| s.title.clone());
            (Purpose::Title, "Title: what is broken, in one line?", "for example checkout answers 500", text)
        }
        Command::Began => {
            let zone = cx.model.looks.zone_name(cx.model.now);
            let placeholder = format!("14:02 ({zone}), -5m or 2026-03-01T14:02:00Z");
            return ask(cx, Purpose::Began, "When did it begin?", &placeholder, String::new());
        }
        Command::Impact => {
            let text = state.map_or_else(String::new, |s| s.impact.clone());
            (
                Purpose::Impact,
                "Impact: who is affected, and how?",
                "for example half of the orders are not paid",
                text,
            )
        }
        Command::Cause => {
            // What was found of a culprit is proposed beside the line: it is evidence, and no cause yet.
            let text = state.map_or_else(String::new, |s| s.cause.clone());
            (Purpose::Cause, "Cause: what broke, and why?", "for example the pool was set too small", text)
        }
        Command::Role => return ask_role(cx, &invoke.argument),
        Command::Page if !cx.model.channels_for(Role::ON_CALL).is_empty() => {
            let placeholder = "on-call is paged by its channel; for others write how: li by phone";
            (Purpose::Page, "Page whom?", placeholder, String::new())
        }
        Command::Page => (Purpose::Page, "Who was paged, and how?", "for example li by phone", String::new()),
        Command::Reopen if state.is_some_and(|state| state.status == Status::Mitigated) => {
            let label = "Not mitigated after all: what hits users again?";
            (Purpose::Reopen, label, "for example checkout answers 500 again", String::new())
        }
        Command::Reopen => {
            (Purpose::Reopen, "Reopen: why is it not over?", "for example it fails again", String::new())
        }
        Command::HotfixStart => {
            (Purpose::HotfixName, "Name of the hotfix branch", "for example pool-limit", String::new())
        }
        Command::HotfixNot => {
            let placeholder = "for example it is the provider's outage";
            (Purpose::NoHotfix, "No hotfix needed: why?", placeholder, String::new())
        }
        Command::Filter => {
            let filter = match cx.model.overlays.last() {
                Some(Overlay::Help(help)) => help.filter.clone(),
                Some(Overlay::Runbooks(view)) => view.filter.clone(),
                _ => cx.model.view(cx.model.focus).filter.clone(),
            };
            let placeholder = if crate::cockpit::complete::sifts(cx.model) {
                "a text, by:maya or kind:decision"
            } else {
                "only lines that contain this"
            };
            (Purpose::Filter, "filter", placeholder, filter)
        }
        Command::Severity => return super::declare::severity(cx, &invoke.argument),
        _ => return,
    };
    ask(cx, purpose, label, placeholder, text);
}

/// Asks why production is not put back.
pub(super) fn ask_no_rollback(cx: &mut Cx<'_>) {
    let placeholder = "for example the schema moved on";
    ask(cx, Purpose::NoRollback, "No rollback: why?", placeholder, String::new());
}

/// Asks who has a role; suggests whoever has it.
fn ask_role(cx: &mut Cx<'_>, role: &str) {
    let title = cx.model.policy.role_title(role);
    let holder = cx.model.incident().and_then(|state| state.roles.get(role));
    let label = capital(&match holder {
        Some(holder) if same_person(holder, &cx.model.me) => format!("{title}: you have it. Who takes it?"),
        Some(holder) => format!("{title}: {holder} has it. Who takes it?"),
        None => format!("{title}: who?"),
    });
    let input = LineEdit::suggesting(holder.cloned().unwrap_or_else(|| likely(cx.model, role)));
    let nobody = "nobody: the role is left unfilled";
    cx.push(Overlay::Ask(Ask::new(Purpose::Role(role.to_owned()), label, nobody, input)));
}

/// Who may be meant to take a role that nobody has: whoever was paged as on call, whom the configuration names for it,
/// or whoever sits here and has no role yet. Empty: nobody comes to mind.
fn likely(model: &Model, role: &str) -> String {
    let Some(state) = model.incident() else { return model.me.clone() };
    let paged = state.paged.last().filter(|_| role == Role::ON_CALL).map(|(_, who)| who);
    let people = &model.config.config.people;
    // Whoever asks who leads is about to, mostly.
    let may_be_named = role != Role::COMMANDER;
    let usual = || people.iter().find(|person| may_be_named && person.roles.iter().any(|one| one == role));
    let has_one = || state.roles.values().any(|holder| same_person(holder, &model.me));
    match (paged, usual()) {
        (Some(who), _) if !who.is_empty() => who.clone(),
        (_, Some(person)) => person.name.clone(),
        _ if has_one() => String::new(),
        _ => model.me.clone(),
    }
}

/// Puts a line of text to be asked for on top.
pub(super) fn ask(cx: &mut Cx<'_>, purpose: Purpose, label: &str, placeholder: &str, text: String) {
    cx.push(Overlay::Ask(Ask::new(purpose, label, placeholder, LineEdit::new(text))));
}

/// A sentence of words that may stand in the middle of one.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The plan in the plan view, else under the cursor of the runs.
pub(super) fn plan_at(model: &Model) -> Option<&PlanRun> {
    match model.plan_view() {
        Some(view) => model.incident()?.plan(&view.plan),
        None => model.plan_rows().nth(model.view(Pane::Runs).cursor.unwrap_or(0)),
    }
}

fn prove(cx: &mut Cx<'_>) {
    let unknown = |plan: &PlanRun| plan.steps.iter().any(|step| step.state() == StepState::Unknown);
    match plan_at(cx.model).map(|plan| (plan.id.clone(), unknown(plan))) {
        Some((plan, true)) => {
            cx.effect("asking whether it is done", Effect::Prove { plan });
        }
        Some(_) => cx.say("its outcome is known"),
        None => {}
    }
}
