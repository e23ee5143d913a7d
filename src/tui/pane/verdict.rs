//! A row about a plan that is wider than its pane: how it stands is kept, its title gives way.

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::Ui;
use crate::incident::{Entry, PlanRun, canary_undone};

/// Columns that a title keeps.
const TITLE: u16 = 14;

/// What follows the commit and the place in the verdict of a watch.
const JUDGED: [&str; 3] = [" failed its watch", " passed its watch", " could not be judged"];

/// Writes such a row; `false` where it fits as it is, or says nothing of how a plan stands.
pub(super) fn put(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>, role: Role) -> bool {
    let text = entry.text.trim_end();
    let plan = ui.model.incident().and_then(|state| state.plan(entry.about));
    // How a canary ended is read before what its plan was called.
    if entry.name == "plan-ended"
        && let Some(undone) = canary_undone(text)
    {
        pen.put(&undone, ui.of(role));
        if let Some(plan) = plan.filter(|_| pen.room() > TITLE) {
            pen.put(" · ", ui.of(Role::Faint)).put(&plan.title, ui.of(Role::Muted));
        }
        return true;
    }
    if width(text) <= pen.room() {
        return false;
    }
    let Some((title, verdict)) = parts(entry.name, text, plan) else { return false };
    let room = pen.room().saturating_sub(TITLE.min(width(title)));
    let verdict = fitted(verdict, room, |clause| {
        let mut steps = plan.into_iter().flat_map(|plan| &plan.steps).map(|step| step.title.as_str());
        steps.any(|step| !step.is_empty() && clause.starts_with(step))
    });
    // Where not all of it fits, what failed comes before what more was said of it.
    let mut colons = verdict.match_indices(": ").map(|(at, _)| at);
    let head = colons.nth(1).filter(|_| width(&verdict) > room).and_then(|at| verdict.get(..at));
    let taken = head.map_or(width(&verdict), |head| width(head) + 3);
    let left = pen.room().saturating_sub(taken);
    pen.column_of(title, left.max(TITLE).min(width(title)), ui.of(role));
    pen.put(&verdict, ui.of(role));
    true
}

/// The title of a plan or a step, and what is said of it.
fn parts<'a>(name: &str, text: &'a str, plan: Option<&PlanRun>) -> Option<(&'a str, &'a str)> {
    if name == "release-judged" {
        return Some(text.split_at(JUDGED.iter().find_map(|judged| text.find(judged))?));
    }
    if !["plan-ended", "step-ended", "proved", "step-waiting", "run-waiting", "step-skipped"].contains(&name)
    {
        return None;
    }
    let plan = plan?;
    let titles = plan.steps.iter().map(|step| step.title.as_str()).chain([plan.title.as_str()]);
    let said = text.strip_prefix("undoing ").unwrap_or(text);
    let known = titles.filter(|title| said.starts_with(*title) && !title.is_empty());
    let title = known.max_by_key(|title| title.len())?;
    Some(text.split_at(text.len() - said.len() + title.len()))
}

