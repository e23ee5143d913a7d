//! Many incidents together: how many there were and how long they took, by month or by severity, always with the
//! spread, and nothing said that so few cannot tell.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _};

use super::{Past, Took};
use crate::incident::{Policy, Severity, duration};

/// Fewer values than this have no median: they are told one by one.
const MEDIAN: usize = 3;
/// From so many on the middle half says how far they lie apart; with fewer the least and the most.
const QUARTILES: usize = 8;
/// So many incidents it takes to compare the earlier half with the later one.
pub(super) const TREND: usize = 20;
/// Months without an incident are listed where all of them are not more than this.
const MONTHS: usize = 120;
/// Two-sided, at five in a hundred.
const BEYOND_CHANCE: f64 = 1.96;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The time to detect.
    Detect,
    /// The time to mitigate.
    Mitigate,
    /// The time to resolve.
    Resolve,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Detect, Self::Mitigate, Self::Resolve];

    /// What it is the time to.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Mitigate => "mitigate",
            Self::Resolve => "resolve",
        }
    }

    /// What it is once that is done: `not mitigated`.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Detect => "detected",
            Self::Mitigate => "mitigated",
            Self::Resolve => "resolved",
        }
    }

    /// How long it took.
    pub fn of(self, past: &Past) -> &Took {
        match self {
            Self::Detect => &past.detect,
            Self::Mitigate => &past.mitigate,
            Self::Resolve => &past.resolve,
        }
    }
}

/// What incidents are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The month in which they were declared, in UTC.
    Month,
    /// Their final severity.
    Severity,
}

impl By {
    /// The word for `history --by`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Severity => "severity",
        }
    }
}

/// Incidents put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Trends {
    /// By what.
    pub by: By,
    /// How many incidents there are in all.
    pub count: usize,
    /// The groups: months from the first on, severities from the worst on.
    pub groups: Vec<Group>,
    /// All of them together.
    pub all: Group,
    /// How the earlier half compares with the later one, for each measure.
    pub drifts: [(Measure, Drift); 3],
}

/// The incidents of a month or of a severity.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// `2026-11`, or what the team calls the severity.
    pub name: String,
    /// How many incidents.
    pub count: usize,
    /// How long they took: to detect, to mitigate, to resolve.
    pub spreads: [Spread; 3],
    /// How many clocks they missed.
    pub missed: usize,
    /// How many lengths are invalid and left out.
    pub invalid: usize,
}

/// How long several incidents took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spread {
    /// Nothing is measured.
    Nothing,
    /// Too few for a median: the lengths themselves, the least first.
    Few(Vec<SignedDuration>),
    /// The median, with the least and the most: too few to say more.
    Range {
        /// How many.
        count: usize,
        /// The median.
        median: SignedDuration,
        /// The least.
        least: SignedDuration,
        /// The most.
        most: SignedDuration,
    },
    /// The median, with what the middle half lies between.
    Quartiles {
        /// How many.
        count: usize,
        /// The median.
        median: SignedDuration,
        /// The lower quartile.
        lower: SignedDuration,
        /// The upper quartile.
        upper: SignedDuration,
    },
}

impl Spread {
    fn of(mut lengths: Vec<SignedDuration>) -> Self {
        lengths.sort_unstable();
        let count = lengths.len();
        match lengths.as_slice() {
            [] => Self::Nothing,
            few if count < MEDIAN => Self::Few(few.to_vec()),
            some if count < QUARTILES => {
                let (least, most) = (some[0], some[count - 1]);
                Self::Range { count, median: quantile(some, 1, 2), least, most }
            }
            many => Self::Quartiles {
                count,
                median: quantile(many, 1, 2),
                lower: quantile(many, 1, 4),
                upper: quantile(many, 3, 4),
            },
        }
    }

    /// How many lengths it is made of.
    pub fn count(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Few(lengths) => lengths.len(),
            Self::Range { count, .. } | Self::Quartiles { count, .. } => *count,
        }
    }

    /// The median, where there are enough for one.
    pub fn median(&self) -> Option<SignedDuration> {
        match self {
            Self::Nothing | Self::Few(_) => None,
            Self::Range { median, .. } | Self::Quartiles { median, .. } => Some(*median),
        }
    }

    /// What a column says: `48m (30m–1h10m)`, `48m (12m…3h of 5)`, `12m, 3h`, `–`.
    pub fn said(&self) -> String {
        match self {
            Self::Nothing => "–".to_owned(),
            Self::Few(lengths) => lengths.iter().map(|one| rounded(*one)).collect::<Vec<_>>().join(", "),
            Self::Range { count, median, least, most } => {
                format!("{} ({}…{} of {count})", rounded(*median), rounded(*least), rounded(*most))
            }
            Self::Quartiles { median, lower, upper, .. } => {
                format!("{} ({}–{})", rounded(*median), rounded(*lower), rounded(*upper))
            }
        }
    }
}

