//! Waiting for what the code host's checks come to on a commit, as a test run.

use jiff::SignedDuration;

use super::forge::token;
use super::prepare::Ground;
use super::pull::no_token;
use crate::failure::{Failure, Result};
use crate::hotfix::forge::place;
use crate::hotfix::git::Reader;
use crate::plan::forge::{ForgeCall, Place, Wanted};
use crate::plan::gates::REMOTE_CHECKS;
use crate::plan::{Action, Plan, Purpose, Step, Subject};
use crate::text::visible;

/// What is leased while it is waited for: nothing that runs here.
const TARGET: &str = "remote-checks";
/// How long the checks may take.
const TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// The plan that waits for the verdict on the commit that is checked out.
///
/// # Errors
/// There is no commit, the code host is not known, or nothing lets us in.
pub(super) fn plan(ground: &Ground<'_>, id: &str) -> Result<Plan> {
    let doing = "planning to wait for the checks at the code host";
    let name = ground.root.to_string_lossy();
    let mut reader = Reader::open(ground.root).map_err(|none| none.failure(&name))?;
    let hotfix = &ground.config.hotfix;
    let state = reader.read(hotfix).map_err(|none| none.failure(&name))?;
    let Some(commit) = state.commit().map(str::to_owned) else {
        return Err(Failure::usage(doing, "there is no commit yet", "commit something and push it first"));
    };
    let remote = reader.remote_place(&hotfix.remote);
    let place = place(&hotfix.pull, remote.as_deref()).map_err(|none| {
        Failure::usage(doing, none.0, "set `api` and `repository` under [hotfix.pull] in flightdeck.toml")
    })?;
    let Some((source, _)) = token(&place, !hotfix.pull.api.is_empty()) else {
        return Err(Failure::new(doing, no_token(&place), "then try again"));
    };
    let place = Place { token: source.name.clone(), ..place };
    let short: String = commit.chars().take(7).collect();
    let title = format!("wait for the checks of {short} at {}", visible(&place.repository));
    let call = ForgeCall { place, wanted: Wanted::Verdict { commit: commit.clone() } };
    let step =
        Step { retry_is_safe: true, ..Step::new(REMOTE_CHECKS, Action::Forge(Box::new(call)), TIMEOUT) };
    let reference = state.branch().map_or_else(|| commit.clone(), str::to_owned);
    let mut notes = Vec::new();
    if state.is_dirty() {
        notes.push("changed files in the work tree are not part of that commit".to_owned());
    }
    Ok(Plan {
        subject: Some(Subject { reference, commit, dirty: false }),
        secrets: vec![source],
        notes,
        steps: vec![step],
        ..Plan::new(id, title, Purpose::Test, TARGET)
    })
}
