//! The little language of `expect`, `value`, `warn` and `fail`. Pure.
//!
//! ```text
//! condition = all { "or" all }
//! all       = not { "and" not }
//! not       = "not" not | "(" condition ")" | term
//! term      = subject compare literal        status == 200    body.status == "ok"
//!           | subject "in" number ".." number                 status in 200..299
//!           | subject "contains" text                         body contains "ready"
//!           | subject "matches" text                          body.version matches "^1\.4"
//! subject   = "status" | "latency" | "exit" | number_in | "age" "(" number_in ")"
//!           | "rate" "(" number_in ")" | "delta" "(" number_in ")"
//! number_in = "value" | "alerts" | "body" { "." name | "[" place or text "]" }
//! compare   = "==" | "!=" | "<" | "<=" | ">" | ">="
//! literal   = number [ unit ] | text | "true" | "false"
//! limit     = compare number [ unit ]        > 5
//! ```
//!
//! Both ends of a range belong to it. A bare `body` is the text as it came, without space
//! around it. What is missing, null or of another type makes a comparison *unknown*, never
//! true and never false; `not` of it is unknown as well, and so is all that hangs on it (Kleene).
//! Reading is in `parse`.

use std::cmp::Ordering;
use std::fmt;

use bstr::ByteSlice as _;

use super::answer::{Found, excerpt};
use super::change::Seen;
use super::decimal::Decimal;
use super::pattern::Pattern;
use crate::text::mask::Masker;
use crate::text::visible;

/// One condition, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Something is compared.
    Term(Term),
    /// The opposite.
    Not(Box<Condition>),
    /// Every one of at least two.
    All(Vec<Condition>),
    /// At least one of at least two.
    Any(Vec<Condition>),
}

/// One comparison of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it is about.
    pub subject: Subject,
    /// What is asked of it.
    pub test: Test,
}

/// What a condition or value is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The HTTP status.
    Status,
    /// How long the answer took.
    Latency,
    /// The exit code of a command.
    Exit,
    /// The number that a query gives.
    Value,
    /// How many alerts fire.
    Alerts,
    /// The body as it came (empty path), or a value inside its JSON.
    Body(Vec<String>),
    /// How fast a counter in the body, or that a query gives, grows: per second since the sample before.
    Rate(Box<Subject>),
    /// By how much such a number has changed since the sample before.
    Delta(Box<Subject>),
    /// How long ago the time was that stands there.
    Age(Box<Subject>),
}

/// What is asked of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It compares so with a literal.
    Compare(Compare, Literal),
    /// It lies between two numbers, both included.
    Within(Number, Number),
    /// It contains a text.
    Contains(String),
    /// A regular expression is found in it.
    Matches(Pattern),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Compare {
    /// All, the longer signs first so that reading takes the longest.
    pub(super) const ALL: [Self; 6] =
        [Self::Equal, Self::Unequal, Self::LessOrEqual, Self::GreaterOrEqual, Self::Less, Self::Greater];

    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether `left` compares so with `right`.
    pub fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// A number as written, and its exact value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// As written, with its unit: `0.10`, `800ms`, `512 MiB`.
    pub text: String,
    /// Its value in the unit of what it is compared with: milliseconds for a latency, seconds for an age.
    pub value: Decimal,
}

/// What a subject is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A number.
    Number(Number),
    /// A length of time.
    Length(Number),
    /// A text.
    Text(String),
    /// True or false.
    Bool(bool),
}

/// Whether something is so. There is a third answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It is so.
    Holds,
    /// It is not so.
    Fails,
    /// Nobody can tell: missing, null, of another type or unreadable.
    Unknown,
}

impl Truth {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Unknown => "unknown",
        }
    }

    fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    /// Nobody can tell the opposite of what nobody can tell.
    fn opposite(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// A condition put to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Whether it holds.
    pub truth: Truth,
    /// What was compared, in one line fit to be shown: `status 500, expected 200`.
    pub text: String,
}

/// Most parts that are told where all of them decide together.
const TOLD: usize = 3;

impl Condition {
    /// Puts the condition to an answer, and says without secrets what was compared: of several parts
    /// those that decide.
    pub fn test<'a>(&self, seen: impl Into<Seen<'a>>, masker: &Masker) -> Comparison {
        self.decide(false, seen.into(), masker)
    }

    /// The opposite is decided down in the parts, where it can be said in words.
    fn decide(&self, opposite: bool, seen: Seen<'_>, masker: &Masker) -> Comparison {
        match self {
            Self::Term(term) => term.test(opposite, seen, masker),
            Self::Not(inner) => inner.decide(!opposite, seen, masker),
            // Not all hold: one does not.
            Self::All(parts) if opposite => several(parts, Truth::Holds, opposite, seen, masker),
            Self::All(parts) => several(parts, Truth::Fails, opposite, seen, masker),
            Self::Any(parts) if opposite => several(parts, Truth::Fails, opposite, seen, masker),
            Self::Any(parts) => several(parts, Truth::Holds, opposite, seen, masker),
        }
    }

    /// Tells whether the body says something that only the one that was meant would say: a part of it is there,
    /// or a text that was looked for. That something is not there any body can say, that of a login page, too.
    pub(super) fn knows_body(&self, seen: Seen<'_>) -> bool {
        match self {
            Self::Term(term) => term.knows_body(seen),
            Self::Not(inner) => inner.knows_body(seen),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.knows_body(seen)),
        }
    }

    /// Everything it is about.
    pub(super) fn subjects(&self) -> Vec<&Subject> {
        match self {
            Self::Term(term) => vec![&term.subject],
            Self::Not(inner) => inner.subjects(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::subjects).collect(),
        }
    }
}

