//! The contact list: everybody once, in roles that there are.

use std::ops::Range;

use toml::de::DeTable;

use super::{label, tables, text, texts};
use crate::config::problem::Problem;
use crate::text::name::{is_same, looks_like};

/// Reports people who are there twice in different spellings, or look like another, and roles that there are not.
pub(super) fn check(root: &DeTable<'_>, roles: &[&str], found: &mut Vec<Problem>) {
    let mut seen: Vec<(&str, Range<usize>)> = Vec::new();
    for person in tables(root, "people") {
        label(person, "reach", found);
        for (role, span) in texts(person, "roles").filter(|(role, _)| !roles.contains(role)) {
            let problem = Problem::new(span, format!("unknown role `{role}`"));
            found.push(problem.suggest(role, roles.iter().copied()));
        }
        let Some((name, span)) = text(person, "name") else { continue };
        let same = seen.iter().find(|(other, _)| *other != name && is_same(other, name));
        if let Some((other, first)) = same {
            let message = format!("`{name}` and `{other}` are one person");
            found.push(Problem::new(span.clone(), message).other(first.clone(), "first named here"));
        } else if let Some(other) = looks_like(name, seen.iter().map(|(name, _)| *name)) {
            let message = format!("`{name}` looks like `{other}`, who is somebody else");
            found.push(Problem::new(span.clone(), message).help("write one of them in another way"));
        }
        seen.push((name, span));
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    fn complaint(text: &str) -> String {
        parse(text.as_bytes()).err().map_or_else(String::new, |invalid| invalid.lines().join("\n"))
    }

    #[test]
    fn everybody_is_there_once_and_in_roles_that_there_are() {
        let one = "[[people]]\nname = \"Maya Lind\"\nroles = [\"on-call\"]\nreach = \"+49 30 123456\"\n";
        assert_eq!(complaint(one), "");
        let twice = format!("{one}[[people]]\nname = \"maya lind\"\n");
        assert!(
            complaint(&twice).contains("`maya lind` and `Maya Lind` are one person"),
            "{}",
            complaint(&twice)
        );
        let exactly = format!("{one}[[people]]\nname = \"Maya Lind\"\n");
        assert!(complaint(&exactly).contains("duplicate name `Maya Lind` in `people`"));
        let alike = format!("{one}[[people]]\nname = \"M\u{430}ya Lind\"\n");
        assert!(complaint(&alike).contains("looks like `Maya Lind`"), "{}", complaint(&alike));
    }

    #[test]
    fn a_role_that_there_is_not_names_the_nearest() {
        let said = complaint("[[people]]\nname = \"maya\"\nroles = [\"oncall\"]\n");
        assert!(said.contains("unknown role `oncall`") && said.contains("on-call"), "{said}");
        let own = "[policy]\nroles = [{ id = \"dba\", title = \"database\", short = \"DB\" }]\n[[people]]\nname = \"maya\"\nroles = [\"dba\"]\n";
        assert!(!complaint(own).contains("unknown role `dba`"), "{}", complaint(own));
    }
}
