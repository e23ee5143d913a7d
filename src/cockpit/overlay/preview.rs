//! A plan before it is confirmed, or before it is approved.

use std::collections::BTreeMap;

use super::super::edit::LineEdit;
use super::super::model::Model;
use super::Scroll;
use crate::incident::{PlanRun, PlanState, same_person};
use crate::plan::gates::{self, Standing};
use crate::plan::{Plan, proposal};

/// A plan before it is confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// Its hash.
    pub hash: String,
    /// How its gates stand; follows the record while it is on the screen.
    pub standings: Vec<Standing>,
    /// How it stands with others at its target, as the remote says; `None`: nothing is in the way, or it was not heard yet.
    pub others: Option<Standing>,
    /// The role in which it is to be approved; `None`: it is to be started.
    pub role: Option<String>,
    /// Where keys go while gates are in the way.
    pub field: Field,
    /// Why gates are passed over, as typed.
    pub reason: LineEdit,
    /// What has been typed to confirm.
    pub typed: LineEdit,
    /// Since when it has been on the screen, in milliseconds of the key clock; keys read
    /// before never confirm.
    pub shown_ms: Option<u64>,
    /// Whether it was confirmed and is being started.
    pub starting: bool,
    /// What is wrong, in one line: pasted, not what was asked for; empty while nothing is.
    pub complaint: String,
    /// What it was made for, as it stood when it was opened; `None`: not looked at yet.
    pub stood: Option<Stood>,
    /// What has overtaken it since, so that nothing confirms it any more; empty: it stands.
    pub overtaken: String,
    /// First line shown.
    pub scroll: Scroll,
    /// Whether proof, undo, failure and limits of every step are shown, and not its command alone.
    pub details: bool,
}

/// What a plan was made for, as it stood at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stood {
    /// The plans that had run on its target, and how each stood.
    pub plans: Vec<(String, PlanState)>,
    /// The commits that its references were at, of those that were known.
    pub refs: BTreeMap<String, String>,
}

/// Where keys go while gates are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field {
    /// They are commands, and no line is on the screen.
    #[default]
    Keys,
    /// Into the reason.
    Reason,
    /// Into the line that confirms.
    Target,
}

/// How a plan is confirmed. The more it reaches, the more it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// Enter is enough: nothing beyond this machine changes.
    Enter,
    /// `y`: others will see it.
    Yes,
    /// This has to be typed, then Enter.
    Typed(&'a str),
    /// Gates are not met. The severity lets them be passed over: a reason, and this typed.
    PassOver(&'a str),
    /// Gates are not met that may not be passed over: it cannot be confirmed.
    Blocked,
    /// It is not started from here, but approved in a role.
    Vote,
}

impl Preview {
    /// A plan that was just made.
    pub fn new(plan: Plan) -> Self {
        let hash = plan.hash();
        Self::of(plan, hash)
    }

    /// A plan with what it is known by.
    pub fn of(plan: Plan, hash: String) -> Self {
        Self {
            hash,
            details: false,
            plan,
            standings: Vec::new(),
            others: None,
            role: None,
            field: Field::Keys,
            reason: LineEdit::default(),
            typed: LineEdit::default(),
            shown_ms: None,
            starting: false,
            complaint: String::new(),
            stood: None,
            overtaken: String::new(),
            scroll: Scroll::default(),
        }
    }

    /// The plan of somebody that holds the target, as far as the record says: it keeps this one
    /// from being started, not from being approved.
    pub fn holder<'a>(&self, model: &'a Model) -> Option<&'a PlanRun> {
        // Two who look at the same plan at once look at the same id: only one of them starts it.
        let own = |holder: &PlanRun| self.starting && holder.id == self.plan.id;
        model.holder(&self.plan.target).filter(|holder| !own(holder) && self.role.is_none())
    }

    /// Tells whether it is the own plan of whoever looks at it, and therefore for others to approve.
    pub fn is_own(&self, model: &Model) -> bool {
        let Some(state) = model.incident() else { return false };
        !model.policy.severity(state.severity).own_approval
            && proposal::of(state, &self.hash).is_some_and(|one| same_person(one.owner(), &model.me))
    }

    /// How this plan is confirmed.
    pub fn way(&self) -> Way<'_> {
        if self.role.is_some() {
            return Way::Vote;
        }
        if self.standings.iter().any(Standing::blocks) {
            return if gates::may_pass_over(&self.standings) {
                Way::PassOver(self.plan.word())
            } else {
                Way::Blocked
            };
        }
        match &self.plan.confirm {
            Some(word) => Way::Typed(word),
            None if self.plan.reaches_others() => Way::Yes,
            None => Way::Enter,
        }
    }

    /// Tells whether something has overtaken it, so that nothing confirms it any more.
    pub fn is_overtaken(&self) -> bool {
        !self.overtaken.is_empty()
    }

    /// Has it say from now on what has overtaken it. The reason that was typed is kept for the next one.
    pub fn overtake(&mut self, why: String) {
        self.overtaken = why;
        self.complaint.clear();
        self.typed = LineEdit::default();
        self.field = Field::Keys;
        self.shown_ms = None;
        self.scroll = Scroll::default();
    }

    /// Whether a line is on the screen that text goes into.
    pub fn prompts(&self) -> bool {
        match self.way() {
            _ if self.is_overtaken() => false,
            Way::Typed(_) => true,
            Way::PassOver(_) => self.field != Field::Keys,
            Way::Enter | Way::Yes | Way::Blocked | Way::Vote => false,
        }
    }

    /// Takes in how its gates stand now. Where that changes what is asked, it has to be seen
    /// again before anything confirms it.
    pub fn judge(&mut self, standings: Vec<Standing>) {
        let before = self.kind_of_way();
        self.standings = standings;
        if self.kind_of_way() != before {
            self.shown_ms = None;
            // What was typed was an answer to another question.
            self.typed = LineEdit::default();
            self.field = Field::Keys;
        }
    }

    /// What is asked, whatever the word is that has to be typed.
    fn kind_of_way(&self) -> u8 {
        match self.way() {
            Way::Enter => 0,
            Way::Yes => 1,
            Way::Typed(_) => 2,
            Way::PassOver(_) => 3,
            Way::Blocked => 4,
            Way::Vote => 5,
        }
    }

    /// Tells whether people have to approve it and have not.
    pub fn needs_approval(&self) -> bool {
        self.standings.iter().any(|standing| standing.id == "approvals" && standing.blocks())
    }
}
