//! Looks at a PromQL query before it is ever sent: what could hurt the server it is asked of is refused.
//! Pure.
//!
//! This is no parser: whether a query makes sense is for the server to say. Texts, comments and
//! brackets are told apart, and square brackets hold nothing but ranges and subqueries; so how far back
//! a query reads and how often it evaluates can be seen without knowing the language around them. What
//! cannot be read there is refused, too.

use super::parse::Refused;

/// The longest time a range may reach back, in seconds. It is read anew each time it is asked.
const MAX_RANGE: f64 = 86_400.0;
/// How often the inside of a subquery may be evaluated for one answer, of all subqueries together.
const MAX_STEPS: f64 = 2_000.0;
/// How many seconds of each series may be read for one answer: what stands inside of a subquery is read anew at each
/// of its steps.
const MAX_READ: f64 = 31.0 * 86_400.0;
/// Prometheus' usual evaluation interval in seconds, which a subquery without a step has.
const USUAL_STEP: f64 = 60.0;
/// Most characters of a query.
const MAX_LENGTH: usize = 8_192;

/// Tells whether a query may be asked for many moments at once: it evaluates no subquery, `[1d:2m]`, at each.
pub fn is_light(query: &str) -> bool {
    let mut inside = 0_u32;
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => inside += 1,
            (None, ']') => inside = inside.saturating_sub(1),
            (None, ':') if inside > 0 => return false,
            _ => {}
        }
    }
    true
}

/// How much a query reads, as far as it was looked at.
struct Reading {
    /// How often the inside of its subqueries is evaluated.
    steps: f64,
    /// Seconds of each series that the expression reads that just ended.
    last: f64,
    /// The same of each group of brackets that is open.
    groups: Vec<f64>,
}

impl Reading {
    fn reads(&mut self, seconds: f64) {
        self.last = seconds;
        if let Some(group) = self.groups.last_mut() {
            *group = group.max(seconds);
        }
    }
}

/// Whether a query gives a number where nothing is measured: `… or vector(0)`.
pub fn falls_back(query: &str) -> bool {
    let chars: Vec<char> = query.chars().collect();
    let mut words = vec![String::new()];
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let end = match c {
            '"' | '\'' | '`' => after_text(&chars, at).unwrap_or(chars.len()),
            '#' => at + chars.iter().skip(at).take_while(|c| **c != '\n').count().max(1),
            _ => at + 1,
        };
        let is_word = c.is_alphanumeric() || matches!(c, '_' | ':');
        match words.last_mut() {
            Some(word) if is_word => word.push(c),
            _ if c.is_whitespace() || c == '#' => words.push(String::new()),
            _ => words.extend([c.to_string(), String::new()]),
        }
        at = end;
    }
    words.retain(|word| !word.is_empty());
    words.windows(3).any(|three| {
        matches!(three, [or, vector, open]
            if or.eq_ignore_ascii_case("or") && vector.eq_ignore_ascii_case("vector") && open == "(")
    })
}

/// Refuses a query that is empty, broken off, or could hurt.
pub fn check(query: &str) -> Result<(), Refused> {
    if query.trim().is_empty() {
        return refuse(0, "the query is empty");
    }
    let chars: Vec<char> = query.chars().collect();
    if chars.len() > MAX_LENGTH {
        return refuse(MAX_LENGTH, format!("a query has at most {MAX_LENGTH} characters"));
    }
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut reading = Reading { steps: 1.0, last: 0.0, groups: Vec::new() };
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            '"' | '\'' | '`' => at = after_text(&chars, at)?,
            '#' => at += chars.iter().skip(at).take_while(|c| **c != '\n').count(),
            '[' => {
                let Some(length) = chars.iter().skip(at).position(|c| *c == ']') else {
                    return refuse(at, "this `[` is not closed");
                };
                let inside: String = chars.iter().skip(at + 1).take(length - 1).collect();
                range(&inside, at, &mut reading)?;
                at += length + 1;
            }
            '(' | '{' => {
                open.push((at, c));
                reading.groups.push(0.0);
                at += 1;
            }
            ')' | '}' => {
                let opening = if c == ')' { '(' } else { '{' };
                match open.pop() {
                    Some((from, left)) if left == opening => {
                        let read = reading.groups.pop().unwrap_or_default();
                        reading.reads(read);
                        if c == '}' {
                            selector(&chars, from, at)?;
                        }
                    }
                    Some((from, left)) => return refuse(from, format!("this `{left}` is not closed")),
                    None => return refuse(at, format!("this `{c}` closes nothing")),
                }
                at += 1;
            }
            ']' => return refuse(at, "this `]` closes nothing"),
            _ => {
                // What follows is another expression.
                if !c.is_whitespace() {
                    reading.last = 0.0;
                }
                at += 1;
            }
        }
    }
    match open.pop() {
        Some((from, left)) => refuse(from, format!("this `{left}` is not closed")),
        None => Ok(()),
    }
}

