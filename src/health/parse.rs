//! Reads conditions, values and limits; the grammar is in `condition`. Pure.

use std::fmt;

use super::condition::{Compare, Condition, Limit, Literal, Number, Subject, Term, Test};
use super::decimal::Decimal;
use super::pattern::Pattern;
use super::unit::{self, Dimension, Unit};
use crate::config::types::SourceKind;

/// Most characters of a condition.
const LONGEST: usize = 4096;
/// Most parentheses and `not` within each other.
const DEEPEST: usize = 32;

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

/// The value a probe draws, and the unit that it is in; empty: nobody said.
#[derive(Debug, Clone, Copy)]
pub struct Drawn<'a> {
    /// The value.
    pub value: &'a Subject,
    /// Its unit.
    pub unit: &'a str,
}

/// Reads a condition of `expect`.
pub fn condition(written: &str, kind: SourceKind) -> Result<Condition, Refused> {
    condition_of(written, kind, None)
}

/// Reads a condition of a probe that draws a value: what is compared with that may be written in its unit.
pub fn condition_of(written: &str, kind: SourceKind, drawn: Option<Drawn<'_>>) -> Result<Condition, Refused> {
    let mut cursor = Cursor { drawn, ..Cursor::new(written) };
    if cursor.chars.len() > LONGEST {
        let message = format!("this is longer than {LONGEST} characters; write several conditions");
        return Err(Refused { at: LONGEST, message });
    }
    let condition = cursor.any(kind, 0)?;
    cursor.space();
    for (sign, word) in [("&&", "and"), ("||", "or"), ("&", "and"), ("|", "or"), (",", "and")] {
        if cursor.rest().starts_with(sign) {
            return Err(cursor.refuse(format!("write `{word}` for `{sign}`")));
        }
    }
    if cursor.at == cursor.chars.len() {
        Ok(condition)
    } else {
        Err(cursor.expected("`and`, `or` or nothing more"))
    }
}

/// Reads a `value`: `latency`, a number in the body, or how such a number changes.
pub fn value(text: &str, kind: SourceKind) -> Result<Subject, Refused> {
    let mut cursor = Cursor::new(text);
    cursor.space();
    let at = cursor.at;
    let subject = cursor.subject(kind)?;
    cursor.end()?;
    match subject {
        Subject::Status | Subject::Exit => Err(Refused {
            at,
            message: format!("`{subject}` is not drawn; expected `latency` or `body.…`"),
        }),
        _ => Ok(subject),
    }
}

/// Reads a `warn`, `fail` or `recover` limit of a value. Behind the number may stand the probe's `unit`, or
/// one that can be converted into it exactly. A bare number is in the unit the value is drawn in.
pub fn limit(text: &str, value: &Subject, unit: &str) -> Result<Limit, Refused> {
    let mut cursor = Cursor { drawn: Some(Drawn { value, unit }), ..Cursor::new(text) };
    cursor.space();
    let Some(compare) = cursor.compare() else {
        return Err(cursor.expected("one of > >= < <= == !="));
    };
    cursor.space();
    let number = cursor.number()?;
    let number = cursor.in_unit_of(value, number)?;
    cursor.end()?;
    Ok(Limit { compare, number })
}

/// Whether a character may stand in a name without quotes.
pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// What is drawn of an answer where nothing else is said.
pub fn usual(kind: SourceKind) -> Subject {
    match kind {
        SourceKind::Http | SourceKind::Command => Subject::Latency,
        SourceKind::Prometheus | SourceKind::Datadog | SourceKind::Postgres | SourceKind::Machine => {
            Subject::Value
        }
        SourceKind::Alertmanager => Subject::Alerts,
    }
}

