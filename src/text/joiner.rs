//! Joiners and selectors that people write with: where one of them changes what is seen it belongs to the text,
//! anywhere else it only hides something.
//!
//! Persian and Urdu part letters with a zero-width non-joiner, the scripts of India and Sinhala choose forms with
//! both, and pictures are put together with the joiner. The contexts are those in which Unicode lets them stand in
//! identifiers (UAX 31), where letters really join or part there.

/// Parts what would join.
const PARTS: char = '\u{200C}';
/// Joins what stands apart.
const JOINS: char = '\u{200D}';

/// Tells whether a character is a joiner, or chooses between two pictures of the one before.
fn is_one(c: char) -> bool {
    matches!(c, PARTS | JOINS | '\u{FE0E}' | '\u{FE0F}')
}

/// Tells whether a joiner or selector belongs where it stands: what is seen would be another thing without it.
pub(super) fn belongs(before: &str, c: char, after: &str) -> bool {
    if !may_follow(before, c) {
        return false;
    }
    let next = after.chars().next();
    match c {
        '\u{FE0E}' | '\u{FE0F}' => !before.ends_with(is_key) || after.starts_with('\u{20E3}'),
        _ if next.is_some_and(is_one) => false,
        _ if before.ends_with(is_virama) => {
            next.is_some_and(is_indic) || (c == JOINS && before.ends_with('\u{0D4D}'))
        }
        _ if ends_as_picture(before) => next.is_some_and(is_picture),
        // Letters of Bengali stand before the sign that would change them.
        _ if before.ends_with('\u{09B0}') => next == Some('\u{09CD}'),
        // What is parted would have joined; what joins has nothing there to join with.
        PARTS => letter_ahead(after).is_some_and(joins_backward),
        _ => letter_ahead(after).is_none() && !next.is_some_and(is_mark),
    }
}

/// Tells whether one can stand behind this text at all, whatever comes after it.
pub(super) fn may_follow(before: &str, c: char) -> bool {
    match c {
        '\u{FE0E}' | '\u{FE0F}' => before.ends_with(|last: char| is_picture(last) || is_key(last)),
        JOINS => {
            ends_as_picture(before)
                || before.ends_with(is_virama)
                || before.ends_with('\u{09B0}')
                || letter_behind(before).is_some_and(joins_forward)
        }
        PARTS => before.ends_with(is_virama) || letter_behind(before).is_some_and(joins_forward),
        _ => false,
    }
}

/// Takes away joiners beside letters that are written with them, where they change nothing that is seen: people
/// type them behind letters that never join.
pub fn without_idle(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_idle = || {
            let after = text.get(at + c.len_utf8()..).unwrap_or_default();
            let beside = text.get(..at).and_then(letter_behind).or_else(|| letter_ahead(after));
            let is_indic_beside = || text.get(..at).is_some_and(|before| before.ends_with(is_indic));
            !belongs(&kept, c, after) && (beside.is_some() || is_indic_beside())
        };
        if !(matches!(c, PARTS | JOINS) && is_idle()) {
            kept.push(c);
        }
    }
    kept
}

/// The letter of a joining script at the end of a text, marks on it aside.
fn letter_behind(before: &str) -> Option<char> {
    before.chars().rev().find(|c| !is_mark(*c)).filter(|c| is_joining(*c))
}

/// The letter of a joining script at the beginning of a text.
fn letter_ahead(after: &str) -> Option<char> {
    after.chars().find(|c| !is_mark(*c)).filter(|c| is_joining(*c))
}

/// Marks on letters of Arabic and Syriac, which joining goes through.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06DC}'
        | '\u{06DF}'..='\u{06E4}' | '\u{06E7}' | '\u{06E8}' | '\u{06EA}'..='\u{06ED}' | '\u{0711}'
        | '\u{0730}'..='\u{074A}' | '\u{08D3}'..='\u{08E1}' | '\u{08E3}'..='\u{08FF}')
}