/// A query for the age in seconds of the samples that a query gives; `None` where that cannot be asked: the
/// result of an expression is always new, whatever it was made from.
pub fn age(query: &str) -> Option<String> {
    let query = query.trim();
    let chars: Vec<char> = query.chars().collect();
    let is_name = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let name = chars.iter().take_while(|c| is_name(c)).count();
    let is_number = query.starts_with(|c: char| c.is_ascii_digit())
        || ["inf", "nan"].iter().any(|word| query.eq_ignore_ascii_case(word));
    let mut at = name + chars.iter().skip(name).take_while(|c| c.is_whitespace()).count();
    if chars.get(at) == Some(&'{') {
        at += 1;
        while let Some(&c) = chars.get(at).filter(|c| **c != '}') {
            at = if matches!(c, '"' | '\'' | '`') { after_text(&chars, at).ok()? } else { at + 1 };
        }
        at += 1;
    }
    let is_selector = at == chars.len() && !chars.is_empty() && !is_number && !query.contains('#');
    is_selector.then(|| format!("time() - timestamp({query})"))
}

fn refuse(at: usize, message: impl Into<String>) -> Result<(), Refused> {
    Err(Refused { at, message: message.into() })
}

/// The place behind a text in quotes.
fn after_text(chars: &[char], start: usize) -> Result<usize, Refused> {
    let quote = chars.get(start).copied();
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            // Backticks know no escapes.
            '\\' if quote != Some('`') => at += 1,
            _ if Some(c) == quote => return Ok(at),
            _ => {}
        }
    }
    Err(Refused { at: start, message: "this text has no closing quote".to_owned() })
}

/// Judges what stands in square brackets: `5m`, or `1h:30s` of a subquery.
fn range(inside: &str, at: usize, reading: &mut Reading) -> Result<(), Refused> {
    let unread = "how far this reaches back cannot be read: write it as 5m, 1h30m or 300";
    let (range, step) = match inside.split_once(':') {
        Some((range, step)) => (range, Some(step.trim())),
        None => (inside, None),
    };
    let Some(range) = seconds(range.trim()) else { return refuse(at, unread) };
    if range > MAX_RANGE {
        let message = "this reaches back more than a day, each time it is asked; let a recording rule \
                       compute it and ask for that";
        return refuse(at, message);
    }
    let step = match step {
        None => {
            reading.reads(range);
            return Ok(());
        }
        Some("") => USUAL_STEP,
        Some(step) => match seconds(step) {
            Some(step) => step,
            None => return refuse(at, unread),
        },
    };
    if step <= 0.0 {
        return refuse(at, "the step of a subquery has to be longer than 0s");
    }
    let steps = (range / step).max(1.0);
    reading.reads(reading.last * steps);
    reading.steps *= steps;
    let (read, steps) = (reading.last, reading.steps);
    if read > MAX_READ {
        let message = "what stands in this subquery reads so far back, and so often, that it reads more than 31 \
                       days for one answer; make the step longer or the ranges shorter";
        return refuse(at, message);
    }
    if steps > MAX_STEPS {
        let message = format!(
            "subqueries of this evaluate {steps:.0} times for one answer, at most {MAX_STEPS} are asked for; \
             make the step longer or the range shorter"
        );
        return refuse(at, message);
    }
    Ok(())
}

