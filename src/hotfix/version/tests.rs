use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::types::VersionFile;

/// Files in memory.
struct Files(BTreeMap<String, String>);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

impl Tree for Files {
    fn read(&self, path: &str) -> Option<Result<String, String>> {
        self.0.get(path).cloned().map(Ok)
    }

    fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn called(&self, folder: &str, name: &str) -> Vec<String> {
        let is_it = |path: &&String| path.starts_with(folder) && path.rsplit('/').next() == Some(name);
        self.0.keys().filter(is_it).cloned().collect()
    }
}

fn file(path: &str, pattern: &str) -> VersionFile {
    VersionFile { path: path.to_owned(), pattern: pattern.to_owned(), ignore: false }
}

fn edited(path: &str, place: &Place, text: &str) -> Result<String, String> {
    edit(path, text, &[place], "1.2.3", "1.2.4")
}

fn entry(name: &str) -> Place {
    Place::Entry(name.to_owned())
}

const CARGO: &str = "# version = \"1.2.3\"\r\n[package]   # version = 1\r\nname='shop'\r\n\tversion  =  '1.2.3' # keep\r\n\r\n[dependencies]\r\nserde = { version = \"1.2.3\" }";

#[test]
fn only_the_versions_bytes_change() {
    let wanted = CARGO.replace("'1.2.3'", "'1.2.4'");
    assert_eq!(edited("Cargo.toml", &Place::Own, CARGO), Ok(wanted));

    let package = "\u{feff}{\n\t\"about\": \"\\\"version\\\": \\\"1.2.3\\\"\",\n\t\"dependencies\": {\"version\": \"1.2.3\"},\r\n\t\"vers\\u0069on\" :\"v1.2.3\" }";
    let wanted = package.replace(":\"v1.2.3\"", ":\"v1.2.4\"");
    assert_eq!(edited("web/package.json", &Place::Own, package), Ok(wanted));

    let lock = "{\"version\": \"1.2.3\", \"lockfileVersion\": 3, \"packages\": {\"\": {\"version\": \"1.2.3\"},\n\"node_modules/a\": {\"version\": \"1.2.3\"}, \"web\": {\"version\":\"1.2.3\"}}}";
    let both = lock.replacen("1.2.3", "1.2.4", 2);
    assert_eq!(edited("package-lock.json", &entry(""), lock), Ok(both));
    let web = lock.replace(":\"1.2.3\"", ":\"1.2.4\"");
    assert_eq!(edited("package-lock.json", &entry("web"), lock), Ok(web));

    let project =
        "[tool.poetry]\nversion=\"1.2.3\"\n[project]\nversion = \"1.2.3\"\n[tool.x]\nversion = \"1.2.3\"\n";
    assert_eq!(edited("pyproject.toml", &Place::Own, project), Ok(project.replacen("1.2.3", "1.2.4", 2)));

    assert_eq!(edited("VERSION", &Place::Own, " v1.2.3 \r\n\r\n"), Ok(" v1.2.4 \r\n\r\n".to_owned()));
    assert_eq!(edited("VERSION", &Place::Own, "1.2.3"), Ok("1.2.4".to_owned()));

    let header = Place::Pattern("^#define VERSION \"(.*)\"$".to_owned());
    let text = "// #define VERSION \"1.2.3\"\r\n#define VERSION \"1.2.3\"\r\nint main;";
    let wanted = "// #define VERSION \"1.2.3\"\r\n#define VERSION \"1.2.4\"\r\nint main;";
    assert_eq!(edited("a.h", &header, text), Ok(wanted.to_owned()));
}

