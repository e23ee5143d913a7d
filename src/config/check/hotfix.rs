//! How hotfixes are made: names that git takes, files in the repository, addresses without
//! passwords; and the gates that guard their end.

use std::ops::Range;

use toml::de::DeTable;

use super::{is_branch, known, label, table, tables, text, texts};
use crate::config::problem::Problem;
use crate::config::types::{Flow, Hotfix, VersionKind, version_pattern};
use crate::plan::gates::Gate;
use crate::text::{nearest, visible};

/// Reports every mistake of meaning under `[hotfix]` and in `[policy.finish_gates]`.
pub(super) fn check(root: &DeTable<'_>, found: &mut Vec<Problem>) {
    if let Some(hotfix) = table(root, "hotfix") {
        names(hotfix, found);
        apart(hotfix, found);
        let files: Vec<_> = tables(hotfix, "versions").collect();
        for file in &files {
            version_file(file, found);
        }
        twice(&files, found);
        if let Some(pull) = table(hotfix, "pull") {
            self::pull(pull, found);
        }
    }
    if let Some(gates) = table(root, "policy").and_then(|policy| table(policy, "finish_gates")) {
        finish_gates(gates, found);
    }
}

/// Branches, prefixes, and the remote. What is empty stands for nothing, or is found out.
fn names(hotfix: &DeTable<'_>, found: &mut Vec<Problem>) {
    for (key, rest) in [("base", ""), ("prefix", "x"), ("develop", ""), ("release_prefix", "x")] {
        let Some((name, span)) = text(hotfix, key).filter(|(name, _)| !name.is_empty()) else { continue };
        if !is_branch(&format!("{name}{rest}")) {
            let message = format!("git does not accept `{key}` in the name of a branch");
            found.push(Problem::new(span, message));
        }
    }
    if let Some((_, span)) = text(hotfix, "develop").filter(|(name, _)| name.is_empty()) {
        found.push(
            Problem::new(span, "`develop` cannot be empty")
                .help("without such a branch: flow = \"github-flow\""),
        );
    }
    if let Some((prefix, span)) = text(hotfix, "tag_prefix")
        && !is_tag(&format!("{prefix}1.2.3"))
    {
        found.push(Problem::new(span, "git does not accept `tag_prefix` in the name of a tag"));
    }
    if let Some((remote, span)) = text(hotfix, "remote").filter(|(remote, _)| !remote.is_empty()) {
        let fits =
            !remote.starts_with('-') && visible(remote) == remote && git2::Remote::is_valid_name(remote);
        if !fits {
            let problem = Problem::new(span, "git does not accept `remote` as the name of a remote");
            found.push(problem.help("its name, not its address: git remote lists them"));
        }
    }
}

fn is_tag(name: &str) -> bool {
    let whole = format!("refs/tags/{name}");
    !name.starts_with('-') && visible(name) == name && git2::Reference::is_valid_name(&whole)
}

/// Branches that have to be told apart.
fn apart(hotfix: &DeTable<'_>, found: &mut Vec<Problem>) {
    let usual = Hotfix::default();
    let flow = text(hotfix, "flow").map_or(usual.flow.name(), |(flow, _)| flow);
    if flow != Flow::GitFlow.name() {
        return;
    }
    let value = |key: &str, usual: &str| {
        text(hotfix, key).map_or_else(|| usual.to_owned(), |(value, _)| value.to_owned())
    };
    let place = |keys: [&str; 2]| keys.into_iter().find_map(|key| text(hotfix, key)).map(|(_, span)| span);
    let base = value("base", "");
    if !base.is_empty() && base == value("develop", &usual.develop) {
        found.extend(place(["develop", "base"]).map(|span| {
            Problem::new(span, "`base` and `develop` are the same branch")
                .help("with one branch: flow = \"github-flow\"")
        }));
    }
    let (hotfixes, releases) =
        (value("prefix", &usual.prefix), value("release_prefix", &usual.release_prefix));
    let overlap = hotfixes.starts_with(&releases) || releases.starts_with(&hotfixes);
    if !hotfixes.is_empty() && !releases.is_empty() && overlap {
        let message = "hotfix and release branches look alike: one prefix begins with the other";
        found.extend(place(["release_prefix", "prefix"]).map(|span| Problem::new(span, message)));
    }
}

