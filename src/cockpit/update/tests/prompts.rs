//! Every prompt for a line of text: no letter is a command there.

use super::windows::LETTERS;
use super::*;
use crate::cockpit::overlay::Purpose;
use crate::incident::RoleTaken;

/// What is asked for, by its place: a purpose that is new has to be given one, and a way to its prompt below.
fn place(purpose: &Purpose) -> usize {
    match purpose {
        Purpose::Note(_) => 0,
        Purpose::Severity(..) => 1,
        Purpose::Title => 2,
        Purpose::Began => 3,
        Purpose::Impact => 4,
        Purpose::Cause => 5,
        Purpose::Role(_) => 6,
        Purpose::Page => 7,
        Purpose::Told(_) => 8,
        Purpose::Reopen => 9,
        Purpose::Tick { .. } => 10,
        Purpose::Amend(_) => 11,
        Purpose::Retract(_) => 12,
        Purpose::TakeOver(_) => 13,
        Purpose::Verbal => 14,
        Purpose::Reject => 15,
        Purpose::NoRollback => 16,
        Purpose::NoHotfix => 41,
        Purpose::HotfixName => 17,
        Purpose::Filter => 18,
        Purpose::Find => 19,
        Purpose::SuspectFilter => 20,
        Purpose::ChangeFind => 21,
        Purpose::FollowUp => 22,
        Purpose::Review => 23,
        Purpose::Handoff(_) => 24,
        Purpose::Task => 25,
        Purpose::Propose => 26,
        Purpose::TaskEnd(_) => 27,
        Purpose::Object(_) => 28,
        Purpose::Snooze(..) => 29,
        Purpose::Agree(_) => 30,
        Purpose::Resolve(_) => 31,
        Purpose::Assign(_) => 32,
        Purpose::Culprit(_) => 33,
        Purpose::OddFollowUp(_) => 34,
        Purpose::FollowUpDone(..) => 35,
        Purpose::FollowUpDrop(..) => 36,
        Purpose::FollowUpAssign(..) => 37,
        Purpose::ReportBranch => 38,
        Purpose::Live(_) => 39,
        Purpose::Clear(..) => 40,
    }
}

const PURPOSES: usize = 42;

