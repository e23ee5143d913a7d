//! The jobs of a pipeline, above what they print.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::paint::Pen;
use super::super::theme::Role;
use super::super::ui::{Ui, below, row, stopwatch};
use crate::deploy::pipeline::Job;
use crate::incident::RemoteState;

/// What needs somebody first, then what goes on, then what is to come, then what is done.
const ORDER: [&[RemoteState]; 5] = [
    &[RemoteState::Failed, RemoteState::TimedOut],
    &[RemoteState::Waiting],
    &[RemoteState::Running, RemoteState::Unknown],
    &[RemoteState::Queued],
    &[
        RemoteState::Succeeded,
        RemoteState::Cancelled,
        RemoteState::Skipped,
        RemoteState::Neutral,
        RemoteState::Stale,
    ],
];

/// Areas of fewer rows than this have no room for jobs and output side by side.
const SMALL: u16 = 10;
/// Rows of output that are left below them there, with the rule.
const LEFT: u16 = 3;

/// Draws the jobs into the top of an area, at most a third of it, and says what is left of it. In a small area they take
/// what they need while the output is followed, and none while it is read.
///
/// ```text
/// ✓ build      0:42
/// ▶ deploy     1:03  Run ./deploy.sh
/// ○ smoke      queued
/// ```
pub(super) fn draw(ui: Ui<'_>, buf: &mut Buffer, area: Rect, jobs: &[Job], follows: bool) -> Rect {
    let room = match (area.height < SMALL, follows) {
        (false, _) => area.height / 3,
        (true, true) => area.height.saturating_sub(LEFT),
        (true, false) => 0,
    };
    let room = usize::from(room);
    if jobs.is_empty() || room == 0 {
        return area;
    }
    let all = jobs.len() <= room;
    let shown: Vec<&Job> = if all {
        jobs.iter().collect()
    } else {
        let of = |states: &'static [RemoteState]| jobs.iter().filter(|job| states.contains(&job.state));
        ORDER.into_iter().flat_map(of).take(room - 1).collect()
    };
    let widest = shown.iter().map(|job| super::super::paint::width(&job.name)).max().unwrap_or_default();
    let widest = widest.clamp(6, area.width / 2);
    let mut line = 0;
    for job in &shown {
        one(ui, &mut Pen::new(buf, row(area, line), 0), job, widest);
        line += 1;
    }
    if !all {
        Pen::new(buf, row(area, line), 0).put(&counts(jobs), ui.of(Role::Muted));
        line += 1;
    }
    let rule = "─".repeat(area.width.into());
    Pen::new(buf, row(area, line), 0).put(&rule, ui.of(Role::Faint));
    below(area, line + 1)
}

fn one(ui: Ui<'_>, pen: &mut Pen<'_>, job: &Job, widest: u16) {
    let (symbol, role) = glyph(job.state);
    pen.put(symbol, ui.of(role)).gap(1);
    let begun = pen.room();
    pen.put(&job.name, ui.of(Role::Text));
    pen.gap((widest + 2).saturating_sub(begun.saturating_sub(pen.room())));
    let time = job.started.map(|started| took(started, job.ended, ui.model.now));
    let word = match (job.state, time) {
        (RemoteState::Queued | RemoteState::Waiting | RemoteState::Skipped | RemoteState::Cancelled, _)
        | (_, None) => job.state.word().trim_start_matches("is ").trim_start_matches("was ").to_owned(),
        (_, Some(time)) => time,
    };
    pen.put(&word, ui.of(Role::Muted)).gap(2);
    let step = job.steps.iter().find(|step| match job.state {
        RemoteState::Running => step.state == RemoteState::Running,
        _ => matches!(step.state, RemoteState::Failed | RemoteState::TimedOut),
    });
    if let Some(step) = step {
        pen.put(&step.name, ui.of(if job.state == RemoteState::Running { Role::Faint } else { Role::Bad }))
            .gap(2);
    }
    if job.may_fail && job.state == RemoteState::Failed {
        pen.put("may fail", ui.of(Role::Faint));
    }
}

fn took(started: Timestamp, ended: Option<Timestamp>, now: Timestamp) -> String {
    stopwatch(ended.unwrap_or(now).duration_since(started))
}

fn counts(jobs: &[Job]) -> String {
    let count = |states: &[RemoteState]| jobs.iter().filter(|job| states.contains(&job.state)).count();
    let parts = [
        (count(ORDER[0]), "failed"),
        (count(ORDER[1]), "waiting"),
        (count(ORDER[2]), "running"),
        (count(ORDER[3]), "queued"),
        (count(ORDER[4]), "done"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} jobs: {}", jobs.len(), parts.join(", "))
}

fn glyph(state: RemoteState) -> (&'static str, Role) {
    match state {
        RemoteState::Queued => ("○", Role::Muted),
        RemoteState::Waiting => ("‖", Role::Warn),
        RemoteState::Running => ("▶", Role::Accent),
        RemoteState::Succeeded => ("✓", Role::Good),
        RemoteState::Failed | RemoteState::TimedOut => ("✗", Role::Bad),
        RemoteState::Cancelled | RemoteState::Stale => ("■", Role::Muted),
        RemoteState::Skipped | RemoteState::Neutral => ("–", Role::Muted),
        RemoteState::Unknown => ("?", Role::Unknown),
    }
}