fn version_file(file: &DeTable<'_>, found: &mut Vec<Problem>) {
    let Some((path, span)) = text(file, "path") else { return };
    if let Some(why) = not_inside(path) {
        found.push(Problem::new(span, why).help("from the root of the repository: src/version.h"));
        return;
    }
    let pattern = text(file, "pattern").filter(|(pattern, _)| !pattern.is_empty());
    let ignored = file.get("ignore").and_then(|value| value.get_ref().as_bool()) == Some(true);
    match pattern {
        Some((_, span)) if ignored => {
            found.push(Problem::new(span, "a file that is ignored needs no `pattern`"));
        }
        Some((pattern, span)) => {
            if pattern.contains('\0') {
                found.push(Problem::new(span, "no program can be given an argument with a NUL in it"));
            } else if let Err(why) = version_pattern(pattern) {
                let problem = Problem::new(span, format!("this regular expression cannot be used: {why}"));
                found.push(
                    problem.help("in single quotes a \\ stands for itself: pattern = 'VERSION \"(.*)\"'"),
                );
            }
        }
        None if ignored => {}
        None => match VersionKind::of(path) {
            Some(kind) if !kind.is_lock() => {}
            Some(_) => found.push(Problem::new(
                span,
                "a lock file follows the file beside it, and is not named by itself",
            )),
            None => found.push(
                Problem::new(span, "flightdeck does not know where in this file the version is").help(
                    "add a regular expression whose group is the version: pattern = 'VERSION \"(.*)\"'",
                ),
            ),
        },
    }
}

/// Why a path does not lead to a file in the repository; `None`: it may.
fn not_inside(path: &str) -> Option<&'static str> {
    if path.trim().is_empty() {
        Some("`path` cannot be empty")
    } else if path.starts_with('-') {
        Some("`path` cannot begin with `-`: it could be taken for an option")
    } else if visible(path) != path {
        Some("`path` has invisible characters")
    } else if path.starts_with(['/', '~']) || path.contains('\\') {
        Some("`path` has to lead from the root of the repository downwards")
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git"))
    {
        Some("`path` has to name a file of the repository, part by part")
    } else {
        None
    }
}

/// One file is left alone or not, and is not named twice for the same.
fn twice(files: &[&DeTable<'_>], found: &mut Vec<Problem>) {
    let said = |file: &DeTable<'_>| -> Option<(String, String, bool, Range<usize>)> {
        let (path, span) = text(file, "path")?;
        let pattern = text(file, "pattern").map(|(pattern, _)| pattern.to_owned()).unwrap_or_default();
        let ignored = file.get("ignore").and_then(|value| value.get_ref().as_bool()) == Some(true);
        Some((path.to_owned(), pattern, ignored, span))
    };
    let all: Vec<_> = files.iter().filter_map(|file| said(file)).collect();
    for (index, (path, pattern, ignored, span)) in all.iter().enumerate() {
        let before = all.iter().take(index).find(|(other, other_pattern, other_ignored, _)| {
            other == path && (other_pattern == pattern || ignored != other_ignored)
        });
        if let Some((.., first)) = before {
            let message = format!("duplicate name `{}` in `versions`", visible(path));
            found.push(Problem::new(span.clone(), message).other(first.clone(), "first named here"));
        }
    }
}

fn pull(pull: &DeTable<'_>, found: &mut Vec<Problem>) {
    label(pull, "title_prefix", found);
    if let Some((api, span)) = text(pull, "api").filter(|(api, _)| !api.is_empty())
        && let Some(why) = not_an_api(api)
    {
        let help = "like https://git.example.com/api/v3; the token comes from GITHUB_TOKEN or GITLAB_TOKEN";
        found.push(Problem::new(span, format!("the address {why}")).help(help));
    }
    if let Some((repository, span)) = text(pull, "repository").filter(|(name, _)| !name.is_empty()) {
        let parts: Vec<&str> = repository.split('/').collect();
        let is_github = text(pull, "forge").is_some_and(|(forge, _)| forge == "github");
        let fits = if is_github { parts.len() == 2 } else { parts.len() >= 2 };
        if !fits || !parts.iter().all(|part| is_plain_name(part)) {
            let problem = Problem::new(span, "this is not the name of a repository there");
            found.push(problem.help("owner and name, as in its address: shop/payments-api"));
        }
    }
    for (name, span) in texts(pull, "labels") {
        if name.trim().is_empty() || name.trim() != name || visible(name) != name || name.contains(',') {
            let problem = Problem::new(span, "this is not the name of a label");
            found
                .push(problem.help("one label an entry, without a comma: labels = [\"hotfix\", \"urgent\"]"));
        }
    }
    for (name, span) in texts(pull, "reviewers") {
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 2 || !parts.iter().all(|part| is_plain_name(part)) {
            let problem = Problem::new(span, "this is not the name of a user there");
            found.push(match name.strip_prefix('@').filter(|name| is_plain_name(name)) {
                Some(name) => problem.help(format!("without the @: \"{name}\"")),
                None => problem.help("letters, digits, - _ and . ; of a team: shop/payments"),
            });
        }
    }
}

