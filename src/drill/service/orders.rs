//! The orders that customers of a drill send. Pure.

/// Orders that come in a minute.
pub(super) const PER_MINUTE: usize = 240;

const CARDS: [&str; 5] = ["-", "silver", "gold", "-", "silver"];
/// A card of the older shop.
const OLD_CARD: &str = "441700382";
const COUPONS: [&str; 8] = ["-", "-", "-", "-", "WELCOME10", "-", "TEA20", "-"];
const GOODS: [(&str, u32); 6] =
    [("tea", 1245), ("mug", 990), ("pot", 2480), ("sieve", 640), ("tin", 815), ("scale", 3790)];

/// One minute of orders as the application reads them: a line each. The same number gives
/// the same minute; about two customers in five have no loyalty card, and the bank of one
/// does not answer. So many of a hundred cards as `old_cards` says are numbers of an older
/// shop.
pub(super) fn minute(number: u64, old_cards: u8) -> String {
    let mut dice = Dice(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut lines = String::with_capacity(PER_MINUTE * 40);
    let away = dice.below(PER_MINUTE);
    for index in 0..PER_MINUTE {
        let id = 10_000 + (number % 900) * 100 + index as u64;
        let card = CARDS[dice.below(CARDS.len())];
        let old = old_cards > 0 && card != "-" && dice.below(100) < usize::from(old_cards);
        let card = if old { OLD_CARD } else { card };
        let coupon = COUPONS[dice.below(COUPONS.len())];
        let bank = if index == away { "away" } else { "ok" };
        let goods: Vec<String> = (0..=dice.below(3))
            .map(|_| {
                let (name, cents) = GOODS[dice.below(GOODS.len())];
                format!("{name}:{}:{cents}", 1 + dice.below(3))
            })
            .collect();
        lines.push_str(&order(id, card, coupon, bank, &goods.join(",")));
    }
    lines
}

/// One order as the application reads it.
pub(super) fn order(id: u64, card: &str, coupon: &str, bank: &str, goods: &str) -> String {
    format!("{id}\t{card}\t{coupon}\t{bank}\t{goods}\n")
}

/// A small generator (xorshift64*): orders need variety, not secrecy.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_repeatable_and_every_minute_differs() {
        assert_eq!(minute(7, 0), minute(7, 0));
        assert_ne!(minute(7, 0), minute(8, 0));
    }

    #[test]
    fn about_two_customers_in_five_have_no_card_and_one_bank_is_away() {
        for number in 0..200 {
            let minute = minute(number, 0);
            assert_eq!(minute.lines().count(), PER_MINUTE);
            let without = minute.lines().filter(|line| line.split('\t').nth(1) == Some("-")).count();
            assert!((60..140).contains(&without), "minute {number}: {without}");
            assert_eq!(minute.lines().filter(|line| line.contains("\taway\t")).count(), 1);
        }
    }

    #[test]
    fn where_there_are_old_cards_most_customers_with_a_card_have_one() {
        let minute = minute(3, 90);
        let cards = |wanted: fn(&str) -> bool| {
            minute.lines().filter(|line| line.split('\t').nth(1).is_some_and(wanted)).count()
        };
        let (old, with) = (cards(|card| card == OLD_CARD), cards(|card| card != "-"));
        assert!(old * 100 >= with * 80 && old < with, "{old} of {with}");
    }
}
