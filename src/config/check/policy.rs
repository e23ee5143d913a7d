//! Mistakes of meaning under `[policy]`: names that nothing has, what is gone though something refers to
//! it, and severities that nobody can tell apart.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::super::problem::Problem;
use super::{names, not_blank, table, tables, text, texts, unusable};
use crate::incident::{ClockPolicy, Policy, Role, Severity};
use crate::text::{nearest, visible};

/// Reports every mistake of meaning in the team's changes to the policy.
pub(super) fn check(root: &DeTable<'_>, own: &DeTable<'_>, found: &mut Vec<Problem>) {
    let policy = Policy::built_in();
    names(own, "roles", "id", found);
    names(own, "questions", "id", found);
    names(own, "rollback_steps", "title", found);
    names(own, "clocks", "id", found);
    names(own, "audiences", "id", found);
    names(own, "culprits", "id", found);
    severities(own, &policy, found);
    entries(own, "role", "title", &ids(own, "roles", "id", policy.roles.iter().map(|one| &one.id)), found);
    let known = ids(own, "culprits", "id", policy.culprits.iter().map(|one| &one.id));
    entries(own, "culprit", "title", &known, found);
    entries(own, "check", "title", &ids(own, "", "", policy.checklist.iter().map(|one| &one.id)), found);
    entries(
        own,
        "question",
        "ask",
        &ids(own, "questions", "id", policy.questions.iter().map(|one| &one.id)),
        found,
    );
    let steps = policy.rollback_steps.iter().map(|one| &one.title);
    entries(own, "rollback_step", "about", &ids(own, "rollback_steps", "title", steps), found);
    let known = ids(own, "clocks", "id", policy.clocks.iter().map(|one| &one.id));
    entries(own, "clock", "title", &known, found);
    let known = ids(own, "audiences", "id", policy.audiences.iter().map(|one| &one.id));
    entries(own, "audience", "title", &known, found);
    phases(own, &policy, found);
    clocks(own, &policy, found);
    questions(own, &policy, found);
    roles(own, &policy, found);
    if let (Some(list), Some((changed, _))) = (root.get("checklist"), root_key(own, "check"))
        && list.get_ref().as_array().is_some_and(|list| !list.is_empty())
    {
        let problem =
            Problem::new(changed, "this changes items of the built-in checklist, which is not used");
        let problem = problem.other(list.span(), "this list is in its place");
        found.push(problem.help("write your items in one of the two places"));
    }
}

/// Ids of clocks that the program works out: updates, phases, tasks and proposals. So is what has a `:` in it.
const COMPUTED: [&str; 4] = ["update", "phase", "task", "proposal"];

/// The key of a table, and the table.
fn root_key<'t>(own: &'t DeTable<'_>, key: &str) -> Option<(Range<usize>, &'t DeTable<'t>)> {
    let (name, value) = own.get_key_value(key)?;
    Some((name.span(), value.get_ref().as_table()?))
}

/// The tables below a key, by their names.
fn below<'t>(
    own: &'t DeTable<'_>,
    key: &str,
) -> impl Iterator<Item = (&'t str, Range<usize>, &'t DeTable<'t>)> {
    table(own, key).into_iter().flat_map(|below| {
        below.iter().filter_map(|(name, value)| {
            let text: &str = name.get_ref();
            Some((text, name.span(), value.get_ref().as_table()?))
        })
    })
}

/// The ids in a list of the team's, or the usual ones where it has none.
fn ids<'t>(
    own: &'t DeTable<'_>,
    list: &str,
    id: &str,
    usual: impl Iterator<Item = &'t String>,
) -> Vec<&'t str> {
    if own.contains_key(list) {
        tables(own, list).filter_map(|entry| Some(text(entry, id)?.0)).collect()
    } else {
        usual.map(String::as_str).collect()
    }
}

/// The severities that the team says something about.
fn ours<'t>(own: &'t DeTable<'_>) -> impl Iterator<Item = (Severity, &'t DeTable<'t>)> {
    Severity::all().filter_map(|severity| Some((severity, table(own, severity.name())?)))
}

/// Tells whether an entry is there no more.
fn is_dropped(entry: &DeTable<'_>) -> bool {
    entry.get("drop").and_then(|value| value.get_ref().as_bool()) == Some(true)
}

/// Changes by id: to what there is, or something new that says what it is.
fn entries(own: &DeTable<'_>, key: &str, needs: &str, known: &[&str], found: &mut Vec<Problem>) {
    let what = key.replace('_', " ");
    // What has a name is called by it.
    for (_, _, entry) in below(own, key).filter(|_| needs != "about") {
        not_blank(entry, needs, found);
    }
    for (id, span, entry) in below(own, key).filter(|(id, ..)| !known.contains(id)) {
        if let Some(why) = unusable(id) {
            found.push(Problem::new(span, format!("the id {why}")));
        } else if is_dropped(entry) || !entry.contains_key(needs) {
            let problem = Problem::new(span, format!("unknown {what} `{}`", visible(id)));
            found.push(match nearest(id, known) {
                Some(_) => problem.suggest(id, known.iter().copied()),
                None => problem
                    .help(format!("a {what} of your own needs a `{needs}`; known: {}", known.join(", "))),
            });
        }
    }
}

