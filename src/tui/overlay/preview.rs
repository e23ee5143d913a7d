//! A plan before it is confirmed: the exact command lines, what they reach, what they are
//! frozen to, and how to go ahead. The line that confirms can be seen however long the plan.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, short_id};
use super::document::{self, Line};
use super::{Shown, framed, gates, to_type, typed, wide};
use crate::cockpit;
use crate::cockpit::overlay::{Field, Preview, Way};
use crate::cockpit::update::{foreseen, rollback};
use crate::incident::duration;
use crate::plan::{Action, Command, Plan, Step, words};

pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, preview: &Preview) -> Shown {
    let plan = &preview.plan;
    let lines = lines(ui, preview);
    // A rule, a complaint, the line itself; and where gates are passed over, why.
    let taken = preview.is_overtaken() || preview.holder(ui.model).is_some();
    let overriding = !taken && matches!(preview.way(), Way::PassOver(_)) && preview.prompts();
    // What is wrong takes a line of its own: what the plan changes is read beside it.
    let complains = !taken && !preview.complaint.is_empty();
    let foot_height = 3 + u16::from(overriding) + u16::from(complains);
    let wanted =
        document::height(&lines, area.width.saturating_sub(4), area.height).saturating_add(foot_height + 3);
    let place = wide(area, wanted.clamp(10.min(area.height), area.height));
    // Where text is typed the edge says how to get out of it: the line itself has room for the text.
    let back = [("esc", "back")];
    let keys = if !taken && preview.prompts() { &back[..] } else { &[] };
    let inner = framed(
        ui,
        buf,
        place,
        &format!("Plan: {}{}", plan.title, in_production(ui, plan)),
        keys,
        Role::OverlayBorder,
    );
    let list = Rect { height: inner.height.saturating_sub(foot_height), ..inner };
    let mut shown = document::draw(buf, list, preview.scroll.top, lines.len(), |index| lines[index].clone());
    let foot = below(inner, list.height);
    rule(ui, buf, place, foot);
    effect(ui, &mut Pen::new(buf, foot, 1), preview);
    if complains {
        let mut pen = Pen::new(buf, foot, 2);
        pen.put("✗ ", ui.of(Role::Bad)).put(&preview.complaint, ui.of(Role::Bad));
    }
    let foot = below(foot, u16::from(complains));
    shown.cursor = match preview.way() {
        Way::PassOver(word) if overriding => pass_over(ui, buf, foot, preview, word),
        Way::Vote if !taken => vote(ui, &mut Pen::new(buf, foot, 2), preview.is_own(ui.model)),
        _ => confirm(ui, buf, row(foot, 2), preview),
    };
    if inner.height < foot_height + 2 {
        // Whoever cannot see what will run cannot have read it.
        shown.lines = 0;
    }
    shown
}

/// Where a flag takes effect, which its plan is not called by.
fn in_production(ui: Ui<'_>, plan: &Plan) -> String {
    let production = ui.model.config.config.production();
    let production = production.filter(|_| plan.target.starts_with("flag:"));
    production.map_or_else(String::new, |env| format!(" in {}", env.name))
}

fn lines(ui: Ui<'_>, preview: &Preview) -> Vec<Line> {
    let plan = &preview.plan;
    let (faint, text) = (ui.of(Role::Faint), ui.of(Role::Text));
    let mut first = Line::of("target ", faint).with(&plan.target, text);
    for (name, commit) in &plan.frozen {
        first = first
            .with("   ", faint)
            .with(name, text)
            .with(" at ", faint)
            .with(short_id(commit), ui.of(Role::Info));
    }
    let directories: Vec<&str> =
        plan.steps.iter().filter_map(|step| Some(command(step)?.cwd.as_str())).collect();
    let same = directories.windows(2).all(|pair| pair[0] == pair[1]);
    // What speaks against it and what has to be true before comes first, then what will run, then what it is
    // frozen to.
    let mut lines = Vec::new();
    if preview.is_overtaken() {
        let out = Line::of("▲ out of date: ", ui.of(Role::Warn));
        lines.push(out.with(&preview.overtaken, ui.of(Role::Warn)).hanging(2));
    }
    for warning in &plan.warnings {
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(warning, ui.of(Role::Warn)).hanging(2));
    }
    if let Some(warning) = fails_already(ui, plan) {
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(&warning, ui.of(Role::Warn)).hanging(2));
    }
    for notice in rollback::notices(ui.model, plan) {
        lines.push(Line::of("▲ ", ui.of(Role::Warn)).with(&notice, ui.of(Role::Warn)).hanging(2));
    }
    gates::lines(ui, &mut lines, preview);
    // Where nothing is in the way it stands where it is confirmed.
    if matches!(preview.way(), Way::Blocked | Way::PassOver(_) | Way::Vote) && !preview.prompts() {
        lines.push(Line::of(&words::effect_by_steps(plan), ui.of(Role::Muted)));
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    for index in 0..plan.steps.len() {
        if preview.details && index > 0 {
            lines.push(Line::default());
        }
        step_lines(ui, &mut lines, plan, index, same || !preview.details);
        if preview.details {
            detail_lines(ui, &mut lines, plan, index);
        }
    }
    lines.extend([Line::default(), first]);
    if let Some(directory) = directories.first().filter(|_| same) {
        lines.push(Line::of("in     ", faint).with(directory, ui.of(Role::Muted)).hanging(7));
    }
    let common = words::common(plan);
    let sets = Line::of("sets   ", faint).with(&common.join(" "), ui.of(Role::Muted)).hanging(7);
    lines.extend((preview.details && !common.is_empty()).then_some(sets));
    gates::met(ui, &mut lines, preview);
    for note in &plan.notes {
        lines.push(Line::of("note   ", faint).with(note, ui.of(Role::Warn)).hanging(7));
    }
    if !preview.details {
        let more = Line::of(&ui.key(cockpit::Command::Details), ui.of(Role::Key));
        lines.extend([Line::default(), more.with("  proof, undo and time limit of each step", faint)]);
    }
    lines
}

