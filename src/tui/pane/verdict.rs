//! A row about a plan that is wider than its pane: how it stands is kept, its title gives way.

use super::super::paint::{Pen, width};
use super::super::theme::Role;
use super::super::ui::Ui;
use crate::incident::{Entry, PlanRun};

/// Columns that a title keeps.
const TITLE: u16 = 14;

/// What follows the commit and the place in the verdict of a watch.
const JUDGED: [&str; 3] = [" failed its watch", " passed its watch", " could not be judged"];

/// Writes such a row; `false` where it fits as it is, or says nothing of how a plan stands.
pub(super) fn put(ui: Ui<'_>, pen: &mut Pen<'_>, entry: &Entry<'_>, role: Role) -> bool {
    let text = entry.text.trim_end();
    if width(text) <= pen.room() {
        return false;
    }
    let plan = ui.model.incident().and_then(|state| state.plan(entry.about));
    let Some((title, verdict)) = parts(entry.name, text, plan) else { return false };
    // What failed comes before what more was said of it.
    let mut colons = verdict.match_indices(": ").map(|(at, _)| at);
    let head = colons.nth(1).and_then(|at| verdict.get(..at)).map_or(width(&verdict), |head| width(head) + 3);
    let left = pen.room().saturating_sub(head);
    pen.column_of(title, left.max(TITLE).min(width(title)), ui.of(role));
    pen.put(&verdict, ui.of(role));
    true
}

/// The title of a plan or a step, and what is said of it.
fn parts<'a>(name: &str, text: &'a str, plan: Option<&PlanRun>) -> Option<(&'a str, String)> {
    if name == "release-judged" {
        let at = JUDGED.iter().find_map(|judged| text.find(judged))?;
        let (title, verdict) = text.split_at(at);
        return Some((title, verdict.to_owned()));
    }
    if !["plan-ended", "step-ended", "proved", "step-waiting", "run-waiting", "step-skipped"].contains(&name)
    {
        return None;
    }
    let plan = plan?;
    let titles = || plan.steps.iter().map(|step| step.title.as_str());
    let said = text.strip_prefix("undoing ").unwrap_or(text);
    let known = titles().chain([plan.title.as_str()]).filter(|title| said.starts_with(*title));
    let title = known.max_by_key(|title| title.len()).filter(|title| !title.is_empty())?;
    let (title, verdict) = text.split_at(text.len() - said.len() + title.len());
    // Which step of it failed is behind the row; what failed is what there is room for.
    let shortened = verdict.split_once(": ").and_then(|(word, why)| {
        let step =
            titles().filter(|step| !step.is_empty() && why.starts_with(*step)).max_by_key(|s| s.len())?;
        let why = why.get(step.len()..)?.trim_start_matches(':').trim_start();
        let why = why.strip_prefix(word.trim_start()).map_or(why, |rest| rest.trim_start_matches([':', ' ']));
        Some(if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") })
    });
    Some((title, shortened.unwrap_or_else(|| verdict.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::*;
    use super::super::super::theme::Theme;
    use crate::incident::{
        Outcome, PlanEnd, PlanEnded, PlanStarted, ReleaseJudged, Spec, StepEnded, StepStarted, WatchVerdict,
    };

    const TITLE: &str = "deploy hotfix/raise-the-pool-limit-once-more to production, canary 10 % 50 % 100 %";
    const STEP: &str = "look at 10 % of production for 8s";

    /// The rows of the timeline with a plan that failed, and the watch of its commit.
    fn shown(columns: u16, lines: u16) -> String {
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
        };
        scribe.write("maya", at("15:16:10"), ended);
        let why = format!("{STEP} failed: exit 1");
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
    fn a_failed_plan_says_so_where_its_title_is_cut() {
        for (columns, lines) in [(160, 45), (120, 36), (80, 24)] {
            let shown = shown(columns, lines);
            let row = shown.lines().find(|line| line.contains("✗ deploy hotfix")).unwrap_or(&shown);
            assert!(row.contains("… failed: exit 1"), "{columns}: {row}");
            assert!(row.contains("deploy hotfix/"), "{columns}: {row}");
            let row = shown.lines().find(|line| line.contains("ec0e59a")).unwrap_or(&shown);
            assert!(row.contains(" failed its watch"), "{columns}: {row}");
        }
    }
}
