//! Facts from the world, and effects that have ended.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::commands::Command;
use super::super::gone;
use super::super::model::{ConfigSource, IncidentLine, Model, Output, Pane};
use super::super::msg::{Done, Effect, EffectId, Fact, Item, JournalState};
use super::super::overlay::{DraftView, Overlay, Preview, Scroll, Trust};
use super::super::shared::{Shared, StartRow};
use super::{
    Cx, compared, elsewhere, flags, grade, live, menus, message, overlays, overtaken, past, plan_view,
    rollback, run_view, runbooks, settle, survey, suspects, terminal,
};
use crate::failure::{Failure, FailureKind};
use crate::health::network::{self, Network};
use crate::health::series::{self, State, Verdict};
use crate::incident::{self, Alarm, Body, Draft, IncidentId, Log, Missing, Precision, Record, Taken};
use crate::text::visible;

/// Takes in a fact.
pub(super) fn fact(cx: &mut Cx<'_>, fact: Fact) {
    match fact {
        Fact::Records(records) => insert(cx, records),
        Fact::Here(node) => cx.model.here = node,
        Fact::Others { plan, said } => plan_view::others(cx.model, &plan, said.as_ref()),
        Fact::Vouched(vouched) => {
            if let Some(log) = &mut cx.model.log {
                log.set_vouched(vouched);
            }
        }
        Fact::Opened(log) => opened(cx, *log),
        Fact::Incidents(lines) => incidents(cx, lines),
        Fact::Branch(branch) => {
            let moved =
                rollback::depends(cx.model.repository()) != rollback::depends(branch.as_ref().as_ref().ok());
            cx.model.ways.stale |= moved;
            cx.model.suspects.stale |= moved;
            cx.model.branch = Some(*branch);
        }
        Fact::Outlook(outlook) => cx.model.outlook = Some(*outlook),
        Fact::Outside(deploys) => cx.model.outside = deploys,
        Fact::Pull(pull) => cx.model.pull = Some(*pull),
        Fact::Shared(shared) => sharing(cx, *shared),
        Fact::Veil(veil) => cx.model.present.veil = veil,
        Fact::Suspects(looked) => suspects::found(cx, *looked),
        Fact::Ways { environment, looked } => rollback::found(cx, environment, looked),
        Fact::Health { probes } => {
            cx.model.network = network::network(&probes.iter().map(AsRef::as_ref));
            cx.model.probes = probes;
            record_alarms(cx);
        }
        Fact::Config(config) => {
            if let ConfigSource::Invalid(failure) = &config.source {
                let failure = failure.clone();
                cx.fail(failure);
            }
            cx.model.policy = incident::Policy::built_in().with(&config.config.policy);
            let is_new = cx.model.config.source != config.source;
            let is_other = is_new || cx.model.config.config != config.config;
            cx.model.config = *config;
            past::work_out(cx.model);
            for overlay in cx.model.overlays.iter_mut().filter(|_| is_new) {
                if let Overlay::Trust(view) = overlay {
                    // What would be trusted now has not been on the screen.
                    *view = Trust { changed: true, ..Trust::default() };
                }
            }
            if is_other {
                overtaken::configured_anew(cx.model);
            }
            cx.model.ways.known.clear();
            cx.model.ways.stale = true;
            cx.model.suspects.stale = true;
        }
        Fact::Runbooks(shelf) => runbooks::listed(cx.model, *shelf),
        Fact::Output { follow, run, bytes } => output(cx.model, follow, &run, &bytes),
        Fact::Jobs { follow, run, jobs } => {
            if let Some(output) = followed(cx.model, follow, &run) {
                output.jobs = jobs;
            }
        }
        Fact::Failed(failure) => cx.fail(failure),
        Fact::Lost(failure, log) => lost(cx, failure, *log),
        Fact::Journal(state) => journal(cx, state),
    }
}

/// Most records that are named where some are gone.
const NAMED: usize = 5;
/// So many characters of what each of them said.
const FIRST_WORDS: usize = 60;