impl Trends {
    /// The heading and a row for each group and for all of them: by what, how many, how long they took, what they
    /// missed.
    pub fn rows(&self) -> Vec<[String; 6]> {
        let head = [self.by.name(), "incidents", "detect", "mitigate", "resolve", "clocks missed"];
        let groups = self.groups.iter().chain([&self.all]).map(Group::row);
        std::iter::once(head.map(str::to_owned)).chain(groups).collect()
    }

    /// The same as lines of a table; none where there is no incident.
    pub fn table(&self) -> Vec<String> {
        if self.count == 0 {
            return Vec::new();
        }
        let rows = self.rows();
        let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4, 5].map(wide);
        let line = |row: &[String; 6]| {
            let cell = |(column, (cell, width)): (usize, (&String, usize))| match column {
                // Counts are compared digit below digit.
                1 | 5 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            };
            let cells = row.iter().zip(widths).enumerate().map(cell);
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        rows.iter().map(line).collect()
    }
}

impl Trends {
    /// How the later half compares with the earlier one, a line for each length of time, with whether there is
    /// anything to compare. Where there are too few of all of them that is one line.
    pub fn drift_lines(&self) -> Vec<(bool, String)> {
        let few = self.drifts.iter().map(|(_, drift)| match drift {
            Drift::TooFew { count, needed } => Some((*count, *needed)),
            Drift::Compared { .. } => None,
        });
        if let Some(most) = few.collect::<Option<Vec<_>>>().and_then(|few| few.into_iter().max()) {
            return vec![(false, format!("No trends yet: {} of {} incidents", most.0, most.1))];
        }
        let is_told = |drift: &Drift| matches!(drift, Drift::Compared { .. });
        self.drifts.iter().map(|(measure, drift)| (is_told(drift), drift.said(*measure))).collect()
    }
}

impl Group {
    fn row(&self) -> [String; 6] {
        let [detect, mitigate, resolve] = self.spreads.each_ref().map(Spread::said);
        [self.name.clone(), self.count.to_string(), detect, mitigate, resolve, self.missed.to_string()]
    }
}

/// A length of time as a table has it: seconds say nothing of what took minutes.
fn rounded(length: SignedDuration) -> String {
    let minutes = (length.as_secs() + 30) / 60;
    duration(if minutes < 10 { length } else { SignedDuration::from_mins(minutes) })
}

/// What the notations of [`Spread::said`] mean, for those that stand in a table.
pub fn legend(trends: &Trends) -> Vec<String> {
    let all = || trends.groups.iter().chain([&trends.all]).flat_map(|group| &group.spreads);
    let mut said = Vec::new();
    if all().any(|one| matches!(one, Spread::Quartiles { .. })) {
        said.push("48m (30m–1h10m): median (25th–75th percentile)".to_owned());
    }
    if all().any(|one| matches!(one, Spread::Range { .. })) {
        said.push(format!("48m (12m…3h of 5): median (min–max, fewer than {QUARTILES})"));
    }
    if all().any(|one| matches!(one, Spread::Few(_))) {
        said.push(format!("12m, 3h: individual times (fewer than {MEDIAN})"));
    }
    match trends.all.invalid {
        0 => {}
        1 => said.push("1 duration left out: its timestamps contradict each other".to_owned()),
        n => said.push(format!("{n} durations left out: their timestamps contradict each other")),
    }
    said
}

/// How the later half of the incidents compares with the earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// There are too few to tell: so many of those that it takes.
    TooFew {
        /// How many are measured.
        count: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The earlier half and the later one.
    Compared {
        /// How the later half differs.
        change: Change,
        /// The earlier half.
        earlier: Spread,
        /// The later half.
        later: Spread,
    },
}

/// How the later half differs from the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// By no more than chance does.
    None,
    /// It took less time.
    Shorter,
    /// It took longer.
    Longer,
}

impl Change {
    /// The word for `history --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shorter => "shorter",
            Self::Longer => "longer",
        }
    }
}

impl Drift {
    /// What it says about a measure, in a sentence.
    pub fn said(&self, measure: Measure) -> String {
        let name = measure.name();
        match self {
            Self::TooFew { count, needed } => {
                format!("time to {name}: no trend yet: {count} of {needed} incidents")
            }
            Self::Compared { change, earlier, later } => {
                let both = format!(
                    "the earlier {} took {}, the later {} took {}",
                    earlier.count(),
                    earlier.said(),
                    later.count(),
                    later.said()
                );
                match change {
                    Change::None => {
                        format!("time to {name}: no significant trend: {both}")
                    }
                    Change::Shorter => format!("time to {name}: shorter, {both}"),
                    Change::Longer => format!("time to {name}: longer, {both}"),
                }
            }
        }
    }
}

/// Puts incidents together.
pub fn trends(incidents: &[Past], by: By, policy: &Policy) -> Trends {
    let groups = match by {
        By::Month => months(incidents),
        By::Severity => severities(incidents, policy),
    };
    let all: Vec<&Past> = incidents.iter().collect();
    let drifts = Measure::ALL.map(|measure| (measure, drift(incidents, measure)));
    Trends { by, count: incidents.len(), groups, all: group("all".to_owned(), &all), drifts }
}

