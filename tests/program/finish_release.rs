//! What a finish sends out: the tag that comes next, into branches that are open, and nothing else
//! unless somebody types it.

use super::finish_git_flow::Flow;
use super::world::Ended;

/// A repository in which nothing but tags tells the version.
fn tagged(config: &str, tags: &[&str]) -> Flow {
    let flow = Flow::new();
    flow.git(&["push", "--quiet", "origin", ":v1.2.3"]);
    flow.git(&["tag", "--delete", "v1.2.3"]);
    flow.git(&["rm", "--quiet", "VERSION"]);
    for tag in tags {
        flow.write("released.txt", tag);
        flow.commit(tag);
        flow.git(&["tag", "--annotate", "-m", tag, tag]);
        flow.git(&["push", "--quiet", "origin", "main", tag]);
    }
    let whole = std::fs::read_to_string(flow.shell.directory.join("flightdeck.toml")).unwrap();
    flow.write("flightdeck.toml", &whole.replace("[hotfix]\n", &format!("[hotfix]\n{config}")));
    flow.shell.flightdeck(&["trust"]).succeeded();
    flow.git(&["commit", "--quiet", "--all", "--allow-empty", "-m", "configure"]);
    flow.git(&["push", "--quiet", "origin", "main"]);
    flow
}

fn fix(flow: &Flow) {
    flow.shell.flightdeck(&["hotfix", "start", "pool-limit"]).succeeded();
    flow.write("src/pool.rs", "limit 200\n");
    flow.commit("raise the limit");
}

fn previewed(flow: &Flow) -> Ended {
    flow.git(&["fetch", "--quiet"]);
    flow.shell.flightdeck(&["hotfix", "finish", "--dry-run"]).succeeded()
}

#[test]
fn the_tag_after_the_last_one_of_the_same_series_goes_out() {
    for (config, setting, tags, step) in [
        ("tag_prefix = \"api-v\"\n", None, &["api-v1.4.0", "v9.0.0"][..], "api-v1.4.0 → api-v1.4.1"),
        ("", None, &["1.2.2", "1.2.3"], "1.2.3 → 1.2.4"),
        ("", None, &["1.0.0", "v1.0.1", "1.1.0", "1.2.0", "1.2.3"], "1.2.3 → 1.2.4"),
        ("", Some("rel-"), &["rel-1.4.0"], "rel-1.4.0 → rel-1.4.1"),
    ] {
        let flow = tagged(config, tags);
        if let Some(prefix) = setting {
            flow.git(&["config", "gitflow.prefix.versiontag", prefix]);
        }
        fix(&flow);
        let dry = previewed(&flow);
        assert!(dry.stdout.contains(&format!("note: tag {step}: no file holds a version")), "{}", dry.stdout);
        assert!(dry.stdout.contains("--confirm main"), "{}", dry.stdout);
    }
    // As the program does it, too.
    let flow = tagged("", &["1.2.3"]);
    fix(&flow);
    flow.finish(&[]).succeeded();
    assert!(flow.names_there().contains(&"refs/tags/1.2.4".to_owned()));
}

#[test]
fn a_file_that_never_held_what_was_tagged_is_not_the_version() {
    let flow = tagged("", &[]);
    flow.write("Cargo.toml", "[package]\nname = \"core\"\nversion = \"0.1.0\"\n");
    flow.commit("core");
    flow.git(&["tag", "--annotate", "-m", "x", "v2.55.0"]);
    flow.git(&["push", "--quiet", "origin", "main", "v2.55.0"]);
    fix(&flow);
    let bump = flow.shell.flightdeck(&["hotfix", "bump"]).ended_with(3);
    bump.said("Cargo.toml does not hold the version: it held 0.1.0 when v2.55.0 was tagged");
    let dry = previewed(&flow);
    assert!(dry.stdout.contains("note: tag v2.55.0 → v2.55.1"), "{}", dry.stdout);
    assert!(dry.stdout.contains("note: Cargo.toml does not hold the version"), "{}", dry.stdout);
}

