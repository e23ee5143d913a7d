//! Folders of runbooks have to stay in the repository.

use toml::de::DeTable;

use super::{table, texts};
use crate::config::problem::Problem;
use crate::text::visible;

/// Reports every folder that cannot be one of runbooks.
pub(super) fn check(root: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some(runbooks) = table(root, "runbooks") else { return };
    for (path, span) in texts(runbooks, "paths") {
        let why = if visible(path) != path {
            "it has invisible characters"
        } else if path.trim().is_empty() {
            "it is empty"
        } else if !is_inside(path) {
            "it leads out of the repository"
        } else {
            continue;
        };
        let problem = Problem::new(span, format!("this cannot be a folder of runbooks: {why}"));
        found.push(problem.help("a path from the root of the repository: paths = [\"runbooks\"]"));
    }
}

/// Tells whether a path as it is written stays below where it starts.
fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != "..")
}

/// Tells whether a text is the path of a runbook, and no address.
pub(super) fn is_path(text: &str) -> bool {
    let extension = std::path::Path::new(text).extension().and_then(|extension| extension.to_str());
    let is_markdown = extension.is_some_and(|one| ["md", "markdown"].contains(&one.to_lowercase().as_str()));
    is_markdown && !text.contains("://") && visible(text) == text && is_inside(text)
}

#[cfg(test)]
mod tests {
    use crate::config::load;

    #[test]
    fn folders_stay_in_the_repository_and_a_probe_may_name_a_file() {
        let said = |text: &str| load::parse(text.as_bytes()).map_err(|invalid| invalid.lines().join("\n"));
        let config = said("[runbooks]\npaths = [\"docs/runbooks\", \"ops\"]\n").unwrap();
        assert_eq!(config.runbooks.paths, ["docs/runbooks", "ops"]);
        assert_eq!(said("").unwrap().runbooks.paths, ["runbooks"]);
        for path in ["/etc", "../other", "a/../../b", ""] {
            let why = said(&format!("[runbooks]\npaths = [\"{path}\"]\n")).unwrap_err();
            assert!(why.contains("cannot be a folder of runbooks"), "{path}: {why}");
        }
        let probe = |runbook: &str| {
            format!(
                "[[probes]]\nname = \"a\"\nurl = \"http://x/\"\nexpect = [\"status == 200\"]\nrunbook = \"{runbook}\"\n"
            )
        };
        assert!(said(&probe("runbooks/pool.md")).is_ok());
        assert!(said(&probe("../pool.md")).is_err());
    }
}
