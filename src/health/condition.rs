//! The little language of `expect`, `value`, `warn` and `fail`. Pure.
//!
//! ```text
//! condition = subject compare literal        status == 200    body.status == "ok"
//!           | subject "in" number ".." number                 status in 200..299
//!           | subject "contains" text                         body contains "ready"
//! subject   = "status" | "latency" | "exit" | "value" | "body" { "." name | "[" place or text "]" }
//! compare   = "==" | "!=" | "<" | "<=" | ">" | ">="
//! literal   = number | length (800ms, 1.5s, 300us) | text | "true" | "false"
//! limit     = compare number                 > 5
//! ```
//!
//! Both ends of a range belong to it. A bare `body` is the text as it came, without space
//! around it. What is missing, null or of another type makes a comparison *unknown*, never
//! true and never false. Reading is in `parse`.

use std::fmt;

use bstr::ByteSlice as _;

use super::answer::{Answer, Found, excerpt};
use super::decimal::Decimal;
use crate::text::mask::Masker;
use crate::text::visible;

/// One condition, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
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
    /// The body as it came (empty path), or a value inside its JSON.
    Body(Vec<String>),
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
    /// As written, with the unit of a length: `0.10`, `800ms`.
    pub text: String,
    /// Its value; milliseconds for a length of time.
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
}

/// A condition put to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Whether it holds.
    pub truth: Truth,
    /// What was compared, in one line fit to be shown: `status 500, expected 200`.
    pub text: String,
}

impl Condition {
    /// Puts the condition to an answer, and says without secrets what was compared.
    pub fn test(&self, answer: &Answer, masker: &Masker) -> Comparison {
        let (truth, seen) = match answer.find(&self.subject) {
            Found::Nothing(why) => (Truth::Unknown, Err(why)),
            Found::Number(value, written) => (self.test.on_number(&value), Ok(excerpt(&written, masker))),
            Found::Text(text) => (self.test.on_text(&text), Ok(quoted(&text, masker))),
            Found::Bool(value) => (self.test.on_bool(value), Ok(value.to_string())),
            Found::Raw(body) => {
                (self.test.on_raw(&body, answer.cut), Ok(quoted(&body.trim().to_str_lossy(), masker)))
            }
        };
        let text = match seen {
            Ok(seen) => format!("{} {seen}, expected {}", self.subject, self.test.words()),
            Err(why) => format!("{why}, expected {self}"),
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
            Self::Compare(_, Literal::Text(_) | Literal::Bool(_)) | Self::Contains(_) => Truth::Unknown,
        }
    }

    fn on_text(&self, value: &str) -> Truth {
        match self {
            Self::Compare(compare, Literal::Text(text)) => Truth::of(compare.holds(&value, &text.as_str())),
            Self::Contains(text) => Truth::of(value.contains(text.as_str())),
            Self::Compare(..) | Self::Within(..) => Truth::Unknown,
        }
    }

    fn on_bool(&self, value: bool) -> Truth {
        match self {
            Self::Compare(compare, Literal::Bool(wanted)) => Truth::of(compare.holds(&value, wanted)),
            Self::Compare(..) | Self::Within(..) | Self::Contains(_) => Truth::Unknown,
        }
    }

