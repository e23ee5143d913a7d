//! Raising the version: every file that holds it, byte for byte, in one commit of its own.

use std::os::unix::fs::PermissionsExt as _;

use super::conductor::Yard;
use super::world::Ended;

const CONFIG: &str = r#"
[[hotfix.versions]]
path = "src/version.h"
pattern = '^#define VERSION "(.*)"$'

[[hotfix.versions]]
path = "web/package.json"

[[hotfix.versions]]
path = "package.json"
ignore = true
"#;

/// Files that hold 1.2.3, as people keep them: comments, tabs, ends of lines, no end at all.
const FILES: [(&str, &str); 10] = [
    ("VERSION", "v1.2.3"),
    (
        "Cargo.toml",
        "# 1.2.3 is not the place\r\n[workspace]\r\nmembers = [\"pay\"]\r\n\r\n[workspace.package]\r\nversion='1.2.3'   # raised by hand before\r\n\r\n[package]\r\nname = \"shop\"\r\nversion.workspace = true\r\n\r\n[dependencies]\r\nlog = { version = \"1.2.3\" }\r\n",
    ),
    ("pay/Cargo.toml", "[package]\nname = \"pay\"\nversion.workspace = true\n"),
    (
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"log\"\nversion = \"1.2.3\"\nsource = \"registry+https://example.org\"\n\n[[package]]\nname = \"pay\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"shop\"\nversion = \"1.2.3\"\ndependencies = [\n \"log\",\n \"pay\",\n]\n",
    ),
    ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.2.3\" # keep\n"),
    ("package.json", "{\"name\": \"tools\", \"version\": \"0.0.0\"}\n"),
    ("web/package.json", "{\n\t\"version\" : \"1.2.3\",\n\t\"dependencies\": {\"left\": \"1.2.3\"}\n}"),
    (
        "web/package-lock.json",
        "{\n  \"version\": \"1.2.3\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\"version\": \"1.2.3\"},\n    \"node_modules/left\": {\"version\": \"1.2.3\"}\n  }\n}\n",
    ),
    ("src/version.h", "/* #define VERSION \"1.2.3\" */\r\n#define VERSION \"1.2.3\"\r\n"),
    ("notes.txt", "1.2.3\n"),
];

struct Shop {
    yard: Yard,
}

impl Shop {
    /// A repository with a hotfix branch, and an incident.
    fn new() -> Self {
        let shop = Self { yard: Yard::new(CONFIG, "true") };
        for (path, text) in FILES {
            shop.write(path, text);
        }
        std::fs::set_permissions(shop.yard.file("VERSION"), std::fs::Permissions::from_mode(0o755)).unwrap();
        shop.git(&["add", "-A"]);
        shop.git(&["commit", "-q", "-m", "1.2.3"]);
        shop.git(&["switch", "-q", "-c", "hotfix/pool"]);
        shop
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.yard.file(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.yard.file(path)).unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned()
    }

    fn bump(&self, arguments: &[&str]) -> Ended {
        self.yard.shell.flightdeck(&[&["hotfix", "bump"][..], arguments].concat())
    }

    /// What is in the files now, against what they begin with.
    fn assert_raised(&self) {
        for (path, before) in FILES {
            let after = match path {
                "VERSION" | "pyproject.toml" => before.replace("1.2.3", "1.2.4"),
                "Cargo.toml" => before.replace("='1.2.3'", "='1.2.4'"),
                "Cargo.lock" => ["pay", "shop"].iter().fold(before.to_owned(), |text, name| {
                    text.replace(
                        &format!("\"{name}\"\nversion = \"1.2.3\""),
                        &format!("\"{name}\"\nversion = \"1.2.4\""),
                    )
                }),
                "web/package.json" => before.replacen("1.2.3", "1.2.4", 1),
                "web/package-lock.json" => before.replacen("1.2.3", "1.2.4", 2),
                "src/version.h" => {
                    before.replace("\r\n#define VERSION \"1.2.3\"", "\r\n#define VERSION \"1.2.4\"")
                }
                _ => before.to_owned(),
            };
            assert_eq!(self.read(path), after, "{path}");
        }
    }
}

