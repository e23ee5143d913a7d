//! Reads conditions, values and limits; the grammar is in `condition`. Pure.

use std::fmt;

use super::condition::{Compare, Condition, Limit, Literal, Number, Subject, Test};
use super::decimal::Decimal;
use crate::config::types::SourceKind;

/// Why something was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Position in characters from 0.
    pub at: usize,
    /// One sentence: what is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Refused {
    /// The position counts from 1, as people do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.at + 1, self.message)
    }
}

/// Reads a condition of `expect`.
pub fn condition(written: &str, kind: SourceKind) -> Result<Condition, Refused> {
    let mut cursor = Cursor::new(written);
    let subject = cursor.subject(kind)?;
    let test = cursor.test(&subject)?;
    cursor.end()?;
    Ok(Condition { subject, test })
}

/// Reads a `value`: `latency`, or a number in the body.
pub fn value(text: &str, kind: SourceKind) -> Result<Subject, Refused> {
    let mut cursor = Cursor::new(text);
    cursor.space();
    let at = cursor.at;
    let subject = cursor.subject(kind)?;
    cursor.end()?;
    match subject {
        Subject::Latency | Subject::Value | Subject::Body(_) => Ok(subject),
        Subject::Status | Subject::Exit => Err(Refused {
            at,
            message: format!("`{subject}` is not drawn; expected `latency` or `body.…`"),
        }),
    }
}

/// Reads a `warn` or `fail` limit of a value. Behind the number may stand the probe's `unit`,
/// and of a latency a unit of time; a bare number means milliseconds there.
pub fn limit(text: &str, value: &Subject, unit: &str) -> Result<Limit, Refused> {
    let mut cursor = Cursor::new(text);
    cursor.space();
    let Some(compare) = cursor.compare() else {
        return Err(cursor.expected("one of > >= < <= == !="));
    };
    cursor.space();
    let mut number = cursor.number()?;
    cursor.space();
    if *value == Subject::Latency {
        let word = cursor.peek_word();
        if let Some(power) = power_of_unit(&word) {
            cursor.at += word.chars().count();
            number.value = number.value.scaled(power);
            number.text = format!("{}{word}", number.text);
        }
    } else if !unit.is_empty() && cursor.rest() == unit {
        cursor.at = cursor.chars.len();
        number.text = format!("{} {unit}", number.text);
    }
    cursor.end()?;
    Ok(Limit { compare, number })
}

/// Whether a character may stand in a name without quotes.
pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Power of ten that turns a unit of time into milliseconds.
fn power_of_unit(unit: &str) -> Option<i64> {
    match unit {
        "us" | "µs" => Some(-3),
        "ms" => Some(0),
        "s" => Some(3),
        _ => None,
    }
}

/// What can be compared in an answer of a kind of source.
fn subjects(kind: SourceKind) -> &'static [&'static str] {
    match kind {
        SourceKind::Http => &["status", "latency", "body"],
        SourceKind::Command => &["exit", "latency", "body"],
        SourceKind::Prometheus => &["value", "latency"],
    }
}

