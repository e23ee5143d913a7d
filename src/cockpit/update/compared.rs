//! Comparing the probes with the time before the incident, before the last change, and with yesterday.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::compared::Comparisons;
use super::super::model::{Model, Pane};
use super::super::msg::{Effect, EffectId};
use super::Cx;
use crate::health::compare::{Answer, Change, Question, pairs};
use crate::incident::PlanRun;
use crate::plan::Purpose;

/// How often it is asked.
const EVERY: SignedDuration = SignedDuration::from_secs(10);
/// Most probes that are compared: those at the top of the pane.
const MOST: usize = 60;

/// Asks again in time, while an incident is open and its health can be seen.
pub(super) fn tick(cx: &mut Cx<'_>) {
    let model = &mut *cx.model;
    let Some(state) = model.log.as_ref().map(crate::incident::Log::state) else {
        model.compared = Comparisons::default();
        return;
    };
    let asked = model.compared.asked;
    let is_due = asked.is_none_or(|asked| model.now.duration_since(asked).abs() >= EVERY);
    let is_hidden = model.probes.is_empty() || (model.zoom && model.focus != Pane::Health);
    if !is_due || is_hidden || model.compared.looking.is_some() {
        return;
    }
    let questions: Vec<Question> = model
        .health_rows()
        .take(MOST)
        .filter_map(|row| {
            let probe = model.probes.iter().find(|probe| std::ptr::eq(&raw const ***probe, row))?;
            let change = last_change(&state.plans, &probe.environment);
            let pairs = pairs(began(model, state.started_at), change.as_ref(), model.now);
            (!pairs.is_empty()).then(|| Question { probe: Arc::clone(probe), pairs })
        })
        .collect();
    model.compared.asked = Some(model.now);
    if !questions.is_empty() {
        let id = cx.effect("comparing with the time before", Effect::Compare(questions));
        cx.model.compared.looking = Some(id);
    }
}

/// How late an incident is declared, at most, without anybody saying so.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// When it began: as recorded, or when what fails still was seen to fail, if that was a little earlier. People
/// declare an incident some minutes late.
fn began(model: &Model, started_at: Timestamp) -> Timestamp {
    let lately = started_at.checked_sub(LATE).unwrap_or(Timestamp::MIN);
    let failing = model.probes.iter().filter(|probe| probe.state.is_bad()).filter_map(|probe| probe.began());
    failing.filter(|since| *since > lately).fold(started_at, Timestamp::min)
}

/// The last deploy to or rollback of an environment, or flag that was set, that has ended.
fn last_change(plans: &[PlanRun], environment: &str) -> Option<Change> {
    plans
        .iter()
        .filter_map(|plan| {
            let changes = [Purpose::Deploy, Purpose::Rollback].iter().any(|it| it.name() == plan.purpose);
            let here =
                changes && !plan.only_pushes() && (plan.target == environment || environment.is_empty());
            let to = plan.ended_at.filter(|_| here || plan.purpose == Purpose::Flag.name())?;
            Some(Change { what: plan.purpose.clone(), from: plan.started_at, to })
        })
        .max_by_key(|change| change.to)
}

/// The answers have become known.
pub(super) fn found(model: &mut Model, answers: Vec<Answer>) {
    model.compared.answers = answers.into_iter().map(|answer| (answer.probe.clone(), answer)).collect();
}

/// An effect has ended.
pub(super) fn ended(model: &mut Model, id: EffectId) {
    if model.compared.looking == Some(id) {
        model.compared.looking = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::tests::Table;
    use super::*;
    use crate::cockpit::msg::{Done, Fact, Msg};
    use crate::health::compare::Against;
    use crate::health::series::{State, Status};

    fn tick(table: &mut Table, after: i64) -> Vec<(EffectId, Effect)> {
        let now = table.model.now + SignedDuration::from_secs(after);
        table.send(Msg::Tick(now))
    }

    fn seen(table: &mut Table) {
        let now = table.model.now;
        let history: VecDeque<(Timestamp, Option<f64>)> = [(now, Some(40.0))].into();
        let status = Status { history, ..super::super::tests::probe("errors", State::Failing) };
        table.send(Msg::Fact(Fact::Health { probes: vec![Arc::new(status)] }));
    }

    #[test]
    fn probes_are_compared_in_time_and_one_question_at_a_time() {
        let mut table = Table::open();
        assert!(tick(&mut table, 1).is_empty(), "no probe");
        seen(&mut table);
        let asked = tick(&mut table, 1);
        let [(id, Effect::Compare(questions))] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(questions[0].probe.name, "errors");
        let against: Vec<_> = questions[0].pairs.iter().map(|pair| &pair.against).collect();
        assert_eq!(against, [&Against::Incident, &Against::Yesterday]);
        assert!(tick(&mut table, 60).is_empty(), "it is being asked");
        let answer = Answer { probe: "errors".into(), compared: Vec::new(), usual: None };
        table.send(Msg::Done(*id, Ok(Done::Compared(vec![answer.clone()]))));
        assert_eq!(table.model.compared.answers.get("errors"), Some(&answer));
        let again = tick(&mut table, 1);
        assert!(matches!(again.as_slice(), [(_, Effect::Compare(_))]), "{again:?}");
    }

    #[test]
    fn nothing_is_compared_that_nobody_can_see() {
        let mut table = Table::open();
        seen(&mut table);
        (table.model.zoom, table.model.focus) = (true, Pane::Timeline);
        assert!(tick(&mut table, 1).is_empty());
    }
}