/// Words that stand between two expressions, and name no metric.
const BETWEEN: [&str; 4] = ["and", "or", "unless", "atan2"];
/// Values that no label has, short and long: a regular expression that matches one of them leaves nothing out.
const ANYTHING: [&str; 2] = ["zq", "zq-7/no.such_value"];

/// Refuses a selector of everything there is: no name before the braces, and nothing in them that leaves most of
/// it out.
fn selector(chars: &[char], from: usize, to: usize) -> Result<(), Refused> {
    let before: Vec<char> = chars.iter().take(from).copied().collect();
    let before: String = before.into_iter().rev().skip_while(|c| c.is_whitespace()).collect();
    let name: String = before.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    let name: String = name.chars().rev().collect();
    if !name.is_empty() && !BETWEEN.contains(&name.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    let matchers = matchers(chars.get(from + 1..to).unwrap_or_default());
    if matchers.iter().any(|matcher| narrows(matcher)) {
        return Ok(());
    }
    refuse(from, "this selects every series there is: name a metric, or a label with `=`")
}

/// What stands between the commas of a selector, without spaces and comments.
fn matchers(inside: &[char]) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut at = 0;
    while let Some(&c) = inside.get(at) {
        let end = match c {
            // That it is closed was seen before.
            '"' | '\'' | '`' => after_text(inside, at).unwrap_or(inside.len()),
            '#' => {
                at += inside.iter().skip(at).take_while(|c| **c != '\n').count();
                continue;
            }
            _ => at + 1,
        };
        if c == ',' {
            all.push(String::new());
        } else if !c.is_whitespace()
            && let Some(last) = all.last_mut()
        {
            last.extend(inside.iter().take(end).skip(at));
        }
        at = end;
    }
    all
}

/// Whether a matcher leaves out what is not meant: a name, a value, or a regular expression that does not match
/// anything.
fn narrows(matcher: &str) -> bool {
    // The name of a metric that has other characters in it stands alone.
    if matcher.starts_with(['"', '\'', '`']) && matcher.len() > 2 && !matcher.contains('=') {
        return true;
    }
    // Labels may be quoted as well; their signs stand behind them.
    let Some(sign) = matcher.find(['=', '!']) else { return false };
    let Some((_, rest)) = matcher.split_at_checked(sign) else { return false };
    let value = |text: &str| text.trim_matches(['"', '\'', '`']).to_owned();
    if let Some(pattern) = rest.strip_prefix("=~") {
        // One that cannot be read here is for the server to refuse.
        let pattern = regex::Regex::new(&format!("^(?s:{})$", value(pattern)));
        return pattern.map_or(true, |regex| !ANYTHING.iter().any(|text| regex.is_match(text)));
    }
    rest.strip_prefix('=').is_some_and(|text| !value(text).is_empty())
}

