//! Finishing by a pull request: what has to be known of branch, remote and pull request for the
//! plan of it, and the words for whoever has to open it by hand.

use std::time::{Duration, Instant};

use super::branch::Place as Repository;
use super::forge::{Visit, text_of, token};
use super::prepare::Ground;
use super::remote::up_to_date;
use super::secrets::masker;
use crate::config::types::Flow;
use crate::deploy::{gates, pushed};
use crate::failure::{Failure, FailureKind, Result};
use crate::hotfix::flows::pull::{Ask, Known};
use crate::hotfix::flows::{self, gate};
use crate::hotfix::forge::{Found, link, place};
use crate::hotfix::git::Reader;
use crate::hotfix::outlook::Verdict;
use crate::hotfix::pull::{ByHand, PullState};
use crate::hotfix::standing;
use crate::hotfix::state::BranchState;
use crate::plan::forge::Place;
use crate::plan::{HotfixRequest, Plan, PullText, Purpose, Request};
use crate::text::visible;

/// How long all questions to the place may take together.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a place that finds out in the background whether it could merge is waited for.
const DECIDING: Duration = Duration::from_secs(10);
/// The pause between two such questions.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it may take to find out which files conflict.
const FORECAST: Duration = Duration::from_secs(5);

/// Tells whether a request runs or reaches what only a trusted configuration may name.
pub fn needs_trust(config: &crate::config::types::Config, request: &Request) -> bool {
    match request {
        // What a push deploys is followed by what the configuration says of its pipeline.
        Request::Hotfix(HotfixRequest::Finish { .. }) if pushed::any(config) => true,
        Request::Hotfix(HotfixRequest::Finish { .. }) => match config.hotfix.flow {
            // It names the address that the token is sent to, and whose repository it is.
            Flow::GithubFlow => {
                !config.hotfix.pull.api.is_empty() || !config.hotfix.pull.repository.is_empty()
            }
            // What was rebased is checked.
            Flow::Trunk => !config.checks.is_empty(),
            Flow::GitFlow => false,
        },
        Request::Hotfix(_) | Request::Revert { .. } | Request::Report(_) => false,
        // Where issues are opened and what commands reach is taken from there; without a file the remote says
        // so, and they reach others.
        Request::FollowUps { .. } | Request::Runbook { .. } => !config.content.is_empty(),
        _ => true,
    }
}

/// Makes the plan of what is left to do.
///
/// # Errors
/// Something is waited for, or cannot be asked.
pub(super) fn finish(repository: &mut Repository<'_>, text: &PullText) -> Result<Plan> {
    let Some(facts) = Facts::read(repository)? else { return Ok(nothing(repository)) };
    let doing = facts.doing();
    let forge = match facts.forge(repository) {
        Ok((place, source, value)) => {
            let patience = PATIENCE;
            let broken =
                |why: String| Failure::new(doing.clone(), why, "see [hotfix.pull] in flightdeck.toml");
            let mut visit = Visit::new(&place, text_of(&value), patience).map_err(broken)?;
            let found = facts.look(&mut visit)?;
            Some((place, source, found))
        }
        // It can be pushed all the same; or there is nothing left but to tidy up.
        Err(_) if facts.is_new() || facts.outlook(&mut repository.reader).0 => None,
        Err(why) => return Err(by_hand_only(&doing, &why)),
    };
    let text = &masked(repository.ground, text);
    let forge = forge.map(|(place, token, found)| {
        let has_all = found.as_ref().is_some_and(|found| facts.is_in(&repository.reader, &found.pull.head));
        Ask { place, token, found, has_all, text }
    });
    let (landed, conflicts) = facts.outlook(&mut repository.reader);
    let elsewhere = repository.reader.checked_out_elsewhere(&facts.branch);
    let base_is_here = repository.reader.commit_at(&format!("refs/heads/{}", facts.base)).is_some()
        && repository.reader.checked_out_elsewhere(&facts.base).is_empty();
    let known = Known {
        config: repository.ground.config,
        state: &repository.state,
        branch: &facts.branch,
        head: &facts.head,
        base: &facts.base,
        remote: &facts.remote,
        there: facts.there.as_deref(),
        is_ahead: facts.is_ahead(&repository.reader),
        landed,
        forge,
        conflicts,
        elsewhere,
        base_is_here,
    };
    let mut plan = flows::pull::finish(&known, repository.id)?;
    plan.notes.extend(facts.notes.iter().cloned());
    let Ground { config, policy, .. } = *repository.ground;
    Ok(if plan.confirm.is_some() { gates::attach_finish(plan, config, policy, &facts.head) } else { plan })
}

