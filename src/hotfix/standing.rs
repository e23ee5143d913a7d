//! What is next depends on how the fix stands: taken from what is known of the branch, of what is
//! ahead of it and of its pull request. Pure.

use super::outlook::{Outlook, Verdict};
use super::pull::{CheckState, Looked, Pull, PullState};
use super::state::BranchState;
use crate::config::types::{Flow, Hotfix};
use crate::incident::{Fix, Raised, Review};

/// The branch the fix is on: the current one, if it is a hotfix branch; in the trunk flow the base.
pub fn branch<'a>(hotfix: &Hotfix, state: &'a BranchState) -> Option<&'a str> {
    let prefix = hotfix.prefix.as_str();
    state.branch().filter(|name| {
        let own = !prefix.is_empty() && name.starts_with(prefix);
        own || (hotfix.flow == Flow::Trunk && state.base.as_deref() == Some(*name))
    })
}

/// Commits of the fix that its goal does not have: in the trunk flow those that are not pushed.
/// `None`: they are not counted yet.
pub fn commits(hotfix: &Hotfix, state: &BranchState) -> Option<usize> {
    let count = match (branch(hotfix, state), hotfix.flow) {
        (None, _) => 0,
        (Some(_), _) if state.not_yet.counts => return None,
        (Some(_), Flow::Trunk) if state.branch() == state.base.as_deref() => {
            state.upstream.as_ref().map_or(state.ahead, |upstream| upstream.ahead)
        }
        (Some(_), _) => state.ahead,
    };
    Some(count)
}

/// Tells whether the branch, if it is not the base itself, still is where that is: it has nothing of its
/// own that others could lack.
pub fn is_untouched(state: &BranchState) -> bool {
    let is_base = state.branch() == state.base.as_deref();
    !is_base && state.base_at.as_ref().is_some_and(|base| state.commit() == Some(base.commit.as_str()))
}

/// How the fix stands. What is known of another branch or commit says nothing about it.
pub fn fix(hotfix: &Hotfix, state: &BranchState, outlook: Option<&Outlook>, pull: Option<&Looked>) -> Fix {
    let outlook = outlook.filter(|outlook| outlook.is_about(state.branch(), state.commit()));
    let base = state.base.clone().unwrap_or_default();
    let lacks = |verdict: &Verdict| match verdict {
        Verdict::Contained => Some(false),
        Verdict::Clean | Verdict::Conflicts(_) => Some(true),
        Verdict::Looking | Verdict::Unknown(_) => None,
    };
    let forecasts = outlook.map(|outlook| outlook.forecasts.as_slice()).unwrap_or_default();
    let into_base = forecasts.iter().find(|forecast| forecast.into == base);
    let is_untouched = is_untouched(state);
    let owed = forecasts
        .iter()
        .filter(|forecast| !is_untouched && forecast.into != base && lacks(&forecast.verdict) == Some(true))
        .map(|forecast| forecast.into.clone());
    Fix {
        flow: hotfix.flow,
        remote: state.remote.is_some(),
        current: state.branch().unwrap_or_default().to_owned(),
        unpushed: unpushed(state),
        unpulled: state.upstream.as_ref().filter(|upstream| upstream.exists).map_or(0, |at| at.behind),
        base_behind: state.base_upstream.as_ref().filter(|at| at.exists).map_or(0, |at| at.behind),
        version: raised(outlook),
        in_base: into_base.and_then(|forecast| lacks(&forecast.verdict)).map(|lacks| !lacks),
        landed: state.landed.clone(),
        merged: outlook.map(|outlook| outlook.merged.clone()).unwrap_or_default(),
        owed: owed.collect(),
        review: review(state, pull),
        base,
    }
}

/// Commits of the branch that the remote lacks.
fn unpushed(state: &BranchState) -> Option<usize> {
    if state.not_yet.counts {
        return None;
    }
    match &state.upstream {
        Some(upstream) if upstream.exists => Some(upstream.ahead),
        // A branch that was never pushed, with nothing on it, has nothing the remote lacks.
        _ => Some(state.ahead),
    }
}

fn raised(outlook: Option<&Outlook>) -> Raised {
    match outlook.and_then(|outlook| outlook.bump.as_ref()) {
        None => Raised::Unknown,
        Some(bump) if !bump.disagree.is_empty() => Raised::Disagree,
        Some(bump) if bump.from == bump.to => Raised::Not(bump.from.clone()),
        Some(bump) => Raised::To(bump.to.clone()),
    }
}

/// How the pull request stands, the worst first.
fn review(state: &BranchState, pull: Option<&Looked>) -> Review {
    let pull = match pull {
        Some(Looked::Known(pull)) => pull,
        Some(Looked::None) => return Review::Missing,
        Some(Looked::NoPlace | Looked::Unknown { .. }) | None => return Review::Unknown,
    };
    match &pull.state {
        PullState::Merged(_) => Review::Merged,
        PullState::Closed => Review::Missing,
        PullState::Open | PullState::Draft => open(state, pull),
    }
}

