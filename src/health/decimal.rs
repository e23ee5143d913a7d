//! Exact decimal numbers, compared as they are written. Pure.
//!
//! A limit of `0.1` must equal a `0.10` in a body, and 2⁵³ must differ from 2⁵³ + 1; binary
//! floating point can promise neither, so limits and bodies never pass through it.

use std::cmp::Ordering;

/// An exact decimal number of any length.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// ASCII digits without leading or trailing zeros; empty for zero.
    digits: String,
    /// The value is `0.DIGITS × 10^point`; 0 for zero.
    point: i64,
}

/// Exponents beyond this are refused, so that sums of them cannot overflow.
const MAX_EXPONENT: i64 = 1 << 40;

impl Decimal {
    /// Reads `-12`, `0.10`, `6.02e23`. Anything else, and an absurd exponent, is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let is_power = |text: &str| is_digits(text.strip_prefix(['+', '-']).unwrap_or(text));
        // Zero has whatever exponent, but not whatever letters.
        if !is_digits(whole) || !fraction.is_none_or(is_digits) || !exponent.is_none_or(is_power) {
            return None;
        }
        let exponent = exponent.map_or(Some(0), parse_exponent);
        let all: String = [whole, fraction.unwrap_or_default()].concat();
        let leading = all.bytes().take_while(|&digit| digit == b'0').count();
        let digits = all.trim_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, point: 0 });
        }
        let point = whole.len() as i64 - leading as i64 + exponent?;
        Some(Self { negative, digits, point })
    }

    /// The number of milliseconds in a length of time.
    pub fn milliseconds(length: std::time::Duration) -> Self {
        let nanoseconds = Self::parse(&length.as_nanos().to_string());
        nanoseconds.unwrap_or(Self { negative: false, digits: String::new(), point: 0 }).scaled(-6)
    }

    /// This number times ten to the `power`.
    #[must_use]
    pub fn scaled(mut self, power: i64) -> Self {
        if !self.digits.is_empty() {
            self.point += power;
        }
        self
    }

    /// This number times a whole one; `None`: that has more digits than are reckoned with.
    pub fn times(&self, factor: u128) -> Option<Self> {
        if self.digits.is_empty() {
            return Some(self.clone());
        }
        let digits: u128 = self.digits.parse().ok()?;
        let exponent = self.point - self.digits.len() as i64;
        Some(Self::whole(self.negative, digits.checked_mul(factor)?, exponent))
    }

    /// This number less another; `None`: that has more digits than are reckoned with.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let exponent = |number: &Self| number.point - number.digits.len() as i64;
        let common = exponent(self).min(exponent(other));
        let signed = |number: &Self| {
            if number.digits.is_empty() {
                return Some(0_i128);
            }
            let power = u32::try_from(exponent(number) - common).ok()?;
            let size = number.digits.parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(power)?)?;
            Some(if number.negative { -size } else { size })
        };
        let difference = signed(self)?.checked_sub(signed(other)?)?;
        Some(Self::whole(difference < 0, difference.unsigned_abs(), common))
    }

    /// `digits × 10^exponent`.
    fn whole(negative: bool, digits: u128, exponent: i64) -> Self {
        let digits = digits.to_string();
        let point = digits.len() as i64 + exponent;
        match digits.trim_end_matches('0') {
            "" => Self { negative: false, digits: String::new(), point: 0 },
            digits => Self { negative, digits: digits.to_owned(), point },
        }
    }

    /// Tells whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The nearest floating point number, for drawing only; `None` beyond their range.
    pub fn to_f64(&self) -> Option<f64> {
        if self.digits.is_empty() {
            return Some(0.0);
        }
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0.{}e{}", self.digits, self.point).parse().ok().filter(|n: &f64| n.is_finite())
    }

    /// -1, 0 or 1.
    fn signum(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let size: i64 = unsigned.parse().ok().filter(|size| *size <= MAX_EXPONENT)?;
    Some(if text.starts_with('-') { -size } else { size })
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.signum();
        sign.cmp(&other.signum()).then_with(|| {
            // Without trailing zeros the longer of two equal beginnings is the larger.
            let size = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
            if sign < 0 { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn the_same_number_written_differently_is_equal() {
        for (a, b) in [
            ("0.1", "0.10"),
            ("5", "5.000"),
            ("-0", "0.0"),
            ("1e3", "1000"),
            ("12.5e-1", "1.25"),
            ("007", "7"),
            ("0e99999999999999", "0"),
        ] {
            if b == "0" && a.len() > 10 {
                assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
            } else {
                assert_eq!(decimal(a), decimal(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn neighbours_beyond_binary_precision_are_told_apart() {
        assert!(decimal("9007199254740992") < decimal("9007199254740993"));
        assert!(decimal("0.1") < decimal("0.1000000000000000000000000001"));
        assert!(decimal("-1e400") < decimal("-1e399"));
        assert!(decimal("9.99") < decimal("10"));
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "+5",
            "1e",
            "1e+",
            "0e",
            "0e+",
            "0exy",
            "0x10",
            "0,5",
            "NaN",
            "1_000",
            "1e99999999999999999999",
            "١",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_fits_is_drawn() {
        assert_eq!(decimal("-12.5").to_f64(), Some(-12.5));
        assert_eq!(decimal("0.00").to_f64(), Some(0.0));
        assert_eq!(decimal("1e400").to_f64(), None);
        assert_eq!(Decimal::milliseconds(std::time::Duration::from_micros(1500)), decimal("1.5"));
    }

    #[test]
    fn differences_and_products_are_exact() {
        let minus = |a: &str, b: &str| decimal(a).minus(&decimal(b));
        assert_eq!(minus("0.3", "0.1"), Some(decimal("0.2")));
        assert_eq!(minus("9007199254740993", "9007199254740992"), Some(decimal("1")));
        assert_eq!(minus("5", "5.0"), Some(decimal("0")));
        assert_eq!(minus("0", "1e3"), Some(decimal("-1000")));
        assert_eq!(minus("1e60", "1"), None);
        assert_eq!(decimal("-0.25").times(1024), Some(decimal("-256")));
        assert_eq!(decimal("0").times(7), Some(decimal("0")));
        assert_eq!(decimal(&"9".repeat(39)).times(1), None);
    }

    proptest! {
        #[test]
        fn whole_numbers_subtract_as_integers_do(a in any::<i64>(), b in any::<i64>()) {
            let wanted = i128::from(a) - i128::from(b);
            prop_assert_eq!(decimal(&a.to_string()).minus(&decimal(&b.to_string())), Some(decimal(&wanted.to_string())));
        }

        #[test]
        fn whole_numbers_order_as_integers_do(a in any::<i128>(), b in any::<i128>()) {
            prop_assert_eq!(decimal(&a.to_string()).cmp(&decimal(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn trailing_zeros_and_exponents_change_nothing(n in any::<i64>(), zeros in 0usize..20) {
            let written = format!("{n}{}e-{zeros}", "0".repeat(zeros));
            prop_assert_eq!(decimal(&written), decimal(&n.to_string()));
        }

        #[test]
        fn reading_never_panics(text in "[-+0-9.eE]{0,12}|.{0,12}") {
            let _ = Decimal::parse(&text).map(|d| d.to_f64());
        }
    }
}