/// The words and the link, where the branch is pushed and nobody but a person can open the pull
/// request: there is no token, or no place that is known.
///
/// # Errors
/// The repository cannot be read or asked.
pub fn by_hand(ground: &Ground<'_>, request: &Request) -> Result<Option<ByHand>> {
    let Request::Hotfix(HotfixRequest::Finish { text, .. }) = request else { return Ok(None) };
    if ground.config.hotfix.flow != Flow::GithubFlow {
        return Ok(None);
    }
    let mut repository = super::branch::read(ground, "")?;
    let Some(facts) = Facts::read(&repository)? else { return Ok(None) };
    let why = match facts.forge(&repository) {
        Ok(_) => return Ok(None),
        Err(_) if facts.is_new() || facts.outlook(&mut repository.reader).0 => return Ok(None),
        Err(why) => why,
    };
    let config = &ground.config.hotfix.pull;
    let text = masked(ground, text);
    let place = facts.place(&repository).ok();
    let link = place.map(|place| link(&place, &facts.branch, &facts.base, &text, &config.labels));
    let (labels, reviewers) = (config.labels.clone(), config.reviewers.clone());
    Ok(Some(ByHand { why, text, labels, reviewers, link }))
}

fn by_hand_only(doing: &str, why: &str) -> Failure {
    Failure::of(
        FailureKind::Gate,
        doing,
        why,
        "flightdeck hotfix finish prints the text to paste and the link to open; then merge it there",
    )
}

/// The words without any secret that is known.
fn masked(ground: &Ground<'_>, text: &PullText) -> PullText {
    let masker = masker(ground.config, ground.root);
    PullText { title: masker.mask(&text.title).into_owned(), body: masker.mask(&text.body).into_owned() }
}

/// What is read of repository and remote.
struct Facts {
    branch: String,
    head: String,
    base: String,
    remote: String,
    there: Option<String>,
    base_there: Option<String>,
    notes: Vec<String>,
}

impl Facts {
    /// `None`: there is no hotfix branch.
    fn read(repository: &Repository<'_>) -> Result<Option<Self>> {
        let Repository { ground, reader, state, .. } = repository;
        let hotfix = &ground.config.hotfix;
        let doing = "finishing the hotfix";
        flows::check_at_rest(doing, state)?;
        let Some(branch) = branch(ground, state, doing)? else { return Ok(None) };
        flows::check_name(&branch).map_err(|why| flows::bad_name(doing, why))?;
        let head = reader.commit_at(&format!("refs/heads/{branch}")).ok_or_else(|| {
            gate(doing, &format!("{} has no commit", visible(&branch)), "git switch to it, then finish again")
        })?;
        let base = state.base.clone().ok_or_else(|| flows::no_base(ground.config, doing))?;
        flows::check_name(&base).map_err(|why| flows::bad_name(doing, why))?;
        let wanted = |name: &str| name == base || name == branch;
        let remote = up_to_date(ground, reader, Some(&base), wanted);
        let notes = remote.notes(ground.now);
        let known = remote.require(&format!("finishing {}", visible(&branch)))?;
        let (there, base_there) = (known.refs.branch(&branch), known.refs.branch(&base));
        let (there, base_there) = (there.map(str::to_owned), base_there.map(str::to_owned));
        let remote = known.name.clone();
        let own = Self { branch, head, base, remote, there, base_there, notes };
        if own.head_is_in_base(reader) && own.there.is_none() && !hotfix.prefix.is_empty() {
            return Err(gate(
                doing,
                &format!("{} has no commit that {} lacks", visible(&own.branch), visible(&own.base)),
                "commit the fix first",
            ));
        }
        Ok(Some(own))
    }