/// The month in which an incident was declared, by its first day.
fn month(past: &Past) -> Date {
    past.declared_at.to_zoned(TimeZone::UTC).date().first_of_month()
}

/// A group a month, from the first to the last: one without an incident is one of none.
fn months(incidents: &[Past]) -> Vec<Group> {
    let mut by: BTreeMap<Date, Vec<&Past>> = BTreeMap::new();
    for past in incidents {
        by.entry(month(past)).or_default().push(past);
    }
    if let (Some((first, _)), Some((last, _))) = (by.first_key_value(), by.last_key_value()) {
        let (mut at, last, mut between) = (*first, *last, Vec::new());
        // One that was dated wrong must not fill the screen with months.
        while at < last && between.len() <= MONTHS {
            let Ok(next) = at.checked_add(1.month()) else { break };
            between.push(next);
            at = next;
        }
        if between.len() <= MONTHS {
            for month in between {
                by.entry(month).or_default();
            }
        }
    }
    by.into_iter().map(|(month, all)| group(month.strftime("%Y-%m").to_string(), &all)).collect()
}

fn severities(incidents: &[Past], policy: &Policy) -> Vec<Group> {
    let mut by: BTreeMap<Severity, Vec<&Past>> = BTreeMap::new();
    for past in incidents {
        by.entry(past.severity).or_default().push(past);
    }
    by.into_iter().map(|(severity, all)| group(policy.severity_name(severity).to_owned(), &all)).collect()
}

fn group(name: String, all: &[&Past]) -> Group {
    let spread =
        |measure: Measure| Spread::of(all.iter().filter_map(|past| measure.of(past).length()).collect());
    let took = all.iter().flat_map(|past| past.lengths());
    Group {
        name,
        count: all.len(),
        spreads: Measure::ALL.map(spread),
        missed: all.iter().map(|past| past.missed.len()).sum(),
        invalid: took.filter(|(_, took)| matches!(took, Took::Invalid(_))).count(),
    }
}

/// A quantile of sorted values, between the two that it lies between.
fn quantile(sorted: &[SignedDuration], of: usize, parts: usize) -> SignedDuration {
    let place = (sorted.len() - 1) * of;
    let (low, rest) = (place / parts, place % parts);
    let (Some(here), next) = (sorted.get(low), sorted.get(low + 1)) else { return SignedDuration::ZERO };
    let between = next.map_or(0.0, |next| (*next - *here).as_secs_f64()) * rest as f64 / parts as f64;
    SignedDuration::from_secs((here.as_secs_f64() + between).round() as i64)
}

/// Compares the later half of the incidents with the earlier one, by their ranks: a few that took days do not
/// decide it.
fn drift(incidents: &[Past], measure: Measure) -> Drift {
    let mut all: Vec<(&Past, SignedDuration)> =
        incidents.iter().filter_map(|past| Some((past, measure.of(past).length()?))).collect();
    if all.len() < TREND {
        return Drift::TooFew { count: all.len(), needed: TREND };
    }
    all.sort_by_key(|(past, _)| (past.declared_at, past.id));
    let lengths: Vec<SignedDuration> = all.into_iter().map(|(_, length)| length).collect();
    let (earlier, later) = lengths.split_at(lengths.len() / 2);
    let shift = shift(earlier, later);
    let (earlier, later) = (Spread::of(earlier.to_vec()), Spread::of(later.to_vec()));
    // Where both are told alike, what differs is of no account.
    let is_told_alike = earlier.median().map(rounded) == later.median().map(rounded);
    let change = match shift {
        _ if is_told_alike => Change::None,
        shift if shift > BEYOND_CHANCE => Change::Longer,
        shift if shift < -BEYOND_CHANCE => Change::Shorter,
        _ => Change::None,
    };
    Drift::Compared { change, earlier, later }
}

/// By how many standard deviations the ranks of the later ones lie above what chance makes of them (Mann and
/// Whitney, 1947; ties share their ranks).
fn shift(earlier: &[SignedDuration], later: &[SignedDuration]) -> f64 {
    let mut all: Vec<(SignedDuration, bool)> =
        earlier.iter().map(|one| (*one, false)).chain(later.iter().map(|one| (*one, true))).collect();
    all.sort_by_key(|(length, _)| *length);
    let (mut ranks, mut ties) = (0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let before = all.partition_point(|(length, _)| *length < tied[0].0);
        let count = tied.len() as f64;
        let rank = before as f64 + f64::midpoint(count, 1.0);
        ranks += rank * tied.iter().filter(|(_, is_later)| *is_later).count() as f64;
        ties += count.powi(3) - count;
    }
    let (n1, n2) = (later.len() as f64, earlier.len() as f64);
    let n = n1 + n2;
    let above = ranks - n1 * (n1 + 1.0) / 2.0 - n1 * n2 / 2.0;
    let deviation = (n1 * n2 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))).sqrt();
    if deviation > 0.0 { above / deviation } else { 0.0 }
}