/// Those, for a sentence: `` `status`, `latency` or `body` ``.
fn known(kind: SourceKind) -> String {
    let names: Vec<_> = subjects(kind).iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

struct Cursor {
    chars: Vec<char>,
    at: usize,
}

impl Cursor {
    fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Takes `text` if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// What is left, without space at its end.
    fn rest(&self) -> String {
        let rest: String = self.chars.iter().skip(self.at).collect();
        rest.trim_end().to_owned()
    }

    fn peek_word(&self) -> String {
        self.chars.iter().skip(self.at).take_while(|c| is_name(**c)).collect()
    }

    fn word(&mut self) -> String {
        let word = self.peek_word();
        self.at += word.chars().count();
        word
    }

    fn refuse(&self, message: String) -> Refused {
        Refused { at: self.at, message }
    }

    fn expected(&self, what: &str) -> Refused {
        let rest = self.rest();
        if rest.is_empty() {
            self.refuse(format!("expected {what}, but it ends here"))
        } else {
            let word: String = rest.split_whitespace().next().unwrap_or_default().chars().take(30).collect();
            self.refuse(format!("expected {what}, found `{}`", crate::text::visible(&word)))
        }
    }

    fn end(&mut self) -> Result<(), Refused> {
        self.space();
        if self.at == self.chars.len() { Ok(()) } else { Err(self.expected("nothing more")) }
    }

    fn subject(&mut self, kind: SourceKind) -> Result<Subject, Refused> {
        self.space();
        let start = self.at;
        let known = known(kind);
        let name = self.word();
        let refuse = |message| Err(Refused { at: start, message });
        if subjects(kind).contains(&name.as_str()) {
            return match name.as_str() {
                "status" => Ok(Subject::Status),
                "exit" => Ok(Subject::Exit),
                "latency" => Ok(Subject::Latency),
                "value" => Ok(Subject::Value),
                _ => Ok(Subject::Body(self.path()?)),
            };
        }
        let elsewhere = SourceKind::ALL.into_iter().any(|other| subjects(other).contains(&name.as_str()));
        match name.as_str() {
            "" => Err(self.expected(&known)),
            _ if elsewhere => refuse(format!("{} has no `{name}`; expected {known}", kind.noun())),
            _ => refuse(format!("unknown name `{}`; expected {known}", crate::text::visible(&name))),
        }
    }

    fn path(&mut self) -> Result<Vec<String>, Refused> {
        let mut path = Vec::new();
        loop {
            if self.take(".") {
                let name = self.word();
                if name.is_empty() {
                    return Err(self.expected("the name of a field after the dot"));
                }
                path.push(name);
            } else if self.take("[") {
                self.space();
                let name = match self.peek() {
                    Some('"' | '\'') => self.quoted()?,
                    _ => self.word(),
                };
                if name.is_empty() && !matches!(self.chars.get(self.at.wrapping_sub(1)), Some('"' | '\'')) {
                    return Err(self.expected("a place such as 0, or a name in quotes"));
                }
                self.space();
                if !self.take("]") {
                    return Err(self.expected("`]`"));
                }
                path.push(name);
            } else {
                return Ok(path);
            }
        }
    }

    fn compare(&mut self) -> Option<Compare> {
        Compare::ALL.into_iter().find(|compare| self.take(compare.sign()))
    }

    fn test(&mut self, subject: &Subject) -> Result<Test, Refused> {
        self.space();
        let is_body = matches!(subject, Subject::Body(_));
        if let Some(compare) = self.compare() {
            self.space();
            return Ok(Test::Compare(compare, self.literal(subject, compare)?));
        }
        match self.peek_word().as_str() {
            "in" if *subject != Subject::Latency => {
                self.word();
                self.space();
                self.range()
            }
            "in" => Err(self.refuse("`latency` has no range; expected one of == != < <= > >=".to_owned())),
            "contains" if is_body => {
                self.word();
                self.space();
                match self.peek() {
                    Some('"' | '\'') => Ok(Test::Contains(self.quoted()?)),
                    _ => Err(self.expected("a text in quotes")),
                }
            }
            "contains" => Err(self.refuse(format!("`contains` is for `body`, not for `{subject}`"))),
            _ if is_body => Err(self.expected("one of == != < <= > >= in contains")),
            _ => Err(self.expected("one of == != < <= > >= in")),
        }
    }

    fn range(&mut self) -> Result<Test, Refused> {
        let low = self.number()?;
        self.space();
        if !self.take("..") {
            return Err(self.expected("`..` and the end of the range"));
        }
        self.space();
        let at = self.at;
        let high = self.number()?;
        if high.value < low.value {
            return Err(Refused { at, message: format!("the range ends below its beginning {}", low.text) });
        }
        Ok(Test::Within(low, high))
    }

    fn literal(&mut self, subject: &Subject, compare: Compare) -> Result<Literal, Refused> {
        let at = self.at;
        let literal = match (subject, self.peek()) {
            (Subject::Latency, _) => return self.length().map(Literal::Length),
            (Subject::Status | Subject::Exit | Subject::Value, _) => Literal::Number(self.number()?),
            (Subject::Body(_), Some('"' | '\'')) => Literal::Text(self.quoted()?),
            (Subject::Body(_), Some(c)) if c == '-' || c.is_ascii_digit() => Literal::Number(self.number()?),
            (Subject::Body(_), _) => match self.peek_word().as_str() {
                "true" | "false" => Literal::Bool(self.word() == "true"),
                "null" => {
                    return Err(self.refuse(
                        "null is never compared: a field that is null or missing is unknown".to_owned(),
                    ));
                }
                _ => return Err(self.expected("a number, a text in quotes, true or false")),
            },
        };
        let orders = !matches!(compare, Compare::Equal | Compare::Unequal);
        if orders && !matches!(literal, Literal::Number(_)) {
            return Err(Refused { at, message: format!("`{}` compares numbers only", compare.sign()) });
        }
        Ok(literal)
    }

    fn number(&mut self) -> Result<Number, Refused> {
        let start = self.at;
        let digits = |cursor: &mut Self| {
            let from = cursor.at;
            while cursor.peek().is_some_and(|c| c.is_ascii_digit()) {
                cursor.at += 1;
            }
            cursor.at > from
        };
        self.take("-");
        if !digits(self) {
            self.at = start;
            return Err(self.expected("a number"));
        }
        // A dot is part of the number only before a digit: `200..299` is a range.
        if self.peek() == Some('.') && self.chars.get(self.at + 1).is_some_and(char::is_ascii_digit) {
            self.at += 1;
            digits(self);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let mark = self.at;
            self.at += 1;
            let _ = self.take("+") || self.take("-");
            if !digits(self) {
                self.at = mark;
            }
        }
        let text: String = self.chars.iter().take(self.at).skip(start).collect();
        match Decimal::parse(&text) {
            Some(value) => Ok(Number { text, value }),
            None => Err(Refused { at: start, message: "the number is out of all bounds".to_owned() }),
        }
    }

    fn length(&mut self) -> Result<Number, Refused> {
        const WANTED: &str = "a length of time such as 800ms or 1.5s";
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.expected(WANTED));
        }
        let number = self.number()?;
        let unit = self.peek_word();
        let Some(power) = power_of_unit(&unit) else {
            return Err(self.expected("ms, s or us behind the number"));
        };
        self.word();
        Ok(Number { text: format!("{}{unit}", number.text), value: number.value.scaled(power) })
    }

    fn quoted(&mut self) -> Result<String, Refused> {
        let start = self.at;
        let mark = self.peek();
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            if Some(c) == mark {
                return Ok(text);
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match self.peek() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                _ => return Err(self.expected(r#"one of \n \t \\ \" after the backslash"#)),
            }
            self.at += 1;
        }
        Err(Refused { at: start, message: "this text has no closing quote".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(text: &str, kind: SourceKind) -> String {
        condition(text, kind).expect_err(text).to_string()
    }

    #[test]
    fn a_refusal_says_where_and_what_was_expected() {
        for (text, why) in [
            ("", "at character 1: expected `status`, `latency` or `body`, but it ends here"),
            (
                "statsu == 200",
                "at character 1: unknown name `statsu`; expected `status`, `latency` or `body`",
            ),
            ("exit == 0", "at character 1: a `url` has no `exit`; expected `status`, `latency` or `body`"),
            ("status", "at character 7: expected one of == != < <= > >= in, but it ends here"),
            ("status = 200", "at character 8: expected one of == != < <= > >= in, found `=`"),
            ("status == ok", "at character 11: expected a number, found `ok`"),
            ("status == 200 and", "at character 15: expected nothing more, found `and`"),
            ("status in 200-299", "at character 14: expected `..` and the end of the range, found `-299`"),
            ("status in 299..200", "at character 16: the range ends below its beginning 299"),
            ("status contains \"2\"", "at character 8: `contains` is for `body`, not for `status`"),
            ("latency < 800", "at character 14: expected ms, s or us behind the number, but it ends here"),
            (
                "latency < fast",
                "at character 11: expected a length of time such as 800ms or 1.5s, found `fast`",
            ),
            ("body. == 1", "at character 6: expected the name of a field after the dot, found `==`"),
            (
                "body.x == ok",
                "at character 11: expected a number, a text in quotes, true or false, found `ok`",
            ),
            ("body.x == \"ok", "at character 11: this text has no closing quote"),
            ("body.x > \"ok\"", "at character 10: `>` compares numbers only"),
            (
                "body.x == null",
                "at character 11: null is never compared: a field that is null or missing is unknown",
            ),
            ("body contains ready", "at character 15: expected a text in quotes, found `ready`"),
            ("body[ == 1", "at character 7: expected a place such as 0, or a name in quotes, found `==`"),
        ] {
            assert_eq!(refused(text, SourceKind::Http), why, "{text}");
        }
        assert_eq!(
            refused("status == 200", SourceKind::Command),
            "at character 1: a command has no `status`; expected `exit`, `latency` or `body`"
        );
        assert_eq!(
            refused("body.x == 1", SourceKind::Prometheus),
            "at character 1: a query has no `body`; expected `value` or `latency`"
        );
    }

    #[test]
    fn a_value_is_the_latency_or_in_the_body() {
        assert_eq!(value(" latency ", SourceKind::Http), Ok(Subject::Latency));
        assert_eq!(
            value("body.errors.rate", SourceKind::Command),
            Ok(Subject::Body(vec!["errors".to_owned(), "rate".to_owned()]))
        );
        assert!(value("status", SourceKind::Http).is_err());
        assert!(value("body.x > 5", SourceKind::Http).is_err());
    }

    #[test]
    fn a_limit_is_in_the_unit_of_its_value() {
        let rate = Subject::Body(vec!["rate".to_owned()]);
        let of = |text, value, unit| limit(text, value, unit).map(|l| (l.to_string(), l.threshold()));
        assert_eq!(of("> 5", &rate, "%"), Ok(("> 5".to_owned(), Some(5.0))));
        assert_eq!(of(">5 %", &rate, "%"), Ok(("> 5 %".to_owned(), Some(5.0))));
        assert_eq!(of("< 0.5", &rate, ""), Ok(("< 0.5".to_owned(), Some(0.5))));
        assert_eq!(of("> 1.5s", &Subject::Latency, ""), Ok(("> 1.5s".to_owned(), Some(1500.0))));
        assert_eq!(of("> 800", &Subject::Latency, "ms"), Ok(("> 800".to_owned(), Some(800.0))));
        for (text, unit) in [("5", ""), ("> 5 ms", "%"), ("> x", ""), (">", ""), ("> 5 6", "")] {
            assert!(limit(text, &rate, unit).is_err(), "{text}");
        }
    }

    /// Conditions of every shape, with names and texts that need quoting.
    fn conditions() -> impl Strategy<Value = Condition> {
        let number = || {
            "-?[0-9]{1,20}(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?"
                .prop_map(|text| Number { value: Decimal::parse(&text).unwrap(), text })
        };
        let compare = || prop::sample::select(Compare::ALL.to_vec());
        let equal = prop::sample::select(vec![Compare::Equal, Compare::Unequal]);
        let body = || prop::collection::vec("[a-z0-9_-]{1,4}|.{0,6}", 0..4).prop_map(Subject::Body);
        let numeric = prop_oneof![Just(Subject::Status), body()];
        prop_oneof![
            (numeric.clone(), compare(), number())
                .prop_map(|(s, c, n)| (s, Test::Compare(c, Literal::Number(n)))),
            (numeric, number(), number()).prop_map(|(s, a, b)| {
                let (low, high) = if a.value <= b.value { (a, b) } else { (b, a) };
                (s, Test::Within(low, high))
            }),
            (compare(), 0u32..100_000).prop_map(|(c, n)| {
                let value = Decimal::parse(&n.to_string()).unwrap();
                let length = Number { text: format!("{n}ms"), value };
                (Subject::Latency, Test::Compare(c, Literal::Length(length)))
            }),
            (body(), equal.clone(), "\\PC{0,8}|.{0,8}")
                .prop_map(|(s, c, t)| (s, Test::Compare(c, Literal::Text(t)))),
            (body(), equal, any::<bool>()).prop_map(|(s, c, b)| (s, Test::Compare(c, Literal::Bool(b)))),
            (body(), ".{0,8}").prop_map(|(s, t)| (s, Test::Contains(t))),
        ]
        .prop_map(|(subject, test)| Condition { subject, test })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(wanted in conditions()) {
            let text = wanted.to_string();
            prop_assert_eq!(condition(&text, SourceKind::Http), Ok(wanted), "{}", text);
        }

        #[test]
        fn reading_never_panics_and_points_into_the_text(
            text in prop_oneof![
                "(status|latency|exit|body|body\\.x|body\\[)? ?(==|<|in|contains)? ?[-0-9.e\"'\\\\msu]{0,8}",
                ".{0,40}",
            ],
        ) {
            for source in SourceKind::ALL {
                if let Err(refused) = condition(&text, source) {
                    prop_assert!(refused.at <= text.chars().count());
                    prop_assert!(!refused.message.is_empty());
                }
            }
            let _ = value(&text, SourceKind::Http);
            let _ = limit(&text, &Subject::Latency, "ms");
        }

        #[test]
        fn no_answer_makes_a_test_panic(wanted in conditions(), body in prop::collection::vec(any::<u8>(), 0..40)) {
            let answer = super::super::answer::Answer { status: Some(200), body, ..Default::default() };
            let _ = wanted.test(&answer, &crate::text::mask::Masker::default());
        }
    }
}