#[test]
fn every_file_is_raised_and_committed_and_nothing_else_is_touched() {
    let shop = Shop::new();
    let hook = "#!/bin/sh\nset -e\ntest -z \"$(git diff --cached --name-only -- notes.txt)\"\necho ran >> .git/hook-ran\n";
    shop.write(".git/hooks/pre-commit", hook);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(shop.yard.file(".git/hooks/pre-commit"), executable).unwrap();
    // Somebody is in the middle of something else.
    shop.write("notes.txt", "staged\n");
    shop.git(&["add", "notes.txt"]);
    shop.write("src/other.c", "new\n");
    let before = shop.git(&["rev-parse", "HEAD"]);

    let shown = shop.bump(&["--dry-run"]).succeeded().stdout;
    for part in [
        "version-files --write 1.2.4 --from 1.2.3",
        "--entry Cargo.lock pay",
        "chore: bump version to 1.2.4",
        "Cargo.lock: 1.2.3 → 1.2.4, in 2 places",
        "src/version.h",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(shop.read("VERSION"), "v1.2.3", "a dry run changes nothing");

    shop.bump(&[]).succeeded();
    shop.assert_raised_but_notes();
    assert_eq!(shop.git(&["rev-list", "--count", &format!("{before}..HEAD")]), "1");
    assert_eq!(shop.git(&["log", "-1", "--format=%s"]), "chore: bump version to 1.2.4");
    let committed = shop.git(&["show", "--name-only", "--format=", "HEAD"]);
    let wanted = [
        "Cargo.lock",
        "Cargo.toml",
        "VERSION",
        "pyproject.toml",
        "src/version.h",
        "web/package-lock.json",
        "web/package.json",
    ];
    assert_eq!(committed.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(shop.git(&["diff", "--cached", "--name-only"]), "notes.txt", "what was staged still is");
    assert_eq!(shop.read(".git/hook-ran"), "ran\n");
    let mode = shop.yard.file("VERSION").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);

    let again = shop.bump(&[]).succeeded().stdout;
    assert!(
        again.contains("nothing is left to do: hotfix/pool holds 1.2.4 already, and main 1.2.3"),
        "{again}"
    );
    let status = shop.yard.shell.flightdeck(&["hotfix", "status"]).succeeded().stdout;
    assert!(status.contains("v1.2.4"), "{status}");
    shop.bump(&["1.3.0"]).succeeded();
    assert_eq!(shop.read("VERSION"), "v1.3.0");
}

impl Shop {
    fn assert_raised_but_notes(&self) {
        self.write("notes.txt", "1.2.3\n");
        self.assert_raised();
        self.write("notes.txt", "staged\n");
    }
}

#[test]
fn a_commit_that_a_hook_refuses_is_taken_up_again_or_undone() {
    let shop = Shop::new();
    shop.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\ntest -e .git/may-commit || { echo 'ask Li first' >&2; exit 1; }\n",
    );
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(shop.yard.file(".git/hooks/pre-commit"), executable).unwrap();
    shop.bump(&[]).ended_with(1);
    shop.assert_raised();
    assert_eq!(shop.git(&["log", "-1", "--format=%s"]), "1.2.3");
    // Now the files have changes that are not committed.
    shop.bump(&[]).ended_with(3).said("VERSION: it has changes that are not committed");

    shop.write(".git/may-commit", "");
    shop.yard.shell.flightdeck(&["plan", "retry", "bump-1"]).succeeded();
    assert_eq!(shop.git(&["log", "-1", "--format=%s"]), "chore: bump version to 1.2.4");
    assert_eq!(shop.git(&["status", "--porcelain"]), "");

    shop.yard.shell.flightdeck(&["plan", "undo", "bump-1"]).succeeded();
    for (path, text) in FILES {
        assert_eq!(shop.read(path), text, "{path}");
    }
    assert_eq!(shop.git(&["status", "--porcelain"]), "");
}

