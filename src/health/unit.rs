//! Units that numbers are written in, and what a number is in another one. Pure.
//!
//! Only what is unambiguous: `kB` is a thousand bytes and `KiB` 1024, `m` behind a number is minutes.
//! Everything else is a word, which is compared and never converted.

use super::decimal::Decimal;

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Lengths of time.
    Time,
    /// Amounts of data.
    Bytes,
}

/// A unit that is known: `factor × 10^power` milliseconds or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub dimension: Dimension,
    factor: u128,
    power: i64,
}

/// What a latency is in.
pub(super) const MILLISECONDS: Unit = Unit { dimension: Dimension::Time, factor: 1, power: 0 };
/// What an age is in.
pub(super) const SECONDS: Unit = Unit { dimension: Dimension::Time, factor: 1, power: 3 };
/// What a number of bytes is in.
pub(super) const BYTES: Unit = Unit { dimension: Dimension::Bytes, factor: 1, power: 0 };

impl Unit {
    /// Reads a unit.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let time = |factor, power| Some(Self { dimension: Dimension::Time, factor, power });
        let bytes = |factor, power| Some(Self { dimension: Dimension::Bytes, factor, power });
        match word {
            "us" | "µs" => time(1, -3),
            "ms" => time(1, 0),
            "s" => time(1, 3),
            "m" => time(6, 4),
            "h" => time(36, 5),
            "d" => time(864, 5),
            "B" => bytes(1, 0),
            "kB" => bytes(1, 3),
            "MB" => bytes(1, 6),
            "GB" => bytes(1, 9),
            "TB" => bytes(1, 12),
            "PB" => bytes(1, 15),
            "KiB" => bytes(1 << 10, 0),
            "MiB" => bytes(1 << 20, 0),
            "GiB" => bytes(1 << 30, 0),
            "TiB" => bytes(1 << 40, 0),
            "PiB" => bytes(1 << 50, 0),
            _ => None,
        }
    }

    /// Reads the unit that somebody calls a value's own. An `m` there may be metres, and `d` anything.
    pub(super) fn own(word: &str) -> Option<Self> {
        Self::parse(word).filter(|unit| unit.dimension == Dimension::Bytes || unit.factor == 1)
    }

    /// What a number of this unit is in another one, exactly; `None`: it cannot be written exactly, or
    /// that measures something else.
    pub(super) fn convert(self, number: &Decimal, to: Self) -> Option<Decimal> {
        if self.dimension != to.dimension {
            return None;
        }
        let (mut factor, mut divisor, mut power) = (self.factor, to.factor, self.power - to.power);
        while divisor % 2 == 0 {
            divisor /= 2;
            if factor % 2 == 0 {
                factor /= 2;
            } else {
                // A half is five tenths.
                factor = factor.checked_mul(5)?;
                power -= 1;
            }
        }
        (divisor == 1).then_some(())?;
        number.times(factor).map(|number| number.scaled(power))
    }
}

/// What to write for a unit that is nearly one: `MiB` for `Mi` and `kB` for `KB`.
pub(super) fn near(word: &str) -> Option<&'static str> {
    Some(match word {
        "KB" | "Kb" | "kb" | "K" | "k" => "kB (1000) or KiB (1024)",
        "Ki" | "KIB" | "kiB" | "kib" => "KiB",
        "M" | "mb" | "Mb" => "MB (1000²) or MiB (1024²)",
        "Mi" | "mib" | "MIB" => "MiB",
        "G" | "gb" | "Gb" => "GB (1000³) or GiB (1024³)",
        "Gi" | "gib" | "GIB" => "GiB",
        "T" | "tb" | "Tb" => "TB or TiB",
        "Ti" => "TiB",
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" | "hr" => "h",
        "day" | "days" => "d",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_exact_or_none() {
        let convert = |number: &str, from: &str, to: &str| {
            let number = Decimal::parse(number).unwrap();
            Unit::parse(from).unwrap().convert(&number, Unit::parse(to).unwrap())
        };
        for (number, from, to, wanted) in [
            ("512", "MiB", "B", Some("536870912")),
            ("2", "GB", "B", Some("2000000000")),
            ("512", "KiB", "MiB", Some("0.5")),
            ("1", "MB", "MiB", Some("0.95367431640625")),
            ("1.5", "m", "s", Some("90")),
            ("7", "d", "s", Some("604800")),
            ("300", "us", "ms", Some("0.3")),
            ("20", "s", "m", None),
            ("1", "s", "B", None),
        ] {
            assert_eq!(convert(number, from, to), wanted.and_then(Decimal::parse), "{number} {from} in {to}");
        }
    }
}