fn open(state: &BranchState, pull: &Pull) -> Review {
    let checks = |wanted: &[CheckState]| -> Vec<String> {
        pull.checks
            .iter()
            .filter(|check| wanted.contains(&check.state))
            .map(|check| check.name.clone())
            .collect()
    };
    let failing = checks(&[CheckState::Failed, CheckState::Cancelled]);
    let running = checks(&[CheckState::Running, CheckState::Waiting]).len();
    // What was said of an older commit was not said of this one.
    let old = state.commit().is_some_and(|commit| commit != pull.head);
    if !pull.changes_wanted_by.is_empty() {
        Review::Unwanted(pull.changes_wanted_by.clone())
    } else if !failing.is_empty() {
        Review::Failing(failing)
    } else if !pull.waits_for.is_empty() || (pull.approved_by.is_empty() && pull.mergeable != Some(true)) {
        Review::Waits(pull.waits_for.clone())
    } else if running > 0 || old {
        Review::Running(running.max(1))
    } else {
        Review::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::super::outlook::{Bump, Forecast};
    use super::super::pull::Check;
    use super::super::state::{BaseAt, Head, Upstream};
    use super::*;

    const COMMIT: &str = "4f2c91e0a1b2c3d4e5f60718293a4b5c6d7e8f90";

    fn on(name: &str) -> BranchState {
        let head = Head::Branch { name: name.into(), commit: COMMIT.into() };
        BranchState {
            base: Some("main".into()),
            remote: Some("origin".into()),
            ahead: 2,
            ..BranchState::new("/r", head)
        }
    }

    fn ahead(verdicts: &[(&str, Verdict)]) -> Outlook {
        let forecast = |(into, verdict): &(&str, Verdict)| Forecast {
            into: (*into).into(),
            reference: format!("refs/heads/{into}"),
            commit: COMMIT.into(),
            verdict: verdict.clone(),
        };
        Outlook {
            branch: "hotfix/x".into(),
            commit: COMMIT.into(),
            forecasts: verdicts.iter().map(forecast).collect(),
            bump: Some(Bump {
                from: "1.2.3".into(),
                to: "1.2.3".into(),
                tag: "v1.2.4".into(),
                disagree: Vec::new(),
            }),
            ..Outlook::default()
        }
    }

    fn pull() -> Pull {
        Pull {
            number: 412,
            url: "https://git.example/412".into(),
            title: "HOTFIX".into(),
            state: PullState::Open,
            head: COMMIT.into(),
            approved_by: vec!["omar".into()],
            changes_wanted_by: Vec::new(),
            waits_for: Vec::new(),
            checks: Vec::new(),
            mergeable: Some(true),
            held_by: String::new(),
        }
    }

    #[test]
    fn a_merge_back_is_owed_once_the_base_has_the_fix_and_another_has_not() {
        let hotfix = Hotfix { flow: Flow::GitFlow, ..Hotfix::default() };
        let of = |verdicts: &[(&str, Verdict)]| fix(&hotfix, &on("hotfix/x"), Some(&ahead(verdicts)), None);
        let owing = of(&[("main", Verdict::Contained), ("develop", Verdict::Conflicts(vec!["a".into()]))]);
        assert!(owing.owes() && owing.owed == ["develop"]);
        assert!(!of(&[("main", Verdict::Clean), ("develop", Verdict::Clean)]).owes());
        let unknown = of(&[("main", Verdict::Unknown("late".into())), ("develop", Verdict::Clean)]);
        assert_eq!((unknown.in_base, unknown.owes()), (None, false));
        assert_eq!(unknown.version, Raised::Not("1.2.3".into()));
        // A branch that was just made owes nothing, whatever the base has that others lack.
        let mut new = on("hotfix/x");
        let commit = new.commit().unwrap().to_owned();
        new.base_at = Some(BaseAt { reference: "refs/heads/main".into(), commit });
        let verdicts = ahead(&[("main", Verdict::Contained), ("develop", Verdict::Clean)]);
        assert!(!fix(&hotfix, &new, Some(&verdicts), None).owes());
    }

    #[test]
    fn what_is_known_of_another_commit_is_not_known() {
        let mut state = on("hotfix/x");
        state.head = Head::Branch { name: "hotfix/x".into(), commit: "9".repeat(40) };
        let other = fix(&Hotfix::default(), &state, Some(&ahead(&[("main", Verdict::Contained)])), None);
        assert_eq!((other.in_base, other.version), (None, Raised::Unknown));
    }

    #[test]
    fn in_the_trunk_flow_the_fix_is_on_the_base_and_counts_until_it_is_pushed() {
        let hotfix = Hotfix { flow: Flow::Trunk, ..Hotfix::default() };
        let mut state = on("main");
        state.upstream = Some(Upstream { name: "origin/main".into(), exists: true, ahead: 1, behind: 0 });
        assert_eq!((branch(&hotfix, &state), commits(&hotfix, &state)), (Some("main"), Some(1)));
        assert_eq!(branch(&Hotfix::default(), &state), None);
        assert_eq!(commits(&Hotfix::default(), &on("hotfix/x")), Some(2));
    }

    #[test]
    fn a_pull_request_is_ready_only_when_nothing_stands_against_it() {
        let of = |pull: Pull| review(&on("hotfix/x"), Some(&Looked::Known(pull)));
        assert_eq!(of(pull()), Review::Ready);
        let check = |state| vec![Check::new("e2e", state)];
        let cancelled = Pull { checks: check(CheckState::Cancelled), ..pull() };
        assert_eq!(of(cancelled), Review::Failing(vec!["e2e".into()]));
        assert_eq!(of(Pull { checks: check(CheckState::Running), ..pull() }), Review::Running(1));
        assert_eq!(of(Pull { waits_for: vec!["li".into()], ..pull() }), Review::Waits(vec!["li".into()]));
        let wanted = Pull { changes_wanted_by: vec!["li".into()], ..pull() };
        assert_eq!(of(wanted), Review::Unwanted(vec!["li".into()]));
        assert_eq!(of(Pull { head: "9".repeat(40), ..pull() }), Review::Running(1));
        assert_eq!(of(Pull { state: PullState::Merged(None), ..pull() }), Review::Merged);
        assert_eq!(review(&on("x"), Some(&Looked::None)), Review::Missing);
        assert_eq!(review(&on("x"), None), Review::Unknown);
    }
}