    /// A bare body has the type it is compared with, if it can be read so. Of a body that was
    /// cut off only what was found is known, never what is absent.
    fn on_raw(&self, body: &[u8], cut: bool) -> Truth {
        if let Self::Contains(text) = self {
            let found = body.contains_str(text);
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
mod tests {
    use super::super::parse::condition;
    use super::*;
    use crate::config::types::SourceKind;

    fn put(text: &str, answer: &Answer) -> Comparison {
        let source = if answer.exit.is_some() { SourceKind::Command } else { SourceKind::Http };
        condition(text, source)
            .unwrap_or_else(|refused| panic!("{text}: {refused}"))
            .test(answer, &Masker::default())
    }

    fn body(text: &str) -> Answer {
        Answer {
            status: Some(200),
            latency: std::time::Duration::from_millis(212),
            body: text.into(),
            ..Answer::default()
        }
    }

    #[track_caller]
    fn assert_truth(answer: &Answer, wanted: Truth, conditions: &[&str]) {
        for text in conditions {
            let comparison = put(text, answer);
            assert_eq!(comparison.truth, wanted, "{text}: {}", comparison.text);
        }
    }

    #[test]
    fn status_latency_and_exit_are_compared() {
        let answer = body("");
        assert_truth(
            &answer,
            Truth::Holds,
            &[
                "status == 200",
                "status in 200..299",
                "status in 100..200",
                "latency < 800ms",
                "latency < 0.3s",
            ],
        );
        assert_truth(
            &answer,
            Truth::Fails,
            &["status != 200", "status in 201..299", "latency <= 211.9ms", "latency>1s"],
        );
        let command = Answer { exit: Some(3), ..Answer::default() };
        assert_truth(&command, Truth::Holds, &["exit == 3", "exit in 0..3"]);
        assert_truth(&command, Truth::Fails, &["exit == 0"]);
    }

    #[test]
    fn fields_of_a_json_body_are_compared() {
        let answer = body(
            r#"{"status":"ok","up":true,"checks":{"checkout":{"error_rate":5.0}},
            "list":[{"n":1},{"n":-2}],"odd name":7,"0":"zero"}"#,
        );
        assert_truth(
            &answer,
            Truth::Holds,
            &[
                r#"body.status == "ok""#,
                "body.status == 'ok'",
                r#"body.status contains "k""#,
                "body.up == true",
                "body.checks.checkout.error_rate <= 5",
                "body.checks.checkout.error_rate in 5..5",
                "body.list[1].n == -2",
                "body.list.0.n < 2",
                r#"body["odd name"] == 7"#,
                r#"body[0] == "zero""#,
                r#"body contains "error_rate""#,
            ],
        );
        assert_truth(
            &answer,
            Truth::Fails,
            &[
                r#"body.status != "ok""#,
                "body.up != true",
                "body.checks.checkout.error_rate > 5",
                r#"body contains "panic""#,
            ],
        );
    }

    #[test]
    fn missing_null_and_wrongly_typed_is_unknown_whatever_is_asked() {
        let answer = body(r#"{"n":null,"t":"5","b":true,"o":{"x":1},"l":[1],"twice":1,"twice":1}"#);
        assert_truth(
            &answer,
            Truth::Unknown,
            &[
                "body.n == 0",
                "body.n != 0",
                r#"body.n != "ok""#,
                "body.missing < 5",
                "body.missing != 5",
                "body.missing != true",
                "body.t <= 5",
                "body.t in 0..9",
                "body.b == 1",
                r#"body.b == "true""#,
                r#"body.b contains "t""#,
                "body.o == 1",
                "body.o.x.deeper == 1",
                "body.l == 1",
                "body.l[1] == 1",
                "body.l[01] == 1",
                "body.l.x == 1",
                "body.twice == 1",
                "body == 5",
                "body == true",
            ],
        );
    }

    #[test]
    fn a_body_that_cannot_be_read_is_unknown_and_says_why() {
        for (bytes, why) in [
            (&b""[..], "the body is empty"),
            (b" \n", "the body is empty"),
            (b"{\"status\": \"o", "the body is not JSON (line 1, column 13)"),
            (b"<html>", "the body is not JSON (line 1, column 1)"),
            (b"{} {}", "the body is not JSON (line 1, column 4)"),
            (b"{\"status\":\"\xff\"}", "the body is not UTF-8 text"),
        ] {
            let answer = Answer { body: bytes.into(), ..body("") };
            let comparison = put("body.status == \"ok\"", &answer);
            assert_eq!(comparison.truth, Truth::Unknown);
            assert_eq!(comparison.text, format!("{why}, expected body.status == \"ok\""));
        }
    }

    #[test]
    fn decimals_are_compared_as_they_are_written() {
        let answer = body(r#"{"rate":0.10,"big":9007199254740993,"huge":1e400,"sum":0.30000000000000004}"#);
        assert_truth(
            &answer,
            Truth::Holds,
            &[
                "body.rate == 0.1",
                "body.rate <= 0.1000",
                "body.big != 9007199254740992",
                "body.big > 9007199254740992",
                "body.huge > 1e399",
                "body.sum != 0.3",
            ],
        );
    }

    #[test]
    fn a_bare_body_is_the_text_or_number_it_is() {
        assert_truth(&body(" 0.31\n"), Truth::Holds, &["body < 0.5", "body == 0.310", r#"body == "0.31""#]);
        assert_truth(&body("ok\n"), Truth::Holds, &[r#"body == "ok""#]);
        assert_truth(&body("true\n"), Truth::Holds, &["body == true"]);
        let binary = Answer { body: b"\xff ready".into(), ..body("") };
        assert_truth(&binary, Truth::Holds, &[r#"body contains "ready""#]);
        assert_truth(&binary, Truth::Unknown, &[r#"body == "ready""#]);
    }

    #[test]
    fn of_a_body_cut_off_only_what_was_found_is_known() {
        let answer = Answer { cut: true, ..body(r#"{"status":"ok"}"#) };
        assert_truth(&answer, Truth::Holds, &[r#"body contains "ok""#, "status == 200"]);
        assert_truth(
            &answer,
            Truth::Unknown,
            &[r#"body contains "no""#, r#"body.status == "ok""#, "body != 1"],
        );
    }

    #[test]
    fn what_was_compared_is_one_line_without_anything_that_deceives() {
        let answer = body("{\"status\":\"a\u{202e}\\u001b[31m\\nb\"}");
        let text = put("body.status == \"ok\"", &answer).text;
        assert_eq!(text, "body.status \"a<U+202E><U+001B>[31m⏎b\", expected \"ok\"");
        let long = body(&format!("{{\"status\":\"{}\"}}", "x".repeat(100_000)));
        assert!(put("body.status == \"ok\"", &long).text.len() < 200);
        let spaced = put("body.status == \"ok\"", &body("{\"status\":\"ok \"}"));
        assert_eq!(spaced.text, "body.status \"ok \", expected \"ok\"");
        assert_eq!(put("status == 500", &answer).text, "status 200, expected 500");
        assert_eq!(put("latency < 100ms", &answer).text, "latency 212 ms, expected < 100ms");
    }
}
