//! Whether production can be put back, in plain text: as far as that is known without asking it.

use super::sheet::{Hue, Sheet};
use super::situation::Situation;
use crate::deploy::rollback::{self, Way};
use crate::text::visible;

/// Writes the best way back and, where nobody has proven it, how to do that. A status asks nothing of the kind
/// itself: those commands may take long.
pub(super) fn way_back(page: &mut Sheet, situation: &Situation) {
    if !situation.state.is_open() {
        return;
    }
    page.heading = "back";
    for (line, hue) in lines(&situation.ways, &situation.production) {
        page.prose(&line, hue);
    }
}

fn lines(ways: &[Way], production: &str) -> Vec<(String, Hue)> {
    let ask = format!("flightdeck rollback --list --env {}", visible(production));
    let told = |way: &Way| {
        let to = way.leads_to();
        if to.is_empty() {
            visible(&way.title).into_owned()
        } else {
            format!("{}, {to}", visible(&way.title))
        }
    };
    match (rollback::best(ways), rollback::nearest(ways), rollback::flag(ways)) {
        _ if ways.is_empty() => Vec::new(),
        (Some(way), ..) => vec![(format!("✓ {}: proven ready", told(way)), Hue::Good)],
        (None, Some(way), _) => {
            vec![(format!("? {}: not proven", told(way)), Hue::Plain), (format!("prove it: {ask}"), Hue::Dim)]
        }
        (None, None, Some(way)) => vec![(
            format!("✓ {}: proven ready; helps only if the fault is behind this flag", told(way)),
            Hue::Good,
        )],
        (None, None, None) => vec![(format!("✗ none is proven ready. See why: {ask}"), Hue::Bad)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::rollback::{Kind, Ready};

    fn way(kind: Kind, ready: Ready) -> Way {
        Way { kind, ready, goes_back_to: String::new(), ..Way::example() }
    }

    #[test]
    fn what_is_not_proven_says_how_to_prove_it() {
        let said = |ways: &[Way]| {
            lines(ways, "production").into_iter().map(|(line, _)| line).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(said(&[]), "");
        assert_eq!(said(&[way(Kind::Redeploy, Ready::Yes)]), "✓ redeploy v1.2.2: proven ready");
        assert_eq!(
            said(&[way(Kind::Redeploy, Ready::Unknown("was not asked".into()))]),
            "? redeploy v1.2.2: not proven; prove it: flightdeck rollback --list --env production"
        );
        let none = said(&[way(Kind::Redeploy, Ready::No("no tag".into()))]);
        assert_eq!(none, "✗ none is proven ready. See why: flightdeck rollback --list --env production");
        assert!(
            said(&[way(Kind::FlagOff, Ready::Yes)]).ends_with("helps only if the fault is behind this flag")
        );
    }
}