/// Takes in that records which were shown are gone, and says what they were: nothing else may know.
fn lost(cx: &mut Cx<'_>, failure: Failure, log: Log) {
    let before = cx.model.log.as_ref().filter(|known| known.state().id == log.state().id);
    let (count, newest) = before.map_or_else(Default::default, |known| known.missing_in(&log, NAMED));
    let are_gone = match count {
        0 => "records are gone".to_owned(),
        1 => "1 record that was shown is gone".to_owned(),
        _ => format!("{count} records that were shown are gone"),
    };
    let mut lines = vec![failure.cause];
    if !newest.is_empty() {
        let order = if count == 1 { "" } else { ", the newest first" };
        lines.push(format!("{are_gone}{order}:"));
        let zone = &cx.model.looks.zone;
        lines.extend(newest.iter().map(|missing| format!("  {}", named(missing, zone))));
        if count > newest.len() {
            lines.push(format!("  and {} more", count - newest.len()));
        }
        lines.push("these lines are all that is left of them, until this cockpit ends".to_owned());
    }
    let key = cx.model.keymap.key(Command::Errors);
    let key = key.map_or_else(String::new, |key| format!("  [{key}] details"));
    cx.say(format!("✗ {are_gone} from the journal{key}"));
    cx.fail(Failure { cause: lines.join("\n"), ..failure });
    opened(cx, log);
}

/// A record that is gone: when it was written, what it was, who wrote it and its first words.
fn named(missing: &Missing<'_>, zone: &TimeZone) -> String {
    let at = missing.recorded_at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z");
    let text = missing.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = text.chars().take(FIRST_WORDS).collect();
    let text = if short.len() < text.len() { short + "…" } else { text };
    let colon = if text.is_empty() { "" } else { ": " };
    format!("{at}  {} by {}{colon}{text}", missing.name, visible(missing.author))
}

/// Takes in whether what is done can be saved.
fn journal(cx: &mut Cx<'_>, state: JournalState) {
    let before = cx.model.read_only.take();
    cx.model.journal_gone = matches!(state, JournalState::Gone(_));
    match state {
        JournalState::Writable if before.is_some() => {
            cx.say("the journal can be written again".to_owned());
        }
        JournalState::Writable => {}
        JournalState::ReadOnly(why) => cx.model.read_only = Some(why),
        JournalState::Gone(failure) => {
            cx.model.read_only = Some(failure.cause.clone());
            cx.fail(failure);
        }
    }
}

/// Takes in how an effect ended.
pub(super) fn done(cx: &mut Cx<'_>, id: EffectId, result: Result<Done, Failure>) {
    cx.model.in_flight.remove(&id);
    let sent = cx.model.sent.remove(&id);
    rollback::looked(cx.model, id);
    survey::ended(cx.model, id);
    compared::ended(cx.model, id);
    let settles = matches!(result, Ok(Done::Left(_)));
    if !settles {
        settle::ended(cx, id);
    }
    suspects::looked(cx.model, id);
    past::ended(cx.model, id);
    if cx.model.alarms_in_flight == Some(id) {
        cx.model.alarms_in_flight = None;
        if result.is_err() {
            // None of it is on record: it is tried again at once.
            cx.model.alarms_seen.clear();
        }
    }
    let is_reload = cx.model.reloading.take_if(|reloading| *reloading == id).is_some();
    let Some(result) = run_view::done(cx, id, result) else { return };
    let result = result.map(|done| match done {
        Done::Saved { incident, path } => overlays::report_saved(cx, incident, &path),
        done => done,
    });
    let Some(result) = overlays::report_done(cx.model, id, result) else { return };
    let Some(result) = message::done(cx, id, result) else { return };
    let Some(result) = super::pages::done(cx, id, result) else { return };
    match result {
        // Whoever left the incident meanwhile is not brought back to it.
        Ok(Done::Opened(log)) if is_reload && !is_open(cx.model, &log) => {}
        Ok(Done::Quietly | Done::Read(_) | Done::Saved { .. } | Done::Text(_) | Done::OnCall(_)) => {}
        Ok(Done::Said(word)) => cx.say(word),
        Ok(Done::IssuesRead { read, closed, gone }) => past::issues_read(cx, read, closed, gone),
        Ok(Done::Left(files)) => settle::found(cx, id, files),
        Ok(Done::Lessons(found)) => grade::found(cx, id, &found),
        Ok(Done::Appended(records)) => insert(cx, records),
        Ok(Done::Opened(log)) => opened(cx, *log),
        Ok(Done::Prepared(plan)) if plan.steps.is_empty() => {
            let said = plan.nothing_left().unwrap_or_default();
            for follow_up in plan.follow_ups {
                cx.append(follow_up.what);
            }
            cx.say(visible(&said));
        }
        Ok(Done::Prepared(plan)) => {
            let ask = plan.is_for_one().then(|| Effect::AskOthers(plan.clone()));
            cx.push(Overlay::Preview(Box::new(Preview::new(*plan))));
            if let Some(ask) = ask {
                cx.effect("asking the remote", ask);
            }
        }
        Ok(Done::Compared(answers)) => compared::found(cx.model, answers),
        Ok(Done::Change(text)) => suspects::read(cx.model, id, *text),
        Ok(Done::ByHand(words)) => cx.push(Overlay::ByHand(words, Scroll::default())),
        Ok(Done::Draft(path, content)) => {
            let path = path.display().to_string();
            let draft = DraftView { path, content, scroll: Scroll::default(), shown_ms: None };
            cx.push(Overlay::Draft(Box::new(draft)));
        }
        Ok(Done::Live(release)) => live::found(cx, *release),
        Ok(Done::Flags(states)) => flags::read(cx, id, states),
        Ok(Done::Templates(own)) => message::templates(cx, id, own),
        Ok(Done::Past(found)) => past::found(cx.model, *found),
        Ok(Done::Runbooks(shelf)) => runbooks::listed(cx.model, *shelf),
        Ok(Done::Runbook(page)) => runbooks::show(cx, *page),
        Ok(Done::Started { plan, records }) => {
            insert(cx, records);
            close_preview(cx, &plan);
        }
        Ok(Done::Decided { plan, records }) => {
            insert(cx, records);
            plan_view::decided(cx, &plan);
        }
        Err(failure) => {
            // What was typed and could not be saved or used is given back, with the reason.
            let mut is_shown = sent.is_some();
            if let Some(mut ask) = sent {
                ask.complaint = failure.in_a_line();
                // Not what was typed into the same prompt since.
                cx.model.overlays.push(Overlay::Ask(ask));
            }
            // A plan that could not be started is still there to be read, and to be tried again.
            let mut ask = None;
            for overlay in &mut cx.model.overlays {
                if let Overlay::Preview(preview) = overlay
                    && preview.starting
                {
                    is_shown = true;
                    preview.starting = false;
                    preview.shown_ms = None;
                    preview.complaint = failure.in_a_line();
                    // It may be refused for what was found only then.
                    let is_gate = failure.kind == FailureKind::Gate && preview.plan.is_for_one();
                    ask = is_gate.then(|| Effect::AskOthers(Box::new(preview.plan.clone())));
                }
            }
            is_shown |= plan_view::refused(cx.model, &failure.in_a_line());
            flags::not_read(cx.model, id);
            suspects::not_read(cx.model, id, &failure);
            // Where nothing open shows it, whoever pressed the key would see nothing happen.
            if !is_shown {
                cx.say(format!("✗ {}", failure.in_a_line()));
            }
            cx.fail(failure);
            if let Some(ask) = ask {
                cx.effect("asking the remote", ask);
            }
        }
    }
}

