//! Approvals: who has to approve what waits, and deciding about it from its preview.

use super::super::commands::{Command, Invoke, Scope};
use super::super::edit::LineEdit;
use super::super::key::{Code, Key};
use super::super::model::Model;
use super::super::msg::{Effect, Item};
use super::super::overlay::{Ask, Overlay, Preview, Purpose};
use super::{Cx, keys_to, menus, windows};
use crate::deploy::{Resolved, gates};
use crate::incident::{ANOTHER, Approved, Proposal, Rejected, State, Vote, same_person};
use crate::plan::gates::{
    ApprovalRule, Approvals, Foreseen, NOT_GIVEN, RoleStanding, Standing, approvals, foresee,
};
use crate::plan::proposal;

/// The rows of the menu, and what stands over them.
pub(super) fn menu(model: &Model) -> (String, Vec<Item>) {
    let Some(state) = model.incident() else {
        return (menus::blocked(model, Command::Approve).unwrap_or_default(), Vec::new());
    };
    let rule = ApprovalRule::of(&model.policy, state.severity);
    if rule.roles.is_empty() {
        return (
            format!("at {} nobody has to approve a deploy", model.policy.severity_name(state.severity)),
            Vec::new(),
        );
    }
    let standing = proposal::standing(state, &rule, model.now);
    let waits = proposal::at_hand(state);
    let names: Vec<String> = standing.roles.iter().map(|role| role.role.to_owned()).collect();
    // That nothing waits stands above the rows, once.
    let blocked = menus::blocked(model, Command::Approve).or_else(|| waits.is_none().then(String::new));
    let assistants: Vec<(&Proposal, char)> =
        proposal::of_assistants(state).zip(['1', '2', '3', '4', '5']).collect();
    let taken: Vec<char> =
        ['x', 'p', 'y', 'c'].into_iter().chain(assistants.iter().map(|(_, key)| *key)).collect();
    let mut items = menus::rows(Command::Approve, &names, &taken, |index| {
        (label(model, state, &standing.roles[index]), blocked.clone())
    });
    // What an assistant proposed is read and approved by a key of its own.
    items.extend(assistants.into_iter().map(|(one, key)| Item {
        key: Some(Key::char(key)),
        path: String::new(),
        label: format!("read the plan by {}: {} …", one.whose(), one.title),
        disabled: menus::blocked(model, Command::Approve),
        invoke: Invoke { command: Command::Approve, argument: one.id.clone() },
    }));
    items.push(Item {
        key: Some(Key::char('x')),
        path: String::new(),
        label: "reject the proposal …".to_owned(),
        disabled: blocked,
        invoke: Command::Reject.into(),
    });
    if let Some(env) = production(model).filter(|_| waits.is_none()) {
        items.push(Item {
            key: Some(Key::char('p')),
            path: String::new(),
            label: format!("look at the deploy to {env}, to ask for approval"),
            disabled: menus::blocked(model, Command::Deploy),
            invoke: Invoke { command: Command::Deploy, argument: env.to_owned() },
        });
    }
    let mut note = note(model, state, waits, &standing.rejections, standing.in_conflict());
    let finishes =
        |(next, _): &(crate::incident::Next, String)| next.action == Command::HotfixFinish.spec().id;
    if waits.is_none() && model.derived.next.iter().any(finishes) {
        let keys = keys_to(model, Command::HotfixFinish.spec().id, "");
        note = format!(
            "{note}. Finish the hotfix first ({keys}): what is approved before it does not count after it"
        );
    }
    if is_void(&missing(model)) {
        note.push_str(". What would be deployed now is another plan: ask for approval again");
    }
    if let Some(verdict) = waits.and_then(|waits| proposal::condemned(state, &model.policy, waits)) {
        note = format!("{note}. ✗ It {}", verdict.shuts_out());
    } else {
        for (role, key) in copied(&standing).filter(|_| waits.is_some()) {
            let line = elsewhere(model, state, &standing, role.role);
            items.push(Item {
                key: Some(Key::char(key)),
                path: String::new(),
                label: format!("copy for the {}: {line}", model.policy.role_title(role.role)),
                disabled: None,
                invoke: Invoke { command: Command::CopyApproval, argument: role.role.to_owned() },
            });
        }
    }
    (note, items)
}

