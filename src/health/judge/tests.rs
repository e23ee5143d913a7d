use super::*;

/// Normal numbers that are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        // SplitMix64, Steele, Lea and Flood 2014.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }

    /// A series that begins in its own stationary distribution, of deviation 1.
    fn series(&mut self, memory: f64, length: usize) -> Vec<f64> {
        let mut last = self.normal();
        let innovation = (1.0 - memory * memory).sqrt();
        (0..length)
            .map(|_| {
                let value = last;
                last = memory * last + innovation * self.normal();
                value
            })
            .collect()
    }
}

fn all(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn case(before: &[f64], after: &[f64]) -> Case {
    Case { before: all(before), after: all(after), direction: Direction::UpIsBad }
}

fn verdict(before: &[f64], after: &[f64]) -> Verdict {
    judge(&case(before, after)).verdict
}

/// How many of so many pairs of windows are called worse, as they are, moved by five robust deviations,
/// and doubled.
fn alarms(memory: f64, pairs: usize, scale: f64) -> [usize; 3] {
    let mut dice = Dice(memory.to_bits() | 1);
    let mut counts = [0; 3];
    for _ in 0..pairs {
        let series: Vec<f64> =
            dice.series(memory, 180).iter().map(|value| scale * (100.0 + 10.0 * value)).collect();
        let (before, after) = series.split_at(120);
        let deviation = spread(before, median(before));
        let moved: Vec<f64> = after.iter().map(|value| value + 5.0 * deviation).collect();
        let doubled: Vec<f64> = after.iter().map(|value| value * 2.0).collect();
        for (count, after) in counts.iter_mut().zip([after, &moved, &doubled]) {
            *count += usize::from(verdict(before, after) == Verdict::Worse);
        }
    }
    counts
}

#[test]
fn noise_that_hangs_together_is_no_harm_and_harm_is_found_in_it() {
    for memory in [0.0, 0.3, 0.6, 0.9] {
        let [false_alarms, moved, doubled] = alarms(memory, 100, 1.0);
        assert!(false_alarms <= 2, "{memory}: {false_alarms} of 100 without a change");
        assert!(moved >= 95 && doubled >= 95, "{memory}: {moved} moved, {doubled} doubled of 100");
    }
}

#[test]
fn the_scale_of_a_series_changes_nothing() {
    let counts = alarms(0.6, 20, 1.0);
    for scale in [2e-9, 2e-5, 0.2, 1e9] {
        assert_eq!(alarms(0.6, 20, scale), counts, "{scale}");
    }
}

#[test]
fn which_way_is_harm_is_for_the_caller_to_say() {
    let mut dice = Dice(5);
    let before: Vec<f64> = dice.series(0.3, 60).iter().map(|value| 100.0 + value).collect();
    let up: Vec<f64> = dice.series(0.3, 30).iter().map(|value| 130.0 + value).collect();
    let say = |direction| judge(&Case { direction, ..case(&before, &up) }).verdict;
    assert_eq!(say(Direction::UpIsBad), Verdict::Worse);
    assert_eq!(say(Direction::DownIsBad), Verdict::Better);
    assert_eq!(say(Direction::Both), Verdict::Worse);
    let back = |direction| judge(&Case { direction, ..case(&up, &before) }).verdict;
    assert_eq!(back(Direction::UpIsBad), Verdict::Better);
    assert_eq!(back(Direction::Both), Verdict::Worse, "nothing is better where any change is harm");
}

#[test]
fn no_data_is_never_success() {
    let good = vec![Some(1.0); 30];
    let none = vec![None; 30];
    let some = |count: usize| -> Vec<Option<f64>> { (0..30).map(|n| (n < count).then_some(1.0)).collect() };
    for (before, after, why) in [
        (good.clone(), none.clone(), "no data after"),
        (none.clone(), good.clone(), "no data before"),
        (good.clone(), Vec::new(), "no data after"),
        (good.clone(), some(4), "4 samples after: at least 5 are needed"),
        (good.clone(), some(14), "16 of 30 samples after are missing"),
        (some(9), good.clone(), "9 samples before: at least 10 are needed"),
        ([Some(f64::MAX), Some(-f64::MAX)].repeat(10), good.clone(), "too large to be compared"),
    ] {
        let judged = judge(&Case { before, after, direction: Direction::UpIsBad });
        assert_eq!(judged.verdict, Verdict::CannotTell, "{}", judged.why);
        assert!(judged.why.contains(why), "{}", judged.why);
    }
    assert_eq!(verdict(&[1.0; 30], &[1.0; 15]), Verdict::NoEvidence);
}

#[test]
fn a_step_without_any_noise_is_a_step() {
    assert_eq!(verdict(&[0.0; 30], &[0.0; 15]), Verdict::NoEvidence);
    assert_eq!(verdict(&[0.0; 30], &[2e-5; 15]), Verdict::Worse);
    assert_eq!(verdict(&[100.0; 30], &[104.0; 15]), Verdict::NoEvidence, "too little to matter");
    assert_eq!(verdict(&[100.0; 30], &[106.0; 15]), Verdict::Worse);
    assert_eq!(verdict(&[100.0; 30], &[90.0; 15]), Verdict::Better);
}

#[test]
fn one_spike_decides_nothing_and_missing_samples_hide_no_harm() {
    let mut dice = Dice(9);
    let before: Vec<f64> = dice.series(0.5, 60).iter().map(|value| 200.0 + 5.0 * value).collect();
    let mut after: Vec<f64> = dice.series(0.5, 30).iter().map(|value| 200.0 + 5.0 * value).collect();
    after[7] = 1e6;
    assert_eq!(verdict(&before, &after), Verdict::NoEvidence);
    let gaps: Vec<Option<f64>> =
        after.iter().enumerate().map(|(n, value)| (n % 3 != 0).then_some(value + 100.0)).collect();
    assert_eq!(judge(&Case { after: gaps, ..case(&before, &after) }).verdict, Verdict::Worse);
}

#[test]
fn what_a_series_did_by_itself_before_is_no_harm() {
    let mut dice = Dice(13);
    let mut around = |levels: &dyn Fn(usize) -> f64, length: usize| -> Vec<f64> {
        (0..length).map(|at| levels(at) + dice.normal()).collect()
    };
    // A job that runs now and then, and runs again after the change.
    let busy = around(&|at| if (at / 30) % 4 == 1 { 200.0 } else { 100.0 }, 160);
    let again = around(&|_| 200.0, 30);
    assert_eq!(verdict(&busy, &again), Verdict::NoEvidence);
    assert_eq!(verdict(&busy, &around(&|_| 400.0, 30)), Verdict::Worse);
    // More and more requests, as every morning.
    let morning = around(&|at| 100.0 + at as f64, 120);
    let on = around(&|at| 220.0 + at as f64, 60);
    let judged = judge(&case(&morning, &on));
    assert_ne!(judged.verdict, Verdict::Worse, "{}", judged.why);
    let stepped: Vec<f64> = on.iter().map(|value| value + 150.0).collect();
    assert_eq!(verdict(&morning, &stepped), Verdict::Worse, "a step on top of it");
    let turned = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| 1000.0 - value).collect() };
    let down = |after: &[f64]| {
        let direction = Direction::DownIsBad;
        judge(&Case { direction, ..case(&turned(&morning), &turned(after)) }).verdict
    };
    assert_ne!(down(&on), Verdict::Worse);
    assert_eq!(down(&stepped), Verdict::Worse);
}