/// What a canary would be blamed for although it fails before it has any users.
fn fails_already(ui: Ui<'_>, plan: &Plan) -> Option<String> {
    let look = plan.steps.iter().enumerate().find_map(|(index, step)| match &step.action {
        Action::Watch(watch) if plan.watched_by(index).is_none() => Some(watch),
        _ => None,
    })?;
    let is_bad = |name: &str| ui.model.probes.iter().any(|probe| probe.name == name && probe.state.is_bad());
    let bad: Vec<&str> =
        look.probes.iter().map(|probe| probe.name.as_str()).filter(|name| is_bad(name)).collect();
    let (fail, settle) = (if bad.len() == 1 { "fails" } else { "fail" }, duration(look.settle));
    (!bad.is_empty()).then(|| {
        let names = bad.join(", ");
        format!("{names} {fail} already: the canary will be undone unless that recovers within {settle}")
    })
}

fn command(step: &Step) -> Option<&Command> {
    match &step.action {
        Action::Command(command) => Some(command),
        _ => None,
    }
}

fn step_lines(ui: Ui<'_>, lines: &mut Vec<Line>, plan: &Plan, index: usize, same_directory: bool) {
    let Some(step) = plan.steps.get(index) else { return };
    let faint = ui.of(Role::Faint);
    let indent = "    ";
    let bold = ui.of(Role::Text).add_modifier(ratatui::style::Modifier::BOLD);
    // What it means is read first, then how it is done.
    let about = Line::of(&format!("{:>2}  ", index + 1), ui.of(Role::Key)).with(&step.title, bold);
    lines.push(about.hanging(4));
    let exact = step.action.line();
    if exact != step.title {
        lines.push(Line::of(indent, faint).with(&exact, ui.of(Role::Code)).hanging(4));
    }
    if let Some(command) = command(step).filter(|_| !same_directory) {
        lines.push(detail(ui, "in", &command.cwd));
    }
}

/// What else is to be said of a step.
fn detail_lines(ui: Ui<'_>, lines: &mut Vec<Line>, plan: &Plan, index: usize) {
    let Some(step) = plan.steps.get(index) else { return };
    lines.extend(words::details(plan, step).iter().map(|one| detail(ui, one.label, &one.text)));
}

/// One thing to be said of a step, under its line.
fn detail(ui: Ui<'_>, label: &str, text: &str) -> Line {
    let column = format!("    {label:<12}");
    Line::of(&column, ui.of(Role::Faint)).with(text, ui.of(Role::Muted)).hanging(if ui.model.size.0 > 60 {
        16
    } else {
        6
    })
}

/// A rule across the window, above what confirms.
fn rule(ui: Ui<'_>, buf: &mut Buffer, place: Rect, foot: Rect) {
    if foot.is_empty() || foot.y <= place.y {
        return;
    }
    let style = ui.of(Role::OverlayBorder);
    let mut pen = Pen::new(buf, Rect { y: foot.y, height: 1, ..place }, 0);
    let rule = pen.room().saturating_sub(2);
    pen.put("├", style).column_of(&"─".repeat(usize::from(rule)), rule, style).put("┤", style);
}

