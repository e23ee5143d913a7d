//! Plans as they are written down. What is approved is one JSON text inside of it, and a plan is
//! known by the hash of just these bytes: they are made once, when the plan is prepared, and kept.
//! Reading never writes them again, so no later version can come to another hash.
//!
//! The types here are the format. They change only by adding: a field that says nothing is left out,
//! so that a plan that was approved before is still made into the same bytes. What an older version
//! must not pass over in silence gets a new [`VERSION`]. `tests/golden` holds what each version
//! has written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::deployment::Report;
use super::gates::{Demand, Gate};
use super::programs::Program;
use super::{
    Action, FollowUp, Guard, OnFailure, Plan, Probe, Purpose, Reach, ReleaseSpec, SecretSource, Settle, Step,
    Subject, Undo, legacy,
};
use crate::incident::{Hash, Predecessor, Spec};

/// The version of the format that is written here, and the newest that is read.
pub const VERSION: u64 = 1;

/// A plan on record, with the hash of its stored bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The plan.
    pub plan: Plan,
    /// What it is known by. Never to be worked out again from the plan.
    pub hash: String,
}

/// A plan ready to be written down, and the hash of what will be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The whole plan.
    pub spec: Spec,
    /// The hash over what is approved of it.
    pub hash: String,
}

/// Why a plan on record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A newer version wrote it, in this version of the format.
    Newer(u64),
    /// It is no plan.
    Broken(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(version) => write!(
                f,
                "a newer flightdeck wrote this plan (format {version}, this one reads up to {VERSION})"
            ),
            Self::Broken(why) => write!(f, "it cannot be read as a plan: {why}"),
        }
    }
}

/// The whole of a plan on record. `A` is what is approved: the bytes when it is read, and what they
/// are made of when it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<'a, A> {
    version: u64,
    id: Cow<'a, str>,
    title: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Cow<'a, Subject>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    predecessor: Option<Cow<'a, Predecessor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    way: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    gates: Cow<'a, [Gate]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    follow_ups: Cow<'a, [FollowUp]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    notes: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    warnings: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    searched: Option<Cow<'a, str>>,
    /// The words of each step.
    shown: Vec<Words<'a>>,
    approved: A,
}

/// What people call what is released, and what it takes the place of.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

/// What is shown of a step and may be worded otherwise, and the state of what it waits for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words<'a> {
    title: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    guards: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    gates: Cow<'a, [Gate]>,
}

/// All that is approved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approved<'a> {
    purpose: Purpose,
    target: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirm: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_none_of")]
    frozen: Cow<'a, BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<Released>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Cow<'a, Report>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    secrets: Cow<'a, [SecretSource]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    programs: Cow<'a, [Program]>,
    #[serde(default, skip_serializing_if = "is_empty")]
    to_come: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    demands: Vec<Demand>,
    steps: Vec<ApprovedStep<'a>>,
}

/// What is approved of a release: its names may change.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Released {
    environment: String,
    reference: String,
    commit: String,
    rollback: bool,
    after: usize,
}

/// What is approved of a step.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovedStep<'a> {
    /// What it does; left out of a step that waits for gates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<Cow<'a, Action>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<Demand>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    guards: Vec<Cow<'a, Probe>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Cow<'a, Probe>>,
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    proof_within: SignedDuration,
    reach: Reach,
    timeout: SignedDuration,
    retry_is_safe: bool,
    #[serde(default)]
    undo: Cow<'a, Undo>,
    #[serde(default)]
    on_failure: OnFailure,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settle: Option<Cow<'a, Settle>>,
}

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

fn is_none_of<K, V>(map: &BTreeMap<K, V>) -> bool {
    map.is_empty()
}

