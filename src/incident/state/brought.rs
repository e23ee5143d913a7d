//! What plans brought: the commits of a deploy, as its notes name them, and flags that were turned off.

use jiff::Timestamp;

use super::State;
use super::plans::{PlanRun, Release};

const BRINGS: &str = "brings ";
const LACKS: &str = " lacks:";

/// The notes that name the commits an environment does not have yet: `short id, subject, author`, and how many
/// there are in all. None: nothing to say.
pub fn brought_notes(environment: &str, commits: &[(String, String, String)], all: usize) -> Vec<String> {
    if commits.is_empty() {
        return Vec::new();
    }
    let what = if all == 1 { "1 commit".to_owned() } else { format!("{all} commits") };
    let mut notes = vec![format!("{BRINGS}{what} that {environment}{LACKS}")];
    notes.extend(commits.iter().map(|(id, subject, author)| format!("  {id} {subject} ({author})")));
    if all > commits.len() {
        notes.push(format!("  and {} more", all - commits.len()));
    }
    notes
}

impl PlanRun {
    /// The commits it brought with their subjects and authors, a line each, as its notes name them.
    pub fn brought(&self) -> Vec<&str> {
        let notes = self.spec.get("notes").and_then(serde_json::Value::as_array);
        named(notes.into_iter().flatten().filter_map(serde_json::Value::as_str))
    }
}

impl PlanRun {
    /// The flag that it turned off; `None`: it is no such plan.
    pub fn turns_off(&self) -> Option<&str> {
        self.turned().filter(|(_, on)| !on).map(|(name, _)| name)
    }

    fn turned(&self) -> Option<(&str, bool)> {
        let name = self.target.strip_prefix("flag:")?;
        Some((name, self.title.split_whitespace().next_back() == Some("on")))
    }
}

impl State {
    /// When something counts as brought into production: at the end of its plan, as the timeline has it, where that
    /// was done; but no later than users were served again by it. Else from when it was live.
    pub fn brought_at(&self, release: &Release, is_production: impl Fn(&str) -> bool) -> Timestamp {
        let plan = self.plan(&release.plan).filter(|plan| plan.is_done());
        let Some((plan, ended)) = plan.and_then(|plan| Some((plan, plan.ended_at?))) else {
            return release.at;
        };
        let served = self.served.iter().map(|said| self.recovered(*said, &is_production).at);
        let recovered = self.outages(&is_production).into_iter().filter_map(|outage| outage.until);
        let meanwhile = served.chain(recovered).filter(|at| *at >= plan.started_at);
        meanwhile.fold(ended, Timestamp::min)
    }

    /// The flags that were turned off in this incident and not on again since.
    pub fn flags_off(&self) -> Vec<&str> {
        let mut off: Vec<&str> = Vec::new();
        for (name, on) in self.plans.iter().filter(|plan| plan.is_done()).filter_map(PlanRun::turned) {
            off.retain(|known| *known != name);
            if !on {
                off.push(name);
            }
        }
        off
    }
}

fn named<'a>(notes: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let is_head = |note: &&str| note.starts_with(BRINGS) && note.ends_with(LACKS);
    notes.skip_while(|note| !is_head(note)).skip(1).map_while(|note| note.strip_prefix("  ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_note_names_is_read_from_it() {
        let commit = |id: &str, subject: &str| (id.to_owned(), subject.to_owned(), "li".to_owned());
        let commits = [commit("a91c2fe", "fix: raise the limit"), commit("77b0d13", "bump")];
        let mut notes = vec!["it is on already".to_owned()];
        notes.extend(brought_notes("production", &commits, 3));
        notes.push("something else".to_owned());
        assert_eq!(notes[1], "brings 3 commits that production lacks:");
        let brought = ["a91c2fe fix: raise the limit (li)", "77b0d13 bump (li)", "and 1 more"];
        assert_eq!(named(notes.iter().map(String::as_str)), brought);
        assert!(named(["brings luck"].into_iter()).is_empty());
        assert!(brought_notes("production", &[], 0).is_empty());
    }
}