#[test]
fn it_is_refused_with_what_stands_in_the_way() {
    let shop = Shop::new();
    let untouched = || {
        assert_eq!(shop.git(&["log", "-1", "--format=%s"]), "1.2.3");
        assert_eq!(shop.read("Cargo.toml"), FILES[1].1);
    };
    shop.git(&["switch", "-q", "main"]);
    shop.bump(&[]).ended_with(3).said("on main, which is not a hotfix branch").said("git switch hotfix/pool");
    shop.git(&["switch", "-q", "hotfix/pool"]);
    shop.bump(&["1.2.3"]).ended_with(2).said("not newer");
    shop.bump(&["--", "--all"]).ended_with(2).said("is not a version");
    shop.bump(&["1.3"]).ended_with(2).said("three numbers");
    let elsewhere = shop.git(&["commit-tree", "HEAD^{tree}", "-m", "of another line"]);
    shop.git(&["tag", "v1.2.4", elsewhere.trim()]);
    shop.bump(&[]).ended_with(3).said("a tag v1.2.4 already");
    shop.git(&["tag", "-d", "v1.2.4"]);
    shop.write("Cargo.lock", &FILES[3].1.replace("\"log\",\n", "\"log\",\n\n"));
    shop.bump(&[]).ended_with(3).said("Cargo.lock: it has changes that are not committed");
    shop.write("Cargo.lock", FILES[3].1);
    untouched();

    shop.write("pyproject.toml", "[project]\nversion = \"1.2.2\"\n");
    shop.write("web/package.json", "{\"version\": \"1.2.3\", \"version\": \"1.2.3\"}");
    shop.git(&["commit", "-q", "-am", "1.2.3"]);
    shop.bump(&[]).ended_with(3).said("web/package.json: `version` is there twice");
    shop.write("web/package.json", "{\"version\": \"1.2.3\"}");
    shop.git(&["commit", "-q", "-am", "1.2.3"]);
    shop.bump(&[])
        .ended_with(3)
        .said("files disagree")
        .said("pyproject.toml holds 1.2.2")
        .said("VERSION holds v1.2.3");
    shop.git(&["rm", "-q", "--cached", "web/package.json"]);
    std::fs::remove_file(shop.yard.file("web/package.json")).unwrap();
    std::os::unix::fs::symlink("../package.json", shop.yard.file("web/package.json")).unwrap();
    shop.git(&["add", "-A"]);
    shop.git(&["commit", "-q", "-m", "1.2.3"]);
    shop.bump(&[]).ended_with(3).said("web/package.json: it is a symbolic link");
    untouched();
}

#[test]
fn what_lies_elsewhere_is_never_written_to() {
    let shop = Shop::new();
    let put = |arguments: &[&str]| {
        let begin = ["version-files", "--write", "1.2.4", "--from", "1.2.3"];
        shop.yard.shell.flightdeck(&[&begin[..], arguments].concat())
    };
    std::fs::write(shop.yard.world.path("VERSION"), "1.2.3\n").unwrap();
    put(&["--file", "../VERSION"]).ended_with(1).said("out of the repository");
    put(&["--file", "VERSION", "--file", "package.json"]).ended_with(1).said("neither 1.2.3 nor 1.2.4");
    assert_eq!(shop.read("VERSION"), "v1.2.3", "none is changed where one cannot be");
    assert_eq!(std::fs::read_to_string(shop.yard.world.path("VERSION")).unwrap(), "1.2.3\n");
    let check = |version: &str, rest: &[&str]| {
        let begin = ["version-files", "--check", version, "--file", "VERSION"];
        shop.yard.shell.flightdeck(&[&begin[..], rest].concat()).code()
    };
    assert_eq!((check("1.2.3", &[]), check("1.2.4", &[])), (Some(0), Some(1)));
    assert_eq!(check("1.2.3", &["--at", "refs/heads/main"]), Some(0));
    assert_eq!(check("1.2.3", &["--at", "refs/heads/gone"]), Some(6), "nobody can tell");
}
