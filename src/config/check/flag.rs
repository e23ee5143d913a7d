//! What a feature flag must be: calls can be made of it, and the secrets it names are declared.

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{label, table, text};
use crate::config::problem::Problem;
use crate::config::types::{Flag, FlagRequests, SETTING_METHODS, not_an_address};
use crate::health::answer::subject;
use crate::text::visible;

/// Reports every mistake of meaning in a flag. `secrets` are the names of those declared.
pub(super) fn check(entry: &Spanned<DeValue<'_>>, secrets: &[&str], found: &mut Vec<Problem>) {
    let Some(flag) = entry.get_ref().as_table() else { return };
    let before = found.len();
    label(flag, "about", found);
    address(flag, found);
    if let Some((token, span)) = text(flag, "token")
        && !token.is_empty()
        && !secrets.contains(&token)
    {
        found.push(undeclared(token, secrets, span));
    }
    if let Some((path, span)) = text(flag, "path")
        && let Err(why) = subject(path)
    {
        found.push(Problem::new(span, why).help("like `enabled`, or `environments.production.on`"));
    }
    for key in ["on", "off"] {
        if let Some(call) = table(flag, key) {
            sets(call, secrets, found);
        }
    }
    if found.len() == before {
        calls(entry, flag, found);
    }
}

fn address(parent: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((url, span)) = text(parent, "url").filter(|(url, _)| !url.is_empty()) else { return };
    if let Some(why) = not_an_address(url) {
        found.push(Problem::new(span, format!("the address {why}")));
    } else if let Err(error) = reqwest::Url::parse(url) {
        found.push(Problem::new(span, format!("this is not an address: {error}")));
    }
}

/// A call that sets a flag.
fn sets(call: &DeTable<'_>, secrets: &[&str], found: &mut Vec<Problem>) {
    address(call, found);
    if let Some((method, span)) = text(call, "method")
        && !SETTING_METHODS.contains(&method.to_ascii_uppercase().as_str())
    {
        let problem = Problem::new(span, format!("`{}` is not a method that sets anything", visible(method)));
        found.push(problem.help(format!("one of {}", SETTING_METHODS.join(", "))));
    }
    let Some((body, span)) = text(call, "body") else { return };
    for part in body.split("{secret:").skip(1) {
        match part.split_once('}') {
            Some((name, _)) if secrets.contains(&name) => {}
            Some((name, _)) => found.push(undeclared(name, secrets, span.clone())),
            None => found.push(Problem::new(span.clone(), "a {secret:…} in it is not closed")),
        }
    }
}

fn undeclared(name: &str, secrets: &[&str], span: std::ops::Range<usize>) -> Problem {
    let problem = Problem::new(span, format!("unknown secret `{}`", visible(name)));
    if secrets.is_empty() {
        return problem.help(format!("declare it: [[secrets]] with name = \"{}\"", visible(name)));
    }
    problem.suggest(name, secrets.iter().copied())
}

/// Makes the calls, for whatever else is missing or cannot be sent.
fn calls(entry: &Spanned<DeValue<'_>>, flag: &DeTable<'_>, found: &mut Vec<Problem>) {
    // A field that is missing or of a wrong type is reported already.
    let Ok(typed) = Flag::deserialize(ValueDeserializer::from(entry.clone())) else { return };
    let Err(why) = FlagRequests::of(&typed) else { return };
    let about = ["project", "environment", "key", "address"]
        .into_iter()
        .find(|word| why.starts_with(&format!("its {word} ")))
        .map(|word| if word == "address" { "url" } else { word });
    let written = about.and_then(|key| text(flag, key)).or_else(|| text(flag, "name"));
    let span = written.map_or_else(|| entry.span(), |(_, span)| span);
    found.push(Problem::new(span, format!("no call can be made of this flag: {why}")));
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    /// What is said about one flag, besides that it has a name.
    fn said(flag: &str) -> Vec<String> {
        let text = format!("[[secrets]]\nname = \"TOKEN\"\n[[flags]]\nname = \"new-checkout\"\n{flag}\n");
        match parse(text.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.lines(),
        }
    }

    const SETS: &str = "on = { method = \"PUT\" }\noff = { method = \"DELETE\" }";

    #[test]
    fn a_flag_of_each_kind_is_fine() {
        for flag in [
            format!("url = \"https://x.example/f\"\ntoken = \"TOKEN\"\npath = \"a.b\"\n{SETS}"),
            "kind = \"launchdarkly\"\nurl = \"https://x.example\"\nproject = \"p\"\nenvironment = \"e\""
                .to_owned(),
            "kind = \"unleash\"\nurl = \"https://x.example\"\nproject = \"p\"\nenvironment = \"e\""
                .to_owned(),
            "kind = \"flagsmith\"\nurl = \"https://x.example\"\nkey = \"7\"\nenvironment = \"e\"".to_owned(),
        ] {
            assert_eq!(said(&flag), Vec::<String>::new(), "{flag}");
        }
    }

    #[test]
    fn every_mistake_is_one_problem_at_its_place() {
        let plain = |more: &str| format!("url = \"https://x.example/f\"\n{more}");
        let call = |call: &str| plain(&format!("on = {{ {call} }}\noff = {{ method = \"PUT\" }}"));
        for (flag, wanted) in [
            (plain(""), "no call that turns it on"),
            (plain("on = { method = \"PUT\" }"), "no call that turns it off"),
            (
                plain(&format!("token = \"TOKN\"\n{SETS}")),
                "6:9: unknown secret `TOKN` (did you mean `TOKEN`?)",
            ),
            (plain(&format!("path = \"a..b\"\n{SETS}")), "6:8: the path `a..b` cannot be read"),
            (call("method = \"GET\""), "`GET` is not a method that sets anything"),
            (call("method = \"PUT\", url = \"x\""), "the address has to begin with https://"),
            (call("method = \"PUT\", body = \"{secret:NO}\""), "unknown secret `NO`"),
            (call("method = \"PUT\", body = \"{secret:TOKEN\""), "is not closed"),
            (format!("url = \"https://a:b@x.example\"\n{SETS}"), "5:7: the address holds a user or password"),
            (format!("url = \"https://x:99999/\"\n{SETS}"), "this is not an address"),
            (format!("url = \"\"\n{SETS}"), "5:7: no call can be made of this flag: its address"),
            (
                "kind = \"unleash\"\nurl = \"https://x.example\"\nproject = \"../p\"\nenvironment = \"e\""
                    .to_owned(),
                "7:11: no call can be made of this flag: its project would lead to another address",
            ),
            (
                "kind = \"flagsmith\"\nurl = \"https://x.example\"\nenvironment = \"e\"".to_owned(),
                "4:8: no call can be made of this flag: its key is not the number",
            ),
        ] {
            let lines = said(&flag);
            assert!(lines.iter().any(|line| line.contains(wanted)), "wanted {wanted:?} in {lines:#?}");
            assert_eq!(lines.len(), 1, "{lines:#?}");
        }
        let twice = format!("{}\n[[flags]]\nname = \"new-checkout\"\n{}", plain(SETS), plain(SETS));
        assert!(said(&twice)[0].contains("duplicate name"));
    }
}
