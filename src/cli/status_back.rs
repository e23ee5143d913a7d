//! Whether production can be put back, in plain text.

use super::sheet::{Hue, Sheet};
use super::situation::Situation;
use crate::cockpit::ways::{Looked, Readiness};
use crate::deploy::rollback::{self, Way};
use crate::text::visible;

/// Writes the best way back, or why there is none and how to see more.
pub(super) fn way_back(page: &mut Sheet, situation: &Situation) {
    let Some(looked) = situation.looked.as_ref().filter(|_| situation.state.is_open()) else { return };
    page.heading = "back";
    for (line, hue) in lines(looked, &situation.production) {
        page.prose(&line, hue);
    }
}

fn lines(looked: &Looked, production: &str) -> Vec<(String, Hue)> {
    let ways = looked.ways.as_deref().unwrap_or_default();
    let see = (format!("see why: flightdeck rollback --list --env {}", visible(production)), Hue::Dim);
    let told = |way: Option<&Way>| {
        way.map_or_else(String::new, |way| {
            let to = Some(way.leads_to()).filter(|to| !to.is_empty());
            let to = to.map_or_else(String::new, |to| format!(", {to}"));
            format!("{}{to}", visible(&way.title))
        })
    };
    let first = match looked.readiness() {
        Readiness::Ready => {
            return vec![(format!("✓ {}: proven ready", told(rollback::best(ways))), Hue::Good)];
        }
        Readiness::OnlyFlag => {
            let flag = told(rollback::flag(ways));
            (format!("✓ {flag}: proven ready; helps only if the fault is behind this flag"), Hue::Good)
        }
        Readiness::OnlyRevert => {
            let way = rollback::before_a_deploy(ways);
            let then = way.and_then(Way::and_then).unwrap_or_default();
            (format!("✓ {}: proven ready; {then}", told(way)), Hue::Plain)
        }
        Readiness::NoWay => ("✗ none is ready".to_owned(), Hue::Bad),
        Readiness::Unknown => match rollback::nearest(ways) {
            Some(way) => (format!("? {}: not proven", told(Some(way))), Hue::Plain),
            None => ("? not proven".to_owned(), Hue::Plain),
        },
    };
    vec![first, see]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::deploy::rollback::{Kind, Ready};

    fn way(kind: Kind, ready: Ready) -> Way {
        Way { kind, ready, goes_back_to: String::new(), ..Way::example() }
    }

    #[test]
    fn what_is_not_ready_says_how_to_see_why() {
        let said = |ways: &[Way]| {
            let looked = Looked {
                at: Timestamp::UNIX_EPOCH,
                live: None,
                unrecorded: None,
                past: Vec::new(),
                ways: Ok(ways.to_vec()),
            };
            lines(&looked, "production").into_iter().map(|(line, _)| line).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(said(&[way(Kind::Redeploy, Ready::Yes)]), "✓ redeploy v1.2.2: proven ready");
        assert_eq!(
            said(&[way(Kind::Redeploy, Ready::Unknown("was not asked".into()))]),
            "? redeploy v1.2.2: not proven; see why: flightdeck rollback --list --env production"
        );
        let none = said(&[way(Kind::Redeploy, Ready::No("no tag".into()))]);
        assert_eq!(none, "✗ none is ready; see why: flightdeck rollback --list --env production");
        assert!(
            said(&[way(Kind::FlagOff, Ready::Yes)]).contains("helps only if the fault is behind this flag")
        );
    }
}