/// Phases are the six there are.
fn phases(own: &DeTable<'_>, policy: &Policy, found: &mut Vec<Problem>) {
    let known: Vec<&str> = policy.phases.iter().map(|one| one.phase.name()).collect();
    let mut named: Vec<(&str, Range<usize>)> = Vec::new();
    for (id, span, entry) in below(own, "phase") {
        if !known.contains(&id) {
            let problem = Problem::new(span, format!("unknown phase `{}`", visible(id)));
            found.push(problem.suggest(id, known.iter().copied()));
        }
        let Some((name, span)) = text(entry, "name") else { continue };
        let taken = known.iter().any(|other| *other != id && other.eq_ignore_ascii_case(name));
        if let Some(why) = unusable(name) {
            found.push(Problem::new(span, format!("the name {why}")));
        } else if taken {
            found.push(Problem::new(span, format!("`{name}` is the name of another phase")));
        } else if let Some((_, first)) = named.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)) {
            let problem = Problem::new(span, format!("two phases are called `{name}`"));
            found.push(problem.other(first.clone(), "first named here"));
        } else {
            named.push((name, span));
        }
    }
}

/// Answers lead to severities that there are, and the last no leads somewhere.
fn questions(own: &DeTable<'_>, policy: &Policy, found: &mut Vec<Problem>) {
    let known: BTreeSet<&str> =
        policy.ranks().chain(ours(own).map(|(severity, _)| severity)).map(Severity::name).collect();
    let usual: Vec<&str> = policy.questions.iter().map(|one| one.id.as_str()).collect();
    for (id, span, entry) in
        below(own, "question").filter(|(id, _, entry)| !usual.contains(id) && !is_dropped(entry))
    {
        if entry.contains_key("ask") && !entry.contains_key("yes") && !own.contains_key("questions") {
            let problem = Problem::new(span, format!("`yes` is missing in the question `{}`", visible(id)));
            found.push(problem.help("the severity if the answer is yes: yes = \"P1\""));
        }
    }
    let left = there(own, "questions", "question", policy.questions.iter().map(|one| &one.id));
    if left.is_empty() {
        let key = own.get_key_value("questions").or_else(|| own.get_key_value("question"));
        let span = key.map_or(0..0, |(key, _)| key.span());
        let problem = Problem::new(span, "no question is left that tells how bad it is");
        found.push(problem.help("keep one: [policy.question.everybody]"));
    }
    let asked = tables(own, "questions").chain(below(own, "question").map(|(.., entry)| entry));
    for (severity, span) in asked.flat_map(|one| [text(one, "yes"), text(one, "no")]).flatten() {
        // That it is no rank at all has been said.
        if !known.contains(severity) && Severity::all().any(|rank| rank.name() == severity) {
            let problem = Problem::new(span, format!("unknown severity `{severity}`"));
            found.push(
                problem.help(format!("known: {}", known.iter().copied().collect::<Vec<_>>().join(", "))),
            );
        }
    }
}