#[test]
fn a_lock_is_changed_at_its_own_packages_only() {
    let lock = "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"1.2.3\"\ndependencies = [\n \"serde\",\n \"util 1.2.3\",\n \"util 1.2.3 (registry+x)\",\n]\n\n\
        [[package]]\nname = \"util\"\nversion = \"1.2.3\"\n\n\
        [[package]]\nname = \"util\"\nversion = \"1.2.3\"\nsource = \"registry+x\"\n";
    let own = edited("Cargo.lock", &entry("shop"), lock).unwrap();
    assert_eq!(own, lock.replacen("1.2.3", "1.2.4", 1));
    let both = edit("Cargo.lock", lock, &[&entry("shop"), &entry("util")], "1.2.3", "1.2.4").unwrap();
    let wanted = lock
        .replacen("1.2.3", "1.2.4", 1)
        .replace("\"util 1.2.3\"", "\"util 1.2.4\"")
        .replace("\"util\"\nversion = \"1.2.3\"\n\n", "\"util\"\nversion = \"1.2.4\"\n\n");
    assert_eq!(both, wanted);

    let uv = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\nsource = { registry = \"x\" }\n[[package]]\nname = \"shop\"\nversion = \"1.2.3\"\nsource = { editable = \".\" }\n";
    let found = spots("uv.lock", &entry(""), uv).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].span.start > uv.find("shop").unwrap());
}

#[test]
fn what_is_done_already_is_left_and_what_is_neither_is_refused() {
    assert_eq!(edited("VERSION", &Place::Own, "1.2.4\n"), Ok("1.2.4\n".to_owned()));
    let said = edited("VERSION", &Place::Own, "1.2.5\n").unwrap_err();
    assert!(said.contains("1.2.5") && said.contains("1.2.3"), "{said}");
    assert!(edited("Cargo.toml", &Place::Own, "[package]\nversion.workspace = true\n").is_err());
    assert!(
        edited("package-lock.json", &entry("x"), "{\"packages\":{}}").unwrap_err().contains("version of x")
    );
}