/// Makes the bytes of a plan, once.
///
/// # Errors
/// It cannot be written as JSON.
pub fn seal(plan: &Plan) -> Result<Sealed, serde_json::Error> {
    let approved = serde_json::value::to_raw_value(&approved(plan))?;
    let hash = Hash::of(approved.get().as_bytes()).to_string();
    let release = plan.release.as_ref();
    let whole = Whole {
        version: VERSION,
        id: plan.id.as_str().into(),
        title: plan.title.as_str().into(),
        subject: plan.subject.as_ref().map(Cow::Borrowed),
        label: release
            .filter(|release| {
                release.tag.is_some() || release.version.is_some() || release.replaces.is_some()
            })
            .map(|release| Label {
                tag: release.tag.clone(),
                version: release.version.clone(),
                replaces: release.replaces.clone(),
            }),
        predecessor: plan.predecessor.as_ref().map(Cow::Borrowed),
        way: plan.way.as_deref().map(Cow::Borrowed),
        gates: plan.gates.as_slice().into(),
        follow_ups: plan.follow_ups.as_slice().into(),
        notes: plan.notes.as_slice().into(),
        warnings: plan.warnings.as_slice().into(),
        searched: plan.searched.as_deref().map(Cow::Borrowed),
        shown: plan.steps.iter().map(words).collect(),
        approved,
    };
    Ok(Sealed { spec: Spec::new(serde_json::to_string(&whole)?)?, hash })
}

fn approved(plan: &Plan) -> Approved<'_> {
    // A tag put on the commit afterwards, or a version read off it, changes nothing that runs.
    let release = plan.release.as_ref().map(|release| Released {
        environment: release.environment.clone(),
        reference: release.reference.clone(),
        commit: release.commit.clone(),
        rollback: release.rollback,
        after: release.after,
    });
    Approved {
        purpose: plan.purpose,
        target: plan.target.as_str().into(),
        confirm: plan.confirm.as_deref().map(Cow::Borrowed),
        frozen: Cow::Borrowed(&plan.frozen),
        release,
        report: plan.report.as_ref().map(Cow::Borrowed),
        secrets: plan.secrets.as_slice().into(),
        programs: plan.programs.as_slice().into(),
        to_come: plan.to_come.as_slice().into(),
        demands: plan.gates.iter().map(Gate::demand).collect(),
        steps: plan.steps.iter().map(step).collect(),
    }
}

fn words(step: &Step) -> Words<'_> {
    let gates = match &step.action {
        Action::Gate { gates } => gates.as_slice(),
        _ => &[],
    };
    Words {
        title: step.title.as_str().into(),
        guards: step.guards.iter().map(|guard| guard.title.as_str().into()).collect(),
        gates: gates.into(),
    }
}

fn step(step: &Step) -> ApprovedStep<'_> {
    let (action, waits_for) = match &step.action {
        Action::Gate { gates } => (None, gates.iter().map(Gate::demand).collect()),
        action => (Some(Cow::Borrowed(action)), Vec::new()),
    };
    ApprovedStep {
        action,
        waits_for,
        guards: step.guards.iter().map(|guard| Cow::Borrowed(&guard.probe)).collect(),
        proof: step.proof.as_ref().map(Cow::Borrowed),
        proof_within: step.proof_within,
        reach: step.reach,
        timeout: step.timeout,
        retry_is_safe: step.retry_is_safe,
        undo: Cow::Borrowed(&step.undo),
        on_failure: step.on_failure,
        settle: step.settle.as_ref().map(Cow::Borrowed),
    }
}

