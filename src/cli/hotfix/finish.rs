//! `flightdeck hotfix finish`: the fix goes to where production is deployed from.

use std::fmt::Write as _;

use super::super::End;
use super::super::args::WorldArgs;
use super::super::carry::{carry_for, on_ground};
use super::super::context::{Context, Wanted};
use crate::conductor::{self, Fresh};
use crate::config::types::{Config, Flow};
use crate::failure::Result;
use crate::hotfix::git::Reader;
use crate::hotfix::pull::{self, ByHand};
use crate::hotfix::state::BranchState;
use crate::plan::{HotfixRequest, PullText, Request};
use crate::text::visible;

/// Plans what is left of finishing, and carries it out; where a person has to open the pull
/// request, prints what it has to say.
pub(super) fn finish(
    cx: &Context,
    mut config: Config,
    (main_first, flow): (bool, Option<Flow>),
    world: &WorldArgs,
) -> Result<End> {
    config.hotfix = config.hotfix.asked_for(flow);
    let place = cx.root()?;
    let branch = Reader::open(place).and_then(|mut reader| reader.read(&config.hotfix));
    let branch = branch.map_err(|none| none.failure(&place.to_string_lossy()))?;
    let text = words(cx, &config, &branch);
    let request = Request::Hotfix(HotfixRequest::Finish { main_first, text });
    if conductor::needs_trust(&config, &request) {
        config = cx.trusted_config()?.config;
        config.hotfix = config.hotfix.asked_for(flow);
    }
    if config.hotfix.flow == Flow::GithubFlow {
        let fresh = if world.dry_run { Fresh::Ask } else { Fresh::Fetch };
        let by_hand = on_ground(cx, &config, fresh, |ground| conductor::by_hand(ground, &request))?;
        if let Some(by_hand) = by_hand {
            cx.out.tell(&visible(&config.hotfix.flow_line()));
            return print(cx, &by_hand, world.json);
        }
    }
    carry_for(cx, &config, &request, world, branch.base.as_deref())
}

/// The words of a pull request. Without an incident there is nothing to make them of; a plan is
/// not started without one either.
fn words(cx: &Context, config: &Config, branch: &BranchState) -> PullText {
    let loaded = cx.load_to_read(Wanted::Open);
    loaded.map_or_else(|_| PullText::default(), |loaded| pull::text(loaded.state(), branch, config))
}

/// Prints the words on standard output, ready to paste, and the rest on standard error.
fn print(cx: &Context, by_hand: &ByHand, json: bool) -> Result<End> {
    let ByHand { why, text, labels, reviewers, link } = by_hand;
    if json {
        cx.out.json(&serde_json::json!({
            "by_hand": {
                "why": why, "title": text.title, "body": text.body,
                "labels": labels, "reviewers": reviewers, "link": link,
            }
        }))?;
        return Ok(End::Done);
    }
    cx.out.tell(&format!("{}; open the pull request by hand, with this text", visible(why)));
    if link.is_some() {
        cx.out.tell("the link at the end opens the form with it filled in");
    }
    let mut out = by_hand.words();
    if let Some(link) = link {
        let _ = write!(out, "\n\n{}", visible(link));
    }
    cx.out.lines(&out)?;
    Ok(End::Done)
}