/// A duration as PromQL has it, in seconds: `1h30m`, `5m`, `300`.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some(seconds);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let letters = behind.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at_checked(letters)?;
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 7.0 * 86_400.0,
            "y" => 365.0 * 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_queries_are_asked() {
        for query in [
            "up",
            "sum(rate(http_requests_total{code=~\"5..\"}[5m])) / sum(rate(http_requests_total[5m])) * 100",
            "histogram_quantile(0.95, sum by (le) (rate(latency_bucket{job='api'}[5m])))",
            "max_over_time(rate(x[1m])[1h:1m])",
            "x{a=\"]}[9y]\"} # a comment with [9y] and (",
            "avg_over_time(x[1d]) offset 7d",
            "x{a=`raw \\`}",
            "{__name__=~\"job:.+\"}",
            "x{}",
            "rate(x[300])",
            "{job=\"api\"}",
            "{job!=\"\", code=~\"5..\"}",
            "{\"http.requests\", job=~\".+\"}",
            "{'service.name'=\"api\"}",
            "up or x{}",
            "x[1d] + max_over_time(rate(y[1m])[1h:1m])",
            "max_over_time(rate(x[5m])[1d:2m])",
        ] {
            assert_eq!(check(query), Ok(()), "{query}");
        }
    }

    #[test]
    fn what_could_hurt_is_refused_where_it_stands() {
        for (query, at, why) in [
            ("", 0, "the query is empty"),
            (" \n", 0, "the query is empty"),
            ("rate(x[30d])", 6, "reaches back more than a day"),
            ("rate(x[1w2d])", 6, "reaches back more than a day"),
            ("rate(x[86401])", 6, "reaches back more than a day"),
            ("max_over_time(up[1d:1s])", 16, "evaluate 86400 times"),
            ("max_over_time(max_over_time(up[1h:1m])[1h:1m])", 38, "evaluate 3600 times"),
            ("max_over_time(up[1h:0s])", 16, "longer than 0s"),
            ("count({__name__=~\".+\"})", 6, "every series there is"),
            ("count( { __name__ =~ '.*', } )", 7, "every series there is"),
            ("count({job=~\".+\"})", 6, "every series there is"),
            ("{job!=\"\"}", 0, "every series there is"),
            ("{__name__=~\".+\",job=~\".*\"}", 0, "every series there is"),
            ("{__name__=~\"..*\"}", 0, "every series there is"),
            ("{job=~\"(.|x)+\"}", 0, "every series there is"),
            ("{job=\"\", # all\n}", 0, "every series there is"),
            ("up or {job!~\"x\"}", 6, "every series there is"),
            ("max(max_over_time(sum_over_time(up[1d])[1h:2s]))", 39, "more than 31 days"),
            ("rate(x[0x278D00])", 6, "cannot be read"),
            ("rate(x[30*1d])", 6, "cannot be read"),
            ("rate(x[2_592_000])", 6, "cannot be read"),
            ("rate(x[$__rate_interval])", 6, "cannot be read"),
            ("max_over_time(up[1h:1*1s])", 16, "cannot be read"),
            ("rate(x[5m)", 6, "not closed"),
            ("sum(x", 3, "this `(` is not closed"),
            ("sum(x))", 6, "closes nothing"),
            ("x{a=\"b\"", 1, "this `{` is not closed"),
            ("sum(x})", 3, "this `(` is not closed"),
            ("x]", 1, "closes nothing"),
            ("x{a=\"b}", 4, "no closing quote"),
        ] {
            let refused = check(query).expect_err(query);
            assert_eq!(refused.at, at, "{query}: {refused}");
            assert!(refused.message.contains(why), "{query}: {refused}");
        }
        assert!(check(&"x".repeat(MAX_LENGTH + 1)).is_err());
    }

    #[test]
    fn a_number_in_place_of_nothing_is_seen() {
        for query in ["sum(rate(x[5m])) or vector(0)", "x OR  vector ( 1 )", "(a) or # none\n vector(0)"] {
            assert!(falls_back(query), "{query}");
        }
        for query in
            ["x", "x or y", "x{a=\"or vector(0)\"}", "error_vector(0)", "vector(1)", "x # or vector(0)"]
        {
            assert!(!falls_back(query), "{query}");
        }
    }

    #[test]
    fn the_age_is_asked_of_what_was_measured_only() {
        for query in ["up", " job:errors:rate5m ", "up{job=\"a}b\"}", "up {job='api'}", "{job=\"api\"}"] {
            assert_eq!(age(query), Some(format!("time() - timestamp({})", query.trim())));
        }
        for query in [
            "",
            "1",
            "1e3",
            "NaN",
            "sum(up)",
            "up + 1",
            "up offset 5m",
            "up{a=\"b\"} > 1",
            "x[5m]",
            "up{a=\"b",
        ] {
            assert_eq!(age(query), None, "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "[a-z0-9\\[\\](){}:\"'`#\\\\ .ö]{0,40}|.{0,40}") {
            let _ = (age(&query), falls_back(&query));
            if let Err(refused) = check(&query) {
                prop_assert!(refused.at <= query.chars().count());
            }
        }
    }

    #[test]
    fn a_subquery_is_not_asked_for_many_moments() {
        assert!(is_light("sum(rate(http_requests_total{path=\"[a:b]\"}[5m])) / job:errors:rate5m"));
        assert!(!is_light("max_over_time(rate(http_requests_total[5m])[1d:2m])"));
    }
}