/// What it comes to, or what is in its way.
fn effect(ui: Ui<'_>, pen: &mut Pen<'_>, preview: &Preview) {
    let severity = ui.model.incident().map_or("", |state| ui.model.policy.severity_name(state.severity));
    if preview.is_overtaken() {
        pen.put(
            if preview.role.is_some() {
                "▲ out of date: nothing is left to approve"
            } else {
                "▲ out of date: it cannot be started"
            },
            ui.of(Role::Warn),
        );
        return;
    }
    if let Some(holder) = preview.holder(ui.model) {
        let (target, since) = (&preview.plan.target, ui.ago(holder.started_at));
        let text = format!("‖ {target} is taken: {}, by {} for {since}", holder.title, holder.by);
        pen.put(&text, ui.of(Role::Warn));
        return;
    }
    match preview.way() {
        Way::Blocked | Way::PassOver(_) => {
            let texts = unmet(preview, severity);
            let fits = texts.iter().find(|text| width(text) <= pen.room());
            pen.put(fits.or(texts.last()).map_or("", String::as_str), ui.of(Role::Bad));
        }
        Way::Vote => {
            let role = preview.role.as_deref().unwrap_or_default();
            let title = ui.model.policy.role_title(role).to_owned();
            let found = foreseen(ui.model, preview);
            let refused = found.as_ref().and_then(|found| found.refused.as_deref());
            if let Some(why) = refused {
                pen.put(&format!("✗ would not count as the {title}'s: {why}"), ui.of(Role::Bad));
                return;
            }
            let left = found.map(|found| found.left).unwrap_or_default();
            let then = if left.is_empty() { "then nobody else has to approve" } else { &left };
            let texts = [format!("counts as the {title}'s; {then}"), format!("counts as the {title}'s")];
            let fits = texts.iter().find(|text| width(text) <= pen.room());
            pen.put(fits.unwrap_or(&texts[1]), ui.of(Role::Text));
        }
        _ => {
            let plan = &preview.plan;
            let changes = plan.reaches_others() && !words::only_asks(plan.purpose);
            let role = if changes { Role::Text } else { Role::Muted };
            let place = in_production(ui, plan);
            let mut texts =
                [words::effect_by_steps(plan), words::effect(plan)].map(|text| text + &place).to_vec();
            // Where it takes effect is not what is cut.
            if let (Some(env), Some(flag)) = (place.strip_prefix(" in "), plan.title.strip_prefix("turn ")) {
                texts.push(format!("{env}: {flag}"));
            }
            let fits = texts.iter().find(|text| width(text) <= pen.room());
            pen.put(fits.or(texts.last()).map_or("", String::as_str), ui.of(role));
        }
    }
}

/// Which gates are not met and whether that can be helped, in more and in fewer words.
fn unmet(preview: &Preview, severity: &str) -> Vec<String> {
    let names: Vec<&str> =
        preview.standings.iter().filter(|standing| standing.blocks()).map(|standing| standing.id).collect();
    let (count, names) = (names.len(), names.join(", "));
    let gates = if count == 1 { "1 gate" } else { &format!("{count} gates") };
    if matches!(preview.way(), Way::Blocked) {
        return vec![
            format!("✗ not met: {names}. At {severity} they cannot be overridden"),
            format!("✗ not met: {names}. No override at {severity}"),
            format!("✗ {gates} not met, no override"),
        ];
    }
    if preview.prompts() {
        return vec![
            format!("changes {}, overrides {names}: your name and reason go on record", preview.plan.target),
            format!("overrides {names}, on record"),
            format!("overrides {names}"),
            format!("overrides {gates}"),
        ];
    }
    vec![
        format!("✗ not met: {names}. At {severity} anyone may override: name and reason go on record"),
        format!("✗ not met: {names}. Anyone may override, on record"),
        format!("✗ not met: {names}"),
        format!("✗ {gates} not met"),
    ]
}

/// Why gates are passed over, and the target; or which keys there are while neither is typed.
fn pass_over(
    ui: Ui<'_>,
    buf: &mut Buffer,
    foot: Rect,
    preview: &Preview,
    word: &str,
) -> Option<ratatui::layout::Position> {
    if preview.starting {
        Pen::new(buf, foot, 2).put("starting …", ui.of(Role::Accent));
        return None;
    }
    let on = |field| preview.field == field;
    let style = |field| if on(field) { ui.of(Role::Text) } else { ui.of(Role::Faint) };
    let mut pen = Pen::new(buf, foot, 2);
    pen.put("why override ", style(Field::Reason)).put("> ", ui.of(Role::Key));
    let why = Rect { x: pen.column(), width: pen.room(), ..row(foot, 2) };
    let in_reason = typed(ui, buf, why, &preview.reason, "it goes into the record and the report");
    let target = to_type(ui, buf, row(foot, 3), word, style(Field::Target));
    let in_target = typed(ui, buf, target, &preview.typed, "");
    if on(Field::Reason) { in_reason } else { in_target }
}