/// Who is somebody else in a drill, where one person is all of them.
const OTHERS: [&str; 4] = ["omar", "li", "noor", "sam"];

/// The roles whose approval is missing, each with the key that copies the line for it.
fn copied<'a, 'b>(standing: &'b Approvals<'a>) -> impl Iterator<Item = (&'b RoleStanding<'a>, char)> {
    standing.roles.iter().filter(|role| role.approval.is_none()).zip(['y', 'Y', 'c', 'C'])
}

/// The command by which an approval in this role is given in another terminal. In a drill one person is all of
/// them: there it takes a name, as what is written down for somebody else is verbal.
fn elsewhere(model: &Model, state: &State, standing: &Approvals<'_>, role: &str) -> String {
    if model.drill_as.is_empty() {
        return format!("{} approve {role}", model.program);
    }
    let given = standing.roles.iter().filter_map(|role| role.approval);
    let mut taken: Vec<&str> = given.map(|vote| vote.by.as_str()).chain([model.me.as_str()]).collect();
    // Whoever holds another of these roles is kept for that.
    let holder = |role: &str| state.roles.get(role).map(String::as_str);
    for missing in standing.roles.iter().filter(|role| role.approval.is_none()) {
        let others = standing.roles.iter().filter(|other| other.role != missing.role);
        let held: Vec<&str> = others.filter_map(|other| holder(other.role)).collect();
        let is_new = |person: &&str| !taken.iter().any(|one| same_person(one, person));
        let is_free = |person: &&str| !held.iter().any(|one| same_person(one, person));
        let own = holder(missing.role).filter(is_new);
        let name = own.or_else(|| OTHERS.into_iter().filter(is_new).find(is_free)).unwrap_or("NAME");
        if missing.role == role {
            return format!("{} {} approve {role}", model.drill_as, shell_words::quote(name));
        }
        taken.push(name);
    }
    format!("{} NAME approve {role}", model.drill_as)
}

/// Copies that command; for the first role that is missing where none is named.
pub(super) fn copy(cx: &mut Cx<'_>, role: &str) {
    let model = &*cx.model;
    let line = model.incident().filter(|state| proposal::at_hand(state).is_some()).and_then(|state| {
        let needed = ApprovalRule::of(&model.policy, state.severity);
        let standing = proposal::standing(state, &needed, model.now);
        let missing = || standing.roles.iter().find(|role| role.approval.is_none()).map(|role| role.role);
        let role = Some(role).filter(|role| !role.is_empty()).or_else(missing)?;
        Some(elsewhere(model, state, &standing, role))
    });
    match line {
        Some(line) => {
            cx.effect("copying", Effect::Copy(line));
        }
        None => cx.say(nothing_waits(cx.model)),
    }
}

/// What is said where there is nothing to approve.
fn nothing_waits(model: &Model) -> String {
    let ask = to_ask(model).map(|ask| format!("no plan is proposed yet: {ask}"));
    ask.unwrap_or_else(|| "nothing waits for approval".to_owned())
}

/// What NEXT says about approvals while nothing is put up for them.
fn to_ask(model: &Model) -> Option<&str> {
    let found = model.derived.next.iter().find(|(next, _)| next.action == Command::Approvals.spec().id);
    found.map(|(next, _)| next.title.as_str())
}

