//! The weighing: every part from the policy, every reason in words. The order of what comes in
//! changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::clues::Clues;
use super::range::{Event, EventKind};
use super::words::{first, stem, stems};
use super::{Change, Changes, Kind, Reason, Suspect, short};
use crate::hotfix::back::is_migration;
use crate::incident::{PathKind, Policy, SuspectPolicy, Suspicion, duration};

/// Words and files named in one reason.
const NAMED: usize = 3;
/// Below so many changes nothing is common: there is nothing to tell apart.
const FEW: usize = 4;

/// Puts changes and events in order, most suspicious first.
pub fn weigh(changes: &Changes, clues: &Clues, events: &[Event], policy: &Policy) -> Vec<Suspect> {
    let all = &changes.changes;
    let scales = Scales {
        policy,
        suspects: &policy.suspects,
        clues,
        common: Common::of(all, changes, clues, &policy.suspects),
        related: Related::of(all, &policy.suspects),
    };
    let mut suspects: Vec<Suspect> = all.iter().map(|change| scales.change(change)).collect();
    suspects.extend(events.iter().map(|event| scales.event(event, all)));
    suspects.sort_by(|a, b| (b.score, b.at).cmp(&(a.score, a.at)).then_with(|| a.id.cmp(&b.id)));
    suspects
}

struct Scales<'a> {
    policy: &'a Policy,
    suspects: &'a SuspectPolicy,
    clues: &'a Clues,
    common: Common,
    related: Related<'a>,
}

/// What so many changes have in common that it tells none of them apart.
struct Common {
    /// Stems in paths or lines.
    words: BTreeSet<String>,
    /// Files of the hotfix branch that only some changes touch.
    hotfix: BTreeSet<String>,
}

impl Common {
    fn of(all: &[Change], changes: &Changes, clues: &Clues, policy: &SuspectPolicy) -> Self {
        let is_common = |count: usize| all.len() >= FEW && count * 100 > all.len() * policy.common_percent;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for change in all {
            let stems = path_stems(change);
            for clue in &clues.words {
                let hit = stems.contains(&clue.text)
                    || change.files.iter().any(|file| file.words.contains(&clue.text));
                *counts.entry(&clue.text).or_default() += usize::from(hit);
            }
        }
        let words = counts.into_iter().filter(|(_, count)| is_common(*count));
        let touching = |path: &str| {
            all.iter().filter(|change| change.files.iter().any(|file| file.path == *path)).count()
        };
        let harmless = policy.paths(PathKind::Harmless);
        let tells = |path: &&String| !is_migration(path, harmless) && !is_common(touching(path));
        Self {
            words: words.map(|(word, _)| word.to_owned()).collect(),
            hotfix: changes.hotfix.iter().filter(tells).cloned().collect(),
        }
    }
}

fn path_stems(change: &Change) -> BTreeSet<String> {
    change.files.iter().flat_map(|file| stems(&file.path)).collect()
}

/// What changes have to do with each other.
struct Related<'a> {
    by_id: HashMap<&'a str, &'a Change>,
    /// The change that takes one back.
    undone_by: HashMap<&'a str, &'a Change>,
    /// The first fix to the same files soon after.
    fixed_by: HashMap<&'a str, &'a Change>,
}

impl<'a> Related<'a> {
    fn of(all: &'a [Change], policy: &SuspectPolicy) -> Self {
        let mut ordered: Vec<&Change> = all.iter().collect();
        ordered.sort_by(|a, b| (a.commit.at, &a.commit.id).cmp(&(b.commit.at, &b.commit.id)));
        let by_id: HashMap<_, _> = all.iter().map(|change| (change.commit.id.as_str(), change)).collect();
        let mut undone_by = HashMap::new();
        for change in &ordered {
            for undone in &change.undoes {
                let known = by_id.keys().find(|id| id.starts_with(undone.as_str()));
                if let Some(known) = known {
                    // The last word counts.
                    undone_by.insert(*known, *change);
                }
            }
        }
        let harmless = policy.paths(PathKind::Harmless);
        let mut touched: HashMap<&str, Vec<&Change>> = HashMap::new();
        let mut fixed_by: HashMap<&str, &Change> = HashMap::new();
        for change in ordered {
            let files = || change.files.iter().filter(|file| !is_migration(&file.path, harmless));
            if policy.fix_words.contains(&first(&change.commit.subject)) {
                for before in files().flat_map(|file| touched.get(file.path.as_str()).into_iter().flatten()) {
                    let between = change.commit.at.duration_since(before.commit.at);
                    if between <= policy.fixed_within {
                        fixed_by.entry(&before.commit.id).or_insert(change);
                    }
                }
            }
            for file in files() {
                touched.entry(&file.path).or_default().push(change);
            }
        }
        Self { by_id, undone_by, fixed_by }
    }
}