/// The keys there are while gates are in the way.
fn keys(ui: Ui<'_>, pen: &mut Pen<'_>, preview: &Preview) {
    let (key, text) = (ui.of(Role::Key), ui.of(Role::Text));
    let asked = ui
        .model
        .incident()
        .is_some_and(|state| crate::plan::proposal::waiting(state).any(|waits| waits.hash == preview.hash));
    let overrides = match (matches!(preview.way(), Way::PassOver(_)), preview.reason.is_blank()) {
        (true, true) => Some("override, on record …"),
        (true, false) => Some("override, on record … (your reason is kept)"),
        (false, _) => None,
    };
    let all = [
        overrides.map(|what| (ui.key(cockpit::Command::Override), what)),
        (preview.needs_approval() && !asked).then(|| (ui.key(cockpit::Command::Propose), "ask for approval")),
        Some((ui.key(cockpit::Command::Back), "back")),
        Some(("↑↓".to_owned(), "scroll")),
    ];
    for (index, (which, what)) in all.iter().flatten().enumerate() {
        if pen.room() < width(which) + width(what) + 4 {
            break;
        }
        pen.gap(if index == 0 { 0 } else { 3 }).put(which, key).put(" ", text).put(what, text);
    }
}

/// The keys of those who decide about it.
fn vote(ui: Ui<'_>, pen: &mut Pen<'_>, own: bool) -> Option<ratatui::layout::Position> {
    let (key, text) = (ui.of(Role::Key), ui.of(Role::Text));
    let rules = ui.model.incident().map(|state| ui.model.policy.severity(state.severity));
    let verbal = rules.is_some_and(|rules| rules.verbal_approval);
    let all = [
        (!own).then(|| ("y".to_owned(), "approve")),
        Some((ui.key(cockpit::Command::Reject), "reject …")),
        verbal.then(|| (ui.key(cockpit::Command::Verbal), "verbal approval …")),
    ];
    let back = (ui.key(cockpit::Command::Back), "back");
    let columns = |(which, what): &(String, &str)| width(which) + width(what) + 4;
    // The way out is there, whatever else there is no room for.
    let needed: u16 = all.iter().flatten().chain([&back]).map(columns).sum();
    if own {
        let whole = "you proposed it: somebody else approves";
        let said = if pen.room() > needed + width(whole) { whole } else { "you proposed it" };
        pen.put(said, ui.of(Role::Warn)).gap(3);
    }
    let fits: Vec<_> = all.into_iter().flatten().collect();
    for (index, one) in fits.iter().chain([&back]).enumerate() {
        let reserved = if index < fits.len() { columns(&back) } else { 0 };
        if pen.room() + 1 < columns(one) + reserved {
            continue;
        }
        let (which, what) = one;
        pen.gap(if index == 0 { 0 } else { 3 }).put(which, key).put(" ", text).put(what, text);
    }
    None
}

fn confirm(ui: Ui<'_>, buf: &mut Buffer, line: Rect, preview: &Preview) -> Option<ratatui::layout::Position> {
    let mut pen = Pen::new(buf, line, 0);
    let (key, text, faint) = (ui.of(Role::Key), ui.of(Role::Text), ui.of(Role::Faint));
    if preview.starting {
        pen.put("starting …", ui.of(Role::Accent));
        return None;
    }
    if preview.is_overtaken() {
        pen.put(&ui.key(cockpit::Command::Back), key).put(" close, then preview it again", text);
        return None;
    }
    if preview.holder(ui.model).is_some() {
        pen.put(&ui.key(cockpit::Command::Plan), key).put(" how it stands", text);
        pen.gap(4).put("esc", key).put(" back", text);
        return None;
    }
    match preview.way() {
        Way::Blocked | Way::PassOver(_) | Way::Vote => {
            keys(ui, &mut pen, preview);
            None
        }
        Way::Enter | Way::Yes => {
            let which = if preview.way() == Way::Enter { "⏎" } else { "y" };
            pen.put(which, key).put(" go ahead", text).gap(4).put("esc", key).put(" back", text);
            if pen.room() > 14 {
                pen.gap(4).put("↑↓", key).put(" scroll", faint);
            }
            None
        }
        Way::Typed(word) => {
            let place = to_type(ui, buf, line, word, text);
            typed(ui, buf, place, &preview.typed, "")
        }
    }
}