#[test]
fn errors_that_are_mostly_none_are_found_when_they_become_common() {
    let every = |nth: usize, length: usize| -> Vec<f64> {
        (0..length).map(|at| if at % nth == nth - 1 { 3.0 } else { 0.0 }).collect()
    };
    assert_eq!(verdict(&every(30, 120), &every(30, 60)), Verdict::NoEvidence);
    assert_eq!(verdict(&every(30, 120), &every(3, 60)), Verdict::Worse);
    assert_eq!(verdict(&[0.0; 120], &every(3, 60)), Verdict::Worse);
    assert_eq!(verdict(&every(30, 120), &[3.0; 60]), Verdict::Worse);
}

#[test]
fn a_small_step_of_a_level_that_holds_still_matters() {
    let mut dice = Dice(17);
    let mut near =
        |level: f64, length: usize| -> Vec<f64> { (0..length).map(|_| level + dice.normal()).collect() };
    let before = near(1000.0, 60);
    assert_eq!(verdict(&before, &near(1030.0, 30)), Verdict::Worse);
    let judged = judge(&case(&before, &near(1005.0, 30)));
    assert!(judged.why.ends_with("too little to matter"), "{}", judged.why);
}

#[test]
fn a_series_that_wanders_off_by_itself_is_not_judged() {
    let mut dice = Dice(3);
    let mut at = 1000.0;
    let walk: Vec<f64> = (0..40)
        .map(|_| {
            at += dice.normal();
            at
        })
        .collect();
    let judged = judge(&case(&walk[..25], &walk[25..]));
    assert!(matches!(judged.verdict, Verdict::CannotTell | Verdict::NoEvidence), "{judged:?}");
}

