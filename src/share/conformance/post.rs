//! A carrier that loses, repeats and reorders as chance has it.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;

use super::bare::{clone_of, nowhere};
use super::{Batch, Carrier, Machine, Place, conforms, settle};
use crate::incident::IncidentId;
use crate::share::batch::Reached;
use crate::share::carrier::{LeftOut, Outgoing};
use crate::share::git::{Git, Tip};
use crate::share::inbox::Inbox;
use crate::share::own::COPIED;
use crate::share::wire::{Part, parts};

type Letter = (IncidentId, u64, Part, Vec<u8>);

/// Letters that lie there for everybody.
#[derive(Default)]
struct Office {
    letters: RefCell<Vec<Letter>>,
    chance: RefCell<u64>,
    /// Of ten letters so many are not brought at a time, and as many twice.
    faults: u64,
}

impl Office {
    fn chance(&self, of: u64) -> u64 {
        // Linear congruence, by Knuth's constants: repeatable, and no more is asked of it.
        let mut chance = self.chance.borrow_mut();
        *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*chance >> 33) % of
    }
}

struct Post {
    office: Rc<Office>,
    inbox: Inbox,
    node: u64,
    is_copied: bool,
}

impl Carrier for Post {
    fn name(&self, _chains: &Git) -> String {
        "the post".to_owned()
    }

    fn fetch(&mut self, chains: &Git) -> Result<Vec<LeftOut>, String> {
        let letters = self.office.letters.borrow().clone();
        let mut brought = Vec::new();
        for letter in letters {
            let lot = self.office.chance(10);
            let times =
                if lot < self.office.faults { 0 } else { 1 + usize::from(lot + self.office.faults >= 10) };
            for _ in 0..times {
                let at = if self.office.faults == 0 {
                    brought.len()
                } else {
                    self.office.chance(brought.len() as u64 + 1) as usize
                };
                brought.insert(at, letter.clone());
            }
        }
        for (incident, node, part, bytes) in brought {
            self.inbox.add(incident, node, part, bytes);
        }
        self.is_copied |= self.inbox.sort_in(chains).is_copied;
        Ok(Vec::new())
    }

    fn push(&mut self, chains: &Git, out: &Outgoing) -> Result<Vec<String>, String> {
        for incident in &out.incidents {
            let Some(commit) = chains.own_tip(*incident)? else { continue };
            let tip = Tip { incident: *incident, node: out.node, commit };
            for (number, commit) in chains.later_than(tip, 0)? {
                for (part, bytes) in parts(number, &chains.batch(commit)?, 700) {
                    let letter = (*incident, out.node, part, bytes);
                    let mut letters = self.office.letters.borrow_mut();
                    if !letters.contains(&letter) {
                        letters.push(letter);
                    }
                }
            }
        }
        Ok(self.is_copied.then(|| COPIED.to_owned()).into_iter().collect())
    }

    fn sent(&self, chains: &Git, incident: IncidentId, node: u64) -> Result<u64, String> {
        Ok(if node == self.node { chains.own(incident)?.records } else { 0 })
    }
}

impl Place for Rc<Office> {
    fn clone_into(&self, root: &Path) {
        clone_of(&nowhere(), root);
    }

    fn carrier(&self, node: u64) -> Box<dyn Carrier> {
        Box::new(Post { office: self.clone(), inbox: Inbox::default(), node, is_copied: false })
    }

    fn there(&self, incident: IncidentId, node: u64) -> Vec<Batch> {
        let mut assembler = crate::share::wire::Assembler::default();
        let letters = self.letters.borrow().clone();
        let ours = letters.into_iter().filter(|(id, by, ..)| (*id, *by) == (incident, node));
        ours.filter_map(|(id, by, part, bytes)| assembler.add(id, by, part, bytes)).collect()
    }

    fn put(&self, incident: IncidentId, node: u64, batches: &[Batch]) {
        self.letters.borrow_mut().retain(|(id, by, ..)| (*id, *by) != (incident, node));
        for batch in batches {
            let number = Reached::of(&batch.head).map_or(1, |reached| reached.batch);
            let letters = parts(number, batch, 700).into_iter();
            self.letters.borrow_mut().extend(letters.map(|(part, bytes)| (incident, node, part, bytes)));
        }
    }

    fn litter(&self, incident: IncidentId, node: u64) {
        let part = Part { batch: 1, place: 1, of: 1, head: "0".repeat(64) };
        self.letters.borrow_mut().push((incident, node, part, b"\0\0nothing".to_vec()));
    }
}

conforms!(Rc::new(Office::default()));

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]
    #[test]
    fn all_come_to_the_same_whatever_is_lost_repeated_and_reordered(
        chance in any::<u64>(),
        faults in 0_u64..5,
        acts in prop::collection::vec((0_usize..3, 0_usize..3), 1..25),
    ) {
        let office = Rc::new(Office { faults, chance: chance.into(), ..Office::default() });
        let mut machines = ["maya", "omar", "li"].map(|name| Machine::new(&office, name));
        let incident = machines[0].declare();
        machines[0].note(incident, "begins");
        let mut written = 2;
        for (n, (who, passes)) in acts.into_iter().enumerate() {
            if machines[who].journal.holds(incident).unwrap() {
                machines[who].note(incident, format!("{n}"));
                written += 1;
            }
            machines[passes].pass(incident);
        }
        let [maya, omar, li] = &mut machines;
        // And each said that they joined.
        settle(&mut [maya, omar, li], incident, written + 3);
    }
}