/// Reasons as they are found.
#[derive(Default)]
struct Reasons(Vec<Reason>);

impl Reasons {
    fn add(&mut self, about: Suspicion, weight: i32, text: impl Into<String>) {
        if weight != 0 {
            self.0.push(Reason { about, weight, text: text.into() });
        }
    }

    fn into_suspect(mut self, suspect: Suspect) -> Suspect {
        self.0.sort_by_key(|reason| (-reason.weight, reason.about));
        let score = self.0.iter().map(|reason| reason.weight).sum();
        Suspect { score, reasons: self.0, ..suspect }
    }
}

impl Scales<'_> {
    fn change(&self, change: &Change) -> Suspect {
        let mut reasons = Reasons::default();
        self.failing(&mut reasons, change);
        self.kinds(&mut reasons, change);
        self.when(&mut reasons, change);
        self.relations(&mut reasons, change);
        self.size(&mut reasons, change);
        if self.is_harmless(change) {
            // It may speak of what fails, but nothing of it runs: only what speaks against it counts.
            reasons.0.retain(|reason| reason.weight < 0);
            let weight = self.suspects.weight(Suspicion::Harmless);
            reasons.add(Suspicion::Harmless, weight, "touches nothing that runs in production");
        }
        reasons.into_suspect(Suspect {
            id: change.commit.id.clone(),
            kind: if change.is_merge() { Kind::Merge } else { Kind::Commit },
            title: change.commit.subject.clone(),
            contact: change.commit.author.clone(),
            at: change.commit.at,
            score: 0,
            reasons: Vec::new(),
            change: Some(change.clone()),
        })
    }

    /// Whether all that it touches is tests, documents, and settings of the tools around it.
    fn is_harmless(&self, change: &Change) -> bool {
        let paths = |kind| self.suspects.paths(kind);
        let runs = |path: &str| {
            is_migration(path, &self.policy.migrations)
                || is_migration(path, paths(PathKind::Dependencies))
                || is_migration(path, paths(PathKind::Api))
                || !is_migration(path, paths(PathKind::Harmless))
        };
        change.cut.is_none() && !change.files.is_empty() && !change.files.iter().any(|file| runs(&file.path))
    }

    /// What it has to do with what fails.
    fn failing(&self, reasons: &mut Reasons, change: &Change) {
        let named = |path: &str| {
            self.clues.files.iter().find(|clue| {
                path.strip_suffix(clue.text.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            })
        };
        let mut found: Vec<String> = Vec::new();
        for file in &change.files {
            if let Some(clue) = named(&file.path) {
                found.push(format!("{}, named in: {}", file.path, clue.from));
            }
        }
        let by_file = found.len();
        let of_paths: Vec<(BTreeSet<String>, &str)> = change
            .files
            .iter()
            .map(|file| (stems(&file.path).into_iter().collect(), file.path.as_str()))
            .collect();
        let mut in_lines: Vec<String> = Vec::new();
        for clue in self.clues.words.iter().filter(|clue| !self.common.words.contains(&clue.text)) {
            if let Some((_, path)) = of_paths.iter().find(|(stems, _)| stems.contains(&clue.text)) {
                found.push(format!("“{}” ({}) in {path}", clue.text, clue.from));
            } else if let Some(file) = change.files.iter().find(|file| file.words.contains(&clue.text)) {
                in_lines.push(format!("“{}” ({}) in {}", clue.text, clue.from, file.path));
            }
        }
        let part = |about, hits: usize| more(self.suspects.weight(about), hits);
        if !found.is_empty() {
            let text = if by_file > 0 { "touches what the failure names" } else { "named like what fails" };
            let weight = part(Suspicion::FailingPath, found.len() + by_file);
            reasons.add(Suspicion::FailingPath, weight, format!("{text}: {}", list(&found)));
        }
        if !in_lines.is_empty() {
            let weight = part(Suspicion::FailingLines, in_lines.len());
            let text = format!("changed lines mention what fails: {}", list(&in_lines));
            reasons.add(Suspicion::FailingLines, weight, text);
        }
    }

    /// What it touches that usually breaks things.
    fn kinds(&self, reasons: &mut Reasons, change: &Change) {
        let policy = self.suspects;
        let mut of: BTreeMap<Suspicion, Vec<String>> = BTreeMap::new();
        for file in &change.files {
            let is = |kind| is_migration(&file.path, policy.paths(kind));
            let about = if is_migration(&file.path, &self.policy.migrations) {
                Suspicion::Schema
            } else if is(PathKind::Dependencies) {
                Suspicion::Dependencies
            } else if is(PathKind::Api) {
                Suspicion::Api
            } else if is(PathKind::Harmless) {
                continue;
            } else if is(PathKind::Config) {
                Suspicion::Config
            } else {
                Suspicion::Limits
            };
            // Lines of a file called `pool` speak of the pool, whatever changes in them.
            let limit = || {
                let own = stems(&file.path);
                let tells = |word: &&String| {
                    let word = stem(word);
                    file.words.iter().any(|known| known == word) && !own.iter().any(|known| known == word)
                };
                policy.limit_words.iter().find(tells)
            };
            match about {
                Suspicion::Limits => {
                    if let Some(word) = limit() {
                        of.entry(about).or_default().push(format!("“{word}” in {}", file.path));
                    }
                }
                _ => of.entry(about).or_default().push(file.path.clone()),
            }
        }
        for (about, paths) in &of {
            let what = match about {
                Suspicion::Schema => "changes the database schema",
                Suspicion::Dependencies => "changes dependencies",
                Suspicion::Api => "changes an API definition",
                Suspicion::Config => "changes configuration or infrastructure",
                _ => "may change a limit",
            };
            reasons.add(*about, policy.weight(*about), format!("{what}: {}", list(paths)));
        }
    }

    /// How near it came to the begin.
    fn when(&self, reasons: &mut Reasons, change: &Change) {
        let (at, how) = match &change.live {
            Some(live) => (live.at, format!("went live with {}", live.name)),
            None if change.is_merge() => (change.commit.at, "merged".to_owned()),
            None => (change.commit.at, "committed".to_owned()),
        };
        self.onset(reasons, at, &how);
    }

    fn onset(&self, reasons: &mut Reasons, at: Timestamp, how: &str) {
        let Some(began) = self.clues.began else { return };
        let before = began.duration_since(at);
        if before < -self.suspects.grace {
            let weight = self.suspects.weight(Suspicion::After);
            let text = format!("{how} only {} after it began", duration(before.abs()));
            return reasons.add(Suspicion::After, weight, text);
        }
        let nearest = self.suspects.onset.iter().find(|step| before <= step.within);
        if let Some(step) = nearest {
            let text = if before < SignedDuration::from_mins(1) {
                format!("{how} as it began")
            } else {
                format!("{how} {} before it began", duration(before))
            };
            reasons.add(Suspicion::Onset, step.weight, text);
        }
    }

    /// What it has to do with other changes and with the fix.
    fn relations(&self, reasons: &mut Reasons, change: &Change) {
        let policy = self.suspects;
        let id = change.commit.id.as_str();
        let called = |change: &Change| format!("{} {}", short(&change.commit.id), change.commit.subject);
        if let Some(by) = self.related.undone_by.get(id) {
            let weight = policy.weight(Suspicion::Undone);
            reasons.add(Suspicion::Undone, weight, format!("reverted since by {}", called(by)));
        } else if let Some(fix) = self.related.fixed_by.get(id) {
            let later = duration(fix.commit.at.duration_since(change.commit.at).max(SignedDuration::ZERO));
            let weight = policy.weight(Suspicion::FixedAgain);
            let text = format!("its files had to be fixed {later} later by {}", called(fix));
            reasons.add(Suspicion::FixedAgain, weight, text);
        }
        if let Some(undone) = change.undoes.first() {
            let known = self.related.by_id.iter().find(|(id, _)| id.starts_with(undone.as_str()));
            let what = known.map_or_else(|| short(undone).to_owned(), |(_, change)| called(change));
            let again = known.is_some_and(|(_, undone)| !undone.undoes.is_empty())
                || first(&change.commit.subject) == "reapply";
            let (about, text) = if again {
                (Suspicion::Again, format!("brings back what {what} reverted"))
            } else {
                (Suspicion::Undoes, format!("reverts {what}: something may rely on it"))
            };
            reasons.add(about, policy.weight(about), text);
        }
        let shared: Vec<String> = change
            .files
            .iter()
            .filter(|file| self.common.hotfix.contains(&file.path))
            .map(|file| file.path.clone())
            .collect();
        if !shared.is_empty() {
            let text = format!("touches what the hotfix touches: {}", list(&shared));
            reasons.add(Suspicion::Hotfix, policy.weight(Suspicion::Hotfix), text);
        }
    }

    fn size(&self, reasons: &mut Reasons, change: &Change) {
        let lines = change.insertions + change.deletions;
        if let Some(step) = self.suspects.sizes.iter().find(|step| lines >= step.lines) {
            let files = if change.files_count == 1 { "file" } else { "files" };
            let text = format!("large: {lines} lines in {} {files}", change.files_count);
            reasons.add(Suspicion::Size, step.weight, text);
        }
    }

    fn event(&self, event: &Event, all: &[Change]) -> Suspect {
        let mut reasons = Reasons::default();
        let weight = |about| self.suspects.weight(about);
        let (kind, title, id) = match &event.kind {
            EventKind::Flag { name, on } => {
                let word = if *on { "on" } else { "off" };
                reasons.add(Suspicion::Flag, weight(Suspicion::Flag), "no release was needed for it");
                let stems = stems(name);
                let hits: Vec<String> = self
                    .clues
                    .words
                    .iter()
                    .filter(|clue| stems.contains(&clue.text))
                    .map(|clue| format!("“{}” ({})", clue.text, clue.from))
                    .collect();
                if !hits.is_empty() {
                    let part = more(weight(Suspicion::FailingPath), hits.len());
                    let text = format!("named like what fails: {}", list(&hits));
                    reasons.add(Suspicion::FailingPath, part, text);
                }
                self.onset(&mut reasons, event.at, "turned");
                (Kind::Flag, format!("flag {name} turned {word}"), format!("flag:{name}"))
            }
            EventKind::Deploy { environment, live, rollback } => {
                let brought = all.iter().filter(|change| change.live.as_ref() == Some(live)).count();
                let text = match brought {
                    0 => "deployed none of the changes below: settings or data that came with it?".to_owned(),
                    1 => "deployed 1 of the changes below".to_owned(),
                    n => format!("deployed {n} of the changes below"),
                };
                reasons.add(Suspicion::Deploy, weight(Suspicion::Deploy), text);
                self.onset(&mut reasons, event.at, "deployed");
                let word = if *rollback { "rolled back to" } else { "got" };
                let title = format!("{environment} {word} {}", live.name);
                (Kind::Deploy, title, format!("deploy:{environment}"))
            }
        };
        reasons.into_suspect(Suspect {
            id: format!("{id}@{}", event.at),
            kind,
            title,
            contact: event.by.clone(),
            at: event.at,
            score: 0,
            reasons: Vec::new(),
            change: None,
        })
    }
}

/// The part of several hits: half as much again for each after the first, twice as much at most.
fn more(weight: i32, hits: usize) -> i32 {
    let further = i32::try_from(hits.saturating_sub(1)).unwrap_or(2).min(2);
    weight + weight * further / 2
}

/// The first few, and how many more there are.
fn list(all: &[String]) -> String {
    let shown = all.get(..NAMED.min(all.len())).unwrap_or_default().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
