//! What comes from other machines that take part.

use super::*;
use crate::incident::{Author, Hash, Hlc, Record, RecordId, StepEnded, StepStarted};
use crate::journal::Seq;

/// Another installation, and the end of its chain.
struct Eve {
    head: Hash,
    count: u32,
}

impl Eve {
    const NODE: u64 = 0xe4e;

    fn new() -> Self {
        Self { head: Hash::default(), count: 0 }
    }

    fn tell(&mut self, yard: &Yard, body: impl Into<Body>) {
        self.count += 1;
        let id = RecordId(uuid::Uuid::from_u128(0xe4e_0000 + u128::from(self.count)));
        let at = Hlc { wall_ms: Timestamp::now().as_millisecond(), count: self.count };
        let author = Author { name: "eve".to_owned(), node: Self::NODE };
        let draft = Draft::now(yard.incident, body.into());
        let (record, bytes) = Record::seal(id, draft, author, at, self.head).unwrap();
        self.head = record.hash;
        let signed = u64::from(self.count);
        let received =
            yard.journal().receive(Timestamp::now(), yard.incident, Self::NODE, (&[bytes], signed)).unwrap();
        assert_eq!((received.added, received.aside), (1, Vec::new()));
    }
}

fn asked(step: usize, run: Option<&str>, decision: Decision) -> PlanAsked {
    PlanAsked { plan: "p-1".to_owned(), step, run: run.map(str::to_owned), decision }
}

/// What a conductor reads of a plan that was started, with what was written down of it since.
fn recorder(yard: &Yard, bodies: Vec<Body>) -> Recorder {
    let plan = Yard::plan(vec![yard.step("one", "true"), yard.step("two", "true")]);
    let this = process::this().unwrap();
    yard.take(&plan, std::iter::once(started(&plan)).chain(bodies).collect(), this.clone());
    let journal = yard.journal();
    let lease = journal.leases().unwrap().remove(0);
    let read: (_, Seq) = journal.load(yard.incident).unwrap();
    Recorder::new(journal, yard.incident, lease, this, read).unwrap()
}

#[test]
fn a_pipeline_is_approved_by_nobody_on_another_machine() {
    let yard = Yard::new();
    let mut recorder = recorder(&yard, Vec::new());
    let (comment, waits_for, ids) = ("ok".to_owned(), String::new(), Vec::new());
    let review = Decision::Review { approve: true, comment, waits_for, ids };
    let mut eve = Eve::new();
    eve.tell(&yard, asked(0, None, review.clone()));
    recorder.tick();
    assert_eq!(recorder.next_decision(), None, "the token of whoever runs the plan is used");
    eve.tell(&yard, asked(0, None, Decision::Resume));
    yard.ask_on(0, None, review.clone());
    recorder.tick();
    assert_eq!(recorder.next_decision().map(|decided| decided.decision), Some(Decision::Resume));
    assert_eq!(recorder.next_decision().map(|decided| decided.decision), Some(review));
}

#[test]
fn what_was_decided_elsewhere_about_a_run_of_an_earlier_process_comes_late() {
    let yard = Yard::new();
    let (plan, run) = ("p-1".to_owned(), "p-1.0".to_owned());
    let begun = StepStarted { plan: plan.clone(), step: 0, run: run.clone(), process: None, undo: false };
    let ended = StepEnded {
        plan,
        step: 0,
        run,
        outcome: Outcome::Exited { code: 1 },
        summary: String::new(),
        survivors: Vec::new(),
        unproven: false,
        tail: Vec::new(),
    };
    let mut recorder = recorder(&yard, vec![begun.into(), ended.into()]);
    let mut eve = Eve::new();
    eve.tell(&yard, asked(0, Some("p-1.0"), Decision::Undo { to: 0 }));
    eve.tell(&yard, asked(0, Some("p-1.0"), Decision::GiveUp));
    recorder.tick();
    assert_eq!(recorder.next_decision(), None);
    yard.ask_on(0, Some("p-1.0".to_owned()), Decision::GiveUp);
    recorder.tick();
    assert_eq!(recorder.next_decision().map(|decided| decided.decision), Some(Decision::GiveUp));
}

#[test]
fn abandoning_from_another_machine_is_heeded_on_the_step_it_was_about() {
    for (step, run, end) in [(1, None, PlanEnd::Done), (0, Some("p-1.0"), PlanEnd::Cancelled)] {
        let yard = Yard::new();
        let hold = Step::new("hold", Action::Hold { time: None }, SignedDuration::from_mins(10));
        let plan = Yard::plan(vec![hold, yard.step("next", "true")]);
        let conductor = yard.start(&plan);
        yard.wait("the hold", waits_at(0));
        Eve::new().tell(&yard, asked(step, run, Decision::GiveUp));
        yard.ask_on(0, Some("p-1.0".to_owned()), Decision::Resume);
        conductor.join().unwrap();
        assert_eq!(yard.plan_now().state, PlanState::Ended(end), "{step}");
    }
}

#[test]
fn nobody_else_says_from_where_a_plan_goes_on() {
    let yard = Yard::new();
    let plan = Yard::plan(vec![yard.step("check", "echo x >> checked"), yard.step("go", "echo x >> gone")]);
    let resumed = || PlanResumed { plan: "p-1".to_owned(), step: 1, decision: Decision::Retry };
    let mut eve = Eve::new();
    eve.tell(&yard, resumed());
    yard.take(&plan, vec![started(&plan)], process::this().unwrap());
    eve.tell(&yard, resumed());
    eve.tell(&yard, PlanEnded { plan: "p-1".to_owned(), end: PlanEnd::Done, why: String::new() });
    yard.conduct(&plan).join().unwrap();
    assert_eq!((yard.count("checked"), yard.count("gone")), (1, 1));
    assert_eq!(yard.plan_now().state, PlanState::Ended(PlanEnd::Done));
}