fn note(model: &Model, state: &State, waits: Option<&Proposal>, against: &[&Vote], conflict: bool) -> String {
    let mut note = match waits {
        Some(waits) => format!("{}, proposed by {}", waits.title, waits.whose()),
        None => match (to_ask(model), proposal::subject(state)) {
            (None, Some(subject)) => format!("{} was started; nothing waits", subject.title),
            _ => nothing_waits(model),
        },
    };
    for vote in against {
        let colon = if vote.how.is_empty() { "" } else { ": " };
        note = format!("{note}. ✗ {} rejects it as {}{colon}{}", vote.by, vote.role, vote.how);
    }
    if conflict {
        note.push_str(". In conflict: some approve it, some reject it");
    }
    let rule = ApprovalRule::of(&model.policy, state.severity);
    let standing = proposal::standing(state, &rule, model.now);
    let is_given = against.is_empty() && standing.given() == standing.roles.len();
    if let Some(waits) = waits.filter(|waits| is_given && waits.purpose == "deploy") {
        let keys = keys_to(model, "deploy", &waits.target);
        note = format!("{note}. ✓ All who have to have approved: {keys} starts it");
    }
    note
}

fn label(model: &Model, state: &State, role: &RoleStanding<'_>) -> String {
    let title = model.policy.role_title(role.role);
    match role.approval {
        Some(vote) => {
            let at = model.looks.zone.to_datetime(vote.at);
            let how = match (vote.is_verified(), vote.how.is_empty()) {
                (true, _) => state.signed_on(vote).map_or_else(String::new, |place| format!(", {place}")),
                (false, true) => ", unverified".to_owned(),
                (false, false) => format!(", {}, unverified", vote.how),
            };
            let doubt = if role.doubt.is_empty() { String::new() } else { format!(" ▲ {}", role.doubt) };
            format!("✓ {title}: {} {:02}:{:02}{how}{doubt}", vote.by, at.hour(), at.minute())
        }
        None => match (state.roles.get(role.role), role.why.as_str()) {
            // Nobody is waited for before there is something to approve.
            (Some(person), NOT_GIVEN) if proposal::at_hand(state).is_none() => format!("· {title}: {person}"),
            (Some(person), NOT_GIVEN) => format!("· {title}: waiting for {person}"),
            (None, NOT_GIVEN) => format!("· {title}: nobody yet"),
            (_, why) => format!("· {title}: {why}"),
        },
    }
}

/// The environment users are served from: the first protected one, else the last.
pub(super) fn production(model: &Model) -> Option<&str> {
    model.config.config.production().map(|env| env.name.as_str())
}

/// Opens the preview of what waits, to approve it in a role: its exact commands are read first. What an assistant
/// proposed is named by its id in place of the role.
pub(super) fn open(cx: &mut Cx<'_>, role: &str) {
    let Some(state) = cx.model.incident() else { return };
    let named = proposal::of_assistants(state).find(|waits| waits.id == role);
    let role = if named.is_some() { "" } else { role };
    let Some(waits) = named.or_else(|| proposal::at_hand(state)) else {
        return cx.say(nothing_waits(cx.model));
    };
    let plan = match proposal::plan(waits) {
        Ok(plan) => plan,
        Err(why) => return cx.say(format!("{why}: it cannot be shown, so it cannot be approved here")),
    };
    let hash = waits.hash.clone();
    let role = if role.is_empty() { own_role(cx.model, state, waits) } else { role.to_owned() };
    cx.push(Overlay::Preview(Box::new(Preview { role: Some(role), ..Preview::of(plan, hash) })));
}

/// The role in which one decides where none is said: one's own, else the first whose approval is missing and in which
/// one's own would count.
fn own_role(model: &Model, state: &State, waits: &Proposal) -> String {
    let wanted = ApprovalRule::of(&model.policy, state.severity);
    let standing = proposal::standing(state, &wanted, model.now);
    let mine = |role: &&String| state.roles.get(*role).is_some_and(|who| same_person(who, &model.me));
    let is_missing = |role: &&String| {
        let mut missing = standing.roles.iter().filter(|one| one.approval.is_none());
        missing.any(|one| one.role == *role) && comes_to(model, state, waits, role).refused.is_none()
    };
    let roles = &wanted.roles;
    let role = roles.iter().find(mine).or_else(|| roles.iter().find(is_missing)).or(roles.first());
    role.cloned().unwrap_or_default()
}