/// Tells whether this is the incident that is on the screen.
fn is_open(model: &Model, log: &Log) -> bool {
    model.incident().is_some_and(|known| known.id == log.state().id)
}

fn opened(cx: &mut Cx<'_>, log: Log) {
    let model = &mut *cx.model;
    if !is_open(model, &log) {
        model.views = Default::default();
        model.following = None;
        model.output = None;
        // What was on record of probes was about another one.
        model.alarms_seen.clear();
    }
    model.suspects.stale = true;
    model.now = caught_up(model.now, log.state());
    model.log = Some(log);
    record_alarms(cx);
    rollback::record_live(cx);
}

/// Closes the preview of a plan that was started.
fn close_preview(cx: &mut Cx<'_>, plan: &str) {
    cx.model
        .overlays
        .retain(|overlay| !matches!(overlay, Overlay::Preview(preview) if preview.plan.id == plan));
    // The choice was made: what it comes to is beneath.
    cx.model.overlays.retain(|overlay| {
        !matches!(overlay, Overlay::Rollback(_) | Overlay::Suspects(_) | Overlay::Change(_))
    });
    cx.model.view_mut(Pane::Runs).cursor = None;
    let key = cx
        .model
        .keymap
        .key(Command::FocusRuns)
        .map_or_else(String::new, |key| format!("  [{key} ⏎] its output"));
    cx.say(format!("started{key}"));
}

/// Folds records in; those already known change nothing.
/// Takes in the list of incidents. The cursor stays on the incident it is on: one that is declared
/// elsewhere comes in above it.
fn incidents(cx: &mut Cx<'_>, lines: Vec<IncidentLine>) {
    let model = &mut *cx.model;
    let at = match model.start_row() {
        StartRow::Open(row) => model.incidents.get(row).map(|line| line.id),
        StartRow::Declare | StartRow::Join(_) => None,
    };
    let open = model.incident().map(|state| state.id);
    let new = |line: &&IncidentLine| {
        line.is_open() && open != Some(line.id) && model.incidents.iter().all(|known| known.id != line.id)
    };
    let declared = lines.iter().find(new).filter(|_| model.listed && open.is_some()).map(|line| {
        format!(
            "another incident is open: {} {} {}",
            line.number,
            model.policy.severity_name(line.severity),
            line.title
        )
    });
    model.past.stale = true;
    model.incidents = lines;
    model.listed = true;
    stay_on(model, at);
    if let Some(declared) = declared {
        cx.say(declared);
    }
}