/// Letters of Arabic, Syriac and N'Ko.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{064A}' | '\u{066E}' | '\u{066F}' | '\u{0671}'..='\u{06D3}' | '\u{06D5}'
        | '\u{06EE}' | '\u{06EF}' | '\u{06FA}'..='\u{06FC}' | '\u{06FF}' | '\u{0710}' | '\u{0712}'..='\u{072F}'
        | '\u{074D}'..='\u{077F}' | '\u{07CA}'..='\u{07EA}' | '\u{08A0}'..='\u{08C7}')
}

/// Letters that join with none at all.
fn joins_backward(c: char) -> bool {
    !matches!(c, '\u{0621}' | '\u{0674}' | '\u{06D5}' | '\u{08AD}')
}

/// Letters that join with the one behind them, and not only with the one before.
fn joins_forward(c: char) -> bool {
    joins_backward(c)
        && !matches!(c, '\u{0622}'..='\u{0625}' | '\u{0627}' | '\u{0629}' | '\u{062F}'..='\u{0632}' | '\u{0648}'
            | '\u{0671}'..='\u{0673}' | '\u{0675}'..='\u{0677}' | '\u{0688}'..='\u{0699}' | '\u{06C0}'
            | '\u{06C3}'..='\u{06CB}' | '\u{06CD}' | '\u{06CF}' | '\u{06D2}' | '\u{06D3}' | '\u{06EE}'
            | '\u{06EF}' | '\u{0710}' | '\u{0715}'..='\u{0719}' | '\u{071E}' | '\u{0728}' | '\u{072A}'
            | '\u{072C}' | '\u{072F}' | '\u{074D}' | '\u{0759}'..='\u{075B}' | '\u{076B}' | '\u{076C}'
            | '\u{0771}' | '\u{0773}' | '\u{0774}' | '\u{0778}' | '\u{0779}' | '\u{08AA}'..='\u{08AC}'
            | '\u{08AE}' | '\u{08B1}' | '\u{08B2}' | '\u{08B9}')
}

/// The sign that takes the vowel from a letter, in the scripts of India and Sinhala.
fn is_virama(c: char) -> bool {
    matches!(
        c,
        '\u{094D}'
            | '\u{09CD}'
            | '\u{0A4D}'
            | '\u{0ACD}'
            | '\u{0B4D}'
            | '\u{0BCD}'
            | '\u{0C4D}'
            | '\u{0CCD}'
            | '\u{0D4D}'
            | '\u{0DCA}'
    )
}

/// Letters and signs of those scripts.
fn is_indic(c: char) -> bool {
    matches!(c, '\u{0900}'..='\u{0DFF}')
}

/// Pictures, as far as they are put together of others.
fn is_picture(c: char) -> bool {
    let is_skin = matches!(c, '\u{1F3FB}'..='\u{1F3FF}');
    matches!(c, '\u{00A9}' | '\u{00AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{21FF}' | '\u{2300}'..='\u{23FF}' | '\u{25AA}'..='\u{25FE}' | '\u{2600}'..='\u{27BF}'
        | '\u{2934}' | '\u{2935}' | '\u{2B00}'..='\u{2BFF}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}'
        | '\u{1F000}'..='\u{1FAFF}')
        && !is_skin
}

/// Tells whether a text ends in a picture, with the colour of its skin and what chooses it.
fn ends_as_picture(before: &str) -> bool {
    let is_skin = |c: char| matches!(c, '\u{1F3FB}'..='\u{1F3FF}');
    let chosen = before.strip_suffix('\u{FE0F}').or_else(|| before.strip_suffix(is_skin));
    chosen.unwrap_or(before).ends_with(is_picture)
}