    fn doing(&self) -> String {
        format!("finishing {}", visible(&self.branch))
    }

    fn is_new(&self) -> bool {
        self.there.as_ref() != Some(&self.head)
    }

    fn head_is_in_base(&self, reader: &Reader) -> bool {
        self.base_there.as_ref().is_some_and(|base| reader.is_in(&self.head, base) == Some(true))
    }

    fn is_ahead(&self, reader: &Reader) -> bool {
        self.there.as_ref().is_none_or(|there| reader.is_in(there, &self.head) == Some(true))
    }

    fn place(&self, repository: &Repository<'_>) -> Result<Place, String> {
        let remote = repository.reader.remote_place(&self.remote);
        place(&repository.ground.config.hotfix.pull, remote.as_deref()).map_err(|none| none.0)
    }

    /// The place and what lets us in. In words, why there is neither.
    fn forge(
        &self,
        repository: &Repository<'_>,
    ) -> Result<(Place, crate::plan::SecretSource, super::secrets::Value), String> {
        let place = self.place(repository)?;
        let configured = !repository.ground.config.hotfix.pull.api.is_empty();
        let Some((source, value)) = token(&place, configured) else {
            return Err(no_token(&place));
        };
        Ok((Place { token: source.name.clone(), ..place }, source, value))
    }

    /// The pull request, once its place has found out whether it could merge it.
    fn look(&self, visit: &mut Visit) -> Result<Option<Found>> {
        let until = Instant::now() + DECIDING;
        loop {
            let found = visit.find(&self.branch, &self.base).map_err(|lost| {
                Failure::new(self.doing(), lost.why, "nothing was changed; finish again when that is done")
            })?;
            let undecided = found.as_ref().is_some_and(|found| {
                let open = matches!(found.pull.state, PullState::Open | PullState::Draft);
                open && (found.pull.mergeable.is_none() || found.pull.head != self.head) && !self.is_new()
            });
            if !undecided || Instant::now() + PAUSE >= until {
                return Ok(found);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether the base has all of the branch, and the files in which the two conflict, where that
    /// is found out in time.
    fn outlook(&self, reader: &mut Reader) -> (bool, Vec<String>) {
        let Some(base) = &self.base_there else { return (false, Vec::new()) };
        match reader.forecast(&self.head, base, &[], FORECAST) {
            (Verdict::Conflicts(files), _) => (false, files),
            (verdict, _) => (verdict == Verdict::Contained, Vec::new()),
        }
    }

    /// Whether all of the branch is in a commit.
    fn is_in(&self, reader: &Reader, commit: &str) -> bool {
        self.head == commit || reader.is_in(&self.head, commit) == Some(true)
    }
}

/// The branch of the fix: the current one, else the only one here.
fn branch(ground: &Ground<'_>, state: &BranchState, doing: &str) -> Result<Option<String>> {
    if let Some(current) = standing::branch(&ground.config.hotfix, state) {
        return Ok(Some(current.to_owned()));
    }
    match state.hotfix_branches.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        several => {
            let names: Vec<_> = several.iter().map(|name| visible(name)).collect();
            let cause = format!("there are several hotfix branches: {}", names.join(", "));
            Err(gate(doing, &cause, "switch to the one that is meant: git switch NAME"))
        }
    }
}

/// The plan without steps: nothing is left to do.
fn nothing(repository: &Repository<'_>) -> Plan {
    let prefix = visible(&repository.ground.config.hotfix.prefix);
    let note = format!("no {prefix}… branch here; flightdeck hotfix start NAME makes one");
    let title = "finish the hotfix (GitHub flow): nothing is left to do";
    Plan { notes: vec![note], ..Plan::new(repository.id, title, Purpose::Hotfix, flows::TARGET) }
}

pub(super) fn no_token(place: &Place) -> String {
    use crate::plan::forge::Forge;
    match place.forge {
        Forge::Github => {
            "no token for GitHub: set GITHUB_TOKEN or GH_TOKEN, or let gh have one (gh auth login)"
        }
        Forge::Gitlab => "no token for GitLab: set GITLAB_TOKEN, or let glab have one (glab auth login)",
    }
    .to_owned()
}
