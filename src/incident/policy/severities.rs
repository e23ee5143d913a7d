//! Severities as the policy has them: what each is called, and how it is found by what people call it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::state::EntryKind;
use super::super::wording::OFFER_ENDS;
use super::super::words::{Phase, Severity};
use super::{Policy, SeverityPolicy};

/// What is said of a severity; where nothing is, what is said of the next worse one.
pub fn at_severity<T>(all: &BTreeMap<Severity, T>, severity: Severity) -> Option<&T> {
    all.range(..=severity).next_back().map(|(_, value)| value)
}

impl Policy {
    /// What a severity demands; where the policy does not have it, what the next worse one does.
    pub fn severity(&self, severity: Severity) -> &SeverityPolicy {
        at_severity(&self.severities, severity).expect("the built-in policy has P0, and changes remove none")
    }

    /// The severity that one counts as: itself, or the next worse one that there is.
    pub fn known(&self, severity: Severity) -> Severity {
        self.severities.range(..=severity).next_back().map_or(severity, |(known, _)| *known)
    }

    /// Tells whether a severity asks for a hotfix at all.
    pub fn needs_hotfix(&self, severity: Severity) -> bool {
        self.severity(severity).fix_within.is_some()
    }

    /// The text of a ticket for what needs none, which began at this time, where that is known.
    pub fn ticket(&self, title: &str, since: Option<Timestamp>) -> String {
        let since = since.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
        let text = self.backlog.replace("{since}", &since).replace("{title}", title);
        // What is not known is left to be filled in.
        let lines = text.lines().flat_map(|line| [line.trim_end(), "\n"]);
        lines.collect()
    }

    /// The least severity that there is.
    pub fn least(&self) -> Severity {
        self.ranks().next_back().unwrap_or(Severity::P2)
    }

    /// The severities that there are, worst first.
    pub fn ranks(&self) -> impl DoubleEndedIterator<Item = Severity> {
        self.severities.keys().copied()
    }

    /// What a severity is called: by the team, else by its rank.
    pub fn severity_name(&self, severity: Severity) -> &str {
        let named = self.severities.get(&severity).map_or("", |policy| policy.name.as_str());
        if named.is_empty() { severity.name() } else { named }
    }

    /// The names of all severities, to choose from: `P0, P1, P2`.
    pub fn severity_names(&self) -> String {
        self.ranks().map(|severity| self.severity_name(severity)).collect::<Vec<_>>().join(", ")
    }

    /// The key that chooses a severity: the digit its name ends in, where those tell all of them apart, else
    /// that of its rank.
    pub fn severity_key(&self, severity: Severity) -> char {
        let last = |severity: Severity| {
            self.severity_name(severity).chars().next_back().filter(char::is_ascii_digit)
        };
        let mut digits: Vec<_> = self.ranks().map(last).collect();
        let all = digits.len();
        digits.sort_unstable();
        digits.dedup();
        let apart = digits.len() == all && !digits.contains(&None);
        let rank = severity.name().chars().next_back();
        last(severity).filter(|_| apart).or(rank).unwrap_or('0')
    }

    /// Finds a severity by its name, its rank or its key.
    pub fn find_severity(&self, text: &str) -> Option<Severity> {
        let text = text.trim();
        let named = |severity: &Severity| self.severity_name(*severity).eq_ignore_ascii_case(text);
        let ranked = |severity: &Severity| severity.name().eq_ignore_ascii_case(text);
        let mut one = text.chars();
        let key = one.next().filter(|_| one.next().is_none());
        let find = |is: &dyn Fn(&Severity) -> bool| self.ranks().find(is);
        find(&named)
            .or_else(|| find(&ranked))
            .or_else(|| find(&|severity| Some(self.severity_key(*severity)) == key))
    }