#[test]
fn files_that_are_not_right_say_so_and_are_never_guessed_at() {
    for (path, text, why) in [
        ("Cargo.toml", "[package\nversion = \"1.2.3\"", "line 1"),
        ("Cargo.toml", "[package]\nversion = \"1.2.3\"\nversion = \"1.2.3\"\n", "line 3: duplicate key"),
        ("Cargo.toml", "[package]\nversion = \"1\\u002E2.3\"\n", "cannot be changed for certain"),
        ("Cargo.toml", "[package]\nversion = \"\"\"1.2.3\"\"\"\n", "cannot be changed for certain"),
        ("Cargo.toml", "[package]\nversion = \"1.2.3 or so\"\n", "no valid version"),
        ("package.json", "{\"version\": \"1.2.3\",}", "not right as JSON"),
        ("package.json", "{\"version\": \"1.2.3\", \"version\": \"1.2.3\"}", "`version` is there twice"),
        ("package.json", "{\"version\": \"1.2\\u002e3\"}", "cannot be changed for certain"),
        ("package.json", "[\"version\"]", "not right as JSON"),
        ("package.json", "{\"version\": \"1.2.3\"} x", "not right as JSON"),
    ] {
        let said = spots(path, &Place::Own, text).unwrap_err();
        assert!(said.contains(why), "{path}: {said}");
    }
    let deep = format!("{{\"version\": \"1.2.3\", \"a\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(spots("package.json", &Place::Own, &deep).map(|found| found.len()), Ok(1));
    for text in ["{}", "{\"version\": 7}", "{\"a\": {\"version\": \"1.2.3\"}}"] {
        assert_eq!(spots("package.json", &Place::Own, text), Ok(Vec::new()), "{text}");
    }
    for text in ["", "see the changelog\n", " \n"] {
        assert_eq!(spots("VERSION", &Place::Own, text), Ok(Vec::new()), "{text:?}");
    }
}

#[test]
fn an_expression_has_to_find_a_version() {
    let find = |pattern: &str, text: &str| spots("x", &Place::Pattern(pattern.to_owned()), text);
    assert_eq!(find("v=(.*)", "a v=1\nb v=2\n").unwrap().len(), 2);
    assert!(find("v=(.*)", "v=\n").is_err() && find("(.*)", "1.2.3\n").is_err());
    assert_eq!(find("v=(.*)", "nothing"), Ok(Vec::new()));
}

fn held(files: &[(&str, &str)], configured: &[VersionFile]) -> (Vec<String>, Vec<String>) {
    let found = find(&Files::new(files), configured);
    let shown = found.held.iter().map(|held| {
        let place = match &held.target.place {
            Place::Own => String::new(),
            Place::Entry(name) => format!(" ({name})"),
            Place::Pattern(_) => " (pattern)".to_owned(),
        };
        format!("{}{place} {}", held.target.path, held.versions.join(" "))
    });
    let broken = found.broken.iter().map(|broken| format!("{}: {}", broken.path, broken.why));
    (shown.collect(), broken.collect())
}

#[test]
fn recognised_files_come_with_their_locks() {
    let lock = "[[package]]\nname = \"shop\"\nversion = \"1.2.3\"\n[[package]]\nname = \"pay\"\nversion = \"1.2.3\"\n[[package]]\nname = \"other\"\nversion = \"1.2.3\"\n";
    let files = [
        ("VERSION", "1.2.3\n"),
        (
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion.workspace = true\n[workspace.package]\nversion = \"1.2.3\"\n",
        ),
        ("Cargo.lock", lock),
        ("crates/pay/Cargo.toml", "[package]\nname = \"pay\"\nversion = { workspace = true }\n"),
        ("crates/other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"1.2.3\"\n"),
        ("package.json", "{\"version\": \"1.2.3\"}"),
        ("package-lock.json", "{\"version\": \"1.2.3\"}"),
        ("docs/package.json", "{\"version\": \"9.9.9\"}"),
    ];
    let (found, broken) = held(&files, &[]);
    assert_eq!(
        found,
        [
            "VERSION 1.2.3",
            "Cargo.toml 1.2.3",
            "package.json 1.2.3",
            "Cargo.lock (pay) 1.2.3",
            "Cargo.lock (shop) 1.2.3",
            "package-lock.json () 1.2.3",
        ]
    );
    assert_eq!(broken, [""; 0]);
}

#[test]
fn configured_files_are_added_replaced_or_left_alone() {
    let files = [
        ("VERSION", "1.2.3\n"),
        ("package.json", "{\"version\": \"0.0.0\"}"),
        ("package-lock.json", "{\"version\": \"0.0.0\"}"),
        ("web/package.json", "{\"version\": \"1.2.3\"}"),
        ("web/package-lock.json", "{\"packages\": {\"\": {\"version\": \"1.2.3\"}}}"),
        ("src/version.h", "#define V \"1.2.3\"\n"),
    ];
    let alone = VersionFile { ignore: true, ..file("package.json", "") };
    let (found, broken) =
        held(&files, &[alone, file("web/package.json", ""), file("src/version.h", "V \"(.*)\"")]);
    assert_eq!(
        found,
        [
            "VERSION 1.2.3",
            "web/package.json 1.2.3",
            "src/version.h (pattern) 1.2.3",
            "web/package-lock.json () 1.2.3"
        ]
    );
    assert_eq!(broken, [""; 0]);
    let (_, broken) =
        held(&files, &[file("gone", "(.*)"), file("src/version.h", "W (.*)"), file("src/version.h", "")]);
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(
        broken[0].contains("gone: it is not there") && broken[1].contains("nothing in it matches"),
        "{broken:?}"
    );
}

#[test]
fn versions_of_a_branch_are_compared_with_those_of_its_base() {
    let pair = |path: &str, version: &str| (path.to_owned(), version.to_owned());
    let base = [pair("VERSION", "v1.2.3"), pair("Cargo.toml", "1.2.3")];
    assert!(agree(&base) && agree(&[]));
    let branch = [pair("VERSION", "1.2.4"), pair("Cargo.toml", "1.2.3")];
    let series = Series { prefix: "v".into(), ..Series::default() };
    let bump = compare(&base, &branch, &series).unwrap();
    assert_eq!((bump.from.as_str(), bump.to.as_str()), ("v1.2.3", "1.2.4"));
    assert_eq!(bump.disagree, branch);
    assert_eq!(compare(&base, &base, &series).unwrap().disagree, []);
    assert_eq!(compare(&[], &branch, &series), None);
}

fn version() -> impl Strategy<Value = String> {
    "(0|[1-9][0-9]{0,4})\\.(0|[1-9][0-9]{0,4})\\.(0|[1-9][0-9]{0,4})"
}

fn noise() -> impl Strategy<Value = String> {
    "[ a-z0-9.=#'\u{e9}\u{1f600}-]{0,20}"
}

/// A file of each kind around a version: what comes before, and what after.
fn around() -> impl Strategy<Value = (&'static str, Place, String, String)> {
    (noise(), noise(), "(\n|\r\n)", 0..6).prop_map(|(a, b, end, kind)| {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        match kind {
            0 => ("VERSION", Place::Own, end.repeat(2), end),
            1 => (
                "Cargo.toml",
                Place::Own,
                format!("# {a}{end}[package]{end}version = \""),
                format!("\" #{b}"),
            ),
            2 => (
                "package.json",
                Place::Own,
                format!("{{{end}\t{}: {}, \"version\":\"", json(&format!("{a}x")), json(&b)),
                format!("\"{end}}}{end}"),
            ),
            3 => (
                "pyproject.toml",
                Place::Own,
                format!("[tool]{end}a = {}{end}[tool.poetry]{end}version='", json(&a)),
                format!("'{end}# {b}"),
            ),
            4 => (
                "Cargo.lock",
                Place::Entry("shop".to_owned()),
                format!("# {a}{end}[[package]]{end}name = \"shop\"{end}version = \""),
                format!("\"{end}[[package]]{end}name = {}{end}version = \"0.0.0\"{end}", json(&b)),
            ),
            _ => (
                "src/a.c",
                Place::Pattern("^V=\"([^\"]*)\";$".to_owned()),
                format!("//{a}{end}V=\""),
                format!("\";{end}//{b}"),
            ),
        }
    })
}

proptest! {
    #[test]
    fn an_edit_changes_the_versions_bytes_only_and_reads_back(
        (path, place, before, after) in around(), from in version(), to in version(), v in proptest::bool::ANY
    ) {
        let v = if v { "v" } else { "" };
        let text = format!("{before}{v}{from}{after}");
        let edited = edit(path, &text, &[&place], &from, &to);
        prop_assert_eq!(&edited, &Ok(format!("{before}{v}{to}{after}")));
        let back = edit(path, &edited.unwrap(), &[&place], &to, &from);
        prop_assert_eq!(back, Ok(text));
    }

    #[test]
    fn no_text_makes_a_reader_panic_or_find_what_is_not_there(
        text in "[\\[\\]{}a-z0-9\"'=.:, \\\\\n\r#\u{e9}\u{feff}-]{0,60}|\\[package\\]\nversion *= *[\"'a-z0-9.\\\\]{0,12}"
    ) {
        for path in ["VERSION", "Cargo.toml", "Cargo.lock", "package.json", "package-lock.json", "pyproject.toml", "uv.lock"] {
            for place in [Place::Own, Place::Entry(String::new()), Place::Pattern("(.*)".to_owned())] {
                if let Ok(found) = spots(path, &place, &text) {
                    for spot in found {
                        prop_assert_eq!(text.get(spot.span), Some(spot.version.as_str()));
                    }
                }
            }
        }
    }

    #[test]
    fn what_comes_next_is_newer_and_nothing_lies_between(text in version()) {
        let old = Version::parse(&text).unwrap();
        let next = Version::parse(&old.next_patch().unwrap()).unwrap();
        prop_assert!(next > old && next.is_strict());
        let (first, last) = next.text().rsplit_once('.').unwrap();
        prop_assert_eq!(format!("{first}.{}", last.parse::<u64>().unwrap() - 1), text);
    }
}