/// A verdict in so many columns, if it can be had: without the steps that it names and what happened on the way, then
/// without what was expected. A number at its end is what is kept.
fn fitted(verdict: &str, room: u16, is_step: impl Fn(&str) -> bool) -> String {
    let Some((word, why)) = verdict.split_once(": ") else { return verdict.to_owned() };
    let mut clauses: Vec<&str> = why.split(": ").collect();
    let is_number = clauses.last().is_some_and(|last| last.contains(|c: char| c.is_ascii_digit()));
    loop {
        let whole = format!("{word}: {}", clauses.join(": "));
        let bare = whole.strip_suffix(')').and_then(|whole| whole.rsplit_once(" (")).map(|(bare, _)| bare);
        if width(&whole) <= room {
            return whole;
        }
        if let Some(bare) = bare.filter(|bare| width(bare) <= room) {
            return bare.to_owned();
        }
        match clauses.as_slice() {
            [first, _, ..] if is_step(first) || is_number && !first.starts_with("exit ") => {
                clauses.remove(0);
            }
            _ => return whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::*;
    use super::super::super::theme::Theme;
    use crate::incident::{
        Outcome, PlanEnd, PlanEnded, PlanStarted, ReleaseJudged, Spec, StepEnded, StepStarted, WatchVerdict,
    };

    const TITLE: &str = "deploy hotfix/raise-the-pool-limit-once-more to production, canary 10 → 50 → 100 %";
    const STEP: &str = "hold at 10 % of production for 8s";

    /// The rows of the timeline with a plan that failed, and the watch of its commit.
    fn shown(columns: u16, lines: u16) -> String {
        shown_with(&format!("{STEP} failed: exit 1"), columns, lines)
    }

    fn shown_with(why: &str, columns: u16, lines: u16) -> String {
        let mut scribe = records();
        let (plan, run) = (String::from("deploy-9"), String::from("deploy-9.0"));
        let started = PlanStarted {
            plan: plan.clone(),
            title: TITLE.into(),
            purpose: "deploy".into(),
            target: "production".into(),
            hash: "0".repeat(64),
            steps: vec![STEP.into(), "set the share to 100 % of production".into()],
            confirmed: "enter".into(),
            spec: Spec::default(),
        };
        scribe.write("maya", at("15:16:00"), started);
        let begun = StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false };
        scribe.write("maya", at("15:16:00"), begun);
        let ended = StepEnded {
            plan: plan.clone(),
            step: 0,
            run,
            outcome: Outcome::Exited { code: 1 },
            summary: String::new(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        scribe.write("maya", at("15:16:10"), ended);
        let why = why.to_owned();
        scribe.write("maya", at("15:16:10"), PlanEnded { plan, end: PlanEnd::Failed, why });
        let judged = ReleaseJudged {
            environment: "production-in-frankfurt-and-dublin".into(),
            commit: "ec0e59a1".into(),
            verdict: WatchVerdict::Failed,
            why: "newest release is failing".into(),
            plan: String::new(),
        };
        scribe.write("maya", at("15:16:11"), judged);
        let mut model = incident();
        model.log = Some(scribe.log());
        settle(&mut model);
        text(&settled(&mut model, &Theme::default(), columns, lines))
    }

    #[test]
    fn the_number_stays_where_the_rest_of_a_verdict_does_not() {
        let fitted =
            |verdict: &str, room| super::fitted(verdict, room, |clause| clause.starts_with("hold at"));
        let canary = " failed: undone, canary back at 0 %: hold at 10 % for 8s failed: newest release is failing: 54.2 % (max 10 %)";
        assert_eq!(fitted(canary, 200), canary);
        assert_eq!(fitted(canary, 60), " failed: newest release is failing: 54.2 % (max 10 %)");
        assert_eq!(fitted(canary, 44), " failed: newest release is failing: 54.2 %");
        assert_eq!(fitted(canary, 30), " failed: 54.2 % (max 10 %)");
        // What is no number keeps its order.
        let exit = " failed: exit code 2: no such image in the registry";
        assert_eq!(fitted(exit, 30), exit);
        assert_eq!(fitted(" failed: hold at 10 % failed: no data", 20), " failed: no data");
        assert_eq!(fitted(" stopped", 4), " stopped");
    }

    #[test]
    fn how_a_canary_ended_stands_before_what_its_plan_is_called() {
        let why = format!(
            "undone, canary back at 0 %: {STEP} failed: newest release is failing: 58.3 % (max 10 %)"
        );
        for (columns, lines) in [(160, 45), (120, 36), (80, 24)] {
            let shown = shown_with(&why, columns, lines);
            let told = shown.matches("✗ canary undone, back at 0 %: newest").count();
            // On a small screen one line tells of the plan that runs.
            let places = if columns < 100 { 1 } else { 2 };
            assert!(told >= places, "in the timeline and among the runs, {columns}×{lines}:\n{shown}");
            assert!(shown.contains("58.3 %"), "{columns}×{lines}:\n{shown}");
        }
    }

    #[test]
    fn a_failed_plan_says_so_where_its_title_is_cut() {
        for (columns, lines) in [(160, 45), (120, 36), (80, 24)] {
            let shown = shown(columns, lines);
            // A row goes on in the next line where there is room.
            let rows: Vec<&str> =
                shown.lines().skip_while(|line| !line.contains("✗ deploy hotfix")).take(3).collect();
            let row = rows.join("\n");
            assert!(row.contains("failed: exit 1"), "{columns}: {row}");
            assert!(row.contains("deploy hotfix/"), "{columns}: {row}");
            let rows = shown.lines().skip_while(|line| !line.contains("ec0e59a")).take(2);
            let row: Vec<&str> = rows.flat_map(|line| line.split(['│', '║'])).map(str::trim).collect();
            let row = row.join(" ");
            assert!(row.contains(" failed") && row.contains("its watch"), "{columns}: {row}");
        }
    }
}