/// One part that comes out as `deciding` decides. Else one that is unknown leaves the whole unknown, and
/// without such a part all of them decide together.
fn several(
    parts: &[Condition],
    deciding: Truth,
    opposite: bool,
    seen: Seen<'_>,
    masker: &Masker,
) -> Comparison {
    let mut unknown = None;
    let mut rest = Vec::with_capacity(parts.len());
    for part in parts {
        let comparison = part.decide(opposite, seen, masker);
        match comparison.truth {
            truth if truth == deciding => return comparison,
            Truth::Unknown => unknown = unknown.or(Some(comparison)),
            _ => rest.push(comparison.text),
        }
    }
    if let Some(unknown) = unknown {
        return unknown;
    }
    let more = rest.len().saturating_sub(TOLD);
    rest.truncate(TOLD);
    let last = if more > 0 { format!("; and {more} more") } else { String::new() };
    let text = rest.join("; ") + &last;
    Comparison { truth: if deciding == Truth::Fails { Truth::Holds } else { Truth::Fails }, text }
}

impl Term {
    fn knows_body(&self, seen: Seen<'_>) -> bool {
        let (truth, _) = self.compare(seen);
        match &self.subject {
            Subject::Status | Subject::Exit | Subject::Latency => false,
            Subject::Body(path) if path.is_empty() => {
                truth == Truth::Holds && !matches!(self.test, Test::Compare(Compare::Unequal, _))
            }
            _ => truth != Truth::Unknown,
        }
    }

    /// Whether it is so, and what was found, or why there is nothing.
    fn compare(&self, seen: Seen<'_>) -> (Truth, Found) {
        let found = seen.find(&self.subject);
        let truth = match &found {
            Found::Nothing(_) => Truth::Unknown,
            Found::Number(value, _) => self.test.on_number(value),
            Found::Text(text) => self.test.on_text(text),
            Found::Bool(value) => self.test.on_bool(*value),
            Found::Raw(body) => self.test.on_raw(body, seen.is_cut()),
        };
        (truth, found)
    }

    fn test(&self, opposite: bool, seen: Seen<'_>, masker: &Masker) -> Comparison {
        let (truth, found) = self.compare(seen);
        let found = match found {
            Found::Nothing(why) => Err(why),
            Found::Number(_, written) => Ok(excerpt(&written, masker)),
            Found::Text(text) => Ok(quoted(&text, masker)),
            Found::Bool(value) => Ok(value.to_string()),
            Found::Raw(body) => Ok(quoted(&body.trim().to_str_lossy(), masker)),
        };
        let (truth, not) = if opposite { (truth.opposite(), "not ") } else { (truth, "") };
        let text = match found {
            Ok(found) => format!("{} {found}, expected {not}{}", self.subject, self.test.words()),
            Err(why) => format!("{why}, expected {not}{self}"),
        };
        Comparison { truth, text: visible(&masker.mask(&text)).into_owned() }
    }
}

fn quoted(text: &str, masker: &Masker) -> String {
    format!("\"{}\"", excerpt(text, masker))
}

impl Test {
    /// What is expected, as a person says it: `200`, `< 500`, `200 to 299`.
    pub fn words(&self) -> String {
        match self {
            Self::Compare(Compare::Equal, literal) => literal.to_string(),
            Self::Within(low, high) => format!("{} to {}", low.text, high.text),
            test => test.to_string(),
        }
    }

    fn on_number(&self, value: &Decimal) -> Truth {
        match self {
            Self::Compare(compare, Literal::Number(number) | Literal::Length(number)) => {
                Truth::of(compare.holds(value, &number.value))
            }
            Self::Within(low, high) => Truth::of(low.value <= *value && *value <= high.value),
            Self::Compare(_, Literal::Text(_) | Literal::Bool(_)) | Self::Contains(_) | Self::Matches(_) => {
                Truth::Unknown
            }
        }
    }

    fn on_text(&self, value: &str) -> Truth {
        match self {
            Self::Compare(compare, Literal::Text(text)) => Truth::of(compare.holds(&value, &text.as_str())),
            Self::Contains(text) => Truth::of(value.contains(text.as_str())),
            Self::Matches(pattern) => Truth::of(pattern.is_in(value.as_bytes())),
            Self::Compare(..) | Self::Within(..) => Truth::Unknown,
        }
    }