#[test]
fn a_tag_that_does_not_come_next_goes_out_only_where_it_is_typed() {
    for (raised, doubt) in [
        ("0.1.1", "v0.1.1 is not newer than the last tag, v1.2.3"),
        ("9.0.1", "v9.0.1 is more than one step after the last tag, v1.2.3"),
        ("1.2.4", "v1.2.4 is a step back: v1.2.9 is there, which the base does not hold"),
    ] {
        let flow = Flow::new();
        // Somebody has released it from another branch: only the remote knows.
        if raised == "1.2.4" {
            flow.git(&["switch", "--quiet", "--create", "next"]);
            flow.write("next.txt", "more\n");
            flow.commit("released from here");
            flow.git(&["push", "--quiet", "origin", "HEAD:refs/tags/v1.2.9"]);
            flow.git(&["switch", "--quiet", "main"]);
        }
        fix(&flow);
        // Somebody has named the file: it is the version, whatever was tagged.
        flow.write("src/version.txt", &format!("{raised}\n"));
        let config = std::fs::read_to_string(flow.shell.directory.join("flightdeck.toml")).unwrap();
        let named = "[[hotfix.versions]]\npath = \"src/version.txt\"\npattern = \"([0-9.]+)\"\n";
        let ignored = "[[hotfix.versions]]\npath = \"VERSION\"\nignore = true\n";
        flow.write("flightdeck.toml", &format!("{config}\n{named}\n{ignored}"));
        flow.commit("another file");
        flow.shell.flightdeck(&["trust"]).succeeded();
        let dry = previewed(&flow);
        let tag = format!("v{raised}");
        for part in [doubt, &format!("tag v1.2.3 → {tag}"), &format!("--confirm {tag}")] {
            assert!(dry.stdout.contains(part), "{part} in {}", dry.stdout);
        }
        let before = flow.there();
        flow.finish(&[]).ended_with(2).said(doubt);
        flow.shell.flightdeck(&["hotfix", "finish"]).ended_with(2).said(doubt);
        assert_eq!(flow.there(), before, "nothing went out");
        flow.shell.flightdeck(&["hotfix", "finish", "--confirm", &tag]).succeeded();
        assert!(flow.names_there().contains(&format!("refs/tags/{tag}")));
    }
}

#[test]
fn a_tag_of_another_series_than_the_last_goes_out_only_where_it_is_typed() {
    let flow = tagged("tag_prefix = \"web-\"\n", &["v1.2.3"]);
    flow.write("VERSION", "1.0.0\n");
    flow.commit("a file that is younger than the last tag");
    flow.git(&["push", "--quiet", "origin", "main"]);
    fix(&flow);
    flow.write("VERSION", "1.0.1\n");
    flow.commit("raise the version");
    flow.finish(&[]).ended_with(2).said("web-1.0.1 is of another series than the last tag, v1.2.3");
    flow.shell.flightdeck(&["hotfix", "finish", "--confirm", "web-1.0.1"]).succeeded();
    assert!(flow.names_there().contains(&"refs/tags/web-1.0.1".to_owned()));
}

#[test]
fn an_old_line_is_listed_and_left_and_an_open_release_gets_the_fix() {
    let flow = Flow::new();
    flow.git(&["switch", "--quiet", "--create", "release/1.1"]);
    flow.write("backport.txt", "kept alive\n");
    flow.commit("backport");
    flow.git(&["switch", "--quiet", "main"]);
    flow.write("big.txt", "2.0\n");
    flow.write("VERSION", "2.0.0\n");
    flow.commit("all of 2.0");
    flow.git(&["tag", "--annotate", "-m", "x", "v2.0.0"]);
    flow.git(&["switch", "--quiet", "--create", "release/2.1"]);
    flow.write("ready.txt", "2.1\n");
    flow.commit("make 2.1 ready");
    flow.git(&["switch", "--quiet", "main"]);
    flow.git(&["push", "--quiet", "origin", "main", "v2.0.0", "release/1.1", "release/2.1"]);
    let start = flow.shell.flightdeck(&["hotfix", "start", "pool-limit", "--dry-run"]).succeeded();
    assert!(start.stdout.contains("release/2.1 is open"), "{}", start.stdout);
    assert!(!start.stdout.contains("release/1.1"), "{}", start.stdout);
    fix(&flow);
    flow.write("VERSION", "2.0.1\n");
    flow.commit("raise the version");
    let status = flow.shell.json(&["hotfix", "status", "--json"]);
    assert!(!status.to_string().contains("release/1.1"), "{status}");
    let old = flow.there()["refs/heads/release/1.1"].clone();
    let done = flow.finish(&[]).succeeded();
    done.said("release/1.1 is left alone, last commit").said("it would get 1 commit of main besides the fix");
    let there = flow.there();
    assert_eq!(there["refs/heads/release/1.1"], old, "it is what it was");
    flow.git(&["fetch", "--quiet"]);
    let files = flow.git(&["ls-tree", "-r", "--name-only", "origin/release/2.1"]);
    assert!(
        files.contains("ready.txt") && flow.git(&["show", "origin/release/2.1:src/pool.rs"]) == "limit 200"
    );
    let nothing = flow.shell.flightdeck(&["hotfix", "finish"]).succeeded();
    assert!(nothing.stdout.contains("nothing is left to do"), "{nothing:?}");
}
