//! The incident report: first what people want to know, the record itself at the end.

use jiff::Timestamp;

use super::followups;
use super::words::{clock, day, during, sentences};
use super::{
    account, appendix, gaps, lessons, live, people, prevention, prose, relapses, resolution, runbooks,
    signals, times,
};
use crate::config::types::Probe;
use crate::incident::{ChecklistItem, Policy, State, Tick};
use crate::text::markdown::{inline, paragraphs};

/// What a report is written with besides the record: the policy, the checklist and the probes in force.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The figures of the procedure.
    pub policy: &'a Policy,
    /// The items that are to be looked at.
    pub checklist: &'a [ChecklistItem],
    /// The probes, which tell what environment each is about.
    pub probes: &'a [Probe],
    /// Whether the outage was one to practise on.
    pub drill: bool,
}

/// The items of the checklist in order with their last tick, then those that were ticked and
/// are on the list no more.
pub(super) fn items<'a>(
    state: &'a State,
    checklist: &'a [ChecklistItem],
) -> Vec<(&'a str, Option<&'a Tick>)> {
    let listed = checklist.iter().map(|item| (item.title.as_str(), state.ticks.get(&item.id)));
    let others = state.ticks.iter().filter(|(id, _)| checklist.iter().all(|item| item.id != **id));
    listed.chain(others.map(|(id, tick)| (named(&tick.title, id), Some(tick)))).collect()
}

fn named<'a>(title: &'a str, id: &'a str) -> &'a str {
    if title.is_empty() { id } else { title }
}

/// The report of an incident as Markdown, as it stood when its last record was written: the same record makes
/// the same report, byte for byte, whenever it is made. Whatever is missing is named in one place; whatever
/// came from outside stays text.
pub fn markdown(state: &State, setting: Setting<'_>) -> String {
    markdown_at(state, setting, state.latest)
}

/// The report as it stands at `now`.
fn markdown_at(state: &State, setting: Setting<'_>, now: Timestamp) -> String {
    let Setting { policy, checklist, probes, drill, .. } = setting;
    let mark = if drill { "Drill " } else { "" };
    let mut document = Document::new(format!("# {mark}{}: {}", inline(&state.number), inline(&state.title)));
    if drill {
        document.paragraph(
            "**This was a drill**: a practice outage in a scratch directory, with no users but its own.",
        );
    }
    document.paragraph(&facts(state, policy, probes, now));
    document.section("Summary", &prose::summary(state, policy, probes, now));
    let again = relapses::impact(state, probes);
    let worst = signals::worst(state, probes);
    let impact = [described(&state.impact), [worst, again].join(" ").trim().to_owned()];
    document.section("Impact", &impact.join("\n\n"));
    document.section("Timeline", &account::section(state, policy, probes, now));
    document.section("Response times", &times::section(state, policy, probes, now));
    document.section("Root cause", &described(&state.cause));
    document.section("Resolution", &resolution::section(state, probes));
    document.list("What went well", &lessons::well(state, setting, now));
    document.list("What could have gone better", &lessons::badly(state, setting, now));
    document.list("Runbooks", &runbooks::gather(state, probes));
    document.section("Prevention", &prevention::section(state, probes));
    document.tasks("Still to do", &followups::left(state, policy, checklist, probes, now));
    document.tasks("Still to be written", &gaps::lines(state));
    let sections = appendix::sections(state, policy, checklist, probes, now);
    document.section("Appendix: the record", "What the summary is made from.");
    for (title, body) in sections {
        document.part(title, &body);
    }
    document.text
}

/// A document that grows from its beginning.
struct Document {
    text: String,
}

impl Document {
    fn new(title: String) -> Self {
        Self { text: title + "\n" }
    }

    fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str, body: &str) {
        self.paragraph(&format!("## {title}"));
        self.paragraph(body);
    }

    fn part(&mut self, title: &str, body: &str) {
        self.paragraph(&format!("### {title}"));
        self.paragraph(body);
    }

    /// A section that is left out where it has nothing to say.
    fn list(&mut self, title: &str, lines: &[String]) {
        if !lines.is_empty() {
            let lines: Vec<String> = lines.iter().map(|line| format!("- {line}")).collect();
            self.section(title, &lines.join("\n"));
        }
    }

    fn tasks(&mut self, title: &str, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| format!("[ ] {line}")).collect();
        self.list(title, &lines);
    }
}

/// The facts in a few lines: how bad, how it stands, what, when, who.
fn facts(state: &State, policy: &Policy, probes: &[Probe], now: Timestamp) -> String {
    let start = state.started_at;
    let word = inline(&policy.severity(state.severity).word);
    let mut what =
        vec![format!("**{} {word}, {}**", policy.severity_name(state.severity), state.status.name())];
    if !state.service.trim().is_empty() {
        what.push(inline(&state.service));
    }
    let lasted = times::lasted(state, now);
    let lasted = lasted.unwrap_or_else(|| "**invalid**: it ends before it begins".to_owned());
    let on = day(start);
    what.push(match state.resolved_at {
        Some(end) => format!("{on}, {} UTC ({lasted})", during(start, end)),
        None => format!("since {on}, {} UTC ({lasted} up to the last entry)", clock(start)),
    });
    let people = people::named(state, policy);
    let mut lines = vec![what.join(" · ")];
    lines.extend(times::served(state, probes));
    lines.push(live::fact(state, probes));
    if !people.is_empty() {
        lines.push(format!("People: {}", people.join(", ")));
    }
    lines.join("\\\n")
}

fn described(text: &str) -> String {
    let text = paragraphs(text);
    if text.is_empty() { "Not written down yet.".to_owned() } else { sentences(&text) }
}

#[cfg(test)]
mod tests;