/// Clocks and updates name audiences and roles that there are; a clock of the team's own says within which time and
/// what meets it.
fn clocks(own: &DeTable<'_>, policy: &Policy, found: &mut Vec<Problem>) {
    let roles = there(own, "roles", "role", policy.roles.iter().map(|one| &one.id));
    let audiences = there(own, "audiences", "audience", policy.audiences.iter().map(|one| &one.id));
    let ranks: Vec<&str> =
        policy.ranks().chain(ours(own).map(|(severity, _)| severity)).map(Severity::name).collect();
    let usual = |id: &str| policy.clocks.iter().find(|clock| clock.id == id);
    let listed = tables(own, "clocks").filter_map(|entry| {
        let (id, span) = text(entry, "id")?;
        Some((id, span, entry))
    });
    for (id, span, entry) in listed.chain(below(own, "clock")).filter(|(_, _, entry)| !is_dropped(entry)) {
        if COMPUTED.contains(&id) || id.contains(':') {
            let problem =
                Problem::new(span, format!("`{}` is the id of a clock that runs by itself", visible(id)));
            found.push(
                problem.help("how often people are told is under `updates` of a severity; choose another id"),
            );
            continue;
        }
        let known = usual(id).filter(|_| below(own, "clock").any(|(name, ..)| name == id));
        if known.is_none() && entry.contains_key("title") {
            for missing in ["after", "met_by"].into_iter().filter(|key| !entry.contains_key(*key)) {
                // Of a whole clock in a list that has been said.
                if entry.contains_key(if missing == "after" { "figure" } else { "id" }) {
                    continue;
                }
                found.push(Problem::new(span.clone(), format!("`{missing}` is missing here")).help(
                    match missing {
                        "after" => "within which time it is due: after = \"72h\"",
                        _ => "what meets it: met_by = [\"told\"], who = \"business\"",
                    },
                ));
            }
        }
        for (severity, span) in texts(entry, "severities").filter(|(severity, _)| !ranks.contains(severity)) {
            if Severity::all().any(|rank| rank.name() == severity) {
                let problem = Problem::new(span, format!("unknown severity `{severity}`"));
                found.push(problem.help(format!("known: {}", ranks.join(", "))));
            }
        }
        let acts: Vec<&str> = texts(entry, "met_by").map(|(act, _)| act).collect();
        let acts = if entry.contains_key("met_by") { acts } else { known.map(acts_of).unwrap_or_default() };
        let of_role = acts.iter().any(|act| ["paged", "role"].contains(act));
        let of_people = acts.contains(&"told");
        match text(entry, "who") {
            Some((who, who_span)) if of_role || of_people => {
                let is = (of_role && roles.contains(&who)) || (of_people && audiences.contains(&who));
                if !is {
                    let (what, known) = if of_role { ("role", &roles) } else { ("audience", &audiences) };
                    let problem = Problem::new(who_span, format!("unknown {what} `{}`", visible(who)));
                    found.push(problem.suggest(who, known.iter().copied()));
                }
            }
            None if (of_role || of_people) && known.is_none() => {
                let problem = Problem::new(span, "`who` is missing here");
                found.push(problem.help("the role or audience that meets it"));
            }
            _ => {}
        }
    }
    for (_, severity) in ours(own) {
        for (audience, span) in tables(severity, "updates").filter_map(|update| text(update, "audience")) {
            if !audiences.contains(&audience) {
                let problem = Problem::new(span, format!("unknown audience `{}`", visible(audience)));
                found.push(problem.suggest(audience, audiences.iter().copied()));
            }
        }
    }
    for (.., entry) in below(own, "audience") {
        if let Some((is, span)) = text(entry, "is").filter(|(is, _)| !audiences.contains(is)) {
            let problem = Problem::new(span, format!("unknown audience `{}`", visible(is)));
            found.push(problem.suggest(is, audiences.iter().copied()));
        }
    }
    audiences_told(own, policy, &audiences, found);
}

/// Audiences that the built-in clocks and updates tell must be there.
fn audiences_told(own: &DeTable<'_>, policy: &Policy, there: &[&str], found: &mut Vec<Problem>) {
    let gone = |id: &str| {
        below(own, "clock")
            .any(|(name, _, entry)| name == id && (is_dropped(entry) || entry.contains_key("who")))
    };
    let told = policy
        .clocks
        .iter()
        .filter(|clock| acts_of(clock) == ["told"] && !own.contains_key("clocks") && !gone(&clock.id));
    let told =
        told.map(|clock| (clock.who.as_str(), format!("the clock `{}` waits until you tell it", clock.id)));
    let updates = policy.severities.iter().filter(|(severity, _)| {
        !table(own, severity.name()).is_some_and(|said| said.contains_key("updates"))
    });
    let updates = updates.flat_map(|(severity, said)| {
        said.updates
            .iter()
            .map(|update| (update.audience.as_str(), format!("{} sends it updates", severity.name())))
    });
    let mut said: BTreeSet<&str> = BTreeSet::new();
    for (audience, why) in told.chain(updates).filter(|(audience, _)| !there.contains(audience)) {
        if !said.insert(audience) {
            continue;
        }
        let dropped = below(own, "audience").find(|(id, ..)| *id == audience).map(|(_, span, _)| span);
        let span = dropped.unwrap_or_else(|| own.get("audiences").map_or(0..0, Spanned::span));
        let problem = Problem::new(span, format!("the audience `{audience}` is gone, though {why}"));
        found.push(problem.help("keep it, or change what tells it: [policy.clock.ID], `updates`"));
    }
}

/// What meets a clock, as it is written.
fn acts_of(clock: &ClockPolicy) -> Vec<&'static str> {
    clock.met_by.iter().map(|act| act.name()).collect()
}

/// The ids that there are when all changes are taken in.
fn there<'t>(
    own: &'t DeTable<'_>,
    list: &str,
    key: &str,
    usual: impl Iterator<Item = &'t String>,
) -> Vec<&'t str> {
    let mut all = ids(own, list, list_id(list), usual);
    for (id, _, entry) in below(own, key) {
        if is_dropped(entry) {
            all.retain(|known| *known != id);
        } else if !all.contains(&id) {
            all.push(id);
        }
    }
    all
}