/// Keeps the cursor of the start screen on the incident it is on, whatever came in above it.
fn stay_on(model: &mut Model, at: Option<IncidentId>) {
    let offered = model.offered().len();
    let stays = at.and_then(|at| model.incidents.iter().position(|line| line.id == at));
    model.start_row =
        stays.map_or_else(|| model.start_row.min(model.last_start_row()), |row| 1 + offered + row);
}

/// Takes in how far sharing is.
fn sharing(cx: &mut Cx<'_>, shared: Shared) {
    let was_kept = cx.model.shared.as_ref().is_some_and(|known| known.kept == shared.kept);
    if let Some((why, way_out)) = shared.kept.as_ref().filter(|_| !was_kept && shared.incident.is_some()) {
        cx.say(format!("not shared with other machines: {why}; {way_out}"));
    }
    let model = &mut *cx.model;
    let at = match model.start_row() {
        StartRow::Open(row) => model.incidents.get(row).map(|line| line.id),
        StartRow::Declare | StartRow::Join(_) => None,
    };
    model.shared = Some(shared);
    stay_on(model, at);
}

fn insert(cx: &mut Cx<'_>, records: Vec<Record>) {
    let Some(log) = &mut cx.model.log else { return };
    let incident = log.state().id;
    let before = Some(log.state().status);
    let ended = flags::ended(&records);
    cx.model.ways.stale |= records.iter().any(|record| rollback::matters(&record.body));
    cx.model.suspects.stale |= records.iter().any(|record| suspects::matters(&record.body));
    let ran = records.iter().any(|record| matches!(record.body, Body::StepEnded(_)));
    let mut is_whole = true;
    let written = elsewhere::written(&records);
    for record in records.into_iter().filter(|record| record.incident == incident) {
        // What cannot be folded in comes with the incident as a whole; the rest is shown at once.
        is_whole &= log.insert(record) != Taken::Anew;
    }
    cx.model.past.stale = true;
    let set_one = flags::set_one(log.state(), &ended);
    cx.model.now = caught_up(cx.model.now, log.state());
    elsewhere::flash(cx.model, &written);
    // What comes before the answer was written before it is loaded: once is enough.
    if !is_whole && cx.model.reloading.is_none() {
        cx.model.reloading = Some(cx.effect("reading the incident", Effect::OpenIncident(incident)));
    }
    if ran {
        cx.effect("reading the repository", Effect::RefreshBranch);
    }
    if set_one {
        flags::ask(cx);
    }
    renew_menu(cx.model);
    grade::at_the_end(cx, before);
}

/// Has an open menu that counts down say what is left now.
pub(super) fn renew_times(model: &mut Model) {
    if let Some(Overlay::Menu(shown)) = model.overlays.last()
        && matches!(shown.command, Command::Team | Command::Snooze | Command::Clocks)
    {
        renew_menu(model);
    }
}

/// Has an open menu say what holds now. Its rows stay where they are and keep their keys: somebody may be about
/// to press one.
fn renew_menu(model: &mut Model) {
    let Some(Overlay::Menu(shown)) = model.overlays.last() else { return };
    // What was chosen for these is known only to who opened them.
    if matches!(shown.command, Command::SuspectBisect | Command::CheckLog | Command::Retract | Command::Pin) {
        return;
    }
    let fresh = menus::menu(model, shown.command);
    let Some(Overlay::Menu(shown)) = model.overlays.last_mut() else { return };
    shown.note = fresh.note;
    // Several clocks ask for the same: they are told apart by their names.
    let named = shown.command == Command::Clocks;
    let is_it = |one: &Item, other: &Item| {
        one.invoke == other.invoke && (!named || menus::clock_of(one) == menus::clock_of(other))
    };
    for item in &mut shown.items {
        let same = |new: &&Item| new.key == item.key && is_it(new, item);
        // What has another key by now keeps the one that is on the screen.
        let moved = || fresh.items.iter().find(|new| is_it(new, item));
        match fresh.items.iter().find(same).or_else(moved) {
            Some(new) => *item = Item { key: item.key, ..new.clone() },
            None => item.disabled = Some(if named { "over" } else { "no longer possible" }.to_owned()),
        }
    }
}