/// Reads a plan on record, and the hash of its bytes.
///
/// # Errors
/// A newer version wrote it, or it is no plan.
pub fn read(spec: &Spec) -> Result<Recorded, Unreadable> {
    let broken = |error: serde_json::Error| Unreadable::Broken(error.to_string());
    match spec.value().get("version").map(|version| version.as_u64().unwrap_or(u64::MAX)) {
        None => {
            let plan = legacy::read(spec.value()).map_err(broken)?;
            let hash = legacy::hash(spec.value());
            let hash = hash.ok_or_else(|| Unreadable::Broken("a part of it is missing".to_owned()))?;
            Ok(Recorded { plan, hash })
        }
        Some(version) if version > VERSION => Err(Unreadable::Newer(version)),
        Some(_) => {
            let whole: Whole<'_, &RawValue> = serde_json::from_str(spec.raw()).map_err(broken)?;
            let bytes = whole.approved.get();
            let approved: Approved<'_> = serde_json::from_str(bytes).map_err(broken)?;
            let hash = Hash::of(bytes.as_bytes()).to_string();
            let plan = together(whole, approved).map_err(|why| Unreadable::Broken(why.to_owned()))?;
            Ok(Recorded { plan, hash })
        }
    }
}

/// Tells which newer version wrote a plan that cannot be read here for that reason.
pub fn newer(spec: &Spec) -> Option<u64> {
    spec.value().get("version").and_then(serde_json::Value::as_u64).filter(|version| *version > VERSION)
}

/// The plan of its two parts. What does not fit together is none.
fn together(whole: Whole<'_, &RawValue>, approved: Approved<'_>) -> Result<Plan, &'static str> {
    if whole.shown.len() != approved.steps.len() {
        return Err("its steps and their words do not match");
    }
    if whole.gates.iter().map(Gate::demand).ne(approved.demands) {
        return Err("its gates are not those that were approved");
    }
    let label = whole.label.unwrap_or(Label { tag: None, version: None, replaces: None });
    let release = approved.release.map(|release| ReleaseSpec {
        environment: release.environment,
        reference: release.reference,
        commit: release.commit,
        tag: label.tag,
        version: label.version,
        rollback: release.rollback,
        replaces: label.replaces,
        after: release.after,
    });
    let steps = approved.steps.into_iter().zip(whole.shown);
    Ok(Plan {
        id: whole.id.into_owned(),
        title: whole.title.into_owned(),
        purpose: approved.purpose,
        target: approved.target.into_owned(),
        confirm: approved.confirm.map(Cow::into_owned),
        frozen: approved.frozen.into_owned(),
        subject: whole.subject.map(Cow::into_owned),
        gates: whole.gates.into_owned(),
        release,
        predecessor: whole.predecessor.map(Cow::into_owned),
        report: approved.report.map(Cow::into_owned),
        way: whole.way.map(Cow::into_owned),
        secrets: approved.secrets.into_owned(),
        programs: approved.programs.into_owned(),
        to_come: approved.to_come.into_owned(),
        searched: whole.searched.map(Cow::into_owned),
        follow_ups: whole.follow_ups.into_owned(),
        notes: whole.notes.into_owned(),
        warnings: whole.warnings.into_owned(),
        steps: steps.map(|(step, words)| whole_step(step, words)).collect::<Result<_, _>>()?,
        made_from: String::new(),
    })
}

fn whole_step(step: ApprovedStep<'_>, words: Words<'_>) -> Result<Step, &'static str> {
    if words.guards.len() != step.guards.len() {
        return Err("its guards and their words do not match");
    }
    if words.gates.iter().map(Gate::demand).ne(step.waits_for) {
        return Err("what a step waits for is not what was approved");
    }
    let guards = step.guards.into_iter().zip(words.guards);
    Ok(Step {
        title: words.title.into_owned(),
        action: step.action.map_or_else(|| Action::Gate { gates: words.gates.into_owned() }, Cow::into_owned),
        guards: guards
            .map(|(probe, title)| Guard { title: title.into_owned(), probe: probe.into_owned() })
            .collect(),
        proof: step.proof.map(Cow::into_owned),
        proof_within: step.proof_within,
        reach: step.reach,
        timeout: step.timeout,
        retry_is_safe: step.retry_is_safe,
        undo: step.undo.into_owned(),
        on_failure: step.on_failure,
        settle: step.settle.map(Cow::into_owned),
    })
}
