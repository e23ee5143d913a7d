//! How probes are by the record, as far as it was read: of cockpits that see an alarm at once, one records it.

use std::collections::HashMap;

use crate::incident::{Body, Draft, Record, State};

/// The state that the last alarm of each probe is about.
#[derive(Debug, Default)]
pub(super) struct OnRecord(HashMap<String, String>);

impl OnRecord {
    /// What an incident has on record.
    pub(super) fn of(state: &State) -> Self {
        Self(state.alarms.iter().map(|(probe, alarm)| (probe.clone(), alarm.state.clone())).collect())
    }

    /// Takes in what was written since.
    pub(super) fn take(&mut self, records: &[Record]) {
        for record in records {
            match &record.body {
                Body::Alarm(alarm) => {
                    self.0.insert(alarm.probe.clone(), alarm.to.clone());
                }
                // It may have been an alarm: what counts then only the fold knows.
                Body::Retracted(_) => self.0.clear(),
                _ => {}
            }
        }
    }

    /// Tells whether a draft says something else of its probe, or is about none.
    pub(super) fn is_news(&self, draft: &Draft) -> bool {
        let Body::Alarm(alarm) = &draft.body else { return true };
        self.0.get(&alarm.probe) != Some(&alarm.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Alarm, Declared, RepositoryId, Severity};
    use crate::journal::Journal;
    use jiff::Timestamp;

    #[test]
    fn an_alarm_that_another_cockpit_recorded_is_not_recorded_again_however_it_was_heard_of() {
        let dir = tempfile::tempdir().unwrap();
        let mut theirs = Journal::open(dir.path(), "omar").unwrap();
        let declared = Declared {
            number: String::new(),
            title: "Checkout answers 500".into(),
            severity: Severity::P0,
            service: String::new(),
            impact: String::new(),
            repository: String::new(),
            repository_id: RepositoryId::default(),
            answers: Vec::new(),
        };
        let now = Timestamp::now();
        let incident = theirs.declare(now, None, declared).unwrap().incident;
        let mut ours = Journal::open(dir.path(), "maya").unwrap();
        let (log, seen) = ours.load(incident).unwrap();
        let mut known = OnRecord::of(log.state());
        let draft = |to: &str| {
            let body = Alarm { probe: "pool".into(), from: "ok".into(), to: to.into(), why: "96".into() };
            Draft::now(incident, body)
        };
        assert!(known.is_news(&draft("failing")));
        theirs.append(now, vec![draft("failing")]).unwrap();
        // Nothing is committed on what was seen before that.
        let late = ours.append_unless_moved(now, incident, seen, vec![draft("failing")]).unwrap();
        assert_eq!(late, None);
        let (records, seen) = ours.since(incident, seen).unwrap();
        known.take(&records);
        assert!(!known.is_news(&draft("failing")) && known.is_news(&draft("ok")));
        assert!(ours.append_unless_moved(now, incident, seen, vec![draft("ok")]).unwrap().is_some());
        assert!(!OnRecord::of(ours.load(incident).unwrap().0.state()).is_news(&draft("ok")));
    }
}
