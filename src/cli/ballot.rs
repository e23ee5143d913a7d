//! What `approve` and `reject` share: which plan is meant, and by whom and in which role.

use super::context::{Context, Loaded};
use super::role::find_role;
use super::save::SaveArgs;
use crate::conductor;
use crate::config::settings::person;
use crate::failure::{Failure, Result};
use crate::incident::{PlanProposed, Policy, Proposal, RecordId, State, same_person};
use crate::plan::{Plan, Request, proposal};
use crate::text::{nearest, visible};

/// Who decides, and about what.
#[derive(Debug, clap::Args)]
pub(crate) struct BallotArgs {
    /// The role in which you decide: lead, on-call-manager, product-manager
    #[arg(value_name = "ROLE")]
    pub(super) role: String,

    /// Who decides; default: you
    #[arg(long, value_name = "PERSON")]
    pub(super) by: Option<String>,

    /// The proposal or plan; default: the one that waits, if a person proposed it
    #[arg(long, value_name = "ID")]
    pub(super) plan: Option<String>,

    #[command(flatten)]
    pub(super) save: SaveArgs,
}

/// A decision about to be written down.
#[derive(Debug)]
pub(super) struct Ballot {
    /// Id of the role.
    pub(super) role: String,
    /// Who decides.
    pub(super) by: String,
    /// What it is about.
    pub(super) about: About,
}

/// What is decided about.
#[derive(Debug, Default)]
pub(super) struct About {
    /// Id of the proposal or plan.
    pub(super) plan: Option<String>,
    /// Its hash; empty where there is none to decide about.
    pub(super) hash: String,
    /// Its title.
    pub(super) title: String,
    /// The commit it is about; may be empty.
    pub(super) commit: String,
    /// What has to be put up first, so that the record holds what was decided about.
    pub(super) put_up: Option<Box<PlanProposed>>,
    /// What it is of that, where it can be read.
    pub(super) read: Option<Box<Plan>>,
    /// What to say of how it was found; may be empty.
    pub(super) remark: String,
}

impl BallotArgs {
    /// Finds out who decides, in which role, and about what.
    pub(super) fn ballot(&self, cx: &Context, loaded: &Loaded) -> Result<Ballot> {
        let setup = cx.setup()?;
        let role = find_role(&setup.policy, &self.role)?;
        let by = match &self.by {
            Some(by) => person("reading --by", by, "name the person as they sign what they write")?,
            None => loaded.journal.author().name.clone(),
        };
        let about = match &self.plan {
            Some(named) => named_plan(loaded.state(), named)?,
            None => at_hand(cx, loaded)?,
        };
        Ok(Ballot { role, by, about })
    }
}

impl Ballot {
    /// Saves the decision, and before it what it is about where that is not on record yet.
    /// Returns the id of the decision.
    pub(super) fn save(
        &mut self,
        cx: &Context,
        loaded: &mut Loaded,
        body: impl Into<crate::incident::Body>,
    ) -> Result<RecordId> {
        let incident = loaded.state().id;
        let mut drafts = Vec::new();
        if let Some(put_up) = self.about.put_up.take() {
            drafts.push(crate::incident::Draft::now(incident, *put_up));
        }
        drafts.push(crate::incident::Draft::now(incident, body));
        let saved = loaded.journal.append(cx.now(), drafts)?;
        let last = saved.last().map(|record| record.id);
        loaded.fold_in(saved)?;
        last.ok_or_else(|| {
            Failure::new("saving to the journal", "nothing came back", "run flightdeck verify")
        })
    }

    /// What was decided about, for the line that says so: `deploy x to production (4f2c91e)`.
    pub(super) fn what(&self) -> String {
        let About { title, commit, hash, .. } = &self.about;
        if hash.is_empty() {
            return "no plan".to_owned();
        }
        let short = commit.get(..7).unwrap_or(commit);
        let commit = if short.is_empty() { String::new() } else { format!(", commit {short}") };
        format!("{}{commit}, plan {}", visible(title), hash.get(..8).unwrap_or(hash))
    }
}

/// The plan or proposal of this id.
fn named_plan(state: &State, named: &str) -> Result<About> {
    if let Some(found) = state.proposals.iter().rev().find(|proposal| proposal.id == named) {
        return Ok(of(found));
    }
    if let Some(run) = state.plan(named) {
        return Ok(About {
            plan: Some(run.id.clone()),
            hash: run.hash.clone(),
            title: run.title.clone(),
            commit: run.subject().map_or_else(String::new, |(commit, _)| commit.to_owned()),
            ..About::default()
        });
    }
    let ids: Vec<&str> = state
        .proposals
        .iter()
        .map(|proposal| proposal.id.as_str())
        .chain(state.plans.iter().map(|plan| plan.id.as_str()))
        .collect();
    let hint = match nearest(named, &ids) {
        Some(meant) => format!("did you mean {meant}?"),
        None if ids.is_empty() => "flightdeck deploy ENV --propose proposes one".to_owned(),
        None => format!("one of: {}", ids.join(", ")),
    };
    let cause = format!("this incident has no plan or proposal called {}", visible(named));
    Err(Failure::usage("finding the plan", cause, hint))
}

