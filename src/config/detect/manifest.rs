//! What a service is called, as its own manifests say.

use std::path::Path;

use super::{plain, table, text};

/// A name, and the file that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name: `payments-api`.
    pub name: String,
    /// The file: `Cargo.toml`; of the name of the directory, that.
    pub from: String,
}

/// The names that manifests at the root say, each once, in a fixed order.
pub(super) fn names(root: &Path) -> Vec<Named> {
    let found = [
        ("pyproject.toml", python(root)),
        ("Cargo.toml", cargo(root)),
        ("package.json", node(root)),
        ("go.mod", go(root)),
    ];
    let mut names: Vec<Named> = Vec::new();
    for (from, name) in found {
        let Some(name) = name.filter(|name| plain(name)) else { continue };
        match names.iter_mut().find(|known| known.name == name) {
            Some(known) => known.from = format!("{}, {from}", known.from),
            None => names.push(Named { name, from: from.to_owned() }),
        }
    }
    names
}

fn python(root: &Path) -> Option<String> {
    let manifest = table(root, "pyproject.toml")?;
    let project = || manifest.get("project")?.get("name")?.as_str();
    let poetry = || manifest.get("tool")?.get("poetry")?.get("name")?.as_str();
    project().or_else(poetry).map(str::to_owned)
}

fn cargo(root: &Path) -> Option<String> {
    let manifest = table(root, "Cargo.toml")?;
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Without the scope: `@shop/payments` is `payments`.
fn node(root: &Path) -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_str(&text(root, "package.json")?).ok()?;
    let name = manifest["name"].as_str()?;
    Some(name.rsplit('/').next()?.to_owned())
}

/// The last part of the module's path that is no version: `example.com/shop/payments/v2` is `payments`.
fn go(root: &Path) -> Option<String> {
    let manifest = text(root, "go.mod")?;
    let path = manifest.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let path = path.split("//").next()?.trim().trim_matches('"');
    let is_version =
        |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    path.rsplit('/').find(|part| !part.is_empty() && !is_version(part)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    fn said(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let dir = repository(files);
        names(dir.path()).into_iter().map(|named| (named.name, named.from)).collect()
    }

    #[test]
    fn every_kind_of_manifest_tells_its_name() {
        for (file, content, name) in [
            ("pyproject.toml", "[project]\nname = \"shop\"\n", "shop"),
            ("pyproject.toml", "[tool.poetry]\nname = \"shop\"\n", "shop"),
            ("Cargo.toml", "[package]\nname = \"shop-api\"\n", "shop-api"),
            ("package.json", "{\"name\": \"@shop/web\"}", "web"),
            ("go.mod", "module example.com/shop/payments/v2 // old\n\ngo 1.22\n", "payments"),
        ] {
            assert_eq!(said(&[(file, content)]), [(name.to_owned(), file.to_owned())]);
        }
    }

    #[test]
    fn what_says_nothing_or_nothing_fit_to_be_shown_is_left_out() {
        for (file, content) in [
            ("Cargo.toml", "[workspace]\n"),
            ("Cargo.toml", "[package]\nname = \"a\\u001b[2J\"\n"),
            ("package.json", "{\"name\": 3}"),
            ("package.json", "{\"name\": \"--all\"}"),
            ("pyproject.toml", "name = ["),
            ("go.mod", "module\n"),
        ] {
            assert_eq!(said(&[(file, content)]), [], "{content}");
        }
        let dir = repository(&[]);
        std::fs::write(dir.path().join("package.json"), b"{\"name\": \"\xff\"}").unwrap();
        assert_eq!(names(dir.path()), []);
    }

    #[test]
    fn manifests_that_agree_are_one_name() {
        let cargo = ("Cargo.toml", "[package]\nname = \"shop\"\n");
        let found = said(&[cargo, ("package.json", "{\"name\": \"shop\"}")]);
        assert_eq!(found, [("shop".to_owned(), "Cargo.toml, package.json".to_owned())]);
        assert_eq!(said(&[cargo, ("package.json", "{\"name\": \"web\"}")]).len(), 2);
    }
}