    /// The text of a line of the timeline with severities and phases as they are called here. Lines are
    /// made of the record alone, so they have ranks in them.
    pub fn in_our_words<'a>(&self, kind: EntryKind, text: &'a str) -> Cow<'a, str> {
        if kind == EntryKind::Phase {
            let phase = text
                .strip_prefix("phase ")
                .and_then(|name| Phase::ALL.into_iter().find(|phase| phase.name() == name));
            let named = phase.filter(|phase| self.phase_name(*phase) != phase.name());
            return named.map_or(Cow::Borrowed(text), |phase| {
                Cow::Owned(format!("phase {}", self.phase_name(phase)))
            });
        }
        if kind == EntryKind::Role {
            return self.role_in_our_words(text).map_or(Cow::Borrowed(text), Cow::Owned);
        }
        if matches!(kind, EntryKind::Approval | EntryKind::Rejection) {
            return self.vote_in_our_words(text).map_or(Cow::Borrowed(text), Cow::Owned);
        }
        let told = matches!(kind, EntryKind::Declared | EntryKind::Severity);
        if !told || self.severities.values().all(|policy| policy.name.is_empty()) {
            return Cow::Borrowed(text);
        }
        // Behind the colon people speak for themselves.
        let (ours, theirs) = text.split_at(text.find(": ").unwrap_or(text.len()));
        let ours = ours.split(' ').map(|word| {
            let rank = word.trim_end_matches(',');
            let severity = Severity::all().find(|severity| severity.name() == rank);
            severity.map_or(Cow::Borrowed(word), |severity| {
                Cow::Owned(format!(
                    "{}{}",
                    self.severity_name(severity),
                    word.get(rank.len()..).unwrap_or_default()
                ))
            })
        });
        Cow::Owned(ours.collect::<Vec<_>>().join(" ") + theirs)
    }

    /// A line about an approval with the role's title in place of its id; `None`: it names no role that there is.
    fn vote_in_our_words(&self, text: &str) -> Option<String> {
        [" approved as ", " rejected as "].into_iter().find_map(|verb| {
            let (who, rest) = text.split_once(verb)?;
            let (id, what) = rest.split_once(':')?;
            let role = self.roles.iter().find(|role| role.id == id)?;
            Some(format!("{who}{verb}{}:{what}", role.title))
        })
    }

    /// A line about a role with the role's title in place of its id; `None`: it names no role that there is.
    fn role_in_our_words(&self, text: &str) -> Option<String> {
        let titled = |id: &str| self.roles.iter().find(|role| role.id == id).map(|role| role.title.as_str());
        let (line, rest) =
            text.split_once(OFFER_ENDS).map_or((text, ""), |(line, _)| text.split_at(line.len()));
        let handed = [" the role of ", " took over as ", "handoff of "].into_iter().find_map(|before| {
            let (start, after) = line.split_once(before)?;
            let (id, end) = after.split_at(after.find([' ', ',']).unwrap_or(after.len()));
            Some(format!("{start}{before}{}{end}{rest}", titled(id)?))
        });
        handed.or_else(|| match line.rsplit_once(" is ")? {
            (id, "open") => Some(format!("nobody is {} any more{rest}", titled(id)?)),
            (person, id) => Some(format!("{person} is {}{rest}", titled(id)?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::PolicyChange;
    use super::*;

    /// The policy of a team that says this.
    fn policy(change: &str) -> Policy {
        Policy::built_in().with(&toml::from_str::<PolicyChange>(change).unwrap())
    }

    const OWN: &str = "[P0]\nname = \"SEV1\"\n[P1]\nname = \"SEV2\"\n[P2]\nname = \"SEV3\"\n[P3]\nname = \"SEV4\"\nword = \"low\"\nmeans = \"Cosmetic.\"";

    #[test]
    fn a_line_about_a_role_has_its_title() {
        let own = policy("[[roles]]\nid = \"dba\"\ntitle = \"database\"\nshort = \"DB\"\n");
        for (line, said) in [
            ("dba is open", "nobody is database any more"),
            ("Zoë is dba", "Zoë is database"),
            ("Zoë is dba, which ends the offer to li", "Zoë is database, which ends the offer to li"),
            ("offered Zoë the role of dba", "offered Zoë the role of database"),
            ("li took over as dba from Zoë", "li took over as database from Zoë"),
            (
                "handoff of dba to li called off: she is dba",
                "handoff of database to li called off: she is dba",
            ),
            ("li accepted the role of dba too late", "li accepted the role of database too late"),
            ("li is gone", "li is gone"),
        ] {
            assert_eq!(own.in_our_words(EntryKind::Role, line), said, "{line}");
        }
    }

    #[test]
    fn severities_are_found_by_name_rank_and_key() {
        let own = policy(OWN);
        for (text, rank) in [("SEV1", 0), ("sev4", 3), ("P1", 1), ("p3", 3), ("1", 0), ("4", 3)] {
            assert_eq!(own.find_severity(text).map(Severity::rank), Some(rank), "{text}");
        }
        for text in ["0", "P4", "SEV5", "", "SEV"] {
            assert_eq!(own.find_severity(text), None, "{text}");
        }
        assert_eq!(own.severity_names(), "SEV1, SEV2, SEV3, SEV4");
        // Where digits do not tell all of them apart, the rank does.
        let mixed = policy("[P0]\nname = \"SEV1\"");
        assert_eq!(mixed.find_severity("0"), Some(Severity::P0));
        assert_eq!(mixed.find_severity("1"), Some(Severity::P1));
        assert_eq!(policy("").severity_names(), "P0, P1, P2");
    }

    #[test]
    fn what_the_policy_lacks_counts_as_the_next_worse_one() {
        let built_in = Policy::built_in();
        let least = Severity::all().next_back().unwrap();
        assert_eq!(built_in.severity(least), built_in.severity(Severity::P2));
        assert_eq!(built_in.severity_name(least), "P9", "it is not called what it is not");
        let own = policy(OWN);
        assert_eq!(own.severity(least).word, "low");
        assert_eq!(own.severity(Severity::parse("P3").unwrap()).fix_within, None);
    }

    #[test]
    fn lines_name_severities_as_the_team_does_and_leave_what_people_wrote() {
        let own = policy(OWN);
        let said = |kind, text| own.in_our_words(kind, text).into_owned();
        assert_eq!(
            said(EntryKind::Severity, "severity P0, was P1: P1 was too low"),
            "severity SEV1, was SEV2: P1 was too low"
        );
        assert_eq!(
            said(EntryKind::Declared, "declared P2, failing since 14:02:00: P2 is slow"),
            "declared SEV3, failing since 14:02:00: P2 is slow"
        );
        assert_eq!(said(EntryKind::Described, "impact: P0"), "impact: P0");
    }

    proptest! {
        #[test]
        fn every_severity_is_told_apart_whatever_they_are_called(names in prop::collection::vec("[A-Z]{2,4}[0-9]{0,2}", 10)) {
            let ranked: Vec<String> = names.iter().enumerate().map(|(n, name)| format!("{name}-{n}")).collect();
            let tables = Severity::all()
                .zip(&ranked)
                .map(|(rank, name)| format!("[{}]\nname = \"{name}\"\nword = \"w\"\nmeans = \"m\"\n", rank.name()));
            let change = tables.collect::<Vec<_>>().concat();
            let own = policy(&change);
            for (rank, name) in Severity::all().zip(&ranked) {
                prop_assert_eq!(own.find_severity(name), Some(rank));
                prop_assert_eq!(own.find_severity(rank.name()), Some(rank));
                prop_assert_eq!(own.find_severity(&own.severity_key(rank).to_string()), Some(rank));
                let record = serde_json::to_string(&rank).unwrap();
                prop_assert_eq!(serde_json::from_str::<Severity>(&record).unwrap(), rank);
            }
        }
    }
}
