//! A plan while it is carried out, and a decision about it before it is confirmed.

use super::super::edit::LineEdit;
use super::super::model::Model;
use super::super::msg::EffectId;
use super::Scroll;
use crate::incident::{Decision, PlanRun, PlanState, StepRun, StepState};
use crate::plan::gates::Standing;
use crate::plan::progress::{self, Choice};
use crate::plan::{Plan, stored};

/// A plan and how far it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    /// Id of the plan.
    pub plan: String,
    /// What it does, taken apart once; `None` where it cannot be read.
    pub spec: Option<Box<Plan>>,
    /// Why it cannot be read; empty where it can.
    pub unreadable: String,
    /// The step the cursor is on, from 0; `None` follows the one that is being carried out.
    pub cursor: Option<usize>,
    /// First line shown.
    pub scroll: Scroll,
    /// What a person has to settle before it can go on, as far as that was looked at.
    pub unsettled: Option<Unsettled>,
}

/// What is left to be settled of a step that stopped at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsettled {
    /// The run that stopped there; empty once it has to be looked at again.
    pub run: String,
    /// The effect that looks.
    pub asked: Option<EffectId>,
    /// The effect that lets it be edited.
    pub editing: Option<EffectId>,
    /// The files, or why they cannot be told; `None` until that is known.
    pub files: Option<Result<Vec<String>, String>>,
}

impl PlanView {
    /// The view of a plan, on the step that matters now.
    pub fn new(run: &PlanRun) -> Self {
        let (spec, unreadable) = match stored::read(&run.spec) {
            Ok(recorded) => (Some(Box::new(recorded.plan)), String::new()),
            Err(why) => (None, why.to_string()),
        };
        Self {
            plan: run.id.clone(),
            spec,
            unreadable,
            cursor: None,
            scroll: Scroll::default(),
            unsettled: None,
        }
    }

    /// The step that the plan stopped at and that a person can settle, and its index.
    pub fn unsettled_step<'a>(&self, run: &'a PlanRun) -> Option<(usize, &'a StepRun)> {
        let index = progress::next_step(run)?;
        let step = run.steps.get(index).filter(|step| step.fate() == StepState::Failed)?;
        let settles = self.spec.as_ref()?.steps.get(index)?.settle.is_some();
        (settles && run.state != PlanState::Running).then_some((index, step))
    }

    /// The environment that can be rolled back from here: what changed it last did not come to a good end.
    pub fn to_roll_back<'a>(run: &'a PlanRun, model: &Model) -> Option<&'a str> {
        let is_configured = model.config.config.environments.iter().any(|env| env.name == run.target);
        let can = is_configured && model.incident()?.can_go_back_from(run);
        can.then_some(&*run.target)
    }

    /// The step the cursor is on.
    pub fn step(&self, run: &PlanRun) -> usize {
        self.cursor.unwrap_or_else(|| progress::current(run)).min(run.steps.len().saturating_sub(1))
    }

    /// What may be decided now, and here.
    pub fn choices(&self, run: &PlanRun, model: &Model) -> Vec<Choice> {
        let Some(plan) = self.spec.as_deref() else { return Vec::new() };
        progress::choices_at(plan, run, model.here)
    }
}

/// A decision about a plan, before it is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decide {
    /// Id of the plan.
    pub plan: String,
    /// What is decided, and on which step.
    pub choice: Choice,
    /// What it means, a sentence each.
    pub about: Vec<String>,
    /// What will be carried out, in that order: number of the step, from 1, and the exact line.
    pub lines: Vec<(usize, String)>,
    /// Gates that are in its way where it takes its target again: they are overridden with the reason.
    pub others: Option<Standing>,
    /// Why, where a reason is needed.
    pub reason: Option<LineEdit>,
    /// What has to be typed before it is carried out; `None`: `y` is enough, or the reason.
    pub word: Option<String>,
    /// What has been typed of it.
    pub typed: LineEdit,
    /// Whether the reason is given and the word is being typed.
    pub on_word: bool,
    /// Since when it has been on the screen, as in [`super::Preview::shown_ms`].
    pub shown_ms: Option<u64>,
    /// Whether it was confirmed and is being handed over.
    pub sending: bool,
    /// Whether the plan has moved on since: nothing is left to decide here.
    pub lapsed: bool,
    /// What is wrong, in one line; empty while nothing is.
    pub complaint: String,
}

/// What a decision waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks<'a> {
    /// A reason, then Enter.
    Reason,
    /// This word, then Enter.
    Word(&'a str),
    /// `y`.
    Yes,
}

impl Decide {
    /// What is typed besides a word: its name, and what becomes of it.
    pub fn reason_words(&self) -> (&'static str, &'static str) {
        match self.choice.decision {
            Decision::Review { .. } => ("comment", "it goes to the host of the pipeline and into the record"),
            _ => ("reason", "it goes into the record and the report"),
        }
    }

    /// What it waits for now.
    pub fn asks(&self) -> Asks<'_> {
        match (&self.reason, &self.word) {
            (Some(_), _) if !self.on_word => Asks::Reason,
            (_, Some(word)) => Asks::Word(word),
            (_, None) => Asks::Yes,
        }
    }
}