/// What one's own approval in a role comes to.
fn comes_to(model: &Model, state: &State, waits: &Proposal, role: &str) -> Foreseen {
    foresee(state, &model.policy, (waits, role), &model.me, model.now)
}

/// The same for the screen on which it is given.
pub fn foreseen(model: &Model, shown: &Preview) -> Option<Foreseen> {
    let state = model.incident()?;
    let waits = proposal::waiting(state).find(|waits| waits.hash == shown.hash)?;
    Some(comes_to(model, state, waits, shown.role.as_deref()?))
}

/// A key on the preview of what waits.
pub(super) fn key(cx: &mut Cx<'_>, key: Key, meant: bool) {
    let command = windows::command(cx.model, &[Scope::Vote, Scope::Menu(Command::Approvals)], key);
    let own = matches!(cx.model.overlays.last(), Some(Overlay::Preview(shown)) if shown.is_own(cx.model));
    let yours = yours(cx.model);
    let Some(Overlay::Preview(shown)) = cx.model.overlays.last_mut() else { return };
    match (key.code, command) {
        (Code::Enter | Code::Char('y'), _) if own => yours.clone_into(&mut shown.complaint),
        (Code::Enter, _) => "press y to approve".clone_into(&mut shown.complaint),
        (Code::Char('y'), _) | (_, Some(Command::Verbal | Command::Reject)) if !meant => {
            super::confirm::TOO_QUICK.clone_into(&mut shown.complaint);
        }
        (Code::Char('y'), _) => approve(cx),
        (_, Some(Command::Back)) => cx.pop(),
        (_, Some(Command::Verbal)) => ask(cx, false),
        (_, Some(Command::Reject)) => ask(cx, true),
        _ => windows::unknown(cx, key),
    }
}

/// What whoever proposed a plan is told who would approve it.
fn yours(model: &Model) -> String {
    let verbal = model.incident().is_some_and(|state| model.policy.severity(state.severity).verbal_approval);
    let key = model.keymap.key(Command::Verbal).filter(|_| verbal);
    let how = key.map_or_else(String::new, |key| format!("; {key} records a verbal approval"));
    format!("you proposed it: somebody else approves{how}")
}

/// What is on the screen and still waits; says so where it does not.
fn shown(cx: &mut Cx<'_>) -> Option<(String, Proposal)> {
    let Some(Overlay::Preview(shown)) = cx.model.overlays.last() else { return None };
    let (role, hash) = (shown.role.clone()?, shown.hash.clone());
    let found = cx
        .model
        .incident()
        .and_then(|state| proposal::waiting(state).find(|waits| waits.hash == hash).cloned());
    let why = match (cx.model.unsaved(), &found) {
        (Some(why), _) => why,
        (None, None) => GONE.to_owned(),
        (None, Some(_)) => String::new(),
    };
    if !why.is_empty() {
        complain(cx, why);
        return None;
    }
    Some((role, found?))
}

fn complain(cx: &mut Cx<'_>, why: String) {
    if let Some(Overlay::Preview(shown)) = cx.model.overlays.last_mut() {
        shown.complaint = why;
    }
}

fn approve(cx: &mut Cx<'_>) {
    let Some((role, waits)) = shown(cx) else { return };
    let verdict = cx.model.incident().and_then(|state| proposal::condemned(state, &cx.model.policy, &waits));
    if let Some(verdict) = verdict.filter(|verdict| !verdict.may_pass_over) {
        return complain(cx, format!("it {}", verdict.shuts_out()));
    }
    let found = cx.model.incident().map(|state| comes_to(cx.model, state, &waits, &role));
    let (refused, left) = found.map(|found| (found.refused, found.left)).unwrap_or_default();
    if let Some(why) = refused {
        return complain(cx, format!("it would not count: {why}"));
    }
    let title = cx.model.policy.role_title(&role);
    let said = if left.is_empty() {
        format!("approved as {title}; nobody else has to approve")
    } else {
        format!("approved as {title}; {left}")
    };
    cx.append(Approved {
        role,
        by: cx.model.me.clone(),
        verbal: false,
        how: String::new(),
        plan: Some(waits.id),
        hash: waits.hash,
        title: waits.title,
    });
    cx.pop();
    cx.say(said);
}

