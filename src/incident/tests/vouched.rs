//! Whose word an approval is.

use super::*;

fn approved(by: &str) -> Approved {
    let (role, by, title) = ("lead".to_owned(), by.to_owned(), String::new());
    Approved { role, by, verbal: false, how: String::new(), plan: None, hash: "h".into(), title }
}

fn is_verified(log: &Log) -> bool {
    log.state().votes[0].is_verified()
}

fn met(signed: u64, person: &str, since: i64) -> Met {
    Met { signed, person: person.to_owned(), since }
}

#[test]
fn an_approval_counts_for_whom_it_is_from_where_it_came_signed_from_their_own_installation() {
    let mut log = log([record_by("omar", 1, approved("omar"))]);
    assert!(is_verified(&log), "without a journal nothing is known of where it came from");
    let mut known = |own, others: &[(u64, Met)]| {
        log.set_vouched(Vouched { own, others: others.iter().cloned().collect(), earlier: Vec::new() });
        is_verified(&log)
    };
    assert!(known(1, &[]), "it was written here");
    assert!(!known(2, &[]), "it was brought in a file");
    assert!(known(2, &[(1, met(2, "omar", 5))]), "all that is here came signed");
    assert!(!known(2, &[(1, met(1, "omar", 5))]), "somebody has put more behind what was signed");
    assert!(!known(2, &[(3, met(2, "omar", 5))]), "another one signed");
    assert!(!known(2, &[(1, met(2, "", 5))]), "it never said whose it is");
    assert!(!known(2, &[(1, met(2, "eve", 5))]), "it is somebody else's");
}

#[test]
fn of_two_that_say_they_are_one_person_the_first_to_be_heard_of_is_believed() {
    let mut log = log([record_by("omar", 1, approved("omar"))]);
    let mut known = |since: i64, other: (u64, Met)| {
        log.set_vouched(Vouched {
            own: 2,
            others: [(1, met(2, "omar", since)), other].into(),
            earlier: Vec::new(),
        });
        is_verified(&log)
    };
    assert!(known(5, (3, met(9, "Omar", 6))));
    assert!(!known(5, (3, met(9, "Omar", 4))));
    assert!(!known(5, (3, met(9, "Omar", 5))), "both were heard of at once");
    assert!(!known(5, (2, met(0, "omar", i64::MIN))), "omar sits at this machine");
    assert!(known(5, (3, met(9, "li", 1))));
}

#[test]
fn a_name_belongs_to_the_installation_that_had_it_in_an_earlier_incident() {
    let mut log = log([record_by("omar", 1, approved("omar"))]);
    let mut known = |own, others: &[(u64, Met)], earlier: &[(u64, Met)]| {
        let (others, earlier) = (others.iter().cloned().collect(), earlier.to_vec());
        log.set_vouched(Vouched { own, others, earlier });
        is_verified(&log)
    };
    let here = (1, met(2, "omar", 5));
    assert!(!known(2, std::slice::from_ref(&here), &[(3, met(0, "Omar", 1))]), "omar has another machine");
    assert!(known(2, std::slice::from_ref(&here), &[(3, met(0, "omar", 9))]), "that one came later");
    assert!(known(2, std::slice::from_ref(&here), &[(1, met(0, "omar", 1)), (3, met(0, "omar", 2))]));
    assert!(!known(2, &[here], &[(1, met(0, "eve", 1)), (3, met(0, "omar", 2))]), "it was another's then");

    let user = (1, met(0, "maya", i64::MIN));
    assert!(known(1, std::slice::from_ref(&user), &[]), "omar has no machine, and uses this one");
    assert!(known(1, std::slice::from_ref(&user), &[(3, met(0, "li", 1))]));
    assert!(!known(1, std::slice::from_ref(&user), &[(3, met(0, "omar", 1))]), "maya wrote under his name");
    assert!(!known(1, &[user, (3, met(0, "omar", 9))], &[]));
    assert!(known(1, &[(1, met(0, "omar", i64::MIN)), (3, met(0, "omar", 9))], &[]), "it is his own");
}