/// What the entries of a list are found by.
fn list_id(list: &str) -> &'static str {
    if list == "rollback_steps" { "title" } else { "id" }
}

/// Roles that something refers to must be there: those that have to approve, and those that the procedure
/// knows by their ids.
fn roles(own: &DeTable<'_>, policy: &Policy, found: &mut Vec<Problem>) {
    for role in tables(own, "roles") {
        not_blank(role, "title", found);
        not_blank(role, "short", found);
    }
    let roles = there(own, "roles", "role", policy.roles.iter().map(|role| &role.id));
    for (_, severity) in ours(own) {
        for (role, span) in texts(severity, "approvals").filter(|(role, _)| !roles.contains(role)) {
            let problem = Problem::new(span, format!("unknown role `{}`", visible(role)));
            found.push(problem.suggest(role, roles.iter().copied()));
        }
    }
    let approve = policy.severities.iter().filter(|(severity, _)| {
        !table(own, severity.name()).is_some_and(|said| said.contains_key("approvals"))
    });
    let approve = approve.flat_map(|(severity, said)| {
        said.approvals.iter().map(|role| (role.as_str(), format!("has to approve at {}", severity.name())))
    });
    // Without its clock nothing asks for it.
    let clocked = |id: &str| {
        !below(own, "clock")
            .any(|(name, _, entry)| name == id && (is_dropped(entry) || entry.contains_key("who")))
    };
    let clocks = policy.clocks.iter().filter(|clock| {
        acts_of(clock).iter().any(|act| ["paged", "role"].contains(act))
            && !own.contains_key("clocks")
            && clocked(&clock.id)
    });
    let clocks = clocks.map(|clock| (clock.who.as_str(), format!("meets the clock `{}`", clock.id)));
    let known = [(Role::COMMANDER, "leads the incident".to_owned())];
    let mut missing: Vec<(&str, Vec<String>)> = Vec::new();
    for (role, why) in
        known.into_iter().chain(approve).chain(clocks).filter(|(role, _)| !roles.contains(role))
    {
        match missing.iter_mut().find(|(id, _)| *id == role) {
            Some((_, reasons)) => reasons.push(why),
            None => missing.push((role, vec![why])),
        }
    }
    let list = own.get("roles").map_or(0..0, Spanned::span);
    for (role, reasons) in missing {
        let dropped = below(own, "role").find(|(id, ..)| *id == role);
        let span = dropped.map_or_else(|| list.clone(), |(_, span, _)| span);
        let problem =
            Problem::new(span, format!("the role `{role}` is gone, though it {}", reasons.join(" and ")));
        found.push(problem.help(format!(
            "keep its id and change its title: [policy.role.{role}], or name other `approvals`"
        )));
    }
}

/// A severity of the team says what it is; and nobody takes one for another.
fn severities(own: &DeTable<'_>, policy: &Policy, found: &mut Vec<Problem>) {
    let mut named: Vec<(&str, Range<usize>)> = Vec::new();
    for (severity, said) in ours(own) {
        if !policy.ranks().any(|known| known == severity) {
            let span = root_key(own, severity.name()).map_or(0..0, |(span, _)| span);
            for missing in ["word", "means"].into_iter().filter(|key| !said.contains_key(*key)) {
                let problem = Problem::new(span.clone(), format!("`{missing}` is missing here"));
                found.push(
                    problem.help(format!("{} is a severity of yours: say what it means", severity.name())),
                );
            }
        }
        let Some((name, span)) = text(said, "name") else { continue };
        let taken = Severity::all().any(|other| other != severity && other.name().eq_ignore_ascii_case(name));
        if let Some(why) = unusable(name) {
            found.push(Problem::new(span, format!("the name {why}")));
        } else if taken {
            let problem = Problem::new(span, format!("`{name}` is the rank of another severity"));
            found.push(problem.help("records are kept by rank; choose another name"));
        } else if let Some((_, first)) = named.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)) {
            let problem = Problem::new(span, format!("two severities are called `{name}`"));
            found.push(problem.other(first.clone(), "first named here"));
        } else {
            named.push((name, span));
        }
    }
}

/// The ids of the roles there are, with the team's changes.
pub(super) fn role_ids<'t>(own: Option<&'t DeTable<'_>>, built_in: &'t [Role]) -> Vec<&'t str> {
    let usual = built_in.iter().map(|role| &role.id);
    let Some(own) = own else { return usual.map(String::as_str).collect() };
    let mut all = ids(own, "roles", "id", usual);
    for (id, _, entry) in below(own, "role") {
        if is_dropped(entry) {
            all.retain(|known| *known != id);
        } else if !all.contains(&id) {
            all.push(id);
        }
    }
    all
}