/// The time, not before that of a record which was just written. One that is further ahead comes
/// from a clock that is wrong.
fn caught_up(now: Timestamp, state: &incident::State) -> Timestamp {
    const JUST: SignedDuration = SignedDuration::from_mins(2);
    let written = state.authors.values().copied();
    written.filter(|at| at.duration_since(now) <= JUST).max().map_or(now, |at| now.max(at))
}

/// Records probes whose settled state is not the one on record.
fn record_alarms(cx: &mut Cx<'_>) {
    if cx.model.alarms_in_flight.is_some() || cx.model.read_only.is_some() {
        return;
    }
    let mut seen = std::mem::take(&mut cx.model.alarms_seen);
    let Some(state) = cx.model.incident().filter(|state| state.is_open()) else { return };
    let drafts: Vec<Draft> = cx
        .model
        .probes
        .iter()
        .filter_map(|probe| {
            let known = state.alarms.get(&probe.name).map(|alarm| alarm.state.as_str());
            let to = settled(probe)?;
            // A probe that was never known to be anything but good is no news.
            if known == Some(to.name()) || (known.is_none() && to == State::Ok) {
                seen.agree(&probe.name, to);
                return None;
            }
            if !seen.may_contradict(&probe.name, to, cx.model.now) {
                return None;
            }
            let since = probe.since.or(probe.last.as_ref().map(|sample| sample.at));
            let body = Alarm {
                probe: probe.name.clone(),
                from: known.unwrap_or(State::Ok.name()).to_owned(),
                to: to.name().to_owned(),
                // It is dated by when that began, and so is what was seen.
                why: gone::since(state, cx.model.environment_of(&probe.name), probe)
                    .map_or_else(|| probe.began_with.clone(), |gone| format!("{gone}: {}", probe.began_with)),
            };
            Some(Draft {
                incident: state.id,
                occurred: since.map(|since| (since, Precision::Exact)),
                took: None,
                body: body.into(),
            })
        })
        .chain(own_network(cx.model, state))
        .collect();
    cx.model.alarms_seen = seen;
    if !drafts.is_empty() {
        let id = cx.effect("saving", Effect::AppendAlarms(drafts));
        cx.model.alarms_in_flight = Some(id);
    }
}

/// The line that tells of this machine's own network where no probe does: that it is down, and that it is back.
fn own_network(model: &Model, state: &incident::State) -> Option<Draft> {
    let probes = || model.probes.iter().map(AsRef::as_ref);
    if probes().any(|probe: &series::Status| probe.reach.is_connectivity()) {
        return None;
    }
    let known = state.alarms.get(network::OWN).map_or(State::Ok.name(), |alarm| alarm.state.as_str());
    let (to, why, since) = match network::network(&probes()) {
        Network::Offline { since, why } => (State::Error, format!("{}{why}", network::OFFLINE), Some(since)),
        _ if network::is_online(probes()) => (State::Ok, String::new(), None),
        _ => return None,
    };
    let body =
        Alarm { probe: network::OWN.to_owned(), from: known.to_owned(), to: to.name().to_owned(), why };
    (known != to.name()).then(|| Draft {
        incident: state.id,
        occurred: since.map(|since| (since, Precision::Exact)),
        took: None,
        body: body.into(),
    })
}

/// The state of a probe if it is settled and based on data; waiting ones are left out.
fn settled(probe: &series::Status) -> Option<State> {
    let last = probe.last.as_ref()?;
    // It may be this machine, of which there is a line of its own.
    if probe.reach.is_held() {
        return None;
    }
    match probe.state {
        // What another probe explains is that one's line.
        State::Pending | State::Recovering | State::Suppressed => None,
        // Its first samples contradict each other: nothing is settled, and there is data.
        State::Unknown if last.verdict != Verdict::NoData => None,
        state => Some(state),
    }
}

/// Feeds output to the terminal of the run that is followed.
/// What is kept of the run that is followed; `None`: it was another one.
fn followed<'m>(model: &'m mut Model, follow: EffectId, run: &str) -> Option<&'m mut Output> {
    let is_it = model.following.as_ref().is_some_and(|(id, following)| *id == follow && following == run);
    model.output.as_mut().filter(|output| is_it && output.run == run)
}

fn output(model: &mut Model, follow: EffectId, run: &str, bytes: &[u8]) {
    let now = model.now;
    if let Some(output) = followed(model, follow, run) {
        output.last = now;
        if !feed(&mut output.terminal, bytes) {
            output.terminal = terminal();
        }
    }
}

/// Feeds a terminal; false if hostile output broke it, in which case it must be made anew.
fn feed(terminal: &mut vt100::Parser, bytes: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| terminal.process(bytes))).is_ok()
}