fn of(found: &Proposal) -> About {
    About {
        plan: Some(found.id.clone()),
        hash: found.hash.clone(),
        title: found.title.clone(),
        commit: found.commit().to_owned(),
        read: proposal::plan(found).ok().map(Box::new),
        ..About::default()
    }
}

/// The proposal that waits, where it is one of a person and the only one; else what a deploy to production would
/// be right now.
fn at_hand(cx: &Context, loaded: &Loaded) -> Result<About> {
    match *proposal::votable(loaded.state()) {
        [] => {}
        [waits] if !waits.by_assistant => return Ok(of(waits)),
        ref several => return Err(which(several)),
    }
    Ok(as_it_would_be(cx, loaded).unwrap_or_else(|failure| {
        let cause = failure.cause;
        let remark = format!("recorded, but no plan waits for approval ({cause}), so it counts for none");
        About { remark, ..About::default() }
    }))
}

/// Asks which one is meant.
fn which(several: &[&Proposal]) -> Failure {
    let lines: Vec<String> = several
        .iter()
        .map(|one| format!("{}: {}, proposed by {}", one.id, visible(&one.title), visible(&one.whose())))
        .collect();
    let cause = match several {
        [_] => format!("an assistant proposed the only plan that waits\n  {}", lines.join("\n  ")),
        _ => format!("{} plans wait\n  {}", several.len(), lines.join("\n  ")),
    };
    let hint = "read it with flightdeck plan show ID, then name it with --plan ID; nothing was recorded";
    Failure::usage("finding the plan", cause, hint)
}

/// What a deploy of the current branch to production would be right now.
fn as_it_would_be(cx: &Context, loaded: &Loaded) -> Result<About> {
    let config = cx.trusted_config()?.config;
    let policy = Policy::built_in().with(&config.policy);
    let Some(production) = config.production() else {
        return Err(Failure::usage("finding the plan", "no environment is configured", ""));
    };
    let request = Request::Deploy { environment: production.name.clone(), reference: None };
    let history = loaded.journal.history(&cx.repository(&loaded.journal)?)?;
    let ground = conductor::Ground {
        state_dir: &cx.state_dir,
        root: cx.root()?,
        config: &config,
        policy: &policy,
        history: &history,
        now: cx.now(),
        fresh: conductor::Fresh::Fetch,
    };
    let plan = conductor::prepare(&ground, "proposal", &request)?;
    let mut put_up =
        proposal::propose(&plan).ok_or_else(|| Failure::new("finding the plan", "it cannot be saved", ""))?;
    put_up.by_vote = true;
    Ok(About {
        plan: Some(put_up.plan.clone()),
        hash: put_up.hash.clone(),
        title: put_up.title.clone(),
        commit: plan.subject.as_ref().map(|subject| subject.commit.clone()).unwrap_or_default(),
        read: Some(Box::new(plan)),
        put_up: Some(Box::new(put_up)),
        remark: "no plan was proposed: this approves the deploy as it would run now".to_owned(),
    })
}

/// What is printed of a decision that is saved.
#[derive(serde::Serialize)]
struct Saved<'a> {
    id: RecordId,
    incident: &'a str,
    role: &'a str,
    by: &'a str,
    plan: Option<&'a str>,
    hash: &'a str,
    title: &'a str,
    commit: &'a str,
    /// Whether an approval meets the gate now.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<bool>,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Tells what was decided and about what, and prints the id of the record.
pub(super) fn tell(
    cx: &Context,
    save: SaveArgs,
    loaded: &Loaded,
    ballot: &Ballot,
    id: RecordId,
    (counts, why): (Option<bool>, Option<&str>),
    said: &str,
) -> Result<super::End> {
    let About { plan, hash, title, commit, remark, .. } = &ballot.about;
    if !remark.is_empty() {
        cx.out.tell(remark);
    }
    cx.out.tell(said);
    let state = loaded.state();
    let holder = state.roles.get(&ballot.role).filter(|holder| !same_person(holder, &ballot.by));
    if let Some(holder) = holder {
        cx.out.tell(&format!("{} on record is {}", ballot.role, visible(holder)));
    }
    if let Some(vote) = state.votes.iter().find(|vote| vote.record == id)
        && let Some(doubt) = state.doubt(vote)
    {
        cx.out.tell(&format!("▲ {} {}", visible(&ballot.by), visible(&doubt)));
    }
    if save.json {
        cx.out.json_line(&Saved {
            id,
            incident: &loaded.number,
            role: &ballot.role,
            by: &ballot.by,
            plan: plan.as_deref(),
            hash,
            title,
            commit,
            counts,
            why,
        })?;
    } else {
        cx.out.line(&id.to_string())?;
    }
    Ok(super::End::Done)
}
