//! From values to lines: where a value is drawn, and which numbers stand at the axis.

/// Where a value is, seen from a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Below its lower end.
    Below,
    /// On it.
    On,
    /// Above its upper end.
    Above,
}

/// The scale of a value axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    /// The numbers at the axis, lowest first.
    pub(super) marks: Vec<f64>,
    /// Whether it goes by orders of magnitude.
    pub(super) is_log: bool,
}

impl Scale {
    /// A scale whose marks are round numbers, about one every three lines.
    pub(super) fn nice((low, high): (f64, f64), height: u16) -> Self {
        let wanted = f64::from((height / 3).clamp(2, 6));
        let rough = ((high - low) / wanted).max(f64::MIN_POSITIVE);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        // A scale has few marks; the bound is for numbers so large that a step adds nothing.
        let marks =
            (0..16).map(|mark| f64::from(mark) * step + low).take_while(|mark| *mark <= high + step / 2.0);
        Self { low, high, marks: marks.collect(), is_log: false }
    }

    /// A scale by orders of magnitude, for values above zero.
    pub(super) fn orders((low, high): (f64, f64), height: u16) -> Self {
        let first = low.log10().floor();
        let last = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|factor| factor * 10_f64.powf(high.log10().floor()))
            .find(|end| *end >= high)
            .unwrap_or(high);
        let decades = last.log10() - first;
        let low = 10_f64.powf(first);
        let lines = f64::from(height.max(2) - 1) / decades.max(1.0);
        let marks = if lines >= 6.0 {
            let all = (0..=decades.ceil() as i32)
                .flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(decade) * low));
            all.filter(|mark| *mark <= last * 1.001).collect()
        } else {
            let every = (1.5 / lines).ceil().max(1.0) as usize;
            let all = (0..=decades.floor() as i32).step_by(every);
            all.map(|decade| 10_f64.powi(decade) * low).collect()
        };
        Self { low, high: last, marks, is_log: true }
    }

    /// Where a value is.
    pub(super) fn place(&self, value: f64) -> Place {
        // What is beyond by less than can be seen is not.
        let room = (self.high - self.low) * 1e-9;
        if value < self.low - room {
            Place::Below
        } else if value > self.high + room {
            Place::Above
        } else {
            Place::On
        }
    }

    /// How far up a value is, in dots of so many.
    pub(super) fn dot(&self, value: f64, dots: u16) -> u16 {
        let part = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        // Rounded: what is cut off here is no less than zero.
        (part.clamp(0.0, 1.0) * f64::from(dots.saturating_sub(1)) + 0.5) as u16
    }

    /// The line of a value, from the top; `None` where it is beyond.
    pub(super) fn line(&self, value: f64, height: u16) -> Option<u16> {
        (self.place(value) == Place::On && value.is_finite()).then(|| self.nearest(value, height))
    }

    /// The line that is nearest to a value: by the dots of a curve, so that a line lies where the curve would.
    pub(super) fn nearest(&self, value: f64, height: u16) -> u16 {
        height - 1 - self.dot(value, height * 4) / 4
    }
}

/// A number as people read it: three digits that matter, none after a comma that are zero.
pub(in super::super) fn number(value: f64) -> String {
    let size = value.abs();
    let (value, unit) = match size {
        s if s >= 1e12 => return format!("{value:.1e}"),
        s if s >= 1e9 => (value / 1e9, "G"),
        s if s >= 1e6 => (value / 1e6, "M"),
        s if s >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.01 => format!("{value:.2}"),
        _ => return format!("{value:.0e}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (38.1, "38.1"),
            (212.4, "212"),
            (0.3, "0.3"),
            (5.0, "5"),
            (12_345.0, "12.3k"),
            (2_000_000.0, "2M"),
            (-41.0, "-41"),
            (0.001_2, "1e-3"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_scale_has_round_marks_around_the_values() {
        let scale = Scale::nice((0.0, 38.1), 12);
        assert_eq!(scale.marks, [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(scale.dot(0.0, 48), 0);
        assert_eq!(scale.dot(40.0, 48), 47);
        assert_eq!(scale.dot(f64::MAX, 48), 47);
        assert_eq!((scale.place(40.0), scale.place(40.1)), (Place::On, Place::Above));
        assert_eq!(
            (scale.line(0.0, 12), scale.line(40.0, 12), scale.line(41.0, 12)),
            (Some(11), Some(0), None)
        );
    }

    #[test]
    fn a_scale_by_orders_of_magnitude_has_one_mark_for_each() {
        let scale = Scale::orders((0.3, 42_000.0), 12);
        let marks: Vec<String> = scale.marks.iter().map(|mark| number(*mark)).collect();
        assert_eq!(marks, ["0.1", "1", "10", "100", "1000", "10k"]);
        assert_eq!(number(scale.high), "50k");
        assert_eq!(scale.dot(0.0, 48), 0);
        assert_eq!(scale.place(0.0), Place::Below);
        let middle = scale.dot(70.0, 101);
        assert!((48..=52).contains(&middle), "{middle}");
        // With more room there are marks in between, with little room fewer.
        let marks = |height| Scale::orders((1.0, 100.0), height).marks.len();
        assert_eq!((marks(16), marks(12), marks(3)), (7, 3, 2));
    }
}
