//! Compares the names of people: whoever is written down twice in different ways is one person.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

use super::is_plain;

/// A name as it is compared, never shown: compatibility forms and case folded, without what nobody
/// sees, blanks as one space.
pub fn folded(name: &str) -> String {
    // What looks like a blank is one; the rest of what nobody sees is nothing at all.
    let blank = |c: char| if c.is_whitespace() || c == '\u{2800}' { ' ' } else { c };
    let seen = name.chars().map(blank).filter(|&c| is_plain(c)).collect::<String>();
    // Up and down: a letter may become two on the way up, and a capital sharp s does only from below.
    let folded = seen.nfkc().collect::<String>().to_lowercase().to_uppercase().to_lowercase();
    let folded: String = folded.nfkc().filter(|&c| is_plain(c)).collect();
    // A dot above a letter that has one is not seen either: a capital I with a dot leaves it behind.
    let folded = folded.replace("i\u{307}", "i").replace("j\u{307}", "j").replace('ς', "σ");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a person goes by, folded: the name, or as git writes it (`Omar <omar@example.org>`) the name and the
/// address. A dot at the end is none, nor is the sign of a handle (`@omar`).
fn goes_by(name: &str) -> Vec<String> {
    let whole = folded(name);
    let as_git = whole.strip_suffix('>').and_then(|rest| rest.split_once('<'));
    let parts = as_git.map_or(vec![whole.as_str()], |(name, mail)| vec![name, mail]);
    let known = parts.into_iter().map(|part| part.trim_end_matches(['.', ' ']).trim_start());
    let known = known.map(|part| part.strip_prefix('@').unwrap_or(part).trim_start().to_owned());
    known.filter(|part| !part.is_empty()).collect()
}

/// Tells whether two names are those of one person, however they were typed.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || share(&goes_by(one), &goes_by(other))
}

fn share(these: &[String], others: &[String]) -> bool {
    these.iter().any(|this| others.contains(this))
}

/// A known name that looks like this one and is another.
pub fn looks_like<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let these = goes_by(name);
    let shapes = |of: &[String]| of.iter().map(|part| folded_skeleton(part)).collect::<Vec<_>>();
    let shape = shapes(&these);
    known.into_iter().find(|other| {
        let others = goes_by(other);
        !share(&these, &others) && share(&shape, &shapes(&others))
    })
}

/// The shape of a name. What looks alike only when small is alike, too.
fn folded_skeleton(folded: &str) -> String {
    let shape: String = skeleton(folded).collect();
    skeleton(&shape.to_lowercase()).filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::UNSEEN;

    #[test]
    fn what_nobody_sees_makes_no_other_person() {
        for c in UNSEEN.chars() {
            for name in [format!("maya lind{c}"), format!("{c}maya lind"), format!("maya {c}lind")] {
                assert!(is_same(&name, "maya lind"), "{name:?}");
            }
        }
        for c in UNSEEN.chars().filter(|&c| c != '\u{2800}') {
            assert!(is_same(&format!("ma{c}ya"), "maya"), "{c:?}");
        }
    }

    #[test]
    fn one_person_is_one_however_the_name_was_typed() {
        for (one, other) in [
            ("Maya", " maya "),
            ("maya  lind", "Maya Lind"),
            ("maya\u{a0}lind", "maya lind"),
            ("maya\u{2800}lind", "maya lind"),
            ("maya\u{3000}lind", "maya lind"),
            ("Jos\u{e9}", "Jose\u{301}"),
            ("\u{ff4d}aya", "maya"),
            ("Strauß", "STRAUSS"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("o\u{fb03}ce", "office"),
            ("\u{130}brahim", "ibrahim"),
            ("STRAU\u{1e9e}", "Strauss"),
            ("\u{1e9e}", "ß"),
            ("Omar.", "omar"),
            ("omar\u{ff0e}", "Omar ."),
            ("ΟΔΥΣΣΕΥΣ.", "οδυσσευσ"),
            ("Omar <omar@example.org>", "omar"),
            ("Omar. \u{ff1c}omar@example.org>", "Omar"),
            ("Omar <omar@example.org>", "OMAR@example.org"),
            ("Omar<omar@example.org>", "O. Haddad <Omar@Example.org>"),
            ("Omar <omar@example.org>", "Omar <omar@home.example>"),
            ("<omar@example.org>", "omar@example.org"),
            ("@omar", "Omar"),
            ("@Omar", "Omar <omar@example.org>"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one:?} and {other:?}");
            assert_eq!(looks_like(one, [other]), None);
        }
        for (one, other) in [
            ("maya", "mayo"),
            ("maya lind", "mayalind"),
            ("José", "Jose"),
            ("", "maya"),
            ("Omar <o@x>", "Li <l@x>"),
            ("Omar <>", "Li <>"),
            ("a.b", "ab"),
        ] {
            assert!(!is_same(one, other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn a_name_that_only_looks_the_same_is_pointed_out() {
        let known = ["omar", "maya", "paul li"];
        for (name, other) in [
            ("m\u{430}ya", "maya"),
            ("ma\u{443}a", "maya"),
            ("rnaya", "maya"),
            ("0mar", "omar"),
            ("pau1 li", "paul li"),
            ("paulli", "paul li"),
            ("0mar <it@example.org>", "omar"),
        ] {
            assert_eq!(looks_like(name, known), Some(other), "{name:?}");
        }
        for name in ["maya", "MAYA", "ann", "", "mayo"] {
            assert_eq!(looks_like(name, known), None, "{name:?}");
        }
    }
}