/// What can be compared in an answer of a kind of source.
fn subjects(kind: SourceKind) -> &'static [&'static str] {
    match kind {
        SourceKind::Http => &["status", "latency", "body"],
        SourceKind::Command => &["exit", "latency", "body"],
        SourceKind::Prometheus | SourceKind::Datadog | SourceKind::Postgres => &["value", "latency"],
        SourceKind::Machine => &["value"],
        SourceKind::Alertmanager => &["alerts", "latency"],
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

struct Cursor<'a> {
    chars: Vec<char>,
    at: usize,
    drawn: Option<Drawn<'a>>,
}

impl Cursor<'_> {
    fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0, drawn: None }
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

    /// Takes a word if it comes next.
    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let found = self.peek_word() == word;
        if found {
            self.at += word.chars().count();
        }
        found
    }

    fn any(&mut self, kind: SourceKind, depth: usize) -> Result<Condition, Refused> {
        let first = self.all(kind, depth)?;
        let mut rest = Vec::new();
        while self.keyword("or") {
            rest.push(self.all(kind, depth)?);
        }
        Ok(joined(first, rest, Condition::Any))
    }

    fn all(&mut self, kind: SourceKind, depth: usize) -> Result<Condition, Refused> {
        let first = self.not(kind, depth)?;
        let mut rest = Vec::new();
        while self.keyword("and") {
            rest.push(self.not(kind, depth)?);
        }
        Ok(joined(first, rest, Condition::All))
    }

    fn not(&mut self, kind: SourceKind, depth: usize) -> Result<Condition, Refused> {
        self.space();
        let begin = self.at;
        if self.peek() == Some('!') {
            return Err(self.refuse("write `not` for `!`".to_owned()));
        }
        let is_not = self.keyword("not");
        if !is_not && !self.take("(") {
            let subject = self.subject(kind)?;
            let test = self.test(&subject)?;
            return Ok(Condition::Term(Term { subject, test }));
        }
        if depth == DEEPEST {
            let message = format!("this is nested deeper than {DEEPEST} times; write several conditions");
            return Err(Refused { at: begin, message });
        }
        if is_not {
            return Ok(Condition::Not(Box::new(self.not(kind, depth + 1)?)));
        }
        let inner = self.any(kind, depth + 1)?;
        self.space();
        if self.take(")") { Ok(inner) } else { Err(self.expected("`and`, `or` or `)`")) }
    }

    fn subject(&mut self, kind: SourceKind) -> Result<Subject, Refused> {
        self.space();
        let start = self.at;
        let name = self.word();
        self.space();
        let make: fn(Box<Subject>) -> Subject = match name.as_str() {
            "rate" => Subject::Rate,
            "delta" => Subject::Delta,
            "age" => Subject::Age,
            _ if self.peek() == Some('(') && !name.is_empty() && !subjects(kind).contains(&name.as_str()) => {
                let message = format!(
                    "unknown function `{}`; expected rate, delta or age",
                    crate::text::visible(&name)
                );
                return Err(Refused { at: start, message });
            }
            _ => {
                self.at = start;
                return self.plain_subject(kind);
            }
        };
        if !self.take("(") {
            return Err(self.expected(&format!("`(` after `{name}`")));
        }
        self.space();
        let at = self.at;
        let of = self.plain_subject(kind)?;
        if !matches!(of, Subject::Body(_) | Subject::Value) {
            let message =
                format!("`{name}` is of a number in `body`, or of the `value` of a query, not of `{of}`");
            return Err(Refused { at, message });
        }
        self.space();
        if self.take(")") { Ok(make(Box::new(of))) } else { Err(self.expected("`)`")) }
    }

    fn plain_subject(&mut self, kind: SourceKind) -> Result<Subject, Refused> {
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
                "alerts" => Ok(Subject::Alerts),
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
            "in" if !is_time(subject) => {
                self.word();
                self.space();
                self.range(subject)
            }
            "in" => Err(self.refuse(format!("`{subject}` has no range; expected one of == != < <= > >="))),
            word @ ("contains" | "matches") if is_body => {
                self.word();
                self.space();
                if !matches!(self.peek(), Some('"' | '\'')) {
                    return Err(self.expected("a text in quotes"));
                }
                if word == "contains" { self.quoted().map(Test::Contains) } else { self.pattern() }
            }
            word @ ("contains" | "matches") => {
                Err(self.refuse(format!("`{word}` is for `body`, not for `{subject}`")))
            }
            "not" => Err(self.refuse(format!("write `not` before `{subject}`"))),
            _ if is_body => Err(self.expected("one of == != < <= > >= in contains matches")),
            _ => Err(self.expected("one of == != < <= > >= in")),
        }
    }

    fn range(&mut self, subject: &Subject) -> Result<Test, Refused> {
        let low = self.number()?;
        let low = self.in_unit_of(subject, low)?;
        self.space();
        if !self.take("..") {
            return Err(self.expected("`..` and the end of the range"));
        }
        self.space();
        let at = self.at;
        let high = self.number()?;
        let high = self.in_unit_of(subject, high)?;
        if high.value < low.value {
            return Err(Refused { at, message: format!("the range ends below its beginning {}", low.text) });
        }
        Ok(Test::Within(low, high))
    }

    fn literal(&mut self, subject: &Subject, compare: Compare) -> Result<Literal, Refused> {
        let at = self.at;
        let is_number = self.peek().is_some_and(|c| c == '-' || c.is_ascii_digit());
        let literal = match subject {
            subject if is_time(subject) => return self.length(subject).map(Literal::Length),
            Subject::Body(_) if matches!(self.peek(), Some('"' | '\'')) => Literal::Text(self.quoted()?),
            Subject::Body(_) if !is_number => match self.peek_word().as_str() {
                "true" | "false" => Literal::Bool(self.word() == "true"),
                "null" => {
                    return Err(self.refuse(
                        "null is never compared: a field that is null or missing is unknown".to_owned(),
                    ));
                }
                _ => return Err(self.expected("a number, a text in quotes, true or false")),
            },
            _ => {
                let number = self.number()?;
                Literal::Number(self.in_unit_of(subject, number)?)
            }
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

    /// A length of time, with its unit.
    fn length(&mut self, subject: &Subject) -> Result<Number, Refused> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.expected(if *subject == Subject::Latency {
                "a length of time such as 800ms or 1.5s"
            } else {
                "a length of time such as 90s or 5m"
            }));
        }
        let number = self.number()?;
        let bare = number.text.clone();
        let number = self.in_unit_of(subject, number)?;
        if number.text == bare {
            return Err(self.expected("ms, s, m, h or d behind the number"));
        }
        Ok(number)
    }

    /// A number with what stands behind it: a unit of what it is compared with.
    fn in_unit_of(&mut self, subject: &Subject, number: Number) -> Result<Number, Refused> {
        let behind = self.at;
        self.space();
        let at = self.at;
        let gap = if at > behind { " " } else { "" };
        let drawn = self.drawn.filter(|drawn| drawn.value == subject && !drawn.unit.is_empty());
        if let Some(Drawn { unit, .. }) = drawn
            && self.take(unit)
        {
            if !self.peek().is_some_and(is_name) || !unit.ends_with(is_name) {
                return Ok(Number { text: format!("{} {unit}", number.text), ..number });
            }
            self.at = at;
        }
        let word = if self.peek() == Some('%') { "%".to_owned() } else { self.peek_word() };
        let refuse = |message: String| Err(Refused { at, message });
        let Some(unit) = Unit::parse(&word) else {
            if word == "%" {
                return refuse(
                    "`%` goes with the `value` of a probe whose `unit` is \"%\"; leave it out here"
                        .to_owned(),
                );
            }
            if let Some(meant) = unit::near(&word) {
                return refuse(format!("unknown unit `{word}`; write {meant}"));
            }
            self.at = behind;
            return Ok(number);
        };
        let (own, called) = match (subject, drawn) {
            (Subject::Status | Subject::Exit, _) => return refuse(format!("`{subject}` has no unit")),
            (Subject::Latency, _) => (unit::MILLISECONDS, "ms"),
            (Subject::Age(_), _) => (unit::SECONDS, "s"),
            (_, Some(Drawn { unit: own, .. })) => match Unit::own(own) {
                Some(known) => (known, own),
                None => return refuse(format!("`{subject}` is in {own}, not in {word}")),
            },
            (Subject::Rate(_), None) => {
                return refuse(format!("`{subject}` is per second; write the number alone"));
            }
            (_, None) if unit.dimension == Dimension::Bytes => (unit::BYTES, "bytes"),
            (_, None) => {
                let help = "say `unit = \"s\"` or \"ms\" and draw it as `value`, or write the number alone";
                return refuse(format!("nobody said what `{subject}` is in; {help}"));
            }
        };
        let Some(value) = unit.convert(&number.value, own) else {
            return refuse(if unit.dimension == own.dimension {
                format!("this cannot be converted exactly; write it in {called}")
            } else {
                format!("`{subject}` is in {called}, not in {word}")
            });
        };
        self.word();
        Ok(Number { text: format!("{}{gap}{word}", number.text), value })
    }

    fn quoted(&mut self) -> Result<String, Refused> {
        Ok(self.characters(false)?.into_iter().map(|(_, c)| c).collect())
    }

    /// A regular expression in quotes. What is escaped for it need not be escaped twice: `\.` is `\.`.
    fn pattern(&mut self) -> Result<Test, Refused> {
        let (start, characters) = (self.at, self.characters(true)?);
        let text: String = characters.iter().map(|(_, c)| c).collect();
        Pattern::new(&text).map(Test::Matches).map_err(|wrong| Refused {
            at: match wrong.at {
                Some(at) => characters.get(at).map_or(self.at - 1, |(at, _)| *at),
                None => start,
            },
            message: format!("this regular expression cannot be used: {}", wrong.why),
        })
    }

    /// The characters of a text in quotes, and where each stands.
    fn characters(&mut self, keeps_escapes: bool) -> Result<Vec<(usize, char)>, Refused> {
        let start = self.at;
        let mark = self.peek();
        self.at += 1;
        let mut text = Vec::new();
        while let Some(c) = self.peek() {
            let at = self.at;
            self.at += 1;
            if Some(c) == mark {
                return Ok(text);
            }
            if c != '\\' {
                text.push((at, c));
                continue;
            }
            match self.peek() {
                Some('n') => text.push((at, '\n')),
                Some('t') => text.push((at, '\t')),
                Some(c @ ('\\' | '"' | '\'')) => text.push((at, c)),
                Some(c) if keeps_escapes => text.extend([(at, '\\'), (self.at, c)]),
                _ => return Err(self.expected(r#"one of \n \t \\ \" after the backslash"#)),
            }
            self.at += 1;
        }
        Err(Refused { at: start, message: "this text has no closing quote".to_owned() })
    }
}

fn is_time(subject: &Subject) -> bool {
    matches!(subject, Subject::Latency | Subject::Age(_))
}

fn joined(first: Condition, mut rest: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    if rest.is_empty() {
        return first;
    }
    rest.insert(0, first);
    join(rest)
}

#[cfg(test)]
mod tests;