/// A situation, and keys that lead from there to a prompt for a line of text.
type Prompt = (fn() -> Table, &'static str);

/// Every prompt there is.
const PROMPTS: &[Prompt] = &[
    (Table::ready, "n"),
    (Table::ready, "N f"),
    (Table::ready, "h n"),
    (Table::ready, "N d"),
    (Table::ready, "N p"),
    (Table::ready, "N a"),
    (Table::ready, "N u"),
    (Table::ready, "s 1"),
    (resolved, "i v"),
    (leading, "w h"),
    (Table::ready, "w t"),
    (Table::ready, "w p"),
    (busy, "w 1"),
    (busy, "w o"),
    (disputed, "w y"),
    (late, "i z enter"),
    (Table::ready, "i w"),
    (Table::ready, "i b"),
    (Table::ready, "i i"),
    (Table::ready, "i c"),
    (Table::ready, "i r c"),
    (Table::ready, "i p"),
    (Table::ready, "i t o"),
    (Table::ready, "i t s"),
    (resolved, "i o"),
    (ending, "y"),
    (Table::ready, "4 x"),
    (Table::ready, "4 -"),
    (Table::ready, "4 @"),
    (Table::ready, "b x"),
    (odd, "b G u"),
    (Table::ready, "i R b"),
    (past::looked, "U x"),
    (past::looked, "U -"),
    (past::looked, "U @"),
    (noted, "a"),
    (noted, "x"),
    (confirm::running, "o t"),
    (confirm::up_for_approval, "v"),
    (confirm::up_for_approval, "x"),
    (Table::ready, "R x"),
    (Table::ready, ": r e c o r d space w h a t space i s space l i v e enter"),
    (taken_back, ": c l e a r space a space r e l enter"),
    (on_main, "h s"),
    (Table::ready, "/"),
    (Table::ready, "? /"),
    (confirm::running, "o enter /"),
    (suspects::one, "/"),
    (suspects::one, "enter /"),
    (|| Table::waiting(None), "o s"),
    (gated, "o"),
    (Table::new, "D"),
];

fn on_main() -> Table {
    let mut table = Table::ready();
    let head = Head::Branch { name: "main".into(), commit: "4f2c91e0".into() };
    let state = BranchState { hotfix_branches: Vec::new(), head, ..branch() };
    table.send(Msg::Fact(Fact::Branch(Box::new(Ok(state)))));
    table
}

fn resolved() -> Table {
    let mut table = Table::ready();
    let after = table.model.incident().unwrap().heads.iter().map(|head| head.record).collect();
    table.told(crate::incident::Resolved { after, ..crate::incident::Resolved::default() });
    table
}

/// Asked whether it is over, while something is open.
fn ending() -> Table {
    let mut table = Table::ready();
    table.keys("i x");
    table.shown();
    table
}

/// A release was rolled back.
fn taken_back() -> Table {
    let mut table = Table::ready();
    let commit = "4f2c91e0000000000000000000000000000000aa";
    for (commit, rollback) in [(commit, false), ("0e9d565e000000000000000000000000000000bb", true)] {
        table.told(crate::incident::Released {
            environment: "production".into(),
            reference: "main".into(),
            commit: commit.into(),
            tag: None,
            version: None,
            plan: String::new(),
            rollback,
            replaces: None,
        });
    }
    table
}

/// Something odd was noted.
fn odd() -> Table {
    let mut table = Table::ready();
    table.told(Noted { kind: NoteKind::Problem, text: "the pager was late".into() });
    table
}

fn noted() -> Table {
    let mut table = Table::ready();
    table.told(Noted { kind: NoteKind::Note, text: "first".into() });
    table
}

/// Hours later, when much is overdue.
fn late() -> Table {
    let mut table = Table::ready();
    table.send(Msg::Tick(time(60) + SignedDuration::from_hours(3)));
    table
}

/// Somebody has a task, and something is proposed.
/// Whoever sits there has the command.
fn leading() -> Table {
    let mut table = Table::ready();
    table.told(RoleTaken { role: "commander".into(), person: "maya".into() });
    table
}

fn busy() -> Table {
    let mut table = Table::ready();
    let until = time(90);
    table.told(crate::incident::TaskGiven { text: "check the pool".into(), owner: "omar".into(), until });
    table.told(crate::incident::Proposed { text: "turn the flag off".into(), until });
    table
}

/// The same, and somebody objects.
fn disputed() -> Table {
    let mut table = busy();
    let proposal = table.model.incident().unwrap().motions[0].id;
    table.told(crate::incident::Objected { proposal, reason: "half of the orders".into() });
    table
}

fn gated() -> Table {
    let mut table = Table::ready();
    table.preview(gates::guarded());
    table.shown();
    table
}

#[test]
fn no_letter_is_a_command_while_a_prompt_is_in_sight() {
    let mut seen = [false; PURPOSES];
    for (open, opener) in PROMPTS {
        let mut table = open();
        table.keys(opener);
        table.shown();
        let (before, open) = (table.model.next_effect, table.model.overlays.len());
        assert!(open > 0, "{opener} asks for nothing");
        table.types(LETTERS);
        assert_eq!(table.model.next_effect, before, "{opener}: a letter asked for an effect");
        assert_eq!(table.model.overlays.len(), open, "{opener}: a letter opened or closed something");
        let text = match table.model.overlays.last() {
            Some(Overlay::Ask(ask)) => {
                seen[place(&ask.purpose)] = true;
                ask.input.text()
            }
            Some(Overlay::Declare(declare)) => declare.title.text(),
            Some(Overlay::Preview(preview)) => preview.reason.text(),
            Some(Overlay::Decide(decide)) => decide.reason.as_ref().unwrap().text(),
            other => panic!("{opener}: {other:?}"),
        };
        assert!(text.ends_with(LETTERS), "{opener}: {text}");
    }
    let missing: Vec<usize> = (0..PURPOSES).filter(|place| !seen[*place]).collect();
    assert!(missing.is_empty(), "no way to these prompts: {missing:?}");
}
