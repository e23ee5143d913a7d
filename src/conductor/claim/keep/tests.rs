//! A claim that is renewed while others put something in its place.

use super::super::tests::{PLAN, World};
use super::*;

#[test]
fn nobody_takes_back_what_somebody_else_may_hold_by_now() {
    let world = World::new();
    let mut hers = world.hold(&world.maya, PLAN);
    hers.put(None).unwrap();
    let mut his = world.hold(&world.omar, "deploy-staging-9f3c-1");
    his.put(hers.mine).unwrap();
    world.spoil(his.mine.unwrap());
    // She was away for long, and sees that something is there, but not what.
    assert_eq!(renew(&mut hers, &world.maya.journal, false), Renewed::NotNow);
    assert_eq!(world.there(), his.mine);
    // While she was there all the time nobody can have taken it.
    assert_eq!(renew(&mut hers, &world.maya.journal, true), Renewed::Yes);
}

#[test]
fn a_claim_of_nobody_is_put_right_and_what_was_lost_is_taken_again_once_it_is_free() {
    let world = World::new();
    let mut hers = world.hold(&world.maya, PLAN);
    hers.put(None).unwrap();
    world.put_as_stranger(&hers);
    assert_eq!(renew(&mut hers, &world.maya.journal, true), Renewed::Yes);
    assert_eq!(world.there(), hers.mine);
    let mut his = world.hold(&world.omar, "deploy-staging-9f3c-1");
    his.put(hers.mine).unwrap();
    for is_kept_up in [true, false] {
        let lost = renew(&mut hers, &world.maya.journal, is_kept_up);
        assert_eq!(lost, Renewed::Lost("omar (deploy-staging-9f3c-1)".to_owned()));
    }
    hers.mine = None;
    his.release();
    assert_eq!(renew(&mut hers, &world.maya.journal, false), Renewed::Yes);
    // Of one that was away for long it may be a machine that joined meanwhile.
    world.put_as_stranger(&hers);
    assert!(matches!(renew(&mut hers, &world.maya.journal, false), Renewed::Lost(_)));
}

#[test]
fn a_claim_is_renewed_while_a_round_of_sharing_has_the_lock() {
    let world = World::new();
    let mut hers = world.hold(&world.maya, PLAN);
    hers.put(None).unwrap();
    let first = hers.mine;
    let round = world.hold(&world.maya, PLAN);
    let lock = round.sharing.git().lock().unwrap();
    assert_eq!(renew(&mut hers, &world.maya.journal, true), Renewed::Yes);
    assert_ne!(hers.mine, first);
    assert_eq!(world.there(), hers.mine);
    drop(lock);
}

#[test]
fn what_was_lost_once_stays_in_question_also_where_it_was_taken_again() {
    let (over, _ended) = channel();
    let (_told, done) = channel();
    let kept = Arc::new(Mutex::new(Kept { renewed: Some(Stopwatch::start()), lost: None }));
    let keeping = Keeping { over, done, target: "staging".to_owned(), kept: Arc::clone(&kept) };
    assert_eq!(keeping.trouble(), None);
    kept.lock().unwrap().lost = Some("omar (deploy-staging-9f3c-1)".to_owned());
    // The keeper goes on, and has it again: something else was done there meanwhile.
    kept.lock().unwrap().renewed = Some(Stopwatch::start());
    let trouble = keeping.trouble();
    assert_eq!(trouble.as_deref(), Some("omar (deploy-staging-9f3c-1) took staging over meanwhile"));
}