    fn on_bool(&self, value: bool) -> Truth {
        match self {
            Self::Compare(compare, Literal::Bool(wanted)) => Truth::of(compare.holds(&value, wanted)),
            Self::Compare(..) | Self::Within(..) | Self::Contains(_) | Self::Matches(_) => Truth::Unknown,
        }
    }

    /// A bare body has the type it is compared with, if it can be read so. Of a body that was
    /// cut off only what was found is known, never what is absent.
    fn on_raw(&self, body: &[u8], cut: bool) -> Truth {
        let found = match self {
            Self::Contains(text) => Some(body.contains_str(text)),
            Self::Matches(pattern) if cut => Some(pattern.is_in_beginning(body)),
            Self::Matches(pattern) => Some(pattern.is_in(body.trim())),
            Self::Compare(..) | Self::Within(..) => None,
        };
        if let Some(found) = found {
            return if cut && !found { Truth::Unknown } else { Truth::of(found) };
        }
        let Some(text) = body.trim().to_str().ok().filter(|_| !cut) else { return Truth::Unknown };
        match self {
            Self::Compare(_, Literal::Text(_)) => self.on_text(text),
            Self::Compare(_, Literal::Bool(_)) => text.parse().map_or(Truth::Unknown, |b| self.on_bool(b)),
            _ => Decimal::parse(text).map_or(Truth::Unknown, |number| self.on_number(&number)),
        }
    }
}

/// A limit of a drawn value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// How the value compares with the number once it is over the limit.
    pub compare: Compare,
    /// The number, in the unit the value is drawn in, and as written.
    pub number: Number,
}

impl Limit {
    /// Whether a value is over the limit.
    pub fn is_over(&self, value: &Decimal) -> bool {
        self.compare.holds(value, &self.number.value)
    }

    /// Tells whether a value can be over both limits.
    pub fn overlaps(&self, other: &Self) -> bool {
        // Only the order counts: below, at, between, at and above the two numbers.
        let (a, b) = match self.number.value.cmp(&other.number.value) {
            Ordering::Less => (1, 3),
            Ordering::Equal => (1, 1),
            Ordering::Greater => (3, 1),
        };
        (0..=4).any(|value| self.compare.holds(&value, &a) && other.compare.holds(&value, &b))
    }

    /// The limit with its direction, as a person says it: `max 5 %`, `min 200`.
    pub fn words(&self) -> String {
        let word = match self.compare {
            Compare::Greater | Compare::GreaterOrEqual => "max",
            Compare::Less | Compare::LessOrEqual => "min",
            Compare::Equal => "not",
            Compare::Unequal => "only",
        };
        format!("{word} {}", self.number.text)
    }

    /// The number, for drawing; `None` if it is too large for that.
    pub fn threshold(&self) -> Option<f64> {
        self.number.value.to_f64()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.compare.sign(), self.number.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, between) = match self {
            Self::Term(term) => return term.fmt(f),
            Self::Not(inner) => {
                f.write_str("not ")?;
                return inner.part(matches!(**inner, Self::All(_) | Self::Any(_)), f);
            }
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
        };
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                f.write_str(between)?;
            }
            let looser = matches!(part, Self::Any(_));
            let same = matches!((self, part), (Self::All(_), Self::All(_)));
            part.part(looser || same, f)?;
        }
        Ok(())
    }
}

impl Condition {
    fn part(&self, in_parentheses: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if in_parentheses { write!(f, "({self})") } else { fmt::Display::fmt(self, f) }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.test)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::Status => return f.write_str("status"),
            Self::Latency => return f.write_str("latency"),
            Self::Exit => return f.write_str("exit"),
            Self::Value => return f.write_str("value"),
            Self::Alerts => return f.write_str("alerts"),
            Self::Rate(of) => return write!(f, "rate({of})"),
            Self::Delta(of) => return write!(f, "delta({of})"),
            Self::Age(of) => return write!(f, "age({of})"),
            Self::Body(path) => path,
        };
        f.write_str("body")?;
        for name in path {
            if name.bytes().all(|b| b.is_ascii_digit())
                && name.parse::<u64>().is_ok_and(|n| n.to_string() == *name)
            {
                write!(f, "[{name}]")?;
            } else if !name.is_empty() && name.chars().all(super::parse::is_name) {
                write!(f, ".{name}")?;
            } else {
                f.write_str("[")?;
                quote(f, name)?;
                f.write_str("]")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(compare, literal) => write!(f, "{} {literal}", compare.sign()),
            Self::Within(low, high) => write!(f, "in {}..{}", low.text, high.text),
            Self::Contains(text) => {
                f.write_str("contains ")?;
                quote(f, text)
            }
            Self::Matches(pattern) => {
                f.write_str("matches ")?;
                quote(f, pattern.as_str())
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) | Self::Length(number) => f.write_str(&number.text),
            Self::Text(text) => quote(f, text),
            Self::Bool(value) => value.fmt(f),
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests;