/// Why what somebody says does not count, and the line they run instead; `None`: it does.
fn only_in_person(model: &Model, role: &str) -> Option<String> {
    let state = model.incident().filter(|s| !model.policy.severity(s.severity).verbal_approval)?;
    let needed = ApprovalRule::of(&model.policy, state.severity);
    let standing = proposal::standing(state, &needed, model.now);
    let line = elsewhere(model, state, &standing, role);
    let key = copied(&standing).find(|(missing, _)| missing.role == role).map(|(_, key)| key);
    let copies = match (model.keymap.key(Command::Approvals), key) {
        (Some(menu), Some(key)) => format!(" ({menu} {key} copies it)"),
        _ => String::new(),
    };
    let (severity, title) = (model.policy.severity_name(state.severity), model.policy.role_title(role));
    Some(format!("verbal does not count at {severity}: the {title} runs{copies} {line}"))
}

/// Asks who said what how, or why it is rejected.
fn ask(cx: &mut Cx<'_>, rejects: bool) {
    let Some((role, _)) = shown(cx) else { return };
    if let Some(why) = only_in_person(cx.model, &role).filter(|_| !rejects) {
        return complain(cx, why);
    }
    let title = cx.model.policy.role_title(&role).to_owned();
    let (label, placeholder) = if rejects {
        (format!("reject as {title}"), "for example not before the backup is done")
    } else {
        (format!("approved by the {title}, verbally"), "for example omar on the call")
    };
    let purpose = if rejects { Purpose::Reject } else { Purpose::Verbal };
    cx.push(Overlay::Ask(Ask::new(purpose, label, placeholder, LineEdit::default())));
}

/// Rejects what waits: opens its preview and asks why.
pub(super) fn open_to_reject(cx: &mut Cx<'_>) {
    let before = cx.model.overlays.len();
    open(cx, "");
    if cx.model.overlays.len() > before {
        ask(cx, true);
    }
}

/// The preview under the line that is being typed.
fn under(model: &Model) -> Option<(String, Proposal)> {
    let shown = model.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Preview(shown) => Some(shown),
        _ => None,
    })?;
    let waits = proposal::waiting(model.incident()?).find(|waits| waits.hash == shown.hash)?;
    Some((shown.role.clone()?, waits.clone()))
}

pub(super) const GONE: &str = "it no longer waits: it was started, or another plan was proposed";

/// What a verbal approval says: who, and how.
pub(super) fn verbal(model: &Model, text: &str) -> Result<Approved, String> {
    let (role, waits) = under(model).ok_or(GONE)?;
    let (by, how) = who_and_how(text).ok_or("say who, and how: omar on the call")?;
    if crate::text::visible(&by) != by {
        return Err("the name has invisible characters".to_owned());
    }
    if let Some(why) = only_in_person(model, &role) {
        return Err(why);
    }
    Ok(Approved { role, by, verbal: true, how, plan: Some(waits.id), hash: waits.hash, title: waits.title })
}

/// What a rejection says.
pub(super) fn rejection(model: &Model, reason: &str) -> Result<Rejected, String> {
    let (role, waits) = under(model).ok_or(GONE)?;
    Ok(Rejected {
        role,
        by: model.me.clone(),
        reason: reason.to_owned(),
        plan: Some(waits.id),
        hash: waits.hash,
        title: waits.title,
    })
}