/// A name as GitHub and GitLab have it.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Why a text cannot be the base address of an API, to follow on "the address …".
fn not_an_api(api: &str) -> Option<String> {
    let Some(rest) = api.strip_prefix("https://").or_else(|| api.strip_prefix("http://")) else {
        return Some("has to begin with https:// or http://".to_owned());
    };
    if visible(api) != api || api.contains(char::is_whitespace) || api.contains('\\') {
        return Some("has characters in it that no address has".to_owned());
    }
    if rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@') {
        return Some("holds a user or password, which do not belong in this file".to_owned());
    }
    if api.contains(['?', '#']) {
        return Some("has more than a host and a path".to_owned());
    }
    match reqwest::Url::parse(api) {
        Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) => None,
        Ok(_) => Some("names no host".to_owned()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}

/// Gates for the end of a hotfix: those of development models there are, and that can be asked then.
fn finish_gates(gates: &DeTable<'_>, found: &mut Vec<Problem>) {
    let flows = [Flow::GitFlow, Flow::GithubFlow, Flow::Trunk].map(Flow::name);
    for key in gates.keys() {
        let name: &str = key.get_ref();
        if !flows.contains(&name) {
            let problem = Problem::new(key.span(), format!("unknown development model `{}`", visible(name)));
            found.push(match nearest(name, &flows) {
                Some(near) => problem.label(format!("did you mean `{near}`?")),
                None => problem.help(format!("one of: {}", flows.join(", "))),
            });
            continue;
        }
        for (gate, span) in texts(gates, name) {
            if gate == "rollback" {
                let problem = Problem::new(
                    span,
                    "`rollback` is about an environment, and guards what is deployed to it",
                );
                found.push(problem.help("name it in `gates` of the environment instead"));
            } else {
                known("gate", gate, span, Gate::IDS, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::parse;

    fn said(source: &str) -> Vec<String> {
        match parse(source.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.lines(),
        }
    }

    #[track_caller]
    fn refused(source: &str, wanted: &str) {
        let lines = said(source);
        assert!(lines.iter().any(|line| line.contains(wanted)), "wanted {wanted:?} in {lines:#?}\n{source}");
        assert_eq!(lines.len(), 1, "one mistake is one problem: {lines:#?}");
    }

    #[test]
    fn a_full_hotfix_section_is_fine() {
        let source = r#"
[hotfix]
flow = "git-flow"
base = "master"
prefix = "hot/"
remote = "upstream"
develop = "next"
release_prefix = "rel/"
tag_prefix = ""
[[hotfix.versions]]
path = "src/version.h"
pattern = '#define VERSION "(.*)"'
[[hotfix.versions]]
path = "src/version.h"
pattern = 'MINOR "(.*)"'
[[hotfix.versions]]
path = "web/package.json"
[[hotfix.versions]]
path = "package.json"
ignore = true
[hotfix.pull]
forge = "gitlab"
api = "https://git.example.com/api/v4"
repository = "shop/backend/payments-api"
labels = ["hotfix", "prio: high"]
reviewers = ["maya.k", "shop/payments"]
[policy]
fetch_valid_for = "2m"
hotfix_limit = { files = 3, lines = 40 }
[policy.finish_gates]
git-flow = ["checks"]
trunk = []
"#;
        assert_eq!(said(source), [""; 0]);
    }

    #[test]
    fn names_have_to_be_ones_git_takes_and_are_told_apart() {
        let hotfix = |line: &str| format!("[hotfix]\n{line}\n");
        refused(&hotfix("develop = \"-d\""), "2:11: git does not accept `develop`");
        refused(&hotfix("develop = \"\""), "`develop` cannot be empty");
        refused(&hotfix("release_prefix = \"a b/\""), "git does not accept `release_prefix`");
        refused(&hotfix("tag_prefix = \"-v\""), "2:14: git does not accept `tag_prefix`");
        refused(&hotfix("tag_prefix = \"a..\""), "git does not accept `tag_prefix`");
        refused(&hotfix("remote = \"--upload-pack=x\""), "2:10: git does not accept `remote`");
        refused(&hotfix("remote = \"https://git.example.com/x\""), "its name, not its address");
        refused(&hotfix("flow = \"git-flow\"\nbase = \"develop\""), "3:8: `base` and `develop` are the same");
        refused(&hotfix("flow = \"git-flow\"\nprefix = \"release/\""), "look alike");
        assert_eq!(said(&hotfix("base = \"develop\"")), [""; 0], "no develop in this flow");
    }

    #[test]
    fn version_files_lie_in_the_repository_and_say_where_the_version_is() {
        let file = |lines: &str| format!("[[hotfix.versions]]\n{lines}\n");
        for path in ["/etc/passwd", "~/x", "../x", "a//b", ".git/config", "a/.GIT/x", ""] {
            let lines = said(&file(&format!("path = \"{path}\"\npattern = \"(a)\"")));
            assert!(lines.len() == 1 && lines[0].contains("2:8: `path`"), "{path}: {lines:?}");
        }
        refused(&file("path = \"--all\"\nignore = true"), "could be taken for an option");
        refused(&file("path = \"src/version.h\""), "2:8: flightdeck does not know where in this file");
        refused(&file("path = \"Cargo.lock\""), "a lock file follows");
        refused(
            &file("path = \"a\"\npattern = \"v\""),
            "3:11: this regular expression cannot be used: it has no group",
        );
        refused(&file("path = \"a\"\npattern = \"(a)(b)\""), "it has 2 groups");
        refused(&file("path = \"a\"\npattern = \"(a\""), "unclosed group");
        refused(&file("path = \"VERSION\"\npattern = \"(a)\"\nignore = true"), "needs no `pattern`");
        let twice = format!("{}{}", file("path = \"VERSION\""), file("path = \"VERSION\"\nignore = true"));
        refused(&twice, "4:8: duplicate name `VERSION` in `versions`");
    }

    #[test]
    fn pull_requests_are_opened_at_plain_places_by_plain_names() {
        let pull = |line: &str| format!("[hotfix.pull]\n{line}\n");
        for (api, why) in [
            ("git.example.com", "has to begin with https://"),
            ("ssh://git.example.com", "has to begin with https://"),
            ("https://me:pw@git.example.com/api/v3", "holds a user or password"),
            ("https://git.example.com/api?x=1", "more than a host and a path"),
            ("https://", "2:7: the address"),
            ("https://a b", "has characters in it"),
        ] {
            refused(&pull(&format!("api = \"{api}\"")), why);
        }
        refused(&pull("repository = \"payments\""), "2:14: this is not the name of a repository");
        refused(&pull("repository = \"../payments\""), "this is not the name of a repository");
        refused(&pull("forge = \"github\"\nrepository = \"a/b/c\""), "this is not the name of a repository");
        refused(&pull("labels = [\"hotfix\", \"a,b\"]"), "2:21: this is not the name of a label");
        refused(&pull("reviewers = [\"@maya\"]"), "without the @: \"maya\"");
        refused(&pull("reviewers = [\"--x\"]"), "this is not the name of a user");
        refused(&pull("forge = \"gitea\""), "`forge` cannot be `gitea`");
        refused(&pull("title_prefix = \"\\u202E\""), "invisible characters");
    }

    #[test]
    fn gates_of_the_end_are_ones_there_are() {
        let gates = |line: &str| format!("[policy.finish_gates]\n{line}\n");
        refused(&gates("git-flow = [\"chekcs\"]"), "2:13: unknown gate `chekcs` (did you mean `checks`?)");
        refused(
            &gates("gitflow = [\"checks\"]"),
            "2:1: unknown development model `gitflow` (did you mean `git-flow`?)",
        );
        refused(&gates("trunk = [\"rollback\"]"), "`rollback` is about an environment");
        refused(
            &gates("trunk = \"checks\""),
            "wrong type for `trunk` (this is a string, expected a list of strings",
        );
    }
}