#[test]
fn several_series_are_corrected_for() {
    let corrected = holm(&[0.01, f64::NAN, 0.04, 0.03]);
    let corrected: Vec<String> = corrected.iter().map(|chance| format!("{chance:.2}")).collect();
    assert_eq!(corrected, ["0.03", "NaN", "0.06", "0.06"]);
    // A shift that stands alone is harm; among many that are looked at it is what is to be expected.
    let mut dice = Dice(21);
    let mut seen = (0, 0);
    for _ in 0..10 {
        let cases: Vec<Case> = (0..50)
            .map(|_| {
                let series = dice.series(0.9, 60);
                case(&series[..30], &series[30..])
            })
            .collect();
        let worse = |judged: Vec<Judged>| judged.iter().filter(|one| one.verdict == Verdict::Worse).count();
        seen.0 += worse(cases.iter().map(judge).collect());
        seen.1 += worse(family(&cases));
    }
    assert!(seen.1 <= seen.0 && seen.1 <= 1, "{seen:?} of 500");
    let mut harmed: Vec<Case> = (0..50).map(|_| case(&dice.series(0.3, 60), &dice.series(0.3, 30))).collect();
    harmed[17].after.iter_mut().flatten().for_each(|value| *value += 8.0);
    let judged = family(&harmed);
    assert_eq!(judged[17].verdict, Verdict::Worse, "{}", judged[17].why);
}

#[test]
fn what_was_seen_is_said_in_numbers_that_people_read() {
    let mut dice = Dice(2);
    let before: Vec<f64> = dice.series(0.2, 60).iter().map(|value| 100.0 + value).collect();
    let after: Vec<f64> = dice.series(0.2, 30).iter().map(|value| 152.0 + value).collect();
    let why = judge(&case(&before, &after)).why;
    assert!(why.starts_with("median ") && why.contains(", up 52 %"), "{why}");
    assert!(why.ends_with("p < 0.001 (60 samples before, 30 after)"), "{why}");
    for (value, text) in
        [(0.0, "0"), (2e-5, "2.00e-5"), (0.2, "0.2"), (99.996, "100"), (1234.5, "1234"), (3.1e7, "3.10e7")]
    {
        assert_eq!(number(value), text);
    }
}

#[test]
fn other_evidence_is_corrected_for_with_the_series() {
    let (judged, others) = family_with(&[], &[0.04, 0.03]);
    assert_eq!((judged.len(), others), (0, vec![0.06, 0.06]));
    let still = vec![Some(1.0); 20];
    let case = Case { before: still.clone(), after: still, direction: Direction::UpIsBad };
    let (judged, others) = family_with(&[case.clone(), case], &[0.03]);
    assert_eq!(judged.len(), 2);
    assert!((others[0] - 0.09).abs() < 1e-9, "{others:?}");
}
