//! `flightdeck tick`: a checklist item was looked at.

use super::End;
use super::context::{Context, Wanted};
use super::save::{SaveArgs, save_in};
use crate::failure::{Failure, Result};
use crate::incident::{CheckState, ChecklistItem, Ticked};
use crate::text::nearest;

/// Tick a checklist item: passed, unless you say otherwise
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  flightdeck tick 1
  flightdeck tick payments --fail --note \"card refund answers 502\"")]
pub(crate) struct Args {
    /// The item: its id, its number in the list, or a unique beginning
    #[arg(value_name = "ITEM")]
    item: String,

    /// It failed
    #[arg(long, group = "result")]
    fail: bool,

    /// It does not apply here
    #[arg(long, group = "result")]
    na: bool,

    /// Open it again
    #[arg(long, group = "result")]
    open: bool,

    /// What was seen
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,

    #[command(flatten)]
    save: SaveArgs,
}

impl Args {
    fn state(&self) -> CheckState {
        match (self.fail, self.na, self.open) {
            (true, _, _) => CheckState::Failed,
            (_, true, _) => CheckState::Na,
            (_, _, true) => CheckState::Open,
            _ => CheckState::Passed,
        }
    }
}

/// Carries the verb out.
pub(crate) fn run(args: &Args, cx: &Context) -> Result<End> {
    let mut loaded = cx.load(Wanted::Open)?;
    let checklist = cx.setup_or_warn().checklist();
    let item = find_item(&checklist, &args.item)?;
    let ticked = Ticked {
        item: item.id.clone(),
        title: item.title.clone(),
        state: args.state(),
        note: args.note.trim().to_owned(),
    };
    let unreasoned = ticked.note.is_empty() && matches!(ticked.state, CheckState::Failed | CheckState::Na);
    let before = loaded.state().records;
    let end = save_in(cx, args.save, &mut loaded, None, ticked)?;
    if unreasoned && loaded.state().records > before {
        cx.out.tell("▲ no reason given: say it with --note TEXT, the last one counts");
    }
    Ok(end)
}

/// The item that an id, a number from 1, or a unique beginning of id or title means.
pub(super) fn find_item<'a>(items: &'a [ChecklistItem], named: &str) -> Result<&'a ChecklistItem> {
    let wanted = named.trim().to_lowercase();
    if let Some(item) = items.iter().find(|item| item.id.to_lowercase() == wanted) {
        return Ok(item);
    }
    let by_number = wanted.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    if let Some(item) = by_number.and_then(|index| items.get(index)) {
        return Ok(item);
    }
    let begins = |item: &&ChecklistItem| {
        item.id.to_lowercase().starts_with(&wanted) || item.title.to_lowercase().starts_with(&wanted)
    };
    let found: Vec<_> = if wanted.is_empty() { Vec::new() } else { items.iter().filter(begins).collect() };
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(unknown_item(items, named)),
        many => {
            let ids: Vec<_> = many.iter().map(|item| item.id.as_str()).collect();
            Err(Failure::usage(
                format!("finding checklist item {named}"),
                format!("{} begin so: {}", many.len(), ids.join(", ")),
                "write more of it",
            ))
        }
    }
}

fn unknown_item(items: &[ChecklistItem], named: &str) -> Failure {
    let known: Vec<_> = items.iter().flat_map(|item| [item.id.as_str(), item.title.as_str()]).collect();
    let meant = nearest(named.trim(), &known);
    let list: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(i, item)| format!("{:>2}  {}  {}", i + 1, item.id, item.title))
        .collect();
    let list = list.join("\n");
    let hint = match meant {
        Some(meant) => format!("did you mean {meant}? There are:\n{list}"),
        None => format!("one of:\n{list}"),
    };
    Failure::usage(format!("finding checklist item {named}"), "unknown item", hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<ChecklistItem> {
        [("core", "core user workflow"), ("payments", "payment processing"), ("pages", "help pages")]
            .map(|(id, title)| ChecklistItem {
                id: id.to_owned(),
                title: title.to_owned(),
                hint: String::new(),
            })
            .into()
    }

    #[test]
    fn an_item_is_found_by_id_number_and_beginning() {
        let items = items();
        for named in ["payments", "2", "pay", "PAYMENT PROC"] {
            assert_eq!(find_item(&items, named).unwrap().id, "payments", "{named}");
        }
        assert_eq!(find_item(&items, "help").unwrap().id, "pages");
    }

    #[test]
    fn an_id_that_is_a_number_wins_over_the_number() {
        let mut items = items();
        items[0].id = "3".to_owned();
        assert_eq!(find_item(&items, "3").unwrap().title, "core user workflow");
    }

    #[test]
    fn what_is_not_there_names_the_nearest_and_lists_all() {
        let failure = find_item(&items(), "paymnets").unwrap_err();
        assert_eq!(failure.kind, crate::failure::FailureKind::Usage);
        assert!(failure.hint.starts_with("did you mean payments?"), "{failure}");
        assert!(failure.hint.contains(" 3  pages  help pages"), "{failure}");
        for named in ["", "0", "4", "zzz"] {
            assert!(find_item(&items(), named).unwrap_err().hint.starts_with("one of:"), "{named}");
        }
    }

    #[test]
    fn what_could_be_two_names_both() {
        let failure = find_item(&items(), "pa").unwrap_err();
        assert_eq!(failure.cause, "2 begin so: payments, pages");
    }
}