/// What can be drawn as a key.
fn is_key(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::name::{folded, is_same};
    use crate::text::{visible, visible_lines};

    #[test]
    fn what_people_write_with_joiners_is_kept() {
        for text in [
            "علی\u{200C}رضا",
            "می\u{200C}خواهم",
            "کتاب\u{200C}ها",
            "۱۴۰۲ ه\u{200D}.ش",
            "क्\u{200C}ष",
            "क्\u{200D}ष",
            "ශ්\u{200D}රී ලංකා",
            "ന്\u{200D}",
            "র\u{200D}\u{09CD}য",
            "👩\u{200D}🚒",
            "👩🏽\u{200D}🚒",
            "👨\u{200D}👩\u{200D}👧\u{200D}👦",
            "❤\u{FE0F}\u{200D}🔥",
            "🏴\u{200D}☠\u{FE0F}",
            "1\u{FE0F}\u{20E3}",
            "Li ❤\u{FE0F}",
        ] {
            assert_eq!(visible(text), text);
            assert!(is_same(text, text) && !folded(text).is_empty(), "{text}");
        }
        assert!(is_same("علی\u{200C}رضا", "علیرضا"), "however it was typed");
    }

    #[test]
    fn a_joiner_that_changes_nothing_is_marked() {
        for (text, seen) in [
            ("ma\u{200D}ya", "ma<U+200D>ya"),
            ("ma\u{200C}ya", "ma<U+200C>ya"),
            // Behind a letter that never joins, at the end, twice.
            ("کار\u{200C}ها", "کار<U+200C>ها"),
            ("علی\u{200C}", "علی<U+200C>"),
            ("علی\u{200C}\u{200C}رضا", "علی<U+200C><U+200C>رضا"),
            ("عل\u{200D}ی", "عل<U+200D>ی"),
            ("क\u{200D}ष", "क<U+200D>ष"),
            ("\u{200D}🚒", "<U+200D>🚒"),
            ("👩\u{200D}", "👩<U+200D>"),
            ("👩\u{200D}x", "👩<U+200D>x"),
            ("1\u{FE0F}2", "1<U+FE0F>2"),
            ("v1\u{FE0F}", "v1<U+FE0F>"),
            ("👩\u{200B}🚒", "👩<U+200B>🚒"),
            ("علی\u{202E}رضا", "علی<U+202E>رضا"),
            ("علی\u{200F}رضا", "علی<U+200F>رضا"),
        ] {
            assert_eq!(visible(text), seen);
        }
    }

    #[test]
    fn idle_joiners_of_a_name_are_left_out_and_others_stay() {
        for (typed, kept) in [
            ("کار\u{200C}ها", "کارها"),
            ("علی\u{200C}رضا", "علی\u{200C}رضا"),
            ("علی\u{200C}\u{200C}رضا", "علی\u{200C}رضا"),
            ("علی\u{200C}", "علی"),
            ("👩\u{200D}🚒", "👩\u{200D}🚒"),
            ("ma\u{200D}ya", "ma\u{200D}ya"),
            ("a\u{202E}b", "a\u{202E}b"),
        ] {
            assert_eq!(without_idle(typed), kept, "{typed:?}");
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let pieces = [
            "ی", "ر", "ا", "ه", "ث", "ِ", "क", "्", "ന", "്", "👩", "🚒", "🏽", "❤", "1", "⃣", "a", " ", "\n",
            "\u{200C}", "\u{200D}", "\u{FE0F}", "\u{200B}", "\u{202E}", "\u{2066}",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_was_cleaned_is_clean_and_nothing_in_it_hides(text in text()) {
            for clean in [visible(&text).into_owned(), visible_lines(&text).into_owned()] {
                prop_assert_eq!(&visible_lines(&clean), &clean);
                let hides = |c: char| matches!(c, '\u{200B}' | '\u{202E}' | '\u{2066}');
                prop_assert!(!clean.contains(hides));
                for (at, c) in clean.char_indices().filter(|(_, c)| is_one(*c)) {
                    let (before, rest) = clean.split_at(at);
                    prop_assert!(belongs(before, c, rest.strip_prefix(c).unwrap_or_default()));
                }
            }
        }

        #[test]
        fn joiners_make_no_other_person(text in text()) {
            let bare: String = text.chars().filter(|c| !is_one(*c)).collect();
            prop_assert_eq!(folded(&text), folded(&bare));
            prop_assert_eq!(folded(&without_idle(&text)), folded(&bare));
        }
    }
}