/// `omar on the call` taken apart: what is before the first small word of how is the name.
pub(super) fn who_and_how(text: &str) -> Option<(String, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let small = ["on", "by", "in", "at", "over", "via", "through", "from", "during", "said"];
    let place = words.iter().position(|word| small.contains(word)).filter(|place| *place > 0)?;
    let (who, how) = words.split_at(place);
    (!how.is_empty()).then(|| (who.join(" ").trim_end_matches([',', ':']).to_owned(), how.join(" ")))
}

/// The gates of a deploy to an environment that are not met, as far as is known before its plan
/// is made.
pub(super) fn unmet(model: &Model, environment: &str) -> Vec<Standing> {
    let (Some(state), Some(branch)) = (model.incident(), model.repository()) else { return Vec::new() };
    if !model.may_run() {
        return Vec::new();
    }
    let what = Resolved {
        reference: branch.branch().unwrap_or_default().to_owned(),
        commit: branch.commit().unwrap_or_default().to_owned(),
        root: branch.root.clone(),
        // What was not looked at yet is not known to be clean.
        dirty: branch.is_dirty() || branch.not_yet.changes,
        same: branch.same_content.clone(),
        ..Resolved::default()
    };
    let (config, policy) = (&model.config.config, &model.policy);
    let all = gates::standing_ahead(config, policy, environment, &what, state, &model.me, model.now);
    all.into_iter().filter(Standing::blocks).collect()
}

/// The gates of production that are not met, for what is next: id and what is missing.
pub(super) fn missing(model: &Model) -> Vec<(String, String)> {
    let Some(env) = production(model) else { return Vec::new() };
    unmet(model, env).into_iter().map(|standing| (standing.id.to_owned(), standing.why)).collect()
}

/// How many of those who have to approve have, for the header; `None` where nobody has to, or
/// it is too late to ask.
pub(super) fn count(model: &Model, missing: &[(String, String)]) -> Option<(usize, usize, bool)> {
    let state = model.incident().filter(|state| state.is_open())?;
    if state.phase >= crate::incident::Phase::Verify || !model.may_run() {
        return None;
    }
    let env = production(model)?;
    let env = model.config.config.environments.iter().find(|one| one.name == env)?;
    if !gates::ids(env, &model.policy).iter().any(|id| id == "approvals") {
        return None;
    }
    let rule = ApprovalRule::of(&model.policy, state.severity);
    if rule.roles.is_empty() {
        return None;
    }
    // What waits is what people are asked about. Where nothing does, it is what would be deployed now:
    // that an earlier commit was approved says nothing about this one.
    let waits = proposal::at_hand(state).is_some();
    let standing = if waits {
        proposal::standing(state, &rule, model.now)
    } else {
        let commit = model.repository().and_then(|branch| branch.commit()).unwrap_or_default();
        let asked = gates::put_up(state, &env.name, commit).map_or("", |proposal| proposal.hash.as_str());
        // What was carried out was approved for that time only.
        let is_over = state.plans.iter().any(|plan| plan.hash == asked && !plan.state.is_under_way());
        let asked = if is_over { "" } else { asked };
        approvals(state, &rule, asked, &model.me, model.now)
    };
    let given = if is_void(missing) { 0 } else { standing.given() };
    Some((given, standing.roles.len(), !standing.rejections.is_empty()))
}

/// Whether what would be deployed now is another plan than the one that was approved.
fn is_void(missing: &[(String, String)]) -> bool {
    missing.iter().any(|(gate, why)| gate == "approvals" && why.contains(ANOTHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_and_how_are_told_apart() {
        let parts = |text| who_and_how(text).map(|(who, how)| format!("{who}|{how}"));
        assert_eq!(parts("omar on the call").as_deref(), Some("omar|on the call"));
        assert_eq!(parts("Li Wei, by phone").as_deref(), Some("Li Wei|by phone"));
        for half in ["omar", "on the call", "", "  "] {
            assert_eq!(parts(half), None, "{half:?}");
        }
    }
}
